"""What a village lacks, from the figures alone.

Hides the distances from which something is said to be missing. They are the same for everybody, as
those of the red flags: a mover who does not care reads on. What no list holds is no proof of
absence, so a lack always speaks of the nearest *known* place; a kind of place of which there is no
list is said to be unlisted, never to be far or out of reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from geo_matcher.commune import describe_commune
from geo_matcher.criteria import CRITERIA, OF_NETWORK
from geo_matcher.decision import Status, decision_matrix
from geo_matcher.destinations import DAILY_SERVICES, DESTINATIONS
from geo_matcher.figure_years import figure_table
from geo_matcher.flags import DOCTOR_FAR_MIN
from geo_matcher.kept import kept
from geo_matcher.territory import Territory

__all__ = ["FAR_MIN", "LACK_KINDS", "Far", "Lack", "lacks", "lacks_of"]

FAR_MIN: Mapping[str, float] = {
    "doctor": DOCTOR_FAR_MIN,
    "primary_school": 10.0,
    "college": 20.0,
    "lycee": 30.0,
    "hospital": 30.0,
    "workplace": 20.0,
    "station": 30.0,
}
"""Drive from which a kind of place is missing, in minutes: for a school, what a bus takes from most
villages; for a station, what a weekly train can bear."""

FULL_FIBRE_SHARE = 0.99
"""Share of premises with fibre from which nothing is said to be missing."""

APART = frozenset({"partner_village"})
"""Criteria whose unknown figure is told elsewhere: the status of the village in the network."""

LACK_KINDS = ("fibre", "services", *FAR_MIN, "unlisted", "figures")
"""Every kind of lack, in the order in which they are said."""


@dataclass(frozen=True, slots=True)
class Far:
    """A kind of place that is not near.

    Attributes
    ----------
    destination
        What is looked for, a name of ``destinations.DESTINATIONS``.
    minutes
        Drive to the nearest known one, None where none can be reached.
    commune
        Where that is, None where none can be reached.
    """

    destination: str
    minutes: float | None
    commune: str | None


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that a village lacks.

    Attributes
    ----------
    kind
        One of ``LACK_KINDS``.
    sources
        Tables of the catalog that say so.
    within_min
        Drive within which there is none, in minutes; None where no drive is meant.
    far
        The places that are not near, nearest first; those that no list names, for ``unlisted``.
    count, of
        Premises without fibre, and all premises.
    criteria
        Criteria whose figure is unknown.
    """

    kind: str
    sources: tuple[str, ...]
    within_min: float | None = None
    far: tuple[Far, ...] = ()
    count: int = 0
    of: int = 0
    criteria: tuple[str, ...] = ()


def lacks(territory: Territory, insee_code: str) -> tuple[Lack, ...]:
    """Return what a village lacks, in the order of ``LACK_KINDS``.

    Parameters
    ----------
    territory
        A loaded release.
    insee_code
        The commune.

    Raises
    ------
    UnknownCommuneError
        If the release has no such commune.
    """
    return lacks_of(territory, describe_commune(territory, insee_code))


def lacks_of(territory: Territory, commune: Mapping[str, Any]) -> tuple[Lack, ...]:
    """Return what a village lacks, when it is already described.

    Parameters
    ----------
    territory
        A loaded release.
    commune
        What :func:`geo_matcher.commune.describe_commune` returned.
    """
    return tuple(_lacks(territory, commune))


def _lacks(territory: Territory, commune: Mapping[str, Any]) -> Iterator[Lack]:
    line, travel = commune["broadband"], commune["travel"]
    without, share = line["premises_without_ftth"], line["ftth_coverage_share"]
    if without and share is not None and share < FULL_FIBRE_SHARE:
        yield Lack("fibre", (line["source"],), count=without, of=line["premises"])
    near_min = territory.parameters["daily_services"]["near_min"]
    unlisted = {name for name, found in travel.items() if found["status"] == "unknown"}
    everyday = [name for name in DAILY_SERVICES if name not in unlisted]
    if far := _far(travel, everyday, near_min):
        yield Lack("services", ("shops",), within_min=near_min, far=far)
    for name, within_min in FAR_MIN.items():
        if name not in unlisted and (far := _far(travel, (name,), within_min)):
            yield Lack(name, _tables(territory, name), within_min=within_min, far=far)
    if names := [name for name in (*DAILY_SERVICES, *FAR_MIN) if name in unlisted]:
        yield Lack("unlisted", (), far=tuple(Far(name, None, None) for name in names))
    matrix = decision_matrix(territory)
    row = matrix.status[matrix.codes.index(commune["insee_code"])]
    unknown = [list(CRITERIA)[k] for k in np.flatnonzero(row == Status.MISSING).tolist()]
    apart = APART if territory.about.network is not None else APART | OF_NETWORK
    if figures := tuple(name for name in unknown if name not in apart):
        code = commune["insee_code"]
        sources = tuple(dict.fromkeys(figure_table(territory, name, code) for name in figures))
        yield Lack("figures", sources, criteria=figures)


def _far(travel: Mapping[str, Any], names: Any, within_min: float) -> tuple[Far, ...]:
    found = [
        Far(name, travel[name]["minutes"], travel[name]["nearest_commune"])
        for name in names
        if travel[name]["minutes"] is None or travel[name]["minutes"] > within_min
    ]
    return tuple(sorted(found, key=lambda far: np.inf if far.minutes is None else far.minutes))


@kept(maxsize=64)
def _tables(territory: Territory, destination: str) -> tuple[str, ...]:
    """Return the tables that the places of a destination come from."""
    kinds = next(d.place_kinds for d in DESTINATIONS if d.name == destination)
    places = territory.places
    return tuple(places[places["kind"].isin(kinds)]["source_table"].unique().tolist())
