"""Schools: the directory of the ministry of education.

Hides that a département is written in three characters there, that sections of a school are listed
as schools, and that a primary school tells by two columns what it teaches.
"""

from __future__ import annotations

from urllib.parse import quote

import numpy as np
import pandas as pd

from geo_matcher.errors import SourceError
from geo_matcher.sources.delimited import Field, Layout, Where, read_delimited
from geo_matcher.sources.licences import LICENCE_OUVERTE
from geo_matcher.sources.source import Area, Fetch, Origin, Source, SourceTable

__all__ = ["SOURCE", "schools_url"]

PAGE = "https://data.education.gouv.fr/explore/dataset/fr-en-annuaire-education/"
_EXPORT = (
    "https://data.education.gouv.fr/api/explore/v2.1/catalog/datasets/"
    "fr-en-annuaire-education/exports/csv"
)
KINDS = {"Ecole": "primary", "Collège": "college", "Lycée": "lycee"}
SECTORS = {"Public": "public", "Privé": "private"}
OPEN = "OUVERT"
YES = ("1", "1.0", "OUI", "TRUE")


def _field(name: str, kind: str = "text", into: str = "", missing: tuple[str, ...] = ()) -> Field:
    """Return a column whose name the export writes with or without a capital."""
    return Field(name, kind, into, aliases=(name.lower(),), missing=missing)  # type: ignore[arg-type]


LAYOUT = Layout(
    source="Education nationale, annuaire",
    fields=(
        _field("Identifiant_de_l_etablissement", into="uai"),
        _field("Nom_etablissement", into="name"),
        _field("Type_etablissement", into="category"),
        _field("Statut_public_prive", into="sector"),
        _field("Code_commune", "code", "insee_code"),
        _field("Ecole_maternelle", into="nursery"),
        _field("Ecole_elementaire", into="elementary"),
        _field("libelle_nature", into="nature"),
        _field("etat", into="state"),
        _field("date_maj_ligne", "day", "updated", missing=("",)),
    ),
)


def schools_url(departement: str) -> str:
    """Return the address of the schools of a département, which has 3 characters there: ``032``."""
    condition = quote(f'code_departement="{departement.zfill(3)}"')
    return f"{_EXPORT}?where={condition}&delimiter=%3B"


def _collect(fetch: Fetch, area: Area) -> tuple[SourceTable, ...]:
    file = fetch(schools_url(area.departement), expected="csv")
    rows = read_delimited(file, LAYOUT, where=[Where("insee_code", area.with_former(area.codes))])
    rows["insee_code"] = area.current(rows["insee_code"])
    kind = rows["category"].map(KINDS)
    is_elementary = rows["elementary"].str.upper().isin(YES)
    is_school = (
        kind.notna()
        & (rows["state"].str.upper() == OPEN)
        & ~rows["nature"].str.upper().str.startswith("SECTION")
        & ((kind != "primary") | is_elementary)
    )
    rows, kind = rows[is_school], kind[is_school]
    if rows.empty:
        raise SourceError(
            f"{LAYOUT.source}: {file.name} holds no open school of the département "
            f"{area.departement} ({file.url}). The code of the département or the words of "
            "'Type_etablissement' and 'etat' may have changed: see docs/data.md."
        )
    updated = str(rows["updated"].max()) or file.day.isoformat()
    has_nursery = rows["nursery"].str.upper().isin(YES)
    primary = np.where(has_nursery, "primaire (maternelle+elementaire)", "elementaire")
    frame = pd.DataFrame(
        {
            "kind": kind.astype("str"),
            "type": np.select(
                [kind == "primary", kind == "college"],
                [primary, "college"],
                rows["nature"].str.lower(),
            ),
            "uai": rows["uai"],
            "name": rows["name"],
            "sector": rows["sector"].map(SECTORS).fillna(""),
            "insee_code": rows["insee_code"],
            "pupils": np.nan,
            "school_year": updated[:4],
        }
    )
    return (
        SourceTable(
            "schools",
            frame.sort_values(["kind", "uai"], ignore_index=True).drop_duplicates(
                ["uai", "kind"], ignore_index=True
            ),
            Origin(
                title_fr="Écoles, collèges et lycées",
                title_en="Primary schools, collèges and lycées",
                producer="Ministère de l’Éducation nationale (DEPP)",
                vintage=updated,
                **LICENCE_OUVERTE,
                url=PAGE,
                quality="declared",
                credit_fr=f"Éducation nationale, annuaire, {updated}",
                credit_en=f"Education ministry, directory, {updated}",
                note_fr="Écoles ouvertes qui ont un niveau élémentaire, collèges et lycées, sans "
                "leurs sections ; celles qui vont fermer n’y sont plus. Les effectifs ne sont pas "
                "donnés.",
                note_en="Open schools with an elementary level, collèges and lycées, without their "
                "sections; those about to close are left out. The number of pupils is not given.",
            ),
            (file,),
        ),
    )


SOURCE = Source("schools", "Éducation nationale", ("schools",), _collect)
"""Schools of the département."""
