"""Examples of requests for the documentation of the API, made for the territory in service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from geo_matcher.presets import preset_named
from geo_matcher.towns import served

__all__ = ["examples_of", "somewhere", "typical"]


def examples_of(make: Callable[[], dict[str, Any]]) -> Callable[[dict[str, Any]], None]:
    """Return what adds an example to a JSON schema when that schema is asked for.

    Presets and towns are those of the territory in service, which is not known before.
    """

    def add(schema: dict[str, Any]) -> None:
        schema["examples"] = [make()]

    return add


def typical(preset: str = "paris-web-family") -> dict[str, Any]:
    """Return the profile of a preset in plain types."""
    return preset_named(preset).profile.as_dict()


def somewhere() -> str:
    """Return the code of a commune that people know: the first town of the territory itself."""
    territory = served()
    own = [town.insee_code for town in territory.town if territory.holds(town.insee_code)]
    return next(iter([*own, *territory.communes]), "")
