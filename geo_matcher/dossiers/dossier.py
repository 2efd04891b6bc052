"""A file as plain values: what reading, editing and exporting give.

Hides how rows become values. What tells of a person is left out of every ``repr``, so that no log
shows it by accident.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from dataclasses import field as detail
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from geo_matcher.dossiers.fields import Consent, Draft
from geo_matcher.dossiers.journal import draft_in, unreadable_in
from geo_matcher.dossiers.records import (
    ConsentRow,
    DossierRow,
    EventRow,
    FollowUpRow,
    NoteRow,
    ShortlistRow,
    TaskRow,
    UserRow,
    VisitRow,
)
from geo_matcher.dossiers.stages import Position, Stage, next_stages

__all__ = [
    "Dossier",
    "Event",
    "FollowUp",
    "KeptConsent",
    "Note",
    "Settled",
    "ShortlistHead",
    "Task",
    "Visit",
    "family",
    "follow_ups_where",
    "position_of",
    "tasks_where",
    "visits_where",
    "whole_file",
]


@dataclass(frozen=True, slots=True)
class Event:
    """One change: who, when, what, from what to what; values that were erased are None."""

    id: int
    at: dt.datetime
    actor: str
    kind: str
    field: str
    before: Any = detail(repr=False)
    after: Any = detail(repr=False)
    version: int
    is_erased: bool


@dataclass(frozen=True, slots=True)
class Note:
    """A note."""

    id: int
    at: dt.datetime
    author: str
    text: str = detail(repr=False)


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do by a day; ``assignee`` is a login."""

    id: int
    key: str
    text: str = detail(repr=False)
    due_on: dt.date
    assignee: str | None
    done_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit to some communes, by INSEE code, in the order of the tour."""

    id: int
    key: str
    on: dt.date
    communes: tuple[str, ...]
    impression: str = detail(repr=False)
    is_cancelled: bool


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A family asked how it is, some months after settling."""

    key: str
    months: int
    due_on: dt.date
    answered_on: dt.date | None
    is_still_there: bool | None
    hard: str = detail(repr=False)


@dataclass(frozen=True, slots=True)
class KeptConsent:
    """A consent as it is kept, with its number and whether it was withdrawn."""

    id: int
    consent: Consent
    withdrawn_on: dt.date | None

    def holds(self, on: dt.date) -> bool:
        """Tell whether it holds on a day."""
        return self.withdrawn_on is None and self.consent.given_on <= on <= self.consent.until


@dataclass(frozen=True, slots=True)
class ShortlistHead:
    """A frozen shortlist, in short; ``shortlists.read_shortlist`` gives the whole."""

    id: int
    at: dt.datetime
    author: str
    release: str
    scope: str
    remark: str = detail(repr=False)


@dataclass(frozen=True, slots=True)
class Settled:
    """Where, when and how many settled; ``left_on`` where they left again."""

    commune: str
    on: dt.date
    persons: int
    left_on: dt.date | None


@dataclass(frozen=True, slots=True)
class Dossier:
    """A file, whole.

    Attributes
    ----------
    key
        Name of the file in addresses; it says nothing of the person.
    version
        What an edit has to say that it saw.
    draft
        The fields that people type; None where the data is gone, or not to be seen by who reads.
    stage, stage_since, closed_from, closed_reason, next_stages
        Where it stands, and what may follow.
    settled
        Where the family settled; None before, and for whoever may not read files.
    keep_until, is_anonymous
        Until when the person's data is kept, None for whoever may not read files: it tells the day
        of settling; whether it is gone already.
    unreadable
        Names of what its household looks for that this program does not know; the rest is used.
    """

    key: str
    version: int
    opened_at: dt.datetime
    changed_at: dt.datetime
    stage: Stage
    stage_since: dt.datetime
    closed_from: Stage | None
    closed_reason: str | None
    next_stages: tuple[Stage, ...]
    draft: Draft | None = detail(repr=False)
    settled: Settled | None
    keep_until: dt.date | None
    is_anonymous: bool
    merged_keys: tuple[str, ...]
    consents: tuple[KeptConsent, ...]
    notes: tuple[Note, ...] = detail(repr=False)
    tasks: tuple[Task, ...] = detail(repr=False)
    visits: tuple[Visit, ...] = detail(repr=False)
    follow_ups: tuple[FollowUp, ...] = detail(repr=False)
    shortlists: tuple[ShortlistHead, ...] = detail(repr=False)
    unreadable: tuple[str, ...]
    events: tuple[Event, ...] = detail(repr=False)


def position_of(session: Session, row: DossierRow) -> Position:
    """Return what decides which steps a file may take."""
    answered = select(func.count()).where(
        FollowUpRow.dossier_id == row.id, FollowUpRow.answered_on.is_not(None)
    )
    shortlists = select(func.count()).where(ShortlistRow.dossier_id == row.id)
    return Position(
        stage=Stage(row.stage),
        closed_from=Stage(row.closed_from) if row.closed_from else None,
        has_profile=bool(row.members),
        has_shortlist=bool(session.scalar(shortlists)),
        follow_ups=session.scalar(answered) or 0,
        opened_on=row.opened_at.date(),
    )


def family(session: Session, row: DossierRow) -> list[int]:
    """Return the numbers of a file and of all that were merged into it."""
    ids = [row.id]
    for one in ids:
        ids += session.scalars(select(DossierRow.id).where(DossierRow.merged_into_id == one))
    return ids


def whole_file(session: Session, row: DossierRow, *, is_masked: bool = False) -> Dossier:
    """Return a file as plain values; masked, without what tells of the person."""
    ids = family(session, row)
    is_gone = row.anonymised_at is not None
    settled = None
    if not is_masked and row.settled_commune is not None and row.settled_on is not None:
        settled = Settled(row.settled_commune, row.settled_on, row.persons or 0, row.left_on)
    of_file: list[ColumnElement[bool]] = [DossierRow.id == row.id]
    return Dossier(
        key=row.key,
        version=row.version,
        opened_at=row.opened_at,
        changed_at=row.changed_at,
        stage=Stage(row.stage),
        stage_since=row.stage_since,
        closed_from=Stage(row.closed_from) if row.closed_from else None,
        closed_reason=row.closed_reason,
        next_stages=next_stages(position_of(session, row)),
        draft=None if is_masked or is_gone else draft_in(session, row),
        settled=settled,
        keep_until=None if is_masked else row.keep_until,
        is_anonymous=is_gone,
        merged_keys=tuple(
            session.scalars(select(DossierRow.key).where(DossierRow.id.in_(ids[1:])))
        ),
        consents=() if is_masked else _consents(session, row),
        notes=() if is_masked else _notes(session, row),
        tasks=() if is_masked else tasks_where(session, of_file),
        visits=() if is_masked else visits_where(session, of_file),
        follow_ups=() if is_masked else follow_ups_where(session, of_file),
        shortlists=() if is_masked else _shortlists(session, row),
        unreadable=() if is_masked or is_gone else unreadable_in(row),
        events=() if is_masked else _events(session, ids),
    )


def _consents(session: Session, row: DossierRow) -> tuple[KeptConsent, ...]:
    rows = session.scalars(
        select(ConsentRow).where(ConsentRow.dossier_id == row.id).order_by(ConsentRow.id)
    )
    return tuple(
        KeptConsent(
            one.id,
            Consent.model_validate(
                {
                    "what": one.what,
                    "given_on": one.given_on,
                    "until": one.until,
                    "wording": one.wording,
                }
            ),
            one.withdrawn_on,
        )
        for one in rows
    )


def _notes(session: Session, row: DossierRow) -> tuple[Note, ...]:
    rows = session.scalars(select(NoteRow).where(NoteRow.dossier_id == row.id).order_by(NoteRow.id))
    return tuple(Note(one.id, one.at, one.author, one.text) for one in rows)


def _shortlists(session: Session, row: DossierRow) -> tuple[ShortlistHead, ...]:
    rows = session.scalars(
        select(ShortlistRow).where(ShortlistRow.dossier_id == row.id).order_by(ShortlistRow.id)
    )
    return tuple(
        ShortlistHead(one.id, one.at, one.author, one.release, one.scope, one.remark)
        for one in rows
    )


def _events(session: Session, ids: Iterable[int]) -> tuple[Event, ...]:
    rows = session.scalars(
        select(EventRow).where(EventRow.dossier_id.in_(list(ids))).order_by(EventRow.id)
    )
    return tuple(
        Event(
            one.id,
            one.at,
            one.actor,
            one.kind,
            one.field,
            one.before,
            one.after,
            one.version,
            one.erased_at is not None,
        )
        for one in rows
    )


def tasks_where(session: Session, wanted: Sequence[ColumnElement[bool]]) -> tuple[Task, ...]:
    """Return the tasks that fit all conditions, by day."""
    assignee = (
        select(UserRow.login).where(UserRow.id == TaskRow.assignee_id).correlate(TaskRow)
    ).scalar_subquery()
    rows = session.execute(
        select(TaskRow, DossierRow.key, assignee)
        .join(DossierRow, DossierRow.id == TaskRow.dossier_id)
        .outerjoin(UserRow, UserRow.id == func.coalesce(TaskRow.assignee_id, DossierRow.adviser_id))
        .where(*wanted)
        .order_by(TaskRow.due_on, TaskRow.id)
    )
    return tuple(Task(t.id, key, t.text, t.due_on, login, t.done_at) for t, key, login in rows)


def visits_where(session: Session, wanted: Sequence[ColumnElement[bool]]) -> tuple[Visit, ...]:
    """Return the visits that fit all conditions, by day."""
    rows = session.execute(
        select(VisitRow, DossierRow.key)
        .join(DossierRow, DossierRow.id == VisitRow.dossier_id)
        .outerjoin(UserRow, UserRow.id == DossierRow.adviser_id)
        .where(*wanted)
        .order_by(VisitRow.on, VisitRow.id)
    )
    return tuple(
        Visit(v.id, key, v.on, tuple(v.communes), v.impression, v.is_cancelled) for v, key in rows
    )


def follow_ups_where(
    session: Session, wanted: Sequence[ColumnElement[bool]]
) -> tuple[FollowUp, ...]:
    """Return the follow-ups that fit all conditions, by day."""
    rows = session.execute(
        select(FollowUpRow, DossierRow.key)
        .join(DossierRow, DossierRow.id == FollowUpRow.dossier_id)
        .outerjoin(UserRow, UserRow.id == DossierRow.adviser_id)
        .where(*wanted)
        .order_by(FollowUpRow.due_on, FollowUpRow.id)
    )
    return tuple(
        FollowUp(key, f.months, f.due_on, f.answered_on, f.is_still_there, f.hard)
        for f, key in rows
    )
