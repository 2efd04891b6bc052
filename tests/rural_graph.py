"""An invented road network with the statistics of the French countryside; synthetic, and said so.

A Delaunay triangulation of random junctions is thinned: its minimum spanning tree keeps it in one
piece, further streets are drawn at random, the short ones more often, until there are as many as
wanted. About a fifth of the junctions are dead ends, and a junction has 2.5 streets on average.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import Delaunay

from geo_matcher.territory import LAMBERT_93

STREETS_PER_JUNCTION = 1.25
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
    xy = np.column_stack([rng.uniform(left, right, junctions), rng.uniform(bottom, top, junctions)])
    if anchors is not None:
        xy = np.vstack([anchors, xy])
    xy = np.round(xy, 1)
    simplices = Delaunay(xy).simplices
    sides = np.vstack([simplices[:, pair] for pair in ([0, 1], [1, 2], [0, 2])])
    sides = np.unique(np.sort(sides, axis=1), axis=0)
    straight_m = np.hypot(*(xy[sides[:, 0]] - xy[sides[:, 1]]).T)
    size = len(xy)
    tree = minimum_spanning_tree(
        csr_array((straight_m, (sides[:, 0], sides[:, 1])), shape=(size, size))
    ).tocoo()
    keys = sides[:, 0] * size + sides[:, 1]
    is_tree = np.isin(keys, np.asarray(tree.row, dtype=np.int64) * size + tree.col)
    others = np.flatnonzero(~is_tree)
    wanted = max(0, round(STREETS_PER_JUNCTION * size) - int(is_tree.sum()))
    nearness = 1 / straight_m[others]
    drawn = rng.choice(others, min(wanted, len(others)), replace=False, p=nearness / nearness.sum())
    kept = np.sort(np.r_[np.flatnonzero(is_tree), drawn])
    used, numbers = np.unique(sides[kept], return_inverse=True)  # a twin position has no side
    xy, (a, b) = xy[used], numbers.reshape(-1, 2).T
    length_m = straight_m[kept] * SINUOSITY
    kind = rng.choice(len(CLASSES), len(kept), p=CLASS_SHARES)
    minutes = length_m / 1000 / np.asarray(CLASS_KMH)[kind] * 60
    is_one_way = (rng.random(len(kept)) < one_way_share) & ~is_tree[kept]
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


def _bent(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.object_]:
    """Return lines with two bends, longer than straight by SINUOSITY."""
    along = (end - start) / 2
    across = np.column_stack([-along[:, 1], along[:, 0]]) * np.sqrt(SINUOSITY**2 - 1)
    middle = start + along + across
    points = np.stack([start, middle, end], axis=1)
    lines: NDArray[np.object_] = shapely.linestrings(points)
    return lines
