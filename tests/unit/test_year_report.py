from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_matcher.dossiers.year_report import (
    MIN_SHARED,
    PlaceCount,
    kaplan_meier,
    shared_counts,
)


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


places = st.lists(
    st.builds(
        PlaceCount,
        insee_code=st.integers(1, 999).map(lambda n: f"32{n:03d}"),
        name=st.just("x"),
        epci=st.sampled_from(["", "A", "B", "C"]),
        settled=st.integers(1, 12),
        persons=st.integers(1, 40),
    ),
    unique_by=lambda place: place.insee_code,
    max_size=25,
)


@given(communes=places)
def test_shared_counts_hide_few_and_add_up(communes: list[PlaceCount]) -> None:
    shown = shared_counts(communes)
    assert all(count.settled >= MIN_SHARED for count in shown)
    total = sum(place.settled for place in communes)
    if shown:
        assert sum(count.settled for count in shown) == total
        assert sum(c.persons for c in shown) == sum(p.persons for p in communes)
    else:
        assert total < MIN_SHARED
    named = {count.insee_code for count in shown if count.kind == "commune"}
    large = {place.insee_code for place in communes if place.settled >= MIN_SHARED}
    assert named <= large


def test_few_families_are_pooled_by_epci() -> None:
    communes = [
        PlaceCount("32001", "A", "E", 7, 20),
        PlaceCount("32002", "B", "E", 3, 9),
        PlaceCount("32003", "C", "E", 2, 4),
        PlaceCount("32004", "D", "F", 1, 1),
    ]
    assert [(c.kind, c.name, c.settled) for c in shared_counts(communes)] == [
        ("commune", "A", 7),
        ("other", "", 6),
    ]
