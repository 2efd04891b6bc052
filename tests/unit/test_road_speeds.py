from __future__ import annotations

import pytest

from geo_matcher.road_speeds import (
    POSTED_SHARE,
    SPEEDS_KMH,
    SURFACE_SHARES,
    is_built_up,
    posted_kmh,
    speed_kmh,
)

LIMITS_KMH = {"motorway": 130, "trunk": 110}
OTHER_LIMIT_KMH, BUILT_UP_LIMIT_KMH = 80, 50


def test_no_mean_speed_reaches_the_legal_limit() -> None:
    for name, speed in SPEEDS_KMH.items():
        assert 0 < speed.built_up <= speed.outside < LIMITS_KMH.get(name, OTHER_LIMIT_KMH), name
        if not name.startswith("motorway"):
            assert speed.built_up <= BUILT_UP_LIMIT_KMH, name
    assert all(0 < share < 1 for share in SURFACE_SHARES.values())


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ({}, None),
        ({"maxspeed": "80"}, 80),
        ({"maxspeed": "50 km/h"}, 50),
        ({"maxspeed": "FR:urban"}, 50),
        ({"zone:maxspeed": "FR:30"}, 30),
        ({"source:maxspeed": "FR:rural"}, 80),
        ({"maxspeed": "none"}, None),
        ({"maxspeed": "800"}, None),
        ({"maxspeed": "0"}, None),
        ({"maxspeed": "30 mph"}, None),
    ],
)
def test_a_posted_limit_is_read(tags: dict[str, str], found: float | None) -> None:
    assert posted_kmh(tags) == found


@pytest.mark.parametrize(
    ("tags", "near", "found"),
    [
        ({"highway": "tertiary"}, False, False),
        ({"highway": "tertiary"}, True, True),
        ({"highway": "tertiary", "maxspeed": "80"}, True, False),
        ({"highway": "tertiary", "maxspeed": "50"}, False, True),
        ({"highway": "residential", "maxspeed": "80"}, False, True),
    ],
)
def test_a_built_up_area_is_told_by_class_limit_and_neighbours(
    tags: dict[str, str], near: bool, found: bool
) -> None:
    assert is_built_up(tags, is_near_homes=near) is found


def test_a_speed_is_that_of_the_class_within_the_limit_and_the_surface() -> None:
    lane = {"highway": "unclassified"}
    table = SPEEDS_KMH["unclassified"]
    assert speed_kmh(lane, is_near_homes=False) == table.outside
    assert speed_kmh(lane, is_near_homes=True) == table.built_up
    assert speed_kmh(lane | {"maxspeed": "20"}, is_near_homes=False) == 20 * POSTED_SHARE
    assert speed_kmh(lane | {"surface": "asphalt"}, is_near_homes=False) == table.outside
    gravel = speed_kmh(lane | {"surface": "gravel"}, is_near_homes=False)
    assert gravel == table.outside * SURFACE_SHARES["gravel"]
