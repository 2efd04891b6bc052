"""A plan: what to build where under a budget, in the words of a scenario.

Hides how the arrays of a portfolio become actions in communes, who pays them, and what they are
compared with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_matcher.audit import DEFAULT_TOP, audit
from geo_matcher.candidates import Reach, build_problem, reach
from geo_matcher.choice import Problem
from geo_matcher.gaps import Gaps, gaps
from geo_matcher.greedy import best_ratio, equal_shares, largest_first
from geo_matcher.kept import kept
from geo_matcher.optimum import DEFAULT_GAP, DEFAULT_TIME_S, Relaxation, Solution
from geo_matcher.portfolio import FrontierPoint, floor_prices, frontier, solve
from geo_matcher.scenario import Action, Scenario
from geo_matcher.scenario_rules import nominal_need
from geo_matcher.territory import Territory

__all__ = [
    "Baseline",
    "EpciShare",
    "Plan",
    "PlannedAction",
    "Planner",
    "gaps_with_newcomers",
    "payers",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

FRONTIER_TIME_S = 5.0
"""Seconds for each budget of the frontier, at most."""


@kept(maxsize=4)
def gaps_with_newcomers(territory: Territory) -> Gaps:
    """Return the gaps of a release with the newcomers of a thousand expected in each commune.

    Each newcomer of the imagined population looks in their first five villages alike. Made once
    for each release: it takes a second or two.
    """
    shares = {
        row.insee_code: row.share_top for row in audit(territory, "all", top=DEFAULT_TOP).exposures
    }
    whole = sum(shares.values())
    return gaps(
        territory, [1000 * shares[code] / whole if whole else 0.0 for code in territory.codes]
    )


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """One action of a plan.

    Attributes
    ----------
    insee_code, name, epci, action
        What and where.
    cost_eur, benefit
        Euros, and points; what several actions serve together is shared evenly among them.
    premises
        Premises brought to fibre, to 30 Mbit/s or equipped; 0 for other kinds.
    is_decided, in_budget
        Whether it was decided already, and whether the budget pays it.
    payers
        Euros of each payer, where the scenario says who pays.
    """

    insee_code: str
    name: str
    epci: str
    action: str
    cost_eur: float
    benefit: float
    premises: float
    is_decided: bool
    in_budget: bool
    payers: tuple[tuple[str, float], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the action in plain types."""
        return {
            "insee_code": self.insee_code,
            "name": self.name,
            "epci": self.epci,
            "action": self.action,
            "cost_eur": self.cost_eur,
            "benefit": self.benefit,
            "premises": self.premises,
            "decided": self.is_decided,
            "in_budget": self.in_budget,
            "payers": dict(self.payers),
        }


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a simpler way of choosing would bring for the same money.

    ``name`` is ``best_ratio``, ``largest_gap_first`` or ``equal_shares_by_epci``; ``share`` is its
    points over those of the plan, None where the plan has none. Baselines do not look at floors.
    """

    name: str
    benefit: float
    cost_eur: float
    share: float | None


@dataclass(frozen=True, slots=True)
class EpciShare:
    """What a plan does in one EPCI, beside what it lacks."""

    epci: str
    actions: int
    cost_eur: float
    benefit: float
    premises_without_fibre: float


@dataclass(frozen=True, eq=False)
class Plan:
    """The best portfolio of a scenario.

    Attributes
    ----------
    release, scenario
        What it was made from.
    actions
        What to build, the most points first, then by code.
    total_cost_eur, total_benefit
        Euros taken from the budget, and points.
    optimality_gap, status
        How far from the best bound known, and why the search stopped.
    premises_fibre, premises_30mbit, premises_equipped, inhabitants_near_work
        What it brings, in natural units.
    floors
        Label and price, in points, of each floor.
    relaxed, budget_needed
        Floors that could not be met, and the budget that would do; see ``optimum.Solution``.
    baselines, epcis
        What simpler ways would bring, and what each EPCI gets.
    frontier
        Best portfolios of smaller budgets; empty unless asked for.
    has_newcomers
        Whether newcomers' demand was counted.
    """

    release: str
    scenario: Scenario
    actions: tuple[PlannedAction, ...]
    total_cost_eur: float
    total_benefit: float
    optimality_gap: float
    status: str
    premises_fibre: float
    premises_30mbit: float
    premises_equipped: float
    inhabitants_near_work: int
    floors: tuple[tuple[str, float], ...]
    relaxed: tuple[Relaxation, ...]
    budget_needed: float | None
    baselines: tuple[Baseline, ...]
    epcis: tuple[EpciShare, ...]
    frontier: tuple[FrontierPoint, ...]
    has_newcomers: bool

    @property
    def left_over_eur(self) -> float:
        """What of the budget is not spent."""
        return self.scenario.budget - self.total_cost_eur

    def as_dict(self) -> dict[str, Any]:
        """Return the plan in plain types."""
        return {
            "release": self.release,
            "scenario": self.scenario.id,
            "scenario_name": self.scenario.name,
            "count": self.scenario.count,
            "budget_eur": self.scenario.budget,
            "actions": [action.as_dict() for action in self.actions],
            "total_cost_eur": self.total_cost_eur,
            "total_benefit": self.total_benefit,
            "optimality_gap": self.optimality_gap,
            "status": self.status,
            "left_over_eur": self.left_over_eur,
            "brings": {
                "premises_fibre": self.premises_fibre,
                "premises_30mbit": self.premises_30mbit,
                "premises_equipped": self.premises_equipped,
                "inhabitants_near_work": self.inhabitants_near_work,
            },
            "newcomers_counted": self.has_newcomers,
            "floors": [{"floor": label, "price_points": price} for label, price in self.floors],
            "infeasible": [item.as_dict() for item in self.relaxed],
            "budget_needed_eur": self.budget_needed,
            "baselines": [
                {
                    "name": item.name,
                    "benefit": item.benefit,
                    "cost_eur": item.cost_eur,
                    "share_of_plan": item.share,
                }
                for item in self.baselines
            ],
            "epcis": [
                {
                    "epci": item.epci,
                    "actions": item.actions,
                    "cost_eur": item.cost_eur,
                    "benefit": item.benefit,
                    "premises_without_fibre": item.premises_without_fibre,
                }
                for item in self.epcis
            ],
            "frontier": [point.as_dict() for point in self.frontier],
        }


def payers(action: Action, cost: float) -> tuple[tuple[str, float], ...]:
    """Share a cost among its payers; what a ceiling leaves falls to the others by their shares.

    Parameters
    ----------
    action
        The action, with its funding; empty where nobody says who pays.
    cost
        Euros.
    """
    paid: dict[str, float] = {}
    rows = list(action.funding)
    left = cost
    while rows:
        whole = sum(row.share for row in rows)
        over = [
            row
            for row in rows
            if row.at_most_eur is not None and left * row.share / whole > row.at_most_eur
        ]
        if not over:
            for row in rows:
                paid[row.payer] = paid.get(row.payer, 0.0) + left * row.share / whole
            break
        for row in over:
            amount = row.at_most_eur or 0.0
            paid[row.payer] = paid.get(row.payer, 0.0) + amount
        left -= sum(row.at_most_eur or 0.0 for row in over)
        rows = [row for row in rows if row not in over]
    return tuple((row.payer, paid[row.payer]) for row in action.funding)


class Planner:
    """A scenario on a release: built once, solved in several ways.

    Parameters
    ----------
    territory
        A loaded release.
    scenario
        What may be built.
    gaps
        What the communes lack, with newcomers' demand where it is to count.
    """

    def __init__(self, territory: Territory, scenario: Scenario, gaps: Gaps) -> None:
        self.scenario = scenario
        self.gaps = gaps
        self.near: Reach = reach(territory, scenario)
        self.problem: Problem = build_problem(scenario, gaps, self.near)

    def plan(
        self,
        *,
        points: int = 0,
        gap: float = DEFAULT_GAP,
        time_limit_s: float = DEFAULT_TIME_S,
    ) -> Plan:
        """Return the best plan.

        Parameters
        ----------
        points
            Budgets on the frontier, 2 to 100; 0 for none.
        gap, time_limit_s
            As in ``portfolio.solve``.

        Raises
        ------
        ScenarioError
            If the rules leave no plan, or the number of points is out of range.
        """
        problem = self.problem
        found = solve(problem, gap=gap, time_limit_s=time_limit_s)
        prices: Sequence[float] = ()
        if problem.floors and not found.relaxed:
            prices = floor_prices(problem, found, gap=gap, time_limit_s=time_limit_s)
        elif problem.floors:
            prices = [0.0] * len(problem.floors)
        actions = self._actions(found)
        kinds = {action.name: action.kind for action in self.scenario.action}
        brought: defaultdict[str, float] = defaultdict(float)
        for action in actions:
            brought[kinds[action.action]] += action.premises
        return Plan(
            release=self.gaps.release,
            scenario=self.scenario,
            actions=actions,
            total_cost_eur=found.spent,
            total_benefit=found.benefit,
            optimality_gap=found.gap,
            status=found.status,
            premises_fibre=brought["fibre"],
            premises_30mbit=brought["wireless"],
            premises_equipped=brought["satellite"],
            inhabitants_near_work=self._near_work(found.chosen),
            floors=tuple(
                (floor.label, float(price))
                for floor, price in zip(problem.floors, prices, strict=True)
            ),
            relaxed=found.relaxed,
            budget_needed=found.budget_needed,
            baselines=self._baselines(found),
            epcis=self._epcis(actions),
            frontier=frontier(problem, points, time_limit_s=min(FRONTIER_TIME_S, time_limit_s))
            if points
            else (),
            has_newcomers=self.gaps.newcomers is not None,
        )

    def premises_of(self, problem: Problem, need: FloatArray) -> FloatArray:
        """Return the premises that each candidate serves; 0 for kinds that serve none."""
        kinds = np.array([action.kind for action in self.scenario.action])[problem.action]
        satellite = np.minimum(self.gaps.without_30mbit.astype(np.float64), need)
        served = np.where(np.isin(kinds, ["wireless", "satellite"]), satellite[problem.commune], 0)
        return np.where(kinds == "fibre", need[problem.commune], served)

    def _actions(self, found: Solution) -> tuple[PlannedAction, ...]:
        problem, gaps = self.problem, self.gaps
        credited = problem.credited(found.chosen)
        premises = self.premises_of(problem, nominal_need(self.scenario, gaps))
        rows = []
        for i in np.flatnonzero(found.chosen).tolist():
            row, action = int(problem.commune[i]), self.scenario.action[int(problem.action[i])]
            rows.append(
                PlannedAction(
                    gaps.codes[row],
                    gaps.names[row],
                    gaps.epci_names[row],
                    action.name,
                    float(problem.cost[i]),
                    float(credited[i]),
                    float(premises[i]),
                    bool(problem.is_decided[i]),
                    bool(problem.is_counted[i]),
                    payers(action, float(problem.cost[i])),
                )
            )
        return tuple(sorted(rows, key=lambda a: (-a.benefit, a.insee_code, a.action)))

    def _near_work(self, chosen: BoolArray) -> int:
        """Count the inhabitants whom the plan brings near a work place."""
        within = self.near.minutes
        served = np.zeros(len(self.gaps), dtype=bool)
        for i in np.flatnonzero(chosen).tolist():
            action = self.scenario.action[int(self.problem.action[i])]
            if action.kind == "work_place":
                column = within[:, [int(self.problem.commune[i])]].toarray().ravel()
                served |= (column > 0) & (column <= (action.within_min or 0.0))
        served &= self.near.served_min > self.scenario.served_within_min
        return int(self.gaps.population[served].sum())

    def _baselines(self, found: Solution) -> tuple[Baseline, ...]:
        problem, gaps = self.problem, self.gaps
        need = nominal_need(self.scenario, gaps)[problem.commune]
        codes = sorted(set(gaps.epci_codes))
        group = np.array([codes.index(gaps.epci_codes[row]) for row in problem.commune.tolist()])
        chosen = {
            "best_ratio": best_ratio(problem),
            "largest_gap_first": largest_first(problem, need),
            "equal_shares_by_epci": equal_shares(problem, group),
        }
        return tuple(
            Baseline(
                name,
                problem.value(choice),
                problem.spent(choice),
                problem.value(choice) / found.benefit if found.benefit > 0 else None,
            )
            for name, choice in chosen.items()
        )

    def _epcis(self, actions: Sequence[PlannedAction]) -> tuple[EpciShare, ...]:
        need = nominal_need(self.scenario, self.gaps)
        own: defaultdict[str, list[PlannedAction]] = defaultdict(list)
        for action in actions:
            own[action.epci].append(action)
        return tuple(
            EpciShare(
                epci.name,
                len(own[epci.name]),
                sum(action.cost_eur for action in own[epci.name]),
                sum(action.benefit for action in own[epci.name]),
                float(need[list(epci.rows)].sum()),
            )
            for epci in self.gaps.epcis
        )
