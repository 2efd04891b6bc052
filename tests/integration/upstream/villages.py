"""An invented département, its surroundings, and their official files with the traps of real ones.

The département has the code 46 and nothing else in common with the one that bears it. Six square
communes of 5 km stand in two rows; others touch them in the south, or lie far away::

    46004 46005 46006          46006 has taken in 46106, which had taken in 46206
    46001 46002 46003
    82001 82002                                                     82003 (100 km east)

``put_villages(upstream)`` gives out the files of every source that is read here. The functions
named after a file return its bytes, to be broken by a test.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import shapely

from geo_matcher.sources.arcep import CARTEFIBRE_URL, MCI_URL, mobile_sites_url
from geo_matcher.sources.communes import COMMUNES_URL, FORMER_URL, contours_url
from geo_matcher.sources.contacts import CONTACTS_URL
from geo_matcher.sources.economie import COPPER_ABOUT_URL, COPPER_URL
from tests.integration.upstream.server import Upstream

__all__ = ["DEPARTEMENT", "VILLAGES", "Village", "put_villages"]

DEPARTEMENT = "46"
YEAR = 2026
QUARTER_END = "2026-06-30"
SIDE_M = 5_000
WEST_M, SOUTH_M = 570_000, 6_390_000
"""South-west corner of 46001, EPSG:2154."""

BEST_URL = f"{MCI_URL}/commune_meilleure_techno_thd.csv"
LAND_URL = f"{MCI_URL}/commune_debit_terrestre.csv"
CARTEFIBRE_ZIP_URL = "https://static.data.gouv.fr/resources/invented/2026t2-commune.zip"


@dataclass(frozen=True)
class Village:
    """A commune: code, name, place in the grid, inhabitants, premises."""

    code: str
    name: str
    column: float
    row: float
    people: int
    premises: int
    epci: tuple[str, str] | None = ("200000461", "CC du Causse inventé")

    @property
    def departement(self) -> str:
        return self.code[:2]

    @property
    def square(self) -> shapely.Polygon:
        """Outline in EPSG:2154."""
        west, south = WEST_M + self.column * SIDE_M, SOUTH_M + self.row * SIDE_M
        return shapely.box(west, south, west + SIDE_M, south + SIDE_M)


VILLAGES = (
    Village("46001", "Aubaleyrac", 0, 0, 310, 240),
    Village("46002", "Belpech-sur-Lère", 1, 0, 1250, 900),
    Village("46003", "Castelfrech", 2, 0, 95, 80),
    Village("46004", "L'Estèle", 0, 1, 480, 350),
    Village("46005", "Îlot-Saint-Cirq", 1, 1, 60, 44, epci=None),
    Village("46006", "Val-de-Tréjouls", 2, 1, 720, 520),
    Village("82001", "Montfauch", 0, -1, 150, 120),
    Village("82002", "Puyrouge", 1, -1, 2100, 1500),
    Village("82003", "Loin-du-Causse", 20, 0, 500, 400),
)
OWN = tuple(village for village in VILLAGES if village.departement == DEPARTEMENT)

ELSEWHERE = {
    "01004": "Ambérieu-en-Bugey", "32344": "Riscle", "32365": "Cap d'Astarac", "75056": "Paris",
    "97101": "Les Abymes",
}  # fmt: skip
"""Communes of the list that lie elsewhere; of two of them former ones are known."""

FORMER = {
    "46006": "46006",  # the seat keeps its own code
    "46106": "46006", "46206": "46106",
    "32067": "32365", "32260": "32365", "32413": "32365", "32074": "32344",
}  # fmt: skip
"""What has become a part of what."""


def put_villages(upstream: Upstream) -> None:
    """Give out all files about the invented département under their real addresses."""
    upstream.put(COMMUNES_URL, communes_json(), content_type="application/json; charset=utf-8")
    upstream.put(FORMER_URL, former_json(), content_type="application/json; charset=utf-8")
    upstream.put(contours_url(YEAR), contours_geojson_gz(), content_type="application/octet-stream")
    upstream.put(CONTACTS_URL, contacts_json(), content_type="application/json; charset=utf-8")
    upstream.put(BEST_URL, best_csv())
    upstream.put(LAND_URL, land_csv(), content_type="application/octet-stream")
    upstream.put(CARTEFIBRE_URL, cartefibre_json(), content_type="application/json")
    upstream.put(CARTEFIBRE_ZIP_URL, cartefibre_zip())
    upstream.put(COPPER_URL, copper_csv(), content_type="text/csv; charset=utf-8")
    upstream.put(COPPER_ABOUT_URL, copper_json(), content_type="application/json")
    upstream.put(mobile_sites_url(2026, 1), sites_csv())


# --- Communes --------------------------------------------------------------------------------


def _lonlat(point: shapely.Point) -> shapely.Point:
    found = gpd.GeoSeries([point], crs="EPSG:2154").to_crs("EPSG:4326").iloc[0]
    assert isinstance(found, shapely.Point)
    return found


def _point(metric: shapely.Point) -> dict[str, Any]:
    point = _lonlat(metric)
    return {"type": "Point", "coordinates": [round(point.x, 4), round(point.y, 4)]}


def hall(village: Village) -> shapely.Point:
    """Return where a town hall really is: a kilometre north-east of the middle, EPSG:2154."""
    middle = village.square.centroid
    return shapely.Point(middle.x + 700, middle.y + 700)


def communes_json() -> bytes:
    """Return the list of communes; two town halls are not where it says."""
    entries: list[dict[str, Any]] = []
    for village in VILLAGES:
        published = _point(hall(village))
        if village.code == "46002":  # a homonym, 60 km away
            published = _point(shapely.Point(hall(village).x + 60_000, hall(village).y))
        if village.code == "46003":  # not known: the middle stands in
            published = _point(village.square.centroid)
        entry = {
            "nom": village.name,
            "code": village.code,
            "codesPostaux": [f"{village.departement}{village.code[2:]}"],
            "codeDepartement": village.departement,
            "population": village.people,
            "centre": _point(village.square.centroid),
            "mairie": published,
        }
        if village.epci:
            entry |= {
                "codeEpci": village.epci[0],
                "epci": {"code": village.epci[0], "nom": village.epci[1]},
            }
        if village.code == "46001":
            entry["codesPostaux"] = ["46150", "46001"]
        entries.append(entry)
    entries += [
        {
            "nom": name,
            "code": code,
            "codesPostaux": [],
            "codeDepartement": code[:3] if code.startswith("97") else code[:2],
            "centre": {"type": "Point", "coordinates": [5.0, 46.0]},
        }
        for code, name in ELSEWHERE.items()
    ]
    return json.dumps(entries, ensure_ascii=False).encode()


def former_json() -> bytes:
    """Return the communes that are a part of another; one list in chains, one code that stays."""
    return json.dumps(
        [
            {"nom": f"Ancienne {code}", "code": code, "type": "commune-deleguee", "chefLieu": seat}
            for code, seat in FORMER.items()
        ],
        ensure_ascii=False,
    ).encode()


def contours_geojson_gz(
    changed: Mapping[str, shapely.Geometry] | None = None, crs: str = "EPSG:4326"
) -> bytes:
    """Return the outlines; that of 46006 still in two, as it was before its merger."""
    shapes: dict[str, shapely.Geometry] = {v.code: v.square for v in VILLAGES}
    west, south, east, north = next(v.square for v in VILLAGES if v.code == "46006").bounds
    middle = (west + east) / 2
    shapes["46006"] = shapely.box(west, south, middle, north)
    shapes["46106"] = shapely.box(middle, south, east, north)
    shapes |= dict(changed or {})
    # Neighbours share their corners: a straight side is none in another projection.
    fine = gpd.GeoSeries(shapes, crs="EPSG:2154").segmentize(SIDE_M / 8)
    series = fine.to_crs(crs)
    series = series.set_precision(1e-6 if crs == "EPSG:4326" else 0.01)
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "nom": f"Commune {code}", "departement": code[:2]},
            "geometry": shapely.geometry.mapping(shape),
        }
        for code, shape in series.items()
        if not shape.is_empty
    ]
    collection = {"type": "FeatureCollection", "features": features}
    return gzip.compress(json.dumps(collection, ensure_ascii=False).encode(), mtime=0)


def contacts_json() -> bytes:
    """Return the directory of town halls, where lists are texts of JSON."""

    def entry(code: str, name: str, kind: str, **cells: Any) -> dict[str, Any]:
        return {
            "nom": name,
            "pivot": json.dumps([{"type_service_local": kind, "code_insee_commune": [code]}]),
            "code_insee_commune": code,
            "adresse": None,
            "telephone": None,
            "adresse_courriel": None,
            "site_internet": None,
            **cells,
        }

    def address(street: str, code: str, town: str) -> str:
        return json.dumps(
            [{"type_adresse": "Adresse", "complement1": "", "numero_voie": street,
              "code_postal": code, "nom_commune": town, "longitude": "1.4", "latitude": "44.5"}]
        )  # fmt: skip

    entries = [
        entry(
            "46001", "Mairie déléguée - Aubaleyrac-le-Vieux", "mairie",
            telephone='[{"valeur": "05 00 00 00 99", "description": ""}]',
        ),
        entry(
            "46001", "Mairie - Aubaleyrac", "mairie",
            adresse=address("2 place du Foirail", "46150", "Aubaleyrac"),
            telephone='[{"valeur": "05 00 00 00 01", "description": ""}]',
            adresse_courriel="mairie@aubaleyrac.example;secretariat@aubaleyrac.example",
            site_internet='[{"libelle": "", "valeur": "https://aubaleyrac.example"}]',
        ),
        entry("46002", "Communauté de communes", "epci",
              telephone='[{"valeur": "05 00 00 00 98"}]'),
        entry(
            "46002", "Mairie - Belpech-sur-Lère", "mairie",
            adresse=address("None", "46002", "Belpech-sur-Lère"),
            telephone='[{"valeur": "<script>alert(1)</script>"}]',
            adresse_courriel="None",
            site_internet='[{"libelle": "", "valeur": "javascript:alert(1)"}]',
        ),
        entry("75056", "Mairie - Paris", "mairie"),
    ]  # fmt: skip
    return json.dumps(entries, ensure_ascii=False).encode()


# --- Fixed internet --------------------------------------------------------------------------

TECHNOLOGY_SHARES = {
    "46001": (0.9, 0.0, 0.05, 0.03),  # fibre, cable, copper of 30 Mbit/s, copper of 8
    "46002": (0.7, 0.2, 0.0, 0.05),
}


def _split(village: Village) -> dict[str, int]:
    fibre, cable, good, slow = TECHNOLOGY_SHARES.get(village.code, (0.8, 0.0, 0.0, 0.0))
    counts = {
        "elig_ftth": int(fibre * village.premises),
        "elig_coax": int(cable * village.premises),
        "elig_cu_30": int(good * village.premises),
        "elig_thdr": 0,
        "elig_cu_8": int(slow * village.premises),
        "elig_4gf": village.premises // 50,
        "elig_hdr": 0,
    }
    return {**counts, "elig_sat": village.premises - sum(counts.values())}


def _delimited(rows: Sequence[Mapping[str, Any]], delimiter: str = ";", end: str = "\r\n") -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _statistics(counts: Callable[[Village], Mapping[str, int]], date: str) -> list[dict[str, Any]]:
    # The official files are not sorted by code.
    return [
        {
            "code_insee": village.code,
            "nom_com": village.name,
            "code_dep": village.departement,
            "code_reg": "76",
            "nbr": village.premises,
            "type": "all",
            **counts(village),
            "date": date,
        }
        for village in sorted(VILLAGES, key=lambda village: village.name, reverse=True)
    ]


def best_csv(date: str = QUARTER_END) -> bytes:
    """Return premises by best technology, UTF-8 with a byte order mark and CRLF."""

    def counts(village: Village) -> dict[str, int]:
        return {"nbr_elig_8": village.premises, **_split(village)}

    return _delimited(_statistics(counts, date)).encode("utf-8-sig")


def land_csv(date: str = QUARTER_END) -> bytes:
    """Return premises by speed on land, in the encoding of older editions."""

    def counts(village: Village) -> dict[str, int]:
        by = _split(village)
        slow = by["elig_cu_8"]
        fast = village.premises - by["elig_sat"] - slow
        none = 0
        return {
            "inel_hd": none,
            "elig_hd05": village.premises - none,
            "elig_hd3": village.premises - none,
            "elig_bhd8": fast + slow,
            "elig_thd30": fast,
            "elig_thd100": by["elig_ftth"] + by["elig_coax"],
            "elig_thd1g": by["elig_ftth"] + by["elig_coax"],
        }

    return _delimited(_statistics(counts, date), end="\n").encode("cp1252")


def cartefibre_json(titles: Sequence[str] = ("2026T1-Commune", "2026T2-Commune")) -> bytes:
    """Return what data.gouv.fr says of the files of Cartefibre, other layers among them."""
    others = ["2026T2-Immeuble", "2026T2-Departement", "Documentation"]
    resources = [
        {
            "title": title,
            "url": CARTEFIBRE_ZIP_URL.replace("2026t2-commune", title.lower()),
            "last_modified": "2026-09-10T08:00:00+00:00",
        }
        for title in [*others, *titles]
    ]
    return json.dumps({"title": "Le marché du haut et très haut débit", "resources": resources}
                      ).encode()  # fmt: skip


def cartefibre_zip(
    names: Sequence[str] = ("INSEE_COM", "NOM_COM", "Locaux", "ftth"),
    rows: Sequence[tuple[str, str, float, float]] = (),
) -> bytes:
    """Return a zipped shapefile whose table is latin-1 though its .cpg says UTF-8."""
    rows = list(rows) or [
        (village.code, village.name, village.premises * 1.02, village.premises * 0.8)
        for village in VILLAGES
        if village.code != "46006"
    ] + [  # merged communes may still be in two rows; Paris is in districts
        ("46006", "Val-de-Tréjouls", 400.0, 300.0),
        ("46106", "Tréjouls-le-Bas", 120.0, 40.0),
        ("75101", "Paris 1er", 10_000.0, 9_000.0),
        ("75102", "Paris 2e", 5_000.0, 4_000.0),
    ]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("2026t2_commune.shp"), b"not read")
        archive.writestr(zipfile.ZipInfo("2026t2_commune.dbf"), dbf(rows, names))
        archive.writestr(zipfile.ZipInfo("2026t2_commune.cpg"), b"UTF-8")
    return content.getvalue()


def dbf(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> bytes:
    """Return a dBASE III table in latin-1: texts, and numbers with 15 decimals."""
    widths = [("N", 33, 15) if isinstance(cell, float) else ("C", 40, 0) for cell in rows[0]]
    head = 32 + 32 * len(names) + 1
    length = 1 + sum(width for _, width, _ in widths)
    out = struct.pack("<BBBBIHH20x", 3, 126, 9, 2, len(rows), head, length)
    for name, (kind, width, decimals) in zip(names, widths, strict=True):
        out += struct.pack("<11sc4xBB14x", name.encode("latin-1"), kind.encode(), width, decimals)
    out += b"\r"
    for row in rows:
        out += b" "
        for cell, (_, width, decimals) in zip(row, widths, strict=True):
            text = f"{cell:.{decimals}f}".rjust(width) if decimals else str(cell).ljust(width)
            out += text.encode("latin-1")
    return out + b"\x1a"


PLANNED = "L'arrêt du réseau cuivre est prévu dans votre commune."
CLOSED = "Le réseau cuivre est déjà fermé dans votre commune."
UNPLANNED = "L'arrêt du réseau cuivre n'est pas encore prévu dans votre commune."


def copper_csv() -> bytes:
    """Return the copper schedule; codes have lost their zero, a commune has two rows."""
    rows = [
        ("46001", "2029-01-31", PLANNED),
        ("46002", "2028-11-30", PLANNED),  # one row for each postcode
        ("46002", "2027-05-31", PLANNED),
        ("46003", "2025-01-31", CLOSED),
        ("46004", "2030-12-31", UNPLANNED),  # a date that does not count yet
        ("46005", "", UNPLANNED),
        ("46106", "2027-01-31", PLANNED),
        ("46006", "2029-05-31", PLANNED),
        ("1004", "2026-01-31", PLANNED),
        ("", "2026-01-31", PLANNED),
    ]
    return _delimited(
        [
            {"code_insee": code, "fermeture_technique": day, "output_usager": sentence}
            for code, day, sentence in rows
        ]
    ).encode("utf-8-sig")


def copper_json() -> bytes:
    """Return what the ministry says of the schedule."""
    about = {"metas": {"default": {"modified": "2025-10-20T09:12:00+00:00"}}}
    return json.dumps(about).encode()


# --- Mobile sites ----------------------------------------------------------------------------


def sites_csv(decimal: str = ",") -> bytes:
    """Return mobile sites, with the decimal comma of 2026 or the point of 2024."""
    sites = [
        ("20801", "A1", "46001", 1, 1, 1, 0, 0, 0),
        ("20815", "B1", "46001", 0, 1, 1, 1, 0, 0),
        ("20810", "C1", "46106", 1, 1, 1, 0, 1, 0),
        ("20820", "C2", "46006", 0, 0, 1, 0, 0, 1),
        ("20801", "D1", "82001", 1, 1, 1, 1, 0, 0),
    ]
    rows = []
    for operator, number, code, *flags in sites:
        village = next(v for v in VILLAGES if v.code in (code, FORMER.get(code)))
        point = _lonlat(village.square.centroid)
        row = {
            "code_op": operator,
            "nom_op": "Opérateur",
            "num_site": number,
            "x": "600000",
            "y": "6400000",
            "latitude": f"{point.y:.6f}".replace(".", decimal),
            "longitude": f"{point.x:.6f}".replace(".", decimal),
            "insee_dep": village.departement,
            "nom_com": village.name,
            "insee_com": code,
        }
        names = ("site_2g", "site_3g", "site_4g", "site_5g", "site_ZB", "site_DCC")
        rows.append({**row, **dict(zip(names, flags, strict=True))})
    return _delimited(rows, end="\n").encode()
