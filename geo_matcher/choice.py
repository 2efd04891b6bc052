"""A choice under a budget, in numbers alone: candidates, what they bring, and what must hold.

Hides how points that several candidates may bring are counted once. Knows nothing of communes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = ["FloorRows", "Problem", "Rules"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class FloorRows:
    """A floor as inequalities: ``rows @ x >= least`` for each of its rows.

    Attributes
    ----------
    label
        What it asks, in words of the scenario.
    rows
        One row per EPCI or commune concerned, one column per candidate.
    least
        What each row must reach.
    scale
        What a shortfall of each row is divided by to be compared with others: the bound itself.
    who
        EPCI or commune of each row, by code.
    """

    label: str
    unit: Literal["eur", "premises", "communes"]
    rows: sp.csr_array
    least: FloatArray
    scale: FloatArray
    who: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Rules:
    """Hard rules: ``rows @ x <= most``, beside the budget."""

    rows: sp.csr_array
    most: FloatArray


@dataclass(frozen=True, eq=False)
class Problem:
    """A choice under a budget: arrays with one entry per candidate.

    Attributes
    ----------
    commune, action
        Row of the commune, and position of the action in the scenario.
    cost
        Euros.
    benefit
        Points of its own.
    is_counted
        Whether its cost counts in the budget.
    is_decided
        Whether it is in every plan.
    targets
        Points of what several candidates may serve, counted once.
    covers
        Sparse matrix, one row per target and one column per candidate: 1 where it serves it.
    rules, floors
        What must hold.
    budget
        Euros.
    """

    commune: IntArray
    action: IntArray
    cost: FloatArray
    benefit: FloatArray
    is_counted: BoolArray
    is_decided: BoolArray
    targets: FloatArray
    covers: sp.csr_array
    rules: Rules
    floors: tuple[FloorRows, ...]
    budget: float

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.cost)

    @cached_property
    def charged(self) -> FloatArray:
        """What each candidate takes from the budget, in euros."""
        return np.where(self.is_counted, self.cost, 0.0)

    def served(self, chosen: BoolArray) -> BoolArray:
        """Tell which targets a choice serves."""
        return np.asarray(self.covers @ chosen.astype(np.float64) > 0.5)

    def value(self, chosen: BoolArray) -> float:
        """Return the points of a choice."""
        return float(self.benefit[chosen].sum() + self.targets[self.served(chosen)].sum())

    def spent(self, chosen: BoolArray) -> float:
        """Return what a choice takes from the budget."""
        return float(self.charged[chosen].sum())

    def credited(self, chosen: BoolArray) -> FloatArray:
        """Return the points of each candidate in a choice; what two serve is shared evenly."""
        times = self.covers @ chosen.astype(np.float64)
        each = np.divide(self.targets, times, out=np.zeros_like(self.targets), where=times > 0.5)
        return np.where(chosen, self.benefit + self.covers.T @ each, 0.0)

    def with_budget(self, budget: float) -> Problem:
        """Return the same choice under another budget."""
        return replace(self, budget=budget)

    def with_floors(self, floors: Sequence[FloorRows]) -> Problem:
        """Return the same choice under other floors."""
        return replace(self, floors=tuple(floors))
