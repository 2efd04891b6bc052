"""Travel times on the town-hall network.

The network hides here: which communes touch, how long the road between two town halls is taken to
be, how fast one drives on it, and how a time from "the commune" comes about. Callers hand in the
communes that have a kind of place and get back, for every commune, the minutes to the nearest.

The model, in full (see ``docs/decisions/0003-town-hall-network.md``):

* neighbouring communes are joined town hall to town hall;
* road length = straight distance × ``ROAD_FACTOR``;
* speed depends on how many of the two ends are towns (``SPEED_KMH``);
* a place attaches to the town hall of the commune that contains it;
* leaving home costs the mean drive from a point of the commune to its town hall
  (:func:`access_minutes`).

Every time that comes out is an estimate and is marked so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from geo_matcher.errors import DataError
from geo_matcher.shortest_paths import Graph, Nearest

__all__ = [
    "ACCESS_SPEED_KMH",
    "ROAD_FACTOR",
    "SPEED_KMH",
    "TOWN_POPULATION",
    "TownHallNetwork",
    "access_minutes",
    "distance_problems",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ROAD_FACTOR = 1.10
"""Road length over straight length: the mean of 21 published or road-atlas distances between
communes of the area, spread 0.07 (0.99 to 1.23)."""

TOWN_POPULATION = 20_000
"""Inhabitants (municipal) from which a commune counts as a town for the speed model."""

SPEED_KMH = (60.0, 50.0, 35.0)
"""Mean driving speed (km/h) between two town halls when 0, 1 or 2 of them are towns. An
assumption: departmental roads limited to 80 km/h with villages to cross, and urban traffic."""

ACCESS_SPEED_KMH = 40.0
"""Mean driving speed (km/h) on the lanes between a house and its own town hall (an assumption)."""

EARTH_RADIUS_KM = 6371.009
"""Mean radius of the Earth."""

DISTANCE_TOLERANCE_SHARE, DISTANCE_TOLERANCE_KM = 0.005, 0.05
"""How far a stated distance may be from that between two positions: a share of it, plus km."""


def distance_problems(town_halls: pd.DataFrame, adjacency: pd.DataFrame) -> list[str]:
    """Compare the distances between neighbours with the positions of their town halls.

    A town hall placed in a homonym makes its distances to its neighbours wrong by kilometres: this
    is where it shows, inside the département and beyond it.

    Parameters
    ----------
    town_halls
        ``insee_code``, ``town_hall_lon``, ``town_hall_lat`` (EPSG:4326).
    adjacency
        ``a``, ``b``, ``straight_km``.

    Returns
    -------
    list of str
        A sentence for each pair whose distance is not that between the two positions, within
        ``DISTANCE_TOLERANCE_SHARE`` (a sphere is not the ellipsoid) and ``DISTANCE_TOLERANCE_KM``.
    """
    hall = town_halls.set_index("insee_code")[["town_hall_lon", "town_hall_lat"]]
    a, b = (np.radians(hall.reindex(adjacency[end]).to_numpy().T) for end in ("a", "b"))
    on_sphere_km = _great_circle_km(a, b)
    stated_km = adjacency["straight_km"].to_numpy(dtype=np.float64)
    allowed_km = DISTANCE_TOLERANCE_KM + DISTANCE_TOLERANCE_SHARE * stated_km
    return [
        f"adjacency: {adjacency['a'].iloc[i]} and {adjacency['b'].iloc[i]} are said to be "
        f"{stated_km[i]:.1f} km apart, their town halls are {on_sphere_km[i]:.1f} km apart; check "
        "both positions"
        for i in np.flatnonzero(np.abs(on_sphere_km - stated_km) > allowed_km)
    ]


def _great_circle_km(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return the distances on the sphere, given longitudes and latitudes in radians."""
    half = np.sin((b - a) / 2) ** 2
    chord = half[1] + np.cos(a[1]) * np.cos(b[1]) * half[0]
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(chord, 0, 1))))


def access_minutes(area_km2: FloatArray) -> FloatArray:
    """Return the mean drive from a point of the commune to its town hall.

    The commune is taken as a disc of the same area with the town hall in the middle: the mean
    distance from a uniformly drawn point to the centre of a disc is two thirds of its radius.

    Parameters
    ----------
    area_km2
        Area of each commune, in km².

    Returns
    -------
    FloatArray
        Minutes, same shape.
    """
    radius_km = np.sqrt(np.asarray(area_km2, dtype=np.float64) / np.pi)
    return np.asarray(radius_km * (2 / 3) * ROAD_FACTOR / ACCESS_SPEED_KMH * 60.0)


@dataclass(frozen=True)
class TownHallNetwork:
    """Communes joined to their neighbours, town hall to town hall.

    Attributes
    ----------
    codes
        INSEE codes of the nodes, in the order of the matrices.
    minutes
        Sparse symmetric matrix of driving minutes between neighbours.
    road_km
        Sparse symmetric matrix of road lengths between neighbours, in km.
    """

    name: ClassVar[str] = "town_halls"
    codes: tuple[str, ...]
    minutes: csr_array
    road_km: csr_array

    @classmethod
    def from_tables(cls, town_halls: pd.DataFrame, adjacency: pd.DataFrame) -> TownHallNetwork:
        """Build the network.

        Parameters
        ----------
        town_halls
            One row per commune: ``insee_code``, ``population`` (inhabitants).
        adjacency
            One row per pair of neighbours: ``a``, ``b`` (INSEE codes), ``straight_km``.

        Raises
        ------
        DataError
            If a pair names a commune that ``town_halls`` does not have, is written twice (in either
            order), or a distance is negative or not finite.
        """
        codes = tuple(sorted(town_halls["insee_code"]))
        position = {code: i for i, code in enumerate(codes)}
        ends = set(adjacency["a"]) | set(adjacency["b"])
        problems = [
            f"adjacency: commune {code} has no town hall in the network"
            for code in sorted(ends - position.keys())
        ]
        pairs = pd.DataFrame(np.sort(adjacency[["a", "b"]].to_numpy(dtype=str), axis=1))
        problems += [
            f"adjacency: the pair {a}, {b} is written more than once"
            for a, b in sorted(set(pairs[pairs.duplicated()].itertuples(index=False, name=None)))
        ]
        straight_km = adjacency["straight_km"].to_numpy(dtype=np.float64)
        if not (np.isfinite(straight_km).all() and (straight_km >= 0).all()):
            problems.append("adjacency: straight_km must be finite and not negative")
        if problems:
            raise DataError(
                "The town-hall network cannot be built: " + "; ".join(problems), problems
            )
        a = np.array([position[code] for code in adjacency["a"]], dtype=np.int64)
        b = np.array([position[code] for code in adjacency["b"]], dtype=np.int64)
        population = town_halls.set_index("insee_code")["population"].reindex(list(codes))
        is_town = population.to_numpy() >= TOWN_POPULATION
        speed = np.asarray(SPEED_KMH)[is_town[a].astype(np.int64) + is_town[b].astype(np.int64)]
        road_km = straight_km * ROAD_FACTOR

        def symmetric(values: FloatArray) -> csr_array:
            both = (np.r_[values, values], (np.r_[a, b], np.r_[b, a]))
            return csr_array(both, shape=(len(codes), len(codes)))

        return cls(codes, symmetric(road_km / speed * 60.0), symmetric(road_km))

    def index(self, insee_codes: Iterable[str]) -> IntArray:
        """Return the node numbers of the given communes.

        Raises
        ------
        DataError
            If a commune is not in the network; all of them are named.
        """
        position = self._position
        wanted = list(insee_codes)
        if unknown := sorted({code for code in wanted if code not in position}):
            problems = [f"commune {code} is not in the town-hall network" for code in unknown]
            raise DataError("Unknown nodes: " + "; ".join(problems), problems)
        return np.array([position[code] for code in wanted], dtype=np.int64)

    def nearest(self, sources: Iterable[str]) -> Nearest:
        """Find, for every commune, the nearest of the given communes (multi-source Dijkstra).

        Parameters
        ----------
        sources
            INSEE codes of the communes that have what is looked for. May be empty: then nothing
            can be reached.

        Raises
        ------
        DataError
            If a source is not in the network.
        """
        return self.graph.nearest(self.index(sources))

    def minutes_from(self, insee_codes: Iterable[str]) -> FloatArray:
        """Return the minutes from each of the given communes (rows) to every node (columns).

        Roads are driven both ways alike: they are also the minutes to those communes. ``inf`` where
        no road leads.

        Raises
        ------
        DataError
            If a commune is not in the network.
        """
        return np.asarray(dijkstra(self.minutes, directed=False, indices=self.index(insee_codes)))

    @cached_property
    def _position(self) -> dict[str, int]:
        return {code: i for i, code in enumerate(self.codes)}

    @cached_property
    def graph(self) -> Graph:
        """The network as a graph: its roads are as long and as quick in both directions."""
        return Graph(self.minutes, self.road_km, self.minutes, self.road_km)
