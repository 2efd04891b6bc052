"""The communes of a release made new, with the mergers of a year, and what people put in kept.

Hides what becomes of whatever speaks of a commune that is no more: it is renewed, carried to the
commune that it has become a part of, or told with what to do about it. Nothing is lost in silence.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import tomlkit

from geo_matcher.build import write_csv
from geo_matcher.catalog import CATALOG_FILE, Catalog
from geo_matcher.corrected_release import record_withdrawal
from geo_matcher.corrections import CORRECTIONS_FILE, Correction, Withdrawal, replaced_by
from geo_matcher.errors import DataError
from geo_matcher.new_release import KEPT_KINDS, renew_sources
from geo_matcher.sources.contacts import CONTACT_COLUMNS, CONTACTS_URL
from geo_matcher.sources.source import Area, SourceTable
from geo_matcher.tables import read_table
from geo_matcher.territory_file import TERRITORY_FILE

__all__ = [
    "CarriedCorrections",
    "carried_corrections",
    "contacts_kept",
    "gone_communes",
    "places_carried",
    "renew_communes",
]

ON_RECORD = ("corrections", "withdrawn_corrections")
"""Tables of people that may speak of communes that are no more: they are looked at one by one."""

MAX_NAMED = 5


class CarriedCorrections(NamedTuple):
    """What becomes of corrections when communes are no more.

    Attributes
    ----------
    rows
        The table ``corrections`` as it is to be.
    told
        A sentence for each that was carried, and for each that a newer one has replaced.
    refused
        A sentence for each that cannot be carried.
    replaced
        Those that a newer one of the same place has replaced, as they were signed.
    """

    rows: pd.DataFrame
    told: list[str]
    refused: list[str]
    replaced: list[Withdrawal]


def gone_communes(before: Collection[str], area: Area) -> dict[str, str]:
    """Return the communes of a release that are no more.

    Parameters
    ----------
    before
        INSEE codes of its communes.
    area
        The département as it is now.

    Returns
    -------
    dict
        For the code of each, that of the commune it has become a part of; empty where that is not
        known.
    """
    own = frozenset(area.codes)
    return {
        code: "" if (now := area.merged.get(code, "")) not in area.known_codes else now
        for code in sorted(before)
        if code not in own
    }


def contacts_kept(
    tables: Collection[SourceTable], before: pd.DataFrame
) -> tuple[tuple[SourceTable, ...], bool]:
    """Return tables of communes with the contacts of before, where the directory gave none.

    Parameters
    ----------
    tables
        What the source of the communes gave.
    before
        The table ``communes_source`` of the release that is renewed.

    Returns
    -------
    tuple
        The tables, and whether the contacts of before were taken.
    """
    found = []
    is_kept = False
    for table in tables:
        if table.name == "communes_source" and all(f.url != CONTACTS_URL for f in table.files):
            is_kept = True
            known = before.set_index("insee_code")[list(CONTACT_COLUMNS)]
            frame = table.frame.copy()
            frame[list(CONTACT_COLUMNS)] = (
                known.reindex(frame["insee_code"]).fillna("").to_numpy(dtype=object)
            )
            origin = replace(
                table.origin,
                note_fr=f"{table.origin.note_fr} Contacts de la version précédente.",
                note_en=f"{table.origin.note_en} Contacts of the release before.",
            )
            found.append(replace(table, frame=frame.astype(table.frame.dtypes), origin=origin))
        else:
            found.append(table)
    return tuple(found), is_kept


def renew_communes(
    folder: Path, area: Area, tables: Collection[SourceTable], *, anew: Collection[str] = ()
) -> tuple[str, ...]:
    """Renew source tables of a release, those of its communes among them.

    Parameters
    ----------
    folder
        The release; its derived half is to be built anew afterwards.
    area
        The département as it is now.
    tables
        One table of each name.
    anew
        See :func:`geo_matcher.new_release.renew_sources`.

    Returns
    -------
    tuple of str
        A sentence for each correction that was carried to another commune or replaced there.

    Raises
    ------
    DataError
        If a table that is not renewed, or a correction, speaks of communes that are no more and
        cannot be carried; all are told at once.
    """
    catalog = Catalog.read(folder)
    before = read_table(folder, catalog["communes_source"].path, "communes_source")
    gone = gone_communes(list(before["insee_code"]), area)
    names = dict(zip(before["insee_code"], before["name"], strict=True))
    names |= dict(zip(area.town_halls["insee_code"], area.town_halls["name"], strict=True))
    problems = _left_behind(folder, catalog, {table.name for table in tables}, gone, names)
    told: list[str] = []
    if "corrections" in catalog:
        rows = read_table(folder, CORRECTIONS_FILE, "corrections")
        carried = carried_corrections(rows, gone, names)
        told = carried.told
        problems += carried.refused
        write_csv(carried.rows, folder / CORRECTIONS_FILE)
        for one in carried.replaced:
            record_withdrawal(folder, one)
    if problems:
        raise DataError(
            "The communes have changed, and this release cannot follow: " + "; ".join(problems),
            problems,
        )
    renew_sources(folder, tables, anew=anew)
    for name in KEPT_KINDS:
        if gone and name in (renewed := Catalog.read(folder)):
            path = renewed[name].path
            write_csv(places_carried(read_table(folder, path, name), gone), folder / path)
    _renew_head(folder, area, tables)
    return tuple(told)


def places_carried(places: pd.DataFrame, gone: Mapping[str, str]) -> pd.DataFrame:
    """Return places, such as markets that no source gives, in the communes that there are now.

    Parameters
    ----------
    places
        A table of places with ``insee_code``.
    gone
        See :func:`gone_communes`; places of one whose successor is not known stay there, and the
        gate tells.
    """
    codes = places["insee_code"].map(lambda code: gone.get(code) or code)
    return places.assign(insee_code=codes.astype(places["insee_code"].dtype))


def carried_corrections(
    rows: pd.DataFrame, gone: Mapping[str, str], names: Mapping[str, str]
) -> CarriedCorrections:
    """Carry the corrections of communes that are no more to those that they are a part of.

    A work place bears its name wherever it lies. What was said of a town hall, or of all shops of a
    kind in a commune, is not true of a larger one: people have to look at it. Where two then speak
    of the same place, the newer counts and the other stays on record, as when one is signed anew.

    Parameters
    ----------
    rows
        The table ``corrections``.
    gone
        See :func:`gone_communes`.
    names
        Name of each commune by its code.
    """
    signed_rows, rows = rows, rows.copy()
    told, refused, replaced = [], [], []
    fields = list(Correction.__dataclass_fields__)
    for row in rows.index[rows["insee_code"].isin(list(gone))]:
        one = rows.loc[row]
        code = str(one["insee_code"])
        now = gone[code]
        what = f"{one['place']} {one['column']}".strip()
        signed = f"{one['value']!r}, signed {one['day']} by {one['who']}"
        where = f"{names.get(code, code)} ({code})"
        if now and one["table"] == "workplaces":
            rows.loc[row, "insee_code"] = now
            told.append(
                f"Correction carried: {what} = {signed}, was of {where}, is of "
                f"{names.get(now, now)} ({now})."
            )
        else:
            part = f"is a part of {names.get(now, now)} ({now}) now" if now else "is no more"
            refused.append(
                f"corrections: {where} {part}, of which {what} = {signed} may not be true. "
                f"Withdraw it (`geo-matcher data withdraw {Correction(*one[fields]).id}`), refresh "
                "again, then sign what is true of the new commune"
            )
    key = ["insee_code", "table", "place", "column"]
    rows = rows.sort_values([*key, "day"], kind="stable")
    newest = rows.drop_duplicates(key, keep="last")
    for row in rows.index.difference(newest.index):
        before = signed_rows.loc[[row]].assign(insee_code=rows.loc[row, "insee_code"])
        (at,) = newest.index[(newest[key] == rows.loc[row, key]).all(axis=1)]
        by = Correction(*newest.loc[at, fields])
        (one,) = replaced_by(before, by)
        one = replace(one, correction=Correction(*signed_rows.loc[row, fields]))
        replaced.append(one)
        told.append(
            f"Correction replaced: {by.place} {by.column} = {one.correction.value!r}, signed "
            f"{one.correction.day} by {one.correction.who}, was of "
            f"{names.get(one.correction.insee_code, one.correction.insee_code)} "
            f"({one.correction.insee_code}); {by.value!r}, signed {by.day} by {by.who}, counts. "
            "It stays on record as withdrawn."
        )
    return CarriedCorrections(newest.reset_index(drop=True), told, refused, replaced)


def _left_behind(
    folder: Path,
    catalog: Catalog,
    renewed: Collection[str],
    gone: Mapping[str, str],
    names: Mapping[str, str],
) -> list[str]:
    """Return what is wrong with tables that stay and speak of communes that are no more."""
    problems = []
    for table in catalog.tables:
        kept = table.kind == "source" and table.name not in {*renewed, *ON_RECORD}
        if not gone or not kept or table.path == TERRITORY_FILE:
            continue
        frame = read_table(folder, table.path, table.name)
        if "insee_code" not in frame:
            continue
        strange = sorted(set(frame["insee_code"]) & gone.keys())
        if strange:
            shown = ", ".join(
                f"{names.get(code, code)} ({code}{f', now in {gone[code]}' if gone[code] else ''})"
                for code in strange[:MAX_NAMED]
            )
            problems.append(
                f"{table.name}: was not renewed and speaks of {shown}"
                f"{', …' if len(strange) > MAX_NAMED else ''}. Ask its source again, or give the "
                "table anew without them"
            )
    return problems


def _renew_head(folder: Path, area: Area, tables: Collection[SourceTable]) -> None:
    """Let the catalog say how many communes there are, and of which year."""
    file = folder / CATALOG_FILE
    document: Any = tomlkit.parse(file.read_text(encoding="utf-8"))
    release = document["release"]
    release["communes"] = len(area.codes)
    for table in tables:
        if table.name == "communes_source" and table.origin.vintage[:4].isdigit():
            release["cog_year"] = int(table.origin.vintage[:4])
    file.write_text(tomlkit.dumps(document), encoding="utf-8")
