"""What :mod:`geo_matcher.dominance` promises, on the shipped release and any profile."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_matcher.dominance import dominated
from geo_matcher.matching import rank
from geo_matcher.profile import Profile
from geo_matcher.territory import SCOPES, Territory
from tests.property.strategies import profiles

SCOPE = st.sampled_from(SCOPES)
FEW = settings(max_examples=30)


@FEW
@given(profile=profiles(), scope=SCOPE, seed=st.integers(0, 2**32 - 1))
def test_no_weights_put_a_dominated_commune_ahead_and_no_figures_if_certain(
    territory: Territory, profile: Profile, scope: str, seed: int
) -> None:
    ranking = rank(territory, profile, scope)
    found, sure = dominated(ranking), dominated(ranking, certain=True)
    rng = np.random.default_rng(seed)
    used = ranking.weights > 0
    draws = rng.dirichlet(np.full(used.sum(), 0.5), size=50)
    listed = {ranking.matrix.codes[row] for row in ranking.order}
    assert set(sure) <= set(found) <= listed
    for pairs in (found, sure):
        for code, pair in pairs.items():
            row, other = (territory.codes.index(c) for c in (code, pair.dominator))
            ahead = (ranking.values[other] - ranking.values[row])[used]
            assert (draws @ ahead >= -1e-12).all()
            assert pair.behind_points == ranking.score[other] - ranking.score[row]
            if pair.certain:
                worst = ranking.values_min[other, used]
                assert (draws @ (worst - ranking.values_max[row, used]) >= -1e-12).all()
    assert all(pair.certain for pair in sure.values())
    assert all(sure[code] == pair for code, pair in found.items() if pair.certain)
    # The winner is dominated by nobody, and neither is who is best on one criterion alone.
    if len(ranking) and ranking.ranks.tolist().count(1) == 1:
        assert ranking.matrix.codes[ranking.order[0]] not in found
