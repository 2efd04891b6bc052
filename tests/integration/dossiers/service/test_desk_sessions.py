"""Sessions in a browser: how they begin, travel and end, and what only our own pages can send."""

from __future__ import annotations

import datetime as dt
import html
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import text

from api.app import create_app
from api.desk import CSRF_HEADER, Desk, local_next
from api.private import API, PAGES
from api.settings import Settings
from geo_matcher.dossiers.accounts import SYSTEM, Account, disable_user
from geo_matcher.dossiers.attempts import ATTEMPTS_PER_ACCOUNT, THROTTLE_MINUTES
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.reading import read_file
from geo_matcher.dossiers.sign_in import (
    ABSOLUTE_HOURS,
    IDLE_MINUTES,
    csrf_token,
    end_sessions,
    session_account,
)
from geo_matcher.errors import SignInError, StoreError
from geo_matcher.territory import Territory
from tests.integration.dossiers.people import StillClock, opened
from tests.integration.dossiers.service.asking import (
    PASSWORD,
    SIGN_IN,
    SIGN_OUT,
    Browser,
    csrf_in,
    made,
    problem_of,
)
from tests.integration.dossiers.service.conftest import Ask

ME = f"{API}/me"
HOUR_DAYS = 1 / 24
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def fields_in(page: str) -> dict[str, str]:
    """Return the hidden fields of a page, as a browser would send them."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    return {html.unescape(name): html.unescape(value) for name, value in found}


# --- Signing in ----------------------------------------------------------------------------------


def test_whoever_signs_in_goes_where_they_wanted(browser: Browser) -> None:
    asked = browser.client.get(f"{SIGN_IN}?next=/conseillers/dossiers/abc%3Flang%3Den")
    assert 'value="/conseillers/dossiers/abc?lang=en"' in asked.text
    answer = browser.sign_in(next="/conseillers/dossiers/abc?lang=en")
    assert (answer.status_code, answer.headers["Location"]) == (
        303, "/conseillers/dossiers/abc?lang=en",
    )  # fmt: skip
    assert browser.client.get(ME).json()["login"] == "c.martin"
    again = browser.client.get(f"{SIGN_IN}?next=/conseillers/rapport")
    assert (again.status_code, again.headers["Location"]) == (303, "/conseillers/rapport")


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "/conseillers//\r\nX: x",
        "javascript:alert(1)", "/conseillersX", "/conseillers@evil.example", "/", "", SIGN_IN,
        f"{SIGN_IN}?next=x", "/conseillers/" + "a" * 600, "/conseillers/é", "/conseillers\\x",
    ],
)  # fmt: skip
def test_nobody_is_led_elsewhere(browser: Browser, wanted: str) -> None:
    assert local_next(wanted) == PAGES
    assert browser.sign_in(next=wanted).headers["Location"] == PAGES


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("c.martin", "wrong"), ("nobody", PASSWORD), ("c.martin", ""), ("' OR 1=1 --", "x"),
        ("c.martin\x00", PASSWORD), ("é" * 60, "x" * 5_000),
    ],
)  # fmt: skip
def test_a_refusal_says_the_same_whatever_was_wrong(
    browser: Browser, login: str, password: str
) -> None:
    answer = browser.sign_in(login, password)
    assert answer.status_code == 403
    assert "ne vont pas ensemble" in answer.text
    assert not browser.session
    for typed in (login, password):
        assert len(typed) < 3 or typed not in answer.text


def test_attempts_are_counted(browser: Browser, clock: StillClock) -> None:
    for _ in range(ATTEMPTS_PER_ACCOUNT):
        assert browser.sign_in(password="wrong").status_code == 403
    refused = browser.sign_in()
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) <= THROTTLE_MINUTES * 60
    assert "Réessayez dans 15 minutes" in refused.text
    clock.pass_days((THROTTLE_MINUTES + 1) / 60 / 24)
    assert browser.sign_in().status_code == 303


def test_a_stranger_does_not_lock_out_a_browser_that_is_known(
    browser: Browser, service: FastAPI
) -> None:
    assert browser.sign_in().status_code == 303
    mark = browser.client.cookies["gm-browser"]
    assert "martin" not in mark
    browser.client.cookies.delete("gm-session")
    stranger = Browser(service)  # at the same address even
    for _ in range(ATTEMPTS_PER_ACCOUNT):
        assert stranger.sign_in(password="wrong").status_code == 403
    assert stranger.sign_in().status_code == 429
    assert browser.sign_in().status_code == 303
    assert browser.client.cookies["gm-browser"] != mark


def test_no_header_makes_somebody_come_from_elsewhere(browser: Browser, service: FastAPI) -> None:
    for number in range(30):
        browser.client.headers["X-Forwarded-For"] = f"192.0.2.{number}"
        browser.client.headers["Forwarded"] = f"for=192.0.2.{number}"
        answer = browser.sign_in(f"name{number}", "wrong")
    assert answer.status_code == 429
    assert Browser(service).sign_in().status_code == 429


def test_a_session_begins_with_a_name_that_the_server_chose(
    browser: Browser, service: FastAPI, db: Database
) -> None:
    browser.client.cookies.set("gm-session", "chosen-by-somebody-else")
    browser.sign_in()
    first = browser.client.cookies.get("gm-session", domain="testserver.local")
    assert first != "chosen-by-somebody-else"
    browser.client.cookies.clear()
    assert Browser(service).client.get(ME).status_code == 401
    with pytest.raises(SignInError):
        session_account(db, "chosen-by-somebody-else")


def test_a_new_session_ends_the_one_before(browser: Browser, db: Database) -> None:
    page = browser.client.get(SIGN_IN)
    browser.sign_in()
    before = browser.session
    # A second page was open already: signing in there again is a new session.
    sent = {"csrf": csrf_in(page.text), "login": "c.martin", "password": PASSWORD}
    assert browser.client.post(SIGN_IN, data=sent).status_code == 303
    assert browser.session != before
    with pytest.raises(SignInError):
        session_account(db, before)


# --- Cookies -------------------------------------------------------------------------------------


def test_scripts_cannot_read_the_cookies(browser: Browser) -> None:
    form = browser.client.get(SIGN_IN).headers["Set-Cookie"]
    assert re.fullmatch(r"gm-form=[\w-]{43}; HttpOnly; Path=/; SameSite=strict", form)
    cookie, known = browser.sign_in().headers.get_list("Set-Cookie")
    assert re.fullmatch(r"gm-session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", cookie)
    assert re.fullmatch(
        r"gm-browser=[\w.-]{87}; HttpOnly; Max-Age=15552000; Path=/; SameSite=strict", known
    )


def test_over_https_no_other_host_can_set_them(service: FastAPI, browser: Browser) -> None:
    secure = Browser(service, "https://testserver")
    form = secure.client.get(SIGN_IN).headers["Set-Cookie"]
    assert re.fullmatch(
        r"__Host-gm-form=[\w-]{43}; HttpOnly; Path=/; SameSite=strict; Secure", form
    )
    cookie = secure.sign_in().headers["Set-Cookie"]
    assert re.match(r"__Host-gm-session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax; Secure", cookie)
    assert secure.client.get(ME).status_code == 200
    browser.sign_in()
    plain = TestClient(service, base_url="https://testserver", follow_redirects=False)
    plain.cookies.set("gm-session", browser.session)
    assert plain.get(ME).status_code == 401


# --- How sessions end ----------------------------------------------------------------------------


def test_a_session_ends_without_use(browser: Browser, clock: StillClock) -> None:
    browser.sign_in()
    clock.pass_days((IDLE_MINUTES - 1) / 60 / 24)
    assert browser.client.get(ME).status_code == 200
    clock.pass_days((IDLE_MINUTES - 1) / 60 / 24)
    assert browser.client.get(ME).status_code == 200
    clock.pass_days(IDLE_MINUTES / 60 / 24)
    problem_of(browser.client.get(ME), 401)
    assert browser.client.get(SIGN_IN).status_code == 200


def test_a_session_ends_at_the_latest_after_half_a_day(browser: Browser, clock: StillClock) -> None:
    browser.sign_in()
    for _ in range(2 * ABSOLUTE_HOURS - 1):
        clock.pass_days(HOUR_DAYS / 2)
        assert browser.client.get(ME).status_code == 200
    clock.pass_days(HOUR_DAYS / 2)
    problem_of(browser.client.get(ME), 401)


def test_a_session_can_be_ended_by_others_too(
    browser: Browser, db: Database, adviser: Account
) -> None:
    browser.sign_in()
    assert end_sessions(db, adviser.login, by=SYSTEM) == 1
    problem_of(browser.client.get(ME), 401)
    browser.sign_in()
    disable_user(db, adviser.login, by=SYSTEM)
    problem_of(browser.client.get(ME), 401)


def test_signing_out_ends_it_on_the_server(browser: Browser) -> None:
    browser.sign_in()
    session = browser.session
    assert browser.client.post(SIGN_OUT, data={"csrf": "0" * 64}).status_code == 403
    assert browser.client.get(ME).status_code == 200
    answer = browser.client.post(SIGN_OUT, data={"csrf": csrf_token(session)})
    assert (answer.status_code, answer.headers["Location"]) == (303, SIGN_IN)
    assert 'gm-session=""' in answer.headers["Set-Cookie"]
    browser.client.cookies.set("gm-session", session)
    problem_of(browser.client.get(ME), 401)


def test_what_was_being_written_when_a_session_ended_comes_back(
    browser: Browser, db: Database, clock: StillClock, adviser: Account
) -> None:
    note = 'Ligne une\r\n<b>"deux"</b>'
    file = opened(db, adviser)
    browser.sign_in()
    address = f"{PAGES}/dossiers/{file.key}/notes?membre=1"
    sent = {"csrf": csrf_token(browser.session), "text": note}
    clock.pass_days(IDLE_MINUTES / 60 / 24)
    page = browser.client.post(address, data=sent)
    assert page.status_code == 403
    assert "Rien n’est perdu" in page.text
    assert "<b>" not in page.text
    again = browser.client.post(SIGN_IN, data=fields_in(page.text) | {"password": "wrong"})
    assert again.status_code == 403
    answered = browser.client.post(
        SIGN_IN, data=fields_in(again.text) | {"login": "c.martin", "password": PASSWORD}
    )
    assert answered.status_code == 200
    assert "au nom de Camille Martin" in answered.text
    assert not read_file(db, file.key, by=adviser).notes, "it is shown before it is sent"
    *_, form = answered.text.partition('action="/conseillers/dossiers/')
    done = browser.client.post(address, data=fields_in(form))
    assert done.status_code == 303
    (kept,) = read_file(db, file.key, by=adviser).notes
    assert kept.text == note.replace("\r\n", "\n")


def test_what_was_being_written_outlives_another_tab_that_signs_in_first(
    browser: Browser, db: Database, clock: StillClock, adviser: Account
) -> None:
    file = opened(db, adviser)
    browser.sign_in()
    address = f"{PAGES}/dossiers/{file.key}/notes?membre=1"
    sent = {"csrf": csrf_token(browser.session), "text": "Ligne une\r\nligne deux"}
    clock.pass_days(IDLE_MINUTES / 60 / 24)
    first_tab = fields_in(browser.client.post(address, data=sent).text)
    ended = browser.session
    browser.sign_in()
    assert browser.session != ended, "another tab has signed in"
    who = {"login": "c.martin", "password": PASSWORD}
    answered = browser.client.post(SIGN_IN, data=first_tab | who)
    assert answered.status_code == 200
    *_, form = answered.text.partition('action="/conseillers/dossiers/')
    assert browser.client.post(address, data=fields_in(form)).status_code == 303
    (kept,) = read_file(db, file.key, by=adviser).notes
    assert kept.text == "Ligne une\nligne deux"


def test_a_seal_is_of_one_text_one_address_and_one_browser(
    browser: Browser, db: Database, clock: StillClock, adviser: Account, service: FastAPI
) -> None:
    file = opened(db, adviser)
    browser.sign_in()
    sent = {"csrf": csrf_token(browser.session), "text": "Le texte"}
    clock.pass_days(IDLE_MINUTES / 60 / 24)
    page = browser.client.post(f"{PAGES}/dossiers/{file.key}/notes?membre=1", data=sent)
    carried = fields_in(page.text)
    browser.sign_in()
    wrong = {"login": "nobody", "password": "wrong"}
    assert "Le texte" in browser.client.post(SIGN_IN, data=carried | wrong).text
    for change in (
        {"sent.text": "Forgé"}, {"sent.more": "Forgé"}, {"sent_to": f"{PAGES}/dossiers/nouveau"},
        {"sent_seal": "0" * 64, "login": "none"}, {"sent_seal": "", "login": "none"},
    ):  # fmt: skip
        answer = browser.client.post(SIGN_IN, data=carried | wrong | change)
        assert answer.status_code == 403
        assert "sent_to" not in answer.text
    other = Browser(service)
    for own in ({}, fields_in(other.client.get(SIGN_IN).text)):
        elsewhere: dict[str, str] = own
        answer = other.client.post(SIGN_IN, data=carried | elsewhere | wrong)
        assert "Le texte" not in answer.text, "it was sealed for another browser"


def test_only_a_page_of_the_ended_session_can_have_its_text_taken_along(
    browser: Browser, clock: StillClock
) -> None:
    browser.sign_in()
    good = csrf_token(browser.session)
    clock.pass_days(IDLE_MINUTES / 60 / 24)
    for path, token in (
        (f"{PAGES}/dossiers/nouveau", csrf_token("another")), (SIGN_OUT, good),
        (f"{PAGES}/import", good),
    ):  # fmt: skip
        answer = browser.client.post(path, data={"csrf": token, "name": "Forgé"})
        assert answer.status_code == 303
        assert "Forgé" not in answer.text
    page = fields_in(browser.client.get(SIGN_IN).text)
    for target, token in (
        ("https://evil.example/", good), (SIGN_OUT, good), ("/accompany", good),
        (f"{PAGES}/dossiers/nouveau", "0" * 64),
    ):  # fmt: skip
        forged = {"sent_to": target, "sent.csrf": token, "sent.name": "Forgé", "login": "c.martin"}
        answer = browser.client.post(SIGN_IN, data=page | forged | {"password": "wrong"})
        assert answer.status_code == 403
        assert "Forgé" not in answer.text


# --- What only our own pages can send ------------------------------------------------------------


def test_the_sign_in_form_has_to_be_ours(browser: Browser, service: FastAPI) -> None:
    page = Browser(service).client.get(SIGN_IN)
    sent = {"csrf": csrf_in(page.text), "login": "c.martin", "password": PASSWORD}
    for fields in (sent, sent | {"csrf": ""}, {"login": "c.martin", "password": PASSWORD}):
        answer = browser.client.post(SIGN_IN, data=fields)
        assert answer.status_code == 403
        assert "Le formulaire a expiré" in answer.text
        assert not browser.session
        browser.client.cookies.clear()


def test_a_session_changes_nothing_without_its_token(browser: Browser) -> None:
    browser.sign_in()
    other = csrf_token("another session")
    name = CSRF_HEADER.encode()
    for sent in ({}, {name: b""}, {name: other.encode()}, {name: "é".encode()}):
        headers: dict[bytes, bytes] = sent
        found = problem_of(browser.client.post(API, json={"name": "X"}, headers=headers), 403)
        assert CSRF_HEADER in found["detail"]
    browser.client.headers[CSRF_HEADER] = csrf_token(browser.session)
    assert made(browser.client)["version"] == 1


def test_a_form_of_too_many_fields_is_refused(browser: Browser) -> None:
    body = "&".join(f"a{number}=1" for number in range(1_000))
    assert browser.client.post(SIGN_IN, content=body, headers=FORM).status_code == 422


def test_a_token_wins_over_a_session_and_a_bad_one_is_not_forgiven(
    browser: Browser, ask: Ask
) -> None:
    browser.sign_in()
    headers = {"Authorization": "Bearer gm_wrong"}
    problem_of(browser.client.get(ME, headers=headers), 401)
    token = ask().headers["Authorization"]
    me = browser.client.get(ME, headers={"Authorization": token}).json()
    assert me["login"] == "adviser.test"


# --- Tokens of one's own -------------------------------------------------------------------------


def test_people_manage_their_own_tokens(browser: Browser, ask: Ask) -> None:
    browser.sign_in()
    client = browser.client
    client.headers[CSRF_HEADER] = csrf_token(browser.session)
    ask()  # somebody else has one too
    wanted = {"label": "Tableur", "scopes": ["files.read"], "days": 30}
    made_token = client.post(f"{API}/tokens", json=wanted)
    assert made_token.status_code == 201
    token = made_token.json()["token"]
    (mine,) = client.get(f"{API}/tokens").json()
    assert (mine["label"], mine["scopes"], mine["is_revoked"]) == ("Tableur", ["files.read"], False)
    assert token not in client.get(f"{API}/tokens").text
    program = ask(None)
    program.headers["Authorization"] = f"Bearer {token}"
    assert program.get(ME).json()["rights"] == ["files.read", "portfolio"]
    assert client.delete(f"{API}/tokens/{mine['id']}").status_code == 204
    problem_of(program.get(ME), 401)
    problem_of(client.delete(f"{API}/tokens/{mine['id'] - 1}"), 404)
    for wrong in ({"scopes": ["accounts"]}, {"days": 400}, {"days": 0}, {"label": " "}):
        problem_of(client.post(f"{API}/tokens", json=wanted | wrong), 422)


# --- Pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("query", "said"), [("", "Se connecter"), ("?lang=en", "Sign in")])
def test_the_page_speaks_both_languages_and_is_kept_by_nobody(
    browser: Browser, query: str, said: str
) -> None:
    answer = browser.client.get(f"{SIGN_IN}{query}")
    assert said in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert browser.client.post(f"{SIGN_IN}{query}", data={}).status_code == 403


def test_what_is_not_there_is_said_in_words(browser: Browser) -> None:
    answer = browser.client.get(f"{PAGES}/nothing?lang=en")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "There is nothing at this address" in answer.text


# --- Where there is no database ------------------------------------------------------------------


def test_without_a_database_movers_are_served(territory: Territory) -> None:
    app = create_app(Settings(release=territory.folder), territory)
    with TestClient(app, follow_redirects=False) as client:
        assert client.get("/healthz").status_code == 200
        assert "not open" in problem_of(client.get(API), 503)["detail"]
        answer = client.get(SIGN_IN)
        assert answer.status_code == 503
        assert "n’est pas ouvert" in answer.text


def test_a_database_that_cannot_be_opened_is_left_alone_for_a_while(
    service: FastAPI, tmp_path: Path, caplog: pytest.LogCaptureFixture, ask: Ask
) -> None:
    blocked = tmp_path / "a file" / "x.sqlite3"
    blocked.parent.write_text("no folder")
    service.state.desk = Desk(
        Settings(advisers="on", database_url=SecretStr(f"sqlite:///{blocked}"))
    )
    client = ask(None)
    for _ in range(2):
        answer = client.get(API, headers={"Authorization": "Bearer x"})
        found = problem_of(answer, 503)
        assert "cannot be reached now" in found["detail"]
        assert str(tmp_path) not in answer.text
        assert answer.headers["Retry-After"] == "10"
    assert caplog.text.count("cannot hold a database") == 1
    assert client.get("/healthz").status_code == 200
    assert client.get(SIGN_IN).status_code == 503


def test_a_newer_database_is_refused_with_a_sentence(
    service: FastAPI, url: str, db: Database, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    with db.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    service.state.desk = Desk(Settings(advisers="on", database_url=SecretStr(url)))
    problem_of(ask(None).get(API), 503)
    assert "Use a newer geo_matcher" in caplog.text
    with pytest.raises(StoreError):
        service.state.desk.database()


@pytest.mark.parametrize(
    ("advisers", "url", "is_open"),
    [("auto", "", False), ("auto", "sqlite:///x", True), ("on", "", True), ("off", "x", False)],
)
def test_the_side_is_open_where_a_database_is_named(
    advisers: str, url: str, is_open: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEO_MATCHER_ADVISERS", advisers)
    monkeypatch.setenv("GEO_MATCHER_DATABASE_URL", url)
    settings = Settings()
    assert settings.has_desk == is_open
    assert "sqlite:" not in repr(settings)


def test_the_database_is_loaded_by_the_first_request_that_needs_it(tmp_path: Path) -> None:
    code = f"""
import sys
from fastapi.testclient import TestClient
from pydantic import SecretStr
from api.app import create_app
from api.settings import Settings
loaded = lambda: bool({{"sqlalchemy", "alembic", "argon2", "openpyxl"}} & set(sys.modules))
app = create_app(Settings(database_url=SecretStr("sqlite:///{tmp_path}/x.sqlite3")))
client = TestClient(app)  # without a start: the release takes no part in this
states = [loaded()]
assert client.get("/openapi.json").status_code == 200
states.append(loaded())
assert client.get("/conseillers/connexion").status_code == 200
print(states, loaded())
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[False, False] True"


def test_the_clock_of_a_desk_is_the_machine_s_unless_another_is_given(url: str) -> None:
    desk = Desk(Settings(database_url=SecretStr(url)))
    assert abs(desk.database().now() - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)
    assert desk.database() is desk.database()
    desk.close()
    desk.close()
