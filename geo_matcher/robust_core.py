"""What stays right when costs and needs are not what we think: the robust core of a plan.

Hides how uncertain costs and needs are drawn. The problem is solved again over many draws; an
action that is in nearly every optimum is without regret, one that comes and goes depends on
something, and what it depends on is named. The idea is that of robust portfolio modelling (Liesiö,
Mild and Salo, *Preference programming for robust portfolio modeling and project selection*, EJOR
181, 2007), with draws in place of bounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from geo_matcher.candidates import build_problem
from geo_matcher.errors import ScenarioError
from geo_matcher.optimum import Solution
from geo_matcher.planning import Planner
from geo_matcher.portfolio import solve

__all__ = [
    "MAX_SAMPLES",
    "MIN_SAMPLES",
    "CoreAction",
    "CoreCommune",
    "Dependence",
    "RobustCore",
    "core_class",
    "robust_core",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MIN_SAMPLES, MAX_SAMPLES = 20, 1_000
NO_REGRET, RARE = 0.9, 0.1
"""Shares of optima above which an action is without regret, and under which it is rare."""

SAMPLE_GAP = 1e-3
"""Relative gap of each draw: far below what the draws differ by."""

SAMPLE_TIME_S = 10.0
SEED = 2026

CoreClass = Literal["no_regret", "depends", "rare"]


@dataclass(frozen=True, slots=True)
class Dependence:
    """What tells the draws where an action is in from those where it is out.

    Attributes
    ----------
    on
        ``cost:ACTION`` (its price everywhere), ``local_cost`` (of this action in this commune) or
        ``local_need`` (premises without fibre in this commune).
    difference
        Standardised mean difference between draws in and out (Cohen's d); negative where the
        action is in when the figure is low.
    """

    on: str
    difference: float


@dataclass(frozen=True, slots=True)
class CoreAction:
    """How often one action in one commune is in the best portfolio.

    ``depends_on`` is None unless ``kind`` is ``depends``.
    """

    insee_code: str
    name: str
    action: str
    share: float
    kind: CoreClass
    depends_on: Dependence | None

    def as_dict(self) -> dict[str, Any]:
        """Return the action in plain types."""
        found = self.depends_on
        return {
            "insee_code": self.insee_code,
            "name": self.name,
            "action": self.action,
            "share": self.share,
            "class": self.kind,
            "depends_on": None
            if found is None
            else {"on": found.on, "difference": found.difference},
        }


@dataclass(frozen=True, slots=True)
class CoreCommune:
    """How often anything is built in one commune."""

    insee_code: str
    name: str
    share: float
    kind: CoreClass


@dataclass(frozen=True, slots=True)
class RobustCore:
    """The robust core of a scenario.

    Attributes
    ----------
    release, scenario, budget_eur, samples, seed
        What was asked.
    gap
        Largest optimality gap over the draws.
    communes, actions
        Communes and actions that are in one optimum at least, the most frequent first.
    benefit_low, benefit_high
        5th and 95th percentile of the points of the optima.
    """

    release: str
    scenario: str
    budget_eur: float
    samples: int
    seed: int
    gap: float
    communes: tuple[CoreCommune, ...]
    actions: tuple[CoreAction, ...]
    benefit_low: float
    benefit_high: float

    def as_dict(self) -> dict[str, Any]:
        """Return the core in plain types."""
        return {
            "release": self.release,
            "scenario": self.scenario,
            "budget_eur": self.budget_eur,
            "samples": self.samples,
            "seed": self.seed,
            "largest_optimality_gap": self.gap,
            "benefit_low": self.benefit_low,
            "benefit_high": self.benefit_high,
            "communes": [
                {"insee_code": c.insee_code, "name": c.name, "share": c.share, "class": c.kind}
                for c in self.communes
            ],
            "actions": [action.as_dict() for action in self.actions],
        }


def core_class(share: float) -> CoreClass:
    """Return the class of a share of optima."""
    if share > NO_REGRET:
        return "no_regret"
    return "rare" if share < RARE else "depends"


def robust_core(
    planner: Planner,
    samples: int = 200,
    *,
    seed: int = SEED,
    time_limit_s: float = SAMPLE_TIME_S,
) -> RobustCore:
    """Solve a scenario again over drawn costs and needs.

    Needs are uniform between the two counts of a commune, each commune on its own. Costs are
    triangular between their low, central and high figures; the draw of a cost is partly shared by
    all communes (the market) and partly local, as the scenario says (a Gaussian copula with that
    correlation).

    Parameters
    ----------
    planner
        The scenario on its release.
    samples
        Draws, ``MIN_SAMPLES`` to ``MAX_SAMPLES``.
    seed
        Same seed, same answer.
    time_limit_s
        Seconds that each draw may take.

    Raises
    ------
    ScenarioError
        If the number of draws is out of range.
    """
    if not MIN_SAMPLES <= samples <= MAX_SAMPLES:
        raise ScenarioError(
            f"robust core: found {samples} draws, expected {MIN_SAMPLES} to {MAX_SAMPLES:,}."
        )
    scenario, gaps = planner.scenario, planner.gaps
    rng = np.random.default_rng(seed)
    kinds, n = len(scenario.action), len(gaps)
    market = rng.standard_normal((samples, kinds))
    ground = rng.standard_normal((samples, kinds, n))
    where = rng.random((samples, n))
    shared = scenario.robust.shared
    position = ndtr(math.sqrt(shared) * market[:, :, None] + math.sqrt(1 - shared) * ground)
    needs: FloatArray = np.round(gaps.low + where * (gaps.high - gaps.low))
    chosen = np.zeros((samples, kinds, n), dtype=bool)
    solutions: list[Solution] = []
    for draw in range(samples):
        problem = build_problem(
            scenario, gaps, planner.near, need=needs[draw], cost_of=position[draw]
        )
        found = solve(problem, gap=SAMPLE_GAP, time_limit_s=time_limit_s)
        chosen[draw, problem.action[found.chosen], problem.commune[found.chosen]] = True
        solutions.append(found)
    share = chosen.mean(axis=0)
    priced = np.flatnonzero(share.any(axis=1)).tolist()
    actions = [
        CoreAction(
            gaps.codes[row],
            gaps.names[row],
            scenario.action[kind].name,
            float(share[kind, row]),
            core_class(float(share[kind, row])),
            _dependence(
                chosen[:, kind, row],
                [
                    *((f"cost:{scenario.action[k].name}", market[:, k]) for k in priced),
                    ("local_cost", ground[:, kind, row]),
                    ("local_need", needs[:, row]),
                ],
            )
            if core_class(float(share[kind, row])) == "depends"
            else None,
        )
        for kind, row in np.argwhere(share > 0).tolist()
    ]
    anywhere = chosen.any(axis=1).mean(axis=0)
    communes = [
        CoreCommune(
            gaps.codes[row], gaps.names[row], float(anywhere[row]), core_class(float(anywhere[row]))
        )
        for row in np.flatnonzero(anywhere > 0).tolist()
    ]
    low, high = np.quantile([found.benefit for found in solutions], [0.05, 0.95])
    return RobustCore(
        gaps.release,
        scenario.id,
        scenario.budget,
        samples,
        seed,
        max(found.gap for found in solutions),
        tuple(sorted(communes, key=lambda c: (-c.share, c.insee_code))),
        tuple(sorted(actions, key=lambda a: (-a.share, a.insee_code, a.action))),
        float(low),
        float(high),
    )


def _dependence(is_in: BoolArray, figures: Sequence[tuple[str, FloatArray]]) -> Dependence | None:
    """Return the figure that differs most between the draws in and out."""
    best: Dependence | None = None
    for name, values in figures:
        inside, outside = values[is_in], values[~is_in]
        spread = math.sqrt((inside.var() * len(inside) + outside.var() * len(outside)) / len(is_in))
        if spread <= 0:
            continue
        difference = float((inside.mean() - outside.mean()) / spread)
        if best is None or abs(difference) > abs(best.difference):
            best = Dependence(name, difference)
    return best
