"""Bars on the terminal that show how far downloads are.

Hides the terminal library and the threads that the news comes from.
"""

from __future__ import annotations

import threading
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

__all__ = ["DownloadBars"]

MAX_NAME = 36
"""Characters of a file's name that are shown."""


class DownloadBars:
    """A bar for each file under way, with its size, its speed and the time left.

    To be used as a context and given to a fetcher as its ``progress``. Where the output is no
    terminal nothing is drawn.

    Parameters
    ----------
    console
        Where to draw; standard error by default, so that the output of a command stays clean.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console or Console(stderr=True),
            transient=False,
        )
        self._is_shown = self._progress.console.is_terminal
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> DownloadBars:
        """Start drawing."""
        if self._is_shown:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the bars as they are; after Ctrl-C as well."""
        if self._is_shown:
            self._progress.stop()

    def __call__(self, name: str, done: int, total: int | None) -> None:
        """Show that so many bytes of a file are there, of those in all if they are known."""
        if not self._is_shown:
            return
        with self._lock:
            if name not in self._tasks:
                shown = name if len(name) <= MAX_NAME else f"…{name[1 - MAX_NAME :]}"
                self._tasks[name] = self._progress.add_task(escape(shown), total=total)
            task = self._tasks[name]
        self._progress.update(task, completed=done, total=total)

    def tell(self, sentence: str) -> None:
        """Write a sentence above the bars."""
        if self._is_shown:
            self._progress.console.print(escape(sentence), highlight=False)
