"""What the API of the files is sent and answers, for validation and for the documentation.

Hides nothing: this is the contract. It knows no database, so that the documentation of the API can
be written without one; values come from the library's dataclasses, attribute by attribute.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.models import Problem, ScopeName
from geo_matcher.dossiers.fields import Consent, Draft
from geo_matcher.dossiers.stages import MAX_PERSONS, Stage
from geo_matcher.profile import Profile

__all__ = [
    "AccountAnswer",
    "Card",
    "CardList",
    "Changes",
    "Day",
    "FieldEnd",
    "File",
    "FollowUpAnswer",
    "Imported",
    "Likeness",
    "MergeRequest",
    "NewFile",
    "NewNote",
    "NewShortlist",
    "NewTask",
    "NewToken",
    "NewVisit",
    "Preview",
    "ReadLine",
    "Rerun",
    "RerunRequest",
    "SearchRequest",
    "Shortlist",
    "StaleProblem",
    "StepRequest",
    "Token",
    "TokenMade",
    "VisitChange",
]

MAX_ID = 2**31 - 1
Version = Annotated[int, Field(ge=1, le=MAX_ID)]
Code = Annotated[str, Field(max_length=5)]
Key = Annotated[str, Field(pattern=r"^[0-9a-f]{1,16}$", description="Key of a file.")]
Login = Annotated[str, Field(max_length=60)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


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


# --- What is sent ------------------------------------------------------------------------------


class NewFile(Draft):
    """A new file: its fields, and what the person agreed to."""

    consents: list[Consent] = Field(default_factory=list, max_length=3)
    opened_at: dt.datetime | None = Field(
        None, description="When the person asked, with its time zone; now by default."
    )


class Changes(_Asked):
    """New values of some fields, and the version that they were read from."""

    version: Version | None = Field(None, description="In place of the header If-Match.")
    changes: dict[Annotated[str, Field(max_length=40)], Any] = Field(
        min_length=1, max_length=20, description="By field, as in a new file."
    )


class StepRequest(_Asked):
    """A step to another stage."""

    version: Version | None = Field(None, description="In place of the header If-Match.")
    to: Stage
    commune: Code | None = Field(None, description="INSEE code; for settled.")
    on: dt.date | None = Field(None, description="Day; for settled.")
    persons: int | None = Field(None, ge=1, le=MAX_PERSONS, description="For settled.")
    reason: Annotated[str, Field(max_length=20)] | None = Field(None, description="For closed.")


class NewNote(_Asked):
    """A note."""

    text: str = Field(max_length=20_000)


class NewTask(_Asked):
    """Something to do by a day; for the adviser in charge unless somebody is named."""

    text: str = Field(max_length=1_000)
    due_on: dt.date
    assignee: Login | None = None


class NewVisit(_Asked):
    """A visit: the day, and INSEE codes in the order of the tour."""

    on: dt.date
    communes: list[Code] = Field(min_length=1, max_length=20)


class VisitChange(_Asked):
    """How a visit was, or that it will not be."""

    impression: str = Field("", max_length=10_000)
    is_cancelled: bool = False


class FollowUpAnswer(_Asked):
    """How a family is, 6, 12 or 24 months after settling."""

    is_still_there: bool
    hard: str = Field("", max_length=10_000, description="What was hard, in their words.")
    left_on: dt.date | None = None
    answered_on: dt.date | None = Field(None, description="Today by default.")


class NewShortlist(_Asked):
    """A ranking to keep as it is today."""

    member: int = Field(0, ge=0, le=20, description="Whose profile, counted from 0.")
    profile: Profile | None = Field(None, description="In place of a member's.")
    scope: ScopeName = "partners"
    top: int = Field(10, ge=1, le=20)
    remark: str = Field("", max_length=5_000)


class RerunRequest(_Asked):
    """The wishes of today; those of then by default."""

    profile: Profile | None = None


class SearchRequest(_Asked):
    """What to look for. It is sent in the body, so that no name stands in an address."""

    text: str = Field("", max_length=254, description="Words of a name, or an e-mail address.")
    stages: list[Stage] = Field(default_factory=list, max_length=7)
    adviser: Login | None = Field(None, description="Login; empty for files without one.")
    top: int = Field(100, ge=1, le=500)
    skip: int = Field(0, ge=0, le=MAX_ID)


class MergeRequest(_Asked):
    """Two files to make one of, each with the version that was read."""

    key: Key
    version: Version
    other: Key = Field(description="The file that goes into the first.")
    other_version: Version
    take: list[Annotated[str, Field(max_length=40)]] = Field(
        default_factory=list, max_length=20, description="Fields to take from the other file."
    )


class NewToken(_Asked):
    """A token for a program, which acts for the account that asks."""

    label: str = Field(max_length=200, description="What it is for.")
    scopes: list[Annotated[str, Field(max_length=40)]] = Field(min_length=1, max_length=20)
    days: int = Field(description="How long it lives, 1 to 366 days.")


# --- What is answered --------------------------------------------------------------------------


class AccountAnswer(_Answer):
    """An account, and what it may do."""

    login: str
    name: str
    role: str | None
    rights: list[str]
    is_disabled: bool


class Card(_Answer):
    """A file in a list; name and town are empty for whoever may not read personal data."""

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
    keep_until: dt.date


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
    """A file, whole; without fields, texts and events for whoever sees only the portfolio."""

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
    keep_until: dt.date
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


ExportName = Literal["csv", "xlsx", "json"]
