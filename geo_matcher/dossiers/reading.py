"""What advisers read: one file with its history, the lists of files, the day's work.

Hides how files are found and counted. Whoever may not read personal data gets the same files
without it. Each reading of a person's data is written down (``reads``) in the same breath as it is
done.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from dataclasses import field as detail
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from geo_matcher.dossiers.accounts import LOGIN, Account, Right, require
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.dossier import (
    Dossier,
    FollowUp,
    Task,
    Visit,
    family,
    follow_ups_where,
    tasks_where,
    visits_where,
    whole_file,
)
from geo_matcher.dossiers.fields import EMAIL, email_key, name_key
from geo_matcher.dossiers.journal import file_named
from geo_matcher.dossiers.records import (
    DossierRow,
    FollowUpRow,
    ReadRow,
    TaskRow,
    UserRow,
    VisitRow,
)
from geo_matcher.dossiers.stages import Stage
from geo_matcher.errors import DossierError

__all__ = [
    "MAX_CARDS",
    "Card",
    "Cards",
    "Day",
    "day",
    "list_files",
    "log_read",
    "read_file",
    "reads_of",
]

CardQuery = Select[*tuple[Any, ...]]

MAX_CARDS = 500
"""Files on one page of a list at most."""

AHEAD_DAYS = 14
"""How far ahead a day looks: visits and follow-ups of the next two weeks."""

ENDS_SOON_DAYS = 30


@dataclass(frozen=True, slots=True)
class Card:
    """A file in a list; what tells of a family is empty for whoever may not read personal data.

    That is its name and town, its size, where it settled, and the day its data ends, which tells
    the day it settled.
    """

    key: str
    stage: Stage
    stage_since: dt.datetime
    opened_at: dt.datetime
    name: str = detail(repr=False)
    town: str = detail(repr=False)
    adviser: str | None
    track: str
    sector: str
    origin_city: str
    source: str
    persons: int | None
    settled_commune: str | None
    keep_until: dt.date | None


@dataclass(frozen=True, slots=True)
class Cards:
    """One page of a list of files, and how many there are of each stage, and in all."""

    cards: tuple[Card, ...]
    total: int
    by_stage: dict[Stage, int]


@dataclass(frozen=True, slots=True)
class Day:
    """What a day asks of an adviser."""

    on: dt.date
    enquiries: tuple[Card, ...]
    tasks: tuple[Task, ...]
    visits: tuple[Visit, ...]
    follow_ups: tuple[FollowUp, ...]
    ending: tuple[Card, ...]
    names: dict[str, str] = detail(repr=False)


def log_read(
    session: Session,
    at: dt.datetime,
    by: Account,
    what: str,
    row: DossierRow | None = None,
    files: int = 1,
) -> None:
    """Write down that somebody reads personal data: a file, a list, an export."""
    session.add(
        ReadRow(
            at=at,
            actor_id=by.id,
            actor=by.login,
            what=what,
            dossier_id=row.id if row is not None else None,
            files=files,
        )
    )


def read_file(db: Database, key: str, *, by: Account) -> Dossier:
    """Return a file with its history; the reading is written down.

    Whoever has the right ``portfolio`` alone gets it without fields, notes, texts and
    events, and without where, when and how many settled.

    Raises
    ------
    UnknownDossierError
        If there is none.
    AccessError
        If ``by`` may not read files.
    """
    if Right.READ not in by.rights:
        require(by, Right.PORTFOLIO)
        with db.reading() as session:
            return whole_file(session, file_named(session, key), is_masked=True)
    require(by, Right.READ)
    with db.writing() as session:
        row = file_named(session, key)
        log_read(session, db.now(), by, "file", row)
        return whole_file(session, row)


def reads_of(db: Database, key: str, *, by: Account) -> tuple[tuple[dt.datetime, str, str], ...]:
    """Return who read a file: triples (moment, login, what), the latest first.

    Raises
    ------
    UnknownDossierError
        If there is no such file.
    AccessError
        If ``by`` may not export a person's data.
    """
    require(by, Right.EXPORT)
    with db.reading() as session:
        row = file_named(session, key)
        found = session.execute(
            select(ReadRow.at, ReadRow.actor, ReadRow.what)
            .where(ReadRow.dossier_id.in_(family(session, row)))
            .order_by(ReadRow.id.desc())
        )
        return tuple((at, actor, what) for at, actor, what in found)


def list_files(
    db: Database,
    *,
    by: Account,
    stages: Sequence[Stage] = (),
    adviser: str | None = None,
    text: str = "",
    top: int = 100,
    skip: int = 0,
) -> Cards:
    """Return files, those that changed stage last first.

    Parameters
    ----------
    stages
        Which stages; all by default.
    adviser
        Login of who is in charge; the empty text for files without one.
    text
        Words of a name, or an e-mail address; only for whoever may read personal data.
    top, skip
        Which page.

    Raises
    ------
    DossierError
        If the page is impossible.
    AccessError
        If ``by`` may not see the portfolio.
    """
    require(by, Right.PORTFOLIO)
    if not (1 <= top <= MAX_CARDS and skip >= 0):
        raise DossierError(f"top and skip: expected 1 to {MAX_CARDS}, and 0 or more.")
    sees = Right.READ in by.rights
    if text and not sees:
        require(by, Right.READ)
    wanted: list[ColumnElement[bool]] = [DossierRow.merged_into_id.is_(None)]
    if adviser is not None:
        login = adviser if LOGIN.fullmatch(adviser) else "?"  # no account is called so
        wanted.append(UserRow.login == login if adviser else DossierRow.adviser_id.is_(None))
    wanted += _search(text)
    of_stage = [DossierRow.stage.in_([stage.value for stage in stages])] if stages else []
    with db.writing() if sees else db.reading() as session:
        counted = session.execute(
            select(DossierRow.stage, func.count())
            .outerjoin(UserRow, UserRow.id == DossierRow.adviser_id)
            .where(*wanted)
            .group_by(DossierRow.stage)
        )
        counts = {Stage(stage): number for stage, number in counted}
        by_stage = {stage: counts.get(stage, 0) for stage in Stage}
        cards = _cards(
            session,
            _card_query()
            .where(*wanted, *of_stage)
            .order_by(DossierRow.stage_since.desc(), DossierRow.id.desc())
            .limit(top)
            .offset(skip),
            sees=sees,
        )
        if sees:
            log_read(session, db.now(), by, "search" if text else "list", files=len(cards))
    total = sum(number for stage, number in by_stage.items() if not stages or stage in stages)
    return Cards(cards, total, by_stage)


def day(db: Database, *, by: Account, adviser: str | None = None) -> Day:
    """Return what today asks: new enquiries, tasks due, visits and follow-ups of the next days.

    Parameters
    ----------
    adviser
        Login of who is in charge; everybody's by default. Enquiries without an adviser are always
        among them.

    Raises
    ------
    AccessError
        If ``by`` may not read files.
    """
    require(by, Right.READ)
    today = db.today()
    live = and_(DossierRow.merged_into_id.is_(None), DossierRow.anonymised_at.is_(None))
    mine = []
    if adviser is not None:
        mine = [UserRow.login == (adviser if LOGIN.fullmatch(adviser) else "?")]
    ahead = today + dt.timedelta(days=AHEAD_DAYS)
    with db.writing() as session:
        enquiries = _cards(
            session,
            _card_query()
            .where(live, DossierRow.stage == Stage.ENQUIRY)
            .where(*[or_(DossierRow.adviser_id.is_(None), *mine)] if mine else [])
            .order_by(DossierRow.opened_at)
            .limit(MAX_CARDS),
        )
        ending = _cards(
            session,
            _card_query()
            .where(live, DossierRow.keep_until <= today + dt.timedelta(days=ENDS_SOON_DAYS), *mine)
            .order_by(DossierRow.keep_until)
            .limit(MAX_CARDS),
        )
        tasks = tasks_where(
            session,
            [live, TaskRow.done_at.is_(None), TaskRow.due_on <= today, *mine],
        )
        visits = visits_where(
            session,
            [live, VisitRow.is_cancelled.is_(False), VisitRow.on.between(today, ahead), *mine],
        )
        follow_ups = follow_ups_where(
            session,
            [
                live,
                DossierRow.left_on.is_(None),
                FollowUpRow.answered_on.is_(None),
                FollowUpRow.due_on <= ahead,
                *mine,
            ],
        )
        keys = {t.key for t in tasks} | {v.key for v in visits} | {f.key for f in follow_ups}
        names = {card.key: card.name for card in (*enquiries, *ending)}
        found = session.execute(
            select(DossierRow.key, DossierRow.name).where(DossierRow.key.in_(keys))
        )
        names.update((key, name) for key, name in found)
        log_read(session, db.now(), by, "day", files=len(names))
    return Day(today, enquiries, tasks, visits, follow_ups, ending, names)


def _card_query() -> CardQuery:
    query = select(
        DossierRow.key,
        DossierRow.stage,
        DossierRow.stage_since,
        DossierRow.opened_at,
        DossierRow.name,
        DossierRow.town,
        UserRow.login,
        DossierRow.track,
        DossierRow.sector,
        DossierRow.origin_city,
        DossierRow.source,
        DossierRow.persons,
        DossierRow.settled_commune,
        DossierRow.keep_until,
    )
    return query.outerjoin(UserRow, UserRow.id == DossierRow.adviser_id)


def _cards(session: Session, query: CardQuery, *, sees: bool = True) -> tuple[Card, ...]:
    cards = (Card(key, Stage(stage), *rest) for key, stage, *rest in session.execute(query))
    if sees:
        return tuple(cards)
    hidden: dict[str, Any] = dict.fromkeys(("persons", "settled_commune", "keep_until"))
    return tuple(replace(card, name="", town="", **hidden) for card in cards)


def _search(text: str) -> list[ColumnElement[bool]]:
    if not text.strip():
        return []
    address = email_key(text) if EMAIL.fullmatch(text.strip()) and text.isprintable() else ""
    if address:
        return [DossierRow.email_key == address]
    words = name_key(text).split()[:10]
    return [DossierRow.name_key.contains(word, autoescape=True) for word in words]
