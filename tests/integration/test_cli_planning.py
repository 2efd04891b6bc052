"""Planners' commands: real figures, plans that programs can read, clear refusals."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from geo_matcher import robust_core
from geo_matcher.planning import Planner
from geo_matcher.robust_core import RobustCore
from geo_matcher.territory import Territory
from tests.integration.commands import Run

pytestmark = pytest.mark.usefixtures("read_once")

JSON = ("--format", "json")
QUICK = ("--no-demand",)


def test_gaps_by_epci_in_both_languages(run: Run) -> None:
    french = run("gaps", "--lang", "fr", *QUICK)
    assert "138 415 locaux au 30 juin 2026" in french.plain
    assert "4G fixe 6 325" in french.plain
    assert "certain 185, possible 259, aucun 14" in french.plain
    assert "si 12 mois de retard" in french.plain
    assert "La couverture mobile ne figure pas dans les données" in french.plain
    english = run("gaps", "--months-late", "6", *QUICK)
    assert "138,415 premises on 30 June 2026" in english.plain
    assert "if 6 months late" in english.plain
    assert "Grand Auch" in english.plain


def test_gaps_as_json_and_csv_say_the_same(run: Run) -> None:
    answer = run("gaps", "--by", "commune", *JSON).json
    assert len(answer["rows"]) == 458
    newcomers = sum(row["concerned"]["newcomers"] for row in answer["rows"])
    assert newcomers == pytest.approx(1000)
    rows = list(csv.DictReader(io.StringIO(run("gaps", "--by", "commune", "--format", "csv").out)))
    assert [row["insee_code"] for row in rows] == [row["insee_code"] for row in answer["rows"]]
    cazaubon = next(row for row in rows if row["insee_code"] == "32096")
    assert cazaubon["counts_cartefibre_premises"] == "2539"
    assert cazaubon["counts_ma_connexion_internet_premises"] == "1778"
    assert cazaubon["class"] == "certain"
    assert cazaubon["release"] == answer["release"]


@pytest.mark.parametrize("language", ["fr", "en"])
def test_clusters_are_told_with_their_significance(run: Run, language: str) -> None:
    told = run("gaps", "--clusters", "--by", "commune", "--lang", language, *QUICK).plain
    assert "I = 0.059" in told
    assert ("Significatifs : aucun" if language == "fr" else "Significant: none") in told


def test_a_plan_is_what_a_program_expects(run: Run) -> None:
    answer = run("plan", "--budget", "1M", *JSON).json
    assert set(answer) >= {"actions", "total_cost_eur", "total_benefit", "optimality_gap"}
    assert set(answer["actions"][0]) >= {"insee_code", "action", "cost_eur", "benefit"}
    assert answer["total_cost_eur"] <= 1e6
    assert answer["optimality_gap"] == 0
    assert answer["newcomers_counted"] is True


def test_the_same_call_gives_the_same_bytes(run: Run) -> None:
    call = ("plan", "--budget", "700k", *QUICK, *JSON)
    assert run(*call).out == run(*call).out


@pytest.fixture
def solved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a plan be told in both languages without solving its draws again."""
    solve = robust_core.robust_core
    known: dict[int, RobustCore] = {}

    def once(planner: Planner, samples: int) -> RobustCore:
        if samples not in known:
            known[samples] = solve(planner, samples)
        return known[samples]

    monkeypatch.setattr(robust_core, "robust_core", once)


@pytest.mark.usefixtures("solved_once")
def test_a_plan_in_words(run: Run, tmp_path: Path, small_gers: Territory) -> None:
    scenario = tmp_path / "mine.toml"
    scenario.write_text(
        '[[floor]]\nepci = "each"\nat_least_share_of_need = 0.02\n'
        '[[decided]]\ncommune = "Pavie"\naction = "satellite_aid"\n',
        encoding="utf-8",
    )
    release = ("--release", str(small_gers.folder))
    call = (*release, "plan", "--budget", "1M", "--scenario", str(scenario), *QUICK)
    french = run(*call, "--lang", "fr", "--frontier", "3", "--robust", "20", "--check-figures", "3")
    assert french.code == 0, french.err
    assert "optimum prouvé" in french.plain
    assert "(décidé)" in french.plain
    assert "Plancher epci each: at_least_share_of_need 0.02 : coûte" in french.plain
    assert "parts égales par EPCI" in french.plain
    assert "gain par 100 000 €" in french.plain
    assert "sans regret –" in french.plain
    assert "À vérifier (3/32)" in french.plain
    english = run(*call, "--frontier", "2", "--check-figures", "1", "--robust", "20")
    assert "proved optimum" in english.plain
    assert "Floor epci each" in english.plain
    assert "Without newcomers' demand." in english.plain


def test_a_floor_out_of_reach_is_told(run: Run, tmp_path: Path) -> None:
    scenario = tmp_path / "mine.toml"
    scenario.write_text("[[floor]]\nat_least_coverage = 0.9\n", encoding="utf-8")
    call = ("plan", "--budget", "100k", "--scenario", str(scenario), *QUICK)
    assert "Floor that cannot be met" in run(*call).plain
    french = run(*call, "--lang", "fr")
    assert "Plancher impossible" in french.plain
    assert "Il faudrait" in french.plain


def test_a_plan_as_csv(run: Run) -> None:
    rows = list(
        csv.DictReader(io.StringIO(run("plan", "--budget", "1M", "--format", "csv", *QUICK).out))
    )
    assert rows
    assert all(len(row["insee_code"]) == 5 for row in rows)
    assert {"action", "cost_eur", "benefit", "scenario", "release"} <= set(rows[0])
    empty = run("plan", "--budget", "0", "--format", "csv", *QUICK)
    assert (empty.code, empty.out.strip()) == (0, "")


def test_the_scenario_to_edit_is_printed_as_it_ships(run: Run, tmp_path: Path) -> None:
    shown = run("plan", "--show-scenario")
    assert "[[action]]" in shown.out
    copy = tmp_path / "copy.toml"
    copy.write_text(shown.out, encoding="utf-8")
    one = run("plan", "--scenario", str(copy), *QUICK, *JSON).json
    assert one["scenario"] == run("plan", *QUICK, *JSON).json["scenario"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", "--budget", "abc"), "found 'abc'"),
        (("plan", "--budget", "-5M"), "negative"),
        (("plan", "--scenario", "nowhere.toml"), "cannot be read"),
        (("plan", "--frontier", "1"), "2 to 100"),
        (("plan", "--robust", "5"), "expected 20 to 1,000"),
    ],
)
def test_refusals_are_one_line_and_exit_code_2(
    run: Run, arguments: tuple[str, ...], said: str
) -> None:
    refused = run(*arguments, *QUICK)
    assert refused.code == 2
    assert said in refused.err
    assert refused.err.startswith("geo-matcher: ")
    assert refused.err.count("\n") == 1
    assert refused.out == ""


def test_all_problems_of_a_scenario_are_listed(run: Run, tmp_path: Path) -> None:
    scenario = tmp_path / "bad.toml"
    scenario.write_text(
        'budget = "abc"\n[[exclude]]\ncommune = "Nowhere"\n[[cap]]\naction = "warp"\n'
        "at_most_eur = -1\n",
        encoding="utf-8",
    )
    refused = run("plan", "--scenario", str(scenario))
    assert refused.code == 2
    for said in ("'abc'", "'Nowhere'", "unknown action 'warp'", "negative"):
        assert said in refused.err
    assert refused.err.count("\n  - ") == 4


def test_nothing_but_the_answer_reaches_standard_output(small_gers: Territory) -> None:
    call = [sys.executable, "-m", "geo_matcher", "--release", str(small_gers.folder)]
    arguments = ["plan", "--budget", "2M", "--robust", "20", *QUICK, *JSON]
    done = subprocess.run([*call, *arguments], capture_output=True, check=True, text=True)
    assert json.loads(done.stdout)["robust_core"]["samples"] == 20
