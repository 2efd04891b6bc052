"""Releases side by side: what is in service is always whole, whatever happens to its writer."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from geo_matcher.build import build_release, set_partners
from geo_matcher.catalog import Catalog, file_sha256
from geo_matcher.errors import DataError, StoreError
from geo_matcher.release_store import POINTER_FILE, ReleaseStore, held_release
from geo_matcher.territory import Territory
from tests.conftest import REPOSITORY
from tests.integration import killed_writer
from tests.integration.commands import Run
from tests.integration.killed_writer import light_gate

TABLES = 4
KILLS = 100
TABLE = """
[[table]]
name = "t{n}"
path = "source/t{n}.csv"
kind = "source"
title_fr = ""
title_en = ""
producer = ""
vintage = ""
licence = ""
licence_url = ""
url = ""
quality = "declared"
credit_fr = ""
credit_en = ""
note_fr = ""
note_en = ""
rows = 1
bytes = 0
sha256 = "{sha256}"
"""
HEAD = """
[release]
territory = "petit"
name_fr = "Petit"
name_en = "Small"
vintage = "2026-01"
cog_year = 2026
communes = 1
"""


def small_release(folder: Path, number: int) -> str:
    """Write a release of a few lines, each number another, and return its id."""
    (folder / "source").mkdir(parents=True)
    for n in range(TABLES):
        (folder / "source" / f"t{n}.csv").write_text(f"insee_code,x\n99001,{number}\n")
    digest = file_sha256(folder / "source" / "t0.csv")
    tables = (TABLE.format(n=n, sha256=digest) for n in range(TABLES))
    (folder / "catalog.toml").write_text(HEAD + "".join(tables))
    return Catalog.read(folder).release_id


@pytest.fixture
def small(tmp_path: Path) -> Callable[[int], Path]:
    """Return a function that gives the folder of a small release by its number."""

    def made(number: int) -> Path:
        folder = tmp_path / "made" / f"{number}"
        if not folder.is_dir():
            small_release(folder, number)
        return folder

    return made


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    moment = iter(range(1_000))
    begin = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    return ReleaseStore(
        tmp_path / "store", keep=3, clock=lambda: begin + dt.timedelta(hours=next(moment))
    )


def left_over(store: ReleaseStore) -> list[str]:
    """Return what lies in a store and belongs to none of its releases."""
    known = {POINTER_FILE, "releases", "readers", "writer.lock"}
    known_releases = {stored.release_id for stored in store.releases()}
    found = [path.name for path in store.folder.iterdir() if path.name not in known]
    found += [
        path.name
        for path in (store.folder / "releases").iterdir()
        if path.name not in known_releases
    ]
    readers = store.folder / "readers"
    return found + ([path.name for path in readers.iterdir()] if readers.is_dir() else [])


# --- One after the other --------------------------------------------------------------------


def test_the_last_published_is_in_service_and_a_rollback_goes_one_back(
    store: ReleaseStore, small: Callable[[int], Path]
) -> None:
    first, second, third = (store.publish(small(n), gate=light_gate) for n in (1, 2, 3))
    assert store.current == third
    assert [stored.release_id for stored in store.releases()] == [third, second, first]
    assert store.rollback(gate=light_gate) == second
    assert store.rollback(gate=light_gate) == first
    with pytest.raises(StoreError, match="has no release before"):
        store.rollback(gate=light_gate)
    assert store.current == first
    assert store.rollback(third, gate=light_gate) == third
    assert store.rollback(gate=light_gate) == first, "the one in service before"
    assert left_over(store) == []


def test_old_releases_go_by_count_and_never_one_that_is_read(
    store: ReleaseStore, small: Callable[[int], Path]
) -> None:
    ids = [store.publish(small(0), gate=light_gate)]
    held = store.hold()
    ids += [store.publish(small(n), gate=light_gate) for n in range(1, 6)]
    assert {stored.release_id for stored in store.releases()} == {*ids[-3:], ids[0]}
    light_gate(held.folder)
    held.release()
    ids.append(store.publish(small(6), gate=light_gate))
    assert [stored.release_id for stored in store.releases()] == ids[:-4:-1]
    assert not held.folder.exists()
    assert left_over(store) == []


def test_a_hold_of_another_process_counts_and_ends_with_it(
    store: ReleaseStore, small: Callable[[int], Path]
) -> None:
    first = store.publish(small(0), gate=light_gate)
    reader = (
        "import sys, pathlib; from geo_matcher.release_store import held_release; "
        "held = held_release(pathlib.Path(sys.argv[1])); print('held', flush=True); "
        "sys.stdin.read()"
    )
    command = [sys.executable, "-c", reader, str(store.folder)]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        for n in range(1, 5):
            store.publish(small(n), gate=light_gate)
        assert first in {stored.release_id for stored in store.releases()}
        process.kill()
    store.publish(small(5), gate=light_gate)
    assert first not in {stored.release_id for stored in store.releases()}
    assert left_over(store) == []


def test_the_same_release_again_is_neither_copied_nor_written_down_twice(
    store: ReleaseStore, small: Callable[[int], Path]
) -> None:
    first = store.publish(small(1), gate=light_gate)
    before = (store.folder / POINTER_FILE).read_bytes()
    number = (store.folder / "releases" / first).stat().st_ino
    assert store.publish(small(1), gate=light_gate) == first
    assert (store.folder / POINTER_FILE).read_bytes() == before
    assert (store.folder / "releases" / first).stat().st_ino == number


def test_the_same_release_again_mends_one_that_a_disk_has_harmed(
    store: ReleaseStore, small: Callable[[int], Path]
) -> None:
    first = store.publish(small(1), gate=light_gate)
    store.publish(small(2), gate=light_gate)
    place = store.folder_of(first)
    (place / "source" / "t0.csv").write_text("harmed")
    with pytest.raises(DataError, match="is not whole"):
        store.rollback(gate=light_gate)
    assert store.current != first
    assert store.publish(small(1), gate=light_gate) == first
    light_gate(place)


# --- What is refused ------------------------------------------------------------------------


def test_a_bad_release_is_refused_by_its_own_name_and_the_old_one_stays(
    store: ReleaseStore, small: Callable[[int], Path]
) -> None:
    first = store.publish(small(1), gate=light_gate)
    (small(2) / "source" / "t3.csv").write_text("harmed")
    with pytest.raises(DataError, match="made/2 is not whole") as refused:
        store.publish(small(2), gate=light_gate)
    assert ".incoming" not in str(refused.value)
    assert (store.current, left_over(store)) == (first, [])


def test_a_release_whose_name_leads_out_of_the_store_is_refused(
    store: ReleaseStore, small: Callable[[int], Path]
) -> None:
    catalog = small(1) / "catalog.toml"
    catalog.write_text(catalog.read_text().replace('"petit"', '"../../petit"'))
    with pytest.raises(DataError, match="expected letters, digits"):
        store.publish(small(1), gate=light_gate)
    assert not list(store.folder.parent.glob("petit*"))


def test_one_writer_at_a_time(store: ReleaseStore, small: Callable[[int], Path]) -> None:
    def slow(incoming: Path) -> None:
        other = ReleaseStore(store.folder)
        with pytest.raises(StoreError, match="Another program is writing"):
            other.publish(small(2), gate=light_gate)
        shutil.copytree(small(1), incoming, dirs_exist_ok=True)

    first = store.publish(slow, gate=light_gate)
    assert store.current == first


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be understood"),
        ("[]", "cannot be understood"),
        ('{"format": 2}', "a newer program"),
        ('{"format": 1, "line": [{"release": "../x", "since": "2026-01-01"}], '
         '"published": {"../x": "2026-01-01"}}', "cannot be of this store"),
        ('{"format": 1, "line": [{"release": "x", "since": "2026-01-01"}], "published": {}}',
         "cannot be of this store"),
    ],
)  # fmt: skip
def test_a_broken_pointer_is_told_and_nothing_is_written(
    store: ReleaseStore, small: Callable[[int], Path], text: str, message: str
) -> None:
    store.publish(small(1), gate=light_gate)
    (store.folder / POINTER_FILE).write_text(text)
    for refused in (
        lambda: store.current,
        lambda: Territory.load(store.folder),
        lambda: store.publish(small(2), gate=light_gate),
    ):
        with pytest.raises(StoreError, match=message):
            refused()
    assert (store.folder / POINTER_FILE).read_text() == text


def test_a_store_that_can_only_be_read_is_read(
    store: ReleaseStore, small: Callable[[int], Path]
) -> None:
    store.publish(small(1), gate=light_gate)
    (store.folder / "readers").write_text("a file where a folder should be: no marker can be made")
    with held_release(store.folder) as folder:
        light_gate(folder)


def test_too_few_to_go_back_to_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected 2 or more"):
        ReleaseStore(tmp_path, keep=1)


# --- The command line -----------------------------------------------------------------------


@pytest.mark.usefixtures("read_once")
def test_commands_publish_list_compare_roll_back_and_build_in_a_store(
    run: Run, tmp_path: Path, small_gers: Territory, small_newer: Territory
) -> None:
    territory, newer = small_gers, small_newer
    folder = str(tmp_path / "store")
    empty = run("data", "releases", "--store", folder)
    assert (empty.code, "holds no release yet" in empty.text) == (0, True)
    first = run("data", "publish", str(territory.folder), "--store", folder)
    assert f"{territory.release_id} is in service in {folder}" in first.text
    assert f"GEO_MATCHER_RELEASE={folder}" in first.text
    followed = run("--release", folder, "data", "publish", str(newer.folder))
    assert "takes it up on SIGHUP" in followed.text
    listed = run("--release", folder, "data", "releases", "--format", "json").json
    assert [(one["release"], one["is_current"]) for one in listed] == [
        (newer.release_id, True),
        (territory.release_id, False),
    ]
    told = run("data", "releases", "--store", folder).text
    assert re.search(
        rf"{newer.release_id} {newer.catalog.vintage} \S+ \S+ [\d.]+ MB in service", told
    )
    ids = (territory.release_id, newer.release_id)
    one = ("--profile-name", "paris-web-family", "--format", "json")
    assert run("data", "diff", *ids, "--store", folder, *one).json["after"] == newer.release_id
    unknown = run("data", "rollback", "gers-2020-01-0", "--store", folder)
    assert (unknown.code, territory.release_id in unknown.err) == (2, True)
    back = run("data", "rollback", "--store", folder)
    assert f"{territory.release_id} is in service" in back.text
    assert f"{territory.release_id}: " in run("--release", folder, "data", "check").text


def test_what_changes_a_release_publishes_a_new_one_in_a_store(
    tmp_path: Path, small_gers: Territory
) -> None:
    store = ReleaseStore(tmp_path / "store")
    first = store.publish(small_gers.folder, gate=Territory.load)
    partners = tmp_path / "partners.csv"
    partners.write_text("insee_code,valid_from\n32162,2026-01-01\n", encoding="utf-8")
    changed = set_partners(store.folder, partners)
    assert changed.release_id == store.current != first
    assert set(changed.partner_evidence.values()) == {"sourced"}
    assert Territory.load(store.folder_of(first)).release_id == first, "it never changes"
    with pytest.raises(DataError, match="where nothing is changed"):
        build_release(store.folder_of(first))


# --- kill -9 --------------------------------------------------------------------------------


@contextmanager
def writer(store: Path, gate: str) -> Iterator[Callable[..., str]]:
    """Return a function that publishes from another process, which dies at a step."""
    command = [sys.executable, "-m", killed_writer.__name__, str(store), gate]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        given, told = process.stdin, process.stdout

        def publish(folder: Path, fatal_step: int = 0) -> str:
            given.write(f"{fatal_step} {folder}\n")
            given.flush()
            return told.readline().strip()

        yield publish
        given.close()


@pytest.mark.skipif(os.name == "nt", reason="there is no fork and no SIGKILL")
def test_killed_at_any_of_a_hundred_points_the_old_release_or_the_new_one_is_whole(
    store: ReleaseStore, small: Callable[[int], Path]
) -> None:
    with writer(store.folder, "light") as publish:
        for number in (-3, -2, -1):
            ended = publish(small(number))
        steps, moved = map(int, ended.split()[1:])
        assert steps > 2 * KILLS
        # Half of them all over; half one by one around the moment at which the pointer moves.
        spread = [1 + number * steps // (KILLS // 2) for number in range(KILLS // 2)]
        around = range(moved - KILLS // 4, moved + KILLS // 4)
        outcomes = []
        for number, fatal_step in enumerate([*spread, *around]):
            if number % 3:  # else this writer also clears away what the last one left
                store.rollback(store.current, gate=light_gate)
            before = store.current
            new = Catalog.read(small(number)).release_id
            how = publish(small(number), fatal_step)
            assert how == "killed"
            now = ReleaseStore(store.folder)
            assert now.current in {before, new}
            with now.hold() as folder:
                light_gate(folder)
                assert Catalog.read(folder).release_id == now.current
            for stored in now.releases():
                light_gate(stored.folder)
            assert sum(stored.is_current for stored in now.releases()) == 1
            outcomes.append(now.current == new)
        assert 0 < sum(outcomes) < KILLS, "some died before the pointer moved, and some after"
        assert publish(small(KILLS)).startswith("ended")
    assert left_over(store) == []
    assert len(store.releases()) == killed_writer.MIN_KEPT


@pytest.mark.skipif(os.name == "nt", reason="there is no fork and no SIGKILL")
def test_killed_at_the_real_gate_the_old_release_or_the_new_one_is_whole(
    tmp_path: Path, small_gers: Territory, small_newer: Territory
) -> None:
    newer = small_newer
    store = ReleaseStore(tmp_path / "store")
    with writer(store.folder, "real") as publish:
        steps = int(publish(small_gers.folder).split()[1])
        old = store.current
        for share in (0.5, 0.9):
            assert publish(newer.folder, int(share * steps)) == "killed"
            assert Territory.load(store.folder).release_id == store.current
            assert store.current in {old, newer.release_id}
        assert publish(newer.folder).startswith("ended")
    assert Territory.load(store.folder).release_id == newer.release_id
    assert left_over(store) == []
