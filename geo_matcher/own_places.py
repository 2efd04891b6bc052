"""Where the places lie that somebody has listed, looked at before anything is asked or built.

Hides how far from its commune a place may lie. The gate would refuse the same when all is built,
and could name no file and no line any more.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_matcher.gate import POSITION_TOLERANCE_M
from geo_matcher.sources.communes import SURROUNDINGS_KM
from geo_matcher.sources.source import Area
from geo_matcher.territory import LAMBERT_93, WGS_84

__all__ = ["PLACE_TABLES", "misplaced"]

PLACE_TABLES = ("hubs", "culture", "workplaces")
"""Tables of which each row is a place that people name."""


def misplaced(frame: pd.DataFrame, file: str, area: Area) -> list[str]:
    """Return what is wrong with where listed places lie, one sentence each.

    Parameters
    ----------
    frame
        The rows: ``insee_code``, ``name`` and, where the table has positions, ``lon`` and ``lat``
        in degrees (EPSG:4326). Row 0 is line 2 of the file.
    file
        Its name.
    area
        The communes, and those around.
    """
    problems = []
    for row, (code, name) in enumerate(zip(frame["insee_code"], frame["name"], strict=True)):
        if code in area.known_codes:
            continue
        present = area.merged.get(code)
        remedy = (
            f"it is part of {present} now: write that code"
            if present
            else "correct its insee_code, or leave the line out"
        )
        problems.append(
            f"{file} line {row + 2}: {name!r:.60} lies in {code}, which is no commune of the "
            f"territory or within {SURROUNDINGS_KM:g} km; {remedy}"
        )
    return problems if "lon" not in frame else problems + _far(frame, file, area)


def _far(frame: pd.DataFrame, file: str, area: Area) -> list[str]:
    """Tell of the places that lie outside their commune, if it is one of the territory."""
    outlines = area.communes.set_index("insee_code").geometry.to_crs(LAMBERT_93)
    is_inside = frame["insee_code"].isin(outlines.index) & frame[["lon", "lat"]].notna().all(axis=1)
    rows = np.flatnonzero(is_inside)
    placed = frame.iloc[rows]
    points = gpd.GeoSeries.from_xy(placed["lon"], placed["lat"], crs=WGS_84).to_crs(LAMBERT_93)
    own = outlines.loc[placed["insee_code"]]
    away_m = shapely.distance(np.asarray(points.array), np.asarray(own.array))
    return [
        f"{file} line {row + 2}: {name!r:.60} lies {distance / 1000:.1f} km outside its commune "
        f"{code}; correct its lon and lat (degrees, such as 1.44 and 44.45) or its insee_code"
        for row, name, code, distance in zip(
            rows, placed["name"], placed["insee_code"], away_m, strict=True
        )
        if distance > POSITION_TOLERANCE_M
    ]
