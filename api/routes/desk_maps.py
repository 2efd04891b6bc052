"""The advisers' maps: one for each file, one for the whole portfolio, each one file to keep.

Hides what each holds: a family's own map has its list and its visits, that of the portfolio has
counts of five families at least. Neither has anybody's name in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import Response

from api.desk_work import DeskDep
from api.private import PAGES
from api.routes.pages import MAP_POLICY
from api.texts import translator
from api.turns import turn

if TYPE_CHECKING:
    from api import desk_portfolio, desk_show
    from api.desk_work import DeskRequest
    from geo_matcher import desk_map
    from geo_matcher.dossiers import accounts, portfolio_places, reading
else:
    from api.later import Later

    desk_portfolio = Later("api.desk_portfolio")
    desk_show = Later("api.desk_show")
    desk_map = Later("geo_matcher.desk_map")
    accounts = Later("geo_matcher.dossiers.accounts")
    portfolio_places = Later("geo_matcher.dossiers.portfolio_places")
    reading = Later("geo_matcher.dossiers.reading")

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

LISTED = 10
"""Villages of a family's list on its map."""


def _answer(found: DeskRequest, facts: desk_map.DeskFacts, name: str) -> Response:
    with turn():
        html = desk_map.desk_map_html(found.territory, facts, found.language)
    inline = not found.asked("telecharger")
    return found.file(html, "text/html; charset=utf-8", name, policy=MAP_POLICY, inline=inline)


@router.get(f"{PAGES}/dossiers/{{key}}/carte")
def show_file_map(found: DeskDep, key: str) -> Response:
    """Give the map of one household: its list, its visits, what is around."""
    accounts.require(found.account, accounts.Right.READ)
    file = reading.read_file(found.db, key, by=found.account)
    ranking = desk_show.ranked_for(found, file).ranking
    t = translator(found.language)
    if ranking is None:
        faults = {"profile": t("desk.fault.profile")}
        return desk_show.file_page(found, key, faults=faults, status=422)
    facts = desk_map.DeskFacts(
        title=t("desk.map.of", key=file.key),
        ranking=ranking,
        shortlist={one["insee_code"]: one["rank"] for one in ranking.results(LISTED)[:LISTED]},
        visits={
            code: 1 for visit in file.visits if not visit.is_cancelled for code in visit.communes
        },
        is_demonstration=found.db.is_demonstration,
    )
    return _answer(found, facts, f"carte-{file.key}.html")


@router.get(f"{PAGES}/carte")
def show_portfolio(found: DeskDep) -> Response:
    """Show what the map of the portfolio says in short, and where the whole of it is."""
    places = portfolio_places.portfolio_places(found.db, by=found.account)
    view = desk_portfolio.portfolio_view(found.territory, places, found.language)
    title = translator(found.language)("desk.portfolio")
    return found.page("desk_portfolio.html", title, "/carte", view=view)


@router.get(f"{PAGES}/carte/reseau")
def show_portfolio_map(found: DeskDep) -> Response:
    """Give the map of the whole portfolio."""
    places = portfolio_places.portfolio_places(found.db, by=found.account)
    facts = desk_map.DeskFacts(
        title=translator(found.language)("desk.portfolio"),
        visits=places.visits,
        settled=places.settled,
        lists=places.lists,
        shown=places.shown,
        is_demonstration=found.db.is_demonstration,
    )
    return _answer(found, facts, "carte-du-reseau.html")
