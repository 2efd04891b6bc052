"""Odds, why and side by side in a real browser, by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from geo_matcher.matching import rank
from geo_matcher.presets import PRESETS
from geo_matcher.robustness import odds
from geo_matcher.sentences import band_phrase
from geo_matcher.territory import Territory
from tests.browser.pages import follow, settled

if TYPE_CHECKING:
    from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

Start = Callable[..., "Visit"]
FAMILY = "?preset=paris-web-family"


def test_why_opens_over_the_page_and_closes_by_keyboard(visit: Start) -> None:
    page = visit().open(FAMILY)
    link = page.locator(".why-link").nth(2)
    name = page.locator(".card h3").nth(2).text_content()
    link.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[open]")
    dialog.locator("h2").wait_for()
    assert name is not None
    assert name in (dialog.locator("h2").text_content() or "")
    assert page.evaluate("document.activeElement.tagName") == "H2"
    assert dialog.locator(".reasons li").count() >= 3
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert page.evaluate("document.activeElement.classList.contains('why-link')")
    assert "why" not in page.url


def test_any_commune_of_the_map_can_be_asked_about(visit: Start) -> None:
    page = visit().open(FAMILY)
    page.wait_for_selector('path.commune[data-code="32013"]')
    page.locator('path.commune[data-code="32013"]').dispatch_event("click")
    link = page.locator("#map-said .why-link")
    assert "Pourquoi pas Auch" in (link.text_content() or "")
    link.click()
    dialog = page.locator("dialog[open]")
    dialog.locator(".reasons li").first.wait_for()
    assert "Auch n’est pas parmi les villages partenaires" in (dialog.text_content() or "")
    dialog.locator("form button").click()
    dialog.wait_for(state="detached")


def test_two_to_four_villages_are_picked_and_kept_while_the_list_changes(visit: Start) -> None:
    page = visit().open(FAMILY)
    bar = page.locator(".compare-bar")
    assert not bar.is_visible()
    boxes = page.locator('input[name="village"]')
    codes = [boxes.nth(place).get_attribute("value") for place in range(5)]
    boxes.nth(0).check()
    assert bar.is_visible()
    compare = bar.locator("button[data-compare]")
    assert compare.is_disabled()
    for place in (1, 2, 3):
        boxes.nth(place).check()
    assert "4 villages" in (bar.text_content() or "")
    boxes.nth(4).check()
    assert compare.is_disabled()
    assert "gardez-en quatre au plus" in (bar.text_content() or "")
    for place in (3, 4):
        boxes.nth(place).uncheck()
    with page.expect_response(lambda answer: "/fragments/matches" in answer.url):
        page.locator('label:has(input[name="scope"][value="all"])').click()
    page.locator("#results[aria-busy]").wait_for(state="detached")
    assert "3 villages" in (bar.text_content() or "")
    assert not page.locator("#map-said").text_content()
    follow(page, compare.click, "**/compare?**")
    heads = page.locator(".versus thead th a")
    assert heads.count() == 3
    asked = [code for code in codes[:3] if code and f"village={code}" in page.url]
    assert len(asked) == 3
    follow(page, page.locator(".home a").click, "**/?**")
    assert "scope=all" in page.url
    kept = page.locator('input[name="village"]:checked')
    assert [kept.nth(place).get_attribute("value") for place in range(kept.count())] == asked
    assert kept.count() == 3


@pytest.mark.parametrize("width", [1280, 390])
def test_odds_stand_beside_each_village_and_nothing_overflows(
    visit: Start, territory: Territory, width: int
) -> None:
    tab = visit(width=width, height=850)
    page = tab.open(FAMILY)
    found = odds(rank(territory, PRESETS["paris-web-family"].profile, "partners"))
    shown = page.locator(".card .odds small").all_text_contents()
    assert shown == [
        band_phrase(summary["rank_low"], summary["rank_high"], 47, "fr")
        for summary in found.summaries[:20]
    ]
    tied = {column for group in found.ties if len(group) > 1 for column in group}
    assert page.locator("li.tied").count() == len([column for column in tied if column < 20])
    villages = "village=32249&village=32213&village=32296"
    for path in ("?", "why?commune=32416&", f"compare?{villages}&"):
        page.goto(f"{tab.address}/{path}{FAMILY.lstrip('?')}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_list_comes_first_and_its_odds_follow(visit: Start) -> None:
    tab = visit()
    page = tab.open(f"{FAMILY}&scope=all")
    held: list[Any] = []
    page.route("**/fragments/odds?**", lambda route: held.append(route))
    with page.expect_response(lambda answer: "/fragments/matches" in answer.url):
        page.locator('label:has(input[name="tenure"][value="rent"])').click()
    page.locator("#results[aria-busy]").wait_for(state="detached")
    awaited = page.locator(".odds.is-awaited")
    assert awaited.count() == 20
    assert "calcul en cours" in (awaited.first.text_content() or "")
    page.wait_for_timeout(50)
    (request,) = held
    request.continue_()
    page.locator(".odds.is-awaited").first.wait_for(state="detached")
    live = page.locator(".cards").inner_text()
    ties = page.locator("li.tied").count()
    page.unroute("**/fragments/odds?**")
    page.goto(page.url)
    settled(page)
    assert page.locator(".cards").inner_text() == live
    assert page.locator("li.tied").count() == ties


def test_both_pages_work_without_scripts(visit: Start) -> None:
    page = visit(java_script_enabled=False).open(FAMILY)
    page.locator('input[name="village"]').nth(0).check()
    page.locator('input[name="village"]').nth(2).check()
    follow(page, page.locator(".compare-bar button[data-compare]").click, "**/compare?**")
    assert page.locator(".versus thead th a").count() == 2
    follow(page, page.locator(".versus thead th a").nth(1).click)
    assert page.locator(".reasons li").count() >= 3
    follow(page, page.locator(".home a").click, "**/?**")
    assert page.locator(".card").count() == 20
