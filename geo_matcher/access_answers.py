"""What is answered about drives, in plain types: the same on the command line and over HTTP.

Hides nothing but form. Every answer names its release, the network that gave the times and how sure
they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import shapely
import shapely.geometry

from geo_matcher.access import TownHallNetwork
from geo_matcher.baskets import basket
from geo_matcher.catchments import (
    CUTOFFS_MIN,
    SLACK_MIN,
    catchments,
    destination_places,
    inhabitants_within,
)
from geo_matcher.destinations import DAILY_SERVICES, DESTINATIONS
from geo_matcher.errors import DriveError
from geo_matcher.journeys import STATUS, Journeys, nearest_places, network_name
from geo_matcher.kept import kept
from geo_matcher.profile import Profile
from geo_matcher.reach import find_destination
from geo_matcher.supply import published_apl, supply_of
from geo_matcher.territory import Territory
from geo_matcher.wheel import DEFAULT_HABITS, Habits, week_of

__all__ = [
    "MAX_PLACES",
    "basket_answer",
    "catchments_answer",
    "commune_of",
    "destinations_answer",
    "isochrone_answer",
    "kind_answer",
    "pair_answer",
    "people_answer",
    "supply_answer",
    "wheel_answer",
]

MINUTES_DECIMALS, KM_DECIMALS = 2, 2
COORDINATES_DEG = 1e-5

TOWN_HALLS = TownHallNetwork.name

MAX_PLACES = 30
"""Places whose catchments are given at most: on roads each takes most of a second."""

DETAIL_DEG = 5e-4
"""Detail that catchments lose on their way out: some 50 m, a fifth of their own grid."""


def commune_of(territory: Territory, text: str) -> str:
    """Return the code of a commune of the release, or up to 80 km around it, by code or name.

    Parameters
    ----------
    territory
        The release.
    text
        INSEE code, or name; accents and case do not matter.

    Raises
    ------
    UnknownCommuneError
        If there is none, or several.
    """
    return find_destination(territory, text)


@kept(maxsize=4)
def _networks_to(territory: Territory) -> Mapping[tuple[str, str], str]:
    """Return the network on which the places of a destination in a commune are reached."""
    roads = Journeys.of(territory).roads
    if roads is None:
        return {}
    places = territory.places
    is_on = roads.place(places["lon"], places["lat"]).snapped.is_snapped
    found: dict[tuple[str, str], str] = {}
    for known in DESTINATIONS:
        chosen = places["kind"].isin(known.place_kinds).to_numpy()
        of_commune = pd.Series(is_on[chosen]).groupby(places["insee_code"][chosen].to_numpy())
        found |= {(known.name, str(code)): network_name(flags) for code, flags in of_commune}
    return found


def _network_to(territory: Territory, code: str, destination: str, nearest: str) -> str:
    """Return the network of a travel time of the release."""
    if not Journeys.of(territory).is_on_roads(code):
        return TOWN_HALLS
    return _networks_to(territory).get((destination, nearest), TOWN_HALLS)


def _all_on(networks: Iterable[str]) -> str:
    """Return the network that several times are on together."""
    names = set(networks)
    return names.pop() if len(names) == 1 else "mixed"


def _told(territory: Territory, code: str) -> dict[str, str]:
    name = Journeys.of(territory).halls["name"].get(code)
    return {"insee_code": code, "name": str(name)}


def _rounded(figure: float | None, decimals: int) -> float | None:
    return None if figure is None or figure != figure else round(figure, decimals)


def pair_answer(territory: Territory, origin: str, end: str) -> dict[str, Any]:
    """Return the drive between two town halls.

    Parameters
    ----------
    territory
        The release.
    origin, end
        Codes of the network; see :func:`commune_of`.
    """
    found = Journeys.of(territory).between(origin, end)
    return {
        "from": _told(territory, origin),
        "to": _told(territory, end),
        "minutes": _rounded(found.minutes, MINUTES_DECIMALS),
        "road_km": _rounded(found.road_km, KM_DECIMALS),
        "network": found.network,
        "status": found.status,
        "release": territory.release_id,
    }


def destinations_answer(territory: Territory, code: str) -> dict[str, Any]:
    """Return the drive from the homes of a commune to the nearest of every destination."""
    times = territory.tables["travel_times"]
    own = times[times["insee_code"] == code].set_index("destination", drop=False)
    rows = [
        {"destination": known.name, **_time(territory, own.loc[known.name].to_dict())}
        for known in DESTINATIONS
    ]
    return {
        "from": _told(territory, code),
        "times": rows,
        "network": _all_on(row["network"] for row in rows),
        "release": territory.release_id,
    }


def kind_answer(territory: Territory, kind: str) -> dict[str, Any]:
    """Return how far the nearest place of a kind is from the homes of each commune, nearest first.

    Raises
    ------
    DriveError
        If nothing of this name is driven to.
    """
    found = nearest_places(territory, kind).assign(destination=kind)
    found = found.sort_values(["minutes", "insee_code"], na_position="last")
    rows = [
        {**_told(territory, row["insee_code"]), **_time(territory, row)}
        for row in found.to_dict("records")
    ]
    return {
        "to": kind,
        "communes": rows,
        "network": _all_on(row["network"] for row in rows),
        "release": territory.release_id,
    }


def _time(territory: Territory, row: Mapping[Any, Any]) -> dict[str, Any]:
    nearest = row["nearest_insee_code"]
    return {
        "minutes": _rounded(row["minutes"], MINUTES_DECIMALS),
        "minutes_low": _rounded(row["minutes_low"], MINUTES_DECIMALS),
        "road_km": _rounded(row["road_km"], KM_DECIMALS),
        "nearest": _told(territory, nearest) if nearest else None,
        "network": _network_to(territory, row["insee_code"], row["destination"], nearest),
        "status": row["status"],
    }


def isochrone_answer(territory: Territory, code: str, minutes: float) -> dict[str, Any]:
    """Return what is reached from a town hall within some minutes, as GeoJSON.

    One area on roads; on the town-hall network, which knows no ground between town halls, one point
    for each town hall reached.

    Raises
    ------
    DriveError
        If the minutes are out of range.
    """
    journeys = Journeys.of(territory)
    found = journeys.within(code, minutes)
    about = {
        "origin": found.origin,
        "minutes": found.cutoff_min,
        "network": found.network,
        "is_cut": found.is_cut,
        "status": STATUS,
        "release": territory.release_id,
    }
    halls = journeys.halls
    if found.area is not None:
        counted = {"communes": len(found.communes), "area_km2": round(found.area_km2 or 0.0, 1)}
        features = [_feature(found.area, about | counted)]
    else:
        features = [
            _feature(
                shapely.Point(halls.loc[there, ["town_hall_lon", "town_hall_lat"]].tolist()),
                about | _told(territory, there) | {"drive_min": value},
            )
            for there, value in found.communes.round(MINUTES_DECIMALS).itertuples(index=False)
        ]
    return {"type": "FeatureCollection", **about, "features": features}


def _feature(shape: Any, properties: dict[str, Any]) -> dict[str, Any]:
    rounded = shapely.set_precision(shape, COORDINATES_DEG, mode="pointwise")
    if not isinstance(shape, shapely.Point):
        parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(rounded)))
        rounded = shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon"])
    return {
        "type": "Feature",
        "geometry": shapely.geometry.mapping(rounded),
        "properties": properties,
    }


def basket_answer(
    territory: Territory, code: str, kinds: Sequence[str] = tuple(DAILY_SERVICES)
) -> dict[str, Any]:
    """Return the shortest round from a commune that brings everything home.

    Raises
    ------
    DriveError
        If a kind is unknown, or there are too many.
    """
    found = basket(territory, code, kinds).as_dict()
    return {"from": _told(territory, found.pop("insee_code")), **found,
            "release": territory.release_id}  # fmt: skip


def people_answer(territory: Territory, code: str) -> dict[str, Any]:
    """Return who lives around a commune, and the published accessibility to doctors, if any."""
    journeys = Journeys.of(territory)
    reach, is_road = journeys.matrix([code], list(journeys.halls.index))
    counted = inhabitants_within(journeys, [code], reach.minutes).iloc[0].to_dict()
    near = reach.minutes <= max(CUTOFFS_MIN) + SLACK_MIN
    inside = code in territory.communes.index
    return {
        "from": _told(territory, code),
        "inhabitants": [
            {"within_min": cutoff, "inhabitants": int(counted[cutoff])} for cutoff in CUTOFFS_MIN
        ],
        "apl_doctors": published_apl(territory, code) if inside else None,
        "network": network_name(is_road[near]),
        "status": STATUS,
        "release": territory.release_id,
    }


def supply_answer(territory: Territory, destination: str) -> dict[str, Any]:
    """Return how much of something each commune has when all who live near share it.

    Raises
    ------
    DriveError
        If there is no such destination, or nobody says how much there is of it.
    """
    found = supply_of(territory, destination).as_dict()
    communes = [
        {**_told(territory, row["insee_code"]), "per_10000": row["per_10000"]}
        for row in found["communes"]
    ]
    return found | {
        "communes": communes,
        "status": STATUS,
        "release": territory.release_id,
    }


def catchments_answer(territory: Territory, destination: str, minutes: float) -> dict[str, Any]:
    """Return the catchments of all places of a kind and what lies in none, as GeoJSON.

    Raises
    ------
    DriveError
        If the destination or the minutes cannot be, or there are more than ``MAX_PLACES`` places.
    """
    count = len(destination_places(territory, destination))
    if count > MAX_PLACES:
        raise DriveError(
            f"There are {count} places of the kind {destination}; catchments are drawn for "
            f"{MAX_PLACES} at most. Ask for a rarer kind."
        )
    found = catchments(territory, destination, minutes)
    population = territory.communes["population"]
    features = [
        _feature(
            shapely.simplify(one.area, DETAIL_DEG),
            {
                "place_id": one.place_id,
                "kind": one.kind,
                "name": one.name,
                "insee_code": one.insee_code,
                "area_km2": round(one.area_km2, 1),
                "communes": list(one.insee_codes),
                "inhabitants": one.inhabitants,
            },
        )
        for one in found.catchments
    ]
    features.append(
        _feature(
            shapely.simplify(found.desert, DETAIL_DEG),
            {
                "kind": "desert",
                "area_km2": round(found.desert_km2, 1),
                "communes": _codes(found.reached[found.reached == 0]),
                "inhabitants": found.people(population)["none"],
            },
        )
    )
    return {
        "type": "FeatureCollection",
        "destination": destination,
        "within_min": found.within_min,
        "places": len(found.catchments),
        "communes_reached": int((found.reached > 0).sum()),
        "inhabitants": found.people(population),
        "unsure": {
            "communes": list(found.unsure),
            "inhabitants": int(population[list(found.unsure)].sum()),
        },
        "overlap_km2": round(found.overlap_km2, 1),
        "desert_km2": round(found.desert_km2, 1),
        "network": found.network,
        "status": STATUS,
        "release": territory.release_id,
        "features": features,
    }


def _codes(series: pd.Series) -> list[str]:
    return [str(code) for code in series.index]


def wheel_answer(
    territory: Territory, code: str, profile: Profile, habits: Habits = DEFAULT_HABITS
) -> dict[str, Any]:
    """Return a household's hours a week at the wheel in one commune, drive by drive."""
    found = week_of(territory, code, profile, habits).as_dict()
    return {
        "from": _told(territory, found.pop("insee_code")),
        **found,
        "network": _network_of_week(territory, code, found["drives"]),
        "release": territory.release_id,
    }


def _network_of_week(territory: Territory, code: str, drives: Sequence[Mapping[str, Any]]) -> str:
    """Return the network that the drives of a week are on; errands are rounds of their own."""
    if Journeys.of(territory).roads is None:
        return TOWN_HALLS
    times = territory.tables["travel_times"]
    own = times[times["insee_code"] == code].set_index("destination")["nearest_insee_code"]
    nearest = own.to_dict()
    driven = [drive["destination"] for drive in drives if drive["destination"]]
    return _all_on(
        [
            basket(territory, code).network,
            *(_network_to(territory, code, name, nearest[name]) for name in driven),
        ]
    )
