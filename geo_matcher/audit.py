"""Nobody left out: which communes a whole population of newcomers never gets to see, and why.

Hides how exposure is counted and how an absence is explained. The population is that of
``newcomers``: assumed, not surveyed.

Exposure is the share of the population in whose first places a commune stands (Singh and Joachims
2018, "Fairness of exposure in rankings", *KDD*). It judges the list and its figures, never a
village: what is not known counts at the middle of its interval, as in every score, so a commune can
be unseen for want of a figure alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo_matcher.decision import DecisionMatrix, decision_matrix
from geo_matcher.double_counting import (
    CorrelatedPair,
    WeightShare,
    correlated_pairs,
    effective_weights,
    weight_shares,
)
from geo_matcher.errors import DataError, ProfileError
from geo_matcher.matching import NAMES, Ranking, rank
from geo_matcher.newcomers import DEFAULT_SEED, DEFAULT_SIZE, MakeUp, make_up, newcomers
from geo_matcher.territory import Territory

__all__ = [
    "DEFAULT_TOP",
    "MAX_TOP",
    "Absence",
    "Audit",
    "EpciExposure",
    "Exposure",
    "audit",
    "gini",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]

DEFAULT_TOP = 5
MAX_TOP = 20

TIE_POINTS = 1e-9
"""Scores closer than this share a rank, as in a ranking."""

CONFIDENCE = 0.95


# --- Results -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Exposure:
    """How often one commune is seen.

    Attributes
    ----------
    insee_code, name, epci
        Which one.
    evidence
        ``sourced`` or ``reconstructed`` for a partner village, None for another commune.
    share_top
        Share of the population in whose first places it stands. A tie at the cut is counted whole,
        as a list shows it.
    share_listed
        Share of the population whose limits leave it on the list.
    best_rank
        Best rank reached, None where it is never listed.
    """

    insee_code: str
    name: str
    epci: str
    evidence: str | None
    share_top: float
    share_listed: float
    best_rank: int | None


@dataclass(frozen=True, slots=True)
class EpciExposure:
    """Exposure of the communes of one EPCI, added up."""

    name: str
    communes: int
    never: int
    exposure_sum: float
    exposure_mean: float


@dataclass(frozen=True, slots=True)
class Absence:
    """Why a commune is in nobody's first places, in figures.

    Attributes
    ----------
    insee_code, name, best_rank
        Which one, and the best rank that it reached.
    gap_points
        Points that it lacked to enter somebody's first places, at the closest; None where it is
        never listed.
    reasons
        What was found: ``dominated``, ``missing``, ``limit``, ``weak``, ``behind``, in this order,
        or ``middling`` alone where nothing else was.
    dominated_by, dominators
        Name of the most exposed commune of the scope that is at least as good on every criterion
        the population uses and better on one, by the catalogue's values; and how many do so.
    missing, bounded
        Criteria whose figure is unknown, or known as "at most" only, and that together at their
        best would bring it into somebody's first places; the most useful first.
    missing_share
        Share of the population in whose first places it would then stand, all else equal.
    check_first
        The one of these criteria that would bring it most points, None where there is none.
    weak, weak_raw, weak_share
        The one criterion that, raised to the full value, would bring it into most first places; its
        figure in its unit (None where out of reach); and that share of the population.
    limit, limit_share, limit_freed_share
        The limit that keeps it off most lists, the share of the population for whom it does so, and
        the share in whose first places it would stand without it.
    behind, ahead_always
        Name of the most exposed commune of the scope that scores higher for every newcomer, and how
        many do so.
    """

    insee_code: str
    name: str
    best_rank: int | None
    gap_points: float | None
    reasons: tuple[str, ...]
    dominated_by: str | None
    dominators: int
    missing: tuple[str, ...]
    bounded: tuple[str, ...]
    missing_share: float
    check_first: str | None
    weak: str | None
    weak_raw: float | None
    weak_share: float
    limit: str | None
    limit_share: float
    limit_freed_share: float
    behind: str | None
    ahead_always: int


REASONS: Mapping[str, str] = MappingProxyType(
    {
        "dominated": "dominators",
        "missing": "missing_share",
        "limit": "limit_freed_share",
        "weak": "weak_share",
        "behind": "ahead_always",
    }
)
"""The figure of an :class:`Absence` that is above zero when a reason holds."""


@dataclass(frozen=True)
class Audit:
    """Who is seen and who is not, by a whole population.

    Attributes
    ----------
    release, territory, vintage, scope, size, seed, top
        What was asked.
    exposures
        Every commune of the scope, the most exposed first, then by code.
    epcis
        Exposure by EPCI, the highest mean first.
    absences
        Communes in nobody's first places, by code.
    gini
        Gini coefficient of exposure; None when nobody is ever seen.
    pairs
        Criteria that tell much the same, the strongest first.
    weights
        Every criterion that the population uses, in the order of the catalogue.
    make_up
        The population, as assumed and as drawn.
    """

    release: str
    territory: str
    vintage: str
    scope: str
    size: int
    seed: int
    top: int
    exposures: tuple[Exposure, ...]
    epcis: tuple[EpciExposure, ...]
    absences: tuple[Absence, ...]
    gini: float | None
    pairs: tuple[CorrelatedPair, ...]
    weights: tuple[WeightShare, ...]
    make_up: tuple[MakeUp, ...]

    @cached_property
    def reconstructed(self) -> int:
        """Number of communes of the scope that are partners by reconstruction only."""
        return sum(exposure.evidence == "reconstructed" for exposure in self.exposures)

    @cached_property
    def unseen_bound(self) -> float:
        """Largest true share that a commune never seen may have, at 95 % confidence.

        The exact binomial bound 1 - 0.05^(1/n), of which the "rule of three" 3/n is the
        approximation (Hanley and Lippman-Hand 1983, *JAMA* 249:1743-1745).
        """
        return float(1.0 - (1.0 - CONFIDENCE) ** (1.0 / self.size))

    def as_dict(self) -> dict[str, Any]:
        """Return the audit in plain types."""
        return {
            "release": self.release,
            "territory": self.territory,
            "vintage": self.vintage,
            "scope": self.scope,
            "size": self.size,
            "seed": self.seed,
            "top": self.top,
            "communes": len(self.exposures),
            "reconstructed": self.reconstructed,
            "never": len(self.absences),
            "unseen_bound": self.unseen_bound,
            "gini": self.gini,
            "exposures": [asdict(item) for item in self.exposures],
            "epcis": [asdict(item) for item in self.epcis],
            "absences": [_plain(item) for item in self.absences],
            "pairs": [asdict(item) for item in self.pairs],
            "weights": [asdict(item) for item in self.weights],
            "population": [asdict(item) for item in self.make_up],
        }


def _plain(absence: Absence) -> dict[str, Any]:
    lists = {key: list(getattr(absence, key)) for key in ("reasons", "missing", "bounded")}
    return asdict(absence) | lists


def gini(amounts: ArrayLike) -> float | None:
    """Return the Gini coefficient of some amounts: 0 when all are equal, 1 - 1/n when one has all.

    G = Σ_i (2i - n - 1) x_(i) / (n Σ_i x_i), x_(i) in rising order: half the relative mean absolute
    difference (Sen 1973, *On Economic Inequality*, Oxford, p. 31).

    Parameters
    ----------
    amounts
        Finite numbers, none negative, at least one.

    Returns
    -------
    float or None
        None when all are zero: there is nothing to share.

    Raises
    ------
    DataError
        If there is no amount, or one is negative or not finite.
    """
    rising = np.sort(np.asarray(amounts, dtype=np.float64).ravel())
    n = len(rising)
    if n == 0 or not np.isfinite(rising).all() or rising[0] < 0:
        raise DataError(
            f"{n} amounts to compare, expected one or more finite numbers, none negative. "
            "Check what is counted."
        )
    if rising[-1] == 0:
        return None
    return float((2 * np.arange(1, n + 1) - n - 1) @ rising / (n * rising.sum()))


# --- Counting ----------------------------------------------------------------------------------


class _Counts:
    """Sums over the population; rows are the communes of the scope, columns the criteria."""

    def __init__(self, matrix: DecisionMatrix, rows: IntArray, top: int) -> None:
        shape = n, k = len(rows), len(NAMES)
        self.rows, self.top = rows, top
        self.place = np.full(len(matrix.codes), -1)
        self.place[rows] = np.arange(n)
        self.seen, self.listed, self.reached = (np.zeros(n, dtype=np.int64) for _ in range(3))
        self.best_rank = np.full(n, np.iinfo(np.int64).max)
        self.gap = np.full(n, np.inf)
        self.gain = np.zeros(shape)
        self.raised, self.excluded, self.freed = (np.zeros(shape, np.int64) for _ in range(3))
        self.nominal, self.effective = np.zeros(k), np.zeros(k)
        self.spread = 0
        self.scores: list[FloatArray] = []

    def add(self, ranking: Ranking) -> None:
        """Count what one newcomer sees."""
        rows, order, ranks = self.rows, ranking.order, ranking.ranks
        weights, values, score = ranking.weights, ranking.values[rows], ranking.score[rows]
        self.scores.append(score)
        listed = np.zeros(len(rows), dtype=np.bool_)
        listed[self.place[order]] = True
        self.listed += listed
        is_short = len(order) <= self.top
        last = len(order) if is_short else ranks[self.top - 1].item()
        self.seen[self.place[order[ranks <= last]]] += 1
        own = self.place[order]
        self.best_rank[own] = np.minimum(self.best_rank[own], ranks)
        # The score of the last place shown: who reaches it is shown too, a tie being listed whole.
        cut = -np.inf if is_short else ranking.score[order[self.top - 1]] - TIE_POINTS
        if not is_short:
            self.gap[own] = np.minimum(self.gap[own], np.maximum(cut - score[own], 0.0))
        self._reach(ranking, cut, listed)
        self._limits(ranking, cut, score, values)
        self._weigh(weights, values, score)

    def _reach(self, ranking: Ranking, cut: float, listed: BoolArray) -> None:
        rows = self.rows
        unsure = ranking.values_max[rows] - ranking.values[rows]
        reaching = listed & (ranking.score_max[rows] >= cut)
        self.reached += reaching
        self.gain += reaching[:, None] * unsure * ranking.max_points

    def _limits(self, ranking: Ranking, cut: float, score: FloatArray, values: FloatArray) -> None:
        broken = np.zeros(values.shape, dtype=np.bool_)
        for outcome in ranking.limits:
            broken[:, ranking.matrix.column(outcome.criterion)] |= outcome.misses[self.rows]
        # Raising a criterion to its full value also keeps the limit on it: what the population
        # limits, it limits in the direction in which less is better, or more is.
        others_hold = broken.sum(axis=1, keepdims=True) - broken == 0
        raised = score[:, None] + ranking.max_points * (1.0 - values)
        self.raised += others_hold & (raised >= cut) & (ranking.weights > 0)
        self.excluded += broken
        self.freed += broken & others_hold & (score >= cut)[:, None]

    def _weigh(self, weights: FloatArray, values: FloatArray, score: FloatArray) -> None:
        self.nominal += weights
        effective = effective_weights(weights, values, score)
        if effective is not None:
            self.effective += effective
            self.spread += 1


def audit(
    territory: Territory,
    scope: str = "partners",
    *,
    size: int = DEFAULT_SIZE,
    seed: int = DEFAULT_SEED,
    top: int = DEFAULT_TOP,
) -> Audit:
    """Count whom a population of newcomers gets to see, and explain every absence.

    Parameters
    ----------
    territory
        A loaded release.
    scope
        ``partners``, ``network`` or ``all``: who competes for the first places.
    size, seed
        The population, see :func:`population`.
    top
        Number of first places, 1 to ``MAX_TOP``.

    Returns
    -------
    Audit
        Same release, scope, size, seed and top: same figures.

    Raises
    ------
    DataError
        If the scope is unknown or empty.
    ProfileError
        If the size, the seed or the number of places is out of range.
    """
    if not 1 <= top <= MAX_TOP:
        raise ProfileError(f"top is {top}, expected 1 to {MAX_TOP}. Give a number in that range.")
    rows = np.flatnonzero(territory.in_scope(scope))
    if not len(rows):
        raise DataError(
            f"The scope {scope!r} of release {territory.release_id} is empty, expected one commune "
            "or more. Complete the membership table or choose another scope."
        )
    drawn = newcomers(size, seed)
    matrix = decision_matrix(territory)
    counts = _Counts(matrix, rows, top)
    for profile, _ in drawn:
        counts.add(rank(territory, profile, scope, matrix=matrix))
    exposures = _exposures(territory, counts, size)
    ranked = sorted(exposures, key=lambda item: (-item.share_top, item.insee_code))
    used = np.flatnonzero(counts.nominal > 0)
    return Audit(
        release=territory.release_id,
        territory=territory.catalog.name_fr,
        vintage=territory.catalog.vintage,
        scope=scope,
        size=size,
        seed=seed,
        top=top,
        exposures=tuple(ranked),
        epcis=_by_epci(ranked),
        absences=_absences(matrix, counts, exposures, used, size),
        gini=gini([item.share_top for item in exposures]),
        pairs=correlated_pairs(matrix, used),
        weights=weight_shares(
            counts.nominal / size, counts.effective / max(1, counts.spread), used
        ),
        make_up=make_up([choices for _, choices in drawn]),
    )


def _exposures(territory: Territory, counts: _Counts, size: int) -> list[Exposure]:
    found = []
    for place, row in enumerate(counts.rows.tolist()):
        facts = territory.facts[row]
        listed = counts.listed[place].item()
        found.append(
            Exposure(
                insee_code=facts["insee_code"],
                name=facts["name"],
                epci=facts["epci"],
                evidence=facts["evidence"],
                share_top=counts.seen[place].item() / size,
                share_listed=listed / size,
                best_rank=counts.best_rank[place].item() if listed else None,
            )
        )
    return found


def _by_epci(exposures: Sequence[Exposure]) -> tuple[EpciExposure, ...]:
    groups: dict[str, list[float]] = {}
    for item in exposures:
        groups.setdefault(item.epci, []).append(item.share_top)
    found = [
        EpciExposure(
            name=name,
            communes=len(shares),
            never=sum(share == 0 for share in shares),
            exposure_sum=sum(shares),
            exposure_mean=sum(shares) / len(shares),
        )
        for name, shares in groups.items()
    ]
    return tuple(sorted(found, key=lambda item: (-item.exposure_mean, item.name)))


def _absences(
    matrix: DecisionMatrix,
    counts: _Counts,
    exposures: Sequence[Exposure],
    used: IntArray,
    size: int,
) -> tuple[Absence, ...]:
    scores = np.array(counts.scores)
    values = matrix.values[np.ix_(counts.rows, used)]
    found = []
    for place in np.flatnonzero(counts.seen == 0).tolist():
        own = exposures[place]
        above: BoolArray = (values >= values[place]).all(axis=1) & (values > values[place]).any(
            axis=1
        )
        ahead = np.asarray((scores > scores[:, [place]] + TIE_POINTS).all(axis=0))
        gap = counts.gap[place].item()
        facts: dict[str, Any] = {
            "dominated_by": _most_exposed(exposures, above),
            "dominators": int(above.sum()),
            **_unknown_facts(matrix, counts, place, size),
            **_figure_facts(matrix, counts, place, size),
            "behind": _most_exposed(exposures, ahead),
            "ahead_always": int(ahead.sum()),
        }
        reasons = tuple(reason for reason, fact in REASONS.items() if facts[fact])
        found.append(
            Absence(
                insee_code=own.insee_code,
                name=own.name,
                best_rank=own.best_rank,
                gap_points=gap if np.isfinite(gap) else None,
                reasons=reasons or ("middling",),
                **facts,
            )
        )
    return tuple(found)


def _unknown_facts(
    matrix: DecisionMatrix, counts: _Counts, place: int, size: int
) -> dict[str, Any]:
    """Say what the figures that are not known, or known as "at most" only, could change."""
    is_unknown = np.isnan(matrix.raw[counts.rows[place]])
    gain = counts.gain[place]
    useful = [k for k in np.argsort(-gain, kind="stable").tolist() if gain[k] > 0]
    return {
        "missing": tuple(NAMES[k] for k in useful if is_unknown[k]),
        "bounded": tuple(NAMES[k] for k in useful if not is_unknown[k]),
        "missing_share": counts.reached[place].item() / size,
        "check_first": NAMES[useful[0]] if useful else None,
    }


def _figure_facts(matrix: DecisionMatrix, counts: _Counts, place: int, size: int) -> dict[str, Any]:
    """Say which known figure weighs most, and which limit."""
    raw = matrix.raw[counts.rows[place]]
    # A criterion that nobody knows cannot be called weak: that is what ``missing`` is for.
    raised = np.where(np.isnan(raw), 0, counts.raised[place])
    weak, limit = int(raised.argmax()), int(counts.excluded[place].argmax())
    excluded = counts.excluded[place, limit].item()
    return {
        "weak": NAMES[weak] if raised[weak] else None,
        "weak_raw": raw[weak].item() if raised[weak] and np.isfinite(raw[weak]) else None,
        "weak_share": raised[weak].item() / size,
        "limit": NAMES[limit] if excluded else None,
        "limit_share": excluded / size,
        "limit_freed_share": counts.freed[place, limit].item() / size,
    }


def _most_exposed(exposures: Sequence[Exposure], which: BoolArray) -> str | None:
    """Return the name of the most exposed commune among some, the first by code in a tie."""
    if not which.any():
        return None
    shown = np.array([item.share_top for item in exposures])
    return exposures[int(np.where(which, shown, -1.0).argmax())].name
