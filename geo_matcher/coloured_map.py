"""A map of communes coloured in one of several ways, with signs on them, in one file.

Hides how the maps of planners and of advisers are put together: what both write of the ground, the
groups of their layers, their legends and their sources. They say what is coloured and in which
words. Texts leave this module as JSON that is safe in a script or through templates that escape
them.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from geo_matcher.criteria import Unit
from geo_matcher.epci_words import epci_label
from geo_matcher.exports import commune_geometries, credit_lines
from geo_matcher.kept import kept
from geo_matcher.look import COLOURS, NO_DATA
from geo_matcher.map_data import DECIMALS, MapLayer, department_lines, script_json
from geo_matcher.map_parts import asset, templates
from geo_matcher.map_words import WORDS
from geo_matcher.maps import draw_map
from geo_matcher.numbers import format_raw
from geo_matcher.territory import Territory

__all__ = [
    "Colouring",
    "Facts",
    "Key",
    "Sign",
    "class_texts",
    "colour_layers",
    "coloured_map_html",
]

Key = tuple[str, str, str]
"""Shape, letter and text of a sign in the legend."""

Cards = Sequence[Sequence[Sequence[str]]]
"""For each commune, the parts of its card: a heading, then sentences."""

WORDS_OF_PAGE = ("map", "not_found", "layers", "close", "zoom_in", "zoom_out")


@dataclass(frozen=True, slots=True)
class Colouring:
    """One way of colouring the communes: a fill and a label for each class."""

    layer: str
    title: str
    fills: tuple[str, ...]
    labels: tuple[str, ...]
    classes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sign:
    """A letter or a figure on a commune, in a layer."""

    row: int
    shape: str
    letter: str
    title: str
    layer: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands beside the map.

    Attributes
    ----------
    title
        Title of the page.
    headline, warning
        What the map shows, in a sentence; and what must be said of it, or nothing.
    keys
        For each layer of signs, its title (may be empty) and the signs of its legend.
    told
        Pairs (term, text) above the sources.
    notes
        Sentences below them.
    source
        The last line of every card.
    tables
        Tables of the catalog that the map rests on.
    patterns
        Triples (id, ground, line) of the hatchings that colourings use.
    """

    title: str
    headline: str
    warning: str
    keys: Mapping[str, tuple[str, Sequence[Key]]]
    told: Sequence[tuple[str, str]]
    notes: Sequence[str]
    source: str
    tables: Sequence[str]
    patterns: Sequence[tuple[str, str, str]] = ()


def class_texts(limits: Sequence[str], texts: Mapping[str, str]) -> tuple[str, ...]:
    """Name the classes between some limits, that below the first and that above the last.

    Parameters
    ----------
    limits
        Limits as they are written, rising.
    texts
        ``below``, ``between`` and ``above`` in a language.
    """
    return (
        texts["below"].format(high=limits[0]),
        *(texts["between"].format(low=low, high=high) for low, high in itertools.pairwise(limits)),
        texts["above"].format(low=limits[-1]),
    )


def colour_layers(colourings: Sequence[Colouring]) -> tuple[MapLayer, ...]:
    """Return a layer for each colouring, of which one is shown at a time, the first to begin."""
    return tuple(
        MapLayer(colouring.layer, "colour", is_exclusive=True, is_shown=not number)
        for number, colouring in enumerate(colourings)
    )


def coloured_map_html(
    name: str,
    territory: Territory,
    language: str,
    *,
    facts: Facts,
    texts: Mapping[str, str],
    layers: Sequence[MapLayer],
    colourings: Sequence[Colouring],
    signs: Sequence[Sign],
    cards: Cards,
) -> str:
    """Return a coloured map as one HTML document that opens from disk.

    Parameters
    ----------
    name
        Makes the names inside the page.
    territory
        The release.
    language
        ``fr`` or ``en``.
    facts
        What stands beside the map.
    texts
        Words of this map, before those of every map: ``layer_…`` and ``group_…``.
    layers
        Its layers in the order of the control.
    colourings, signs
        What is drawn; one colouring for each class layer.
    cards
        One for each commune, in their order.
    """
    words = {**WORDS[language], **texts}
    labels = {layer: words[f"layer_{layer.name}"] for layer in layers}
    groups: dict[str, list[dict[str, Any]]] = {}
    for layer, label in labels.items():
        groups.setdefault(layer.group, []).append(
            {"name": layer.name, "label": label, "exclusive": layer.is_exclusive}
        )
    population = np.array([fact["population"] for fact in territory.facts])
    page = {
        "words": {key: words[key] for key in WORDS_OF_PAGE},
        "colours": {**COLOURS, "noData": NO_DATA},
        "colourings": [
            {"layer": c.layer, "fills": c.fills, "labels": c.labels, "classes": c.classes}
            for c in colourings
        ],
        "signs": [[s.row, s.shape, s.letter, s.title, s.layer] for s in signs],
        "names": np.argsort(-population, kind="stable").tolist(),
        "groups": [
            {"label": words[f"group_{group}"], "layers": listed} for group, listed in groups.items()
        ],
        "source": facts.source,
    }

    def script(map_name: str, variables: Mapping[str, str]) -> str:
        listed = ",".join(f"{layer}:{variable}" for layer, variable in variables.items())
        return (
            f"drawColouredMap({map_name},{{{listed}}},"
            f'{{"ground":{{{_ground(territory, language)},"cards":{script_json(cards)}}},'
            f'"page":{script_json(page)}}});'
        )

    header = templates().get_template("map_title.html")
    panels = templates().get_template("coloured_panels.html")
    drawn = draw_map(
        name,
        territory,
        language,
        title=f"{facts.title} · {getattr(territory.catalog, f'name_{language}')}",
        js="\n".join(map(asset, ("map_cards.js", "map_ground.js", "coloured_map.js"))),
        header=header.render(words=words, headline=facts.headline, excluded=facts.warning),
        layers=labels,
        panels=panels.render(
            words=words,
            patterns=facts.patterns,
            legends=[
                (c.layer, c.title, list(zip(c.fills, c.labels, strict=True))) for c in colourings
            ],
            keys=[(layer, title, shown) for layer, (title, shown) in facts.keys.items()],
            shown={layer.name for layer in layers if layer.is_shown},
            ash=COLOURS["ash"],
            told=[*facts.told, (words["release"], territory.release_id)],
            notes=facts.notes,
            credits=credit_lines(territory, facts.tables, language),
        ),
        script=script,
    )
    return drawn.get_root().render()


@kept(maxsize=4)
def _ground(territory: Territory, language: str) -> str:
    """Return outlines, names and seats as the inside of a JSON object; made once, then kept."""
    west, south, east, north = territory.communes.total_bounds.round(DECIMALS).tolist()
    seats = territory.communes[["town_hall_lat", "town_hall_lon"]].to_numpy(dtype=np.float64)
    facts = territory.facts
    people = [format_raw(fact["population"], Unit.INHABITANTS, language) for fact in facts]
    parts = {
        "bounds": [[south, west], [north, east]],
        "shapes": [geometry["coordinates"] for geometry in commune_geometries(territory)],
        "outline": department_lines(territory),
        "names": [fact["name"] for fact in facts],
        "about": [
            f"{epci_label(f['epci'], language)} · {p}" for f, p in zip(facts, people, strict=True)
        ],
        "seats": seats.round(DECIMALS).tolist(),
    }
    return script_json(parts)[1:-1]
