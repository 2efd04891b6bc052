"""The drive from the homes of every commune of a release to every other town hall, on its network.

Hides that it is computed once. A place that opens in a commune stands at its town hall; with roads
in the release the drive there is on roads, as that to the places it is compared with.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo_matcher.access import access_minutes
from geo_matcher.journeys import Journeys
from geo_matcher.kept import kept
from geo_matcher.territory import Territory

__all__ = ["home_minutes", "leave_minutes"]

FloatArray = NDArray[np.float64]


@kept(maxsize=8)
def leave_minutes(territory: Territory) -> FloatArray:
    """Return the drive from a point of each commune to its own town hall, in their order."""
    minutes = access_minutes(territory.communes["area_km2"].to_numpy(dtype=np.float64))
    minutes.setflags(write=False)
    return minutes


@kept(maxsize=4)
def home_minutes(territory: Territory) -> FloatArray:
    """Return minutes from the homes of each commune (rows) to each town hall (columns).

    Rounded as those of a release, so that a place that opens is compared with those that are there;
    ``inf`` where no way leads. Read only.

    Raises
    ------
    DataError
        If the release lacks the tables of the town-hall network.
    """
    codes = list(territory.codes)
    reach, _ = Journeys.of(territory).matrix(codes, codes, from_ends=True)
    minutes = np.round(reach.minutes + leave_minutes(territory)[:, None], 2)
    minutes.setflags(write=False)
    return minutes
