"""The web service: JSON API, pages and maps."""
