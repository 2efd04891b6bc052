"""Everything that a release knows of one commune.

Hides which table each figure lies in. The same answer serves the command line and the API.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from geo_matcher.destinations import DESTINATIONS
from geo_matcher.flags import red_flags
from geo_matcher.schemas import BEST_TECHNOLOGY
from geo_matcher.territory import Territory

__all__ = ["describe_commune"]


def describe_commune(territory: Territory, insee_code: str) -> dict[str, Any]:
    """Return what is known of a commune in plain types; what is unknown is None.

    Parameters
    ----------
    territory
        A loaded release.
    insee_code
        Code of the commune.

    Raises
    ------
    UnknownCommuneError
        If the release has no such commune.
    """
    code = territory.find(insee_code)
    row = territory.codes.index(code)
    commune: Any = territory.communes.loc[code]
    return {
        "release": territory.release_id,
        **territory.facts[row],
        "area_km2": float(commune["area_km2"]),
        "density_km2": _plain(territory.indicators.at[code, "density_km2"]),
        "epci_code": commune["epci_code"],
        "postal_codes": commune["postal_codes"].replace(",", " ").split(),
        "town_hall": {
            "lon": float(commune["town_hall_lon"]),
            "lat": float(commune["town_hall_lat"]),
            "position": commune["town_hall_position"],
            **{
                part: commune[f"town_hall_{part}"] or None
                for part in ("address", "phone", "email", "website")
            },
        },
        "membership": _records(territory.tables["membership"], code),
        "broadband": _broadband(territory, code),
        "travel": _travel(territory, code),
        "housing": _housing(territory, code),
        "risks": _risks(territory, code),
        "climate": _records(territory.tables.get("climate_projections"), code),
        "places": _records(territory.places, code),
        "red_flags": [flag.as_dict() for flag in red_flags(territory)[code]],
        "notes": [
            {"text_fr": mend.text_fr, "text_en": mend.text_en}
            for mend in territory.catalog.mends
            if mend.insee_code == code
        ],
    }


def _plain(value: Any) -> Any:
    """Return a figure as plain Python, None where it is missing."""
    number = float(value)
    if math.isnan(number):
        return None
    return int(number) if number.is_integer() else number


def _records(table: pd.DataFrame | None, code: str) -> list[dict[str, Any]]:
    if table is None:
        return []
    rows = table[table["insee_code"] == code].drop(columns="insee_code").to_dict("records")
    return [
        {
            str(key): None if value == "" else value if isinstance(value, str) else _plain(value)
            for key, value in row.items()
        }
        for row in rows
    ]


def _broadband(territory: Territory, code: str) -> dict[str, Any]:
    line: Any = territory.tables["broadband_fixed_2026t2"].set_index("insee_code").loc[code]
    figures: Any = territory.indicators.loc[code]
    return {
        "ftth_coverage_share": _plain(figures["ftth_coverage_share"]),
        "land_30mbit_share": _plain(figures["land_30mbit_share"]),
        "premises": int(line["mci_premises"]),
        "premises_by_best_technology": {
            name.removeprefix("mci_best_"): int(line[name]) for name in BEST_TECHNOLOGY
        },
        "premises_without_ftth": _plain(figures["premises_without_ftth"]),
        "other_count": {
            "source": "cartefibre",
            "premises": int(line["cartefibre_premises"]),
            "ftth_premises_passed": int(line["cartefibre_ftth_premises_passed"]),
            "ftth_coverage_share": _plain(figures["ftth_coverage_share_cartefibre"]),
        },
        "copper_closure_date": line["copper_closure_date"] or None,
        "source": "broadband_fixed_2026t2",
    }


def _travel(territory: Territory, code: str) -> dict[str, Any]:
    times = territory.tables["travel_times"]
    own = times[times["insee_code"] == code].set_index("destination")
    names = territory.tables["town_halls_80km"].set_index("insee_code")["name"]
    return {
        destination.name: {
            "minutes": _plain(own.at[destination.name, "minutes"]),
            "minutes_low": _plain(own.at[destination.name, "minutes_low"]),
            "road_km": _plain(own.at[destination.name, "road_km"]),
            "nearest_insee_code": own.at[destination.name, "nearest_insee_code"] or None,
            "nearest_commune": names.get(own.at[destination.name, "nearest_insee_code"]),
            "status": own.at[destination.name, "status"],
        }
        for destination in DESTINATIONS
    }


def _housing(territory: Territory, code: str) -> dict[str, Any]:
    figures: Any = territory.indicators.loc[code]
    columns = ("house_price_eur_m2", "house_rent_eur_m2_month", "home_sales_2021_2025")
    return {name: _plain(figures[name]) for name in columns} | {
        "sales_by_year": _records(territory.tables.get("housing_sales_2021_2025"), code)
    }


def _risks(territory: Territory, code: str) -> list[dict[str, Any]]:
    return _records(territory.tables["risks_2026"], code)
