"""Drives: between communes, to the nearest place, what is within reach, and hours at the wheel.

Hides nothing but bounds; the numbers are those of ``geo-matcher access``, to the last digit.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from api.access_models import (
    LONGEST_NAME,
    BasketAnswer,
    CatchmentsAnswer,
    DestinationName,
    DestinationsAnswer,
    IsochroneAnswer,
    KindAnswer,
    PairAnswer,
    PeopleAnswer,
    SupplyAnswer,
    WheelAnswer,
    WheelRequest,
)
from api.dependencies import StaticAnswer, TerritoryDep, json_answer
from api.turns import Line, turn
from geo_matcher.access_answers import (
    basket_answer,
    catchments_answer,
    commune_of,
    destinations_answer,
    isochrone_answer,
    kind_answer,
    pair_answer,
    people_answer,
    supply_answer,
    wheel_answer,
)
from geo_matcher.baskets import MAX_KINDS
from geo_matcher.destinations import DAILY_SERVICES
from geo_matcher.kept import kept
from geo_matcher.road_areas import MAX_CUTOFF_MIN
from geo_matcher.territory import Territory

__all__ = ["MAX_CATCHMENT_MINUTES", "router"]

router = APIRouter(prefix="/api/v1/access", tags=["access"])

MAX_CATCHMENT_MINUTES = 45
"""Whole minutes of a catchment at most: more would take long, and hold the whole département."""

MAX_AT_ONCE = 4
"""Catchments under way or waiting; those of many places take some seconds on roads."""

GEOJSON = "application/geo+json"

Commune = Annotated[
    str, Path(max_length=LONGEST_NAME, description="INSEE code, or name.", examples=["32249"])
]
Minutes = Annotated[float, Query(gt=0, le=MAX_CUTOFF_MIN, description="Minutes of driving.")]
WholeMinutes = Annotated[
    int, Query(ge=1, le=MAX_CATCHMENT_MINUTES, description="Whole minutes of driving.")
]

_catchments_line = Line("catchments", MAX_AT_ONCE)
_baskets_line = Line("baskets", 20)


@router.get("/from/{commune}", response_model=DestinationsAnswer)
def get_destinations(territory: TerritoryDep, commune: Commune) -> Response:
    """Tell how long the drive from a commune is to the nearest place of every kind."""
    return json_answer(destinations_answer(territory, territory.find(commune)))


@router.get("/from/{commune}/to/{destination}", response_model=PairAnswer)
def get_pair(territory: TerritoryDep, commune: Commune, destination: Commune) -> Response:
    """Tell how long the drive is between two town halls; up to 80 km around, by code."""
    with turn():
        origin, end = (commune_of(territory, text) for text in (commune, destination))
        return json_answer(pair_answer(territory, origin, end))


@router.get("/to/{kind}", response_model=KindAnswer)
def get_kind(request: Request, territory: TerritoryDep, kind: DestinationName) -> Response:
    """Tell how far the nearest place of a kind is from every commune, nearest first."""
    return _kind(territory, kind).response(request)


@kept(maxsize=32)
def _kind(territory: Territory, kind: str) -> StaticAnswer:
    return StaticAnswer.of(kind_answer(territory, kind))


@router.get(
    "/isochrones/{commune}",
    response_model=IsochroneAnswer,
    responses={200: {"content": {GEOJSON: {"schema": {"type": "object"}}}}},
)
def get_isochrone(territory: TerritoryDep, commune: Commune, minutes: Minutes) -> Response:
    """Give what is reached from a town hall: ground on roads, else the town halls reached."""
    code = commune_of(territory, commune)
    with turn():
        answer = json_answer(isochrone_answer(territory, code, minutes))
    answer.headers["Content-Type"] = GEOJSON
    return answer


@router.get("/baskets/{commune}", response_model=BasketAnswer)
def get_basket(
    territory: TerritoryDep,
    commune: Commune,
    kind: Annotated[
        list[DestinationName] | None,
        Query(max_length=MAX_KINDS, description="What is wanted; everyday services by default."),
    ] = None,
) -> Response:
    """Tell the shortest round from home that brings everything back, each kind counted once."""
    code = territory.find(commune)
    with _baskets_line.turn():
        return json_answer(basket_answer(territory, code, kind or tuple(DAILY_SERVICES)))


@router.get("/people/{commune}", response_model=PeopleAnswer)
def get_people(territory: TerritoryDep, commune: Commune) -> Response:
    """Tell who lives within 15, 30 and 45 minutes, and the published access to doctors if any."""
    with turn():
        return json_answer(people_answer(territory, commune_of(territory, commune)))


@router.get("/supply/{kind}", response_model=SupplyAnswer)
def get_supply(request: Request, territory: TerritoryDep, kind: DestinationName) -> Response:
    """Tell how much there is for 10,000 inhabitants when all who live near share it."""
    return _supply(territory, kind).response(request)


@kept(maxsize=32)
def _supply(territory: Territory, kind: str) -> StaticAnswer:
    return StaticAnswer.of(supply_answer(territory, kind))


@router.get(
    "/catchments/{kind}",
    response_model=CatchmentsAnswer,
    responses={200: {"content": {GEOJSON: {"schema": {"type": "object"}}}}},
)
def get_catchments(
    request: Request, territory: TerritoryDep, kind: DestinationName, minutes: WholeMinutes
) -> Response:
    """Give who can reach each place of a kind, where catchments overlap, and what is in none."""
    with _catchments_line.turn():
        answer = _catchments(territory, kind, minutes)
    return answer.response(request)


@kept(maxsize=8)
def _catchments(territory: Territory, kind: str, minutes: int) -> StaticAnswer:
    return StaticAnswer.of(catchments_answer(territory, kind, minutes), GEOJSON)


@router.post("/wheel", response_model=WheelAnswer)
def post_wheel(asked: WheelRequest, territory: TerritoryDep) -> Response:
    """Tell how many hours a week a household would spend at the wheel, drive by drive."""
    code = territory.find(asked.commune)
    return json_answer(wheel_answer(territory, code, asked.profile, asked.habits.habits()))
