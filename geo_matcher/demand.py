"""How many newcomers would look at each commune first.

Hides the draws behind every measure of demand. The newcomers are those of ``newcomers``: assumed,
not surveyed. Each of them is given a few draws, a draw being weights that their words allow and one
state of the data, as in ``robustness``; the share of the draws in which a commune is among their
first places is the odds that they see it there. Odds added up over the newcomers are the expected
number of newcomers who do.

Every newcomer has a random source of their own, made of the seed and their number: what is measured
later on the same draws, with some figures changed, differs by that change alone (common random
numbers), and a smaller population is the beginning of a larger one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_matcher.decision import decision_matrix
from geo_matcher.errors import PlanError
from geo_matcher.matching import LimitOutcome, limit_outcomes
from geo_matcher.newcomers import DEFAULT_SEED, MAX_SIZE, MIN_SIZE, population
from geo_matcher.profile import Profile
from geo_matcher.territory import SCOPES, Territory
from geo_matcher.uncertainty import QUANTILES, value_quantiles
from geo_matcher.weights import weight_region

__all__ = [
    "DEFAULT_DRAWS",
    "DEFAULT_PROFILES",
    "FIRST_PLACES",
    "MAX_DRAWS",
    "MIN_DRAWS",
    "Demand",
    "NewcomerDraws",
    "demand",
    "demand_problems",
    "draws_of_newcomers",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]
Float32Array = NDArray[np.float32]

FIRST_PLACES = (5, 10)
"""Numbers of first places that are looked at, in rising order."""

DEFAULT_PROFILES = 500
DEFAULT_DRAWS = 40
"""Draws of each newcomer; with the default population, 20,000 in all."""

MIN_DRAWS, MAX_DRAWS = 2, 1_000

LUCK = 1e-9
"""Largest amount, in scores from 0 to 1, that puts equal scores in a random order."""


@dataclass(frozen=True, eq=False)
class NewcomerDraws:
    """One newcomer's draws: draws × communes, in the order of the territory.

    Attributes
    ----------
    profile
        The newcomer.
    used
        Columns of the criteria that count for them.
    weights
        Draws × used criteria.
    levels
        Which of the equally probable figures each cell has: draws × communes × used criteria.
    values
        The values that these figures have.
    score
        Scores from 0 to 1 of every commune, listed or not.
    is_listed
        Whether each commune is in the scope and keeps within the limits, as in a ranking.
    in_scope
        Whether each commune is in the scope.
    limits
        What each of the newcomer's limits does.
    """

    profile: Profile
    used: IntArray
    weights: FloatArray
    levels: NDArray[np.uint8]
    values: FloatArray
    score: FloatArray
    is_listed: BoolArray
    in_scope: BoolArray
    limits: tuple[LimitOutcome, ...]

    @cached_property
    def first(self) -> IntArray:
        """Communes of the first places in each draw, best first: draws × the most places.

        Where fewer are listed, communes with a score of minus infinity in :attr:`first_score` fill
        the row and count for nothing.
        """
        shown = np.where(self.is_listed, self.score, -np.inf)
        places = min(FIRST_PLACES[-1], shown.shape[1])
        top = np.argpartition(-shown, places - 1, axis=1)[:, :places]
        order = np.argsort(-np.take_along_axis(shown, top, axis=1), axis=1)
        return np.asarray(np.take_along_axis(top, order, axis=1))

    @cached_property
    def first_score(self) -> FloatArray:
        """Scores of :attr:`first`."""
        found = np.take_along_axis(self.score, self.first, axis=1)
        return np.where(self.is_listed[self.first], found, -np.inf)

    def cut(self, places: int) -> FloatArray:
        """Return the score of the last of the first places; minus infinity where it is empty."""
        if places > self.first_score.shape[1]:
            return np.full(len(self.score), -np.inf)
        return np.asarray(self.first_score[:, places - 1])

    def odds(self, places: int) -> FloatArray:
        """Return the share of the draws in which each commune is among the first places."""
        counted = np.isfinite(self.first_score[:, :places])
        seen = np.bincount(self.first[:, :places][counted], minlength=self.score.shape[1])
        return np.asarray(seen / len(self.score))


def draws_of_newcomers(
    territory: Territory,
    profiles: Sequence[Profile],
    scope: str,
    *,
    draws: int = DEFAULT_DRAWS,
    seed: int = DEFAULT_SEED,
) -> Iterator[NewcomerDraws]:
    """Yield the draws of each newcomer in turn.

    Parameters
    ----------
    territory
        The release.
    profiles
        The newcomers.
    scope
        Among which communes they choose.
    draws
        Draws of each.
    seed
        Same seed and same place in the population: same draws.
    """
    matrix = decision_matrix(territory)
    in_scope = territory.in_scope(scope)
    n = len(matrix.codes)
    for number, profile in enumerate(profiles):
        rng = np.random.default_rng([seed, number])
        used = np.flatnonzero(profile.weights > 0)
        weights = weight_region(profile).sample(draws, rng)[:, used]
        levels = rng.integers(0, QUANTILES, size=(draws, n, len(used)), dtype=np.uint8)
        functions = {matrix.column(name): f for name, f in profile.value_functions.items()}
        table = value_quantiles(territory, matrix, functions)[:, used]
        values = _chosen(table, levels)
        score = np.matmul(values, weights[:, :, np.newaxis])[:, :, 0]
        score += LUCK * rng.random(score.shape)
        limits = tuple(limit_outcomes(matrix, profile))
        is_listed = in_scope.copy()
        for outcome in limits:
            is_listed &= ~outcome.misses
        yield NewcomerDraws(
            profile, used, weights, levels, values, score, is_listed, in_scope, limits
        )


def _chosen(table: Float32Array, levels: NDArray[np.uint8]) -> FloatArray:
    """Return the values at the chosen levels."""
    n, k, count = table.shape
    start = np.arange(n * k, dtype=np.intp).reshape(n, k) * count
    return np.asarray(
        np.ascontiguousarray(table).reshape(-1).take(levels + start).astype(np.float64)
    )


@dataclass(frozen=True, eq=False)
class Demand:
    """Expected newcomers of each commune, rows in the order of the territory.

    Attributes
    ----------
    territory, scope, draws, seed
        What was asked.
    profiles
        The newcomers.
    odds
        For each number of first places, the odds that each newcomer (row) sees each commune
        (column) there.
    """

    territory: Territory
    scope: str
    draws: int
    seed: int
    profiles: tuple[Profile, ...]
    odds: Mapping[int, FloatArray]

    def expected(self, places: int) -> FloatArray:
        """Return the expected number of newcomers in whose first places each commune stands."""
        return np.asarray(self.odds[places].sum(axis=0))

    def draws_error(self, places: int) -> FloatArray:
        """Return the standard error of :meth:`expected` that more draws would remove."""
        p = self.odds[places]
        return np.asarray(np.sqrt((p * (1.0 - p)).sum(axis=0) / (self.draws - 1)))

    def population_error(self, places: int) -> FloatArray:
        """Return the standard error of :meth:`expected` over other populations of the same size.

        It holds that of the draws.
        """
        p = self.odds[places]
        return np.asarray(
            np.maximum(self.draws_error(places), np.sqrt(len(p)) * p.std(axis=0, ddof=1))
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the demand in plain types, the most expected commune first."""
        rows = np.flatnonzero(self.territory.in_scope(self.scope))
        most = self.expected(FIRST_PLACES[0])
        ordered = rows[np.lexsort((rows, -most[rows]))].tolist()
        columns = {
            places: [
                column.tolist()
                for column in (
                    self.expected(places), self.draws_error(places), self.population_error(places)
                )
            ]
            for places in FIRST_PLACES
        }  # fmt: skip
        return {
            "release": self.territory.release_id,
            "scope": self.scope,
            "population": "assumed",
            "profiles": len(self.profiles),
            "draws": self.draws,
            "seed": self.seed,
            "communes": [
                {
                    "insee_code": self.territory.codes[row],
                    "name": self.territory.facts[row]["name"],
                    **{
                        f"top_{places}": dict(
                            zip(
                                ("expected", "draws_error", "population_error"),
                                (column[row] for column in found),
                                strict=True,
                            )
                        )
                        for places, found in columns.items()
                    },
                }
                for row in ordered
            ],
        }


def demand_problems(scope: str, profiles: int, draws: int, seed: int) -> list[str]:
    """Return what is wrong with what is asked of a population, one sentence each."""
    found = []
    if scope not in SCOPES:
        found.append(f"scope is {scope[:40]!r}, expected one of {', '.join(SCOPES)}")
    if not MIN_SIZE <= profiles <= MAX_SIZE:
        found.append(f"profiles is {profiles}, expected {MIN_SIZE} to {MAX_SIZE:,} newcomers")
    if not MIN_DRAWS <= draws <= MAX_DRAWS:
        found.append(f"draws is {draws}, expected {MIN_DRAWS} to {MAX_DRAWS:,} for each newcomer")
    if seed < 0:
        found.append(f"seed is {seed}, expected 0 or more")
    return found


def demand(
    territory: Territory,
    scope: str = "all",
    *,
    profiles: int = DEFAULT_PROFILES,
    draws: int = DEFAULT_DRAWS,
    seed: int = DEFAULT_SEED,
) -> Demand:
    """Return the newcomers expected in each commune, over an assumed population.

    Parameters
    ----------
    territory
        The release.
    scope
        Among which communes newcomers choose.
    profiles
        Size of the population.
    draws
        Draws of each newcomer.
    seed
        Draws the population and everything else.

    Raises
    ------
    PlanError
        If an argument is out of range; all problems are listed.
    """
    if problems := demand_problems(scope, profiles, draws, seed):
        raise PlanError("The demand cannot be measured: " + "; ".join(problems), problems)
    newcomers = population(profiles, seed)
    seen: dict[int, list[FloatArray]] = {places: [] for places in FIRST_PLACES}
    for drawn in draws_of_newcomers(territory, newcomers, scope, draws=draws, seed=seed):
        for places, rows in seen.items():
            rows.append(drawn.odds(places))
    odds = {places: np.array(rows) for places, rows in seen.items()}
    return Demand(territory, scope, draws, seed, newcomers, MappingProxyType(odds))
