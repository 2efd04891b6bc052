"""Whole journeys through the site, from the first answer to a village or a sheet of paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from geo_matcher.matching import rank
from geo_matcher.presets import PRESETS
from geo_matcher.territory import Territory
from tests.browser.pages import follow, settled

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

Start = Callable[..., "Visit"]


def settle(page: Page, action: Callable[[], Any]) -> None:
    """Do something and wait for the list that it brings, and for its odds."""
    with page.expect_response(lambda answer: "/fragments/odds" in answer.url):
        action()
    page.locator("#results[aria-busy]").wait_for(state="detached")
    page.locator(".odds.is-awaited").first.wait_for(state="detached")


def choose(page: Page, key: str, value: str) -> None:
    settle(page, lambda: page.locator(f'label:has(input[name="{key}"][value="{value}"])').click())


def name(page: Page, place: int = 0) -> str:
    return page.locator(".card h3").nth(place).text_content() or ""


def test_a_family_of_lille_finds_reads_and_prints(visit: Start) -> None:
    page = visit().open()
    origin = page.locator("#q-from")
    origin.fill("Lille (59)")
    settle(page, lambda: origin.press("Tab"))
    settle(page, lambda: page.locator("#q-children").fill("4, 9"))
    settle(page, lambda: page.locator("#q-budget").fill("230 000"))
    choose(page, "size", "bourg")
    for part in ("from=lille", "children=4,9", "budget=230000", "size=bourg"):
        assert part in page.url
    first = name(page)
    card = page.locator(".card").first
    card.locator("summary").click()
    card.locator(".ledger").wait_for()
    changes = card.locator(".changes").inner_text()
    assert "Lille" in card.inner_text()
    assert "238\u202f246" in changes, "inhabitants of Lille"
    follow(page, page.locator(".card h3 a").first.click, "**/communes/**")
    assert page.locator("h1").text_content() == first
    assert "Rang 1 sur 47" in page.locator(".for-you").first.inner_text()
    assert "Lille" in page.locator("#changes").inner_text()
    follow(page, page.locator(".home a").click, "**/?**")
    assert name(page) == first
    for place in (0, 1):
        page.locator('input[name="village"]').nth(place).check()
    print_them = page.locator(".compare-bar button", has_text="imprimer")
    follow(page, print_them.click, "**/shortlist?**")
    assert page.locator("article h2").count() == 2
    assert "4 et 9 ans" in page.locator("main").inner_text()


def test_a_consultant_sets_a_limit_and_is_told_its_price(
    visit: Start, territory: Territory
) -> None:
    page = visit().open("?preset=toulouse-consultant&scope=all")
    limits = page.locator("details:has(> .rows #q-max_toulouse_min)")
    if not page.locator("#q-max_toulouse_min").is_visible():
        limits.locator("summary").click()
    settle(page, lambda: page.locator("#q-max_toulouse_min").select_option("60"))
    said = page.locator(".limits").inner_text()
    assert "Toulouse" in said
    assert "écarte" in said
    shown = page.locator("path.commune.is-excluded").count()
    profile = PRESETS["toulouse-consultant"].profile
    far = territory.minutes["toulouse"] > 60
    assert profile.limits["toulouse_min"].at_most == 75, "the example has a wider limit"
    assert shown >= int(far.sum()) > 0
    settle(page, lambda: page.locator(".limits a.live").first.click())
    assert page.locator(".limits").count() == 0
    page.go_back()
    page.locator(".limits").wait_for()
    page.go_forward()
    page.locator(".limits").wait_for(state="detached")


def test_an_artist_is_offered_the_cultura_track(visit: Start) -> None:
    page = visit(width=360, height=780).open()
    page.locator(".tabs a[data-tab=answers]").click()
    cultura = page.locator('label:has(input[name="track"][value="cultura"])')
    assert not cultura.is_visible()
    settle(page, lambda: page.locator("#q-sector").select_option("arts"))
    assert cultura.is_visible()
    settle(page, cultura.click)
    assert "track=cultura" in page.url
    page.locator(".tabs a[data-tab=villages]").click()
    assert page.locator(".card").count() == 20
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_somebody_who_speaks_english_answers_questions(visit: Start) -> None:
    page = visit().open("?preset=cultura-artist")
    follow(page, page.locator("#other-language").click, "**lang=en**")
    assert "villages ranked for you" in (page.locator("#count").text_content() or "")
    follow(page, page.locator(".undecided a").click, "**/interview?**")
    for _ in range(5):
        if not page.locator(".answer").count():
            break
        follow(page, page.locator(".answer").first.click)
    assert page.locator(".answer").count() == 0
    assert page.locator(".likely li").count() == 5
    assert "lang=en" in page.url
    page.go_back()
    assert page.locator(".answer").count() == 2


def test_without_scripts_the_whole_way_is_open(visit: Start) -> None:
    page = visit(java_script_enabled=False).open()
    page.locator("#q-from").fill("Nantes")
    page.locator('label:has(input[name="tenure"][value="rent"])').click()
    follow(page, page.locator("#profile .send button").click, "**from=44109**")
    first = name(page)
    follow(page, page.locator(".card h3 a").first.click, "**/communes/**")
    assert page.locator("h1").text_content() == first
    follow(page, page.locator(".home a").click, "**/?**")
    follow(page, page.locator("#map-table").click, "**/table?**")
    assert page.locator(".figures-table tbody tr").count() == 47
    follow(page, page.locator(".home a").click, "**/?**")
    page.locator('input[name="village"]').nth(1).check()
    print_it = page.locator(".compare-bar button", has_text="imprimer")
    follow(page, print_it.click, "**/shortlist?**")
    assert page.locator("article h2").count() == 1


def test_a_shared_name_is_asked_back(visit: Start) -> None:
    page = visit(java_script_enabled=False)
    page.page.goto(f"{page.address}/?from=Saint-Denis")
    page.complaints.clear()
    choices = page.page.locator(".meant a")
    assert choices.count() >= 2
    follow(page.page, choices.first.click)
    assert page.page.locator(".card").count() == 20


def test_a_village_with_unknown_figures_says_so(visit: Start, territory: Territory) -> None:
    ranking = rank(territory, PRESETS["paris-web-family"].profile, "all")
    price = territory.indicators["house_price_eur_m2"].to_numpy(dtype=float)
    unknown = [row for row in ranking.order.tolist() if np.isnan(price[row])]
    row = unknown[0]
    place = ranking.order.tolist().index(row)
    page = visit().open(f"?preset=paris-web-family&scope=all&top={place + 1}")
    card = page.locator(f"#v-{territory.codes[row]}")
    assert "Nous ne savons pas encore" in (card.locator(".missing").text_content() or "")
    assert "prix d’achat" in (card.locator(".missing").text_content() or "")
    page.goto(page.url.split("/?")[0] + f"/communes/{territory.codes[row]}")
    settled(page)
    assert "inconnu" in page.locator("#housing").inner_text().lower()


def test_when_no_village_is_left_one_limit_brings_some_back(visit: Start) -> None:
    page = visit().open("?max_daily_services_min=5&max_station_min=15&max_toulouse_min=45")
    assert "Aucun village ne reste" in (page.locator("#count").text_content() or "")
    limits = page.locator(".limits li")
    assert limits.count() >= 3
    back = limits.filter(has_text="revien").first
    assert back.count() == 1, "one of them says what dropping it would give"
    settle(page, back.locator("a.live").click)
    assert page.locator(".card").count() > 0


BROKEN_WORDS = """() => {
  const broken = [];
  for (const cell of document.querySelectorAll(".gaps :is(th, td)")) {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    for (let text = texts.nextNode(); text; text = texts.nextNode()) {
      for (const word of text.data.matchAll(/[\\p{L}\\d,.]+/gu)) {
        const range = document.createRange();
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        const tops = [...range.getClientRects()].map((box) => Math.round(box.top));
        if (new Set(tops).size > 1) broken.push(word[0]);
      }
    }
  }
  return broken;
}"""


@pytest.mark.parametrize("width", [320, 390])
def test_why_a_village_is_not_first_breaks_no_word_on_a_phone(visit: Start, width: int) -> None:
    page = visit(width=width, height=780).open("why?commune=32416")
    assert page.locator(".gaps tbody tr").count() > 5
    assert page.evaluate(BROKEN_WORDS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
