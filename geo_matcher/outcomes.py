"""What settled families chose, against what they had said.

Hides the model. Each family chose one village among those it was shown; a model of pairwise choices
(Bradley and Terry 1952, *Biometrika* 39:324-345, with differences of points as covariates) says how
much a point of each family of criteria weighed in those choices. Had people weighed as they said,
all would weigh alike. The model is shown with its uncertainty and with how well it foretells
choices that it has not seen; it is never fed back into a ranking, and with few files it says
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.errors import DataError
from geo_matcher.matching import NAMES, rank
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory

__all__ = ["MIN_FILES", "Learned", "Outcome", "WeighedFamily", "learn", "usable_outcomes"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

MIN_FILES = 60
"""Settled files below which nothing is said: nine coefficients need that many choices at least."""

FOLDS = 5
RESAMPLES = 200
INTERVAL = (5.0, 95.0)
STRENGTH = 1.0
"""Inverse strength of the shrinkage towards "as people said", on points in tens."""

POINTS = 10.0
"""Differences are counted in tens of points."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one family was shown and where it settled.

    Attributes
    ----------
    profile
        What it had said.
    chosen
        INSEE code of where it settled.
    offered
        Codes of the villages it was shown.
    """

    profile: Profile
    chosen: str
    offered: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WeighedFamily:
    """How much the points of one family of criteria weighed.

    Attributes
    ----------
    family
        Its name.
    factor, low, high
        1 is as people said; the interval holds 90 % of the resampled estimates.
    verdict
        ``more``, ``less`` or ``unclear``, as the interval lies above, below or around 1.
    """

    family: str
    factor: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Learned:
    """What the choices of settled families say.

    Attributes
    ----------
    files
        Files that could be used.
    needed
        Files below which nothing is said.
    families
        One for each family of criteria that counted for anybody; empty below ``needed``.
    foretold, foretold_as_said, foretold_by_chance
        Share of choices between two villages that are foretold by the model, by what people had
        said, and by a coin; on files that the model had not seen. ``None`` below ``needed``.
    seed
        Of the resampling.
    """

    files: int
    needed: int
    families: tuple[WeighedFamily, ...]
    foretold: float | None
    foretold_as_said: float | None
    foretold_by_chance: float
    seed: int

    @property
    def is_enough(self) -> bool:
        """Whether anything is said."""
        return self.files >= self.needed

    def as_dict(self) -> dict[str, Any]:
        """Return plain types."""
        return asdict(self) | {
            "is_enough": self.is_enough,
            "families": [asdict(f) for f in self.families],
        }


def usable_outcomes(territory: Territory, outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Return the outcomes that say something: a known village chosen among known ones."""
    known = set(territory.codes)
    kept = []
    for outcome in outcomes:
        offered = tuple(c for c in dict.fromkeys(outcome.offered) if c in known)
        others = tuple(code for code in offered if code != outcome.chosen)
        if outcome.chosen in known and others:
            kept.append(Outcome(outcome.profile, outcome.chosen, others))
    return tuple(kept)


def learn(
    territory: Territory, outcomes: Sequence[Outcome], *, seed: int = 2026, needed: int = MIN_FILES
) -> Learned:
    """Estimate how much each family of criteria weighed in the choices of settled families.

    Parameters
    ----------
    territory
        The release; figures are those of today, which may differ from those of then.
    outcomes
        One for each settled file.
    seed
        Of the resampling: same files, same seed, same numbers.
    needed
        Files below which nothing is said, ``FOLDS`` at least.

    Raises
    ------
    DataError
        If ``needed`` is below ``FOLDS``.
    """
    if needed < FOLDS:
        raise DataError(f"needed is {needed}, expected {FOLDS} files or more.")
    usable = usable_outcomes(territory, outcomes)
    if len(usable) < needed:
        return Learned(len(usable), needed, (), None, None, 0.5, seed)
    differences, file = _differences(territory, usable)
    counted = np.flatnonzero((differences != 0).any(axis=0))
    shown = differences[:, counted]
    factors = _factors(shown, file)
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(file == number) for number in range(len(usable))]
    resampled = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(0, len(usable), len(usable))
        again = np.concatenate([rows[number] for number in drawn])
        names = np.repeat(np.arange(len(drawn)), [len(rows[number]) for number in drawn])
        resampled.append(_factors(shown[again], names))
    low, high = np.percentile(resampled, INTERVAL, axis=0)
    foretold, as_said = _foretold(shown, differences.sum(axis=1), file)
    names_of = list(FAMILIES)
    return Learned(
        len(usable),
        needed,
        tuple(
            WeighedFamily(
                names_of[column],
                round(float(factor), 3),
                round(float(least), 3),
                round(float(most), 3),
                "more" if least > 1 else "less" if most < 1 else "unclear",
            )
            for column, factor, least, most in zip(counted, factors, low, high, strict=True)
        ),
        round(foretold, 4),
        round(as_said, 4),
        0.5,
        seed,
    )


def _differences(territory: Territory, outcomes: Sequence[Outcome]) -> tuple[FloatArray, IntArray]:
    """Return the differences of points, chosen minus not chosen, by family; and whose they are."""
    families = list(FAMILIES)
    of_family = np.array([families.index(CRITERIA[name].family) for name in NAMES])
    row = {code: number for number, code in enumerate(territory.codes)}
    rows, file = [], []
    for number, outcome in enumerate(outcomes):
        points = rank(territory, outcome.profile, "all").points
        shown = points[[row[outcome.chosen], *(row[code] for code in outcome.offered)]]
        by_family = np.zeros((len(shown), len(families)))
        np.add.at(by_family.T, of_family, shown.T)
        rows.append(by_family[0] - by_family[1:])
        file += [number] * (len(shown) - 1)
    return np.concatenate(rows) / POINTS, np.array(file, dtype=np.intp)


def _fit(differences: FloatArray, file: IntArray) -> FloatArray:
    """Return the coefficients of a model in which each file counts once."""
    from sklearn.linear_model import LogisticRegression

    weight = 1.0 / np.bincount(file)[file]
    both = np.concatenate([differences, -differences])
    label = np.r_[np.ones(len(differences)), np.zeros(len(differences))]
    model = LogisticRegression(C=STRENGTH, fit_intercept=False, solver="newton-cholesky")
    model.fit(both, label, sample_weight=np.r_[weight, weight])
    return np.asarray(model.coef_[0], dtype=np.float64)


def _factors(differences: FloatArray, file: IntArray) -> FloatArray:
    """Return how much a point of each family weighed, against a point of any.

    The model is shrunk towards one weight for all: its covariates are the sum of the points, which
    takes the common weight, and each family, which takes what it weighs beside.
    """
    total = differences.sum(axis=1, keepdims=True)
    found = _fit(np.hstack([total * SHARED, differences]), file)
    common, own = found[0] * SHARED, found[1:]
    weights = common + own
    level = weights.mean()
    return weights / level if level > 0 else np.ones(len(own))


SHARED = 10.0
"""How much less the common weight is shrunk than what families weigh beside it."""


def _foretold(differences: FloatArray, said: FloatArray, file: IntArray) -> tuple[float, float]:
    """Return the share of choices foretold on unseen files, by the model and by what was said."""
    from sklearn.model_selection import GroupKFold

    hits, hits_as_said = np.zeros(len(file)), _hits(said)
    total = differences.sum(axis=1, keepdims=True)
    table = np.hstack([total * SHARED, differences])
    for train, test in GroupKFold(FOLDS).split(table, groups=file):
        numbers = np.unique(file[train], return_inverse=True)[1]
        hits[test] = _hits(table[test] @ _fit(table[train], numbers))
    weight = 1.0 / np.bincount(file)[file]
    return (
        float(np.average(hits, weights=weight)),
        float(np.average(hits_as_said, weights=weight)),
    )


def _hits(margin: FloatArray) -> FloatArray:
    """Return 1 for a choice foretold, 0 for one missed, and a half for none."""
    return np.where(margin > 0, 1.0, np.where(margin < 0, 0.0, 0.5))
