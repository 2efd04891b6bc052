"""The hard limits of two people: what each does, which clash, and which to give up.

Hides how everything is worked out again without a limit, and how the smallest sets of limits are
found without which something is listed for both. An unknown figure breaks no limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geo_matcher.matching import NAMES, LimitOutcome, Ranking

__all__ = [
    "Clash",
    "DuoLimit",
    "LimitEffect",
    "Side",
    "WayOut",
    "best_score",
    "limit_clashes",
    "limit_effects",
    "placed_limits",
    "ways_out",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

Side = Literal["first", "second"]
"""Which of the two people."""

MAX_WAYS_OUT = 10


@dataclass(frozen=True, slots=True)
class DuoLimit:
    """A hard limit and whose it is.

    Attributes
    ----------
    of
        ``first`` or ``second``.
    criterion, limit, is_maximum
        On what, the figure in its unit, and whether it is the most or the least accepted.
    """

    of: Side
    criterion: str
    limit: float
    is_maximum: bool

    def as_dict(self) -> dict[str, Any]:
        """Return ``of``, ``criterion``, ``at_most`` and ``at_least``, one of the two None."""
        return {
            "of": self.of,
            "criterion": self.criterion,
            "at_most": self.limit if self.is_maximum else None,
            "at_least": None if self.is_maximum else self.limit,
        }


@dataclass(frozen=True, slots=True)
class LimitEffect:
    """What one limit does to the other person, and what changes without it.

    Attributes
    ----------
    limit
        Which one.
    excluded_of_other
        Villages that the other person accepts and this limit excludes.
    excluded_by_it_alone
        Villages that nothing but this limit keeps off the shared list.
    listed_without
        Villages listed for both without it.
    larger_regret_without
        Larger regret of the compromise without it, everything worked out again; None if nothing is
        listed even so.
    price_points
        Larger regret of the compromise as it is, less that without the limit. It can be negative:
        without the limit its owner may hope for a better village, and so regrets more. None if
        nothing is listed with the limit or without.
    """

    limit: DuoLimit
    excluded_of_other: int
    excluded_by_it_alone: int
    listed_without: int
    larger_regret_without: float | None
    price_points: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return the keys of the limit, then the other attributes, in plain types."""
        return {
            **self.limit.as_dict(),
            "excluded_of_other": self.excluded_of_other,
            "excluded_by_it_alone": self.excluded_by_it_alone,
            "listed_without": self.listed_without,
            "larger_regret_without": self.larger_regret_without,
            "price_points": self.price_points,
        }


@dataclass(frozen=True, slots=True)
class Clash:
    """Two limits, one of each person, that do not go together.

    Attributes
    ----------
    first, second
        The limit of each.
    impossible
        Whether no figure at all meets both: at most less than at least, on one criterion. A village
        is then listed only where that figure is unknown or known as a bound.
    meeting
        Communes of the scope that break neither.
    """

    first: DuoLimit
    second: DuoLimit
    impossible: bool
    meeting: int

    def as_dict(self) -> dict[str, Any]:
        """Return the pair in plain types; the keys are the attributes."""
        return {
            "first": self.first.as_dict(),
            "second": self.second.as_dict(),
            "impossible": self.impossible,
            "meeting": self.meeting,
        }


@dataclass(frozen=True, slots=True)
class WayOut:
    """Limits to give up, as few as can be, when nothing is listed for both.

    Attributes
    ----------
    limits
        The limits, in the order of the catalogue.
    listed
        Villages listed for both without them.
    larger_regret
        Larger regret of the compromise among these.
    """

    limits: tuple[DuoLimit, ...]
    listed: int
    larger_regret: float

    def as_dict(self) -> dict[str, Any]:
        """Return the way out in plain types; the keys are the attributes."""
        return {
            "limits": [limit.as_dict() for limit in self.limits],
            "listed": self.listed,
            "larger_regret": self.larger_regret,
        }


Placed = tuple[DuoLimit, LimitOutcome]


def best_score(score: FloatArray, accepted: BoolArray) -> float:
    """Return the best score that is accepted; NaN when nothing is."""
    return score[accepted].max().item() if accepted.any() else np.nan


def _limits(ranking: Ranking, side: Side) -> Iterator[Placed]:
    for outcome in ranking.limits:
        yield DuoLimit(side, outcome.criterion, outcome.limit, outcome.is_maximum), outcome


def _limit_key(limit: DuoLimit) -> tuple[int, bool, float, str]:
    return NAMES.index(limit.criterion), limit.is_maximum, limit.limit, limit.of


def placed_limits(one: Ranking, two: Ranking) -> list[Placed]:
    """Return the limits of both people with what breaks them, in the order of the catalogue."""
    limits = [*_limits(one, "first"), *_limits(two, "second")]
    limits.sort(key=lambda pair: _limit_key(pair[0]))
    return limits


def _accepted_by(scope: BoolArray, limits: Sequence[Placed], side: Side) -> BoolArray:
    """Tell which communes of the scope break none of these limits that are this person's."""
    accepted = scope.copy()
    for limit, outcome in limits:
        if limit.of == side:
            accepted &= ~outcome.misses
    return accepted


def _outcome(one: Ranking, two: Ranking, limits: Sequence[Placed]) -> tuple[int, float]:
    """Count the villages that these limits leave to both; add the smallest larger regret or NaN."""
    accepts = [_accepted_by(one.in_scope, limits, side) for side in ("first", "second")]
    both = accepts[0] & accepts[1]
    if not both.any():
        return 0, np.nan
    regrets = [
        best_score(ranking.score, accepted) - ranking.score[both]
        for ranking, accepted in zip((one, two), accepts, strict=True)
    ]
    return int(both.sum()), np.maximum(*regrets).min().item()


def limit_effects(
    one: Ranking, two: Ranking, limits: Sequence[Placed], least: float | None
) -> list[LimitEffect]:
    """Return what each limit does, in the order of the limits.

    Parameters
    ----------
    one, two
        Rankings of the two people, of one scope.
    limits
        As :func:`placed_limits` gives them.
    least
        Larger regret of the compromise as it is; None when nothing is listed for both.
    """
    return [_effect(one, two, limits, number, least) for number in range(len(limits))]


def _effect(
    one: Ranking, two: Ranking, limits: Sequence[Placed], number: int, least: float | None
) -> LimitEffect:
    """Work everything out again without one limit."""
    limit, outcome = limits[number]
    remaining = [*limits[:number], *limits[number + 1 :]]
    listed, larger = _outcome(one, two, remaining)
    other: Side = "second" if limit.of == "first" else "first"
    others = _accepted_by(one.in_scope, limits, other)
    own = _accepted_by(one.in_scope, remaining, limit.of)
    price = least - larger if least is not None and listed else None
    return LimitEffect(
        limit=limit,
        excluded_of_other=int((others & outcome.misses).sum()),
        excluded_by_it_alone=int((own & others & outcome.misses).sum()),
        listed_without=listed,
        larger_regret_without=larger if listed else None,
        price_points=price,
    )


def limit_clashes(scope: BoolArray, limits: Sequence[Placed]) -> tuple[Clash, ...]:
    """Return the pairs of limits that do not go together, impossible ones first.

    Parameters
    ----------
    scope
        Which communes are looked at, one for each commune of the territory.
    limits
        As :func:`placed_limits` gives them.
    """
    found = []
    for first, outcome in limits:
        for second, other in limits:
            if (first.of, second.of) != ("first", "second"):
                continue
            most, least = (first, second) if first.is_maximum else (second, first)
            impossible = (
                first.criterion == second.criterion
                and most.is_maximum
                and not least.is_maximum
                and most.limit < least.limit
            )
            left = [scope & ~each.misses for each in (outcome, other)]
            meeting = int((left[0] & left[1]).sum())
            if impossible or (not meeting and left[0].any() and left[1].any()):
                found.append(Clash(first, second, impossible, meeting))
    # The order must not depend on who is called first.
    return tuple(
        sorted(
            found,
            key=lambda c: (
                not c.impossible,
                sorted(_limit_key(x)[:3] for x in (c.first, c.second)),
            ),
        )
    )


def ways_out(one: Ranking, two: Ranking, limits: Sequence[Placed]) -> tuple[WayOut, ...]:
    """Find the smallest sets of limits without which something is listed.

    A commune is listed once every limit that it breaks is gone, so the smallest sets are those that
    the communes with the fewest broken limits break.

    Parameters
    ----------
    one, two
        Rankings of the two people, of one scope.
    limits
        As :func:`placed_limits` gives them, such that nothing is listed for both.

    Returns
    -------
    tuple of WayOut
        The set that leaves most villages first, ``MAX_WAYS_OUT`` at most.
    """
    if not one.in_scope.any():
        return ()
    broken = np.array([outcome.misses[one.in_scope] for _, outcome in limits])
    fewest = broken.sum(axis=0).min()
    found = []
    for chosen in np.unique(broken[:, broken.sum(axis=0) == fewest], axis=1).T:
        remaining = [limits[k] for k in np.flatnonzero(~chosen).tolist()]
        listed, larger = _outcome(one, two, remaining)
        dropped = tuple(limits[k][0] for k in np.flatnonzero(chosen).tolist())
        found.append(WayOut(dropped, listed, larger))
    found.sort(key=lambda way: (-way.listed, [_limit_key(limit)[:3] for limit in way.limits]))
    return tuple(found[:MAX_WAYS_OUT])
