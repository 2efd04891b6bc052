"""What :mod:`geo_matcher.insight` promises, on the shipped release and any profile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog

from geo_matcher.insight import dethrone, weights_to_lead
from geo_matcher.matching import NAMES, Ranking, rank
from geo_matcher.profile import Profile
from geo_matcher.territory import SCOPES, Territory
from tests.property.strategies import profiles

FloatArray = NDArray[np.float64]

SCOPE = st.sampled_from(SCOPES)
ROWS = st.integers(0, 457)
FEW = settings(max_examples=30)


def least_change(ranking: Ranking, row: int) -> float | None:
    """Solve the same question in another form: one bound for each absolute difference."""
    used = np.flatnonzero(ranking.weights > 0)
    others = ranking.order[ranking.order != row]
    m, n = len(used), len(others)
    w, eye = ranking.weights[used], np.eye(len(used))
    ahead = ranking.values[np.ix_(others, used)] - ranking.values[row, used]
    program: dict[str, Any] = {
        "c": np.r_[np.zeros(m), np.full(m, 0.5)],
        "A_ub": np.block([[ahead, np.zeros((n, m))], [eye, -eye], [-eye, -eye]]),
        "b_ub": np.r_[np.zeros(n), w, -w],
        "A_eq": np.r_[np.ones(m), np.zeros(m)][None],
        "b_eq": [1.0],
    }
    found = linprog(**program)
    return float(found.fun) if found.status == 0 else None


@FEW
@given(profile=profiles(), scope=SCOPE, row=ROWS, seed=st.integers(0, 2**32 - 1))
def test_the_new_weights_lead_and_no_smaller_change_does(
    territory: Territory, profile: Profile, scope: str, row: int, seed: int
) -> None:
    ranking = rank(territory, profile, scope)
    change = weights_to_lead(ranking, territory.codes[row])
    others = ranking.order[ranking.order != row]
    used = ranking.weights > 0
    listed = row in ranking.order
    assert (change.left_out_by == ()) == listed
    before = ranking.score[others].max(initial=-1.0)
    assert (change.status == "already_first") == (ranking.score[row] >= before - 1e-9)
    draws = np.random.default_rng(seed).dirichlet(np.full(used.sum(), 0.5), size=300)
    ahead = (draws @ (ranking.values[others] - ranking.values[row])[:, used].T).max(
        axis=1, initial=-1.0
    )
    if change.status == "impossible":
        assert (ahead > 0).all()
        assert change.short_by_points is not None
        assert 100 * ahead.min(initial=1.0) >= change.short_by_points - 1e-7
        # Those named are enough to keep it from leading, under any weights.
        beating = [territory.codes.index(code) for code in change.beaten_by]
        assert least_change(_only(ranking, beating), row) is None
        return
    after, moved = change.weights_after, change.moved_share
    assert after is not None
    assert moved is not None
    assert (after >= 0).all()
    assert (after[~used] == 0).all()
    assert after.sum() == pytest.approx(1.0, abs=1e-12)
    scores = ranking.values @ after
    assert scores[row] >= scores[others].max(initial=-1.0) - 1e-9
    assert moved == pytest.approx(np.abs(after - ranking.weights).sum() / 2, abs=1e-12)
    names = {NAMES[k] for k in np.flatnonzero(np.abs(after - ranking.weights) > 1e-12)}
    assert {name for name, *_ in change.moves} == names
    shares = np.abs(draws - ranking.weights[used]).sum(axis=1) / 2
    assert (shares[ahead <= 0] >= moved - 1e-8).all()
    if change.status == "possible":
        assert moved == pytest.approx(least_change(ranking, row), abs=1e-6)
        assert change.rivals


def _only(ranking: Ranking, rows: list[int]) -> Ranking:
    """Return a ranking that lists these rows alone."""
    return replace(ranking, order=np.array(rows, dtype=np.intp), ranks=np.ones(len(rows), np.intp))


@FEW
@given(profile=profiles(), scope=st.sampled_from(["partners", "network"]))
def test_the_closed_form_of_dethroning_is_the_least_of_the_linear_programs(
    territory: Territory, profile: Profile, scope: str
) -> None:
    ranking = rank(territory, profile, scope)
    change = dethrone(ranking)
    assert (change is None) == (len(ranking) < 2)
    if change is None:
        return
    leader, others = int(ranking.order[0]), ranking.order[1:]
    # The least lead over all weights, of any challenger, tells whether one can ever draw level.
    used = np.flatnonzero(ranking.weights > 0)
    lead = ranking.values[leader, used] - ranking.values[np.ix_(others, used)]
    if change.status == "impossible":
        assert lead.min() > 0
        return
    assert change.challenger is not None
    assert change.moved_share is not None
    assert change.weights_after is not None
    row = territory.codes.index(change.challenger)
    scores = ranking.values @ change.weights_after
    assert row in others
    assert scores[row] == pytest.approx(scores[ranking.order].max(), abs=1e-9)
    assert change.weights_after.min() >= 0
    assert change.weights_after.sum() == pytest.approx(1.0, abs=1e-12)
    lower = (lead @ ranking.weights[used]) / np.maximum(np.ptp(lead, axis=1), 1e-300)
    assert change.moved_share >= lower.min() - 1e-9
    assert change.moved_share == pytest.approx(least_change(ranking, row), abs=1e-6)
    for rival in others[:: max(1, len(others) // 6)].tolist():
        needed = least_change(_only(ranking, [leader]), rival)
        assert needed is None or needed >= change.moved_share - 1e-6
