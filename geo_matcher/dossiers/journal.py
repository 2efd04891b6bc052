"""How a change of a file becomes events, and until when its personal data may be kept.

Hides the version that edits are checked against, the difference that a late edit is shown, and the
rule of the end date. Used by every module that changes files.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_matcher.dossiers.accounts import Account
from geo_matcher.dossiers.fields import (
    FIELDS,
    Draft,
    draft_of,
    email_key,
    name_key,
    plain_values,
    readable_profile,
)
from geo_matcher.dossiers.records import ConsentRow, DossierRow, EventRow, UserRow
from geo_matcher.dossiers.stages import Stage, add_months
from geo_matcher.errors import StaleEditError, UnknownDossierError

__all__ = [
    "ANONYMOUS_NAME",
    "CLOSED_MONTHS",
    "OPEN_MONTHS",
    "SETTLED_MONTHS",
    "check_version",
    "draft_in",
    "file_named",
    "fill",
    "record",
    "renew_end",
    "unreadable_in",
]

OPEN_MONTHS = 36
"""Months after the last change for which the data of an open file is kept."""

CLOSED_MONTHS = 24
"""Months after closing."""

SETTLED_MONTHS = 36
"""Months after settling: the last follow-up, and a year to report on it."""

ANONYMOUS_NAME = "–"
"""What stands for a name that is gone."""


def file_named(session: Session, key: str, *, for_change: bool = False) -> DossierRow:
    """Return the row of a file; one that was merged gives the file it went into.

    Parameters
    ----------
    key
        Key of the file.
    for_change
        Whether to keep others from changing it until the transaction ends.

    Raises
    ------
    UnknownDossierError
        If there is none.
    """
    query = select(DossierRow).where(DossierRow.key == (key if key.isalnum() else ""))
    row = session.scalar(query.with_for_update() if for_change else query)
    while row is not None and row.merged_into_id is not None:
        query = select(DossierRow).where(DossierRow.id == row.merged_into_id)
        row = session.scalar(query.with_for_update() if for_change else query)
    if row is None:
        raise UnknownDossierError(
            f"No file has the key {key[:16]!r}. It may be of another database: search for it."
        )
    return row


def draft_in(session: Session, row: DossierRow) -> Draft:
    """Return the fields of a row."""
    data = {name: getattr(row, name) for name in FIELDS if name != "adviser"}
    data["members"] = _readable(row.members)
    login = None
    if row.adviser_id is not None:
        login = session.scalar(select(UserRow.login).where(UserRow.id == row.adviser_id))
    return draft_of(data | {"adviser": login})


def _readable(members: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"label": one.get("label", ""), "profile": readable_profile(one["profile"])[0].as_dict()}
        for one in members
    ]


def unreadable_in(row: DossierRow) -> tuple[str, ...]:
    """Return the names of what the profiles of a file ask for that this program does not know."""
    lost = [name for one in row.members for name in readable_profile(one["profile"])[1]]
    return tuple(dict.fromkeys(lost))


def fill(row: DossierRow, draft: Draft, adviser_id: int | None) -> None:
    """Write the fields into a row, with what they are compared by.

    What the household looks for stays as it was kept unless it was changed, so that an edit of a
    telephone number takes nothing out of it that only another release can read.
    """
    for name, value in plain_values(draft).items():
        is_same = name == "members" and bool(row.members) and value == _readable(row.members)
        if name != "adviser" and not is_same:
            setattr(row, name, value)
    row.adviser_id = adviser_id
    row.email_key = email_key(draft.email)
    row.name_key = name_key(draft.name)


def record(
    session: Session,
    row: DossierRow,
    at: dt.datetime,
    by: Account,
    kind: str,
    field: str = "",
    before: Any = None,
    after: Any = None,
    *,
    is_personal: bool = False,
) -> None:
    """Add an event to a file.

    Parameters
    ----------
    at, by
        When, and who.
    kind, field
        What was done, and to what.
    before, after
        Plain values.
    is_personal
        Whether the values tell of the person, and so go when the file is made anonymous.
    """
    session.add(
        EventRow(
            dossier_id=row.id,
            version=row.version,
            at=at,
            actor_id=by.id,
            actor=by.login,
            kind=kind,
            field=field,
            before=before,
            after=after,
            is_personal=is_personal,
        )
    )


def check_version(
    session: Session, row: DossierRow, seen: int, wanted: Mapping[str, Any], now: Mapping[str, Any]
) -> None:
    """Refuse a change of a file that somebody else changed since it was read.

    Parameters
    ----------
    seen
        The version that was read.
    wanted
        What each field was to become, in plain types.
    now
        What each field is, in plain types.

    Raises
    ------
    StaleEditError
        If the version is another; it holds the difference field by field.
    """
    if seen == row.version:
        return
    later = session.scalars(
        select(EventRow)
        .where(EventRow.dossier_id == row.id, EventRow.version > seen)
        .order_by(EventRow.id)
    )
    read = dict(now)
    touched: list[str] = []
    for event in later:
        if event.field in now and event.field not in touched:
            touched.append(event.field)
            read[event.field] = event.before
    differences = {
        name: (read[name], wanted.get(name, read[name]), now[name])
        for name in now
        if name in touched or (name in wanted and wanted[name] != read[name])
    }
    raise StaleEditError(
        f"File {row.key} is at version {row.version} and the change was made on version {seen}. "
        f"Fields that differ: {', '.join(differences) or 'none'}. "
        "Look at the difference, then change the new version.",
        differences,
        row.version,
    )


def renew_end(session: Session, row: DossierRow) -> None:
    """Set the day until which the personal data of a file is kept.

    It is counted from settling, closing or the last change, and never lies after the end of the
    consent to be accompanied; a consent that was withdrawn ends it at once, and only one that was
    given later counts again, whichever file it came from.
    """
    consents = session.scalars(
        select(ConsentRow)
        .where(ConsentRow.dossier_id == row.id, ConsentRow.what == "accompany")
        .order_by(ConsentRow.id)
    )
    row.keep_until = _end(row, _consent_end(consents.all()))


def _consent_end(consents: Sequence[ConsentRow]) -> dt.date | None:
    withdrawn = [(one.withdrawn_on, one.id) for one in consents if one.withdrawn_on is not None]
    if not withdrawn:
        return max((one.until for one in consents), default=None)
    last = max(withdrawn)  # the number tells what came later on one day
    later = [one for one in consents if not one.withdrawn_on and (one.given_on, one.id) > last]
    return max((one.until for one in later), default=last[0])


def _end(row: DossierRow, last_consent: dt.date | None) -> dt.date:
    if row.settled_on is not None:
        end = add_months(row.settled_on, SETTLED_MONTHS)
    elif row.stage == Stage.CLOSED:
        end = add_months(row.stage_since.date(), CLOSED_MONTHS)
    else:
        end = add_months(row.changed_at.date(), OPEN_MONTHS)
    return end if last_consent is None else min(end, last_consent)
