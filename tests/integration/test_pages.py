"""The movers' page: it says what the ranking holds, by plain requests, and lets nothing in."""

from __future__ import annotations

import dataclasses
import json
import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given, settings

from api.app import create_app
from api.cards import Bar, Card, LedgerGroup, LedgerRow, make_cards
from api.changes import Change, ChangeCell, ChangesView
from api.forms import Asked, parse_query, profile_fields, to_query
from api.links import safe_url
from api.map_view import MapControls, OptionGroup
from api.page import PageView
from api.questions import FamilyChoice, FormView, Option, ScopeView, Select, form_view
from api.rendering import render, script_json
from api.results import LimitView, ResultsView, results_view
from api.routes.pages import MAP_POLICY, PAGE_POLICY
from api.security import CONTENT_SECURITY_POLICY
from api.settings import Settings
from api.sheets import Contact, Figure
from api.table import Column, CommuneRow, PlaceRow, TableView
from api.texts import typeset
from geo_matcher.look import score_class
from geo_matcher.matching import rank
from geo_matcher.numbers import format_number
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile
from geo_matcher.robustness import odds
from geo_matcher.sentences import chance_phrase, explain
from geo_matcher.territory import SCOPES, Territory
from tests.integration.reading import Elements, names_of, ok, sent_by, simple, state_of
from tests.property.strategies import profiles

TEMPLATES = Path(__file__).parents[2] / "api" / "templates"
LANGUAGES = pytest.mark.parametrize("language", ["fr", "en"])
TIED = "&".join(
    f"w_{family}=not_at_all"
    for family in (
        "work", "connection", "daily_life", "children", "health", "mobility", "housing", "setting",
    )
) + "&c_network_trace_min=not_at_all"  # fmt: skip
"""Only being a partner village counts, so that many villages share a rank."""


# --- The page says what the ranking holds ---------------------------------------------------------


@LANGUAGES
def test_the_first_page_shows_three_scopes_and_the_best_partners(
    client: TestClient, territory: Territory, language: str
) -> None:
    html = ok(client.get("/", params={"lang": language}))
    page = Elements(html)
    assert page.all("html", lang=language)
    assert len(page.all("article", class_="card")) == 20
    for scope, count in (("partners", 47), ("network", 171), ("all", 458)):
        assert f"<b>{count}</b>" in html
        assert page.all("input", name="scope", value=scope)
    ranking = rank(territory, Profile(), "partners")
    best = [territory.facts[row]["name"] for row in ranking.order[:20]]
    assert names_of(html) == [name.replace("'", "&#39;") for name in best]
    said = {"fr": "3 attestés par une source, 44 reconstitués", "en": "3 attested by a source, 44"}
    assert said[language] in page.text
    assert ("11,7 min" if language == "fr" else "11.7 min") in simple(page.text)
    assert territory.release_id in page.text
    assert ("juin 2026" if language == "fr" else "June 2026") in page.text


@pytest.mark.parametrize("preset", PRESETS)
@LANGUAGES
def test_each_card_tells_the_ledger(territory: Territory, preset: str, language: str) -> None:
    profile = PRESETS[preset].profile
    ranking = rank(territory, profile, "all")
    chances = odds(ranking)
    for column, card in enumerate(make_cards(ranking, chances, language, 5)):
        row = ranking.order[column]
        result = ranking.result(int(row))
        summary = chances.summaries[column]
        assert card.chances
        assert card.chances.first_five == chance_phrase(summary["p_top_5"], language)
        found = [int(figure) for figure in re.findall(r"\d+", card.chances.ranks)]
        ends = sorted({summary["rank_low"], summary["rank_high"]})
        assert found == [*ends, len(ranking)]
        said = explain(ranking, int(row), language)
        assert simple(card.summary) == simple(said.summary)
        assert card.score == format_number(round(result["score"], 1), language, ".1")
        assert len(card.helps) == len(result["helps"])
        assert len(card.drags) == len(result["drags"])
        assert len(card.flags) == len(result["red_flags"])
        rows = [line for group in card.ledger for line in group.rows]
        assert len(rows) == len(result["contributions"])
        points = [float(line.points.replace(",", ".")) for line in rows]
        assert sum(points) == pytest.approx(result["score"], abs=0.05 * len(rows))
        assert card.is_exact == (result["score_max"] - result["score_min"] < 0.05)
        assert all(0 <= bar.fill <= bar.fill_best <= 100 for bar in card.helps + card.drags)


def test_a_figure_says_what_is_known_of_it(client: TestClient) -> None:
    html = ok(client.get("/?preset=cultura-artist&scope=all&top=60"))
    text = Elements(html).text
    for words in ("au plus", "estimé", "mesuré", "déclaré", "inconnu", "habitants au km²"):
        assert words in text
    assert "Nous ne savons pas encore" in text
    assert "à vérifier" in text or "faites vérifier" in text


def test_badges_and_who_to_call(client: TestClient) -> None:
    html = ok(client.get("/?scope=all&top=100"))
    page = Elements(html)
    assert page.all("p", class_="badge sourced")
    assert page.all("p", class_="badge reconstructed")
    assert page.all("p", class_="badge network")
    links = [attributes["href"] for attributes in page.all("a")]
    assert any(re.fullmatch(r"tel:\+33[1-9]\d{8}", link) for link in links)
    assert any(re.fullmatch(r"mailto:\S+@\S+", link) for link in links)


def test_equal_scores_share_a_rank_and_are_not_cut(client: TestClient) -> None:
    html = ok(client.get(f"/?{TIED}&top=2"))
    assert len(names_of(html)) == 3
    assert html.count("ex æquo") == 3
    assert Elements(html).all("article", class_="card")[0]["data-code"] == "32249"


def test_more_villages_are_one_link_away(client: TestClient) -> None:
    html = ok(client.get("/"))
    (more,) = Elements(html).all("a", id="more")
    assert more["href"] == "/?top=40"
    assert len(names_of(ok(client.get(more["href"])))) == 40
    whole = ok(client.get("/?top=47"))
    assert not Elements(whole).all("a", id="more")
    assert "Vous avez tout vu" in whole


@LANGUAGES
def test_the_foot_holds_sources_licences_and_gaps(
    client: TestClient, territory: Territory, language: str
) -> None:
    page = Elements(ok(client.get("/", params={"lang": language})))
    text = simple(page.text)
    for table in territory.catalog.tables:
        credit = table.credit_fr if language == "fr" else table.credit_en
        assert simple(credit) in text
        assert simple(typeset(table.licence, language)) in text
    for gap in territory.catalog.gaps:
        assert simple(gap.text_fr if language == "fr" else gap.text_en) in text
    assert page.all("a", href="/docs")


def test_only_the_bare_page_may_be_kept_by_search_engines(client: TestClient) -> None:
    assert not Elements(ok(client.get("/"))).all("meta", name="robots")
    assert not Elements(ok(client.get("/?lang=en"))).all("meta", name="robots")
    assert Elements(ok(client.get("/?children=4"))).all("meta", name="robots", content="noindex")
    robots = client.get("/robots.txt")
    assert robots.headers["content-type"].startswith("text/plain")
    assert "Disallow: /fragments/" in robots.text


def test_the_other_language_keeps_every_answer(client: TestClient) -> None:
    html = ok(client.get("/?preset=retired-couple&scope=all&top=5"))
    (link,) = Elements(html).all("a", id="other-language")
    other = ok(client.get(link["href"]))
    assert Elements(other).all("html", lang="en")
    assert names_of(other) == names_of(html)


# --- Without scripts ------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["", *PRESETS])
@LANGUAGES
def test_sending_the_form_as_it_stands_changes_nothing(
    client: TestClient, preset: str, language: str
) -> None:
    html = ok(client.get(f"/?preset={preset}&scope=network&lang={language}"))
    asked = parse_query(sent_by(html))
    profile = PRESETS[preset].profile if preset else Profile()
    assert asked.profile.model_dump() == profile.model_dump()
    assert (asked.scope, asked.language) == ("network", language)


@given(profile=profiles())
@settings(max_examples=25)
def test_the_form_carries_every_profile(profile: Profile) -> None:
    fields = profile_fields(profile)
    html = render(
        "_form.html",
        "fr",
        page={"form": form_view(fields, profile, "all", "fr"), "is_plain": False},
    )
    again = parse_query(sent_by(html)).profile
    assert to_query(again) == to_query(profile)


def test_a_form_sent_whole_ends_on_its_short_address(client: TestClient) -> None:
    sent = sent_by(ok(client.get("/?preset=paris-web-family")))
    response = client.get(f"/?{sent}", follow_redirects=False)
    assert response.status_code == 303
    assert response.headers["location"] == f"/?{to_query(PRESETS['paris-web-family'].profile)}"
    assert client.get(f"/?{sent}").status_code == 200


def test_importance_that_nobody_chose_follows_the_other_answers(client: TestClient) -> None:
    alone = Elements(ok(client.get("/")))
    (implied,) = alone.all("input", name="w_children", value="")
    assert implied["data-word"] == "not_at_all"
    family = Elements(ok(client.get("/?children=4")))
    (implied,) = family.all("input", name="w_children", value="")
    assert implied["data-word"] == "important"
    assert "checked" in implied
    chosen = Elements(ok(client.get("/?children=4&w_children=a_little")))
    assert not chosen.all("input", name="w_children", value="")


def test_a_limit_or_an_importance_that_the_form_does_not_offer_is_shown_all_the_same(
    client: TestClient,
) -> None:
    page = Elements(
        ok(client.get("/?max_pau_min=100&c_museum_min=important&v_station_min=5:1,15:0&scope=all"))
    )
    assert page.all("select", name="max_pau_min")
    assert page.all("select", name="c_museum_min")
    assert page.all("input", type="hidden", name="v_station_min", value="5:1,15:0")


# --- Limits ---------------------------------------------------------------------------------------


def test_a_limit_says_what_it_leaves_out_and_what_it_costs(client: TestClient) -> None:
    html = ok(client.get("/?max_station_min=15&max_doctor_min=10&scope=all"))
    text = Elements(html).text
    assert "Ce que vos limites écartent" in text
    assert re.search(r"Écarte \d+ communes, dont \d+ à elle seule", text)
    assert "Il s’en faut de peu" in text
    assert "moins d’une minute de trop" in text
    (drop, _) = [a["href"] for a in Elements(html).all("a", class_="live")]
    assert "max_station_min" not in drop or "max_doctor_min" not in drop
    state = state_of(html)
    assert len(state["marks"]) + len(state["excluded"]) == 458


def test_a_limit_of_each_kind_has_its_words(client: TestClient, territory: Territory) -> None:
    def text(query: str) -> str:
        return simple(Elements(ok(client.get(f"/?{query}"))).text)

    second = sorted(territory.communes["population"])[1]
    assert "sans elle, le premier aurait" in text("max_toulouse_min=45&scope=all").casefold()
    assert "N'écarte personne" in text("max_station_min=500")
    assert "% au lieu de 95 %" in text("min_ftth_coverage_share=0.95&scope=all")
    assert "il manque" in text("min_station_min=20&scope=all")
    assert "Écarte 1 commune." in text(f"min_population={second}&scope=all")
    kept = text("max_cinema_min=20&scope=all")
    assert re.search(r"Pour \d+ autres, nous ne pouvons pas vérifier", kept)
    assert "Limite non vérifiée, faute de données" in kept
    assert "jamais à elle seule" in text("max_toulouse_min=45&max_airport_min=60&scope=all")
    both = ok(client.get("/?max_station_min=40&min_station_min=20&scope=all"))
    drops = [a["href"] for a in Elements(both).all("a", class_="live") if "top=" not in a["href"]]
    assert drops == ["/?min_station_min=20&scope=all", "/?max_station_min=40&scope=all"]


def test_when_nothing_is_left_it_says_which_limit_to_relax(client: TestClient) -> None:
    html = ok(client.get("/?max_station_min=5&max_toulouse_min=30"))
    text = simple(Elements(html).text)
    assert "Aucun village ne reste" in text
    assert re.search(r"Sans elle, \d+ communes reviennent ; la meilleure a [\d,]+ points", text)
    assert "Sans elle seule, rien ne revient." in text
    assert "Ou cherchez plus large" in text
    assert names_of(html) == []
    widest = ok(client.get("/?max_station_min=1&max_toulouse_min=5&scope=all&lang=en"))
    assert "No village is left" in widest
    assert "Or look wider" not in widest


def test_a_limit_that_leaves_one_village_or_gives_one_back(
    client: TestClient, territory: Territory
) -> None:
    largest = int(territory.communes["population"].max())
    html = ok(client.get(f"/?min_population={largest}&scope=all"))
    assert "1 village classé pour vous" in html
    none = ok(client.get(f"/?min_population={largest}&max_auch_min=200&min_auch_min=100&scope=all"))
    assert "Sans elle, 1 commune revient" in Elements(none).text


@LANGUAGES
def test_an_empty_search_invites_to_say_more(client: TestClient, language: str) -> None:
    said = {"fr": "Dites comment vous vivez</a>", "en": "Say how you live</a>"}[language]
    for path in (f"/?lang={language}", f"/?lang={language}&scope=all"):
        html = ok(client.get(path))
        assert said in html
        (link,) = Elements(html).all("a", **{"data-open": "answers"})
        assert link["href"] == "#answers"
    for path in ("/", "/fragments/matches"):
        assert said not in ok(client.get(f"{path}?lang={language}&tenure=rent"))


# --- The live part --------------------------------------------------------------------------------


def without_odds(html: str) -> str:
    """Return a list without what the odds say in it, and without the details of its villages."""
    details = r'(<details><summary>[^\n]*</summary>\n).*?(</details>\n<p class="links">)'
    html = re.sub(details, r"\1\2", html, flags=re.DOTALL)
    html = re.sub(r'<p class="odds.*?</p>', "", html, flags=re.DOTALL)
    html = re.sub(r'<p class="tie-note">.*?</p>\n', "", html, flags=re.DOTALL)
    return html.replace('<li class="tied">', "<li>")


@pytest.mark.parametrize("scope", SCOPES)
def test_the_live_part_is_that_of_the_page_and_odds_follow(client: TestClient, scope: str) -> None:
    query = f"preset=paris-web-family&scope={scope}"
    page = ok(client.get(f"/?{query}"))
    part = ok(client.get(f"/fragments/matches?{query}"))
    assert "<html" not in part
    assert 'class="odds is-awaited"' in part
    assert 'class="odds is-awaited"' not in page
    assert without_odds(part).strip() in without_odds(page)


@pytest.mark.parametrize("scope", SCOPES)
@LANGUAGES
def test_the_odds_that_follow_are_those_of_the_page(
    client: TestClient, scope: str, language: str
) -> None:
    query = f"preset=paris-web-family&scope={scope}&lang={language}&top=60"
    answer = client.get(f"/fragments/odds?{query}")
    assert answer.status_code == 200
    follows = answer.json()
    page = ok(client.get(f"/?{query}"))
    cards = re.findall(
        r'<li( class="tied")?>\n(?:<p class="tie-note">(.*?)</p>\n)?<article class="card" '
        r'id="v-(\w+)".*?<p class="odds"><span>(.*?)</span>.*?<rect class="span" x="([\d.]+)".*?'
        r'width="([\d.]+)".*?<small>(.*?)</small>',
        page,
        re.DOTALL,
    )
    assert [code for _, _, code, *_ in cards] == list(follows["chances"])
    for tied, note, code, first_five, low, width, ranks in cards:
        chance = follows["chances"][code]
        assert unescape(first_five) == chance["first_five"]
        assert unescape(ranks) == chance["ranks"]
        assert (float(low), float(width)) == (chance["low"], chance["width"])
        assert bool(tied) == (code in follows["tied"])
        assert unescape(note) == follows["ties"].get(code, "")


@LANGUAGES
def test_the_details_that_follow_are_those_of_the_page(client: TestClient, language: str) -> None:
    query = f"preset=paris-web-family&lang={language}"
    page = ok(client.get(f"/?{query}"))
    part = ok(client.get(f"/fragments/matches?{query}"))
    assert 'class="ledger"' not in part
    assert len(part) < len(page) / 2
    inside = re.findall(
        r'id="v-(\w+)".*?</summary>\n(.*?)</details>\n<p class="links">', page, re.DOTALL
    )
    assert len(inside) == 20
    for code, html in (inside[0], inside[7], inside[19]):
        assert ok(client.get(f"/fragments/details?commune={code}&{query}")).strip() == html.strip()


def test_details_that_cannot_be_given_are_refused(client: TestClient) -> None:
    assert client.get("/fragments/details?commune=Atlantis").status_code == 404
    assert client.get("/fragments/details").status_code == 404
    assert client.get("/fragments/details?commune=32249&budget=much").status_code == 422


def test_odds_of_answers_that_cannot_be_read_are_refused(client: TestClient) -> None:
    answer = client.get("/fragments/odds?budget=much")
    assert answer.status_code == 422
    assert "budget" in answer.json()["detail"]


@pytest.mark.parametrize("scope", SCOPES)
def test_the_state_colours_every_commune_as_the_ranking_scores_it(
    client: TestClient, territory: Territory, scope: str
) -> None:
    profile = PRESETS["lyon-trainer"].profile
    state = state_of(ok(client.get(f"/fragments/matches?preset=lyon-trainer&scope={scope}")))
    ranking = rank(territory, profile, scope)
    codes = ranking.matrix.codes
    expected = {
        codes[row]: [
            score_class(ranking.score[row]),
            round(float(ranking.score[row]), 1),
            int(place),
        ]
        for row, place in zip(ranking.order, ranking.ranks, strict=True)
    }
    assert state["marks"] == expected
    assert state["excluded"] == [codes[row] for row in ranking.excluded]
    assert state["query"] == to_query(profile, scope)
    assert state["fields"]["w_mobility"] == "indispensable"
    assert state["implied"]["children"] == "not_at_all"
    assert state["shown"] == min(20, len(ranking))


@LANGUAGES
def test_answers_that_cannot_be_read_are_told_in_words(client: TestClient, language: str) -> None:
    query = f"budget=abc&foo=%3Cscript%3Ealert(1)%3C/script%3E&children=4,x&lang={language}&<b>=1"
    for path in ("/", "/fragments/matches", "/maps/match"):
        response = client.get(f"{path}?{query}")
        assert response.status_code == 422
        text = Elements(response.text).text
        assert ("n’est pas un nombre" if language == "fr" else "is not a number") in text
        assert "<script>alert" not in response.text
        assert "<b>=" not in response.text
        assert state_of(response.text)["count"]
    page = Elements(client.get(f"/?{query}").text)
    assert page.all("input", name="budget", value="abc")
    assert page.all("input", name="children", value="4, x")
    assert not page.all("article")


# --- Nothing gets in ------------------------------------------------------------------------------

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


def test_the_policy_holds_for_the_markup(client: TestClient) -> None:
    response = client.get("/?preset=paris-web-family")
    policy = response.headers["Content-Security-Policy"]
    assert policy == PAGE_POLICY
    assert policy.replace(" https://data.geopf.fr https://tile.openstreetmap.org", "") == (
        CONTENT_SECURITY_POLICY
    )
    page = Elements(ok(response))
    assert not page.all("style")
    for tag, attributes in page.found:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "script":
            assert "src" in attributes or attributes["type"] == "application/json"
        for name in ("src", "href", "action"):
            value = attributes.get(name, "/")
            scheme = urlsplit(value).scheme
            assert scheme in {"", "http", "https", "mailto", "tel"}, value
            if name != "href" or tag == "link":
                assert value.startswith("/"), value


@pytest.mark.parametrize(
    "key", ["name", "budget", "preset", "scope", "lang", "max_station_min", "x"]
)
def test_a_hostile_address_is_shown_as_text(client: TestClient, key: str) -> None:
    for path in ("/", "/fragments/matches"):
        for query in ({key: HOSTILE}, {HOSTILE: "1"}):
            html = client.get(path, params=query).text
            assert "<img" not in html
            assert "<script>alert" not in html
    named = ok(client.get("/", params={"name": HOSTILE}))
    assert Elements(named).all("input", name="name", value=HOSTILE)
    assert state_of(named)["fields"]["name"] == HOSTILE


def test_hostile_data_is_shown_as_text(territory: Territory) -> None:
    communes = territory.communes.copy()
    communes["name"] = HOSTILE
    communes["epci_name"] = HOSTILE
    communes["town_hall_address"] = HOSTILE
    communes["town_hall_phone"] = "05\"onclick='alert(1)'"
    communes["town_hall_email"] = "a@b.fr?subject=x\"'<"
    communes["town_hall_website"] = "javascript:alert(1)"
    hostile = dataclasses.replace(territory, communes=communes)
    with TestClient(create_app(Settings(release=territory.folder), hostile)) as client:
        html = ok(client.get("/?top=3"))
    page = Elements(html)
    assert not page.all("img")
    assert "<script>alert" not in html
    assert "javascript:" not in html
    assert not [a for a in page.all("a") if a["href"].startswith(("tel:", "mailto:"))]
    assert not [a for _, a in page.found if any(name.startswith("on") for name in a)]


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://example.org/a", "https://example.org/a"),
        (" http://example.org ", "http://example.org"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("//example.org", ""),
        ("https:///x", ""),
        ("http://[", ""),
        ("", ""),
    ],
)
def test_only_web_addresses_become_links(url: str, safe: str) -> None:
    assert safe_url(url) == safe


def test_json_cannot_end_its_element() -> None:
    text = script_json({"a": "</script><!--&\u2028\u2029"})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {"a": "</script><!--&\u2028\u2029"}


# --- The detailed map -----------------------------------------------------------------------------


def test_the_detailed_map_is_that_of_the_same_answer(
    client: TestClient, territory: Territory, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def map_html(ranking: Any, language: str) -> str:
        asked.append((ranking, language))
        return "<!doctype html><p>map"

    monkeypatch.setattr("geo_matcher.maps.map_html", map_html)
    page = Elements(ok(client.get("/?preset=cultura-artist&scope=all&lang=en")))
    (link,) = page.all("a", id="map-detailed")
    response = client.get(link["href"])
    assert ok(response) == "<!doctype html><p>map"
    ranking, language = asked[0]
    assert ranking.profile.model_dump() == PRESETS["cultura-artist"].profile.model_dump()
    assert (ranking.scope, language) == ("all", "en")
    assert response.headers["Content-Security-Policy"] == MAP_POLICY
    name = f"map-{territory.release_id}-all.html"
    assert response.headers["Content-Disposition"] == f'inline; filename="{name}"'
    (link,) = page.all("a", id="map-download")
    response = client.get(link["href"])
    assert response.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert len(asked) == 2
    (link,) = Elements(ok(client.get("/"))).all("a", id="map-download")
    disposition = client.get(link["href"]).headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="carte-gers-')


# --- Files and templates --------------------------------------------------------------------------


def test_every_file_that_the_page_names_is_here(client: TestClient) -> None:
    html = ok(client.get("/"))
    page = Elements(html)
    named = {a["src"] for a in page.all("script") if "src" in a}
    named |= {a["href"] for a in page.all("link")}
    named |= {
        "/static/basemap.js",
        "/static/places.js",
        "/vendor/leaflet/leaflet.js",
        "/vendor/leaflet/leaflet.css",
    }
    for path in named:
        assert client.get(path).status_code == 200, path
    symbols = {a["id"] for a in page.all("symbol")}
    whole = ok(client.get("/?scope=all&top=458"))
    used = {a["href"] for a in Elements(whole).all("use")}
    assert {href.removeprefix("#i-") for href in used} <= {s.removeprefix("i-") for s in symbols}


@pytest.mark.parametrize(
    "view",
    [
        Bar, Card, Change, ChangeCell, ChangesView, Column, CommuneRow, Contact, FamilyChoice,
        Figure, FormView, LedgerGroup, LedgerRow, LimitView, MapControls, Option, OptionGroup,
        PageView, PlaceRow, ResultsView, ScopeView, Select, TableView,
    ],
)  # fmt: skip
def test_templates_use_every_field_of_their_context_and_it_is_documented(view: type) -> None:
    written = "\n".join(path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.html"))
    fields = getattr(view, "_fields", None) or [f.name for f in dataclasses.fields(view)]
    for name in fields:
        assert re.search(rf"\.{name}\b", written) or view in {FormView, ScopeView, LimitView}, name
    assert view.__doc__


def test_a_first_visit_is_light(client: TestClient) -> None:
    paths = (
        "/?preset=paris-web-family",
        "/static/style.css",
        "/static/app.js",
        "/static/form.js",
        "/static/layers.js",
        "/static/legend.js",
        "/static/map.js",
        "/static/origins.js",
        "/static/names.js",
        "/static/sheets.js",
        "/static/town.js",
        "/static/favicon.svg",
        "/vendor/leaflet/leaflet.js",
        "/vendor/leaflet/leaflet.css",
        "/api/v1/communes?f=geojson&scope=all&limit=1000",
    )
    total = 0
    for path in paths:
        with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as response:
            total += sum(len(chunk) for chunk in response.iter_raw())
    assert total < 300_000


def test_ranks_come_in_order(client: TestClient) -> None:
    html = ok(client.get("/?scope=all&top=60"))
    ranks = [int(text) for text in re.findall(r"Rang </span>(\d+)", html)]
    assert len(ranks) == 60
    assert (np.diff(ranks) >= 0).all()


def test_the_view_of_an_answer_is_pure(territory: Territory) -> None:
    asked = Asked(PRESETS["paris-web-family"].profile, "all", "fr", 20)
    ranking = rank(territory, asked.profile, asked.scope)
    assert results_view(ranking, asked) == results_view(ranking, asked)
    assert dict(parse_qsl(to_query(asked.profile)))["size"] == "bourg"
