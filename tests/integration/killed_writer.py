"""A writer of a store that is killed at a step: run as a program, it forks one for each line read.

A step is the moment before something is asked of the system in the store (a file opened, a folder
made, renamed, removed: whatever the interpreter tells an audit hook of), and the moment after each
call that opens, writes, closes or renames: a file that was just emptied is such a moment. Each line
that is read names a folder to publish and the step to die at, 0 for none; each line that is written
says how it went: ``killed``, or ``ended``, the number of steps, and at which the pointer had moved.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from geo_matcher.catalog import Catalog, file_sha256
from geo_matcher.errors import DataError
from geo_matcher.release_store import POINTER_FILE, ReleaseStore

MIN_KEPT = 2
CALLS = frozenset(
    [
        *("open", "write", "flush", "close", "__exit__", "fsync", "rename", "replace"),
        *("mkdir", "rmdir", "unlink", "chmod", "utime", "sendfile", "copy_file_range"),
    ]
)
"""Calls after which a writer may die."""


def light_gate(folder: Path) -> None:
    """Refuse a folder that does not hold just the files of its catalog; quick to import and run."""
    catalog = Catalog.read(folder)
    wrong = [t.path for t in catalog.tables if file_sha256(folder / t.path) != t.sha256]
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    if wrong or files != {"catalog.toml", *(table.path for table in catalog.tables)}:
        raise DataError(f"{folder} is not whole: {wrong or sorted(files)}")


def publish(store: Path, folder: Path, fatal_step: int, gate: Any, told: int) -> None:
    """Publish a folder, and die at a step."""
    steps = moved = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == fatal_step:
            os.kill(os.getpid(), signal.SIGKILL)

    def before(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal moved
        if any(isinstance(a, (str, Path)) and str(a).startswith(str(store)) for a in arguments):
            if event == "os.rename" and str(arguments[1]).endswith(POINTER_FILE):
                moved = steps
            step()

    def after(_: Any, event: str, called: Any) -> None:
        if event == "c_return" and called.__name__ in CALLS:
            step()

    sys.addaudithook(before)
    sys.setprofile(after)
    ReleaseStore(store, keep=MIN_KEPT).publish(folder, gate=gate)
    sys.setprofile(None)
    os.write(told, b"%d %d" % (steps, moved))


def main(store: Path, gate: Any) -> None:
    """Serve one line after the other."""
    for line in sys.stdin:
        fatal_step, _, folder = line.strip().partition(" ")
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                publish(store, Path(folder), int(fatal_step), gate, writing)
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        steps = os.read(reading, 20).decode()
        os.close(reading)
        how = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        words = {-signal.SIGKILL: "killed", 0: f"ended {steps}"}
        sys.stdout.write(words.get(how, f"failed {how}") + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[2] == "light":
        main(Path(sys.argv[1]), light_gate)
    else:
        from geo_matcher.territory import Territory

        main(Path(sys.argv[1]), Territory.load)
