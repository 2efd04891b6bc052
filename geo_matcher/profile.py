"""What a mover asks for, and the weights that follow.

Hides how words become weights. One schema serves TOML, JSON, the command line and the API; unknown
keys are refused. Nothing is inferred in silence: what a work mode, a track or a client city changes
is written in this module's tables and appears in the ledger as weights.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, cast

import numpy as np
import tomlkit
from numpy.typing import NDArray
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from geo_matcher.criteria import (
    CRITERIA,
    FAMILIES,
    OF_NETWORK,
    VILLAGE_SIZES,
    Importance,
    ValueFunction,
    criterion_named,
)
from geo_matcher.destinations import HUB_CITIES, INSEE_CODE
from geo_matcher.errors import GeoMatcherError, ProfileError, WeightError
from geo_matcher.towns import LiveMapping, served

__all__ = [
    "CITIES",
    "CITY_CODES",
    "CRITERIA_OF",
    "SECTORS",
    "CityName",
    "CriterionChoice",
    "FamilyName",
    "HubName",
    "Limit",
    "Profile",
    "SectorName",
    "expectation",
    "normalised",
    "parse_profile",
    "profile_problems",
    "read_profile",
]

FloatArray = NDArray[np.float64]

CITIES = ("paris", "lille", "lyon", "marseille", "bordeaux", "montpellier", "toulouse", "other")
"""Where movers come from: the seven big cities of the network's campaigns, or elsewhere."""

CITY_CODES: Mapping[str, str] = MappingProxyType(
    {
        "paris": "75056",
        "lille": "59350",
        "lyon": "69123",
        "marseille": "13055",
        "bordeaux": "33063",
        "montpellier": "34172",
        "toulouse": "31555",
    }
)
"""INSEE code of each big city: either says the same."""

SECTORS = (
    "audit_consulting",
    "training",
    "it",
    "internet",
    "e_commerce",
    "crafts",
    "arts",
    "other",
)
"""What movers do. Recorded for the adviser; it never changes a ranking."""

MAX_CRITERIA = 40
"""Choices, and limits, that a profile holds at most."""

MAX_FILE_BYTES = 100_000
"""Size above which a profile is refused unread."""

WORK_MODE_IMPORTANCE: Mapping[str, Mapping[str, Importance]] = MappingProxyType(
    {
        "home": {"coworking_min": Importance.A_LITTLE, "telecentre_min": Importance.A_LITTLE},
        "coworking": {"coworking_min": Importance.INDISPENSABLE},
        "client_visits": {
            "station_min": Importance.IMPORTANT,
            "coworking_min": Importance.A_LITTLE,
        },
    }
)
"""What a way of working changes inside the families."""

TRACK_IMPORTANCE: Mapping[str, Mapping[str, Importance]] = MappingProxyType(
    {
        "solo": {},
        "cultura": {
            "cinema_min": Importance.INDISPENSABLE,
            "museum_min": Importance.IMPORTANT,
            "coworking_min": Importance.IMPORTANT,
        },
    }
)
"""What the artists' track changes inside the families."""

SCHOOL_AGES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"primary_school_min": (0, 10), "college_min": (8, 14), "lycee_min": (12, 17)}
)
"""Ages at which a level of school counts: its pupils, and those who will be there in some years."""

CRITERIA_OF: LiveMapping[str, tuple[str, ...]] = LiveMapping(
    lambda _: {
        family: tuple(name for name, criterion in CRITERIA.items() if criterion.family == family)
        for family in FAMILIES
    }
)
"""Names of the criteria of each family."""

PRICE_OF_BUDGET = ((0.6, 1.0), (0.9, 0.7), (1.0, 0.5), (1.4, 0.0))
"""Value of a price, as a share of what the budget pays per m²."""

CityName = Literal[
    "paris", "lille", "lyon", "marseille", "bordeaux", "montpellier", "toulouse", "other"
]
SectorName = Literal[
    "audit_consulting", "training", "it", "internet", "e_commerce", "crafts", "arts", "other"
]
FamilyName = Literal[
    "work", "connection", "daily_life", "children", "health", "mobility", "housing", "setting",
    "welcome",
]  # fmt: skip


class _TownWords:
    """Shows the towns of the territory in service in a JSON schema."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the schema of a town's key."""
        known = list(HUB_CITIES)
        return {"type": "string"} | ({"enum": known} if known else {})


def _is_town(key: str) -> str:
    if key in HUB_CITIES:
        return key
    known = ", ".join(map(repr, HUB_CITIES)) or "nothing, for it names none"
    raise ValueError(f"found {key[:60]!r}; expected a town of this release: {known}")


HubName = Annotated[str, AfterValidator(_is_town), _TownWords()]
"""Key of a town of the territory in service."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CriterionChoice(_Strict):
    """What a mover changes in one criterion."""

    importance: Importance | None = Field(
        None, description="Importance inside its family, in place of the default."
    )
    breakpoints: list[tuple[float, float]] | None = Field(
        None, description="Pairs (figure in the criterion's unit, value between 0 and 1)."
    )


class Limit(_Strict):
    """A hard limit on one criterion, in its unit."""

    at_most: float | None = Field(None, allow_inf_nan=False)
    at_least: float | None = Field(None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.at_most is None and self.at_least is None:
            raise ValueError("a limit needs at_most or at_least")
        if self.at_most is not None and self.at_least is not None and self.at_least > self.at_most:
            raise ValueError(
                f"impossible limit: at_least {self.at_least:g} is above at_most {self.at_most:g}"
            )
        return self


class Profile(_Strict):
    """What a mover, or a household, asks for.

    Every field has a default, so that an empty profile is a valid one: a person alone who works at
    home and buys.
    """

    name: str = Field("", max_length=80, description="Free text, shown back and nothing else.")
    track: Literal["solo", "cultura"] = Field(
        "solo",
        description="The network's track; cultura is the artists' one, which counts as solo where "
        "the network has none.",
    )
    sector: SectorName = Field(
        "other", description="Recorded for the adviser; never changes a ranking."
    )
    origin_city: CityName = Field(
        "other", description="The big city that is left; never changes a ranking."
    )
    origin_commune: str | None = Field(
        None,
        pattern=INSEE_CODE,
        description="INSEE code of the commune that is left, where it is no big city; never "
        "changes a ranking.",
        examples=["44109"],
    )
    work_mode: Literal["home", "coworking", "client_visits"] = "home"
    client_city: HubName | None = Field(
        None, description="Town where clients must be met; its travel time becomes indispensable."
    )
    children_ages: list[Annotated[int, Field(ge=0, le=25)]] = Field(
        default_factory=list, max_length=10
    )
    tenure: Literal["buy", "rent"] = "buy"
    budget_eur: float | None = Field(
        None, gt=0, le=10_000_000, description="Purchase price, or monthly rent when renting."
    )
    surface_m2: float = Field(100, ge=10, le=1000, description="Floor area that the budget pays.")
    village_size: Literal["hamlet", "village", "bourg", "town"] | None = None
    importance: dict[FamilyName, Importance] = Field(default_factory=dict)
    criteria: dict[str, CriterionChoice] = Field(default_factory=dict, max_length=MAX_CRITERIA)
    limits: dict[str, Limit] = Field(default_factory=dict, max_length=MAX_CRITERIA)

    @model_validator(mode="before")
    @classmethod
    def _has_one_origin(cls, data: Any) -> Any:
        """Say a big city that is given by its code by its word, so that both are one profile."""
        if not isinstance(data, dict) or not data.get("origin_commune"):
            return data
        code, word = data["origin_commune"], data.get("origin_city", "other")
        city = next((name for name, known in CITY_CODES.items() if known == code), None)
        if word != "other" and word != city:
            raise ValueError(
                f"two origins: origin_city {str(word)[:60]!r} and origin_commune "
                f"{str(code)[:60]!r} are not the same place. Keep one"
            )
        return data if city is None else {**data, "origin_city": city, "origin_commune": None}

    @field_validator("criteria", "limits")
    @classmethod
    def _names_exist(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            _known(name)
        return value

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        for name, choice in self.criteria.items():
            if choice.breakpoints is not None:
                criterion = _known(name)
                try:
                    function = ValueFunction(tuple(choice.breakpoints))
                except ProfileError as error:
                    raise ValueError(f"{name}: {error}") from None
                if not function.follows(criterion.direction):
                    raise ValueError(
                        f"{name}: breakpoints {choice.breakpoints} go against its direction "
                        f"({criterion.direction.value}: values must not "
                        f"{'fall' if criterion.direction.value == 'increasing' else 'rise'})"
                    )
        for name, limit in self.limits.items():
            low, high = _known(name).unit.domain
            for word in ("at_most", "at_least"):
                bound = getattr(limit, word)
                if bound is not None and not low <= bound <= high:
                    raise ValueError(
                        f"impossible limit: {name} {word} {bound:g}, expected a figure between "
                        f"{low:g} and {high:,.0f} {_known(name).unit.value}"
                    )
        if not sum(self._points) > 0:
            raise ValueError(
                "nothing matters: every importance is not_at_all, so nothing can be ranked. "
                "Raise one family to a_little or more"
            )
        return self

    @property
    def ignored(self) -> tuple[str, ...]:
        """Fields that were chosen and do not count here: a track that the network does not have."""
        return ("track",) if self.track == "cultura" and not served().artists_track else ()

    def importance_of(self, name: str) -> Importance:
        """Return the importance of a criterion inside its family, all choices applied."""
        choice = self.criteria.get(name)
        if choice is not None and choice.importance is not None:
            return choice.importance
        if name in SCHOOL_AGES and self.children_ages:
            first, last = SCHOOL_AGES[name]
            if not any(first <= age <= last for age in self.children_ages):
                return Importance.NOT_AT_ALL
        if name == "house_price_eur_m2" and self.tenure == "rent":
            return Importance.NOT_AT_ALL
        if name == "house_rent_eur_m2_month" and self.tenure == "buy":
            return Importance.NOT_AT_ALL
        if name == "population" and self.village_size is None:
            return Importance.NOT_AT_ALL
        if name in OF_NETWORK and served().network is None:
            return Importance.NOT_AT_ALL
        if self.client_city is not None and name == f"{self.client_city}_min":
            return Importance.INDISPENSABLE
        track = "solo" if self.ignored else self.track
        for table in (WORK_MODE_IMPORTANCE[self.work_mode], TRACK_IMPORTANCE[track]):
            if name in table:
                return table[name]
        return CRITERIA[name].importance

    def family_importance(self, family: str) -> Importance:
        """Return the importance of a family, all choices applied."""
        chosen = self.importance.get(cast("FamilyName", family))
        if chosen is not None:
            return chosen
        if family == "children" and not self.children_ages:
            return Importance.NOT_AT_ALL
        if family == "setting" and self.track == "cultura" and not self.ignored:
            return Importance.IMPORTANT
        return FAMILIES[family].importance

    @cached_property
    def _points(self) -> tuple[float, ...]:
        """Share of each criterion before the total is brought to 1."""
        points = dict.fromkeys(CRITERIA, 0.0)
        for family, names in CRITERIA_OF.items():
            own = [self.importance_of(name).points for name in names]
            total = sum(own)
            if total:
                share = self.family_importance(family).points / total
                points.update((n, share * part) for n, part in zip(names, own, strict=True))
        return tuple(points.values())

    @cached_property
    def weights(self) -> FloatArray:
        """Weights of the criteria, in the order of ``CRITERIA``; they are ≥ 0 and add up to 1."""
        return normalised(np.array(self._points))

    def value_function(self, name: str) -> ValueFunction | None:
        """Return the value function that this profile puts in place of the catalogue's, if any."""
        choice = self.criteria.get(name)
        if choice is not None and choice.breakpoints is not None:
            return ValueFunction(tuple(choice.breakpoints))
        if name == "population" and self.village_size is not None:
            return VILLAGE_SIZES[self.village_size]
        priced = {"buy": "house_price_eur_m2", "rent": "house_rent_eur_m2_month"}[self.tenure]
        if name == priced and self.budget_eur is not None:
            affordable = self.budget_eur / self.surface_m2
            return ValueFunction(tuple((x * affordable, v) for x, v in PRICE_OF_BUDGET))
        return None

    @cached_property
    def value_functions(self) -> Mapping[str, ValueFunction]:
        """Every value function that this profile replaces, by criterion."""
        found = {name: self.value_function(name) for name in CRITERIA}
        return {name: function for name, function in found.items() if function is not None}

    def __eq__(self, other: object) -> bool:
        """Tell whether another profile asks for the same; what is cached does not count."""
        return isinstance(other, Profile) and self.model_dump() == other.model_dump()

    __hash__ = None  # type: ignore[assignment]

    def as_dict(self) -> dict[str, Any]:
        """Return what was chosen, without the defaults, in plain types."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude_none=True)

    def to_toml(self) -> str:
        """Return the profile as TOML, ready to edit."""
        full = self.model_dump(mode="json", exclude_none=True)
        document = tomlkit.document()
        for key, value in full.items():
            if value not in ({}, ""):
                document[key] = value
        return tomlkit.dumps(document)


def _known(name: str) -> Any:
    try:
        return criterion_named(name)
    except GeoMatcherError as error:
        raise ValueError(str(error)) from None


def normalised(points: FloatArray) -> FloatArray:
    """Bring non-negative numbers to a sum of 1.

    Raises
    ------
    WeightError
        If one is negative or not finite, or all are zero.
    """
    if not np.isfinite(points).all() or (points < 0).any() or not points.sum() > 0:
        raise WeightError(
            f"weights {points.tolist()}: expected finite numbers, none negative, at least one "
            "above zero"
        )
    return np.asarray(points / points.sum())


def expectation(message: str) -> str:
    """Return what a validator says as what was expected: "expected at most 500".

    Parameters
    ----------
    message
        For instance "Input should be less than or equal to 500".
    """
    plain = _SHOULD.sub("expected ", message)
    for said, shorter in (
        ("greater than or equal to", "at least"),
        ("less than or equal to", "at most"),
    ):
        plain = plain.replace(said, shorter)
    return f"{plain[0].lower()}{plain[1:]}"


_SHOULD = re.compile(r"^(Input|String|List|Value|Data|Dictionary|Tuple) should (be|have|match) ")


def profile_problems(error: ValidationError) -> tuple[str, ...]:
    """Return what pydantic found as sentences: where, what was found, what was expected."""
    sentences = []
    for detail in error.errors(include_url=False):
        where = ".".join(str(part) for part in detail["loc"]) or "profile"
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            known = ", ".join(Profile.model_fields)
            message = f"unknown key (known keys of a profile: {known})"
        elif detail["type"] == "string_pattern_mismatch":
            found = str(detail["input"])[:60]
            message = f"found {found!r}; expected an INSEE code of 5 characters, such as 44109"
        elif detail["type"] not in {"missing", "value_error"}:
            message = f"found {str(detail['input'])[:60]!r}; {expectation(message)}"
        sentences.append(f"{where}: {message}")
    return tuple(sentences)


def parse_profile(data: Mapping[str, Any]) -> Profile:
    """Check plain data and return a profile.

    Raises
    ------
    ProfileError
        If a key is unknown or a value impossible; all problems are listed.
    """
    try:
        return Profile.model_validate(data)
    except ValidationError as error:
        problems = profile_problems(error)
        raise ProfileError("The profile was refused: " + "; ".join(problems), problems) from None


def read_profile(path: Path) -> Profile:
    """Read a profile from a TOML or a JSON file.

    Raises
    ------
    ProfileError
        If the file cannot be read, is too large, is neither, or holds no usable profile.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ProfileError(
                f"{path} has {size:,} bytes; a profile has at most {MAX_FILE_BYTES:,}. "
                "Check that this is the right file."
            )
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror}). Give a profile in TOML or JSON."
        raise ProfileError(message) from None
    except UnicodeDecodeError:
        raise ProfileError(f"{path} is not UTF-8 text. Save it as UTF-8 and try again.") from None
    try:
        data = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
        hint = "`geo-matcher profile show NAME` prints a valid one"
        message = f"{path} is not valid {kind}: {error}. {hint}."
        raise ProfileError(message) from None
    if not isinstance(data, dict):
        raise ProfileError(f"{path} holds {type(data).__name__}, expected an object with keys.")
    try:
        return parse_profile(data)
    except ProfileError as error:
        problems = error.problems
        message = f"The profile {path} was refused: " + "; ".join(problems)
        raise ProfileError(message, problems) from None
