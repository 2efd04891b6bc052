"""Every rule of the module docstring, computed again from the tables of the shipped release."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from geo_matcher.criteria import CRITERIA, Unit, ValueFunction
from geo_matcher.decision import DecisionMatrix, Status, decision_matrix
from geo_matcher.indicators import PRICE_COLUMN
from geo_matcher.territory import Territory
from geo_matcher.uncertainty import (
    QUANTILES,
    figure_quantiles,
    sale_spread,
    time_error,
    value_quantiles,
)

FloatArray = NDArray[np.float64]

NAMES = list(CRITERIA)
MIDDLES = [(i + 0.5) / QUANTILES for i in range(QUANTILES)]
FLEURANCE, NO_PRICE = "32132", "32002"


@pytest.fixture(scope="module")
def matrix(territory: Territory) -> DecisionMatrix:
    return decision_matrix(territory)


@pytest.fixture(scope="module")
def figures(territory: Territory, matrix: DecisionMatrix) -> FloatArray:
    return figure_quantiles(territory, matrix)


def number(table: pd.DataFrame, row: Any, column: str) -> float:
    return float(cast("float", table.at[row, column]))


def sales(territory: Territory) -> list[dict[str, Any]]:
    """Return the sales of each commune and year, row by row."""
    return cast(
        "list[dict[str, Any]]",
        territory.tables["housing_sales"].to_dict(orient="records"),
    )


def cell(figures: Any, matrix: DecisionMatrix, code: str, name: str) -> FloatArray:
    return np.asarray(figures[matrix.codes.index(code), NAMES.index(name)])


def evenly(low: float, high: float) -> list[float]:
    return [low + (high - low) * middle for middle in MIDDLES]


def with_figures(matrix: DecisionMatrix, code: str, name: str, raw: float) -> DecisionMatrix:
    """Return the matrix with one figure replaced, known exactly or not at all."""
    raws, lows = matrix.raw.copy(), matrix.raw_low.copy()
    where = matrix.codes.index(code), matrix.column(name)
    raws[where] = lows[where] = raw
    return DecisionMatrix.from_figures(matrix.codes, raws, lows, matrix.status.copy())


# --- Travel times -----------------------------------------------------------------------------


def test_the_error_of_times_is_the_largest_that_was_measured(territory: Territory) -> None:
    text = (territory.folder / "derived" / "parameters.toml").read_text(encoding="utf-8")
    line = next(row for row in text.splitlines() if row.startswith("largest_relative_error"))
    assert time_error(territory) == float(line.split("=")[1]) == 0.118


def test_a_measured_time_lies_within_the_error(
    territory: Territory, matrix: DecisionMatrix, figures: FloatArray
) -> None:
    times = territory.tables["travel_times"].set_index(["insee_code", "destination"])
    minutes = number(times, (FLEURANCE, "toulouse"), "minutes")
    assert math.isnan(number(times, (FLEURANCE, "toulouse"), "minutes_low"))
    found = cell(figures, matrix, FLEURANCE, "toulouse_min")
    assert found == pytest.approx(evenly(minutes * (1 - 0.118), minutes * (1 + 0.118)))
    assert found.mean() == pytest.approx(minutes)


def test_a_bounded_time_lies_between_the_best_case_and_the_known_place(
    territory: Territory, matrix: DecisionMatrix, figures: FloatArray
) -> None:
    times = territory.tables["travel_times"]
    bounded = times[times["minutes_low"].notna() & (times["destination"] == "station")]
    row = bounded.sort_values("minutes").iloc[len(bounded) // 2]
    found = cell(figures, matrix, row["insee_code"], "station_min")
    low, high = float(row["minutes_low"]), float(row["minutes"])
    assert low < high
    assert found == pytest.approx(evenly(low * (1 - 0.118), high * (1 + 0.118)))


def test_everyday_services_are_bounded_by_their_own_best_case(
    territory: Territory, matrix: DecisionMatrix, figures: FloatArray
) -> None:
    known = territory.indicators.dropna(subset=["daily_services_low_min"])
    code = str(known.index[0])
    low, high = (number(known, code, f"daily_services_{end}min") for end in ("low_", ""))
    found = cell(figures, matrix, code, "daily_services_min")
    assert found == pytest.approx(evenly(low * (1 - 0.118), high * (1 + 0.118)))


def test_a_place_that_cannot_be_reached_stays_out_of_reach(
    territory: Territory, matrix: DecisionMatrix
) -> None:
    changed = with_figures(matrix, FLEURANCE, "station_min", np.inf)
    found = cell(figure_quantiles(territory, changed), matrix, FLEURANCE, "station_min")
    assert np.isposinf(found).all()
    values = value_quantiles(territory, changed, {})
    assert (cell(values, matrix, FLEURANCE, "station_min") == 0.0).all()


# --- Broadband --------------------------------------------------------------------------------


def test_fibre_lies_between_the_two_published_counts(
    territory: Territory, matrix: DecisionMatrix, figures: FloatArray
) -> None:
    table = territory.indicators
    gap: pd.Series[float] = table["ftth_coverage_share"] - table["ftth_coverage_share_cartefibre"]
    for code in (str(gap.idxmax()), str(gap.idxmin()), FLEURANCE):
        one = number(table, code, "ftth_coverage_share")
        other = number(table, code, "ftth_coverage_share_cartefibre")
        found = cell(figures, matrix, code, "ftth_coverage_share")
        assert found == pytest.approx(evenly(min(one, other), max(one, other)))
    assert gap.max() > 0.01
    assert gap.min() < -0.01


def test_thirty_megabits_by_land_are_at_least_those_declared(
    territory: Territory, matrix: DecisionMatrix, figures: FloatArray
) -> None:
    table = territory.indicators
    fibre = table[["ftth_coverage_share", "ftth_coverage_share_cartefibre"]].max(axis=1)
    more: pd.Series[float] = fibre - table["land_30mbit_share"]
    gaining, not_gaining = str(more.idxmax()), str(more.idxmin())
    assert more[gaining] > 0.02
    assert more[not_gaining] <= 0
    declared = number(table, gaining, "land_30mbit_share")
    found = cell(figures, matrix, gaining, "land_30mbit_share")
    assert found == pytest.approx(evenly(declared, min(1.0, float(fibre[gaining]))))
    certain = cell(figures, matrix, not_gaining, "land_30mbit_share")
    assert (certain == number(table, not_gaining, "land_30mbit_share")).all()


def test_with_no_second_count_a_share_stands_as_it_is(
    territory: Territory, matrix: DecisionMatrix
) -> None:
    indicators = territory.indicators.copy()
    indicators.loc[FLEURANCE, "ftth_coverage_share_cartefibre"] = np.nan
    one_count = figure_quantiles(replace(territory, indicators=indicators), matrix)
    raw = matrix.raw[matrix.codes.index(FLEURANCE)]
    fibre = cell(one_count, matrix, FLEURANCE, "ftth_coverage_share")
    assert (fibre == raw[NAMES.index("ftth_coverage_share")]).all()
    # No count at all: nothing says that land lines reach further than was declared.
    indicators.loc[FLEURANCE, "ftth_coverage_share"] = np.nan
    none = figure_quantiles(replace(territory, indicators=indicators), matrix)
    land = cell(none, matrix, FLEURANCE, "land_30mbit_share")
    assert (land == raw[NAMES.index("land_30mbit_share")]).all()


# --- Prices -----------------------------------------------------------------------------------


def test_the_spread_of_a_sale_is_that_of_the_residuals(territory: Territory) -> None:
    """The formula of the docstring by plain loops: medians around the mean of their commune.

    A median of n sales around the mean of all N has variance (1/n - 1/N) times that of a single
    sale's median, which is π/2 times that of a sale.
    """
    told: dict[str, list[tuple[float, int]]] = {}
    for row in sales(territory):
        if row["house_sales"] > 0 and not math.isnan(row["house_median_eur_m2"]):
            told.setdefault(row["insee_code"], []).append(
                (row["house_median_eur_m2"], row["house_sales"])
            )
    squares = []
    for years in told.values():
        total = sum(count for _, count in years)
        mean = sum(median * count for median, count in years) / total
        for median, count in years:
            if count < total:
                squares.append((median / mean - 1) ** 2 / (1 / count - 1 / total))
    expected = math.sqrt(sum(squares) / len(squares) / (math.pi / 2))
    assert len(squares) > 300
    assert sale_spread(territory) == pytest.approx(expected, rel=1e-4)
    assert 0.3 < expected < 0.7


def test_the_spread_finds_that_of_simulated_sales(territory: Territory) -> None:
    """Sales drawn with a known spread, told by year in medians as the release tells them."""
    rng, rows = np.random.default_rng(1), []
    for code in territory.codes:
        level = rng.uniform(900, 2500)
        for year in range(2021, 2026):
            count = int(rng.integers(20, 60))
            median = float(np.median(level * (1 + 0.3 * rng.standard_normal(count))))
            rows.append((code, year, median, count))
    table = pd.DataFrame(rows, columns=["insee_code", "year", "house_median_eur_m2", "house_sales"])
    told = replace(territory, tables={**territory.tables, "housing_sales": table})
    assert sale_spread(told) == pytest.approx(0.3, rel=0.05)


def sales_behind(territory: Territory) -> dict[str, int]:
    """Count the sales of each commune in 2022 and 2023, houses and flats."""
    count = dict.fromkeys(territory.codes, 0)
    for row in sales(territory):
        if row["year"] in (2022, 2023):
            count[row["insee_code"]] += row["house_sales"] + row["flat_sales"]
    return count


def test_a_price_is_normal_around_what_was_published(
    territory: Territory, matrix: DecisionMatrix, figures: FloatArray
) -> None:
    behind = sales_behind(territory)
    for code in (FLEURANCE, "32147", "32160"):
        price, count = number(territory.indicators, code, "house_price_eur_m2"), behind[code]
        assert count > 2, code
        normal = NormalDist(price, price * sale_spread(territory) / math.sqrt(count))
        found = cell(figures, matrix, code, "house_price_eur_m2")
        assert found == pytest.approx([normal.inv_cdf(middle) for middle in MIDDLES])
        assert found.mean() == pytest.approx(price)


def test_prices_never_fall_below_nothing_and_no_sale_counts_as_one(
    territory: Territory, matrix: DecisionMatrix, figures: FloatArray
) -> None:
    table, behind = territory.indicators, sales_behind(territory)
    priced = table.index[table["house_price_eur_m2"].notna()].tolist()
    few = [code for code in priced if behind[code] <= 1]
    spread = sale_spread(territory)
    assert few
    for code in few:
        price = number(table, code, "house_price_eur_m2")
        normal = NormalDist(price, price * spread)
        expected = [max(0.0, normal.inv_cdf(middle)) for middle in MIDDLES]
        assert cell(figures, matrix, str(code), "house_price_eur_m2") == pytest.approx(expected)
    column = figures[:, NAMES.index("house_price_eur_m2")]
    assert np.nanmin(column) == 0.0
    # Where the sales behind a price are not told, it counts as that of a single one.
    told = territory.tables["housing_sales"]
    untold = {**territory.tables, "housing_sales": told[told["insee_code"] != FLEURANCE]}
    without = replace(territory, tables=untold)
    price = number(table, FLEURANCE, "house_price_eur_m2")
    normal = NormalDist(price, price * sale_spread(without))
    expected = [max(0.0, normal.inv_cdf(middle)) for middle in MIDDLES]
    found = cell(figure_quantiles(without, matrix), matrix, FLEURANCE, "house_price_eur_m2")
    assert found == pytest.approx(expected)


def test_a_median_is_as_sure_as_the_houses_of_its_own_years_make_it(
    territory: Territory, matrix: DecisionMatrix
) -> None:
    prices = territory.tables["housing_prices_rents"].copy()
    prices.loc[prices["insee_code"] == FLEURANCE, PRICE_COLUMN] = np.nan
    later = territory.tables["housing_sales"].assign(year=lambda sold: sold["year"] + 3)
    medians = pd.DataFrame(
        {"insee_code": [FLEURANCE], "first_year": 2024, "last_year": 2028,
         "house_median_eur_m2": 1500.0, "house_sales": 186}
    )  # fmt: skip
    other = {"housing_prices_rents": prices, "housing_sales": later, "housing_medians": medians}
    told = replace(territory, tables={**territory.tables, **other})
    changed = with_figures(matrix, FLEURANCE, "house_price_eur_m2", 1500.0)
    quantiles = figure_quantiles(told, changed)
    spread = sale_spread(told) * math.sqrt(math.pi / 2) / math.sqrt(186)
    normal = NormalDist(1500.0, 1500.0 * spread)
    assert cell(quantiles, matrix, FLEURANCE, "house_price_eur_m2") == pytest.approx(
        [normal.inv_cdf(middle) for middle in MIDDLES], rel=1e-4
    )


def test_the_mean_of_every_price_is_the_published_one(
    matrix: DecisionMatrix, figures: FloatArray
) -> None:
    column = NAMES.index("house_price_eur_m2")
    raw, found = matrix.raw[:, column], figures[:, column]
    never_cut = ~np.isnan(raw) & (found.min(axis=1) > 0)
    assert never_cut.sum() > 250
    assert found[never_cut].mean(axis=1) == pytest.approx(raw[never_cut])


# --- Heat, yes or no, the unknown -------------------------------------------------------------


def test_half_of_the_heat_lies_under_the_median(
    territory: Territory, matrix: DecisionMatrix, figures: FloatArray
) -> None:
    table = territory.indicators.dropna(subset=["hot_days_2030_year"])
    for code in (str(table.index[0]), str(table.index[-1])):
        low, median, high = (
            number(table, code, f"hot_days_2030{part}_year") for part in ("_low", "", "_high")
        )
        assert low < median < high
        found = cell(figures, matrix, code, "hot_days_2030_year")
        half = QUANTILES // 2
        assert (found[:half] < median).all()
        assert (found[half:] > median).all()
        parts = [(i + 0.5) / half for i in range(half)]
        assert found[:half] == pytest.approx([low + (median - low) * part for part in parts])
        assert found[half:] == pytest.approx([median + (high - median) * part for part in parts])


def test_heat_without_its_range_stands_as_it_is(
    territory: Territory, matrix: DecisionMatrix
) -> None:
    code = str(territory.indicators.dropna(subset=["hot_days_2030_year"]).index[0])
    indicators = territory.indicators.copy()
    indicators.loc[code, "hot_days_2030_high_year"] = np.nan
    found = cell(
        figure_quantiles(replace(territory, indicators=indicators), matrix), matrix, code,
        "hot_days_2030_year",
    )  # fmt: skip
    median = number(indicators, code, "hot_days_2030_year")
    assert (found[QUANTILES // 2 :] == median).all()
    assert found.max() == median


def test_an_unknown_partnership_is_either_one_time_in_two(
    territory: Territory, matrix: DecisionMatrix
) -> None:
    evidence = territory.partner_evidence
    values = value_quantiles(territory, matrix, {})
    column = NAMES.index("partner_village")
    for row, code in enumerate(matrix.codes):
        expected = {"sourced": [1.0] * QUANTILES, None: [0.0] * QUANTILES}.get(
            evidence.get(code), [0.0] * (QUANTILES // 2) + [1.0] * (QUANTILES // 2)
        )
        assert values[row, column].tolist() == expected, code


def test_any_other_unknown_figure_may_be_worth_anything(
    territory: Territory, matrix: DecisionMatrix, figures: FloatArray
) -> None:
    values = value_quantiles(territory, matrix, {})
    for code, name in ((NO_PRICE, "house_price_eur_m2"), (NO_PRICE, "house_rent_eur_m2_month")):
        assert np.isnan(cell(figures, matrix, code, name)).all()
        assert values[matrix.codes.index(code), NAMES.index(name)].tolist() == MIDDLES
    unknown = np.isnan(matrix.raw)
    unknown[:, NAMES.index("partner_village")] = False
    assert unknown.sum() > 500
    assert (values[unknown] == np.array(MIDDLES, dtype=np.float32)).all()
    assert (matrix.status[unknown] == Status.MISSING).all()


@pytest.mark.parametrize("name", ["population", "density_km2", "house_rent_eur_m2_month"])
def test_what_has_no_interval_is_taken_as_published(
    name: str, matrix: DecisionMatrix, figures: FloatArray
) -> None:
    column = matrix.column(name)
    known = ~np.isnan(matrix.raw[:, column])
    assert known.any()
    assert (figures[known, column] == matrix.raw[known, column][:, np.newaxis]).all()


# --- All of them ------------------------------------------------------------------------------


def test_figures_rise_and_hold_what_was_published(
    matrix: DecisionMatrix, figures: FloatArray
) -> None:
    known = ~np.isnan(matrix.raw)
    assert figures.shape == (*matrix.raw.shape, QUANTILES)
    assert (np.isnan(figures).all(axis=2) == ~known).all()
    assert (np.diff(figures[known], axis=1) >= 0).all()
    # What was published lies between the extremes, one part of 64 and rounding aside.
    step = (figures[known][:, -1] - figures[known][:, 0]) / (QUANTILES - 1)
    assert (matrix.raw[known] >= figures[known][:, 0] - step - 1e-9).all()
    assert (matrix.raw_low[known] <= figures[known][:, -1] + step + 1e-9).all()


def test_every_figure_becomes_a_value_by_the_catalogue(
    territory: Territory, matrix: DecisionMatrix, figures: FloatArray
) -> None:
    values = value_quantiles(territory, matrix, {})
    assert values.dtype == np.float32
    assert values.min() >= 0.0
    assert values.max() <= 1.0
    rng = np.random.default_rng(2)
    for column, criterion in enumerate(CRITERIA.values()):
        xs, vs = zip(*criterion.value_function.breakpoints, strict=True)
        rows = rng.choice(np.flatnonzero(~np.isnan(matrix.raw[:, column])), 5)
        expected = [np.interp(figure, xs, vs) for figure in figures[rows, column].ravel()]
        assert values[rows, column].ravel() == pytest.approx(expected, abs=1e-6), criterion.name


def test_a_value_function_that_is_replaced_is_read_instead(
    territory: Territory, matrix: DecisionMatrix, figures: FloatArray
) -> None:
    plain = value_quantiles(territory, matrix, {})
    station, partner = NAMES.index("station_min"), NAMES.index("partner_village")
    functions = {
        station: ValueFunction(((20, 0.9), (40, 0.1))),
        partner: ValueFunction(((0, 0.25), (1, 0.75))),
    }
    found = value_quantiles(territory, matrix, functions)
    expected = np.clip(0.9 - 0.8 * (figures[:, station] - 20) / 20, 0.1, 0.9)
    assert found[:, station] == pytest.approx(expected, abs=1e-6)
    unknown = np.isnan(matrix.raw[:, partner])
    assert set(np.unique(found[unknown, partner]).tolist()) == {0.25, 0.75}
    assert found[unknown, partner].mean() == pytest.approx(0.5)
    others = [k for k in range(len(NAMES)) if k not in functions]
    assert (found[:, others] == plain[:, others]).all()
    assert found.flags.writeable
    # The catalogue's own values are kept, and nobody can spoil them.
    assert value_quantiles(territory, matrix, {}) is plain
    with pytest.raises(ValueError, match="read-only"):
        plain[0, 0, 0] = 1


def test_figures_other_than_the_releases_are_spread_alike(
    territory: Territory, matrix: DecisionMatrix
) -> None:
    changed = with_figures(matrix, NO_PRICE, "station_min", 20.0)
    found = cell(figure_quantiles(territory, changed), matrix, NO_PRICE, "station_min")
    assert found == pytest.approx(evenly(20 * 0.882, 20 * 1.118))
    values = value_quantiles(territory, changed, {})
    assert values is not value_quantiles(territory, matrix, {})


def test_every_time_of_the_catalogue_is_spread(matrix: DecisionMatrix, figures: FloatArray) -> None:
    for column, criterion in enumerate(CRITERIA.values()):
        if criterion.unit is Unit.MINUTES:
            known = np.isfinite(matrix.raw[:, column]) & (matrix.raw[:, column] > 0)
            assert known.sum() > 400
            assert (np.ptp(figures[known, column], axis=1) > 0).all(), criterion.name
