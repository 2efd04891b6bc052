"""The communes of the release: a list, their outlines, and everything known of one."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import numpy as np
import orjson
from fastapi import APIRouter, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from api.dependencies import StaticAnswer, TerritoryDep
from api.models import CommuneDetail, CommunePage, ScopeName, Twin
from geo_matcher.commune import describe_commune
from geo_matcher.exports import communes_geojson
from geo_matcher.kept import kept
from geo_matcher.resemblance import MAX_TWINS, twins
from geo_matcher.territory import Territory

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["communes"])

CommuneName = Annotated[
    str, Path(max_length=80, description="INSEE code, or name.", examples=["32249"])
]
MAX_LIMIT = 1000
GEOJSON = "application/geo+json"
BBOX_LENGTH = 60


@router.get(
    "/communes",
    response_model=CommunePage,
    responses={200: {"content": {GEOJSON: {"schema": {"type": "object"}}}}},
)
async def list_communes(
    request: Request,
    territory: TerritoryDep,
    f: Annotated[Literal["json", "geojson"], Query(description="Format of the answer.")] = "json",
    scope: ScopeName = "all",
    bbox: Annotated[
        str | None,
        Query(
            max_length=BBOX_LENGTH,
            description="west,south,east,north in degrees (EPSG:4326): communes that touch it.",
            examples=["0.5,43.5,0.9,43.8"],
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 100,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> Response:
    """List communes by code, or give their outlines."""
    box = parse_bbox(bbox) if bbox is not None else None
    return _answer(territory, f, scope, box, limit, offset).response(request)


@kept(maxsize=64)
def _answer(
    territory: Territory,
    f: str,
    scope: str,
    box: tuple[float, float, float, float] | None,
    limit: int,
    offset: int,
) -> StaticAnswer:
    inside = territory.in_scope(scope)
    if box is not None:
        touched = np.zeros(len(inside), dtype=np.bool_)
        touched[territory.communes.sindex.query(_rectangle(box), predicate="intersects")] = True
        inside = inside & touched
    rows = np.flatnonzero(inside)
    page = rows[offset : offset + limit].tolist()
    if f == "geojson":
        return StaticAnswer.of(communes_geojson(territory, page), GEOJSON)
    halls = territory.communes[["town_hall_lon", "town_hall_lat"]].to_numpy().tolist()
    content: dict[str, Any] = {
        "release": territory.release_id,
        "total": len(rows),
        "limit": limit,
        "offset": offset,
        "communes": [
            territory.facts[row] | {"lon": halls[row][0], "lat": halls[row][1]} for row in page
        ],
    }
    return StaticAnswer.of(content)


def _rectangle(box: tuple[float, float, float, float]) -> Any:
    import shapely

    return shapely.box(*box)


def parse_bbox(text: str) -> tuple[float, float, float, float]:
    """Read ``west,south,east,north``.

    Raises
    ------
    RequestValidationError
        If it is not four finite degrees in order.
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        west = south = east = north = math.nan
    is_ordered = -180 <= west <= east <= 180 and -90 <= south <= north <= 90
    if not is_ordered:
        raise RequestValidationError(
            [
                {
                    "type": "bbox",
                    "loc": ("query", "bbox"),
                    "msg": "Expected west,south,east,north in degrees, west ≤ east and south ≤ "
                    "north, for example 0.5,43.5,0.9,43.8",
                    "input": text,
                }
            ]
        )
    return west, south, east, north


@router.get("/communes/{insee_code}", response_model=CommuneDetail)
def get_commune(
    territory: TerritoryDep,
    insee_code: CommuneName,
) -> Response:
    """Return everything that the release knows of one commune, by code or by name."""
    return Response(
        orjson.dumps(describe_commune(territory, insee_code)), media_type="application/json"
    )


@router.get("/communes/{insee_code}/twins")
def get_twins(
    territory: TerritoryDep,
    insee_code: CommuneName,
    count: Annotated[int, Query(ge=1, le=MAX_TWINS)] = 3,
) -> list[Twin]:
    """Return the communes that resemble one most, and what differs."""
    return [Twin(**twin.as_dict()) for twin in twins(territory, insee_code, count)]
