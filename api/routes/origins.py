"""Communes of France as one types them: where a mover may come from."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Query
from starlette.responses import Response

from api.dependencies import TerritoryDep
from api.models import OriginList
from api.origins import suggestion
from geo_matcher.origins import MAX_FOUND, find_communes

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["communes"])

MAX_TYPED = 80
SHORT_LIVED = {"Cache-Control": "public, max-age=600"}
"""The same letters give the same communes until the release changes."""


@router.get("/origins", response_model=OriginList)
def find_origins(
    territory: TerritoryDep,
    q: Annotated[
        str,
        Query(
            max_length=MAX_TYPED,
            description="Beginning of a name or of a word of it, with or without the département, "
            "or an INSEE code; nothing gives the big cities.",
            examples=["saint den", "Saint-Denis (93)"],
        ),
    ] = "",
    count: Annotated[int, Query(ge=1, le=MAX_FOUND)] = 8,
) -> Response:
    """Find the commune that a mover leaves, among all those of France."""
    found = [suggestion(commune) for commune in find_communes(territory, q, count)]
    body = orjson.dumps({"release": territory.release_id, "origins": found})
    return Response(body, media_type="application/json", headers=SHORT_LIVED)
