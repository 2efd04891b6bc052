from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import tomlkit

from geo_matcher.catalog import Catalog
from geo_matcher.new_release import joined_by_kind, renew_sources
from geo_matcher.sources.source import Origin, SourceTable
from geo_matcher.tables import read_table

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
