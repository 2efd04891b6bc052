from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from geo_matcher.errors import DataError, DriveError
from geo_matcher.supply import published_apl, supply_of
from geo_matcher.territory import Territory


def with_table(territory: Territory, name: str, rows: list[dict[str, object]]) -> Territory:
    return dataclasses.replace(territory, tables={**territory.tables, name: pd.DataFrame(rows)})


def row(kind: str, code: str, amount: float, unit: str = "full-time doctors") -> dict[str, object]:
    return {"kind": kind, "insee_code": code, "amount": amount, "unit": unit, "year": 2026,
            "source": "invented for a test"}  # fmt: skip


def test_a_place_to_work_counts_as_one_and_all_of_them_are_shared(territory: Territory) -> None:
    found = supply_of(territory, "workplace")
    assert (found.unit, found.total) == ("places", 16.0)
    people = territory.communes["population"]
    # Those over the border share too: what is left inside is less than all.
    assert 12.0 < (found.per_10000 * people).sum() / 10_000 < 16.0
    stored = territory.tables["access_measures"].set_index("insee_code")["workplaces_per_10000"]
    assert found.per_10000.round(3).tolist() == stored.tolist()
    assert (found.places["people"] > 1000).all()


def test_doctors_are_not_counted_where_nobody_has(territory: Territory) -> None:
    with pytest.raises(DriveError, match="not how much of it there is"):
        supply_of(territory, "doctor")
    with pytest.raises(DriveError, match="'moon' is nothing"):
        supply_of(territory, "moon")


def test_a_count_of_the_release_is_used(territory: Territory) -> None:
    counted = with_table(
        territory,
        "supply",
        [
            row("doctor", "32013", 20),
            row("doctor", "32249", 2),
            row("doctor", "65440", 90),
            row("doctor", "64445", 0),
            row("coworking", "32160", 12, "desks"),
        ],
    )
    doctors = supply_of(counted, "doctor")
    assert doctors.unit == "full-time doctors"
    assert doctors.total == 112.0
    assert doctors.places["name"].tolist() == ["Auch", "Mauvezin", "Tarbes", "Pau"]
    assert (doctors.places["people"] > 0).all()
    assert doctors.per_10000.max() < 30  # Tarbes shares its own with its own
    desks = supply_of(counted, "coworking")
    assert (desks.unit, desks.total) == ("desks", 12.0)
    assert supply_of(counted, "telecentre").unit == "places"
    plain = doctors.as_dict()
    assert plain["destination"] == "doctor"
    assert len(plain["communes"]) == 458
    assert plain["places"][0]["amount"] == 20.0
    assert all(place["people"] >= 0 for place in plain["places"])


def test_units_are_never_added_up(territory: Territory) -> None:
    mixed = with_table(
        territory,
        "supply",
        [row("doctor", "32013", 20), row("doctor", "32249", 2, "practices")],
    )
    with pytest.raises(DataError, match="full-time doctors and in practices"):
        supply_of(mixed, "doctor")


def test_the_published_accessibility_is_given_as_published(territory: Territory) -> None:
    assert published_apl(territory, "32013") is None
    known = with_table(
        territory,
        "apl_doctors",
        [{"insee_code": "32013", "apl_consultations": 2.4, "year": 2023}],
    )
    assert published_apl(known, "Auch") == {"consultations": 2.4, "year": 2023}
    assert published_apl(known, "32249") is None
