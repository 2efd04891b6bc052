"""From gaps and a scenario to figures that can be optimised: every action in every commune.

Hides how needs, costs and benefits are computed, which inhabitants a work place would newly serve,
and how rules become linear inequalities. What comes out knows nothing of communes' names.

Benefit of an action in a commune, in points (see the scenario's weights):

* *fibre*: premises without fibre, those that had only a satellite once more for 30 Mbit/s, and the
  newcomers expected in the commune times its share of premises without fibre;
* *wireless*: premises that had only a satellite, for 30 Mbit/s; *satellite*: the same, equipped;
* *mobile*: inhabitants of the communes that the scenario names;
* *work place*: inhabitants and newcomers of the communes within reach that no known work place
  serves, each counted once however many new ones serve them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from geo_matcher.choice import Problem, Rules
from geo_matcher.drives import home_minutes
from geo_matcher.errors import ScenarioError
from geo_matcher.gaps import Gaps
from geo_matcher.scenario import Action, Scenario
from geo_matcher.scenario_rules import floor_rows, nominal_need, rule_rows, satellite_only
from geo_matcher.territory import Territory

__all__ = ["Reach", "build_problem", "reach"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

ROUND_EUR = 1.0
"""Costs are rounded to whole euros."""


@dataclass(frozen=True, eq=False)
class Reach:
    """Who can drive where.

    Attributes
    ----------
    minutes
        Sparse matrix: minutes from the commune of the row to that of the column, up to the longest
        reach that is asked; never stored as 0.
    served_min
        Minutes from each commune to the nearest known work place; ``inf`` where there is none.
    """

    minutes: sp.csr_array
    served_min: FloatArray


def reach(territory: Territory, scenario: Scenario) -> Reach:
    """Return who can drive where within the longest reach of the scenario's work places.

    Minutes are those of every travel time of the release: from home to a town hall, by the fastest
    way inside or outside the release, on roads where it has them.
    """
    longest = max((action.within_min or 0.0 for action in scenario.action), default=0.0)
    minutes = home_minutes(territory)
    near = sp.csr_array(np.where(minutes <= longest, minutes, 0.0))
    served = territory.minutes["workplace"].to_numpy(dtype=np.float64)
    return Reach(near, np.where(np.isnan(served), np.inf, served))


def build_problem(
    scenario: Scenario,
    gaps: Gaps,
    near: Reach,
    *,
    need: FloatArray | None = None,
    cost_of: FloatArray | None = None,
) -> Problem:
    """Return every action in every commune, with its figures and the rules.

    Parameters
    ----------
    scenario
        What may be built.
    gaps
        The communes and what they lack.
    near
        Who can drive where.
    need
        Premises without fibre in each commune; by default, by the count that the scenario believes.
    cost_of
        Position of each cost between its low (0) and high (1) bound, one row per action and one
        column per commune, as the quantile of a triangular law; central costs by default.

    Raises
    ------
    ScenarioError
        If what is decided cannot be built, costs more than the budget, or breaks a cap.
    """
    without = nominal_need(scenario, gaps) if need is None else need
    every = np.arange(len(gaps))
    parts = []
    for number, action in enumerate(scenario.action):
        costs = _costs(action, gaps, without, None if cost_of is None else cost_of[number])
        points = _own_benefit(action, scenario, gaps, without)
        kept = points > 0
        if action.kind == "work_place":
            kept = np.asarray((_newly_served(action, scenario, near) > 0).sum(axis=0) > 0)
        if action.communes is not None:
            kept &= np.isin(gaps.codes, action.communes)
        decided = [row.commune for row in scenario.decided if row.action == action.name]
        kept |= np.isin(gaps.codes, decided)  # at its cost, even where it brings nothing new
        rows = every[kept & _is_allowed(scenario, gaps, action.name)]
        parts.append((rows, np.full(len(rows), number), costs[rows], points[rows]))
    commune, place = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    cost, benefit = (np.concatenate([part[k] for part in parts]) for k in (2, 3))
    targets, covers = _targets(scenario, gaps, near, commune, place)
    problem = Problem(
        commune=commune,
        action=place,
        cost=cost,
        benefit=benefit,
        is_counted=np.ones(len(cost), dtype=bool),
        is_decided=np.zeros(len(cost), dtype=bool),
        targets=targets,
        covers=covers,
        rules=Rules(sp.csr_array((0, len(cost))), np.zeros(0)),
        floors=(),
        budget=scenario.budget,
    )
    problem = _with_decided(problem, scenario, gaps)
    problem = replace(
        problem,
        rules=rule_rows(problem, scenario, gaps),
        floors=tuple(floor_rows(problem, scenario, gaps, without)),
    )
    return _checked(problem)


def _costs(
    action: Action, gaps: Gaps, without: FloatArray, quantile: FloatArray | None
) -> FloatArray:
    """Return what the action costs in each commune, in euros."""
    density = np.where(np.isnan(gaps.density_km2), 0.0, gaps.density_km2)
    total = np.zeros(len(gaps))
    served = without if action.kind == "fibre" else satellite_only(gaps, without)
    for per, count in (("commune", np.ones(len(gaps))), ("premises", served)):
        open_rows = np.ones(len(gaps), dtype=bool)
        for row in (row for row in action.cost if row.per == per):
            bound = np.inf if row.below_density_km2 is None else row.below_density_km2
            here = open_rows & (density < bound)
            open_rows &= ~here
            unit: float | FloatArray = row.central
            if quantile is not None:
                unit = _triangular(row.low, row.central, row.high, quantile[here])
            total[here] += unit * count[here]
    return np.round(total / ROUND_EUR) * ROUND_EUR


def _triangular(low: float, mode: float, high: float, quantile: FloatArray) -> FloatArray:
    """Return quantiles of the triangular law."""
    if high == low:
        return np.full(len(quantile), low)
    at_mode = (mode - low) / (high - low)
    rising = low + np.sqrt(quantile * (high - low) * (mode - low))
    falling = high - np.sqrt((1 - quantile) * (high - low) * (high - mode))
    return np.where(quantile < at_mode, rising, falling)


def _own_benefit(action: Action, scenario: Scenario, gaps: Gaps, without: FloatArray) -> FloatArray:
    weights = scenario.weights
    satellite = satellite_only(gaps, without)
    if action.kind == "fibre":
        base = gaps.premises.astype(np.float64)
        share = np.divide(without, base, out=np.zeros(len(gaps)), where=base > 0)
        expected = 0.0 if gaps.newcomers is None else gaps.newcomers * np.minimum(share, 1.0)
        return (
            weights.premises_fibre * without
            + weights.premises_30mbit * satellite
            + weights.newcomers * expected
        )
    if action.kind == "wireless":
        return weights.premises_30mbit * satellite
    if action.kind == "satellite":
        return weights.premises_equipped * satellite
    if action.kind == "mobile":
        return weights.inhabitants_mobile * gaps.population.astype(np.float64)
    return np.zeros(len(gaps))


def _is_allowed(scenario: Scenario, gaps: Gaps, action: str) -> BoolArray:
    allowed = np.ones(len(gaps), dtype=bool)
    for row in scenario.exclude:
        if row.action in (None, action):
            here = np.ones(len(gaps), dtype=bool)
            if row.commune is not None:
                here &= np.array(gaps.codes) == row.commune
            if row.epci is not None:
                here &= np.array(gaps.epci_codes) == row.epci
            allowed &= ~here
    return allowed


def _newly_served(action: Action, scenario: Scenario, near: Reach) -> sp.csr_array:
    """Return which communes (rows) a work place in each commune (columns) would newly serve."""
    within = near.minutes.copy()
    within.data = (within.data <= (action.within_min or 0.0)).astype(np.float64)
    unserved = (near.served_min > scenario.served_within_min).astype(np.float64)
    return sp.csr_array(sp.diags_array(unserved) @ within)


def _targets(
    scenario: Scenario, gaps: Gaps, near: Reach, commune: IntArray, place: IntArray
) -> tuple[FloatArray, sp.csr_array]:
    """Return the points of each commune to be served by a work place, and who serves it."""
    columns: list[sp.csr_array] = []
    for number, action in enumerate(scenario.action):
        own = commune[place == number]
        if action.kind == "work_place":
            columns.append(sp.csr_array(_newly_served(action, scenario, near)[:, own]))
        else:
            columns.append(sp.csr_array((len(gaps), len(own))))
    covers = sp.csr_array(sp.hstack(columns, format="csr"))
    covers.eliminate_zeros()
    weights = scenario.weights
    points = weights.inhabitants_near_work * gaps.population.astype(np.float64)
    if gaps.newcomers is not None:
        points = points + weights.newcomers * gaps.newcomers
    used = np.flatnonzero((np.diff(covers.indptr) > 0) & (points > 0))
    return points[used], sp.csr_array(covers[used])


def _with_decided(problem: Problem, scenario: Scenario, gaps: Gaps) -> Problem:
    """Mark what is decided."""
    names = [action.name for action in scenario.action]
    codes = {code: row for row, code in enumerate(gaps.codes)}
    place = {
        key: i
        for i, key in enumerate(zip(problem.commune.tolist(), problem.action.tolist(), strict=True))
    }
    counted, decided = problem.is_counted.copy(), problem.is_decided.copy()
    for row in scenario.decided:
        found = place.get((codes[row.commune], names.index(row.action)))
        if found is None:
            raise ScenarioError(
                f"{row.action} in {row.commune} is decided, and excluded by its EPCI or by the "
                "communes of the action. Remove one of the two."
            )
        decided[found] = True
        counted[found] = row.in_budget
    return replace(problem, is_counted=counted, is_decided=decided)


def _checked(problem: Problem) -> Problem:
    """Refuse what is decided beyond what the budget and the caps allow."""
    spent = problem.spent(problem.is_decided)
    if spent > problem.budget:
        raise ScenarioError(
            f"What is decided costs {spent:,.0f} €, more than the budget of "
            f"{problem.budget:,.0f} €. Raise the budget, or set in_budget = false for what is paid "
            "elsewhere."
        )
    return problem
