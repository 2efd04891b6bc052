"""Turns for work that takes a core: as many at once as there are cores, the others wait.

Hides the counting. Odds and what-ifs take tens of milliseconds and tens of megabytes each; forty of
them at once, one per thread of the service, would take its memory and make everybody wait longer.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from geo_matcher.matching import Ranking
from geo_matcher.robustness import Odds, odds
from geo_matcher.territory import Territory

__all__ = ["odds_in_turn", "turn", "types_in_turn"]

_types_once = threading.Lock()
_cores = threading.BoundedSemaphore(max(1, os.cpu_count() or 1))


@contextmanager
def turn() -> Iterator[None]:
    """Wait for a core to be free, and hold it until the work is done."""
    with _cores:
        yield


def odds_in_turn(ranking: Ranking) -> Odds:
    """Return the odds of a ranking, once it is its turn."""
    with turn():
        return odds(ranking)


def types_in_turn(territory: Territory) -> None:
    """Make the types of communes, once: the first call of a release takes a second or two."""
    from geo_matcher.layers import types_of

    with _types_once:
        types_of(territory)
