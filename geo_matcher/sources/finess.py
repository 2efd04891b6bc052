"""Hospitals: the register FINESS, as Atlasanté publishes it.

Hides a national file of a quarter of a gigabyte in which closed establishments and their owners
stand beside the open ones.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo_matcher.errors import SourceError
from geo_matcher.sources.delimited import Field, Layout, Where, read_delimited
from geo_matcher.sources.licences import LICENCE_OUVERTE_1
from geo_matcher.sources.source import Area, Fetch, Origin, Source, SourceTable

__all__ = ["FINESS_URL", "SOURCE"]

FINESS_URL = "https://www.data.gouv.fr/api/1/datasets/r/796dfff7-cf54-493a-a0a7-ba3c2024c6f3"
PAGE = "https://www.data.gouv.fr/datasets/referentiel-finess-t-finess"

CATEGORIES = ("101", "106", "109", "114", "128", "129", "131", "292", "355", "365")
"""Codes of hospitals and clinics: regional, former local, rehabilitation, military, surgical,
medical, cancer, psychiatric, general and multidisciplinary."""

LAYOUT = Layout(
    source="FINESS",
    fields=(
        Field("finess"),
        Field("rs", into="name"),
        Field("etat", into="state"),
        Field("type", into="level"),
        Field("categ_code", into="category_code"),
        Field("categ_lib", into="category"),
        Field("statut_jur_niv1_lib", into="status"),
        Field("com_code", "code", into="insee_code"),
        Field("geoloc_4326_long", "number", into="lon", missing=("",)),
        Field("geoloc_4326_lat", "number", into="lat", missing=("",)),
        Field("date_extract_finess", "day", into="extracted"),
    ),
    delimiter=",",
)


def _collect(fetch: Fetch, area: Area) -> tuple[SourceTable, ...]:
    file = fetch(FINESS_URL, expected="csv")
    rows = read_delimited(
        file,
        LAYOUT,
        where=[
            Where("insee_code", area.with_former(area.codes)),
            Where("state", ("ACTUEL",)),
            Where("level", ("ET",)),
            Where("category_code", CATEGORIES),
        ],
    )
    days = sorted(set(rows["extracted"]))
    if len(days) != 1:
        raise SourceError(
            f"{LAYOUT.source}: {file.name} was expected to hold hospitals of the département "
            f"{area.departement}, all extracted on one day; found {len(rows)} rows, days: "
            f"{', '.join(days[:3]) or 'none'}. See docs/data.md for what is expected."
        )
    status = rows["status"].str.lower()
    # A point at 0, 0 or in metres is no position.
    is_placed = rows["lon"].between(-10, 15) & rows["lat"].between(40, 52)
    frame = pd.DataFrame(
        {
            "finess": rows["finess"].str.zfill(9),
            "name": rows["name"],
            "category": rows["category"],
            "sector": np.select(
                [status.str.contains("public"), status.str.contains("priv")],
                ["public", "private"],
                "",
            ),
            "insee_code": area.current(rows["insee_code"]),
            "lon": rows["lon"].where(is_placed).round(5),
            "lat": rows["lat"].where(is_placed).round(5),
        }
    )
    return (
        SourceTable(
            "hospitals",
            frame.drop_duplicates("finess").sort_values("finess", ignore_index=True),
            Origin(
                title_fr="Sites hospitaliers",
                title_en="Hospital sites",
                producer="Ministère de la Santé (FINESS), Atlasanté",
                vintage=days[0],
                **LICENCE_OUVERTE_1,
                url=PAGE,
                quality="declared",
                credit_fr=f"FINESS, {days[0]}",
                credit_en=f"FINESS, {days[0]}",
                note_fr="Établissements ouverts au jour de l’extrait. La liste ne dit ni les "
                "urgences, ni la maternité ; certains sites sont placés à la mairie.",
                note_en="Establishments open on the day of the extract. The list tells neither "
                "emergency care nor maternity; some sites are placed at the town hall.",
            ),
            (file,),
        ),
    )


SOURCE = Source("hospitals", "FINESS", ("hospitals",), _collect)
"""Hospitals and clinics of the département."""
