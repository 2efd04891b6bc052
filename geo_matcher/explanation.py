"""Why a commune is where it is, and what would have to be true for it to be elsewhere.

Hides how the parts are brought together: the ledger, the odds, what it lacks beside the first, the
least change of weights or of one figure, who would choose it, what resembles it. No words here:
``sentences`` says them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.dominance import Dominance, dominated
from geo_matcher.insight import WeightChange, dethrone, weights_to_lead
from geo_matcher.leverage import FigureChange, figures_to_gain
from geo_matcher.matching import NAMES, Ranking
from geo_matcher.resemblance import Twin, twins
from geo_matcher.robustness import DEFAULT_DRAWS, DEFAULT_SEED, SHORTLIST, Odds, odds

__all__ = ["Admirers", "Gap", "Reasons", "reasons"]

FloatArray = NDArray[np.float64]

FIGURES_SHOWN = 3
"""Single figures that are named, the least change first."""


LEAST_ADMIRERS = 20
"""Draws that have to put a commune first before anything is said of those who would choose it."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What one criterion makes of the difference with the first commune, in points."""

    criterion: str
    points: float


@dataclass(frozen=True, slots=True)
class Admirers:
    """Those who would choose a commune, whatever the words of the profile.

    Weights are drawn freely among what counts for the profile at all.

    Attributes
    ----------
    share
        Share of the draws that put it first.
    families
        Triples (family, its mean share of the weight in those draws, in all draws), the largest
        excess first. Empty where fewer than ``LEAST_ADMIRERS`` draws put it first.
    confidence
        How often it is first under those central weights, over what the data leave open; 0 where
        there are no families.
    """

    share: float
    families: tuple[tuple[str, float, float], ...]
    confidence: float


@dataclass(frozen=True, eq=False)
class Reasons:
    """Everything that is said of one commune in one ranking.

    Attributes
    ----------
    ranking, row
        Where it stands.
    in_scope
        Whether the scope holds it.
    misses
        Limits that it surely breaks: criterion and by how much, None when out of reach.
    odds
        Its odds; None if it is not listed.
    leader
        Row of the first commune; None when nothing is listed.
    gaps
        What each criterion makes of the difference with the first, largest loss first; they add up
        to the difference of the two scores.
    lead
        The least change of weights that puts it first.
    figures
        Single figures that would make it gain a rank, the least change first.
    dominance
        Who does at least as well on everything, if anybody does.
    overthrow
        For the first commune: the least change of weights that dethrones it.
    admirers
        Who would choose it; None if it is not listed.
    alike
        Communes that resemble it.
    """

    ranking: Ranking
    row: int
    in_scope: bool
    misses: tuple[tuple[str, float | None], ...]
    odds: dict[str, Any] | None
    leader: int | None
    gaps: tuple[Gap, ...]
    lead: WeightChange
    figures: tuple[FigureChange, ...]
    dominance: Dominance | None
    overthrow: WeightChange | None
    admirers: Admirers | None
    alike: tuple[Twin, ...]

    @property
    def is_listed(self) -> bool:
        """Whether the ranking lists the commune."""
        return self.odds is not None

    def as_dict(self) -> dict[str, Any]:
        """Return the reasons in plain types."""
        ranking = self.ranking
        leader = None
        if self.leader is not None:
            facts = ranking.territory.facts[self.leader]
            leader = {
                "insee_code": facts["insee_code"],
                "name": facts["name"],
                "score": ranking.score[self.leader].item(),
            }
        admirers = None
        if self.admirers is not None:
            admirers = {
                "share": self.admirers.share,
                "confidence": self.admirers.confidence,
                "families": [
                    {"family": family, "share": own, "share_of_all": everybody}
                    for family, own, everybody in self.admirers.families
                ],
            }
        return {
            "release": ranking.territory.release_id,
            "scope": ranking.scope,
            "in_scope": self.in_scope,
            "listed": self.is_listed,
            "misses": [{"criterion": name, "by": by} for name, by in self.misses],
            "result": ranking.result(self.row) | {"odds": self.odds},
            "leader": leader,
            "gaps": [{"criterion": gap.criterion, "points": gap.points} for gap in self.gaps],
            "weights_to_lead": self.lead.as_dict(),
            "figures_to_gain": [change.as_dict() for change in self.figures],
            "dominated_by": self.dominance.as_dict() if self.dominance else None,
            "dethroned_by": self.overthrow.as_dict() if self.overthrow else None,
            "admirers": admirers,
            "twins": [twin.as_dict() for twin in self.alike],
        }


def reasons(
    ranking: Ranking,
    code_or_name: str,
    *,
    places: int | None = None,
    draws: int = DEFAULT_DRAWS,
    seed: int = DEFAULT_SEED,
) -> Reasons:
    """Return why a commune is where it is.

    Parameters
    ----------
    ranking
        What was ranked.
    code_or_name
        A commune of the territory, listed or not.
    places
        Ranks to gain by a single figure. By default as many as lead into the first five, or one
        where it is there or no single figure leads so far.
    draws, seed
        As for :func:`geo_matcher.robustness.odds`.

    Raises
    ------
    UnknownCommuneError
        If the territory has no such commune.
    """
    row = ranking.position(code_or_name)
    code = ranking.matrix.codes[row]
    leader = int(ranking.order[0]) if len(ranking) else None
    is_listed = row in set(ranking.order.tolist())
    summary = admirers = None
    if is_listed:
        found = odds(ranking, draws=draws, seed=seed)
        summary = found.summaries[int(np.flatnonzero(ranking.order == row)[0])]
        admirers = _admirers(odds(ranking, draws=draws, seed=seed, belief="free"), row)
    return Reasons(
        ranking=ranking,
        row=row,
        in_scope=bool(ranking.in_scope[row]),
        misses=tuple(_misses(ranking, row)),
        odds=summary,
        leader=leader,
        gaps=_gaps(ranking, row, leader),
        lead=weights_to_lead(ranking, code),
        figures=_figures(ranking, code, places)[:FIGURES_SHOWN],
        dominance=dominated(ranking).get(code),
        overthrow=dethrone(ranking) if row == leader else None,
        admirers=admirers,
        alike=twins(ranking.territory, code),
    )


def _figures(ranking: Ranking, code: str, places: int | None) -> tuple[FigureChange, ...]:
    if places is not None:
        return figures_to_gain(ranking, code, places)
    one = figures_to_gain(ranking, code)
    if not one or one[0].rank_before - SHORTLIST <= 1:
        return one
    return figures_to_gain(ranking, code, one[0].rank_before - SHORTLIST) or one


def _misses(ranking: Ranking, row: int) -> Iterator[tuple[str, float | None]]:
    for outcome in ranking.limits:
        if outcome.misses[row]:
            by = float(outcome.by[row])
            yield outcome.criterion, by if np.isfinite(by) else None


def _gaps(ranking: Ranking, row: int, leader: int | None) -> tuple[Gap, ...]:
    if leader is None or leader == row:
        return ()
    lost = ranking.points[row] - ranking.points[leader]
    used = [k for k in np.argsort(lost, kind="stable").tolist() if ranking.weights[k] > 0]
    return tuple(Gap(NAMES[k], lost[k].item()) for k in used)


def _admirers(found: Odds, row: int) -> Admirers:
    column = int(np.flatnonzero(found.ranking.order == row)[0])
    first = found.ranks[:, column] == 1
    share = float(first.mean())
    if first.sum() < LEAST_ADMIRERS:
        return Admirers(share, (), 0.0)
    own, everybody = (_by_family(weights) for weights in (found.weights[first], found.weights))
    families = [(name, own[name], everybody[name]) for name in FAMILIES if everybody[name] > 0]
    families.sort(key=lambda entry: entry[2] - entry[1])
    return Admirers(share, tuple(families), float(found.confidence([column])[0]))


def _by_family(weights: NDArray[np.float32]) -> dict[str, float]:
    mean = weights.mean(axis=0, dtype=np.float64).tolist()
    total = dict.fromkeys(FAMILIES, 0.0)
    for criterion, weight in zip(CRITERIA.values(), mean, strict=True):
        total[criterion.family] += weight
    return total
