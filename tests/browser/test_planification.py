"""The planners' page in a real browser: narrow, sorted by links, on paper, and its map."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser.pages import follow

if TYPE_CHECKING:
    from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

Start = Callable[..., "Visit"]
PATH = "planification?budget=300k"
PATIENCE_MS = 90_000


def test_the_page_fits_sorts_and_prints(visit: Start) -> None:
    tab = visit(width=360, height=800, java_script_enabled=False)
    tab.page.set_default_navigation_timeout(PATIENCE_MS)
    page = tab.open(PATH)
    box = page.locator("body").bounding_box()
    assert box is not None
    assert box["width"] <= 360
    assert page.locator("svg.chart > title").count() == page.locator("svg.chart").count() == 2
    assert page.locator("svg.chart > desc").count() == 2
    follow(page, page.locator("#actions thead a", has_text="Coût").click, "**sort=-cost**")
    assert page.locator("#actions [aria-sort=descending]").inner_text().startswith("Coût")
    sheets = re.findall(rb"/Type\s*/Page[^s]", page.pdf(prefer_css_page_size=True))
    assert 1 <= len(sheets) <= 8
    page.locator("#f-budget").fill("0")
    follow(page, page.locator("#plan-form .primary").click, "**budget=0**")
    assert "rien de ce scénario" in (page.locator("#plan").text_content() or "")


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_overflows(visit: Start, width: int) -> None:
    tab = visit(width=width, height=800)
    tab.page.set_default_navigation_timeout(PATIENCE_MS)
    page = tab.open(f"{PATH}&lang=en")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_map_draws_and_says_both_counts(visit: Start) -> None:
    tab = visit()
    tab.page.set_default_navigation_timeout(PATIENCE_MS)
    page = tab.open("maps/planning?budget=300k")
    assert page.locator("path.gm-commune").count() == 458
    page.locator("#gm-find").fill("Auch")
    page.keyboard.press("Enter")
    card = page.locator(".gm-card").inner_text()
    assert "Ma connexion internet" in card
    assert "Cartefibre" in card
    page.get_by_role("button", name="Couches").click()
    page.get_by_label("Fermeture du cuivre").check()
    assert page.locator("[data-layer=copper]").is_visible()
    assert not page.locator("[data-layer=gap]").is_visible()
