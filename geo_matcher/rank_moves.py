"""Who moved between two rankings of one profile, and which figures moved them.

Hides how what happened to some hundred communes is told in a few: those that entered or left the
first ones, those that moved farthest, and what all the difference of points comes from. Both
rankings are at hand, so that every difference of points is exact (a shared link has but a memory of
the first villages: :mod:`geo_matcher.snapshot`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Literal

import numpy as np

from geo_matcher.errors import DataError
from geo_matcher.matching import NAMES, Ranking

__all__ = [
    "FIRST",
    "MOVERS",
    "CriterionShift",
    "FigureChange",
    "RankMoves",
    "VillageMove",
    "rank_moves",
    "ranks_by_commune",
]

FIRST = 5
"""Villages that a mover looks at first: who enters or leaves them is always named."""

MOVERS = 3
"""How many of those that moved farthest are named, unless more are asked for."""

SAME_POINTS = 1e-9
"""Points closer than this are the same."""

Absence = Literal["", "limit", "scope", "release"]


@dataclass(frozen=True, slots=True)
class FigureChange:
    """What one figure makes of a village's difference of score.

    Attributes
    ----------
    criterion
        Which.
    points
        Points after less points before.
    before, after
        The figures in the unit of the criterion; ``None`` where they are unknown or out of reach.
    status_before, status_after
        As in the ledger: ``missing``, ``unreachable``, ``estimated``…
    """

    criterion: str
    points: float
    before: float | None
    after: float | None
    status_before: str
    status_after: str


@dataclass(frozen=True, slots=True)
class VillageMove:
    """One village, before and after.

    Attributes
    ----------
    insee_code, name
        Which village.
    rank_before, rank_after
        ``None`` where it is not ranked.
    absence
        Why it is not ranked in one of the two: beyond a limit of the profile, not in the scope, not
        in the release; empty where it is ranked in both.
    limits
        Criteria of the limits that it is beyond.
    changes
        Every criterion that brings it other points, the largest difference first. None at all for
        one that moves because others did.
    """

    insee_code: str
    name: str
    rank_before: int | None
    rank_after: int | None
    absence: Absence
    limits: tuple[str, ...]
    changes: tuple[FigureChange, ...]

    @property
    def points(self) -> float:
        """Score after less score before."""
        return float(sum(change.points for change in self.changes))


@dataclass(frozen=True, slots=True)
class CriterionShift:
    """What one criterion does to all communes that both searched, beyond a limit or not.

    Attributes
    ----------
    criterion
        Which.
    communes
        How many it brings other points.
    largest_points
        The largest of these differences, with its sign.
    total_points
        All of them together, without their signs: by this a shift counts.
    """

    criterion: str
    communes: int
    largest_points: float
    total_points: float


@dataclass(frozen=True, slots=True)
class RankMoves:
    """What differs between two rankings of one profile.

    Attributes
    ----------
    ranked
        Communes that both rank.
    moved
        Those of them whose rank differs.
    median_move, largest_move
        Ranks by which those that moved did, in the middle and at most; 0 where none did.
    entered, left
        Villages that are among the first ``FIRST`` now and were not, by rank, and those that were
        and are not.
    movers
        Those that moved by most ranks, the farthest first.
    newly_ranked, no_longer_ranked
        Communes that only one of the two ranks, best first.
    shifts
        Every criterion whose points differ somewhere, what weighs most first.
    """

    ranked: int
    moved: int
    median_move: float
    largest_move: int
    entered: tuple[VillageMove, ...]
    left: tuple[VillageMove, ...]
    movers: tuple[VillageMove, ...]
    newly_ranked: tuple[VillageMove, ...]
    no_longer_ranked: tuple[VillageMove, ...]
    shifts: tuple[CriterionShift, ...]

    @property
    def named(self) -> tuple[VillageMove, ...]:
        """Whoever entered or left the first ones, then who moved farthest; each once."""
        villages = {v.insee_code: v for v in (*self.entered, *self.left, *self.movers)}
        return tuple(villages.values())


def ranks_by_commune(ranking: Ranking) -> dict[str, int]:
    """Return the rank of every commune that a ranking holds, by INSEE code."""
    codes = ranking.matrix.codes
    return {
        codes[row]: int(place)
        for row, place in zip(ranking.order.tolist(), ranking.ranks.tolist(), strict=True)
    }


def rank_moves(before: Ranking, after: Ranking, movers: int = MOVERS) -> RankMoves:
    """Compare two rankings of one profile.

    Parameters
    ----------
    before, after
        The rankings, of one profile in one scope.
    movers
        How many of those that moved farthest are named.

    Raises
    ------
    DataError
        If they are not of one profile: the differences of points would be of the weights, too.
    """
    if not np.array_equal(before.weights, after.weights):
        raise DataError(
            "The two rankings weigh the criteria differently, so their points cannot be compared. "
            "Rank both releases for one profile."
        )
    pair = _Pair(before, after)
    then, now = pair.then, pair.now
    both = [code for code in then if code in now]
    moves = sorted(
        (code for code in both if then[code] != now[code]),
        key=lambda code: (-abs(then[code] - now[code]), code),
    )
    distances = [abs(then[code] - now[code]) for code in moves]
    first_then, first_now = (
        [code for code, rank in ranks.items() if rank <= FIRST] for ranks in (then, now)
    )
    return RankMoves(
        ranked=len(both),
        moved=len(moves),
        median_move=float(median(distances)) if distances else 0.0,
        largest_move=max(distances, default=0),
        entered=pair.moves(code for code in first_now if code not in first_then),
        left=pair.moves(code for code in first_then if code not in first_now),
        movers=pair.moves(moves[:movers]),
        newly_ranked=pair.moves(code for code in now if code not in then),
        no_longer_ranked=pair.moves(code for code in then if code not in now),
        shifts=pair.shifts(),
    )


class _Pair:
    """Two rankings and where each commune stands in them."""

    def __init__(self, before: Ranking, after: Ranking) -> None:
        self.before, self.after = before, after
        self.then, self.now = ranks_by_commune(before), ranks_by_commune(after)
        self._rows_then = {code: row for row, code in enumerate(before.matrix.codes)}
        self._rows_now = {code: row for row, code in enumerate(after.matrix.codes)}

    def moves(self, codes: Iterable[str]) -> tuple[VillageMove, ...]:
        return tuple(self._move(code) for code in codes)

    def _move(self, code: str) -> VillageMove:
        row_then, row_now = self._rows_then.get(code), self._rows_now.get(code)
        known = self.before if row_now is None else self.after
        rank_then, rank_now = self.then.get(code), self.now.get(code)
        absence: Absence = ""
        limits: tuple[str, ...] = ()
        if rank_then is None:
            absence, limits = _absence(self.before, row_then)
        elif rank_now is None:
            absence, limits = _absence(self.after, row_now)
        return VillageMove(
            insee_code=code,
            name=str(known.territory.facts[known.position(code)]["name"]),
            rank_before=rank_then,
            rank_after=rank_now,
            absence=absence,
            limits=limits,
            changes=self._changes(row_then, row_now),
        )

    def _changes(self, row_then: int | None, row_now: int | None) -> tuple[FigureChange, ...]:
        if row_then is None or row_now is None:
            return ()
        points = self.after.points[row_now] - self.before.points[row_then]
        then, now = self.before.matrix.plain[row_then], self.after.matrix.plain[row_now]
        changed = np.flatnonzero(np.abs(points) > SAME_POINTS).tolist()
        changed.sort(key=lambda k: -abs(points[k]))
        return tuple(
            FigureChange(NAMES[k], float(points[k]), then[k][0], now[k][0], then[k][2], now[k][2])
            for k in changed
        )

    def shifts(self) -> tuple[CriterionShift, ...]:
        codes = [
            code
            for code, row in self._rows_then.items()
            if self.before.in_scope[row]
            and code in self._rows_now
            and self.after.in_scope[self._rows_now[code]]
        ]
        if not codes:
            return ()
        now = self.after.points[[self._rows_now[code] for code in codes]]
        points = now - self.before.points[[self._rows_then[code] for code in codes]]
        sizes = np.where(np.abs(points) > SAME_POINTS, np.abs(points), 0.0)
        totals = sizes.sum(axis=0)
        return tuple(
            CriterionShift(
                criterion=NAMES[k],
                communes=int((sizes[:, k] > 0).sum()),
                largest_points=float(points[sizes[:, k].argmax(), k]),
                total_points=float(totals[k]),
            )
            for k in np.argsort(-totals, kind="stable").tolist()
            if totals[k] > 0
        )


def _absence(ranking: Ranking, row: int | None) -> tuple[Absence, tuple[str, ...]]:
    """Return why a ranking does not hold a commune."""
    if row is None:
        return "release", ()
    if not ranking.in_scope[row]:
        return "scope", ()
    limits = (outcome.criterion for outcome in ranking.limits if outcome.misses[row])
    return "limit", tuple(dict.fromkeys(limits))
