"""Why a commune is where it is, and what to ask a mover next."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from api.answers import Explanation, ExplanationRequest, InterviewRequest, InterviewState
from api.dependencies import TerritoryDep, json_answer
from api.turns import turn
from geo_matcher.arguments import (
    contradiction_sentences,
    interview_sentence,
    question_sentence,
    reason_sentences,
)
from geo_matcher.explanation import reasons
from geo_matcher.interview import interview
from geo_matcher.matching import rank
from geo_matcher.numbers import LANGUAGES

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["explanations"])


# Not coroutines: each takes tens of milliseconds, in a thread of its own.


@router.post("/explanations", response_model=Explanation)
def post_explanations(territory: TerritoryDep, wanted: ExplanationRequest) -> Response:
    """Say why a commune is where it is; the numbers are those of ``geo-matcher explain``."""
    ranking = rank(territory, wanted.profile, wanted.scope)
    with turn():
        found = reasons(ranking, wanted.commune, places=wanted.places)
    said = {language: reason_sentences(found, language) for language in LANGUAGES}
    return json_answer(found.as_dict() | {"sentences": said})


@router.post("/interviews", response_model=InterviewState)
def post_interviews(territory: TerritoryDep, wanted: InterviewRequest) -> Response:
    """Take the answers so far and return the next question; nothing is kept between requests."""
    with turn():
        found = interview(territory, wanted.profile, wanted.scope, wanted.answers)
    answer = found.as_dict()
    if found.question is not None:
        question = found.question.question
        answer["question"] |= {
            f"text_{language}": question_sentence(question, language) for language in LANGUAGES
        }
    said = {
        language: (interview_sentence(found, language), *contradiction_sentences(found, language))
        for language in LANGUAGES
    }
    return json_answer(answer | {"sentences": said})
