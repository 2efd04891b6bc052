from __future__ import annotations

import math
from collections import Counter
from typing import get_args

import numpy as np
import pytest

from geo_matcher import profile
from geo_matcher.criteria import (
    CRITERIA,
    FAMILIES,
    VILLAGE_SIZES,
    Criterion,
    Direction,
    Importance,
    Unit,
    ValueFunction,
    criterion_named,
)
from geo_matcher.destinations import DESTINATIONS, HUB_CITIES
from geo_matcher.errors import ProfileError, UnknownCriterionError
from geo_matcher.territory import Territory

STEPS = ValueFunction(((5, 1.0), (15, 0.6), (30, 0.0)))


# --- Value functions ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "value"),
    [(0, 1.0), (5, 1.0), (10, 0.8), (15, 0.6), (20, 0.4), (30, 0.0), (1e9, 0.0), (math.inf, 0.0)],
)
def test_a_value_lies_on_the_line_between_breakpoints(raw: float, value: float) -> None:
    assert STEPS(raw) == pytest.approx(value)


def test_a_value_function_works_on_arrays_and_nan_stays_nan() -> None:
    found = STEPS([[5.0, math.nan], [15.0, -math.inf]])
    assert found.shape == (2, 2)
    assert np.isnan(found[0, 1])
    assert found[0, 0] == 1.0
    assert found[1].tolist() == [0.6, 1.0]


@pytest.mark.parametrize(
    ("breakpoints", "sentence"),
    [
        (((5.0, 1.0),), "expected 2 to 12 pairs (figure, value), for example [[5, 1], [15, 0]]"),
        (tuple((float(i), 0.0) for i in range(13)), "expected 2 to 12 pairs"),
        (((5.0, 1.0), (5.0, 0.0)), "figures must be finite and strictly increasing"),
        (((5.0, 1.0), (4.0, 0.0)), "figures must be finite and strictly increasing"),
        (((5.0, 1.0), (math.inf, 0.0)), "figures must be finite and strictly increasing"),
        (((5.0, math.nan), (6.0, 0.0)), "figures must be finite and strictly increasing"),
        (((5.0, 1.1), (6.0, 0.0)), "values must lie between 0 and 1"),
        (((5.0, 1.0), (6.0, -0.1)), "values must lie between 0 and 1"),
    ],
)
def test_breakpoints_that_make_no_function_are_refused(
    breakpoints: tuple[tuple[float, float], ...], sentence: str
) -> None:
    with pytest.raises(ProfileError) as refusal:
        ValueFunction(breakpoints)
    assert str(refusal.value).startswith(f"breakpoints {breakpoints!r}: {sentence}")


@pytest.mark.parametrize(
    ("values", "increasing", "decreasing"),
    [
        ((0.0, 0.5, 1.0), True, False),
        ((1.0, 0.5, 0.5), False, True),
        ((0.5, 0.5, 0.5), True, True),
        ((0.0, 1.0, 0.0), False, False),
    ],
)
def test_a_function_follows_a_direction_or_not(
    values: tuple[float, float, float], increasing: bool, decreasing: bool
) -> None:
    function = ValueFunction(tuple(zip((1.0, 2.0, 3.0), values, strict=True)))
    assert function.follows(Direction.INCREASING) is increasing
    assert function.follows(Direction.DECREASING) is decreasing
    assert function.follows(Direction.TARGET)


# --- The catalogue --------------------------------------------------------------------------

ALL = pytest.mark.parametrize("criterion", CRITERIA.values(), ids=CRITERIA.keys())


@ALL
def test_a_criterion_follows_its_own_direction_over_the_whole_scale(criterion: Criterion) -> None:
    assert criterion.value_function.follows(criterion.direction)
    values = [value for _, value in criterion.value_function.breakpoints]
    assert (min(values), max(values)) == (0.0, 1.0)
    low, high = criterion.unit.domain
    figures = [figure for figure, _ in criterion.value_function.breakpoints]
    assert low <= min(figures) < max(figures) <= high


@ALL
def test_a_criterion_has_a_family_a_source_and_a_quality(
    criterion: Criterion, territory: Territory
) -> None:
    assert criterion.family in FAMILIES
    assert criterion.source in territory.catalog
    assert criterion.quality in {"measured", "declared", "estimated"}


@ALL
def test_a_criterion_speaks_both_languages(criterion: Criterion) -> None:
    assert criterion.label_fr.strip() == criterion.label_fr != ""
    assert criterion.label_en.strip() == criterion.label_en != ""
    for phrase in (criterion.phrase_fr, criterion.phrase_en):
        assert phrase.count("{raw}") == 1
        assert phrase.format(raw="12") == phrase.replace("{raw}", "12")


@ALL
def test_a_time_is_read_from_a_destination(criterion: Criterion) -> None:
    destinations = {f"{destination.name}_min" for destination in DESTINATIONS}
    assert (criterion.source == "travel_times") == (criterion.name in destinations)
    assert criterion.name.endswith("_min") == (criterion.unit is Unit.MINUTES)


def test_labels_are_not_the_same_in_both_languages_but_for_proper_names_and_fibre() -> None:
    same = {c.label_fr for c in CRITERIA.values() if c.label_fr == c.label_en}
    assert same == {name for _, name in HUB_CITIES.values()} | {"Fibre"}
    assert not [c.name for c in CRITERIA.values() if c.phrase_fr == c.phrase_en]
    assert not [f.name for f in FAMILIES.values() if f.question_fr == f.question_en]


@pytest.mark.parametrize("attribute", ["label_fr", "label_en", "phrase_fr", "phrase_en"])
def test_no_two_criteria_are_told_alike(attribute: str) -> None:
    told = Counter(getattr(criterion, attribute) for criterion in CRITERIA.values())
    assert max(told.values()) == 1


def test_names_are_keys_and_families_come_together_in_their_order() -> None:
    assert [criterion.name for criterion in CRITERIA.values()] == list(CRITERIA)
    assert [family.name for family in FAMILIES.values()] == list(FAMILIES)
    in_order = list(dict.fromkeys(criterion.family for criterion in CRITERIA.values()))
    assert in_order == list(FAMILIES)


def test_every_family_matters_unless_nobody_asks_and_has_a_criterion_that_counts() -> None:
    for family in FAMILIES.values():
        own = [c for c in CRITERIA.values() if c.family == family.name]
        assert sum(criterion.importance.points for criterion in own) > 0
        assert family.importance.points > 0


def test_the_names_that_a_profile_accepts_are_those_of_the_catalogue() -> None:
    assert get_args(profile.FamilyName) == tuple(FAMILIES)
    assert get_args(profile.CityName) == profile.CITIES
    assert get_args(profile.SectorName) == profile.SECTORS
    for hub in HUB_CITIES:
        assert f"{hub}_min" in CRITERIA
    sizes, _none = get_args(profile.Profile.model_fields["village_size"].annotation)
    assert get_args(sizes) == tuple(VILLAGE_SIZES)


@pytest.mark.parametrize(
    ("size", "best", "worst"),
    [("hamlet", 150, 700), ("village", 600, 3000), ("bourg", 2500, 400), ("town", 8000, 2000)],
)
def test_a_wished_size_is_worth_most_where_it_is_met(size: str, best: int, worst: int) -> None:
    assert VILLAGE_SIZES[size](best) == 1.0
    assert VILLAGE_SIZES[size](worst) == 0.0


def test_each_word_of_importance_counts_twice_the_one_before() -> None:
    assert [importance.points for importance in Importance] == [0, 1, 2, 4]


@pytest.mark.parametrize(
    ("unit", "high"),
    [(Unit.SHARE, 1.0), (Unit.YES_NO, 1.0), (Unit.DAYS_YEAR, 366.0), (Unit.MINUTES, 1e6)],
)
def test_a_unit_knows_which_figures_make_sense(unit: Unit, high: float) -> None:
    assert unit.domain == (0.0, high)


def test_a_criterion_is_found_by_name_and_suggested_when_mistyped() -> None:
    assert criterion_named("station_min") is CRITERIA["station_min"]
    with pytest.raises(UnknownCriterionError) as refusal:
        criterion_named("stations_min")
    assert str(refusal.value).startswith("No criterion is called 'stations_min'. Did you mean ")
    assert "station_min" in str(refusal.value)
    assert str(refusal.value).endswith("`geo-matcher criteria` lists them.")
    with pytest.raises(UnknownCriterionError) as refusal:
        criterion_named("§" * 100)
    assert str(refusal.value) == (
        f"No criterion is called {'§' * 60!r}. `geo-matcher criteria` lists them."
    )


def test_a_criterion_in_plain_types_has_its_breakpoints() -> None:
    plain = CRITERIA["ftth_coverage_share"].as_dict()
    assert plain["breakpoints"] == [[0.5, 0], [0.8, 0.5], [0.95, 0.9], [0.99, 1]]
    assert (plain["unit"], plain["direction"], plain["importance"]) == (
        "share",
        "increasing",
        "indispensable",
    )
