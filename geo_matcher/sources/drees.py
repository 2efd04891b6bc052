"""Access to general practitioners: the indicator APL of DREES.

Hides a workbook with one sheet a year, the newest of which is taken.
"""

from __future__ import annotations

import re

from geo_matcher.errors import SourceError
from geo_matcher.sources.licences import LICENCE_OUVERTE
from geo_matcher.sources.source import Area, Fetch, Origin, Source, SourceTable
from geo_matcher.sources.workbooks import SheetColumn, read_sheet

__all__ = ["APL_URL", "SOURCE"]

_DATASET = "530_l-accessibilite-potentielle-localisee-apl"
APL_URL = (
    "https://data.drees.solidarites-sante.gouv.fr/api/explore/v2.1/catalog/datasets/"
    f"{_DATASET}/attachments/indicateur_d_apl_aux_medecins_generalistes_xlsx"
)
PAGE = f"https://data.drees.solidarites-sante.gouv.fr/explore/dataset/{_DATASET}/"
NAMED = "DREES, APL"
MAX_CONSULTATIONS = 100.0


def _collect(fetch: Fetch, area: Area) -> tuple[SourceTable, ...]:
    file = fetch(APL_URL, expected="xlsx")
    sheet, frame = read_sheet(
        file,
        NAMED,
        r"^APL[ _]?20\d{2}$",
        r"^code commune",
        (SheetColumn(r"^APL aux m.decins g.n.ralistes$", "apl_consultations"),),
        area.with_former(area.codes),
    )
    year = re.sub(r"\D", "", sheet)
    # What is published for a former commune is no figure of the present one.
    frame = frame[area.is_own_figure(frame["insee_code"])].dropna()
    wrong = frame[~frame["apl_consultations"].between(0, MAX_CONSULTATIONS)]
    if frame.empty or len(wrong):
        first = next(iter(wrong.to_dict("records")), None)
        found = f"{first['apl_consultations']:g} for {first['insee_code']}" if first else "no row"
        raise SourceError(
            f"{NAMED}: {file.name}, sheet {sheet!r}: expected consultations a year and inhabitant "
            f"of the communes of the area, from 0 to {MAX_CONSULTATIONS:g}; found {found}. The "
            "producer may have changed its format: see docs/data.md."
        )
    return (
        SourceTable(
            "apl_doctors",
            frame.assign(year=int(year)).sort_values("insee_code", ignore_index=True),
            Origin(
                title_fr="Accessibilité aux médecins généralistes (APL)",
                title_en="Access to general practitioners (APL)",
                producer="DREES",
                vintage=year,
                **LICENCE_OUVERTE,
                url=PAGE,
                quality="estimated",
                credit_fr=f"DREES, APL aux médecins généralistes {year}",
                credit_en=f"DREES, APL of general practitioners, {year}",
                note_fr="Consultations accessibles par an et par habitant, standardisées selon "
                "l’âge ; sous 2,5 le territoire est dit sous-dense. L’indicateur ne dit pas qui "
                "prend de nouveaux patients.",
                note_en="Consultations within reach a year and inhabitant, standardised by age; "
                "under 2.5 an area is called underserved. It does not tell who takes new patients.",
            ),
            (file,),
        ),
    )


SOURCE = Source("apl", "DREES", ("apl_doctors",), _collect)
"""The indicator of each commune, newest year."""
