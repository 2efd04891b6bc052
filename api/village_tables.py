"""The tables of the page of a commune: what is how far, what works, what the climate will be.

Hides how figures become rows with bars. Everything comes from what the library knows of the
commune; minutes are drawn on scales that are the same for every commune.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from api.sheets import commune_path
from api.texts import translator
from geo_matcher.catchments import place_drives
from geo_matcher.criteria import Unit
from geo_matcher.destinations import DAILY_SERVICES, HUB_CITIES
from geo_matcher.numbers import format_number, format_raw
from geo_matcher.territory import Territory
from geo_matcher.towns import LiveSequence

__all__ = [
    "AROUND",
    "CLIMATE",
    "CULTURE",
    "DAILY",
    "DVF_TABLES",
    "HEALTH",
    "NEAR_SCALE_MIN",
    "REGION_SCALE_MIN",
    "SCHOOLS",
    "WORK_KINDS",
    "ClimateRow",
    "Drive",
    "SalesRow",
    "WorkPlace",
    "all_pages",
    "climate_rows",
    "drives",
    "horizon_texts",
    "minutes_text",
    "places_here",
    "sales_rows",
    "work_places",
]

NEAR_SCALE_MIN, REGION_SCALE_MIN = 40.0, 120.0
"""Minutes at which a bar is full: for what is of every day, and for towns and journeys."""

DAILY = tuple(DAILY_SERVICES)
"""The eight everyday services, in the order of the basket."""

SCHOOLS = ("primary_school", "college", "lycee")
HEALTH = ("doctor", "hospital")
AROUND: LiveSequence[str] = LiveSequence(lambda _: ("station", "airport", *HUB_CITIES))
CULTURE = ("cinema", "museum")

WJ = "\u2060"
"""Keeps two characters on one line."""

WORK_KINDS = ("coworking", "third_place", "fablab", "telecentre")
WORK_WITHIN_MIN = 40.0
MOST_WORK_PLACES = 5

CLIMATE = ("d30", "d35", "n20", "fire")
"""Indicators that are shown, of those that the table holds."""

HORIZONS = ("2030", "2050", "2100")

DVF_TABLES = frozenset({"housing_medians", "housing_sales", "housing_prices_rents"})
"""Tables whose terms forbid that search engines index what they say of sales."""


class Drive(NamedTuple):
    """How far something is.

    Attributes
    ----------
    label
        What is looked for.
    figure
        Minutes in words; a bound is said to be one.
    where, where_href
        The commune of the nearest known one, and its page if it has one.
    fill, fill_best
        How long the bar is, 0 to 100, and how short in the best case when only a bound is known. An
        unknown time has no bar (None); what no road leads to has a full one.
    """

    label: str
    figure: str
    where: str
    where_href: str
    fill: float | None
    fill_best: float | None


class WorkPlace(NamedTuple):
    """A place to work in company.

    Attributes
    ----------
    name, kind
        Which one, and what it is.
    figure, where, where_href
        Minutes, the commune, and its page.
    note
        How and when it is known; that it is to be confirmed, if so.
    """

    name: str
    kind: str
    figure: str
    where: str
    where_href: str
    note: str


class ClimateRow(NamedTuple):
    """An indicator: its name, its figure in the past, and in each horizon with its interval."""

    label: str
    past: str
    horizons: tuple[str, ...]
    interval: str


class SalesRow(NamedTuple):
    """A year of sales; a median that is withheld, or a count that is unknown, is empty.

    Attributes
    ----------
    year
        Which year.
    house_price, houses, flat_price, flats
        Median price and number of sales. Where communes have merged, sales are added; a median
        cannot be, so that of a part stands with its own number of sales.
    """

    year: str
    house_price: str
    houses: str
    flat_price: str
    flats: str


def minutes_text(travel: Mapping[str, Any], language: str) -> str:
    """Write the minutes to a destination, as :func:`describe_commune` gives them."""
    minutes = travel["minutes"]
    if travel["status"] == "unknown":
        return format_raw(float("nan"), Unit.MINUTES, language)
    if travel["status"] == "unreachable" or minutes is None:
        return format_raw(float("inf"), Unit.MINUTES, language)
    text = format_raw(minutes, Unit.MINUTES, language)
    if travel["status"] == "upper_bound":
        return translator(language)("limit.at_most", figure=text)
    return text


def drives(
    commune: Mapping[str, Any],
    destinations: Sequence[str],
    pages: Mapping[str, str],
    language: str,
    *,
    scale_min: float = NEAR_SCALE_MIN,
) -> tuple[Drive, ...]:
    """Return how far some destinations are.

    Parameters
    ----------
    commune
        What the library knows of the commune.
    destinations
        Their names.
    pages
        Address of the page of each commune that has one.
    language
        ``fr`` or ``en``.
    scale_min
        Minutes at which a bar is full.
    """
    t = translator(language)
    found = []
    for name in destinations:
        travel = commune["travel"][name]
        code, minutes = travel["nearest_insee_code"], travel["minutes"]
        is_here = code == commune["insee_code"]
        low = minutes if travel["minutes_low"] is None else travel["minutes_low"]
        is_unknown = travel["status"] == "unknown"
        if name in HUB_CITIES:
            label, where, code = HUB_CITIES[name][1], "", code if not is_here else ""
        else:
            label = t(f"place.{name}")
            where = t("village.here") if is_here else travel["nearest_commune"] or ""
        found.append(
            Drive(
                label=label,
                figure=minutes_text(travel, language),
                where=where,
                where_href="" if is_here else pages.get(code or "", ""),
                fill=None if is_unknown else _share(minutes, scale_min),
                fill_best=None if is_unknown else _share(low, scale_min),
            )
        )
    return tuple(found)


def _share(minutes: float | None, scale_min: float) -> float:
    return 100.0 if minutes is None else round(min(100.0, 100 * minutes / scale_min), 1)


def work_places(
    territory: Territory, commune: Mapping[str, Any], pages: Mapping[str, str], language: str
) -> tuple[WorkPlace, ...]:
    """Return the known work places near a commune, nearest first.

    One is always given, however far, if any is known.
    """
    t = translator(language)
    places, minutes, _ = place_drives(territory, "workplace")
    names = {fact["insee_code"]: fact["name"] for fact in territory.facts}
    away = minutes[territory.codes.index(commune["insee_code"])].tolist()
    columns = ["kind", "name", "insee_code", "status", "year"]
    rows = zip(away, *(places[column].tolist() for column in columns), strict=True)
    order = sorted(rows, key=lambda row: (row[0], WORK_KINDS.index(row[1]), row[2]))
    near = [row for row in order if row[0] <= WORK_WITHIN_MIN] or order[:1]
    found = []
    for drive_min, kind, name, code, status, year in near[:MOST_WORK_PLACES]:
        is_here = code == commune["insee_code"]
        is_sure = status == "listed" or status.startswith("named")
        known = t("work.named") if is_sure else t("work.unsure")
        found.append(
            WorkPlace(
                name=name,
                kind=t(f"place.{kind}"),
                figure=format_raw(drive_min, Unit.MINUTES, language),
                where=t("village.here") if is_here else names.get(code, ""),
                where_href="" if is_here else pages.get(code, ""),
                note=t("work.year", known=known, year=year) if year else known,
            )
        )
    return tuple(found)


def places_here(commune: Mapping[str, Any], kinds: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the places of some kinds in the commune itself, each once."""
    names = (place["name"] for place in commune["places"] if place["kind"] in kinds)
    return tuple(dict.fromkeys(name for name in names if name))


def climate_rows(commune: Mapping[str, Any], language: str) -> tuple[ClimateRow, ...]:
    """Return what the climate was and will be; nothing where no projection is known."""
    t = translator(language)
    figures: dict[tuple[str, str, str], float] = {}
    intervals: dict[str, str] = {}
    for row in commune["climate"]:
        figures[row["indicator"], row["horizon"], row["statistic"]] = row["value"]
        if row["interval"]:
            is_whole = row["interval"] == "ensemble min-max"
            intervals[row["indicator"]] = t(
                "climate.interval.all" if is_whole else "climate.interval.most"
            )

    def text(value: float | None) -> str:
        return "" if value is None else format_number(value, language)

    def horizon(indicator: str, year: str) -> str:
        middle, low, high = (
            text(figures.get((indicator, year, which))) for which in ("median", "low", "high")
        )
        return t("climate.figure", middle=middle, low=low, high=f"{WJ}{high}") if middle else ""

    return tuple(
        ClimateRow(
            label=t(f"climate.{name}"),
            past=text(figures.get((name, "1976-2005", "reference"))),
            horizons=tuple(horizon(name, year) for year in HORIZONS),
            interval=intervals.get(name, ""),
        )
        for name in CLIMATE
        if any(indicator == name for indicator, _, _ in figures)
    )


def horizon_texts(commune: Mapping[str, Any], language: str) -> tuple[str, ...]:
    """Return the names of the horizons, with the warming of France that stands for each."""
    t = translator(language)
    warming = {
        row["horizon"]: row["france_warming_c"]
        for row in commune["climate"]
        if row["france_warming_c"] is not None
    }
    return tuple(
        t("climate.horizon", year=year, warming=format_number(warming[year], language, ".1"))
        for year in HORIZONS
        if year in warming
    )


def sales_rows(commune: Mapping[str, Any], language: str) -> tuple[SalesRow, ...]:
    """Return the sales of each year, latest first."""
    years: dict[int, list[Mapping[str, Any]]] = {}
    for row in commune["housing"]["sales_by_year"]:
        years.setdefault(row["year"], []).append(row)
    return tuple(
        SalesRow(
            year=str(year),
            house_price=_prices(rows, "house", language),
            houses=_count(rows, "house", language),
            flat_price=_prices(rows, "flat", language),
            flats=_count(rows, "flat", language),
        )
        for year, rows in sorted(years.items(), reverse=True)
    )


def _prices(rows: Sequence[Mapping[str, Any]], kind: str, language: str) -> str:
    known = [row for row in rows if row[f"{kind}_median_eur_m2"] is not None]
    texts = [format_raw(row[f"{kind}_median_eur_m2"], Unit.EUR_M2, language) for row in known]
    if len(rows) == 1:
        return "".join(texts)
    counts = [format_number(row[f"{kind}_sales"], language) for row in known]
    return ", ".join(f"{text} ({n})" for text, n in zip(texts, counts, strict=True))


def _count(rows: Sequence[Mapping[str, Any]], kind: str, language: str) -> str:
    counts = [row[f"{kind}_sales"] for row in rows]
    return "" if None in counts else format_number(sum(counts), language)


def all_pages(territory: Territory) -> dict[str, str]:
    """Return the address of the page of each commune of the release, in the order of its codes."""
    return {
        fact["insee_code"]: commune_path(fact["insee_code"], fact["name"])
        for fact in territory.facts
    }
