"""What people drive to, and how far each kind of place is known.

Hides which place kinds make up a destination and the edges of each list: a list that stops at the
border of the département gives upper bounds near it, and a list that is known to be partial gives
upper bounds everywhere that an unlisted place is plausible.
"""

from __future__ import annotations

from dataclasses import dataclass

from geo_matcher.towns import LiveMapping, LiveSequence

__all__ = [
    "DAILY_SERVICES",
    "DESTINATIONS",
    "HUB_CITIES",
    "INSEE_CODE",
    "KNOWN_AREAS",
    "PLACES",
    "SHOPS_BOX_MARGIN_KM",
    "Destination",
]

INSEE_CODE = r"^(\d{2}|2[AB])\d{3}$"
"""Form of the code of a commune, always 5 characters."""

KNOWN_AREAS = ("everywhere", "departement", "shops_box")
"""Where a list of places is complete: ``everywhere`` on the network; inside the ``departement``
only; in the ``shops_box``, the bounding box of the département plus ``SHOPS_BOX_MARGIN_KM``."""

SHOPS_BOX_MARGIN_KM = 3.0
"""How far beyond the bounding box of the département the list of shops goes."""

HUB_CITIES: LiveMapping[str, tuple[str, str]] = LiveMapping(
    lambda territory: {town.key: (town.insee_code, town.name) for town in territory.town}
)
"""Towns around which working life turns: INSEE code and name, by key."""

DAILY_SERVICES: dict[str, float] = {
    "bakery": 4.0,
    "grocery": 2.0,
    "supermarket": 1.5,
    "fresh_food": 1.0,
    "fuel": 1.0,
    "post": 0.5,
    "bank": 0.5,
    "bookshop_press": 0.5,
}
"""Trips a week to each everyday service (an assumption): they weight the mean drive of the basket,
so that the eight services count once, together."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A kind of thing that people drive to.

    Attributes
    ----------
    name
        Also the stem of the criterion: ``station`` gives ``station_min``.
    place_kinds
        Kinds of ``places.csv`` any of which will do.
    known_area
        One of ``KNOWN_AREAS``.
    is_partial
        Whether places are known to be missing inside the area too. An unlisted one is then held
        possible in any commune with at least as many inhabitants as the smallest listed one.
    """

    name: str
    place_kinds: tuple[str, ...]
    known_area: str = "departement"
    is_partial: bool = False


PLACES: tuple[Destination, ...] = (
    Destination("coworking", ("coworking", "third_place", "fablab")),
    Destination("telecentre", ("telecentre",)),
    Destination("workplace", ("coworking", "third_place", "fablab", "telecentre")),
    *(Destination(kind, (kind,), "shops_box") for kind in DAILY_SERVICES),
    Destination("france_services", ("france_services",)),
    Destination("primary_school", ("primary_school",), is_partial=True),
    Destination("college", ("college",)),
    Destination("lycee", ("lycee",)),
    Destination("doctor", ("doctor",)),
    Destination("hospital", ("hospital",)),
    Destination("station", ("station",)),
    Destination("airport", ("airport",), "everywhere"),
    Destination("cinema", ("cinema",), is_partial=True),
    Destination("museum", ("museum",)),
    Destination("network_trace", ("network_trace",), "everywhere"),
)
"""Every destination that is the same in every territory."""

DESTINATIONS: LiveSequence[Destination] = LiveSequence(
    lambda territory: (
        *PLACES,
        *(Destination(t.key, (f"city_{t.key}",), "everywhere") for t in territory.town),
    )
)
"""Every destination, in the order in which times are stored."""
