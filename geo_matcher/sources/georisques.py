"""Risks that the State lists by commune: the base GASPAR of Géorisques, and radon.

Hides four tables in one zip that name the commune differently, rows that come twice, plans that are
no longer in force, and communes that were merged since radon was mapped, or are not on its map. A
risk that is not listed is 0, which never means that there is none; unknown radon is empty.
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterator

import pandas as pd

from geo_matcher.errors import SourceError
from geo_matcher.sources.delimited import Field, Layout, Where, read_delimited
from geo_matcher.sources.editions import files_listed, newer_note, newest
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

__all__ = ["GASPAR_URL", "RADON_URL", "SOURCE"]

GASPAR_URL = "https://files.georisques.fr/GASPAR/gaspar.zip"
RADON_PAGE = "connaitre-le-potentiel-radon-de-ma-commune"
RADON_URL = f"https://static.data.gouv.fr/resources/{RADON_PAGE}/20190506-174309/radon.csv"
"""Radon as it was mapped in 2019; the page lists a newer file should there be one."""

NAMED = "Géorisques, GASPAR"
YEARS = 30
"""Years over which recognised disasters are counted."""

LISTED = {
    "ddrm_flood": ("inondation", "11"),
    "ddrm_earthquake": ("séisme", "13"),
    "ddrm_dam_failure": ("rupture de barrage", ""),
    "ddrm_industrial": ("risque industriel", "21"),
    "ddrm_hazmat_transport": ("transport de marchandises dangereuses", ""),
}
"""Beginning of the label and of the number of each risk; a longer number is a sub-type of it."""

FLOOD = r"inondation|submersion|crue"
CLAY = r"argile|retrait|tassements? diff"
STATES = {"Opposable": "approved", "Prescrit": "prescribed"}
"""States of a plan; what is ``Caduque`` is in force no more and is left out."""

EVENTS = (("sécheresse", "drought"), ("inondation", "flood_mudflow"))

_PLAN = (
    Field("CODE INSEE COMMUNE", "code", into="insee_code_source"),
    Field("LIBELLE PROCEDURE", into="plan"),
    Field("LIBELLE ETAT", into="state"),
)


def _layout(*fields: Field) -> Layout:
    return Layout(NAMED, fields)


MEMBERS = {
    "catnat": _layout(
        Field("id_gaspar", into="order", aliases=("cod_nat_catnat",)),
        Field("code_commune", "code", into="insee_code_source", aliases=("cod_commune",)),
        Field("num_risque_jo", into="number"),
        Field("lib_risque_jo", into="label"),
        Field("date_debut", into="start", aliases=("dat_deb",)),
    ),
    "ddrm_risq": _layout(
        Field("cod_commune", "code", into="insee_code_source", aliases=("code_commune",)),
        Field("num_risque", into="number"),
        Field("lib_risque", into="label"),
    ),
    "pprn": _layout(
        *_PLAN,
        Field("LIBELLE MODELE", into="model"),
        Field("LIBELLE RISQUE 2", into="risk"),
        Field("LIBELLE RISQUE 3", into="subtype"),
    ),
    "pprt": _layout(*_PLAN),
}


def _radon_editions(fetch: Fetch, _: str, __: dt.date) -> Iterator[Edition]:
    """Return the files of radon that the page lists, by the day in their address, and the known."""
    named = re.compile(r"/(\d{4})\d{4}-\d{6}/radon\.csv$")
    try:
        listed = files_listed(fetch, RADON_PAGE, "ASNR, radon")
    except SourceError as error:
        yield Edition("", (), problem=str(error))
        listed = []
    for url in sorted(listed, reverse=True):
        if match := named.search(url):
            yield Edition(match[1], (url,), is_guess=url != RADON_URL)
    yield Edition("2019", (RADON_URL,))


def _collect(fetch: Fetch, area: Area) -> tuple[SourceTable, ...]:
    gaspar = fetch(GASPAR_URL, expected="zip")
    mapped, (radon,) = newest(
        fetch, _radon_editions, area.departement, expected="csv", source="ASNR, radon"
    )
    day = _vintage(gaspar)
    wanted = area.with_former(area.codes)
    tables = {
        name: read_delimited(
            gaspar,
            layout,
            where=[Where("insee_code_source", wanted)],
            member=rf"(^|/){name}_gaspar_[\d-]+\.csv$",
        )
        for name, layout in MEMBERS.items()
    }
    if tables["catnat"].empty and tables["ddrm_risq"].empty:
        raise SourceError(
            f"{NAMED}: {gaspar.name} lists nothing for the communes of the area. Their codes may "
            "be written differently: see docs/data.md."
        )
    seen = set().union(*(set(table["insee_code_source"]) for table in tables.values()))
    codes = pd.Series(sorted(set(area.codes) | seen), dtype="str")
    frame = pd.DataFrame({"insee_code_source": codes, "insee_code": area.current(codes)})
    frame["radon_class"] = _radon(radon, area, frame)
    frame = _with_listed(frame, tables["ddrm_risq"])
    plans = tables["pprn"]
    words = (plans["model"] + " " + plans["risk"] + " " + plans["subtype"]).str.lower()
    is_flood = words.str.contains(FLOOD) | plans["model"].str.contains("PSS", case=False)
    flood = _plans(plans[is_flood])
    clay = _plans(plans[words.str.contains(CLAY)])
    industrial = _plans(tables["pprt"])
    frame["flood_plan"], frame["flood_plan_names"] = _told(frame, flood)
    frame["clay_plan"], _ = _told(frame, clay)
    frame["industrial_plan"], frame["industrial_plan_names"] = _told(frame, industrial)
    frame = _with_events(frame, tables["catnat"], day, gaspar)
    unmapped = area.named(set(frame.loc[frame["radon_class"].isna(), "insee_code"]))
    return (
        SourceTable(
            "risks",
            frame,
            Origin(
                title_fr="Risques recensés, plans de prévention et radon",
                title_en="Listed risks, prevention plans and radon",
                producer="Ministère de la Transition écologique (GASPAR), ASNR",
                vintage=day.isoformat(),
                **LICENCE_OUVERTE,
                url="https://www.georisques.gouv.fr/",
                quality="declared",
                credit_fr=f"Géorisques, base GASPAR, {day.isoformat()} ; radon, {mapped.name}",
                credit_en=f"Géorisques, GASPAR base, {day.isoformat()}; radon, {mapped.name}",
                note_fr="Zéro veut dire « non recensé », jamais « sans risque ». Des lignes "
                "portent d’anciennes communes, à réunir avec la commune actuelle ou à laisser de "
                "côté. Pour une commune née depuis 2019, le radon est le plus fort de "
                "celles qu’elle réunit."
                + (f" Le radon de ces communes n’est pas connu : {unmapped}." if unmapped else "")
                + newer_note(mapped, "fr", "radon"),
                note_en="Zero means “not listed”, never “no risk”. Some rows stand for former "
                "communes, to be merged with the current one or left aside. For a commune made "
                "since 2019 radon is the strongest of those it joins."
                + (f" Radon is not known for these communes: {unmapped}." if unmapped else "")
                + newer_note(mapped, "en", "radon"),
            ),
            (gaspar, radon),
        ),
    )


def _vintage(file: Fetched) -> dt.date:
    """Return the day of the base, which the names of its tables bear."""
    try:
        with zipfile.ZipFile(file.path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        raise SourceError(
            f"{NAMED}: {file.name} is a damaged zip. Delete it from the cache and try again."
        ) from None
    days = sorted(set(re.findall(r"_gaspar_(\d{4}-\d{2}-\d{2})\.csv", " ".join(names))))
    if len(days) != 1:
        raise SourceError(
            f"{NAMED}: expected tables of one day in {file.name}, such as "
            f"catnat_gaspar_2026-09-21.csv; found {', '.join(names[:8])}. The producer may have "
            "changed its format: see docs/data.md."
        )
    return dt.date.fromisoformat(days[0])


def _radon(file: Fetched, area: Area, frame: pd.DataFrame) -> pd.Series:
    with file.path.open("rb") as stream:
        delimiter = ";" if b";" in stream.readline(4096) else ","
    layout = Layout(
        source="ASNR, radon",
        fields=(
            Field("insee_com", "code", into="insee_code"),
            Field("classe_potentiel", "count", into="radon"),
        ),
        delimiter=delimiter,
    )
    wanted = area.with_former(area.codes)
    rows = read_delimited(file, layout, where=[Where("insee_code", wanted)])
    problems = [
        f"commune {row['insee_code']} has the class {row['radon']}, expected 1, 2 or 3"
        for row in rows[~rows["radon"].isin((1, 2, 3))].head(20).to_dict("records")
    ]
    own = rows.groupby("insee_code")["radon"].max()
    joined = rows.assign(insee_code=area.current(rows["insee_code"]))
    found = frame["insee_code_source"].map(own)
    found = found.fillna(frame["insee_code"].map(joined.groupby("insee_code")["radon"].max()))
    lacking = list(frame.loc[found.isna(), "insee_code_source"])
    if len(lacking) > MAX_ABSENT_SHARE * len(frame):
        problems.append(
            f"no class for {len(lacking)} of {len(frame)} communes, the first being "
            f"{', '.join(lacking[:5])}"
        )
    if problems:
        raise SourceError(
            f"ASNR, radon: {file.name}: " + "; ".join(problems) + ". See docs/data.md for what is "
            "expected.",
            problems,
        )
    return found.astype("float64")


def _with_listed(frame: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    label = listed["label"].str.strip().str.lower()
    columns = {}
    for column, (word, number) in LISTED.items():
        is_it = label.str.startswith(word)
        if number:
            is_it |= listed["number"].str.startswith(number)
        columns[column] = (
            frame["insee_code_source"].isin(listed.loc[is_it, "insee_code_source"]).astype("int64")
        )
    return frame.assign(**columns)


def _plans(plans: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Return the state of each plan of each commune; an approved row wins over a prescribed one."""
    found: dict[str, dict[str, str]] = {}
    for row in plans[plans["state"].isin(STATES)].to_dict("records"):
        own = found.setdefault(row["insee_code_source"], {})
        state = STATES[row["state"]]
        own[row["plan"]] = min(state, own.get(row["plan"], state))
    return found


def _told(frame: pd.DataFrame, plans: dict[str, dict[str, str]]) -> tuple[list[str], list[str]]:
    """Return the best state of the plans of each commune, and their names."""
    states, names = [], []
    for code in frame["insee_code_source"]:
        own = plans.get(code, {})
        states.append(min(own.values(), default="none"))
        names.append(
            " ; ".join(
                plan if own[plan] == "approved" or states[-1] == "prescribed"
                else f"{plan} (prescribed)"
                for plan in sorted(own)
            )
        )  # fmt: skip
    return states, names


def _with_events(
    frame: pd.DataFrame, events: pd.DataFrame, day: dt.date, file: Fetched
) -> pd.DataFrame:
    """Count the recognitions of the last years, one per order, peril and first day."""
    events = events.assign(start=events["start"].str[:10])
    is_day = events["start"].str.fullmatch(r"\d{4}-\d{2}-\d{2}")
    if not is_day.all():
        bad = [
            f"order {row['order'][:40]!r}, column 'date_debut': {row['start']!r} is no day"
            for row in events[~is_day].head(20).to_dict("records")
        ]
        raise SourceError(
            f"{NAMED}: {file.name}, catnat: " + "; ".join(bad) + ". See docs/data.md for what is "
            "expected.",
            bad,
        )
    events = events.drop_duplicates(["order", "insee_code_source", "number", "start"])
    since = f"{day.year - YEARS}{day.isoformat()[4:]}".replace("-02-29", "-02-28")
    recent = events[events["start"] >= since].groupby("insee_code_source").size()
    last = events.sort_values(["start", "order"]).drop_duplicates("insee_code_source", keep="last")
    last = last.set_index("insee_code_source")
    codes = frame["insee_code_source"]
    has_events = codes.isin(last.index)
    return frame.assign(
        catnat_count_30y=codes.map(recent).fillna(0).astype("int64"),
        catnat_since=pd.Series(since, index=frame.index, dtype="str").where(has_events, ""),
        catnat_last_start=codes.map(last["start"]).fillna("").astype("str"),
        catnat_last_type=codes.map(last["label"].map(_event)).fillna("").astype("str"),
    )


def _event(label: str) -> str:
    return next((name for word, name in EVENTS if word in label.lower()), "other")


SOURCE = Source("risks", "Géorisques", ("risks",), _collect, _radon_editions)
"""Risks, plans, disasters and radon of each commune."""
