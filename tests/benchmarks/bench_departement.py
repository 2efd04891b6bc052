"""A whole release of a département of 458 communes from official files on this machine.

The peer is the derived half alone, made again from the tables that were read: what is left is
downloading, reading and writing sources.
"""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path

import pytest

from geo_matcher.build import build_release
from geo_matcher.departements import territory_of
from geo_matcher.gathering import all_sources, gather
from geo_matcher.new_release import make_release, write_sources
from geo_matcher.sources.communes import area_of
from geo_matcher.sources.fetching import Fetcher
from tests.benchmarks.measure import Row
from tests.integration.upstream.causse import DEPARTEMENT, put_causse
from tests.integration.upstream.server import Upstream, upstream_server
from tests.integration.upstream.villages import Village

COMMUNES = 458
COLUMNS = 20
INVENTED = 6
"""Communes that the invented département has already."""


def run() -> list[Row]:
    """Measure a build from every source but OpenStreetMap, whose server is elsewhere."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        pytest.MonkeyPatch.context() as patch,
        upstream_server() as upstream,
    ):
        put_causse(upstream, patch, grid())
        folder = Path(scratch)
        start = time.perf_counter()
        count = _build(upstream, folder)
        whole_s = time.perf_counter() - start
        start = time.perf_counter()
        build_release(folder / "release")
        derived_s = time.perf_counter() - start
    what = f"release of {count} communes from local files"
    return [Row(what, whole_s, "s", 60.0, "the derived half alone", derived_s)]


def grid() -> list[Village]:
    """Return more communes, north of the invented ones."""
    return [
        Village(f"46{number:03d}", f"Commune-{number}", place % COLUMNS, 2 + place // COLUMNS,
                50 + 7 * (number % 90), 40 + 5 * (number % 90))
        for place, number in enumerate(range(INVENTED + 1, COMMUNES + 1))
    ]  # fmt: skip


def _build(upstream: Upstream, folder: Path) -> int:
    sources = [source for source in all_sources() if source.name != "places"]
    with Fetcher(folder / "cache", transport=upstream.transport()) as fetch:
        area, of_communes = area_of(fetch, DEPARTEMENT)
        gathered = gather(fetch, area, sources)
        gathered.refuse_failures()
        tables = [*of_communes, *gathered.tables]
        fill = partial(write_sources, area=area, about=territory_of(area), tables=tables)
        return len(make_release(folder / "release", fill).codes)
