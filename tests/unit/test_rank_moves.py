"""Who moved between two rankings: nobody who did not, the farthest first, and why."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from geo_matcher.decision import DecisionMatrix, decision_matrix
from geo_matcher.errors import DataError
from geo_matcher.matching import NAMES, Ranking, rank
from geo_matcher.presets import PRESETS
from geo_matcher.profile import parse_profile
from geo_matcher.rank_moves import FIRST, rank_moves, ranks_by_commune
from geo_matcher.territory import Territory

FAMILY = PRESETS["paris-web-family"].profile
FREE = parse_profile({**FAMILY.as_dict(), "limits": {}})


@pytest.fixture(scope="module")
def before(territory: Territory) -> Ranking:
    return rank(territory, FREE, "all")


def with_figures(ranking: Ranking, criterion: str, figures: dict[str, float]) -> Ranking:
    """Return the same ranking with other figures of some communes."""
    known = decision_matrix(ranking.territory)
    raw, low = known.raw.copy(), known.raw_low.copy()
    k = NAMES.index(criterion)
    for code, figure in figures.items():
        row = known.codes.index(code)
        raw[row, k] = low[row, k] = figure
    matrix = DecisionMatrix.from_figures(known.codes, raw, low, known.status)
    return rank(ranking.territory, ranking.profile, ranking.scope, matrix=matrix)


def test_one_that_falls_from_far_behind_is_named_first(before: Ranking) -> None:
    """The farthest mover is none of the first villages: those alone would not tell of it."""
    code = before.matrix.codes[before.order[60]]
    after = with_figures(before, "ftth_coverage_share", {code: 0.0})
    found = rank_moves(before, after)
    (first, *others) = found.movers
    assert first.insee_code == code
    assert first.rank_before == ranks_by_commune(before)[code]
    assert first.rank_after == ranks_by_commune(after)[code]
    assert first.rank_after - first.rank_before == found.largest_move > 50
    (change,) = first.changes
    assert (change.criterion, change.after) == ("ftth_coverage_share", 0.0)
    row = before.position(code)
    assert change.points == pytest.approx(after.score[row] - before.score[row], abs=1e-9)
    assert first.points == pytest.approx(change.points)
    assert found.entered == found.left == ()
    assert all(other.changes == () for other in others), "passed, with figures of their own"
    assert found.median_move == 1
    (shift,) = found.shifts
    assert (shift.criterion, shift.communes) == ("ftth_coverage_share", 1)
    assert shift.largest_points == pytest.approx(change.points)
    assert shift.total_points == pytest.approx(-change.points)


def test_who_enters_and_leaves_the_first_ones(before: Ranking) -> None:
    best, next_one = (before.matrix.codes[before.order[k]] for k in (0, FIRST))
    found = rank_moves(before, with_figures(before, "ftth_coverage_share", {best: 0.0}), movers=0)
    assert [village.insee_code for village in found.left] == [best]
    assert [village.insee_code for village in found.entered] == [next_one]
    assert (found.entered[0].rank_before, found.entered[0].rank_after) == (FIRST + 1, FIRST)
    assert found.movers == ()
    assert {village.insee_code for village in found.named} == {best, next_one}


def test_what_a_limit_takes_out_is_told_with_it(territory: Territory) -> None:
    strict = parse_profile(
        {**FAMILY.as_dict(), "limits": {"ftth_coverage_share": {"at_least": 0.5}}}
    )
    before = rank(territory, strict, "all")
    best = before.matrix.codes[before.order[0]]
    after = with_figures(before, "ftth_coverage_share", {best: 0.1})
    (gone,) = rank_moves(before, after).no_longer_ranked
    assert (gone.insee_code, gone.rank_before, gone.rank_after) == (best, 1, None)
    assert (gone.absence, gone.limits) == ("limit", ("ftth_coverage_share",))
    (back,) = rank_moves(after, before).newly_ranked
    assert (back.rank_before, back.rank_after, back.absence) == (None, 1, "limit")


def test_communes_that_come_and_go_are_told(before: Ranking) -> None:
    partners = rank(before.territory, FREE, "partners")
    found = rank_moves(partners, before)
    assert found.no_longer_ranked == ()
    assert {village.absence for village in found.newly_ranked} == {"scope"}
    assert len(found.newly_ranked) == len(before) - len(partners)
    assert found.moved > 0, "ranks are counted among others"
    assert found.shifts == ()


def test_two_profiles_cannot_be_compared(before: Ranking) -> None:
    other = rank(before.territory, PRESETS["retired-couple"].profile, "all")
    with pytest.raises(DataError, match="weigh the criteria differently"):
        rank_moves(before, other)
    same = dataclasses.replace(before, weights=np.array(before.weights))
    assert rank_moves(before, same).moved == 0
