"""The price of houses: the yearly mean where it is given, else the median of five years."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo_matcher.indicators import indicators
from geo_matcher.territory import Territory

PRICES = "housing_prices_rents"


def test_five_years_of_sales_give_the_price_where_no_mean_is_given(territory: Territory) -> None:
    tables = dict(territory.tables)

    def prices(**other: pd.DataFrame) -> pd.Series:
        found = indicators(
            {**tables, **other}, tables["communes"], tables["travel_times"], territory.catalog
        )
        return found.set_index("insee_code")["house_price_eur_m2"]

    shipped = prices()
    has_mean = shipped.index[shipped.notna()][0]
    first, second = shipped.index[shipped.isna()][:2]
    medians = pd.DataFrame({"insee_code": [has_mean, first], "house_median_eur_m2": [1.0, 1234.4]})
    found = prices(housing_medians=medians)
    assert found[has_mean] == shipped[has_mean]
    assert found[first] == 1234
    assert np.isnan(found[second])
    no_mean = tables[PRICES].assign(price_m2_mean_2022_2023=np.nan)
    assert prices(housing_medians=medians, **{PRICES: no_mean})[has_mean] == 1
