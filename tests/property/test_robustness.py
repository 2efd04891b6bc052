"""What holds of the odds of any profile, on the shipped release."""

from __future__ import annotations

from unittest import mock

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_matcher import weights as module
from geo_matcher.matching import rank
from geo_matcher.profile import Profile
from geo_matcher.robustness import MIN_DRAWS, odds
from geo_matcher.territory import SCOPES, Territory
from geo_matcher.weights import Belief, weight_region
from tests.property.strategies import profiles

BELIEFS: tuple[Belief, ...] = ("words", "order", "free")
BELIEF = st.sampled_from(BELIEFS)
SEED = st.integers(0, 2**32)


@given(profile=profiles(), scope=st.sampled_from(SCOPES), belief=BELIEF, seed=SEED)
def test_every_rank_is_held_once_and_every_commune_has_one(
    territory: Territory, profile: Profile, scope: str, belief: Belief, seed: int
) -> None:
    ranking = rank(territory, profile, scope)
    found = odds(ranking, draws=MIN_DRAWS, seed=seed, belief=belief)
    n = len(ranking)
    shares = found.acceptability
    assert shares.shape == (n, n)
    assert (shares >= 0).all()
    assert shares.sum(axis=0) == pytest.approx(np.ones(n))
    assert shares.sum(axis=1) == pytest.approx(np.ones(n))
    assert (np.sort(found.ranks, axis=1) == np.arange(1, n + 1)).all()
    assert shares @ np.arange(1, n + 1) == pytest.approx(found.ranks.mean(axis=0))


@given(profile=profiles(with_limits=False), seed=SEED)
def test_odds_agree_with_one_another(territory: Territory, profile: Profile, seed: int) -> None:
    found = odds(rank(territory, profile), draws=MIN_DRAWS, seed=seed)
    ahead = found.ahead()
    assert ahead + ahead.T == pytest.approx(np.ones_like(ahead))
    # Who is first is ahead of every other one; one more than those ahead is the rank.
    assert (found.p_top(1)[:, np.newaxis] <= ahead + np.eye(len(ahead)) + 1e-12).all()
    assert ahead.sum(axis=0) + 0.5 == pytest.approx(found.ranks.mean(axis=0))
    tops = np.array([found.p_top(places) for places in range(1, len(ahead) + 1)])
    assert (np.diff(tops, axis=0) >= 0).all()
    assert tops[-1] == pytest.approx(np.ones(len(ahead)))
    assert tops.sum(axis=1) == pytest.approx(np.arange(1, len(ahead) + 1))
    low, high = found.band
    assert (low <= high).all()
    assert [c for group in found.ties for c in group] == list(range(len(ahead)))
    told = orjson.loads(orjson.dumps([found.as_dict(), found.summaries]))
    assert told == [found.as_dict(), found.summaries]


@given(profile=profiles(), seed=SEED)
def test_weights_lie_in_their_region_and_in_those_that_say_less(
    profile: Profile, seed: int
) -> None:
    regions = [weight_region(profile, belief) for belief in BELIEFS]
    assert all(region.allows(profile.weights) for region in regions)
    for number, region in enumerate(regions):
        drawn = region.sample(5, np.random.default_rng(seed))
        assert drawn.sum(axis=1) == pytest.approx(np.ones(5))
        assert ((drawn > 0) == (profile.weights > 0)).all()
        assert all(wider.allows(weights) for wider in regions[number:] for weights in drawn)


@settings(max_examples=20)
@given(profile=profiles(with_limits=False), seed=st.integers(0, 999), data=st.data())
def test_answers_that_some_weights_satisfy_are_satisfied_by_every_draw(
    profile: Profile, seed: int, data: st.DataObject
) -> None:
    """Answers are given by someone whose weights are in the region: they never contradict.

    Both ways to draw are tried: rejection where enough is left, and hit-and-run.
    """
    region = weight_region(profile)
    one = region.sample(1, np.random.default_rng([seed, 1]))[0]
    rows = np.zeros((data.draw(st.integers(1, 3)), len(one)))
    for row in rows:
        first, second = data.draw(st.tuples(*[st.sampled_from(region.columns.tolist())] * 2))
        row[first], row[second] = 1.0, row[second] - data.draw(st.floats(0.3, 3.0))
        row *= np.sign(row @ one) or 1.0
    assert (rows @ one >= 0).all()
    for kept_at_least in (module.KEPT_AT_LEAST, 2.0):
        with mock.patch.object(module, "KEPT_AT_LEAST", kept_at_least):
            drawn = region.sample(40, np.random.default_rng(seed), answers=rows)
        assert (drawn @ rows.T >= -1e-9).all()
        assert all(region.allows(weights) for weights in drawn)
