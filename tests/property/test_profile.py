from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_matcher.criteria import CRITERIA, FAMILIES, Importance
from geo_matcher.errors import GeoMatcherError
from geo_matcher.profile import Profile, normalised, parse_profile, read_profile
from tests.property.strategies import profiles


def read_back(name: str, text: str) -> Profile:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8", newline="")
        return read_profile(path)


@given(profile=profiles(), name=st.text(max_size=80))
def test_a_profile_written_as_toml_or_json_is_read_back_the_same(
    profile: Profile, name: str
) -> None:
    named = parse_profile(profile.as_dict() | {"name": name})
    assert read_back("p.toml", named.to_toml()) == named
    assert read_back("p.json", json.dumps(named.as_dict())) == named
    assert parse_profile(named.model_dump(mode="json")) == named


@given(profile=profiles())
def test_weights_are_shares_of_one(profile: Profile) -> None:
    assert (profile.weights >= 0).all()
    assert profile.weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert len(profile.weights) == len(CRITERIA)


@given(profile=profiles())
def test_a_family_weighs_what_it_was_said_to_and_its_members_share_it(profile: Profile) -> None:
    weights = dict(zip(CRITERIA, profile.weights, strict=True))
    live = {}
    for family in FAMILIES:
        own = {
            n: profile.importance_of(n).points for n, c in CRITERIA.items() if c.family == family
        }
        total = sum(own.values())
        share = sum(weights[name] for name in own)
        if total and profile.family_importance(family).points:
            live[family] = (profile.family_importance(family).points, share)
            for name, points in own.items():
                assert weights[name] == pytest.approx(share * points / total)
        else:
            assert share == 0.0
    points = sum(p for p, _ in live.values())
    for own_points, share in live.values():
        assert share == pytest.approx(own_points / points)


@given(
    points=st.lists(st.floats(0, 1e6), min_size=1, max_size=40).filter(lambda p: sum(p) > 1e-3),
    factor=st.floats(1e-6, 1e6),
)
def test_multiplying_every_weight_changes_none(points: list[float], factor: float) -> None:
    once = normalised(np.array(points))
    np.testing.assert_allclose(normalised(np.array(points) * factor), once, atol=1e-12)


@given(profile=profiles(with_limits=False))
def test_the_same_word_for_all_is_the_same_whatever_the_word(profile: Profile) -> None:
    data = profile.as_dict()
    found = []
    for word in (Importance.A_LITTLE, Importance.IMPORTANT, Importance.INDISPENSABLE):
        alike = data | {"importance": dict.fromkeys(FAMILIES, word.value)}
        found.append(parse_profile(alike).weights)
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


PLAIN = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["at_most", "station_min", "importance"]), inner, max_size=2
        )
    ),
    max_leaves=6,
)


@given(
    data=st.dictionaries(
        st.sampled_from([*Profile.model_fields, "colour"]), PLAIN, min_size=1, max_size=4
    )
)
def test_any_data_is_a_profile_or_refused_with_its_problems(data: dict[str, Any]) -> None:
    problems: tuple[str, ...] = ()
    try:
        assert parse_profile(data).weights.sum() == pytest.approx(1.0)
    except GeoMatcherError as error:
        problems = error.problems or ("",)
    assert all(problem.strip() for problem in problems)
