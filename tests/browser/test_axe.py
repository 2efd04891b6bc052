"""No page breaks a rule of axe-core: both languages, wide and narrow, light and dark, open."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.pages import NARROW, PAGES, WIDE, Shown, show

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

Scheme = Literal["light", "dark"]
Start = Callable[..., "Visit"]
AXE = Axe()
ON_REQUEST = ("target-size", "color-contrast")
"""Rules that must run whatever axe does by default."""

OF_COLOURS = ("color-contrast", "link-in-text-block")
"""Rules whose answer changes with the colours."""

EVERY_RULE = {"rules": {rule: {"enabled": True} for rule in ON_REQUEST}}
RULES_OF_WORDS = {
    "rules": {"target-size": {"enabled": True}, **{rule: {"enabled": False} for rule in OF_COLOURS}}
}
"""What another language can break: its words are shorter or longer, its colours are the same."""

RULES_OF_COLOURS = {"runOnly": {"type": "rule", "values": list(OF_COLOURS)}}


def broken(page: Page, scheme: Scheme, options: dict[str, Any], part: str) -> list[str]:
    """Return what axe finds in a part of a page, one line for each element."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.axe_script)
    found = page.evaluate(
        "([part, options]) => axe.run(part, options)",
        [part, {"resultTypes": ["violations"], **options}],
    )
    width = page.viewport_size["width"] if page.viewport_size else 0
    return [
        f"{width} px, {scheme}: {rule['id']}: {rule['help']}: {node['html'][:160]}: "
        f"{node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def look(page: Page, part: str = "html") -> list[str]:
    """Return what axe finds in a page as it stands, light and dark."""
    return broken(page, "light", EVERY_RULE, part) + broken(page, "dark", RULES_OF_COLOURS, part)


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_no_page_breaks_a_rule(visit: Start, shown: Shown) -> None:
    page = show(visit, shown, "fr", **WIDE)
    found = look(page)
    page.set_viewport_size(NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    found += broken(page, "light", EVERY_RULE, "html")
    assert found == []


@pytest.mark.parametrize("shown", PAGES, ids=lambda shown: shown.name)
def test_no_english_page_breaks_a_rule(visit: Start, shown: Shown) -> None:
    page = show(visit, shown, "en", **NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert broken(page, "light", RULES_OF_WORDS, "html") == []


OPEN_ALL = """() => {
  for (const details of document.querySelectorAll("details")) details.open = true;
}"""
RESULT = next(shown for shown in PAGES if shown.name == "result")


def test_nothing_that_opens_breaks_a_rule(visit: Start) -> None:
    page = show(visit, RESULT, "fr", **WIDE)
    page.evaluate(OPEN_ALL)
    page.locator(".card .summary").first.click()
    page.locator("path.chosen").wait_for(state="attached")
    for box in page.locator('input[name="village"]').all()[:2]:
        box.check()
    found = look(page)
    page.locator(".why-link").first.click()
    page.locator("dialog[open] .reasons").wait_for()
    found += look(page, "dialog[open]")
    assert found == []


def test_no_tab_of_a_phone_breaks_a_rule(visit: Start) -> None:
    page = show(visit, RESULT, "en", **NARROW)
    page.evaluate(OPEN_ALL)
    found = []
    for tab in ("answers", "map"):
        page.locator(f'.tabs a[data-tab="{tab}"]').click()
        page.locator(f"#{tab}").wait_for()
        if tab == "map":
            page.wait_for_selector("path.commune[data-step]")
        found += look(page)
    page.locator('.tabs a[data-tab="villages"]').click()
    page.locator(".why-link").first.click()
    page.locator("dialog[open] .reasons").wait_for()
    found += look(page, "dialog[open]")
    assert found == []
