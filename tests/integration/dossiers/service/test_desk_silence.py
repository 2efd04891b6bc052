"""What must never be seen: a person in a log, an address or a refusal; what is typed, as code."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text as sql

from api.desk import CSRF_HEADER
from api.private import API
from geo_matcher.dossiers import desk
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.sign_in import csrf_token
from tests.integration.dossiers.people import SECRETS
from tests.integration.dossiers.service.asking import (
    ENQUIRY,
    PASSWORD,
    SIGN_OUT,
    Browser,
    made,
    problem_of,
)
from tests.integration.dossiers.service.conftest import Ask

HIDDEN = [
    "Quatrebarbes", "zephyrine.q", "00 00 42", "Ouistreham", "orthophoniste", PASSWORD,
]  # fmt: skip
HOSTILE = [
    "'; DROP TABLE dossiers; --",
    "' OR '1'='1",
    "\\'; SELECT pg_sleep(9); --",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}${7*7}#{7*7}",
    "=cmd|' /C calc'!A0",
    "%00%0d%0aSet-Cookie: x=1",
    "../../etc/passwd",
    "Ünïcødé ‮ 🏡 ﷽",
]
CONTROL = ["a\x00b", "a\x1bb", "a\u200b\u0000", "\ud800"]


@pytest.fixture
def everything_said(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Let every logger speak; SQLAlchemy's at DEBUG would print rows, which no setting asks for."""
    names = ("sqlalchemy.engine", "sqlalchemy.pool", "alembic", "api", "uvicorn", "multipart")
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        is_sql = name.startswith("sqlalchemy")
        logging.getLogger(name).setLevel(logging.INFO if is_sql else logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    yield caplog
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def assert_silent(text: str) -> None:
    for word in HIDDEN:
        assert word not in text, word


@pytest.mark.usefixtures("everything_said")
def test_no_person_is_seen_in_logs_addresses_and_refusals(
    browser: Browser, service: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[httpx2.Request] = []
    refused: list[str] = []
    client = browser.client
    client.event_hooks = {"request": [asked.append]}

    def send(method: str, path: str, body: Any = None, **options: Any) -> Any:
        answer = client.request(method, f"{API}{path}", json=body, **options)
        if answer.status_code >= 400 and answer.status_code != 409:
            refused.append(answer.text + str(answer.headers))
        return answer

    browser.sign_in(password=SECRETS["name"])
    browser.sign_in()
    session = browser.session
    client.headers[CSRF_HEADER] = csrf_token(session)
    key = send("POST", "", ENQUIRY).json()["key"]
    other = send("POST", "", ENQUIRY).json()["key"]
    send("POST", "/search", {"text": SECRETS["name"]})
    send("POST", "/duplicates", SECRETS)
    send("GET", "/duplicates")
    send("GET", "/day")
    send("GET", f"/{key}")
    for changes in (
        {"town": SECRETS["town"], "phone": "00 00 42 " + SECRETS["name"]},
        {"email": SECRETS["name"]}, {"name": SECRETS["name"] * 20},
        {"members": [{"profile": {"name": 5, "budget_eur": SECRETS["name"]}}]},
        {"members": [{"label": SECRETS["name"] * 9}]}, {"villages": [SECRETS["town"]]},
        {"adviser": "zephyrine.q"}, {"language": SECRETS["name"]},
    ):  # fmt: skip
        send("PATCH", f"/{key}", {"version": 1, "changes": changes})
    for body in (
        {**ENQUIRY, "email": SECRETS["name"]}, {**ENQUIRY, "phone": SECRETS["message"]},
        {**ENQUIRY, "consents": [{"what": SECRETS["name"]}]},
        {**ENQUIRY, "town": [SECRETS["town"]]},
        {**ENQUIRY, "opened_at": SECRETS["name"]}, {**ENQUIRY, "name": SECRETS["name"] * 20},
        {**ENQUIRY, "members": [{"profile": {"limits": {"school": SECRETS["town"]}}}]},
        {**ENQUIRY, "message": SECRETS["message"] + "\x00"},
    ):  # fmt: skip
        assert send("POST", "", body).status_code == 422
    send("POST", f"/{key}/notes", {"text": SECRETS["message"]})
    send("POST", f"/{key}/notes", {"text": SECRETS["message"] * 1_000})
    send("POST", f"/{key}/tasks", {"text": SECRETS["name"], "due_on": SECRETS["name"]})
    send("POST", f"/{key}/steps", {"version": 1, "to": "closed", "reason": "Quatrebarbes"})
    send("POST", f"/{key}/follow-ups/6", {"is_still_there": SECRETS["name"]})
    send("POST", f"/{key}/shortlists", {"remark": SECRETS["message"]})
    send("POST", "/merges", {"key": key, "version": 1, "other": other, "other_version": 1})
    sheet = f"Nom;Courriel;Date\n{SECRETS['name']};{SECRETS['town']};{SECRETS['message']}\n"
    answer = client.post(f"{API}/imports", files={"file": (SECRETS["name"], sheet.encode())})
    refused.append(answer.text)
    client.post(f"{API}/imports/preview", content=sheet.encode())
    send("GET", f"/{key}/person")
    send("GET", "/export?form=json")
    send("DELETE", f"/{key}/person")
    client.post(SIGN_OUT, data={"csrf": csrf_token(session)})
    service.state.desk.close()

    assert len(refused) > 15
    for text in refused:
        assert_silent(text)
    assert len(asked) > 30
    for request in asked:
        assert_silent(unquote_plus(str(request.url)))
    assert caplog.records
    for record in caplog.records:
        if record.name.startswith(("httpx", "httpcore", "asyncio")):
            continue  # the test's own client
        assert_silent(record.getMessage() + str(record.args))
        assert session not in record.getMessage()


def test_an_unforeseen_failure_shows_no_person(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"unforeseen: {SECRETS}")

    monkeypatch.setattr(desk, "open_file", fail)
    found = problem_of(ask().post(API, json=ENQUIRY), 500)
    assert_silent(str(found) + caplog.text)
    assert "Unhandled RuntimeError at" in caplog.text
    assert "in fail" in caplog.text


def test_a_database_that_fails_says_so_without_values(
    ask: Ask, db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    client = ask()
    with db.writing() as session:
        session.execute(sql("DROP TABLE consents"))
    found = problem_of(client.post(API, json=ENQUIRY), 503)
    assert "cannot be reached" in found["detail"]
    assert_silent(str(found) + caplog.text)


# --- What is typed stays text --------------------------------------------------------------------


def stored_texts(client: TestClient, text: str) -> Iterator[tuple[str, str]]:
    """Send a text through every field that takes one, and yield what comes back."""
    key = made(client, name=text, town=text, message=text, members=[{"label": text}])["key"]
    address = f"{API}/{key}"
    changes = {"name": text, "town": text + "!", "message": text + "\n" + text}
    client.patch(address, json={"version": 1, "changes": changes})
    client.post(f"{address}/notes", json={"text": text})
    client.post(f"{address}/tasks", json={"text": text, "due_on": "2026-03-09"})
    file = client.post(f"{address}/visits", json={"on": "2026-03-09", "communes": ["32249"]}).json()
    seen = file["visits"][0]["id"]
    client.patch(f"{address}/visits/{seen}", json={"impression": text})
    consent = {"what": "news", "given_on": "2026-03-01", "until": "2026-09-01", "wording": text}
    client.post(f"{address}/consents", json=consent)
    client.post(f"{address}/shortlists", json={"remark": text, "top": 1})
    file = client.get(address).json()
    yield "name", file["fields"]["name"]
    yield "town", file["fields"]["town"].removesuffix("!")
    yield "message", file["fields"]["message"].partition("\n")[0]
    yield "label", file["fields"]["members"][0]["label"]
    yield "note", file["notes"][0]["text"]
    yield "task", file["tasks"][0]["text"]
    yield "impression", file["visits"][0]["impression"]
    yield "wording", file["consents"][1]["wording"]
    yield "remark", file["shortlists"][0]["remark"]


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
def test_whatever_is_typed_comes_back_as_it_was(ask: Ask) -> None:
    client = ask()
    for text in HOSTILE:
        for field, found in stored_texts(client, text):
            assert found == text, field
        for body in ({"text": text}, {"adviser": text[:60]}):
            assert client.post(f"{API}/search", json=body).status_code == 200
    assert client.get(API).json()["total"] == len(HOSTILE)


@pytest.mark.parametrize("text", CONTROL)
def test_what_no_keyboard_types_is_refused(ask: Ask, text: str) -> None:
    client = ask()
    address = f"{API}/{made(client)['key']}"
    body = {"text": text}
    answer = client.post(
        f"{address}/notes",
        content=ascii_json(body),
        headers={"Content-Type": "application/json"},
    )
    problem_of(answer, 422)
    changed = ascii_json({"version": 1, "changes": {"name": text}})
    headers = {"Content-Type": "application/json"}
    problem_of(client.patch(address, content=changed, headers=headers), 422)
    searched = client.post(f"{API}/search", content=ascii_json(body), headers=headers)
    assert searched.status_code in {200, 422}


def ascii_json(body: Any) -> bytes:
    return json.dumps(body).encode("ascii")


@pytest.mark.parametrize("key", ["..%2F", "%00", "'--", "%F0%9F%8F%A1", "a" * 17, "tokens'", "X"])
def test_a_key_is_a_key_or_nothing(ask: Ask, key: str) -> None:
    client = ask()
    for method, path in (("GET", ""), ("GET", "/reads"), ("POST", "/notes"), ("DELETE", "/person")):
        answer = client.request(method, f"{API}/{key}{path}", json={"text": "x"})
        assert answer.status_code in {307, 404, 405, 422}
