"""What the API of the files is sent, for validation and for the documentation.

Hides nothing: this is the contract. Bounds here keep out what is absurd; what a text may hold is
for the library to say, whose sentences never repeat it.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from api.models import ScopeName
from geo_matcher.dossiers.fields import Consent, Draft
from geo_matcher.dossiers.stages import MAX_PERSONS, Stage
from geo_matcher.profile import Profile

__all__ = [
    "MAX_ID",
    "Changes",
    "FollowUpAnswer",
    "MergeRequest",
    "NewFile",
    "NewNote",
    "NewShortlist",
    "NewTask",
    "NewToken",
    "NewVisit",
    "RerunRequest",
    "SearchRequest",
    "StepRequest",
    "VisitChange",
]

MAX_ID = 2**31 - 1
"""Largest number of a row."""

Version = Annotated[int, Field(ge=1, le=MAX_ID)]
Code = Annotated[str, Field(max_length=5)]
Key = Annotated[str, Field(pattern=r"^[0-9a-f]{1,16}$", description="Key of a file.")]
Login = Annotated[str, Field(max_length=60)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


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

    impression: str | None = Field(
        None, max_length=10_000, description="Left out: what was said stays."
    )
    is_cancelled: bool | None = Field(None, description="Left out: as it is.")


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
