"""The command ``geo-matcher visit``: which villages to see, in which order, and a calendar.

Hides nothing but layout; the visit is the library's.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column

from geo_matcher.access_answers import commune_of
from geo_matcher.console import (
    LanguageArgument,
    LanguageOption,
    PresetOption,
    ProfileArgument,
    SeedArgument,
    TextFormatArgument,
    TextFormatOption,
    UsualScopeArgument,
    chosen_profile,
    console,
    plain_table,
    scope_of,
    territory_of,
    write,
    write_file,
    write_json,
)
from geo_matcher.errors import DriveError
from geo_matcher.matching import rank
from geo_matcher.robustness import DEFAULT_SEED
from geo_matcher.visits import MAX_VILLAGES, MIN_VILLAGES, plan_visits

__all__ = ["visit_app"]

visit_app = typer.Typer()


@visit_app.command("visit")
def _visit(
    context: typer.Context,
    start: Annotated[
        str, typer.Option("--from", help="Where each day begins and ends: a code or a name.")
    ],
    profile: ProfileArgument = None,
    profile_name: PresetOption = None,
    scope: UsualScopeArgument = None,
    count: Annotated[
        int, typer.Option(min=MIN_VILLAGES, max=MAX_VILLAGES, help="How many villages.")
    ] = 4,
    village: Annotated[
        list[str] | None, typer.Option("--village", help="Seen anyway; once for each.")
    ] = None,
    day: Annotated[
        dt.datetime | None,
        typer.Option("--day", formats=["%Y-%m-%d"], help="First day; needed for a calendar."),
    ] = None,
    ics: Annotated[Path | None, typer.Option("--ics", help="Calendar file to write.")] = None,
    seed: SeedArgument = DEFAULT_SEED,
    output_format: TextFormatArgument = TextFormatOption.table,
    language: LanguageArgument = LanguageOption.en,
) -> None:
    """Choose villages that are worth seeing, and plan the visit hour by hour."""
    from geo_matcher.visit_calendar import visit_calendar

    if ics is not None and day is None:
        raise DriveError("A calendar needs a first day: give --day, for example 2027-03-12.")
    territory = territory_of(context)
    among = scope_of(scope, territory, language.value, output_format)
    ranking = rank(territory, chosen_profile(profile, profile_name), among)
    wanted = [territory.find(name) for name in village or ()]
    plan = plan_visits(ranking, commune_of(territory, start), count, wanted=wanted, seed=seed)
    if ics is not None and day is not None:
        write_file(ics, visit_calendar(territory, plan, day.date(), language=language.value))
    if output_format is TextFormatOption.json:
        write_json(plan.as_dict())
        return
    table = plain_table(
        "day", "from", "to", "village", Column("drive", justify="right"), "town hall"
    )
    halls = territory.communes
    for stop in plan.stops:
        phone = str(halls["town_hall_phone"].to_dict()[stop.insee_code])
        table.add_row(
            str(stop.day),
            f"{stop.arrival:%H:%M}",
            f"{stop.departure:%H:%M}",
            escape(stop.name),
            f"{stop.drive_min:.0f} min",
            escape(phone),
        )
    console().print(table)
    for number, (minutes, hour) in enumerate(plan.back, start=1):
        write(f"day {number}: back in {plan.start_name} at {hour:%H:%M}, {minutes:.0f} min")
    share = "" if plan.guarantee is None else f"; at least {plan.guarantee:.0%} of the best choice"
    best = (
        "" if plan.expected_best is None else f"best village expected at {plan.expected_best:.1f}"
    )
    write(f"{plan.drive_min:.0f} min at the wheel, {plan.road_km:.0f} km; {best}{share}")
    write(f"estimated on the network {plan.network}; {plan.release}")
