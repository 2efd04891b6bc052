"""The planners' page, its map and its files.

Hides which status and headers each gets. The address holds the whole scenario; what is left at its
default is taken out of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import orjson
from fastapi import APIRouter, HTTPException, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.dependencies import FRESH, TerritoryDep
from api.forms import default_scope, other_language, to_query
from api.frame import frame_view, sorry
from api.planning import ROBUST_DRAWS, planning_view, scenario_asked
from api.planning_form import PATH, PlanAsked, parse_plan_query
from api.planning_work import core_of, lifts_of, plan_of
from api.rendering import render
from api.routes.pages import MAP_POLICY
from api.routes.territory import REPORT_POLICY
from api.texts import translator
from geo_matcher.errors import NotInReleaseError, ScenarioError
from geo_matcher.planning import gaps_with_newcomers
from geo_matcher.planning_files import plan_csv, plan_geojson, plan_geopackage
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

DOWNLOAD = "download=1"
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "geojson": "application/geo+json",
    "gpkg": "application/geopackage+sqlite3",
}


@router.get(PATH)
def show_planning(request: Request, territory: TerritoryDep) -> Response:
    """Show the planners' page; it works without JavaScript."""
    query = _query(request)
    asked = parse_plan_query(query, territory)
    if not asked.faults and query != asked.query():
        return RedirectResponse(asked.href(), status_code=303, headers=FRESH)
    return _patient(territory, asked, lambda: _page(territory, asked))


def _page(territory: Territory, asked: PlanAsked) -> Response:
    language = asked.language
    other = other_language(language)
    frame = frame_view(
        territory,
        language,
        title=translator(language)("plan.page"),
        back_query=to_query(Profile(), default_scope(), language),
        other_href=asked.href(lang=other),
    )
    html = render("planning.html", language, page=frame, view=planning_view(territory, asked))
    return HTMLResponse(html, status_code=422 if asked.faults else 200, headers=FRESH)


@router.get("/maps/planning")
def show_planning_map(request: Request, territory: TerritoryDep) -> Response:
    """Give the Folium map of a scenario, which opens from disk too."""
    from geo_matcher.planning_map import planning_map_html

    parts = _query(request).split("&")
    is_download = DOWNLOAD in parts
    asked = parse_plan_query("&".join(part for part in parts if part != DOWNLOAD), territory)
    if asked.faults:
        return _refused(territory, asked)

    def make() -> Response:
        scenario = scenario_asked(asked, territory)
        html = planning_map_html(
            territory,
            gaps_with_newcomers(territory),
            plan_of(territory, scenario),
            core_of(territory, scenario, ROBUST_DRAWS) if asked.fields["robust"] else None,
            lifts_of(territory, asked.fields["lift"], "all") if asked.fields["lift"] else None,
            asked.language,
        )
        word = "carte-planification" if asked.language == "fr" else "planning-map"
        way = "attachment" if is_download else "inline"
        name = f"{word}-{territory.release_id}.html"
        headers = {
            **FRESH,
            "Content-Disposition": f'{way}; filename="{name}"',
            "Content-Security-Policy": MAP_POLICY,
        }
        return HTMLResponse(html, headers=headers)

    return _patient(territory, asked, make)


@router.get("/downloads/plan.{kind}")
def download_plan(
    request: Request, territory: TerritoryDep, kind: Literal["csv", "geojson", "gpkg", "html"]
) -> Response:
    """Give a plan as a file, or the report on it."""
    asked = parse_plan_query(_query(request), territory)
    if asked.faults:
        return _refused(territory, asked)

    def make() -> Response:
        scenario = scenario_asked(asked, territory)
        plan, found = plan_of(territory, scenario), gaps_with_newcomers(territory)
        name = f"plan-{territory.release_id}-{scenario.id}.{kind}"
        headers = {**FRESH, "Content-Disposition": f'attachment; filename="{name}"'}
        if kind == "html":
            from geo_matcher.planning_report import planning_report_html

            headers["Content-Disposition"] = f'inline; filename="{name}"'
            headers["Content-Security-Policy"] = REPORT_POLICY
            return HTMLResponse(planning_report_html(territory, plan, found), headers=headers)
        content: str | bytes
        if kind == "csv":
            content = plan_csv(plan.as_dict())
        elif kind == "geojson":
            content = orjson.dumps(plan_geojson(territory, plan, found, asked.language))
        else:
            content = plan_geopackage(territory, plan, found, asked.language)
        return Response(content, headers=headers, media_type=MEDIA[kind])

    return _patient(territory, asked, make)


def _query(request: Request) -> str:
    query: bytes = request.scope["query_string"]
    return query.decode("latin-1")


def _refused(territory: Territory, asked: PlanAsked) -> Response:
    texts = [fault.text for fault in asked.faults]
    return sorry(territory, asked.language, default_scope(), texts, 422)


def _patient(territory: Territory, asked: PlanAsked, make: Callable[[], Response]) -> Response:
    """Answer, or say on a page that too many wait, or that no plan was found in time."""
    try:
        return make()
    except NotInReleaseError:
        text = translator(asked.language)("plan.no_lines")
        return sorry(territory, asked.language, default_scope(), [text], 404)
    except ScenarioError:
        text = translator(asked.language)("plan.hard")
        return sorry(territory, asked.language, default_scope(), [text], 422)
    except HTTPException as busy:
        text = translator(asked.language)("plan.busy")
        page = sorry(territory, asked.language, default_scope(), [text], busy.status_code)
        page.headers.update(busy.headers or {})
        return page
