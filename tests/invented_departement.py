"""An invented département, built from nothing: another territory to try everything on.

Its communes are the cells of a jittered grid, its figures are drawn; no real place is meant. It can
be as small and as poor as wished: no neighbour, no network, no table but what nothing can be built
without.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import tomlkit

from geo_matcher.access import _great_circle_km
from geo_matcher.build import MADE_TABLES, build_release
from geo_matcher.missing_sources import OPTIONAL_SOURCES
from geo_matcher.schemas import BEST_TECHNOLOGY
from geo_matcher.territory import LAMBERT_93, WGS_84, Territory

__all__ = ["Invented", "invented_release", "write_invented"]

CENTRE = (1.6, 44.6)
CELL_M = 5_000.0
NETWORK = {
    "name": "Causses Connectés",
    "published_year": 2025,
    "partners_published": 4,
    "communes_published": 10,
}


@dataclass(frozen=True)
class Invented:
    """What to invent.

    Attributes
    ----------
    departement
        Its code, such as ``46`` or ``2A``.
    communes
        How many; a ring of communes of another département lies around them.
    sources
        Optional source tables to give it.
    network
        What ``[network]`` of its territory file says; empty: there is none.
    has_neighbours
        Whether there is a ring of communes around.
    centre
        Longitude and latitude.
    """

    departement: str = "46"
    communes: int = 36
    sources: Collection[str] = ("broadband_fixed", "shops", "hubs")
    network: Any = None
    has_neighbours: bool = True
    centre: tuple[float, float] = CENTRE


def invented_release(folder: Path, wanted: Invented | None = None) -> Territory:
    """Write an invented département into a folder, build it and return it."""
    write_invented(folder, wanted or Invented())
    return build_release(folder)


def write_invented(folder: Path, wanted: Invented) -> None:
    """Write the source half of an invented release."""
    rng = np.random.default_rng(46)
    cells = _cells(wanted, rng)
    own = cells[cells["is_own"]].drop(columns="is_own").reset_index(drop=True)
    source = folder / "source"
    source.mkdir(parents=True)
    own.to_parquet(source / "communes.parquet", index=False)
    tables: dict[str, pd.DataFrame] = {
        "town_halls": pd.DataFrame(cells)[
            ["insee_code", "name", "departement", "population", "town_hall_lon", "town_hall_lat",
             "town_hall_position"]
        ],
        "adjacency": _adjacency(cells),
    }  # fmt: skip
    makers = {"broadband_fixed": _broadband, "shops": _shops, "hubs": _hubs,
              "workplaces": _workplaces, "housing_prices_rents": _prices}  # fmt: skip
    tables |= {name: makers[name](own, rng) for name in wanted.sources}
    for name, table in tables.items():
        table.to_csv(source / f"{name}.csv", index=False, lineterminator="\n")
    towns = own.sort_values("population", ascending=False).head(2)
    _write_territory(folder, wanted, towns)
    _write_catalog(folder, ["communes_source", *tables], len(own))


def _cells(wanted: Invented, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Return own communes, and a ring around them, as Voronoi cells of a jittered grid."""
    side = int(np.ceil(np.sqrt(wanted.communes)))
    middle = gpd.GeoSeries.from_xy([wanted.centre[0]], [wanted.centre[1]], crs=WGS_84)
    x0, y0 = shapely.get_coordinates(middle.to_crs(LAMBERT_93).array)[0]
    grid = np.arange(-1, side + 1)
    spots = [
        (column, row, x0 + (column - side / 2) * CELL_M + dx, y0 + (row - side / 2) * CELL_M + dy)
        for row in grid
        for column in grid
        for dx, dy in [rng.uniform(-0.25, 0.25, 2) * CELL_M]
    ]
    points = shapely.MultiPoint([(x, y) for _, _, x, y in spots])
    frame = shapely.box(*points.bounds).buffer(CELL_M / 2, join_style="mitre")
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=frame))
    tree = shapely.STRtree(cells)
    shapes, codes, names, is_own = [], [], [], []
    inside = [bool(c >= 0 and r >= 0 and c < side and r < side and r * side + c < wanted.communes)
              for c, r, _, _ in spots]  # fmt: skip
    count = {True: 0, False: 0}
    for (_, _, x, y), ours in zip(spots, inside, strict=True):
        (place,) = tree.query(shapely.Point(x, y), predicate="within")
        shapes.append(shapely.intersection(cells[place], frame))
        count[ours] += 1
        codes.append(f"{wanted.departement if ours else '99'}{count[ours]:03d}")
        names.append(f"{'Combe' if ours else 'Delà'} {_letters(count[ours])}")
        is_own.append(ours)
    metric = gpd.GeoSeries(shapes, crs=LAMBERT_93)
    halls = gpd.GeoSeries.from_xy([s[2] for s in spots], [s[3] for s in spots], crs=LAMBERT_93)
    lon, lat = (shapely.get_coordinates(halls.to_crs(WGS_84).array).T).round(6)
    population = np.round(np.exp(rng.normal(5.8, 0.9, len(spots)))).astype(np.int64) + 20
    group = np.array([(c >= side // 2) + 2 * (r >= side // 2) for c, r, _, _ in spots])
    frame_of_cells = gpd.GeoDataFrame(
        {
            "insee_code": codes,
            "name": names,
            "departement": [code[:2] for code in codes],
            "population": population,
            "area_km2": (metric.area / 1e6).round(3),
            "epci_code": [f"2000460{g:02d}" for g in group],
            "epci_name": [f"CC Inventée {_letters(g + 1)}" for g in group],
            "arrondissement": "",
            "postal_codes": [f"{46000 + 10 * g}" for g in group],
            "town_hall_lon": lon,
            "town_hall_lat": lat,
            "town_hall_position": "published",
            "town_hall_address": "",
            "town_hall_phone": "",
            "town_hall_email": "",
            "town_hall_website": "",
            "is_own": is_own,
        },
        geometry=metric,
        crs=LAMBERT_93,
    ).to_crs(WGS_84)
    frame_of_cells.loc[~frame_of_cells["is_own"], "insee_code"] = [
        f"81{n:03d}" for n in range(1, count[False] + 1)
    ]
    frame_of_cells["departement"] = frame_of_cells["insee_code"].str[:2]
    if not wanted.has_neighbours:
        frame_of_cells = frame_of_cells[frame_of_cells["is_own"]]
    return gpd.GeoDataFrame(frame_of_cells.sort_values("insee_code", ignore_index=True))


def _letters(number: int) -> str:
    """Write a number in letters, so that every name is another."""
    return chr(64 + (number - 1) // 26 + 1) + chr(97 + (number - 1) % 26)


def _adjacency(cells: gpd.GeoDataFrame) -> pd.DataFrame:
    near = cells.geometry.to_crs(LAMBERT_93)
    left, right = near.sindex.query(near.array, predicate="dwithin", distance=1.0)
    keep = left < right
    halls = np.radians(cells[["town_hall_lon", "town_hall_lat"]].to_numpy().T)
    km = _great_circle_km(halls[:, left[keep]], halls[:, right[keep]])
    codes = cells["insee_code"].to_numpy()
    return pd.DataFrame(
        {"a": codes[left[keep]], "b": codes[right[keep]], "straight_km": km.round(3)}
    )


def _broadband(own: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    premises = (own["population"] // 2 + 10).to_numpy()
    fibre = (premises * rng.uniform(0.5, 1.0, len(own))).astype(np.int64)
    columns = dict.fromkeys(BEST_TECHNOLOGY, 0) | {
        "mci_best_ftth": fibre, "mci_best_satellite": premises - fibre,
    }  # fmt: skip
    return pd.DataFrame(
        {
            "insee_code": own["insee_code"],
            "cartefibre_premises": premises,
            "cartefibre_ftth_premises_passed": fibre,
            "mci_premises": premises,
            **columns,
            "mci_land_30mbit": fibre,
            "mci_land_1gbit": fibre,
            "copper_closure_date": "2029-01-31",
        }
    )


def _shops(own: gpd.GeoDataFrame, _: np.random.Generator) -> pd.DataFrame:
    kinds = ("bakery", "grocery", "supermarket", "fresh_food", "fuel", "post", "bank",
             "bookshop_press")  # fmt: skip
    bourgs = own.sort_values("population", ascending=False).head(max(1, len(own) // 4))
    rows = [
        (kind, code, lon, lat)
        for code, lon, lat in bourgs[["insee_code", "town_hall_lon", "town_hall_lat"]].itertuples(
            index=False
        )
        for kind in kinds
    ]
    return pd.DataFrame(rows, columns=["kind", "insee_code", "lon", "lat"])


def _hubs(own: gpd.GeoDataFrame, _: np.random.Generator) -> pd.DataFrame:
    first = own.iloc[0]
    return pd.DataFrame(
        [("station", "Halte", first["insee_code"], first["town_hall_lon"],
          first["town_hall_lat"], "")],
        columns=["kind", "name", "insee_code", "lon", "lat", "note"],
    )  # fmt: skip


def _workplaces(own: gpd.GeoDataFrame, _: np.random.Generator) -> pd.DataFrame:
    columns = ["name", "kind", "insee_code", "address", "year", "source", "position", "status"]
    code = own["insee_code"].iloc[len(own) // 2]
    row = ("L'Atelier", "coworking", code, "", "2025", "invented", "", "invented")
    return pd.DataFrame([row], columns=columns)


def _prices(own: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    price = rng.uniform(900, 2200, len(own)).round(0)
    return pd.DataFrame(
        {
            "insee_code": own["insee_code"],
            "current_insee": own["insee_code"],
            "price_m2_mean_2022_2023": price,
            "price_m2_mean_2022": price,
            "price_m2_mean_2023": price,
            "rent_apartment_eur_m2_month": 9.0,
            "rent_house_eur_m2_month": 8.0,
        }
    )


def _write_territory(folder: Path, wanted: Invented, towns: pd.DataFrame) -> None:
    named = towns[["insee_code", "name"]].itertuples(index=False)
    about: dict[str, Any] = {
        "departement": wanted.departement,
        "names": {"the_fr": "le Causse", "in_fr": "dans le Causse", "of_fr": "du Causse",
                  "the_en": "the Causse"},
        "town": [
            {"key": f"combe_{number}", "insee_code": code, "name": name, "role": role}
            for number, ((code, name), role) in enumerate(
                zip(named, ("seat", "metropolis"), strict=False), start=1
            )
        ],
    }  # fmt: skip
    if wanted.network:
        about["network"] = dict(wanted.network)
    (folder / "territory.toml").write_text(tomlkit.dumps(about), encoding="utf-8")


def _write_catalog(folder: Path, sources: list[str], communes: int) -> None:
    files = {"communes_source": "source/communes.parquet", "territory": "territory.toml"}
    made = {"communes": "communes.parquet", "parameters": "derived/parameters.toml",
            "membership": "membership.csv"}  # fmt: skip
    tables = [(name, files.get(name, f"source/{name}.csv"), "source")
              for name in ("territory", *sources)]  # fmt: skip
    tables += [(name, made.get(name, f"derived/{name}.csv"), "derived") for name in MADE_TABLES]
    release = {"territory": "causse", "name_fr": "Causse", "name_en": "Causse",
               "vintage": "2027-03", "cog_year": 2027, "communes": communes}  # fmt: skip
    document: dict[str, Any] = {
        "release": release,
        "table": [
            {
                "name": name, "path": path, "kind": kind, "title_fr": f"Table {name}",
                "title_en": f"Table {name}", "producer": "invented", "vintage": "2027",
                "licence": "none", "licence_url": "", "url": "", "quality": "declared",
                "credit_fr": "inventé 2027", "credit_en": "invented 2027", "note_fr": "",
                "note_en": "", "rows": 0, "bytes": 0, "sha256": "",
            }
            for name, path, kind in tables
        ],
    }  # fmt: skip
    (folder / "catalog.toml").write_text(tomlkit.dumps(document), encoding="utf-8")
    assert set(sources) <= {"communes_source", "town_halls", "adjacency", *OPTIONAL_SOURCES}
