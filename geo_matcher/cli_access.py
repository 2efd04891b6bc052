"""The commands of ``geo-matcher access``: how long a drive takes, and what is within reach.

Hides nothing but layout; every answer is the library's and names the network that gave it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import shapely
import shapely.geometry
import typer
from rich.markup import escape
from rich.table import Column

from geo_matcher.console import (
    TextFormatArgument,
    TextFormatOption,
    console,
    plain_table,
    territory_of,
    write,
    write_json,
)
from geo_matcher.destinations import DESTINATIONS
from geo_matcher.errors import DataError
from geo_matcher.journeys import Journeys, nearest_places
from geo_matcher.territory import Territory

__all__ = ["access_app"]

access_app = typer.Typer(
    help="Driving times: between communes, to the nearest place, and what is within reach.",
    no_args_is_help=True,
)

MINUTES_DECIMALS, KM_DECIMALS = 2, 2
FROM_HOME = "from home: the mean drive to the own town hall is in"
FROM_HALL = "from town hall to town hall"

CommuneArgument = Annotated[
    str, typer.Argument(help="INSEE code, or name; accents and case do not matter.")
]


def _code(territory: Territory, journeys: Journeys, text: str) -> str:
    """Return the code of a commune of the release, or of one around it that is named by code."""
    asked = text.strip().upper()
    return asked if asked in journeys.halls.index else territory.find(text)


def _rounded(figure: float | None, decimals: int) -> float | None:
    return None if figure is None or figure != figure else round(figure, decimals)


def _shown(figure: float | None, unit: str) -> str:
    return "no way" if figure is None or figure != figure else f"{figure:.1f} {unit}"


def _places(territory: Territory) -> str:
    return str(territory.parameters["travel_times"]["network"])


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
            raise DataError("`to` is followed by nothing: give a commune after it.")
    if len(words) > 1:
        raise DataError(
            f"{' '.join(words)[:60]!r} is more than one commune: write `access from A to B`, with "
            "names of several words in quotes."
        )
    territory = territory_of(context)
    journeys = Journeys.of(territory)
    if words:
        origin, end = (_code(territory, journeys, text) for text in (commune, words[0]))
        _write_pair(territory, journeys, origin, end, output_format)
        return
    _write_destinations(territory, territory.find(commune), output_format)


def _write_pair(
    territory: Territory, journeys: Journeys, origin: str, end: str, form: TextFormatOption
) -> None:
    found = journeys.between(origin, end)
    names = journeys.halls["name"]
    if form is TextFormatOption.json:
        write_json(
            {
                "from": {"insee_code": origin, "name": names[origin]},
                "to": {"insee_code": end, "name": names[end]},
                "minutes": _rounded(found.minutes, MINUTES_DECIMALS),
                "road_km": _rounded(found.road_km, KM_DECIMALS),
                "network": found.network,
                "status": found.status,
                "release": territory.release_id,
            }
        )
        return
    console().print(
        escape(
            f"{names[origin]} → {names[end]}: {_shown(found.minutes, 'min')}, "
            f"{_shown(found.road_km, 'km')}"
        )
    )
    write(f"{found.status} on the network {found.network}, {FROM_HALL}; {territory.release_id}")


def _write_destinations(territory: Territory, code: str, form: TextFormatOption) -> None:
    times = territory.tables["travel_times"]
    own = times[times["insee_code"] == code].set_index("destination")
    names = territory.tables["town_halls_80km"].set_index("insee_code")["name"]
    rows = [
        {"destination": known.name, **_time(own.loc[known.name].to_dict(), names)}
        for known in DESTINATIONS
    ]
    if form is TextFormatOption.json:
        write_json(
            {
                "from": {"insee_code": code, "name": names[code]},
                "times": rows,
                "network": _places(territory),
                "release": territory.release_id,
            }
        )
        return
    table = plain_table("to", Column("minutes", justify="right"), "", "nearest in", "status")
    for row in rows:
        table.add_row(row["destination"], *_cells(row))
    console().print(table)
    write(f"network {_places(territory)}, {FROM_HOME}; {territory.release_id}")


def _time(row: Mapping[Any, Any], names: Any) -> dict[str, Any]:
    nearest = row["nearest_insee_code"]
    return {
        "minutes": _rounded(row["minutes"], MINUTES_DECIMALS),
        "minutes_low": _rounded(row["minutes_low"], MINUTES_DECIMALS),
        "road_km": _rounded(row["road_km"], KM_DECIMALS),
        "nearest": {"insee_code": nearest, "name": names[nearest]} if nearest else None,
        "status": row["status"],
    }


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
    found = nearest_places(territory, kind)
    found = found.sort_values(["minutes", "insee_code"], na_position="last")
    names = territory.tables["town_halls_80km"].set_index("insee_code")["name"]
    rows = [
        {"insee_code": row["insee_code"], "name": names[row["insee_code"]], **_time(row, names)}
        for row in found.to_dict("records")
    ]
    if output_format is TextFormatOption.json:
        write_json(
            {
                "to": kind,
                "communes": rows,
                "network": _places(territory),
                "release": territory.release_id,
            }
        )
        return
    table = plain_table("", "commune", Column("minutes", justify="right"), "", "nearest in", "")
    for row in rows:
        table.add_row(row["insee_code"], escape(row["name"]), *_cells(row))
    console().print(table)
    write(f"network {_places(territory)}, {FROM_HOME}; {territory.release_id}")


@access_app.command("isochrone")
def _isochrone(
    context: typer.Context,
    commune: CommuneArgument,
    minutes: Annotated[float, typer.Option("--minutes", help="Minutes of driving, 1 to 120.")],
    output_format: TextFormatArgument = TextFormatOption.table,
) -> None:
    """Say what is reached from a commune within some minutes; --format json gives GeoJSON."""
    territory = territory_of(context)
    journeys = Journeys.of(territory)
    found = journeys.within(_code(territory, journeys, commune), minutes)
    halls = journeys.halls
    about = {
        "origin": found.origin,
        "minutes": found.cutoff_min,
        "network": found.network,
        "status": "estimated",
        "release": territory.release_id,
    }
    if output_format is TextFormatOption.json:
        if found.area is not None:
            features = [_feature(found.area, about | {"communes": len(found.communes)})]
        else:
            features = [
                _feature(
                    shapely.Point(halls.loc[code, ["town_hall_lon", "town_hall_lat"]].tolist()),
                    about
                    | {"insee_code": code, "name": halls.at[code, "name"], "drive_min": value},
                )
                for code, value in found.communes.round(MINUTES_DECIMALS).itertuples(index=False)
            ]
        write_json({"type": "FeatureCollection", **about, "features": features})
        return
    inside = found.communes["insee_code"].isin(territory.codes).sum()
    name = str(halls.at[found.origin, "name"])
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
    for code, value in found.communes.itertuples(index=False):
        table.add_row(str(code), escape(str(halls.at[str(code), "name"])), f"{value:.1f}")
    console().print(table)
    write(f"estimated on the network {found.network}; {territory.release_id}")


def _feature(shape: Any, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": shapely.geometry.mapping(shapely.set_precision(shape, 1e-5)),
        "properties": properties,
    }
