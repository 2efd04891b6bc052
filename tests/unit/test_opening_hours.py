from __future__ import annotations

import pytest

from geo_matcher.sources.opening_hours import weekly_days


@pytest.mark.parametrize(
    ("hours", "days"),
    [
        ("Sa 08:00-13:00", "Saturday"),
        ("We,Sa 08:00-12:30", "Wednesday Saturday"),
        ("Tu 07:30-12:30; Fr 16:00-20:00; PH off", "Tuesday Friday"),
        ("Fr-Mo 09:00-12:00,14:00-18:00", "Monday Friday Saturday Sunday"),
        ("Mo-Su 08:00-13:00; Mo off", "Tuesday Wednesday Thursday Friday Saturday Sunday"),
        ("Su", "Sunday"),
        ("Th: 08:00+", "Thursday"),
        ("08:00-12:00", "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
        ("24/7", ""),  # the square is open, which is no market
        ("Jun-Sep: We 18:00-23:00", ""),  # in season only
        ("Sa[1] 08:00-12:00", ""),  # once a month
        ("le samedi matin", ""),
        ("", ""),
    ],
)
def test_days_that_come_back_every_week(hours: str, days: str) -> None:
    assert weekly_days(hours) == tuple(days.split())
