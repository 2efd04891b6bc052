"""Portfolios: proof, frontier, robust core and the whole of France, against CBC and greedy choice.

CBC is called through PuLP, which comes with scikit-criteria, on the same problem in the same run.
Greedy choice is faster than any search; its line says how much of the optimum it leaves behind.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable

import numpy as np
import pulp
import scipy.sparse as sp
from scipy.spatial import cKDTree

from geo_matcher.candidates import Reach, build_problem
from geo_matcher.choice import Problem
from geo_matcher.clusters import gap_clusters
from geo_matcher.gaps import TECHNOLOGIES, Gaps, gaps
from geo_matcher.greedy import best_ratio
from geo_matcher.information import value_of_information
from geo_matcher.planning import Planner
from geo_matcher.portfolio import frontier, solve
from geo_matcher.robust_core import robust_core
from geo_matcher.scenario import parse_scenario
from geo_matcher.territory import Territory
from geo_matcher.territory_file import default_release_folder
from tests.benchmarks.measure import Row, median_s

FRANCE = 34_875
"""Communes of France: 34,875."""

FRANCE_GAP = 0.01
FRANCE_BUDGET = "300M"
BUDGETS = ("1M", "5M", "20M")


def timed(call: Callable[[], object]) -> tuple[float, object]:
    """Return how long a call takes, and what it returns."""
    start = time.perf_counter()
    answer = call()
    return time.perf_counter() - start, answer


def cbc(problem: Problem) -> float:
    """Return the points that CBC finds for the same problem, to the same gap."""
    model = pulp.LpProblem("plan", pulp.LpMaximize)
    x = [pulp.LpVariable(f"x{i}", cat="Binary") for i in range(len(problem))]
    y = [pulp.LpVariable(f"y{j}", 0, 1) for j in range(len(problem.targets))]
    model += pulp.lpSum(problem.benefit[i] * x[i] for i in range(len(problem))) + pulp.lpSum(
        problem.targets[j] * y[j] for j in range(len(y))
    )
    model += (
        pulp.lpSum(problem.charged[i] / 1e3 * x[i] for i in range(len(problem)))
        <= problem.budget / 1e3
    )
    for matrix, bound, extra in (
        (problem.rules.rows, problem.rules.most, None),
        (-problem.covers, np.zeros(len(y)), y),
    ):
        rows = sp.csr_array(matrix)
        for row in range(rows.shape[0]):
            part = slice(rows.indptr[row], rows.indptr[row + 1])
            terms = [
                float(factor) * x[column]
                for column, factor in zip(rows.indices[part], rows.data[part], strict=True)
            ]
            model += pulp.lpSum([*terms, *([extra[row]] if extra else [])]) <= float(bound[row])
    model.solve(pulp.PULP_CBC_CMD(msg=False, gapRel=1e-6, timeLimit=60))
    return float(pulp.value(model.objective))


def france() -> tuple[Gaps, Reach]:
    """Return synthetic gaps and neighbours of as many communes as France has."""
    n, rng = FRANCE, np.random.default_rng(1)
    population = np.round(np.exp(rng.normal(6.2, 1.3, n))).astype(np.int64) + 20
    premises = np.maximum(20, (population * 0.65).astype(np.int64))
    place = rng.random((n, 2)) * 740  # km
    without = np.minimum(premises, rng.poisson(premises * 0.05 * rng.lognormal(0, 0.8, n)))
    satellite = np.minimum(without, rng.poisson(without * 0.1))
    by = np.zeros((n, len(TECHNOLOGIES)), dtype=np.int64)
    by[:, TECHNOLOGIES.index("ftth")] = premises - without
    by[:, TECHNOLOGIES.index("fixed_4g")] = without - satellite
    by[:, TECHNOLOGIES.index("satellite")] = satellite
    other = premises + rng.integers(-5, 10, n)
    codes = tuple(f"{i:05d}" for i in range(n))
    epci = tuple(f"E{int(a // 25):02d}{int(b // 25):02d}" for a, b in place)
    found = Gaps(
        "synthetic", dt.date(2026, 6, 30), codes, codes, epci, epci, population, population / 15.8,
        by, premises, without, satellite, without, np.column_stack([premises, other]),
        np.column_stack([premises - without, other - np.minimum(other, without // 2)]),
        (dt.date(2029, 1, 31),) * n, np.zeros(n, dtype=np.int64),
    )  # fmt: skip
    tree = cKDTree(place)
    near = sp.coo_array(tree.sparse_distance_matrix(tree, 11.3, output_type="coo_matrix"))
    minutes = sp.csr_array(sp.coo_array((near.data * 1.1 + 2.5, near.coords), shape=(n, n)))
    served, _ = cKDTree(place[rng.choice(n, 1_200, replace=False)]).query(place)
    return found, Reach(minutes, np.asarray(served) * 1.1 + 2.5)


def run() -> list[Row]:
    """Measure proofs, the frontier, the robust core and a country."""
    territory = Territory.load(default_release_folder())
    found = gaps(territory)
    planners = {
        budget: Planner(territory, parse_scenario({"budget": budget}, territory), found)
        for budget in BUDGETS
    }
    rows = [
        Row("gaps of 458 communes", median_s(lambda: gaps(territory), 9), "s", 0.2),
        Row("clusters, 49,999 permutations", median_s(lambda: gap_clusters(territory, found), 3),
            "s"),
    ]  # fmt: skip
    for budget, planner in planners.items():
        problem = planner.problem
        ours = solve(problem)
        peer_s, peer_points = timed(lambda problem=problem: cbc(problem))  # type: ignore[misc]
        assert ours.status == "optimal"
        assert ours.benefit >= float(peer_points) * (1 - 2e-6)  # type: ignore[arg-type]
        rows.append(
            Row(
                f"best plan proved, {budget} €, {len(problem):,} candidates",
                median_s(lambda problem=problem: solve(problem), 5),  # type: ignore[misc]
                "s",
                2.0,
                "CBC (PuLP), same gap",
                peer_s,
            )
        )
        rows.append(
            Row(
                f"points, {budget} €",
                ours.benefit,
                "points",
                None,
                "greedy, most points per euro",
                problem.value(best_ratio(problem)),
                larger_is_better=True,
            )
        )
    middle = planners["5M"]
    wide = planners["20M"]
    rows += [
        Row("frontier of 20 budgets to 20M €", timed(lambda: frontier(wide.problem, 20))[0], "s",
            20.0),
        Row("robust core, 200 solves, 5M €", timed(lambda: robust_core(middle, 200))[0], "s",
            120.0),
        Row("value of information, 40 communes", timed(lambda: value_of_information(middle))[0],
            "s"),
    ]  # fmt: skip
    country, near = france()
    scenario = parse_scenario({"budget": FRANCE_BUDGET}, territory)
    problem = build_problem(scenario, country, near)
    seconds, answer = timed(lambda: solve(problem, gap=FRANCE_GAP, time_limit_s=60))
    rows.append(
        Row(f"{FRANCE:,} communes (synthetic), {len(problem):,} candidates", seconds, "s", 60.0)
    )
    rows.append(Row("gap reached there", 100 * answer.gap, "%", 100 * FRANCE_GAP))  # type: ignore[attr-defined]
    return rows
