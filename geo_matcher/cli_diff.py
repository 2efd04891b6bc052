"""What differs between two releases, told on a terminal: ``geo-matcher data diff``.

Hides how tables, groups and moves in rankings are laid out in lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
from geo_matcher.criteria import CRITERIA
from geo_matcher.numbers import format_raw
from geo_matcher.presets import PRESETS, preset_named
from geo_matcher.rank_moves import FIRST, MOVERS, FigureChange, RankMoves, VillageMove
from geo_matcher.release_diff import ReleaseDiff, release_diff
from geo_matcher.territory import Territory
from geo_matcher.towns import put_in_service

__all__ = ["diff_app", "write_diff"]

diff_app = typer.Typer()

SHOWN = 3
"""Most criteria that a line names, and most communes that are newly, or no longer, ranked."""


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
    movers: Annotated[
        int, typer.Option(min=0, help="How many of those that moved farthest are named.")
    ] = MOVERS,
    output_format: TextFormatArgument = TextFormatOption.table,
    store: StoreOption = None,
) -> None:
    """Say what differs between two releases, and what it does to rankings: who moved, and why."""
    first, second = (
        Territory.load(stored_release(context, store, named)) for named in (before, after)
    )
    put_in_service(first.about)  # whose towns the presets speak of
    named = {name: preset_named(name).profile for name in profile_name or PRESETS}
    found = release_diff(first, second, named, scope.value, movers)
    if output_format is TextFormatOption.json:
        write_json(found.as_dict())
        return
    write_diff(found)


def write_diff(found: ReleaseDiff) -> None:
    """Write what differs between two releases in lines.

    Of each ranking: how many moved and by how much, which figures did it, who entered or left the
    first villages, and who moved farthest. Whoever did not move is not named.
    """
    terminal = console()
    terminal.print(f"[bold]{found.before}[/bold] → [bold]{found.after}[/bold]")
    if found.before == found.after:
        write("the same release: nothing differs")
        return
    write(f"times on {found.times_before} → {found.times_after}")
    reach = [_minutes(found.reach_before_min), _minutes(found.reach_after_min)]
    if reach[0] != reach[1]:
        write(f"a work place within {' → '.join(reach)} min makes the network")
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
        moves = ranking.moves
        extent = (
            f", by {moves.largest_move} at most, {moves.median_move:g} in the middle"
            if moves.moved
            else ""
        )
        terminal.print(
            f"[bold]{escape(ranking.profile)}[/bold]: {moves.moved} of {moves.ranked} moved{extent}"
        )
        for line in _lines(moves):
            write(f"  {line}")


def _minutes(minutes: float | None) -> str:
    return "no known" if minutes is None else f"{minutes:g}"


def _lines(moves: RankMoves) -> Iterator[str]:
    """Say what moved a ranking, and whom."""
    if moves.shifts:
        shifts = (
            f"{shift.criterion} in {shift.communes} (up to {shift.largest_points:+.1f})"
            for shift in moves.shifts[:SHOWN]
        )
        rest = len(moves.shifts) - SHOWN
        more = f", {rest} more criteria" if rest > 0 else ""
        yield f"communes whose points differ: {', '.join(shifts)}{more}"
    told: set[str] = set()
    for words, villages in (
        (f"enters the first {FIRST}", moves.entered),
        (f"leaves the first {FIRST}", moves.left),
        ("moves farthest", moves.movers),
    ):
        for village in villages:
            if village.insee_code not in told:
                told.add(village.insee_code)
                yield f"{_village(village)}; {words}"
    for words, villages in (
        ("newly ranked", moves.newly_ranked),
        ("no longer ranked", moves.no_longer_ranked),
    ):
        for village in villages[:SHOWN]:
            if village.insee_code not in told:
                yield f"{_village(village)}; {words}"
        if len(villages) > SHOWN:
            yield f"{len(villages)} communes {words} in all"


def _village(village: VillageMove) -> str:
    ranks = " → ".join(
        "not ranked" if rank is None else f"{rank}"
        for rank in (village.rank_before, village.rank_after)
    )
    return f"{village.name}: {ranks}, {_why(village)}"


def _why(village: VillageMove) -> str:
    if village.absence == "release":
        return "not in the other release"
    reasons = {
        "": "",
        "limit": f"beyond the limit on {', '.join(village.limits)}, ",
        "scope": "not in the scope of the other, ",
    }
    if not village.changes:
        return f"{reasons[village.absence]}its own figures bring the same points"
    changes = ", ".join(_figures(village.changes[:SHOWN]))
    rest = len(village.changes) - SHOWN
    more = f", {rest} more" if rest > 0 else ""
    return f"{reasons[village.absence]}{village.points:+.1f} points: {changes}{more}"


def _figures(changes: Iterable[FigureChange]) -> Iterator[str]:
    for change in changes:
        then, now = (
            _figure(change.criterion, figure, status)
            for figure, status in (
                (change.before, change.status_before),
                (change.after, change.status_after),
            )
        )
        yield f"{change.criterion} {change.points:+.1f} ({then} → {now})"


def _figure(criterion: str, figure: float | None, status: str) -> str:
    if figure is None:
        return "out of reach" if status == "unreachable" else "unknown"
    at_most = "at most " if status == "upper_bound" else ""
    return f"{at_most}{format_raw(figure, CRITERIA[criterion].unit, 'en')}"
