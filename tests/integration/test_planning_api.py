"""Planners' requests: the numbers of the command line, shapes held, bad input refused whole."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, get_args

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api import planning_work
from api.planning_models import (
    GapsAnswer,
    LiftActionName,
    LiftsAnswer,
    PlanAnswer,
    SitingAnswer,
)
from api.planning_work import MAX_AT_ONCE, MAX_FLOORS, plan_of, scenario_of
from geo_matcher.cli import app as cli
from geo_matcher.counterfactual import ACTIONS
from geo_matcher.territory import Territory

pytestmark = pytest.mark.usefixtures("read_once")

V1 = "/api/v1"


@pytest.fixture
def told_there(small_gers: Territory) -> Callable[..., Any]:
    """Return a function that calls the command line on the same communes as ``small_client``."""
    return partial(told, "--release", str(small_gers.folder))


def told(*arguments: str) -> Any:
    result = CliRunner().invoke(cli, [*arguments, "--format", "json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def problems_of(response: Any, status: int = 422) -> list[str]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: list[str] = response.json()["problems"]
    return found


@pytest.mark.parametrize("by", ["commune", "epci"])
def test_gaps_are_those_of_the_command_line(client: TestClient, by: str) -> None:
    answer = client.get(f"{V1}/gaps?by={by}")
    assert answer.json() == told("gaps", "--by", by)
    GapsAnswer.model_validate(answer.json())
    again = client.get(f"{V1}/gaps?by={by}", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    rows = list(csv.DictReader(io.StringIO(client.get(f"{V1}/gaps?by={by}&f=csv").text)))
    assert len(rows) == len(answer.json()["rows"])
    assert sum(int(row["premises"]) for row in rows) == answer.json()["total"]["premises"]


def test_a_plan_is_that_of_the_command_line(
    small_client: TestClient, told_there: Callable[..., Any], tmp_path: Path
) -> None:
    client = small_client
    rules = {"floor": [{"epci": "each", "at_least_share_of_need": 0.05}], "count": "high"}
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(rules), encoding="utf-8")
    answer = client.post(
        f"{V1}/plans", json={"budget": "2 M€", "scenario": rules, "frontier": 2}
    ).json()
    PlanAnswer.model_validate(answer)
    expected = told_there("plan", "--budget", "2M", "--scenario", str(file), "--frontier", "2")
    for key in ("actions", "total_cost_eur", "total_benefit", "floors", "frontier", "baselines"):
        assert answer[key] == expected[key], key
    assert answer["total_cost_eur"] <= 2e6
    assert answer["floors"][0]["price_points"] >= 0
    as_number = client.post(f"{V1}/plans", json={"budget_eur": 2_000_000, "scenario": rules})
    assert as_number.json()["actions"] == answer["actions"]


def test_a_robust_core_says_how_many_draws(small_client: TestClient) -> None:
    answer = small_client.post(f"{V1}/plans", json={"budget": "300k", "robust": 20}).json()
    PlanAnswer.model_validate(answer)
    assert answer["robust_core"]["samples"] == 20
    assert {row["class"] for row in answer["robust_core"]["actions"]} <= {
        "no_regret", "depends", "rare",
    }  # fmt: skip


def test_a_bad_scenario_is_refused_with_every_problem(client: TestClient) -> None:
    bad = {
        "action": [
            {"name": "zeppelin"},
            {"name": "satellite_aid",
             "cost": [{"per": "premises", "low": -150, "central": 300, "high": 600}]},
        ],
        "floor": [{"epci": "each", "at_least_share_of_spending": 0.9}],
        "exclude": [{"commune": "Atlantis"}],
        "colour": "blue",
    }  # fmt: skip
    problems = " | ".join(
        problems_of(client.post(f"{V1}/plans", json={"budget": "abc", "scenario": bad}))
    )
    for part in ("zeppelin", "-150", "Atlantis", "colour", "'abc'", "add up to"):
        assert part in problems


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"budget": "5M", "budget_eur": 5}, "both"),
        ({"budget_eur": True}, "expected an amount"),
        ({"budget_eur": -1}, "negative"),
        ({"frontier": 21}, "frontier"),
        ({"frontier": 1}, "frontier"),
        ({"robust": 51}, "robust"),
        ({"robust": 3, "budget": "300k"}, "draws"),
        ({"colour": 1}, "unknown key"),
        ({"scenario": {"floor": [{"at_least_coverage": 0.1}] * (MAX_FLOORS + 1)}}, "at most"),
        ({"scenario": {"name": [[]]}}, "name"),
    ],
)
def test_what_is_out_of_bounds_is_told(client: TestClient, body: Any, said: str) -> None:
    assert said in " ".join(problems_of(client.post(f"{V1}/plans", json=body)))


def test_deep_nesting_is_no_accident(client: TestClient) -> None:
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    response = client.post(f"{V1}/plans", json={"scenario": {"floor": deep}})
    assert response.status_code in {400, 422}
    assert problems_of(response, response.status_code)


def test_lifts_are_those_of_the_command_line(
    small_client: TestClient, told_there: Callable[..., Any]
) -> None:
    client = small_client
    assert set(get_args(LiftActionName)) == set(ACTIONS)
    answer = client.get(f"{V1}/lifts?action=land_30mbit&scope=partners&top=500").json()
    LiftsAnswer.model_validate(answer)
    arguments = ("lift", "--action", "land_30mbit", "--scope", "partners", "--top", "500")
    assert answer == told_there(*arguments)
    one = client.get(f"{V1}/lifts?action=land_30mbit&scope=partners&commune=Jegun").json()
    assert [row["name"] for row in one["lifts"]] == ["Jegun"]
    assert one["lifts"][0] in answer["lifts"]
    problems_of(client.get(f"{V1}/lifts?action=zeppelin"))
    problems_of(client.get(f"{V1}/lifts?action=fibre&commune=Atlantis"), 404)


def test_sitings_are_those_of_the_command_line(client: TestClient) -> None:
    answer = client.get(f"{V1}/sitings?count=2&within=15&demand=population").json()
    SitingAnswer.model_validate(answer)
    assert answer == told(
        "site-coworking", "--count", "2", "--within", "15", "--demand", "population"
    )
    problems_of(client.get(f"{V1}/sitings?count=11"))


def test_what_was_made_is_handed_out_and_beyond_a_few_are_told_to_come_back(
    client: TestClient, territory: Territory, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = scenario_of(territory, {}, "300k")
    plan = plan_of(territory, known)
    release, started = threading.Event(), threading.Event()

    def slow(*_: Any, **__: Any) -> Any:
        started.set()
        assert release.wait(30)
        raise AssertionError("never used")

    monkeypatch.setattr(planning_work, "lifts", slow)
    with ThreadPoolExecutor(MAX_AT_ONCE) as pool:
        scopes = ("all", "network", "partners", "all")
        actions = ("doctor", "doctor", "doctor", "bakery")
        jobs = [
            pool.submit(planning_work.lifts_of, territory, action, scope)
            for action, scope in zip(actions, scopes, strict=True)
        ]
        try:
            assert started.wait(20)
            while planning_work.line.waiting < MAX_AT_ONCE:
                pass
            refusal = client.get(f"{V1}/lifts?action=grocery")
            assert plan_of(territory, known) is plan
        finally:
            release.set()
        assert all(isinstance(job.exception(timeout=60), AssertionError) for job in jobs)
    assert "Try again" in problems_of(refusal, 503)[0]
    assert int(refusal.headers["Retry-After"]) > 0
