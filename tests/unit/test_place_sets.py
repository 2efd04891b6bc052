from __future__ import annotations

from collections import Counter

import pytest

from geo_matcher.place_sets import PLACE_GROUPS, PLACE_SETS, places_shown
from geo_matcher.territory import Territory

EACH = pytest.mark.parametrize("name", PLACE_SETS)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_no_two_sets_share_letter_and_shape(language: str) -> None:
    signs = Counter((found.shape, found.letter(language)) for found in PLACE_SETS.values())
    assert max(signs.values()) == 1
    assert all(len(found.letter(language)) <= 2 for found in PLACE_SETS.values())


@EACH
def test_a_set_is_described(name: str) -> None:
    found = PLACE_SETS[name]
    assert found.group in PLACE_GROUPS
    assert found.label("fr")
    assert found.label("en")


def test_sets_stand_group_by_group() -> None:
    groups = [found.group for found in PLACE_SETS.values()]
    assert list(dict.fromkeys(groups)) == list(PLACE_GROUPS)
    assert groups == sorted(groups, key=list(PLACE_GROUPS).index)


@EACH
def test_a_set_holds_every_place_of_its_kinds(territory: Territory, name: str) -> None:
    shown = places_shown(territory, name, "fr")
    places = territory.places
    expected = places[places["kind"].isin(PLACE_SETS[name].kinds)]
    assert {place["place_id"] for place in shown} == set(expected["place_id"])
    assert len(shown) == len(expected) <= 300
    assert all(place["commune"] for place in shown)


def test_a_place_at_the_town_hall_says_so(territory: Territory) -> None:
    doctors = places_shown(territory, "doctor", "en")
    assert {place["note"] for place in doctors} == {
        "To be confirmed. Placed at the town hall, for want of an address."
    }
    assert {place["year"] for place in doctors} == {"2018"}
    assert {place["note"] for place in places_shown(territory, "bakery", "fr")} == {""}
