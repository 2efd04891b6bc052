"""Tables of the planners' page, each ready to be written out cell by cell.

Hides how figures are written, and which way a click on a heading sorts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from api.planning_form import PlanAsked
from api.sheets import commune_path
from api.texts import NBSP, translator, typeset
from geo_matcher.epci_words import epci_label
from geo_matcher.gaps import CopperStep, Gaps
from geo_matcher.lift import Lifts
from geo_matcher.numbers import format_date, format_number
from geo_matcher.planning import Plan, PlannedAction
from geo_matcher.robust_core import RobustCore
from geo_matcher.siting import Siting

__all__ = [
    "ROWS_AT_ONCE",
    "Cell",
    "CostRow",
    "Head",
    "Table",
    "action_labels",
    "actions_table",
    "baselines_table",
    "copper_table",
    "core_table",
    "costs_table",
    "epcis_table",
    "euros",
    "frontier_table",
    "gaps_table",
    "interval",
    "lifts_table",
    "siting_note",
    "siting_table",
]

ROWS_AT_ONCE = 25
"""Actions that the table shows before one asks for all."""

CostRow = tuple[str, str, str, tuple[tuple[str, str], ...]]

LIFTS_SHOWN = 8
LOSERS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Head:
    """A heading; ``href`` sorts by it, ``order`` is how it is sorted now."""

    text: str
    is_number: bool = True
    href: str = ""
    order: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell; ``kind`` is a class of the style, empty for a plain one."""

    text: str
    is_number: bool = True
    href: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first cell of a row is its heading."""

    caption: str
    heads: tuple[Head, ...]
    rows: tuple[tuple[Cell, ...], ...]


def euros(amount: float, language: str) -> str:
    """Write whole euros."""
    text = format_number(amount, language)
    return f"{text}{NBSP}€" if language == "fr" else f"€{text}"


def interval(low: float, high: float, language: str) -> str:
    """Write an interval of premises, once where both ends are the same."""
    ends = [format_number(end, language) for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]}{NBSP}–{NBSP}{ends[1]}"


def action_labels(plan: Plan, language: str) -> Mapping[str, str]:
    """Return what people call each action of the scenario."""
    return {
        action.name: typeset(action.label_fr if language == "fr" else action.label_en, language)
        for action in plan.scenario.action
    }


def _words(*texts: str, name: str) -> tuple[Head, ...]:
    return (Head(name, is_number=False), *(Head(text) for text in texts))


def actions_table(plan: Plan, asked: PlanAsked) -> Table:
    """Return what a plan builds, sorted as asked."""
    language, t = asked.language, translator(asked.language)
    labels = action_labels(plan, language)
    keys: dict[str, Callable[[PlannedAction], str | float]] = {
        "name": lambda a: a.name,
        "epci": lambda a: a.epci,
        "action": lambda a: labels[a.action],
        "cost": lambda a: a.cost_eur,
        "points": lambda a: a.benefit,
        "premises": lambda a: a.premises,
        "ratio": _ratio,
    }
    sort = asked.fields["sort"]
    by, is_falling = sort.removeprefix("-"), sort.startswith("-")
    rows = sorted(plan.actions, key=lambda a: (a.insee_code, a.action))
    rows.sort(key=lambda a: _folded(keys[by](a)), reverse=is_falling)
    if asked.fields["rows"] != "all":
        rows = rows[:ROWS_AT_ONCE]
    heads = []
    for key in keys:
        is_text = key in {"name", "epci", "action"}
        is_now = key == by
        # A first click shows the largest figures, or the first names; a second one turns round.
        falls = not is_falling if is_now else not is_text
        heads.append(
            Head(
                t(f"plan.head.{key}"),
                not is_text,
                asked.href("actions", sort=f"-{key}" if falls else key),
                ("descending" if is_falling else "ascending") if is_now else "",
            )
        )
    return Table(
        t("plan.actions.caption"),
        tuple(heads),
        tuple(
            (
                Cell(a.name, is_number=False, href=_village(a.insee_code, a.name, language)),
                Cell(typeset(epci_label(a.epci, language), language), is_number=False),
                Cell(
                    labels[a.action] + (f" ({t('plan.decided')})" if a.is_decided else ""),
                    is_number=False,
                ),
                Cell(euros(a.cost_eur, language)),
                Cell(format_number(a.benefit, language, ".1")),
                Cell(format_number(a.premises, language) if a.premises else "–"),
                Cell(format_number(_ratio(a), language, ".1") if a.cost_eur else "–"),
            )
            for a in rows
        ),
    )


def _folded(key: str | float) -> str | float:
    return key.casefold() if isinstance(key, str) else key


def _ratio(action: PlannedAction) -> float:
    """Return points for each 100,000 euros."""
    return action.benefit / action.cost_eur * 1e5 if action.cost_eur else 0.0


def _village(code: str, name: str, language: str) -> str:
    return commune_path(code, name) + ("" if language == "fr" else f"?lang={language}")


def baselines_table(plan: Plan, language: str) -> Table:
    """Return what simpler ways of choosing would bring, beside the plan."""
    t = translator(language)
    rows = [
        (
            Cell(t("plan.baseline.plan"), is_number=False, kind="best"),
            Cell(format_number(plan.total_benefit, language, ".1"), kind="best"),
            Cell(euros(plan.total_cost_eur, language), kind="best"),
            Cell(format_number(1.0, language, "%"), kind="best"),
        )
    ]
    rows += [
        (
            Cell(t(f"plan.baseline.{item.name}"), is_number=False),
            Cell(format_number(item.benefit, language, ".1")),
            Cell(euros(item.cost_eur, language)),
            Cell("–" if item.share is None else format_number(item.share, language, "%")),
        )
        for item in plan.baselines
    ]
    heads = _words(
        t("plan.head.points"), t("plan.head.cost"), t("plan.head.share"), name=t("plan.head.way")
    )
    return Table(t("plan.baselines.caption"), heads, tuple(rows))


def epcis_table(plan: Plan, found: Gaps, language: str) -> Table:
    """Return what each EPCI lacks and gets."""
    t = translator(language)
    gaps = {epci.name: epci for epci in found.epcis}
    return Table(
        t("plan.epcis.caption"),
        _words(
            t("plan.head.gap"), t("plan.head.actions"), t("plan.head.cost"), t("plan.head.points"),
            name=t("plan.head.epci"),
        ),
        tuple(
            (
                Cell(typeset(epci_label(item.epci, language), language), is_number=False),
                Cell(interval(gaps[item.epci].low, gaps[item.epci].high, language)),
                Cell(format_number(item.actions, language)),
                Cell(euros(item.cost_eur, language)),
                Cell(format_number(item.benefit, language, ".1")),
            )
            for item in plan.epcis
        ),
    )  # fmt: skip


def gaps_table(found: Gaps, language: str) -> Table:
    """Return the gaps of each EPCI, both counts with their denominators."""
    t = translator(language)
    rows = []
    for epci in found.epcis:
        one, other = epci.counts
        classes = [found.classes[row] for row in epci.rows]
        cells = [
            t(
                "plan.of",
                n=format_number(count.without_fibre or 0, language),
                whole=format_number(count.premises, language),
            )
            for count in (one, other)
        ]
        flag = NBSP + "⚑" if found.rate_above_100[list(epci.rows)].any() else ""
        rows.append(
            (
                Cell(typeset(epci_label(epci.name, language), language), is_number=False),
                *(Cell(cell) for cell in cells),
                Cell(interval(epci.low, epci.high, language)),
                Cell(format_number(int(found.without_30mbit[list(epci.rows)].sum()), language)),
                Cell(
                    f"{classes.count('certain')} / {classes.count('possible')} / "
                    f"{classes.count('none')}{flag}"
                ),
            )
        )
    heads = _words(
        "Ma connexion internet", "Cartefibre", t("plan.head.gap"), t("plan.head.without_30mbit"),
        t("plan.head.classes"), name=t("plan.head.epci"),
    )  # fmt: skip
    return Table(t("plan.gaps.caption"), heads, tuple(rows))


def copper_table(steps: tuple[CopperStep, ...], language: str) -> Table:
    """Return what is left without fibre at each closing date of copper."""
    t = translator(language)
    heads = _words(
        t("plan.head.communes"), t("plan.head.premises"), t("plan.head.unbuilt"),
        t("plan.head.gap"), t("plan.head.late"), name=t("plan.head.closing"),
    )  # fmt: skip
    return Table(
        t("plan.copper.caption"),
        heads,
        tuple(
            (
                Cell(
                    t("plan.copper.no_date")
                    if step.day is None
                    else format_date(step.day, language),
                    is_number=False,
                ),
                Cell(format_number(step.communes, language)),
                Cell(format_number(step.premises, language)),
                Cell(format_number(step.unbuilt, language)),
                Cell(interval(step.low, step.high, language)),
                Cell("–" if step.late is None else format_number(step.late, language)),
            )
            for step in steps
        ),
    )


def frontier_table(plan: Plan, language: str) -> Table:
    """Return the best plan of each smaller budget."""
    t = translator(language)

    def points(value: float | None) -> str:
        return "–" if value is None else format_number(value, language, ".1")

    return Table(
        t("plan.frontier.caption"),
        _words(t("plan.head.points"), t("plan.head.marginal"), name=t("plan.head.budget")),
        tuple(
            (
                Cell(euros(point.budget_eur, language), is_number=False),
                Cell(points(point.benefit)),
                Cell(points(point.marginal_per_100k)),
            )
            for point in plan.frontier
        ),
    )


def core_table(core: RobustCore, plan: Plan, language: str) -> Table:
    """Return the actions that are in one optimum in ten at least, and what they depend on."""
    t = translator(language)
    labels = action_labels(plan, language)

    def reason(on: str) -> str:
        kind, _, action = on.partition(":")
        return t("plan.on.cost", action=labels[action]) if action else t(f"plan.on.{kind}")

    return Table(
        t("plan.core.caption"),
        (
            Head(t("plan.head.name"), is_number=False),
            Head(t("plan.head.action"), is_number=False),
            Head(t("plan.head.often")),
            Head(t("plan.head.class"), is_number=False),
            Head(t("plan.head.depends"), is_number=False),
        ),
        tuple(
            (
                Cell(row.name, is_number=False, href=_village(row.insee_code, row.name, language)),
                Cell(labels[row.action], is_number=False),
                Cell(format_number(row.share, language, "%")),
                Cell(t(f"plan.core.{row.kind}"), is_number=False, kind=row.kind),
                Cell("–" if row.depends_on is None else reason(row.depends_on.on), is_number=False),
            )
            for row in core.actions
            if row.kind != "rare"
        ),
    )


def lifts_table(found: Lifts, language: str) -> Table:
    """Return where an action would bring most newcomers, and who loses them."""
    t = translator(language)
    rows = []
    for lift in found.lifts[:LIFTS_SHOWN]:
        gain = lift.gain(5)
        gained, error, before = (
            format_number(number, language, ".1")
            for number in (abs(gain.gained), gain.draws_error, gain.before)
        )
        losers = ", ".join(
            f"{loss.name}{NBSP}−{format_number(loss.newcomers, language, '.1')}"
            for loss in gain.losers[:LOSERS_SHOWN]
        )
        sign = "−" if gain.gained < 0 else "+"
        name = Cell(lift.name, is_number=False, href=_village(lift.insee_code, lift.name, language))
        rows.append(
            (
                name,
                Cell(before),
                Cell(f"{sign}{gained}{NBSP}±{NBSP}{error}"),
                Cell(losers, is_number=False),
            )
        )
    heads = (
        Head(t("plan.head.name"), is_number=False),
        Head(t("plan.head.before")),
        Head(t("plan.head.gained")),
        Head(t("plan.head.losers"), is_number=False),
    )
    return Table(t("plan.lift.caption"), heads, tuple(rows))


def siting_note(found: Siting, language: str) -> str:
    """Say whom new spaces may reach; that is all there is to say where they would reach nobody."""
    style = ".1" if found.demand == "newcomers" else ""
    nobody = ".all_met" if not found.unmet else "" if _reaches(found) else ".out_of_reach"
    return translator(language)(
        f"plan.siting.{found.demand}{nobody}",
        unmet=format_number(found.unmet, language, style),
        total=format_number(found.total, language, style),
        unsure=format_number(found.unsure, language, style),
        minutes=format_number(found.within_min, language),
    )


def _reaches(found: Siting) -> bool:
    return any(step.sites for step in found.steps)


def siting_table(found: Siting, language: str) -> Table | None:
    """Return the best places of one, two and more new spaces; None where none reaches anybody."""
    if not _reaches(found):
        return None
    t = translator(language)
    style = ".1" if found.demand == "newcomers" else ""
    return Table(
        t("plan.siting.caption"),
        (
            Head(t("plan.head.spaces")),
            Head(t("plan.head.where"), is_number=False),
            Head(t("plan.head.reached")),
            Head(t("plan.head.of_unmet")),
        ),
        tuple(
            (
                Cell(str(step.count)),
                Cell(", ".join(site.name for site in step.sites), is_number=False),
                Cell(format_number(step.covered, language, style)),
                Cell(format_number(step.share, language, "%")),
            )
            for step in found.steps
        ),
    )


def costs_table(plan: Plan, language: str) -> tuple[CostRow, ...]:
    """Return, for each action, its label, its costs, its assumption and its sources."""
    t = translator(language)
    labels = action_labels(plan, language)
    rows: list[CostRow] = []
    for action in plan.scenario.action:
        costs = []
        for cost in action.cost:
            text = t(
                f"plan.cost.{cost.per}",
                low=euros(cost.low, language),
                central=euros(cost.central, language),
                high=euros(cost.high, language),
            )
            if cost.below_density_km2 is not None:
                density = format_number(cost.below_density_km2, language)
                text = t("plan.cost.below", cost=text, density=density)
            costs.append(text)
        reason = ""
        if action.assumption is not None:
            reason = getattr(action.assumption, f"reason_{language}")
        sources = tuple((typeset(source.title, "fr"), source.url) for source in action.source)
        semicolon = f"{NBSP}; " if language == "fr" else "; "
        rows.append(
            (labels[action.name], semicolon.join(costs), typeset(reason, language), sources)
        )
    return tuple(rows)
