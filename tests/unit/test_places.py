from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
import pytest

from geo_matcher.destinations import HUB_CITIES
from geo_matcher.errors import DataError
from geo_matcher.places import HOSPITAL_CATEGORIES, collect_places, first_year

YEARS = {"shops": "2025", "hospitals": "2020", "health_registered": "2018"}


def table(columns: str, *rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=columns.split())


@pytest.fixture
def source() -> dict[str, pd.DataFrame]:
    hubs = [(code, 0.5, 43.5) for code, _ in HUB_CITIES.values()]
    return {
        "town_halls": table(
            "insee_code town_hall_lon town_hall_lat", ("32001", 0.1, 43.1), *hubs
        ),
        "shops": table(
            "kind insee_code lon lat",
            ("bank", "32001", 0.2, 43.2),
            ("bakery", "32001", 0.123456, 43.0),
        ),
        "workplaces": table(
            "name kind insee_code address year source position status",
            ("Le Site", "coworking", "32001", "", "2016", "press", "", "to be confirmed (2016)"),
        ),
        "france_services": table("insee_code name", ("32013", "Auch")),
        "schools": table(
            "kind name insee_code school_year", ("primary", "ECOLE", "32001", "2022-23")
        ),
        "hospitals": table(
            "name category insee_code lon lat",
            ("CH", HOSPITAL_CATEGORIES[0], "32013", 0.6, 43.6),
            ("PSY", "Centre Hospitalier Spécialisé", "32013", math.nan, math.nan),
        ),
        "hubs": table("kind name insee_code lon lat", ("station", "Auch", "32013", 0.59, 43.65)),
        "culture": table("kind name insee_code year", ("cinema", "Ciné", "32013", "")),
        "health_registered": table(
            "insee_code gp_registered", ("32001", 0), ("32013", 1)
        ),
        "partners_evidence": table(
            "insee_code name status year",
            ("32013", "Auch", "programme_seat", 2020.0),
            ("32001", "Aignan", "partner_named", 2014.0),
            ("32001", "Aignan", "partner_named", math.nan),
        ),
    }  # fmt: skip


def of_kind(places: pd.DataFrame, kind: str) -> pd.DataFrame:
    return places[places["kind"] == kind]


def test_every_place_has_an_identifier_made_of_its_kind_and_rank(
    source: Mapping[str, pd.DataFrame],
) -> None:
    places = collect_places(source, YEARS)
    assert places["place_id"].is_unique
    assert list(of_kind(places, "bakery")["place_id"]) == ["bakery-0001"]
    assert list(of_kind(places, "network_trace")["place_id"]) == [
        "network_trace-0001",
        "network_trace-0002",
    ]
    assert list(places["place_id"]) == sorted(places["place_id"])


def test_a_place_without_position_stands_at_the_town_hall_and_says_so(
    source: Mapping[str, pd.DataFrame],
) -> None:
    places = collect_places(source, YEARS)
    bakery, office = of_kind(places, "bakery").iloc[0], of_kind(places, "coworking").iloc[0]
    assert (bakery["lon"], bakery["lat"], bakery["position"]) == (0.12346, 43.0, "published")
    assert (office["lon"], office["lat"], office["position"]) == (0.1, 43.1, "town_hall")


def test_years_are_text_and_empty_where_nobody_knows(source: Mapping[str, pd.DataFrame]) -> None:
    places = collect_places(source, YEARS)
    assert list(of_kind(places, "network_trace")["year"]) == ["", "2014"]
    assert list(of_kind(places, "primary_school")["year"]) == ["2022-23"]
    assert list(of_kind(places, "cinema")["year"]) == [""]


def test_only_general_hospitals_are_hospitals(source: Mapping[str, pd.DataFrame]) -> None:
    places = collect_places(source, YEARS)
    assert list(of_kind(places, "hospital")["name"]) == ["CH"]
    assert list(of_kind(places, "specialised_hospital")["name"]) == ["PSY"]


def test_doctors_are_where_one_was_registered_and_to_be_confirmed(
    source: Mapping[str, pd.DataFrame],
) -> None:
    doctors = of_kind(collect_places(source, YEARS), "doctor")
    assert list(doctors["insee_code"]) == ["32013"]
    assert list(doctors["status"]) == ["to be confirmed"]


def test_doctors_that_are_counted_win_and_stand_at_the_town_hall(
    source: Mapping[str, pd.DataFrame],
) -> None:
    counted = table(
        "kind insee_code amount unit year source",
        ("doctor", "32001", 2.0, "general practitioners", 2025, "INSEE, BPE 2025, D265"),
        ("doctor", "32013", 0.0, "general practitioners", 2025, "INSEE, BPE 2025, D265"),
        ("coworking", "32013", 12.0, "desks", 2025, "a list"),
    )
    doctors = of_kind(collect_places({**source, "supply": counted}, YEARS), "doctor")
    assert doctors.drop(columns=["place_id", "name", "lon", "lat"]).to_dict("records") == [
        {"kind": "doctor", "insee_code": "32001", "position": "town_hall", "status": "listed",
         "year": "2025", "source_table": "supply"}
    ]  # fmt: skip
    desks = counted[counted["kind"] == "coworking"]
    doctors = of_kind(collect_places({**source, "supply": desks}, YEARS), "doctor")
    assert doctors["source_table"].tolist() == ["health_registered"]


def test_the_seat_of_the_programme_is_no_trace_of_the_network(
    source: Mapping[str, pd.DataFrame],
) -> None:
    traces = of_kind(collect_places(source, YEARS), "network_trace")
    assert set(traces["insee_code"]) == {"32001"}


def test_each_town_of_reference_is_a_place(source: Mapping[str, pd.DataFrame]) -> None:
    places = collect_places(source, YEARS)
    for key, (code, name) in HUB_CITIES.items():
        assert of_kind(places, f"city_{key}")[["insee_code", "name"]].to_numpy().tolist() == [
            [code, name]
        ]


def test_the_order_of_the_source_rows_does_not_matter(
    source: dict[str, pd.DataFrame],
) -> None:
    before = collect_places(source, YEARS)
    backwards = {name: frame.iloc[::-1] for name, frame in source.items()}
    pd.testing.assert_frame_equal(collect_places(backwards, YEARS), before)


def test_places_in_communes_that_nobody_knows_are_all_named(
    source: dict[str, pd.DataFrame],
) -> None:
    source["shops"].loc[0, "insee_code"] = "99998"
    source["hubs"].loc[0, "insee_code"] = "99999"
    with pytest.raises(DataError) as refusal:
        collect_places(source, YEARS)
    assert refusal.value.problems == (
        "a place lies in commune 99998, which is not in town_halls",
        "a place lies in commune 99999, which is not in town_halls",
    )


@pytest.mark.parametrize("absent", ["shops", "workplaces", "schools", "hubs", "culture"])
def test_a_table_that_is_absent_gives_no_place_and_takes_none_away(
    source: dict[str, pd.DataFrame], absent: str
) -> None:
    whole = collect_places(source, YEARS)
    del source[absent]
    rest = collect_places(source, YEARS)
    assert set(rest["source_table"]) == set(whole["source_table"]) - {absent}
    assert len(rest) == (whole["source_table"] != absent).sum()


def test_without_any_list_only_the_towns_are_places(source: dict[str, pd.DataFrame]) -> None:
    places = collect_places({"town_halls": source["town_halls"]}, {})
    assert sorted(places["kind"]) == sorted(f"city_{key}" for key in HUB_CITIES)


@pytest.mark.parametrize(
    ("vintage", "year"),
    [("2025 ; 2022-2023", "2025"), ("n.d. ; 2022-2023", ""), ("2021-2025", "2021"), ("", "")],
)
def test_the_year_of_a_joined_table_is_that_of_what_is_new(vintage: str, year: str) -> None:
    assert first_year(vintage) == year
