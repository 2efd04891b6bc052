"""Gaps and plans as files: CSV, GeoJSON, and a GeoPackage that QGIS opens with its colours.

Hides how nested answers become columns, and the styles. Each commune bears both published counts
with their denominators; nothing is divided that was not published so.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import geopandas as gpd
import pandas as pd

from geo_matcher.exports import commune_geometries, credit_lines, rounded_outlines, rows_to_csv
from geo_matcher.gaps import COUNTS, GAP_CLASSES, SOURCE, Gaps
from geo_matcher.geopackage import fill_symbol, settle, source_rows, style_rows, write_layer
from geo_matcher.look import GAP_COLOURS, PLAN_COLOURS
from geo_matcher.planning import Plan, PlannedAction
from geo_matcher.territory import WGS_84, Territory

__all__ = ["PLAN_TABLES", "gaps_csv", "plan_csv", "plan_geojson", "plan_geopackage"]

PLAN_TABLES = ("communes", SOURCE, "places", "town_halls")
"""Tables of the catalog that gaps and plans rest on."""

GAP_LABELS = {
    "fr": {"certain": "Manque certain", "possible": "Manque possible", "none": "Aucun manque"},
    "en": {"certain": "Certain gap", "possible": "Possible gap", "none": "No gap"},
}
TEXTS = {
    "fr": {
        "communes": "Locaux sans fibre par commune selon deux comptes publiés, et fermeture du "
        "cuivre",
        "actions": "Ce que le plan construit, une ligne par action",
        "metadata": "Le scénario, et la version des données",
        "sources": "D’où vient chaque table : producteur, millésime, licence",
    },
    "en": {
        "communes": "Premises without fibre by commune, by two published counts, and when copper "
        "closes",
        "actions": "What the plan builds, one row per action",
        "metadata": "The scenario, and the release of the data",
        "sources": "Where each table comes from: producer, vintage, licence",
    },
}


def gaps_csv(answer: Mapping[str, Any]) -> str:
    """Write gaps as CSV, one row per commune or EPCI.

    Parameters
    ----------
    answer
        What :meth:`geo_matcher.gaps.Gaps.as_dict` returned.
    """
    return rows_to_csv([_flat(row) | {"release": answer["release"]} for row in answer["rows"]])


def _flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a row of nested tables as one of plain cells."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}_")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def plan_csv(answer: Mapping[str, Any]) -> str:
    """Write the actions of a plan as CSV.

    Parameters
    ----------
    answer
        What :meth:`geo_matcher.planning.Plan.as_dict` returned.
    """
    same = {"scenario": answer["scenario"], "release": answer["release"]}
    rows = [{k: v for k, v in row.items() if k != "payers"} for row in answer["actions"]]
    return rows_to_csv([row | same for row in rows])


def plan_geojson(
    territory: Territory, plan: Plan, found: Gaps, language: str = "en"
) -> dict[str, Any]:
    """Return every commune with its gap, and what the plan builds there, as GeoJSON.

    Parameters
    ----------
    territory
        The release that the plan was made from.
    plan, found
        The plan, and the gaps it rests on.
    language
        Language of the attribution.
    """
    actions = _by_commune(plan)
    features = [
        {
            "type": "Feature",
            "id": row["insee_code"],
            "geometry": geometry,
            "properties": row
            | {"actions": [a.as_dict() for a in actions.get(row["insee_code"], ())]},
        }
        for geometry, row in zip(
            commune_geometries(territory), found.as_dict("commune")["rows"], strict=True
        )
    ]
    return {
        "type": "FeatureCollection",
        "release": plan.release,
        "scenario": plan.scenario.as_dict(),
        "total_cost_eur": plan.total_cost_eur,
        "total_benefit": plan.total_benefit,
        "optimality_gap": plan.optimality_gap,
        "attribution": credit_lines(territory, PLAN_TABLES, language),
        "features": features,
    }


def plan_geopackage(territory: Territory, plan: Plan, found: Gaps, language: str = "en") -> bytes:
    """Write gaps and a plan as a GeoPackage in EPSG:4326 with the default styles of its layers.

    ``communes`` holds every counted commune with its gap, styled by class; ``actions`` one outline
    for each action of the plan, styled by action; ``metadata`` the scenario and the totals;
    ``sources`` the provenance. The same plan gives the same bytes, with the same version of GDAL.

    Parameters
    ----------
    territory, plan, found, language
        As for :func:`plan_geojson`; the language is also that of labels and descriptions.
    """
    texts, labels = TEXTS[language], GAP_LABELS[language]
    kinds = {
        action.name: action.label_fr if language == "fr" else action.label_en
        for action in plan.scenario.action
    }
    patterns = {"certain": "solid", "possible": "b_diagonal", "none": "no"}
    gap_style = _style(
        "gap_class",
        [(name, labels[name], GAP_COLOURS[name], patterns[name]) for name in GAP_CLASSES],
    )
    plan_style = _style(
        "action",
        [
            (name, label, PLAN_COLOURS[place % len(PLAN_COLOURS)], "solid")
            for place, (name, label) in enumerate(kinds.items())
        ],
    )
    with tempfile.TemporaryDirectory(prefix="geo-matcher-") as folder:
        path = Path(folder) / "plan.gpkg"
        write_layer(_communes(territory, plan, found), path, "communes", texts["communes"])
        write_layer(_actions(territory, plan, kinds), path, "actions", texts["actions"])
        write_layer(_metadata(plan), path, "metadata", texts["metadata"])
        sources = source_rows(territory, PLAN_TABLES, language)
        write_layer(sources, path, "sources", texts["sources"])
        styles = style_rows(
            (
                ("communes", "gap", gap_style, texts["communes"]),
                ("actions", "action", plan_style, texts["actions"]),
            )
        )
        write_layer(styles, path, "layer_styles", "")
        settle(path, territory)
        return path.read_bytes()


def _by_commune(plan: Plan) -> dict[str, list[PlannedAction]]:
    found: defaultdict[str, list[PlannedAction]] = defaultdict(list)
    for action in plan.actions:
        found[action.insee_code].append(action)
    return dict(found)


def _communes(territory: Territory, plan: Plan, found: Gaps) -> gpd.GeoDataFrame:
    built = _by_commune(plan)
    columns: dict[str, Any] = {
        "insee_code": list(found.codes),
        "name": list(found.names),
        "epci": list(found.epci_names),
        "gap_class": list(found.classes),
        "gap_low": found.low,
        "gap_high": found.high,
        "without_30mbit": found.without_30mbit,
    }
    for column, name in enumerate(COUNTS):
        columns[f"{name}_premises"] = found.counted_premises[:, column]
        columns[f"{name}_with_fibre"] = found.with_fibre[:, column]
    columns["rate_above_100"] = found.rate_above_100
    columns["copper_closure_date"] = pd.Series(
        [None if day is None else day.isoformat() for day in found.closing], dtype=object
    )
    columns["planned"] = [
        " ".join(action.action for action in built.get(code, ())) for code in found.codes
    ]
    columns["planned_cost_eur"] = [
        float(sum(action.cost_eur for action in built.get(code, ()))) for code in found.codes
    ]
    frame = gpd.GeoDataFrame(
        pd.DataFrame(columns), geometry=list(rounded_outlines(territory)), crs=WGS_84
    )
    return frame[found.is_counted].reset_index(drop=True)


def _actions(territory: Territory, plan: Plan, kinds: Mapping[str, str]) -> gpd.GeoDataFrame:
    fields = ("insee_code", "name", "epci", "action")
    columns: dict[str, Any] = {
        field: pd.Series([getattr(action, field) for action in plan.actions], dtype=object)
        for field in fields
    }
    columns["label"] = pd.Series([kinds[action.action] for action in plan.actions], dtype=object)
    for field in ("cost_eur", "benefit", "premises"):
        columns[field] = pd.Series([getattr(a, field) for a in plan.actions], dtype="float64")
    columns["decided"] = pd.Series([a.is_decided for a in plan.actions], dtype=bool)
    outlines = dict(zip(territory.codes, rounded_outlines(territory), strict=True))
    geometry = [outlines[action.insee_code] for action in plan.actions]
    return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=geometry, crs=WGS_84)


def _metadata(plan: Plan) -> pd.DataFrame:
    scenario = json.dumps(plan.scenario.as_dict(), ensure_ascii=False, sort_keys=True)
    rows = {
        "release": plan.release,
        "scenario": scenario,
        "budget_eur": f"{plan.scenario.budget:.12g}",
        "total_cost_eur": f"{plan.total_cost_eur:.12g}",
        "total_benefit": f"{plan.total_benefit:.12g}",
        "optimality_gap": f"{plan.optimality_gap:.12g}",
        "status": plan.status,
    }
    return pd.DataFrame({"key": list(rows), "value": list(rows.values())}, dtype=object)


def _style(column: str, classes: list[tuple[str, str, str, str]]) -> str:
    """Return a QGIS style with one symbol for each value of a column."""
    root = ElementTree.Element("qgis", version="3.22", styleCategories="Symbology")
    renderer = ElementTree.SubElement(
        root, "renderer-v2", type="categorizedSymbol", attr=column, symbollevels="0",
        enableorderby="0", forceraster="0",
    )  # fmt: skip
    categories = ElementTree.SubElement(renderer, "categories")
    symbols = ElementTree.SubElement(renderer, "symbols")
    for number, (value, label, colour, pattern) in enumerate(classes):
        ElementTree.SubElement(
            categories, "category", value=value, symbol=str(number), label=label, render="true"
        )
        fill_symbol(symbols, str(number), colour, pattern)
    return ElementTree.tostring(root, encoding="unicode")
