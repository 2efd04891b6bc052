"""What Hypothesis draws from: every profile that the schema accepts."""

from __future__ import annotations

from functools import cache
from operator import itemgetter
from typing import Any

from hypothesis import strategies as st

from geo_matcher.criteria import CRITERIA, FAMILIES, VILLAGE_SIZES, Criterion, Direction, Importance
from geo_matcher.destinations import HUB_CITIES
from geo_matcher.profile import CITIES, SECTORS, Profile, parse_profile

IMPORTANCES = st.sampled_from([importance.value for importance in Importance])
SOME_IMPORTANCE = st.sampled_from(["a_little", "important", "indispensable"])


PLAIN_FIELDS = st.fixed_dictionaries(
    {
        "track": st.sampled_from(["solo", "cultura"]),
        "sector": st.sampled_from(SECTORS),
        "origin_city": st.sampled_from(CITIES),
        "origin_commune": st.none() | st.sampled_from(["44109", "2A004", "32013"]),
        "work_mode": st.sampled_from(["home", "coworking", "client_visits"]),
        "client_city": st.none() | st.sampled_from(list(HUB_CITIES)),
        "children_ages": st.lists(st.integers(0, 25), max_size=4),
        "tenure": st.sampled_from(["buy", "rent"]),
        "budget_eur": st.none() | st.floats(100, 1_000_000),
        "surface_m2": st.floats(10, 1000),
        "village_size": st.none() | st.sampled_from(list(VILLAGE_SIZES)),
        "importance": st.dictionaries(st.sampled_from(list(FAMILIES)), IMPORTANCES),
    }
)
SOME_CRITERIA = st.lists(st.sampled_from(list(CRITERIA.values())), max_size=3, unique=True)
WHAT_MATTERS = st.sampled_from([(c.family, c.name) for c in CRITERIA.values()])
BOOLEANS = st.booleans()
UNIT = st.floats(0, 1).map(lambda value: round(value, 3))


# Strategies are made once for each criterion: making one takes as long as drawing from it.
@cache
def figures(criterion: Criterion) -> st.SearchStrategy[float]:
    """Return plausible raw figures of a criterion, on and around its breakpoints."""
    points = [figure for figure, _ in criterion.value_function.breakpoints]
    low, high = criterion.unit.domain
    wide = st.floats(max(low, points[0] / 2), min(high, points[-1] * 1.5), allow_subnormal=False)
    return st.one_of(wide, st.sampled_from(points)).map(lambda x: round(x, 4))


@cache
def breakpoints(criterion: Criterion) -> st.SearchStrategy[list[list[float]]]:
    """Return value functions that follow the direction of a criterion."""
    points = st.tuples(figures(criterion), UNIT)

    def ordered(found: list[tuple[float, float]]) -> list[list[float]]:
        xs, values = (sorted(column) for column in zip(*found, strict=True))
        if criterion.direction is Direction.TARGET:
            values = [value for _, value in found]
        elif criterion.direction is Direction.DECREASING:
            values.reverse()
        return [list(point) for point in zip(xs, values, strict=True)]

    return st.lists(points, min_size=2, max_size=5, unique_by=itemgetter(0)).map(ordered)


@cache
def limits(criterion: Criterion) -> st.SearchStrategy[dict[str, float]]:
    """Return possible limits on a criterion."""

    def limit(drawn: tuple[float, float, tuple[str, ...]]) -> dict[str, float]:
        low, high = sorted(drawn[:2])
        ends = {"at_least": low, "at_most": high}
        return {end: ends[end] for end in drawn[2]}

    ends = st.sampled_from([("at_most",), ("at_least",), ("at_least", "at_most")])
    return st.tuples(figures(criterion), figures(criterion), ends).map(limit)


@st.composite
def profile_data(draw: st.DrawFn, with_limits: bool = True) -> dict[str, Any]:
    """Draw the fields of a profile, in plain types."""
    data: dict[str, Any] = draw(PLAIN_FIELDS)
    if data["origin_commune"]:
        data["origin_city"] = "other"
    # Something must matter: one family, and one criterion in it.
    family, criterion = draw(WHAT_MATTERS)
    data["importance"][family] = draw(SOME_IMPORTANCE)
    choices: dict[str, Any] = {criterion: {"importance": draw(SOME_IMPORTANCE)}}
    for other in draw(SOME_CRITERIA):
        choice = choices.setdefault(other.name, {})
        if draw(BOOLEANS):
            choice["breakpoints"] = draw(breakpoints(other))
        else:
            choice.setdefault("importance", draw(IMPORTANCES))
    data["criteria"] = choices
    if with_limits:
        data["limits"] = {other.name: draw(limits(other)) for other in draw(SOME_CRITERIA)}
    return data


def profiles(with_limits: bool = True) -> st.SearchStrategy[Profile]:
    """Return profiles, with or without hard limits."""
    return profile_data(with_limits).map(parse_profile)
