"""How much of something shared there is for the inhabitants of each commune.

Hides what a place is counted as. A release may say how much each commune has of a kind (table
``supply``: desks, full-time doctors); without it a place to work counts as one place, because no
list tells its desks, and doctors are not counted at all: that one is registered says nothing of how
many there are. A published accessibility (table ``apl_doctors``) is given as published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from geo_matcher.access import access_minutes
from geo_matcher.catchments import destination_places
from geo_matcher.destinations import DESTINATIONS
from geo_matcher.errors import DataError, DriveError
from geo_matcher.floating_catchment import Shares, floating_catchment
from geo_matcher.journeys import Journeys, network_name
from geo_matcher.territory import Territory

__all__ = ["COUNTED_AS_ONE", "PER_PEOPLE", "Supply", "published_apl", "shared", "supply_of"]

COUNTED_AS_ONE = ("coworking", "telecentre", "workplace")
"""Destinations whose places count as one each where nobody says how much they have."""

PER_PEOPLE = 10_000
"""Inhabitants for which a supply is told."""


@dataclass(frozen=True, slots=True, eq=False)
class Supply:
    """What the inhabitants of each commune can reach of something that all share.

    Attributes
    ----------
    destination
        What is shared.
    unit
        What is counted: ``places``, or the unit of the release.
    per_10000
        For each commune, by INSEE code: units for 10,000 inhabitants, all who live near sharing.
    total
        What there is within reach of anybody, over the border too.
    network
        The network that the times are on.
    places
        Where it is: ``name`` or commune, ``insee_code``, ``amount``, ``people``, the weighted
        inhabitants who share it.
    """

    destination: str
    unit: str
    per_10000: pd.Series
    total: float
    network: str
    places: pd.DataFrame

    def as_dict(self) -> dict[str, Any]:
        """Return plain types, figures to 0.001."""
        return {
            "destination": self.destination,
            "unit": self.unit,
            "total": self.total,
            "network": self.network,
            "communes": [
                {"insee_code": str(code), "per_10000": round(float(figure), 3)}
                for code, figure in self.per_10000.items()
            ],
            "places": [
                {
                    "name": place["name"],
                    "insee_code": place["insee_code"],
                    "amount": float(place["amount"]),
                    "people": round(float(place["people"]), 1),
                }
                for place in self.places.to_dict("records")
            ],
        }


def supply_of(territory: Territory, destination: str) -> Supply:
    """Share what there is of a kind among the inhabitants around.

    Parameters
    ----------
    territory
        The release.
    destination
        One of ``DESTINATIONS``.

    Raises
    ------
    DriveError
        If there is no such destination, or the release does not say how much there is of it.
    """
    counted = _counted(territory, destination)
    places = destination_places(territory, destination)
    if counted is not None:
        unit, places = counted
    elif destination in COUNTED_AS_ONE:
        places = places[["name", "insee_code", "lon", "lat"]].assign(amount=1.0)
        unit = "places"
    else:
        raise DriveError(
            f"The release says where {destination} is to be found, not how much of it there is. "
            "Add a table `supply` with the amounts, or ask for one of "
            f"{', '.join(COUNTED_AS_ONE)}."
        )
    shares, network = shared(Journeys.of(territory), territory.communes, places, places["amount"])
    own = pd.Series(shares.per_person * PER_PEOPLE, index=Journeys.of(territory).halls.index)
    return Supply(
        destination,
        unit,
        own.loc[list(territory.codes)],
        shares.reached,
        network,
        places.assign(people=shares.demand),
    )


def shared(
    journeys: Journeys, communes: pd.DataFrame, places: pd.DataFrame, amounts: ArrayLike
) -> tuple[Shares, str]:
    """Share what some places have among all who live around, over the border too.

    Parameters
    ----------
    journeys
        The drives; their town halls are those that share.
    communes
        Communes of the release: ``insee_code``, ``area_km2``. Beyond it no area is known, and the
        mean drive to the own town hall is that of the release.
    places
        ``insee_code``, ``lon``, ``lat``.
    amounts
        What each has.

    Returns
    -------
    tuple
        The shares, in the order of ``journeys.halls``, and the network that the times are on.
    """
    own = access_minutes(communes["area_km2"].to_numpy(dtype=np.float64))
    known = pd.Series(own, index=list(communes["insee_code"]))
    leave = known.reindex(journeys.halls.index).fillna(own.mean()).to_numpy()
    minutes, is_road = journeys.to_places(list(journeys.halls.index), places)
    people = journeys.halls["population"].to_numpy(dtype=np.float64)
    found = floating_catchment(np.round(minutes + leave[:, None], 2), people, amounts)
    return found, network_name(is_road)


def _counted(territory: Territory, destination: str) -> tuple[str, pd.DataFrame] | None:
    """Return the unit and the amounts that the release states, each at its town hall."""
    if "supply" not in territory.tables:
        return None
    kinds = {known.name: known.place_kinds for known in DESTINATIONS}.get(destination, ())
    rows = territory.tables["supply"]
    rows = rows[rows["kind"].isin(kinds)]
    if rows.empty:
        return None
    units = sorted(set(rows["unit"]))
    if len(units) > 1:
        raise DataError(
            f"supply: {destination} is counted in {' and in '.join(units)}, which cannot be added "
            "up. Give one unit."
        )
    halls = Journeys.of(territory).halls
    known = rows.reset_index(drop=True)
    at = halls.loc[known["insee_code"]]
    return units[0], pd.DataFrame(
        {
            "name": at["name"].to_numpy(),
            "insee_code": known["insee_code"],
            "amount": known["amount"],
            "lon": at["town_hall_lon"].to_numpy(),
            "lat": at["town_hall_lat"].to_numpy(),
        }
    )


def published_apl(territory: Territory, insee_code: str) -> dict[str, Any] | None:
    """Return the published accessibility to general practitioners of a commune, as published.

    Parameters
    ----------
    territory
        The release.
    insee_code
        A commune of the release.

    Returns
    -------
    dict or None
        ``consultations`` (a year and inhabitant, standardised by age) and ``year``; ``None`` where
        the release has no such figure.
    """
    code = territory.find(insee_code)
    if "apl_doctors" not in territory.tables:
        return None
    table = territory.tables["apl_doctors"]
    for row in table[table["insee_code"] == code].to_dict("records"):
        return {"consultations": float(row["apl_consultations"]), "year": int(row["year"])}
    return None
