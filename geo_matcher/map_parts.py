"""What stands around the map on its page: styles, title, legend, sources and the drawing script.

Hides where Leaflet's own files are, and how texts reach the page. Every text of the data or of a
profile leaves this module either as JSON in which ``<``, ``>`` and ``&`` are escaped, or through a
template that escapes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup
from xstatic.pkg import leaflet

from geo_matcher.catchments import catchments
from geo_matcher.criteria import CRITERIA, Unit
from geo_matcher.destinations import DAILY_SERVICES
from geo_matcher.driving_layers import reach_limit_min
from geo_matcher.exports import credit_lines, place_tables, used_tables
from geo_matcher.journeys import Journeys
from geo_matcher.layers import LAYERS as FIGURES
from geo_matcher.layers import REACHED_STEPS, class_labels, source_tables
from geo_matcher.look import COLOURS, NO_DATA, SCORE_COLOURS, SCORE_LIMITS
from geo_matcher.map_data import (
    BEST,
    FIBRE_COLOURS,
    FIBRE_LIMITS,
    ISOCHRONES,
    LAYERS,
    SYMBOLS,
    TYPE_COLOURS,
    MapLayer,
    drawn_layers,
    drawn_types,
    ground_json,
    isochrone_origin,
    ranking_data,
    script_json,
)
from geo_matcher.map_words import WORDS
from geo_matcher.matching import Ranking
from geo_matcher.numbers import format_number, format_raw
from geo_matcher.presets import PRESETS
from geo_matcher.territory import Territory

__all__ = [
    "asset",
    "drawing_script",
    "isolated",
    "leaflet_css",
    "leaflet_js",
    "map_css",
    "map_js",
    "panels_html",
    "profile_label",
    "templates",
    "title_html",
]


# --- Assets ------------------------------------------------------------------------------------


@cache
def asset(name: str) -> str:
    """Return a text that ships with the library."""
    return (resources.files("geo_matcher") / "assets" / name).read_text(encoding="utf-8")


@cache
def leaflet_js() -> str:
    """Return Leaflet itself, without the line that sends a browser to its source map."""
    text = (Path(leaflet.BASE_DIR) / "leaflet.js").read_text(encoding="utf-8")
    return text.split("//# sourceMappingURL")[0].rstrip()


@cache
def leaflet_css() -> str:
    """Return Leaflet's style without the rules that would load pictures beside the page."""
    text = (Path(leaflet.BASE_DIR) / "leaflet.css").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "url(" not in line]
    return "\n".join(lines)


def map_js() -> str:
    """Return the scripts that draw a map from its arrays, as one."""
    return "\n".join(map(asset, ("map_cards.js", "map_ground.js", "map.js")))


@cache
def map_css() -> str:
    """Return the style of the page, with the colours of the identity as variables."""
    colours = "".join(f"--{name}:{value};" for name, value in COLOURS.items())
    return f":root{{{colours}}}\n{asset('map.css')}"


@cache
def templates() -> jinja2.Environment:
    """Return the templates of the pages, which escape every text."""
    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(asset),
    )


def isolated(text: str) -> Markup:
    """Return what somebody typed, escaped, so that its direction of writing stays its own."""
    return Markup("<bdi>{}</bdi>").format(text)


# --- The page ----------------------------------------------------------------------------------


def profile_label(ranking: Ranking, language: str) -> str:
    """Return what a profile is called: the label of an untouched preset, else its own name."""
    profile = ranking.profile
    preset = PRESETS.get(profile.name)
    if preset is not None and preset.profile == profile:
        return preset.label_fr if language == "fr" else preset.label_en
    return profile.name.strip() or WORDS[language]["no_profile"]


def _headline(ranking: Ranking, language: str) -> str:
    """Say in one sentence what the map shows."""
    words = WORDS[language]
    scores = ranking.score[ranking.order]
    count = len(scores)
    if not count:
        return words["none_listed"]
    low, high = (
        format_number(s, language, ".1") for s in (scores.min().item(), scores.max().item())
    )
    name = "one_listed" if count == 1 else "same_listed" if low == high else "many_listed"
    return words[name].format(count=format_number(count, language), low=low, high=high)


def title_html(ranking: Ranking, language: str) -> str:
    """Return the head of the page: what the map shows, and a field to find a commune."""
    words = WORDS[language]
    excluded = len(ranking.excluded)
    name = "one_excluded" if excluded == 1 else "many_excluded"
    count = format_number(excluded, language)
    return (
        templates()
        .get_template("map_title.html")
        .render(
            words=words,
            headline=_headline(ranking, language),
            excluded=words[name].format(count=count) if excluded else "",
        )
    )


def panels_html(ranking: Ranking, language: str) -> str:
    """Return the legend and the sources."""
    territory = ranking.territory
    words = WORDS[language]
    scope_words = words[f"scope_{ranking.scope}"]
    count = format_number(int(ranking.in_scope.sum()), language)
    has_reconstructed = "reconstructed" in territory.partner_evidence.values()
    said = [
        words["estimated"],
        words[f"timed_{territory.parameters['travel_times']['network']}"],
        *([words["reconstructed"]] if has_reconstructed else []),
    ]
    return (
        templates()
        .get_template("map_panels.html")
        .render(
            words=words,
            best=min(BEST, len(ranking)),
            has_excluded=len(ranking.excluded) > 0,
            has_outside=not ranking.in_scope.all(),
            has_reconstructed=has_reconstructed,
            score_steps=_steps(SCORE_COLOURS, [str(limit) for limit in SCORE_LIMITS]),
            fibre_steps=_steps(
                FIBRE_COLOURS, [format_number(100 * share, language) for share in FIBRE_LIMITS]
            ),
            no_data=NO_DATA,
            ash=COLOURS["ash"],
            types=_type_entries(territory, language),
            types_note=_types_note(territory, language),
            wheel_steps=[
                (SCORE_COLOURS[step], high)
                for step, _, high in class_labels(FIGURES["wheel"], language)
            ],
            wheel_note=FIGURES["wheel"].note(language),
            **_reached(territory, language),
            isochrones=_isochrone_title(ranking, language),
            has_unknown_fibre=bool(territory.indicators["ftth_coverage_share"].isna().any()),
            signs={
                layer.name: [
                    (symbol.shape, symbol.letter(language), words[symbol.name])
                    for symbol in SYMBOLS
                    if symbol.layer == layer.name
                ]
                for layer in LAYERS
            },
            unsure="work",
            told=[
                (words["profile"], isolated(profile_label(ranking, language))),
                (words["scope"], f"{scope_words} ({count})"),
                (words["release"], territory.release_id),
            ],
            notes=[" ".join(said)],
            credits=credit_lines(territory, _drawn_tables(ranking), language),
        )
    )


def _steps(colours: Sequence[str], limits: Sequence[str]) -> list[tuple[str, str]]:
    """Pair each colour with the limit at its right end; the last has none."""
    return list(zip(colours, (*limits, ""), strict=True))


def _type_entries(territory: Territory, language: str) -> list[tuple[str, str, str, str]]:
    """Return colour, letter, name and size of each type of communes."""
    types = drawn_types(territory)
    return [
        (
            colour,
            kind.letter,
            kind.name(language),
            WORDS[language]["type_size"].format(
                count=format_number(len(kind.members), language), typical=kind.typical_name
            ),
        )
        for colour, kind in zip(TYPE_COLOURS, types.types if types else (), strict=False)
    ]


def _reached(territory: Territory, language: str) -> dict[str, Any]:
    """Return what is said of the catchments of work places: classes, people, ground."""
    words = WORDS[language]
    limit = reach_limit_min(territory)
    found = catchments(territory, "workplace", limit)
    people = {
        name: format_number(count, language)
        for name, count in found.people(territory.communes["population"]).items()
    }
    names = ("none", "one", "several")
    return {
        "reached_steps": [
            (SCORE_COLOURS[step], words[f"reached_{name}"])
            for step, name in zip(REACHED_STEPS, names, strict=True)
        ],
        "reached_title": words["legend_reached"].format(
            limit=format_raw(limit, Unit.MINUTES, language)
        ),
        "reached_people": words["reached_people"].format(**people),
        "reached_ground": words["reached_ground"].format(
            desert=format_number(found.desert_km2, language),
            overlap=format_number(found.overlap_km2, language),
        ),
        "reached_note": FIGURES["catchments"].note(language),
    }


def _isochrone_title(ranking: Ranking, language: str) -> str:
    """Name from where the ground within reach is drawn; empty where none is."""
    code = isochrone_origin(ranking)
    if not code or ISOCHRONES not in drawn_layers(ranking.territory):
        return ""
    name = Journeys.of(ranking.territory).halls.at[code, "name"]
    return WORDS[language]["legend_isochrones"].format(name=name)


def _types_note(territory: Territory, language: str) -> str:
    """Say how far the types of communes can be trusted, where that must be said."""
    types = drawn_types(territory)
    if types is None:
        return WORDS[language]["no_types"]
    return WORDS[language]["weak_types"] if types.is_weak else ""


def _drawn_tables(ranking: Ranking) -> Iterable[str]:
    """Return the tables of the ranking and of what is drawn beside it."""
    territory = ranking.territory
    of_kind: Mapping[str, frozenset[str]] = place_tables(territory)
    kinds = [*DAILY_SERVICES, *(kind for symbol in SYMBOLS for kind in symbol.kinds)]
    drawn = [table for kind in kinds for table in of_kind.get(kind, ())]
    types = drawn_types(territory)
    in_types = np.isin(list(CRITERIA), types.criteria if types else ()).astype(np.float64)
    typed = used_tables(replace(ranking, weights=in_types))  # as if a profile asked for just these
    driven = {*source_tables(territory, FIGURES["wheel"]), "travel_times"}
    own = {"places", "broadband_fixed"}
    return {*used_tables(ranking), *typed, *drawn, *driven, *own}


SCRIPT_WORDS = (
    "map", "find", "not_found", "layers", "scope", "of_100", "rank", "tied", "out_of_scope",
    "excluded", "partner_sourced", "partner_reconstructed", "type", "commune_type", "ledger",
    "criterion", "figure", "points", "flags", "missing", "close", "zoom_in", "zoom_out", "decimal",
)  # fmt: skip
"""Words that the script needs."""


def drawing_script(
    ranking: Ranking, language: str, map_name: str, layer_names: Mapping[str, str]
) -> str:
    """Return the call that draws a ranking on a Leaflet map.

    Parameters
    ----------
    ranking
        What to draw.
    language
        ``fr`` or ``en``.
    map_name, layer_names
        Names of the JavaScript variables of the map and of each layer.
    """
    words = WORDS[language]
    groups: dict[str, list[MapLayer]] = {}
    for layer in drawn_layers(ranking.territory):
        groups.setdefault(layer.group, []).append(layer)
    rest = {
        "count": format_number(len(ranking), language),
        "scope": words[f"scope_{ranking.scope}"],
        "words": {name: words[name] for name in SCRIPT_WORDS},
        "colours": {**COLOURS, "noData": NO_DATA},
        "scoreColours": SCORE_COLOURS,
        "fibreColours": FIBRE_COLOURS,
        "typeColours": TYPE_COLOURS,
        "symbols": [
            {
                "layer": s.layer,
                "shape": s.shape,
                "letter": s.letter(language),
                "label": words[s.name],
            }
            for s in SYMBOLS
        ],
        "groups": [
            {
                "label": words[f"group_{group}"],
                "layers": [
                    {
                        "name": layer.name,
                        "label": words[f"layer_{layer.name}"],
                        "exclusive": layer.is_exclusive,
                    }
                    for layer in layers
                ],
            }
            for group, layers in groups.items()
        ],
    }
    variables = ",".join(f"{name}:{variable}" for name, variable in layer_names.items())
    return (
        f"drawMatchMap({map_name},{{{variables}}},"
        f'{{"ground":{ground_json(ranking.territory, language)},'
        f'"result":{script_json(ranking_data(ranking, language))},'
        f'"page":{script_json(rest)}}});'
    )
