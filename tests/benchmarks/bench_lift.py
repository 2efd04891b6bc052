"""Lifts against ranking everybody again from scratch; sites against choosing one at a time.

Both are measured as in a running service: the release is read, its decision matrix and the equally
probable values of its cells are made.
"""

from __future__ import annotations

import time

import numpy as np

from geo_matcher.counterfactual import ACTIONS, changes_of, matrix_after
from geo_matcher.demand import DEFAULT_DRAWS, DEFAULT_PROFILES, demand
from geo_matcher.drives import home_minutes
from geo_matcher.lift import lifts
from geo_matcher.matching import rank
from geo_matcher.newcomers import DEFAULT_SEED, population
from geo_matcher.robustness import odds_of
from geo_matcher.siting import best_cover, greedy_cover
from geo_matcher.territory import Territory
from geo_matcher.territory_file import default_release_folder
from geo_matcher.uncertainty import value_quantiles
from geo_matcher.weights import weight_region
from tests.benchmarks.measure import Row, median_s

SAMPLED_SITES, SAMPLED_PROFILES = 3, 10
"""Communes and newcomers for which everybody is ranked again; their time is multiplied."""

COUNT, WITHIN_MIN = 10, 15.0


def naive_s(territory: Territory) -> float:
    """Return what ranking everybody again would take for all actions, communes and newcomers.

    New figures and their equally probable values are made once for an action in a commune; then
    every newcomer's communes are ranked on them, with the odds that every answer uses.
    """
    rng = np.random.default_rng(1)
    sites = rng.choice(len(territory.codes), SAMPLED_SITES, replace=False)
    newcomers = population(DEFAULT_PROFILES)[:SAMPLED_PROFILES]
    figures_s = ranks_s = 0.0
    for action in ACTIONS:
        for site in sites:
            start = time.perf_counter()
            matrix = matrix_after(territory, action, territory.codes[site])
            value_quantiles(territory, matrix, {})
            figures_s += time.perf_counter() - start
            start = time.perf_counter()
            for number, profile in enumerate(newcomers):
                source = np.random.default_rng([DEFAULT_SEED, number])
                weights = weight_region(profile).sample(DEFAULT_DRAWS, source).astype(np.float32)
                ranking = rank(territory, profile, "all", matrix=matrix)
                odds_of(ranking, weights, source).p_top(5)
            ranks_s += time.perf_counter() - start
    each = figures_s + ranks_s * DEFAULT_PROFILES / SAMPLED_PROFILES
    return each * len(territory.codes) / SAMPLED_SITES


def run() -> list[Row]:
    """Measure lifts and sites."""
    territory = Territory.load(default_release_folder())
    for action in ACTIONS:
        changes_of(territory, action)
    start = time.perf_counter()
    lifts(territory)
    took = time.perf_counter() - start
    what = f"{len(ACTIONS)} actions × {len(territory.codes)} communes × {DEFAULT_PROFILES} profiles"
    start = time.perf_counter()
    expected = demand(territory).expected(5)
    demanded_s = time.perf_counter() - start

    near = (territory.minutes["workplace"] <= WITHIN_MIN).to_numpy()
    reaches = home_minutes(territory).T <= WITHIN_MIN
    rows = [
        Row(
            f"lift, {what} × {DEFAULT_DRAWS} draws",
            took,
            "s",
            30.0,
            f"ranking again from scratch ({SAMPLED_SITES} communes, {SAMPLED_PROFILES} profiles, "
            "scaled)",
            naive_s(territory),
        ),
        Row(f"demand, {DEFAULT_PROFILES} profiles × {DEFAULT_DRAWS} draws", demanded_s, "s"),
    ]
    people = territory.communes["population"].to_numpy(dtype=np.float64)
    for name, amounts in (("newcomers", expected), ("population", people)):
        unmet = np.where(near, 0.0, amounts)
        best, greedy = (cover(reaches, unmet, COUNT) for cover in (best_cover, greedy_cover))
        rows.append(
            Row(
                f"siting, {COUNT} spaces, {len(reaches)} candidates, {name}",
                median_s(lambda unmet=unmet: best_cover(reaches, unmet, COUNT), 5),  # type: ignore[misc]
                "s",
                2.0,
                "greedy",
                median_s(lambda unmet=unmet: greedy_cover(reaches, unmet, COUNT), 5),  # type: ignore[misc]
            )
        )
        rows.append(
            Row(f"siting, {name} reached, proven gap {best.gap:.0%}", best.covered, "",
                greedy.covered, "greedy", greedy.covered, larger_is_better=True)
        )  # fmt: skip
    return rows
