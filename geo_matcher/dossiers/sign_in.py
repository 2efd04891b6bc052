"""Signing in: sessions, and tokens for programs.

Hides that only digests of tokens are kept, so that whoever reads the database, or a backup of it,
cannot sign in; and that a wrong name takes as long as a wrong password. Sessions live in the
database: they end when unused, after a day at most, or when revoked.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from argon2.exceptions import VerificationError
from sqlalchemy import delete, select, update

from geo_matcher.dossiers.accounts import (
    LOGIN,
    MAX_PASSWORD_CHARS,
    SYSTEM,
    Account,
    Right,
    account_of,
    hasher,
    require,
    user_named,
)
from geo_matcher.dossiers.attempts import browser_mark, count_attempt, forget_attempts, keyed
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.fields import checked_text
from geo_matcher.dossiers.records import AttemptRow, ReadRow, SessionRow, TokenRow, UserRow
from geo_matcher.errors import DossierError, SignInError, UnknownDossierError

__all__ = [
    "ABSOLUTE_HOURS",
    "IDLE_MINUTES",
    "MAX_TOKEN_DAYS",
    "SCOPES",
    "SignedIn",
    "TokenFacts",
    "csrf_token",
    "end_sessions",
    "forget_old",
    "is_csrf_token",
    "is_sealed",
    "issue_token",
    "list_tokens",
    "revoke_token",
    "seal",
    "session_account",
    "sign_in",
    "sign_out",
    "token_account",
]

IDLE_MINUTES = 60
"""Minutes without a request after which a session ends."""

ABSOLUTE_HOURS = 12
"""Hours after which a session ends, used or not."""

MAX_TOKEN_DAYS = 366
"""Days that an API token lives at most."""

SCOPES = tuple(right.value for right in Right if right not in {Right.ACCOUNTS, Right.BACKUP})
"""What an API token may be allowed; never to manage accounts or backups."""

SEEN_EVERY_S = 30
"""Seconds between two notes that a session is in use."""

TOKEN_PREFIX = "gm_"
SEALED = "sent by this service "
UNKNOWN = "Name and password do not fit. Check both, or ask an administrator for a new password."
OVER = "This session is over. Sign in again."
NO_TOKEN = "This token is unknown, expired or revoked. Ask an administrator for another."


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that has begun.

    Attributes
    ----------
    account
        Who signed in.
    token
        What the browser has to send back; it is kept nowhere.
    expires_at
        When it ends at the latest.
    browser
        What the browser may keep beyond the session, to be known at the next sign-in.
    """

    account: Account
    token: str = field(repr=False)
    expires_at: dt.datetime
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """An API token, without itself."""

    id: int
    login: str
    label: str
    scopes: tuple[str, ...]
    created_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None
    is_revoked: bool


def sign_in(
    db: Database, login: str, password: str, *, address: str, browser: str = ""
) -> SignedIn:
    """Begin a session.

    Parameters
    ----------
    login, password
        What was typed.
    address
        Network address that asks; failures are counted, see :mod:`geo_matcher.dossiers.attempts`.
    browser
        What the browser kept from the last time, so that strangers cannot make it wait.

    Raises
    ------
    ThrottledError
        After too many failures; the password is not even looked at.
    SignInError
        If name and password do not fit, whatever the reason.
    """
    with db.writing() as session:
        is_name = LOGIN.fullmatch(login) is not None
        user = session.scalar(select(UserRow).where(UserRow.login == login)) if is_name else None
        hashed = user.password_hash if user is not None else None
        numbers = count_attempt(session, db.now(), login, address, browser, hashed)
    is_right = _fits(hashed, password)
    if user is None or not is_right:
        raise SignInError(UNKNOWN)
    with db.writing() as session:
        user = user_named(session, login)
        if user.disabled_at is not None or user.password_hash != hashed:
            raise SignInError(UNKNOWN)
        session.execute(delete(AttemptRow).where(AttemptRow.id.in_(numbers)))
        if hasher().check_needs_rehash(str(hashed)):
            user.password_hash = hasher().hash(password)
        token = secrets.token_urlsafe(32)
        expires_at = db.now() + dt.timedelta(hours=ABSOLUTE_HOURS)
        session.add(
            SessionRow(
                user_id=user.id,
                token_hash=_digest(token),
                created_at=db.now(),
                seen_at=db.now(),
                expires_at=expires_at,
            )
        )
        mark = browser_mark(session, login, str(user.password_hash))
        return SignedIn(account_of(user), token, expires_at, mark)


def session_account(db: Database, token: str) -> Account:
    """Return who a session belongs to, and keep it from ending for lack of use.

    Raises
    ------
    SignInError
        If there is no such session, or it is over or revoked, or its account is closed.
    """
    now = db.now()
    with db.reading() as session:
        found = session.execute(
            select(SessionRow, UserRow)
            .join(UserRow, UserRow.id == SessionRow.user_id)
            .where(SessionRow.token_hash == _digest(token))
        ).one_or_none()
    if found is None:
        raise SignInError(OVER)
    row, user = found
    is_idle = row.seen_at + dt.timedelta(minutes=IDLE_MINUTES) <= now
    if row.revoked_at is not None or row.expires_at <= now or is_idle or user.disabled_at:
        raise SignInError(OVER)
    if now - row.seen_at >= dt.timedelta(seconds=SEEN_EVERY_S):
        with db.writing() as session:
            session.execute(
                update(SessionRow)
                .where(SessionRow.id == row.id, SessionRow.revoked_at.is_(None))
                .values(seen_at=now)
            )
    return account_of(user)


def sign_out(db: Database, token: str) -> None:
    """End a session; one that is unknown or over already is no mistake."""
    with db.writing() as session:
        session.execute(
            update(SessionRow)
            .where(SessionRow.token_hash == _digest(token), SessionRow.revoked_at.is_(None))
            .values(revoked_at=db.now())
        )


def end_sessions(db: Database, login: str, *, by: Account) -> int:
    """End every session of an account, and return how many there were.

    Raises
    ------
    UnknownDossierError
        If there is no such account.
    AccessError
        If ``by`` is neither the account itself nor may manage accounts.
    """
    _require_own(by, login)
    with db.writing() as session:
        user = user_named(session, login)
        rows = session.scalars(
            select(SessionRow).where(
                SessionRow.user_id == user.id,
                SessionRow.revoked_at.is_(None),
                SessionRow.expires_at > db.now(),
            )
        ).all()
        for row in rows:
            row.revoked_at = db.now()
        return len(rows)


def csrf_token(token: str) -> str:
    """Return what a form of a session has to send along, so that no other site can send it."""
    return hmac.new(token.encode(), b"form of geo_matcher", hashlib.sha256).hexdigest()


def is_csrf_token(token: str, sent: str) -> bool:
    """Tell whether a form sent what :func:`csrf_token` gave to its session."""
    return hmac.compare_digest(csrf_token(token).encode(), sent.encode(errors="replace"))


def seal(db: Database, text: str) -> str:
    """Return what shows later that this service sent a text, whatever sessions have begun since."""
    with db.reading() as session:
        return keyed(session, f"{SEALED}{text}")


def is_sealed(db: Database, text: str, sent: str) -> bool:
    """Tell whether a text came back with what :func:`seal` gave to it."""
    return hmac.compare_digest(seal(db, text).encode(), sent.encode(errors="replace"))


# --- Tokens for programs -----------------------------------------------------------------------


def issue_token(
    db: Database, login: str, *, label: str, scopes: Sequence[str], days: int, by: Account
) -> str:
    """Make an API token; it is shown once and kept nowhere.

    Parameters
    ----------
    login
        Account that the token acts for.
    label
        What it is for.
    scopes
        What it may do, of :data:`SCOPES`; never more than the account's role allows.
    days
        How long it lives.

    Raises
    ------
    DossierError
        If a scope or the number of days is impossible.
    UnknownDossierError
        If there is no such account.
    AccessError
        If ``by`` is neither the account itself nor may manage accounts.
    """
    _require_own(by, login)
    label = checked_text(label, "label", most=60)
    if not scopes or not set(scopes) <= set(SCOPES):
        raise DossierError(f"scopes: expected some of {', '.join(SCOPES)}.")
    if not 1 <= days <= MAX_TOKEN_DAYS:
        raise DossierError(f"days: found {days}, expected 1 to {MAX_TOKEN_DAYS}.")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with db.writing() as session:
        user = user_named(session, login)
        if user.disabled_at is not None:
            raise DossierError(f"{login} is closed: it takes no token. Make another account.")
        allowed = account_of(user).rights
        if by.login == login:
            allowed &= by.rights  # what acts with fewer rights hands on no more
        missing = set(scopes) - allowed
        if missing:
            raise DossierError(
                f"scopes: the role {user.role} does not allow {', '.join(sorted(missing))}. "
                "Leave it out."
            )
        session.add(
            TokenRow(
                user_id=user.id,
                label=label,
                token_hash=_digest(token),
                scopes=sorted(set(scopes)),
                created_at=db.now(),
                expires_at=db.now() + dt.timedelta(days=days),
            )
        )
    return token


def token_account(db: Database, token: str) -> Account:
    """Return who an API token acts for, with the rights that its scopes leave.

    Raises
    ------
    SignInError
        If it is unknown, expired or revoked, or its account is closed.
    """
    now = db.now()
    with db.reading() as session:
        found = session.execute(
            select(TokenRow, UserRow)
            .join(UserRow, UserRow.id == TokenRow.user_id)
            .where(TokenRow.token_hash == _digest(token))
        ).one_or_none()
    if found is None:
        raise SignInError(NO_TOKEN)
    row, user = found
    if row.revoked_at is not None or row.expires_at <= now or user.disabled_at is not None:
        raise SignInError(NO_TOKEN)
    if row.used_at is None or now - row.used_at >= dt.timedelta(seconds=SEEN_EVERY_S):
        with db.writing() as session:
            session.execute(update(TokenRow).where(TokenRow.id == row.id).values(used_at=now))
    return account_of(user, row.scopes)


def list_tokens(db: Database, *, by: Account, login: str | None = None) -> tuple[TokenFacts, ...]:
    """Return API tokens, without themselves.

    Parameters
    ----------
    login
        Whose; everybody's by default.

    Raises
    ------
    AccessError
        If ``by`` is neither the account itself nor may manage accounts.
    """
    _require_own(by, login)
    with db.reading() as session:
        rows = session.execute(
            select(TokenRow, UserRow.login)
            .join(UserRow, UserRow.id == TokenRow.user_id)
            .where(*[UserRow.login == login] if login is not None else [])
            .order_by(TokenRow.id)
        )
        return tuple(
            TokenFacts(
                row.id,
                login,
                row.label,
                tuple(row.scopes),
                row.created_at,
                row.expires_at,
                row.used_at,
                row.revoked_at is not None,
            )
            for row, login in rows
        )


def revoke_token(db: Database, token_id: int, *, by: Account) -> None:
    """End an API token at once.

    Raises
    ------
    UnknownDossierError
        If there is none with this number, or it is somebody else's and ``by`` may not manage
        accounts.
    """
    with db.writing() as session:
        row = session.get(TokenRow, token_id)
        is_own = row is not None and by.id is not None and row.user_id == by.id
        if row is None or not (is_own or Right.ACCOUNTS in by.rights):
            raise UnknownDossierError(f"There is no token {token_id}. List them to see which.")
        row.revoked_at = row.revoked_at or db.now()


def _require_own(by: Account, login: str | None) -> None:
    """Refuse whoever is neither an account itself nor may manage accounts."""
    if by.id is None or by.login != login or by.is_disabled:
        require(by, Right.ACCOUNTS)


def forget_old(db: Database, *, by: Account = SYSTEM) -> None:
    """Delete sessions, attempts and tokens that are over, and readings of three years ago.

    Raises
    ------
    AccessError
        If ``by`` may not manage accounts.
    """
    require(by, Right.ACCOUNTS)
    now = db.now()
    with db.writing() as session:
        session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
        session.execute(delete(TokenRow).where(TokenRow.expires_at <= now - dt.timedelta(days=90)))
        session.execute(delete(ReadRow).where(ReadRow.at <= now - dt.timedelta(days=3 * 365)))
        forget_attempts(session, now)


def _fits(hashed: str | None, password: str) -> bool:
    """Check a password; where there is none to check against, take as long and refuse."""
    try:
        hasher().verify(hashed or _decoy(), password[:MAX_PASSWORD_CHARS])
    except VerificationError:
        return False
    return hashed is not None and len(password) <= MAX_PASSWORD_CHARS


@cache
def _decoy() -> str:
    return hasher().hash(secrets.token_hex(16))


def _digest(token: str) -> str:
    """Return what is kept of a token; it has 256 random bits, so that a plain digest is enough."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
