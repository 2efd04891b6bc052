"""Pages of their own beside the movers' page: why a village is where it is, villages side by side.

Hides which keys of an address are theirs: what remains is the address of the list they came from.
Both work without JavaScript.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote_plus, urlencode

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from api.compare import compare_view
from api.dependencies import TerritoryDep
from api.forms import Asked, FormError, other_language, parse_query, to_query
from api.frame import frame_view
from api.rendering import render
from api.results import fault_texts
from api.texts import translator
from api.turns import odds_in_turn, turn
from api.why import why_view
from geo_matcher.comparison import MAX_VILLAGES, MIN_VILLAGES, compare
from geo_matcher.errors import UnknownCommuneError
from geo_matcher.explanation import reasons
from geo_matcher.matching import rank
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

FRESH = {"Cache-Control": "no-cache"}
MAX_SHOWN = 60
MAX_ASKED = 12
"""Villages that an address may name before the others go unread."""


@router.get("/why")
def show_why(request: Request, territory: TerritoryDep) -> Response:
    """Say why a commune is where it is, as a page of its own."""
    return _why(request, territory, "why.html")


@router.get("/fragments/why")
def show_why_part(request: Request, territory: TerritoryDep) -> Response:
    """Say why a commune is where it is, to be shown over the movers' page."""
    return _why(request, territory, "_why.html")


def _why(request: Request, territory: Territory, template: str) -> Response:
    communes, query = _taken(request, "commune")
    try:
        asked = parse_query(query)
    except FormError as error:
        return _sorry(territory, error.language, error.scope, fault_texts(error), 422)
    name = communes[0] if communes else ""
    try:
        with turn():
            found = reasons(rank(territory, asked.profile, asked.scope), name)
    except UnknownCommuneError:
        text = translator(asked.language)("frame.unknown", found=name[:MAX_SHOWN])
        return _sorry(territory, asked.language, asked.scope, [text], 404, _canonical(asked))
    view = why_view(found, asked.language, _canonical(asked))
    frame = frame_view(
        territory,
        asked.language,
        title=view.title,
        back_query=_canonical(asked),
        other_href=_address("/why", [("commune", name)], asked, other_language(asked.language)),
    )
    html = render(template, asked.language, page=frame, why=view, framed=template == "why.html")
    return HTMLResponse(html, headers=FRESH)


@router.get("/compare")
def show_comparison(request: Request, territory: TerritoryDep) -> Response:
    """Show two to four villages side by side."""
    villages, query = _taken(request, "village")
    try:
        asked = parse_query(query)
    except FormError as error:
        return _sorry(territory, error.language, error.scope, fault_texts(error), 422)
    language, t = asked.language, translator(asked.language)
    ranking = rank(territory, asked.profile, asked.scope)
    codes = []
    for name in villages[:MAX_ASKED]:
        try:
            codes.append(territory.find(name))
        except UnknownCommuneError:
            text = t("frame.unknown", found=name[:MAX_SHOWN])
            return _sorry(territory, language, asked.scope, [text], 404, _canonical(asked))
    codes = list(dict.fromkeys(codes))
    if not MIN_VILLAGES <= len(codes) <= MAX_VILLAGES:
        text = t("compare.count", found=len(codes), least=MIN_VILLAGES, most=MAX_VILLAGES)
        return _sorry(territory, language, asked.scope, [text], 422, _canonical(asked))
    found = compare(ranking, codes)
    view = compare_view(found, odds_in_turn(ranking), language, _canonical(asked))
    own = [("village", village.insee_code) for village in found.villages]
    frame = frame_view(
        territory,
        language,
        title=view.title,
        back_query=_canonical(asked),
        other_href=_address("/compare", own, asked, other_language(language)),
    )
    return HTMLResponse(render("compare.html", language, page=frame, compare=view), headers=FRESH)


def _taken(request: Request, key: str) -> tuple[list[str], str]:
    """Split the values of one key off a query string."""
    query: bytes = request.scope["query_string"]
    values, rest = [], []
    for part in query.decode("latin-1").split("&"):
        name, _, value = part.partition("=")
        if name == key:
            values.append(unquote_plus(value))
        else:
            rest.append(part)
    return values, "&".join(rest)


def _canonical(asked: Asked, language: str | None = None) -> str:
    return to_query(asked.profile, asked.scope, language or asked.language, asked.top, asked.map)


def _address(path: str, own: Sequence[tuple[str, str]], asked: Asked, language: str) -> str:
    query = _canonical(asked, language)
    return f"{path}?{urlencode(own)}" + (f"&{query}" if query else "")


def _sorry(
    territory: Territory,
    language: str,
    scope: str,
    texts: Sequence[str],
    status: int,
    back_query: str | None = None,
) -> Response:
    """Show what cannot be read, and the way back."""
    frame = frame_view(
        territory,
        language,
        title=translator(language)("frame.sorry"),
        back_query=to_query(Profile(), scope, language) if back_query is None else back_query,
        other_href=f"/?{to_query(Profile(), scope, other_language(language))}",
    )
    html = render("sorry.html", language, page=frame, faults=texts)
    return HTMLResponse(html, status_code=status, headers=FRESH)
