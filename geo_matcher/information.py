"""Which figures are worth checking: communes where the better of two counts would change the plan.

Hides how the plan is made again with one commune's need at each end of its interval, all else being
as the scenario believes. What is lost by not knowing is the difference between the best plan under
the true figure and the best plan that keeps the commune as it was decided without it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from geo_matcher.candidates import build_problem
from geo_matcher.choice import Problem, Rules
from geo_matcher.errors import ScenarioError
from geo_matcher.planning import Planner
from geo_matcher.portfolio import solve
from geo_matcher.scenario_rules import nominal_need

__all__ = ["MAX_CHECKED", "FigureValue", "Information", "value_of_information"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MAX_CHECKED = 100
DEFAULT_CHECKED = 40
GAP = 1e-7
WORTH_TOLERANCE = 1e-3
"""Points under which two plans are as good as one another."""

TIME_S = 10.0


@dataclass(frozen=True, slots=True)
class FigureValue:
    """What the better figure of one commune would change.

    Attributes
    ----------
    insee_code, name
        Which one.
    low, high, believed
        Premises without fibre: the two counts, and the one that the scenario believes.
    at_low, at_believed, at_high
        Actions of the best plan in this commune under each figure.
    lost_low, lost_high
        Points lost if the figure is the low (high) one and the commune was decided by the believed
        one; never negative.
    """

    insee_code: str
    name: str
    low: int
    high: int
    believed: float
    at_low: tuple[str, ...]
    at_believed: tuple[str, ...]
    at_high: tuple[str, ...]
    lost_low: float
    lost_high: float

    @property
    def changes(self) -> bool:
        """Whether what was decided would no longer be among the best under one of the figures."""
        return max(self.lost_low, self.lost_high) > WORTH_TOLERANCE

    @property
    def worth(self) -> float:
        """Points that knowing the figure would save, both ends being as likely."""
        return (self.lost_low + self.lost_high) / 2

    def as_dict(self) -> dict[str, Any]:
        """Return the value in plain types."""
        return {
            "insee_code": self.insee_code,
            "name": self.name,
            "low": self.low,
            "high": self.high,
            "believed": self.believed,
            "at_low": list(self.at_low),
            "at_believed": list(self.at_believed),
            "at_high": list(self.at_high),
            "changes": self.changes,
            "worth_points": self.worth,
        }


@dataclass(frozen=True, slots=True)
class Information:
    """What better figures are worth.

    Attributes
    ----------
    release, scenario
        What was asked.
    doubtful
        Communes whose two counts differ.
    checked
        Communes that were looked at: those whose counts differ most.
    figures
        What was found of them, the most worth knowing first, then by code.
    """

    release: str
    scenario: str
    doubtful: int
    checked: int
    figures: tuple[FigureValue, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the values in plain types."""
        return {
            "release": self.release,
            "scenario": self.scenario,
            "doubtful": self.doubtful,
            "checked": self.checked,
            "figures": [figure.as_dict() for figure in self.figures],
        }


def value_of_information(planner: Planner, checked: int = DEFAULT_CHECKED) -> Information:
    """Tell where the better of the two counts would change the decision.

    Parameters
    ----------
    planner
        The scenario on its release.
    checked
        Communes to look at, 1 to ``MAX_CHECKED``: the widest intervals first.

    Raises
    ------
    ScenarioError
        If the number is out of range.
    """
    if not 1 <= checked <= MAX_CHECKED:
        raise ScenarioError(f"communes to check: found {checked}, expected 1 to {MAX_CHECKED}.")
    gaps, scenario = planner.gaps, planner.scenario
    width = gaps.high - gaps.low
    believed = nominal_need(scenario, gaps)
    doubtful = np.flatnonzero(width > 0)
    rows = doubtful[np.lexsort((doubtful, -width[doubtful]))][:checked]
    best = solve(planner.problem, gap=GAP, time_limit_s=TIME_S)

    def looked_at(row: int) -> FigureValue:
        as_decided = _actions(planner, planner.problem, best.chosen, row)
        at: list[tuple[str, ...]] = []
        lost: list[float] = []
        for figure in (float(gaps.low[row]), float(gaps.high[row])):
            if figure == believed[row]:
                at.append(as_decided)
                lost.append(0.0)
                continue
            need = believed.copy()
            need[row] = figure
            problem = build_problem(scenario, gaps, planner.near, need=need)
            free = solve(problem, gap=GAP, time_limit_s=TIME_S)
            at.append(_actions(planner, problem, free.chosen, row))
            if at[-1] == as_decided:
                lost.append(0.0)
                continue
            lost.append(free.benefit - _kept_benefit(planner, problem, row, as_decided))
        return FigureValue(
            gaps.codes[row],
            gaps.names[row],
            int(gaps.low[row]),
            int(gaps.high[row]),
            float(believed[row]),
            at[0],
            as_decided,
            at[1],
            max(0.0, lost[0]),
            max(0.0, lost[1]),
        )

    figures = [looked_at(row) for row in rows.tolist()]
    figures.sort(key=lambda f: (-f.worth, not f.changes, f.insee_code))
    return Information(gaps.release, scenario.id, len(doubtful), len(rows), tuple(figures))


def _actions(planner: Planner, problem: Problem, chosen: BoolArray, row: int) -> tuple[str, ...]:
    own = np.flatnonzero(chosen & (problem.commune == row))
    return tuple(sorted(planner.scenario.action[int(problem.action[i])].name for i in own))


def _kept_benefit(planner: Planner, problem: Problem, row: int, decided: tuple[str, ...]) -> float:
    """Return the points of the best plan that does in a commune what was decided before.

    Where the budget no longer allows it, the points of doing nothing there stand.
    """
    names = np.array([action.name for action in planner.scenario.action])[problem.action]
    here = problem.commune == row
    is_kept = here & np.isin(names, decided)
    forbidden = np.flatnonzero(here & ~is_kept)
    rules = Rules(
        sp.csr_array(
            sp.vstack(
                [
                    problem.rules.rows,
                    sp.csr_array(
                        (np.ones(len(forbidden)), (np.zeros(len(forbidden), int), forbidden)),
                        shape=(1, len(problem)),
                    ),
                ]
            )
        ),
        np.append(problem.rules.most, 0.0),
    )
    fixed = replace(problem, rules=rules, is_decided=problem.is_decided | is_kept)
    if fixed.spent(fixed.is_decided) > fixed.budget:
        fixed = replace(fixed, is_decided=problem.is_decided)
    return solve(fixed, gap=GAP, time_limit_s=TIME_S).benefit
