"""Shapes of requests and answers, for validation and for the documentation.

Hides nothing: this is the contract. Answers are written by the library in plain types; a test
holds them to these models, whose JSON Schema is ``docs/schemas/match.schema.json``.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from geo_matcher.presets import PRESETS
from geo_matcher.profile import FamilyName, Profile

__all__ = [
    "CommunePage",
    "Contribution",
    "Criterion",
    "Excluded",
    "Health",
    "LimitMiss",
    "LimitPrice",
    "MatchRequest",
    "MatchResponse",
    "Preset",
    "Problem",
    "RedFlag",
    "Release",
    "Result",
    "ScopeName",
]

ScopeName = Literal["partners", "network", "all"]
StatusName = Literal[
    "measured", "declared", "estimated", "upper_bound", "reconstructed", "unreachable", "missing"
]
MAX_TOP = 500


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(_Answer):
    """Every error, in the form of RFC 9457."""

    type: str
    title: str
    status: int
    detail: str = Field(description="What was found, what was expected, what to do.")
    instance: str
    problems: list[str]


class MatchRequest(BaseModel):
    """What to rank, for whom."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "profile": PRESETS["paris-web-family"].profile.as_dict(),
                    "scope": "partners",
                    "top": 5,
                }
            ]
        },
    )

    profile: Profile
    scope: ScopeName = "partners"
    top: int = Field(20, ge=1, le=MAX_TOP, description="Results at most; ties are never cut.")


class Contribution(_Answer):
    """One criterion in the ledger of a commune."""

    criterion: str
    family: FamilyName
    raw: float | None = Field(description="Figure in `unit`; null when unknown or unreachable.")
    raw_low: float | None = Field(description="Best case when `raw` is an upper bound.")
    unit: str
    value: float = Field(ge=0, le=1)
    value_min: float = Field(ge=0, le=1)
    value_max: float = Field(ge=0, le=1)
    weight: float = Field(ge=0, le=1)
    points: float = Field(description="100 × weight × value.")
    max_points: float
    status: StatusName
    source: str = Field(description="Table of the catalog, see /api/v1/release.")


class RedFlag(_Answer):
    """A fact that stands apart from the score."""

    code: str
    text_fr: str
    text_en: str
    source: str


class Result(_Answer):
    """One commune of a ranking."""

    rank: int | None
    insee_code: str
    name: str
    epci: str
    population: int
    partner: bool
    evidence: Literal["sourced", "reconstructed"] | None
    network: bool
    score: float = Field(description="0 to 100; the points of the contributions add up to it.")
    score_min: float
    score_max: float
    data_completeness: float = Field(description="Share of the weight that rests on known figures.")
    helps: list[str]
    drags: list[str]
    contributions: list[Contribution]
    red_flags: list[RedFlag]
    missing: list[str]
    unverified_limits: list[str]


class LimitMiss(_Answer):
    """By how much a hard limit is missed."""

    criterion: str
    raw: float | None
    limit: float
    by: float | None = Field(description="In the unit of the criterion; null when out of reach.")


class Excluded(_Answer):
    """A commune of the scope that breaks a hard limit."""

    insee_code: str
    name: str
    limits: list[LimitMiss]


class NearMiss(LimitMiss):
    """A good commune that misses a single limit by little."""

    insee_code: str
    name: str
    score: float


class LimitPrice(_Answer):
    """What a hard limit excludes and costs."""

    criterion: str
    at_most: float | None = None
    at_least: float | None = None
    excluded: int
    excluded_by_it_alone: int
    unverified: int
    best_score_without: float | None
    price_points: float | None


class Counts(_Answer):
    """How many communes are in the scope, listed and excluded."""

    scope: int
    listed: int
    excluded: int


class MatchResponse(_Answer):
    """A ranking with its full ledger."""

    release: str
    scope: ScopeName
    profile: Profile
    counts: Counts
    results: list[Result]
    excluded: list[Excluded]
    limits: list[LimitPrice]
    near_misses: list[NearMiss]


class Preset(_Answer):
    """A typical newcomer."""

    name: str
    label_fr: str
    label_en: str
    profile: dict[str, Any]


class Criterion(_Answer):
    """One criterion of the catalogue."""

    name: str
    family: FamilyName
    unit: str
    direction: Literal["increasing", "decreasing", "target"]
    breakpoints: list[tuple[float, float]]
    importance: str
    label_fr: str
    label_en: str
    quality: str
    source: str


class CommuneItem(_Answer):
    """A commune in a list."""

    insee_code: str
    name: str
    epci: str
    population: int
    partner: bool
    evidence: Literal["sourced", "reconstructed"] | None
    network: bool
    lon: float
    lat: float


class CommunePage(_Answer):
    """A page of communes."""

    release: str
    total: int
    limit: int
    offset: int
    communes: list[CommuneItem]


class Release(_Answer):
    """Provenance of everything that is shown."""

    release: str
    territory: str
    name_fr: str
    name_en: str
    vintage: str
    communes: int
    partners: dict[str, int]
    network: dict[str, float]
    travel_times: dict[str, Any]
    tables: list[dict[str, Any]]
    gaps: list[dict[str, str]]
    mends: list[dict[str, str]]


class Health(_Answer):
    """Whether the service lives, and what it serves."""

    status: Literal["ok"]
    version: str
    release: str | None = None
