"""Interviews of anyone: what is asked is real, and answers hold together or are told not to."""

from __future__ import annotations

import itertools
import json
import math
from typing import get_args

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from geo_matcher.criteria import CRITERIA
from geo_matcher.interview import (
    LEAST_GAIN_BITS,
    Answer,
    Choice,
    Step,
    candidates,
    interview,
)
from geo_matcher.matching import NAMES
from geo_matcher.profile import Profile
from geo_matcher.robustness import SHORTLIST
from geo_matcher.territory import SCOPES, Territory
from tests.property.strategies import figures, profiles
from tests.unit.test_interview import fewest_to_leave_out, slack, worth

DRAWS = 100
CHOICES: st.SearchStrategy[Choice] = st.sampled_from(get_args(Choice))
BORDERLINE = 1e-6
"""Slack under which whether answers can all hold is a matter of rounding."""


@settings(max_examples=15)
@given(profile=profiles(), scope=st.sampled_from(SCOPES))
def test_whoever_is_asked_the_question_is_real_and_the_best(
    territory: Territory, profile: Profile, scope: str
) -> None:
    now = interview(territory, profile, scope, draws=DRAWS)
    ranking = now.odds.ranking
    listed = len(ranking.order)
    assert 0 <= now.bits <= listed  # at most one bit each
    found = candidates(now.odds)
    for one in found:
        assert len(one.question.pair) == 2
        assert 0 <= one.expected_bits <= now.bits + 1e-5
        for step in (one.question.first, one.question.second):
            column = NAMES.index(step.criterion)
            raw = ranking.matrix.raw[ranking.order, column]
            assert np.nanmin(raw) <= min(step.better, step.worse)
            assert max(step.better, step.worse) <= np.nanmax(raw)
            assert worth(profile, step) > 0
            assert profile.weights[column] > 0
    if now.question is not None:
        assert now.state == "ask"
        assert listed > SHORTLIST
        least = min(one.expected_bits for one in found)
        assert math.isclose(now.question.expected_bits, least, abs_tol=1e-9)
        assert now.bits - least >= LEAST_GAIN_BITS
    else:
        few = {0: {"none_listed"}} | {n: {"few"} for n in range(1, SHORTLIST + 1)}
        assert now.state in few.get(listed, {"settled", "little_to_gain"})
    plain = now.as_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


@st.composite
def steps(draw: st.DrawFn, profile: Profile, name: str) -> Step:
    """Draw an improvement of a criterion that counts."""
    one, other = draw(st.tuples(figures(CRITERIA[name]), figures(CRITERIA[name])))
    low, high = CRITERIA[name].unit.domain
    assume(low <= min(one, other) <= max(one, other) <= high)
    step = Step(criterion=name, better=one, worse=other)
    if worth(profile, step) < 0:
        step = Step(criterion=name, better=other, worse=one)
    assume(worth(profile, step) > 0.02)
    return step


@st.composite
def answered(draw: st.DrawFn) -> tuple[Profile, tuple[Answer, ...]]:
    """Draw a profile and up to five answers to few questions, so that some contradict."""
    profile = draw(profiles(with_limits=False))
    used = [name for name, weight in zip(NAMES, profile.weights, strict=True) if weight > 0]
    assume(len(used) >= 2)
    names = draw(st.lists(st.sampled_from(used), min_size=2, max_size=3, unique=True))
    offered = {name: draw(steps(profile, name)) for name in names}
    pair = st.sampled_from(list(itertools.permutations(names, 2)))
    answers = tuple(
        Answer(first=offered[a], second=offered[b], choice=choice)
        for (a, b), choice in draw(st.lists(st.tuples(pair, CHOICES), min_size=1, max_size=5))
    )
    return profile, answers


@settings(max_examples=20)
@given(drawn=answered())
def test_answers_all_hold_or_the_fewest_are_named(
    territory: Territory, drawn: tuple[Profile, tuple[Answer, ...]]
) -> None:
    profile, answers = drawn
    margin = slack(profile, answers)
    assume(abs(margin) > BORDERLINE or margin <= 0)
    now = interview(territory, profile, answers=answers, draws=DRAWS)
    assert now.ignored == tuple(p for p, said in enumerate(answers) if said.choice == "skip")
    assert (now.state == "contradiction") == (margin <= BORDERLINE)
    if now.contradiction is not None:
        out = now.contradiction.leave_out
        assert len(out) == fewest_to_leave_out(profile, answers)
        assert slack(profile, [s for p, s in enumerate(answers) if p not in out]) > 0
        return
    weights = now.odds.weights.astype(np.float64)
    for said in answers:
        first, second = (
            weights[:, NAMES.index(step.criterion)] * worth(profile, step)
            for step in (said.first, said.second)
        )
        factor = {"same": 1.5, "skip": math.inf}.get(said.choice, 1.0)
        if said.choice in {"first", "same"}:
            assert (first * factor >= second * (1 - 1e-5)).all()
        if said.choice in {"second", "same"}:
            assert (second * factor >= first * (1 - 1e-5)).all()
