"""Which communes no weights put ahead, and which nearly meet a limit.

Hides the comparison of every listed pair, by the values that count and by the ends of what is not
known: a pair says whether it holds whatever the unknown figures are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_matcher.errors import ProfileError
from geo_matcher.matching import Ranking

__all__ = ["Dominance", "dominated", "near_misses_within"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Dominance:
    """A commune than which another is at least as good on every criterion and better on one.

    Attributes
    ----------
    insee_code, name
        The commune that is dominated: no weights put it ahead of the other.
    dominator, dominator_name
        The other.
    certain
        Whether this holds whatever the figures that are unknown or known only as a bound.
    behind_points
        Points between the two scores.
    """

    insee_code: str
    name: str
    dominator: str
    dominator_name: str
    certain: bool
    behind_points: float

    def as_dict(self) -> dict[str, Any]:
        """Return the pair in plain types."""
        return {
            "insee_code": self.insee_code,
            "name": self.name,
            "dominator": self.dominator,
            "dominator_name": self.dominator_name,
            "certain": self.certain,
            "behind_points": self.behind_points,
        }


def dominated(ranking: Ranking, *, certain: bool = False) -> Mapping[str, Dominance]:
    """Return the listed communes that another one dominates.

    A commune is dominated (Pareto) when another is at least as good on every criterion that the
    profile uses and better on one. By default the values that count are compared, with unknown
    figures in the middle of their interval, and each pair says whether it is certain all the same.

    Parameters
    ----------
    ranking
        The ranking as it is.
    certain
        Keep only pairs that hold whatever is unknown: the best case of the dominated commune is
        compared with the worst case of the dominator.

    Returns
    -------
    mapping of str to Dominance
        By INSEE code of the dominated commune, in the order of the codes, each with its best scored
        dominator (ties by code).
    """
    rows = ranking.order
    used = np.flatnonzero(ranking.weights > 0)
    cells = np.ix_(rows, used)
    surely = _dominates(ranking.values_min[cells], ranking.values_max[cells])
    values = ranking.values[cells]
    pairs = surely if certain else _dominates(values, values)
    first = pairs.argmax(axis=0) if len(rows) else rows
    found = {}
    for place in np.flatnonzero(pairs.any(axis=0)).tolist():
        row, other = int(rows[place]), int(rows[first[place]])
        code, name = _identity(ranking, row)
        found[code] = Dominance(
            code,
            name,
            *_identity(ranking, other),
            certain=bool(surely[first[place], place]),
            behind_points=(ranking.score[other] - ranking.score[row]).item(),
        )
    return MappingProxyType(dict(sorted(found.items())))


def _dominates(worst: FloatArray, best: FloatArray) -> NDArray[np.bool_]:
    """Tell whether row i at its worst dominates row j at its best, for all i and j."""
    n = len(worst)
    never_less = np.ones((n, n), dtype=np.bool_)
    once_more = np.zeros((n, n), dtype=np.bool_)
    for low, high in zip(worst.T, best.T, strict=True):  # one criterion at a time: n² of memory
        never_less &= low[:, None] >= high
        once_more |= low[:, None] > high
    return never_less & once_more


def _identity(ranking: Ranking, row: int) -> tuple[str, str]:
    """Return the code and the name of a commune."""
    return ranking.matrix.codes[row], ranking.territory.facts[row]["name"]


def near_misses_within(ranking: Ranking, tolerance: float) -> list[dict[str, Any]]:
    """Return the best communes that miss a single limit by at most a share of it.

    Parameters
    ----------
    ranking
        The ranking as it is.
    tolerance
        Share of the limit, 0 to 1: with 0.1, a limit of 20 min is nearly met at 22 min.

    Returns
    -------
    list of dict
        As :meth:`Ranking.near_misses`.

    Raises
    ------
    ProfileError
        If the tolerance is not between 0 and 1.
    """
    if not 0.0 <= tolerance <= 1.0:
        raise ProfileError(
            f"The tolerance is {tolerance:g}, expected a share of the limit between 0 and 1; "
            "0.25 is a quarter of it."
        )
    return ranking.near_misses(tolerance)
