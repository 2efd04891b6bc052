"""The map of what is within reach of a commune: nested areas of 15, 30 and 45 minutes.

Hides on which ground an area stands. On roads it is the ground that they reach; on the town-hall
network, which knows no ground between town halls, it is made of whole communes of the département.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely

from api.locator import HEIGHT, SCALE_M, WIDTH, Ground, Name, ground_of, names_that_fit, svg_path
from geo_matcher.catchments import CUTOFFS_MIN
from geo_matcher.journeys import Isochrone, Journeys
from geo_matcher.kept import kept
from geo_matcher.territory import LAMBERT_93, WGS_84, Territory

__all__ = ["Band", "ReachMap", "reach_map"]

MARGIN = 0.04
"""Space around what is drawn, as a share of it."""

DETAIL = 0.8
"""Tolerance to which areas are simplified, in units of the map."""

SCALES = 4
"""The scale bar stands for so many times that of the small map of the commune."""


class Band(NamedTuple):
    """What is within some minutes: minutes, and its area as a path of SVG."""

    minutes: float
    path: str


@dataclass(frozen=True, slots=True)
class ReachMap:
    """The map of what is within reach of a commune.

    Attributes
    ----------
    bands
        Areas, the largest first, each holding the next.
    outline
        The département, as a path of SVG.
    names
        Names that fit, the commune's first.
    network
        ``roads`` or ``town_halls``: what gave the areas.
    scale, scale_km
        Length of the scale bar in units, and what it stands for.
    width, height
        Box of the map.
    """

    bands: tuple[Band, ...]
    outline: str
    names: tuple[Name, ...]
    network: str
    is_cut: bool
    scale: float
    scale_km: int = round(SCALES * SCALE_M / 1000)
    width: int = WIDTH
    height: int = HEIGHT


@kept(maxsize=64)
def reach_map(territory: Territory, insee_code: str) -> ReachMap:
    """Return the map of what is within reach of a commune of the release.

    Parameters
    ----------
    territory
        A loaded release.
    insee_code
        Code of the commune.
    """
    ground = ground_of(territory)
    journeys = Journeys.of(territory)
    found = journeys.within_each(insee_code, sorted(CUTOFFS_MIN, reverse=True))
    areas = [_area(territory, ground, one) for one in found]
    west, south, east, north = shapely.union_all(
        [areas[0], _own(territory, ground, insee_code)]
    ).bounds
    span = (1 + 2 * MARGIN) * max(east - west, (north - south) * WIDTH / HEIGHT)
    unit = WIDTH / span
    left, top = (west + east - span) / 2, (south + north + span * HEIGHT / WIDTH) / 2
    return ReachMap(
        bands=tuple(
            Band(one.cutoff_min, svg_path([shapely.simplify(area, DETAIL / unit)], left, top, unit))
            for one, area in zip(found, areas, strict=True)
        ),
        outline=svg_path([ground.outline], left, top, unit),
        names=tuple(names_that_fit(territory, ground, insee_code, left, top, unit)),
        network=found[0].network,
        is_cut=any(one.is_cut for one in found),
        scale=round(SCALES * SCALE_M * unit, 1),
    )


def _own(territory: Territory, ground: Ground, code: str) -> Any:
    return ground.shapes[territory.codes.index(code)]


def _area(territory: Territory, ground: Ground, found: Isochrone) -> Any:
    """Return an area in metres of Lambert-93."""
    if found.area is not None:
        return gpd.GeoSeries([found.area], crs=WGS_84).to_crs(LAMBERT_93).iloc[0]
    inside = np.isin(territory.codes, found.communes["insee_code"])
    return shapely.coverage_union_all(ground.shapes[inside])
