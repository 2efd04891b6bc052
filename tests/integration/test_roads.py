"""A release with roads: built, loaded, asked. The roads are invented, over the real town halls."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner, Result

from geo_matcher import cli, cli_data
from geo_matcher.access import TownHallNetwork, access_minutes
from geo_matcher.baskets import basket
from geo_matcher.build import build_release, set_roads
from geo_matcher.catalog import Catalog
from geo_matcher.catchments import catchments
from geo_matcher.errors import DataError, DriveError, GeoMatcherError
from geo_matcher.exports import used_tables
from geo_matcher.journeys import Journeys, nearest_places
from geo_matcher.matching import rank
from geo_matcher.presets import PRESETS
from geo_matcher.release_diff import release_diff
from geo_matcher.road_network import SNAP_LIMIT_M, RoadNetwork, to_lambert_93
from geo_matcher.road_store import ON_TOWN_HALLS, drop_roads, write_roads
from geo_matcher.road_times import road_facts
from geo_matcher.sources.openstreetmap import BUFFER_KM, Download, road_area
from geo_matcher.territory import Territory
from geo_matcher.travel_times import travel_times
from geo_matcher.wheel import week_of
from tests.conftest import RELEASE
from tests.integration.overpass import GOOD, STAMP, Reply, overpass_server, write_pbf
from tests.rural_graph import rural_roads, within

pytestmark = pytest.mark.usefixtures("read_once")

JUNCTIONS = 4000
LONGEST_DETOUR = 2.0
"""How many times the straight line a way between two towns is at most on the invented roads: a
street is 1.15 times as long as it is straight, and relative neighbours are joined by ways of fewer
than 1.7 times the straight line. A published road is 1.04 times the straight line at least."""
Contents = Callable[[Path], dict[str, bytes]]


def invented(territory: Territory, buffer_km: float) -> gpd.GeoDataFrame:
    """Return invented roads over the département and so much around it."""
    own = territory.communes.geometry.to_crs(2154).union_all().buffer(buffer_km * 1000)
    halls = territory.tables["town_halls"]
    at = np.column_stack(to_lambert_93(halls["town_hall_lon"], halls["town_hall_lat"]))
    anchors = at[shapely.contains_xy(own, at)]
    shapely.prepare(own)
    return within(rural_roads(JUNCTIONS, own.bounds, seed=5, anchors=anchors), own)


@pytest.fixture(scope="module")
def download(territory: Territory) -> Download:
    roads = invented(territory, BUFFER_KM)
    return Download(roads, road_area(territory.communes), "2026-06-01", "invented for a test")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, download: Download) -> Territory:
    folder = Path(shutil.copytree(RELEASE, tmp_path_factory.mktemp("roads") / "communes"))
    return set_roads(folder, download)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, [*arguments])


# --- The build ------------------------------------------------------------------------------


def test_without_roads_a_build_gives_the_shipped_bytes(
    release_copy: Path, contents: Contents
) -> None:
    build_release(release_copy)
    assert contents(release_copy) == contents(RELEASE)


def test_a_release_says_that_its_times_are_those_of_the_roads(built: Territory) -> None:
    times = built.parameters["travel_times"]
    assert (times["network"], times["status"]) == ("roads", "estimated")
    assert times["checked_distances"] == 7
    assert times["largest_relative_error"] <= LONGEST_DETOUR / 1.04 - 1
    facts = built.parameters["roads"]
    assert facts["map_vintage"] == "2026-06-01"
    assert facts["streets"] == len(built.tables["roads"])
    assert facts["communes_off_roads"] == []
    assert facts["places_off_roads"] > 0  # Pau and others lie beyond the buffer
    about = built.tables["road_area"].iloc[0]
    assert about["licence"] == "ODbL 1.0"
    assert about["osmnx"].count(".") >= 1
    assert about["buffer_km"] == BUFFER_KM
    for name in ("roads", "road_area"):
        assert built.catalog[name].licence == "ODbL 1.0"
        assert "OpenStreetMap" in built.catalog[name].credit_en


def test_all_that_is_computed_from_the_roads_is_under_their_licence(
    built: Territory, territory: Territory
) -> None:
    """What differs from the shipped release in a figure is derived from the roads."""
    derived = {
        table.name
        for table in built.catalog.tables
        if table.kind == "derived"
        and table.name != "parameters"
        and not built.tables[table.name].equals(territory.tables[table.name])
    }
    assert derived == {"travel_times", "access_measures", "indicators", "membership"}
    for table in built.catalog.tables:
        told = (table.licence, table.licence_url, table.credit_fr, table.credit_en)
        if table.name in derived | {"roads", "road_area"}:
            assert told[:2] == ("ODbL 1.0", "https://opendatacommons.org/licenses/odbl/1-0/")
            assert all("OpenStreetMap" in credit for credit in told[2:]), table.name
        else:
            own = territory.catalog[table.name]
            assert told == (own.licence, own.licence_url, own.credit_fr, own.credit_en)
    for name in ("indicators", "membership"):  # what else they come from stays credited
        assert built.catalog[name].credit_fr.startswith(territory.catalog[name].credit_fr)
        assert built.catalog[name].credit_en.startswith(territory.catalog[name].credit_en)


def test_other_roads_in_their_place_are_credited_once(
    built: Territory, tmp_path: Path, download: Download
) -> None:
    copy = Path(shutil.copytree(built.folder, tmp_path / "communes"))
    drop_roads(copy)
    write_roads(copy, download)
    credit = Catalog.read(copy)["indicators"].credit_en
    assert credit == built.catalog["indicators"].credit_en
    assert credit.count("OpenStreetMap") == 1


def test_the_error_found_on_roads_is_that_of_the_lengths_of_the_quickest_ways(
    built: Territory, download: Download
) -> None:
    """Lengths by networkx, between the junctions at which the invented roads meet town halls."""
    roads = download.roads
    network = RoadNetwork.from_table(roads)
    graph: nx.DiGraph = nx.DiGraph()
    for start, end, minutes in (("a", "b", "minutes_ab"), ("b", "a", "minutes_ba")):
        for u, v, cost, metres in roads[[start, end, minutes, "length_m"]].to_numpy().tolist():
            known = graph.get_edge_data(int(u), int(v), {"minutes": np.inf})["minutes"]
            if cost < known:
                graph.add_edge(int(u), int(v), minutes=cost, km=metres / 1000)
    halls = built.tables["town_halls"]
    x, y = to_lambert_93(halls["town_hall_lon"], halls["town_hall_lat"])
    at = {code: (x[i], y[i]) for i, code in enumerate(halls["insee_code"])}

    def junction(code: str) -> int:
        away_m = np.hypot(network.x - at[code][0], network.y - at[code][1])
        assert away_m.min() < 0.2
        return int(away_m.argmin())

    checks = built.tables["road_distance_checks"]
    checks = checks[checks["unit"].str.startswith("km")]
    ratios = []
    for start, end, published in (
        checks[["from_insee_code", "to_insee_code", "value"]].to_numpy().tolist()
    ):
        way = nx.shortest_path(graph, junction(start), junction(end), weight="minutes")
        km = nx.path_weight(graph, way, "km")
        straight_km = np.hypot(*np.subtract(at[start], at[end])) / 1000
        assert 1.15 - 1e-3 <= km / straight_km <= LONGEST_DETOUR
        assert published / straight_km >= 1.04
        ratios.append(km / published)
    times = built.parameters["travel_times"]
    assert times["mean_ratio_to_published"] == pytest.approx(np.mean(ratios), abs=1e-3)
    error = np.abs(np.array(ratios) - 1).max()
    assert times["largest_relative_error"] == pytest.approx(error, abs=1e-3)


def from_streets_m(roads: gpd.GeoDataFrame, lon: pd.Series, lat: pd.Series) -> np.ndarray:
    """Return the distance of points to the nearest street, every street looked at."""
    x, y = to_lambert_93(lon, lat)
    whole = shapely.multilinestrings(np.asarray(roads.geometry.array))
    shapely.prepare(whole)
    return np.asarray(shapely.distance(shapely.points(x, y), whole))


def test_how_far_points_lie_from_their_streets_is_recorded_and_told(
    built: Territory, download: Download
) -> None:
    facts = built.parameters["roads"]
    points = {
        "town_halls": built.communes[["town_hall_lon", "town_hall_lat"]],
        "places": built.places[["lon", "lat"]],
    }
    for what, positions in points.items():
        far_m = from_streets_m(download.roads, *(positions[axis] for axis in positions))
        near_m = far_m[far_m <= SNAP_LIMIT_M]
        expected = {"median": np.median(near_m), "p95": np.quantile(near_m, 0.95)}
        for name, metres in (expected | {"largest": near_m.max()}).items():
            assert facts[f"{what}_snap_{name}_m"] == pytest.approx(metres, abs=0.06)
        if what == "places":
            assert facts["places_off_roads"] == len(far_m) - len(near_m)
    assert 0 < facts["places_snap_median_m"] < facts["places_snap_p95_m"]
    assert "dwellings_off_roads" not in facts  # nobody said where people live
    shown = " ".join(call("--release", str(built.folder), "data", "info").stdout.split())
    assert f"{facts['streets']:,} streets between" in shown
    for what in ("Town halls", "Places"):
        key = what.lower().replace(" ", "_")
        assert (
            f"{what} stand {facts[f'{key}_snap_median_m']:.0f} m from their street in the middle, "
            f"95 % within {facts[f'{key}_snap_p95_m']:.0f} m, the farthest "
            f"{facts[f'{key}_snap_largest_m']:.0f} m"
        ) in shown
    assert f"0 town halls, {facts['places_off_roads']} places" in shown
    assert "Dwellings" not in shown
    plain = call("data", "info").stdout
    assert "street" not in plain
    missing = [key for key in facts if f"*{key}*" not in (RELEASE / "README.md").read_text("utf-8")]
    assert missing == []


def test_dwellings_off_the_roads_are_counted_and_told(built: Territory) -> None:
    hall = built.communes.loc["32013"]
    at = (float(hall["town_hall_lon"]), float(hall["town_hall_lat"]))
    rows = [("32013", *at, 30.0), ("32013", 5.0, 45.0, 12.0), ("64445", 5.0, 45.0, 99.0)]
    homes = pd.DataFrame(rows, columns=["insee_code", "lon", "lat", "dwellings"])
    network = RoadNetwork.from_table(built.tables["roads"])
    nowhere = built.places.assign(lon=5.0, lat=45.0)
    facts = road_facts(network, "", built.communes, nowhere, homes)
    assert facts["dwellings_off_roads"] == 12  # those of other communes are not asked about
    assert facts["places_off_roads"] == len(nowhere)
    assert not [key for key in facts if key.startswith("places_snap")]
    (first, *_, last) = told = list(cli_data._on_roads(facts))
    assert "map of an unknown day" in first
    assert last == "Dwellings too far from any street, left out: 12."
    assert not [line for line in told if line.startswith("Places")]


def test_a_second_build_gives_the_same_bytes(
    built: Territory, tmp_path: Path, contents: Contents
) -> None:
    copy = Path(shutil.copytree(built.folder, tmp_path / "communes"))
    build_release(copy)
    assert contents(copy) == contents(built.folder)


def test_without_its_roads_a_release_is_again_what_it_was(
    built: Territory, tmp_path: Path, contents: Contents
) -> None:
    copy = Path(shutil.copytree(built.folder, tmp_path / "communes"))
    back = set_roads(copy, None)
    assert back.parameters["travel_times"]["network"] == "town_halls"
    assert contents(copy) == contents(RELEASE)


def test_the_words_of_the_town_hall_network_are_those_of_the_catalog() -> None:
    entry = Catalog.read(RELEASE)["travel_times"]
    assert {name: getattr(entry, name) for name in ON_TOWN_HALLS} == ON_TOWN_HALLS


def test_such_a_release_ranks_and_credits_its_roads(built: Territory, territory: Territory) -> None:
    profile = next(iter(PRESETS.values())).profile
    ranking = rank(built, profile, "all")
    assert len(ranking.order) > 0
    assert "roads" in used_tables(ranking)
    assert "roads" not in used_tables(rank(territory, profile, "all"))


def test_broken_roads_leave_the_release_as_it_was(
    release_copy: Path, download: Download, contents: Contents
) -> None:
    broken = Download(download.roads.to_crs(4326), download.area, "2026-06-01", "invented")
    with pytest.raises(DataError, match="EPSG:2154"):
        set_roads(release_copy, broken)
    assert contents(release_copy) == contents(RELEASE)


def test_roads_without_their_area_are_refused(built: Territory, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(built.folder, tmp_path / "communes"))
    text = (copy / "catalog.toml").read_text(encoding="utf-8")
    entry = text.index('name = "road_area"')
    start = text.rindex("[[table]]", 0, entry)
    end = text.find("[[", entry)
    (copy / "catalog.toml").write_text(text[:start] + text[end:], encoding="utf-8")
    (copy / "source/road_area.parquet").unlink()
    with pytest.raises(DataError, match="roads come with their area"):
        Territory.load(copy)


# --- The times ------------------------------------------------------------------------------


def times_on(
    roads: RoadNetwork, territory: Territory, places: pd.DataFrame | None = None
) -> pd.DataFrame:
    tables = territory.tables
    halls = tables["town_halls"]
    network = TownHallNetwork.from_tables(halls, tables["adjacency"])
    chosen = territory.places if places is None else places
    return travel_times(network, chosen, territory.communes, halls, roads=roads).set_index(
        ["destination", "insee_code"]
    )


def test_a_place_just_over_the_border_is_used(built: Territory) -> None:
    times = built.tables["travel_times"]
    over = times[
        (times["destination"] == "supermarket") & ~times["nearest_insee_code"].isin(built.codes)
    ]
    assert len(over) > 5


def test_without_the_buffer_communes_at_the_border_change(
    built: Territory, download: Download
) -> None:
    """Roads that stop at the border make the way to a shop beyond it longer, or lose it."""
    roads = download.roads
    own = built.communes.geometry.to_crs(2154).union_all()
    cut = within(roads, own)
    assert len(cut) < len(roads)
    shops = built.places[built.places["kind"] == "supermarket"]
    column = "minutes"
    with_buffer = times_on(RoadNetwork.from_table(roads), built, shops)[column]["supermarket"]
    without = times_on(RoadNetwork.from_table(cut), built, shops)[column]["supermarket"]
    changed = with_buffer.index[(with_buffer - without).abs() > 1.0]
    rim_m = built.communes.geometry.to_crs(2154).distance(own.boundary)
    assert len(changed) > 10
    assert rim_m.loc[changed].median() < rim_m.median()


def test_a_commune_off_the_roads_is_answered_by_the_town_halls(
    built: Territory, download: Download
) -> None:
    code = "32013"
    hall = built.communes.loc[[code], ["town_hall_lon", "town_hall_lat"]].iloc[0]
    x, y = (float(axis) for axis in to_lambert_93(*hall))
    hole = shapely.box(*download.roads.total_bounds).difference(shapely.Point(x, y).buffer(3000))
    network = RoadNetwork.from_table(within(download.roads, hole))
    shipped = Territory.load(RELEASE).tables["travel_times"]
    shipped = shipped.set_index(["destination", "insee_code"])
    found = times_on(network, built)
    rows = [(name, code) for name in ("station", "toulouse", "coworking")]
    pd.testing.assert_frame_equal(found.loc[rows], shipped.loc[rows])


def test_the_network_is_recomputed_on_the_roads_with_its_own_reach(
    built: Territory, territory: Territory
) -> None:
    reach = built.parameters["network_reach"]
    assert abs(reach["communes"] - reach["published"]) <= 2
    assert reach["minutes"] != territory.parameters["network_reach"]["minutes"]
    found = catchments(built, "workplace", reach["minutes"])
    assert found.network == "roads"
    reached = found.reached[found.reached > 0].index
    assert set(reached) == set(built.members("network").index)
    assert all(one.area.is_valid and one.area_km2 > 1 for one in found.catchments)
    wider = catchments(built, "workplace", reach["minutes"] + 5)
    for small, large in zip(found.catchments, wider.catchments, strict=True):
        assert small.area.buffer(-1e-6).within(large.area)


def test_the_measures_are_those_of_the_roads(built: Territory, territory: Territory) -> None:
    own, shipped = (
        one.tables["access_measures"].set_index("insee_code") for one in (built, territory)
    )
    round_trip = basket(built, "32013")
    assert round_trip.network == "roads"
    assert own["basket_min"].to_dict()["32013"] == pytest.approx(round_trip.minutes, abs=0.06)
    assert (own["errands_week_min"] != shipped["errands_week_min"]).mean() > 0.9
    week = week_of(built, "32013", PRESETS["paris-web-family"].profile)
    assert week.hours is not None


def test_what_real_times_do_to_a_ranking_is_told_as_between_releases(
    built: Territory, territory: Territory
) -> None:
    profile = PRESETS["retired-couple"].profile
    found = release_diff(territory, built, {"retired-couple": profile})
    assert (found.times_before, found.times_after) == ("town_halls", "roads")
    assert {table.name for table in found.tables} >= {"travel_times", "roads", "indicators"}
    (ranking,) = found.rankings
    assert ranking.moves.moved > 100
    before, after = (rank(one, profile, "all") for one in (territory, built))
    for village in ranking.moves.named:
        row = territory.codes.index(village.insee_code)
        change = float(after.score[row] - before.score[row])
        assert village.points == pytest.approx(change, abs=1e-6)
        assert village.rank_before != village.rank_after
        assert all(c.criterion.endswith("_min") for c in village.changes)


def test_times_begin_where_people_live_if_that_is_known(
    built: Territory, territory: Territory, download: Download
) -> None:
    """Two hamlets, of 30 dwellings and of 10: the mean of their two drives, three to one."""
    code, far = "32013", "32107"
    halls = territory.tables["town_halls"].set_index("insee_code")
    lon, lat = (halls[f"town_hall_{axis}"].to_dict() for axis in ("lon", "lat"))
    at = {c: (lon[c], lat[c]) for c in ("32249", far)}
    rows = [
        (code, *at["32249"], 30.0),
        (code, *at[far], 10.0),
        (code, 5.0, 45.0, 500.0),  # beyond every road: left out
        ("64445", *at[far], 99.0),  # in no commune of the release
    ]
    dwellings = pd.DataFrame(rows, columns=["insee_code", "lon", "lat", "dwellings"])
    network = RoadNetwork.from_table(download.roads)
    town_halls = TownHallNetwork.from_tables(
        territory.tables["town_halls"], territory.tables["adjacency"]
    )
    places = built.places[built.places["kind"].isin(["college", "lycee"])]  # at town halls

    def times(points: pd.DataFrame | None) -> dict[tuple[str, str], Any]:
        found = travel_times(
            town_halls, places, built.communes, built.tables["town_halls"], roads=network,
            dwellings=points,
        )  # fmt: skip
        records = found.to_dict("records")
        return {(str(row["destination"]), str(row["insee_code"])): row for row in records}

    with_homes, without = times(dwellings), times(None)
    areas = built.communes["area_km2"]
    leave = dict(zip(built.codes, access_minutes(areas.to_numpy()).tolist(), strict=True))
    for destination in ("college", "lycee"):
        each = [without[destination, c]["minutes"] - leave[c] for c in ("32249", far)]
        row = with_homes[destination, code]
        assert row["minutes"] == pytest.approx(0.75 * each[0] + 0.25 * each[1], abs=0.02)
        assert row["nearest_insee_code"] == without[destination, "32249"]["nearest_insee_code"]
    assert with_homes.keys() == without.keys()
    for key, other in without.items():
        if key[1] != code and key[0] in ("college", "lycee"):
            assert with_homes[key] == pytest.approx(other, nan_ok=True)


# --- Drives ---------------------------------------------------------------------------------


def test_a_drive_names_the_network_that_gave_it(built: Territory, territory: Territory) -> None:
    journeys = Journeys.of(built)
    assert journeys is Journeys.of(built)
    inside, beyond = journeys.between("32013", "32107"), journeys.between("32013", "64445")
    assert (inside.network, beyond.network) == ("roads", "town_halls")
    assert inside.as_dict()["status"] == "estimated"
    plain = Journeys.of(territory)
    assert plain.between("32013", "64445") == beyond
    assert plain.between("32013", "32107").network == "town_halls"
    assert plain.route("32013", "32107") is None
    assert plain.network == "town_halls"
    assert journeys.network == "roads"
    reach, is_road = journeys.matrix(["32013", "32107"], ["32107", "64445"])
    assert is_road.tolist() == [[True, False], [True, False]]
    assert reach.minutes[0, 0] == pytest.approx(inside.minutes)


def test_a_route_has_a_course(built: Territory) -> None:
    journeys = Journeys.of(built)
    route = journeys.route("32013", "32107")
    assert route is not None
    found = journeys.between("32013", "32107")
    assert route.minutes == pytest.approx(found.minutes)
    assert route.line.length / 1000 == pytest.approx(found.road_km, rel=1e-3)


def test_what_is_within_reach_is_ground_on_roads_and_communes_on_town_halls(
    built: Territory, territory: Territory
) -> None:
    ground = Journeys.of(built).within("32013", 20)
    assert ground.area is not None
    assert ground.area.is_valid
    assert ground.network == "roads"
    plain = Journeys.of(territory).within("32013", 20)
    assert (plain.area, plain.network) == (None, "town_halls")
    for found in (ground, plain):
        assert found.communes["insee_code"].iloc[0] == "32013"
        assert found.communes["minutes"].is_monotonic_increasing
        assert (found.communes["minutes"] <= 20).all()


@pytest.mark.parametrize("cutoff", [0, -1, 121, float("nan")])
def test_a_cutoff_out_of_range_is_refused(territory: Territory, cutoff: float) -> None:
    with pytest.raises(DriveError, match="out of range"):
        Journeys.of(territory).within("32013", cutoff)


def test_an_unknown_kind_of_place_is_refused_with_the_known_ones(territory: Territory) -> None:
    assert len(nearest_places(territory, "station")) == 458
    with pytest.raises(DriveError, match="give one of coworking"):
        nearest_places(territory, "moon")


# --- On the command line --------------------------------------------------------------------


def test_access_between_two_communes(built: Territory) -> None:
    shown = call("access", "from", "auch", "to", "Condom")
    assert "Auch → Condom" in shown.stdout
    assert "network town_halls" in shown.stdout
    found = call(
        "--release", str(built.folder), "access", "from", "32013", "32107", "--format", "json"
    )
    answer = json.loads(found.stdout)
    assert answer["network"] == "roads"
    assert answer["status"] == "estimated"
    assert answer["minutes"] > 0
    assert answer["road_km"] > 0


def test_access_from_a_commune_to_everything() -> None:
    shown = call("access", "from", "32013")
    assert shown.exit_code == 0
    assert "supermarket" in shown.stdout
    answer = json.loads(call("access", "from", "32013", "--format", "json").stdout)
    times = {row["destination"]: row for row in answer["times"]}
    assert len(times) == 29
    assert times["station"]["nearest"]["insee_code"] == "32013"
    assert answer["network"] == "town_halls"


def test_access_to_a_kind_of_place() -> None:
    assert "Auch" in call("access", "to", "station").stdout
    answer = json.loads(call("access", "to", "station", "--format", "json").stdout)
    minutes = [row["minutes"] for row in answer["communes"]]
    assert len(minutes) == 458
    assert minutes == sorted(minutes)


def test_access_isochrone(built: Territory) -> None:
    arguments = ("access", "isochrone", "32013", "--minutes", "15")
    plain = call(*arguments)
    assert "knows no ground" in plain.stdout.replace("\n", " ")
    answer = json.loads(call(*arguments, "--format", "json").stdout)
    assert answer["network"] == "town_halls"
    assert {f["geometry"]["type"] for f in answer["features"]} == {"Point"}
    roads = ("--release", str(built.folder), *arguments)
    assert "km² within 15 min of Auch by road" in call(*roads).stdout
    answer = json.loads(call(*roads, "--format", "json").stdout)
    (feature,) = answer["features"]
    shape = shapely.geometry.shape(feature["geometry"])
    assert shape.is_valid
    assert feature["properties"]["network"] == "roads"
    auch = built.communes.loc["32013"]
    assert shape.buffer(0.01).contains(shapely.Point(auch["town_hall_lon"], auch["town_hall_lat"]))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("access", "from", "Atlantis"), "Atlantis"),
        (("access", "from", "32013", "to"), "followed by nothing"),
        (("access", "from", "32013", "to", "32107", "32108"), "more than one commune"),
        (("access", "to", "moon"), "give one of"),
        (("access", "isochrone", "32013", "--minutes", "999"), "out of range"),
        (("data", "build", "--roads", "maps"), "give osm, none"),
        (("data", "build", "--roads", "absent.osm.pbf"), "is not a file"),
    ],
)
def test_a_mistake_is_told(arguments: tuple[str, ...], told: str) -> None:
    found = call(*arguments)
    assert found.exit_code != 0
    assert isinstance(found.exception, GeoMatcherError)
    assert told in str(found.exception)


def test_roads_are_downloaded_and_used(release_copy: Path, tmp_path: Path) -> None:
    """The invented village lies beside Auch, so the town hall of Auch is all that is on it."""
    with overpass_server(GOOD) as heard:
        found = call(
            "--release", str(release_copy), "data", "build", "--roads", "osm",
            "--overpass-url", heard.url, "--cache", str(tmp_path / "cache"),
        )  # fmt: skip
    assert found.exit_code == 0, found.exception
    assert len(heard.posts) > 1  # the area is asked for in parts
    territory = Territory.load(release_copy)
    assert territory.catalog["roads"].vintage == STAMP[:10]
    assert len(territory.parameters["roads"]["communes_off_roads"]) > 440


def test_roads_are_read_from_a_file_and_taken_out_again(
    release_copy: Path, tmp_path: Path, contents: Contents
) -> None:
    path = write_pbf(tmp_path / "village.osm.pbf")
    found = call("--release", str(release_copy), "data", "build", "--roads", str(path))
    assert found.exit_code == 0, found.exception
    origin = Territory.load(release_copy).tables["road_area"]["origin"].iloc[0]
    assert origin.startswith("village.osm.pbf, SHA-256")
    assert "roads" in call("--release", str(release_copy), "data", "info").stdout
    found = call("--release", str(release_copy), "data", "build", "--roads", "none")
    assert found.exit_code == 0, found.exception
    assert contents(release_copy) == contents(RELEASE)


def test_a_refused_download_leaves_the_release_as_it_was(
    release_copy: Path, contents: Contents, tmp_path: Path
) -> None:
    with overpass_server(Reply(body=b"<html>closed</html>")) as heard:
        found = call(
            "--release", str(release_copy), "data", "build", "--roads", "osm",
            "--overpass-url", heard.url, "--cache", str(tmp_path / "cache"),
        )  # fmt: skip
    assert heard.url in str(found.exception)
    assert contents(release_copy) == contents(RELEASE)
