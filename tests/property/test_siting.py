"""Covering: never worse than greedy, and as good as trying every choice."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo_matcher.siting import best_cover, greedy_cover

Instance = tuple[NDArray[np.bool_], NDArray[np.float64], int]


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    """Draw up to 12 candidates and 14 points, and how many candidates to choose."""
    n, m = draw(st.integers(1, 12)), draw(st.integers(1, 14))
    cells = draw(st.lists(st.booleans(), min_size=n * m, max_size=n * m))
    amounts = st.one_of(st.just(0.0), st.integers(1, 9).map(float), st.floats(1e-3, 1e5))
    demanded = draw(st.lists(amounts, min_size=m, max_size=m))
    return np.array(cells).reshape(n, m), np.array(demanded), draw(st.integers(1, 5))


def by_trying(reaches: NDArray[np.bool_], demanded: NDArray[np.float64], count: int) -> float:
    """Return the largest demand that any choice of candidates reaches."""
    choices = combinations(range(len(reaches)), min(count, len(reaches)))
    return max(
        float(demanded[reaches[list(chosen)].any(axis=0)].sum()) for chosen in choices
    )  # fmt: skip


@given(instances())
def test_the_best_is_that_of_trying_them_all(instance: Instance) -> None:
    reaches, demanded, count = instance
    found = best_cover(reaches, demanded, count)
    assert found.covered == pytest.approx(by_trying(*instance), rel=1e-7, abs=1e-9)
    assert len(found.chosen) <= count
    assert found.gap == 0
    reached = demanded[reaches[list(found.chosen)].any(axis=0)].sum()
    assert found.covered == pytest.approx(reached)
    greedy = greedy_cover(reaches, demanded, count)
    assert (1 - 1 / np.e) * found.covered - 1e-9 <= greedy.covered <= found.covered + 1e-9
    assert greedy.bound >= found.covered - 1e-9


@given(instances())
def test_one_more_never_reaches_less(instance: Instance) -> None:
    reaches, demanded, count = instance
    fewer, more = (best_cover(reaches, demanded, number).covered for number in (count, count + 1))
    assert more >= fewer * (1 - 1e-7)


@given(instances(), st.randoms(use_true_random=False))
def test_the_order_of_candidates_does_not_matter(instance: Instance, random: object) -> None:
    reaches, demanded, count = instance
    order = list(range(len(reaches)))
    random.shuffle(order)  # type: ignore[attr-defined]
    same = best_cover(reaches[order], demanded, count)
    assert same.covered == pytest.approx(best_cover(reaches, demanded, count).covered, rel=1e-7)
