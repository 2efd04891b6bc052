"""Rank the communes of a scope for a profile."""

from __future__ import annotations

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from api.dependencies import TerritoryDep
from api.models import MatchRequest, MatchResponse
from geo_matcher.exports import to_geojson
from geo_matcher.matching import rank

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["matches"])

GEOJSON = "application/geo+json"


@router.post(
    "/matches",
    response_model=MatchResponse,
    responses={200: {"content": {GEOJSON: {"schema": {"type": "object"}}}}},
)
async def post_matches(
    territory: TerritoryDep,
    wanted: MatchRequest,
    f: Annotated[Literal["json", "geojson"], Query(description="Format of the answer.")] = "json",
) -> Response:
    """Rank the communes of a scope; the numbers are those of ``geo-matcher match``."""
    ranking = rank(territory, wanted.profile, wanted.scope)
    if f == "geojson":
        return Response(orjson.dumps(to_geojson(ranking, wanted.top)), media_type=GEOJSON)
    return Response(orjson.dumps(ranking.to_dict(wanted.top)), media_type="application/json")
