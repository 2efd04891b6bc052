"""The report on a plan, for elected members: two A4 pages in French that need nothing else.

Hides the French of the report. Every sentence is made from a figure of the gaps or of the plan;
every picture is an SVG inside the page with its table. No script, no outside file. Same plan, same
bytes.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from geo_matcher.epci_words import epci_label
from geo_matcher.exports import credit_lines
from geo_matcher.gaps import ABSENT, LATE_MONTHS, TECHNOLOGIES, Gaps
from geo_matcher.look import COLOURS, GAP_COLOURS, NO_DATA
from geo_matcher.map_parts import asset, templates
from geo_matcher.numbers import NBSP, format_date, format_number
from geo_matcher.planning import Plan
from geo_matcher.planning_charts import Bar, Titles, bars_svg, map_svg
from geo_matcher.planning_files import PLAN_TABLES
from geo_matcher.territory import Territory

__all__ = ["ACTIONS_SHOWN", "planning_report_html"]

ACTIONS_SHOWN = 12
"""Actions that the report names; the files have them all."""

LETTERS = {"fibre": "F", "wireless": "R", "satellite": "S", "mobile": "M", "work_place": "C"}

LINES = {
    "cable": "câble",
    "copper_8mbit_or_more": "ADSL à 8 Mbit/s ou plus",
    "superfast_radio": "radio à très haut débit",
    "fixed_4g": "4G fixe",
    "radio": "radio",
    "satellite": "satellite",
}

BASELINES = {
    "best_ratio": "en prenant d'abord le plus de points par euro",
    "largest_gap_first": "en comblant d'abord les plus gros manques",
    "equal_shares_by_epci": "en donnant la même part à chaque EPCI",
}


def planning_report_html(territory: Territory, plan: Plan, found: Gaps) -> str:
    """Return the report on a plan: a whole page, in French, with its pictures inside.

    Parameters
    ----------
    territory
        The release.
    plan, found
        The plan, and the gaps it rests on.
    """
    from markupsafe import Markup

    colours = "".join(f"--{name}:{value};" for name, value in COLOURS.items())
    fills = GAP_COLOURS if found.is_counted.all() else {**GAP_COLOURS, "unknown": NO_DATA}
    gaps = "".join(f".c-commune.{name}{{fill:{fill}}}" for name, fill in fills.items())
    css = f":root{{{colours}}}\n{asset('audit.css')}\n{asset('plan_report.css')}\n{gaps}"
    pictures = {name: Markup(svg) for name, svg in _pictures(territory, plan, found).items()}
    return (
        templates()
        .get_template("plan_report.html")
        .render(css=Markup(css), pictures=pictures, **_context(territory, plan, found))
    )


def _number(value: float) -> str:
    return format_number(value, "fr")


def _euros(amount: float) -> str:
    return f"{_number(amount)}{NBSP}€"


def _interval(low: float, high: float) -> str:
    return _number(low) if low == high else f"{_number(low)} à {_number(high)}"


def _labels(plan: Plan) -> dict[str, str]:
    return {action.name: action.label_fr for action in plan.scenario.action}


def _context(territory: Territory, plan: Plan, found: Gaps) -> dict[str, Any]:
    counts = Counter(action.action for action in plan.actions)
    labels = _labels(plan)
    steps = [step for step in found.calendar() if step.day is not None]
    totals = found.by_technology.sum(axis=0).tolist()
    lines = [
        f"{LINES[name]} {_number(total)}"
        for name, total in sorted(zip(TECHNOLOGIES, totals, strict=True), key=lambda item: -item[1])
        if name != "ftth" and total
    ]
    without = [int(sum(v for v in column if v == v)) for column in found.without_by_count.T]
    return {
        "territory": territory.catalog.name_fr,
        "day": format_date(found.counted, "fr"),
        "title": _headline(plan),
        "low": _number(int(found.low.sum())),
        "high": _number(int(found.high.sum())),
        "mci": _number(without[0]),
        "cartefibre": _number(without[1]),
        "wholes": [_number(int(n)) for n in found.counted_premises.sum(axis=0)],
        "lines": ", ".join(lines),
        "classes": {name: found.classes.count(name) for name in ("certain", "possible", "none")},
        "uncounted": int((~found.is_counted).sum()),
        "first": format_date(steps[0].day, "fr") if steps and steps[0].day else "",
        "last": format_date(steps[-1].day, "fr") if steps and steps[-1].day else "",
        "unbuilt": _number(sum(step.unbuilt for step in steps)),
        "late": _number(sum(step.late or 0.0 for step in steps)),
        "months": LATE_MONTHS,
        "budget": _euros(plan.scenario.budget),
        "spent": _euros(plan.total_cost_eur),
        "brings": [
            (_number(value), text)
            for value, text in (
                (plan.premises_fibre, "locaux amenés à la fibre"),
                (plan.premises_30mbit, "locaux amenés à 30 Mbit/s par la terre"),
                (plan.premises_equipped, "locaux équipés d'un satellite"),
                (plan.inhabitants_near_work, "habitants rapprochés d'un lieu de travail"),
            )
            if value
        ],
        "proved": plan.status == "optimal",
        "gap": format_number(plan.optimality_gap, "fr", "%"),
        "kinds": [
            (_letter(action.name, action.kind), labels[action.name], counts[action.name])
            for action in plan.scenario.action
            if counts[action.name]
        ],
        "actions": [
            (
                action.name,
                labels[action.action],
                _euros(action.cost_eur),
                _number(action.premises) if action.premises else "–",
            )
            for action in plan.actions[:ACTIONS_SHOWN]
        ],
        "more": max(0, len(plan.actions) - ACTIONS_SHOWN),
        "epcis": [
            (
                epci_label(epci.name, "fr"),
                _interval(gap.low, gap.high),
                str(share.actions),
                _euros(share.cost_eur),
            )
            for epci in found.epcis
            for gap in (epci,)
            for share in plan.epcis
            if share.epci == epci.name
        ],
        "baselines": [
            (BASELINES[item.name], format_number(item.share, "fr", "%"))
            for item in plan.baselines
            if item.share is not None
        ],
        "floors": [format_number(price, "fr", ".1") for _, price in plan.floors],
        "relaxed": bool(plan.relaxed),
        "needed": "" if plan.budget_needed is None else _euros(plan.budget_needed),
        "assumptions": [
            (action.label_fr, action.assumption.reason_fr)
            for action in plan.scenario.action
            if action.assumption is not None and counts[action.name]
        ],
        "weights": plan.scenario.weights.reason_fr,
        "absent": [french for _, french, _ in ABSENT],
        "credits": credit_lines(territory, PLAN_TABLES, "fr"),
        "release": plan.release,
        "scenario": plan.scenario.id,
        "titles": _titles(plan, found),
    }


def _headline(plan: Plan) -> str:
    """Return the sentence of result."""
    budget = _euros(plan.scenario.budget)
    if not plan.actions:
        return f"Avec {budget}, rien de ce scénario ne peut être construit"
    kinds = {action.name: action.kind for action in plan.scenario.action}
    fibre = {a.insee_code for a in plan.actions if kinds[a.action] == "fibre"}
    where = _communes(len(fibre))
    if fibre:
        return f"Avec {budget}, {_number(plan.premises_fibre)} locaux à la fibre, dans {where}"
    where = _communes(len({action.insee_code for action in plan.actions}))
    return f"Avec {budget}, {_number(len(plan.actions))} actions, dans {where}"


def _communes(count: int) -> str:
    return "une commune" if count == 1 else f"{_number(count)} communes"


def _letter(name: str, kind: str) -> str:
    """Return the letter of an action on the map; a telecentre is not a coworking space."""
    return "T" if name == "telecentre" else LETTERS[kind]


def _titles(plan: Plan, found: Gaps) -> dict[str, str]:
    """Return the sentence above each picture, saying what it shows."""
    certain = found.classes.count("certain")
    steps = found.calendar()
    worst = max(steps, key=lambda step: step.unbuilt)
    day = "Sans date" if worst.day is None else f"Le {format_date(worst.day, 'fr')}"
    return {
        "map": f"{_communes(certain).capitalize()} à qui la fibre manque à coup sûr{NBSP}; le plan "
        f"agit dans {_communes(len({a.insee_code for a in plan.actions}))}",
        "copper": f"{day}, le cuivre ferme sur {_number(worst.unbuilt)} locaux sans fibre, si rien "
        "n'est construit",
    }


def _pictures(territory: Territory, plan: Plan, found: Gaps) -> dict[str, str]:
    titles = _titles(plan, found)
    kinds = {action.name: action.kind for action in plan.scenario.action}
    signs = {a.insee_code: _letter(a.action, kinds[a.action]) for a in reversed(plan.actions)}
    classes = dict(zip(found.codes, found.classes, strict=True))
    bars = [
        Bar(
            "Sans date" if step.day is None else format_date(step.day, "fr"),
            f"{_number(step.unbuilt)} ({_interval(step.low, step.high)})",
            step.unbuilt,
            step.low,
            step.high,
            step.late,
        )
        for step in found.calendar()
    ]
    return {
        "map": map_svg(
            territory,
            classes,
            Titles("report-map", titles["map"], "Classe de manque de chaque commune."),
            list(signs.items()),
        ),
        "copper": bars_svg(
            bars,
            Titles("report-copper", titles["copper"], "Locaux sans fibre à chaque fermeture."),
        ),
    }
