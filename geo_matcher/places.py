"""Every place that people drive to, as one table of points.

Hides that places come from many lists with different columns, and that some have no published
coordinates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from geo_matcher.catalog import AND, Catalog
from geo_matcher.destinations import HUB_CITIES
from geo_matcher.errors import DataError

__all__ = ["HOSPITAL_CATEGORIES", "collect_places", "doctor_table", "first_year", "first_years"]

HOSPITAL_CATEGORIES = (
    "Centre Hospitalier (C.H.)",
    "Centre Hospitalier Régional (C.H.R.)",
    "Centre hospitalier, ex Hôpital local",
    "Etablissement de Soins Pluridisciplinaire",
)
"""FINESS categories that count as a hospital; psychiatric and rehabilitation sites do not."""


PLACE_COLUMNS = (
    "place_id", "kind", "name", "insee_code", "lon", "lat", "position", "status", "year",
    "source_table",
)  # fmt: skip

Part = Callable[[str, Any, Any, Any, Any], pd.DataFrame]


def collect_places(source: Mapping[str, pd.DataFrame], years: Mapping[str, str]) -> pd.DataFrame:
    """Gather every place of the source tables into one table of points.

    A place whose coordinates are not published stands at the town hall of its commune, and
    ``position`` says so. A table that is absent gives no place.

    Parameters
    ----------
    source
        Source tables by name; ``town_halls`` is needed.
    years
        Year of each table whose rows do not name one, by table; see :func:`first_years`.

    Returns
    -------
    pandas.DataFrame
        ``place_id, kind, name, insee_code, lon, lat, position, status, year, source_table``,
        positions in EPSG:4326, sorted by identifier.

    Raises
    ------
    DataError
        If a place lies in a commune that has no town hall here.
    """
    halls = source["town_halls"].set_index("insee_code")

    def part(table: str, kind: Any, name: Any, status: Any, year: Any) -> pd.DataFrame:
        frame = source[table]
        found = pd.DataFrame(
            {"kind": kind, "name": name, "insee_code": frame["insee_code"]}, index=frame.index
        ).assign(status=status, year=year, source_table=table)
        for axis in ("lon", "lat"):
            found[axis] = frame.get(axis, np.nan)
        return found

    not_read = {"supply", "health_registered"} - {doctor_table(source)}
    parts = [
        make(source[table], part, years.get(table, ""))
        for table, make in MAKERS.items()
        if table in source and table not in not_read
    ]
    parts.append(
        pd.DataFrame(
            [
                {"kind": f"city_{key}", "name": name, "insee_code": code, "status": "listed",
                 "year": "", "source_table": "town_halls", "lon": np.nan, "lat": np.nan}
                for key, (code, name) in HUB_CITIES.items()
            ],
            columns=["kind", "name", "insee_code", "status", "year", "source_table", "lon", "lat"],
        )
    )  # fmt: skip
    parts = [found for found in parts if len(found)]
    if not parts:
        return pd.DataFrame(columns=list(PLACE_COLUMNS)).astype({"lon": float, "lat": float})
    places = pd.concat(parts, ignore_index=True)
    unknown = sorted(set(places["insee_code"]) - set(halls.index))
    if unknown:
        problems = [
            f"a place lies in commune {code}, which is not in town_halls" for code in unknown
        ]
        raise DataError("Places cannot be located: " + "; ".join(problems), problems)
    at_hall = places["lon"].isna() | places["lat"].isna()
    places["position"] = np.where(at_hall, "town_hall", "published")
    for axis in ("lon", "lat"):
        hall = places["insee_code"].map(halls[f"town_hall_{axis}"])
        places[axis] = places[axis].where(~at_hall, hall).round(5)
    places["year"] = [_year(value) for value in places["year"]]
    order = ["kind", "insee_code", "name", "lon", "lat", "status", "year"]
    places = places.sort_values(order, ignore_index=True, kind="stable")
    serial = places.groupby("kind").cumcount() + 1
    places["place_id"] = [f"{kind}-{n:04d}" for kind, n in zip(places["kind"], serial, strict=True)]
    return places[list(PLACE_COLUMNS)]


def _shops(shops: pd.DataFrame, part: Part, year: str) -> pd.DataFrame:
    return part("shops", shops["kind"], "", "listed", year)


def _workplaces(work: pd.DataFrame, part: Part, _: str) -> pd.DataFrame:
    return part("workplaces", work["kind"], work["name"], work["status"], work["year"])


def _france_services(houses: pd.DataFrame, part: Part, _: str) -> pd.DataFrame:
    return part("france_services", "france_services", houses["name"], "listed", "")


def _schools(schools: pd.DataFrame, part: Part, _: str) -> pd.DataFrame:
    kind = schools["kind"].replace({"primary": "primary_school"})
    return part("schools", kind, schools["name"], "listed", schools["school_year"])


def _hospitals(hospitals: pd.DataFrame, part: Part, year: str) -> pd.DataFrame:
    is_hospital = hospitals["category"].isin(HOSPITAL_CATEGORIES)
    kind = np.where(is_hospital, "hospital", "specialised_hospital")
    return part("hospitals", kind, hospitals["name"], "listed", year)


def _hubs(hubs: pd.DataFrame, part: Part, _: str) -> pd.DataFrame:
    return part("hubs", hubs["kind"], hubs["name"], "listed", "")


def _culture(culture: pd.DataFrame, part: Part, _: str) -> pd.DataFrame:
    return part("culture", culture["kind"], culture["name"], "listed", culture["year"])


def doctor_table(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return the table that tells where doctors are.

    Parameters
    ----------
    tables
        Source tables by name.

    Returns
    -------
    str
        ``supply`` where it counts any, else ``health_registered``, whether it is there or not.
    """
    is_counted = "supply" in tables and (tables["supply"]["kind"] == "doctor").any()
    return "supply" if is_counted else "health_registered"


def _counted_doctors(supply: pd.DataFrame, part: Part, _: str) -> pd.DataFrame:
    """Return one place for each commune with doctors: nobody says where in it they are."""
    found = part("supply", "doctor", "", "listed", supply["year"])
    return found[(supply["kind"] == "doctor") & (supply["amount"] > 0)]


def _doctors(practices: pd.DataFrame, part: Part, year: str) -> pd.DataFrame:
    found = part("health_registered", "doctor", "", "to be confirmed", year)
    return found[practices["gp_registered"] == 1]


def _traces(evidence: pd.DataFrame, part: Part, _: str) -> pd.DataFrame:
    found = part(
        "partners_evidence", "network_trace", evidence["name"], evidence["status"], evidence["year"]
    )
    return found[evidence["status"] != "programme_seat"]


MAKERS: Mapping[str, Callable[[pd.DataFrame, Part, str], pd.DataFrame]] = {
    "shops": _shops,
    "workplaces": _workplaces,
    "france_services": _france_services,
    "schools": _schools,
    "hospitals": _hospitals,
    "hubs": _hubs,
    "culture": _culture,
    "supply": _counted_doctors,
    "health_registered": _doctors,
    "partners_evidence": _traces,
}
"""How each table becomes places."""


def first_year(vintage: str) -> str:
    """Return the first year that a vintage names, empty where it names none.

    Where a table joins what is new to what was kept, the year is that of what is new.
    """
    return next(iter(re.findall(r"\b(?:19|20)\d{2}\b", vintage.split(AND)[0])), "")


def first_years(catalog: Catalog) -> dict[str, str]:
    """Return the :func:`first_year` of the vintage of each table."""
    return {table.name: first_year(table.vintage) for table in catalog.tables}


def _year(value: object) -> str:
    if value is None or value != value or value == "":
        return ""
    return f"{value:.0f}" if isinstance(value, float) else str(value)
