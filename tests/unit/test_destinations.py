from __future__ import annotations

from geo_matcher.destinations import (
    DAILY_SERVICES,
    DESTINATIONS,
    HUB_CITIES,
    KNOWN_AREAS,
    Destination,
)
from geo_matcher.territory import Territory


def named(name: str) -> Destination:
    return next(destination for destination in DESTINATIONS if destination.name == name)


def test_destinations_have_names_of_their_own_and_a_known_area() -> None:
    names = [destination.name for destination in DESTINATIONS]
    assert len(set(names)) == len(names)
    assert {destination.known_area for destination in DESTINATIONS} == set(KNOWN_AREAS)


def test_every_daily_service_and_hub_is_a_destination() -> None:
    names = {destination.name for destination in DESTINATIONS}
    assert set(DAILY_SERVICES) | set(HUB_CITIES) <= names


def test_a_work_place_is_either_a_coworking_or_a_telecentre() -> None:
    either = named("coworking").place_kinds + named("telecentre").place_kinds
    assert set(named("workplace").place_kinds) == set(either)


def test_lists_known_to_be_partial_and_lists_that_reach_beyond_the_border_are_told() -> None:
    assert [d.name for d in DESTINATIONS if d.is_partial] == ["primary_school", "cinema"]
    in_box = {d.name for d in DESTINATIONS if d.known_area == "shops_box"}
    assert in_box == set(DAILY_SERVICES)


def test_hub_cities_bear_their_code_and_name(territory: Territory) -> None:
    halls = territory.tables["town_halls"].set_index("insee_code")["name"]
    for code, name in HUB_CITIES.values():
        assert halls[code] == name


def test_every_destination_has_a_place_in_the_shipped_release(territory: Territory) -> None:
    kinds = set(territory.places["kind"])
    for destination in DESTINATIONS:
        assert kinds & set(destination.place_kinds), destination.name
