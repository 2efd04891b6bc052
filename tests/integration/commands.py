"""Calling the command line as a person would, without a process of its own."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from geo_matcher.cli import main

WIDTH = 140
"""Columns of the terminal."""


class Outcome(NamedTuple):
    """What a call printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """What was printed, as one line: a terminal wraps where it must."""
        return re.sub(r"[ \n]+", " ", self.out)

    @property
    def plain(self) -> str:
        """The same, with ordinary spaces in place of those that do not break."""
        return re.sub(r"\s+", " ", self.out)

    @property
    def json(self) -> Any:
        """What was printed, read as JSON."""
        assert self.code == 0, self.err
        return json.loads(self.out)


Run = Callable[..., Outcome]


def caller(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that calls the command line with some arguments, and what is typed."""
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def call(*arguments: str, typed: str = "") -> Outcome:
        monkeypatch.setattr(sys, "argv", ["geo-matcher", *arguments])
        if typed:
            monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return Outcome(code, printed.out, printed.err)

    return call
