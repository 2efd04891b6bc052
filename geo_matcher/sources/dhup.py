"""Advertised rents by commune: the "carte des loyers" of DHUP and ANIL.

Hides that houses and flats come in two files, in Latin-1, with decimal commas.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pandas as pd

from geo_matcher.errors import SourceError
from geo_matcher.sources.delimited import Field, Layout, Where, read_delimited
from geo_matcher.sources.editions import files_listed, newer_note, newest
from geo_matcher.sources.licences import LICENCE_OUVERTE
from geo_matcher.sources.source import Area, Edition, Fetch, Origin, Source, SourceTable

__all__ = ["RENT_URLS", "SOURCE"]

KNOWN_YEAR = 2025


def _page(year: int) -> str:
    return f"carte-des-loyers-indicateurs-de-loyers-dannonce-par-commune-en-{year}"


_BASE = f"https://static.data.gouv.fr/resources/{_page(KNOWN_YEAR)}/"
RENT_URLS = {
    "rent_apartment_eur_m2_month": f"{_BASE}20251211-145010/pred-app-mef-dhup.csv",
    "rent_house_eur_m2_month": f"{_BASE}20251211-145039/pred-mai-mef-dhup.csv",
}
"""Files of the newest year that is known; each year has a page of its own, which lists them."""

PLAUSIBLE_EUR_M2 = (1.0, 100.0)

LAYOUT = Layout(
    source="DHUP, carte des loyers",
    fields=(
        Field("INSEE_C", "code", into="insee_code", aliases=("INSEE",)),
        Field("loypredm2", "number", into="rent"),
    ),
    decimal=",",
)


def _editions(fetch: Fetch, _: str, today: dt.date) -> Iterator[Edition]:
    """Return the years whose page lists the files of flats and of houses, then the known one."""
    names = [url.rsplit("/", 1)[-1] for url in RENT_URLS.values()]
    for year in range(today.year, KNOWN_YEAR - 1, -1):
        try:
            listed = files_listed(fetch, _page(year), LAYOUT.source)
        except SourceError as error:
            yield Edition(str(year), (), problem=str(error))
            continue
        by_name = {url.rsplit("/", 1)[-1]: url for url in listed}
        if by_name.keys() >= set(names):
            urls = tuple(by_name[name] for name in names)
            yield Edition(str(year), urls, is_guess=set(urls) != set(RENT_URLS.values()))
    yield Edition(str(KNOWN_YEAR), tuple(RENT_URLS.values()))


def _collect(fetch: Fetch, area: Area) -> tuple[SourceTable, ...]:
    edition, files = newest(
        fetch, _editions, area.departement, expected="csv", source=LAYOUT.source
    )
    year = edition.name
    wanted = area.with_former(area.codes)
    rents = {}
    for column, file in zip(RENT_URLS, files, strict=True):
        rows = read_delimited(file, LAYOUT, where=[Where("insee_code", wanted)])
        if rows.empty or rows["insee_code"].duplicated().any():
            raise SourceError(
                f"{LAYOUT.source}: {file.name} was expected to hold each commune of the area once, "
                f"found {len(rows)} rows. The producer may have changed its format: see "
                "docs/data.md."
            )
        wrong = rows[~rows["rent"].between(*PLAUSIBLE_EUR_M2)]
        if len(wrong):
            code, rent = wrong.iloc[0]
            raise SourceError(
                f"{LAYOUT.source}: {file.name}, column 'loypredm2': commune {code} has {rent:g}, "
                "expected euros per m² and month, between 1 and 100."
            )
        rents[column] = rows.set_index("insee_code")["rent"].round(4)
    frame = pd.DataFrame(rents).rename_axis("insee_code").reset_index()
    frame = frame.astype({"insee_code": "str"})
    frame.insert(1, "current_insee", area.current(frame["insee_code"]))
    _drop_seats(frame, area)
    for place, column in enumerate(("mean_2022_2023", "mean_2022", "mean_2023"), start=2):
        frame.insert(place, f"price_m2_{column}", float("nan"))
    return (
        SourceTable(
            "housing_prices_rents",
            frame.sort_values("insee_code", ignore_index=True),
            Origin(
                title_fr=f"Loyers d’annonce {year}",
                title_en=f"Advertised rents {year}",
                producer="DHUP et ANIL (Carte des loyers)",
                vintage=year,
                **LICENCE_OUVERTE,
                url=f"https://www.data.gouv.fr/datasets/{_page(int(year))}",
                quality="estimated",
                credit_fr=f"Carte des loyers {year} (DHUP, ANIL)",
                credit_en=f"Carte des loyers {year} (DHUP, ANIL)",
                note_fr="Les loyers sont estimés par modèle, charges comprises, non meublé, le "
                "plus souvent pour toute une zone. Aucun prix moyen n’est publié avec eux. "
                "Data.gouv.fr ne précise pas la licence de l’édition 2025 ; "
                "celle-ci est celle que disent ceux qui la réutilisent."
                + newer_note(edition, "fr"),
                note_en="Rents come from a model, charges included, unfurnished, mostly for a "
                "whole zone. No mean price is published with them. Data.gouv.fr "
                "does not specify the licence of the 2025 edition; this one is what those who "
                "re-use it say." + newer_note(edition, "en"),
            ),
            files,
        ),
    )


def _drop_seats(frame: pd.DataFrame, area: Area) -> None:
    """Empty the rents under the code of a seat that has merged since the file, in place.

    They are those of the former commune there, unless its former neighbours bear the same: then
    all of them lie in one zone of the model, and so does the present commune.
    """
    is_seat = (frame["insee_code"] == frame["current_insee"]) & ~area.is_own_figure(
        frame["insee_code"]
    )
    for column in RENT_URLS:
        is_one = frame.groupby("current_insee")[column].transform("nunique", dropna=False) == 1
        frame[column] = frame[column].mask(is_seat & ~is_one)


SOURCE = Source("rents", "DHUP, ANIL", ("housing_prices_rents",), _collect, _editions)
"""Rents of houses and flats; the columns of mean prices are empty."""
