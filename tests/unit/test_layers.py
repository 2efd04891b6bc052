from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from geo_matcher.catchments import catchments
from geo_matcher.criteria import CRITERIA, Unit
from geo_matcher.decision import Status, decision_matrix
from geo_matcher.destinations import HUB_CITIES
from geo_matcher.errors import DataError, UnknownCommuneError
from geo_matcher.layers import (
    LAYER_GROUPS,
    LAYERS,
    NO_CLASS,
    PREMISES,
    REACHED_STEPS,
    TYPE,
    UNIT_LABELS,
    class_labels,
    layer_text,
    layer_values,
    source_tables,
    types_of,
)
from geo_matcher.look import SCORE_COLOURS
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory
from geo_matcher.typology import LETTERS
from geo_matcher.wheel import hours_at_the_wheel, trips_of, week_of

EACH = pytest.mark.parametrize("name", LAYERS)
FIGURES = pytest.mark.parametrize("name", [n for n, layer in LAYERS.items() if layer.breaks])


def simple(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


# --- A layer is its source ------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n, layer in LAYERS.items() if layer.column in CRITERIA])
def test_a_layer_that_is_a_criterion_is_the_decision_matrix(
    territory: Territory, name: str
) -> None:
    found, matrix = layer_values(territory, name), decision_matrix(territory)
    k = matrix.column(found.layer.column)
    np.testing.assert_array_equal(found.values, matrix.raw[:, k])
    np.testing.assert_array_equal(found.low, matrix.raw_low[:, k])
    np.testing.assert_array_equal(found.status, matrix.status[:, k])
    assert found.layer.unit == CRITERIA[found.layer.column].unit.value


def test_the_others_are_the_tables_of_the_release(territory: Territory) -> None:
    without = layer_values(territory, "without_fibre")
    np.testing.assert_array_equal(without.values, territory.indicators["premises_without_ftth"])
    assert set(without.status.tolist()) == {Status.MEASURED}
    work = layer_values(territory, "workplace")
    np.testing.assert_array_equal(work.values, territory.minutes["workplace"])
    bounded = territory.minutes_low["workplace"].notna().to_numpy()
    np.testing.assert_array_equal(work.status == Status.UPPER_BOUND, bounded)
    np.testing.assert_array_equal(
        work.low[bounded], territory.minutes_low["workplace"].to_numpy()[bounded]
    )
    np.testing.assert_array_equal(work.low[~bounded], work.values[~bounded])


@pytest.mark.parametrize("town", HUB_CITIES)
def test_a_town_of_choice_gives_the_minutes_of_the_destination(
    territory: Territory, town: str
) -> None:
    code, name = HUB_CITIES[town]
    by_choice, by_name = layer_values(territory, "minutes_to", name), layer_values(territory, town)
    assert by_choice.to == code
    np.testing.assert_array_equal(by_choice.values, by_name.values)
    np.testing.assert_array_equal(by_choice.status, by_name.status)
    assert by_choice.classes == by_name.classes


def test_types_are_those_of_the_typology(territory: Territory) -> None:
    found, types = layer_values(territory, "types"), types_of(territory)
    assert types
    said = [
        layer_text(found.layer, value, status, "fr")
        for value, status in zip(found.values.tolist(), found.status.tolist(), strict=True)
    ]
    assert said == [types.type_of(code).letter for code in territory.codes]
    assert set(found.classes) == set(range(len(types.types)))
    assert set(said) <= set(LETTERS)


def test_too_few_communes_make_no_types(territory: Territory) -> None:
    few = dataclasses.replace(territory, communes=territory.communes.head(3))
    assert types_of(few) is None
    found = layer_values(few, "types")
    assert found.classes == (NO_CLASS,) * 3
    assert set(found.status.tolist()) == {Status.MISSING}
    assert layer_text(found.layer, float("nan"), Status.MISSING, "fr") == ""
    assert source_tables(few, found.layer)


def test_what_is_unknown_has_no_class(territory: Territory) -> None:
    for name, missing in (("house_price", 146), ("hot_days", 405), ("density", 1)):
        found = layer_values(territory, name)
        unknown = np.isnan(found.values)
        assert unknown.sum() == missing
        assert {found.classes[row] for row in np.flatnonzero(unknown)} == {NO_CLASS}
        assert {found.status[row] for row in np.flatnonzero(unknown)} == {Status.MISSING}
        assert layer_text(found.layer, float("nan"), Status.MISSING, "fr") == "inconnu"
        assert layer_text(found.layer, float("nan"), Status.MISSING, "en") == "unknown"


def test_what_is_out_of_reach_is_said(territory: Territory) -> None:
    times = territory.tables["travel_times"].copy()
    gone = (times["destination"] == "workplace") & (times["insee_code"] == territory.codes[0])
    times["status"] = times["status"].where(~gone, "unreachable")
    changed = dataclasses.replace(territory, tables={**territory.tables, "travel_times": times})
    found = layer_values(changed, "workplace")
    assert np.isinf(found.values[0])
    assert found.classes[0] == NO_CLASS
    assert layer_text(found.layer, float("inf"), Status.UNREACHABLE, "fr") == "hors d'atteinte"


def test_layers_are_kept_and_cannot_be_changed(territory: Territory) -> None:
    found = layer_values(territory, "fibre")
    assert layer_values(territory, "fibre") is found
    with pytest.raises(ValueError, match="read-only"):
        found.values[0] = 0


def test_a_layer_or_a_town_that_does_not_exist_is_refused(territory: Territory) -> None:
    with pytest.raises(DataError, match="Unknown layer 'fiber': expected one of fibre"):
        layer_values(territory, "fiber")
    with pytest.raises(UnknownCommuneError):
        layer_values(territory, "minutes_to", "Toulouze")


# --- Driving --------------------------------------------------------------------------------------


def test_hours_follow_the_household(territory: Territory) -> None:
    alone = layer_values(territory, "wheel")
    profile = Profile(work_mode="coworking", children_ages=[4, 7])
    family = layer_values(territory, "wheel", trips=trips_of(profile))
    for found, own in ((alone, Profile()), (family, profile)):
        np.testing.assert_allclose(found.values, hours_at_the_wheel(territory, own)[0])
        for row in range(0, 458, 51):
            week = week_of(territory, territory.codes[row], own)
            assert found.values[row] == pytest.approx(week.hours)
            assert (found.status[row] == Status.UPPER_BOUND) == (week.status == "upper_bound")
    assert (family.values > alone.values).all()
    older = layer_values(territory, "wheel", trips=trips_of(Profile(children_ages=[2, 19])))
    np.testing.assert_array_equal(older.values, alone.values)


def test_errands_people_and_shares_are_the_table_of_access(territory: Territory) -> None:
    table = territory.tables["access_measures"].set_index("insee_code").loc[list(territory.codes)]
    for name in ("errands", "basket", "people_30", "shared_work"):
        found = layer_values(territory, name)
        np.testing.assert_array_equal(found.values, table[found.layer.column])
        is_bound = (table["errands_status"] == "upper_bound").to_numpy()
        if name in ("errands", "basket"):
            np.testing.assert_array_equal(found.status == Status.UPPER_BOUND, is_bound)
            assert np.isnan(found.low[is_bound]).all()
        else:
            assert set(found.status.tolist()) == {Status.ESTIMATED}


def test_catchments_count_the_places_within_the_minutes_of_the_network(
    territory: Territory,
) -> None:
    found = layer_values(territory, "catchments")
    limit = territory.parameters["network_reach"]["minutes"]
    reached = catchments(territory, "workplace", limit).reached
    np.testing.assert_array_equal(found.values, reached)
    assert (found.values > 0).sum() == territory.parameters["network_reach"]["communes"]
    assert set(found.classes) == set(REACHED_STEPS)
    texts = [simple(layer_text(found.layer, n, Status.ESTIMATED, "fr")) for n in (0, 1, 3)]
    assert texts == ["aucun lieu", "1 lieu", "3 lieux"]
    assert class_labels(found.layer, "fr") == []


def test_what_cannot_be_driven_to_is_out_of_reach(territory: Territory) -> None:
    table = territory.tables["access_measures"].copy()
    table.loc[0, ["errands_week_min", "basket_min"]] = np.nan
    table.loc[0, "errands_status"] = "unreachable"
    cut = dataclasses.replace(territory, tables={**territory.tables, "access_measures": table})
    for name in ("wheel", "errands", "basket"):
        found = layer_values(cut, name)
        assert found.status[0] == Status.UNREACHABLE
        assert found.classes[0] == NO_CLASS
        assert layer_text(found.layer, found.values[0], 0, "en") == "out of reach"


# --- Classes --------------------------------------------------------------------------------------


@EACH
def test_a_layer_is_described(territory: Territory, name: str) -> None:
    layer = LAYERS[name]
    assert layer.name == name
    assert layer.group in LAYER_GROUPS
    assert layer.unit in UNIT_LABELS
    assert layer.label("fr")
    assert layer.label("en")
    assert bool(layer.note("fr")) == bool(layer.note("en"))
    assert (layer.unit_label("fr") == "") == (layer.unit == TYPE)
    tables = source_tables(territory, layer)
    assert tables
    assert all(table in territory.catalog for table in tables)
    if layer.place_kinds and name not in HUB_CITIES:
        assert len(tables) > sum(table in territory.catalog for table in layer.tables)


@FIGURES
def test_seven_fixed_classes_are_used_from_end_to_end(territory: Territory, name: str) -> None:
    layer = LAYERS[name]
    assert len(layer.breaks) == len(SCORE_COLOURS) - 1
    assert all(low < high for low, high in pairwise(layer.breaks))
    assert {layer.class_of(x) for x in (0.0, *layer.breaks)} == set(range(7))
    deep = layer.class_of(0.0 if layer.is_low_deep else layer.breaks[-1])
    assert deep == len(SCORE_COLOURS) - 1
    found = layer_values(territory, name, "Auch")
    assert len(set(found.classes) - {NO_CLASS}) >= 3
    for language in ("fr", "en"):
        labels = class_labels(layer, language)
        assert labels[0][1] == labels[-1][2] == ""
        assert [high for _, _, high in labels[:-1]] == [low for _, low, _ in labels[1:]]
        steps = [step for step, _, _ in labels]
        assert steps == sorted(steps, reverse=layer.is_low_deep)


@FIGURES
def test_a_colour_is_that_of_the_figure_as_it_is_written(territory: Territory, name: str) -> None:
    found = layer_values(territory, name, "Auch")
    texts: dict[str, set[int]] = {}
    for figure, step in zip(found.values.tolist(), found.classes, strict=True):
        if step != NO_CLASS:
            texts.setdefault(layer_text(found.layer, figure, 0, "en"), set()).add(step)
    assert all(len(steps) == 1 for steps in texts.values())


@pytest.mark.parametrize(
    ("name", "figure", "step"),
    [
        ("station", 4.4, 6),
        ("station", 4.5, 6),  # read as 4 min: halves go to the even minute, as they are written
        ("station", 4.6, 5),
        ("station", 45.0, 0),
        ("fibre", 0.9996, 6),
        ("fibre", 0.9894, 5),
        ("fibre", 0.9896, 6),  # read as 99 %
        ("house_rent", 6.46, 5),
        ("without_fibre", 0.0, 6),
        ("without_fibre", 1.0, 5),
    ],
)
def test_classes_begin_where_they_say(name: str, figure: float, step: int) -> None:
    assert LAYERS[name].class_of(figure) == step


def test_figures_are_written_with_their_unit() -> None:
    def text(name: str, figure: float, status: int, language: str) -> str:
        return simple(layer_text(LAYERS[name], figure, status, language))

    assert text("station", 12.3, Status.UPPER_BOUND, "fr") == "12 min au plus"
    assert text("station", 12.3, Status.UPPER_BOUND, "en") == "at most 12 min"
    assert text("station", 12.3, Status.ESTIMATED, "fr") == "12 min"
    assert LAYERS["without_fibre"].unit == PREMISES
    assert text("without_fibre", 1, 0, "fr") == "1 local"
    assert text("without_fibre", 1200, 0, "fr") == "1 200 locaux"
    assert text("without_fibre", 1, 0, "en") == "1 premises"
    assert text("wheel", 3 + 1 / 3, Status.UPPER_BOUND, "en") == "at most 3 h 20"
    assert text("shared_work", 0.84, 0, "fr") == "0,8 pour 10 000 habitants"
    assert [simple(low) for _, low, _ in class_labels(LAYERS["wheel"], "fr")][:3] == [
        "", "1 h", "1 h 30",
    ]  # fmt: skip
    assert text("fibre", 0.972, 0, "fr") == "97,2 %"
    assert class_labels(LAYERS["fibre"], "fr")[0] == (0, "", "70")
    assert class_labels(LAYERS["house_rent"], "fr")[1][1:] == ("6,5", "7,0")
    assert class_labels(LAYERS["types"], "fr") == []
    assert Unit.MINUTES.value == LAYERS["minutes_to"].unit
