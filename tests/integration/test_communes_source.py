"""Communes, town halls and mergers of an invented département, from files served here."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo_matcher import clock
from geo_matcher.access import distance_problems
from geo_matcher.errors import AbsentFileError, CrsError, SourceError
from geo_matcher.schemas import SCHEMAS
from geo_matcher.sources.communes import COMMUNES_URL, FORMER_URL, area_of, contours_url
from geo_matcher.sources.contacts import CONTACTS_URL
from geo_matcher.sources.fetching import Fetcher, Limits
from geo_matcher.sources.source import Area, SourceTable
from geo_matcher.tables import is_sound
from tests.integration.upstream import villages
from tests.integration.upstream.server import HTML_PAGE, Fault, Upstream, upstream_server

Read = Callable[..., tuple[Area, dict[str, SourceTable]]]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with upstream_server() as server:
        villages.put_villages(server)
        yield server


@pytest.fixture
def read(upstream: Upstream, tmp_path: Path) -> Read:
    def area(departement: str = "46", year: int | None = villages.YEAR, **options: object):  # type: ignore[no-untyped-def]
        limits = Limits(tries=1, backoff_s=0.01)
        with Fetcher(tmp_path / "cache", transport=upstream.transport(), limits=limits) as fetch:
            found, tables = area_of(fetch, departement, year=year, **options)  # type: ignore[arg-type]
        return found, {table.name: table for table in tables}

    return area


def test_tables_fit_their_schemas(read: Read) -> None:
    _, tables = read()
    assert set(tables) == {"communes_source", "town_halls", "adjacency", "french_communes"}
    for name, table in tables.items():
        frame = table.frame.drop(columns="geometry", errors="ignore")
        assert is_sound(SCHEMAS[name], frame), name
        assert table.files
        assert table.origin.licence == "Licence Ouverte 2.0"
    assert tables["communes_source"].origin.vintage == "2026"


def test_communes_have_their_outlines_and_facts(read: Read) -> None:
    area, tables = read()
    frame = tables["communes_source"].frame
    assert area.codes == tuple(village.code for village in villages.OWN)
    assert isinstance(frame, gpd.GeoDataFrame)
    assert frame.crs.to_epsg() == 4326
    assert frame["area_km2"].tolist() == pytest.approx([25.0] * 6, abs=0.01)
    first, island = frame.iloc[0], frame.iloc[4]
    assert (first["name"], first["population"]) == ("Aubaleyrac", 310)
    assert first["postal_codes"] == "46001,46150"
    assert (first["epci_code"], first["epci_name"]) == ("200000461", "CC du Causse inventé")
    assert (island["name"], island["epci_code"]) == ("Îlot-Saint-Cirq", "")
    assert shapely.coverage_is_valid(np.asarray(frame.geometry.array))


def test_town_halls_stand_in_their_commune(read: Read) -> None:
    _, tables = read()
    frame = tables["communes_source"].frame.set_index("insee_code")
    moved = frame.index[frame["town_hall_position"] == "inside_point"]
    # One was published in a homonym 60 km away; of one the middle stood in for an unknown place.
    assert list(moved) == ["46002", "46003"]
    halls = gpd.GeoSeries.from_xy(
        frame["town_hall_lon"], frame["town_hall_lat"], crs="EPSG:4326", index=frame.index
    )
    assert halls.within(gpd.GeoSeries(frame.geometry, crs="EPSG:4326")).all()
    assert tables["communes_source"].origin.note_en.startswith("2 town halls")


def test_surroundings_end_where_they_should(read: Read) -> None:
    near, _ = read()
    assert near.known_codes == {*near.codes, "82001", "82002"}
    far, _ = read(surroundings_km=120)
    assert far.known_codes - near.known_codes == {"82003"}


def test_neighbours_touch_and_their_distance_is_that_of_their_town_halls(read: Read) -> None:
    _, tables = read()
    pairs = tables["adjacency"].frame
    found = set(zip(pairs["a"], pairs["b"], strict=True))
    assert ("46001", "46004") in found
    assert ("46001", "46005") in found  # in a corner
    assert ("46001", "82001") in found
    assert ("46001", "46003") not in found
    assert len(found) == len(pairs) == 17
    straight = pairs.set_index(["a", "b"])["straight_km"]
    assert straight["46001", "46004"] == pytest.approx(5.0, rel=0.005)
    assert distance_problems(tables["town_halls"].frame, pairs) == []


def test_former_communes_have_their_present_code(read: Read) -> None:
    area, _ = read()
    former = {code: area.merged.get(code) for code in villages.FORMER}
    assert former == {
        "32067": "32365", "32260": "32365", "32413": "32365", "32074": "32344",
        "46106": "46006", "46206": "46006", "46006": None,
    }  # fmt: skip
    assert area.asked_codes == {*area.codes, "46106", "46206"}


def test_codes_that_the_list_of_communes_remembers_count_too(
    upstream: Upstream, read: Read
) -> None:
    entries = json.loads(villages.communes_json())
    entries[0]["anciensCodes"] = ["46301"]
    upstream.put(COMMUNES_URL, json.dumps(entries).encode(), content_type="application/json")
    assert read()[0].merged["46301"] == "46001"


def test_contacts_are_those_of_the_town_hall_and_look_like_contacts(read: Read) -> None:
    _, tables = read()
    frame = tables["communes_source"].frame.set_index("insee_code")
    columns = ["town_hall_address", "town_hall_phone", "town_hall_email", "town_hall_website"]
    assert list(frame.loc["46001", columns]) == [
        "2 place du Foirail, 46150 Aubaleyrac",
        "05 00 00 00 01",
        "mairie@aubaleyrac.example",
        "https://aubaleyrac.example",
    ]
    assert list(frame.loc["46002", columns]) == ["46002 Belpech-sur-Lère", "", "", ""]
    assert list(frame.loc["46003", columns]) == [""] * 4


@pytest.mark.parametrize("body", [b"{}", b'[{"nom": "Mairie"}]', HTML_PAGE])
def test_communes_do_without_the_directory(upstream: Upstream, read: Read, body: bytes) -> None:
    upstream.put(CONTACTS_URL, body, content_type="application/json")
    _, tables = read()
    table = tables["communes_source"]
    assert (table.frame["town_hall_phone"] == "").all()
    assert "directory of town halls could not be read" in table.origin.note_en


def test_outlines_of_an_earlier_year_do_until_the_new_ones_are_out(
    upstream: Upstream, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.gone(contours_url(villages.YEAR))
    with pytest.raises(AbsentFileError, match=r"communes-50m\.geojson\.gz is not there"):
        read()

    monkeypatch.setattr(clock, "today", lambda: dt.date(2028, 1, 2))
    upstream.put(contours_url(2027), villages.contours_geojson_gz())
    area, tables = read(year=None)
    assert tables["communes_source"].origin.vintage == "2027"
    assert len(area.codes) == 6


@pytest.mark.parametrize(
    ("suffix", "column", "crs", "layer"),
    [
        (".gpkg", "INSEE_COM", "EPSG:2154", "COMMUNE"),
        (".gpkg", "code_insee", "EPSG:4326", "commune"),
        (".geojson", "code", "EPSG:4326", None),
    ],
)
def test_outlines_may_come_from_a_file(
    read: Read, tmp_path: Path, suffix: str, column: str, crs: str, layer: str | None
) -> None:
    path = tmp_path / f"outlines{suffix}"
    frame = gpd.GeoDataFrame(
        {column: [village.code for village in villages.VILLAGES]},
        geometry=[village.square for village in villages.VILLAGES],
        crs="EPSG:2154",
    ).to_crs(crs)
    if layer:
        frame.iloc[:0].to_file(path, layer="arrondissement")
        frame.to_file(path, layer=layer)
    else:
        frame.to_file(path)
    area, tables = read(outlines=path)
    assert len(area.codes) == 6
    assert f"Outlines of {path.name}" in tables["communes_source"].origin.note_en


def test_town_halls_are_no_outlines(read: Read, tmp_path: Path) -> None:
    codes = [village.code for village in villages.VILLAGES]
    squares = gpd.GeoSeries([village.square for village in villages.VILLAGES], crs="EPSG:2154")
    path = tmp_path / "express.gpkg"  # laid out as ADMIN EXPRESS 3
    for layer, column, shapes in (
        ("CHFLIEU_COMMUNE", "INSEE_COM", squares.centroid),
        ("COMMUNE", "INSEE_COM", squares),
    ):
        gpd.GeoDataFrame({column: codes}, geometry=shapes).to_file(path, layer=layer)
    _, tables = read(outlines=path)
    assert tables["communes_source"].frame["area_km2"].tolist() == pytest.approx([25] * 6, abs=0.01)
    halls = tmp_path / "halls.gpkg"
    frame = gpd.GeoDataFrame({"INSEE_COM": codes}, geometry=squares.centroid)
    frame.to_file(halls, layer="CHFLIEU_COMMUNE")
    with pytest.raises(SourceError, match="CHFLIEU_COMMUNE holds no polygon but Point"):
        read(outlines=halls)


def test_a_commune_may_have_no_postal_code(upstream: Upstream, read: Read) -> None:
    entries = json.loads(villages.communes_json())
    entries[0]["codesPostaux"] = []
    upstream.put(COMMUNES_URL, json.dumps(entries).encode(), content_type="application/json")
    frame = read()[1]["communes_source"].frame
    assert frame.set_index("insee_code")["postal_codes"].to_dict()["46001"] == ""
    assert is_sound(SCHEMAS["communes_source"], frame.drop(columns="geometry"))


def _without(code: str) -> bytes:
    return villages.contours_geojson_gz({code: shapely.Polygon()})


@pytest.mark.parametrize(
    ("url", "body", "told"),
    [
        (COMMUNES_URL, b"[]", "is no list of communes"),
        (COMMUNES_URL, b'[{"code": "46001", "nom": "A"}]', "entry 1 has no codeDepartement"),
        (COMMUNES_URL, b'[{"code": "x", "nom": "A", "codeDepartement": "46"}]', "no INSEE code"),
        (COMMUNES_URL, villages.communes_json().replace(b'"population": 310', b'"p": 310'),
         r"1 communes have no population \(46001\)"),
        (FORMER_URL, b'[{"code": "46106"}]', "entry 1 has no chefLieu"),
        (contours_url(villages.YEAR), _without("46004"), r"no outline for 1 .*\(46004"),
        (contours_url(villages.YEAR), b"\x1f\x8b damaged", "no outlines that can be read"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_told(
    upstream: Upstream, read: Read, url: str, body: bytes, told: str
) -> None:
    kind = "application/gzip" if url.endswith(".gz") else "application/json"
    upstream.put(url, body, content_type=kind)
    with pytest.raises(SourceError, match=told):
        read()


def test_outlines_in_metres_that_say_degrees_are_refused(upstream: Upstream, read: Read) -> None:
    upstream.put(contours_url(villages.YEAR), villages.contours_geojson_gz(crs="EPSG:2154"))
    with pytest.raises(CrsError, match="may be in another CRS than it says"):
        read()


@pytest.mark.parametrize("departement", ["974", "lot", "47"])
def test_a_departement_that_cannot_be(read: Read, departement: str) -> None:
    with pytest.raises(SourceError, match=r"no département in mainland|no commune of"):
        read(departement)


def test_a_busy_service_is_told_of(upstream: Upstream, read: Read) -> None:
    upstream.plan(COMMUNES_URL, Fault(status=502))
    with pytest.raises(SourceError, match="answered 502 Bad Gateway, after 1 tries"):
        read()


def test_outlines_that_are_not_there(read: Read, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"absent\.gpkg cannot be read \(No such file"):
        read(outlines=tmp_path / "absent.gpkg")
