"""The planners' map: gaps, copper, the plan, its robust core and lifts, in one file.

Hides what is drawn where and in which words. Like ``maps`` it computes nothing and loads nothing;
texts leave this module as JSON that is safe in a script or through templates that escape them.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from geo_matcher.criteria import Unit
from geo_matcher.exports import commune_geometries, credit_lines
from geo_matcher.gaps import GAP_CLASSES, LATE_MONTHS, Gaps, left_at_closing
from geo_matcher.lift import Lifts
from geo_matcher.look import COLOURS, COPPER_COLOURS, GAP_COLOURS, NO_DATA, SCORE_COLOURS
from geo_matcher.map_data import DECIMALS, MapLayer, department_lines, script_json
from geo_matcher.map_parts import asset, templates
from geo_matcher.map_words import WORDS
from geo_matcher.maps import draw_map
from geo_matcher.numbers import NBSP, format_date, format_number, format_raw
from geo_matcher.planning import Plan
from geo_matcher.planning_files import PLAN_TABLES
from geo_matcher.planning_words import PLANNING_WORDS
from geo_matcher.robust_core import RobustCore
from geo_matcher.territory import Territory

__all__ = ["planning_map_html"]

LIFT_LIMITS = (0.5, 2.0, 5.0, 10.0, 20.0)
"""Newcomers gained at which the colour of the lift layer changes."""

LIFT_COLOURS = (NO_DATA, *SCORE_COLOURS[1:6])

POSSIBLE, DEPENDS = "gm-possible", "gm-depends"

SHAPES = {
    "fibre": ("square sky", "F"),
    "wireless": ("diamond sage", "R"),
    "satellite": ("round ink", "S"),
    "mobile": ("diamond ink", "M"),
    "work_place": ("square clay", "C"),
}
"""Shape and letter of each kind of action."""

TELECENTRE = ("round clay", "T")

COUNT_NAMES = ("Ma connexion internet", "Cartefibre")


@dataclass(frozen=True, slots=True)
class _Colouring:
    """One way of colouring the communes: a fill and a label for each class."""

    layer: str
    title: str
    fills: tuple[str, ...]
    labels: tuple[str, ...]
    classes: tuple[int, ...]


def planning_map_html(
    territory: Territory,
    found: Gaps,
    plan: Plan,
    core: RobustCore | None = None,
    lifts: Lifts | None = None,
    language: str = "fr",
) -> str:
    """Return the planners' map as one HTML document that opens from disk.

    Parameters
    ----------
    territory
        The release.
    found, plan
        Its gaps, and what is built.
    core, lifts
        The robust core and the lifts of one action; None to leave out their layers.
    language
        ``fr`` or ``en``.

    Raises
    ------
    ValueError
        If the language is unknown.
    """
    if language not in PLANNING_WORDS:
        raise ValueError(
            f"Unknown language {language!r}: expected one of {', '.join(PLANNING_WORDS)}."
        )
    texts = PLANNING_WORDS[language]
    colourings = [
        _gap_colouring(found, texts),
        _copper_colouring(found, texts, language),
        *([] if core is None else [_core_colouring(found, core, texts)]),
        *([] if lifts is None else [_lift_colouring(found, lifts, texts, language)]),
    ]
    layers = (
        *(MapLayer(c.layer, "colour", is_exclusive=True, is_shown=not k)
          for k, c in enumerate(colourings)),
        MapLayer("portfolio", "plan", is_shown=True),
        MapLayer("tiles", "ground"),
    )  # fmt: skip
    headline = texts["headline"].format(
        count=format_number(len(plan.actions), language),
        cost=_euros(plan.total_cost_eur, language),
        low=format_number(int(found.low.sum()), language),
        high=format_number(int(found.high.sum()), language),
    )
    words = WORDS[language]
    header = (
        templates()
        .get_template("map_title.html")
        .render(words=words, headline=headline, excluded="")
    )
    page = _page(found, plan, colourings, layers, language)
    ground = _ground(territory, language)
    cards = _cards(found, plan, core, lifts, language)

    def script(name: str, variables: Mapping[str, str]) -> str:
        listed = ",".join(f"{layer}:{variable}" for layer, variable in variables.items())
        return (
            f'drawPlanMap({name},{{{listed}}},{{"ground":{{{ground},"cards":{script_json(cards)}}},'
            f'"page":{script_json(page)}}});'
        )

    drawn = draw_map(
        "planning",
        territory,
        language,
        title=f"{texts['title']} · {getattr(territory.catalog, f'name_{language}')}",
        js=f"{asset('map_cards.js')}\n{asset('plan_map.js')}",
        header=header,
        layers=_layer_labels(layers, language),
        panels=_panels(territory, plan, colourings, core, language),
        script=script,
    )
    return drawn.get_root().render()


def _euros(amount: float, language: str) -> str:
    text = format_number(amount, language)
    return f"{text}{NBSP}€" if language == "fr" else f"€{text}"


# --- Colours -------------------------------------------------------------------------------------


def _gap_colouring(found: Gaps, texts: Mapping[str, str]) -> _Colouring:
    fills = (GAP_COLOURS["certain"], f"url(#{POSSIBLE})", GAP_COLOURS["none"])
    classes = tuple(GAP_CLASSES.index(kind) for kind in found.classes)
    labels = tuple(texts[kind] for kind in GAP_CLASSES)
    return _Colouring("gap", texts["legend_gap"], fills, labels, classes)


def _copper_colouring(found: Gaps, texts: Mapping[str, str], language: str) -> _Colouring:
    days = sorted({day for day in found.closing if day is not None})
    steps = len(COPPER_COLOURS) - 1
    last = max(len(days) - 1, 1)
    fills = [COPPER_COLOURS[round(place * steps / last)] for place in range(len(days))]
    labels = [format_date(day, language) for day in days]
    number = {day: place for place, day in enumerate(days)}
    classes = tuple(len(days) if day is None else number[day] for day in found.closing)
    if None in found.closing:
        fills.append(NO_DATA)
        labels.append(texts["no_date"])
    return _Colouring("copper", texts["legend_copper"], tuple(fills), tuple(labels), classes)


def _core_colouring(found: Gaps, core: RobustCore, texts: Mapping[str, str]) -> _Colouring:
    kinds = ("no_regret", "depends", "rare")
    of = {commune.insee_code: kinds.index(commune.kind) for commune in core.communes}
    fills = (COLOURS["sage"], f"url(#{DEPENDS})", COLOURS["linen"], NO_DATA)
    labels = (*(texts[kind] for kind in kinds), texts["never"])
    classes = tuple(of.get(code, len(kinds)) for code in found.codes)
    return _Colouring("core", texts["legend_core"], fills, labels, classes)


def _lift_colouring(
    found: Gaps, lifts: Lifts, texts: Mapping[str, str], language: str
) -> _Colouring:
    gained = {lift.insee_code: lift.gains[0].gained for lift in lifts.lifts}
    limits = [format_number(x, language, "" if x == round(x) else ".1") for x in LIFT_LIMITS]
    labels = [texts["below"].format(high=limits[0])]
    labels += [
        texts["between"].format(low=low, high=high) for low, high in itertools.pairwise(limits)
    ]
    labels.append(texts["above"].format(low=limits[-1]))
    classes = tuple(bisect_right(LIFT_LIMITS, gained.get(code, 0.0)) for code in found.codes)
    title = texts["legend_lift"].format(people=format_number(lifts.profiles, language))
    return _Colouring("lift", title, LIFT_COLOURS, tuple(labels), classes)


# --- What is drawn -------------------------------------------------------------------------------


@lru_cache(maxsize=4)
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
        "about": [f"{f['epci']} · {p}" for f, p in zip(facts, people, strict=True)],
        "seats": seats.round(DECIMALS).tolist(),
    }
    return script_json(parts)[1:-1]


def _cards(
    found: Gaps, plan: Plan, core: RobustCore | None, lifts: Lifts | None, language: str
) -> list[list[list[str]]]:
    """Return, for each commune, the parts of its card: a heading, then sentences."""
    texts = PLANNING_WORDS[language]
    labels = _labels(plan, language)
    built: defaultdict[str, list[str]] = defaultdict(list)
    for action in plan.actions:
        built[action.insee_code].append(
            texts["action"].format(
                action=labels[action.action],
                cost=_euros(action.cost_eur, language),
                points=format_number(action.benefit, language, ".1"),
            )
        )
    shares = {} if core is None else {c.insee_code: c.share for c in core.communes}
    gains = {} if lifts is None else {lift.insee_code: lift for lift in lifts.lifts}
    cards = []
    for row, code in enumerate(found.codes):
        parts = [[texts["two_counts"], *_count_lines(found, row, language)]]
        parts.append([texts["copper"], _copper_line(found, row, language)])
        if code in built:
            parts.append([texts["built"], *built[code]])
        if core is not None:
            share = format_number(shares.get(code, 0.0), language, "%")
            parts.append([texts["core"], texts["share"].format(share=share)])
        if code in gains:
            gain = gains[code].gains[0]
            parts.append(
                [
                    texts["lift"],
                    texts["gain"].format(
                        sign="−" if gain.gained < 0 else "+",
                        n=format_number(abs(gain.gained), language, ".1"),
                        error=format_number(gain.draws_error, language, ".1"),
                        action=_lift_label(lifts, language),
                    ),
                ]
            )
        cards.append(parts)
    return cards


def _lift_label(lifts: Lifts | None, language: str) -> str:
    actions = () if lifts is None else lifts.as_dict(0)["actions"]
    return ", ".join(str(action[f"label_{language}"]) for action in actions)


def _count_lines(found: Gaps, row: int, language: str) -> list[str]:
    texts = PLANNING_WORDS[language]
    lines = []
    for column, name in enumerate(COUNT_NAMES):
        without = found.without_by_count[row, column]
        key = "unknown" if np.isnan(without) else "count"
        lines.append(
            texts[key].format(
                name=name,
                n=format_number(0 if np.isnan(without) else without, language),
                whole=format_number(int(found.counted_premises[row, column]), language),
            )
        )
    lines.append(
        texts["satellite"].format(n=format_number(int(found.without_30mbit[row]), language))
    )
    if found.rate_above_100[row]:
        lines.append(texts["over"])
    return lines


def _copper_line(found: Gaps, row: int, language: str) -> str:
    texts, day = PLANNING_WORDS[language], found.closing[row]
    if day is None:
        return texts["no_close"]
    gap = int(found.without_fibre[row])
    late = float(left_at_closing(gap, found.counted, day, months_late=LATE_MONTHS))
    return texts["closes"].format(
        day=format_date(day, language),
        n=format_number(gap, language),
        late=format_number(late, language),
    )


def _labels(plan: Plan, language: str) -> dict[str, str]:
    return {
        action.name: action.label_fr if language == "fr" else action.label_en
        for action in plan.scenario.action
    }


def _sign(plan: Plan, name: str) -> tuple[str, str]:
    return TELECENTRE if name == "telecentre" else SHAPES[plan.scenario.actions[name].kind]


def _layer_labels(layers: Sequence[MapLayer], language: str) -> dict[MapLayer, str]:
    words = {**WORDS[language], **PLANNING_WORDS[language]}
    return {layer: words[f"layer_{layer.name}"] for layer in layers}


def _page(
    found: Gaps,
    plan: Plan,
    colourings: Sequence[_Colouring],
    layers: Sequence[MapLayer],
    language: str,
) -> dict[str, Any]:
    texts, words, labels = PLANNING_WORDS[language], WORDS[language], _labels(plan, language)
    named = _layer_labels(layers, language)
    row_of = {code: row for row, code in enumerate(found.codes)}
    groups: dict[str, list[dict[str, Any]]] = {}
    for layer in layers:
        groups.setdefault(layer.group, []).append(
            {"name": layer.name, "label": named[layer], "exclusive": layer.is_exclusive}
        )
    order = np.argsort(-found.population, kind="stable")
    return {
        "words": {
            name: words[name]
            for name in ("map", "not_found", "layers", "close", "zoom_in", "zoom_out")
        },
        "colours": {**COLOURS, "noData": NO_DATA},
        "colourings": [
            {"layer": c.layer, "fills": c.fills, "labels": c.labels, "classes": c.classes}
            for c in colourings
        ],
        "signs": [
            [row_of[a.insee_code], *_sign(plan, a.action), labels[a.action]] for a in plan.actions
        ],
        "names": order.tolist(),
        "groups": [
            {"label": texts[f"group_{group}"], "layers": listed} for group, listed in groups.items()
        ],
        "source": texts["source"].format(day=format_date(found.counted, language)),
    }


def _panels(
    territory: Territory,
    plan: Plan,
    colourings: Sequence[_Colouring],
    core: RobustCore | None,
    language: str,
) -> str:
    texts, labels = PLANNING_WORDS[language], _labels(plan, language)
    used = [a.name for a in plan.scenario.action if any(p.action == a.name for p in plan.actions)]
    budget = _euros(plan.scenario.budget, language)
    notes = [texts["note"], WORDS[language]["estimated"]]
    if core is not None:
        notes.append(texts["core_note"].format(n=core.samples))
    return (
        templates()
        .get_template("plan_panels.html")
        .render(
            words={**WORDS[language], "plan": texts["plan"], "scenario": texts["scenario"]},
            patterns=(
                (POSSIBLE, GAP_COLOURS["possible"], GAP_COLOURS["certain"]),
                (DEPENDS, "#CFDBCB", COLOURS["sage"]),
            ),
            legends=[
                (c.layer, c.title, list(zip(c.fills, c.labels, strict=True))) for c in colourings
            ],
            signs=[(*_sign(plan, name), labels[name]) for name in used],
            ash=COLOURS["ash"],
            scenario=f"{plan.scenario.name} · {budget}",
            release=plan.release,
            notes=notes,
            credits=credit_lines(territory, PLAN_TABLES, language),
        )
    )
