from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import tomlkit

from geo_matcher.catalog import Catalog
from geo_matcher.errors import DataError
from geo_matcher.new_release import joined_by_kind, own_tables, renew_sources
from geo_matcher.sources.source import Area, Origin, SourceTable
from geo_matcher.tables import read_given_table, read_table
from geo_matcher.territory import Territory

ORIGIN = Origin(
    title_fr="Lieux", title_en="Places", producer="OpenStreetMap", vintage="2026-06-01",
    licence="ODbL 1.0", licence_url="", url="", quality="declared", credit_fr="OSM",
    credit_en="OSM", note_fr="Carte.", note_en="Map.",
)  # fmt: skip


def culture(*rows: tuple[str, str, str]) -> SourceTable:
    frame = pd.DataFrame(
        [(*row, "2026", "note", "OpenStreetMap, 2026-06-01") for row in rows],
        columns=["kind", "insee_code", "name", "year", "note", "source"],
    )
    return SourceTable("culture", frame, ORIGIN, ())


def test_markets_that_people_listed_win_in_their_commune_and_those_of_the_map_are_renewed(
    release_copy: Path,
) -> None:
    before = read_table(release_copy, "source/culture.csv", "culture")
    listed = before[before["kind"] == "weekly_market"]
    assert "32013" in set(listed["insee_code"])
    assert "32001" not in set(listed["insee_code"])
    found = culture(("weekly_market", "32001", "Halle"), ("weekly_market", "32013", "Halle"),
                    ("cinema", "32013", "Ciné"))  # fmt: skip
    renew_sources(release_copy, [found])
    after = read_table(release_copy, "source/culture.csv", "culture")
    markets = after[after["kind"] == "weekly_market"]
    assert len(markets) == len(listed) + 1
    assert set(markets["insee_code"]) == {*listed["insee_code"], "32001"}
    assert (after["kind"] == "cinema").sum() == 1, "the map has all cinemas"
    assert (after["kind"] == "plus_beaux_villages").sum() == 5
    assert "release before" in Catalog.read(release_copy)["culture"].note_en
    renew_sources(release_copy, [culture(("cinema", "32013", "Ciné"))])
    again = read_table(release_copy, "source/culture.csv", "culture")
    assert "32001" not in set(again["insee_code"]), "what the map has lost is lost"


def test_own_rows_win_for_their_kinds_and_a_refresh_keeps_them(release_copy: Path) -> None:
    mine = replace(
        culture(("cinema", "32001", "Ciné à nous")),
        origin=replace(ORIGIN, producer="given for this service"),
    )
    both = culture(("cinema", "32013", "Ciné"), ("museum", "32013", "Musée"))
    table, told = joined_by_kind(mine, both)
    assert told == (
        "culture: yours are cinema (1) in place of the 1 of the source; "
        "the source's are museum (1)."
    )
    assert table.frame[["kind", "name"]].to_numpy().tolist() == [
        ["museum", "Musée"],
        ["cinema", "Ciné à nous"],
    ]
    assert table.origin.producer == "OpenStreetMap ; given for this service"
    assert table.origin.note_fr == "Carte. Fournis par qui tient ce service : les cinémas."
    renew_sources(release_copy, [table])
    renew_sources(release_copy, [culture(("cinema", "32002", "Autre"), ("museum", "32002", "M"))])
    after = read_table(release_copy, "source/culture.csv", "culture")
    of = {kind: set(after[after["kind"] == kind]["name"]) for kind in ("cinema", "museum")}
    assert of == {"cinema": {"Ciné à nous"}, "museum": {"M"}}
    assert Catalog.read(release_copy)["culture"].kinds_given == ("cinema",)
    renew_sources(release_copy, [culture(("cinema", "32002", "Autre"))], anew=["culture"])
    after = read_table(release_copy, "source/culture.csv", "culture")
    assert set(after[after["kind"] == "cinema"]["name"]) == {"Autre"}
    assert Catalog.read(release_copy)["culture"].kinds_given == ()


def test_a_table_of_stations_and_own_airports_is_called_by_both() -> None:
    def hubs(kind: str) -> SourceTable:
        frame = pd.DataFrame({"kind": [kind], "name": ["X"], "insee_code": ["32013"]})
        return SourceTable("hubs", frame, replace(ORIGIN, title_fr="Gares", title_en="S"), ())

    both, _ = joined_by_kind(hubs("airport"), hubs("station"))
    assert both.origin.title_fr == "Gares de voyageurs et aéroports"
    assert both.origin.title_en == "Railway stations and airports"
    assert joined_by_kind(hubs("station"), hubs("station"))[0].origin.title_fr == "Gares"


def test_a_refresh_keeps_the_kinds_that_a_person_says_are_complete(release_copy: Path) -> None:
    found = culture(("cinema", "32013", "Ciné"))
    found = replace(found, origin=replace(ORIGIN, complete_kinds="cinema"))

    def renewed(written: str) -> str:
        path = release_copy / "catalog.toml"
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
        (entry,) = [one for one in document["table"] if one["name"] == "culture"]
        entry["complete_kinds"] = written
        path.write_text(tomlkit.dumps(document), encoding="utf-8")
        renew_sources(release_copy, [found])
        return Catalog.read(release_copy)["culture"].complete_kinds

    assert renewed("museum") == "museum, cinema"
    assert renewed("cinema museum") == "cinema, museum"
    assert renewed("") == "cinema"


def test_a_kind_stays_ours_where_the_source_gives_nothing() -> None:
    mine = culture(("cinema", "32001", "Ciné à nous"))
    alone, told = joined_by_kind(mine, None)
    assert told == "culture: yours are cinema (1); the source gave nothing beside them."
    assert alone.origin.given_kinds == "cinema"
    over, told = joined_by_kind(mine, culture(("cinema", "32013", "Ciné")))
    assert told == "culture: yours are cinema (1), in place of the 1 of the source."
    assert list(over.frame["name"]) == ["Ciné à nous"]
    found, told = joined_by_kind(replace(mine, frame=mine.frame.iloc[:0]), mine)
    assert (found, told) == (mine, "culture: your table is empty, the source's stays.")


@pytest.fixture(scope="module")
def area(territory: Territory) -> Area:
    communes = territory.communes.reset_index(drop=True)
    return Area("32", communes, territory.tables["town_halls"], {"32900": "32013"})


def test_own_tables_are_read_as_a_french_spreadsheet_writes_them(
    area: Area, tmp_path: Path
) -> None:
    (tmp_path / "hubs.csv").write_text(
        "\ufeffname;kind;insee_code;lat;lon\r\nAuch – Gers;airport;32013;43,65;0,58\r\n",
        encoding="utf-8",
    )
    (tmp_path / "culture.csv").write_text(
        "source,kind,insee_code,name,year\nmairie,museum,32013,Musée des Amériques,\n",
        encoding="utf-8",
    )
    lectoure, hubs = own_tables(tmp_path, area, None)
    assert lectoure.frame.loc[0].to_dict() == {
        "kind": "museum", "insee_code": "32013", "name": "Musée des Amériques", "year": "",
        "note": "", "source": "mairie",
    }  # fmt: skip
    assert hubs.frame.loc[0].to_dict() == {
        "kind": "airport", "name": "Auch – Gers", "insee_code": "32013", "lon": 0.58, "lat": 43.65,
        "note": "",
    }  # fmt: skip
    (tmp_path / "hubs.csv").write_bytes("kind,name\nairport,Aéroport\n".encode("cp1252"))
    (tmp_path / "culture.csv").write_text("kind,name\ncinema,C\n", encoding="utf-8")
    with pytest.raises(DataError) as refused:
        own_tables(tmp_path, area, None)
    assert refused.value.problems == (
        "culture.csv: columns insee_code, year, source are missing",
        "hubs.csv is not UTF-8 text. Save it as 'CSV UTF-8' and try again.",
    )


def test_own_places_that_lie_nowhere_are_told_with_file_line_and_remedy(
    area: Area, tmp_path: Path
) -> None:
    (tmp_path / "hubs.csv").write_text(
        "kind,name,insee_code,lon,lat\nairport,A,01001,0.58,43.65\nairport,B,32013,2.35,48.85\n"
        "airport,C,32013,0.58,43.65\nairport,D,32900,0.58,43.65\n",
        encoding="utf-8",
    )
    with pytest.raises(DataError) as refused:
        own_tables(tmp_path, area, None)
    lost, merged, far = refused.value.problems
    assert lost == (
        "hubs.csv line 2: 'A' lies in 01001, which is no commune of the territory or within 80 km; "
        "correct its insee_code, or leave the line out"
    )
    assert "line 5: 'D' lies in 32900" in merged
    assert merged.endswith("it is part of 32013 now: write that code")
    assert "hubs.csv line 3: 'B' lies 58" in far
    assert "km outside its commune 32013; correct its lon and lat" in far


def test_the_guide_shows_own_tables_that_can_be_read(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "your-departement.md").read_text(encoding="utf-8")
    shown = re.findall(r"```\n(kind,.*?)```", guide, flags=re.DOTALL)
    for name, text in zip(("hubs", "culture"), shown, strict=True):
        path = tmp_path / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        assert len(read_given_table(path, name)) == 1
