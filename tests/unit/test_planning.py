"""Scenarios on the shipped release: figures, rules, plans."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from geo_matcher.candidates import build_problem
from geo_matcher.errors import ScenarioError
from geo_matcher.gaps import Gaps, gaps
from geo_matcher.planning import Plan, Planner, payers
from geo_matcher.scenario import parse_scenario
from geo_matcher.scenario_rules import nominal_need
from geo_matcher.territory import Territory

CAZAUBON, CONDOM, AUCH = "32096", "32107", "32013"


@pytest.fixture(scope="module")
def found(territory: Territory) -> Gaps:
    return gaps(territory)


def planner(territory: Territory, found: Gaps, **data: Any) -> Planner:
    return Planner(territory, parse_scenario(data, territory), found)


@pytest.fixture(scope="module")
def one_million(territory: Territory, found: Gaps) -> Plan:
    return planner(territory, found, budget="1M").plan()


def done(plan: Plan) -> set[tuple[str, str]]:
    return {(action.insee_code, action.action) for action in plan.actions}


# --- Figures of the candidates ----------------------------------------------------------------


def test_fibre_costs_by_density_and_brings_what_is_missing(
    territory: Territory, found: Gaps
) -> None:
    made = planner(territory, found)
    row = found.codes.index(AUCH)
    at = int(np.flatnonzero((made.problem.commune == row) & (made.problem.action == 0))[0])
    assert found.density_km2[row] > 50
    assert made.problem.cost[at] == 2_000 * 495
    assert made.problem.benefit[at] == 495 + 0.5 * found.without_30mbit[row]
    unknown = int(np.flatnonzero(np.isnan(found.density_km2))[0])
    at = int(np.flatnonzero((made.problem.commune == unknown) & (made.problem.action == 0))[0])
    assert made.problem.cost[at] == 4_000 * found.without_fibre[unknown]


def test_newcomers_count_by_the_share_without_fibre(territory: Territory, found: Gaps) -> None:
    demand = np.zeros(len(found))
    row = found.codes.index(CONDOM)
    demand[row] = 100
    plain = planner(territory, found).problem
    counted = planner(territory, replace(found, newcomers=demand)).problem
    at = int(np.flatnonzero((plain.commune == row) & (plain.action == 0))[0])
    added = counted.benefit[at] - plain.benefit[at]
    assert added == pytest.approx(100 * found.without_fibre[row] / found.premises[row])


@pytest.mark.parametrize("count", ["mci", "cartefibre", "low", "high", "mean"])
def test_the_scenario_says_which_count_it_believes(
    territory: Territory, found: Gaps, count: str
) -> None:
    need = nominal_need(parse_scenario({"count": count}, territory), found)
    row = found.codes.index(CAZAUBON)
    expected = {"mci": 110, "cartefibre": 865, "low": 110, "high": 865, "mean": 487.5}
    assert need[row] == expected[count]


def test_a_work_place_serves_only_those_whom_none_serves(territory: Territory, found: Gaps) -> None:
    made = planner(territory, found)
    assert 0 < len(made.problem.targets) == int((made.near.served_min > 15).sum())
    assert made.problem.targets.sum() == pytest.approx(
        0.01 * found.population[made.near.served_min > 15].sum()
    )
    names = [action.name for action in made.scenario.action]
    for i in np.flatnonzero(made.problem.action == names.index("telecentre"))[:50].tolist():
        assert made.problem.covers[:, [i]].sum() > 0


def test_costs_are_drawn_between_their_bounds(territory: Territory, found: Gaps) -> None:
    made = planner(territory, found)
    shape = (len(made.scenario.action), len(found))
    low, mid, high = (
        build_problem(made.scenario, found, made.near, cost_of=np.full(shape, quantile)).cost
        for quantile in (0.0, 0.5, 1.0)
    )
    assert (low <= mid).all()
    assert (mid <= high).all()
    assert low[0] < made.problem.cost[0] < high[0]


def test_payers_share_a_cost_and_a_ceiling_moves_the_rest(territory: Territory) -> None:
    mobile = parse_scenario({}, territory).actions["mobile_site"]
    assert dict(payers(mobile, 100_000)) == {
        "Etat": 50_000,
        "Departement": 30_000,
        "Communautes de communes": 20_000,
    }
    dearer = dict(payers(mobile, 150_000))
    assert dearer["Etat"] == 50_000
    assert dearer["Departement"] == pytest.approx(60_000)
    assert dearer["Communautes de communes"] == pytest.approx(40_000)
    assert payers(parse_scenario({}, territory).actions["fibre"], 5) == ()


# --- Plans ------------------------------------------------------------------------------------


def test_a_plan_keeps_its_budget_and_adds_up(one_million: Plan, found: Gaps) -> None:
    plan = one_million
    assert plan.status == "optimal"
    assert plan.total_cost_eur <= 1e6
    assert sum(action.cost_eur for action in plan.actions) == plan.total_cost_eur
    assert sum(a.benefit for a in plan.actions) == pytest.approx(plan.total_benefit)
    assert sum(epci.actions for epci in plan.epcis) == len(plan.actions)
    assert all(baseline.benefit <= plan.total_benefit + 1e-6 for baseline in plan.baselines)
    fixed = [a.insee_code for a in plan.actions if a.action in ("fibre", "satellite_aid")]
    assert len(set(fixed)) == len(fixed)
    answer = plan.as_dict()
    assert set(answer["actions"][0]) >= {"insee_code", "action", "cost_eur", "benefit"}
    assert answer["release"] == found.release
    assert answer["newcomers_counted"] is False


def test_the_money_of_the_article_exceeds_the_needs(territory: Territory, found: Gaps) -> None:
    plan = planner(territory, found, budget="80M").plan()
    assert plan.premises_fibre == 7_123
    assert plan.left_over_eur > 50e6
    assert plan.inhabitants_near_work == 66_338
    larger = planner(territory, found, budget="90M").plan()
    assert larger.total_benefit == pytest.approx(plan.total_benefit)
    assert larger.total_cost_eur == pytest.approx(plan.total_cost_eur, rel=1e-3)


def test_an_equity_floor_has_a_price(territory: Territory, found: Gaps, one_million: Plan) -> None:
    floor = {"epci": "each", "at_least_share_of_need": 0.02}
    plan = planner(territory, found, budget="1M", floor=[floor]).plan()
    assert plan.relaxed == ()
    ((label, price),) = plan.floors
    assert "at_least_share_of_need 0.02" in label
    assert price == pytest.approx(one_million.total_benefit - plan.total_benefit, abs=1e-3)
    assert price > 0
    for epci in found.epcis:
        codes = {found.codes[row] for row in epci.rows}
        lifted = sum(a.premises for a in plan.actions if a.insee_code in codes)
        assert lifted >= 0.02 * found.without_fibre[list(epci.rows)].sum() - 1e-6


@pytest.mark.parametrize(
    "floor",
    [
        {"epci": "tenareze", "at_least_eur": "400k"},
        {"epci": "tenareze", "at_least_share_of_spending": 0.4},
    ],
)
def test_a_floor_of_money_is_met(territory: Territory, found: Gaps, floor: dict[str, Any]) -> None:
    plan = planner(territory, found, budget="1M", floor=[floor]).plan()
    spent = next(epci.cost_eur for epci in plan.epcis if "Tenar" in epci.epci)
    assert spent >= 0.4 * plan.total_cost_eur - 1


def test_no_commune_stays_below_a_coverage(territory: Territory, found: Gaps) -> None:
    plan = planner(territory, found, budget="5M", floor=[{"at_least_coverage": 0.8}]).plan()
    below = {
        found.codes[row]
        for row in range(len(found))
        if found.without_fibre[row] > 0.2 * found.premises[row]
    }
    assert below
    assert below <= {code for code, action in done(plan) if action == "fibre"}
    land = {"at_least_coverage": 0.98, "measure": "land_30mbit"}
    plan = planner(territory, found, budget="5M", floor=[land]).plan()
    assert plan.relaxed == ()


def test_a_floor_that_cannot_be_met_gives_way_by_the_least(
    territory: Territory, found: Gaps
) -> None:
    plan = planner(territory, found, budget="100k", floor=[{"at_least_coverage": 0.9}]).plan()
    (relaxed,) = plan.relaxed
    assert relaxed.unit == "communes"
    assert 0 < relaxed.kept < relaxed.asked
    assert len(relaxed.who) == relaxed.asked - relaxed.kept
    assert plan.budget_needed is not None
    enough = planner(
        territory, found, budget=plan.budget_needed, floor=[{"at_least_coverage": 0.9}]
    ).plan()
    assert enough.relaxed == ()
    answer = plan.as_dict()
    assert answer["infeasible"][0]["lowered_by"] == relaxed.asked - relaxed.kept
    assert plan.floors[0][1] == 0


def test_rules_hold(territory: Territory, found: Gaps) -> None:
    plan = planner(
        territory,
        found,
        budget="6M",
        cap=[
            {"action": "telecentre", "at_most_communes": 1},
            {"epci": "Grand Auch", "at_most_eur": "200k"},
        ],
        exclude=[{"commune": "Condom"}, {"epci": "Saves", "action": "fibre"}],
        decided=[
            {"commune": "Cazaubon", "action": "fibre"},
            {"commune": "Auch", "action": "coworking", "in_budget": False},
        ],
        precedence=[{"action": "telecentre", "after": "fibre"}],
    ).plan()
    chosen = done(plan)
    assert (CAZAUBON, "fibre") in chosen
    assert (AUCH, "coworking") in chosen
    assert not any(code == CONDOM for code, _ in chosen)
    telecentres = [code for code, action in chosen if action == "telecentre"]
    assert len(telecentres) == 1
    assert (telecentres[0], "fibre") in chosen
    paid = sum(a.cost_eur for a in plan.actions if a.in_budget)
    assert paid == plan.total_cost_eur <= 6e6
    auch = next(epci.cost_eur for epci in plan.epcis if "Auch" in epci.epci)
    assert auch == 200_000  # a cap counts what is paid elsewhere too
    assert {a.epci for a in plan.actions if a.action == "fibre"}.isdisjoint({"CC du Saves"})


def test_a_mobile_site_is_built_only_where_the_scenario_names_it(
    territory: Territory, found: Gaps, one_million: Plan
) -> None:
    assert not any(action == "mobile_site" for _, action in done(one_million))
    plan = planner(
        territory, found, budget="80M", action=[{"name": "mobile_site", "communes": ["Lavardens"]}]
    ).plan()
    (site,) = [action for action in plan.actions if action.action == "mobile_site"]
    assert site.insee_code == "32204"
    assert sum(amount for _, amount in site.payers) == pytest.approx(site.cost_eur)


def test_what_is_decided_must_fit(territory: Territory, found: Gaps) -> None:
    with pytest.raises(ScenarioError, match="more than the budget"):
        planner(territory, found, budget="1k", decided=[{"commune": "Auch", "action": "fibre"}])
    with pytest.raises(ScenarioError, match="is decided, and excluded"):
        planner(
            territory,
            found,
            decided=[{"commune": "Auch", "action": "fibre"}],
            exclude=[{"epci": "Grand Auch"}],
        )
    impossible = planner(
        territory,
        found,
        decided=[{"commune": "Auch", "action": "fibre"}],
        cap=[{"action": "fibre", "at_most_communes": 0}],
    )
    with pytest.raises(ScenarioError, match="whatever the floors"):
        impossible.plan()


def test_no_money_builds_nothing(territory: Territory, found: Gaps) -> None:
    plan = planner(territory, found, budget=0).plan()
    assert plan.actions == ()
    assert plan.baselines[0].share is None
    assert plan.left_over_eur == 0


def test_the_frontier_of_a_scenario_never_falls(territory: Territory, found: Gaps) -> None:
    plan = planner(territory, found, budget="80M").plan(points=4)
    gains = [point.benefit for point in plan.frontier]
    assert None not in gains
    assert gains == sorted(gains, key=lambda gain: gain or 0)
    assert plan.frontier[-1].budget_eur == pytest.approx(plan.total_cost_eur, rel=1e-2)
    assert plan.as_dict()["frontier"][0]["optimality_gap"] < 1e-3


def test_small_budgets_that_miss_a_floor_are_said(territory: Territory, found: Gaps) -> None:
    floor = {"epci": "tenareze", "at_least_eur": "600k"}
    plan = planner(territory, found, budget="1M", floor=[floor]).plan(points=2)
    assert [point.benefit is None for point in plan.frontier] == [True, False]
    assert plan.frontier[0].as_dict()["marginal_per_100k"] is None
