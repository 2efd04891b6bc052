"""Another release goes into service while people ask: none is refused, none sees two at once."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import in_service
from api.app import create_app
from api.in_service import RELEASE_HEADER, InService
from api.settings import Settings
from geo_matcher.presets import PRESETS
from geo_matcher.release_store import ReleaseStore
from geo_matcher.territory import Territory

V1 = "/api/v1"
PROFILE = PRESETS["paris-web-family"].profile.as_dict()
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
def store(tmp_path: Path, territory: Territory) -> ReleaseStore:
    store = ReleaseStore(tmp_path / "store")
    store.publish(territory.folder, gate=lambda _: None)
    return store


@pytest.fixture
def service(
    store: ReleaseStore, territory: Territory, newer: Territory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FastAPI]:
    """Give the service on a store, whose releases are not read anew but are other values."""
    monkeypatch.setattr(
        in_service.InService.__init__,
        "__kwdefaults__",
        {**InService.__init__.__kwdefaults__, "load": as_read(territory, newer)},  # type: ignore[dict-item]
    )
    app = create_app(Settings(release=store.folder))
    with TestClient(app):
        yield app


ASKED: tuple[Callable[[TestClient], Any], ...] = (
    lambda client: client.get(f"{V1}/release"),
    lambda client: client.get(f"{V1}/communes/32249"),
    lambda client: client.get("/readyz"),
    lambda client: client.post(f"{V1}/matches", json={"profile": PROFILE, "scope": "all"}),
    lambda client: client.get("/communes/32249"),
)


def test_no_request_fails_while_releases_switch_and_each_is_of_one(
    service: FastAPI, store: ReleaseStore, territory: Territory, newer: Territory
) -> None:
    served: InService = service.state.in_service
    answers: list[tuple[int, str | None, str]] = []
    is_over = threading.Event()
    first_of = {}
    for one in (territory, newer):
        (store.folder / "expected").mkdir(exist_ok=True)
        first_of[one.release_id] = None

    def keep_asking(number: int) -> None:
        client = TestClient(service)
        for ask in itertools.cycle(ASKED[number:] + ASKED[:number]):
            if is_over.is_set():
                return
            answer = ask(client)
            said = answer.headers.get(RELEASE_HEADER)
            body = answer.json().get("release") if "json" in answer.headers["content-type"] else ""
            answers.append((answer.status_code, said, body or said))

    askers = [threading.Thread(target=keep_asking, args=(n,)) for n in range(ASKERS)]
    for asker in askers:
        asker.start()
    for number in range(SWITCHES):
        asked = len(answers)
        until(lambda asked=asked: len(answers) > asked + ASKERS)  # type: ignore[misc]
        which = (newer, territory)[number % 2]
        store.publish(which.folder, gate=lambda _: None)
        done = served.reload()
        assert done is not None
        assert (done.release, done.is_new) == (which.release_id, True)
    is_over.set()
    for asker in askers:
        asker.join()
    assert {status for status, _, _ in answers} == {200}
    assert all(said == body for _, said, body in answers)
    assert {said for _, said, _ in answers} == {territory.release_id, newer.release_id}
