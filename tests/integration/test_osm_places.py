"""Places of OpenStreetMap, asked of an Overpass server on this machine, and the network's list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from geo_matcher.errors import DataError, SourceError
from geo_matcher.schemas import SCHEMAS
from geo_matcher.sources.kept_map import KeptOverpass
from geo_matcher.sources.osm_places import places_source
from geo_matcher.sources.overpass import Overpass
from geo_matcher.sources.source import SourceTable
from geo_matcher.tables import is_sound
from tests.integration.overpass import JSON, STAMP, Reply, overpass_server
from tests.integration.upstream.lomagnol import Kept, lomagnol

AREA = lomagnol()
Thing = tuple[float, float, dict[str, str]]

THINGS: tuple[Thing, ...] = (
    (1.0500, 43.0500, {"amenity": "coworking_space", "name": "La Ruche", "addr:street": "Rue Basse",
                       "addr:housenumber": "3"}),
    (1.0600, 43.0500, {"office": "coworking"}),
    (1.1500, 43.0500, {"amenity": "community_centre", "name": "Tiers-Lieu des Deux Rives"}),
    (1.1510, 43.0500, {"amenity": "community_centre", "name": "Salle des fêtes"}),
    (1.2500, 43.0500, {"leisure": "hackerspace", "name": "FabLab d'en Haut"}),
    (1.2500, 43.0510, {"amenity": "cinema"}),
    (1.0510, 43.0510, {"tourism": "museum", "name": "Musée des <b>Bastides</b>"}),
    (1.4000, 43.0500, {"amenity": "coworking_space", "name": "Trop loin"}),
)  # fmt: skip


def answer(things: Sequence[Thing] = THINGS) -> Reply:
    elements = [
        {"type": "node", "id": number, "lon": lon, "lat": lat, "tags": tags}
        for number, (lon, lat, tags) in enumerate(things, start=1)
    ]
    body = {"version": 0.6, "osm3s": {"timestamp_osm_base": STAMP}, "elements": elements}
    return Reply(body=json.dumps(body).encode(), headers=JSON)


def collected(folder: Path, *replies: Reply, own: str | None = None) -> dict[str, SourceTable]:
    path = None
    if own is not None:
        path = folder / "own.csv"
        path.write_text(own, encoding="utf-8-sig")
    with overpass_server(*replies) as heard:
        overpass = Overpass(heard.url, total_s=5.0, request_s=2.0, tries=2, backoff_s=0.01)
        source = places_source(overpass, path)
        tables = source.collect(Kept(folder, {}), AREA)
    return {table.name: table for table in tables}


def test_places_are_sorted_by_what_they_are(tmp_path: Path) -> None:
    tables = collected(tmp_path, answer())
    work = tables["workplaces"].frame
    assert work[["name", "kind", "insee_code", "address"]].to_numpy().tolist() == [
        ["Coworking, Lomagnol", "coworking", "09901", ""],
        ["La Ruche", "coworking", "09901", "3 Rue Basse"],
        ["Tiers-Lieu des Deux Rives", "third_place", "09902", ""],
        ["FabLab d'en Haut", "fablab", "09903", ""],
    ]
    culture = tables["culture"].frame
    assert culture[["kind", "insee_code", "name", "year"]].to_numpy().tolist() == [
        ["cinema", "09903", "Bélaye-Haute", "2026"],
        ["museum", "09901", "Musée des <b>Bastides</b>", "2026"],  # escaped where it is shown
    ]
    for table in tables.values():
        assert is_sound(SCHEMAS[table.name], table.frame)
        assert table.origin.vintage == "2026-06-01"
        assert table.origin.licence == "ODbL 1.0"


def test_what_the_map_answered_is_kept_and_read_offline(tmp_path: Path) -> None:
    fetch = Kept(tmp_path, {})
    with overpass_server(answer()) as heard:
        asked = KeptOverpass(url=heard.url, folder=tmp_path / "cache")
        online = places_source(asked).collect(fetch, AREA)
        offline = replace(asked, url="http://nobody.invalid", is_offline=True)
        told = places_source(offline).collect(fetch, AREA)
        assert len(heard.posts) == 1
    assert [table.frame.to_csv() for table in told] == [table.frame.to_csv() for table in online]
    assert [table.origin for table in told] == [table.origin for table in online]
    for path in (tmp_path / "cache").iterdir():
        path.write_text("{", encoding="utf-8")
    with pytest.raises(SourceError, match="nobody is asked offline"):
        places_source(offline).collect(fetch, AREA)


def test_what_the_network_names_is_told_once_in_its_words(tmp_path: Path) -> None:
    own = (
        "name,kind,insee_code,address,year,lon,lat\n"
        "La Ruche (coworking),coworking,09901,3 rue Basse,2026,1.0510,43.0500\n"  # 81 m off
        "Tiers lieu des deux rives,telecentre,09902,,,,\n"  # no position: same commune
        "Fablab d'en haut,fablab,09903,,2025,1.2600,43.0500\n"  # 814 m off: another place
    )
    table = collected(tmp_path, answer(), own=own)["workplaces"]
    found = table.frame[["name", "kind", "source"]].to_numpy().tolist()
    assert found == [
        ["Coworking, Lomagnol", "coworking", "OpenStreetMap, 2026-06-01"],
        ["La Ruche (coworking)", "coworking", "list of the network"],
        ["Tiers lieu des deux rives", "telecentre", "list of the network"],
        ["FabLab d'en Haut", "fablab", "OpenStreetMap, 2026-06-01"],
        ["Fablab d'en haut", "fablab", "list of the network"],
    ]
    assert is_sound(SCHEMAS["workplaces"], table.frame)


def test_an_area_without_any_place_has_empty_tables(tmp_path: Path) -> None:
    nothing = answer([])
    tables = collected(tmp_path, nothing)
    assert [len(table.frame) for table in tables.values()] == [0, 0]
    assert all(is_sound(SCHEMAS[name], table.frame) for name, table in tables.items())


def test_a_refusal_names_the_service_and_speaks_of_places(tmp_path: Path) -> None:
    busy = Reply(status=429, headers={"Retry-After": "0"})
    with pytest.raises(SourceError, match=r"The map service http://127.0.0.1.* refused with") as e:
        collected(tmp_path, busy)
    assert "--roads" not in str(e.value)


def test_a_page_in_place_of_places_is_refused(tmp_path: Path) -> None:
    page = Reply(body=b"<html>Too busy</html>", headers={"Content-Type": "text/html"})
    with pytest.raises(SourceError, match="answered with a page in place of JSON: Too busy"):
        collected(tmp_path, page)


def test_a_list_that_was_completed_before_keeps_who_said_so(tmp_path: Path) -> None:
    own = (
        "name,kind,insee_code,source,status\n"
        "La Ruche,coworking,09901,presselib.com,to be confirmed\n"
        "Le Moulin,telecentre,09902,,\n"
        'Gone since,coworking,09903,"OpenStreetMap, 2025-01-01","mapped, to be confirmed"\n'
    )
    table = collected(tmp_path, answer(), own=own)["workplaces"].frame
    said = table.set_index("name")[["source", "status"]].to_numpy().tolist()
    by_name = dict(zip(table["name"], said, strict=True))
    assert by_name["La Ruche"] == ["presselib.com", "to be confirmed"]
    assert by_name["Le Moulin"] == ["list of the network", "named by the network"]
    assert "Gone since" not in by_name
    mapped = by_name["FabLab d'en Haut"]
    assert mapped == [f"OpenStreetMap, {STAMP[:10]}", "mapped, to be confirmed"]


def test_all_problems_of_the_list_are_told_at_once(tmp_path: Path) -> None:
    own = (
        "name,kind,insee_code,lon,lat\n"
        ",bureau,32013,1.05,43.05\n"
        "La Ruche,coworking,09901,43.05,1.05\n"
        "La Ruche,coworking,09901,1.05,\n"
    )
    with pytest.raises(DataError) as caught:
        collected(tmp_path, answer(), own=own)
    told = [problem.split("own.csv, ")[-1] for problem in caught.value.problems]
    assert told == [
        "line 2, column name: '' is no name of 1 to 120 characters",
        "line 2, column kind: 'bureau' is none of coworking, telecentre, third_place, fablab",
        "line 2, column insee_code: '32013' is no commune of the release",
        "line 3, column lon: '43.05' is no longitude of France",
        "line 3, column lat: '1.05' is no latitude of France",
        "line 4: give both lon and lat, or neither",
    ]


def test_a_list_without_its_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column kind, insee_code; it needs name, kind"):
        collected(tmp_path, answer(), own="name;kind;insee_code\n".replace(";kind;insee_code", ""))
