"""The commands of ``geo-matcher data``: look at a release, check it, build it, change its partners.

Hides how what a release says of itself is laid out for a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column

from geo_matcher.cli_releases import StoreOption, stored_release
from geo_matcher.console import (
    ScopeArgument,
    ScopeOption,
    TextFormatArgument,
    TextFormatOption,
    console,
    plain_table,
    release_of,
    territory_of,
    write,
    write_json,
)
from geo_matcher.errors import DataError
from geo_matcher.presets import PRESETS, preset_named
from geo_matcher.release_diff import release_diff
from geo_matcher.snapshot import Since
from geo_matcher.sources.overpass import OVERPASS_URL, Overpass
from geo_matcher.territory import Territory

__all__ = ["data_app"]

data_app = typer.Typer(
    help="The data release: look at it, check it, build it.", no_args_is_help=True
)


@data_app.command("info")
def _info(context: typer.Context) -> None:
    """Say what the release holds, from when, and what it does not hold."""
    territory = territory_of(context)
    catalog = territory.catalog
    terminal = console()
    evidence = list(territory.partner_evidence.values())
    reach = territory.parameters.get("network_reach")
    times = territory.parameters["travel_times"]
    terminal.print(f"[bold]{territory.release_id}[/bold] · {escape(str(territory.folder))}")
    said = [
        f"{len(territory.codes)} communes",
        f"{len(evidence)} partner villages ({evidence.count('sourced')} sourced, "
        f"{evidence.count('reconstructed')} reconstructed)"
        if territory.about.network
        else "no network",
    ]
    if reach is not None:
        said.append(
            f"{reach['communes']} communes within {reach['minutes']} min of a work place "
            f"(published: {reach['published']})"
        )
    terminal.print(" · ".join(said))
    checked = (
        f"over {times['checked_distances']} published distances the roads are "
        f"{times['mean_ratio_to_published']:.3f} × the published length on average, off by at most "
        f"{times['largest_relative_error']:.1%}"
        if times["checked_distances"]
        else "no published distance lets them be checked"
    )
    terminal.print(
        f"Times are estimated on the {times['network'].replace('_', '-')} network; {checked}."
    )
    if roads := territory.parameters.get("roads"):
        for line in _on_roads(roads):
            terminal.print(line)
    table = plain_table("table", Column("rows", justify="right"), "quality", "vintage", "credit")
    for entry in catalog.tables:
        table.add_row(
            entry.path, f"{entry.rows:,}", entry.quality, entry.vintage, escape(entry.credit_en)
        )
    terminal.print(table)
    terminal.print("[bold]Not in this release[/bold]")
    for gap in catalog.gaps:
        terminal.print(escape(f"– {gap.text_en}"))


def _on_roads(roads: Mapping[str, Any]) -> Iterator[str]:
    """Say how far from the streets the points of a release lie, and what is too far."""
    yield (
        f"{roads['streets']:,} streets between {roads['junctions']:,} junctions, map of "
        f"{escape(roads['map_vintage']) or 'an unknown day'}."
    )
    for name, words in (("town_halls", "Town halls"), ("places", "Places")):
        if f"{name}_snap_median_m" in roads:
            yield (
                f"{words} stand {roads[f'{name}_snap_median_m']:.0f} m from their street in the "
                f"middle, 95 % within {roads[f'{name}_snap_p95_m']:.0f} m, the farthest "
                f"{roads[f'{name}_snap_largest_m']:.0f} m; that stretch is not driven."
            )
    far = [
        f"{len(roads['communes_off_roads']):,} town halls",
        f"{roads['places_off_roads']:,} places",
    ]
    yield (
        f"Farther than {roads['snap_limit_m']:.0f} m from any street, hence on the town-hall "
        f"network: {', '.join(far)}."
    )
    if "dwellings_off_roads" in roads:
        yield f"Dwellings too far from any street, left out: {roads['dwellings_off_roads']:,}."


@data_app.command("check")
def _check(context: typer.Context) -> None:
    """Check a release; every problem is listed."""
    territory = territory_of(context)
    tables = len(territory.catalog.tables)
    write(f"{territory.release_id}: {tables} files checked, no problem found.")


@data_app.command("diff")
def _diff(
    context: typer.Context,
    before: Annotated[
        str, typer.Argument(help="The release before: its folder, or its id in the store.")
    ],
    after: Annotated[
        str, typer.Argument(help="The release after: its folder, or its id in the store.")
    ],
    profile_name: Annotated[
        list[str] | None,
        typer.Option("--profile-name", help="Presets whose rankings to compare; all by default."),
    ] = None,
    scope: ScopeArgument = ScopeOption.all,
    output_format: TextFormatArgument = TextFormatOption.table,
    store: StoreOption = None,
) -> None:
    """Say what differs between two releases, and what it does to rankings: who moved, and why."""
    named = {name: preset_named(name).profile for name in profile_name or PRESETS}
    first, second = (
        Territory.load(stored_release(context, store, named)) for named in (before, after)
    )
    found = release_diff(first, second, named, scope.value)
    if output_format is TextFormatOption.json:
        write_json(found.as_dict())
        return
    terminal = console()
    terminal.print(f"[bold]{found.before}[/bold] → [bold]{found.after}[/bold]")
    write(
        f"times on {found.times_before} → {found.times_after}; a work place within "
        f"{_minutes(found.reach_before_min)} → {_minutes(found.reach_after_min)} min makes the "
        "network"
    )
    table = plain_table(
        "table",
        *(Column(word, justify="right") for word in ("before", "after", "new", "gone", "changed")),
        "most changed",
    )
    for row in found.tables:
        table.add_row(
            row.name,
            *(
                "–" if count is None else f"{count:,}"
                for count in (row.rows_before, row.rows_after)
            ),
            *(f"{count:,}" for count in (row.added, row.removed, row.changed)),
            ", ".join(f"{column} ({count:,})" for column, count in row.columns[:3]),
        )
    terminal.print(table)
    for group in found.groups:
        write(f"{group.group}: {len(group.joined)} joined, {len(group.left)} left")
    for ranking in found.rankings:
        terminal.print(
            f"[bold]{escape(ranking.profile)}[/bold]: {ranking.moved} of {ranking.ranked} moved, "
            f"by {ranking.largest_move} ranks at most"
        )
        _write_moves(ranking.since)


def _write_moves(since: Since | None) -> None:
    if since is None:
        write("  the same release")
        return
    if not since.is_same_method:
        write("  another method: figures cannot be compared")
    for village in since.villages:
        now = "not ranked" if village.rank_now is None else f"{village.rank_now}"
        why = ", ".join(f"{c.criterion} {c.points:+.1f}" for c in (village.changes or ())[:3])
        told = f" ({village.points:+.1f} points: {why})" if why else ""
        write(f"  {village.name or village.insee_code}: {village.rank_then} → {now}{told}")
    for _, name, place in since.entered:
        write(f"  {name}: enters at {place}")


@data_app.command("build")
def _build(
    context: typer.Context,
    roads: Annotated[
        str | None,
        typer.Option(
            help="Roads for the travel times: `osm` downloads those of OpenStreetMap, FILE.osm.pbf "
            "reads an extract, `none` goes back to the town-hall network. Without this option the "
            "roads of the release, if any, are kept.",
            show_default=False,
        ),
    ] = None,
    overpass_url: Annotated[
        str, typer.Option(help="Overpass service that `--roads osm` asks.")
    ] = OVERPASS_URL,
) -> None:
    """Make the derived half of the release again from its source tables."""
    from geo_matcher.build import build_release, set_roads
    from geo_matcher.sources.openstreetmap import download_roads, read_pbf, road_area

    folder = release_of(context)
    if roads is None:
        territory = build_release(folder)
    elif roads == "none":
        territory = set_roads(folder, None)
    elif roads == "osm" or roads.endswith(".pbf"):
        area = road_area(territory_of(context).communes)
        if roads == "osm":
            found = download_roads(area, Overpass(url=overpass_url))
        else:
            found = read_pbf(Path(roads), area)
        territory = set_roads(folder, found)
    else:
        raise DataError(
            f"--roads {roads[:60]!r} is not understood: give osm, none, or a file that ends in "
            ".osm.pbf."
        )
    write(f"{folder}: built and checked, release {territory.release_id}.")


@data_app.command("set-partners")
def _set_partners(
    context: typer.Context,
    partner_list: Annotated[
        Path, typer.Argument(help="CSV with insee_code, valid_from and optionally valid_to.")
    ],
) -> None:
    """Replace the partner villages by the network's own list."""
    from geo_matcher.build import set_partners

    territory = set_partners(release_of(context), partner_list)
    count = len(territory.partner_evidence)
    write(f"{count} partner villages, all sourced; release {territory.release_id}.")


def _minutes(minutes: float | None) -> str:
    return "no known" if minutes is None else f"{minutes:g}"
