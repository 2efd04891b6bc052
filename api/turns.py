"""Turns for work that takes a core: as many at once as there are cores, the others wait.

Hides the counting. Odds and what-ifs take tens of milliseconds and tens of megabytes each; forty of
them at once, one per thread of the service, would take its memory and make everybody wait longer.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException

from geo_matcher.matching import Ranking
from geo_matcher.robustness import Odds, odds
from geo_matcher.territory import Territory

__all__ = ["Line", "odds_in_turn", "turn", "types_in_turn"]

_types_once = threading.Lock()
_cores = threading.BoundedSemaphore(max(1, os.cpu_count() or 1))


class Line:
    """Work that is done one at a time, with few who wait: a further one is told to come back.

    Threads that wait are then never all those of the service.

    Parameters
    ----------
    what
        What is waited for, in the plural.
    most
        How many may be under way or waiting.
    retry_after_s
        When to come back.
    """

    def __init__(self, what: str, most: int, retry_after_s: int = 10) -> None:
        self.what, self.most, self.retry_after_s = what, most, retry_after_s
        self._alone = threading.Lock()
        self._lock = threading.Lock()
        self.waiting = 0
        """How many are under way or waiting."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for those before, or raise a 503 where too many wait."""
        with self._lock:
            is_full = self.waiting >= self.most
            self.waiting += not is_full
        if is_full:
            raise HTTPException(
                503,
                f"{self.most} {self.what} are under way or waiting, the most at once. "
                f"Try again in {self.retry_after_s} seconds.",
                headers={"Retry-After": str(self.retry_after_s)},
            )
        try:
            with self._alone, turn():
                yield
        finally:
            with self._lock:
                self.waiting -= 1


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
