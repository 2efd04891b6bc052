"""Villages side by side, as a page.

Hides how a comparison becomes a table: the figures in words, the best of each line, the commune
that is left. The page works without JavaScript.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from api.cards import points_text
from api.links import addresses
from api.texts import criterion_label, translator, typeset
from geo_matcher.catalog import provenance_in
from geo_matcher.comparison import (
    Cell,
    Comparison,
    CriterionComparison,
    OriginFigure,
    Village,
    chances,
)
from geo_matcher.criteria import CRITERIA, FAMILIES, Unit
from geo_matcher.numbers import format_number, format_raw
from geo_matcher.origins import Origin
from geo_matcher.robustness import Odds
from geo_matcher.sentences import band_phrase, chance_phrase, label_in_sentence
from geo_matcher.verdicts import ahead_sentences, comparison_sentences

__all__ = ["CompareView", "FigureCell", "Line", "LineGroup", "VillageHead", "compare_view"]


class VillageHead(NamedTuple):
    """The head of one column.

    Attributes
    ----------
    name, why_href
        Which village, and where its rank is explained.
    score, rank, chances
        Its score, its rank and how sure that is, in words; empty where it is not listed.
    note
        Why it is not listed.
    """

    name: str
    why_href: str
    score: str
    rank: str
    chances: str
    note: str


class FigureCell(NamedTuple):
    """A figure of one village: in words, how full its bar is, whether it alone is the best."""

    figure: str
    fill: float
    is_best: bool


class Line(NamedTuple):
    """One criterion: its name, a cell for each village, and that of the commune that is left."""

    label: str
    cells: tuple[FigureCell, ...]
    origin: str


class LineGroup(NamedTuple):
    """The lines of one family."""

    label: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class CompareView:
    """Villages side by side.

    Attributes
    ----------
    title
        Their names.
    sentences
        What decides between them.
    heads, groups
        The columns and the lines of the table.
    origin, origin_note, origin_urls
        The commune that is left, empty where no line has a figure of it; what its figures are and
        where they come from, empty if none is left.
    """

    title: str
    sentences: tuple[str, ...]
    heads: tuple[VillageHead, ...]
    groups: tuple[LineGroup, ...]
    origin: str
    origin_note: str
    origin_urls: tuple[str, ...]


def compare_view(comparison: Comparison, odds: Odds, language: str, query: str) -> CompareView:
    """Return villages side by side.

    Parameters
    ----------
    comparison
        What was compared.
    odds
        Odds of the same ranking.
    language
        ``fr`` or ``en``.
    query
        The list that was asked for, without the villages.
    """
    t = translator(language)
    left = comparison.origin
    groups = tuple(_groups(comparison, language))
    has_figures = any(line.origin for group in groups for line in group.lines)
    names = [village.name for village in comparison.villages]
    said = (
        *comparison_sentences(comparison, language),
        *ahead_sentences(names, chances(comparison, odds)["ahead"], language),
    )
    return CompareView(
        title=t("compare.title", names=", ".join(v.name for v in comparison.villages)),
        sentences=tuple(typeset(text, language) for text in said),
        heads=tuple(_head(village, odds, language, query) for village in comparison.villages),
        groups=groups,
        origin=left.name if left and has_figures else "",
        origin_note=_origin_note(left, language) if left else "",
        origin_urls=tuple(addresses(left.source)) if left else (),
    )


def _head(village: Village, odds: Odds, language: str, query: str) -> VillageHead:
    t = translator(language)
    column = odds.column(odds.ranking.position(village.insee_code))
    rank = chance = note = ""
    if column is not None:
        summary = odds.summaries[column]
        rank = band_phrase(summary["rank_low"], summary["rank_high"], len(odds.ranking), language)
        chance = t("card.odds", chance=chance_phrase(summary["p_top_5"], language))
    elif village.left_out_by:
        names = ", ".join(label_in_sentence(name, language) for name in village.left_out_by)
        note = t("compare.beyond", names=names)
    else:
        note = t("compare.outside")
    address = f"/why?commune={village.insee_code}"
    return VillageHead(
        name=village.name,
        why_href=f"{address}&{query}" if query else address,
        score=points_text(village.score, language),
        rank=rank,
        chances=chance,
        note=note,
    )


def _groups(comparison: Comparison, language: str) -> Iterator[LineGroup]:
    for family in comparison.families:
        known = FAMILIES[family.family]
        label = known.label_fr if language == "fr" else known.label_en
        lines = tuple(_line(row, language) for row in family.criteria)
        yield LineGroup(typeset(label, language), lines)


def _line(row: CriterionComparison, language: str) -> Line:
    unit = CRITERIA[row.criterion].unit
    cells = []
    is_clear = sum(cell.is_best for cell in row.cells) == 1
    for cell in row.cells:
        figure = _figure(cell, unit, language)
        fill = 0.0 if cell.raw is None else round(100 * cell.value, 1)
        cells.append(FigureCell(figure, fill, cell.is_best and is_clear))
    origin = _figure(row.origin, unit, language) if row.origin else ""
    return Line(criterion_label(row.criterion, language), tuple(cells), origin)


def _figure(cell: Cell | OriginFigure, unit: Unit, language: str) -> str:
    raw = float("inf") if cell.status == "unreachable" else cell.raw
    figure = format_raw(raw, unit, language)
    if cell.status == "upper_bound":
        figure = translator(language)("limit.at_most", figure=figure)
    return figure


def _origin_note(left: Origin, language: str) -> str:
    t = translator(language)
    credit = {
        "name": left.label,
        "producer": typeset(provenance_in(language, left.producer), language),
        "licence": typeset(provenance_in(language, left.licence), language),
    }
    if left.population is None:
        return t("compare.origin.unknown", **credit)
    people = format_raw(float(left.population), Unit.INHABITANTS, language)
    if left.is_inside:
        return t("compare.origin.inside", people=people, **credit)
    if left.population_year is None:
        return t("compare.origin.undated", people=people, **credit)
    note = t("compare.origin", people=people, year=left.population_year, **credit)
    price = left.fact("house_price_eur_m2")
    if price is None or price.raw is None:
        return note
    shown = format_number(price.raw, language)
    return f"{note} {t('compare.origin.price', price=shown, year=price.year)}"
