"""Which weights would make a ranking come out otherwise.

Hides the optimisation behind two questions: which weights would put a commune first, and how little
would dethrone the winner. Every answer is exact and speaks of the values that count, so an unknown
figure stands at the middle of its interval here as it does in the score.

The communes compared are those that a ranking lists. Weights move only among the criteria that the
profile uses; the amount moved is half the sum of the absolute differences between two sets of
weights, that is the share of all weight that changes hands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from geo_matcher.errors import GeoMatcherError
from geo_matcher.leverage import left_out_by, rank_among
from geo_matcher.matching import NAMES, Ranking

__all__ = [
    "WeightChange",
    "dethrone",
    "weights_to_lead",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Status = Literal["already_first", "possible", "impossible"]

TIED_VALUE = 1e-9
"""Communes closer than this share of the scale (score / 100) are tied under changed weights."""

MOVED_WEIGHT = 1e-12
"""Changes of a weight smaller than this are rounding and count as none."""

SOLVER_TOLERANCE = 1e-10
SOLVED, INFEASIBLE = 0, 2


@dataclass(frozen=True, eq=False, slots=True)
class WeightChange:
    """The smallest change of weights that puts a commune first, or why there is none.

    Attributes
    ----------
    status
        ``already_first`` (nothing has to change), ``possible`` or ``impossible``.
    challenger, challenger_name
        Commune that the new weights put first, alone or tied. None when none can be: only
        :func:`dethrone` says so.
    leader, leader_name
        First commune of the ranking as it is; None when nothing is listed.
    weights_before, weights_after
        Weight of every criterion, in the order of the catalogue. No weights after when impossible.
    moved_share
        Share of all weight that has to move, 0 to 1; None when impossible.
    moves
        Criterion, weight before and weight after of each weight that changes, largest change first
        (ties in the order of the catalogue).
    rivals
        Listed communes that have the challenger's score under the new weights, by code. When there
        are many, being first says little.
    left_out_by
        What keeps the challenger out of the ranking whatever the weights: ``scope`` and the
        criteria whose limits it misses. It is compared as if it were listed.
    dominator
        When impossible: the best scored listed commune that is better on every criterion used. None
        when no single one is.
    beaten_by
        When impossible: communes of which one is ahead whatever the weights; the dominator alone
        when there is one.
    short_by_points
        When impossible: how many points stay between it and the first under the weights that are
        kindest to it.
    """

    status: Status
    challenger: str | None
    challenger_name: str | None
    leader: str | None
    leader_name: str | None
    weights_before: FloatArray
    weights_after: FloatArray | None = None
    moved_share: float | None = None
    moves: tuple[tuple[str, float, float], ...] = ()
    rivals: tuple[str, ...] = ()
    left_out_by: tuple[str, ...] = ()
    dominator: str | None = None
    beaten_by: tuple[str, ...] = ()
    short_by_points: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the change in plain types; weights of the criteria that the profile uses."""
        used = np.flatnonzero(self.weights_before > 0).tolist()

        def plain(weights: FloatArray | None) -> dict[str, float] | None:
            return None if weights is None else {NAMES[k]: weights[k].item() for k in used}

        return {
            "status": self.status,
            "challenger": self.challenger,
            "challenger_name": self.challenger_name,
            "leader": self.leader,
            "leader_name": self.leader_name,
            "moved_share": self.moved_share,
            "weights_before": plain(self.weights_before),
            "weights_after": plain(self.weights_after),
            "moves": [
                {"criterion": name, "before": before, "after": after}
                for name, before, after in self.moves
            ],
            "rivals": list(self.rivals),
            "left_out_by": list(self.left_out_by),
            "dominator": self.dominator,
            "beaten_by": list(self.beaten_by),
            "short_by_points": self.short_by_points,
        }


# --- Weights --------------------------------------------------------------------------------


def weights_to_lead(ranking: Ranking, code_or_name: str) -> WeightChange:
    """Return the smallest change of weights that puts a commune first, alone or tied.

    A linear program (HiGHS; Huangfu and Hall, Math. Prog. Comp. 10, 2018): with the weights written
    w + gain − loss, minimise the sum of the gains, such that gains and losses add up to the same,
    no loss exceeds its weight and no listed commune scores more. When it has no solution, a second
    one finds the weights under which the commune falls short by least; its multipliers tell which
    others beat it together whatever the weights (a commune that is not potentially optimal: Hazen,
    Operations Research 34, 1986).

    Parameters
    ----------
    ranking
        The ranking as it is.
    code_or_name
        Any commune of the territory; ``left_out_by`` tells why it is not listed, if it is not.

    Raises
    ------
    UnknownCommuneError
        If the territory has no such commune.
    GeoMatcherError
        If the solver stops without an answer.
    """
    row = ranking.position(code_or_name)
    others = ranking.order[ranking.order != row]
    used = np.flatnonzero(ranking.weights > 0)
    left_out = left_out_by(ranking, row)
    if rank_among(ranking.score[others], ranking.score[row].item()) == 1:
        return _change(ranking, "already_first", row, ranking.weights, left_out_by=left_out)
    ahead = ranking.values[np.ix_(others, used)] - ranking.values[row, used]
    after = _nearest_weights(ahead, ranking.weights[used])
    if after is not None:
        weights = np.zeros_like(ranking.weights)
        weights[used] = after
        return _change(ranking, "possible", row, weights, left_out_by=left_out)
    short, beating = _least_shortfall(ahead)
    better_everywhere = np.flatnonzero((ahead > 0).all(axis=1))[:1]
    if better_everywhere.size:
        beating = better_everywhere
    codes = tuple(_codes(ranking, others[beating]))
    return _change(
        ranking,
        "impossible",
        row,
        left_out_by=left_out,
        dominator=codes[0] if better_everywhere.size else None,
        beaten_by=codes,
        short_by_points=short * 100.0,
    )


def dethrone(ranking: Ranking) -> WeightChange | None:
    """Return the smallest change of weights after which the winner is no longer first alone.

    For one challenger the best move takes weight from the criteria where the winner leads most and
    gives it to the one where it leads least: a continuous knapsack, which taking the items in the
    order of their worth solves exactly (Dantzig, Operations Research 5, 1957). All challengers are
    solved at once in this way; the nearest of them is also level with every other commune at most,
    since another one ahead would have drawn level sooner.

    Parameters
    ----------
    ranking
        The ranking as it is.

    Returns
    -------
    WeightChange
        The challenger that draws level soonest, the best scored one among equals. The status is
        ``already_first``, with nothing to move, when the top is tied; ``impossible``, with no
        challenger, when the winner leads on every criterion used. None when fewer than two communes
        are listed.
    """
    if len(ranking) < 2:
        return None
    leader, others = ranking.order[0], ranking.order[1:]
    if ranking.ranks[1] == 1:
        return _change(ranking, "already_first", others[0].item(), ranking.weights)
    used = np.flatnonzero(ranking.weights > 0)
    weights = ranking.weights[used]
    lead = ranking.values[leader, used] - ranking.values[np.ix_(others, used)]
    columns = np.argsort(-lead, axis=1, kind="stable")
    lead = np.take_along_axis(lead, columns, axis=1)
    gains = lead - lead[:, -1:]  # what one unit of weight moved to the last column takes off
    movable = np.where(gains > 0, weights[columns], 0.0)
    taken = np.cumsum(movable * gains, axis=1)
    before_it = np.c_[np.zeros(len(others)), taken[:, :-1]]
    gap = (ranking.values[leader, used] @ weights) - ranking.values[np.ix_(others, used)] @ weights
    # Of each column in turn: all of it, as long as the gap is not closed, then what is left.
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(gains > 0, (gap[:, None] - before_it) / gains, 0.0)
    losses = np.clip(part, 0.0, movable)
    shares = np.where(lead[:, -1] <= 0, losses.sum(axis=1), np.inf)
    best = int(np.argmin(shares))
    if math.isinf(shares[best]):
        return _change(ranking, "impossible", None)
    after = ranking.weights.copy()
    after[used[columns[best]]] -= losses[best]
    after[used[columns[best, -1]]] += shares[best]
    return _change(ranking, "possible", others[best].item(), after)


def _nearest_weights(ahead: FloatArray, weights: FloatArray) -> FloatArray | None:
    """Return the weights nearest to some under which no row of ``ahead`` is above 0, if any."""
    m = len(weights)
    # Only the sign of a row counts. Brought to one size, it is not lost where all of it is small:
    # the solver takes numbers under a billionth for zeros.
    largest = np.abs(ahead).max(axis=1, keepdims=True, initial=0.0)
    ahead = ahead / np.where(largest > 0, largest, 1.0)
    found = _solved(
        c=np.r_[np.ones(m), np.zeros(m)],
        A_ub=np.hstack([ahead, -ahead]),
        b_ub=-(ahead @ weights),
        A_eq=np.r_[np.ones(m), -np.ones(m)][None],
        b_eq=[0.0],
        bounds=np.c_[np.zeros(2 * m), np.r_[np.full(m, np.inf), weights]],
    )
    if found is None:
        return None
    change = found.x[:m] - found.x[m:]
    after = np.where(np.abs(change) > MOVED_WEIGHT, weights + change, weights)
    after = np.where(after > MOVED_WEIGHT, after, 0.0)
    return np.asarray(after / after.sum())


def _least_shortfall(ahead: FloatArray) -> tuple[float, IntArray]:
    """Return the least over all weights of the largest row of ``ahead``, and rows that prove it.

    The rows are those with a multiplier in the dual: mixed in these parts they are ahead by that
    much on every criterion, so that one of them is ahead under any weights.
    """
    n, m = ahead.shape
    found = _solved(
        c=np.r_[np.zeros(m), 1.0],
        A_ub=np.c_[ahead, -np.ones(n)],
        b_ub=np.zeros(n),
        A_eq=np.r_[np.ones(m), 0.0][None],
        b_eq=[1.0],
        bounds=np.c_[np.r_[np.zeros(m), -np.inf], np.full(m + 1, np.inf)],
    )
    parts = -np.asarray(found.ineqlin.marginals)
    rows = np.argsort(-parts, kind="stable")
    return float(found.fun), rows[parts[rows] > TIED_VALUE]


def _solved(**program: Any) -> Any:
    """Return the optimum of a linear program that is bounded, None when nothing is feasible."""
    from scipy.optimize import linprog

    found = linprog(
        **program,
        method="highs",
        options={
            "primal_feasibility_tolerance": SOLVER_TOLERANCE,
            "dual_feasibility_tolerance": SOLVER_TOLERANCE,
        },
    )
    if found.status == INFEASIBLE:
        return None
    if found.status != SOLVED:
        raise GeoMatcherError(
            f"The linear solver stopped without an answer (status {found.status}: "
            f"{found.message}); expected an optimum. Report it with the profile and the commune "
            "that were asked for."
        )
    return found


def _change(
    ranking: Ranking,
    status: Status,
    row: int | None,
    after: FloatArray | None = None,
    **more: Any,
) -> WeightChange:
    """Tell what new weights change, and who is level with the challenger under them."""
    challenger, leader = _identity(ranking, row), _identity(ranking, _leader(ranking))
    if row is not None and after is not None:
        change = np.abs(after - ranking.weights)
        largest_first = np.argsort(-change.round(12), kind="stable").tolist()  # ties as catalogued
        others = ranking.order[ranking.order != row]
        gaps = np.abs((ranking.values[others] - ranking.values[row]) @ after)
        more |= {
            "moved_share": float(change.sum()) / 2.0,
            "moves": tuple(
                (NAMES[k], ranking.weights[k].item(), after[k].item())
                for k in largest_first
                if change[k] > MOVED_WEIGHT
            ),
            "rivals": tuple(sorted(_codes(ranking, others[gaps <= TIED_VALUE]))),
        }
    return WeightChange(
        status=status,
        challenger=challenger[0],
        challenger_name=challenger[1],
        leader=leader[0],
        leader_name=leader[1],
        weights_before=_sealed(ranking.weights),
        weights_after=None if after is None else _sealed(after),
        **more,
    )


# --- What the answers share -----------------------------------------------------------------


def _leader(ranking: Ranking) -> int | None:
    return int(ranking.order[0]) if len(ranking) else None


@overload
def _identity(ranking: Ranking, row: int) -> tuple[str, str]: ...
@overload
def _identity(ranking: Ranking, row: None) -> tuple[None, None]: ...
def _identity(ranking: Ranking, row: int | None) -> tuple[str | None, str | None]:
    """Return the code and the name of a commune."""
    if row is None:
        return None, None
    return ranking.matrix.codes[row], ranking.territory.facts[row]["name"]


def _codes(ranking: Ranking, rows: IntArray) -> list[str]:
    return [ranking.matrix.codes[row] for row in rows.tolist()]


def _sealed(weights: FloatArray) -> FloatArray:
    copy = weights.copy()
    copy.setflags(write=False)
    return copy
