from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from geo_matcher.clusters import gap_clusters
from geo_matcher.errors import DataError
from geo_matcher.gaps import Gaps, gaps
from geo_matcher.territory import Territory

FEW = 999


@pytest.fixture(scope="module")
def found(territory: Territory) -> Gaps:
    return gaps(territory)


def test_the_same_seed_gives_the_same_clusters(territory: Territory, found: Gaps) -> None:
    one = gap_clusters(territory, found, permutations=FEW)
    assert gap_clusters(territory, found, permutations=FEW) == one
    assert one.tested + len(one.untested) == len(found)
    answer = one.as_dict()
    assert answer["seed"] == 2026
    assert all(row["p"] <= 0.05 for row in answer["clusters"])
    assert "1 m" in answer["neighbours"]
    assert "false discovery rate" in answer["significance"]


def test_a_gap_put_in_one_corner_is_found(territory: Territory, found: Gaps) -> None:
    lon = territory.communes["town_hall_lon"].to_numpy()
    lat = territory.communes["town_hall_lat"].to_numpy()
    corner = (lon < np.quantile(lon, 0.3)) & (lat < np.quantile(lat, 0.4))
    without = np.where(corner, found.premises // 2, 0)
    made = gap_clusters(territory, replace(found, without_fibre=without), permutations=9_999)
    high = [row for row in made.found if row.is_significant and row.kind == "high_among_high"]
    codes = {code for code, inside in zip(found.codes, corner, strict=True) if inside}
    assert len(high) > 10
    assert {row.insee_code for row in high} <= codes
    assert made.global_i > 0.5
    assert made.global_p < 1e-6


def test_the_other_measure_is_another_question(territory: Territory, found: Gaps) -> None:
    made = gap_clusters(territory, found, measure="30mbit", permutations=FEW)
    assert made.measure == "30mbit"
    assert made.as_dict()["premises_without"] == "30 Mbit/s by land"
    assert made.global_p < 0.001


def test_communes_without_premises_or_neighbours_are_not_tested(
    territory: Territory, found: Gaps
) -> None:
    premises = found.premises.copy()
    premises[:5] = 0
    made = gap_clusters(territory, replace(found, premises=premises), permutations=FEW)
    assert set(found.codes[:5]) <= set(made.untested)
    with pytest.raises(DataError, match="10 communes"):
        gap_clusters(territory, replace(found, premises=np.zeros_like(premises)))


@pytest.mark.parametrize("permutations", [0, 98, 100_000])
def test_the_permutations_are_bounded(territory: Territory, found: Gaps, permutations: int) -> None:
    with pytest.raises(DataError, match="expected 99 to 99,999"):
        gap_clusters(territory, found, permutations=permutations)
