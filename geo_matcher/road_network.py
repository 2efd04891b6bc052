"""The roads of a territory, and the ways between points beside them.

Hides how a point becomes part of the network: it is put on the nearest street, not on the nearest
junction, and the street is cut there for as long as the question lasts, so that half a street costs
half its minutes, a one-way street is entered where it may be, and two points of one street need no
junction. Lengths are measured in EPSG:2154; minutes are estimates (``docs/decisions/0016``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Transformer
from scipy.sparse import csr_array
from shapely.ops import substring

from geo_matcher.errors import CrsError, DataError
from geo_matcher.shortest_paths import Graph, Nearest, Reach
from geo_matcher.territory import LAMBERT_93, WGS_84

__all__ = [
    "SNAP_LIMIT_M",
    "KNearest",
    "Placed",
    "RoadNetwork",
    "Route",
    "Snapped",
    "mean_by_commune",
    "to_lambert_93",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SNAP_LIMIT_M = 500.0
"""How far from a street a point may be, in metres: farm tracks are not among the streets. Beyond it
a point is ``unsnapped`` and no time is given. The stretch is recorded, not driven."""

POSITION_DECIMALS = 5
"""Decimals of a degree to which positions are taken: about a metre."""

END_TOLERANCE_M = 0.5
"""How far the end of a street may lie from its junction, in metres."""


def to_lambert_93(lon: ArrayLike, lat: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return positions in EPSG:2154.

    Parameters
    ----------
    lon, lat
        Degrees (EPSG:4326).
    """
    transformer = Transformer.from_crs(WGS_84, LAMBERT_93, always_xy=True)
    x, y = transformer.transform(np.asarray(lon, float), np.asarray(lat, float))
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Snapped:
    """Points put on the nearest street.

    Attributes
    ----------
    street
        Number of the street, -1 where none is near enough.
    share
        Where on the street, as a share of its length from its end ``a``.
    distance_m
        Metres between the point and the street; ``nan`` where none is near enough.
    """

    street: IntArray
    share: FloatArray
    distance_m: FloatArray

    @property
    def is_snapped(self) -> NDArray[np.bool_]:
        """Whether each point is on the network."""
        return self.street >= 0


@dataclass(frozen=True, slots=True, eq=False)
class KNearest:
    """The nearest few places of each origin (rows), nearest first.

    Attributes
    ----------
    minutes, road_km
        ``inf`` where fewer places can be reached.
    place
        Number of the point, -1 where fewer places can be reached.
    """

    minutes: FloatArray
    road_km: FloatArray
    place: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """The fastest way between two points.

    Attributes
    ----------
    minutes, road_km
        How long it takes and how long it is.
    line
        The way, EPSG:2154, from the origin to the destination.
    streets
        Numbers of the streets, in order.
    """

    minutes: float
    road_km: float
    line: shapely.LineString
    streets: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class RoadNetwork:
    """Junctions and the streets between them.

    Attributes
    ----------
    x, y
        Position of each junction, EPSG:2154; its number is its place in the arrays.
    a, b
        The two ends of each street.
    minutes_ab, minutes_ba
        Minutes from ``a`` to ``b`` and back; ``inf`` where driving that way is forbidden.
    length_m
        Length of each street.
    lines
        Course of each street from ``a`` to ``b``, EPSG:2154.
    """

    name: ClassVar[str] = "roads"
    x: FloatArray
    y: FloatArray
    a: IntArray
    b: IntArray
    minutes_ab: FloatArray
    minutes_ba: FloatArray
    length_m: FloatArray
    lines: NDArray[Any]

    @classmethod
    def from_table(cls, roads: pd.DataFrame) -> RoadNetwork:
        """Build the network.

        Parameters
        ----------
        roads
            One row per street: ``a``, ``b`` (numbers of its ends, from 0 without a gap),
            ``minutes_ab``, ``minutes_ba`` (empty where that way is forbidden), ``length_m``, and
            its course in EPSG:2154.

        Raises
        ------
        CrsError
            If the courses are not in EPSG:2154.
        DataError
            If the streets are none, do not fit together, or take no or negative time.
        """
        if not isinstance(roads, gpd.GeoDataFrame) or roads.crs != CRS(LAMBERT_93):
            raise CrsError(f"The roads must be in {LAMBERT_93}. Convert them before they are used.")
        if roads.empty:
            raise DataError("The roads are none. Give a network with at least one street.")
        a, b = (roads[end].to_numpy(dtype=np.int64) for end in ("a", "b"))
        lines = np.asarray(roads.geometry.array)
        minutes = [roads[c].to_numpy(dtype=np.float64) for c in ("minutes_ab", "minutes_ba")]
        problems = [
            f"roads: {what}"
            for what, is_wrong in (
                ("a course is no line", bool((shapely.get_type_id(lines) != 1).any())),
                (
                    "minutes must not be negative, and each street must be open one way at least",
                    bool((np.nan_to_num(minutes, nan=0.0) < 0).any())
                    or bool(np.isnan(minutes).all(axis=0).any()),
                ),
                (
                    "the numbers of the junctions must run from 0 without a gap",
                    not np.array_equal(
                        np.unique(np.r_[a, b]), np.arange(max(a.max(), b.max()) + 1)
                    ),
                ),
            )
            if is_wrong
        ]
        if not problems:
            x, y, off_m = _junctions(a, b, lines)
            if off_m > END_TOLERANCE_M:
                problems.append(f"roads: a street ends {off_m:.1f} m beside its junction")
        if problems:
            raise DataError("The roads cannot be used: " + "; ".join(problems), problems)
        ab, ba = (np.where(np.isnan(one), np.inf, one) for one in minutes)
        return cls(x, y, a, b, ab, ba, roads["length_m"].to_numpy(dtype=np.float64), lines)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.lines)

    @cached_property
    def _arcs(self) -> _Arcs:
        street = np.arange(len(self.a))
        zero, one = np.zeros(len(self.a)), np.ones(len(self.a))
        return self._pieces(self.a, self.b, street, zero, one)

    def _pieces(
        self, start: IntArray, end: IntArray, street: IntArray, low: FloatArray, high: FloatArray
    ) -> _Arcs:
        """Return the arcs of pieces of streets, in both directions."""
        share = high - low
        return _Arcs(
            np.r_[start, end],
            np.r_[end, start],
            np.r_[_part(self.minutes_ab[street], share), _part(self.minutes_ba[street], share)],
            np.tile(self.length_m[street] * share / 1000, 2),
            np.tile(street, 2),
            np.r_[low, high],
            np.r_[high, low],
        )

    @cached_property
    def graph(self) -> Graph:
        """The junctions and the streets between them, without any point."""
        return self._arcs.graph(len(self.x))[0]

    def snap(self, x: ArrayLike, y: ArrayLike, *, limit_m: float = SNAP_LIMIT_M) -> Snapped:
        """Put points on the nearest street.

        Parameters
        ----------
        x, y
            Positions, EPSG:2154.
        limit_m
            Metres beyond which a point is left unsnapped.
        """
        xy = np.column_stack([np.asarray(axis, dtype=np.float64) for axis in (x, y)])
        points: NDArray[Any] = np.asarray(shapely.points(xy))
        (number, street), distance = self._tree.query_nearest(
            points, max_distance=limit_m, return_distance=True
        )
        order = np.lexsort((street, number))  # of streets that are equally near, the first
        number, first = np.unique(number[order], return_index=True)
        chosen = order[first]
        found = np.full(len(points), -1, dtype=np.int64)
        share = np.full(len(points), np.nan)
        distance_m = np.full(len(points), np.nan)
        found[number] = street[chosen]
        distance_m[number] = distance[chosen]
        share[number] = shapely.line_locate_point(
            self.lines[street[chosen]], points[number], normalized=True
        )
        return Snapped(found, share, distance_m)

    def place(self, lon: ArrayLike, lat: ArrayLike, *, limit_m: float = SNAP_LIMIT_M) -> Placed:
        """Put points on the network and cut the streets there.

        Parameters
        ----------
        lon, lat
            Positions, EPSG:4326, taken to ``POSITION_DECIMALS`` as releases store places: a place
            at a town hall is then where the town hall is. All origins and places of a question go
            in together.
        limit_m
            Metres beyond which a point is left unsnapped.
        """
        lon, lat = (
            np.round(np.asarray(axis, dtype=np.float64), POSITION_DECIMALS) for axis in (lon, lat)
        )
        return self.cut(self.snap(*to_lambert_93(lon, lat), limit_m=limit_m))

    def cut(self, snapped: Snapped) -> Placed:
        """Cut the streets at the points that were put on them."""
        inside = np.flatnonzero(snapped.is_snapped)
        order = inside[np.lexsort((snapped.share[inside], snapped.street[inside]))]
        street, share = snapped.street[order], snapped.share[order]
        node = len(self.x) + order
        is_first = np.r_[True, street[1:] != street[:-1]][: len(order)]
        is_last = np.r_[street[1:] != street[:-1], True][: len(order)]
        before = np.where(is_first, self.a[street], np.roll(node, 1))
        low = np.where(is_first, 0.0, np.roll(share, 1))
        last = street[is_last]
        pieces = self._pieces(
            np.r_[before, node[is_last]],
            np.r_[node, self.b[last]],
            np.r_[street, last],
            np.r_[low, share[is_last]],
            np.r_[share, np.ones(len(last))],
        )
        graph, arcs = self._arcs.joined(pieces).graph(len(self.x) + len(snapped.street))
        return Placed(self, snapped, graph, arcs)


def _part(minutes: FloatArray, share: FloatArray) -> FloatArray:
    """Return the minutes of a part of each street; what is in one place is no minutes apart."""
    return np.where(share == 0, 0.0, minutes * np.where(share == 0, 1.0, share))


def _junctions(
    a: IntArray, b: IntArray, lines: NDArray[Any]
) -> tuple[FloatArray, FloatArray, float]:
    """Return where the junctions are, and how far a street ends from its own at most."""
    size = int(max(a.max(), b.max())) + 1
    ends = [(a, shapely.get_point(lines, 0)), (b, shapely.get_point(lines, -1))]
    x, y = np.zeros(size), np.zeros(size)
    for node, point in reversed(ends):
        x[node], y[node] = shapely.get_x(point), shapely.get_y(point)
    off = [
        np.hypot(shapely.get_x(point) - x[node], shapely.get_y(point) - y[node]).max()
        for node, point in ends
    ]
    return x, y, float(max(off))


@dataclass(frozen=True, slots=True, eq=False)
class _Arcs:
    """Pieces of streets as they are driven: from, to, and the shares of the street between."""

    start: IntArray
    end: IntArray
    minutes: FloatArray
    road_km: FloatArray
    street: IntArray
    low: FloatArray
    high: FloatArray

    def joined(self, other: _Arcs) -> _Arcs:
        return _Arcs(*(np.r_[getattr(self, name), getattr(other, name)] for name in self.__slots__))

    def graph(self, size: int) -> tuple[Graph, _Arcs]:
        """Return the graph and its arcs in the same order: of two arcs with equal ends, the faster.

        Closed arcs and loops are left out: no fastest way takes them.
        """
        is_open = np.flatnonzero(np.isfinite(self.minutes) & (self.start != self.end))
        order = is_open[np.lexsort((self.minutes[is_open], self.end[is_open], self.start[is_open]))]
        start, end = self.start[order], self.end[order]
        is_new = np.r_[True, (start[1:] != start[:-1]) | (end[1:] != end[:-1])][: len(order)]
        kept = order[is_new]
        arcs = _Arcs(*(getattr(self, name)[kept] for name in self.__slots__))
        first = np.searchsorted(arcs.start, np.arange(size + 1))
        shape = (size, size)
        minutes = csr_array((arcs.minutes, arcs.end, first), shape=shape)
        road_km = csr_array((arcs.road_km, arcs.end, first), shape=shape)
        return Graph.of(minutes, road_km), arcs


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A road network with points on it. Points are named by their number.

    Attributes
    ----------
    network
        The roads.
    snapped
        Where each point came to lie.
    graph
        Junctions, then points: point ``i`` is node ``len(network.x) + i``.
    """

    network: RoadNetwork
    snapped: Snapped
    graph: Graph
    _arcs: _Arcs

    def node(self, points: ArrayLike) -> IntArray:
        """Return the nodes of points."""
        return np.asarray(points, dtype=np.int64) + len(self.network.x)

    def nearest(self, origins: ArrayLike, places: ArrayLike) -> Nearest:
        """Find the place that each origin reaches first.

        Parameters
        ----------
        origins, places
            Numbers of points. Places that are not on the network are left out.

        Returns
        -------
        Nearest
            One row per origin; ``source`` is the number of the place.
        """
        found = self.graph.nearest(self.node(self._on_roads(places)), self.node(origins))
        source = np.where(found.source >= 0, found.source - len(self.network.x), -1)
        return Nearest(found.minutes, found.road_km, source)

    def matrix(
        self, origins: ArrayLike, destinations: ArrayLike, *, from_ends: bool = False
    ) -> Reach:
        """Return minutes and km from every origin to every destination."""
        reach = self.graph.matrix(self.node(origins), self.node(destinations), from_ends=from_ends)
        away = [
            ~self.snapped.is_snapped[np.asarray(points, dtype=np.int64)]
            for points in (origins, destinations)
        ]
        for table in (reach.minutes, reach.road_km):  # not even from itself to itself
            table[away[0], :] = np.inf
            table[:, away[1]] = np.inf
        return reach

    def k_nearest(self, origins: ArrayLike, places: ArrayLike, k: int) -> KNearest:
        """Find the ``k`` places that each origin reaches first, nearest first."""
        numbers = self._on_roads(places)
        reach = self.matrix(origins, numbers)
        lacking = max(0, k - len(numbers))
        minutes, road_km = (
            np.pad(table, ((0, 0), (0, lacking)), constant_values=np.inf)
            for table in (reach.minutes, reach.road_km)
        )
        order = np.argsort(minutes, axis=1, kind="stable")[:, :k]
        minutes = np.take_along_axis(minutes, order, axis=1)
        place = np.pad(numbers, (0, lacking), constant_values=-1)[order]
        return KNearest(
            minutes,
            np.take_along_axis(road_km, order, axis=1),
            np.where(np.isfinite(minutes), place, -1),
        )

    def route(self, origin: int, destination: int) -> Route | None:
        """Return the fastest way between two points, or ``None`` where there is none."""
        if not self.snapped.is_snapped[[origin, destination]].all():
            return None
        start, end = (int(node) for node in self.node([origin, destination]))
        paths = self.graph.paths(start)
        nodes = paths.nodes(end)[::-1]
        if not nodes:
            return None
        minutes = self.graph.minutes
        rows = [
            int(minutes.indptr[u] + np.searchsorted(self._row(u), v)) for u, v in pairwise(nodes)
        ]
        arcs, streets = self._arcs, self._arcs.street[rows]
        parts = [
            shapely.get_coordinates(
                substring(self.network.lines[street], low, high, normalized=True)
            )
            for street, low, high in zip(streets, arcs.low[rows], arcs.high[rows], strict=True)
        ]
        here = self._at(origin)
        line = shapely.LineString(np.vstack([here, *parts] if parts else [here, here]))
        changes = [int(s) for i, s in enumerate(streets) if i == 0 or s != streets[i - 1]]
        length_km = float(arcs.road_km[rows].sum())
        return Route(float(paths.minutes[end]), length_km, line, tuple(changes))

    def status(self, origins: ArrayLike, minutes: FloatArray) -> NDArray[np.str_]:
        """Say what each time is: ``estimated``, ``unreachable`` or ``unsnapped``."""
        is_snapped = self.snapped.is_snapped[np.asarray(origins, dtype=np.int64)]
        return np.select(
            [~is_snapped, ~np.isfinite(minutes)], ["unsnapped", "unreachable"], "estimated"
        )

    def _on_roads(self, points: ArrayLike) -> IntArray:
        numbers = np.asarray(points, dtype=np.int64)
        return numbers[self.snapped.is_snapped[numbers]]

    def _row(self, node: int) -> NDArray[Any]:
        first, last = self.graph.minutes.indptr[node : node + 2]
        row: NDArray[Any] = self.graph.minutes.indices[first:last]
        return row

    def _at(self, point: int) -> FloatArray:
        line = self.network.lines[self.snapped.street[point]]
        at = shapely.line_interpolate_point(line, self.snapped.share[point], normalized=True)
        return shapely.get_coordinates(at)


def mean_by_commune(
    insee_codes: Iterable[str], minutes: ArrayLike, weights: ArrayLike
) -> pd.DataFrame:
    """Average the times of points over each commune, each point weighing its dwellings.

    Parameters
    ----------
    insee_codes
        Commune of each point.
    minutes
        Minutes of each point; not finite where there is no time.
    weights
        Dwellings at each point; not negative.

    Returns
    -------
    pandas.DataFrame
        Index ``insee_code`` sorted: ``minutes``, the mean over the dwellings that have a time
        (missing when none has), and ``reached_share``, how many of the dwellings these are.
    """
    given = pd.DataFrame({"insee_code": list(insee_codes), "minutes": np.asarray(minutes, float)})
    given["all"] = np.asarray(weights, dtype=np.float64)
    if not (np.isfinite(given["all"]) & (given["all"] >= 0)).all():
        raise DataError("Weights of points must be finite and not negative: give dwellings.")
    has_time = np.isfinite(given["minutes"])
    given["reached"] = given["all"].where(has_time, 0.0)
    given["sum"] = (given["minutes"].where(has_time, 0.0)) * given["reached"]
    sums = given.groupby("insee_code")[["sum", "reached", "all"]].sum()
    return pd.DataFrame(
        {
            "minutes": sums["sum"] / sums["reached"].where(sums["reached"] > 0),
            "reached_share": sums["reached"] / sums["all"].where(sums["all"] > 0),
        }
    )
