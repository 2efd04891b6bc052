"""Everything that a release knows of one commune.

Hides which table each figure lies in. The same answer serves the command line and the API.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from geo_matcher.corrections import Standing, standings
from geo_matcher.destinations import DESTINATIONS, Destination
from geo_matcher.flags import red_flags
from geo_matcher.kept import kept
from geo_matcher.schemas import BEST_TECHNOLOGY
from geo_matcher.territory import Territory
from geo_matcher.towns import in_service

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
    (commune,) = _own(territory, "communes", code)
    (figures,) = _own(territory, "indicators", code)
    return {
        "release": territory.release_id,
        **territory.facts[row],
        "area_km2": float(commune["area_km2"]),
        "density_km2": _plain(figures["density_km2"]),
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
        "health": _records(territory, "health_registered", code),
        "risks": _records(territory, "risks", code),
        "climate": _records(territory, "climate_projections", code),
        "places": _records(territory, "places", code),
        "red_flags": [flag.as_dict() for flag in red_flags(territory)[code]],
        "corrections": [
            {key: value for key, value in standing.as_dict().items() if key != "insee_code"}
            for standing in _standings(territory)
            if standing.correction.insee_code == code
        ],
        "notes": [
            {"text_fr": mend.text_fr, "text_en": mend.text_en}
            for mend in territory.catalog.mends
            if mend.insee_code == code
        ],
    }


@kept(maxsize=8)
def _standings(territory: Territory) -> tuple[Standing, ...]:
    return standings(territory.tables)


def _plain(value: Any) -> Any:
    """Return a figure as plain Python, None where it is missing."""
    number = float(value)
    if math.isnan(number):
        return None
    return int(number) if number.is_integer() else number


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of a table as plain Python, and the rows of each commune."""

    columns: Mapping[str, list[Any]]
    rows: Mapping[str, list[int]]


@kept(maxsize=64)
def _cells(territory: Territory, table: str) -> _Cells | None:
    """Return a table read once for all; none where the release lacks it.

    A frame takes as long to give one row as a page takes to be written.
    """
    own: Mapping[str, pd.DataFrame] = {
        "communes": territory.communes,
        "indicators": territory.indicators,
    }
    frame = own.get(table, territory.tables.get(table))
    if frame is None:
        return None
    seen: dict[Any, Any] = {}  # the same words again and again: one of each is kept
    columns = {
        str(name): [seen.setdefault(cell, cell) for cell in frame[name].to_numpy().tolist()]
        for name in frame.columns.difference(["geometry"], sort=False)
    }
    rows: dict[str, list[int]] = {}
    for row, code in enumerate(columns.get("insee_code", frame.index.tolist())):
        rows.setdefault(code, []).append(row)
    return _Cells(columns, rows)


def _own(territory: Territory, table: str, code: str) -> list[dict[str, Any]]:
    """Return the rows of a commune, none where the release lacks the table."""
    cells = _cells(territory, table)
    if cells is None:
        return []
    return [
        {name: column[row] for name, column in cells.columns.items()}
        for row in cells.rows.get(code, ())
    ]


def _records(territory: Territory, table: str, code: str) -> list[dict[str, Any]]:
    return [
        {
            key: (value or None) if isinstance(value, str) else _plain(value)
            for key, value in row.items()
            if key != "insee_code"
        }
        for row in _own(territory, table, code)
    ]


def _broadband(territory: Territory, code: str) -> dict[str, Any]:
    line = next(iter(_own(territory, "broadband_fixed", code)), None)
    (figures,) = _own(territory, "indicators", code)
    return {
        "ftth_coverage_share": _plain(figures["ftth_coverage_share"]),
        "land_30mbit_share": _plain(figures["land_30mbit_share"]),
        "premises": None if line is None else int(line["mci_premises"]),
        "premises_by_best_technology": {
            name.removeprefix("mci_best_"): int(line[name]) for name in BEST_TECHNOLOGY
        }
        if line is not None
        else {},
        "premises_without_ftth": _plain(figures["premises_without_ftth"]),
        "other_count": None
        if line is None or math.isnan(line["cartefibre_premises"])
        else {
            "source": "cartefibre",
            "premises": int(line["cartefibre_premises"]),
            "ftth_premises_passed": int(line["cartefibre_ftth_premises_passed"]),
            "ftth_coverage_share": _plain(figures["ftth_coverage_share_cartefibre"]),
        },
        "copper_closure_date": (line["copper_closure_date"] or None) if line else None,
        "source": "broadband_fixed",
    }


@kept(maxsize=8)
def _hall_names(territory: Territory) -> Mapping[str, str]:
    halls = territory.tables["town_halls"]
    return dict(zip(halls["insee_code"], halls["name"], strict=True))


def _travel(territory: Territory, code: str) -> dict[str, Any]:
    own = {row["destination"]: row for row in _own(territory, "travel_times", code)}
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
        for destination in _destinations(territory)
    }


def _destinations(territory: Territory) -> tuple[Destination, ...]:
    with in_service(territory.about):
        return tuple(DESTINATIONS)


def _housing(territory: Territory, code: str) -> dict[str, Any]:
    (figures,) = _own(territory, "indicators", code)
    columns = ("house_price_eur_m2", "house_rent_eur_m2_month", "home_sales")
    return {name: _plain(figures[name]) for name in columns} | {
        "sales_by_year": _records(territory, "housing_sales", code)
    }
