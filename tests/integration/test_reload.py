"""Another release goes into service while people ask: none is refused, none sees two at once."""

from __future__ import annotations

import gc
import itertools
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.app import create_app
from api.desk import Desk
from api.errors import PROBLEM_JSON
from api.in_service import RELEASE_HEADER, RELOADING, RETIRING, InService, Serving
from api.page import foot_parts
from api.planning_work import siting_of
from api.private import RELOAD
from api.settings import Settings
from api.sheets import sheets_of
from api.warming import warm
from geo_matcher.decision import decision_matrix
from geo_matcher.dossiers.accounts import SYSTEM, Role, add_user
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.sign_in import issue_token
from geo_matcher.errors import DataError
from geo_matcher.matching import rank
from geo_matcher.presets import PRESETS
from geo_matcher.release_store import ReleaseStore
from geo_matcher.territory import Territory
from tests.conftest import REPOSITORY

V1 = "/api/v1"
FAMILY = PRESETS["paris-web-family"].profile
PROFILE = FAMILY.as_dict()
SWITCHES = 10
ASKERS = 3
PATIENCE_S = 60.0


def as_read(*known: Territory) -> Callable[[Path], Territory]:
    """Return a loader that gives each time a fresh territory, as reading its folder again would."""
    by_id = {territory.release_id: territory for territory in known}

    def load(folder: Path) -> Territory:
        return replace(by_id[folder.name])

    return load


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


@pytest.fixture
def territory(small_gers: Territory) -> Territory:
    """Return the older release: few communes, since how many is nothing to what is tried here."""
    return small_gers


@pytest.fixture
def newer(small_newer: Territory) -> Territory:
    return small_newer


@pytest.fixture
def store(tmp_path: Path, territory: Territory, newer: Territory) -> ReleaseStore:
    """Return a store of two releases, the older of which is in service."""
    store = ReleaseStore(tmp_path / "store")
    for release in (newer, territory):
        store.publish(release.folder, gate=_is_known)
    return store


def _is_known(_: Path) -> None:
    """Let the shared releases through: they passed the gate when they were made."""


@pytest.fixture
def service(
    store: ReleaseStore, territory: Territory, newer: Territory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FastAPI]:
    """Give the service on a store, whose releases are not read anew but are other values."""
    defaults = {**(InService.__init__.__kwdefaults__ or {}), "load": as_read(territory, newer)}
    monkeypatch.setattr(InService.__init__, "__kwdefaults__", defaults)
    monkeypatch.setattr("api.app.warm", lambda *_: None)  # a second each; see the tests of it
    app = create_app(Settings(release=store.folder, advisers="on"))
    with TestClient(app):
        yield app


def retired() -> bool:
    return not any(thread.name.startswith(RETIRING) for thread in threading.enumerate())


# --- Under load -----------------------------------------------------------------------------


ASKED: tuple[Callable[[TestClient], Any], ...] = (
    lambda client: client.get(f"{V1}/release"),
    lambda client: client.get(f"{V1}/communes/32162"),
    lambda client: client.get("/readyz"),
    lambda client: client.post(f"{V1}/matches", json={"profile": PROFILE, "scope": "all"}),
)


def test_no_request_fails_while_releases_switch_and_each_is_of_one(
    service: FastAPI, store: ReleaseStore, territory: Territory, newer: Territory
) -> None:
    served: InService = service.state.in_service
    scores: set[tuple[str, float]] = set()
    answers: list[tuple[int, str | None, str]] = []
    is_over = threading.Event()

    def keep_asking(number: int) -> None:
        client = TestClient(service)
        for ask in itertools.cycle(ASKED[number:] + ASKED[:number]):
            if is_over.is_set():
                return
            answer = ask(client)
            body = answer.json()
            release = body["release"]
            answers.append((answer.status_code, answer.headers.get(RELEASE_HEADER), release))
            if "results" in body:
                scores.add((release, body["results"][0]["score"]))

    askers = [threading.Thread(target=keep_asking, args=(n,)) for n in range(ASKERS)]
    for asker in askers:
        asker.start()
    try:
        for number in range(SWITCHES):
            asked = len(answers)
            until(lambda asked=asked: len(answers) > asked + ASKERS)  # type: ignore[misc]
            wanted = (newer, territory)[number % 2].release_id
            store.rollback(wanted, gate=_is_known)
            done = served.reload()
            assert done is not None
            assert (done.release, done.is_new) == (wanted, True)
    finally:
        is_over.set()
        for asker in askers:
            asker.join()
    assert {status for status, _, _ in answers} == {200}
    assert all(said == body for _, said, body in answers)
    assert {said for _, said, _ in answers} == {territory.release_id, newer.release_id}
    assert scores == {
        (one.release_id, rank(one, FAMILY, "all").results(1)[0]["score"])
        for one in (territory, newer)
    }, "figures are those of the release that the answer names"


def test_a_request_under_way_ends_on_the_release_that_it_began_with(
    service: FastAPI,
    store: ReleaseStore,
    territory: Territory,
    newer: Territory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    has_begun, may_go_on = threading.Event(), threading.Event()

    def slow(*arguments: Any, **others: Any) -> Any:
        has_begun.set()
        assert may_go_on.wait(PATIENCE_S)
        return rank(*arguments, **others)

    monkeypatch.setattr("api.routes.matches.rank", slow)
    answers: list[Any] = []
    asker = threading.Thread(
        target=lambda: answers.append(
            TestClient(service).post(f"{V1}/matches", json={"profile": PROFILE})
        )
    )
    asker.start()
    assert has_begun.wait(PATIENCE_S)
    old = weakref.ref(service.state.in_service.serving.territory)
    store.rollback(newer.release_id, gate=_is_known)
    service.state.in_service.reload()
    assert TestClient(service).get("/readyz").json()["release"] == newer.release_id
    for _ in range(5):  # the old one is read as long as somebody waits for its answer
        store.publish(newer.folder, gate=_is_known)
    assert not retired()
    assert old() is not None
    may_go_on.set()
    asker.join()
    assert answers[0].json()["release"] == territory.release_id
    assert answers[0].headers[RELEASE_HEADER] == territory.release_id


def test_nothing_is_kept_of_releases_that_have_left_service(
    service: FastAPI, store: ReleaseStore, territory: Territory, newer: Territory
) -> None:
    client = TestClient(service)
    gone = []
    for wanted in (newer.release_id, territory.release_id):
        for address in PAGES:
            assert client.get(address).status_code == 200, address
        for path, body in POSTS.items():
            assert client.post(f"{V1}/{path}", json=body).status_code == 200, path
        gone.append(weakref.ref(service.state.in_service.serving.territory))
        store.rollback(wanted, gate=_is_known)
        service.state.in_service.reload()
        until(retired)
    gc.collect()
    assert [old() is None for old in gone] == [True, True]


def test_the_first_who_asks_after_a_switch_does_not_wait_for_what_can_be_made_before(
    service: FastAPI, store: ReleaseStore, newer: Territory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.app.warm", warm)
    served: InService = service.state.in_service
    load = served._load

    def loading(folder: Path) -> Territory:
        for each in WARMED:
            each.cache_clear()
        return load(folder)

    served._load = loading
    store.rollback(newer.release_id, gate=_is_known)
    served.reload()
    until(retired)
    before = {each.__name__: each.cache_info().misses for each in WARMED}
    assert min(before.values()) > 0, "they were made before anybody asked"
    client = TestClient(service)
    for address in ("/", "/?lang=en", "/table"):
        answer = client.get(address)
        assert answer.headers[RELEASE_HEADER] == newer.release_id
    assert {each.__name__: each.cache_info().misses for each in WARMED} == before


WARMED = (decision_matrix, sheets_of, foot_parts)
"""Some of what the first pages are made of, and what takes longest of it."""


def test_a_plan_of_the_new_release_stays_when_the_old_one_retires(
    service: FastAPI, store: ReleaseStore, newer: Territory
) -> None:
    served: InService = service.state.in_service
    store.rollback(newer.release_id, gate=_is_known)
    with old_in_use(served) as old:
        served.reload()
        territory = served.serving.territory  # type: ignore[union-attr]
        sited = [
            siting_of(of, count=1, within_min=15, demand="population") for of in (territory, old)
        ]
    until(retired)
    assert siting_of(territory, count=1, within_min=15, demand="population") is sited[0]
    assert siting_of(old, count=1, within_min=15, demand="population") is not sited[1]


@contextmanager
def old_in_use(served: InService) -> Iterator[Territory]:
    """Give the release in service, with a request on it that is under way."""
    serving = served.serving
    assert serving is not None
    serving.begin()
    try:
        yield serving.territory
    finally:
        serving.end()


def test_a_first_page_that_fails_is_told_and_stops_no_switch(
    service: FastAPI,
    store: ReleaseStore,
    newer: Territory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ValueError("broken")

    monkeypatch.setattr("api.app.warm", warm)
    monkeypatch.setattr("api.routes.table.table_view", broken)
    store.rollback(newer.release_id, gate=_is_known)
    done = service.state.in_service.reload()
    assert done is not None
    assert done.is_new
    assert "First pages of the new release: /table [500]" in caplog.messages


PAGES = (
    "/", "/table", "/communes/32162", "/planification", f"{V1}/gaps", f"{V1}/layers",
    f"{V1}/layers/fibre", f"{V1}/access/to/bakery", f"{V1}/origins?q=par",
    f"{V1}/communes/32162/twins",
)  # fmt: skip
POSTS: dict[str, Any] = {
    "matches": {"profile": PROFILE},
    "explanations": {"profile": PROFILE, "commune": "32162"},
    "comparisons": {"profile": PROFILE, "communes": ["32162", "32307"]},
}


# --- What is refused ------------------------------------------------------------------------


def test_a_bad_release_is_refused_in_one_line_and_the_old_one_keeps_serving(
    store: ReleaseStore, territory: Territory, newer: Territory, caplog: pytest.LogCaptureFixture
) -> None:
    place = store.folder_of(newer.release_id)
    (place / "source" / "hubs.csv").write_text("harmed\n", encoding="utf-8")
    served = InService(store.folder, prepare=lambda _: None)
    served.start(territory)
    store.rollback(newer.release_id, gate=_is_known)
    with caplog.at_level(logging.WARNING):
        served.reload_soon()
        until(lambda: bool(caplog.records))
    assert served.serving is not None
    assert served.serving.territory is territory
    (record,) = caplog.records
    assert record.getMessage().startswith("New release refused, the one in service stays: ")
    assert "source/hubs.csv is not the file that the catalog describes" in record.getMessage()
    assert "\n" not in record.getMessage()
    served.close()


def test_a_release_that_cannot_be_looked_at_is_not_held_on_to(
    store: ReleaseStore, territory: Territory, newer: Territory
) -> None:
    served = InService(store.folder, prepare=lambda _: None, load=as_read(territory, newer))
    served.start(territory)
    harmed = store.folder_of(newer.release_id)
    catalog = harmed / "catalog.toml"
    whole = catalog.read_text(encoding="utf-8")
    catalog.write_text("harmed", encoding="utf-8")
    store.rollback(newer.release_id, gate=_is_known)
    for _ in range(2):
        with pytest.raises(DataError, match=r"catalog\.toml"):
            served.reload()
    catalog.write_text(whole, encoding="utf-8")
    store.rollback(territory.release_id, gate=_is_known)
    assert not held(store, newer)
    store.rollback(newer.release_id, gate=_is_known)
    served.reload()
    assert held(store, newer)
    until(retired)
    served.close()
    assert not held(store, newer)


def test_a_release_that_is_ready_only_after_the_stop_is_let_go(
    store: ReleaseStore, territory: Territory, newer: Territory, caplog: pytest.LogCaptureFixture
) -> None:
    is_warming, may_go_on = threading.Event(), threading.Event()

    def slow(_: Serving) -> None:
        is_warming.set()
        assert may_go_on.wait(PATIENCE_S)

    load = as_read(territory, newer)
    served = InService(store.folder, prepare=lambda _: None, warm=slow, load=load)
    served.start(territory)
    store.rollback(newer.release_id, gate=_is_known)
    with caplog.at_level(logging.WARNING):
        served.reload_soon()
        assert is_warming.wait(PATIENCE_S)
        served.close()
        assert not held(store, newer), "not even if the process ends before its thread"
        may_go_on.set()
        until(lambda: not any(thread.name == RELOADING for thread in threading.enumerate()))
    assert served.serving is None
    assert not held(store, newer)
    assert caplog.messages == []
    served.reload_soon()
    until(lambda: not any(thread.name == RELOADING for thread in threading.enumerate()))
    assert caplog.messages == []


def test_a_release_whose_first_pages_break_off_is_let_go(
    store: ReleaseStore, territory: Territory, newer: Territory
) -> None:
    def broken(_: Serving) -> None:
        raise RuntimeError

    load = as_read(territory, newer)
    served = InService(store.folder, prepare=lambda _: None, warm=broken, load=load)
    served.start(territory)
    store.rollback(newer.release_id, gate=_is_known)
    with pytest.raises(RuntimeError):
        served.reload()
    assert served.serving is not None
    assert served.serving.territory is territory
    assert not held(store, newer)
    served.close()


def held(store: ReleaseStore, release: Territory) -> list[str]:
    """Return the markers of those who read a release of a store."""
    return [path.name for path in (store.folder / "readers").glob(f"{release.release_id}*")]


# --- Who may ask ----------------------------------------------------------------------------


@pytest.fixture
def ask(service: FastAPI, tmp_path: Path) -> Iterator[Callable[[Role, list[str]], TestClient]]:
    """Return a function that gives a client with a token of a role."""
    url = f"sqlite:///{tmp_path / 'dossiers.sqlite3'}"
    service.state.desk = Desk(Settings(advisers="on", database_url=SecretStr(url)))
    with Database.open(url) as db:

        def asking(role: Role, scopes: list[str]) -> TestClient:
            login = f"{role.value}.test"
            add_user(db, login, name=role.value, role=role, by=SYSTEM)
            token = issue_token(db, login, label="test", scopes=scopes, days=3, by=SYSTEM)
            return TestClient(service, headers={"Authorization": f"Bearer {token}"})

        yield asking
    service.state.desk.close()


def test_an_administrator_has_the_service_take_up_the_newest_release_or_hears_why_not(
    ask: Callable[[Role, list[str]], TestClient],
    store: ReleaseStore,
    territory: Territory,
    newer: Territory,
) -> None:
    admin = ask(Role.ADMIN, ["releases"])
    same = admin.post(RELOAD).json()
    assert same == {
        "before": territory.release_id, "release": territory.release_id, "is_new": False,
    }  # fmt: skip
    store.rollback(newer.release_id, gate=_is_known)
    answer = admin.post(RELOAD)
    assert answer.json()["release"] == newer.release_id
    assert answer.headers["Cache-Control"] == "no-store"
    assert admin.get(f"{V1}/release").json()["release"] == newer.release_id
    (store.folder_of(newer.release_id) / "catalog.toml").write_text("harmed")
    refused = admin.post(RELOAD)
    assert (refused.status_code, refused.headers["content-type"]) == (422, PROBLEM_JSON)
    assert "catalog.toml is not valid TOML" in refused.json()["detail"]
    assert admin.get(f"{V1}/release").json()["release"] == newer.release_id


@pytest.mark.parametrize(
    ("role", "scopes"), [(Role.ADVISER, ["files.read"]), (Role.ADMIN, ["files.read"])]
)
def test_nobody_else_has_it_take_up_a_release(
    ask: Callable[[Role, list[str]], TestClient], role: Role, scopes: list[str]
) -> None:
    refused = ask(role, scopes).post(RELOAD)
    assert refused.status_code == 403
    assert "releases" in refused.json()["detail"]


# --- The real thing -------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP")
def test_a_running_service_takes_up_a_release_on_a_signal(
    store: ReleaseStore, territory: Territory, newer: Territory
) -> None:
    environment = {**os.environ, "GEO_MATCHER_RELEASE": str(store.folder), "PYTHONPATH": "."}
    command = [sys.executable, "-m", "geo_matcher", "serve", "--port", "0"]
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            said = process.stdout.readline()
            assert territory.release_id in said
            address = re.findall(r"http://\S+", said)[0]
            assert _release_at(address) == territory.release_id
            store.rollback(newer.release_id, gate=_is_known)
            process.send_signal(signal.SIGHUP)
            until(lambda: _release_at(address) == newer.release_id)
            process.send_signal(signal.SIGINT)  # as Ctrl-C does
            told = process.stderr.read()
            assert f"Release {newer.release_id} is in service" in told
            assert told.count("\n") == 1, "to stop a service is nothing to speak of"
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()


def _release_at(address: str) -> str:
    with urllib.request.urlopen(f"{address}/readyz", timeout=PATIENCE_S) as answer:
        return str(json.load(answer)["release"])
