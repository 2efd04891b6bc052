from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from geo_matcher.criteria import CRITERIA, Criterion, Direction, ValueFunction
from tests.property.strategies import breakpoints

FUNCTIONS = st.sampled_from(list(CRITERIA.values())).flatmap(
    lambda criterion: st.tuples(st.just(criterion), breakpoints(criterion))
)
Drawn = tuple[Criterion, list[list[float]]]
RAW = st.floats(-1e4, 1e4)


def made(points: list[list[float]]) -> ValueFunction:
    return ValueFunction(tuple((figure, value) for figure, value in points))


@given(drawn=FUNCTIONS, raw=RAW)
def test_a_value_lies_between_nought_and_one(drawn: Drawn, raw: float) -> None:
    assert 0 <= made(drawn[1])(raw) <= 1


@given(drawn=FUNCTIONS, raws=st.tuples(RAW, RAW))
def test_a_better_figure_is_never_worth_less(drawn: Drawn, raws: tuple[float, float]) -> None:
    criterion, points = drawn
    low, high = made(points)(sorted(raws))
    if criterion.direction is Direction.INCREASING:
        assert low <= high
    elif criterion.direction is Direction.DECREASING:
        assert low >= high


@given(drawn=FUNCTIONS)
def test_the_value_at_a_breakpoint_is_the_one_given(drawn: Drawn) -> None:
    function = made(drawn[1])
    for figure, value in drawn[1]:
        assert function(figure) == value


@given(drawn=FUNCTIONS, share=st.floats(0, 1))
def test_between_two_breakpoints_the_value_is_on_their_line(drawn: Drawn, share: float) -> None:
    (x0, y0), (x1, y1) = drawn[1][:2]
    between = float(made(drawn[1])(x0 + share * (x1 - x0)))
    np.testing.assert_allclose(between, y0 + share * (y1 - y0), atol=1e-6)
