"""Commands that explain, compare and converse: the same numbers by every door, clear refusals."""

from __future__ import annotations

import csv
import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi.testclient import TestClient

from geo_matcher.audit import audit
from geo_matcher.comparison import chances, compare
from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.duo import duo
from geo_matcher.explanation import reasons
from geo_matcher.interview import Answer, interview
from geo_matcher.matching import rank
from geo_matcher.pairs import pairs
from geo_matcher.presets import PRESETS
from geo_matcher.profile import parse_profile
from geo_matcher.robustness import Odds, odds, with_odds
from geo_matcher.territory import Territory
from geo_matcher.typology import typology
from geo_matcher.verdicts import comparison_sentences, duo_names, duo_sentences
from tests.integration.commands import Outcome, Run

pytestmark = pytest.mark.usefixtures("read_once")

ROOT = Path(__file__).parents[2]
V1 = "/api/v1"
FAMILY = ("--profile-name", "paris-web-family")
ARTIST = ("--profile-name", "cultura-artist")
JSON = ("--format", "json")
FEW = ("--draws", "100")
HOSTILE = "[bold]Zoé[/bold] <script>alert(1)</script>"


def refused(outcome: Outcome) -> str:
    """Assert that a call was refused in one line and return it."""
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("geo-matcher: ")
    assert outcome.err.endswith("\n")
    assert outcome.err.count("\n") == 1
    return outcome.err


def turned_down(outcome: Outcome) -> str:
    """Assert that an option was refused before the command ran and return what was said."""
    assert outcome.code == 2
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    return outcome.err


@pytest.fixture
def two_files(tmp_path: Path) -> tuple[str, str]:
    """Return the profiles of two people whose limits clash."""
    paths = []
    for name, limit in (("Alice", "at_least = 60"), ("Hugo", "at_most = 30")):
        path = tmp_path / f"{name}.toml"
        path.write_text(f'name = "{name}"\n[limits.toulouse_min]\n{limit}\n', encoding="utf-8")
        paths.append(str(path))
    return paths[0], paths[1]


def plain(content: Any) -> Any:
    return orjson.loads(orjson.dumps(content))


# --- The same numbers by every door ------------------------------------------------------------


@pytest.mark.parametrize("scope", ["partners", "network"])
def test_odds_are_the_same_by_every_door(
    run: Run, client: TestClient, territory: Territory, scope: str
) -> None:
    profile = PRESETS["cultura-artist"].profile
    printed = run("match", *ARTIST, "--scope", scope, "--top", "6", "--odds", *JSON).json
    body = {"profile": profile.as_dict(), "scope": scope, "top": 6}
    assert client.post(f"{V1}/matches?odds=true", json=body).json() == printed
    ranking = rank(territory, profile, scope)
    assert plain(with_odds(ranking.to_dict(6), odds(ranking))) == printed
    for result in printed["results"]:
        assert list(result["odds"]) == ["p_top_1", "p_top_5", "rank_low", "rank_high"]


@pytest.mark.parametrize("commune", ["Sarrant", "Mauvezin", "Auch"])
def test_explanations_are_the_same_by_every_door(
    run: Run, client: TestClient, territory: Territory, commune: str
) -> None:
    profile = PRESETS["paris-web-family"].profile
    printed = run("explain", commune.lower(), *FAMILY, "--places", "2", *JSON).json
    body = {"profile": profile.as_dict(), "commune": commune, "places": 2}
    answer = client.post(f"{V1}/explanations", json=body).json()
    assert _without_words(answer) == printed
    assert plain(reasons(rank(territory, profile), commune, places=2).as_dict()) == printed


def _without_words(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of the API without its sentences, which the command line prints apart."""
    question = answer.get("question")
    if question:
        texts = ("text_fr", "text_en")
        answer = answer | {"question": {k: v for k, v in question.items() if k not in texts}}
    return {key: value for key, value in answer.items() if key != "sentences"}


def test_interviews_are_the_same_by_every_door(
    run: Run, client: TestClient, territory: Territory
) -> None:
    profile = PRESETS["paris-web-family"].profile
    typed = ["=", "-", "2"]
    body: dict[str, Any] = {"profile": profile.as_dict(), "answers": []}
    for number in range(len(typed) + 1):
        given = ("--answers", ",".join(typed[:number])) if number else ()
        printed = run("interview", *FAMILY, *given, *JSON).json
        answer = client.post(f"{V1}/interviews", json=body).json()
        assert _without_words(answer) == printed
        answers = [Answer.model_validate(each) for each in printed["answers"]]
        assert plain(interview(territory, profile, answers=answers).as_dict()) == printed
        if number < len(typed):
            choice = {"2": "second", "=": "same", "-": "skip"}[typed[number]]
            question = {key: printed["question"][key] for key in ("first", "second")}
            body["answers"].append(question | {"choice": choice})
    assert printed["asked"] == 3
    assert printed["ignored"] == [1]


def test_comparisons_are_the_same_by_every_door(
    run: Run, client: TestClient, territory: Territory
) -> None:
    profile = PRESETS["paris-web-family"].profile
    communes = ["Mauvezin", "32008", "auch"]
    printed = run("compare", *communes, *FAMILY, *JSON).json
    body = {"profile": profile.as_dict(), "communes": communes}
    assert _without_words(client.post(f"{V1}/comparisons", json=body).json()) == printed
    ranking = rank(territory, profile)
    found = compare(ranking, communes)
    assert plain(found.as_dict() | chances(found, odds(ranking))) == printed
    assert printed["ahead"][0][2] is None, "Auch is no partner"


def test_duos_are_the_same_by_every_door(
    run: Run, client: TestClient, territory: Territory, two_files: tuple[str, str]
) -> None:
    printed = run("duo", *two_files, "--scope", "all", *JSON).json
    people = [
        {"name": "Alice", "limits": {"toulouse_min": {"at_least": 60}}},
        {"name": "Hugo", "limits": {"toulouse_min": {"at_most": 30}}},
    ]
    body = {"first": people[0], "second": people[1], "scope": "all", "top": 500}
    assert _without_words(client.post(f"{V1}/duos", json=body).json()) == printed
    found = duo(territory, parse_profile(people[0]), parse_profile(people[1]), "all")
    assert plain(found.as_dict()) == printed
    assert printed["counts"]["both"] == 0
    assert printed["clashes"][0]["impossible"] is True


def test_pairs_are_the_same_by_every_door(
    run: Run, client: TestClient, territory: Territory
) -> None:
    profile = PRESETS["cultura-artist"].profile
    printed = run("pairs", *ARTIST, "--scope", "network", "--top", "9", *JSON).json
    body = {"profile": profile.as_dict(), "scope": "network", "top": 9}
    assert client.post(f"{V1}/pairs", json=body).json()["pairs"] == printed
    found = pairs(rank(territory, profile, "network"), 9)
    assert plain([pair.as_dict() for pair in found]) == printed
    assert [pair["rank"] for pair in printed] == list(range(1, 10))


def test_types_and_audits_are_the_same_by_every_door(
    run: Run, client: TestClient, territory: Territory
) -> None:
    printed = run("types", *JSON).json
    assert client.get(f"{V1}/types").json() == printed
    assert plain(typology(territory).as_dict()) == printed
    printed = run("audit", "--size", "20", "--seed", "5", "--scope", "network", *JSON).json
    asked = {"size": "20", "seed": "5", "scope": "network"}
    assert client.get(f"{V1}/audit", params=asked).json() == printed
    assert plain(audit(territory, "network", size=20, seed=5).as_dict()) == printed


# --- Odds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("belief", ["words", "order", "free"])
def test_draws_seed_and_belief_are_those_asked_for(
    run: Run, territory: Territory, belief: str
) -> None:
    asked = ("match", *FAMILY, "--odds", "--draws", "200", "--seed", "7", "--weights", belief)
    printed = run(*asked, "--top", "4", *JSON)
    assert printed.out == run(*asked, "--top", "4", *JSON).out
    made = printed.json["robustness"]
    assert (made["draws"], made["seed"], made["belief"]) == (200, 7, belief)
    ranking = rank(territory, PRESETS["paris-web-family"].profile)
    found = odds(ranking, draws=200, seed=7, belief=belief)  # type: ignore[arg-type]
    assert [result["odds"] for result in printed.json["results"]] == found.summaries[:4]
    other = run(*asked[:-4], "--seed", "8", "--weights", belief, "--top", "4", *JSON).json
    assert other["robustness"]["seed"] == 8
    assert other["results"] != printed.json["results"]


@pytest.fixture(scope="module")
def family_odds(territory: Territory) -> Odds:
    return odds(rank(territory, PRESETS["paris-web-family"].profile), draws=100)


def test_csv_with_odds_has_their_columns(run: Run, family_odds: Odds) -> None:
    printed = run("match", *FAMILY, "--odds", *FEW, "--top", "5", "--format", "csv")
    rows = list(csv.DictReader(printed.out.splitlines()))
    assert len(rows) == 5
    for row, told in zip(rows, family_odds.summaries, strict=False):
        assert {name: float(row[name]) for name in told} == pytest.approx(told)
    bare = run("match", *FAMILY, "--format", "csv").out.splitlines()[0].split(",")
    assert not {"p_top_1", "p_top_5", "rank_low", "rank_high"} & set(bare)


def test_geojson_with_odds_has_them_in_each_shape(run: Run, family_odds: Odds) -> None:
    printed = run("match", *FAMILY, "--odds", *FEW, "--top", "5", "--format", "geojson").json
    told = [feature["properties"]["odds"] for feature in printed["features"]]
    assert told == family_odds.summaries[:5]
    assert printed["robustness"] == family_odds.as_dict()
    bare = run("match", *FAMILY, "--top", "1", "--format", "geojson").json
    assert "robustness" not in bare
    assert "odds" not in bare["features"][0]["properties"]


@pytest.mark.parametrize(
    ("language", "start", "band"),
    [
        ("en", "Among your first 5: ", "rank {} to {} of 47"),
        ("fr", "Dans vos 5 premiers\u00a0: ", "rang {} à {} sur 47"),
    ],
)
def test_the_table_says_how_sure_each_rank_is(
    run: Run, family_odds: Odds, language: str, start: str, band: str
) -> None:
    printed = run("match", *FAMILY, "--odds", *FEW, "--top", "4", "--lang", language)
    assert printed.text.count(start) == 4
    for told in family_odds.summaries[1:4]:
        assert band.format(told["rank_low"], told["rank_high"]) in printed.text
    assert start not in run("match", *FAMILY, "--top", "2", "--lang", language).out


# --- In words ----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "fr"])
def test_explain_says_why_in_the_language_asked_for(
    run: Run, territory: Territory, language: str
) -> None:
    found = reasons(rank(territory, PRESETS["paris-web-family"].profile), "Sarrant")
    printed = run("explain", "Sarrant", *FAMILY, "--lang", language)
    assert printed.code == 0
    score = f"{found.ranking.score[found.row]:.1f}"
    place = found.ranking.ranks[found.ranking.order.tolist().index(found.row)]
    if language == "fr":
        assert f"Sarrant a {score.replace('.', ',')} points sur 100 et le rang {place} sur 47" in (
            printed.text
        )
        assert "Ressemble à " in printed.text
    else:
        assert f"Sarrant has {score} points out of 100 and rank {place} of 47" in printed.text
        assert "Resembles " in printed.text
    for twin in found.alike:
        assert twin.name in printed.text
    assert printed.out.endswith(f"{territory.release_id}\n")


@pytest.mark.parametrize(
    ("language", "outside", "rank_word", "bound"),
    [("en", "not listed", "rank 1", "≤ 17 min"), ("fr", "hors liste", "rang 1", "≤ 17\u00a0min")],
)
def test_compare_sets_villages_beside_the_city_that_is_left(
    run: Run, territory: Territory, language: str, outside: str, rank_word: str, bound: str
) -> None:
    found = compare(
        rank(territory, PRESETS["paris-web-family"].profile), ["Mauvezin", "Auch", "Armentieux"]
    )
    printed = run("compare", "Mauvezin", "Auch", "Armentieux", *FAMILY, "--lang", language)
    assert printed.code == 0
    assert printed.text.count(outside) == 2
    assert rank_word in printed.text
    assert "Paris" in printed.out.splitlines()[1]
    assert bound.replace("\u00a0", " ") in printed.text.replace("\u00a0", " ")
    for sentence in comparison_sentences(found, language):
        assert sentence in printed.text
    for family in found.families:
        label = FAMILIES[family.family]
        assert (label.label_fr if language == "fr" else label.label_en) in printed.out
        for row in family.criteria:
            criterion = CRITERIA[row.criterion]
            text = criterion.label_fr if language == "fr" else criterion.label_en
            (line,) = (x for x in printed.out.splitlines() if x.startswith(f"  {text}  "))
            assert line.count("*") == sum(cell.is_best for cell in row.cells)
    assert printed.out.endswith(f"{territory.release_id}\n")


def test_compare_without_a_known_city_has_no_column_for_it(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "me.toml"
    file.write_text("", encoding="utf-8")
    head = run("compare", "Mauvezin", "Auch", "--profile", str(file)).out.splitlines()[0]
    assert head.split() == ["Mauvezin", "Auch"]


@pytest.mark.parametrize(("language", "loses"), [("en", "loses"), ("fr", "perd")])
def test_duo_says_where_two_can_meet_and_what_it_costs(
    run: Run, territory: Territory, tmp_path: Path, language: str, loses: str
) -> None:
    files, people = [], []
    for name in ("paris-web-family", "bordeaux-shop-online"):
        file = tmp_path / f"{name}.toml"
        file.write_text(PRESETS[name].profile.to_toml(), encoding="utf-8")
        files.append(str(file))
        people.append(PRESETS[name].profile)
    found = duo(territory, people[0], people[1])
    names = duo_names(people[0], people[1], language)
    printed = run("duo", *files, "--top", "3", "--lang", language)
    assert printed.code == 0
    for sentence in duo_sentences(found, names, language):
        assert sentence in printed.text
    assert all(f"{name} {loses}" in printed.out for name in names)
    lines = printed.out.splitlines()
    rows = [line.split() for line in lines if re.match(r"\d+ ", line)]
    assert [row[0] for row in rows] == [str(village.place) for village in found.villages[:3]]
    for row, village in zip(rows, found.villages, strict=False):
        shown = [float(x.replace(",", ".")) for x in row if re.fullmatch(r"\d+[.,]\d", x)]
        assert shown == [round(village.regret_first, 1), round(village.regret_second, 1)]
        assert (row[-1] in {"unbeaten", "imbattu"}) is village.pareto
    assert lines[-1] == territory.release_id


@pytest.mark.parametrize(
    ("language", "none"), [("en", "No village keeps"), ("fr", "Aucun village")]
)
def test_duo_says_which_limits_clash(
    run: Run, two_files: tuple[str, str], language: str, none: str
) -> None:
    printed = run("duo", *two_files, "--lang", language)
    assert printed.code == 0
    assert none in printed.text
    assert "Alice" in printed.text
    assert "Hugo" in printed.text


@pytest.mark.parametrize(("language", "heading"), [("en", "In the bourg"), ("fr", "Au bourg")])
def test_pairs_give_each_village_its_bourg(
    run: Run, territory: Territory, language: str, heading: str
) -> None:
    found = pairs(rank(territory, PRESETS["paris-web-family"].profile), 6)
    printed = run("pairs", *FAMILY, "--top", "6", "--lang", language)
    head, *rows, release = printed.out.splitlines()
    assert heading in head
    assert release == territory.release_id
    assert len(rows) == len(found) == 6
    for line, pair in zip(rows, found, strict=True):
        rank_shown, name, score, bourg, *rest = re.split(r" {2,}", line.strip())
        assert (rank_shown, name) == (str(pair.rank), pair.name)
        assert float(score.replace(",", ".")) == round(pair.score, 1)
        assert bourg == (pair.bourg.name if pair.bourg else "–")
        counts = rest[1:3] if pair.bourg else rest[:2]
        assert counts == [str(len(pair.found_in("village"))), str(len(pair.found_in("bourg")))]
    assert any(pair.bourg for pair in found)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_types_are_named_and_counted(run: Run, territory: Territory, language: str) -> None:
    printed = run("types", "--lang", language)
    digits = re.sub(r"(?<=\d)[,\u202f](?=\d)", "", printed.text)
    for kind in typology(territory).types:
        assert f"{kind.letter} {len(kind.members)} {kind.population} " in digits
        assert kind.name(language).split(",")[0] in printed.text
        assert kind.typical_name in printed.text
    assert printed.out.endswith(f"{territory.release_id}\n")


def test_the_audit_names_who_is_never_seen(run: Run, territory: Territory) -> None:
    found = audit(territory, size=20, seed=5, top=3)
    printed = run("audit", "--size", "20", "--seed", "5", "--top", "3")
    assert (
        f"{len(found.absences)} of 47 communes are never among the first 3 of anybody; Gini of "
        f"exposure {found.gini:.2f}; 20 profiles, seed 5" in printed.text
    )
    for absence in found.absences:
        words = "–" if absence.best_rank is None else str(absence.best_rank)
        assert f"{absence.name} {words} {', '.join(absence.reasons)}" in printed.text
    assert printed.out.endswith(f"{territory.release_id}\n")


# --- The report --------------------------------------------------------------------------------


def test_the_report_of_an_audit_is_written_to_the_file(
    run: Run, tmp_path: Path, client: TestClient
) -> None:
    file = tmp_path / "audit.html"
    printed = run("audit", "--size", "12", "--seed", "5", "-o", str(file))
    html = file.read_text(encoding="utf-8")
    size = file.stat().st_size
    assert printed == Outcome(0, f"{file}: {size / 1000:,.0f} kB\n", "")
    assert "<script" not in html.lower()
    asked = {"size": "12", "seed": "5", "f": "html"}
    assert client.get(f"{V1}/audit", params=asked).text == html


def test_a_report_and_its_figures_can_be_had_at_once(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "audit.html"
    asked = ("audit", "--size", "12", "--seed", "5", *JSON)
    assert run(*asked, "-o", str(file)).out == run(*asked).out
    assert file.stat().st_size > 1000


@pytest.mark.parametrize("where", ["none/audit.html", "."])
def test_a_report_that_cannot_be_written_is_told(run: Run, tmp_path: Path, where: str) -> None:
    said = refused(run("audit", "--size", "10", "-o", str(tmp_path / where)))
    assert "cannot be written (" in said
    assert "Give a file in a folder of yours." in said
    assert list(tmp_path.iterdir()) == []


# --- Refusals ----------------------------------------------------------------------------------

NO_FILE = str(Path("no", "such.toml"))
REFUSED: list[tuple[tuple[str, ...], str]] = [
    (("explain", "sarant", *FAMILY), "'sarant'. Did you mean Sarrant"),
    (("explain", "", *FAMILY), "name ''"),
    (("explain", "Sarrant"), "Give a profile file, or --profile-name"),
    (("explain", "Sarrant", "--profile-name", "cultura"), "Did you mean cultura-artist"),
    (("explain", "Sarrant", NO_FILE), "cannot be read"),
    (("explain", "Sarrant", NO_FILE, *FAMILY), "not both"),
    (("compare", "Sarrant", *FAMILY), "1 commune given: a comparison takes 2 to 4."),
    (("compare", "Auch", "Condom", "Lombez", "Sarrant", "Nogaro", *FAMILY), "5 communes given"),
    (("compare", "Sarrant", "32416", *FAMILY), "Sarrant (32416) is given twice"),
    (("compare", "Sarrant", "nowhere", *FAMILY), "'nowhere'"),
    (("compare", "Sarrant", "Auch"), "Give a profile file, or --profile-name"),
    (("compare", "Sarrant", "Auch", "--profile", NO_FILE), "cannot be read"),
    (("duo", NO_FILE, NO_FILE), "cannot be read"),
    (("pairs",), "Give a profile file, or --profile-name"),
    (("interview",), "Give a profile file, or --profile-name"),  # no terminal to ask at
    (("interview", *JSON), "Give a profile file, or --profile-name"),
    (("interview", *FAMILY, "--answers", "maybe"), "answer: found 'maybe', expected one of: 1, 2,"),
    (("interview", *FAMILY, "--answers", "1,,2"), "answer: found ''"),
    (("interview", *FAMILY, "--answers", "2,3"), "answer: found '3'"),
    (("interview", *FAMILY, "--answers", "x" * 500), f"found '{'x' * 40}', expected"),
    (
        ("interview", *FAMILY, "--answers", ",".join("-" * 11)),
        "6 of the answers found no question: 5 were asked (enough). Leave the others out.",
    ),
]


@pytest.mark.parametrize(("arguments", "said"), REFUSED)
def test_what_cannot_be_answered_is_refused_in_one_line(
    run: Run, arguments: tuple[str, ...], said: str
) -> None:
    assert said in refused(run(*arguments))


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("match", *FAMILY, "--odds", "--draws", "99"), "--draws"),
        (("match", *FAMILY, "--odds", "--draws", "20001"), "--draws"),
        (("match", *FAMILY, "--odds", "--seed", "-1"), "--seed"),
        (("match", *FAMILY, "--odds", "--weights", "luck"), "--weights"),
        (("explain", "Sarrant", *FAMILY, "--places", "0"), "--places"),
        (("explain", "Sarrant", *FAMILY, "--draws", "99"), "--draws"),
        (("interview", *FAMILY, "--draws", "many"), "--draws"),
        (("interview", *FAMILY, "--seed", "-1"), "--seed"),
        (("compare", *FAMILY), "communes"),
        (("compare", "Auch", "Condom", *FAMILY, "--scope", "mars"), "--scope"),
        (("duo", NO_FILE), "second"),
        (("duo", NO_FILE, NO_FILE, "--top", "0"), "--top"),
        (("pairs", *FAMILY, "--top", "501"), "--top"),
        (("types", "--lang", "oc"), "--lang"),
        (("audit", "--size", "9"), "--size"),
        (("audit", "--size", "5001"), "--size"),
        (("audit", "--seed", "-1"), "--seed"),
        (("audit", "--top", "21"), "--top"),
        (("audit", "--format", "csv"), "--format"),
    ],
)
def test_an_option_out_of_range_is_named_and_refused(
    run: Run, arguments: tuple[str, ...], option: str
) -> None:
    assert option in turned_down(run(*arguments)).lower()


def test_several_problems_of_a_profile_are_listed(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "me.toml"
    file.write_text('colour = "blue"\ntenure = "steal"\n', encoding="utf-8")
    outcome = run("explain", "Sarrant", str(file))
    assert (outcome.code, outcome.out) == (2, "")
    head, *problems = outcome.err.splitlines()
    assert head == f"geo-matcher: The profile {file} was refused:"
    assert [line.split(":")[0].strip(" -") for line in problems] == ["tenure", "colour"]


# --- Names -------------------------------------------------------------------------------------


def test_markup_and_control_characters_in_names_are_printed_as_text(
    run: Run, tmp_path: Path
) -> None:
    files = []
    for number, name in enumerate((HOSTILE, "[red]Hugo\x1b[31m\n")):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps({"name": name}), encoding="utf-8")
        files.append(str(file))
    printed = run("duo", *files, "--top", "1")
    assert printed.code == 0
    assert f"{HOSTILE} and [red]Hugo [31m would both choose" in printed.text  # in a sentence
    assert HOSTILE in printed.text.partition("# Village")[2]  # at the head of a column
    assert "[red]Hugo" in printed.text
    assert "\x1b" not in printed.out
    for command in (("pairs", "--top", "1"), ("match", "--top", "1"), ("explain", "Auch")):
        shown = run(command[0], *command[1:2] * (command[0] == "explain"), files[1])
        assert shown.code == 0
        assert "\x1b" not in shown.out


# --- The conversation --------------------------------------------------------------------------


def test_an_interview_is_walked_through_by_its_answers(run: Run, territory: Territory) -> None:
    bare = run("interview", *FAMILY)
    assert "What counts more for you: " in bare.text
    assert bare.text.startswith("One more question would help to decide.")
    walked = run("interview", *FAMILY, "--answers", " = , skip,second")
    assert re.findall(r"^\d\. ", walked.out, re.MULTILINE) == ["1. ", "2. ", "3. "]
    signs = re.findall(r" {2}([<>=?]) {2}", walked.out)
    assert signs == ["=", "?", "<"]
    assert walked.out.endswith(f"{territory.release_id}\n")
    first = run("interview", *FAMILY, *JSON).json
    second = run("interview", *FAMILY, "--answers", "1", *JSON).json
    assert second["answers"][0]["first"] == first["question"]["first"]
    assert second["question"] != first["question"]
    last = run("interview", *FAMILY, "--answers", "same,-,2", *JSON).json
    assert all(result["name"] in walked.text for result in last["results"])


def test_an_interview_in_french_ends_with_what_it_found(run: Run) -> None:
    printed = run("interview", *FAMILY, "--answers", "-,-,-,-,-", "--lang", "fr")
    assert "Cinq questions suffisent\u00a0: le reste se voit sur place." in printed.text
    assert "Qu'est-ce qui compte" not in printed.text
    assert re.search(r"rang \d+ à \d+ sur 47", printed.text)
    assert "plutôt que" in printed.text


class Terminal:
    """A pseudo terminal: what is typed there, and what is shown."""

    def __init__(self) -> None:
        pty = pytest.importorskip("pty", reason="This system has no pseudo terminals to talk in.")
        try:
            self.ours, self.theirs = pty.openpty()
        except OSError as error:
            pytest.skip(f"No pseudo terminal can be had here ({error.strerror}).")
        self.shown = ""

    def until(self, wanted: str, *, seconds: float = 40.0) -> str:
        """Read until a text is shown after what was read before, and return what came."""
        deadline, start = time.monotonic() + seconds, len(self.shown)
        while wanted not in self.shown[start:]:
            left = deadline - time.monotonic()
            assert left > 0, f"{wanted!r} was not shown: {self.shown[-2000:]}"
            if select.select([self.ours], [], [], min(left, 0.5))[0]:
                try:
                    self.shown += os.read(self.ours, 65_536).decode(errors="replace")
                except OSError:  # nobody is left at the other end
                    raise AssertionError(f"{wanted!r} was not shown: {self.shown}") from None
        return self.shown[start:]

    def type(self, text: str) -> None:
        os.write(self.ours, f"{text}\n".encode())

    def close(self) -> None:
        os.close(self.ours)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    opened = Terminal()
    yield opened
    opened.close()


def test_an_interview_at_a_terminal_asks_words_then_questions_and_ends(
    terminal: Terminal, territory: Territory
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "geo_matcher", "interview", *FEW, "--lang", "fr"],
        stdin=terminal.theirs,
        stdout=terminal.theirs,
        stderr=terminal.theirs,
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "200", "TERM": "dumb", "PYTHONIOENCODING": "utf-8"},
    )
    os.close(terminal.theirs)
    question = "Qu'est-ce qui compte le plus pour vous"
    try:
        assert "Travailler" in terminal.until("]: ")
        terminal.type("9")
        assert "0–3" in terminal.until("]: ")  # told, and asked again
        terminal.type("3")
        for _ in range(len(FAMILIES) - 1):
            terminal.until("]: ")
            terminal.type("")
        asked = terminal.until("? [-]: ")
        assert question in asked
        for key in ("1 ", "2 ", "= ", "- "):
            assert f"\n  {key}" in asked
        terminal.type("perhaps")
        assert "1, 2, =, -" in terminal.until("? [-]: ")
        for _ in range(4):
            terminal.type("")
            assert question in terminal.until("? [-]: ")
        terminal.type("")
        last = terminal.until(territory.release_id)
        assert "Cinq questions suffisent" in last
        assert re.findall(r"^(\d)\. .* {2}\? {2}", last, re.MULTILINE) == list("12345")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(10)


def _at_a_terminal(
    terminal: Terminal, run: Run, monkeypatch: pytest.MonkeyPatch, typed: str, *arguments: str
) -> Outcome:
    """Run a command in this process with everything typed beforehand."""
    for line in typed.split("\n"):
        terminal.type(line)
    with os.fdopen(terminal.theirs, encoding="utf-8") as keyboard:
        monkeypatch.setattr(sys, "stdin", keyboard)
        return run("interview", *FEW, *arguments)


def test_to_agree_with_every_word_offered_is_an_empty_profile(
    terminal: Terminal, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    typed = "\n".join([""] * len(FAMILIES) + ["-"] * 5)
    talked = _at_a_terminal(terminal, run, monkeypatch, typed)
    assert talked.code == 0
    file = tmp_path / "empty.toml"
    file.write_text("", encoding="utf-8")
    walked = run("interview", str(file), *FEW, "--answers", "-,-,-,-,-").out
    assert talked.out.endswith(walked)
    assert "Children [0]" in talked.out


def test_a_given_profile_is_asked_no_words(
    terminal: Terminal, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    talked = _at_a_terminal(terminal, run, monkeypatch, "2\nno\n=\n-\n-\n-", *FAMILY)
    assert talked.code == 0
    assert "[2]: " not in talked.out
    assert talked.out.count("1, 2, =, -\n") == 1
    walked = run("interview", *FAMILY, *FEW, "--answers", "2,=,-,-,-").out
    assert talked.out.endswith(walked)


def test_nothing_that_matters_is_refused_at_a_terminal_too(
    terminal: Terminal, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    talked = _at_a_terminal(terminal, run, monkeypatch, "\n".join("0" * len(FAMILIES)))
    assert talked.code == 2
    assert "Raise one family to a_little" in talked.err
    assert talked.err.count("\n") == 1


@pytest.mark.parametrize("option", [("--draws", "500"), ("--seed", "1"), ("--weights", "order")])
def test_options_of_the_odds_without_odds_are_refused(run: Run, option: tuple[str, str]) -> None:
    assert "add --odds" in refused(run("match", "--profile-name", "retired-couple", *option))


def test_near_misses_widen_with_the_tolerance(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "me.toml"
    file.write_text("[limits.station_min]\nat_most = 15\n", encoding="utf-8")
    misses = [
        run("match", str(file), *JSON, "--tolerance", share).json["near_misses"]
        for share in ("0", "0.1", "0.25", "1")
    ]
    assert misses[0] == []
    assert 0 < len(misses[1]) <= len(misses[2]) <= len(misses[3])
    assert all(miss["by"] <= 0.1 * 15 for miss in misses[1])
    assert misses[2] == run("match", str(file), *JSON).json["near_misses"]
    assert "between 0 and 1" in refused(run("match", str(file), *JSON, "--tolerance", "2"))
