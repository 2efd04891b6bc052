"""Shortest ways through a network, whatever its nodes stand for.

Hides Dijkstra's algorithm and how what lies along the fastest way is added up. The town-hall
network and the road network both answer through a :class:`Graph`, so that they cannot differ in
anything but the roads they know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

__all__ = ["CHUNK", "Graph", "Nearest", "Paths", "Reach", "add_along"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

CHUNK = 32
"""Searches that run together: each needs some 20 bytes for every node of the network."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """For every node of a network, the nearest of a set of sources.

    Attributes
    ----------
    minutes
        Minutes to the nearest source, ``inf`` where none can be reached.
    road_km
        Length of that fastest road, in km, ``inf`` where none can be reached.
    source
        Index of the nearest source, -1 where none can be reached.
    """

    minutes: FloatArray
    road_km: FloatArray
    source: IntArray


@dataclass(frozen=True, slots=True)
class Reach:
    """Minutes from origins (rows) to destinations (columns); ``inf`` where there is no way.

    Attributes
    ----------
    minutes
        Minutes of the fastest way.
    road_km
        Its length in km.
    """

    minutes: FloatArray
    road_km: FloatArray


@dataclass(frozen=True, slots=True)
class Paths:
    """The fastest ways from one node to all others, or from all others to it.

    Attributes
    ----------
    root
        The node.
    minutes
        Minutes of each way, ``inf`` where there is none.
    ahead
        The neighbour of each node on its way, towards the root; negative at the root and where
        there is no way.
    """

    root: int
    minutes: FloatArray
    ahead: IntArray

    def nodes(self, end: int) -> list[int]:
        """Return the nodes between ``end`` and the root, both included; empty if there is no way.

        Parameters
        ----------
        end
            A node.
        """
        if not np.isfinite(self.minutes[end]):
            return []
        found = [end]
        while self.ahead[found[-1]] >= 0:
            found.append(int(self.ahead[found[-1]]))
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Arcs between numbered nodes, each with minutes and a length, kept in both directions.

    Attributes
    ----------
    minutes, road_km
        Minutes and km of the arc from the row's node to the column's; both store the same arcs.
    minutes_back, road_km_back
        The same with every arc turned around.
    """

    minutes: csr_array
    road_km: csr_array
    minutes_back: csr_array
    road_km_back: csr_array

    @classmethod
    def of(cls, minutes: csr_array, road_km: csr_array) -> Graph:
        """Return the graph of two matrices that store the same arcs."""
        return cls(minutes, road_km, csr_array(minutes.T), csr_array(road_km.T))

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return int(self.minutes.shape[0])

    def nearest(self, sources: IntArray, ends: IntArray | None = None) -> Nearest:
        """Find the source that each node reaches first (one search from all of them).

        Parameters
        ----------
        sources
            Nodes that have what is looked for. May be empty: then nothing can be reached.
        ends
            Nodes to answer for, in this order; by default all.
        """
        indices = np.unique(sources)
        if indices.size == 0:
            far = np.full(self.size if ends is None else len(ends), np.inf)
            return Nearest(far, far.copy(), np.full(len(far), -1, dtype=np.int64))
        minutes, ahead, origin = dijkstra(
            self.minutes_back, indices=indices, return_predecessors=True, min_only=True
        )
        if ends is None:
            road_km = add_along(ahead, self.road_km_back)
        else:
            road_km = _along(ahead[None, :], ends, self.road_km_back)[0]
            minutes, origin = minutes[ends], origin[ends]
        is_reached = np.isfinite(minutes)
        source = np.where(is_reached, origin, -1).astype(np.int64)
        return Nearest(np.asarray(minutes), np.where(is_reached, road_km, np.inf), source)

    def paths(self, root: int, *, limit_min: float = np.inf, towards: bool = False) -> Paths:
        """Search from one node.

        Parameters
        ----------
        root
            The node.
        limit_min
            Minutes beyond which the search stops.
        towards
            Search the ways that lead to the node in place of those that leave it.
        """
        minutes, ahead = dijkstra(
            self.minutes_back if towards else self.minutes,
            indices=[root],
            limit=limit_min,
            return_predecessors=True,
        )
        return Paths(root, minutes[0], ahead[0].astype(np.int64))

    def matrix(
        self, origins: IntArray, destinations: IntArray, *, from_ends: bool = False
    ) -> Reach:
        """Return minutes and km from every origin to every destination.

        Searches from whichever side is smaller, ``CHUNK`` at a time.

        Parameters
        ----------
        origins, destinations
            Nodes; a node may stand more than once.
        from_ends
            Search from the destinations in any case, as :meth:`nearest` does: the minutes are then
            the same to the last bit.
        """
        turned = from_ends or len(destinations) < len(origins)
        roots, ends = (destinations, origins) if turned else (origins, destinations)
        weights = self.minutes_back if turned else self.minutes
        lengths = self.road_km_back if turned else self.road_km
        minutes = np.full((len(roots), len(ends)), np.inf)
        road_km = np.full((len(roots), len(ends)), np.inf)
        for rows in _chunks(len(roots)):
            found, ahead = dijkstra(weights, indices=roots[rows], return_predecessors=True)
            minutes[rows] = found[:, ends]
            road_km[rows] = _along(ahead, ends, lengths)
        road_km[~np.isfinite(minutes)] = np.inf
        return Reach(minutes.T, road_km.T) if turned else Reach(minutes, road_km)


def _chunks(count: int) -> Iterator[slice]:
    for first in range(0, count, CHUNK):
        yield slice(first, min(first + CHUNK, count))


def add_along(ahead: NDArray[np.int32] | IntArray, lengths: csr_array) -> FloatArray:
    """Add up the lengths along the way from each node to its root.

    Parameters
    ----------
    ahead
        The next node of each on its way; negative where there is none.
    lengths
        Length of the arc from the row's node to the column's, in the direction of the search:
        from the root outwards.
    """
    nodes = np.flatnonzero(ahead >= 0)
    total = np.zeros(len(ahead))
    if nodes.size:
        total[nodes] = lengths[ahead[nodes], nodes]
    return _doubled(ahead.astype(np.int64), total)


def _along(ahead: NDArray[np.int32], ends: IntArray, lengths: csr_array) -> FloatArray:
    """Add up the lengths on the ways to a few ends, for several searches (rows) at once.

    Only the nodes on those ways are looked at: the ways of one search share most of their arcs.
    """
    searches, size = ahead.shape
    flat = ahead.ravel()
    shift = np.repeat(np.arange(searches) * size, len(ends))
    wanted = np.tile(ends, searches) + shift
    on_way = np.zeros(flat.size, dtype=np.bool_)
    front = wanted
    while front.size:
        on_way[front] = True
        parents = flat[front]
        has_parent = parents >= 0
        # A node and its parent belong to the same search: what is before the node's own number
        # in the flat array is the same for both.
        front = parents[has_parent] + front[has_parent] // size * size
        front = front[~on_way[front]]
    nodes = np.flatnonzero(on_way)
    place = np.zeros(flat.size, dtype=np.int64)
    place[nodes] = np.arange(len(nodes))
    parents = flat[nodes].astype(np.int64)
    inner = np.flatnonzero(parents >= 0)
    total = np.zeros(len(nodes))
    if inner.size:
        total[inner] = lengths[parents[inner], nodes[inner] % size]
    up = np.full(len(nodes), -1, dtype=np.int64)
    up[inner] = place[parents[inner] + nodes[inner] // size * size]
    found: FloatArray = _doubled(up, total)[place[wanted]].reshape(searches, len(ends))
    return found


def _doubled(ahead: IntArray, total: FloatArray) -> FloatArray:
    """Add to each node's own length those of all nodes ahead of it.

    Each round joins the stretch already added up to the one that follows it, so that the stretches
    double in length and no order of the nodes matters.
    """
    ahead, total = ahead.copy(), total.copy()
    moved = np.flatnonzero(ahead >= 0)
    while moved.size:
        total[moved] += total[ahead[moved]]
        ahead[moved] = ahead[ahead[moved]]
        moved = moved[ahead[moved] >= 0]
    return total
