"""What a first visit at a desk transfers, the map included, and what a second one fetches again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser.pages import WIDE

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

MOST_BYTES = 300_000
TRANSFERRED = """() => Object.fromEntries(
  [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .map((entry) => [new URL(entry.name).pathname, entry.transferSize]))"""


def transferred(page: Page) -> dict[str, int]:
    """Return the bytes that each address brought over the network, none if it was kept."""
    page.wait_for_selector("path.commune[data-step]")
    found: dict[str, int] = page.evaluate(TRANSFERRED)
    return found


@pytest.mark.parametrize("path", ["", "?preset=paris-web-family&scope=all"])
def test_a_first_visit_is_light_and_a_second_fetches_no_file_again(
    visit: Callable[..., Visit], path: str
) -> None:
    tab = visit(**WIDE)
    first = transferred(tab.open(path))
    files = {address for address in first if address.startswith(("/static/", "/vendor/"))}
    assert {address.rpartition("/")[2] for address in files} >= {"app.js", "map.js", "leaflet.js"}
    assert all(first[address] > 0 for address in files)
    assert 100_000 < sum(first.values()) <= MOST_BYTES

    tab.page.goto(f"{tab.address}/why?commune=32013")
    again = transferred(tab.open(path))
    assert {address: again[address] for address in files if again[address]} == {}
