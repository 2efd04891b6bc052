"""The command that plans a visit."""

from __future__ import annotations

import json
from pathlib import Path

from icalendar import Calendar
from typer.testing import CliRunner, Result

from geo_matcher import cli
from geo_matcher.errors import DriveError

FAMILY = ("--profile-name", "paris-web-family")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["visit", *arguments])


def test_a_visit_in_words_and_as_a_calendar(tmp_path: Path) -> None:
    path = tmp_path / "visit.ics"
    shown = call(
        *FAMILY, "--from", "auch", "--count", "3", "--day", "2027-03-11", "--ics", str(path)
    )
    assert shown.exit_code == 0, shown.output
    assert "back in Auch at" in shown.stdout
    assert "of the best choice" in shown.stdout
    assert len(Calendar.from_ical(path.read_bytes()).walk("VEVENT")) == 3
    answer = json.loads(call(*FAMILY, "--from", "32013", "--count", "3", "--format", "json").stdout)
    assert len(answer["stops"]) == 3
    for stop in answer["stops"]:
        assert stop["name"] in shown.stdout


def test_a_named_village_is_seen() -> None:
    answer = call(
        *FAMILY, "--from", "auch", "--village", "nogaro", "--count", "2", "--format", "json"
    )
    assert "32296" in {stop["insee_code"] for stop in json.loads(answer.stdout)["stops"]}


def test_a_calendar_needs_a_day(tmp_path: Path) -> None:
    found = call(*FAMILY, "--from", "auch", "--ics", str(tmp_path / "visit.ics"))
    assert isinstance(found.exception, DriveError)
    assert "--day" in str(found.exception)
    assert not (tmp_path / "visit.ics").exists()
