"""What the tests of this folder share: the service, and a command line that need not read again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from geo_matcher.territory import Territory


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
