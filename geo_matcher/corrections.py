"""What town halls and advisers correct in a release: signed, dated, beside the official value.

Hides what may be corrected, in which form, how the build takes it over, and when the source has
changed under it. Sources are never edited: a correction is a row of its own, with the value that it
stands against, and people are shown both. One that is withdrawn goes to a table of its own, with
whoever withdrew it. What a commune could gain points by cannot be corrected: it may say whom to
call, and that a place has closed. What opens, or is better than counted, comes with its source.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from types import MappingProxyType
from typing import Any, Literal

import pandas as pd

from geo_matcher.errors import DataError

__all__ = [
    "CORRECTABLE",
    "CORRECTIONS_FILE",
    "WITHDRAWN_FILE",
    "Correction",
    "Standing",
    "State",
    "Withdrawal",
    "correct",
    "corrected",
    "correction_problems",
    "replaced_by",
    "standings",
    "with_correction",
    "with_withdrawal",
    "withdraw",
    "withdrawals",
    "without_correction",
]

CORRECTIONS_FILE = "source/corrections.csv"
WITHDRAWN_FILE = "source/withdrawn_corrections.csv"
COMMUNES, OPEN, CLOSED = "communes", "open", "no"
OFFICIALLY_OPEN = "yes"
MAX_CELL = 300
ID_LENGTH = 8
BETWEEN_PLACES = "; "
POINT = re.compile(r"(-?\d+(?:\.\d+)?) (-?\d+(?:\.\d+)?)")
MOVED_KM = 0.2
"""A shop that is listed farther from where one was listed is another one, in km."""

KM_PER_DEGREE = 111.2
State = Literal["same", "agrees", "changed"]
"""What the source says now: what it said on the day of the correction, what the correction says,
or something else."""

PLACE_COLUMNS: Mapping[str, str] = MappingProxyType({"workplaces": "name", "shops": "kind"})
"""Tables of places of which one may be said to have closed, and the column that names it."""

FORMS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "town_hall_address": (r"[^\n]{5,200}", "an address of 5 to 200 characters"),
        "town_hall_phone": (
            r"(0|\+33 ?)[1-9]([ .]?[0-9]{2}){4}",
            "a French number of ten digits such as 05 62 09 24 11, or +33 and nine",
        ),
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

KEPT_FORMS: Mapping[str, str] = MappingProxyType({"town_hall_phone": r"\+?[0-9][0-9 .]{5,20}"})
"""Forms that were enough once: a correction that was signed under them stays."""

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
        What it is now, and what the source said on that day. For a shop that is where its kind was
        listed in the commune, as longitude and latitude in degrees.
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

    @property
    def id(self) -> str:
        """A short name, made of all that it says."""
        said = "\n".join(astuple(self)).encode()
        return hashlib.sha256(said).hexdigest()[:ID_LENGTH]


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A correction that counts no more.

    Attributes
    ----------
    correction
        What it said.
    withdrawn_by, withdrawn_day, withdrawn_reason
        Name and role of whoever withdrew it, when as ISO 8601, and why.
    """

    correction: Correction
    withdrawn_by: str
    withdrawn_day: str
    withdrawn_reason: str

    def as_dict(self) -> dict[str, str]:
        """Return it as a row of its table."""
        signed = {name: getattr(self, name) for name in WITHDRAWN_BY}
        return asdict(self.correction) | signed


@dataclass(frozen=True, slots=True)
class Standing:
    """A correction in force, and what the source says by now.

    Attributes
    ----------
    correction
        What it says.
    official_now
        What the source says now, in the form of ``official_value``; empty where it says nothing.
    state
        See :data:`State`.
    """

    correction: Correction
    official_now: str
    state: State

    def as_dict(self) -> dict[str, Any]:
        """Return plain types, with None where there is nothing."""
        own = {name: value or None for name, value in asdict(self.correction).items()}
        return {
            "id": self.correction.id,
            **own,
            "official_now": self.official_now or None,
            "state": self.state,
        }


COLUMNS = tuple(field.name for field in fields(Correction))
WITHDRAWN_BY = ("withdrawn_by", "withdrawn_day", "withdrawn_reason")
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
        standing = [one for one in _in_force(source) if _key(one) == _key(made)]
        raise DataError(
            f"{insee_code}: {column} is {official!r} in the source already."
            + "".join(
                f" Withdraw the correction that stands with `geo-matcher data withdraw {one.id}`."
                for one in standing
            )
        )
    return Correction(**{**asdict(made), "official_value": official})


def withdraw(
    source: Mapping[str, pd.DataFrame], named: str, *, who: str, reason: str, day: dt.date
) -> Withdrawal:
    """Return the withdrawal of a correction that is in force.

    Parameters
    ----------
    source
        Source tables of the release by name.
    named
        Id of the correction, see :func:`standings`.
    who, reason, day
        Name and role of whoever signs the withdrawal, why, and when.

    Raises
    ------
    DataError
        If no such correction is in force, or the signature is not in the form it needs.
    """
    in_force = _in_force(source)
    found = next((one for one in in_force if one.id == named.strip().lower()), None)
    if found is None:
        ids = ", ".join(one.id for one in in_force) or "none"
        raise DataError(
            f"No correction {named[:40]!r} is in force; in force: {ids}. "
            "`geo-matcher data corrections` tells what each says."
        )
    made = Withdrawal(found, who.strip(), day.isoformat(), reason.strip())
    if problems := _withdrawal_problems(made):
        raise DataError("The withdrawal is refused: " + "; ".join(problems), problems)
    return made


def with_correction(kept: pd.DataFrame | None, added: Correction) -> pd.DataFrame:
    """Return the table of corrections with one more; it takes the place of one on the same cell."""
    row = pd.DataFrame([asdict(added)], columns=list(COLUMNS))
    if kept is None:
        return row
    rows = pd.concat([kept[list(COLUMNS)], row], ignore_index=True)
    return rows.drop_duplicates(list(KEY), keep="last").sort_values(list(KEY), ignore_index=True)


def replaced_by(kept: pd.DataFrame | None, added: Correction) -> list[Withdrawal]:
    """Return the correction of the same cell, if any, as withdrawn by whoever signs the new one."""
    reason = f"replaced by correction {added.id}"
    return [
        Withdrawal(one, added.who, added.day, reason)
        for one in ([] if kept is None else _rows(kept))
        if _key(one) == _key(added)
    ]


def without_correction(kept: pd.DataFrame, withdrawn: Withdrawal) -> pd.DataFrame:
    """Return the table of corrections without one.

    Raises
    ------
    DataError
        If the table does not hold it: it was withdrawn or replaced meanwhile.
    """
    ids = [one.id for one in _rows(kept)]
    wanted = withdrawn.correction.id
    if wanted not in ids:
        raise DataError(f"Correction {wanted} is in force no more: nothing is left to withdraw.")
    return kept[[own != wanted for own in ids]].reset_index(drop=True)


def with_withdrawal(kept: pd.DataFrame | None, added: Withdrawal) -> pd.DataFrame:
    """Return the table of withdrawn corrections with one more, oldest first."""
    row = pd.DataFrame([added.as_dict()], columns=[*COLUMNS, *WITHDRAWN_BY])
    return row if kept is None else pd.concat([kept, row], ignore_index=True)


def withdrawals(source: Mapping[str, pd.DataFrame]) -> tuple[Withdrawal, ...]:
    """Return the corrections of a release that were withdrawn, oldest first.

    Parameters
    ----------
    source
        Source tables by name.
    """
    table = source.get("withdrawn_corrections")
    if table is None:
        return ()
    signed = table[list(WITHDRAWN_BY)].itertuples(index=False, name=None)
    return tuple(Withdrawal(one, *by) for one, by in zip(_rows(table), signed, strict=True))


def standings(source: Mapping[str, pd.DataFrame]) -> tuple[Standing, ...]:
    """Return the corrections of a release that are in force, and what the source says by now.

    Parameters
    ----------
    source
        Source tables by name, as the sources gave them.
    """
    return tuple(
        Standing(one, now := _official(one, source) or "", _state(one, now))
        for one in _in_force(source)
    )


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
    problems = [
        f"withdrawn_corrections: {one.correction.id}: {text}"
        for one in withdrawals(tables)
        for text in _withdrawal_problems(one)
    ]
    for one in _in_force(tables):
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


def _in_force(source: Mapping[str, pd.DataFrame]) -> list[Correction]:
    return _rows(source["corrections"]) if "corrections" in source else []


def _key(one: Correction) -> tuple[str, ...]:
    return tuple(getattr(one, name) for name in KEY)


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
    meant = frame[_are_meant(frame, one)]
    if meant.empty:
        return None
    if not {"lon", "lat"} <= set(meant.columns):
        return OFFICIALLY_OPEN
    points = sorted(zip(meant["lon"].tolist(), meant["lat"].tolist(), strict=True))
    return BETWEEN_PLACES.join(f"{lon} {lat}" for lon, lat in points)


def _state(one: Correction, now: str) -> State:
    if one.table == COMMUNES:
        said, then, wanted = (_bare(text) for text in (now, one.official_value, one.value))
        if said == then:
            return "same"
        return "agrees" if said == wanted else "changed"
    if not now:
        return "agrees"  # what is listed no more has closed for the source, too
    if OFFICIALLY_OPEN in {one.official_value, now}:
        return "same"
    return "same" if _are_the_same_places(_points(one.official_value), _points(now)) else "changed"


def _bare(text: str) -> str:
    """Return a text without what changes nothing in it: spaces and capitals."""
    return "".join(text.split()).casefold()


def _points(text: str) -> list[tuple[float, float]]:
    return [(float(lon), float(lat)) for lon, lat in POINT.findall(text)]


def _are_the_same_places(
    before: list[tuple[float, float]], after: list[tuple[float, float]]
) -> bool:
    """Tell whether as many are listed, each near one that was."""
    return len(before) == len(after) and all(
        any(_apart_km(own, other) <= MOVED_KM for other in before) for own in after
    )


def _apart_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the distance of two near points in degrees, in km."""
    east = (one[0] - other[0]) * math.cos(math.radians(one[1]))
    return KM_PER_DEGREE * math.hypot(east, one[1] - other[1])


def _withdrawal_problems(one: Withdrawal) -> list[str]:
    problems = _signature_problems(one, ("withdrawn_by", "withdrawn_reason"))
    if one.withdrawn_day < one.correction.day:
        problems.append(f"withdrawn_day: {one.withdrawn_day} is before {one.correction.day}")
    return problems


def _signature_problems(one: object, names: Sequence[str]) -> list[str]:
    texts = {name: getattr(one, name) for name in names}
    return [
        f"{name}: expected 3 to {MAX_CELL} characters on one line"
        for name, text in texts.items()
        if not 3 <= len(text) <= MAX_CELL or not text.isprintable()
    ]


def _problems(
    one: Correction, source: Mapping[str, pd.DataFrame], *, today: dt.date | None = None
) -> list[str]:
    if one.column not in CORRECTABLE.get(one.table, ()):
        can = "; ".join(f"{table}: {', '.join(c)}" for table, c in CORRECTABLE.items())
        return [f"{one.table[:40]} {one.column[:40]} cannot be corrected; what can: {can}"]
    problems = []
    pattern, words = FORMS[one.column]
    if today is None and one.column in KEPT_FORMS:
        pattern = KEPT_FORMS[one.column]
    if not re.fullmatch(pattern, one.value):
        problems.append(f"value: found {one.value[:60]!r}, expected {words}")
    problems += _signature_problems(one, ("who", "reason", "source"))
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
