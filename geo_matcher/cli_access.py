"""The commands of ``geo-matcher access``: how long a drive takes, and what is within reach.

Hides nothing but layout; every answer is the library's and names the network that gave it.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column

from geo_matcher.access_answers import (
    basket_answer,
    catchments_answer,
    commune_of,
    destinations_answer,
    isochrone_answer,
    kind_answer,
    pair_answer,
    people_answer,
    supply_answer,
    wheel_answer,
)
from geo_matcher.console import (
    PresetOption,
    ProfileOption,
    TextFormatArgument,
    TextFormatOption,
    chosen_profile,
    console,
    plain_table,
    territory_of,
    write,
    write_json,
)
from geo_matcher.destinations import DAILY_SERVICES
from geo_matcher.errors import DriveError
from geo_matcher.journeys import Journeys
from geo_matcher.territory import Territory
from geo_matcher.wheel import DEFAULT_HABITS, Habits

__all__ = ["access_app"]

access_app = typer.Typer(
    help="Driving times: between communes, to the nearest place, and what is within reach.",
    no_args_is_help=True,
)

FROM_HOME = "from home: the mean drive to the own town hall is in"
FROM_HALL = "from town hall to town hall"

CommuneArgument = Annotated[
    str, typer.Argument(help="INSEE code, or name; accents and case do not matter.")
]
MinutesOption = Annotated[
    float, typer.Option("--minutes", help="Minutes of driving, more than 0 and at most 120.")
]


def _shown(figure: float | None, unit: str) -> str:
    return "no way" if figure is None else f"{figure:,.1f} {unit}"


def _foot(territory: Territory, answer: dict[str, Any], what: str = FROM_HOME) -> None:
    """Say which network gave the times."""
    write(f"network {answer['network']}, {what}; {territory.release_id}")


@access_app.command("from")
def _from(
    context: typer.Context,
    commune: CommuneArgument,
    rest: Annotated[
        list[str] | None,
        typer.Argument(metavar="[to COMMUNE]", help="Where to; without it, every destination."),
    ] = None,
    output_format: TextFormatArgument = TextFormatOption.table,
) -> None:
    """Say how long the drive from a commune takes: to another, or to each kind of place."""
    words = list(rest or [])
    if words[:1] == ["to"]:
        del words[0]
        if not words:
            raise DriveError("`to` is followed by nothing: give a commune after it.")
    if len(words) > 1:
        raise DriveError(
            f"{' '.join(words)[:60]!r} is more than one commune: write `access from A to B`, with "
            "names of several words in quotes."
        )
    territory = territory_of(context)
    if words:
        origin, end = (commune_of(territory, text) for text in (commune, words[0]))
        _write_pair(territory, pair_answer(territory, origin, end), output_format)
        return
    answer = destinations_answer(territory, territory.find(commune))
    if output_format is TextFormatOption.json:
        write_json(answer)
        return
    table = plain_table("to", Column("minutes", justify="right"), "", "nearest in", "status")
    for row in answer["times"]:
        table.add_row(row["destination"], *_cells(row))
    console().print(table)
    _foot(territory, answer)


def _write_pair(territory: Territory, answer: dict[str, Any], form: TextFormatOption) -> None:
    if form is TextFormatOption.json:
        write_json(answer)
        return
    console().print(
        escape(
            f"{answer['from']['name']} → {answer['to']['name']}: "
            f"{_shown(answer['minutes'], 'min')}, {_shown(answer['road_km'], 'km')}"
        )
    )
    write(
        f"{answer['status']} on the network {answer['network']}, {FROM_HALL}; "
        f"{territory.release_id}"
    )


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    nearest = row["nearest"]
    return (
        _shown(row["minutes"], "min"),
        _shown(row["road_km"], "km"),
        escape(nearest["name"]) if nearest else "",
        row["status"],
    )


@access_app.command("to")
def _to(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="What to drive to, such as station or bakery.")],
    output_format: TextFormatArgument = TextFormatOption.table,
) -> None:
    """Say how far the nearest place of a kind is from each commune, nearest first."""
    territory = territory_of(context)
    answer = kind_answer(territory, kind)
    if output_format is TextFormatOption.json:
        write_json(answer)
        return
    table = plain_table("", "commune", Column("minutes", justify="right"), "", "nearest in", "")
    for row in answer["communes"]:
        table.add_row(row["insee_code"], escape(row["name"]), *_cells(row))
    console().print(table)
    _foot(territory, answer)


@access_app.command("isochrone")
def _isochrone(
    context: typer.Context,
    commune: CommuneArgument,
    minutes: MinutesOption,
    output_format: TextFormatArgument = TextFormatOption.table,
) -> None:
    """Say what is reached from a commune within some minutes; --format json gives GeoJSON."""
    territory = territory_of(context)
    code = commune_of(territory, commune)
    if output_format is TextFormatOption.json:
        write_json(isochrone_answer(territory, code, minutes))
        return
    journeys = Journeys.of(territory)
    found = journeys.within(code, minutes)
    halls = journeys.halls
    inside = found.communes["insee_code"].isin(territory.codes).sum()
    name = str(halls.at[code, "name"])
    if found.area is not None:
        said = f"{found.area_km2:,.0f} km² within {minutes:g} min of {name} by road"
    else:
        said = (
            f"The communes whose town hall is within {minutes:g} min of {name}; the town-hall "
            "network knows no ground between them"
        )
    console().print(
        escape(f"{said}: {len(found.communes)} town halls, {inside} of them in this release.")
    )
    table = plain_table("", "commune", Column("minutes", justify="right"))
    for there, value in found.communes.itertuples(index=False):
        table.add_row(str(there), escape(str(halls.at[str(there), "name"])), f"{value:.1f}")
    console().print(table)
    if found.is_cut:
        write("more may be reached: what is known of the roads ends before")
    write(f"estimated on the network {found.network}; {territory.release_id}")


@access_app.command("basket")
def _basket(
    context: typer.Context,
    commune: CommuneArgument,
    kinds: Annotated[
        list[str] | None,
        typer.Option("--kind", help="What is wanted, once for each; everyday services by default."),
    ] = None,
    output_format: TextFormatArgument = TextFormatOption.table,
) -> None:
    """Say the shortest round from home that brings everything back, each kind counted once."""
    territory = territory_of(context)
    answer = basket_answer(territory, territory.find(commune), kinds or tuple(DAILY_SERVICES))
    if output_format is TextFormatOption.json:
        write_json(answer)
        return
    if answer["minutes"] is None:
        console().print(escape(f"From {answer['from']['name']} not all of it can be had."))
    else:
        most = "at most " if answer["status"] == "upper_bound" else ""
        console().print(
            escape(
                f"From {answer['from']['name']}: {most}{_shown(answer['minutes'], 'min')} for "
                f"{len(answer['kinds'])} errands in one round, "
                f"{_shown(answer['separate_min'], 'min')} one by one."
            )
        )
        table = plain_table(Column("minutes", justify="right"), "stop", "for")
        for stop in answer["stops"]:
            table.add_row(
                f"{stop['drive_min']:.1f}", escape(stop["name"]), ", ".join(stop["kinds"])
            )
        table.add_row(f"{answer['back_min']:.1f}", "home", "")
        console().print(table)
    _foot(territory, answer)


@access_app.command("people")
def _people(
    context: typer.Context,
    commune: CommuneArgument,
    output_format: TextFormatArgument = TextFormatOption.table,
) -> None:
    """Say who lives within 15, 30 and 45 minutes of a commune, over the border too."""
    territory = territory_of(context)
    answer = people_answer(territory, commune_of(territory, commune))
    if output_format is TextFormatOption.json:
        write_json(answer)
        return
    table = plain_table(Column("within", justify="right"), Column("inhabitants", justify="right"))
    for row in answer["inhabitants"]:
        table.add_row(f"{row['within_min']:g} min", f"{row['inhabitants']:,}")
    console().print(table)
    if (apl := answer["apl_doctors"]) is not None:
        write(f"doctors, published: {apl['consultations']:g} consultations a year and inhabitant, "
              f"{apl['year']}")  # fmt: skip
    _foot(territory, answer, FROM_HALL)


@access_app.command("supply")
def _supply(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="What is shared, such as coworking or workplace.")],
    output_format: TextFormatArgument = TextFormatOption.table,
) -> None:
    """Say how much each commune has for 10,000 inhabitants when all who live near share it."""
    territory = territory_of(context)
    answer = supply_answer(territory, kind)
    if output_format is TextFormatOption.json:
        write_json(answer)
        return
    ranked = sorted(answer["communes"], key=lambda row: (-row["per_10000"], row["insee_code"]))
    table = plain_table("", "commune", Column(f"{answer['unit']} for 10,000", justify="right"))
    for row in ranked:
        table.add_row(row["insee_code"], escape(row["name"]), f"{row['per_10000']:.2f}")
    console().print(table)
    write(f"{answer['total']:g} {answer['unit']}, shared within 10, 20 and 30 minutes")
    _foot(territory, answer)


@access_app.command("catchments")
def _catchments(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="What is reached, such as coworking or telecentre.")],
    minutes: MinutesOption,
    output_format: TextFormatArgument = TextFormatOption.table,
) -> None:
    """Say who can reach each place of a kind, and who none; --format json gives GeoJSON."""
    territory = territory_of(context)
    answer = catchments_answer(territory, kind, minutes)
    if output_format is TextFormatOption.json:
        write_json(answer)
        return
    table = plain_table(
        "place", Column("km²", justify="right"), Column("communes", justify="right"),
        Column("inhabitants", justify="right"),
    )  # fmt: skip
    for feature in answer["features"]:
        one = feature["properties"]
        name = one.get("name") or (
            "in no catchment" if one["kind"] == "desert" else one["place_id"]
        )
        table.add_row(escape(name), f"{one['area_km2']:,.0f}", str(len(one["communes"])),
                      f"{one['inhabitants']:,}")  # fmt: skip
    console().print(table)
    people = answer["inhabitants"]
    write(
        f"{answer['communes_reached']} communes reach one of {answer['places']} places within "
        f"{minutes:g} min; inhabitants who reach none {people['none']:,}, one {people['one']:,}, "
        f"several {people['several']:,}; {answer['overlap_km2']:,.0f} km² in several catchments"
    )
    if unsure := answer["unsure"]["inhabitants"]:
        write(f"{unsure:,} of those who reach none may reach a place beyond the border, which no "
              "list names")  # fmt: skip
    _foot(territory, answer)


@access_app.command("wheel")
def _wheel(
    context: typer.Context,
    commune: CommuneArgument,
    profile: ProfileOption = None,
    profile_name: PresetOption = None,
    coworking_days: Annotated[
        float, typer.Option("--coworking-days", help="Days a week at the coworking space.")
    ] = DEFAULT_HABITS.coworking_days,
    client_trips: Annotated[
        float, typer.Option("--client-trips", help="Drives a week to clients, or to the station.")
    ] = DEFAULT_HABITS.client_trips,
    escorts_a_day: Annotated[
        float, typer.Option("--escorts-a-day", help="Drives to school and back on a school day.")
    ] = DEFAULT_HABITS.escorts_a_day,
    school_days: Annotated[
        float, typer.Option("--school-days", help="School days a week.")
    ] = DEFAULT_HABITS.school_days,
    teenagers_share: Annotated[
        float, typer.Option("--teenagers-share", help="Share of days on which they are driven.")
    ] = DEFAULT_HABITS.teenagers_share,
    output_format: TextFormatArgument = TextFormatOption.table,
) -> None:
    """Say how many hours a week a household would spend at the wheel."""
    habits = Habits(
        coworking_days=coworking_days,
        client_trips=client_trips,
        school_days=school_days,
        escorts_a_day=escorts_a_day,
        teenagers_share=teenagers_share,
    )
    household = chosen_profile(profile, profile_name)
    territory = territory_of(context)
    answer = wheel_answer(territory, territory.find(commune), household, habits)
    if output_format is TextFormatOption.json:
        write_json(answer)
        return
    most = "at most " if answer["status"] == "upper_bound" else ""
    console().print(
        escape(f"{answer['from']['name']}: {most}{_shown(answer['hours'], 'hours')} a week")
    )
    table = plain_table(
        "for", Column("times a week", justify="right"), Column("each", justify="right"),
        Column("a week", justify="right"),
    )  # fmt: skip
    for drive in answer["drives"]:
        table.add_row(
            drive["purpose"],
            f"{drive['times_a_week']:g}",
            _shown(drive["minutes_each"], "min"),
            _shown(drive["minutes_week"], "min"),
        )
    console().print(table)
    _foot(territory, answer)
