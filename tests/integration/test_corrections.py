"""Corrections: signed, beside the official value, and never one that lifts a commune's score."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from api.village_words import correction_sentences
from geo_matcher.commune import describe_commune
from geo_matcher.corrected_release import set_correction
from geo_matcher.corrections import CORRECTABLE, CORRECTIONS_FILE, correct
from geo_matcher.errors import DataError
from geo_matcher.release_store import ReleaseStore
from geo_matcher.territory import Territory
from tests.integration.commands import Run

JEGUN = "32162"
NASTY = "<script>alert(1)</script> C. Martin"
CALL = (
    "data", "correct", "--commune", "Jegun", "--who", NASTY, "--reason", "It has changed",
    "--source", "letter of the town hall, 3 June 2026",
)  # fmt: skip
PHONE = (*CALL, "--column", "town_hall_phone", "--value", "05 62 00 00 00")
CLOSED = (*CALL, "--table", "shops", "--place", "bakery", "--column", "open", "--value", "no")


@pytest.fixture
def store(tmp_path: Path, small_gers: Territory) -> ReleaseStore:
    store = ReleaseStore(tmp_path / "store")
    store.publish(small_gers.folder, gate=lambda _: None)
    return store


def test_both_values_are_shown_and_the_effect_is_told_before_it_is_accepted(
    run: Run, store: ReleaseStore, small_gers: Territory
) -> None:
    territory = small_gers
    official = str(territory.communes.at[JEGUN, "town_hall_phone"])
    of_store = ("--release", str(store.folder))
    refused = run(*of_store, *CLOSED, typed="n\n")
    assert (refused.code, "Nothing was changed" in refused.err) == (2, True)
    told = re.search(r"paris-web-family: (\d+) of \d+ move.*?itself: (\d+) → (\d+)", refused.text)
    assert told
    moved, then, now = map(int, told.groups())
    assert moved > 0
    assert now >= then, "a commune without its bakery does not rise"
    assert store.current == territory.release_id
    accepted = run(*of_store, *PHONE, "--yes").text
    assert "corrected, release" in accepted
    assert "paris-web-family: 0 of" in accepted
    corrected = Territory.load(store.folder)
    assert corrected.communes.at[JEGUN, "town_hall_phone"] == "05 62 00 00 00"
    source = corrected.tables["communes_source"].set_index("insee_code")
    assert source.at[JEGUN, "town_hall_phone"] == official, "sources are never edited"
    with TestClient(create_app(Settings(release=store.folder), corrected)) as client:
        (phone,) = client.get(f"/api/v1/communes/{JEGUN}").json()["corrections"]
        assert (phone["value"], phone["official_value"]) == ("05 62 00 00 00", official)
        assert (phone["place"], phone["who"]) == (None, NASTY)
        page = client.get(f"/communes/{JEGUN}?lang=en", follow_redirects=True).text
        assert official in page.replace("\u00a0", " ")
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
        assert client.get("/api/v1/communes/32013").json()["corrections"] == []


def test_nothing_that_brings_points_can_be_corrected() -> None:
    assert {table: columns for table, columns in CORRECTABLE.items() if table != "communes"} == {
        "workplaces": ("open",), "shops": ("open",),
    }  # fmt: skip
    assert all(column.startswith("town_hall_") for column in CORRECTABLE["communes"])
    assert not {"town_hall_lon", "town_hall_lat"} & set(CORRECTABLE["communes"])


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"column": "population", "value": "9000"}, "cannot be corrected; what can: communes: "),
        ({"table": "broadband_fixed", "column": "mci_premises"}, "cannot be corrected"),
        ({"value": "call us"}, "value: found 'call us', expected a French number"),
        ({"value": "05 62 06 00"}, "of ten digits such as 05 62 09 24 11, or +33 and nine"),
        ({"shown_by": " "}, "source: expected 3 to 300 characters"),
        ({"who": "x\ny and more"}, "who: expected 3 to 300 characters on one line"),
        ({"insee_code": "32999"}, "the source has no 'commune' in 32999"),
        ({"table": "shops", "place": "pharmacy", "column": "open", "value": "no"}, "it has bakery"),
        ({"table": "shops", "place": "bakery", "column": "open", "value": "yes"}, "only that a"),
    ],
)
def test_what_is_refused_is_told(territory: Territory, said: dict[str, str], message: str) -> None:
    asked = {
        "insee_code": JEGUN, "column": "town_hall_phone", "value": "05 62 00 00 00",
        "who": "C. Martin, adviser", "reason": "It has changed", "shown_by": "a letter", **said,
    }  # fmt: skip
    with pytest.raises(DataError) as refused:
        correct(territory.tables, day=dt.date(2026, 6, 3), **asked)
    assert message in str(refused.value)


def test_the_gate_refuses_a_correction_that_was_written_by_hand(
    tmp_path: Path, small_gers: Territory
) -> None:
    release_copy = Path(shutil.copytree(small_gers.folder, tmp_path / "communes"))
    territory = small_gers
    made = correct(
        territory.tables, insee_code=JEGUN, table="shops", place="bakery", column="open",
        value="no", who="C. Martin, adviser", reason="It has changed", shown_by="a letter",
        day=dt.date(2026, 6, 3),
    )  # fmt: skip
    closed = set_correction(release_copy, made)
    own = closed.places[closed.places["insee_code"] == JEGUN]
    assert "bakery" not in set(own["kind"])
    assert describe_commune(closed, JEGUN)["corrections"][0]["official_value"] == (
        "0.47767 43.75569; 0.47767 43.75569"
    ), "where the source lists them"
    (said, _) = correction_sentences(describe_commune(closed, JEGUN)["corrections"][0], "en")
    assert said == "Bakery: closed. Official value: open."
    path = release_copy / CORRECTIONS_FILE
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    rows.assign(table="communes", place="", column="town_hall_lon", value="0.5").to_csv(
        path, index=False
    )
    with pytest.raises(DataError) as refused:
        Territory.load(release_copy)
    assert any("town_hall_lon cannot be corrected" in text for text in refused.value.problems)
