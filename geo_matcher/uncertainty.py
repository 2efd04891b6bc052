"""How far each figure may lie from what a release says.

Hides the model of every source of doubt. A cell of the decision matrix becomes ``QUANTILES``
equally probable figures, from which the odds draw:

* a travel time is a multiple of what was estimated, within the largest error of the road lengths
  that could be checked against published ones (no minute could); where only a bound is known, the
  drive to the known place and the best case are the ends;
* the share of premises with fibre lies between the two published counts, each over its own
  denominator; the share with 30 Mbit/s by land is at least the declared one and at most the highest
  published fibre share, when that is higher;
* a mean price of few sales is normal around what was published, with the spread of single sales
  (measured in the release) over the square root of their number, in the years of that price; a
  median likewise, of the houses alone, a quarter wider as medians are;
* days of heat lie between the lowest and the highest model, half of them under the median;
* a yes or no that is unknown is either, one time in two;
* any other unknown figure may have any value between 0 and 1.

Population, density and rents are taken as published: no interval comes with them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo_matcher.criteria import CRITERIA, Unit, ValueFunction
from geo_matcher.decision import DecisionMatrix
from geo_matcher.figure_years import price_years
from geo_matcher.kept import kept
from geo_matcher.territory import Territory

__all__ = [
    "QUANTILES",
    "figure_quantiles",
    "sale_spread",
    "time_error",
    "time_quantiles",
    "value_quantiles",
]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]

QUANTILES = 64
"""Equally probable figures that stand for a distribution; a power of two, so that a few random
bits choose one."""

MEDIAN_EFFICIENCY = 1.2533
"""Standard deviation of the median of a large normal sample over that of its mean: √(π/2)."""

LEVELS = (np.arange(QUANTILES) + 0.5) / QUANTILES
"""Probabilities of the figures: the middles of equal parts."""


UNCHECKED_ERROR = 0.2
"""Relative error of travel times whose roads nobody could check, as a share (an assumption: nearly
twice the largest found in the Gers)."""


def time_error(territory: Territory) -> float:
    """Return the relative error that a travel time is given, as a share.

    It is the largest error of the road lengths that could be checked; speeds could not be. Where
    none could be, ``UNCHECKED_ERROR``.
    """
    stated = territory.parameters["travel_times"].get("largest_relative_error")
    return UNCHECKED_ERROR if stated is None else float(stated)


UNCOUNTED_SPREAD = 0.5
"""Relative spread of a single sale where no sales are counted, as a share (an assumption:
about that of the Gers)."""


@kept(maxsize=8)
def sale_spread(territory: Territory) -> float:
    """Return the relative standard deviation of the price per m² of a single house sale.

    Measured in the release: the median of a year lies around the mean of the commune's years by the
    spread of single sales over the square root of their number. The residuals are freed of the part
    that a year has in its own mean.
    """
    sales = territory.table("housing_sales")
    known = sales["house_median_eur_m2"].notna() & (sales["house_sales"] > 0)
    sales = sales.loc[known, ["insee_code", "house_median_eur_m2", "house_sales"]]
    count = sales["house_sales"].astype(np.float64)
    amount = sales["house_median_eur_m2"] * count
    total = count.groupby(sales["insee_code"]).transform("sum")
    mean = amount.groupby(sales["insee_code"]).transform("sum") / total
    several = count < total
    part = (count / total)[several]
    if not several.any():
        return UNCOUNTED_SPREAD
    off = (sales["house_median_eur_m2"] / mean - 1.0)[several]
    residual = off * np.sqrt(count[several] / (1.0 - part))
    return float(np.sqrt((residual**2).mean()) / MEDIAN_EFFICIENCY)


@kept(maxsize=4)
def figure_quantiles(territory: Territory, matrix: DecisionMatrix) -> FloatArray:
    """Return the equally probable figures of every cell, in the unit of its criterion.

    Parameters
    ----------
    territory
        The release, for what it says of errors, counts and sales.
    matrix
        The figures, which may differ from the release's own.

    Returns
    -------
    ndarray
        Communes × criteria × ``QUANTILES``, each cell in rising order; NaN where nothing is known.
    """
    found = np.repeat(matrix.raw[:, :, np.newaxis], QUANTILES, axis=2)
    for column, criterion in enumerate(CRITERIA.values()):
        raw, low = matrix.raw[:, column], matrix.raw_low[:, column]
        name = criterion.name
        if criterion.unit is Unit.MINUTES:
            found[:, column] = time_quantiles(territory, raw, low)
            continue
        elif name in SPREADS:
            ends = SPREADS[name](territory, raw)
        elif name == "house_price_eur_m2":
            found[:, column] = _price_quantiles(territory, raw)
            continue
        elif name == "hot_days_2030_year":
            found[:, column] = _heat_quantiles(territory, raw)
            continue
        else:
            continue
        found[:, column] = _between(raw, *ends)
    return found


def time_quantiles(territory: Territory, raw: FloatArray, low: FloatArray) -> FloatArray:
    """Return the equally probable figures of travel times.

    Parameters
    ----------
    territory
        The release, for the error of a time.
    raw, low
        Times, and the best case of each, in minutes; equal where a time is not a bound.

    Returns
    -------
    ndarray
        Times × ``QUANTILES``, each row in rising order.
    """
    error = time_error(territory)
    return _between(raw, low * (1.0 - error), raw * (1.0 + error))


def _between(raw: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Spread figures evenly between two ends; where one is not finite, the figure stays."""
    is_spread = np.isfinite(low) & np.isfinite(high)
    start = np.where(is_spread, low, raw)
    width = np.subtract(high, low, out=np.zeros_like(raw), where=is_spread)
    return np.asarray(start[:, np.newaxis] + width[:, np.newaxis] * LEVELS)


def _fibre_ends(territory: Territory, raw: FloatArray) -> tuple[FloatArray, FloatArray]:
    other = territory.indicators["ftth_coverage_share_cartefibre"].to_numpy(dtype=np.float64)
    return np.fmin(raw, other), np.fmax(raw, other)


def _land_ends(territory: Territory, raw: FloatArray) -> tuple[FloatArray, FloatArray]:
    shares = territory.indicators[["ftth_coverage_share", "ftth_coverage_share_cartefibre"]]
    return raw, np.fmax(raw, np.minimum(shares.max(axis=1).to_numpy(dtype=np.float64), 1.0))


SPREADS = {"ftth_coverage_share": _fibre_ends, "land_30mbit_share": _land_ends}


def _price_quantiles(territory: Territory, raw: FloatArray) -> FloatArray:
    from scipy.special import ndtri

    behind, efficiency = _sales_behind(territory)
    deviation = raw * sale_spread(territory) * efficiency / np.sqrt(behind)
    spread = raw[:, np.newaxis] + deviation[:, np.newaxis] * ndtri(LEVELS)
    return np.asarray(np.maximum(spread, 0.0))


@kept(maxsize=4)
def _sales_behind(territory: Territory) -> tuple[FloatArray, FloatArray]:
    """Return the sales behind each price, one at least, and its spread over that of a mean."""
    codes = territory.communes.index
    years = [price_years(territory, code) for code in codes]
    is_median = np.array([one is not None and one.kind == "median" for one in years], dtype=bool)
    medians = territory.table("housing_medians").set_index("insee_code")["house_sales"]
    count = medians.reindex(codes).to_numpy(np.float64)
    sales = territory.table("housing_sales")
    mean = next((one for one in years if one is not None and one.kind == "mean"), None)
    if mean is not None:
        recent = sales[sales["year"].between(mean.first, mean.last)]
        homes = recent.groupby("insee_code")[["house_sales", "flat_sales"]].sum().sum(axis=1)
        count = np.where(is_median, count, homes.reindex(codes).to_numpy(np.float64))
    behind = np.maximum(np.nan_to_num(count), 1.0)
    return behind, np.where(is_median, MEDIAN_EFFICIENCY, 1.0)


def _heat_quantiles(territory: Territory, raw: FloatArray) -> FloatArray:
    figures = territory.indicators
    low, high = (
        figures[f"hot_days_2030_{end}_year"].to_numpy(dtype=np.float64) for end in ("low", "high")
    )
    under = LEVELS < 0.5
    share = np.where(under, 2 * LEVELS, 2 * LEVELS - 1)
    start = np.where(under, low[:, np.newaxis], raw[:, np.newaxis])
    end = np.where(under, raw[:, np.newaxis], high[:, np.newaxis])
    spread = start + (end - start) * share
    return np.where(np.isnan(spread), raw[:, np.newaxis], spread)


@kept(maxsize=4)
def _catalogue_values(territory: Territory, matrix: DecisionMatrix) -> Float32Array:
    figures = figure_quantiles(territory, matrix)
    values = np.empty(figures.shape, dtype=np.float32)
    for column, criterion in enumerate(CRITERIA.values()):
        values[:, column] = _values(column, criterion.value_function, figures)
    values.setflags(write=False)
    return values


def _values(column: int, function: ValueFunction, figures: FloatArray) -> FloatArray:
    """Return the values of a criterion's figures; unknown ones fill the interval that they may."""
    own = figures[:, column]
    is_yes_no = list(CRITERIA.values())[column].unit is Unit.YES_NO
    unknown = function((LEVELS > 0.5).astype(np.float64)) if is_yes_no else LEVELS
    return np.where(np.isnan(own), unknown, function(own))


def value_quantiles(
    territory: Territory, matrix: DecisionMatrix, functions: dict[int, ValueFunction]
) -> Float32Array:
    """Return the equally probable values of every cell.

    Parameters
    ----------
    territory, matrix
        The release and its figures.
    functions
        Value functions that replace the catalogue's, by column.

    Returns
    -------
    ndarray
        Communes × criteria × ``QUANTILES``, between 0 and 1; read only if nothing is replaced.
    """
    values = _catalogue_values(territory, matrix)
    if not functions:
        return values
    figures = figure_quantiles(territory, matrix)
    values = values.copy()
    for column, function in functions.items():
        values[:, column] = _values(column, function, figures)
    return values
