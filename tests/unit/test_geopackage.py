"""The GeoPackage: what is in it is what the ranking says, and the same each time."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pyogrio
import pytest

from geo_matcher.exports import flat_table, rounded_outlines, used_tables
from geo_matcher.geopackage import VILLAGES_LAYER, to_geopackage
from geo_matcher.look import SCORE_COLOURS, SCORE_LIMITS
from geo_matcher.matching import Ranking, rank
from geo_matcher.presets import PRESETS
from geo_matcher.profile import parse_profile
from geo_matcher.robustness import Odds, odds
from geo_matcher.territory import Territory

HOSTILE = '=HYPERLINK("https://example.org";"x")'


@pytest.fixture(scope="module")
def ranking(territory: Territory) -> Ranking:
    return rank(territory, PRESETS["paris-web-family"].profile, "all")


@pytest.fixture(scope="module")
def known(ranking: Ranking) -> Odds:
    return odds(ranking, draws=200)


@pytest.fixture(scope="module")
def content(ranking: Ranking, known: Odds) -> bytes:
    return to_geopackage(ranking, language="fr", odds=known)


@pytest.fixture(scope="module")
def path(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gpkg") / "villages.gpkg"
    path.write_bytes(content)
    return path


def read(path: Path, layer: str) -> Any:
    return pyogrio.read_dataframe(path, layer=layer)


def test_the_same_ranking_gives_the_same_bytes(
    ranking: Ranking, known: Odds, content: bytes
) -> None:
    time.sleep(1.1)  # the clock of the file has seconds
    assert to_geopackage(ranking, language="fr", odds=known) == content
    assert to_geopackage(ranking, language="en", odds=known) != content


def test_villages_are_the_rows_of_the_csv_with_their_outlines(
    ranking: Ranking, known: Odds, path: Path
) -> None:
    villages = read(path, VILLAGES_LAYER)
    columns, rows = flat_table(ranking, odds=known)
    assert villages.crs == "EPSG:4326"
    assert list(villages.columns) == [*dict.fromkeys(columns), "geometry"]
    assert len(villages) == len(rows) == len(ranking)
    for name in ("insee_code", "name", "rank", "score", "p_top_5", "station_min_status"):
        assert villages[name].tolist() == [row[columns.index(name)] for row in rows]
    points = villages[[name for name in villages if name.endswith("_points")]]
    assert np.allclose(points.sum(axis=1), villages["score"])
    outlines = rounded_outlines(ranking.territory)
    for geometry, row in zip(villages.geometry, ranking.order, strict=True):
        assert geometry.equals(outlines[row])


def test_what_is_unknown_is_null_and_never_zero(path: Path) -> None:
    villages = read(path, VILLAGES_LAYER)
    unknown = villages[villages["missing"].fillna("") != ""]
    assert len(unknown)
    for _, village in unknown.iterrows():
        for name in village["missing"].split():
            assert np.isnan(village[name])


def test_places_sources_and_the_question_are_in(ranking: Ranking, path: Path) -> None:
    places = read(path, "places")
    kinds = set(places["kind"])
    assert {"coworking", "station", "primary_school"} <= kinds
    assert "city_pau" not in kinds, "Pau counts for nothing here"
    every = ranking.territory.places
    assert len(places) == int(every["kind"].isin(kinds).sum())
    sources = read(path, "sources")
    assert set(sources["name"]) == set(used_tables(ranking))
    assert sources[["title", "producer", "licence", "credit"]].notna().all().all()
    metadata = read(path, "metadata").set_index("key")["value"]
    assert metadata["release"] == ranking.territory.release_id
    assert json.loads(metadata["profile"]) == ranking.profile.model_dump(mode="json")
    assert sum(json.loads(metadata["weights"]).values()) == pytest.approx(1)


def test_qgis_finds_the_seven_classes_of_the_score(path: Path) -> None:
    with closing(sqlite3.connect(path)) as base:
        ((table, column, default, style),) = base.execute(
            "SELECT f_table_name, f_geometry_column, useAsDefault, styleQML FROM layer_styles"
        )
        (geometry,) = base.execute(
            "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (table,)
        ).fetchone()
        dates = {row[0] for row in base.execute("SELECT last_change FROM gpkg_contents")}
    assert (table, column, default) == (VILLAGES_LAYER, geometry, 1)
    assert dates == {"2026-06-30T00:00:00.000Z"}
    root = ElementTree.fromstring(style)
    ranges = root.findall(".//range")
    assert [float(one.attrib["lower"]) for one in ranges[1:]] == list(SCORE_LIMITS)
    assert len(root.findall(".//symbol")) == len(SCORE_COLOURS) == len(ranges)
    first = root.find(".//symbol[@name='0']//Option[@name='color']")
    assert first is not None
    assert first.attrib["value"] == "243,233,207,255"


def test_a_hostile_name_is_kept_as_text(territory: Territory, tmp_path: Path) -> None:
    communes = territory.communes.copy()
    communes.loc["32249", "name"] = HOSTILE
    renamed = dataclasses.replace(territory, communes=communes)
    path = tmp_path / "hostile.gpkg"
    path.write_bytes(to_geopackage(rank(renamed, PRESETS["lyon-trainer"].profile, "all"), 500))
    villages = read(path, VILLAGES_LAYER).set_index("insee_code")
    assert villages.at["32249", "name"] == HOSTILE


def test_an_empty_list_and_a_short_one_can_be_written(territory: Territory, tmp_path: Path) -> None:
    path = tmp_path / "some.gpkg"
    nothing = parse_profile({"limits": {"station_min": {"at_most": 0}}})
    path.write_bytes(to_geopackage(rank(territory, nothing, "partners")))
    assert len(read(path, VILLAGES_LAYER)) == 0
    path.write_bytes(to_geopackage(rank(territory, PRESETS["lyon-trainer"].profile), 3))
    assert len(read(path, VILLAGES_LAYER)) == 3
