"""The movers' page, its live part, and the detailed map of the same answer.

Hides which status and which headers each gets. Nothing is guessed from headers: the address says
the language, the scope and the whole profile.
"""

from __future__ import annotations

import dataclasses

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.addresses import split_off
from api.asking import read_query
from api.cards import cards_of
from api.dependencies import FRESH, TerritoryDep, json_answer
from api.errors import problem
from api.faults import FormError
from api.forms import ORIGIN_KEY, Asked, href, other_language, profile_fields, to_query
from api.map_view import map_controls, typed_choice
from api.page import page_view
from api.questions import form_view
from api.rendering import render
from api.results import fault_results, odds_state, results_view
from api.security import CONTENT_SECURITY_POLICY
from api.since import is_of_this_release
from geo_matcher.matching import rank
from geo_matcher.origins import origin_label
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


TILE_HOSTS = ("https://data.geopf.fr", "https://tile.openstreetmap.org")
"""Where the base maps come from that a person may ask for; nothing is asked of them before."""

PAGE_POLICY = CONTENT_SECURITY_POLICY.replace(
    "img-src 'self' data:", " ".join(("img-src 'self' data:", *TILE_HOSTS))
)
"""The page may load the pictures of a base map, and nothing else from elsewhere."""

MAP_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The detailed map is one file with its scripts inside; it may load images that a person asks for
(the tiles of a base map), and nothing else."""

DOWNLOAD = "download=1"


@router.get("/")
def show_page(request: Request, territory: TerritoryDep) -> Response:
    """Show the whole page; it works without JavaScript."""
    query = _query(request)
    try:
        asked = read_query(territory, query)
    except FormError as error:
        return _fault_page(territory, error)
    if is_of_this_release(asked.seen, territory):  # nothing has moved: the link is the list's own
        asked = dataclasses.replace(asked, seen="", is_canonical=False)
    if not asked.is_canonical:
        return RedirectResponse(href(_canonical(asked)), status_code=303)
    origin = origin_label(territory, asked.profile)
    fields = profile_fields(asked.profile) | {ORIGIN_KEY: origin}
    form = form_view(fields, asked.profile, asked.scope, asked.language, map_choice=asked.map)
    query = to_query(asked.profile, asked.scope, asked.language, map_choice=asked.map)
    view = page_view(
        territory,
        form,
        results_view(rank(territory, asked.profile, asked.scope), asked),
        scope=asked.scope,
        language=asked.language,
        other_query=_canonical(asked, other_language(asked.language)),
        controls=map_controls(territory, asked.map, query, asked.language),
        is_plain=not to_query(
            asked.profile, asked.scope, map_choice=asked.map, picks=asked.picks, seen=asked.seen
        ),
    )
    headers = {**FRESH, "Content-Security-Policy": PAGE_POLICY}
    return HTMLResponse(render("page.html", asked.language, page=view), headers=headers)


@router.get("/fragments/matches")
def show_matches(request: Request, territory: TerritoryDep) -> Response:
    """Give the part of the page that changes with each answer, for live updates.

    Without odds and details, so that it comes at once; :func:`show_odds` and
    :func:`show_details` follow.
    """
    try:
        asked = read_query(territory, _query(request))
    except FormError as error:
        html = render("results.html", error.language, results=fault_results(error))
        return HTMLResponse(html, status_code=422, headers=FRESH)
    ranking = rank(territory, asked.profile, asked.scope)
    results = results_view(ranking, asked, is_live=True)
    return HTMLResponse(render("results.html", asked.language, results=results), headers=FRESH)


@router.get("/fragments/odds")
def show_odds(request: Request, territory: TerritoryDep) -> Response:
    """Give how sure each rank of a list is: it takes longer than the list, and follows it."""
    try:
        asked = read_query(territory, _query(request))
    except FormError as error:
        return problem(422, str(error), instance=request.url.path, problems=error.problems)
    return json_answer(odds_state(rank(territory, asked.profile, asked.scope), asked))


@router.get("/fragments/details")
def show_details(request: Request, territory: TerritoryDep) -> Response:
    """Give everything that is known of one village of a list, when somebody opens it."""
    communes, query = split_off(request, "commune")
    try:
        asked = read_query(territory, query)
        code = territory.find(communes[0] if communes else "")
    except FormError as error:
        return problem(422, str(error), instance=request.url.path, problems=error.problems)
    ranking = rank(territory, asked.profile, asked.scope)
    (card,) = cards_of(ranking, None, asked.language, [ranking.position(code)])
    return HTMLResponse(render("_details.html", asked.language, card=card), headers=FRESH)


@router.get("/maps/match")
def show_map(request: Request, territory: TerritoryDep) -> Response:
    """Give the detailed map, which opens from disk too."""
    from geo_matcher.maps import map_html

    parts = _query(request).split("&")
    is_download = DOWNLOAD in parts
    try:
        asked = read_query(territory, "&".join(part for part in parts if part != DOWNLOAD))
    except FormError as error:
        return _fault_page(territory, error)
    html = map_html(rank(territory, asked.profile, asked.scope), asked.language)
    word = "carte" if asked.language == "fr" else "map"
    name = f"{word}-{territory.release_id}-{asked.scope}.html"
    way = "attachment" if is_download else "inline"
    headers = {
        **FRESH,
        "Content-Disposition": f'{way}; filename="{name}"',
        "Content-Security-Policy": MAP_POLICY,
    }
    return HTMLResponse(html, headers=headers)


def _query(request: Request) -> str:
    query: bytes = request.scope["query_string"]
    return query.decode("latin-1")


def _canonical(asked: Asked, language: str | None = None) -> str:
    return to_query(
        asked.profile,
        asked.scope,
        language or asked.language,
        asked.top,
        asked.map,
        picks=asked.picks,
        seen=asked.seen,
    )


def _fault_page(territory: Territory, error: FormError) -> Response:
    """Show the page with the answers as typed and, in place of the list, what cannot be read."""
    view = page_view(
        territory,
        form_view(error.fields, Profile(), error.scope, error.language),
        fault_results(error),
        scope=error.scope,
        language=error.language,
        other_query=to_query(Profile(), error.scope, other_language(error.language)),
        controls=map_controls(territory, typed_choice(error.fields), "", error.language),
        is_plain=False,
    )
    html = render("page.html", error.language, page=view)
    headers = {**FRESH, "Content-Security-Policy": PAGE_POLICY}
    return HTMLResponse(html, status_code=422, headers=headers)
