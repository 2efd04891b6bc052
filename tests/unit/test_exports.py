"""CSV and GeoJSON exports: what is in them is what the ranking says."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import shapely

from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.decision import Status
from geo_matcher.exports import (
    FACT_COLUMNS,
    commune_geometries,
    communes_geojson,
    credit_lines,
    to_csv,
    to_geojson,
    used_tables,
)
from geo_matcher.matching import Ranking, rank
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.territory import Territory

HOSTILE = '=HYPERLINK("https://example.org";"x")'


@pytest.fixture(scope="module")
def ranking(territory: Territory) -> Ranking:
    return rank(territory, PRESETS["paris-web-family"].profile, "all")


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _renamed(territory: Territory, code: str, name: str) -> Territory:
    communes = territory.communes.copy()
    communes.loc[code, "name"] = name
    return dataclasses.replace(territory, communes=communes)


# --- CSV ---------------------------------------------------------------------------------------


def test_csv_has_one_row_per_listed_commune_best_first(ranking: Ranking) -> None:
    rows = _rows(to_csv(ranking))
    assert len(rows) == len(ranking)
    assert [row["insee_code"] for row in rows] == [ranking.matrix.codes[i] for i in ranking.order]
    assert [int(row["rank"]) for row in rows] == ranking.ranks.tolist()


def test_csv_columns_are_facts_then_three_for_each_used_criterion(ranking: Ranking) -> None:
    header = to_csv(ranking).splitlines()[0].split(",")
    used = [name for name, w in zip(CRITERIA, ranking.weights, strict=True) if w > 0]
    ledger = [column for name in used for column in (name, f"{name}_status", f"{name}_points")]
    assert header == [*FACT_COLUMNS, *ledger, "red_flags", "missing", "release"]


def test_points_of_a_csv_row_add_up_to_its_score(ranking: Ranking) -> None:
    for row in _rows(to_csv(ranking)):
        points = [float(cell) for column, cell in row.items() if column.endswith("_points")]
        assert math.fsum(points) == pytest.approx(float(row["score"]), abs=1e-9)


def test_csv_leaves_unknown_figures_empty_and_names_them(ranking: Ranking) -> None:
    rows = [row for row in _rows(to_csv(ranking)) if row["missing"]]
    assert rows
    for row in rows:
        for name in row["missing"].split():
            assert row[name] == ""
            assert float(row[f"{name}_points"]) > 0  # counts at the middle of its interval


def test_every_csv_row_names_its_release(ranking: Ranking) -> None:
    rows = _rows(to_csv(ranking))
    assert {row["release"] for row in rows} == {ranking.territory.release_id}


def test_csv_says_what_is_known_of_each_figure(ranking: Ranking) -> None:
    used = [name for name, w in zip(CRITERIA, ranking.weights, strict=True) if w > 0]
    seen = set()
    for line, row in zip(_rows(to_csv(ranking)), ranking.order, strict=True):
        for name in used:
            status = Status(ranking.matrix.status[row, ranking.matrix.column(name)])
            assert line[f"{name}_status"] == status.label
            assert line[name] or status in {Status.MISSING, Status.RECONSTRUCTED}
            seen.add(status)
    assert seen >= {Status.MEASURED, Status.UPPER_BOUND, Status.RECONSTRUCTED, Status.MISSING}


def test_csv_tells_a_place_out_of_reach_from_one_that_is_unknown(territory: Territory) -> None:
    times = territory.tables["travel_times"].copy()
    cut = (times["insee_code"] == "32365") & (times["destination"] == "station")
    times.loc[cut, "status"] = "unreachable"
    apart = dataclasses.replace(
        territory, tables=MappingProxyType({**territory.tables, "travel_times": times})
    )
    profile = PRESETS["paris-web-family"].profile
    row = next(r for r in _rows(to_csv(rank(apart, profile, "all"))) if r["insee_code"] == "32365")
    assert (row["station_min"], row["station_min_status"]) == ("", "unreachable")
    assert float(row["station_min_points"]) == 0
    assert "station_min" not in row["missing"].split()
    assert (row["density_km2"], row["density_km2_status"]) == ("", "missing")
    assert "density_km2" in row["missing"].split()


def test_csv_keeps_codes_flags_and_evidence_plain(ranking: Ranking) -> None:
    results = {result["insee_code"]: result for result in ranking.results()}
    for row in _rows(to_csv(ranking)):
        result = results[row["insee_code"]]
        assert len(row["insee_code"]) == 5
        assert row["red_flags"].split() == [flag["code"] for flag in result["red_flags"]]
        assert row["evidence"] == (result["evidence"] or "")
        assert row["partner"] == ("true" if result["partner"] else "false")


def test_top_of_a_csv_does_not_cut_ties(ranking: Ranking) -> None:
    assert len(_rows(to_csv(ranking, top=5))) == 5
    tied = dataclasses.replace(ranking, ranks=np.ones_like(ranking.ranks))
    assert len(_rows(to_csv(tied, top=5))) == len(ranking)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_a_spreadsheet_would_run_is_marked(territory: Territory, start: str) -> None:
    hostile = _renamed(territory, "32249", f"{start}1+1")
    row = _rows(to_csv(rank(hostile, Profile(), "all")))
    name = next(r["name"] for r in row if r["insee_code"] == "32249")
    assert name == f"'{start}1+1".replace("\r", "\n")


def test_a_hostile_name_stays_in_its_cell(territory: Territory) -> None:
    hostile = _renamed(territory, "32249", HOSTILE + ',"\n')
    rows = _rows(to_csv(rank(hostile, Profile(), "all")))
    assert len(rows) == len(territory.codes)
    name = next(r["name"] for r in rows if r["insee_code"] == "32249")
    assert name == "'" + HOSTILE + ',"\n'


def test_csv_of_nothing_is_its_header(territory: Territory) -> None:
    empty = rank(territory, parse_profile({"limits": {"station_min": {"at_most": 0}}}), "partners")
    assert len(empty) == 0
    assert len(to_csv(empty).splitlines()) == 1


# --- GeoJSON -----------------------------------------------------------------------------------


def test_geojson_holds_the_results_as_they_are(ranking: Ranking) -> None:
    collection = to_geojson(ranking, top=8)
    assert collection["type"] == "FeatureCollection"
    assert [f["properties"] for f in collection["features"]] == ranking.results(8)
    assert [f["id"] for f in collection["features"]] == [
        ranking.matrix.codes[row] for row in ranking.order[:8]
    ]
    json.dumps(collection, allow_nan=False)


def test_geojson_says_where_it_comes_from(ranking: Ranking) -> None:
    collection = to_geojson(ranking, language="fr")
    assert collection["release"] == ranking.territory.release_id
    assert collection["scope"] == "all"
    assert collection["profile"]["name"] == "paris-web-family"
    catalog = ranking.territory.catalog
    assert catalog["shops"].credit_fr in collection["attribution"]
    assert catalog["membership"].credit_fr in collection["attribution"]
    assert catalog["shops"].credit_en in to_geojson(ranking)["attribution"]


def test_only_used_tables_are_credited(territory: Territory) -> None:
    others = [family for family in FAMILIES if family != "connection"]
    profile = parse_profile({"importance": dict.fromkeys(others, "not_at_all")})
    tables = used_tables(rank(territory, profile, "all"))
    assert "broadband_fixed" in tables
    assert not tables & {"schools", "culture", "climate_projections", "travel_times"}


def test_credits_follow_the_catalog_and_pass_over_unknown_tables(territory: Territory) -> None:
    lines = credit_lines(territory, ["schools", "communes", "nowhere"], "en")
    catalog = territory.catalog
    assert lines == [catalog["communes"].credit_en, catalog["schools"].credit_en]


def test_outlines_are_valid_rounded_and_wound_for_exchange(territory: Territory) -> None:
    geometries = commune_geometries(territory)
    assert len(geometries) == len(territory.codes)
    for geometry in geometries:
        shape = shapely.geometry.shape(geometry)
        assert shape.is_valid
        for polygon in geometry["coordinates"]:
            outer, *holes = polygon
            assert outer[0] == outer[-1]
            assert shapely.LinearRing(outer).is_ccw
            assert not any(shapely.LinearRing(hole).is_ccw for hole in holes)
        flat = shapely.get_coordinates(shape)
        assert np.array_equal(flat, flat.round(5))


def test_rounding_moves_no_outline_and_opens_no_gap(territory: Territory) -> None:
    rounded = [shapely.geometry.shape(g) for g in commune_geometries(territory)]
    for before, after in zip(territory.communes.geometry, rounded, strict=True):
        assert before.hausdorff_distance(after) < 1e-5
    assert shapely.coverage_is_valid(rounded)


def test_outlines_are_made_once(territory: Territory) -> None:
    assert commune_geometries(territory) is commune_geometries(territory)


def test_light_communes_have_facts_and_no_score(territory: Territory) -> None:
    collection = communes_geojson(territory, [3, 0], "fr")
    first: dict[str, Any] = collection["features"][0]
    assert [f["id"] for f in collection["features"]] == [territory.codes[3], territory.codes[0]]
    assert set(first["properties"]) == {
        "insee_code", "name", "epci", "population", "partner", "evidence", "network",
    }  # fmt: skip
    assert first["properties"] == territory.facts[3]
    assert first["properties"] is not territory.facts[3]
    assert collection["attribution"][0] == territory.catalog["communes"].credit_fr
    json.dumps(collection, allow_nan=False)
