"""What tells much the same and what a weight decides, counted again the plain way."""

from __future__ import annotations

import numpy as np
import pytest

from geo_matcher.audit import Audit, audit
from geo_matcher.criteria import CRITERIA
from geo_matcher.decision import decision_matrix
from geo_matcher.double_counting import CORRELATED_FROM, effective_weights
from geo_matcher.matching import NAMES, rank
from geo_matcher.newcomers import population
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory

SIZE, SEED, TOP = 40, 7, 5


@pytest.fixture(scope="module")
def found(territory: Territory) -> Audit:
    return audit(territory, size=SIZE, seed=SEED, top=TOP)


@pytest.fixture(scope="module")
def newcomers() -> tuple[Profile, ...]:
    return population(SIZE, SEED)


def test_pairs_are_the_correlations_of_what_is_known(territory: Territory, found: Audit) -> None:
    matrix = decision_matrix(territory)
    used = [item.criterion for item in found.weights]
    expected = {}
    for place, first in enumerate(used):
        for second in used[place + 1 :]:
            a, b = NAMES.index(first), NAMES.index(second)
            both = ~np.isnan(matrix.raw[:, a]) & ~np.isnan(matrix.raw[:, b])
            x, y = matrix.values[both, a], matrix.values[both, b]
            if both.sum() >= 30 and x.std() > 0 and y.std() > 0:
                r = np.corrcoef(x, y)[0, 1]
                if abs(r) >= CORRELATED_FROM:
                    expected[first, second] = (r, both.sum())
    assert {(pair.first, pair.second) for pair in found.pairs} == set(expected)
    for pair in found.pairs:
        r, communes = expected[pair.first, pair.second]
        assert pair.r == pytest.approx(r)
        assert pair.communes == communes
        assert pair.same_family == (CRITERIA[pair.first].family == CRITERIA[pair.second].family)
    strengths = [abs(pair.r) for pair in found.pairs]
    assert strengths == sorted(strengths, reverse=True)


def test_weights_and_what_they_decide_both_add_up_to_one(
    territory: Territory, found: Audit, newcomers: tuple[Profile, ...]
) -> None:
    assert sum(item.nominal for item in found.weights) == pytest.approx(1.0, abs=1e-9)
    assert sum(item.effective for item in found.weights) == pytest.approx(1.0, abs=1e-9)
    partners = territory.in_scope("partners")
    nominal, effective = np.zeros(len(NAMES)), np.zeros(len(NAMES))
    for profile in newcomers:
        ranking = rank(territory, profile)
        score = ranking.score[partners] / 100
        for k in range(len(NAMES)):
            covariance = np.cov(ranking.values[partners, k], score)
            effective[k] += ranking.weights[k] * covariance[0, 1] / covariance[1, 1] / SIZE
        nominal += ranking.weights / SIZE
    for item in found.weights:
        k = NAMES.index(item.criterion)
        assert item.nominal == pytest.approx(nominal[k])
        assert item.effective == pytest.approx(effective[k], abs=1e-12)
    assert {item.criterion for item in found.weights} == {
        NAMES[k] for k in np.flatnonzero(nominal > 0)
    }


def test_where_nothing_varies_no_weight_decides() -> None:
    weights, values = np.array([0.25, 0.75]), np.array([[1.0, 0.0], [0.0, 1 / 3]])
    assert effective_weights(weights, values, np.array([25.0, 25.0])) is None
    # Scores 25 and 75 from the second criterion alone: the first never varies, and decides nothing.
    values = np.array([[1.0, 0.0], [1.0, 2 / 3]])
    found = effective_weights(weights, values, 100 * values @ weights)
    assert found == pytest.approx([0.0, 1.0])
