"""Filters, scores, the ledger and near misses.

Hides the arithmetic. Every commune of the territory is scored, always; scopes and limits only
choose which of them are listed, so that adding or removing a commune never moves another one. A
:class:`Ranking` keeps every intermediate array, so that nothing is computed again for display.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_matcher.criteria import CRITERIA
from geo_matcher.decision import DecisionMatrix, decision_matrix
from geo_matcher.errors import DataError
from geo_matcher.figure_years import figure_table
from geo_matcher.flags import plain_flags
from geo_matcher.origins import check_origin
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory
from geo_matcher.towns import LiveSequence

__all__ = ["NAMES", "NEAR_MISS_SHARE", "LimitOutcome", "Ranking", "limit_outcomes", "rank"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]

HELPS_FROM_VALUE = 0.6
"""Value from which a criterion can be said to help."""

DRAGS_BELOW_VALUE = 0.5
"""Value under which a criterion can be said to drag."""

HIGHLIGHTS = 2
"""Number of helps and of drags that are named."""

TIE_POINTS = 1e-9
"""Scores closer than this share a rank."""

NEAR_MISS_SHARE = 0.25
"""A commune that misses one limit by at most this share of the limit is a near miss."""

MAX_NEAR_MISSES = 5

NAMES: LiveSequence[str] = LiveSequence(lambda _: tuple(CRITERIA))
"""Names of the criteria, in the order of the columns of every array."""


@dataclass(frozen=True, eq=False)
class LimitOutcome:
    """What one hard limit does to every commune of the territory.

    Attributes
    ----------
    criterion
        Name of the criterion.
    limit
        The figure, in its unit.
    is_maximum
        Whether the figure is the most (else the least) that is accepted.
    misses
        Whether each commune surely breaks the limit, even in the best case.
    unverified
        Whether what is known is not enough to tell.
    by
        How far each commune is beyond the limit, in the best case; NaN where it is not.
    """

    criterion: str
    limit: float
    is_maximum: bool
    misses: BoolArray
    unverified: BoolArray
    by: FloatArray


@dataclass(frozen=True, eq=False)
class Ranking:
    """Communes of a scope in order of their score, with everything that made it.

    Attributes
    ----------
    territory, profile, scope
        What was ranked, for whom, among whom.
    matrix
        The decision matrix: raw figures and their status.
    weights
        Weight of each criterion; they add up to 1.
    values, values_min, values_max
        Value of each criterion for each commune, and the interval it lies in.
    points
        100 × weight × value; a row adds up to the score.
    score, score_min, score_max
        Score of every commune of the territory, 0 to 100, and the interval it lies in.
    order
        Rows of the listed communes, best first.
    ranks
        Rank of each of them; ties share one and stand in the order of their codes.
    limits
        What each hard limit does.
    """

    territory: Territory
    profile: Profile
    scope: str
    matrix: DecisionMatrix
    weights: FloatArray
    values: FloatArray
    values_min: FloatArray
    values_max: FloatArray
    points: FloatArray
    score: FloatArray
    score_min: FloatArray
    score_max: FloatArray
    order: IntArray
    ranks: IntArray
    limits: tuple[LimitOutcome, ...]

    def __len__(self) -> int:
        """Return the number of communes that are listed."""
        return len(self.order)

    @cached_property
    def max_points(self) -> FloatArray:
        """Points that each criterion can bring at most."""
        return self.weights * 100.0

    @cached_property
    def in_scope(self) -> BoolArray:
        """Whether each commune of the territory is in the scope."""
        return self.territory.in_scope(self.scope)

    @cached_property
    def completeness(self) -> FloatArray:
        """Share of the weight of each commune that rests on known figures."""
        return np.asarray(self.matrix.known @ self.weights)

    @cached_property
    def helps(self) -> IntArray:
        """Columns of the criteria that help each commune most, -1 where there are fewer."""
        helpful = (self.values >= HELPS_FROM_VALUE) * self.matrix.known
        return _largest(self.points * helpful)

    @cached_property
    def drags(self) -> IntArray:
        """Columns of the criteria that cost each commune most, -1 where there are fewer."""
        dragging = (self.values < DRAGS_BELOW_VALUE) * self.matrix.known
        return _largest((self.max_points - self.points) * dragging)

    @cached_property
    def excluded(self) -> IntArray:
        """Rows of the communes of the scope that surely break a limit, by code."""
        listed = np.zeros(len(self.score), dtype=np.bool_)
        listed[self.order] = True
        return np.flatnonzero(self.in_scope & ~listed)

    @property
    def counts(self) -> dict[str, int]:
        """Number of communes in the scope, listed, and excluded by a limit."""
        return {
            "scope": int(self.in_scope.sum()),
            "listed": len(self.order),
            "excluded": len(self.excluded),
        }

    def position(self, insee_code: str) -> int:
        """Return the row of a commune.

        Raises
        ------
        UnknownCommuneError
            If the territory has no such commune.
        """
        return self.matrix.codes.index(self.territory.find(insee_code))

    @cached_property
    def _rank_of_row(self) -> dict[int, int]:
        return dict(zip(self.order.tolist(), self.ranks.tolist(), strict=True))

    def result(self, row: int) -> dict[str, Any]:
        """Return everything about one commune in plain types; its rank is None if not listed."""
        code, names = self.matrix.codes[row], self.matrix.criteria
        facts = self.territory.facts[row]
        contributions = self._contributions(row)
        score, low, high, completeness, helps, drags = (column[row] for column in self._columns)
        return {
            "rank": self._rank_of_row.get(row),
            **facts,
            "score": score,
            "score_min": low,
            "score_max": high,
            "data_completeness": completeness,
            "helps": [names[k] for k in helps if k >= 0],
            "drags": [names[k] for k in drags if k >= 0],
            "contributions": contributions,
            "red_flags": plain_flags(self.territory)[code],
            "missing": [names[k] for k in self._used if self.matrix.plain[row][k][3]],
            "unverified_limits": list(
                dict.fromkeys(o.criterion for o in self.limits if o.unverified[row])
            ),
        }

    @cached_property
    def _columns(self) -> tuple[list[Any], ...]:
        """Score, its interval, completeness, helps and drags of every commune, in plain types."""
        return (
            self.score.tolist(),
            self.score_min.tolist(),
            self.score_max.tolist(),
            self.completeness.tolist(),
            self.helps.tolist(),
            self.drags.tolist(),
        )

    def _contributions(self, row: int) -> list[dict[str, Any]]:
        known, facts = self.matrix.plain[row], self._facts
        value, points = self.values[row].tolist(), self.points[row].tolist()
        least, most = self.values_min[row].tolist(), self.values_max[row].tolist()
        weight, top = self._weight_lists
        found = []
        for k in self._used:
            raw, low, status, _ = known[k]
            name, family, unit = facts[k]
            found.append(
                {
                    "criterion": name,
                    "family": family,
                    "raw": raw,
                    "raw_low": low,
                    "unit": unit,
                    "value": value[k],
                    "value_min": least[k],
                    "value_max": most[k],
                    "weight": weight[k],
                    "points": points[k],
                    "max_points": top[k],
                    "status": status,
                    "source": figure_table(self.territory, name, self.matrix.codes[row]),
                }
            )
        return found

    @cached_property
    def _facts(self) -> list[tuple[str, str, str]]:
        """Name, family and unit of each criterion."""
        return [
            (name, c.family, c.unit.value)
            for name, c in zip(self.matrix.criteria, CRITERIA.values(), strict=True)
        ]

    @cached_property
    def _weight_lists(self) -> tuple[list[float], list[float]]:
        return self.weights.tolist(), self.max_points.tolist()

    @cached_property
    def _used(self) -> list[int]:
        return np.flatnonzero(self.weights > 0).tolist()

    def results(self, top: int | None = None) -> list[dict[str, Any]]:
        """Return the best communes in plain types.

        Parameters
        ----------
        top
            How many at most; all of them by default. A tie at the end is listed whole.
        """
        return [self.result(row) for row in self.best(top)]

    def best(self, top: int | None = None) -> list[int]:
        """Return the rows of the best communes; see :meth:`results`."""
        rows: list[int] = self.order.tolist()
        if top is None or top >= len(rows):
            return rows
        if top <= 0:
            return []
        last = self.ranks[top - 1]
        return rows[: int(np.searchsorted(self.ranks, last, side="right"))]

    def limit_prices(self) -> list[dict[str, Any]]:
        """Return what each limit excludes and the best score that it costs.

        The price is the best score among the communes of the scope that only this limit excludes,
        less the best score that remains, and never below 0. It is None when nothing remains.
        """
        broken = self._broken()
        best = self.score[self.order].max().item() if len(self.order) else None
        prices = []
        for number, outcome in enumerate(self.limits):
            others = np.delete(broken, number, axis=0).any(axis=0)
            freed = self.in_scope & outcome.misses & ~others
            best_freed = self.score[freed].max().item() if freed.any() else None
            price = None
            if best is not None:
                price = max(0.0, best_freed - best) if best_freed is not None else 0.0
            prices.append(
                {
                    "criterion": outcome.criterion,
                    "at_most" if outcome.is_maximum else "at_least": outcome.limit,
                    "excluded": int((self.in_scope & outcome.misses).sum()),
                    "excluded_by_it_alone": int(freed.sum()),
                    "unverified": int((self.in_scope & outcome.unverified).sum()),
                    "best_score_without": best_freed,
                    "price_points": price,
                }
            )
        return prices

    def _broken(self) -> BoolArray:
        if not self.limits:
            return np.zeros((0, len(self.score)), dtype=np.bool_)
        return np.array([outcome.misses for outcome in self.limits])

    def near_misses(self, tolerance: float = NEAR_MISS_SHARE) -> list[dict[str, Any]]:
        """Return the best communes that miss a single limit by little.

        Parameters
        ----------
        tolerance
            Largest miss, as a share of the limit.
        """
        broken = self._broken()
        once = self.in_scope & (broken.sum(axis=0) == 1)
        found = []
        for outcome in self.limits:
            close = np.abs(outcome.by) <= tolerance * outcome.limit
            for row in np.flatnonzero(once & outcome.misses & close):
                found.append((-self.score[row].item(), int(row), outcome))
        found.sort(key=lambda item: item[:2])
        return [
            {
                "insee_code": self.matrix.codes[row],
                "name": self.territory.facts[row]["name"],
                "score": -negative,
                **self._miss(outcome, row),
            }
            for negative, row, outcome in found[:MAX_NEAR_MISSES]
        ]

    def _miss(self, outcome: LimitOutcome, row: int) -> dict[str, Any]:
        raw = self.matrix.raw[row, self.matrix.column(outcome.criterion)].item()
        by = outcome.by[row].item()
        return {
            "criterion": outcome.criterion,
            "raw": raw if math.isfinite(raw) else None,
            "limit": outcome.limit,
            "by": by if math.isfinite(by) else None,
        }

    def excluded_communes(self) -> list[dict[str, Any]]:
        """Return the communes of the scope that break a limit, and by how much."""
        return [
            {
                "insee_code": self.matrix.codes[row],
                "name": self.territory.facts[row]["name"],
                "limits": [self._miss(o, row) for o in self.limits if o.misses[row]],
            }
            for row in self.excluded.tolist()
        ]

    def to_dict(self, top: int | None = None) -> dict[str, Any]:
        """Return the ranking in plain types; the schema is ``docs/schemas/match.schema.json``.

        Parameters
        ----------
        top
            How many results at most; all by default.
        """
        return {
            "release": self.territory.release_id,
            "scope": self.scope,
            "profile": self.profile.model_dump(mode="json"),
            "ignored": list(self.profile.ignored),
            "counts": self.counts,
            "results": self.results(top),
            "excluded": self.excluded_communes(),
            "limits": self.limit_prices(),
            "near_misses": self.near_misses(),
        }


def rank(
    territory: Territory,
    profile: Profile,
    scope: str = "partners",
    *,
    matrix: DecisionMatrix | None = None,
) -> Ranking:
    """Rank the communes of a scope for a profile.

    Parameters
    ----------
    territory
        A loaded release.
    profile
        What the mover asks for.
    scope
        ``partners``, ``network`` or ``all``; it filters and changes no score.
    matrix
        Figures to rank in place of the territory's own, to ask what would happen if.

    Returns
    -------
    Ranking
        Best first; every point of every score is in its ledger.

    Raises
    ------
    DataError
        If the scope is unknown, or another territory is in service.
    ProfileError
        If the commune that is left does not exist.
    """
    matrix = matrix or decision_matrix(territory)
    weights = profile.weights
    if matrix.criteria != NAMES.now() or len(weights) != len(matrix.criteria):
        raise DataError(
            f"{territory.catalog.name_en} is ranked while another territory, or a profile of "
            "another, is in service: their towns differ. Put its territory file in service first "
            "(geo_matcher.towns.in_service) and read the profile there."
        )
    check_origin(territory, profile)
    eligible = territory.in_scope(scope)
    functions = {matrix.column(name): f for name, f in profile.value_functions.items()}
    values, values_min, values_max = matrix.values_with(functions)
    hundred = weights * 100.0
    points = values * hundred
    score = points.sum(axis=1)
    limits = tuple(limit_outcomes(matrix, profile))
    for outcome in limits:
        eligible = eligible & ~outcome.misses
    rows = np.flatnonzero(eligible)
    order = rows[np.argsort(-score[rows], kind="stable")]
    ranks = _competition_ranks(score[order])
    order = order[np.lexsort((order, ranks))]
    return Ranking(
        territory=territory,
        profile=profile,
        scope=scope,
        matrix=matrix,
        weights=weights,
        values=values,
        values_min=values_min,
        values_max=values_max,
        points=points,
        score=score,
        score_min=(values_min * hundred).sum(axis=1),
        score_max=(values_max * hundred).sum(axis=1),
        order=order,
        ranks=ranks,
        limits=limits,
    )


def limit_outcomes(matrix: DecisionMatrix, profile: Profile) -> Iterable[LimitOutcome]:
    """Apply each hard limit of a profile to every commune."""
    for name, limit in profile.limits.items():
        k = matrix.column(name)
        worst, best = matrix.raw[:, k], matrix.raw_low[:, k]
        unknown = np.isnan(worst)
        for bound, is_maximum in ((limit.at_most, True), (limit.at_least, False)):
            if bound is None:
                continue
            with np.errstate(invalid="ignore"):
                beyond = best - bound if is_maximum else bound - worst
                misses = beyond > 0
                doubtful = (worst > bound) if is_maximum else (best < bound)
            yield LimitOutcome(
                criterion=name,
                limit=bound,
                is_maximum=is_maximum,
                misses=misses,
                unverified=(unknown | doubtful) & ~misses,
                by=np.where(misses, beyond, np.nan),
            )


def _competition_ranks(scores: FloatArray) -> IntArray:
    """Give ranks to scores in falling order; those within ``TIE_POINTS`` share the first one."""
    n = len(scores)
    if n == 0:
        return np.zeros(0, dtype=np.intp)
    starts = np.r_[True, -np.diff(scores) > TIE_POINTS]
    return np.maximum.accumulate(np.where(starts, np.arange(1, n + 1), 0)).astype(np.intp)


def _largest(amounts: FloatArray) -> IntArray:
    """Return the columns of the largest positive amounts of each row, -1 where there are fewer.

    ``amounts`` is consumed.
    """
    rows = np.arange(len(amounts))
    found = np.empty((len(amounts), HIGHLIGHTS), dtype=np.intp)
    for place in range(HIGHLIGHTS):
        best = amounts.argmax(axis=1)
        found[:, place] = np.where(amounts[rows, best] > 0, best, -1)
        amounts[rows, best] = 0.0
    return found
