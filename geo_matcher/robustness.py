"""How sure a ranking is: odds over what was meant and what is known (SMAA-2).

Hides the sampling. Stochastic multicriteria acceptability analysis (Lahdelma, Hokkanen and Salminen
1998, *European Journal of Operational Research* 106:137-143; SMAA-2: Lahdelma and Salminen 2001,
*Operations Research* 49:444-454) draws weights from the region that a mover's words allow and
figures from what the data leave open, ranks every time, and counts.

Draws are made in blocks: each state of the data meets ``WEIGHTS_PER_STATE`` weights. Estimates stay
unbiased and the error falls as one over the square root of the draws, but it is that of fewer
independent draws: between all of them, where only the weights are in doubt, and one a state.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_matcher.errors import WeightError
from geo_matcher.matching import NAMES, Ranking
from geo_matcher.uncertainty import value_quantiles
from geo_matcher.weights import Belief, weight_region

__all__ = [
    "DEFAULT_DRAWS",
    "DEFAULT_SEED",
    "MAX_DRAWS",
    "MIN_DRAWS",
    "SHORTLIST",
    "Odds",
    "draw_ranks",
    "draw_scores",
    "odds",
    "odds_of",
    "results_with_odds",
    "with_odds",
]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
RankArray = NDArray[np.uint16]
IntArray = NDArray[np.intp]

DEFAULT_DRAWS = 2_000
MIN_DRAWS, MAX_DRAWS = 100, 20_000
DEFAULT_SEED = 2026
"""The seed of every answer that names none, so that all doors give the same numbers."""

WEIGHTS_PER_STATE = 2
"""Weights that meet each drawn state of the data. On the shipped release 2,000 draws are then worth
some 1,300 independent ones; with 8 weights a state they would be worth 400."""

CELLS_AT_ONCE = 1_500_000
"""Values held at once: what bounds the memory."""

BAND = (0.05, 0.95)
"""Ends of the band of ranks."""

SHORTLIST = 5
"""Places that a mover looks at first."""

TIE_ODDS = (0.4, 0.6)
"""Odds of being ahead between which two communes are said to be tied."""

CONFIDENCE_STATES = 500
"""States of the data over which a confidence factor is measured."""


def draw_ranks(
    values: Float32Array,
    weights: Float32Array,
    rng: np.random.Generator,
    *,
    per_state: int = WEIGHTS_PER_STATE,
) -> RankArray:
    """Rank alternatives once per draw.

    Parameters
    ----------
    values
        Alternatives × criteria × equally probable values of each cell. With a last axis of length
        1 the data are certain.
    weights
        Draws × criteria.
    rng
        Source of randomness.
    per_state
        Draws that share one state of the data.

    Returns
    -------
    ndarray
        Draws × alternatives, 1 for the best. Each row is a permutation: alternatives of equal score
        are put in a random order.
    """
    draws, n = len(weights), len(values)
    ranks = np.empty((draws, n), dtype=np.uint16)
    places = np.arange(1, n + 1, dtype=np.uint16)
    for rows, scores in _scores(values, weights, rng, per_state):
        order = _falling(scores, rng)
        np.put_along_axis(ranks[rows], order, np.broadcast_to(places, order.shape), axis=1)
    return ranks


def _scores(
    values: Float32Array, weights: Float32Array, rng: np.random.Generator, per_state: int
) -> Iterator[tuple[slice, Float32Array]]:
    """Yield scores between 0 and 1, draws × alternatives, some draws at a time."""
    draws, n = len(weights), len(values)
    if n == 0:
        return
    first_alike = _first_alike(values)
    has_twins = bool((first_alike != np.arange(n)).any())
    first = 0
    for states in _states(values, -(-draws // per_state), rng):
        last = min(draws, first + len(states) * per_state)
        met = np.zeros((len(states) * per_state, weights.shape[1]), dtype=np.float32)
        met[: last - first] = weights[first:last]
        blocks = met.reshape(len(states), per_state, -1)
        scores = np.matmul(blocks, states.transpose(0, 2, 1)).reshape(-1, n)[: last - first]
        yield slice(first, last), scores[:, first_alike] if has_twins else scores
        first = last


def _states(values: Float32Array, count: int, rng: np.random.Generator) -> Iterator[Float32Array]:
    """Yield states of the data, some at a time: states × alternatives × criteria."""
    n, k, levels = values.shape
    at_once = max(1, CELLS_AT_ONCE // (n * k))
    table = values.reshape(n * k, levels)
    start = np.arange(n * k, dtype=np.intp) * levels  # the type that ``take`` wants: 3 times faster
    flat = table.reshape(-1)
    for done in range(0, count, at_once):
        size = min(at_once, count - done)
        if levels == 1:
            yield np.broadcast_to(values[:, :, 0], (size, n, k))
            continue
        chosen = rng.integers(0, levels, size=(size, n * k), dtype=np.uint8)
        yield flat.take(chosen + start).reshape(size, n, k)


def _first_alike(values: Float32Array) -> IntArray:
    """Return, for each alternative, the first one with the same values in every state of the data.

    Their scores must be equal, but a matrix product may round the same sum differently from one
    place to another: one score has to be copied.
    """
    found = np.arange(len(values))
    certain = np.flatnonzero((np.ptp(values, axis=2) == 0).all(axis=1))
    if len(certain):
        _, first, alike = np.unique(
            values[certain, :, 0], axis=0, return_index=True, return_inverse=True
        )
        found[certain] = certain[first[alike]]
    return found


def _falling(scores: Float32Array, rng: np.random.Generator) -> IntArray:
    """Return the columns of each row, largest score first, equal scores in a random order."""
    order = np.argsort(-scores, axis=1)
    falling = np.take_along_axis(scores, order, axis=1)
    tied = np.flatnonzero((falling[:, 1:] == falling[:, :-1]).any(axis=1))
    if len(tied):
        luck = rng.random((len(tied), scores.shape[1]), dtype=np.float32)
        order[tied] = np.lexsort((luck, -scores[tied]), axis=1)
    return order


@dataclass(frozen=True, eq=False)
class Odds:
    """What the draws say of the communes that a ranking lists.

    Columns follow ``ranking.order``.

    Attributes
    ----------
    ranking
        What was ranked.
    belief, seed
        How far the words were believed; the seed.
    weights
        Draws × criteria.
    ranks
        Draws × listed communes, 1 for the best; each row is a permutation.
    """

    ranking: Ranking
    belief: Belief
    seed: int
    weights: Float32Array
    ranks: RankArray

    @property
    def draws(self) -> int:
        """Number of draws."""
        return len(self.ranks)

    @cached_property
    def _counts(self) -> NDArray[np.int64]:
        """Number of draws in which each commune (row) has each rank (column)."""
        n = self.ranks.shape[1]
        where = np.arange(n, dtype=np.int64) * n + (self.ranks.astype(np.int64) - 1)
        return np.bincount(where.ravel(), minlength=n * n).reshape(n, n)

    @cached_property
    def acceptability(self) -> FloatArray:
        """Rank acceptability: share of the draws in which each commune (row) has each rank."""
        return self._counts / self.draws

    @cached_property
    def _cumulative(self) -> NDArray[np.int64]:
        return self._counts.cumsum(axis=1)

    def p_top(self, places: int) -> FloatArray:
        """Return the share of the draws in which each commune is among the first places."""
        n = self.ranks.shape[1]
        return self._cumulative[:, min(places, n) - 1] / self.draws if n else np.zeros(0)

    @cached_property
    def band(self) -> tuple[IntArray, IntArray]:
        """Ranks between which each commune lies in nine draws of ten."""
        low, high = (
            (self._cumulative < end * self.draws).sum(axis=1).astype(np.intp) + 1 for end in BAND
        )
        return low, high

    def _first(self) -> Iterator[NDArray[np.bool_]]:
        return (self.ranks[:, column] == 1 for column in range(self.ranks.shape[1]))

    @cached_property
    def central_weights(self) -> FloatArray:
        """Mean weights of the draws that put each commune first; NaN where none does."""
        return np.array(
            [
                self.weights[first].mean(axis=0, dtype=np.float64)
                if first.any()
                else np.full(len(NAMES), np.nan)
                for first in self._first()
            ]
        ).reshape(-1, len(NAMES))

    @cached_property
    def confidence_factor(self) -> FloatArray:
        """Share of the states of the data in which each commune is first under its own weights.

        0 where no draw puts it first.
        """
        return self.confidence(range(self.ranks.shape[1]))

    def confidence(self, columns: Sequence[int]) -> FloatArray:
        """Return the confidence factor of some listed communes, by their place in the order."""
        asked = np.asarray(columns, dtype=np.intp)
        found = np.zeros(len(asked))
        reached = np.flatnonzero(~np.isnan(self.central_weights[asked, 0]))
        if not len(reached):
            return found
        used, table = _table(self.ranking)
        mine = asked[reached]
        own = np.ascontiguousarray(self.central_weights[np.ix_(mine, used)].T, dtype=np.float32)
        rng = np.random.default_rng([self.seed, 1])
        first_alike = _first_alike(table)[mine]
        for states in _states(table, CONFIDENCE_STATES, rng):
            # One flat product: many small ones are far slower beside other threads.
            flat = states.reshape(-1, states.shape[2]) @ own
            scores = flat.reshape(len(states), -1, len(mine))
            won = scores[:, first_alike, np.arange(len(mine))] >= scores.max(axis=1)
            found[reached] += won.sum(axis=0)
        return found / CONFIDENCE_STATES

    def ahead(self, columns: Sequence[int] | IntArray | None = None) -> FloatArray:
        """Return pairwise winning odds: how often each commune (row) is ahead of each other.

        Parameters
        ----------
        columns
            Which listed communes, by their place in ``ranking.order``; all by default.

        Returns
        -------
        ndarray
            Square; 0.5 on the diagonal, and p and 1 - p across it.
        """
        ranks = self.ranks if columns is None else self.ranks[:, np.asarray(columns, dtype=np.intp)]
        n = ranks.shape[1]
        found = np.full((n, n), 0.5)
        for column in range(n):
            before = (ranks[:, [column]] < ranks[:, column + 1 :]).mean(axis=0)
            found[column, column + 1 :] = before
            found[column + 1 :, column] = 1.0 - before
        return found

    @cached_property
    def ties(self) -> tuple[tuple[int, ...], ...]:
        """Groups of neighbours in the ranking that the odds cannot tell apart, as columns.

        A group begins with its best commune and holds the next ones as long as the odds of each
        member against each other stay between 40 and 60 %. Every commune is in one group;
        neighbours on either side of a cut may be as close as those inside.
        """
        n = self.ranks.shape[1]
        groups: list[tuple[int, ...]] = []
        leader = 0
        while leader < n:
            end = leader + 1
            while end < n and all(self._is_tie(member, end) for member in range(leader, end)):
                end += 1
            groups.append(tuple(range(leader, end)))
            leader = end
        return tuple(groups)

    def _is_tie(self, one: int, other: int) -> bool:
        share = float((self.ranks[:, one] < self.ranks[:, other]).mean())
        return TIE_ODDS[0] <= share <= TIE_ODDS[1]

    def column(self, row: int) -> int | None:
        """Return the place of a row of the territory among the columns, or None if not listed."""
        places = np.flatnonzero(self.ranking.order == row)
        return int(places[0]) if len(places) else None

    @cached_property
    def summaries(self) -> list[dict[str, Any]]:
        """What every answer says of the odds of each listed commune, in order."""
        low, high = self.band
        columns = (self.p_top(1), self.p_top(SHORTLIST), low, high)
        return [
            {"p_top_1": one, "p_top_5": five, "rank_low": best, "rank_high": worst}
            for one, five, best, worst in zip(*(c.tolist() for c in columns), strict=True)
        ]

    def full(self) -> dict[str, Any]:
        """Return everything that was counted, for every listed commune, in plain types.

        Returns
        -------
        dict
            ``codes``: the listed communes in order; ``acceptability``: for each, the share of the
            draws in which it has each rank; ``ahead``: for each, how often it is ahead of each
            other; ``central_weights``: for each, the mean weights that put it first, by criterion,
            None where none do; ``confidence_factor``: how often it is first under these.
        """
        used = np.flatnonzero(self.ranking.weights > 0).tolist()
        central = [
            None if np.isnan(row[0]) else {NAMES[k]: row[k].item() for k in used}
            for row in self.central_weights
        ]
        return {
            "codes": [self.ranking.matrix.codes[row] for row in self.ranking.order],
            "acceptability": self.acceptability.tolist(),
            "ahead": self.ahead().tolist(),
            "central_weights": central,
            "confidence_factor": self.confidence_factor.tolist(),
        }

    def as_dict(self) -> dict[str, Any]:
        """Return how the odds were made, and the groups of ties, in plain types."""
        codes = [self.ranking.matrix.codes[row] for row in self.ranking.order]
        return {
            "method": "SMAA-2",
            "draws": self.draws,
            "seed": self.seed,
            "belief": self.belief,
            "band": list(BAND),
            "ties": [[codes[c] for c in group] for group in self.ties if len(group) > 1],
        }


def _table(ranking: Ranking) -> tuple[IntArray, Float32Array]:
    """Return the columns that count and the equally probable values of the listed communes."""
    used = np.flatnonzero(ranking.weights > 0)
    matrix = ranking.matrix
    functions = {matrix.column(name): f for name, f in ranking.profile.value_functions.items()}
    values = value_quantiles(ranking.territory, matrix, functions)
    return used, np.ascontiguousarray(values[np.ix_(ranking.order, used)])


def odds(
    ranking: Ranking,
    *,
    draws: int = DEFAULT_DRAWS,
    seed: int = DEFAULT_SEED,
    belief: Belief = "words",
    answers: FloatArray | None = None,
) -> Odds:
    """Return how sure a ranking is.

    Parameters
    ----------
    ranking
        What was ranked. Limits are taken as they stand: a commune that may or may not keep one is
        listed, and drawn.
    draws
        How many, ``MIN_DRAWS`` to ``MAX_DRAWS``.
    seed
        Same release, profile and seed: same numbers.
    belief
        How far the mover's words are believed.
    answers
        Rows a of a · weights ≥ 0, from answers to trade-off questions.

    Raises
    ------
    WeightError
        If the number of draws or the seed is out of range, or the answers contradict one another.
    """
    if not MIN_DRAWS <= draws <= MAX_DRAWS:
        raise WeightError(f"draws is {draws}, expected {MIN_DRAWS} to {MAX_DRAWS:,}.")
    if seed < 0:
        raise WeightError(f"seed is {seed}, expected 0 or more.")
    rng = np.random.default_rng(seed)
    region = weight_region(ranking.profile, belief)
    weights = region.sample(draws, rng, answers=answers).astype(np.float32)
    return odds_of(ranking, weights, rng, seed=seed, belief=belief)


def draw_scores(
    ranking: Ranking,
    *,
    draws: int = DEFAULT_DRAWS,
    seed: int = DEFAULT_SEED,
    belief: Belief = "words",
) -> Float32Array:
    """Return the scores of the listed communes in draws like those of :func:`odds`.

    Parameters
    ----------
    ranking, draws, seed, belief
        As there.

    Returns
    -------
    ndarray
        Draws × listed communes in the order of the ranking, 0 to 100.
    """
    rng = np.random.default_rng(seed)
    weights = weight_region(ranking.profile, belief).sample(draws, rng).astype(np.float32)
    used, table = _table(ranking)
    found = np.empty((draws, len(table)), dtype=np.float32)
    chosen = np.ascontiguousarray(weights[:, used])
    for rows, scores in _scores(table, chosen, rng, WEIGHTS_PER_STATE):
        found[rows] = scores * 100
    return found


def odds_of(
    ranking: Ranking,
    weights: Float32Array,
    rng: np.random.Generator,
    *,
    seed: int = DEFAULT_SEED,
    belief: Belief = "words",
) -> Odds:
    """Return the odds of a ranking under weights that were drawn elsewhere, one row per draw."""
    used, table = _table(ranking)
    ranks = draw_ranks(table, np.ascontiguousarray(weights[:, used]), rng)
    return Odds(ranking, belief, seed, weights, ranks)


def with_odds(answer: dict[str, Any], found: Odds, *, full: bool = False) -> dict[str, Any]:
    """Add odds to a ranking in plain types: to each result, and how they were made.

    Parameters
    ----------
    answer
        What ``Ranking.to_dict`` returned for the same ranking.
    found
        Its odds.
    full
        Whether to add everything that was counted, see :meth:`Odds.full`.
    """
    return answer | {
        "results": results_with_odds(answer["results"], found),
        "robustness": found.as_dict() | ({"full": found.full()} if full else {}),
    }


def results_with_odds(results: list[dict[str, Any]], found: Odds) -> list[dict[str, Any]]:
    """Return results in plain types with the odds of each.

    Parameters
    ----------
    results
        What ``Ranking.results`` returned for the same ranking.
    found
        Its odds.
    """
    codes = found.ranking.matrix.codes
    summaries = {
        codes[row]: summary
        for row, summary in zip(found.ranking.order.tolist(), found.summaries, strict=True)
    }
    return [result | {"odds": summaries[result["insee_code"]]} for result in results]
