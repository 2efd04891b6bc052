"""A département made from official files, made new again, and gone back from: on this machine."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from html import unescape
from pathlib import Path

import geopandas as gpd
import httpx
import pytest
import shapely
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from api.settings import Settings
from geo_matcher import clock
from geo_matcher.cli import app as cli
from geo_matcher.errors import SourceError
from geo_matcher.freshness import freshness
from geo_matcher.presets import PRESETS
from geo_matcher.release_store import ReleaseStore
from geo_matcher.sources import dhup, fetching
from geo_matcher.sources.arcep import mobile_sites_url
from geo_matcher.sources.communes import contours_url
from geo_matcher.sources.contacts import CONTACTS_URL
from geo_matcher.sources.density_grid import density_url
from geo_matcher.sources.dgfip import sales_url
from geo_matcher.sources.dhup import RENT_URLS
from geo_matcher.sources.editions import listing_url
from geo_matcher.sources.fetching import Fetcher, Limits
from geo_matcher.sources.filosofi import filosofi_url
from geo_matcher.sources.georisques import RADON_PAGE, RADON_URL
from geo_matcher.sources.insee import bpe_url
from geo_matcher.sources.openstreetmap import Download
from geo_matcher.territory import Territory
from tests.integration.commands import Run
from tests.integration.overpass import Reply, overpass_server
from tests.integration.test_osm_places import answer
from tests.integration.upstream import villages
from tests.integration.upstream.causse import DEPARTEMENT, put_causse
from tests.integration.upstream.server import HTML_PAGE, Fault, Upstream, upstream_server
from tests.made_once import made_once
from tests.rural_graph import rural_roads

BPE_URL = bpe_url(2025)
BUILT_IN = dt.date(2026, 11, 26)
"""The day of all these builds: the files that are given out are those of 2026."""

LIMITS = Limits(total_s=30.0, idle_s=5.0, tries=2, backoff_s=0.01, backoff_max_s=0.02)
NEVER_GIVEN = {"climate_projections", "health_registered", "partners_evidence", "origin_cities",
               "road_distance_checks"}  # fmt: skip
"""Tables that no source gives: what they say is missing."""


@contextmanager
def official(patch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """Stand for every official host, and lead the command line there."""
    with upstream_server() as server:
        put_causse(server, patch)
        fetcher = partial(Fetcher, transport=server.transport(), limits=LIMITS)
        patch.setattr(fetching, "Fetcher", fetcher)
        patch.setattr(clock, "today", lambda: BUILT_IN)
        yield server


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    with official(monkeypatch) as server:
        yield server


@pytest.fixture
def overpass_url() -> Iterator[str]:
    with overpass_server(*(answer() for _ in range(6))) as heard:
        yield heard.url


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a release that was made from every source, and the files kept."""
    return made_once(tmp_path_factory, "first", _make_first)


def _make_first(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, official(patch), overpass_server(answer()) as heard:
        call = build(folder / "release-46", heard.url, folder)
        done = CliRunner().invoke(cli, [*call, "--strict"])
    assert done.exit_code == 0, done.output


@pytest.fixture
def made(first: Path, tmp_path: Path) -> Path:
    """Return a copy of that release; the files are kept beside it."""
    shutil.copytree(first / "cache", tmp_path / "cache")
    return Path(shutil.copytree(first / "release-46", tmp_path / "release-46"))


def build(folder: Path, overpass_url: str, tmp_path: Path) -> tuple[str, ...]:
    return ("data", "build", "--departement", DEPARTEMENT, "--output", str(folder),
            "--overpass-url", overpass_url, "--cache", str(tmp_path / "cache"))  # fmt: skip


def test_a_number_gives_a_whole_release(made: Path, upstream: Upstream) -> None:
    territory = Territory.load(made)
    assert territory.codes == tuple(village.code for village in villages.OWN)
    assert territory.about.names.in_fr == "dans le Lot"
    assert territory.about.network is None
    assert [town.key for town in territory.about.town] == ["belpech_sur_lere"]
    held = {table.name for table in territory.catalog.tables}
    assert {"broadband_fixed", "shops", "schools", "hospitals", "risks", "housing_sales",
            "housing_medians", "apl_doctors", "incomes", "density_grid", "mobile_sites", "supply",
            "workplaces", "culture", "hubs", "french_communes", "fetched"} <= held  # fmt: skip
    times = territory.tables["travel_times"]
    assert set(times[times["destination"] == "airport"]["status"]) == {"unknown"}
    gaps = {gap.subject for gap in territory.catalog.gaps}
    assert "airport" in gaps
    assert gaps.isdisjoint({"hubs", "station"})
    assert not held & NEVER_GIVEN
    subjects = {gap.subject for gap in territory.catalog.gaps}
    assert {"climate", "practices"} <= subjects
    assert subjects.isdisjoint({"shops", "supply", "incomes", "mobile_sites", "apl"})
    doctors = territory.places[territory.places["kind"] == "doctor"]
    assert set(doctors["source_table"]) == {"supply"}
    assert set(doctors["position"]) == {"town_hall"}
    assert territory.minutes["doctor"].notna().all()
    share = territory.indicators["ftth_coverage_share"]
    assert share.between(0, 1).all()
    fetched = territory.tables["fetched"].set_index("table")
    assert fetched.at["shops", "url"] == BPE_URL
    assert fetched.at["shops", "sha256"] == hashlib.sha256(upstream.body(BPE_URL)).hexdigest()


def test_the_same_files_give_the_same_bytes(
    made: Path, upstream: Upstream, overpass_url: str, run: Run, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    downloads = len([one for one in upstream.heard if one.status == 200])
    assert run(*build(again, overpass_url, tmp_path)).code == 0
    assert Territory.load(again).release_id == Territory.load(made).release_id
    later = [one.status for one in upstream.heard if one.status == 200]
    assert len(later) == downloads, "what did not change is not sent again"


def test_the_service_serves_it(made: Path) -> None:
    with TestClient(create_app(Settings(release=made))) as client:
        page = client.get("/")
        assert page.status_code == 200
        assert "<title>Trouver son village · Lot</title>" in page.text
        assert "Gers" not in page.text
        village = client.get("/communes/46001").text
        assert "2 médecins généralistes comptés dans la commune (liste de 2025)" in village
        assert "2018" not in village.split('id="health"')[1].split("</section>")[0]
        for said in ("Antennes mobiles dans la commune au 31 mars 2026 : Free (1) et Orange (1).",
                     "Grille de densité de l’Insee (2025) : bourg rural (niveau 5 sur 7).",
                     "Niveau de vie médian : 21 500 € par an"):  # fmt: skip
            assert said in _plain(village), said
        assert "secret pour une commune si petite" in client.get("/communes/46002").text
        note = client.get("/api/v1/layers/doctor?lang=en").json()["note"]
        assert note == "Doctors counted by commune in 2025, placed at the town hall."
        for path in ("/communes/46002", "/table?show=station", "/planification?budget=300k"):
            assert client.get(path).status_code == 200, path
        sales = client.get("/fragments/communes/46001/housing").text
        assert "Prix médian des maisons vendues de 2021 à 2025" in sales
        village = client.get("/communes/46003", follow_redirects=True).text
        assert "(estimé pour 2025, " in village
        assert "Aucun médecin généraliste compté dans la commune (liste de 2025)." in village
        assert not re.search(r"2018|2022", page.text + sales.replace("2022</th>", "") + village)
        ranked = client.post(
            "/api/v1/matches",
            json={"profile": PRESETS["cultura-artist"].profile.as_dict(), "scope": "all"},
        )
        assert ranked.status_code == 200, ranked.text
        assert ranked.json()["results"]


def _plain(html: str) -> str:
    """Return a page with plain spaces and apostrophes as they are read."""
    return unescape(html).replace("\u00a0", " ").replace("\u202f", " ")


def test_a_source_that_fails_is_missing_and_spoils_no_other(
    made: Path, upstream: Upstream, overpass_url: str, run: Run, tmp_path: Path
) -> None:
    folder, before = made, Territory.load(made).release_id
    upstream.put(BPE_URL, HTML_PAGE, content_type="text/html")
    call = build(folder, overpass_url, tmp_path)
    refused = run(*call, "--strict")
    assert refused.code == 2
    assert "1 source gave nothing: bpe" in refused.err
    assert BPE_URL in refused.err
    refused = run(*call)
    assert refused.code == 2
    assert "  - shops: of 2025, " in refused.err, "the release that is there is the better one"
    assert "say --accept-loss" in refused.err
    assert Territory.load(folder).release_id == before
    done = run(*call, "--accept-loss")
    assert done.code == 0, done.err
    assert "lost shops: of 2025" in done.plain
    assert "missing bpe (shops, france_services, supply)" in done.plain
    territory = Territory.load(folder)
    assert "shops" not in territory.catalog
    assert {"shops", "france_services"} <= {gap.subject for gap in territory.catalog.gaps}
    assert territory.minutes["bakery"].isna().all()
    assert territory.minutes["primary_school"].notna().any()


@pytest.mark.usefixtures("made")
def test_what_people_give_wins_and_is_built_from_what_is_kept(
    upstream: Upstream, overpass_url: str, run: Run, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "partners.csv").write_text("insee_code,valid_from\n46002,2026-01-01\n", encoding="utf-8")
    (own / "hubs.csv").write_text(
        "kind,name,insee_code,lon,lat,note\nairport,Aérodrome,46002,1.15,43.03,\n", encoding="utf-8"
    )
    about = tmp_path / "mine.toml"
    about.write_text(
        'departement = "46"\n[names]\nthe_fr = "le Causse"\nin_fr = "sur le Causse"\n'
        'of_fr = "du Causse"\nthe_en = "the Causse"\n[network]\nname = "Causses Connectés"\n'
        "published_year = 2025\n",
        encoding="utf-8",
    )
    folder = tmp_path / "mine"
    call = build(folder, overpass_url, tmp_path)
    done = run(*call, "--offline", "--own", str(own), "--territory", str(about))
    assert done.code == 0, done.err
    assert not upstream.heard
    assert "missing" not in done.plain, "the map answers from the cache, too"
    territory = Territory.load(folder)
    assert territory.partner_evidence == {"46002": "sourced"}
    assert territory.about.names.in_fr == "sur le Causse"
    hubs = territory.tables["hubs"]
    assert (hubs["kind"] == "airport").sum() == 1
    assert (hubs["kind"] == "station").sum() > 0, "the source's, beside the airport given"
    gaps = ", ".join(gap.subject for gap in territory.catalog.gaps)
    assert gaps
    assert f"({gaps})" in done.plain
    assert "hubs: yours are airport (1); the source's are station" in done.plain
    assert re.search(rf"hubs +{len(hubs)} ", done.plain), "the airport given is counted"
    assert territory.catalog["hubs"].title_fr == "Gares de voyageurs et aéroports"
    assert "SNCF" in territory.catalog["hubs"].producer
    assert territory.catalog["hubs"].kinds_given == ("airport",)
    assert territory.catalog["hubs"].kinds_listed_whole == ("station",)
    assert territory.minutes[["station", "airport"]].notna().any().all()
    own_call = (*call, "--offline", "--own", str(own), "--territory", str(about))
    again = run(*own_call)
    assert again.code == 0, again.err
    assert Territory.load(folder).release_id == territory.release_id, "the same, asked again"
    kept = (own / "partners.csv").rename(tmp_path / "partners.csv")
    refused = run(*own_call)
    assert refused.code == 2
    assert "partners: it was given with --own, and no partners.csv is given now" in refused.err
    kept.rename(own / "partners.csv")
    (own / "moon.csv").write_text("a\n1\n", encoding="utf-8")
    refused = run(*build(tmp_path / "other", overpass_url, tmp_path), "--own", str(own))
    assert refused.code == 2
    assert "moon.csv is no source table" in refused.err
    (own / "partners.csv").write_text("insee_code,valid_from\n46002,x\n", encoding="utf-8")
    refused = run(*build(tmp_path / "other", overpass_url, tmp_path), "--own", str(own))
    assert "  - partners.csv line 2: valid_from 'x' is no date" in refused.err


def test_a_refresh_moves_ranks_says_so_and_is_gone_back_from(
    made: Path,
    upstream: Upstream,
    overpass_url: str,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = Territory.load(made).release_id
    cache = ("--cache", str(tmp_path / "cache"))
    status = run("--release", str(made), "data", "status", *cache, "--format", "json")
    rows = {row["table"]: row for row in json.loads(status.out)["tables"]}
    assert rows["broadband_fixed"]["upstream"] == "same"
    assert rows["shops"]["upstream"] == "same"
    shares = {**villages.TECHNOLOGY_SHARES, "46002": (0.1, 0.0, 0.0, 0.05)}
    monkeypatch.setattr(villages, "TECHNOLOGY_SHARES", shares)
    upstream.put(villages.BEST_URL, villages.best_csv())
    upstream.put(villages.LAND_URL, villages.land_csv(), content_type="text/csv")
    status = run("--release", str(made), "data", "status", *cache, "--format", "json")
    rows = {row["table"]: row for row in json.loads(status.out)["tables"]}
    assert rows["broadband_fixed"]["upstream"] == "newer"
    assert rows["shops"]["upstream"] == "same"
    place = ("--store", str(tmp_path / "store"))
    assert run("data", "publish", str(made), *place).code == 0
    mine = tmp_path / "mine.csv"
    mine.write_text("name,kind,insee_code\nLe Relais,fablab,46003\n", encoding="utf-8")
    asked = ("--with", "broadband_fixed", "--overpass-url", overpass_url, *cache, *place,
             "--workplaces", str(mine))  # fmt: skip
    refused = run("data", "refresh", *asked)
    assert "--with leaves places out" in refused.err
    asked = ("--with", "broadband_fixed,workplaces", *asked[2:])
    done = run("data", "refresh", *asked)
    assert done.code == 0, done.err
    assert "broadband_fixed" in done.plain
    assert "makes the network" not in done.plain, "a reach that stays is no news"
    again = run("data", "refresh", "--with", "broadband_fixed", *cache, *place)
    assert again.code == 0, again.err
    assert "nothing is new" in again.plain
    assert "rollback" not in again.plain
    assert f"geo-matcher data rollback --store {tmp_path / 'store'}" in done.out.replace("\n", "")
    moved = re.search(r"Belpech-sur-Lère: (\d) → (\d), -\d+\.\d points: ([^;]*); ", done.plain)
    assert moved is not None, done.plain
    assert moved[1] != moved[2], "who moved"
    assert re.search(r"ftth_coverage_share -\d+\.\d \(70% → 10%\)", moved[3]), "and why"
    store = ReleaseStore(tmp_path / "store")
    assert store.current != before
    after = Territory.load(store.folder)
    assert after.indicators["ftth_coverage_share"]["46002"] < 0.2
    assert after.tables["shops"].equals(Territory.load(made).tables["shops"])
    told = run("data", "diff", before, after.release_id, *place)
    assert told.code == 0, told.err
    assert moved[0] in told.plain, "the same, asked again"
    work = after.tables["workplaces"].set_index("name")
    assert work.at["Le Relais", "status"] == "named by the network"
    assert after.catalog["workplaces"].credit_en.startswith("Network ; © OpenStreetMap")
    seen = run("data", "diff", before, after.release_id, *place)
    assert seen.code == 0, seen.err
    assert "Belpech-sur-Lère" in seen.plain, "towns are those of the store, not of what is served"
    assert run("data", "rollback", *place).code == 0
    assert store.current == before


def test_status_says_why_nobody_can_be_asked_as_a_build_does(
    made: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("") from socket.gaierror(socket.EAI_NONAME, "Name not known")

    fetcher = partial(Fetcher, transport=httpx.MockTransport(nameless))
    monkeypatch.setattr(fetching, "Fetcher", fetcher)
    told = run("--release", str(made), "data", "status", "--cache", str(tmp_path / "cache"))
    assert told.code == 0, told.err
    words = " ".join(told.plain.partition("Unreachable: ")[2].split())
    assert "cannot be reached: no internet here, or" in words
    assert "is unknown (Name not known). Check the connection, or the proxy." in words


def test_an_edition_at_another_address_is_told_and_only_when_it_is_out(
    made: Path, upstream: Upstream, tmp_path: Path
) -> None:
    today = dt.date(2027, 2, 1)
    territory = Territory.load(made)

    def newer() -> set[str]:
        with Fetcher(tmp_path, transport=upstream.transport(), limits=LIMITS) as fetch:
            rows = freshness(territory, today, fetch)
        assert {row.upstream for row in rows} <= {"same", "newer", "not asked"}
        return {row.table for row in rows if row.upstream == "newer"}

    assert newer() == set()
    rents = [url.replace("en-2025", "en-2026") for url in RENT_URLS.values()]
    radon = RADON_URL.replace("20190506", "20270115")
    for url in (mobile_sites_url(2026, 2), bpe_url(2026), density_url(2027), filosofi_url(2025),
                sales_url(2026, DEPARTEMENT), contours_url(2027), radon, *rents):  # fmt: skip
        upstream.put(url, b"a file", content_type="application/octet-stream")
    for page, urls in ((dhup._page(2026), rents), (RADON_PAGE, [radon])):
        listed = json.dumps({"resources": [{"url": url} for url in urls]}).encode()
        upstream.put(listing_url(page), listed, content_type="application/json")
    assert newer() == {
        "mobile_sites", "shops", "france_services", "supply", "density_grid", "incomes",
        "housing_sales", "housing_medians", "communes_source", "town_halls", "adjacency", "risks",
        "housing_prices_rents",
    }  # fmt: skip
    upstream.put(bpe_url(2026), HTML_PAGE, content_type="text/html; charset=utf-8")
    assert "shops" not in newer(), "a page that says it is not there"
    upstream.plan(bpe_url(2026), *[Fault(status=500)] * 6)
    with Fetcher(tmp_path, transport=upstream.transport(), limits=LIMITS) as fetch:
        rows = {row.table: row.upstream for row in freshness(territory, today, fetch)}
    assert "unreachable" in {rows[name] for name in ("shops", "france_services", "supply")}


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda body: body.replace(b"elig_ftth", b"elig_fibre"), "elig_ftth"),
        (lambda body: body.replace(b";2026-06-30", b";2019-06-30"), "2019"),
        (lambda _: HTML_PAGE, "HTML"),
    ],
)
def test_a_broken_file_leaves_the_release_in_service(
    made: Path,
    upstream: Upstream,
    overpass_url: str,
    run: Run,
    tmp_path: Path,
    spoil: object,
    told: str,
) -> None:
    assert callable(spoil)
    upstream.put(villages.BEST_URL, spoil(upstream.body(villages.BEST_URL)))
    place = ("--store", str(tmp_path / "store"))
    assert run("data", "publish", str(made), *place).code == 0
    store = ReleaseStore(tmp_path / "store")
    before = store.current
    asked = ("--with", "broadband", "--overpass-url", overpass_url)
    cache = ("--cache", str(tmp_path / "cache"))
    done = run("--release", str(store.folder), "data", "refresh", *asked, *cache, *place)
    assert done.code == 2
    assert told in done.plain + done.err
    assert "commune_meilleure_techno_thd.csv" in done.plain + done.err
    assert "Traceback" not in done.err
    assert store.current == before
    assert Territory.load(store.folder).release_id == before


def test_an_answer_that_is_cut_off_goes_on_where_it_stopped(
    upstream: Upstream, overpass_url: str, run: Run, tmp_path: Path
) -> None:
    upstream.plan(BPE_URL, Fault(cut=200))
    assert run(*build(tmp_path / "release", overpass_url, tmp_path), "--strict").code == 0
    asked = [one.headers.get("Range") for one in upstream.asked(BPE_URL)]
    assert asked[0] is None
    assert asked[1] == "bytes=200-"


def test_a_refresh_renews_what_is_in_service_and_keeps_what_people_gave(
    made: Path, upstream: Upstream, overpass_url: str, run: Run, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    shutil.copyfile(made / "source" / "schools.csv", own / "schools.csv")
    folder = tmp_path / "mine"
    call = build(folder, overpass_url, tmp_path)
    assert run(*call, "--own", str(own)).code == 0
    place = ("--store", str(tmp_path / "store"))
    assert run("data", "publish", str(folder), *place).code == 0
    mend = ("data", "correct", "--commune", "46002", "--table", "communes", "--column",
            "town_hall_phone", "--value", "05 65 00 00 00", "--who", "La mairie",
            "--reason", "new number", "--source", "letter of the mairie", "--yes")  # fmt: skip
    corrected = run("--release", str(tmp_path / "store"), *mend)
    assert corrected.code == 0, corrected.err
    upstream.put(BPE_URL, HTML_PAGE, content_type="text/html")
    asked = ("data", "refresh", "--overpass-url", overpass_url, "--cache", str(tmp_path / "cache"))
    done = run("--release", str(folder), *asked, *place)  # the folder knows of no correction
    assert done.code == 0, done.err
    assert "Kept as they were given: schools" in done.plain
    after = Territory.load(tmp_path / "store")
    assert after.communes.at["46002", "town_hall_phone"] == "05 65 00 00 00"
    assert after.catalog["schools"].producer == "given for this service"
    assert after.tables["shops"].equals(Territory.load(made).tables["shops"]), "what failed stays"
    work = after.tables["workplaces"]
    assert set(work["status"]) == {"mapped, to be confirmed"}, "the map is no list of the network"
    lost = run(*call, "--offline")
    assert lost.code == 2
    assert "schools: it was given with --own" in lost.err
    kept = run(*build(tmp_path / "store" / "releases" / after.release_id, overpass_url, tmp_path))
    assert kept.code == 2
    assert "is a release of a store" in kept.err


def merge(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let 46005 be a part of 46004 from now on; outlines still have both."""
    whole = next(v for v in villages.VILLAGES if v.code == "46005")
    rest = tuple(v for v in villages.VILLAGES if v.code != "46005")
    monkeypatch.setattr(villages, "VILLAGES", rest)
    monkeypatch.setattr(villages, "FORMER", {**villages.FORMER, "46005": "46004"})
    contours = villages.contours_geojson_gz({"46005": whole.square})
    contacts = upstream.body(CONTACTS_URL)
    villages.put_villages(upstream)
    upstream.put(contours_url(villages.YEAR), contours)
    upstream.put(
        CONTACTS_URL,
        contacts.replace(b"05 00 00 00 01", b"05 00 00 00 02"),
        content_type="application/json; charset=utf-8",
    )


def test_new_communes_are_taken_and_corrections_stay(
    made: Path,
    upstream: Upstream,
    overpass_url: str,
    run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = tmp_path / "store"
    assert run("data", "publish", str(made), "--store", str(store)).code == 0
    mend = ("data", "correct", "--commune", "46002", "--column", "town_hall_phone", "--value",
            "05 65 00 00 00", "--who", "La mairie", "--reason", "new number",
            "--source", "letter of the mairie", "--yes")  # fmt: skip
    assert run("--release", str(store), *mend).code == 0
    merge(upstream, monkeypatch)
    asked = ("data", "refresh", "--overpass-url", overpass_url, "--cache", str(tmp_path / "cache"))
    done = run("--release", str(store), *asked, "--with", "communes")
    assert done.code == 0, done.err
    assert "The communes have changed: every source is asked" in done.plain
    after = Territory.load(store)
    assert after.codes == ("46001", "46002", "46003", "46004", "46006")
    assert after.catalog.communes == 5
    joined = after.communes.to_crs(2154).area["46004"] / 1e6
    assert joined == pytest.approx(2 * Territory.load(made).communes.at["46005", "area_km2"], 0.01)
    assert after.communes.at["46002", "town_hall_phone"] == "05 65 00 00 00", "the correction"
    assert after.communes.at["46001", "town_hall_phone"] == "05 00 00 00 02", "the directory's"
    assert "newly ranked" not in done.plain
    assert re.search(r"Îlot-Saint-Cirq: \d → not ranked, not in the other release", done.plain)


def test_contacts_stay_where_the_directory_fails(
    made: Path, upstream: Upstream, run: Run, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    assert run("data", "publish", str(made), "--store", str(store)).code == 0
    upstream.put(CONTACTS_URL, HTML_PAGE, content_type="text/html")
    asked = ("data", "refresh", "--with", "contacts", "--cache", str(tmp_path / "cache"))
    done = run("--release", str(store), *asked)
    assert done.code == 0, done.err
    assert "The directory of town halls gave nothing: contacts stay as they were." in done.plain
    assert Territory.load(store).communes.at["46001", "town_hall_phone"] == "05 00 00 00 01"
    assert (
        "Contacts of the release before" in Territory.load(store).catalog["communes_source"].note_en
    )


def test_a_damaged_file_and_a_map_that_refuses_spoil_no_other_source(
    upstream: Upstream, run: Run, tmp_path: Path
) -> None:
    url = sales_url(2025, DEPARTEMENT)
    body = bytearray(upstream.body(url))
    body[12:40] = b"\xff" * 28
    upstream.put(url, bytes(body))
    with overpass_server(Reply(status=400, body=b"no")) as refusing:
        done = run(*build(tmp_path / "release", refusing.url, tmp_path))
    assert done.code == 0, done.err
    assert "missing places (workplaces, culture): The map service" in done.plain
    territory = Territory.load(tmp_path / "release")
    assert {"workplaces", "culture"} <= {gap.subject for gap in territory.catalog.gaps}
    assert territory.minutes[["cinema", "coworking", "airport"]].isna().all(axis=None)
    assert "missing sales (housing_sales, housing_medians)" in done.plain
    assert "cut off or damaged" in done.plain


def test_what_people_give_and_cannot_be_used_is_refused_before_the_sources(
    upstream: Upstream, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "work.csv"
    call = (*build(tmp_path / "release", "http://nobody.invalid", tmp_path), "--workplaces")
    head = b"name,kind,insee_code\n"
    for content, told in (
        (None, "cannot be read (No such file or directory)"),
        (b"name,kind\nLa Ruche,coworking\n", "has no column insee_code"),
        (head + "Café,coworking,46002\n".encode("cp1252"), "byte 25 is no UTF-8"),
        (head + b"La Ruche,office,46002\n", "line 2, column kind: 'office' is none of coworking"),
    ):
        if content is not None:
            path.write_bytes(content)
        refused = run(*call, str(path))
        assert (refused.code, len(upstream.heard)) == (2, 0), told
        assert told in refused.err
    about = tmp_path / "lot.toml"
    text = (
        'departement = "46"\n[names]\nthe_fr = "l"\nin_fr = "l"\nof_fr = "l"\nthe_en = "l"\n'
        '[[town]]\nkey = "puyrouge"\ninsee_code = "82009"\nname = "Puyrouge"\n'
    )
    about.write_text(text, encoding="utf-8")
    refused = run(*call[:-1], "--territory", str(about))
    assert refused.code == 2
    assert "lot.toml, town 'puyrouge': 82009 is no commune within 80 km" in refused.err
    about.write_text(text + text[text.index("[[") :].replace("82009", "82008").replace(
        "puyrouge", "auberge").replace("Puyrouge", "Auberge"), encoding="utf-8")  # fmt: skip
    refused = run(*call[:-1], "--territory", str(about))
    assert refused.err.splitlines() == [
        "geo-matcher: The towns cannot be used:",
        "  - lot.toml, town 'puyrouge': 82009 is no commune within 80 km",
        "  - lot.toml, town 'auberge': 82008 is no commune within 80 km",
        "Correct the insee_code, or leave the town out.",
    ]
    path.write_bytes(head + b"La Ruche,coworking,01001\n")
    refused = run(*call, str(path))
    assert refused.code == 2
    assert "line 2, column insee_code: '01001' is no commune" in refused.err
    assert not upstream.asked(BPE_URL), "the communes alone were asked for"
    assert not (tmp_path / "release").exists()


def test_options_without_sense_are_refused(run: Run, tmp_path: Path) -> None:
    refused = run("data", "build", "--output", str(tmp_path / "x"))
    assert refused.code == 2
    assert "--output says something only with --departement" in refused.err
    refused = run("data", "build", "--departement", "46", "--with", "moon")
    assert refused.code == 2
    assert "No source is called 'moon'" in refused.err
    refused = run("data", "build", "--departement", "46", "--with", "roads", "--roads", "none")
    assert refused.code == 2
    assert "--with names roads and --roads says none" in refused.err
    refused = run("data", "refresh", "--with", "shops", "--outlines", "x.gpkg",
                  "--store", str(tmp_path / "none"))  # fmt: skip
    assert refused.code == 2
    assert "--outlines says something only with --with communes" in refused.err


@pytest.mark.usefixtures("upstream")
def test_roads_are_a_source_like_others(
    made: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What people write: ``--with roads,shops`` asks for the roads of OpenStreetMap, too."""
    monkeypatch.setattr("geo_matcher.sources.openstreetmap.download_roads", refuse_roads)
    folder, cache = tmp_path / "x", ("--cache", str(tmp_path / "cache"))
    refused = run("data", "build", "--departement", "46", "--output", str(folder), *cache,
                  "--with", "roads,shops")  # fmt: skip
    assert refused.code == 2
    assert "these are the roads that were asked for" in refused.err
    assert not folder.exists()
    monkeypatch.setattr("geo_matcher.sources.openstreetmap.download_roads", invented_roads)
    store = tmp_path / "store"
    assert run("data", "publish", str(made), "--store", str(store)).code == 0
    done = run("--release", str(store), "data", "refresh", *cache, "--with", "roads")
    assert done.code == 0, done.err
    assert "times on town_halls → roads" in done.plain
    assert Territory.load(store).parameters["travel_times"]["network"] == "roads"


def refuse_roads(*_: object) -> None:
    raise SourceError("these are the roads that were asked for")


def invented_roads(area: shapely.Polygon, _: object) -> Download:
    bounds = gpd.GeoSeries([area], crs=4326).to_crs(2154).total_bounds
    west, south, east, north = (float(side) for side in bounds)
    roads = rural_roads(600, (west, south, east, north), seed=1)
    return Download(roads, area, "2026-06-01", "invented for a test")
