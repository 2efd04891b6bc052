"""What :mod:`geo_matcher.duo_limits` promises of any two people, on the shipped release."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_matcher.duo import duo
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.territory import SCOPES, Territory
from tests.property.strategies import profiles

SCOPE = st.sampled_from(SCOPES)
PEOPLE = profiles()
FEW = settings(max_examples=10)


@FEW
@given(first=PEOPLE, second=PEOPLE, scope=SCOPE)
def test_a_limit_does_what_asking_without_it_shows(
    territory: Territory, first: Profile, second: Profile, scope: str
) -> None:
    found = duo(territory, first, second, scope)
    people = {"first": first, "second": second}
    for effect in (*found.limits_first, *found.limits_second):
        told = effect.limit
        data = people[told.of].model_dump(mode="json", exclude_none=True)
        word = "at_most" if told.is_maximum else "at_least"
        assert data["limits"][told.criterion].pop(word) == told.limit
        if not data["limits"][told.criterion]:
            del data["limits"][told.criterion]
        without = duo(territory, **(people | {told.of: parse_profile(data)}), scope=scope)
        assert effect.listed_without == len(without.villages)
        gained = len(without.villages) - len(found.villages)
        assert effect.excluded_by_it_alone == gained <= effect.excluded_of_other
        if without.compromise is None:
            assert effect.larger_regret_without is effect.price_points is None
            continue
        larger = without.compromise.larger_regret
        assert effect.larger_regret_without == pytest.approx(larger, abs=1e-9)
        if found.compromise is None:
            assert effect.price_points is None
        else:
            price = found.compromise.larger_regret - larger
            assert effect.price_points == pytest.approx(price, abs=1e-9)
    # When nothing is listed and one limit is enough, the best single ones are told first.
    freeing = [e for e in (*found.limits_first, *found.limits_second) if e.listed_without]
    if not found.villages and freeing:
        assert all(len(way.limits) == 1 for way in found.ways_out)
        assert found.ways_out[0].listed == max(e.listed_without for e in freeing)
        assert len(found.ways_out) == len(freeing)
    assert (found.ways_out == ()) == bool(found.villages)
