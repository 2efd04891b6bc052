"""An adviser's work on one file: open, edit, move, follow up.

Hides that every change is a transaction that checks, changes, writes its events and sets the end
date again, or does nothing at all. Edits and moves say which version they saw.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_matcher.dossiers.accounts import LOGIN, Account, Right, Role, require
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.dossier import Dossier, position_of, whole_file
from geo_matcher.dossiers.fields import (
    FIELDS,
    Consent,
    Draft,
    changed_draft,
    checked_text,
    plain_values,
)
from geo_matcher.dossiers.journal import (
    check_version,
    draft_in,
    file_named,
    fill,
    record,
    renew_end,
)
from geo_matcher.dossiers.records import (
    ConsentRow,
    DossierRow,
    FollowUpRow,
    UserRow,
)
from geo_matcher.dossiers.stages import (
    FOLLOW_UP_MONTHS,
    Stage,
    Step,
    follow_up_days,
    step_problems,
)
from geo_matcher.errors import DossierError

__all__ = [
    "add_consent",
    "add_file",
    "adviser_id",
    "change_file",
    "edit_file",
    "move_file",
    "new_key",
    "open_file",
    "record_follow_up",
]

MAX_TEXT_CHARS = 5_000


def new_key() -> str:
    """Return a name for a file that cannot be guessed and says nothing."""
    return secrets.token_hex(6)


def open_file(
    db: Database,
    draft: Draft,
    *,
    by: Account,
    consents: Sequence[Consent] = (),
    opened_at: dt.datetime | None = None,
) -> Dossier:
    """Open a file: an enquiry.

    Parameters
    ----------
    draft
        Its fields.
    by
        Who opens it; ``PUBLIC_FORM`` for a mover's own request.
    consents
        What the person agreed to.
    opened_at
        When the person asked; now by default.

    Returns
    -------
    Dossier
        As kept; ``key`` names it from now on.

    Raises
    ------
    DossierError
        If the adviser is none, or a consent or the day is impossible. A mover's own request needs
        the consent to be accompanied.
    AccessError
        If ``by`` may not open files.
    """
    require(by, Right.OPEN)
    if Right.WRITE not in by.rights and not any(c.what == "accompany" for c in consents):
        raise DossierError(
            "consent: a request from the form needs the consent to be accompanied. "
            "Ask the person to tick it."
        )
    with db.writing() as session:
        row = add_file(session, db.now(), draft, by, consents=consents, opened_at=opened_at)
        return whole_file(session, row)


def add_file(
    session: Session,
    now: dt.datetime,
    draft: Draft,
    by: Account,
    *,
    consents: Iterable[Consent] = (),
    opened_at: dt.datetime | None = None,
) -> DossierRow:
    """Add a file inside a transaction; :func:`open_file` is for one file, an import for many.

    Raises
    ------
    DossierError
        As :func:`open_file`.
    """
    opened_at = opened_at or now
    if opened_at.tzinfo is None or opened_at > now:
        raise DossierError("opened_at: expected a moment that is past, with its time zone.")
    opened_at = opened_at.astimezone(dt.UTC)
    row = DossierRow(
        key=new_key(),
        version=1,
        opened_at=opened_at,
        changed_at=now,
        stage=Stage.ENQUIRY.value,
        stage_since=opened_at,
        keep_until=now.date(),
    )
    fill(row, draft, adviser_id(session, draft.adviser))
    session.add(row)
    session.flush()
    record(session, row, opened_at, by, "opened", "stage", None, Stage.ENQUIRY.value)
    empty = plain_values(Draft(name="–"))
    for name, value in plain_values(draft).items():
        if name == "name" or value != empty[name]:
            record(
                session, row, opened_at, by, "opened", name, None, value,
                is_personal=FIELDS[name].is_personal,
            )  # fmt: skip
    for consent in consents:
        add_consent(session, row, now, by, consent)
    session.flush()
    renew_end(session, row)
    return row


@contextmanager
def change_file(
    db: Database, key: str, *, by: Account, right: Right = Right.WRITE
) -> Iterator[tuple[Session, DossierRow]]:
    """Give a transaction and the row of a file, which nobody else can change meanwhile.

    Raises
    ------
    UnknownDossierError
        If there is no such file.
    DossierError
        If its person's data is gone: it changes no more.
    AccessError
        If ``by`` has not the right.
    """
    require(by, right)
    with db.writing() as session:
        row = file_named(session, key, for_change=True)
        if row.anonymised_at is not None:
            raise DossierError(
                f"File {row.key} was made anonymous: it only counts, and changes no more. "
                "Open another one."
            )
        yield session, row
        session.flush()


def edit_file(
    db: Database, key: str, seen_version: int, changes: Mapping[str, Any], *, by: Account
) -> Dossier:
    """Change fields of a file.

    Parameters
    ----------
    seen_version
        Version that the editor saw.
    changes
        New values of some fields of :class:`~geo_matcher.dossiers.fields.Draft`, in plain types.

    Raises
    ------
    StaleEditError
        If somebody else changed it since; it holds what was read, wanted and is, by field.
    DossierError
        If a value cannot be used; all problems are listed.
    UnknownDossierError
        If there is no such file.
    AccessError
        If ``by`` may not change files.
    """
    with change_file(db, key, by=by) as (session, row):
        before = draft_in(session, row)
        after = changed_draft(before, changes)
        now, wanted = plain_values(before), plain_values(after)
        check_version(session, row, seen_version, {n: wanted[n] for n in changes}, now)
        changed = [name for name in wanted if wanted[name] != now[name]]
        if changed:
            row.version += 1
            row.changed_at = db.now()
            in_charge = row.adviser_id
            if "adviser" in changed:
                in_charge = adviser_id(session, after.adviser)
            fill(row, after, in_charge)
            for name in changed:
                record(
                    session, row, db.now(), by, "edited", name, now[name], wanted[name],
                    is_personal=FIELDS[name].is_personal,
                )  # fmt: skip
            renew_end(session, row)
            session.flush()
        return whole_file(session, row)


def move_file(db: Database, key: str, seen_version: int, step: Step, *, by: Account) -> Dossier:
    """Take a file to another stage.

    Settling plans the follow-ups. A step back from settled takes them away again, and is possible
    until one is answered.

    Raises
    ------
    StaleEditError
        If somebody else changed the file since ``seen_version``.
    DossierError
        If the step cannot be taken; all reasons are listed.
    UnknownDossierError
        If there is no such file.
    AccessError
        If ``by`` may not change files.
    """
    with change_file(db, key, by=by) as (session, row):
        state = plain_values(draft_in(session, row)) | {"stage": row.stage}
        check_version(session, row, seen_version, {"stage": step.to.value}, state)
        problems = step_problems(position_of(session, row), step, db.today())
        if problems:
            raise DossierError("The step was refused: " + "; ".join(problems), problems)
        row.version += 1
        row.changed_at = row.stage_since = db.now()
        old = Stage(row.stage)
        outcome: dict[str, Any] = {
            "closed_from": old.value if step.to is Stage.CLOSED else None,
            "closed_reason": step.reason,
            "settled_commune": step.commune,
            "settled_on": step.on,
            "persons": step.persons,
        }
        record(session, row, db.now(), by, "moved", "stage", old.value, step.to.value)
        for name, value in outcome.items():
            was = getattr(row, name)
            if was != value:
                record(
                    session, row, db.now(), by, "moved", name, _plain(was), _plain(value),
                    is_personal=name == "settled_on",
                )  # fmt: skip
                setattr(row, name, value)
        row.stage = step.to.value
        _plan_follow_ups(session, row)
        renew_end(session, row)
        session.flush()
        return whole_file(session, row)


def _plan_follow_ups(session: Session, row: DossierRow) -> None:
    for planned in session.scalars(select(FollowUpRow).where(FollowUpRow.dossier_id == row.id)):
        session.delete(planned)
    session.flush()
    if row.settled_on is not None:
        for months, due_on in follow_up_days(row.settled_on):
            session.add(FollowUpRow(dossier_id=row.id, months=months, due_on=due_on, hard=""))


def record_follow_up(
    db: Database,
    key: str,
    months: int,
    *,
    is_still_there: bool,
    hard: str = "",
    left_on: dt.date | None = None,
    answered_on: dt.date | None = None,
    by: Account,
) -> Dossier:
    """Write down how a family is, 6, 12 or 24 months after settling.

    Parameters
    ----------
    months
        Which follow-up.
    is_still_there
        Whether they still live there.
    hard
        What was hard, in their words.
    left_on
        The day they left; needed when they did.
    answered_on
        The day they said so; today by default.

    Raises
    ------
    DossierError
        If the family has not settled, the follow-up was answered before, or a day is impossible.
    UnknownDossierError
        If there is no such file.
    AccessError
        If ``by`` may not change files.
    """
    answered_on = answered_on or db.today()
    hard = checked_text(hard, "hard", most=MAX_TEXT_CHARS, least=0)
    with change_file(db, key, by=by) as (session, row):
        planned = session.scalar(
            select(FollowUpRow).where(
                FollowUpRow.dossier_id == row.id, FollowUpRow.months == months
            )
        )
        if planned is None or row.settled_on is None:
            raise DossierError(
                f"months: found {months} on a file at stage {row.stage}; expected one of "
                f"{', '.join(map(str, FOLLOW_UP_MONTHS))} on a settled one."
            )
        if planned.answered_on is not None:
            raise DossierError(
                f"The follow-up after {months} months was answered before. Add a note instead."
            )
        if not row.settled_on <= answered_on <= db.today():
            raise DossierError("answered_on: expected a day between settling and today.")
        if is_still_there and row.left_on is not None:
            raise DossierError("is_still_there: an earlier follow-up says that they left.")
        if (left_on is None) != is_still_there:
            raise DossierError("left_on: expected the day they left, and none if they did not.")
        if left_on is not None and not row.settled_on <= left_on <= answered_on:
            raise DossierError("left_on: expected a day between settling and the answer.")
        planned.answered_on, planned.is_still_there, planned.hard = (
            answered_on,
            is_still_there,
            hard,
        )
        after = {"months": months, "is_still_there": is_still_there}
        record(session, row, db.now(), by, "follow_up", "follow_up", None, after)
        if left_on is not None and row.left_on is None:
            record(
                session, row, db.now(), by, "follow_up", "left_on", None, left_on.isoformat(),
                is_personal=True,
            )  # fmt: skip
            row.left_on = left_on
        row.changed_at = db.now()
        session.flush()
        return whole_file(session, row)


def add_consent(
    session: Session, row: DossierRow, now: dt.datetime, by: Account, consent: Consent
) -> None:
    """Add a consent inside a transaction.

    Raises
    ------
    DossierError
        If its days are impossible.
    """
    if not consent.given_on <= now.date() or not consent.given_on <= consent.until:
        raise DossierError("consent: expected a day given that is past, and an end after it.")
    values = consent.model_dump()
    session.add(ConsentRow(dossier_id=row.id, withdrawn_on=None, **values))
    after = consent.model_dump(mode="json", exclude={"wording"})
    record(session, row, now, by, "consent", "consent", None, after)


def adviser_id(session: Session, login: str | None) -> int | None:
    """Return the number of an adviser; None for nobody.

    Raises
    ------
    DossierError
        If the login is not that of an adviser whose account is open.
    """
    if login is None:
        return None
    row = None
    if LOGIN.fullmatch(login):
        row = session.scalar(select(UserRow).where(UserRow.login == login))
    is_fit = row is not None and row.role in {Role.ADVISER, Role.ADMIN} and not row.disabled_at
    if row is None or not is_fit:
        raise DossierError("adviser: expected the login of an adviser whose account is open.")
    return row.id


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.date) else value
