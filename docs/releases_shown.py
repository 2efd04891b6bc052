"""Write ``releases-shown.md``, what the commands on data print: ``make docs-shown``.

Every command is run, against a server of this machine that stands for the official ones and gives
out an invented département in their formats (``tests/integration/upstream``). A running service is
started, and takes the releases up. What is printed is shortened, and nothing else is done to it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from geo_matcher.cli import main as geo_matcher
from tests.integration.overpass import overpass_server
from tests.integration.test_departement import official
from tests.integration.test_osm_places import answer
from tests.integration.upstream import villages
from tests.integration.upstream.server import Upstream

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / "docs" / "releases-shown.md"
WIDTH = 116
"""Columns of the terminal."""

LATER_S = 30.0
"""Longest time that a service may take to take up a release, in s."""

HEAD = """\
# Releases, shown

What the commands of [data.md](data.md) and [your-departement.md](your-departement.md) print.
`make docs-shown` runs them and writes this page; lines in place of which … stands are left out.

**The département is invented**: six square communes that bear the code 46 and have nothing else in
common with the Lot. A server of the tests gives it out in the formats of the official files, with
their traps, so that all of this runs without the internet. A real département prints the same
lines, more of them.
"""


REFRESH = """\
Half a page, to tell whether it can be trusted. One table changed, in one commune: Belpech lost its
fibre and falls; whoever rises has the figures of before. The first preset has a limit that one
commune meets, so nobody moves there. A fall from 70 % to 10 % within a quarter is a reason to look
at what Arcep has published, and to go back meanwhile."""
HINT = "^Services read it"
"""A hint that names a folder of the machine where this runs."""


@dataclass
class Page:
    """The page, as far as it is written."""

    text: str = HEAD

    def say(self, words: str) -> None:
        """Add a paragraph, or a heading."""
        self.text += f"\n{words}\n"

    def show(self, command: str, printed: str, *, first: int = 99, last: int = 0) -> None:
        """Add a command with the first and the last lines of what it printed."""
        lines = printed.rstrip().splitlines()
        if len(lines) > first + last + 1:
            lines = [*lines[:first], "…", *lines[len(lines) - last :]]
        body = "\n".join(line.rstrip() for line in lines)
        self.text += f"\n```console\n$ {command}\n{body}\n```\n"

    def run(
        self, command: str, *hidden: str, first: int = 99, last: int = 0, drop: str = "(?!)"
    ) -> None:
        """Run a command with further arguments that are not shown, and add what it printed.

        Parameters
        ----------
        command
            As a person would type it.
        hidden
            Where the tests' servers and the cache are.
        first, last
            How many lines are shown; the others are left out.
        drop
            Pattern of lines that are not shown.
        """
        printed = io.StringIO()
        sys.argv = [*shlex.split(command), *hidden]
        with contextlib.redirect_stdout(printed):
            try:
                geo_matcher()
            except SystemExit as end:
                if end.code:
                    raise RuntimeError(f"{command} ended with {end.code}") from None
        kept = [line for line in printed.getvalue().splitlines() if not re.search(drop, line)]
        self.show(command, "\n".join(kept), first=first, last=last)


@contextlib.contextmanager
def service(store: str, log: Path) -> Iterator[tuple[int, str]]:
    """Serve what a store has in service; give the process id and the address."""
    with (
        log.open("w", encoding="utf-8") as told,
        subprocess.Popen(
            [sys.executable, "-m", "geo_matcher", "serve", "--port", "0"],
            env={**os.environ, "GEO_MATCHER_RELEASE": store, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE, stderr=told, text=True,
        ) as process,
    ):  # fmt: skip
        try:
            assert process.stdout is not None
            yield process.pid, re.findall(r"http://\S+", process.stdout.readline())[0]
        finally:
            process.terminate()


def release_of(address: str) -> str:
    """Return the release that a service answers from."""
    with urllib.request.urlopen(f"{address}/readyz", timeout=LATER_S) as found:
        return str(json.load(found)["release"])


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + LATER_S
    while not is_so():
        if time.monotonic() > end:
            raise RuntimeError("the service did not take the release up")
        time.sleep(0.1)


def asked(page: Page, address: str) -> None:
    """Ask the service which release it answers from, and show it."""
    page.show("curl -s http://127.0.0.1:8000/readyz", json.dumps({"release": release_of(address)}))


def less_fibre(upstream: Upstream) -> None:
    """Let the next quarter count fibre at fewer premises of 46002."""
    villages.TECHNOLOGY_SHARES["46002"] = (0.1, 0.0, 0.0, 0.05)
    upstream.put(villages.BEST_URL, villages.best_csv())
    upstream.put(villages.LAND_URL, villages.land_csv(), content_type="text/csv")


def write(page: Page, upstream: Upstream, overpass: str) -> None:
    """Live through a quarter with a second département."""
    cache = ("--cache", "kept")
    places = ("--overpass-url", overpass, *cache)
    page.say("## A second département")
    page.run("geo-matcher data build --departement 46", *places, first=12, last=2)
    page.run("geo-matcher data publish release-46 --store store", drop=HINT)
    page.say("## How fresh it is")
    page.say(
        "A service runs on the store. Then Arcep publishes another count, and one table is behind:"
    )
    with service("store", Path("log")) as (pid, address):
        until(lambda: bool(release_of(address)))
        before = release_of(address)
        less_fibre(upstream)
        page.run("geo-matcher --release store data status", *cache, first=12)
        page.say("## A refresh that moves ranks")
        page.say(REFRESH)
        page.run(
            "geo-matcher data refresh --with broadband --store store", *places, first=26, last=1
        )
        page.say("## Taken up by the running service")
        page.say("It serves on from what it began with, until it is told; then, with its log:")
        asked(page, address)
        os.kill(pid, signal.SIGHUP)
        until(lambda: release_of(address) != before)
        page.show(f"kill -HUP {pid}", _log("in service"))
        asked(page, address)
        after = release_of(address)
        page.say("## What differed, asked again")
        page.run(f"geo-matcher data diff {before} {after} --store store --profile-name artist")
        page.say("## And back")
        page.run("geo-matcher data releases --store store")
        page.run("geo-matcher data rollback --store store", drop=HINT)
        os.kill(pid, signal.SIGHUP)
        until(lambda: release_of(address) == before)
        asked(page, address)


def _log(words: str) -> str:
    """Return the last line of the service's log that holds some words."""
    lines = [line for line in Path("log").read_text("utf-8").splitlines() if words in line]
    return lines[-1] if lines else ""


def main() -> None:
    """Write the page."""
    page = Page()
    os.environ["COLUMNS"] = str(WIDTH)
    with (
        tempfile.TemporaryDirectory() as scratch,
        contextlib.chdir(scratch),
        pytest.MonkeyPatch.context() as patch,
        official(patch) as upstream,
        overpass_server(*(answer() for _ in range(3))) as heard,
    ):
        patch.setattr(villages, "TECHNOLOGY_SHARES", dict(villages.TECHNOLOGY_SHARES))
        write(page, upstream, heard.url)
    PAGE.write_text(page.text, encoding="utf-8")


if __name__ == "__main__":
    main()
