"""The year's report: how many came, how far and how fast, who settled where, who is still there.

Hides how the library's figures become sentences, pictures and tables. What leaves the network holds
five families in each count of places; what the choices of settled families teach is said with its
uncertainty, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from markupsafe import Markup

from api.desk_places import desk_href
from api.desk_words import city_label, source_label, stage_label
from api.texts import translator, typeset
from geo_matcher.criteria import FAMILIES
from geo_matcher.dossiers.stages import Stage
from geo_matcher.dossiers.year_report import (
    DIMENSIONS,
    MIN_SHARED,
    GroupCount,
    YearReport,
)
from geo_matcher.numbers import format_number
from geo_matcher.outcomes import Learned
from geo_matcher.planning_charts import Bar, Step, Titles, bars_svg, steps_svg

__all__ = ["Picture", "ReportView", "Table", "report_rows", "report_view"]

SURVIVAL_MARKS = (0, 6, 12, 24, 36, 48)
"""Months that the curve names."""

TWO_YEARS = 24
"""Months after which the share is said in words, where families were followed so long."""

BARS = 8
"""Groups that a picture shows; the table has them all."""


class Picture(NamedTuple):
    """A picture with the sentence that says what it shows."""

    title: str
    svg: Markup


class Table(NamedTuple):
    """A table: its caption, its heads, its rows; cells after the first are figures."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Part(NamedTuple):
    """A part of the report: a picture where there is one, and its table."""

    name: str
    title: str
    picture: Picture | None
    table: Table | None
    note: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """The year's report.

    Attributes
    ----------
    year, years
        Which year; triples (address, year, whether it is this one).
    lead, since
        The year in a sentence; all years in another.
    figures
        Pairs (figure, what it counts).
    parts
        Funnel, delays, who is still there, groups, places.
    learned
        What the choices of settled families teach; None for whoever may not see it.
    files
        Pairs (address, label) of the same as files.
    note
        How the figures are made.
    """

    year: int
    years: tuple[tuple[str, int, bool], ...]
    lead: str
    since: str
    figures: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    learned: Part | None
    learned_href: str
    files: tuple[tuple[str, str], ...]
    note: str


def report_view(
    report: YearReport,
    language: str,
    *,
    this_year: int,
    is_shared: bool,
    learned: Learned | None = None,
    can_learn: bool = False,
) -> ReportView:
    """Return the year's report.

    Parameters
    ----------
    report
        The figures.
    language
        ``fr`` or ``en``.
    this_year
        The year that it is, up to which reports can be asked for.
    is_shared
        Whether it may leave the network: counts of few families are left out then.
    learned
        What the choices of settled families teach, where it was asked for.
    can_learn
        Whether there are enough files, and it can be asked for.
    """
    t = translator(language)
    if is_shared:
        report = report.for_sharing()
    year = report.year
    number = _number(language)
    first = min(report.first_year or year, year)
    return ReportView(
        year=year,
        years=tuple(
            (desk_href("/bilan", language, annee=one), one, one == year)
            for one in range(this_year, max(first, this_year - 7) - 1, -1)
        ),
        lead=t(
            "desk.report.lead",
            year=year,
            enquiries=number(report.enquiries),
            qualified=number(report.qualified),
            settled=number(report.settled),
            persons=number(report.persons),
        ),
        since=t(
            "desk.report.since",
            first=report.first_year,
            year=year,
            settled=number(report.settled_since),
            persons=number(report.persons_since),
        )
        if report.first_year
        else "",
        figures=tuple(
            (number(value), t(f"desk.figure.{name}", count=value))
            for name, value in (
                ("enquiries", report.enquiries),
                ("qualified", report.qualified),
                ("visits", report.visits),
                ("settled", report.settled),
                ("persons", report.persons),
            )
        ),
        parts=(
            _funnel(report, language),
            _delays(report, language),
            _survival(report, language),
            *(_group(name, report, language) for name in DIMENSIONS),
            *_places(report, language, is_shared=is_shared),
        ),
        learned=_learned(learned, language) if learned is not None else None,
        learned_href=desk_href("/bilan", language, annee=year, choix=1) + "#choix"
        if can_learn
        else "",
        files=(
            (desk_href("/bilan.html", language, annee=year), t("desk.report.html")),
            (desk_href("/bilan.csv", language, annee=year), t("desk.report.csv")),
        ),
        note=t("desk.report.note"),
    )


def _number(language: str) -> Any:
    return lambda value: format_number(value, language)


def _share(value: float | None, language: str) -> str:
    return "–" if value is None else format_number(round(value, 3), language, "%")


def _funnel(report: YearReport, language: str) -> Part:
    t, number = translator(language), _number(language)
    bars = [
        Bar(
            stage_label(step.stage, language),
            number(step.reached)
            + (f" · {_share(step.share, language)}" if step.stage is not Stage.ENQUIRY else ""),
            step.reached,
        )
        for step in report.funnel
    ]
    last = report.funnel[-1].reached
    title = t(
        "desk.funnel.title",
        count=last,
        enquiries=number(report.enquiries),
        qualified=number(report.qualified),
        settled=number(last),
    )
    table = Table(
        t("desk.funnel.table"),
        (t("desk.stage"), t("desk.head.reached"), t("desk.head.share"), t("desk.head.previous")),
        tuple(
            (
                stage_label(step.stage, language),
                number(step.reached),
                _share(step.share, language),
                _share(step.share_of_previous, language),
            )
            for step in report.funnel
        ),
    )
    picture = Picture(title, Markup(bars_svg(bars, Titles("funnel", title, t("desk.funnel.text")))))
    return Part(
        "funnel", t("desk.funnel"), picture if report.enquiries else None, table,
        t("desk.funnel.note"),
    )  # fmt: skip


def _delays(report: YearReport, language: str) -> Part:
    t = translator(language)
    known = [step for step in report.funnel if step.median_days is not None]
    table = Table(
        t("desk.delays.table"),
        (t("desk.stage"), t("desk.head.days")),
        tuple(
            (stage_label(s.stage, language), format_number(s.median_days or 0, language))
            for s in known
        ),
    )
    picture = None
    if known:
        last = known[-1]
        title = t(
            "desk.delays.title",
            days=format_number(last.median_days or 0, language),
            stage=stage_label(last.stage, language),
        )
        bars = [
            Bar(
                stage_label(s.stage, language),
                t("desk.days", count=round(s.median_days or 0),
                  n=format_number(s.median_days or 0, language)),
                s.median_days or 0,
            )
            for s in known
        ]  # fmt: skip
        svg = bars_svg(bars, Titles("delays", title, t("desk.delays.text")))
        picture = Picture(title, Markup(svg))
    note = t("desk.delays.note") if known else t("desk.delays.none")
    return Part("delays", t("desk.delays"), picture, table if known else None, note)


def _survival(report: YearReport, language: str) -> Part:
    t, survival = translator(language), report.survival
    if not survival.points:
        return Part("survival", t("desk.survival"), None, None, t("desk.survival.none"))
    points = [point for point in survival.points if point.at_risk >= MIN_SHARED]
    if not survival.reached or not points:
        text = t("desk.survival.few", n=MIN_SHARED)
        return Part("survival", t("desk.survival"), None, None, text)
    end = float(max(12, min(survival.reached, SURVIVAL_MARKS[-1])))
    steps = [Step(p.months, p.share, p.low, p.high) for p in points]
    if steps[0].at > 0:
        steps.insert(0, Step(0, 1.0))
    reached = min(survival.reached, TWO_YEARS)
    share = next((p.share for p in reversed(points) if p.months <= reached), 1.0)
    title = t(
        "desk.survival.title",
        months=format_number(reached, language),
        share=_share(share, language),
        families=format_number(survival.families, language),
        left=format_number(survival.left, language),
    )
    svg = steps_svg(
        steps,
        Titles("survival", title, t("desk.survival.text")),
        end=end,
        marks=[mark for mark in SURVIVAL_MARKS if mark <= end],
        axes=(t("desk.survival.across"), t("desk.survival.up")),
        write=(
            lambda months: format_number(months, language),
            lambda share: format_number(share, language, "%"),
        ),
    )
    table = Table(
        t("desk.survival.table"),
        (
            t("desk.head.months"), t("desk.head.still"), t("desk.head.low"), t("desk.head.high"),
            t("desk.head.followed"),
        ),
        tuple(
            (
                format_number(point.months, language),
                _share(point.share, language),
                _share(point.low, language),
                _share(point.high, language),
                format_number(point.at_risk, language),
            )
            for point in points
        ),
    )  # fmt: skip
    return Part(
        "survival", t("desk.survival"), Picture(title, Markup(svg)), table, t("desk.survival.note")
    )


def _word(name: str, word: str, language: str) -> str:
    t = translator(language)
    if name == "origin_city":
        return city_label(word, language)
    if name == "source":
        return source_label(word, language)
    return t(f"{name}.{word}")


def _group(name: str, report: YearReport, language: str) -> Part:
    t, groups = translator(language), report.groups[name]
    number = _number(language)
    asked = [group for group in groups if group.enquiries]
    picture = None
    if asked:
        most = asked[0]
        title = t(
            f"desk.by.{name}.title",
            word=_word(name, most.word, language),
            share=_share(most.enquiries / report.enquiries, language),
        )
        bars = [
            Bar(
                _word(name, group.word, language),
                t("desk.by.figure", enquiries=number(group.enquiries),
                  qualified=number(group.qualified)),
                group.enquiries,
                mark=group.qualified or None,
            )
            for group in asked[:BARS]
        ]  # fmt: skip
        svg = bars_svg(bars, Titles(f"by-{name}", title, t("desk.by.text")))
        picture = Picture(title, Markup(svg))
    return Part(
        name, t(f"desk.by.{name}"), picture, _group_table(name, groups, language), t("desk.by.note")
    )


def _settled_cells(group: GroupCount, language: str) -> tuple[str, str]:
    """Return families and persons that settled; words in their place where they are few."""
    if group.settled is None or group.persons is None:
        few = translator(language)("desk.few", n=MIN_SHARED) if group.hidden == "few" else "–"
        return few, "–"
    return format_number(group.settled, language), format_number(group.persons, language)


def _group_table(name: str, groups: Sequence[GroupCount], language: str) -> Table:
    t, number = translator(language), _number(language)
    return Table(
        t(f"desk.by.{name}"),
        (
            t(f"desk.head.{name}"), t("desk.head.enquiries"), t("desk.head.qualified"),
            t("desk.head.settled"), t("desk.head.persons"),
        ),
        tuple(
            (
                _word(name, group.word, language),
                number(group.enquiries),
                number(group.qualified),
                *_settled_cells(group, language),
            )
            for group in groups
            if group.enquiries or group.settled
        ),
    )  # fmt: skip


def _places(report: YearReport, language: str, *, is_shared: bool) -> Iterator[Part]:
    t, number = translator(language), _number(language)
    heads = (t("desk.head.commune"), t("desk.head.settled"), t("desk.head.persons"))
    if is_shared:
        note = t("desk.places.shared", n=MIN_SHARED)
        counts = tuple(
            (one.name or t("desk.places.rest"), number(one.settled), number(one.persons))
            for one in report.shared_since
        )
        title = t("desk.places.today")
        shared = Table(title, heads, counts) if counts else None
        text = note if counts else t("desk.places.few", n=MIN_SHARED)
        yield Part("since", title, None, shared, text)
        return
    for name, places, head in (
        ("communes", report.communes, t("desk.head.commune")),
        ("epcis", report.epcis, t("desk.head.epci")),
        ("since", report.communes_since, t("desk.head.commune")),
    ):
        rows = tuple(
            (one.name or t("desk.elsewhere"), number(one.settled), number(one.persons))
            for one in places
        )
        table = Table(t(f"desk.places.{name}"), (head, *heads[1:]), rows) if rows else None
        text = t("desk.places.inside") if rows else t("desk.places.none")
        yield Part(name, t(f"desk.places.{name}"), None, table, text)


def _family(name: str, language: str) -> str:
    family = FAMILIES[name]
    return typeset(family.label_fr if language == "fr" else family.label_en, language)


def _learned(learned: Learned, language: str) -> Part:
    t = translator(language)
    title = t("desk.learned")
    if not learned.is_enough:
        text = t("desk.learned.few", files=learned.files, needed=learned.needed)
        return Part("choix", title, None, None, text)

    def factor(value: float) -> str:
        return "×\u00a0" + format_number(value, language, ".1")

    rows = tuple(
        (
            typeset(
                FAMILIES[one.family].label_fr
                if language == "fr"
                else FAMILIES[one.family].label_en,
                language,
            ),
            factor(one.factor),
            t("desk.learned.interval", low=factor(one.low), high=factor(one.high)),
            t(f"desk.learned.{one.verdict}"),
        )
        for one in learned.families
    )
    note = t(
        "desk.learned.note",
        files=learned.files,
        model=_share(learned.foretold, language),
        said=_share(learned.foretold_as_said, language),
        chance=_share(learned.foretold_by_chance, language),
    )
    heads = (
        t("desk.learned.family"), t("desk.learned.factor"), t("desk.learned.range"),
        t("desk.learned.verdict"),
    )  # fmt: skip
    return Part("choix", title, None, Table(t("desk.learned.table"), heads, rows), note)


def report_rows(view: ReportView) -> Iterator[tuple[Any, ...]]:
    """Yield the whole report as rows of a spreadsheet: what a part is about, then its table."""
    yield (view.year, view.lead)
    for figure, label in view.figures:
        yield (label, figure)
    for part in view.parts:
        if part.table is not None:
            yield ()
            yield (part.title,)
            yield part.table.heads
            yield from part.table.rows
