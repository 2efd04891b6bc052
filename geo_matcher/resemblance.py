"""What the figures say beyond a ranking.

Hides the space in which communes are compared: that of the catalogue's values, so that ten minutes
to a bakery and ten minutes to an airport are not the same difference. No profile takes part: twins
are the same for everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.decision import decision_matrix
from geo_matcher.kept import kept
from geo_matcher.territory import Territory

__all__ = ["MAX_TWINS", "Twin", "twins"]

FloatArray = NDArray[np.float64]

MAX_TWINS = 20
DIFFERENCES = 2
"""Number of criteria that are named as differing most."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A commune that resembles another.

    Attributes
    ----------
    insee_code, name
        Which one.
    distance
        Weighted Euclidean distance in value space: 0 for the same values, 1 for opposite ones.
    differs
        Criteria that differ most, largest first.
    """

    insee_code: str
    name: str
    distance: float
    differs: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the twin in plain types."""
        return {
            "insee_code": self.insee_code,
            "name": self.name,
            "distance": self.distance,
            "differs": list(self.differs),
        }


def twins(territory: Territory, code_or_name: str, count: int = 3) -> tuple[Twin, ...]:
    """Return the communes that resemble one most.

    Every family weighs the same, and every criterion the same inside its family. Unknown figures
    stand at the middle of their interval, as in a score.

    Parameters
    ----------
    territory
        A loaded release.
    code_or_name
        The commune.
    count
        How many, 1 to ``MAX_TWINS``.

    Raises
    ------
    UnknownCommuneError
        If the release has no such commune.
    ValueError
        If ``count`` is out of range.
    """
    if not 1 <= count <= MAX_TWINS:
        raise ValueError(f"count is {count}, expected 1 to {MAX_TWINS}")
    row = territory.codes.index(territory.find(code_or_name))
    space = _space(territory)
    # A few hundred communes: comparing with each takes less than building an index of them.
    distances = np.sqrt(((space - space[row]) ** 2).sum(axis=1))
    distances[row] = np.inf  # a commune with the very same figures may come before itself
    found = []
    for other in np.argsort(distances, kind="stable")[: min(count, len(space) - 1)].tolist():
        gaps = np.abs(space[row] - space[other])
        widest = [k for k in np.argsort(-gaps, kind="stable")[:DIFFERENCES] if gaps[k] > 0]
        facts = territory.facts[other]
        names = tuple(list(CRITERIA)[k] for k in widest)
        found.append(Twin(facts["insee_code"], facts["name"], distances[other].item(), names))
    return tuple(found)


@kept(maxsize=8)
def _space(territory: Territory) -> FloatArray:
    """Return the weighted values of every commune; made once."""
    families = [criterion.family for criterion in CRITERIA.values()]
    weights = np.array([1 / families.count(family) / len(FAMILIES) for family in families])
    return np.asarray(decision_matrix(territory).values * np.sqrt(weights))
