"""The advisers' pages in a browser: by the keyboard, by a screen reader, on a phone, on paper."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvicorn
from pydantic import SecretStr

from api.app import create_app
from api.settings import Settings
from geo_matcher.dossiers.accounts import SYSTEM, Role, add_user
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.desk import open_file
from geo_matcher.dossiers.entries import add_note, add_task, give_consent, plan_visit
from geo_matcher.dossiers.fields import Consent, draft_of
from geo_matcher.dossiers.shortlists import freeze_shortlist
from geo_matcher.matching import rank
from geo_matcher.presets import PRESETS
from geo_matcher.territory import Territory
from tests.browser.conftest import START_TIMEOUT_S, _Server
from tests.browser.test_axe import look

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser

PASSWORD = "quatre mots faciles à retenir"
PAGES = (
    "", "/dossiers", "/dossiers?etape=enquiry", "/dossiers/nouveau", "/dossiers/{key}",
    "/dossiers/{key}/modifier", "/dossiers/{key}/projet", "/dossiers/{key}/visite",
    "/dossiers/{key}/listes/{list}", "/dossiers/{key}/fusion?avec={twin}",
    "/dossiers/{key}/effacer", "/dossiers/{key}/famille", "/bilan", "/carte", "/import", "/export",
    "?lang=en", "/dossiers/{key}?lang=en", "/import?lang=en",
)  # fmt: skip


@pytest.fixture(scope="module")
def desk(
    territory: Territory, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Run a service with two files of one household; return its address and their keys."""
    url = f"sqlite:///{tmp_path_factory.mktemp('desk') / 'files.sqlite3'}"
    with Database.open(url) as db:
        by = add_user(
            db, "c.martin", name="Camille Martin", role=Role.ADVISER, by=SYSTEM, password=PASSWORD
        )
        profile = PRESETS["paris-web-family"].profile
        fields = {
            "name": "Famille Essai",
            "email": "essai@exemple.test",
            "adviser": "c.martin",
            "members": [{"label": "Ada", "profile": profile.as_dict()}],
        }
        key, twin = (open_file(db, draft_of(fields), by=by).key for _ in range(2))
        today = db.today()
        add_note(db, key, "Une note.", by=by)
        add_task(db, key, "Rappeler", today - dt.timedelta(days=1), by=by)
        plan_visit(db, key, today, ["32249", "32213"], by=by)
        consent = Consent(what="accompany", given_on=today, until=today + dt.timedelta(days=9))
        give_consent(db, key, consent, by=by)
        frozen = freeze_shortlist(db, key, rank(territory, profile), by=by, remark="Un mot.")
    settings = Settings(release=territory.folder, database_url=SecretStr(url), advisers="on")
    config = uvicorn.Config(
        create_app(settings, territory), host="127.0.0.1", port=0, log_level="error", ws="none"
    )
    server = _Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.listens.wait(START_TIMEOUT_S), "the service did not start"
    port = server.servers[0].sockets[0].getsockname()[1]
    address = f"http://127.0.0.1:{port}/conseillers"
    yield {"address": address, "key": key, "twin": twin, "list": str(frozen.head.id)}
    server.should_exit = True
    thread.join(START_TIMEOUT_S)


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, desk: dict[str, str]) -> Iterator[BrowserContext]:
    """Sign in by the keyboard alone."""
    context = chromium.new_context(reduced_motion="reduce")
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.goto(desk["address"])
    page.focus("#f-login")
    page.keyboard.type("c.martin")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("main h1")
    page.close()
    yield context
    context.close()


def opened(context: BrowserContext, desk: dict[str, str], path: str, width: int) -> Page:
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    answer = page.goto(desk["address"] + path.format(**desk))
    assert answer is not None
    assert answer.status == 200
    return page


@pytest.mark.parametrize("path", PAGES)
def test_nobody_is_kept_out(signed_in: BrowserContext, desk: dict[str, str], path: str) -> None:
    page = opened(signed_in, desk, path, 1280)
    for details in page.locator("details").all():
        details.evaluate("node => node.open = true")
    assert look(page) == []
    page.set_viewport_size({"width": 360, "height": 760})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360, "cut off on a phone"
    page.close()


def test_the_family_s_page_prints_on_two_sheets(
    signed_in: BrowserContext, desk: dict[str, str], tmp_path: Path
) -> None:
    page = opened(signed_in, desk, "/dossiers/{key}/famille", 1280)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    printed = page.pdf(path=tmp_path / "family.pdf", prefer_css_page_size=True)
    assert printed.count(b"/Type /Page\n") <= 2
    assert asked == []
    page.close()


def test_a_file_is_worked_on_without_scripts(
    chromium: Browser, desk: dict[str, str], signed_in: BrowserContext
) -> None:
    context = chromium.new_context(
        java_script_enabled=False, storage_state=signed_in.storage_state()
    )
    page = context.new_page()
    page.goto(f"{desk['address']}/dossiers/{desk['key']}")
    page.fill("#f-note", "Écrit sans script.")
    page.click("#notes button")
    assert "Note ajoutée" in page.inner_text("main")
    assert "Écrit sans script." in page.inner_text("#notes")
    context.close()
