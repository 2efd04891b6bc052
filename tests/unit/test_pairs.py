"""Pairs: closed forms on four invented communes, and a plain search over the shipped release."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pandas as pd
import pytest

from geo_matcher.access import TownHallNetwork
from geo_matcher.destinations import DAILY_SERVICES
from geo_matcher.errors import DataError
from geo_matcher.matching import Ranking, rank
from geo_matcher.pairs import MAX_PAIRS, Pair, pairs
from geo_matcher.presets import preset_named
from geo_matcher.territory import Territory
from geo_matcher.travel_times import travel_times

World = Callable[..., Pair]

HOME, A, B, C = "32001", "32002", "32003", "32004"
TRIPS = sum(DAILY_SERVICES.values())
EVERYTHING = tuple(DAILY_SERVICES)
SARRANT, SOLOMIAC, MAUVEZIN = "32416", "32436", "32249"


def leave_min(territory: Territory, code: str) -> float:
    """Return two thirds of the radius of a disc, 1.1 times as long by road, at 40 km/h."""
    radius_km = math.sqrt(territory.communes.at[code, "area_km2"] / math.pi)
    return 2 / 3 * radius_km * 1.1 / 40 * 60


@pytest.fixture(scope="module")
def artist(territory: Territory) -> Ranking:
    return rank(territory, preset_named("cultura-artist").profile)


@pytest.fixture(scope="module")
def everyone(territory: Territory) -> tuple[Pair, ...]:
    return pairs(rank(territory, preset_named("cultura-artist").profile, "all"), MAX_PAIRS)


@pytest.fixture
def world(territory: Territory, artist: Ranking) -> World:
    """Return a function that pairs the village HOME in a world of four communes.

    ``places`` names what each commune has; ``roads`` the minutes between neighbours. The road from
    a house of HOME to its town hall comes on top.
    """

    def run(places: Mapping[str, Sequence[str]], roads: Sequence[tuple[str, str, float]]) -> Pair:
        codes = [HOME, A, B, C]
        tables = dict(territory.tables)
        halls = tables["town_halls"].set_index("insee_code", drop=False)
        halls = halls.loc[codes].assign(population=100).reset_index(drop=True)
        adjacency = pd.DataFrame(
            [(a, b, minutes / 1.1) for a, b, minutes in roads], columns=["a", "b", "straight_km"]
        )
        listed = [(code, kind) for code, kinds in places.items() for kind in kinds]
        table = pd.DataFrame(listed, columns=["insee_code", "kind"])
        network = TownHallNetwork.from_tables(halls, adjacency)
        communes = territory.communes.loc[codes].reset_index(drop=True)
        tables |= {
            "town_halls": halls,
            "adjacency": adjacency,
            "places": table,
            "travel_times": travel_times(network, table, communes, halls),
        }
        small = replace(territory, tables=tables)
        order = np.array([territory.codes.index(HOME)])
        ranking = replace(artist, territory=small, order=order, ranks=np.array([1]))
        (found,) = pairs(ranking)
        return found

    return run


def bourg_of(pair: Pair) -> str | None:
    return pair.bourg.insee_code if pair.bourg else None


# --- The rule, in closed form ---------------------------------------------------------------


def test_one_round_brings_what_the_bourg_has(world: World, territory: Territory) -> None:
    pair = world({HOME: ["post"], A: ["bank", "fuel", "supermarket"]}, [(HOME, A, 10)])
    drive = round(10 + leave_min(territory, HOME), 2)
    assert pair.bourg is not None
    assert pair.bourg.as_dict() == {
        "insee_code": A,
        "name": territory.communes.at[A, "name"],
        "in_release": True,
        "drive_min": pytest.approx(drive),
    }
    assert pair.found_in("village") == ("post",)
    assert pair.found_in("bourg") == ("supermarket", "fuel", "bank")
    assert pair.found_in("nowhere") == ("bakery", "grocery", "fresh_food", "bookshop_press")
    assert pair.services_covered_share == pytest.approx((0.5 + 1.5 + 1 + 0.5) / TRIPS)
    # Supermarket 1.5, fuel 1 and bank 0.5 trips a week, there and back; or 1.5 rounds.
    assert pair.rounds_a_week == 1.5
    assert pair.separate_min_week == pytest.approx(3 * 2 * drive)
    assert pair.grouped_min_week == pytest.approx(1.5 * 2 * drive)
    assert pair.saved_min_week == pytest.approx(1.5 * 2 * drive)
    nowhere = pair.services[0].as_dict()
    assert nowhere == {
        "name": "bakery", "trips_a_week": 4.0, "found": "nowhere", "insee_code": None,
        "commune": None, "on_round": False, "minutes": None, "nearest_min": None,
        "nearest_low_min": None, "status": "unreachable",
    }  # fmt: skip


def test_the_larger_bourg_wins_over_the_nearer_baker(world: World, territory: Territory) -> None:
    leave = leave_min(territory, HOME)
    near, far = round(4 + leave, 2), round(12 + leave, 2)
    pair = world({A: ["bakery"], B: EVERYTHING}, [(HOME, A, 4), (HOME, B, 12)])
    assert bourg_of(pair) == B
    assert pair.services_covered_share == 1
    # Bread from A four times a week, all else by two rounds: shorter than four rounds.
    assert pair.rounds_a_week == 2
    assert [s.name for s in pair.services if not s.on_round] == ["bakery"]
    bread = pair.services[0]
    assert (bread.found, bread.insee_code, bread.commune) == (
        "bourg", B, territory.communes.at[B, "name"],
    )  # fmt: skip
    assert (bread.minutes, bread.nearest_min) == pytest.approx((far, near))
    assert pair.separate_min_week == pytest.approx(2 * (4 * near + 7 * far))
    assert pair.grouped_min_week == pytest.approx(2 * (4 * near + 2 * far))


def test_when_the_nearest_is_the_bourg_the_rounds_bring_the_bread(world: World) -> None:
    pair = world({A: EVERYTHING, B: EVERYTHING}, [(HOME, A, 9), (HOME, B, 10)])
    assert bourg_of(pair) == A
    assert pair.rounds_a_week == 4
    assert all(service.on_round for service in pair.services)


def test_what_neither_has_is_told_with_its_place_and_drive(
    world: World, territory: Territory
) -> None:
    places = {A: ["supermarket", "fuel", "post", "grocery"], B: ["bank"]}
    pair = world(places, [(HOME, A, 5), (A, B, 30)])
    assert bourg_of(pair) == A
    assert pair.found_in("elsewhere") == ("bank",)
    bank = next(service for service in pair.services if service.name == "bank")
    assert (bank.insee_code, bank.on_round) == (B, False)
    assert bank.minutes == bank.nearest_min
    assert bank.minutes == pytest.approx(35 + leave_min(territory, HOME), abs=0.006)
    told = pair.as_dict()
    assert told["in_neither"] == ["bank", "bakery", "fresh_food", "bookshop_press"]


def test_equal_savings_go_by_trips_covered_then_drive_then_code(world: World) -> None:
    # A single errand saves nothing, wherever: both are the nearest of theirs.
    roads = [(HOME, A, 6), (HOME, B, 6), (HOME, C, 4)]
    assert bourg_of(world({A: ["bank"], B: ["fuel"]}, roads)) == B  # fuel is one trip, not half
    assert bourg_of(world({A: ["bank"], C: ["post"]}, roads)) == C  # as often, nearer
    assert bourg_of(world({A: ["bank"], B: ["post"]}, roads)) == A  # as often, as far
    assert world({A: ["bank"], B: ["post"]}, roads).saved_min_week == pytest.approx(0)


def test_a_village_that_has_everything_needs_no_bourg(world: World) -> None:
    pair = world({HOME: EVERYTHING, A: EVERYTHING}, [(HOME, A, 3)])
    assert pair.bourg is None
    assert pair.found_in("village") == EVERYTHING
    assert pair.services_covered_share == 1
    assert pair.rounds_a_week == pair.separate_min_week == pair.saved_min_week == 0


def test_a_village_that_no_road_leaves_has_no_bourg(world: World) -> None:
    pair = world({HOME: ["bakery"], A: EVERYTHING}, [(A, B, 3)])
    assert pair.bourg is None
    assert pair.as_dict()["bourg"] is None
    assert pair.found_in("nowhere") == EVERYTHING[1:]
    assert pair.services_covered_share == pytest.approx(4 / TRIPS)
    assert pair.grouped_min_week == 0


# --- The shipped release --------------------------------------------------------------------


def test_the_first_pairs_of_the_artist(artist: Ranking) -> None:
    found = pairs(artist, 5)
    assert [(p.rank, p.name, p.bourg.name if p.bourg else None) for p in found] == [
        (1, "Saint-Clar", "Fleurance"),
        (2, "Cologne", "Mauvezin"),
        (3, "Solomiac", "Mauvezin"),
        (4, "Mauvezin", None),
        (5, "Sarrant", "Mauvezin"),
    ]
    solomiac = found[2]
    assert solomiac.found_in("village") == ("bakery", "post")
    # Its six errands at their nearest places; then two rounds to Mauvezin.
    errands = 2 * 9.14 + 1.5 * 11.92 + 4.10 + 9.99 + 0.5 * 11.92 + 0.5 * 7.10
    assert solomiac.separate_min_week == pytest.approx(2 * errands)
    assert solomiac.grouped_min_week == pytest.approx(2 * 2 * 11.92)


@pytest.mark.parametrize("code", [SARRANT, SOLOMIAC, "32213", "32365", "32001", "32197"])
def test_no_commune_and_no_choice_of_errands_saves_more(
    territory: Territory, everyone: tuple[Pair, ...], code: str
) -> None:
    pair = next(p for p in everyone if p.insee_code == code)
    nearest = {name: float(territory.minutes[name].to_dict()[code]) for name in DAILY_SERVICES}
    places = territory.places[territory.places["kind"].isin(DAILY_SERVICES)]
    has = {str(holder): set(own) for holder, own in places.groupby("insee_code")["kind"]}
    lacking = set(DAILY_SERVICES) - has.get(code, set())
    network = TownHallNetwork.from_tables(
        territory.tables["town_halls"], territory.tables["adjacency"]
    )
    minutes = dict(zip(network.codes, network.nearest([code]).minutes.tolist(), strict=True))
    best: dict[str, float] = {}
    for holder, own in has.items():
        drive = round(minutes[holder] + leave_min(territory, code), 2)
        offers = sorted(own & lacking)
        for size in range(1, len(offers) + 1):
            for some in itertools.combinations(offers, size):
                trips = [DAILY_SERVICES[name] for name in some]
                spared = sum(t * nearest[n] for t, n in zip(trips, some, strict=True))
                saved = 2 * (spared - max(trips) * drive)
                best[holder] = max(saved, best.get(holder, -math.inf))
    assert pair.bourg is not None
    assert pair.saved_min_week == pytest.approx(max(best.values()))
    assert best[pair.bourg.insee_code] == pytest.approx(max(best.values()))
    assert set(pair.found_in("bourg")) == has[pair.bourg.insee_code] & lacking
    assert sum(saved > max(best.values()) - 1e-6 for saved in best.values()) == 1


def test_every_service_is_counted_once_and_where_the_release_says(
    territory: Territory, everyone: tuple[Pair, ...]
) -> None:
    places = territory.places
    listed = set(zip(places["insee_code"], places["kind"], strict=True))
    rows = territory.tables["travel_times"].set_index(["insee_code", "destination"])
    times = rows[["minutes", "minutes_low", "nearest_insee_code", "status"]].to_dict("index")
    assert len(everyone) == 458
    for pair in everyone:
        told = pair.as_dict()
        parts = told["in_village"] + told["in_bourg"] + told["in_neither"]
        assert sorted(parts) == sorted(DAILY_SERVICES)
        share = 0.0
        for service in pair.services:
            row = times[pair.insee_code, service.name]
            assert service.status == row["status"]
            assert service.nearest_min == row["minutes"]
            if service.status == "upper_bound":
                assert service.nearest_low_min == row["minutes_low"] < service.nearest_min
            else:
                assert service.nearest_low_min is None
            assert (service.insee_code, service.name) in listed
            assert (service.found == "village") == ((pair.insee_code, service.name) in listed)
            share += service.trips_a_week * (service.found in {"village", "bourg"})
            if service.found == "bourg":
                assert pair.bourg is not None
                assert service.minutes == pair.bourg.drive_min >= row["minutes"] - 0.011
                if row["nearest_insee_code"] == pair.bourg.insee_code:
                    assert service.minutes == row["minutes"]
            else:
                assert service.minutes == row["minutes"]
                assert not service.on_round
            if service.found == "elsewhere" and pair.bourg is not None:
                assert (pair.bourg.insee_code, service.name) not in listed
        assert pair.services_covered_share == pytest.approx(share / TRIPS)
        assert pair.saved_min_week >= -1e-9
        assert (pair.bourg is None) == (len(told["in_village"]) == 8)
    assert sum(s.status == "upper_bound" for p in everyone for s in p.services) == 77


def test_a_bourg_may_lie_beyond_the_border(everyone: tuple[Pair, ...]) -> None:
    miradoux = next(p for p in everyone if p.name == "Miradoux")
    assert miradoux.bourg is not None
    assert (miradoux.bourg.name, miradoux.bourg.in_release) == ("Astaffort", False)
    assert miradoux.bourg.insee_code == "47015"


def test_scores_and_order_are_those_of_the_ranking(artist: Ranking) -> None:
    before = artist.score.copy()
    found = pairs(artist, 47)
    assert [p.insee_code for p in found] == [artist.matrix.codes[row] for row in artist.order]
    assert [p.score for p in found] == artist.score[artist.order].tolist()
    np.testing.assert_array_equal(artist.score, before)
    assert pairs(artist, 3) == found[:3]


def test_a_tie_at_the_end_is_listed_whole(artist: Ranking) -> None:
    tied = artist.ranks.copy()
    tied[1:4] = 2
    ranking = replace(artist, ranks=tied)
    assert [p.rank for p in pairs(ranking, 2)] == [1, 2, 2, 2]
    assert len(pairs(ranking, 1)) == 1
    assert len(pairs(ranking, 5)) == 5


def test_what_the_catalog_declares_absent_is_said(territory: Territory, artist: Ranking) -> None:
    assert pairs(artist, 1)[0].gaps == ("pharmacies", "leisure", "road_times")
    whole = replace(territory, catalog=replace(territory.catalog, gaps=()))
    assert pairs(replace(artist, territory=whole), 1)[0].gaps == ()


def test_the_answer_is_plain_frozen_and_repeatable(territory: Territory, artist: Ranking) -> None:
    found = pairs(artist, 10)
    text = json.dumps([p.as_dict() for p in found], allow_nan=False)
    fresh = rank(replace(territory), artist.profile)
    assert json.dumps([p.as_dict() for p in pairs(fresh, 10)], allow_nan=False) == text
    assert list(found[0].as_dict()) == [
        "rank", "insee_code", "name", "score", "bourg", "services", "in_village", "in_bourg",
        "in_neither", "services_covered_share", "rounds_a_week", "separate_min_week",
        "grouped_min_week", "saved_min_week", "gaps",
    ]  # fmt: skip
    with pytest.raises(FrozenInstanceError):
        found[0].score = 100.0  # type: ignore[misc]


def test_an_empty_ranking_has_no_pairs(artist: Ranking) -> None:
    none = np.zeros(0, dtype=np.intp)
    assert pairs(replace(artist, order=none, ranks=none)) == ()


@pytest.mark.parametrize("top", [0, -1, MAX_PAIRS + 1])
def test_a_number_out_of_range_is_refused(artist: Ranking, top: int) -> None:
    with pytest.raises(DataError, match=f"{top} villages were asked for; expected 1 to 500"):
        pairs(artist, top)


def test_a_release_without_the_network_is_refused(territory: Territory, artist: Ranking) -> None:
    tables = {name: table for name, table in territory.tables.items() if name != "adjacency"}
    ranking = replace(artist, territory=replace(territory, tables=tables))
    with pytest.raises(DataError, match="no table adjacency"):
        pairs(ranking)
