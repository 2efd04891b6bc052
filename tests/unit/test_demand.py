"""Newcomers expected in each commune: what adds up, what repeats, how sure it is."""

from __future__ import annotations

import numpy as np
import pytest

from geo_matcher.demand import FIRST_PLACES, Demand, demand, draws_of_newcomers
from geo_matcher.errors import PlanError
from geo_matcher.matching import rank
from geo_matcher.newcomers import population
from geo_matcher.profile import parse_profile
from geo_matcher.robustness import odds
from geo_matcher.territory import Territory


@pytest.fixture(scope="module")
def found(territory: Territory) -> Demand:
    return demand(territory, profiles=20, draws=15)


def test_every_newcomer_has_their_first_places(found: Demand) -> None:
    for places in FIRST_PLACES:
        assert found.odds[places].shape == (20, 458)
        assert np.allclose(found.odds[places].sum(axis=1), places)
        assert found.expected(places).sum() == pytest.approx(20 * places)
    assert (found.odds[10] >= found.odds[5]).all()


def test_nobody_outside_the_scope_is_expected(territory: Territory) -> None:
    some = demand(territory, "partners", profiles=10, draws=5)
    outside = ~territory.in_scope("partners")
    assert (some.expected(5)[outside] == 0).all()
    assert len(some.as_dict()["communes"]) == 47


def test_a_smaller_population_is_the_beginning_of_a_larger_one(
    territory: Territory, found: Demand
) -> None:
    fewer = demand(territory, profiles=10, draws=15)
    assert np.array_equal(fewer.odds[5], found.odds[5][:10])
    other = demand(territory, profiles=10, draws=15, seed=7)
    assert not np.array_equal(fewer.odds[5], other.odds[5])


def test_odds_are_those_of_a_ranking(territory: Territory) -> None:
    profile = population(10)[3]
    (drawn,) = draws_of_newcomers(territory, [profile], "all", draws=1_000)
    ranking = rank(territory, profile, "all")
    other = odds(ranking, draws=2_000)
    there = np.zeros(458)
    for places in FIRST_PLACES:
        there[ranking.order] = other.p_top(places)
        assert np.abs(there - drawn.odds(places)).max() < 0.06
        assert np.abs(there - drawn.odds(places)).mean() < 0.003


def test_the_error_of_the_draws_is_the_one_that_other_draws_show(territory: Territory) -> None:
    profiles = population(10)
    rounds = []
    for seed in range(40):
        drawn = draws_of_newcomers(territory, profiles, "all", draws=10, seed=seed)
        rounds.append(np.array([one.odds(5) for one in drawn]))
    told = [np.sqrt((p * (1 - p)).sum(axis=0) / 9) for p in rounds]
    seen = np.array([p.sum(axis=0) for p in rounds]).std(axis=0, ddof=1)
    often = np.mean([p.sum(axis=0) for p in rounds], axis=0) > 1
    assert often.sum() > 5
    ratio = np.sqrt(np.mean(np.square(told), axis=0)[often] / np.square(seen)[often])
    assert 0.8 < np.median(ratio) < 1.2


def test_the_population_adds_its_own_error(found: Demand) -> None:
    for places in FIRST_PLACES:
        assert (found.population_error(places) >= found.draws_error(places)).all()
    assert found.population_error(5).max() > found.draws_error(5).max()


def test_a_list_that_is_too_short_is_no_fuller(territory: Territory) -> None:
    few = parse_profile({"limits": {"population": {"at_least": 6000}}})
    ranking = rank(territory, few, "all")
    assert 0 < len(ranking) < 5
    (drawn,) = draws_of_newcomers(territory, [few], "all", draws=4)
    for places in FIRST_PLACES:
        seen = drawn.odds(places)
        assert np.flatnonzero(seen).tolist() == sorted(ranking.order.tolist())
        assert (seen[ranking.order] == 1).all()
        assert np.isneginf(drawn.cut(places)).all()
    assert np.isneginf(drawn.cut(1_000)).all()


def test_demand_is_told_in_plain_types(found: Demand, territory: Territory) -> None:
    plain = found.as_dict()
    assert (plain["population"], plain["profiles"], plain["draws"]) == ("assumed", 20, 15)
    assert plain["release"] == territory.release_id
    amounts = [commune["top_5"]["expected"] for commune in plain["communes"]]
    assert amounts == sorted(amounts, reverse=True)
    assert sum(amounts) == pytest.approx(100)
    assert type(amounts[0]) is float


def test_all_that_is_wrong_is_said_at_once(territory: Territory) -> None:
    with pytest.raises(PlanError) as caught:
        demand(territory, "moon", profiles=3, draws=1, seed=-1)
    assert [problem.split()[0] for problem in caught.value.problems] == [
        "scope", "profiles", "draws", "seed",
    ]  # fmt: skip
