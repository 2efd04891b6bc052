"""How long the drive is from one commune to any other.

Hides the town-hall network of a release, built once. The minutes are those of the travel times:
from a point of the commune to its town hall, then town hall to town hall, to 0.01 min.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from geo_matcher.access import TownHallNetwork, access_minutes
from geo_matcher.errors import DataError
from geo_matcher.territory import Territory

__all__ = ["leave_minutes", "town_hall_network"]


@lru_cache(maxsize=8)
def town_hall_network(territory: Territory) -> TownHallNetwork:
    """Return the network of a release; made once.

    Raises
    ------
    DataError
        If the release lacks the tables that it is made of.
    """
    tables = territory.tables
    if missing := [t for t in ("town_halls_80km", "adjacency_80km") if t not in tables]:
        raise DataError(
            f"The release {territory.release_id} lacks {' and '.join(missing)}, which the drive to "
            "a bourg is made of. Use a release that holds them."
        )
    return TownHallNetwork.from_tables(tables["town_halls_80km"], tables["adjacency_80km"])


@lru_cache(maxsize=8)
def leave_minutes(territory: Territory) -> Mapping[str, float]:
    """Return the drive from a point of each commune to its own town hall; made once."""
    areas_km2 = territory.communes["area_km2"].to_numpy(dtype=np.float64)
    minutes = access_minutes(areas_km2).tolist()
    return MappingProxyType(dict(zip(territory.codes, minutes, strict=True)))
