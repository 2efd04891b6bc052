"""Rankings and communes as files that other programs open: CSV and GeoJSON.

Hides how a nested result becomes a flat table, how text is kept from being read as a formula by a
spreadsheet, and how outlines are rounded and wound for exchange. Outlines are prepared once per
territory and shared by every export and by the maps.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import orjson
import shapely

from geo_matcher.criteria import CRITERIA
from geo_matcher.destinations import DAILY_SERVICES, DESTINATIONS
from geo_matcher.figure_years import figure_tables
from geo_matcher.flags import red_flags
from geo_matcher.kept import kept
from geo_matcher.matching import Ranking
from geo_matcher.robustness import Odds, results_with_odds
from geo_matcher.territory import Territory
from geo_matcher.towns import LiveMapping

__all__ = [
    "PLACES_OF",
    "commune_geometries",
    "communes_geojson",
    "credit_lines",
    "flat_table",
    "place_tables",
    "rounded_outlines",
    "rows_to_csv",
    "to_csv",
    "to_geojson",
    "used_tables",
]

COORDINATE_DECIMALS = 5
"""Decimals of a longitude or latitude: about one metre."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""First characters at which a spreadsheet may take a text for a formula."""

FACT_COLUMNS = (
    "rank",
    "insee_code",
    "name",
    "epci",
    "population",
    "score",
    "score_min",
    "score_max",
    "partner",
    "evidence",
    "data_completeness",
)
"""Columns of a CSV export that stand before the criteria."""

ODDS_COLUMNS = ("p_top_1", "p_top_5", "rank_low", "rank_high")
"""Columns that follow them when odds are asked for."""

ROAD_TABLES = ("town_halls", "adjacency", "roads", "travel_times")
"""Tables that every driving time rests on."""

PLACES_OF: LiveMapping[str, tuple[str, ...]] = LiveMapping(
    lambda _: (
        {f"{d.name}_min": d.place_kinds for d in DESTINATIONS}
        | {"daily_services_min": tuple(DAILY_SERVICES)}
    )
)
"""Kinds of places that each criterion in minutes drives to."""


# --- Where things come from --------------------------------------------------------------------


@kept(maxsize=8)
def place_tables(territory: Territory) -> Mapping[str, frozenset[str]]:
    """Return the tables that the places of each kind come from."""
    pairs = territory.places[["kind", "source_table"]].drop_duplicates()
    found: dict[str, set[str]] = {}
    for kind, table in pairs.itertuples(index=False):
        found.setdefault(kind, set()).add(table)
    return MappingProxyType({kind: frozenset(tables) for kind, tables in found.items()})


def used_tables(ranking: Ranking) -> frozenset[str]:
    """Return the names of the tables of the catalog that a ranking rests on.

    A table that only criteria of weight 0 use is left out; the sources of a computed figure are
    in, since a licence asks to credit them.
    """
    territory = ranking.territory
    tables = {"communes", "membership", "partners_evidence"}
    for name, weight in zip(CRITERIA, ranking.weights.tolist(), strict=True):
        if weight > 0:
            tables |= _tables_of_criterion(territory, name)
    flags = red_flags(territory)
    tables |= {flag.source for row in ranking.order for flag in flags[ranking.matrix.codes[row]]}
    return frozenset(table for table in tables if table in territory.catalog)


def _tables_of_criterion(territory: Territory, name: str) -> set[str]:
    tables = {*figure_tables(territory, name)}
    if name in territory.indicators:
        tables.add("indicators")
    if name in PLACES_OF:
        of_kind = place_tables(territory)
        tables.update(("places", *ROAD_TABLES))
        tables.update(*(of_kind.get(kind, ()) for kind in PLACES_OF[name]))
    return tables


def credit_lines(territory: Territory, tables: Iterable[str], language: str) -> list[str]:
    """Return the credits of some tables, each once, in the order of the catalog.

    Parameters
    ----------
    territory
        A loaded release.
    tables
        Names of tables; a name that the catalog does not know is passed over.
    language
        ``fr`` or ``en``.
    """
    wanted = set(tables)
    lines = (
        table.credit_fr if language == "fr" else table.credit_en
        for table in territory.catalog.tables
        if table.name in wanted
    )
    return list(dict.fromkeys(lines))


# --- CSV ---------------------------------------------------------------------------------------


def to_csv(ranking: Ranking, top: int | None = None, *, odds: Odds | None = None) -> str:
    """Write a ranking as a flat CSV table, one row per listed commune, best first.

    Each criterion that counts has three columns: its figure, in its natural unit; what is known of
    that figure, as the label of a :class:`~geo_matcher.decision.Status`; its points. The points of
    a row add up to its score. A figure is empty when nobody tells it (``missing``), when no road
    leads there (``unreachable``), and for a partnership that is only ``reconstructed``. Each row
    names its release, so that a row copied elsewhere still says where it comes from. Write the text
    with the encoding ``utf-8-sig`` if a spreadsheet is to open it by a double click.

    Parameters
    ----------
    ranking
        What to write.
    top
        How many communes at most, ties at the end not cut; all by default.
    odds
        Odds of the ranking, for four further columns.
    """
    columns, rows = flat_table(ranking, top, odds=odds)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return stream.getvalue()


def flat_table(
    ranking: Ranking, top: int | None = None, *, odds: Odds | None = None
) -> tuple[list[str], list[list[Any]]]:
    """Return the columns and the rows of a ranking as a flat table; see :func:`to_csv`.

    Parameters
    ----------
    ranking, top, odds
        As for :func:`to_csv`.
    """
    used = [name for name, w in zip(CRITERIA, ranking.weights.tolist(), strict=True) if w > 0]
    columns = [
        *FACT_COLUMNS,
        *(ODDS_COLUMNS if odds else ()),
        *(column for name in used for column in (name, f"{name}_status", f"{name}_points")),
        "red_flags",
        "missing",
        "release",
    ]
    results = ranking.results(top)
    rows = [
        [
            *(result[column] for column in FACT_COLUMNS),
            *(result["odds"][column] for column in ODDS_COLUMNS if odds),
            *(c[key] for c in result["contributions"] for key in ("raw", "status", "points")),
            " ".join(flag["code"] for flag in result["red_flags"]),
            " ".join(result["missing"]),
            ranking.territory.release_id,
        ]
        for result in (results_with_odds(results, odds) if odds else results)
    ]
    return columns, rows


def rows_to_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """Write rows of plain cells as CSV, under the keys of the first one.

    Parameters
    ----------
    rows
        Cells by column, the same columns in each row; a text is guarded against formulas.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    if rows:
        writer.writerow(rows[0])
    writer.writerows([_cell(row[column]) for column in rows[0]] for row in rows)
    return stream.getvalue()


def _cell(value: object) -> str:
    """Write one cell; only text can be mistaken for a formula, so only text is marked."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.12g}"
    text = str(value)
    marked = f"'{text}" if isinstance(value, str) and text.startswith(FORMULA_STARTS) else text
    return marked.replace("\r\n", "\n").replace("\r", "\n")  # a lone \r would break the row


# --- GeoJSON -----------------------------------------------------------------------------------


@kept(maxsize=8)
def commune_geometries(territory: Territory) -> tuple[dict[str, Any], ...]:
    """Return the outline of every commune as a GeoJSON geometry, in order; made once, then kept.

    Longitudes and latitudes have 5 decimals, outer rings turn left (RFC 7946). The dictionaries
    are shared: read them, do not change them.
    """
    outlines = np.array(rounded_outlines(territory))
    return tuple(orjson.loads(text) for text in shapely.to_geojson(outlines))


@kept(maxsize=8)
def rounded_outlines(territory: Territory) -> tuple[shapely.Geometry, ...]:
    """Return the outlines with rounded coordinates; neighbours still share their edges."""
    rounded = shapely.transform(
        territory.communes.geometry.to_numpy(), lambda xy: np.round(xy, COORDINATE_DECIMALS)
    )
    clean = shapely.remove_repeated_points(rounded)
    return tuple(shapely.orient_polygons(clean, exterior_cw=False).tolist())


def to_geojson(
    ranking: Ranking, top: int | None = None, language: str = "en", *, odds: Odds | None = None
) -> dict[str, Any]:
    """Return a ranking as a GeoJSON feature collection, best first.

    Parameters
    ----------
    ranking
        What to write. The properties of a feature are the whole result of its commune.
    top
        How many communes at most, ties at the end not cut; all by default.
    language
        Language of the attribution.
    odds
        Odds of the ranking, to add to each result.
    """
    geometries = commune_geometries(ranking.territory)
    results = ranking.results(top)
    rows = {code: row for row, code in enumerate(ranking.matrix.codes)}
    return {
        "type": "FeatureCollection",
        "release": ranking.territory.release_id,
        "scope": ranking.scope,
        "profile": ranking.profile.model_dump(mode="json"),
        "attribution": credit_lines(ranking.territory, used_tables(ranking), language),
        "features": [
            _feature(geometries[rows[result["insee_code"]]], result)
            for result in (results_with_odds(results, odds) if odds else results)
        ],
    } | ({"robustness": odds.as_dict()} if odds else {})


def communes_geojson(
    territory: Territory, rows: Sequence[int], language: str = "en"
) -> dict[str, Any]:
    """Return some communes as a light GeoJSON feature collection.

    Parameters
    ----------
    territory
        A loaded release.
    rows
        Row numbers, in the order wanted.
    language
        Language of the attribution.
    """
    geometries = commune_geometries(territory)
    return {
        "type": "FeatureCollection",
        "release": territory.release_id,
        "attribution": credit_lines(territory, ("communes", "membership"), language),
        "features": [_feature(geometries[row], dict(territory.facts[row])) for row in rows],
    }


def _feature(geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": properties["insee_code"],
        "geometry": geometry,
        "properties": properties,
    }
