"""What planners ask of programs: gaps, plans, lifts, sitings.

Hides nothing but bounds; the numbers are those of the command line, to the last digit.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.dependencies import TerritoryDep, json_answer
from api.models import ScopeName
from api.planning_models import (
    DemandName,
    GapsAnswer,
    LiftActionName,
    LiftsAnswer,
    PlanAnswer,
    PlanRequest,
    SitingAnswer,
)
from api.planning_work import core_of, gaps_answer, lifts_of, plan_of, scenario_of, siting_of
from geo_matcher.errors import ScenarioError

__all__ = ["MAX_LIFTS", "MAX_SPACES", "router"]

router = APIRouter(prefix="/api/v1", tags=["planning"])

MAX_LIFTS = 500
MAX_SPACES = 10
"""New spaces over HTTP; each number of them is a search. The command line takes more."""

MAX_NAMED = 20
MAX_NAME = 120


@router.get(
    "/gaps",
    response_model=GapsAnswer,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
def get_gaps(
    request: Request,
    territory: TerritoryDep,
    by: Annotated[Literal["commune", "epci"], Query(description="One row for each.")] = "epci",
    f: Literal["json", "csv"] = "json",
    months_late: Annotated[
        int, Query(ge=0, le=600, description="Copper calendar: works ending so many months late.")
    ] = 12,
) -> Response:
    """Tell where fibre is missing, how sure that is, and when copper closes."""
    answer = gaps_answer(territory, by, f, float(months_late)).response(request)
    if f == "csv":
        name = f"gaps-{by}-{territory.release_id}.csv"
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@router.post("/plans", response_model=PlanAnswer)
def post_plans(asked: PlanRequest, territory: TerritoryDep) -> Response:
    """Choose what to build under a budget: the best plan, proved, and what its rules cost.

    A plan takes a second or two, a frontier and a robust core several seconds more.
    """
    if asked.budget is not None and asked.budget_eur is not None:
        raise ScenarioError("budget and budget_eur: found both; send one of them.")
    budget = asked.budget_eur if asked.budget is None else asked.budget
    scenario = scenario_of(territory, asked.scenario, budget)
    answer = plan_of(territory, scenario, asked.frontier).as_dict()
    if asked.robust:
        answer["robust_core"] = core_of(territory, scenario, asked.robust).as_dict()
    return json_answer(answer)


@router.get("/lifts", response_model=LiftsAnswer)
def get_lifts(
    territory: TerritoryDep,
    action: Annotated[LiftActionName, Query(description="What is done.")],
    commune: Annotated[
        list[Annotated[str, Query(max_length=MAX_NAME)]] | None,
        Query(max_length=MAX_NAMED, description="Where, by INSEE code or name; all by default."),
    ] = None,
    scope: ScopeName = "all",
    top: Annotated[int, Query(ge=1, le=MAX_LIFTS)] = 10,
) -> Response:
    """Tell how many newcomers an action would bring each commune, and who loses them.

    The first request for an action takes some seconds.
    """
    wanted = {territory.find(name) for name in commune or ()}
    found = lifts_of(territory, action, scope).as_dict()
    kept = [row for row in found["lifts"] if not wanted or row["insee_code"] in wanted]
    return json_answer(found | {"lifts": kept[:top]})


@router.get("/sitings", response_model=SitingAnswer)
def get_sitings(
    territory: TerritoryDep,
    count: Annotated[int, Query(ge=1, le=MAX_SPACES, description="Most new spaces.")],
    within: Annotated[float, Query(ge=1, le=60, description="Minutes that people drive.")] = 15.0,
    demand: DemandName = "newcomers",
    scope: ScopeName = "all",
) -> Response:
    """Tell where new coworking spaces would reach most of the demand that none reaches today."""
    found = siting_of(territory, count=count, within_min=within, demand=demand, scope=scope)
    return json_answer(found.as_dict())
