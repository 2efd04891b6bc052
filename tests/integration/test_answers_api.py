"""The answers behind a ranking over HTTP: the library's numbers, its models, refusals in words."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel, TypeAdapter, ValidationError

from api import answers
from api.app import create_app
from api.dependencies import StaticAnswer
from api.errors import PROBLEM_JSON
from api.models import MatchResponse, Problem
from api.routes import territory as territory_routes
from api.settings import Settings
from geo_matcher.arguments import (
    contradiction_sentences,
    interview_sentence,
    question_sentence,
    reason_sentences,
)
from geo_matcher.audit import audit
from geo_matcher.comparison import chances, compare
from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.duo import duo
from geo_matcher.explanation import reasons
from geo_matcher.interview import MAX_QUESTIONS, Answer, interview
from geo_matcher.matching import rank
from geo_matcher.numbers import LANGUAGES
from geo_matcher.pairs import pairs
from geo_matcher.presets import PRESETS
from geo_matcher.profile import parse_profile
from geo_matcher.robustness import DEFAULT_DRAWS, DEFAULT_SEED, odds, with_odds
from geo_matcher.territory import Territory
from geo_matcher.typology import typology
from geo_matcher.verdicts import ahead_sentences, comparison_sentences, duo_names, duo_sentences

ROOT = Path(__file__).parents[2]
V1 = "/api/v1"
PROFILES = {name: preset.profile.as_dict() for name, preset in PRESETS.items()}
FAMILY = PROFILES["paris-web-family"]
STATION = {"criterion": "station_min", "better": 10.0, "worse": 30.0}
COWORKING = {"criterion": "coworking_min", "better": 5.0, "worse": 20.0}
ANSWER = {"first": STATION, "second": COWORKING, "choice": "skip"}
HEALTH_ONLY = {
    "importance": dict.fromkeys(FAMILIES, "not_at_all") | {"health": "important"},
    "limits": {"auch_min": {"at_most": 40}, "house_price_eur_m2": {"at_most": 1700}},
}
"""Few criteria, so that some communes are behind on all; limits that some break or leave open."""

AGAINST_WORDS = {
    "first": {"criterion": "museum_min", "better": 2.0, "worse": 40.0},
    "second": {"criterion": "daily_services_min", "better": 2.0, "worse": 40.0},
    "choice": "first",
}
"""An answer that the words of an empty profile rule out, and other words would allow."""

FAR = {"limits": {"toulouse_min": {"at_least": 60}}}
NEAR = {"limits": {"toulouse_min": {"at_most": 30}}}
POSTS: dict[str, dict[str, Any]] = {
    "explanations": {"profile": {}, "commune": "Sarrant"},
    "interviews": {"profile": {}, "answers": []},
    "comparisons": {"profile": {}, "communes": ["Sarrant", "Mauvezin"]},
    "duos": {"first": {}, "second": {}},
    "pairs": {"profile": {}},
}
"""A small request of each route that takes a body; each is accepted as it stands."""


@pytest.fixture(scope="module")
def client(client: TestClient) -> TestClient:
    """Return one of the same service, which answers also where something fails inside."""
    return TestClient(client.app, raise_server_exceptions=False)


def post(client: TestClient, route: str, **body: Any) -> Any:
    answer = client.post(f"{V1}/{route}", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def plain(content: Any) -> Any:
    """Return what the library answers as JSON gives it back; no figure may be NaN or infinite."""
    return orjson.loads(json.dumps(content, allow_nan=False))


def fits(model: type[BaseModel], answer: Any) -> BaseModel:
    """Assert that an answer fits its model, that nothing is lost and nothing added."""
    found = model.model_validate(answer)
    dumped = found.model_dump(mode="json", exclude_unset=True)
    assert dumped == answer
    assert json.dumps(dumped, sort_keys=True) == json.dumps(answer, sort_keys=True)  # 1 is not True
    return found


def problem_of(answer: Any, status: int) -> dict[str, Any]:
    """Assert that an answer is a problem of the one shape that says what to do, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == PROBLEM_JSON
    found: dict[str, Any] = answer.json()
    Problem.model_validate(found)
    assert found["status"] == status
    assert found["problems"]
    for text in (found["detail"], *found["problems"]):
        assert "Input should" not in text
        assert "Traceback" not in text
        assert text.count("found ") >= text.count("input should")
    return found


# --- The same as the library, in the shape that is promised ------------------------------------


@pytest.mark.parametrize("f", ["json", "geojson"])
@pytest.mark.parametrize("scope", ["partners", "network"])
def test_matches_with_odds_are_those_of_the_library(
    client: TestClient, territory: Territory, scope: str, f: str
) -> None:
    profile = PRESETS["toulouse-consultant"].profile
    body = {"profile": profile.as_dict(), "scope": scope, "top": 6}
    answer = client.post(f"{V1}/matches", params={"odds": "true", "f": f}, json=body)
    ranking = rank(territory, profile, scope)
    found = odds(ranking)
    expected = with_odds(ranking.to_dict(6), found)
    told = [result["odds"] for result in expected["results"]]
    if f == "json":
        assert answer.content == orjson.dumps(expected)
        fits(MatchResponse, answer.json() | {"profile": profile.model_dump(mode="json")})
        assert answer.json()["robustness"] == found.as_dict()
        assert answer.json()["robustness"]["draws"] == DEFAULT_DRAWS
        assert answer.json()["robustness"]["seed"] == DEFAULT_SEED
        assert all(list(each) == ["p_top_1", "p_top_5", "rank_low", "rank_high"] for each in told)
    else:
        shapes = answer.json()
        assert [feature["properties"]["odds"] for feature in shapes["features"]] == told
        assert shapes["robustness"] == found.as_dict()
    for column, each in enumerate(told):
        ranks = found.ranks[:, column]
        assert each["p_top_1"] == (ranks == 1).mean()
        assert each["p_top_5"] == (ranks <= 5).mean()
        assert (ranks < each["rank_low"]).mean() <= 0.05 <= (ranks <= each["rank_low"]).mean()
        assert (ranks < each["rank_high"]).mean() <= 0.95 <= (ranks <= each["rank_high"]).mean()


def test_matches_without_odds_say_nothing_of_them(client: TestClient) -> None:
    for params in ({}, {"odds": "false"}):
        answer = client.post(f"{V1}/matches", params=params, json={"profile": {}, "top": 2}).json()
        assert "robustness" not in answer
        assert all("odds" not in result for result in answer["results"])


EXPLAINED = [
    ("paris-web-family", "partners", "Mauvezin"),  # the first: somebody dethrones it
    ("paris-web-family", "partners", "sarrant"),
    ("paris-web-family", "all", "32008"),
    ("toulouse-consultant", "partners", "Nogaro"),  # breaks a limit
    ("lyon-trainer", "network", "32013"),  # outside
    ("cultura-artist", "all", "32033"),  # beaten on everything
    ("retired-couple", "all", "32013"),
]


@pytest.mark.parametrize(("name", "scope", "commune"), EXPLAINED)
def test_explanations_are_those_of_the_library(
    client: TestClient, territory: Territory, name: str, scope: str, commune: str
) -> None:
    answer = post(client, "explanations", profile=PROFILES[name], scope=scope, commune=commune)
    ranking = rank(territory, PRESETS[name].profile, scope)
    found = reasons(ranking, commune)
    said = {language: list(reason_sentences(found, language)) for language in LANGUAGES}
    assert answer == plain(found.as_dict() | {"sentences": said})
    fits(answers.Explanation, answer)
    held = client.get(f"{V1}/communes", params={"scope": scope, "limit": 1000}).json()
    code = territory.find(commune)
    assert answer["in_scope"] is (code in {each["insee_code"] for each in held["communes"]})
    assert answer["result"]["insee_code"] == code
    score = sum(each["points"] for each in answer["result"]["contributions"])
    assert score == pytest.approx(answer["result"]["score"], abs=1e-9)
    if answer["leader"]:
        gap = answer["result"]["score"] - answer["leader"]["score"]
        assert sum(each["points"] for each in answer["gaps"]) == pytest.approx(gap, abs=1e-9)


def test_an_explanation_holds_places_to_gain(client: TestClient, territory: Territory) -> None:
    body = {"profile": FAMILY, "commune": "Sarrant"}
    one = post(client, "explanations", **body, places=1)["figures_to_gain"]
    expected = reasons(rank(territory, parse_profile(FAMILY)), "Sarrant", places=1).as_dict()
    assert one == plain(expected["figures_to_gain"])
    assert all(change["rank_before"] - change["rank_after"] >= 1 for change in one)
    assert post(client, "explanations", **body, places=1000)["figures_to_gain"] == []


@pytest.mark.parametrize(
    ("name", "communes"),
    [
        ("paris-web-family", ["Mauvezin", "auch"]),
        ("cultura-artist", ["32008", "L'Isle-Jourdain", "Saint-Clar"]),
        ("toulouse-consultant", ["Nogaro", "Mauvezin", "Lombez", "Cologne"]),
    ],
)
def test_comparisons_are_those_of_the_library(
    client: TestClient, territory: Territory, name: str, communes: list[str]
) -> None:
    answer = post(client, "comparisons", profile=PROFILES[name], communes=communes)
    ranking = rank(territory, PRESETS[name].profile)
    found = compare(ranking, communes)
    sure = chances(found, odds(ranking))
    names = [village.name for village in found.villages]
    said = {
        language: [
            *comparison_sentences(found, language),
            *ahead_sentences(names, sure["ahead"], language),
        ]
        for language in LANGUAGES
    }
    assert answer == plain(found.as_dict() | sure | {"sentences": said})
    for one, row in enumerate(sure["ahead"]):
        for other, share in enumerate(row):
            back = sure["ahead"][other][one]
            assert (share is None and back is None) or share + back == pytest.approx(1.0)
    fits(answers.ComparisonAnswer, answer)
    assert len(answer["villages"]) == len(communes)
    for place, village in enumerate(answer["villages"]):
        cells = [row["cells"][place] for group in answer["families"] for row in group["criteria"]]
        assert sum(c["points"] for c in cells) == pytest.approx(village["score"], abs=1e-9)


def test_a_comparison_without_a_known_city_has_none(client: TestClient) -> None:
    answer = post(client, "comparisons", profile={}, communes=["Mauvezin", "Auch"])
    assert answer["origin"] is None
    fits(answers.ComparisonAnswer, answer)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (FAMILY, PROFILES["cultura-artist"]),
        (PROFILES["toulouse-consultant"], PROFILES["lyon-trainer"]),
        ({"name": "Alice"} | FAR, {"name": "Hugo"} | NEAR),
        (NEAR, {"limits": {"toulouse_min": {"at_most": 1}}}),
    ],
)
def test_duos_are_those_of_the_library(
    client: TestClient, territory: Territory, first: dict[str, Any], second: dict[str, Any]
) -> None:
    answer = post(client, "duos", first=first, second=second, top=3)
    people = parse_profile(first), parse_profile(second)
    found = duo(territory, *people)
    said = {
        language: list(duo_sentences(found, duo_names(*people, language), language))
        for language in LANGUAGES
    }
    whole = plain(found.as_dict() | {"sentences": said})
    assert answer == whole | {"villages": whole["villages"][:3]}
    assert answer["counts"]["both"] == len(whole["villages"])
    fits(answers.DuoAnswer, answer)


@pytest.mark.parametrize(
    ("name", "scope", "top"),
    [("paris-web-family", "partners", 5), ("cultura-artist", "network", 500)],
)
def test_pairs_are_those_of_the_library(
    client: TestClient, territory: Territory, name: str, scope: str, top: int
) -> None:
    answer = post(client, "pairs", profile=PROFILES[name], scope=scope, top=top)
    found = pairs(rank(territory, PRESETS[name].profile, scope), top)
    assert answer["pairs"] == plain([pair.as_dict() for pair in found])
    assert (answer["release"], answer["scope"]) == (territory.release_id, scope)
    fits(answers.PairsAnswer, answer)
    assert len(answer["pairs"]) == min(top, 171)


def test_types_are_those_of_the_library(client: TestClient, territory: Territory) -> None:
    answer = client.get(f"{V1}/types")
    assert answer.json() == plain(typology(territory).as_dict())
    fits(answers.TypesAnswer, answer.json())
    members = [code for kind in answer.json()["types"] for code in kind["members"]]
    assert sorted(members) == sorted(territory.codes)


@pytest.mark.parametrize(
    ("scope", "size", "seed"), [("partners", 20, 7), ("network", 12, 2**32 - 1)]
)
def test_audits_are_those_of_the_library(
    client: TestClient, territory: Territory, scope: str, size: int, seed: int
) -> None:
    answer = client.get(f"{V1}/audit", params={"scope": scope, "size": size, "seed": seed})
    assert answer.status_code == 200
    assert answer.json() == plain(audit(territory, scope, size=size, seed=seed).as_dict())
    fits(answers.AuditAnswer, answer.json())


def test_the_whole_table_of_ranks_is_there_on_demand(
    client: TestClient, territory: Territory
) -> None:
    body = {"profile": PROFILES["cultura-artist"], "scope": "partners", "top": 3}
    answer = client.post(f"{V1}/matches?odds=true&full=true", json=body).json()
    MatchResponse.model_validate(answer)
    full = answer["robustness"]["full"]
    found = odds(rank(territory, PRESETS["cultura-artist"].profile))
    assert full == plain(found.full())
    table = np.array(full["acceptability"])
    assert table.shape == (47, 47)
    assert table.sum(axis=0) == pytest.approx(np.ones(47))
    assert table.sum(axis=1) == pytest.approx(np.ones(47))
    ahead = np.array(full["ahead"])
    assert ahead + ahead.T == pytest.approx(np.ones((47, 47)))
    firsts = table[:, 0] > 0
    assert [weights is not None for weights in full["central_weights"]] == firsts.tolist()
    for weights in full["central_weights"]:
        assert weights is None or sum(weights.values()) == pytest.approx(1.0, abs=1e-5)
    assert full["codes"][0] == answer["results"][0]["insee_code"]
    plainly = client.post(f"{V1}/matches?odds=true", json=body).json()
    assert "full" not in plainly["robustness"]


# --- Models: nothing loose, nothing unused -----------------------------------------------------


def _walk(value: Any, seen: dict[str, dict[str, list[Any]]]) -> None:
    """Collect what every field of every model and dataclass inside an answer holds."""
    if isinstance(value, list | tuple):
        for each in value:
            _walk(each, seen)
    elif isinstance(value, dict):
        _walk(list(value.values()), seen)
    elif isinstance(value, BaseModel):
        _note(value, list(type(value).model_fields), seen)
    elif is_dataclass(value):
        _note(value, [field.name for field in fields(value)], seen)


def _note(value: Any, names: list[str], seen: dict[str, dict[str, list[Any]]]) -> None:
    for name in names:
        content = getattr(value, name)
        seen[type(value).__name__][name].append(content)
        _walk(content, seen)


WIDE = "?size=40&scope=all&seed=1"
"""An audit with communes that another one beats everywhere."""


def _varied_answers(client: TestClient) -> list[tuple[type[BaseModel], Any]]:
    """Return answers that between them fill every field of every model."""
    found: list[tuple[type[BaseModel], Any]] = [
        (
            answers.Explanation,
            post(client, "explanations", profile=PROFILES[name], scope=scope, commune=commune),
        )
        for name, scope, commune in EXPLAINED
    ]
    found += [
        (
            answers.Explanation,
            post(client, "explanations", profile=HEALTH_ONLY, scope="partners", commune=commune),
        )
        for commune in ("Beaumarchés", "Sarrant")
    ]
    opposite = [ANSWER | {"choice": choice} for choice in ("first", "second", "skip")]
    talks: list[tuple[Any, list[Any]]] = [(FAMILY, []), (FAMILY, opposite), ({}, [AGAINST_WORDS])]
    found += [
        (answers.InterviewState, post(client, "interviews", profile=profile, answers=given))
        for profile, given in talks
    ]
    sides: list[tuple[Any, Any]] = [
        (FAMILY, PROFILES["cultura-artist"]),
        (FAR, NEAR),
        (PROFILES["cultura-artist"], FAMILY),
    ]
    found += [
        (answers.DuoAnswer, post(client, "duos", first=one, second=two, top=500))
        for one, two in sides
    ]
    communes = ["Mauvezin", "Armentieux", "Nogaro"]
    for name in ("toulouse-consultant", "paris-web-family"):
        told = post(client, "comparisons", profile=PROFILES[name], communes=communes)
        found.append((answers.ComparisonAnswer, told))
    found.append((answers.PairsAnswer, post(client, "pairs", profile={}, scope="all", top=300)))
    found.append((answers.TypesAnswer, client.get(f"{V1}/types").json()))
    found.append((answers.AuditAnswer, client.get(f"{V1}/audit{WIDE}").json()))
    return found


NEVER_FILLED = {
    "Robustness.full",  # with full=true only, see test_the_whole_table_of_ranks_is_there_on_demand
    "TypesAnswer.bridges",  # the Gers is in one piece
    "TypeBridge",
}
"""What the shipped release has no case of."""


def test_every_field_of_every_model_is_used(client: TestClient) -> None:
    seen: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for model, answer in _varied_answers(client):
        _walk(fits(model, answer), seen)
    asked = {name for name in answers.__all__ if name.endswith("Request")}
    unmet = set(answers.__all__) - asked - set(seen) - NEVER_FILLED
    assert not unmet
    empty = {
        f"{model}.{name}"
        for model, used in seen.items()
        for name, contents in used.items()
        if all(content is None or content in ([], {}, ()) for content in contents)
    }
    assert sorted(empty - NEVER_FILLED) == []


def test_a_bridge_fits_its_model_though_the_gers_has_none() -> None:
    from geo_matcher.typology import Bridge

    fits(answers.TypeBridge, Bridge("32001", "32002", 1.5).as_dict())


@pytest.mark.parametrize("name", [name for name in answers.__all__ if name != "AskedQuestion"])
def test_no_model_lets_an_unknown_key_pass(name: str) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        TypeAdapter(getattr(answers, name)).validate_python({"colour": "blue"})


@pytest.mark.parametrize(
    ("route", "model", "inside"),
    [
        ("comparisons", answers.ComparisonAnswer, lambda a: a["families"][0]["criteria"][0]),
        ("comparisons", answers.ComparisonAnswer, lambda a: a["villages"][0]),
        ("duos", answers.DuoAnswer, lambda a: a["villages"][0]),
        ("duos", answers.DuoAnswer, lambda a: a["best_first"]),
        ("pairs", answers.PairsAnswer, lambda a: a["pairs"][0]["services"][0]),
        ("interviews", answers.InterviewState, lambda a: a["question"]["first"]),
        ("explanations", answers.Explanation, lambda a: a["result"]["contributions"][0]),
    ],
)
def test_what_is_inside_an_answer_is_held_as_strictly(
    client: TestClient, route: str, model: type[BaseModel], inside: Any
) -> None:
    answer = post(client, route, **POSTS[route])
    fits(model, answer)
    inside(answer)["colour"] = "blue"
    with pytest.raises(ValidationError, match="colour"):
        model.model_validate(answer)


# --- The conversation --------------------------------------------------------------------------

POLICIES = (
    ("cultura-artist", ("second",)),
    ("toulouse-consultant", ("second",)),
    ("bordeaux-shop-online", ("same",)),
    ("paris-web-family", ("second",)),
    ("retired-couple", ("skip",)),
    ("lyon-trainer", ("first", "second")),
)
"""Presets and the choices made in turn, until every end of an interview is met."""


def _answer_to(state: dict[str, Any], choice: str) -> dict[str, Any]:
    """Return the answer to the question asked, as a client makes it from the state."""
    question = state["question"]
    return {"first": question["first"], "second": question["second"], "choice": choice}


def _conversation(
    client: TestClient, profile: dict[str, Any], choices: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Answer every question and return the states."""
    states = [post(client, "interviews", profile=profile, answers=[])]
    given: list[dict[str, Any]] = []
    while states[-1]["question"] is not None:
        assert len(given) < MAX_QUESTIONS
        given.append(_answer_to(states[-1], choices[len(given) % len(choices)]))
        states.append(post(client, "interviews", profile=profile, answers=given))
    return states


def test_an_interview_comes_to_each_of_its_ends_and_says_so(
    client: TestClient, territory: Territory
) -> None:
    ends: dict[str, tuple[str, dict[str, Any]]] = {}
    for name, choices in POLICIES:
        if {"settled", "little_to_gain", "enough"} <= set(ends):
            break
        states = _conversation(client, PROFILES[name], choices)
        for asked, state in enumerate(states):
            fits(answers.InterviewState, state)
            assert state["asked"] == asked
            assert (state["state"] == "ask") is (state["question"] is not None)
        pairs_asked = [
            frozenset((s["question"]["first"]["criterion"], s["question"]["second"]["criterion"]))
            for s in states[:-1]
        ]
        assert len(set(pairs_asked)) == len(pairs_asked)
        ends[states[-1]["state"]] = (name, states[-1])
    assert {"settled", "little_to_gain", "enough"} <= set(ends)
    for end, (name, state) in ends.items():
        given = [Answer.model_validate(answer) for answer in state["answers"]]
        found = interview(territory, PRESETS[name].profile, answers=given)
        said = {language: [interview_sentence(found, language)] for language in LANGUAGES}
        assert state == plain(found.as_dict() | {"sentences": said})
        assert state["state"] == end
    assert ends["enough"][1]["asked"] == MAX_QUESTIONS
    first_five = sorted(r["odds"]["p_top_5"] for r in ends["settled"][1]["results"])
    assert len(first_five) == 5


def test_a_question_is_worded_and_is_the_one_of_the_library(
    client: TestClient, territory: Territory
) -> None:
    state = post(client, "interviews", profile=FAMILY)
    found = interview(territory, parse_profile(FAMILY))
    assert found.question is not None
    question = found.question.question
    assert state["question"] == plain(
        question.model_dump()
        | {"p_first": found.question.p_first, "expected_bits": found.question.expected_bits}
        | {f"text_{language}": question_sentence(question, language) for language in LANGUAGES}
    )
    assert state["question"]["expected_bits"] < state["bits"] == state["bits_before"]


def test_nothing_is_kept_between_the_requests_of_an_interview(
    client: TestClient, territory: Territory
) -> None:
    states = _conversation(client, FAMILY, ("second",))
    assert len(states) > 2
    bodies = [{"profile": FAMILY, "answers": state["answers"]} for state in states]
    # Backwards, and in a service that has never heard of it.
    again = [post(client, "interviews", **body) for body in reversed(bodies)]
    assert again[::-1] == states
    other = create_app(Settings(release=territory.folder), territory)
    with TestClient(other) as stranger:
        assert post(stranger, "interviews", **bodies[-1]) == states[-1]


def test_answers_that_contradict_each_other_are_told_with_what_would_do(
    client: TestClient, territory: Territory
) -> None:
    given = [ANSWER | {"choice": choice} for choice in ("first", "skip", "second")]
    state = post(client, "interviews", profile=FAMILY, answers=given)
    fits(answers.InterviewState, state)
    found = interview(
        territory, parse_profile(FAMILY), answers=[Answer.model_validate(each) for each in given]
    )
    assert state["state"] == "contradiction"
    assert state["question"] is None
    assert state["ignored"] == [1]
    (left_out,) = state["contradiction"]["leave_out"]
    said = (interview_sentence(found, "en"), *contradiction_sentences(found, "en"))
    assert state["sentences"]["en"] == list(said)
    kept = [answer for place, answer in enumerate(given) if place != left_out]
    assert post(client, "interviews", profile=FAMILY, answers=kept)["state"] != "contradiction"


def test_a_word_that_would_reconcile_an_answer_does(client: TestClient) -> None:
    state = post(client, "interviews", profile={}, answers=[AGAINST_WORDS])
    assert state["state"] == "contradiction"
    assert state["contradiction"]["leave_out"] == [0]
    changes = state["contradiction"]["words"]
    assert {change["family"] for change in changes} == {"daily_life", "setting"}
    change = changes[0]
    profile = {"importance": {change["family"]: change["would_do"]}}
    again = post(client, "interviews", profile=profile, answers=[AGAINST_WORDS])
    assert again["state"] != "contradiction"
    assert again["ignored"] == []


def test_as_many_answers_as_are_accepted_are_read_and_one_more_is_refused(
    client: TestClient,
) -> None:
    assert post(client, "interviews", profile={}, answers=[ANSWER] * 6)["state"] == "enough"
    refusal = client.post(f"{V1}/interviews", json={"profile": {}, "answers": [ANSWER] * 7})
    said = problem_of(refusal, 422)["detail"]
    assert "answers: found " in said
    assert "at most 6 items, not 7" in said


# --- Refusals ----------------------------------------------------------------------------------

REFUSED: list[tuple[str, Any, str]] = [
    ("explanations", {"profile": {}}, "commune: it is missing; see /docs"),
    ("explanations", {"profile": {}, "commune": 32416}, "commune: found '32416'"),
    ("explanations", {"profile": {}, "commune": "x" * 81}, "at most 80 characters"),
    ("explanations", {"profile": {}, "commune": "Sarrant", "places": 0}, "places: found '0'"),
    ("explanations", {"profile": {}, "commune": "Sarrant", "places": 1001}, "found '1001'"),
    ("explanations", {"profile": {}, "commune": "Sarrant", "places": 1.5}, "found '1.5'"),
    ("explanations", {"profile": {}, "commune": "Sarrant", "draws": 99}, "draws: unknown key"),
    ("explanations", {"profile": {}, "commune": "Sarrant", "scope": "mars"}, "found 'mars'"),
    ("explanations", {"profile": None, "commune": "Sarrant"}, "found 'None'; expected an object"),
    ("explanations", {"profile": {"limits": []}, "commune": "Sarrant"}, "found '[]'; expected an"),
    (
        "explanations",
        {"profile": {"limits": {"beach_min": {"at_most": 5}}}, "commune": "Sarrant"},
        "No criterion is called 'beach_min'",
    ),
    (
        "explanations",
        {"profile": {"importance": {"work": "very"}, "colour": 1}, "commune": "Sarrant"},
        "profile.colour: unknown key",
    ),
    (
        "explanations",
        {"profile": {"importance": dict.fromkeys(FAMILIES, "not_at_all")}, "commune": "Sarrant"},
        "Raise one family to a_little",
    ),
    ("interviews", {"profile": {}, "answers": {}}, "answers: found '{}'"),
    ("interviews", {"profile": {}, "answers": None}, "answers: found 'None'"),
    ("interviews", {"profile": {}, "answers": [3]}, "answers.0: found '3'; expected an object"),
    (
        "interviews",
        {"profile": {}, "answers": [ANSWER | {"choice": "maybe"}]},
        "answers.0.choice: found 'maybe'",
    ),
    (
        "interviews",
        {"profile": {}, "answers": [ANSWER | {"first": COWORKING}]},
        "a question needs two criteria, found coworking_min twice",
    ),
    (
        "interviews",
        {"profile": {}, "answers": [ANSWER | {"first": STATION | {"criterion": "beach_min"}}]},
        "answers.0.first: no criterion is called 'beach_min'",
    ),
    (
        "interviews",
        {"profile": {}, "answers": [ANSWER | {"first": STATION | {"better": -1}}]},
        "station_min -1: expected a figure between 0 and",
    ),
    (
        "interviews",
        {"profile": {}, "answers": [ANSWER | {"first": STATION | {"better": 40}}]},
        "answer 1: station_min from 30 to 40 is no improvement for this profile. Ask again",
    ),
    (
        "interviews",
        {"profile": {}, "answers": [ANSWER | {"text_fr": "?"}]},
        "answers.0.text_fr: unknown key",
    ),
    ("interviews", {"profile": {}, "answers": [{}]}, "answers.0.choice: it is missing; see /docs"),
    ("comparisons", {"profile": {}, "communes": []}, "at least 2 items, not 0"),
    ("comparisons", {"profile": {}, "communes": ["Sarrant"]}, "at least 2 items, not 1"),
    (
        "comparisons",
        {"profile": {}, "communes": ["Sarrant", "Auch", "Mauvezin", "Lombez", "Condom"]},
        "at most 4 items, not 5",
    ),
    (
        "comparisons",
        {"profile": {}, "communes": ["Sarrant", "32416"]},
        "Sarrant (32416) is given twice: a comparison takes different communes. Leave one out",
    ),
    ("comparisons", {"profile": {}, "communes": "Sarrant"}, "communes: found 'Sarrant'"),
    ("comparisons", {"profile": {}, "communes": ["Sarrant", 3]}, "communes.1: found '3'"),
    ("comparisons", {"profile": {}, "communes": ["Sarrant", "y" * 99]}, "communes.1: found 'yyy"),
    ("duos", {"first": {}}, "second: it is missing; see /docs"),
    ("duos", {"first": {}, "second": {}, "top": 0}, "top: found '0'"),
    ("duos", {"first": {}, "second": {}, "top": 501}, "top: found '501'"),
    ("duos", {"first": {}, "second": {}, "scope": 1}, "scope: found '1'"),
    ("duos", {"first": {"a": 1}, "second": {"b": 2}}, "second.b: unknown key"),
    (
        "duos",
        {"first": {"limits": {"station_min": {"at_most": 5, "at_least": 9}}}, "second": {}},
        "impossible limit: at_least 9 is above at_most 5",
    ),
    ("pairs", {"profile": {}, "top": 0}, "top: found '0'"),
    ("pairs", {"profile": {}, "top": 10**30}, "top: found '1000"),
    ("pairs", {"profile": {}, "top": "many"}, "top: found 'many'"),
    ("pairs", [1, 2], "body: found '[1, 2]'; expected an object with keys"),
    ("pairs", "x", "body: found 'x'; expected an object with keys"),
    ("matches", {"profile": {}, "odds": True}, "odds: unknown key"),
]


@pytest.mark.parametrize(("route", "body", "said"), REFUSED)
def test_a_bad_request_is_refused_in_words(
    client: TestClient, route: str, body: Any, said: str
) -> None:
    found = problem_of(client.post(f"{V1}/{route}", json=body), 422)
    assert said in found["detail"]
    assert found["instance"] == f"{V1}/{route}"
    assert all(problem in found["detail"] for problem in found["problems"])


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("explanations", {"profile": {}, "commune": "sarant"}),
        ("comparisons", {"profile": {}, "communes": ["Mauvezin", "sarant"]}),
    ],
)
def test_an_unknown_commune_is_404_with_what_looks_alike(
    client: TestClient, route: str, body: Any
) -> None:
    found = problem_of(client.post(f"{V1}/{route}", json=body), 404)
    assert found["type"] == "urn:geo-matcher:unknown-commune"
    assert "'sarant'" in found["detail"]
    assert "Sarrant" in found["detail"]


@pytest.mark.parametrize("commune", ["", " ", "nowhere", "99999", "<script>", "\x00", "é" * 80])
def test_a_name_that_is_like_no_other_is_404_too(client: TestClient, commune: str) -> None:
    body = {"profile": {}, "commune": commune}
    found = problem_of(client.post(f"{V1}/explanations", json=body), 404)
    assert repr(commune[:40]).strip("'")[:20] in found["detail"]


NO_NUMBERS = {
    "explanations": b'{"profile": {"budget_eur": %s}, "commune": "Sarrant"}',
    "interviews": b'{"profile": {}, "answers": [{"first": {"criterion": "station_min", "better":'
    b' %s, "worse": 30}, "second": {"criterion": "auch_min", "better": 1, "worse": 30},'
    b' "choice": "skip"}]}',
    "comparisons": b'{"profile": {"limits": {"station_min": {"at_most": %s}}},'
    b' "communes": ["Sarrant", "Auch"]}',
    "duos": b'{"first": {"surface_m2": %s}, "second": {}}',
    "pairs": b'{"profile": {}, "top": %s}',
}


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
@pytest.mark.parametrize("route", NO_NUMBERS)
def test_what_is_no_finite_number_is_refused_as_such(
    client: TestClient, route: str, number: bytes
) -> None:
    found = problem_of(_raw(client, route, NO_NUMBERS[route] % number), 422)
    shown = {b"NaN": "nan", b"-Infinity": "-inf"}.get(number, "inf")
    assert f"found '{shown}'; expected a finite number" in found["detail"]


def test_breakpoints_must_be_finite_too(client: TestClient) -> None:
    body = b'{"profile": {"criteria": {"auch_min": {"breakpoints": [[1, NaN], [2, 0]]}}}}'
    assert "must be finite" in problem_of(_raw(client, "pairs", body), 422)["detail"]


def _raw(client: TestClient, route: str, body: bytes) -> Any:
    headers = {"Content-Type": "application/json"}
    return client.post(f"{V1}/{route}", content=body, headers=headers)


@pytest.mark.parametrize("route", POSTS)
def test_a_body_that_cannot_be_read_is_a_problem_on_every_route(
    client: TestClient, route: str
) -> None:
    assert "it is missing; see /docs" in problem_of(_raw(client, route, b""), 422)["detail"]
    assert "not valid JSON" in problem_of(_raw(client, route, b'{"profile"'), 422)["detail"]
    assert "not valid JSON" in problem_of(_raw(client, route, b"\xff\xfe"), 422)["detail"]
    for body in (b"[" * 40_000, b'{"top": ' + b"9" * 5_000 + b"}"):
        said = problem_of(_raw(client, route, body), 400)["detail"]
        assert "cannot be read" in said
        assert "Send JSON" in said
    large = problem_of(_raw(client, route, b" " * 100_001), 413)
    assert "100,000 bytes" in large["detail"]
    assert "Send a smaller one" in large["detail"]
    wrong = problem_of(client.get(f"{V1}/{route}"), 405)
    assert "GET cannot be used here" in wrong["detail"]
    surrogate = orjson.dumps(POSTS[route]).replace(b"{", b'{"name": "\\ud800", ', 1)
    problem_of(_raw(client, route, surrogate), 422)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("size=2001", "size: found '2001'; expected at most 2000"),
        ("size=9", "size: found '9'"),
        ("size=many", "size: found 'many'"),
        ("size=", "size: found ''"),
        ("seed=-1", "seed: found '-1'"),
        ("seed=4294967296", "seed: found '4294967296'"),
        ("scope=mars", "scope: found 'mars'; expected 'partners', 'network' or 'all'"),
        ("f=pdf", "f: found 'pdf'; expected 'json' or 'html'"),
    ],
)
def test_a_bad_audit_is_refused_before_any_work(
    client: TestClient, query: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(territory_routes, "_audit", None)
    found = problem_of(client.get(f"{V1}/audit?{query}"), 422)
    assert said in found["detail"]
    assert found["instance"] == f"{V1}/audit"


@pytest.mark.parametrize("odds_asked", ["maybe", "", "2"])
def test_odds_are_asked_for_with_yes_or_no(client: TestClient, odds_asked: str) -> None:
    answer = client.post(f"{V1}/matches", params={"odds": odds_asked}, json={"profile": {}})
    assert f"odds: found '{odds_asked}'" in problem_of(answer, 422)["detail"]


def test_a_profile_that_leaves_nothing_is_answered_all_the_same(client: TestClient) -> None:
    nowhere = {"limits": {"toulouse_min": {"at_most": 1}}}
    told = post(client, "explanations", profile=nowhere, commune="Sarrant")
    fits(answers.Explanation, told)
    assert (told["listed"], told["leader"], told["gaps"]) == (False, None, [])
    assert post(client, "pairs", profile=nowhere)["pairs"] == []
    state = post(client, "interviews", profile=nowhere)
    fits(answers.InterviewState, state)
    assert (state["question"], state["results"]) == (None, [])
    both = post(client, "duos", first=nowhere, second=nowhere)
    fits(answers.DuoAnswer, both)
    assert (both["villages"], both["compromise"], both["best_first"]) == ([], None, None)
    answer = client.post(f"{V1}/matches", params={"odds": True}, json={"profile": nowhere}).json()
    assert answer["results"] == answer["robustness"]["ties"] == []


def test_names_are_given_back_as_they_came_and_never_as_markup(client: TestClient) -> None:
    names = "<script>alert(1)</script>", "[bold]B"
    told = post(client, "duos", first={"name": names[0]}, second={"name": names[1]})
    for language in LANGUAGES:
        assert all(name in told["sentences"][language][0] for name in names)
    body = {"first": {"name": names[0]}, "second": {"name": names[1]}}
    headers = client.post(f"{V1}/duos", json=body).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]


# --- What is made once -------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["types", "audit?size=10&seed=3"])
def test_what_is_the_same_for_everybody_has_an_etag(client: TestClient, path: str) -> None:
    first = client.get(f"{V1}/{path}", headers={"Accept-Encoding": "gzip"})
    assert first.headers["Content-Encoding"] == "gzip"
    plain_one = client.get(f"{V1}/{path}", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain_one.headers
    assert plain_one.content == first.content
    tag = first.headers["ETag"]
    for asked in (tag, f'W/"other", {tag}'):
        again = client.get(f"{V1}/{path}", headers={"If-None-Match": asked})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == tag
    assert client.get(f"{V1}/{path}", headers={"If-None-Match": '"other"'}).status_code == 200


def test_another_audit_has_another_etag(client: TestClient) -> None:
    queries = ("size=10&seed=3", "size=10&seed=4", "size=11&seed=3", "size=10&seed=3&scope=all")
    tags = {client.get(f"{V1}/audit?{query}").headers["ETag"] for query in queries}
    assert len(tags) == len(queries)


def test_the_report_is_a_page_that_runs_no_script(client: TestClient) -> None:
    answer = client.get(f"{V1}/audit", params={"size": 10, "seed": 3, "f": "html"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert policy == territory_routes.REPORT_POLICY
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    html = answer.text
    assert not re.search(r"<script|javascript:|\son\w+\s*=", html, re.IGNORECASE)
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", html.split("</head>")[0])
    assert '<html lang="fr"' in html
    figures = client.get(f"{V1}/audit", params={"size": 10, "seed": 3}).json()
    assert str(figures["never"]) in html
    assert figures["release"] in html


def test_two_audits_at_once_both_answer(client: TestClient, territory: Territory) -> None:
    def ask(seed: int) -> Any:
        return client.get(f"{V1}/audit", params={"size": 15, "seed": seed})

    with ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(ask, seed) for seed in (101, 102, 101)]
        types = client.get(f"{V1}/types")
        found = [job.result(timeout=60) for job in jobs]
    assert types.status_code == 200
    assert [answer.status_code for answer in found] == [200, 200, 200]
    assert found[0].content == found[2].content
    for answer, seed in zip(found, (101, 102, 101), strict=True):
        assert answer.json() == plain(audit(territory, size=15, seed=seed).as_dict())


class _Places(threading.BoundedSemaphore):
    """Places for audits that count how many are taken."""

    taken = 0

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        got = super().acquire(blocking, timeout)
        self.taken += got
        return got


def test_audits_run_one_by_one_and_beyond_a_few_are_told_to_come_back(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, under_way, most = threading.Event(), 0, 0

    def slow(*_: Any) -> StaticAnswer:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        assert release.wait(30)
        under_way -= 1
        return StaticAnswer.of({})

    limit = territory_routes.MAX_AT_ONCE
    places = _Places(limit)
    monkeypatch.setattr(territory_routes, "_figures", slow)
    monkeypatch.setattr(territory_routes, "_places", places)
    with ThreadPoolExecutor(limit) as pool:
        waiting = [pool.submit(client.get, f"{V1}/audit?size={10 + n}") for n in range(limit)]
        try:
            deadline = time.monotonic() + 20
            while places.taken < limit and time.monotonic() < deadline:
                time.sleep(0.005)
            refusal = client.get(f"{V1}/audit?size=30")
            types = client.get(f"{V1}/types")
            others = client.post(f"{V1}/pairs", json={"profile": {}, "top": 1})
        finally:
            release.set()
        assert [job.result(timeout=60).status_code for job in waiting] == [200] * limit
    assert "Try again" in problem_of(refusal, 503)["detail"]
    assert int(refusal.headers["Retry-After"]) > 0
    assert (types.status_code, others.status_code) == (200, 200)
    assert most == 1
    assert client.get(f"{V1}/audit?size=30").status_code == 200


# --- What is written of it ---------------------------------------------------------------------


def test_every_example_of_the_documentation_is_answered(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    requests = [name for name in answers.__all__ if name.endswith("Request")]
    assert len(requests) == len(POSTS)
    routes = {
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]: (
            path
        )
        for path, methods in described["paths"].items()
        for operation in methods.values()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    for name in requests:
        examples = described["components"]["schemas"][name].get("examples", [])
        assert examples or name == "ComparisonRequest"
        for example in examples:
            assert client.post(routes[name], json=example).status_code == 200
    for route in POSTS:
        responses = described["paths"][f"{V1}/{route}"]["post"]["responses"]
        assert PROBLEM_JSON in responses["422"]["content"]


def _documented() -> dict[tuple[str, str], set[str]]:
    """Return the requests of the table of ``docs/api.md`` with the parameters they name."""
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in re.findall(r"^\| (`(?:GET|POST|PATCH|DELETE) .*?) \| ", text, re.MULTILINE):
        method = row[1:].split(" ")[0]
        for target in re.findall(r"`(?:[A-Z]+ )?(/[^`]*)`", row):
            path, _, query = target.partition("?")
            found[method, path] |= set(re.findall(r"(\w+)=", query))
    return found


def test_every_route_and_parameter_is_in_the_table_of_the_docs(client: TestClient) -> None:
    documented = _documented()
    described = client.get("/openapi.json").json()["paths"]
    routes = {
        (method.upper(), path): {
            parameter["name"]
            for parameter in operation.get("parameters", [])
            if parameter["in"] == "query"
        }
        for path, methods in described.items()
        for method, operation in methods.items()
    }
    assert set(routes) <= set(documented), set(routes) - set(documented)
    for route, parameters in routes.items():
        assert documented[route] == parameters, route
    for method, path in documented.keys() - routes.keys():  # pages
        assert method == "GET"
        assert client.get(path).status_code in {200, 404, 422}
        assert client.post(path).status_code == 405


def test_the_criteria_that_answers_name_are_those_of_the_catalogue(client: TestClient) -> None:
    kinds = client.get(f"{V1}/types").json()
    assert set(kinds["left_out"]) <= set(CRITERIA)
    assert {t["criterion"] for kind in kinds["types"] for t in kind["traits"]} <= set(CRITERIA)
