"""Pages of their own beside the movers' page: why a village is where it is, villages side by side.

Hides which keys of an address are theirs: what remains is the address of the list they came from.
Both work without JavaScript.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from api.addresses import canonical, page_address, split_off
from api.asking import read_query
from api.compare import compare_view
from api.dependencies import FRESH, TerritoryDep
from api.faults import FormError
from api.forms import MAX_PICKS, other_language
from api.frame import frame_view, refusal, sorry
from api.rendering import render
from api.texts import translator
from api.turns import odds_in_turn, turn
from api.why import why_view
from geo_matcher.comparison import MAX_VILLAGES, MIN_VILLAGES, compare
from geo_matcher.errors import UnknownCommuneError
from geo_matcher.explanation import reasons
from geo_matcher.matching import rank
from geo_matcher.territory import Territory

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

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
    communes, query = split_off(request, "commune")
    try:
        asked = read_query(territory, query)
    except FormError as error:
        return refusal(territory, error)
    name = communes[0] if communes else ""
    try:
        with turn():
            found = reasons(rank(territory, asked.profile, asked.scope), name)
    except UnknownCommuneError:
        text = translator(asked.language)("frame.unknown", found=name[:MAX_SHOWN])
        return sorry(territory, asked.language, asked.scope, [text], 404, canonical(asked))
    view = why_view(found, asked.language, canonical(asked))
    frame = frame_view(
        territory,
        asked.language,
        title=view.title,
        back_query=canonical(asked),
        other_href=page_address(
            "/why", [("commune", name)], canonical(asked, other_language(asked.language))
        ),
    )
    html = render(template, asked.language, page=frame, why=view, framed=template == "why.html")
    return HTMLResponse(html, headers=FRESH)


@router.get("/compare")
def show_comparison(request: Request, territory: TerritoryDep) -> Response:
    """Show two to four villages side by side."""
    villages, query = split_off(request, "village")
    try:
        asked = read_query(territory, query)
    except FormError as error:
        return refusal(territory, error)
    language, t = asked.language, translator(asked.language)
    ranking = rank(territory, asked.profile, asked.scope)
    codes = []
    for name in villages[:MAX_ASKED]:
        try:
            codes.append(territory.find(name))
        except UnknownCommuneError:
            text = t("frame.unknown", found=name[:MAX_SHOWN])
            return sorry(territory, language, asked.scope, [text], 404, canonical(asked))
    codes = list(dict.fromkeys(codes))
    # The boxes of the list come back ticked; an address that ticks others keeps them.
    picks = asked.picks or codes[:MAX_PICKS]
    if not MIN_VILLAGES <= len(codes) <= MAX_VILLAGES:
        text = t("compare.count", found=len(codes), least=MIN_VILLAGES, most=MAX_VILLAGES)
        back = canonical(asked, picks=picks)
        return sorry(territory, language, asked.scope, [text], 422, back)
    found = compare(ranking, codes)
    view = compare_view(found, odds_in_turn(ranking), language, canonical(asked))
    own = [("village", village.insee_code) for village in found.villages]
    frame = frame_view(
        territory,
        language,
        title=view.title,
        back_query=canonical(asked, picks=picks),
        other_href=page_address("/compare", own, canonical(asked, other_language(language))),
    )
    return HTMLResponse(render("compare.html", language, page=frame, compare=view), headers=FRESH)
