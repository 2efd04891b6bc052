"""Odds of ranks: time, memory and growth, against scikit-criteria called once per draw.

Every line but the first is measured as in a running service: the release is read, its decision
matrix and the equally probable values of its cells are made. The first line makes them.
"""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
from numpy.typing import NDArray

from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.insight import dethrone, weights_to_lead
from geo_matcher.matching import Ranking, rank
from geo_matcher.profile import parse_profile
from geo_matcher.robustness import MAX_DRAWS, Odds, draw_ranks, odds
from geo_matcher.territory import Territory
from geo_matcher.territory_file import default_release_folder
from geo_matcher.uncertainty import value_quantiles
from geo_matcher.weights import weight_region
from tests.benchmarks.bench_ranking import peer
from tests.benchmarks.measure import Row, median_s

EVERYTHING = parse_profile(
    {
        "importance": dict.fromkeys(FAMILIES, "a_little"),
        "criteria": {name: {"importance": "a_little"} for name in CRITERIA},
    }
)
"""A profile for which all criteria count."""

DRAWS = 10_000
PEER_DRAWS = 100
"""Draws that the peer makes; its time is multiplied to that of ``DRAWS``."""

LARGEST_GROWTH = 2.4
"""Times that twice the work may take: twice, and a fifth for sorting and for the machine."""


def counted(found: Odds) -> Odds:
    """Force everything that an answer tells of the odds."""
    _ = found.summaries, found.acceptability, found.ties
    return found


def peak_mb(ranking: Ranking, draws: int) -> float:
    """Return the most memory that odds hold at once, in MB, beyond what was there before."""
    tracemalloc.start()
    counted(odds(ranking, draws=draws))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def peer_s(values: NDArray[np.float32], weights: NDArray[np.float64]) -> float:
    """Return what scikit-criteria needs for ``DRAWS`` weighted sums, each on a drawn state."""
    rng = np.random.default_rng(1)
    start = time.perf_counter()
    for row in weights[:PEER_DRAWS]:
        chosen = rng.integers(0, values.shape[2], size=(*values.shape[:2], 1))
        state = np.take_along_axis(values, chosen, axis=2)[:, :, 0].astype(np.float64)
        peer(state, row)()
    return (time.perf_counter() - start) * DRAWS / PEER_DRAWS


def what_would_have_to_be_true(every: Ranking) -> list[Row]:
    """Measure the answers of insight among all communes, beside ranking them once."""
    last = every.matrix.codes[every.order[-1]]
    ranked = median_s(lambda: rank(every.territory, EVERYTHING, "all"), 5)
    peer = "ranking all once"
    return [
        Row("weights that let the last one lead", median_s(lambda: weights_to_lead(every, last), 4),
            "s", 0.1, peer, ranked),
        Row("weights that let Auch lead", median_s(lambda: weights_to_lead(every, "32013"), 4),
            "s", 0.1, peer, ranked),
        Row("what would dethrone the first", median_s(lambda: dethrone(every), 4),
            "s", 0.3, peer, ranked),
    ]  # fmt: skip


def run() -> list[Row]:
    """Measure time, memory and growth."""
    territory = Territory.load(default_release_folder())
    every, partners = (rank(territory, EVERYTHING, scope) for scope in ("all", "partners"))
    start = time.perf_counter()
    counted(odds(every))
    first = time.perf_counter() - start

    values = value_quantiles(territory, every.matrix, {})
    region = weight_region(EVERYTHING)
    weights = region.sample(2 * DRAWS, np.random.default_rng(1))
    single = weights.astype(np.float32)

    def ranked(table: NDArray[np.float32], draws: int) -> object:
        return draw_ranks(table, single[:draws], np.random.default_rng(2))

    once = median_s(lambda: ranked(values, DRAWS), 9)
    twice_draws = median_s(lambda: ranked(values, 2 * DRAWS), 9)
    tiled = np.tile(values, (2, 1, 1))
    twice_communes = median_s(lambda: ranked(tiled, DRAWS), 9)
    many = median_s(lambda: counted(odds(every, draws=DRAWS)), 9)
    n, k = len(every), int((every.weights > 0).sum())
    what = f"odds, {n} communes × {k} criteria"
    return [
        Row(f"{what}, 2,000 draws, first call", first, "s"),
        Row(
            f"{what}, {DRAWS:,} draws",
            many,
            "s",
            1.0,
            f"scikit-criteria per draw ({PEER_DRAWS}, scaled)",
            peer_s(values, weights),
        ),
        Row(f"{what}, 2,000 draws", median_s(lambda: counted(odds(every)), 15), "s", 0.15),
        Row(
            f"odds, {len(partners)} villages, {DRAWS:,} draws",
            median_s(lambda: counted(odds(partners, draws=DRAWS)), 15),
            "s",
            0.1,
        ),
        Row(f"{what}, {MAX_DRAWS:,} draws, memory", peak_mb(every, MAX_DRAWS), "MB", 300),
        *what_would_have_to_be_true(every),
        Row("ranks of twice the draws, time", twice_draws / once, "×", LARGEST_GROWTH),
        Row("ranks of twice the communes, time", twice_communes / once, "×", LARGEST_GROWTH),
    ]
