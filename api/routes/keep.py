"""What a mover takes away: a shortlist on paper, files, a message to an adviser.

Hides which headers each gets. Files take their turn; the form of the message is read here, so that
no error ever repeats what was typed, and its answers are kept by nobody. Where the advisers keep
their files on this service, the form opens one; where their database does not answer, or too many
forms came, it prepares the message as everywhere else and says that nothing was sent.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from typing import NamedTuple

import orjson
from fastapi import APIRouter, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, Response

from api.accompany import Typed, accompany_view, field_faults, message_view, read_typed
from api.addresses import canonical, page_address, public_address, split_off
from api.asking import read_query
from api.dependencies import FRESH, TerritoryDep
from api.desk import Desk, client_address
from api.enquiries import Inbox
from api.faults import FormError
from api.forms import MAX_PICKS, Asked, other_language
from api.frame import FrameView, frame_view, refusal, sorry
from api.in_service import territory_of_request
from api.rendering import render
from api.shortlist import shortlist_view
from api.texts import translator
from api.turns import odds_in_turn, turn
from geo_matcher.errors import DossierError, StoreError, UnknownCommuneError
from geo_matcher.exports import to_csv, to_geojson
from geo_matcher.geopackage import to_geopackage
from geo_matcher.matching import Ranking, rank
from geo_matcher.numbers import format_date
from geo_matcher.robustness import Odds
from geo_matcher.snapshot import REMEMBERED
from geo_matcher.territory import Territory

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

logger = logging.getLogger(__name__)

PRIVATE = {"Cache-Control": "no-store"}
MAX_SHOWN = 60

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "geojson": "application/geo+json",
    "gpkg": "application/geopackage+sqlite3",
}


class _Search(NamedTuple):
    """A search and the villages that an address names."""

    asked: Asked
    ranking: Ranking
    codes: list[str]


def _search(request: Request, territory: Territory) -> _Search | Response:
    """Read a search and the villages of an address, or say what cannot be read."""
    named, query = split_off(request, "village")
    try:
        asked = read_query(territory, query)
    except FormError as error:
        return refusal(territory, error)
    t = translator(asked.language)
    back = canonical(asked)
    if len(named) > MAX_PICKS:
        text = t("shortlist.count", found=len(named), most=MAX_PICKS)
        return sorry(territory, asked.language, asked.scope, [text], 422, back)
    codes: dict[str, None] = {}
    for name in named:
        try:
            codes[territory.find(name)] = None
        except UnknownCommuneError:
            text = t("frame.unknown", found=name[:MAX_SHOWN])
            return sorry(territory, asked.language, asked.scope, [text], 404, back)
    return _Search(asked, rank(territory, asked.profile, asked.scope), list(codes))


def _framed(
    territory: Territory, asked: Asked, path: str, codes: Sequence[str], title: str
) -> FrameView:
    return frame_view(
        territory,
        asked.language,
        title=title,
        back_query=canonical(asked, picks=asked.picks or codes),
        other_href=page_address(
            path,
            [("village", code) for code in codes],
            canonical(asked, other_language(asked.language)),
        ),
    )


def _first(ranking: Ranking) -> list[str]:
    return [ranking.matrix.codes[row] for row in ranking.order[:REMEMBERED].tolist()]


# --- On paper ------------------------------------------------------------------------------------


@router.get("/shortlist")
def show_shortlist(request: Request, territory: TerritoryDep) -> Response:
    """Show up to eight villages to be printed: those ticked, else the first of the search."""
    found = _search(request, territory)
    if isinstance(found, Response):
        return found
    asked, ranking, chosen = found
    codes = chosen or list(asked.picks) or _first(ranking)
    known = set(territory.codes)
    places = {row: place for place, row in enumerate(ranking.order.tolist())}
    rows = [ranking.position(code) for code in codes if code in known]
    if not rows:
        text = translator(asked.language)("shortlist.nothing")
        return sorry(territory, asked.language, asked.scope, [text], 422, canonical(asked))
    rows.sort(key=lambda row: (places.get(row, len(places)), row))
    view = shortlist_view(
        odds_in_turn(ranking),
        rows,
        asked,
        is_chosen=bool(chosen or asked.picks),
        origin=public_address(request),
    )
    frame = _framed(territory, asked, "/shortlist", chosen, view.title)
    html = render("shortlist.html", asked.language, page=frame, shortlist=view)
    return HTMLResponse(html, headers=FRESH)


# --- As files ------------------------------------------------------------------------------------


@router.get("/downloads/villages.csv")
def download_csv(request: Request, territory: TerritoryDep) -> Response:
    """Give the whole list as a table, for a spreadsheet."""
    return _download(request, territory, "csv")


@router.get("/downloads/villages.geojson")
def download_geojson(request: Request, territory: TerritoryDep) -> Response:
    """Give the whole list with its outlines."""
    return _download(request, territory, "geojson")


@router.get("/downloads/villages.gpkg")
def download_geopackage(request: Request, territory: TerritoryDep) -> Response:
    """Give the whole list with its outlines, its places and its sources, for QGIS."""
    return _download(request, territory, "gpkg")


def _download(request: Request, territory: Territory, end: str) -> Response:
    found = _search(request, territory)
    if isinstance(found, Response):
        return found
    asked, ranking, _ = found
    odds = odds_in_turn(ranking)
    with turn():
        content = _file(ranking, odds, asked.language, end)
    name = f"villages-{asked.scope}-{territory.release_id}.{end}"
    headers = {
        **FRESH,
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Robots-Tag": "noindex",
    }
    return Response(content, media_type=MEDIA_TYPES[end], headers=headers)


def _file(ranking: Ranking, odds: Odds, language: str, end: str) -> bytes:
    if end == "csv":
        return to_csv(ranking, odds=odds).encode("utf-8-sig")  # spreadsheets open it by a click
    if end == "geojson":
        return orjson.dumps(to_geojson(ranking, language=language, odds=odds))
    return to_geopackage(ranking, language=language, odds=odds)


# --- With an adviser -----------------------------------------------------------------------------


@router.get("/accompany")
def show_form(request: Request, territory: TerritoryDep) -> Response:
    """Show the form that prepares a message to the advisers."""
    found = _search(request, territory)
    if isinstance(found, Response):
        return found
    known = set(territory.codes)
    picked = [code for code in found.asked.picks if code in known]
    offered = found.codes or picked or _first(found.ranking)
    return _form(request, territory, found, Typed(villages=tuple(offered)), offered)


@router.post("/accompany")
async def prepare_message(request: Request, territory: TerritoryDep) -> Response:
    """Open a file or prepare the message, or say beside each field what cannot be used."""
    body = await request.body()
    return await run_in_threadpool(_prepared, request, territory, body)


def _prepared(request: Request, territory: Territory, body: bytes) -> Response:
    found = _search(request, territory)
    if isinstance(found, Response):
        return found
    typed = read_typed(body)
    known = set(territory.codes)
    sent = [code for code in typed.villages if code in known][:MAX_PICKS]
    offered = found.codes or sent or _first(found.ranking)
    language = found.asked.language
    if faults := field_faults(typed, territory, language):
        return _form(request, territory, found, typed, offered, faults)
    is_text = "as=text" in body.decode("ascii", errors="replace").split("&")
    status, note = 200, ""
    if not is_text and request.app.state.desk.is_open:
        outcome = _sent(request, territory, found, typed, offered)
        if isinstance(outcome, Response):
            return outcome
        status, note = outcome
    settings = request.app.state.settings
    view = message_view(
        found.ranking,
        found.asked,
        typed,
        recipient=settings.contact_email or territory.about.contact_email,
        origin=public_address(request),
        today=dt.date.today(),
        offered=offered,
    )
    if is_text:
        name = translator(language)("mail.file")
        headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="{name}.txt"'}
        return Response(view.text, media_type="text/plain; charset=utf-8", headers=headers)
    frame = _framed(territory, found.asked, "/accompany", offered, view.title)
    html = render("message.html", language, page=frame, message=view, note=note)
    return HTMLResponse(html, status_code=status, headers=PRIVATE)


def _sent(
    request: Request, territory: Territory, found: _Search, typed: Typed, offered: Sequence[str]
) -> Response | tuple[int, str]:
    """Open a file for a request, or give the status and the reason why none was opened."""
    desk: Desk = request.app.state.desk
    inbox: Inbox = request.app.state.inbox
    language = found.asked.language
    t = translator(language)
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return 403, t("message.not_sent.elsewhere")
    try:
        received = inbox.take(
            desk.database(),
            found.asked,
            typed,
            wording=t("accompany.kept.consent"),
            address=client_address(request),
        )
    except DossierError:  # a field that the form lets through and a file does not
        return 422, t("message.not_sent.fields")
    except (StoreError, HTTPException) as error:
        logger.error("A request could not be taken in: %s", type(error).__name__)
        return 503, t("message.not_sent.closed")
    if received is None:
        return 429, t("message.not_sent.many")
    frame = _framed(territory, found.asked, "/accompany", offered, t("sent.title"))
    html = render(
        "sent.html",
        language,
        page=frame,
        key=received.key,
        day=format_date(received.until, language),
        email=request.app.state.settings.contact_email
        or territory_of_request(request.scope).about.contact_email,
    )
    return HTMLResponse(html, headers=PRIVATE)


def _form(
    request: Request,
    territory: Territory,
    found: _Search,
    typed: Typed,
    offered: Sequence[str],
    faults: dict[str, str] | None = None,
) -> Response:
    view = accompany_view(
        found.ranking,
        found.asked,
        typed,
        offered=offered,
        faults=faults,
        is_kept=request.app.state.desk.is_open,
    )
    frame = _framed(territory, found.asked, "/accompany", offered, view.title)
    html = render("accompany.html", found.asked.language, page=frame, accompany=view)
    return HTMLResponse(html, status_code=422 if faults else 200, headers=PRIVATE)
