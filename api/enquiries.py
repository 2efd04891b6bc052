"""A mover's request, from the public form into a file of the advisers.

Hides what of the form and of the search becomes which field, and until when the person agreed to be
kept. Only the right to open a file is used: nothing is read. The same request sent twice, by a
second click or by going back, makes one file.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from api.accompany import Typed
from api.forms import Asked
from api.throttle import Throttle
from geo_matcher.dossiers.fields import Consent, Member, draft_of, plain_values
from geo_matcher.dossiers.stages import add_months
from geo_matcher.errors import StoreError

if TYPE_CHECKING:
    from geo_matcher.dossiers import accounts, desk
    from geo_matcher.dossiers.database import Database
else:
    from api.later import Later

    accounts = Later("geo_matcher.dossiers.accounts")
    desk = Later("geo_matcher.dossiers.desk")

__all__ = ["CONSENT_MONTHS", "Inbox", "Received"]

CONSENT_MONTHS = 12
"""Months for which a request may be kept; the sentence that is ticked says so."""

PER_ADDRESS, PER_HOUR, HOUR_S = 6, 120, 3600.0
"""Requests from one address, and in all, within an hour."""

REMEMBERED = 1_000
TURN_S = 10


@dataclass(frozen=True, slots=True)
class Received:
    """A request that arrived.

    Attributes
    ----------
    key
        Name of its file, which says nothing of the person.
    until
        Day until which the person agreed to be kept.
    """

    key: str
    until: dt.date


class Inbox:
    """Takes requests in.

    Parameters
    ----------
    throttle
        How many may come.
    """

    def __init__(self, throttle: Throttle | None = None) -> None:
        self._throttle = throttle or Throttle(PER_ADDRESS, PER_HOUR, HOUR_S)
        self._salt = secrets.token_bytes(16)
        self._lock = threading.Lock()
        self._recent: OrderedDict[bytes, Received] = OrderedDict()

    def take(
        self, db: Database, asked: Asked, typed: Typed, *, wording: str, address: str
    ) -> Received | None:
        """Open a file for a request without faults; None when too many came.

        Parameters
        ----------
        asked, typed
            The search, and what was typed.
        wording
            The sentence of consent that was ticked.
        address
            Network address that sends it, to count by.

        Raises
        ------
        DossierError
            If a field cannot be used.
        StoreError
            If the database cannot be reached.
        """
        draft = draft_of(
            {
                "name": typed.name,
                "email": typed.email,
                "phone": typed.phone,
                "message": typed.message,
                "callback": typed.callback,
                "villages": list(typed.villages),
                "language": asked.language,
                "track": asked.profile.track,
                "sector": asked.profile.sector,
                "origin_city": asked.profile.origin_city,
                "origin_commune": asked.profile.origin_commune,
                "source": "web_form",
                "members": [Member(profile=asked.profile)],
            }
        )
        content = orjson.dumps(plain_values(draft), option=orjson.OPT_SORT_KEYS)
        digest = hashlib.sha256(self._salt + content).digest()
        if not self._lock.acquire(timeout=TURN_S):
            raise StoreError("The database keeps requests waiting.")
        try:
            if (before := self._recent.get(digest)) is not None:
                return before
            if not self._throttle.admits(address):
                return None
            today = db.today()
            until = add_months(today, CONSENT_MONTHS)
            consent = Consent(what="accompany", given_on=today, until=until, wording=wording)
            file = desk.open_file(db, draft, by=accounts.PUBLIC_FORM, consents=[consent])
            self._recent[digest] = Received(file.key, until)
            while len(self._recent) > REMEMBERED:
                self._recent.popitem(last=False)
            return self._recent[digest]
        finally:
            self._lock.release()
