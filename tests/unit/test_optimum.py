from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, milp

from geo_matcher import optimum
from geo_matcher.choice import FloorRows, Problem, Rules
from geo_matcher.errors import ScenarioError
from geo_matcher.greedy import best_ratio, equal_shares
from geo_matcher.optimum import best
from geo_matcher.portfolio import solve

MANY = 300


def plain(n: int = MANY, seed: int = 0, budget_share: float = 0.3) -> Problem:
    """Make a problem of many candidates that exclude one another two by two."""
    rng = np.random.default_rng(seed)
    cost = np.round(rng.integers(1, 400, n) * 100.0)
    covers = (rng.random((n // 10, n)) < 0.03).astype(float)
    pairs = np.kron(np.eye(n // 2), [1.0, 1.0])
    return Problem(
        commune=np.arange(n) // 2,
        action=np.arange(n) % 2,
        cost=cost,
        benefit=np.round(cost / 1e3 * rng.uniform(0.5, 1.5, n), 3),
        is_counted=np.ones(n, dtype=bool),
        is_decided=np.zeros(n, dtype=bool),
        targets=rng.integers(1, 40, n // 10) / 4,
        covers=sp.csr_array(covers),
        rules=Rules(sp.csr_array(pairs), np.ones(n // 2)),
        floors=(),
        budget=float(np.round(budget_share * cost.sum())),
    )


def impossible(problem: Problem) -> Problem:
    """Ask for more than all there is."""
    floor = FloorRows(
        "all and more",
        "eur",
        sp.csr_array(problem.cost[None, :]),
        np.array([2 * problem.cost.sum()]),
        np.array([problem.cost.sum()]),
        ("x",),
    )
    return problem.with_floors([floor])


@pytest.mark.parametrize("seed", range(4))
def test_settling_candidates_first_changes_no_optimum(seed: int) -> None:
    problem = plain(seed=seed)
    assert len(problem) > optimum.CORE
    n, m = len(problem), len(problem.targets)
    link = sp.hstack([-problem.covers, sp.eye_array(m)])
    wide = sp.hstack([problem.rules.rows, sp.csr_array((n // 2, m))])
    peer: Any = milp(
        -np.concatenate([problem.benefit, problem.targets]),
        integrality=np.ones(n + m, dtype=int),
        bounds=Bounds(np.zeros(n + m), np.ones(n + m)),
        constraints=[
            LinearConstraint(np.concatenate([problem.cost, np.zeros(m)]), ub=problem.budget),
            LinearConstraint(link, ub=0),
            LinearConstraint(wide, ub=1),
        ],
        options={"mip_rel_gap": 1e-7, "time_limit": 60},
    )
    found = solve(problem)
    assert found.benefit == pytest.approx(-peer.fun, rel=2e-6)


def test_a_gap_that_is_asked_for_is_kept() -> None:
    problem = plain(seed=3)
    rough, fine = solve(problem, gap=0.05), solve(problem)
    assert rough.gap <= 0.05
    assert rough.benefit <= fine.benefit + 1e-6
    assert fine.benefit <= rough.benefit * (1 + rough.gap) + 1e-6


def test_the_time_is_kept_with_the_best_found(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = plain(4_000, seed=1)
    found = solve(problem, time_limit_s=0.001)
    assert found.status in {"time_limit", "optimal"}
    assert found.benefit >= problem.value(best_ratio(problem)) - 1e-9
    assert problem.spent(found.chosen) <= problem.budget
    # Nothing at all from the solver: what simple ways find stands, with an honest gap.
    monkeypatch.setattr(optimum, "_relaxed", lambda *_: (np.inf, np.zeros(4_000), np.zeros(4_000)))
    found = solve(problem, time_limit_s=0.001)
    assert found.status == "time_limit"
    assert found.gap > 0
    with pytest.raises(ScenarioError, match="The time ran out"):
        solve(impossible(problem))


def test_floors_that_the_solver_has_no_time_for_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = plain(40)
    monkeypatch.setattr(optimum, "_rounded", lambda *_: None)
    monkeypatch.setattr(optimum, "_searched", lambda *_: (1, None, np.inf))
    floor = replace(impossible(problem).floors[0], least=np.array([problem.budget * 0.9]))
    found = best(problem.with_floors([floor]), 1e-6, 10)
    assert found is not None
    assert found.status == "time_limit"
    monkeypatch.setattr(optimum, "_searched", lambda *_: (2, None, np.inf))
    assert best(problem, 1e-6, 10) is None


def test_nothing_to_choose_from_is_an_answer() -> None:
    none = replace(
        plain(2),
        commune=np.zeros(0, dtype=np.int64),
        action=np.zeros(0, dtype=np.int64),
        cost=np.zeros(0),
        benefit=np.zeros(0),
        is_counted=np.zeros(0, dtype=bool),
        is_decided=np.zeros(0, dtype=bool),
        targets=np.zeros(0),
        covers=sp.csr_array((0, 0)),
        rules=Rules(sp.csr_array((0, 0)), np.zeros(0)),
        budget=5.0,
    )
    assert solve(none).benefit == 0
    assert equal_shares(none, np.zeros(0, dtype=np.int64)).size == 0
    floor = FloorRows("x", "eur", sp.csr_array((1, 0)), np.ones(1), np.ones(1), ("x",))
    assert best(none.with_floors([floor]), 1e-6, 1) is None


def test_what_is_useless_is_left_out_and_the_cheapest_is_taken() -> None:
    base = plain(4)
    problem = replace(
        base,
        cost=np.array([3e3, 2e3, 1e3, 5e3]),
        benefit=np.array([0.0, 0.0, 0.0, 4.0]),
        targets=np.array([6.0, 6.0]),
        covers=sp.csr_array(np.array([[1.0, 1, 0, 0], [1.0, 0, 1, 0]])),
        rules=Rules(sp.csr_array((0, 4)), np.zeros(0)),
        budget=1e6,
    )
    found = solve(problem)
    assert found.benefit == 16
    assert found.spent == 8e3  # either the first, or the second with the third; never all three
    cheaper = replace(problem, cost=np.array([9e3, 2e3, 1e3, 5e3]))
    assert solve(cheaper).chosen.tolist() == [False, True, True, True]
