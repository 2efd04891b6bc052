"""Times on roads are those of pandana, on an invented network of some thousand junctions."""

from __future__ import annotations

import warnings
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo_matcher.road_network import RoadNetwork
from tests.rural_graph import rural_roads

BOUNDS = (460_000.0, 6_260_000.0, 510_000.0, 6_310_000.0)
HORIZON_MIN = 600.0
ROUNDING_MIN = 0.01
"""Pandana keeps the minutes of a street in whole thousandths."""


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
    assert ours[reached] == pytest.approx(theirs[reached], abs=ROUNDING_MIN * 10)


def test_to_the_nearest_place_they_differ_by_the_way_to_the_junctions_at_most(
    network: RoadNetwork, peer: Any
) -> None:
    """Pandana starts and ends at the nearest junction, ours on the street itself."""
    rng = np.random.default_rng(3)
    origins, places = 200, 40
    street = rng.integers(0, len(network.a), origins + places)
    at = shapely.line_interpolate_point(network.lines[street], 0.3, normalized=True)
    x, y = shapely.get_x(at), shapely.get_y(at)
    placed = network.cut(network.snap(x, y))
    ours = placed.nearest(np.arange(origins), origins + np.arange(places)).minutes
    peer.set_pois("place", HORIZON_MIN, 1, pd.Series(x[origins:]), pd.Series(y[origins:]))
    near = np.asarray(peer.get_node_ids(pd.Series(x), pd.Series(y)))
    theirs = peer.nearest_pois(HORIZON_MIN, "place", num_pois=1).to_numpy()[near[:origins], 0]
    # A whole street at either end is what snapping to a junction can add or take away; the
    # junction may even belong to another street, one beside it.
    slowest = np.fmax(network.minutes_ab, network.minutes_ba)
    whole = slowest[np.isfinite(slowest)].max()
    difference = np.abs(ours - theirs)
    assert np.isfinite(ours).all()
    assert np.median(difference) < np.median(slowest[street])
    assert difference.max() <= 4 * whole
    assert np.corrcoef(ours, theirs)[0, 1] > 0.95
