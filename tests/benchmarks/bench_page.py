"""The movers' page in a real browser: from an answer to the new list and map, and to its odds.

The peer is what a page without scripts does: it is loaded anew with the same answers. Skipped with
a sentence where there is no Chromium.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from typing import TYPE_CHECKING

from tests.benchmarks.bench_service import free_port, serving
from tests.benchmarks.measure import Row

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROUNDS = 11
WATCH = """
() => {
  const results = document.getElementById("results");
  const outlines = document.querySelector(".leaflet-overlay-pane");
  window.times = {};
  let start = 0;
  const painted = (name) => requestAnimationFrame(() => setTimeout(() => {
    window.times[name] ??= performance.now() - start;
  }));
  document.addEventListener("input", () => { start = performance.now(); window.times = {}; }, true);
  new MutationObserver((changes) => {
    if (changes.some((c) => c.target === results && c.addedNodes.length)) painted("list");
    const isCounted = results.querySelector(".odds") && !results.querySelector(".odds.is-awaited");
    if (isCounted && window.times.list) painted("odds");
  }).observe(results, { childList: true, subtree: true, attributes: true });
  new MutationObserver(() => painted("map")).observe(outlines, { subtree: true, attributes: true });
}
"""
"""Notes when the list, the map and the odds have changed after an input, in ms."""


def chromium() -> str | None:
    """Return the path of a Chromium of this machine."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM_PATH") or next(filter(None, map(shutil.which, names)), None)


def changes(page: Page) -> dict[str, list[float]]:
    """Change an answer several times; return when list, map and odds followed, in ms."""
    found: dict[str, list[float]] = {"list": [], "map": [], "odds": []}
    page.wait_for_selector("path.commune[data-step]", state="attached")
    page.evaluate(WATCH)
    for number in range(ROUNDS):
        word = ("a_little", "indispensable")[number % 2]
        page.locator(f'input[name="w_health"][data-word="{word}"]').evaluate("(e) => e.click()")
        page.wait_for_function("window.times.odds && window.times.list && window.times.map")
        for name, times in found.items():
            times.append(page.evaluate(f"window.times.{name}"))
        page.wait_for_timeout(150)
    return found


def loads(page: Page, address: str) -> float:
    """Return how long loading the page anew takes, in ms."""
    times: list[float] = []
    for number in range(ROUNDS):
        page.goto(f"{address}&budget={200_000 + number}", wait_until="load")
        page.wait_for_selector("path.commune[data-step]", state="attached")
        times.append(page.evaluate("performance.now()"))
    return statistics.median(times)


def run() -> list[Row]:
    """Measure both scopes, the narrowest and the widest."""
    path = chromium()
    if path is None:
        print("No Chromium was found: the page is not measured.", file=sys.stderr)
        return []
    from playwright.sync_api import sync_playwright

    port = free_port()
    rows = []
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with (
        serving([sys.executable, "-m", "geo_matcher", "serve", "--port", str(port)], port),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        for scope, count in (("partners", 47), ("all", 458)):
            page = browser.new_page(
                viewport={"width": 1280, "height": 900}, bypass_csp=True
            )  # waiting for a function needs eval
            address = f"http://127.0.0.1:{port}/?preset=paris-web-family&scope={scope}"
            page.goto(address, wait_until="networkidle")
            changed = {name: statistics.median(times) for name, times in changes(page).items()}
            anew = loads(page, address)
            both = max(changed["list"], changed["map"])
            peer = "the page loaded anew"
            name = f"from an answer to list and map, {count} communes"
            rows.append(Row(name, both, "ms", 100.0, peer, anew))
            name = f"from an answer to its odds, {count} communes"
            rows.append(Row(name, changed["odds"], "ms", 1000.0, peer, anew))
            page.close()
        browser.close()
    return rows
