"""The stages of a file: which one may follow which, and what each asks for.

Hides the rules of the network's work, and nothing else: no database is known here. A file moves
along enquiry, qualified, matched, visit, decision, settled, one stage at a time. It may step back
where people do (another visit, another list), close at any stage before settled with a reason, and
open again at the stage it was closed from. Follow-ups belong to settled families.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from geo_matcher.destinations import INSEE_CODE
from geo_matcher.errors import DossierError

__all__ = [
    "CLOSING_REASONS",
    "FOLLOW_UP_MONTHS",
    "MAX_PERSONS",
    "NEXT",
    "STAGE_LABELS",
    "Position",
    "Stage",
    "Step",
    "add_months",
    "follow_up_days",
    "is_insee_code",
    "next_stages",
    "step_problems",
]

FOLLOW_UP_MONTHS = (6, 12, 24)
"""Months after settling at which a family is asked how it is."""

MAX_PERSONS = 20
"""Persons of one household at most; more is a typing mistake."""


class Stage(StrEnum):
    """Where a file stands."""

    ENQUIRY = "enquiry"
    QUALIFIED = "qualified"
    MATCHED = "matched"
    VISIT = "visit"
    DECISION = "decision"
    SETTLED = "settled"
    CLOSED = "closed"


STAGE_LABELS: Mapping[Stage, Mapping[str, str]] = MappingProxyType(
    {
        Stage.ENQUIRY: {"fr": "Demande", "en": "Enquiry"},
        Stage.QUALIFIED: {"fr": "Projet qualifié", "en": "Qualified"},
        Stage.MATCHED: {"fr": "Villages proposés", "en": "Matched"},
        Stage.VISIT: {"fr": "Visite", "en": "Visit"},
        Stage.DECISION: {"fr": "Décision", "en": "Decision"},
        Stage.SETTLED: {"fr": "Installée", "en": "Settled"},
        Stage.CLOSED: {"fr": "Close", "en": "Closed"},
    }
)
"""Name of each stage in both languages."""

CLOSING_REASONS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "no_answer": {"fr": "Sans réponse", "en": "No answer"},
        "given_up": {"fr": "Projet abandonné", "en": "Project given up"},
        "postponed": {"fr": "Projet remis à plus tard", "en": "Project put off"},
        "elsewhere": {"fr": "Installation ailleurs", "en": "Settled elsewhere"},
        "no_home": {"fr": "Aucun logement trouvé", "en": "No home found"},
        "no_line": {"fr": "Internet insuffisant", "en": "Internet too slow"},
        "no_work": {"fr": "Activité non viable", "en": "No work that would last"},
        "not_concerned": {"fr": "Hors du champ du réseau", "en": "Not for this network"},
        "other": {"fr": "Autre raison", "en": "Another reason"},
    }
)
"""Why a file may close. Words to count, no free text: what is personal belongs in a note."""

NEXT: Mapping[Stage, tuple[Stage, ...]] = MappingProxyType(
    {
        Stage.ENQUIRY: (Stage.QUALIFIED, Stage.CLOSED),
        Stage.QUALIFIED: (Stage.MATCHED, Stage.CLOSED),
        Stage.MATCHED: (Stage.VISIT, Stage.CLOSED),
        Stage.VISIT: (Stage.DECISION, Stage.MATCHED, Stage.CLOSED),
        Stage.DECISION: (Stage.SETTLED, Stage.VISIT, Stage.MATCHED, Stage.CLOSED),
        Stage.SETTLED: (Stage.DECISION,),
        Stage.CLOSED: (),
    }
)
"""What may follow each stage; a closed file goes back to the stage it was closed from."""


@dataclass(frozen=True, slots=True)
class Position:
    """What decides which steps a file may take.

    Attributes
    ----------
    stage
        Where it stands.
    closed_from
        Where it was closed; None unless it is.
    has_profile
        Whether the household said what it looks for.
    has_shortlist
        Whether a list of villages was frozen.
    follow_ups
        How many follow-ups were answered.
    opened_on
        Day of the enquiry.
    """

    stage: Stage
    closed_from: Stage | None = None
    has_profile: bool = False
    has_shortlist: bool = False
    follow_ups: int = 0
    opened_on: dt.date = dt.date.min


@dataclass(frozen=True, slots=True)
class Step:
    """A step that somebody wants a file to take.

    Attributes
    ----------
    to
        The stage to reach.
    commune
        INSEE code of the commune where a family settles; for ``settled``.
    on
        The day it settled; for ``settled``.
    persons
        Persons of the household that settled; for ``settled``.
    reason
        One of :data:`CLOSING_REASONS`; for ``closed``.
    """

    to: Stage
    commune: str | None = None
    on: dt.date | None = None
    persons: int | None = None
    reason: str | None = None


def next_stages(position: Position) -> tuple[Stage, ...]:
    """Return the stages that a file may reach by its next step."""
    if position.stage is Stage.CLOSED:
        return (position.closed_from or Stage.ENQUIRY,)
    if position.stage is Stage.SETTLED and position.follow_ups:
        return ()
    return NEXT[position.stage]


def step_problems(position: Position, step: Step, today: dt.date) -> tuple[str, ...]:
    """Return why a step cannot be taken, one sentence each; nothing when it can.

    Parameters
    ----------
    position
        Where the file stands.
    step
        What is asked.
    today
        The day of the step.
    """
    possible = next_stages(position)
    if step.to not in possible:
        if position.stage is Stage.SETTLED and not possible:
            return ("settled: a follow-up was answered, so the file stays settled",)
        expected = " or ".join(possible)
        return (f"from {position.stage} a file cannot go to {step.to}; expected {expected}",)
    if position.stage is Stage.CLOSED:
        return tuple(_unexpected(step))
    problems = list(_unexpected(step))
    if step.to is Stage.MATCHED and not position.has_profile:
        problems.append("matched: the file holds no profile; add what the household looks for")
    if step.to is Stage.MATCHED and not position.has_shortlist:
        problems.append("matched: the file holds no shortlist; freeze one from a ranking")
    if step.to is Stage.CLOSED and step.reason not in CLOSING_REASONS:
        problems.append(f"reason: expected one of {', '.join(CLOSING_REASONS)}")
    if step.to is Stage.SETTLED:
        problems += _settling(position, step, today)
    return tuple(problems)


def _settling(position: Position, step: Step, today: dt.date) -> list[str]:
    problems = []
    if step.commune is None or not is_insee_code(step.commune):
        problems.append("commune: expected an INSEE code of 5 characters, such as 32249")
    if step.on is None or not position.opened_on <= step.on <= today:
        problems.append("on: expected a day between that of the enquiry and today")
    if step.persons is None or not 1 <= step.persons <= MAX_PERSONS:
        problems.append(f"persons: expected a number from 1 to {MAX_PERSONS}")
    return problems


def _unexpected(step: Step) -> list[str]:
    """Return what was given and belongs to another stage: it would be lost in silence."""
    wanted = {Stage.SETTLED: ("commune", "on", "persons"), Stage.CLOSED: ("reason",)}
    return [
        f"{name}: a step to {step.to} takes none; leave it out"
        for name in ("commune", "on", "persons", "reason")
        if getattr(step, name) is not None and name not in wanted.get(step.to, ())
    ]


def is_insee_code(text: str) -> bool:
    """Tell whether a text has the form of an INSEE code of a commune."""
    return re.fullmatch(INSEE_CODE, text) is not None


def add_months(day: dt.date, months: int) -> dt.date:
    """Return the same day some months later, or the last of that month where it has no such day.

    Raises
    ------
    DossierError
        If the calendar ends before.
    """
    year, month = divmod(day.month - 1 + months, 12)
    if not dt.MINYEAR <= day.year + year <= dt.MAXYEAR:
        raise DossierError(f"{day} and {months} months: expected a day that the calendar has.")
    last = calendar.monthrange(day.year + year, month + 1)[1]
    return dt.date(day.year + year, month + 1, min(day.day, last))


def follow_up_days(settled_on: dt.date) -> tuple[tuple[int, dt.date], ...]:
    """Return pairs (months, day on which that follow-up is due)."""
    return tuple((months, add_months(settled_on, months)) for months in FOLLOW_UP_MONTHS)
