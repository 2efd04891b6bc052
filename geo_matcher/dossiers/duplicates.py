"""Files that may be of one household, and making one file of two.

Hides how two become one; :mod:`geo_matcher.dossiers.likeness` says what counts as alike. A person
decides; nothing is merged by itself. A merged file keeps its events: it points to the file that it
went into, which shows both histories as one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from geo_matcher.dossiers.accounts import Account, Right, require
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.desk import change_file
from geo_matcher.dossiers.dossier import Dossier, whole_file
from geo_matcher.dossiers.fields import (
    FIELDS,
    Draft,
    changed_draft,
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
from geo_matcher.dossiers.likeness import (
    Likeness,
    every_traits,
    likenesses,
    pairs_alike,
    traits_of,
)
from geo_matcher.dossiers.reading import log_read
from geo_matcher.dossiers.records import (
    ConsentRow,
    DossierRow,
    FollowUpRow,
    NoteRow,
    ShortlistRow,
    TaskRow,
    VisitRow,
)
from geo_matcher.dossiers.stages import Stage
from geo_matcher.errors import DossierError

__all__ = ["duplicates_of", "find_duplicates", "merge_files"]

ORDER: list[Stage] = [*(stage for stage in Stage if stage is not Stage.CLOSED)]


def find_duplicates(db: Database, *, by: Account) -> tuple[Likeness, ...]:
    """Return pairs of files that may be of one household; the reading is written down.

    Raises
    ------
    AccessError
        If ``by`` may not read files.
    """
    require(by, Right.READ)
    with db.writing() as session:
        all_traits = every_traits(session)
        log_read(session, db.now(), by, "duplicates", files=len(all_traits))
    return tuple(
        Likeness(all_traits[one].key, all_traits[other].key, reasons)
        for one, other, reasons in pairs_alike(all_traits)
    )


def duplicates_of(db: Database, draft: Draft, *, by: Account) -> tuple[Likeness, ...]:
    """Return the files that may be of the household of a request, the oldest first.

    Raises
    ------
    AccessError
        If ``by`` may not read files.
    """
    require(by, Right.READ)
    with db.writing() as session:
        all_traits = every_traits(session)
        log_read(session, db.now(), by, "duplicates", files=len(all_traits))
    return tuple(likenesses(traits_of(draft), all_traits))


# --- Making one of two -------------------------------------------------------------------------


def merge_files(
    db: Database,
    key: str,
    seen_version: int,
    other: str,
    other_version: int,
    *,
    by: Account,
    take: Iterable[str] = (),
) -> Dossier:
    """Merge a file into another one.

    Notes, tasks, visits, consents, shortlists and answered follow-ups move over; events
    stay where they happened and are shown together. Fields that are empty are filled from the other
    file.

    Parameters
    ----------
    key, seen_version
        The file that stays, and the version that was seen.
    other, other_version
        The file that goes into it, and the version that was seen.
    take
        Fields to take from the other file although the one that stays has them.

    Raises
    ------
    StaleEditError
        If somebody else changed either file since.
    DossierError
        If it is the same file, the other one is further along (merge the other way round), or
        both families settled and what is known of it does not fit.
    UnknownDossierError
        If there is no such file.
    AccessError
        If ``by`` may not change files.
    """
    take = set(take)
    if not take <= set(FIELDS):
        raise DossierError(f"take: expected some of {', '.join(FIELDS)}.")
    with change_file(db, key, by=by) as (session, row):
        gone = file_named(session, other, for_change=True)
        if gone.id == row.id or gone.anonymised_at is not None:
            raise DossierError("A file merges into another one whose person is known.")
        if gone.stage != Stage.CLOSED and (
            row.stage == Stage.CLOSED
            or ORDER.index(Stage(row.stage)) < ORDER.index(Stage(gone.stage))
        ):
            raise DossierError(
                f"File {gone.key} is at {gone.stage} and {row.key} at {row.stage}: keep the one "
                "that is further along."
            )
        _check_settled(session, row, gone)
        before, theirs = draft_in(session, row), draft_in(session, gone)
        now, given = plain_values(before), plain_values(theirs)
        check_version(session, row, seen_version, {}, now)
        check_version(session, gone, other_version, {}, given)
        empty = plain_values(Draft(name="–"))
        changes = {
            name: given[name]
            for name in FIELDS
            if given[name] != now[name] and (name in take or now[name] == empty[name])
        }
        at = db.now()
        row.version, gone.version = row.version + 1, gone.version + 1
        row.changed_at = gone.changed_at = at
        in_charge = gone.adviser_id if "adviser" in changes else row.adviser_id
        fill(row, changed_draft(before, changes), in_charge)
        for name, value in changes.items():
            record(
                session, row, at, by, "merged", name, now[name], value,
                is_personal=FIELDS[name].is_personal,
            )  # fmt: skip
        _move_opening(session, row, gone, at, by)
        record(session, row, at, by, "merged", "files", None, {"key": gone.key})
        record(session, gone, at, by, "merged", "files", None, {"into": row.key})
        gone.merged_into_id = row.id
        for table in (NoteRow, TaskRow, VisitRow, ConsentRow, ShortlistRow):
            session.execute(
                update(table).where(table.dossier_id == gone.id).values(dossier_id=row.id)
            )
        session.flush()
        _move_follow_ups(session, row, gone, at, by)
        renew_end(session, row)
        gone.keep_until = row.keep_until
        session.flush()
        return whole_file(session, row)


def _check_settled(session: Session, row: DossierRow, gone: DossierRow) -> None:
    """Refuse to merge two settled files that do not tell the same: one of them would be lost."""
    if gone.settled_on is None or row.settled_on is None:
        return
    mine, theirs = _answers(session, row), _answers(session, gone)
    answers = [*mine.values(), *theirs.values()]
    left_on = row.left_on or gone.left_on
    facts = ("settled_commune", "settled_on", "persons")
    problems = [name for name in facts if getattr(row, name) != getattr(gone, name)]
    if row.left_on and gone.left_on and row.left_on != gone.left_on:
        problems.append("left_on")
    if left_on and any(
        one.is_still_there and one.answered_on and one.answered_on > left_on for one in answers
    ):
        problems.append("left_on")
    problems += [f"follow-up after {months} months" for months in sorted({*mine} & {*theirs})]
    if problems:
        raise DossierError(
            f"Files {row.key} and {gone.key} are both settled, and merging would lose what one of "
            f"them says ({', '.join(dict.fromkeys(problems))}). If one was settled by mistake and "
            "no follow-up is answered, take it back to decision, then merge it into the other; "
            "otherwise keep both files and say so in a note."
        )


def _answers(session: Session, row: DossierRow) -> dict[int, FollowUpRow]:
    rows = session.scalars(
        select(FollowUpRow).where(
            FollowUpRow.dossier_id == row.id, FollowUpRow.answered_on.is_not(None)
        )
    )
    return {one.months: one for one in rows}


def _move_follow_ups(
    session: Session, row: DossierRow, gone: DossierRow, at: dt.datetime, by: Account
) -> None:
    """Bring over what a settled family answered; what was only planned there is planned here."""
    answered = _answers(session, gone)
    planned = session.scalars(
        select(FollowUpRow).where(
            FollowUpRow.dossier_id == row.id, FollowUpRow.months.in_(list(answered))
        )
    )
    for one in planned:
        session.delete(one)
    session.flush()
    for one in answered.values():
        one.dossier_id = row.id
    if gone.left_on is not None and row.left_on is None:
        record(
            session, row, at, by, "merged", "left_on", None, gone.left_on.isoformat(),
            is_personal=True,
        )  # fmt: skip
        row.left_on = gone.left_on
    session.flush()


def _move_opening(
    session: Session, row: DossierRow, gone: DossierRow, at: dt.datetime, by: Account
) -> None:
    """Count one enquiry, on the day of the first."""
    if gone.opened_at < row.opened_at:
        was, first = row.opened_at.isoformat(), gone.opened_at.isoformat()
        record(session, row, at, by, "merged", "opened_at", was, first)
        row.opened_at = gone.opened_at
