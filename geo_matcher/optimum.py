"""The best 0-1 choice under a budget, floors and rules, with its proof.

Hides the solver (HiGHS, through SciPy) and how most candidates are settled before it searches. A
portfolio is a choice of candidates that brings most points:

    max Σ b_a x_a + Σ w_j y_j   with   Σ c_a x_a ≤ B,   y_j ≤ Σ_{a serves j} x_a,   x binary,

y_j being what several candidates may serve and that is counted once. Among portfolios that bring
the same, one without useless actions is returned, and the cheapest when the money exceeds the
needs. Same problem, same answer.

The relaxed problem (fractions allowed) bounds what any portfolio can bring, and its reduced costs
say how much the bound falls when a candidate goes the other way. So first a small problem over the
candidates nearest to indifference gives a very good portfolio, then every candidate whose reduced
cost exceeds what is left between the two is settled for good, and the rest is solved exactly (Balas
and Zemel, *An algorithm for large zero-one knapsack problems*, Operations Research 28, 1980).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy  # its solvers are loaded when the first is called
import scipy.sparse as sp
from numpy.typing import NDArray

from geo_matcher.choice import FloorRows, Problem
from geo_matcher.errors import ScenarioError
from geo_matcher.greedy import best_ratio

__all__ = [
    "DEFAULT_GAP",
    "DEFAULT_TIME_S",
    "EURO_UNIT",
    "LOOSE",
    "Relaxation",
    "Solution",
    "Status",
    "best",
    "bounds_of",
    "constraints_of",
    "integrality_of",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Status = Literal["optimal", "within_gap", "time_limit"]

DEFAULT_GAP = 1e-6
"""Relative gap up to which an optimum counts as proved."""

DEFAULT_TIME_S = 30.0
EURO_UNIT = 1e3
"""Costs go to the solver in thousands of euros, so that its tolerances are far below one euro."""

POINTS_TOLERANCE = 1e-6
CORE = 120
"""Candidates of the small problem that is solved first."""

LOOSE = 0.02
"""Share of the budget left over from which the money is held to exceed the needs."""


@dataclass(frozen=True, slots=True)
class Relaxation:
    """By how much a floor had to be lowered for a portfolio to exist.

    Attributes
    ----------
    floor, unit
        What it asks, in euros, premises or communes.
    asked, kept
        The bounds, added up over the EPCI or communes concerned, and what could be kept of them.
    who
        EPCI or communes whose bound was lowered, by code.
    """

    floor: str
    unit: str
    asked: float
    kept: float
    who: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the relaxation in plain types."""
        return {
            "floor": self.floor,
            "unit": self.unit,
            "asked": self.asked,
            "kept": self.kept,
            "lowered_by": self.asked - self.kept,
            "who": list(self.who),
        }


@dataclass(frozen=True, eq=False)
class Solution:
    """A portfolio.

    Attributes
    ----------
    chosen
        Which candidates it holds.
    benefit, spent
        Points, and euros taken from the budget.
    gap
        Relative distance to the best bound known: 0 when it is proved to be the best.
    status
        ``optimal`` when proved, ``within_gap`` when the gap asked for was reached, ``time_limit``
        when the time ran out and this is the best that was found.
    relaxed
        Floors that no portfolio could meet, with the smallest relaxation.
    budget_needed
        Budget under which all floors could be met; None when none was relaxed, or when no budget
        would do.
    """

    chosen: BoolArray
    benefit: float
    spent: float
    gap: float
    status: Status
    relaxed: tuple[Relaxation, ...] = ()
    budget_needed: float | None = None


def best(problem: Problem, gap: float, time_limit_s: float) -> Solution | None:
    """Return the best portfolio, or None where none meets the floors and the rules."""
    if problem.spent(problem.is_decided) > problem.budget:
        return None
    if not len(problem):
        empty = np.zeros(0, dtype=bool)
        is_met = all((floor.least <= 0).all() for floor in problem.floors)
        return Solution(empty, 0.0, 0.0, 0.0, "optimal") if is_met else None
    end = time.monotonic() + time_limit_s
    relaxed = _relaxed(problem, time_limit_s)
    if relaxed is None:
        return None
    upper, fractions, reduced = relaxed
    start = _rounded(problem, fractions)
    if not np.isfinite(upper):  # the time ran out in the relaxed problem already
        return _fallback(problem, start)
    order = np.argsort(np.abs(reduced), kind="stable")
    if len(problem) > CORE and (start is None or _left(upper, problem.value(start)) > gap):
        is_open = np.zeros(len(problem), dtype=bool)
        is_open[order[:CORE]] = True
        _, start, _ = _searched(problem, is_open, fractions > 0.5, start, gap / 10, end)
    if start is None or _left(upper, problem.value(start)) > gap:
        margin = np.inf if start is None else upper - problem.value(start)
        is_open = np.abs(reduced) <= margin + 1e-7 * max(1.0, abs(upper))
        answer, start, bound = _searched(problem, is_open, fractions > 0.5, start, gap, end)
        if start is None:
            if answer == 2:
                return None
            return _fallback(problem, None)
        upper = min(upper, max(bound, problem.value(start)))
        is_out_of_time = answer == 1
    else:
        is_out_of_time = False
    chosen = _without_useless(problem, start)
    benefit = problem.value(chosen)
    left = _left(upper, benefit)
    status: Status = "time_limit" if is_out_of_time else "within_gap"
    if left <= DEFAULT_GAP:
        status, left = "optimal", 0.0
    if problem.budget - problem.spent(chosen) > LOOSE * problem.budget and status == "optimal":
        chosen = _cheapest(problem, chosen, benefit, max(1.0, end - time.monotonic()))
        benefit = problem.value(chosen)
    return Solution(chosen, benefit, problem.spent(chosen), left, status)


def _left(upper: float, benefit: float) -> float:
    """Return the relative distance of a portfolio to a bound."""
    return max(0.0, (upper - benefit) / max(abs(benefit), 1e-9))


def _relaxed(problem: Problem, time_limit_s: float) -> tuple[float, FloatArray, FloatArray] | None:
    """Solve the problem with fractions allowed: bound, fractions and reduced costs."""
    rows, low, high = [], [], []
    for part in constraints_of(problem):
        block: Any = part.A
        rows.append(sp.csr_array(block))
        low.append(np.broadcast_to(part.lb, block.shape[0]))
        high.append(np.broadcast_to(part.ub, block.shape[0]))
    matrix, lower, upper = sp.csr_array(sp.vstack(rows)), np.concatenate(low), np.concatenate(high)
    is_most = np.isfinite(upper)
    bounds = bounds_of(problem)
    at_most: Any = sp.csr_array(sp.vstack([matrix[is_most], -matrix[~is_most]]))
    # Its types know no sparse matrix.
    answer: Any = scipy.optimize.linprog(  # type: ignore[call-overload]
        -np.concatenate([problem.benefit, problem.targets]),
        A_ub=at_most,
        b_ub=np.concatenate([upper[is_most], -lower[~is_most]]),
        bounds=np.column_stack([bounds.lb, bounds.ub]),
        method="highs-ds",
        options={"time_limit": time_limit_s},
    )
    if answer.status == 2:
        return None
    n = len(problem)
    if answer.status != 0:
        return np.inf, problem.is_decided.astype(np.float64), np.zeros(n)
    marginals = answer.lower.marginals[:n] + answer.upper.marginals[:n]
    return -float(answer.fun), np.asarray(answer.x[:n]), np.asarray(marginals)


def _rounded(problem: Problem, fractions: FloatArray) -> BoolArray | None:
    """Keep what is whole in the relaxed problem and fill up; None where floors are not met."""
    starts = [fractions > 1 - 1e-6, *([fractions > 0.5, None] if problem.floors else [])]
    choices = [best_ratio(problem, start=start, meets_floors=True) for start in starts]
    kept = [choice for choice in choices if _is_kept(problem, choice)]
    return max(kept, key=problem.value) if kept else None


def _searched(
    problem: Problem,
    is_open: BoolArray,
    settled: BoolArray,
    start: BoolArray | None,
    gap: float,
    end: float,
) -> tuple[int, BoolArray | None, float]:
    """Search over the open candidates, the others being settled.

    Returns how the solver ended, the better of what it found and of ``start``, and its bound.
    """
    bounds = bounds_of(problem)
    n = len(problem)
    fixed = settled.astype(np.float64)
    bounds.lb[:n] = np.where(is_open, bounds.lb[:n], np.maximum(fixed, bounds.lb[:n]))
    bounds.ub[:n] = np.where(is_open, bounds.ub[:n], np.maximum(fixed, bounds.lb[:n]))
    answer: Any = scipy.optimize.milp(
        -np.concatenate([problem.benefit, problem.targets]),
        integrality=integrality_of(problem),
        bounds=bounds,
        constraints=constraints_of(problem),
        options={"mip_rel_gap": gap, "time_limit": max(0.1, end - time.monotonic())},
    )
    bound = answer.mip_dual_bound
    upper = np.inf if bound is None or not np.isfinite(bound) else -float(bound)
    if answer.x is not None:
        found = answer.x[:n] > 0.5
        is_better = start is None or problem.value(found) > problem.value(start)
        if is_better and _is_kept(problem, found):
            start = found
    return int(answer.status), start, upper


def _fallback(problem: Problem, start: BoolArray | None) -> Solution:
    """Return what simple ways find when the time ran out before the solver found anything."""
    choices = [best_ratio(problem, meets_floors=True), *([] if start is None else [start])]
    kept = [choice for choice in choices if _is_kept(problem, choice)]
    if not kept:
        raise ScenarioError(
            "The time ran out before any portfolio that meets the floors was found. "
            "Allow more time, or relax a floor."
        )
    chosen = max(kept, key=problem.value)
    benefit = problem.value(chosen)
    every = float(problem.benefit.sum() + problem.targets.sum())
    return Solution(chosen, benefit, problem.spent(chosen), _left(every, benefit), "time_limit")


def integrality_of(problem: Problem, extra: int = 0) -> NDArray[np.int64]:
    """Say that candidates are taken whole, and the rest follows."""
    kinds = np.zeros(len(problem) + len(problem.targets) + extra, dtype=np.int64)
    kinds[: len(problem)] = 1
    return kinds


def bounds_of(problem: Problem, extra: int = 0) -> scipy.optimize.Bounds:
    """Return the bounds of candidates, targets and ``extra`` variables without an upper one."""
    lower = [problem.is_decided.astype(np.float64), np.zeros(len(problem.targets) + extra)]
    upper = [np.ones(len(problem) + len(problem.targets)), np.full(extra, np.inf)]
    return scipy.optimize.Bounds(np.concatenate(lower), np.concatenate(upper))


def constraints_of(
    problem: Problem, *, has_budget: bool = True, slack: bool = False
) -> list[scipy.optimize.LinearConstraint]:
    """Return all that must hold; with ``slack``, one more variable per floor row lowers it."""
    m = len(problem.targets)
    height = sum(len(floor.least) for floor in problem.floors)
    extra = height if slack else 0

    def wide(rows: sp.csr_array) -> sp.csr_array:
        return sp.csr_array(sp.hstack([rows, sp.csr_array((rows.shape[0], m + extra))]))

    found = []
    if has_budget:
        charged = sp.csr_array(problem.charged[None, :] / EURO_UNIT)
        found.append(
            scipy.optimize.LinearConstraint(wide(charged), -np.inf, problem.budget / EURO_UNIT)
        )
    if m:
        link = sp.hstack([-problem.covers, sp.eye_array(m), sp.csr_array((m, extra))])
        found.append(scipy.optimize.LinearConstraint(sp.csr_array(link), -np.inf, 0.0))
    if len(problem.rules.most):
        found.append(
            scipy.optimize.LinearConstraint(wide(problem.rules.rows), -np.inf, problem.rules.most)
        )
    if height:
        stacked, least, scale = _stacked(problem.floors)
        rows = sp.csr_array(sp.diags_array(1 / scale) @ stacked)
        parts = [rows, sp.csr_array((height, m)), *([sp.eye_array(height)] if slack else [])]
        whole = sp.csr_array(sp.hstack(parts))
        found.append(scipy.optimize.LinearConstraint(whole, least / scale, np.inf))
    return found


def _stacked(floors: Sequence[FloorRows]) -> tuple[sp.csr_array, FloatArray, FloatArray]:
    return (
        sp.csr_array(sp.vstack([floor.rows for floor in floors])),
        np.concatenate([floor.least for floor in floors]),
        np.concatenate([floor.scale for floor in floors]),
    )


def _is_kept(problem: Problem, chosen: BoolArray) -> bool:
    """Tell whether a choice keeps budget, rules and floors."""
    x = chosen.astype(np.float64)
    return bool(
        problem.spent(chosen) <= problem.budget + 1e-6
        and (problem.rules.rows @ x <= problem.rules.most + 1e-6).all()
        and all(
            (floor.rows @ x >= floor.least - 1e-6 * floor.scale).all() for floor in problem.floors
        )
    )


def _without_useless(problem: Problem, chosen: BoolArray) -> BoolArray:
    """Drop, the dearest first, what brings nothing that the others do not bring already."""
    times = problem.covers @ chosen.astype(np.float64)
    alone = problem.covers.T @ np.where(times < 1.5, problem.targets, 0.0)
    useless = chosen & ~problem.is_decided & (problem.benefit <= 0) & (alone <= 0)
    kept = chosen.copy()
    for i in sorted(np.flatnonzero(useless).tolist(), key=lambda i: (-problem.cost[i], i)):
        trial = kept.copy()
        trial[i] = False
        if problem.value(trial) >= problem.value(kept) - 1e-12 and _is_kept(problem, trial):
            kept = trial
    return kept


def _cheapest(
    problem: Problem, chosen: BoolArray, benefit: float, time_limit_s: float
) -> BoolArray:
    """Return the cheapest portfolio that brings as much: the money exceeds the needs."""
    points = np.concatenate([problem.benefit, problem.targets])
    least = benefit - POINTS_TOLERANCE
    enough = scipy.optimize.LinearConstraint(points[None, :], least, np.inf)
    answer: Any = scipy.optimize.milp(
        np.concatenate([problem.charged / EURO_UNIT, np.zeros(len(problem.targets))]),
        integrality=integrality_of(problem),
        bounds=bounds_of(problem),
        constraints=[*constraints_of(problem), enough],
        options={"mip_rel_gap": 1e-4, "time_limit": time_limit_s},
    )
    if answer.x is None:
        return chosen
    cheap = _without_useless(problem, answer.x[: len(problem)] > 0.5)
    is_as_good = problem.value(cheap) >= benefit - 10 * POINTS_TOLERANCE
    is_cheaper = problem.spent(cheap) < problem.spent(chosen)
    return cheap if is_as_good and is_cheaper and _is_kept(problem, cheap) else chosen
