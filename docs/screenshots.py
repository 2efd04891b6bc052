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
import tempfile
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, FilePayload, Page, sync_playwright

from geo_matcher.dossiers.accounts import SYSTEM, set_password
from geo_matcher.dossiers.database import DATABASE_SETTING, Database
from geo_matcher.dossiers.demonstration import make_demonstration
from geo_matcher.dossiers.reading import list_files, read_file
from geo_matcher.dossiers.stages import Stage
from geo_matcher.territory import Territory
from geo_matcher.territory_file import default_release_folder

IMAGES = Path(__file__).parent / "images"
QUERY = "preset=paris-web-family"
SIDE_BY_SIDE = "village=32249&village=32213&village=32296"
NONE_LEFT = "max_daily_services_min=5&max_station_min=15&max_toulouse_min=45"
POLYGON = "path.commune[data-step]"
FOLIUM = "path.leaflet-interactive"
LAYER = "show=workplace&places=coworking,third_place&scope=all"


class Shot(NamedTuple):
    """A page or a state of one.

    Attributes
    ----------
    name
        What its pictures are called; the width and the language are added.
    path
        Its address in French.
    awaited
        What must be there before the picture is taken.
    click
        What is clicked first.
    tab
        The tab that a phone shows.
    """

    name: str
    path: str
    awaited: str
    click: str = ""
    tab: str = "villages"


SHOTS = (
    Shot("home", "/", "article.card"),
    Shot("page", f"/?{QUERY}", "article.card"),
    Shot("questions", f"/?{QUERY}", "article.card", tab="answers"),
    Shot("details", f"/?{QUERY}", "article.card", click=".card details summary"),
    Shot("limits", f"/?{NONE_LEFT}", ".limits"),
    Shot("faults", "/?budget=beaucoup&children=900", ".faults"),
    Shot("map", f"/?{QUERY}", "article.card", tab="map"),
    Shot("layer", f"/?{QUERY}&{LAYER}", "article.card", tab="map"),
    Shot("table", f"/table?{QUERY}&{LAYER}", ".figures-table"),
    Shot("why", f"/why?commune=32416&{QUERY}", ".reasons"),
    Shot("compare", f"/compare?{SIDE_BY_SIDE}&{QUERY}", ".versus"),
    Shot("interview", "/interview?preset=cultura-artist", ".answer"),
    Shot("village", f"/communes/32249-mauvezin?{QUERY}", ".keys"),
    Shot("shortlist", f"/shortlist?{QUERY}", "main h2"),
    Shot("accompany", f"/accompany?{SIDE_BY_SIDE}&{QUERY}", "main form"),
    Shot("sorry", "/why?commune=Atlantis", ".faults"),
)
"""Every page for movers, and its states."""

SIZES = {"wide": (1280, 860), "narrow": (390, 844)}
"""What the pages are looked at in, in pixels."""

OTHERS = (
    ("audit-wide", "/api/v1/audit?f=html", 1280, 860, "svg"),
    ("folium-wide", f"/maps/match?{QUERY}&scope=all", 1280, 860, FOLIUM),
    ("folium-narrow", f"/maps/match?{QUERY}&scope=all", 390, 844, FOLIUM),
)
"""What advisers see: name, address, width and height, and what must be there."""

LOGIN, PASSWORD = "demo-alix", "une démonstration rien de plus"
"""Of an account that lives as long as this script."""

DESK_SIZES = {"wide": (1280, 1000), "narrow": (390, 844)}
DESK_SHOTS = (
    ("today", "?qui=tous", "main h1", ""),
    ("board", "/dossiers", ".board", ""),
    ("new", "/dossiers/nouveau", "main form", ""),
    ("file", "/dossiers/{visit}", ".ranked", ""),
    ("project", "/dossiers/{visit}/projet", "#profile", ""),
    ("frozen", "/dossiers/{visit}/listes/{list}", ".then-now", ""),
    ("visit", "/dossiers/{visit}/visite?combien=4", ".plan-day", ""),
    ("family", "/dossiers/{visit}/famille", "article", ""),
    ("file-map", "/dossiers/{visit}/carte", FOLIUM, ""),
    ("settled", "/dossiers/{settled}", "#suivis", "#suivis summary"),
    ("report", "/bilan", ".report-parts", ""),
    ("portfolio", "/carte", ".portfolio", ""),
    ("network-map", "/carte/reseau", FOLIUM, ""),
)
"""The advisers' pages: name, address with the keys of some files, what must be there, a click."""

SPREADSHEET = (
    "Nom;Prénom;Courriel;Ville;Date de demande;Étape;Humeur\n"
    "Inventée;Léa;lea@exemple.test;Lyon;03/02/2025;Projet qualifié;gaie\n"
    "Modèle;Jean;jean@exemple.test;Montpellier;17/03/2025;Demande;\n"
    "Modele;Jean;jean@exemple.test;Montpelier;18/03/2025;Demande;\n"
)
"""What is taken in for a picture; nobody in it exists, and it is not confirmed."""

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
    for shot in SHOTS:
        for size, (width, height) in SIZES.items():
            for language in ("fr", "en"):
                page = browser.new_page(viewport={"width": width, "height": height})
                mark = "&" if "?" in shot.path else "?"
                page.goto(address + shot.path + (f"{mark}lang=en" if language == "en" else ""))
                page.wait_for_selector(shot.awaited, state="attached")
                if page.locator(".tabs").count() and size == "narrow":
                    page.click(f".tabs a[data-tab={shot.tab}]")
                if page.locator("#map-box").is_visible():
                    page.wait_for_selector(POLYGON, state="attached")
                if shot.click:
                    page.locator(shot.click).first.click()
                save(page, f"{shot.name}-{size}" + ("-en" if language == "en" else ""))
    for name, path, width, height, awaited in OTHERS:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(address + path)
        page.wait_for_selector(awaited, state="attached")
        save(page, name)


def demonstration(folder: Path) -> tuple[str, dict[str, str]]:
    """Make an invented portfolio; return its address, and the keys that the shots name."""
    url = f"sqlite:///{folder / 'demonstration.sqlite3'}"
    with Database(url) as db:
        make_demonstration(db, Territory.load(default_release_folder()))
        set_password(db, LOGIN, PASSWORD, by=SYSTEM)
        keys = {
            stage.value: list_files(db, by=SYSTEM, stages=[stage], adviser=LOGIN, top=1)
            .cards[0]
            .key
            for stage in (Stage.VISIT, Stage.SETTLED)
        }
        keys["list"] = str(read_file(db, keys["visit"], by=SYSTEM).shortlists[0].id)
    return url, keys


def shoot_desk(browser: Browser, address: str, keys: dict[str, str]) -> None:
    """Take every picture of the advisers' pages."""
    for size, (width, height) in DESK_SIZES.items():
        context = browser.new_context(viewport={"width": width, "height": height})
        page = context.new_page()
        page.goto(f"{address}/conseillers")
        page.fill("#f-login", LOGIN)
        page.fill("#f-password", PASSWORD)
        page.click("main .primary")
        for name, path, awaited, click in DESK_SHOTS:
            page = context.new_page()
            page.goto(f"{address}/conseillers{path.format(**keys)}")
            page.wait_for_selector(awaited, state="attached")
            if click:
                page.locator(click).first.click()
                page.locator(click).first.scroll_into_view_if_needed()
            save(page, f"desk-{name}-{size}")
        page = context.new_page()
        page.goto(f"{address}/conseillers/import")
        sheet = FilePayload(name="suivi.csv", mimeType="text/csv", buffer=SPREADSHEET.encode())
        page.set_input_files("#f-file", sheet)
        page.click(".sheet-form button")
        page.wait_for_selector(".sheet-found")
        save(page, f"desk-import-{size}")
        context.close()


def save(page: Page, name: str) -> None:
    """Take one picture and close the page."""
    page.wait_for_timeout(400)
    page.screenshot(path=IMAGES / f"{name}.png")
    page.close()
    print(f"docs/images/{name}.png")


def write_index() -> None:
    """Write the page that shows them all."""
    lines = ["# Every page and state", "", "Written by `make docs-screenshots`; do not edit.", ""]
    for shot in SHOTS:
        lines += [f"## {shot.name}", "", "| | français | English |", "|---|---|---|"]
        for size in SIZES:
            cells = (
                f"![{shot.name}, {size}, {language}](images/{shot.name}-{size}{end}.png)"
                for language, end in (("français", ""), ("English", "-en"))
            )
            lines.append(f"| {size} | {' | '.join(cells)} |")
        lines.append("")
    (IMAGES.parent / "pictures.md").write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    """Start the service on a free port, take the pictures, stop it."""
    command = [sys.executable, "-m", "geo_matcher", "serve", "--port", "0"]
    with tempfile.TemporaryDirectory() as folder:
        url, keys = demonstration(Path(folder))
        environment = os.environ | {DATABASE_SETTING: url}
        service = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        try:
            line = service.stdout.readline() if service.stdout else ""
            address = re.search(r"http://[\d.]+:\d+", line)
            if not address:
                sys.exit("The service did not start.")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
                if "desk" not in sys.argv:
                    shoot(browser, address.group())
                shoot_desk(browser, address.group(), keys)
                browser.close()
            write_index()
        finally:
            service.terminate()
            service.wait()


if __name__ == "__main__":
    main()
