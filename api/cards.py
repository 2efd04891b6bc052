"""A village as a card: what the page shows of one commune, in words and figures of one language.

Hides where each word comes from. Nothing is computed here that the ranking does not hold; figures
of the ledger are written out; what never depends on a profile comes from ``sheets``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from api.changes import ChangesView, changes_view
from api.map_choice import HOUSEHOLD_LAYER
from api.sheets import (
    FLAG_ICONS,
    Contact,
    Figure,
    Sheet,
    commune_path,
    figures_of,
    sheets_of,
    source_credits,
)
from api.texts import criterion_label, translator, typeset
from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.epci_words import epci_label
from geo_matcher.layers import LayerValues, layer_text, layer_values
from geo_matcher.matching import Ranking
from geo_matcher.numbers import format_number
from geo_matcher.robustness import Odds
from geo_matcher.sentences import band_phrase, chance_phrase, explain, tie_sentence
from geo_matcher.towns import LiveMapping
from geo_matcher.wheel import trips_of

__all__ = [
    "Bar",
    "Card",
    "Chances",
    "LedgerGroup",
    "LedgerRow",
    "card_chances",
    "cards_of",
    "chances_of",
    "make_cards",
    "points_text",
    "tie_texts",
]

EXACT_WITHIN = 0.05
"""A score whose interval is narrower than this is shown without it, in points."""

COLUMNS: LiveMapping[str, int] = LiveMapping(
    lambda _: {name: column for column, name in enumerate(CRITERIA)}
)
"""Column of each criterion in the arrays of a ranking."""


class Bar(NamedTuple):
    """One criterion that helps or drags.

    Attributes
    ----------
    label, figure
        Its name, and the figure in its unit.
    fill, fill_best
        How full the bar is, 0 to 100; ``fill_best`` is the best case when only a bound is known.
    """

    label: str
    figure: str
    fill: float
    fill_best: float


class Chances(NamedTuple):
    """How sure the rank of a village is.

    Attributes
    ----------
    first_five, ranks
        How often it is among the first five, and between which ranks it lies, in words.
    low, width
        Where the band of ranks begins, and how long it is, on a scale of 0 to 100.
    """

    first_five: str
    ranks: str
    low: float
    width: float


NO_CHANCES = Chances("", "", 0.0, 0.0)
"""Of a village that the search does not list."""


class LedgerRow(NamedTuple):
    """One line of the account of a score.

    Attributes
    ----------
    cells
        HTML of the cells that no profile changes: the criterion, the figure, its source.
    points, max_points
        What the figure brings, and could bring.
    """

    cells: str
    points: str
    max_points: str


class LedgerGroup(NamedTuple):
    """The lines of one family."""

    label: str
    rows: tuple[LedgerRow, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that is shown of one village.

    Attributes
    ----------
    code, name, epci, inhabitants
        Which village.
    path
        Address of its page, without the search.
    wheel
        Hours a week at the wheel for this household; empty where something is out of reach.
    badge, badge_url
        ``sourced``, ``reconstructed``, ``network`` or empty; where a sourced partner is named.
    rank, is_tie
        Its place, 0 when the search does not list it, and whether others share it.
    chances
        How sure that place is; None where it is still being counted.
    tie_text, is_tied
        What is said of a group of villages that cannot be told apart, on the first of them;
        whether this village is of such a group.
    score, low, high, is_exact
        Points out of 100 and the interval that they lie in, as text.
    summary, missing, bounds
        Sentences drawn from the ledger.
    helps, drags
        Bars.
    flags
        Pairs (icon, sentence).
    unverified
        Names of the limits that cannot be verified.
    line
        Sentences on the internet line.
    contact
        Who to call.
    ledger, total, sources
        The whole account, its sum, and the pairs (number, credit) that its lines name.
    changes
        What it changes compared with the commune that is left, if one is named.
    """

    code: str
    name: str
    path: str
    epci: str
    inhabitants: str
    wheel: str
    badge: str
    badge_url: str
    rank: int
    is_tie: bool
    chances: Chances | None
    tie_text: str
    is_tied: bool
    score: str
    low: str
    high: str
    is_exact: bool
    summary: str
    missing: str
    bounds: str
    helps: tuple[Bar, ...]
    drags: tuple[Bar, ...]
    flags: tuple[tuple[str, str], ...]
    unverified: str
    line: tuple[str, ...]
    contact: Contact
    ledger: tuple[LedgerGroup, ...]
    total: str
    sources: tuple[tuple[int, str], ...]
    changes: ChangesView | None


def make_cards(ranking: Ranking, odds: Odds | None, language: str, top: int) -> list[Card]:
    """Return the cards of the best communes of a ranking, best first; ties at the end are kept.

    Parameters
    ----------
    ranking
        What to show.
    odds
        How sure it is; without them the cards leave room for what follows.
    language
        ``fr`` or ``en``.
    top
        How many.
    """
    return cards_of(ranking, odds, language, ranking.best(top))


def cards_of(ranking: Ranking, odds: Odds | None, language: str, rows: Sequence[int]) -> list[Card]:
    """Return the cards of some communes, whether the ranking lists them or not.

    Parameters
    ----------
    ranking, odds, language
        As for :func:`make_cards`.
    rows
        Rows of the communes, in the order wanted.
    """
    ranks, holders = np.unique(ranking.ranks, return_counts=True)
    common = _Common(
        sheets=sheets_of(ranking.territory, language),
        shared=frozenset(ranks[holders > 1].tolist()),
        max_points=tuple(points_text(x, language) for x in ranking.max_points.tolist()),
        language=language,
        tied=tie_texts(odds, language) if odds else {},
        wheel=layer_values(ranking.territory, HOUSEHOLD_LAYER, trips=trips_of(ranking.profile)),
    )
    columns = {row: column for column, row in enumerate(ranking.order.tolist())}

    def chance(row: int) -> Chances | None:
        if odds is None:
            return None
        if row not in columns:
            return NO_CHANCES
        return chances_of(odds.summaries[columns[row]], len(ranking), language)

    return [_card(ranking, row, ranking.result(row), chance(row), common) for row in rows]


def card_chances(odds: Odds, top: int, language: str) -> list[Chances]:
    """Return how sure the places of the best communes are, in words, best first.

    Parameters
    ----------
    odds
        Odds of a ranking.
    top
        How many communes.
    language
        ``fr`` or ``en``.
    """
    count = len(odds.ranking)
    return [chances_of(summary, count, language) for summary in odds.summaries[:top]]


def chances_of(summary: Mapping[str, Any], count: int, language: str) -> Chances:
    """Return how sure a place is, in words.

    Parameters
    ----------
    summary
        One of :attr:`geo_matcher.robustness.Odds.summaries`.
    count
        How many communes are listed.
    language
        ``fr`` or ``en``.
    """
    low, high = summary["rank_low"], summary["rank_high"]
    return Chances(
        first_five=chance_phrase(summary["p_top_5"], language),
        ranks=band_phrase(low, high, count, language),
        low=round(100 * (low - 1) / count, 1),
        width=round(100 * (high - low + 1) / count, 1),
    )


def tie_texts(odds: Odds, language: str) -> Mapping[int, str]:
    """Return the rows that are in a group of ties; the first of each with what is said of it."""
    facts, order = odds.ranking.territory.facts, odds.ranking.order.tolist()
    found: dict[int, str] = {}
    for group in odds.ties:
        if len(group) > 1:
            rows = [order[column] for column in group]
            names = [facts[row]["name"] for row in rows]
            found.update(dict.fromkeys(rows, ""))
            found[rows[0]] = typeset(tie_sentence(names, language), language)
    return found


class _Common(NamedTuple):
    """What the cards of one ranking share."""

    sheets: tuple[Sheet, ...]
    shared: frozenset[int]
    max_points: tuple[str, ...]
    language: str
    tied: Mapping[int, str]
    wheel: LayerValues


def _card(
    ranking: Ranking, row: int, result: Mapping[str, Any], chances: Chances | None, common: _Common
) -> Card:
    language = common.language
    sheet = common.sheets[row]
    said = explain(ranking, row, language)
    lines = {line["criterion"]: line for line in result["contributions"]}
    figures = figures_of(ranking.territory, row, language)
    sources = source_credits(ranking.territory, language)
    score, low, high = result["score"], result["score_min"], result["score_max"]
    text = "text_fr" if language == "fr" else "text_en"
    return Card(
        code=result["insee_code"],
        name=result["name"],
        path=commune_path(result["insee_code"], result["name"]),
        epci=epci_label(result["epci"], language),
        inhabitants=format_number(result["population"], language),
        wheel=_wheel_text(common.wheel, row, language),
        badge=sheet.badge,
        badge_url=sheet.badge_url,
        rank=result["rank"] or 0,
        is_tie=result["rank"] in common.shared,
        chances=chances,
        tie_text=common.tied.get(row, ""),
        is_tied=row in common.tied,
        score=points_text(score, language),
        low=points_text(low, language),
        high=points_text(high, language),
        is_exact=high - low < EXACT_WITHIN,
        summary=typeset(said.summary, language),
        missing=typeset(said.missing, language),
        bounds=typeset(said.bounds, language),
        helps=tuple(_bar(lines[name], figures[name][0], language) for name in result["helps"]),
        drags=tuple(_bar(lines[name], figures[name][0], language) for name in result["drags"]),
        flags=tuple(
            (FLAG_ICONS[flag["code"]], typeset(flag[text], language))
            for flag in result["red_flags"]
        ),
        unverified=", ".join(
            criterion_label(name, language) for name in result["unverified_limits"]
        ),
        line=sheet.line,
        contact=sheet.contact,
        ledger=tuple(_ledger(lines, figures, common)),
        total=points_text(score, language),
        sources=tuple(
            sorted(
                {sources[line["source"]] for line in lines.values() if line["source"] in sources}
            )
        ),
        changes=changes_view(ranking.territory, ranking.profile, result["insee_code"], language),
    )


def _wheel_text(found: LayerValues, row: int, language: str) -> str:
    hours = found.values[row].item()
    if not np.isfinite(hours):
        return ""
    text = layer_text(found.layer, hours, int(found.status[row]), language)
    return translator(language)("card.wheel", hours=typeset(text, language))


def _bar(line: Mapping[str, Any], known: Figure, language: str) -> Bar:
    figure = known.figure
    if line["status"] == "upper_bound":
        figure = translator(language)("limit.at_most", figure=figure)
    return Bar(
        known.label, figure, round(100 * line["value"], 1), round(100 * line["value_max"], 1)
    )


def points_text(points: float, language: str) -> str:
    """Write points with one decimal."""
    return _tenths_text(round(points * 10), language)


@lru_cache(maxsize=4096)
def _tenths_text(tenths: int, language: str) -> str:
    return format_number(tenths / 10, language, ".1")


def _ledger(
    lines: Mapping[str, Mapping[str, Any]],
    figures: Mapping[str, tuple[Figure, str]],
    common: _Common,
) -> Iterator[LedgerGroup]:
    groups: dict[str, list[LedgerRow]] = {}
    for name, line in lines.items():
        points = points_text(line["points"], common.language)
        row = LedgerRow(figures[name][1], points, common.max_points[COLUMNS[name]])
        groups.setdefault(line["family"], []).append(row)
    for name, rows in groups.items():
        family = FAMILIES[name]
        label = family.label_fr if common.language == "fr" else family.label_en
        yield LedgerGroup(typeset(label, common.language), tuple(rows))
