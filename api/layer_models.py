"""Shapes of the answers about layers, places and towns of the map.

Hides nothing: this is the contract, beside :mod:`api.models`. Tests hold the answers to it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.models import ScopeName, StatusName

__all__ = ["Layer", "LayerAnswer", "LayerList", "PlacesAnswer", "TownsAnswer"]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Layer(_Answer):
    """One way to colour the communes."""

    name: str
    group: str
    label_fr: str
    label_en: str
    note_fr: str
    note_en: str
    unit: str
    breaks: list[float] = Field(description="Figures, in the unit, at which a new class begins.")
    deep_end: Literal["low", "high", "none"] = Field(
        description="Which figures have the deep end of the colours; none for categories."
    )


class LayerList(_Answer):
    """Every layer."""

    release: str
    layers: list[Layer]


class LegendStep(_Answer):
    """One class of a legend, from the lowest figures to the highest."""

    step: int = Field(description="Number of the class, and of its colour.")
    colour: str
    low: str = Field(description="Figure at which it begins; empty at the open end.")
    high: str
    label: str = Field(description="Name of a category; empty for figures.")


class LayerSource(_Answer):
    """A table that a layer rests on."""

    table: str
    credit: str
    vintage: str
    licence: str
    licence_url: str
    url: str


class Town(_Answer):
    """A commune of the town-hall network."""

    insee_code: str
    label: str = Field(description="Its name, and where it lies when others bear it too.")


class LayerFigure(_Answer):
    """What a layer says of one commune."""

    insee_code: str
    value: float | None = Field(description="Figure; null when unknown or out of reach.")
    value_low: float | None = Field(
        description="Best case when `value` is an upper bound; null where none is known."
    )
    step: int | None = Field(description="Class, 0 to 6; null is drawn hatched.")
    status: StatusName
    text: str = Field(description="The figure as a person reads it.")


class LayerAnswer(_Answer):
    """A layer for the communes of a scope."""

    release: str
    layer: Layer
    scope: ScopeName
    language: Literal["fr", "en"]
    label: str
    unit: str
    note: str
    to: Town | None
    legend: list[LegendStep]
    statuses: dict[str, str] = Field(description="Words for the statuses that occur.")
    sources: list[LayerSource]
    communes: list[LayerFigure]


class Place(_Answer):
    """A place, as its source lists it."""

    place_id: str
    set: str
    kind: str
    label: str
    name: str
    insee_code: str
    commune: str
    lon: float
    lat: float
    position: Literal["published", "town_hall"]
    status: str
    year: str
    note: str
    source: str


class PlaceSign(_Answer):
    """How the places of a set are drawn."""

    name: str
    label: str
    shape: Literal["square", "diamond", "round", "wide"]
    colour: str
    letter: str


class PlacesAnswer(_Answer):
    """Places of some sets."""

    release: str
    total: int
    limit: int
    offset: int
    sets: list[PlaceSign]
    sources: list[LayerSource]
    places: list[Place]


class SuggestedTown(Town):
    """A commune whose name begins like what was typed."""

    name: str
    population: int


class TownsAnswer(_Answer):
    """Communes that a text may mean."""

    release: str
    found: Town | None = Field(description="The one that the text names, if it names one.")
    suggestions: list[SuggestedTown]
    near: list[str] = Field(description="Names that look alike, when nothing begins so.")
