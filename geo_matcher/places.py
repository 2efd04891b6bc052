"""Every place that people drive to, as one table of points.

Hides that places come from many lists with different columns, and that some have no published
coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from geo_matcher.destinations import HUB_CITIES
from geo_matcher.errors import DataError

__all__ = ["HOSPITAL_CATEGORIES", "collect_places"]

HOSPITAL_CATEGORIES = (
    "Centre Hospitalier (C.H.)",
    "Centre Hospitalier Régional (C.H.R.)",
    "Centre hospitalier, ex Hôpital local",
    "Etablissement de Soins Pluridisciplinaire",
)
"""FINESS categories that count as a hospital; psychiatric and rehabilitation sites do not."""


def collect_places(source: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Gather every place of the source tables into one table of points.

    A place whose coordinates are not published stands at the town hall of its commune, and
    ``position`` says so.

    Returns
    -------
    pandas.DataFrame
        ``place_id, kind, name, insee_code, lon, lat, position, status, year, source_table``,
        positions in EPSG:4326, sorted by identifier.
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

    shops = source["shops"]
    work, schools, hospitals = source["workplaces"], source["schools"], source["hospitals"]
    culture, hubs = source["culture"], source["hubs"]
    houses = source["france_services"]
    doctors = source["health_registered"]
    evidence = source["partners_evidence"]
    school_kind = schools["kind"].replace({"primary": "primary_school"})
    is_hospital = hospitals["category"].isin(HOSPITAL_CATEGORIES)
    parts = [
        part("shops", shops["kind"], "", "listed", "2025"),
        part("workplaces", work["kind"], work["name"], work["status"], work["year"]),
        part("france_services", "france_services", houses["name"], "listed", ""),
        part("schools", school_kind, schools["name"], "listed", schools["school_year"]),
        part(
            "hospitals",
            np.where(is_hospital, "hospital", "specialised_hospital"),
            hospitals["name"],
            "listed",
            "2020",
        ),
        part("hubs", hubs["kind"], hubs["name"], "listed", ""),
        part("culture", culture["kind"], culture["name"], "listed", culture["year"]),
        part("health_registered", "doctor", "", "to be confirmed", "2018")[
            doctors["gp_registered"] == 1
        ],
        part(
            "partners_evidence",
            "network_trace",
            evidence["name"],
            evidence["status"],
            evidence["year"],
        )[evidence["status"] != "programme_seat"],
        pd.DataFrame(
            [
                {"kind": f"city_{key}", "name": name, "insee_code": code, "status": "listed",
                 "year": "", "source_table": "town_halls", "lon": np.nan, "lat": np.nan}
                for key, (code, name) in HUB_CITIES.items()
            ]
        ),
    ]  # fmt: skip
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
    columns = ["place_id", "kind", "name", "insee_code", "lon", "lat", "position", "status", "year"]
    return places[[*columns, "source_table"]]


def _year(value: object) -> str:
    if value is None or value != value or value == "":
        return ""
    return f"{value:.0f}" if isinstance(value, float) else str(value)
