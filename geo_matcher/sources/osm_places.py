"""Places of OpenStreetMap: where to work in company, cinemas, museums, markets.

Hides which tags mean what, which commune a place lies in, and how the network's own list is joined:
a place that the network names is told once, in the network's words. Airports are not asked for: the
map tells an airfield from an airport with flights by no tag that is kept up.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from rapidfuzz import fuzz, utils

from geo_matcher.catalog import AND, Table
from geo_matcher.destinations import INSEE_CODE
from geo_matcher.errors import DataError, SourceError
from geo_matcher.places import MAPPED_STATUS, POSITION
from geo_matcher.sources.licences import ODBL
from geo_matcher.sources.opening_hours import weekly_days
from geo_matcher.sources.overpass import Overpass
from geo_matcher.sources.source import Area, Fetch, Origin, Source, SourceTable
from geo_matcher.territory import LAMBERT_93, WGS_84

__all__ = ["MAPPED", "SOURCE", "WorkList", "check_work_list", "places_source"]

TAGS: dict[str, list[str]] = {
    "amenity": ["coworking_space", "cinema", "community_centre", "hackerspace", "marketplace"],
    "office": ["coworking"],
    "leisure": ["hackerspace"],
    "tourism": ["museum"],
}
WORK_NAMES = (
    (r"t[ée]l[ée][ -]?centre", "telecentre"),
    (r"tiers[ -]?lieu", "third_place"),
    (r"fab[ -]?lab", "fablab"),
)
"""What a name says of a place to work; it wins over the tag."""

SAME_PLACE_M = 200.0
"""Distance within which two places of like names are one, in metres."""

ALIKE = 75.0
"""Likeness of two names from which they are taken for one, out of 100."""

WORK_COLUMNS = ["name", "kind", "insee_code", "address", "year", "source", "position", "status"]
CULTURE_KINDS = ("cinema", "museum", "weekly_market")
CULTURE_COLUMNS = ["kind", "insee_code", "name", "year", "note", "source"]
OWN_COLUMNS = ("name", "kind", "insee_code")
"""Columns that the network's own list must have; ``address``, ``year``, ``lon``, ``lat``, and who
says so (``source``, ``status``) may come besides. The table of a release is such a list: its
``position`` stands for ``lon`` and ``lat``."""

MAP_PRODUCER = "Contributeurs d’OpenStreetMap"
MAP_NOTE_FR = (
    "Carte collaborative : une absence ne prouve rien, un lieu peut avoir fermé. "
    "Les lieux nommés par le réseau l’emportent sur ceux de la carte à moins de 200 m."
)
MAP_NOTE_EN = (
    "A collaborative map: absence is not proof, a place may have closed. Places "
    "named by the network win over those of the map within 200 m."
)

OWN_SOURCE, OWN_STATUS = "list of the network", "named by the network"
MAPPED = "OpenStreetMap, "
"""How the source of a place of the map begins."""

WORK_KINDS = ("coworking", "telecentre", "third_place", "fablab")
MAX_OWN_BYTES = 5_000_000
MAX_PROBLEMS = 20
MAX_NAME = 120


@dataclass(frozen=True, slots=True)
class WorkList:
    """A list of places to work that wins over the map, and what is said of where it comes from.

    Attributes
    ----------
    path
        The list, CSV.
    producer, licence, credit_fr, credit_en, note_fr, note_en
        As in the catalog, about the rows of the list alone.
    """

    path: Path
    producer: str = "réseau"
    licence: str = ""
    credit_fr: str = "Réseau"
    credit_en: str = "Network"
    note_fr: str = ""
    note_en: str = ""

    @classmethod
    def of_network(cls, path: Path, name: str | None) -> WorkList:
        """Return the list that a network gave, credited by the name that it bears, if any."""
        if not name:
            return cls(path)
        return cls(
            path,
            producer=name,
            credit_fr=f"{name}, liste du réseau",
            credit_en=f"{name}, list of the network",
        )

    @classmethod
    def of_release(cls, path: Path, table: Table, name: str | None = None) -> WorkList:
        """Return the list that a release holds, with what its catalog says of it.

        What an earlier refresh said of the map is left out; it is said again. ``name`` is that of
        the network, for a list of which nothing is said.
        """

        def own(text: str, unsaid: str, of_map: str = "OpenStreetMap") -> str:
            parts = [part for part in text.split(AND) if of_map not in part]
            return AND.join(parts) or unsaid

        plain = cls.of_network(path, name)
        return cls(
            path,
            producer=own(table.producer, plain.producer),
            licence=own(table.licence, plain.licence, ODBL["licence"]),
            credit_fr=own(table.credit_fr, plain.credit_fr),
            credit_en=own(table.credit_en, plain.credit_en),
            note_fr=table.note_fr.removeprefix(MAP_NOTE_FR).strip(),
            note_en=table.note_en.removeprefix(MAP_NOTE_EN).strip(),
        )


def places_source(overpass: Overpass | None = None, own: WorkList | None = None) -> Source:
    """Return the source of places.

    Parameters
    ----------
    overpass
        Which service to ask, and how patiently.
    own
        The network's own list of places to work; its rows win over those of the map that lie
        within 200 m, or in the same commune if it gives no position, and bear a like name.
    """
    service = overpass or Overpass()

    def collect(fetch: Fetch, area: Area) -> tuple[SourceTable, ...]:  # noqa: ARG001
        given = _read_own(own.path, area) if own is not None else _no_places()
        found, day = _download(service, area)
        return _work(found, given, day, own if len(given) else None), _culture(found, day)

    return Source("places", "OpenStreetMap", ("workplaces", "culture"), collect, stop=service.stop)


SOURCE = places_source()
"""Places of the map alone."""


def _no_places() -> pd.DataFrame:
    return pd.DataFrame(
        {
            **{name: pd.Series(dtype="str") for name in ("name", "kind", "insee_code", "address")},
            "year": pd.Series(dtype="str"),
            "lon": pd.Series(dtype="float64"),
            "lat": pd.Series(dtype="float64"),
        }
    )


def _download(overpass: Overpass, area: Area) -> tuple[pd.DataFrame, str]:
    """Return the places inside the communes, and the day of the map."""
    communes = area.communes[["insee_code", "name", "geometry"]]
    whole = communes.geometry.to_crs(LAMBERT_93).union_all().buffer(0)
    polygon = gpd.GeoSeries([whole], crs=LAMBERT_93).to_crs(WGS_84).iloc[0]
    things, stamp = overpass.features(polygon, TAGS)
    if not stamp:
        raise SourceError(
            f"{overpass.url} does not tell the day of its map. Try again later, or name another "
            "service with --overpass-url."
        )
    tags = pd.DataFrame(things.drop(columns="geometry"))
    points = gpd.GeoDataFrame(
        {"tags": tags.to_dict("records")},
        geometry=things.geometry.to_crs(LAMBERT_93).centroid.to_crs(WGS_84).to_numpy(),
        crs=WGS_84,
    )
    # A point on the line between two communes belongs to the first by code.
    joined = points.sjoin(communes.rename(columns={"name": "commune"}), predicate="intersects")
    joined = (
        joined.sort_values("insee_code").loc[lambda rows: ~rows.index.duplicated()].sort_index()
    )
    rows = []
    for place in joined.to_dict("records"):
        named = {k: str(v) for k, v in place["tags"].items() if isinstance(v, str)}
        kind = _kind(named)
        if kind:
            rows.append(
                {
                    "name": _name(named, kind, place["commune"]),
                    "kind": kind,
                    "insee_code": place["insee_code"],
                    "address": _address(named),
                    "hours": " ".join(named.get("opening_hours", "").split())[:MAX_NAME],
                    "year": "",
                    "lon": round(place["geometry"].x, 5),
                    "lat": round(place["geometry"].y, 5),
                }
            )
    frame = pd.DataFrame(rows) if rows else _no_places().assign(hours="")
    frame = frame.sort_values(["kind", "insee_code", "name", "lon", "lat"], ignore_index=True)
    return frame.drop_duplicates(["kind", "insee_code", "name"], ignore_index=True), stamp[:10]


def _kind(tags: Mapping[str, str]) -> str:
    """Return what a thing is, empty if it is nothing of ours."""
    if tags.get("amenity") == "cinema":
        return "cinema"
    if tags.get("tourism") == "museum":
        return "museum"
    if tags.get("amenity") == "marketplace":
        return "weekly_market"
    by_name = next(
        (kind for words, kind in WORK_NAMES if re.search(words, tags.get("name", ""), re.I)), ""
    )
    if by_name:
        return by_name
    if tags.get("amenity") == "coworking_space" or tags.get("office") == "coworking":
        return "coworking"
    if "hackerspace" in (tags.get("leisure"), tags.get("amenity")):
        return "fablab"
    return ""  # a community centre that does not call itself a third place


def _name(tags: Mapping[str, str], kind: str, commune: str) -> str:
    words = next((tags[tag] for tag in ("name:fr", "name", "operator") if tags.get(tag)), "")
    text = " ".join(words.split())[:MAX_NAME]
    if kind == "weekly_market":
        days = ", ".join(weekly_days(tags.get("opening_hours", "")))
        return f"{text or commune} ({days})" if days else text or commune
    return text or (commune if kind in CULTURE_KINDS else f"Coworking, {commune}")


def _address(tags: Mapping[str, str]) -> str:
    parts = (tags.get("addr:housenumber", ""), tags.get("addr:street", ""))
    return " ".join(" ".join(parts).split())[:MAX_NAME]


# --- The network's own list ------------------------------------------------------------------


def check_work_list(path: Path, area: Area | None = None) -> None:
    """Refuse a list of places to work that cannot be used, before anything is made of it.

    Parameters
    ----------
    path
        The list, CSV.
    area
        The département; None where its communes are not known yet, so that codes are not looked up.

    Raises
    ------
    DataError
        If the list cannot be read or used; all problems at once.
    """
    _read_own(path, area)


def _read_own(path: Path, area: Area | None) -> pd.DataFrame:
    """Read the network's list of places to work; all its problems at once."""
    try:
        if path.stat().st_size > MAX_OWN_BYTES:
            raise DataError(f"{path} is larger than {MAX_OWN_BYTES / 1e6:g} MB: not such a list.")
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            header = reader.fieldnames or []
            absent = [name for name in OWN_COLUMNS if name not in header]
            if absent:
                raise DataError(
                    f"{path} has no column {', '.join(absent)}; it needs {', '.join(OWN_COLUMNS)} "
                    "and may have address, year, lon, lat, source, status."
                )
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        if isinstance(error, UnicodeDecodeError):
            why = f"byte {error.start + 1} is no UTF-8"
        raise DataError(f"{path} cannot be read ({why}). Give a CSV in UTF-8.") from None
    problems, found = [], []
    for line, row in rows:
        cells = {name: (row.get(name) or "").strip() for name in _no_places()}
        source, status = ((row.get(name) or "").strip() for name in ("source", "status"))
        position = POSITION.fullmatch((row.get("position") or "").strip())
        if position and not cells["lon"] and not cells["lat"]:
            cells["lat"], cells["lon"] = position.groups()
        if source.startswith(MAPPED):
            continue  # a list that was completed before: the map says itself what is still there
        for name, fits, expected in _RULES:
            if not fits(cells[name]):
                problems.append(
                    f"{path}, line {line}, column {name}: {cells[name]!r:.42} {expected}"
                )
        code = cells["insee_code"]
        if area is not None:
            code = area.merged.get(code, code)
        if re.fullmatch(INSEE_CODE, code) is None:
            problems.append(
                f"{path}, line {line}, column insee_code: {code!r:.42} is no INSEE code, which has "
                "5 characters"
            )
        elif area is not None and code not in area.codes:
            problems.append(
                f"{path}, line {line}, column insee_code: {cells['insee_code']!r:.42} is no "
                "commune of the release"
            )
        if bool(cells["lon"]) != bool(cells["lat"]):
            problems.append(f"{path}, line {line}: give both lon and lat, or neither")
        cells |= {"source": source or OWN_SOURCE, "status": status or OWN_STATUS}
        found.append({**cells, "insee_code": code})
    if problems:
        told = problems[:MAX_PROBLEMS]
        if len(problems) > len(told):
            told.append(f"and {len(problems) - len(told)} more")
        raise DataError(
            f"{path} cannot be used: " + "; ".join(told) + ". Correct the list and give it again.",
            told,
        )
    frame = pd.DataFrame(found) if found else _no_places()
    for axis in ("lon", "lat"):
        frame[axis] = pd.to_numeric(frame[axis], errors="coerce")
    return frame


def _is_between(low: float, high: float) -> Callable[[str], bool]:
    return lambda text: (
        not text
        or (re.fullmatch(r"-?\d{1,3}(\.\d+)?", text) is not None and low <= float(text) <= high)
    )


_RULES: tuple[tuple[str, Callable[[str], bool], str], ...] = (
    ("name", lambda text: 0 < len(text) <= MAX_NAME, f"is no name of 1 to {MAX_NAME} characters"),
    ("kind", lambda text: text in WORK_KINDS, f"is none of {', '.join(WORK_KINDS)}"),
    ("year", lambda text: re.fullmatch(r"(\d{4})?", text) is not None, "is no year"),
    ("lon", _is_between(-10, 15), "is no longitude of France"),
    ("lat", _is_between(40, 52), "is no latitude of France"),
)


# --- Tables ----------------------------------------------------------------------------------


def _work(found: pd.DataFrame, own: pd.DataFrame, day: str, given: WorkList | None) -> SourceTable:
    work = found[found["kind"].isin(WORK_KINDS)]
    kept = work[[not _is_known(place, own) for place in work.to_dict("records")]]
    rows = pd.concat(
        [
            own,
            kept.assign(source=f"{MAPPED}{day}", status=MAPPED_STATUS),
        ],
        ignore_index=True,
    )
    rows["position"] = [
        "commune only (no published coordinates)" if np.isnan(lon) else f"{lat:.5f}, {lon:.5f}"
        for lon, lat in zip(rows["lon"], rows["lat"], strict=True)
    ]
    frame = rows[WORK_COLUMNS].sort_values(["insee_code", "name", "kind"], ignore_index=True)

    def joined(of_list: str, of_map: str, between: str = AND) -> str:
        return between.join(filter(None, (of_list, of_map)))

    said = given or WorkList(Path(), "", "", "", "")
    return SourceTable(
        "workplaces",
        frame.astype("str"),
        Origin(
            title_fr="Coworking, télécentres, tiers-lieux et fablabs",
            title_en="Coworking spaces, telecentres, third places and fablabs",
            producer=joined(said.producer, MAP_PRODUCER),
            vintage=day,
            **{**_TERMS, "licence": joined(said.licence, ODBL["licence"])},
            credit_fr=joined(said.credit_fr, f"© contributeurs OpenStreetMap, {day}"),
            credit_en=joined(said.credit_en, f"© OpenStreetMap contributors, {day}"),
            note_fr=joined(MAP_NOTE_FR, said.note_fr, " "),
            note_en=joined(MAP_NOTE_EN, said.note_en, " "),
        ),
        (),
    )


def _is_known(place: Mapping[Any, Any], own: pd.DataFrame) -> bool:
    """Tell whether the network names a place of the map already."""
    for row in own.to_dict("records"):
        likeness = fuzz.token_set_ratio(place["name"], row["name"], processor=utils.default_process)
        if likeness < ALIKE:
            continue
        if np.isnan(row["lon"]):
            if row["insee_code"] == place["insee_code"]:
                return True
            continue
        pair = gpd.GeoSeries.from_xy(
            [place["lon"], row["lon"]], [place["lat"], row["lat"]], crs=WGS_84
        ).to_crs(LAMBERT_93)
        if pair.iloc[0].distance(pair.iloc[1]) <= SAME_PLACE_M:
            return True
    return False


def _culture(found: pd.DataFrame, day: str) -> SourceTable:
    rows = found[found["kind"].isin(CULTURE_KINDS)].assign(
        year=day[:4],
        note="mapped by volunteers: absence proves nothing",
        source=f"{MAPPED}{day}",
    )
    is_market = rows["kind"] == "weekly_market"
    hours = ("opening hours on the map: " + rows["hours"]).where(
        rows["hours"] != "", "a market place on the map, which tells no days"
    )
    rows["note"] = rows["note"].mask(is_market, hours)
    return SourceTable(
        "culture",
        rows[CULTURE_COLUMNS].astype("str").reset_index(drop=True),
        Origin(
            title_fr="Cinémas, musées et marchés",
            title_en="Cinemas, museums and markets",
            producer="Contributeurs d’OpenStreetMap",
            vintage=day,
            **_TERMS,
            credit_fr=f"© contributeurs OpenStreetMap, {day}",
            credit_en=f"© OpenStreetMap contributors, {day}",
            note_fr="Carte collaborative : une absence ne prouve rien. Tous les musées y sont, "
            "labellisés ou non. Les jours d’un marché sont ceux que la carte donne ; elle n’en "
            "donne pas toujours, et une halle peut être vide. Les villages labellisés n’y sont "
            "pas.",
            note_en="A collaborative map: absence is not proof. All museums are there, with the "
            "official label or not. The days of a market are those that the map gives; it does "
            "not always give any, and a market hall may be empty. Label villages are not there.",
        ),
        (),
    )


_TERMS = {**ODBL, "url": "https://www.openstreetmap.org/copyright", "quality": "declared"}
