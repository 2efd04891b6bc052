"""Figures of the layers about driving: hours at the wheel, errands, people and work places around.

Hides which of them depend on a household, and what is known of each figure.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo_matcher.catchments import SLACK_MIN, place_drives
from geo_matcher.decision import Status
from geo_matcher.territory import Territory
from geo_matcher.wheel import Trips, errands_are_bounds, hours_of_trips

__all__ = ["DRIVING", "driving_figures", "reach_limit_min", "reached_places"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int8]

DRIVING = (
    "wheel_hours",
    "errands_week_min",
    "basket_min",
    "inhabitants_30min",
    "workplaces_per_10000",
    "workplaces_reached",
)
"""Columns that this module gives figures of."""

_ERRANDS = ("errands_week_min", "basket_min")


NEAR_WORK_MIN = 15.0
"""Minutes within which a work place is near, where no published count says (an assumption)."""


def reach_limit_min(territory: Territory) -> float:
    """Return the minutes within which a commune counts as reached by a work place.

    They meet the count that the network has published; without one, they are ``NEAR_WORK_MIN``.
    """
    reach = territory.parameters.get("network_reach")
    return NEAR_WORK_MIN if reach is None else float(reach["minutes"])


def reached_places(territory: Territory) -> NDArray[np.int64]:
    """Return how many known work places each commune reaches within the minutes of the network."""
    _, minutes, _ = place_drives(territory, "workplace")
    is_reached = minutes <= reach_limit_min(territory) + SLACK_MIN
    return np.asarray(is_reached.sum(axis=1), dtype=np.int64)


def driving_figures(
    territory: Territory, column: str, trips: Trips = ()
) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return the figure of each commune, its best case and what is known of it.

    Parameters
    ----------
    territory
        A loaded release.
    column
        One of ``DRIVING``.
    trips
        What a household drives to beside errands, from :func:`geo_matcher.wheel.trips_of`; only
        hours at the wheel follow it.

    Returns
    -------
    tuple of arrays
        Figures, ``inf`` out of reach; best cases, NaN where a bound has none that is known; and a
        :class:`~geo_matcher.decision.Status` for each.
    """
    if column == "workplaces_reached":
        values = reached_places(territory).astype(np.float64)
        low, is_bound = values.copy(), np.zeros(len(values), dtype=np.bool_)
    elif column == "wheel_hours":
        values, low = hours_of_trips(territory, trips)
        is_errand_bound = errands_are_bounds(territory)
        is_bound = is_errand_bound | (low < values)
        low = np.where(is_errand_bound, np.nan, low)
    else:
        table = territory.tables["access_measures"].set_index("insee_code")[column]
        values = table.reindex(list(territory.codes)).to_numpy(dtype=np.float64, copy=True)
        is_bound = np.zeros(len(values), dtype=np.bool_)
        if column in _ERRANDS:
            is_bound = errands_are_bounds(territory)
        low = np.where(is_bound, np.nan, values)
    is_lost = np.isnan(values)
    values, low = np.where(is_lost, np.inf, values), np.where(is_lost, np.inf, low)
    status = np.select(
        [is_lost, is_bound], [Status.UNREACHABLE, Status.UPPER_BOUND], Status.ESTIMATED
    )
    return values, low, status.astype(np.int8)
