"""Take the pictures of the documentation from the real service: ``make docs-screenshots``.

Needs Chromium (``CHROMIUM_PATH``, or found on the path). Sizes are those that the pages are looked
at in: 1280 and 390 pixels wide.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

IMAGES = Path(__file__).parent / "images"
QUERY = "preset=paris-web-family"
SIDE_BY_SIDE = "village=32249&village=32213&village=32296"
POLYGON = "path.leaflet-interactive"
SHOTS = (
    ("page-wide", f"/?{QUERY}&scope=partners", 1280, 860, POLYGON),
    ("page-narrow", f"/?{QUERY}&scope=partners", 390, 844, "article.card"),
    ("page-narrow-map", f"/?{QUERY}&scope=partners", 390, 844, POLYGON),
    ("page-wide-en", f"/?{QUERY}&scope=all&lang=en", 1280, 860, POLYGON),
    ("why-wide", f"/why?commune=32416&{QUERY}", 1280, 860, ".reasons"),
    ("compare-wide", f"/compare?{SIDE_BY_SIDE}&{QUERY}", 1280, 860, ".versus"),
    ("compare-narrow", f"/compare?{SIDE_BY_SIDE}&{QUERY}", 390, 844, ".versus"),
    ("audit-wide", "/api/v1/audit?f=html", 1280, 860, "svg"),
    ("map-wide", f"/maps/match?{QUERY}&scope=all", 1280, 860, POLYGON),
    ("map-narrow", f"/maps/match?{QUERY}&scope=all", 390, 844, POLYGON),
)
"""Name, address, width and height in pixels, and what must be there before the picture is taken."""
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def chromium() -> str:
    """Return the path of a Chromium of this machine."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM_PATH") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        sys.exit("No Chromium here: install one, or name it in CHROMIUM_PATH.")
    return found


def shoot(browser: Browser, address: str) -> None:
    """Take every picture."""
    for name, path, width, height, awaited in SHOTS:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(address + path)
        if name.endswith("narrow-map"):
            page.click(".tabs a[data-tab=map]")
        page.wait_for_selector(awaited, state="attached")
        page.wait_for_timeout(400)
        page.screenshot(path=IMAGES / f"{name}.png")
        page.close()
        print(f"docs/images/{name}.png")


def main() -> None:
    """Start the service on a free port, take the pictures, stop it."""
    command = [sys.executable, "-m", "geo_matcher", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        try:
            line = service.stdout.readline() if service.stdout else ""
            address = re.search(r"http://[\d.]+:\d+", line)
            if not address:
                sys.exit("The service did not start.")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
                shoot(browser, address.group())
                browser.close()
        finally:
            service.terminate()


if __name__ == "__main__":
    main()
