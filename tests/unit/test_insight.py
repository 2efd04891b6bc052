from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import FrozenInstanceError, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.optimize
from numpy.typing import NDArray

from geo_matcher.criteria import CRITERIA
from geo_matcher.decision import DecisionMatrix, Status, decision_matrix
from geo_matcher.errors import GeoMatcherError, ProfileError, UnknownCommuneError
from geo_matcher.insight import (
    FigureChange,
    dethrone,
    dominated,
    figures_to_gain,
    near_misses_within,
    weights_to_lead,
)
from geo_matcher.matching import NAMES, Ranking, rank
from geo_matcher.presets import preset_named
from geo_matcher.profile import parse_profile
from geo_matcher.territory import Territory

FloatArray = NDArray[np.float64]
Small = Callable[..., Ranking]

STATION, DOCTOR, LYCEE = (NAMES.index(f"{name}_min") for name in ("station", "doctor", "lycee"))
COLUMNS = (STATION, DOCTOR, LYCEE)
ONE_OF = {"mobility": "station_min", "health": "doctor_min", "children": "lycee_min"}
A, B, C, D = "32001", "32002", "32003", "32004"
LINE = [[0.0, 1.0], [100.0, 0.0]]
"""A value function under which x minutes are worth 1 - x/100."""


@pytest.fixture
def small(territory: Territory) -> Small:
    """Return a function that ranks a few communes by the value that each has on each criterion.

    The criteria are the station, the doctor and the lycée, as many as there are columns, with the
    importance in points (4, 2, 1 or 0); NaN is unknown. A limit leaves all other communes out.
    """

    def run(
        table: Sequence[Sequence[float]],
        points: Sequence[int],
        *,
        also_known: Sequence[Sequence[float]] = (),
        limits: dict[str, Any] | None = None,
        scope: str = "all",
    ) -> Ranking:
        words = {4: "indispensable", 2: "important", 1: "a_little", 0: "not_at_all"}
        families = ["work", "connection", "daily_life", "housing", "setting", "welcome"]
        importance = dict.fromkeys([*families, *ONE_OF], "not_at_all")
        importance |= {
            f: words[number] for f, number in zip(ONE_OF, points, strict=False) if number
        }
        choices: dict[str, Any] = {
            name: {"importance": "not_at_all"}
            for name, criterion in CRITERIA.items()
            if criterion.family in ONE_OF
        }
        choices |= {n: {"importance": "important", "breakpoints": LINE} for n in ONE_OF.values()}
        profile = parse_profile(
            {
                "importance": importance,
                "criteria": choices,
                "limits": {"telecentre_min": {"at_most": 1.0}} | (limits or {}),
            }
        )
        real = decision_matrix(territory)
        raw = np.full_like(real.raw, 50.0)
        values = np.array([*table, *also_known], dtype=np.float64)
        raw[: len(values), COLUMNS[: values.shape[1]]] = 100.0 * (1.0 - values)
        raw[: len(table), NAMES.index("telecentre_min")] = 0.0
        matrix = DecisionMatrix.from_figures(real.codes, raw, raw.copy(), real.status.copy())
        return rank(territory, profile, scope, matrix=matrix)

    return run


@pytest.fixture(scope="module")
def family(territory: Territory) -> Ranking:
    return rank(territory, preset_named("paris-web-family").profile, "all")


def scores(ranking: Ranking, weights: FloatArray | None) -> FloatArray:
    assert weights is not None
    return 100.0 * (ranking.values @ weights)


def on_columns(weights: FloatArray | None) -> list[float]:
    assert weights is not None
    return [weights[k].item() for k in COLUMNS]


# --- The weights that would put a commune first ---------------------------------------------


def test_between_two_communes_the_change_is_the_gap_over_what_a_unit_of_weight_closes(
    small: Small,
) -> None:
    # Weights 2/3 and 1/3: A is ahead by 2/3 × 0.6 - 1/3 × 0.6 = 0.2. A unit of weight moved from
    # the station to the doctor closes 0.6 + 0.6, so a sixth has to move.
    ranking = small([[0.9, 0.2], [0.3, 0.8]], [2, 1])
    change = weights_to_lead(ranking, B)
    assert change.status == "possible"
    assert change.moved_share == pytest.approx(1 / 6, abs=1e-12)
    assert on_columns(change.weights_before) == pytest.approx([2 / 3, 1 / 3, 0])
    assert on_columns(change.weights_after) == pytest.approx([1 / 2, 1 / 2, 0], abs=1e-12)
    assert (change.challenger, change.challenger_name) == (B, "Ansan")
    assert (change.leader, change.leader_name) == (A, "Aignan")
    assert change.rivals == (A,)
    # Both change by a sixth: they stand as in the catalogue.
    assert [move[0] for move in change.moves] == ["doctor_min", "station_min"]
    assert change.moves[1][1:] == pytest.approx((2 / 3, 1 / 2))
    assert change.left_out_by == change.beaten_by == ()


def test_the_largest_change_of_a_weight_comes_first(small: Small) -> None:
    ranking = small([[1.0, 0.0, 0.5], [0.0, 0.1, 0.5]], [4, 2, 1])
    change = weights_to_lead(ranking, B)
    # Weights 4/7, 2/7, 1/7: the gap is 4/7 - 0.2/7. Station to doctor closes 1.1 a unit.
    assert change.moved_share == pytest.approx((3.8 / 7) / 1.1)
    assert [name for name, *_ in change.moves] == ["doctor_min", "station_min"]
    ranking = small([[0.9, 0.1, 0.8], [0.2, 0.8, 0.1]], [1, 1, 1])
    # 0.7, -0.7 and 0.7 ahead: a gap of 0.7/3, and 1.4 a unit from either of the two to the doctor.
    ((first, before, after), *others) = weights_to_lead(ranking, B).moves
    assert first == "doctor_min"
    assert after - before == pytest.approx(1 / 6)
    assert sum(new - old for _, old, new in others) == pytest.approx(-1 / 6)


@pytest.mark.parametrize(
    ("table", "points", "code"),
    [
        ([[0.9, 0.4, 0.1], [0.5, 0.6, 0.7], [0.2, 0.9, 0.3]], [4, 2, 1], C),
        ([[0.9, 0.4, 0.1], [0.5, 0.6, 0.7], [0.2, 0.9, 0.3]], [4, 2, 1], B),
        ([[1.0, 0.1, 0.4], [0.6, 0.7, 0.4], [0.5, 0.5, 0.6], [0.8, 0.4, 0.3]], [2, 1, 1], C),
        ([[0.9, 0.2, 0.0], [0.3, 0.8, 0.0], [0.5, 0.6, 0.0]], [4, 1], B),
    ],
)
def test_no_point_of_a_grid_of_weights_does_better(
    small: Small, table: list[list[float]], points: list[int], code: str
) -> None:
    ranking = small(table, points)
    change = weights_to_lead(ranking, code)
    assert change.moved_share is not None
    me = ranking.matrix.codes.index(code)
    after = scores(ranking, change.weights_after)[ranking.order]
    assert after.max() - scores(ranking, change.weights_after)[me] <= 1e-7
    steps, used = 200, len(points)
    grid = np.array(
        [
            [i / steps, j / steps, (steps - i - j) / steps]
            for i, j in itertools.product(range(steps + 1), repeat=2)
            if i + j <= steps and (used == 3 or i + j == steps)
        ]
    )
    values = ranking.values[:, COLUMNS]
    ahead = (grid @ values[ranking.order].T).max(axis=1) - grid @ values[me]
    moved = np.abs(grid - ranking.weights[list(COLUMNS)]).sum(axis=1) / 2
    leading = moved[ahead <= 1e-12].min()
    assert leading >= change.moved_share - 1e-9
    assert leading <= change.moved_share + 3 / steps
    assert change.weights_after is not None
    just_less = ranking.weights + 0.999 * (change.weights_after - ranking.weights)
    assert scores(ranking, just_less)[ranking.order].max() > scores(ranking, just_less)[me] + 1e-6


def test_the_first_commune_needs_no_change(small: Small) -> None:
    change = weights_to_lead(small([[0.9, 0.2], [0.3, 0.8]], [2, 1]), "aignan")
    assert change.status == "already_first"
    assert (change.moved_share, change.moves, change.rivals) == (0.0, (), ())
    np.testing.assert_array_equal(change.weights_after, change.weights_before)


def test_who_shares_the_first_rank_is_first_already(small: Small) -> None:
    ranking = small([[0.4, 0.6], [0.6, 0.4], [0.1, 0.2]], [2, 2])
    change = weights_to_lead(ranking, B)
    assert (change.status, change.moved_share, change.rivals) == ("already_first", 0.0, (A,))


def test_a_rounding_behind_is_level_as_in_the_ranking(small: Small) -> None:
    ranking = small([[0.5, 0.5], [0.5 - 2e-12, 0.5], [0.5 - 1e-9, 0.5]], [2, 2])
    assert 0 < ranking.score[0] - ranking.score[1] < 1e-9
    assert ranking.ranks.tolist() == [1, 1, 3]
    assert weights_to_lead(ranking, B).status == "already_first"
    assert figures_to_gain(ranking, B) == ()
    # C is behind by a hair, on the station alone: the doctor has to count alone.
    change = weights_to_lead(ranking, C)
    assert change.status == "possible"
    assert on_columns(change.weights_after) == pytest.approx([0, 1, 0])
    assert change.rivals == (A, B)


def test_a_commune_that_another_beats_everywhere_can_never_lead(small: Small) -> None:
    ranking = small([[0.9, 0.6], [0.7, 0.65], [0.5, 0.5]], [2, 1])
    change = weights_to_lead(ranking, C)
    assert change.status == "impossible"
    assert change.moved_share is None
    assert change.weights_after is None
    assert (change.dominator, change.beaten_by) == (A, (A,))
    # Kindest weights: all on the doctor, where B is the best of the others.
    assert change.short_by_points == pytest.approx(15.0)


def test_communes_may_beat_one_together_that_none_beats_alone(small: Small) -> None:
    ranking = small([[1.0, 0.0], [0.0, 1.0], [0.4, 0.4], [0.1, 0.1]], [2, 1])
    change = weights_to_lead(ranking, C)
    assert change.status == "impossible"
    assert change.dominator is None
    assert sorted(change.beaten_by) == [A, B]
    # With half and half, A and B have 50 points and C has 40; any other weights help A or B.
    assert change.short_by_points == pytest.approx(10.0)


def test_who_is_no_better_on_one_criterion_does_not_beat_a_commune_alone(small: Small) -> None:
    # A equals C by the station, where B is ahead: C never leads, but by neither of them alone.
    ranking = small([[0.5, 0.9], [0.8, 0.1], [0.5, 0.5]], [2, 1])
    change = weights_to_lead(ranking, C)
    assert (change.status, change.dominator) == ("impossible", None)
    assert sorted(change.beaten_by) == [A, B]
    # A's lead is 0.4 of the doctor's weight, B's 0.3 of the rest less 0.4 of it: 3/11 is kindest.
    assert change.short_by_points == pytest.approx(40 * 3 / 11)


def test_being_level_on_one_criterion_is_enough_to_lead_by_it(small: Small) -> None:
    ranking = small([[0.9, 0.6], [0.5, 0.6], [0.2, 0.2]], [2, 1])
    change = weights_to_lead(ranking, B)
    assert change.status == "possible"
    assert on_columns(change.weights_after) == pytest.approx([0, 1, 0])
    assert change.moved_share == pytest.approx(2 / 3)
    assert change.rivals == (A,)


def test_a_commune_left_out_is_compared_as_if_it_were_listed(small: Small) -> None:
    ranking = small([[0.9, 0.2], [0.3, 0.8]], [2, 1], also_known=[[0.1, 0.95]])
    change = weights_to_lead(ranking, C)
    assert change.left_out_by == ("telecentre_min",)
    assert change.status == "possible"
    me = 2
    after = scores(ranking, change.weights_after)
    assert after[me] == pytest.approx(after[[0, 1]].max())
    assert C not in change.rivals


def test_the_scope_and_the_limits_that_leave_a_commune_out_are_named(territory: Territory) -> None:
    profile = parse_profile(
        {"limits": {"station_min": {"at_most": 1, "at_least": 0.5}, "lycee_min": {"at_most": 90}}}
    )
    ranking = rank(territory, profile, "partners")
    assert len(ranking) == 0
    change = weights_to_lead(ranking, "32001")
    in_scope = territory.in_scope("partners")[0]
    assert change.left_out_by == (() if in_scope else ("scope",)) + ("station_min",)
    outsider = territory.codes[int(np.flatnonzero(~territory.in_scope("partners"))[0])]
    change = weights_to_lead(ranking, outsider)
    assert change.left_out_by == ("scope", "station_min")
    # Nobody is listed: whoever is added leads.
    assert (change.status, change.leader, change.leader_name) == ("already_first", None, None)
    assert change.rivals == ()


def test_an_unknown_commune_is_refused(family: Ranking) -> None:
    with pytest.raises(UnknownCommuneError, match="Atlantis"):
        weights_to_lead(family, "Atlantis")


def test_a_solver_that_gives_up_is_said_and_not_taken_for_an_answer(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranking = small([[0.9, 0.2], [0.3, 0.8]], [2, 1])
    stopped = SimpleNamespace(status=4, message="numerical difficulties", x=None)
    monkeypatch.setattr(scipy.optimize, "linprog", lambda **_: stopped)
    with pytest.raises(GeoMatcherError, match=r"status 4: numerical difficulties.*Report it"):
        weights_to_lead(ranking, B)


def test_an_answer_is_frozen_and_leaves_the_ranking_alone(family: Ranking) -> None:
    before = family.weights.copy()
    change = weights_to_lead(family, "32013")
    assert change.weights_after is not None
    with pytest.raises(ValueError, match="read-only"):
        change.weights_after[0] = 1.0
    with pytest.raises(FrozenInstanceError):
        change.status = "possible"  # type: ignore[misc]
    np.testing.assert_array_equal(family.weights, before)


def test_the_same_question_has_the_same_answer_to_the_byte(family: Ranking) -> None:
    first, second = (json.dumps(weights_to_lead(family, "32013").as_dict()) for _ in range(2))
    assert first == second


# --- The smallest change that dethrones -----------------------------------------------------


def test_the_winner_falls_by_the_shortest_way_to_any_challenger(small: Small) -> None:
    # Weights 4/7, 2/7, 1/7. A leads B by (4 × 0.5 - 2 × 0.4)/7 = 1.2/7 and a unit of weight from
    # the station to the doctor closes 0.9; it leads C by (4 × 0.2 + 2 × 0.1 - 0.3)/7 = 0.7/7, and
    # a unit from the station to the lycée closes 0.5.
    ranking = small([[1.0, 0.5, 0.5], [0.5, 0.9, 0.5], [0.8, 0.4, 0.8]], [4, 2, 1])
    change = dethrone(ranking)
    assert change is not None
    assert (change.status, change.challenger, change.leader) == ("possible", B, A)
    assert change.moved_share == pytest.approx(1.2 / 7 / 0.9, abs=1e-12)
    assert {name for name, *_ in change.moves} == {"station_min", "doctor_min"}
    assert change.rivals == (A,)
    assert weights_to_lead(ranking, C).moved_share == pytest.approx(0.7 / 7 / 0.5)


def test_weight_is_taken_from_a_second_criterion_when_the_first_has_none_left(small: Small) -> None:
    # The station has 1/7: giving it all up closes 1/7 × 1.1. The rest comes from the doctor.
    ranking = small([[1.0, 0.9, 0.0], [0.0, 0.1, 0.1]], [1, 4, 2])
    change = dethrone(ranking)
    assert change is not None
    gap = (1.0 * 1 + 0.8 * 4 - 0.1 * 2) / 7
    assert change.moved_share == pytest.approx(1 / 7 + (gap - 1.1 / 7) / 0.9, abs=1e-12)
    assert on_columns(change.weights_after)[0] == pytest.approx(0.0, abs=1e-15)
    assert weights_to_lead(ranking, B).moved_share == pytest.approx(change.moved_share, abs=1e-9)


def test_dethroning_is_the_least_of_what_any_commune_needs_to_lead(territory: Territory) -> None:
    ranking = rank(territory, preset_named("paris-web-family").profile, "partners")
    change = dethrone(ranking)
    assert change is not None
    codes = [ranking.matrix.codes[row] for row in ranking.order[1:]]
    needed = {code: weights_to_lead(ranking, code).moved_share for code in codes}
    known = {code: share for code, share in needed.items() if share is not None}
    nearest = min(known, key=lambda code: known[code])
    assert change.challenger == nearest
    assert change.moved_share == pytest.approx(known[nearest], abs=1e-9)
    after = scores(ranking, change.weights_after)
    assert after[ranking.order].max() == pytest.approx(after[ranking.order[0]], abs=1e-9)


def test_a_shared_first_rank_needs_no_change_to_be_disputed(small: Small) -> None:
    change = dethrone(small([[0.4, 0.6], [0.6, 0.4], [0.1, 0.2]], [2, 2]))
    assert change is not None
    assert (change.status, change.moved_share, change.challenger) == ("already_first", 0.0, B)
    assert change.rivals == (A,)


def test_a_winner_that_is_best_everywhere_cannot_be_dethroned(small: Small) -> None:
    change = dethrone(small([[0.9, 0.9], [0.8, 0.2], [0.1, 0.8]], [2, 1]))
    assert change is not None
    assert (change.status, change.challenger, change.leader) == ("impossible", None, A)
    assert change.moved_share is None
    assert change.weights_after is None
    assert change.as_dict()["weights_after"] is None


def test_a_winner_that_is_equalled_on_one_criterion_falls_when_it_alone_counts(
    small: Small,
) -> None:
    change = dethrone(small([[0.9, 0.9], [0.8, 0.9]], [4, 1]))
    assert change is not None
    assert change.moved_share == pytest.approx(0.8)
    assert on_columns(change.weights_after) == pytest.approx([0, 1, 0])


@pytest.mark.parametrize("table", [[], [[0.9, 0.2]]])
def test_alone_or_without_anybody_nothing_can_be_dethroned(
    small: Small, table: list[list[float]]
) -> None:
    assert dethrone(small(table, [2, 1], also_known=[[0.5, 0.5]])) is None


# --- The single figure ----------------------------------------------------------------------


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


# --- Answers in plain types -----------------------------------------------------------------


def test_answers_have_the_keys_that_are_documented(family: Ranking, small: Small) -> None:
    lead = weights_to_lead(family, "32013").as_dict()
    assert set(lead) == {
        "status", "challenger", "challenger_name", "leader", "leader_name", "moved_share",
        "weights_before", "weights_after", "moves", "rivals", "left_out_by", "dominator",
        "beaten_by", "short_by_points",
    }  # fmt: skip
    assert set(lead["moves"][0]) == {"criterion", "before", "after"}
    assert sum(lead["weights_before"].values()) == pytest.approx(1.0)
    assert sum(lead["weights_after"].values()) == pytest.approx(1.0)
    assert len(lead["weights_after"]) == (family.weights > 0).sum()
    unknown = small([[0.7, 0.5], [math.nan, 0.5]], [2, 2])
    figure = figures_to_gain(unknown, B)[0].as_dict()
    assert set(figure) == {
        "criterion", "unit", "present", "status", "needed", "change", "value_present",
        "value_needed", "value_change", "rank_before", "rank_after", "left_out_by",
    }  # fmt: skip
    pair = next(iter(dominated(family).values())).as_dict()
    assert set(pair) == {
        "insee_code", "name", "dominator", "dominator_name", "certain", "behind_points",
    }  # fmt: skip
    never = weights_to_lead(small([[0.9, 0.9], [0.1, 0.1]], [2, 2]), B).as_dict()
    fallen = dethrone(family)
    assert fallen is not None
    for answer in (lead, figure, pair, never, fallen.as_dict()):
        assert json.loads(json.dumps(answer, allow_nan=False)) == answer


# --- Speed ----------------------------------------------------------------------------------


def best_of(runs: int, work: Callable[[], object]) -> float:
    """Return the shortest time of a few runs, in seconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def test_answers_come_at_once_among_all_communes(family: Ranking) -> None:
    unlimited = family.profile.model_copy(update={"limits": {}})
    everyone = rank(family.territory, unlimited, "all")
    assert len(everyone) == 458
    last = everyone.matrix.codes[everyone.order[-1]]
    assert best_of(4, lambda: weights_to_lead(everyone, last)) < 0.1
    assert best_of(4, lambda: weights_to_lead(everyone, "32013")) < 0.1
    assert best_of(4, lambda: dethrone(everyone)) < 0.3
    assert best_of(4, lambda: dominated(everyone)) < 0.05


def test_with_a_single_criterion_no_weight_can_move(family: Ranking) -> None:
    weights = np.zeros_like(family.weights)
    weights[STATION] = 1.0
    other = replace(family, weights=weights, score=100.0 * family.values[:, STATION])
    row = int(other.score.argmin())
    change = weights_to_lead(other, family.matrix.codes[row])
    assert change.status == "impossible"
    best = other.score[other.order].max()
    assert change.short_by_points == pytest.approx(best - other.score[row])
