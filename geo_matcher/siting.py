"""Where new coworking spaces would bring most people near a work place.

Hides the solver. The maximal covering location problem (Church and ReVelle 1974, *Papers of the
Regional Science Association* 32:101-118) chooses p places so that the demand within T minutes of
one of them is largest; the work places that exist are fixed, and demand that they reach already
does not count. It is solved exactly by HiGHS (Huangfu and Hall 2018, *Mathematical Programming
Computation* 10:119-142); the greedy choice, one place at a time, stands beside it.

The best p places need not contain the best p - 1: a curve over p is one solution for each p. It
never falls; it need not be concave.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from geo_matcher.demand import (
    DEFAULT_DRAWS,
    DEFAULT_PROFILES,
    FIRST_PLACES,
    demand,
    demand_problems,
)
from geo_matcher.drives import home_minutes
from geo_matcher.errors import PlanError
from geo_matcher.newcomers import DEFAULT_SEED
from geo_matcher.territory import SCOPES, Territory

__all__ = [
    "MAX_COUNT",
    "MAX_WITHIN_MIN",
    "Cover",
    "DemandKind",
    "Site",
    "Siting",
    "SitingStep",
    "best_cover",
    "greedy_cover",
    "site_coworking",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]

DemandKind = Literal["newcomers", "population"]
"""Whose demand counts: newcomers expected in each commune, or those who live there."""

DEMAND_KINDS: tuple[str, ...] = get_args(DemandKind)

MAX_COUNT = 30
MAX_WITHIN_MIN = 120.0

TIME_LIMIT_S = 20.0
"""Seconds that one solution may take; then the best found stands, with its gap."""

OPTIMAL = 0


# --- The covering problem ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cover:
    """Places chosen among candidates.

    Attributes
    ----------
    chosen
        Candidates, in rising order; fewer than asked where more would reach nobody new.
    covered
        Demand that they reach.
    bound
        Demand that no choice can exceed, as far as is proven.
    """

    chosen: tuple[int, ...]
    covered: float
    bound: float

    @property
    def gap(self) -> float:
        """How far the bound is above, as a share of what is covered; 0 is proven optimal."""
        return 0.0 if self.bound <= self.covered else self.bound / max(self.covered, 1e-12) - 1.0


def best_cover(
    reaches: BoolArray, demanded: FloatArray, count: int, *, time_limit_s: float = TIME_LIMIT_S
) -> Cover:
    """Choose at most ``count`` candidates that reach the largest demand.

    Parameters
    ----------
    reaches
        Which points each candidate reaches: candidates × points.
    demanded
        Demand of each point, none negative.
    count
        How many, 1 or more.
    time_limit_s
        Seconds after which the best found is returned, with the bound proven so far.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, eye_array, hstack

    greedy = greedy_cover(reaches, demanded, count)
    points = np.flatnonzero((demanded > 0) & reaches.any(axis=0))
    if not points.size or len(greedy.chosen) < count:  # greedy stopped: everything is reached
        return Cover(greedy.chosen, greedy.covered, greedy.covered)
    # Points that the same candidates reach are one; a candidate that reaches no more than another
    # is never needed.
    columns, group = np.unique(reaches[:, points], axis=1, return_inverse=True)
    weight = np.bincount(group.ravel(), demanded[points])
    kept = _undominated(columns)
    columns = columns[kept]
    n, m = columns.shape
    scale = weight.sum() / 1000.0
    covering = hstack([csr_array(-columns.T.astype(np.float64)), eye_array(m)], format="csr")
    chosen = csr_array(np.r_[np.ones(n), np.zeros(m)][np.newaxis])
    solved = milp(
        c=np.r_[np.zeros(n), -weight / scale],
        integrality=np.r_[np.ones(n), np.zeros(m)],
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(covering, ub=np.zeros(m)),
            LinearConstraint(chosen, ub=np.array([float(count)])),
        ],
        options={"mip_rel_gap": 0.0, "time_limit": time_limit_s},
    )
    found = greedy
    if solved.x is not None:
        own = _covered(kept[np.flatnonzero(solved.x[:n] > 0.5)], reaches, demanded)
        found = own if own.covered > greedy.covered else greedy
    if solved.status == OPTIMAL:
        return Cover(found.chosen, found.covered, found.covered)
    proven = -math.inf if solved.mip_dual_bound is None else solved.mip_dual_bound
    bound = min(weight.sum().item(), -proven * scale)
    return Cover(found.chosen, found.covered, max(found.covered, bound))


def greedy_cover(reaches: BoolArray, demanded: FloatArray, count: int) -> Cover:
    """Choose one candidate at a time, each the one that adds most; the first in case of a tie.

    It reaches at least 1 - 1/e of the optimum (Nemhauser, Wolsey and Fisher 1978, *Mathematical
    Programming* 14:265-294).

    Parameters
    ----------
    reaches, demanded, count
        As for :func:`best_cover`.
    """
    left = demanded.astype(np.float64)
    chosen: list[int] = []
    while len(chosen) < count:
        added = reaches @ left
        best = int(added.argmax()) if added.size else -1
        if best < 0 or added[best] <= 0:
            break
        chosen.append(best)
        left = np.where(reaches[best], 0.0, left)
    found = _covered(np.array(sorted(chosen), dtype=np.intp), reaches, demanded)
    reachable = demanded[reaches.any(axis=0)].sum().item()
    return Cover(found.chosen, found.covered, max(found.covered, reachable))


def _covered(chosen: IntArray, reaches: BoolArray, demanded: FloatArray) -> Cover:
    covered = demanded[reaches[chosen].any(axis=0)].sum().item()
    return Cover(tuple(chosen.tolist()), covered, covered)


def _undominated(reaches: BoolArray) -> IntArray:
    """Return the candidates that reach something no other candidate reaches as well and more."""
    counts = reaches.astype(np.int64)
    size = counts.sum(axis=1)
    is_within = (counts @ counts.T) == size[:, np.newaxis]
    number = np.arange(len(size))
    is_larger = (size > size[:, np.newaxis]) | (
        (size == size[:, np.newaxis]) & (number < number[:, np.newaxis])
    )
    return np.flatnonzero(~(is_within & is_larger).any(axis=1) & (size > 0))


# --- Results -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Site:
    """A commune where a space would open.

    Attributes
    ----------
    insee_code, name, epci, population
        Which one.
    demand
        Demand newly reached for which it is the nearest of the new ones.
    reached
        INSEE codes of the communes that this demand is in.
    """

    insee_code: str
    name: str
    epci: str
    population: int
    demand: float
    reached: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SitingStep:
    """The best choice of a number of new spaces.

    Attributes
    ----------
    count
        How many may open.
    sites
        Where, the most demand first; fewer where more would reach nobody new.
    covered
        Demand that they newly reach together.
    added
        How much more than with one less.
    share
        ``covered`` as a share of the demand unmet today; 1 where none is.
    greedy_covered
        What choosing one at a time would reach.
    gap
        How far ``covered`` may be from the best, as a share of it; 0 is proven optimal.
    """

    count: int
    sites: tuple[Site, ...]
    covered: float
    added: float
    share: float
    greedy_covered: float
    gap: float


@dataclass(frozen=True, eq=False)
class Siting:
    """Where new coworking spaces would reach most of the demand unmet today.

    Attributes
    ----------
    release, scope, demand, within_min
        What was asked.
    profiles, draws, seed
        The assumed population; None where those who live there count.
    total, met, unmet
        Demand of the scope, that within reach of a work place today, and the rest.
    unsure
        The part of ``unmet`` for which a place beyond the border, which no list tells, may be
        within reach already.
    candidates
        Number of communes where a space may open.
    steps
        One for each number of spaces, from 1.
    """

    release: str
    scope: str
    demand: DemandKind
    within_min: float
    profiles: int | None
    draws: int | None
    seed: int | None
    total: float
    met: float
    unmet: float
    unsure: float
    candidates: int
    steps: tuple[SitingStep, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the siting in plain types."""
        plain = asdict(self)
        for step in plain["steps"]:
            step["sites"] = [site | {"reached": list(site["reached"])} for site in step["sites"]]
        return plain | {"steps": list(plain["steps"]), "status": "estimated"}


# --- Asking ------------------------------------------------------------------------------------


def site_coworking(
    territory: Territory,
    *,
    count: int,
    within_min: float,
    scope: str = "all",
    kind: str = "newcomers",
    candidates: str = "all",
    least_population: int = 0,
    profiles: int = DEFAULT_PROFILES,
    draws: int = DEFAULT_DRAWS,
    seed: int = DEFAULT_SEED,
    time_limit_s: float = TIME_LIMIT_S,
) -> Siting:
    """Choose where new coworking spaces reach most of the demand that no work place reaches.

    Parameters
    ----------
    territory
        The release; its coworking spaces, third places, fab labs and telecentres are fixed.
    count
        Most new spaces, 1 to ``MAX_COUNT``; every smaller number is solved too.
    within_min
        Minutes of driving within which demand is reached.
    scope
        Communes whose demand counts; newcomers choose among them.
    kind
        A ``DemandKind``. Newcomers are those in whose first five places a commune stands.
    candidates
        Scope in which a space may open.
    least_population
        Inhabitants that a commune needs for a space to open there.
    profiles, draws, seed
        The assumed population of newcomers.
    time_limit_s
        Seconds that each number of spaces may take.

    Raises
    ------
    PlanError
        If an argument is out of range or no commune is left where a space may open; all problems
        are listed.
    """
    problems = demand_problems(scope, profiles, draws, seed)
    if not 1 <= count <= MAX_COUNT:
        problems.append(f"count is {count}, expected 1 to {MAX_COUNT} new spaces")
    if not 0 < within_min <= MAX_WITHIN_MIN:
        problems.append(f"within is {within_min:g}, expected more than 0 and at most "
                        f"{MAX_WITHIN_MIN:g} minutes")  # fmt: skip
    if kind not in DEMAND_KINDS:
        problems.append(f"demand is {kind[:40]!r}, expected {' or '.join(DEMAND_KINDS)}")
    people = territory.communes["population"].to_numpy(dtype=np.float64)
    if candidates not in SCOPES:
        problems.append(f"candidates is {candidates[:40]!r}, expected one of {', '.join(SCOPES)}")
    else:
        able = np.flatnonzero(territory.in_scope(candidates) & (people >= least_population))
        if not able.size:
            problems.append(
                f"no commune of the scope {candidates} has {least_population:,} inhabitants or "
                "more; lower that number"
            )
    if problems:
        raise PlanError("Spaces cannot be sited: " + "; ".join(problems), problems)
    if kind == "newcomers":
        population = demand(territory, scope, profiles=profiles, draws=draws, seed=seed)
        amounts = population.expected(FIRST_PLACES[0])
    else:
        amounts = people * territory.in_scope(scope)
    is_near = territory.minutes["workplace"].to_numpy() <= within_min
    may_be_near = territory.minutes_low["workplace"].to_numpy() <= within_min
    unmet = np.where(is_near, 0.0, amounts)
    drive = home_minutes(territory).T[able]
    reaches = drive <= within_min
    steps: list[SitingStep] = []
    best = Cover((), 0.0, 0.0)
    for number in range(1, count + 1):
        solved = best_cover(reaches, unmet, number, time_limit_s=time_limit_s)
        # One less is a solution too: it stands where time ran out before a better one was found.
        kept = Cover(best.chosen, best.covered, max(best.covered, solved.bound))
        added = max(solved.covered, kept.covered) - best.covered
        best = max(solved, kept, key=lambda cover: cover.covered)
        steps.append(
            SitingStep(
                count=number,
                sites=_sites(territory, able[list(best.chosen)], unmet, within_min),
                covered=best.covered,
                added=added,
                share=best.covered / unmet.sum().item() if unmet.any() else 1.0,
                greedy_covered=greedy_cover(reaches, unmet, number).covered,
                gap=best.gap,
            )
        )
    is_newcomers = kind == "newcomers"
    return Siting(
        release=territory.release_id,
        scope=scope,
        demand="newcomers" if is_newcomers else "population",
        within_min=within_min,
        profiles=profiles if is_newcomers else None,
        draws=draws if is_newcomers else None,
        seed=seed if is_newcomers else None,
        total=amounts.sum().item(),
        met=amounts[is_near].sum().item(),
        unmet=unmet.sum().item(),
        unsure=unmet[may_be_near].sum().item(),
        candidates=len(able),
        steps=tuple(steps),
    )


def _sites(
    territory: Territory, rows: Sequence[int] | IntArray, unmet: FloatArray, within_min: float
) -> tuple[Site, ...]:
    """Give each commune reached to the nearest of the new spaces."""
    drive = home_minutes(territory).T[np.asarray(rows, dtype=np.intp)]
    nearest = drive.argmin(axis=0) if len(drive) else np.zeros(drive.shape[1], dtype=np.intp)
    found = []
    for number, row in enumerate(rows):
        own = np.flatnonzero((nearest == number) & (drive[number] <= within_min) & (unmet > 0))
        facts = territory.facts[row]
        found.append(
            Site(
                insee_code=facts["insee_code"],
                name=facts["name"],
                epci=facts["epci"],
                population=facts["population"],
                demand=unmet[own].sum().item(),
                reached=tuple(territory.codes[j] for j in own),
            )
        )
    return tuple(sorted(found, key=lambda site: (-site.demand, site.insee_code)))
