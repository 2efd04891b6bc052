from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.optimize
from numpy.typing import NDArray

from geo_matcher.errors import GeoMatcherError, UnknownCommuneError
from geo_matcher.insight import dethrone, weights_to_lead
from geo_matcher.leverage import figures_to_gain
from geo_matcher.matching import Ranking, rank
from geo_matcher.presets import preset_named
from geo_matcher.profile import parse_profile
from geo_matcher.territory import Territory
from tests.unit.few_communes import COLUMNS, STATION, A, B, C, small_ranking

FloatArray = NDArray[np.float64]
Small = Callable[..., Ranking]


@pytest.fixture
def small(territory: Territory) -> Small:
    return partial(small_ranking, territory)


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
    never = weights_to_lead(small([[0.9, 0.9], [0.1, 0.1]], [2, 2]), B).as_dict()
    fallen = dethrone(family)
    assert fallen is not None
    for answer in (lead, never, fallen.as_dict()):
        assert json.loads(json.dumps(answer, allow_nan=False)) == answer


def test_with_a_single_criterion_no_weight_can_move(family: Ranking) -> None:
    weights = np.zeros_like(family.weights)
    weights[STATION] = 1.0
    other = replace(family, weights=weights, score=100.0 * family.values[:, STATION])
    row = int(other.score.argmin())
    change = weights_to_lead(other, family.matrix.codes[row])
    assert change.status == "impossible"
    best = other.score[other.order].max()
    assert change.short_by_points == pytest.approx(best - other.score[row])
