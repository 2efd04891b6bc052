"""Measurements, each against a named peer in the same run. Never collected by pytest."""
