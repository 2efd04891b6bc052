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

from geo_matcher.catchments import minutes_from_homes, place_minutes
from geo_matcher.destinations import DESTINATIONS
from geo_matcher.errors import DataError, DriveError
from geo_matcher.floating_catchment import Shares, floating_catchment
from geo_matcher.journeys import Journeys
from geo_matcher.territory import Territory

__all__ = ["COUNTED_AS_ONE", "PER_PEOPLE", "Supply", "published_apl", "supply_of"]

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
        What there is within reach of anybody.
    places
        Where it is: ``name`` or commune, ``insee_code``, ``amount``, ``people``, the weighted
        inhabitants who share it.
    """

    destination: str
    unit: str
    per_10000: pd.Series
    total: float
    places: pd.DataFrame

    def as_dict(self) -> dict[str, Any]:
        """Return plain types, figures to 0.001."""
        return {
            "destination": self.destination,
            "unit": self.unit,
            "total": self.total,
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
    if counted is not None:
        unit, places = counted
        minutes = minutes_from_homes(Journeys.of(territory), territory.communes, places)
    elif destination in COUNTED_AS_ONE:
        places, minutes = place_minutes(territory, destination)
        places = places[["name", "insee_code"]].assign(amount=1.0)
        unit = "places"
    else:
        place_minutes(territory, destination)  # refuses what is no destination
        raise DriveError(
            f"The release says where {destination} is to be found, not how much of it there is. "
            "Add a table `supply` with the amounts, or ask for one of "
            f"{', '.join(COUNTED_AS_ONE)}."
        )
    people = territory.communes["population"].to_numpy(dtype=np.float64)
    shares = floating_catchment(minutes, people, places["amount"])
    return Supply(destination, unit, _per_10000(territory, shares), shares.reached,
                  places.assign(people=places["amount"].to_numpy() / shares.ratio))  # fmt: skip


def _per_10000(territory: Territory, shares: Shares) -> pd.Series:
    return pd.Series(shares.per_person * PER_PEOPLE, index=list(territory.codes))


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
    known = rows[rows["insee_code"].isin(halls.index)].reset_index(drop=True)
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
