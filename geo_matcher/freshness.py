"""How old each table of a release is, and whether its producer has a newer one.

Hides how a vintage is read as a date, that a newer edition may stand at another address, and that
servers are asked side by side: each file once, and one that does not answer no more.
"""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeVar
from urllib.parse import urlsplit

import pandas as pd

from geo_matcher.errors import AbsentFileError, SourceError
from geo_matcher.gathering import editions_by_table
from geo_matcher.sources.source import Editions, Fetch, Fetched
from geo_matcher.territory import Territory

__all__ = ["Asks", "Freshness", "Upstream", "age_months", "freshness"]

Answer = TypeVar("Answer")

Upstream = Literal["newer", "same", "unknown", "unreachable", "not asked"]
"""``unknown``: the server says nothing of versions; ``not asked``: the release does not know which
file the table was read from."""

WORKERS = 32
"""Questions at the same time; one server is asked them one after the other."""

DATED = re.compile(r"\b((?:19|20)\d{2})(?:-(0[1-9]|1[0-2]))?")


class Asks(Fetch, Protocol):
    """Tells whether there is another version of a file upstream, or a file at all."""

    def is_there(self, url: str) -> bool:
        """Tell whether a server has a file at an address."""

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
    reason
        Why it is unreachable, as a build says it; else empty.
    """

    table: str
    producer: str
    vintage: str
    age_months: int | None
    upstream: Upstream
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return plain types."""
        return asdict(self)


def age_months(vintage: str, today: dt.date) -> int | None:
    """Return the whole months between the newest date in a vintage and a day.

    A year alone stands for its December, so that a table never seems older than it may be; where
    the vintage also names a month of that year, the month counts.
    """
    named = [(int(year), int(month or 0)) for year, month in DATED.findall(vintage)]
    if not named:
        return None
    year, month = max(named)
    month = month or 12
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
    answers: Mapping[str, list[_Told]] = {}
    if asks is not None and files:
        asks = _Servers(asks)
        with ThreadPoolExecutor(max_workers=WORKERS) as pool:
            one_by_one = {
                name: [pool.submit(_asked, asks, file) for file in of_table]
                for name, of_table in files.items()
            }
            for name, editions in editions_by_table().items():
                if name in files:
                    held = frozenset(file.url for file in files[name])
                    departement = territory.about.departement
                    one_by_one[name].append(
                        pool.submit(_has_newer, asks, editions, held, departement, today)
                    )
            answers = {name: [a.result() for a in found] for name, found in one_by_one.items()}
    return tuple(
        Freshness(
            table.name,
            table.producer,
            table.vintage,
            age_months(table.vintage, today),
            *_together(answers.get(table.name, [])),
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


class _Servers:
    """Asks the servers of others, each one question at a time, until it does not answer."""

    def __init__(self, asks: Asks) -> None:
        self._asks = asks
        self._lock = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}
        self._silent: dict[str, str] = {}
        self._known: dict[Fetched, bool | None] = {}

    def __call__(self, url: str, *, expected: str) -> Fetched:
        return self._ask(url, lambda: self._asks(url, expected=expected))

    def is_there(self, url: str) -> bool:
        return self._ask(url, lambda: self._asks.is_there(url))

    def is_newer_upstream(self, fetched: Fetched) -> bool | None:
        def answer() -> bool | None:
            if fetched not in self._known:
                self._known[fetched] = self._asks.is_newer_upstream(fetched)
            return self._known[fetched]

        return self._ask(fetched.final_url or fetched.url, answer)

    def _ask(self, url: str, question: Callable[[], Answer]) -> Answer:
        host = urlsplit(url).netloc
        with self._lock:
            turn = self._turns.setdefault(host, threading.Lock())
        with turn:
            if host in self._silent:
                raise SourceError(self._silent[host])
            try:
                return question()
            except AbsentFileError:
                raise
            except SourceError as error:
                self._silent[host] = str(error)
                raise


class _Told(NamedTuple):
    """What a producer has, and why it is not known."""

    upstream: Upstream
    reason: str = ""


NOT_ASKED = _Told("not asked")


def _asked(asks: Asks, file: Fetched) -> _Told:
    try:
        is_newer = asks.is_newer_upstream(file)
    except SourceError as error:
        return _Told("unreachable", str(error))
    if is_newer is None:
        return _Told("unknown")
    return _Told("newer" if is_newer else "same")


def _has_newer(
    asks: Asks, editions: Editions, held: frozenset[str], departement: str, today: dt.date
) -> _Told:
    """Tell whether an edition is out that is newer than the one that a table was read from."""
    newer: list[tuple[str, ...]] = []
    hosts = {urlsplit(url).netloc for url in held}
    try:
        for edition in editions(asks, departement, today):
            if edition.problem:
                return _Told("unreachable", edition.problem)
            if not held.isdisjoint(edition.urls):
                break
            newer.append(edition.urls)
        else:
            # Older than all that are looked for; or, from no such host, not from these files.
            newer = [urls for urls in newer if urlsplit(urls[0]).netloc in hosts]
        is_out = any(all(asks.is_there(url) for url in urls) for urls in newer)
    except SourceError as error:
        return _Told("unreachable", str(error))
    return _Told("newer" if is_out else "same")


def _together(answers: list[_Told]) -> _Told:
    order: tuple[Upstream, ...] = ("newer", "unreachable", "unknown", "same")
    by_upstream = {told.upstream: told for told in reversed(answers)}
    return next((by_upstream[known] for known in order if known in by_upstream), NOT_ASKED)
