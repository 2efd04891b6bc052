"""The roads of OpenStreetMap around a territory, from Overpass or from a PBF file.

Hides how points and tags become streets with minutes. Both ways in give the same graph of points to
the same steps: what cannot be driven is left out, each stretch gets its minutes from the speed
table, stretches are joined between junctions, junctions that are one in reality are made one, and
what cannot be driven to and left again falls away.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo_matcher.access import ROAD_FACTOR, SPEED_KMH
from geo_matcher.catalog import file_sha256
from geo_matcher.errors import DataError
from geo_matcher.road_network import to_lambert_93
from geo_matcher.road_speeds import (
    BUILT_UP_DISTANCE_M,
    RESIDENTIAL,
    SPEEDS_KMH,
    speed_kmh,
)
from geo_matcher.sources.overpass import Overpass, useful_tags
from geo_matcher.territory import LAMBERT_93, WGS_84

__all__ = [
    "BUFFER_KM",
    "BUFFER_MIN",
    "JUNCTION_M",
    "WAY_FILTER",
    "Download",
    "download_roads",
    "read_pbf",
    "reader_versions",
    "road_area",
]

BUFFER_MIN = 30.0
"""Minutes of driving that the area goes beyond the territory."""

BUFFER_KM = round(BUFFER_MIN / 60 * SPEED_KMH[0] / ROAD_FACTOR, 1)
"""The same as the crow flies: 30 minutes at the 60 km/h of the town-hall network, on roads that are
1.10 times as long as the straight line. A motorway leads farther; what it leads to is reached
through the town-hall network."""

OUTLINE_M = 500.0
"""How far the outline of the area may be moved to have fewer corners, in metres."""

JUNCTION_M = 10.0
"""Junctions whose discs of this radius, in metres, touch are one: roundabouts, split crossings."""

EDGE_M = 500.0
"""How far beyond the area points are read first, as osmnx does, in metres."""

WHO_MAY_DRIVE = ("motorcar", "motor_vehicle", "vehicle", "access")
"""Tags that say who may drive, the most particular first: the first that a road bears decides, so
that ``access=no`` with ``motor_vehicle=yes`` is open, as the map's makers mean it."""

_NOT_FOR_ALL = "(private|no|agricultural|forestry)"
CLOSED = f"{_NOT_FOR_ALL}( *; *{_NOT_FOR_ALL})*"
"""Values of these tags that close a road to the public's cars; a list does if all of it does."""

WAY_FILTER = (
    f'["highway"~"^({"|".join(SPEEDS_KMH)})$"]["area"!~"^yes$"]["{WHO_MAY_DRIVE[0]}"!~"^{CLOSED}$"]'
)
"""What is asked for: of the tags that close a road, only the one that no other can overrule."""

DECIMALS = 1
"""Positions are kept to 0.1 m."""


@dataclass(frozen=True, eq=False)
class Download:
    """Roads as they were read, and where they come from.

    Attributes
    ----------
    roads
        One row per street, EPSG:2154: see ``data/communes/README.md``.
    area
        The area that was asked for, EPSG:4326.
    vintage
        Day of the map (``YYYY-MM-DD``), empty when the source does not say.
    origin
        What was read: the address of the service, or the file's name and checksum.
    """

    roads: gpd.GeoDataFrame
    area: shapely.Polygon | shapely.MultiPolygon
    vintage: str
    origin: str


def road_area(communes: gpd.GeoDataFrame) -> shapely.Polygon | shapely.MultiPolygon:
    """Return the territory and what lies within 30 minutes of it, EPSG:4326.

    Parameters
    ----------
    communes
        Polygons in any CRS.
    """
    whole = communes.geometry.to_crs(LAMBERT_93).union_all().buffer(BUFFER_KM * 1000)
    filled = shapely.union_all([shapely.Polygon(p.exterior) for p in shapely.get_parts(whole)])
    simple = filled.simplify(OUTLINE_M)
    area: shapely.Polygon | shapely.MultiPolygon = (
        gpd.GeoSeries([simple], crs=LAMBERT_93).to_crs(WGS_84).iloc[0]
    )
    return area


def download_roads(
    area: shapely.Polygon | shapely.MultiPolygon, overpass: Overpass | None = None
) -> Download:
    """Download the roads of an area.

    Parameters
    ----------
    area
        EPSG:4326.
    overpass
        Which service to ask, and how patiently.

    Raises
    ------
    SourceError
        If the service does not give them.
    DataError
        If there are none.
    """
    overpass = overpass or Overpass()
    graph = overpass.graph(area, WAY_FILTER)
    return Download(_streets(graph), area, graph.graph["timestamp"][:10], overpass.url)


def read_pbf(path: Path, area: shapely.Polygon | shapely.MultiPolygon) -> Download:
    """Read the roads of an area from an extract of OpenStreetMap.

    Parameters
    ----------
    path
        The extract, ``.osm.pbf``; it may reach far beyond the area.
    area
        EPSG:4326.

    Raises
    ------
    DataError
        If the file cannot be read or holds no road of the area.
    """
    import osmium
    import osmnx

    if not path.is_file():
        raise DataError(f"{path} is not a file. Give an extract of OpenStreetMap (.osm.pbf).")
    metres = gpd.GeoSeries([area], crs=WGS_84).to_crs(LAMBERT_93).buffer(EDGE_M)
    wide = metres.to_crs(WGS_84).iloc[0]
    left, bottom, right, top = wide.bounds
    with tempfile.TemporaryDirectory() as folder:
        xml = Path(folder) / "roads.osm"
        found = 0
        stamp = ""
        try:
            ways = (
                osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY)
                .with_locations()
                .with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
                .with_filter(osmium.filter.KeyFilter("highway"))
            )
            stamp = ways.header.get("osmosis_replication_timestamp", "")
            with osmium.BackReferenceWriter(str(xml), ref_src=str(path), overwrite=True) as out:
                for way in ways:
                    if not isinstance(way, osmium.osm.Way):
                        continue
                    if _is_driven(dict(way.tags)) and any(
                        node.location.valid()
                        and left <= node.lon <= right
                        and bottom <= node.lat <= top
                        for node in way.nodes
                    ):
                        out.add(way)
                        found += 1
            if found:
                with useful_tags():
                    graph = osmnx.graph_from_xml(xml, simplify=False, retain_all=True)
                graph = osmnx.truncate.truncate_graph_polygon(graph, wide)
                graph = osmnx.truncate.truncate_graph_polygon(graph, area)
        except RuntimeError as error:
            raise DataError(
                f"{path} cannot be read as an extract of OpenStreetMap ({error}). Give a whole "
                ".osm.pbf file."
            ) from None
        except ValueError:  # osmnx: no point of a road inside
            found = 0
    if not found:
        raise DataError(
            f"{path} holds no road of the area that is needed (longitudes {left:.2f} to "
            f"{right:.2f}, latitudes {bottom:.2f} to {top:.2f}). Give an extract that covers it."
        )
    origin = f"{path.name}, SHA-256 {file_sha256(path)}"
    return Download(_streets(graph), area, stamp[:10], origin)


def _is_driven(tags: Mapping[str, str]) -> bool:
    """Tell whether the public may drive on a road with these tags."""
    if tags.get("highway") not in SPEEDS_KMH or tags.get("area") == "yes":
        return False
    told = next((str(tags[tag]) for tag in WHO_MAY_DRIVE if tag in tags), "")
    return re.fullmatch(CLOSED, told.strip()) is None


def _streets(graph: Any) -> gpd.GeoDataFrame:
    """Turn the points of roads into the table of streets."""
    import osmnx

    closed = [edge[:3] for edge in graph.edges(keys=True, data=True) if not _is_driven(edge[3])]
    graph.remove_edges_from(closed)
    if graph.number_of_edges() == 0:
        raise DataError("No road of the area can be driven on. Check the source of the roads.")
    _time(graph)
    graph = osmnx.truncate.largest_component(graph, strongly=True)
    if graph.number_of_edges() == 0:
        raise DataError("No road of the area leads anywhere. Check the source of the roads.")
    graph = osmnx.simplify_graph(graph, edge_attr_aggs={"minutes": sum, "drawn_m": sum})
    graph = osmnx.project_graph(graph, to_crs=LAMBERT_93)
    graph = osmnx.consolidate_intersections(graph, tolerance=JUNCTION_M, dead_ends=True)
    return _table(graph)


def _time(graph: Any) -> None:
    """Give every stretch its minutes, as a float, and its drawn length."""
    names = list(graph)
    x, y = to_lambert_93(
        [graph.nodes[name]["x"] for name in names], [graph.nodes[name]["y"] for name in names]
    )
    at = {name: i for i, name in enumerate(names)}
    edges = list(graph.edges(data=True))
    ends = np.array([(at[u], at[v]) for u, v, _ in edges])
    is_home = np.array([tags["highway"] in RESIDENTIAL for _, _, tags in edges])
    between = np.stack([x[ends[is_home]], y[ends[is_home]]], axis=-1)
    homes: NDArray[Any] = np.asarray(shapely.linestrings(between))
    middle = shapely.points(x[ends].mean(axis=1), y[ends].mean(axis=1))
    near = np.zeros(len(edges), dtype=np.bool_)
    # To the streets themselves: between the points of a long straight one lie gaps.
    found, _ = shapely.STRtree(homes).query(
        middle, predicate="dwithin", distance=BUILT_UP_DISTANCE_M
    )
    near[found] = True
    for (_, _, tags), is_near in zip(edges, near.tolist(), strict=True):
        tags["drawn_m"] = float(tags["length"])
        speed = speed_kmh(tags, is_near_homes=is_near)
        tags["minutes"] = tags["drawn_m"] / 1000 / speed * 60


def _table(graph: Any) -> gpd.GeoDataFrame:
    """Return one row per street, in an order that the source's does not change."""
    position = {
        node: (round(data["x"], DECIMALS), round(data["y"], DECIMALS))
        for node, data in graph.nodes(data=True)
    }
    streets: dict[tuple[Any, ...], dict[str, Any]] = {}
    for u, v, data in graph.edges(data=True):
        if "geometry" in data:
            inner = np.round(np.asarray(data["geometry"].coords), DECIMALS)[1:-1]
        else:
            inner = np.empty((0, 2))
        course = tuple(map(tuple, [position[u], *inner.tolist(), position[v]]))
        forward = course <= course[::-1]
        course = course if forward else course[::-1]
        line = shapely.LineString(course)
        if line.length == 0:
            continue
        row = streets.setdefault(
            course, {"minutes_ab": np.nan, "minutes_ba": np.nan, "geometry": line}
        )
        minutes = data["minutes"] * line.length / data["drawn_m"] if data["drawn_m"] else 0.0
        column = "minutes_ab" if forward else "minutes_ba"
        row[column] = float(np.fmin(row[column], minutes))
        row["length_m"] = line.length
        row["highway"] = min(_values(data["highway"]), key=list(SPEEDS_KMH).index)
        row["name"] = " / ".join(_values(data.get("ref")) or _values(data.get("name")))
    ordered = [streets[course] for course in sorted(streets)]
    ends = [(line.coords[0], line.coords[-1]) for line in (row["geometry"] for row in ordered)]
    number = {xy: i for i, xy in enumerate(sorted({xy for pair in ends for xy in pair}))}
    frame = gpd.GeoDataFrame(ordered, crs=LAMBERT_93)
    frame["a"] = [number[start] for start, _ in ends]
    frame["b"] = [number[end] for _, end in ends]
    columns = ["a", "b", "minutes_ab", "minutes_ba", "length_m", "highway", "name", "geometry"]
    return frame[columns]


def _values(found: Any) -> list[str]:
    """Return the values of a tag on joined stretches, sorted: one, several or none."""
    if found is None:
        return []
    return sorted(set(map(str, found))) if isinstance(found, list) else [str(found)]


def reader_versions() -> dict[str, str]:
    """Return the versions of the libraries that read the roads."""
    return {name: version(name) for name in ("osmnx", "osmium")}
