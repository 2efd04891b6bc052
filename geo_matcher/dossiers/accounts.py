"""Who may do what: accounts, roles, rights, passwords.

Hides how passwords are kept (argon2id) and which rights a role has. There is no default account
and no default password: an account without one cannot sign in. Every function of this package that
reads or changes files asks here, whatever stands in front of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.fields import checked_text
from geo_matcher.dossiers.records import SessionRow, TokenRow, UserRow
from geo_matcher.errors import AccessError, DossierError, UnknownDossierError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = [
    "IMPLIED_RIGHTS",
    "LOGIN",
    "MAX_PASSWORD_CHARS",
    "MIN_PASSWORD_CHARS",
    "PUBLIC_FORM",
    "ROLE_LABELS",
    "ROLE_RIGHTS",
    "SYSTEM",
    "Account",
    "Right",
    "Role",
    "account_of",
    "add_user",
    "disable_user",
    "hasher",
    "list_users",
    "require",
    "set_password",
    "user_named",
]

MIN_PASSWORD_CHARS = 12
"""Shortest password."""

MAX_PASSWORD_CHARS = 200
"""Longest password: hashing a longer one would cost us more than whoever sends it."""

LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
"""Form of a login."""


class Right(StrEnum):
    """One thing that may be done; also the scopes of API tokens."""

    OPEN = "files.open"
    READ = "files.read"
    WRITE = "files.write"
    EXPORT = "files.export"
    ERASE = "files.erase"
    PORTFOLIO = "portfolio"
    STATISTICS = "statistics"
    ACCOUNTS = "accounts"
    BACKUP = "backups"
    RELEASES = "releases"


class Role(StrEnum):
    """What somebody is in the network."""

    ADVISER = "adviser"
    PLANNER = "planner"
    ADMIN = "admin"
    ELECTED = "elected"


ROLE_RIGHTS: Mapping[Role, frozenset[Right]] = MappingProxyType(
    {
        Role.ADVISER: frozenset(Right) - {Right.ACCOUNTS, Right.BACKUP, Right.RELEASES},
        Role.PLANNER: frozenset({Right.STATISTICS}),
        Role.ADMIN: frozenset(Right),
        Role.ELECTED: frozenset({Right.PORTFOLIO, Right.STATISTICS}),
    }
)
"""Rights of each role. An elected member sees where files stand, never whose they are."""

IMPLIED_RIGHTS: Mapping[Right, frozenset[Right]] = MappingProxyType(
    {
        Right.READ: frozenset({Right.PORTFOLIO}),
        Right.WRITE: frozenset({Right.OPEN, Right.READ, Right.PORTFOLIO}),
        Right.EXPORT: frozenset({Right.READ, Right.PORTFOLIO}),
    }
)
"""What a scope of a token brings along: a file cannot be changed without being seen."""

ROLE_LABELS: Mapping[Role, Mapping[str, str]] = MappingProxyType(
    {
        Role.ADVISER: {"fr": "Conseiller", "en": "Adviser"},
        Role.PLANNER: {"fr": "Aménageur", "en": "Planner"},
        Role.ADMIN: {"fr": "Administrateur", "en": "Administrator"},
        Role.ELECTED: {"fr": "Élu (lecture seule)", "en": "Elected member (reads only)"},
    }
)
"""Name of each role in both languages."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who acts.

    Attributes
    ----------
    id
        Number of the account; None for the program itself and the public form.
    login, name
        Name to sign in with, and the person's own.
    role
        None for the program itself and the public form.
    rights
        What may be done: those of the role, or fewer with an API token.
    is_disabled, has_password
        Whether it is closed; whether it can sign in.
    """

    id: int | None
    login: str
    name: str
    role: Role | None
    rights: frozenset[Right]
    is_disabled: bool = False
    has_password: bool = False


SYSTEM = Account(None, "system", "geo-matcher", None, frozenset(Right))
"""Whoever runs commands on the machine of the database."""

PUBLIC_FORM = Account(None, "public-form", "", None, frozenset({Right.OPEN}))
"""A mover who fills the public form: opens a file and reads nothing."""


def require(by: Account, right: Right) -> None:
    """Refuse whoever has not a right.

    Raises
    ------
    AccessError
        If the account has not the right.
    """
    if right not in by.rights or by.is_disabled:
        raise AccessError(
            f"This needs the right {right}, which {by.login} has not. "
            "Ask an administrator of the network."
        )


@cache
def hasher() -> PasswordHasher:
    """Return what hashes passwords, with the parameters that its authors advise."""
    from argon2 import PasswordHasher

    return PasswordHasher()


def add_user(
    db: Database, login: str, *, name: str, role: Role, by: Account, password: str | None = None
) -> Account:
    """Make an account. Without a password it cannot sign in before :func:`set_password`.

    Parameters
    ----------
    login
        2 to 40 small letters, digits, dots, hyphens or underscores.
    name
        The person's name, which colleagues see.
    role
        What they are in the network.
    password
        As for :func:`set_password`.

    Raises
    ------
    DossierError
        If the login is taken, or it or the password cannot be used.
    AccessError
        If ``by`` may not make accounts.
    """
    require(by, Right.ACCOUNTS)
    if not LOGIN.fullmatch(login):
        raise DossierError(
            "login: expected 2 to 40 small letters, digits, dots, hyphens or underscores, "
            "such as c.martin."
        )
    name = checked_text(name, "name", most=120)
    hashed = None if password is None else _hashed(login, password)
    with db.writing() as session:
        if session.scalar(select(UserRow.id).where(UserRow.login == login)) is not None:
            raise DossierError(f"login: {login} exists already. Choose another.")
        row = UserRow(
            login=login,
            name=name,
            role=role.value,
            password_hash=hashed,
            created_at=db.now(),
        )
        session.add(row)
        session.flush()
        return account_of(row)


def list_users(db: Database, *, by: Account) -> tuple[Account, ...]:
    """Return all accounts, by login.

    Raises
    ------
    AccessError
        If ``by`` may neither manage accounts nor read files (whom to hand a file to).
    """
    if Right.READ not in by.rights:
        require(by, Right.ACCOUNTS)
    with db.reading() as session:
        return tuple(
            account_of(r) for r in session.scalars(select(UserRow).order_by(UserRow.login))
        )


def disable_user(db: Database, login: str, *, by: Account) -> None:
    """Close an account: its sessions and tokens end at once. Its name stays in the events.

    Raises
    ------
    UnknownDossierError
        If there is none.
    AccessError
        If ``by`` may not manage accounts.
    """
    require(by, Right.ACCOUNTS)
    with db.writing() as session:
        row = user_named(session, login)
        row.disabled_at = row.disabled_at or db.now()
        row.password_hash = None
        for table in (SessionRow, TokenRow):
            session.execute(
                update(table)
                .where(table.user_id == row.id, table.revoked_at.is_(None))
                .values(revoked_at=db.now())
            )


def set_password(db: Database, login: str, password: str, *, by: Account) -> None:
    """Give an account a password; whoever is signed in with it has to sign in again.

    Parameters
    ----------
    by
        An administrator, or the account itself.

    Raises
    ------
    DossierError
        If the password is too short or too easy, or the account is closed.
    UnknownDossierError
        If there is no such account.
    AccessError
        If ``by`` is somebody else.
    """
    if by.login != login or by.id is None:
        require(by, Right.ACCOUNTS)
    hashed = _hashed(login, password)
    with db.writing() as session:
        row = user_named(session, login)
        if row.disabled_at is not None:
            raise DossierError(f"{login} is closed: it takes no password. Make another account.")
        row.password_hash = hashed
        session.execute(
            update(SessionRow)
            .where(SessionRow.user_id == row.id, SessionRow.revoked_at.is_(None))
            .values(revoked_at=db.now())
        )


def _hashed(login: str, password: str) -> str:
    """Check a password and return what is kept of it."""
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise DossierError(
            f"password: found {len(password)} characters, expected {MIN_PASSWORD_CHARS} to "
            f"{MAX_PASSWORD_CHARS}. Some words in a row are easy to remember."
        )
    if len(set(password)) < MIN_PASSWORD_CHARS // 2 or login in password.casefold():
        raise DossierError(
            "password: it repeats few characters or holds the login, so it is easily guessed. "
            "Choose another."
        )
    return hasher().hash(password)


def user_named(session: Session, login: str) -> UserRow:
    """Return the row of an account.

    Raises
    ------
    UnknownDossierError
        If there is none.
    """
    row = None
    if LOGIN.fullmatch(login):
        row = session.scalar(select(UserRow).where(UserRow.login == login))
    if row is None:
        raise UnknownDossierError(
            f"No account is called {login[:40]!r}. `geo-matcher users list` shows them."
        )
    return row


def account_of(row: UserRow, scopes: Iterable[str] | None = None) -> Account:
    """Return an account as it acts, with the rights of its role that the scopes allow."""
    role = Role(row.role)
    rights = ROLE_RIGHTS[role]
    if scopes is not None:
        own = [Right(scope) for scope in scopes]
        rights &= frozenset(own).union(*(IMPLIED_RIGHTS.get(right, ()) for right in own))
    return Account(
        id=row.id,
        login=row.login,
        name=row.name,
        role=role,
        rights=rights,
        is_disabled=row.disabled_at is not None,
        has_password=row.password_hash is not None,
    )
