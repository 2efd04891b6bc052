"""The work on files over HTTP, from the enquiry to the year's figures."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import openpyxl
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.desk_models import Fields, File, StaleProblem
from api.private import API
from api.report_models import Report
from api.security import MAX_UPLOAD_BYTES
from geo_matcher.dossiers.accounts import SYSTEM, Role, add_user
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.fields import Draft
from geo_matcher.presets import PRESETS
from tests.integration.dossiers.people import PROFILE, SECRETS, StillClock
from tests.integration.dossiers.service.asking import ENQUIRY, made, problem_of
from tests.integration.dossiers.service.conftest import Ask

CONSENT = {"what": "news", "given_on": "2026-03-01", "until": "2026-09-01", "wording": "Oui."}
BACK_ENDS = pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)


def ok(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


# --- One file ------------------------------------------------------------------------------------


def test_the_fields_of_an_answer_are_those_of_the_library() -> None:
    assert list(Fields.model_fields) == list(Draft.model_fields)


@BACK_ENDS
def test_a_family_from_its_enquiry_to_its_follow_up(ask: Ask, clock: StillClock) -> None:
    client = ask()
    opened = client.post(API, json=ENQUIRY)
    file = ok(opened, 201)
    address = opened.headers["Location"]
    assert (address, opened.headers["ETag"]) == (f"{API}/{file['key']}", '"1"')
    assert file["fields"]["members"] == [{"label": "Zéphyrine", "profile": PROFILE}]

    edited = client.patch(
        address, json={"changes": {"town": "Auch", "adviser": "adviser.test"}},
        headers={"If-Match": opened.headers["ETag"]},
    )  # fmt: skip
    assert edited.headers["ETag"] == '"2"'
    step = {"version": 2, "to": "qualified"}
    assert ok(client.post(f"{address}/steps", json=step))["stage"] == "qualified"
    refused = problem_of(client.post(f"{address}/steps", json={"version": 3, "to": "settled"}), 422)
    assert "from qualified" in refused["detail"]

    frozen = ok(client.post(f"{address}/shortlists", json={"top": 5, "remark": "Avril"}), 201)
    number = frozen["head"]["id"]
    assert len(frozen["villages"]) >= 5
    assert ok(client.get(f"{address}/shortlists/{number}")) == frozen
    same = ok(client.post(f"{address}/shortlists/{number}/reruns", json={}))
    assert same["is_same_data"]
    assert same["is_same_wishes"]
    assert not any(village["causes"] for village in same["villages"])
    other = PRESETS["toulouse-consultant"].profile.as_dict()
    moved = ok(client.post(f"{address}/shortlists/{number}/reruns", json={"profile": other}))
    assert {"weights"} == {c for village in moved["villages"] for c in village["causes"]}

    for to in ("matched", "visit", "decision"):
        version = ok(client.get(address))["version"]
        ok(client.post(f"{address}/steps", json={"version": version, "to": to}))
    settled = {"to": "settled", "commune": "32249", "on": "2026-03-02", "persons": 4}
    file = ok(client.post(f"{address}/steps", json=settled | {"version": version + 1}))
    assert [one["months"] for one in file["follow_ups"]] == [6, 12, 24]
    clock.pass_days(190)
    answer = {"is_still_there": True, "hard": "L’hiver."}
    file = ok(client.post(f"{address}/follow-ups/6", json=answer))
    assert file["follow_ups"][0]["hard"] == "L’hiver."
    assert [event["field"] for event in file["events"]].count("stage") == 6
    File.model_validate(file)

    report = ok(client.get(f"{API}/report"))
    Report.model_validate(report)
    assert (report["settled"], report["persons"], report["shared_since"]) == (1, 4, [])


def test_notes_tasks_visits_and_consents(ask: Ask) -> None:
    client = ask()
    address = f"{API}/{made(client)['key']}"
    ok(client.post(f"{address}/notes", json={"text": "Elle a rappelé.\nMardi."}), 201)
    ok(client.post(f"{address}/tasks", json={"text": "Écrire", "due_on": "2026-03-01"}), 201)
    visit = {"on": "2026-03-09", "communes": ["32249", "32013"]}
    file = ok(client.post(f"{address}/visits", json=visit), 201)
    task, seen = file["tasks"][0]["id"], file["visits"][0]["id"]
    day = ok(client.get(f"{API}/day"))
    assert [len(day[name]) for name in ("enquiries", "tasks", "visits")] == [1, 1, 1]
    assert list(day["names"].values()) == [SECRETS["name"]]
    ok(client.post(f"{address}/tasks/{task}/done"))
    change = {"impression": "Très bien", "is_cancelled": False}
    file = ok(client.patch(f"{address}/visits/{seen}", json=change))
    assert file["tasks"][0]["done_at"]
    assert file["visits"][0]["impression"] == "Très bien"
    file = ok(client.patch(f"{address}/visits/{seen}", json={"is_cancelled": True}))
    assert file["visits"][0]["impression"] == "Très bien"
    file = ok(client.patch(f"{address}/visits/{seen}", json={"impression": "Bien"}))
    assert file["visits"][0]["is_cancelled"]
    assert file["notes"][-1]["text"] == "2026-03-09 – Très bien"
    ok(client.post(f"{address}/consents", json=CONSENT), 201)
    file = ok(client.delete(f"{address}/consents/news"))
    assert [one["withdrawn_on"] for one in file["consents"]] == [None, "2026-03-02"]
    for method, path, body in (
        ("POST", "notes", {"text": ""}), ("POST", "notes", {"text": "x" * 10_001}),
        ("POST", "tasks", {"text": "x", "due_on": "2026-03-01", "assignee": "nobody"}),
        ("POST", "visits", {"on": "2026-03-09", "communes": ["32249", "32249"]}),
        ("POST", "consents", CONSENT | {"until": "2020-01-01"}),
        ("DELETE", "consents/news", None), ("DELETE", "consents/other", None),
        ("POST", "follow-ups/6", {"is_still_there": True}),
        ("POST", "shortlists", {"member": 3}),
    ):  # fmt: skip
        problem_of(client.request(method, f"{address}/{path}", json=body), 422)
    for path in ("tasks/999/done", "shortlists/999/reruns"):
        problem_of(client.post(f"{address}/{path}", json={}), 404)
    problem_of(client.get(f"{address}/shortlists/999"), 404)


def test_a_household_without_a_profile_has_nothing_to_rank(ask: Ask) -> None:
    client = ask()
    address = f"{API}/{made(client, members=[])['key']}/shortlists"
    assert "has 0 profiles" in problem_of(client.post(address, json={}), 422)["detail"]
    ok(client.post(address, json={"profile": PROFILE, "scope": "all"}), 201)


# --- Two at once ---------------------------------------------------------------------------------


@BACK_ENDS
def test_the_second_of_two_editors_is_shown_the_difference(ask: Ask) -> None:
    one, other = ask(), ask(Role.ADMIN)
    address = f"{API}/{made(one)['key']}"
    ok(one.patch(address, json={"changes": {"town": "Pau", "sector": "it"}, "version": 1}))
    late = other.patch(
        address, json={"changes": {"town": "Lille", "phone": ""}}, headers={"If-Match": 'W/"1"'}
    )
    found = problem_of(late, 409)
    StaleProblem.model_validate(found)
    assert (found["type"], found["version"]) == ("urn:geo-matcher:stale-edit", 2)
    differences = {d["field"]: (d["read"], d["wanted"], d["now"]) for d in found["differences"]}
    assert differences == {
        "town": (SECRETS["town"], "Lille", "Pau"),
        "sector": ("other", "other", "it"),
        "phone": (SECRETS["phone"], "", SECRETS["phone"]),
    }
    for value in ("Lille", "Pau", *SECRETS.values()):
        assert value not in found["detail"]
    file = ok(one.get(address))
    assert (file["fields"]["town"], file["fields"]["phone"]) == ("Pau", SECRETS["phone"])
    step = {"version": 1, "to": "qualified"}
    assert problem_of(other.post(f"{address}/steps", json=step), 409)["version"] == 2


def test_a_change_says_which_version_it_saw(ask: Ask) -> None:
    client = ask()
    address = f"{API}/{made(client)['key']}"
    change = {"changes": {"town": "Pau"}}
    assert "If-Match" in problem_of(client.patch(address, json=change), 428)["detail"]
    problem_of(client.post(f"{address}/steps", json={"to": "qualified"}), 428)
    for header in ("*", '"x"', '"1", "2"', "²", '"99999999999"'):
        answer = client.patch(address, json=change, headers={b"If-Match": header.encode()})
        problem_of(answer, 422)
    both = client.patch(address, json=change | {"version": 2}, headers={"If-Match": '"1"'})
    problem_of(both, 422)
    problem_of(client.patch(address, json={"changes": {}, "version": 1}), 422)
    found = problem_of(
        client.patch(address, json={"changes": {"x": 1, "email": "no"}, "version": 1}), 422
    )
    assert len(found["problems"]) == 2


# --- Lists ---------------------------------------------------------------------------------------


def test_files_are_found_by_stage_adviser_and_name(ask: Ask) -> None:
    client = ask()
    first = made(client, name="Ada Premier", email="")["key"]
    second = made(client, name="Berthe Seconde", adviser="adviser.test", email="")["key"]
    ok(client.post(f"{API}/{second}/steps", json={"version": 1, "to": "qualified"}))

    def keys(answer: Any) -> list[str]:
        return [card["key"] for card in ok(answer)["cards"]]

    assert set(keys(client.get(API))) == {first, second}
    assert keys(client.get(API, params={"stage": "qualified"})) == [second]
    assert keys(client.get(API, params={"adviser": "adviser.test"})) == [second]
    assert keys(client.get(API, params={"adviser": ""})) == [first]
    assert len(keys(client.get(API, params={"top": 1, "skip": 1}))) == 1
    assert ok(client.get(API))["by_stage"]["qualified"] == 1
    assert keys(client.post(f"{API}/search", json={"text": "berthe"})) == [second]
    assert keys(client.post(f"{API}/search", json={"text": "b%x"})) == []
    assert keys(client.post(f"{API}/search", json={"text": "ada", "stages": ["settled"]})) == []
    for query in ({"top": 0}, {"top": 501}, {"skip": -1}, {"stage": "x"}, {"adviser": "x" * 61}):
        problem_of(client.get(API, params=query), 422)
    assert {one["login"] for one in ok(client.get(f"{API}/accounts"))} == {"adviser.test"}


def test_two_files_of_one_household_become_one(ask: Ask) -> None:
    client = ask()
    first, second = made(client)["key"], made(client, message="Encore nous.")["key"]
    (pair,) = ok(client.get(f"{API}/duplicates"))
    assert {pair["key"], pair["other"]} == {first, second}
    assert "email" in pair["reasons"]
    assert len(ok(client.post(f"{API}/duplicates", json=dict(SECRETS)))) == 2
    wanted = {"key": first, "version": 1, "other": second, "other_version": 1}
    problem_of(client.post(f"{API}/merges", json=wanted | {"version": 7}), 409)
    problem_of(client.post(f"{API}/merges", json=wanted | {"take": ["x"]}), 422)
    file = ok(client.post(f"{API}/merges", json=wanted | {"take": ["message"]}))
    assert (file["merged_keys"], file["fields"]["message"]) == ([second], "Encore nous.")
    assert ok(client.get(f"{API}/{second}"))["key"] == first


# --- A person's data -----------------------------------------------------------------------------


def test_a_person_can_take_their_data_and_be_erased(ask: Ask) -> None:
    client = ask()
    address = f"{API}/{made(client)['key']}"
    ok(client.post(f"{address}/notes", json={"text": SECRETS["message"]}), 201)
    taken = client.get(f"{address}/person")
    assert taken.headers["Content-Disposition"].startswith("attachment")
    assert taken.json()["fields"]["name"] == SECRETS["name"]
    reads = ok(client.get(f"{address}/reads"))
    assert [(line["who"], line["what"]) for line in reads] == [("adviser.test", "person export")]
    ends = {end["field"]: end["ends_on"] for end in ok(client.get(f"{address}/ends"))}
    assert (ends["name"], ends["sector"]) == ("2027-03-01", None)
    assert client.delete(f"{address}/person").status_code == 204
    file = ok(client.get(address))
    assert (file["is_anonymous"], file["fields"], file["notes"]) == (True, None, [])
    problem_of(client.delete(f"{address}/person"), 422)
    problem_of(client.post(f"{address}/notes", json={"text": "x"}), 422)


# --- Everything at once --------------------------------------------------------------------------

SHEET = "Nom;Prénom;Courriel;Étape;Date\nMartin;Zoé;zoe@exemple.test;Demande;03/02/2026\n"


def workbook(rows: list[list[str]]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@BACK_ENDS
def test_a_spreadsheet_is_previewed_then_imported_whole(ask: Ask) -> None:
    client = ask()
    imports = f"{API}/imports"
    bad = SHEET + "Nul;;pas-une-adresse;Inconnue;31/02/2026\n"
    found = ok(client.post(f"{imports}/preview", content=bad.encode()))
    assert (found["rows"], found["stages"]) == (1, {"enquiry": 1})
    assert [(p["row"], p["column"]) for p in found["problems"]] == [
        (3, "Étape"), (3, "Date"), (3, "Courriel"),
    ]  # fmt: skip
    refused = problem_of(client.post(imports, content=bad.encode()), 422)
    assert len(refused["problems"]) == 3
    assert "pas-une-adresse" not in refused["detail"]
    assert ok(client.get(API))["total"] == 0
    assert ok(client.post(imports, content=SHEET.encode()), 201) == {"files": 1}
    again = ok(client.post(f"{imports}/preview", files={"file": ("x.csv", SHEET.encode())}))
    assert [one["reasons"] for one in again["duplicates"]] == [["email"]]
    sheet = workbook([["Nom", "Étrange"], ["Dupont", "?"]])
    found = ok(client.post(f"{imports}/preview", content=sheet))
    assert (found["rows"], found["ignored"]) == (1, ["Étrange"])


def test_what_is_no_spreadsheet_is_refused(ask: Ask) -> None:
    client = ask()
    for path in ("imports", "imports/preview"):
        address = f"{API}/{path}"
        for content in (b"", b"\x00\x01", b"PK\x03\x04", b"a,b\n1,2\n"):
            problem_of(client.post(address, content=content), 422)
        problem_of(client.post(address, files={"other": b"Nom\nX\n"}), 422)
        problem_of(client.post(address, data={"file": "Nom\nX\n"}), 422)
        problem_of(client.post(address, files={"file": b""}), 422)
        headers = {"Content-Type": "multipart/form-data"}
        problem_of(client.post(address, content=b"x", headers=headers), 400)
        large = b"x" * (MAX_UPLOAD_BYTES + 1)
        assert "10,100,000" in problem_of(client.post(address, content=large), 413)["detail"]


def test_nobody_uploads_without_the_right(ask: Ask) -> None:
    large = b"x" * 1_000_000
    problem_of(ask(None).post(f"{API}/imports", content=large), 401)
    problem_of(ask(Role.PLANNER).post(f"{API}/imports", content=large), 403)
    problem_of(ask().post(f"{API}/search", content=large), 413)


def test_everything_can_be_taken_away(ask: Ask) -> None:
    client = ask()
    made(client, message="=HYPERLINK(1)")
    answer = client.get(f"{API}/export")
    assert "dossiers-2026-03-02.zip" in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as parts:
        table = parts.read("dossiers.csv").decode("utf-8-sig")
    assert "'=HYPERLINK(1)" in table
    assert "dossiers" in client.get(f"{API}/export?form=json").json()
    assert client.get(f"{API}/export?form=xlsx").content[:2] == b"PK"
    problem_of(client.get(f"{API}/export?form=exe"), 422)


def test_years_that_cannot_be_are_refused(ask: Ask) -> None:
    for year in (1989, 2027, 10**9):
        problem_of(ask(Role.PLANNER).get(f"{API}/report?year={year}"), 422)
    assert ok(ask(Role.PLANNER).get(f"{API}/report?year=2024"))["enquiries"] == 0


def test_the_documentation_shows_every_route_of_the_files(service: FastAPI, db: Database) -> None:
    add_user(db, "x.y", name="X", role=Role.ADMIN, by=SYSTEM)
    described = TestClient(service).get("/openapi.json").json()["paths"]
    routes = {path: methods for path, methods in described.items() if path.startswith(API)}
    assert len(routes) > 20
    for methods in routes.values():
        for operation in methods.values():
            assert operation["summary"]
            assert operation["tags"] == ["files"]
    assert "409" in routes[f"{API}/{{key}}"]["patch"]["responses"]
