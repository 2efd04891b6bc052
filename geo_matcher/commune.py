"""Everything that a release knows of one commune.

Hides which table each figure lies in. The same answer serves the command line and the API.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
        "membership": _records(territory, "membership", code),
        "broadband": _broadband(territory, code),
        "travel": _travel(territory, code),
        "housing": _housing(territory, code),
        "health": _records(territory, "health_registered_2018", code),
        "risks": _records(territory, "risks_2026", code),
        "climate": _records(territory, "climate_projections", code),
        "places": _records(territory, "places", code),
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


@lru_cache(maxsize=64)
def _rows_by_code(territory: Territory, table: str) -> Mapping[str, NDArray[np.intp]]:
    """Return the numbers of the rows of each commune in a table; made once."""
    groups = territory.tables[table].groupby("insee_code").indices
    return {str(code): np.asarray(rows, dtype=np.intp) for code, rows in groups.items()}


def _own(territory: Territory, table: str, code: str) -> pd.DataFrame:
    """Return the rows of a commune, none where the release lacks the table."""
    if table not in territory.tables:
        return pd.DataFrame()
    rows = _rows_by_code(territory, table).get(code, np.array([], dtype=np.intp))
    return territory.tables[table].iloc[rows]


def _records(territory: Territory, table: str, code: str) -> list[dict[str, Any]]:
    return [
        {
            str(key): None if value == "" else value if isinstance(value, str) else _plain(value)
            for key, value in row.items()
            if key != "insee_code"
        }
        for row in _own(territory, table, code).to_dict("records")
    ]


def _broadband(territory: Territory, code: str) -> dict[str, Any]:
    (line,) = _own(territory, "broadband_fixed_2026t2", code).to_dict("records")
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


@lru_cache(maxsize=8)
def _hall_names(territory: Territory) -> Mapping[str, str]:
    halls = territory.tables["town_halls_80km"]
    return dict(zip(halls["insee_code"], halls["name"], strict=True))


def _travel(territory: Territory, code: str) -> dict[str, Any]:
    rows = _own(territory, "travel_times", code).to_dict("records")
    own = {row["destination"]: row for row in rows}
    names = _hall_names(territory)
    return {
        destination.name: {
            "minutes": _plain(own[destination.name]["minutes"]),
            "minutes_low": _plain(own[destination.name]["minutes_low"]),
            "road_km": _plain(own[destination.name]["road_km"]),
            "nearest_insee_code": own[destination.name]["nearest_insee_code"] or None,
            "nearest_commune": names.get(own[destination.name]["nearest_insee_code"]),
            "status": own[destination.name]["status"],
        }
        for destination in DESTINATIONS
    }


def _housing(territory: Territory, code: str) -> dict[str, Any]:
    figures: Any = territory.indicators.loc[code]
    columns = ("house_price_eur_m2", "house_rent_eur_m2_month", "home_sales_2021_2025")
    return {name: _plain(figures[name]) for name in columns} | {
        "sales_by_year": _records(territory, "housing_sales_2021_2025", code)
    }
