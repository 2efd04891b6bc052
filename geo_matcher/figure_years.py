"""From which years the figures of a release are, for the sentences that speak of them.

Hides where a year is written: in the name of a column, in the rows of a table, in the vintage that
the catalog gives. A release with other data says other years without another text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from geo_matcher.indicators import PRICE_COLUMN
from geo_matcher.kept import kept
from geo_matcher.places import doctor_table, first_years
from geo_matcher.territory import Territory

__all__ = ["PriceYears", "figure_note", "price_years", "year_of"]


@dataclass(frozen=True, slots=True)
class PriceYears:
    """What a purchase price is, and from which years.

    Attributes
    ----------
    kind
        ``mean`` of the homes sold, or ``median`` of the houses sold.
    first, last
        Years of the sales.
    """

    kind: Literal["mean", "median"]
    first: int
    last: int


def year_of(territory: Territory, table: str) -> str:
    """Return the first year of the vintage of a table; empty where the release lacks either."""
    return first_years(territory.catalog).get(table, "")


def price_years(territory: Territory, insee_code: str | None = None) -> PriceYears | None:
    """Return what the purchase price of a commune is, and from which years.

    Parameters
    ----------
    territory
        A loaded release.
    insee_code
        The commune; by default what the prices of most of the release are. A commune without a
        price is told what those of the others are.

    Returns
    -------
    PriceYears or None
        None where the release holds no price at all.
    """
    prices = _prices(territory)
    if insee_code is None:
        return prices.of_most
    own = prices.mean if insee_code in prices.with_mean else prices.median
    return own or prices.of_most


@dataclass(frozen=True, slots=True)
class _Prices:
    """The kinds of price of a release, None where no commune has it, and which commune has which.

    A commune with both counts as one with a mean, which is the one that is used.
    """

    mean: PriceYears | None
    median: PriceYears | None
    with_mean: frozenset[str]
    with_median: frozenset[str]

    @property
    def of_most(self) -> PriceYears | None:
        if self.mean is None or self.median is None:
            return self.mean or self.median
        return self.mean if len(self.with_mean) >= len(self.with_median) else self.median


@kept(maxsize=4)
def _prices(territory: Territory) -> _Prices:
    prices = territory.table("housing_prices_rents")
    known = prices[(prices["insee_code"] == prices["current_insee"]) & prices[PRICE_COLUMN].notna()]
    medians = territory.table("housing_medians")
    first, last = (int(year) for year in PRICE_COLUMN.split("_")[-2:])
    with_mean = frozenset(known["insee_code"])
    return _Prices(
        mean=PriceYears("mean", first, last) if with_mean else None,
        median=PriceYears(
            "median", int(medians["first_year"].min()), int(medians["last_year"].max())
        )
        if len(medians)
        else None,
        with_mean=with_mean,
        with_median=frozenset(medians["insee_code"]) - with_mean,
    )


def figure_note(territory: Territory, layer: str, language: str) -> str:
    """Return what is to be said of the years of a layer's figures; empty for any other layer.

    Parameters
    ----------
    territory
        A loaded release.
    layer
        Name of the layer.
    language
        ``fr`` or ``en``.
    """
    is_french = language == "fr"
    if layer == "doctor" and doctor_table(territory.tables) == "supply":
        year = year_of(territory, "supply")
        return (
            f"Médecins comptés par commune en {year}, placés à la mairie."
            if is_french
            else f"Doctors counted by commune in {year}, placed at the town hall."
        )
    if layer == "doctor":
        year = year_of(territory, "health_registered")
        if not year:
            return "Médecins à confirmer." if is_french else "Doctors to be confirmed."
        return (
            f"Médecins connus en {year}, à confirmer."
            if is_french
            else f"Doctors known in {year}, to be confirmed."
        )
    return _price_note(_prices(territory), is_french=is_french) if layer == "house_price" else ""


def _price_note(prices: _Prices, *, is_french: bool) -> str:
    """Say what the prices of most communes are, and in how many they are the other kind."""
    years, other = prices.of_most, None
    if years is None:
        return ""
    if prices.with_mean and prices.with_median:
        other = prices.median if years is prices.mean else prices.mean
    if years.kind == "median":
        told = (
            f"Médiane des maisons vendues de {years.first} à {years.last} ; inconnue sous cinq "
            "ventes."
            if is_french
            else f"Median of the houses sold from {years.first} to {years.last}; unknown under "
            "five sales."
        )
    else:
        told = (
            f"Moyenne des ventes de {years.first} et {years.last} ; peu de ventes, prix peu sûr."
            if is_french
            else f"Mean of the sales of {years.first} and {years.last}; few sales make an unsure "
            "price."
        )
    if other is None:
        return told
    count = min(len(prices.with_mean), len(prices.with_median))
    of_fr, of_en = (
        (f"{count} communes", f"{count} communes") if count > 1 else ("une commune", "one commune")
    )
    if other.kind == "median":
        return told + (
            f" Dans {of_fr}, médiane des maisons vendues de {other.first} à {other.last}."
            if is_french
            else f" In {of_en}, median of the houses sold from {other.first} to {other.last}."
        )
    return told + (
        f" Dans {of_fr}, moyenne des ventes de {other.first} et {other.last}."
        if is_french
        else f" In {of_en}, mean of the sales of {other.first} and {other.last}."
    )
