"""Shapes of requests and answers, for validation and for the documentation.

Hides nothing: this is the contract. Answers are written by the library in plain types; a test
holds them to these models, whose JSON Schema is ``docs/schemas/match.schema.json``.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.examples import examples_of, typical
from geo_matcher.profile import FamilyName, Profile
from geo_matcher.weights import Belief

__all__ = [
    "MAX_TOP",
    "CommuneDetail",
    "CommuneItem",
    "CommunePage",
    "Contribution",
    "Counts",
    "Criterion",
    "Excluded",
    "FullOdds",
    "Health",
    "LimitMiss",
    "LimitPrice",
    "MatchRequest",
    "MatchResponse",
    "NearMiss",
    "Odds",
    "OriginItem",
    "OriginList",
    "Preset",
    "Problem",
    "RedFlag",
    "Release",
    "Reloaded",
    "Result",
    "Robustness",
    "ScopeName",
    "StatusName",
    "Twin",
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
        json_schema_extra=examples_of(
            lambda: {"profile": typical(), "scope": "partners", "top": 5}
        ),
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


class Odds(_Answer):
    """How sure the rank of a commune is, over the draws."""

    p_top_1: float = Field(ge=0, le=1, description="Share of the draws in which it is first.")
    p_top_5: float = Field(ge=0, le=1, description="Share in which it is among the first five.")
    rank_low: int = Field(ge=1, description="Rank that it betters in one draw of twenty at most.")
    rank_high: int = Field(ge=1, description="Rank that it misses in one draw of twenty at most.")


class FullOdds(_Answer):
    """Everything that was counted, for every listed commune."""

    codes: list[str] = Field(description="INSEE codes; the rows of what follows.")
    acceptability: list[list[float]] = Field(description="Share of the draws at each rank.")
    ahead: list[list[float]] = Field(description="How often it is ahead of each other.")
    central_weights: list[dict[str, float] | None] = Field(
        description="Mean weights that put it first; null where none do."
    )
    confidence_factor: list[float] = Field(description="How often it is first under these.")


class Robustness(_Answer):
    """How the odds were made."""

    method: Literal["SMAA-2"]
    draws: int
    seed: int
    belief: Belief = Field(description="How far the words of the profile were believed.")
    band: list[float] = Field(description="Ends of the band of ranks, as shares of the draws.")
    ties: list[list[str]] = Field(
        description="Groups of communes that the odds cannot tell apart, by INSEE code."
    )
    full: FullOdds | None = Field(None, description="With `full=true` only.")


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
    odds: Odds | None = Field(None, description="With `odds=true` only.")


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
    ignored: list[Literal["track"]] = Field(
        description="Fields of the profile that do not count in this territory: the artists' track "
        "where its network has none."
    )
    counts: Counts
    results: list[Result]
    excluded: list[Excluded]
    limits: list[LimitPrice]
    near_misses: list[NearMiss]
    robustness: Robustness | None = Field(None, description="With `odds=true` only.")


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


class TownHall(_Answer):
    """Whom to call."""

    lon: float
    lat: float
    position: Literal["published", "inside_point"]
    address: str | None
    phone: str | None
    email: str | None
    website: str | None


class Membership(_Answer):
    """Since when a commune belongs to a group, and how we know."""

    group: Literal["partner", "network"]
    valid_from: str
    valid_to: str | None
    evidence: Literal["sourced", "reconstructed"]
    source: str


class OtherCount(_Answer):
    """The second published count of fibre, with its own denominator."""

    source: str
    premises: int
    ftth_premises_passed: int
    ftth_coverage_share: float | None


class Broadband(_Answer):
    """The line that awaits."""

    ftth_coverage_share: float | None
    land_30mbit_share: float | None
    premises: int | None
    premises_by_best_technology: dict[str, int]
    premises_without_ftth: int | None
    other_count: OtherCount | None
    copper_closure_date: str | None
    source: str


class Travel(_Answer):
    """Minutes by car to the nearest place of one kind."""

    minutes: float | None
    minutes_low: float | None = Field(description="Best case when `minutes` is an upper bound.")
    road_km: float | None
    nearest_insee_code: str | None
    nearest_commune: str | None
    status: Literal["estimated", "upper_bound", "unreachable", "unknown"]


class Housing(_Answer):
    """Prices, rents and the sales behind them."""

    house_price_eur_m2: float | None
    house_rent_eur_m2_month: float | None
    home_sales: int | None
    sales_by_year: list[dict[str, Any]]


class Note(_Answer):
    """A known fault of a source that concerns a commune."""

    text_fr: str
    text_en: str


class Correction(_Answer):
    """A signed override, which stands beside the official value."""

    id: str
    table: str
    place: str | None = Field(description="Name or kind of the place; null for the commune itself.")
    column: str
    value: str
    official_value: str | None = Field(
        description="What the source said on that day; for shops, where they were listed."
    )
    official_now: str | None = Field(description="What the source says now, in the same form.")
    state: Literal["same", "agrees", "changed"] = Field(
        description="Whether the source says now what it said on that day, what the correction "
        "says, or something else."
    )
    who: str
    day: str
    reason: str
    source: str


class CommuneDetail(_Answer):
    """Everything that the release knows of one commune; what is unknown is null."""

    release: str
    insee_code: str
    name: str
    epci: str
    population: int
    partner: bool
    evidence: Literal["sourced", "reconstructed"] | None
    network: bool
    area_km2: float
    density_km2: float | None
    epci_code: str
    postal_codes: list[str]
    town_hall: TownHall
    membership: list[Membership]
    broadband: Broadband
    travel: dict[str, Travel]
    housing: Housing
    health: list[dict[str, Any]] = Field(description="Rows of table health_registered.")
    risks: list[dict[str, Any]] = Field(description="Rows of table risks.")
    climate: list[dict[str, Any]] = Field(description="Rows of table climate_projections.")
    places: list[dict[str, Any]] = Field(description="Rows of table places.")
    red_flags: list[RedFlag]
    corrections: list[Correction] = Field(
        description="What was corrected, by whom and why, beside the official value."
    )
    notes: list[Note]


class Twin(_Answer):
    """A commune that resembles another."""

    insee_code: str
    name: str
    distance: float = Field(description="In value space: 0 the same, 1 opposite.")
    differs: list[str] = Field(description="Criteria that differ most.")


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
    partners: dict[str, int | None]
    network: dict[str, float] | None
    travel_times: dict[str, Any]
    tables: list[dict[str, Any]]
    gaps: list[dict[str, str]]
    mends: list[dict[str, str]]


class Reloaded(_Answer):
    """Which release is in service now, and which was before."""

    before: str
    release: str
    is_new: bool = Field(description="Whether another one was read.")


class Health(_Answer):
    """Whether the service lives, and what it serves."""

    status: Literal["ok"]
    version: str
    release: str | None = None


class OriginItem(_Answer):
    """A commune of France that a mover may leave."""

    insee_code: str
    name: str
    departement: str
    label: str = Field(description="Name that no other commune has, such as Saint-Denis (93).")
    population: int | None
    population_year: int | None = Field(description="null where the source tells no year.")


class OriginList(_Answer):
    """Communes of France that begin as was typed, the likeliest first."""

    release: str
    origins: list[OriginItem]
