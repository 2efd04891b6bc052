"""Lifts against ranking everybody again from scratch; sites against choosing one at a time.

Both are measured as in a running service: the release is read, its decision matrix and the equally
probable values of its cells are made.
"""

from __future__ import annotations

import time

import numpy as np

from geo_matcher.counterfactual import ACTIONS, changes_of, drive_minutes
from geo_matcher.demand import DEFAULT_DRAWS, DEFAULT_PROFILES, demand
from geo_matcher.lift import lifts
from geo_matcher.newcomers import DEFAULT_SEED, population
from geo_matcher.siting import best_cover, greedy_cover
from geo_matcher.territory import Territory, default_release_folder
from tests.benchmarks.measure import Row, median_s
from tests.unit.reranked import first_places

SAMPLED_PROFILES, SAMPLED_SITES = 4, 5
"""Newcomers and communes for which everybody is ranked again; their time is multiplied."""

COUNT, WITHIN_MIN = 10, 15.0


def naive_s(territory: Territory) -> float:
    """Return what ranking everybody again would take for all actions, communes and newcomers."""
    rng = np.random.default_rng(1)
    sites = rng.choice(len(territory.codes), SAMPLED_SITES, replace=False)
    newcomers = population(DEFAULT_PROFILES)[:SAMPLED_PROFILES]
    start = time.perf_counter()
    for action in ACTIONS:
        for site in sites:
            for number, profile in enumerate(newcomers):
                first_places(
                    territory, profile, (DEFAULT_SEED, number), draws=DEFAULT_DRAWS,
                    action=action, code=territory.codes[site],
                )  # fmt: skip
    took = time.perf_counter() - start
    share = SAMPLED_SITES / len(territory.codes) * SAMPLED_PROFILES / DEFAULT_PROFILES
    return took / share


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
    reaches = drive_minutes(territory) <= WITHIN_MIN
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
