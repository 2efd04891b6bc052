"""What every test shares: the shipped release, copies of it to break, and a closed network."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TextIO

import pytest
from hypothesis import HealthCheck, settings

from geo_matcher.territory import Territory
from tests.made_once import made_once
from tests.newer_release import newer_release
from tests.small_gers import make_small_gers

REPOSITORY = Path(__file__).resolve().parents[1]
RELEASE = REPOSITORY / "data" / "communes"
LOOPBACK = ["127.0.0.0/8", "::1", "localhost"]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")

MEASURED_ELSEWHERE = "tests/property/"
"""What runs here runs in other tests, too, and often: counting its lines would only take longer."""

MOST_WORKERS = 4
"""A test run should not take a large machine over."""

ROOM = pytest.StashKey[TextIO | None]()

if sys.platform != "win32":
    import fcntl

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let no test reach another machine, and count the lines of a run of many examples nowhere."""
    for item in items:
        item.add_marker(pytest.mark.allow_hosts(LOOPBACK))
        if item.nodeid.startswith(MEASURED_ELSEWHERE):
            item.add_marker(pytest.mark.no_cover)


def pytest_collection_finish() -> None:
    """Leave what is there by now out of the search for garbage: it stays till the end."""
    gc.collect()
    gc.freeze()


def pytest_xdist_auto_num_workers() -> int:
    """Start one worker more than there are cores: one that waits for a browser needs none."""
    return min(MOST_WORKERS, (os.cpu_count() or 1) + 1)


def _is_alone(item: pytest.Item | None) -> bool:
    return item is not None and item.get_closest_marker("alone") is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """Let a test marked ``alone`` run while those of the other workers wait.

    Two files are locked. The room is shared by all tests but one marked ``alone``, which has it for
    itself, and keeps it for the next if that is marked, too. Whoever waits for the room stands in
    the door, so that nobody slips in before.
    """
    cache = getattr(item.config, "cache", None)
    if sys.platform == "win32" or cache is None or "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)
    room = item.config.stash.get(ROOM, None)
    if room is None:
        folder = cache.mkdir("turns")
        room = (folder / "room").open("w")
        with (folder / "door").open("w") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            fcntl.flock(room, fcntl.LOCK_EX if _is_alone(item) else fcntl.LOCK_SH)
    item.config.stash[ROOM] = None
    try:
        return (yield)
    finally:
        if _is_alone(item) and _is_alone(nextitem):
            item.config.stash[ROOM] = room
        else:
            room.close()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GEO_MATCHER_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def territory() -> Territory:
    """Return the shipped release; it is shared, so no test may change it."""
    return Territory.load(RELEASE)


@pytest.fixture(scope="session")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Territory:
    """Return a newer release, as one that follows the shipped one; shared, as that one is."""

    def make(folder: Path) -> None:
        newer_release(Path(shutil.copytree(RELEASE, folder / "communes")))

    return Territory.load(made_once(tmp_path_factory, "newer", make) / "communes")


@pytest.fixture(scope="session")
def small_gers(tmp_path_factory: pytest.TempPathFactory) -> Territory:
    """Return the communes around Auch: for what takes long and needs no département."""
    made = made_once(tmp_path_factory, "small_gers", lambda at: make_small_gers(at / "communes"))
    return Territory.load(made / "communes")


@pytest.fixture(scope="session")
def small_newer(tmp_path_factory: pytest.TempPathFactory, small_gers: Territory) -> Territory:
    """Return a newer release of the same communes: less fibre in Pavie, lower prices in Jegun."""

    def make(folder: Path) -> None:
        shutil.copytree(small_gers.folder, folder / "communes")
        newer_release(folder / "communes", fibre_fell="32307", price_fell="32162")

    return Territory.load(made_once(tmp_path_factory, "small_newer", make) / "communes")


@pytest.fixture
def release_copy(tmp_path: Path) -> Path:
    """Return a copy of the shipped release, to break."""
    return Path(shutil.copytree(RELEASE, tmp_path / "communes"))


@pytest.fixture
def small_copy(tmp_path: Path, small_gers: Territory) -> Path:
    """Return a copy of the communes around Auch, to build anew."""
    return Path(shutil.copytree(small_gers.folder, tmp_path / "communes"))


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[str, bytes]]:
    """Return a function that reads every file under a folder, to compare before and after."""

    def read(folder: Path) -> dict[str, bytes]:
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    return read


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Return the path of the system's Chromium; skip where there is none."""
    chosen = os.environ.get("CHROMIUM_PATH")
    found = chosen or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found is None or not Path(found).is_file():
        pytest.skip(
            "No Chromium was found: install one or give its path in CHROMIUM_PATH to run this test."
        )
    return found
