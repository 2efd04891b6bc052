"""What OpenStreetMap answered, kept beside the official files.

Hides under which name an answer is kept: that of what was asked, whoever was asked for it. It is
one file, which takes its place in one step, so that a crash leaves the answer before or the new
one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import geopandas as gpd
import pandas as pd
import shapely

from geo_matcher.errors import SourceError
from geo_matcher.sources.overpass import Overpass
from geo_matcher.territory import LAMBERT_93, WGS_84

if TYPE_CHECKING:  # reading roads is slow to import, and asked for by few
    from geo_matcher.sources.openstreetmap import Download

__all__ = ["KeptOverpass"]

Answer = TypeVar("Answer")
Area = shapely.Polygon | shapely.MultiPolygon


@dataclass(frozen=True, slots=True)
class KeptOverpass(Overpass):
    """An Overpass service whose answers are kept, or that is not asked at all.

    Attributes
    ----------
    folder
        Folder of the kept answers.
    is_offline
        Give what is kept and ask nobody.
    """

    folder: Path = field(kw_only=True)
    is_offline: bool = False

    def features(
        self, polygon: Area, tags: Mapping[str, list[str]]
    ) -> tuple[gpd.GeoDataFrame, str]:
        """Download what bears one of some tags inside a polygon and keep it, or give what is kept.

        See :meth:`geo_matcher.sources.overpass.Overpass.features`.

        Raises
        ------
        SourceError
            Also where nothing is kept and nobody may be asked.
        """
        path = self._path("places", polygon, json.dumps(dict(tags), sort_keys=True), "json")
        if self.is_offline:
            return self._kept(path, _read_places)
        found, stamp = Overpass.features(self, polygon, tags)
        self._keep(path, lambda new: _write_places(new, found, stamp))
        return found, stamp

    def roads(self, polygon: Area) -> Download:
        """Download the roads inside a polygon, EPSG:4326, and keep them, or give what is kept.

        Raises
        ------
        SourceError
            If the service does not give them, or nothing is kept and nobody may be asked.
        DataError
            If there are none.
        """
        from geo_matcher.sources.openstreetmap import WAY_FILTER, Download, download_roads

        path = self._path("roads", polygon, WAY_FILTER, "parquet")
        if self.is_offline:
            table, said = self._kept(path, _read_roads)
            return Download(table, polygon, said["vintage"], said["origin"])
        found = download_roads(polygon, self)
        said = {"vintage": found.vintage, "origin": found.origin}
        self._keep(path, lambda new: _write_roads(new, found.roads, said))
        return found

    def _path(self, what: str, polygon: Area, asked: str, end: str) -> Path:
        digest = hashlib.sha256(polygon.wkb + asked.encode()).hexdigest()[:16]
        return self.folder / f"openstreetmap-{what}-{digest}.{end}"

    def _kept(self, path: Path, read: Callable[[Path], Answer]) -> Answer:
        try:
            return read(path)
        except (OSError, ValueError, KeyError, TypeError):
            raise SourceError(
                f"No answer of OpenStreetMap about this area is kept in {self.folder}, and nobody "
                "is asked offline. Run it once with a connection."
            ) from None

    def _keep(self, path: Path, write: Callable[[Path], object]) -> None:
        new = path.with_name(f"{path.name}.new")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write(new)
            new.replace(path)
        except OSError as error:
            raise SourceError(
                f"What {self.url} answered cannot be kept in {self.folder} ({error.strerror}). "
                "Make room, or name another folder."
            ) from None


def _write_places(path: Path, found: gpd.GeoDataFrame, stamp: str) -> None:
    tags = pd.DataFrame(found.drop(columns="geometry")).to_dict("records")
    things = [
        {"tags": {key: value for key, value in named.items() if isinstance(value, str)},
         "shape": shape.wkb_hex}
        for named, shape in zip(tags, found.geometry, strict=True)
    ]  # fmt: skip
    path.write_text(json.dumps({"timestamp": stamp, "things": things}), "utf-8")


def _read_places(path: Path) -> tuple[gpd.GeoDataFrame, str]:
    kept = json.loads(path.read_text("utf-8"))
    shapes = shapely.from_wkb([thing["shape"] for thing in kept["things"]])
    tags = pd.DataFrame([thing["tags"] for thing in kept["things"]])
    return gpd.GeoDataFrame(tags, geometry=shapes, crs=WGS_84), str(kept["timestamp"])


def _write_roads(path: Path, roads: gpd.GeoDataFrame, said: Mapping[str, str]) -> None:
    table = roads.to_crs(LAMBERT_93)
    table.attrs = dict(said)  # the file bears them
    table.to_parquet(path)


def _read_roads(path: Path) -> tuple[gpd.GeoDataFrame, dict[str, str]]:
    table = gpd.read_parquet(path)
    said = {name: str(table.attrs[name]) for name in ("vintage", "origin")}
    table.attrs = {}
    return table, said
