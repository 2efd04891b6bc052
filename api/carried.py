"""What somebody was writing when their session ended: it goes through signing in, and comes back.

Hides that it travels in the sign-in form and is kept nowhere, and that only what a page of that
very session sent is taken along: another site cannot put words into somebody's mouth. The sign-in
form bears a seal of it, made with the secret of the database for this browser, so that it is still
known as ours when another tab has begun a session meanwhile. It is shown before it is sent, by
whoever signed in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import HTTPException, Request

from api.desk import (
    CSRF_FIELD,
    HOME,
    SIGN_IN,
    OpenForm,
    check_csrf,
    get_database,
    local_next,
    read_form,
    session_of,
)
from api.private import PAGES
from api.texts import translator
from api.uploads import UPLOADS
from geo_matcher.errors import AccessError

if TYPE_CHECKING:
    from api import desk_words
    from geo_matcher.dossiers import sign_in
else:
    from api.later import Later

    desk_words = Later("api.desk_words")
    sign_in = Later("geo_matcher.dossiers.sign_in")

__all__ = ["SIGN_OUT", "Carried", "carried_in", "interrupted", "texts_of", "way_back"]

SIGN_OUT = f"{PAGES}/deconnexion"
TARGET, PREFIX, SEAL = "sent_to", "sent.", "sent_seal"
FORM_KIND = "application/x-www-form-urlencoded"
LABELS: Mapping[str, str] = {
    "text": "desk.resend.text",
    "impression": "desk.visit.impression",
    "hard": "desk.follow_up.hard",
    "remark": "desk.freeze.remark",
}
FIELDS = ("name", "email", "phone", "town", "message", "villages")
"""Fields that are typed and shown; what was chosen goes along unshown."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A form that could not be taken in.

    Attributes
    ----------
    target
        Where it was sent.
    pairs
        Its fields, the proof that it is ours included.
    """

    target: str
    pairs: tuple[tuple[str, str], ...]

    def hidden(self, request: Request, open_form: OpenForm) -> tuple[tuple[str, str], ...]:
        """Return the fields of a sign-in form that take it along, with their seal."""
        seal = sign_in.seal(get_database(request), self._text(open_form))
        fields = ((f"{PREFIX}{name}", value) for name, value in self.pairs)
        return (TARGET, self.target), (SEAL, seal), *fields

    def is_sealed(self, request: Request, seal: str) -> bool:
        """Tell whether it comes back from a sign-in form that this browser was given."""
        open_form = OpenForm(request)
        return open_form.is_known and sign_in.is_sealed(
            get_database(request), self._text(open_form), seal
        )

    def _text(self, open_form: OpenForm) -> str:
        """Return all that is sealed; browsers end lines in their own way."""
        said = json.dumps([open_form.csrf, self.target, self.pairs])
        return said.replace(r"\r\n", r"\n").replace(r"\r", r"\n")

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """Fields to send again, with a proof of the new session beside them."""
        return tuple(pair for pair in self.pairs if pair[0] != CSRF_FIELD)


async def interrupted(request: Request) -> Carried | None:
    """Return the form of a request whose session has ended; None for no such form."""
    path = request.url.path
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if request.method != "POST" or kind != FORM_KIND or path in UPLOADS or path == SIGN_OUT:
        return None
    try:
        form = await read_form(request)
    except HTTPException:
        return None
    query = request.url.query
    return _ours(request, Carried(path + (f"?{query}" if query else ""), form.pairs))


def carried_in(request: Request, pairs: tuple[tuple[str, str], ...]) -> Carried | None:
    """Return what a sign-in form took along; None for nothing, or for what is not ours."""
    target = next((value for name, value in pairs if name == TARGET), "")
    sent = tuple(
        (name.removeprefix(PREFIX), value) for name, value in pairs if name.startswith(PREFIX)
    )
    seal = next((value for name, value in pairs if name == SEAL), "")
    return _ours(request, Carried(target, sent), seal) if target else None


def _ours(request: Request, carried: Carried, seal: str = "") -> Carried | None:
    if local_next(carried.target) != carried.target:
        return None
    if carried.target.startswith((SIGN_IN, SIGN_OUT)):
        return None
    if seal and carried.is_sealed(request, seal):
        return carried
    if not session_of(request):
        return None
    try:
        check_csrf(request, dict(carried.pairs))
    except AccessError:
        return None
    return carried


def texts_of(carried: Carried, language: str) -> tuple[tuple[str, str], ...]:
    """Return what was typed, with what each text is."""
    t = translator(language)
    return tuple(
        (t(LABELS[name]) if name in LABELS else desk_words.field_label(name, language), value)
        for name, value in carried.fields
        if value.strip() and (name in LABELS or name in FIELDS)
    )


def way_back(carried: Carried) -> str:
    """Return the page that the form stood on."""
    path = carried.target.partition("?")[0]
    files = f"{PAGES}/dossiers/"
    key = path.removeprefix(files).partition("/")[0] if path.startswith(files) else ""
    return f"{files}{key}" if key.isalnum() and key != "nouveau" else HOME
