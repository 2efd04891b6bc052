"""Rank the villages of a French département for the people who want to live there."""

__version__ = "0.2.0"

__all__ = ["__version__"]
