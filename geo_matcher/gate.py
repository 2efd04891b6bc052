"""What a release must satisfy beyond the shape of its tables.

Hides the cross-table rules: keys, coordinate reference systems, the coverage of polygons, sums,
positions and dates. :func:`check_release` returns every problem it finds as a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TypeGuard

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from geo_matcher.catalog import Catalog
from geo_matcher.corrections import correction_problems
from geo_matcher.destinations import DESTINATIONS
from geo_matcher.schemas import BEST_TECHNOLOGY
from geo_matcher.territory_file import TerritoryFile
from geo_matcher.towns import in_service

__all__ = ["POSITION_TOLERANCE_M", "REQUIRED_TABLES", "check_release", "is_wgs_84"]

REQUIRED_TABLES = (
    "territory", "communes", "town_halls", "adjacency", "places", "travel_times",
    "access_measures", "indicators", "membership", "parameters",
)  # fmt: skip

POSITION_TOLERANCE_M = 500.0
"""How far outside the (generalised) polygon of its commune a position may lie, in metres."""

GAP_WIDTH_M = 5.0
"""Gaps between polygons narrower than this are faults of the coverage, in metres."""

AREA_RATIO = (0.9, 1.1)
"""Bounds of measured polygon area over published area: wider means a wrong polygon or CRS."""

COMMUNE_TABLES = (
    "broadband_fixed", "indicators", "travel_times", "access_measures", "membership",
    "climate_projections", "apl_doctors", "dwellings", "incomes", "density_grid",
    "housing_medians",
    "health_registered", "schools", "culture", "workplaces", "hospitals",
    "france_services", "housing_sales", "risks", "partners",
    "partners_evidence",
)  # fmt: skip
"""Tables whose ``insee_code`` must be a commune of the release."""

COMPLETE_TABLES = ("broadband_fixed", "indicators", "risks", "travel_times", "access_measures")
"""Tables that must speak of every commune, where they are there at all."""

TOLD_ABSENT_TABLES = ("broadband_fixed",)
"""Of these, tables that may lack a commune which the note of the catalog names by its code."""

CODE_IN_NOTE = r"\((\w{5})\)"
"""How a note names a commune: by its name, then its code in brackets."""

MAX_NAMED = 5


def check_release(
    catalog: Catalog, tables: Mapping[str, pd.DataFrame], about: TerritoryFile
) -> list[str]:
    """Return every problem of a release whose tables have been read.

    Parameters
    ----------
    catalog
        Provenance and expected counts.
    tables
        The tables that fit their schema, by name; tables that could not be read are absent, and
        the rules about them are left out (their own problems are already known).
    about
        What the release is about: which communes it holds, and which towns matter.
    """
    problems = [
        f"table {name} is required but not in the catalog"
        for name in REQUIRED_TABLES
        if name not in catalog
    ]
    if "communes" not in tables:
        return problems
    communes = tables["communes"]
    known = _texts(communes["insee_code"])
    for table in catalog.tables:
        if table.name in tables and len(tables[table.name]) != table.rows:
            problems.append(
                f"{table.path}: {len(tables[table.name])} rows, the catalog says {table.rows}"
            )
    for name in COMMUNE_TABLES:
        if name not in tables:
            continue
        found = _texts(tables[name]["insee_code"])
        problems += _named(name, "insee_code is no commune of this release", found - known)
        if name in COMPLETE_TABLES:
            absent = known - found
            if name in TOLD_ABSENT_TABLES and name in catalog:
                absent -= set(re.findall(CODE_IN_NOTE, catalog[name].note_en))
            problems += _named(name, "has no row for commune", absent)
    if {"supply", "town_halls"} <= tables.keys():
        strangers = set(tables["supply"]["insee_code"]) - set(tables["town_halls"]["insee_code"])
        problems += _named("supply", "insee_code is no commune of the network", strangers)
    if "french_communes" in tables:
        problems += _french_problems(tables)
    problems += _territory_problems(about, tables, known)
    problems += _geometry_problems(catalog, communes)
    if "broadband_fixed" in tables:
        problems += _broadband_problems(tables["broadband_fixed"])
    if "places" in tables and is_wgs_84(communes):
        problems += _place_problems(tables["places"], communes)
    if "travel_times" in tables:
        problems += _time_problems(tables["travel_times"], len(known), about)
    problems += _road_problems(tables)
    problems += correction_problems(tables)
    if "membership" in tables:
        problems += _membership_problems(tables["membership"])
    return problems


def _territory_problems(
    about: TerritoryFile, tables: Mapping[str, pd.DataFrame], known: set[str]
) -> list[str]:
    """Tell where the communes are not those of the territory, or a town is nowhere."""
    problems = _named(
        "communes",
        "is no commune of the territory that territory.toml names",
        {code for code in known if not about.holds(code)},
    )
    problems += _named(
        "communes", "lacks a commune that territory.toml names", set(about.communes) - known
    )
    if "places" in tables:
        own = {f"city_{town.key}" for town in about.town}
        kinds = {kind for kind in _texts(tables["places"]["kind"]) if kind.startswith("city_")}
        problems += _named("places", "is a town that territory.toml does not name", kinds - own)
    return problems


def _french_problems(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Every commune that the release speaks of by name is a commune of France, by the same name."""
    french = _names(tables["french_communes"])
    problems = []
    for name in ("communes", "town_halls", "origin_cities"):
        if name in tables:
            own = _names(tables[name])
            absent = own.keys() - french.keys()
            problems += _named("french_communes", f"has no row for a commune of {name}", absent)
            other = {code for code in own.keys() & french.keys() if own[code] != french[code]}
            problems += _named("french_communes", f"has another name than {name} for", other)
    return problems


def _texts(cells: pd.Series) -> set[str]:
    return set(cells.to_numpy(dtype=object))


def _names(table: pd.DataFrame) -> dict[str, str]:
    columns = (table[name].to_numpy(dtype=object) for name in ("insee_code", "name"))
    return dict(zip(*columns, strict=True))


def _named(table: str, what: str, codes: set[str]) -> list[str]:
    if not codes:
        return []
    first = ", ".join(sorted(codes)[:MAX_NAMED])
    more = f" and {len(codes) - MAX_NAMED} more" if len(codes) > MAX_NAMED else ""
    return [f"{table}: {what}: {first}{more}"]


def is_wgs_84(communes: pd.DataFrame) -> TypeGuard[gpd.GeoDataFrame]:
    """Tell whether a table has geometries in EPSG:4326."""
    return isinstance(communes, gpd.GeoDataFrame) and communes.crs == _crs(4326)


@cache
def _crs(epsg: int) -> CRS:
    """Return a coordinate reference system; each takes some milliseconds to make."""
    return CRS(epsg)


def _geometry_problems(catalog: Catalog, communes: pd.DataFrame) -> list[str]:
    if len(communes) != catalog.communes:
        return [f"communes: {len(communes)} communes, the catalog says {catalog.communes}"]
    if not is_wgs_84(communes):
        crs = getattr(communes, "crs", None)
        return [f"communes: CRS is {crs.to_string() if crs else 'absent'}, expected EPSG:4326"]
    geometry = communes.geometry.array
    shapes = np.asarray(geometry)
    polygonal = np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_empty(shapes)
    sound = polygonal & shapely.is_valid(shapes)
    if not sound.all():
        bad = set(communes["insee_code"][~sound])
        return _named("communes", "geometry is no valid polygon", bad)
    metric = communes.geometry.to_crs(_crs(2154))
    flat = np.asarray(metric.array)
    problems = []
    if not shapely.coverage_is_valid(flat, gap_width=GAP_WIDTH_M):
        edges = shapely.coverage_invalid_edges(flat, gap_width=GAP_WIDTH_M)
        bad = set(communes["insee_code"][~shapely.is_empty(edges)])
        problems += _named("communes", "polygons overlap or leave a gap", bad)
        union = shapely.union_all(flat)
    else:
        union = shapely.coverage_union_all(flat)
    for part in shapely.get_parts(union):
        for ring in part.interiors:
            hole = shapely.Polygon(ring)
            x, y = shapely.get_coordinates(hole.representative_point())[0]
            problems.append(
                f"communes: the polygons leave a hole of {hole.area / 1e6:.2f} km² around "
                f"({x:.0f}, {y:.0f}) in EPSG:2154; mend the source or say in catalog.toml to which "
                "commune it belongs ([[mend]] rule = fill_hole)"
            )
    ratio = metric.area.to_numpy() / 1e6 / communes["area_km2"].to_numpy()
    off = (ratio < AREA_RATIO[0]) | (ratio > AREA_RATIO[1])
    problems += _named(
        "communes", "area of the polygon is not area_km2", set(communes["insee_code"][off])
    )
    halls = gpd.GeoSeries.from_xy(
        communes["town_hall_lon"], communes["town_hall_lat"], crs=_crs(4326), index=communes.index
    ).to_crs(_crs(2154))
    far = halls.distance(metric) > POSITION_TOLERANCE_M
    problems += _named(
        "communes", "town hall lies outside its commune", set(communes["insee_code"][far])
    )
    return problems


def _broadband_problems(fixed: pd.DataFrame) -> list[str]:
    code = fixed["insee_code"]
    best = fixed[list(BEST_TECHNOLOGY)].sum(axis=1)
    rules = {
        "premises differ from the sum by best technology": best != fixed["mci_premises"],
        "premises with 1 Gbit/s by land are not those with fibre, or with fibre and cable": (
            (fixed["mci_land_1gbit"] < fixed["mci_best_ftth"])
            | (fixed["mci_land_1gbit"] > fixed["mci_best_ftth"] + fixed["mci_best_cable"])
        ),
        "premises with 30 Mbit/s by land are fewer than those with 1 Gbit/s by land": (
            fixed["mci_land_30mbit"] < fixed["mci_land_1gbit"]
        ),
        "premises with 30 Mbit/s by land are more than premises less satellite": (
            fixed["mci_land_30mbit"] > fixed["mci_premises"] - fixed["mci_best_satellite"]
        ),
    }
    return [
        problem
        for what, broken in rules.items()
        for problem in _named("broadband_fixed", what, set(code[broken]))
    ]


def _place_problems(places: pd.DataFrame, communes: gpd.GeoDataFrame) -> list[str]:
    inside = places[places["insee_code"].isin(communes["insee_code"])]
    points = gpd.GeoSeries.from_xy(inside["lon"], inside["lat"], crs=_crs(4326)).to_crs(_crs(2154))
    own = communes.set_index("insee_code").geometry.to_crs(_crs(2154)).loc[inside["insee_code"]]
    distance_m = shapely.distance(np.asarray(points.array), np.asarray(own.array))
    far = np.flatnonzero(distance_m > POSITION_TOLERANCE_M)
    problems = [
        f"places: {inside['place_id'].iloc[i]} lies {distance_m[i] / 1000:.1f} km outside its "
        f"commune {inside['insee_code'].iloc[i]}"
        for i in far[:MAX_NAMED]
    ]
    if len(far) > MAX_NAMED:
        problems.append(f"places: {len(far) - MAX_NAMED} more lie outside their commune")
    return problems


def _time_problems(times: pd.DataFrame, communes: int, about: TerritoryFile) -> list[str]:
    with in_service(about):
        wanted = {destination.name for destination in DESTINATIONS}
    problems = _named(
        "travel_times", "is no destination of this territory", _texts(times["destination"]) - wanted
    )
    if len(times) != communes * len(wanted):
        problems.append(
            f"travel_times: {len(times)} rows, expected {communes} communes × "
            f"{len(wanted)} destinations = {communes * len(wanted)}"
        )
    where = times["insee_code"] + " → " + times["destination"]
    no_way = times["status"].isin(("unreachable", "unknown"))
    bound = times["status"] == "upper_bound"
    rules = {
        "minutes must be given unless unreachable or unknown": times["minutes"].isna() != no_way,
        "minutes_low must be given for upper bounds, and only for them": (
            times["minutes_low"].notna() != bound
        ),
        "minutes_low must not exceed minutes": times["minutes_low"] > times["minutes"],
    }
    for what, broken in rules.items():
        problems += _named("travel_times", what, set(where[broken]))
    return problems


def _road_problems(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return what is wrong with the roads, which are there with their area or not at all."""
    expected = {"roads": 2154, "road_area": 4326}
    found = {name: tables[name] for name in expected if name in tables}
    if not found:
        return []
    problems = [
        f"table {name} is absent: roads come with their area"
        for name in expected
        if name not in found
    ]
    for name, table in found.items():
        wanted = expected[name]
        crs = table.crs if isinstance(table, gpd.GeoDataFrame) else None
        if crs != _crs(wanted):
            said = crs.to_string() if crs else "absent"
            problems.append(f"{name}: CRS is {said}, expected EPSG:{wanted}")
    return problems


def _membership_problems(members: pd.DataFrame) -> list[str]:
    ends_early = (members["valid_to"] != "") & (members["valid_to"] < members["valid_from"])
    return _named(
        "membership", "valid_to is before valid_from", set(members["insee_code"][ends_early])
    )
