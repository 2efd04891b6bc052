"""Fixed internet and mobile sites by commune, from Arcep.

Hides two published counts of premises with their own denominators, thresholds that hold each other,
columns that were renamed, files of different quarters under addresses that do not name one,
communes that only one of the counts knows, and a shapefile that lies about its encoding.
"""

from __future__ import annotations

import datetime as dt
import difflib
import itertools
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyogrio

from geo_matcher.errors import SourceError
from geo_matcher.schemas import SCHEMAS
from geo_matcher.sources.delimited import Field, Layout, Where, read_delimited, refuse_file
from geo_matcher.sources.economie import copper_closures
from geo_matcher.sources.editions import newest
from geo_matcher.sources.licences import LICENCE_OUVERTE
from geo_matcher.sources.source import (
    MAX_ABSENT_SHARE,
    Area,
    Edition,
    Fetch,
    Fetched,
    Origin,
    Source,
    SourceTable,
)

__all__ = ["BROADBAND", "CARTEFIBRE_URL", "MCI_URL", "MOBILE", "mobile_sites_url"]

MCI_URL = "https://data.arcep.fr/fixe/maconnexioninternet/statistiques/last/commune"
"""Folder of the newest statistics by commune."""

CARTEFIBRE_URL = (
    "https://www.data.gouv.fr/api/1/datasets/"
    "le-marche-du-haut-et-tres-haut-debit-fixe-deploiements/"
)
"""What lists the files of Cartefibre."""

CARTEFIBRE_TITLE = re.compile(r"(\d{4})T([1-4])-Commune", re.IGNORECASE)
CARTEFIBRE_SOURCE = "Arcep, Cartefibre"
CARTEFIBRE_COLUMNS = ("INSEE_COM", "Locaux", "ftth")
DBF_ENCODING = "latin-1"
"""How the table of the shapefile is written, whatever its .cpg says."""

MAX_DBF_BYTES = 500_000_000
MAX_NAMED = 5
MOBILE_QUARTERS = 6
"""How many quarters back the newest list of mobile sites is looked for."""

MOBILE_OPERATORS = {
    "20801": "orange", "20810": "sfr", "20815": "free", "20820": "bouygues",
}  # fmt: skip
"""Operators by the code of their network."""


_COMMON = (
    Field("code_insee", "code", into="insee_code"),
    Field("nbr", "count"),
    Field("type"),
    Field("date", "day"),
)
BEST = Layout(
    source="Arcep, Ma connexion internet",
    fields=(
        *_COMMON,
        Field("elig_ftth", "count"),
        Field("elig_coax", "count"),
        Field("elig_cu_30", "count"),
        Field("elig_thdr", "count"),
        Field("elig_cu_8", "count"),
        Field("elig_4gf", "count", aliases=("elig_4fg",)),
        Field("elig_hdr", "count"),
        Field("elig_sat", "count"),
    ),
)
TECHNOLOGIES = tuple(field.result for field in BEST.fields if field.result.startswith("elig_"))

SPEEDS = ("elig_hd05", "elig_hd3", "elig_bhd8", "elig_thd30", "elig_thd100", "elig_thd1g")
"""Premises with at least 0.5, 3, 8, 30, 100 and 1000 Mbit/s: each holds the next."""

BY_LAND = Layout(
    source=BEST.source,
    fields=(*_COMMON, Field("inel_hd", "count"), *(Field(name, "count") for name in SPEEDS)),
)

_SITE_FLAGS = {
    "has_2g": "site_2g", "has_3g": "site_3g", "has_4g": "site_4g", "has_5g": "site_5g",
    "is_white_zone": "site_ZB", "is_targeted_coverage": "site_DCC",
}  # fmt: skip
SITES = Layout(
    source="Arcep, Mon réseau mobile",
    fields=(
        Field("code_op", into="operator"),
        Field("num_site", into="site"),
        Field("insee_com", "code", into="insee_code"),
        Field("longitude", "number", into="lon"),
        Field("latitude", "number", into="lat"),
        *(Field(name, "count", into=flag) for flag, name in _SITE_FLAGS.items()),
    ),
    decimal=",.",
)


# --- Fixed internet --------------------------------------------------------------------------


def _broadband(fetch: Fetch, area: Area) -> tuple[SourceTable, ...]:
    best_file = fetch(f"{MCI_URL}/commune_meilleure_techno_thd.csv", expected="csv")
    land_file = fetch(f"{MCI_URL}/commune_debit_terrestre.csv", expected="csv")
    best, best_day = _statistics(best_file, BEST, area)
    land, land_day = _statistics(land_file, BY_LAND, area)
    if best_day != land_day:
        raise SourceError(
            f"{BEST.source}: {best_file.name} is of {best_day}, {land_file.name} of {land_day}. "
            "They must be of the same quarter: a new edition may be on its way, try again later."
        )
    counted = best.index.intersection(land.index)
    best, land = best.loc[counted], land.loc[counted]
    _check_identities(best, land, best_file, land_file)
    cartefibre, quarter, fibre_files = _cartefibre(fetch, area, best_day)
    copper, copper_day, copper_files = copper_closures(fetch, area)
    fibre = cartefibre.reindex(counted).astype("float64")
    table = pd.DataFrame(
        {
            "insee_code": list(counted),
            "cartefibre_premises": fibre["Locaux"].to_numpy(),
            "cartefibre_ftth_premises_passed": fibre["ftth"].to_numpy(),
            "mci_premises": best["nbr"].to_numpy(),
            "mci_best_ftth": best["elig_ftth"].to_numpy(),
            "mci_best_cable": best["elig_coax"].to_numpy(),
            "mci_best_copper_8mbit_or_more": (best["elig_cu_30"] + best["elig_cu_8"]).to_numpy(),
            "mci_best_superfast_radio": best["elig_thdr"].to_numpy(),
            "mci_best_fixed_4g": best["elig_4gf"].to_numpy(),
            "mci_best_radio": best["elig_hdr"].to_numpy(),
            "mci_best_satellite": best["elig_sat"].to_numpy(),
            "mci_land_30mbit": land["elig_thd30"].to_numpy(),
            "mci_land_1gbit": land["elig_thd1g"].to_numpy(),
            "copper_closure_date": copper.loc[counted].to_numpy(),
        }
    )
    files = (best_file, land_file, *fibre_files, *copper_files)
    origin = _fixed_origin(best_day, quarter, copper_day)
    origin = _told_absent(
        origin,
        area.named(set(area.codes).difference(counted)),
        area.named(set(counted).difference(cartefibre.index)),
    )
    return (SourceTable("broadband_fixed", table, origin, files),)


def _statistics(file: Fetched, layout: Layout, area: Area) -> tuple[pd.DataFrame, str]:
    """Return the counts of each commune of the area, by code, and the last day of the quarter."""
    rows = read_delimited(file, layout, where=[Where("insee_code", area.asked_codes)])
    problems = []
    if kinds := set(rows["type"]) - {"all"}:
        problems.append(
            f"column 'type' holds {', '.join(sorted(kinds))[:80]}, where only 'all' is read"
        )
    days = sorted(set(rows["date"]))
    if len(days) > 1:
        problems.append(f"column 'date' holds {len(days)} days: {', '.join(days[:MAX_NAMED])}")
    counts = [name for name in rows if name not in ("insee_code", "type", "date")]
    rows["insee_code"] = area.current(rows["insee_code"])
    found = rows.groupby("insee_code")[counts].sum()
    problems += _too_many_absent(found.index, area)
    if problems:
        refuse_file(layout.source, file, problems)
    return found.sort_index(), days[0]


def _too_many_absent(codes: pd.Index, area: Area) -> list[str]:
    absent = sorted(set(area.codes).difference(codes))
    if len(absent) <= MAX_ABSENT_SHARE * len(area.codes):
        return []
    named = ", ".join(absent[:MAX_NAMED])
    return [
        f"{len(absent)} of the {len(area.codes)} communes of {area.departement} are not in it, "
        f"the first being {named}"
    ]


def _told_absent(origin: Origin, uncounted: str, without_other: str) -> Origin:
    """Let an origin name the communes of which one of the counts knows nothing."""
    for named, french, english in (
        (uncounted, "Ma connexion internet ne connaît pas ces communes, dont la ligne manque : ",
         "Ma connexion internet does not know these communes, whose line is missing: "),
        (without_other, "Cartefibre ne connaît pas ces communes, dont le second compte manque : ",
         "Cartefibre does not know these communes, whose second count is missing: "),
    ):  # fmt: skip
        if named:
            origin = replace(
                origin,
                note_fr=f"{origin.note_fr} {french}{named}.",
                note_en=f"{origin.note_en} {english}{named}.",
            )
    return origin


def _check_identities(
    best: pd.DataFrame, land: pd.DataFrame, best_file: Fetched, land_file: Fetched
) -> None:
    """Refuse counts that contradict each other: a column would have changed its meaning."""
    fibre, cable = best["elig_ftth"], best["elig_coax"]
    broken: Mapping[str, pd.Series] = {
        f"{best_file.name}: the premises by best technology do not add up to nbr": (
            best[list(TECHNOLOGIES)].sum(axis=1) != best["nbr"]
        ),
        f"{land_file.name}: nbr is not that of {best_file.name}": land["nbr"] != best["nbr"],
        f"{land_file.name}: inel_hd and elig_hd05 do not add up to nbr": (
            land["inel_hd"] + land["elig_hd05"] != land["nbr"]
        ),
        **{
            f"{land_file.name}: {more} is below {less}, which it should hold": (
                land[more] < land[less]
            )
            for more, less in itertools.pairwise(SPEEDS)
        },
        f"{land_file.name}: elig_thd1g is not between fibre and fibre with cable": (
            (land["elig_thd1g"] < fibre) | (land["elig_thd1g"] > fibre + cable)
        ),
        f"{land_file.name}: elig_thd30 is more than the premises without satellite": (
            land["elig_thd30"] > best["nbr"] - best["elig_sat"]
        ),
    }
    problems = [
        f"{what} in {int(rows.sum())} communes ({', '.join(rows.index[rows][:MAX_NAMED])})"
        for what, rows in broken.items()
        if rows.any()
    ]
    if problems:
        refuse_file(BEST.source, land_file, problems)


# --- Cartefibre ------------------------------------------------------------------------------


def _cartefibre(
    fetch: Fetch, area: Area, day: str
) -> tuple[pd.DataFrame, str, tuple[Fetched, ...]]:
    """Return premises, and those passed by fibre, by commune: the other published count."""
    listing = fetch(CARTEFIBRE_URL, expected="json")
    editions = _editions(listing)
    year, month = int(day[:4]), int(day[5:7])
    same = (year, (month + 2) // 3)
    edition = same if same in editions else max(editions)
    file = fetch(editions[edition], expected="zip")
    rows = _dbf(file)
    rows["INSEE_COM"] = rows["INSEE_COM"].astype("str").str.strip().str.zfill(5)
    rows = rows[rows["INSEE_COM"].isin(area.asked_codes)]
    numbers = rows[["Locaux", "ftth"]].apply(pd.to_numeric, errors="coerce")
    bad = numbers.isna() | (numbers < 0)
    problems = [
        f"{int(bad[name].sum())} communes have no count in the column {name!r} "
        f"({', '.join(rows['INSEE_COM'][bad[name]][:MAX_NAMED])})"
        for name in numbers
        if bad[name].any()
    ]
    codes = area.current(rows["INSEE_COM"])
    found = numbers.groupby(codes).sum().round().astype("int64") if not problems else numbers
    problems += _too_many_absent(pd.Index(codes.unique()), area)
    if problems:
        refuse_file(CARTEFIBRE_SOURCE, file, problems)
    return found, f"{edition[0]} T{edition[1]}", (listing, file)


def _editions(listing: Fetched) -> dict[tuple[int, int], str]:
    """Return the address of the layer of communes of each quarter."""
    try:
        resources: list[Any] = json.loads(listing.path.read_bytes())["resources"]
        found = {
            (int(match[1]), int(match[2])): str(resource["url"])
            for resource in resources
            if (match := CARTEFIBRE_TITLE.fullmatch(str(resource["title"]).strip()))
        }
    except (ValueError, KeyError, TypeError):
        raise SourceError(
            f"{CARTEFIBRE_SOURCE}: {listing.url} is no list of files of data.gouv.fr. Try again "
            "later."
        ) from None
    if not found:
        titles = ", ".join(str(resource["title"]) for resource in resources)
        raise SourceError(
            f"{CARTEFIBRE_SOURCE}: {listing.url} lists no file titled like 2026T2-Commune (found "
            f"{titles[:200] or 'none'}). The producer may have renamed it: see docs/data.md."
        )
    return found


def _dbf(file: Fetched) -> pd.DataFrame:
    """Read the table of a zipped shapefile, without its geometry and its claim of an encoding."""
    named = f"{CARTEFIBRE_SOURCE}: {file.name} ({file.url})"
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(file.path) as archive:
        members = [one for one in archive.infolist() if one.filename.lower().endswith(".dbf")]
        if len(members) != 1 or members[0].file_size > MAX_DBF_BYTES:
            held = ", ".join(archive.namelist()[:8])
            raise SourceError(
                f"{named}: expected one .dbf of at most {MAX_DBF_BYTES:,} bytes in the zip, found "
                f"{len(members)} (it holds {held[:200]}). See docs/data.md."
            )
        path = Path(folder) / "communes.dbf"
        try:
            path.write_bytes(archive.read(members[0]))
            header = [
                str(name) for name in pyogrio.read_info(path, encoding=DBF_ENCODING)["fields"]
            ]
            problems = []
            for name in CARTEFIBRE_COLUMNS:
                if name not in header:
                    near = difflib.get_close_matches(name, header, n=3) or header
                    problems.append(
                        f"the column {name!r} is missing; near names: {', '.join(near)[:200]}"
                    )
            if problems:
                refuse_file(CARTEFIBRE_SOURCE, file, problems)
            frame = pyogrio.read_dataframe(
                path, columns=list(CARTEFIBRE_COLUMNS), read_geometry=False, encoding=DBF_ENCODING
            )
        except (pyogrio.errors.DataSourceError, zipfile.BadZipFile, EOFError):
            raise SourceError(
                f"{named}: the table of the shapefile is damaged. Delete it from the cache and try "
                "again."
            ) from None
    return pd.DataFrame(frame)


def _fixed_origin(day: str, quarter: str, copper_day: str) -> Origin:
    return Origin(
        title_fr="Internet fixe et fermeture du cuivre par commune",
        title_en="Fixed internet and copper closure by commune",
        producer="Arcep, ministère de l’Économie",
        vintage=day,
        **{**LICENCE_OUVERTE, "licence": "Licence Ouverte 2.0 (Cartefibre : 1.0)"},
        url="https://www.data.gouv.fr/datasets/ma-connexion-internet",
        quality="declared",
        credit_fr=f"Arcep, Ma connexion internet ({day}) et Cartefibre ({quarter})",
        credit_en=f"Arcep, Ma connexion internet ({day}) and Cartefibre ({quarter})",
        note_fr=(
            "Deux comptes de locaux coexistent : ne divisez jamais l’un par l’autre. Les "
            "techniques autres que la fibre sont déclarées par les opérateurs, et la date du "
            f"cuivre est un calendrier du {copper_day}."
        ),
        note_en=(
            "Two counts of premises live side by side: never divide one by the other. Technologies "
            "other than fibre are declared by operators, and the copper date is a schedule of "
            f"{copper_day}."
        ),
    )


# --- Mobile sites ----------------------------------------------------------------------------


def mobile_sites_url(year: int, quarter: int) -> str:
    """Return the address of the list of mobile sites of mainland France of a quarter."""
    edition = f"{year}_T{quarter}"
    return f"https://data.arcep.fr/mobile/sites/{edition}/{edition}_sites_Metropole.csv"


def _mobile(fetch: Fetch, area: Area) -> tuple[SourceTable, ...]:
    found, (file,) = newest(
        fetch, _mobile_editions, area.departement, expected="csv", source=SITES.source
    )
    edition = found.name
    rows = read_delimited(file, SITES, where=[Where("insee_code", area.asked_codes)])
    rows["insee_code"] = area.current(rows["insee_code"])
    rows["operator"] = rows["operator"].map(lambda code: MOBILE_OPERATORS.get(code, f"?{code}"))
    columns = SCHEMAS["mobile_sites"].columns
    bad = {
        "an unknown code_op": rows["operator"].str.startswith("?"),
        "a position outside France": ~(rows["lon"].between(-10, 15) & rows["lat"].between(40, 52)),
        "other than 0 or 1 in a column of yes or no": (rows[list(_SITE_FLAGS)] > 1).any(axis=1),
        "the same num_site as another of their operator": rows.duplicated(["operator", "site"]),
    }
    problems = [
        f"{int(which.sum())} sites have {what} ({', '.join(rows['site'][which][:MAX_NAMED])})"
        for what, which in bad.items()
        if which.any()
    ]
    if problems:
        refuse_file(SITES.source, file, problems)
    table = rows[list(columns)].sort_values(["insee_code", "operator", "site"], ignore_index=True)
    origin = Origin(
        title_fr="Sites mobiles par opérateur",
        title_en="Mobile sites by operator",
        producer="Arcep",
        vintage=edition,
        licence="Licence Ouverte 1.0",
        licence_url="https://www.etalab.gouv.fr/licence-ouverte-open-licence",
        url="https://www.data.gouv.fr/datasets/mon-reseau-mobile",
        quality="declared",
        credit_fr=f"Arcep, Mon réseau mobile, {edition}",
        credit_en=f"Arcep, Mon réseau mobile, {edition}",
        note_fr="Un site proche ne dit pas que le mobile passe : le relief compte.",
        note_en="A site nearby does not say that a mobile works: the relief counts.",
    )
    return (SourceTable("mobile_sites", table, origin, (file,)),)


def _mobile_editions(_: Fetch, __: str, today: dt.date) -> Iterator[Edition]:
    """Return the last quarters, by their last day: one comes out some months after its end."""
    now = today.year * 4 + (today.month - 1) // 3
    for one in range(now, now - MOBILE_QUARTERS, -1):
        year, quarter = one // 4, one % 4 + 1
        end = pd.Period(year=year, quarter=quarter, freq="Q").end_time.date()
        yield Edition(end.isoformat(), (mobile_sites_url(year, quarter),))


BROADBAND = Source(
    name="broadband",
    producer="Arcep, ministère de l’Économie",
    tables=("broadband_fixed",),
    collect=_broadband,
)
MOBILE = Source("mobile", "Arcep", ("mobile_sites",), _mobile, _mobile_editions)
