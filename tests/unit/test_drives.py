"""The town-hall network of a release, and the drive to the own town hall."""

from __future__ import annotations

import dataclasses

import pytest

from geo_matcher.drives import leave_minutes, town_hall_network
from geo_matcher.errors import DataError
from geo_matcher.territory import Territory


def test_every_commune_is_left_from_home(territory: Territory) -> None:
    leave = leave_minutes(territory)
    assert list(leave) == list(territory.codes)
    assert min(leave.values()) > 0


def test_the_network_is_built_once(territory: Territory) -> None:
    assert town_hall_network(territory) is town_hall_network(territory)


def test_a_release_without_neighbours_has_no_drives(territory: Territory) -> None:
    tables = {name: t for name, t in territory.tables.items() if name != "adjacency_80km"}
    with pytest.raises(DataError, match="lacks adjacency_80km"):
        town_hall_network(dataclasses.replace(territory, tables=tables))
