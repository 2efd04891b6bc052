"""The commands that the documentation shows are there, with the options that it gives them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import typer

from geo_matcher.cli import app
from tests.conftest import REPOSITORY

PAGES = sorted([REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")])
BLOCK = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROGRAM = "geo-matcher"
SHOWN = 40
"""Fewest commands that the pages show: a pattern that finds none would pass."""


def commands(text: str) -> Iterator[str]:
    """Return the calls of the program in the blocks of a page, without what stands beside them."""
    for block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            call = re.match(rf"(?:\$ )?(?:[A-Z_]+=\S+ )*{PROGRAM}\s(.*)", line)
            if call:
                yield re.split(r"\s{2,}|\s#|\s[|>&]", call[1].strip())[0]


ALL = [(page.name, command) for page in PAGES for command in commands(page.read_text("utf-8"))]


@cache
def tree() -> Any:
    return typer.main.get_command(app)


def options(command: Any) -> frozenset[str]:
    names = (name for p in command.params for name in (*p.opts, *p.secondary_opts))
    return frozenset(names) | {"--help"}


def fault(command: str) -> str:
    """Return what is wrong with a command, if anything."""
    here, known = tree(), options(tree())
    words = shlex.split(re.sub(r"[\[\]]", "", command))
    for word in words:
        if word.startswith("--"):
            if word.split("=")[0] not in known:
                return f"{here.name} has no option {word}"
        elif word in getattr(here, "commands", {}):
            here = here.commands[word]
            known |= options(here)
    is_whole = not getattr(here, "commands", {}) or words[-1].startswith(("-", "…"))
    return "" if is_whole else f"{command}: no such command"


def test_the_pages_show_commands() -> None:
    assert len(ALL) >= SHOWN
    assert {"data.md", "releases-shown.md", "your-departement.md"} <= {page for page, _ in ALL}


@pytest.mark.parametrize(("page", "command"), sorted(set(ALL)))
def test_a_command_that_is_shown_is_there(page: str, command: str) -> None:
    assert not fault(command), page


def test_a_command_that_is_not_there_is_found() -> None:
    assert fault("data refresh --moon")
    assert fault("data moon")
    assert not fault("data build --departement 46 --with roads,shops")
