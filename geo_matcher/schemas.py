"""The shape of every table of a release.

Hides nothing but the length of the list: one schema per table, keyed by the name that the catalog
gives it. Columns of text are ``str``, whole numbers ``int64``, other figures ``float64``, in which
an empty cell is a missing figure.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from geo_matcher.destinations import DAILY_SERVICES, INSEE_CODE, PLACES
from geo_matcher.road_speeds import SPEEDS_KMH

__all__ = [
    "BEST_TECHNOLOGY",
    "HEAT_HORIZON",
    "SCHEMAS",
    "Column",
    "Day",
    "Kind",
    "Matches",
    "OneOf",
    "Schema",
    "Within",
]

HEAT_HORIZON = "2030"
"""Horizon of the climate projection whose hot days a release holds: France at +2.0 °C."""

Kind = Literal["text", "int64", "float64"]


@dataclass(frozen=True, slots=True)
class OneOf:
    """A cell holds one of these."""

    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Matches:
    """A cell of text starts with what this regular expression describes."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Within:
    """A figure lies between these, both included."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Day:
    """A cell of text is a day of the calendar, such as 2014-06-30."""

    or_empty: bool

    def holds(self, text: str) -> bool:
        """Tell whether a text is such a day."""
        if self.or_empty and text == "":
            return True
        try:
            return len(text) == len("2014-06-30") and bool(dt.date.fromisoformat(text))
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Column:
    """What the cells of a column hold; ``nullable`` lets figures be missing."""

    kind: Kind
    rule: OneOf | Matches | Within | Day | None = None
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Schema:
    """Columns in their order, and those that together name a row once, if any."""

    columns: Mapping[str, Column]
    unique: tuple[str, ...] = ()


def _code() -> Column:
    return _text(matches=INSEE_CODE)


def _text(*values: str, matches: str | None = None) -> Column:
    if values:
        return Column("text", OneOf(values))
    return Column("text", Matches(matches) if matches else None)


def _date(*, or_empty: bool = False) -> Column:
    return Column("text", Day(or_empty))


def _count(high: float = 1e7) -> Column:
    return _whole(0, high)


def _whole(low: float, high: float) -> Column:
    return Column("int64", Within(low, high))


def _yes_no() -> Column:
    return Column("int64", OneOf((0, 1)))


def _number(low: float, high: float, *, nullable: bool = False) -> Column:
    return Column("float64", Within(low, high), nullable)


def _lon() -> Column:
    return _number(-10, 15)


def _lat() -> Column:
    return _number(40, 52)


def _table(columns: dict[str, Column], *unique: str) -> Schema:
    return Schema(columns, unique)


BEST_TECHNOLOGY = (
    "mci_best_ftth", "mci_best_cable", "mci_best_copper_8mbit_or_more", "mci_best_superfast_radio",
    "mci_best_fixed_4g", "mci_best_radio", "mci_best_satellite",
)  # fmt: skip
"""Columns that split the premises of a commune by the best technology that reaches them."""

ORIGIN_CITIES = (
    "paris", "lille", "lyon", "marseille", "bordeaux", "montpellier", "toulouse",
)  # fmt: skip
"""The big cities that movers come from: the keys of a profile's ``origin_city`` but ``other``."""

PLACE_KINDS = sorted(
    {kind for destination in PLACES for kind in destination.place_kinds}
    | {"specialised_hospital", "weekly_market", "plus_beaux_villages"}
)

_PLACE_KIND = rf"^({'|'.join(PLACE_KINDS)}|city_[a-z][a-z0-9_]*)$"
"""A town is a place of its own kind; which towns there are, the territory says."""

_CORRECTION = {
    "insee_code": _code(),
    "table": _text(matches=r"^[a-z_]+$"),
    "place": _text(),
    "column": _text(matches=r"^[a-z_]+$"),
    "value": _text(matches=r"\S"),
    "official_value": _text(),
    "who": _text(matches=r"\S"),
    "day": _date(),
    "reason": _text(matches=r"\S"),
    "source": _text(matches=r"\S"),
}

SCHEMAS: dict[str, Schema] = {
    "communes": _table(
        {
            "insee_code": _code(),
            "name": _text(matches=r"^\S.*\S$"),
            "departement": _text(),
            "population": _count(),
            "area_km2": _number(0.01, 1000),
            "epci_code": _text(matches=r"^(\d{9})?$"),  # a few islands belong to none
            "epci_name": _text(),
            "arrondissement": _text(),
            "postal_codes": _text(matches=r"^(\d{5}( ?[;,|/ ] ?\d{5})*)?$"),
            "town_hall_lon": _lon(),
            "town_hall_lat": _lat(),
            "town_hall_position": _text("published", "inside_point"),
            "town_hall_address": _text(),
            "town_hall_phone": _text(),
            "town_hall_email": _text(),
            "town_hall_website": _text(),
        },
        "insee_code",
    ),
    "broadband_fixed": _table(
        {
            "insee_code": _code(),
            "cartefibre_premises": _number(0, 1e7, nullable=True),
            "cartefibre_ftth_premises_passed": _number(0, 1e7, nullable=True),
            "mci_premises": _count(),
            **{name: _count() for name in BEST_TECHNOLOGY},
            "mci_land_30mbit": _count(),
            "mci_land_1gbit": _count(),
            "copper_closure_date": _date(or_empty=True),
        },
        "insee_code",
    ),
    "mobile_sites": _table(
        {
            "operator": _text("orange", "sfr", "free", "bouygues"),
            "site": _text(matches=r"\S"),
            "insee_code": _code(),
            "lon": _lon(),
            "lat": _lat(),
            "has_2g": _yes_no(),
            "has_3g": _yes_no(),
            "has_4g": _yes_no(),
            "has_5g": _yes_no(),
            "is_white_zone": _yes_no(),
            "is_targeted_coverage": _yes_no(),
        },
        "operator",
        "site",
    ),
    "town_halls": _table(
        {
            "insee_code": _code(),
            "name": _text(),
            "departement": _text(),
            "population": _count(),
            "town_hall_lon": _lon(),
            "town_hall_lat": _lat(),
            "town_hall_position": _text("published", "inside_point"),
        },
        "insee_code",
    ),
    "adjacency": _table({"a": _code(), "b": _code(), "straight_km": _number(0, 100)}, "a", "b"),
    "shops": _table(
        {"kind": _text(*DAILY_SERVICES), "insee_code": _code(), "lon": _lon(), "lat": _lat()}
    ),
    "workplaces": _table(
        {
            "name": _text(matches=r"\S"),
            "kind": _text("coworking", "telecentre", "third_place", "fablab"),
            "insee_code": _code(),
            "address": _text(),
            "year": _text(matches=r"^(\d{4})?$"),
            "source": _text(matches=r"\S"),
            "position": _text(),
            "status": _text(),
        }
    ),
    "france_services": _table(
        {"insee_code": _code(), "name": _text(), "source": _text(matches=r"\S")}, "insee_code"
    ),
    "hubs": _table(
        {
            "kind": _text("station", "airport"),
            "name": _text(matches=r"\S"),
            "insee_code": _code(),
            "lon": _lon(),
            "lat": _lat(),
            "note": _text(),
        },
        "kind",
        "name",
    ),
    "housing_sales": _table(
        {
            "insee_code": _code(),
            "insee_code_source": _code(),
            "year": _whole(2000, 2100),
            "house_median_eur_m2": _number(10, 20_000, nullable=True),
            "house_sales": _count(),
            "flat_median_eur_m2": _number(10, 20_000, nullable=True),
            "flat_sales": _count(),
        },
        "insee_code_source",
        "year",
    ),
    "housing_prices_rents": _table(
        {
            "insee_code": _code(),
            "current_insee": _code(),
            "price_m2_mean_2022_2023": _number(10, 20_000, nullable=True),
            "price_m2_mean_2022": _number(10, 20_000, nullable=True),
            "price_m2_mean_2023": _number(10, 20_000, nullable=True),
            "rent_apartment_eur_m2_month": _number(1, 100, nullable=True),
            "rent_house_eur_m2_month": _number(1, 100, nullable=True),
        },
        "insee_code",
    ),
    "origin_cities": _table(
        {
            "city": _text(*ORIGIN_CITIES),
            "insee_code": _code(),
            "name": _text(matches=r"\S"),
            "population": _count(),
            "population_year": _whole(2000, 2100),
            "area_km2": _number(0.01, 1000),
            "price_m2_mean_2022": _number(10, 20_000, nullable=True),
            "price_m2_mean_2023": _number(10, 20_000, nullable=True),
            "source": _text(matches=r"\S"),
        },
        "city",
    ),
    "french_communes": _table(
        {
            "insee_code": _code(),
            "name": _text(matches=r"^\S(.*\S)?$"),
            "departement": _text(matches=r"^(\d{2}|2[AB]|9[78]\d)$"),
            "population": _number(0, 1e7, nullable=True),
            "population_year": _number(2000, 2100, nullable=True),
        },
        "insee_code",
    ),
    "risks": _table(
        {
            "insee_code_source": _code(),
            "insee_code": _code(),
            "radon_class": Column("float64", OneOf((1, 2, 3)), nullable=True),
            **{
                f"ddrm_{risk}": _yes_no()
                for risk in ("flood", "earthquake", "dam_failure", "industrial", "hazmat_transport")
            },
            "flood_plan": _text(),
            "flood_plan_names": _text(),
            "clay_plan": _text(),
            "industrial_plan": _text(),
            "industrial_plan_names": _text(),
            "catnat_count_30y": _count(1000),
            "catnat_since": _date(or_empty=True),
            "catnat_last_start": _date(or_empty=True),
            "catnat_last_type": _text(),
        },
        "insee_code_source",
    ),
    "climate_projections": _table(
        {
            "insee_code": _code(),
            "indicator": _text("d30", "d35", "n20", "hw", "fire", "dry"),
            "label_fr": _text(),
            "unit": _text(),
            "source_code": _text(),
            "horizon": _text("1976-2005", "2030", "2050", "2100"),
            "france_warming_c": _number(0, 6, nullable=True),
            "statistic": _text("reference", "low", "median", "high"),
            "value": _number(0, 366),
            "interval": _text(),
        },
        "insee_code",
        "indicator",
        "horizon",
        "statistic",
    ),
    "culture": _table(
        {
            "kind": _text("plus_beaux_villages", "cinema", "weekly_market", "museum"),
            "insee_code": _code(),
            "name": _text(matches=r"\S"),
            "year": _text(matches=r"^(\d{4})?$"),
            "note": _text(),
            "source": _text(matches=r"\S"),
        }
    ),
    "partners_evidence": _table(
        {
            "insee_code": _code(),
            "name": _text(),
            "status": _text(matches=r"^[a-z_]+$"),
            "year": _number(2000, 2100, nullable=True),
            "source": _text(matches=r"\S"),
            "note": _text(),
        }
    ),
    "road_distance_checks": _table(
        {
            "from_insee_code": _code(),
            "from_name": _text(),
            "to_insee_code": _code(),
            "to_name": _text(),
            "value": _number(0, 1000),
            "unit": _text(),
            "source": _text(matches=r"\S"),
        }
    ),
    "schools": _table(
        {
            "kind": _text("primary", "college", "lycee"),
            "type": _text(),
            "uai": _text(matches=r"^\d{7}[A-Z]$"),
            "name": _text(),
            "sector": _text(),
            "insee_code": _code(),
            "pupils": _number(0, 10_000, nullable=True),
            "school_year": _text(),
        },
        "uai",
        "kind",
    ),
    "hospitals": _table(
        {
            "finess": _text(matches=r"^\w{9}$"),
            "name": _text(matches=r"\S"),
            "category": _text(),
            "sector": _text(),
            "insee_code": _code(),
            "lon": _number(-10, 15, nullable=True),
            "lat": _number(40, 52, nullable=True),
        },
        "finess",
    ),
    "health_registered": _table(
        {
            "insee_code": _code(),
            **{f"{who}_registered": _yes_no() for who in ("gp", "nurse", "dentist")},
        },
        "insee_code",
    ),
    "corrections": _table(_CORRECTION, "insee_code", "table", "place", "column"),
    "withdrawn_corrections": _table(
        {
            **_CORRECTION,
            "withdrawn_by": _text(matches=r"\S"),
            "withdrawn_day": _date(),
            "withdrawn_reason": _text(matches=r"\S"),
        }
    ),
    "partners": _table(
        {
            "insee_code": _code(),
            "valid_from": _date(),
            "valid_to": _date(or_empty=True),
        },
        "insee_code",
    ),
    "places": _table(
        {
            "place_id": _text(matches=r"^[a-z0-9_]+-\d{4,}$"),
            "kind": _text(matches=_PLACE_KIND),
            "name": _text(),
            "insee_code": _code(),
            "lon": _lon(),
            "lat": _lat(),
            "position": _text("published", "town_hall"),
            "status": _text(matches=r"\S"),
            "year": _text(matches=r"^(\d{4}(-\d{2})?)?$"),
            "source_table": _text(matches=r"\S"),
        },
        "place_id",
    ),
    "travel_times": _table(
        {
            "insee_code": _code(),
            "destination": _text(matches=r"^[a-z][a-z0-9_]*$"),
            "minutes": _number(0, 600, nullable=True),
            "minutes_low": _number(0, 600, nullable=True),
            "road_km": _number(0, 600, nullable=True),
            "nearest_insee_code": _text(),
            "status": _text("estimated", "upper_bound", "unreachable", "unknown"),
        },
        "insee_code",
        "destination",
    ),
    "access_measures": _table(
        {
            "insee_code": _code(),
            "errands_week_min": _number(0, 10_000, nullable=True),
            "basket_min": _number(0, 1_200, nullable=True),
            "basket_stops": _number(1, len(DAILY_SERVICES), nullable=True),
            "errands_status": _text("estimated", "upper_bound", "unreachable", "unknown"),
            "inhabitants_15min": _count(1e8),
            "inhabitants_30min": _count(1e8),
            "inhabitants_45min": _count(1e8),
            "workplaces_per_10000": _number(0, 10_000, nullable=True),
        },
        "insee_code",
    ),
    "supply": _table(
        {
            "kind": _text(matches=_PLACE_KIND),
            "insee_code": _code(),
            "amount": _number(0, 1e6),
            "unit": _text(matches=r"\S"),
            "year": _whole(2000, 2100),
            "source": _text(matches=r"\S"),
        },
        "kind",
        "insee_code",
    ),
    "dwellings": _table(
        {
            "insee_code": _code(),
            "lon": _lon(),
            "lat": _lat(),
            "dwellings": _number(0, 1e5),
        },
    ),
    "apl_doctors": _table(
        {
            "insee_code": _code(),
            "apl_consultations": _number(0, 100),
            "year": _whole(2000, 2100),
        },
        "insee_code",
    ),
    "incomes": _table(
        {
            "insee_code": _code(),
            "median_income_eur_year": _number(1_000, 200_000, nullable=True),
            "year": _whole(2000, 2100),
        },
        "insee_code",
    ),
    "density_grid": _table(
        {"insee_code": _code(), "density_level": _whole(1, 7), "year": _whole(2000, 2100)},
        "insee_code",
    ),
    "housing_medians": _table(
        {
            "insee_code": _code(),
            "first_year": _whole(2000, 2100),
            "last_year": _whole(2000, 2100),
            "house_median_eur_m2": _number(10, 20_000),
            "house_sales": _count(),
        },
        "insee_code",
    ),
    "roads": _table(
        {
            "a": _count(),
            "b": _count(),
            "minutes_ab": _number(0, 600, nullable=True),
            "minutes_ba": _number(0, 600, nullable=True),
            "length_m": _number(0, 200_000),
            "highway": _text(*SPEEDS_KMH),
            "name": _text(),
        },
    ),
    "road_area": _table(
        {
            "origin": _text(matches=r"\S"),
            "vintage": _text(),
            "licence": _text(matches=r"\S"),
            "attribution": _text(matches=r"\S"),
            "osmnx": _text(matches=r"\S"),
            "osmium": _text(matches=r"\S"),
            "buffer_min": _number(0, 600),
            "buffer_km": _number(0, 600),
            "junction_m": _number(0, 100),
        },
    ),
    "fetched": _table(
        {
            "table": _text(matches=r"^[a-z_0-9]+$"),
            "url": _text(matches=r"^https?://"),
            "final_url": _text(matches=r"^https?://"),
            "etag": _text(),
            "last_modified": _text(),
            "bytes": _count(1e11),
            "sha256": _text(matches=r"^[0-9a-f]{64}$"),
        },
        "table",
        "url",
    ),
    "indicators": _table(
        {
            "insee_code": _code(),
            "ftth_coverage_share": _number(0, 2, nullable=True),
            "ftth_coverage_share_cartefibre": _number(0, 2, nullable=True),
            "land_30mbit_share": _number(0, 2, nullable=True),
            "premises_without_ftth": _number(0, 1e6, nullable=True),
            "density_km2": _number(0, 50_000, nullable=True),
            "daily_services_min": _number(0, 600, nullable=True),
            "daily_services_low_min": _number(0, 600, nullable=True),
            "daily_services_within_10min": _number(0, len(DAILY_SERVICES), nullable=True),
            "house_price_eur_m2": _number(10, 20_000, nullable=True),
            "house_rent_eur_m2_month": _number(1, 100, nullable=True),
            "home_sales": _number(0, 1e6, nullable=True),
            f"hot_days_{HEAT_HORIZON}_year": _number(0, 366, nullable=True),
            f"hot_days_{HEAT_HORIZON}_low_year": _number(0, 366, nullable=True),
            f"hot_days_{HEAT_HORIZON}_high_year": _number(0, 366, nullable=True),
        },
        "insee_code",
    ),
    "membership": _table(
        {
            "insee_code": _code(),
            "group": _text("partner", "network"),
            "valid_from": _date(),
            "valid_to": _date(or_empty=True),
            "evidence": _text("sourced", "reconstructed"),
            "source": _text(matches=r"\S"),
        },
        "insee_code",
        "group",
    ),
}
"""Schema of each table, by its name in the catalog."""

SCHEMAS["communes_source"] = SCHEMAS["communes"]
