"""The advisers' words: days, moments, stages, what stands in a field, what happened in a file.

Hides which word comes from the library and which from the catalogues. Nothing is escaped here:
templates escape everything.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date as babel_date

from api.texts import track_label, translator, typeset
from geo_matcher.dossiers.dossier import Event
from geo_matcher.dossiers.fields import CONSENTS, FIELDS, SOURCES
from geo_matcher.dossiers.stages import CLOSING_REASONS, STAGE_LABELS, Stage
from geo_matcher.numbers import format_date
from geo_matcher.territory import Territory

__all__ = [
    "EVENT_KINDS",
    "city_label",
    "commune_names",
    "consent_label",
    "day_text",
    "due_text",
    "event_text",
    "field_label",
    "hour_text",
    "moment_text",
    "reason_label",
    "short_day",
    "source_label",
    "stage_label",
    "value_text",
]

PLACE = ZoneInfo("Europe/Paris")
"""Advisers read the clock of the country."""

EVENT_KINDS = (
    "opened", "imported", "edited", "moved", "follow_up", "note", "task", "visit", "consent",
    "shortlist", "merged", "anonymised",
)  # fmt: skip
"""What may have happened to a file."""

OWN = frozenset(
    {"settled_commune", "settled_on", "persons", "closed_reason", "closed_from", "left_on"}
    | {"opened_at"}
)
"""What events name beside the fields that people type."""


def stage_label(stage: Stage, language: str) -> str:
    """Return the name of a stage."""
    return typeset(STAGE_LABELS[stage][language], language)


def reason_label(reason: str | None, language: str) -> str:
    """Return why a file was closed; empty where no reason is known."""
    return typeset(CLOSING_REASONS[reason][language], language) if reason else ""


def source_label(source: str, language: str) -> str:
    """Return how a household came to the network."""
    return typeset(SOURCES[source][language], language)


def consent_label(what: str, language: str) -> str:
    """Return what a person agreed to."""
    return typeset(CONSENTS[what][language], language)


def field_label(name: str, language: str) -> str:
    """Return the name of a field of a file."""
    if name == "stage":
        return translator(language)("desk.stage")
    facts = FIELDS.get(name)
    if facts is None:
        return name
    return typeset(facts.label_fr if language == "fr" else facts.label_en, language)


def city_label(word: str, language: str) -> str:
    """Return the name of a big city that is left."""
    return translator(language)("desk.elsewhere") if word == "other" else word.capitalize()


def day_text(day: dt.date, language: str) -> str:
    """Write a day."""
    return format_date(day, language)


def short_day(day: dt.date, language: str) -> str:
    """Write a day where there is little room, for instance ``3 oct. 2026``."""
    return babel_date(day, "d MMM y", locale=language)


def hour_text(hour: dt.time, language: str) -> str:
    """Write an hour the way a timetable does."""
    return f"{hour.hour}\u00a0h\u00a0{hour.minute:02d}" if language == "fr" else f"{hour:%H:%M}"


def moment_text(at: dt.datetime, language: str) -> str:
    """Write a moment, as the clocks of the country show it."""
    here = at.astimezone(PLACE)
    return f"{format_date(here.date(), language)}, {hour_text(here.time(), language)}"


def due_text(day: dt.date, today: dt.date, language: str) -> str:
    """Say how far away a day is."""
    t, days = translator(language), (day - today).days
    if days == 0:
        return t("desk.due.today")
    if days == 1:
        return t("desk.due.tomorrow")
    if days < 0:
        return t("desk.due.late", count=-days, n=-days)
    return t("desk.due.in", count=days, n=days)


def commune_names(territory: Territory) -> Mapping[str, str]:
    """Return the names of all communes by code."""
    return {fact["insee_code"]: fact["name"] for fact in territory.facts}


def value_text(name: str, value: Any, language: str, names: Mapping[str, str]) -> str:
    """Write what stands in a field, in plain types, for people.

    Parameters
    ----------
    name, value
        The field and its value, as :func:`geo_matcher.dossiers.fields.plain_values` gives it.
    names
        Names of communes by code.
    """
    t = translator(language)
    if value in (None, "", []):
        return t("desk.nothing")
    match name:
        case "stage" | "closed_from":
            return stage_label(Stage(value), language) if value in set(Stage) else str(value)
        case "closed_reason":
            return reason_label(value, language)
        case "source":
            return source_label(value, language)
        case "origin_city":
            return city_label(value, language)
        case "sector":
            return t(f"sector.{value}")
        case "track":
            return track_label(value, language)
        case "callback":
            return t(f"callback.{value}")
        case "language":
            return t(f"desk.language.{value}")
        case "origin_commune" | "settled_commune":
            return names.get(value, value)
        case "villages":
            return ", ".join(names.get(code, code) for code in value)
        case "members":
            return _members(value, language)
        case "settled_on" | "left_on":
            return day_text(dt.date.fromisoformat(value), language)
    return str(value)


def _members(value: Iterable[Mapping[str, Any]], language: str) -> str:
    labels = [str(member.get("label", "")).strip() for member in value]
    t = translator(language)
    return ", ".join(
        label or t("desk.member", n=place) for place, label in enumerate(labels, start=1)
    )


def event_text(event: Event, language: str, names: Mapping[str, str]) -> str:
    """Say what happened, in one sentence; what was erased is said to be."""
    t = translator(language)
    if event.is_erased:
        return t("desk.event.erased", field=_event_field(event.field, language))
    after: Any = event.after
    match event.kind:
        case "opened" | "imported" if event.field == "stage":
            return t(f"desk.event.{event.kind}")
        case "moved" if event.field == "stage":
            return t(
                "desk.event.moved",
                before=value_text("stage", event.before, language, names),
                after=value_text("stage", after, language, names),
            )
        case "note" | "shortlist" | "anonymised":
            return t(f"desk.event.{event.kind}")
        case "task":
            return t("desk.event.task.done" if "is_done" in after else "desk.event.task")
        case "visit":
            if after.get("is_cancelled"):
                return t("desk.event.visit.cancelled")
            if "on" in after:
                day = dt.date.fromisoformat(after["on"])
                return t("desk.event.visit", day=day_text(day, language))
            return t("desk.event.visit.told")
        case "consent":
            key = (
                "desk.event.consent.withdrawn" if "is_withdrawn" in after else "desk.event.consent"
            )
            return t(key, what=consent_label(after["what"], language))
        case "follow_up" if event.field == "follow_up":
            there = "there" if after["is_still_there"] else "left"
            return t(f"desk.event.follow_up.{there}", n=after["months"])
        case "merged" if event.field == "files":
            return t("desk.event.merged")
    return t(
        "desk.event.edited",
        field=_event_field(event.field, language),
        before=value_text(event.field, event.before, language, names),
        after=value_text(event.field, after, language, names),
    )


def _event_field(name: str, language: str) -> str:
    return (
        translator(language)(f"desk.field.{name}") if name in OWN else field_label(name, language)
    )
