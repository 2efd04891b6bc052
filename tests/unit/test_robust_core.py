from __future__ import annotations

from dataclasses import replace

import pytest

from geo_matcher.errors import ScenarioError
from geo_matcher.gaps import gaps
from geo_matcher.information import value_of_information
from geo_matcher.planning import Planner
from geo_matcher.robust_core import core_class, robust_core
from geo_matcher.scenario import parse_scenario
from geo_matcher.territory import Territory


@pytest.fixture(scope="module")
def made(small_gers: Territory) -> Planner:
    scenario = parse_scenario({"budget": "1M"}, small_gers)
    return Planner(small_gers, scenario, gaps(small_gers))


@pytest.mark.parametrize(
    ("share", "kind"),
    [(1.0, "no_regret"), (0.91, "no_regret"), (0.9, "depends"), (0.1, "depends"), (0.09, "rare")],
)
def test_shares_have_a_class(share: float, kind: str) -> None:
    assert core_class(share) == kind


@pytest.mark.no_cover
def test_the_core_is_seeded_and_says_on_what_it_depends(made: Planner) -> None:
    one = robust_core(made, 20)
    assert robust_core(made, 20) == one
    assert robust_core(made, 20, seed=1) != one
    answer = one.as_dict()
    assert answer["samples"] == 20
    assert answer["largest_optimality_gap"] <= 1e-3
    assert one.benefit_low < one.benefit_high
    for action in one.actions:
        assert 0 < action.share <= 1
        assert action.kind == core_class(action.share)
        assert (action.depends_on is not None) == (action.kind == "depends")
    shares = [commune.share for commune in one.communes]
    assert shares == sorted(shares, reverse=True)
    own = {commune.insee_code: commune.share for commune in one.communes}
    assert all(own[action.insee_code] >= action.share for action in one.actions)
    reasons = {a.depends_on.on for a in one.actions if a.depends_on}
    assert "local_cost" in reasons
    built = {action.action for action in one.actions}
    assert {on.removeprefix("cost:") for on in reasons if ":" in on} <= built
    cheap = [a.depends_on for a in one.actions if a.depends_on and a.depends_on.on == "local_cost"]
    assert sum(d.difference < 0 for d in cheap) > 0.9 * len(cheap)  # in when it is cheap


def test_without_doubt_everything_is_certain(small_gers: Territory) -> None:
    territory = small_gers
    found = gaps(territory)
    same = {
        "count": "mci",
        "action": [
            {"name": action["name"], "cost": [
                row | {"low": row["central"], "high": row["central"]} for row in action["cost"]
            ]}
            for action in parse_scenario({}, territory).as_dict()["action"]
        ],
    }  # fmt: skip
    counted, fibre = found.counted_premises.copy(), found.with_fibre.copy()
    counted[:, 1], fibre[:, 1] = counted[:, 0], fibre[:, 0]
    sure = replace(found, counted_premises=counted, with_fibre=fibre)
    core = robust_core(
        Planner(territory, parse_scenario(same | {"budget": "1M"}, territory), sure), 20
    )
    assert {action.share for action in core.actions} == {1.0}
    assert core.benefit_low == pytest.approx(core.benefit_high)
    none = value_of_information(Planner(territory, parse_scenario({}, territory), sure), 5)
    assert (none.doubtful, none.checked, none.figures) == (0, 0, ())


@pytest.mark.parametrize("samples", [0, 19, 1_001])
def test_the_draws_are_bounded(made: Planner, samples: int) -> None:
    with pytest.raises(ScenarioError, match="expected 20 to 1,000"):
        robust_core(made, samples)


def test_information_is_worth_nothing_or_something(territory: Territory) -> None:
    scenario = parse_scenario({"budget": "2M"}, territory)
    found = value_of_information(Planner(territory, scenario, gaps(territory)), 6)
    assert found.checked == len(found.figures) == 6
    assert found.doubtful == 433
    worth = [figure.worth for figure in found.figures]
    assert worth == sorted(worth, reverse=True)
    assert min(worth) >= 0
    for figure in found.figures:
        assert figure.low < figure.high
        assert figure.changes == (max(figure.lost_low, figure.lost_high) > 1e-3)
        if figure.believed == figure.high:
            assert figure.at_high == figure.at_believed
    assert any(figure.changes for figure in found.figures)
    assert set(found.as_dict()["figures"][0]) >= {"insee_code", "worth_points", "changes"}


@pytest.mark.parametrize("checked", [0, 101])
def test_the_communes_to_check_are_bounded(made: Planner, checked: int) -> None:
    with pytest.raises(ScenarioError, match="expected 1 to 100"):
        value_of_information(made, checked)
