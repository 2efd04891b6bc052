"""Addresses of the pages beside the list: which keys are theirs, and the way back.

Hides how the villages of a page are split off the address of the list that it came from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote_plus, urlencode

from fastapi import Request

from api.forms import Asked, to_query
from api.settings import Settings

__all__ = ["canonical", "page_address", "public_address", "split_off"]

HOST = re.compile(r"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")


def split_off(request: Request, key: str) -> tuple[list[str], str]:
    """Split the values of one key off the query string of a request.

    Returns
    -------
    tuple
        The values, decoded, and what remains of the query string, still encoded.
    """
    query: bytes = request.scope["query_string"]
    values, rest = [], []
    for part in query.decode("latin-1").split("&"):
        name, _, value = part.partition("=")
        if name == key:
            values.append(unquote_plus(value))
        else:
            rest.append(part)
    return values, "&".join(rest)


def canonical(
    asked: Asked, language: str | None = None, *, picks: Sequence[str] | None = None
) -> str:
    """Return the query of the list that a page came from, with the villages ticked in it.

    Parameters
    ----------
    asked
        What the list was asked.
    language
        Another language than that of the list.
    picks
        Villages to tick in place of those that the address ticks.
    """
    return to_query(
        asked.profile,
        asked.scope,
        language or asked.language,
        asked.top,
        asked.map,
        picks=asked.picks if picks is None else picks,
    )


def page_address(path: str, own: Sequence[tuple[str, str]], query: str) -> str:
    """Return the address of a page: its own keys, then the query of the list."""
    parts = [part for part in (urlencode(own), query) if part]
    return f"{path}?{'&'.join(parts)}" if parts else path


def public_address(request: Request) -> str:
    """Return where this service is found, with no slash at the end.

    It is the setting ``GEO_MATCHER_PUBLIC_URL``, else what the visitor asked for; empty when that
    is no host.
    """
    settings: Settings = request.app.state.settings
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = request.headers.get("host", "")
    scheme = request.scope.get("scheme", "http")
    return f"{scheme}://{host}" if HOST.fullmatch(host) else ""
