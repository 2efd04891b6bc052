"""Being accompanied: a short form, and the message that it prepares for the network's advisers.

Hides what may stand in each field and how a message is put together. Nothing is stored, logged or
sent here: the message goes back to the person who wrote it, who sends it; where the advisers keep
their files on this service, :mod:`api.enquiries` takes the request in. What was typed never enters
an address of this site; the ``mailto:`` link of the prepared message is read by the person's own
mail program. One line stays one line, so that nothing typed can add a header or a recipient.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from api.addresses import canonical, page_address
from api.cards import points_text
from api.forms import MAX_PICKS, Asked, href
from api.links import safe_url
from api.sheets import EMAIL
from api.shortlist import unlisted_note
from api.texts import Translate, translator
from api.wishes import wishes
from geo_matcher.matching import Ranking
from geo_matcher.numbers import format_date, format_month
from geo_matcher.territory import Territory

__all__ = [
    "CALLBACKS",
    "LIMITS",
    "TRAP",
    "AccompanyView",
    "Choice",
    "MessageView",
    "Typed",
    "accompany_view",
    "field_faults",
    "message_view",
    "read_typed",
]

CALLBACKS = ("email", "day", "evening")
"""How a person may want to be answered."""

LIMITS: Mapping[str, int] = {"name": 80, "email": 254, "phone": 30, "message": 2000}
"""Longest text of each field, in characters."""

MAX_FIELDS = 60
PHONE = re.compile(r"\+?[0-9](?:[ .()/-]*[0-9]){5,18}")
TRAP = "site"
"""A field that nobody sees: whoever fills it in is a program."""

NETWORK_TABLE = "partners_evidence"
"""Table of the release whose address is the network's own site."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into the form, one line for each line.

    Attributes
    ----------
    name, email, phone, message, callback
        The fields; empty when nothing was typed.
    villages
        Codes of the chosen villages, as sent.
    consents
        Whether the consent was ticked.
    is_trapped
        Whether the field that nobody sees was filled in.
    """

    name: str = ""
    email: str = ""
    phone: str = ""
    message: str = ""
    callback: str = CALLBACKS[0]
    villages: tuple[str, ...] = ()
    consents: bool = False
    is_trapped: bool = False


class Choice(NamedTuple):
    """One answer to tick: its value, its words, whether it is ticked."""

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class AccompanyView:
    """The form.

    Attributes
    ----------
    title, action
        What it is, and where it is sent.
    typed, limits, faults
        What was typed, how long each text may be, a sentence for each field that cannot be used.
    villages, callbacks
        What can be ticked.
    is_kept
        Whether sending it opens a file of the advisers', in place of preparing a message.
    """

    title: str
    action: str
    typed: Typed
    limits: Mapping[str, int]
    faults: Mapping[str, str]
    villages: tuple[Choice, ...]
    callbacks: tuple[Choice, ...]
    is_kept: bool


@dataclass(frozen=True, slots=True)
class MessageView:
    """The prepared message.

    Attributes
    ----------
    title, action
        What it is, and where its text can be had as a file.
    text
        The message with its subject, as a text.
    recipient, network_url, network_name
        Whom it goes to; where the advisers can be found when nobody is set.
    has_network
        Whether the territory has a network at all.
    mailto
        Link that opens it in a mail program.
    fields
        Pairs that were sent, to be sent again for the file.
    """

    title: str
    action: str
    text: str
    recipient: str
    network_url: str
    network_name: str
    has_network: bool
    mailto: str
    fields: tuple[tuple[str, str], ...]


def read_typed(body: bytes) -> Typed:
    """Read a form as browsers send it; what is no such form reads as an empty one.

    Parameters
    ----------
    body
        The request body, ``application/x-www-form-urlencoded``; its size is bounded before.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii", errors="replace"),
            keep_blank_values=True,
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        return Typed()
    given = dict(pairs)
    villages = dict.fromkeys(value.upper() for key, value in pairs if key == "village")
    callback = given.get("callback", "")
    return Typed(
        name=_one_line(given.get("name", "")),
        email=_one_line(given.get("email", "")),
        phone=_one_line(given.get("phone", "")),
        message=_lines(given.get("message", "")),
        callback=callback if callback in CALLBACKS else CALLBACKS[0],
        villages=tuple(villages),
        consents=given.get("consent") == "yes",
        is_trapped=bool(given.get(TRAP, "").strip()),
    )


def _one_line(text: str) -> str:
    """Keep what can be printed, on one line."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _lines(text: str) -> str:
    """Keep what can be printed and the ends of lines."""
    lines = re.split(r"\r\n|\r|\n", text.strip())
    return "\n".join(
        "".join(c if c.isprintable() else " " for c in line).rstrip() for line in lines
    )


def field_faults(typed: Typed, territory: Territory, language: str) -> dict[str, str]:
    """Return a sentence for each field that cannot be used, in the order of the form.

    No sentence repeats what was typed.
    """
    return dict(_faults(typed, territory, translator(language)))


def _faults(typed: Typed, territory: Territory, t: Translate) -> Iterator[tuple[str, str]]:
    unknown = set(typed.villages) - set(territory.codes)
    if unknown or len(typed.villages) > MAX_PICKS:
        yield "villages", t("accompany.fault.villages", most=MAX_PICKS)
    for key, most in LIMITS.items():
        text = getattr(typed, key)
        if len(text) > most:
            yield key, t("accompany.fault.long", found=len(text), most=most)
        elif key == "name" and not text:
            yield key, t("accompany.fault.name")
        elif key == "email" and not EMAIL.fullmatch(text):
            yield key, t("accompany.fault.email" if text else "accompany.fault.no_email")
        elif key == "phone" and not text and typed.callback != "email":
            yield key, t("accompany.fault.no_phone")
        elif key == "phone" and text and not PHONE.fullmatch(text):
            yield key, t("accompany.fault.phone")
    if not typed.consents:
        yield "consent", t("accompany.fault.consent")
    if typed.is_trapped:
        yield TRAP, t("accompany.fault.trap")


def accompany_view(
    ranking: Ranking,
    asked: Asked,
    typed: Typed,
    *,
    offered: Sequence[str],
    faults: Mapping[str, str] | None = None,
    is_kept: bool = False,
) -> AccompanyView:
    """Return the form.

    Parameters
    ----------
    ranking, asked
        The search that it is about.
    typed
        What was typed so far.
    offered
        Codes of the villages that can be ticked.
    faults
        A sentence for each field that cannot be used.
    is_kept
        Whether sending it opens a file of the advisers'.
    """
    t = translator(asked.language)
    facts = {fact["insee_code"]: fact["name"] for fact in ranking.territory.facts}
    return AccompanyView(
        title=t("accompany.title"),
        action=_action(asked, offered),
        typed=typed,
        limits=LIMITS,
        faults=faults or {},
        villages=tuple(Choice(code, facts[code], code in typed.villages) for code in offered),
        callbacks=tuple(
            Choice(word, t(f"callback.{word}"), word == typed.callback) for word in CALLBACKS
        ),
        is_kept=is_kept,
    )


def _action(asked: Asked, offered: Sequence[str]) -> str:
    own = [("village", code) for code in offered]
    return page_address("/accompany", own, canonical(asked))


def message_view(
    ranking: Ranking,
    asked: Asked,
    typed: Typed,
    *,
    recipient: str,
    origin: str,
    today: dt.date,
    offered: Sequence[str] = (),
) -> MessageView:
    """Return the message that a form without faults prepares.

    Parameters
    ----------
    ranking, asked
        The search that it is about.
    typed
        What was typed.
    recipient
        The advisers' address; empty when none is set.
    origin
        This site, as ``https://host``.
    today
        The day of the consent.
    offered
        Codes of the villages that the form offered.
    """
    t = translator(asked.language)
    names = [ranking.territory.facts[row]["name"] for row in _rows(ranking, typed)]
    subject = _one_line(
        t("mail.subject.of", names=", ".join(names)) if names else t("mail.subject")
    )
    body = "\n".join(_body(ranking, asked, typed, origin, today))
    crlf = body.replace("\n", "\r\n")
    network = _network_url(ranking.territory)
    return MessageView(
        title=t("accompany.ready"),
        action=_action(asked, offered),
        text=f"{_pair(t('mail.object'), subject, t)}\n\n{body}\n",
        recipient=recipient,
        network_url=network,
        network_name=(urlsplit(network).hostname or "").removeprefix("www."),
        has_network=ranking.territory.about.network is not None,
        mailto=f"mailto:{quote(recipient, safe='@')}?subject={quote(subject, safe='')}"
        f"&body={quote(crlf, safe='')}",
        fields=(
            ("name", typed.name),
            ("email", typed.email),
            ("phone", typed.phone),
            ("message", typed.message),
            ("callback", typed.callback),
            *(("village", code) for code in typed.villages),
            ("consent", "yes"),
        ),
    )


def _rows(ranking: Ranking, typed: Typed) -> list[int]:
    """Return the rows of the chosen villages, those that the search lists first, best first."""
    places = {row: place for place, row in enumerate(ranking.order.tolist())}
    rows = [ranking.position(code) for code in typed.villages]
    return sorted(rows, key=lambda row: (places.get(row, len(places)), row))


def _body(
    ranking: Ranking, asked: Asked, typed: Typed, origin: str, today: dt.date
) -> Iterator[str]:
    language, t = asked.language, translator(asked.language)
    territory = ranking.territory
    yield t("mail.hello")
    yield ""
    yield t("mail.intro", territory=territory.catalog.name_fr)
    yield ""
    yield _pair(t("mail.name"), typed.name, t)
    yield _pair(t("mail.email"), typed.email, t)
    if typed.phone:
        yield _pair(t("mail.phone"), typed.phone, t)
    yield _pair(t("mail.callback"), t(f"callback.{typed.callback}"), t)
    if typed.message:
        yield from ("", typed.message)
    yield from ("", t("mail.wishes"))
    for wish in wishes(territory, asked):
        yield f"- {_pair(wish.label, _one_line(wish.text), t)}"
    rows = _rows(ranking, typed)
    if rows:
        yield from ("", t("mail.villages"))
        yield from (_village_line(ranking, row, language) for row in rows)
    yield ""
    vintage = format_month(territory.catalog.vintage, language)
    yield t("shortlist.dated", vintage=vintage, release=territory.release_id)
    codes = [ranking.matrix.codes[row] for row in rows]
    yield _pair(t("shortlist.address"), f"{origin}{href(canonical(asked, picks=codes))}", t)
    yield ""
    yield t("mail.consent", day=format_date(today, language), text=t("accompany.consent"))


def _pair(label: str, text: str, t: Translate) -> str:
    return t("fault.field", field=label, text=text)


def _village_line(ranking: Ranking, row: int, language: str) -> str:
    t = translator(language)
    result = ranking.result(row)
    return t(
        "mail.village" if result["rank"] else "mail.village.unlisted",
        name=_one_line(result["name"]),
        code=result["insee_code"],
        rank=result["rank"],
        total=len(ranking),
        score=points_text(result["score"], language),
        note=unlisted_note(ranking, row, language),
    )


def _network_url(territory: Territory) -> str:
    """Return the network's site as the sources of the release name it; empty when they do not."""
    catalog = territory.catalog
    return safe_url(catalog[NETWORK_TABLE].url) if NETWORK_TABLE in catalog else ""
