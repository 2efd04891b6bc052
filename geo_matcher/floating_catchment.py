"""How much of something is there for each inhabitant, when all who live near share it.

Hides the enhanced two-step floating catchment area. The nearest coworking space may be small and
wanted by many: first each place divides what it has among the people around it, then each commune
adds up what reaches it. Nearer counts more, by bands of time (Luo and Qi 2009, *Health & Place*
15:1100-1107). The measure of access to doctors that the French ministry of health publishes (APL)
is built the same way.

Nothing is lost or made: what all inhabitants can reach, added up, is what the places have, those
left out that reach nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo_matcher.errors import DataError

__all__ = ["BANDS", "Band", "Shares", "floating_catchment"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Band:
    """Minutes up to which something counts, and how much it counts there."""

    up_to_min: float
    weight: float


BANDS: tuple[Band, ...] = (Band(10.0, 1.0), Band(20.0, 0.68), Band(30.0, 0.22))
"""Bands and weights of Luo and Qi (2009), the slower decay of the two that they compare."""


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """What each commune can reach of something that all share.

    Attributes
    ----------
    per_person
        For each origin: units of supply for one person; 0 where nothing is within the bands.
    demand
        For each place: the people around it, each counting as much as the band says.
    ratio
        For each place: its supply over that; ``nan`` where nobody is.
    reached
        Supply of the places that have people within the bands.
    """

    per_person: FloatArray
    demand: FloatArray
    ratio: FloatArray
    reached: float


def _weights(minutes: FloatArray, bands: Sequence[Band]) -> FloatArray:
    edges = np.array([band.up_to_min for band in bands])
    worth = np.array([*(band.weight for band in bands), 0.0])
    return worth[np.searchsorted(edges, minutes, side="left")]


def floating_catchment(
    minutes: ArrayLike, people: ArrayLike, supply: ArrayLike, *, bands: Sequence[Band] = BANDS
) -> Shares:
    """Share the supply of places among the people around them.

    Parameters
    ----------
    minutes
        Driving minutes from each origin (rows) to each place (columns); ``inf`` where no way leads.
    people
        Inhabitants of each origin, not negative.
    supply
        What each place has, in any unit: desks, full-time doctors; not negative.
    bands
        Rising minutes, each band up to and including its end; weights between 0 and 1.

    Raises
    ------
    DataError
        If shapes do not fit, or a figure is negative or missing; all problems are listed.
    """
    minutes = np.asarray(minutes, dtype=np.float64)
    people = np.asarray(people, dtype=np.float64)
    supply = np.asarray(supply, dtype=np.float64)
    ends = [band.up_to_min for band in bands]
    problems = []
    if minutes.shape != (len(people), len(supply)):
        problems.append(
            f"minutes are {' × '.join(map(str, minutes.shape))}, expected one row for each of "
            f"{len(people)} origins and one column for each of {len(supply)} places"
        )
    for name, figures in (("minutes", minutes), ("people", people), ("supply", supply)):
        if not (figures >= 0).all():
            problems.append(f"{name} must be 0 or more, none missing")
    if not ends or sorted(set(ends)) != ends or ends[0] <= 0:
        problems.append("bands must end at rising minutes above 0")
    if not all(0 <= band.weight <= 1 for band in bands):
        problems.append("weights of bands must lie between 0 and 1")
    if problems:
        raise DataError("Supply cannot be shared: " + "; ".join(problems), problems)
    weights = _weights(minutes, bands)
    demand = people @ weights
    has_people = demand > 0
    ratio = np.divide(supply, demand, out=np.full(len(supply), np.nan), where=has_people)
    per_person = weights @ np.where(has_people, np.nan_to_num(ratio), 0.0)
    return Shares(per_person, demand, ratio, float(supply[has_people].sum()))
