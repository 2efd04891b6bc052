"""The planners' page: three sentences, a scenario, what it builds, and what could be asked further.

Hides which parts are made at once and which only on demand. Every figure is the library's; a
template only writes out :class:`PlanningView`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from api.forms import IMPORTANCE_WORDS
from api.links import safe_url
from api.planning_form import (
    CAN_BE_LEFT_OUT,
    COUNTS,
    DEFAULTS,
    FLOORS,
    PRESETS,
    WEIGHTS,
    PlanAsked,
    scenario_data,
)
from api.planning_tables import (
    ROWS_AT_ONCE,
    CostRow,
    Table,
    actions_table,
    baselines_table,
    copper_table,
    core_table,
    costs_table,
    epcis_table,
    euros,
    frontier_table,
    gaps_table,
    interval,
    lifts_table,
    siting_table,
)
from api.planning_work import core_of, lifts_of, plan_of, scenario_of, siting_of
from api.texts import translator, typeset
from geo_matcher.counterfactual import ACTIONS
from geo_matcher.epci_words import epci_label
from geo_matcher.gaps import ABSENT, LATE_MONTHS, TECHNOLOGIES, EpciGap, Gaps
from geo_matcher.kept import kept
from geo_matcher.numbers import format_date, format_number
from geo_matcher.planning import Plan, gaps_with_newcomers
from geo_matcher.planning_charts import Bar, Titles, bars_svg, curve_svg
from geo_matcher.robust_core import RobustCore
from geo_matcher.scenario import Scenario
from geo_matcher.territory import Territory

__all__ = ["FRONTIER_POINTS", "ROBUST_DRAWS", "PlanningView", "planning_view", "scenario_asked"]

FRONTIER_POINTS = 10
ROBUST_DRAWS = 20
"""What the page asks for on demand; the command line and the API take more."""

SITING_SPACES, SITING_MIN = 3, 15.0
LARGEST_GAPS = 3
NAMED = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """One value that a field may take."""

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A question answered by one of a few words."""

    key: str
    label: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class FormView:
    """The scenario form as typed.

    ``faults`` are pairs (field, sentence); ``presets`` triples (label, address, whether it is this
    one); ``hidden`` what is asked beside the scenario and stays.
    """

    budget: str
    exclude: str
    floor: Field
    count: Field
    weights: tuple[Field, ...]
    left_out: tuple[Choice, ...]
    presets: tuple[tuple[str, str, bool], ...]
    hidden: tuple[tuple[str, str], ...]
    faults: tuple[tuple[str, str], ...]
    faulty: frozenset[str]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with the sentence above it."""

    title: str
    svg: Markup
    note: str


@dataclass(frozen=True, slots=True)
class PlanView:
    """What a scenario builds.

    Attributes
    ----------
    sentences
        The plan in words.
    warnings
        Floors that could not be met, and a search cut short.
    actions, more
        The table, and the link that shows all of it: label and address.
    floors
        What each floor costs, in words.
    baselines, epcis
        Tables.
    frontier, frontier_table, frontier_href
        Picture and table, or where they are asked for; empty where the budget is too small already.
    core, core_table, core_href
        Sentences and table, or where they are asked for.
    """

    sentences: tuple[str, ...]
    warnings: tuple[str, ...]
    actions: Table
    more: tuple[str, str] | None
    floors: tuple[str, ...]
    baselines: Table
    epcis: Table
    frontier: Picture | None
    frontier_table: Table | None
    frontier_href: str
    core: tuple[str, ...]
    core_table: Table | None
    core_href: str
    costs: tuple[CostRow, ...]
    weights_reason: str


@dataclass(frozen=True, slots=True)
class PlanningView:
    """The whole page; ``plan`` is None where the scenario cannot be read.

    ``lifts`` are triples (label, address, whether it is shown); ``files`` pairs (label, address).
    """

    lead: tuple[str, ...]
    absent: tuple[str, ...]
    form: FormView
    plan: PlanView | None
    gaps: Table
    gaps_picture: Picture
    copper: Table
    copper_picture: Picture
    lifts: tuple[tuple[str, str, bool], ...]
    lift: Table | None
    lift_note: str
    siting: Table
    siting_note: str
    siting_href: str
    map_href: str
    files: tuple[tuple[str, str], ...]


def scenario_asked(asked: PlanAsked, territory: Territory) -> Scenario:
    """Return the scenario of an address that could be read."""
    data = scenario_data(asked, territory, _shipped_points(territory))
    return scenario_of(territory, data, asked.fields["budget"])


@kept(maxsize=4)
def _shipped_points(territory: Territory) -> Mapping[str, float]:
    weights = scenario_of(territory, {}, None).weights
    return {name: getattr(weights, name) for names in WEIGHTS.values() for name in names}


def planning_view(territory: Territory, asked: PlanAsked) -> PlanningView:
    """Return the whole page.

    Parameters
    ----------
    territory
        The release in service.
    asked
        What its address asks.
    """
    language, t = asked.language, translator(asked.language)
    found = gaps_with_newcomers(territory)
    plan = None
    if not asked.faults:
        plan = _plan_view(territory, scenario_asked(asked, territory), asked, found)
    action = asked.fields["lift"]
    lifts = lifts_of(territory, action, "all") if action else None
    demand = asked.fields["site"] or "population"
    siting = siting_of(territory, count=SITING_SPACES, within_min=SITING_MIN, demand=demand)
    style = ".1" if demand == "newcomers" else ""
    return PlanningView(
        lead=_lead(found, language),
        absent=tuple(typeset(fr if language == "fr" else en, language) for _, fr, en in ABSENT),
        form=_form(asked),
        plan=plan,
        gaps=gaps_table(found, language),
        gaps_picture=_gaps_picture(found, language),
        copper=copper_table(found.calendar(), language),
        copper_picture=_copper_picture(found, language),
        lifts=tuple(
            (
                typeset(item.label_fr if language == "fr" else item.label_en, language),
                asked.href("lift", lift=name),
                name == action,
            )
            for name, item in ACTIONS.items()
        ),
        lift=None if lifts is None else lifts_table(lifts, language),
        lift_note=""
        if lifts is None
        else t(
            "plan.lift.note",
            people=format_number(lifts.profiles, language),
            draws=format_number(lifts.draws, language),
        ),
        siting=siting_table(siting, language),
        siting_note=t(
            f"plan.siting.{demand}",
            unmet=format_number(siting.unmet, language, style),
            total=format_number(siting.total, language, style),
            unsure=format_number(siting.unsure, language, style),
            minutes=format_number(siting.within_min, language),
        ),
        siting_href=asked.href("siting", site="" if demand == "newcomers" else "newcomers"),
        map_href=asked.href(path="/maps/planning"),
        files=(
            *tuple(
                (t(f"plan.file.{kind}"), asked.href(path=f"/downloads/plan.{kind}"))
                for kind in ("csv", "geojson", "gpkg")
            ),
            (t("plan.file.gaps"), "/api/v1/gaps?by=commune&f=csv"),
            (t("plan.file.report"), asked.href(path="/downloads/plan.html", lang="fr")),
        ),
    )


# --- Gaps and copper -----------------------------------------------------------------------------


def _lead(found: Gaps, language: str) -> tuple[str, ...]:
    """Say how many premises remain, where, and when copper closes on them."""
    t = translator(language)

    def number(value: float) -> str:
        return format_number(value, language)

    one, other = (
        (int(found.counted_premises[:, k].sum()), int(found.with_fibre[:, k].sum())) for k in (0, 1)
    )
    missing = [int(sum(v for v in column if v == v)) for column in found.without_by_count.T]
    kinds = sorted(
        zip(TECHNOLOGIES, found.by_technology.sum(axis=0).tolist(), strict=True),
        key=lambda item: -item[1],
    )
    lines = ", ".join(
        f"{t(f'technology.{name}')} {number(count)}"
        for name, count in kinds
        if name != "ftth" and count
    )
    classes = {name: found.classes.count(name) for name in ("certain", "possible", "none")}
    largest = sorted(found.epcis, key=lambda epci: -epci.high)[:LARGEST_GAPS]
    where = ", ".join(
        f"{_name(epci, language)} ({interval(epci.low, epci.high, language)})" for epci in largest
    )
    steps = [step for step in found.calendar() if step.day is not None]
    days = [day for day in found.closing if day is not None]
    sentences = [
        t(
            "plan.lead.count",
            day=format_date(found.counted, language),
            low=number(int(found.low.sum())),
            high=number(int(found.high.sum())),
            one=number(missing[0]),
            one_whole=number(one[0]),
            other=number(missing[1]),
            other_whole=number(other[0]),
            lines=lines,
        ),
        t("plan.lead.where", where=where, **{k: number(v) for k, v in classes.items()}),
    ]
    if days:
        sentences.append(
            t(
                "plan.lead.copper",
                first=format_date(min(days), language),
                last=format_date(max(days), language),
                unbuilt=number(sum(step.unbuilt for step in steps)),
                low=number(sum(step.low for step in steps)),
                high=number(sum(step.high for step in steps)),
                late=number(sum(step.late or 0.0 for step in steps)),
                months=LATE_MONTHS,
            )
        )
    return tuple(sentences)


def _name(epci: EpciGap, language: str) -> str:
    return typeset(epci_label(epci.name, language), language)


def _gaps_picture(found: Gaps, language: str) -> Picture:
    t = translator(language)
    bars = []
    for epci in found.epcis:
        one = epci.counts[0].without_fibre or 0
        figure = f"{format_number(one, language)} ({interval(epci.low, epci.high, language)})"
        bars.append(Bar(_name(epci, language), figure, one, epci.low, epci.high))
    largest = found.epcis[0]
    title = t(
        "plan.gaps.title",
        name=_name(largest, language),
        n=format_number(largest.counts[0].without_fibre or 0, language),
    )
    titles = Titles("chart-gaps", title, t("plan.gaps.text"))
    return Picture(title, Markup(bars_svg(bars, titles)), t("plan.gaps.text"))


def _copper_picture(found: Gaps, language: str) -> Picture:
    t = translator(language)
    steps = found.calendar()
    bars = [
        Bar(
            t("plan.copper.no_date") if step.day is None else format_date(step.day, language),
            f"{format_number(step.unbuilt, language)} ({interval(step.low, step.high, language)})",
            step.unbuilt,
            step.low,
            step.high,
            step.late,
        )
        for step in steps
    ]
    worst = max(steps, key=lambda step: step.unbuilt)
    title = t(
        "plan.copper.title",
        day="–" if worst.day is None else format_date(worst.day, language),
        n=format_number(worst.unbuilt, language),
    )
    text = t("plan.copper.text", months=LATE_MONTHS)
    return Picture(title, Markup(bars_svg(bars, Titles("chart-copper", title, text))), text)


# --- The scenario --------------------------------------------------------------------------------


def _form(asked: PlanAsked) -> FormView:
    t, fields = translator(asked.language), asked.fields

    def field(key: str, label: str, values: tuple[str, ...], prefix: str) -> Field:
        choices = tuple(Choice(v, t(f"{prefix}.{v}"), fields[key] == v) for v in values)
        return Field(key, t(label), choices)

    kept = {key: fields[key] for key in ("lift", "site", "sort", "rows", "lang")}
    changed = {key: fields[key] for key in ("floor", *WEIGHTS)}
    unsaid = {key: DEFAULTS[key] for key in ("floor", *WEIGHTS, "frontier", "robust")}
    return FormView(
        budget=fields["budget"],
        exclude=fields["exclude"],
        floor=field("floor", "plan.form.floor", FLOORS, "plan.floor"),
        count=field("count", "plan.form.count", COUNTS, "plan.count"),
        weights=tuple(
            field(key, f"plan.form.{key}", IMPORTANCE_WORDS[::-1], "importance") for key in WEIGHTS
        ),
        left_out=tuple(
            Choice(name, t(f"plan.no.{name}"), name in asked.left_out) for name in CAN_BE_LEFT_OUT
        ),
        presets=tuple(
            (
                t(f"plan.preset.{name}"),
                asked.href("plan", **{**unsaid, **answers}),
                changed == {key: answers.get(key, DEFAULTS[key]) for key in changed},
            )
            for name, answers in PRESETS.items()
        ),
        hidden=tuple((key, value) for key, value in kept.items() if value != DEFAULTS[key]),
        faults=tuple((fault.key, fault.text) for fault in asked.faults),
        faulty=frozenset(fault.key for fault in asked.faults),
    )


def _plan_view(territory: Territory, scenario: Scenario, asked: PlanAsked, found: Gaps) -> PlanView:
    language, t = asked.language, translator(asked.language)
    plan = plan_of(territory, scenario)
    if asked.fields["frontier"] and not plan.relaxed:  # else no smaller budget meets the floors
        plan = plan_of(territory, scenario, FRONTIER_POINTS)
    core = core_of(territory, scenario, ROBUST_DRAWS) if asked.fields["robust"] else None
    more = None
    if len(plan.actions) > ROWS_AT_ONCE and asked.fields["rows"] != "all":
        count = len(plan.actions)
        text = t("plan.actions.all", count=count, n=format_number(count, language))
        more = (text, asked.href("actions", rows="all"))
    costs = tuple(
        (label, cost, reason, tuple((title, safe_url(url)) for title, url in sources))
        for label, cost, reason, sources in costs_table(plan, language)
    )
    return PlanView(
        sentences=_told(plan, language),
        warnings=_warnings(plan, found, language),
        actions=actions_table(plan, asked),
        more=more,
        floors=tuple(
            t(
                "plan.floor.price",
                floor=_floor_words(asked, label),
                points=format_number(price, language, ".1"),
                share=format_number(price / (plan.total_benefit + price), language, "%")
                if price
                else format_number(0, language, "%"),
            )
            for label, price in plan.floors
            if not plan.relaxed
        ),
        baselines=baselines_table(plan, language),
        epcis=epcis_table(plan, found, language),
        frontier=_frontier_picture(plan, language) if plan.frontier else None,
        frontier_table=frontier_table(plan, language) if plan.frontier else None,
        frontier_href="" if plan.relaxed else asked.href("frontier", frontier="1"),
        core=() if core is None else _core_told(core, language),
        core_table=None if core is None else core_table(core, plan, language),
        core_href=asked.href("core", robust="1"),
        costs=costs,
        weights_reason=typeset(getattr(scenario.weights, f"reason_{language}"), language),
    )


def _floor_words(asked: PlanAsked, label: str) -> str:
    """Say the floor of the form; the label of the library names other floors."""
    t = translator(asked.language)
    floor = asked.fields["floor"]
    return t(f"plan.floor.{floor}") if floor != "0" else label


def _told(plan: Plan, language: str) -> tuple[str, ...]:
    """Say what a plan builds and brings."""
    t = translator(language)
    count = len(plan.actions)
    if not count:
        return (t("plan.nothing", budget=euros(plan.scenario.budget, language)),)
    spent, left = (euros(x, language) for x in (plan.total_cost_eur, plan.left_over_eur))
    brought = (
        ("premises_fibre", plan.premises_fibre),
        ("premises_30mbit", plan.premises_30mbit),
        ("premises_equipped", plan.premises_equipped),
        ("near_work", plan.inhabitants_near_work),
    )
    brings = "; " if language == "en" else " ; "
    return (
        t(
            "plan.told",
            count=count,
            n=format_number(count, language),
            communes=format_number(len({a.insee_code for a in plan.actions}), language),
            spent=spent,
            left=left,
        ),
        t("plan.brings")
        + typeset(
            brings.join(
                t(f"plan.brings.{name}", count=round(value), n=format_number(value, language))
                for name, value in brought
                if value
            ),
            language,
        )
        + ".",
        t(
            f"plan.status.{plan.status}",
            points=format_number(plan.total_benefit, language, ".1"),
            gap=format_number(plan.optimality_gap, language, "%"),
        ),
    )


def _warnings(plan: Plan, found: Gaps, language: str) -> tuple[str, ...]:
    """Say which floors cannot be met, and what would meet them."""
    t = translator(language)
    names = {epci.code: epci_label(epci.name, language) for epci in found.epcis}
    told = [
        t(
            "plan.infeasible",
            asked=format_number(item.asked, language),
            kept=format_number(item.kept, language),
            communes=", ".join(typeset(names.get(who, who), language) for who in item.who),
        )
        for item in plan.relaxed
    ]
    if plan.relaxed and plan.budget_needed is not None:
        told.append(t("plan.budget_needed", budget=euros(plan.budget_needed, language)))
    return tuple(told)


def _frontier_picture(plan: Plan, language: str) -> Picture:
    t = translator(language)
    known = [(p.budget_eur, p.benefit) for p in plan.frontier if p.benefit is not None]
    half = next((b for b, points in known if points >= plan.total_benefit / 2), None)
    title = t("plan.frontier.none")
    if half is not None:
        title = t("plan.frontier.title", budget=euros(half, language))
    titles = Titles("chart-frontier", title, t("plan.frontier.text"))

    def millions(value: float) -> str:
        number = value / 1e6
        return format_number(number, language, "" if number == round(number) else ".1")

    # Nothing costs nothing; but where a floor cannot be met with less, less is no plan.
    starts = [(0.0, 0.0)] if len(known) == len(plan.frontier) else []
    svg = curve_svg(
        [*starts, *known],
        titles,
        axes=(t("plan.frontier.across"), t("plan.frontier.up")),
        write=(millions, lambda value: format_number(value, language)),
    )
    return Picture(title, Markup(svg), t("plan.frontier.text"))


def _core_told(core: RobustCore, language: str) -> tuple[str, ...]:
    """Say how many communes are without regret, and which."""
    t = translator(language)
    kinds = {
        kind: [commune.name for commune in core.communes if commune.kind == kind]
        for kind in ("no_regret", "depends", "rare")
    }
    named = ", ".join(kinds["no_regret"][:NAMED])
    named += "…" if len(kinds["no_regret"]) > NAMED else "."
    return (
        t("plan.core.draws", n=core.samples),
        t(
            "plan.core.told",
            no_regret=len(kinds["no_regret"]),
            depends=len(kinds["depends"]),
            rare=len(kinds["rare"]),
        ),
        t("plan.core.names", names=named) if kinds["no_regret"] else t("plan.core.nobody"),
        t(
            "plan.core.points",
            low=format_number(core.benefit_low, language, ".1"),
            high=format_number(core.benefit_high, language, ".1"),
        ),
    )
