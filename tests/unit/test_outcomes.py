from __future__ import annotations

import numpy as np
import pytest

from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.errors import DataError
from geo_matcher.matching import NAMES, rank
from geo_matcher.newcomers import population
from geo_matcher.outcomes import MIN_FILES, Outcome, learn, usable_outcomes
from geo_matcher.profile import parse_profile
from geo_matcher.territory import Territory

OFFERED = 5
FAMILY_OF = np.array([list(FAMILIES).index(CRITERIA[name].family) for name in NAMES])


def families(
    territory: Territory, count: int, seed: int, weight: dict[str, float]
) -> list[Outcome]:
    """Return invented families that choose by points, some families of criteria weighing more."""
    rng = np.random.default_rng(seed)
    factor = np.array([weight.get(name, 1.0) for name in FAMILIES])[FAMILY_OF]
    found = []
    for newcomer in population(count, seed=seed):
        points = rank(territory, newcomer, "all").points
        shown = rng.choice(len(territory.codes), OFFERED, replace=False)
        liking = points[shown] @ factor / 10 * 1.5
        odds = np.exp(liking - liking.max())
        chosen = int(rng.choice(shown, p=odds / odds.sum()))
        codes = tuple(territory.codes[row] for row in shown)
        found.append(Outcome(newcomer, territory.codes[chosen], codes))
    return found


def test_with_few_files_nothing_is_said(territory: Territory) -> None:
    found = learn(territory, families(territory, 10, 1, {}))
    assert (found.files, found.is_enough, found.families) == (10, False, ())
    assert (found.foretold, found.foretold_as_said) == (None, None)
    assert found.as_dict()["is_enough"] is False
    assert found.needed == MIN_FILES


def test_a_family_that_weighed_three_times_what_was_said_is_found(territory: Territory) -> None:
    found = learn(territory, families(territory, 300, 7, {"mobility": 4.0, "setting": 0.1}))
    by_name = {family.family: family for family in found.families}
    assert by_name["mobility"].verdict == "more"
    assert by_name["mobility"].factor == max(family.factor for family in found.families)
    assert by_name["mobility"].low <= by_name["mobility"].factor <= by_name["mobility"].high
    assert found.foretold is not None
    assert found.foretold_as_said is not None
    assert found.foretold > found.foretold_as_said > 0.5
    again = learn(territory, families(territory, 300, 7, {"mobility": 4.0, "setting": 0.1}))
    assert again == found


def test_people_who_weigh_as_they_said_are_mostly_left_in_peace(territory: Territory) -> None:
    found = learn(territory, families(territory, 120, 3, {}))
    assert sum(family.verdict == "unclear" for family in found.families) >= len(found.families) - 2
    assert found.foretold is not None
    assert found.foretold_as_said is not None
    assert found.foretold <= found.foretold_as_said + 0.05


def test_what_says_nothing_is_left_out(territory: Territory) -> None:
    profile = parse_profile({})
    kept = usable_outcomes(
        territory,
        [
            Outcome(profile, "32249", ("32249", "32013", "32013")),
            Outcome(profile, "32249", ("32249",)),
            Outcome(profile, "99999", ("32249", "32013")),
            Outcome(profile, "32249", ("99999", "32296")),
        ],
    )
    assert [one.offered for one in kept] == [("32013",), ("32296",)]
    with pytest.raises(DataError, match="5 files or more"):
        learn(territory, [], needed=2)
