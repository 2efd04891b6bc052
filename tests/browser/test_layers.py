"""The map and what it shows, in a real browser: layers, a town of choice, places, a base map."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from geo_matcher.layers import LAYERS, REACHED_STEPS, LayerValues, layer_values
from geo_matcher.look import SCORE_COLOURS
from geo_matcher.place_sets import places_shown
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory
from geo_matcher.wheel import trips_of
from tests.browser.pages import follow, settled

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

    from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

Start = Callable[..., "Visit"]
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


def simple(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def drawn(page: Page) -> dict[str, tuple[str, str]]:
    """Return the step and the fill of each polygon."""
    settled(page)
    found: dict[str, Any] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("path.commune[data-code]")]
            .map((path) => [path.dataset.code, [path.dataset.step, path.getAttribute("fill")]]))"""
    )
    return {code: (step, fill) for code, (step, fill) in found.items()}


def expected(territory: Territory, name: str, scope: str, to: str = "") -> dict[str, str]:
    """Return the step that each polygon must have."""
    steps = layer_values(territory, name, to).classes
    inside = territory.in_scope(scope)
    return {
        code: "out" if not is_in else "unknown" if step < 0 else str(step)
        for code, step, is_in in zip(territory.codes, steps, inside.tolist(), strict=True)
    }


def choose(page: Page, layer: str) -> None:
    page.locator("#q-show").select_option(layer)
    page.locator(
        "#legend-layer .legend-title", has_text=LAYERS[layer].label_fr.replace("'", "’")
    ).wait_for()


def no_list_is_asked(one: Visit) -> Callable[[], None]:
    before = len(one.requests)

    def check() -> None:
        assert not [url for url in one.requests[before:] if "/fragments/" in url]

    return check


# --- Layers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["partners", "all"])
def test_a_layer_colours_the_communes_as_the_library_says(
    visit: Start, territory: Territory, scope: str
) -> None:
    one = visit()
    page = one.open(f"?scope={scope}")
    only_the_layer = no_list_is_asked(one)
    choose(page, "fibre")
    polygons = drawn(page)
    assert {code: step for code, (step, _) in polygons.items()} == expected(
        territory, "fibre", scope
    )
    assert {fill for step, fill in polygons.values() if step != "out"} == {
        SCORE_COLOURS[int(step)] for step, _ in polygons.values() if step != "out"
    }
    choose(page, "house_price")
    polygons = drawn(page)
    assert {code: step for code, (step, _) in polygons.items()} == expected(
        territory, "house_price", scope
    )
    assert {fill for step, fill in polygons.values() if step == "unknown"} == {"url(#hatch)"}
    only_the_layer()
    assert page.url.endswith(f"scope={scope}&show=house_price" if scope == "all" else
                             "/?show=house_price")  # fmt: skip


def test_hours_at_the_wheel_follow_the_answers(visit: Start, territory: Territory) -> None:
    page = visit().open("?scope=all&show=wheel")
    family = layer_values(territory, "wheel", trips=trips_of(Profile(children_ages=[4, 9])))
    alone = layer_values(territory, "wheel")
    row = next(i for i in range(458) if family.classes[i] != alone.classes[i])

    def steps_once_drawn(found: LayerValues) -> tuple[int, ...]:
        code, step = territory.codes[row], found.classes[row]
        page.locator(f'path.commune[data-code="{code}"][data-step="{step}"]').wait_for()
        steps = {code: int(step) for code, (step, _) in drawn(page).items()}
        return tuple(steps[code] for code in territory.codes)

    assert steps_once_drawn(alone) == alone.classes
    page.locator("#q-children").fill("4, 9")
    page.locator("#q-children").blur()
    assert steps_once_drawn(family) == family.classes


def test_catchments_are_named_in_the_legend(visit: Start) -> None:
    page = visit().open("?show=catchments&scope=all")
    names = page.locator("#legend-layer .type-names li")
    names.first.wait_for()
    assert names.all_inner_texts() == ["aucun lieu à portée", "un lieu", "deux lieux ou plus"]
    fills = [rect.get_attribute("fill") for rect in page.locator(".type-names rect").all()]
    assert fills == [SCORE_COLOURS[step] for step in REACHED_STEPS]
    page.locator('path.commune[data-code="32013"]').dispatch_event("click")
    assert "2 lieux, estimé" in simple(page.locator("#map-said").inner_text())


def test_the_legend_follows_the_layer(visit: Start) -> None:
    page = visit().open("?show=station")
    legend = page.locator("#legend-layer")
    legend.locator(".legend-title", has_text="Gare, minutes en voiture").wait_for()
    assert [simple(text) for text in legend.locator(".scale li").all_inner_texts()] == [
        "< 5", "5", "10", "15", "20", "30", "45+",
    ]  # fmt: skip
    first = legend.locator(".scale rect").first
    assert first.get_attribute("fill") == SCORE_COLOURS[-1]
    assert "geo_matcher 2026" in legend.inner_text()
    assert page.locator("#hatch-word").inner_text() == "inconnu"
    assert not page.locator("#legend-score").is_visible()
    page.locator("#q-show").select_option("score")
    page.locator("#legend-score").wait_for()
    assert page.locator("#hatch-word").inner_text() == "hors de vos limites"
    assert page.url.endswith("/")


def test_a_polygon_says_its_figure_and_what_is_known_of_it(
    visit: Start, territory: Territory
) -> None:
    page = visit().open("?show=workplace&scope=all")
    drawn(page)
    bounded = layer_values(territory, "workplace")
    row = next(i for i, status in enumerate(bounded.status.tolist()) if status == 3)
    code = territory.codes[row]
    page.locator(f'path.commune[data-code="{code}"]').dispatch_event("click")
    said = simple(page.locator("#map-said").inner_text())
    assert f"{round(bounded.values[row].item())} min au plus, estimé" in said
    page.locator("#q-show").select_option("house_price")
    page.locator("#map-said", has_text="Prix d").wait_for()


def test_types_have_a_texture_each_and_admit_their_weakness(visit: Start) -> None:
    one = visit()
    page = one.page
    page.goto(f"{one.address}/?show=types&scope=all", wait_until="load")
    page.locator("#legend-layer .type-names").wait_for(timeout=30_000)
    fills = {fill for _, fill in drawn(page).values()}
    assert fills == {f"url(#type-{step})" for step in range(4)}
    textures = page.eval_on_selector_all(
        "pattern .texture", "(found) => found.map((path) => path.getAttribute('d'))"
    )
    assert len(set(textures)) == len(textures) == 6
    assert "Des repères, pas des frontières" in page.locator("#legend-layer").inner_text()


def test_the_form_keeps_the_layer_and_the_layer_keeps_the_form(
    visit: Start, territory: Territory
) -> None:
    page = visit().open()
    choose(page, "fibre")
    with page.expect_response(lambda answer: "/fragments/matches" in answer.url):
        page.locator('.scopes [name="scope"][value="all"]').check()
    page.get_by_text("458 villages classés pour vous").wait_for()
    assert page.url.endswith("/?scope=all&show=fibre")
    steps = {code: step for code, (step, _) in drawn(page).items()}
    assert steps == expected(territory, "fibre", "all")
    with page.expect_response(lambda answer: "/fragments/matches" in answer.url):
        page.get_by_role("link", name="Couple de jeunes retraités").click()
    page.locator("#results[aria-busy]").wait_for(state="detached")
    assert page.url.endswith("&show=fibre")


def test_back_and_forward_walk_through_layers_without_the_list(visit: Start) -> None:
    one = visit()
    page = one.open("?scope=all")
    only_the_layer = no_list_is_asked(one)
    choose(page, "fibre")
    choose(page, "station")
    page.locator("#map-places summary").click()
    page.get_by_role("checkbox", name="Gare").check()
    page.locator(".place-mark .sign").first.wait_for()
    assert page.url.endswith("?scope=all&show=station&places=station")
    page.go_back()
    page.locator(".place-mark").first.wait_for(state="detached")
    assert not page.get_by_role("checkbox", name="Gare").is_checked()
    page.go_back()
    page.locator(".legend-title", has_text="fibre").wait_for()
    assert page.locator("#q-show").input_value() == "fibre"
    page.go_back()
    page.locator("#legend-score").wait_for()
    page.go_forward()
    page.locator(".legend-title", has_text="fibre").wait_for()
    only_the_layer()


def test_a_shared_link_shows_the_same_map(visit: Start) -> None:
    page = visit().open("?scope=network")
    page.locator("#q-show").select_option("doctor")
    page.locator(".legend-title", has_text="Médecin").wait_for()
    page.locator("#map-places summary").click()
    page.get_by_role("checkbox", name="Médecin généraliste").check()
    page.locator(".place-mark .sign").first.wait_for()
    other = visit().page
    other.goto(page.url)
    assert drawn(other) == drawn(page)
    assert other.locator(".place-mark").count() == page.locator(".place-mark").count() == 60


def test_a_silent_server_leaves_the_score_and_says_so(visit: Start) -> None:
    one = visit()
    page = one.open()
    before = drawn(page)
    page.route("**/api/v1/layers/**", lambda route: route.abort())
    page.locator("#q-show").select_option("fibre")
    page.get_by_role("alert").get_by_text("Cette couche n’a pas pu être chargée").wait_for()
    assert drawn(page) == before
    assert all("ERR_FAILED" in text for text in one.complaints)
    one.complaints.clear()


# --- Minutes to a commune of choice ---------------------------------------------------------------


def test_minutes_to_a_commune_of_choice(visit: Start, territory: Territory) -> None:
    one = visit()
    page = one.open("?scope=all")
    only_the_layer = no_list_is_asked(one)
    assert not page.get_by_label("Minutes jusqu’à").is_visible()
    page.locator("#q-show").select_option("minutes_to")
    page.locator(".legend-title", has_text="Auch, minutes en voiture").wait_for()
    field = page.get_by_label("Minutes jusqu’à")
    assert field.input_value() == "Auch"
    assert page.url.endswith("?scope=all&show=minutes_to&to=32013")
    assert {code: step for code, (step, _) in drawn(page).items()} == expected(
        territory, "auch", "all"
    )
    field.fill("")
    field.press_sequentially("lourd")
    page.locator('#towns option[value="Lourdes"]').wait_for(state="attached")
    field.fill("lourdes")
    field.press("Enter")
    page.locator(".legend-title", has_text="Lourdes, minutes").wait_for()
    assert field.input_value() == "Lourdes"
    assert page.url.endswith("show=minutes_to&to=65286")
    assert {code: step for code, (step, _) in drawn(page).items()} == expected(
        territory, "minutes_to", "all", "65286"
    )
    only_the_layer()
    page.go_back()
    page.locator(".legend-title", has_text="Auch, minutes").wait_for()
    assert field.input_value() == "Auch"


def test_a_town_that_nobody_knows_is_told(visit: Start) -> None:
    page = visit().open("?show=minutes_to&to=31555")
    page.locator(".legend-title", has_text="Toulouse").wait_for()
    field = page.get_by_label("Minutes jusqu’à")
    field.fill("Toulouze")
    field.press("Enter")
    page.locator("#to-trouble", has_text="Peut-être Toulouse").wait_for()
    assert field.get_attribute("aria-invalid") == "true"
    assert page.url.endswith("to=31555")
    field.fill("<img src=x>")
    field.press("Enter")
    page.locator("#to-trouble", has_text="<img src=x>").wait_for()
    assert page.locator("#map img").count() == 0
    with page.expect_response(lambda answer: "/fragments/matches" in answer.url):
        page.get_by_label("Surface").fill("90")
    page.locator("#results[aria-busy]").wait_for(state="detached")
    assert page.url.endswith("surface=90&show=minutes_to&to=31555")


def test_a_link_with_an_unknown_town_can_be_mended(visit: Start) -> None:
    one = visit()
    page = one.open("?show=minutes_to&to=Toulouze")
    field = page.get_by_label("Minutes jusqu’à")
    assert field.input_value() == "Toulouze"
    assert "Est-ce Toulouse" in page.get_by_role("alert").first.inner_text()
    field.fill("Toulouse")
    with page.expect_response(lambda answer: "/fragments/matches" in answer.url):
        field.press("Enter")
    page.get_by_text("47 villages classés pour vous").wait_for()
    assert page.url.endswith("show=minutes_to&to=31555")
    assert all("422" in text for text in one.complaints)
    one.complaints.clear()


# --- Places ---------------------------------------------------------------------------------------


def test_places_are_signs_with_a_legend_and_words(visit: Start, territory: Territory) -> None:
    page = visit().open()
    page.locator("#map-places summary").click()
    page.get_by_role("checkbox", name="Collège").check()
    page.get_by_role("checkbox", name="Lycée").check()
    page.locator(".place-mark .is-wide", has_text="Ly").first.wait_for()
    settled(page)
    signs = page.locator(".place-mark").all_inner_texts()
    for name, letter in (("college", "Co"), ("lycee", "Ly")):
        points = {(p["lon"], p["lat"]) for p in places_shown(territory, name, "fr")}
        assert signs.count(letter) == len(points)
    assert page.locator("#places-count").inner_text() == "(2)"
    assert page.locator("#legend-places li").all_inner_texts() == ["Co\nCollège", "Ly\nLycée"]
    page.locator(".place-mark").first.dispatch_event("click")
    said = page.locator("#map-said").inner_text()
    assert "Collège" in said
    assert "Placé à la mairie" in said
    boxes = [sign.bounding_box() for sign in page.locator(".place-mark").all()]
    assert len({(box["x"], box["y"]) for box in boxes if box}) == len(boxes)


def test_the_same_as_a_table_follows_the_map(visit: Start) -> None:
    page = visit().open("?scope=network")
    choose(page, "cinema")
    page.locator("#map-places summary").click()
    page.get_by_role("checkbox", name="Cinéma").check()
    page.locator(".place-mark").first.wait_for()
    as_table = page.get_by_role("link", name="La même chose en tableau")
    follow(page, as_table.click, "**/table?scope=network&show=cinema&places=cinema")
    assert page.locator(".figures-table").first.locator("tbody tr").count() == 171
    assert page.locator(".places-table tbody tr").count() == 8
    follow(page, page.get_by_role("link", name="Valeur").click, "**&sort=figure")
    assert "Valeur" in page.locator('th[aria-sort="ascending"]').inner_text()
    page.evaluate("scrollTo({ top: 2_000, behavior: 'instant' })")
    assert page.evaluate("scrollY") > 500
    head = page.locator(".figures-table thead th").first.bounding_box()
    assert head
    assert abs(head["y"]) < 1  # the heads of the columns stay


# --- A base map, only on request ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "host", "other"),
    [
        ("Plan IGN", "data.geopf.fr", "OpenStreetMap"),
        ("OpenStreetMap", "tile.openstreetmap.org", "Plan IGN"),
    ],
)
def test_a_base_map_comes_only_when_it_is_asked_for(
    visit: Start, label: str, host: str, other: str
) -> None:
    one = visit()
    asked: list[dict[str, str]] = []

    def answer(route: Route) -> None:
        asked.append({"url": route.request.url, **route.request.all_headers()})
        route.fulfill(body=PIXEL, content_type="image/png")

    one.page.context.route(lambda url: "127.0.0.1" not in url, answer)
    page = one.open("?scope=all")
    page.locator(".map-base summary").click()
    assert "votre adresse IP" in page.locator("#base-why").inner_text()
    page.wait_for_load_state("networkidle")
    assert asked == []
    assert one.hosts == {"127.0.0.1"}

    one.chosen_hosts.add(host)
    page.get_by_role("radio", name=label).check()
    page.locator("img.leaflet-tile-loaded").first.wait_for()
    page.wait_for_load_state("networkidle")
    assert {request["url"].split("/")[2] for request in asked} == {host}
    # OpenStreetMap wants to know the site; nobody learns the address of the page.
    referers = {request.get("referer") for request in asked}
    assert referers == ({f"{one.address}/"} if label == "OpenStreetMap" else {None})
    credit = page.locator(".leaflet-control-attribution").inner_text()
    assert label.split()[-1] in credit
    assert other.split()[-1] not in credit
    opacity = page.evaluate("getComputedStyle(document.querySelector('.commune')).fillOpacity")
    assert float(opacity) < 1
    assert page.url.endswith("?scope=all")

    page.get_by_role("radio", name="Aucun fond").check()
    page.locator("img.leaflet-tile").first.wait_for(state="detached")
    assert page.locator(".leaflet-control-attribution").count() == 0
    count = len(asked)
    page.reload(wait_until="networkidle")  # nothing more is asked for
    assert page.locator('input[name="base"]:checked').input_value() == ""
    assert len(asked) == count


def test_a_base_map_that_does_not_answer_is_told(visit: Start) -> None:
    one = visit()
    one.page.context.route(lambda url: "127.0.0.1" not in url, lambda route: route.abort())
    page = one.open()
    page.locator(".map-base summary").click()
    one.chosen_hosts.add("data.geopf.fr")
    page.get_by_role("radio", name="Plan IGN").check()
    page.get_by_role("alert").get_by_text("Le fond de carte ne répond pas").wait_for()
    page.goto("about:blank")  # no tile is asked for any more
    assert all("ERR_FAILED" in text for text in one.complaints)
    one.complaints.clear()


# --- Everybody ------------------------------------------------------------------------------------


def test_the_map_stands_on_its_own(visit: Start, territory: Territory) -> None:
    page = visit(1600, 1000).open("?scope=all")
    drawn(page)
    assert page.locator("path.neighbour").count() > 200
    names = [name for name in page.locator(".is-around:not(.is-crowded)").all_inner_texts() if name]
    halls = territory.tables["town_halls"]
    around = set(halls.loc[~halls["insee_code"].isin(territory.codes), "name"])
    assert names
    assert set(names) <= around


def test_a_phone_chooses_layers_on_its_map(visit: Start) -> None:
    page = visit(390, 844, has_touch=True).open()
    page.locator('.tabs a[data-tab="map"]').tap()
    drawn(page)
    page.locator("#q-show").select_option("minutes_to")
    page.locator(".legend-title", has_text="Auch").wait_for()
    for opener in (".map-base summary", "#map-places summary"):  # one at a time stays open
        page.locator(opener).tap()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        for target in page.locator("#map select, #map summary, #map [open] label").all():
            box = target.bounding_box()
            assert box
            assert box["height"] >= 44
    page.get_by_role("checkbox", name="Télécentre").tap()
    page.locator(".place-mark").first.wait_for()
    page.locator(".tabs a").nth(1).tap()
    assert page.locator(".card").first.is_visible()


def test_the_keyboard_reaches_what_the_map_shows(visit: Start) -> None:
    page = visit().open()
    page.locator("#q-show").focus()
    page.keyboard.press("ArrowDown")
    page.locator(".legend-title", has_text="fibre").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.value") == "coworking"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"
    page.keyboard.press("Space")
    page.locator(".place-mark").first.wait_for()
    assert "places=coworking" in page.url


@pytest.mark.parametrize("width", [320, 360])
def test_no_table_scrolls_sideways(visit: Start, width: int) -> None:
    page = visit(width, 800).open(
        "table?show=house_rent&places=lycee,third_place&scope=all&lang=en"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_javascript_a_layer_is_a_table(visit: Start) -> None:
    one = visit(java_script_enabled=False)
    page = one.open()
    page.locator("#q-show").select_option("minutes_to")
    page.get_by_label("Minutes jusqu’à").fill("Lourdes")
    page.locator("#map-places summary").click()
    page.get_by_role("checkbox", name="Boulangerie").check()
    page.get_by_role("checkbox", name="Gare").check()
    as_table = page.get_by_role("button", name="Voir ce choix en tableau")
    follow(page, as_table.click, "**/table?show=minutes_to&to=65286&places=bakery,station")
    assert page.locator("h1").inner_text() == "Lourdes, minutes en voiture"
    page.locator("#q-show").select_option("fibre")
    show = page.get_by_role("button", name="Afficher")
    follow(page, show.click, "**/table?show=fibre&places=bakery,station")
    back = page.get_by_role("link", name="Retour à la liste")
    follow(page, back.click, "**/?show=fibre&places=bakery,station")
    page.get_by_label("En coworking, certains jours").check()
    send = page.get_by_role("button", name="Voir les villages")
    follow(page, send.click, "**/?work_mode=coworking&show=fibre&places=bakery,station")
