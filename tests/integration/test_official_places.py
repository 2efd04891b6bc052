"""Facilities, housing, schools, health, stations and risks: what each source gives and refuses."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest

from geo_matcher.catalog import Catalog
from geo_matcher.errors import SourceError
from geo_matcher.gathering import Gathered, gather
from geo_matcher.schemas import SCHEMAS
from geo_matcher.sources import (
    density_grid,
    dgfip,
    dhup,
    drees,
    editions,
    education,
    filosofi,
    finess,
    georisques,
    insee,
    sncf,
)
from geo_matcher.sources.source import Fetched, Source, SourceTable
from geo_matcher.tables import is_sound
from tests.integration.upstream.lomagnol import (
    APL,
    BPE,
    DENSITY,
    FILOSOFI,
    FINESS,
    FLAT_RENTS,
    FORMER,
    GASPAR,
    HOUSE_RENTS,
    OFFICIAL,
    RADON,
    SALES,
    SCHOOLS,
    STATIONS,
    Kept,
    lomagnol,
    rezipped,
    workbook,
    zipped,
)

AREA = lomagnol()
BUILT_IN = dt.date(2026, 11, 26)
SOURCES = (
    insee.SOURCE,
    filosofi.SOURCE,
    density_grid.SOURCE,
    dhup.SOURCE,
    dgfip.SOURCE,
    education.SOURCE,
    finess.SOURCE,
    drees.SOURCE,
    sncf.SOURCE,
    georisques.SOURCE,
)


def collected(source: Source, folder: Path, **other: bytes) -> dict[str, SourceTable]:
    """Return the tables of a source, some official files being others (by their address)."""
    return {
        table.name: table for table in source.collect(Kept(folder, {**OFFICIAL, **other}), AREA)
    }


@pytest.fixture(autouse=True)
def _in_2026(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editions, "today", lambda: BUILT_IN)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_every_table_fits_its_schema_and_says_where_it_comes_from(
    source: Source, tmp_path: Path
) -> None:
    tables = collected(source, tmp_path)
    assert set(tables) == set(source.tables)
    for table in tables.values():
        assert list(table.frame) == list(SCHEMAS[table.name].columns)
        assert is_sound(SCHEMAS[table.name], table.frame), table.frame.dtypes
        assert len(table.frame)
        told = table.origin
        assert told.vintage[:2] == "20"
        assert told.licence.startswith(("Licence Ouverte ", "ODbL 1.0"))
        for words in (told.note_fr, told.note_en, told.credit_fr, told.credit_en):
            assert words.strip()
        assert table.files
        assert all(file.path.is_file() for file in table.files)


def test_a_licence_is_the_one_that_the_producer_names(tmp_path: Path) -> None:
    hospitals = collected(finess.SOURCE, tmp_path)["hospitals"].origin
    assert hospitals.licence == "Licence Ouverte 1.0"
    assert "etalab.gouv.fr" in hospitals.licence_url
    rents = collected(dhup.SOURCE, tmp_path)["housing_prices_rents"].origin
    assert "does not specify the licence" in rents.note_en
    assert "ne précise pas la licence" in rents.note_fr


NEWER_RENTS = tuple(
    url.replace("en-2025/20251211", "en-2026/20261210") for url in dhup.RENT_URLS.values()
)
NEWER_RADON = georisques.RADON_URL.replace("20190506", "20260302")


def listing(*urls: str) -> bytes:
    """Return what data.gouv.fr says of the files of a page."""
    return json.dumps({"resources": [{"title": url[-9:], "url": url} for url in urls]}).encode()


def test_the_newest_edition_is_taken_wherever_it_stands(tmp_path: Path) -> None:
    newer = {
        density_grid.density_url(2026): DENSITY,
        insee.bpe_url(2026): b"of codes that are not known yet",
        editions.listing_url(dhup._page(2026)): listing("https://x.test/doc.pdf", *NEWER_RENTS),
        **dict(zip(NEWER_RENTS, (FLAT_RENTS, HOUSE_RENTS), strict=True)),
        editions.listing_url(georisques.RADON_PAGE): listing(georisques.RADON_URL, NEWER_RADON),
        NEWER_RADON: RADON,
    }
    density = collected(density_grid.SOURCE, tmp_path, **newer)["density_grid"]
    assert (density.origin.vintage, set(density.frame["year"])) == ("2026", {2026})
    assert collected(insee.SOURCE, tmp_path, **newer)["shops"].origin.vintage == "2025"
    rents = collected(dhup.SOURCE, tmp_path, **newer)["housing_prices_rents"]
    assert rents.origin.vintage == "2026"
    assert rents.origin.url.endswith("-en-2026")
    assert tuple(file.url for file in rents.files) == NEWER_RENTS
    risks = collected(georisques.SOURCE, tmp_path, **newer)["risks"]
    assert risks.origin.credit_en.endswith("radon, 2026")
    assert NEWER_RADON in {file.url for file in risks.files}


def test_incomes_of_a_year_to_come_and_of_the_years_before_are_read(tmp_path: Path) -> None:
    later = rezipped(FILOSOFI, "DS_FILOSOFI_CC_2023_data", "2023", "2025")
    incomes = collected(filosofi.SOURCE, tmp_path, **{filosofi.filosofi_url(2025): later})
    assert incomes["incomes"].origin.vintage == "2025"
    old = zipped({"DS_FILOSOFI_CC_data.csv": _member(FILOSOFI).replace(b"2023", b"2021")})
    (url,) = filosofi.KNOWN[-1].urls
    (table,) = filosofi.SOURCE.collect(Kept(tmp_path, {url: old}), AREA)
    assert table.origin.vintage == "2021"
    assert table.origin.url.endswith("7756729")


def _member(body: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return archive.read("DS_FILOSOFI_CC_2023_data.csv")


def test_a_page_that_lists_nothing_yet_leaves_the_year_before(tmp_path: Path) -> None:
    empty = {editions.listing_url(dhup._page(2026)): listing(NEWER_RENTS[0])}
    rents = collected(dhup.SOURCE, tmp_path, **empty)["housing_prices_rents"]
    assert rents.origin.vintage == "2025"
    broken = {editions.listing_url(dhup._page(2026)): b"[]"}
    rents = collected(dhup.SOURCE, tmp_path, **broken)["housing_prices_rents"]
    assert rents.origin.vintage == "2025"
    assert "whether there is anything newer than 2025 could not be asked" in rents.origin.note_en


@pytest.mark.parametrize(
    ("source", "hiccup", "known"),
    [
        (dhup.SOURCE, "www.data.gouv.fr/api", "2025"),
        (dhup.SOURCE, "-en-2026/", "2025"),
        (georisques.SOURCE, "www.data.gouv.fr/api", "2019"),
        (georisques.SOURCE, NEWER_RADON, "2019"),
        (filosofi.SOURCE, "api.insee.fr", "2023"),
        (density_grid.SOURCE, density_grid.density_url(2026), "2025"),
    ],
)
def test_a_server_of_what_may_be_newer_that_does_not_answer_costs_no_table(
    tmp_path: Path, source: Source, hiccup: str, known: str
) -> None:
    listed = {
        editions.listing_url(dhup._page(2026)): listing(*NEWER_RENTS),
        editions.listing_url(georisques.RADON_PAGE): listing(NEWER_RADON),
    }
    files = Kept(tmp_path, OFFICIAL | listed)

    def fetch(url: str, *, expected: str) -> Fetched:
        if hiccup in url:
            raise SourceError(f"{url} answered 500, after 5 tries")
        return files(url, expected=expected)

    (table,) = source.collect(fetch, AREA)
    assert known in table.origin.credit_en
    named = f"{known} (radon)" if source is georisques.SOURCE else known
    assert f"anything newer than {named} could not be asked" in table.origin.note_en
    assert f"impossible de savoir s’il y a plus récent que {named} :" in table.origin.note_fr
    (calm,) = source.collect(Kept(tmp_path, OFFICIAL), AREA)
    assert calm.origin.note_en + " " == table.origin.note_en[: len(calm.origin.note_en) + 1]
    assert "newer than" not in calm.origin.note_en


class Held:
    """What a release says of its tables, as far as their age goes."""

    def __init__(self, tables: tuple[SimpleNamespace, ...]) -> None:
        self.tables = tables

    def __getitem__(self, name: str) -> SimpleNamespace:
        return next(table for table in self.tables if table.name == name)


def test_a_refresh_keeps_an_edition_that_is_newer_than_what_can_be_had(tmp_path: Path) -> None:
    found = gather(Kept(tmp_path, OFFICIAL), AREA, [filosofi.SOURCE, dhup.SOURCE])

    def after(year: str) -> Gathered:
        held = SimpleNamespace(name="incomes", vintage=year)
        rents = SimpleNamespace(name="housing_prices_rents", vintage="n.d. ; 2026")
        return found.without_older(cast(Catalog, Held((held, rents))))

    assert after("2023") == found
    (failure,) = after("2025").failures
    assert (failure.source, failure.tables) == ("incomes", ("incomes",))
    assert "(2023) is older than what the release holds (2025), which stays" in failure.reason
    assert [table.name for table in after("2025").tables] == ["housing_prices_rents"]


def test_a_known_edition_that_does_not_answer_is_told_as_that() -> None:
    def fetch(url: str, *, expected: str) -> Fetched:
        raise SourceError(f"{url} answered 500, and was to be {expected}")

    with pytest.raises(SourceError, match=r"radon\.csv answered 500"):
        editions.newest(fetch, georisques._radon_editions, "09", expected="csv", source="radon")


def test_a_district_of_a_big_city_is_asked_for_and_belongs_to_it() -> None:
    asked = AREA.with_former(["69123", "09901"])
    assert {"69381", "69389", "69123", "09901", "09950"} <= asked
    assert "75101" not in asked
    codes = pd.Series(["69381", "09950", "09902"])
    assert AREA.current(codes).tolist() == ["69123", "09901", "09902"]


# --- Facilities ------------------------------------------------------------------------------


def test_shops_are_those_with_a_sound_position_in_the_box(tmp_path: Path) -> None:
    tables = collected(insee.SOURCE, tmp_path)
    assert tables["shops"].frame.to_dict("records") == [
        {"kind": "bakery", "insee_code": "09901", "lon": 1.05123, "lat": 43.04988},
        {"kind": "bakery", "insee_code": "09901", "lon": 1.051, "lat": 43.051},
        {"kind": "fuel", "insee_code": "31901", "lon": 1.32, "lat": 43.05},
        {"kind": "grocery", "insee_code": "09901", "lon": 1.02, "lat": 43.02},
    ]
    assert tables["shops"].origin.vintage == "2025"
    houses = tables["france_services"].frame
    assert houses[["insee_code", "name"]].to_numpy().tolist() == [["09903", "Bélaye-Haute"]]
    doctors = tables["supply"].frame
    assert doctors.set_index("insee_code")["amount"].to_dict() == {"09901": 2.0, "31901": 1.0}


def test_an_edition_with_an_unknown_code_list_is_refused(tmp_path: Path) -> None:
    old = rezipped(BPE, "BPE25", '"2025"', '"2020"')
    with pytest.raises(SourceError, match=r"BPE25.zip, column 'AN': the edition is 2020, .*2023"):
        collected(insee.SOURCE, tmp_path, **{insee.bpe_url(2025): old})


def test_the_codes_are_those_of_the_edition_that_the_file_is_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An edition to come in which bakeries are B326, and B207 means something else.
    shops = {**insee.NOMENCLATURES["2025"].shops, "B326": "bakery"}
    del shops["B207"]
    later = replace(insee.NOMENCLATURES["2025"], shops=shops)
    monkeypatch.setattr(insee, "NOMENCLATURES", {**insee.NOMENCLATURES, "2026": later})
    newer = rezipped(BPE, "BPE25", '"2025"', '"2026"')
    shops_found = collected(insee.SOURCE, tmp_path, **{insee.bpe_url(2025): newer})["shops"].frame
    bakeries = shops_found[shops_found["kind"] == "bakery"]
    assert bakeries[["lon", "lat"]].to_numpy().tolist() == [[1.05, 43.05]]
    before = collected(insee.SOURCE, tmp_path)["shops"].frame
    assert (before["kind"] == "bakery").sum() == 2


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("QUALITE_XY", "QUALITE", "line 1: the column 'QUALITE_XY' is missing; near names: QUALI"),
        ("43.051;", "43,051;", "line 3, column 'LATITUDE': '43,051' is no number"),
        ('"09901"', '"99999"', "no shop with a sound position|no shop of the communes"),
    ],
)
def test_what_is_wrong_with_the_facilities_is_told(
    old: str, new: str, told: str, tmp_path: Path
) -> None:
    files = {insee.bpe_url(2025): rezipped(BPE, "BPE25", old, new)}
    if new == '"99999"':
        files = {insee.bpe_url(2025): rezipped(BPE, "BPE25", '"B";"11"', '"M";"33"')}
        files[insee.bpe_url(2025)] = rezipped(
            files[insee.bpe_url(2025)], "BPE25", '"A";"11"', '"M";"33"'
        )
    with pytest.raises(SourceError, match=told):
        collected(insee.SOURCE, tmp_path, **files)


def test_a_secret_income_is_missing(tmp_path: Path) -> None:
    frame = collected(filosofi.SOURCE, tmp_path)["incomes"].frame
    assert frame["insee_code"].tolist() == ["09901", "09902"]
    assert frame["median_income_eur_year"].tolist()[0] == 21530.5
    assert np.isnan(frame["median_income_eur_year"].tolist()[1])
    assert set(frame["year"]) == {2023}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"MED_SL"', '"Q2_SL"', "found the years none"),
        ("OBS_VALUE", "VALUE", "'OBS_VALUE' is missing; near names: VALUE"),
        ("21530.5", "beaucoup", "line 2, column 'OBS_VALUE': 'beaucoup' is no number"),
        ("2023;;", "2022;;", "found the years 2022, 2023"),
    ],
)
def test_what_is_wrong_with_the_incomes_is_told(
    old: str, new: str, told: str, tmp_path: Path
) -> None:
    if new == "2022;;":
        old, new = '"C";2023', '"C";2022'
    broken = rezipped(FILOSOFI, "DS_FILOSOFI_CC_2023_data", old, new)
    with pytest.raises(SourceError, match=told):
        collected(filosofi.SOURCE, tmp_path, **{filosofi.FILOSOFI_URL: broken})


def test_density_levels_are_read_below_their_titles(tmp_path: Path) -> None:
    frame = collected(density_grid.SOURCE, tmp_path)["density_grid"].frame
    assert frame.set_index("insee_code")["density_level"].to_dict() == {
        "09901": 5, "09902": 6, "09903": 7,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (workbook({"Feuil1": [["CODGEO", "DENS7"]]}), "no sheet is called like"),
        (
            workbook({"Maille communale": [["CODGEO", "DENS"], ["09901", 3]]}),
            "no column is titled like '.DENS7.'.*the titles nearest to it are CODGEO, DENS",
        ),
        (
            workbook({"Maille communale": [["CODGEO", "DENS7"], ["09901", "dense"]]}),
            "sheet 'Maille communale', line 2, column 'density_level': 'dense' is no number",
        ),
        (
            workbook({"Maille communale": [["CODGEO", "DENS7"], ["09901", 5], ["09901", 6]]}),
            "commune 09901 comes 2 times",
        ),
        (workbook({"Maille communale": [["CODGEO", "DENS7"], ["09901", 9]]}), "found 9"),
        (workbook({"Maille communale": [["CODGEO", "DENS7"], ["75056", 1]]}), "no row of the area"),
        (DENSITY[:400], "no workbook, or a damaged one"),
    ],
)
def test_what_is_wrong_with_a_workbook_is_told(body: bytes, told: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        collected(density_grid.SOURCE, tmp_path, **{density_grid.density_url(2025): body})
    words = " ".join([str(caught.value), *caught.value.problems])
    assert pd.Series([words]).str.contains(told).all(), words


# --- Housing ---------------------------------------------------------------------------------


def test_rents_of_flats_and_houses_stand_side_by_side(tmp_path: Path) -> None:
    table = collected(dhup.SOURCE, tmp_path)["housing_prices_rents"]
    frame = table.frame.set_index("insee_code")
    assert frame.loc["09903", "rent_apartment_eur_m2_month"] == 7.05
    assert frame.loc["09903", "rent_house_eur_m2_month"] == 7.05
    assert frame.loc["09950", "current_insee"] == "09901"
    assert frame["price_m2_mean_2022_2023"].isna().all()
    assert table.origin.vintage == "2025"
    assert "09902" not in frame.index  # not in the source: missing, not zero


def test_rents_of_a_seat_that_has_merged_since_hold_only_in_one_zone(tmp_path: Path) -> None:
    columns = list(dhup.RENT_URLS)
    frame = collected(dhup.SOURCE, tmp_path)["housing_prices_rents"].frame
    own = frame.set_index("insee_code").loc["09901", columns]
    assert own.isna().all(), "8.06 is the rent of the former commune, its neighbour has 6"
    zone = {
        url: body.replace(b'"76";6;', b'"76";' + rent + b";")
        for url, body, rent in (
            (dhup.RENT_URLS["rent_apartment_eur_m2_month"], FLAT_RENTS, b"8,0576"),
            (dhup.RENT_URLS["rent_house_eur_m2_month"], HOUSE_RENTS, b"7,29661234"),
        )
    }
    frame = collected(dhup.SOURCE, tmp_path, **zone)["housing_prices_rents"].frame
    own = frame.set_index("insee_code").loc["09901", columns]
    assert list(own) == [8.0576, 7.2966]


@pytest.mark.parametrize(
    ("source", "url", "body"),
    [
        (filosofi.SOURCE, filosofi.FILOSOFI_URL,
         rezipped(FILOSOFI, "DS_FILOSOFI_CC_2023_data", '"09";"DEP"', '"09950";"COM"')),
        (density_grid.SOURCE, density_grid.density_url(2025),
         workbook({"Maille communale": [["CODGEO", "DENS7"], ["09901", 5], ["09902", 6],
                                        ["09950", 7]]})),
        (drees.SOURCE, drees.APL_URL,
         workbook({"APL 2024": [["Code commune INSEE", "APL aux médecins généralistes"],
                                ["09901", 3.25], ["09902", 1.104], ["09950", 9.0]]})),
    ],
    ids=["incomes", "density", "apl"],
)  # fmt: skip
def test_the_figure_of_a_seat_is_none_of_what_it_has_merged_into(
    source: Source, url: str, body: bytes, tmp_path: Path
) -> None:
    (table,) = collected(source, tmp_path, **{url: body}).values()
    assert set(table.frame["insee_code"]) <= {"09902", "09903"}
    only_former = dict.fromkeys(("09902", "09950"), "09901")
    area = type(AREA)("09", AREA.communes, AREA.town_halls, only_former)
    codes = pd.Series(["09902", "09950", "09903"])
    assert area.is_own_figure(codes).tolist() == [False, False, True]


def test_a_commune_without_any_risk_or_radon_spoils_nothing(tmp_path: Path) -> None:
    unmapped = RADON.replace(b";9902;", b";9999;")
    table = collected(georisques.SOURCE, tmp_path, **{georisques.RADON_URL: unmapped})["risks"]
    radon = table.frame.set_index("insee_code_source")["radon_class"]
    assert np.isnan(radon["09902"])
    assert radon.drop("09902").tolist() == [1, 3, 2]
    assert "Radon is not known for these communes: Fossat-le-Neuf (09902)." in table.origin.note_en


HOUSES = dhup.RENT_URLS["rent_house_eur_m2_month"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("loypredm2", "loyer", "'loypredm2' is missing"),
        ("7,05", "7.05", "line 3, column 'loypredm2': '7.05' is no number"),
        ("7,05", "705", "commune 09903 has 705, expected euros per m² and month"),
        ('"09903"', '"09901"', "each commune of the area once"),
    ],
)
def test_what_is_wrong_with_the_rents_is_told(
    old: str, new: str, told: str, tmp_path: Path
) -> None:
    assert old.encode() in HOUSE_RENTS
    with pytest.raises(SourceError, match=told):
        collected(
            dhup.SOURCE, tmp_path, **{HOUSES: HOUSE_RENTS.replace(old.encode(), new.encode())}
        )


def test_sales_of_one_dwelling_are_counted_and_few_have_no_median(tmp_path: Path) -> None:
    tables = collected(dgfip.SOURCE, tmp_path)
    frame = tables["housing_sales"].frame
    assert len(frame) == 4 * 5  # three communes and a former one, five years
    own = frame[frame["year"] == 2024].set_index("insee_code_source").to_dict("index")
    assert own["09901"]["house_median_eur_m2"] == 1200
    assert (own["09901"]["house_sales"], own["09901"]["flat_sales"]) == (5, 1)
    assert np.isnan(own["09901"]["flat_median_eur_m2"])
    assert own["09902"]["house_sales"] == 1
    assert np.isnan(own["09902"]["house_median_eur_m2"])
    assert (own["09903"]["house_sales"], own["09903"]["flat_sales"]) == (0, 0)
    assert own["09950"]["insee_code"] == "09901"
    assert tables["housing_sales"].origin.vintage == "2021-2025"


def test_the_median_of_five_years_takes_all_sales_of_the_present_commune(tmp_path: Path) -> None:
    frame = collected(dgfip.SOURCE, tmp_path)["housing_medians"].frame
    assert frame.to_dict("records") == [
        {"insee_code": "09901", "first_year": 2021, "last_year": 2025,
         "house_median_eur_m2": 1150.0, "house_sales": 30},
        {"insee_code": "09902", "first_year": 2021, "last_year": 2025,
         "house_median_eur_m2": 900.0, "house_sales": 5},
    ]  # fmt: skip


def test_a_year_that_is_not_published_yet_is_not_waited_for(tmp_path: Path) -> None:
    files = {url: body for url, body in OFFICIAL.items() if "/2025/" not in url}
    files[dgfip.sales_url(2020, "09")] = gzip.compress(
        gzip.decompress(SALES[dgfip.sales_url(2021, "09")]).replace(b"2021-", b"2020-")
    )
    tables = dgfip.SOURCE.collect(Kept(tmp_path, files), AREA)
    assert tables[0].origin.vintage == "2020-2024"


def test_a_year_that_is_not_over_is_told(tmp_path: Path) -> None:
    url = dgfip.sales_url(2025, "09")
    half = gzip.decompress(SALES[url]).replace(b"2025-12-", b"2025-06-")
    table = collected(dgfip.SOURCE, tmp_path, **{url: gzip.compress(half)})["housing_sales"]
    assert table.origin.vintage == "2021-2025 (to 2025-06-05)"


def test_a_departement_of_another_register_is_told(tmp_path: Path) -> None:
    elsewhere = type(AREA)("57", AREA.communes, AREA.town_halls)
    kept = Kept(tmp_path, OFFICIAL)
    with pytest.raises(SourceError, match="The release has no table of sales"):
        dgfip.SOURCE.collect(kept, elsewhere)
    assert kept.expected == {}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b"2023-12-", b"2019-12-", r"column 'date_mutation': expected 2023 only, found 2019"),
        (b",X,09,", b",X,11,", r"column 'code_departement': expected 09 only, found 11"),
        (b"surface_reelle_bati", b"surface", "'surface_reelle_bati' is missing"),
        (b"100000,", b"100 000,", "column 'valeur_fonciere': '100 000' is no number"),
    ],
)
def test_what_is_wrong_with_the_sales_is_told(
    old: bytes, new: bytes, told: str, tmp_path: Path
) -> None:
    url = dgfip.sales_url(2023, "09")
    body = gzip.decompress(SALES[url])
    assert old in body
    with pytest.raises(SourceError, match=told):
        collected(dgfip.SOURCE, tmp_path, **{url: gzip.compress(body.replace(old, new))})


# --- Schools, health, stations ----------------------------------------------------------------


def test_open_schools_without_sections_and_nurseries(tmp_path: Path) -> None:
    table = collected(education.SOURCE, tmp_path)["schools"]
    found = table.frame[["uai", "kind", "type", "sector", "insee_code"]].to_numpy().tolist()
    both = "primaire (maternelle+elementaire)"
    assert found == [
        ["0090004D", "college", "college", "public", "09902"],
        ["0090006F", "lycee", "lycee agricole", "public", "09902"],
        ["0090001A", "primary", both, "public", "09901"],
        ["0090003C", "primary", "elementaire", "private", "09901"],
    ]
    assert table.origin.vintage == "2026-10-03"


def test_a_departement_has_three_characters_for_the_ministry() -> None:
    assert '"009"' in _unquoted(education.schools_url("09"))
    assert '"02A"' in _unquoted(education.schools_url("2A"))
    assert '"974"' in _unquoted(education.schools_url("974"))


def _unquoted(url: str) -> str:
    return url.replace("%22", '"').replace("%3D", "=")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("libelle_nature", "nature", "'libelle_nature' is missing"),
        ("OUVERT", "OPEN", "no open school of the département 09"),
        ("2026-10-03", "03/10/2026", "'date_maj_ligne': '03/10/2026' is no day"),
    ],
)
def test_what_is_wrong_with_the_schools_is_told(
    old: str, new: str, told: str, tmp_path: Path
) -> None:
    body = SCHOOLS.replace(old.encode(), new.encode())
    with pytest.raises(SourceError, match=told):
        collected(education.SOURCE, tmp_path, **{education.schools_url("09"): body})


def test_hospitals_that_are_open_and_no_owners(tmp_path: Path) -> None:
    table = collected(finess.SOURCE, tmp_path)["hospitals"]
    frame = table.frame.set_index("finess")
    assert list(frame.index) == ["090000001", "090000004"]
    assert frame["sector"].tolist() == ["public", "private"]
    assert frame.loc["090000004", "insee_code"] == "09901"
    assert np.isnan(frame["lat"].tolist()[1])
    assert table.origin.vintage == "2026-05-04"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("categ_code", "categorie", "'categ_code' is missing"),
        ("ACTUEL", "OUVERT", "found 0 rows, days: none"),
        ("1.05,43.05", "1.05,nord", "column 'geoloc_4326_lat': 'nord' is no number"),
    ],
)
def test_what_is_wrong_with_the_hospitals_is_told(
    old: str, new: str, told: str, tmp_path: Path
) -> None:
    body = FINESS.replace(old.encode(), new.encode())
    with pytest.raises(SourceError, match=told):
        collected(finess.SOURCE, tmp_path, **{finess.FINESS_URL: body})


def test_access_to_doctors_is_that_of_the_newest_sheet(tmp_path: Path) -> None:
    table = collected(drees.SOURCE, tmp_path)["apl_doctors"]
    assert table.frame.to_dict("records") == [
        {"insee_code": "09901", "apl_consultations": 3.25, "year": 2024},
        {"insee_code": "09902", "apl_consultations": 1.104, "year": 2024},
    ]  # the third is not known
    assert table.origin.vintage == "2024"


def test_an_impossible_access_is_refused(tmp_path: Path) -> None:
    head = ["Code commune INSEE", "Commune", "APL aux médecins généralistes"]
    body = workbook({"APL 2024": [head, ["09901", "x", 325]]})
    with pytest.raises(SourceError, match="from 0 to 100; found 325 for 09901"):
        collected(drees.SOURCE, tmp_path, **{drees.APL_URL: body})
    assert body != APL


def test_stations_of_the_area_with_names_that_tell_them_apart(tmp_path: Path) -> None:
    table = collected(sncf.SOURCE, tmp_path)["hubs"]
    assert table.frame[["name", "insee_code", "lon", "lat"]].to_numpy().tolist() == [
        ["Lomagnol", "09901", 1.0501, 43.05012],
        ["Saint-Jean (09902)", "09902", 1.12, 43.02],
        ["Saint-Jean (31901)", "31901", 1.44, 43.06],
    ]
    assert table.origin.licence == "ODbL 1.0"
    assert table.origin.vintage == "2026-07-01"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("Code commune", "Commune", "'Code commune' is missing"),
        ('"43.02, 1.12"', '"1.12, 43.02"', "station 'Saint-Jean', .*no latitude and longitude"),
        ('"43.02, 1.12"', '""', "'' is no latitude and longitude"),
    ],
)
def test_what_is_wrong_with_the_stations_is_told(
    old: str, new: str, told: str, tmp_path: Path
) -> None:
    body = STATIONS.replace(old.encode(), new.encode())
    with pytest.raises(SourceError, match=told):
        collected(sncf.SOURCE, tmp_path, **{sncf.STATIONS_URL: body})


# --- Risks -----------------------------------------------------------------------------------


def test_risks_are_counted_once_and_plans_in_force_told(tmp_path: Path) -> None:
    table = collected(georisques.SOURCE, tmp_path)["risks"]
    frame = table.frame.set_index("insee_code_source")
    assert list(frame.index) == ["09901", "09902", "09903", "09950"]
    assert frame["insee_code"].tolist() == ["09901", "09902", "09903", "09901"]
    assert frame["ddrm_flood"].tolist() == [1, 0, 0, 0]
    assert frame["ddrm_earthquake"].tolist() == [0, 1, 0, 0]
    assert frame["ddrm_dam_failure"].tolist() == [0, 1, 0, 0]
    assert frame["ddrm_industrial"].tolist() == [0, 0, 0, 0]
    assert frame["ddrm_hazmat_transport"].tolist() == [0, 1, 0, 0]
    assert frame["flood_plan"].tolist() == ["approved", "none", "none", "none"]
    assert frame.loc["09901", "flood_plan_names"] == "PPRI de l'Arize ; PPRI nouveau (prescribed)"
    assert frame["clay_plan"].tolist() == ["none", "none", "prescribed", "none"]
    assert frame.loc["09902", "industrial_plan_names"] == "PPRT ; silo"
    assert frame["catnat_count_30y"].tolist() == [2, 0, 0, 1]
    assert frame["catnat_since"].tolist() == ["1996-09-21", "", "", "1996-09-21"]
    assert frame["catnat_last_start"].tolist() == ["2022-07-01", "", "", "2009-01-24"]
    assert frame["catnat_last_type"].tolist() == ["drought", "", "", "other"]
    assert frame["radon_class"].tolist() == [1, 1, 3, 2]
    assert table.origin.vintage == "2026-09-21"


def test_radon_of_a_commune_made_since_is_the_strongest_it_joins(tmp_path: Path) -> None:
    joined = RADON.replace(b"ARIEGE;Occitanie;9901;LOMAGNOL;1\r\n", b"")
    assert joined != RADON
    frame = collected(georisques.SOURCE, tmp_path, **{georisques.RADON_URL: joined})["risks"].frame
    assert frame.set_index("insee_code_source").loc["09901", "radon_class"] == 2
    assert FORMER == {"09950": "09901"}


@pytest.mark.parametrize(
    ("member", "old", "new", "told"),
    [
        ("catnat", "date_debut", "debut", "'date_debut' is missing; near names: debut"),
        ("catnat", "2022-07-01 00:00:00", "été 2022", "order 'A2', column 'date_debut'"),
        ("pprt", "CODE INSEE COMMUNE", "cod_commune", "'CODE INSEE COMMUNE' is missing"),
        ("ddrm", "09902;Fossat;Séisme", "09902;Fossat;Séisme;x", "not 4 cells, as the header"),
    ],
)
def test_what_is_wrong_with_the_risks_is_told(
    member: str, old: str, new: str, told: str, tmp_path: Path
) -> None:
    files = {georisques.GASPAR_URL: rezipped(GASPAR, member, old, new)}
    with pytest.raises(SourceError, match=told):
        collected(georisques.SOURCE, tmp_path, **files)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b";3\r\n", b";4\r\n", "commune 09903 has the class 4, expected 1, 2 or 3"),
        (b"Occitanie;9", b"Occitanie;8", "no class for 4 of 4 communes, the first being 09901"),
    ],
)
def test_what_is_wrong_with_radon_is_told(
    old: bytes, new: bytes, told: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match=told):
        collected(georisques.SOURCE, tmp_path, **{georisques.RADON_URL: RADON.replace(old, new)})


def test_a_base_of_no_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"expected tables of one day in gaspar\.zip"):
        collected(georisques.SOURCE, tmp_path, **{georisques.GASPAR_URL: BPE})
