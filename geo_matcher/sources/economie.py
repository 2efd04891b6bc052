"""When the copper network closes in each commune: the schedule of the Ministry of the Economy.

Hides codes that lost their leading zero, several rows for a commune with several postcodes, and
that whether a date counts is only said in a sentence for users.
"""

from __future__ import annotations

import json

import pandas as pd

from geo_matcher.errors import SourceError
from geo_matcher.sources.delimited import Field, Layout, Where, read_delimited
from geo_matcher.sources.source import Area, Fetch, Fetched

__all__ = ["COPPER_ABOUT_URL", "COPPER_URL", "copper_closures"]

COPPER_ABOUT_URL = (
    "https://data.economie.gouv.fr/api/explore/v2.1/catalog/datasets/fermeture-reseau-cuivre"
)
"""What the ministry says of the schedule; when it was last changed among others."""

COPPER_URL = (
    f"{COPPER_ABOUT_URL}/exports/csv?delimiter=%3B"
    "&select=code_insee,fermeture_technique,output_usager"
)

LAYOUT = Layout(
    source="Fermeture du réseau cuivre (ministère de l'Économie)",
    fields=(
        Field("code_insee", "code", into="insee_code"),
        Field("fermeture_technique", "day", into="closes_on", missing=("",)),
        Field("output_usager", into="sentence"),
    ),
)

UNPLANNED = "pas encore prévu"
"""What the sentence says where a date, if there is one, does not count yet."""


def copper_closures(fetch: Fetch, area: Area) -> tuple[pd.Series, str, tuple[Fetched, ...]]:
    """Return the day on which the copper network closes, or closed, in each commune of an area.

    Returns
    -------
    tuple
        The days by INSEE code, ISO, empty where none is planned, the earliest where a commune has
        several; the day of the schedule, ISO; the files.

    Raises
    ------
    SourceError
        If the schedule cannot be had, or does not hold what it must.
    """
    file = fetch(COPPER_URL, expected="csv")
    about = fetch(COPPER_ABOUT_URL, expected="json")
    wanted = area.asked_codes
    rows = read_delimited(file, LAYOUT, where=[Where("insee_code", wanted)])
    if rows.empty:
        raise SourceError(
            f"{LAYOUT.source}: no row of {file.url} is about a commune of {area.departement}. The "
            "codes may be written in another way: see docs/data.md."
        )
    rows["insee_code"] = area.current(rows["insee_code"])
    is_planned = ~rows["sentence"].str.lower().str.contains(UNPLANNED, regex=False)
    planned = rows[is_planned & (rows["closes_on"] != "")]
    days = planned.groupby("insee_code")["closes_on"].min()
    return days.reindex(list(area.codes), fill_value=""), _day(about, file), (file, about)


def _day(about: Fetched, file: Fetched) -> str:
    """Return when the schedule was last changed; when it was brought, if nobody says."""
    try:
        changed = json.loads(about.path.read_bytes())["metas"]["default"]["modified"]
        return pd.Timestamp(changed).date().isoformat()
    except (ValueError, KeyError, TypeError):
        return file.day.isoformat()
