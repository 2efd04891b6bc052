"""What the tests of this folder share: the service, a command line that reads once, roads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from geo_matcher.build import set_roads
from geo_matcher.sources.openstreetmap import BUFFER_KM, Download, road_area
from geo_matcher.territory import Territory
from tests.conftest import RELEASE
from tests.integration.commands import Run, caller


@pytest.fixture(scope="session")
def app(territory: Territory) -> FastAPI:
    """Return the service on the shipped release; it is shared, so no test may change it."""
    return create_app(Settings(release=territory.folder), territory)


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    """Return a client of the service; what fails inside the service fails the test."""
    with TestClient(app) as client:
        yield client


@pytest.fixture
def read_once(monkeypatch: pytest.MonkeyPatch, territory: Territory) -> None:
    """Let no call of the command line read the shipped release again; other folders are read.

    Calls in a process of their own, and the tests of ``Territory.load``, still read it.
    """
    load = Territory.load
    known = {territory.folder: territory}
    monkeypatch.setattr(
        Territory, "load", lambda folder: known.get(Path(folder)) or load(Path(folder))
    )


@pytest.fixture(scope="session")
def on_roads(tmp_path_factory: pytest.TempPathFactory, territory: Territory) -> Territory:
    """Return the shipped release with invented roads over its real town halls."""
    from tests.integration.test_roads import invented

    roads = invented(territory, BUFFER_KM)
    told = Download(roads, road_area(territory.communes), "2026-06-01", "invented for a test")
    folder = Path(shutil.copytree(RELEASE, tmp_path_factory.mktemp("on_roads") / "communes"))
    return set_roads(folder, told)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that calls the command line and tells what it printed."""
    return caller(monkeypatch, capsys)
