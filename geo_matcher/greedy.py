"""What simpler ways of choosing would build: the baselines that an optimum is compared with.

Hides how each spends the budget one candidate at a time. All keep the budget and the hard rules;
none looks at floors unless it is told to.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from geo_matcher.choice import Problem

__all__ = ["best_ratio", "equal_shares", "largest_first"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


class _Choice:
    """A choice that grows while budget and rules allow."""

    def __init__(self, problem: Problem, budget: float) -> None:
        self.problem = problem
        self.rules = sp.csc_array(problem.rules.rows)
        self.covers = sp.csc_array(problem.covers)
        self.chosen = problem.is_decided.copy()
        self.left = budget - problem.spent(self.chosen)
        self.slack = problem.rules.most - problem.rules.rows @ self.chosen.astype(np.float64)
        self.is_unserved = ~problem.served(self.chosen)

    def gains(self) -> FloatArray:
        """Return the points that each candidate would add."""
        open_points = np.where(self.is_unserved, self.problem.targets, 0.0)
        return np.asarray(self.problem.benefit + self.problem.covers.T @ open_points)

    def gain(self, i: int) -> float:
        """Return the points that one candidate would add."""
        start, end = self.covers.indptr[i], self.covers.indptr[i + 1]
        rows, factors = self.covers.indices[start:end], self.covers.data[start:end]
        points = np.where(self.is_unserved[rows], self.problem.targets[rows], 0.0)
        return float(self.problem.benefit[i] + factors @ points)

    def takes(self, i: int) -> bool:
        """Add a candidate if budget and rules allow; tell whether they did."""
        start, end = self.rules.indptr[i], self.rules.indptr[i + 1]
        rows, factors = self.rules.indices[start:end], self.rules.data[start:end]
        cost = self.problem.charged[i]
        if self.chosen[i] or cost > self.left + 1e-9 or (self.slack[rows] < factors - 1e-9).any():
            return False
        self.chosen[i] = True
        self.left -= cost
        self.slack[rows] -= factors
        self.is_unserved[self.covers.indices[self.covers.indptr[i] : self.covers.indptr[i + 1]]] = (
            False
        )
        return True


def best_ratio(
    problem: Problem, *, start: BoolArray | None = None, meets_floors: bool = False
) -> BoolArray:
    """Take again and again what brings most points for its cost and still fits.

    Parameters
    ----------
    problem
        The candidates.
    start
        Candidates that are taken first, as far as budget and rules allow.
    meets_floors
        Whether to look for the cheapest way to the floors before; it may fail to find one.
    """
    choice = _Choice(problem, problem.budget)
    # What others wait for is taken on the second round at the latest.
    for i in [] if start is None else [*np.flatnonzero(start).tolist()] * 2:
        choice.takes(i)
    if meets_floors and problem.floors:
        _meet_floors(choice)
    _spend(choice, np.ones(len(problem), dtype=bool))
    return choice.chosen


def _meet_floors(choice: _Choice) -> None:
    """Take what lifts the floors most for its cost, until they are met or nothing more fits."""
    problem = choice.problem
    scale = np.concatenate([floor.scale for floor in problem.floors])
    least = np.concatenate([floor.least for floor in problem.floors]) / scale
    stacked = sp.vstack([floor.rows for floor in problem.floors])
    rows = sp.coo_array(sp.diags_array(1 / scale) @ stacked)
    by_candidate = sp.csc_array(rows)
    short = least - rows @ choice.chosen.astype(np.float64)
    is_open = ~choice.chosen
    while (short > 1e-9).any():
        lift = np.clip(np.minimum(rows.data, np.maximum(short, 0.0)[rows.row]), 0.0, None)
        gain = np.bincount(rows.col, weights=lift, minlength=len(problem))
        is_open &= problem.charged <= choice.left + 1e-9
        ratio = np.where(is_open & (gain > 1e-12), gain / (problem.charged + 1.0), -np.inf)
        i = int(np.argmax(ratio))
        if not np.isfinite(ratio[i]):
            return
        is_open[i] = False
        if choice.takes(i):
            start, end = by_candidate.indptr[i], by_candidate.indptr[i + 1]
            short[by_candidate.indices[start:end]] -= by_candidate.data[start:end]


def _spend(choice: _Choice, among: BoolArray, most: float = np.inf) -> None:
    """Spend what is left, at most ``most``, by the best ratio among some candidates."""
    charged = choice.problem.charged
    is_open = among & ~choice.chosen
    start = choice.left
    has_targets = len(choice.problem.targets) > 0
    gains = choice.gains()
    while is_open.any():
        is_open &= (charged <= min(choice.left, most - (start - choice.left)) + 1e-9) & (gains > 0)
        if not is_open.any():
            return
        ratio = np.where(is_open, gains / np.maximum(charged, 1e-3), -np.inf)
        i = int(np.argmax(ratio))
        is_open[i] = False
        unserved = int(choice.is_unserved.sum())
        if choice.takes(i) and has_targets and int(choice.is_unserved.sum()) != unserved:
            gains = choice.gains()


def largest_first(problem: Problem, size: FloatArray) -> BoolArray:
    """Take the communes with the largest gap first, each with its most useful action.

    Parameters
    ----------
    problem
        The candidates.
    size
        What each candidate is ordered by, the largest first; then by points.
    """
    choice = _Choice(problem, problem.budget)
    for i in np.lexsort((np.arange(len(problem)), -choice.gains(), -size)).tolist():
        if choice.gain(i) > 0:
            choice.takes(i)
    return choice.chosen


def equal_shares(problem: Problem, group: IntArray) -> BoolArray:
    """Give each group the same share of the budget, and spend each by the best ratio.

    Parameters
    ----------
    problem
        The candidates.
    group
        Group of each candidate, from 0.
    """
    choice = _Choice(problem, problem.budget)
    groups = int(group.max()) + 1 if len(group) else 0
    for number in range(groups):
        _spend(choice, group == number, problem.budget / groups)
    return choice.chosen
