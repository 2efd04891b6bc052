"""Railway stations: the open data of SNCF.

Hides a position written as one text. The licence is the ODbL: the table stays apart, with its own
credit, and what is derived from it bears that too.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pandas as pd

from geo_matcher.errors import SourceError
from geo_matcher.sources.delimited import Field, Layout, Where, read_delimited
from geo_matcher.sources.licences import ODBL
from geo_matcher.sources.source import Area, Fetch, Fetched, Origin, Source, SourceTable

__all__ = ["SOURCE", "STATIONS_URL"]

STATIONS_URL = (
    "https://ressources.data.sncf.com/api/explore/v2.1/catalog/datasets/"
    "gares-de-voyageurs/exports/csv"
)
PAGE = "https://ressources.data.sncf.com/explore/dataset/gares-de-voyageurs/"

LAYOUT = Layout(
    source="SNCF, gares de voyageurs",
    fields=(
        Field("Nom", into="name", aliases=("nom",)),
        Field("Position géographique", into="position", aliases=("position_geographique",)),
        Field("Code commune", "code", into="insee_code", aliases=("codeinsee", "code_commune")),
    ),
)
POSITION = r"^\s*(?P<lat>-?\d+(?:\.\d+)?)\s*,\s*(?P<lon>-?\d+(?:\.\d+)?)\s*$"


def _collect(fetch: Fetch, area: Area) -> tuple[SourceTable, ...]:
    file = fetch(STATIONS_URL, expected="csv")
    rows = read_delimited(
        file, LAYOUT, where=[Where("insee_code", area.with_former(area.known_codes))]
    )
    if rows.empty:
        raise SourceError(
            f"{LAYOUT.source}: {file.name} holds no station in the area. The code of the commune "
            "may be written differently: see docs/data.md."
        )
    points = rows["position"].str.extract(POSITION).astype("float64")
    is_sound = points["lat"].between(40, 52) & points["lon"].between(-10, 15)
    if not is_sound.all():
        bad = [
            f"{LAYOUT.source}: {file.name}, station {row['name'][:40]!r}, column 'Position "
            f"géographique': {row['position'][:40]!r} is no latitude and longitude"
            for row in rows[~is_sound].head(20).to_dict("records")
        ]
        raise SourceError("; ".join(bad) + ". See docs/data.md for what is expected.", bad)
    frame = pd.DataFrame(
        {
            "kind": "station",
            "name": rows["name"],
            "insee_code": area.current(rows["insee_code"]),
            "lon": points["lon"].round(5),
            "lat": points["lat"].round(5),
            "note": "SNCF open data (ODbL); says nothing of trains",
        }
    ).drop_duplicates()
    # Two stations of one name are told apart by their commune.
    twice = frame["name"].duplicated(keep=False)
    frame["name"] = frame["name"].mask(twice, frame["name"] + " (" + frame["insee_code"] + ")")
    frame = frame.drop_duplicates("name")
    day = _day(file)
    return (
        SourceTable(
            "hubs",
            frame.sort_values(["name"], ignore_index=True),
            Origin(
                title_fr="Gares de voyageurs",
                title_en="Railway stations",
                producer="SNCF",
                vintage=day,
                **ODBL,
                url=PAGE,
                quality="measured",
                credit_fr=f"SNCF, gares de voyageurs, {day} (ODbL)",
                credit_en=f"SNCF, stations, {day} (ODbL)",
                note_fr="Base sous ODbL : ce qui en dérive se partage de même. La SNCF ne donne "
                "que les gares : rien des lignes, de la fréquence des trains ni des aéroports.",
                note_en="A database under the ODbL: what derives from it is shared alike. SNCF "
                "gives stations only: nothing of lines, of how often trains run, nor of airports.",
                complete_kinds="station",
            ),
            (file,),
        ),
    )


def _day(file: Fetched) -> str:
    """Return the day of the version: the file does not bear one, its server tells."""
    try:
        return parsedate_to_datetime(file.last_modified).date().isoformat()
    except ValueError:
        return file.day.isoformat()


SOURCE = Source("stations", "SNCF", ("hubs",), _collect)
"""Stations of the département and of the communes around it."""
