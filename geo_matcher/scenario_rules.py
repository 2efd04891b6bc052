"""The rules of a scenario as inequalities over candidates: exclusion, order, caps and floors.

Hides how each rule is written for the solver, and which count of premises a scenario believes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from geo_matcher.choice import FloorRows, Problem, Rules
from geo_matcher.gaps import Gaps
from geo_matcher.scenario import Scenario
from geo_matcher.scenario_checks import EACH

__all__ = ["floor_rows", "nominal_need", "rule_rows", "satellite_only"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


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


def satellite_only(gaps: Gaps, without: FloatArray) -> FloatArray:
    """Return the premises without 30 Mbit/s by land, never more than those without fibre."""
    return np.minimum(gaps.without_30mbit.astype(np.float64), without)


def rule_rows(problem: Problem, scenario: Scenario, gaps: Gaps) -> Rules:
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


def floor_rows(
    problem: Problem, scenario: Scenario, gaps: Gaps, without: FloatArray
) -> Iterator[FloorRows]:
    """Yield the floors of a scenario as inequalities, ``without`` being the need of communes."""
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
    lacking = without if measure == "fibre" else satellite_only(gaps, without)
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
