"""How old a vintage is."""

from __future__ import annotations

import datetime as dt

import pytest

from geo_matcher.freshness import age_months


@pytest.mark.parametrize(
    ("vintage", "age"),
    [
        ("2021-2025 (to 2025-06-30)", 9),
        ("2021-2025", 3),
        ("2024-06-30, then 2025", 3),
        ("2026-02", 1),
        ("2026", 0),
        ("n.d.", None),
    ],
)
def test_a_month_counts_before_the_year_alone(vintage: str, age: int | None) -> None:
    assert age_months(vintage, dt.date(2026, 3, 1)) == age
