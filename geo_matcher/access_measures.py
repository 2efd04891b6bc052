"""The table of access: what each commune's place on the roads means for a week and for a market.

Hides which measures the build stores, so that a page or a map need not wait for them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo_matcher.baskets import Market, week_of_errands
from geo_matcher.catchments import CUTOFFS_MIN, inhabitants_within
from geo_matcher.destinations import DAILY_SERVICES, DESTINATIONS
from geo_matcher.journeys import Journeys
from geo_matcher.supply import PER_PEOPLE, shared

__all__ = ["access_measures", "inhabitants_column"]


def inhabitants_column(cutoff_min: float) -> str:
    """Return the column that counts the inhabitants within a cutoff."""
    return f"inhabitants_{cutoff_min:g}min"


def access_measures(
    journeys: Journeys, communes: pd.DataFrame, places: pd.DataFrame, times: pd.DataFrame
) -> pd.DataFrame:
    """Compute the measures of access of every commune of a release.

    Parameters
    ----------
    journeys
        The drives.
    communes
        ``insee_code``, ``area_km2``, ``population``.
    places
        Every place: ``kind``, ``insee_code``, ``lon``, ``lat``.
    times
        The travel times of the release: ``insee_code``, ``destination``, ``status``.

    Returns
    -------
    pandas.DataFrame
        One row per commune, in their order; see ``data/communes/README.md`` for the columns.
    """
    codes = list(communes["insee_code"])
    errands = week_of_errands(Market.of(journeys, communes, places))
    bounds = times[times["destination"].isin(DAILY_SERVICES) & (times["status"] == "upper_bound")]
    is_bound = np.isin(codes, bounds["insee_code"].unique())
    daily = times[times["destination"].isin(DAILY_SERVICES) & (times["status"] == "unknown")]
    unlisted = daily["insee_code"].unique()
    work_times = times.loc[times["destination"] == "workplace", "status"]
    is_listed = not (work_times == "unknown").all()
    has_way = errands["errands_week_min"].notna()
    near = inhabitants_within(journeys, codes)
    kinds = {known.name: known.place_kinds for known in DESTINATIONS}["workplace"]
    work = places[places["kind"].isin(kinds)]
    shares, _ = shared(journeys, communes, work, np.ones(len(work)))
    per_person = pd.Series(shares.per_person, index=journeys.halls.index).loc[codes].to_numpy()
    return pd.DataFrame(
        {
            "insee_code": codes,
            "errands_week_min": errands["errands_week_min"].round(1),
            "basket_min": errands["basket_min"].round(1),
            "basket_stops": errands["basket_stops"].astype("Int64"),
            "errands_status": np.select(
                [np.isin(codes, unlisted), ~has_way, is_bound],
                ["unknown", "unreachable", "upper_bound"],
                "estimated",
            ),
            **{
                inhabitants_column(cutoff): near[cutoff].to_numpy(dtype=np.int64)
                for cutoff in CUTOFFS_MIN
            },
            "workplaces_per_10000": np.where(is_listed, per_person * PER_PEOPLE, np.nan).round(3),
        }
    )
