"""Sales of houses and flats: "demandes de valeurs foncières", DGFiP, geolocated by Etalab.

Hides that one sale can stand on several rows which all repeat its price, and that a département may
have no file at all. The method is that of the statistics that data.gouv.fr publishes from the same
files.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pandas as pd

from geo_matcher.errors import SourceError
from geo_matcher.sources.delimited import Field, Layout, read_delimited
from geo_matcher.sources.editions import newest
from geo_matcher.sources.licences import DVF_TERMS
from geo_matcher.sources.source import Area, Edition, Fetch, Fetched, Origin, Source, SourceTable

__all__ = ["SOURCE", "sales_url"]

PAGE = "https://www.data.gouv.fr/datasets/demandes-de-valeurs-foncieres-geolocalisees"
YEARS = 5
MIN_SALES = 5
"""Sales under which a median is withheld."""

MAX_EUR_M2 = 100_000.0
"""Price per m² from which a sale is not counted, as in the published statistics."""

NOT_COVERED = ("57", "67", "68", "976")
"""Départements whose sales are in another register, which is not published."""

NATURES = ("Vente", "Vente en l'état futur d'achèvement", "Adjudication")
DWELLINGS = {"1": "house", "2": "flat"}
BUILT = (*DWELLINGS, "4")
"""Premises that count as an item of a sale: house, flat, business; annexes and land do not."""

LAYOUT = Layout(
    source="DGFiP, DVF",
    fields=(
        Field("id_mutation", into="sale"),
        Field("date_mutation", "day", into="day"),
        Field("nature_mutation", into="nature"),
        Field("valeur_fonciere", "number", into="price_eur", missing=("",)),
        Field("code_commune", "code", into="insee_code_source"),
        Field("code_departement", into="departement"),
        Field("id_parcelle", into="plot"),
        Field("code_type_local", into="type"),
        Field("type_local", into="type_name"),
        Field("surface_reelle_bati", "number", into="area_m2", missing=("",)),
    ),
    delimiter=",",
)


def sales_url(year: int, departement: str) -> str:
    """Return the address of the sales of a year in a département."""
    return f"https://files.data.gouv.fr/geo-dvf/latest/csv/{year}/departements/{departement}.csv.gz"


def _collect(fetch: Fetch, area: Area) -> tuple[SourceTable, ...]:
    if area.departement in NOT_COVERED:
        raise SourceError(
            f"{LAYOUT.source}: the sales of the département {area.departement} are not in this "
            "register (Moselle, Bas-Rhin, Haut-Rhin and Mayotte keep another). The release has no "
            "table of sales."
        )
    files = _files(fetch, area.departement)
    sales = pd.concat(
        [_single_sales(_rows(file, year, area.departement)) for year, file in files.items()],
        ignore_index=True,
    )
    if sales.empty:
        raise SourceError(
            f"{LAYOUT.source}: no sale of a house or flat in {', '.join(map(str, files))} for "
            f"the département {area.departement}. Check the natures and types of the files."
        )
    newest = str(sales["day"].max())
    sales["insee_code"] = area.current(sales["insee_code_source"])
    sales = sales[sales["insee_code"].isin(area.codes)]
    first, last = min(files), max(files)
    span = f"{first}-{last}"
    # A year that is not over yet in the file is told, so that nobody compares it with the others.
    vintage = span if newest >= f"{last}-12" else f"{span} (to {newest})"
    origin = {
        "producer": "DGFiP, Etalab",
        "vintage": vintage,
        **DVF_TERMS,
        "url": PAGE,
        "quality": "measured",
        "credit_fr": f"DVF (DGFiP, Etalab), ventes {span}",
        "credit_en": f"DVF (DGFiP, Etalab), sales of {span}",
        "note_fr": "Médiane masquée sous cinq ventes ; additionnez des ventes, jamais des médianes."
        " Une vente de plusieurs locaux n’est pas comptée. Les conditions DVF interdisent "
        "d’identifier les personnes et de faire indexer ces données par les moteurs de recherche.",
        "note_en": "The median is withheld under five sales; add sales, never medians. A sale of "
        "several premises is not counted. The DVF terms forbid identifying people and having these "
        "data indexed by search engines.",
    }
    return (
        SourceTable(
            "housing_sales",
            _by_year(sales, area, tuple(files)),
            Origin(
                title_fr="Ventes de maisons et d’appartements, par commune et par an",
                title_en="Sales of houses and flats, by commune and year",
                **origin,
            ),
            tuple(files.values()),
        ),
        SourceTable(
            "housing_medians",
            _whole_span(sales, first, last),
            Origin(
                title_fr="Prix médian des maisons sur cinq ans, par commune",
                title_en="Median price of houses over five years, by commune",
                **origin,
            ),
            tuple(files.values()),
        ),
    )


def _editions(_: Fetch, departement: str, today: dt.date) -> Iterator[Edition]:
    """Return the last year and the one before: the last may not be published yet."""
    for year in (today.year - 1, today.year - 2):
        yield Edition(str(year), (sales_url(year, departement),))


def _files(fetch: Fetch, departement: str) -> dict[int, Fetched]:
    """Return the files of five years, up to the newest that is published."""
    edition, (file,) = newest(fetch, _editions, departement, expected="gzip", source=LAYOUT.source)
    last = int(edition.name)
    older = range(last - YEARS + 1, last)
    return {
        **{year: fetch(sales_url(year, departement), expected="gzip") for year in older},
        last: file,
    }


def _rows(file: Fetched, year: int, departement: str) -> pd.DataFrame:
    rows = read_delimited(file, LAYOUT)
    for column, found, expected in (
        ("date_mutation", rows["day"].str[:4], str(year)),
        ("code_departement", rows["departement"], departement),
    ):
        others = sorted(set(found) - {expected})
        if others:
            raise SourceError(
                f"{LAYOUT.source}: {file.name} ({file.url}), column {column!r}: expected "
                f"{expected} only, found {', '.join(others[:3])}. The file is not the one that was "
                "asked for: delete it from the cache and try again."
            )
    return rows


def _single_sales(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the sales of one dwelling alone, with their price per m²."""
    rows = rows.drop_duplicates()
    rows = rows[rows["nature"].isin(NATURES) & rows["type"].isin(BUILT)]
    rows = rows[~rows["sale"].duplicated(keep=False)]
    rows = rows[rows["type"].isin(DWELLINGS)]
    price = rows["price_eur"] / rows["area_m2"].where(rows["area_m2"] > 0)
    rows = rows.assign(eur_m2=price, kind=rows["type"].map(DWELLINGS))
    return rows[(rows["eur_m2"] > 0) & (rows["eur_m2"] < MAX_EUR_M2)]


def _medians(sales: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return number and median of the sales of each kind; few sales have no median."""
    groups = sales.groupby([*by, "kind"])["eur_m2"].agg(["median", "size"]).round(0)
    groups["median"] = groups["median"].where(groups["size"] >= MIN_SALES)
    wide = groups.unstack("kind")
    return pd.DataFrame(
        {
            name: wide.get((figure, kind), np.nan)
            for kind in DWELLINGS.values()
            for name, figure in (
                (f"{kind}_median_eur_m2", "median"),
                (f"{kind}_sales", "size"),
            )
        },
        index=wide.index,
    )


def _by_year(sales: pd.DataFrame, area: Area, years: tuple[int, ...]) -> pd.DataFrame:
    """Return one row per code and year, with rows of no sales."""
    sales = sales.assign(year=sales["day"].str[:4].astype("int64"))
    codes = sorted(set(area.codes) | set(sales["insee_code_source"]))
    all_rows = pd.MultiIndex.from_product([codes, years], names=["insee_code_source", "year"])
    frame = _medians(sales, ["insee_code_source", "year"]).reindex(all_rows).reset_index()
    frame = frame.astype({"insee_code_source": "str", "year": "int64"})
    for kind in DWELLINGS.values():
        frame[f"{kind}_sales"] = frame[f"{kind}_sales"].fillna(0).astype("int64")
        frame[f"{kind}_median_eur_m2"] = frame[f"{kind}_median_eur_m2"].astype("float64")
    frame.insert(0, "insee_code", area.current(frame["insee_code_source"]))
    return frame.sort_values(["insee_code_source", "year"], ignore_index=True)


def _whole_span(sales: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
    """Return the median of all years together, of communes that have enough sales."""
    found = _medians(sales, ["insee_code"])
    found = found[found["house_median_eur_m2"].notna()].reset_index()
    return pd.DataFrame(
        {
            "insee_code": found["insee_code"].astype("str"),
            "first_year": first,
            "last_year": last,
            "house_median_eur_m2": found["house_median_eur_m2"].astype("float64"),
            "house_sales": found["house_sales"].astype("int64"),
        }
    ).sort_values("insee_code", ignore_index=True)


SOURCE = Source("sales", "DGFiP, Etalab", ("housing_sales", "housing_medians"), _collect, _editions)
"""Sales of the last five whole years; ``housing_medians`` takes the five years together."""
