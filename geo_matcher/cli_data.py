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

from geo_matcher.console import (
    console,
    counted,
    plain_table,
    release_of,
    territory_of,
    write,
)
from geo_matcher.corrections import standings

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
        counted(len(territory.codes), "commune"),
        f"{counted(len(evidence), 'partner village')} ({evidence.count('sourced')} sourced, "
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
    if in_force := standings(territory.tables):
        stale = sum(one.state != "same" for one in in_force)
        terminal.print(
            f"Corrections in force: {len(in_force)}, of which {stale} against an official value "
            "that has changed since; `geo-matcher data corrections` lists them."
        )
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
    write(f"{counted(count, 'partner village')}, all sourced; release {territory.release_id}.")
