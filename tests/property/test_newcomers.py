"""What the imagined newcomers promise for any seed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from geo_matcher.newcomers import population
from geo_matcher.profile import parse_profile


@settings(max_examples=15)
@given(seed=st.integers(0, 2**31), size=st.integers(10, 30))
def test_every_newcomer_is_valid(seed: int, size: int) -> None:
    for profile in population(size, seed):
        assert parse_profile(profile.as_dict()) == profile
        assert abs(profile.weights.sum() - 1) < 1e-9
