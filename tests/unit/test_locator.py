"""The small map: what is drawn lies inside its box, and names neither overlap nor repeat."""

from __future__ import annotations

import re

import pytest

from api.locator import HEIGHT, INSET_HEIGHT, INSET_WIDTH, WIDTH, locator, neighbours
from geo_matcher.territory import Territory


def start_points(path: str) -> list[tuple[int, int]]:
    return [(int(x), int(y)) for x, y in re.findall(r"M(-?\d+),(-?\d+)l", path)]


@pytest.mark.parametrize("code", ["32001", "32013", "32041", "32249", "32365", "32462"])
def test_a_map_shows_the_commune_and_its_place(territory: Territory, code: str) -> None:
    drawn = locator(territory, code)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in start_points(drawn.own))
    assert re.fullmatch(r"(M-?\d+,-?\d+l[-\d, ]+z)+", drawn.own)
    assert 0 < drawn.inset_x < INSET_WIDTH
    assert 0 < drawn.inset_y < INSET_HEIGHT
    first, *others = drawn.names
    assert first.kind == "own"
    assert first.text == territory.communes.at[code, "name"]
    assert "own" not in {name.kind for name in others}
    assert len({name.text for name in drawn.names}) == len(drawn.names)
    assert all(0 <= name.x <= WIDTH and 0 <= name.y <= HEIGHT for name in others)
    assert 0 < drawn.scale < WIDTH


def test_a_commune_in_two_parts_is_drawn_whole(territory: Territory) -> None:
    assert locator(territory, "32041").own.count("M") == 2


def test_neighbours_touch_both_ways(territory: Territory) -> None:
    own = set(territory.codes)
    for code in ("32249", "32013", "32462"):
        for other, name, is_here in neighbours(territory, code):
            assert is_here == (other in own)
            assert name
            if is_here:
                assert code in {back for back, _, _ in neighbours(territory, other)}
