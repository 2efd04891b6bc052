"""Invented official files, and a server that gives them out under their real addresses."""
