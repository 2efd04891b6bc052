"""Towns around the département, so that the map stands on its own.

Hides which of some three thousand communes are drawn as a dot, and which of them are named.
"""

from __future__ import annotations

import math
from typing import Any

from geo_matcher.destinations import HUB_CITIES
from geo_matcher.territory import Territory

__all__ = ["towns_around"]

DRAWN_INHABITANTS = 1_000
"""Size from which a commune beyond the border is a dot."""

SIZES = (5_000, 20_000)
"""Inhabitants from which its dot is larger."""

PAD = 0.42
"""How far around the outline, as a share of its width and height: as far as the map moves."""

NAMED = 60
SPACING_DEG = 0.11
"""Least distance between two named towns, in degrees of latitude."""


def towns_around(territory: Territory) -> list[list[Any]]:
    """Return latitude, longitude, size (0 to 2) and name of the towns around, largest first.

    The name is empty where a larger town is too near, or too many are named already.
    """
    halls = territory.tables["town_halls"]
    west, south, east, north = territory.communes.total_bounds.tolist()
    across, along = (east - west) * PAD, (north - south) * PAD
    inside = (
        (halls["population"] >= DRAWN_INHABITANTS)
        & ~halls["insee_code"].isin(territory.communes.index)
        & halls["town_hall_lon"].between(west - across, east + across)
        & halls["town_hall_lat"].between(south - along, north + along)
    )
    columns = ["insee_code", "name", "population", "town_hall_lat", "town_hall_lon"]
    largest = halls.loc[inside, columns].sort_values(
        ["population", "insee_code"], ascending=[False, True]
    )
    hubs = {code for code, _ in HUB_CITIES.values()}
    named: list[tuple[float, float]] = []
    found: list[list[Any]] = []
    for code, name, people, lat, lon in largest.itertuples(index=False):
        shrink = math.cos(math.radians(lat))
        is_clear = all(math.hypot(lat - y, (lon - x) * shrink) >= SPACING_DEG for y, x in named)
        is_named = code in hubs or (is_clear and len(named) < NAMED)
        if is_named:
            named.append((lat, lon))
        size = sum(people >= limit for limit in SIZES)
        found.append([round(lat, 3), round(lon, 3), size, name if is_named else ""])
    return found
