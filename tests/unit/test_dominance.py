from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from geo_matcher.decision import DecisionMatrix
from geo_matcher.dominance import dominated, near_misses_within
from geo_matcher.errors import ProfileError
from geo_matcher.matching import Ranking, rank
from geo_matcher.presets import preset_named
from geo_matcher.profile import parse_profile
from geo_matcher.territory import Territory
from tests.unit.few_communes import STATION, A, B, C, D, small_ranking

Small = Callable[..., Ranking]


@pytest.fixture
def small(territory: Territory) -> Small:
    return partial(small_ranking, territory)


@pytest.fixture(scope="module")
def family(territory: Territory) -> Ranking:
    return rank(territory, preset_named("paris-web-family").profile, "all")


# --- Dominance ------------------------------------------------------------------------------


def test_a_dominated_commune_is_paired_with_its_best_dominator(small: Small) -> None:
    ranking = small([[0.5, 0.5], [0.6, 0.5], [0.9, 0.8], [0.2, 0.9]], [2, 1])
    found = dominated(ranking)
    assert list(found) == [A, B]
    assert [(pair.dominator, pair.certain) for pair in found.values()] == [(C, True), (C, True)]
    assert found[A].behind_points == pytest.approx(100 * (0.4 * 2 + 0.3) / 3)
    assert (found[A].name, found[A].dominator_name) == ("Aignan", ranking.result(2)["name"])


def test_equal_communes_do_not_dominate_each_other_and_ties_go_by_code(small: Small) -> None:
    ranking = small([[0.6, 0.6], [0.6, 0.6], [0.5, 0.6]], [2, 1])
    found = dominated(ranking)
    assert list(found) == [C]
    assert found[C].dominator == A


def test_what_is_unknown_makes_a_pair_uncertain(small: Small) -> None:
    ranking = small([[0.9, 0.9], [math.nan, 0.5], [0.4, 0.1]], [2, 1])
    found = dominated(ranking)
    assert {code: pair.certain for code, pair in found.items()} == {B: False, C: True}
    assert dict(dominated(ranking, certain=True)) == {C: found[C]}


def test_a_certain_dominator_is_told_when_only_certainty_is_asked_for(small: Small) -> None:
    # B has the best score but an unknown figure; A is behind it and surely dominates C.
    ranking = small([[0.45, 0.6], [math.nan, 0.9], [0.4, 0.1]], [2, 1])
    assert (dominated(ranking)[C].dominator, dominated(ranking)[C].certain) == (B, False)
    assert dominated(ranking, certain=True)[C].dominator == A


def test_an_upper_bound_may_be_better_than_it_counts(territory: Territory, small: Small) -> None:
    ranking = small([[0.9, 0.9], [0.8, 0.5]], [2, 1])
    assert dominated(ranking)[B].certain
    old = ranking.matrix
    lows = old.raw_low.copy()
    lows[1, STATION] = 5.0  # 20 minutes at most, perhaps 5
    matrix = DecisionMatrix.from_figures(old.codes, old.raw.copy(), lows, old.status.copy())
    bounded = rank(territory, ranking.profile, "all", matrix=matrix)
    assert not dominated(bounded)[B].certain
    assert dict(dominated(bounded, certain=True)) == {}


@pytest.mark.parametrize("certain", [False, True])
@pytest.mark.parametrize("scope", ["partners", "all"])
def test_dominance_on_the_release_is_what_a_loop_finds(
    territory: Territory, scope: str, certain: bool
) -> None:
    # Without the welcome of the network, unknown for many communes, some pairs are certain.
    profile = parse_profile({"importance": {"welcome": "not_at_all"}})
    ranking = rank(territory, profile, scope)
    used = np.flatnonzero(ranking.weights > 0)
    rows = ranking.order
    worst = (ranking.values_min if certain else ranking.values)[np.ix_(rows, used)]
    best = (ranking.values_max if certain else ranking.values)[np.ix_(rows, used)]
    expected = {}
    for row, mine in zip(rows, best, strict=True):
        better = (worst >= mine).all(axis=1) & (worst > mine).any(axis=1)
        if better.any():
            expected[territory.codes[row]] = territory.codes[rows[int(better.argmax())]]
    found = dominated(ranking, certain=certain)
    assert {code: pair.dominator for code, pair in found.items()} == dict(sorted(expected.items()))
    assert list(found) == sorted(expected)
    assert expected or scope == "partners"


def test_where_nobody_is_listed_nobody_is_dominated(small: Small) -> None:
    assert dict(dominated(small([], [2, 1], also_known=[[0.5, 0.5]]))) == {}


# --- Near misses ----------------------------------------------------------------------------


def test_near_misses_follow_the_tolerance(small: Small) -> None:
    ranking = small(
        [[0.9, 0.9], [0.78, 0.9], [0.75, 0.9], [0.6, 0.9]],
        [2, 2],
        limits={"station_min": {"at_most": 20}},
    )

    def codes(tolerance: float) -> list[str]:
        return [miss["insee_code"] for miss in near_misses_within(ranking, tolerance)]

    assert codes(0.0) == []
    assert codes(0.11) == [B]
    assert codes(0.26) == [B, C]
    # The best five: the rest of the département misses the other limit too.
    assert codes(1.0) == [B, C, D]
    assert near_misses_within(ranking, 0.25) == ranking.near_misses()
    (miss,) = near_misses_within(ranking, 0.11)
    assert miss["by"] == pytest.approx(2.0)


@pytest.mark.parametrize("tolerance", [-0.1, 1.5, math.nan])
def test_a_tolerance_that_is_no_share_is_refused(family: Ranking, tolerance: float) -> None:
    with pytest.raises(ProfileError, match="expected a share of the limit between 0 and 1"):
        near_misses_within(family, tolerance)


# --- Answers in plain types, and speed ------------------------------------------------------


def test_an_answer_has_the_keys_that_are_documented(family: Ranking) -> None:
    pair = next(iter(dominated(family).values())).as_dict()
    assert set(pair) == {
        "insee_code", "name", "dominator", "dominator_name", "certain", "behind_points",
    }  # fmt: skip
    assert json.loads(json.dumps(pair, allow_nan=False)) == pair
