"""What sales of homes say of a commune, apart from its page.

Hides which figures come from the sales that DGFiP publishes (DVF), whose terms forbid that search
engines index them (``docs/decisions/0012``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api.sheets import FLAG_ICONS, Source, commune_path, sources_of
from api.texts import translator, typeset
from api.village_tables import DVF_TABLES, SalesRow, sales_rows
from geo_matcher.commune import describe_commune
from geo_matcher.criteria import Unit
from geo_matcher.figure_years import PriceYears, price_years
from geo_matcher.indicators import sale_years
from geo_matcher.numbers import format_number, format_raw
from geo_matcher.territory import Territory

__all__ = ["HousingView", "flags_of", "housing_view"]


@dataclass(frozen=True, slots=True)
class HousingView:
    """What sales of homes say of a commune.

    Attributes
    ----------
    name, path
        Which commune, and the address of its page.
    price, sales
        Sentences on the price and the number of homes sold; the second empty if unknown.
    flags
        Pairs (icon, sentence).
    rows, is_merged
        Sales by year, latest first, and whether they are those of several former communes.
    sources
        Where they come from.
    """

    name: str
    path: str
    price: str
    sales: str
    flags: tuple[tuple[str, str], ...]
    rows: tuple[SalesRow, ...]
    is_merged: bool
    sources: tuple[Source, ...]


def housing_view(territory: Territory, insee_code: str, language: str) -> HousingView:
    """Return what sales of homes say of a commune.

    Parameters
    ----------
    territory
        The release in service.
    insee_code
        Code of the commune.
    language
        ``fr`` or ``en``.
    """
    t = translator(language)
    commune = describe_commune(territory, insee_code)
    housing = commune["housing"]
    price, sales = housing["house_price_eur_m2"], housing["home_sales"]
    years = sale_years(territory.table("housing_sales"))
    return HousingView(
        name=commune["name"],
        path=commune_path(insee_code, commune["name"]),
        price=_price(price, price_years(territory, insee_code), language),
        sales=""
        if sales is None or years is None
        else t(
            "housing.sales",
            count=sales,
            n=format_number(sales, language),
            first=str(years[0]),
            last=str(years[1]),
        ),
        flags=flags_of(commune, language, of_sales=True),
        rows=sales_rows(commune, language),
        is_merged=len({row["insee_code_source"] for row in housing["sales_by_year"]}) > 1,
        sources=sources_of(territory, sorted(DVF_TABLES), language),
    )


def _price(price: float | None, years: PriceYears | None, language: str) -> str:
    """Say what homes cost and from which years that is, or that it is not known."""
    t = translator(language)
    if years is None:
        return t("housing.price.absent")
    said = {"first": str(years.first), "last": str(years.last)}
    if price is None:
        key = "housing.price.none" if years.kind == "mean" else "housing.median.none"
        return t(key, **said)
    key = "housing.price" if years.kind == "mean" else "housing.median"
    return t(key, price=format_raw(price, Unit.EUR_M2, language), **said)


def flags_of(
    commune: dict[str, Any], language: str, *, of_sales: bool
) -> tuple[tuple[str, str], ...]:
    """Return the red flags, those of sales or the others."""
    text = "text_fr" if language == "fr" else "text_en"
    return tuple(
        (FLAG_ICONS[flag["code"]], typeset(flag[text], language))
        for flag in commune["red_flags"]
        if (flag["source"] in DVF_TABLES) == of_sales
    )
