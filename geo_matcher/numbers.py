"""Numbers and dates the way each language writes them.

Hides the locale library. French: ``1 234,5``, ``12 min``, ``1 650 €/m²``; English the English way.
"""

from __future__ import annotations

import datetime as dt
import math
from functools import lru_cache

from babel.dates import format_date as babel_date
from babel.numbers import format_decimal, format_percent

from geo_matcher.criteria import Unit

__all__ = [
    "LANGUAGES",
    "NBSP",
    "format_date",
    "format_hours",
    "format_month",
    "format_number",
    "format_raw",
]

LANGUAGES = ("fr", "en")
_LOCALES = {"fr": "fr_FR", "en": "en_GB"}
_DECIMALS = {"": 0, ".1": 1, "%": 3}
NBSP = "\u00a0"

COUNTED = {
    Unit.MINUTES: {"fr": ("min", "min"), "en": ("min", "min")},
    Unit.INHABITANTS: {
        "fr": ("habitant", "habitants"),
        "en": ("inhabitant", "inhabitants"),
    },
    Unit.INHABITANTS_KM2: {
        "fr": ("habitant au km²", "habitants au km²"),
        "en": ("inhabitant per km²", "inhabitants per km²"),
    },
    Unit.DAYS_YEAR: {
        "fr": ("jour par an", "jours par an"),
        "en": ("day a year", "days a year"),
    },
}
"""Words that follow a number, for one and for several."""


def format_number(value: float, language: str, pattern: str = "") -> str:
    """Write a number.

    Parameters
    ----------
    value
        The number; a share when ``pattern`` is ``%``.
    language
        ``fr`` or ``en``.
    pattern
        Empty for a whole number, ``.1`` for one decimal, ``%`` for a share as a percentage.
    """
    if pattern == "%" and 0.99 <= value < 1:
        value = math.floor(value * 1000) / 1000  # what is not all is never shown as all
    return _format_number(round(float(value), _DECIMALS[pattern]), language, pattern)


@lru_cache(maxsize=16_384)
def _format_number(value: float, language: str, pattern: str) -> str:
    locale = _LOCALES[language]
    if pattern == "%":
        form = "#,##0.# %" if language == "fr" else "#,##0.#%"
        return format_percent(value, form, locale=locale).replace(" ", NBSP)
    return format_decimal(value, "#,##0.0" if pattern == ".1" else "#,##0", locale=locale)


def format_date(day: dt.date, language: str) -> str:
    """Write a date in full, for instance ``31 janvier 2029``."""
    text = babel_date(day, "d MMMM y", locale=_LOCALES[language])
    return text.replace("1 ", "1er ", 1) if language == "fr" and day.day == 1 else text


def format_month(vintage: str, language: str) -> str:
    """Write a vintage ``YYYY-MM`` in words, for instance ``juin 2026``."""
    year, month = (int(part) for part in vintage.split("-"))
    return format_date(dt.date(year, month, 2), language).partition(" ")[2]


def format_hours(hours: float | None, language: str) -> str:
    """Write a duration to the minute, for instance ``3 h 20``; below an hour, ``42 min``.

    Parameters
    ----------
    hours
        ``None`` or NaN when unknown, ``inf`` when something cannot be reached.
    language
        ``fr`` or ``en``.
    """
    if hours is None or not math.isfinite(hours) or hours * 60 < 59.5:
        return format_raw(None if hours is None else hours * 60, Unit.MINUTES, language)
    whole, minutes = divmod(round(hours * 60), 60)
    rest = f"{NBSP}{minutes:02d}" if minutes else ""
    return f"{format_number(whole, language)}{NBSP}h{rest}"


@lru_cache(maxsize=16_384)
def format_raw(value: float | None, unit: Unit, language: str) -> str:
    """Write a raw figure with its unit; an unknown one is written as such.

    Parameters
    ----------
    value
        The figure; ``None`` or NaN when unknown, ``inf`` when a place cannot be reached.
    unit
        Its unit.
    language
        ``fr`` or ``en``.
    """
    french = language == "fr"
    if value is None or math.isnan(value):
        return "inconnu" if french else "unknown"
    if math.isinf(value):
        return "hors d'atteinte" if french else "out of reach"
    if unit is Unit.SHARE:
        return format_number(value, language, "%")
    if unit is Unit.YES_NO:
        yes, no = ("oui", "non") if french else ("yes", "no")
        return yes if value >= 0.5 else no
    if unit is Unit.EUR_M2_MONTH:
        number = format_number(value, language, ".1")
        return f"{number}{NBSP}€/m² par mois" if french else f"€{number}/m² a month"
    number = format_number(value, language)
    if unit is Unit.EUR_M2:
        return f"{number}{NBSP}€/m²" if french else f"€{number}/m²"
    words = COUNTED[unit][language]
    is_one = abs(round(value)) < 2 if french else abs(round(value)) == 1
    return f"{number}{NBSP}{words[0] if is_one else words[1]}"
