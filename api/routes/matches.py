"""Rank the communes of a scope for a profile."""

from __future__ import annotations

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.dependencies import TerritoryDep, json_answer
from api.models import MatchRequest, MatchResponse
from api.turns import odds_in_turn
from geo_matcher.exports import to_geojson
from geo_matcher.matching import rank
from geo_matcher.robustness import with_odds as add_odds

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
    *,
    with_odds: Annotated[
        bool, Query(alias="odds", description="Add how sure each rank is (SMAA-2).")
    ] = False,
    full: Annotated[
        bool, Query(description="With `odds=true`: the whole table of ranks, pairs, weights.")
    ] = False,
) -> Response:
    """Rank the communes of a scope; the numbers are those of ``geo-matcher match``."""
    ranking = rank(territory, wanted.profile, wanted.scope)
    found = await run_in_threadpool(odds_in_turn, ranking) if with_odds else None
    if f == "geojson":
        return Response(
            orjson.dumps(to_geojson(ranking, wanted.top, odds=found)), media_type=GEOJSON
        )
    answer = ranking.to_dict(wanted.top)
    if found is not None:
        answer = await run_in_threadpool(add_odds, answer, found, full=full)
    return json_answer(answer)
