from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo_matcher.errors import CrsError, DataError, DriveError
from geo_matcher.road_areas import MAX_CUTOFF_MIN, catchment, isochrone
from geo_matcher.road_network import Placed, RoadNetwork, mean_by_commune, to_lambert_93

X, Y = 500_000.0, 6_280_000.0
"""A square of streets of 1 km at 60 km/h; the one in the south is open eastwards only, and a lane
far away is joined to nothing."""


def roads(**columns: Any) -> gpd.GeoDataFrame:
    at = {0: (0, 0), 1: (1000, 0), 2: (1000, 1000), 3: (0, 1000), 4: (9000, 0), 5: (9000, 500)}
    ends = [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5)]
    lines = [
        shapely.LineString([(X + at[a][0], Y + at[a][1]), (X + at[b][0], Y + at[b][1])])
        for a, b in ends
    ]
    return gpd.GeoDataFrame(
        {
            "a": [a for a, _ in ends],
            "b": [b for _, b in ends],
            "minutes_ab": [1.0, 1.0, 1.0, 1.0, 0.5],
            "minutes_ba": [np.nan, 1.0, 1.0, 1.0, 0.5],
            "length_m": [1000.0, 1000.0, 1000.0, 1000.0, 500.0],
            **columns,
        },
        geometry=lines,
        crs="EPSG:2154",
    )


@pytest.fixture(scope="module")
def network() -> RoadNetwork:
    return RoadNetwork.from_table(roads())


def put(network: RoadNetwork, *points: tuple[float, float]) -> Placed:
    x, y = np.array(points).T
    return network.cut(network.snap(X + x, Y + y))


def test_a_point_is_put_on_the_nearest_street_not_on_the_nearest_junction(
    network: RoadNetwork,
) -> None:
    snapped = put(network, (400, -30), (1200, 600), (5000, 5000)).snapped
    assert snapped.street.tolist() == [0, 1, -1]
    np.testing.assert_allclose(snapped.share, [0.4, 0.6, np.nan])
    np.testing.assert_allclose(snapped.distance_m, [30, 200, np.nan])
    assert snapped.is_snapped.tolist() == [True, True, False]


def test_a_point_beyond_the_limit_is_unsnapped(network: RoadNetwork) -> None:
    near, far = (network.snap([X], [Y - 300], limit_m=limit).street[0] for limit in (300.5, 299.5))
    assert (near >= 0, far) == (True, -1)


def test_of_two_streets_equally_near_the_first_is_taken(network: RoadNetwork) -> None:
    assert network.snap([X + 500, X + 1000], [Y + 500, Y]).street.tolist() == [0, 0]


def test_a_street_is_cut_where_the_point_lies(network: RoadNetwork) -> None:
    placed = put(network, (250, 0), (750, 0), (1000, 500))
    found = placed.matrix([0, 1], [0, 1, 2])
    np.testing.assert_allclose(found.minutes[0], [0.0, 0.5, 1.25])
    # Against the one-way street: on to the east and around the square.
    np.testing.assert_allclose(found.minutes[1], [3.5, 0.0, 0.75])
    np.testing.assert_allclose(found.road_km, found.minutes)


def test_points_of_the_same_place_are_no_minutes_apart(network: RoadNetwork) -> None:
    placed = put(network, (250, 0), (250, 0), (0, 0))
    np.testing.assert_allclose(placed.matrix([0, 1], [0, 1]).minutes, 0.0)
    assert placed.matrix([2], [0]).minutes[0, 0] == pytest.approx(0.25)


def test_unreachable_is_not_unsnapped_and_neither_is_far(network: RoadNetwork) -> None:
    placed = put(network, (0, 500), (9000, 100), (5000, 5000), (1000, 900))
    origins, places = [0, 1, 2], [3, 2]
    found = placed.nearest(origins, places)
    assert placed.status(origins, found.minutes).tolist() == [
        "estimated",
        "unreachable",
        "unsnapped",
    ]
    assert found.source.tolist() == [3, -1, -1]
    assert np.isinf(placed.matrix([2], [2]).minutes).all()
    assert placed.route(0, 1) is None
    assert placed.route(0, 2) is None
    empty = placed.nearest(origins, [])
    assert np.isinf(empty.minutes).all()


def test_a_route_from_a_place_to_itself_is_a_point(network: RoadNetwork) -> None:
    route = put(network, (250, 0)).route(0, 0)
    assert route is not None
    assert (route.minutes, route.road_km, route.streets) == (0.0, 0.0, ())
    assert route.line.length == 0.0


def test_a_route_names_its_streets_in_order(network: RoadNetwork) -> None:
    route = put(network, (250, 0), (750, 0)).route(1, 0)
    assert route is not None
    assert route.streets == (0, 1, 2, 3, 0)
    np.testing.assert_allclose(route.line.length, 3500)


def test_the_graph_without_points_has_the_junctions_only(network: RoadNetwork) -> None:
    assert network.graph.size == 6
    assert network.graph.minutes[0, 1] == 1.0
    assert network.graph.minutes[1, 0] == 0.0  # no such arc
    assert network.graph.minutes_back[1, 0] == 1.0


def test_of_two_streets_between_two_junctions_the_faster_is_driven() -> None:
    table = roads()
    slow = table.iloc[[1]].assign(minutes_ab=9.0, minutes_ba=9.0)
    both = RoadNetwork.from_table(
        gpd.GeoDataFrame(gpd.pd.concat([slow, table], ignore_index=True), crs=table.crs)
    )
    assert both.graph.minutes[1, 2] == 1.0
    assert both.graph.road_km[1, 2] == 1.0


def test_positions_are_turned_into_metres() -> None:
    x, y = to_lambert_93([3.0], [46.5])  # where Lambert-93 has its origin
    assert (x[0], y[0]) == (pytest.approx(700_000), pytest.approx(6_600_000))


def test_an_area_is_one_way_too(network: RoadNetwork) -> None:
    placed = put(network, (900, 0))
    ahead, behind = isochrone(placed, 0).within(0.5), catchment(placed, 0).within(0.5)
    east, west = (shapely.Point(X + x, Y) for x in (1000, 450))
    assert ahead.contains(east)
    assert not ahead.contains(west)
    assert behind.contains(west)


def test_an_area_beyond_any_street_is_empty(network: RoadNetwork) -> None:
    placed = put(network, (0, 500), (5000, 5000))
    field = isochrone(placed, 0)
    with pytest.raises(DataError, match="too far from any road"):
        isochrone(placed, 1)
    for cutoff in (0.0, MAX_CUTOFF_MIN + 1):
        with pytest.raises(DriveError, match="cannot be drawn"):
            field.within(cutoff)
    late = type(field)(field.x, field.y, field.minutes + 1.0)
    assert late.within(0.5).is_empty


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"a": [0, 1, 2, 3, 7]}, "from 0 without a gap"),
        ({"a": [1, 1, 2, 3, 4]}, "without a gap|beside its junction"),
        ({"b": [1, 2, 3, 1, 5]}, "beside its junction"),
        ({"minutes_ab": [-1.0, 1, 1, 1, 1]}, "must not be negative"),
        ({"minutes_ab": [np.nan, 1, 1, 1, 1]}, "open one way at least"),
    ],
)
def test_streets_that_do_not_fit_together_are_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(DataError, match=told):
        RoadNetwork.from_table(roads(**change))


def test_roads_in_another_system_or_none_are_refused() -> None:
    table = roads()
    with pytest.raises(CrsError, match="EPSG:2154"):
        RoadNetwork.from_table(table.to_crs(4326))
    with pytest.raises(CrsError):
        RoadNetwork.from_table(gpd.pd.DataFrame(table))
    with pytest.raises(DataError, match="at least one street"):
        RoadNetwork.from_table(table.iloc[:0])
    with pytest.raises(DataError, match="a course is no line"):
        RoadNetwork.from_table(table.set_geometry(table.centroid))


def test_points_weigh_their_dwellings() -> None:
    codes = ["32002", "32001", "32001", "32001", "32003"]
    found = mean_by_commune(codes, [4.0, 10.0, 20.0, np.inf, np.nan], [1, 3, 1, 4, 2])
    assert found.index.tolist() == ["32001", "32002", "32003"]
    np.testing.assert_allclose(found["minutes"], [12.5, 4.0, np.nan])
    np.testing.assert_allclose(found["reached_share"], [0.5, 1.0, 0.0])
    for wrong in (-1.0, np.nan):
        with pytest.raises(DataError, match="not negative"):
            mean_by_commune(["32001"], [1.0], [wrong])
