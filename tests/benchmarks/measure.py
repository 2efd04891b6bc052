"""How a benchmark measures: repeated, median, and beside its peer."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Row", "median_s"]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    ``unit`` multiplies nothing: ``measured``, ``target`` and ``peer_measured`` are in it already.
    """

    what: str
    measured: float
    unit: str
    target: float | None = None
    peer: str = ""
    peer_measured: float | None = None
    larger_is_better: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the target, if any, is met."""
        if self.target is None:
            return True
        return (
            self.measured >= self.target if self.larger_is_better else self.measured <= self.target
        )

    def cells(self) -> tuple[str, ...]:
        """Return the line as text; the ratio says how many times better than the peer."""
        sign = "≥" if self.larger_is_better else "≤"
        ratio = ""
        if self.peer_measured:
            times = self.peer_measured / self.measured
            ratio = f"{1 / times if self.larger_is_better else times:.2f}×"
        return (
            self.what,
            f"{self.measured:,.3g} {self.unit}"
            if self.measured < 100
            else f"{self.measured:,.0f} {self.unit}",
            f"{sign} {self.target:g} {self.unit}" if self.target is not None else "",
            self.peer,
            f"{shown(self.peer_measured)} {self.unit}" if self.peer_measured else "",
            ratio,
        )


def shown(number: float) -> str:
    """Write a number with three digits that count."""
    return f"{number:,.3g}" if number < 100 else f"{number:,.0f}"


def median_s(call: Callable[[], object], repeats: int) -> float:
    """Return the median duration of a call in seconds, after one call to warm up."""
    call()
    durations = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    return statistics.median(durations)
