"""The price of houses: the yearly mean where it is given, else the median of five years."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from geo_matcher.catalog import Catalog
from geo_matcher.indicators import indicators
from geo_matcher.new_release import GIVEN_BY, MEAN_PRICES, renew_sources
from geo_matcher.sources.licences import LICENCE_OUVERTE
from geo_matcher.sources.source import Origin, SourceTable
from geo_matcher.tables import read_table
from geo_matcher.territory import Territory

PRICES = "housing_prices_rents"
WORDS = ("title_fr", "title_en", "url", "credit_fr", "credit_en", "note_fr", "note_en")


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


def test_new_rents_keep_the_mean_prices_and_credit_them(
    territory: Territory, release_copy: Path
) -> None:
    path = territory.catalog[PRICES].path
    before = territory.tables[PRICES]
    rents = before.iloc[1:].assign(**dict.fromkeys(MEAN_PRICES, np.nan))
    rents["rent_house_eur_m2_month"] = 9.5
    for year in ("2025", "2026"):
        words = dict.fromkeys(WORDS, f"rents {year}")
        origin = Origin(
            **{**words, **LICENCE_OUVERTE, "producer": "DHUP", "vintage": year},
            quality="estimated",
        )
        renew_sources(release_copy, [SourceTable(PRICES, rents, origin, ())])
        after = read_table(release_copy, path, PRICES)
        assert after[list(MEAN_PRICES)].equals(before[list(MEAN_PRICES)])
        assert after["insee_code"].tolist() == before["insee_code"].tolist()
        assert np.isnan(after["rent_house_eur_m2_month"][0]), "no new rent: not the old one"
        assert (after["rent_house_eur_m2_month"][1:] == 9.5).all()
        entry = Catalog.read(release_copy)[PRICES]
        assert entry.vintage == f"{year} ; 2022-2023"
        assert entry.producer == "DHUP ; DGFiP (DVF)"
        assert entry.credit_en == f"rents {year} ; DVF 2022-2023"
        assert entry.licence == (
            "Licence Ouverte 2.0 ; Licence Ouverte 2.0, conditions d’utilisation DVF"
        )
        assert "Mean prices of 2022-2023 are those of the release before" in entry.note_en
    tables = {**territory.tables, PRICES: after}
    figures = indicators(tables, tables["communes"], tables["travel_times"], territory.catalog)
    shipped = territory.indicators["house_price_eur_m2"]
    np.testing.assert_array_equal(figures["house_price_eur_m2"], shipped.astype("float64"))
    assert figures["house_price_eur_m2"].notna().sum() == 312


def test_prices_that_somebody_gave_are_not_called_those_of_the_sales(
    territory: Territory, release_copy: Path
) -> None:
    words = dict.fromkeys([*WORDS, "producer", "vintage", "licence", "licence_url"], GIVEN_BY)
    words["quality"] = "declared"
    given = SourceTable(PRICES, territory.tables[PRICES], Origin(**words), ())
    renew_sources(release_copy, [given])
    rents = given.frame.assign(**dict.fromkeys(MEAN_PRICES, np.nan))
    for _ in range(2):
        table = SourceTable(PRICES, rents, Origin(**{**words, "producer": "DHUP"}), ())
        renew_sources(release_copy, [table])
        assert Catalog.read(release_copy)[PRICES].producer == f"DHUP ; {GIVEN_BY}"
