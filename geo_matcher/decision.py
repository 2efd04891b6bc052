"""The decision matrix: every criterion of every commune, with what is known of it.

Hides how figures of a release become a matrix of raw figures, their bounds and their status, and
the values that the catalogue's functions give them. Built once per territory and never changed.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from geo_matcher.criteria import CRITERIA, ValueFunction
from geo_matcher.kept import kept
from geo_matcher.territory import Territory

__all__ = ["STATUS_WORDS", "DecisionMatrix", "Status", "decision_matrix"]

FloatArray = NDArray[np.float64]

UNKNOWN_VALUE = 0.5
"""Value at which an unknown figure counts: the middle of the interval [0, 1] that it may be in."""


class Status(enum.IntEnum):
    """What is known of one figure."""

    MEASURED = 0
    DECLARED = 1
    ESTIMATED = 2
    UPPER_BOUND = 3
    RECONSTRUCTED = 4
    UNREACHABLE = 5
    MISSING = 6

    @property
    def label(self) -> str:
        """Name used in every output that programs read."""
        return self.name.lower()


LABELS = tuple(status.label for status in Status)

STATUS_WORDS: Mapping[str, Mapping[Status, str]] = MappingProxyType(
    {
        "fr": MappingProxyType(
            {
                Status.MEASURED: "mesuré",
                Status.DECLARED: "déclaré",
                Status.ESTIMATED: "estimé",
                Status.UPPER_BOUND: "au plus",
                Status.RECONSTRUCTED: "reconstitué",
                Status.UNREACHABLE: "inaccessible",
                Status.MISSING: "manquant",
            }
        ),
        "en": MappingProxyType(
            {
                Status.MEASURED: "measured",
                Status.DECLARED: "declared",
                Status.ESTIMATED: "estimated",
                Status.UPPER_BOUND: "at most",
                Status.RECONSTRUCTED: "reconstructed",
                Status.UNREACHABLE: "unreachable",
                Status.MISSING: "missing",
            }
        ),
    }
)
"""Words for each status that people read, by language."""


@dataclass(frozen=True, eq=False)
class DecisionMatrix:
    """Criteria (columns, in the order of ``CRITERIA``) of communes (rows, sorted by INSEE code).

    Attributes
    ----------
    codes
        INSEE codes of the rows.
    criteria
        Names of the columns.
    raw
        Figures in the unit of each criterion; NaN where nothing is known, ``inf`` where a place
        cannot be reached. Where only a bound is known, the bound.
    raw_low
        Best case of a figure that is an upper bound; elsewhere equal to ``raw``.
    status
        A :class:`Status` for each figure.
    values, values_min, values_max
        Value that counts, and the interval it lies in. A bounded figure counts at its certain end,
        an unknown one in the middle of [0, 1].
    """

    codes: tuple[str, ...]
    criteria: tuple[str, ...]
    raw: FloatArray
    raw_low: FloatArray
    status: NDArray[np.int8]
    values: FloatArray
    values_min: FloatArray
    values_max: FloatArray

    @cached_property
    def known(self) -> FloatArray:
        """1.0 where a figure, or a bound of it, is known; 0.0 where nothing is."""
        return (~np.isnan(self.raw)).astype(np.float64)

    @cached_property
    def plain(self) -> list[list[tuple[float | None, float | None, str, bool]]]:
        """Figure, best case, status and whether it is unknown, of each cell, in plain types."""
        rows = zip(self.raw.tolist(), self.raw_low.tolist(), self.status.tolist(), strict=True)
        return [
            [
                (
                    raw if math.isfinite(raw) else None,
                    low if math.isfinite(low) else None,
                    LABELS[status],
                    math.isnan(raw),
                )
                for raw, low, status in zip(*row, strict=True)
            ]
            for row in rows
        ]

    @classmethod
    def from_figures(
        cls,
        codes: tuple[str, ...],
        raw: FloatArray,
        raw_low: FloatArray,
        status: NDArray[np.int8],
    ) -> DecisionMatrix:
        """Build the matrix from figures, one column per criterion of the catalogue."""
        values, low, high = (np.empty_like(raw) for _ in range(3))
        for k, criterion in enumerate(CRITERIA.values()):
            column = _column_values(criterion.value_function, raw[:, k], raw_low[:, k])
            values[:, k], low[:, k], high[:, k] = column
        for array in (raw, raw_low, status, values, low, high):
            array.setflags(write=False)
        return cls(codes, tuple(CRITERIA), raw, raw_low, status, values, low, high)

    def column(self, name: str) -> int:
        """Return the number of the column of a criterion."""
        return self.criteria.index(name)

    def values_with(
        self, functions: dict[int, ValueFunction]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return values and bounds with some value functions replaced, by column number."""
        if not functions:
            return self.values, self.values_min, self.values_max
        copies = self.values.copy(), self.values_min.copy(), self.values_max.copy()
        for k, function in functions.items():
            column = _column_values(function, self.raw[:, k], self.raw_low[:, k])
            for copy, values in zip(copies, column, strict=True):
                copy[:, k] = values
        return copies


def _column_values(
    function: ValueFunction, raw: FloatArray, raw_low: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    certain, best = function(raw), function(raw_low)
    unknown = np.isnan(raw)
    values = np.where(unknown, UNKNOWN_VALUE, certain)
    low = np.where(unknown, 0.0, np.minimum(certain, best))
    high = np.where(unknown, 1.0, np.maximum(certain, best))
    return values, low, high


@kept(maxsize=8)
def decision_matrix(territory: Territory) -> DecisionMatrix:
    """Return the decision matrix of a territory; made once, then kept."""
    n, k = len(territory.codes), len(CRITERIA)
    raw = np.full((n, k), np.nan)
    raw_low = np.full((n, k), np.nan)
    status = np.full((n, k), Status.MISSING, dtype=np.int8)
    times = territory.tables["travel_times"]
    unreachable = times.assign(far=times["status"] == "unreachable").pivot(
        index="insee_code", columns="destination", values="far"
    )
    figures = territory.indicators
    for j, criterion in enumerate(CRITERIA.values()):
        known_as = Status[criterion.quality.upper()]
        if criterion.name == "partner_village":
            raw[:, j], status[:, j] = _partner_column(territory)
            raw_low[:, j] = raw[:, j]
            continue
        if criterion.source == "travel_times":
            destination = criterion.name.removesuffix("_min")
            high = territory.minutes[destination].to_numpy()
            low = territory.minutes_low[destination].to_numpy()
            far = unreachable[destination].reindex(territory.communes.index).to_numpy(dtype=bool)
            high = np.where(far, np.inf, high)
        elif criterion.name == "daily_services_min":
            high = figures["daily_services_min"].to_numpy(dtype=np.float64)
            low = figures["daily_services_low_min"].to_numpy(dtype=np.float64)
        else:
            frame = figures if criterion.name in figures else territory.communes
            high = frame[criterion.name].to_numpy(dtype=np.float64)
            low = np.full(n, np.nan)
        bounded = ~np.isnan(low)
        raw[:, j] = high
        raw_low[:, j] = np.where(bounded, low, high)
        status[:, j] = np.select(
            [np.isnan(high), np.isinf(high), bounded],
            [Status.MISSING, Status.UNREACHABLE, Status.UPPER_BOUND],
            known_as,
        )
    return DecisionMatrix.from_figures(territory.codes, raw, raw_low, status)


def _partner_column(territory: Territory) -> tuple[FloatArray, NDArray[np.int8]]:
    """Tell what is known of each commune's partnership.

    A sourced partner is one (1). A reconstructed one may or may not be (unknown). Any other is held
    not to be one (0): sourced only when the whole list is. Where there is no network, nothing is
    known of anybody.
    """
    if territory.about.network is None:
        n = len(territory.codes)
        return np.full(n, np.nan), np.full(n, Status.MISSING, dtype=np.int8)
    evidence = territory.partner_evidence
    whole = Status.RECONSTRUCTED if "reconstructed" in evidence.values() else Status.DECLARED
    raw = np.zeros(len(territory.codes))
    status = np.full(len(territory.codes), whole, dtype=np.int8)
    for i, code in enumerate(territory.codes):
        if evidence.get(code) == "sourced":
            raw[i], status[i] = 1.0, Status.DECLARED
        elif code in evidence:
            raw[i] = np.nan
    return raw, status
