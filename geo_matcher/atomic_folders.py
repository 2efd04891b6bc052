"""Folders that change places in one step, and files that are on the disk before they do.

Hides what each system offers for it, and that a program which is killed leaves its work behind.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from geo_matcher.errors import DataError

__all__ = ["exchange", "replacing", "sync", "sync_tree"]


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Give a folder that does not exist yet to make; it takes the place of another in one step.

    It is made beside the other, and on the disk before the two change places. What a program that
    was killed left behind goes first. One program at a time replaces a folder: meanwhile it holds
    the lock ``.NAME.lock`` beside it.

    Parameters
    ----------
    folder
        What is to be replaced, or to come into being; its parent exists.

    Raises
    ------
    DataError
        If another program is replacing it.
    """
    folder = folder.absolute()
    lock = folder.with_name(f".{folder.name}.lock")
    try:
        with FileLock(lock, timeout=0):
            _sweep(folder)
            scratch = folder.with_name(f".{folder.name}-{uuid.uuid4().hex}")
            scratch.mkdir()
            try:
                copy = scratch / folder.name
                yield copy
                sync_tree(copy)
                if folder.is_dir():
                    exchange(folder, copy)
                else:
                    copy.rename(folder)
                sync(folder.parent)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
                lock.unlink(missing_ok=True)
    except Timeout:
        raise DataError(
            f"Another program is writing {folder}. Wait until it has ended, or name another folder."
        ) from None


def _sweep(folder: Path) -> None:
    """Remove what programs that were killed had made to replace a folder, and no other's."""
    left_behind = re.compile(rf"\.{re.escape(folder.name)}-[0-9a-f]{{32}}")
    for path in folder.parent.iterdir():
        if left_behind.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)


def exchange(folder: Path, copy: Path) -> None:
    """Swap two folders of the same file system, atomically on Linux.

    Elsewhere two renames are made; between them the old release stands whole beside its place.
    """
    at_fdcwd, rename_exchange = -100, 2
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is not None:
        paths = os.fsencode(folder), os.fsencode(copy)
        if rename(at_fdcwd, paths[0], at_fdcwd, paths[1], rename_exchange) == 0:
            return
    aside = copy.with_name(copy.name + ".previous")
    folder.rename(aside)
    try:
        copy.rename(folder)
    except OSError:
        aside.rename(folder)
        raise


def sync_tree(folder: Path) -> None:
    """Have a folder and all that is in it on the disk."""
    for path in (*folder.rglob("*"), folder):
        sync(path)


def sync(path: Path) -> None:
    """Have a file, or what a folder lists, on the disk."""
    if os.name == "nt" and path.is_dir():
        return  # folders cannot be opened there
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
