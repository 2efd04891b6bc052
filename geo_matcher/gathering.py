"""All official sources asked for one département, side by side, and what became of each.

Hides the threads: a source that fails does not spoil the others, and when the program is
interrupted no download goes on behind it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import pandas as pd

from geo_matcher.catalog import Catalog
from geo_matcher.errors import GeoMatcherError, SourceError
from geo_matcher.places import first_year, first_years
from geo_matcher.sources.arcep import BROADBAND, MOBILE
from geo_matcher.sources.communes import contours_editions
from geo_matcher.sources.density_grid import SOURCE as DENSITY
from geo_matcher.sources.dgfip import SOURCE as SALES
from geo_matcher.sources.dhup import SOURCE as RENTS
from geo_matcher.sources.drees import SOURCE as APL
from geo_matcher.sources.education import SOURCE as SCHOOLS
from geo_matcher.sources.filosofi import SOURCE as INCOMES
from geo_matcher.sources.finess import SOURCE as HOSPITALS
from geo_matcher.sources.georisques import SOURCE as RISKS
from geo_matcher.sources.insee import SOURCE as FACILITIES
from geo_matcher.sources.osm_places import WorkList, places_source
from geo_matcher.sources.overpass import Overpass
from geo_matcher.sources.sncf import SOURCE as STATIONS
from geo_matcher.sources.source import Area, Editions, Fetch, Fetched, Source, SourceTable

__all__ = [
    "COMMUNE_TABLES",
    "Chosen",
    "Failure",
    "Gathered",
    "all_sources",
    "chosen_sources",
    "editions_by_table",
    "fetched_table",
    "gather",
]

COMMUNES, ROADS = "communes", "roads"
COMMUNE_TABLES = ("communes_source", "town_halls", "adjacency", "french_communes")
"""What the source of the communes themselves gives."""

OF_COMMUNES = frozenset([COMMUNES, "contacts", *COMMUNE_TABLES])
OF_ROADS = frozenset([ROADS, "road_area"])

Answer = Future[tuple[SourceTable, ...]]

WAKE_S = 0.2
"""How often who waits for sources looks whether the program was interrupted, in seconds."""

WORKERS = 4
"""Sources that are asked at the same time; the fetcher keeps to a few requests for each host."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A source that gave nothing, and why."""

    source: str
    tables: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a call asks for.

    Attributes
    ----------
    sources
        Whom to ask, but for the communes and the roads.
    communes, roads
        Whether those are named, too.
    tables
        Tables that were named, by themselves or by their source: the source's are wanted, even
        where people gave some. None are where all sources are asked because nobody named any.
    """

    sources: tuple[Source, ...]
    communes: bool = False
    roads: bool = False
    tables: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the sources gave.

    Attributes
    ----------
    tables
        Tables in the order of their names.
    failures
        Sources that gave nothing, in the order of their names.
    """

    tables: tuple[SourceTable, ...]
    failures: tuple[Failure, ...]

    def without_older(self, catalog: Catalog) -> Gathered:
        """Return what is no older than a release: where a newer edition cannot be had, it stays.

        Parameters
        ----------
        catalog
            What the release holds, table by table.
        """
        known, dated = first_years(catalog), editions_by_table()
        older = [
            table
            for table in self.tables
            if table.name in dated
            if (year := first_year(table.origin.vintage)) and year < known.get(table.name, "")
        ]
        failures = [
            Failure(
                table.name,
                (table.name,),
                f"what can be had now ({table.origin.vintage}) is older than what the release "
                f"holds ({catalog[table.name].vintage}), which stays. Refresh again later.",
            )
            for table in older
        ]
        names = {table.name for table in older}
        return Gathered(
            tuple(table for table in self.tables if table.name not in names),
            tuple(sorted([*self.failures, *failures], key=lambda failure: failure.source)),
        )

    def refuse_failures(self) -> None:
        """Raise an error that names every source that gave nothing, if any.

        Raises
        ------
        SourceError
            With one problem for each of them.
        """
        problems = [f"{failure.source}: {failure.reason}" for failure in self.failures]
        if problems:
            count = f"{len(problems)} source{'s' if len(problems) > 1 else ''} gave nothing"
            raise SourceError(f"{count}: " + "; ".join(problems), problems)


def all_sources(
    overpass: Overpass | None = None, workplaces: WorkList | None = None
) -> list[Source]:
    """Return every source but that of the communes themselves.

    Parameters
    ----------
    overpass
        The OpenStreetMap service to ask.
    workplaces
        The network's own list of places to work; it wins over the map.
    """
    return [
        BROADBAND,
        MOBILE,
        FACILITIES,
        INCOMES,
        DENSITY,
        RENTS,
        SALES,
        SCHOOLS,
        HOSPITALS,
        APL,
        STATIONS,
        RISKS,
        places_source(overpass, workplaces),
    ]


def editions_by_table() -> dict[str, Editions]:
    """Return where the editions may be of each table that is read from one."""
    found = dict.fromkeys(("communes_source", "town_halls", "adjacency"), contours_editions)
    return {**found, **{t: s.editions for s in all_sources() if s.editions for t in s.tables}}


def chosen_sources(sources: Sequence[Source], wanted: str | None) -> Chosen:
    """Return what a list of names chooses.

    Parameters
    ----------
    sources
        Those that there are.
    wanted
        Names of sources, or of tables that they give, with commas; ``communes`` and ``roads`` are
        names, too. None chooses all sources, without these two.

    Raises
    ------
    SourceError
        If a name is none of these.
    """
    if wanted is None:
        return Chosen(tuple(sources))
    names = [name for name in re.split(r"[,\s]+", wanted) if name]
    by_name = {source.name: source for source in sources}
    known = by_name | {table: source for source in sources for table in source.tables}
    unknown = [name for name in names if name not in {*known, *OF_COMMUNES, *OF_ROADS}]
    if unknown:
        raise SourceError(
            f"No source is called {', '.join(repr(name[:40]) for name in unknown[:5])}. There are: "
            f"{COMMUNES} (contacts, {', '.join(COMMUNE_TABLES)}), "
            + ", ".join(f"{source.name} ({', '.join(source.tables)})" for source in sources)
            + f", {ROADS}."
        )
    named = {known[name].name: known[name] for name in names if name in known}
    tables = {name for name in names if name in known and name in known[name].tables}
    tables |= {table for name in names if name in by_name for table in by_name[name].tables}
    return Chosen(
        tuple(named.values()),
        communes=not OF_COMMUNES.isdisjoint(names),
        roads=not OF_ROADS.isdisjoint(names),
        tables=frozenset(tables),
    )


def gather(fetch: Fetch, area: Area, sources: Collection[Source]) -> Gathered:
    """Ask every source for an area.

    Parameters
    ----------
    fetch
        Brings the files; threads share it.
    area
        The département.
    sources
        Whom to ask.

    Returns
    -------
    Gathered
        The same whatever the order in which they answer.
    """
    tables: list[SourceTable] = []
    failures: list[Failure] = []
    pool = ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="source")
    try:
        asked = {pool.submit(source.collect, fetch, area): source for source in sources}
        for answer in _as_answered(asked):
            source = asked[answer]
            try:
                tables += answer.result()
            except GeoMatcherError as error:
                failures.append(Failure(source.name, source.tables, str(error)))
            except Exception as error:  # whatever a file holds, it spoils no other source
                reason = (
                    f"its files could not be read ({type(error).__name__}). This is a fault of the "
                    "program: please report it with the command that you gave."
                )
                failures.append(Failure(source.name, source.tables, reason))
    except BaseException:
        for source in sources:  # a thread that waits would keep the program from ending
            source.stop()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return Gathered(
        tuple(sorted(tables, key=lambda table: table.name)),
        tuple(sorted(failures, key=lambda failure: failure.source)),
    )


def _as_answered(asked: Collection[Answer]) -> Iterator[Answer]:
    """Give answers as they come, waking up often: not every system wakes a wait for Ctrl-C."""
    pending = set(asked)
    while pending:
        done, pending = wait(pending, timeout=WAKE_S, return_when=FIRST_COMPLETED)
        yield from done


def fetched_table(tables: Collection[SourceTable]) -> pd.DataFrame:
    """Return which version of which file each table was read from: the table ``fetched``.

    Returns
    -------
    pandas.DataFrame
        ``table, url, final_url, etag, last_modified, bytes, sha256``, without the day, so that the
        same files give the same release.
    """

    def row(table: SourceTable, file: Fetched) -> tuple[str, str, str, str, str, int, str]:
        return (
            table.name, file.url, file.final_url, file.etag, file.last_modified, file.bytes,
            file.sha256,
        )  # fmt: skip

    rows = sorted({row(table, file) for table in tables for file in table.files})
    columns = ["table", "url", "final_url", "etag", "last_modified", "bytes", "sha256"]
    return pd.DataFrame(rows, columns=columns)
