"""Times on roads are those of pandana, on an invented network of some thousand junctions."""

from __future__ import annotations

import warnings
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo_matcher.road_network import RoadNetwork, Snapped
from tests.rural_graph import rural_roads

BOUNDS = (460_000.0, 6_260_000.0, 510_000.0, 6_310_000.0)
HORIZON_MIN = 600.0
SUMMED_MIN = 0.1
"""Pandana keeps the minutes of a street in whole thousandths; no way has more than 100 streets."""
ORIGINS, PLACES = 200, 40


@pytest.fixture(scope="module")
def roads() -> gpd.GeoDataFrame:
    return rural_roads(3000, BOUNDS, seed=11)


@pytest.fixture(scope="module")
def network(roads: gpd.GeoDataFrame) -> RoadNetwork:
    return RoadNetwork.from_table(roads)


@pytest.fixture(scope="module")
def peer(roads: gpd.GeoDataFrame, network: RoadNetwork) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of its own dependencies when it is imported
        pandana = pytest.importorskip("pandana", reason="pandana is not installed.")
    ways = [
        roads[[start, end, minutes]].set_axis(["from", "to", "minutes"], axis=1)
        for start, end, minutes in (("a", "b", "minutes_ab"), ("b", "a", "minutes_ba"))
    ]
    arcs = pd.concat(ways).dropna()
    return pandana.Network(
        pd.Series(network.x), pd.Series(network.y), arcs["from"], arcs["to"], arcs[["minutes"]],
        twoway=False,
    )  # fmt: skip


def test_from_junction_to_junction_the_minutes_are_the_same(
    network: RoadNetwork, peer: Any
) -> None:
    rng = np.random.default_rng(2)
    count = len(network.x)
    starts, ends = rng.integers(0, count, 400), rng.integers(0, count, 400)
    theirs = np.asarray(peer.shortest_path_lengths(starts, ends, imp_name="minutes"))
    ours = network.graph.matrix(starts, ends).minutes.diagonal()
    assert np.isfinite(ours).mean() > 0.9
    reached = np.isfinite(ours)
    assert ours[reached] == pytest.approx(theirs[reached], abs=SUMMED_MIN)


@pytest.fixture(scope="module")
def points(network: RoadNetwork) -> Snapped:
    """Return origins and, after them, places: anywhere on any street."""
    rng = np.random.default_rng(3)
    street = rng.integers(0, len(network.a), ORIGINS + PLACES)
    share = rng.uniform(0.02, 0.98, len(street))
    return Snapped(street, share, np.zeros(len(street)))


def along_street(network: RoadNetwork, points: Snapped) -> tuple[np.ndarray, np.ndarray]:
    """Return the minutes from each point to the ends of its street, and from the ends to it."""
    ab, ba = network.minutes_ab[points.street], network.minutes_ba[points.street]
    leave = np.column_stack([points.share * ba, (1 - points.share) * ab])
    arrive = np.column_stack([points.share * ab, (1 - points.share) * ba])
    return leave, arrive


def test_to_every_place_the_minutes_are_theirs_and_the_stretches_on_the_street(
    network: RoadNetwork, peer: Any, points: Snapped
) -> None:
    """Pandana from every end of one street to every end of the other, and the rest by hand."""
    here, there = np.arange(ORIGINS), ORIGINS + np.arange(PLACES)
    ends = np.column_stack([network.a[points.street], network.b[points.street]])
    leave, arrive = along_street(network, points)
    expected = np.full((ORIGINS, PLACES), np.inf)
    for start in (0, 1):
        for end in (0, 1):
            froms, tos = np.meshgrid(ends[here, start], ends[there, end], indexing="ij")
            between = peer.shortest_path_lengths(froms.ravel(), tos.ravel(), imp_name="minutes")
            whole = leave[here, start][:, None] + np.reshape(between, froms.shape)
            expected = np.minimum(expected, whole + arrive[there, end])
    on_one = points.street[here][:, None] == points.street[there]
    ahead = points.share[there] - points.share[here][:, None]
    street = points.street[here][:, None]
    direct = np.where(ahead >= 0, network.minutes_ab[street], network.minutes_ba[street]) * np.abs(
        ahead
    )
    expected = np.where(on_one, np.minimum(direct, expected), expected)
    placed = network.cut(points)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(placed.matrix(here, there).minutes, expected, atol=SUMMED_MIN)
    nearest = placed.nearest(here, there).minutes
    np.testing.assert_allclose(nearest, expected.min(axis=1), atol=SUMMED_MIN)


def test_the_nearest_place_differs_from_theirs_by_the_stretch_to_their_junctions(
    network: RoadNetwork, peer: Any, points: Snapped
) -> None:
    """Pandana starts and ends at the nearest junction, ours on the street itself.

    Neither can be quicker than the other by more than the way between a point and its junction:
    along the street where the junction is an end of it, else over the network.
    """
    here, there = np.arange(ORIGINS), ORIGINS + np.arange(PLACES)
    at = shapely.line_interpolate_point(network.lines[points.street], points.share, normalized=True)
    x, y = pd.Series(shapely.get_x(at)), pd.Series(shapely.get_y(at))
    peer.set_pois("place", HORIZON_MIN, 1, x[ORIGINS:], y[ORIGINS:])
    junction = np.asarray(peer.get_node_ids(x, y))
    found = peer.nearest_pois(HORIZON_MIN, "place", num_pois=1, include_poi_ids=True)
    theirs = found[1].to_numpy()[junction[here]]
    chosen = found["poi1"].to_numpy()[junction[here]].astype(np.int64)

    # Their own answer is the network's between the same junctions.
    between = network.graph.matrix(junction[here], junction[there]).minutes
    np.testing.assert_allclose(theirs, between.min(axis=1), atol=SUMMED_MIN)

    count = len(points.street)
    street_of = np.r_[network.a, network.b]
    first = np.array([int(np.flatnonzero(street_of == j)[0]) for j in junction])
    size = len(network.a)
    both = Snapped(
        np.r_[points.street, first % size],
        np.r_[points.share, np.where(first < size, 0.0, 1.0)],
        np.zeros(2 * count),
    )
    placed = network.cut(both)
    every = np.arange(count)
    leave = np.array([placed.matrix([i], [count + i]).minutes[0, 0] for i in every])
    arrive = np.array([placed.matrix([count + i], [i]).minutes[0, 0] for i in every])
    on_street = along_street(network, points)
    is_end = False
    for end, ends in enumerate((network.a, network.b)):
        is_own = ends[points.street] == junction
        assert (leave[is_own] <= on_street[0][is_own, end] + 1e-9).all()
        assert (arrive[is_own] <= on_street[1][is_own, end] + 1e-9).all()
        is_end = is_end | is_own
    assert np.mean(is_end) > 0.8

    ours = placed.nearest(here, there)
    longest = leave[here] + theirs + arrive[chosen]
    shortest = theirs - arrive[here] - leave[ours.source]
    assert (ours.minutes <= longest + SUMMED_MIN).all()
    assert (ours.minutes >= shortest - SUMMED_MIN).all()
    assert np.median(longest - shortest) < 5.0  # the bounds are near one another
