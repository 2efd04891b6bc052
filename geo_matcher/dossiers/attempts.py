"""How often one may try to sign in, so that guessing is slow and nobody can lock another one out.

Hides what is counted by what. A browser in which somebody signed in before holds a mark of that
account and is counted on its own: whatever strangers do, it may try. Any other attempt is counted
by account and address together, by address, and by account: past the last of these limits the
account takes an attempt every few seconds instead of none. Names and addresses are kept as keyed
digests, for a quarter of an hour.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from geo_matcher.dossiers.records import AttemptRow, MarkRow
from geo_matcher.errors import ThrottledError

__all__ = [
    "ATTEMPTS_BEFORE_SLOW",
    "ATTEMPTS_PER_ACCOUNT",
    "ATTEMPTS_PER_ADDRESS",
    "SLOW_EVERY_S",
    "THROTTLE_MINUTES",
    "browser_mark",
    "count_attempt",
    "forget_attempts",
    "keyed",
]

THROTTLE_MINUTES = 15
"""Minutes over which failed attempts are counted."""

ATTEMPTS_PER_ACCOUNT = 5
"""Failed attempts on one account, from one address or one known browser, before it has to wait."""

ATTEMPTS_PER_ADDRESS = 20
"""Failed attempts from one network address before it has to wait."""

ATTEMPTS_BEFORE_SLOW = 20
"""Failed attempts on one account, from all unknown browsers, after which they are slowed down."""

SLOW_EVERY_S = 10
"""Seconds between two attempts that are let through then."""


def count_attempt(
    session: Session, now: dt.datetime, login: str, address: str, browser: str, hashed: str | None
) -> list[int]:
    """Count an attempt before its password is looked at, and return the numbers of its rows.

    So counted, many attempts at once do not slip through. Whoever signs in deletes the rows.

    Parameters
    ----------
    login, address
        What was typed, and where it comes from.
    browser
        What :func:`browser_mark` gave to the browser; empty for none.
    hashed
        Digest of the account's password; None where there is none.

    Raises
    ------
    ThrottledError
        After too many failures.
    """
    nonce = _known_browser(session, login, browser, hashed)
    everybody = keyed(session, f"account {login}")
    if nonce:
        limits = {keyed(session, f"browser {nonce}"): ATTEMPTS_PER_ACCOUNT}
    else:
        limits = {
            keyed(session, f"account {login} from {address}"): ATTEMPTS_PER_ACCOUNT,
            keyed(session, f"address {address}"): ATTEMPTS_PER_ADDRESS,
        }
    subjects = sorted([*limits] if nonce else [*limits, everybody])
    if session.get_bind().dialect.name == "postgresql":  # SQLite lets one write at a time anyway
        for subject in subjects:
            session.execute(select(func.pg_advisory_xact_lock(int(subject[:15], 16))))
    forget_attempts(session, now)
    for subject, limit in limits.items():
        count, first, _ = _counted(session, subject)
        if count >= limit:
            _wait(first + dt.timedelta(minutes=THROTTLE_MINUTES), now)
    if not nonce:
        count, _, last = _counted(session, everybody)
        if count >= ATTEMPTS_BEFORE_SLOW:
            _wait(last + dt.timedelta(seconds=SLOW_EVERY_S), now)
    rows = [AttemptRow(at=now, subject=subject) for subject in subjects]
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


def browser_mark(session: Session, login: str, hashed: str) -> str:
    """Return what a browser keeps after signing in, to be counted on its own later.

    It names nobody and lets nobody in. It ends with the password.
    """
    nonce = secrets.token_urlsafe(16)
    return f"{nonce}.{keyed(session, _sealed(login, hashed, nonce))}"


def forget_attempts(session: Session, now: dt.datetime) -> None:
    """Delete the attempts that no longer count."""
    old = now - dt.timedelta(minutes=THROTTLE_MINUTES)
    session.execute(delete(AttemptRow).where(AttemptRow.at <= old))


def _counted(session: Session, subject: str) -> tuple[int, dt.datetime, dt.datetime]:
    query = select(func.count(), func.min(AttemptRow.at), func.max(AttemptRow.at))
    count, first, last = session.execute(query.where(AttemptRow.subject == subject)).one()
    return count, first, last


def _wait(until: dt.datetime, now: dt.datetime) -> None:
    wait = int((until - now).total_seconds())
    if wait > 0:
        raise ThrottledError(
            f"Too many attempts to sign in. Try again in {-(-wait // 60)} min.", wait
        )


def _known_browser(session: Session, login: str, browser: str, hashed: str | None) -> str:
    """Return by what a browser of this account is counted; empty for one that is not known."""
    nonce, _, seal = browser.partition(".")
    if not nonce or hashed is None:
        return ""
    expected = keyed(session, _sealed(login, hashed, nonce))
    return nonce if hmac.compare_digest(expected.encode(), seal.encode(errors="replace")) else ""


def _sealed(login: str, hashed: str, nonce: str) -> str:
    return f"known browser {login} {hashed} {nonce}"


def keyed(session: Session, text: str) -> str:
    """Return a digest of a text that only whoever holds the secret of this database can make."""
    pepper = session.get_one(MarkRow, "pepper").value.encode()
    return hmac.new(pepper, text.encode(errors="replace"), hashlib.sha256).hexdigest()
