"""What the API of the files answers, for the documentation.

Hides nothing: this is the contract. It knows no database, so that the documentation of the API can
be written without one; values come from the library's dataclasses, attribute by attribute.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.models import Problem
from geo_matcher.dossiers.stages import Stage

__all__ = [
    "AccountAnswer",
    "Card",
    "CardList",
    "Day",
    "FieldEnd",
    "File",
    "Imported",
    "Likeness",
    "Preview",
    "ReadLine",
    "Rerun",
    "Shortlist",
    "StaleProblem",
    "Token",
    "TokenMade",
]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", from_attributes=True)


class StaleProblem(Problem):
    """A change of a file that somebody else changed meanwhile: nothing was changed."""

    version: int = Field(description="The version that the file has now.")
    differences: list[Difference] = Field(description="The fields that either side changed.")


class Difference(_Answer):
    """A field of a file as it was read, as it was to become, and as it is now."""

    field: str
    read: Any
    wanted: Any
    now: Any


class AccountAnswer(_Answer):
    """An account, and what it may do."""

    login: str
    name: str
    role: str | None
    rights: list[str]
    is_disabled: bool


class Card(_Answer):
    """A file in a list; what tells of a family is empty for whoever may not read personal data."""

    key: str
    stage: Stage
    stage_since: dt.datetime
    opened_at: dt.datetime
    name: str
    town: str
    adviser: str | None
    track: str
    sector: str
    origin_city: str
    source: str
    persons: int | None
    settled_commune: str | None
    keep_until: dt.date | None


class CardList(_Answer):
    """A page of files, how many there are in all, and of each stage."""

    cards: list[Card]
    total: int
    by_stage: dict[Stage, int]


class MemberFields(_Answer):
    """A person of the household; the profile says what was chosen, without the defaults."""

    label: str
    profile: dict[str, Any]


class Fields(_Answer):
    """The fields of a file that people type."""

    name: str
    email: str
    phone: str
    town: str
    language: str
    callback: str
    message: str
    villages: list[str]
    track: str
    sector: str
    origin_city: str
    origin_commune: str | None
    source: str
    adviser: str | None
    members: list[MemberFields]


class SettledFacts(_Answer):
    """Where, when and how many settled."""

    commune: str
    on: dt.date
    persons: int
    left_on: dt.date | None


class ConsentKept(_Answer):
    """A consent as it is kept."""

    what: str
    given_on: dt.date
    until: dt.date
    wording: str
    withdrawn_on: dt.date | None


class NoteKept(_Answer):
    """A note."""

    id: int
    at: dt.datetime
    author: str
    text: str


class TaskKept(_Answer):
    """Something to do by a day."""

    id: int
    key: str
    text: str
    due_on: dt.date
    assignee: str | None
    done_at: dt.datetime | None


class VisitKept(_Answer):
    """A visit."""

    id: int
    key: str
    on: dt.date
    communes: list[str]
    impression: str
    is_cancelled: bool


class FollowUpKept(_Answer):
    """A follow-up, planned or answered."""

    key: str
    months: int
    due_on: dt.date
    answered_on: dt.date | None
    is_still_there: bool | None
    hard: str


class ShortlistHead(_Answer):
    """A frozen shortlist, in short."""

    id: int
    at: dt.datetime
    author: str
    release: str
    scope: str
    remark: str


class EventKept(_Answer):
    """One change: who, when, what, from what to what."""

    id: int
    at: dt.datetime
    actor: str
    kind: str
    field: str
    before: Any
    after: Any
    version: int
    is_erased: bool


class File(_Answer):
    """A file, whole; for whoever sees only the portfolio, without what tells of the family."""

    key: str
    version: int
    opened_at: dt.datetime
    changed_at: dt.datetime
    stage: Stage
    stage_since: dt.datetime
    closed_from: Stage | None
    closed_reason: str | None
    next_stages: list[Stage]
    fields: Fields | None
    settled: SettledFacts | None
    keep_until: dt.date | None
    is_anonymous: bool
    merged_keys: list[str]
    consents: list[ConsentKept]
    notes: list[NoteKept]
    tasks: list[TaskKept]
    visits: list[VisitKept]
    follow_ups: list[FollowUpKept]
    shortlists: list[ShortlistHead]
    events: list[EventKept]


class Day(_Answer):
    """What a day asks: new enquiries, tasks due, visits and follow-ups ahead, data that ends."""

    on: dt.date
    enquiries: list[Card]
    tasks: list[TaskKept]
    visits: list[VisitKept]
    follow_ups: list[FollowUpKept]
    ending: list[Card]
    names: dict[str, str]


class FrozenVillage(_Answer):
    """A village as it was ranked."""

    insee_code: str
    name: str
    rank: int
    score: float
    score_min: float
    score_max: float


class Shortlist(_Answer):
    """A frozen shortlist, whole."""

    head: ShortlistHead
    software: str
    profile: dict[str, Any]
    villages: list[FrozenVillage]


class VillageThenNow(_Answer):
    """A village then and now, and why it moved: data, method, weights."""

    insee_code: str
    name: str
    rank_then: int | None
    rank_same_wishes: int | None
    rank_now: int | None
    causes: list[str]


class WeightThenNow(_Answer):
    """A criterion that counts more or less than then."""

    criterion: str
    then: float
    now: float


class Rerun(_Answer):
    """A frozen shortlist made again."""

    shortlist: Shortlist
    release_now: str
    is_same_data: bool
    is_same_method: bool
    is_same_wishes: bool
    villages: list[VillageThenNow]
    weights: list[WeightThenNow]


class Likeness(_Answer):
    """Two files that may be of one household, and why: email, phone, name."""

    key: str
    other: str
    reasons: list[str]


class CellProblem(_Answer):
    """What keeps a cell from being used; row 1 holds the headings."""

    row: int
    column: str
    text_fr: str
    text_en: str


class RowLikeness(_Answer):
    """A row that may be of the household of a file, or of another row (``row 3``)."""

    row: int
    key: str
    reasons: list[str]


class Preview(_Answer):
    """What an import would do; nothing is imported while there is a problem."""

    rows: int = Field(description="Rows that can be used.")
    stages: dict[Stage, int] = Field(description="How many of them are at each stage.")
    problems: list[CellProblem]
    duplicates: list[RowLikeness]
    ignored: list[str] = Field(description="Headings that are not understood.")


class Imported(_Answer):
    """How many files an import made."""

    files: int


class ReadLine(_Answer):
    """Somebody read a file."""

    at: dt.datetime
    who: str
    what: str


class FieldEnd(_Answer):
    """Why and until when a field is kept; no day for what tells of nobody."""

    field: str
    label_fr: str
    label_en: str
    purpose_fr: str
    purpose_en: str
    ends_on: dt.date | None


class Token(_Answer):
    """An API token, without itself."""

    id: int
    label: str
    scopes: list[str]
    created_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None
    is_revoked: bool


class TokenMade(_Answer):
    """A new token; it is shown once and kept nowhere."""

    token: str
