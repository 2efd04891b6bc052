"""What is added to a file: notes, tasks, visits, consents.

Hides that none of it needs the version of the file, so that nobody is held up, and that each leaves
an event that names it without repeating its text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_matcher.dossiers.accounts import Account
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.desk import add_consent, adviser_id, change_file
from geo_matcher.dossiers.dossier import Dossier, whole_file
from geo_matcher.dossiers.fields import CONSENTS, MAX_NOTE_CHARS, Consent, checked_text
from geo_matcher.dossiers.journal import record, renew_end
from geo_matcher.dossiers.records import ConsentRow, DossierRow, NoteRow, TaskRow, VisitRow
from geo_matcher.dossiers.stages import is_insee_code
from geo_matcher.errors import DossierError, UnknownDossierError

__all__ = [
    "MAX_VISIT_COMMUNES",
    "add_note",
    "add_task",
    "finish_task",
    "give_consent",
    "plan_visit",
    "update_visit",
    "withdraw_consent",
]

MAX_VISIT_COMMUNES = 10
"""Communes of one visit at most."""

MAX_TASK_CHARS = 300
MAX_IMPRESSION_CHARS = 5_000

OwnRow = TypeVar("OwnRow", TaskRow, VisitRow)


def add_note(db: Database, key: str, text: str, *, by: Account) -> Dossier:
    """Add a note to a file.

    Raises
    ------
    DossierError
        If it is empty or too long.
    UnknownDossierError
        If there is no such file.
    AccessError
        If ``by`` may not change files.
    """
    text = checked_text(text, "note", most=MAX_NOTE_CHARS)
    with change_file(db, key, by=by) as (session, row):
        _keep_as_note(session, row, db, by, text)
        return whole_file(session, row)


def add_task(
    db: Database,
    key: str,
    text: str,
    due_on: dt.date,
    *,
    by: Account,
    assignee: str | None = None,
) -> Dossier:
    """Add something to do by a day, for the adviser in charge or somebody else.

    Raises
    ------
    DossierError
        If the text is empty or too long, or nobody can do it.
    UnknownDossierError
        If there is no such file.
    AccessError
        If ``by`` may not change files.
    """
    text = checked_text(text, "task", most=MAX_TASK_CHARS)
    with change_file(db, key, by=by) as (session, row):
        task = TaskRow(
            dossier_id=row.id,
            text=text,
            due_on=due_on,
            assignee_id=adviser_id(session, assignee),
            created_at=db.now(),
        )
        session.add(task)
        session.flush()
        _added(session, row, db, by, "task", {"id": task.id, "due_on": due_on.isoformat()})
        return whole_file(session, row)


def finish_task(db: Database, key: str, task_id: int, *, by: Account) -> Dossier:
    """Mark a task as done; doing it twice changes nothing.

    Raises
    ------
    UnknownDossierError
        If the file has no such task.
    AccessError
        If ``by`` may not change files.
    """
    with change_file(db, key, by=by) as (session, row):
        task = _own(session, row, TaskRow, task_id)
        if task.done_at is None:
            task.done_at = db.now()
            _added(session, row, db, by, "task", {"id": task.id, "is_done": True})
        return whole_file(session, row)


def plan_visit(
    db: Database, key: str, on: dt.date, communes: Sequence[str], *, by: Account
) -> Dossier:
    """Plan a visit.

    Parameters
    ----------
    on
        The day.
    communes
        INSEE codes, in the order of the tour.

    Raises
    ------
    DossierError
        If there is no commune, too many, one twice, or one that is no code.
    UnknownDossierError
        If there is no such file.
    AccessError
        If ``by`` may not change files.
    """
    codes = list(communes)
    is_fit = 1 <= len(codes) <= MAX_VISIT_COMMUNES and len(set(codes)) == len(codes)
    if not is_fit or not all(map(is_insee_code, codes)):
        raise DossierError(
            f"communes: expected 1 to {MAX_VISIT_COMMUNES} different INSEE codes, such as 32249."
        )
    with change_file(db, key, by=by) as (session, row):
        visit = VisitRow(
            dossier_id=row.id, on=on, communes=codes, impression="", is_cancelled=False
        )
        session.add(visit)
        session.flush()
        after = {"id": visit.id, "on": on.isoformat(), "communes": codes}
        _added(session, row, db, by, "visit", after, is_personal=True)
        return whole_file(session, row)


def update_visit(
    db: Database,
    key: str,
    visit_id: int,
    *,
    by: Account,
    impression: str | None = None,
    is_cancelled: bool | None = None,
) -> Dossier:
    """Write down how a visit was, or that it will not be.

    Nothing that was said is lost: an impression that another one replaces becomes a note, unless
    the new one holds it.

    Parameters
    ----------
    impression
        How it was; None leaves what is there.
    is_cancelled
        Whether it will not be; None leaves what is there.

    Raises
    ------
    DossierError
        If the text is too long.
    UnknownDossierError
        If the file has no such visit.
    AccessError
        If ``by`` may not change files.
    """
    if impression is not None:
        impression = checked_text(impression, "impression", most=MAX_IMPRESSION_CHARS, least=0)
    with change_file(db, key, by=by) as (session, row):
        visit = _own(session, row, VisitRow, visit_id)
        before = {"id": visit.id, "is_cancelled": visit.is_cancelled}
        if is_cancelled is not None:
            visit.is_cancelled = is_cancelled
        if impression is not None:
            if visit.impression not in impression:
                _keep_as_note(session, row, db, by, f"{visit.on} – {visit.impression}")
            visit.impression = impression
        after = {"id": visit.id, "is_cancelled": visit.is_cancelled}
        _added(session, row, db, by, "visit", after, before, is_personal=True)
        return whole_file(session, row)


def give_consent(db: Database, key: str, consent: Consent, *, by: Account) -> Dossier:
    """Write down what a person agreed to; a new one for the same thing prolongs it.

    Raises
    ------
    DossierError
        If its days are impossible.
    UnknownDossierError
        If there is no such file.
    AccessError
        If ``by`` may not change files.
    """
    with change_file(db, key, by=by) as (session, row):
        add_consent(session, row, db.now(), by, consent)
        session.flush()
        renew_end(session, row)
        return whole_file(session, row)


def withdraw_consent(db: Database, key: str, what: str, *, by: Account) -> Dossier:
    """Write down that a person takes a consent back.

    Without the consent to be accompanied, the person's data ends today.

    Raises
    ------
    DossierError
        If nothing of the kind was agreed to.
    UnknownDossierError
        If there is no such file.
    AccessError
        If ``by`` may not change files.
    """
    if what not in CONSENTS:
        raise DossierError(f"what: expected one of {', '.join(CONSENTS)}.")
    with change_file(db, key, by=by) as (session, row):
        rows = session.scalars(
            select(ConsentRow).where(
                ConsentRow.dossier_id == row.id,
                ConsentRow.what == what,
                ConsentRow.withdrawn_on.is_(None),
            )
        ).all()
        if not rows:
            raise DossierError(f"what: the person gave no consent {what!r} to take back.")
        for one in rows:
            one.withdrawn_on = db.today()
        _added(session, row, db, by, "consent", {"what": what, "is_withdrawn": True})
        session.flush()
        renew_end(session, row)
        return whole_file(session, row)


def _keep_as_note(session: Session, row: DossierRow, db: Database, by: Account, text: str) -> None:
    note = NoteRow(dossier_id=row.id, at=db.now(), author=by.login, text=text)
    session.add(note)
    session.flush()
    _added(session, row, db, by, "note", {"id": note.id})


def _added(
    session: Session,
    row: DossierRow,
    db: Database,
    by: Account,
    kind: str,
    after: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
    *,
    is_personal: bool = False,
) -> None:
    record(session, row, db.now(), by, kind, kind, before, dict(after), is_personal=is_personal)
    row.changed_at = db.now()
    renew_end(session, row)


def _own(session: Session, row: DossierRow, table: type[OwnRow], number: int) -> OwnRow:
    found = session.get(table, number)
    if found is None or found.dossier_id != row.id:
        raise UnknownDossierError(
            f"File {row.key} has no {table.__tablename__[:-1]} {number}. Look at the file again."
        )
    return found
