"""Keeping and sharing in a real browser: paper, ticks in the address, links, the message."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
import uvicorn

from api.app import create_app
from api.forms import parse_query
from api.settings import Settings
from geo_matcher.presets import PRESETS
from tests.browser.conftest import START_TIMEOUT_S, _Server
from tests.conftest import RELEASE
from tests.newer_release import FIBRE_FELL, PRICE_FELL, newer_release

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

Start = Callable[..., "Visit"]
FAMILY = "?preset=paris-web-family"
FIVE = "&".join(f"village={code}" for code in ("32249", "32213", "32416", "32132", "32296"))


@pytest.fixture(scope="module")
def newer_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a service on a newer release."""
    folder = tmp_path_factory.mktemp("newer") / "communes"
    shutil.copytree(RELEASE, folder)
    newer = newer_release(folder)
    app = create_app(Settings(release=newer.folder), newer)
    server = _Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.listens.wait(START_TIMEOUT_S), "the service did not start"
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(START_TIMEOUT_S)


def picks_of(page: Page) -> tuple[str, ...]:
    return parse_query(page.url.partition("?")[2]).picks


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_five_villages_print_on_two_pages(
    chromium: Browser, address: str, preset: str, language: str
) -> None:
    page = chromium.new_page()
    page.goto(f"{address}/shortlist?preset={preset}&lang={language}&scope=all")
    assert page.locator(".brief").count() == 5
    whole = page.pdf(prefer_css_page_size=True)
    page.evaluate("document.querySelectorAll('.foot, .address ~ *').forEach((e) => e.remove())")
    villages = page.pdf(prefer_css_page_size=True)
    assert pages_of(villages) <= 2
    assert pages_of(whole) <= 3
    page.emulate_media(media="print")
    for hidden in (".home", ".masthead nav", "[data-print]", ".keep"):
        assert not page.locator(hidden).first.is_visible()
    page.close()


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def test_the_print_button_prints(visit: Start) -> None:
    page = visit().open(f"shortlist?{FIVE}&{FAMILY[1:]}")
    page.evaluate("window.print = () => { document.title = 'printed'; }")
    page.locator("[data-print]").click()
    assert page.title() == "printed"


def test_ticks_are_in_the_address_and_up_to_eight(visit: Start) -> None:
    page = visit().open(FAMILY)
    boxes = page.locator('input[name="village"]')
    for place in range(8):
        boxes.nth(place).check()
    bar = page.locator(".compare-bar")
    assert boxes.nth(8).is_disabled()
    assert "8 villages cochés, le plus" in (bar.text_content() or "")
    assert len(picks_of(page)) == 8
    boxes.nth(7).uncheck()
    assert boxes.nth(8).is_enabled()
    chosen = picks_of(page)
    assert len(chosen) == 7
    page.reload(wait_until="networkidle")
    assert page.locator('input[name="village"]:checked').count() == 7
    assert "pick=" in (page.locator("#other-language").get_attribute("href") or "")
    bar.locator('[formaction="/shortlist"]').click()
    page.wait_for_url("**/shortlist?**")
    assert page.locator(".brief").count() == 7
    page.locator(".home a").click()
    page.wait_for_url("**/?**")
    assert sorted(picks_of(page)) == sorted(chosen)
    assert page.locator('input[name="village"]:checked').count() == 7


def test_back_brings_the_ticks_of_then(visit: Start) -> None:
    page = visit().open(FAMILY)
    page.locator('input[name="village"]').nth(0).check()
    with page.expect_response(lambda answer: "/fragments/matches" in answer.url):
        page.locator('label:has(input[name="scope"][value="all"])').click()
    page.locator("#results[aria-busy]").wait_for(state="detached")
    page.locator('input[name="village"]:not(:checked)').nth(0).check()
    assert len(picks_of(page)) == 2
    with page.expect_response(lambda answer: "/fragments/matches" in answer.url):
        page.go_back()
    page.locator("#results[aria-busy]").wait_for(state="detached")
    assert len(picks_of(page)) == 1
    assert page.locator('input[name="village"]:checked').count() == 1


def test_both_buttons_work_without_scripts(visit: Start) -> None:
    page = visit(java_script_enabled=False).open(FAMILY)
    for place in range(5):
        page.locator('input[name="village"]').nth(place).check()
    with page.expect_navigation(url="**/shortlist?**"):
        page.locator('.compare-bar [formaction="/shortlist"]').click()
    assert page.locator(".brief").count() == 5
    assert not page.locator("[data-print]").is_visible()
    with page.expect_navigation(url="**/?**"):
        page.locator(".home a").click()
    assert page.locator('input[name="village"]:checked').count() == 5
    with page.expect_navigation():
        page.locator("#profile button.primary").click()
    assert page.locator('input[name="village"]:checked').count() == 5
    with page.expect_navigation():
        page.locator(".keep .without-js a").click()
    assert page.locator(".card").count() == 20


def test_a_copied_link_says_on_a_newer_release_what_moved(visit: Start, newer_address: str) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"]).open(FAMILY)
    page.locator("#share").click()
    page.locator("#share span", has_text="Lien copié").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    path = link.partition("/?")[2]
    assert "seen=" in path
    page.goto(f"{newer_address}/?{path}", wait_until="networkidle")
    box = page.locator(".since")
    text = box.text_content() or ""
    assert "Mauvezin, alors au rang 1, sort de la liste" in text
    assert re.search(r"fibre \u2212\d+,\d", text)
    assert "Gimont entre parmi les 5 premiers, au rang 1" in text
    assert page.locator(f"#v-{PRICE_FELL}").count() == 1
    assert page.locator(f"#v-{FIBRE_FELL}").count() == 0
    page.locator("#more").click()
    page.locator(".card").nth(25).wait_for()
    assert box.is_visible()
    with page.expect_response(lambda answer: "/fragments/matches" in answer.url):
        page.locator('label:has(input[name="scope"][value="all"])').click()
    page.locator("#results[aria-busy]").wait_for(state="detached")
    assert box.count() == 0
    assert "seen=" not in page.url
    with page.expect_response(lambda answer: "/fragments/matches" in answer.url):
        page.go_back()
    box.wait_for()


def test_the_message_is_prepared_copied_and_kept(visit: Start) -> None:
    tab = visit(permissions=["clipboard-read", "clipboard-write"])
    page = tab.open(f"accompany?{FIVE}&{FAMILY[1:]}")
    assert not page.locator("#f-consent").is_checked()
    page.locator("#f-name").fill("Dominique Essai")
    page.locator("#f-email").fill("dominique@example.org")
    page.locator("#f-consent").check()
    page.locator(".letter button").click()
    page.locator("#message-text").wait_for()
    assert "Dominique" not in page.url
    page.locator("[data-copy]").click()
    page.locator("[data-copy]", has_text="Message copié").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#message-text").input_value()
    assert "Dominique Essai" in copied
    with page.expect_download() as download:
        page.locator('button[name="as"]').click()
    assert download.value.suggested_filename == "message-conseillers.txt"
    assert page.context.cookies() == []


@pytest.mark.parametrize("width", [1280, 390, 360])
@pytest.mark.parametrize("language", ["fr", "en"])
def test_nothing_overflows(visit: Start, width: int, language: str) -> None:
    tab = visit(width=width, height=850)
    page = tab.open(f"{FAMILY}&lang={language}")
    for place in range(5):
        page.locator('input[name="village"]').nth(place).check()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for path in (f"shortlist?{FIVE}&", f"accompany?{FIVE}&"):
        page.goto(f"{tab.address}/{path}{FAMILY[1:]}&lang={language}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#f-name").fill("Dominique Essai")
    page.locator("#f-email").fill("dominique@example.org")
    page.locator("#f-consent").check()
    page.locator(".letter button").click()
    page.locator("#message-text").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
