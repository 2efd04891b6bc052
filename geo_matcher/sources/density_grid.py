"""The density grid of INSEE: from 1, a dense city, to 7, very scattered countryside.

Hides a workbook whose titles stand above the names of its columns.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from geo_matcher.errors import SourceError
from geo_matcher.sources.editions import newer_note, newest
from geo_matcher.sources.licences import LICENCE_OUVERTE
from geo_matcher.sources.source import Area, Edition, Fetch, Origin, Source, SourceTable
from geo_matcher.sources.workbooks import SheetColumn, read_sheet

__all__ = ["SOURCE", "density_url"]

FIRST_YEAR = 2025
"""Year of the edition whose address is known; it names its year, as those to come should."""

PAGE = "https://www.insee.fr/fr/information/8571524"
NAMED = "INSEE, density grid"
LEVELS = range(1, 8)


def density_url(year: int) -> str:
    """Return the address of the grid on the communes of a year."""
    return f"https://www.insee.fr/fr/statistiques/fichier/8571524/fichier_diffusion_{year}.xlsx"


def _editions(_: Fetch, __: str, today: dt.date) -> Iterator[Edition]:
    for year in range(today.year, FIRST_YEAR - 1, -1):
        yield Edition(str(year), (density_url(year),), is_guess=year > FIRST_YEAR)


def _collect(fetch: Fetch, area: Area) -> tuple[SourceTable, ...]:
    edition, (file,) = newest(fetch, _editions, area.departement, expected="xlsx", source=NAMED)
    year = edition.name
    _, frame = read_sheet(
        file,
        NAMED,
        r"(?i)maille communale|communes?$",
        r"^CODGEO$",
        (SheetColumn(r"^DENS7$", "density_level"),),
        area.asked_codes,
    )
    # A level of a former commune is none of the present one.
    frame = frame[area.is_own_figure(frame["insee_code"])]
    wrong = frame[~frame["density_level"].isin(LEVELS)]
    if len(wrong) or frame.empty:
        first = wrong.head(1).to_dict("records")
        found = first[0]["density_level"] if first else "no row of the area"
        raise SourceError(
            f"{NAMED}: {file.name}: expected levels 1 to 7 in the column DENS7 for the communes of "
            f"the area, found {found}. The producer may have changed its format: see docs/data.md."
        )
    frame = frame.astype({"density_level": "int64"}).assign(year=int(year))
    return (
        SourceTable(
            "density_grid",
            frame.sort_values("insee_code", ignore_index=True),
            Origin(
                title_fr="Grille de densité à sept niveaux",
                title_en="Density grid, seven levels",
                producer="INSEE",
                vintage=year,
                **LICENCE_OUVERTE,
                url=PAGE,
                quality="measured",
                credit_fr=f"INSEE, grille communale de densité {year}",
                credit_en=f"INSEE, density grid of communes, {year}",
                note_fr="De 1 (grand centre urbain) à 7 (rural à habitat très dispersé), d’après "
                "des carreaux d’un kilomètre : ce n’est pas la densité moyenne de la commune."
                + newer_note(edition, "fr"),
                note_en="From 1 (large urban centre) to 7 (very scattered rural), from squares of "
                "one kilometre: this is not the mean density of the commune."
                + newer_note(edition, "en"),
            ),
            (file,),
        ),
    )


SOURCE = Source("density", "INSEE", ("density_grid",), _collect, _editions)
"""The level of each commune."""
