"""A layer, or places, as plain types that travel: figures, classes, words, sources.

Hides which colour a class has and what a legend says. The same value answers the API, colours the
map and fills the table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from api.links import safe_url
from api.texts import typeset
from geo_matcher.catalog import provenance_in
from geo_matcher.criteria import Unit
from geo_matcher.decision import STATUS_WORDS, Status
from geo_matcher.driving_layers import reach_limit_min
from geo_matcher.errors import UnknownCommuneError
from geo_matcher.figure_years import figure_note
from geo_matcher.layers import (
    LAYERS,
    NO_CLASS,
    REACHED,
    REACHED_STEPS,
    TYPE,
    Layer,
    class_labels,
    layer_text,
    layer_values,
    source_tables,
    types_of,
)
from geo_matcher.look import SCORE_COLOURS
from geo_matcher.map_data import TYPE_COLOURS
from geo_matcher.map_words import WORDS
from geo_matcher.numbers import format_number, format_raw
from geo_matcher.place_sets import PLACE_SETS, places_shown
from geo_matcher.reach import destination_label, find_destination, suggest_destinations
from geo_matcher.territory import Territory
from geo_matcher.wheel import Trips

__all__ = ["layer_answer", "layer_facts", "layer_title", "places_answer", "sources_of", "towns"]


def layer_facts(territory: Territory, layer: Layer) -> dict[str, Any]:
    """Return what a layer of a release is, in plain types."""
    deep = "none" if not layer.breaks else "low" if layer.is_low_deep else "high"
    return {
        "name": layer.name,
        "group": layer.group,
        "label_fr": layer.label_fr,
        "label_en": layer.label_en,
        "note_fr": layer.note_fr or figure_note(territory, layer.name, "fr"),
        "note_en": layer.note_en or figure_note(territory, layer.name, "en"),
        "unit": layer.unit,
        "breaks": list(layer.breaks),
        "deep_end": deep,
    }


def layer_title(territory: Territory, name: str, to: str, language: str) -> str:
    """Return what a layer is called, with the commune that its minutes lead to."""
    layer = LAYERS[name]
    label = destination_label(territory, to) if name == "minutes_to" else layer.label(language)
    return typeset(label, language)


def layer_answer(
    territory: Territory, name: str, *, scope: str, to: str, language: str, trips: Trips = ()
) -> dict[str, Any]:
    """Return a layer for the communes of a scope.

    Parameters
    ----------
    territory
        The release in service.
    name, to, trips
        See :func:`geo_matcher.layers.layer_values`.
    scope, language
        Which communes, and the language of the words.
    """
    found = layer_values(territory, name, to, trips)
    layer = found.layer
    inside = territory.in_scope(scope)
    figures = [
        {
            "insee_code": code,
            "value": value if math.isfinite(value) else None,
            "value_low": low if status == Status.UPPER_BOUND and math.isfinite(low) else None,
            "step": None if step == NO_CLASS else step,
            "status": Status(status).label,
            "text": typeset(layer_text(layer, value, status, language), language),
        }
        for code, value, low, step, status, is_inside in zip(
            territory.codes,
            found.values.tolist(),
            found.low.tolist(),
            found.classes,
            found.status.tolist(),
            inside.tolist(),
            strict=True,
        )
        if is_inside
    ]
    words = STATUS_WORDS[language]
    # A bound is said in the figure itself ("12 min at most"); it is an estimate all the same.
    said = dict.fromkeys(figure["status"] for figure in figures)
    by_label = {status.label: words[status] for status in Status}
    by_label[Status.UPPER_BOUND.label] = words[Status.ESTIMATED]
    return {
        "release": found.release,
        "layer": layer_facts(territory, layer),
        "scope": scope,
        "language": language,
        "label": layer_title(territory, name, found.to, language),
        "unit": typeset(layer.unit_label(language), language),
        "note": typeset(_note(territory, layer, language), language),
        "to": _town(territory, found.to) if found.to else None,
        "legend": list(_legend(territory, layer, language)),
        "statuses": {status: by_label[status] for status in said},
        "sources": sources_of(territory, source_tables(territory, layer), language),
        "communes": figures,
    }


def _note(territory: Territory, layer: Layer, language: str) -> str:
    if layer.unit == REACHED:
        limit = format_raw(reach_limit_min(territory), Unit.MINUTES, language)
        return f"{WORDS[language]['reached_note'].format(limit=limit)} {layer.note(language)}"
    if layer.unit != TYPE:
        return layer.note(language) or figure_note(territory, layer.name, language)
    types = types_of(territory)
    if types is None:
        return WORDS[language]["no_types"]
    return WORDS[language]["weak_types"] if types.is_weak else ""


def _legend(territory: Territory, layer: Layer, language: str) -> Iterable[dict[str, Any]]:
    for step, low, high in class_labels(layer, language):
        colour = SCORE_COLOURS[step]
        yield {"step": step, "colour": colour, "low": low, "high": high, "label": ""}
    if layer.unit == REACHED:
        for step, word in zip(REACHED_STEPS, ("none", "one", "several"), strict=True):
            label = typeset(WORDS[language][f"reached_{word}"], language)
            colour = SCORE_COLOURS[step]
            yield {"step": step, "colour": colour, "low": "", "high": "", "label": label}
    if layer.unit != TYPE or (types := types_of(territory)) is None:
        return
    for step, kind in enumerate(types.types):
        size = WORDS[language]["type_size"].format(
            count=format_number(len(kind.members), language), typical=kind.typical_name
        )
        label = typeset(f"{kind.letter} · {kind.name(language)} ({size})", language)
        colour = TYPE_COLOURS[step]
        yield {"step": step, "colour": colour, "low": "", "high": "", "label": label}


def sources_of(territory: Territory, tables: Sequence[str], language: str) -> list[dict[str, str]]:
    """Return the credits of some tables, in their order."""
    known = {table.name: table for table in territory.catalog.tables}
    return [
        {
            "table": name,
            "credit": typeset(
                known[name].credit_fr if language == "fr" else known[name].credit_en, language
            ),
            "vintage": provenance_in(language, known[name].vintage),
            "licence": provenance_in(language, known[name].licence),
            "licence_url": safe_url(known[name].licence_url),
            "url": safe_url(known[name].url),
        }
        for name in tables
    ]


def places_answer(
    territory: Territory, names: Sequence[str], language: str, *, limit: int, offset: int
) -> dict[str, Any]:
    """Return the places of some sets, set by set."""
    places = [
        place
        | {"label": typeset(place["label"], language), "note": typeset(place["note"], language)}
        for name in names
        for place in places_shown(territory, name, language)
    ]
    tables = dict.fromkeys(place["source"] for place in places)
    return {
        "release": territory.release_id,
        "total": len(places),
        "limit": limit,
        "offset": offset,
        "sets": [
            {
                "name": name,
                "label": typeset(PLACE_SETS[name].label(language), language),
                "shape": PLACE_SETS[name].shape,
                "colour": PLACE_SETS[name].colour,
                "letter": PLACE_SETS[name].letter(language),
            }
            for name in names
        ],
        "sources": sources_of(territory, list(tables), language),
        "places": places[offset : offset + limit],
    }


def _town(territory: Territory, code: str) -> dict[str, str]:
    return {"insee_code": code, "label": destination_label(territory, code)}


def towns(territory: Territory, text: str, count: int) -> dict[str, Any]:
    """Return which communes of the network a text may mean."""
    found: dict[str, str] | None = None
    near: tuple[str, ...] = ()
    try:
        found = _town(territory, find_destination(territory, text))
    except UnknownCommuneError as error:
        near = error.suggestions
    return {
        "release": territory.release_id,
        "found": found,
        "suggestions": suggest_destinations(territory, text, count),
        "near": list(near),
    }
