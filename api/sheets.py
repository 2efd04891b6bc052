"""What is said of a commune whatever the profile: its figures, its line, who to call.

Hides where each word comes from. Each is made once per release and language; cards and the page of
a commune write out the same.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

from markupsafe import Markup

from api.links import safe_url
from api.rendering import render
from api.texts import NBSP, criterion_label, translator, typeset
from geo_matcher.catalog import provenance_in
from geo_matcher.criteria import CRITERIA, Unit
from geo_matcher.decision import Status, decision_matrix
from geo_matcher.destinations import HUB_CITIES
from geo_matcher.figure_years import figure_table
from geo_matcher.flags import copper_has_closed
from geo_matcher.kept import kept
from geo_matcher.numbers import format_date, format_number, format_raw
from geo_matcher.schemas import BEST_TECHNOLOGY
from geo_matcher.territory import Territory, fold

__all__ = [
    "FLAG_ICONS",
    "Contact",
    "Figure",
    "Sheet",
    "Source",
    "commune_path",
    "contact_of",
    "figures_of",
    "sheets_of",
    "source_credits",
    "source_numbers",
    "sources_of",
]

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


class Source(NamedTuple):
    """A table that figures of the page come from.

    Attributes
    ----------
    number
        Its number among those of the release, as in the ledger.
    title, credit, producer, vintage, licence
        What it is, how it is cited, by whom, from when, and how it may be used.
    licence_url, url
        Addresses; empty where there is none.
    """

    number: int
    title: str
    credit: str
    producer: str
    vintage: str
    licence: str
    licence_url: str
    url: str


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
    source: int | None


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
class Sheet:
    """What is said of a commune whatever the profile."""

    badge: str
    badge_url: str
    line: tuple[str, ...]
    contact: Contact


def commune_path(insee_code: str, name: str) -> str:
    """Return the address of the page of a commune, without what it is searched with."""
    slug = "-".join(fold(name).split())
    return f"/communes/{insee_code}" + (f"-{quote(slug)}" if slug else "")


@kept(maxsize=2048)
def figures_of(territory: Territory, row: int, language: str) -> Mapping[str, tuple[Figure, str]]:
    """Return every figure of a commune, in words and as cells of the ledger.

    Made once for each commune that is shown.
    """
    t = translator(language)
    matrix = decision_matrix(territory)
    nearest = _nearest(territory).get(territory.codes[row], {})
    sources = source_credits(territory, language)
    found = {}
    for column, criterion in enumerate(CRITERIA.values()):
        status = Status(int(matrix.status[row, column]))
        is_said = status in {Status.MISSING, Status.UNREACHABLE}
        figure = format_raw(float(matrix.raw[row, column]), criterion.unit, language)
        table = figure_table(territory, criterion.name, territory.codes[row])
        known = Figure(
            label=criterion_label(criterion.name, language),
            figure=figure,
            status="" if is_said else t(f"status.{status.label}"),
            place=nearest.get(criterion.name, ""),
            source=sources[table][0] if table in sources else None,
        )
        found[criterion.name] = known, Markup(render("_figure.html", language, known=known))
    return found


@kept(maxsize=8)
def source_credits(territory: Territory, language: str) -> Mapping[str, tuple[int, str]]:
    """Return the number and the credit of each table."""
    return {
        table.name: (
            number,
            typeset(table.credit_fr if language == "fr" else table.credit_en, language),
        )
        for number, table in enumerate(territory.catalog.tables, 1)
    }


@kept(maxsize=8)
def sheets_of(territory: Territory, language: str) -> tuple[Sheet, ...]:
    """Return the sheet of every commune, in order; made once per release and language."""
    partners = territory.members("partner")["source"]
    lines = territory.table("broadband_fixed").set_index("insee_code")
    shares = territory.indicators["ftth_coverage_share"]
    halls = territory.communes[
        [f"town_hall_{part}" for part in ("address", "phone", "email", "website")]
    ]
    sheets = []
    for code, facts in zip(territory.codes, territory.facts, strict=True):
        badge = facts["evidence"] or ("network" if facts["network"] else "")
        sheets.append(
            Sheet(
                badge=badge,
                badge_url=safe_url(partners[code]) if badge == "sourced" else "",
                line=tuple(
                    _line(lines.loc[code], float(shares[code]), territory.catalog.vintage, language)
                )
                if code in lines.index
                else (translator(language)("line.unknown"),),
                contact=contact_of(*halls.loc[code]),
            )
        )
    return tuple(sheets)


@kept(maxsize=8)
def _nearest(territory: Territory) -> dict[str, dict[str, str]]:
    """Return the name of the commune of each nearest place, where it is another commune."""
    names = territory.tables["town_halls"].set_index("insee_code")["name"].to_dict()
    times = territory.tables["travel_times"]
    columns = (times[name] for name in ("insee_code", "destination", "nearest_insee_code"))
    found: dict[str, dict[str, str]] = {}
    for code, destination, near in zip(*columns, strict=True):
        if near and near != code and destination not in HUB_CITIES and near in names:
            found.setdefault(code, {})[f"{destination}_min"] = names[near]
    return found


def _line(line: Any, share: float, vintage: str, language: str) -> Iterator[str]:
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
        is_past = copper_has_closed(line["copper_closure_date"], vintage)
        yield t("line.copper.past" if is_past else "line.copper", day=format_date(day, language))
    yield t("line.address")


def contact_of(address: str, phone: str, email: str, website: str) -> Contact:
    """Return who to call, from the directory as published; what is no safe link is left out."""
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


def source_numbers(territory: Territory, tables: Iterable[str], language: str) -> tuple[int, ...]:
    """Return the numbers of some tables among those of the release, each once, in order."""
    credits = source_credits(territory, language)
    return tuple(sorted({credits[name][0] for name in tables if name in credits}))


def sources_of(territory: Territory, tables: Iterable[str], language: str) -> tuple[Source, ...]:
    """Return some tables as they are cited, in the order of the release."""
    wanted = set(tables)
    french = language == "fr"
    return tuple(
        Source(
            number=number,
            title=typeset(table.title_fr if french else table.title_en, language),
            credit=typeset(table.credit_fr if french else table.credit_en, language),
            producer=provenance_in(language, table.producer),
            vintage=provenance_in(language, table.vintage),
            licence=typeset(provenance_in(language, table.licence), language),
            licence_url=safe_url(table.licence_url),
            url=safe_url(table.url),
        )
        for number, table in enumerate(territory.catalog.tables, 1)
        if table.name in wanted
    )
