"""What the tests of this folder share: the service, a command line that reads once, roads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import shapely
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from geo_matcher.build import set_roads
from geo_matcher.road_network import to_lambert_93
from geo_matcher.sources.openstreetmap import BUFFER_KM, Download, road_area
from geo_matcher.territory import Territory
from tests.conftest import RELEASE
from tests.integration.commands import Run, caller
from tests.made_once import made_once
from tests.rural_graph import rural_roads, within

JUNCTIONS = 4000


@pytest.fixture(scope="session")
def app(territory: Territory) -> FastAPI:
    """Return the service on the shipped release; it is shared, so no test may change it."""
    return create_app(Settings(release=territory.folder), territory)


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    """Return a client of the service; what fails inside the service fails the test."""
    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="session")
def small_client(small_gers: Territory) -> Iterator[TestClient]:
    """Return a client of a service on the communes around Auch."""
    with TestClient(create_app(Settings(release=small_gers.folder), small_gers)) as client:
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
def download(territory: Territory) -> Download:
    """Return invented roads over the real town halls, as the map would give them."""
    own = territory.communes.geometry.to_crs(2154).union_all().buffer(BUFFER_KM * 1000)
    halls = territory.tables["town_halls"]
    at = np.column_stack(to_lambert_93(halls["town_hall_lon"], halls["town_hall_lat"]))
    anchors = at[shapely.contains_xy(own, at)]
    shapely.prepare(own)
    roads = within(rural_roads(JUNCTIONS, own.bounds, seed=5, anchors=anchors), own)
    return Download(roads, road_area(territory.communes), "2026-06-01", "invented for a test")


@pytest.fixture(scope="session")
def on_roads(tmp_path_factory: pytest.TempPathFactory, download: Download) -> Territory:
    """Return the shipped release with invented roads over its real town halls."""

    def make(folder: Path) -> None:
        set_roads(Path(shutil.copytree(RELEASE, folder / "communes")), download)

    return Territory.load(made_once(tmp_path_factory, "on_roads", make) / "communes")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that calls the command line and tells what it printed."""
    return caller(monkeypatch, capsys)
