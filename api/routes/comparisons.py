"""Villages side by side, two people, a village with its bourg."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.answers import (
    ComparisonAnswer,
    ComparisonRequest,
    DuoAnswer,
    DuoRequest,
    PairsAnswer,
    PairsRequest,
)
from api.dependencies import TerritoryDep, json_answer
from api.turns import odds_in_turn
from geo_matcher.comparison import chances, compare
from geo_matcher.duo import duo
from geo_matcher.matching import rank
from geo_matcher.numbers import LANGUAGES
from geo_matcher.pairs import pairs
from geo_matcher.verdicts import ahead_sentences, comparison_sentences, duo_names, duo_sentences

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["comparisons"])


@router.post("/comparisons", response_model=ComparisonAnswer)
def post_comparisons(territory: TerritoryDep, wanted: ComparisonRequest) -> Response:
    """Set communes side by side; the numbers are those of ``geo-matcher compare``."""
    ranking = rank(territory, wanted.profile, wanted.scope)
    found = compare(ranking, wanted.communes)
    sure = chances(found, odds_in_turn(ranking))
    names = [village.name for village in found.villages]
    said = {
        language: (
            *comparison_sentences(found, language),
            *ahead_sentences(names, sure["ahead"], language),
        )
        for language in LANGUAGES
    }
    return json_answer(found.as_dict() | sure | {"sentences": said})


@router.post("/duos", response_model=DuoAnswer)
def post_duos(territory: TerritoryDep, wanted: DuoRequest) -> Response:
    """Find where two people can meet; the numbers are those of ``geo-matcher duo``."""
    people = wanted.first, wanted.second
    found = duo(territory, *people, wanted.scope)
    answer = found.as_dict()
    answer["villages"] = answer["villages"][: wanted.top]
    answer["sentences"] = {
        language: duo_sentences(found, duo_names(*people, language), language)
        for language in LANGUAGES
    }
    return json_answer(answer)


@router.post("/pairs", response_model=PairsAnswer)
def post_pairs(territory: TerritoryDep, wanted: PairsRequest) -> Response:
    """Give each village with the bourg that serves it; as ``geo-matcher pairs`` does."""
    ranking = rank(territory, wanted.profile, wanted.scope)
    found = [pair.as_dict() for pair in pairs(ranking, wanted.top)]
    return json_answer({"release": territory.release_id, "scope": wanted.scope, "pairs": found})
