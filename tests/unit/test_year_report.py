from __future__ import annotations

import datetime as dt
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_matcher.dossiers.year_report import (
    MIN_SHARED,
    GroupCount,
    kaplan_meier,
    shared_counts,
    shared_groups,
)


def numbered(settled: list[Any]) -> list[Any]:
    for number, family in enumerate(settled):
        family.id = number
    return settled


def test_the_curve_is_that_of_the_textbook() -> None:
    """Weeks in remission under 6-MP, Freireich et al. 1963, as in Kalbfleisch and Prentice."""
    left = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    there = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    found = kaplan_meier(left, there)
    shares = {point.months: round(point.share, 4) for point in found.points}
    assert shares == {
        0: 1.0, 6: 0.8571, 7: 0.8067, 10: 0.7529, 13: 0.6902, 16: 0.6275, 22: 0.5378, 23: 0.4482,
        35: 0.4482,
    }  # fmt: skip
    assert {p.months: p.at_risk for p in found.points}[10] == 15
    assert (found.families, found.left) == (21, 9)
    at_ten = next(point for point in found.points if point.months == 10)
    assert at_ten.low == pytest.approx(0.5032, abs=1e-4)
    assert at_ten.high == pytest.approx(0.8894, abs=1e-4)


def test_a_curve_without_departures_stays_at_one() -> None:
    assert [p.share for p in kaplan_meier([], [6, 24, 24]).points] == [1.0, 1.0]
    assert kaplan_meier([], [6, 24, 24]).points[-1].at_risk == 2
    assert len(kaplan_meier([], [0, 0]).points) == 1
    assert kaplan_meier([], []).points == ()


def test_the_month_reached_is_one_with_five_families_followed() -> None:
    assert kaplan_meier([], [6, 12, 12, 12, 18]).reached == 6
    assert kaplan_meier([3], [6, 12, 12, 12, 18]).reached == 6
    assert kaplan_meier([3], [6, 12, 24]).reached == 0


def test_a_curve_that_ends_at_zero_has_no_interval_there() -> None:
    last = kaplan_meier([3, 8], []).points[-1]
    assert (last.months, last.share) == (8, 0.0)
    assert kaplan_meier([0], [5]).points[0].share == 0.5


months = st.lists(st.integers(0, 120), max_size=30)


@given(left=months, there=months)
def test_the_curve_never_rises_and_stays_between_its_bounds(
    left: list[int], there: list[int]
) -> None:
    points = kaplan_meier(left, there).points
    shares = [point.share for point in points]
    assert shares == sorted(shares, reverse=True)
    for point in points:
        assert -1e-12 <= point.share <= 1 + 1e-12
        if point.low is not None and point.high is not None:
            assert point.low - 1e-9 <= point.share <= point.high + 1e-9


families = st.lists(
    st.builds(
        SimpleNamespace,
        settled_on=st.dates(dt.date(2020, 1, 1), dt.date(2025, 12, 31)),
        settled_commune=st.sampled_from(["32001", "32002", "32003", "32004"]),
        persons=st.integers(1, 9),
    ),
    max_size=60,
).map(numbered)


@given(settled=families)
def test_shared_counts_hide_few_and_add_up(settled: list[Any]) -> None:
    shown = shared_counts(settled)
    assert all(count.settled >= MIN_SHARED for count in shown)
    if shown:
        assert sum(count.settled for count in shown) == len(settled)
        assert sum(c.persons for c in shown) == sum(one.persons for one in settled)
    else:
        assert len(settled) < MIN_SHARED


@given(settled=families)
def test_no_two_years_tell_of_fewer_than_five_families_of_a_commune(settled: list[Any]) -> None:
    published: dict[str, dict[int, int]] = defaultdict(dict)
    for year in range(2020, 2026):
        for count in shared_counts([one for one in settled if one.settled_on.year <= year]):
            if count.kind == "commune":
                assert count.settled % MIN_SHARED == 0
                persons = published[count.insee_code].setdefault(count.settled, count.persons)
                assert persons == count.persons, "the same families whenever they are counted"


groups = st.lists(
    st.builds(
        GroupCount,
        word=st.sampled_from("abcdefgh"),
        enquiries=st.integers(0, 9),
        qualified=st.just(0),
        settled=st.integers(0, 14),
        persons=st.integers(0, 40),
    ),
    unique_by=lambda group: group.word,
    max_size=8,
)


@given(counted=groups)
def test_the_total_does_not_give_away_groups_with_few_families(counted: list[GroupCount]) -> None:
    shared = shared_groups(counted)
    shown = {group.word: group.settled for group in shared if group.settled is not None}
    assert all(count >= MIN_SHARED for count in shown.values())
    left_out = sum(group.settled or 0 for group in counted) - sum(shown.values())
    assert left_out == 0 or left_out >= MIN_SHARED or not shown
    assert shared_groups(shared) == shared
    assert all(group.enquiries for group in shared if group.hidden == "few")
