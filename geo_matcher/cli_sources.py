"""The commands of ``geo-matcher data`` that go to the sources: build, refresh, status.

Hides in which order a build looks at what it is given, and how what the sources gave is told on a
terminal.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import geopandas as gpd
import typer
from rich.markup import escape
from rich.table import Column

from geo_matcher import clock
from geo_matcher.cli_corrections import say_overtaken
from geo_matcher.cli_diff import write_diff
from geo_matcher.cli_releases import KeepOption, StoreOption, store_folder
from geo_matcher.console import (
    TextFormatArgument,
    TextFormatOption,
    console,
    counted,
    plain_table,
    release_of,
    territory_of,
    write,
    write_json,
)
from geo_matcher.console_sources import (
    CacheOption,
    OfflineOption,
    OutlinesOption,
    OverpassOption,
    RoadsOption,
    StrictOption,
    WithOption,
    WorkplacesOption,
    fetcher,
    overpass_service,
)
from geo_matcher.corrections import standings
from geo_matcher.errors import DataError
from geo_matcher.presets import PRESETS
from geo_matcher.release_diff import release_diff
from geo_matcher.release_store import KEPT_RELEASES, ReleaseStore, held_release
from geo_matcher.sources.overpass import OVERPASS_URL
from geo_matcher.territory import Territory
from geo_matcher.territory_file import TerritoryFile, read_territory_file
from geo_matcher.towns import put_in_service

if TYPE_CHECKING:  # whoever serves a release does not pay for reading the files of producers
    from collections.abc import Iterable

    from geo_matcher.gathering import Failure
    from geo_matcher.sources.fetching import Fetcher
    from geo_matcher.sources.kept_map import KeptOverpass
    from geo_matcher.sources.openstreetmap import Download
    from geo_matcher.sources.osm_places import WorkList
    from geo_matcher.sources.source import Area, SourceTable

__all__ = ["sources_app"]

sources_app = typer.Typer()


@sources_app.command("build")
def _build(
    context: typer.Context,
    departement: Annotated[
        str | None,
        typer.Option(
            help="Make a whole release of this département from official sources: 46, 2A…",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder of that release; by default release-NN.", show_default=False),
    ] = None,
    territory: Annotated[
        Path | None,
        typer.Option(
            help="File that names the territory, its towns and its network, see "
            "docs/your-departement.md.",
            show_default=False,
        ),
    ] = None,
    own: Annotated[
        Path | None,
        typer.Option(
            help="Folder of tables of your own, CSV, which win over the sources.",
            show_default=False,
        ),
    ] = None,
    workplaces: WorkplacesOption = None,
    outlines: OutlinesOption = None,
    wanted: WithOption = None,
    roads: RoadsOption = None,
    overpass_url: OverpassOption = OVERPASS_URL,
    is_strict: StrictOption = False,
    is_loss_accepted: Annotated[
        bool,
        typer.Option(
            "--accept-loss", help="Replace a release though the new one lacks some of its tables."
        ),
    ] = False,
    is_offline: OfflineOption = False,
    cache: CacheOption = None,
) -> None:
    """Make the derived half of the release again; with --departement, a whole new release."""
    if departement is None:
        given = {"--output": output, "--territory": territory, "--own": own,
                 "--workplaces": workplaces, "--outlines": outlines, "--with": wanted}  # fmt: skip
        if strange := [name for name, value in given.items() if value is not None]:
            raise DataError(
                f"{', '.join(strange)} says something only with --departement. Without it the "
                "derived half of a release is made again from the tables that it holds; "
                "`geo-matcher data refresh` asks the sources."
            )
        _build_derived(context, roads, overpass_service(overpass_url, cache, is_offline=is_offline))
        return
    from geo_matcher.departements import check_towns, departement_code
    from geo_matcher.departements import territory_of as plain_territory
    from geo_matcher.gathering import all_sources, chosen_sources, gather
    from geo_matcher.new_release import (
        JOINED_BY_KIND,
        check_output,
        joined_by_kind,
        make_release,
        own_tables,
        write_sources,
    )
    from geo_matcher.replaced_release import losses, lost_own_tables, refuse_losses
    from geo_matcher.sources.communes import area_of
    from geo_matcher.sources.osm_places import WorkList, check_work_list

    departement = departement_code(departement)
    folder = output or Path(f"release-{departement}")
    check_output(folder)
    if not is_loss_accepted:
        refuse_losses(folder, lost_own_tables(folder, own))
    _check_roads(roads)
    if workplaces is not None and own is not None and (own / "workplaces.csv").exists():
        raise DataError(
            f"{own} holds workplaces.csv, which wins over everything, so --workplaces would not be "
            "read. Give one of the two."
        )
    if workplaces is not None:
        check_work_list(workplaces)
    overpass = overpass_service(overpass_url, cache, is_offline=is_offline)
    given_about = None if territory is None else read_territory_file(territory)
    name = None if given_about is None else _network_name(given_about)
    own_list = None if workplaces is None else WorkList.of_network(workplaces, name)
    asked = chosen_sources(all_sources(overpass, own_list), wanted)
    if asked.roads and roads == "none":
        raise DataError("--with names roads and --roads says none: leave one of the two out.")
    roads = roads or ("osm" if asked.roads else None)
    if given_about is not None and given_about.departement != departement:
        raise DataError(
            f"{territory} is about the département {given_about.departement or 'none'}, and "
            f"{departement} was asked for. Give the file of that one."
        )
    with fetcher(cache, is_offline=is_offline) as fetch:
        area, of_communes = area_of(fetch, departement, outlines=outlines)
        about = given_about or plain_territory(area)
        if territory is not None:
            check_towns(about, area, territory.name)
        if workplaces is not None:
            check_work_list(workplaces, area)
        mine = own_tables(own, area, about.network) if own is not None else ()
        named = {table.name for table in mine} - set(JOINED_BY_KIND)
        still = [source for source in asked.sources if not set(source.tables) <= named]
        gathered = gather(fetch, area, still)
        whole = {table.name: table for table in gathered.tables}
        joined = []
        for table in mine:
            if table.name in JOINED_BY_KIND:
                whole[table.name], told = joined_by_kind(table, whole.get(table.name))
                joined.append(told)
            else:
                whole[table.name] = table
        _say(whole.values(), gathered.failures)
        if is_strict:
            gathered.refuse_failures()
        for told in joined:
            write(told)
        tables = [*of_communes, *whole.values()]
        lost = losses(
            folder,
            tables,
            about,
            has_roads=roads not in {None, "none"},
            is_territory_given=given_about is not None,
        )
        if not is_loss_accepted:
            refuse_losses(folder, lost)
        for one in lost:
            console().print(f"[bold]lost[/bold] {escape(one)}")
        roads_found = _roads(roads, area.communes, overpass)
        made = make_release(
            folder, lambda copy: write_sources(copy, area, about, tables), roads_found
        )
    gaps = [gap.subject for gap in made.catalog.gaps]
    listed = f" ({', '.join(gaps)})" if gaps else ""
    write(
        f"{folder}: {len(made.codes)} communes, {len(made.catalog.tables)} tables, "
        f"{counted(len(gaps), 'gap')}{listed}, release {made.release_id}."
    )
    write(f"Serve it: {shlex.join(['geo-matcher', '--release', str(folder), 'serve'])}")


def _build_derived(context: typer.Context, roads: str | None, overpass: KeptOverpass) -> None:
    from geo_matcher.build import build_release, set_roads

    folder = release_of(context)
    if roads is None:
        territory = build_release(folder)
    else:
        communes = territory_of(context).communes
        territory = set_roads(folder, _roads(roads, communes, overpass))
    write(f"{folder}: built and checked, release {territory.release_id}.")
    say_overtaken(territory)


def _roads(
    roads: str | None, communes: gpd.GeoDataFrame, overpass: KeptOverpass
) -> Download | None:
    """Return the roads that ``--roads`` asks for."""
    from geo_matcher.sources.openstreetmap import read_pbf, road_area

    if roads is None or roads == "none":
        return None
    _check_roads(roads)
    if roads == "osm":
        return overpass.roads(road_area(communes))
    return read_pbf(Path(roads), road_area(communes))


def _check_roads(roads: str | None) -> None:
    if roads is not None and roads not in {"osm", "none"} and not roads.endswith(".pbf"):
        raise DataError(
            f"--roads {roads[:60]!r} is not understood: give osm, none, or a file that ends in "
            ".osm.pbf."
        )


def _say(tables: Iterable[SourceTable], failures: Iterable[Failure]) -> None:
    """Say what tables there are, and why sources gave nothing."""
    table = plain_table("table", Column("rows", justify="right"), "vintage", "producer")
    for found in sorted(tables, key=lambda one: one.name):
        table.add_row(
            found.name,
            f"{len(found.frame):,}",
            escape(found.origin.vintage),
            escape(found.origin.producer),
        )
    terminal = console()
    terminal.print(table)
    for failure in failures:
        terminal.print(
            f"[bold]missing[/bold] {escape(failure.source)} ({', '.join(failure.tables)}): "
            f"{escape(failure.reason)}"
        )


@sources_app.command("refresh")
def _refresh(
    context: typer.Context,
    wanted: WithOption = None,
    workplaces: WorkplacesOption = None,
    store: StoreOption = None,
    keep: KeepOption = KEPT_RELEASES,
    outlines: OutlinesOption = None,
    overpass_url: OverpassOption = OVERPASS_URL,
    is_strict: StrictOption = False,
    is_offline: OfflineOption = False,
    cache: CacheOption = None,
) -> None:
    """Ask the sources again, put the new release into the store, and say what it moved.

    A source that gives nothing leaves the table that was there, and so do tables that were given
    with --own, unless --with names them. Communes, town halls and contacts stay those of the
    release unless --with names communes, and the network's list of places to work unless
    --workplaces gives another; corrections stay in any case. Where the store has a
    release in service, that one is renewed.
    """
    from geo_matcher.build import build_derived
    from geo_matcher.gathering import all_sources, chosen_sources, gather
    from geo_matcher.new_release import GIVEN_BY, JOINED_BY_KIND, given_kinds
    from geo_matcher.renewed_communes import renew_communes
    from geo_matcher.road_store import drop_roads, write_roads
    from geo_matcher.sources.osm_places import check_work_list

    found = ReleaseStore(store_folder(context, store), keep=keep)
    before = _renewed(context, found)
    overpass = overpass_service(overpass_url, cache, is_offline=is_offline)
    known = all_sources(overpass, _work_list(before, workplaces))
    asked = chosen_sources(known, wanted)
    given = {table.name for table in before.catalog.tables if table.producer == GIVEN_BY}
    given -= {*asked.tables, *JOINED_BY_KIND}
    if outlines is not None and not asked.communes:
        raise DataError("--outlines says something only with --with communes.")
    if workplaces is not None:
        check_work_list(workplaces)
        if not any("workplaces" in source.tables for source in asked.sources):
            raise DataError(
                f"{workplaces} would not be read: --with leaves places out. Add workplaces to it."
            )
        given.discard("workplaces")
    with fetcher(cache, is_offline=is_offline) as fetch:
        area, of_communes = _area_of(fetch, before, outlines, is_new=asked.communes)
        if workplaces is not None:
            check_work_list(workplaces, area)
        sources = asked.sources
        if area.codes != before.codes:
            write("The communes have changed: every source is asked, since tables speak of them.")
            sources = tuple(known)
        gathered = gather(fetch, area, sources).without_older(before.catalog)
        roads = _roads("osm", area.communes, overpass) if asked.roads else None
    _say(gathered.tables, gathered.failures)
    if is_strict:
        gathered.refuse_failures()
    tables = [*of_communes, *(t for t in gathered.tables if t.name not in given)]
    renewed = {table.name for table in gathered.tables}
    kept = sorted(given & renewed)
    kept += [
        f"{name} ({', '.join(kinds)})"
        for name, kinds in given_kinds(before, asked.tables).items()
        if name in renewed
    ]
    if kept:
        write(f"Kept as they were given: {', '.join(kept)}; --with takes the source's.")
    if not tables and roads is None:
        raise DataError("No source gave anything: the release in service stays as it is.")

    def fill(folder: Path) -> None:
        if ReleaseStore.is_store(found.folder) and found.current != before.release_id:
            raise DataError(
                f"{found.current} has come into service in {found.folder} meanwhile, and what was "
                f"asked for was to renew {before.release_id}. Refresh again: downloads are kept."
            )
        shutil.copytree(before.folder, folder, dirs_exist_ok=True)
        for told in renew_communes(folder, area, tables, anew=asked.tables):
            write(told)
        if roads is not None:
            drop_roads(folder)
            write_roads(folder, roads)
        build_derived(folder)

    with held_release(before.folder):
        release_id = found.publish(fill, gate=Territory.load)
    try:
        after = Territory.load(found.folder_of(release_id))
        profiles = {name: preset.profile for name, preset in PRESETS.items()}
        write_diff(release_diff(before, after, profiles, "all"))
        say_overtaken(after)
    except KeyboardInterrupt:  # who stops the telling does not stop what is done
        write("Who moved is not told any further.")
    if release_id == before.release_id:
        write(f"{release_id} stays in service in {found.folder}: nothing is new.")
        return
    back = shlex.join(["geo-matcher", "data", "rollback", "--store", str(found.folder)])
    write(f"{release_id} is in service in {found.folder}. To go back: {back}")


def _area_of(
    fetch: Fetcher, before: Territory, outlines: Path | None, *, is_new: bool
) -> tuple[Area, tuple[SourceTable, ...]]:
    """Return the communes of a release, or those that there are now with their tables."""
    from geo_matcher.renewed_communes import contacts_kept
    from geo_matcher.sources.communes import area_of, mergers
    from geo_matcher.sources.source import Area

    departement = before.about.departement
    if not is_new:
        communes = before.communes.reset_index(drop=True)
        return Area(departement, communes, before.tables["town_halls"], mergers(fetch)), ()
    area, found = area_of(fetch, departement, outlines=outlines)
    tables, is_kept = contacts_kept(found, before.tables["communes_source"])
    if is_kept:
        write("The directory of town halls gave nothing: contacts stay as they were.")
    return area, tables


def _renewed(context: typer.Context, store: ReleaseStore) -> Territory:
    """Return the release to renew: the one in service in the store, else the one that is named.

    Raises
    ------
    DataError
        If the store serves another territory than the release that was named, or the release is of
        no whole département.
    """
    is_named = isinstance(context.find_root().obj, Path)
    if ReleaseStore.is_store(store.folder):
        before = Territory.load(store.folder)
        named = territory_of(context).catalog if is_named else before.catalog
        if named.territory != before.catalog.territory:
            raise DataError(
                f"The store {store.folder} serves {before.catalog.name_en}, and the release that "
                f"was named is about {named.name_en}. Name its own store with --store."
            )
        put_in_service(before.about)
    else:
        before = territory_of(context)
    if not before.about.departement:
        raise DataError(
            "This release is made of some communes, not of a whole département, and sources are "
            "asked by département. Renew its tables by hand: docs/your-departement.md says how."
        )
    return before


def _network_name(about: TerritoryFile) -> str | None:
    return None if about.network is None else about.network.name


def _work_list(before: Territory, given: Path | None) -> WorkList | None:
    """Return the list of places to work that wins over the map: the one given, or the release's."""
    from geo_matcher.sources.osm_places import WorkList

    name = _network_name(before.about)
    if given is not None:
        return WorkList.of_network(given, name)
    if "workplaces" not in before.catalog:
        return None
    table = before.catalog["workplaces"]
    return WorkList.of_release(before.folder / table.path, table, name)


@sources_app.command("status")
def _status(
    context: typer.Context,
    is_offline: OfflineOption = False,
    cache: CacheOption = None,
    output_format: TextFormatArgument = TextFormatOption.table,
) -> None:
    """Say how old each source table is, and whether its producer has a newer version.

    Corrections whose official value has changed since are told, too.
    """
    from geo_matcher.freshness import freshness
    from geo_matcher.sources.fetching import Limits

    territory = territory_of(context)
    quick = Limits(total_s=30.0, idle_s=4.0, tries=2, backoff_s=0.5)
    with fetcher(cache, is_offline=is_offline, limits=quick) as fetch:
        rows = freshness(territory, clock.today(), None if is_offline else fetch)
    if output_format is TextFormatOption.json:
        corrections = [one.as_dict() for one in standings(territory.tables)]
        write_json(
            {
                "release": territory.release_id,
                "tables": [row.as_dict() for row in rows],
                "corrections": corrections,
            }
        )
        return
    table = plain_table("table", "vintage", Column("age", justify="right"), "upstream", "producer")
    for row in rows:
        age = "–" if row.age_months is None else counted(row.age_months, "month")
        table.add_row(row.table, escape(row.vintage), age, row.upstream, escape(row.producer))
    terminal = console()
    terminal.print(f"[bold]{territory.release_id}[/bold]")
    terminal.print(table)
    say_overtaken(territory)
    reasons = list(dict.fromkeys(row.reason for row in rows if row.reason))
    if reasons:
        others = f" ({len(reasons) - 1} more: --format json)" if reasons[1:] else ""
        write(f"Unreachable: {reasons[0]}{others}")
    if "fetched" not in territory.tables:
        write(
            "This release does not say which files it was read from, so nobody was asked. One made "
            "by `data refresh` or `data build --departement` does."
        )
