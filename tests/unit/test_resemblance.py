"""Twins: symmetric, ordered, and the same as a plain search."""

from __future__ import annotations

import numpy as np
import pytest

from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.decision import decision_matrix
from geo_matcher.errors import UnknownCommuneError
from geo_matcher.resemblance import MAX_TWINS, twins
from geo_matcher.territory import Territory


def plain_distances(territory: Territory, code: str) -> dict[str, float]:
    """Compute every distance the slow way: mean over families of the mean squared difference."""
    values = decision_matrix(territory).values
    own = values[territory.codes.index(code)]
    total = np.zeros(len(values))
    for family in FAMILIES:
        columns = [k for k, c in enumerate(CRITERIA.values()) if c.family == family]
        total += ((values[:, columns] - own[columns]) ** 2).mean(axis=1) / len(FAMILIES)
    return dict(zip(territory.codes, np.sqrt(total).tolist(), strict=True))


@pytest.mark.parametrize("code", ["32416", "32013", "32365"])
def test_twins_are_the_nearest_by_a_plain_search(territory: Territory, code: str) -> None:
    distances = plain_distances(territory, code)
    found = twins(territory, code, 5)
    expected = sorted(value for other, value in distances.items() if other != code)[:5]
    assert [twin.distance for twin in found] == pytest.approx(expected)
    assert code not in [twin.insee_code for twin in found]
    for twin in found:
        assert distances[twin.insee_code] == pytest.approx(twin.distance)
        assert 0 <= twin.distance <= 1


def test_what_differs_is_the_widest_gap(territory: Territory) -> None:
    twin = twins(territory, "Sarrant", 1)[0]
    values = decision_matrix(territory).values
    rows = [territory.codes.index(code) for code in ("32416", twin.insee_code)]
    families = [criterion.family for criterion in CRITERIA.values()]
    gaps = np.abs(values[rows[0]] - values[rows[1]]) / np.sqrt(
        [families.count(f) for f in families]
    )
    assert twin.differs[0] == list(CRITERIA)[int(gaps.argmax())]
    assert twin.as_dict()["differs"] == list(twin.differs)


def test_twins_refuse_what_makes_no_sense(territory: Territory) -> None:
    with pytest.raises(UnknownCommuneError):
        twins(territory, "Nowhere")
    for count in (0, MAX_TWINS + 1):
        with pytest.raises(ValueError, match="expected 1 to"):
            twins(territory, "32416", count)
