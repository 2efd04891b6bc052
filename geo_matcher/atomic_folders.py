"""Folders that change places in one step, and files that are on the disk before they do.

Hides what each system offers for it.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

__all__ = ["exchange", "sync", "sync_tree"]


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
