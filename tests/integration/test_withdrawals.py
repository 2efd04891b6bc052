"""Corrections that are withdrawn, and those whose official value changes under them."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from geo_matcher import clock
from geo_matcher.build import build_release, write_csv
from geo_matcher.catalog import Catalog
from geo_matcher.corrected_release import set_correction, withdraw_correction
from geo_matcher.corrections import (
    CORRECTIONS_FILE,
    WITHDRAWN_FILE,
    Correction,
    correct,
    withdraw,
)
from geo_matcher.errors import DataError
from geo_matcher.new_release import check_output
from geo_matcher.release_store import ReleaseStore
from geo_matcher.renewed_communes import renew_communes
from geo_matcher.sources.source import Area, Origin, SourceTable
from geo_matcher.tables import read_table
from geo_matcher.territory import Territory
from tests.integration.commands import Run
from tests.invented_departement import Invented, invented_release

CODE = "46005"
TODAY = dt.date(2026, 11, 26)
BY = ("--who", "C. Martin, adviser", "--reason", "It is open again")
SHOPS = "source/shops.csv"
ORIGIN = Origin(
    title_fr="a", title_en="a", producer="a", vintage="2026", licence="a", licence_url="", url="",
    quality="declared", credit_fr="a", credit_en="a",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be one day from the first line of a test to its last."""
    monkeypatch.setattr(clock, "today", lambda: TODAY)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Territory:
    """Return nine invented communes with shops and a work place, no bakery in one of them."""
    folder = tmp_path_factory.mktemp("small") / "release"
    wanted = Invented(communes=9, sources=("shops", "workplaces"))
    return set_correction(invented_release(folder, wanted).folder, closed(folder, "bakery"))


@pytest.fixture
def copy(tmp_path: Path, small: Territory) -> Path:
    return Path(shutil.copytree(small.folder, tmp_path / "release"))


def closed(folder: Path, kind: str, day: dt.date = TODAY) -> Correction:
    return correct(
        Territory.load(folder).tables, insee_code=CODE, table="shops", place=kind, column="open",
        value="no", who="B. Durand, mayor", reason="It closed", shown_by="a letter", day=day,
    )  # fmt: skip


def phone(number: str) -> dict[str, Any]:
    return {
        "insee_code": CODE, "column": "town_hall_phone", "value": number, "shown_by": "a letter",
        "who": "B. Durand, mayor", "reason": "A new number", "day": TODAY,
    }  # fmt: skip


def with_official(folder: Path, number: str) -> Territory:
    """Let the source give another number of the town hall, and build."""

    def edit(copy: Path) -> None:
        import geopandas as gpd

        path = copy / "source" / "communes.parquet"
        frame = gpd.read_parquet(path)
        frame.loc[frame["insee_code"] == CODE, "town_hall_phone"] = number
        frame.to_parquet(path, index=False)

    return build_release(folder, edit=edit)


def id_of(territory: Territory) -> str:
    (row,) = territory.tables["corrections"].itertuples(index=False, name=None)
    return Correction(*row).id


def kinds(territory: Territory) -> set[str]:
    own = territory.places[territory.places["insee_code"] == CODE]
    return set(own["kind"])


@pytest.mark.parametrize("is_store", [False, True], ids=["a plain release", "a store"])
def test_a_withdrawn_correction_stays_on_record_and_the_official_value_counts_again(
    run: Run, copy: Path, tmp_path: Path, *, is_store: bool
) -> None:
    place = copy
    if is_store:
        place = tmp_path / "store"
        ReleaseStore(place).publish(copy, gate=Territory.load)
    before = Territory.load(place)
    assert "bakery" not in kinds(before)
    call = ("--release", str(place), "data", "withdraw", id_of(before), *BY)
    refused = run(*call, typed="n\n")
    assert (refused.code, "Nothing was changed" in refused.err) == (2, True)
    assert re.search(r"paris-web-family: \d+ of \d+ move.*?itself: \S+ → \S+", refused.text)
    assert Territory.load(place).release_id == before.release_id
    assert "withdrawn, release" in run(*call, "--yes").text
    after = Territory.load(place)
    assert "bakery" in kinds(after)
    assert after.tables["corrections"].empty
    (kept,) = after.tables["withdrawn_corrections"].to_dict("records")
    assert (kept["who"], kept["place"]) == ("B. Durand, mayor", "bakery")
    assert (kept["withdrawn_by"], kept["withdrawn_reason"]) == (BY[1], BY[3])
    assert kept["withdrawn_day"] == TODAY.isoformat()
    listed = run("--release", str(place), "data", "corrections")
    assert "no correction is in force" in listed.text
    assert f"withdrawn {TODAY} by {BY[1]}: {BY[3]}" in listed.text
    again = run(*call, "--yes")
    assert again.code == 2
    assert "in force: none" in again.err


def test_a_correction_that_was_withdrawn_meanwhile_is_not_withdrawn_again(copy: Path) -> None:
    tables = Territory.load(copy).tables
    made = withdraw(tables, id_of(Territory.load(copy)), who=BY[1], reason=BY[3], day=TODAY)
    withdraw_correction(copy, made)
    with pytest.raises(DataError, match="in force no more"):
        withdraw_correction(copy, made)
    with pytest.raises(DataError, match="withdrawn_corrections"):
        check_output(copy)  # what people signed is not built over


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"named": "12345678"}, "No correction '12345678' is in force; in force: "),
        ({"who": " "}, "withdrawn_by: expected 3 to 300 characters"),
        ({"reason": "x\ny and more"}, "withdrawn_reason: expected 3 to 300 characters on one line"),
        ({"day": dt.date(2020, 1, 1)}, "withdrawn_day: 2020-01-01 is before"),
    ],
)
def test_a_withdrawal_is_signed(small: Territory, said: dict[str, Any], message: str) -> None:
    asked = {"named": id_of(small), "who": BY[1], "reason": BY[3], "day": TODAY, **said}
    with pytest.raises(DataError) as refused:
        withdraw(small.tables, asked.pop("named"), **asked)
    assert message in str(refused.value)


def test_a_source_that_changes_under_a_correction_is_told_everywhere(run: Run, copy: Path) -> None:
    with_official(copy, "05 65 00 00 01")
    set_correction(copy, correct(Territory.load(copy).tables, **phone("05 65 00 00 02")))
    of_copy = ("--release", str(copy))
    quiet = run(*of_copy, "data", "status", "--offline").text
    assert "Look at correction" not in quiet
    assert "2, of which 0 against an official value" in run(*of_copy, "data", "info").text
    after = with_official(copy, "05 65 00 00 03")
    for command in (("status", "--offline"), ("build",)):
        told = run(*of_copy, "data", *command).text
        assert "town_hall_phone): the official value has changed since." in told
        assert "'05 65 00 00 01', now '05 65 00 00 03'. Withdraw it with" in told
        assert "bakery" not in told, "its source says what it said"
    assert "2, of which 1 against an official value" in run(*of_copy, "data", "info").text
    listed = run(*of_copy, "data", "corrections", "--format", "json").json["in_force"]
    states = {one["column"]: one["state"] for one in listed}
    assert states == {"open": "same", "town_hall_phone": "changed"}
    with TestClient(create_app(Settings(release=copy), after)) as client:
        answer = client.get(f"/api/v1/communes/{CODE}").json()
        assert answer["town_hall"]["phone"] == "05 65 00 00 02"
        own = next(one for one in answer["corrections"] if one["column"] == "town_hall_phone")
        assert (own["official_value"], own["official_now"]) == ("05 65 00 00 01", "05 65 00 00 03")
        assert own["state"] == "changed"
        page = client.get(f"/communes/{CODE}?lang=en").text.replace("\u00a0", " ")
        assert "on the day of the correction: 05 65 00 00 01; now: 05 65 00 00 03." in page
        assert "The official source has changed since" in page


def test_the_same_cell_is_signed_again_against_what_the_source_says_now(copy: Path) -> None:
    first = correct(Territory.load(copy).tables, **phone("05 65 00 00 02"))
    set_correction(copy, first)
    now = set_correction(copy, correct(Territory.load(copy).tables, **phone("05 65 00 00 04")))
    assert now.communes.at[CODE, "town_hall_phone"] == "05 65 00 00 04"
    (kept,) = now.tables["withdrawn_corrections"].to_dict("records")
    assert kept["value"] == "05 65 00 00 02"
    assert re.fullmatch(r"replaced by correction [0-9a-f]{8}", kept["withdrawn_reason"])
    with pytest.raises(DataError, match=r"already. Withdraw the correction .* withdraw [0-9a-f]+"):
        correct(with_official(copy, "05 65 00 00 09").tables, **phone("05 65 00 00 09"))


def test_an_older_table_of_corrections_is_still_read(copy: Path) -> None:
    path = copy / CORRECTIONS_FILE
    rows = pd.read_csv(path, dtype=str, keep_default_na=False).assign(official_value="yes")
    rows.to_csv(path, index=False)
    assert "bakery" not in kinds(build_release(copy))


def test_a_correction_that_a_merger_replaces_goes_to_those_withdrawn(copy: Path) -> None:
    catalog = Catalog.read(copy)
    own = read_table(copy, catalog["communes_source"].path, "communes_source")
    halls = read_table(copy, catalog["town_halls"].path, "town_halls")
    stays, goes = own["insee_code"].iloc[:2]
    older, newer = (
        Correction(
            code, "workplaces", "La Forge", "open", value, "yes", "B. Durand, mayor", day,
            "It closed", "a letter",
        )
        for code, value, day in ((stays, "yes", "2026-01-01"), (goes, "no", "2026-02-01"))
    )  # fmt: skip
    write_csv(pd.DataFrame([asdict(older), asdict(newer)]), copy / CORRECTIONS_FILE)
    area = Area("46", own[own["insee_code"] != goes], halls, {goes: stays})
    tables = [
        SourceTable(name, read_table(copy, catalog[name].path, name), ORIGIN, ())
        for name in ("communes_source", "town_halls", "shops", "workplaces")
    ]
    told = renew_communes(copy, area, tables)
    assert [sentence.partition(":")[0] for sentence in told] == [
        "Correction carried", "Correction replaced",
    ]  # fmt: skip
    (kept,) = read_table(copy, WITHDRAWN_FILE, "withdrawn_corrections").to_dict("records")
    assert Correction(*(kept[name] for name in asdict(older))) == older
    in_force = replace(newer, insee_code=stays)
    assert kept["withdrawn_reason"] == f"replaced by correction {in_force.id}"
    assert "withdrawn_corrections" in Catalog.read(copy)
