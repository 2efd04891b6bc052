"""Drives from one commune: those of the release, to the last hundredth."""

from __future__ import annotations

import dataclasses

import pytest

from geo_matcher.destinations import HUB_CITIES
from geo_matcher.drives import drive_minutes, leave_minutes, town_hall_network
from geo_matcher.errors import DataError, UnknownCommuneError
from geo_matcher.territory import Territory


@pytest.mark.parametrize("code", ["32001", "32249", "32365"])
def test_drives_are_the_travel_times(territory: Territory, code: str) -> None:
    minutes = drive_minutes(territory, code)
    for name, (city, _) in HUB_CITIES.items():
        assert minutes[city] == pytest.approx(territory.minutes.at[code, name], abs=0.011)
    assert minutes[code] == pytest.approx(leave_minutes(territory)[code], abs=0.006)
    assert min(minutes.values()) == minutes[code]


def test_the_network_is_built_once(territory: Territory) -> None:
    assert town_hall_network(territory) is town_hall_network(territory)
    with pytest.raises(UnknownCommuneError):
        drive_minutes(territory, "75056")


def test_a_release_without_neighbours_has_no_drives(territory: Territory) -> None:
    tables = {name: t for name, t in territory.tables.items() if name != "adjacency_80km"}
    with pytest.raises(DataError, match="lacks adjacency_80km"):
        town_hall_network(dataclasses.replace(territory, tables=tables))
