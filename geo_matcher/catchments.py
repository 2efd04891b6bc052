"""Who can reach which place: catchments, where they overlap, and what lies in none.

Hides on which ground a catchment stands. With roads in the release it is the ground whose drive to
the place takes so many minutes at most; without them it is made of whole communes, those from
whose homes the drive takes no longer. Either way a commune counts as reached by the drive from home
to the place, reckoned as the travel times of the release are, so that the catchments of all work
places within the T of the network hold exactly its communes. (Where a release knows its dwellings,
its travel times begin there; catchments begin at the town hall still.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_matcher.access import access_minutes
from geo_matcher.destinations import DESTINATIONS
from geo_matcher.errors import DriveError
from geo_matcher.journeys import Journeys, network_name
from geo_matcher.kept import kept
from geo_matcher.road_areas import MAX_CUTOFF_MIN, catchment
from geo_matcher.territory import LAMBERT_93, WGS_84, Territory

__all__ = [
    "CUTOFFS_MIN",
    "SLACK_MIN",
    "Catchment",
    "Catchments",
    "catchments",
    "destination_places",
    "inhabitants_within",
    "minutes_from_homes",
    "place_drives",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

CUTOFFS_MIN = (15.0, 30.0, 45.0)
"""Minutes within which inhabitants are counted."""

SLACK_MIN = 1e-9
"""What a sum of minutes may miss a round number by."""

DETAIL_M = 50.0
"""Detail that is left out when overlaps and deserts are measured, in metres."""


@dataclass(frozen=True, slots=True, eq=False)
class Catchment:
    """The ground and the people around one place.

    Attributes
    ----------
    place_id, kind, name, insee_code
        The place and the commune it stands in.
    area
        EPSG:4326; empty where nothing is within the minutes.
    area_km2
        How large that is.
    insee_codes
        Communes of the release whose homes reach it.
    inhabitants
        Who lives in them.
    """

    place_id: str
    kind: str
    name: str
    insee_code: str
    area: shapely.MultiPolygon
    area_km2: float
    insee_codes: tuple[str, ...]
    inhabitants: int


@dataclass(frozen=True, slots=True, eq=False)
class Catchments:
    """Catchments of all places of a kind.

    Attributes
    ----------
    destination
        What was asked for, such as ``workplace``.
    within_min
        Minutes.
    network
        ``roads`` or ``town_halls``.
    catchments
        One for each place.
    reached
        Places that each commune reaches, in the order of the communes.
    overlap_km2
        Ground of the département that two or more catchments share.
    desert
        Ground of the département in no catchment, EPSG:4326.
    unsure
        Communes that reach none, as far as is known, but may: near the edge of a list of places a
        nearer one may exist that it does not name.
    desert_km2
        How large that is.
    """

    destination: str
    within_min: float
    network: str
    catchments: tuple[Catchment, ...]
    reached: pd.Series
    overlap_km2: float
    desert: shapely.MultiPolygon
    desert_km2: float
    unsure: tuple[str, ...]

    def people(self, population: pd.Series) -> dict[str, int]:
        """Return inhabitants by how many places they reach: ``none``, ``one``, ``several``."""
        by_count = population.groupby(self.reached.clip(upper=2)).sum()
        return {
            word: int(by_count.get(count, 0))
            for count, word in enumerate(("none", "one", "several"))
        }


def destination_places(territory: Territory, destination: str) -> pd.DataFrame:
    """Return the places of a kind, numbered from 0.

    Raises
    ------
    DriveError
        If there is no destination of this name.
    """
    kinds = {known.name: known.place_kinds for known in DESTINATIONS}
    if destination not in kinds:
        raise DriveError(
            f"{destination[:60]!r} is nothing that the release has places of: give one of "
            f"{', '.join(kinds)}."
        )
    places = territory.places
    return places[places["kind"].isin(kinds[destination])].reset_index(drop=True)


@kept(maxsize=16)
def place_drives(territory: Territory, destination: str) -> tuple[pd.DataFrame, FloatArray, str]:
    """Return the places of a kind and the minutes from the homes of each commune to each of them.

    Parameters
    ----------
    territory
        The release.
    destination
        One of ``DESTINATIONS``.

    Returns
    -------
    tuple
        Rows of the release's places; minutes, communes in rows and places in columns, to 0.01 as in
        the release, ``inf`` where no way leads, read only; and the network that they are on.

    Raises
    ------
    DriveError
        If there are no places of this kind by that name.
    """
    places = destination_places(territory, destination)
    minutes, network = minutes_from_homes(Journeys.of(territory), territory.communes, places)
    minutes.setflags(write=False)
    return places, minutes, network


def minutes_from_homes(
    journeys: Journeys, communes: pd.DataFrame, places: pd.DataFrame
) -> tuple[FloatArray, str]:
    """Return minutes from the homes of communes to places, to 0.01 as a release stores them.

    The name of the network that they are on stands beside them.

    Parameters
    ----------
    journeys
        The drives.
    communes
        ``insee_code``, ``area_km2``.
    places
        ``insee_code``, ``lon``, ``lat``.
    """
    leave = access_minutes(communes["area_km2"].to_numpy(dtype=np.float64))
    minutes, is_road = journeys.to_places(list(communes["insee_code"]), places)
    return np.asarray(np.round(minutes + leave[:, None], 2)), network_name(is_road)


def catchments(territory: Territory, destination: str, within_min: float) -> Catchments:
    """Draw who can reach the places of a kind.

    Parameters
    ----------
    territory
        The release.
    destination
        One of ``DESTINATIONS``, such as ``coworking``, ``telecentre`` or ``workplace``.
    within_min
        Minutes of driving, above 0 and at most ``MAX_CUTOFF_MIN``.

    Raises
    ------
    DriveError
        If the destination is unknown, or the minutes are out of range.
    """
    if not 0 < within_min <= MAX_CUTOFF_MIN:
        raise DriveError(
            f"{within_min:g} minutes is out of range: give more than 0 and at most "
            f"{MAX_CUTOFF_MIN:g}."
        )
    return _catchments(territory, destination, float(within_min))


@kept(maxsize=8)
def _catchments(territory: Territory, destination: str, within_min: float) -> Catchments:
    places, minutes, network = place_drives(territory, destination)
    is_near = minutes <= within_min + SLACK_MIN
    journeys = Journeys.of(territory)
    grounds = _grounds(territory, journeys, places, is_near, within_min)
    whole = _departement(territory)
    degrees = gpd.GeoSeries(grounds, crs=LAMBERT_93).to_crs(WGS_84)
    population = territory.communes["population"].to_numpy()
    codes = np.array(territory.codes)
    found = tuple(
        Catchment(
            place["place_id"],
            place["kind"],
            place["name"],
            place["insee_code"],
            _multi(degrees.iloc[number]),
            float(grounds[number].area / 1e6),
            tuple(codes[is_near[:, number]].tolist()),
            int(population[is_near[:, number]].sum()),
        )
        for number, place in enumerate(places.to_dict("records"))
    )
    drawn = shapely.simplify(np.asarray(grounds, dtype=object), DETAIL_M)
    inside = [shapely.intersection(ground, whole) for ground in drawn]
    low = territory.minutes_low[destination].to_numpy()
    unsure = ~is_near.any(axis=1) & (low <= within_min + SLACK_MIN)
    covered = shapely.union_all(inside) if inside else shapely.MultiPolygon()
    desert = _multi(shapely.difference(whole, covered))
    return Catchments(
        destination,
        within_min,
        network,
        found,
        pd.Series(is_near.sum(axis=1), index=list(territory.codes), dtype="int64"),
        float(_shared(inside).area / 1e6),
        _multi(gpd.GeoSeries([desert], crs=LAMBERT_93).to_crs(WGS_84).iloc[0]),
        float(desert.area / 1e6),
        tuple(codes[unsure].tolist()),
    )


def _grounds(
    territory: Territory,
    journeys: Journeys,
    places: pd.DataFrame,
    is_near: BoolArray,
    within_min: float,
) -> list[Any]:
    """Return the ground around each place, EPSG:2154."""
    outlines = _outlines(territory)
    on_roads = np.zeros(len(places), dtype=np.bool_)
    if journeys.roads is not None and len(places):
        placed = journeys.roads.place(places["lon"], places["lat"])
        on_roads = placed.snapped.is_snapped
    return [
        catchment(placed, number).within(within_min)
        if on_roads[number]
        else _multi(shapely.union_all(outlines[is_near[:, number]]))
        for number in range(len(places))
    ]


@kept(maxsize=4)
def _outlines(territory: Territory) -> NDArray[Any]:
    return np.asarray(territory.communes.geometry.to_crs(LAMBERT_93).array)


@kept(maxsize=4)
def _departement(territory: Territory) -> Any:
    whole = shapely.union_all(_outlines(territory))
    shapely.prepare(whole)
    return whole


def _multi(ground: Any) -> shapely.MultiPolygon:
    """Return the polygons of a geometry; lines and points that touching leaves are no ground."""
    return shapely.MultiPolygon(
        [part for part in shapely.get_parts(ground) if part.geom_type == "Polygon"]
    )


def _shared(grounds: Sequence[Any]) -> Any:
    """Return the ground that two or more of some polygons cover."""
    once, twice = shapely.MultiPolygon(), shapely.MultiPolygon()
    for ground in grounds:
        twice = shapely.union(twice, shapely.intersection(once, ground))
        once = shapely.union(once, ground)
    return twice


def inhabitants_within(
    journeys: Journeys, insee_codes: Sequence[str], minutes: FloatArray | None = None
) -> pd.DataFrame:
    """Count who lives within some minutes of communes, over the border too.

    A commune counts as a whole, by the drive from town hall to town hall.

    Parameters
    ----------
    journeys
        The drives; they reach 80 km beyond the département.
    insee_codes
        Communes to start from.
    minutes
        From each of them to each of ``journeys.halls``, if it is known already.

    Returns
    -------
    pandas.DataFrame
        Index ``insee_code``; one column of inhabitants for each of ``CUTOFFS_MIN``.
    """
    people = journeys.halls["population"].to_numpy()
    if minutes is None:
        minutes = journeys.matrix(insee_codes, list(journeys.halls.index))[0].minutes
    return pd.DataFrame(
        {cutoff: (minutes <= cutoff + SLACK_MIN) @ people for cutoff in CUTOFFS_MIN},
        index=pd.Index(list(insee_codes), name="insee_code"),
    )
