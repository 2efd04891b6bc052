"""What :mod:`geo_matcher.leverage` promises, on the shipped release and any profile."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_matcher.criteria import CRITERIA, Unit
from geo_matcher.decision import DecisionMatrix
from geo_matcher.leverage import figures_to_gain
from geo_matcher.matching import NAMES, Ranking, rank
from geo_matcher.profile import Profile
from geo_matcher.territory import SCOPES, Territory
from tests.property.strategies import profiles

SCOPE = st.sampled_from(SCOPES)
FEW = settings(max_examples=30)


def with_figure(ranking: Ranking, row: int, name: str, raw: float) -> Ranking:
    """Rank again with one raw figure replaced."""
    old, k = ranking.matrix, NAMES.index(name)
    raws, lows = old.raw.copy(), old.raw_low.copy()
    raws[row, k] = lows[row, k] = raw
    matrix = DecisionMatrix.from_figures(old.codes, raws, lows, old.status.copy())
    return rank(ranking.territory, ranking.profile, ranking.scope, matrix=matrix)


def rank_of(ranking: Ranking, row: int) -> int | None:
    place = np.flatnonzero(ranking.order == row)
    return int(ranking.ranks[place[0]]) if place.size else None


@FEW
@given(profile=profiles(), scope=SCOPE, at=st.floats(0, 1), places=st.integers(1, 40))
def test_a_figure_gains_the_ranks_and_a_little_less_does_not(
    territory: Territory, profile: Profile, scope: str, at: float, places: int
) -> None:
    ranking = rank(territory, profile, scope)
    if not len(ranking):
        return
    row = int(ranking.order[int(at * (len(ranking) - 1))])
    now = rank_of(ranking, row)
    assert now is not None
    wanted = max(1, now - places)
    changes = figures_to_gain(ranking, territory.codes[row], places)
    assert now > 1 or changes == ()
    steps = [change.value_change for change in changes]
    assert steps == sorted(steps)
    for change in changes:
        reached = rank_of(with_figure(ranking, row, change.criterion, change.needed), row)
        assert reached is not None
        assert reached <= wanted
        assert reached == change.rank_after
        full = 100 * ranking.weights[NAMES.index(change.criterion)]
        if change.present is None or CRITERIA[change.criterion].unit is Unit.YES_NO:
            continue
        assert change.change is not None
        less = change.present + 0.99 * change.change
        lesser = with_figure(ranking, row, change.criterion, less)
        value = lesser.values[row, NAMES.index(change.criterion)]
        if full * (change.value_needed - value) > 1e-8:  # else it is a tie, to a rounding
            place = rank_of(lesser, row)
            assert place is not None
            assert place > wanted


@FEW
@given(profile=profiles(), at=st.floats(0, 1))
def test_a_figure_that_is_not_offered_would_not_do(
    territory: Territory, profile: Profile, at: float
) -> None:
    ranking = rank(territory, profile, "all")
    if not len(ranking):
        return
    row = int(ranking.order[int(at * (len(ranking) - 1))])
    now = rank_of(ranking, row)
    assert now is not None
    if now == 1:
        return
    offered = {change.criterion for change in figures_to_gain(ranking, territory.codes[row])}
    others = [k for k in np.flatnonzero(ranking.weights > 0) if NAMES[k] not in offered]
    for k in others[:2]:
        criterion = CRITERIA[NAMES[k]]
        function = profile.value_functions.get(criterion.name, criterion.value_function)
        for figure in [x for x, _ in function.breakpoints]:
            place = rank_of(with_figure(ranking, row, criterion.name, figure), row)
            assert place is None or place >= now
