from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from geo_matcher.criteria import CRITERIA
from geo_matcher.destinations import DESTINATIONS, HUB_CITIES
from geo_matcher.errors import DataError
from geo_matcher.newcomers import POPULATION, population
from geo_matcher.presets import PRESETS
from geo_matcher.profile import CRITERIA_OF, Profile
from geo_matcher.territory import Territory
from geo_matcher.territory_file import (
    TAKEN_KEYS,
    TERRITORY_FILE,
    TerritoryFile,
    parse_territory_file,
    read_territory_file,
)
from geo_matcher.towns import in_service, served

GOOD: dict[str, Any] = {
    "departement": "46",
    "names": {"the_fr": "le Lot", "in_fr": "dans le Lot", "of_fr": "du Lot", "the_en": "the Lot"},
    "town": [
        {"key": "cahors", "insee_code": "46042", "name": "Cahors", "role": "seat"},
        {"key": "brive", "insee_code": "19031", "name": "Brive", "client_share": 0.5},
    ],
}


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    data = copy.deepcopy(GOOD)
    change(data)
    return data


def test_the_shipped_file_is_read(territory: Territory) -> None:
    about = territory.about
    assert about == read_territory_file(territory.folder)
    assert hash(about) == hash(read_territory_file(territory.folder))
    assert about.seat is not None
    assert (about.seat.key, about.default_scope) == ("auch", "partners")
    assert about.network is not None
    assert about.network.partners_published == 47


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda d: d.pop("departement"), "give either departement or communes"),
        (lambda d: d.update(communes=["46042"]), "give either departement or communes"),
        (lambda d: d.update(departement="974"), "974 lies overseas"),
        (lambda d: d.update(departement="4"), "departement: found '4'"),
        (lambda d: d.update(departement="", communes=["46042", "46042"]), "given twice"),
        (lambda d: d.update(colour="red"), "colour: unknown key"),
        (lambda d: d["names"].pop("in_fr"), "names.in_fr: missing"),
        (lambda d: d["town"][0].update(key="station"), "'station' is the name of another"),
        (lambda d: d["town"][0].update(key="brive"), "key 'brive' is given to two towns"),
        (
            lambda d: d["town"][0].update(key="Cahors"),
            "town 1 ('Cahors'), key: found 'Cahors', expected 2 to 40 small",
        ),
        (
            lambda d: d["town"][0].update(name="{raw}"),
            "town 1 ('cahors'), name: found '{raw}', expected a name",
        ),
        (lambda d: d["town"][0].update(role="king"), "town 1 ('cahors'), role: found 'king'"),
        (lambda d: d["town"][1].pop("key"), "town 2, key: missing"),
        (lambda d: d.update(departement="x"), "expected the code of a département"),
        (lambda d: d["town"][1].update(role="seat"), "two towns have the role 'seat'"),
        (lambda d: d["town"][0].update(client_share=0.6), "add up to more than 1"),
        (lambda d: d.update(network={"name": "N"}), "network.published_year: missing"),
        (
            lambda d: d.update(network={"name": "N", "published_year": 2099}),
            "network: published_year: found 2099, expected 20",
        ),
        (
            lambda d: d.update(
                network={
                    "name": "N",
                    "published_year": 2025,
                    "partners_published": 61,
                    "communes_published": 60,
                }
            ),
            "network: partners_published: found 61, expected 60 at most",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    with pytest.raises(DataError) as refusal:
        parse_territory_file(changed(change))
    assert any(problem in found for found in refusal.value.problems), refusal.value.problems
    assert all(found.startswith(TERRITORY_FILE) for found in refusal.value.problems)


def test_all_problems_are_told_at_once() -> None:
    def change(data: dict[str, Any]) -> None:
        data["colour"] = "red"
        data["names"].pop("of_fr")
        data["town"][0]["insee_code"] = "4604"

    with pytest.raises(DataError) as refusal:
        parse_territory_file(changed(change))
    assert len(refusal.value.problems) == 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [(None, "holds no territory.toml"), (b"\xff", "not valid TOML"), (b"a = ", "not valid TOML")],
)
def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, text: bytes | None, problem: str
) -> None:
    if text is not None:
        (tmp_path / TERRITORY_FILE).write_bytes(text)
    with pytest.raises(DataError, match=problem):
        read_territory_file(tmp_path)


def test_a_file_of_somebody_is_called_by_its_own_name(tmp_path: Path) -> None:
    mine = tmp_path / "lot.toml"
    with pytest.raises(DataError, match=r"lot\.toml does not exist"):
        read_territory_file(mine)
    mine.write_text('colour = "red"\n', encoding="utf-8")
    with pytest.raises(DataError) as refusal:
        read_territory_file(mine)
    assert "lot.toml: colour: unknown key" in refusal.value.problems
    mine.write_text("a = ", encoding="utf-8")
    with pytest.raises(DataError, match=r"lot\.toml is not valid TOML"):
        read_territory_file(mine)


@pytest.mark.parametrize("code", ["2A", "2B"])
def test_corsica_is_a_territory(code: str) -> None:
    about = parse_territory_file(changed(lambda d: d.update(departement=code, town=[])))
    assert about.holds(f"{code}004")
    assert not about.holds("20004")


def test_what_is_made_of_towns_is_that_of_the_territory_in_service() -> None:
    lot = parse_territory_file(GOOD)
    before = list(CRITERIA)
    with in_service(lot):
        assert served() is lot
        assert list(HUB_CITIES) == ["cahors", "brive"]
        assert "cahors_min" in CRITERIA
        assert set(CRITERIA_OF["mobility"]) >= {"cahors_min", "brive_min"}
        assert [d.name for d in DESTINATIONS][-2:] == ["cahors", "brive"]
        assert not any(name.endswith("-consultant") for name in PRESETS)
        assert dict(POPULATION["client_city"]) == {"none": 0.5, "brive": 0.5}
        assert sum(share for _, share in POPULATION["preset"]) == pytest.approx(1)
        assert {p.client_city for p in population(40)} <= {None, "brive"}
        assert len(Profile().weights) == len(CRITERIA) == len(before) - 5
    assert list(CRITERIA) == before


def test_a_territory_without_towns_has_no_criterion_of_a_town() -> None:
    bare = parse_territory_file(changed(lambda d: d.pop("town")))
    with in_service(bare):
        assert set(CRITERIA_OF["mobility"]) == {"station_min", "airport_min"}
        assert Profile().weights.sum() == pytest.approx(1)


def test_no_town_can_take_the_name_of_another_destination() -> None:
    bare = parse_territory_file(changed(lambda d: d.pop("town")))
    with in_service(bare):
        names = {destination.name for destination in DESTINATIONS}
        names |= {name.removesuffix("_min") for name in CRITERIA if name.endswith("_min")}
    assert names <= TAKEN_KEYS


def test_a_territory_file_is_a_value() -> None:
    first, second = parse_territory_file(GOOD), parse_territory_file(copy.deepcopy(GOOD))
    assert first == second
    assert hash(first) == hash(second)
    assert first != parse_territory_file(changed(lambda d: d.pop("town")))
    assert isinstance(first, TerritoryFile)
