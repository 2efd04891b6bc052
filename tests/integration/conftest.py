"""A release with roads for the tests of what people see: built once, over invented roads."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from geo_matcher.build import set_roads
from geo_matcher.sources.openstreetmap import BUFFER_KM, Download, road_area
from geo_matcher.territory import Territory
from tests.conftest import RELEASE


@pytest.fixture(scope="session")
def on_roads(tmp_path_factory: pytest.TempPathFactory, territory: Territory) -> Territory:
    """Return the shipped release with invented roads over its real town halls."""
    from tests.integration.test_roads import invented

    roads = invented(territory, BUFFER_KM)
    told = Download(roads, road_area(territory.communes), "2026-06-01", "invented for a test")
    folder = Path(shutil.copytree(RELEASE, tmp_path_factory.mktemp("on_roads") / "communes"))
    return set_roads(folder, told)
