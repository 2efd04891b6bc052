"""The planners' map: gaps, copper, the plan, its robust core and lifts, in one file.

Hides what is drawn where and in which words. Like ``maps`` it computes nothing and loads nothing;
texts leave this module as JSON that is safe in a script or through templates that escape them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from geo_matcher.coloured_map import (
    Colouring,
    Facts,
    Sign,
    class_texts,
    colour_layers,
    coloured_map_html,
)
from geo_matcher.gaps import GAP_CLASSES, LATE_MONTHS, Gaps, left_at_closing
from geo_matcher.lift import Lifts
from geo_matcher.look import COLOURS, COPPER_COLOURS, GAP_COLOURS, NO_DATA, SCORE_COLOURS
from geo_matcher.map_data import MapLayer
from geo_matcher.map_parts import isolated
from geo_matcher.map_words import WORDS
from geo_matcher.numbers import NBSP, format_date, format_number
from geo_matcher.planning import Plan
from geo_matcher.planning_files import PLAN_TABLES
from geo_matcher.planning_words import PLANNING_WORDS
from geo_matcher.robust_core import RobustCore
from geo_matcher.territory import Territory

__all__ = ["planning_map_html"]

LIFT_LIMITS = (0.5, 2.0, 5.0, 10.0, 20.0)
"""Newcomers gained at which the colour of the lift layer changes."""

LIFT_COLOURS = (NO_DATA, *SCORE_COLOURS[1:6])

PLAN = "portfolio"
"""Layer of the actions that are built."""

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
    used = [a.name for a in plan.scenario.action if any(p.action == a.name for p in plan.actions)]
    labels = _labels(plan, language)
    row_of = {code: row for row, code in enumerate(found.codes)}
    notes = [texts["note"], WORDS[language]["estimated"]]
    if core is not None:
        notes.append(texts["core_note"].format(n=core.samples))
    budget = _euros(plan.scenario.budget, language)
    facts = Facts(
        title=texts["title"],
        headline=texts["headline"].format(
            count=format_number(len(plan.actions), language),
            cost=_euros(plan.total_cost_eur, language),
            low=format_number(int(found.low.sum()), language),
            high=format_number(int(found.high.sum()), language),
        ),
        warning="",
        keys={PLAN: (texts["plan"], [(*_sign(plan, name), labels[name]) for name in used])},
        told=[(texts["scenario"], isolated(f"{plan.scenario.name} · {budget}"))],
        notes=notes,
        source=texts["source"].format(day=format_date(found.counted, language)),
        tables=PLAN_TABLES,
        patterns=(
            (POSSIBLE, GAP_COLOURS["possible"], GAP_COLOURS["certain"]),
            (DEPENDS, "#CFDBCB", COLOURS["sage"]),
        ),
    )
    return coloured_map_html(
        "planning",
        territory,
        language,
        facts=facts,
        texts=texts,
        layers=(
            *colour_layers(colourings),
            MapLayer(PLAN, "plan", is_shown=True),
            MapLayer("tiles", "ground"),
        ),
        colourings=colourings,
        signs=[
            Sign(row_of[a.insee_code], *_sign(plan, a.action), labels[a.action], PLAN)
            for a in plan.actions
        ],
        cards=_cards(found, plan, core, lifts, language),
    )


def _euros(amount: float, language: str) -> str:
    text = format_number(amount, language)
    return f"{text}{NBSP}€" if language == "fr" else f"€{text}"


# --- Colours -------------------------------------------------------------------------------------


def _gap_colouring(found: Gaps, texts: Mapping[str, str]) -> Colouring:
    kinds, fills = GAP_CLASSES, [GAP_COLOURS["certain"], f"url(#{POSSIBLE})", GAP_COLOURS["none"]]
    labels = [texts[kind] for kind in kinds]
    if not found.is_counted.all():
        kinds = (*kinds, "unknown")
        fills.append(NO_DATA)
        labels.append(texts["uncounted"])
    classes = tuple(kinds.index(kind) for kind in found.classes)
    return Colouring("gap", texts["legend_gap"], tuple(fills), tuple(labels), classes)


def _copper_colouring(found: Gaps, texts: Mapping[str, str], language: str) -> Colouring:
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
    return Colouring("copper", texts["legend_copper"], tuple(fills), tuple(labels), classes)


def _core_colouring(found: Gaps, core: RobustCore, texts: Mapping[str, str]) -> Colouring:
    kinds = ("no_regret", "depends", "rare")
    of = {commune.insee_code: kinds.index(commune.kind) for commune in core.communes}
    fills = (COLOURS["sage"], f"url(#{DEPENDS})", COLOURS["linen"], NO_DATA)
    labels = (*(texts[kind] for kind in kinds), texts["never"])
    classes = tuple(of.get(code, len(kinds)) for code in found.codes)
    return Colouring("core", texts["legend_core"], fills, labels, classes)


def _lift_colouring(
    found: Gaps, lifts: Lifts, texts: Mapping[str, str], language: str
) -> Colouring:
    gained = {lift.insee_code: lift.gains[0].gained for lift in lifts.lifts}
    limits = [format_number(x, language, "" if x == round(x) else ".1") for x in LIFT_LIMITS]
    classes = tuple(bisect_right(LIFT_LIMITS, gained.get(code, 0.0)) for code in found.codes)
    title = texts["legend_lift"].format(people=format_number(lifts.profiles, language))
    return Colouring("lift", title, LIFT_COLOURS, class_texts(limits, texts), classes)


# --- Cards and signs -----------------------------------------------------------------------------


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
    if found.is_counted[row]:
        lines.append(
            texts["without_30mbit"].format(
                n=format_number(int(found.without_30mbit[row]), language)
            )
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
