"""Shapes of the requests and answers that stand behind a ranking: why, what if, which, for whom.

Hides nothing: this is the contract, as ``models`` is for rankings. Answers are written by the
library in plain types; tests hold them to these models.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.examples import examples_of, somewhere, typical
from api.models import MAX_TOP, Contribution, Odds, Result, Robustness, ScopeName, Twin
from geo_matcher.audit import Absence, EpciExposure, Exposure
from geo_matcher.comparison import (
    MAX_VILLAGES,
    MIN_VILLAGES,
    Difference,
    FamilyComparison,
    Village,
)
from geo_matcher.double_counting import CorrelatedPair, WeightShare
from geo_matcher.duo import Favourite, Opposition, SharedVillage
from geo_matcher.interview import MAX_ANSWERS, Answer, Question, State
from geo_matcher.newcomers import MakeUp
from geo_matcher.origins import Origin
from geo_matcher.pairs import MAX_PAIRS, Bourg
from geo_matcher.profile import FamilyName, Profile

__all__ = [
    "Admirers",
    "AskedQuestion",
    "AuditAnswer",
    "ComparisonAnswer",
    "ComparisonRequest",
    "Contradiction",
    "Dominance",
    "DuoAnswer",
    "DuoClash",
    "DuoCounts",
    "DuoFamilyGap",
    "DuoLimit",
    "DuoLimitEffect",
    "DuoRequest",
    "DuoWayOut",
    "ExplainedResult",
    "Explanation",
    "ExplanationRequest",
    "FamilyShare",
    "FigureChange",
    "Gap",
    "InterviewRequest",
    "InterviewResult",
    "InterviewState",
    "Leader",
    "Miss",
    "PairAnswer",
    "PairService",
    "PairsAnswer",
    "PairsRequest",
    "Sentences",
    "TypeBridge",
    "TypeCandidate",
    "TypeOfCommunes",
    "TypeTrait",
    "TypesAnswer",
    "TypicalCommune",
    "WeightChange",
    "WeightMove",
    "WordChange",
]

LONGEST_NAME = 80


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Sentences(_Answer):
    """The same in words, in both languages."""

    fr: list[str]
    en: list[str]


class ExplanationRequest(BaseModel):
    """Of which commune to say why it is where it is, in which ranking."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=examples_of(
            lambda: {"profile": typical(), "scope": "partners", "commune": somewhere()}
        ),
    )

    profile: Profile
    scope: ScopeName = "partners"
    commune: str = Field(max_length=LONGEST_NAME, description="INSEE code, or name.")
    places: int | None = Field(
        None, ge=1, le=1000, description="Ranks to gain by one figure; by default, to the top 5."
    )


class Miss(_Answer):
    """A hard limit that a commune surely breaks."""

    criterion: str
    by: float | None = Field(description="In the unit of the criterion; null when out of reach.")


class Leader(_Answer):
    """The first commune of a ranking."""

    insee_code: str
    name: str
    score: float


class Gap(_Answer):
    """What one criterion makes of the difference with the first."""

    criterion: str
    points: float


class WeightMove(_Answer):
    """One weight that changes."""

    criterion: str
    before: float
    after: float


class WeightChange(_Answer):
    """The least change of weights that puts a commune first, or why there is none."""

    status: Literal["already_first", "possible", "impossible"]
    challenger: str | None
    challenger_name: str | None
    leader: str | None
    leader_name: str | None
    moved_share: float | None = Field(description="Share of all weight that has to move.")
    weights_before: dict[str, float] | None
    weights_after: dict[str, float] | None
    moves: list[WeightMove]
    rivals: list[str]
    left_out_by: list[str]
    dominator: str | None
    beaten_by: list[str]
    short_by_points: float | None


class FigureChange(_Answer):
    """One figure that would be enough to gain ranks."""

    criterion: str
    unit: str
    present: float | None
    status: str
    needed: float
    change: float | None
    value_present: float
    value_needed: float
    value_change: float
    rank_before: int
    rank_after: int
    left_out_by: list[str]


class Dominance(_Answer):
    """Who does at least as well on everything that counts."""

    insee_code: str
    name: str
    dominator: str
    dominator_name: str
    certain: bool = Field(
        description="Whether it holds with what is unknown or bounded at its best; errors of known "
        "figures apart."
    )
    behind_points: float


class FamilyShare(_Answer):
    """How much those who would choose a commune care for a family."""

    family: FamilyName
    share: float
    share_of_all: float


class Admirers(_Answer):
    """Those who would choose a commune, weighing freely what counts for the profile."""

    share: float = Field(description="Share of the draws that put it first.")
    confidence: float
    families: list[FamilyShare]


class ExplainedResult(Result):
    """One commune of a ranking, with its odds."""

    odds: Odds | None = Field(description="null when the ranking does not list it.")
    contributions: list[Contribution]


class Explanation(_Answer):
    """Why a commune is where it is, and what would have to be true for it to be elsewhere."""

    release: str
    scope: ScopeName
    in_scope: bool
    listed: bool
    misses: list[Miss]
    result: ExplainedResult
    leader: Leader | None
    gaps: list[Gap] = Field(description="They add up to the difference of the two scores.")
    weights_to_lead: WeightChange
    figures_to_gain: list[FigureChange]
    dominated_by: Dominance | None
    dethroned_by: WeightChange | None
    admirers: Admirers | None
    twins: list[Twin]
    sentences: Sentences


class InterviewRequest(BaseModel):
    """The state of an interview: what was said, and what was answered so far."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=examples_of(
            lambda: {"profile": typical(), "scope": "partners", "answers": []}
        ),
    )

    profile: Profile
    scope: ScopeName = "partners"
    answers: list[Answer] = Field(default_factory=list, max_length=MAX_ANSWERS)


class AskedQuestion(Question):
    """The next question."""

    p_first: float = Field(description="Odds that the first improvement is preferred.")
    expected_bits: float = Field(description="Doubt that its answer is expected to leave.")
    text_fr: str
    text_en: str


class WordChange(_Answer):
    """A change of one word that would let every answer stand."""

    family: FamilyName
    now: str
    would_do: str


class Contradiction(_Answer):
    """Answers that cannot all be true together, and what would reconcile them."""

    leave_out: list[int] = Field(description="Positions of the fewest answers to leave out.")
    words: list[WordChange]


class InterviewResult(_Answer):
    """A commune that is likely among the first five."""

    insee_code: str
    name: str
    rank: int
    score: float
    odds: Odds


class InterviewState(_Answer):
    """Where an interview stands."""

    release: str
    scope: ScopeName
    state: State
    answers: list[Answer]
    ignored: list[int]
    asked: int
    at_most: int
    bits_before: float = Field(description="Doubt about the first five by the words alone.")
    bits: float
    question: AskedQuestion | None
    contradiction: Contradiction | None
    robustness: Robustness
    results: list[InterviewResult]
    sentences: Sentences


class ComparisonRequest(BaseModel):
    """Which communes to set side by side, for whom."""

    model_config = ConfigDict(extra="forbid")  # no example: which two communes, only a release says

    profile: Profile
    scope: ScopeName = "partners"
    communes: list[Annotated[str, Field(max_length=LONGEST_NAME)]] = Field(
        min_length=MIN_VILLAGES, max_length=MAX_VILLAGES, description="INSEE codes, or names."
    )


class ComparisonAnswer(_Answer):
    """Two to four communes side by side, and beside the commune that is left."""

    release: str
    scope: ScopeName
    villages: list[Village]
    origin: Origin | None
    families: list[FamilyComparison]
    decisive: list[Difference]
    odds: list[Odds | None] = Field(description="null where a commune is not listed.")
    ahead: list[list[float | None]] = Field(description="How often each is ahead of each other.")
    sentences: Sentences


class DuoRequest(BaseModel):
    """Two people's profiles."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=examples_of(
            lambda: {"first": typical(), "second": typical("cultura-artist"), "top": 5}
        ),
    )

    first: Profile
    second: Profile
    scope: ScopeName = "partners"
    top: int = Field(20, ge=1, le=MAX_TOP, description="Villages at most.")


class DuoCounts(_Answer):
    """How many communes each accepts, and both."""

    scope: int
    first: int
    second: int
    both: int
    pareto: int


class DuoLimit(_Answer):
    """A hard limit and whose it is."""

    of: Literal["first", "second"]
    criterion: str
    at_most: float | None
    at_least: float | None


class DuoLimitEffect(DuoLimit):
    """What one limit does to the other person."""

    excluded_of_other: int
    excluded_by_it_alone: int
    listed_without: int
    larger_regret_without: float | None
    price_points: float | None


class DuoClash(_Answer):
    """Two limits that do not go together."""

    first: DuoLimit
    second: DuoLimit
    impossible: bool
    meeting: int


class DuoWayOut(_Answer):
    """Limits to give up when nothing is listed for both."""

    limits: list[DuoLimit]
    listed: int
    larger_regret: float


class DuoFamilyGap(_Answer):
    """A family that the two people weigh differently."""

    family: FamilyName
    weight_first: float
    weight_second: float
    difference: float


class DuoAnswer(_Answer):
    """Where two people can meet."""

    release: str
    scope: ScopeName
    counts: DuoCounts
    best_first: Favourite | None
    best_second: Favourite | None
    compromise: str | None = Field(description="INSEE code of the best compromise.")
    villages: list[SharedVillage]
    limits_first: list[DuoLimitEffect]
    limits_second: list[DuoLimitEffect]
    clashes: list[DuoClash]
    ways_out: list[DuoWayOut]
    agreement: float | None
    oppositions: list[Opposition]
    family_gaps: list[DuoFamilyGap]
    sentences: Sentences


class PairsRequest(BaseModel):
    """For whom to find villages with the bourg that serves each."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=examples_of(
            lambda: {"profile": typical(), "scope": "partners", "top": 5}
        ),
    )

    profile: Profile
    scope: ScopeName = "partners"
    top: int = Field(20, ge=1, le=MAX_PAIRS)


class PairService(_Answer):
    """Where one everyday service is found."""

    name: str
    trips_a_week: float
    found: Literal["village", "bourg", "elsewhere", "nowhere"]
    insee_code: str | None
    commune: str | None
    on_round: bool
    minutes: float | None
    nearest_min: float | None
    nearest_low_min: float | None
    status: str


class PairAnswer(_Answer):
    """A village with the bourg that serves it; each service is counted once."""

    rank: int
    insee_code: str
    name: str
    score: float
    bourg: Bourg | None
    services: list[PairService]
    in_village: list[str]
    in_bourg: list[str]
    in_neither: list[str]
    services_covered_share: float
    rounds_a_week: float
    separate_min_week: float
    grouped_min_week: float
    saved_min_week: float
    gaps: list[str]


class PairsAnswer(_Answer):
    """Villages with their bourgs, in the order of the ranking."""

    release: str
    scope: ScopeName
    pairs: list[PairAnswer]


class TypeCandidate(_Answer):
    """A number of types that was tried."""

    types: int
    figure: float = Field(ge=-1, le=1, description="Mean silhouette; higher is better.")
    smallest: int
    largest: int
    accepted: bool = Field(description="Whether every type holds 5 % to half of the communes.")


class TypeBridge(_Answer):
    """Two communes held to be neighbours though their outlines do not touch, by INSEE code."""

    island: str
    mainland: str
    gap_km: float


class TypeTrait(_Answer):
    """A criterion that tells a type apart."""

    criterion: str
    direction: Literal["better", "worse"]
    value_mean: float = Field(ge=0, le=1)
    value_mean_all: float = Field(ge=0, le=1)
    raw_median: float | None = Field(description="In its unit; null when it cannot be reached.")
    raw_median_all: float | None


class TypicalCommune(_Answer):
    """The commune nearest to the mean of a type."""

    insee_code: str
    name: str


class TypeOfCommunes(_Answer):
    """Communes that are neighbours and alike."""

    letter: str
    name_fr: str
    name_en: str
    communes: int
    population: int
    typical: TypicalCommune
    traits: list[TypeTrait]
    members: list[str] = Field(description="INSEE codes.")


class TypesAnswer(_Answer):
    """Types of communes, each named from its own figures."""

    release: str
    criterion: Literal["silhouette"]
    weak: bool = Field(description="Whether differences are too gradual for firm limits.")
    candidates: list[TypeCandidate]
    left_out: list[str] = Field(description="Criteria that too few communes have a figure for.")
    bridges: list[TypeBridge]
    types: list[TypeOfCommunes]


class AuditAnswer(_Answer):
    """Who is seen and who is not, by a population of profiles."""

    release: str
    territory: str
    vintage: str
    scope: ScopeName
    size: int
    seed: int
    top: int
    communes: int
    reconstructed: int
    never: int
    unseen_bound: float
    gini: float | None
    exposures: list[Exposure]
    epcis: list[EpciExposure]
    absences: list[Absence]
    pairs: list[CorrelatedPair]
    weights: list[WeightShare]
    population: list[MakeUp]
