"""How old each table of a release is, and whether its producer has a newer one.

Hides how a vintage is read as a date, that servers are asked side by side, each file once, and that
one which does not answer is not asked for its other files.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import pandas as pd

from geo_matcher.errors import AbsentFileError, SourceError
from geo_matcher.sources.source import Fetched
from geo_matcher.territory import Territory

__all__ = ["Asks", "Freshness", "Upstream", "age_months", "freshness"]

Upstream = Literal["newer", "same", "unknown", "unreachable", "not asked"]
"""``unknown``: the server says nothing of versions; ``not asked``: the release does not know which
file the table was read from."""

HOSTS = 16
"""Servers that are asked at the same time."""

DATED = re.compile(r"\b((?:19|20)\d{2})(?:-(0[1-9]|1[0-2]))?")


class Asks(Protocol):
    """Tells whether there is another version of a file upstream."""

    def is_newer_upstream(self, fetched: Fetched) -> bool | None:
        """Return None where the server says nothing of versions."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How fresh a source table is.

    Attributes
    ----------
    table, producer, vintage
        As in the catalog.
    age_months
        Whole months since the last day that the vintage names; None where it names none.
    upstream
        What the producer has.
    """

    table: str
    producer: str
    vintage: str
    age_months: int | None
    upstream: Upstream

    def as_dict(self) -> dict[str, Any]:
        """Return plain types."""
        return asdict(self)


def age_months(vintage: str, today: dt.date) -> int | None:
    """Return the whole months between the newest date in a vintage and a day.

    A year alone stands for its December, so that a table never seems older than it may be.
    """
    named = [(int(year), int(month or 12)) for year, month in DATED.findall(vintage)]
    if not named:
        return None
    year, month = max(named)
    return max(0, (today.year - year) * 12 + today.month - month)


def freshness(
    territory: Territory, today: dt.date, asks: Asks | None = None
) -> tuple[Freshness, ...]:
    """Return how fresh each source table of a release is, in the order of the catalog.

    Parameters
    ----------
    territory
        A loaded release.
    today
        The day to count from.
    asks
        Asks the producers; None asks nobody.
    """
    known = territory.tables.get("fetched")
    files = {} if known is None or asks is None else _files(known)
    answers: Mapping[Fetched, Upstream] = {}
    if asks is not None and files:
        by_host: dict[str, dict[Fetched, None]] = {}
        for file in (file for of_table in files.values() for file in of_table):
            by_host.setdefault(urlsplit(file.final_url or file.url).netloc, {})[file] = None
        with ThreadPoolExecutor(max_workers=HOSTS) as pool:
            found = pool.map(lambda of_host: _asked(asks, of_host), by_host.values())
            answers = {file: said for of_host in found for file, said in of_host.items()}
    return tuple(
        Freshness(
            table=table.name,
            producer=table.producer,
            vintage=table.vintage,
            age_months=age_months(table.vintage, today),
            upstream=_together([answers[file] for file in files.get(table.name, [])]),
        )
        for table in territory.catalog.tables
        if table.kind == "source" and table.name not in {"territory", "fetched"}
    )


def _files(known: pd.DataFrame) -> dict[str, list[Fetched]]:
    files: dict[str, list[Fetched]] = {}
    for row in known.itertuples(index=False):
        files.setdefault(str(row.table), []).append(
            Fetched(
                path=Path(),
                url=str(row.url),
                final_url=str(row.final_url),
                etag=str(row.etag),
                last_modified=str(row.last_modified),
                bytes=int(str(row.bytes)),
                sha256=str(row.sha256),
                day=dt.date.min,
            )
        )
    return files


def _asked(asks: Asks, files: Iterable[Fetched]) -> dict[Fetched, Upstream]:
    """Ask one server for its files, until it does not answer."""
    said: dict[Fetched, Upstream] = {}
    is_there = True
    for file in files:
        said[file] = "unreachable"
        if not is_there:
            continue
        try:
            is_newer = asks.is_newer_upstream(file)
        except SourceError as error:
            is_there = isinstance(error, AbsentFileError)
            continue
        said[file] = "unknown" if is_newer is None else "newer" if is_newer else "same"
    return said


def _together(answers: list[Upstream]) -> Upstream:
    order: tuple[Upstream, ...] = ("newer", "unreachable", "unknown", "same")
    return next((known for known in order if known in answers), "not asked")
