"""Drives over HTTP: the numbers of the command line, shapes held, bad input refused whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import shapely.geometry
from fastapi.testclient import TestClient
from pydantic import BaseModel, TypeAdapter, ValidationError
from typer.testing import CliRunner

from api.access_models import (
    BasketAnswer,
    CatchmentsAnswer,
    DestinationName,
    DestinationsAnswer,
    IsochroneAnswer,
    KindAnswer,
    PairAnswer,
    PeopleAnswer,
    SupplyAnswer,
    WheelAnswer,
)
from geo_matcher.cli import app as cli
from geo_matcher.destinations import DESTINATIONS
from geo_matcher.presets import PRESETS
from geo_matcher.territory import Territory
from tests.integration.further_tables import add_apl, without_cinemas

V1 = "/api/v1/access"
JEGUN = "32162"
FAMILY = PRESETS["paris-web-family"].profile


pytestmark = pytest.mark.usefixtures("read_once")


def told(*arguments: str) -> Any:
    result = CliRunner().invoke(cli, ["access", *arguments, "--format", "json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("path", "command", "shape"),
    [
        ("from/auch", "from auch", DestinationsAnswer),
        ("from/32013/to/condom", "from 32013 to condom", PairAnswer),
        ("from/32013/to/64445", "from 32013 to 64445", PairAnswer),
        ("from/auch/to/toulouse", "from auch to toulouse", PairAnswer),
        ("to/station", "to station", KindAnswer),
        ("isochrones/32013?minutes=12", "isochrone 32013 --minutes 12", IsochroneAnswer),
        ("baskets/augnax", "basket augnax", BasketAnswer),
        (
            "baskets/32014?kind=college&kind=bakery",
            "basket 32014 --kind college --kind bakery",
            BasketAnswer,
        ),
        ("people/mauvezin", "people mauvezin", PeopleAnswer),
        ("supply/workplace", "supply workplace", SupplyAnswer),
        (
            "catchments/telecentre?minutes=15",
            "catchments telecentre --minutes 15",
            CatchmentsAnswer,
        ),
    ],
)
def test_answers_are_those_of_the_command_line(
    client: TestClient, territory: Territory, path: str, command: str, shape: type[BaseModel]
) -> None:
    response = client.get(f"{V1}/{path}")
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer == told(*command.split())
    shape.model_validate(answer)
    assert answer["release"] == territory.release_id
    assert answer["network"] == "town_halls"
    if "etag" in response.headers:
        again = client.get(f"{V1}/{path}", headers={"If-None-Match": response.headers["etag"]})
        assert again.status_code == 304


def test_every_destination_can_be_asked_for() -> None:
    adapter = TypeAdapter(DestinationName)
    for known in DESTINATIONS:
        assert adapter.validate_python(known.name) == known.name
    assert adapter.json_schema()["enum"] == [known.name for known in DESTINATIONS]
    with pytest.raises(ValidationError, match="found 'cahors'; expected 'coworking'"):
        adapter.validate_python("cahors")


def test_catchments_are_geojson_that_others_read(client: TestClient) -> None:
    response = client.get(f"{V1}/catchments/coworking?minutes=20")
    assert response.headers["content-type"] == "application/geo+json"
    answer = response.json()
    shapes = [shapely.geometry.shape(one["geometry"]) for one in answer["features"]]
    assert all(shape.is_valid for shape in shapes)
    *_, desert = answer["features"]
    assert desert["properties"]["kind"] == "desert"
    assert desert["properties"]["inhabitants"] == answer["inhabitants"]["none"]
    reached = {code for one in answer["features"][:-1] for code in one["properties"]["communes"]}
    assert len(reached) == answer["communes_reached"]
    assert not reached & set(desert["properties"]["communes"])
    assert len(reached) + len(desert["properties"]["communes"]) == 458


def test_hours_at_the_wheel(client: TestClient, tmp_path: Path) -> None:
    asked = {
        "profile": FAMILY.as_dict(),
        "commune": "Augnax",
        "habits": {"coworking_days": 3, "teenagers_share": 0.5},
    }
    response = client.post(f"{V1}/wheel", json=asked)
    assert response.status_code == 200, response.text
    answer = response.json()
    WheelAnswer.model_validate(answer)
    path = tmp_path / "family.json"
    path.write_text(json.dumps(FAMILY.as_dict()), encoding="utf-8")
    assert answer == told(
        "wheel", "augnax", "--profile", str(path), "--coworking-days", "3",
        "--teenagers-share", "0.5",
    )  # fmt: skip
    assert answer["hours"] == pytest.approx(
        sum(drive["minutes_week"] for drive in answer["drives"]) / 60, abs=0.01
    )
    assert answer["status"] == "upper_bound"
    assert answer["low_hours"] <= answer["hours"]


@pytest.mark.parametrize(
    ("path", "status", "found"),
    [
        ("from/atlantis", 404, "atlantis"),
        ("from/32013/to/atlantis", 404, "atlantis"),
        ("to/moon", 422, "coworking"),
        ("isochrones/32013?minutes=0", 422, "minutes"),
        ("isochrones/32013?minutes=121", 422, "minutes"),
        ("isochrones/32013?minutes=nan", 422, "minutes"),
        ("isochrones/32013", 422, "minutes"),
        ("baskets/32013?kind=moon", 422, "coworking"),
        ("supply/doctor", 422, "not how much of it there is"),
        ("catchments/bakery?minutes=15", 422, "30 at most"),
        ("catchments/coworking?minutes=46", 422, "minutes"),
        ("catchments/coworking?minutes=11.5", 422, "minutes"),
        ("baskets/" + "a" * 81, 422, "80"),
    ],
)
def test_bad_input_is_refused_with_a_reason(
    client: TestClient, path: str, status: int, found: str
) -> None:
    response = client.get(f"{V1}/{path}")
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert found in " ".join(response.json()["problems"])


@pytest.mark.parametrize(
    "habits", [{"coworking_days": 8}, {"teenagers_share": -1}, {"naps": 3}, {"school_days": "many"}]
)
def test_a_week_that_nobody_lives_is_refused(client: TestClient, habits: dict[str, Any]) -> None:
    asked = {"profile": {}, "commune": "32013", "habits": habits}
    response = client.post(f"{V1}/wheel", json=asked)
    assert response.status_code == 422
    assert next(iter(habits)) in response.text


# --- In words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("basket augnax", ["From Augnax: 20.8 min for 8 errands in one round", "Mauvezin", "home"]),
        ("people 32249", ["12,569", "30 min", "town hall to town hall"]),
        ("supply workplace", ["places for 10,000", "16 places, shared within 10, 20 and 30 min"]),
        ("catchments telecentre --minutes 15", ["Télécentre de Lombez", "in no catchment", "159"]),
        (
            "wheel augnax --profile-name paris-web-family",
            ["Augnax: at most 4.0 hours a week", "school", "coworking"],
        ),
    ],
)
def test_in_words(command: str, words: list[str]) -> None:
    result = CliRunner().invoke(cli, ["access", *command.split()])
    assert result.exit_code == 0, result.output
    for word in words:
        assert word in result.stdout


def test_what_cannot_be_had_and_what_is_published_are_told(
    small_gers: Territory, tmp_path: Path
) -> None:
    folder = tmp_path / "communes"
    shutil.copytree(small_gers.folder, folder)
    add_apl(folder, {JEGUN: 2.4})
    without_cinemas(folder)
    runner = CliRunner()
    release = ["--release", str(folder), "access"]
    people = runner.invoke(cli, [*release, "people", JEGUN])
    assert "2.4 consultations a year and inhabitant, 2023" in people.stdout, people.output
    basket = runner.invoke(cli, [*release, "basket", JEGUN, "--kind", "cinema"])
    assert "From Jegun not all of it can be had." in basket.stdout, basket.output
    told_json = runner.invoke(
        cli, [*release, "basket", JEGUN, "--kind", "cinema", "--format", "json"]
    )
    BasketAnswer.model_validate(json.loads(told_json.stdout))
