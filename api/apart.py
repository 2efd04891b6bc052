"""What the pages of their own share: their keys in an address, the way back, and excuses.

Hides how the keys of such a page and those of the list it came from stand in one query string.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote_plus, urlencode

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from api.forms import Asked, FormError, other_language, to_query
from api.frame import frame_view
from api.rendering import render
from api.results import fault_texts
from api.texts import translator
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory

__all__ = ["FRESH", "address", "canonical", "excuse", "refusal", "taken"]

FRESH = {"Cache-Control": "no-cache"}
"""Headers of a page that changes with the release."""


def taken(request: Request, key: str) -> tuple[list[str], str]:
    """Split the values of one key off the query string of a request.

    Returns
    -------
    tuple
        The values, decoded; what remains, still encoded: the query of the list.
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


def canonical(asked: Asked, language: str | None = None) -> str:
    """Return the query of a list, in its own language or in another."""
    return to_query(asked.profile, asked.scope, language or asked.language, asked.top)


def address(path: str, own: Sequence[tuple[str, str]], asked: Asked, language: str) -> str:
    """Return the address of a page of its own: its keys first, then those of the list."""
    query = canonical(asked, language)
    return f"{path}?{urlencode(own, safe=',:')}" + (f"&{query}" if query else "")


def excuse(
    territory: Territory,
    language: str,
    scope: str,
    texts: Sequence[str],
    status: int,
    back_query: str | None = None,
    *,
    near: Sequence[tuple[str, str]] = (),
) -> Response:
    """Show what cannot be read, and the way back.

    Parameters
    ----------
    territory
        The release in service.
    language, scope
        Those of the page.
    texts
        One sentence for each fault.
    status
        HTTP status.
    back_query
        The list to go back to; by default an empty search.
    near
        Pairs (name, address) of what looks alike.
    """
    frame = frame_view(
        territory,
        language,
        title=translator(language)("frame.sorry"),
        back_query=to_query(Profile(), scope, language) if back_query is None else back_query,
        other_href=f"/?{to_query(Profile(), scope, other_language(language))}",
    )
    html = render("sorry.html", language, page=frame, faults=texts, near=near)
    return HTMLResponse(html, status_code=status, headers=FRESH)


def refusal(territory: Territory, error: FormError) -> Response:
    """Show what cannot be read in the query of a list."""
    texts = fault_texts(error)
    return excuse(territory, error.language, error.scope, texts, 422)
