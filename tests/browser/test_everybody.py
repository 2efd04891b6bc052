"""Whoever comes can use every page: by keyboard alone, with a finger, without motion."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.browser.pages import NARROW, PAGES, WIDE, Shown, follow, show

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

Start = Callable[..., "Visit"]
PROBES = (
    Path(__file__).with_name("probes.js").read_text(encoding="utf-8").partition("\n")[2].strip()
)
EACH_PAGE = pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)

ANY_TARGET = "a[href], button, input:not([type=hidden]), select, textarea, summary"
MAIN_TARGETS = (
    ".tabs a, .primary, .button, .plain, .why-link, .pick input, summary, select, "
    "input[type=text], .segments input, .choices input, .leaflet-bar a, .examples a"
)
"""What a thumb presses to get through the journey."""


def ask(page: Page, probe: str, *arguments: Any) -> Any:
    """Ask something of a page; see probes.js."""
    return page.evaluate(f"([probe, values]) => {PROBES}[probe](...values)", [probe, [*arguments]])


@EACH_PAGE
def test_a_page_at_the_desk(visit: Start, shown: Shown) -> None:
    page = show(visit, shown, **WIDE)
    assert page.evaluate("matchMedia('(prefers-reduced-motion: reduce)').matches")
    ask(page, "openAll")
    assert ask(page, "moving") == []
    assert ask(page, "tooSmall", 24, ANY_TARGET) == []
    page.keyboard.press("Tab")  # from here on the browser knows that a keyboard is in use
    schemes: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        seen, failing = ask(page, "withoutFocus")
        assert seen > 5
        assert failing == []


@EACH_PAGE
def test_a_page_under_the_thumb(visit: Start, shown: Shown) -> None:
    page = show(visit, shown, **NARROW, has_touch=True)
    ask(page, "openAll")
    has_tabs = page.locator(".tabs").is_visible()
    for tab in ("answers", "villages", "map") if has_tabs else ("",):
        if tab:
            page.locator(f'.tabs a[data-tab="{tab}"]').tap()
        if tab == "map":
            page.wait_for_selector(".leaflet-bar")
        assert ask(page, "tooSmall", 24, ANY_TARGET) == []
        assert ask(page, "tooSmall", 44, MAIN_TARGETS) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


# --- The whole journey by keyboard alone ---------------------------------------------------------

FOCUSED = """() => {
  const e = document.activeElement;
  return [e.id, e.name ?? "", e.className, e.tagName, e.textContent.trim()].join("|");
}"""


def tab_to(page: Page, pattern: str, key: str = "Tab", most: int = 120) -> None:
    """Press a key until what has the focus fits a pattern."""
    for _ in range(most):
        page.keyboard.press(key)
        if re.search(pattern, page.evaluate(FOCUSED)):
            return
    raise AssertionError(f"{pattern} cannot be reached with {key}")


def settle(page: Page, *keys: str) -> None:
    """Press keys and wait for the list that they bring."""
    with page.expect_response(lambda answer: "/fragments/matches" in answer.url):
        for key in keys:
            page.keyboard.press(key)
    page.locator("#results[aria-busy]").wait_for(state="detached")


def test_the_journey_by_keyboard_alone(visit: Start) -> None:
    page = show(visit, PAGES[0], **WIDE)
    # Answer.
    tab_to(page, r"\|work_mode\|")
    settle(page, "ArrowDown")
    tab_to(page, r"\|children\|")
    settle(page, "7")
    tab_to(page, r"\|w_housing\|")
    settle(page, "ArrowRight")
    tab_to(page, r"\|scope\|")
    settle(page, "ArrowRight")
    assert re.search(r"work_mode=coworking&children=7&w_housing=\w+&scope=network", page.url)

    # Ask why: the focus goes in, stays in, and comes back.
    tab_to(page, "why-link")
    link = page.evaluate("document.activeElement.href")
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[open]")
    dialog.locator(".reasons").wait_for()
    assert page.evaluate("document.activeElement.tagName") == "H2"
    for key in ["Tab"] * 8 + ["Shift+Tab"] * 8:
        page.keyboard.press(key)
        # Beyond the last the browser's own bar has its turn: the body stands for it.
        assert page.evaluate(
            "document.activeElement === document.body"
            " || !!document.activeElement.closest('dialog[open]')"
        )
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert page.evaluate("document.activeElement.href") == link

    # Pick two, compare them, come back.
    for _ in range(2):
        tab_to(page, r"\|village\|")
        page.keyboard.press("Space")
    tab_to(page, r"\|button\|BUTTON\|Comparer")
    follow(page, lambda: page.keyboard.press("Enter"), "**/compare?**")
    assert page.locator(".versus thead th a").count() == 2
    tab_to(page, "Retour à la liste")
    back = re.compile(r"/\?work_mode=coworking&children=7&w_housing=\w+&scope=network")
    follow(page, lambda: page.keyboard.press("Enter"), back)
    assert page.locator("article.card").count() == 20


def test_the_skip_link_shows_and_leads_past_the_questions(visit: Start) -> None:
    page = show(visit, PAGES[0], **WIDE)
    skip = page.locator(".skip")
    assert (skip.bounding_box() or {"y": 0})["y"] < 0
    page.keyboard.press("Tab")
    assert (skip.bounding_box() or {"y": -1})["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "villages"
    page.keyboard.press("Tab")
    assert page.evaluate("!!document.activeElement.closest('#villages')")


def test_the_map_is_left_after_a_few_steps(visit: Start) -> None:
    page = show(visit, PAGES[0], **WIDE)
    page.locator("#map-box").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
    assert not page.evaluate("!!document.activeElement.closest('#map-box')")


def test_the_tabs_of_a_phone_by_keyboard(visit: Start) -> None:
    page = show(visit, PAGES[0], **NARROW)
    for name, label, inside in (
        ("answers", r"A\|Vos réponses$", "#profile"),
        ("map", r"A\|Carte$", ".leaflet-bar"),
        ("villages", r"A\|\d+ villages$", ".card"),
    ):
        tab_to(page, label, most=60)
        page.keyboard.press("Enter")
        page.locator(inside).first.wait_for()
        panes = page.locator(".pane").evaluate_all(
            "(panes) => panes.filter((pane) => pane.checkVisibility()).map((pane) => pane.id)"
        )
        assert panes == [name]
        assert page.locator(".tabs [aria-current]").get_attribute("data-tab") == name
