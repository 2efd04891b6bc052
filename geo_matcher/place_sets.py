"""Places that can be shown on a map: coworking spaces, shops, schools, stations, doctors, culture.

Hides which kinds of ``places.csv`` make a set and how each is drawn. A set has a letter in a shape;
no two share both, so that nobody has to tell colours apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from geo_matcher.kept import kept
from geo_matcher.map_data import SYMBOLS, Symbol
from geo_matcher.map_words import WORDS
from geo_matcher.place_names import readable_name, spellings_of
from geo_matcher.territory import Territory

__all__ = ["PLACE_GROUPS", "PLACE_SETS", "PlaceSet", "places_shown"]

PLACE_GROUPS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "work": ("Travailler", "Work"),
        "shops": ("Commerces et services", "Shops and services"),
        "schools": ("Écoles", "Schools"),
        "stops": ("Se déplacer", "Getting around"),
        "health": ("Santé", "Health"),
        "culture": ("Culture", "Culture"),
    }
)
"""Headings under which places are offered."""

_SHOPS = "france_services"
"""Group of the symbols that stands with the shops here."""

_MORE: tuple[tuple[Symbol, str, str], ...] = (
    (Symbol("bakery", "shops", ("bakery",), "round sage", "B", "B"), "Boulangerie", "Bakery"),
    (Symbol("grocery", "shops", ("grocery",), "round sage", "É", "G"), "Épicerie", "Grocery"),
    (Symbol("supermarket", "shops", ("supermarket",), "round sage", "S", "S"),
     "Supermarché", "Supermarket"),
    (Symbol("fresh_food", "shops", ("fresh_food",), "round sage", "A", "F"),
     "Boucherie, primeur, poissonnerie", "Butcher, greengrocer, fishmonger"),
    (Symbol("fuel", "shops", ("fuel",), "square sage", "E", "P"), "Station-service", "Petrol"),
    (Symbol("post", "shops", ("post",), "square sage", "P", "M"), "La Poste", "Post office"),
    (Symbol("bank", "shops", ("bank",), "square sage", "B", "B"), "Banque", "Bank"),
    (Symbol("bookshop_press", "shops", ("bookshop_press",), "square sage", "L", "N"),
     "Librairie, presse", "Bookshop, press"),
    (Symbol("doctor", "health", ("doctor",), "round rust", "M", "D"),
     "Médecin généraliste", "General practitioner"),
    (Symbol("hospital", "health", ("hospital",), "square rust", "H", "H"), "Hôpital", "Hospital"),
    (Symbol("cinema", "culture", ("cinema",), "wide sunflower", "Ci", "Ci"), "Cinéma", "Cinema"),
    (Symbol("museum", "culture", ("museum",), "wide sunflower", "Mu", "Mu"), "Musée", "Museum"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlaceSet:
    """Places that are shown or hidden together.

    Attributes
    ----------
    name
        Also a value of the key ``places`` of an address.
    group
        One of ``PLACE_GROUPS``.
    kinds
        Kinds of ``places.csv``.
    label_fr, label_en
        What one of them is called.
    shape, colour
        How it is drawn: ``square``, ``diamond``, ``round`` or ``wide``, and a named colour.
    letter_fr, letter_en
        What stands in the shape.
    """

    name: str
    group: str
    kinds: tuple[str, ...]
    label_fr: str
    label_en: str
    shape: str
    colour: str
    letter_fr: str
    letter_en: str

    def label(self, language: str) -> str:
        """Return what one of them is called, in ``fr`` or ``en``."""
        return self.label_fr if language == "fr" else self.label_en

    def letter(self, language: str) -> str:
        """Return what stands in the shape, in a language."""
        return self.letter_fr if language == "fr" else self.letter_en


def _set(symbol: Symbol, french: str, english: str) -> PlaceSet:
    shape, colour = symbol.shape.split()
    group = "shops" if symbol.layer == _SHOPS else symbol.layer
    letters = symbol.letter_fr, symbol.letter_en
    return PlaceSet(symbol.name, group, symbol.kinds, french, english, shape, colour, *letters)


def _sets() -> Mapping[str, PlaceSet]:
    known = [_set(s, WORDS["fr"][s.name], WORDS["en"][s.name]) for s in SYMBOLS]
    sets = [*known, *(_set(*row) for row in _MORE)]
    order = list(PLACE_GROUPS)
    sets.sort(key=lambda found: order.index(found.group))
    return MappingProxyType({found.name: found for found in sets})


PLACE_SETS: Mapping[str, PlaceSet] = _sets()
"""Every set by name, group by group, in the order in which they are offered."""


@kept(maxsize=64)
def places_shown(territory: Territory, name: str, language: str) -> tuple[dict[str, Any], ...]:
    """Return the places of a set, commune by commune.

    Parameters
    ----------
    territory
        A loaded release.
    name
        One of ``PLACE_SETS``.
    language
        Language of the label and of what is known of each place.

    Returns
    -------
    tuple of dict
        ``place_id, set, kind, label, name, insee_code, commune, lon, lat, position, status, year,
        note, source``; the name and the year are empty where nobody tells them, ``position`` is
        ``published`` or ``town_hall``, ``note`` says in words what is unsure. Shared: read it only.
    """
    words = WORDS[language]
    chosen = PLACE_SETS[name]
    halls = territory.tables["town_halls"]
    communes = dict(zip(halls["insee_code"], halls["name"], strict=True))
    places, spellings = territory.places, spellings_of(territory)
    found = []
    for row in places[places["kind"].isin(chosen.kinds)].to_dict("records"):
        notes = [words.get(f"status_{row['status']}", row["status"])]
        notes += [words["at_town_hall"]] if row["position"] == "town_hall" else []
        found.append(
            {
                "place_id": row["place_id"],
                "set": name,
                "kind": row["kind"],
                "label": chosen.label(language),
                "name": readable_name(row["name"], spellings),
                "insee_code": row["insee_code"],
                "commune": communes.get(row["insee_code"], ""),
                "lon": row["lon"],
                "lat": row["lat"],
                "position": row["position"],
                "status": row["status"],
                "year": row["year"],
                "note": " ".join(filter(None, notes)),
                "source": row["source_table"],
            }
        )
    return tuple(sorted(found, key=lambda place: (place["commune"], place["place_id"])))
