"""The door of the advisers' side: its database, who asks, and what only they can have sent.

Hides how the database is opened (once for each application, at the first request that needs it),
how a session travels (a cookie that scripts cannot read), and how a form proves that it is ours.
Nothing of the database is loaded before: a service for movers alone does not pay for it. What is
past its end becomes anonymous when the database is opened, and at the first request of each day.
Where there is no database, or it cannot be reached, this side answers 503 and the rest goes on.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, HTTPException, Request
from starlette.responses import Response

from api.errors import SignInNeeded
from api.private import PAGES
from api.settings import Settings
from geo_matcher.errors import AccessError, SignInError, StoreError

if TYPE_CHECKING:
    from geo_matcher.dossiers import database, privacy, sign_in
    from geo_matcher.dossiers.accounts import Account
    from geo_matcher.dossiers.database import Database
else:
    from api.later import Later

    Account = Database = Any
    database = Later("geo_matcher.dossiers.database")
    privacy = Later("geo_matcher.dossiers.privacy")
    sign_in = Later("geo_matcher.dossiers.sign_in")

__all__ = [
    "CSRF_FIELD",
    "CSRF_HEADER",
    "HOME",
    "SIGN_IN",
    "ApiAccount",
    "CsrfDep",
    "DatabaseDep",
    "Desk",
    "Form",
    "OpenForm",
    "PageAccount",
    "PageForm",
    "browser_of",
    "check_csrf",
    "clear_session",
    "client_address",
    "csrf_of",
    "get_database",
    "give_browser",
    "give_session",
    "language_of",
    "local_next",
    "read_form",
    "session_of",
]

HOME = PAGES
"""Where whoever signs in goes when no other page was asked for."""

SIGN_IN = f"{PAGES}/connexion"

CSRF_FIELD, CSRF_HEADER = "csrf", "X-CSRF-Token"
"""Field of a form, and header of a script, that hold what only a page of ours can know."""

SESSION_COOKIE, FORM_COOKIE, BROWSER_COOKIE = "gm-session", "gm-form", "gm-browser"
BROWSER_COOKIE_S = 180 * 24 * 3600
MAX_COOKIE = 200
MAX_FIELDS = 400
MAX_NEXT = 500
RETRY_AFTER_S = 10
"""Seconds for which a database that failed to open is left alone."""

OPENING_TIMEOUT_S = 8
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
NEXT = re.compile(rf"{PAGES}(?:[/?][A-Za-z0-9._~!$'()*+,;:@%/?&=-]*)?")
BUSY = "The database is being opened, or could not be some seconds ago."
CLOSED = "The advisers' side is not open on this service. Whoever runs it finds how in docs/api.md."
NO_CSRF = (
    f"The request does not prove that it comes from a page of this service. Open the page again "
    f"and send it from there; a program sends the header {CSRF_HEADER}, or a token of its own."
)


# --- The database ------------------------------------------------------------------------------


class Desk:
    """The advisers' database of one application.

    Parameters
    ----------
    settings
        Say whether this side is open, and where its database is.
    clock
        Gives the moment; that of the machine by default.
    """

    def __init__(self, settings: Settings, clock: Callable[[], dt.datetime] | None = None) -> None:
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._database: Database | None = None
        self._try_after = 0.0
        self._purging = threading.Lock()
        self._purged_on: dt.date | None = None
        self._purge_after = 0.0

    @property
    def is_open(self) -> bool:
        """Whether this service has an advisers' side."""
        return self._settings.has_desk

    def database(self) -> Database:
        """Return the open database, brought to this program's version, and purged today.

        Raises
        ------
        HTTPException
            503, where this service has no advisers' side.
        StoreError
            If it cannot be reached or is of a newer version. It is left alone for some seconds
            then, so that a server that is down does not hold up every thread of the service.
        """
        db = self._database or self._opened_once()
        self._purge(db)
        return db

    def _purge(self, db: Database) -> None:
        """Make anonymous what is past its end, once a day; those who ask meanwhile do not wait."""
        today = db.today()
        is_due = self._purged_on != today and time.monotonic() >= self._purge_after
        if not is_due or not self._purging.acquire(blocking=False):
            return
        try:
            if self._purged_on != today:
                privacy.purge(db)
                self._purged_on = today
        except StoreError:  # the database is busy: the request goes on, a later one tries again
            self._purge_after = time.monotonic() + RETRY_AFTER_S
        finally:
            self._purging.release()

    def _opened_once(self) -> Database:
        if not self.is_open:
            raise HTTPException(503, CLOSED)
        if not self._lock.acquire(timeout=OPENING_TIMEOUT_S):
            raise StoreError(BUSY)
        try:
            if self._database is None:
                if time.monotonic() < self._try_after:
                    raise StoreError(BUSY)
                try:
                    self._database = self._opened()
                except StoreError:
                    self._try_after = time.monotonic() + RETRY_AFTER_S
                    raise
            return self._database
        finally:
            self._lock.release()

    def _opened(self) -> Database:
        url = self._settings.database_url.get_secret_value() or None
        if self._clock is None:
            return database.Database.open(url)
        return database.Database.open(url, clock=self._clock)

    def close(self) -> None:
        """Let the database go, if it was opened."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = self._purged_on = None


def get_database(request: Request) -> Database:
    """Return the database of this application; see :meth:`Desk.database`."""
    desk: Desk = request.app.state.desk
    return desk.database()


DatabaseDep = Annotated[Database, Depends(get_database)]
"""The open database; 503 where there is none."""


# --- What a request says of itself -------------------------------------------------------------


def language_of(request: Request) -> Literal["fr", "en"]:
    """Return the language of a page: French, unless ``lang=en`` asks for English."""
    return "en" if request.query_params.get("lang") == "en" else "fr"


def client_address(request: Request) -> str:
    """Return the network address that asks, to count attempts by.

    It is that of the connection itself; no header is read here. Behind a proxy on this machine,
    the server has already put the address that the proxy names in its place.
    """
    return request.client.host if request.client else "unknown"


def local_next(text: str) -> str:
    """Return where to go after signing in: a page of this side, or its first one.

    An address of another site, another scheme, or of the sign-in page itself is not followed.
    """
    is_fit = len(text) <= MAX_NEXT and NEXT.fullmatch(text) is not None
    return text if is_fit and not text.startswith(SIGN_IN) else HOME


def _is_https(request: Request) -> bool:
    settings: Settings = request.app.state.settings
    return request.url.scheme == "https" or settings.public_url.startswith("https://")


def _cookie_name(request: Request, name: str) -> str:
    """Return the name of a cookie; with the prefix, no other host and no HTTP page can set it."""
    return f"__Host-{name}" if _is_https(request) else name


def _read_cookie(request: Request, name: str) -> str:
    value = request.cookies.get(_cookie_name(request, name), "")
    return value if len(value) <= MAX_COOKIE else ""


def _set_cookie(
    request: Request,
    response: Response,
    name: str,
    value: str,
    site: str,
    max_age_s: int | None = None,
) -> None:
    response.set_cookie(
        _cookie_name(request, name),
        value,
        max_age=max_age_s,
        path="/",
        secure=_is_https(request),
        httponly=True,
        samesite="strict" if site == "strict" else "lax",
    )


def session_of(request: Request) -> str:
    """Return the session that a browser sends along; empty when there is none."""
    return _read_cookie(request, SESSION_COOKIE)


def give_session(request: Request, response: Response, token: str) -> None:
    """Let a browser keep a session until it is closed.

    The cookie is ``Lax``: a link in a mail or a calendar may lead to a file, and whatever changes
    something needs the CSRF token besides.
    """
    _set_cookie(request, response, SESSION_COOKIE, token, "lax")


def browser_of(request: Request) -> str:
    """Return what a browser kept from its last sign-in; empty where nobody signed in there."""
    return _read_cookie(request, BROWSER_COOKIE)


def give_browser(request: Request, response: Response, mark: str) -> None:
    """Let a browser be known at its next sign-in: strangers who guess do not make it wait."""
    _set_cookie(request, response, BROWSER_COOKIE, mark, "strict", BROWSER_COOKIE_S)


def clear_session(request: Request, response: Response) -> None:
    """Let a browser forget its session."""
    response.delete_cookie(
        _cookie_name(request, SESSION_COOKIE),
        path="/",
        secure=_is_https(request),
        httponly=True,
        samesite="lax",
    )


# --- Who asks ----------------------------------------------------------------------------------


def page_account(request: Request, db: DatabaseDep) -> Account:
    """Return who a page is for, by the session cookie.

    Raises
    ------
    SignInNeeded
        If there is no session that holds: the answer is a 303 to the sign-in page.
    """
    token = session_of(request)
    if token:
        try:
            return sign_in.session_account(db, token)
        except SignInError:
            pass
    raise SignInNeeded(_sign_in_address(request))


def _sign_in_address(request: Request) -> str:
    own = {"lang": "en"} if language_of(request) == "en" else {}
    if request.method in {"GET", "HEAD"}:
        query = request.url.query
        wanted = local_next(request.url.path + (f"?{query}" if query else ""))
    else:
        wanted = HOME  # what was being sent cannot be asked for by an address
    return f"{SIGN_IN}?{urlencode({'next': wanted, **own})}"


def api_account(request: Request, db: DatabaseDep) -> Account:
    """Return who asks the API: an account by its token, or by its session.

    Raises
    ------
    SignInError
        If neither holds.
    AccessError
        If a session changes something without the CSRF header.
    """
    given = request.headers.get("Authorization")
    if given is not None:
        scheme, _, token = given.partition(" ")
        if scheme.casefold() != "bearer" or not 1 <= len(token.strip()) <= MAX_COOKIE:
            raise SignInError("Authorization: expected Bearer and an API token.")
        return sign_in.token_account(db, token.strip())
    session = session_of(request)
    if not session:
        raise SignInError("Sign in first, or send the header Authorization: Bearer with a token.")
    account = sign_in.session_account(db, session)
    if request.method not in SAFE_METHODS:
        sent = request.headers.get(CSRF_HEADER, "")
        if not sign_in.is_csrf_token(session, sent):
            raise AccessError(NO_CSRF)
    return account


PageAccount = Annotated[Account, Depends(page_account)]
"""Who a page is for; a 303 to the sign-in page for nobody."""

ApiAccount = Annotated[Account, Depends(api_account)]
"""Who asks the API, whatever their rights; :mod:`api.rights` asks for those."""


# --- What only a page of ours can send ---------------------------------------------------------


class Form(Mapping[str, str]):
    """What a form sent: the last value of each field, and all of them by :meth:`all`."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs
        self._last = dict(pairs)

    def __getitem__(self, name: str) -> str:
        """Return the last value of a field."""
        return self._last[name]

    def __iter__(self) -> Any:
        """Go through the names."""
        return iter(self._last)

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._last)

    def __repr__(self) -> str:
        """Say which fields were sent, not what stood in them."""
        return f"Form({sorted(self._last)})"

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every field with its value, in the order of the form."""
        return tuple(self._pairs)

    def all(self, name: str) -> list[str]:
        """Return every value of a field, in the order of the form."""
        return [value for key, value in self._pairs if key == name]


async def read_form(request: Request) -> Form:
    """Return what a form sent, as browsers send it; its size is bounded before.

    Raises
    ------
    HTTPException
        422, where it is no such form or has too many fields.
    """
    body = await request.body()
    try:
        text = body.decode("ascii", errors="replace")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        raise HTTPException(422, f"The form has more than {MAX_FIELDS} fields.") from None
    return Form(pairs)


def csrf_of(request: Request) -> str:
    """Return what the forms of a page have to hold in the field ``csrf``."""
    return sign_in.csrf_token(session_of(request))


CsrfDep = Annotated[str, Depends(csrf_of)]
"""What the forms of a page have to hold in the field :data:`CSRF_FIELD`."""


async def page_form(request: Request, account: PageAccount) -> Form:  # noqa: ARG001 - asked first
    """Return what a page's form sent, once it is sure that the page is ours.

    Raises
    ------
    AccessError
        If its CSRF token is not that of the session.
    """
    form = await read_form(request)
    check_csrf(request, form)
    return form


def check_csrf(request: Request, form: Mapping[str, str]) -> None:
    """Refuse a form that no page of this session sent; :data:`PageForm` has asked already.

    Raises
    ------
    AccessError
        If its CSRF token is not that of the session.
    """
    if not sign_in.is_csrf_token(session_of(request), form.get(CSRF_FIELD, "")):
        raise AccessError(NO_CSRF)


PageForm = Annotated[Form, Depends(page_form)]
"""What a page's form sent; for routes by POST beside :data:`PageAccount`."""


class OpenForm:
    """A form for whoever is not signed in yet, which no other site can send.

    A cookie that only our own pages bring back (``Strict``) has to fit the form.

    Parameters
    ----------
    request
        The request.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        known = _read_cookie(request, FORM_COOKIE)
        self.is_known = bool(known)
        """Whether this browser was given one before."""
        self._nonce = known or secrets.token_urlsafe(32)

    @property
    def csrf(self) -> str:
        """What the form has to hold."""
        return sign_in.csrf_token(self._nonce)

    def give(self, response: Response) -> None:
        """Let the browser keep what the form has to fit."""
        _set_cookie(self._request, response, FORM_COOKIE, self._nonce, "strict")

    def fits(self, form: Form) -> bool:
        """Tell whether a form was sent from a page that :meth:`give` went with."""
        nonce = _read_cookie(self._request, FORM_COOKIE)
        return bool(nonce) and sign_in.is_csrf_token(nonce, form.get(CSRF_FIELD, ""))
