"""What the map shows, as part of an address: a layer, where its minutes lead, kinds of places.

Hides which part of a choice means nothing and is left out. A choice is not part of the profile: it
changes no score.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from geo_matcher.layers import LAYERS
from geo_matcher.place_sets import PLACE_SETS
from geo_matcher.towns import LiveSequence

__all__ = [
    "HOUSEHOLD_LAYER",
    "MAP_KEYS",
    "PLAIN_MAP",
    "SHOWN",
    "TO_LAYER",
    "MapChoice",
    "places_text",
    "read_places",
]

MAP_KEYS = ("show", "to", "places")
"""Keys of an address, in their order."""

TO_LAYER = "minutes_to"
"""The layer that leads somewhere."""

HOUSEHOLD_LAYER = "wheel"
"""The layer that depends on who lives in the household and how they work."""

SHOWN: LiveSequence[str] = LiveSequence(lambda _: ("score", *LAYERS))
"""What communes can be coloured by."""


@dataclass(frozen=True, slots=True)
class MapChoice:
    """What the map shows.

    Attributes
    ----------
    show
        What communes are coloured by, one of ``SHOWN``.
    to
        Where the minutes lead, as written; empty for any other layer, or where nobody says.
    places
        Sets of places that are shown, in the order of the catalogue.
    """

    show: str = "score"
    to: str = ""
    places: tuple[str, ...] = ()

    @classmethod
    def of(cls, show: str, to: str, places: Iterable[str]) -> MapChoice:
        """Return a choice without what means nothing in it."""
        chosen = set(places)
        ordered = tuple(name for name in PLACE_SETS if name in chosen)
        return cls(show, to.strip() if show == TO_LAYER else "", ordered)

    def fields(self) -> dict[str, str]:
        """Return the choice by key, defaults left out."""
        fields = {
            "show": self.show if self.show != SHOWN[0] else "",
            "to": self.to,
            "places": ",".join(self.places),
        }
        return {key: value for key, value in fields.items() if value}


PLAIN_MAP = MapChoice()
"""The score, and no places."""


def read_places(text: str) -> tuple[list[str], list[str]]:
    """Split a list of sets of places into those that exist and those that do not."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    known = [name for name in names if name in PLACE_SETS]
    return known, [name for name in names if name not in PLACE_SETS]


def places_text() -> str:
    """Return the sets of places that exist, for a message."""
    return ", ".join(PLACE_SETS)
