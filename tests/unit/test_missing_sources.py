from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from geo_matcher.catalog import Catalog
from geo_matcher.errors import DataError
from geo_matcher.missing_sources import declare_absent, listed_kinds

RELEASE = Path(__file__).resolve().parents[2] / "data" / "communes"
OF_CULTURE = {"cinema", "museum", "weekly_market", "plus_beaux_villages"}


def catalog_of(folder: Path, **fields: Any) -> Path:
    """Write a catalog with the tables hubs and culture alone, hubs with these fields."""
    whole = Catalog.read(RELEASE)
    release = {
        key: getattr(whole, key)
        for key in ("territory", "name_fr", "name_en", "vintage", "cog_year", "communes")
    }
    tables = [asdict(whole["hubs"]) | fields, asdict(whole["culture"])]
    text = tomlkit.dumps({"release": release, "table": tables})
    (folder / "catalog.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("fields", "found", "missing"),
    [
        ({}, {"station", "airport", *OF_CULTURE}, set()),
        ({}, {"station", "cinema", "weekly_market"}, {"airport", "museum", "plus_beaux_villages"}),
        ({"complete_kinds": "station, airport"}, {*OF_CULTURE}, set()),
        ({"complete_kinds": "station"}, {*OF_CULTURE}, {"airport"}),
    ],
    ids=["all", "three kinds without a row", "complete and empty", "one is complete"],
)
def test_a_kind_that_nobody_listed_is_told_though_its_table_is_there(
    tmp_path: Path, fields: dict[str, str], found: set[str], missing: set[str]
) -> None:
    folder = catalog_of(tmp_path, **fields)
    declare_absent(folder, listed_kinds(found, Catalog.read(folder)))
    subjects = {gap.subject for gap in Catalog.read(folder).gaps}
    assert subjects & {"station", "airport", *OF_CULTURE} == missing
    assert subjects.isdisjoint({"hubs", "culture"}), "the tables are there"
    declare_absent(folder, {"station", "airport", *OF_CULTURE})
    assert {gap.subject for gap in Catalog.read(folder).gaps} == subjects - missing


def test_what_is_no_kind_is_never_complete(tmp_path: Path) -> None:
    catalog = Catalog.read(catalog_of(tmp_path, complete_kinds="airports"))
    with pytest.raises(DataError, match="complete_kinds names airports, which is no kind"):
        listed_kinds((), catalog)


def test_a_third_place_will_do_for_a_coworking_space(tmp_path: Path) -> None:
    folder = catalog_of(tmp_path, name="workplaces", path="source/workplaces.csv")
    subjects = []
    for found in ({"third_place"}, {"telecentre"}):
        declare_absent(folder, found)
        gaps = Catalog.read(folder).gaps
        subjects.append({gap.subject for gap in gaps} & {"coworking", "fablab", "telecentre"})
    assert subjects == [{"telecentre"}, {"coworking"}]
    told = next(gap.text_fr for gap in gaps if gap.subject == "coworking")
    assert told == "Les coworkings et tiers-lieux ne figurent pas dans cette version."
