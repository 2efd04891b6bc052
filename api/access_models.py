"""Shapes of the requests and answers about drives.

Hides nothing: this is the contract, beside :mod:`api.models`. Answers are written by the library in
plain types; tests hold them to these models.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from api.examples import examples_of, somewhere, typical
from geo_matcher.destinations import DESTINATIONS
from geo_matcher.profile import Profile
from geo_matcher.wheel import DEFAULT_HABITS, Habits

__all__ = [
    "LONGEST_NAME",
    "BasketAnswer",
    "CatchmentsAnswer",
    "DestinationName",
    "DestinationsAnswer",
    "IsochroneAnswer",
    "KindAnswer",
    "PairAnswer",
    "PeopleAnswer",
    "SupplyAnswer",
    "WheelAnswer",
    "WheelRequest",
]


def _is_destination(name: str) -> str:
    known = [destination.name for destination in DESTINATIONS]
    if name not in known:
        raise ValueError(f"found {name[:60]!r}; expected {', '.join(map(repr, known))}")
    return name


class _DestinationWords:
    """Shows the destinations of the territory in service in a JSON schema."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the schema of the name of a destination."""
        return {"type": "string", "enum": [destination.name for destination in DESTINATIONS]}


DestinationName = Annotated[str, AfterValidator(_is_destination), _DestinationWords()]
"""Name of a destination of the territory in service."""

NetworkName = Literal["roads", "town_halls", "mixed"]
DriveStatus = Literal["estimated", "upper_bound", "unreachable", "unknown"]
LONGEST_NAME = 80


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Named(_Answer):
    """A commune of the network."""

    insee_code: str
    name: str


class _FromAnswer(_Answer):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    origin: Named = Field(alias="from")
    network: NetworkName = Field(description="The network that gave the times.")
    release: str


class PairAnswer(_FromAnswer):
    """The drive between two town halls."""

    destination: Named = Field(alias="to")
    minutes: float | None = Field(description="Null where no way leads.")
    road_km: float | None
    status: DriveStatus


class Time(_Answer):
    """The drive from the homes of a commune to the nearest place of a kind."""

    minutes: float | None = Field(description="The mean drive to the own town hall is in.")
    minutes_low: float | None = Field(
        description="Where a nearer place may exist than any list names: the least it can be."
    )
    road_km: float | None
    nearest: Named | None = Field(description="Commune where the place is.")
    network: NetworkName
    status: DriveStatus


class TimeTo(Time):
    """The same, to one of all kinds."""

    destination: DestinationName


class TimeFrom(Time):
    """The same, from one of all communes."""

    insee_code: str
    name: str


class DestinationsAnswer(_FromAnswer):
    """The drive from one commune to every kind of place."""

    times: list[TimeTo]


class KindAnswer(_Answer):
    """The drive from every commune to one kind of place, nearest first."""

    to: DestinationName
    communes: list[TimeFrom]
    network: NetworkName
    release: str


class _Feature(_Answer):
    type: Literal["Feature"]
    geometry: dict[str, Any] = Field(description="GeoJSON, EPSG:4326.")


class ReachedPart(_Feature):
    """The ground that is reached; on the town-hall network, one town hall that is."""

    properties: dict[str, Any]


class IsochroneAnswer(_Answer):
    """What is reached from a town hall, as GeoJSON."""

    type: Literal["FeatureCollection"]
    origin: str
    minutes: float
    network: NetworkName
    is_cut: bool = Field(
        description="Whether more may be reached than is known: the area comes near the edge of "
        "the roads that were read, or the town halls around do not go as far."
    )
    status: DriveStatus
    release: str
    features: list[ReachedPart]


class StopAnswer(_Answer):
    """One stop of a round."""

    insee_code: str
    name: str
    kinds: list[DestinationName] = Field(description="What is had there and not before.")
    drive_min: float = Field(description="From the stop before, or from home.")


class BasketAnswer(_FromAnswer):
    """The shortest round from home that brings everything back."""

    kinds: list[DestinationName]
    minutes: float | None = Field(description="The whole round; null where not all can be had.")
    separate_min: float | None = Field(description="The same, one drive for each kind.")
    stops: list[StopAnswer]
    back_min: float | None
    status: DriveStatus


class Around(_Answer):
    """Who lives within some minutes."""

    within_min: float
    inhabitants: int


class PublishedApl(_Answer):
    """Accessibility to general practitioners, as published."""

    consultations: float = Field(description="A year and inhabitant, standardised by age.")
    year: int


class PeopleAnswer(_FromAnswer):
    """Who lives around a commune, over the border too."""

    inhabitants: list[Around]
    apl_doctors: PublishedApl | None = Field(description="Null where the release has no figure.")
    status: DriveStatus


class SharedBy(_Answer):
    """What one commune can reach of something that all share."""

    insee_code: str
    name: str
    per_10000: float


class SharedPlace(_Answer):
    """A place and those who share it."""

    name: str
    insee_code: str
    amount: float
    people: float = Field(description="Inhabitants around, the farther ones counting less.")


class SupplyAnswer(_Answer):
    """How much there is for 10,000 inhabitants when all who live near share it."""

    destination: DestinationName
    unit: str
    total: float
    communes: list[SharedBy]
    places: list[SharedPlace]
    network: NetworkName
    status: DriveStatus
    release: str


class CatchmentFacts(_Answer):
    """A catchment; the last one is the ground in none, of kind ``desert``."""

    kind: str
    place_id: str = ""
    name: str = ""
    insee_code: str = ""
    area_km2: float
    communes: list[str]
    inhabitants: int


class CatchmentFeature(_Feature):
    """A catchment with its ground."""

    properties: CatchmentFacts


class PeopleByReach(_Answer):
    """Inhabitants by how many places they reach."""

    none: int
    one: int
    several: int


class Unsure(_Answer):
    """Who reaches none as far as is known, but may: no list goes far enough to tell."""

    communes: list[str]
    inhabitants: int


class CatchmentsAnswer(_Answer):
    """Who can reach which place, as GeoJSON."""

    type: Literal["FeatureCollection"]
    destination: DestinationName
    within_min: float
    places: int
    communes_reached: int
    inhabitants: PeopleByReach
    unsure: Unsure
    overlap_km2: float
    desert_km2: float
    network: NetworkName
    status: DriveStatus
    release: str
    features: list[CatchmentFeature]


class HabitsRequest(_Answer):
    """How a week is lived; what is left out is the assumption of ours."""

    coworking_days: Annotated[float, Field(ge=0, le=7)] = DEFAULT_HABITS.coworking_days
    client_trips: Annotated[float, Field(ge=0, le=7)] = DEFAULT_HABITS.client_trips
    school_days: Annotated[float, Field(ge=0, le=7)] = DEFAULT_HABITS.school_days
    escorts_a_day: Annotated[float, Field(ge=0, le=7)] = DEFAULT_HABITS.escorts_a_day
    teenagers_share: Annotated[float, Field(ge=0, le=1)] = DEFAULT_HABITS.teenagers_share

    def habits(self) -> Habits:
        """Return them as the library takes them."""
        return Habits(**self.model_dump())


class WheelRequest(BaseModel):
    """Of which household, and in which commune, to tell the hours at the wheel."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra=examples_of(
            lambda: {
                "profile": typical(),
                "commune": somewhere(),
                "habits": {"coworking_days": 3},
            }
        ),
    )

    profile: Profile
    commune: str = Field(max_length=LONGEST_NAME, description="INSEE code, or name.")
    habits: HabitsRequest = HabitsRequest()


class DriveOfWeek(_Answer):
    """One reason to drive."""

    purpose: Literal["errands", "coworking", "client", "station", "school", "college", "lycee"]
    destination: str = Field(description="Empty for errands, which are rounds.")
    times_a_week: float
    minutes_each: float | None
    minutes_week: float | None


class WheelAnswer(_FromAnswer):
    """A household's week at the wheel."""

    hours: float | None
    low_hours: float | None = Field(
        description="Where nearer places may exist than any list names: the least it can be."
    )
    share: float | None = Field(description="Of the 168 hours of a week.")
    drives: list[DriveOfWeek]
    habits: HabitsRequest
    status: DriveStatus
