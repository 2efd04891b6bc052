"""Keeping and sharing in a real browser: paper, ticks in the address, links, the message."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from api.forms import parse_query
from geo_matcher.presets import PRESETS
from geo_matcher.territory import Territory
from tests.browser.conftest import serving
from tests.browser.pages import follow, settled
from tests.newer_release import FIBRE_FELL, PRICE_FELL

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

Start = Callable[..., "Visit"]
FAMILY = "?preset=paris-web-family"
FIVE = "&".join(f"village={code}" for code in ("32249", "32213", "32416", "32132", "32296"))


@pytest.fixture(scope="module")
def newer_address(newer: Territory) -> Iterator[str]:
    """Return the address of a service on a newer release."""
    with serving(newer) as address:
        yield address


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
    page.reload()
    settled(page)
    assert page.locator('input[name="village"]:checked').count() == 7
    assert "pick=" in (page.locator("#other-language").get_attribute("href") or "")
    follow(page, bar.locator('[formaction="/shortlist"]').click, "**/shortlist?**")
    assert page.locator(".brief").count() == 7
    follow(page, page.locator(".home a").click, "**/?**")
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
    follow(page, page.locator('.compare-bar [formaction="/shortlist"]').click, "**/shortlist?**")
    assert page.locator(".brief").count() == 5
    assert not page.locator("[data-print]").is_visible()
    follow(page, page.locator(".home a").click, "**/?**")
    assert page.locator('input[name="village"]:checked').count() == 5
    follow(page, page.locator("#profile button.primary").click)
    assert page.locator('input[name="village"]:checked').count() == 5
    follow(page, page.locator(".keep .without-js a").click)
    assert page.locator(".card").count() == 20


def test_a_copied_link_says_on_a_newer_release_what_moved(visit: Start, newer_address: str) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"]).open(FAMILY)
    page.locator("#share").click()
    page.locator("#share span", has_text="Lien copié").wait_for()
    link = page.evaluate("navigator.clipboard.readText()")
    path = link.partition("/?")[2]
    assert "seen=" in path
    page.goto(f"{newer_address}/?{path}")
    settled(page)
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


@pytest.mark.parametrize("width", [1280, 360])
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
