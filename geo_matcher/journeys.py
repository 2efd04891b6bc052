"""Drives between communes, on whichever network the release holds.

Hides the choice of the network: with roads in the release, drives go from town hall to town hall on
them; what lies off the roads, and every drive of a release without roads, goes over the town-hall
network. Every answer names the network that gave it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from geo_matcher.access import ROAD_FACTOR, SPEED_KMH, TownHallNetwork
from geo_matcher.destinations import DESTINATIONS
from geo_matcher.errors import DataError, DriveError
from geo_matcher.kept import kept
from geo_matcher.road_areas import MAX_CUTOFF_MIN, isochrone
from geo_matcher.road_network import Placed, RoadNetwork, Route
from geo_matcher.shortest_paths import Reach
from geo_matcher.territory import LAMBERT_93, WGS_84, Territory

__all__ = ["STATUS", "Isochrone", "Journey", "Journeys", "nearest_places", "network_name"]

FloatArray = NDArray[np.float64]

TOWN_HALLS_REACH_MIN = 80.0 * ROAD_FACTOR / max(SPEED_KMH) * 60.0
"""Minutes that the town halls around, 80 km beyond the département, are good for."""

RIM_M = 1_000.0
"""How near the edge of the roads that were read an area may come without being cut by it."""

STATUS = "estimated"
"""What every time is: computed on speeds that are assumed."""


def network_name(is_road: ArrayLike) -> str:
    """Return the network that some times are on: ``roads``, ``town_halls`` or ``mixed``."""
    on = np.asarray(is_road, dtype=np.bool_)
    if on.all():
        return RoadNetwork.name if on.size else TownHallNetwork.name
    return "mixed" if on.any() else TownHallNetwork.name


@dataclass(frozen=True, slots=True)
class Journey:
    """The drive between two town halls.

    Attributes
    ----------
    origin, destination
        INSEE codes.
    minutes, road_km
        ``None`` where there is no way.
    network
        ``roads`` or ``town_halls``.
    status
        ``estimated`` or ``unreachable``.
    """

    origin: str
    destination: str
    minutes: float | None
    road_km: float | None
    network: str
    status: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain types."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, eq=False)
class Isochrone:
    """What is reached from a town hall within some minutes.

    Attributes
    ----------
    origin
        INSEE code.
    cutoff_min
        Minutes.
    network
        ``roads`` or ``town_halls``.
    area
        The ground within the cutoff, EPSG:4326; ``None`` on the town-hall network, which knows
        no ground between town halls.
    area_km2
        How large that is.
    communes
        Communes of the network whose town hall is reached: ``insee_code``, ``minutes``; nearest
        first.
    is_cut
        Whether more may be reached than is known: the area comes near the edge of the roads that
        were read, or the town halls around do not go as far.
    """

    origin: str
    cutoff_min: float
    network: str
    area: shapely.MultiPolygon | None
    area_km2: float | None
    communes: pd.DataFrame
    is_cut: bool


@dataclass(frozen=True, eq=False)
class Journeys:
    """Drives between the communes of a release and those around it.

    Attributes
    ----------
    town_halls
        The town-hall network, which is always there.
    roads
        The road network; ``None`` without roads.
    road_area
        The ground whose roads were read, EPSG:2154; ``None`` without roads, or where it is unknown.
    halls
        ``town_hall_lon``, ``town_hall_lat``, ``name``, ``population`` of each commune of the
        town-hall network, in its order; index ``insee_code``.
    """

    town_halls: TownHallNetwork
    roads: RoadNetwork | None
    halls: pd.DataFrame
    road_area: Any = None

    @classmethod
    def from_tables(cls, tables: Mapping[str, pd.DataFrame]) -> Journeys:
        """Return the drives that the tables of a release allow.

        Parameters
        ----------
        tables
            ``town_halls``, ``adjacency`` and, where there are any, ``roads`` and
            ``road_area``.

        Raises
        ------
        DataError
            If a table of the town-hall network is absent.
        """
        if missing := [t for t in ("town_halls", "adjacency") if t not in tables]:
            problems = [f"the release holds no table {name}" for name in missing]
            raise DataError(
                "Drives cannot be computed: " + "; ".join(problems) + ". Give a release with them.",
                problems,
            )
        halls = tables["town_halls"]
        network = TownHallNetwork.from_tables(halls, tables["adjacency"])
        roads = RoadNetwork.from_table(tables["roads"]) if "roads" in tables else None
        columns = ["name", "population", "town_hall_lon", "town_hall_lat"]
        known = halls.set_index("insee_code").loc[list(network.codes), columns]
        area = None
        if roads is not None and "road_area" in tables:
            area = gpd.GeoDataFrame(tables["road_area"]).to_crs(LAMBERT_93).geometry.union_all()
        return cls(network, roads, known, area)

    @classmethod
    def of(cls, territory: Territory) -> Journeys:
        """Return the drives of a release; they are made once.

        Raises
        ------
        DataError
            If the release lacks the tables of the town-hall network.
        """
        return _journeys(territory)

    @property
    def network(self) -> str:
        """The network that answers where it can."""
        return TownHallNetwork.name if self.roads is None else RoadNetwork.name

    @cached_property
    def placed(self) -> Placed | None:
        """The town halls on the roads, numbered as in ``halls``; ``None`` without roads."""
        if self.roads is None:
            return None
        return self.roads.place(self.halls["town_hall_lon"], self.halls["town_hall_lat"])

    def is_on_roads(self, insee_code: str) -> bool:
        """Tell whether a town hall is on the roads of the release."""
        if (placed := self.placed) is None:
            return False
        return bool(placed.snapped.is_snapped[self.town_halls.index([insee_code])[0]])

    def matrix(
        self, origins: Sequence[str], destinations: Sequence[str], *, from_ends: bool = False
    ) -> tuple[Reach, Any]:
        """Return minutes and km between town halls, and whether each is on the roads.

        Parameters
        ----------
        origins, destinations
            INSEE codes of the town-hall network.
        from_ends
            Search from the destinations; see :meth:`geo_matcher.shortest_paths.Graph.matrix`.

        Returns
        -------
        tuple
            The times, origins in rows, and a matrix of booleans of the same shape: on the roads or
            on the town-hall network.

        Raises
        ------
        DataError
            If a commune is not in the network.
        """
        rows, columns = self.town_halls.index(origins), self.town_halls.index(destinations)
        if (placed := self.placed) is None:
            is_road = np.zeros((len(rows), len(columns)), dtype=np.bool_)
            return self.town_halls.graph.matrix(rows, columns, from_ends=from_ends), is_road
        on = placed.snapped.is_snapped
        is_road = on[rows][:, None] & on[columns][None, :]
        found = placed.matrix(rows, columns, from_ends=from_ends)
        if is_road.all():
            return found, is_road
        beyond = self.town_halls.graph.matrix(rows, columns, from_ends=from_ends)
        minutes = np.where(is_road, found.minutes, beyond.minutes)
        return Reach(minutes, np.where(is_road, found.road_km, beyond.road_km)), is_road

    def to_places(self, origins: Sequence[str], places: pd.DataFrame) -> tuple[FloatArray, Any]:
        """Return minutes from town halls to places, by the rule of a release's travel times.

        A place is reached on roads where it stands; one off the roads, or from a town hall off
        them, over the town-hall network at the town hall of its commune.

        Parameters
        ----------
        origins
            INSEE codes of the town-hall network.
        places
            ``insee_code``, ``lon``, ``lat``.

        Returns
        -------
        tuple
            Minutes, origins in rows and places in columns, ``inf`` where no way leads; and a matrix
            of booleans of the same shape: on the roads or on the town-hall network.
        """
        rows = self.town_halls.index(origins)
        columns = self.town_halls.index(places["insee_code"])
        beyond = self.town_halls.graph.matrix(rows, columns, from_ends=True).minutes
        if self.roads is None:
            return beyond, np.zeros(beyond.shape, dtype=np.bool_)
        halls = self.halls.loc[list(origins)]
        placed = self.roads.place(
            np.r_[halls["town_hall_lon"], places["lon"]],
            np.r_[halls["town_hall_lat"], places["lat"]],
        )
        own, there = np.arange(len(halls)), len(halls) + np.arange(len(places))
        on = placed.snapped.is_snapped
        is_road = on[own][:, None] & on[there][None, :]
        found = placed.matrix(own, there, from_ends=True).minutes
        return np.where(is_road, found, beyond), is_road

    def between(self, origin: str, destination: str) -> Journey:
        """Return the drive from one commune to another.

        Parameters
        ----------
        origin, destination
            INSEE codes of the town-hall network.
        """
        reach, is_road = self.matrix([origin], [destination])
        minutes, road_km = float(reach.minutes[0, 0]), float(reach.road_km[0, 0])
        is_reached = np.isfinite(minutes)
        return Journey(
            origin,
            destination,
            minutes if is_reached else None,
            road_km if is_reached else None,
            RoadNetwork.name if is_road[0, 0] else TownHallNetwork.name,
            STATUS if is_reached else "unreachable",
        )

    def route(self, origin: str, destination: str) -> Route | None:
        """Return the way between two town halls with its course, where both are on the roads."""
        if (placed := self.placed) is None:
            return None
        start, end = self.town_halls.index([origin, destination])
        return placed.route(int(start), int(end))

    def within(self, origin: str, cutoff_min: float) -> Isochrone:
        """Return what is reached from a town hall within a cutoff; see :meth:`within_each`."""
        return self.within_each(origin, [cutoff_min])[0]

    def within_each(self, origin: str, cutoffs_min: Sequence[float]) -> tuple[Isochrone, ...]:
        """Return what is reached from a town hall within each of some cutoffs, by one search.

        Parameters
        ----------
        origin
            INSEE code of the town-hall network.
        cutoffs_min
            Minutes, each above 0 and at most ``MAX_CUTOFF_MIN``.

        Raises
        ------
        DataError
            If the commune is not in the network.
        DriveError
            If a cutoff is out of range.
        """
        for cutoff in cutoffs_min:
            if not 0 < cutoff <= MAX_CUTOFF_MIN:
                raise DriveError(
                    f"{cutoff:g} minutes is out of range: give more than 0 and at most "
                    f"{MAX_CUTOFF_MIN:g}."
                )
        number = int(self.town_halls.index([origin])[0])
        everywhere = list(self.halls.index)
        minutes = self.matrix([origin], everywhere)[0].minutes[0]
        placed = self.placed
        on_roads = placed is not None and bool(placed.snapped.is_snapped[number])
        field = isochrone(placed, number) if placed is not None and on_roads else None
        grounds = [None if field is None else field.within(cutoff) for cutoff in cutoffs_min]
        degrees = gpd.GeoSeries(grounds, crs=LAMBERT_93).to_crs(WGS_84)
        found = []
        for cutoff, ground, area in zip(cutoffs_min, grounds, degrees, strict=True):
            reached = np.flatnonzero(minutes <= cutoff)
            communes = pd.DataFrame(
                {"insee_code": self.halls.index[reached], "minutes": minutes[reached]}
            ).sort_values(["minutes", "insee_code"], ignore_index=True)
            found.append(
                Isochrone(
                    origin,
                    cutoff,
                    TownHallNetwork.name if ground is None else RoadNetwork.name,
                    area,
                    None if ground is None else ground.area / 1e6,
                    communes,
                    cutoff > TOWN_HALLS_REACH_MIN or self._is_cut(ground),
                )
            )
        return tuple(found)

    def _is_cut(self, ground: Any) -> bool:
        """Tell whether some ground comes near the edge of the roads that were read."""
        if ground is None or self.road_area is None or ground.is_empty:
            return False
        return bool(ground.distance(self.road_area.boundary) < RIM_M)


@kept(maxsize=4)
def _journeys(territory: Territory) -> Journeys:
    return Journeys.from_tables(territory.tables)


def nearest_places(territory: Territory, destination: str) -> pd.DataFrame:
    """Return the nearest place of a kind for each commune, as the release states it.

    Parameters
    ----------
    territory
        The release.
    destination
        One of ``DESTINATIONS``, such as ``station``.

    Returns
    -------
    pandas.DataFrame
        ``insee_code, minutes, minutes_low, road_km, nearest_insee_code, status``; minutes count
        from home: the mean drive to the own town hall is in.

    Raises
    ------
    DriveError
        If nothing of this name is driven to.
    """
    names = [known.name for known in DESTINATIONS]
    if destination not in names:
        raise DriveError(
            f"{destination[:60]!r} is nothing that the release has times to: give one of "
            f"{', '.join(names)}."
        )
    times = territory.tables["travel_times"]
    found: pd.DataFrame = times[times["destination"] == destination]
    return found.drop(columns="destination").reset_index(drop=True)
