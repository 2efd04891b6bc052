from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from geo_matcher.baskets import (
    MAX_KINDS,
    Market,
    Round,
    basket,
    cheapest_round,
    week_of_errands,
    weekly_rounds,
)
from geo_matcher.destinations import DAILY_SERVICES
from geo_matcher.errors import DriveError, UnknownCommuneError
from geo_matcher.journeys import Journeys
from geo_matcher.territory import Territory
from tests.unit.few_shops import a_market

BREAD, POST, FUEL = 1, 2, 4


def test_one_stop_with_everything_beats_two_nearer_ones() -> None:
    there = np.array([5.0, 5.0, 6.0])
    between = np.array([[0.0, 10.0, 9.0], [10.0, 0.0, 9.0], [9.0, 9.0, 0.0]])
    offered = np.array([BREAD, POST, BREAD | POST])
    assert cheapest_round(there, between, there, offered, BREAD | POST) == Round(12.0, (2,))
    assert cheapest_round(there, between, there, offered, BREAD) == Round(10.0, (0,))


def test_a_stop_on_the_way_costs_nothing() -> None:
    """The bank is beyond the bakery, on the same road."""
    there = np.array([4.0, 9.0])
    between = np.array([[0.0, 5.0], [5.0, 0.0]])
    found = cheapest_round(there, between, there, np.array([BREAD, POST]), BREAD | POST)
    assert found is not None
    assert found.minutes == pytest.approx(18.0)
    assert set(found.stops) == {0, 1}


def test_one_way_streets_set_the_order() -> None:
    there, back = np.array([1.0, 9.0]), np.array([9.0, 1.0])
    between = np.array([[0.0, 1.0], [20.0, 0.0]])
    found = cheapest_round(there, between, back, np.array([BREAD, POST]), BREAD | POST)
    assert found == Round(3.0, (0, 1))


def test_nothing_wanted_needs_no_drive_and_what_cannot_be_had_has_no_round() -> None:
    there, between = np.array([5.0]), np.zeros((1, 1))
    assert cheapest_round(there, between, there, np.array([BREAD]), 0) == Round(0.0, ())
    assert cheapest_round(there, between, there, np.array([BREAD]), BREAD | FUEL) is None
    far = np.array([np.inf])
    assert cheapest_round(far, between, far, np.array([BREAD]), BREAD) is None
    none = np.array([])
    assert cheapest_round(none, np.zeros((0, 0)), none, np.array([], int), BREAD) is None


@pytest.mark.parametrize("seed", range(40))
def test_no_order_of_any_stops_is_shorter(seed: int) -> None:
    there, between, back, offered, wanted = a_market(seed)
    best = np.inf
    for count in range(1, len(offered) + 1):
        for stops in itertools.permutations(range(len(offered)), count):
            if np.bitwise_or.reduce(offered[list(stops)]) & wanted != wanted:
                continue
            legs = sum(between[a, b] for a, b in itertools.pairwise(stops))
            best = min(best, there[stops[0]] + legs + back[stops[-1]])
    found = cheapest_round(there, between, back, offered, wanted)
    if not np.isfinite(best):
        assert found is None
        return
    assert found is not None
    assert found.minutes == pytest.approx(best)
    legs = sum(between[a, b] for a, b in itertools.pairwise(found.stops))
    assert there[found.stops[0]] + legs + back[found.stops[-1]] == pytest.approx(found.minutes)
    assert np.bitwise_or.reduce(offered[list(found.stops)]) & wanted == wanted


def drive_min(territory: Territory, code: str, kind: str) -> float:
    return float(territory.minutes[kind].to_numpy()[territory.codes.index(code)])


# --- In the Gers ----------------------------------------------------------------------------------


def test_a_bourg_that_has_everything_is_one_short_round(territory: Territory) -> None:
    found = basket(territory, "Mauvezin")
    (stop,) = found.stops
    assert (stop.insee_code, stop.kinds) == ("32249", tuple(DAILY_SERVICES))
    assert found.minutes is not None
    assert found.minutes == pytest.approx(stop.drive_min + (found.back_min or 0))
    assert found.minutes == pytest.approx(2 * drive_min(territory, "32249", "bakery"), abs=0.02)
    assert found.separate_min == pytest.approx(8 * found.minutes)
    assert (found.network, found.status) == ("town_halls", "estimated")


def test_each_kind_is_counted_once_and_the_legs_add_up(territory: Territory) -> None:
    seen = set()
    for code in territory.codes[::9]:
        found = basket(territory, code)
        bought = [kind for stop in found.stops for kind in stop.kinds]
        assert sorted(bought) == sorted(DAILY_SERVICES)
        assert found.minutes is not None
        assert found.separate_min is not None
        assert found.back_min is not None
        legs = sum(stop.drive_min for stop in found.stops) + found.back_min
        assert found.minutes == pytest.approx(legs)
        furthest = 2 * max(drive_min(territory, code, kind) for kind in DAILY_SERVICES)
        assert furthest - 0.05 <= found.minutes <= found.separate_min + 1e-9
        seen.add(len(found.stops))
    assert seen >= {1, 2}


def test_a_nearer_place_that_no_list_names_makes_the_round_a_most(territory: Territory) -> None:
    bound = territory.minutes_low["college"].dropna().index[0]
    assert basket(territory, bound, ["college", "bakery"]).status == "upper_bound"
    plain = basket(territory, "32013").as_dict()
    assert plain["status"] == "estimated"
    assert plain["minutes"] == round(plain["minutes"], 2)


def test_what_cannot_be_had_is_said(territory: Territory) -> None:
    places = territory.places
    without = dataclasses.replace(
        territory,
        tables={**territory.tables, "places": places[places["kind"] != "cinema"]},
    )
    found = basket(without, "32013", ["bakery", "cinema"])
    assert (found.status, found.minutes, found.stops) == ("unreachable", None, ())
    assert found.as_dict()["minutes"] is None


def test_an_odd_basket_is_refused(territory: Territory) -> None:
    with pytest.raises(DriveError, match=r"'moon' is nothing that one drives to.*bakery"):
        basket(territory, "32013", ["moon"])
    with pytest.raises(DriveError, match="0 kinds were given"):
        basket(territory, "32013", [])
    many = [*territory.minutes.columns[: MAX_KINDS + 1]]
    with pytest.raises(DriveError, match=f"{MAX_KINDS + 1} kinds were given"):
        basket(territory, "32013", many)
    with pytest.raises(UnknownCommuneError):
        basket(territory, "Atlantis")


# --- A week -----------------------------------------------------------------------------------


def test_a_week_buys_each_kind_as_often_as_asked_in_as_few_rounds_as_can_be() -> None:
    rounds = weekly_rounds()
    for kind, times in DAILY_SERVICES.items():
        assert sum(count for count, kinds in rounds if kind in kinds) == pytest.approx(times)
    assert sum(count for count, _ in rounds) == max(DAILY_SERVICES.values())
    assert rounds[0][1] == tuple(DAILY_SERVICES)
    assert weekly_rounds({"bakery": 0.0}) == ()


def test_the_release_holds_the_week_of_its_own_places(territory: Territory) -> None:
    some = territory.communes.iloc[::40]
    found = week_of_errands(Market.of(Journeys.of(territory), some, territory.places))
    stored = territory.tables["access_measures"].set_index("insee_code").loc[some.index]
    assert stored["errands_week_min"].tolist() == found["errands_week_min"].round(1).tolist()
    assert stored["basket_min"].tolist() == found["basket_min"].round(1).tolist()
    for code, minutes, stops in zip(
        some.index, found["basket_min"], found["basket_stops"], strict=True
    ):
        one = basket(territory, code)
        assert one.minutes == pytest.approx(minutes)
        assert len(one.stops) == stops
