"""The year's figures as the API answers them.

Hides nothing: this is the contract; values come from ``geo_matcher.dossiers.year_report``.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from geo_matcher.dossiers.stages import Stage

__all__ = ["Report"]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", from_attributes=True)


class GroupCount(_Answer):
    """Counts of one sector, origin, track or source."""

    word: str
    enquiries: int
    qualified: int
    settled: int | None = Field(description="None where it may not be shared.")
    persons: int | None
    hidden: str = Field(description="Why: few, fewer than five; kept, the total would tell.")


class PlaceCount(_Answer):
    """Families and persons that settled in a commune or an EPCI."""

    insee_code: str
    name: str
    epci: str
    settled: int
    persons: int


class SharedCount(_Answer):
    """A count that may leave the network: it holds at least five families."""

    kind: str
    insee_code: str
    name: str
    settled: int
    persons: int


class FunnelStep(_Answer):
    """How far the enquiries of the year came."""

    stage: Stage
    reached: int
    share: float | None
    share_of_previous: float | None
    median_days: float | None


class SurvivalPoint(_Answer):
    """Share of families still there some months after settling, with its 95 % interval."""

    months: int
    share: float
    low: float | None
    high: float | None
    at_risk: int


class Survival(_Answer):
    """Who is still there."""

    families: int
    left: int
    points: list[SurvivalPoint]
    reached: int = Field(description="Last month for which five families were followed; or 0.")


class Report(_Answer):
    """The figures of a year."""

    year: int
    enquiries: int
    qualified: int
    closed: int
    visits: int
    settled: int
    persons: int
    settled_since: int
    persons_since: int
    first_year: int | None
    groups: dict[str, list[GroupCount]]
    communes: list[PlaceCount] = Field(
        description="Of the year; empty for whoever may not read files."
    )
    epcis: list[PlaceCount] = Field(description="Empty for whoever may not read files.")
    communes_since: list[PlaceCount] = Field(description="Empty for whoever may not read files.")
    shared_since: list[SharedCount] = Field(
        description="Of all years up to today, pooled so that each count may be shared."
    )
    funnel: list[FunnelStep]
    survival: Survival
