"""The planners' page: its figures, its form without scripts, its faults in words, its files."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode
from xml.etree import ElementTree

import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient

from api import planning as planning_page
from api.planning import planning_view
from api.planning_form import PlanAsked, parse_plan_query
from api.planning_tables import Cell, Head, Table
from geo_matcher.errors import ScenarioError
from geo_matcher.gaps import gaps
from geo_matcher.numbers import format_number
from geo_matcher.territory import Territory
from tests.integration.reading import Elements, sent_by, simple

PATH = "/planification"
SMALL = "budget=300k"
LANGUAGES = pytest.mark.parametrize("language", ["fr", "en"])
HOSTILE = "\"><img src=x onerror=alert(1)></script><script>alert('x')</script>{{7*7}}"


def page_of(client: TestClient, query: str = "", status: int = 200) -> str:
    response = client.get(f"{PATH}?{query}" if query else PATH)
    assert response.status_code == status, response.text[:500]
    return response.text


@LANGUAGES
def test_the_page_says_how_many_where_and_when(
    client: TestClient, territory: Territory, language: str
) -> None:
    html = page_of(client, SMALL if language == "fr" else f"{SMALL}&lang=en")
    page, found = Elements(html), gaps(territory)
    assert len(page.all("h1")) == 1
    levels = [int(tag[1]) for tag, _ in page.found if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert not [a for _, a in page.found if "style" in a or any(n.startswith("on") for n in a)]
    assert not page.all("script")
    text = page.text
    for figure in (found.low.sum(), found.high.sum(), found.premises.sum()):
        assert format_number(int(figure), language) in text
    for svg in re.findall(r"<svg viewBox[^>]*>.*?</svg>", html, re.DOTALL):
        root = ElementTree.fromstring(svg)
        names = root.attrib["aria-labelledby"].split()
        assert [child.attrib["id"] for child in list(root)[:2]] == names
        assert all(child.text for child in list(root)[:2])
    assert html.count('class="chart"') == 2
    assert len(page.all("caption")) == html.count("<table")


def test_the_form_comes_back_as_sent_without_scripts(client: TestClient) -> None:
    asked = "budget=400k&floor=10&count=high&w_fibre=a_little&exclude=Auch%2C+CC+du+Saves"
    asked += "&no=telecentre&lang=en"
    html = page_of(client, asked)
    sent = sent_by(html, "plan-form")
    response = client.get(f"{PATH}?{sent}", follow_redirects=False)
    assert response.status_code == 303
    assert parse_qs(response.headers["location"].partition("?")[2]) == parse_qs(asked)
    again = page_of(client, response.headers["location"].partition("?")[2])
    assert again == html
    assert "Auch" not in re.findall(r"<tbody>.*?</tbody>", html, re.DOTALL)[0]


def test_defaults_stand_in_no_address(client: TestClient) -> None:
    sent = sent_by(page_of(client, SMALL), "plan-form")
    response = client.get(f"{PATH}?{sent}", follow_redirects=False)
    assert response.headers["location"] == f"{PATH}?{SMALL}"
    assert client.get(f"{PATH}?utm_source=x&{SMALL}", follow_redirects=False).status_code == 303


@LANGUAGES
def test_every_problem_is_told_beside_what_was_typed(client: TestClient, language: str) -> None:
    query = urlencode(
        {"budget": "abc", "exclude": "Atlantis", "floor": "7", "colour": "blue", "no": "zeppelin",
         "lang": language}
    )  # fmt: skip
    html = page_of(client, query, 422)
    page = Elements(html)
    assert page.all("input", name="budget")[0]["value"] == "abc"
    assert page.all("input", name="exclude")[0]["aria-invalid"] == "true"
    for found in ("abc", "Atlantis", "7", "colour", "zeppelin"):
        assert re.search(rf"[«“]\W?{found}\W?[»”]", simple(page.text)), found
    assert 'role="alert"' in html
    assert 'id="plan"' not in html


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("budget=-5", "négatif"),
        ("budget=1%2C200", "deux façons"),
        ("budget=999999Md", "100 milliards"),
        ("budget=" + "9" * 80, "ne se lit pas"),
        ("exclude=" + "%2C".join(["Auch"] * 21), "20 au plus"),
        ("w_fibre=not_at_all&w_speed=not_at_all&w_newcomers=not_at_all&w_work=not_at_all",
         "Rien ne compte"),
        ("no=fibre&no=fixed_wireless&no=satellite_aid&no=coworking&no=telecentre",
         "Rien ne peut être construit"),
        ("x=" + "y" * 9000, "trop longue"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_in_words(client: TestClient, query: str, said: str) -> None:
    assert said in simple(Elements(page_of(client, query, 422)).text)
    assert client.get(f"/maps/planning?{query}").status_code == 422
    assert client.get(f"/downloads/plan.csv?{query}").status_code == 422


def test_nothing_typed_becomes_markup(client: TestClient) -> None:
    query = urlencode({"budget": HOSTILE, "exclude": HOSTILE, HOSTILE: HOSTILE, "sort": HOSTILE})
    html = page_of(client, query, 422)
    assert "<img" not in html
    assert "<script" not in html
    assert "{{7*7}}" in html


def test_tables_sort_by_plain_links(client: TestClient) -> None:
    html = page_of(client, SMALL)
    heads = re.findall(r'<th scope="col"[^>]*><a href="([^"]*)">', html)
    assert len(heads) == 7

    def costs(query: str) -> list[int]:
        body = re.findall(r'id="actions">.*?<tbody>(.*?)</tbody>', page_of(client, query),
                          re.DOTALL)[0]  # fmt: skip
        cells = re.findall(r'<td class="n ">([^<]*€)</td>', body)
        return [int(re.sub(r"\D", "", cell)) for cell in cells]

    assert costs(f"{SMALL}&sort=cost") == sorted(costs(SMALL))
    assert costs(f"{SMALL}&sort=-cost") == sorted(costs(SMALL), reverse=True)
    assert 'aria-sort="ascending"' in page_of(client, f"{SMALL}&sort=name")


@LANGUAGES
def test_what_is_asked_further_comes_on_demand(small_client: TestClient, language: str) -> None:
    query = f"{SMALL}&frontier=1&robust=1&lift=land_30mbit"
    html = page_of(small_client, query + ("" if language == "fr" else "&lang=en"))
    text = simple(Elements(html).text)
    assert "20 tirages seulement" in text or "Only 20 draws" in text
    assert 'id="chart-frontier-title"' in html
    assert html.count("<table") > page_of(small_client, SMALL).count("<table")


@LANGUAGES
def test_a_floor_that_cannot_be_met_is_said_with_what_would(
    client: TestClient, language: str
) -> None:
    # 300,000 euros cannot bring half of its gap to each EPCI.
    query = f"{SMALL}&floor=50&frontier=1" + ("" if language == "fr" else "&lang=en")
    text = simple(Elements(page_of(client, query)).text)
    assert ("ne peut pas être tenu" if language == "fr" else "cannot be met") in text
    assert ("Il faudrait" if language == "fr" else "would meet it") in text
    assert ("Aucun budget plus petit" if language == "fr" else "No smaller budget") in text


def test_a_plan_of_nothing_is_said(client: TestClient) -> None:
    html = page_of(client, "budget=0")
    assert "rien de ce scénario ne peut être construit" in simple(Elements(html).text)
    assert 'id="actions"' not in html
    for kind in ("csv", "geojson", "gpkg", "html"):
        assert client.get(f"/downloads/plan.{kind}?budget=0").status_code == 200


def test_files_hold_the_plan(client: TestClient, tmp_path: Path) -> None:
    plan = client.post("/api/v1/plans", json={"budget": "300k"}).json()
    rows = list(csv.DictReader(io.StringIO(client.get(f"/downloads/plan.csv?{SMALL}").text)))
    assert [row["insee_code"] for row in rows] == [a["insee_code"] for a in plan["actions"]]
    features = client.get(f"/downloads/plan.geojson?{SMALL}").json()
    assert features["total_cost_eur"] == plan["total_cost_eur"]
    assert sum(len(f["properties"]["actions"]) for f in features["features"]) == len(rows)
    answer = client.get(f"/downloads/plan.gpkg?{SMALL}")
    assert answer.content == client.get(f"/downloads/plan.gpkg?{SMALL}").content
    path = tmp_path / "plan.gpkg"
    path.write_bytes(answer.content)
    with closing(sqlite3.connect(path)) as base:
        (count,) = base.execute("SELECT count(*) FROM actions").fetchone()
        (cost,) = base.execute("SELECT sum(cost_eur) FROM actions").fetchone()
        styles = dict(base.execute("SELECT f_table_name, styleQML FROM layer_styles"))
        classes = dict(base.execute("SELECT gap_class, count(*) FROM communes GROUP BY gap_class"))
    assert count == len(rows)
    assert cost == pytest.approx(plan["total_cost_eur"])
    assert set(styles) == {"communes", "actions"}
    renderer = ElementTree.fromstring(styles["communes"]).find("renderer-v2")
    assert renderer is not None
    values = {node.attrib["value"] for node in renderer.iter("category")}
    assert values >= set(classes)
    assert client.get("/downloads/plan.exe").status_code == 422


def test_the_report_is_one_page_that_needs_nothing(client: TestClient) -> None:
    answer = client.get("/downloads/plan.html?budget=4M&floor=10&lang=en")
    assert answer.status_code == 200
    assert "script" not in answer.headers["Content-Security-Policy"]
    page = Elements(answer.text)
    assert page.all("html", lang="fr")
    assert not page.all("script")
    assert not page.all("link")
    assert not page.all("img")
    assert len(page.all("svg", role="img")) == 2
    assert "Rien n'est promis" in simple(page.text)


def data_of(html: str) -> dict[str, Any]:
    found = re.search(r"drawColouredMap\(\w+,\{[^}]*\},(\{.*\})\);", html)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


@LANGUAGES
def test_the_map_opens_from_disk_with_both_counts(
    client: TestClient, territory: Territory, language: str
) -> None:
    query = f"{SMALL}&robust=1&lift=land_30mbit&lang={language}"
    answer = client.get(f"/maps/planning?{query}&download=1")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    assert len(answer.content) < 1_500_000
    assert answer.text == client.get(f"/maps/planning?{query}").text
    page = Elements(re.sub(r"<script>.*?</script>", "", answer.text, flags=re.DOTALL))
    assert [a["href"] for a in page.all("a")] == ["https://www.openstreetmap.org/copyright"]
    assert not [attributes for _, attributes in page.found if "src" in attributes]
    data = data_of(answer.text)
    assert [c["layer"] for c in data["page"]["colourings"]] == ["gap", "copper", "core", "lift"]
    assert len(data["ground"]["cards"]) == len(territory.codes)
    found = gaps(territory)
    for row in (0, 100, 457):
        texts = " ".join(" ".join(part) for part in data["ground"]["cards"][row])
        for column in (0, 1):
            assert format_number(int(found.counted_premises[row, column]), language) in texts
    plan = client.post("/api/v1/plans", json={"budget": "300k"}).json()
    signs = [territory.codes[sign[0]] for sign in data["page"]["signs"]]
    assert signs == [action["insee_code"] for action in plan["actions"]]


def test_a_search_without_a_plan_in_time_is_said_in_words(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: Any) -> Any:
        raise ScenarioError("The time ran out.")

    monkeypatch.setattr(planning_page, "plan_of", lost)
    response = client.get(f"{PATH}?budget=320k")
    assert response.status_code == 422
    assert "Aucun plan n’a été trouvé à temps" in response.text


def test_too_many_at_once_is_said_on_a_page(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise HTTPException(503, "full", headers={"Retry-After": "10"})

    monkeypatch.setattr(planning_page, "plan_of", full)
    response = client.get(f"{PATH}?budget=310k")
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "10"
    assert "Trop de calculs" in response.text


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_page_leads_to_it(client: TestClient, language: str) -> None:
    address = PATH if language == "fr" else f"{PATH}?lang=en"
    html = client.get("/" if language == "fr" else "/?lang=en").text
    assert f'href="{address}"' in html


@pytest.mark.parametrize("view", [Table, Head, Cell, PlanAsked])
def test_views_are_frozen(view: type) -> None:
    assert dataclasses.is_dataclass(view)
    assert view.__dataclass_params__.frozen  # type: ignore[attr-defined]


def test_the_view_is_made_of_what_was_asked(territory: Territory) -> None:
    asked = parse_plan_query(f"{SMALL}&sort=name&rows=all", territory)
    view = planning_view(territory, asked)
    assert view.plan is not None
    names = [row[0].text for row in view.plan.actions.rows]
    assert names == sorted(names, key=str.casefold)
    assert view.plan.more is None
    assert view.plan.frontier is None
    assert view.form.presets[0][2]
    assert all(href.startswith("/") for _, href in view.files)
