"""A lift the long way round: everybody's figures, values, scores and ranks again, from scratch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo_matcher.counterfactual import changes_of, matrix_after
from geo_matcher.criteria import CRITERIA, Unit
from geo_matcher.decision import decision_matrix
from geo_matcher.demand import FIRST_PLACES, LUCK
from geo_matcher.matching import limit_outcomes
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory
from geo_matcher.uncertainty import LEVELS, QUANTILES, figure_quantiles
from geo_matcher.weights import weight_region

FloatArray = NDArray[np.float64]


def first_places(
    territory: Territory,
    profile: Profile,
    source: tuple[int, int],
    *,
    scope: str = "all",
    draws: int = 20,
    action: str = "",
    code: str = "",
) -> NDArray[np.intp]:
    """Rank everybody, once an action is taken if one is named: the first ten of each draw.

    Best first; -1 where fewer are listed.

    ``source`` is the seed and the newcomer's number.
    """
    matrix = decision_matrix(territory)
    figures = figure_quantiles(territory, matrix).copy()
    if action:
        changes = changes_of(territory, action).at([matrix.codes.index(code)])
        for place, column in enumerate(changes.columns):
            figures[changes.row, column] = changes.quantiles[:, place]
        matrix = matrix_after(territory, action, code)
    values = np.empty_like(figures)
    for k, criterion in enumerate(CRITERIA.values()):
        function = profile.value_functions.get(criterion.name, criterion.value_function)
        unknown = LEVELS
        if criterion.unit is Unit.YES_NO:
            unknown = function((LEVELS > 0.5).astype(np.float64))
        values[:, k] = np.where(np.isnan(figures[:, k]), unknown, function(figures[:, k]))
    values = values.astype(np.float32).astype(np.float64)
    rng = np.random.default_rng(source)
    used = np.flatnonzero(profile.weights > 0)
    weights = weight_region(profile).sample(draws, rng)[:, used]
    n = len(matrix.codes)
    levels = rng.integers(0, QUANTILES, size=(draws, n, len(used)), dtype=np.uint8)
    luck = LUCK * rng.random((draws, n))
    is_listed = territory.in_scope(scope).copy()
    for outcome in limit_outcomes(matrix, profile):
        is_listed &= ~outcome.misses
    found = np.full((draws, FIRST_PLACES[-1]), -1, dtype=np.intp)
    for draw in range(draws):
        state = np.take_along_axis(
            values[:, used], levels[draw, :, :, np.newaxis].astype(np.intp), axis=2
        )[:, :, 0]
        score = np.where(is_listed, state @ weights[draw] + luck[draw], -np.inf)
        first = np.argsort(-score)[: FIRST_PLACES[-1]]
        found[draw] = np.where(is_listed[first], first, -1)
    return found
