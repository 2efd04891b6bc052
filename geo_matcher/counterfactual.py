"""What an action would change: the figures of a commune, and of all those around it.

Hides how an investment becomes other figures. Fibre changes the commune that gets it; a place that
opens shortens the drive from every commune for which it is the nearest. Only the cells that change
are kept, and they are those that a release rebuilt with the new place would hold: same network,
same rounding, same bounds (``docs/decisions/0003-town-hall-network.md``).

Membership stays as it is: the villages that the network reached are a matter of record, so a new
space makes none of them a partner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_matcher.decision import DecisionMatrix, Status, decision_matrix
from geo_matcher.destinations import DAILY_SERVICES
from geo_matcher.drives import home_minutes
from geo_matcher.indicators import daily_services
from geo_matcher.kept import kept
from geo_matcher.territory import Territory
from geo_matcher.uncertainty import figure_quantiles, time_quantiles

__all__ = ["ACTIONS", "Action", "Changes", "changes_of", "matrix_after"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

COMPLETE = 1.0
"""Share of premises once an action has reached them all."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done in a commune.

    Attributes
    ----------
    name
        How programs call it.
    label_fr, label_en
        How people call it.
    criteria
        Criteria whose figures it changes.
    destination
        What opens, one of ``destinations.DESTINATIONS``; None where no place opens and the criteria
        are shares of premises that become whole.
    """

    name: str
    label_fr: str
    label_en: str
    criteria: tuple[str, ...]
    destination: str | None = None


ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        action.name: action
        for action in (
            Action("fibre", "Fibre pour tous les locaux", "Fibre to all premises",
                   ("ftth_coverage_share", "land_30mbit_share")),
            Action("land_30mbit", "30 Mbit/s sans satellite pour tous les locaux",
                   "30 Mbit/s without satellite to all premises", ("land_30mbit_share",)),
            Action("coworking", "Un coworking", "A coworking space",
                   ("coworking_min",), "coworking"),
            Action("telecentre", "Un télécentre", "A telecentre",
                   ("telecentre_min",), "telecentre"),
            Action("doctor", "Un médecin généraliste", "A general practitioner",
                   ("doctor_min",), "doctor"),
            Action("bakery", "Une boulangerie", "A bakery",
                   ("daily_services_min",), "bakery"),
            Action("grocery", "Une épicerie", "A grocery",
                   ("daily_services_min",), "grocery"),
        )
    }
)  # fmt: skip
"""Every action whose effect can be measured, by name."""


@dataclass(frozen=True, eq=False)
class Changes:
    """The figures that an action changes, for every commune where it can be taken.

    One entry for each commune whose figures change, sorted by that commune, then by where the
    action is taken.

    Attributes
    ----------
    action
        What is done.
    columns
        Columns of the criteria that change.
    row
        Row of the commune whose figures change.
    site
        Row of the commune where the action is taken.
    raw, raw_low
        New figure, and its best case where it is an upper bound: entries × columns.
    quantiles
        Equally probable new figures: entries × columns × ``QUANTILES``.
    """

    action: Action
    columns: tuple[int, ...]
    row: IntArray
    site: IntArray
    raw: FloatArray
    raw_low: FloatArray
    quantiles: FloatArray

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.row)

    def at(self, sites: Sequence[int]) -> Changes:
        """Return the changes of the action taken in some communes only, by row."""
        kept = np.isin(self.site, np.asarray(sites, dtype=np.intp))
        return Changes(
            self.action,
            self.columns,
            self.row[kept],
            self.site[kept],
            self.raw[kept],
            self.raw_low[kept],
            self.quantiles[kept],
        )


@kept(maxsize=16)
def changes_of(territory: Territory, name: str) -> Changes:
    """Return what an action of ``ACTIONS`` changes, wherever it may be taken.

    Figures only get better: a share that is whole, or more than whole, stays; a place that is
    nearer already stays the nearest.
    """
    action = ACTIONS[name]
    matrix = decision_matrix(territory)
    columns = tuple(matrix.column(criterion) for criterion in action.criteria)
    if action.destination is None:
        return _completed(territory, matrix, action, columns)
    row, site, high, low = _opened(territory, action.destination)
    if action.destination in DAILY_SERVICES:
        high, low = _basket(territory, action.destination, row, high, low)
        better = (high < matrix.raw[row, columns[0]]) | (low < matrix.raw_low[row, columns[0]])
        row, site, high, low = (part[better] for part in (row, site, high, low))
    return Changes(
        action,
        columns,
        row,
        site,
        high[:, np.newaxis],
        low[:, np.newaxis],
        time_quantiles(territory, high, low)[:, np.newaxis],
    )


def _completed(
    territory: Territory, matrix: DecisionMatrix, action: Action, columns: tuple[int, ...]
) -> Changes:
    """Reach all premises: no doubt is left of the share, and published rates above 100 % stay."""
    rows = np.arange(len(matrix.codes))
    raw = np.fmax(matrix.raw[:, columns], COMPLETE)
    quantiles = np.fmax(figure_quantiles(territory, matrix)[:, columns], COMPLETE)
    return Changes(action, columns, rows, rows, raw, raw.copy(), quantiles)


def _opened(
    territory: Territory, destination: str
) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Open a place in each commune in turn: who gets nearer to one, and how near.

    A bound stays a bound only where its best case is still nearer than the new place.
    """
    drive = home_minutes(territory).T
    known = territory.minutes[destination].to_numpy()
    best = territory.minutes_low[destination].to_numpy()
    row, site = np.nonzero(np.where(np.isnan(known), np.inf, known)[:, np.newaxis] > drive.T)
    high = drive[site, row]
    return row, site, high, np.fmin(best[row], high)


def _basket(
    territory: Territory, service: str, row: IntArray, high: FloatArray, low: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the mean drive of everyday services when one of them gets nearer."""
    names = list(DAILY_SERVICES)
    drives = territory.minutes[names].iloc[row].reset_index(drop=True)
    drives_low = territory.minutes_low[names].iloc[row].reset_index(drop=True)
    drives[service] = high
    drives_low[service] = pd.Series(low).where(low < high)
    mean = daily_services(drives, drives_low)
    new = mean["minutes"].to_numpy(dtype=np.float64)
    return new, np.fmin(mean["minutes_low"].to_numpy(dtype=np.float64), new)


def matrix_after(territory: Territory, name: str, insee_code: str) -> DecisionMatrix:
    """Return the decision matrix as it would be once an action is taken in a commune.

    What changes is an estimate: nothing of it has been measured.

    Parameters
    ----------
    territory
        The release.
    name
        One of ``ACTIONS``.
    insee_code
        Where it is taken.
    """
    before = decision_matrix(territory)
    changes = changes_of(territory, name).at([before.codes.index(insee_code)])
    raw, raw_low, status = before.raw.copy(), before.raw_low.copy(), before.status.copy()
    cells = np.ix_(changes.row, np.array(changes.columns))
    raw[cells], raw_low[cells] = changes.raw, changes.raw_low
    is_bound = changes.raw_low < changes.raw
    status[cells] = np.where(is_bound, Status.UPPER_BOUND, Status.ESTIMATED)
    return DecisionMatrix.from_figures(before.codes, raw, raw_low, status)
