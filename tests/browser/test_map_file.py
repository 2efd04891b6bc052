"""The map opened from disk in a real browser, as an adviser would."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from geo_matcher.map_data import TYPE_COLOURS
from geo_matcher.maps import map_html
from geo_matcher.matching import Ranking, rank
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory
from geo_matcher.typology import typology

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from playwright.sync_api import Page as BrowserPage

pytestmark = pytest.mark.browser

TILES = "https://tile.openstreetmap.org/"


@dataclass
class Opened:
    """A page and what it asked for and complained of."""

    page: BrowserPage
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def ranking(territory: Territory) -> Ranking:
    return rank(territory, PRESETS["paris-web-family"].profile, "all")


@pytest.fixture(scope="module")
def map_file(ranking: Ranking, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("map") / "carte.html"
    file.write_text(map_html(ranking, "fr"), encoding="utf-8")
    return file


@pytest.fixture(params=[(1280, 800), (390, 844)], ids=["desk", "phone"])
def opened(request: pytest.FixtureRequest, chromium: Browser, map_file: Path) -> Iterator[Opened]:
    width, height = request.param
    page = chromium.new_page(viewport={"width": width, "height": height})
    found = Opened(page)
    page.on("request", lambda asked: found.requests.append(asked.url))
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    page.on(
        "console",
        lambda line: (
            found.complaints.append(line.text) if line.type in {"error", "warning"} else None
        ),
    )
    page.route(re.compile("^https?:"), lambda route: route.abort())
    page.goto(map_file.as_uri())
    yield found
    page.close()


def _click_on(opened: Opened, territory: Territory, code: str) -> None:
    """Click on the seat of a commune, at the place where it is drawn."""
    commune = territory.communes.loc[code]
    seat = [float(commune["town_hall_lat"]), float(commune["town_hall_lon"])]
    point = opened.page.evaluate("seat => map_match.latLngToContainerPoint(seat)", seat)
    opened.page.locator("#map_match").click(position={"x": point["x"], "y": point["y"]})


def test_it_draws_every_commune_and_asks_for_nothing(opened: Opened, ranking: Ranking) -> None:
    page = opened.page
    assert page.locator("path.gm-commune").count() == len(ranking.score)
    bare = page.locator("path.gm-commune.gm-bare")
    assert bare.count() == len(ranking.excluded)
    assert {bare.nth(i).get_attribute("fill") for i in range(bare.count())} == {"url(#gm-hatch)"}
    sourced = sum(1 for e in ranking.territory.partner_evidence.values() if e == "sourced")
    assert page.locator("path.gm-partner-1").count() == sourced
    assert all(url.startswith("file:") for url in opened.requests)
    assert opened.complaints == []


def test_the_legend_is_in_view_and_covers_no_title(opened: Opened) -> None:
    page = opened.page
    legend = page.locator(".gm-legend")
    assert legend.is_visible()
    assert page.get_by_text("Score, sur 100").is_visible()
    assert page.locator(".gm-sources").is_visible()
    size = page.viewport_size
    assert size is not None
    for panel in (".gm-legend", ".gm-sources", ".gm-title"):
        box = page.locator(panel).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size["width"]
        assert box["y"] + box["height"] <= size["height"]
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= size["width"]


def test_names_do_not_overlap(opened: Opened) -> None:
    boxes = opened.page.eval_on_selector_all(
        ".gm-name",
        "nodes => nodes.map(n => n.getBoundingClientRect())"
        ".map(b => [b.left, b.top, b.right, b.bottom])",
    )
    assert len(boxes) >= 8
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_a_click_opens_the_card_with_its_ledger(
    opened: Opened, territory: Territory, ranking: Ranking
) -> None:
    page = opened.page
    _click_on(opened, territory, "32462")  # Vic-Fezensac
    card = page.locator(".gm-card")
    assert card.locator("h2").inner_text() == "Vic-Fezensac"
    assert "sur 100 · rang " in card.locator(".gm-score").inner_text()
    assert card.locator(".gm-ledger tbody tr").count() == int((ranking.weights > 0).sum())
    box = page.locator(".leaflet-popup-content").bounding_box()
    assert box is not None
    assert round(box["width"]) == 320
    page.wait_for_timeout(400)
    whole = page.locator(".leaflet-popup-content-wrapper").bounding_box()
    frame = page.locator("#map_match").bounding_box()
    assert whole is not None
    assert frame is not None
    assert whole["x"] >= frame["x"]
    assert whole["y"] >= frame["y"]
    assert whole["x"] + whole["width"] <= frame["x"] + frame["width"]
    page.get_by_role("button", name="Fermer").click()
    card.wait_for(state="detached")
    assert opened.complaints == []


def test_an_excluded_commune_says_why(opened: Opened, ranking: Ranking) -> None:
    far = max(ranking.excluded_communes(), key=lambda c: c["limits"][0]["by"])
    opened.page.get_by_role("combobox").fill(far["name"])
    opened.page.keyboard.press("Enter")
    card = opened.page.locator(".gm-card")
    assert "Fibre\u00a0: manqué de" in card.locator(".gm-out").inner_text()
    assert "rang" not in card.locator(".gm-score").inner_text()


def test_a_commune_is_found_by_keyboard_and_focus_comes_back(opened: Opened) -> None:
    page = opened.page
    field = page.get_by_role("combobox")
    field.fill("lombez")
    field.press("Enter")
    assert page.locator(".gm-card h2").inner_text() == "Lombez"
    assert page.evaluate("document.activeElement.className").startswith("leaflet-popup-content")
    page.keyboard.press("Escape")
    page.locator(".gm-card").wait_for(state="detached")
    assert page.evaluate("document.activeElement.id") == "gm-find"
    field.fill("Nulle-Part")
    field.press("Enter")
    assert page.get_by_role("status").inner_text() == "Aucune commune de ce nom ici"


def test_layers_are_chosen_by_keyboard(opened: Opened, ranking: Ranking) -> None:
    page = opened.page
    button = page.get_by_role("button", name="Couches")
    assert button.get_attribute("aria-expanded") == "false"
    button.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    page.get_by_label("Locaux raccordables à la fibre").press("Space")
    assert page.get_by_text("Locaux raccordables à la fibre, en %").is_visible()
    assert not page.get_by_text("Score, sur 100").is_visible()
    assert page.locator("path.gm-commune").count() == len(ranking.score)
    assert page.locator("path.gm-bare").count() == 0
    partners = page.get_by_label("Villages partenaires et leur preuve")
    partners.press("Space")
    assert page.locator("path.gm-partner").count() == 0
    page.get_by_label("Gares et aéroports").press("Space")
    assert page.locator(".leaflet-marker-icon .gm-sign.ink").count() == 17
    page.get_by_label("Commerces et services du quotidien").press("Space")
    assert page.locator(".leaflet-gm-points-pane canvas").count() == 1
    page.keyboard.press("Escape")
    assert button.get_attribute("aria-expanded") == "false"
    assert opened.complaints == []


def test_types_are_told_by_colour_and_by_letter(opened: Opened, territory: Territory) -> None:
    page = opened.page
    types = typology(territory).types
    assert page.locator(".leaflet-marker-icon .gm-letter").count() == 0
    page.get_by_role("button", name="Couches").click()
    page.get_by_label("Types de communes").press("Space")
    page.keyboard.press("Escape")
    fills = page.eval_on_selector_all(
        "path.gm-commune", "paths => paths.map(path => path.getAttribute('fill'))"
    )
    assert [fills.count(colour) for colour in TYPE_COLOURS[: len(types)]] == [
        len(kind.members) for kind in types
    ]
    letters = page.locator(".leaflet-marker-icon .gm-letter")
    assert letters.all_inner_texts() == [kind.letter for kind in types]
    entries = page.locator(".gm-kind")
    assert entries.count() == len(types)
    assert all(entries.nth(i).is_visible() for i in range(len(types)))
    boxes = page.eval_on_selector_all(
        ".gm-name, .leaflet-marker-icon .gm-letter, .leaflet-marker-icon .gm-sign, .gm-panel",
        "nodes => nodes.map(n => [n.className, n.getBoundingClientRect()])"
        ".map(([c, b]) => [c, b.left, b.top, b.right, b.bottom])",
    )
    assert sum("gm-name" in box[0] for box in boxes) >= 8
    for letter in (box for box in boxes if "gm-letter" in box[0]):
        for box in boxes:
            apart = (
                letter[1] >= box[3] or box[1] >= letter[3]
                or letter[2] >= box[4] or box[2] >= letter[4]
            )  # fmt: skip
            assert apart or box is letter, f"{letter} lies on {box}"
    field = page.get_by_role("combobox")
    field.fill("Lombez")
    field.press("Enter")
    kind = typology(territory).type_of(territory.find("Lombez"))
    assert page.locator(".gm-card .gm-type").inner_text().split("\n") == [
        kind.letter, kind.name_fr,
    ]  # fmt: skip
    assert opened.complaints == []


def test_a_taller_legend_leaves_the_whole_map_in_view(opened: Opened, territory: Territory) -> None:
    page = opened.page
    page.get_by_role("button", name="Couches").click()
    page.get_by_label("Types de communes").press("Space")
    page.keyboard.press("Escape")
    page.wait_for_timeout(200)
    legend = page.locator(".gm-legend").bounding_box()
    assert legend is not None
    seats = territory.communes[["town_hall_lat", "town_hall_lon"]].to_numpy().tolist()
    points = page.evaluate(
        "seats => { const frame = map_match.getContainer().getBoundingClientRect();"
        " return seats.map(seat => map_match.latLngToContainerPoint(seat))"
        ".map(at => [at.x + frame.x, at.y + frame.y]); }",
        seats,
    )
    right, bottom = legend["x"] + legend["width"], legend["y"] + legend["height"]
    covered = [(x, y) for x, y in points if legend["x"] < x < right and legend["y"] < y < bottom]
    assert covered == []


def test_tiles_are_asked_for_only_when_ticked(opened: Opened) -> None:
    page = opened.page
    assert not any(url.startswith(TILES) for url in opened.requests)
    page.get_by_role("button", name="Couches").click()
    page.get_by_label("Fond de carte OpenStreetMap (internet)").press("Space")
    page.wait_for_timeout(200)
    assert any(url.startswith(TILES) for url in opened.requests)
    assert all(url.startswith(("file:", TILES)) for url in opened.requests)
    assert page.get_by_text("contributeurs d'OpenStreetMap").is_visible()


def test_it_prints_on_one_landscape_page(opened: Opened) -> None:
    content = opened.page.pdf(prefer_css_page_size=True)
    assert content.count(b"/Type /Page\n") + content.count(b"/Type /Page/") == 1
    assert opened.page.locator("details[open]").count() == 0


def test_hostile_texts_run_nowhere(chromium: Browser, territory: Territory, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=\"document.title='run'\"></script>{{ 7 * 7 }}"
    communes = territory.communes.copy()
    communes.loc["32013", ["name", "epci_name"]] = hostile
    places = territory.places.copy()
    places.loc[places["insee_code"] == "32013", ["name", "status"]] = hostile
    changed = dataclasses.replace(
        territory, communes=communes, tables={**territory.tables, "places": places}
    )
    file = tmp_path / "map.html"
    ranking = rank(changed, Profile(name=hostile), "all")
    file.write_text(map_html(ranking, "en"), encoding="utf-8")
    page = chromium.new_page()
    page.goto(file.as_uri())
    title = page.title()
    page.get_by_role("combobox").fill(hostile)
    page.keyboard.press("Enter")
    assert page.locator(".gm-card h2").inner_text() == hostile
    page.keyboard.press("Escape")
    page.locator(".leaflet-marker-icon .gm-sign.diamond").first.dispatch_event("click")
    page.wait_for_timeout(100)
    assert page.locator("img").count() == 0
    assert page.title() == title
    assert "{{ 7 * 7 }}" in title
    page.close()
