"""Two people, one move: what each gives up, and where their wishes cannot meet.

Hides how two rankings are put side by side. Scores of two people are never added up or compared: a
point of one is not a point of the other. What is compared is the regret of each, that is how far a
village lies under the best that this person could have alone; the compromise is the village where
the larger of the two regrets is smallest (minimax regret: Savage, *Journal of the American
Statistical Association* 46, 1951).

A village is listed for both when it breaks no limit of either. An unknown figure counts at the
middle of its interval, as in every score, and breaks no limit: each row says which limits could not
be checked and between which ends each score lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_matcher.criteria import FAMILIES
from geo_matcher.duo_limits import (
    Clash,
    LimitEffect,
    WayOut,
    best_score,
    limit_clashes,
    limit_effects,
    placed_limits,
    ways_out,
)
from geo_matcher.matching import NAMES, Ranking, rank
from geo_matcher.profile import CRITERIA_OF, Profile
from geo_matcher.territory import Territory

__all__ = [
    "Duo",
    "FamilyGap",
    "Favourite",
    "Opposition",
    "SharedVillage",
    "duo",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]

TIE_POINTS = 1e-9
"""Points closer than this are the same, as in a ranking."""

SAME_WEIGHT = 1e-12
"""Weights closer than this are the same."""

OPPOSED_FROM = -0.3
"""Rank correlation from which wishes on two criteria are said to pull apart; with the 47 partner
villages, chance alone goes as low about once in fifty times. Opposite values of one criterion are
no chance: there, any correlation below 0 counts."""

OPPOSED_WEIGHT = 0.01
"""Least weight that sets two people apart: one point of a hundred."""

MIN_COMMUNES = 10
"""Communes with both figures known, under which no correlation of two criteria is given."""

MAX_OPPOSITIONS = 5


@dataclass(frozen=True, slots=True)
class SharedVillage:
    """A village that breaks no limit of either person.

    Attributes
    ----------
    insee_code, name
        Which one.
    place
        Its place among the compromises, 1 for the best; equal ones share a place.
    score_first, score_second
        Score for each person, 0 to 100.
    interval_first, interval_second
        Lowest and highest score, with what is not known.
    rank_first, rank_second
        Rank in each person's own ranking, where the other's limits do not count.
    regret_first, regret_second
        Points under the best village that each accepts alone.
    larger_regret
        The larger of the two regrets.
    pareto
        Whether no other listed village is at least as good for both and better for one.
    unverified_first, unverified_second
        Criteria of each person's limits that the figures do not allow to check.
    """

    insee_code: str
    name: str
    place: int
    score_first: float
    score_second: float
    interval_first: tuple[float, float]
    interval_second: tuple[float, float]
    rank_first: int
    rank_second: int
    regret_first: float
    regret_second: float
    larger_regret: float
    pareto: bool
    unverified_first: tuple[str, ...]
    unverified_second: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the village in plain types; the keys are the attributes."""
        return _plain(self)


@dataclass(frozen=True, slots=True)
class Favourite:
    """The village that one person would choose alone, and what it would cost the other.

    Attributes
    ----------
    insee_code, name
        First of the person's own ranking; the first by code when several are tied.
    score, score_other
        Score for the person, and for the other.
    cost_to_other
        Points under the other's own best; None where the other's limits rule the village out.
    breaks
        Criteria of the other's limits that the village breaks.
    """

    insee_code: str
    name: str
    score: float
    score_other: float
    cost_to_other: float | None
    breaks: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the village in plain types; the keys are the attributes."""
        return _plain(self)


@dataclass(frozen=True, slots=True)
class Opposition:
    """A wish of each person that the communes of the scope rarely grant together.

    Attributes
    ----------
    criterion_first, criterion_second
        What each wants: two criteria that each weighs more than the other person does, or one
        criterion that both weigh and value in opposite ways.
    correlation
        Spearman's correlation of the values that each gives them, over the communes of the scope
        where both figures are known; at most ``OPPOSED_FROM``, or below 0 on one criterion.
    communes
        How many communes that is.
    weight
        What sets them apart: the smaller of the two excess weights, or of the two weights on one
        criterion; at least ``OPPOSED_WEIGHT``.
    """

    criterion_first: str
    criterion_second: str
    correlation: float
    communes: int
    weight: float

    def as_dict(self) -> dict[str, Any]:
        """Return the pair in plain types; the keys are the attributes."""
        return _plain(self)


@dataclass(frozen=True, slots=True)
class FamilyGap:
    """A family of criteria that the two people weigh differently.

    Attributes
    ----------
    family
        Which one.
    weight_first, weight_second
        Share of each person's weight, 0 to 1.
    """

    family: str
    weight_first: float
    weight_second: float

    def as_dict(self) -> dict[str, Any]:
        """Return the attributes and ``difference``: the first's weight less the second's."""
        return {
            "family": self.family,
            "weight_first": self.weight_first,
            "weight_second": self.weight_second,
            "difference": self.weight_first - self.weight_second,
        }


@dataclass(frozen=True, slots=True)
class Duo:
    """Two people's rankings of one scope, put together.

    Attributes
    ----------
    release, scope
        What was ranked.
    in_scope, accepted_first, accepted_second
        Communes of the scope, and how many of them each person accepts alone.
    best_first, best_second
        Each person's own best village; None for somebody who accepts none.
    villages
        Villages listed for both, best compromise first: smaller larger regret, then smaller sum of
        regrets, then code.
    limits_first, limits_second
        What each limit does, in the order of the catalogue.
    clashes
        Pairs of limits that do not go together, impossible ones first: those on one criterion that
        no figure meets, and those that leave nothing in the scope though each alone leaves some.
    ways_out
        When nothing is listed for both: the smallest sets of limits to give up, the one that leaves
        most villages first, ``MAX_WAYS_OUT`` at most. Sets of one limit answer which single limit
        to drop.
    agreement
        Spearman's correlation of the two people's scores over the scope, limits aside: 1 for the
        same order, -1 for opposite ones. None for fewer than three communes or equal scores.
    oppositions
        What pulls apart, strongest first (weight × correlation), ``MAX_OPPOSITIONS`` at most.
    family_gaps
        Families weighed differently, largest difference first.
    """

    release: str
    scope: str
    in_scope: int
    accepted_first: int
    accepted_second: int
    best_first: Favourite | None
    best_second: Favourite | None
    villages: tuple[SharedVillage, ...]
    limits_first: tuple[LimitEffect, ...]
    limits_second: tuple[LimitEffect, ...]
    clashes: tuple[Clash, ...]
    ways_out: tuple[WayOut, ...]
    agreement: float | None
    oppositions: tuple[Opposition, ...]
    family_gaps: tuple[FamilyGap, ...]

    @property
    def compromise(self) -> SharedVillage | None:
        """Best compromise; None when nothing is listed for both."""
        return self.villages[0] if self.villages else None

    def as_dict(self) -> dict[str, Any]:
        """Return everything in plain types.

        The keys are ``release``, ``scope``, ``counts`` (``scope``, ``first``, ``second``, ``both``,
        ``pareto``), ``compromise`` (an INSEE code or None) and the other attributes.
        """
        return {
            "release": self.release,
            "scope": self.scope,
            "counts": {
                "scope": self.in_scope,
                "first": self.accepted_first,
                "second": self.accepted_second,
                "both": len(self.villages),
                "pareto": sum(village.pareto for village in self.villages),
            },
            "best_first": self.best_first.as_dict() if self.best_first else None,
            "best_second": self.best_second.as_dict() if self.best_second else None,
            "compromise": self.compromise.insee_code if self.compromise else None,
            "villages": [village.as_dict() for village in self.villages],
            "limits_first": [effect.as_dict() for effect in self.limits_first],
            "limits_second": [effect.as_dict() for effect in self.limits_second],
            "clashes": [clash.as_dict() for clash in self.clashes],
            "ways_out": [way.as_dict() for way in self.ways_out],
            "agreement": self.agreement,
            "oppositions": [opposition.as_dict() for opposition in self.oppositions],
            "family_gaps": [gap.as_dict() for gap in self.family_gaps],
        }


def duo(territory: Territory, first: Profile, second: Profile, scope: str = "partners") -> Duo:
    """Put two people's wishes together.

    Parameters
    ----------
    territory
        A loaded release.
    first, second
        What each asks for. Exchanging them exchanges the two sides of the answer and nothing else.
    scope
        ``partners``, ``network`` or ``all``.

    Raises
    ------
    DataError
        If the scope is unknown.
    """
    one, two = rank(territory, first, scope), rank(territory, second, scope)
    accepts = _accepted(one), _accepted(two)
    best = tuple(best_score(r.score, a) for r, a in zip((one, two), accepts, strict=True))
    villages = _villages(one, two, accepts[0] & accepts[1], best)
    limits = placed_limits(one, two)
    least = villages[0].larger_regret if villages else None
    effects = limit_effects(one, two, limits, least)
    return Duo(
        release=territory.release_id,
        scope=scope,
        in_scope=int(one.in_scope.sum()),
        accepted_first=len(one),
        accepted_second=len(two),
        best_first=_favourite(one, two, best[1]),
        best_second=_favourite(two, one, best[0]),
        villages=villages,
        limits_first=tuple(effect for effect in effects if effect.limit.of == "first"),
        limits_second=tuple(effect for effect in effects if effect.limit.of == "second"),
        clashes=limit_clashes(one.in_scope, limits),
        ways_out=() if villages else ways_out(one, two, limits),
        agreement=_agreement(one, two),
        oppositions=_oppositions(one, two),
        family_gaps=_family_gaps(one, two),
    )


def _plain(row: SharedVillage | Favourite | Opposition) -> dict[str, Any]:
    """Return the attributes of a row; tuples become lists."""
    values = {field.name: getattr(row, field.name) for field in fields(row)}
    return {k: list(value) if isinstance(value, tuple) else value for k, value in values.items()}


# --- Villages -------------------------------------------------------------------------------


def _accepted(ranking: Ranking) -> BoolArray:
    mask = np.zeros(len(ranking.score), dtype=np.bool_)
    mask[ranking.order] = True
    return mask


def _villages(
    one: Ranking, two: Ranking, listed: BoolArray, best: Sequence[float]
) -> tuple[SharedVillage, ...]:
    rows = np.flatnonzero(listed)
    scores = [ranking.score[rows] for ranking in (one, two)]
    regrets = [top - score for top, score in zip(best, scores, strict=True)]
    larger = np.maximum(*regrets)
    # Half the sum orders as the sum does; so for two people who ask for the same, what is a tie of
    # scores is a tie here.
    groups = _tie_groups(larger), _tie_groups((regrets[0] + regrets[1]) / 2)
    pareto = _undominated(*scores)
    own_ranks = [dict(zip(r.order.tolist(), r.ranks.tolist(), strict=True)) for r in (one, two)]
    found: list[SharedVillage] = []
    shared: tuple[int, int] | None = None
    for i in np.lexsort((rows, groups[1], groups[0])).tolist():
        row = rows[i].item()
        tied = shared == (shared := (groups[0][i].item(), groups[1][i].item()))
        facts = one.territory.facts[row]
        found.append(
            SharedVillage(
                insee_code=facts["insee_code"],
                name=facts["name"],
                place=found[-1].place if tied else len(found) + 1,
                score_first=scores[0][i].item(),
                score_second=scores[1][i].item(),
                interval_first=(one.score_min[row].item(), one.score_max[row].item()),
                interval_second=(two.score_min[row].item(), two.score_max[row].item()),
                rank_first=own_ranks[0][row],
                rank_second=own_ranks[1][row],
                regret_first=regrets[0][i].item(),
                regret_second=regrets[1][i].item(),
                larger_regret=larger[i].item(),
                pareto=pareto[i].item(),
                unverified_first=_unverified(one, row),
                unverified_second=_unverified(two, row),
            )
        )
    return tuple(found)


def _tie_groups(amounts: FloatArray) -> IntArray:
    """Give numbers to amounts in rising order; those ``TIE_POINTS`` apart or less share one."""
    order = np.argsort(amounts, kind="stable")
    starts = np.diff(amounts[order], prepend=-np.inf) > TIE_POINTS
    groups = np.empty(len(amounts), dtype=np.intp)
    groups[order] = np.cumsum(starts)
    return groups


def _undominated(first: FloatArray, second: FloatArray) -> BoolArray:
    """Tell which villages no other beats: at least as good for both and better for one."""
    gains = [score[:, None] - score[None, :] for score in (first, second)]
    no_worse = (gains[0] >= -TIE_POINTS) & (gains[1] >= -TIE_POINTS)
    better = (gains[0] > TIE_POINTS) | (gains[1] > TIE_POINTS)
    return np.asarray(~(no_worse & better).any(axis=0))


def _unverified(ranking: Ranking, row: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(o.criterion for o in ranking.limits if o.unverified[row]))


def _favourite(own: Ranking, other: Ranking, other_best: float) -> Favourite | None:
    if not len(own):
        return None
    row = own.order[0].item()
    facts = own.territory.facts[row]
    breaks = tuple(dict.fromkeys(o.criterion for o in other.limits if o.misses[row]))
    score_other = other.score[row].item()
    return Favourite(
        insee_code=facts["insee_code"],
        name=facts["name"],
        score=own.score[row].item(),
        score_other=score_other,
        cost_to_other=None if breaks else other_best - score_other,
        breaks=breaks,
    )


# --- Wishes ---------------------------------------------------------------------------------


def _agreement(one: Ranking, two: Ranking) -> float | None:
    # Rounding to a tie keeps noise in the last digits from making an order of its own.
    scores = [ranking.score[one.in_scope].round(9) for ranking in (one, two)]
    return _spearman(*scores) if len(scores[0]) >= 3 else None


def _spearman(first: FloatArray, second: FloatArray) -> float | None:
    """Return the rank correlation, or None where one side never varies."""
    from scipy.stats import spearmanr

    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(spearmanr(first, second).statistic)


def _oppositions(one: Ranking, two: Ranking) -> tuple[Opposition, ...]:
    excess = one.weights - two.weights
    pairs = [
        (int(k), int(m), min(excess[k], -excess[m]).item())
        for k in np.flatnonzero(excess > SAME_WEIGHT)
        for m in np.flatnonzero(excess < -SAME_WEIGHT)
    ]
    shared = np.flatnonzero((one.weights > 0) & (two.weights > 0))
    pairs += [(int(k), int(k), min(one.weights[k], two.weights[k]).item()) for k in shared]
    known = one.matrix.known.astype(np.bool_)
    found = []
    for k, m, weight in pairs:
        rows = one.in_scope & known[:, k] & known[:, m]
        if weight < OPPOSED_WEIGHT or rows.sum() < MIN_COMMUNES:
            continue
        correlation = _spearman(one.values[rows, k], two.values[rows, m])
        if correlation is None or correlation >= 0 or (k != m and correlation > OPPOSED_FROM):
            continue
        opposition = Opposition(NAMES[k], NAMES[m], correlation, int(rows.sum()), weight)
        strength = round(-correlation * weight, 12)
        found.append((-strength, min(k, m), max(k, m), opposition))
    found.sort(key=lambda item: item[:3])
    return tuple(item[3] for item in found[:MAX_OPPOSITIONS])


def _family_gaps(one: Ranking, two: Ranking) -> tuple[FamilyGap, ...]:
    gaps = []
    for family in FAMILIES:
        columns = [NAMES.index(name) for name in CRITERIA_OF[family]]
        shares = [ranking.weights[columns].sum().item() for ranking in (one, two)]
        if abs(shares[0] - shares[1]) > SAME_WEIGHT:
            gaps.append(FamilyGap(family, *shares))
    # Sorting keeps the order of the families where two differences are the same.
    return tuple(
        sorted(gaps, key=lambda gap: -round(abs(gap.weight_first - gap.weight_second), 12))
    )
