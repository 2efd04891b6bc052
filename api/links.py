"""Addresses that come from data and may stand in a link of a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

__all__ = ["addresses", "safe_url"]

ADDRESS = re.compile(r"https?://\S+")


def safe_url(url: str) -> str:
    """Return an address that may stand in a link, else an empty text: only http and https may."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    return url.strip() if parts.scheme in {"http", "https"} and parts.hostname else ""


def addresses(source: str) -> Iterator[str]:
    """Yield the addresses that a source names."""
    for found in ADDRESS.findall(source):
        if url := safe_url(found.rstrip(";,.")):
            yield url
