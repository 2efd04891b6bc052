"""What a planner may build, what it costs, what counts and which rules hold: a scenario.

Hides the file format, how amounts are written by people, and how a scenario of a few lines is laid
over the one that ships (``assets/scenario.toml``). Unknown keys are refused; what is wrong is told
all at once. A scenario is checked against a release, whose communes and EPCI it names.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from geo_matcher.errors import ScenarioError
from geo_matcher.profile import expectation
from geo_matcher.scenario_checks import contradictions, resolve
from geo_matcher.territory import Territory

__all__ = [
    "Action",
    "Amount",
    "Assumption",
    "Cap",
    "Cost",
    "Decided",
    "Exclude",
    "Exclusive",
    "Floor",
    "Funding",
    "Kind",
    "Precedence",
    "Robust",
    "Scenario",
    "Source",
    "Weights",
    "parse_scenario",
    "read_amount",
    "read_scenario",
    "shipped_scenario",
]

MAX_FILE_BYTES = 200_000
MAX_AMOUNT_EUR = 1e11
MAX_ROWS = 500
"""Rules of one sort that a scenario may hold."""

_AMOUNT = re.compile(r"(?P<number>\d+(?:[.,]\d+)?)(?P<unit>k|m|md)?(?:€|eur|euros?)?")
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(€|eur|euros?)?")
_TIMES = {None: 1.0, "k": 1e3, "m": 1e6, "md": 1e9}

Kind = Literal["fibre", "wireless", "satellite", "mobile", "work_place"]
PER_PREMISES = ("fibre", "wireless", "satellite")
"""Kinds that serve premises one by one, and may be priced so."""


def read_amount(written: object) -> float:
    """Read an amount in euros as people write it: ``80M``, ``5 M€``, ``500k``, ``1 200 000``.

    Raises
    ------
    ScenarioError
        If it is not one, is negative, or is beyond what a scenario can hold.
    """
    expected = "expected an amount in euros such as 80M, 5 M€, 500k or 1 200 000"
    if isinstance(written, int | float) and not isinstance(written, bool):
        # A whole number in JSON may be longer than what a float can hold.
        amount = float(max(-1, min(written, 2 * MAX_AMOUNT_EUR)))
    elif isinstance(written, str):
        text = re.sub(r"[\s\u00a0\u202f']", "", written).casefold()
        if text.startswith("€"):
            text = text[1:]
        match = _AMOUNT.fullmatch(text)
        if _THOUSANDS.fullmatch(text):
            if text.count(",") == 1:  # 1,200: a thousand and two hundred, or one and a fifth?
                raise ScenarioError(f"found {written[:40]!r}, which reads two ways; {expected}.")
            amount = float(re.sub(r"\D", "", text))
        elif match is not None:
            amount = float(match["number"].replace(",", ".")) * _TIMES[match["unit"]]
        elif text.startswith(("-", "−")) and _AMOUNT.fullmatch(text[1:]):
            raise ScenarioError(f"found {written[:40]!r}, which is negative; {expected}.")
        else:
            raise ScenarioError(f"found {written[:40]!r}; {expected}.")
    else:
        raise ScenarioError(f"found {str(written)[:40]!r}; {expected}.")
    if math.isnan(amount) or amount < 0:
        raise ScenarioError(f"found {written!r}, which is negative or no number; {expected}.")
    if amount > MAX_AMOUNT_EUR:
        raise ScenarioError(f"found {str(written)[:40]!r}, more than 100 Md€; {expected}.")
    return amount


Amount = Annotated[float, BeforeValidator(read_amount)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=600, strip_whitespace=True)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """Where a cost was published."""

    title: Text
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$", max_length=400)]


class Assumption(_Strict):
    """Why a figure that nobody published was chosen."""

    reason_fr: Text
    reason_en: Text


class Weights(_Strict):
    """Points of each benefit; one premises brought to fibre is the yardstick."""

    premises_fibre: Weight
    premises_30mbit: Weight
    premises_equipped: Weight
    newcomers: Weight
    inhabitants_near_work: Weight
    inhabitants_mobile: Weight
    assumption: Literal[True] = True
    reason_fr: Text
    reason_en: Text


class Cost(_Strict):
    """A cost in euros, by commune or by premises, possibly for sparse communes only."""

    per: Literal["commune", "premises"]
    below_density_km2: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    low: Amount
    central: Amount
    high: Amount

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if not self.low <= self.central <= self.high:
            raise ValueError(
                f"found low {self.low:g}, central {self.central:g}, high {self.high:g}; expected "
                "them in rising order"
            )
        return self


class Funding(_Strict):
    """Who pays which share of an action; what exceeds a ceiling falls to the others."""

    payer: Label
    share: Share
    at_most_eur: Amount | None = None


class Action(_Strict):
    """Something that can be built in a commune."""

    name: Name
    kind: Kind
    label_fr: Label
    label_en: Label
    within_min: Annotated[float, Field(ge=1, le=60)] | None = None
    communes: list[str] | None = Field(None, max_length=40_000)
    cost: list[Cost] = Field(min_length=1, max_length=20)
    funding: list[Funding] = Field(default_factory=list, max_length=10)
    source: list[Source] = Field(default_factory=list, max_length=20)
    assumption: Assumption | None = None

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        for per in ("commune", "premises"):
            bounds = [row.below_density_km2 for row in self.cost if row.per == per]
            limits = [math.inf if bound is None else bound for bound in bounds]
            if bounds and (bounds[-1] is not None or sorted(set(limits)) != limits):
                raise ValueError(
                    f"costs per {per}: expected rising below_density_km2, the last one without"
                )
        if self.kind not in PER_PREMISES and any(row.per == "premises" for row in self.cost):
            raise ValueError(f"a {self.kind} is priced per commune, not per premises")
        if (self.kind == "work_place") != (self.within_min is not None):
            raise ValueError("within_min is needed for a work_place, and for nothing else")
        if self.kind == "mobile" and self.communes is None:
            raise ValueError("mobile coverage is not in the data: name the communes of the sites")
        if self.funding:
            total = sum(row.share for row in self.funding)
            if abs(total - 1) > 1e-6:
                raise ValueError(f"shares of funding add up to {total:g}, expected 1")
            if all(row.at_most_eur is not None for row in self.funding):
                raise ValueError("one payer at least must have no ceiling")
        if not self.source and self.assumption is None:
            raise ValueError("cite a source of the cost, or give an assumption with its reason")
        return self


class Floor(_Strict):
    """The least that must be done: for an EPCI (or each), or for every commune."""

    epci: str | None = None
    at_least_eur: Amount | None = None
    at_least_share_of_spending: Share | None = None
    at_least_share_of_need: Share | None = None
    at_least_coverage: Share | None = None
    measure: Literal["fibre", "land_30mbit"] = "fibre"

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        of_epci = [self.at_least_eur, self.at_least_share_of_spending, self.at_least_share_of_need]
        said = sum(bound is not None for bound in (*of_epci, self.at_least_coverage))
        if said != 1:
            raise ValueError(f"found {said} bounds, expected one; write one floor for each")
        if (self.at_least_coverage is None) != (self.epci is not None):
            raise ValueError("a floor of money or need names an epci, a floor of coverage does not")
        return self


class Cap(_Strict):
    """The most that may be spent or built, for an action, an EPCI or both."""

    action: Name | None = None
    epci: str | None = None
    at_most_eur: Amount | None = None
    at_most_communes: Annotated[int, Field(ge=0, le=100_000)] | None = None

    @model_validator(mode="after")
    def _bounds_something(self) -> Self:
        if self.action is None and self.epci is None:
            raise ValueError("name an action, an epci or both")
        if self.at_most_eur is None and self.at_most_communes is None:
            raise ValueError("give at_most_eur, at_most_communes or both")
        return self


class Exclude(_Strict):
    """What must not be built."""

    commune: str | None = None
    epci: str | None = None
    action: Name | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.commune is None and self.epci is None and self.action is None:
            raise ValueError("name a commune, an epci or an action")
        return self


class Decided(_Strict):
    """What is decided already; its cost counts in the budget unless it is paid elsewhere."""

    commune: str
    action: Name
    in_budget: bool = True


class Precedence(_Strict):
    """An action that is possible only with or after another in the same commune."""

    action: Name
    after: Name


class Exclusive(_Strict):
    """Actions of which a commune gets one at most."""

    actions: list[Name] = Field(min_length=2, max_length=20)


class Robust(_Strict):
    """How costs are drawn in the robust core."""

    shared: Annotated[float, Field(ge=0, le=1)]
    assumption: Literal[True] = True
    reason_fr: Text
    reason_en: Text


class Scenario(_Strict):
    """A whole scenario, checked against a release; communes and EPCI are codes."""

    name: Annotated[str, StringConstraints(max_length=80)] = ""
    budget: Amount
    count: Literal["mci", "cartefibre", "low", "high", "mean"] = "mci"
    served_within_min: Annotated[float, Field(ge=1, le=60)]
    weights: Weights
    action: list[Action] = Field(min_length=1, max_length=20)
    floor: list[Floor] = Field(default_factory=list, max_length=MAX_ROWS)
    cap: list[Cap] = Field(default_factory=list, max_length=MAX_ROWS)
    exclude: list[Exclude] = Field(default_factory=list, max_length=MAX_ROWS)
    decided: list[Decided] = Field(default_factory=list, max_length=MAX_ROWS)
    precedence: list[Precedence] = Field(default_factory=list, max_length=MAX_ROWS)
    exclusive: list[Exclusive] = Field(default_factory=list, max_length=MAX_ROWS)
    robust: Robust

    @cached_property
    def id(self) -> str:
        """Name of the scenario, derived from its content."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    @cached_property
    def actions(self) -> Mapping[str, Action]:
        """The actions by name."""
        return {action.name: action for action in self.action}

    def as_dict(self) -> dict[str, Any]:
        """Return the scenario in plain types."""
        return {"id": self.id, **self.model_dump(mode="json", exclude_none=True)}


ROWS: Mapping[str, type[BaseModel]] = {
    "floor": Floor,
    "cap": Cap,
    "exclude": Exclude,
    "decided": Decided,
    "precedence": Precedence,
    "exclusive": Exclusive,
}
"""The rules of a scenario, by table."""


@lru_cache(maxsize=1)
def shipped_scenario() -> str:
    """Return the scenario that ships, as TOML to edit."""
    return files("geo_matcher").joinpath("assets/scenario.toml").read_text(encoding="utf-8")


def parse_scenario(
    data: Mapping[str, Any], territory: Territory, *, budget: object = None
) -> Scenario:
    """Lay plain data over the shipped scenario and check the whole.

    Parameters
    ----------
    data
        What differs from the shipped scenario. An action of the same name is changed key by key;
        a new one must be complete; rules of one sort replace those that ship.
    territory
        The release whose communes and EPCI are named.
    budget
        Takes the place of the scenario's own; read as people write amounts.

    Raises
    ------
    ScenarioError
        If anything is wrong; all problems are listed.
    """
    raw = _laid_over(tomllib.loads(shipped_scenario()), data)
    if budget is not None:
        raw["budget"] = budget
    problems = resolve(raw, territory)
    scenario = None
    try:
        scenario = Scenario.model_validate(raw)
    except ValidationError as error:
        problems += _sentences(error, raw)
    problems += contradictions(
        {table: list(_valid_rows(raw, table)) for table in ROWS}, len(_epcis(territory))
    )
    if problems or scenario is None:
        raise ScenarioError("The scenario was refused: " + "; ".join(problems), problems)
    return scenario


def read_scenario(path: Path | None, territory: Territory, *, budget: object = None) -> Scenario:
    """Read a scenario from a TOML or a JSON file; the shipped one without a file.

    Raises
    ------
    ScenarioError
        If the file cannot be read, is too large, or holds no usable scenario.
    """
    if path is None:
        return parse_scenario({}, territory, budget=budget)
    hint = "`geo-matcher plan --show-scenario` prints a valid one"
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ScenarioError(
                f"{path} has {size:,} bytes; a scenario has at most {MAX_FILE_BYTES:,}. "
                "Check that this is the right file."
            )
        text = path.read_text(encoding="utf-8-sig")
        data = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ScenarioError(f"{path} cannot be read ({error.strerror}); {hint}.") from None
    except UnicodeDecodeError:
        raise ScenarioError(f"{path} is not UTF-8 text. Save it as UTF-8 and try again.") from None
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ScenarioError(f"{path} is not valid TOML or JSON: {error}; {hint}.") from None
    if not isinstance(data, dict):
        raise ScenarioError(f"{path} holds {type(data).__name__}, expected keys; {hint}.")
    return parse_scenario(data, territory, budget=budget)


def _epcis(territory: Territory) -> set[str]:
    return set(territory.communes["epci_code"])


def _laid_over(shipped: dict[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    given = copy.deepcopy(dict(data))
    for key in ("weights", "robust"):
        if isinstance(given.get(key), dict):
            given[key] = shipped[key] | given[key]
    if isinstance(given.get("action"), list):
        actions = {action["name"]: action for action in shipped["action"]}
        new = []
        for row in given["action"]:
            name = row.get("name") if isinstance(row, dict) else None
            known = actions.get(name) if isinstance(name, str) else None
            if known is None:
                new.append(row)
                continue
            if "cost" in row and not row.keys() & {"source", "assumption"}:
                known.pop("source", None)  # it told another cost
                known["assumption"] = {
                    "reason_fr": "Coût donné par l'auteur du scénario.",
                    "reason_en": "Cost given by the author of the scenario.",
                }
            known.update(row)
        given["action"] = [*actions.values(), *new]
    return shipped | given


def _valid_rows(raw: Mapping[str, Any], table: str) -> Iterator[Any]:
    """Yield the rows of a table that can be read, whatever is wrong with the others."""
    rows = raw.get(table, [])
    for row in rows if isinstance(rows, list) else []:
        try:
            yield ROWS[table].model_validate(row)
        except ValidationError:
            continue


def _sentences(error: ValidationError, raw: Mapping[str, Any]) -> list[str]:
    sentences = []
    for detail in error.errors(include_url=False):
        where = _where(detail["loc"], raw)
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            message = "unknown key; `geo-matcher plan --show-scenario` shows the known ones"
        elif detail["type"] not in {"missing", "value_error"}:
            message = f"found {str(detail['input'])[:60]!r}; {expectation(message)}"
        sentences.append(f"{where}: {message}".rstrip("."))
    return sentences


def _where(loc: tuple[int | str, ...], raw: Mapping[str, Any]) -> str:
    """Say where a fault is: rows are counted from 1, and actions are named."""
    parts = [str(part + 1) if isinstance(part, int) else part for part in loc]
    if len(loc) > 1 and loc[0] == "action" and isinstance(loc[1], int):
        row = raw["action"][loc[1]]
        if isinstance(row, dict) and isinstance(row.get("name"), str):
            parts[1] = row["name"][:40]
    return " ".join(parts) or "scenario"
