"""A few invented communes, told by three drives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from geo_matcher.criteria import CRITERIA
from geo_matcher.decision import DecisionMatrix, decision_matrix
from geo_matcher.matching import NAMES, Ranking, rank
from geo_matcher.profile import parse_profile
from geo_matcher.territory import Territory

STATION, DOCTOR, LYCEE = (NAMES.index(f"{name}_min") for name in ("station", "doctor", "lycee"))
COLUMNS = (STATION, DOCTOR, LYCEE)
ONE_OF = {"mobility": "station_min", "health": "doctor_min", "children": "lycee_min"}
A, B, C, D = "32001", "32002", "32003", "32004"
LINE = [[0.0, 1.0], [100.0, 0.0]]
"""A value function under which x minutes are worth 1 - x/100."""


def small_ranking(
    territory: Territory,
    table: Sequence[Sequence[float]],
    points: Sequence[int],
    *,
    also_known: Sequence[Sequence[float]] = (),
    limits: dict[str, Any] | None = None,
    scope: str = "all",
) -> Ranking:
    """Rank a few communes by the value that each has on each criterion.

    The criteria are the station, the doctor and the lycée, as many as there are columns, with the
    importance in points (4, 2, 1 or 0); NaN is unknown. A limit leaves all other communes out.
    """
    words = {4: "indispensable", 2: "important", 1: "a_little", 0: "not_at_all"}
    families = ["work", "connection", "daily_life", "housing", "setting", "welcome"]
    importance = dict.fromkeys([*families, *ONE_OF], "not_at_all")
    importance |= {f: words[number] for f, number in zip(ONE_OF, points, strict=False) if number}
    choices: dict[str, Any] = {
        name: {"importance": "not_at_all"}
        for name, criterion in CRITERIA.items()
        if criterion.family in ONE_OF
    }
    choices |= {n: {"importance": "important", "breakpoints": LINE} for n in ONE_OF.values()}
    profile = parse_profile(
        {
            "importance": importance,
            "criteria": choices,
            "limits": {"telecentre_min": {"at_most": 1.0}} | (limits or {}),
        }
    )
    real = decision_matrix(territory)
    raw = np.full_like(real.raw, 50.0)
    values = np.array([*table, *also_known], dtype=np.float64)
    raw[: len(values), COLUMNS[: values.shape[1]]] = 100.0 * (1.0 - values)
    raw[: len(table), NAMES.index("telecentre_min")] = 0.0
    matrix = DecisionMatrix.from_figures(real.codes, raw, raw.copy(), real.status.copy())
    return rank(territory, profile, scope, matrix=matrix)
