"""The communes around Auch: the shipped release where a département would only take longer."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import geopandas as gpd
import pandas as pd

from geo_matcher.build import build_release
from geo_matcher.destinations import HUB_CITIES
from geo_matcher.territory import LAMBERT_93

RELEASE = Path(__file__).resolve().parents[1] / "data" / "communes"
CUT = 40


def make_small_gers(folder: Path) -> None:
    """Write some communes of the Gers, with every source, into a new folder and build them."""
    shutil.copytree(RELEASE, folder)
    source = folder / "source"
    communes = gpd.read_parquet(source / "communes.parquet")
    metric = communes.geometry.to_crs(LAMBERT_93)
    auch = metric[communes["insee_code"] == "32013"].centroid.iloc[0]
    near = metric.distance(auch).sort_values(kind="stable").index[:CUT]
    kept = communes.loc[near].sort_values("insee_code", ignore_index=True)
    codes = set(kept["insee_code"])
    kept.to_parquet(source / "communes.parquet", index=False)
    for path in source.glob("*.csv"):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        if "insee_code" in table and path.stem not in {"town_halls", "french_communes", "hubs",
                                                       "origin_cities"}:  # fmt: skip
            table[table["insee_code"].isin(codes)].to_csv(path, index=False, lineterminator="\n")
    _cut_roads(source)
    about = folder / "territory.toml"
    listed = f"communes = {sorted(codes)}"
    about.write_text(about.read_text("utf-8").replace('departement = "32"', listed), "utf-8")
    catalog = folder / "catalog.toml"
    text = catalog.read_text(encoding="utf-8").replace("communes = 458", f"communes = {CUT}")
    catalog.write_text(re.sub(r"\[\[mend\]\].*?(?=\n\[|\Z)", "", text, flags=re.S), "utf-8")
    build_release(folder)


def _cut_roads(source: Path) -> None:
    """Keep the town halls of the Gers and of the towns, so that building takes a moment."""
    names = ("town_halls", "adjacency", "french_communes", "hubs", "origin_cities")
    tables = {n: pd.read_csv(source / f"{n}.csv", dtype=str, keep_default_na=False) for n in names}
    halls = tables["town_halls"]
    asked = set(tables["hubs"]["insee_code"]) | {code for code, _ in HUB_CITIES.values()}
    halls = halls[halls["departement"].eq("32") | halls["insee_code"].isin(asked)]
    pairs, french = tables["adjacency"], tables["french_communes"]
    known = set(halls["insee_code"])
    named = known | set(tables["origin_cities"]["insee_code"])
    for name, kept in (
        ("town_halls", halls),
        ("adjacency", pairs[pairs["a"].isin(known) & pairs["b"].isin(known)]),
        ("french_communes", french[french["insee_code"].isin(named)]),
    ):
        kept.to_csv(source / f"{name}.csv", index=False, lineterminator="\n")
