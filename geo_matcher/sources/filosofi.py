"""Median standard of living by commune, INSEE (Filosofi).

Hides a file of one row per place and measure, in which a figure that is kept secret is empty.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pandas as pd

from geo_matcher.errors import SourceError
from geo_matcher.sources.delimited import Field, Layout, Where, read_delimited
from geo_matcher.sources.editions import newer_note, newest
from geo_matcher.sources.licences import LICENCE_OUVERTE
from geo_matcher.sources.source import Area, Edition, Fetch, Origin, Source, SourceTable

__all__ = ["FILOSOFI_URL", "SOURCE", "filosofi_url"]

FILOSOFI_URL = "https://www.insee.fr/fr/statistiques/fichier/8984752/FILOSOFI_CC_csv.zip"
"""The edition of 2023, the newest whose page is known."""

KNOWN = (
    Edition("2023", (FILOSOFI_URL,)),
    Edition(
        "2021",
        (
            "https://www.insee.fr/fr/statistiques/fichier/7756729/"
            "base-cc-filosofi-2021-geo2025_csv.zip",
        ),
    ),
)
"""Editions at the pages of INSEE, whose number tells no year; there was none of 2022."""

PAGES = {
    "2023": "https://www.insee.fr/fr/statistiques/8984752",
    "2021": "https://www.insee.fr/fr/statistiques/7756729",
}
CATALOGUE = "https://catalogue-donnees.insee.fr/fr/catalogue/recherche/DS_FILOSOFI_CC"
MEMBER = r"(^|/)DS_FILOSOFI_CC(_\d{4})?_data\.csv$"
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


def filosofi_url(year: int) -> str:
    """Return the address of a year at the interface of INSEE, which names it."""
    return f"https://api.insee.fr/melodi/file/DS_FILOSOFI_CC/DS_FILOSOFI_CC_{year}_CSV_FR"


def _editions(_: Fetch, __: str, today: dt.date) -> Iterator[Edition]:
    for year in range(today.year - 1, int(KNOWN[0].name), -1):
        yield Edition(str(year), (filosofi_url(year),), is_guess=True)
    yield from KNOWN


def _collect(fetch: Fetch, area: Area) -> tuple[SourceTable, ...]:
    edition, (file,) = newest(
        fetch, _editions, area.departement, expected="zip", source=LAYOUT.source
    )
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
                url=PAGES.get(edition.name, CATALOGUE),
                quality="measured",
                credit_fr=f"INSEE, Filosofi {years[0]}",
                credit_en=f"INSEE, Filosofi {years[0]}",
                note_fr="Revenu disponible par unité de consommation, pas un salaire. Le chiffre "
                "des petites communes est secret : il manque, il n’est pas nul. La méthode a "
                "changé en 2023 : ne comparez pas avec les années d’avant."
                + newer_note(edition, "fr"),
                note_en="Disposable income per consumption unit, not a wage. The figure of small "
                "communes is kept secret: it is missing, not zero. The method changed in 2023: "
                "do not compare with earlier years." + newer_note(edition, "en"),
            ),
            (file,),
        ),
    )


SOURCE = Source("incomes", "INSEE", ("incomes",), _collect, _editions)
"""Incomes, one row per commune of the source; a commune without row was not covered."""
