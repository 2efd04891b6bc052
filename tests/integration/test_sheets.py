"""Odds on the cards, and the two pages beside the list: why, and side by side."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.cards import Chances, make_cards
from api.compare import CompareView, FigureCell, Line, LineGroup, VillageHead, compare_view
from api.forms import parse_query, to_query
from api.frame import FrameView
from api.why import GapRow, WhyView, why_view
from geo_matcher.arguments import reason_sentences
from geo_matcher.comparison import compare
from geo_matcher.explanation import reasons
from geo_matcher.matching import rank
from geo_matcher.numbers import format_number
from geo_matcher.presets import PRESETS
from geo_matcher.profile import parse_profile
from geo_matcher.robustness import odds
from geo_matcher.sentences import band_phrase, chance_phrase
from geo_matcher.territory import Territory
from geo_matcher.verdicts import comparison_sentences
from tests.integration.reading import Elements, names_of, ok, sent_by, simple, state_of

TEMPLATES = Path(__file__).parents[2] / "api" / "templates"
LANGUAGES = pytest.mark.parametrize("language", ["fr", "en"])
FAMILY = PRESETS["paris-web-family"].profile
QUERY = to_query(FAMILY)
SARRANT, MAUVEZIN, LOMBEZ, AUCH = "32416", "32249", "32213", "32013"


def figure(text: str) -> float:
    return float(text.replace("\u2212", "-").replace("\u202f", "").replace(",", "."))


# --- Odds on the cards ----------------------------------------------------------------------------


@LANGUAGES
def test_each_card_says_how_sure_its_place_is(
    client: TestClient, territory: Territory, language: str
) -> None:
    html = ok(client.get(f"/?{QUERY}&lang={language}"))
    found = odds(rank(territory, FAMILY, "partners"))
    text = simple(Elements(html).text)
    for summary in found.summaries[:20]:
        chance = chance_phrase(summary["p_top_5"], language)
        band = band_phrase(summary["rank_low"], summary["rank_high"], 47, language)
        assert simple(chance) in text
        assert simple(band) in text
    spans = re.findall(r'<rect class="span" x="([\d.]+)" y="1" width="([\d.]+)"', html)
    assert len(spans) == 20
    for (left, width), summary in zip(spans, found.summaries, strict=False):
        assert float(left) == pytest.approx(100 * (summary["rank_low"] - 1) / 47, abs=0.06)
        ranks = summary["rank_high"] - summary["rank_low"] + 1
        assert float(width) == pytest.approx(100 * ranks / 47, abs=0.06)


@pytest.mark.parametrize("preset", PRESETS)
def test_ties_are_drawn_as_ties(territory: Territory, preset: str) -> None:
    found = odds(rank(territory, PRESETS[preset].profile, "all"))
    cards = make_cards(found.ranking, found, "fr", 60)
    groups = [group for group in found.ties if len(group) > 1 and group[0] < len(cards)]
    assert groups, "the sixty best of the département hold a tie"
    tied = {column for group in groups for column in group}
    firsts = {group[0] for group in groups}
    for column, card in enumerate(cards):
        assert card.is_tied == (column in tied)
        assert bool(card.tie_text) == (column in firsts)
        if card.tie_text:
            group = next(group for group in groups if group[0] == column)
            order, facts = found.ranking.order, found.ranking.territory.facts
            for member in group:
                assert simple(facts[order[member]]["name"]) in simple(card.tie_text)


def test_a_single_village_is_surely_first(territory: Territory) -> None:
    nearest = float(territory.minutes["toulouse"].min())
    limit = {"limits": {"toulouse_min": {"at_most": nearest}}}
    ranking = rank(territory, parse_profile(limit), "all")
    (card,) = make_cards(ranking, odds(ranking), "en", 20)
    assert card.chances == Chances("nearly always", "rank 1 of 1", 0.0, 100.0)


# --- Why ------------------------------------------------------------------------------------------


@LANGUAGES
def test_why_says_what_the_library_found(
    client: TestClient, territory: Territory, language: str
) -> None:
    html = ok(client.get(f"/why?commune={SARRANT}&{QUERY}&lang={language}"))
    page = Elements(html)
    found = reasons(rank(territory, FAMILY, "partners"), SARRANT)
    text = simple(page.text)
    for sentence in reason_sentences(found, language):
        assert simple(sentence) in text
    view = why_view(found, language, QUERY)
    points = [figure(gap.points) for gap in view.gaps]
    assert points == sorted(points)
    assert [gap.is_loss for gap in view.gaps] == [value < 0 for value in points]
    assert figure(view.difference) == pytest.approx(sum(points), abs=0.06 * len(found.gaps))
    assert page.all("meta", name="robots", content="noindex")
    (back,) = [a for a in page.all("a") if a["href"].startswith("/?")]
    assert parse_query(back["href"].partition("?")[2]).profile == FAMILY
    (other,) = page.all("a", class_="language")
    assert Elements(ok(client.get(other["href"]))).all(
        "html", lang="en" if language == "fr" else "fr"
    )
    assert client.get(view.compare_href).status_code == 200


def test_the_part_over_the_page_says_the_same(client: TestClient) -> None:
    whole = ok(client.get(f"/why?commune=sarrant&{QUERY}"))
    part = ok(client.get(f"/fragments/why?commune=sarrant&{QUERY}"))
    assert "<html" not in part
    inside = Elements(part)
    assert inside.all("h2", id="why-title")
    assert re.findall(r"<li>(.*?)</li>", part) == re.findall(
        r"<li>(.*?)</li>", whole.partition("</main>")[0]
    )


def test_why_of_the_first_has_nobody_to_be_compared_with(client: TestClient) -> None:
    html = ok(client.get(f"/why?commune={MAUVEZIN}&{QUERY}"))
    assert "Pourquoi Mauvezin" in html
    assert not Elements(html).all("table")
    assert "/compare" not in html


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (f"commune={AUCH}", "n'est pas parmi les villages partenaires"),
        (f"commune={AUCH}&max_toulouse_min=60&scope=all", "Toulouse : manqué de"),
        (f"commune={AUCH}&max_toulouse_min=1&scope=all", "Pourquoi Auch"),
    ],
)
def test_why_of_a_commune_that_is_not_listed(client: TestClient, query: str, said: str) -> None:
    assert said in simple(Elements(ok(client.get(f"/why?{query}"))).text)


@pytest.mark.parametrize("path", ["/why", "/fragments/why"])
@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("", 404, "Nous ne connaissons pas de commune"),
        ("commune=Atlantis", 404, "« Atlantis »"),
        ("commune=%3Cscript%3E&lang=en", 404, "We know no commune “&lt;script&gt;”"),
        (f"commune={SARRANT}&budget=beaucoup", 422, "« beaucoup »"),
        (f"commune={SARRANT}&colour=red", 422, "colour"),
    ],
)
def test_what_cannot_be_explained_is_said_with_the_way_back(
    client: TestClient, path: str, query: str, status: int, said: str
) -> None:
    response = client.get(f"{path}?{query}")
    assert response.status_code == status
    assert said in simple(response.text)
    assert '<a href="/' in response.text


# --- Side by side ---------------------------------------------------------------------------------


@LANGUAGES
def test_side_by_side_says_what_the_library_found(
    client: TestClient, territory: Territory, language: str
) -> None:
    codes = (MAUVEZIN, LOMBEZ, AUCH)
    address = "&".join(f"village={code}" for code in codes)
    html = ok(client.get(f"/compare?{address}&{QUERY}&lang={language}"))
    ranking = rank(territory, FAMILY, "partners")
    found = compare(ranking, codes)
    text = simple(Elements(html).text)
    for sentence in comparison_sentences(found, language):
        assert simple(sentence) in text
    for village in found.villages:
        assert village.name in text
        assert format_number(village.score, language, ".1") in text
    view = compare_view(found, odds(ranking), language, QUERY)
    assert [head.note for head in view.heads][:2] == ["", ""]
    assert view.heads[2].note in text
    assert view.origin == "Paris"
    assert len(view.origin_urls) == 3
    assert all(url.startswith("https://") and url in html for url in view.origin_urls)
    lines = [line for group in view.groups for line in group.lines]
    rows = [row for family in found.families for row in family.criteria]
    assert len(lines) == len(rows)
    for line, row in zip(lines, rows, strict=True):
        best = [cell.is_best for cell in line.cells]
        assert sum(best) <= 1
        assert not any(best) or best == [cell.is_best for cell in row.cells]
        assert bool(line.origin) == (row.origin is not None)
        for shown, cell in zip(line.cells, row.cells, strict=True):
            assert shown.fill == (
                0.0 if cell.raw is None else pytest.approx(100 * cell.value, abs=0.06)
            )
    assert sum(bool(line.origin) for line in lines) >= 2


def test_beyond_a_limit_and_without_a_city(client: TestClient) -> None:
    query = f"village={MAUVEZIN}&village={AUCH}&max_telecentre_min=20&scope=all"
    text = simple(Elements(ok(client.get(f"/compare?{query}"))).text)
    assert "hors de vos limites : télécentre" in text
    assert "votre ville" not in text


def test_the_form_of_the_list_leads_there_without_scripts(client: TestClient) -> None:
    html = ok(client.get(f"/?{QUERY}"))
    boxes = Elements(html).all("input", type="checkbox", name="village")
    assert len(boxes) == 20
    assert all(box["form"] == "compare" for box in boxes)
    sent = sent_by(html, "compare")
    picked = "&".join(f"village={box['value']}" for box in boxes[:2])
    compared = ok(client.get(f"/compare?{picked}&{sent}"))
    for name in names_of(html)[:2]:
        assert name in compared
    (back,) = [a for a in Elements(compared).all("a") if a["href"].startswith("/?")]
    assert parse_query(back["href"].partition("?")[2]).profile == FAMILY
    assert state_of(html)["query"] == QUERY


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("", 422, "Communes choisies : 0"),
        (f"village={SARRANT}", 422, "Communes choisies : 1"),
        (f"village={SARRANT}&village={SARRANT}", 422, "Communes choisies : 1"),
        ("&".join(f"village=3200{c}" for c in (1, 2, 3, 4, 5)), 422, "Communes choisies : 5"),
        (f"village={SARRANT}&village=Sarrant", 422, "Communes choisies : 1"),
        (f"village={SARRANT}&village=Atlantis", 404, "« Atlantis »"),
        (f"village={SARRANT}&village=%3Cb%3E", 404, "&lt;b&gt;"),
        (f"village={SARRANT}&village={AUCH}&top=x", 422, "x"),
    ],
)
def test_what_cannot_be_compared_is_said(
    client: TestClient, query: str, status: int, said: str
) -> None:
    response = client.get(f"/compare?{query}")
    assert response.status_code == status
    assert said in simple(response.text)


@pytest.mark.parametrize(
    "view",
    [Chances, CompareView, FigureCell, FrameView, GapRow, Line, LineGroup, VillageHead, WhyView],
)
def test_templates_use_every_field_and_it_is_documented(view: type) -> None:
    written = "\n".join(path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.html"))
    for name in getattr(view, "_fields", None) or [f.name for f in dataclasses.fields(view)]:
        assert re.search(rf"\.{name}\b", written), name
    assert view.__doc__
