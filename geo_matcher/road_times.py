"""The nearest place of each commune, on either network.

Hides which network answers and where homes are: a finder is asked for the nearest of some places,
or of some communes, and gives minutes from the homes of every commune of the release. Where nobody
says where people live, a home is a point of the commune: the mean drive to the own town hall, then
the drive from there. Where points with their dwellings are given, it is the mean over them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_matcher.access import TownHallNetwork, access_minutes
from geo_matcher.road_network import (
    SNAP_LIMIT_M,
    RoadNetwork,
    Snapped,
    mean_by_commune,
    to_lambert_93,
)
from geo_matcher.shortest_paths import Nearest

__all__ = ["Finder", "Found", "RoadFinder", "TownHallFinder", "road_facts"]

FloatArray = NDArray[np.float64]


NO_DWELLINGS = pd.DataFrame({"insee_code": [], "lon": [], "lat": [], "dwellings": []})


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The nearest place of each commune, in the order of the release.

    Attributes
    ----------
    minutes
        From home; ``inf`` where no place can be reached.
    road_km
        From the town hall, or from home where it is known; ``inf`` likewise.
    insee_code
        Commune of the place; empty where none can be reached.
    """

    minutes: FloatArray
    road_km: FloatArray
    insee_code: NDArray[Any]


class Finder(Protocol):
    """Finds the nearest of some places, or of some communes."""

    def nearest_place(self, places: pd.DataFrame) -> Found:
        """Find the nearest of the given rows of ``places``."""
        ...

    def nearest_commune(self, insee_codes: Sequence[str]) -> FloatArray:
        """Return minutes from home to the nearest of the given communes."""
        ...


class TownHallFinder:
    """Finds on the town-hall network: a place stands at the town hall of its commune.

    Parameters
    ----------
    network
        The network.
    communes
        Communes of the release, in order: ``insee_code``, ``area_km2``.
    """

    def __init__(self, network: TownHallNetwork, communes: pd.DataFrame) -> None:
        self._network = network
        self._own = network.index(communes["insee_code"])
        self._leave_min = access_minutes(communes["area_km2"].to_numpy(dtype=np.float64))
        self._codes = np.array(network.codes)

    def nearest_place(self, places: pd.DataFrame) -> Found:
        """Find the nearest of the given rows of ``places``."""
        found = self._network.nearest(sorted(set(places["insee_code"])))
        source = found.source[self._own]
        return Found(
            found.minutes[self._own] + self._leave_min,
            found.road_km[self._own],
            np.where(source >= 0, self._codes[source], ""),
        )

    def nearest_commune(self, insee_codes: Sequence[str]) -> FloatArray:
        """Return minutes from home to the nearest of the given communes."""
        minutes: FloatArray = self._network.nearest(insee_codes).minutes[self._own]
        return minutes + self._leave_min


class RoadFinder:
    """Finds on the roads: places stand where they are, communes at their town halls.

    What lies off the roads, beyond the edge of the map or too far from a street, is found by
    ``beyond``; of the two ways the shorter counts. A commune whose own town hall is off the roads
    is answered by ``beyond`` alone.

    Parameters
    ----------
    network
        The roads.
    beyond
        The finder on the town-hall network.
    communes
        Communes of the release, in order: ``insee_code``, ``area_km2``.
    places
        Every place: ``lon``, ``lat``; the index names them.
    town_halls
        ``insee_code``, ``town_hall_lon``, ``town_hall_lat`` of all communes around.
    dwellings
        Where people live: ``insee_code``, ``lon``, ``lat``, ``dwellings``. A commune of which a
        point is on the roads is answered by the mean over its points, each weighing its dwellings.
    """

    def __init__(
        self,
        network: RoadNetwork,
        beyond: Finder,
        communes: pd.DataFrame,
        places: pd.DataFrame,
        town_halls: pd.DataFrame,
        dwellings: pd.DataFrame | None = None,
    ) -> None:
        self._beyond = beyond
        halls = town_halls.set_index("insee_code")
        self._communes = communes["insee_code"].to_numpy()
        self._leave_min = access_minutes(communes["area_km2"].to_numpy(dtype=np.float64))
        homes = dwellings if dwellings is not None else NO_DWELLINGS
        homes = homes[homes["insee_code"].isin(self._communes)]
        self._placed = network.place(
            np.r_[halls["town_hall_lon"], places["lon"], homes["lon"]],
            np.r_[halls["town_hall_lat"], places["lat"], homes["lat"]],
        )
        first = len(halls) + len(places)
        is_on = self._placed.snapped.is_snapped[first:]
        self._homes = homes[is_on].reset_index(drop=True)
        self._home = first + np.flatnonzero(is_on)
        self._hall = pd.Series(np.arange(len(halls)), index=halls.index)
        self._place = pd.Series(len(halls) + np.arange(len(places)), index=places.index)
        self._own = self._hall.loc[communes["insee_code"]].to_numpy()
        self._code = np.r_[halls.index.to_numpy(dtype=object), places["insee_code"].to_numpy()]

    def nearest_place(self, places: pd.DataFrame) -> Found:
        """Find the nearest of the given rows of ``places``."""
        points = self._place.loc[places.index].to_numpy()
        is_on = self._placed.snapped.is_snapped
        found = self._from_homes(points)
        code = np.where(found.source >= 0, self._code[found.source], "")
        far = self._beyond.nearest_place(places[~is_on[points]])
        is_far = far.minutes < found.minutes
        everywhere = self._beyond.nearest_place(places)
        is_off = ~is_on[self._own]
        return Found(
            np.select([is_off, is_far], [everywhere.minutes, far.minutes], found.minutes),
            np.select([is_off, is_far], [everywhere.road_km, far.road_km], found.road_km),
            np.select([is_off, is_far], [everywhere.insee_code, far.insee_code], code),
        )

    def nearest_commune(self, insee_codes: Sequence[str]) -> FloatArray:
        """Return minutes from home to the nearest of the given communes."""
        is_on = self._placed.snapped.is_snapped
        points = self._hall.loc[list(insee_codes)].to_numpy(dtype=np.int64)
        found = self._from_homes(points).minutes
        off = [code for code, on in zip(insee_codes, is_on[points], strict=True) if not on]
        nearer = np.minimum(found, self._beyond.nearest_commune(off))
        return np.where(is_on[self._own], nearer, self._beyond.nearest_commune(insee_codes))

    def _from_homes(self, points: NDArray[np.int64]) -> Nearest:
        """Find the nearest of some points of the network for the homes of each commune.

        The place named is that of most dwellings; minutes and km are means over all that have one.
        """
        own = self._placed.nearest(self._own, points)
        minutes, road_km = own.minutes + self._leave_min, own.road_km
        if self._homes.empty:
            return Nearest(minutes, road_km, own.source)
        each = self._placed.nearest(self._home, points)
        weight = self._homes["dwellings"].to_numpy(dtype=np.float64)
        means = [
            mean_by_commune(self._homes["insee_code"], figures, weight)["minutes"]
            .reindex(self._communes)
            .to_numpy()
            for figures in (each.minutes, each.road_km)
        ]
        is_known = np.isfinite(means[0])
        most = (
            self._homes.assign(source=each.source, weight=weight)[each.source >= 0]
            .groupby(["insee_code", "source"])["weight"]
            .sum()
            .reset_index()
            .sort_values(["weight", "source"], ascending=[False, True], kind="stable")
            .drop_duplicates("insee_code")
            .set_index("insee_code")["source"]
            .reindex(self._communes)
            .to_numpy()
        )
        return Nearest(
            np.where(is_known, means[0], minutes),
            np.where(is_known, means[1], road_km),
            np.where(is_known, np.nan_to_num(most, nan=-1), own.source).astype(np.int64),
        )


def road_facts(
    network: RoadNetwork,
    vintage: str,
    communes: gpd.GeoDataFrame,
    places: pd.DataFrame,
    dwellings: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """Return what the build says of the roads it used.

    Parameters
    ----------
    network
        The roads.
    vintage
        Day of the map.
    communes
        Communes of the release, with their town halls.
    places
        Every place.
    dwellings
        Where people live, if it is known.
    """
    halls = network.snap(*to_lambert_93(communes["town_hall_lon"], communes["town_hall_lat"]))
    there = network.snap(*to_lambert_93(places["lon"], places["lat"]))
    facts: dict[str, Any] = {
        "map_vintage": vintage,
        "junctions": len(network.x),
        "streets": len(network.a),
        "snap_limit_m": SNAP_LIMIT_M,
        **_snap_facts("town_halls", halls),
        **_snap_facts("places", there),
        "communes_off_roads": communes["insee_code"][~halls.is_snapped].tolist(),
        "places_off_roads": int((~there.is_snapped).sum()),
    }
    if dwellings is not None:
        homes = dwellings[dwellings["insee_code"].isin(communes["insee_code"])]
        is_on = network.snap(*to_lambert_93(homes["lon"], homes["lat"])).is_snapped
        facts["dwellings_off_roads"] = round(float(homes["dwellings"][~is_on].sum()))
    return facts


def _snap_facts(what: str, snapped: Snapped) -> dict[str, float]:
    """Return how far from their street points lie, in metres; nothing where none is on a street."""
    distance_m = snapped.distance_m[snapped.is_snapped]
    if distance_m.size == 0:
        return {}
    return {
        f"{what}_snap_{name}_m": round(float(np.quantile(distance_m, share)), 1)
        for name, share in (("median", 0.5), ("p95", 0.95), ("largest", 1.0))
    }
