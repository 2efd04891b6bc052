"""Which servers are asked whether they have something newer, and how often."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pandas as pd

from geo_matcher.errors import AbsentFileError, SourceError
from geo_matcher.freshness import freshness
from geo_matcher.sources.source import Fetched
from geo_matcher.territory import Territory


class Servers:
    """One that does not answer, one without a file, and good ones."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def is_newer_upstream(self, fetched: Fetched) -> bool | None:
        self.asked.append(fetched.url)
        if "down.example" in fetched.url:
            raise SourceError("no sign of life")
        if "gone" in fetched.url:
            raise AbsentFileError("404")
        return "new" in fetched.url

    def is_there(self, url: str) -> bool:
        raise SourceError(f"{url} gives no sign of life")

    def __call__(self, url: str, *, expected: str) -> Fetched:
        raise SourceError(f"no {expected} at {url}")


def test_each_file_is_asked_for_once_and_a_silent_server_once(territory: Territory) -> None:
    rows = [
        ("shops", "https://down.example/a.csv"),
        ("schools", "https://down.example/b.csv"),
        ("hospitals", "https://up.example/gone.csv"),
        ("hubs", "https://up.example/new.csv"),
        ("culture", "https://up.example/old.csv"),
        ("climate_projections", "https://up.example/old.csv"),
    ]
    known = pd.DataFrame(rows, columns=["table", "url"]).assign(
        final_url="", etag="", last_modified="", bytes=1, sha256=""
    )
    asked = replace(territory, tables={**territory.tables, "fetched": known})
    servers = Servers()
    said = {row.table: row.upstream for row in freshness(asked, dt.date(2026, 11, 27), servers)}
    assert sorted(servers.asked) == [
        "https://down.example/a.csv",
        "https://up.example/gone.csv",
        "https://up.example/new.csv",
        "https://up.example/old.csv",
    ]
    assert [said[table] for table, _ in rows] == [
        "unreachable", "unreachable", "unreachable", "newer", "same", "same",
    ]  # fmt: skip
