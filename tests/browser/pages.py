"""The pages that the bars of quality are measured on: one line each.

Axe, focus, targets and motion look at every page of :data:`PAGES`, in both languages.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

    from tests.browser.conftest import Visit

__all__ = ["NARROW", "PAGES", "WIDE", "Shown", "follow", "settled", "show"]

WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 360, "height": 760}


@dataclass(frozen=True, slots=True)
class Shown:
    """A page to look at.

    Attributes
    ----------
    name
        What it is called in the tests.
    path
        Its address in French; ``top`` keeps long lists short, since every card is made alike.
    awaited
        What must be there before it is looked at, as a CSS selector.
    status
        Its status.
    """

    name: str
    path: str
    awaited: str
    status: int = 200

    def address(self, language: str) -> str:
        """Return its address in a language."""
        if language == "fr":
            return self.path
        return f"{self.path}{'&' if '?' in self.path else '?'}lang={language}"


FAMILY = "preset=paris-web-family"
NONE_LEFT = "max_daily_services_min=5&max_station_min=15&max_toulouse_min=45"
SIDE_BY_SIDE = "village=32249&village=32213&village=32296"

PAGES = (
    Shown("home", "/?top=3", "article.card"),
    Shown("result", f"/?{FAMILY}&scope=all&max_doctor_min=10&top=4", "article.card"),
    Shown("faults", "/?budget=beaucoup&children=900", "#results .faults", 422),
    Shown("nothing-left", f"/?{NONE_LEFT}", "#results .limits"),
    Shown("why", f"/why?commune=32013&{FAMILY}", ".reasons"),
    Shown("compare", f"/compare?{SIDE_BY_SIDE}&{FAMILY}", ".versus"),
    Shown("interview", f"/interview?{FAMILY}", ".answer"),
    Shown("table", f"/table?{FAMILY}&show=station&places=coworking", ".figures-table"),
    Shown("map-layers", f"/?{FAMILY}&show=types&places=coworking,doctor&top=3", "article.card"),
    Shown("map-driving", f"/?{FAMILY}&scope=all&show=catchments&top=3", "article.card"),
    Shown("village", "/communes/32249-mauvezin", ".keys"),
    Shown("village-of-a-search", f"/communes/32213-lombez?{FAMILY}&scope=all", ".keys"),
    Shown("housing", "/communes/32249-mauvezin/housing", ".village-sources"),
    Shown("shortlist", f"/shortlist?{SIDE_BY_SIDE}&{FAMILY}", "main article, main section"),
    Shown("accompany", f"/accompany?{SIDE_BY_SIDE}&{FAMILY}", "main form"),
    Shown("sorry", "/why?commune=Atlantis", ".faults", 404),
    Shown("planning", "/planification?budget=300k", "#actions"),
    Shown("planning-faults", "/planification?budget=abc&exclude=Atlantis", ".faults", 422),
)


SETTLED = "body:not(:has([aria-busy='true'], .odds.is-awaited, .cards.is-new))"


def settled(page: Page) -> None:
    """Wait until nothing of a page that is loaded is on its way: list, odds, map, figures."""
    page.wait_for_selector(SETTLED, state="attached")


def follow(
    page: Page, action: Callable[[], object], url: str | re.Pattern[str] | None = None
) -> None:
    """Do something that leads to another page, and wait until all of that page is there.

    What is counted at once after a click may still be that of the page before.
    """
    with page.expect_navigation(url=url):
        action()
    settled(page)


def show(
    visit: Callable[..., Visit], shown: Shown, language: str = "fr", **options: object
) -> Page:
    """Open a page and wait until all of it is there.

    The browser's own note of a status that is no success is no complaint.
    """
    tab = visit(**options)
    answer = tab.page.goto(f"{tab.address}{shown.address(language)}")
    assert answer is not None
    assert answer.status == shown.status
    tab.page.locator(shown.awaited).first.wait_for()
    settled(tab.page)
    if tab.page.locator("#map-box").is_visible():
        tab.page.wait_for_selector("path.commune[data-step]")
    tab.complaints[:] = [text for text in tab.complaints if f"status of {shown.status}" not in text]
    return tab.page
