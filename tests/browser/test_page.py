"""The movers' page in a real browser, as a person uses it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from geo_matcher.matching import rank
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.territory import Territory
from tests.browser.pages import follow, settled

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Visit

pytestmark = pytest.mark.browser

Start = Callable[..., "Visit"]
HOSTILE = '"><img src=x onerror="document.title=1"><script>document.title=2</script>'


def names(page: Page) -> list[str]:
    """Return the names of the villages that are listed, in order."""
    return page.locator(".card h3").all_text_contents()


def best(territory: Territory, profile: Profile, scope: str) -> list[str]:
    """Return the names that a list must show."""
    ranking = rank(territory, profile, scope)
    return [territory.facts[row]["name"] for row in ranking.order[:20]]


def simple(text: str) -> str:
    """Return a text with ordinary spaces."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def classes(page: Page) -> dict[str, str]:
    """Return the step of the scale of each polygon, empty where none."""
    page.wait_for_selector("path.commune[data-code]")
    found: dict[str, str] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("path.commune")]
            .map((path) => [path.dataset.code, path.dataset.step]))"""
    )
    return {code: step if step.isdigit() else "" for code, step in found.items()}


def colours(page: Page) -> set[str]:
    """Return the colours that polygons are filled with."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("path.commune:not(.is-out):not(.is-excluded)")]
            .map((path) => getComputedStyle(path).fill)"""
    )
    return set(found)


def settle(page: Page, action: Callable[[], Any]) -> None:
    """Do something and wait for the list that it brings."""
    with page.expect_response(lambda answer: "/fragments/matches" in answer.url):
        action()
    page.locator("#results[aria-busy]").wait_for(state="detached")


def coloured(page: Page) -> int:
    return sum(bool(step) for step in classes(page).values())


# --- Answers change the list and the map ----------------------------------------------------------


def test_answers_change_the_list_the_map_and_the_address(
    visit: Start, territory: Territory
) -> None:
    page = visit().open()
    assert names(page) == best(territory, Profile(), "partners")
    before = classes(page)
    assert len(before) == 458
    assert coloured(page) == 47
    assert len(colours(page)) >= 3

    settle(page, lambda: page.get_by_label("En coworking, certains jours").check())
    settle(page, lambda: page.get_by_label("L’âge de vos enfants").fill("4, 9"))
    settle(page, lambda: page.get_by_label("Budget").fill("230 000"))
    settle(page, lambda: page.get_by_label("Surface").fill("120"))
    settle(page, lambda: page.get_by_role("radio", name=re.compile("^Bourg")).check())

    profile = parse_profile(
        {
            "work_mode": "coworking",
            "children_ages": [4, 9],
            "budget_eur": 230_000,
            "surface_m2": 120,
            "village_size": "bourg",
        }
    )
    assert names(page) == best(territory, profile, "partners")
    assert classes(page) != before
    assert page.url.endswith(
        "/?work_mode=coworking&size=bourg&children=4,9&budget=230000&surface=120"
    )


def test_children_bring_schools_unless_something_else_was_said(visit: Start) -> None:
    page = visit().open()
    family = page.get_by_role("group", name=re.compile("^Enfants"))
    assert family.get_by_label("pas du tout").is_checked()
    settle(page, lambda: page.get_by_label("L’âge de vos enfants").fill("4"))
    assert family.get_by_label("important").is_checked()
    assert "w_children" not in page.url
    settle(page, lambda: family.get_by_label("un peu").check())
    assert "w_children=a_little" in page.url
    settle(page, lambda: page.get_by_label("L’âge de vos enfants").fill(""))
    assert family.get_by_label("un peu").is_checked()


@pytest.mark.parametrize(("scope", "count"), [("network", 171), ("all", 458)])
def test_the_scope_changes_the_list_and_the_map(
    visit: Start, territory: Territory, scope: str, count: int
) -> None:
    page = visit().open()
    settle(page, lambda: page.locator(f'[name="scope"][value="{scope}"]').check())
    assert names(page) == best(territory, Profile(), scope)
    assert coloured(page) == count
    assert page.locator("#count").inner_text() == f"{count} villages classés pour vous"
    assert page.locator(f"#note-{scope}").is_visible()
    assert not page.locator("#note-partners").is_visible()
    settle(page, lambda: page.locator('[name="scope"][value="partners"]').check())
    assert coloured(page) == 47
    assert names(page) == best(territory, Profile(), "partners")


def test_an_importance_changes_the_list_and_the_map(visit: Start, territory: Territory) -> None:
    page = visit().open("?scope=all")
    before = classes(page)
    family = page.get_by_role("group", name=re.compile("^Se loger"))
    settle(page, lambda: family.get_by_label("indispensable").check())
    profile = parse_profile({"importance": {"housing": "indispensable"}})
    assert names(page) == best(territory, profile, "all")
    assert classes(page) != before


def test_a_limit_takes_villages_off_the_list_and_hatches_them(visit: Start) -> None:
    page = visit().open("?scope=all")
    page.locator("summary", has_text="Vos limites").click()
    settle(page, lambda: page.get_by_role("combobox", name="Gare", exact=True).select_option("15"))
    excluded = page.locator("path.commune.is-excluded")
    assert excluded.count() + coloured(page) == 458
    assert excluded.count() > 100
    assert excluded.first.get_attribute("fill") == "url(#hatch)"
    assert page.get_by_text("Ce que vos limites écartent").is_visible()
    settle(page, lambda: page.get_by_role("link", name="Retirer cette limite").click())
    assert excluded.count() == 0
    assert page.get_by_role("combobox", name="Gare", exact=True).input_value() == ""


def test_a_mistake_is_told_and_mended(visit: Start) -> None:
    one = visit()
    page = one.open()
    settle(page, lambda: page.get_by_label("Budget").fill("beaucoup"))
    trouble = page.get_by_role("alert")
    assert "« beaucoup » n’est pas un nombre" in simple(trouble.inner_text())
    assert len(names(page)) == 20
    settle(page, lambda: page.get_by_label("Budget").fill("200000"))
    trouble.wait_for(state="hidden")
    assert page.url.endswith("/?budget=200000")
    # The browser itself notes the answer 422.
    assert [text for text in one.complaints if "422" not in text] == []
    one.complaints.clear()


def test_only_the_last_answer_counts(visit: Start, territory: Territory) -> None:
    page = visit().open()
    for scope in ("network", "all", "partners", "network", "all"):
        page.locator(f'.scopes [name="scope"][value="{scope}"]').check()
    page.get_by_text("458 villages classés pour vous").wait_for()
    settled(page)
    assert names(page) == best(territory, Profile(), "all")
    assert coloured(page) == 458


def test_a_silent_server_is_told_in_words(visit: Start) -> None:
    one = visit()
    page = one.open()
    page.route("**/fragments/**", lambda route: route.abort())
    page.locator('[name="scope"][value="all"]').check()
    page.get_by_text("Le serveur ne répond pas", exact=False).wait_for()
    page.unroute("**/fragments/**")
    settle(page, lambda: page.locator('[name="scope"][value="network"]').check())
    assert not page.locator("#trouble").is_visible()
    assert all("ERR_FAILED" in text for text in one.complaints)
    one.complaints.clear()


# --- Links and history ----------------------------------------------------------------------------


def test_a_shared_link_restores_form_list_and_map(visit: Start) -> None:
    page = visit().open()
    page.get_by_text("Partir d’un exemple")
    settle(page, lambda: page.get_by_role("link", name="Couple de jeunes retraités").click())
    settle(page, lambda: page.locator('[name="scope"][value="all"]').check())
    other = visit().page
    other.goto(page.url)
    settled(other)
    assert names(other) == names(page)
    assert classes(other) == classes(page)
    form = "() => [...new FormData(document.querySelector('#profile'))].sort()"
    # A page that is loaded groups thousands; the answers are the same.
    sent = [
        [[key, value.replace("\u202f", "")] for key, value in tab.evaluate(form)]
        for tab in (page, other)
    ]
    assert sent[0] == sent[1]
    assert other.locator('[name="w_health"]:checked').get_attribute("data-word") == "indispensable"


def test_the_link_can_be_copied(visit: Start) -> None:
    one = visit(permissions=["clipboard-read", "clipboard-write"])
    page = one.open("?preset=lyon-trainer")
    page.get_by_role("button", name="Copier le lien").click()
    page.get_by_text("Lien copié").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"{one.address}/?name=lyon-trainer&sector=training")


def test_back_and_forward_walk_through_the_answers(visit: Start) -> None:
    page = visit().open()
    first = names(page)
    settle(page, lambda: page.locator('[name="scope"][value="all"]').check())
    second = names(page)
    settle(page, lambda: page.get_by_label("Surface").fill("60"))
    settle(page, lambda: page.get_by_label("Surface").fill("65"))
    third = names(page)
    assert page.url.endswith("surface=65&scope=all")
    settle(page, page.go_back)
    assert (names(page), coloured(page)) == (second, 458)
    assert page.get_by_label("Surface").input_value() == "100"
    settle(page, page.go_back)
    assert (names(page), coloured(page)) == (first, 47)
    assert page.locator('[name="scope"]:checked').input_value() == "partners"
    settle(page, page.go_forward)
    settle(page, page.go_forward)
    assert names(page) == third


def test_what_the_form_does_not_offer_is_loaded_anew(visit: Start) -> None:
    page = visit().open("?max_pau_min=120&scope=all")
    follow(page, page.get_by_role("link", name="Trouver son village").click)
    assert page.locator('select[name="max_pau_min"]').count() == 0
    page.go_back()
    settled(page)
    assert page.locator('select[name="max_pau_min"]').input_value() == "120"


# --- Villages, polygons, details ------------------------------------------------------------------


def test_a_card_outlines_its_polygon_and_the_reverse(visit: Start) -> None:
    page = visit().open("?preset=paris-web-family")
    card = page.locator(".card").nth(2)
    name = card.locator("h3").inner_text()
    card.locator(".summary").click()
    page.locator("path.chosen").wait_for(state="attached")
    assert name in page.locator("#map-said").inner_text()
    assert "is-chosen" in (card.get_attribute("class") or "")

    code = page.locator(".card").nth(0).get_attribute("data-code")
    page.locator(f'path.commune[data-code="{code}"]').dispatch_event("click")
    chosen = page.locator(".card.is-chosen")
    assert chosen.get_attribute("data-code") == code
    page.get_by_role("link", name="voir sa fiche").click()
    assert page.evaluate("document.activeElement.id") == f"n-{code}"


def test_of_a_new_list_all_is_drawn_once_what_is_in_sight_is(visit: Start) -> None:
    page = visit().open()
    settle(page, lambda: page.locator('[name="scope"][value="all"]').check())
    page.locator(".cards.is-new").wait_for(state="detached")
    seen = page.locator(".card .bars").evaluate_all(
        "(all) => all.filter((one) => one.checkVisibility({ contentVisibilityAuto: true })).length"
    )
    assert seen == 20
    assert page.locator(".card").last.locator("h3").inner_text()


def test_a_village_below_the_list_says_so(visit: Start, territory: Territory) -> None:
    page = visit().open("?scope=all")
    last = territory.codes[int(rank(territory, Profile(), "all").order[-1])]
    page.locator(f'path.commune[data-code="{last}"]').dispatch_event("click")
    page.get_by_text("plus bas que les 20 affichés", exact=False).wait_for()


def test_a_polygon_says_its_name_and_score(visit: Start, territory: Territory) -> None:
    page = visit().open()
    ranking = rank(territory, Profile(), "partners")
    row = int(ranking.order[0])
    page.locator(f'path.commune[data-code="{territory.codes[row]}"]').hover(force=True)
    said = page.locator(".leaflet-tooltip").inner_text()
    assert territory.facts[row]["name"] in said
    assert f"{ranking.score[row]:.1f}".replace(".", ",") in said


def test_more_villages_come_without_losing_the_place(visit: Start) -> None:
    page = visit().open()
    details = page.locator(".card details").first
    details.locator("summary").click()
    settle(page, lambda: page.locator("#more").click())
    assert len(names(page)) == 40
    assert details.evaluate("(element) => element.open")
    twenty_first = page.locator(".card h3").nth(20).get_attribute("id")
    assert page.evaluate("document.activeElement.id") == twenty_first


# --- Everybody ------------------------------------------------------------------------------------


def focused(page: Page) -> str:
    found: str = page.evaluate(
        """() => { const e = document.activeElement;
            return e.name || (e.closest("[data-code]") ? e.tagName : e.className) }"""
    )
    return found


def tab_to(page: Page, wanted: str, most: int = 80) -> None:
    for _ in range(most):
        page.keyboard.press("Tab")
        if focused(page) == wanted:
            return
    raise AssertionError(f"{wanted} cannot be reached with the Tab key")


def test_the_keyboard_alone_is_enough(visit: Start) -> None:
    page = visit().open()
    page.keyboard.press("Tab")
    assert focused(page) == "skip"
    tab_to(page, "work_mode")
    settle(page, lambda: page.keyboard.press("ArrowDown"))
    assert "work_mode=coworking" in page.url
    assert focused(page) == "work_mode"
    tab_to(page, "children")
    settle(page, lambda: page.keyboard.type("7"))
    tab_to(page, "w_work")
    settle(page, lambda: page.keyboard.press("ArrowRight"))
    assert "w_work=indispensable" in page.url
    tab_to(page, "scope")
    settle(page, lambda: page.keyboard.press("ArrowRight"))
    assert "scope=network" in page.url
    tab_to(page, "SUMMARY")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"
    page.keyboard.press("Enter")
    page.locator(".ledger").first.wait_for()
    tab_to(page, "A")
    tab_to(page, "BUTTON")
    page.keyboard.press("Enter")
    page.locator("path.chosen").wait_for(state="attached")


def test_the_skip_link_leads_to_the_villages(visit: Start) -> None:
    page = visit().open()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "villages"


def test_a_phone_has_three_tabs_and_the_list_first(visit: Start) -> None:
    page = visit(390, 844, has_touch=True).open("?preset=paris-web-family")
    tabs = page.locator(".tabs a")
    assert tabs.all_inner_texts() == ["Vos réponses", "47 villages", "Carte"]
    assert page.locator(".card").first.is_visible()
    assert not page.locator("#profile").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert all(box and box["height"] >= 44 for box in (tab.bounding_box() for tab in tabs.all()))

    tabs.nth(0).tap()
    assert page.locator("#profile").is_visible()
    assert not page.locator(".card").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    settle(page, lambda: page.get_by_label("Louer").check())
    settle(page, lambda: page.get_by_role("button", name="Voir les villages").click())
    assert page.locator(".card").first.is_visible()

    tabs.nth(2).tap()
    assert coloured(page) == 47
    assert page.locator("#map-box").is_visible()
    tabs.nth(1).tap()
    page.get_by_role("button", name="Sur la carte").first.tap()
    page.locator("path.chosen").wait_for(state="attached")
    assert page.locator("#map-said").is_visible()


@pytest.mark.parametrize("width", [320, 360, 820, 1000, 1920])
def test_no_width_scrolls_sideways(visit: Start, width: int) -> None:
    page = visit(width, 800).open("?preset=bordeaux-shop-online&scope=all&max_doctor_min=10")
    page.locator(".card summary").first.click()
    for tab in ("answers", "villages", "map"):
        link = page.locator(f'.tabs a[data-tab="{tab}"]')
        if link.is_visible():
            link.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_where_one_comes_from_is_offered_as_one_types(visit: Start) -> None:
    page = visit().open()
    field = page.get_by_label("D’où venez-vous ?")
    offered = page.locator("#origins option")
    assert offered.evaluate_all("all => all.map(o => o.value)")[0] == "Paris (75)"
    with page.expect_response("**/api/v1/origins?q=saint-den"):
        field.press_sequentially("saint-den", delay=20)
    page.locator('#origins option[value="Saint-Denis (93)"]').wait_for(state="attached")
    assert urlsplit(page.url).query == ""  # half a name is no answer
    field.fill("Saint-Denis (93)")
    page.wait_for_url("**/?from=93066")
    page.locator(".card summary").first.click()
    page.get_by_text("Ce qui change depuis Saint-Denis").first.wait_for()
    settle(page, lambda: field.fill(""))
    assert urlsplit(page.url).query == ""
    settle(page, page.go_back)
    assert page.url.endswith("/?from=93066")
    assert field.input_value() == "Saint-Denis (93)"


def test_the_track_of_the_artists_is_offered_to_them(visit: Start) -> None:
    page = visit().open()
    track = page.get_by_text("Cultura, pour les artistes")
    assert not track.is_visible()
    page.get_by_label("Que faites-vous ?").select_option("arts")
    assert track.is_visible()
    page.get_by_label("Cultura, pour les artistes").check()
    page.wait_for_url("**/?track=cultura&sector=arts")
    page.get_by_label("Que faites-vous ?").select_option("it")
    assert track.is_visible()  # what counts is never hidden


def test_a_name_of_several_communes_is_asked_back_without_javascript(visit: Start) -> None:
    one = visit(java_script_enabled=False)
    page = one.open()
    page.get_by_label("D’où venez-vous ?").fill("Saint-Denis")
    follow(page, page.get_by_role("button", name="Voir les villages").click)
    follow(page, page.get_by_role("link", name="Saint-Denis (974)").click)
    assert page.locator("#q-from").input_value() == "Saint-Denis (974)"
    # The browser itself notes the answer 422.
    assert [text for text in one.complaints if "422" not in text] == []
    one.complaints.clear()


def test_without_javascript_the_form_still_ranks(visit: Start, territory: Territory) -> None:
    page = visit(java_script_enabled=False).open()
    page.get_by_label("En coworking, certains jours").check()
    send = page.get_by_role("button", name="Voir les villages")
    follow(page, send.click, "**/?work_mode=coworking")
    profile = parse_profile({"work_mode": "coworking"})
    assert names(page) == best(territory, profile, "partners")
    page.locator('[name="scope"][value="all"]').check()
    apply = page.get_by_role("button", name="Appliquer")
    follow(page, apply.click, "**/?work_mode=coworking&scope=all")
    assert names(page) == best(territory, profile, "all")
    page.locator(".card summary").first.click()
    page.locator(".ledger").first.wait_for()
    follow(page, page.locator("#more").click, "**&top=40")
    assert len(names(page)) == 40


@pytest.mark.parametrize("preset", ["paris-web-family", "cultura-artist"])
def test_english_works_live_too(visit: Start, territory: Territory, preset: str) -> None:
    page = visit().open(f"?preset={preset}&lang=en")
    settle(page, lambda: page.locator('[name="scope"][value="all"]').check())
    assert "lang=en" in page.url
    assert re.fullmatch(
        r"\d+ villages ranked for you(; \d+ beyond your limits)?",
        page.locator("#count").inner_text(),
    )
    assert names(page) == best(territory, PRESETS[preset].profile, "all")
    follow(page, page.get_by_role("link", name="Français").first.click)
    assert page.locator("html").get_attribute("lang") == "fr"
    assert names(page) == best(territory, PRESETS[preset].profile, "all")


def test_hostile_text_stays_text(visit: Start) -> None:
    page = visit().open()
    settle(page, lambda: page.get_by_label("Nom de cette recherche").fill(HOSTILE))
    assert HOSTILE in page.locator(".caption").inner_text()
    assert page.locator("#results img, #results script:not([type])").count() == 0
    page.reload()
    settled(page)
    assert HOSTILE in page.locator(".caption").inner_text()
    assert page.title() == "Trouver son village · Gers"


def test_on_a_phone_the_invitation_opens_the_questions(visit: Start) -> None:
    page = visit(width=360, height=780).open()
    assert not page.locator("#profile").is_visible()
    page.locator("a[data-open]").click()
    assert page.locator("#profile").is_visible()
    assert not page.locator(".cards").is_visible()
    assert page.evaluate("document.activeElement.closest('#answers') !== null")
