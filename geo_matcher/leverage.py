"""Which single figure would move a commune up.

Hides the inversion of a value function: the nearest figure that is worth enough, in its unit and
within the profile's limits. Every answer is exact and speaks of the values that count, so an
unknown figure stands at the middle of its interval here as it does in the score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_matcher.criteria import CRITERIA, Criterion, Direction, Unit, ValueFunction
from geo_matcher.errors import ProfileError
from geo_matcher.matching import NAMES, Ranking

__all__ = ["FigureChange", "figures_to_gain", "left_out_by", "rank_among"]

FloatArray = NDArray[np.float64]

SCOPE = "scope"
"""Word that stands among the limits for a commune that the scope leaves out."""

TIE_POINTS = 1e-9
"""Scores closer than this share a rank, as in a ranking."""

VALUE_SLACK = 1e-12
"""A value this close under the one needed is reached; in points it is well under a tie."""


@dataclass(frozen=True, slots=True)
class FigureChange:
    """One figure that would be enough to gain ranks, all others staying as they are.

    Attributes
    ----------
    criterion, unit
        Which figure, and its natural unit.
    present
        The figure that counts today; None where it is unknown or a place cannot be reached.
    status
        What is known of it (``measured``, ``upper_bound``, ``missing``…). A ``missing`` figure
        counts at the middle of its interval, so the true one may already be enough.
    needed
        Nearest figure that is enough, within the profile's limits. Where nothing is known, the
        least favourable one that is enough.
    change
        ``needed`` less ``present``; None where there is no present figure.
    value_present, value_needed, value_change
        Value that counts, least value that is enough, and the difference.
    rank_before, rank_after
        Rank today, and with this figure; ties share a rank. For a commune that is not listed, the
        rank that it would have if it were.
    left_out_by
        What would still keep the commune out of the ranking: ``scope``, and limits missed.
    """

    criterion: str
    unit: str
    present: float | None
    status: str
    needed: float
    change: float | None
    value_present: float
    value_needed: float
    value_change: float
    rank_before: int
    rank_after: int
    left_out_by: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the change in plain types."""
        return {
            "criterion": self.criterion,
            "unit": self.unit,
            "present": self.present,
            "status": self.status,
            "needed": self.needed,
            "change": self.change,
            "value_present": self.value_present,
            "value_needed": self.value_needed,
            "value_change": self.value_change,
            "rank_before": self.rank_before,
            "rank_after": self.rank_after,
            "left_out_by": list(self.left_out_by),
        }


def figures_to_gain(
    ranking: Ranking, code_or_name: str, places: int = 1
) -> tuple[FigureChange, ...]:
    """Return every single figure whose change alone would move a commune up.

    To gain k ranks is to reach the rank that is k better or a still better one, ties counting; who
    has fewer ranks above than that has to be first. The needed figure is where the value function
    in force, the profile's own if it has one, reaches the needed value; it lies in the domain of
    its unit and within the profile's limits, and a yes-or-no figure is 0 or 1.

    Parameters
    ----------
    ranking
        The ranking as it is.
    code_or_name
        Any commune of the territory; one that is not listed is compared as if it were.
    places
        Ranks to gain, 1 or more.

    Returns
    -------
    tuple of FigureChange
        Least change of value first. Empty when no single figure is enough, and for a commune that
        is first already.

    Raises
    ------
    UnknownCommuneError
        If the territory has no such commune.
    ProfileError
        If ``places`` is less than 1.
    """
    if places < 1:
        raise ProfileError(f"places is {places}, expected 1 or more ranks to gain.")
    row = ranking.position(code_or_name)
    others = ranking.score[ranking.order[ranking.order != row]]
    score = ranking.score[row].item()
    rank_before = rank_among(others, score)
    if rank_before == 1:
        return ()
    to_reach = max(1, rank_before - places)
    gap = np.sort(others)[::-1][to_reach - 1].item() - score
    left_out = left_out_by(ranking, row)
    found = []
    for k in np.flatnonzero(ranking.weights > 0).tolist():
        criterion = CRITERIA[NAMES[k]]
        full = ranking.weights[k].item() * 100.0
        value = ranking.values[row, k].item()
        step = gap / full
        least = value + step
        function = ranking.profile.value_functions.get(criterion.name, criterion.value_function)
        raw = ranking.matrix.raw[row, k].item()
        needed = _nearest_figure(criterion, function, least, raw, _allowed(ranking, criterion))
        if needed is None:
            continue
        present, _, status, _ = ranking.matrix.plain[row][k]
        reached = score + full * (function(needed).item() - value)
        found.append(
            FigureChange(
                criterion=criterion.name,
                unit=criterion.unit.value,
                present=present,
                status=status,
                needed=needed,
                change=None if present is None else needed - present,
                value_present=value,
                value_needed=least,
                value_change=step,
                rank_before=rank_before,
                rank_after=rank_among(others, reached),
                left_out_by=tuple(name for name in left_out if name != criterion.name),
            )
        )
    found.sort(key=lambda change: change.value_change)
    return tuple(found)


def rank_among(scores: FloatArray, score: float) -> int:
    """Return the rank of a score among others, ties sharing one."""
    return 1 + int((scores > score + TIE_POINTS).sum())


def left_out_by(ranking: Ranking, row: int) -> tuple[str, ...]:
    """Return what keeps a commune out of a ranking: ``SCOPE``, and the limits that it misses."""
    limits = (outcome.criterion for outcome in ranking.limits if outcome.misses[row])
    return tuple(dict.fromkeys([*([] if ranking.in_scope[row] else [SCOPE]), *limits]))


def _allowed(ranking: Ranking, criterion: Criterion) -> tuple[float, float]:
    """Return the smallest and the largest figure that make sense and break no limit."""
    low, high = criterion.unit.domain
    limit = ranking.profile.limits.get(criterion.name)
    if limit is not None:
        low = low if limit.at_least is None else limit.at_least
        high = high if limit.at_most is None else limit.at_most
    return low, high


def _nearest_figure(
    criterion: Criterion,
    function: ValueFunction,
    least: float,
    raw: float,
    allowed: tuple[float, float],
) -> float | None:
    """Return the allowed figure nearest to ``raw`` that is worth ``least``, if there is one."""
    enough = least - VALUE_SLACK
    if criterion.unit is Unit.YES_NO:
        knots = [figure for figure in (0.0, 1.0) if allowed[0] <= figure <= allowed[1]]
    else:
        # Outside the breakpoints the value stays the same: no nearer figure is missed there.
        figures = [figure for figure, _ in function.breakpoints]
        knots = sorted(set(np.clip(figures, *allowed).tolist()))
    values = function(knots).tolist()
    found = [x for x, value in zip(knots, values, strict=True) if value >= enough]
    if criterion.unit is not Unit.YES_NO:
        for i in range(len(knots) - 1):
            ends = sorted(((values[i], knots[i]), (values[i + 1], knots[i + 1])))
            if ends[0][0] < enough <= ends[1][0]:
                found.append(_crossing(function, least, *ends))
    if not found:
        return None
    if math.isnan(raw):
        return max(found) if criterion.direction is Direction.DECREASING else min(found)
    if math.isinf(raw):
        return max(found)
    return min(found, key=lambda x: (abs(x - raw), x))


def _crossing(
    function: ValueFunction, least: float, bad: tuple[float, float], good: tuple[float, float]
) -> float:
    """Return the figure at which a linear piece, given by its (value, figure) ends, is enough."""
    share = min(1.0, (least - bad[0]) / (good[0] - bad[0]))
    x = bad[1] + share * (good[1] - bad[1])
    while function(x).item() < least - VALUE_SLACK:  # on a very steep piece a rounding counts
        x = math.nextafter(x, good[1])
    return x
