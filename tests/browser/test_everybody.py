"""Whoever comes can use every page: by keyboard alone, with a finger, without motion."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser.pages import NARROW, PAGES, WIDE, Shown, show

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

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
def test_whatever_takes_the_focus_shows_it(visit: Start, shown: Shown) -> None:
    page = show(visit, shown, **WIDE)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.evaluate(OPEN_ALL)
        page.keyboard.press("Tab")  # from here on the browser knows that a keyboard is in use
        seen, failing = page.evaluate(WITHOUT_FOCUS)
        assert seen > 5
        assert failing == []


def open_tabs(page: Page) -> list[str]:
    """Return the tabs that a phone has on a page."""
    return ["answers", "villages", "map"] if page.locator(".tabs").is_visible() else [""]


@EACH_PAGE
@pytest.mark.parametrize(
    ("size", "selector", "least"), [(WIDE, ANY_TARGET, 24), (NARROW, ANY_TARGET, 24),
                                    (NARROW, MAIN_TARGETS, 44)],
    ids=["desk", "phone", "phone-main"],
)  # fmt: skip
def test_targets_are_large_enough(
    visit: Start, shown: Shown, size: ViewportSize, selector: str, least: int
) -> None:
    page = show(visit, shown, **size)
    page.evaluate(OPEN_ALL)
    found = []
    for tab in open_tabs(page):
        if tab:
            page.locator(f'.tabs a[data-tab="{tab}"]').click()
        if tab == "map":
            page.wait_for_selector(".leaflet-bar")
        found += page.evaluate(TOO_SMALL, [least, selector])
    assert found == []


@EACH_PAGE
def test_nothing_moves_for_those_who_asked_for_calm(visit: Start, shown: Shown) -> None:
    page = show(visit, shown, **WIDE)
    assert page.evaluate("matchMedia('(prefers-reduced-motion: reduce)').matches")
    assert page.evaluate(MOVING) == []
    assert page.evaluate("document.getAnimations().length") == 0
