from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from geo_matcher.criteria import CRITERIA, ValueFunction
from geo_matcher.decision import DecisionMatrix, Status, decision_matrix
from geo_matcher.territory import Territory

STATION = list(CRITERIA).index("station_min")
PARTNER = list(CRITERIA).index("partner_village")


@pytest.fixture
def matrix(territory: Territory) -> DecisionMatrix:
    return decision_matrix(territory)


def test_rows_are_communes_by_code_and_columns_the_catalogue(
    matrix: DecisionMatrix, territory: Territory
) -> None:
    assert matrix.codes == territory.codes
    assert matrix.criteria == tuple(CRITERIA)
    assert matrix.raw.shape == (458, len(CRITERIA))
    assert matrix.column("station_min") == STATION


def test_the_matrix_is_made_once_and_cannot_be_changed(
    matrix: DecisionMatrix, territory: Territory
) -> None:
    assert decision_matrix(territory) is matrix
    for array in (matrix.raw, matrix.raw_low, matrix.status, matrix.values, matrix.values_max):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1


def test_figures_are_those_of_the_tables(matrix: DecisionMatrix, territory: Territory) -> None:
    row = matrix.codes.index("32107")
    times = territory.tables["travel_times"].set_index(["insee_code", "destination"])
    expected = {
        "station_min": times.loc[("32107", "station"), "minutes"],
        "ftth_coverage_share": territory.indicators.at["32107", "ftth_coverage_share"],
        "daily_services_min": territory.indicators.at["32107", "daily_services_min"],
        "population": territory.communes.at["32107", "population"],
        "density_km2": territory.indicators.at["32107", "density_km2"],
        "house_price_eur_m2": territory.indicators.at["32107", "house_price_eur_m2"],
    }
    for name, figure in expected.items():
        assert matrix.raw[row, matrix.column(name)] == figure, name


def test_the_status_of_a_known_figure_is_the_quality_of_its_criterion(
    matrix: DecisionMatrix,
) -> None:
    row = matrix.codes.index("32107")
    assert matrix.status[row, matrix.column("ftth_coverage_share")] == Status.MEASURED
    assert matrix.status[row, matrix.column("land_30mbit_share")] == Status.DECLARED
    assert matrix.status[row, matrix.column("airport_min")] == Status.ESTIMATED


def test_a_missing_figure_may_be_worth_anything_and_counts_in_the_middle(
    matrix: DecisionMatrix,
) -> None:
    row, k = matrix.codes.index("32002"), matrix.column("house_price_eur_m2")
    assert np.isnan(matrix.raw[row, k])
    assert matrix.status[row, k] == Status.MISSING
    assert matrix.known[row, k] == 0.0
    assert (matrix.values_min[row, k], matrix.values[row, k], matrix.values_max[row, k]) == (
        0.0, 0.5, 1.0,
    )  # fmt: skip


def test_a_bounded_figure_counts_at_its_certain_end(matrix: DecisionMatrix) -> None:
    bounded = matrix.status == Status.UPPER_BOUND
    assert bounded.sum() > 100
    assert (matrix.raw_low[bounded] <= matrix.raw[bounded]).all()
    np.testing.assert_array_equal(matrix.values[bounded], matrix.values_min[bounded])
    row, k = next(zip(*np.nonzero(bounded), strict=True))
    function = list(CRITERIA.values())[k].value_function
    assert matrix.values[row, k] == function(matrix.raw[row, k])
    assert matrix.values_max[row, k] == function(matrix.raw_low[row, k])
    assert matrix.known[row, k] == 1.0


def test_a_certain_figure_has_no_interval(matrix: DecisionMatrix) -> None:
    certain = np.isin(matrix.status, [Status.MEASURED, Status.ESTIMATED])
    np.testing.assert_array_equal(matrix.raw_low[certain], matrix.raw[certain])
    np.testing.assert_array_equal(matrix.values_min[certain], matrix.values_max[certain])


def test_what_cannot_be_reached_is_known_and_worth_nothing(territory: Territory) -> None:
    times = territory.tables["travel_times"].copy()
    cut = (times["insee_code"] == "32013") & (times["destination"] == "station")
    times.loc[cut, ["minutes", "road_km"]] = np.nan
    times.loc[cut, "status"] = "unreachable"
    minutes = territory.minutes.copy()
    minutes.loc["32013", "station"] = np.nan
    island = replace(territory, minutes=minutes, tables={**territory.tables, "travel_times": times})
    matrix = decision_matrix(island)
    row = matrix.codes.index("32013")
    assert matrix.raw[row, STATION] == np.inf
    assert matrix.status[row, STATION] == Status.UNREACHABLE
    assert matrix.values_min[row, STATION] == matrix.values_max[row, STATION] == 0.0
    assert matrix.known[row, STATION] == 1.0


@pytest.fixture
def with_partners(territory: Territory) -> Callable[..., Territory]:
    def make(**evidence: str) -> Territory:
        members = pd.DataFrame(
            [(code.strip("c"), "partner", "2014-01-01", "", how) for code, how in evidence.items()],
            columns=["insee_code", "group", "valid_from", "valid_to", "evidence"],
        )
        return replace(territory, tables={**territory.tables, "membership": members})

    return make


def test_only_a_sourced_partner_is_one_for_certain(
    with_partners: Callable[..., Territory],
) -> None:
    matrix = decision_matrix(with_partners(c32001="sourced", c32002="reconstructed"))
    assert matrix.raw[0, PARTNER] == 1.0
    assert matrix.status[0, PARTNER] == Status.DECLARED
    assert np.isnan(matrix.raw[1, PARTNER])
    assert matrix.status[1, PARTNER] == Status.RECONSTRUCTED
    assert (matrix.values_min[1, PARTNER], matrix.values_max[1, PARTNER]) == (0.0, 1.0)
    assert matrix.raw[2, PARTNER] == 0.0
    assert matrix.status[2, PARTNER] == Status.RECONSTRUCTED


def test_with_the_list_of_the_network_the_others_are_declared_not_to_be_partners(
    with_partners: Callable[..., Territory],
) -> None:
    matrix = decision_matrix(with_partners(c32001="sourced"))
    assert matrix.raw[2, PARTNER] == 0.0
    assert matrix.status[2, PARTNER] == Status.DECLARED


def test_replacing_a_function_changes_its_column_only(matrix: DecisionMatrix) -> None:
    steep = ValueFunction(((1.0, 1.0), (2.0, 0.0)))
    before = (matrix.values, matrix.values_min, matrix.values_max)
    after = matrix.values_with({STATION: steep})
    others = np.arange(len(CRITERIA)) != STATION
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new[:, others], old[:, others])
    np.testing.assert_array_equal(after[0][:, STATION], steep(matrix.raw[:, STATION]))
    assert matrix.values_with({})[0] is matrix.values


def test_every_status_has_a_word_of_its_own() -> None:
    assert [status.label for status in Status] == [
        "measured", "declared", "estimated", "upper_bound", "reconstructed", "unreachable",
        "missing",
    ]  # fmt: skip
