"""The page of a commune in a real browser: narrow, wide, on paper, and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser.pages import follow

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

Start = Callable[..., "Visit"]
MAUVEZIN, AUCH, CAP_D_ASTARAC, AUGNAX = "32249", "32013", "32365", "32014"
SEARCH = "preset=paris-web-family"


def sheets_of_paper(page: Page) -> int:
    return len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(prefer_css_page_size=True)))


@pytest.mark.parametrize("code", [MAUVEZIN, AUCH, CAP_D_ASTARAC, AUGNAX])
@pytest.mark.parametrize("query", ["", f"?{SEARCH}&lang=en"])
def test_a_page_prints_on_two_sheets_with_its_sales(visit: Start, code: str, query: str) -> None:
    page = visit().open(f"communes/{code}{query}")
    page.locator(".sales").wait_for()
    assert sheets_of_paper(page) <= 2


@pytest.mark.parametrize("width", [360, 390, 800, 1280])
def test_nothing_overflows(visit: Start, width: int) -> None:
    tab = visit(width=width, height=800)
    for path in (
        f"communes/{MAUVEZIN}",
        f"communes/{CAP_D_ASTARAC}?{SEARCH}&lang=en",
        f"communes/{CAP_D_ASTARAC}/housing",
    ):
        page = tab.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_a_card_leads_to_the_page_and_back_with_the_search(visit: Start) -> None:
    page = visit().open(f"?{SEARCH}")
    name = page.locator(".card h3 a").first.text_content()
    follow(page, page.locator(".card h3 a").first.click, "**/communes/**")
    assert page.locator("h1").text_content() == name
    assert page.locator(".for-you .summary").is_visible()
    follow(page, page.locator(".for-you .links a").nth(1).click, "**/?**")
    assert page.locator(".card h3 a").first.text_content() == name


def test_sales_come_after_the_page(visit: Start) -> None:
    page = visit().open(f"communes/{MAUVEZIN}?lang=en")
    page.locator(".sales table").wait_for()
    assert "homes sold from 2021 to 2025" in (page.locator("#housing").text_content() or "")


def test_without_scripts_a_link_leads_to_the_sales(visit: Start) -> None:
    page = visit(java_script_enabled=False).open(f"communes/{MAUVEZIN}")
    assert page.locator(".sales").count() == 0
    sales = page.locator("#housing a", has_text="Prix et nombre de ventes")
    follow(page, sales.click, "**/housing")
    assert page.locator(".sales tbody tr").count() == 5
    back = page.locator("main a", has_text="La page de Mauvezin")
    follow(page, back.click, "**/communes/32249-mauvezin")


def test_when_sales_cannot_be_had_the_link_stays(visit: Start) -> None:
    tab = visit()
    tab.page.route("**/fragments/**", lambda route: route.abort())
    page = tab.open(f"communes/{MAUVEZIN}")
    page.locator("#housing [role=status]").wait_for()
    assert page.locator("#housing a", has_text="Prix et nombre de ventes").is_visible()
    tab.complaints.clear()


def test_a_number_leads_to_its_source(visit: Start) -> None:
    page = visit().open(f"communes/{MAUVEZIN}")
    page.locator("#line .cites a").first.click()
    target = page.locator(":target")
    assert "Internet fixe" in (target.text_content() or "")
    assert target.is_visible()
