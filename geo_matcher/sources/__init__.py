"""Where data comes from: one module for each producer; nothing else uses the network."""
