"""Median standard of living by commune, INSEE (Filosofi).

Hides a file of one row per place and measure, in which a figure that is kept secret is empty.
"""

from __future__ import annotations

import pandas as pd

from geo_matcher.errors import SourceError
from geo_matcher.sources.delimited import Field, Layout, Where, read_delimited
from geo_matcher.sources.licences import LICENCE_OUVERTE
from geo_matcher.sources.source import Area, Fetch, Origin, Source, SourceTable

__all__ = ["FILOSOFI_URL", "SOURCE"]

FILOSOFI_URL = (
    "https://www.insee.fr/fr/statistiques/fichier/7756729/base-cc-filosofi-2021-geo2025_csv.zip"
)
PAGE = "https://www.insee.fr/fr/statistiques/7756729"
MEMBER = r"(^|/)DS_FILOSOFI_CC_data\.csv$"
MEDIAN = "MED_SL"
"""The measure: median of disposable income per consumption unit, in euros a year."""

SECRET = ("", "s", "nd")

LAYOUT = Layout(
    source="INSEE, Filosofi",
    fields=(
        Field("GEO", "code", into="insee_code"),
        Field("GEO_OBJECT", into="level"),
        Field("FILOSOFI_MEASURE", into="measure"),
        Field("TIME_PERIOD", "count", into="year"),
        Field("OBS_VALUE", "number", into="median_income_eur_year", missing=SECRET),
    ),
)


def _collect(fetch: Fetch, area: Area) -> tuple[SourceTable, ...]:
    file = fetch(FILOSOFI_URL, expected="zip")
    rows = read_delimited(
        file,
        LAYOUT,
        where=[
            Where("insee_code", area.asked_codes),
            Where("level", ("COM",)),
            Where("measure", (MEDIAN,)),
        ],
        member=MEMBER,
    )
    years = sorted(set(rows["year"]))
    if len(years) != 1 or rows["insee_code"].duplicated().any():
        raise SourceError(
            f"{LAYOUT.source}: {file.name} was expected to hold {MEDIAN} of one year, once for "
            f"each commune; found the years {', '.join(map(str, years)) or 'none'}. Name the "
            "edition that is wanted in geo_matcher/sources/filosofi.py."
        )
    # Medians of former communes give none of the present one.
    rows = rows[area.is_own_figure(rows["insee_code"])]
    frame = pd.DataFrame(rows[["insee_code", "median_income_eur_year", "year"]])
    return (
        SourceTable(
            "incomes",
            frame.sort_values("insee_code", ignore_index=True),
            Origin(
                title_fr="Niveau de vie médian par commune",
                title_en="Median standard of living by commune",
                producer="INSEE, DGFiP, CNAF, CNAV, CCMSA",
                vintage=str(years[0]),
                **LICENCE_OUVERTE,
                url=PAGE,
                quality="measured",
                credit_fr=f"INSEE, Filosofi {years[0]}",
                credit_en=f"INSEE, Filosofi {years[0]}",
                note_fr="Revenu disponible par unité de consommation, pas un salaire. Le chiffre "
                "des petites communes est secret : il manque, il n’est pas nul.",
                note_en="Disposable income per consumption unit, not a wage. The figure of small "
                "communes is kept secret: it is missing, not zero.",
            ),
            (file,),
        ),
    )


SOURCE = Source("incomes", "INSEE", ("incomes",), _collect)
"""Incomes, one row per commune of the source; a commune without row was not covered."""
