"""A person's data: why and until when it is kept, and how it goes.

Hides what tells of a person in each table. Making a file anonymous takes names, addresses, free
text, profiles and the personal values of events out of it, and keeps what counts: stage, sector,
track, origin among big cities, commune and month of settling, persons. What is past its end goes by
:func:`purge`; what a person asks to be erased goes at once, and no backup brings it back
(:mod:`geo_matcher.dossiers.backups`).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session

from geo_matcher.dossiers.accounts import SYSTEM, Account, Right, require
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.dossier import (
    family,
    follow_ups_where,
    tasks_where,
    visits_where,
    whole_file,
)
from geo_matcher.dossiers.fields import FIELDS, Draft, plain_values
from geo_matcher.dossiers.journal import ANONYMOUS_NAME, draft_in, file_named, record
from geo_matcher.dossiers.reading import log_read
from geo_matcher.dossiers.records import (
    ConsentRow,
    DossierRow,
    ErasureRow,
    EventRow,
    FollowUpRow,
    NoteRow,
    ReadRow,
    ShortlistRow,
    TaskRow,
    VisitRow,
)
from geo_matcher.errors import DossierError

__all__ = [
    "FieldEnd",
    "ends_of",
    "erase_again",
    "erase_person",
    "erased_keys",
    "export_person",
    "overdue",
    "purge",
]


@dataclass(frozen=True, slots=True)
class FieldEnd:
    """Until when a field of a file is kept, and why.

    Attributes
    ----------
    field, label_fr, label_en
        Which field.
    purpose_fr, purpose_en
        What it is needed for.
    ends_on
        The day after which it goes; None for what tells of nobody and stays as a count.
    """

    field: str
    label_fr: str
    label_en: str
    purpose_fr: str
    purpose_en: str
    ends_on: dt.date | None


def ends_of(db: Database, key: str, *, by: Account) -> tuple[FieldEnd, ...]:
    """Return, for each field of a file, why and until when it is kept.

    Raises
    ------
    UnknownDossierError
        If there is no such file.
    AccessError
        If ``by`` may not read files: the end is counted from the day of settling.
    """
    require(by, Right.READ)
    with db.reading() as session:
        end = file_named(session, key).keep_until
    return tuple(
        FieldEnd(
            facts.name,
            facts.label_fr,
            facts.label_en,
            facts.purpose_fr,
            facts.purpose_en,
            end if facts.is_personal else None,
        )
        for facts in FIELDS.values()
    )


def overdue(db: Database, *, by: Account = SYSTEM) -> tuple[str, ...]:
    """Return the keys of the files whose personal data is past its end.

    Raises
    ------
    AccessError
        If ``by`` may not erase.
    """
    require(by, Right.ERASE)
    with db.reading() as session:
        return tuple(row.key for row in session.scalars(_overdue(db.today())))


def purge(db: Database, *, by: Account = SYSTEM) -> tuple[str, ...]:
    """Make every file anonymous whose personal data is past its end, and return their keys.

    Each is written down as in :func:`erase_person`, so that no backup brings it back.

    Raises
    ------
    AccessError
        If ``by`` may not erase.
    """
    require(by, Right.ERASE)
    with db.writing() as session:
        rows = session.scalars(_overdue(db.today()).with_for_update()).all()
        for row in rows:
            _anonymise(session, row, db.now(), by)
            _write_down(session, row, db.now())
    if rows:
        db.settle()
    return tuple(row.key for row in rows)


def _overdue(today: dt.date) -> Select[DossierRow]:
    return (
        select(DossierRow)
        .where(
            DossierRow.keep_until <= today,
            DossierRow.anonymised_at.is_(None),
            DossierRow.merged_into_id.is_(None),
        )
        .order_by(DossierRow.id)
    )


def erase_person(db: Database, key: str, *, by: Account) -> None:
    """Make a file anonymous because its person asks for it, with all that was merged into it.

    It is written down under its key, which says nothing of the person, so that a restored
    backup is erased again, and older ones are dropped in time.

    Raises
    ------
    DossierError
        If it is anonymous already.
    UnknownDossierError
        If there is no such file.
    AccessError
        If ``by`` may not erase.
    """
    require(by, Right.ERASE)
    with db.writing() as session:
        row = file_named(session, key, for_change=True)
        if row.anonymised_at is not None:
            raise DossierError(f"File {row.key} is anonymous already: nothing is left to erase.")
        _anonymise(session, row, db.now(), by)
        _write_down(session, row, db.now())
    db.settle()


def _write_down(session: Session, row: DossierRow, now: dt.datetime) -> None:
    for number in family(session, row):
        key = session.get_one(DossierRow, number).key
        if session.get(ErasureRow, key) is None:
            session.add(ErasureRow(key=key, at=now))


def erased_keys(db: Database) -> dict[str, dt.datetime]:
    """Return the keys of the files that were erased or past their end, with the moment."""
    with db.reading() as session:
        return {row.key: row.at for row in session.scalars(select(ErasureRow))}


def erase_again(db: Database, keys: dict[str, dt.datetime]) -> int:
    """Erase, in a restored database, the files that were erased since; return how many there are.

    Parameters
    ----------
    keys
        What :func:`erased_keys` gave before.
    """
    count = 0
    with db.writing() as session:
        for key, at in sorted(keys.items()):
            row = session.scalar(select(DossierRow).where(DossierRow.key == key))
            if row is not None and row.anonymised_at is None:
                _anonymise(session, row, db.now(), SYSTEM)
                count += 1
            if session.get(ErasureRow, key) is None:
                session.add(ErasureRow(key=key, at=at))
    if count:
        db.settle()
    return count


def export_person(db: Database, key: str, *, by: Account) -> bytes:
    """Return everything that is kept of a person, as JSON that they can read and take elsewhere.

    Raises
    ------
    UnknownDossierError
        If there is no such file.
    AccessError
        If ``by`` may not export.
    """
    require(by, Right.EXPORT)
    with db.writing() as session:
        row = file_named(session, key)
        log_read(session, db.now(), by, "person export", row)
        file = whole_file(session, row)
        ids = family(session, row)
        merged = [session.get_one(DossierRow, number) for number in ids[1:]]
        of_family = [DossierRow.id.in_(ids)]
        shortlists = session.scalars(
            select(ShortlistRow).where(ShortlistRow.dossier_id.in_(ids)).order_by(ShortlistRow.id)
        )
        reads = session.execute(
            select(ReadRow.at, ReadRow.actor, ReadRow.what)
            .where(ReadRow.dossier_id.in_(ids))
            .order_by(ReadRow.id)
        )
        content: dict[str, Any] = {
            "key": file.key,
            "opened_at": file.opened_at,
            "stage": file.stage.value,
            "kept_until": file.keep_until,
            "fields": plain_values(file.draft) if file.draft else {},
            "purposes": {facts.name: facts.purpose_fr for facts in FIELDS.values()},
            "settled": file.settled,
            "consents": [
                kept.consent.model_dump(mode="json") | {"withdrawn_on": kept.withdrawn_on}
                for kept in file.consents
            ],
            "notes": file.notes,
            "tasks": tasks_where(session, of_family),
            "visits": visits_where(session, of_family),
            "follow_ups": follow_ups_where(session, of_family),
            "merged_files": [
                {
                    "key": one.key,
                    "opened_at": one.opened_at,
                    "fields": plain_values(draft_in(session, one)),
                    "settled": {
                        "commune": one.settled_commune,
                        "on": one.settled_on,
                        "persons": one.persons,
                        "left_on": one.left_on,
                    },
                }
                for one in merged
                if one.anonymised_at is None
            ],
            "shortlists": [
                {
                    "at": one.at,
                    "release": one.release,
                    "profile": one.profile,
                    "remark": one.remark,
                    "villages": one.villages,
                }
                for one in shortlists
            ],
            "history": file.events,
            "read_by": [{"at": at, "who": actor, "what": what} for at, actor, what in reads],
        }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2)


# --- Making a file anonymous -------------------------------------------------------------------


def _anonymise(session: Session, row: DossierRow, now: dt.datetime, by: Account) -> None:
    ids = family(session, row)
    empty = plain_values(Draft(name=ANONYMOUS_NAME))
    for one in (session.get_one(DossierRow, number) for number in ids):
        for name, facts in FIELDS.items():
            if facts.is_personal and getattr(one, name) != empty[name]:
                setattr(one, name, empty[name])
        one.email_key = one.name_key = ""
        # In a small village the exact day would tell who it was; the month still counts.
        one.settled_on = one.settled_on and one.settled_on.replace(day=1)
        one.left_on = one.left_on and one.left_on.replace(day=1)
        one.keep_until = one.keep_until.replace(day=1)  # counted from the day of settling
        one.anonymised_at = one.changed_at = now
        one.version += 1
        session.execute(
            update(EventRow)
            .where(
                EventRow.dossier_id == one.id,
                EventRow.is_personal.is_(True),
                EventRow.erased_at.is_(None),
            )
            .values(before=None, after=None, erased_at=now)
        )
        record(session, one, now, by, "anonymised")
    for table in (NoteRow, TaskRow):
        session.execute(delete(table).where(table.dossier_id.in_(ids)))
    for visit in session.scalars(select(VisitRow).where(VisitRow.dossier_id.in_(ids))):
        visit.communes, visit.impression, visit.on = [], "", visit.on.replace(day=1)
    for asked in session.scalars(select(FollowUpRow).where(FollowUpRow.dossier_id.in_(ids))):
        asked.hard, asked.due_on = "", asked.due_on.replace(day=1)
        asked.answered_on = asked.answered_on and asked.answered_on.replace(day=1)
    session.execute(update(ConsentRow).where(ConsentRow.dossier_id.in_(ids)).values(wording=""))
    session.execute(
        update(ShortlistRow)
        .where(ShortlistRow.dossier_id.in_(ids))
        .values(profile={}, remark="", snapshot="", villages=[], weights={})
    )
    session.flush()
