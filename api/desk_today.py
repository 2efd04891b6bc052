"""An adviser's day: what came in, what is due, what comes next, what ends soon.

Hides how the day's rows become lines with one action each. An empty list says what to do instead.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from api.desk_places import desk_href
from api.desk_words import city_label, day_text, due_text, source_label
from api.texts import translator
from geo_matcher.dossiers.reading import Card, Day

__all__ = ["SHOWN", "DayLine", "DaySection", "TodayView", "today_view"]

SHOWN = 12
"""Lines of a section before the rest is left to the board."""

LATE_ENQUIRY_DAYS = 7
"""An enquiry that waits longer than this stands out."""


class DayLine(NamedTuple):
    """One thing of the day.

    Attributes
    ----------
    href, name
        The file and whose it is.
    text
        What it is about.
    when, is_late
        How far away its day is, and whether that day is past.
    done_href
        Where a task is sent to be marked as done; empty for anything else.
    """

    href: str
    name: str
    text: str
    when: str
    is_late: bool
    done_href: str = ""


@dataclass(frozen=True, slots=True)
class DaySection:
    """Things of one kind: how many there are, the first of them, what to do where there is none."""

    name: str
    title: str
    count: int
    lines: tuple[DayLine, ...]
    empty: str
    more: str


@dataclass(frozen=True, slots=True)
class TodayView:
    """The day.

    Attributes
    ----------
    date, lead
        Which day, and what it holds, in a sentence.
    sections
        New enquiries, tasks, visits, follow-ups, what ends soon.
    whose
        Triples (address, label, whether it is shown): one's own files, or everybody's.
    new_href, board_href
        Where a file is opened; the board of enquiries.
    """

    date: str
    lead: str
    sections: tuple[DaySection, ...]
    whose: tuple[tuple[str, str, bool], ...]
    new_href: str
    board_href: str


def today_view(
    day: Day, language: str, *, communes: Mapping[str, str], is_own: bool, may_write: bool
) -> TodayView:
    """Return the day.

    Parameters
    ----------
    day
        What it asks.
    language
        ``fr`` or ``en``.
    communes
        Names of communes by code.
    is_own
        Whether only one's own files are shown.
    may_write
        Whether tasks can be marked as done.
    """
    t = translator(language)
    now = day.on

    def file(key: str) -> str:
        return desk_href(f"/dossiers/{key}", language)

    enquiries = [
        DayLine(
            file(card.key),
            card.name,
            _about(card, language),
            due_text(card.opened_at.date(), now, language)
            if card.opened_at.date() == now
            else t("desk.since", count=_age(card, now), n=_age(card, now)),
            _age(card, now) > LATE_ENQUIRY_DAYS,
        )
        for card in sorted(day.enquiries, key=lambda card: card.opened_at, reverse=True)
    ]
    tasks = [
        DayLine(
            file(task.key),
            day.names.get(task.key, ""),
            task.text,
            due_text(task.due_on, now, language),
            task.due_on < now,
            desk_href(f"/dossiers/{task.key}/taches/{task.id}/fait", language) if may_write else "",
        )
        for task in day.tasks
    ]
    visits = [
        DayLine(
            file(visit.key),
            day.names.get(visit.key, ""),
            ", ".join(communes.get(code, code) for code in visit.communes),
            f"{day_text(visit.on, language)} ({due_text(visit.on, now, language)})",
            is_late=False,
        )
        for visit in day.visits
    ]
    follow_ups = [
        DayLine(
            file(one.key),
            day.names.get(one.key, ""),
            t("desk.follow_up.after", n=one.months),
            due_text(one.due_on, now, language),
            one.due_on < now,
        )
        for one in day.follow_ups
    ]
    ending = [
        DayLine(
            file(card.key),
            card.name,
            t("desk.ends_on", day=day_text(card.keep_until or now, language)),
            due_text(card.keep_until or now, now, language),
            (card.keep_until or now) <= now,
        )
        for card in day.ending
    ]
    sections = tuple(
        _section(name, lines, language)
        for name, lines in (
            ("enquiries", enquiries),
            ("tasks", tasks),
            ("visits", visits),
            ("follow_ups", follow_ups),
            ("ending", ending),
        )
    )
    return TodayView(
        date=day_text(now, language),
        lead=_lead(sections, language),
        sections=sections,
        whose=(
            (desk_href("", language), t("desk.whose.mine"), is_own),
            (desk_href("", language, qui="tous"), t("desk.whose.all"), not is_own),
        ),
        new_href=desk_href("/dossiers/nouveau", language) if may_write else "",
        board_href=desk_href("/dossiers", language, etape="enquiry"),
    )


def _section(name: str, lines: Sequence[DayLine], language: str) -> DaySection:
    t, rest = translator(language), len(lines) - SHOWN
    return DaySection(
        name=name,
        title=t(f"desk.today.{name}"),
        count=len(lines),
        lines=tuple(lines[:SHOWN]),
        empty=t(f"desk.today.{name}.empty"),
        more=t("desk.today.more", count=rest, n=rest) if rest > 0 else "",
    )


def _lead(sections: Sequence[DaySection], language: str) -> str:
    t = translator(language)
    said = [
        t(f"desk.lead.{section.name}", count=section.count, n=section.count)
        for section in sections
        if section.count
    ]
    return ", ".join(said) if said else t("desk.lead.nothing")


def _age(card: Card, now: dt.date) -> int:
    return (now - card.opened_at.date()).days


def _about(card: Card, language: str) -> str:
    t = translator(language)
    town = card.town or city_label(card.origin_city, language)
    return " · ".join((town, t(f"sector.{card.sector}"), source_label(card.source, language)))
