from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from geo_matcher.access import (
    ACCESS_SPEED_KMH,
    ROAD_FACTOR,
    SPEED_KMH,
    TOWN_POPULATION,
    TownHallNetwork,
    access_minutes,
    distance_problems,
)
from geo_matcher.errors import DataError
from geo_matcher.territory import Territory

VILLAGE, TOWN = 300, TOWN_POPULATION


def network(
    pairs: Sequence[tuple[str, str, float]], populations: dict[str, int]
) -> TownHallNetwork:
    halls = pd.DataFrame(
        {"insee_code": list(populations), "population": list(populations.values())}
    )
    return TownHallNetwork.from_tables(
        halls, pd.DataFrame(list(pairs), columns=["a", "b", "straight_km"])
    )


def villages(*codes: str) -> dict[str, int]:
    return dict.fromkeys(codes, VILLAGE)


@pytest.mark.parametrize(
    ("first", "second", "speed_kmh"),
    [
        (VILLAGE, VILLAGE, 60.0),
        (VILLAGE, TOWN, 50.0),
        (TOWN, VILLAGE, 50.0),
        (TOWN, TOWN, 35.0),
        (TOWN - 1, TOWN - 1, 60.0),
    ],
)
def test_speed_depends_on_how_many_ends_are_towns(
    first: int, second: int, speed_kmh: float
) -> None:
    assert speed_kmh in SPEED_KMH
    found = network([("32001", "32002", 10.0)], {"32001": first, "32002": second}).nearest(
        ["32001"]
    )
    assert found.road_km.tolist() == pytest.approx([0.0, 11.0])
    assert found.minutes.tolist() == pytest.approx([0.0, 11.0 / speed_kmh * 60])


def test_the_fastest_road_wins_even_when_it_is_longer() -> None:
    # 32001 → 32004 through two towns: 20 km; round by villages: 24 km, and faster.
    populations = {**villages("32001", "32004", "32005"), "32002": TOWN, "32003": TOWN}
    pairs = [
        ("32001", "32002", 5.0),
        ("32002", "32003", 10.0),
        ("32003", "32004", 5.0),
        ("32001", "32005", 12.0),
        ("32004", "32005", 12.0),
    ]
    found = network(pairs, populations).nearest(["32004"])
    assert found.minutes[0] == pytest.approx(24 * ROAD_FACTOR)
    assert found.road_km[0] == pytest.approx(24 * ROAD_FACTOR)


def test_the_nearest_of_several_sources_is_named_by_its_index() -> None:
    pairs = [("32001", "32002", 4.0), ("32002", "32003", 3.0), ("32003", "32004", 9.0)]
    found = network(pairs, villages("32001", "32002", "32003", "32004")).nearest(
        ["32004", "32001", "32001"]
    )
    assert found.source.tolist() == [0, 0, 0, 3]
    assert found.minutes.tolist() == pytest.approx([0.0, 4.4, 7.7, 0.0])


def test_a_pair_at_zero_kilometres_is_still_joined() -> None:
    pairs = [("32001", "32002", 0.0), ("32002", "32003", 10.0)]
    graph = network(pairs, villages("32001", "32002", "32003"))
    assert graph.minutes.nnz == 4
    found = graph.nearest(["32001"])
    assert found.minutes.tolist() == pytest.approx([0.0, 0.0, 11.0])


def test_road_lengths_add_up_whatever_the_order_of_nodes_at_equal_time() -> None:
    # 32001 hangs on 32002 by a road of 0 km: both are reached after the same time.
    pairs = [("32001", "32002", 0.0), ("32002", "32003", 10.0)]
    found = network(pairs, villages("32001", "32002", "32003")).nearest(["32003"])
    assert found.road_km.tolist() == pytest.approx([11.0, 11.0, 0.0])


def test_what_cannot_be_reached_is_infinitely_far_and_has_no_source() -> None:
    graph = network([("32001", "32002", 5.0)], villages("32001", "32002", "32003"))
    found = graph.nearest(["32001"])
    assert found.minutes[2] == math.inf
    assert found.road_km[2] == math.inf
    assert found.source[2] == -1


def test_a_source_with_no_neighbour_reaches_only_itself() -> None:
    graph = network([("32001", "32002", 5.0)], villages("32001", "32002", "32003"))
    found = graph.nearest(["32003"])
    assert found.minutes.tolist() == [math.inf, math.inf, 0.0]
    assert found.road_km.tolist() == [math.inf, math.inf, 0.0]


def test_without_a_source_nothing_can_be_reached() -> None:
    graph = network([("32001", "32002", 5.0)], villages("32001", "32002"))
    found = graph.nearest([])
    assert np.isinf(found.minutes).all()
    assert np.isinf(found.road_km).all()
    assert found.source.tolist() == [-1, -1]


def test_nodes_are_sorted_by_code_whatever_the_order_of_the_table() -> None:
    graph = network([("32001", "32003", 5.0)], villages("32003", "32001", "2A004"))
    assert graph.codes == ("2A004", "32001", "32003")
    assert graph.index(["32003", "2A004"]).tolist() == [2, 0]


def test_unknown_nodes_are_all_named() -> None:
    graph = network([("32001", "32002", 5.0)], villages("32001", "32002"))
    with pytest.raises(DataError) as refusal:
        graph.nearest(["99998", "32001", "99999", "99998"])
    assert refusal.value.problems == (
        "commune 99998 is not in the town-hall network",
        "commune 99999 is not in the town-hall network",
    )


def test_every_fault_of_the_tables_is_told_at_once() -> None:
    pairs = [
        ("32001", "77777", 5.0),
        ("32001", "88888", math.nan),
        ("32002", "32001", 1.0),
        ("32001", "32002", 1.0),
    ]
    with pytest.raises(DataError) as refusal:
        network(pairs, villages("32001", "32002"))
    assert refusal.value.problems == (
        "adjacency: commune 77777 has no town hall in the network",
        "adjacency: commune 88888 has no town hall in the network",
        "adjacency: the pair 32001, 32002 is written more than once",
        "adjacency: straight_km must be finite and not negative",
    )


def test_a_negative_distance_is_refused() -> None:
    with pytest.raises(DataError, match="straight_km must be finite and not negative"):
        network([("32001", "32002", -1.0)], villages("32001", "32002"))


def test_leaving_a_commune_costs_the_mean_way_to_the_middle_of_a_disc() -> None:
    radius_km = 3.0
    area_km2 = math.pi * radius_km**2
    rng = np.random.default_rng(2026)
    distance_km = radius_km * np.sqrt(rng.random(200_000))
    drawn_min = distance_km.mean() * ROAD_FACTOR / ACCESS_SPEED_KMH * 60
    found = access_minutes(np.array([area_km2, 0.0]))
    assert found[0] == pytest.approx(2.0 * 1.10 / 40 * 60)
    assert found[0] == pytest.approx(drawn_min, rel=0.005)
    assert found[1] == 0.0


def test_the_distances_of_the_release_are_those_between_its_town_halls(
    territory: Territory,
) -> None:
    tables = territory.tables
    assert distance_problems(tables["town_halls"], tables["adjacency"]) == []


@pytest.mark.parametrize(("shift_lat", "is_told"), [(0.0, False), (0.0005, False), (0.3, True)])
def test_a_town_hall_in_a_homonym_shows_in_the_distances_to_its_neighbours(
    shift_lat: float, is_told: bool
) -> None:
    halls = pd.DataFrame(
        {
            "insee_code": ["32001", "32002", "32003"],
            "town_hall_lon": [0.5, 0.5, 0.5],
            "town_hall_lat": [43.5, 43.6 + shift_lat, 43.4],
        }
    )
    pairs = pd.DataFrame(
        [("32001", "32002", 11.12), ("32001", "32003", 11.12)], columns=["a", "b", "straight_km"]
    )
    assert distance_problems(halls, pairs) == (
        [
            "adjacency: 32001 and 32002 are said to be 11.1 km apart, their town halls are 44.5 km "
            "apart; check both positions"
        ]
        if is_told
        else []
    )
