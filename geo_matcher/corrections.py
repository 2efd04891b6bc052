"""What town halls and advisers correct in a release: signed, dated, beside the official value.

Hides what may be corrected, in which form, and how the build takes it over. Sources are never
edited: a correction is a row of its own, with the value that it stands against, and people are
shown both. What a commune could gain points by cannot be corrected: it may say whom to call, and
that a place has closed. What opens, or is better than counted, comes with its source.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType

import pandas as pd

from geo_matcher.errors import DataError

__all__ = [
    "CORRECTABLE",
    "CORRECTIONS_FILE",
    "Correction",
    "correct",
    "corrected",
    "correction_problems",
    "with_correction",
]

CORRECTIONS_FILE = "source/corrections.csv"
COMMUNES, OPEN, CLOSED = "communes", "open", "no"
OFFICIALLY_OPEN = "yes"
MAX_CELL = 300
PLACE_COLUMNS: Mapping[str, str] = MappingProxyType({"workplaces": "name", "shops": "kind"})
"""Tables of places of which one may be said to have closed, and the column that names it."""

FORMS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "town_hall_address": (r"[^\n]{5,200}", "an address of 5 to 200 characters"),
        "town_hall_phone": (r"\+?[0-9][0-9 .]{5,20}", "a number such as 05 62 09 24 11"),
        "town_hall_email": (
            r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+",
            "an address such as mairie@example.fr",
        ),
        "town_hall_website": (
            r"https?://[A-Za-z0-9.-]+(/[A-Za-z0-9._~/?=&%-]*)?",
            "an address that begins with https://",
        ),
        OPEN: (CLOSED, f"{CLOSED}: only that a place has closed can be said here"),
    }
)
"""What the values of each column look like, as a pattern and in words."""

CORRECTABLE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        COMMUNES: tuple(column for column in FORMS if column != OPEN),
        **dict.fromkeys(PLACE_COLUMNS, (OPEN,)),
    }
)
"""Columns that can be corrected, by table."""


@dataclass(frozen=True, slots=True)
class Correction:
    """One signed override.

    Attributes
    ----------
    insee_code
        The commune.
    table, place, column
        What is corrected: ``communes`` has no place; in ``workplaces`` it is named by its name, in
        ``shops`` by its kind, which stands for all of that kind in the commune.
    value, official_value
        What it is now, and what the source said on that day.
    who
        Name and role of whoever signs it.
    day
        When, as ISO 8601.
    reason, source
        Why, and what shows it.
    """

    insee_code: str
    table: str
    place: str
    column: str
    value: str
    official_value: str
    who: str
    day: str
    reason: str
    source: str


COLUMNS = tuple(field.name for field in fields(Correction))
KEY = ("insee_code", "table", "place", "column")


def correct(
    source: Mapping[str, pd.DataFrame],
    *,
    insee_code: str,
    column: str,
    value: str,
    who: str,
    reason: str,
    shown_by: str,
    day: dt.date,
    table: str = COMMUNES,
    place: str = "",
) -> Correction:
    """Return a correction against what the source tables say.

    Parameters
    ----------
    source
        Source tables of the release by name.
    insee_code, table, place, column, value, who, reason, day
        See :class:`Correction`.
    shown_by
        Its source.

    Raises
    ------
    DataError
        If that cannot be corrected, or anything is not in the form it needs; all is told at once.
    """
    made = Correction(
        insee_code, table, place.strip(), column, value.strip(), "", who.strip(), day.isoformat(),
        reason.strip(), shown_by.strip(),
    )  # fmt: skip
    if problems := _problems(made, source, today=day):
        raise DataError("The correction is refused: " + "; ".join(problems), problems)
    official = _official(made, source) or ""
    if official == made.value:
        raise DataError(f"{insee_code}: {column} is {official!r} in the source already.")
    return Correction(**{**asdict(made), "official_value": official})


def with_correction(kept: pd.DataFrame | None, added: Correction) -> pd.DataFrame:
    """Return the table of corrections with one more; it takes the place of one on the same cell."""
    row = pd.DataFrame([asdict(added)], columns=list(COLUMNS))
    if kept is None:
        return row
    rows = pd.concat([kept[list(COLUMNS)], row], ignore_index=True)
    return rows.drop_duplicates(list(KEY), keep="last").sort_values(list(KEY), ignore_index=True)


def corrected(source: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the source tables as the build takes them: with the corrections applied to copies.

    Parameters
    ----------
    source
        Source tables by name; without a table of corrections they are returned as they are.

    Raises
    ------
    DataError
        If a correction is not one that may be made; all are told at once.
    """
    tables = dict(source)
    if "corrections" not in tables:
        return tables
    if problems := correction_problems(tables):
        raise DataError("Corrections are refused: " + "; ".join(problems), problems)
    for one in _rows(tables["corrections"]):
        name = _source_table(one.table)
        frame = tables[name]
        if one.table == COMMUNES:
            frame = frame.copy()
            frame.loc[frame["insee_code"] == one.insee_code, one.column] = one.value
        else:
            frame = frame[~_are_meant(frame, one)].reset_index(drop=True)
        tables[name] = frame
    return tables


def correction_problems(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return what is wrong with the corrections of a release, for its gate.

    Parameters
    ----------
    tables
        The tables of the release, derived or source, by name.
    """
    if "corrections" not in tables:
        return []
    problems = []
    for one in _rows(tables["corrections"]):
        where = f"corrections: {one.insee_code} {one.table} {one.place} {one.column}"
        problems += [f"{where}: {text}" for text in _problems(one, tables)]
        communes = tables.get("communes")
        if communes is not None and one.table == COMMUNES and one.column in communes:
            own = communes.loc[communes["insee_code"] == one.insee_code, one.column]
            if list(own) not in ([one.value], []):
                problems.append(f"{where}: the release says {next(iter(own))!r}, not its value")
    return problems


def _rows(table: pd.DataFrame) -> list[Correction]:
    return [Correction(*row) for row in table[list(COLUMNS)].itertuples(index=False, name=None)]


def _source_table(table: str) -> str:
    return "communes_source" if table == COMMUNES else table


def _are_meant(frame: pd.DataFrame, one: Correction) -> pd.Series:
    return (frame["insee_code"] == one.insee_code) & (frame[PLACE_COLUMNS[one.table]] == one.place)


def _official(one: Correction, source: Mapping[str, pd.DataFrame]) -> str | None:
    """Return what the source says; None where it knows no such commune or place."""
    frame = source.get(_source_table(one.table))
    if frame is None:
        return None
    if one.table == COMMUNES:
        own = frame.loc[frame["insee_code"] == one.insee_code, one.column]
        return str(own.iloc[0]) if len(own) else None
    return OFFICIALLY_OPEN if _are_meant(frame, one).any() else None


def _problems(
    one: Correction, source: Mapping[str, pd.DataFrame], *, today: dt.date | None = None
) -> list[str]:
    if one.column not in CORRECTABLE.get(one.table, ()):
        can = "; ".join(f"{table}: {', '.join(c)}" for table, c in CORRECTABLE.items())
        return [f"{one.table[:40]} {one.column[:40]} cannot be corrected; what can: {can}"]
    problems = []
    pattern, words = FORMS[one.column]
    if not re.fullmatch(pattern, one.value):
        problems.append(f"value: found {one.value[:60]!r}, expected {words}")
    for name in ("who", "reason", "source"):
        text = getattr(one, name)
        if not 3 <= len(text) <= MAX_CELL or not text.isprintable():
            problems.append(f"{name}: expected 3 to {MAX_CELL} characters on one line")
    if today is not None and one.day > today.isoformat():
        problems.append(f"day: {one.day} is to come")
    # A place that has left its list since is no fault of a correction made before: both say closed.
    if _official(one, source) is None and (today is not None or one.table == COMMUNES):
        problems.append(
            f"{one.table}: the source has no {one.place[:60] or 'commune'!r} in {one.insee_code}"
            + _what_there_is(one, source)
        )
    return problems


def _what_there_is(one: Correction, source: Mapping[str, pd.DataFrame]) -> str:
    frame = source.get(one.table)
    if frame is None or one.table == COMMUNES:
        return ""
    names: Sequence[str] = sorted(
        set(frame.loc[frame["insee_code"] == one.insee_code, PLACE_COLUMNS[one.table]])
    )
    return f"; it has {', '.join(names)}" if names else "; it has none there"
