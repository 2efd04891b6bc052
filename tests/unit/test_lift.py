"""Lifts: the same as ranking everybody again, a zero-sum game, and the same numbers every time."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.typing import NDArray

from geo_matcher.counterfactual import ACTIONS, changes_of
from geo_matcher.criteria import CRITERIA
from geo_matcher.demand import FIRST_PLACES, demand, draws_of_newcomers
from geo_matcher.errors import PlanError
from geo_matcher.lift import MOST_LOSERS, Lifts, _Tally, lifts
from geo_matcher.matching import rank
from geo_matcher.newcomers import DEFAULT_SEED, population
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.territory import Territory
from tests.unit.reranked import first_places

SITES = ("Cologne", "Mirande", "Solomiac", "Thoux")
FloatArray = NDArray[np.float64]
PROFILES, DRAWS = 12, 6


@pytest.fixture(scope="module")
def found(territory: Territory) -> Lifts:
    return lifts(territory, profiles=PROFILES, draws=DRAWS)


def tallied(
    territory: Territory, action: str, codes: list[str], profiles: list[Profile], scope: str = "all"
) -> _Tally:
    """Count what an action does for given newcomers."""
    sites = [territory.codes.index(code) for code in codes]
    tally = _Tally(changes_of(territory, action).at(sites), len(territory.codes))
    for drawn in draws_of_newcomers(territory, profiles, scope, draws=DRAWS):
        tally.add(drawn)
    return tally


def changes_from_scratch(
    territory: Territory, action: str, codes: list[str], profiles: list[Profile], scope: str = "all"
) -> dict[tuple[str, int], FloatArray]:
    """Rank everybody again: newcomers × draws × communes, 1 who enters and -1 who leaves."""
    n = len(territory.codes)

    def seen(first: NDArray[np.intp], places: int) -> FloatArray:
        found = np.zeros((len(first), n + 1))
        np.put_along_axis(found, first[:, :places], 1.0, axis=1)
        return found[:, :n]  # the last column, -1, is nobody

    found: dict[tuple[str, int], list[FloatArray]] = {}
    for number, profile in enumerate(profiles):
        source = (DEFAULT_SEED, number)
        before = first_places(territory, profile, source, scope=scope, draws=DRAWS)
        for code in codes:
            after = first_places(
                territory, profile, source, scope=scope, draws=DRAWS, action=action, code=code
            )
            for places in FIRST_PLACES:
                change = seen(after, places) - seen(before, places)
                found.setdefault((code, places), []).append(change)
    return {key: np.array(changes) for key, changes in found.items()}


def assert_same(
    tally: _Tally, territory: Territory, scratch: dict[tuple[str, int], FloatArray]
) -> None:
    for (code, places), changes in scratch.items():
        row = territory.codes.index(code)
        assert np.allclose(tally.change[places][row], changes.mean(axis=1).sum(axis=0), atol=1e-12)
        own = changes[:, :, row]
        noise = (own.var(axis=1, ddof=1) / DRAWS).sum()
        assert tally.within[places][row] == pytest.approx(noise, abs=1e-12)
        squares = np.square(own.mean(axis=1)).sum()
        assert tally.squares[places][row] == pytest.approx(squares, abs=1e-12)


@pytest.mark.parametrize("action", ACTIONS)
def test_a_lift_is_what_ranking_again_gives(territory: Territory, action: str) -> None:
    newcomers = list(population(10))[:7]
    codes = [territory.find(site) for site in SITES]
    tally = tallied(territory, action, codes, newcomers)
    assert tally.change[10].any() or action == "land_30mbit"
    assert_same(tally, territory, changes_from_scratch(territory, action, codes, newcomers))


LIMITED = (
    {"coworking_min": {"at_most": 12.0}},  # an action brings communes onto the list
    {"coworking_min": {"at_most": 12.0}, "station_min": {"at_most": 12.0}},
    {"population": {"at_least": 2000}, "coworking_min": {"at_most": 8.0}},  # fewer than five
    {"ftth_coverage_share": {"at_least": 0.95}, "coworking_min": {"at_most": 30.0}},
    {"daily_services_min": {"at_most": 5.0}, "toulouse_min": {"at_most": 60.0}},
    {"coworking_min": {"at_most": 1.0}},  # nobody, before and after
)


@pytest.mark.parametrize("limits", LIMITED)
@pytest.mark.parametrize("action", ["fibre", "coworking", "telecentre", "bakery"])
def test_limits_are_asked_again(
    territory: Territory, action: str, limits: dict[str, dict[str, float]]
) -> None:
    newcomers = [
        parse_profile({"limits": limits}),
        parse_profile({"limits": limits, "importance": {"work": "not_at_all"}}),
        parse_profile({"limits": limits, "importance": {"connection": "not_at_all"}}),
    ]
    codes = [territory.find(site) for site in ("Cologne", "Mirande")]
    tally = tallied(territory, action, codes, newcomers)
    assert_same(tally, territory, changes_from_scratch(territory, action, codes, newcomers))


def test_own_value_functions_count(territory: Territory) -> None:
    near = {"importance": "indispensable", "breakpoints": [[2, 1], [60, 0]]}
    newcomers = [
        parse_profile({"criteria": {"coworking_min": near}}),
        parse_profile({"criteria": {"coworking_min": near}, "village_size": "bourg"}),
        parse_profile({}),
    ]
    code = territory.find("Mirande")
    tally = tallied(territory, "coworking", [code], newcomers)
    assert_same(tally, territory, changes_from_scratch(territory, "coworking", [code], newcomers))
    assert len(tally.tables) == 2


def test_a_scope_is_a_world_of_its_own(territory: Territory) -> None:
    newcomers = list(population(10))[:4]
    code = territory.find("Mauvezin")
    tally = tallied(territory, "coworking", [code], newcomers, "partners")
    scratch = changes_from_scratch(territory, "coworking", [code], newcomers, "partners")
    assert_same(tally, territory, scratch)
    assert not tally.change[5][:, ~territory.in_scope("partners")].any()


def test_what_one_gains_others_lose(found: Lifts) -> None:
    assert len(found.lifts) == len(ACTIONS) * 458
    for lift in found.lifts:
        for gain in lift.gains:
            assert gain.gained + gain.around - gain.lost == pytest.approx(0, abs=1e-9)
            assert sum(loss.newcomers for loss in gain.losers) <= gain.lost + 1e-9
            assert len(gain.losers) <= MOST_LOSERS
            assert 0 <= gain.draws_error <= gain.population_error
            if lift.action in {"fibre", "land_30mbit"}:
                assert gain.gained >= 0
                assert gain.around == 0


def test_who_has_a_place_gains_nothing_by_another(found: Lifts, territory: Territory) -> None:
    there = set(territory.places.loc[territory.places["kind"] == "coworking", "insee_code"])
    own = [lift for lift in found.of("coworking") if lift.insee_code in there]
    assert own
    assert all(gain.gained == gain.around == gain.lost == 0 for x in own for gain in x.gains)


def test_before_is_the_demand(found: Lifts, territory: Territory) -> None:
    same = demand(territory, profiles=PROFILES, draws=DRAWS)
    for lift in found.of("fibre"):
        row = territory.codes.index(lift.insee_code)
        for places in FIRST_PLACES:
            assert lift.gain(places).before == pytest.approx(same.expected(places)[row])


def test_a_lift_does_not_depend_on_what_else_is_measured(
    found: Lifts, territory: Territory
) -> None:
    alone = lifts(
        territory, actions=["doctor", "doctor"], communes=["Solomiac", "32436"],
        profiles=PROFILES, draws=DRAWS,
    )  # fmt: skip
    (lift,) = alone.lifts
    assert lift in found.lifts
    assert lifts(territory, actions=["fibre"], profiles=10, draws=3).lifts != found.of("fibre")


def test_the_largest_comes_first(found: Lifts) -> None:
    for name in ACTIONS:
        gains = [lift.gain(5).gained for lift in found.of(name)]
        assert gains == sorted(gains, reverse=True)
    plain = found.as_dict(3)
    assert len(plain["lifts"]) == 3 * len(ACTIONS)
    assert [action["action"] for action in plain["actions"]] == list(ACTIONS)
    assert json.loads(json.dumps(plain)) == plain


def test_an_action_never_changes_a_score_by_what_it_does_not_touch(territory: Territory) -> None:
    uninterested = parse_profile({"importance": {"work": "not_at_all"}})
    assert uninterested.weights[list(CRITERIA).index("coworking_min")] == 0
    tally = tallied(territory, "coworking", [territory.find("Mirande")], [uninterested])
    assert not tally.change[5].any()
    assert len(rank(territory, uninterested, "all")) == 458


def test_all_that_is_wrong_is_said_at_once(territory: Territory) -> None:
    with pytest.raises(PlanError) as caught:
        lifts(
            territory, "partners", actions=["fibre", "moat"], communes=["Auch", "Atlantis"],
            profiles=1, draws=1, seed=-1,
        )  # fmt: skip
    told = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 6
    for part in ("profiles is 1", "draws is 1", "seed is -1", "action is 'moat', expected one of",
                 "'Atlantis'", "Auch (32013) is not in the scope partners"):  # fmt: skip
        assert part in told
    with pytest.raises(PlanError, match="scope is 'moon'"):
        lifts(territory, "moon")
