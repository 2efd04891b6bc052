"""Two people and a few invented communes, told by two drives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest import mock

import numpy as np

from geo_matcher import matching
from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.decision import DecisionMatrix, Status
from geo_matcher.duo import Duo, duo
from geo_matcher.matching import NAMES
from geo_matcher.profile import CRITERIA_OF, Profile, parse_profile
from geo_matcher.territory import Territory

STATION, DOCTOR = NAMES.index("station_min"), NAMES.index("doctor_min")
A, B, C, D = range(4)
UNKNOWN = float("nan")
Limits = dict[str, dict[str, float]]


def only(criterion: str, limits: Limits | None = None) -> Profile:
    """Return somebody to whom one drive matters, each minute of it one point of a hundred."""
    family = CRITERIA[criterion].family
    choices: dict[str, Any] = {
        name: {"importance": "not_at_all"} for name in CRITERIA_OF[family] if name != criterion
    }
    choices[criterion] = {"importance": "important", "breakpoints": [[0, 1], [100, 0]]}
    importance = dict.fromkeys(FAMILIES, "not_at_all") | {family: "important"}
    return parse_profile({"importance": importance, "criteria": choices, "limits": limits or {}})


def small_duo(
    territory: Territory,
    minutes: Sequence[tuple[float, float]],
    first: Limits | None = None,
    second: Limits | None = None,
) -> Duo:
    """Put two people together over a few communes.

    Each row gives the minutes to a station, all that the first person cares for, and to a doctor,
    all that the second does. The codes are those of the first communes of the release.
    """
    raw = np.zeros((len(territory.codes), len(NAMES)))
    status = np.full(raw.shape, Status.MEASURED, dtype=np.int8)
    raw[: len(minutes), [STATION, DOCTOR]] = np.reshape(minutes, (-1, 2))
    matrix = DecisionMatrix.from_figures(territory.codes, raw, raw.copy(), status)
    eligible = np.arange(len(raw)) < len(minutes)
    with (
        mock.patch.object(matching, "decision_matrix", return_value=matrix),
        mock.patch.object(Territory, "in_scope", return_value=eligible),
    ):
        return duo(territory, only("station_min", first), only("doctor_min", second))


def order(found: Duo, territory: Territory) -> list[int]:
    return [territory.codes.index(village.insee_code) for village in found.villages]
