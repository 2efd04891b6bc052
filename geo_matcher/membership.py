"""Which communes belong to the network, since when, and how we know.

The network publishes two numbers, 47 partner villages and 172 communes reached by coworking and
telecentres, but no list. This module hides how a list is made all the same: what is sourced stays
sourced, the rest is completed by a fixed rule and marked ``reconstructed``
(``docs/decisions/0004-reconstructed-membership.md``). As soon as the network gives its own list,
:func:`read_partner_list` reads it and nothing is reconstructed any more.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from geo_matcher.errors import DataError

__all__ = [
    "GIVEN_LIST",
    "MEMBERSHIP_COLUMNS",
    "PARTNER_LIST_COLUMNS",
    "NetworkReach",
    "partner_membership",
    "read_partner_list",
    "solve_reach",
]

MEMBERSHIP_COLUMNS = (
    "insee_code", "group", "valid_from", "valid_to", "evidence", "source",
)  # fmt: skip
GIVEN_LIST = "partners: list given by the network"
"""What a partner of the network's own list has for a source."""

PARTNER_LIST_COLUMNS = ("insee_code", "valid_from", "valid_to")

MIN_DAILY_SERVICES = 2
"""Kinds of everyday shop or service (of eight) that a reconstructed partner has at least: a bourg
with real services."""

NOT_PARTNER_STATUS = "programme_seat"
"""Evidence that tells against being a partner village: the prefecture, seat of the programme."""

MAX_LIST_BYTES = 1_000_000
"""Size above which a partner list is refused unread."""


@dataclass(frozen=True, slots=True)
class NetworkReach:
    """Communes within a time of a coworking space, telecentre or third place.

    Attributes
    ----------
    minutes
        The threshold T, in minutes.
    insee_codes
        The communes within it, sorted.
    published
        The count that T was chosen to meet.
    """

    minutes: float
    insee_codes: tuple[str, ...]
    published: int


def solve_reach(minutes: pd.Series, published: int, step_min: float = 0.01) -> NetworkReach:
    """Find the threshold whose count of communes is nearest to the published one.

    Parameters
    ----------
    minutes
        Minutes from each commune (index ``insee_code``) to the nearest work place.
    published
        The count to meet.
    step_min
        Resolution of the threshold, in minutes. The smallest threshold wins a tie.

    Raises
    ------
    DataError
        If no time is known.
    """
    known = minutes.dropna()
    if known.empty:
        raise DataError(
            "No commune has a known time to a work place, so the reach of the network cannot be "
            "solved. Add coworking spaces, telecentres or third places to workplaces.csv."
        )
    steps = np.unique(np.ceil(known.to_numpy() / step_min - 1e-9).astype(np.int64))
    counts = np.array([(known <= step * step_min + 1e-9).sum() for step in steps])
    best = int(np.argmin(np.abs(counts - published)))
    threshold = round(float(steps[best] * step_min), 6)
    within = known.index[known <= threshold + 1e-9]
    return NetworkReach(threshold, tuple(sorted(within)), published)


def partner_membership(
    communes: pd.DataFrame,
    evidence: pd.DataFrame,
    daily_services: Mapping[str, int],
    published: int,
    *,
    year: int,
) -> pd.DataFrame:
    """Complete the sourced partner villages by rule to the published count.

    The rule, in order: (1) communes that a source names as partners are ``sourced``; (2) communes
    where the presence of the network is documented; (3) bourgs with at least
    ``MIN_DAILY_SERVICES`` of the eight everyday services, given one at a time to the EPCI that has
    the fewest partners for its number of communes, and inside it to the best served, then the most
    populated. (2) and (3) are ``reconstructed``.

    Parameters
    ----------
    communes
        ``insee_code``, ``name``, ``population``, ``epci_code``.
    evidence
        ``partners_evidence``: ``insee_code``, ``status``, ``year``, ``source``.
    daily_services
        Number of kinds of everyday service inside each commune, by INSEE code; absent means none.
    published
        Number of partners to reach; 0 where no count is public: the sourced ones are then all that
        is known.
    year
        Year of that number.

    Returns
    -------
    pandas.DataFrame
        Columns ``MEMBERSHIP_COLUMNS``, group ``partner``, sorted by code.
    """
    inside = evidence[evidence["insee_code"].isin(communes["insee_code"])]
    excluded = set(inside.loc[inside["status"] == NOT_PARTNER_STATUS, "insee_code"])
    named = inside[inside["status"] == "partner_named"].drop_duplicates("insee_code")
    rows = [
        _row(code, f"{year if np.isnan(since) else since:.0f}-01-01", "sourced", source)
        for code, since, source in _rows(named, "insee_code", "year", "source")
    ]
    chosen = set(named["insee_code"])
    traces = inside[~inside["insee_code"].isin(chosen | excluded)].drop_duplicates("insee_code")
    rebuilt_from = f"{year}-01-01"
    traces = traces.sort_values("insee_code").head(max(0, published - len(chosen)))
    for code, status in _rows(traces, "insee_code", "status"):
        rule = f"rule 2: presence of the network documented ({status})"
        rows.append(_row(code, rebuilt_from, "reconstructed", rule))
        chosen.add(code)

    table = communes.assign(
        services=[daily_services.get(code, 0) for code in communes["insee_code"]]
    ).sort_values(["services", "population", "insee_code"], ascending=[False, False, True])
    size = table.groupby("epci_code")["insee_code"].count().to_dict()
    epci_of = dict(zip(table["insee_code"], table["epci_code"], strict=True))
    count = {epci: sum(epci_of[code] == epci for code in chosen) for epci in size}
    queue = {
        epci: [
            (code, services)
            for code, services in _rows(group, "insee_code", "services")
            if services >= MIN_DAILY_SERVICES and code not in chosen | excluded
        ]
        for epci, group in table.groupby("epci_code")
    }
    while len(chosen) < published and any(queue.values()):
        epci = min((e for e in queue if queue[e]), key=lambda e: ((count[e] + 1) / size[e], e))
        code, services = queue[epci].pop(0)
        rule = f"rule 3: bourg with {services} of 8 everyday services, next of its EPCI"
        rows.append(_row(code, rebuilt_from, "reconstructed", rule))
        chosen.add(code)
        count[epci] += 1
    return pd.DataFrame(rows, columns=list(MEMBERSHIP_COLUMNS)).sort_values(
        "insee_code", ignore_index=True
    )


def _rows(frame: pd.DataFrame, *columns: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(frame[column] for column in columns), strict=True)


def _row(code: str, valid_from: str, evidence: str, source: str) -> tuple[str, ...]:
    return (code, "partner", valid_from, "", evidence, source)


def read_partner_list(path: Path, known_codes: Collection[str]) -> pd.DataFrame:
    """Read the network's own list of partner villages.

    Parameters
    ----------
    path
        CSV in UTF-8, comma or semicolon separated, with the columns ``insee_code``, ``valid_from``
        and optionally ``valid_to`` (ISO dates; an empty ``valid_to`` means still a partner).
    known_codes
        INSEE codes of the communes of the release.

    Returns
    -------
    pandas.DataFrame
        Columns ``PARTNER_LIST_COLUMNS``, sorted by code, dates as ISO text.

    Raises
    ------
    DataError
        If anything is wrong: every problem is listed with its line, and nothing has changed.
    """
    try:
        if path.stat().st_size > MAX_LIST_BYTES:
            raise DataError(
                f"{path} has {path.stat().st_size:,} bytes; a partner list has at most "
                f"{MAX_LIST_BYTES:,}. Check that this is the right file."
            )
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Give a CSV file.") from None
    except UnicodeDecodeError:
        message = f"{path} is not UTF-8 text. Save the list as 'CSV UTF-8' and try again."
        raise DataError(message) from None
    header = text.partition("\n")[0]
    reader = csv.DictReader(text.splitlines(), delimiter=";" if ";" in header else ",")
    columns = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = columns
    problems = [
        f"line 1: column {name!r} is missing (found: {', '.join(columns) or 'nothing'})"
        for name in ("insee_code", "valid_from")
        if name not in columns
    ]
    rows: list[tuple[str, str, str]] = []
    first_line: dict[str, int] = {}
    try:
        for record in () if problems else reader:
            rows.append(_checked(record, reader.line_num, known_codes, first_line, problems))
    except csv.Error as error:
        problems.append(f"line {reader.line_num}: not a line of CSV ({error})")
    if not rows and not problems:
        problems.append("the list holds no commune; expected one line per partner village")
    if problems:
        message = f"{path} was refused and nothing has changed: " + "; ".join(problems)
        raise DataError(message, problems)
    frame = pd.DataFrame(rows, columns=list(PARTNER_LIST_COLUMNS))
    return frame.sort_values("insee_code", ignore_index=True)


def _checked(
    record: Mapping[str, str | None],
    line: int,
    known_codes: Collection[str],
    first_line: dict[str, int],
    problems: list[str],
) -> tuple[str, str, str]:
    code = (record["insee_code"] or "").strip()
    if code not in known_codes:
        problems.append(
            f"line {line}: {code!r} is no commune of this release "
            f"(expected a 5-character INSEE code such as {min(known_codes, default='32249')!r})"
        )
    if code in first_line:
        problems.append(f"line {line}: {code} is already on line {first_line[code]}")
    first_line.setdefault(code, line)
    dates: dict[str, dt.date | None] = {}
    for column in ("valid_from", "valid_to"):
        text = (record.get(column) or "").strip()
        dates[column] = None
        if not text and column == "valid_to":
            continue
        try:
            dates[column] = dt.date.fromisoformat(text)
        except ValueError:
            problems.append(
                f"line {line}: {column} {text!r} is no date (expected YYYY-MM-DD, e.g. 2014-06-30)"
            )
    start, end = dates["valid_from"], dates["valid_to"]
    if start and start > dt.date.today():
        problems.append(
            f"line {line}: valid_from {start} is in the future; give a partner once it is one"
        )
    if start and end and end < start:
        problems.append(f"line {line}: valid_to {end} is before valid_from {start}")
    return code, start.isoformat() if start else "", end.isoformat() if end else ""
