"""Limits of two people: closed forms on a few invented communes, and a bound on the release."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from geo_matcher.criteria import CRITERIA
from geo_matcher.duo import Duo, duo
from geo_matcher.duo_limits import MAX_WAYS_OUT
from geo_matcher.profile import parse_profile
from geo_matcher.territory import Territory
from tests.unit.few_for_two import UNKNOWN, A, B, order, small_duo

Small = Callable[..., Duo]


@pytest.fixture
def small(territory: Territory) -> Small:
    return partial(small_duo, territory)


def test_the_price_of_a_limit_is_the_regret_that_it_adds(small: Small) -> None:
    found = small(
        [(10, 75), (30, 60), (60, 5)],
        first={"station_min": {"at_most": 40}},
        second={"doctor_min": {"at_most": 70}},
    )
    # Listed: B alone, regrets 20 and 55. Without the first's limit C comes in: 50 and 0.
    assert [v.larger_regret for v in found.villages] == pytest.approx([55])
    (mine,), (theirs,) = found.limits_first, found.limits_second
    assert mine.as_dict() == {
        "of": "first",
        "criterion": "station_min",
        "at_most": 40.0,
        "at_least": None,
        "excluded_of_other": 1,
        "excluded_by_it_alone": 1,
        "listed_without": 2,
        "larger_regret_without": pytest.approx(50),
        "price_points": pytest.approx(5),
    }
    assert (theirs.limit.of, theirs.excluded_of_other, theirs.listed_without) == ("second", 1, 2)
    assert theirs.larger_regret_without == pytest.approx(55)
    assert theirs.price_points == pytest.approx(0)
    assert found.clashes == ()
    assert found.ways_out == ()


def test_a_limit_may_spare_regrets(small: Small) -> None:
    limits = {"doctor_min": {"at_most": 20.0}}
    found = small([(10, 90), (30, 15), (60, 5)], first=limits)
    # With it the first hopes for 70 at most; without it for 90.
    assert [v.larger_regret for v in found.villages] == pytest.approx([10, 30])
    assert found.limits_first[0].larger_regret_without == pytest.approx(20)
    assert found.limits_first[0].price_points == pytest.approx(-10)


def test_a_limit_that_both_set_is_not_excluding_alone(small: Small) -> None:
    limits = {"station_min": {"at_most": 40.0}}
    found = small([(10, 10), (50, 5)], first=limits, second=limits)
    for effect in (*found.limits_first, *found.limits_second):
        assert effect.excluded_of_other == effect.excluded_by_it_alone == 0
        assert effect.listed_without == 1


def test_limits_that_no_figure_meets(small: Small, territory: Territory) -> None:
    first, second = {"station_min": {"at_most": 20.0}}, {"station_min": {"at_least": 50.0}}
    found = small([(10, 10), (60, 5), (30, 30)], first, second)
    (clash,) = found.clashes
    assert clash.as_dict() == {
        "first": {"of": "first", "criterion": "station_min", "at_most": 20, "at_least": None},
        "second": {"of": "second", "criterion": "station_min", "at_most": None, "at_least": 50},
        "impossible": True,
        "meeting": 0,
    }
    assert found.villages == ()
    assert found.compromise is None
    assert [e.price_points for e in (*found.limits_first, *found.limits_second)] == [None, None]
    # The other way round, and one that only touches.
    assert small([(10, 10)], second, first).clashes[0].impossible
    touching = small([(20, 10)], first, {"station_min": {"at_least": 20.0}})
    assert touching.clashes == ()
    assert order(touching, territory) == [A]
    # What is unknown breaks no limit: the pair is impossible and a village is listed all the same.
    unknown = small([(10, 10), (UNKNOWN, 5)], first, second)
    assert [c.impossible for c in unknown.clashes] == [True]
    assert unknown.clashes[0].meeting == 1
    assert order(unknown, territory) == [B]


def test_limits_that_leave_nothing_together(small: Small) -> None:
    found = small(
        [(10, 50), (30, 30), (60, 5), (65, 6)],
        first={"station_min": {"at_most": 20}},
        second={"doctor_min": {"at_most": 20}},
    )
    (clash,) = found.clashes
    assert (clash.impossible, clash.meeting) == (False, 0)
    assert (clash.first.criterion, clash.second.criterion) == ("station_min", "doctor_min")
    # Without the station, C and D are listed, with regrets (50, 0) and (55, 1); without the doctor,
    # A with (0, 45).
    assert [way.as_dict() for way in found.ways_out] == [
        {"limits": [clash.first.as_dict()], "listed": 2, "larger_regret": pytest.approx(50)},
        {"limits": [clash.second.as_dict()], "listed": 1, "larger_regret": pytest.approx(45)},
    ]


def test_when_no_single_limit_is_enough_the_smallest_sets_are_told(small: Small) -> None:
    found = small(
        [(30, 30), (30, 31), (30, 60)],
        first={"station_min": {"at_most": 20}, "doctor_min": {"at_most": 50}},
        second={"doctor_min": {"at_most": 25}},
    )
    # A and B break the station and 25 minutes; C breaks 50 minutes too.
    (way,) = found.ways_out
    assert [(limit.of, limit.criterion, limit.limit) for limit in way.limits] == [
        ("second", "doctor_min", 25),
        ("first", "station_min", 20),
    ]
    assert way.listed == 2
    assert way.larger_regret == pytest.approx(0)
    assert all(e.listed_without == 0 for e in (*found.limits_first, *found.limits_second))
    assert all(e.larger_regret_without is None for e in found.limits_first)
    assert found.best_first is None
    assert found.best_second is None
    # Each alone leaves nothing already: that is no clash of the two.
    assert found.clashes == ()


def test_a_scope_without_communes_has_no_answer_and_no_error(small: Small) -> None:
    found = small([], first={"station_min": {"at_most": 20}})
    told = found.as_dict()
    assert told["counts"] == {"scope": 0, "first": 0, "second": 0, "both": 0, "pareto": 0}
    assert told["compromise"] is told["agreement"] is told["best_first"] is None
    assert told["villages"] == told["ways_out"] == told["oppositions"] == []


def test_ways_out_are_bounded(territory: Territory) -> None:
    far = {f"{c}_min": {"at_least": 100 + i} for i, c in enumerate(("pau", "tarbes", "agen"))}
    near = {name: {"at_most": 10.0} for name in CRITERIA if name.endswith("_min")}
    first, second = (parse_profile({"limits": limits}) for limits in (far, near))
    found = duo(territory, first, second, "all")
    assert found.villages == ()
    sizes = {len(way.limits) for way in found.ways_out}
    assert len(sizes) == 1
    assert 1 < len(found.ways_out) <= MAX_WAYS_OUT
    assert [w.listed for w in found.ways_out] == sorted(w.listed for w in found.ways_out)[::-1]
