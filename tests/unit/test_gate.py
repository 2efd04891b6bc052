from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from geo_matcher.destinations import DESTINATIONS
from geo_matcher.gate import check_release
from geo_matcher.territory import Territory

Check = Callable[..., list[str]]


@pytest.fixture(scope="module")
def check(territory: Territory) -> Check:
    """Return a function that checks the shipped release with some tables replaced."""

    def run(**tables: pd.DataFrame) -> list[str]:
        return check_release(territory.catalog, {**territory.tables, **tables}, territory.about)

    return run


@pytest.fixture
def communes(territory: Territory) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(territory.tables["communes"].copy())


def reshaped(
    communes: gpd.GeoDataFrame, code: str, shape: shapely.Geometry | None
) -> gpd.GeoDataFrame:
    communes.loc[communes["insee_code"] == code, "geometry"] = gpd.GeoSeries(
        [shape], index=communes.index[communes["insee_code"] == code], crs=communes.crs
    )
    return communes


def outline(communes: gpd.GeoDataFrame, code: str) -> BaseGeometry:
    shape: BaseGeometry = communes.set_index("insee_code").geometry[code]
    return shape


def table(territory: Territory, name: str) -> pd.DataFrame:
    return territory.tables[name].copy()


def edited(territory: Territory, name: str, row: int, **cells: Any) -> pd.DataFrame:
    frame = table(territory, name)
    for column, cell in cells.items():
        frame.loc[row, column] = cell
    return frame


def test_the_shipped_release_has_no_problem(check: Check) -> None:
    assert check() == []


# --- Outlines -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("crs", "found"), [(None, "absent"), (2154, "EPSG:2154"), ("OGC:CRS84", "OGC:CRS84")]
)
def test_another_crs_is_refused_even_when_the_figures_are_right(
    check: Check, communes: gpd.GeoDataFrame, crs: str | int | None, found: str
) -> None:
    wrong = communes.set_crs(crs, allow_override=True)
    assert check(communes=wrong) == [f"communes: CRS is {found}, expected EPSG:4326"]


def test_a_table_without_outlines_is_refused(check: Check, communes: gpd.GeoDataFrame) -> None:
    bare = pd.DataFrame(communes.drop(columns="geometry"))
    assert check(communes=bare) == ["communes: CRS is absent, expected EPSG:4326"]


def test_an_overlap_names_the_communes_that_share_ground(
    check: Check, communes: gpd.GeoDataFrame
) -> None:
    wider = outline(communes, "32107").buffer(0.001)
    problems = check(communes=reshaped(communes, "32107", wider))
    (problem,) = [p for p in problems if "overlap" in p]
    assert problem.startswith("communes: polygons overlap or leave a gap: ")


def test_a_narrow_gap_is_found(check: Check, communes: gpd.GeoDataFrame) -> None:
    narrower = outline(communes, "32107").buffer(-0.00002)  # some 2 m
    problems = check(communes=reshaped(communes, "32107", narrower))
    assert "32107" in next(p for p in problems if "overlap or leave a gap" in p)


def test_a_wide_hole_is_found_and_located(check: Check, communes: gpd.GeoDataFrame) -> None:
    shape = outline(communes, "32013")
    middle = shape.representative_point()
    x, _ = gpd.GeoSeries([middle], crs=4326).to_crs(2154).get_coordinates().to_numpy()[0]
    with_hole = shape.difference(middle.buffer(0.005))
    (problem,) = check(communes=reshaped(communes, "32013", with_hole))
    assert problem.startswith("communes: the polygons leave a hole of 0.7")
    assert f"km² around ({x:.0f}," in problem
    assert problem.endswith(
        "in EPSG:2154; mend the source or say in catalog.toml to which commune it belongs "
        "([[mend]] rule = fill_hole)"
    )


BOW_TIE = shapely.Polygon([(0, 43), (1, 44), (1, 43), (0, 44)])


@pytest.mark.parametrize(
    "shape",
    [BOW_TIE, None, shapely.Polygon(), shapely.Point(0.5, 43.5)],
    ids=["crosses itself", "none", "empty", "a point"],
)
def test_what_is_no_valid_polygon_is_named(
    check: Check, communes: gpd.GeoDataFrame, shape: shapely.Geometry | None
) -> None:
    problems = check(communes=reshaped(communes, "32107", shape))
    assert problems[0] == "communes: geometry is no valid polygon: 32107"


def test_outlines_that_change_places_do_not_fit_their_area_nor_their_town_hall(
    check: Check, communes: gpd.GeoDataFrame
) -> None:
    auch, small = outline(communes, "32013"), outline(communes, "32001")
    problems = check(communes=reshaped(reshaped(communes, "32001", auch), "32013", small))
    assert "communes: area of the polygon is not area_km2: 32001, 32013" in problems
    assert "communes: town hall lies outside its commune: 32001, 32013" in problems


def test_a_town_hall_far_outside_is_named_and_one_within_tolerance_is_not(
    check: Check, communes: gpd.GeoDataFrame
) -> None:
    communes.loc[communes["insee_code"] == "32107", "town_hall_lon"] += 0.5
    assert check(communes=communes) == ["communes: town hall lies outside its commune: 32107"]
    # The published town hall of Tournecoupe lies 294 m outside its simplified outline.
    halls = gpd.GeoSeries.from_xy(communes["town_hall_lon"], communes["town_hall_lat"], crs=4326)
    out_m = halls.to_crs(2154).distance(communes.geometry.to_crs(2154).reset_index(drop=True))
    assert 200 < out_m[communes["insee_code"] == "32452"].item() < 400


def test_a_release_with_too_few_communes_is_refused(
    check: Check, communes: gpd.GeoDataFrame
) -> None:
    problems = check(communes=communes.iloc[:-1])
    assert problems[0] == "communes.parquet: 457 rows, the catalog says 458"
    assert "communes: 457 communes, the catalog says 458" in problems
    assert "indicators: insee_code is no commune of this release: 32468" in problems


# --- The communes of France ------------------------------------------------------------------


def test_every_commune_that_is_named_is_one_of_france_by_the_same_name(
    territory: Territory, check: Check
) -> None:
    french = territory.tables["french_communes"]
    fewer = french[~french["insee_code"].isin(["32013", "75056"])]
    problems = check(french_communes=fewer)
    assert "french_communes: has no row for a commune of communes: 32013" in problems
    assert "french_communes: has no row for a commune of origin_cities: 75056" in problems
    renamed = french.assign(name=french["name"].replace({"Auch": "Ouch"}))
    assert check(french_communes=renamed) == [
        "french_communes: has another name than communes for: 32013",
        "french_communes: has another name than town_halls for: 32013",
    ]


# --- Tables ---------------------------------------------------------------------------------


def test_a_table_that_is_required_must_be_in_the_catalog(territory: Territory) -> None:
    tables = tuple(
        t for t in territory.catalog.tables if t.name not in {"risks", "town_halls", "places"}
    )
    catalog = replace(territory.catalog, tables=tables)
    assert check_release(catalog, territory.tables, territory.about) == [
        "table town_halls is required but not in the catalog",
        "table places is required but not in the catalog",
    ]


def test_without_communes_only_the_catalog_can_be_checked(territory: Territory) -> None:
    others = {name: t for name, t in territory.tables.items() if name != "communes"}
    assert check_release(territory.catalog, others, territory.about) == []


def test_rules_about_tables_that_could_not_be_read_are_left_out(territory: Territory) -> None:
    only = {"communes": territory.tables["communes"]}
    assert check_release(territory.catalog, only, territory.about) == []


def test_the_number_of_rows_is_that_of_the_catalog(territory: Territory, check: Check) -> None:
    hubs = table(territory, "hubs").iloc[:-2]
    assert check(hubs=hubs) == ["source/hubs.csv: 15 rows, the catalog says 17"]


def test_strangers_are_named_five_at_most_and_counted(territory: Territory, check: Check) -> None:
    culture = table(territory, "culture")
    culture.loc[culture.index[:7], "insee_code"] = [f"3190{i}" for i in range(7)]
    assert check(culture=culture) == [
        "culture: insee_code is no commune of this release: "
        "31900, 31901, 31902, 31903, 31904 and 2 more"
    ]


@pytest.mark.parametrize("name", ["broadband_fixed", "indicators", "risks"])
def test_some_tables_must_speak_of_every_commune(
    territory: Territory, check: Check, name: str
) -> None:
    frame = table(territory, name)
    frame.loc[frame["insee_code"] == "32002", "insee_code"] = "32001"
    problems = check(**{name: frame})
    assert f"{name}: has no row for commune: 32002" in problems


def test_a_commune_without_a_line_must_be_named_by_the_catalog(territory: Territory) -> None:
    fixed = table(territory, "broadband_fixed").iloc[1:]
    tables = {**territory.tables, "broadband_fixed": fixed}

    def problems(note: str) -> list[str]:
        told = tuple(
            replace(t, rows=len(fixed), note_en=note) if t.name == "broadband_fixed" else t
            for t in territory.catalog.tables
        )
        return check_release(replace(territory.catalog, tables=told), tables, territory.about)

    assert problems("No line: Ansan (32002).") == ["broadband_fixed: has no row for commune: 32001"]
    assert problems("No line: Aignan (32001), Ansan (32002).") == []


SUM = "premises differ from the sum by best technology"
FIBRE = "premises with 1 Gbit/s by land are not those with fibre, or with fibre and cable"
MOST_30MBIT = "premises with 30 Mbit/s by land are more than premises less satellite"
LEAST_30MBIT = "premises with 30 Mbit/s by land are fewer than those with 1 Gbit/s by land"


@pytest.mark.parametrize(
    ("cells", "broken"),
    [
        ({"mci_premises": 1}, [SUM, MOST_30MBIT]),
        ({"mci_best_ftth": 1}, [SUM, FIBRE]),
        ({"mci_land_30mbit": 1}, [LEAST_30MBIT]),
        ({"mci_land_1gbit": 1}, [FIBRE]),
        # Cable may bring 1 Gbit/s too; copper may bring less than 30 Mbit/s.
        ({"mci_best_ftth": 600, "mci_best_cable": 54}, []),
        ({"mci_best_fixed_4g": 0, "mci_best_copper_8mbit_or_more": 28,
          "mci_land_30mbit": 654}, []),
    ],
)  # fmt: skip
def test_the_counts_of_premises_hold_together(
    territory: Territory, check: Check, cells: dict[str, int], broken: list[str]
) -> None:
    fixed = edited(territory, "broadband_fixed", 0, **cells)
    assert check(broadband_fixed=fixed) == [f"broadband_fixed: {what}: 32001" for what in broken]


# --- Places ---------------------------------------------------------------------------------


def test_a_place_67_km_from_its_commune_is_found(territory: Territory, check: Check) -> None:
    places = table(territory, "places")
    row = places.index[places["place_id"] == "bakery-0020"][0]
    places.loc[row, "lat"] += 67 / 111.1
    (problem,) = check(places=places)
    code = str(places.at[row, "insee_code"])
    assert problem.startswith("places: bakery-0020 lies 6")
    assert problem.endswith(f" km outside its commune {code}")


@pytest.mark.parametrize(("shift_lat", "is_told"), [(0.003, False), (0.008, True)])
def test_a_place_may_lie_a_little_outside_a_simplified_outline(
    territory: Territory, check: Check, shift_lat: float, is_told: bool
) -> None:
    places = table(territory, "places")
    row = places.index[places["insee_code"] == "32107"][0]
    corners = shapely.get_coordinates(territory.communes.geometry["32107"])
    lon, lat = corners[corners[:, 1].argmax()]
    places.loc[row, ["lon", "lat"]] = lon, lat + shift_lat  # 333 m or 889 m to the north
    told = [f"places: {places['place_id'][row]} lies 0.9 km outside its commune 32107"]
    assert check(places=places) == (told if is_told else [])


def test_places_outside_the_departement_are_not_held_to_an_outline(
    territory: Territory, check: Check
) -> None:
    places = table(territory, "places")
    row = places.index[places["insee_code"] == "31069"][0]
    places.loc[row, "lat"] += 0.5
    assert check(places=places) == []


def test_many_misplaced_places_are_counted(territory: Territory, check: Check) -> None:
    places = table(territory, "places")
    rows = places.index[places["kind"] == "cinema"]
    places.loc[rows, "lat"] += 1
    problems = check(places=places)
    assert len(problems) == 6
    assert problems[-1] == f"places: {len(rows) - 5} more lie outside their commune"


# --- Travel times ---------------------------------------------------------------------------

ONLY_BOUNDS = "minutes_low must be given for upper bounds, and only for them"


def test_times_that_are_missing_are_missed(territory: Territory, check: Check) -> None:
    times = table(territory, "travel_times").iloc[:-1]
    n = len(DESTINATIONS)
    assert check(travel_times=times) == [
        f"derived/travel_times.csv: {458 * n - 1} rows, the catalog says {458 * n}",
        f"travel_times: {458 * n - 1} rows, expected 458 communes × {n} destinations = {458 * n}",
    ]


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"minutes": None}, "minutes must be given unless unreachable or unknown"),
        ({"status": "unreachable"}, "minutes must be given unless unreachable or unknown"),
        ({"status": "unknown"}, "minutes must be given unless unreachable or unknown"),
        ({"status": "upper_bound"}, ONLY_BOUNDS),
        ({"minutes_low": 1.0}, ONLY_BOUNDS),
        ({"status": "upper_bound", "minutes_low": 99.0}, "minutes_low must not exceed minutes"),
    ],
)  # fmt: skip
def test_a_time_its_bound_and_its_status_agree(
    territory: Territory, check: Check, cells: dict[str, Any], problem: str
) -> None:
    times = edited(territory, "travel_times", 0, **cells)
    where = times["insee_code"][0] + " → " + times["destination"][0]
    assert check(travel_times=times) == [f"travel_times: {problem}: {where}"]


# --- Membership -----------------------------------------------------------------------------


def test_a_membership_cannot_end_before_it_begins(territory: Territory, check: Check) -> None:
    members = edited(territory, "membership", 0, valid_to="2013-12-31")
    code = str(members.at[0, "insee_code"])
    assert check(membership=members) == [f"membership: valid_to is before valid_from: {code}"]


def test_a_membership_may_end_on_its_first_day(territory: Territory, check: Check) -> None:
    first = territory.tables["membership"].at[0, "valid_from"]
    assert check(membership=edited(territory, "membership", 0, valid_to=first)) == []


def test_faults_of_several_tables_are_told_together(
    territory: Territory, check: Check, communes: gpd.GeoDataFrame
) -> None:
    communes.loc[communes["insee_code"] == "32107", "town_hall_lon"] += 0.5
    problems = check(
        communes=communes,
        hubs=table(territory, "hubs").iloc[:-2],
        broadband_fixed=edited(territory, "broadband_fixed", 0, mci_land_1gbit=1),
        membership=edited(territory, "membership", 0, valid_to="2013-12-31"),
    )
    assert [problem.split(":")[0] for problem in problems] == [
        "source/hubs.csv",
        "communes",
        "broadband_fixed",
        "membership",
    ]
