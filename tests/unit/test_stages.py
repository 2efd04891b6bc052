from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from geo_matcher.dossiers.stages import (
    CLOSING_REASONS,
    NEXT,
    STAGE_LABELS,
    Position,
    Stage,
    Step,
    add_months,
    follow_up_days,
    next_stages,
    step_problems,
)
from geo_matcher.errors import DossierError

TODAY = dt.date(2026, 3, 2)
READY: dict[str, Any] = {
    "has_profile": True,
    "has_shortlist": True,
    "opened_on": dt.date(2026, 1, 1),
}
SETTLING = Step(Stage.SETTLED, commune="32249", on=TODAY, persons=4)


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_has_a_name_in_both_languages_and_what_may_follow(stage: Stage) -> None:
    assert set(STAGE_LABELS[stage]) == {"fr", "en"}
    assert stage in NEXT


def test_every_reason_has_words_in_both_languages() -> None:
    assert all(set(words) == {"fr", "en"} for words in CLOSING_REASONS.values())


@pytest.mark.parametrize("stage", Stage)
def test_only_the_stages_that_may_follow_are_accepted(stage: Stage) -> None:
    position = Position(stage, closed_from=Stage.VISIT, **READY)
    for to in Stage:
        step = SETTLING if to is Stage.SETTLED else Step(to)
        if to is Stage.CLOSED:
            step = Step(to, reason="elsewhere")
        problems = step_problems(position, step, TODAY)
        assert (problems == ()) == (to in next_stages(position)), (stage, to, problems)


def test_a_refusal_says_what_was_expected() -> None:
    problems = step_problems(Position(Stage.ENQUIRY), SETTLING, TODAY)
    assert problems == ("from enquiry a file cannot go to settled; expected qualified or closed",)


def test_a_closed_file_opens_again_where_it_was_closed() -> None:
    position = Position(Stage.CLOSED, closed_from=Stage.DECISION)
    assert next_stages(position) == (Stage.DECISION,)
    assert step_problems(position, Step(Stage.DECISION), TODAY) == ()


def test_a_list_is_proposed_only_with_a_profile_and_a_frozen_shortlist() -> None:
    problems = step_problems(Position(Stage.QUALIFIED), Step(Stage.MATCHED), TODAY)
    assert [problem.split(":")[1] for problem in problems] == [
        " the file holds no profile; add what the household looks for",
        " the file holds no shortlist; freeze one from a ranking",
    ]


@pytest.mark.parametrize(
    ("step", "field"),
    [
        (Step(Stage.SETTLED, "3224", TODAY, 4), "commune"),
        (Step(Stage.SETTLED, "32249\n", TODAY, 4), "commune"),
        (Step(Stage.SETTLED, "32249", TODAY + dt.timedelta(days=1), 4), "on"),
        (Step(Stage.SETTLED, "32249", dt.date(2025, 12, 31), 4), "on"),
        (Step(Stage.SETTLED, "32249", TODAY, 0), "persons"),
        (Step(Stage.SETTLED, "32249", TODAY, 21), "persons"),
        (Step(Stage.SETTLED, "32249", TODAY, None), "persons"),
        (Step(Stage.SETTLED, "32249", TODAY, 4, "elsewhere"), "reason"),
        (Step(Stage.CLOSED), "reason"),
        (Step(Stage.CLOSED, reason="Zéphyrine"), "reason"),
        (Step(Stage.VISIT, commune="32249"), "commune"),
    ],
)
def test_what_is_missing_or_impossible_is_named(step: Step, field: str) -> None:
    (problem,) = step_problems(Position(Stage.DECISION, **READY), step, TODAY)
    assert problem.startswith(f"{field}: ")
    assert "Zéphyrine" not in problem


def test_settled_can_be_taken_back_until_a_follow_up_is_answered() -> None:
    back = Step(Stage.DECISION)
    assert step_problems(Position(Stage.SETTLED), back, TODAY) == ()
    (problem,) = step_problems(Position(Stage.SETTLED, follow_ups=1), back, TODAY)
    assert "stays settled" in problem


def test_months_end_where_the_month_does() -> None:
    assert add_months(dt.date(2025, 8, 31), 6) == dt.date(2026, 2, 28)
    assert add_months(dt.date(2024, 2, 29), 12) == dt.date(2025, 2, 28)
    assert add_months(dt.date(2026, 3, 2), -3) == dt.date(2025, 12, 2)
    assert follow_up_days(dt.date(2026, 1, 15))[0] == (6, dt.date(2026, 7, 15))
    with pytest.raises(DossierError, match="calendar"):
        add_months(dt.date(9999, 12, 1), 1)
