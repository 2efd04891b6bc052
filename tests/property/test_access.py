from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_matcher.access import ROAD_FACTOR, SPEED_KMH, TownHallNetwork, access_minutes
from geo_matcher.territory import Territory

CODES = [f"320{i:02d}" for i in range(10)]
Network = tuple[pd.DataFrame, pd.DataFrame]


@st.composite
def networks(draw: st.DrawFn, populations: st.SearchStrategy[int]) -> Network:
    pairs = [(a, b) for i, a in enumerate(CODES) for b in CODES[i + 1 :]]
    chosen = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=20, unique=True))
    length_km = st.just(0.0) | st.floats(0.1, 30)
    rows = [(a, b, draw(length_km)) for a, b in chosen]
    halls = pd.DataFrame({"insee_code": CODES, "population": [draw(populations) for _ in CODES]})
    return halls, pd.DataFrame(rows, columns=["a", "b", "straight_km"])


ANY = networks(st.sampled_from([100, 50_000]))
SOURCES = st.sets(st.sampled_from(CODES), min_size=1, max_size=4)


def reference(halls: pd.DataFrame, pairs: pd.DataFrame) -> nx.Graph:
    """Return the same network as a networkx graph, with minutes on its edges."""
    towns = set(halls.loc[halls["population"] >= 20_000, "insee_code"])
    graph = nx.Graph()
    graph.add_nodes_from(halls["insee_code"])
    for a, b, straight_km in pairs[["a", "b", "straight_km"]].to_numpy().tolist():
        speed = SPEED_KMH[(a in towns) + (b in towns)]
        graph.add_edge(a, b, minutes=straight_km * ROAD_FACTOR / speed * 60)
    return graph


def slowly(graph: nx.Graph, sources: set[str]) -> dict[str, dict[str, float]]:
    """Return minutes from each source to each node, one Dijkstra per origin."""
    return {s: nx.single_source_dijkstra_path_length(graph, s, weight="minutes") for s in sources}


@given(network=ANY, sources=SOURCES)
def test_one_search_from_all_sources_equals_one_search_from_each(
    network: Network, sources: set[str]
) -> None:
    found = TownHallNetwork.from_tables(*network).nearest(sources)
    minutes = slowly(reference(*network), sources)
    for i, code in enumerate(CODES):
        best = min((minutes[s].get(code, np.inf) for s in sources), default=np.inf)
        assert found.minutes[i] == pytest.approx(best)
        if np.isinf(best):
            assert (found.source[i], found.road_km[i]) == (-1, np.inf)
        else:
            named = CODES[found.source[i]]
            assert named in sources
            assert minutes[named][code] == pytest.approx(best)


@given(network=networks(st.just(100)), sources=SOURCES)
def test_between_villages_the_road_is_as_long_as_60_km_h_make_it(
    network: Network, sources: set[str]
) -> None:
    found = TownHallNetwork.from_tables(*network).nearest(sources)
    np.testing.assert_allclose(found.road_km, found.minutes, rtol=1e-9, atol=1e-9)


@given(network=ANY, sources=SOURCES)
def test_the_road_is_as_long_as_some_speed_of_the_model_makes_it(
    network: Network, sources: set[str]
) -> None:
    found = TownHallNetwork.from_tables(*network).nearest(sources)
    reached = np.isfinite(found.minutes)
    minutes, road_km = found.minutes[reached], found.road_km[reached]
    assert (road_km <= minutes / 60 * max(SPEED_KMH) + 1e-9).all()
    assert (road_km >= minutes / 60 * min(SPEED_KMH) - 1e-9).all()


@given(network=ANY, sources=SOURCES, more=SOURCES)
def test_another_source_never_makes_the_nearest_farther(
    network: Network, sources: set[str], more: set[str]
) -> None:
    built = TownHallNetwork.from_tables(*network)
    assert (built.nearest(sources | more).minutes <= built.nearest(sources).minutes).all()


@given(network=ANY, sources=SOURCES, seed=st.integers(0, 999))
def test_the_order_of_the_tables_does_not_matter(
    network: Network, sources: set[str], seed: int
) -> None:
    halls, pairs = network
    shuffled = (halls.sample(frac=1, random_state=seed), pairs.sample(frac=1, random_state=seed))
    turned = shuffled[1].rename(columns={"a": "b", "b": "a"})
    before = TownHallNetwork.from_tables(halls, pairs).nearest(sources)
    after = TownHallNetwork.from_tables(shuffled[0], turned).nearest(sources)
    np.testing.assert_array_equal(after.minutes, before.minutes)


@given(areas=st.lists(st.floats(0, 1000), min_size=2))
def test_a_larger_commune_takes_longer_to_leave(areas: list[float]) -> None:
    minutes = access_minutes(np.sort(areas))
    assert (np.diff(minutes) >= 0).all()


def test_on_the_whole_network_too_one_search_equals_one_from_each(territory: Territory) -> None:
    halls, pairs = territory.tables["town_halls"], territory.tables["adjacency"]
    places = territory.places
    sources = set(places.loc[places["kind"] == "lycee", "insee_code"])
    network = TownHallNetwork.from_tables(halls, pairs)
    found = network.nearest(sources)
    minutes = slowly(reference(halls, pairs), sources)
    best = [min(from_one.get(code, np.inf) for from_one in minutes.values())
            for code in network.codes]  # fmt: skip
    assert len(sources) == 10
    np.testing.assert_allclose(found.minutes, best)
