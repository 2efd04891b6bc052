"""The scenario form of planners: what an address asks, and how it is written back.

Hides how a few everyday answers become a scenario, and the words of what cannot be read. What is
left at its default stands in no address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from api.faults import MAX_QUERY_CHARS
from api.forms import DEFAULT_LANGUAGE, IMPORTANCE_WORDS, TRACKERS
from api.texts import translator
from geo_matcher.counterfactual import ACTIONS as LIFT_ACTIONS
from geo_matcher.errors import ScenarioError, UnknownCommuneError
from geo_matcher.numbers import LANGUAGES
from geo_matcher.scenario import read_amount
from geo_matcher.scenario_checks import find_epci
from geo_matcher.territory import Territory

__all__ = [
    "CAN_BE_LEFT_OUT",
    "COUNTS",
    "DEFAULTS",
    "FLOORS",
    "PATH",
    "PRESETS",
    "SORTS",
    "WEIGHTS",
    "PlanAsked",
    "PlanFault",
    "parse_plan_query",
    "scenario_data",
]

PATH = "/planification"

FLOORS = ("0", "10", "20", "30", "50")
"""Least share of its premises without fibre that each EPCI gets, in per cent."""

COUNTS = ("mci", "cartefibre", "low", "high", "mean")

WEIGHTS: Mapping[str, tuple[str, ...]] = {
    "w_fibre": ("premises_fibre",),
    "w_speed": ("premises_30mbit", "premises_equipped"),
    "w_newcomers": ("newcomers",),
    "w_work": ("inhabitants_near_work",),
}
"""Keys of the weights, and the benefits of the scenario that each stands for."""

TIMES: Mapping[str, float] = dict(zip(IMPORTANCE_WORDS, (0.0, 0.5, 1.0, 2.0), strict=True))
"""What a word makes of the points that the scenario gives: none, half, the same, double."""

SORTS = ("name", "epci", "action", "cost", "points", "premises", "ratio")
CAN_BE_LEFT_OUT = ("fibre", "fixed_wireless", "satellite_aid", "coworking", "telecentre")

DEFAULTS: Mapping[str, str] = {
    "budget": "5 M€",
    "floor": "0",
    "count": "mci",
    **dict.fromkeys(WEIGHTS, "important"),
    "exclude": "",
    "sort": "-points",
    "rows": "",
    "frontier": "",
    "robust": "",
    "lift": "",
    "site": "",
    "lang": DEFAULT_LANGUAGE,
}
"""Every key that is given once, and what it is worth unsaid; ``no`` may be given several times."""

ALLOWED: Mapping[str, tuple[str, ...]] = {
    "floor": FLOORS,
    "count": COUNTS,
    **dict.fromkeys(WEIGHTS, tuple(TIMES)),
    "sort": (*SORTS, *(f"-{name}" for name in SORTS)),
    "rows": ("", "all"),
    "frontier": ("", "1"),
    "robust": ("", "1"),
    "lift": ("", *LIFT_ACTIONS),
    "site": ("", "newcomers"),
    "lang": LANGUAGES,
}

ASKED = ("floor", "count", *WEIGHTS)
"""Fields whose question stands in the form."""

PRESETS: Mapping[str, Mapping[str, str]] = {
    "shipped": {},
    "fair": {"floor": "20"},
    "fibre": {
        "w_speed": "not_at_all", "w_newcomers": "not_at_all", "w_work": "not_at_all",
    },
    "welcome": {"w_newcomers": "indispensable", "w_work": "indispensable"},
}  # fmt: skip
"""Ready-made answers, for whatever budget."""

MAX_PLACES = 20
MAX_PLACE_CHARS = 80
MAX_EXCLUDE_CHARS = 600
MAX_BUDGET_CHARS = 60
MAX_SHOWN = 60


@dataclass(frozen=True, slots=True)
class PlanFault:
    """Something that cannot be read: the field, and a sentence."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class PlanAsked:
    """What an address asks.

    Attributes
    ----------
    fields
        Every key of ``DEFAULTS`` with its value as typed.
    left_out
        Actions that must not be built.
    language
        ``fr`` or ``en``.
    faults
        What cannot be read.
    """

    fields: Mapping[str, str]
    left_out: tuple[str, ...]
    language: str
    faults: tuple[PlanFault, ...]

    def query(self, **changes: str) -> str:
        """Return the query of this page with some keys changed, defaults left out."""
        fields = {**self.fields, **changes}
        pairs = [(key, fields[key]) for key in DEFAULTS if fields[key] != DEFAULTS[key]]
        pairs[len(pairs) - ("lang" in dict(pairs)) :] = [
            *(("no", name) for name in self.left_out),
            *((key, value) for key, value in pairs if key == "lang"),
        ]
        return urlencode(pairs)

    def href(self, fragment: str = "", *, path: str = PATH, **changes: str) -> str:
        """Return the address of this page with some keys changed."""
        query = self.query(**changes)
        return (f"{path}?{query}" if query else path) + (f"#{fragment}" if fragment else "")


def parse_plan_query(query: str, territory: Territory) -> PlanAsked:
    """Read the address of the page; what cannot be read is kept as typed, and told.

    Parameters
    ----------
    query
        The query string, still encoded.
    territory
        The release whose communes and EPCI are named.
    """
    pairs = parse_qsl(query[:MAX_QUERY_CHARS], keep_blank_values=True, max_num_fields=None)
    given = [(key, value.strip()) for key, value in pairs if not TRACKERS.fullmatch(key)]
    last = dict(given)
    language = last.get("lang", DEFAULT_LANGUAGE)
    language = language if language in LANGUAGES else DEFAULT_LANGUAGE
    t = translator(language)
    faults: list[PlanFault] = []
    if len(query) > MAX_QUERY_CHARS:
        faults.append(PlanFault("", t("plan.fault.long", most=MAX_QUERY_CHARS)))
    for key in dict.fromkeys(key for key, _ in given):
        if key not in DEFAULTS and key != "no":
            faults.append(PlanFault("", t("plan.fault.key", found=key[:MAX_SHOWN])))
    fields = {key: last.get(key, default) for key, default in DEFAULTS.items()}
    fields["budget"] = fields["budget"] or DEFAULTS["budget"]
    for key, words in ALLOWED.items():
        if fields[key] not in words:
            found = fields[key][:MAX_SHOWN]
            label = t(f"plan.form.{key}") if key in ASKED else key
            faults.append(PlanFault(key, t("plan.fault.choice", key=label, found=found)))
            fields[key] = DEFAULTS[key]
    left_out = tuple(dict.fromkeys(value for key, value in given if key == "no" and value))
    for name in left_out:
        if name not in CAN_BE_LEFT_OUT:
            found = name[:MAX_SHOWN]
            faults.append(
                PlanFault("no", t("plan.fault.choice", key=t("plan.form.no"), found=found))
            )
    left_out = tuple(name for name in CAN_BE_LEFT_OUT if name in left_out)
    faults += _budget_faults(fields["budget"], language)
    _, unknown = _places(fields["exclude"], territory, language)
    faults += unknown
    if all(fields[key] == "not_at_all" for key in WEIGHTS):
        faults.append(PlanFault("w_fibre", t("plan.fault.nothing_matters")))
    if len(left_out) == len(CAN_BE_LEFT_OUT):
        faults.append(PlanFault("no", t("plan.fault.nothing_left")))
    return PlanAsked(fields, left_out, language, tuple(faults))


def _budget_faults(written: str, language: str) -> list[PlanFault]:
    t = translator(language)
    if len(written) <= MAX_BUDGET_CHARS:
        try:
            read_amount(written)
        except ScenarioError as error:
            said = str(error)
        else:
            return []
    else:
        said = ""
    kind = "unreadable"
    for name, sign in (("negative", "negative"), ("two_ways", "two ways"), ("large", "more than")):
        kind = name if sign in said else kind
    return [PlanFault("budget", t(f"plan.fault.budget.{kind}", found=written[:MAX_SHOWN]))]


def _places(
    written: str, territory: Territory, language: str
) -> tuple[list[dict[str, str]], list[PlanFault]]:
    """Read the communes and EPCI that must get nothing."""
    t = translator(language)
    rows: list[dict[str, str]] = []
    faults: list[PlanFault] = []
    names = [part.strip() for part in re.split(r"[,;\n]", written) if part.strip()]
    if len(names) > MAX_PLACES or len(written) > MAX_EXCLUDE_CHARS:
        return [], [PlanFault("exclude", t("plan.fault.places", most=MAX_PLACES))]
    epcis = dict(zip(territory.communes["epci_code"], territory.communes["epci_name"], strict=True))
    for name in names:
        code = None
        if len(name) <= MAX_PLACE_CHARS:
            try:
                code = territory.find(name)
            except UnknownCommuneError:
                code = None
            if code is not None:
                rows.append({"commune": code})
                continue
            code = find_epci(name, epcis)
        if code is None:
            faults.append(PlanFault("exclude", t("plan.fault.place", found=name[:MAX_SHOWN])))
        else:
            rows.append({"epci": code})
    return rows, faults


def scenario_data(
    asked: PlanAsked, territory: Territory, points: Mapping[str, float]
) -> dict[str, Any]:
    """Return what differs from the shipped scenario, for :func:`scenario.parse_scenario`.

    Parameters
    ----------
    asked
        An address that could be read.
    territory
        The release whose communes and EPCI are named.
    points
        The points that the shipped scenario gives to each benefit.
    """
    fields = asked.fields
    data: dict[str, Any] = {}
    if fields["count"] != DEFAULTS["count"]:
        data["count"] = fields["count"]
    weights = {
        name: points[name] * TIMES[fields[key]]
        for key, names in WEIGHTS.items()
        for name in names
        if fields[key] != DEFAULTS[key]
    }
    if weights:
        data["weights"] = weights
    if fields["floor"] != "0":
        data["floor"] = [{"epci": "each", "at_least_share_of_need": int(fields["floor"]) / 100}]
    excluded, _ = _places(fields["exclude"], territory, asked.language)
    excluded += [{"action": name} for name in asked.left_out]
    if excluded:
        data["exclude"] = excluded
    return data
