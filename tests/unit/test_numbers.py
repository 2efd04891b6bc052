from __future__ import annotations

import datetime as dt
import math

import pytest

from geo_matcher.criteria import Unit
from geo_matcher.numbers import format_date, format_hours, format_number, format_raw

NARROW, NBSP = "\u202f", "\u00a0"


@pytest.mark.parametrize(
    ("value", "pattern", "french", "english"),
    [
        (1234.56, "", f"1{NARROW}235", "1,235"),
        (1234.56, ".1", f"1{NARROW}234,6", "1,234.6"),
        (1_234_567, "", f"1{NARROW}234{NARROW}567", "1,234,567"),
        (72, ".1", "72,0", "72.0"),
        (-3, "", "-3", "-3"),
        (0.972, "%", f"97,2{NBSP}%", "97.2%"),
        (0.5, "%", f"50{NBSP}%", "50%"),
        (1.025, "%", f"102,5{NBSP}%", "102.5%"),
    ],
)
def test_a_number_is_written_the_way_of_its_language(
    value: float, pattern: str, french: str, english: str
) -> None:
    assert format_number(value, "fr", pattern) == french
    assert format_number(value, "en", pattern) == english


@pytest.mark.parametrize(
    ("share", "shown"),
    [(1.0, "100%"), (0.9999, "99.9%"), (0.9996, "99.9%"), (0.99, "99%"), (0.9949, "99.4%"),
     (0.98996, "99%")],
)  # fmt: skip
def test_not_quite_all_is_never_shown_as_all(share: float, shown: str) -> None:
    assert format_number(share, "en", "%") == shown


@pytest.mark.parametrize(
    ("day", "french", "english"),
    [
        (dt.date(2029, 1, 31), "31 janvier 2029", "31 January 2029"),
        (dt.date(2029, 5, 1), "1er mai 2029", "1 May 2029"),
        (dt.date(2029, 11, 11), "11 novembre 2029", "11 November 2029"),
        (dt.date(2028, 10, 21), "21 octobre 2028", "21 October 2028"),
    ],
)
def test_a_date_is_written_in_full(day: dt.date, french: str, english: str) -> None:
    assert format_date(day, "fr") == french
    assert format_date(day, "en") == english


@pytest.mark.parametrize(
    ("value", "unit", "french", "english"),
    [
        (12.4, Unit.MINUTES, f"12{NBSP}min", f"12{NBSP}min"),
        (1650, Unit.EUR_M2, f"1{NARROW}650{NBSP}€/m²", "€1,650/m²"),
        (7.3, Unit.EUR_M2_MONTH, f"7,3{NBSP}€/m² par mois", "€7.3/m² a month"),
        (1234, Unit.INHABITANTS, f"1{NARROW}234{NBSP}habitants", f"1,234{NBSP}inhabitants"),
        (22.4, Unit.INHABITANTS_KM2, f"22{NBSP}habitants au km²", f"22{NBSP}inhabitants per km²"),
        (29, Unit.DAYS_YEAR, f"29{NBSP}jours par an", f"29{NBSP}days a year"),
        (0.972, Unit.SHARE, f"97,2{NBSP}%", "97.2%"),
        (1.0, Unit.YES_NO, "oui", "yes"),
        (0.0, Unit.YES_NO, "non", "no"),
    ],
)
def test_a_raw_figure_bears_its_unit(value: float, unit: Unit, french: str, english: str) -> None:
    assert format_raw(value, unit, "fr") == french
    assert format_raw(value, unit, "en") == english


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (0.2, "0 habitant", "0 inhabitants"),
        (1.0, "1 habitant", "1 inhabitant"),
        (1.4, "1 habitant", "1 inhabitant"),
        (1.6, "2 habitants", "2 inhabitants"),
    ],
)
def test_one_is_singular_and_in_french_nought_too(value: float, french: str, english: str) -> None:
    assert format_raw(value, Unit.INHABITANTS, "fr").replace(NBSP, " ") == french
    assert format_raw(value, Unit.INHABITANTS, "en").replace(NBSP, " ") == english
    assert format_raw(1.0, Unit.DAYS_YEAR, "fr") == f"1{NBSP}jour par an"


@pytest.mark.parametrize("unit", Unit)
def test_what_is_unknown_is_said_and_differs_from_what_is_out_of_reach(unit: Unit) -> None:
    for unknown in (None, math.nan):
        assert format_raw(unknown, unit, "fr") == "inconnu"
        assert format_raw(unknown, unit, "en") == "unknown"
    assert format_raw(math.inf, unit, "fr") == "hors d'atteinte"
    assert format_raw(math.inf, unit, "en") == "out of reach"


@pytest.mark.parametrize(
    ("hours", "text"),
    [(0.0, "0 min"), (0.7, "42 min"), (0.99, "59 min"), (0.995, "1 h"), (3 + 1 / 3, "3 h 20"),
     (2 + 1 / 12, "2 h 05"), (2.999, "3 h"), (math.nan, "inconnu"), (None, "inconnu"),
     (math.inf, "hors d'atteinte")],
)  # fmt: skip
def test_a_duration_is_written_to_the_minute(hours: float | None, text: str) -> None:
    assert format_hours(hours, "fr").replace(NBSP, " ") == text
