from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from geo_matcher import criteria, indicators
from geo_matcher.figure_years import PriceYears, figure_note, price_years, year_of
from geo_matcher.indicators import PRICE_COLUMN
from geo_matcher.schemas import HEAT_HORIZON, SCHEMAS
from geo_matcher.territory import Territory


@pytest.fixture
def medians(territory: Territory) -> Territory:
    """Return the release with medians of later years, and one mean price left."""
    prices = territory.tables["housing_prices_rents"].copy()
    prices.loc[prices["insee_code"] != "32013", PRICE_COLUMN] = float("nan")
    found = pd.DataFrame(
        {"insee_code": ["32001"], "first_year": 2023, "last_year": 2027,
         "house_median_eur_m2": 1500.0, "house_sales": 9}
    )  # fmt: skip
    tables = {**territory.tables, "housing_prices_rents": prices, "housing_medians": found}
    return replace(territory, tables=tables)


def test_the_shipped_release_speaks_of_its_own_years(territory: Territory) -> None:
    assert price_years(territory) == PriceYears("mean", 2022, 2023)
    assert year_of(territory, "health_registered") == "2018"
    assert year_of(territory, "housing_prices_rents") == "2022"
    assert figure_note(territory, "doctor", "fr") == "Médecins connus en 2018, à confirmer."
    assert figure_note(territory, "house_price", "en").startswith("Mean of the sales of 2022 and")
    assert figure_note(territory, "station", "fr") == ""


def test_the_horizon_of_hot_days_is_that_of_the_figures() -> None:
    assert f"hot_days_{HEAT_HORIZON}_year" in criteria.CRITERIA
    assert set(indicators.HEAT_COLUMNS) < set(SCHEMAS["indicators"].columns)


def test_each_commune_has_the_years_of_its_own_price(medians: Territory) -> None:
    assert price_years(medians, "32013") == PriceYears("mean", 2022, 2023)
    assert price_years(medians, "32001") == PriceYears("median", 2023, 2027)
    assert price_years(medians, "32002") == PriceYears("median", 2023, 2027), "none is known"


def test_a_map_of_medians_is_told_as_one_though_a_commune_has_a_mean(medians: Territory) -> None:
    more = pd.concat(
        [medians.tables["housing_medians"].assign(insee_code=code) for code in ("32001", "32002")]
    )
    most = replace(medians, tables={**medians.tables, "housing_medians": more})
    assert price_years(most) == PriceYears("median", 2023, 2027)
    assert figure_note(most, "house_price", "fr") == (
        "Médiane des maisons vendues de 2023 à 2027 ; inconnue sous cinq ventes. "
        "Dans une commune, moyenne des ventes de 2022 et 2023."
    )
    assert figure_note(most, "house_price", "en").endswith(
        " In one commune, mean of the sales of 2022 and 2023."
    )


def test_the_few_medians_of_a_map_of_means_are_told(territory: Territory) -> None:
    prices = territory.tables["housing_prices_rents"]
    none = sorted(set(territory.codes) - set(prices[prices[PRICE_COLUMN].notna()]["insee_code"]))
    few = pd.DataFrame(
        {"insee_code": ["32013", *none[:2]], "first_year": 2021, "last_year": 2025,
         "house_median_eur_m2": 1500.0, "house_sales": 9}
    )  # fmt: skip
    both = replace(territory, tables={**territory.tables, "housing_medians": few})
    assert price_years(both) == PriceYears("mean", 2022, 2023)
    assert figure_note(both, "house_price", "fr").endswith(
        "peu sûr. Dans 2 communes, médiane des maisons vendues de 2021 à 2025."
    ), "Auch has a mean, which wins"


def test_a_release_with_other_data_says_other_years(medians: Territory) -> None:
    prices = medians.tables["housing_prices_rents"].assign(**{PRICE_COLUMN: float("nan")})
    catalog = medians.catalog
    tables = tuple(
        replace(table, vintage="2027-2028") if table.name == "health_registered" else table
        for table in catalog.tables
    )
    later = replace(
        medians,
        tables={**medians.tables, "housing_prices_rents": prices},
        catalog=replace(catalog, tables=tables),
    )
    assert figure_note(later, "doctor", "en") == "Doctors known in 2027, to be confirmed."
    assert figure_note(later, "house_price", "fr").startswith(
        "Médiane des maisons vendues de 2023 à 2027"
    )
    without = tuple(table for table in tables if table.name != "health_registered")
    nobody = {
        name: table
        for name, table in later.tables.items()
        if name not in {"housing_prices_rents", "housing_medians"}
    }
    bare = replace(later, tables=nobody, catalog=replace(catalog, tables=without))
    assert price_years(bare) is None
    assert figure_note(bare, "house_price", "en") == ""
    assert figure_note(bare, "doctor", "fr") == "Médecins à confirmer."
