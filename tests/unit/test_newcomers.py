from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from geo_matcher.errors import ProfileError
from geo_matcher.newcomers import MAX_SIZE, POPULATION, population
from geo_matcher.presets import PRESETS
from geo_matcher.profile import CITIES, parse_profile


def test_the_tables_are_shares_of_things_that_exist() -> None:
    for name, rows in POPULATION.items():
        assert sum(share for _, share in rows) == pytest.approx(1.0, abs=1e-12), name
        assert all(share > 0 for _, share in rows), name
    assert {name for name, _ in POPULATION["preset"]} == set(PRESETS)
    assert {name for name, _ in POPULATION["origin_city"]} == set(CITIES)


def test_a_population_is_valid_repeatable_and_grows_by_its_end() -> None:
    some = population(60, 3)
    assert len(some) == 60
    assert [parse_profile(profile.as_dict()) for profile in some] == list(some)
    assert population(60, 3) == some
    assert population(25, 3) == some[:25]
    assert population(25, 4) != some[:25]
    for profile in some:
        assert profile.weights.sum() == pytest.approx(1.0)


def test_newcomers_are_plausible() -> None:
    for profile in population(400, 11):
        preset = profile.name.rsplit(" ", 1)[0]
        ages = profile.children_ages
        assert preset in PRESETS
        assert all(0 <= age <= 17 for age in ages)
        assert len(ages) <= 3
        if preset == "retired-couple":
            assert ages == []
        assert ("children" in profile.importance) == bool(ages)
        assert profile.client_city is None or profile.work_mode == "client_visits"
        assert ("primary_school_min" not in profile.limits) or max(ages) <= 11
        assert ("college_min" not in profile.limits) or min(ages) >= 6
        assert ("toulouse_min" not in profile.limits) or profile.client_city == "toulouse"
        assert set(profile.limits) <= set(PRESETS[preset].profile.limits)
        if profile.budget_eur is not None:
            price = profile.budget_eur / profile.surface_m2
            low, high = (1_200, 2_300) if profile.tenure == "buy" else (6, 9)
            assert low <= round(price, 6) <= high


def test_shares_drawn_are_near_the_shares_assumed() -> None:
    drawn = population(800, 5)
    n = len(drawn)
    counts = Counter(profile.origin_city for profile in drawn)
    for city, share in POPULATION["origin_city"]:
        assert abs(counts[city] / n - share) < 4 * np.sqrt(share * (1 - share) / n)  # type: ignore[index]
    rent = sum(profile.tenure == "rent" for profile in drawn) / n
    assert abs(rent - 0.30) < 4 * np.sqrt(0.21 / n)


def test_importances_move_by_one_word_at_most() -> None:
    points = [1, 2, 4]
    moves = Counter[int]()
    for profile in population(200, 2):
        preset = PRESETS[profile.name.rsplit(" ", 1)[0]].profile
        for family, word in profile.importance.items():
            before = preset.family_importance(family).points or 2  # schools: the catalogue's word
            moves[points.index(word.points) - points.index(before)] += 1
    assert set(moves) == {-1, 0, 1}
    assert moves[0] > moves[1] > 0


@pytest.mark.parametrize(("size", "seed"), [(9, 1), (MAX_SIZE + 1, 1), (20, -1)])
def test_a_population_out_of_range_is_refused(size: int, seed: int) -> None:
    with pytest.raises(ProfileError, match="expected"):
        population(size, seed)
