"""Ranking with its full ledger, against scikit-criteria's weighted sum on the same matrix."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import skcriteria
from skcriteria.agg.simple import WeightedSumModel

from geo_matcher.criteria import CRITERIA
from geo_matcher.decision import DecisionMatrix, decision_matrix
from geo_matcher.dominance import dominated
from geo_matcher.matching import Ranking, rank
from geo_matcher.presets import PRESETS
from geo_matcher.territory import Territory
from geo_matcher.territory_file import default_release_folder
from tests.benchmarks.measure import Row, median_s

PROFILE = PRESETS["paris-web-family"].profile
FRANCE = 34_875
"""Communes of France: the size at which growth is checked."""


def with_ledger(ranking: Ranking) -> Ranking:
    """Force everything that a ranking computes on demand for its ledger."""
    _ = ranking.points, ranking.helps, ranking.drags, ranking.completeness, ranking.excluded
    return ranking


def synthetic(matrix: DecisionMatrix, rows: int) -> DecisionMatrix:
    """Draw rows from the real ones, with a little noise, to reach another size."""
    generator = np.random.default_rng(20261122)
    drawn = generator.integers(0, len(matrix.codes), rows)
    noise = generator.uniform(0.95, 1.05, (rows, len(CRITERIA)))
    codes = tuple(f"{i:05d}" for i in range(rows))
    return DecisionMatrix.from_figures(
        codes, matrix.raw[drawn] * noise, matrix.raw_low[drawn] * noise, matrix.status[drawn]
    )


def peer(values: np.ndarray[Any, np.dtype[np.float64]], weights: Any) -> Any:
    """Prepare scikit-criteria's weighted sum on the values of a matrix."""
    names = [f"c{k}" for k in range(values.shape[1])]
    used = np.asarray(weights) > 0

    def call() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = skcriteria.mkdm(
                values[:, used], [max] * int(used.sum()), weights=weights[used],
                criteria=[n for n, u in zip(names, used, strict=True) if u],
            )  # fmt: skip
            return WeightedSumModel().evaluate(made)

    return call


def run() -> list[Row]:
    """Measure both sizes."""
    territory = Territory.load(default_release_folder())
    matrix = decision_matrix(territory)
    large = synthetic(matrix, FRANCE)
    everywhere = cast(
        "Territory",
        SimpleNamespace(in_scope=lambda _: np.ones(FRANCE, dtype=np.bool_), codes=large.codes),
    )
    rows = []
    for what, place, figures, repeats, target in (
        (f"ranking, {len(territory.codes)} communes, ledger", territory, matrix, 300, 1.0),
        (f"ranking, {FRANCE:,} rows, ledger", everywhere, large, 15, None),
    ):
        values = rank(place, PROFILE, "all", matrix=figures).values
        own = median_s(
            lambda place=place, figures=figures: with_ledger(  # type: ignore[misc]
                rank(place, PROFILE, "all", matrix=figures)
            ),
            repeats,
        )
        other = median_s(peer(values, PROFILE.weights), max(5, repeats // 10))
        rows.append(Row(what, own * 1e3, "ms", target, "scikit-criteria weighted sum", other * 1e3))
    everyone = rank(territory, PROFILE.model_copy(update={"limits": {}}), "all")
    beaten = median_s(lambda: dominated(everyone), 9)
    what = f"who is beaten everywhere, {len(territory.codes)} communes"
    rows.append(Row(what, beaten * 1e3, "ms", 50.0))
    return rows
