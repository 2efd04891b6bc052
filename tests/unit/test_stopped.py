"""Ctrl-C, while the program is loaded and while it works."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn

import pytest

from geo_matcher import cli
from geo_matcher.__main__ import main


class Interrupted:
    """Finds the module of the commands, and is interrupted while loading it."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "geo_matcher.cli":
            raise KeyboardInterrupt


def loading(patch: pytest.MonkeyPatch) -> None:
    patch.delitem(sys.modules, "geo_matcher.cli")
    patch.setattr(sys, "meta_path", [Interrupted, *sys.meta_path])


def working(patch: pytest.MonkeyPatch) -> None:
    def interrupted() -> NoReturn:
        raise KeyboardInterrupt

    patch.setattr(cli, "territory_of", lambda _: interrupted())
    patch.setattr(sys, "argv", ["geo-matcher", "match", "--profile-name", "cultura-artist"])


@pytest.mark.parametrize("moment", [loading, working])
def test_ctrl_c_ends_with_one_line(
    moment: Callable[[pytest.MonkeyPatch], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    moment(monkeypatch)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_another_end_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["geo-matcher", "--version"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert capsys.readouterr().err == ""
