"""Red flags: facts that stand apart from the score and are never averaged away.

Hides the thresholds. A flag is a code, a sentence in both languages and the table it comes from.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandas as pd

from geo_matcher.indicators import sale_years
from geo_matcher.kept import kept
from geo_matcher.numbers import format_date, format_number
from geo_matcher.places import doctor_table, first_years
from geo_matcher.territory import Territory

__all__ = ["DOCTOR_FAR_MIN", "FLAG_CODES", "Flag", "copper_has_closed", "plain_flags", "red_flags"]

COPPER_SHARE = 0.05
"""Share of premises without fibre from which the closing of copper is a red flag."""

COUNTS_DIFFER_SHARE = 0.10
"""Difference between the two published fibre shares from which they are said to disagree."""

DOCTOR_FAR_MIN = 15.0
"""Drive to a general practitioner from which distance is a red flag, in minutes."""

FEW_SALES = 10
"""Home sales in five years under which a price says little."""

FLAG_CODES = (
    "copper_without_fibre",
    "fibre_counts_differ",
    "rate_above_100",
    "doctor_far",
    "few_sales",
    "flood",
    "industrial_risk",
)
"""Every code, in the order in which flags are shown."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A fact to know before deciding.

    Attributes
    ----------
    code
        One of ``FLAG_CODES``.
    text_fr, text_en
        One sentence.
    source
        Table of the catalog that the fact comes from.
    """

    code: str
    text_fr: str
    text_en: str
    source: str

    def as_dict(self) -> dict[str, str]:
        """Return the flag in plain types."""
        return {
            "code": self.code,
            "text_fr": self.text_fr,
            "text_en": self.text_en,
            "source": self.source,
        }


@kept(maxsize=8)
def red_flags(territory: Territory) -> Mapping[str, tuple[Flag, ...]]:
    """Return the red flags of every commune, by INSEE code; made once, then kept."""
    fixed = territory.table("broadband_fixed").set_index("insee_code").to_dict("index")
    indicators = territory.indicators.to_dict("index")
    risks = territory.table("risks").groupby("insee_code")
    flood = risks["ddrm_flood"].max()
    industrial = risks["ddrm_industrial"].max()
    doctor_min: dict[Any, float] = territory.minutes["doctor"].to_dict()
    doctors = doctor_table(territory.tables)
    doctor_year = first_years(territory.catalog).get(doctors, "")
    years = sale_years(territory.table("housing_sales"))
    flags: dict[str, tuple[Flag, ...]] = {}
    for code in territory.codes:
        figures = indicators[code]
        found = [
            *(
                _line_flags(figures, fixed[code], territory.catalog.vintage)
                if code in fixed
                else ()
            ),
            *_doctor_flags(doctor_min[code], doctors, doctor_year),
            *_life_flags(
                figures,
                flood=bool(flood.get(code, 0)),
                industrial=bool(industrial.get(code, 0)),
                years=years,
            ),
        ]
        flags[code] = tuple(sorted(found, key=lambda flag: FLAG_CODES.index(flag.code)))
    return MappingProxyType(flags)


def copper_has_closed(day: str, vintage: str) -> bool:
    """Tell whether copper had closed before the month of a release.

    Parameters
    ----------
    day
        When it closes, as an ISO date.
    vintage
        Year and month of the release, such as ``2026-06``: a page of a release says the same
        whenever it is read.
    """
    return day < vintage


def _line_flags(figures: Any, line: Any, vintage: str) -> Iterator[Flag]:
    without = int(figures["premises_without_ftth"])
    premises = int(line["mci_premises"])
    closing = line["copper_closure_date"]
    if closing and premises and without / premises >= COPPER_SHARE:
        day = dt.date.fromisoformat(closing)
        is_past = copper_has_closed(closing, vintage)
        closes_fr, closes_en = ("a fermé", "closed") if is_past else ("ferme", "closes")
        yield Flag(
            "copper_without_fibre",
            f"{format_number(without, 'fr')} des {format_number(premises, 'fr')} locaux "
            f"ne sont pas encore raccordables à la fibre\u00a0; le cuivre y {closes_fr} le "
            f"{format_date(day, 'fr')}.",
            f"{format_number(without, 'en')} of {format_number(premises, 'en')} premises cannot "
            f"have fibre yet; copper {closes_en} on {format_date(day, 'en')}.",
            "broadband_fixed",
        )
    one, other = figures["ftth_coverage_share"], figures["ftth_coverage_share_cartefibre"]
    if pd.notna(one) and pd.notna(other) and round(abs(one - other), 6) >= COUNTS_DIFFER_SHARE:
        yield Flag(
            "fibre_counts_differ",
            f"Deux décomptes publiés de la fibre diffèrent\u00a0: {format_number(one, 'fr', '%')} "
            f"et {format_number(other, 'fr', '%')} des locaux.",
            f"Two published fibre counts differ: {format_number(one, 'en', '%')} and "
            f"{format_number(other, 'en', '%')} of premises.",
            "broadband_fixed",
        )
    shares = ("ftth_coverage_share", "ftth_coverage_share_cartefibre", "land_30mbit_share")
    above = [figures[name] for name in shares if pd.notna(figures[name]) and figures[name] > 1]
    if above:
        yield Flag(
            "rate_above_100",
            f"Un taux publié dépasse 100\u00a0% ({format_number(max(above), 'fr', '%')})\u00a0: "
            "son dénominateur est à vérifier.",
            f"A published rate is above 100% ({format_number(max(above), 'en', '%')}): its "
            "denominator is to be checked.",
            "broadband_fixed",
        )


def _doctor_flags(minutes: float, source: str, year: str) -> Iterator[Flag]:
    if minutes >= DOCTOR_FAR_MIN:  # never so when it is NaN
        is_counted = source == "supply"
        list_fr, list_en = (f"liste de {year},", f"list of {year},") if year else ("liste", "list")
        yield Flag(
            "doctor_far",
            f"Le médecin connu le plus proche est à {format_number(round(minutes), 'fr')}\u00a0min "
            f"({list_fr} {'par commune' if is_counted else 'à confirmer'}).",
            f"The nearest known doctor is {format_number(round(minutes), 'en')} min away "
            f"({list_en} {'by commune' if is_counted else 'to be confirmed'}).",
            source,
        )


def _life_flags(
    figures: Any, *, flood: bool, industrial: bool, years: tuple[int, int] | None
) -> Iterator[Flag]:
    sales = figures["home_sales"]
    if years is None:
        pass  # the release counts no sale: its catalog says so, once
    elif pd.isna(sales):
        yield Flag(
            "few_sales",
            f"Nous ne savons pas combien de logements se sont vendus de {years[0]} à {years[1]}.",
            f"We do not know how many homes were sold from {years[0]} to {years[1]}.",
            "housing_sales",
        )
    elif sales < FEW_SALES:
        count = int(sales)
        plural = "s" if count > 1 else ""
        has_price = pd.notna(figures["house_price_eur_m2"])
        little_fr, little_en = (
            ("\u00a0: le prix dit peu", ": the price says little") if has_price else ("", "")
        )
        yield Flag(
            "few_sales",
            f"{count} vente{plural} de logement de {years[0]} à {years[1]}{little_fr}.",
            f"{count} home sale{'' if count == 1 else 's'} from {years[0]} to {years[1]}"
            f"{little_en}.",
            "housing_sales",
        )
    if flood:
        yield Flag(
            "flood",
            "Risque d'inondation recensé dans la commune.",
            "A flood risk is listed in the commune.",
            "risks",
        )
    if industrial:
        yield Flag(
            "industrial_risk",
            "Risque industriel recensé dans la commune.",
            "An industrial risk is listed in the commune.",
            "risks",
        )


@kept(maxsize=8)
def plain_flags(territory: Territory) -> Mapping[str, list[dict[str, str]]]:
    """Return the red flags of every commune in plain types; not to be changed."""
    return {
        code: [flag.as_dict() for flag in flags] for code, flags in red_flags(territory).items()
    }
