"""The map of a ranking: its structure, what it says and what it must never do."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo_matcher.catchments import catchments
from geo_matcher.exports import used_tables
from geo_matcher.layers import layer_text, layer_values
from geo_matcher.look import COLOURS, SCORE_COLOURS, score_class
from geo_matcher.map_data import FIBRE_COLOURS, LAYERS, SYMBOLS, TYPE_COLOURS, ground_json
from geo_matcher.map_words import WORDS
from geo_matcher.maps import TILES_URL, map_html, match_map
from geo_matcher.matching import Ranking, rank
from geo_matcher.numbers import format_number
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.sentences import explain, miss_phrase
from geo_matcher.territory import LAMBERT_93, WGS_84, Territory
from geo_matcher.typology import LETTERS, MIN_COMMUNES, typology
from geo_matcher.wheel import trips_of

MAX_BYTES = 1_500_000
HOSTILE = "<img src=x onerror=alert(1)></script>{{ 7 * 7 }}\u2028&amp;"
EXCLUDED, OUTSIDE = len(SCORE_COLOURS), len(SCORE_COLOURS) + 1


class Page(HTMLParser):
    """Elements, attributes and texts of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.stack: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "input", "rect", "path", "img", "link"}:
            self.stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.stack and self.stack.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.stack[-1] if self.stack else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, *but: str) -> str:
        hidden = {"script", "style", *but}
        return " ".join(" ".join(data for tag, data in self.texts if tag not in hidden).split())

    def text_of(self, tag: str) -> str:
        return " ".join(" ".join(data for name, data in self.texts if name == tag).split())

    @property
    def scripts(self) -> list[str]:
        return [data for tag, data in self.texts if tag == "script"]


def _data(page: Page) -> dict[str, Any]:
    """Return the arrays that the script is given."""
    call = page.scripts[-1]
    found: dict[str, Any] = json.loads(call[call.index('{"ground":') : call.rindex(");")])
    return found


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)


@pytest.fixture(scope="module")
def drawn(territory: Territory) -> Callable[..., Page]:
    """Return a function that draws a preset and parses its page."""

    def draw(scope: str = "all", language: str = "fr", preset: str = "paris-web-family") -> Page:
        return Page(map_html(rank(territory, PRESETS[preset].profile, scope), language))

    return draw


@pytest.fixture(scope="module")
def ranking(territory: Territory) -> Ranking:
    return rank(territory, PRESETS["paris-web-family"].profile, "all")


@pytest.fixture(scope="module")
def page(ranking: Ranking) -> Page:
    return Page(map_html(ranking))


# --- One file that loads nothing ---------------------------------------------------------------


def test_the_page_refers_to_no_other_file(page: Page) -> None:
    loaded = [
        attributes[name]
        for _, attributes in page.elements
        for name in ("src", "href", "srcset", "data", "action")
        if attributes.get(name)
    ]
    assert loaded == ["https://www.openstreetmap.org/copyright"]  # a link, followed by hand
    assert not page.all("link")
    assert not page.all("iframe")
    styles = page.text_of("style")
    assert "@import" not in styles
    assert set(re.findall(r"url\(([^)]*)\)", styles)) == set()


def test_own_scripts_name_no_address_but_the_tiles(page: Page) -> None:
    leaflet, *own = page.scripts
    assert "Leaflet 1.9" in leaflet
    assert "sourceMappingURL" not in leaflet
    found = {url for script in own for url in re.findall(r"https?://[^\s\"'`]+", script)}
    assert found == {TILES_URL}


def test_no_other_library_is_inside(page: Page) -> None:
    for name in ("jquery", "bootstrap", "fontawesome", "awesome-markers", "cdn."):
        assert name not in " ".join(page.scripts).lower()


def test_the_file_is_small(ranking: Ranking) -> None:
    for language in WORDS:
        assert len(map_html(ranking, language).encode()) < MAX_BYTES


def test_the_same_ranking_gives_the_same_bytes(territory: Territory, ranking: Ranking) -> None:
    again = rank(territory, PRESETS["paris-web-family"].profile, "all")
    assert map_html(again) == map_html(ranking)


def test_rendering_again_adds_nothing(ranking: Ranking) -> None:
    root = match_map(ranking).get_root()
    first = root.render()
    assert root.render() == first
    assert root.render() == first


def test_maps_of_other_people_are_left_alone(ranking: Ranking) -> None:
    before = list(folium.Map.default_js), list(folium.Map.default_css)
    drawn = match_map(ranking)
    drawn.add_js_link("mine", "mine.js")
    match_map(ranking).get_root().render()
    assert (folium.Map.default_js, folium.Map.default_css) == before
    assert "mine.js" not in map_html(ranking)
    bare = folium.Map(tiles=None).get_root().render()
    assert "leaflet.js" in bare
    assert "mine.js" not in bare


def test_it_is_a_folium_map_that_can_be_saved(ranking: Ranking, tmp_path: Any) -> None:
    drawn = match_map(ranking)
    assert isinstance(drawn, folium.Map)
    drawn.save(str(tmp_path / "map.html"))
    assert (tmp_path / "map.html").read_text(encoding="utf-8") == map_html(ranking)


# --- Driving -----------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["fr", "en"])
def test_hours_and_catchments_are_those_of_the_layers(
    drawn: Callable[..., Page], ranking: Ranking, language: str
) -> None:
    page = drawn("all", language)
    data = _data(page)
    territory = ranking.territory
    for place, name, found in (
        ("result", "wheel", layer_values(territory, "wheel", trips=trips_of(ranking.profile))),
        ("ground", "reached", layer_values(territory, "catchments")),
    ):
        steps = [len(SCORE_COLOURS) if step < 0 else step for step in found.classes]
        assert data[place][name] == steps
        assert data[place][f"{name}Text"] == [
            layer_text(found.layer, value, status, language)
            for value, status in zip(found.values.tolist(), found.status.tolist(), strict=True)
        ]
    limit = territory.parameters["network_reach"]["minutes"]
    ground = catchments(territory, "workplace", limit)
    text = page.text()
    for figure in (*ground.people(territory.communes["population"]).values(), ground.desert_km2):
        assert " ".join(format_number(figure, language).split()) in text
    assert WORDS[language]["timed_town_halls"] in text
    # Without roads nobody knows the ground within reach: there is no such layer.
    assert data["result"]["isochrones"] == []
    assert "isochrones" not in {e["name"] for g in data["page"]["groups"] for e in g["layers"]}


# --- Hostile texts -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile(territory: Territory) -> Page:
    communes = territory.communes.copy()
    communes.loc["32013", ["name", "epci_name"]] = HOSTILE
    places = territory.places.copy()
    places.loc[places["kind"] == "coworking", ["name", "status"]] = HOSTILE
    changed = dataclasses.replace(
        territory, communes=communes, tables={**territory.tables, "places": places}
    )
    return Page(map_html(rank(changed, Profile(name=HOSTILE), "partners")))


def test_hostile_texts_stay_texts(hostile: Page) -> None:
    assert not hostile.all("img")
    assert len(hostile.all("script")) == 3
    assert all(not name.startswith("on") for _, a in hostile.elements for name in a)
    assert "<" not in _strip_code(hostile.scripts[-1])


def _strip_code(script: str) -> str:
    return script[script.index('{"ground":') :]


def test_hostile_texts_are_not_run_as_templates(hostile: Page) -> None:
    assert HOSTILE.split("\u2028")[0] in hostile.text_of("bdi")
    assert "{{ 7 * 7 }}" in hostile.text_of("title")
    texts = list(_keys(_data(hostile)))
    assert texts.count(HOSTILE) >= 3
    assert not any("49" in text and "onerror" in text for text in texts)


def test_line_separators_cannot_end_a_string(hostile: Page) -> None:
    assert "\u2028" not in hostile.scripts[-1]


# --- What it says ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["fr", "en"])
def test_layers_are_named_in_the_language(ranking: Ranking, language: str) -> None:
    drawn = match_map(ranking, language)
    found = [c for c in drawn._children.values() if isinstance(c, folium.map.Layer)]
    assert [c.layer_name for c in found] == [
        WORDS[language][f"layer_{layer.name}"] for layer in LAYERS
    ]
    shown = {layer.name for layer, child in zip(LAYERS, found, strict=True) if child.show}
    assert shown == {"score", "partners", "work"}
    groups = _data(Page(drawn.get_root().render()))["page"]["groups"]
    assert [layer["label"] for g in groups for layer in g["layers"]] == [
        c.layer_name for c in found
    ]


def test_only_the_ticked_layers_are_added(page: Page) -> None:
    added = re.findall(r"var (\w+) = L\.\w+\([^;]*?\)\.addTo\(", page.scripts[-1])
    assert added == ["feature_group_score", "feature_group_partners", "feature_group_work"]
    assert "var tile_layer_tiles = L.tileLayer(" in page.scripts[-1]


@pytest.mark.parametrize(
    ("language", "scope", "sentence"),
    [
        ("fr", "all", "432 communes classées, de 47,7 à 91,2 points sur 100"),
        ("en", "all", "432 communes ranked, from 47.7 to 91.2 points out of 100"),
        ("fr", "partners", "47 communes classées"),
    ],
)
def test_the_title_says_what_the_map_shows(
    drawn: Callable[..., Page], language: str, scope: str, sentence: str
) -> None:
    page = drawn(scope, language)
    assert sentence in page.text_of("h1")
    assert page.all("html") == [{"lang": language}]
    label = getattr(PRESETS["paris-web-family"], f"label_{language}")
    assert label in page.text_of("title")
    assert label in page.text_of("bdi")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_legend_and_sources_are_on_the_page(
    drawn: Callable[..., Page], territory: Territory, language: str
) -> None:
    page = drawn("network", language)
    text, words = page.text(), WORDS[language]
    for name in (
        "legend_score", "legend_fibre", "legend_excluded", "legend_outside", "legend_sourced",
        "legend_reconstructed", "estimated", "reconstructed", "scope_network", "food",
        *(symbol.name for symbol in SYMBOLS),
    ):  # fmt: skip
        assert " ".join(words[name].split()) in text, name
    assert territory.release_id in text
    shops = territory.catalog["shops"]
    assert (shops.credit_fr if language == "fr" else shops.credit_en) in text
    fills = [attributes["fill"] for attributes in page.all("rect")]
    assert fills[1:8] == list(SCORE_COLOURS)
    assert [fill for fill in fills if fill in FIBRE_COLOURS] == list(FIBRE_COLOURS)


def test_only_used_tables_are_credited(drawn: Callable[..., Page], territory: Territory) -> None:
    climate = territory.catalog["climate_projections"].credit_fr
    assert climate not in drawn().text()
    assert climate in drawn(preset="retired-couple").text()


def test_the_legend_names_only_what_is_there(drawn: Callable[..., Page]) -> None:
    words = WORDS["fr"]
    text = drawn("all").text()
    assert words["legend_outside"] not in text
    assert words["legend_unknown"] not in text
    text = drawn("partners").text()
    assert words["legend_excluded"] not in text
    assert words["legend_outside"] in text


def test_both_languages_have_the_same_words() -> None:
    assert set(WORDS["fr"]) == set(WORDS["en"])
    for name, french in WORDS["fr"].items():
        fields = re.findall(r"\{(\w+)\}", french)
        assert re.findall(r"\{(\w+)\}", WORDS["en"][name]) == fields, name


def test_no_two_signs_share_shape_and_letter() -> None:
    for language in WORDS:
        seen = [(s.shape.split()[0], s.letter(language)) for s in SYMBOLS]
        assert len(set(seen)) == len(seen)


def test_an_unknown_language_is_refused(ranking: Ranking) -> None:
    with pytest.raises(ValueError, match="expected one of fr, en"):
        match_map(ranking, "de")


@pytest.mark.parametrize(
    ("name", "shown"),
    [("paris-web-family", "paris-web-family"), ("  ", "sans nom"), ("Léa & Noé", "Léa & Noé")],
)
def test_a_profile_of_ones_own_keeps_its_name(territory: Territory, name: str, shown: str) -> None:
    assert Page(map_html(rank(territory, Profile(name=name)))).text_of("bdi") == shown


@pytest.mark.parametrize(
    ("limit", "count", "title"),
    [(0, 0, "Aucune commune ne remplit vos limites"), (5.5, 1, "1 commune classée, à ")],
)
def test_few_or_no_communes_are_said_so(
    territory: Territory, limit: float, count: int, title: str
) -> None:
    ranking = rank(
        territory, parse_profile({"limits": {"station_min": {"at_most": limit}}}), "partners"
    )
    if len(ranking) != count:
        rows = ranking.order[:count]
        ranking = dataclasses.replace(ranking, order=rows, ranks=ranking.ranks[:count])
    page = Page(map_html(ranking))
    assert title in page.text_of("h1")
    assert WORDS["fr"]["legend_best"].format(count=count) not in page.text()


# --- What a click shows ------------------------------------------------------------------------


@pytest.mark.parametrize(("scope", "language"), [("all", "fr"), ("network", "en")])
def test_cards_say_what_the_ranking_says(territory: Territory, scope: str, language: str) -> None:
    ranking = rank(territory, PRESETS["paris-web-family"].profile, scope)
    data = _data(Page(map_html(ranking, language)))
    ground, result = data["ground"], data["result"]
    for row in range(0, len(territory.codes), 7):
        whole = ranking.result(row)
        said = explain(ranking, row, language)
        assert ground["names"][row] == whole["name"]
        assert ground["epcis"][ground["epci"][row]] == whole["epci"]
        assert result["rank"][row] == (whole["rank"] or 0)
        assert _number(result["score"][row], language) == format_number(
            whole["score"], language, ".1"
        )
        assert result["range"][row] == said.completeness
        assert result["summary"][row] == said.summary
        assert said.missing in result["missing"][row]
        assert said.bounds in result["missing"][row]
        assert [ground["flagTexts"][flag] for flag in ground["flags"][row]] == [
            flag[f"text_{language}"] for flag in whole["red_flags"]
        ]
        assert ground["partner"][row] == [None, "sourced", "reconstructed"].index(whole["evidence"])


def _number(tenths: int, language: str) -> str:
    return format_number(tenths / 10, language, ".1")


def test_the_ledger_of_a_card_adds_up(ranking: Ranking, page: Page) -> None:
    result = _data(page)["result"]
    points = np.array(result["points"]).sum(axis=0) / 10
    assert np.abs(points - ranking.score).max() < 0.05 * len(result["labels"])
    assert sum(result["maxima"]) / 10 == pytest.approx(100, abs=0.05 * len(result["maxima"]))
    assert result["maxima"] == sorted(result["maxima"], reverse=True)
    assert len(result["labels"]) == int((ranking.weights > 0).sum())


def test_a_bound_and_an_unknown_figure_are_told_apart(ranking: Ranking, page: Page) -> None:
    result = _data(page)["result"]
    figures = dict(zip(result["labels"], result["figures"], strict=True))
    price = ranking.matrix.raw[:, ranking.matrix.column("house_price_eur_m2")]
    for row, figure in enumerate(figures["Prix d'achat"]):
        assert (figure == "inconnu") == np.isnan(price[row])
    assert any(figure.endswith("au plus") for figure in figures["Cinéma"])


def test_communes_are_coloured_by_class_or_set_apart(territory: Territory) -> None:
    ranking = rank(territory, PRESETS["paris-web-family"].profile, "network")
    classes = _data(Page(map_html(ranking)))["result"]["class"]
    listed = set(ranking.order.tolist())
    excluded = set(ranking.excluded.tolist())
    assert excluded
    for row, found in enumerate(classes):
        if row in listed:
            assert found == score_class(ranking.score[row])
        else:
            assert found == (EXCLUDED if row in excluded else OUTSIDE)


def test_excluded_communes_say_by_how_much(ranking: Ranking, page: Page) -> None:
    misses = _data(page)["result"]["out"]
    assert set(misses) == {str(row) for row in ranking.excluded.tolist()}
    for row, commune in zip(ranking.excluded, ranking.excluded_communes(), strict=True):
        assert misses[str(row)] == [
            miss_phrase(limit["criterion"], limit["by"], "fr") for limit in commune["limits"]
        ]


def test_limits_that_cannot_be_verified_are_told(territory: Territory) -> None:
    profile = parse_profile({"limits": {"house_price_eur_m2": {"at_most": 1500}}})
    ranking = rank(territory, profile, "all")
    result = _data(Page(map_html(ranking)))["result"]
    unsure = np.flatnonzero(ranking.limits[0].unverified)
    assert len(unsure)
    for row in range(len(territory.codes)):
        notes = [result["noteTexts"][note] for note in result["notes"][row]]
        assert bool(notes) == (row in unsure)
        assert all("Prix d'achat" in note for note in notes)


def test_ties_are_shown_as_ties(territory: Territory) -> None:
    ranking = rank(territory, Profile(), "partners")
    ranks = ranking.ranks.copy()
    ranks[1] = 1
    result = _data(Page(map_html(dataclasses.replace(ranking, ranks=ranks))))["result"]
    first, second, third = ranking.order[:3].tolist()
    assert [result["tied"][row] for row in (first, second, third)] == [1, 1, 0]


def test_an_unknown_fibre_share_is_hatched(territory: Territory) -> None:
    figures = territory.indicators.copy()
    figures.loc["32013", "ftth_coverage_share"] = np.nan
    changed = dataclasses.replace(territory, indicators=figures)
    page = Page(map_html(rank(changed, Profile(), "all")))
    ground = _data(page)["ground"]
    row = territory.codes.index("32013")
    assert ground["fibre"][row] == len(FIBRE_COLOURS)
    assert ground["fibreText"][row] == "inconnu"
    assert WORDS["fr"]["legend_unknown"] in page.text()


def test_every_place_is_drawn_once(territory: Territory, page: Page) -> None:
    ground = _data(page)["ground"]
    kinds = territory.places["kind"].value_counts()
    assert len(ground["shops"]) == len(territory.tables["shops"])
    for number, symbol in enumerate(SYMBOLS):
        drawn: Sequence[list[Any]] = [sign for sign in ground["places"] if sign[2] == number]
        assert sum(len(sign[3]) for sign in drawn) == sum(kinds.get(k, 0) for k in symbol.kinds)
    telecentres = [s for s in ground["places"] if SYMBOLS[s[2]].name == "telecentre"]
    assert all(sign[5] == 1 and "À confirmer" in sign[6] for sign in telecentres)
    assert all(WORDS["fr"]["at_town_hall"] in sign[6] for sign in telecentres)


def test_the_best_communes_are_named_first(ranking: Ranking, page: Page) -> None:
    names = _data(page)["result"]["names"]
    assert [row for row, tier in names if tier == 0] == ranking.order[:10].tolist()
    assert sorted(row for row, _ in names) == list(range(len(ranking.score)))


# --- Types of communes -------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_commune_is_given_its_type(territory: Territory, language: str) -> None:
    ground = json.loads(ground_json(territory, language))
    types = typology(territory)
    assert [[letter, name] for letter, name, _ in ground["types"]] == [
        [kind.letter, kind.name(language)] for kind in types.types
    ]
    for code, number in zip(territory.codes, ground["type"], strict=True):
        assert types.types[number] is types.type_of(code)


def test_letters_stand_in_the_widest_part_of_their_type(territory: Territory) -> None:
    ground = json.loads(ground_json(territory, "fr"))
    outlines = territory.communes.geometry.to_crs(LAMBERT_93)
    middles = gpd.GeoSeries.from_xy(
        *([seat[i] for *_, seat in ground["types"]] for i in (1, 0)), crs=WGS_84
    ).to_crs(LAMBERT_93)
    for kind, middle in zip(typology(territory).types, middles, strict=True):
        land = outlines[list(kind.members)].union_all()
        west, south, east, north = land.bounds
        x, y = np.meshgrid(np.linspace(west, east, 40), np.linspace(south, north, 40))
        grid = np.asarray(shapely.points(x.ravel(), y.ravel()))
        inside = grid[shapely.contains(land, grid)]
        assert land.contains(middle)
        room_m = shapely.distance(land.boundary, inside).max()
        assert land.boundary.distance(middle) >= room_m - 101, kind.letter


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_legend_names_the_types(drawn: Callable[..., Page], language: str) -> None:
    page, words = drawn("all", language), WORDS[language]
    text = page.text()
    assert words["layer_types"] == _layer_label(page, "types")
    assert " ".join(words["weak_types"].split()) in text
    assert words["no_types"] not in text
    data = _data(page)
    for number, (letter, name, _) in enumerate(data["ground"]["types"]):
        count = data["ground"]["type"].count(number)
        assert f"{letter} {name} {count} communes" in text
        assert words["type"].format(letter=letter) in [
            svg.get("aria-label") for svg in page.all("svg")
        ]
    fills = [attributes["fill"] for attributes in page.all("rect")]
    shown = [fill for fill in fills if fill in TYPE_COLOURS]
    assert shown == list(TYPE_COLOURS[: len(data["ground"]["types"])])
    assert data["page"]["typeColours"] == list(TYPE_COLOURS)


def _layer_label(page: Page, name: str) -> str:
    groups = _data(page)["page"]["groups"]
    label: str = next(
        layer["label"] for g in groups for layer in g["layers"] if layer["name"] == name
    )
    return label


def test_what_the_types_rest_on_is_credited(territory: Territory) -> None:
    """Prices weigh nothing for this profile, but take part in the types."""
    profile = parse_profile({"importance": {"housing": "not_at_all"}})
    assert "housing_prices_rents" not in used_tables(rank(territory, profile, "all"))
    page = Page(map_html(rank(territory, profile, "all")))
    credit = territory.catalog["housing_prices_rents"].credit_fr
    assert " ".join(credit.split()) in page.text()


def test_a_territory_too_small_for_types_says_so(territory: Territory) -> None:
    codes = list(territory.codes[: MIN_COMMUNES - 1])
    names = ("communes", "indicators", "minutes", "minutes_low")
    small = dataclasses.replace(
        territory, **{name: getattr(territory, name).loc[codes] for name in names}
    )
    page = Page(map_html(rank(small, Profile(), "all")))
    ground = _data(page)["ground"]
    assert ground["types"] == []
    assert ground["type"] == [len(TYPE_COLOURS)] * len(codes)  # hatched
    assert WORDS["fr"]["no_types"] in page.text()


def _linear(colour: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    shares = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


def _contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.2."""
    low, high = sorted(float(_linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other))
    return (high + 0.05) / (low + 0.05)


def _lab(linear: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ratios = np.array(to_xyz) @ np.clip(linear, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(ratios > 216 / 24389, np.cbrt(ratios), (24389 / 27 * ratios + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


EYES = {
    "all cones": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
               [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                 [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
"""Machado, Oliveira and Fernandes (IEEE TVCG 15, 2009), severity 1, on linear RGB."""


@pytest.mark.parametrize("eyes", EYES)
def test_types_differ_to_every_eye(eyes: str) -> None:
    seen = [_lab(np.array(EYES[eyes]) @ _linear(colour)) for colour in TYPE_COLOURS]
    for count, least in ((4, 25), (6, 15)):
        gaps = [np.linalg.norm(a - b) for a, b in combinations(seen[:count], 2)]
        assert min(gaps) > least


def test_ink_reads_on_every_type() -> None:
    assert len(TYPE_COLOURS) == len(LETTERS) == 6
    assert all(_contrast(COLOURS["ink"], colour) >= 4.5 for colour in TYPE_COLOURS)
    assert not set(TYPE_COLOURS) & {*SCORE_COLOURS, *FIBRE_COLOURS}


def test_clustering_is_not_loaded_before_a_map_is_made() -> None:
    """Its library takes more than a second: a service that starts must not wait for it."""
    code = "import sys, api.app, geo_matcher.maps; print('sklearn' in sys.modules)"
    folder = Path(__file__).resolve().parents[2]
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "False"


def test_a_second_map_makes_nothing_of_the_release_again(ranking: Ranking) -> None:
    typology.cache_clear()
    ground_json.cache_clear()
    first = map_html(ranking)
    made = [kept.cache_info().misses for kept in (typology, ground_json)]
    assert min(made) >= 1
    assert map_html(ranking) == first
    assert [kept.cache_info().misses for kept in (typology, ground_json)] == made
