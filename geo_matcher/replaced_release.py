"""What a release that is to be replaced holds and the new one would not.

Hides how a table of somebody's own is told from one of a source. Corrections are not weighed here:
a release that holds them is never replaced (``new_release.check_output``).
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from geo_matcher.build import MADE_TABLES
from geo_matcher.catalog import CATALOG_FILE, Catalog
from geo_matcher.errors import DataError
from geo_matcher.new_release import GIVEN_BY
from geo_matcher.sources.osm_places import MAPPED
from geo_matcher.sources.source import SourceTable
from geo_matcher.tables import read_table
from geo_matcher.territory_file import TERRITORY_FILE, TerritoryFile, read_territory_file

__all__ = ["ACCEPT_OPTION", "losses", "lost_own_tables", "refuse_losses"]

ACCEPT_OPTION = "--accept-loss"
"""What a call says to replace a release all the same."""

WRITTEN = frozenset(["territory", "fetched", *MADE_TABLES])
"""What every build writes itself."""

ROADS = frozenset(["roads", "road_area"])

PARTNERS = "partners"
"""The network's own list, which is credited to the network whoever gives it."""


def lost_own_tables(output: Path, own: Path | None) -> tuple[str, ...]:
    """Return, before any source is asked, which tables of somebody's own would be lost.

    Parameters
    ----------
    output
        Where the new release is to be.
    own
        The folder of tables that is given now, if any.
    """
    if not (output / CATALOG_FILE).is_file():
        return ()
    given = () if own is None else {path.stem for path in own.glob("*.csv")}
    return tuple(
        f"{table.name}: it was given with --own, and no {table.name}.csv is given now"
        for table in Catalog.read(output).tables
        if (table.producer == GIVEN_BY or table.kinds_given or table.name == PARTNERS)
        and table.name not in given
    )


def losses(
    output: Path,
    tables: Collection[SourceTable],
    about: TerritoryFile,
    *,
    has_roads: bool,
    is_territory_given: bool,
) -> tuple[str, ...]:
    """Return what a release holds and the one that is to take its place does not.

    Parameters
    ----------
    output
        Where the new release is to be.
    tables
        Its source tables.
    about
        What it is about.
    has_roads
        Whether it brings roads.
    is_territory_given
        Whether somebody gives what it is about.

    Returns
    -------
    tuple of str
        One sentence for each loss; empty where there is no release yet.
    """
    if not (output / CATALOG_FILE).is_file():
        return ()
    before = Catalog.read(output)
    new = {table.name: table for table in tables}
    held = WRITTEN | new.keys() | (ROADS if has_roads else frozenset())
    lost = [
        f"{t.name}: of {t.vintage}, {t.rows:,} row{'s' if t.rows != 1 else ''}"
        for t in before.tables
        if t.name not in held
    ]
    lost += [
        f"{t.name}: it was given with --own, and the table of {new[t.name].origin.producer} would "
        "take its place"
        for t in before.tables
        if t.producer == GIVEN_BY and t.name in new and GIVEN_BY not in new[t.name].origin.producer
    ]
    lost += [
        f"{t.name}: {kind} was given with --own, and {t.name}.csv holds none now"
        for t in before.tables
        if t.name in new
        for kind in t.kinds_given
        if kind not in new[t.name].origin.given_kinds.split(", ")
    ]
    if "workplaces" in before and "workplaces" in new:
        lost += _lost_places(output, before["workplaces"].path, new["workplaces"])
    if not is_territory_given and read_territory_file(output) != about:
        lost.append(f"{TERRITORY_FILE}: its towns, names or network; give it with --territory")
    return tuple(lost)


def _lost_places(output: Path, path: str, new: SourceTable) -> list[str]:
    """Tell of places to work that somebody named and that are in the new table no more."""
    key = ["name", "insee_code"]
    table = read_table(output, path, "workplaces")
    named = table[~table["source"].str.startswith(MAPPED)]
    still = set(new.frame[key].itertuples(index=False, name=None))
    gone = [row for row in named[key].itertuples(index=False, name=None) if row not in still]
    if not gone:
        return []
    return [f"workplaces: {len(gone)} that somebody named, such as {gone[0][0]}; give the list "
            "with --workplaces"]  # fmt: skip


def refuse_losses(output: Path, lost: Collection[str]) -> None:
    """Raise an error that names everything that would be lost, if anything would.

    Raises
    ------
    DataError
        With one problem for each loss.
    """
    if lost:
        raise DataError(
            f"{output} is as it was: the new release would lack what it holds (give it again, try "
            f"when its source answers, name another --output, or say {ACCEPT_OPTION}): "
            + "; ".join(lost),
            list(lost),
        )
