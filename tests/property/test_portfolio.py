"""Portfolios of anyone: equal to trying everything, and never worse with more."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geo_matcher.choice import FloorRows, Problem, Rules
from geo_matcher.errors import ScenarioError
from geo_matcher.greedy import best_ratio, equal_shares, largest_first
from geo_matcher.portfolio import floor_prices, frontier, solve

MOST = 15
seeds = st.integers(0, 10_000)


def random_problem(seed: int, *, floors: int = 0, most: int = MOST) -> Problem:
    """Make a problem over up to 15 communes, with one candidate each or two that exclude."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, most + 1))
    commune = np.sort(rng.integers(0, n, n))
    targets = int(rng.integers(0, 6))
    covers = (rng.random((targets, n)) < 0.3).astype(float)
    cost = np.round(rng.integers(1, 60, n) * 1e3)
    rows, bounds = [], []
    for row in set(commune.tolist()):
        rows.append((commune == row).astype(float))
        bounds.append(2.0)
    first, second = rng.integers(0, n, 2)
    if first != second:
        order = np.zeros(n)
        order[first], order[second] = 1.0, -1.0  # the first only with the second
        rows.append(order)
        bounds.append(0.0)
    rows.append(np.where(rng.random(n) < 0.5, cost, 0.0))
    bounds.append(float(rng.uniform(0.2, 1.0) * cost.sum()))
    group = rng.integers(0, 2, n)
    made = tuple(
        FloorRows(
            f"floor {k}",
            "eur",
            sp.csr_array(np.where(group == k % 2, cost, 0.0)[None, :]),
            np.array([float(np.round(rng.uniform(0, 0.7) * cost.sum()))]),
            np.array([float(cost.sum())]),
            (str(k),),
        )
        for k in range(floors)
    )
    return Problem(
        commune=commune,
        action=np.zeros(n, dtype=np.int64),
        cost=cost,
        benefit=np.where(rng.random(n) < 0.2, 0.0, rng.integers(1, 90, n) / 7),
        is_counted=rng.random(n) < 0.95,
        is_decided=np.zeros(n, dtype=bool),
        targets=rng.integers(1, 50, targets) / 3,
        covers=sp.csr_array(covers),
        rules=Rules(sp.csr_array(np.array(rows)), np.array(bounds)),
        floors=made,
        budget=float(np.round(rng.uniform(0.1, 1.1) * cost.sum())),
    )


def choices(problem: Problem) -> Iterator[NDArray[np.bool_]]:
    """Yield every choice that keeps the budget and the hard rules."""
    for bits in itertools.product((False, True), repeat=len(problem)):
        chosen = np.array(bits)
        x = chosen.astype(float)
        if (
            problem.spent(chosen) <= problem.budget
            and (problem.rules.rows @ x <= problem.rules.most + 1e-9).all()
            and chosen[problem.is_decided].all()
        ):
            yield chosen


def short(floor: FloorRows, chosen: NDArray[np.bool_]) -> float:
    """Return by which share of its scale a floor is missed."""
    missed = np.maximum(floor.least - floor.rows @ chosen.astype(float), 0)
    return float((missed / floor.scale).sum())


@given(seeds)
@settings(max_examples=40)
def test_the_optimum_is_that_of_trying_everything(seed: int) -> None:
    problem = random_problem(seed, most=13)
    best = max(problem.value(chosen) for chosen in choices(problem))
    found = solve(problem)
    assert found.benefit == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert found.status == "optimal"
    assert found.gap == 0.0
    assert problem.spent(found.chosen) <= problem.budget
    assert (problem.rules.rows @ found.chosen.astype(float) <= problem.rules.most + 1e-9).all()
    assert found.relaxed == ()


@given(seeds)
@settings(max_examples=4)
def test_so_it_is_for_fifteen_communes(seed: int) -> None:
    problem = random_problem(seed + 77_777, most=15)
    assert solve(problem).benefit == pytest.approx(
        max(problem.value(chosen) for chosen in choices(problem)), rel=1e-6, abs=1e-6
    )


@given(seeds)
@settings(max_examples=30)
def test_floors_hold_or_give_way_by_the_least(seed: int) -> None:
    problem = random_problem(seed, floors=2, most=10)
    every = list(choices(problem))
    missed = [sum(short(floor, chosen) for floor in problem.floors) for chosen in every]
    least = min(missed)
    found = solve(problem)
    reached = sum(short(floor, found.chosen) for floor in problem.floors)
    assert reached <= least + 1e-5
    assert bool(found.relaxed) == (least > 1e-6)
    if not found.relaxed:
        kept = [problem.value(c) for c, miss in zip(every, missed, strict=True) if miss <= 1e-9]
        assert found.benefit == pytest.approx(max(kept), rel=1e-6, abs=1e-6)
        assert found.budget_needed is None
    else:
        lowered = sum((r.asked - r.kept) / problem.floors[0].scale[0] for r in found.relaxed)
        assert lowered == pytest.approx(least, abs=1e-5)
        assert all(relaxation.kept < relaxation.asked for relaxation in found.relaxed)
        if found.budget_needed is not None:
            assert found.budget_needed > problem.budget
            enough = solve(problem.with_budget(found.budget_needed))
            assert enough.relaxed == ()


@given(seeds)
@settings(max_examples=20)
def test_the_price_of_a_floor_is_never_negative(seed: int) -> None:
    problem = random_problem(seed, floors=2, most=10)
    found = solve(problem)
    prices = floor_prices(problem, found)
    assert len(prices) == 2
    assert min(prices) >= 0
    free = solve(problem.with_floors(problem.floors[1:]))
    assert prices[0] == pytest.approx(max(0.0, free.benefit - found.benefit), abs=1e-6)


@given(seeds, st.integers(2, 8))
@settings(max_examples=15)
def test_the_frontier_never_falls(seed: int, points: int) -> None:
    problem = random_problem(seed)
    rows = frontier(problem, points)
    gains = [row.benefit for row in rows]
    assert len(rows) == points
    assert all(gain is not None for gain in gains)
    assert sorted(gains, key=float) == gains  # type: ignore[arg-type]
    assert all(row.spent_eur <= row.budget_eur + 1e-6 for row in rows)
    assert rows[-1].benefit == pytest.approx(solve(problem).benefit, rel=1e-4)
    step = rows[0].budget_eur
    added = sum((row.marginal_per_100k or 0.0) * step / 1e5 for row in rows)
    assert added == pytest.approx(rows[-1].benefit, rel=1e-9, abs=1e-9)


@given(seeds)
@settings(max_examples=30)
def test_a_baseline_keeps_the_rules_and_is_never_better(seed: int) -> None:
    problem = random_problem(seed)
    found = solve(problem)
    group = np.arange(len(problem)) % 3
    for chosen in (
        best_ratio(problem),
        largest_first(problem, problem.cost),
        equal_shares(problem, group),
    ):
        assert problem.spent(chosen) <= problem.budget + 1e-6
        assert (problem.rules.rows @ chosen.astype(float) <= problem.rules.most + 1e-6).all()
        assert problem.value(chosen) <= found.benefit + 1e-6


@given(seeds)
@settings(max_examples=20)
def test_points_are_credited_once(seed: int) -> None:
    problem = random_problem(seed)
    chosen = solve(problem).chosen
    credited = problem.credited(chosen)
    assert credited.sum() == pytest.approx(problem.value(chosen), abs=1e-9)
    assert (credited[~chosen] == 0).all()


@given(seeds)
@settings(max_examples=10)
def test_the_same_problem_has_the_same_answer(seed: int) -> None:
    problem = random_problem(seed, floors=1)
    one, other = solve(problem), solve(problem)
    assert one.chosen.tobytes() == other.chosen.tobytes()
    assert (one.benefit, one.spent, one.relaxed) == (other.benefit, other.spent, other.relaxed)


def test_the_number_of_budgets_is_bounded() -> None:
    with pytest.raises(ScenarioError, match="expected 2 to 100"):
        frontier(random_problem(1), 101)
