"""Lighthouse on its simulated phone: fast, light, good in its eyes. ``make lighthouse`` brings it.

The service runs in a process of its own, as it does for visitors. A machine at work blurs a measure
of speed: no other test runs meanwhile, and a page that misses a bar is measured again, at most
twice. The bars stay where they are.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from tests.browser.conftest import ARGUMENTS

pytestmark = [pytest.mark.browser, pytest.mark.alone]

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = REPOSITORY / ".tools" / "node_modules" / ".bin"
SCORES = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 95}
"""Least score of each category, out of 100."""

MOST_BYTES = 300_000
"""Most that a first load may transfer."""

INTERACTIVE_MS = 2_000
TRIES = 3
LONGEST_RUN_S = 120

# A result is nobody's home page: it is `noindex` on purpose (thousands of addresses hold the same
# villages), which is what this one audit looks for. Every other audit counts.
NOT_TO_BE_INDEXED = ("is-crawlable",)

PAGES = (
    ("/", ()),
    ("/?preset=paris-web-family&scope=partners", NOT_TO_BE_INDEXED),
    ("/communes/32249-mauvezin", ()),
)
"""Addresses, and the audits that say nothing of them."""


@pytest.fixture(scope="module")
def lighthouse() -> str:
    """Return the path of Lighthouse; skip where it or Node is not there."""
    chosen = os.environ.get("LIGHTHOUSE_PATH")
    found = chosen or shutil.which("lighthouse", path=TOOLS) or shutil.which("lighthouse")
    if shutil.which("node") is None:
        pytest.skip("No Node was found: install nodejs (18.16 or later) to run this test.")
    if found is None or not Path(found).is_file():
        pytest.skip(
            "No Lighthouse was found: `make lighthouse` installs it, or give its path in "
            "LIGHTHOUSE_PATH."
        )
    return found


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """Return the address of the service, started as `make run` does."""
    command = [sys.executable, "-m", "geo_matcher", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
            assert found, "the service did not start"
            yield found.group()
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def port(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the port at which a Chromium of its own lets itself be driven."""
    command = [
        chromium_path, "--headless=new", *ARGUMENTS, "--remote-debugging-port=0",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}", "about:blank",
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            lines = iter(process.stderr.readline, "")
            found = next(filter(None, (re.search(r"DevTools.*:(\d+)/", line) for line in lines)))
            yield found[1]
        finally:
            process.terminate()
            process.communicate()


def measure(
    lighthouse: str, port: str, url: str, skipped: tuple[str, ...], folder: Path
) -> tuple[dict[str, Any] | None, str]:
    """Return the report on a page, or none and what Lighthouse says of it."""
    report = folder / "report.json"
    command = [
        lighthouse, url, "--quiet", "--output=json", f"--output-path={report}",
        f"--port={port}", "--disable-full-page-screenshot",
        *(f"--skip-audits={audit}" for audit in skipped),
    ]  # fmt: skip
    environment = {
        **os.environ,
        "HOME": str(folder),  # it keeps a preference there, and asks about sending reports
        "TMPDIR": str(folder),
        "CI": "1",
    }
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=LONGEST_RUN_S, check=False
    )
    if done.returncode != 0:
        return None, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return (None, str(found["runtimeError"])) if "runtimeError" in found else (found, "")


def missed(report: dict[str, Any]) -> list[str]:
    """Return the bars that a report is under, one sentence each."""
    audits = report["audits"]
    found = []
    for category, least in SCORES.items():
        score = round(100 * report["categories"][category]["score"])
        if score < least:
            weighed = report["categories"][category]["auditRefs"]
            failing = [
                f"{ref['id']} {audits[ref['id']].get('displayValue', '')}".strip()
                for ref in weighed
                if ref["weight"] and (audits[ref["id"]]["score"] or 0) < 0.9
                and audits[ref["id"]]["scoreDisplayMode"] not in {"notApplicable", "manual"}
            ]  # fmt: skip
            found.append(f"{category} is {score}, at least {least} is wanted: {failing}")
    moment = audits["interactive"]["numericValue"]
    if moment > INTERACTIVE_MS:
        found.append(f"interactive after {moment:.0f} ms, at most {INTERACTIVE_MS} is wanted")
    return found


@pytest.mark.parametrize(("path", "skipped"), PAGES, ids=[path for path, _ in PAGES])
def test_lighthouse(
    lighthouse: str,
    port: str,
    service: str,
    tmp_path: Path,
    path: str,
    skipped: tuple[str, ...],
) -> None:
    with urlopen(f"{service}{path}") as answer:  # what a service computes once, it has computed
        assert answer.status == 200
    under = ["not measured"]
    for _ in range(TRIES):
        report, trouble = measure(lighthouse, port, f"{service}{path}", skipped, tmp_path)
        if report is None:
            under = [trouble]
            continue
        # What does not depend on the hour is not measured again.
        requests = report["audits"]["network-requests"]["details"]["items"]
        assert {urlsplit(request["url"]).hostname for request in requests} == {"127.0.0.1"}
        assert 0 < sum(request["transferSize"] for request in requests) <= MOST_BYTES
        under = missed(report)
        if not under:
            break
    assert under == []
