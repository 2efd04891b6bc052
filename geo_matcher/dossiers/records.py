"""The tables of the advisers' database, as classes.

Hides column types and how moments are kept: always with their time zone, always in UTC, on both
databases. ``events`` only grows; the database itself refuses to change or delete one, except to
take personal values out of it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = [
    "AttemptRow",
    "Base",
    "ConsentRow",
    "DossierRow",
    "ErasureRow",
    "EventRow",
    "FollowUpRow",
    "MarkRow",
    "Moment",
    "NoteRow",
    "ReadRow",
    "SessionRow",
    "ShortlistRow",
    "TaskRow",
    "TokenRow",
    "UserRow",
    "VisitRow",
]


class Moment(TypeDecorator[dt.datetime]):
    """A moment with its time zone, kept in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Turn a moment into UTC; SQLite keeps no time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("found a moment without time zone, expected one with it")
        utc = value.astimezone(dt.UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(
        self,
        value: dt.datetime | None,
        dialect: Dialect,  # noqa: ARG002 - as SQLAlchemy calls it
    ) -> dt.datetime | None:
        """Give a moment its time zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - read once by SQLAlchemy
        dt.datetime: Moment,
        dt.date: Date,
        dict[str, Any]: JSON,
        list[Any]: JSON,
        list[str]: JSON,
    }


class MarkRow(Base):
    """What the database says of itself: whether it is a demonstration, and its own secret."""

    __tablename__ = "marks"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))


class UserRow(Base):
    """An account."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(20))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[dt.datetime]
    disabled_at: Mapped[dt.datetime | None]


class DossierRow(Base):
    """A file: its fields, where it stands, and the version that edits have to know."""

    __tablename__ = "dossiers"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(16), unique=True)
    version: Mapped[int] = mapped_column(Integer)
    opened_at: Mapped[dt.datetime] = mapped_column(index=True)
    changed_at: Mapped[dt.datetime]
    stage: Mapped[str] = mapped_column(String(12))
    stage_since: Mapped[dt.datetime]
    closed_from: Mapped[str | None] = mapped_column(String(12))
    closed_reason: Mapped[str | None] = mapped_column(String(20))

    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(String(254), index=True)
    name_key: Mapped[str] = mapped_column(String(254))
    phone: Mapped[str] = mapped_column(String(30))
    town: Mapped[str] = mapped_column(String(120))
    message: Mapped[str] = mapped_column(Text)
    villages: Mapped[list[str]]
    members: Mapped[list[Any]]
    origin_commune: Mapped[str | None] = mapped_column(String(5))

    language: Mapped[str] = mapped_column(String(2))
    callback: Mapped[str] = mapped_column(String(10))
    track: Mapped[str] = mapped_column(String(10))
    sector: Mapped[str] = mapped_column(String(20))
    origin_city: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(20))
    adviser_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)

    settled_commune: Mapped[str | None] = mapped_column(String(5))
    settled_on: Mapped[dt.date | None] = mapped_column(index=True)
    persons: Mapped[int | None] = mapped_column(Integer)
    left_on: Mapped[dt.date | None]

    keep_until: Mapped[dt.date] = mapped_column(index=True)
    anonymised_at: Mapped[dt.datetime | None]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("dossiers.id"), index=True)

    __table_args__ = (Index(None, "stage", "stage_since"),)


class EventRow(Base):
    """One change: who, when, what, from what to what."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossiers.id"))
    version: Mapped[int] = mapped_column(Integer)
    at: Mapped[dt.datetime]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    actor: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(20))
    field: Mapped[str] = mapped_column(String(40))
    before: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    after: Mapped[Any] = mapped_column(JSON(none_as_null=True), nullable=True)
    is_personal: Mapped[bool] = mapped_column(Boolean)
    erased_at: Mapped[dt.datetime | None]

    __table_args__ = (Index(None, "dossier_id", "version"), Index(None, "kind", "at"))


class ConsentRow(Base):
    """What a person agreed to, when, until when."""

    __tablename__ = "consents"

    id: Mapped[int] = mapped_column(primary_key=True)
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossiers.id"), index=True)
    what: Mapped[str] = mapped_column(String(20))
    given_on: Mapped[dt.date]
    until: Mapped[dt.date]
    wording: Mapped[str] = mapped_column(Text)
    withdrawn_on: Mapped[dt.date | None]


class NoteRow(Base):
    """A note. It is not changed; a second one corrects it."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossiers.id"), index=True)
    at: Mapped[dt.datetime]
    author: Mapped[str] = mapped_column(String(60))
    text: Mapped[str] = mapped_column(Text)


class TaskRow(Base):
    """Something to do by a day."""

    __tablename__ = "tasks"

    id: Mapped[int] = mapped_column(primary_key=True)
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossiers.id"), index=True)
    text: Mapped[str] = mapped_column(String(300))
    due_on: Mapped[dt.date]
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[dt.datetime]
    done_at: Mapped[dt.datetime | None]

    __table_args__ = (Index(None, "done_at", "due_on"),)


class VisitRow(Base):
    """A visit to some villages on a day."""

    __tablename__ = "visits"

    id: Mapped[int] = mapped_column(primary_key=True)
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossiers.id"), index=True)
    on: Mapped[dt.date] = mapped_column("visit_on", index=True)
    communes: Mapped[list[str]]
    impression: Mapped[str] = mapped_column(Text)
    is_cancelled: Mapped[bool] = mapped_column(Boolean)


class FollowUpRow(Base):
    """A family asked how it is, 6, 12 or 24 months after settling."""

    __tablename__ = "follow_ups"

    id: Mapped[int] = mapped_column(primary_key=True)
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossiers.id"))
    months: Mapped[int] = mapped_column(Integer)
    due_on: Mapped[dt.date]
    answered_on: Mapped[dt.date | None]
    is_still_there: Mapped[bool | None] = mapped_column(Boolean)
    hard: Mapped[str] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("dossier_id", "months"),
        Index(None, "answered_on", "due_on"),
    )


class ShortlistRow(Base):
    """A ranking as it was shown on a day: data, method, profile, villages."""

    __tablename__ = "shortlists"

    id: Mapped[int] = mapped_column(primary_key=True)
    dossier_id: Mapped[int] = mapped_column(ForeignKey("dossiers.id"), index=True)
    at: Mapped[dt.datetime]
    author: Mapped[str] = mapped_column(String(60))
    release: Mapped[str] = mapped_column(String(80))
    software: Mapped[str] = mapped_column(String(20))
    scope: Mapped[str] = mapped_column(String(10))
    profile: Mapped[dict[str, Any]]
    remark: Mapped[str] = mapped_column(Text)
    snapshot: Mapped[str] = mapped_column(String(1000))
    villages: Mapped[list[Any]]
    weights: Mapped[dict[str, Any]]


class SessionRow(Base):
    """Somebody signed in; only a digest of the token is kept."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    revoked_at: Mapped[dt.datetime | None]


class TokenRow(Base):
    """A token for programs; only a digest of it is kept."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    label: Mapped[str] = mapped_column(String(60))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    revoked_at: Mapped[dt.datetime | None]
    used_at: Mapped[dt.datetime | None]


class AttemptRow(Base):
    """A failed attempt to sign in; account and address are kept as digests, for an hour."""

    __tablename__ = "sign_in_attempts"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime]
    subject: Mapped[str] = mapped_column(String(64))

    __table_args__ = (Index(None, "subject", "at"),)


class ReadRow(Base):
    """Somebody read personal data."""

    __tablename__ = "reads"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    actor: Mapped[str] = mapped_column(String(60))
    what: Mapped[str] = mapped_column(String(20))
    dossier_id: Mapped[int | None] = mapped_column(ForeignKey("dossiers.id"), index=True)
    files: Mapped[int] = mapped_column(Integer)


class ErasureRow(Base):
    """A file whose person asked to be forgotten: no backup may bring it back."""

    __tablename__ = "erasures"

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    at: Mapped[dt.datetime]
