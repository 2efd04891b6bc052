"""A folder that takes the place of another: on the disk first, in one step, nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from geo_matcher import atomic_folders
from geo_matcher.atomic_folders import replacing
from geo_matcher.errors import DataError

KILLED = """
import sys, time
from pathlib import Path
from geo_matcher.atomic_folders import replacing
with replacing(Path(sys.argv[1])) as copy:
    copy.mkdir()
    (copy / "half").write_text("half")
    print("begun", flush=True)
    time.sleep(60)
"""


def write(folder: Path, text: str) -> None:
    with replacing(folder) as copy:
        copy.mkdir()
        (copy / "a").write_text(text)


def test_what_is_made_is_on_the_disk_before_it_takes_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    def noted(name: str, call: Callable[..., Any]) -> None:
        def noting(*arguments: Any) -> Any:
            steps.append(f"{name} {Path(arguments[0]).name}")
            return call(*arguments)

        monkeypatch.setattr(atomic_folders, name, noting)

    for name in ("sync", "exchange"):
        noted(name, getattr(atomic_folders, name))
    write(tmp_path / "release", "old")
    assert steps == ["sync a", "sync release", f"sync {tmp_path.name}"]
    steps.clear()
    write(tmp_path / "release", "new")
    assert steps == ["sync a", "sync release", "exchange release", f"sync {tmp_path.name}"]
    assert (tmp_path / "release" / "a").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["release"]


def test_what_a_killed_program_left_goes_next_time_and_no_other(tmp_path: Path) -> None:
    release, other = tmp_path / "release-46", tmp_path / "release-46-bis"
    with replacing(other) as copy:  # a name that begins alike, at work at the same time
        copy.mkdir()
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(release)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "begun\n"
        with pytest.raises(DataError, match=r"Another program is writing .*release-46"):
            write(release, "refused")
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        left = [p for p in tmp_path.iterdir() if re.fullmatch(r"\.release-46-\w{32}", p.name)]
        assert [(p / "release-46" / "half").read_text() for p in left] == ["half"]
        assert not release.exists()
        write(release, "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["release-46", "release-46-bis"]
    assert (release / "a").read_text() == "whole"


def fails(copy: Path) -> None:
    copy.mkdir()
    raise RuntimeError("the power went")


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    release = tmp_path / "release"
    write(release, "old")
    with pytest.raises(RuntimeError, match="the power went"), replacing(release) as copy:
        fails(copy)
    assert (release / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["release"]
