"""The public form: a request arrives as an enquiry, and says honestly what becomes of it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.desk import Desk
from api.enquiries import PER_ADDRESS
from api.forms import to_query
from api.private import API
from api.settings import Settings
from api.throttle import Throttle
from geo_matcher.dossiers.accounts import SYSTEM
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.reading import list_files, read_file
from geo_matcher.presets import PRESETS
from tests.integration.dossiers.people import SECRETS
from tests.integration.dossiers.service.conftest import Ask
from tests.integration.reading import Elements

FAMILY = PRESETS["paris-web-family"].profile
ADDRESS = f"/accompany?{to_query(FAMILY)}"
GOOD: dict[str, Any] = {
    "name": SECRETS["name"],
    "email": SECRETS["email"],
    "phone": SECRETS["phone"],
    "message": SECRETS["message"],
    "callback": "day",
    "village": ["32416", "32249"],
    "consent": "yes",
    "site": "",
}
BACK_ENDS = pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def mover(service: FastAPI) -> TestClient:
    return TestClient(service, follow_redirects=False, raise_server_exceptions=False)


def keys(db: Database) -> list[str]:
    return [card.key for card in list_files(db, by=SYSTEM).cards]


@BACK_ENDS
def test_a_request_arrives_as_an_enquiry_with_its_consent(
    mover: TestClient, db: Database, ask: Ask
) -> None:
    answer = mover.post(ADDRESS, data=GOOD)
    assert answer.status_code == 200
    (key,) = keys(db)
    assert answer.text.count(key) == 2
    assert "jusqu’au 2 mars 2027 au plus" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    file = read_file(db, key, by=SYSTEM)
    assert file.draft is not None
    assert (file.draft.name, file.draft.email) == (SECRETS["name"], SECRETS["email"])
    assert (file.draft.source, file.draft.callback) == ("web_form", "day")
    assert (file.draft.sector, file.draft.origin_city) == (FAMILY.sector, FAMILY.origin_city)
    assert file.draft.villages == GOOD["village"]
    (member,) = file.draft.members
    assert member.profile.model_copy(update={"name": FAMILY.name}) == FAMILY
    (kept,) = file.consents
    assert kept.consent.what == "accompany"
    assert (kept.consent.given_on.isoformat(), kept.consent.until.isoformat()) == (
        "2026-03-02", "2027-03-02",
    )  # fmt: skip
    assert kept.consent.wording.startswith("J’accepte que ma demande")
    assert "douze mois au plus" in kept.consent.wording
    assert str(file.keep_until) == "2027-03-02"
    assert {event.actor for event in file.events} == {"public-form"}
    day = ask().get(f"{API}/day").json()
    assert [card["key"] for card in day["enquiries"]] == [key]


@pytest.mark.parametrize(
    ("query", "kept", "button"),
    [("", "enregistré dans les dossiers", "Envoyer"), ("&lang=en", "kept in the advisers", "Send")],
)
def test_the_form_says_that_it_is_kept(
    mover: TestClient, query: str, kept: str, button: str
) -> None:
    page = mover.get(f"/accompany?{to_query(FAMILY)}{query}").text
    assert kept in page
    assert button in page
    assert "n’enregistre rien" not in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"consent": ""}, {"email": "nobody"}, {"name": ""}, {"message": "x" * 2_001},
        {"site": "https://spam.example"}, {"village": ["99999"]},
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_said_and_not_kept(
    mover: TestClient, db: Database, wrong: dict[str, Any]
) -> None:
    answer = mover.post(ADDRESS, data=GOOD | wrong)
    assert answer.status_code == 422
    assert keys(db) == []


def test_only_programs_see_the_trap(mover: TestClient) -> None:
    page = Elements(mover.get(ADDRESS).text)
    (field,) = page.all("input", name="site")
    assert (field["tabindex"], field["autocomplete"], field["value"]) == ("-1", "off", "")
    shown = mover.post(ADDRESS, data=GOOD | {"site": "x"}).text
    assert "Un champ qui doit rester vide" in shown
    assert 'href="#f-site"' in shown
    (field,) = Elements(shown).all("input", name="site")
    assert field["tabindex"] == "0"


@BACK_ENDS
def test_a_second_click_opens_no_second_file(mover: TestClient, db: Database) -> None:
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(mover.post(ADDRESS, data=GOOD)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (key,) = keys(db)
    assert len(answers) == 3
    assert all(key in answer.text for answer in answers)
    mover.post(ADDRESS, data=GOOD | {"message": "Autre chose."})
    assert len(keys(db)) == 2


def test_too_many_requests_prepare_a_message_instead(mover: TestClient, db: Database) -> None:
    for number in range(PER_ADDRESS):
        assert mover.post(ADDRESS, data=GOOD | {"message": str(number)}).status_code == 200
    answer = mover.post(
        ADDRESS, data=GOOD | {"message": "Un de trop."}, headers={"X-Forwarded-For": "192.0.2.9"}
    )
    assert answer.status_code == 429
    assert "la vôtre n’est pas partie" in answer.text
    assert "Un de trop." in answer.text
    assert len(keys(db)) == PER_ADDRESS


def test_another_site_sends_nothing_for_a_visitor(mover: TestClient, db: Database) -> None:
    answer = mover.post(ADDRESS, data=GOOD, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "depuis un autre site" in answer.text
    assert keys(db) == []
    same = mover.post(ADDRESS, data=GOOD, headers={"Sec-Fetch-Site": "same-origin"})
    assert same.status_code == 200


def test_the_text_of_a_message_is_not_a_request(mover: TestClient, db: Database) -> None:
    answer = mover.post(ADDRESS, data=GOOD | {"as": "text"})
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert keys(db) == []


def test_a_field_that_a_file_does_not_take_prepares_a_message(
    mover: TestClient, db: Database
) -> None:
    answer = mover.post(ADDRESS, data=GOOD | {"email": "a" * 70 + "@example.org"})
    assert answer.status_code == 422
    assert "telle quelle" in answer.text
    assert keys(db) == []


def test_without_its_database_the_form_prepares_a_message_and_says_so(
    mover: TestClient, service: FastAPI, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a file").write_text("no folder")
    url = SecretStr(f"sqlite:///{tmp_path}/a file/x.sqlite3")
    service.state.desk = Desk(Settings(advisers="on", database_url=url))
    answer = mover.post(ADDRESS, data=GOOD)
    assert answer.status_code == 503
    assert "Rien n’est parti" in answer.text
    assert SECRETS["message"] in answer.text
    assert "StoreError" in caplog.text
    for value in SECRETS.values():
        assert value not in caplog.text


def test_where_no_advisers_side_is_open_nothing_changes(
    mover: TestClient, service: FastAPI, db: Database
) -> None:
    service.state.desk = Desk(Settings())
    assert "n’enregistre rien" in mover.get(ADDRESS).text
    answer = mover.post(ADDRESS, data=GOOD)
    assert answer.status_code == 200
    assert "mailto:" in answer.text
    assert keys(db) == []


# --- Counting ------------------------------------------------------------------------------------


def test_a_throttle_counts_each_and_all_over_a_window() -> None:
    now = [0.0]
    throttle = Throttle(2, 3, 60, now=lambda: now[0])
    assert [throttle.admits("a") for _ in range(3)] == [True, True, False]
    assert [throttle.admits("b") for _ in range(2)] == [True, False]
    now[0] = 60.0
    assert throttle.admits("b")


def test_a_throttle_forgets_the_oldest_when_too_many_come() -> None:
    throttle = Throttle(1, 100_000, 60)
    for number in range(10_001):
        assert throttle.admits(str(number))
    assert throttle.admits("0")
    assert not throttle.admits("10000")
