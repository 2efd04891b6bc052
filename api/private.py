"""Which addresses belong to the advisers' side.

Hides nothing but where that is: no cache keeps what lies there, and no error repeats what was sent.
"""

from __future__ import annotations

__all__ = ["API", "PAGES", "PUBLIC_FORM", "RELOAD", "holds_personal_data", "is_page", "is_private"]

PAGES = "/conseillers"
"""Where the pages of the advisers' side are."""

API = "/api/v1/dossiers"
"""Where its API is."""


RELOAD = "/api/v1/release/reload"
"""Where an administrator asks the service to take up another release."""

PUBLIC_FORM = "/accompany"
"""Where movers write to the advisers."""


def holds_personal_data(path: str) -> bool:
    """Tell whether what is sent to an address may tell of a person."""
    return is_private(path) or _is_under(path, PUBLIC_FORM)


def is_private(path: str) -> bool:
    """Tell whether an address lies on the advisers' side."""
    return is_page(path) or _is_under(path, API) or path == RELOAD


def is_page(path: str) -> bool:
    """Tell whether an address is one of the advisers' pages."""
    return _is_under(path, PAGES)


def _is_under(path: str, start: str) -> bool:
    return path == start or path.startswith(f"{start}/")
