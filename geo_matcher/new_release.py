"""A release made of tables that sources gave, or an old one with some of its tables made new.

Hides what is kept of the release before, and how what people gave stands beside what the sources
gave: by kind of row and by column, each with its credit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import tomlkit

from geo_matcher.atomic_folders import replacing
from geo_matcher.build import MADE_TABLES, build_derived, partner_list_entry, write_csv
from geo_matcher.catalog import AND, CATALOG_FILE, Catalog, Table
from geo_matcher.catalog_document import CatalogDocument, own_path
from geo_matcher.departements import departement_name
from geo_matcher.errors import DataError
from geo_matcher.gathering import fetched_table
from geo_matcher.membership import read_partner_list
from geo_matcher.missing_sources import NAMES_OF_KINDS, OPTIONAL_SOURCES
from geo_matcher.own_places import PLACE_TABLES, misplaced
from geo_matcher.release_store import ReleaseStore, told_of
from geo_matcher.road_store import write_roads
from geo_matcher.sources.licences import DVF_TERMS
from geo_matcher.sources.openstreetmap import Download
from geo_matcher.sources.osm_places import MAPPED
from geo_matcher.sources.source import Area, Origin, SourceTable
from geo_matcher.tables import read_given_table, read_table
from geo_matcher.territory import Territory, fold
from geo_matcher.territory_file import TERRITORY_FILE, Network, TerritoryFile

__all__ = [
    "GIVEN_BY",
    "JOINED_BY_KIND",
    "KEPT_KINDS",
    "check_output",
    "given_kinds",
    "joined_by_kind",
    "make_release",
    "own_tables",
    "renew_sources",
    "write_sources",
]

FETCHED = "fetched"
SIGNED = ("corrections", "withdrawn_corrections")
"""Tables of what people signed in a release, which nobody has in a file to give again."""

GIVEN_BY = "given for this service"
"""Producer of a table that was given with ``--own``."""

KEPT_KINDS: Mapping[str, tuple[str, ...]] = {
    "hubs": ("airport",),
    "culture": ("plus_beaux_villages", "weekly_market"),
}
"""Kinds of rows that people list and no source does, or not as well: a refresh keeps those of the
release before but the ones of the map, which has them anew. A market that people have listed wins
over those of the map in its commune."""

JOINED_BY_KIND = tuple(KEPT_KINDS)
"""Tables of which people may give some kinds, and the sources give the others."""

MEAN_PRICES = ("price_m2_mean_2022_2023", "price_m2_mean_2022", "price_m2_mean_2023")
KEPT_COLUMNS: Mapping[str, tuple[str, ...]] = {"housing_prices_rents": MEAN_PRICES}
"""Columns that no source gives: a refresh keeps those of the release before."""

PRICES_ORIGIN = Origin(
    title_fr="prix moyens 2022-2023",
    title_en="mean prices 2022-2023",
    producer="DGFiP (DVF)",
    vintage="2022-2023",
    **DVF_TERMS,
    url="",
    quality="estimated",
    credit_fr="DVF 2022-2023",
    credit_en="DVF 2022-2023",
    note_fr="Les prix moyens 2022-2023 viennent de la version précédente ; ils reposent parfois "
    "sur très peu de ventes, et les conditions DVF interdisent d’identifier les personnes.",
    note_en="Mean prices of 2022-2023 are those of the release before; they sometimes rest on "
    "very few sales, and the DVF terms forbid identifying people.",
)
"""Where the mean prices come from, whichever release brought them: their columns name the years."""

ROWS_FR = "Les lignes d’autres origines viennent de la version précédente."
ROWS_EN = "Rows of other origins are those of the release before."


def make_release(
    output: Path, fill: Callable[[Path], None], roads: Download | None = None
) -> Territory:
    """Fill a folder with sources, build it, check it and put it in place in one step.

    Parameters
    ----------
    output
        Where the release is to be; a release that is there is replaced, anything else is left.
    fill
        Writes the source half into an empty folder.
    roads
        Roads for the travel times; without them those of the town-hall network are estimated.

    Raises
    ------
    DataError
        If ``output`` holds something that is no release, or what was made does not pass the gate;
        what was there is as it was. Or if another program is writing there.
    """
    output = output.absolute()
    check_output(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with replacing(output) as copy, told_of(copy, str(output)):
        copy.mkdir()
        fill(copy)
        if roads is not None:
            write_roads(copy, roads)
        build_derived(copy)
        Territory.load(copy)
    return Territory.load(output)


def check_output(output: Path) -> None:
    """Refuse a place where a new release must not be written.

    Raises
    ------
    DataError
        If it is a file, holds files that are no release, is a release of a store, or one that holds
        corrections.
    """
    if output.exists() and not output.is_dir():
        raise DataError(f"{output} is a file. Name a folder.")
    if not output.is_dir() or not any(output.iterdir()):
        return
    if not (output / CATALOG_FILE).is_file():
        raise DataError(
            f"{output} holds files and is no release. Name a new folder, or one of a release."
        )
    if ReleaseStore.around(output) is not None:
        raise DataError(
            f"{output} is a release of a store, where nothing is changed. Name another folder and "
            "put it into service with `geo-matcher data publish`."
        )
    kept = [table.name for table in Catalog.read(output).tables if table.name in SIGNED]
    if kept:
        raise DataError(
            f"{output} holds what people put in ({', '.join(kept)}), which would be lost. Name "
            "another folder, or move this one away."
        )


def own_tables(folder: Path, area: Area, network: Network | None) -> tuple[SourceTable, ...]:
    """Read the tables that somebody gives of their own, in the shape of a release.

    Parameters
    ----------
    folder
        CSV files, each called like the source table that it is: ``workplaces.csv``,
        ``partners.csv``.
    area
        The département that they are about.
    network
        Its network, to which a list of partners is credited.

    Raises
    ------
    DataError
        If a file is no table of a release, or is broken; all problems are listed.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder. Name one that holds your tables as CSV files.")
    tables: list[SourceTable] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.csv")):
        name = path.stem
        try:
            if name == "partners":
                frame = read_partner_list(path, frozenset(area.codes))
            elif name in OPTIONAL_SOURCES:
                frame = read_given_table(path, name)
            else:
                problems.append(
                    f"{path.name} is no source table; there are: partners, "
                    + ", ".join(OPTIONAL_SOURCES)
                )
                continue
        except DataError as error:
            problems += [
                told if told.startswith(path.name) or str(path) in told else f"{path.name} {told}"
                for told in error.problems
            ]
            continue
        if name in PLACE_TABLES:
            problems += misplaced(frame, path.name, area)
        tables.append(SourceTable(name, frame, _given(name, network), ()))
    if problems:
        raise DataError(f"The tables in {folder} cannot be used: " + "; ".join(problems), problems)
    return tuple(tables)


def _given(name: str, network: Network | None) -> Origin:
    if name == "partners":
        fields = Origin.__dataclass_fields__
        entry = partner_list_entry(network)
        return Origin(**{k: str(v) for k, v in entry.items() if k in fields})
    return Origin(
        title_fr=f"Table « {name} » fournie pour cette version",
        title_en=f"Table {name}, given for this release",
        producer=GIVEN_BY,
        vintage="n.d.",
        licence="given for this service",
        licence_url="",
        url="",
        quality="declared",
        credit_fr="Donnée fournie pour ce service",
        credit_en="Given for this service",
        note_fr="Fournie par qui tient ce service ; elle remplace les sources officielles.",
        note_en="Given by who runs this service; it replaces the official sources.",
    )


WHOLE_TITLES = {
    "hubs": ("Gares de voyageurs et aéroports", "Railway stations and airports"),
}
"""Title of a table whose source gives some kinds only, once it holds those of people too."""


def joined_by_kind(own: SourceTable, found: SourceTable | None) -> tuple[SourceTable, str]:
    """Put a table that people gave beside what the source gave: own rows win for their kinds.

    Parameters
    ----------
    own
        What people gave, one of ``JOINED_BY_KIND``.
    found
        The same table of the source; None where it gave nothing.

    Returns
    -------
    tuple
        The whole table, whose origin names both, and a sentence that says which kinds are whose.
    """
    given = tuple(dict.fromkeys(own.frame["kind"]))
    counts = own.frame["kind"].value_counts()
    told = f"{own.name}: yours are " + ", ".join(f"{kind} ({counts[kind]})" for kind in given)
    marked = replace(own, origin=replace(own.origin, given_kinds=", ".join(given)))
    if found is None:
        return marked, f"{told}; the source gave nothing beside them."
    if not given:
        return found, f"{own.name}: your table is empty, the source's stays."
    rest = found.frame[~found.frame["kind"].isin(given)]
    dropped = len(found.frame) - len(rest)
    frame = pd.concat([rest, own.frame[list(rest.columns)]], ignore_index=True)
    if rest.empty:
        return replace(marked, frame=frame), f"{told}, in place of the {dropped} of the source."
    others = rest["kind"].value_counts()
    told += f" in place of the {dropped} of the source" if dropped else ""
    told += "; the source's are " + ", ".join(
        f"{kind} ({others[kind]})" for kind in dict.fromkeys(rest["kind"])
    )
    names = [names for kinds, names in NAMES_OF_KINDS.items() if set(kinds) & set(given)]
    origin = _both(
        found.origin,
        own.origin,
        f"Fournis par qui tient ce service : {', '.join(fr for fr, _ in names)}.",
        f"Given by who runs this service: {', '.join(en for _, en in names)}.",
    )
    origin = replace(_whole(own.name, origin), given_kinds=", ".join(given))
    return SourceTable(own.name, frame, origin, found.files), f"{told}."


def write_sources(
    folder: Path, area: Area, about: TerritoryFile, tables: Collection[SourceTable]
) -> None:
    """Write the source half of a release and a catalog that describes the whole.

    Parameters
    ----------
    folder
        An empty folder.
    area
        The département.
    about
        What the release is about.
    tables
        One table of each name; those of the communes among them.
    """
    name = departement_name(area.departement)
    cog_year = next(t.origin.vintage for t in tables if t.name == "communes_source")[:4]
    release: dict[str, str | int] = {
        "territory": "-".join(fold(name).split()),
        "name_fr": name,
        "name_en": name,
        "vintage": f"{cog_year}-01",  # at least; its newest table moves it on
        "cog_year": int(cog_year),
        "communes": len(area.communes),
    }
    told = "Written by `geo-matcher data build --departement`."
    CatalogDocument.begin(folder, told, release).write()
    said = about.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    (folder / TERRITORY_FILE).write_text(tomlkit.dumps(said), encoding="utf-8")
    renew_sources(folder, tables)
    document = CatalogDocument.read(folder)
    for own in ("territory", *MADE_TABLES):
        document.describe_own(own)
    document.write()


def given_kinds(before: Territory, anew: Collection[str] = ()) -> dict[str, tuple[str, ...]]:
    """Return the kinds of places that people gave and a refresh keeps, by table.

    Parameters
    ----------
    before
        The release that is renewed.
    anew
        Tables that are to be the source's again.
    """
    return {
        name: kinds
        for name in JOINED_BY_KIND
        if name in before.catalog and name not in anew
        if (kinds := _kinds_given(before.catalog[name], before.tables[name]))
    }


def _kinds_given(table: Table, frame: pd.DataFrame) -> tuple[str, ...]:
    if table.producer == GIVEN_BY and not table.kinds_given:
        return tuple(dict.fromkeys(frame["kind"]))
    return table.kinds_given


def renew_sources(
    folder: Path, tables: Collection[SourceTable], *, anew: Collection[str] = ()
) -> None:
    """Replace or add source tables of a release, each with its entry in the catalog.

    Rows of kinds that no source gives, or that people gave, are kept from the table before, and so
    are columns.

    Parameters
    ----------
    folder
        The release; its derived half is to be built anew afterwards.
    tables
        One table of each name.
    anew
        Tables of which the source's rows are taken even for kinds that people gave.
    """
    if not tables:
        return
    (folder / "source").mkdir(exist_ok=True)
    catalog = Catalog.read(folder)
    document = CatalogDocument.read(folder)
    for table in tables:
        if table.name not in catalog:
            end = "parquet" if isinstance(table.frame, gpd.GeoDataFrame) else "csv"
            path = f"source/{table.name.removesuffix('_source')}.{end}"
        else:
            path = catalog[table.name].path
        frame, origin = table.frame, table.origin
        if table.name in KEPT_KINDS and table.name in catalog:
            whole = _renewed_by_kind(folder, catalog[table.name], table, is_anew=table.name in anew)
            frame, origin = whole.frame, whole.origin
        columns = list(KEPT_COLUMNS.get(table.name, ()))
        if columns and table.name in catalog and frame[columns].isna().all(axis=None):
            frame = _with_kept_columns(folder, path, table)
            if frame[columns].notna().any(axis=None):
                origin = _with_prices(origin, catalog[table.name])
        _write(frame, folder / path)
        document.describe(table.name, origin, path=path)
    document.renew_vintage(table.origin.vintage for table in tables)
    _renew_fetched(folder, catalog, document, tables)
    document.write()


def _joined(now: str, before: str) -> str:
    rest = before.rsplit(AND, 1)[-1]
    return now if rest == now else f"{now}{AND}{rest}"


def _both(new: Origin, old: Table | Origin, note_fr: str, note_en: str) -> Origin:
    """Credit what is kept as well as what is new."""
    return replace(
        new,
        producer=_joined(new.producer, old.producer),
        licence=_joined(new.licence, old.licence),
        credit_fr=_joined(new.credit_fr, old.credit_fr),
        credit_en=_joined(new.credit_en, old.credit_en),
        note_fr=f"{new.note_fr} {note_fr}",
        note_en=f"{new.note_en} {note_en}",
    )


def _whole(name: str, origin: Origin) -> Origin:
    """Call a table by all the kinds that it holds once other kinds stand beside the source's."""
    title_fr, title_en = WHOLE_TITLES.get(name, (origin.title_fr, origin.title_en))
    return replace(origin, title_fr=title_fr, title_en=title_en)


def _with_prices(rents: Origin, before: Table) -> Origin:
    """Credit the mean prices that new rents are put beside, and who gave them if somebody did."""
    prices = PRICES_ORIGIN
    given = before if GIVEN_BY in before.producer else prices
    return replace(
        _both(rents, given, prices.note_fr, prices.note_en),
        title_fr=f"{rents.title_fr} et {prices.title_fr}",
        title_en=f"{rents.title_en} and {prices.title_en}",
        vintage=_joined(rents.vintage, prices.vintage),
    )


def _renewed_by_kind(folder: Path, old: Table, table: SourceTable, *, is_anew: bool) -> SourceTable:
    """Return a new table with what is kept of the one before: by kind, and as people gave it."""
    before = read_table(folder, old.path, old.name)
    given = set(_kinds_given(old, before))
    if is_anew:
        given -= set(table.frame["kind"])
    kept = before[before["kind"].isin(KEPT_KINDS[old.name]) & ~before["kind"].isin(given)]
    if "source" in kept:
        kept = kept[~kept["source"].str.startswith(MAPPED)]
    if len(kept):
        origin = _whole(old.name, _both(table.origin, old, ROWS_FR, ROWS_EN))
        table = replace(table, frame=_with_kept(table.frame, kept), origin=origin)
    if given:
        rows = before[before["kind"].isin(given)].reset_index(drop=True)
        own = SourceTable(old.name, rows, _given(old.name, None), ())
        table, _ = joined_by_kind(own, table)
    return table


def _with_kept(frame: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """Join what is kept to a new table, without the new rows that it makes needless."""
    where = ["kind", "insee_code"]
    known = pd.MultiIndex.from_frame(kept[where])
    fresh = frame[~pd.MultiIndex.from_frame(frame[where]).isin(known)]
    return pd.concat([fresh, kept], ignore_index=True)[list(kept.columns)]


def _with_kept_columns(folder: Path, path: str, table: SourceTable) -> pd.DataFrame:
    """Return new rows with the columns of before, and the rows that only those columns are in."""
    columns = list(KEPT_COLUMNS[table.name])
    before = read_table(folder, path, table.name)
    known = before[before[columns].notna().any(axis=1)].set_index("insee_code")
    more = known[~known.index.isin(table.frame["insee_code"])].reset_index()
    of_source = table.frame.columns.difference([*columns, "insee_code", "current_insee"])
    more[list(of_source)] = np.nan
    frame = table.frame.copy()
    for column in columns:
        frame[column] = frame["insee_code"].map(known[column]).astype("float64")
    both = pd.concat([frame, more[list(frame.columns)]] if len(more) else [frame])
    return both.sort_values("insee_code", ignore_index=True)


def _renew_fetched(
    folder: Path, catalog: Catalog, document: CatalogDocument, tables: Collection[SourceTable]
) -> None:
    found = fetched_table([table for table in tables if table.files])
    path = own_path(FETCHED)
    if FETCHED in catalog:
        before = read_table(folder, path, FETCHED)
        kept = before[~before["table"].isin([table.name for table in tables])]
        found = pd.concat([kept, found], ignore_index=True)
    if found.empty:
        return
    write_csv(found.sort_values(["table", "url"], ignore_index=True), folder / path)
    document.describe_own(FETCHED)


def _write(frame: pd.DataFrame, path: Path) -> None:
    if isinstance(frame, gpd.GeoDataFrame):
        frame.to_parquet(path, index=False, compression="zstd")
    else:
        write_csv(frame, path)
