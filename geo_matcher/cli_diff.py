"""What differs between two releases, told on a terminal: ``geo-matcher data diff``.

Hides how tables, groups and moves in rankings are laid out in lines.
"""

from __future__ import annotations

from typing import Annotated

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
    write,
    write_json,
)
from geo_matcher.presets import PRESETS, preset_named
from geo_matcher.release_diff import ReleaseDiff, release_diff
from geo_matcher.snapshot import Since
from geo_matcher.territory import Territory
from geo_matcher.towns import put_in_service

__all__ = ["diff_app", "write_diff"]

diff_app = typer.Typer()


@diff_app.command("diff")
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
    first, second = (
        Territory.load(stored_release(context, store, named)) for named in (before, after)
    )
    put_in_service(second.about)  # towns and presets are those of the releases, whatever is served
    named = {name: preset_named(name).profile for name in profile_name or PRESETS}
    found = release_diff(first, second, named, scope.value)
    if output_format is TextFormatOption.json:
        write_json(found.as_dict())
        return
    write_diff(found)


def write_diff(found: ReleaseDiff) -> None:
    """Write what differs between two releases in lines."""
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


def _minutes(minutes: float | None) -> str:
    return "no known" if minutes is None else f"{minutes:g}"


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
