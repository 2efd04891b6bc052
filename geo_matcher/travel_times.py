"""Minutes from every commune to the nearest of every destination, as a release keeps them.

Hides when a time is only an upper bound: where the list of places stops short, a nearer one that
nobody told us about is possible.
"""

from __future__ import annotations

from collections.abc import Collection

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_matcher.access import TownHallNetwork
from geo_matcher.destinations import DESTINATIONS, SHOPS_BOX_MARGIN_KM
from geo_matcher.road_network import RoadNetwork
from geo_matcher.road_times import Finder, RoadFinder, TownHallFinder
from geo_matcher.territory import LAMBERT_93, WGS_84

__all__ = ["travel_times"]


def travel_times(
    network: TownHallNetwork,
    places: pd.DataFrame,
    communes: gpd.GeoDataFrame,
    town_halls: pd.DataFrame,
    *,
    roads: RoadNetwork | None = None,
    dwellings: pd.DataFrame | None = None,
    listed: Collection[str] | None = None,
) -> pd.DataFrame:
    """Compute minutes from every commune to the nearest of every destination.

    Where the list of places stops short, a nearer place may exist that nobody told us about:
    ``minutes`` is then an upper bound and ``minutes_low`` the time to the nearest commune where
    such a place is possible.

    With ``roads``, times are those on the roads; what the roads do not reach is reached through the
    town-hall network still (:class:`geo_matcher.road_times.RoadFinder`). They begin where people
    live if ``dwellings`` says so, else at the town hall.

    ``listed`` names the kinds of places that somebody listed
    (:func:`geo_matcher.missing_sources.listed_kinds`), by default all: where a destination needs
    none of these, its times are not known. A list of stations says nothing of airports.

    Returns
    -------
    pandas.DataFrame
        ``insee_code, destination, minutes, minutes_low, road_km, nearest_insee_code, status``; one
        row per commune and destination; ``status`` is ``estimated``, ``upper_bound``,
        ``unreachable`` or ``unknown`` (the figures of the last two are empty).
    """
    finder: Finder = TownHallFinder(network, communes)
    if roads is not None:
        finder = RoadFinder(roads, finder, communes, places, town_halls, dwellings)
    unlisted = _areas_not_covered(communes, town_halls)
    population = town_halls.set_index("insee_code")["population"]
    frames = []
    for destination in DESTINATIONS:
        chosen = places[places["kind"].isin(destination.place_kinds)]
        is_listed = listed is None or not set(destination.place_kinds).isdisjoint(listed)
        holders = set(chosen["insee_code"])
        found = finder.nearest_place(chosen)
        possible = set(unlisted[destination.known_area])
        if destination.is_partial and holders:
            smallest = min(population[code] for code in holders)
            possible |= set(population.index[population >= smallest]) - holders
        bound = finder.nearest_commune(sorted(possible))
        minutes = found.minutes
        reachable = np.isfinite(minutes)
        is_bound = reachable & (bound < minutes)
        frames.append(
            pd.DataFrame(
                {
                    "insee_code": communes["insee_code"],
                    "destination": destination.name,
                    "minutes": np.where(reachable, minutes, np.nan).round(2),
                    "minutes_low": np.where(is_bound, bound, np.nan).round(2),
                    "road_km": np.where(reachable, found.road_km, np.nan).round(1),
                    "nearest_insee_code": found.insee_code,
                    "status": np.select(
                        [~reachable, is_bound],
                        ["unreachable" if is_listed else "unknown", "upper_bound"],
                        "estimated",
                    ),
                }
            )
        )
    return pd.concat(frames).sort_values(
        ["insee_code", "destination"], ignore_index=True, kind="stable"
    )


def _areas_not_covered(
    communes: gpd.GeoDataFrame, town_halls: pd.DataFrame
) -> dict[str, list[str]]:
    """Name, for each known area, the communes of the network outside it."""
    outside = town_halls[~town_halls["insee_code"].isin(communes["insee_code"])]
    box = communes.to_crs(LAMBERT_93).total_bounds
    margin_m = SHOPS_BOX_MARGIN_KM * 1000
    halls = gpd.GeoSeries.from_xy(
        outside["town_hall_lon"], outside["town_hall_lat"], crs=WGS_84, index=outside.index
    ).to_crs(LAMBERT_93)
    in_box = halls.x.between(box[0] - margin_m, box[2] + margin_m) & halls.y.between(
        box[1] - margin_m, box[3] + margin_m
    )
    return {
        "everywhere": [],
        "departement": list(outside["insee_code"]),
        "shops_box": list(outside.loc[~in_box, "insee_code"]),
    }
