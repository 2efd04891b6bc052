"""The bars that show how far downloads are."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from geo_matcher.console_progress import DownloadBars


def screen(*, is_terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=is_terminal, width=120)


def text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_bar_shows_name_size_and_end() -> None:
    console = screen(is_terminal=True)
    with DownloadBars(console) as bars:
        bars("commune_[bold]techno.csv", 0, 2_400_000)
        bars("commune_[bold]techno.csv", 600_000, 2_400_000)
        bars("commune_[bold]techno.csv", 2_400_000, 2_400_000)
    assert "commune_[bold]techno.csv" in text(console)
    assert "2.4/2.4 MB" in text(console)


def test_a_long_name_keeps_its_end() -> None:
    console = screen(is_terminal=True)
    with DownloadBars(console) as bars:
        bars("x" * 80 + "2026_T2.csv", 5, None)
    assert "…" in text(console)
    assert "x2026_T2.csv" in text(console)
    assert "x" * 37 not in text(console)


def test_ctrl_c_leaves_the_terminal_as_it_was() -> None:
    console = screen(is_terminal=True)

    def interrupted() -> None:
        with DownloadBars(console) as bars:
            bars("a.csv", 1, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert text(console).rstrip().endswith("\x1b[?25h")  # the cursor is shown again


def test_a_sentence_stands_above_the_bars() -> None:
    console = screen(is_terminal=True)
    with DownloadBars(console) as bars:
        bars("a.csv", 1, 2)
        bars.tell("data.example [503]: trying again, 2 of 6, in 4 s")
    assert "data.example [503]: trying again, 2 of 6, in 4 s\n" in text(console)


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    console = screen(is_terminal=False)
    with DownloadBars(console) as bars:
        bars("a.csv", 1, 2)
        bars.tell("trying again")
    assert text(console) == ""
