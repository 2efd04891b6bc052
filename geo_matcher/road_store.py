"""How roads are kept in a release.

Hides their two files and what the catalog says of them: ``source/roads.parquet`` (GeoParquet,
EPSG:2154: lengths are measured there and nothing need be converted when it is read) and
``source/road_area.parquet`` (the area that was asked for, EPSG:4326, and how it was read).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import tomlkit
from tomlkit.items import AoT

from geo_matcher.catalog import CATALOG_FILE
from geo_matcher.errors import DataError
from geo_matcher.sources.openstreetmap import (
    BUFFER_KM,
    BUFFER_MIN,
    JUNCTION_M,
    Download,
    reader_versions,
)
from geo_matcher.territory import WGS_84

__all__ = ["ON_ROADS", "ON_TOWN_HALLS", "drop_roads", "write_roads"]

LICENCE, LICENCE_URL = "ODbL 1.0", "https://opendatacommons.org/licenses/odbl/1-0/"
ATTRIBUTION = "© les contributeurs d’OpenStreetMap"

ON_TOWN_HALLS: dict[str, str] = {
    "licence": "Licence Ouverte 2.0",
    "licence_url": "https://github.com/etalab/licence-ouverte/blob/master/LO.md",
    "credit_fr": "Temps estimés sur le réseau des mairies, geo_matcher 2026",
    "credit_en": "Times estimated on the town-hall network, geo_matcher 2026",
    "note_fr": "Estimation : route = ligne droite × 1,10, vitesses rurales supposées. Près du "
    "département voisin, un temps peut n’être qu’un maximum.",
    "note_en": "Estimate: road = straight line × 1.10, rural speeds assumed. Near the next "
    "département a time may be an upper bound only.",
}
"""What the catalog says of the travel times without roads."""

ON_ROADS: dict[str, str] = {
    "licence": LICENCE,
    "licence_url": LICENCE_URL,
    "credit_fr": "Temps estimés sur les routes d’OpenStreetMap, geo_matcher 2026",
    "credit_en": "Times estimated on the roads of OpenStreetMap, geo_matcher 2026",
    "note_fr": "Estimation : routes d’OpenStreetMap, vitesses moyennes supposées. Près du "
    "département voisin, un temps peut n’être qu’un maximum.",
    "note_en": "Estimate: roads of OpenStreetMap, mean speeds assumed. Near the next département "
    "a time may be an upper bound only.",
}
"""What it says of them with roads."""

PARTLY_TIMED = ("indicators", "membership")
"""Tables of which a part is computed from the times: the mean drive to everyday services, and the
communes within reach of a place to work. They keep their own credit and add that of the roads."""

ALSO_ON_ROADS: dict[str, str] = {
    "credit_fr": " ; temps sur les routes © les contributeurs d’OpenStreetMap",
    "credit_en": "; times on roads © OpenStreetMap contributors",
}
"""What is added to their credit with roads."""

ROAD_TABLES: dict[str, dict[str, str]] = {
    "roads": {
        "path": "source/roads.parquet",
        "title_fr": "Routes du département et de ses alentours",
        "title_en": "Roads of the département and around it",
        "quality": "estimated",
        "note_fr": "Tracés relevés par les contributeurs ; les minutes sont des estimations.",
        "note_en": "Courses drawn by the contributors; the minutes are estimates.",
    },
    "road_area": {
        "path": "source/road_area.parquet",
        "title_fr": "Zone des routes lues",
        "title_en": "Area whose roads were read",
        "quality": "measured",
        "note_fr": f"Le département et {BUFFER_MIN:.0f} minutes autour, soit {BUFFER_KM:.0f} km.",
        "note_en": f"The département and {BUFFER_MIN:.0f} minutes around it: {BUFFER_KM:.0f} km.",
    },
}


def write_roads(folder: Path, download: Download) -> None:
    """Put roads into a release that has none; the build completes the catalog.

    Parameters
    ----------
    folder
        The release, a copy that nobody reads yet.
    download
        The roads.
    """
    about = {
        "origin": download.origin,
        "vintage": download.vintage,
        "licence": LICENCE,
        "attribution": ATTRIBUTION,
        **reader_versions(),
        "buffer_min": BUFFER_MIN,
        "buffer_km": BUFFER_KM,
        "junction_m": JUNCTION_M,
    }
    tables = {
        "roads": download.roads,
        "road_area": gpd.GeoDataFrame([about], geometry=[download.area], crs=WGS_84),
    }
    document = _document(folder)
    for name, table in tables.items():
        told = ROAD_TABLES[name]
        table.to_parquet(folder / told["path"], index=False, compression="zstd")
        entry: dict[str, Any] = {
            "name": name,
            "path": told["path"],
            "kind": "source",
            "title_fr": told["title_fr"],
            "title_en": told["title_en"],
            "producer": "OpenStreetMap",
            "vintage": download.vintage or "unknown",
            "licence": LICENCE,
            "licence_url": LICENCE_URL,
            "url": "https://www.openstreetmap.org/copyright",
            "quality": told["quality"],
            "credit_fr": "© les contributeurs d’OpenStreetMap",
            "credit_en": "© OpenStreetMap contributors",
            "note_fr": told["note_fr"],
            "note_en": told["note_en"],
            "rows": 0,
            "bytes": 0,
            "sha256": "",
        }
        described = tomlkit.table()
        described.update(entry)
        _tables(document).append(described)
    _tell(document, ON_ROADS, is_on_roads=True)
    (folder / CATALOG_FILE).write_text(tomlkit.dumps(document), encoding="utf-8")


def drop_roads(folder: Path) -> None:
    """Take the roads out of a release, if it has any.

    Parameters
    ----------
    folder
        The release, a copy that nobody reads yet.
    """
    document = _document(folder)
    tables = _tables(document)
    numbers = [i for i, entry in enumerate(tables) if str(entry["name"]) in ROAD_TABLES]
    if not numbers:
        return
    for number in reversed(numbers):
        (folder / str(tables[number]["path"])).unlink(missing_ok=True)
        del tables[number]
    _tell(document, ON_TOWN_HALLS, is_on_roads=False)
    (folder / CATALOG_FILE).write_text(tomlkit.dumps(document), encoding="utf-8")


def _document(folder: Path) -> tomlkit.TOMLDocument:
    return tomlkit.parse((folder / CATALOG_FILE).read_text(encoding="utf-8"))


def _tables(document: tomlkit.TOMLDocument) -> AoT:
    tables = document.get("table")
    if not isinstance(tables, AoT):
        raise DataError("catalog.toml: table must be an array of tables, written [[table]]")
    return tables


def _tell(document: tomlkit.TOMLDocument, words: dict[str, str], *, is_on_roads: bool) -> None:
    """Say of everything that was timed on which network, and under whose licence."""
    for entry in _tables(document):
        name = str(entry["name"])
        if name == "travel_times":
            entry.update(words)
        elif name == "access_measures":
            entry.update({key: text for key, text in words.items() if not key.startswith("note")})
        elif name in PARTLY_TIMED:
            entry.update({key: words[key] for key in ("licence", "licence_url")})
            for key, addition in ALSO_ON_ROADS.items():
                own = str(entry[key]).removesuffix(addition)
                entry[key] = own + addition if is_on_roads else own
