"""Double counting: criteria that tell much the same, and what a weight really decides.

Hides how two criteria are compared where figures are missing, and how the variance of a score is
shared out among the criteria that make it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_matcher.criteria import CRITERIA
from geo_matcher.decision import DecisionMatrix
from geo_matcher.matching import NAMES

__all__ = [
    "CORRELATED_FROM",
    "CorrelatedPair",
    "WeightShare",
    "correlated_pairs",
    "effective_weights",
    "weight_shares",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

CORRELATED_FROM = 0.7
"""Absolute correlation from which two criteria are listed as telling much the same."""

MIN_COMMUNES = 30
"""Communes with both figures known under which a correlation is not given."""


@dataclass(frozen=True, slots=True)
class CorrelatedPair:
    """Two criteria that tell much the same over all communes: their Pearson correlation."""

    first: str
    second: str
    r: float
    communes: int
    same_family: bool


@dataclass(frozen=True, slots=True)
class WeightShare:
    """What a criterion weighs on paper and what it decides, mean over the population.

    Attributes
    ----------
    criterion
        Which one.
    nominal
        Weight w_k.
    effective
        Share of the variance of the score, w_k cov(v_k, s) / var(s) with s = Σ w_k v_k. Both add up
        to 1; the effective one is negative where a criterion pulls against the score.
    """

    criterion: str
    nominal: float
    effective: float


def correlated_pairs(matrix: DecisionMatrix, used: IntArray) -> tuple[CorrelatedPair, ...]:
    """Correlate the catalogue's values over every commune of the territory.

    Pearson's, because a score adds values: what two of them share is what counts twice. A commune
    with an unknown figure is left out of that figure's pairs alone.

    Parameters
    ----------
    matrix
        Figures and values of every commune.
    used
        Columns of the criteria to compare, in the order of the catalogue.

    Returns
    -------
    tuple of CorrelatedPair
        Those of ``CORRELATED_FROM`` or more in absolute value, the strongest first.
    """
    known = np.where(np.isnan(matrix.raw), np.nan, matrix.values)
    frame = pd.DataFrame(known, columns=list(matrix.criteria))
    r = frame.corr(min_periods=MIN_COMMUNES).to_numpy()
    both = matrix.known.T @ matrix.known
    found = []
    for place, i in enumerate(used.tolist()):
        for j in used[place + 1 :].tolist():
            if abs(r[i, j]) >= CORRELATED_FROM:  # False where it cannot be told
                family = CRITERIA[NAMES[i]].family
                found.append(
                    CorrelatedPair(
                        NAMES[i],
                        NAMES[j],
                        r[i, j].item(),
                        int(both[i, j]),
                        family == CRITERIA[NAMES[j]].family,
                    )
                )
    return tuple(sorted(found, key=lambda pair: -abs(pair.r)))


def effective_weights(
    weights: FloatArray, values: FloatArray, score: FloatArray
) -> FloatArray | None:
    """Share out the variance of a score among the criteria.

    Parameters
    ----------
    weights
        Weight of each criterion, 0 to 1, shape (k,).
    values
        Value of each commune on each criterion, 0 to 1, shape (n, k).
    score
        Score of each commune, 0 to 100, shape (n,).

    Returns
    -------
    array of float or None
        The effective weights of :class:`WeightShare`, shape (k,); None where the score never
        varies.
    """
    centred = (score - score.mean()) / 100.0
    variance = centred @ centred
    if variance > 0:
        return np.asarray(weights * (centred @ values) / variance)
    return None


def weight_shares(
    nominal: FloatArray, effective: FloatArray, used: IntArray
) -> tuple[WeightShare, ...]:
    """Compare nominal weights with what they decide.

    That a weight is not the importance it is read as is the point of Paruolo, Saisana and Saltelli
    2013, "Ratings and rankings: voodoo or science?", *Journal of the Royal Statistical Society A*
    176:609-634. They measure it by the correlation ratio; the covariance decomposition used here is
    its linear counterpart and adds up to 1 exactly.

    Parameters
    ----------
    nominal, effective
        Mean weights over a population, one for each criterion of the catalogue.
    used
        Columns of the criteria to tell.
    """
    return tuple(WeightShare(NAMES[k], nominal[k].item(), effective[k].item()) for k in used)
