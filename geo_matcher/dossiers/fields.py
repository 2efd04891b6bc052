"""What a file holds: each field, its bounds, why it is kept, and whether it tells of a person.

Hides how what was typed is checked. A field that is not here is not kept: the list is the minimum
that the work needs, and ``docs/privacy.md`` shows it. Refusals name fields and lengths, never what
stood in them.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.destinations import INSEE_CODE
from geo_matcher.errors import DossierError
from geo_matcher.profile import CityName, Profile, SectorName, expectation

__all__ = [
    "CONSENTS",
    "EMAIL",
    "FIELDS",
    "LANGUAGES",
    "MAX_NOTE_CHARS",
    "PHONE",
    "SOURCES",
    "Consent",
    "Draft",
    "FieldFacts",
    "Member",
    "changed_draft",
    "checked_text",
    "draft_of",
    "email_key",
    "name_key",
    "plain_values",
    "readable_profile",
]

EMAIL = re.compile(r"[^@\s<>\"',;:\\()\[\]]{1,64}@[\w-]+(?:\.[\w-]+)+")
"""A plausible e-mail address; only an answer proves one."""

PHONE = re.compile(r"\+?[0-9](?:[ .()/-]*[0-9]){5,18}")
"""A plausible telephone number, as people write it."""

LANGUAGES = ("fr", "en")

MAX_NOTE_CHARS = 10_000
"""Longest note."""

MAX_KEY_CHARS = 254
"""Longest form in which names and addresses are compared."""

MAX_MEMBERS = 6
"""Persons of a household who say what they look for."""

SOURCES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "web_form": {"fr": "Formulaire du site", "en": "Form of the site"},
        "phone": {"fr": "Téléphone", "en": "Telephone"},
        "email": {"fr": "Courriel", "en": "E-mail"},
        "fair": {"fr": "Salon ou forum", "en": "Fair"},
        "press": {"fr": "Presse", "en": "Press"},
        "word_of_mouth": {"fr": "Bouche-à-oreille", "en": "Word of mouth"},
        "partner_village": {"fr": "Village partenaire", "en": "Partner village"},
        "other": {"fr": "Autre", "en": "Other"},
    }
)
"""How a household came to the network."""

CONSENTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "accompany": {
            "fr": "Être accompagné par les conseillers du réseau",
            "en": "Being accompanied by the network's advisers",
        },
        "villages": {
            "fr": "Transmettre mes coordonnées aux mairies des villages choisis",
            "en": "Handing my contact details to the town halls of the villages I chose",
        },
        "news": {"fr": "Recevoir des nouvelles du réseau", "en": "Receiving the network's news"},
    }
)
"""What a person may agree to, one by one."""

SourceName = Literal[
    "web_form", "phone", "email", "fair", "press", "word_of_mouth", "partner_village", "other"
]


def _one_line(text: Any) -> Any:
    return " ".join(text.split()) if isinstance(text, str) else text


def _lines(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _printable(text: str) -> str:
    """Refuse what no keyboard types: it hides text, or breaks a file that it is written to."""
    for character in text:
        is_no_character = ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF
        is_hidden = unicodedata.category(character) in {"Cc", "Cs", "Co"}
        if is_no_character or (is_hidden and character not in "\n\t"):
            raise ValueError("a character that cannot be shown; leave it out")
    return text


def _is_email(text: str) -> str:
    if text and not EMAIL.fullmatch(text):
        raise ValueError("expected an address such as name@example.org")
    return text


def _is_phone(text: str) -> str:
    if text and not PHONE.fullmatch(text):
        raise ValueError("expected a telephone number of 6 to 19 digits")
    return text


Line = Annotated[str, BeforeValidator(_one_line), AfterValidator(_printable)]
Text = Annotated[str, BeforeValidator(_lines), AfterValidator(_printable)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Member(_Strict):
    """One person of the household and what they look for."""

    label: Line = Field("", max_length=80, repr=False, description="First name, or a word.")
    profile: Profile = Field(default_factory=lambda: Profile.model_validate({}), repr=False)


class Consent(_Strict):
    """What a person agreed to."""

    what: Literal["accompany", "villages", "news"] = Field(description="One of CONSENTS.")
    given_on: dt.date = Field(description="Day on which it was given.")
    until: dt.date = Field(description="Day after which it no longer holds.")
    wording: Text = Field("", max_length=2000, description="The sentence that was shown.")


class Draft(_Strict):
    """The fields of a file that people type. Every field has a default but the name."""

    name: Line = Field(min_length=1, max_length=120, repr=False)
    email: Annotated[Line, AfterValidator(_is_email)] = Field("", max_length=254, repr=False)
    phone: Annotated[Line, AfterValidator(_is_phone)] = Field("", max_length=30, repr=False)
    town: Line = Field("", max_length=120, repr=False)
    language: Literal["fr", "en"] = "fr"
    callback: Literal["email", "day", "evening"] = "email"
    message: Text = Field("", max_length=2000, repr=False)
    villages: list[Annotated[str, Field(pattern=INSEE_CODE)]] = Field(
        default_factory=list, max_length=20
    )
    track: Literal["solo", "cultura"] = "solo"
    sector: SectorName = "other"
    origin_city: CityName = "other"
    origin_commune: Annotated[str, Field(pattern=INSEE_CODE)] | None = Field(None, repr=False)
    source: SourceName = "other"
    adviser: Annotated[str, Field(max_length=60)] | None = None
    members: list[Member] = Field(default_factory=list, max_length=MAX_MEMBERS, repr=False)


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """Why a field is kept.

    Attributes
    ----------
    name, label_fr, label_en
        Which field.
    is_personal
        Whether it tells of the person, and so goes when the file is made anonymous.
    purpose_fr, purpose_en
        What it is needed for.
    """

    name: str
    label_fr: str
    label_en: str
    is_personal: bool
    purpose_fr: str
    purpose_en: str


_ANSWER = ("répondre à la personne", "answering the person")
_FIND = ("proposer des villages", "proposing villages")
_COUNT = ("compter l’activité du réseau", "counting the network's work")
_WORK = ("répartir le travail", "sharing out the work")

FIELDS: Mapping[str, FieldFacts] = MappingProxyType(
    {
        name: FieldFacts(name, label_fr, label_en, is_personal, *purpose)
        for name, label_fr, label_en, is_personal, purpose in (
            ("name", "Nom", "Name", True, _ANSWER),
            ("email", "Courriel", "E-mail", True, _ANSWER),
            ("phone", "Téléphone", "Telephone", True, _ANSWER),
            ("town", "Ville", "Town", True, _ANSWER),
            ("language", "Langue", "Language", False, _ANSWER),
            ("callback", "Rappel", "How to answer", False, _ANSWER),
            ("message", "Message", "Message", True, _ANSWER),
            ("villages", "Villages demandés", "Villages asked for", True, _FIND),
            ("track", "Parcours", "Track", False, _COUNT),
            ("sector", "Secteur", "Sector", False, _COUNT),
            ("origin_city", "Grande ville quittée", "Big city left", False, _COUNT),
            ("origin_commune", "Commune quittée", "Commune left", True, _FIND),
            ("source", "Source", "Source", False, _COUNT),
            ("adviser", "Conseiller", "Adviser", False, _WORK),
            ("members", "Projet du foyer", "What the household looks for", True, _FIND),
        )
    }
)
"""Every field of :class:`Draft`, in order."""


def draft_of(data: Mapping[str, Any]) -> Draft:
    """Check plain data and return the fields of a file.

    Raises
    ------
    DossierError
        If a field is unknown or cannot be used; all problems are listed, by field, without values.
    """
    try:
        return Draft.model_validate(dict(data))
    except ValidationError as error:
        problems = tuple(_problems(error))
        raise DossierError("The file was refused: " + "; ".join(problems), problems) from None


def changed_draft(draft: Draft, changes: Mapping[str, Any]) -> Draft:
    """Return the fields with some of them changed, checked as a whole.

    Raises
    ------
    DossierError
        As :func:`draft_of`.
    """
    return draft_of(plain_values(draft) | dict(changes))


def plain_values(draft: Draft) -> dict[str, Any]:
    """Return every field in plain types, as it is kept and compared."""
    plain = draft.model_dump(mode="json", exclude={"members"})
    plain["members"] = [
        {"label": member.label, "profile": member.profile.as_dict()} for member in draft.members
    ]
    return plain


def _problems(error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part)[:60] for part in detail["loc"]) or "file"
        kind = detail["type"]
        if kind == "extra_forbidden":
            yield f"{where}: no such field (fields: {', '.join(Draft.model_fields)})"
        elif kind == "missing":
            yield f"{where}: found nothing, expected a value"
        elif kind == "string_pattern_mismatch":
            yield f"{where}: expected an INSEE code of 5 characters, such as 32249"
        elif kind == "value_error" and "profile" in detail["loc"]:
            yield f"{where}: a profile that asks the impossible; check it in the list's own form"
        else:
            yield f"{where}: {expectation(detail['msg'].removeprefix('Value error, '))}"


def checked_text(text: str, name: str, *, most: int, least: int = 1) -> str:
    """Return a free text as it is kept, its ends of line made the same.

    Parameters
    ----------
    text
        What was typed.
    name
        What it is, for a refusal.
    most, least
        Its bounds, in characters.

    Raises
    ------
    DossierError
        If it is too long, too short, or holds what cannot be shown.
    """
    clean: str = _lines(text)
    if not least <= len(clean) <= most:
        raise DossierError(
            f"{name}: found {len(clean)} characters, expected {least} to {most:,}. "
            "Shorten it or say more."
        )
    try:
        return _printable(clean)
    except ValueError as error:
        raise DossierError(f"{name}: found {error}.") from None


def readable_profile(data: Mapping[str, Any]) -> tuple[Profile, tuple[str, ...]]:
    """Return what is still understood of a profile that was kept, and what is not.

    A later release may have renamed a criterion, or moved its bounds: the rest of what a household
    looks for stays usable, and nobody takes what is left for the whole.

    Parameters
    ----------
    data
        The profile as it was kept.

    Returns
    -------
    tuple
        The profile, and the names of what was left out of it.
    """
    kept: dict[str, Any] = {}
    lost: list[str] = []
    for key, value in data.items():
        known = {"criteria": CRITERIA, "limits": CRITERIA, "importance": FAMILIES}.get(key)
        if known is not None and isinstance(value, Mapping):
            lost += [name for name in value if name not in known]
            kept[key] = {name: part for name, part in value.items() if name in known}
        elif key in Profile.model_fields:
            kept[key] = value
        else:
            lost.append(key)
    for _ in range(len(kept) + 1):
        try:
            return Profile.model_validate(kept), tuple(dict.fromkeys(lost))
        except ValidationError as error:
            named = {str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}
            # What is wrong as a whole names no key: bounds and breakpoints are what releases move.
            for key in named & set(kept) or {"criteria", "limits", "importance"}:
                if kept.pop(key, None) is not None:
                    lost.append(key)
    return Profile.model_validate({}), tuple(dict.fromkeys([*lost, *kept]))


def email_key(email: str) -> str:
    """Return what two spellings of one mailbox share; empty for no address.

    Case never matters in practice. What follows a plus sign is a label of the mailbox's owner, and
    Gmail takes its dots for nothing.
    """
    local, _, domain = unicodedata.normalize("NFKC", email).strip().casefold().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in {"gmail.com", "googlemail.com"}:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"[:MAX_KEY_CHARS] if local and domain else ""


def name_key(text: str) -> str:
    """Return a name or a town without accents, case, punctuation and order of its words."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join(sorted(kept.split()))[:MAX_KEY_CHARS]
