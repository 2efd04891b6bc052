"""A visit on roads: each drive has its course, and the plan names the networks it really uses."""

from __future__ import annotations

import itertools
import json
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from typer.testing import CliRunner

from geo_matcher import cli
from geo_matcher.journeys import Journeys
from geo_matcher.matching import rank
from geo_matcher.presets import PRESETS
from geo_matcher.road_network import to_lambert_93
from geo_matcher.territory import Territory
from geo_matcher.visits import VisitPlan, plan_visits, schedule

AUCH, MAUVEZIN, LOMBEZ, NOGARO, RISCLE, PAU = "32013", "32249", "32213", "32296", "32344", "64445"


def legs(plan: VisitPlan) -> list[tuple[str, str, dict[str, Any]]]:
    """Return every drive of a plan: from, to, and what the plan says of it as plain types."""
    told = plan.as_dict()
    found = []
    for day, stops in itertools.groupby(told["stops"], key=lambda stop: stop["day"]):
        here = plan.start
        for stop in stops:
            found.append((here, stop["insee_code"], stop))
            here = stop["insee_code"]
        found.append((here, plan.start, told["back"][day - 1]))
    return found


def in_metres(course: dict[str, Any]) -> shapely.LineString:
    line = shapely.geometry.shape(course)
    assert course["type"] == line.geom_type == "LineString"
    whole: shapely.LineString = gpd.GeoSeries([line], crs=4326).to_crs(2154).iloc[0]
    return whole


def test_each_drive_has_its_course_the_drives_back_too(on_roads: Territory) -> None:
    ranking = rank(on_roads, PRESETS["paris-web-family"].profile, "partners")
    plan = plan_visits(ranking, AUCH, 5)
    journeys = Journeys.of(on_roads)
    halls = on_roads.tables["town_halls"].set_index("insee_code")
    x, y = to_lambert_93(halls["town_hall_lon"], halls["town_hall_lat"])
    at = dict(zip(halls.index, gpd.points_from_xy(x, y), strict=True))
    assert plan.network == "roads"
    drives = legs(plan)
    assert len(drives) == 5 + len(plan.back)
    length_m = 0.0
    for start, end, told in drives:
        line = in_metres(told["course"])
        assert shapely.distance(shapely.Point(line.coords[0]), at[start]) < 1.0
        assert shapely.distance(shapely.Point(line.coords[-1]), at[end]) < 1.0
        drive = journeys.between(start, end)
        assert told["drive_min"] == pytest.approx(drive.minutes, abs=0.006)
        assert drive.road_km is not None
        assert line.length / 1000 == pytest.approx(drive.road_km, rel=1e-3)
        length_m += line.length
    assert plan.road_km == pytest.approx(length_m / 1000, rel=1e-3)
    assert plan.drive_min == pytest.approx(sum(told["drive_min"] for *_, told in drives), abs=0.05)
    assert json.loads(json.dumps(plan.as_dict())) == plan.as_dict()


def test_the_town_halls_know_no_course(territory: Territory) -> None:
    plan = schedule(territory, [MAUVEZIN, LOMBEZ], AUCH)
    assert plan.network == "town_halls"
    assert [told["course"] for *_, told in legs(plan)] == [None] * 3


def test_the_network_is_that_of_the_drives_really_made(on_roads: Territory) -> None:
    """Pau lies beyond the roads of the release: one drives there over the town-hall network."""
    inside = schedule(on_roads, [MAUVEZIN, LOMBEZ], AUCH)
    assert inside.network == "roads"
    beyond = schedule(on_roads, [RISCLE], PAU)
    assert beyond.network == "town_halls"
    assert [told["course"] for *_, told in legs(beyond)] == [None, None]
    both = schedule(on_roads, [RISCLE, NOGARO], PAU)
    assert both.network == "mixed"
    assert len(both.back) == 1
    known = [told["course"] is not None for *_, told in legs(both)]
    assert known == [False, True, False]
    assert both.as_dict()["network"] == "mixed"


def test_where_the_start_is_the_village_nothing_is_driven(
    on_roads: Territory, territory: Territory
) -> None:
    for release, network in ((on_roads, "roads"), (territory, "town_halls")):
        plan = schedule(release, [MAUVEZIN], MAUVEZIN)
        assert plan.network == network
        assert (plan.drive_min, plan.road_km) == (0.0, 0.0)
        assert [told["course"] for *_, told in legs(plan)] == [None, None]
    further = schedule(on_roads, [MAUVEZIN, LOMBEZ], MAUVEZIN)
    assert further.network == "roads"
    assert np.isfinite(further.drive_min)


def test_the_command_gives_the_courses(on_roads: Territory) -> None:
    shown = CliRunner().invoke(
        cli.app,
        [
            "--release", str(on_roads.folder), "visit", "--profile-name", "paris-web-family",
            "--from", "auch", "--count", "2", "--format", "json",
        ],
    )  # fmt: skip
    answer = json.loads(shown.stdout)
    for told in (*answer["stops"], *answer["back"]):
        assert in_metres(told["course"]).length > 0
    assert answer["network"] == "roads"
