"""What a village changes, compared with the commune that is left: a small table of sourced facts.

Hides which facts can stand side by side. Nothing is weighed here: two figures, where each comes
from, and what is not known. A template only writes out :class:`ChangesView`; its heading is for the
page that shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from api.links import addresses
from api.texts import criterion_label, translator, typeset
from geo_matcher.criteria import CRITERIA
from geo_matcher.kept import kept
from geo_matcher.numbers import format_number, format_raw
from geo_matcher.origins import Origin, OriginFact, commune_facts, origin_of
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory
from geo_matcher.towns import served

__all__ = ["COUNTS", "Change", "ChangeCell", "ChangesView", "changes_view"]

COUNTS = ("population", "density_km2")
"""Criteria whose row is named by what is counted, so that its cells hold bare numbers."""


class ChangeCell(NamedTuple):
    """A figure in words, what qualifies it (status and year), and its source's number, or 0."""

    figure: str
    note: str
    source: int


class Change(NamedTuple):
    """One fact, here and there."""

    label: str
    before: ChangeCell
    after: ChangeCell


@dataclass(frozen=True, slots=True)
class ChangesView:
    """What a village changes.

    Attributes
    ----------
    title
        What the table is about, for the heading above it.
    before, after
        Names of the commune that is left and of the village.
    rows
        The facts; a row stands only where at least one side is known.
    note
        What is not known of the commune that is left; empty where all is.
    sources
        Pairs (number, credit) of the tables that the rows name.
    urls
        Pages of the figures of the commune that is left.
    """

    title: str
    before: str
    after: str
    rows: tuple[Change, ...]
    note: str
    sources: tuple[tuple[int, str], ...]
    urls: tuple[str, ...]


def changes_view(
    territory: Territory, profile: Profile, insee_code: str, language: str
) -> ChangesView | None:
    """Return what a village changes for whoever leaves the commune that a profile names.

    Parameters
    ----------
    territory
        The release in service.
    profile
        Names the commune that is left; its children, its client's town and whether it rents choose
        some of the rows.
    insee_code
        The village, a commune of the release.
    language
        ``fr`` or ``en``.

    Returns
    -------
    ChangesView or None
        None where no commune is left, the release has never heard of it, or it is the village.
    """
    left = origin_of(territory, profile)
    village = commune_facts(territory, insee_code)
    if left is None or village is None or left.insee_code == village.insee_code:
        return None
    return _changes(territory, left, village, _wanted(profile), language)


def _wanted(profile: Profile) -> tuple[str, ...]:
    """Return the criteria to show, whatever their weight."""
    names = ["population", "density_km2", "house_price_eur_m2"]
    if profile.tenure == "rent":
        names.append("house_rent_eur_m2_month")
    names += ["ftth_coverage_share", "coworking_min", "daily_services_min"]
    if profile.children_ages:
        names.append("primary_school_min")
    names += ["doctor_min", "station_min"]
    if (city := served().metropolis) is not None:
        names.append(f"{city.key}_min")
    if profile.client_city:
        names.append(f"{profile.client_city}_min")
    return tuple(dict.fromkeys(names))


@kept(maxsize=4096)
def _changes(
    territory: Territory,
    left: Origin,
    village: Origin,
    wanted: tuple[str, ...],
    language: str,
) -> ChangesView:
    numbers = {table.name: n for n, table in enumerate(territory.catalog.tables, 1)}
    rows, used = [], set()
    for name in wanted:
        before, after = left.fact(name), village.fact(name)
        if before is None or after is None or before.status == after.status == "missing":
            continue
        used |= {before.table, after.table}
        cells = (_cell(fact, numbers.get(fact.table, 0), language) for fact in (before, after))
        rows.append(Change(_label(name, language), *cells))
    credits = (
        (numbers[table.name], table.credit_fr if language == "fr" else table.credit_en)
        for table in territory.catalog.tables
        if table.name in used
    )
    t = translator(language)
    return ChangesView(
        title=t("changes.title", name=left.name),
        before=left.name,
        after=village.name,
        rows=tuple(rows),
        note=_note(left, language),
        sources=tuple((number, typeset(credit, language)) for number, credit in credits),
        urls=() if left.is_inside else tuple(addresses(left.source)),
    )


def _label(name: str, language: str) -> str:
    return (
        translator(language)(f"changes.{name}")
        if name in COUNTS
        else criterion_label(name, language)
    )


def _cell(fact: OriginFact, source: int, language: str) -> ChangeCell:
    raw = float("inf") if fact.status == "unreachable" else fact.raw
    figure = format_raw(raw, CRITERIA[fact.criterion].unit, language)
    if fact.raw is None:
        return ChangeCell(figure, "", source)
    if fact.criterion in COUNTS:
        figure = format_number(fact.raw, language)
    status = translator(language)(f"status.{fact.status}")
    return ChangeCell(figure, f"{status}, {fact.year}" if fact.year else status, source)


def _note(left: Origin, language: str) -> str:
    t = translator(language)
    if left.is_inside:
        return ""
    if not left.facts:
        return t("changes.name_only", name=left.label)
    if len(left.facts) == 1:
        return t("changes.population_only", name=left.label)
    return t("changes.some", name=left.label)
