"""Layers, places and towns over HTTP, and the map as a table."""

from __future__ import annotations

import dataclasses
import re
from html import unescape
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.errors import PROBLEM_JSON
from api.forms import parse_query, to_query
from api.layer_models import LayerAnswer, LayerList, PlacesAnswer, TownsAnswer
from api.map_choice import MapChoice
from api.security import CONTENT_SECURITY_POLICY
from api.settings import Settings
from geo_matcher.layers import LAYERS, REACHED_STEPS, layer_text, layer_values
from geo_matcher.look import SCORE_COLOURS
from geo_matcher.matching import rank
from geo_matcher.place_sets import PLACE_SETS
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.territory import SCOPES, Territory, fold
from geo_matcher.wheel import hours_at_the_wheel, trips_of
from tests.integration.reading import Elements, ok, sent_by, simple, state_of

V1 = "/api/v1"
HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


def got(client: TestClient, path: str) -> Any:
    response = client.get(f"{V1}/{path}")
    assert response.status_code == 200, response.text[:300]
    return response.json()


# --- Layers ---------------------------------------------------------------------------------------


def test_the_list_of_layers_is_whole(client: TestClient, territory: Territory) -> None:
    answer = LayerList.model_validate(got(client, "layers"))
    assert [layer.name for layer in answer.layers] == list(LAYERS)
    assert answer.release == territory.release_id
    assert {layer.deep_end for layer in answer.layers} == {"low", "high", "none"}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_layer_says_what_the_library_holds(
    client: TestClient, territory: Territory, name: str, language: str
) -> None:
    plain = got(client, f"layers/{name}?lang={language}&to=Auch")
    answer = LayerAnswer.model_validate(plain)
    found = layer_values(territory, name, "Auch")
    assert [commune.insee_code for commune in answer.communes] == list(territory.codes)
    assert [commune.step for commune in answer.communes] == [
        None if step < 0 else step for step in found.classes
    ]
    for commune, value, status in zip(
        answer.communes, found.values.tolist(), found.status.tolist(), strict=True
    ):
        assert commune.value == (value if value == value else None)
        wanted = layer_text(found.layer, value, status, language)
        assert simple(commune.text) == simple(wanted)
        is_bound = commune.status == "upper_bound"
        assert is_bound or commune.value_low is None
        assert not is_bound or commune.value_low is not None or found.layer.group == "driving"
        assert commune.status in answer.statuses
    steps = {commune.step for commune in answer.communes} - {None}
    legend = {step.step: step.colour for step in answer.legend}
    assert steps <= set(legend)
    if name == "catchments":
        assert legend == {step: SCORE_COLOURS[step] for step in REACHED_STEPS}
        assert all(step.label for step in answer.legend)
    elif name != "types":
        assert legend == dict(enumerate(SCORE_COLOURS))
    assert answer.sources
    assert all(source.credit and source.licence for source in answer.sources)
    assert (answer.to is not None) == (name == "minutes_to")


def test_hours_are_those_of_the_household_that_is_said(
    client: TestClient, territory: Territory
) -> None:
    profile = Profile(work_mode="coworking", client_city="toulouse", children_ages=[4, 12])
    hours, _ = hours_at_the_wheel(territory, profile)
    said = "work_mode=coworking&city=toulouse&children=4,12"
    answer = got(client, f"layers/wheel?{said}")
    assert [c["value"] for c in answer["communes"]] == hours.tolist()
    assert got(client, "layers/wheel") != answer
    assert got(client, f"layers/errands?{said}") == got(client, "layers/errands")
    for query in ("children=many", "city=atlantis", "work_mode=sea"):
        refused = client.get(f"{V1}/layers/wheel?{query}")
        assert refused.status_code == 422
        assert refused.headers["content-type"] == PROBLEM_JSON
    rows = rows_of(ok(client.get(f"/table?{said}&show=wheel&scope=all&lang=en&sort=name")))
    shown = {row[1]: row[2] for row in rows}
    known = layer_values(territory, "wheel", trips=trips_of(profile))
    names = territory.communes["name"].tolist()
    for row in range(0, 458, 29):
        text = layer_text(known.layer, hours[row].item(), int(known.status[row]), "en")
        assert any(simple(text) in simple(figure) for name, figure in shown.items()
                   if name.startswith(names[row]))  # fmt: skip


def test_on_roads_every_minute_is_that_of_the_roads(on_roads: Territory) -> None:
    with TestClient(create_app(Settings(release=on_roads.folder), on_roads)) as client:
        by_name = got(client, "layers/toulouse")["communes"]
        by_choice = got(client, "layers/minutes_to?to=31555")
        # The drive back adds up the same streets in another order: the last hundredth may differ.
        assert [c["value"] for c in by_choice["communes"]] == pytest.approx(
            [c["value"] for c in by_name], abs=0.011
        )
        for name in ("wheel", "catchments", "minutes_to"):
            credits = [source["credit"] for source in got(client, f"layers/{name}")["sources"]]
            assert any("OpenStreetMap" in credit for credit in credits), name


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_only_filters(client: TestClient, territory: Territory, scope: str) -> None:
    whole = {c["insee_code"]: c for c in got(client, "layers/station")["communes"]}
    some = got(client, f"layers/station?scope={scope}")["communes"]
    assert len(some) == territory.in_scope(scope).sum()
    assert all(whole[commune["insee_code"]] == commune for commune in some)


def test_choosing_auch_gives_the_minutes_of_auch(client: TestClient) -> None:
    by_name = got(client, "layers/auch")["communes"]
    for to in ("to=32013", "to=auch", ""):
        answer = got(client, f"layers/minutes_to?{to}")
        assert answer["communes"] == by_name
        assert answer["to"] == {"insee_code": "32013", "label": "Auch"}
        assert answer["label"] == "Auch"


def test_weak_types_say_so_in_both_languages(client: TestClient) -> None:
    french, english = (got(client, f"layers/types?lang={language}") for language in ("fr", "en"))
    assert french["note"].startswith("Des repères, pas des frontières")
    assert english["note"].startswith("Landmarks, not borders")
    letters = [step["label"][0] for step in french["legend"]]
    assert letters == sorted(letters)
    assert len(letters) <= 6


def test_a_layer_is_light_and_kept(client: TestClient) -> None:
    path = f"{V1}/layers/fibre"
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert sum(len(chunk) for chunk in response.iter_raw()) < 10_000
    etag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("layers/wifi", 404, "No layer is called 'wifi': expected one of fibre"),
        ("layers/minutes_to?to=Toulouze", 404, "Did you mean Toulouse"),
        ("layers/minutes_to?to=" + "x" * 81, 422, "to"),
        ("layers/fibre?scope=world", 422, "scope"),
        ("layers/fibre?lang=de", 422, "lang"),
        ("places", 422, "kind"),
        ("places?kind=", 422, "Expected some of: coworking"),
        ("places?kind=bakery,pub", 422, "found 'pub'"),
        ("places?kind=bakery&limit=9999", 422, "limit"),
        ("places?kind=bakery&f=kml", 422, "f"),
        ("towns", 422, "q"),
        ("towns?q=" + "x" * 81, 422, "q"),
    ],
)
def test_what_cannot_be_answered_is_told(
    client: TestClient, path: str, status: int, said: str
) -> None:
    response = client.get(f"{V1}/{path}")
    assert response.status_code == status
    assert response.headers["content-type"] == PROBLEM_JSON
    assert said.casefold() in response.json()["detail"].casefold()


# --- Places and towns -----------------------------------------------------------------------------


def test_places_are_those_of_the_release(client: TestClient, territory: Territory) -> None:
    answer = PlacesAnswer.model_validate(got(client, "places?kind=station,third_place"))
    kinds = ["station", "third_place", "fablab"]
    expected = territory.places[territory.places["kind"].isin(kinds)]
    assert {place.place_id for place in answer.places} == set(expected["place_id"])
    assert [sign.name for sign in answer.sets] == ["station", "third_place"]
    assert {source.table for source in answer.sources} == {"hubs", "workplaces"}
    page = got(client, "places?kind=station,third_place&limit=2&offset=1")
    assert page["total"] == len(expected)
    assert page["places"] == [place.model_dump() for place in answer.places[1:3]]


def test_all_places_fit_one_answer(client: TestClient) -> None:
    whole = got(client, f"places?kind={','.join(PLACE_SETS)}")
    assert whole["total"] == len(whole["places"]) > 1_200


def test_places_are_geojson_too(client: TestClient) -> None:
    response = client.get(f"{V1}/places?kind=doctor&f=geojson&lang=en")
    assert response.headers["content-type"] == "application/geo+json"
    answer = response.json()
    assert answer["attribution"] == ["INSEE, Sirene, around 2018-2019, to be confirmed"]
    first = answer["features"][0]
    assert first["geometry"]["type"] == "Point"
    assert first["properties"]["position"] == "town_hall"
    assert "lon" not in first["properties"]


def test_a_town_is_found_or_suggested(client: TestClient) -> None:
    found = TownsAnswer.model_validate(got(client, "towns?q=Lourdes"))
    assert found.found
    assert found.found.insee_code == "65286"
    begun = TownsAnswer.model_validate(got(client, "towns?q=tou&limit=3"))
    assert begun.found is None
    assert begun.suggestions[0].label == "Toulouse"
    assert len(begun.suggestions) == 3
    wrong = TownsAnswer.model_validate(got(client, "towns?q=Toulouze"))
    assert wrong.near[0] == "Toulouse"


# --- The page keeps the choice --------------------------------------------------------------------

CHOICE = "show=minutes_to&to=31555&places=bakery,station"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_page_holds_the_choice(client: TestClient, language: str) -> None:
    html = ok(client.get(f"/?children=4&lang={language}&{CHOICE}", follow_redirects=False))
    page = Elements(html)
    assert page.all("option", value="minutes_to", selected="")
    assert page.all("input", name="to", value="Toulouse")
    ticked = [box["value"] for box in page.all("input", name="places") if "checked" in box]
    assert ticked == ["bakery", "station"]
    asked = parse_query(sent_by(html))
    assert asked.map == MapChoice("minutes_to", "Toulouse", ("bakery", "station"))
    assert asked.language == language
    state = state_of(html)
    assert state["query"].endswith(CHOICE)
    assert state["other"].endswith(CHOICE)
    assert state["fields"]["show"] == "minutes_to"
    links = [a["href"] for a in page.all("a")]
    assert f"/table?{to_query(asked.profile, language=language)}&{CHOICE}" in links
    for link in (link for link in links if "preset=" in link or "top=40" in link):
        assert link.endswith(CHOICE)
    assert page.all("meta", name="robots", content="noindex")


def test_the_live_part_keeps_the_choice(client: TestClient) -> None:
    state = state_of(ok(client.get(f"/fragments/matches?size=bourg&{CHOICE}")))
    assert state["query"] == f"size=bourg&{CHOICE}"
    typed = state_of(ok(client.get("/fragments/matches?show=minutes_to&to=lourdes")))
    assert typed["query"] == "show=minutes_to&to=65286"


@pytest.mark.parametrize("path", ["/", "/table"])
def test_a_name_that_somebody_types_becomes_a_code(client: TestClient, path: str) -> None:
    for to, code in (("lourdes", "65286"), ("", "32013")):
        response = client.get(f"{path}?show=minutes_to&to={to}", follow_redirects=False)
        assert response.status_code == 303
        assert response.headers["location"] == f"{path}?show=minutes_to&to={code}"


@pytest.mark.parametrize("path", ["/", "/table", "/fragments/matches"])
def test_a_town_that_does_not_exist_is_told(client: TestClient, path: str) -> None:
    response = client.get(f"{path}?show=minutes_to&to=Toulouze&size=bourg")
    assert response.status_code == 422
    text = simple(Elements(response.text).text)
    assert "Minutes jusqu'à : « Toulouze » n'est pas le nom d'une seule commune" in text
    assert "Est-ce Toulouse" in text
    response = client.get(f"{path}?show=minutes_to&to=zzzzzz&lang=en")
    assert "Minutes to: “zzzzzz” is no commune" in simple(Elements(response.text).text)
    if path == "/":
        page = Elements(client.get("/?show=minutes_to&to=Toulouze&size=bourg").text)
        assert page.all("input", name="to", value="Toulouze")
        assert page.all("input", name="size", value="bourg", checked="")


@pytest.mark.parametrize("key", ["show", "to", "places", "sort", "order"])
def test_a_hostile_address_stays_text(client: TestClient, key: str) -> None:
    for path in ("/", "/table", "/fragments/matches"):
        html = client.get(path, params={"show": "minutes_to", key: HOSTILE}).text
        assert "<img" not in html
        assert "<script>alert" not in html


# --- The table ------------------------------------------------------------------------------------


def rows_of(html: str) -> list[list[str]]:
    """Return the cells of the first table's body, texts only."""
    body = html.split("<tbody>")[1].split("</tbody>")[0]
    found = []
    for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL):
        cells = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)
        found.append([Elements(cell).text for cell in cells])
    return found


@pytest.mark.parametrize("scope", SCOPES)
def test_the_table_has_every_commune_of_the_scope(
    client: TestClient, territory: Territory, scope: str
) -> None:
    html = ok(client.get(f"/table?scope={scope}&show=fibre"))
    ranking = rank(territory, Profile(), scope)
    rows = rows_of(html)
    assert len(rows) == len(ranking)
    names = [territory.facts[row]["name"] for row in ranking.order]
    assert [row[1].startswith(name) for row, name in zip(rows, names, strict=True)] == [True] * len(
        rows
    )
    figures = layer_values(territory, "fibre")
    texts = [
        layer_text(figures.layer, float(figures.values[row]), 0, "fr") for row in ranking.order
    ]
    assert [simple(row[2]) for row in rows] == [f"{simple(text)}mesuré" for text in texts]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_is_a_table_too(client: TestClient, name: str, language: str) -> None:
    html = ok(client.get(f"/table?lang={language}&show={name}&scope=network"))
    page = Elements(html)
    (title,) = re.findall(r"<h1>(.*?)</h1>", html)
    label = LAYERS[name].label(language)
    assert (
        simple(label).replace("'", "’") in simple(title).replace("'", "’") or name == "minutes_to"
    )
    assert page.all("th", scope="col", class_="col-1")[0]["aria-sort"] == "ascending"
    assert "Sources" in page.text
    assert len(rows_of(html)) == 171


def test_the_score_is_a_table_without_a_second_column_for_it(
    client: TestClient, territory: Territory
) -> None:
    html = ok(client.get("/table?max_station_min=15&scope=all&top=60"))
    profile = parse_profile({"limits": {"station_min": {"at_most": 15}}})
    ranking = rank(territory, profile, "all")
    rows = rows_of(html)
    assert {len(row) for row in rows} == {3}
    assert len(rows) == 458
    assert [row[0] for row in rows[: len(ranking)]] == [str(place) for place in ranking.ranks]
    assert {row[0] for row in rows[len(ranking) :]} == {"hors limites"}
    links = [a["href"] for a in Elements(html).all("a")]
    assert sum(link.startswith("/communes/32") for link in links) == 458
    english = Elements(ok(client.get("/table?lang=en")))
    assert any(a["href"] == "/communes/32249?lang=en" for a in english.all("a"))


def test_links_sort_the_table(client: TestClient) -> None:
    def sorted_by(query: str) -> list[list[str]]:
        return rows_of(ok(client.get(f"/table?scope=all&show=house_price{query}")))

    def names_in(order: str) -> list[str]:
        page = ok(client.get(f"/table?scope=all&show=house_price&sort=name&order={order}"))
        found = re.findall(r'href="/communes/\d+">(.*?)</a>', page)
        return [fold(unescape(name)) for name in found]

    names = names_in("asc")
    assert len(names) == 458
    assert names == sorted(names)
    assert names_in("desc") == names[::-1]
    ranks = [int(row[0]) for row in sorted_by("&order=desc")]
    assert ranks == sorted(ranks, reverse=True)

    def prices(rows: list[list[str]]) -> list[int]:
        texts = [simple(row[2]).replace("\u202f", "") for row in rows]
        return [int(text.split(" ")[0]) for text in texts if text != "inconnu"]

    for order in ("asc", "desc"):
        rows = sorted_by(f"&sort=figure&order={order}")
        found = prices(rows)
        assert found == sorted(found, reverse=order == "desc")
        assert len(found) == 312
        assert [row[2] for row in rows[312:]] == ["inconnu"] * 146  # unknown stands last
    page = Elements(ok(client.get("/table?show=fibre&sort=figure")))
    assert page.all("th", class_="col-3")[0]["aria-sort"] == "descending"
    heads = [a["href"] for a in page.all("a") if a["href"].startswith("/table")]
    heads = [head for head in heads if "lang=" not in head]
    assert heads == [
        "/table?show=fibre",
        "/table?show=fibre&sort=name",
        "/table?show=fibre&sort=figure&order=asc",
    ]
    for head in heads:
        ok(client.get(head))
    back = Elements(ok(client.get("/table?sort=name"))).all("a", href="/table?sort=name&order=desc")
    assert back
    first = Elements(ok(client.get("/table"))).all("a", href="/table?sort=rank&order=desc")
    assert first


def test_the_table_lists_the_places_shown(client: TestClient) -> None:
    html = ok(client.get("/table?places=telecentre,station"))
    text = simple(Elements(html).text)
    assert "19 lieux : Télécentre, Gare." in text
    assert "Télécentre de Lectoure" in text
    assert "À confirmer : liste de 2016. Placé à la mairie, faute d'adresse.année 2016" in text
    assert "Position publiée." in text
    assert "lieux :" not in Elements(ok(client.get("/table"))).text


def test_the_form_of_the_table_keeps_the_search(client: TestClient) -> None:
    html = ok(client.get(f"/table?children=4&size=bourg&scope=network&{CHOICE}"))
    asked = parse_query(sent_by(html))
    assert to_query(asked.profile, asked.scope) == "size=bourg&children=4&scope=network"
    assert asked.map.show == "minutes_to"
    (other,) = Elements(html).all("a", class_="language")
    assert other["href"] == f"/table?size=bourg&children=4&scope=network&lang=en&{CHOICE}"
    ok(client.get(other["href"]))
    sent = client.get(f"/table?{sent_by(html)}&sort=name", follow_redirects=False)
    assert sent.status_code == 303
    assert sent.headers["location"].endswith(f"{CHOICE}&sort=name")


def test_a_table_that_cannot_be_made_says_why(client: TestClient) -> None:
    response = client.get("/table?sort=size&order=up&lang=en")
    assert response.status_code == 422
    text = simple(Elements(response.text).text)
    assert "“size” is not one of the choices (rank, name, figure)" in text
    assert "“up” is not one of the choices (asc, desc)" in text
    assert not Elements(response.text).all("table")
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


def test_hostile_data_stays_text(territory: Territory) -> None:
    communes = territory.communes.copy()
    communes["name"] = communes["epci_name"] = HOSTILE
    places = territory.places.copy()
    places["name"] = HOSTILE
    halls = territory.tables["town_halls"].copy()
    halls["name"] = HOSTILE
    tables = {**territory.tables, "places": places, "town_halls": halls}
    hostile = dataclasses.replace(territory, communes=communes, tables=tables)
    with TestClient(create_app(Settings(release=territory.folder), hostile)) as client:
        for path in ("/", "/table"):
            html = ok(client.get(f"{path}?places=station,bakery&show=minutes_to&to=31555"))
            assert not Elements(html).all("img")
            assert "<script>alert" not in html
