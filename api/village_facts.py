"""Facts of a commune that no score uses: doctors counted, mobile sites, density, incomes.

Hides that most releases lack some of these tables, that a figure may be secret, and how operators
write their names. What a release does not hold gives no sentence.
"""

from __future__ import annotations

import re

from api.texts import translator
from api.village_words import day_text
from geo_matcher.numbers import format_number
from geo_matcher.places import doctor_table
from geo_matcher.sentences import listed
from geo_matcher.territory import Territory

__all__ = [
    "DENSITY_LEVELS",
    "density_sentence",
    "doctors_sentence",
    "income_sentence",
    "mobile_sentence",
]

OPERATORS = {
    "orange": "Orange",
    "sfr": "SFR",
    "free": "Free",
    "bouygues": "Bouygues Telecom",
}
DENSITY_LEVELS = tuple(str(level) for level in range(1, 8))
"""Levels of the density grid of INSEE, from a large city to very scattered countryside."""


def mobile_sentence(territory: Territory, insee_code: str, language: str) -> str:
    """Say how many sites each operator has in the commune; nothing without a list of them."""
    if "mobile_sites" not in territory.tables:
        return ""
    t = translator(language)
    sites = territory.tables["mobile_sites"]
    here = sites[sites["insee_code"] == insee_code]
    vintage = territory.catalog["mobile_sites"].vintage
    is_day = re.fullmatch(r"\d{4}-\d{2}-\d{2}", vintage)
    day = day_text(vintage, language) if is_day else ""
    if here.empty:
        return t("line.no_sites", day=day) if day else t("line.no_sites.undated")
    counts = here["operator"].value_counts()
    names = [
        f"{OPERATORS.get(operator, operator)} ({format_number(int(counts[operator]), language)})"
        for operator in sorted(counts.index, key=lambda one: (-counts[one], one))
    ]
    said = listed(names, t("village.and"))
    return t("line.sites", day=day, names=said) if day else t("line.sites.undated", names=said)


def doctors_sentence(territory: Territory, insee_code: str, language: str) -> str:
    """Say how many doctors are counted in the commune; nothing where nobody counts them."""
    if doctor_table(territory.tables) != "supply":
        return ""
    t = translator(language)
    doctors = territory.tables["supply"].query("kind == 'doctor'")
    here = doctors[doctors["insee_code"] == insee_code]
    count, year = round(here["amount"].sum()), doctors["year"].max()
    if not count:
        return t("health.none_counted", year=year)
    return t("health.counted", count=count, n=format_number(count, language), year=year)


def density_sentence(territory: Territory, insee_code: str, language: str) -> str:
    """Say how densely the commune is lived in; nothing where that is not known."""
    grid = territory.table("density_grid")
    for level, year in grid.loc[
        grid["insee_code"] == insee_code, ["density_level", "year"]
    ].itertuples(index=False):
        t = translator(language)
        return t("around.density", what=t(f"density.{level}"), level=level, year=year)
    return ""


def income_sentence(territory: Territory, insee_code: str, language: str) -> str:
    """Say the median standard of living; that it is secret; nothing where it is not covered."""
    incomes = territory.table("incomes")
    for euros, year in incomes.loc[
        incomes["insee_code"] == insee_code, ["median_income_eur_year", "year"]
    ].itertuples(index=False):
        t = translator(language)
        if euros != euros:
            return t("housing.income.secret", year=year)
        return t("housing.income", euros=format_number(round(euros, -2), language), year=year)
    return ""
