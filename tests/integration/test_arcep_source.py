"""Fixed internet, copper and mobile sites of an invented département, from files served here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from geo_matcher import clock
from geo_matcher.errors import AbsentFileError, SourceError
from geo_matcher.schemas import BEST_TECHNOLOGY, SCHEMAS
from geo_matcher.sources.arcep import BROADBAND, CARTEFIBRE_URL, MOBILE, mobile_sites_url
from geo_matcher.sources.communes import area_of
from geo_matcher.sources.economie import COPPER_ABOUT_URL, COPPER_URL
from geo_matcher.sources.fetching import Fetcher, Limits
from geo_matcher.sources.municipal_districts import districts_of, whole_city
from geo_matcher.sources.source import Area, Source, SourceTable
from geo_matcher.tables import is_sound
from tests.integration.upstream import villages
from tests.integration.upstream.server import HTML_PAGE, Fault, Upstream, upstream_server

Collect = Callable[[Source], SourceTable]


@pytest.fixture(scope="module")
def area(tmp_path_factory: pytest.TempPathFactory) -> Area:
    with upstream_server() as server:
        villages.put_villages(server)
        cache = tmp_path_factory.mktemp("communes")
        with Fetcher(cache, transport=server.transport()) as fetch:
            return area_of(fetch, villages.DEPARTEMENT, year=villages.YEAR)[0]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with upstream_server() as server:
        villages.put_villages(server)
        yield server


@pytest.fixture
def collect(
    upstream: Upstream, area: Area, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Collect:
    monkeypatch.setattr(clock, "today", lambda: dt.date(2026, 11, 26))

    def table(source: Source) -> SourceTable:
        limits = Limits(tries=1, backoff_s=0.01)
        with Fetcher(tmp_path, transport=upstream.transport(), limits=limits) as fetch:
            (found,) = source.collect(fetch, area)
        assert (found.name,) == source.tables
        assert is_sound(SCHEMAS[found.name], found.frame)
        return found

    return table


# --- Fixed internet --------------------------------------------------------------------------


def test_fixed_internet_of_each_commune(collect: Collect) -> None:
    table = collect(BROADBAND)
    frame = table.frame.set_index("insee_code")
    assert frame.index.tolist() == [village.code for village in villages.OWN]
    assert table.origin.vintage == "2026-06-30"
    assert "Cartefibre (2026 T2)" in table.origin.credit_en
    assert "schedule of 2025-10-20" in table.origin.note_en
    assert table.origin.licence == "Licence Ouverte 2.0 (Cartefibre : 1.0)"
    assert (frame[list(BEST_TECHNOLOGY)].sum(axis=1) == frame["mci_premises"]).all()
    first = frame.loc["46001"]
    assert first["mci_premises"] == 240
    assert first["mci_best_ftth"] == 216
    assert first["mci_best_copper_8mbit_or_more"] == 12 + 7  # two columns of the file
    assert first["mci_land_30mbit"] == 240 - 1 - 7  # without satellite, and without slow copper
    assert first["cartefibre_premises"] == 245  # 244.8
    cable = frame.loc["46002"]
    assert cable["mci_land_1gbit"] == cable["mci_best_ftth"] + cable["mci_best_cable"] == 810


def test_former_communes_are_added_up(collect: Collect) -> None:
    frame = collect(BROADBAND).frame.set_index("insee_code")
    columns = ["cartefibre_premises", "cartefibre_ftth_premises_passed"]
    assert list(frame.loc["46006", columns]) == [400 + 120, 300 + 40]


def test_copper_closes_on_the_first_day_that_counts(collect: Collect) -> None:
    closes = collect(BROADBAND).frame.set_index("insee_code")["copper_closure_date"]
    assert closes.to_dict() == {
        "46001": "2029-01-31",
        "46002": "2027-05-31",  # the earlier of two
        "46003": "2025-01-31",  # closed already
        "46004": "",  # a date, but the sentence says that nothing is planned
        "46005": "",
        "46006": "2027-01-31",  # that of the commune it took in
    }


def test_the_ministry_need_not_say_from_when_its_schedule_is(
    upstream: Upstream, collect: Collect
) -> None:
    upstream.put(COPPER_ABOUT_URL, b"{}", content_type="application/json")
    assert "schedule of 2026-11-26" in collect(BROADBAND).origin.note_en


def test_an_edition_with_the_old_name_of_fixed_4g(upstream: Upstream, collect: Collect) -> None:
    expected = collect(BROADBAND).frame
    upstream.put(villages.BEST_URL, villages.best_csv().replace(b"elig_4gf", b"elig_4fg"))
    pd.testing.assert_frame_equal(collect(BROADBAND).frame, expected)


def test_cartefibre_of_the_same_quarter_is_taken_or_else_the_newest(
    upstream: Upstream, collect: Collect
) -> None:
    titles = ["2026T3-Commune", "2026T2-Commune"]
    upstream.put(CARTEFIBRE_URL, villages.cartefibre_json(titles), content_type="application/json")
    assert "Cartefibre (2026 T2)" in collect(BROADBAND).origin.credit_en
    titles = ["2025T4-Commune", "2026T1-Commune"]
    upstream.put(CARTEFIBRE_URL, villages.cartefibre_json(titles), content_type="application/json")
    older = villages.CARTEFIBRE_ZIP_URL.replace("2026t2", "2026t1")
    upstream.put(older, villages.cartefibre_zip())
    assert "Cartefibre (2026 T1)" in collect(BROADBAND).origin.credit_en


def _with(content: bytes, old: str, new: str, encoding: str = "utf-8") -> bytes:
    assert old.encode(encoding) in content
    return content.replace(old.encode(encoding), new.encode(encoding))


BEST, LAND = villages.best_csv(), villages.land_csv()


@pytest.mark.parametrize(
    ("url", "body", "told"),
    [
        (villages.BEST_URL, _with(BEST, "elig_sat", "elig_satellite"),
         "line 1: the column 'elig_sat' is missing; near names: elig_satellite"),
        (villages.BEST_URL, _with(BEST, "46001;Aubaleyrac;46;76;240", "46001;Aubaleyrac;46;76;n/a"),
         "line 10, column 'nbr': 'n/a' is no whole number"),
        (villages.BEST_URL, _with(BEST, ";all;", ";pro;"), "column 'type' holds pro"),
        (villages.BEST_URL, BEST.replace(b"\n4600", b"\n4700"),
         r"6 of the 6 communes of 46 are not in it, the first being 46001"),
        (villages.BEST_URL, _with(BEST, "46;76;240;all;240;216", "46;76;240;all;240;217"),
         r"the premises by best technology do not add up to nbr in 1 communes \(46001\)"),
        (villages.BEST_URL, villages.best_csv("2025-06-30"),
         r"meilleure_techno_thd\.csv is of 2025-06-30, commune_debit_terrestre\.csv of 2026-06-30"),
        (villages.LAND_URL,
         _with(LAND, "all;0;240;240;239;232;216;216", "all;0;240;240;239;90;216;0"),
         "elig_thd30 is below elig_thd100.*elig_thd1g is not between fibre and fibre with cable"),
        (villages.LAND_URL, _with(LAND, "76;240;all;0;240", "76;240;all;1;240"),
         "inel_hd and elig_hd05 do not add up"),
        (CARTEFIBRE_URL, villages.cartefibre_json(["2026T2-Communes (shp)"]),
         r"lists no file titled like 2026T2-Commune \(found 2026T2-Immeuble"),
        (CARTEFIBRE_URL, b"[]", "is no list of files"),
        (villages.CARTEFIBRE_ZIP_URL,
         villages.cartefibre_zip(("INSEE_COM", "NOM_COM", "NbLocaux", "ftth")),
         "the column 'Locaux' is missing; near names: NbLocaux"),
        (COPPER_URL, b"code_insee;fermeture_technique;output_usager\n75056;;x\n",
         "no row of .* is about a commune of 46"),
        (COPPER_URL, _with(villages.copper_csv(), "2029-01-31", "31/01/2029"),
         "line 2, column 'fermeture_technique': '31/01/2029' is no day"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_told(
    upstream: Upstream, collect: Collect, url: str, body: bytes, told: str
) -> None:
    kind = "application/json" if url == CARTEFIBRE_URL else ""
    upstream.put(
        url, body, content_type=kind or ("application/zip" if "zip" in url else "text/csv")
    )
    with pytest.raises(SourceError, match=told):
        collect(BROADBAND)


def test_a_file_of_two_quarters_is_refused(upstream: Upstream, collect: Collect) -> None:
    lines = BEST.split(b"\r\n")
    first = next(n for n, line in enumerate(lines) if line.startswith(b"46001;"))
    lines[first] = lines[first].replace(b"2026-06-30", b"2026-03-31")
    upstream.put(villages.BEST_URL, b"\r\n".join(lines))
    with pytest.raises(SourceError, match="'date' holds 2 days: 2026-03-31, 2026-06-30"):
        collect(BROADBAND)


def _without(content: bytes, code: str) -> bytes:
    lines = content.split(b"\n")
    kept = [line for line in lines if not line.startswith(f"{code};".encode())]
    assert len(kept) == len(lines) - 1
    return b"\n".join(kept)


def test_a_commune_that_no_count_knows_is_missing_alone(
    upstream: Upstream, collect: Collect
) -> None:
    upstream.put(villages.LAND_URL, _without(LAND, "46005"))
    table = collect(BROADBAND)
    assert table.frame["insee_code"].tolist() == ["46001", "46002", "46003", "46004", "46006"]
    assert "Îlot-Saint-Cirq (46005)" in table.origin.note_fr
    assert "whose line is missing: Îlot-Saint-Cirq (46005)." in table.origin.note_en


def test_a_commune_that_only_cartefibre_ignores_keeps_its_line(
    upstream: Upstream, collect: Collect
) -> None:
    rows = [(v.code, v.name, v.premises * 1.0, 0.0) for v in villages.OWN if v.code != "46004"]
    upstream.put(villages.CARTEFIBRE_ZIP_URL, villages.cartefibre_zip(rows=rows))
    table = collect(BROADBAND)
    frame = table.frame.set_index("insee_code")
    assert frame.loc["46004", "mci_premises"] == 350
    columns = ["cartefibre_premises", "cartefibre_ftth_premises_passed"]
    assert frame[columns].isna().all(axis=1).tolist() == [code == "46004" for code in frame.index]
    assert "second count is missing: L'Estèle (46004)." in table.origin.note_en


def test_the_counts_of_communes_that_have_merged_since_are_added_up(
    upstream: Upstream, collect: Collect, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = collect(BROADBAND).frame
    parts = [
        replace(v, code=code, premises=premises)
        for v in villages.VILLAGES
        for code, premises in (
            # Neither is the seat: the file is of before the merger.
            (("46106", 400), ("46206", 120)) if v.code == "46006" else ((v.code, v.premises),)
        )
    ]
    monkeypatch.setattr(villages, "VILLAGES", tuple(parts))
    upstream.put(villages.BEST_URL, villages.best_csv())
    upstream.put(villages.LAND_URL, villages.land_csv())
    found = collect(BROADBAND)
    assert found.frame["insee_code"].tolist() == expected["insee_code"].tolist()
    joined = found.frame.set_index("insee_code").loc["46006"]
    assert (joined["mci_premises"], joined["mci_best_ftth"]) == (520, 320 + 96)
    assert "missing" not in found.origin.note_en


def test_a_page_of_maintenance_is_no_table(upstream: Upstream, collect: Collect) -> None:
    upstream.plan(villages.LAND_URL, Fault(instead=HTML_PAGE, content_type="text/html"))
    with pytest.raises(SourceError, match="answered with text/html"):
        collect(BROADBAND)


def test_districts_belong_to_their_city() -> None:
    assert {whole_city(code) for code in ("75101", "75120")} == {"75056"}
    assert (whole_city("69389"), whole_city("13216"), whole_city("46001")) == (
        "69123", "13055", "46001",
    )  # fmt: skip
    assert [len(districts_of(code)) for code in ("75056", "69123", "13055", "46001")] == [
        20, 9, 16, 0,
    ]  # fmt: skip


# --- Mobile sites ----------------------------------------------------------------------------


@pytest.mark.parametrize("decimal", [",", "."])
def test_mobile_sites(upstream: Upstream, collect: Collect, decimal: str) -> None:
    upstream.put(mobile_sites_url(2026, 1), villages.sites_csv(decimal))
    table = collect(MOBILE)
    assert table.origin.vintage == "2026-03-31"
    frame = table.frame.set_index("site")
    assert sorted(frame.index) == ["A1", "B1", "C1", "C2"]  # D1 is beyond the département
    assert frame.loc["C1", "insee_code"] == "46006"
    assert frame.loc["C1", "operator"] == "sfr"
    assert frame.loc["C1", "is_white_zone"] == 1
    assert list(frame.loc["C2", ["has_2g", "has_4g", "is_targeted_coverage"]]) == [0, 1, 1]
    assert frame["lon"].between(1.3, 1.6).all()
    assert frame["lat"].between(44.5, 44.8).all()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("20801;Opérateur;A1", "20899;Opérateur;A1", r"1 sites have an unknown code_op \(A1\)"),
        ("20815;Opérateur;B1", "20801;Opérateur;A1", r"the same num_site .* \(A1\)"),
        (";1;1;1;0;0;0", ";1;1;1;0;7;0", "other than 0 or 1 in a column of yes or no"),
        (";44,6", ";4,6", "a position outside France"),
        ("site_ZB", "site_zone_blanche", "the column 'site_ZB' is missing"),
    ],
)
def test_mobile_sites_that_are_wrong(
    upstream: Upstream, collect: Collect, old: str, new: str, told: str
) -> None:
    upstream.put(mobile_sites_url(2026, 1), _with(villages.sites_csv(), old, new))
    with pytest.raises(SourceError, match=told):
        collect(MOBILE)


@pytest.mark.usefixtures("collect")
def test_offline_takes_the_newest_list_of_sites_that_is_kept(
    upstream: Upstream, area: Area, tmp_path: Path
) -> None:
    with Fetcher(tmp_path, transport=upstream.transport()) as fetch:
        (online,) = MOBILE.collect(fetch, area)
    asked = len(upstream.heard)
    with Fetcher(tmp_path, transport=upstream.transport(), is_offline=True) as fetch:
        (kept,) = MOBILE.collect(fetch, area)
    assert kept.frame.equals(online.frame)
    with (
        Fetcher(tmp_path / "empty", is_offline=True) as fetch,
        pytest.raises(AbsentFileError, match="nothing is downloaded offline"),
    ):
        MOBILE.collect(fetch, area)
    assert len(upstream.heard) == asked


def test_no_list_of_sites_for_long(upstream: Upstream, collect: Collect) -> None:
    upstream.gone(mobile_sites_url(2026, 1))
    with pytest.raises(
        AbsentFileError, match="Mon réseau mobile: no edition of 2026-12-31, 2026-09-30"
    ):
        collect(MOBILE)
    asked = [one.url.rsplit("/", 1)[-1][:7] for one in upstream.heard]
    assert asked[-6:] == ["2026_T4", "2026_T3", "2026_T2", "2026_T1", "2025_T4", "2025_T3"]
