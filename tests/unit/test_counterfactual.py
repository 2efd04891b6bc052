"""What an action changes: only what it can, never for the worse, and nothing where it is there."""

from __future__ import annotations

import numpy as np
import pytest

from geo_matcher.counterfactual import ACTIONS, changes_of, matrix_after
from geo_matcher.criteria import CRITERIA, Direction
from geo_matcher.decision import Status, decision_matrix
from geo_matcher.destinations import DESTINATIONS
from geo_matcher.drives import home_minutes
from geo_matcher.territory import Territory
from geo_matcher.uncertainty import figure_quantiles

EACH = pytest.mark.parametrize("name", ACTIONS)
OPENING = [name for name, action in ACTIONS.items() if action.destination]
KINDS = {destination.name: destination.place_kinds for destination in DESTINATIONS}


def holders(territory: Territory, name: str) -> list[str]:
    """Return the communes of the département that have what the action opens."""
    places = territory.places
    codes = places.loc[places["kind"].isin(KINDS[ACTIONS[name].destination or ""]), "insee_code"]
    return sorted(set(codes) & set(territory.codes))


@EACH
def test_an_action_changes_criteria_that_exist(name: str) -> None:
    assert set(ACTIONS[name].criteria) <= set(CRITERIA)
    assert ACTIONS[name].destination is None or ACTIONS[name].destination in KINDS


@pytest.mark.parametrize("name", OPENING)
def test_a_place_that_exists_already_changes_nothing(territory: Territory, name: str) -> None:
    sites = changes_of(territory, name).site
    codes = holders(territory, name)
    assert codes
    assert not set(codes) & {territory.codes[site] for site in sites}
    before, after = decision_matrix(territory), matrix_after(territory, name, codes[0])
    assert np.array_equal(before.raw, after.raw, equal_nan=True)
    assert np.array_equal(before.values, after.values)


@EACH
def test_figures_only_get_better(territory: Territory, name: str) -> None:
    changes = changes_of(territory, name)
    matrix = decision_matrix(territory)
    before = figure_quantiles(territory, matrix)
    for place, column in enumerate(changes.columns):
        criterion = list(CRITERIA.values())[column]
        sign = -1.0 if criterion.direction is Direction.DECREASING else 1.0
        old, new = matrix.raw[changes.row, column], changes.raw[:, place]
        known = np.isfinite(old)
        assert (sign * (new - old)[known] >= 0).all()
        assert (changes.raw_low[:, place] <= changes.raw[:, place]).all()
        drawn = before[changes.row, column]
        assert (sign * (changes.quantiles[:, place] - drawn)[known] >= -1e-9).all()
        assert (np.diff(changes.quantiles[:, place], axis=1) >= 0).all()


@pytest.mark.parametrize("name", OPENING)
def test_the_doubt_of_a_new_time_is_that_of_any_time(territory: Territory, name: str) -> None:
    changes = changes_of(territory, name)
    site = int(changes.site[0])
    after = matrix_after(territory, name, territory.codes[site])
    own = changes.at([site])
    assert 0 < len(own) < len(changes)
    expected = figure_quantiles(territory, after)[own.row, changes.columns[0]]
    assert np.array_equal(own.quantiles[:, 0], expected)


def test_a_new_place_is_reached_at_once_from_its_own_commune(territory: Territory) -> None:
    drive = home_minutes(territory).T
    assert (drive.argmin(axis=0) == np.arange(len(drive))).all()
    changes = changes_of(territory, "coworking")
    own = changes.row == changes.site
    assert own.sum() == len(territory.codes) - len(holders(territory, "coworking"))
    assert np.array_equal(changes.raw[own, 0], np.diag(drive)[changes.row[own]])


def test_a_bound_that_a_new_place_settles_is_a_bound_no_more(territory: Territory) -> None:
    matrix = decision_matrix(territory)
    column = matrix.column("coworking_min")
    code = territory.find("Condom")
    after = matrix_after(territory, "coworking", code)
    row = matrix.codes.index(code)
    assert matrix.status[row, column] == Status.UPPER_BOUND
    assert after.status[row, column] == Status.ESTIMATED
    assert after.raw[row, column] == after.raw_low[row, column]
    still = (after.raw != matrix.raw)[:, column] & (after.status[:, column] == Status.UPPER_BOUND)
    assert (after.raw_low[still, column] == matrix.raw_low[still, column]).all()


def test_fibre_reaches_everybody_and_leaves_no_doubt(territory: Territory) -> None:
    changes = changes_of(territory, "fibre")
    assert changes.row.tolist() == changes.site.tolist() == list(range(len(territory.codes)))
    assert (changes.raw >= 1.0).all()
    assert (changes.quantiles >= 1.0).all()
    code = territory.find("Cologne")
    before, after = decision_matrix(territory), matrix_after(territory, "fibre", code)
    changed = np.argwhere(~np.isclose(before.raw, after.raw, equal_nan=True))
    assert {before.codes[row] for row, _ in changed} == {code}
    assert {before.criteria[column] for _, column in changed} <= set(ACTIONS["fibre"].criteria)


def test_only_the_basket_moves_when_a_bakery_opens(territory: Territory) -> None:
    changes = changes_of(territory, "bakery")
    column = decision_matrix(territory).column("daily_services_min")
    assert changes.columns == (column,)
    gain = decision_matrix(territory).raw[changes.row, column] - changes.raw[:, 0]
    assert gain.max() > 0.5
    assert np.allclose(changes.raw, changes.raw.round(1))
