from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest

from geo_matcher.criteria import CRITERIA
from geo_matcher.decision import DecisionMatrix, Status, decision_matrix
from geo_matcher.errors import ProfileError
from geo_matcher.leverage import FigureChange, figures_to_gain
from geo_matcher.matching import NAMES, Ranking, rank
from geo_matcher.presets import preset_named
from geo_matcher.profile import parse_profile
from geo_matcher.territory import Territory
from tests.unit.few_communes import A, B, C, D, small_ranking

Small = Callable[..., Ranking]


@pytest.fixture
def small(territory: Territory) -> Small:
    return partial(small_ranking, territory)


@pytest.fixture(scope="module")
def family(territory: Territory) -> Ranking:
    return rank(territory, preset_named("paris-web-family").profile, "all")


def by_name(changes: Sequence[FigureChange]) -> dict[str, FigureChange]:
    return {change.criterion: change for change in changes}


def test_a_gap_in_points_becomes_a_figure_in_its_unit(small: Small) -> None:
    # Weights 2/3 and 1/3. B has 46.67 points, A 53.33: 0.1 of station or 0.2 of doctor are missing.
    ranking = small([[0.6, 0.4], [0.5, 0.4], [0.1, 0.1]], [2, 1])
    first, second = figures_to_gain(ranking, B)
    assert (first.criterion, second.criterion) == ("station_min", "doctor_min")
    assert first.present == pytest.approx(50.0)
    assert first.needed == pytest.approx(40.0)
    assert first.change == pytest.approx(-10.0)
    assert first.value_change == pytest.approx(0.1)
    assert first.value_present == pytest.approx(0.5)
    assert first.value_needed == pytest.approx(0.6)
    assert (first.rank_before, first.rank_after, first.unit) == (2, 1, "min")
    assert second.needed == pytest.approx(40.0)
    assert second.value_change == pytest.approx(0.2)


def test_more_places_ask_for_more_and_beyond_the_top_for_the_top(small: Small) -> None:
    ranking = small([[0.9, 0.5], [0.8, 0.5], [0.7, 0.5], [0.6, 0.5]], [2, 2])
    needed = [by_name(figures_to_gain(ranking, D, k))["station_min"].needed for k in (1, 2, 3, 99)]
    assert needed == pytest.approx([30.0, 20.0, 10.0, 10.0])
    ranks = [by_name(figures_to_gain(ranking, D, k))["station_min"].rank_after for k in (1, 2, 3)]
    assert ranks == [3, 2, 1]


def test_to_pass_one_of_two_tied_communes_is_to_gain_two_ranks(small: Small) -> None:
    ranking = small([[0.9, 0.5], [0.9, 0.5], [0.6, 0.5]], [2, 2])
    first = by_name(figures_to_gain(ranking, C, 1))["station_min"]
    assert (first.rank_before, first.rank_after) == (3, 1)
    assert first.needed == pytest.approx(10.0)


def test_a_figure_that_is_never_worth_enough_is_not_offered(small: Small) -> None:
    # 0.9 of station to gain, 0.6 are left; the doctor counts a quarter of it.
    ranking = small([[1.0, 1.0], [0.4, 0.4]], [4, 1])
    assert figures_to_gain(ranking, B) == ()


def test_the_first_commune_has_nothing_to_gain(small: Small) -> None:
    assert figures_to_gain(small([[1.0, 1.0], [0.4, 0.4]], [4, 1]), A) == ()


def test_an_unknown_figure_is_told_what_it_would_have_to_be(small: Small) -> None:
    ranking = small([[0.7, 0.5], [math.nan, 0.5]], [2, 2])
    change = by_name(figures_to_gain(ranking, B))["station_min"]
    assert change.present is change.change is None
    assert change.value_present == 0.5
    assert change.needed == pytest.approx(30.0)


def test_a_place_out_of_reach_has_no_present_figure(small: Small) -> None:
    ranking = small([[0.7, 0.5], [-math.inf, 0.5]], [2, 2])
    change = by_name(figures_to_gain(ranking, B))["station_min"]
    assert change.present is change.change is None
    assert change.value_present == 0.0
    assert change.needed == pytest.approx(30.0)


def test_a_bad_number_of_places_is_refused(family: Ranking) -> None:
    with pytest.raises(ProfileError, match="places is 0, expected 1 or more"):
        figures_to_gain(family, "32013", 0)


def with_figure(ranking: Ranking, row: int, name: str, raw: float) -> Ranking:
    """Rank again with one raw figure replaced."""
    old, k = ranking.matrix, NAMES.index(name)
    raws, lows = old.raw.copy(), old.raw_low.copy()
    raws[row, k] = lows[row, k] = raw
    matrix = DecisionMatrix.from_figures(old.codes, raws, lows, old.status.copy())
    return rank(ranking.territory, ranking.profile, ranking.scope, matrix=matrix)


def rank_of(ranking: Ranking, row: int) -> int | None:
    found: int | None = ranking.result(row)["rank"]
    return found


SIZE: dict[str, Any] = {
    "village_size": "bourg",  # 500 inhabitants are worth 0, 1500 to 4000 are worth 1, 8000 are 0
    "importance": dict.fromkeys(
        ["work", "connection", "daily_life", "health", "mobility", "housing", "welcome"],
        "not_at_all",
    )
    | {"setting": "important"},
    "criteria": {
        name: {"importance": "not_at_all"}
        for name, criterion in CRITERIA.items()
        if criterion.family == "setting" and name != "population"
    },
}


@pytest.mark.parametrize(
    ("population", "needed"), [(600.0, 1250.0), (7000.0, 5000.0), (8500.0, 5000.0), (0.0, 1250.0)]
)
def test_a_wished_size_is_reached_from_the_side_one_is_on(
    territory: Territory, population: float, needed: float
) -> None:
    ranking = rank(territory, parse_profile(SIZE), "all")
    raw = ranking.matrix.raw.copy()
    k = NAMES.index("population")
    raw[:, k] = 400.0
    raw[0, k], raw[1, k] = 1250.0, population
    matrix = DecisionMatrix.from_figures(
        territory.codes, raw, raw.copy(), ranking.matrix.status.copy()
    )
    ranking = rank(territory, parse_profile(SIZE), "all", matrix=matrix)
    (change,) = figures_to_gain(ranking, B, 999)
    assert change.needed == pytest.approx(needed)
    assert change.rank_after == 1
    unknown = with_figure(ranking, 1, "population", math.nan)
    (change,) = figures_to_gain(unknown, B, 999)
    assert change.needed == pytest.approx(1250.0)  # the least favourable that is enough: the first


def test_a_figure_stays_within_the_limits_of_the_profile(territory: Territory) -> None:
    limited = parse_profile(SIZE | {"limits": {"population": {"at_least": 4500}}})
    raw = decision_matrix(territory).raw.copy()
    k = NAMES.index("population")
    raw[:, k], raw[:3, k] = 7900.0, [5000.0, 7000.0, 600.0]
    status = decision_matrix(territory).status.copy()
    matrix = DecisionMatrix.from_figures(territory.codes, raw, raw.copy(), status)
    ranking = rank(territory, limited, "all", matrix=matrix)
    # From 600 the nearest figure worth 0.75 would be 1250, which the limit refuses.
    (change,) = figures_to_gain(ranking, C, 999)
    assert change.needed == pytest.approx(4500.0)
    assert change.left_out_by == ()
    # The rank that it has, as if listed, with a value of 0.1, is after the two and before the rest.
    assert (change.rank_before, change.rank_after) == (3, 1)
    assert rank_of(with_figure(ranking, 2, "population", change.needed), 2) == 1
    none_left = parse_profile(SIZE | {"limits": {"population": {"at_least": 6000}}})
    ranking = rank(territory, none_left, "all", matrix=matrix)
    assert figures_to_gain(with_figure(ranking, 0, "population", 6000.0), B, 1) != ()
    assert figures_to_gain(ranking, A, 1) == ()  # left out, but nobody listed scores more


def test_a_partner_is_one_or_is_not(territory: Territory) -> None:
    profile = parse_profile(
        {
            "importance": {"welcome": "indispensable"},
            "criteria": {"network_trace_min": {"importance": "not_at_all"}},
        }
    )
    ranking = rank(territory, profile, "all")
    k = NAMES.index("partner_village")
    seen: set[float | None] = set()
    for row in itertools.takewhile(lambda _: len(seen) < 2, ranking.order[1:120].tolist()):
        change = by_name(figures_to_gain(ranking, territory.codes[row])).get("partner_village")
        if change is not None:
            assert change.needed == 1.0
            gained = with_figure(ranking, row, "partner_village", 1.0)
            assert rank_of(gained, row) == change.rank_after < change.rank_before
            seen.add(change.present)
            assert (change.present is None) == bool(np.isnan(ranking.matrix.raw[row, k]))
    assert seen == {None, 0.0}


def test_what_is_known_of_the_present_figure_is_said(family: Ranking) -> None:
    seen = set()
    for row in family.order[:60].tolist():
        for change in figures_to_gain(family, family.matrix.codes[row]):
            k = NAMES.index(change.criterion)
            assert change.status == Status(family.matrix.status[row, k]).label
            seen.add(change.status)
    assert {"measured", "estimated", "upper_bound"} <= seen


def test_the_value_function_of_the_profile_is_the_one_inverted(family: Ranking) -> None:
    # A budget of 230,000 EUR for 120 m² pays 1,916.7 EUR/m²: 0.7 is reached at 0.9 of it.
    row = family.matrix.codes.index("32147")  # Gimont
    change = by_name(figures_to_gain(family, "Gimont"))["house_price_eur_m2"]
    affordable = 230_000 / 120
    xs, vs = [0.6 * affordable, 0.9 * affordable, affordable], [1.0, 0.7, 0.5]
    assert np.interp(change.needed, xs, vs) == pytest.approx(change.value_needed)
    above = family.order[int(np.flatnonzero(family.order == row)[0]) - 1]
    gap = family.score[above] - family.score[row]
    k = NAMES.index("house_price_eur_m2")
    assert change.value_change == pytest.approx(gap / (100 * family.weights[k]))


def test_on_a_very_steep_piece_the_figure_still_gains_the_rank(territory: Territory) -> None:
    # Neighbouring numbers are 1e-10 apart there, which is worth a ten-thousandth.
    steep = [[1_000.0, 0.0], [2_000.0, 1.0], [999_000.0, 1.0], [999_000.000001, 0.0]]
    data = SIZE | {
        "criteria": SIZE["criteria"]
        | {"population": {"importance": "important", "breakpoints": steep}}
    }
    raw = decision_matrix(territory).raw.copy()
    k = NAMES.index("population")
    status = decision_matrix(territory).status.copy()
    for value in (0.1, 0.123456789, 0.3, 0.377777777):
        raw[:, k], raw[0, k], raw[1, k] = 0.0, 1_000.0 + 1_000.0 * value, 999_900.0
        matrix = DecisionMatrix.from_figures(territory.codes, raw.copy(), raw.copy(), status.copy())
        ranking = rank(territory, parse_profile(data), "all", matrix=matrix)
        (change,) = figures_to_gain(ranking, B)
        assert change.needed == pytest.approx(999_000.000001, abs=2e-6)
        assert rank_of(with_figure(ranking, 1, "population", change.needed), 1) == 1
        further = np.nextafter(change.needed, np.inf)
        assert rank_of(with_figure(ranking, 1, "population", further), 1) == 2


def test_what_the_change_does_not_lift_still_leaves_a_commune_out(small: Small) -> None:
    ranking = small(
        [[0.9, 0.9], [0.8, 0.8]],
        [2, 2],
        also_known=[[0.75, 0.75]],
        limits={"station_min": {"at_most": 22}},
    )
    changes = by_name(figures_to_gain(ranking, C))
    assert changes["station_min"].left_out_by == ("telecentre_min",)
    assert changes["station_min"].needed == pytest.approx(15.0)  # 0.1 more value, and under 22
    assert changes["doctor_min"].left_out_by == ("telecentre_min", "station_min")
    assert (changes["doctor_min"].rank_before, changes["doctor_min"].rank_after) == (3, 2)


def test_an_answer_has_the_keys_that_are_documented(small: Small) -> None:
    unknown = small([[0.7, 0.5], [math.nan, 0.5]], [2, 2])
    figure = figures_to_gain(unknown, B)[0].as_dict()
    assert set(figure) == {
        "criterion", "unit", "present", "status", "needed", "change", "value_present",
        "value_needed", "value_change", "rank_before", "rank_after", "left_out_by",
    }  # fmt: skip
    assert json.loads(json.dumps(figure, allow_nan=False)) == figure
