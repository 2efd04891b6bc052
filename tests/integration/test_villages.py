"""The page of each commune: one in three, in both languages, and nothing that must not be there."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.forms import to_query
from api.settings import Settings
from api.sheets import commune_path
from api.texts import translator, typeset
from api.village import SECTIONS, village_view
from api.village_housing import housing_view
from api.village_tables import DAILY, DVF_TABLES, HEALTH, SCHOOLS, WORK_KINDS
from api.village_words import lack_sentence
from geo_matcher.catalog import provenance_in
from geo_matcher.commune import describe_commune
from geo_matcher.criteria import Unit
from geo_matcher.lacks import Far, Lack, lacks
from geo_matcher.matching import rank
from geo_matcher.numbers import format_number, format_raw
from geo_matcher.pairs import pair_of
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile
from geo_matcher.robustness import odds
from geo_matcher.sentences import band_phrase, explain
from geo_matcher.territory import Territory
from tests.integration.reading import Elements, ok, simple

LANGUAGES = pytest.mark.parametrize("language", ["fr", "en"])
MAUVEZIN, AUCH, CAP_D_ASTARAC, AUGNAX = "32249", "32013", "32365", "32014"
SEARCH = "preset=paris-web-family"
FAMILY = PRESETS["paris-web-family"].profile
MAX_COMPRESSED = 60_000
HEADINGS = {f"h{level}" for level in range(1, 7)}
PARTS, EVERY = 4, 3
"""One page in three is looked at, in so many tests, which several workers share."""

HOSTILE = "\"><img src=x onerror=alert(1)></script><script>alert('x')</script>"


def path_of(territory: Territory, code: str, language: str = "fr") -> str:
    path = commune_path(code, territory.communes.at[code, "name"])
    return path if language == "fr" else f"{path}?lang={language}"


def data_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


# --- Many of them ---------------------------------------------------------------------------------


def check_page(html: str, territory: Territory, code: str, language: str) -> None:
    page = Elements(re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL))
    assert len(page.all("h1")) == 1
    levels = [int(tag[1]) for tag, _ in page.found if tag in HEADINGS]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    anchors = {a["href"][1:] for a in page.all("a") if a["href"].startswith("#")}
    assert anchors <= set(ids)
    assert not [a for _, a in page.found if "style" in a or any(n.startswith("on") for n in a)]
    for link in page.all("a"):
        assert re.match(r"https?://|/|#|tel:|mailto:", link["href"]), link
    text = simple(page.text)
    assert not re.search(r"\b(nan|None(?! known)|inf|NaT)\b|[{}]", text)
    # Nothing that sales say: no price but a rent, no number of sales, no flag about them.
    for price in re.finditer(r"€/m²|/m²", text):
        assert text[price.end() :].startswith((" par mois", " a month")), code
    assert not re.search(r"\d (ventes?|logements? vendus?|home sales?|homes? sold)\b", text), code
    assert not re.search(r"le prix dit peu|price says little|se sont vendus|were sold", text), code
    assert simple(territory.communes.at[code, "name"]) in text
    assert page.all("html", lang=language)


@pytest.mark.no_cover  # a few pages are measured below
@pytest.mark.parametrize("part", range(PARTS))
def test_a_commune_has_its_page(client: TestClient, territory: Territory, part: int) -> None:
    languages = itertools.cycle(("fr", "en"))
    codes = territory.codes[part * EVERY :: PARTS * EVERY]
    for code, language in zip(codes, languages, strict=False):
        path = path_of(territory, code, language)
        check_page(ok(client.get(path, follow_redirects=False)), territory, code, language)


def test_every_page_has_an_address_of_its_own(territory: Territory) -> None:
    paths = {path_of(territory, code) for code in territory.codes}
    assert len(paths) == len(territory.codes) == 458


@pytest.mark.parametrize("code", [AUCH, MAUVEZIN, CAP_D_ASTARAC])
def test_a_page_is_light(client: TestClient, territory: Territory, code: str) -> None:
    response = client.get(path_of(territory, code))
    assert len(gzip.compress(response.content, 4)) < MAX_COMPRESSED / 2


# --- Every figure is the library's ----------------------------------------------------------------


def minutes_shown(drive: Any) -> str:
    return str(re.sub(r"\D", "", drive.figure))


@LANGUAGES
def test_figures_are_those_of_the_library(territory: Territory, language: str) -> None:
    for code in territory.codes[::17]:
        known = describe_commune(territory, code)
        view = village_view(territory, code, language)
        groups = (
            (view.daily, DAILY),
            (tuple(school.drive for school in view.schools), SCHOOLS),
            (view.health, HEALTH),
        )
        for drives, names in groups:
            assert len(drives) == len(names)
            for drive, name in zip(drives, names, strict=True):
                check_drive(drive, known["travel"][name], code, language)
        line = known["broadband"]
        text = simple(" ".join(view.line))
        for figure in (line["premises"], line["other_count"]["ftth_premises_passed"]):
            assert simple(format_number(figure, language)) in text
        share = line["other_count"]["ftth_coverage_share"]
        assert simple(format_raw(share, Unit.SHARE, language)) in text
        assert len(view.lacks) == len(lacks(territory, code))
        rent = known["housing"]["house_rent_eur_m2_month"]
        t = translator(language)
        assert (view.rent == t("housing.rent.none")) == (rent is None)
        if rent is not None:
            text = format_raw(rent, Unit.EUR_M2_MONTH, language)
            assert view.rent == t("housing.rent", rent=text, year="2022")
        said = {text for _, text in view.flags}
        own = [flag for flag in known["red_flags"] if flag["source"] not in DVF_TABLES]
        assert said == {typeset(flag[f"text_{language}"], language) for flag in own}
        assert bool(view.climate) == bool(known["climate"])


def check_drive(drive: Any, travel: dict[str, Any], code: str, language: str) -> None:
    assert format_raw(travel["minutes"], Unit.MINUTES, language) in drive.figure
    assert ("au plus" in drive.figure or "at most" in drive.figure) == (
        travel["status"] == "upper_bound"
    )
    here = translator(language)("village.here")
    is_here = travel["nearest_insee_code"] == code
    assert drive.where == (here if is_here else travel["nearest_commune"])
    assert 0 <= drive.fill_best <= drive.fill <= 100


def test_work_places_are_nearest_first_and_none_is_nearer(territory: Territory) -> None:
    for code in territory.codes[::9]:
        view = village_view(territory, code, "en")
        minutes = [int(minutes_shown(place)) for place in view.work]
        assert minutes == sorted(minutes)
        assert minutes[0] == round(float(str(territory.minutes.at[code, "workplace"])))
    known = territory.places[territory.places["kind"].isin(WORK_KINDS)]
    unsure = known[known["status"].str.startswith("to be confirmed")]["name"]
    mauvezin = village_view(territory, MAUVEZIN, "fr").work[0]
    assert mauvezin.name in set(unsure)
    assert "à confirmer" in mauvezin.note
    assert "2016" in mauvezin.note


def test_the_first_screen_answers_four_questions(territory: Territory) -> None:
    view = village_view(territory, MAUVEZIN, "fr")
    assert [key.icon for key in view.keys] == ["line", "work", "shop", "phone"]
    assert view.keys[0].text == "Fibre\u00a0: 97,2\u00a0% des locaux"
    assert "31 mai 2029" in view.keys[0].note
    assert view.keys[3].href == "tel:+33562068145"
    assert simple(view.lead).startswith("Un bourg de 2")
    no_date = [c for c in territory.codes if not copper_date(territory, c)]
    for code in no_date[:2]:
        assert "inconnue" in village_view(territory, code, "fr").keys[0].note


def copper_date(territory: Territory, code: str) -> str | None:
    date: str | None = describe_commune(territory, code)["broadband"]["copper_closure_date"]
    return date


def test_the_commune_that_serves_is_that_of_the_pairs(territory: Territory) -> None:
    ranking = rank(territory, Profile(), "all")
    kinds = set()
    for code in territory.codes[::13]:
        pair = pair_of(ranking, code)
        text = " ".join(village_view(territory, code, "fr").pair)
        if pair.bourg is None:
            kinds.add("whole" if len(pair.found_in("village")) == 8 else "none")
            continue
        kinds.add("bourg")
        assert pair.bourg.name in text
        assert format_raw(pair.bourg.drive_min, Unit.MINUTES, "fr") in text
    assert "bourg" in kinds
    assert pair_of(ranking, MAUVEZIN).bourg is None


def test_the_status_in_the_network_has_its_evidence(territory: Territory) -> None:
    sourced = village_view(territory, MAUVEZIN, "fr")
    assert sourced.badge == "sourced"
    assert any(url.startswith("https://www.lci.fr/") for _, url in sourced.network)
    rules = {"fr": "par une règle écrite", "en": "by a written rule"}
    for language, words in rules.items():
        for code, how in list(territory.partner_evidence.items())[::4]:
            text = " ".join(text for text, _ in village_view(territory, code, language).network)
            assert (words in text) or how == "sourced"
    outside = next(f["insee_code"] for f in territory.facts if not f["partner"] | f["network"])
    text = " ".join(text for text, _ in village_view(territory, outside, "en").network)
    assert "Not among the partner villages" in text
    assert "Outside the communes" in text


def test_a_list_of_the_network_needs_no_rule(territory: Territory) -> None:
    members = territory.tables["membership"].copy()
    own = (members["insee_code"] == "32001") & (members["group"] == "partner")
    members.loc[own, "source"] = "list of the network"
    gone = (members["insee_code"] == AUGNAX) & (members["group"] == "network")
    members.loc[gone, "valid_to"] = "2015-01-01"
    changed = dataclasses.replace(territory, tables={**territory.tables, "membership": members})
    text = " ".join(text for text, _ in village_view(changed, "32001", "en").network)
    assert "by the network’s own list" in text
    text = " ".join(text for text, _ in village_view(changed, AUGNAX, "en").network)
    assert "Outside the communes" in text


def test_faults_of_the_release_are_told_on_the_page(
    client: TestClient, territory: Territory
) -> None:
    text = simple(Elements(ok(client.get(path_of(territory, CAP_D_ASTARAC)))).text)
    mends = [mend for mend in territory.catalog.mends if mend.insee_code == CAP_D_ASTARAC]
    assert mends
    for mend in mends:
        assert simple(mend.text_fr) in text
    assert "Les anciennes communes réunies ici" in text
    assert "km² au moins" in text


def test_what_no_table_says_is_said_to_be_unknown(territory: Territory) -> None:
    empty = {
        name: territory.tables[name].iloc[:0]
        for name in ("risks", "climate_projections", "health_registered")
    }
    tables = {**territory.tables, **empty}
    del tables["housing_sales"]
    poor = dataclasses.replace(territory, tables=tables)
    # Flags and figures are the shipped release's: only what the page reads is taken away.
    view = village_view(poor, MAUVEZIN, "en")
    assert view.risks == (translator("en")("risk.unknown"),)
    assert view.climate == ()
    assert view.health_note == translator("en")("health.none", year="2018")


UNDATED = {
    "fr": (
        "Loyer d’une maison : {rent}, charges comprises.",
        "Sites hospitaliers dans la commune : {names}.",
        "Antennes mobiles connues dans la commune : Orange (1).",
        "Aucune antenne mobile connue dans la commune ; celles",
        "Immatriculés dans la commune, à confirmer : ",
        "Aucun cabinet connu dans la commune (liste à confirmer).",
        "; liste à confirmer).",
    ),
    "en": (
        "Rent of a house: {rent}, charges included.",
        "Hospital sites in the commune: {names}.",
        "Mobile masts known in the commune: Orange (1).",
        "No mobile mast known in the commune; those",
        "Registered in the commune, to be confirmed: ",
        "No practice known in the commune (list to be confirmed).",
        "; list to be confirmed).",
    ),
}
"""Rent, hospitals, masts and none, practices and none, the doctor who is far: without a year."""


@LANGUAGES
def test_a_table_without_a_date_is_told_without_one(territory: Territory, language: str) -> None:
    given = ("housing_prices_rents", "hospitals", "health_registered")
    entries = [
        dataclasses.replace(table, vintage="n.d.") if table.name in given else table
        for table in territory.catalog.tables
    ]
    sites = dataclasses.replace(territory.catalog["hospitals"], name="mobile_sites", vintage="n.d.")
    undated = dataclasses.replace(
        territory,
        catalog=dataclasses.replace(territory.catalog, tables=(*entries, sites)),
        tables={
            **territory.tables,
            "mobile_sites": pd.DataFrame({"insee_code": [AUCH], "operator": ["orange"]}),
        },
    )
    town, village = (village_view(undated, code, language) for code in (AUCH, AUGNAX))
    far = Lack("doctor", ("health_registered",), 15.0, (Far("doctor", 22.0, "Auch"),))
    rent, hospitals, masts, no_mast, known, unknown, doctor = UNDATED[language]
    assert pattern(rent, "rent").fullmatch(simple(town.rent))
    assert pattern(hospitals, "names").fullmatch(simple(town.hospitals))
    assert simple(town.mobile).startswith(masts)
    assert simple(village.mobile).startswith(simple(no_mast))
    assert simple(town.health_note).startswith(known)
    assert village.health_note == unknown
    assert simple(lack_sentence(far, "", language)).endswith(doctor)


def pattern(sentence: str, name: str) -> re.Pattern[str]:
    return re.compile(re.escape(simple(sentence)).replace(rf"\{{{name}\}}", "[^(]+"))


# --- Its sources ----------------------------------------------------------------------------------


@LANGUAGES
def test_sources_have_the_numbers_of_the_ledger(
    client: TestClient, territory: Territory, language: str
) -> None:
    page = Elements(ok(client.get(path_of(territory, MAUVEZIN, language))))
    text = simple(page.text)
    tables = {table.name: n for n, table in enumerate(territory.catalog.tables, 1)}
    for names in SECTIONS.values():
        for name in filter(tables.get, names):
            (item,) = page.all("li", id=f"source-{tables[name]}")
            assert item["value"] == str(tables[name])
            table = territory.catalog.tables[tables[name] - 1]
            for words in (table.producer, table.vintage, table.licence):
                assert simple(provenance_in(language, words)) in text
    assert page.all("a", href=f"#source-{tables['broadband_fixed']}")


# --- Addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "status", "right"),
    [
        ("/communes/32249", 301, "/communes/32249-mauvezin"),
        ("/communes/32249-somewhere-else", 301, "/communes/32249-mauvezin"),
        ("/communes/32249-Mauvezin?lang=en", 301, "/communes/32249-mauvezin?lang=en"),
        ("/communes/mauvezin", 303, "/communes/32249-mauvezin"),
        ("/communes/L'Isle-Jourdain", 303, "/communes/32160-l-isle-jourdain"),
        ("/communes/le%20houga?lang=en", 303, "/communes/32155-le-houga?lang=en"),
        ("/communes/mauvezin/housing", 303, "/communes/32249-mauvezin/housing"),
        (
            f"/communes/32249?{SEARCH}&scope=all",
            301,
            f"/communes/32249-mauvezin?{SEARCH}&scope=all",
        ),
    ],
)
def test_other_addresses_lead_to_the_right_one(
    client: TestClient, asked: str, status: int, right: str
) -> None:
    response = client.get(asked, follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (status, right)
    assert client.get(right, follow_redirects=False).status_code == 200


@LANGUAGES
def test_an_unknown_place_is_answered_in_words(client: TestClient, language: str) -> None:
    response = client.get(f"/communes/mauvesin?{SEARCH}&lang={language}")
    assert response.status_code == 404
    page = Elements(response.text)
    assert page.all("html", lang=language)
    assert page.all("meta", name="robots", content="noindex")
    near = [a["href"] for a in page.all("a") if a["href"].startswith("/communes/")]
    assert near[0].startswith("/communes/32249-mauvezin?")
    assert dict(parse_qsl(urlsplit(near[0]).query))
    for nowhere in ("75056", "75056-paris", "zzzzzzzzzzzz", "%00", "x" * 500):
        assert client.get(f"/communes/{nowhere}").status_code == 404
    assert client.get("/fragments/communes/75056/housing").status_code == 404


def test_a_search_that_cannot_be_read_is_said(client: TestClient) -> None:
    response = client.get("/communes/32249-mauvezin?budget=much&lang=en")
    assert response.status_code == 422
    assert "Budget" in Elements(response.text).text


# --- With a search --------------------------------------------------------------------------------


@LANGUAGES
def test_a_search_adds_the_rank_its_odds_and_why(
    client: TestClient, territory: Territory, language: str
) -> None:
    path = commune_path(MAUVEZIN, "Mauvezin")
    response = client.get(f"{path}?{SEARCH}&lang={language}")
    page = Elements(ok(response))
    ranking = rank(territory, FAMILY, "partners")
    row = ranking.position(MAUVEZIN)
    place = ranking.order.tolist().index(row)
    summary = odds(ranking).summaries[place]
    text = simple(page.text)
    assert simple(typeset(explain(ranking, row, language).summary, language)) in text
    band = band_phrase(summary["rank_low"], summary["rank_high"], len(ranking), language)
    assert simple(band) in text
    assert f" {ranking.ranks[place]} " in text
    assert page.all("meta", name="robots", content="noindex")
    assert response.headers["x-robots-tag"] == "noindex"
    (canonical,) = page.all("link", rel="canonical")
    assert canonical["href"] == "http://testserver" + path_of(territory, MAUVEZIN, language)
    query = to_query(FAMILY, "partners", language)
    assert page.all("a", href=f"/why?commune={MAUVEZIN}&{query}")
    assert page.all("a", href=f"/?{query}")
    alike = [
        a["href"] for a in page.all("a") if a["href"].startswith("/communes/32") and "lang" not in a
    ]
    assert len(alike) > 10
    assert all(urlsplit(href).query == query for href in alike)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (f"{SEARCH}&scope=partners", "Outside the communes that you search"),
        ("scope=all&max_auch_min=5", "Beyond your limits"),
    ],
)
def test_a_commune_that_is_not_listed_is_said_not_to_be(
    client: TestClient, query: str, words: str
) -> None:
    text = Elements(ok(client.get(f"/communes/{AUGNAX}-augnax?{query}&lang=en"))).text
    assert words in text


def test_cards_and_reasons_lead_to_the_page_with_the_search(client: TestClient) -> None:
    page = Elements(ok(client.get(f"/?{SEARCH}&scope=all")))
    query = to_query(FAMILY, "all")
    links = [a["href"] for a in page.all("a") if a["href"].startswith("/communes/")]
    assert len(links) == 20
    assert all(urlsplit(href).query == query for href in links)
    assert client.get(links[0], follow_redirects=False).status_code == 200
    assert [a["href"] for a in Elements(ok(client.get("/"))).all("a") if "/communes/" in a["href"]]
    why = Elements(ok(client.get(f"/why?commune={MAUVEZIN}&{SEARCH}&scope=all")))
    assert why.all("a", href=f"/communes/32249-mauvezin?{query}")


# --- Sales, apart ---------------------------------------------------------------------------------


@LANGUAGES
def test_sales_are_given_apart_and_not_indexed(
    client: TestClient, territory: Territory, language: str
) -> None:
    (part,) = [
        attributes["data-part"]
        for _, attributes in Elements(ok(client.get(path_of(territory, MAUVEZIN, language)))).found
        if "data-part" in attributes
    ]
    page_path = f"/communes/32249-mauvezin/housing?lang={language}"
    known = describe_commune(territory, MAUVEZIN)["housing"]
    for path in (part, page_path):
        response = client.get(path)
        assert response.headers["x-robots-tag"] == "noindex"
        text = simple(Elements(ok(response)).text)
        price = format_raw(known["house_price_eur_m2"], Unit.EUR_M2, language)
        assert simple(price) in text
        assert f" {known['home_sales']} " in text
        for year in known["sales_by_year"]:
            if year["house_median_eur_m2"] is not None:
                median = format_raw(year["house_median_eur_m2"], Unit.EUR_M2, language)
                assert simple(median) in text
    assert part.startswith("/fragments/")
    assert Elements(client.get(page_path).text).all("meta", name="robots", content="noindex")


def test_sales_of_merged_communes_are_added_and_medians_are_not(territory: Territory) -> None:
    view = housing_view(territory, CAP_D_ASTARAC, "en")
    assert view.is_merged
    known = describe_commune(territory, CAP_D_ASTARAC)["housing"]
    for row in view.rows:
        own = [year for year in known["sales_by_year"] if str(year["year"]) == row.year]
        assert row.houses == str(sum(year["house_sales"] for year in own))
        medians = [y["house_median_eur_m2"] for y in own if y["house_median_eur_m2"] is not None]
        assert row.house_price.count("€") == len(medians)
    assert [row.year for row in view.rows] == ["2025", "2024", "2023", "2022", "2021"]


def test_few_sales_are_a_flag_of_the_sales_alone(territory: Territory) -> None:
    few = [c for c in territory.codes if {"few_sales"} & flag_codes(territory, c)]
    assert few
    for code in few[:5]:
        assert any(icon == "house" for icon, _ in housing_view(territory, code, "fr").flags)
        assert not any(icon == "house" for icon, _ in village_view(territory, code, "fr").flags)


def flag_codes(territory: Territory, code: str) -> set[str]:
    return {flag["code"] for flag in describe_commune(territory, code)["red_flags"]}


def test_a_release_without_sales_says_so(territory: Territory) -> None:
    figures = territory.indicators.copy()
    figures[["house_price_eur_m2", "home_sales", "house_rent_eur_m2_month"]] = None
    tables = {n: t for n, t in territory.tables.items() if n != "housing_sales"}
    poor = dataclasses.replace(territory, tables=tables, indicators=figures.astype(float))
    with TestClient(create_app(Settings(release=territory.folder), poor)) as client:
        html = ok(client.get("/communes/32249-mauvezin/housing?lang=en"))
        assert "Mean price 2022-2023: unknown here." in Elements(html).text
        assert not Elements(html).all("table")
        page = Elements(ok(client.get("/communes/32249-mauvezin?lang=en")))
        assert "The rent is not known here." in page.text


# --- What search engines and other sites read -----------------------------------------------------


@LANGUAGES
def test_a_plain_page_can_be_found_and_shared(
    client: TestClient, territory: Territory, language: str
) -> None:
    response = client.get(path_of(territory, MAUVEZIN, language))
    page = Elements(ok(response))
    assert not page.all("meta", name="robots")
    assert "x-robots-tag" not in response.headers
    base = "http://testserver"
    (canonical,) = page.all("link", rel="canonical")
    assert canonical["href"] == base + path_of(territory, MAUVEZIN, language)
    assert {link["hreflang"]: link["href"] for link in page.all("link", rel="alternate")} == {
        "fr": base + path_of(territory, MAUVEZIN),
        "en": base + path_of(territory, MAUVEZIN, "en"),
        "x-default": base + path_of(territory, MAUVEZIN),
    }
    (description,) = page.all("meta", name="description")
    assert "Mauvezin" in description["content"]
    assert "97" in description["content"]
    for name in ("og:title", "og:description", "og:url", "og:locale", "og:site_name", "og:type"):
        (tag,) = page.all("meta", property=name)
        assert tag["content"]
    graph = {str(node["@type"]): node for node in data_of(response.text)["@graph"]}
    assert set(graph) == {"WebPage", "BreadcrumbList", "['AdministrativeArea', 'City']"}
    place = graph["['AdministrativeArea', 'City']"]
    assert place["name"] == "Mauvezin"
    assert place["identifier"]["value"] == MAUVEZIN
    assert place["telephone"] == "+33562068145"
    crumbs = graph["BreadcrumbList"]["itemListElement"]
    assert [crumb["position"] for crumb in crumbs] == [1, 2]
    assert crumbs[1]["item"] == canonical["href"]


def test_the_list_of_pages_names_each_once_in_both_languages(
    client: TestClient, territory: Territory
) -> None:
    response = client.get("/sitemap.xml")
    assert response.headers["content-type"].startswith("application/xml")
    names = {
        "s": "http://www.sitemaps.org/schemas/sitemap/0.9",
        "x": "http://www.w3.org/1999/xhtml",
    }
    root = ElementTree.fromstring(response.text)
    places = [str(loc.text) for loc in root.findall("s:url/s:loc", names)]
    assert len(places) == len(set(places)) == 2 * (458 + 1)
    assert f"http://testserver{path_of(territory, AUCH, 'en')}" in places
    for url in root.findall("s:url", names):
        links = url.findall("x:link", names)
        assert [link.get("hreflang") for link in links] == ["fr", "en", "x-default"]
    for place in places[::97]:
        assert client.get(place, follow_redirects=False).status_code == 200
    assert "Sitemap: http://testserver/sitemap.xml" in client.get("/robots.txt").text


def test_a_public_address_goes_before_that_of_the_request(territory: Territory) -> None:
    settings = Settings(release=territory.folder, public_url="https://villages.example.org/")
    with TestClient(create_app(settings, territory)) as client:
        html = ok(client.get(path_of(territory, MAUVEZIN)))
        (canonical,) = Elements(html).all("link", rel="canonical")
        assert canonical["href"] == "https://villages.example.org/communes/32249-mauvezin"
        assert "https://villages.example.org/sitemap.xml" in client.get("/robots.txt").text
    for wrong in ("javascript:alert(1)", "https://a b", 'https://x"', "ftp://example.org"):
        with pytest.raises(ValueError, match="public_url"):
            Settings(release=territory.folder, public_url=wrong)


# --- Nothing gets in ------------------------------------------------------------------------------


def test_hostile_data_is_shown_as_text(territory: Territory) -> None:
    communes = territory.communes.copy()
    for column in ("name", "epci_name", "town_hall_address"):
        communes[column] = HOSTILE
    communes["town_hall_phone"] = "05\"onclick='alert(1)'"
    communes["town_hall_email"] = "a@b.fr?subject=x\"'<"
    communes["town_hall_website"] = "javascript:alert(1)"
    halls = territory.tables["town_halls"].assign(name=HOSTILE)
    places = territory.places.assign(name=HOSTILE, year=HOSTILE, status=HOSTILE)
    risks = territory.tables["risks"].assign(flood_plan_names=HOSTILE, catnat_last_type=HOSTILE)
    members = territory.tables["membership"].assign(source="javascript:alert(1)")
    tables = {
        **territory.tables,
        "town_halls": halls,
        "places": places,
        "risks": risks,
        "membership": members,
    }
    hostile = dataclasses.replace(territory, communes=communes, tables=tables)
    with TestClient(create_app(Settings(release=territory.folder), hostile)) as client:
        for path in (f"/communes/{MAUVEZIN}", f"/communes/{MAUVEZIN}/housing"):
            for query in ("", f"?{SEARCH}"):
                html = ok(client.get(path + query))
                page = Elements(html)
                assert not page.all("img")
                assert "<script>alert" not in html
                hrefs = [a["href"] for a in page.all("a")]
                assert not [h for h in hrefs if h.startswith(("javascript:", "tel:", "mailto:"))]
                assert not [a for _, a in page.found if any(n.startswith("on") for n in a)]
        data = data_of(ok(client.get(f"/communes/{MAUVEZIN}")))
        assert any(node.get("name") == HOSTILE for node in data["@graph"])
        ElementTree.fromstring(client.get("/sitemap.xml").text)


def test_a_name_without_letters_has_an_address_all_the_same() -> None:
    assert commune_path("32001", "!!") == "/communes/32001"
    assert commune_path("32001", "Жук") == "/communes/32001-%D0%B6%D1%83%D0%BA"


@pytest.mark.parametrize("host", ['x"><script>alert(1)</script>', "a b", "[::1", "x:y"])
def test_a_hostile_host_is_shown_as_text(client: TestClient, host: str) -> None:
    for path in ("/communes/32249-mauvezin", "/sitemap.xml", "/robots.txt"):
        response = client.get(path, headers={"Host": host})
        assert response.status_code == 200
        assert "<script>alert" not in response.text
