"""The figures of each commune that are not a single travel time.

Hides which source each figure comes from and how it is rounded.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo_matcher.catalog import Catalog
from geo_matcher.destinations import DAILY_SERVICES
from geo_matcher.schemas import HEAT_HORIZON
from geo_matcher.tables import empty_table

__all__ = ["DAILY_SERVICE_NEAR_MIN", "PRICE_COLUMN", "daily_services", "indicators", "sale_years"]

YEARS_OF_SALES = 5
"""Last years over which sales are summed; medians are never averaged."""

DAILY_SERVICE_NEAR_MIN = 10.0
"""A drive up to which an everyday service counts as near, in minutes."""

PRICE_COLUMN = "price_m2_mean_2022_2023"
"""Column of published mean prices; its name bears the years of the sales."""

HEAT_COLUMNS = {
    f"hot_days_{HEAT_HORIZON}_year": "median",
    f"hot_days_{HEAT_HORIZON}_low_year": "low",
    f"hot_days_{HEAT_HORIZON}_high_year": "high",
}
"""Statistic of the projection that each column holds."""


def indicators(
    source: dict[str, pd.DataFrame],
    communes: pd.DataFrame,
    times: pd.DataFrame,
    catalog: Catalog,
) -> pd.DataFrame:
    """Compute the figures of each commune that are not a single travel time.

    Returns
    -------
    pandas.DataFrame
        One row per commune, sorted by code; see ``data/communes/README.md`` for the columns. A
        figure that no source gives is empty.
    """
    out = pd.DataFrame({"insee_code": communes["insee_code"]})
    codes = out["insee_code"]

    def by_commune(frame: pd.DataFrame, column: str) -> pd.Series:
        return codes.map(frame.set_index("insee_code")[column]).astype("float64")

    def table(name: str) -> pd.DataFrame:
        return source.get(name, empty_table(name))

    fixed = table("broadband_fixed")
    premises = by_commune(fixed, "mci_premises")
    out["ftth_coverage_share"] = (by_commune(fixed, "mci_best_ftth") / premises).round(4)
    out["ftth_coverage_share_cartefibre"] = (
        by_commune(fixed, "cartefibre_ftth_premises_passed")
        / by_commune(fixed, "cartefibre_premises")
    ).round(4)
    out["land_30mbit_share"] = (by_commune(fixed, "mci_land_30mbit") / premises).round(4)
    out["premises_without_ftth"] = (premises - by_commune(fixed, "mci_best_ftth")).astype("Int64")
    density_km2 = (communes["population"] / communes["area_km2"]).round(1)
    out["density_km2"] = density_km2.mask(codes.isin(catalog.mended("area_incomplete")))

    basket = times[times["destination"].isin(DAILY_SERVICES)]
    high, low = (
        basket.pivot(index="insee_code", columns="destination", values=column)
        for column in ("minutes", "minutes_low")
    )
    mean = daily_services(high, low)
    out["daily_services_min"] = codes.map(mean["minutes"])
    out["daily_services_low_min"] = codes.map(mean["minutes_low"])
    near = (high <= DAILY_SERVICE_NEAR_MIN).sum(axis=1)
    near = near.where(basket.groupby("insee_code")["status"].agg(lambda s: "unknown" not in set(s)))
    out["daily_services_within_10min"] = codes.map(near).astype("Int64")

    prices = table("housing_prices_rents")
    current = prices[prices["insee_code"] == prices["current_insee"]]
    price = by_commune(current, PRICE_COLUMN)
    if "housing_medians" in source:
        price = price.fillna(by_commune(source["housing_medians"], "house_median_eur_m2"))
    out["house_price_eur_m2"] = price.round(0)
    out["house_rent_eur_m2_month"] = by_commune(current, "rent_house_eur_m2_month").round(2)
    sales = table("housing_sales")
    sales = sales[sales["year"] > sales["year"].max() - YEARS_OF_SALES]
    total = sales.groupby("insee_code")[["house_sales", "flat_sales"]].sum().sum(axis=1)
    out["home_sales"] = codes.map(total).astype("Int64")

    heat = table("climate_projections")
    heat = heat[(heat["indicator"] == "d30") & (heat["horizon"] == HEAT_HORIZON)]
    wide = heat.pivot(index="insee_code", columns="statistic", values="value")
    for column, statistic in HEAT_COLUMNS.items():
        out[column] = codes.map(wide[statistic]) if statistic in wide else np.nan
    return out


def sale_years(sales: pd.DataFrame) -> tuple[int, int] | None:
    """Return the first and the last year over which sales are summed; None without any sale."""
    if sales.empty:
        return None
    last = int(sales["year"].max())
    return last - YEARS_OF_SALES + 1, last


def daily_services(high: pd.DataFrame, low: pd.DataFrame) -> pd.DataFrame:
    """Return the mean drive of the basket of everyday services.

    Parameters
    ----------
    high, low
        Minutes to each service (columns), and the best case where they are an upper bound.

    Returns
    -------
    pandas.DataFrame
        ``minutes`` and, where it is lower, ``minutes_low``; same rows. Empty where a service of the
        basket cannot be reached.
    """
    trips = pd.Series(DAILY_SERVICES) / sum(DAILY_SERVICES.values())
    high, low = high[trips.index], low[trips.index]
    mean = high.mul(trips).sum(axis=1, skipna=False).round(1)
    mean_low = low.fillna(high).mul(trips).sum(axis=1, skipna=False).round(1)
    return pd.DataFrame({"minutes": mean, "minutes_low": mean_low.where(mean_low < mean)})
