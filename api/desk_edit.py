"""The form of a file: its fields as typed, what may stand in each, and what somebody else changed.

Hides how a form becomes fields and fields become a form. A late edit is shown beside what was
changed meanwhile, field by field, and keeps everything that was typed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.desk_faults import Difference, differences_of
from api.desk_places import desk_href
from api.desk_words import city_label, consent_label, source_label
from api.texts import track_label, translator
from geo_matcher.dossiers.accounts import Account, Role
from geo_matcher.dossiers.fields import CONSENTS, LANGUAGES, SOURCES, Consent, Draft, plain_values
from geo_matcher.dossiers.stages import add_months
from geo_matcher.errors import StaleEditError, UnknownCommuneError
from geo_matcher.profile import CITIES, SECTORS
from geo_matcher.territory import Territory
from geo_matcher.towns import served

__all__ = [
    "DEFAULT_YEARS",
    "LIMITS",
    "TYPED",
    "EditView",
    "consents_in",
    "edit_view",
    "fields_in",
    "new_values",
    "typed_of",
]

TYPED = (
    "name", "email", "phone", "town", "language", "callback", "message", "villages", "track",
    "sector", "origin_city", "source", "adviser",
)  # fmt: skip
"""Fields of the form, in its order."""

LIMITS: Mapping[str, int] = {
    "name": 120, "email": 254, "phone": 30, "town": 120, "message": 2000, "villages": 600,
}  # fmt: skip
"""Longest text of each field, in characters."""

CALLBACKS = ("email", "day", "evening")
TRACKS = ("solo", "cultura")
DEFAULT_YEARS = 3
"""Years for which a consent is proposed."""

Options = tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True, slots=True)
class EditView:
    """The form of a file.

    Attributes
    ----------
    action, back_href
        Where it is sent, and where the file is.
    version
        What the editor saw; 0 for a new file.
    values, limits
        What stands in each field, and how long it may be.
    choices
        For each field of a few words, triples (value, label, whether it is chosen).
    communes
        Names that are proposed for villages.
    faults
        A sentence for each field that cannot be used.
    differences
        What somebody else changed meanwhile; empty in general.
    consents
        For a new file, triples (what, label, whether it is ticked).
    given_on, until
        Days of the consents of a new file.
    """

    action: str
    back_href: str
    version: int
    values: Mapping[str, str]
    limits: Mapping[str, int]
    choices: Mapping[str, Options]
    communes: tuple[str, ...]
    faults: Mapping[str, str]
    differences: tuple[Difference, ...]
    consents: Options
    given_on: str
    until: str


def typed_of(values: Mapping[str, Any], territory: Territory) -> dict[str, str]:
    """Return what the form shows of some fields in plain types."""
    names = {fact["insee_code"]: fact["name"] for fact in territory.facts}
    shown = {}
    for name in TYPED:
        value = values.get(name)
        if name == "villages":
            shown[name] = ", ".join(names.get(code, code) for code in value or ())
        else:
            shown[name] = "" if value is None else str(value)
    return shown


def fields_in(
    sent: Mapping[str, str], territory: Territory, language: str
) -> tuple[dict[str, Any], dict[str, str]]:
    """Read a form: fields in plain types, and a sentence for what cannot be read.

    Parameters
    ----------
    sent
        What was sent.
    territory
        Knows the villages by name.
    language
        ``fr`` or ``en``.
    """
    fields: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name in TYPED:
        text = sent.get(name, "")
        if name == "adviser":
            fields[name] = text or None
        elif name == "villages":
            fields[name], unknown = _villages(text, territory)
            if unknown:
                faults[name] = translator(language)("desk.fault.villages")
        else:
            fields[name] = text
    return fields, faults


def _villages(text: str, territory: Territory) -> tuple[list[str], bool]:
    codes, is_unknown = [], False
    for part in text.split(","):
        if not part.strip():
            continue
        try:
            codes.append(territory.find(part.strip()[:80]))
        except UnknownCommuneError:
            is_unknown = True
    return list(dict.fromkeys(codes)), is_unknown


def consents_in(
    ticked: Sequence[str], given_on: str, until: str, language: str
) -> tuple[Consent, ...]:
    """Return the consents of a form.

    Parameters
    ----------
    ticked
        What was agreed to.
    given_on, until
        Days, as sent.
    language
        That of the sentence which is kept with each.

    Raises
    ------
    ValueError
        If a day is none.
    """
    days = dt.date.fromisoformat(given_on), dt.date.fromisoformat(until)
    return tuple(
        Consent.model_validate(
            {
                "what": what,
                "given_on": days[0],
                "until": days[1],
                "wording": CONSENTS[what][language],
            }
        )
        for what in dict.fromkeys(ticked)
        if what in CONSENTS
    )


def edit_view(
    territory: Territory,
    language: str,
    *,
    key: str,
    version: int,
    values: Mapping[str, str],
    advisers: Sequence[Account],
    today: dt.date,
    faults: Mapping[str, str] | None = None,
    late: StaleEditError | None = None,
    ticked: Sequence[str] = ("accompany",),
    days: tuple[str, str] | None = None,
) -> EditView:
    """Return the form of a file.

    Parameters
    ----------
    territory
        The release in service.
    language
        ``fr`` or ``en``.
    key
        Key of the file; empty for a new one.
    version
        What the editor saw.
    values
        What stands in the fields, or was typed.
    advisers
        Accounts.
    today
        The day.
    faults
        A sentence for each field that cannot be used.
    late
        What somebody else changed meanwhile: what they changed and the editor did not is taken
        over, all that was typed stays.
    ticked, days
        Consents of a new file, as ticked.
    """
    t = translator(language)
    names = {fact["insee_code"]: fact["name"] for fact in territory.facts}
    shown = dict(values)
    differences: tuple[Difference, ...] = ()
    if late is not None:
        differences = differences_of(late, language, names)
        theirs = {d.name: late.differences[d.name][2] for d in differences if d.kind == "theirs"}
        shown |= {k: v for k, v in typed_of(theirs, territory).items() if k in theirs}
        version = late.version
    words = {
        "language": [(word, t(f"desk.language.{word}")) for word in LANGUAGES],
        "callback": [(word, t(f"callback.{word}")) for word in CALLBACKS],
        "track": [
            (word, track_label(word, language))
            for word in TRACKS
            if word == "solo" or served().artists_track or shown.get("track") == word
        ],
        "sector": [(word, t(f"sector.{word}")) for word in SECTORS],
        "origin_city": [(word, city_label(word, language)) for word in CITIES],
        "source": [(word, source_label(word, language)) for word in SOURCES],
        "adviser": [
            ("", t("desk.adviser.nobody")),
            *(
                (account.login, account.name)
                for account in advisers
                if account.role in {Role.ADVISER, Role.ADMIN} and not account.is_disabled
            ),
        ],
    }
    path = f"/dossiers/{key}" if key else "/dossiers"
    given, until = days or (
        today.isoformat(),
        add_months(today, 12 * DEFAULT_YEARS).isoformat(),
    )
    return EditView(
        action=desk_href(f"{path}/modifier" if key else f"{path}/nouveau", language),
        back_href=desk_href(path, language),
        version=version,
        values=shown,
        limits=LIMITS,
        choices={
            name: tuple((value, label, value == shown.get(name, "")) for value, label in options)
            for name, options in words.items()
        },
        communes=tuple(sorted(names.values())),
        faults=faults or {},
        differences=differences,
        consents=()
        if key
        else tuple((what, consent_label(what, language), what in ticked) for what in CONSENTS),
        given_on=given,
        until=until,
    )


def new_values(territory: Territory) -> dict[str, str]:
    """Return what stands in the form of a new file."""
    return typed_of(plain_values(Draft(name="–")) | {"name": "", "source": "phone"}, territory)
