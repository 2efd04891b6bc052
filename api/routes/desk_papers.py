"""What leaves the desk on paper or as a file: a visit, its calendar, the page for the family.

Hides which villages each holds: those of a visit are chosen anew, those of a family's page are the
first of their ranking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import Response

from api.desk_work import DeskDep
from api.private import PAGES
from api.rendering import render
from api.routes.territory import REPORT_POLICY
from api.texts import translator
from api.turns import odds_in_turn, turn
from geo_matcher.errors import DriveError

if TYPE_CHECKING:
    from api import desk_family, desk_show, desk_visit
    from api.desk_show import RankedFor
    from api.desk_work import DeskRequest
    from geo_matcher import visit_calendar
    from geo_matcher.dossiers import accounts, dossier, reading
else:
    from api.later import Later

    desk_family = Later("api.desk_family")
    desk_show = Later("api.desk_show")
    desk_visit = Later("api.desk_visit")
    visit_calendar = Later("geo_matcher.visit_calendar")
    accounts = Later("geo_matcher.dossiers.accounts")
    reading = Later("geo_matcher.dossiers.reading")

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

FILE = f"{PAGES}/dossiers/{{key}}"


def _file(found: DeskRequest, key: str) -> tuple[dossier.Dossier, RankedFor]:
    """Return a file and its ranking, for whoever may read it."""
    accounts.require(found.account, accounts.Right.READ)
    file = reading.read_file(found.db, key, by=found.account)
    return file, desk_show.ranked_for(found, file)


def _none_yet(found: DeskRequest, key: str) -> Response:
    """Say on the file's page that the household's wishes come first."""
    text = translator(found.language)("desk.fault.profile")
    return desk_show.file_page(found, key, faults={"profile": text}, status=422)


@router.get(f"{FILE}/visite")
def show_visit(found: DeskDep, key: str) -> Response:
    """Show the planner with its plan."""
    file, ranked = _file(found, key)
    if ranked.ranking is None:
        return _none_yet(found, key)
    params = found.request.query_params
    asked = desk_visit.read_visit(
        params, params.getlist("village"), found.territory, found.db.today(), found.language
    )
    plan, problem = None, None
    if not asked.faults:
        try:
            with turn():
                plan = desk_visit.visit_plan(ranked.ranking, asked)
        except DriveError as error:
            problem = error
    view = desk_visit.visit_view(
        ranked.ranking,
        plan,
        asked,
        file.key,
        found.language,
        hidden=[(name, value) for name in ("membre", "scope") if (value := found.asked(name))],
        problem=problem,
    )
    name = file.draft.name if file.draft else file.key
    title = translator(found.language)("desk.visit.of", name=name)
    return found.page(
        "desk_visit.html",
        title,
        f"/dossiers/{file.key}/visite",
        status=200 if plan else 422,
        query={name: params.get(name, "") for name in ("membre", "scope", "depart", "jour")},
        view=view,
    )


@router.get(f"{FILE}/visite.ics")
def visit_file(found: DeskDep, key: str) -> Response:
    """Give the plan as a calendar; it names villages and nobody."""
    file, ranked = _file(found, key)
    if ranked.ranking is None:
        return _none_yet(found, key)
    ranking, params = ranked.ranking, found.request.query_params
    asked = desk_visit.read_visit(
        params, params.getlist("village"), found.territory, found.db.today(), found.language
    )
    try:
        with turn():
            plan = desk_visit.visit_plan(ranking, asked)
    except DriveError:
        return found.sorry([translator(found.language)("desk.visit.fault.plan")], 422)
    content = visit_calendar.visit_calendar(
        found.territory,
        plan,
        asked.first_day,
        language=found.language,
        notes=lambda stop: desk_visit.visit_checks(ranking, stop, found.language),
    )
    return found.file(content, "text/calendar; charset=utf-8", f"visite-{file.key}.ics")


@router.get(f"{FILE}/famille")
def family_page(found: DeskDep, key: str) -> Response:
    """Give the page for the family: one file, in their language."""
    file, ranked = _file(found, key)
    if ranked.ranking is None or file.draft is None:
        return _none_yet(found, key)
    language = file.draft.language
    people = {one.login: one.name for one in accounts.list_users(found.db, by=found.account)}
    view = desk_family.family_view(
        odds_in_turn(ranked.ranking),
        ranked.ranking.order[: desk_family.SHOWN].tolist(),
        language,
        name=file.draft.name,
        adviser=people.get(file.draft.adviser or "", ""),
        contact=found.request.app.state.settings.contact_email
        or found.territory.about.contact_email,
        today=found.db.today(),
    )
    html = render("desk_family.html", language, view=view)
    name = f"villages-{file.key}.html"
    return found.file(html, "text/html; charset=utf-8", name, policy=REPORT_POLICY, inline=True)
