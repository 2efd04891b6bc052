"""The page of a commune: everything known of it, in order of what matters to a mover.

Hides which figure stands where. What sales of homes say is not on this page: their terms forbid
that search engines index it (``docs/decisions/0012``); ``village_housing`` gives it apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from api.locator import Locator, locator, neighbours
from api.sheets import (
    Contact,
    Source,
    commune_path,
    sheets_of,
    source_numbers,
    sources_of,
)
from api.texts import NBSP, Translate, translator, typeset
from api.village_access import AccessView, access_view, apl_sentence, estimated_text
from api.village_facts import (
    density_sentence,
    doctors_sentence,
    income_sentence,
    mobile_sentence,
)
from api.village_housing import flags_of
from api.village_search import SearchView
from api.village_tables import (
    AROUND,
    CULTURE,
    DAILY,
    HEALTH,
    NEAR_SCALE_MIN,
    REGION_SCALE_MIN,
    SCHOOLS,
    ClimateRow,
    Drive,
    WorkPlace,
    all_pages,
    climate_rows,
    drives,
    horizon_texts,
    minutes_text,
    places_here,
    work_places,
)
from api.village_words import (
    correction_sentences,
    day_text,
    evidence,
    health_sentence,
    lack_sentence,
    lead_sentence,
    market_days,
    pair_sentences,
    risk_sentences,
    second_count,
)
from geo_matcher.commune import describe_commune
from geo_matcher.criteria import Unit
from geo_matcher.epci_words import epci_label
from geo_matcher.figure_years import year_of
from geo_matcher.flags import copper_has_closed
from geo_matcher.kept import kept
from geo_matcher.lacks import lacks_of
from geo_matcher.matching import Ranking, rank
from geo_matcher.numbers import format_month, format_number, format_raw
from geo_matcher.pairs import pair_of
from geo_matcher.place_names import readable_name, spellings_of
from geo_matcher.profile import Profile
from geo_matcher.resemblance import twins
from geo_matcher.sentences import label_in_sentence, listed
from geo_matcher.territory import Territory

__all__ = ["KeyFact", "Link", "School", "VillageView", "village_view"]

TWINS = 3

SECTIONS: dict[str, tuple[str, ...]] = {
    "line": ("broadband_fixed", "mobile_sites"),
    "flags": (),
    "lacks": (),
    "work": ("workplaces", "travel_times", "access_measures", "supply"),
    "daily": ("shops", "france_services", "travel_times", "indicators"),
    "children": ("schools", "travel_times"),
    "health": ("health_registered", "supply", "hospitals", "apl_doctors", "travel_times"),
    "wheel": ("access_measures", "travel_times", "shops", "schools", "workplaces",
              "town_halls", "adjacency", "roads"),
    "around": ("hubs", "density_grid", "travel_times"),
    "housing": ("housing_prices_rents", "incomes"),
    "climate": ("climate_projections",),
    "risks": ("risks",),
    "culture": ("culture", "travel_times"),
    "pair": ("shops", "travel_times", "adjacency"),
    "alike": ("indicators", "travel_times"),
    "network": ("membership", "partners_evidence"),
    "contact": ("communes",),
}  # fmt: skip
"""Sections of the page in their order, and the tables that their figures come from, where the
release has them."""


class KeyFact(NamedTuple):
    """One of the four answers of the first screen: an icon, a word, a fact, and where more is."""

    icon: str
    title: str
    text: str
    note: str
    href: str


class School(NamedTuple):
    """A level of school: how far, and which ones are in the commune."""

    drive: Drive
    names: str


class Link(NamedTuple):
    """A commune to go on to: its name, its page if it has one, and a word on it."""

    name: str
    href: str
    note: str


@dataclass(frozen=True, slots=True)
class VillageView:
    """Everything that the page of a commune shows, in the order of the page.

    Attributes
    ----------
    code, name, path
        Which commune, and the address of its page.
    place, lead, description
        Where and how large, the sentence under the name, and the one for search engines.
    badge, badge_url
        As on a card.
    keys
        The four answers of the first screen.
    search
        What a search makes of it; None without one.
    line, fibre
        Sentences on the internet line, the last on what it does not say; the share, 0 to 100.
    flags, lacks
        Pairs (icon, sentence), and sentences.
    work, work_listed
        Work places near; whether any list names some, near or not.
    access
        Hours at the wheel, the round of errands, who and what is near.
    estimated
        That times are estimated, and on which network.
    daily, daily_note, desk
        The eight services, how many are near, and the France services desk.
    schools, health, around
        Tables of drives.
    hospitals, health_note, apl
        Sentence on the hospitals in the commune, the practices registered there, and the published
        accessibility of doctors; empty where the release has none.
    mobile, density, income
        Sites of mobile operators, how densely people live, their standard of living; empty where
        the release does not hold it.
    rent
        Sentence on the rent and its year, or that it is not known.
    housing_href, housing_part
        Where the figures of sales are, as a page and as a part.
    climate, horizons, climate_known
        Rows, the names of their last columns, and how many communes have any.
    risks
        Sentences.
    culture, museums, markets, label
        Drives, names of museums, days of markets, and whether it bears the label of villages.
    pair
        Sentences on the commune that serves it.
    alike, around_it
        Communes that resemble it, and that touch it.
    network
        Pairs (sentence, address of the source).
    contact, position
        Who to call, and a word on where the town hall is.
    locator
        The small map.
    scale_near, scale_region
        Minutes at which a bar is full.
    cites
        Numbers of the sources of each section.
    corrections
        Pairs: what was corrected beside the official value, and who signs it.
    sources, notes
        The sources of the page, and faults of the release that bear on the commune.
    """

    code: str
    name: str
    path: str
    place: str
    lead: str
    description: str
    badge: str
    badge_url: str
    keys: tuple[KeyFact, ...]
    search: SearchView | None
    line: tuple[str, ...]
    fibre: float
    mobile: str
    flags: tuple[tuple[str, str], ...]
    lacks: tuple[str, ...]
    work: tuple[WorkPlace, ...]
    work_listed: bool
    access: AccessView
    estimated: str
    daily: tuple[Drive, ...]
    daily_note: str
    desk: tuple[Drive, ...]
    schools: tuple[School, ...]
    health: tuple[Drive, ...]
    hospitals: str
    health_note: str
    apl: str
    around: tuple[Drive, ...]
    density: str
    rent: str
    income: str
    housing_href: str
    housing_part: str
    horizons: tuple[str, ...]
    climate_known: str
    climate: tuple[ClimateRow, ...]
    risks: tuple[str, ...]
    culture: tuple[Drive, ...]
    museums: str
    markets: str
    label: bool
    pair: tuple[str, ...]
    alike: tuple[Link, ...]
    around_it: tuple[Link, ...]
    network: tuple[tuple[str, str], ...]
    contact: Contact
    position: str
    locator: Locator
    scale_near: str
    scale_region: str
    cites: dict[str, tuple[int, ...]]
    sources: tuple[Source, ...]
    corrections: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def village_view(
    territory: Territory, insee_code: str, language: str, search: SearchView | None = None
) -> VillageView:
    """Return everything that the page of a commune shows.

    Parameters
    ----------
    territory
        The release in service.
    insee_code
        Code of the commune.
    language
        ``fr`` or ``en``.
    search
        What a search makes of it.
    """
    t = translator(language)
    commune = describe_commune(territory, insee_code)
    row = territory.codes.index(insee_code)
    sheet = sheets_of(territory, language)[row]
    pages = _pages(territory, search.query if search else _plain_query(language))
    path = commune_path(insee_code, commune["name"])
    daily = drives(commune, DAILY, pages, language)
    work = work_places(territory, commune, pages, language)
    lead = lead_sentence(commune, language)
    daily_note = _daily_note(territory, row, t, language)
    facts = t(
        "village.place",
        epci=typeset(epci_label(commune["epci"], language), language),
        people=format_raw(commune["population"], Unit.INHABITANTS, language),
        area=_area(territory, commune, language),
    )
    housing = _with_query(f"{path}/housing", search.query if search else _plain_query(language))
    part = f"/fragments/communes/{insee_code}/housing"
    return VillageView(
        code=insee_code,
        name=commune["name"],
        path=path,
        place=facts,
        lead=lead,
        description=t("village.description", name=commune["name"], lead=lead),
        badge=sheet.badge,
        badge_url=sheet.badge_url,
        keys=tuple(
            _keys(commune, sheet.contact, work, daily_note, territory.catalog.vintage, t, language)
        ),
        search=search,
        line=_line(commune, sheet.line, language),
        fibre=round(min(100.0, 100 * (commune["broadband"]["ftth_coverage_share"] or 0)), 1),
        mobile=mobile_sentence(territory, insee_code, language),
        flags=flags_of(commune, language, of_sales=False),
        lacks=tuple(
            lack_sentence(lack, _practices_year(territory), language)
            for lack in lacks_of(territory, commune)
        ),
        work=work,
        work_listed=commune["travel"]["workplace"]["status"] != "unknown",
        access=access_view(territory, insee_code, language, search.profile if search else None),
        estimated=estimated_text(territory, language),
        daily=daily,
        daily_note=daily_note,
        desk=drives(commune, ("france_services",), pages, language),
        schools=tuple(
            School(drive, _names(territory, commune, (level,)))
            for level, drive in zip(SCHOOLS, drives(commune, SCHOOLS, pages, language), strict=True)
        ),
        health=drives(commune, HEALTH, pages, language),
        hospitals=_hospitals(territory, commune, language),
        health_note=doctors_sentence(territory, insee_code, language)
        or health_sentence(commune, _practices_year(territory), language),
        apl=apl_sentence(territory, insee_code, language),
        around=drives(commune, AROUND, pages, language, scale_min=REGION_SCALE_MIN),
        density=density_sentence(territory, insee_code, language),
        rent=_rent(territory, commune, language),
        income=income_sentence(territory, insee_code, language),
        housing_href=housing,
        housing_part=part if language == "fr" else f"{part}?lang={language}",
        climate=climate_rows(commune, language),
        horizons=horizon_texts(commune, language),
        climate_known=format_number(_climate_known(territory), language),
        risks=risk_sentences(commune, language),
        culture=drives(commune, CULTURE, pages, language),
        museums=_names(territory, commune, ("museum",)),
        markets=market_days(commune, language),
        label=any(place["kind"] == "plus_beaux_villages" for place in commune["places"]),
        pair=pair_sentences(pair_of(_neutral(territory), insee_code), language),
        alike=tuple(_alike(territory, insee_code, pages, language)),
        around_it=tuple(
            Link(name, pages.get(code, ""), "")
            for code, name, _ in neighbours(territory, insee_code)
        ),
        network=evidence(commune, language, is_given="partners" in territory.tables),
        contact=sheet.contact,
        position=t("contact.position") if commune["town_hall"]["position"] != "published" else "",
        locator=locator(territory, insee_code),
        scale_near=format_raw(NEAR_SCALE_MIN, Unit.MINUTES, language),
        scale_region=format_raw(REGION_SCALE_MIN, Unit.MINUTES, language),
        cites={
            name: source_numbers(territory, tables, language) for name, tables in SECTIONS.items()
        },
        sources=sources_of(
            territory, (table for tables in SECTIONS.values() for table in tables), language
        ),
        corrections=tuple(correction_sentences(one, language) for one in commune["corrections"]),
        notes=tuple(
            typeset(note["text_fr" if language == "fr" else "text_en"], language)
            for note in commune["notes"]
        ),
    )


def _plain_query(language: str) -> str:
    return "" if language == "fr" else f"lang={language}"


def _with_query(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


def _pages(territory: Territory, query: str) -> dict[str, str]:
    return {code: _with_query(path, query) for code, path in _paths(territory).items()}


@kept(maxsize=8)
def _paths(territory: Territory) -> dict[str, str]:
    return all_pages(territory)


@kept(maxsize=8)
def _neutral(territory: Territory) -> Ranking:
    """Return the ranking of somebody who asks for nothing: pairs need one, not its order."""
    return rank(territory, Profile(), "all")


def _area(territory: Territory, commune: dict[str, Any], language: str) -> str:
    """Write the area; that of an outline known to be incomplete is said to be a least."""
    text = f"{format_number(commune['area_km2'], language, '.1')}{NBSP}km²"
    rules = {m.rule for m in territory.catalog.mends if m.insee_code == commune["insee_code"]}
    if "area_incomplete" in rules:
        return translator(language)("limit.at_least", figure=text)
    return text


def _daily_note(territory: Territory, row: int, t: Translate, language: str) -> str:
    known = float(territory.indicators["daily_services_within_10min"].iloc[row])
    if known != known:
        return t("daily.partial" if "shops" in territory.tables else "daily.unknown")
    near = int(known)
    limit = territory.parameters["daily_services"]["near_min"]
    return t(
        "daily.near",
        count=near,
        n=format_number(near, language),
        of=format_number(len(DAILY), language),
        limit=format_raw(limit, Unit.MINUTES, language),
    )


def _keys(
    commune: dict[str, Any],
    contact: Contact,
    work: tuple[WorkPlace, ...],
    daily_note: str,
    vintage: str,
    t: Translate,
    language: str,
) -> Iterable[KeyFact]:
    line, travel = commune["broadband"], commune["travel"]
    share = line["ftth_coverage_share"]
    closing = day_text(line["copper_closure_date"], language)
    is_past = copper_has_closed(line["copper_closure_date"] or vintage, vintage)
    yield KeyFact(
        "line",
        t("line.title"),
        t("key.line.unknown")
        if share is None
        else t("key.line", share=format_raw(share, Unit.SHARE, language)),
        t("key.copper.past" if is_past else "key.copper", day=closing)
        if closing
        else t("key.no_copper"),
        "#line",
    )
    if work:
        first = work[0]
        yield KeyFact(
            "work",
            t("key.work"),
            t("key.work.here") if not first.where_href else t("key.work.at", minutes=first.figure),
            f"{first.name} ({first.note})",
            "#work",
        )
    names = ("primary_school", "doctor", "station")
    yield KeyFact(
        "shop",
        t("key.life"),
        daily_note,
        " · ".join(
            t("key.item", name=t(f"place.{name}"), minutes=minutes_text(travel[name], language))
            for name in names
            if travel[name]["status"] != "unknown"
        ),
        "#daily",
    )
    yield KeyFact(
        "phone",
        t("key.call"),
        contact.phone or contact.email or t("contact.hall"),
        t("contact.hall"),
        f"tel:{contact.phone_href}" if contact.phone else "#contact",
    )


@kept(maxsize=8)
def _climate_known(territory: Territory) -> int:
    """Return how many communes have projections."""
    return int(territory.indicators["hot_days_2030_year"].notna().sum())


def _line(commune: dict[str, Any], said: tuple[str, ...], language: str) -> tuple[str, ...]:
    """Put the other published count before the closing of copper, which is said late."""
    place = len(said) - (2 if commune["broadband"]["copper_closure_date"] else 1)
    return *said[:place], second_count(commune["broadband"], language), *said[place:]


def _names(territory: Territory, commune: dict[str, Any], kinds: tuple[str, ...]) -> str:
    spellings = spellings_of(territory)
    return ", ".join(readable_name(name, spellings) for name in places_here(commune, kinds))


def _rent(territory: Territory, commune: dict[str, Any], language: str) -> str:
    t = translator(language)
    rent = commune["housing"]["house_rent_eur_m2_month"]
    if rent is None:
        return t("housing.rent.none")
    year = year_of(territory, "housing_prices_rents")
    said = format_raw(rent, Unit.EUR_M2_MONTH, language)
    if not year:  # a table of somebody's own: nor is it known how the rents were found
        return t("housing.rent.undated", rent=said)
    return t("housing.rent", rent=said, year=year)


def _practices_year(territory: Territory) -> str | None:
    """Return the year of the list of practices, empty where it bears none; None without a list."""
    table = "health_registered"
    return year_of(territory, table) if table in territory.tables else None


def _hospitals(territory: Territory, commune: dict[str, Any], language: str) -> str:
    """Say which hospital sites stand in the commune, and from when their list is."""
    names = _names(territory, commune, ("hospital", "specialised_hospital"))
    if not names:
        return ""
    vintage = territory.catalog["hospitals"].vintage
    is_month = re.match(r"\d{4}-\d{2}", vintage)
    when = format_month(is_month.group(), language) if is_month else year_of(territory, "hospitals")
    if not when:
        return translator(language)("health.hospitals.undated", names=names)
    return translator(language)("health.hospitals", names=names, when=when)


def _alike(
    territory: Territory, insee_code: str, pages: dict[str, str], language: str
) -> Iterable[Link]:
    t = translator(language)
    for twin in twins(territory, insee_code, TWINS):
        names = [typeset(label_in_sentence(name, language), language) for name in twin.differs]
        note = t("alike.differs", names=listed(names, t("village.and"))) if names else ""
        yield Link(twin.name, pages.get(twin.insee_code, ""), note)
