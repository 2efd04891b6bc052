"""Where gaps gather: neighbouring communes that lack fibre more than chance would have it.

Hides the spatial statistics (PySAL). Each commune is compared with its neighbours by the local
Moran statistic (L. Anselin, *Local indicators of spatial association*, Geographical Analysis 27,
1995) on rates made comparable between small and large communes by the empirical Bayes
standardisation of Assunção and Reis (*A new proposal to adjust Moran's I for population density*,
Statistics in Medicine 18, 1999). Many communes are tested at once, so the false discovery rate is
held (Benjamini and Hochberg 1995).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_matcher.errors import DataError
from geo_matcher.gaps import Gaps
from geo_matcher.territory import LAMBERT_93, Territory

__all__ = [
    "CLUSTER_KINDS",
    "DEFAULT_PERMUTATIONS",
    "MEASURES",
    "Cluster",
    "Clusters",
    "Measure",
    "gap_clusters",
]

IntArray = NDArray[np.int64]

DEFAULT_PERMUTATIONS = 49_999
"""The smallest p is 2 / (permutations + 1): with fewer, none of 458 communes could pass the first
threshold of the false discovery rate, 5 % / 458."""

SEED = 2026
SIGNIFICANCE = 0.05
"""False discovery rate that is held, and the p up to which a commune is listed at all."""

Measure = Literal["fibre", "30mbit"]
MEASURES: Mapping[Measure, str] = MappingProxyType(
    {"fibre": "fibre", "30mbit": "30 Mbit/s by land"}
)

TOUCH_M = 1.0
"""Gap up to which two outlines touch, as for the types of communes."""

CLUSTER_KINDS = ("high_among_high", "low_among_high", "low_among_low", "high_among_low")
"""The quadrants of the Moran diagram, in the order in which PySAL numbers them from 1."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A commune whose neighbourhood differs from what chance makes of most.

    Attributes
    ----------
    insee_code, name
        Which one.
    kind
        One of ``CLUSTER_KINDS``: its own rate, then that of its neighbours.
    p
        Pseudo p-value of the conditional permutations, two-sided.
    is_significant
        Whether it passes the false discovery rate; without that, among hundreds of communes, a p
        under 5 % is expected of one in twenty.
    """

    insee_code: str
    name: str
    kind: str
    p: float
    is_significant: bool


@dataclass(frozen=True, slots=True)
class Clusters:
    """Clusters of gaps, and how they were told.

    Attributes
    ----------
    release, measure, permutations, seed
        What was asked.
    global_i, global_p
        Moran's I of the whole territory on the same rates, and its p-value (normal, two-sided).
    threshold
        Largest p that passes at the false discovery rate of 5 %.
    tested
        Communes that have premises and neighbours.
    untested
        INSEE codes of the others.
    found
        Communes with p up to 5 %, significant or not: those among high rates first, then by p and
        by code.
    """

    release: str
    measure: Measure
    global_i: float
    global_p: float
    permutations: int
    seed: int
    threshold: float
    tested: int
    untested: tuple[str, ...]
    found: tuple[Cluster, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the clusters in plain types."""
        return {
            "release": self.release,
            "statistic": "local Moran on empirical Bayes rates",
            "measure": self.measure,
            "premises_without": MEASURES[self.measure],
            "global_i": self.global_i,
            "global_p": self.global_p,
            "neighbours": f"outlines within {TOUCH_M:g} m of one another, rows standardised",
            "significance": "conditional permutations, two-sided, false discovery rate 5 %",
            "permutations": self.permutations,
            "seed": self.seed,
            "threshold": self.threshold,
            "tested": self.tested,
            "untested": list(self.untested),
            "clusters": [
                {
                    "insee_code": c.insee_code,
                    "name": c.name,
                    "kind": c.kind,
                    "p": c.p,
                    "significant": c.is_significant,
                }
                for c in self.found
            ],
        }


def gap_clusters(
    territory: Territory,
    found: Gaps,
    *,
    measure: Measure = "fibre",
    permutations: int = DEFAULT_PERMUTATIONS,
    seed: int = SEED,
) -> Clusters:
    """Tell which communes lack the same thing together, by the premises of Ma connexion internet.

    Parameters
    ----------
    territory
        The release, for its outlines.
    found
        Its gaps.
    measure
        ``fibre``: premises without fibre; ``30mbit``: premises without 30 Mbit/s by land.
    permutations
        Conditional permutations of the neighbours, 99 to 99,999.
    seed
        Same seed, same answer.

    Raises
    ------
    DataError
        If the permutations are out of range, or fewer than 10 communes can be tested.
    """
    if not 99 <= permutations <= 99_999:
        raise DataError(f"permutations: found {permutations}, expected 99 to 99,999.")
    touching = _touching(territory, found.codes)
    kept = np.flatnonzero((found.premises > 0) & np.array([len(t) > 0 for t in touching]))
    while True:  # a commune may lose its last neighbour with those that cannot be tested
        inside = set(kept.tolist())
        still = np.array([row for row in kept.tolist() if inside & set(touching[row])], dtype=int)
        if len(still) == len(kept):
            break
        kept = still
    if len(kept) < 10:
        raise DataError(
            f"Clusters of gaps need 10 communes with premises and neighbours; {len(kept)} are left."
        )
    import esda
    from libpysal.weights import W

    position = {row: place for place, row in enumerate(kept.tolist())}
    weights = W(
        {
            position[row]: sorted(position[other] for other in touching[row] if other in position)
            for row in kept.tolist()
        },
        silence_warnings=True,
    )
    lack = found.without_fibre if measure == "fibre" else found.without_30mbit
    lacking, base = (array[kept].astype(np.float64) for array in (lack, found.premises))
    whole = esda.Moran_Rate(lacking, base, weights, permutations=0)
    with warnings.catch_warnings():
        # PySAL announces that its p will be two-sided one day; here it is doubled by hand.
        warnings.filterwarnings("ignore", "The alternative hypothesis", DeprecationWarning)
        moran = esda.Moran_Local_Rate(
            lacking,
            base,
            weights,
            permutations=permutations,
            n_jobs=1,
            keep_simulations=False,
            seed=seed,
        )
    p = np.minimum(1.0, 2.0 * np.asarray(moran.p_sim, dtype=np.float64))
    threshold = float(esda.fdr(p, SIGNIFICANCE))
    listed = [
        Cluster(
            found.codes[row],
            found.names[row],
            CLUSTER_KINDS[int(moran.q[place]) - 1],
            round(float(p[place]), 6),
            bool(p[place] <= threshold),
        )
        for row, place in position.items()
        if p[place] <= SIGNIFICANCE
    ]
    listed.sort(key=lambda c: (CLUSTER_KINDS.index(c.kind), c.p, c.insee_code))
    return Clusters(
        found.release,
        measure,
        float(whole.I),
        float(whole.p_norm),
        permutations,
        seed,
        threshold,
        len(kept),
        tuple(code for row, code in enumerate(found.codes) if row not in position),
        tuple(listed),
    )


def _touching(territory: Territory, codes: tuple[str, ...]) -> list[list[int]]:
    """Return, for each commune, those whose outline comes within ``TOUCH_M``."""
    outlines = np.asarray(territory.communes.geometry.loc[list(codes)].to_crs(LAMBERT_93).array)
    tree = shapely.STRtree(outlines)
    one, other = tree.query(outlines, predicate="dwithin", distance=TOUCH_M)
    found: list[list[int]] = [[] for _ in codes]
    for a, b in zip(one.tolist(), other.tolist(), strict=True):
        if a != b:
            found[a].append(b)
    return found
