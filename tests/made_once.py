"""What takes long to make is made once in a run of the tests, whatever the number of workers."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.platform != "win32":
    import fcntl


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that the first worker to ask has made; the others wait for it.

    It is shared, so no test may change it. One that was left half made is made anew.
    """
    base = factory.getbasetemp()
    if base.name.startswith("popen-"):  # a worker's own folder lies in that of the run
        base = base.parent
    folder = base / "made-once" / name
    folder.parent.mkdir(exist_ok=True)
    with folder.with_name(f"{name}.lock").open("w") as lock:
        if sys.platform != "win32":
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            half = folder.with_name(f"{name}-half")
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            make(half)
            half.rename(folder)
    return folder
