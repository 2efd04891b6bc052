"""What a link remembers: nothing is lost but the steps, and reasons add up."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_matcher.decision import DecisionMatrix, decision_matrix
from geo_matcher.errors import DataError
from geo_matcher.matching import NAMES, rank
from geo_matcher.profile import Profile
from geo_matcher.snapshot import LEVELS, REMEMBERED, changes_since, decode, encode, snapshot
from geo_matcher.territory import SCOPES, Territory
from tests.property.strategies import profiles

SCOPE = st.sampled_from(SCOPES)
ONE_STEP = 100 / LEVELS
"""Points of one step of the memory, for the whole score."""


@given(profile=profiles(), scope=SCOPE)
def test_a_memory_is_read_back_as_it_was(
    territory: Territory, profile: Profile, scope: str
) -> None:
    ranking = rank(territory, profile, scope)
    seen = snapshot(ranking)
    text = encode(seen)
    assert decode(text) == seen
    assert len(text) <= 400
    assert all(character.isalnum() or character in "-_." for character in text)
    used = ranking.weights > 0
    for village, row in zip(seen.villages, ranking.order, strict=False):
        values = np.array(village.levels) / LEVELS
        assert np.abs(values - ranking.values[row, used]).max() <= 0.5 / LEVELS + 1e-12


@given(profile=profiles(with_limits=False), scope=SCOPE, seed=st.integers(0, 1000))
def test_reasons_add_up_to_the_difference_of_score(
    territory: Territory, profile: Profile, scope: str, seed: int
) -> None:
    matrix = decision_matrix(territory)
    rng = np.random.default_rng(seed)
    factor = np.where(
        rng.random(matrix.raw.shape) < 0.2, rng.uniform(0.5, 1.5, matrix.raw.shape), 1
    )
    changed = DecisionMatrix.from_figures(
        matrix.codes, matrix.raw * factor, matrix.raw_low * factor, matrix.status
    )
    before, after = rank(territory, profile, scope), rank(territory, profile, scope, matrix=changed)
    seen = dataclasses.replace(snapshot(before), release="gers-2026-05-000000000000")
    since = changes_since(seen, after)
    assert since is not None
    assert since.is_same_method
    assert [v.insee_code for v in since.villages] == [v.insee_code for v in seen.villages]
    for village in since.villages:
        row = matrix.codes.index(village.insee_code)
        difference = float(after.score[row] - before.score[row])
        assert village.points == pytest.approx(difference, abs=ONE_STEP + 1e-9)
        for change in village.changes or ():
            k = NAMES.index(change.criterion)
            exact = float(after.points[row, k] - before.points[row, k])
            assert change.points == pytest.approx(exact, abs=after.weights[k] * ONE_STEP + 1e-9)
        assert village.rank_now == after.result(row)["rank"]
    first = {matrix.codes[row] for row in after.order[:REMEMBERED]}
    known = {village.insee_code for village in seen.villages}
    assert {code for code, _, _ in since.entered} == first - known


@given(text=st.text(max_size=700) | st.from_regex(r"a[\w-]{6}\.[\w.-]{1,30}\.[\w-]{1,90}"))
@settings(max_examples=200)
def test_what_is_no_memory_is_refused(text: str) -> None:
    try:
        seen = decode(text)
    except DataError:
        return
    assert encode(seen) == text or not seen.villages
