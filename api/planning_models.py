"""Shapes of the requests and answers of planners: gaps, plans, lifts, sitings.

Hides nothing: this is the contract. Answers are written by the library in plain types; tests hold
them to these models.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.models import ScopeName
from api.planning_work import MAX_FRONTIER, MAX_ROBUST

__all__ = [
    "DemandName",
    "GapsAnswer",
    "LiftActionName",
    "LiftsAnswer",
    "PlanAnswer",
    "PlanRequest",
    "SitingAnswer",
]

LiftActionName = Literal[
    "fibre", "land_30mbit", "coworking", "telecentre", "doctor", "bakery", "grocery"
]
DemandName = Literal["newcomers", "population"]
GapClassName = Literal["certain", "possible", "none"]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PublishedCount(_Answer):
    """One published count with its own denominator; a share above 1 is kept as published."""

    premises: int
    with_fibre: int
    without_fibre: int | None = Field(description="null where the count holds no premises.")
    share: float | None


class GapInterval(_Answer):
    """Premises without fibre by the lower and by the higher of the two counts."""

    low: int
    high: int


class Concerned(_Answer):
    """Who is concerned."""

    population: int
    work_places: int
    newcomers: float | None = Field(description="Of a thousand assumed newcomers.")


class _GapFigures(_Answer):
    premises: int
    by_technology: dict[str, int] = Field(description="Adds up to premises.")
    without_fibre: int
    without_30mbit: int
    without_1gbit: int
    counts: dict[str, PublishedCount]
    rate_above_100: bool
    gap: GapInterval
    concerned: Concerned


class GapTotal(_GapFigures):
    """The whole territory."""

    communes: int
    classes: dict[GapClassName, int]


class CommuneGap(_GapFigures):
    """One commune."""

    insee_code: str
    name: str
    epci: str
    class_: GapClassName = Field(alias="class")
    copper_closure_date: str | None
    without_fibre_if_late: float | None


class EpciGap(_GapFigures):
    """One EPCI: the sums over its communes."""

    epci_code: str
    epci: str
    communes: int
    classes: dict[GapClassName, int]


class CopperStep(_Answer):
    """What is left without fibre at one closing date of copper."""

    copper_closure_date: str | None
    communes: int
    premises: int
    without_fibre_if_nothing_is_built: int
    low: int
    high: int
    without_fibre_if_late: float | None


class CopperCalendar(_Answer):
    """Closing dates, the earliest first."""

    months_late: float
    assumption: str
    steps: list[CopperStep]


class AbsentSubject(_Answer):
    """What a planner asks about and no figure here answers."""

    subject: str
    text_fr: str
    text_en: str


class GapsAnswer(_Answer):
    """Where fibre is missing, how sure that is, and when copper closes."""

    release: str
    source: str
    counted: str = Field(description="Day of the counts.")
    total: GapTotal
    copper: CopperCalendar
    absent: list[AbsentSubject]
    by: Literal["commune", "epci"]
    rows: list[CommuneGap] | list[EpciGap]


class PlanRequest(BaseModel):
    """A budget, and what differs from the scenario that ships."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "budget": "5 M€",
                    "scenario": {"floor": [{"epci": "each", "at_least_share_of_need": 0.2}]},
                    "frontier": 10,
                }
            ]
        },
    )

    budget_eur: Annotated[Any, Field(description="Euros, as a number.")] = None
    budget: Annotated[
        str | None, Field(max_length=60, description="The same as people write it: 80M, 5 M€.")
    ] = None
    scenario: dict[str, Any] = Field(
        default_factory=dict,
        description="Keys of `geo-matcher plan --show-scenario` that differ from it.",
    )
    frontier: int = Field(0, ge=0, le=MAX_FRONTIER, description="Smaller budgets: 0, or 2 to 20.")
    robust: int = Field(
        0, ge=0, le=MAX_ROBUST, description="Draws of the robust core: 0, or 20 to 50."
    )


class PlannedAction(_Answer):
    """One action in one commune."""

    insee_code: str
    name: str
    epci: str
    action: str
    cost_eur: float
    benefit: float
    premises: float
    decided: bool
    in_budget: bool
    payers: dict[str, float]


class Brings(_Answer):
    """What a plan brings, in natural units."""

    premises_fibre: float
    premises_30mbit: float
    premises_equipped: float
    inhabitants_near_work: int


class FloorPrice(_Answer):
    """What a floor costs, in points."""

    floor: str
    price_points: float = Field(ge=0)


class Relaxation(_Answer):
    """A floor that could not be met, and the smallest lowering that can."""

    model_config = ConfigDict(extra="allow")

    floor: str
    unit: str
    asked: float
    kept: float


class Baseline(_Answer):
    """What a simpler way of choosing would bring for the same money."""

    name: str
    benefit: float
    cost_eur: float
    share_of_plan: float | None


class EpciShare(_Answer):
    """What one EPCI gets."""

    epci: str
    actions: int
    cost_eur: float
    benefit: float
    premises_without_fibre: float


class FrontierPoint(_Answer):
    """The best plan of a smaller budget; null where it cannot meet the rules."""

    budget_eur: float
    spent_eur: float
    benefit: float | None
    marginal_per_100k: float | None
    optimality_gap: float


class Dependence(_Answer):
    """What an action comes and goes with."""

    on: str
    difference: float


class CoreAction(_Answer):
    """How often one action is in the best plan."""

    insee_code: str
    name: str
    action: str
    share: float
    class_: Literal["no_regret", "depends", "rare"] = Field(alias="class")
    depends_on: Dependence | None


class CoreCommune(_Answer):
    """How often anything is built in one commune."""

    insee_code: str
    name: str
    share: float
    class_: Literal["no_regret", "depends", "rare"] = Field(alias="class")


class RobustCore(_Answer):
    """What stays right over drawn costs and needs."""

    release: str
    scenario: str
    budget_eur: float
    samples: int
    seed: int
    largest_optimality_gap: float
    benefit_low: float
    benefit_high: float
    communes: list[CoreCommune]
    actions: list[CoreAction]


class PlanAnswer(_Answer):
    """The best plan under a budget, and what its rules cost."""

    release: str
    scenario: str
    scenario_name: str
    count: str
    budget_eur: float
    actions: list[PlannedAction]
    total_cost_eur: float
    total_benefit: float
    optimality_gap: float
    status: Literal["optimal", "within_gap", "time_limit"]
    left_over_eur: float
    brings: Brings
    newcomers_counted: bool
    floors: list[FloorPrice]
    infeasible: list[Relaxation]
    budget_needed_eur: float | None
    baselines: list[Baseline]
    epcis: list[EpciShare]
    frontier: list[FrontierPoint]
    robust_core: RobustCore | None = None


class LiftAction(_Answer):
    """An action whose effect can be measured."""

    action: str
    label_fr: str
    label_en: str
    criteria: list[str]


class Loser(_Answer):
    """A commune that is pushed out."""

    insee_code: str
    name: str
    newcomers: float


class Gain(_Answer):
    """What changes in the first places, in expected newcomers."""

    before: float
    gained: float
    draws_error: float
    population_error: float
    around: float
    lost: float
    losers: list[Loser]


class Lift(_Answer):
    """What an action would bring one commune."""

    insee_code: str
    name: str
    epci: str
    action: str
    top_5: Gain
    top_10: Gain


class LiftsAnswer(_Answer):
    """What an action would bring, commune by commune; a sum of lifts is no gain of anybody."""

    release: str
    scope: ScopeName
    population: Literal["assumed"]
    profiles: int
    draws: int
    seed: int
    status: Literal["estimated"]
    actions: list[LiftAction]
    lifts: list[Lift]


class Site(_Answer):
    """Where a space would open."""

    insee_code: str
    name: str
    epci: str
    population: int
    demand: float
    reached: list[str]


class SitingStep(_Answer):
    """The best choice of a number of spaces."""

    count: int
    sites: list[Site]
    covered: float
    added: float
    share: float
    greedy_covered: float
    gap: float


class SitingAnswer(_Answer):
    """Where new coworking spaces would reach most of the demand that no work place reaches."""

    release: str
    scope: ScopeName
    demand: DemandName
    within_min: float
    profiles: int | None
    draws: int | None
    seed: int | None
    total: float
    met: float
    unmet: float
    unsure: float
    candidates: int
    steps: list[SitingStep]
    status: Literal["estimated"]
