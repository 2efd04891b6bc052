"""Where a mover comes from, over HTTP: suggestions, the form, faults, what a village changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
import pytest
from fastapi.testclient import TestClient

from api.changes import ChangesView, changes_view
from api.compare import compare_view
from api.links import safe_url
from api.models import OriginList
from geo_matcher.comparison import compare
from geo_matcher.criteria import Unit
from geo_matcher.matching import rank
from geo_matcher.numbers import format_number, format_raw
from geo_matcher.origins import commune_facts
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.robustness import odds
from geo_matcher.territory import Territory
from tests.integration.reading import Elements, names_of, ok, simple, state_of

MAUVEZIN, AUCH, NANTES, KERGUELEN, NOUMEA = "32249", "32013", "44109", "98412", "98818"
LANGUAGES = pytest.mark.parametrize("language", ["fr", "en"])


def changes(territory: Territory, language: str = "fr", **data: Any) -> ChangesView:
    view = changes_view(territory, parse_profile(data), MAUVEZIN, language)
    assert view is not None
    return view


# --- Suggestions ----------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "?q=saint%20den&count=3", "?q=Kerguelen", "?q=zzzz"])
def test_suggestions_fit_their_model(client: TestClient, query: str) -> None:
    response = client.get(f"/api/v1/origins{query}")
    assert response.status_code == 200
    assert "max-age" in response.headers["cache-control"]
    answer = OriginList.model_validate(response.json())
    labels = [origin.label for origin in answer.origins]
    expected = {
        "?q=saint%20den&count=3": [
            "Saint-Denis (974)", "Saint-Denis (93)", "Saint-Denis-en-Val (45)",
        ],
        "?q=Kerguelen": ["Archipel des Kerguelen (984)"],
        "?q=zzzz": [],
    }  # fmt: skip
    assert labels == expected.get(query, labels)
    assert len(labels) <= 8


@pytest.mark.parametrize("query", ["count=0", "count=21", "count=x", f"q={'a' * 81}"])
def test_suggestions_are_bounded(client: TestClient, query: str) -> None:
    response = client.get(f"/api/v1/origins?{query}")
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


# --- The form -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("Lille (59)", "lille"),
        ("Lille", "lille"),
        ("59350", "lille"),
        ("Paris", "paris"),
        ("Nantes", NANTES),
        ("nantes (44)", NANTES),
        ("saint denis 93", "93066"),
        ("2a004", "2A004"),
    ],
)
def test_a_typed_name_becomes_a_short_address(
    client: TestClient, typed: str, canonical: str
) -> None:
    address = f"/?from={quote(typed)}&children=4"
    response = client.get(address, follow_redirects=False)
    assert response.status_code == 303
    target = parse_qs(urlsplit(response.headers["location"]).query)
    assert target == {"from": [canonical], "children": ["4"]}
    again = client.get(response.headers["location"], follow_redirects=False)
    assert again.status_code == 200


def test_the_form_shows_the_commune_by_its_name_and_offers_the_big_cities(
    client: TestClient,
) -> None:
    page = Elements(ok(client.get(f"/?from={NANTES}")))
    (field,) = page.all("input", type="text", name="from")
    assert (field["value"], field["list"]) == ("Nantes (44)", "origins")
    offered = [option["value"] for option in page.all("option") if "(" in option["value"]]
    assert offered[0] == "Paris (75)"
    assert len(offered) == 7
    (empty,) = Elements(ok(client.get("/"))).all("input", type="text", name="from")
    assert empty["value"] == ""
    state = state_of(ok(client.get(f"/fragments/matches?from={NANTES}")))
    assert state["fields"]["from"] == "Nantes (44)"
    assert state["query"] == f"from={NANTES}"


@LANGUAGES
def test_a_name_that_several_communes_bear_is_asked_back(client: TestClient, language: str) -> None:
    response = client.get(f"/?from=Saint-Denis&children=4&lang={language}")
    assert response.status_code == 422
    page = Elements(response.text)
    links = [a["href"] for a in page.all("a") if "from=" in a["href"]]
    assert len(links) == 4
    followed = client.get(links[1])
    assert followed.status_code == 200
    (field,) = Elements(followed.text).all("input", type="text", name="from")
    assert field["value"] == "Saint-Denis (93)"
    (ages,) = Elements(followed.text).all("input", type="text", name="children")
    assert ages["value"] == "4"
    (typed,) = page.all("input", type="text", name="from")
    assert typed["value"] == "Saint-Denis"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Bordaux", "aucune commune ne s’appelle « Bordaux ». Est-ce l’une de celles-ci ?"),
        ("zzzz", "aucune commune ne s’appelle « zzzz ». Écrivez son nom entier"),
        ("99999", "aucune commune ne s’appelle « 99999 »"),
        ("<b>x</b>", "« <b>x</b> »"),
    ],
)
def test_a_name_that_nobody_bears_is_told(client: TestClient, typed: str, said: str) -> None:
    for path in ("/", "/fragments/matches", "/why"):
        whom = "&commune=Auch" if path == "/why" else ""
        response = client.get(f"{path}?from={quote(typed)}{whom}")
        assert response.status_code == 422
        assert simple(said) in simple(Elements(response.text).text)
        assert "<b>x" not in response.text


def test_a_page_without_links_names_the_communes_that_may_be_meant(client: TestClient) -> None:
    response = client.get("/why?commune=Auch&from=Saint-Denis&lang=en")
    assert response.status_code == 422
    assert "Saint-Denis (974), Saint-Denis (93)" in Elements(response.text).text


def test_many_of_one_name_are_cut_with_a_sign(client: TestClient) -> None:
    response = client.get("/why?commune=Auch&from=Sainte-Colombe&lang=en")
    assert ", …" in Elements(response.text).text


def test_where_one_comes_from_moves_no_village(client: TestClient) -> None:
    plain = names_of(ok(client.get("/?children=4&scope=all")))
    for origin in ("lille", NANTES, AUCH):
        assert names_of(ok(client.get(f"/?children=4&scope=all&from={origin}"))) == plain


def test_a_preset_can_be_left_from_elsewhere(client: TestClient) -> None:
    state = state_of(ok(client.get(f"/fragments/matches?preset=paris-web-family&from={NANTES}")))
    assert state["fields"]["from"] == "Nantes (44)"
    state = state_of(ok(client.get("/fragments/matches?preset=paris-web-family&from=")))
    assert state["fields"]["from"] == ""


# --- The API --------------------------------------------------------------------------------


def test_the_api_takes_a_code_and_refuses_one_that_does_not_exist(client: TestClient) -> None:
    body = {"profile": {"origin_commune": NANTES}, "scope": "partners", "top": 1}
    assert client.post("/api/v1/matches", json=body).status_code == 200
    for code in ("99999", "4410", "ABCDE"):
        refused = client.post("/api/v1/matches", json={"profile": {"origin_commune": code}})
        assert refused.status_code == 422
        assert code in refused.json()["detail"]


@pytest.mark.parametrize("code", [NANTES, AUCH, KERGUELEN, NOUMEA, "59350"])
@LANGUAGES
def test_a_comparison_shows_any_commune_that_is_left(
    client: TestClient, territory: Territory, code: str, language: str
) -> None:
    body = {"profile": {"origin_commune": code}, "communes": ["Mauvezin", "Lombez"]}
    answer = client.post("/api/v1/comparisons", json=body).json()
    assert answer["origin"]["insee_code"] == code
    ranking = rank(territory, parse_profile({"origin_commune": code}), "partners")
    view = compare_view(compare(ranking, [MAUVEZIN, "32213"]), odds(ranking), language, "")
    assert answer["origin"]["name"] in view.origin_note
    lines = [line.origin for group in view.groups for line in group.lines]
    # The size of a village counts only for those who wish one, so its row is not there.
    assert sum(map(bool, lines)) == {AUCH: len(lines), "59350": 2}.get(code, 0)
    assert bool(view.origin) == any(lines)  # no empty column


# --- What it changes ------------------------------------------------------------------------


@LANGUAGES
def test_from_a_big_city_three_facts_stand_side_by_side(
    territory: Territory, language: str
) -> None:
    view = changes(territory, language, origin_city="lille")
    assert (view.before, view.after) == ("Lille", "Mauvezin")
    assert view.title.endswith("Lille")
    people, density, price = view.rows
    assert people.before.figure == format_number(238_246, language)
    assert density.before.figure == format_number(238_246 / 34.83, language)
    assert price.before.figure == format_raw(3748.65, Unit.EUR_M2, language)
    assert "2023" in price.before.note
    numbers = [table.name for table in territory.catalog.tables]
    assert numbers[price.before.source - 1] == "origin_cities"
    assert numbers[price.after.source - 1] == "housing_prices_rents"
    assert {number for number, _ in view.sources} == {
        cell.source for row in view.rows for cell in (row.before, row.after)
    }
    assert len(view.urls) == 3
    assert all(safe_url(url) == url for url in view.urls)
    assert view.note


def test_from_elsewhere_only_the_population_is_known_and_that_is_said(territory: Territory) -> None:
    view = changes(territory, origin_commune=NANTES)
    assert len(view.rows) == 1
    assert "que la population" in view.note
    assert view.urls == ("https://github.com/datagouv/decoupage-administratif",)


def test_from_where_nothing_is_known_no_table_stands(territory: Territory) -> None:
    view = changes(territory, origin_commune=KERGUELEN)
    assert view.rows == ()
    assert "que le nom" in view.note


def test_from_a_commune_of_the_release_minutes_and_fibre_stand_too(territory: Territory) -> None:
    view = changes(
        territory, origin_commune=AUCH, children_ages=[4], tenure="rent", client_city="agen"
    )
    labels = [row.label for row in view.rows]
    assert labels[0] == "Habitants"
    for label in ("Fibre", "École élémentaire", "Gare", "Toulouse", "Agen", "Loyer d’une maison"):
        assert label in labels
    assert (view.note, view.urls) == ("", ())
    alone = [row.label for row in changes(territory, origin_commune=AUCH).rows]
    assert {"École élémentaire", "Agen", "Loyer d’une maison"}.isdisjoint(alone)


def test_what_is_missing_on_one_side_is_said_and_on_both_left_out(territory: Territory) -> None:
    prices = territory.indicators["house_price_eur_m2"]
    bare = prices.index[prices.isna()][:2].tolist()
    profile = parse_profile({"origin_city": "lille"})
    view = changes_view(territory, profile, bare[0], "fr")
    assert view is not None
    (price,) = (row for row in view.rows if row.label == "Prix d’achat")
    assert (price.after.figure, price.after.note) == ("inconnu", "")
    both = changes_view(territory, parse_profile({"origin_commune": bare[0]}), bare[1], "fr")
    assert both is not None
    assert "Prix d’achat" not in {row.label for row in both.rows}


def test_a_place_out_of_reach_is_said(territory: Territory) -> None:
    times = territory.tables["travel_times"].copy()
    row = (times["insee_code"] == AUCH) & (times["destination"] == "station")
    times.loc[row, "status"] = "unreachable"
    minutes = territory.minutes.copy()
    minutes.loc[AUCH, "station"] = np.nan
    there = replace(territory, tables={**territory.tables, "travel_times": times}, minutes=minutes)
    view = changes(there, "en", origin_commune=AUCH)
    (station,) = (row for row in view.rows if row.label == "Railway station")
    assert station.before.figure == "out of reach"


def test_nothing_changes_without_an_origin_or_for_those_who_live_there(
    territory: Territory,
) -> None:
    assert changes_view(territory, Profile(), MAUVEZIN, "fr") is None
    home = parse_profile({"origin_commune": MAUVEZIN})
    assert changes_view(territory, home, MAUVEZIN, "fr") is None
    lost = parse_profile({"origin_commune": "99999"})
    assert changes_view(territory, lost, MAUVEZIN, "fr") is None
    assert commune_facts(territory, "99999") is None


@LANGUAGES
def test_cards_show_what_changes_when_an_origin_is_given(client: TestClient, language: str) -> None:
    html = ok(client.get(f"/?from=lille&lang={language}"))
    page = Elements(html)
    assert len(page.all("table", class_="changes")) == len(names_of(html))
    words = {"fr": "Ce qui change depuis Lille", "en": "What changes from Lille"}
    assert words[language] in page.text
    assert not Elements(ok(client.get(f"/?lang={language}"))).all("table", class_="changes")
