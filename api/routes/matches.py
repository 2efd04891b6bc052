"""Rank the communes of a scope for a profile."""

from __future__ import annotations

from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.dependencies import TerritoryDep, json_answer
from api.models import MatchRequest, MatchResponse
from api.turns import odds_in_turn, turn
from geo_matcher.exports import to_csv, to_geojson
from geo_matcher.geopackage import to_geopackage
from geo_matcher.matching import Ranking, rank
from geo_matcher.robustness import Odds
from geo_matcher.robustness import with_odds as add_odds

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["matches"])

GEOJSON = "application/geo+json"
CSV = "text/csv"
GEOPACKAGE = "application/geopackage+sqlite3"


@router.post(
    "/matches",
    response_model=MatchResponse,
    responses={
        200: {
            "content": {
                GEOJSON: {"schema": {"type": "object"}},
                CSV: {"schema": {"type": "string"}},
                GEOPACKAGE: {"schema": {"type": "string", "format": "binary"}},
            }
        }
    },
)
async def post_matches(
    territory: TerritoryDep,
    wanted: MatchRequest,
    f: Annotated[
        Literal["json", "geojson", "csv", "gpkg"], Query(description="Format of the answer.")
    ] = "json",
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
    if f == "csv":
        return Response(to_csv(ranking, wanted.top, odds=found), media_type=CSV)
    if f == "gpkg":
        content = await run_in_threadpool(_geopackage_in_turn, ranking, wanted.top, found)
        return Response(content, media_type=GEOPACKAGE)
    answer = ranking.to_dict(wanted.top)
    if found is not None:
        answer = await run_in_threadpool(add_odds, answer, found, full=full)
    return json_answer(answer)


def _geopackage_in_turn(ranking: Ranking, top: int, found: Odds | None) -> bytes:
    with turn():
        return to_geopackage(ranking, top, odds=found)
