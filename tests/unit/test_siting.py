"""Sites of new spaces: who is reached, what is said, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from geo_matcher.counterfactual import changes_of
from geo_matcher.demand import demand
from geo_matcher.drives import home_minutes
from geo_matcher.errors import PlanError
from geo_matcher.siting import MAX_COUNT, Cover, best_cover, greedy_cover, site_coworking
from geo_matcher.territory import Territory

TRAP = np.array([[1, 1, 0, 1, 1, 0], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], dtype=np.bool_)
"""Three places: greedy takes the first, which the two others make useless."""


def test_greedy_falls_into_the_trap_and_the_best_does_not() -> None:
    demanded = np.ones(6)
    assert greedy_cover(TRAP, demanded, 2) == Cover((0, 1), 5.0, 6.0)
    assert greedy_cover(TRAP, demanded, 2).gap == pytest.approx(0.2)
    assert best_cover(TRAP, demanded, 2) == Cover((1, 2), 6.0, 6.0)


def test_no_place_is_chosen_that_reaches_nobody_new() -> None:
    demanded = np.array([1.0, 0.0, 0.0, 2.0, 0.0, 0.0])
    assert best_cover(TRAP, demanded, 3).chosen == (0,)
    assert best_cover(TRAP, np.zeros(6), 2) == Cover((), 0.0, 0.0)
    assert best_cover(TRAP[:, :0], np.zeros(0), 2) == Cover((), 0.0, 0.0)
    assert greedy_cover(TRAP[:0], np.ones(6), 2) == Cover((), 0.0, 0.0)


def test_when_time_runs_out_the_best_found_stands_with_its_gap() -> None:
    rng = np.random.default_rng(5)
    reaches = rng.random((80, 300)) < 0.08
    demanded = rng.random(300)
    short = best_cover(reaches, demanded, 10, time_limit_s=0.0)
    assert short.covered >= greedy_cover(reaches, demanded, 10).covered
    assert short.bound > short.covered
    assert short.gap > 0
    assert short.bound <= demanded.sum() + 1e-9


@pytest.mark.parametrize("within", [11.69, 15.0, 25.0])
def test_what_is_reached_adds_up(territory: Territory, within: float) -> None:
    found = site_coworking(territory, count=4, within_min=within, kind="population")
    people = territory.communes["population"]
    near = territory.minutes["workplace"] <= within
    assert found.total == people.sum()
    assert found.met == people[near].sum()
    assert found.met + found.unmet == pytest.approx(found.total)
    assert 0 <= found.unsure <= found.unmet
    drive = home_minutes(territory).T
    before = 0.0
    for step in found.steps:
        rows = [territory.codes.index(site.insee_code) for site in step.sites]
        reached = (drive[rows] <= within).any(axis=0) & ~near.to_numpy()
        assert step.covered == people[reached].sum()
        assert sum(site.demand for site in step.sites) == pytest.approx(step.covered)
        codes = [code for site in step.sites for code in site.reached]
        assert sorted(codes) == sorted(np.array(territory.codes)[reached])
        assert step.added == pytest.approx(step.covered - before)
        assert step.added >= 0
        assert step.greedy_covered <= step.covered
        assert step.share == pytest.approx(step.covered / found.unmet)
        assert step.gap == 0
        before = step.covered


def test_newcomers_are_those_expected_in_each_commune(territory: Territory) -> None:
    found = site_coworking(territory, count=2, within_min=15, profiles=20, draws=10)
    expected = demand(territory, profiles=20, draws=10).expected(5)
    near = (territory.minutes["workplace"] <= 15).to_numpy()
    assert (found.profiles, found.draws, found.seed) == (20, 10, 2026)
    assert found.total == pytest.approx(100)
    assert found.unmet == pytest.approx(expected[~near].sum())
    site = found.steps[0].sites[0]
    rows = [territory.codes.index(code) for code in site.reached]
    assert site.demand == pytest.approx(expected[rows].sum())


def test_a_site_makes_the_drive_that_the_lift_counts(territory: Territory) -> None:
    found = site_coworking(territory, count=1, within_min=15, kind="population")
    site = found.steps[0].sites[0]
    changes = changes_of(territory, "coworking").at([territory.codes.index(site.insee_code)])
    near = {territory.codes[row] for row in changes.row[changes.raw[:, 0] <= 15]}
    assert set(site.reached) <= near


def test_candidates_may_be_fewer(territory: Territory) -> None:
    every = site_coworking(territory, count=2, within_min=15, kind="population")
    towns = site_coworking(
        territory, count=2, within_min=15, kind="population", least_population=2_000
    )
    partners = site_coworking(
        territory, count=2, within_min=15, kind="population", candidates="partners"
    )
    assert every.candidates == 458
    assert partners.candidates == 47
    assert all(site.population >= 2_000 for step in towns.steps for site in step.sites)
    for fewer in (towns, partners):
        assert fewer.steps[1].covered <= every.steps[1].covered
    evidence = territory.partner_evidence
    assert all(site.insee_code in evidence for step in partners.steps for site in step.sites)
    own = site_coworking(territory, count=1, within_min=15, kind="population", scope="partners")
    assert own.total < every.total
    assert own.profiles is None


def test_where_all_is_reached_nothing_is_left_to_choose(territory: Territory) -> None:
    found = site_coworking(territory, count=2, within_min=120, kind="population")
    assert found.unmet == 0
    assert [(step.sites, step.covered, step.share) for step in found.steps] == [((), 0.0, 1.0)] * 2


def test_a_siting_is_told_in_plain_types(territory: Territory) -> None:
    found = site_coworking(territory, count=2, within_min=15, kind="population")
    plain = found.as_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["steps"][0]["sites"][0]["name"] == found.steps[0].sites[0].name
    assert plain["status"] == "estimated"


def test_all_that_is_wrong_is_said_at_once(territory: Territory) -> None:
    with pytest.raises(PlanError) as caught:
        site_coworking(
            territory, count=0, within_min=-3, scope="moon", kind="cows", candidates="mars",
            profiles=1, draws=1, seed=-1,
        )  # fmt: skip
    assert [problem.split(" is ")[0] for problem in caught.value.problems] == [
        "scope", "profiles", "draws", "seed", "count", "within", "demand", "candidates",
    ]  # fmt: skip
    with pytest.raises(PlanError, match="within is nan, expected more than 0 and at most 120"):
        site_coworking(territory, count=1, within_min=float("nan"))
    with pytest.raises(PlanError, match="no commune of the scope partners has 900,000 inhabitants"):
        site_coworking(
            territory, count=1, within_min=5, candidates="partners", least_population=900_000
        )
    with pytest.raises(PlanError, match=f"expected 1 to {MAX_COUNT} new spaces"):
        site_coworking(territory, count=MAX_COUNT + 1, within_min=5)
