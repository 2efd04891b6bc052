"""Rank the villages of a French département for the people who want to live there."""

__version__ = "0.1.0"

__all__ = ["__version__"]
