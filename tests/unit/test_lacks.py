"""What a village lacks: from its figures, beyond fixed distances, nearest first."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from geo_matcher.commune import describe_commune
from geo_matcher.criteria import CRITERIA
from geo_matcher.decision import Status, decision_matrix
from geo_matcher.destinations import DAILY_SERVICES
from geo_matcher.errors import UnknownCommuneError
from geo_matcher.lacks import FAR_MIN, LACK_KINDS, Lack, lacks, lacks_of
from geo_matcher.territory import Territory

AUCH, AUGNAX = "32013", "32014"


@pytest.fixture
def full(territory: Territory) -> dict[str, Any]:
    """Return a commune that has everything at hand, and fibre everywhere; Auch but for that."""
    commune = copy.deepcopy(describe_commune(territory, AUCH))
    for travel in commune["travel"].values():
        travel |= {"minutes": 1.0, "minutes_low": None, "status": "estimated"}
    commune["broadband"] |= {"premises_without_ftth": 0, "ftth_coverage_share": 1.0}
    return commune


def kinds(territory: Territory, commune: dict[str, Any]) -> dict[str, Lack]:
    return {lack.kind: lack for lack in lacks_of(territory, commune)}


def test_nothing_is_missing_where_everything_is_at_hand(
    territory: Territory, full: dict[str, Any]
) -> None:
    assert kinds(territory, full) == {}


@pytest.mark.parametrize("name", FAR_MIN)
def test_a_place_is_missing_just_beyond_its_distance(
    territory: Territory, full: dict[str, Any], name: str
) -> None:
    travel = full["travel"][name]
    travel["minutes"] = FAR_MIN[name]
    assert name not in kinds(territory, full)
    travel |= {"minutes": FAR_MIN[name] + 0.01, "nearest_commune": "Ailleurs"}
    lack = kinds(territory, full)[name]
    assert lack.within_min == FAR_MIN[name]
    assert [(far.destination, far.commune) for far in lack.far] == [(name, "Ailleurs")]
    assert lack.sources
    assert set(lack.sources) <= {table.name for table in territory.catalog.tables}


def test_services_that_are_far_are_told_together_nearest_first(
    territory: Territory, full: dict[str, Any]
) -> None:
    full["travel"]["bank"] |= {"minutes": 14.0}
    full["travel"]["fuel"] |= {"minutes": 10.5}
    full["travel"]["post"] |= {"minutes": None, "nearest_commune": None, "status": "unreachable"}
    lack = kinds(territory, full)["services"]
    assert [far.destination for far in lack.far] == ["fuel", "bank", "post"]
    assert lack.far[-1].minutes is None
    assert lack.within_min == territory.parameters["daily_services"]["near_min"]


def test_what_no_list_names_is_neither_far_nor_out_of_reach(
    territory: Territory, full: dict[str, Any]
) -> None:
    for name in ("post", "station"):
        full["travel"][name] |= {"minutes": None, "nearest_commune": None, "status": "unknown"}
    found = kinds(territory, full)
    assert list(found) == ["unlisted"]
    assert [far.destination for far in found["unlisted"].far] == ["post", "station"]


def test_fibre_is_missing_for_some_premises_unless_they_are_few(
    territory: Territory, full: dict[str, Any]
) -> None:
    full["broadband"] |= {"premises_without_ftth": 5, "ftth_coverage_share": 0.98}
    lack = kinds(territory, full)["fibre"]
    assert (lack.count, lack.of) == (5, full["broadband"]["premises"])
    full["broadband"]["ftth_coverage_share"] = 0.99
    assert "fibre" not in kinds(territory, full)


def test_every_commune_lacks_what_its_figures_say(territory: Territory) -> None:
    matrix = decision_matrix(territory)
    minutes = {name: territory.minutes[name].tolist() for name in FAR_MIN}
    near = territory.indicators["daily_services_within_10min"]
    for row, code in enumerate(territory.codes):
        found = {lack.kind: lack for lack in lacks(territory, code)}
        order = [LACK_KINDS.index(kind) for kind in found]
        assert order == sorted(order)
        far = found["services"].far if "services" in found else ()
        assert len(far) == len(DAILY_SERVICES) - int(near.iloc[row])
        for name, within in FAR_MIN.items():
            assert (name in found) == (minutes[name][row] > within)
        unknown = {
            list(CRITERIA)[k] for k in np.flatnonzero(matrix.status[row] == Status.MISSING)
        } - {"partner_village"}
        assert set(found["figures"].criteria if "figures" in found else ()) == unknown


def test_an_unknown_commune_is_refused(territory: Territory) -> None:
    with pytest.raises(UnknownCommuneError):
        lacks(territory, "75056")
