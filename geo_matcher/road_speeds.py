"""How fast one drives on a French road: the table that turns lengths into minutes.

Hides the legal limits and what is assumed below them. The limits are those of the Code de la route:
80 km/h outside built-up areas, 110 with a central reserve, 130 on motorways (R413-2), 50 in
built-up areas (R413-3). What one really averages is less, for bends, junctions, villages and other
people: every figure of ``SPEEDS_KMH`` is an assumption, to be replaced by measured times when some
are at hand. Where a limit is posted, the mean is at most ``POSTED_SHARE`` of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "BUILT_UP_DISTANCE_M",
    "POSTED_SHARE",
    "RESIDENTIAL",
    "SPEEDS_KMH",
    "SURFACE_SHARES",
    "Speed",
    "is_built_up",
    "posted_kmh",
    "speed_kmh",
]


@dataclass(frozen=True, slots=True)
class Speed:
    """Mean speed on a class of road, in km/h (assumptions).

    Attributes
    ----------
    outside
        Outside built-up areas.
    built_up
        In built-up areas.
    """

    outside: float
    built_up: float


SPEEDS_KMH: dict[str, Speed] = {
    "motorway": Speed(115.0, 95.0),  # limit 130, 110 around towns
    "motorway_link": Speed(60.0, 45.0),
    "trunk": Speed(85.0, 50.0),  # limit 110 or 80: the N124 and N21 are partly both
    "trunk_link": Speed(50.0, 40.0),
    "primary": Speed(68.0, 38.0),  # limit 80
    "primary_link": Speed(45.0, 30.0),
    "secondary": Speed(62.0, 36.0),
    "secondary_link": Speed(40.0, 30.0),
    "tertiary": Speed(55.0, 33.0),
    "tertiary_link": Speed(40.0, 28.0),
    "unclassified": Speed(45.0, 28.0),  # the narrow lanes between hamlets
    "road": Speed(40.0, 28.0),  # class not known yet
    "residential": Speed(30.0, 25.0),
    "living_street": Speed(15.0, 15.0),  # limit 20
}
"""Mean speed by class of road. A road of another class is not driven on."""

SURFACE_SHARES: dict[str, float] = {
    "compacted": 0.7,
    "fine_gravel": 0.7,
    "sett": 0.7,
    "cobblestone": 0.6,
    "gravel": 0.5,
    "unpaved": 0.5,
    "pebblestone": 0.5,
    "dirt": 0.35,
    "earth": 0.35,
    "grass": 0.35,
    "ground": 0.35,
    "mud": 0.35,
    "sand": 0.35,
}
"""Share of the speed that a surface leaves (assumptions); any other surface leaves all of it."""

POSTED_SHARE = 0.9
"""Mean speed over a posted limit, at most (an assumption)."""

BUILT_UP_DISTANCE_M = 100.0
"""A road without a posted limit is taken to lie in a built-up area when its middle is this near, in
metres, to a residential street (an assumption: the map has no signs of entry everywhere)."""

ZONE_KMH: dict[str, float] = {
    "fr:urban": 50.0,
    "fr:rural": 80.0,
    "fr:motorway": 130.0,
    "fr:30": 30.0,
    "fr:zone30": 30.0,
    "fr:20": 20.0,
    "fr:living_street": 20.0,
    "fr:walk": 20.0,
}
ZONE_TAGS = ("zone:maxspeed", "source:maxspeed")
RESIDENTIAL = ("residential", "living_street")
BUILT_UP_KMH = 50.0
LOWEST_POSTED_KMH, HIGHEST_POSTED_KMH = 5.0, 130.0


def posted_kmh(tags: Mapping[str, str]) -> float | None:
    """Return the limit that is posted on a road in km/h, or ``None`` where none is known.

    Parameters
    ----------
    tags
        Tags of the road, as in OpenStreetMap.
    """
    text = str(tags.get("maxspeed", "")).strip().lower()
    if match := re.fullmatch(r"(\d{1,3})( ?km/?h)?", text):
        found = float(match[1])
        return found if LOWEST_POSTED_KMH <= found <= HIGHEST_POSTED_KMH else None
    for zone in (text, *(str(tags.get(tag, "")).strip().lower() for tag in ZONE_TAGS)):
        if zone in ZONE_KMH:
            return ZONE_KMH[zone]
    return None


def is_built_up(tags: Mapping[str, str], *, is_near_homes: bool) -> bool:
    """Tell whether a road lies in a built-up area.

    Parameters
    ----------
    tags
        Tags of the road.
    is_near_homes
        Whether its middle lies within ``BUILT_UP_DISTANCE_M`` of a residential street.
    """
    if tags.get("highway") in RESIDENTIAL:
        return True
    posted = posted_kmh(tags)
    return is_near_homes if posted is None else posted <= BUILT_UP_KMH


def speed_kmh(tags: Mapping[str, str], *, is_near_homes: bool) -> float:
    """Return the mean speed on a road in km/h.

    Parameters
    ----------
    tags
        Tags of the road; its ``highway`` is in ``SPEEDS_KMH``.
    is_near_homes
        Whether its middle lies within ``BUILT_UP_DISTANCE_M`` of a residential street.
    """
    speed = SPEEDS_KMH[tags["highway"]]
    built_up = is_built_up(tags, is_near_homes=is_near_homes)
    mean = speed.built_up if built_up else speed.outside
    if (posted := posted_kmh(tags)) is not None:
        mean = min(mean, POSTED_SHARE * posted)
    return mean * SURFACE_SHARES.get(str(tags.get("surface", "")), 1.0)
