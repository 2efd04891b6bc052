"""Portfolios under a budget: floors that must give way, what each floor costs, and the frontier.

Hides what happens when floors cannot be met: they are lowered by the smallest total, each counted
as a share of what it asks, and the budget that would do is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy  # its solvers are loaded when the first is called
from numpy.typing import NDArray

from geo_matcher.choice import Problem
from geo_matcher.errors import ScenarioError
from geo_matcher.optimum import (
    DEFAULT_GAP,
    DEFAULT_TIME_S,
    EURO_UNIT,
    LOOSE,
    Relaxation,
    Solution,
    best,
    bounds_of,
    constraints_of,
    integrality_of,
)

__all__ = ["FrontierPoint", "floor_prices", "frontier", "solve"]

FloatArray = NDArray[np.float64]

STEP_EUR = 1e5
"""Step in which marginal gains are told: a further 100 k€."""


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """The best portfolio of one budget.

    Attributes
    ----------
    budget_eur, spent_eur
        What may be spent, and what is.
    benefit
        Points; None where the floors cannot be met, or not within the time.
    marginal_per_100k
        Points that each further 100 k€ brought since the budget before.
    gap
        Optimality gap.
    """

    budget_eur: float
    spent_eur: float
    benefit: float | None
    marginal_per_100k: float | None
    gap: float

    def as_dict(self) -> dict[str, Any]:
        """Return the point in plain types."""
        return {
            "budget_eur": self.budget_eur,
            "spent_eur": self.spent_eur,
            "benefit": self.benefit,
            "marginal_per_100k": self.marginal_per_100k,
            "optimality_gap": self.gap,
        }


def solve(
    problem: Problem, *, gap: float = DEFAULT_GAP, time_limit_s: float = DEFAULT_TIME_S
) -> Solution:
    """Return the best portfolio, floors being lowered as little as possible where they must.

    Parameters
    ----------
    problem
        Candidates, rules and budget.
    gap
        Relative gap at which the search stops.
    time_limit_s
        Seconds after which the best portfolio found so far is returned.

    Raises
    ------
    ScenarioError
        If the hard rules leave no portfolio at all.
    """
    found = best(problem, gap, time_limit_s)
    if found is not None:
        return found
    lowered, relaxed = _lowered(problem, time_limit_s)
    found = best(lowered, gap, time_limit_s)
    if found is None:
        raise ScenarioError(
            "No portfolio keeps the rules of the scenario, whatever the floors: what is decided "
            "goes against a cap, an exclusion or a precedence. Relax one of them."
        )
    return replace(found, relaxed=relaxed, budget_needed=_budget_needed(problem, time_limit_s))


def floor_prices(
    problem: Problem, found: Solution, *, gap: float = DEFAULT_GAP, time_limit_s: float = 10.0
) -> tuple[float, ...]:
    """Return, for each floor, the points that the best portfolio would gain without it; never < 0.

    Parameters
    ----------
    problem, found
        What was solved, and its solution.
    gap, time_limit_s
        As in :func:`solve`, for each floor.
    """
    prices = []
    for left_out in range(len(problem.floors)):
        others = [floor for k, floor in enumerate(problem.floors) if k != left_out]
        free = solve(problem.with_floors(others), gap=gap, time_limit_s=time_limit_s)
        prices.append(max(0.0, free.benefit - found.benefit))
    return tuple(prices)


def frontier(
    problem: Problem,
    points: int,
    *,
    gap: float = 1e-5,
    time_limit_s: float = 10.0,
) -> tuple[FrontierPoint, ...]:
    """Return the best portfolio of rising budgets, evenly spaced up to the one of the problem.

    Where that budget exceeds all that is worth doing, the last point is what all of it costs. A
    portfolio of a smaller budget can be kept under a larger one, so that points never fall.

    Parameters
    ----------
    problem
        Candidates, rules and the largest budget.
    points
        How many budgets, 2 to 100.
    gap, time_limit_s
        As in :func:`solve`, for each budget.

    Raises
    ------
    ScenarioError
        If the number of points is out of range.
    """
    if not 2 <= points <= 100:
        raise ScenarioError(f"frontier: found {points} points, expected 2 to 100.")
    last = solve(problem, gap=gap, time_limit_s=time_limit_s)
    top = min(problem.budget, max(last.spent, 1.0))
    if problem.budget - top < LOOSE * problem.budget:
        top = problem.budget
    rows: list[FrontierPoint] = []
    kept: Solution | None = None
    for number in range(1, points + 1):
        budget = top * number / points
        try:
            is_last = number == points and not last.relaxed
            found = last if is_last else best(problem.with_budget(budget), gap, time_limit_s)
        except ScenarioError:  # no time was left to meet the floors
            found = None
        if found is None:
            rows.append(FrontierPoint(budget, 0.0, None, None, 0.0))
            continue
        if kept is not None and kept.benefit > found.benefit:
            bound = found.benefit * (1 + found.gap)
            found = replace(kept, gap=max(0.0, bound / kept.benefit - 1))
        before = 0.0 if kept is None else kept.benefit
        step = top / points if kept is not None else budget
        rows.append(
            FrontierPoint(
                budget,
                found.spent,
                found.benefit,
                (found.benefit - before) / step * STEP_EUR,
                found.gap,
            )
        )
        kept = found
    return tuple(rows)


def _lowered(problem: Problem, time_limit_s: float) -> tuple[Problem, tuple[Relaxation, ...]]:
    """Lower the floors by the smallest total, each row counted as a share of what it asks."""
    height = sum(len(floor.least) for floor in problem.floors)
    if not height:
        return problem, ()
    n, m = len(problem), len(problem.targets)
    answer: Any = scipy.optimize.milp(
        np.concatenate([np.zeros(n + m), np.ones(height)]),
        integrality=integrality_of(problem, height),
        bounds=bounds_of(problem, height),
        constraints=constraints_of(problem, slack=True),
        options={"mip_rel_gap": 1e-6, "time_limit": time_limit_s},
    )
    if answer.x is None:
        return problem, ()
    x = (answer.x[:n] > 0.5).astype(np.float64)
    floors, relaxed = [], []
    for floor in problem.floors:
        reached = floor.rows @ x
        short = np.where(floor.least - reached > 1e-6 * floor.scale, floor.least - reached, 0.0)
        floors.append(replace(floor, least=floor.least - short))
        if short.any():
            relaxed.append(
                Relaxation(
                    floor.label,
                    floor.unit,
                    float(floor.least.sum()),
                    float((floor.least - short).sum()),
                    tuple(who for who, by in zip(floor.who, short, strict=True) if by > 0),
                )
            )
    return problem.with_floors(floors), tuple(relaxed)


def _budget_needed(problem: Problem, time_limit_s: float) -> float | None:
    """Return the smallest budget under which every floor can be met, None where none would do."""
    answer: Any = scipy.optimize.milp(
        np.concatenate([problem.charged / EURO_UNIT, np.zeros(len(problem.targets))]),
        integrality=integrality_of(problem),
        bounds=bounds_of(problem),
        constraints=constraints_of(problem, has_budget=False),
        options={"mip_rel_gap": 1e-4, "time_limit": time_limit_s},
    )
    return None if answer.x is None else problem.spent(answer.x[: len(problem)] > 0.5)
