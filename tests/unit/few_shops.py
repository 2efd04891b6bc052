"""A few invented shops along invented roads, whose times are shortest ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import floyd_warshall

KINDS = 3


def a_market(
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], int]:
    """Return minutes there, between and back, what each place offers, and what is wanted."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 6))
    times = rng.uniform(1, 30, (count + 1, count + 1))
    times[rng.random(times.shape) < 0.1] = np.inf
    np.fill_diagonal(times, 0.0)
    times = np.asarray(floyd_warshall(np.where(np.isinf(times), 0.0, times)))
    np.fill_diagonal(times, 0.0)
    offered = rng.integers(0, 2**KINDS, count)
    return times[0, 1:], times[1:, 1:], times[1:, 0], offered, 2**KINDS - 1
