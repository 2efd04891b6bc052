"""Communes that are no more: what was said of them is carried, or told."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from geo_matcher.corrections import Correction
from geo_matcher.gathering import Chosen, all_sources, chosen_sources
from geo_matcher.renewed_communes import carried_corrections, gone_communes, places_carried
from geo_matcher.sources.source import Area

NAMES = {"46005": "Îlot", "46004": "L'Estèle", "46007": "Perdu"}
GONE = {"46005": "46004", "46007": ""}
COLUMNS = ["insee_code", "table", "place", "column", "value", "official_value", "who", "day",
           "reason", "source"]  # fmt: skip


def corrections(*cells: tuple[str, str, str, str, str, str]) -> pd.DataFrame:
    rows = [
        (code, table, place, column, value, "", "A. Martin", day, "closed", "a visit")
        for code, table, place, column, value, day in cells
    ]
    return pd.DataFrame(rows, columns=COLUMNS, dtype="str")


def test_communes_that_are_no_more_and_what_they_have_become() -> None:
    halls = pd.DataFrame({"insee_code": ["46001", "46004"], "name": ["A", "L'Estèle"]})
    own = gpd.GeoDataFrame(halls, geometry=gpd.points_from_xy([1, 2], [44, 44]), crs=4326)
    area = Area("46", own, halls, {"46005": "46004", "46007": "32001"})
    assert gone_communes(["46001", "46004", "46005", "46007"], area) == {
        "46005": "46004",
        "46007": "",
    }
    assert gone_communes(["46001"], area) == {}


def test_a_work_place_is_carried_by_its_name() -> None:
    rows = corrections(
        ("46005", "workplaces", "La Forge", "open", "no", "2026-03-01"),
        ("46001", "communes", "", "town_hall_phone", "05 65 00 00 00", "2026-01-01"),
    )
    carried, told, refused, _ = carried_corrections(rows, GONE, NAMES)
    assert refused == []
    assert list(carried["insee_code"]) == ["46001", "46004"]
    assert told == [
        "Correction carried: La Forge open = 'no', signed 2026-03-01 by A. Martin, was of Îlot "
        "(46005), is of L'Estèle (46004)."
    ]
    assert list(rows["insee_code"]) == ["46005", "46001"], "what was given stays as it was"


def test_one_that_is_carried_onto_another_counts_if_newer_and_the_other_stays_on_record() -> None:
    rows = corrections(
        ("46004", "workplaces", "La Forge", "open", "yes", "2026-01-01"),
        ("46005", "workplaces", "La Forge", "open", "no", "2026-03-01"),
        ("46004", "workplaces", "Le Pré", "open", "no", "2026-04-01"),
        ("46005", "workplaces", "Le Pré", "open", "yes", "2026-02-01"),
    )
    carried, told, _, replaced = carried_corrections(rows, GONE, NAMES)
    assert list(carried["day"]) == ["2026-03-01", "2026-04-01"]
    assert [one.correction for one in replaced] == [
        Correction(*rows.iloc[0]),
        Correction(*rows.iloc[3]),
    ], "as they were signed"
    assert [one.withdrawn_day for one in replaced] == ["2026-03-01", "2026-04-01"]
    in_force = [Correction(*row).id for row in carried.itertuples(index=False)]
    assert [one.withdrawn_reason for one in replaced] == [
        f"replaced by correction {id_}" for id_ in in_force
    ]
    assert told[-1] == (
        "Correction replaced: Le Pré open = 'yes', signed 2026-02-01 by A. Martin, was of Îlot "
        "(46005); 'no', signed 2026-04-01 by A. Martin, counts. It stays on record as withdrawn."
    )


def test_what_may_not_be_true_of_the_larger_commune_is_refused_by_name() -> None:
    rows = corrections(
        ("46005", "communes", "", "town_hall_phone", "05 65 00 00 00", "2026-01-01"),
        ("46005", "shops", "bakery", "open", "no", "2026-01-02"),
        ("46007", "workplaces", "La Forge", "open", "no", "2026-01-03"),
    )
    carried, told, refused, _ = carried_corrections(rows, GONE, NAMES)
    assert told == []
    assert len(carried) == 3
    assert [problem.split(",")[0] for problem in refused] == [
        "corrections: Îlot (46005) is a part of L'Estèle (46004) now",
        "corrections: Îlot (46005) is a part of L'Estèle (46004) now",
        "corrections: Perdu (46007) is no more",
    ]
    assert "town_hall_phone = '05 65 00 00 00', signed 2026-01-01 by A. Martin" in refused[0]
    assert "bakery open = 'no'" in refused[1]
    first = Correction(*rows.iloc[0])
    assert f"`geo-matcher data withdraw {first.id}`" in refused[0]


def test_a_market_stays_where_it_is_under_another_code() -> None:
    codes = pd.Series(["46001", "46005", "46007"], dtype="str")
    places = pd.DataFrame({"kind": "weekly_market", "insee_code": codes})
    found = places_carried(places, GONE)["insee_code"]
    assert list(found) == ["46001", "46004", "46007"]
    assert found.dtype == codes.dtype


def test_communes_and_roads_are_names_of_sources() -> None:
    sources = all_sources()
    chosen = chosen_sources(sources, "roads,shops")
    assert [source.name for source in chosen.sources] == ["bpe"]
    assert (chosen.roads, chosen.communes) == (True, False)
    assert chosen_sources(sources, "contacts") == Chosen((), communes=True)
    assert chosen_sources(sources, "town_halls, road_area") == Chosen((), True, True)
    assert chosen_sources(sources, None) == Chosen(tuple(sources))


def test_a_table_is_named_by_itself_or_by_its_source() -> None:
    sources = all_sources()
    for wanted, tables in (
        ("broadband, hubs", {"broadband_fixed", "hubs"}),
        ("stations", {"hubs"}),
        ("shops rents", {"shops", "housing_prices_rents"}),
        ("communes,roads", set()),
        (None, set()),
    ):
        assert chosen_sources(sources, wanted).tables == tables, wanted
