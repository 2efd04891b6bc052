"""The small map of a commune: its outline among its neighbours, and its place in the département.

Hides projection, simplification and where names fit. It is drawn on the server in units of its own
box, so that it needs no script, prints, and follows the colours of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo_matcher.kept import kept
from geo_matcher.territory import LAMBERT_93, WGS_84, Territory

__all__ = [
    "HEIGHT",
    "WIDTH",
    "Ground",
    "Locator",
    "Name",
    "ground_of",
    "locator",
    "names_that_fit",
    "neighbours",
    "svg_path",
]

FloatArray = NDArray[np.float64]

WIDTH, HEIGHT = 400, 300
"""Box of the map, in its own units."""

INSET_WIDTH, INSET_HEIGHT, INSET_MARGIN = 92, 76, 6
"""Box of the département in the corner, and the space around its outline."""

OUTLINE_M = 80.0
"""Tolerance to which outlines are simplified, in metres: about one unit of the map."""

INSET_OUTLINE_M = 900.0
"""The same for the outline of the département."""

LEAST_SPAN_M = 15_000.0
"""Least width of country that is shown, in metres."""

SPAN = 2.6
"""Width of country that is shown, in widths of the commune."""

NAMES = 8
"""Most names beside that of the commune."""

LETTER, OWN_LETTER, LINE = 6.6, 9.2, 15.0
"""Width of a letter, of a letter of the commune's own name, and height of a line, in units."""

SCALE_M = 5_000.0
"""Length of the scale bar, in metres."""


class Name(NamedTuple):
    """A name on the map.

    Attributes
    ----------
    text
        What is written.
    x, y
        Where it stands, in units of the map.
    anchor
        Which part of the text stands there: ``start``, ``middle`` or ``end``.
    kind
        ``own``, ``near``, or ``beyond`` for a commune outside the release.
    dot_x, dot_y
        Where the town hall is.
    """

    text: str
    x: int
    y: int
    anchor: str
    kind: str
    dot_x: int
    dot_y: int


@dataclass(frozen=True, slots=True)
class Locator:
    """The small map of a commune.

    Attributes
    ----------
    own, others
        Outlines as paths of SVG: that of the commune, those around it in one.
    names
        Names that fit, the commune's first.
    scale
        Length of the scale bar in units; it stands for ``SCALE_M``.
    inset, inset_x, inset_y
        Outline of the département in the corner, and where the commune is in it.
    neighbours
        Names of the communes that touch it.
    width, height, inset_width, inset_height
        Boxes of the map and of its corner.
    scale_km
        What the scale bar stands for, in km.
    """

    own: str
    others: str
    names: tuple[Name, ...]
    scale: float
    inset: str
    inset_x: float
    inset_y: float
    neighbours: tuple[str, ...]
    width: int = WIDTH
    height: int = HEIGHT
    inset_width: int = INSET_WIDTH
    inset_height: int = INSET_HEIGHT
    scale_km: int = round(SCALE_M / 1000)


class Ground(NamedTuple):
    """What the maps of a territory share, in metres of Lambert-93."""

    shapes: NDArray[Any]
    tree: shapely.STRtree
    halls: Mapping[str, tuple[float, float]]
    hall_names: Mapping[str, str]
    people: Mapping[str, int]
    outline: Any
    touching: Mapping[str, tuple[str, ...]]


@kept(maxsize=4)
def ground_of(territory: Territory) -> Ground:
    """Return what the maps of a territory share; made once."""
    projected = territory.communes.geometry.to_crs(LAMBERT_93)
    shapes = np.asarray(shapely.coverage_simplify(np.asarray(projected.values), OUTLINE_M))
    halls = territory.tables["town_halls"]
    points = gpd.GeoSeries(
        gpd.points_from_xy(halls["town_hall_lon"], halls["town_hall_lat"]), crs=WGS_84
    ).to_crs(LAMBERT_93)
    codes = halls["insee_code"].tolist()
    names = dict(zip(codes, halls["name"].tolist(), strict=True))
    names |= {fact["insee_code"]: fact["name"] for fact in territory.facts}
    touching: dict[str, list[str]] = {}
    pairs = territory.tables["adjacency"]
    for one, other in zip(pairs["a"], pairs["b"], strict=True):
        touching.setdefault(one, []).append(other)
        touching.setdefault(other, []).append(one)
    own = set(territory.codes)
    return Ground(
        shapes=shapes,
        tree=shapely.STRtree(shapes),
        halls=dict(zip(codes, zip(points.x.tolist(), points.y.tolist(), strict=True), strict=True)),
        hall_names=names,
        people=dict(zip(codes, halls["population"].astype(int).tolist(), strict=True)),
        outline=shapely.simplify(shapely.union_all(shapes), INSET_OUTLINE_M),
        touching={code: tuple(sorted(touching.get(code, ()))) for code in own},
    )


def neighbours(territory: Territory, insee_code: str) -> tuple[tuple[str, str, bool], ...]:
    """Return the communes that touch one: code, name, and whether the release holds them.

    Parameters
    ----------
    territory
        A loaded release.
    insee_code
        Code of the commune.
    """
    ground = ground_of(territory)
    own = set(territory.codes)
    found = [(code, ground.hall_names[code], code in own) for code in ground.touching[insee_code]]
    return tuple(sorted(found, key=lambda one: one[1]))


@kept(maxsize=64)
def locator(territory: Territory, insee_code: str) -> Locator:
    """Return the small map of a commune.

    Parameters
    ----------
    territory
        A loaded release.
    insee_code
        Code of the commune.
    """
    ground = ground_of(territory)
    row = territory.codes.index(insee_code)
    own = ground.shapes[row]
    west, south, east, north = own.bounds
    span = max(LEAST_SPAN_M, SPAN * (east - west), SPAN * (north - south) * WIDTH / HEIGHT)
    unit = WIDTH / span
    left, top = (west + east - span) / 2, (south + north + span * HEIGHT / WIDTH) / 2
    frame = shapely.box(left, top - span * HEIGHT / WIDTH, left + span, top)
    seen = [i for i in sorted(ground.tree.query(frame).tolist()) if i != row]
    inset, inset_unit, inset_left, inset_top = _inset(ground.outline)
    centre = own.representative_point()
    touching = neighbours(territory, insee_code)
    return Locator(
        own=svg_path([own], left, top, unit),
        others=svg_path([ground.shapes[i] for i in seen], left, top, unit),
        names=tuple(names_that_fit(territory, ground, insee_code, left, top, unit)),
        scale=round(SCALE_M * unit, 1),
        inset=inset,
        inset_x=round((centre.x - inset_left) * inset_unit, 1),
        inset_y=round((inset_top - centre.y) * inset_unit, 1),
        neighbours=tuple(name for _, name, _ in touching),
    )


def _inset(outline: Any) -> tuple[str, float, float, float]:
    """Return the path of the département in its corner, and how places come to lie in it."""
    west, south, east, north = outline.bounds
    inner = INSET_WIDTH - 2 * INSET_MARGIN, INSET_HEIGHT - 2 * INSET_MARGIN
    unit = min(inner[0] / (east - west), inner[1] / (north - south))
    left = (west + east) / 2 - INSET_WIDTH / unit / 2
    top = (south + north) / 2 + INSET_HEIGHT / unit / 2
    return svg_path([outline], left, top, unit), unit, left, top


def svg_path(shapes: Iterable[Any], left: float, top: float, unit: float) -> str:
    """Return outlines as one path of SVG in whole units, without the points that fall together."""
    parts = []
    for ring in _rings(shapes):
        xy = np.round((ring - (left, top)) * (unit, -unit)).astype(np.int64)
        xy = xy[np.r_[True, (np.diff(xy, axis=0) != 0).any(axis=1)]]
        steps = " ".join(f"{x},{y}" for x, y in np.diff(xy, axis=0).tolist())
        if steps:
            parts.append(f"M{xy[0, 0]},{xy[0, 1]}l{steps}z")
    return "".join(parts)


def _rings(shapes: Iterable[Any]) -> Iterator[FloatArray]:
    for shape in shapes:
        for part in shapely.get_parts(shape).tolist():
            yield np.asarray(part.exterior.coords)
            yield from (np.asarray(ring.coords) for ring in part.interiors)


def names_that_fit(
    territory: Territory, ground: Ground, code: str, left: float, top: float, unit: float
) -> Iterator[Name]:
    """Yield the names that fit, the commune's first, then the most populated places."""
    placed: dict[str, tuple[float, float]] = {}
    for other, (x, y) in ground.halls.items():
        at = (x - left) * unit, (top - y) * unit
        if other == code or (0 < at[0] < WIDTH and 0 < at[1] < HEIGHT):
            placed[other] = at
    taken = [
        (0.0, HEIGHT - INSET_HEIGHT, float(INSET_WIDTH), float(HEIGHT)),
        (WIDTH - 130.0, HEIGHT - 30.0, float(WIDTH), float(HEIGHT)),
    ]
    order = sorted(placed, key=lambda other: (other != code, -ground.people[other], other))
    own, given = set(territory.codes), 0
    for other in order:
        x, y = placed[other]
        text = ground.hall_names[other]
        width = len(text) * (OWN_LETTER if other == code else LETTER)
        for anchor, dx, dy in (
            ("start", 7, 4),
            ("end", -7, 4),
            ("middle", 0, -8),
            ("middle", 0, 18),
        ):
            start = x + dx - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
            box = start, y + dy - LINE, start + width, y + dy + 3
            is_inside = box[0] >= 2 and box[2] <= WIDTH - 2 and box[1] >= 1 and box[3] <= HEIGHT
            if (is_inside and not any(_cross(box, one) for one in taken)) or (
                other == code and dy == 18
            ):
                taken += [box, (x - 4, y - 4, x + 4, y + 4)]
                kind = "own" if other == code else "near" if other in own else "beyond"
                yield Name(text, round(x + dx), round(y + dy), anchor, kind, round(x), round(y))
                given += 1
                break
        if given > NAMES:
            return


def _cross(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
