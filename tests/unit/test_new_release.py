from __future__ import annotations

from pathlib import Path

import pandas as pd

from geo_matcher.catalog import Catalog
from geo_matcher.new_release import renew_sources
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
