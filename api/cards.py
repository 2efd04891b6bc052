"""A village as a card: what the page shows of one commune, in words and figures of one language.

Hides where each word comes from. Nothing is computed here that the ranking does not hold; figures
of the ledger are written out, and what never depends on a profile (the line, the town hall, the
nearest places) is written once per release and language.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
from markupsafe import Markup

from api.rendering import render
from api.texts import NBSP, translator, typeset
from geo_matcher.criteria import CRITERIA, FAMILIES, Unit
from geo_matcher.decision import Status, decision_matrix
from geo_matcher.destinations import HUB_CITIES
from geo_matcher.matching import Ranking
from geo_matcher.numbers import format_date, format_number, format_raw
from geo_matcher.robustness import Odds
from geo_matcher.schemas import BEST_TECHNOLOGY
from geo_matcher.sentences import band_phrase, chance_phrase, explain, tie_sentence
from geo_matcher.territory import Territory

__all__ = [
    "Bar",
    "Card",
    "Chances",
    "Contact",
    "Figure",
    "LedgerGroup",
    "LedgerRow",
    "criterion_label",
    "make_cards",
    "points_text",
    "safe_url",
]

EXACT_WITHIN = 0.05
"""A score whose interval is narrower than this is shown without it, in points."""

COLUMNS: Mapping[str, int] = {name: column for column, name in enumerate(CRITERIA)}
"""Column of each criterion in the arrays of a ranking."""

FIBRE = "mci_best_ftth"
PHONE = re.compile(r"\+?[0-9][0-9 .]{5,20}")
EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")

FLAG_ICONS: Mapping[str, str] = {
    "copper_without_fibre": "line",
    "fibre_counts_differ": "line",
    "rate_above_100": "line",
    "doctor_far": "health",
    "few_sales": "house",
    "flood": "water",
    "industrial_risk": "factory",
}
"""Icon of each red flag, one of :data:`api.icons.ICONS`."""


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


class Figure(NamedTuple):
    """One figure of a commune, whatever the profile.

    Attributes
    ----------
    label
        Name of the criterion.
    figure, status
        The figure in its unit, and the word that qualifies it.
    place
        Where the nearest place is, if in another commune.
    source
        Number of its source among those of the release.
    """

    label: str
    figure: str
    status: str
    place: str
    source: int


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
class Contact:
    """Who to call; a part that is unknown, or that is no safe link, is empty."""

    address: str
    phone: str
    phone_href: str
    email: str
    website: str
    website_shown: str


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that is shown of one village.

    Attributes
    ----------
    code, name, epci, inhabitants
        Which village.
    badge, badge_url
        ``sourced``, ``reconstructed``, ``network`` or empty; where a sourced partner is named.
    rank, is_tie
        Its place, and whether others share it.
    chances
        How sure that place is.
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
    """

    code: str
    name: str
    epci: str
    inhabitants: str
    badge: str
    badge_url: str
    rank: int
    is_tie: bool
    chances: Chances
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


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What is said of a commune whatever the profile."""

    badge: str
    badge_url: str
    line: tuple[str, ...]
    contact: Contact


def safe_url(url: str) -> str:
    """Return an address that may stand in a link, else an empty text: only http and https may."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    return url.strip() if parts.scheme in {"http", "https"} and parts.hostname else ""


def criterion_label(name: str, language: str) -> str:
    """Return the name of a criterion."""
    criterion = CRITERIA[name]
    return typeset(criterion.label_fr if language == "fr" else criterion.label_en, language)


def make_cards(odds: Odds, language: str, top: int) -> list[Card]:
    """Return the cards of the best communes of a ranking, best first; ties at the end are kept."""
    ranking = odds.ranking
    ranks, holders = np.unique(ranking.ranks, return_counts=True)
    common = _Common(
        sheets=_sheets(ranking.territory, language),
        shared=frozenset(ranks[holders > 1].tolist()),
        max_points=tuple(points_text(x, language) for x in ranking.max_points.tolist()),
        language=language,
        tied=_tied(odds, language),
    )
    # Ties may make the list longer than `top`; the order of results is that of `ranking.order`.
    results = ranking.results(top)
    rows = ranking.order[: len(results)].tolist()
    return [
        _card(ranking, row, result, _chances(summary, len(ranking), language), common)
        for row, result, summary in zip(rows, results, odds.summaries[: len(rows)], strict=True)
    ]


def _chances(summary: Mapping[str, Any], count: int, language: str) -> Chances:
    low, high = summary["rank_low"], summary["rank_high"]
    return Chances(
        first_five=chance_phrase(summary["p_top_5"], language),
        ranks=band_phrase(low, high, count, language),
        low=round(100 * (low - 1) / count, 1),
        width=round(100 * (high - low + 1) / count, 1),
    )


def _tied(odds: Odds, language: str) -> Mapping[int, str]:
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

    sheets: tuple[_Sheet, ...]
    shared: frozenset[int]
    max_points: tuple[str, ...]
    language: str
    tied: Mapping[int, str]


def _card(
    ranking: Ranking, row: int, result: Mapping[str, Any], chances: Chances, common: _Common
) -> Card:
    language = common.language
    sheet = common.sheets[row]
    said = explain(ranking, row, language)
    lines = {line["criterion"]: line for line in result["contributions"]}
    figures = _figures(ranking.territory, row, language)
    sources = _sources(ranking.territory, language)
    score, low, high = result["score"], result["score_min"], result["score_max"]
    text = "text_fr" if language == "fr" else "text_en"
    return Card(
        code=result["insee_code"],
        name=result["name"],
        epci=result["epci"],
        inhabitants=format_number(result["population"], language),
        badge=sheet.badge,
        badge_url=sheet.badge_url,
        rank=result["rank"],
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
        sources=tuple(sorted({sources[line["source"]] for line in lines.values()})),
    )


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


@lru_cache(maxsize=2048)
def _figures(territory: Territory, row: int, language: str) -> Mapping[str, tuple[Figure, str]]:
    """Return every figure of a commune, in words and as cells of the ledger.

    Made once for each commune that is shown.
    """
    t = translator(language)
    matrix = decision_matrix(territory)
    nearest = _nearest(territory).get(territory.codes[row], {})
    sources = _sources(territory, language)
    found = {}
    for column, criterion in enumerate(CRITERIA.values()):
        status = Status(int(matrix.status[row, column]))
        is_said = status in {Status.MISSING, Status.UNREACHABLE}
        figure = format_raw(float(matrix.raw[row, column]), criterion.unit, language)
        known = Figure(
            label=criterion_label(criterion.name, language),
            figure=figure,
            status="" if is_said else t(f"status.{status.label}"),
            place=nearest.get(criterion.name, ""),
            source=sources[criterion.source][0],
        )
        found[criterion.name] = known, Markup(render("_figure.html", language, known=known))
    return found


@lru_cache(maxsize=8)
def _sources(territory: Territory, language: str) -> Mapping[str, tuple[int, str]]:
    """Return the number and the credit of each table."""
    return {
        table.name: (
            number,
            typeset(table.credit_fr if language == "fr" else table.credit_en, language),
        )
        for number, table in enumerate(territory.catalog.tables, 1)
    }


@lru_cache(maxsize=8)
def _sheets(territory: Territory, language: str) -> tuple[_Sheet, ...]:
    """Return the sheet of every commune, in order; made once per release and language."""
    partners = territory.members("partner")["source"]
    lines = territory.tables["broadband_fixed_2026t2"].set_index("insee_code")
    shares = territory.indicators["ftth_coverage_share"]
    halls = territory.communes[
        [f"town_hall_{part}" for part in ("address", "phone", "email", "website")]
    ]
    sheets = []
    for code, facts in zip(territory.codes, territory.facts, strict=True):
        badge = facts["evidence"] or ("network" if facts["network"] else "")
        sheets.append(
            _Sheet(
                badge=badge,
                badge_url=safe_url(partners[code]) if badge == "sourced" else "",
                line=tuple(_line(lines.loc[code], float(shares[code]), language)),
                contact=_contact(*halls.loc[code]),
            )
        )
    return tuple(sheets)


@lru_cache(maxsize=8)
def _nearest(territory: Territory) -> dict[str, dict[str, str]]:
    """Return the name of the commune of each nearest place, where it is another commune."""
    names = territory.tables["town_halls_80km"].set_index("insee_code")["name"].to_dict()
    times = territory.tables["travel_times"]
    columns = (times[name] for name in ("insee_code", "destination", "nearest_insee_code"))
    found: dict[str, dict[str, str]] = {}
    for code, destination, near in zip(*columns, strict=True):
        if near and near != code and destination not in HUB_CITIES and near in names:
            found.setdefault(code, {})[f"{destination}_min"] = names[near]
    return found


def _line(line: Any, share: float, language: str) -> Iterator[str]:
    """Say what line awaits: fibre, what the others have, the closing of copper."""
    t = translator(language)
    premises, passed = int(line["mci_premises"]), int(line[FIBRE])
    yield t(
        "line.fibre",
        passed=format_number(passed, language),
        premises=format_number(premises, language),
        share=format_raw(share, Unit.SHARE, language),
    )
    others = []
    for name in BEST_TECHNOLOGY:
        if name != FIBRE and (count := int(line[name])):
            technology = t(f"technology.{name.removeprefix('mci_best_')}")
            others.append(f"{technology}{NBSP}({format_number(count, language)})")
    if others:
        yield t("line.rest", list=", ".join(others))
    if line["copper_closure_date"]:
        day = dt.date.fromisoformat(line["copper_closure_date"])
        yield t("line.copper", day=format_date(day, language))
    yield t("line.address")


def _contact(address: str, phone: str, email: str, website: str) -> Contact:
    is_phone = PHONE.fullmatch(phone) is not None
    digits = re.sub(r"[ .]", "", phone) if is_phone else ""
    url = safe_url(website)
    shown = re.sub(r"^https?://(www\.)?|/$", "", url)
    return Contact(
        address=address,
        phone=phone.replace(" ", NBSP) if is_phone else "",
        phone_href=f"+33{digits[1:]}" if digits.startswith("0") else digits,
        email=email if EMAIL.fullmatch(email) else "",
        website=url,
        website_shown=shown,
    )
