"""With roads in a release everything is reckoned on them, by one rule."""

from __future__ import annotations

import numpy as np
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from geo_matcher.access_answers import (
    basket_answer,
    destinations_answer,
    isochrone_answer,
    kind_answer,
    people_answer,
    wheel_answer,
)
from geo_matcher.catchments import CUTOFFS_MIN, inhabitants_within, place_drives
from geo_matcher.counterfactual import changes_of
from geo_matcher.destinations import DAILY_SERVICES, DESTINATIONS
from geo_matcher.drives import home_minutes
from geo_matcher.journeys import Journeys
from geo_matcher.presets import PRESETS
from geo_matcher.territory import Territory


@pytest.mark.parametrize("destination", [d.name for d in DESTINATIONS])
def test_the_nearest_of_all_places_is_that_of_the_release(
    on_roads: Territory, destination: str
) -> None:
    _, minutes, network = place_drives(on_roads, destination)
    assert minutes.min(axis=1).tolist() == on_roads.minutes[destination].tolist()
    if destination in {"pau", "montauban"}:  # no road of the invented net leads so far
        assert network == "town_halls"
    else:
        some_beyond = {*DAILY_SERVICES, "hospital", "station", "airport"}
        assert network == ("mixed" if destination in some_beyond else "roads")


def test_a_place_that_opens_where_one_stands_helps_nobody(on_roads: Territory) -> None:
    changes = changes_of(on_roads, "coworking")
    places = on_roads.places
    holders = set(places["insee_code"][places["kind"].isin(["coworking", "third_place", "fablab"])])
    rows = [on_roads.codes.index(code) for code in holders & set(on_roads.codes)]
    assert len(rows) > 5
    assert not np.isin(changes.site, rows).any()
    assert len(changes) > 1000


def test_a_town_is_as_far_from_home_as_the_release_says(on_roads: Territory) -> None:
    auch = on_roads.codes.index("32013")
    assert home_minutes(on_roads)[:, auch].tolist() == on_roads.minutes["auch"].tolist()


def test_each_time_names_its_own_network(on_roads: Territory) -> None:
    times = {row["destination"]: row for row in destinations_answer(on_roads, "32013")["times"]}
    assert times["college"]["network"] == "roads"
    assert times["pau"]["network"] == "town_halls"
    assert destinations_answer(on_roads, "32013")["network"] == "mixed"
    assert kind_answer(on_roads, "pau")["network"] == "town_halls"
    assert basket_answer(on_roads, "32013", ["college", "lycee"])["network"] == "roads"
    assert people_answer(on_roads, "32013")["network"] in {"roads", "mixed"}
    consultant = PRESETS["toulouse-consultant"].profile.model_copy(update={"client_city": "pau"})
    assert wheel_answer(on_roads, "32013", consultant)["network"] == "mixed"


def test_the_map_and_the_figure_beside_it_count_the_same_people(on_roads: Territory) -> None:
    journeys = Journeys.of(on_roads)
    people = journeys.halls["population"]
    for code in ("32013", "32280"):
        counted = inhabitants_within(journeys, [code])
        for found in journeys.within_each(code, CUTOFFS_MIN):
            reached = people[found.communes["insee_code"]].sum()
            assert reached == counted.to_dict()[found.cutoff_min][code]


def test_an_area_that_the_roads_cut_says_so(on_roads: Territory) -> None:
    """From the border 45 minutes lead beyond the 27 km whose roads were read."""
    assert isochrone_answer(on_roads, "32280", 120)["is_cut"] is True
    assert isochrone_answer(on_roads, "32013", 5)["is_cut"] is False


def test_one_search_gives_what_several_would(on_roads: Territory) -> None:
    journeys = Journeys.of(on_roads)
    together = journeys.within_each("32013", [10, 25])
    for one in together:
        alone = journeys.within("32013", one.cutoff_min)
        assert alone.area is not None
        assert alone.area.equals(one.area)
        assert alone.communes.equals(one.communes)


def test_over_http_too(on_roads: Territory) -> None:
    with TestClient(create_app(Settings(release=on_roads.folder), on_roads)) as client:
        found = client.get("/api/v1/access/catchments/telecentre?minutes=12").json()
        assert found["network"] in {"roads", "mixed"}
        assert found["places"] == 6
        ground = client.get("/api/v1/access/isochrones/32013?minutes=12")
        assert ground.json()["features"][0]["geometry"]["type"] == "MultiPolygon"
