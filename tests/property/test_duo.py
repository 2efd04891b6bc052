"""What :mod:`geo_matcher.duo` promises of any two people, on the shipped release."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geo_matcher.duo import Duo, duo
from geo_matcher.matching import NAMES, rank
from geo_matcher.presets import preset_named
from geo_matcher.profile import Profile
from geo_matcher.territory import SCOPES, Territory
from tests.property.strategies import profiles

SCOPE = st.sampled_from(SCOPES)
PEOPLE = profiles()
FEW = settings(max_examples=10)
FAMILY, CONSULTANT = (
    preset_named(name).profile for name in ("paris-web-family", "toulouse-consultant")
)
OTHER = {"first": "second", "second": "first"}


def mirrored(told: Any) -> Any:
    """Exchange the two people everywhere in a plain answer."""
    if isinstance(told, list):
        return [mirrored(part) for part in told]
    if not isinstance(told, dict):
        return told
    swapped: dict[str, Any] = {}
    for key, value in told.items():
        head, _, side = key.rpartition("_")
        new = f"{head}_{OTHER[side]}" if head and side in OTHER else OTHER.get(key, key)
        swapped[str(new)] = OTHER[value] if key == "of" else mirrored(value)
    if "difference" in swapped:
        swapped["difference"] = -swapped["difference"]
    if "limits" in swapped:  # the same limit of both stands as "first" then "second"
        swapped["limits"].sort(key=lambda x: (NAMES.index(x["criterion"]), str(x)))
    return swapped


def close(told: Any, other: Any) -> bool:
    """Compare two plain answers; figures may differ in their last digits."""
    if isinstance(told, dict) and isinstance(other, dict):
        return told.keys() == other.keys() and all(close(told[k], other[k]) for k in told)
    if isinstance(told, list) and isinstance(other, list):
        return len(told) == len(other) and all(map(close, told, other))
    if isinstance(told, float) and isinstance(other, float):
        return told == pytest.approx(other, rel=1e-9, abs=1e-9)
    return bool(told == other)


@contextmanager
def only(eligible: set[int]) -> Iterator[None]:
    """Let the scope hold these communes and no other while the block runs."""
    mask = np.isin(np.arange(458), list(eligible))
    with mock.patch.object(Territory, "in_scope", return_value=mask):
        yield


def pareto(found: Duo) -> dict[str, bool]:
    return {village.insee_code: village.pareto for village in found.villages}


@FEW
@given(first=PEOPLE, second=PEOPLE, scope=SCOPE)
@example(first=FAMILY, second=CONSULTANT, scope="partners")
def test_exchanging_the_two_exchanges_the_answer(
    territory: Territory, first: Profile, second: Profile, scope: str
) -> None:
    told = duo(territory, first, second, scope).as_dict()
    other = duo(territory, second, first, scope).as_dict()
    json.dumps(told, allow_nan=False)
    again = mirrored(told)
    for way in (*other["ways_out"], *again["ways_out"]):
        way["limits"].sort(key=lambda x: (NAMES.index(x["criterion"]), str(x)))
    assert close(again, other)


@FEW
@given(person=PEOPLE, scope=SCOPE)
def test_two_people_who_ask_the_same_get_the_ranking_itself(
    territory: Territory, person: Profile, scope: str
) -> None:
    found = duo(territory, person, person, scope)
    ranking = rank(territory, person, scope)
    assert [v.insee_code for v in found.villages] == [
        territory.codes[row] for row in ranking.order.tolist()
    ]
    assert [v.place for v in found.villages] == ranking.ranks.tolist()
    assert found.oppositions == ()
    assert found.family_gaps == ()
    assert [c for c in found.clashes if c.impossible] == []
    if found.compromise is not None:
        assert found.compromise.larger_regret == pytest.approx(0, abs=1e-9)
        best = ranking.score[ranking.order[0]]
        for village in found.villages:
            assert village.pareto == (village.score_first >= best - 1e-9)
    if found.agreement is not None:
        assert found.agreement == pytest.approx(1)


@FEW
@given(first=PEOPLE, second=PEOPLE, scope=SCOPE)
def test_rows_hold_what_two_rankings_say(
    territory: Territory, first: Profile, second: Profile, scope: str
) -> None:
    found = duo(territory, first, second, scope)
    one, two = (
        {result["insee_code"]: result for result in rank(territory, person, scope).results()}
        for person in (first, second)
    )
    assert {village.insee_code for village in found.villages} == one.keys() & two.keys()
    assert (found.accepted_first, found.accepted_second) == (len(one), len(two))
    best = [max((r["score"] for r in each.values()), default=0) for each in (one, two)]
    points = [(v.score_first, v.score_second) for v in found.villages]
    for village in found.villages:
        mine, theirs = one[village.insee_code], two[village.insee_code]
        assert (village.score_first, village.score_second) == (mine["score"], theirs["score"])
        assert (village.rank_first, village.rank_second) == (mine["rank"], theirs["rank"])
        assert village.unverified_first == tuple(mine["unverified_limits"])
        regrets = best[0] - mine["score"], best[1] - theirs["score"]
        assert (village.regret_first, village.regret_second) == pytest.approx(regrets, abs=1e-9)
        assert village.larger_regret == max(village.regret_first, village.regret_second) >= 0
        a, b = village.score_first, village.score_second
        beaten = any(
            x >= a - 1e-9 and y >= b - 1e-9 and (x > a + 1e-9 or y > b + 1e-9) for x, y in points
        )
        assert village.pareto == (not beaten)
    keys = [(v.larger_regret, v.regret_first + v.regret_second) for v in found.villages]
    for before, after in itertools.pairwise(keys):
        assert before[0] <= after[0] + 1e-9
        assert before[0] < after[0] - 1e-9 or before[1] <= after[1] + 3e-9
    if found.compromise is not None:
        assert found.compromise.pareto


@FEW
@given(
    first=PEOPLE,
    second=PEOPLE,
    some=st.sets(st.integers(0, 457), min_size=2, max_size=12),
    newcomer=st.integers(0, 457),
)
def test_a_newcomer_takes_from_the_front_only_those_that_it_beats(
    territory: Territory, first: Profile, second: Profile, some: set[int], newcomer: int
) -> None:
    with only(some - {newcomer}):
        before = pareto(duo(territory, first, second))
    with only(some | {newcomer}):
        after = duo(territory, first, second)
    rows = {village.insee_code: village for village in after.villages}
    new = rows.get(territory.codes[newcomer])
    for code, was in before.items():
        old = rows[code]
        beaten = (
            new is not None
            and new.score_first >= old.score_first - 1e-9
            and new.score_second >= old.score_second - 1e-9
            and max(new.score_first - old.score_first, new.score_second - old.score_second) > 1e-9
        )
        assert old.pareto == (was and not beaten)
