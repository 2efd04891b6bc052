from __future__ import annotations

import dataclasses

import geopandas as gpd
import pytest
import shapely

from geo_matcher.access_answers import MAX_PLACES, catchments_answer
from geo_matcher.catchments import (
    catchments,
    inhabitants_within,
    place_drives,
)
from geo_matcher.destinations import DESTINATIONS
from geo_matcher.errors import DriveError
from geo_matcher.journeys import Journeys
from geo_matcher.territory import Territory


@pytest.fixture(scope="module")
def reach_min(territory: Territory) -> float:
    return float(territory.parameters["network_reach"]["minutes"])


def area_km2(shape: shapely.Geometry) -> float:
    return float(gpd.GeoSeries([shape], crs=4326).to_crs(2154).area.iloc[0] / 1e6)


@pytest.mark.parametrize("destination", [d.name for d in DESTINATIONS if d.name != "network_trace"])
def test_the_nearest_of_all_places_is_that_of_the_release(
    territory: Territory, destination: str
) -> None:
    places, minutes, network = place_drives(territory, destination)
    assert minutes.shape == (458, len(places))
    assert network == "town_halls"
    assert minutes.min(axis=1).tolist() == territory.minutes[destination].tolist()
    with pytest.raises(ValueError, match="read-only"):
        minutes[0, 0] = 0


def test_the_catchments_of_the_network_hold_exactly_its_communes(
    territory: Territory, reach_min: float
) -> None:
    found = catchments(territory, "workplace", reach_min)
    reached = found.reached[found.reached > 0].index
    assert set(reached) == set(territory.members("network").index)
    assert len(reached) == territory.parameters["network_reach"]["communes"] == 171
    assert {code for one in found.catchments for code in one.insee_codes} == set(reached)


def test_ground_people_and_desert_add_up(territory: Territory, reach_min: float) -> None:
    found = catchments(territory, "workplace", reach_min)
    whole_km2 = float(territory.communes.geometry.to_crs(2154).union_all().area / 1e6)
    covered = shapely.union_all([one.area for one in found.catchments])
    assert area_km2(covered) + found.desert_km2 == pytest.approx(whole_km2, rel=1e-3)
    assert found.desert_km2 == pytest.approx(area_km2(found.desert), rel=1e-3)
    assert 0 < found.overlap_km2 < whole_km2 - found.desert_km2
    population = territory.communes["population"]
    people = found.people(population)
    assert sum(people.values()) == population.sum()
    assert people["none"] == population[found.reached == 0].sum()
    for one in found.catchments:
        assert one.area.is_valid
        assert one.area_km2 == pytest.approx(area_km2(one.area), rel=1e-3)
        assert one.inhabitants == population[list(one.insee_codes)].sum()
        assert one.insee_code in one.insee_codes


def test_who_may_reach_a_place_that_no_list_names_is_told(
    territory: Territory, reach_min: float
) -> None:
    found = catchments(territory, "workplace", reach_min)
    low = territory.minutes_low["workplace"].to_dict()
    assert len(found.unsure) == 106
    for code in found.unsure:
        assert found.reached[code] == 0
        assert low[code] <= reach_min


def test_more_minutes_hold_fewer_and_leave_less(territory: Territory) -> None:
    near, far = (catchments(territory, "coworking", minutes) for minutes in (10, 25))
    assert (near.reached <= far.reached).all()
    assert near.desert_km2 > far.desert_km2
    for small, large in zip(near.catchments, far.catchments, strict=True):
        assert set(small.insee_codes) <= set(large.insee_codes)
        assert small.area.buffer(-1e-6).within(large.area)


def test_a_minute_holds_nobody(territory: Territory) -> None:
    found = catchments(territory, "telecentre", 0.5)
    assert all(one.area.is_empty and one.inhabitants == 0 for one in found.catchments)
    assert found.people(territory.communes["population"])["one"] == 0
    assert found.desert_km2 == pytest.approx(
        float(territory.communes.geometry.to_crs(2154).union_all().area / 1e6), rel=1e-6
    )


def test_a_kind_without_places_leaves_everybody_out(territory: Territory) -> None:
    places = territory.places
    without = dataclasses.replace(
        territory, tables={**territory.tables, "places": places[places["kind"] != "airport"]}
    )
    found = catchments(without, "airport", 60)
    assert found.catchments == ()
    assert (found.reached == 0).all()


@pytest.mark.parametrize("minutes", [0, -1, 121, float("nan")])
def test_minutes_out_of_range_are_refused(territory: Territory, minutes: float) -> None:
    with pytest.raises(DriveError, match="out of range"):
        catchments(territory, "coworking", minutes)


def test_what_has_no_or_too_many_places_is_refused(territory: Territory) -> None:
    with pytest.raises(DriveError, match=r"'moon' is nothing.*coworking"):
        catchments(territory, "moon", 10)
    with pytest.raises(DriveError, match=f"250 places of the kind bakery.*{MAX_PLACES} at most"):
        catchments_answer(territory, "bakery", 10)


# --- People around ------------------------------------------------------------------------------


def test_people_within_reach_are_counted_over_the_border(territory: Territory) -> None:
    journeys = Journeys.of(territory)
    halls = territory.tables["town_halls"].set_index("insee_code")
    found = inhabitants_within(journeys, ["32160", "32013"])
    assert (found[15] >= halls.loc[["32160", "32013"], "population"]).all()
    assert (found[15] <= found[30]).all()
    minutes = journeys.matrix(["32160"], list(journeys.halls.index))[0].minutes[0]
    near = journeys.halls.index.to_numpy()[minutes <= 30]
    assert found.at["32160", 30] == halls.loc[near, "population"].sum()
    assert not set(near) <= set(territory.codes)


def test_the_release_holds_the_people_around_each_commune(territory: Territory) -> None:
    some = list(territory.codes[::50])
    found = inhabitants_within(Journeys.of(territory), some)
    stored = territory.tables["access_measures"].set_index("insee_code").loc[some]
    for cutoff in (15, 30, 45):
        assert stored[f"inhabitants_{cutoff}min"].tolist() == found[cutoff].tolist()
