"""The newcomers that an audit imagines: a whole population, drawn from stated shares.

Hides how a plausible profile is put together. The population is **assumed**, not surveyed: its
make-up is written in the tables below, each a list of choices with their share, drawn independently
of one another. A preset gives a newcomer's tastes (importances, track, trade, limits); everything
else about them is drawn again.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType

import numpy as np

from geo_matcher.criteria import FAMILIES, Importance
from geo_matcher.errors import ProfileError
from geo_matcher.presets import ARTIST, PRESETS, TRACK_ARTIST
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.territory_file import TerritoryFile
from geo_matcher.towns import LiveMapping

__all__ = [
    "DEFAULT_SEED",
    "DEFAULT_SIZE",
    "MAX_SIZE",
    "MIN_SIZE",
    "POPULATION",
    "MakeUp",
    "make_up",
    "newcomers",
    "population",
]

MIN_SIZE, MAX_SIZE = 10, 5_000
DEFAULT_SIZE, DEFAULT_SEED = 1_000, 2026

Shares = tuple[tuple[str, float], ...]

_SAME_EVERYWHERE: Mapping[str, Shares] = MappingProxyType(
    {
        "origin_city": (
            ("paris", 0.25),
            ("toulouse", 0.25),
            ("bordeaux", 0.12),
            ("lyon", 0.10),
            ("lille", 0.06),
            ("marseille", 0.06),
            ("montpellier", 0.06),
            ("other", 0.10),
        ),  # recorded for the adviser; it never changes a ranking
        # A retired couple is drawn without children whatever this table says.
        "household": (("none", 0.45), ("young", 0.20), ("school", 0.20), ("teenagers", 0.15)),
        "children": (("1", 0.45), ("2", 0.42), ("3", 0.13)),
        "work_mode": (("home", 0.45), ("coworking", 0.30), ("client_visits", 0.25)),
        "tenure": (("buy", 0.70), ("rent", 0.30)),
        "surface_m2": (("70", 0.20), ("100", 0.40), ("130", 0.30), ("160", 0.10)),
        # What the budget pays, in euros per m², or per m² and month; "none" says no budget.
        "buy_eur_m2": (
            ("1200", 0.15),
            ("1500", 0.25),
            ("1900", 0.25),
            ("2300", 0.20),
            ("none", 0.15),
        ),
        "rent_eur_m2_month": (("6", 0.20), ("7.5", 0.40), ("9", 0.25), ("none", 0.15)),
        "village_size": (
            ("none", 0.30),
            ("hamlet", 0.10),
            ("village", 0.30),
            ("bourg", 0.22),
            ("town", 0.08),
        ),
        # For each family: one word less, the preset's word, one word more.
        "importance_step": (("-1", 0.15), ("0", 0.70), ("1", 0.15)),
    }
)

_PRESET_SHARES: Mapping[str, float] = MappingProxyType(
    {
        "paris-web-family": 0.22,
        TRACK_ARTIST: 0.12,
        "retired-couple": 0.12,
        "lyon-trainer": 0.16,
        "bordeaux-shop-online": 0.18,
    }
)
"""Shares of the presets; what is left is for the consultant, where a big city is nearby."""

_ORDER = (
    "preset", "origin_city", "household", "children", "work_mode", "client_city", "tenure",
    "surface_m2", "buy_eur_m2", "rent_eur_m2_month", "village_size", "importance_step",
)  # fmt: skip


def _population(territory: TerritoryFile) -> Mapping[str, Shares]:
    found = dict(_SAME_EVERYWHERE)
    (first, *rest), total = PRESETS, sum(_PRESET_SHARES.values())
    known = {
        name: _PRESET_SHARES.get(TRACK_ARTIST if name == ARTIST else name, 1.0 - total)
        for name in (first, *rest)
    }
    whole = round(sum(known.values()), 9)
    found["preset"] = tuple((name, round(share / whole, 9)) for name, share in known.items())
    clients = sorted(territory.town, key=lambda town: -town.client_share)
    visited = [(town.key, town.client_share) for town in clients if town.client_share]
    nowhere = round(1.0 - sum(share for _, share in visited), 9)
    found["client_city"] = (("none", nowhere), *visited)
    return {table: found[table] for table in _ORDER}


POPULATION: LiveMapping[str, Shares] = LiveMapping(_population)
"""Assumed shares of each choice. They are assumptions to argue with, not the results of a survey:
what the network tells of its newcomers names trades, households and cities, with no counts."""

CHILDREN_AGES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"young": (0, 5), "school": (6, 11), "teenagers": (12, 17)}
)
"""Youngest and oldest age of the children of each household."""

CHILDLESS_PRESETS = frozenset({"retired-couple"})

LIMIT_HOUSEHOLDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "primary_school_min": frozenset({"young", "school"}),
        "college_min": frozenset({"school", "teenagers"}),
        "lycee_min": frozenset({"teenagers"}),
    }
)
"""Households that keep a preset's limit on a school; the others have no reason to set it."""

WORDS = tuple(Importance)
LEAST, MOST = WORDS.index(Importance.A_LITTLE), WORDS.index(Importance.INDISPENSABLE)

CUMULATED: LiveMapping[str, tuple[float, ...]] = LiveMapping(
    lambda _: {
        name: tuple(accumulate(share for _, share in rows)) for name, rows in POPULATION.items()
    }
)


def population(size: int = DEFAULT_SIZE, seed: int = DEFAULT_SEED) -> tuple[Profile, ...]:
    """Draw a population of plausible newcomers.

    Parameters
    ----------
    size
        How many, ``MIN_SIZE`` to ``MAX_SIZE``.
    seed
        Same seed, same newcomers; a smaller population is the beginning of a larger one.

    Raises
    ------
    ProfileError
        If the size or the seed is out of range.
    """
    return tuple(profile for profile, _ in newcomers(size, seed))


def newcomers(size: int, seed: int) -> list[tuple[Profile, list[tuple[str, str]]]]:
    """Return each newcomer with the choices that made them, as pairs (table, value).

    The arguments and the errors are those of :func:`population`.
    """
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise ProfileError(
            f"the population has {size} newcomers, expected {MIN_SIZE} to {MAX_SIZE:,}. "
            "Give a size in that range."
        )
    if seed < 0:
        raise ProfileError(f"seed is {seed}, expected 0 or more. Give another seed.")
    rng = np.random.default_rng(seed)
    return [_newcomer(rng, number) for number in range(1, size + 1)]


def _newcomer(rng: np.random.Generator, number: int) -> tuple[Profile, list[tuple[str, str]]]:
    chosen: list[tuple[str, str]] = []

    def draw(table: str) -> str:
        rows = POPULATION[table]
        place = bisect(CUMULATED[table], rng.random())
        value = rows[min(place, len(rows) - 1)][0]  # the last sum may fall short of 1 by rounding
        chosen.append((table, value))
        return value

    name = draw("preset")
    preset = PRESETS[name].profile
    origin = draw("origin_city")
    household = "none" if name in CHILDLESS_PRESETS else draw("household")
    ages: list[int] = []
    if household != "none":
        youngest, oldest = CHILDREN_AGES[household]
        ages = sorted(rng.integers(youngest, oldest + 1, int(draw("children"))).tolist())
    work_mode = draw("work_mode")
    client = draw("client_city") if work_mode == "client_visits" else "none"
    tenure, surface = draw("tenure"), float(draw("surface_m2"))
    price = draw({"buy": "buy_eur_m2", "rent": "rent_eur_m2_month"}[tenure])
    size = draw("village_size")
    limits = {
        criterion: limit.model_dump(exclude_none=True)
        for criterion, limit in preset.limits.items()
        if _keeps_limit(criterion, household, client)
    }
    profile = parse_profile(
        {
            "name": f"{name} {number}",
            "track": preset.track,
            "sector": preset.sector,
            "origin_city": origin,
            "work_mode": work_mode,
            "client_city": None if client == "none" else client,
            "children_ages": ages,
            "tenure": tenure,
            "budget_eur": None if price == "none" else float(price) * surface,
            "surface_m2": surface,
            "village_size": None if size == "none" else size,
            "importance": {
                family: _word(preset, family, int(draw("importance_step")))
                for family in FAMILIES
                if family != "children" or ages
            },
            "criteria": {key: choice.model_dump() for key, choice in preset.criteria.items()},
            "limits": limits,
        }
    )
    return profile, chosen


def _keeps_limit(criterion: str, household: str, client: str) -> bool:
    """Tell whether a preset's limit still makes sense for the household and the work drawn."""
    if criterion in LIMIT_HOUSEHOLDS:
        return household in LIMIT_HOUSEHOLDS[criterion]
    cities = {f"{city}_min" for city, _ in POPULATION["client_city"]}
    return criterion not in cities or criterion == f"{client}_min"


def _word(preset: Profile, family: str, step: int) -> Importance:
    """Return a preset's importance of a family moved by some words, never down to nothing."""
    word = preset.family_importance(family)
    if word is Importance.NOT_AT_ALL:
        word = FAMILIES[family].importance  # schools, for a household that has children now
    return WORDS[min(MOST, max(LEAST, WORDS.index(word) + step))]


@dataclass(frozen=True, slots=True)
class MakeUp:
    """One choice of the population: the share assumed and the share drawn.

    Both are shares of those for whom the table was drawn at all.
    """

    table: str
    value: str
    assumed: float
    drawn: float


def make_up(choices: Sequence[Sequence[tuple[str, str]]]) -> tuple[MakeUp, ...]:
    """Return the population as assumed and as drawn.

    Parameters
    ----------
    choices
        What :func:`newcomers` gives beside each profile.
    """
    drawn = Counter(choice for newcomer in choices for choice in newcomer)
    asked = Counter(table for newcomer in choices for table, _ in newcomer)
    return tuple(
        MakeUp(table, value, share, drawn[table, value] / max(1, asked[table]))
        for table, rows in POPULATION.items()
        for value, share in rows
    )
