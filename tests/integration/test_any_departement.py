"""Another département than the shipped one, and releases that lack sources."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import tomlkit
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from api.village_words import evidence, lead_sentence, risk_sentences
from geo_matcher.build import build_derived, build_release
from geo_matcher.catalog import Catalog
from geo_matcher.commune import describe_commune
from geo_matcher.criteria import CRITERIA, OF_NETWORK
from geo_matcher.decision import Status, decision_matrix
from geo_matcher.errors import DataError, NotInReleaseError, ProfileError
from geo_matcher.gaps import gaps
from geo_matcher.matching import rank
from geo_matcher.membership import GIVEN_LIST
from geo_matcher.missing_sources import OPTIONAL_SOURCES, SOURCES_OF_KIND
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.release_diff import release_diff
from geo_matcher.territory import Territory
from geo_matcher.towns import in_service
from tests.conftest import RELEASE
from tests.integration.commands import Run
from tests.invented_departement import NETWORK, Invented, invented_release
from tests.made_once import made_once

SHORT = ("/?scope=all", "/communes/32013", "/communes/32013/housing")
LONG = ("/planification", "/maps/match?scope=all")
FURTHER = ("/?lang=en&scope=all", "/table?scope=all", "/shortlist?pick=32013",
           "/downloads/villages.csv", "/api/v1/release")  # fmt: skip

FAMILY = ("--profile-name", "paris-web-family")

MAPPED = frozenset({"broadband_fixed", "shops", "workplaces"})
"""Sources that the map draws, and a plan uses, most of; either takes seconds."""

SAID_EVERYWHERE = re.compile(r"Toulouse \(31\)|Gers Numérique|gers-numerique|gersnumerique")
"""A city that people leave, and who is quoted for a cost."""

PAGES = (
    "/?scope=all",
    "/?lang=en&scope=all&preset=paris-web-family",
    "/planification",
    "/table?scope=all",
    "/maps/match?scope=all",
    "/api/v1/release",
    "/api/v1/communes",
    "/api/v1/layers/fibre",
    "/api/v1/layers/doctor",
    "/openapi.json",
)


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Territory:
    """Return an invented département without a network, with few sources."""
    folder = made_once(tmp_path_factory, "invented", lambda at: invented_release(at / "release"))
    return Territory.load(folder / "release")


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Territory:
    """Return an invented département with a network of its own."""
    wanted = Invented(
        departement="2A",
        sources=("broadband_fixed", "shops", "hubs", "workplaces", "housing_prices_rents"),
        network=NETWORK,
    )
    made = made_once(
        tmp_path_factory, "connected", lambda at: invented_release(at / "release", wanted)
    )
    return Territory.load(made / "release")


@pytest.fixture(scope="module")
def client(invented: Territory) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(release=invented.folder), invented)) as client:
        yield client


def text_of(client: TestClient, path: str) -> str:
    """Return the words of a page, its marks left out and its spaces plain."""
    page = client.get(path, follow_redirects=True)
    assert page.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)).replace("’", "'")


# --- Another département ---------------------------------------------------------------------


def test_the_towns_of_the_territory_are_criteria_and_those_of_another_are_not(
    invented: Territory, territory: Territory
) -> None:
    with in_service(invented.about):
        assert {"combe_1_min", "combe_2_min"} < set(CRITERIA)
        assert "auch_min" not in CRITERIA
        ranking = rank(invented, parse_profile({"client_city": "combe_2"}), "all")
        assert len(ranking) == len(invented.codes)
        with pytest.raises(ProfileError) as refusal:
            parse_profile({"client_city": "toulouse"})
    assert refusal.value.problems == (
        "client_city: found 'toulouse'; expected a town of this release: 'combe_1', 'combe_2'",
    )
    with in_service(territory.about):
        assert "auch_min" in CRITERIA


def test_a_territory_is_not_ranked_with_the_towns_of_another(
    invented: Territory, territory: Territory
) -> None:
    with in_service(territory.about):
        profile = Profile()
        rank(territory, profile)
        with pytest.raises(DataError, match="another territory"):
            rank(invented, profile)
    with in_service(invented.about), pytest.raises(DataError, match="another territory"):
        rank(invented, profile)  # its weights are those of the other's towns


def test_two_territories_are_not_compared(invented: Territory, territory: Territory) -> None:
    with pytest.raises(DataError, match="do not name the same towns"):
        release_diff(territory, invented)


@pytest.mark.parametrize("path", PAGES)
def test_the_service_shows_another_departement(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    for word in ("Toulouse", "Auch", "Soho Solo", "Gers"):
        assert word not in SAID_EVERYWHERE.sub("", answer.text), word


def test_its_pages_name_its_towns_and_its_communes(client: TestClient, invented: Territory) -> None:
    first = invented.facts[0]
    page = client.get(f"/communes/{first['insee_code']}")
    assert page.status_code == 200
    assert first["name"] in page.text
    town = invented.about.town[1].name
    assert town in client.get("/?scope=all").text
    assert f"combe_{2}_min" in client.get("/openapi.json").text or town in page.text


def test_without_a_network_people_search_everywhere_and_are_told(client: TestClient) -> None:
    results = client.get("/fragments/matches").text
    assert len(set(re.findall(r"\b46\d{3}\b", results))) >= 20
    for scope in ("partners", "network"):
        counts = client.post("/api/v1/matches", json={"profile": {}, "scope": scope}).json()
        assert counts["counts"]["scope"] == 0
    assert "Aucun village partenaire" in client.get("/?scope=partners").text
    release = client.get("/api/v1/release").json()
    assert release["network"] is None
    assert release["partners"] == {"sourced": 0, "reconstructed": 0, "published": None}


def test_without_a_network_being_no_partner_does_not_count(
    client: TestClient, invented: Territory, connected: Territory
) -> None:
    with in_service(connected.about):
        column = list(CRITERIA).index("partner_village")
        assert set(CRITERIA) > OF_NETWORK
        assert Profile().weights[column] > 0
    with in_service(invented.about):
        weights = dict(zip(CRITERIA, Profile().weights.tolist(), strict=True))
        assert {weights[name] for name in OF_NETWORK} == {0.0}
        assert Profile().weights.sum() == pytest.approx(1)
        statuses = decision_matrix(invented).status[:, column]
        assert (statuses == Status.MISSING).all()
    for language, words in (
        (
            "fr",
            (
                "hors des villages partenaires",
                "Village partenaire",
                "résence connue",
                "à confirmer par le",
            ),
        ),
        (
            "en",
            (
                "outside the known partner",
                "Partner village:",
                "nown presence",
                "to be confirmed by the",
            ),
        ),
    ):
        cards = text_of(client, f"/fragments/matches?lang={language}")
        assert not [word for word in words if word in cards]


def test_without_a_network_no_page_speaks_of_one(client: TestClient, invented: Territory) -> None:
    page = text_of(client, f"/communes/{invented.codes[0]}")
    assert "Aucun réseau d'accueil n'est connu dans ce territoire." in page
    assert "la liste du réseau" not in page
    village = f"pick={invented.codes[0]}"
    form = text_of(client, f"/accompany?{village}")
    assert "pour les responsables de ce service" in form
    assert "conseillers" not in form
    english = text_of(client, f"/accompany?{village}&lang=en")
    assert "message to the people who run this service" in english
    assert "advisers" not in english


def test_the_list_of_the_network_is_named_where_it_was_given(connected: Territory) -> None:
    row = {"group": "partner", "evidence": "sourced", "source": GIVEN_LIST,
           "valid_from": "2019-01-01"}  # fmt: skip
    partner = {"partner": True, "network": True, "membership": [row], "places": []}
    other = {"partner": False, "network": False, "membership": [], "places": []}
    with in_service(connected.about):
        for language, yes, no in (
            ("fr", "d’après la liste du réseau", "que donne la liste du réseau"),
            ("en", "by the network’s own list", "of the network’s own list"),
        ):
            assert yes in evidence(partner, language, is_given=True)[0][0]
            assert no in evidence(other, language, is_given=True)[0][0]
            assert no not in evidence(other, language, is_given=False)[0][0]


def test_a_profile_of_another_territory_is_refused_by_the_service(client: TestClient) -> None:
    answer = client.post("/api/v1/matches", json={"profile": {"client_city": "pau"}})
    assert answer.status_code == 422
    assert "expected a town of this release" in answer.text


def test_a_network_counts_with_its_own_numbers(connected: Territory) -> None:
    assert connected.codes[0] == "2A001"
    partners = connected.members("partner")
    assert len(partners) == NETWORK["partners_published"]
    assert set(partners["valid_from"]) == {"2025-01-01"}
    assert connected.parameters["network_reach"]["published"] == NETWORK["communes_published"]
    with in_service(connected.about):
        assert len(rank(connected, Profile())) == len(partners)


@pytest.mark.parametrize(
    "wanted",
    [
        Invented(communes=10),
        Invented(communes=12, has_neighbours=False),
        Invented(communes=9, sources=(), has_neighbours=False),
    ],
    ids=["ten communes", "an island", "nothing known"],
)
def test_a_small_or_lonely_departement_is_served(tmp_path: Path, wanted: Invented) -> None:
    found = invented_release(tmp_path / "release", wanted)
    with TestClient(create_app(Settings(release=found.folder), found)) as client:
        for path in ("/?scope=all", f"/communes/{found.codes[0]}", "/maps/match?scope=all"):
            assert client.get(path, follow_redirects=True).status_code == 200
        for language, ending in (("fr", "cette version. "), ("en", "not in this release. ")):
            page = text_of(client, f"/communes/{found.codes[0]}?lang={language}")
            assert ending in page
            assert ".." not in page


def test_communes_without_epci_and_without_postal_code_are_allowed(tmp_path: Path) -> None:
    folder = tmp_path / "release"
    invented_release(folder, Invented(communes=9))

    def edit(copy: Path) -> None:
        path = copy / "source/communes.parquet"
        communes = gpd.read_parquet(path)
        communes.loc[0, ["epci_code", "epci_name", "postal_codes"]] = ""
        communes.to_parquet(path, index=False)

    found = build_release(folder, edit=edit)
    described = describe_commune(found, found.codes[0])
    assert described["postal_codes"] == []
    with TestClient(create_app(Settings(release=folder), found)) as client:
        for path in (f"/communes/{found.codes[0]}", "/planification", "/?scope=all"):
            answer = client.get(path, follow_redirects=True)
            assert answer.status_code == 200
            assert "sans intercommunalité" in answer.text
            assert not re.search(r'<th scope="row">\s*</th>', answer.text)
        assert "no group of communes" in client.get("/planification?lang=en").text


def test_a_commune_without_a_line_is_served_and_said_to_be_unknown(tmp_path: Path) -> None:
    folder = tmp_path / "release"
    code = invented_release(folder, Invented(communes=9)).codes[0]

    def edit(copy: Path) -> None:
        path = copy / "source/broadband_fixed.csv"
        lines = pd.read_csv(path, dtype={"insee_code": str})
        lines[lines["insee_code"] != code].to_csv(path, index=False, lineterminator="\n")
        catalog = copy / "catalog.toml"
        document: Any = tomlkit.parse(catalog.read_text("utf-8"))
        for entry in document["table"]:
            if entry["name"] == "broadband_fixed":
                entry["note_en"] = f"No line for one ({code})."
        catalog.write_text(tomlkit.dumps(document), encoding="utf-8")

    found = build_release(folder, edit=edit)
    assert found.indicators["premises_without_ftth"].isna().tolist() == [True, *[False] * 8]
    assert code not in {row["insee_code"] for row in gaps(found).as_dict()["rows"]}
    with TestClient(create_app(Settings(release=folder), found)) as client:
        assert client.get(f"/communes/{code}", follow_redirects=True).status_code == 200
        line = client.get(f"/api/v1/communes/{code}").json()["broadband"]
        assert (line["premises"], line["other_count"]) == (None, None)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("match", "--top", "1"), "No network in this territory: among all of its communes (36)."),
        (("match", "--top", "1", "--lang", "fr"), "parmi toutes ses communes (36)."),
        (("pairs", "--top", "1"), "No network in this territory"),
        (("match", "--top", "1", "--scope", "all"), ""),
        (("match", "--top", "1", "--scope", "partners"), ""),
    ],
    ids=["match", "in French", "pairs", "all asked for", "partners asked for"],
)
def test_without_a_network_the_command_line_searches_everywhere(
    invented: Territory, run: Run, call: tuple[str, ...], told: str
) -> None:
    found = run("--release", str(invented.folder), *call, *FAMILY)
    assert found.code == 0, found.err
    assert told in found.plain
    assert ("network in this" in found.plain) == ("network in this" in told)
    if call[0] == "match":
        ranked = 0 if "partners" in call else len(invented.codes)
        assert f"/{ranked} communes" in found.plain


def test_what_programs_read_names_the_usual_scope(
    invented: Territory, connected: Territory, run: Run
) -> None:
    without = run("--release", str(invented.folder), "match", *FAMILY, "--format", "json").json
    assert (without["scope"], without["counts"]["scope"]) == ("all", len(invented.codes))
    own = run("--release", str(connected.folder), "match", *FAMILY, "--format", "json").json
    assert own["scope"] == "partners"
    told = run("--release", str(connected.folder), "match", *FAMILY, "--top", "1").plain
    assert "network in this" not in told


def test_what_is_not_there_is_said_in_whole_sentences(
    client: TestClient, invented: Territory, run: Run
) -> None:
    page = client.get(f"/communes/{invented.codes[0]}").text
    assert "nos données en couvrent" not in page
    assert "Les projections du climat ne figurent pas dans cette version." in page
    assert "atteinte par semaine" not in page
    assert "hors d" not in re.sub(r"\s+", " ", page).split("Heures au volant")[1][:400]
    told = run("--release", str(invented.folder), "data", "info").plain
    assert "36 communes" in told


def test_what_no_list_names_is_not_said_to_be_out_of_reach(
    client: TestClient, invented: Territory
) -> None:
    page = text_of(client, f"/communes/{invented.codes[0]}")
    assert "Aucune de nos listes n'en nomme" in page
    assert "lieu de travail partagé" in page.split("n'en nomme")[1][:400]
    assert "aucun à portée de route" not in page
    english = text_of(client, f"/communes/{invented.codes[0]}?lang=en")
    assert "No list of ours names any" in english
    assert "none that a road leads to" not in english


def test_an_unknown_time_has_no_bar(client: TestClient, invented: Territory) -> None:
    for language, word in (("fr", "inconnu"), ("en", "unknown")):
        page = client.get(f"/communes/{invented.codes[0]}?lang={language}").text
        rows = re.findall(r'<tr>.*?class="figure">([^<]+)<.*?class="bar"[^>]*>(.*?)</td>', page)
        assert {"<svg" in bar for figure, bar in rows if figure == word} == {False}
        assert {"<svg" in bar for figure, bar in rows if figure != word} == {True}


def test_no_sentence_is_built_around_what_is_unknown(
    client: TestClient, invented: Territory
) -> None:
    page = text_of(client, f"/communes/{invented.codes[0]}")
    assert "partagé à inconnu" not in page
    assert "Les lieux de travail partagés ne figurent pas dans cette version." in page
    english = text_of(client, f"/communes/{invented.codes[0]}?lang=en")
    assert "work place unknown" not in english
    assert "Shared work places are not in this release." in english
    commune: Any = describe_commune(invented, invented.codes[0])
    commune["broadband"]["ftth_coverage_share"] = None
    with in_service(invented.about):
        assert re.search(r"min\.$", lead_sentence(commune, "fr"))
        assert not re.search("unknown|:", lead_sentence(commune, "en"))


def test_a_plan_to_come_is_told_in_the_language_of_the_page(territory: Territory) -> None:
    commune = describe_commune(territory, "32070")
    assert any("(prescrit)" in text for text in risk_sentences(commune, "fr"))
    assert not any("prescribed" in text for text in risk_sentences(commune, "fr"))
    assert any("(prescribed)" in text for text in risk_sentences(commune, "en"))


def test_a_track_that_no_network_has_is_told_and_does_not_count(
    client: TestClient, invented: Territory, run: Run, tmp_path: Path
) -> None:
    page = client.get("/").text
    assert "ultura" not in page
    assert 'name="track"' not in page
    assert "Artiste, en location" in page
    old = client.get("/?track=cultura&preset=lyon-trainer")
    assert old.status_code == 200
    assert "Le parcours pour artistes n’existe pas" in old.text
    asked = {"profile": {"track": "cultura"}, "scope": "all", "top": 1}
    answer = client.post("/api/v1/matches", json=asked).json()
    assert answer["ignored"] == ["track"]
    plain = client.post("/api/v1/matches", json=asked | {"profile": {}}).json()
    assert plain["ignored"] == []
    assert answer["results"] == plain["results"]
    mine = tmp_path / "mine.toml"
    mine.write_text('track = "cultura"\n', encoding="utf-8")
    told = run("--release", str(invented.folder), "match", str(mine), "--top", "1")
    assert told.code == 0
    assert "no track for artists" in told.err


def test_the_command_line_serves_another_departement(invented: Territory, run: Run) -> None:
    release = ["--release", str(invented.folder)]
    called = run(*release, "match", "--profile-name", "combe-2-consultant", "--scope", "all")
    assert called.code == 0
    assert "Combe" in called.out
    assert run(*release, "data", "info").code == 0
    assert run("criteria").out.count("auch") > 0  # what a call puts in service ends with it


# --- Sources that are absent -----------------------------------------------------------------


@pytest.fixture(scope="module")
def serving(small_gers: Territory) -> Iterator[TestClient]:
    """Return a client of a service whose release each test replaces."""
    with TestClient(create_app(Settings(release=small_gers.folder))) as client:
        yield client


def _edit_toml(path: Path, change: Any) -> None:
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def without(folder: Path, small: Path, absent: tuple[str, ...]) -> Territory:
    """Build the small release without some sources."""
    shutil.copytree(small, folder)
    for name in absent:
        (folder / f"source/{name}.csv").unlink(missing_ok=True)
    _edit_toml(folder / "catalog.toml", lambda d: _drop(d, absent))
    build_derived(folder)
    return Territory.load(folder)


def _drop(document: Any, absent: tuple[str, ...]) -> None:
    kept = [table for table in document["table"] if table["name"] not in absent]
    array = tomlkit.aot()
    for table in kept:
        array.append(table)
    document["table"] = array


NOT_IN_THE_GERS = tuple(
    sorted(set(OPTIONAL_SOURCES) - {table.name for table in Catalog.read(RELEASE).tables})
)
ABSENT = (
    ("broadband_fixed",),
    ("shops",),
    ("workplaces",),
    ("hubs", "schools", "hospitals"),
    ("housing_sales", "housing_prices_rents", "climate_projections"),
    ("risks", "culture", "health_registered"),
    ("france_services", "partners_evidence", "road_distance_checks"),
    ("french_communes", "origin_cities"),
    NOT_IN_THE_GERS,
    tuple(OPTIONAL_SOURCES),
)
"""Those that most rests on alone, the others with what has nothing to do with them."""


def test_each_source_is_absent_somewhere() -> None:
    assert {name for few in ABSENT[:-1] for name in few} == set(OPTIONAL_SOURCES)


@pytest.mark.parametrize("absent", ABSENT, ids=lambda few: f"{few[0]}-{len(few)}")
def test_a_release_does_without_a_source(
    tmp_path: Path, small_gers: Territory, serving: Any, absent: tuple[str, ...]
) -> None:
    found = without(tmp_path / "communes", small_gers.folder, absent)
    declared = {gap.subject for gap in found.catalog.gaps}
    assert {OPTIONAL_SOURCES[name].subject for name in absent} <= declared
    missing = {*absent, *NOT_IN_THE_GERS}
    held = {gap.subject for name, gap in OPTIONAL_SOURCES.items() if name not in missing}
    assert held.isdisjoint(declared)
    with in_service(found.about):
        matrix = decision_matrix(found)
        for name in figures_of(absent):
            column = matrix.column(name)
            assert (matrix.status[:, column] == Status.MISSING).all(), name
            assert np.isnan(matrix.raw[:, column]).all()
            assert (matrix.values_min[:, column] == 0).all()
            assert (matrix.values_max[:, column] == 1).all()
        for preset in PRESETS.values():
            ranking = rank(found, preset.profile, "all")
            assert np.isfinite(ranking.score).all()
        assert describe_commune(found, "32013")["name"] == "Auch"
        if "broadband_fixed" in absent:
            with pytest.raises(NotInReleaseError, match="no internet lines"):
                gaps(found)
    pair = f"/compare?village=32013&village={found.codes[0]}"
    serving.app.state.in_service.start(found)  # one service for all: to make one takes seconds
    paths = SHORT if MAPPED.isdisjoint(absent) else (*SHORT, *LONG)
    is_bare = len(absent) == len(OPTIONAL_SOURCES)
    for path in (*paths, pair, *FURTHER) if is_bare else paths:
        answer = serving.get(path, follow_redirects=True)
        nothing_to_plan = path == "/planification" and "broadband_fixed" in absent
        assert answer.status_code == (404 if nothing_to_plan else 200), path
        if nothing_to_plan:
            assert "ne figurent pas dans cette version" in answer.text


def figures_of(absent: tuple[str, ...]) -> set[str]:
    """Return the criteria that rest on some absent sources."""
    of_table = {
        "broadband_fixed": {"ftth_coverage_share", "land_30mbit_share"},
        "shops": {"daily_services_min"},
        "housing_prices_rents": {"house_price_eur_m2", "house_rent_eur_m2_month"},
        "climate_projections": {"hot_days_2030_year"},
    }
    found = {name for table in absent for name in of_table.get(table, ())}
    held = set(OPTIONAL_SOURCES) - set(absent) - set(NOT_IN_THE_GERS)
    by_kind = {f"{kind}_min" for kind, any_of in SOURCES_OF_KIND.items() if not held & set(any_of)}
    return found | (by_kind & set(CRITERIA))


def test_a_gap_goes_when_its_source_is_there_again(tmp_path: Path, small_gers: Territory) -> None:
    small = small_gers.folder
    folder = tmp_path / "communes"
    without(folder, small, ("risks", "shops"))
    shutil.copy(small / "source/shops.csv", folder / "source/shops.csv")
    entry = next(
        table for table in tomlkit.parse((small / "catalog.toml").read_text("utf-8"))["table"]
        if table["name"] == "shops"
    )  # fmt: skip

    def edit(copy: Path) -> None:
        shutil.copy(small / "source/shops.csv", copy / "source/shops.csv")
        _edit_toml(copy / "catalog.toml", lambda d: d["table"].append(entry))

    found = build_release(folder, edit=edit)
    subjects = {gap.subject for gap in found.catalog.gaps}
    assert "risks" in subjects
    assert "shops" not in subjects
