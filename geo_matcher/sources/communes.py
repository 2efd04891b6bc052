"""The communes of a département and those around: names, outlines, town halls, mergers.

Hides where the official list and the outlines come from, which of the published positions of town
halls are wrong, and how communes that have merged are brought to their present code. Everything
else is asked for the :class:`~geo_matcher.sources.source.Area` that is made here.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely

from geo_matcher.destinations import INSEE_CODE
from geo_matcher.errors import CrsError, SourceError
from geo_matcher.sources.contacts import CONTACT_COLUMNS, contacts_of
from geo_matcher.sources.delimited import refuse_file
from geo_matcher.sources.editions import newest
from geo_matcher.sources.licences import LICENCE_OUVERTE
from geo_matcher.sources.source import Area, Edition, Fetch, Fetched, Origin, SourceTable
from geo_matcher.territory import LAMBERT_93, WGS_84

__all__ = [
    "COMMUNES_URL",
    "FORMER_URL",
    "SURROUNDINGS_KM",
    "area_of",
    "contours_editions",
    "contours_url",
    "mergers",
]

COMMUNES_URL = (
    "https://geo.api.gouv.fr/communes?fields=code,nom,codesPostaux,codeDepartement,population,"
    "centre,mairie,codeEpci,epci,anciensCodes&format=json"
)
"""Every commune of France as it is today."""

FORMER_URL = (
    "https://geo.api.gouv.fr/communes_associees_deleguees?fields=code,nom,type,chefLieu&format=json"
)
"""Every commune that has become a part of another and kept a name."""

SOURCE = "API Découpage administratif"

SURROUNDINGS_KM = 80.0
"""How far around the département town halls are taken, in km."""

MARGIN_KM = 40.0
"""How much farther outlines are read: a town hall may lie far from the middle of its commune."""

POSITION_TOLERANCE_M = 100.0
"""How far outside its outline a town hall may lie: twice what the outlines are generalised by."""

OLDER_EDITIONS = 2
"""How many years back outlines are looked for before the year's own are out."""

MAX_NAMED = 5

CODE_COLUMNS = ("code", "insee_com", "code_insee")
"""What the code of a commune is called: contours administratifs, ADMIN EXPRESS 3 and 4."""

SHAPES_FR, SHAPES_EN = "Contours généralisés à 50 m", "Outlines generalised to 50 m"


def contours_url(year: int) -> str:
    """Return the address of the outlines of all communes of a year, generalised to 50 m."""
    return (
        f"https://etalab-datasets.geo.data.gouv.fr/contours-administratifs/{year}/geojson/"
        "communes-50m.geojson.gz"
    )


def area_of(
    fetch: Fetch,
    departement: str,
    *,
    surroundings_km: float = SURROUNDINGS_KM,
    year: int | None = None,
    outlines: Path | None = None,
) -> tuple[Area, tuple[SourceTable, ...]]:
    """Return a département with its surroundings, and the tables that say so.

    Parameters
    ----------
    fetch
        Brings the files.
    departement
        Its code, such as ``46`` or ``2A``.
    surroundings_km
        How far around it town halls are taken, in km.
    year
        Year of the outlines; by default the newest there are.
    outlines
        Another file with the outlines of communes instead, in any format and CRS that names
        itself: a GeoPackage of ADMIN EXPRESS, for instance.

    Returns
    -------
    tuple
        The area, and the tables ``communes_source``, ``town_halls``, ``adjacency`` and
        ``french_communes``.

    Raises
    ------
    SourceError
        If a file cannot be had, or does not hold what it must; all problems at once.
    CrsError
        If the outlines are in no known CRS, or not where they say.
    """
    if not re.fullmatch(r"\d{2}|2[AB]", departement):
        raise SourceError(
            f"{departement[:20]!r} is no département in mainland France or Corsica, where "
            f"distances are measured in {LAMBERT_93}: expected a code such as 46 or 2A."
        )
    listed, list_file = _listed(fetch)
    own = listed.index[listed["departement"] == departement]
    if own.empty:
        raise SourceError(
            f"{SOURCE}: no commune of the département {departement} is in {list_file.url}. Check "
            "the code of the département."
        )
    merged, former_file = _merged(fetch, listed)
    if outlines is None:
        contours, edition = _newest_contours(fetch, departement, year)
        path = contours.path
    else:
        contours, edition, path = None, "", outlines
    box = _box(listed.loc[own], surroundings_km + MARGIN_KM)
    shapes = _outlines(path, box, merged)
    absent = own.difference(shapes.index)
    if len(absent):
        raise SourceError(
            f"{path.name if contours is None else contours.url} has no outline for "
            f"{len(absent)} communes of {departement} ({', '.join(absent[:MAX_NAMED])}). Its year "
            "may be another than that of the list: name the outlines of the present year."
        )
    found = _placed(listed.loc[listed.index.intersection(shapes.index)], shapes)
    halls = _around(found, own, surroundings_km)
    contacts, contacts_file, doubt = _contacts(fetch, own)
    files = (list_file, former_file, *([contours] if contours else []))
    origins = _Origins(edition or list_file.day.isoformat(), "" if contours else path.name, doubt)
    communes = _communes(found.loc[own], contacts)
    town_halls = _town_halls(halls)
    tables = (
        SourceTable(
            "communes_source",
            communes,
            origins.communes(int((communes["town_hall_position"] == "inside_point").sum())),
            (*files, *([contacts_file] if contacts_file else [])),
        ),
        SourceTable("town_halls", town_halls, origins.town_halls(surroundings_km), files),
        SourceTable("adjacency", _adjacency(halls), origins.adjacency(surroundings_km), files),
        SourceTable(
            "french_communes", _french(listed), origins.french(list_file.day), (list_file,)
        ),
    )
    return Area(departement, communes, town_halls, merged), tables


def mergers(fetch: Fetch) -> Mapping[str, str]:
    """Return the present code of each former commune of France, by its former code.

    Raises
    ------
    SourceError
        If a file cannot be had, or does not hold what it must.
    """
    return _merged(fetch, _listed(fetch)[0])[0]


# --- The official list -----------------------------------------------------------------------


def _entries(file: Fetched, needed: tuple[str, ...]) -> list[dict[str, Any]]:
    """Read a list of objects and check that each says what is needed."""
    try:
        entries = json.loads(file.path.read_bytes())
    except ValueError:
        raise SourceError(f"{SOURCE}: {file.url} is no JSON. Try again later.") from None
    if not isinstance(entries, list) or not entries:
        raise SourceError(f"{SOURCE}: {file.url} is no list of communes. See docs/data.md.")
    problems = []
    for number, entry in enumerate(entries, start=1):
        known = entry if isinstance(entry, dict) else {}
        absent = [name for name in needed if not isinstance(known.get(name), str)]
        if absent:
            problems.append(f"entry {number} has no {', '.join(absent)}")
        elif not re.fullmatch(INSEE_CODE.strip("^$"), known["code"]):
            problems.append(f"entry {number}: {known['code'][:20]!r} is no INSEE code")
    if problems:
        refuse_file(SOURCE, file, problems)
    return entries


def _listed(fetch: Fetch) -> tuple[pd.DataFrame, Fetched]:
    """Return every commune of France by its code, with its published position if there is one."""
    file = fetch(COMMUNES_URL, expected="json")
    rows = {}
    for entry in _entries(file, ("code", "nom", "codeDepartement")):
        epci = entry.get("epci") or {}
        centre, hall = _point(entry.get("centre")), _point(entry.get("mairie"))
        # Where no town hall is known the service gives the centre in its place.
        is_known = hall is not None and hall != centre
        people = entry.get("population")
        rows[entry["code"]] = {
            "name": " ".join(entry["nom"].split()),
            "departement": entry["codeDepartement"],
            "population": people if isinstance(people, int) and people >= 0 else np.nan,
            "postal_codes": ",".join(
                sorted(str(code) for code in entry.get("codesPostaux") or [] if code)
            ),
            "epci_code": str(epci.get("code") or entry.get("codeEpci") or ""),
            "epci_name": str(epci.get("nom") or ""),
            "former": tuple(str(code) for code in entry.get("anciensCodes") or []),
            "lon": hall[0] if hall and is_known else np.nan,
            "lat": hall[1] if hall and is_known else np.nan,
            "centre_lon": centre[0] if centre else np.nan,
            "centre_lat": centre[1] if centre else np.nan,
        }
    return pd.DataFrame.from_dict(rows, orient="index").sort_index(), file


def _point(geometry: object) -> tuple[float, float] | None:
    try:
        lon, lat = geometry["coordinates"][:2]  # type: ignore[index]
        lon, lat = float(lon), float(lat)
    except (TypeError, KeyError, ValueError):
        return None
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else None


def _merged(fetch: Fetch, listed: pd.DataFrame) -> tuple[dict[str, str], Fetched]:
    """Return the present code of each former commune, through mergers of merged communes too."""
    file = fetch(FORMER_URL, expected="json")
    present = set(listed.index)
    steps = {former: str(code) for code, codes in listed["former"].items() for former in codes} | {
        entry["code"]: entry["chefLieu"] for entry in _entries(file, ("code", "chefLieu"))
    }
    merged = {}
    for former in steps:
        code = former
        for _ in range(len(steps)):
            if code in present or code not in steps:
                break
            code = steps[code]
        if code in present and code != former:
            merged[former] = code
    return dict(sorted(merged.items())), file


# --- Outlines --------------------------------------------------------------------------------


def contours_editions(_: Fetch, __: str, today: dt.date) -> Iterator[Edition]:
    """Return the years whose outlines may be the newest; see :class:`Editions`."""
    for year in range(today.year, today.year - OLDER_EDITIONS - 1, -1):
        yield Edition(str(year), (contours_url(year),))


def _newest_contours(fetch: Fetch, departement: str, year: int | None) -> tuple[Fetched, str]:
    def found(_: Fetch, __: str, today: dt.date) -> Iterable[Edition]:
        if year:
            return [Edition(str(year), (contours_url(year),))]
        return contours_editions(fetch, departement, today)

    edition, (file,) = newest(
        fetch, found, departement, expected="gzip", source="Contours administratifs"
    )
    return file, edition.name


def _box(communes: pd.DataFrame, margin_km: float) -> tuple[float, float, float, float]:
    """Return what surely holds the surroundings: west, south, east, north, EPSG:4326."""
    centres = communes[["centre_lon", "centre_lat"]].dropna()
    if centres.empty:
        raise SourceError(f"{SOURCE}: no commune has a centre. See docs/data.md.")
    points = gpd.GeoSeries.from_xy(centres["centre_lon"], centres["centre_lat"], crs=WGS_84)
    west, south, east, north = points.to_crs(LAMBERT_93).total_bounds
    box = shapely.box(west, south, east, north).buffer(margin_km * 1000, join_style="mitre")
    bounds = gpd.GeoSeries([box], crs=LAMBERT_93).to_crs(WGS_84).total_bounds
    return (float(bounds[0]), float(bounds[1]), float(bounds[2]), float(bounds[3]))


def _outlines(
    path: Path, box: tuple[float, float, float, float], merged: Mapping[str, str]
) -> gpd.GeoSeries:
    """Read the outlines inside a box, EPSG:4326, by present code; former communes are joined."""
    try:
        with path.open("rb") as stream:
            is_gzip = stream.read(2) == b"\x1f\x8b"
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}). Check its name.") from None
    name = f"/vsigzip/{path.absolute()}" if is_gzip else str(path)
    try:
        layers = [str(layer) for layer, _ in pyogrio.list_layers(name)]
        layer = _layer_of_communes(layers)
        about = pyogrio.read_info(name, layer=layer)
        column = next((f for f in about["fields"] if f.lower() in CODE_COLUMNS), None)
        if column is None:
            raise SourceError(
                f"{path.name}: no column of the layer {layer} holds the code of a commune "
                f"(expected {', '.join(CODE_COLUMNS)}; found {', '.join(about['fields'])[:200]})."
            )
        if about["crs"] is None:
            raise CrsError(f"{path.name} does not say its CRS; expected {WGS_84} or {LAMBERT_93}.")
        corners = gpd.GeoSeries([shapely.box(*box)], crs=WGS_84).to_crs(about["crs"])
        frame = pyogrio.read_dataframe(
            name, layer=layer, columns=[column], bbox=tuple(corners.total_bounds)
        ).to_crs(WGS_84)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, IndexError):
        raise SourceError(
            f"{path.name} holds no outlines that can be read. Delete it and try again, or name "
            "another file."
        ) from None
    if frame.empty:
        raise CrsError(
            f"{path.name}: no outline lies where the département is ({WGS_84}). Its coordinates "
            "may be in another CRS than it says."
        )
    codes = frame[column].astype("str").map(lambda code: merged.get(code, code))
    shapes = gpd.GeoSeries(frame.geometry.to_numpy(), index=codes, crs=WGS_84).make_valid()
    twice = shapes.index[shapes.index.duplicated()].unique()
    joined = {code: shapely.union_all(shapes.loc[[code]].to_numpy()) for code in twice}
    shapes = shapes[~shapes.index.duplicated()]
    for code, shape in joined.items():
        shapes.loc[code] = shape
    outlines = gpd.GeoSeries([_polygons(one) for one in shapes], index=shapes.index, crs=WGS_84)
    if outlines.is_empty.all():
        raise SourceError(
            f"{path.name}: the layer {layer} holds no polygon but "
            f"{', '.join(set(shapes.geom_type))}, where outlines were expected. The layers are "
            f"{', '.join(layers)[:200]}: name a file whose layer of outlines is called commune."
        )
    return outlines[~outlines.is_empty]


def _layer_of_communes(layers: list[str]) -> str:
    """Return the layer called commune, else one whose name ends so, else the first.

    ADMIN EXPRESS holds town halls too, in a layer CHFLIEU_COMMUNE that may come first.
    """
    exact = [one for one in layers if one.casefold() == "commune"]
    like = [one for one in layers if one.casefold().endswith("commune")]
    return (exact or like or layers)[0]


def _polygons(shape: Any) -> shapely.MultiPolygon:
    """Return a shape as one kind of geometry; lines that mending leaves over are dropped."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    if not parts:
        parts = [p for part in shapely.get_parts(shape) for p in shapely.get_parts(part)]
        parts = [part for part in parts if part.geom_type == "Polygon"]
    return shapely.MultiPolygon(parts)


def _placed(communes: pd.DataFrame, shapes: gpd.GeoSeries) -> gpd.GeoDataFrame:
    """Join outlines, and put town halls that are not in their commune at a point inside."""
    frame = gpd.GeoDataFrame(communes.copy(), geometry=shapes.reindex(communes.index), crs=WGS_84)
    metric = frame.geometry.to_crs(LAMBERT_93)
    is_known = frame["lon"].notna()
    halls = gpd.GeoSeries.from_xy(
        frame["lon"].fillna(0), frame["lat"].fillna(46), crs=WGS_84, index=frame.index
    ).to_crs(LAMBERT_93)
    is_published = is_known & (halls.distance(metric) <= POSITION_TOLERANCE_M)
    inside = metric.representative_point().to_crs(WGS_84)
    frame["lon"] = frame["lon"].where(is_published, inside.x).round(6)
    frame["lat"] = frame["lat"].where(is_published, inside.y).round(6)
    frame["position"] = np.where(is_published, "published", "inside_point")
    frame["area_km2"] = metric.area / 1e6
    return frame


def _around(frame: gpd.GeoDataFrame, own: pd.Index, km: float) -> gpd.GeoDataFrame:
    """Return the communes of the département and those whose town hall is near enough."""
    metric = frame.geometry.to_crs(LAMBERT_93)
    halls = gpd.GeoSeries.from_xy(frame["lon"], frame["lat"], crs=WGS_84, index=frame.index)
    union = shapely.union_all(metric.loc[own].to_numpy())
    is_near = halls.to_crs(LAMBERT_93).distance(union) <= km * 1000
    return frame[is_near | frame.index.isin(own)]


# --- Tables ----------------------------------------------------------------------------------


def _contacts(fetch: Fetch, own: pd.Index) -> tuple[pd.DataFrame, Fetched | None, str]:
    """Return how to reach the town halls; nothing, and why, where the directory fails."""
    try:
        contacts, file = contacts_of(fetch, list(own))
    except SourceError as error:
        empty = pd.DataFrame("", index=own, columns=list(CONTACT_COLUMNS), dtype="str")
        return empty, None, str(error)
    return contacts, file, ""


def _communes(frame: gpd.GeoDataFrame, contacts: pd.DataFrame) -> gpd.GeoDataFrame:
    _check_complete(frame)
    return gpd.GeoDataFrame(
        {
            "insee_code": frame.index.astype("str"),
            "name": frame["name"].to_numpy(),
            "departement": frame["departement"].to_numpy(),
            "population": frame["population"].to_numpy().astype(np.int64),
            "area_km2": frame["area_km2"].round(3).to_numpy(),
            "epci_code": frame["epci_code"].to_numpy(),
            "epci_name": frame["epci_name"].to_numpy(),
            "arrondissement": "",
            "postal_codes": frame["postal_codes"].to_numpy(),
            "town_hall_lon": frame["lon"].to_numpy(),
            "town_hall_lat": frame["lat"].to_numpy(),
            "town_hall_position": frame["position"].to_numpy(),
            **{name: contacts.loc[frame.index, name].to_numpy() for name in CONTACT_COLUMNS},
        },
        geometry=frame.geometry.to_numpy(),
        crs=WGS_84,
    )


def _check_complete(frame: pd.DataFrame) -> None:
    lacks = {
        "no population": frame["population"].isna(),
        "an EPCI code of other than 9 digits": ~frame["epci_code"].str.fullmatch(r"(\d{9})?"),
    }
    problems = [
        f"{int(bad.sum())} communes have {what} ({', '.join(frame.index[bad][:MAX_NAMED])})"
        for what, bad in lacks.items()
        if bad.any()
    ]
    if problems:
        raise SourceError(
            f"{SOURCE}: {'; '.join(problems)}. See docs/data.md for what is expected.", problems
        )


def _town_halls(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "insee_code": frame.index.astype("str"),
            "name": frame["name"].to_numpy(),
            "departement": frame["departement"].to_numpy(),
            "population": frame["population"].fillna(0).to_numpy().astype(np.int64),
            "town_hall_lon": frame["lon"].to_numpy(),
            "town_hall_lat": frame["lat"].to_numpy(),
            "town_hall_position": frame["position"].to_numpy(),
        }
    )


def _adjacency(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the pairs of communes that touch, be it in a point, with the straight distance."""
    first, second = frame.sindex.query(frame.geometry, predicate="intersects")
    is_once = first < second
    first, second = first[is_once], second[is_once]
    lon, lat = frame["lon"].to_numpy(), frame["lat"].to_numpy()
    _, _, metres = pyproj.Geod(ellps="GRS80").inv(lon[first], lat[first], lon[second], lat[second])
    pairs = pd.DataFrame(
        {
            "a": frame.index.to_numpy()[first],
            "b": frame.index.to_numpy()[second],
            "straight_km": np.round(np.asarray(metres) / 1000, 3),
        }
    )
    return pairs.sort_values(["a", "b"], ignore_index=True)


def _french(listed: pd.DataFrame) -> pd.DataFrame:
    """Return every commune of France; the service does not say the year of its populations."""
    return pd.DataFrame(
        {
            "insee_code": listed.index.astype("str"),
            "name": listed["name"].to_numpy(),
            "departement": listed["departement"].to_numpy(),
            "population": listed["population"].to_numpy(dtype=np.float64),
            "population_year": np.nan,
        }
    )


@dataclass(frozen=True, slots=True)
class _Origins:
    """Where the tables come from, in words for people."""

    edition: str
    local_file: str
    doubt: str

    def _origin(self, title_fr: str, title_en: str, quality: str, **notes: str) -> Origin:
        producer = "IGN, INSEE, DILA"
        return Origin(
            title_fr=title_fr,
            title_en=title_en,
            producer=producer,
            vintage=self.edition,
            **LICENCE_OUVERTE,
            url="https://www.data.gouv.fr/datasets/contours-administratifs",
            quality=quality,
            credit_fr=f"{producer}, {self.edition}",
            credit_en=f"{producer}, {self.edition}",
            **notes,
        )

    def communes(self, moved: int) -> Origin:
        lost_fr = " L’annuaire des mairies n’a pas pu être lu." if self.doubt else ""
        lost_en = " The directory of town halls could not be read." if self.doubt else ""
        shapes_fr = f"Contours de {self.local_file}" if self.local_file else SHAPES_FR
        shapes_en = f"Outlines of {self.local_file}" if self.local_file else SHAPES_EN
        return self._origin(
            "Communes et mairies",
            "Communes and town halls",
            "measured",
            note_fr=(
                f"{moved} mairies, publiées hors de leur commune ou nulle part, sont placées en un "
                f"point intérieur. {shapes_fr} ; arrondissements inconnus.{lost_fr}"
            ),
            note_en=(
                f"{moved} town halls, published outside their commune or nowhere, stand at a point "
                f"inside. {shapes_en}; arrondissements unknown.{lost_en}"
            ),
        )

    def town_halls(self, km: float) -> Origin:
        return self._origin(
            f"Mairies à moins de {km:g} km du département",
            f"Town halls within {km:g} km of the département",
            "measured",
        )

    def adjacency(self, km: float) -> Origin:
        return self._origin(
            f"Communes qui se touchent, à moins de {km:g} km du département",
            f"Communes that touch, within {km:g} km of the département",
            "estimated",
            note_fr="Distances à vol d’oiseau de mairie à mairie.",
            note_en="Straight distances, town hall to town hall.",
        )

    def french(self, day: dt.date) -> Origin:
        return Origin(
            title_fr="Communes de France",
            title_en="Communes of France",
            producer="INSEE, API Découpage administratif",
            vintage=day.isoformat(),
            **LICENCE_OUVERTE,
            url="https://geo.api.gouv.fr/decoupage-administratif/communes",
            quality="measured",
            credit_fr=f"INSEE, API Découpage administratif, {day.isoformat()}",
            credit_en=f"INSEE, API Découpage administratif, {day.isoformat()}",
            note_fr="Le service ne dit pas l’année de ses populations.",
            note_en="The service does not say the year of its populations.",
        )
