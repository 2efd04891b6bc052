"""The region of weights that a mover's words allow, and draws from it.

Hides the geometry. A mover says *a little*, *important*, *indispensable*; nobody means 1, 2 and 4
exactly. Each word stands for a range of points, the ranges of neighbouring words touch, and what
follows for the weights is a region: a tree of simplices, one for the shares of the families and one
inside each family. Draws are uniform on every simplex of the tree.

Three ways to draw, each where it is exact or needed:

* order constraints alone: sorted spacings (exact);
* order and bounds: a radial projection of the box of points, corrected by rejection (exact);
* further linear constraints, such as answers to trade-off questions: rejection while enough is
  left, then hit-and-run (Smith 1984, *Operations Research* 32:1296-1308), block by block.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.errors import WeightError
from geo_matcher.profile import CRITERIA_OF, Profile

__all__ = ["Belief", "WeightRegion", "weight_region"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

Belief = Literal["words", "order", "free"]
"""How far a mover's words are believed: order and bounds, their order alone, or not at all."""

WORD_SPREAD = math.sqrt(2)
"""A word of p points stands for p / WORD_SPREAD to p × WORD_SPREAD: words double from one to the
next, so that their ranges touch and never overlap."""

KEPT_AT_LEAST = 0.04
"""Share of plain draws that must satisfy the answers for rejection alone to be used."""

START_ROUNDS = 25
"""Times that plain draws are made in search of starts, where rejection alone would take more."""

FIRST_BATCH = 2_000
LARGEST_BATCH = 200_000
"""Points drawn at once when some are rejected, to begin with and at most."""

STEPS = 60
"""Hit-and-run steps in each block of the tree between a start and a draw."""

COLD_STEPS = 400
"""The same when every chain starts from one point."""

SLACK = 1e-12
"""Rounding that a constraint is allowed."""


@dataclass(frozen=True, eq=False)
class _Simplex:
    """Shares that are ≥ 0 and add up to 1, within what words say of them.

    Attributes
    ----------
    points
        Points of each share, all above 0.
    """

    points: FloatArray
    belief: Belief

    def __len__(self) -> int:
        return len(self.points)

    @cached_property
    def bounds(self) -> tuple[FloatArray, FloatArray]:
        return self.points / WORD_SPREAD, self.points * WORD_SPREAD

    @cached_property
    def constraints(self) -> FloatArray:
        """Rows g of the inequalities g · shares ≥ 0, besides shares ≥ 0."""
        n = len(self)
        pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
        rows = np.zeros((len(pairs), n))
        low, high = self.bounds
        for row, (i, j) in zip(rows, pairs, strict=True):
            if self.belief == "words":
                row[i], row[j] = high[j], -low[i]
            elif self.belief == "order" and self.points[i] > self.points[j]:
                row[i], row[j] = 1.0, -1.0
        return rows[rows.any(axis=1)]

    def draw(self, draws: int, rng: np.random.Generator) -> FloatArray:
        """Draw shares uniformly; one row each."""
        if len(self) == 1:
            return np.ones((draws, 1))
        return self._in_box(draws, rng) if self.belief == "words" else self._spacings(draws, rng)

    def _spacings(self, draws: int, rng: np.random.Generator) -> FloatArray:
        """Sort uniform spacings: the largest go to those of most points, in any order.

        Uniform spacings are exponentials over their sum (Devroye 1986, *Non-Uniform Random Variate
        Generation*, V.2). The region is the union of the orders that the words allow, all of the
        same volume.
        """
        spacings = rng.standard_exponential((draws, len(self)))
        spacings /= spacings.sum(axis=1, keepdims=True)
        if self.belief == "free":
            return spacings
        spacings.sort(axis=1)
        shares = np.empty_like(spacings)
        first = 0
        for points in np.unique(self.points):
            group = np.flatnonzero(self.points == points)
            last = first + len(group)
            shares[:, group] = rng.permuted(spacings[:, first:last], axis=1)
            first = last
        return shares

    def _in_box(self, draws: int, rng: np.random.Generator) -> FloatArray:
        """Draw from the shares of every vector of points in the box.

        Each ray from the origin through the box leaves it on a face where one number of points is
        at its highest. Seen from the face p_i = h_i, shares p / S with S = Σp have the Jacobian
        h_i / S**n; so a face is drawn with probability proportional to h_i times its volume, a
        point uniformly on it, and kept with probability (S_least / S)**n.
        """
        n = len(self)
        low, high = self.bounds
        width = high - low
        faces = np.cumsum(high / width)
        faces /= faces[-1]
        least = low.sum() + width.min()
        kept = np.empty((draws, n))
        found, tried, batch = 0, 0, min(FIRST_BATCH, 8 * draws)
        while found < draws:
            points = low + width * rng.random((batch, n))
            face = np.searchsorted(faces, rng.random(batch), side="right")
            points[np.arange(batch), face] = high[face]
            total = points.sum(axis=1)
            good = np.flatnonzero(rng.random(batch) < (least / total) ** n)[: draws - found]
            kept[found : found + len(good)] = points[good] / total[good, np.newaxis]
            found, tried = found + len(good), tried + batch
            needed = (draws - found) * tried / max(1, found)
            batch = int(min(max(1.05 * needed, FIRST_BATCH / 4), LARGEST_BATCH))
        return kept


@dataclass(frozen=True, eq=False)
class WeightRegion:
    """Weights that agree with what a mover said.

    Attributes
    ----------
    columns
        Columns of the criteria that count, in the order of ``CRITERIA``.
    family
        For each of those columns, the position of its family among those that count.
    shares
        Simplex of the families' shares.
    inside
        For each family, the columns of its criteria and the simplex of their shares.
    """

    columns: IntArray
    family: IntArray
    shares: _Simplex
    inside: tuple[tuple[IntArray, _Simplex], ...]

    def sample(
        self,
        draws: int,
        rng: np.random.Generator,
        *,
        answers: FloatArray | None = None,
    ) -> FloatArray:
        """Draw weights from the region: uniformly on every simplex of the tree.

        Parameters
        ----------
        draws
            How many.
        rng
            Source of randomness.
        answers
            Further constraints, rows a of a · weights ≥ 0, one column per criterion.

        Returns
        -------
        ndarray
            One row per draw, one column per criterion; rows are ≥ 0 and add up to 1.

        Raises
        ------
        WeightError
            If no weights satisfy the words and the answers together.
        """
        shares, within = self._tree(draws, rng)
        weights = self._weights(shares, within)
        if answers is None or not len(answers):
            return weights
        starts = weights[(weights @ answers.T >= 0).all(axis=1)]
        if len(starts) >= KEPT_AT_LEAST * draws:
            return self._rejected(starts, draws, rng, answers)
        steps = STEPS
        if len(starts):
            # Chains that share a start stay alike for a while: many starts matter more than steps.
            starts = self._rejected(starts, draws, rng, answers, rounds=START_ROUNDS)
        else:
            start = self.inner_point(answers)
            if start is None:
                raise WeightError(
                    "The answers contradict one another: no weights satisfy them all. "
                    "Change or leave out one answer."
                )
            starts = start[np.newaxis]
            steps = COLD_STEPS
        shares, within = self._split(starts[np.arange(draws) % len(starts)])
        for _ in range(steps):
            shares, within = self._step(shares, within, answers, rng)
        return self._weights(shares, within)

    def _rejected(
        self,
        kept: FloatArray,
        draws: int,
        rng: np.random.Generator,
        answers: FloatArray,
        rounds: float = math.inf,
    ) -> FloatArray:
        """Draw on, keeping what agrees with the answers, until there are enough or rounds end."""
        while len(kept) < draws and rounds > 0:
            more = self._weights(*self._tree(draws, rng))
            kept = np.concatenate([kept, more[(more @ answers.T >= 0).all(axis=1)]])
            rounds -= 1
        return kept[:draws]

    def _tree(self, draws: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Draw the shares of families, and of criteria inside their family."""
        shares = self.shares.draw(draws, rng)
        within = np.zeros((draws, len(CRITERIA)))
        for columns, simplex in self.inside:
            within[:, columns] = simplex.draw(draws, rng)
        return shares, within

    def _weights(self, shares: FloatArray, within: FloatArray) -> FloatArray:
        weights = np.zeros_like(within)
        weights[:, self.columns] = within[:, self.columns] * shares[:, self.family]
        return weights

    def _split(self, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the shares of families and of criteria that make weights."""
        shares = np.stack([weights[:, columns].sum(axis=1) for columns, _ in self.inside], axis=1)
        within = np.zeros_like(weights)
        within[:, self.columns] = weights[:, self.columns] / shares[:, self.family]
        return shares, within

    def _step(
        self,
        shares: FloatArray,
        within: FloatArray,
        answers: FloatArray,
        rng: np.random.Generator,
    ) -> tuple[FloatArray, FloatArray]:
        """Move every chain once in each simplex, along a line, to a uniform point of its segment.

        With the other simplices held still, the constraints are linear in the one that moves.
        """
        if len(self.shares) > 1:
            move = _directions(shares, rng)
            turned = np.zeros_like(within)
            turned[:, self.columns] = within[:, self.columns] * move[:, self.family]
            slack = self._weights(shares, within) @ answers.T
            step = _segment(self.shares, shares, move, slack, turned @ answers.T, rng)
            shares = shares + step * move
        for position, (columns, simplex) in enumerate(self.inside):
            if len(simplex) == 1:
                continue
            own = within[:, columns]
            move = _directions(own, rng)
            slack = self._weights(shares, within) @ answers.T
            rate = (move @ answers[:, columns].T) * shares[:, [position]]
            step = _segment(simplex, own, move, slack, rate, rng)
            within = within.copy()
            within[:, columns] = own + step * move
        return shares, within

    @cached_property
    def inequalities(self) -> FloatArray:
        """Rows a of a · weights ≥ 0 that the words amount to, one column per criterion."""
        return np.concatenate([np.zeros((0, len(CRITERIA))), *self._rows()])

    def _rows(self) -> Iterator[FloatArray]:
        rows = np.zeros((len(self.shares.constraints), len(CRITERIA)))
        rows[:, self.columns] = self.shares.constraints[:, self.family]
        yield rows
        for columns, simplex in self.inside:
            rows = np.zeros((len(simplex.constraints), len(CRITERIA)))
            rows[:, columns] = simplex.constraints
            yield rows

    def inner_point(self, answers: FloatArray) -> FloatArray | None:
        """Return weights well inside the region and the answers, or None if there are none.

        A linear program maximises the least slack of all constraints.
        """
        from scipy.optimize import linprog

        # What an answer says of criteria that do not count is 0 ≥ 0: always so, and without slack.
        answers = answers[answers[:, self.columns].any(axis=1)]
        rows = np.concatenate([self.inequalities, np.eye(len(CRITERIA))[self.columns], answers])
        rows = rows / np.abs(rows[:, self.columns]).max(axis=1, keepdims=True)
        n = len(CRITERIA)
        unused = np.setdiff1d(np.arange(n), self.columns)
        solved = linprog(
            c=np.r_[np.zeros(n), -1.0],
            A_ub=np.c_[-rows, np.ones(len(rows))],
            b_ub=np.zeros(len(rows)),
            A_eq=np.r_[np.ones(n), 0.0][np.newaxis],
            b_eq=[1.0],
            bounds=[(0, 0) if k in unused else (0, 1) for k in range(n)] + [(None, 1)],
            method="highs",
        )
        if solved.x is None or solved.x[-1] <= SLACK:
            return None
        point = np.clip(np.asarray(solved.x[:-1]), 0.0, None)
        return np.asarray(point / point.sum())

    def allows(self, weights: FloatArray) -> bool:
        """Tell whether weights, one per criterion, lie in the region."""
        within = np.zeros(len(CRITERIA), dtype=np.bool_)
        within[self.columns] = True
        return bool(
            (weights >= -SLACK).all()
            and not (weights[~within] > SLACK).any()
            and abs(weights.sum() - 1.0) < 1e-9
            and (self.inequalities @ weights >= -1e-9).all()
        )


def _directions(shares: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return random directions that keep a sum of 1."""
    move = rng.standard_normal(shares.shape)
    return np.asarray(move - move.mean(axis=1, keepdims=True))


def _segment(
    simplex: _Simplex,
    shares: FloatArray,
    move: FloatArray,
    slack: FloatArray,
    rate: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Return a uniform step along each move that breaks no constraint, as a column."""
    own = simplex.constraints.T
    slack = np.concatenate([shares, shares @ own, slack], axis=1)
    rate = np.concatenate([move, move @ own, rate], axis=1)
    slack = np.maximum(slack, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = -slack / rate
    lowest = np.where(rate > 0, reach, -np.inf).max(axis=1)
    highest = np.where(rate < 0, reach, np.inf).min(axis=1)
    step = lowest + (highest - lowest) * rng.random(len(shares))
    return np.asarray(step[:, np.newaxis])


def weight_region(profile: Profile, belief: Belief = "words") -> WeightRegion:
    """Return the weights that agree with a profile.

    Parameters
    ----------
    profile
        What a mover said.
    belief
        How far the words are believed: ``words`` takes order and bounds, ``order`` their order
        alone, ``free`` anything for what counts at all.

    Returns
    -------
    WeightRegion
        It holds the profile's own weights.
    """
    order = {name: column for column, name in enumerate(CRITERIA)}
    inside, points = [], []
    for family in FAMILIES:
        own = [(order[name], profile.importance_of(name).points) for name in CRITERIA_OF[family]]
        own = [(column, p) for column, p in own if p > 0]
        share = profile.family_importance(family).points
        if own and share > 0:
            simplex = _Simplex(np.array([float(p) for _, p in own]), belief)
            inside.append((np.array([column for column, _ in own], dtype=np.intp), simplex))
            points.append(float(share))
    columns = np.concatenate([block for block, _ in inside])
    family_of = np.repeat(np.arange(len(inside)), [len(block) for block, _ in inside])
    by_column = np.argsort(columns)
    return WeightRegion(
        columns=columns[by_column],
        family=family_of[by_column].astype(np.intp),
        shares=_Simplex(np.array(points), belief),
        inside=tuple(inside),
    )
