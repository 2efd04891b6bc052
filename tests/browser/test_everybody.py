"""Whoever comes can use every page: by keyboard alone, with a finger, without motion."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser.pages import NARROW, PAGES, WIDE, Shown, show

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

Start = Callable[..., "Visit"]
EACH_PAGE = pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)

OPEN_ALL = """() => {
  for (const details of document.querySelectorAll("details")) details.open = true;
}"""

WITHOUT_FOCUS = """() => {
  // What can be reached, and what stands for it on the page: the label of a button drawn as words.
  const reached = "a[href], button, input, select, textarea, summary, [tabindex]";
  const isThere = (e) => !e.disabled && e.tabIndex >= 0 && e.checkVisibility({ visibilityProperty: true });
  const rgb = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const found = rgb(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const contrast = (a, b) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const isOutlined = (e) => {
    if (!e) return false;
    const style = getComputedStyle(e);
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return false;
    return contrast(rgb(style.outlineColor), ground(e.parentElement)) >= 3;
  };
  const failing = [];
  let seen = 0;
  for (const element of document.querySelectorAll(reached)) {
    if (!isThere(element)) continue;
    element.focus({ preventScroll: true });
    seen += 1;
    const standIn = element.matches(".segments input, .choices input") ? element.nextElementSibling : element;
    if (document.activeElement !== element || !isOutlined(standIn)) failing.push(element.outerHTML.slice(0, 140));
  }
  return [seen, failing];
}"""
"""Elements that a keyboard reaches and that do not show it: an outline of at least 2 px, in a colour
that stands out from what is around it."""

TOO_SMALL = """([least, selector]) => {
  const isInSentence = (e) => {
    // A link among words of its paragraph is as high as its line (an exception of WCAG 2.5.8).
    if (e.tagName !== "A" || !getComputedStyle(e).display.startsWith("inline")) return false;
    const words = [...e.parentElement.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE);
    return words.some((n) => /\\p{L}|\\p{N}|·/u.test(n.textContent));
  };
  const failing = [];
  for (const element of document.querySelectorAll(selector)) {
    if (element.disabled || !element.checkVisibility({ visibilityProperty: true })) continue;
    // What carries a label is as large as the label.
    const target = element.labels?.length && element.matches("[type=radio], [type=checkbox]") ? element.labels[0] : element;
    const { width, height } = target.getBoundingClientRect();
    if (width < 2 || height < 2) continue; // there for screen readers only
    if ((width < least || height < least) && !isInSentence(element)) {
      failing.push(`${Math.round(width)} × ${Math.round(height)}: ${element.outerHTML.slice(0, 140)}`);
    }
  }
  return failing;
}"""

ANY_TARGET = "a[href], button, input:not([type=hidden]), select, textarea, summary"
MAIN_TARGETS = (
    ".tabs a, .primary, .button, .plain, .why-link, .pick input, summary, select, "
    "input[type=text], .segments input, .choices input, .leaflet-bar a, .examples a"
)
"""What a thumb presses to get through the journey."""

MOVING = """() => {
  const seconds = (text) => Math.max(...text.split(",").map((part) =>
    parseFloat(part) * (part.trim().endsWith("ms") ? 0.001 : 1)));
  const failing = [];
  for (const element of document.querySelectorAll("*")) {
    for (const pseudo of [null, "::before", "::after", "::backdrop"]) {
      const style = getComputedStyle(element, pseudo);
      const isAnimated = style.animationName !== "none" && seconds(style.animationDuration) > 0.01;
      if (isAnimated || seconds(style.transitionDuration) + seconds(style.transitionDelay) > 0.01) {
        failing.push(`${element.tagName}.${element.className} ${pseudo ?? ""}`);
      }
    }
    if (getComputedStyle(element).scrollBehavior === "smooth") failing.push(`${element.tagName} scrolls`);
  }
  return failing;
}"""


@EACH_PAGE
def test_a_page_at_the_desk(visit: Start, shown: Shown) -> None:
    page = show(visit, shown, **WIDE)
    assert page.evaluate("matchMedia('(prefers-reduced-motion: reduce)').matches")
    page.evaluate(OPEN_ALL)
    assert page.evaluate(MOVING) == []
    assert page.evaluate("document.getAnimations().length") == 0
    assert page.evaluate(TOO_SMALL, [24, ANY_TARGET]) == []
    page.keyboard.press("Tab")  # from here on the browser knows that a keyboard is in use
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        seen, failing = page.evaluate(WITHOUT_FOCUS)
        assert seen > 5
        assert failing == []


@EACH_PAGE
def test_a_page_under_the_thumb(visit: Start, shown: Shown) -> None:
    page = show(visit, shown, **NARROW, has_touch=True)
    page.evaluate(OPEN_ALL)
    has_tabs = page.locator(".tabs").is_visible()
    for tab in ("answers", "villages", "map") if has_tabs else ("",):
        if tab:
            page.locator(f'.tabs a[data-tab="{tab}"]').tap()
        if tab == "map":
            page.wait_for_selector(".leaflet-bar")
        assert page.evaluate(TOO_SMALL, [24, ANY_TARGET]) == []
        assert page.evaluate(TOO_SMALL, [44, MAIN_TARGETS]) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


# --- The whole journey by keyboard alone -----------------------------------------------------------

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
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare?**")
    assert page.locator(".versus thead th a").count() == 2
    tab_to(page, "Retour à la liste")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/\?work_mode=coworking&children=7&w_housing=\w+&scope=network"))
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
