"""What the map may show, as controls of the page: layers, a town, places, and the same as a table.

Hides how a town that somebody typed becomes a commune, and how choices are grouped. A template only
writes out :class:`MapControls`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from api.faults import Fault, FormError
from api.forms import Asked, profile_fields
from api.map_choice import SHOWN, TO_LAYER, MapChoice, read_places
from api.questions import Option
from api.texts import translator, typeset
from geo_matcher.errors import UnknownCommuneError
from geo_matcher.layers import LAYER_GROUPS, LAYERS
from geo_matcher.place_sets import PLACE_GROUPS, PLACE_SETS
from geo_matcher.reach import default_destination, destination_label, find_destination
from geo_matcher.territory import Territory

__all__ = ["MapControls", "OptionGroup", "map_controls", "resolved", "typed_choice"]

MAX_SHOWN = 60


class OptionGroup(NamedTuple):
    """Choices under one heading."""

    label: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class MapControls:
    """What the map may show, and what it shows.

    Attributes
    ----------
    layers
        What communes can be coloured by; a group without a label stands first.
    needs_town
        Whether the chosen layer leads to a town.
    town, town_code
        That town, as written and as a code; the code is empty where the text names none.
    places
        Kinds of places.
    places_count
        How many of them are chosen.
    table_href
        The same as a table.
    """

    layers: tuple[OptionGroup, ...]
    needs_town: bool
    town: str
    town_code: str
    places: tuple[OptionGroup, ...]
    places_count: int
    table_href: str


def resolved(territory: Territory, asked: Asked) -> Asked:
    """Return what is asked with the town as a code.

    Nobody says where minutes lead: then they lead to the largest commune.

    Raises
    ------
    FormError
        If no commune of the network bears that name, or several do.
    """
    choice = asked.map
    if choice.show != TO_LAYER:
        return asked
    try:
        code = (
            find_destination(territory, choice.to) if choice.to else default_destination(territory)
        )
    except UnknownCommuneError as error:
        names = ", ".join(error.suggestions)
        code = "near_place" if names else "unknown_place"
        fault = Fault("to", code, choice.to[:MAX_SHOWN], (names,) if names else ())
        fields = profile_fields(asked.profile) | choice.fields()
        raise FormError((fault,), fields, asked.scope, asked.language) from None
    if code == choice.to:
        return asked
    return replace(asked, map=replace(choice, to=code), is_canonical=False)


def typed_choice(fields: Mapping[str, str]) -> MapChoice:
    """Return what can be read of a choice in answers that cannot be read as a whole."""
    show = fields.get("show", "")
    places, _ = read_places(fields.get("places", ""))
    return MapChoice.of(show if show in SHOWN else SHOWN[0], fields.get("to", ""), places)


def map_controls(territory: Territory, choice: MapChoice, query: str, language: str) -> MapControls:
    """Return the controls of the map.

    Parameters
    ----------
    territory
        The release in service.
    choice
        What the map shows.
    query
        The whole search, for the table.
    language
        ``fr`` or ``en``.
    """
    t = translator(language)
    score = Option(SHOWN[0], t("map.show.score"), choice.show == SHOWN[0])
    layers = (
        (name, layer.group, layer.label(language), name == choice.show)
        for name, layer in LAYERS.items()
    )
    places = (
        (name, found.group, found.label(language), name in choice.places)
        for name, found in PLACE_SETS.items()
    )
    code = _code(territory, choice.to)
    return MapControls(
        layers=(OptionGroup("", (score,)), *_grouped(layers, LAYER_GROUPS, language)),
        needs_town=choice.show == TO_LAYER,
        town=destination_label(territory, code) if code else choice.to,
        town_code=code,
        places=tuple(_grouped(places, PLACE_GROUPS, language)),
        places_count=len(choice.places),
        table_href=f"/table?{query}" if query else "/table",
    )


def _code(territory: Territory, text: str) -> str:
    try:
        return find_destination(territory, text)
    except UnknownCommuneError:
        return ""


def _grouped(
    rows: Iterable[tuple[str, str, str, bool]],
    groups: Mapping[str, tuple[str, str]],
    language: str,
) -> Iterable[OptionGroup]:
    """Gather names, groups, labels and whether they are chosen under their headings."""
    found: dict[str, list[Option]] = {group: [] for group in groups}
    for name, group, label, is_chosen in rows:
        found[group].append(Option(name, typeset(label, language), is_chosen))
    for group, labels in groups.items():
        yield OptionGroup(typeset(labels[language != "fr"], language), tuple(found[group]))
