"""Travel times on an invented road network of the real size, against networkx and pandana."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

from geo_matcher.road_areas import isochrone
from geo_matcher.road_network import RoadNetwork
from geo_matcher.tables import read_table
from tests.benchmarks.measure import Row, median_s
from tests.rural_graph import rural_roads

JUNCTIONS = 60_000
BOUNDS = (420_000.0, 6_220_000.0, 575_000.0, 6_370_000.0)
COMMUNES, KINDS, PLACES_OF_A_KIND = 458, 20, 100
MARGIN_M, LIMIT_M = 5_000.0, 3_000.0
CUTOFF_MIN = 30.0
HORIZON_MIN = 60.0
"""How far pandana looks, in minutes: it wants a limit. Ours has none."""
MEMORY_MB = 400


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds of one call and what it gave."""
    start = time.perf_counter()
    found = call()
    return time.perf_counter() - start, found


def peak_mb() -> float:
    """Return the most memory that this process has held so far.

    Where Linux tells it, the figure of the program itself is read: ``ru_maxrss`` would count what
    the process that started this one held.
    """
    status = Path("/proc/self/status")
    if status.is_file() and (told := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        return float(told[1]) * 1024 / 1e6
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def drawn_points() -> tuple[Any, Any]:
    """Return the positions of communes and, after them, of places."""
    rng = np.random.default_rng(0)
    left, bottom, right, top = BOUNDS
    count = COMMUNES + KINDS * PLACES_OF_A_KIND
    x = rng.uniform(left + MARGIN_M, right - MARGIN_M, count)
    y = rng.uniform(bottom + MARGIN_M, top - MARGIN_M, count)
    return x, y


OWN = np.arange(COMMUNES)
PLACES = [COMMUNES + k * PLACES_OF_A_KIND + np.arange(PLACES_OF_A_KIND) for k in range(KINDS)]


def load(folder: Path) -> RoadNetwork:
    """Read the roads and make their graph."""
    network = RoadNetwork.from_table(read_table(folder, "roads.parquet"))
    assert network.graph.size
    return network


def work(folder: Path) -> tuple[float, float]:
    """Do all that is measured, once; return the peak before and after, in MB."""
    before_mb = peak_mb()
    network = load(folder)
    x, y = drawn_points()
    placed = network.cut(network.snap(x, y, limit_m=LIMIT_M))
    found = [placed.nearest(OWN, of_kind) for of_kind in PLACES]
    matrix = placed.matrix(OWN, OWN)
    area = isochrone(placed, 0).within(CUTOFF_MIN)
    assert len(found) == KINDS
    assert matrix.minutes.shape == (COMMUNES, COMMUNES)
    assert not area.is_empty
    return before_mb, peak_mb()


def peak_of_a_process(folder: Path) -> tuple[float, float]:
    """Return the peaks of a process of its own that does all that is measured."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_access", str(folder)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    before_mb, after_mb = map(float, told.split()[-2:])
    return before_mb, after_mb


def pandana_nearest(
    roads: pd.DataFrame, x: Any, y: Any
) -> tuple[float, Callable[[int], Any]] | None:
    """Return pandana's preparation in seconds and its search for one kind; nothing without it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pandana
    except ImportError:
        print("pandana is not installed: its rows are left out.")
        return None
    ends = {"a": 0, "b": -1}
    at = {}
    for end, position in ends.items():
        points = [line.coords[position] for line in roads.geometry]
        at.update(dict(zip(roads[end], points, strict=True)))
    nodes = pd.DataFrame.from_dict(at, orient="index", columns=["x", "y"]).sort_index()
    arcs = pd.concat(
        [
            roads[["a", "b", "minutes_ab"]].set_axis(["from", "to", "minutes"], axis=1),
            roads[["b", "a", "minutes_ba"]].set_axis(["from", "to", "minutes"], axis=1),
        ]
    ).dropna()

    preparation_s, network = timed(
        lambda: pandana.Network(
            nodes["x"], nodes["y"], arcs["from"], arcs["to"], arcs[["minutes"]], twoway=False
        )
    )

    def search(kind: int) -> Any:
        first = COMMUNES + kind * PLACES_OF_A_KIND
        chosen = slice(first, first + PLACES_OF_A_KIND)
        network.set_pois(f"kind{kind}", HORIZON_MIN, 1, pd.Series(x[chosen]), pd.Series(y[chosen]))
        return network.nearest_pois(HORIZON_MIN, f"kind{kind}", num_pois=1)

    return preparation_s, search


def run() -> list[Row]:
    """Measure everything once on the same network."""
    roads = rural_roads(JUNCTIONS, BOUNDS, seed=1)
    degree = np.bincount(np.r_[roads["a"], roads["b"]])
    directed = int(roads[["minutes_ab", "minutes_ba"]].notna().to_numpy().sum())
    print(
        f"invented rural network: {len(degree):,} junctions, {directed:,} directed edges, "
        f"{degree.mean():.2f} streets a junction, {np.mean(degree == 1):.0%} dead ends, streets of "
        f"{roads['length_m'].mean():.0f} m on average (median {roads['length_m'].median():.0f} m)"
    )
    x, y = drawn_points()
    own, places = OWN, PLACES

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        roads.to_parquet(folder / "roads.parquet", index=False, compression="zstd")
        size_mb = (folder / "roads.parquet").stat().st_size / 1e6
        libraries_mb, whole_mb = peak_of_a_process(folder)
        load_s = median_s(lambda: load(folder), 3)
        network = load(folder)
    print(
        f"peak memory of a process that does it all once: {whole_mb:.0f} MB, of which "
        f"{libraries_mb:.0f} MB for Python and the libraries before anything is read"
    )
    print(f"roads.parquet: {size_mb:.1f} MB")
    prepare_s, placed = timed(lambda: network.cut(network.snap(x, y, limit_m=LIMIT_M)))
    kinds_s = median_s(lambda: [placed.nearest(own, of_kind) for of_kind in places], 3)
    matrix_s, _ = timed(lambda: placed.matrix(own, own))
    area_s = median_s(lambda: isochrone(placed, 0).within(CUTOFF_MIN), 5)

    matrix = placed.graph.minutes_back.tocoo()
    graph = nx.DiGraph()
    graph.add_weighted_edges_from(zip(matrix.row.tolist(), matrix.col.tolist(),
                                      matrix.data.tolist(), strict=True))  # fmt: skip
    sources = set(placed.node(places[0]).tolist())
    slow_s, slow = timed(lambda: nx.multi_source_dijkstra_path_length(graph, sources))
    found = placed.nearest(own, places[0]).minutes
    other = [slow.get(int(node), np.inf) for node in placed.node(own)]
    np.testing.assert_allclose(found, other, atol=1e-9)

    one_s = median_s(lambda: placed.nearest(own, places[0]), 5)
    rows = [
        Row("access, load the roads", load_s, "s", 1.0),
        Row("access, put 2,458 points on them", prepare_s, "s"),
        Row("access, nearest of 20 kinds", kinds_s, "s", 0.5),
        Row("access, one kind", one_s * 1e3, "ms", None, "networkx", slow_s * 1e3),
        Row("access, 458 × 458 minutes and km", matrix_s, "s", 8.0),
        Row("access, an isochrone of 30 min", area_s * 1e3, "ms", 100.0),
        Row("access, peak memory, libraries in", whole_mb, "MB"),
        Row("access, peak memory, roads and answers", whole_mb - libraries_mb, "MB", MEMORY_MB),
    ]
    if (peer := pandana_nearest(roads, x, y)) is not None:
        preparation_s, search = peer
        search_s, _ = timed(lambda: search(0))
        rows.append(
            Row(
                "access, one kind, all preparation in",
                one_s + prepare_s,
                "s",
                None,
                "pandana",
                preparation_s + search_s,
            )
        )
        rows.append(Row("access, one kind", one_s * 1e3, "ms", None, "pandana", search_s * 1e3))
    return rows


if __name__ == "__main__":
    print(*work(Path(sys.argv[1])))
