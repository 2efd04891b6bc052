"""What Hypothesis draws from: every profile that the schema accepts."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from geo_matcher.criteria import CRITERIA, FAMILIES, VILLAGE_SIZES, Criterion, Direction, Importance
from geo_matcher.destinations import HUB_CITIES
from geo_matcher.profile import CITIES, SECTORS, Profile, parse_profile

IMPORTANCES = st.sampled_from([importance.value for importance in Importance])
SOME_IMPORTANCE = st.sampled_from(["a_little", "important", "indispensable"])


def figures(criterion: Criterion) -> st.SearchStrategy[float]:
    """Return plausible raw figures of a criterion, on and around its breakpoints."""
    points = [figure for figure, _ in criterion.value_function.breakpoints]
    low, high = criterion.unit.domain
    wide = st.floats(max(low, points[0] / 2), min(high, points[-1] * 1.5), allow_subnormal=False)
    return st.one_of(wide, st.sampled_from(points)).map(lambda x: round(x, 4))


@st.composite
def breakpoints(draw: st.DrawFn, criterion: Criterion) -> list[list[float]]:
    """Draw a value function that follows the direction of a criterion."""
    xs = sorted(draw(st.sets(figures(criterion), min_size=2, max_size=5)))
    unit = st.floats(0, 1).map(lambda v: round(v, 3))
    values = draw(st.lists(unit, min_size=len(xs), max_size=len(xs)))
    if criterion.direction is not Direction.TARGET:
        values.sort(reverse=criterion.direction is Direction.DECREASING)
    return [list(point) for point in zip(xs, values, strict=True)]


@st.composite
def limits(draw: st.DrawFn, criterion: Criterion) -> dict[str, float]:
    """Draw a possible limit on a criterion."""
    low, high = sorted(draw(st.tuples(figures(criterion), figures(criterion))))
    return draw(
        st.sampled_from([{"at_most": high}, {"at_least": low}, {"at_least": low, "at_most": high}])
    )


@st.composite
def profile_data(draw: st.DrawFn, with_limits: bool = True) -> dict[str, Any]:
    """Draw the fields of a profile, in plain types."""
    some = st.lists(st.sampled_from(list(CRITERIA.values())), max_size=3, unique=True)
    data: dict[str, Any] = {
        "track": draw(st.sampled_from(["solo", "cultura"])),
        "sector": draw(st.sampled_from(SECTORS)),
        "origin_city": draw(st.sampled_from(CITIES)),
        "origin_commune": draw(st.none() | st.sampled_from(["44109", "2A004", "32013"])),
        "work_mode": draw(st.sampled_from(["home", "coworking", "client_visits"])),
        "client_city": draw(st.none() | st.sampled_from(list(HUB_CITIES))),
        "children_ages": draw(st.lists(st.integers(0, 25), max_size=4)),
        "tenure": draw(st.sampled_from(["buy", "rent"])),
        "budget_eur": draw(st.none() | st.floats(100, 1_000_000)),
        "surface_m2": draw(st.floats(10, 1000)),
        "village_size": draw(st.none() | st.sampled_from(list(VILLAGE_SIZES))),
        "importance": draw(st.dictionaries(st.sampled_from(list(FAMILIES)), IMPORTANCES)),
    }
    if data["origin_commune"]:
        data["origin_city"] = "other"
    # Something must matter: one family, and one criterion in it.
    family, criterion = draw(st.sampled_from([(c.family, c.name) for c in CRITERIA.values()]))
    data["importance"][family] = draw(SOME_IMPORTANCE)
    choices: dict[str, Any] = {criterion: {"importance": draw(SOME_IMPORTANCE)}}
    for other in draw(some):
        choice = choices.setdefault(other.name, {})
        if draw(st.booleans()):
            choice["breakpoints"] = draw(breakpoints(other))
        else:
            choice.setdefault("importance", draw(IMPORTANCES))
    data["criteria"] = choices
    if with_limits:
        data["limits"] = {other.name: draw(limits(other)) for other in draw(some)}
    return data


def profiles(with_limits: bool = True) -> st.SearchStrategy[Profile]:
    """Return profiles, with or without hard limits."""
    return profile_data(with_limits).map(parse_profile)
