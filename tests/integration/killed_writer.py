"""A writer of a store that is killed at a step: run as a program, it forks one for each line read.

A step is whatever the interpreter tells an audit hook of before it asks the system for it (a file
opened, a folder made, renamed, listed, removed), as far as it touches the store. Each line that is
read names a folder to publish and the step to die at, 0 for none; each line that is written says
how it went: ``killed``, or ``ended`` and the number of steps.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from geo_matcher.catalog import Catalog, file_sha256
from geo_matcher.errors import DataError
from geo_matcher.release_store import ReleaseStore

MIN_KEPT = 2


def light_gate(folder: Path) -> None:
    """Refuse a folder that does not hold just the files of its catalog; quick to import and run."""
    catalog = Catalog.read(folder)
    wrong = [t.path for t in catalog.tables if file_sha256(folder / t.path) != t.sha256]
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    if wrong or files != {"catalog.toml", *(table.path for table in catalog.tables)}:
        raise DataError(f"{folder} is not whole: {wrong or sorted(files)}")


def publish(store: Path, folder: Path, fatal_step: int, gate: Any, told: int) -> None:
    """Publish a folder, and die at a step."""
    steps = 0

    def count(_: str, arguments: tuple[Any, ...]) -> None:
        nonlocal steps
        if any(isinstance(a, (str, Path)) and str(a).startswith(str(store)) for a in arguments):
            steps += 1
            if steps == fatal_step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    ReleaseStore(store, keep=MIN_KEPT).publish(folder, gate=gate)
    os.write(told, b"%d" % steps)


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
