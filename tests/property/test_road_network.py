"""The road network against networkx, on small networks drawn at random."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.ops import substring

from geo_matcher.road_areas import TravelField, catchment, isochrone
from geo_matcher.road_network import Placed, RoadNetwork, Snapped
from tests.rural_graph import rural_roads

BOUNDS = (500_000.0, 6_280_000.0, 506_000.0, 6_286_000.0)

networks = st.builds(
    lambda seed, one_way: RoadNetwork.from_table(
        rural_roads(30, BOUNDS, seed=seed, one_way_share=one_way)
    ),
    st.integers(0, 500),
    st.sampled_from([0.0, 0.5]),
)
NEAR_M, FARTHEST_M = 600.0, 885.0
"""How far from what is reached an area goes, nearly everywhere and at the very most. A cell of
250 m takes its time from points within 375 m of its centre along each axis; the outline runs
between that centre and the next one, less than 625 m along each axis."""

positions = st.lists(
    st.tuples(st.integers(0, 10**6), st.floats(0, 1, width=16)), min_size=4, max_size=8
)


def cut(network: RoadNetwork, drawn: list[tuple[int, float]]) -> Placed:
    """Put points at drawn places on drawn streets; the last one is put nowhere."""
    street = np.array([number % len(network.a) for number, _ in drawn] + [-1], dtype=np.int64)
    share = np.array([at for _, at in drawn] + [np.nan])
    return network.cut(Snapped(street, share, np.where(street >= 0, 0.0, np.nan)))


def reference(placed: Placed) -> nx.DiGraph:
    """Return the same network as a networkx graph, every street cut by hand."""
    graph: nx.DiGraph = nx.DiGraph()
    network, snapped = placed.network, placed.snapped
    graph.add_nodes_from([*range(len(network.x)), *(f"p{i}" for i in range(len(snapped.street)))])
    for s in range(len(network.a)):
        on = sorted((snapped.share[i], i) for i in np.flatnonzero(snapped.street == s))
        stops = [(0.0, int(network.a[s])), *((at, f"p{i}") for at, i in on)]
        stops.append((1.0, int(network.b[s])))
        for (low, u), (high, v) in pairwise(stops):
            for start, end, minutes in (
                (u, v, network.minutes_ab[s]),
                (v, u, network.minutes_ba[s]),
            ):
                cost = (high - low) * minutes if high > low else 0.0
                old = graph.get_edge_data(start, end, {"minutes": np.inf})["minutes"]
                if cost < old:
                    km = (high - low) * network.length_m[s] / 1000
                    graph.add_edge(start, end, minutes=cost, km=km)
    return graph


def slowly(graph: nx.DiGraph, size: int) -> np.ndarray:
    found = np.full((size, size), np.inf)
    for i in range(size - 1):
        lengths = nx.single_source_dijkstra_path_length(graph, f"p{i}", weight="minutes")
        for j in range(size - 1):
            found[i, j] = lengths.get(f"p{j}", np.inf)
    return found


@given(network=networks, drawn=positions)
def test_all_answers_equal_networkx_from_each_origin(
    network: RoadNetwork, drawn: list[tuple[int, float]]
) -> None:
    placed = cut(network, drawn)
    size = len(drawn) + 1
    points = np.arange(size)
    expected = slowly(reference(placed), size)
    found = placed.matrix(points, points)
    np.testing.assert_allclose(found.minutes, expected, atol=1e-9)
    np.testing.assert_array_equal(np.isfinite(found.road_km), np.isfinite(expected))
    few = placed.matrix(points, points[:2])  # searched from the other side
    np.testing.assert_allclose(few.minutes, expected[:, :2], atol=1e-9)
    np.testing.assert_allclose(few.road_km, found.road_km[:, :2], atol=1e-9)

    places = points[1::2]
    near = placed.nearest(points, places)
    best = expected[:, places].min(axis=1)
    np.testing.assert_allclose(near.minutes, best, atol=1e-9)
    for i in np.flatnonzero(np.isfinite(best)):
        assert near.source[i] in places
        assert expected[i, near.source[i]] == pytest.approx(best[i], abs=1e-9)
    assert (near.source[~np.isfinite(best)] == -1).all()

    k = placed.k_nearest(points, places, 3)
    padded = np.pad(expected[:, places], ((0, 0), (0, 3)), constant_values=np.inf)
    np.testing.assert_allclose(k.minutes, np.sort(padded, axis=1)[:, :3], atol=1e-9)
    assert ((k.place == -1) == np.isinf(k.minutes)).all()
    assert (k.minutes[:, 0] == near.minutes).all()


@given(network=networks, drawn=positions)
def test_a_route_is_as_long_as_its_line_and_as_quick_as_the_matrix(
    network: RoadNetwork, drawn: list[tuple[int, float]]
) -> None:
    placed = cut(network, drawn)
    found = placed.matrix([0], [1, len(drawn)])
    route = placed.route(0, 1)
    assert placed.route(0, len(drawn)) is None
    if route is None:
        assert np.isinf(found.minutes[0, 0])
        return
    assert route.minutes == pytest.approx(found.minutes[0, 0], abs=1e-9)
    assert route.road_km == pytest.approx(found.road_km[0, 0], abs=1e-9)
    assert route.line.length / 1000 == pytest.approx(route.road_km, abs=1e-6)
    ends = shapely.line_interpolate_point(
        network.lines[placed.snapped.street[:2]], placed.snapped.share[:2], normalized=True
    )
    assert shapely.distance(ends[0], shapely.Point(route.line.coords[0])) < 1e-6
    assert shapely.distance(ends[1], shapely.Point(route.line.coords[-1])) < 1e-6


def reached_parts(placed: Placed, cutoff: float, *, towards: bool) -> Any:
    """Return the parts of streets from or to which point 0 is reached in time, by networkx."""
    network = placed.network
    graph = reference(placed)
    graph = graph.reverse() if towards else graph
    at = nx.single_source_dijkstra_path_length(graph, "p0", weight="minutes")
    leave, arrive = network.minutes_ab, network.minutes_ba
    if towards:
        leave, arrive = arrive, leave
    pieces = []
    for s, line in enumerate(network.lines):
        starts = [
            (0.0, at.get(int(network.a[s]), np.inf)),
            (1.0, at.get(int(network.b[s]), np.inf)),
        ]
        if placed.snapped.street[0] == s:
            starts.append((float(placed.snapped.share[0]), 0.0))
        for share, minutes in starts:
            if minutes <= cutoff:
                low = max(share - (cutoff - minutes) / arrive[s], 0.0)
                high = min(share + (cutoff - minutes) / leave[s], 1.0)
                pieces.append(substring(line, low, high, normalized=True))
    return shapely.union_all(pieces)


@settings(max_examples=12)
@given(network=networks, drawn=positions, towards=st.booleans())
def test_areas_are_valid_grow_with_the_cutoff_and_keep_to_what_is_reached(
    network: RoadNetwork, drawn: list[tuple[int, float]], towards: bool
) -> None:
    placed = cut(network, drawn)
    field = (catchment if towards else isochrone)(placed, 0)
    everywhere = np.arange(len(drawn))
    found = placed.matrix([0], everywhere)
    if towards:
        found = placed.matrix(everywhere, [0])
    at = shapely.line_interpolate_point(
        network.lines[placed.snapped.street[:-1]], placed.snapped.share[:-1], normalized=True
    )
    before = shapely.MultiPolygon()
    for cutoff in (0.5, 2.0, 4.0, 8.0, 60.0):
        area = field.within(cutoff)
        assert area.is_valid
        assert before.difference(area).area < 1.0
        before = area
        reached = reached_parts(placed, cutoff, towards=towards)
        assert area.difference(reached.buffer(NEAR_M)).area <= 0.01 * area.area
        assert area.difference(reached.buffer(FARTHEST_M, quad_segs=64)).area < 1.0
        is_late = found.minutes.ravel() > cutoff
        is_away = shapely.distance(at, reached) > FARTHEST_M
        assert not shapely.intersects(area, at[is_late & is_away]).any()
        # The samples are 200 m apart: what is reached lies beside one that is reached.
        assert (shapely.distance(area, at[~is_late]) <= 100).all()


def test_a_forest_in_a_ring_of_roads_stays_a_hole() -> None:
    corners = np.array([[0.0, 0], [5000, 0], [5000, 5000], [0, 5000]]) + BOUNDS[:2]
    sides = [shapely.LineString(corners[[i, (i + 1) % 4]]) for i in range(4)]
    table = {
        "a": range(4),
        "b": [1, 2, 3, 0],
        "minutes_ab": 5.0,
        "minutes_ba": 5.0,
        "length_m": 5000.0,
    }
    roads = gpd.GeoDataFrame(table, geometry=sides, crs=2154)
    placed = cut(RoadNetwork.from_table(roads), [(0, 0.5)])
    (area,) = isochrone(placed, 0).within(30).geoms
    (hole,) = area.interiors
    forest = shapely.Polygon(hole)
    assert forest.contains(shapely.box(*(corners[0] + FARTHEST_M), *(corners[2] - FARTHEST_M)))
    assert area.contains(shapely.MultiLineString(sides))


def test_what_no_road_leads_to_lies_outside() -> None:
    """Two networks with 3 km of nothing between them, and a street that only leads away."""
    left, bottom, right, top = BOUNDS
    away_m = right - left + 3000
    here = rural_roads(30, BOUNDS, seed=1)
    there = rural_roads(30, (left + away_m, bottom, right + away_m, top), seed=2)
    size = int(here[["a", "b"]].to_numpy().max()) + 1
    there[["a", "b"]] += size
    roads = gpd.GeoDataFrame(pd.concat([here, there], ignore_index=True), crs=here.crs)
    join = shapely.LineString(
        [there.geometry.iloc[0].coords[0], here.geometry.iloc[0].coords[0]]
    )  # from there to here, one way
    one_way = gpd.GeoDataFrame(
        {
            "a": [there["a"].iloc[0]],
            "b": [here["a"].iloc[0]],
            "minutes_ab": [5.0],
            "minutes_ba": [np.nan],
            "length_m": [join.length],
        },
        geometry=[join],
        crs=here.crs,
    )
    roads = gpd.GeoDataFrame(pd.concat([roads, one_way], ignore_index=True), crs=here.crs)
    network = RoadNetwork.from_table(roads)
    points = [(0, 0.5), (5, 0.5), *((len(here) + i, 0.5) for i in range(len(there)))]
    placed = cut(network, points)
    minutes = placed.matrix([0], np.arange(len(points))).minutes.ravel()
    assert np.isfinite(minutes[:2]).all()
    assert np.isinf(minutes[2:]).all()
    at = shapely.line_interpolate_point(
        network.lines[placed.snapped.street[:-1]], placed.snapped.share[:-1], normalized=True
    )
    area = isochrone(placed, 0).within(120)
    assert shapely.intersects(area, at[:2]).all()
    assert not shapely.intersects(area, at[2:]).any()
    reached = shapely.union_all(network.lines[: len(here)])
    assert area.difference(reached.buffer(FARTHEST_M, quad_segs=64)).area < 1.0
    back = catchment(placed, 0).within(120)  # from there one does come here
    assert shapely.intersects(back, at).all()


@given(network=networks, drawn=positions)
def test_the_area_of_several_roots_is_what_their_own_areas_cover(
    network: RoadNetwork, drawn: list[tuple[int, float]]
) -> None:
    placed = cut(network, drawn)
    both = placed.graph.nearest(placed.node([0, 1]))
    field = TravelField.of(placed, both.minutes, roots=(0, 1), towards=True)
    single = [catchment(placed, i).minutes for i in (0, 1)]
    np.testing.assert_allclose(field.minutes, np.minimum(*single))


def test_the_generator_makes_networks_of_the_same_bytes() -> None:
    one, two = (rural_roads(200, BOUNDS, seed=3) for _ in range(2))
    assert isinstance(one, gpd.GeoDataFrame)
    assert one.to_wkb().equals(two.to_wkb())
