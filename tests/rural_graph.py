"""An invented road network with the statistics of the French countryside; synthetic, and said so.

Random junctions are joined as relative neighbours are: two of them when no third is nearer to
both. That is a planar network in one piece. Spurs are added to it, so that a junction has some 2.5
streets and about one in six is a dead end.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import Delaunay, cKDTree

from geo_matcher.territory import LAMBERT_93

SPUR_SHARE = 0.15
NEIGHBOURS = 12
SINUOSITY = 1.15
ONE_WAY_SHARE = 0.03
CLASSES = ("unclassified", "tertiary", "secondary", "primary")
CLASS_SHARES = (0.62, 0.22, 0.11, 0.05)
CLASS_KMH = (45.0, 55.0, 62.0, 68.0)


def rural_roads(
    junctions: int,
    bounds: tuple[float, float, float, float],
    *,
    seed: int,
    anchors: NDArray[np.float64] | None = None,
    one_way_share: float = ONE_WAY_SHARE,
) -> gpd.GeoDataFrame:
    """Return invented streets as the table ``roads`` of a release.

    Parameters
    ----------
    junctions
        How many junctions to draw.
    bounds
        Left, bottom, right, top in EPSG:2154.
    seed
        Same seed, same roads.
    anchors
        Positions (EPSG:2154) that must be junctions, such as town halls.
    one_way_share
        Share of the streets that can be driven one way only.
    """
    rng = np.random.default_rng(seed)
    left, bottom, right, top = bounds
    spurs = round(junctions * SPUR_SHARE)
    drawn = junctions - spurs
    xy = np.column_stack([rng.uniform(left, right, drawn), rng.uniform(bottom, top, drawn)])
    if anchors is not None:
        xy = np.vstack([anchors, xy])
    xy = np.unique(np.round(xy, 1), axis=0)
    sides = _relative_neighbours(xy)
    root = rng.choice(len(xy), spurs, replace=False)
    step_m = 0.3 * np.sqrt((right - left) * (top - bottom) / junctions)
    angle = rng.uniform(0, 2 * np.pi, spurs)
    ends = xy[root] + step_m * np.column_stack([np.cos(angle), np.sin(angle)])
    sides = np.vstack([sides, np.column_stack([root, len(xy) + np.arange(spurs)])])
    xy = np.vstack([xy, np.round(ends, 1)])
    a, b = sides.T
    straight_m = np.hypot(*(xy[a] - xy[b]).T)
    tree = minimum_spanning_tree(csr_array((straight_m, (a, b)), shape=(len(xy), len(xy)))).tocoo()
    is_tree = np.isin(a * len(xy) + b, np.asarray(tree.row, dtype=np.int64) * len(xy) + tree.col)
    length_m = straight_m * SINUOSITY
    kind = rng.choice(len(CLASSES), len(a), p=CLASS_SHARES)
    minutes = length_m / 1000 / np.asarray(CLASS_KMH)[kind] * 60
    is_one_way = (rng.random(len(a)) < one_way_share) & ~is_tree
    return gpd.GeoDataFrame(
        {
            "a": a.astype(np.int64),
            "b": b.astype(np.int64),
            "minutes_ab": minutes,
            "minutes_ba": np.where(is_one_way, np.nan, minutes),
            "length_m": length_m,
            "highway": np.asarray(CLASSES)[kind],
            "name": "",
        },
        geometry=_bent(xy[a], xy[b]),
        crs=LAMBERT_93,
    )


def _relative_neighbours(xy: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the pairs of points that have no third point nearer to both, among the nearest few."""
    simplices = Delaunay(xy).simplices.astype(np.int64)
    sides = np.vstack([simplices[:, pair] for pair in ([0, 1], [1, 2], [0, 2])])
    sides = np.unique(np.sort(sides, axis=1), axis=0)
    a, b = sides.T
    long_m = np.hypot(*(xy[a] - xy[b]).T)
    near = np.asarray(cKDTree(xy).query(xy, k=min(NEIGHBOURS, len(xy)))[1], dtype=np.int64)
    third = xy[near[a]]
    to_a, to_b = (np.hypot(*np.moveaxis(third - xy[end][:, None], -1, 0)) for end in (a, b))
    is_between = (to_a < long_m[:, None]) & (to_b < long_m[:, None]) & (near[a] != a[:, None])
    apart: NDArray[np.int64] = sides[~is_between.any(axis=1)]
    return apart


def within(roads: gpd.GeoDataFrame, area: shapely.Geometry) -> gpd.GeoDataFrame:
    """Return the streets that lie inside an area, their junctions numbered anew."""
    kept = roads[shapely.covered_by(np.asarray(roads.geometry.array), area)]
    numbers = np.unique(kept[["a", "b"]].to_numpy(), return_inverse=True)[1].reshape(-1, 2)
    inside: gpd.GeoDataFrame = kept.assign(a=numbers[:, 0], b=numbers[:, 1]).reset_index(drop=True)
    return inside


def _bent(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return lines with two bends, longer than straight by SINUOSITY."""
    along = (end - start) / 2
    across = np.column_stack([-along[:, 1], along[:, 0]]) * np.sqrt(SINUOSITY**2 - 1)
    middle = start + along + across
    points = np.stack([start, middle, end], axis=1)
    return np.asarray(shapely.linestrings(points))
