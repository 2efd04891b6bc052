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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra

from geo_matcher.access import TownHallNetwork, access_minutes
from geo_matcher.errors import ScenarioError
from geo_matcher.gaps import Gaps
from geo_matcher.scenario import Action, Scenario
from geo_matcher.scenario_checks import EACH
from geo_matcher.territory import Territory

__all__ = ["FloorRows", "Problem", "Reach", "Rules", "build_problem", "nominal_need", "reach"]

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


@dataclass(frozen=True, eq=False)
class FloorRows:
    """A floor as inequalities: ``rows @ x >= least`` for each of its rows.

    Attributes
    ----------
    label
        What it asks, in words of the scenario.
    rows
        One row per EPCI or commune concerned, one column per candidate.
    least
        What each row must reach.
    scale
        What a shortfall of each row is divided by to be compared with others: the bound itself.
    who
        EPCI or commune of each row, by code.
    """

    label: str
    unit: Literal["eur", "premises", "communes"]
    rows: sp.csr_array
    least: FloatArray
    scale: FloatArray
    who: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Rules:
    """Hard rules: ``rows @ x <= most``, beside the budget."""

    rows: sp.csr_array
    most: FloatArray


@dataclass(frozen=True, eq=False)
class Problem:
    """A choice under a budget: arrays with one entry per candidate.

    Attributes
    ----------
    commune, action
        Row of the commune, and position of the action in the scenario.
    cost
        Euros.
    benefit
        Points of its own.
    is_counted
        Whether its cost counts in the budget.
    is_decided
        Whether it is in every plan.
    targets
        Points of what several candidates may serve, counted once.
    covers
        Sparse matrix, one row per target and one column per candidate: 1 where it serves it.
    rules, floors
        What must hold.
    budget
        Euros.
    """

    commune: IntArray
    action: IntArray
    cost: FloatArray
    benefit: FloatArray
    is_counted: BoolArray
    is_decided: BoolArray
    targets: FloatArray
    covers: sp.csr_array
    rules: Rules
    floors: tuple[FloorRows, ...]
    budget: float

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.cost)

    @cached_property
    def charged(self) -> FloatArray:
        """What each candidate takes from the budget, in euros."""
        return np.where(self.is_counted, self.cost, 0.0)

    @cached_property
    def _by_candidate(self) -> sp.csc_array:
        return sp.csc_array(self.covers)

    def served(self, chosen: BoolArray) -> BoolArray:
        """Tell which targets a choice serves."""
        return np.asarray(self.covers @ chosen.astype(np.float64) > 0.5)

    def value(self, chosen: BoolArray) -> float:
        """Return the points of a choice."""
        return float(self.benefit[chosen].sum() + self.targets[self.served(chosen)].sum())

    def spent(self, chosen: BoolArray) -> float:
        """Return what a choice takes from the budget."""
        return float(self.charged[chosen].sum())

    def credited(self, chosen: BoolArray) -> FloatArray:
        """Return the points of each candidate in a choice; what two serve is shared evenly."""
        times = self.covers @ chosen.astype(np.float64)
        each = np.divide(self.targets, times, out=np.zeros_like(self.targets), where=times > 0.5)
        return np.where(chosen, self.benefit + self.covers.T @ each, 0.0)

    def with_budget(self, budget: float) -> Problem:
        """Return the same choice under another budget."""
        return replace(self, budget=budget)

    def with_floors(self, floors: Sequence[FloorRows]) -> Problem:
        """Return the same choice under other floors."""
        return replace(self, floors=tuple(floors))


def nominal_need(scenario: Scenario, gaps: Gaps) -> FloatArray:
    """Return the premises without fibre of each commune by the count that the scenario believes.

    Where that count holds no premises, the other one stands.
    """
    low, high = gaps.low.astype(np.float64), gaps.high.astype(np.float64)
    one, other = gaps.without_by_count.T
    chosen = {
        "mci": np.where(np.isnan(one), high, one),
        "cartefibre": np.where(np.isnan(other), high, other),
        "low": low,
        "high": high,
        "mean": (low + high) / 2,
    }
    return chosen[scenario.count]


def reach(territory: Territory, scenario: Scenario) -> Reach:
    """Return who can drive where within the longest reach of the scenario's work places.

    Minutes are those of every travel time of the release: from a point of the commune to its own
    town hall, then from town hall to town hall, by the fastest way inside or outside the release.
    """
    longest = max((action.within_min or 0.0 for action in scenario.action), default=0.0)
    tables = territory.tables
    network = TownHallNetwork.from_tables(tables["town_halls_80km"], tables["adjacency_80km"])
    own = network.index(territory.codes)
    area = territory.communes.loc[list(territory.codes), "area_km2"].to_numpy(dtype=np.float64)
    leave = access_minutes(area)
    between = dijkstra(network.minutes, directed=False, indices=own, limit=longest)[:, own]
    minutes = np.asarray(between) + leave[:, None]
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
        rules=_rules(problem, scenario, gaps),
        floors=tuple(_floors(problem, scenario, gaps, without)),
    )
    return _checked(problem)


def _costs(
    action: Action, gaps: Gaps, without: FloatArray, quantile: FloatArray | None
) -> FloatArray:
    """Return what the action costs in each commune, in euros."""
    density = np.where(np.isnan(gaps.density_km2), 0.0, gaps.density_km2)
    total = np.zeros(len(gaps))
    served = without if action.kind == "fibre" else _satellite_only(gaps, without)
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


def _satellite_only(gaps: Gaps, without: FloatArray) -> FloatArray:
    """Return the premises without 30 Mbit/s by land, never more than those without fibre."""
    return np.minimum(gaps.without_30mbit.astype(np.float64), without)


def _own_benefit(action: Action, scenario: Scenario, gaps: Gaps, without: FloatArray) -> FloatArray:
    weights = scenario.weights
    satellite = _satellite_only(gaps, without)
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


def _rules(problem: Problem, scenario: Scenario, gaps: Gaps) -> Rules:
    """Return exclusion, precedence and caps as inequalities."""
    names = np.array([action.name for action in scenario.action])
    of = names[problem.action]
    epci = np.array(gaps.epci_codes)[problem.commune]
    blocks: list[sp.csr_array] = []
    most: list[float] = []

    for group in scenario.exclusive:
        inside = np.flatnonzero(np.isin(of, group.actions))
        rows, counts = np.unique(problem.commune[inside], return_counts=True)
        several = rows[counts > 1]
        inside = inside[np.isin(problem.commune[inside], several)]
        position = np.searchsorted(several, problem.commune[inside])
        blocks.append(_rows(position, inside, np.ones(len(inside)), len(several), len(problem)))
        most += [1.0] * len(several)
    for order in scenario.precedence:
        first = {
            int(problem.commune[i]): int(i) for i in np.flatnonzero(of == order.after).tolist()
        }
        done = _is_done(scenario, gaps, order.after)
        later = [
            i for i in np.flatnonzero(of == order.action).tolist() if not done[problem.commune[i]]
        ]
        at, column, factor = [], [], []
        for number, i in enumerate(later):
            at.append(number)
            column.append(i)
            factor.append(1.0)
            before = first.get(int(problem.commune[i]))
            if before is not None:
                at.append(number)
                column.append(before)
                factor.append(-1.0)
        blocks.append(_rows(at, column, factor, len(later), len(problem)))
        most += [0.0] * len(later)
    for cap in scenario.cap:
        here = np.ones(len(problem), dtype=bool)
        if cap.action is not None:
            here &= of == cap.action
        if cap.epci is not None:
            here &= epci == cap.epci
        inside = np.flatnonzero(here)
        for bound, factors in (
            (cap.at_most_eur, problem.cost[inside]),
            (cap.at_most_communes, np.ones(len(inside))),
        ):
            if bound is not None:
                blocks.append(_rows(np.zeros(len(inside)), inside, factors, 1, len(problem)))
                most.append(float(bound))
    if not blocks:
        return problem.rules
    return Rules(sp.csr_array(sp.vstack(blocks, format="csr")), np.array(most))


def _is_done(scenario: Scenario, gaps: Gaps, action: str) -> BoolArray:
    """Tell where an action has nothing left to do: what waits for it need not wait there."""
    if scenario.actions[action].kind != "fibre":
        return np.zeros(len(gaps), dtype=bool)
    return nominal_need(scenario, gaps) <= 0


def _rows(
    at: Sequence[int] | IntArray | FloatArray,
    column: Sequence[int] | IntArray,
    factor: Sequence[float] | FloatArray,
    height: int,
    width: int,
) -> sp.csr_array:
    place = (np.asarray(at, dtype=np.int64), np.asarray(column, dtype=np.int64))
    return sp.csr_array((np.asarray(factor, dtype=np.float64), place), shape=(height, width))


def _floors(
    problem: Problem, scenario: Scenario, gaps: Gaps, without: FloatArray
) -> Iterator[FloorRows]:
    width = len(problem)
    epci = np.array(gaps.epci_codes)
    of_candidate = epci[problem.commune]
    kinds = np.array([action.kind for action in scenario.action])[problem.action]
    for floor in scenario.floor:
        if floor.at_least_coverage is not None:
            yield _coverage_floor(
                problem, gaps, without, kinds, floor.at_least_coverage, floor.measure
            )
            continue
        who = sorted(set(epci.tolist())) if floor.epci == EACH else [str(floor.epci)]
        rows, least, scale = [], [], []
        for code in who:
            here = of_candidate == code
            if floor.at_least_eur is not None:
                row, bound, size = np.where(here, problem.cost, 0.0), floor.at_least_eur, 1.0
            elif floor.at_least_share_of_spending is not None:
                share = floor.at_least_share_of_spending
                row, bound = problem.cost * (here - share), 0.0
                size = share * max(scenario.budget, 1.0)
            else:
                share = floor.at_least_share_of_need or 0.0
                row = np.where(here & (kinds == "fibre"), without[problem.commune], 0.0)
                bound, size = share * float(without[epci == code].sum()), 1.0
            rows.append(row)
            least.append(bound)
            scale.append(max(bound, size))
        said = {
            "at_least_eur": floor.at_least_eur,
            "at_least_share_of_spending": floor.at_least_share_of_spending,
            "at_least_share_of_need": floor.at_least_share_of_need,
        }
        name, value = next((key, value) for key, value in said.items() if value is not None)
        yield FloorRows(
            label=f"epci {floor.epci}: {name} {value:g}",
            unit="premises" if floor.at_least_share_of_need is not None else "eur",
            rows=sp.csr_array(np.array(rows).reshape(len(who), width)),
            least=np.array(least),
            scale=np.array(scale),
            who=tuple(who),
        )


def _coverage_floor(
    problem: Problem,
    gaps: Gaps,
    without: FloatArray,
    kinds: NDArray[np.str_],
    share: float,
    measure: str,
) -> FloorRows:
    """Ask that no commune stays below a share: those that do need an action that lifts them."""
    lacking = without if measure == "fibre" else _satellite_only(gaps, without)
    base = gaps.premises.astype(np.float64)
    below = np.flatnonzero((base > 0) & (base - lacking < share * base - 1e-9))
    lifting = np.flatnonzero(
        np.isin(kinds, ["fibre"] if measure == "fibre" else ["fibre", "wireless"])
        & np.isin(problem.commune, below)
    )
    at = np.searchsorted(below, problem.commune[lifting])
    return FloorRows(
        label=f"every commune: at_least_coverage {share:g} ({measure})",
        unit="communes",
        rows=_rows(at, lifting, np.ones(len(lifting)), len(below), len(problem)),
        least=np.ones(len(below)),
        scale=np.full(len(below), float(max(1, len(below)))),
        who=tuple(gaps.codes[row] for row in below),
    )


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
