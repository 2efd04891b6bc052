from __future__ import annotations

import ctypes
import re
import shutil
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo_matcher.access import TownHallNetwork, access_minutes
from geo_matcher.atomic_folders import exchange
from geo_matcher.build import (
    build_derived,
    build_release,
    mend_communes,
    partner_list_entry,
    set_partners,
)
from geo_matcher.catalog import Catalog, Mend, provenance_in
from geo_matcher.errors import CrsError, DataError
from geo_matcher.territory import Territory
from geo_matcher.territory_file import Network
from geo_matcher.travel_times import travel_times

Contents = Callable[[Path], dict[str, bytes]]

RELEASE = Path(__file__).resolve().parents[2] / "data" / "communes"


# --- The whole build ------------------------------------------------------------------------


def test_what_is_shipped_equals_a_rebuild_byte_for_byte(
    release_copy: Path, contents: Contents
) -> None:
    shutil.rmtree(release_copy / "derived")
    (release_copy / "communes.parquet").unlink()
    (release_copy / "membership.csv").unlink()
    build_release(release_copy)
    shipped, rebuilt = contents(RELEASE), contents(release_copy)
    assert sorted(rebuilt) == sorted(shipped)
    assert [path for path in shipped if rebuilt[path] != shipped[path]] == []


def test_a_build_that_breaks_leaves_the_release_as_it_was(
    small_copy: Path, contents: Contents
) -> None:
    before = contents(small_copy.parent)

    def breaks(copy: Path) -> None:
        (copy / "membership.csv").unlink()
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError, match="the power went"):
        build_release(small_copy, edit=breaks)
    assert contents(small_copy.parent) == before


def test_a_build_that_the_gate_refuses_leaves_the_release_as_it_was(
    small_copy: Path, contents: Contents
) -> None:
    before = contents(small_copy.parent)

    def loses_a_commune(copy: Path) -> None:
        path = copy / "source/broadband_fixed.csv"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[:1] + lines[2:]), encoding="utf-8")

    with pytest.raises(DataError) as refusal:
        build_release(small_copy, edit=loses_a_commune)
    assert refusal.value.problems == ("broadband_fixed: has no row for commune: 32003",)
    assert contents(small_copy.parent) == before


def test_the_faults_of_every_source_are_told_at_once(release_copy: Path) -> None:
    for name, column in {"hubs": "note", "schools": "sector"}.items():
        path = release_copy / f"source/{name}.csv"
        header, _, rows = path.read_text(encoding="utf-8").partition("\n")
        path.write_text(f"{header.replace(column, 'other')}\n{rows}", encoding="utf-8")
    (release_copy / "source/workplaces.csv").unlink()
    with pytest.raises(DataError) as refusal:
        build_derived(release_copy)
    assert set(refusal.value.problems) == {
        "source/hubs.csv: column other is unknown",
        "source/hubs.csv: column note is missing",
        "source/schools.csv: column other is unknown",
        "source/schools.csv: column sector is missing",
        "source/workplaces.csv is absent. Restore it, or run `geo-matcher data build`.",
    }


def test_a_catalog_that_lacks_what_the_build_needs_or_makes_is_refused(release_copy: Path) -> None:
    path = release_copy / "catalog.toml"
    text = path.read_text(encoding="utf-8")
    for name in ("adjacency", "indicators"):
        text = text.replace(f'name = "{name}"', f'name = "other_{name}"')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as refusal:
        build_derived(release_copy)
    assert refusal.value.problems == (
        "the build needs a source table adjacency, which is not in the catalog",
        "the build needs a derived table indicators, which is not in the catalog",
        "source/adjacency.csv: no schema is known for a table 'other_adjacency'",
    )


def test_sources_in_another_crs_are_refused(release_copy: Path) -> None:
    path = release_copy / "source/communes.parquet"
    gpd.read_parquet(path).to_crs(2154).to_parquet(path)
    with pytest.raises(CrsError, match="must be in EPSG:4326"):
        build_derived(release_copy)


def test_a_town_hall_that_is_misplaced_beyond_the_border_stops_the_build(
    release_copy: Path,
) -> None:
    path = release_copy / "source/town_halls.csv"
    halls = pd.read_csv(path, dtype=str, keep_default_na=False)
    row = halls.index[halls["insee_code"] == "31555"][0]
    halls.loc[row, "town_hall_lat"] = str(float(halls.loc[row, "town_hall_lat"]) + 0.6)
    halls.to_csv(path, index=False)
    with pytest.raises(DataError) as refusal:
        build_derived(release_copy)
    assert len(refusal.value.problems) > 5
    for problem in refusal.value.problems:
        assert "31555" in problem
        assert problem.endswith("check both positions")


def test_a_folder_that_is_no_release_is_not_built(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no catalog\.toml"):
        build_release(tmp_path)


# --- Two folders change places --------------------------------------------------------------


@pytest.fixture
def old_and_new(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("old", "scratch/new"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "id").write_text(name, encoding="utf-8")
    return tmp_path / "old", tmp_path / "scratch/new"


@pytest.mark.parametrize("system", ["with renameat2", "without", "where it is refused"])
def test_the_new_folder_takes_the_place_of_the_old_one(
    old_and_new: tuple[Path, Path], system: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    libraries = {
        "without": SimpleNamespace(),
        "where it is refused": SimpleNamespace(renameat2=lambda *_: -1),
    }
    if system in libraries:
        monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: libraries[system])
    old, new = old_and_new
    exchange(old, new)
    assert (old / "id").read_text(encoding="utf-8") == "scratch/new"


def test_the_old_folder_comes_back_when_the_new_one_cannot_be_moved(
    old_and_new: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace())
    old, new = old_and_new
    shutil.rmtree(new)
    with pytest.raises(FileNotFoundError):
        exchange(old, new)
    assert (old / "id").read_text(encoding="utf-8") == "old"


# --- The network's own list -----------------------------------------------------------------


def partner_list(folder: Path, *lines: str) -> Path:
    path = folder / "list.csv"
    path.write_text("\n".join(["insee_code,valid_from,valid_to", *lines]) + "\n", "utf-8")
    return path


def test_a_list_is_credited_to_the_network_of_its_territory() -> None:
    other = Network(name="Causses Connectés", published_year=2025)
    assert partner_list_entry(other)["producer"] == "Causses Connectés"
    assert partner_list_entry(other)["credit_en"] == "Causses Connectés, list of the network"
    licence = str(partner_list_entry(other)["licence"])
    assert provenance_in("fr", licence) == "donné par le réseau pour ce service"
    assert provenance_in("en", licence) == licence
    both = "Licence Ouverte 2.0 ; given for this service"
    assert provenance_in("fr", both) == "Licence Ouverte 2.0 ; fourni pour ce service"
    nobody = partner_list_entry(None)
    assert nobody["producer"] == "network of the territory"
    assert nobody["credit_fr"] == "Liste du réseau d’accueil"


def test_the_list_of_the_network_replaces_the_reconstruction(
    small_copy: Path, tmp_path: Path, small_gers: Territory
) -> None:
    given = partner_list(
        tmp_path, "32307,2014-01-01,", "32013,2020-05-01,", "32076,2009-01-01,2019-12-31"
    )
    found = set_partners(small_copy, given)
    members = found.tables["membership"]
    partners = members[members["group"] == "partner"]
    assert partners[["insee_code", "valid_from", "valid_to"]].to_numpy().tolist() == [
        ["32013", "2020-05-01", ""],
        ["32076", "2009-01-01", "2019-12-31"],
        ["32307", "2014-01-01", ""],
    ]
    assert set(partners["evidence"]) == {"sourced"}
    assert set(partners["source"]) == {"partners: list given by the network"}
    assert found.partner_evidence == {"32013": "sourced", "32307": "sourced"}
    assert found.catalog["partners"].rows == 3
    assert found.catalog["partners"].credit_fr == "Soho Solo, liste du réseau"
    assert found.release_id != small_gers.release_id
    assert (small_copy / "source/partners.csv").is_file()
    reached = members[members["group"] == "network"]
    own = small_gers.tables["membership"]
    assert set(reached["insee_code"]) == set(own[own["group"] == "network"]["insee_code"])

    again = set_partners(small_copy, partner_list(tmp_path, "32162,2014-01-01,"))
    assert again.partner_evidence == {"32162": "sourced"}
    assert [t.path for t in again.catalog.tables].count("source/partners.csv") == 1
    assert again.release_id != found.release_id


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        (["99999,2014-01-01,"], ["line 2: '99999' is no commune of this release "
         "(expected a 5-character INSEE code such as '32001')"]),
        (["32249,2014-01-01,", "32249,2015-01-01,"], ["line 3: 32249 is already on line 2"]),
        (["32249,soon,", "1,2014-01-01,2013-01-01"],
         ["line 2: valid_from 'soon' is no date (expected YYYY-MM-DD, e.g. 2014-06-30)",
          "line 3: '1' is no commune of this release "
          "(expected a 5-character INSEE code such as '32001')",
          "line 3: valid_to 2013-01-01 is before valid_from 2014-01-01"]),
        ([], ["the list holds no commune; expected one line per partner village"]),
    ],
    ids=["unknown code", "duplicate", "several", "empty"],
)  # fmt: skip
def test_a_refused_list_changes_nothing(
    release_copy: Path,
    tmp_path: Path,
    contents: Contents,
    lines: list[str],
    problems: list[str],
) -> None:
    given = partner_list(tmp_path, *lines)
    before = contents(tmp_path)
    with pytest.raises(DataError) as refusal:
        set_partners(release_copy, given)
    assert list(refusal.value.problems) == problems
    assert contents(tmp_path) == before


def test_a_list_that_cannot_be_read_changes_nothing(
    release_copy: Path, tmp_path: Path, contents: Contents
) -> None:
    before = contents(tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        set_partners(release_copy, tmp_path / "absent.csv")
    assert contents(tmp_path) == before


# --- Holes in the outlines ------------------------------------------------------------------


def ring_of_squares() -> gpd.GeoDataFrame:
    """Return eight communes round a hole, in reverse order of their codes."""
    xs, ys = (0.5, 0.51, 0.52, 0.53), (43.5, 43.51, 43.52, 43.53)
    cells = [(x, y) for y in range(3) for x in range(3) if (x, y) != (1, 1)]
    boxes = [shapely.box(xs[x], ys[y], xs[x + 1], ys[y + 1]) for x, y in cells]
    codes = [f"3200{i}" for i in range(1, 9)]
    frame = gpd.GeoDataFrame({"insee_code": codes, "area_km2": 1.0}, geometry=boxes, crs=4326)
    return frame.iloc[::-1]


@pytest.fixture
def catalog(territory: Territory) -> Catalog:
    return replace(territory.catalog, mends=(Mend("fill_hole", "32002", "", ""),))


def test_a_hole_goes_to_the_commune_that_the_catalog_names(catalog: Catalog) -> None:
    source = ring_of_squares()
    before = source.copy()
    mended = mend_communes(source, catalog)
    assert list(mended["insee_code"]) == sorted(source["insee_code"])
    assert mended.geometry.union_all().equals(shapely.box(0.5, 43.5, 0.53, 43.53))
    whole = mended.set_index("insee_code")
    assert whole.geometry["32002"].geom_type == "MultiPolygon"
    area_km2 = whole.geometry.to_crs(2154).area / 1e6
    assert whole.at["32002", "area_km2"] == pytest.approx(area_km2["32002"], abs=5e-4)
    assert whole.at["32002", "area_km2"] == pytest.approx(2 * area_km2["32001"], rel=0.01)
    assert (whole["area_km2"].drop("32002") == 1.0).all()
    pd.testing.assert_frame_equal(source, before)


def test_a_mend_that_is_not_needed_is_refused(catalog: Catalog) -> None:
    source = ring_of_squares()
    source.loc[source["insee_code"] == "32004", "geometry"] = shapely.box(0.5, 43.51, 0.52, 43.52)
    with pytest.raises(DataError) as refusal:
        mend_communes(source, catalog)
    assert str(refusal.value) == (
        "catalog.toml: the mend fill_hole of 32002 finds no hole beside that commune. "
        "Remove it if the source is whole now."
    )


def test_a_mend_of_an_unknown_commune_is_refused(catalog: Catalog) -> None:
    wrong = replace(catalog, mends=(Mend("fill_hole", "32999", "", ""),))
    with pytest.raises(DataError, match="the mend fill_hole names 32999, which is no commune"):
        mend_communes(ring_of_squares(), wrong)


@pytest.mark.parametrize("crs", [None, 2154])
def test_outlines_in_another_crs_are_never_mended(catalog: Catalog, crs: int | None) -> None:
    source = ring_of_squares().set_crs(crs, allow_override=True)
    with pytest.raises(CrsError, match="must be in EPSG:4326"):
        mend_communes(source, catalog)


# --- Travel times ---------------------------------------------------------------------------


def row_of_villages(listed: Collection[str] | None = None) -> pd.DataFrame:
    """Return the times of three villages in a row, 10 km apart, with towns beyond both ends.

    31001 touches 32003 outside the département but inside the box of known shops; 65001 touches
    32001, far outside the box.
    """
    lons = {"32001": 0.50, "32002": 0.52, "32003": 0.54, "31001": 0.56, "65001": -1.0}
    halls = pd.DataFrame(
        {
            "insee_code": list(lons),
            "population": [100, 200, 300, 400, 500],
            "town_hall_lon": list(lons.values()),
            "town_hall_lat": 43.5,
        }
    )
    pairs = pd.DataFrame(
        [("32001", "32002", 10.0), ("32002", "32003", 10.0), ("31001", "32003", 4.0),
         ("32001", "65001", 20.0)],
        columns=["a", "b", "straight_km"],
    )  # fmt: skip
    boxes = [shapely.box(x - 0.01, 43.49, x + 0.01, 43.51) for x in (0.50, 0.52, 0.54)]
    communes = gpd.GeoDataFrame(
        {"insee_code": ["32001", "32002", "32003"], "area_km2": [0.0, 4.0, 9.0]},
        geometry=boxes,
        crs=4326,
    )
    places = pd.DataFrame(
        [("lycee", "32001"), ("bakery", "31001"), ("grocery", "32001"), ("bank", "32003"),
         ("station", "32001"), ("cinema", "32002")],
        columns=["kind", "insee_code"],
    )  # fmt: skip
    network = TownHallNetwork.from_tables(halls, pairs)
    return travel_times(network, places, communes, halls, listed=listed)


@pytest.fixture
def times() -> pd.DataFrame:
    return row_of_villages()


def row(times: pd.DataFrame, code: str, destination: str) -> dict[str, Any]:
    found = times[(times["insee_code"] == code) & (times["destination"] == destination)]
    assert len(found) == 1
    return {str(key): value for key, value in found.iloc[0].items()}


def leave(area_km2: float) -> float:
    return float(access_minutes(np.array([area_km2]))[0])


def test_a_time_is_the_way_out_of_the_commune_and_the_road(times: pd.DataFrame) -> None:
    found = row(times, "32002", "station")
    assert found["minutes"] == pytest.approx(11.0 + leave(4.0), abs=0.005)
    assert found["road_km"] == 11.0
    assert found["nearest_insee_code"] == "32001"
    assert found["status"] == "estimated"
    assert row(times, "32001", "station")["minutes"] == 0.0


def test_a_list_that_stops_at_the_border_gives_upper_bounds_beside_it(
    times: pd.DataFrame,
) -> None:
    beside = row(times, "32003", "lycee")
    assert beside["status"] == "upper_bound"
    assert beside["minutes"] == pytest.approx(22.0 + leave(9.0), abs=0.005)
    assert beside["minutes_low"] == pytest.approx(4.4 + leave(9.0), abs=0.005)
    # 32002 is 11 min from the lycée and 15.4 from the border; 32001 has the lycée itself.
    for code in ("32001", "32002"):
        assert row(times, code, "lycee")["status"] == "estimated"
        assert np.isnan(row(times, code, "lycee")["minutes_low"])


def test_shops_are_known_in_the_box_and_not_beyond(times: pd.DataFrame) -> None:
    # The bakery of 31001, over the border, is used; 32003 has no nearer unknown one.
    assert row(times, "32003", "bakery")["nearest_insee_code"] == "31001"
    assert row(times, "32003", "bakery")["status"] == "estimated"
    # From 32001 the far 65001, outside the box, is nearer than the bank of 32003: 22 min equal.
    assert row(times, "32001", "bank")["status"] == "estimated"
    # But it is nearer than the bakery of 31001 (26.4 min).
    bakery = row(times, "32001", "bakery")
    assert (bakery["status"], bakery["minutes"], bakery["minutes_low"]) == (
        "upper_bound", 26.4, 22.0,
    )  # fmt: skip


def test_a_partial_list_gives_bounds_wherever_an_unlisted_place_is_plausible(
    times: pd.DataFrame,
) -> None:
    # 32003 has more inhabitants than 32002, which has a cinema; 32001 has fewer.
    assert row(times, "32003", "cinema")["status"] == "upper_bound"
    assert row(times, "32003", "cinema")["minutes_low"] == pytest.approx(leave(9.0), abs=0.005)
    assert row(times, "32001", "cinema")["status"] == "estimated"


def test_a_kind_of_place_that_cannot_be_reached_is_unreachable_and_has_no_figure(
    times: pd.DataFrame,
) -> None:
    for destination in ("hospital", "airport", "fuel"):
        found = row(times, "32001", destination)
        assert found["status"] == "unreachable"
        assert found["nearest_insee_code"] == ""
        assert np.isnan([found["minutes"], found["minutes_low"], found["road_km"]]).all()


def test_a_list_of_stations_says_nothing_of_airports() -> None:
    times = row_of_villages(("station", "hospital"))
    statuses = [row(times, "32001", name)["status"] for name in ("station", "airport", "hospital")]
    assert statuses == ["estimated", "unknown", "unreachable"]


def test_times_come_in_the_order_of_codes_then_destinations(times: pd.DataFrame) -> None:
    keys = list(zip(times["insee_code"], times["destination"], strict=True))
    assert keys == sorted(keys)


def test_the_parameters_name_every_choice_of_the_build() -> None:
    text = (RELEASE / "derived/parameters.toml").read_text(encoding="utf-8")
    assert text.startswith("# Written by `geo-matcher data build`; do not edit.")
    assert re.findall(r"^\[(.+)\]$", text, re.MULTILINE) == [
        "travel_times",
        "network_reach",
        "daily_services",
        "daily_services.trips_a_week",
    ]
