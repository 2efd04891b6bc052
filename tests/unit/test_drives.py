"""Drives from home to every town hall of a release."""

from __future__ import annotations

import dataclasses

import pytest

from geo_matcher.drives import home_minutes, leave_minutes
from geo_matcher.errors import DataError
from geo_matcher.territory import Territory


def test_every_commune_is_left_from_home(territory: Territory) -> None:
    leave = leave_minutes(territory)
    assert len(leave) == len(territory.codes)
    assert leave.min() > 0


def test_a_town_of_the_release_is_as_far_as_the_release_says(territory: Territory) -> None:
    minutes = home_minutes(territory)
    assert minutes is home_minutes(territory)
    auch = territory.codes.index("32013")
    assert minutes[:, auch].tolist() == territory.minutes["auch"].tolist()
    assert minutes.diagonal() == pytest.approx(leave_minutes(territory).round(2))
    with pytest.raises(ValueError, match="read-only"):
        minutes[0, 0] = 0


def test_a_release_without_neighbours_has_no_drives(territory: Territory) -> None:
    tables = {name: t for name, t in territory.tables.items() if name != "adjacency"}
    with pytest.raises(DataError, match="no table adjacency"):
        home_minutes(dataclasses.replace(territory, tables=tables))
