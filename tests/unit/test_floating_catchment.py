from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geo_matcher.errors import DataError
from geo_matcher.floating_catchment import BANDS, Band, floating_catchment


def town(seed: int, origins: int = 40, places: int = 7) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    minutes = rng.uniform(0, 60, (origins, places))
    minutes[rng.random(minutes.shape) < 0.05] = np.inf
    return minutes, rng.integers(30, 4000, origins).astype(float), rng.uniform(0.5, 30, places)


def test_one_place_and_two_villages_by_hand() -> None:
    """100 people at 5 min count whole, 50 at 15 min count 0.68: 134 share 10 desks."""
    found = floating_catchment([[5.0], [15.0], [31.0]], [100, 50, 900], [10])
    ratio = 10 / (100 + 0.68 * 50)
    assert found.ratio.tolist() == pytest.approx([ratio])
    assert found.per_person.tolist() == pytest.approx([ratio, 0.68 * ratio, 0.0])
    assert found.reached == 10
    assert found.demand.tolist() == pytest.approx([134.0])


def test_the_end_of_a_band_is_in_it() -> None:
    found = floating_catchment([[10.0], [20.0], [30.0]], [1, 1, 1], [1])
    assert found.per_person / found.per_person[0] == pytest.approx([1, 0.68, 0.22])


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_lost_or_made(seed: int) -> None:
    minutes, people, supply = town(seed)
    minutes[:, 0] = np.inf  # reaches nobody
    found = floating_catchment(minutes, people, supply)
    assert found.reached == pytest.approx(supply[1:].sum())
    assert found.per_person @ people == pytest.approx(found.reached, rel=1e-12)
    assert np.isnan(found.ratio[0])


def test_more_people_leave_less_for_each_and_more_places_more() -> None:
    minutes, people, supply = town(3)
    before = floating_catchment(minutes, people, supply).per_person
    crowded = floating_catchment(minutes, people * 2, supply).per_person
    assert crowded == pytest.approx(before / 2)
    richer = floating_catchment(minutes, people, supply + 1).per_person
    assert (richer >= before).all()


# The library sets indexes in place, which pandas 4 will no longer allow.
@pytest.mark.filterwarnings("ignore:The inplace keyword")
def test_it_is_what_the_library_access_computes_on_the_same_numbers() -> None:
    access = pytest.importorskip("access", reason="The library access is not installed.")
    minutes, people, supply = town(8)
    origin, place = np.nonzero(minutes <= BANDS[-1].up_to_min)
    cost = pd.DataFrame({"origin": origin, "dest": place, "cost": minutes[origin, place]})
    demand = pd.DataFrame({"geoid": np.arange(len(people)), "people": people})
    supplied = pd.DataFrame({"geoid": np.arange(len(supply)), "desks": supply})
    peer = access.Access(
        demand_df=demand,
        demand_index="geoid",
        demand_value="people",
        supply_df=supplied,
        supply_index="geoid",
        supply_value=["desks"],
        cost_df=cost,
        cost_origin="origin",
        cost_dest="dest",
        cost_name="cost",
        neighbor_cost_df=pd.DataFrame({"origin": [0], "dest": [0], "cost": [0.0]}),
        neighbor_cost_origin="origin",
        neighbor_cost_dest="dest",
        neighbor_cost_name="cost",
    )
    steps = access.weights.step_fn({band.up_to_min: band.weight for band in BANDS})
    theirs = peer.enhanced_two_stage_fca(
        name="shared", cost="cost", max_cost=BANDS[-1].up_to_min, weight_fn=steps
    )["shared_desks"]
    ours = floating_catchment(minutes, people, supply).per_person
    assert theirs.reindex(range(len(people))).fillna(0).to_numpy() == pytest.approx(ours)


@pytest.mark.parametrize(
    ("minutes", "people", "supply", "bands", "told"),
    [
        ([[1.0, 2.0]], [1], [1], BANDS, "minutes are 1 × 2"),
        ([[1.0]], [-1], [1], BANDS, "people must be 0 or more"),
        ([[np.nan]], [1], [1], BANDS, "minutes must be 0 or more, none missing"),
        ([[1.0]], [1], [np.nan], BANDS, "supply must be 0 or more"),
        ([[1.0]], [1], [1], (), "bands must end at rising minutes"),
        ([[1.0]], [1], [1], (Band(20, 1), Band(10, 0.5)), "rising minutes"),
        ([[1.0]], [1], [1], (Band(20, 2),), "between 0 and 1"),
    ],
)
def test_what_does_not_fit_is_refused(
    minutes: list[list[float]],
    people: list[float],
    supply: list[float],
    bands: tuple[Band, ...],
    told: str,
) -> None:
    with pytest.raises(DataError, match=told):
        floating_catchment(minutes, people, supply, bands=bands)
