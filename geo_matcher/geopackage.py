"""A ranking as a GeoPackage, ready for QGIS: polygons, places, sources, a style.

Hides the container: layers, tables without geometry, the style that QGIS opens by default, and what
makes the same ranking give the same bytes.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import geopandas as gpd
import pandas as pd
import shapely

from geo_matcher.catalog import provenance_in
from geo_matcher.criteria import CRITERIA
from geo_matcher.exports import PLACES_OF, flat_table, rounded_outlines, used_tables
from geo_matcher.look import COLOURS, SCORE_COLOURS, SCORE_LIMITS
from geo_matcher.matching import Ranking
from geo_matcher.robustness import Odds
from geo_matcher.territory import WGS_84, Territory, release_day

__all__ = [
    "VILLAGES_LAYER",
    "fill_symbol",
    "settle",
    "source_rows",
    "style_rows",
    "to_geopackage",
    "write_layer",
]

VILLAGES_LAYER = "villages"
STYLE_NAME = "score"
TEXT_COLUMNS = frozenset(
    {"insee_code", "name", "epci", "evidence", "red_flags", "missing", "release"}
)
WHOLE_COLUMNS = frozenset({"rank", "population", "rank_low", "rank_high"})

TEXTS = {
    "fr": {
        "villages": "Communes classées : score, chances, chiffres et points de chaque critère",
        "places": "Lieux vers lesquels les temps de route sont estimés",
        "metadata": "Ce qui a été demandé, et de quelle version des données",
        "sources": "D’où vient chaque table : producteur, millésime, licence",
        "style": "Points sur 100, sept classes",
    },
    "en": {
        "villages": "Ranked communes: score, odds, figures and points of each criterion",
        "places": "Places that driving times are estimated to",
        "metadata": "What was asked, and of which release",
        "sources": "Where each table comes from: producer, vintage, licence",
        "style": "Points out of 100, seven classes",
    },
}


def to_geopackage(
    ranking: Ranking, top: int | None = None, language: str = "en", *, odds: Odds | None = None
) -> bytes:
    """Write a ranking as a GeoPackage in EPSG:4326.

    ``villages`` holds the columns of the CSV export beside the outlines, text as it is in the
    release: nothing is marked against formulas, since the file is no spreadsheet. ``places`` holds
    the points that driving times lead to, ``metadata`` the release, the scope and the profile,
    ``sources`` the provenance of every table that the ranking rests on. The score has a default
    style. The same ranking gives the same bytes, with the same version of GDAL.

    Parameters
    ----------
    ranking
        What to write.
    top
        How many communes at most, ties at the end not cut; all by default.
    language
        Language of the descriptions and of the credits.
    odds
        Odds of the ranking, for four further columns.
    """
    territory = ranking.territory
    texts = TEXTS[language]
    with tempfile.TemporaryDirectory(prefix="geo-matcher-") as folder:
        path = Path(folder) / "villages.gpkg"
        write_layer(_villages(ranking, top, odds), path, VILLAGES_LAYER, texts["villages"])
        write_layer(_places(ranking), path, "places", texts["places"])
        write_layer(_metadata(ranking), path, "metadata", texts["metadata"])
        write_layer(
            source_rows(ranking.territory, used_tables(ranking), language),
            path,
            "sources",
            texts["sources"],
        )
        write_layer(
            style_rows(((VILLAGES_LAYER, STYLE_NAME, _style(), texts["style"]),)),
            path,
            "layer_styles",
            "",
        )
        settle(path, territory)
        return path.read_bytes()


def write_layer(frame: pd.DataFrame, path: Path, layer: str, description: str) -> None:
    """Add a layer or, from a frame without outlines, a table.

    Parameters
    ----------
    frame
        A frame of polygons or points in EPSG:4326, or a table.
    path
        The GeoPackage; made where there is none.
    layer, description
        Its name, and a sentence about it.
    """
    import pyogrio  # takes 30 MB: only the service that is asked for this format has it

    has_outlines = isinstance(frame, gpd.GeoDataFrame)
    kind = "Point" if layer == "places" else "MultiPolygon" if has_outlines else None
    pyogrio.write_dataframe(
        frame,
        path,
        layer=layer,
        driver="GPKG",
        append=path.exists(),
        geometry_type=kind,
        promote_to_multi=kind == "MultiPolygon",
        layer_options={
            "DESCRIPTION": description,
            "FID": "id" if layer == "layer_styles" else "fid",
        },
    )


def _villages(ranking: Ranking, top: int | None, odds: Odds | None) -> gpd.GeoDataFrame:
    columns, rows = flat_table(ranking, top, odds=odds)
    # The size of a commune is a fact and may be a criterion: the same figure, written once.
    cells = dict(zip(columns, zip(*rows, strict=True), strict=True)) if rows else {}
    frame = pd.DataFrame(
        {name: pd.Series(cells.get(name, ()), dtype=_kind(name)) for name in dict.fromkeys(columns)}
    )
    outlines = rounded_outlines(ranking.territory)
    place = {code: row for row, code in enumerate(ranking.matrix.codes)}
    geometry = [outlines[place[code]] for code in frame["insee_code"]]
    return gpd.GeoDataFrame(frame, geometry=geometry, crs=WGS_84)


def _kind(column: str) -> str:
    if column in TEXT_COLUMNS or column.endswith("_status"):
        return "object"
    if column == "partner":
        return "bool"
    return "int64" if column in WHOLE_COLUMNS else "float64"


def _places(ranking: Ranking) -> gpd.GeoDataFrame:
    """Return the places that the criteria that count drive to."""
    weights = zip(CRITERIA, ranking.weights.tolist(), strict=True)
    kinds = {kind for name, weight in weights if weight > 0 for kind in PLACES_OF.get(name, ())}
    places = ranking.territory.places
    chosen = places[places["kind"].isin(kinds)].reset_index(drop=True)
    points = shapely.points(chosen["lon"].to_numpy(), chosen["lat"].to_numpy())
    return gpd.GeoDataFrame(
        chosen.drop(columns=["lon", "lat"]).astype(object), geometry=points, crs=WGS_84
    )


def _metadata(ranking: Ranking) -> pd.DataFrame:
    territory = ranking.territory
    profile = json.dumps(
        ranking.profile.model_dump(mode="json"), ensure_ascii=False, sort_keys=True
    )
    weights = {
        name: weight
        for name, weight in zip(CRITERIA, ranking.weights.tolist(), strict=True)
        if weight > 0
    }
    rows = {
        "release": territory.release_id,
        "vintage": territory.catalog.vintage,
        "territory": territory.catalog.name_en,
        "scope": ranking.scope,
        "communes_in_scope": str(ranking.counts["scope"]),
        "communes_listed": str(ranking.counts["listed"]),
        "profile": profile,
        "weights": json.dumps(weights),
    }
    return pd.DataFrame({"key": list(rows), "value": list(rows.values())}, dtype=object)


def source_rows(territory: Territory, used: Collection[str], language: str) -> pd.DataFrame:
    """Return the provenance of some tables of a release, one row for each.

    Parameters
    ----------
    territory
        A loaded release.
    used
        Names of the tables.
    language
        Language of the titles and credits.
    """
    fields = (f"title_{language}", "producer", "vintage", "licence", "licence_url", "url",
              "quality", f"credit_{language}")  # fmt: skip
    tables = [table for table in territory.catalog.tables if table.name in used]
    content: dict[str, list[Any]] = {"name": [table.name for table in tables]}
    for field in fields:
        name = field.removesuffix(f"_{language}")
        content[name] = [provenance_in(language, getattr(table, field)) for table in tables]
    return pd.DataFrame(content, dtype=object)


def style_rows(styles: Sequence[tuple[str, str, str, str]]) -> pd.DataFrame:
    """Return the table in which QGIS looks for the default styles of layers.

    Parameters
    ----------
    styles
        For each: the layer, the name of the style, the style as QGIS writes it, a sentence.
    """
    rows: list[dict[str, Any]] = [
        {
            "f_table_catalog": "",
            "f_table_schema": "",
            "f_table_name": layer,
            "f_geometry_column": "geom",
            "styleName": name,
            "styleQML": style,
            "styleSLD": "",
            "useAsDefault": True,
            "description": description,
            "owner": "",
            "ui": "",
        }
        for layer, name, style, description in styles
    ]
    frame = pd.DataFrame(rows, dtype=object)
    frame["useAsDefault"] = frame["useAsDefault"].astype(bool)
    return frame


def _style() -> str:
    """Return the seven classes of the score as a QGIS style."""
    root = ElementTree.Element("qgis", version="3.22", styleCategories="Symbology")
    renderer = ElementTree.SubElement(
        root, "renderer-v2", type="graduatedSymbol", attr="score", graduatedMethod="GraduatedColor",
        symbollevels="0", enableorderby="0", forceraster="0",
    )  # fmt: skip
    ends = [0, *SCORE_LIMITS, 100]
    ranges = ElementTree.SubElement(renderer, "ranges")
    symbols = ElementTree.SubElement(renderer, "symbols")
    for step, colour in enumerate(SCORE_COLOURS):
        low, high = ends[step], ends[step + 1]
        ElementTree.SubElement(
            ranges, "range", lower=str(low), upper=str(high), symbol=str(step), render="true",
            label=f"{low} – {high}",
        )  # fmt: skip
        fill_symbol(symbols, str(step), colour)
    return ElementTree.tostring(root, encoding="unicode")


def fill_symbol(
    symbols: ElementTree.Element, name: str, colour: str, pattern: str = "solid"
) -> None:
    """Add the symbol of one class of polygons to a QGIS style.

    Parameters
    ----------
    symbols
        Where it goes.
    name
        What the renderer calls it.
    colour
        Its colour, in hexadecimal.
    pattern
        Its pattern as QGIS names them: ``solid``, ``b_diagonal``, ``no``.
    """
    symbol = ElementTree.SubElement(
        symbols, "symbol", name=name, type="fill", alpha="1", clip_to_extent="1", force_rhr="0",
    )  # fmt: skip
    layer = ElementTree.SubElement(
        symbol, "layer", {"class": "SimpleFill", "enabled": "1", "locked": "0", "pass": "0"}
    )
    options = ElementTree.SubElement(layer, "Option", type="Map")
    for key, value in (
        ("color", _rgba(colour)),
        ("outline_color", _rgba(COLOURS["ash"])),
        ("outline_width", "0.1"),
        ("outline_width_unit", "MM"),
        ("outline_style", "solid"),
        ("style", pattern),
    ):
        ElementTree.SubElement(options, "Option", name=key, type="QString", value=value)


def _rgba(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"{red},{green},{blue},255"


CHANGE_COUNTERS = (24, 92)
"""Where the header of an SQLite file counts its changes, in bytes."""


def settle(path: Path, territory: Territory) -> None:
    """Date the file by its release, and write it anew so that no trace of the clock is left."""
    day = release_day(territory.catalog.vintage).isoformat()
    with closing(sqlite3.connect(path, isolation_level=None)) as base:
        base.execute("UPDATE gpkg_contents SET last_change = ?", (f"{day}T00:00:00.000Z",))
        base.execute("VACUUM")
    # How often the file was written while it was made varies: both counters of the header say so
    # (https://www.sqlite.org/fileformat.html, 1.3.7 and 1.3.17), and have to agree.
    with path.open("r+b") as file:
        for offset in CHANGE_COUNTERS:
            file.seek(offset)
            file.write((1).to_bytes(4, "big"))
