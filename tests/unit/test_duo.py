"""Two people: closed forms on a few invented communes, and figures of the shipped release."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from functools import partial

import numpy as np
import pytest
from scipy.stats import rankdata

from geo_matcher.criteria import FAMILIES
from geo_matcher.decision import decision_matrix
from geo_matcher.duo import MAX_OPPOSITIONS, Duo, duo
from geo_matcher.errors import DataError
from geo_matcher.matching import NAMES, rank
from geo_matcher.presets import PRESETS, preset_named
from geo_matcher.profile import parse_profile
from geo_matcher.territory import Territory
from tests.unit.few_for_two import UNKNOWN, A, B, C, D, order, small_duo

Small = Callable[..., Duo]


@pytest.fixture
def small(territory: Territory) -> Small:
    return partial(small_duo, territory)


# --- Villages -------------------------------------------------------------------------------


def test_regrets_front_and_compromise_in_closed_form(small: Small, territory: Territory) -> None:
    found = small([(10, 50), (30, 30), (60, 5), (70, 80)])
    assert order(found, territory) == [B, A, C, D]
    rows = [
        (v.score_first, v.score_second, v.regret_first, v.regret_second, v.larger_regret, v.pareto)
        for v in found.villages
    ]
    expected = [
        (70, 70, 20, 25, 25, True),
        (90, 50, 0, 45, 45, True),
        (40, 95, 50, 0, 50, True),
        (30, 20, 60, 75, 75, False),
    ]
    for row, wanted in zip(rows, expected, strict=True):
        assert row == pytest.approx(wanted)
    assert [v.place for v in found.villages] == [1, 2, 3, 4]
    assert [(v.rank_first, v.rank_second) for v in found.villages] == [
        (2, 2), (1, 3), (3, 1), (4, 4),
    ]  # fmt: skip
    assert found.compromise is found.villages[0]
    # Ranks 1 2 3 4 against 3 2 1 4: 1 - 6 (4 + 0 + 4 + 0) / (4 (16 - 1)).
    assert found.agreement == pytest.approx(0.2)


def test_what_each_would_choose_costs_the_other(small: Small, territory: Territory) -> None:
    found = small([(10, 50), (30, 30), (60, 5)])
    assert found.best_first is not None
    assert found.best_second is not None
    assert found.best_first.insee_code == territory.codes[A]
    assert found.best_first.name == territory.facts[A]["name"]
    assert found.best_first.score == pytest.approx(90)
    assert found.best_first.score_other == pytest.approx(50)
    assert found.best_first.cost_to_other == pytest.approx(45)
    assert found.best_second.insee_code == territory.codes[C]
    assert found.best_second.cost_to_other == pytest.approx(50)


def test_a_favourite_that_the_other_refuses_has_no_cost(small: Small) -> None:
    limits = {"doctor_min": {"at_most": 40}, "station_min": {"at_least": 20}}
    found = small([(10, 50), (30, 30)], second=limits)
    assert found.best_first is not None
    assert found.best_first.cost_to_other is None
    assert found.best_first.score_other == pytest.approx(50)
    assert found.best_first.breaks == ("doctor_min", "station_min")
    assert [v.regret_first for v in found.villages] == pytest.approx([20])


def test_equal_larger_regrets_go_by_the_sum_then_by_the_code(
    small: Small, territory: Territory
) -> None:
    # Regrets: (0, 40) (40, 0) (40, 10) (10, 40) (40, 10), all of the same larger one.
    found = small([(10, 45), (50, 5), (50, 15), (20, 45), (50, 15)])
    assert order(found, territory) == [0, 1, 2, 3, 4]
    assert [v.place for v in found.villages] == [1, 1, 3, 3, 3]
    assert [v.pareto for v in found.villages] == [True, True, False, False, False]
    # A sum that is smaller comes first, whatever the code.
    assert order(small([(50, 15), (50, 5), (10, 45)]), territory) == [1, 2, 0]


def test_noise_in_the_last_digits_dominates_nobody(small: Small) -> None:
    found = small([(10, 20), (10 + 1e-12, 20)])
    assert [v.pareto for v in found.villages] == [True, True]
    assert [v.place for v in found.villages] == [1, 1]
    assert found.agreement is None


def test_what_is_unknown_is_said(small: Small, territory: Territory) -> None:
    found = small([(UNKNOWN, 30), (20, 20)], first={"station_min": {"at_most": 40}})
    assert order(found, territory) == [B, A]
    row = found.villages[1]
    assert row.score_first == pytest.approx(50)
    assert row.interval_first == pytest.approx((0, 100))
    assert row.interval_second == pytest.approx((70, 70))
    assert (row.unverified_first, row.unverified_second) == (("station_min",), ())
    assert row.as_dict()["unverified_first"] == ["station_min"]
    assert found.villages[0].unverified_first == ()


# --- Wishes ---------------------------------------------------------------------------------


def test_opposite_sizes_pull_apart(territory: Territory) -> None:
    first, second = (
        parse_profile({"village_size": size, "importance": {"setting": "indispensable"}})
        for size in ("hamlet", "town")
    )
    found = duo(territory, first, second, "all")
    pull = next(o for o in found.oppositions if o.criterion_first == "population")
    assert pull.criterion_second == "population"
    inhabitants = territory.communes["population"]
    hamlet = rankdata(np.interp(inhabitants, [200, 600], [1, 0]))
    town = rankdata(np.interp(inhabitants, [2500, 6000], [0, 1]))
    assert pull.correlation == pytest.approx(np.corrcoef(hamlet, town)[0, 1])
    assert pull.correlation < 0
    assert pull.communes == 458
    weight = rank(territory, first).weights[NAMES.index("population")]
    assert pull.weight == pytest.approx(weight)
    assert found.family_gaps == ()


def test_clients_in_opposite_towns_pull_apart(territory: Territory) -> None:
    first, second = (
        parse_profile({"client_city": city, "importance": {"mobility": "indispensable"}})
        for city in ("toulouse", "mont_de_marsan")
    )
    found = duo(territory, first, second, "all")
    pull = found.oppositions[0]
    assert (pull.criterion_first, pull.criterion_second) == ("toulouse_min", "mont_de_marsan_min")
    minutes = territory.minutes[["toulouse", "mont_de_marsan"]].to_numpy()
    ranks = rankdata(np.asarray(np.interp(minutes, [30, 60, 90, 120], [1, 0.7, 0.3, 0])), axis=0)
    expected = np.corrcoef(ranks[:, 0], ranks[:, 1])[0, 1]
    assert pull.correlation == pytest.approx(expected)
    excess = rank(territory, first).weights - rank(territory, second).weights
    columns = [NAMES.index(pull.criterion_first), NAMES.index(pull.criterion_second)]
    assert pull.weight == pytest.approx(min(excess[columns[0]], -excess[columns[1]]))
    assert pull.as_dict()["correlation"] == pull.correlation < -0.3


def test_oppositions_stand_by_strength_and_are_bounded(territory: Territory) -> None:
    first = {"importance": {"setting": "indispensable", "housing": "indispensable"},
             "village_size": "hamlet", "client_city": "mont_de_marsan"}  # fmt: skip
    second = {"importance": {"mobility": "indispensable", "work": "indispensable"},
              "village_size": "town", "client_city": "toulouse",
              "work_mode": "coworking", "track": "cultura"}  # fmt: skip
    found = duo(territory, parse_profile(first), parse_profile(second), "all")
    strengths = [-o.correlation * o.weight for o in found.oppositions]
    assert len(strengths) == MAX_OPPOSITIONS
    assert strengths == sorted(strengths, reverse=True)
    assert all(o.weight >= 0.01 for o in found.oppositions)


def test_too_few_known_figures_give_no_opposition(small: Small) -> None:
    # Station and doctor are exact opposites, but over nine communes only; then over ten.
    def line(known: int) -> Duo:
        rows: list[tuple[float, float]] = [(10 * i, 90 - 10 * i) for i in range(known)]
        return small([*rows, (UNKNOWN, 5)])

    assert line(9).oppositions == ()
    (pull,) = line(10).oppositions
    assert (pull.correlation, pull.communes, pull.weight) == pytest.approx((-1.0, 10, 1.0))


def test_families_stand_by_the_difference_of_their_weights(territory: Territory) -> None:
    # Eight families and seven: children count for the first only. Weights by hand: six families
    # are important (2), two a little (1), children 2.
    found = duo(territory, parse_profile({"children_ages": [8, 13]}), parse_profile({}))
    told = {gap.family: gap for gap in found.family_gaps}
    assert found.family_gaps[0].family == "children"
    assert told["children"].as_dict() == {
        "family": "children",
        "weight_first": pytest.approx(2 / 16),
        "weight_second": 0.0,
        "difference": pytest.approx(2 / 16),
    }
    assert told["welcome"].weight_second == pytest.approx(1 / 14)
    sizes = [abs(gap.weight_first - gap.weight_second) for gap in found.family_gaps]
    assert sizes == pytest.approx(sorted(sizes, reverse=True))
    # Equal differences keep the order of the catalogue.
    assert [g.family for g in found.family_gaps[1:]] == [f for f in FAMILIES if f != "children"]


# --- The shipped release --------------------------------------------------------------------


def test_two_presets_on_the_shipped_release(territory: Territory) -> None:
    family, consultant = map(preset_named, ("paris-web-family", "toulouse-consultant"))
    found = duo(territory, family.profile, consultant.profile)
    told = found.as_dict()
    assert told["counts"] == {"scope": 47, "first": 47, "second": 11, "both": 11, "pareto": 1}
    assert [v.name for v in found.villages[:3]] == ["Mauvezin", "Lombez", "Gimont"]
    assert told["compromise"] == "32249"
    assert found.villages[0].larger_regret == 0
    assert found.villages[1].larger_regret == pytest.approx(4.5676, abs=1e-4)
    assert found.agreement == pytest.approx(0.8274, abs=1e-4)
    toulouse = found.limits_second[0]
    assert (toulouse.excluded_of_other, toulouse.listed_without) == (36, 47)


def test_the_answer_is_plain_complete_and_repeatable(territory: Territory) -> None:
    presets = [preset.profile for preset in PRESETS.values()]
    for first, second in itertools.pairwise(presets):
        told = duo(territory, first, second, "all").as_dict()
        assert set(told) == {
            "release", "scope", "counts", "best_first", "best_second", "compromise", "villages",
            "limits_first", "limits_second", "clashes", "ways_out", "agreement", "oppositions",
            "family_gaps",
        }  # fmt: skip
        text = json.dumps(told, allow_nan=False)
        fresh = replace(territory)
        assert decision_matrix(fresh) is not decision_matrix(territory)
        assert json.dumps(duo(fresh, first, second, "all").as_dict(), allow_nan=False) == text
    row = told["villages"][0]
    assert list(row) == [
        "insee_code", "name", "place", "score_first", "score_second", "interval_first",
        "interval_second", "rank_first", "rank_second", "regret_first", "regret_second",
        "larger_regret", "pareto", "unverified_first", "unverified_second",
    ]  # fmt: skip


def test_an_unknown_scope_is_refused_and_an_answer_cannot_be_changed(territory: Territory) -> None:
    with pytest.raises(DataError, match="expected one of partners"):
        duo(territory, parse_profile({}), parse_profile({}), "europe")
    found = duo(territory, parse_profile({}), parse_profile({}))
    with pytest.raises(FrozenInstanceError):
        found.scope = "all"  # type: ignore[misc]
