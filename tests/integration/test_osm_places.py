"""Places of OpenStreetMap, asked of an Overpass server on this machine, and the network's list."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from osmnx import settings as osmnx_settings

from geo_matcher.catalog import Table
from geo_matcher.errors import DataError, SourceError
from geo_matcher.gathering import gather
from geo_matcher.schemas import SCHEMAS
from geo_matcher.sources.kept_map import KeptOverpass
from geo_matcher.sources.osm_places import WorkList, places_source
from geo_matcher.sources.overpass import Overpass
from geo_matcher.sources.source import SourceTable
from geo_matcher.tables import is_sound
from tests.integration.overpass import JSON, STAMP, Overheard, Reply, overpass_server
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
    (1.0520, 43.0520, {"amenity": "marketplace", "name": "Halle <i>aux grains</i>",
                       "opening_hours": "Tu,Sa 08:00-13:00; PH off"}),
    (1.1520, 43.0520, {"amenity": "marketplace", "opening_hours": "Jul-Aug: Th 18:00-23:00"}),
    (1.2520, 43.0520, {"amenity": "marketplace"}),
)  # fmt: skip


def answer(things: Sequence[Thing] = THINGS) -> Reply:
    elements = [
        {"type": "node", "id": number, "lon": lon, "lat": lat, "tags": tags}
        for number, (lon, lat, tags) in enumerate(things, start=1)
    ]
    body = {"version": 0.6, "osm3s": {"timestamp_osm_base": STAMP}, "elements": elements}
    return Reply(body=json.dumps(body).encode(), headers=JSON)


def collected(
    folder: Path, *replies: Reply, own: str | None = None, said: WorkList | None = None
) -> dict[str, SourceTable]:
    given = None
    if own is not None:
        given = replace(said or WorkList(folder), path=folder / "own.csv")
        given.path.write_text(own, encoding="utf-8-sig")
    with overpass_server(*replies) as heard:
        overpass = Overpass(heard.url, total_s=5.0, request_s=2.0, tries=2, backoff_s=0.01)
        source = places_source(overpass, given)
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
        ["weekly_market", "09901", "Halle <i>aux grains</i> (Tuesday, Saturday)", "2026"],
        ["weekly_market", "09902", "Fossat-le-Neuf", "2026"],
        ["weekly_market", "09903", "Bélaye-Haute", "2026"],
    ]
    assert culture["note"].tolist()[2:] == [
        "opening hours on the map: Tu,Sa 08:00-13:00; PH off",
        "opening hours on the map: Jul-Aug: Th 18:00-23:00",
        "a market place on the map, which tells no days",
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


def _once_asked(heard: Overheard, do: Callable[[], None]) -> None:
    """Do something in a thread once the server has been asked for places."""

    def watch() -> None:
        while not heard.posts:
            time.sleep(0.01)
        time.sleep(0.1)
        do()

    threading.Thread(target=watch, daemon=True).start()


def test_an_interruption_does_not_wait_for_the_map(tmp_path: Path) -> None:
    osmnx_before = vars(osmnx_settings).copy()
    silent = replace(answer(), after_s=30.0)
    with overpass_server(silent) as heard:
        source = places_source(Overpass(heard.url))
        _once_asked(heard, lambda: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            gather(Kept(tmp_path, {}), AREA, [source])
        start = time.monotonic()
        for thread in threading.enumerate():
            if thread.name.startswith("source"):
                thread.join(2.0)
                assert not thread.is_alive(), "the program would wait for it at its end"
        assert time.monotonic() - start < 2.0
        assert len(heard.posts) == 1, "it was not answered, and not asked again"
    for thread in threading.enumerate():
        if thread.name == "overpass":
            thread.join(5.0)
    assert vars(osmnx_settings) == osmnx_before


def test_a_pause_that_the_map_asks_for_is_left_at_once(tmp_path: Path) -> None:
    busy = Reply(status=429, headers={"Retry-After": "60"})
    with overpass_server(busy) as heard:
        source = places_source(Overpass(heard.url))
        _once_asked(heard, source.stop)
        with pytest.raises(SourceError, match="was not waited for any longer"):
            source.collect(Kept(tmp_path, {}), AREA)
        waiting = [thread for thread in threading.enumerate() if thread.name == "overpass"]
        for thread in waiting:
            thread.join(10.0)
    assert not any(thread.is_alive() for thread in waiting), "its pause of a minute ends too"


def described(table: SourceTable) -> Table:
    return Table(
        name=table.name, path="source/workplaces.csv", kind="source", rows=0, bytes=0, sha256="",
        **asdict(table.origin),
    )  # fmt: skip


def test_a_refresh_of_a_release_keeps_positions_and_who_made_the_list(tmp_path: Path) -> None:
    own = "name,kind,insee_code,lon,lat\nLa Ruche,coworking,09901,1.0510,43.0500\n"
    press = WorkList(tmp_path, "Presse", "Faits cités", "Presse, 2024", "Press, 2024", "À voir.",
                     "To be seen.")  # fmt: skip
    first = collected(tmp_path, answer(), own=own, said=press)["workplaces"]
    assert first.origin.producer == "Presse ; Contributeurs d’OpenStreetMap"
    assert first.origin.licence == "Faits cités ; ODbL 1.0"
    assert first.origin.credit_en == "Press, 2024 ; © OpenStreetMap contributors, 2026-06-01"
    assert first.origin.note_en.endswith("within 200 m. To be seen.")
    again = WorkList.of_release(tmp_path / "own.csv", described(first))
    assert again == replace(press, path=tmp_path / "own.csv")
    # One of a like name 400 m off, which is another place only if the position is still known.
    things = (*THINGS, (1.0560, 43.0500, {"amenity": "coworking_space", "name": "La Ruche bis"}))
    second = collected(tmp_path, answer(things), own=first.frame.to_csv(index=False), said=again)[
        "workplaces"
    ]
    assert second.origin == first.origin
    by_name = second.frame.set_index("name")["position"]
    assert by_name["La Ruche"] == "43.05000, 1.05100"
    assert by_name["La Ruche bis"] == "43.05000, 1.05600"


def test_a_release_whose_places_are_all_of_the_map_has_no_list_to_credit(tmp_path: Path) -> None:
    mapped = collected(tmp_path, answer())["workplaces"]
    assert mapped.origin.producer == "Contributeurs d’OpenStreetMap"
    table = described(mapped)
    given = WorkList.of_release(tmp_path / "own.csv", table)
    text = mapped.frame.to_csv(index=False)
    assert collected(tmp_path, answer(), own=text, said=given)["workplaces"].origin == mapped.origin
    assert given == WorkList(tmp_path / "own.csv")


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


def test_a_list_is_credited_by_the_name_of_its_network(tmp_path: Path) -> None:
    own = "name,kind,insee_code\nLe Relais,fablab,09903\n"
    said = WorkList.of_network(tmp_path / "own.csv", "Causses Connectés")
    origin = collected(tmp_path, answer(), own=own, said=said)["workplaces"].origin
    assert origin.producer == "Causses Connectés ; Contributeurs d’OpenStreetMap"
    assert origin.credit_fr.startswith("Causses Connectés, liste du réseau ; ")
    assert origin.credit_en.startswith("Causses Connectés, list of the network ; ")
    assert WorkList.of_network(tmp_path, None) == WorkList(tmp_path)
