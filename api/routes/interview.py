"""The interview: at most five questions, each chosen for what its answer settles."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from api.addresses import canonical, page_address, split_off
from api.asking import read_query
from api.dependencies import FRESH, TerritoryDep
from api.faults import FormError
from api.forms import other_language
from api.frame import frame_view, refusal, sorry
from api.interviewing import PATH, interview_view, read_answers
from api.rendering import render
from api.texts import translator
from api.turns import turn
from geo_matcher.errors import ProfileError
from geo_matcher.interview import interview

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get(PATH)
def show_interview(request: Request, territory: TerritoryDep) -> Response:
    """Ask the next question, or say why none is left; the address holds the answers."""
    values, query = split_off(request, "answer")
    try:
        asked = read_query(territory, query)
    except FormError as error:
        return refusal(territory, error)
    language, t = asked.language, translator(asked.language)
    try:
        answers = read_answers(values)
        with turn():
            found = interview(territory, asked.profile, asked.scope, answers)
    except ProfileError:
        text = t("interview.unreadable")
        return sorry(territory, language, asked.scope, [text], 422, canonical(asked))
    own = [("answer", value) for value in values]
    frame = frame_view(
        territory,
        language,
        title=t("interview.title"),
        back_query=canonical(asked),
        other_href=page_address(PATH, own, canonical(asked, other_language(language))),
    )
    html = render("interview.html", language, page=frame, interview=interview_view(found, asked))
    return HTMLResponse(html, headers=FRESH)
