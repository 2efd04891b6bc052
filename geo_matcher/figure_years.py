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
    mean, median, with_mean = _prices(territory)
    if insee_code is None or insee_code in with_mean:
        return mean or median
    return median or mean


@kept(maxsize=4)
def _prices(territory: Territory) -> tuple[PriceYears | None, PriceYears | None, frozenset[str]]:
    prices = territory.table("housing_prices_rents")
    known = prices[(prices["insee_code"] == prices["current_insee"]) & prices[PRICE_COLUMN].notna()]
    medians = territory.table("housing_medians")
    first, last = (int(year) for year in PRICE_COLUMN.split("_")[-2:])
    return (
        PriceYears("mean", first, last) if len(known) else None,
        PriceYears("median", int(medians["first_year"].min()), int(medians["last_year"].max()))
        if len(medians)
        else None,
        frozenset(known["insee_code"]),
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
    years = price_years(territory) if layer == "house_price" else None
    if years is None:
        return ""
    if years.kind == "median":
        return (
            f"Médiane des maisons vendues de {years.first} à {years.last} ; inconnue sous cinq "
            "ventes."
            if is_french
            else f"Median of the houses sold from {years.first} to {years.last}; unknown under "
            "five sales."
        )
    return (
        f"Moyenne des ventes de {years.first} et {years.last} ; peu de ventes, prix peu sûr."
        if is_french
        else f"Mean of the sales of {years.first} and {years.last}; few sales make an unsure price."
    )
