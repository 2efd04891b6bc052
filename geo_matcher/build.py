"""Make the derived half of a release from its source half.

Hides the order in which source tables become places, travel times, indicators and membership, and
how a release is replaced without ever being half there. Deterministic: same sources, same bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import tomlkit

from geo_matcher import access
from geo_matcher.access import distance_problems
from geo_matcher.access_measures import access_measures
from geo_matcher.atomic_folders import replacing
from geo_matcher.baskets import weekly_rounds
from geo_matcher.catalog import Catalog, complete_catalog
from geo_matcher.corrections import corrected
from geo_matcher.destinations import DAILY_SERVICES
from geo_matcher.errors import CrsError, DataError
from geo_matcher.gate import is_wgs_84
from geo_matcher.indicators import DAILY_SERVICE_NEAR_MIN, indicators
from geo_matcher.journeys import Journeys
from geo_matcher.membership import (
    GIVEN_LIST,
    MEMBERSHIP_COLUMNS,
    NetworkReach,
    partner_membership,
    read_partner_list,
    solve_reach,
)
from geo_matcher.missing_sources import declare_absent, listed_kinds
from geo_matcher.places import collect_places, first_years
from geo_matcher.release_store import ReleaseStore, held_release, told_of
from geo_matcher.road_store import drop_roads, write_roads
from geo_matcher.road_times import road_facts
from geo_matcher.sources.openstreetmap import Download
from geo_matcher.tables import empty_table, read_table
from geo_matcher.territory import LAMBERT_93, WGS_84, Territory
from geo_matcher.territory_file import TERRITORY_FILE, Network, TerritoryFile, read_territory_file
from geo_matcher.towns import in_service
from geo_matcher.travel_times import travel_times

__all__ = [
    "MADE_TABLES",
    "build_derived",
    "build_release",
    "describe_table",
    "mend_communes",
    "partner_list_entry",
    "set_partners",
    "set_roads",
    "write_csv",
]

DERIVED = "derived"
PARTNER_LIST = "source/partners.csv"
"""The network's own list, once it has been given; absent from the shipped release."""

NEEDED_TABLES = ("territory", "communes_source", "town_halls", "adjacency")
"""Sources without which nothing can be built. Any other may be absent: its figures are missing."""

MADE_TABLES = (
    "communes", "places", "travel_times", "access_measures", "indicators", "membership",
    "parameters",
)  # fmt: skip
"""Tables that the build writes where the catalog says."""


def build_release(folder: Path, *, edit: Callable[[Path], None] | None = None) -> Territory:
    """Rebuild the derived half of a release and put the whole in place at once.

    The work is done in a temporary folder beside the release; it is checked by the same gate as any
    release; only then do the two folders change names, in one step where the system can. In a store
    the release in service is left as it is, and a new one is published.

    Parameters
    ----------
    folder
        The release to rebuild, or a store.
    edit
        Changes the temporary copy before the build, for instance to add a source table.

    Returns
    -------
    Territory
        The release as it now stands.

    Raises
    ------
    DataError
        If a source is broken or the result does not pass the gate, or another program is writing
        there; the release is as it was.
    """
    folder = folder.resolve()
    if ReleaseStore.is_store(folder):
        return _published(ReleaseStore(folder), edit)
    if (store := ReleaseStore.around(folder)) is not None:
        raise DataError(
            f"{folder} is a release of a store, where nothing is changed. Name the store itself "
            f"({store.folder}): a new release is published there."
        )
    Catalog.read(folder)
    with replacing(folder) as copy:
        shutil.copytree(folder, copy)
        if edit is not None:
            edit(copy)
        with told_of(copy, str(folder)):
            build_derived(copy)
            Territory.load(copy)
    return Territory.load(folder)


def _published(store: ReleaseStore, edit: Callable[[Path], None] | None) -> Territory:
    """Publish what the release in service becomes when it is changed and built."""

    def make(incoming: Path) -> None:
        with held_release(store.folder) as source:
            shutil.copytree(source, incoming, dirs_exist_ok=True)
        if edit is not None:
            edit(incoming)
        build_derived(incoming)

    store.publish(make, gate=Territory.load)
    return Territory.load(store.folder)


def set_roads(folder: Path, download: Download | None) -> Territory:
    """Give a release other roads, or none, and build it again.

    Parameters
    ----------
    folder
        The release.
    download
        The roads; ``None`` goes back to the town-hall network.

    Raises
    ------
    DataError
        If the release cannot be built with them; it is then as it was.
    """

    def edit(copy: Path) -> None:
        drop_roads(copy)
        if download is not None:
            write_roads(copy, download)

    return build_release(folder, edit=edit)


def set_partners(folder: Path, partner_list: Path) -> Territory:
    """Replace the partner villages of a release by the network's own list.

    Parameters
    ----------
    folder
        The release.
    partner_list
        See :func:`geo_matcher.membership.read_partner_list`.

    Raises
    ------
    DataError
        If the list has any problem: all are listed and the release is as it was.
    """
    with held_release(folder) as held:
        communes = read_table(held, "communes.parquet")
    rows = read_partner_list(partner_list, frozenset(communes["insee_code"]))

    def add(copy: Path) -> None:
        write_csv(rows, copy / PARTNER_LIST)
        describe_table(copy, partner_list_entry(read_territory_file(copy).network))

    return build_release(folder, edit=add)


def describe_table(copy: Path, described: Mapping[str, str | int]) -> None:
    """Put a table into the catalog of a release, unless it is there."""
    path = copy / "catalog.toml"
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    tables: Any = document["table"]
    if not any(table["path"] == described["path"] for table in tables):
        entry = tomlkit.table()
        for key, value in described.items():
            entry[key] = value
        tables.append(entry)
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def partner_list_entry(network: Network | None) -> dict[str, str | int]:
    """Return how the catalog describes the list of partners that a network gave.

    Parameters
    ----------
    network
        The network of the territory, which the list is credited to by its name.
    """
    name = None if network is None else network.name
    return {
        "name": "partners",
        "path": PARTNER_LIST,
        "kind": "source",
        "title_fr": "Villages partenaires, liste du réseau",
        "title_en": "Partner villages, list of the network",
        "producer": name or "network of the territory",
        "vintage": "see valid_from",
        "licence": "given by the network for this service",
        "licence_url": "",
        "url": "",
        "quality": "declared",
        "credit_fr": f"{name}, liste du réseau" if name else "Liste du réseau d’accueil",
        "credit_en": f"{name}, list of the network" if name else "List of the welcoming network",
        "note_fr": "Liste fournie par le réseau ; elle remplace la reconstitution.",
        "note_en": "List given by the network; it replaces the reconstruction.",
        "rows": 0,
        "bytes": 0,
        "sha256": "",
    }


def build_derived(folder: Path) -> None:
    """Write the derived tables of a release and complete its catalog.

    Parameters
    ----------
    folder
        A release whose source half is whole. Its ``derived/`` is replaced.

    Raises
    ------
    DataError
        If source tables are absent or broken; all their problems are listed.
    """
    catalog, about = Catalog.read(folder), read_territory_file(folder)
    with in_service(about):
        _build(folder, catalog, about)


def _build(folder: Path, catalog: Catalog, about: TerritoryFile) -> None:
    given = _read_sources(folder, catalog)
    source = corrected(given)
    communes = mend_communes(source["communes_source"], catalog)
    places = collect_places(source, first_years(catalog))
    before = collect_places(given, first_years(catalog)) if "corrections" in given else places
    listed = listed_kinds(before["kind"], catalog)  # a shop that has closed was listed
    declare_absent(folder, listed)
    halls, adjacency = source["town_halls"], source["adjacency"]
    journeys = Journeys.from_tables(source)
    network, roads = journeys.town_halls, journeys.roads
    if problems := distance_problems(halls, adjacency):
        raise DataError("The town halls are misplaced: " + "; ".join(problems), problems)
    times = travel_times(
        network,
        places,
        communes,
        halls,
        roads=roads,
        dwellings=source.get("dwellings"),
        listed=listed,
    )
    reach = _reach(times, about.network)
    membership = _membership(source, communes, places, reach, about.network)
    out = folder / DERIVED
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    tables = {
        "places": places,
        "travel_times": times,
        "access_measures": access_measures(journeys, communes, places, times),
        "indicators": indicators(source, communes, times, catalog),
        "membership": membership,
    }
    for name, frame in tables.items():
        write_csv(frame, folder / catalog[name].path)
    communes.to_parquet(folder / catalog["communes"].path, index=False, compression="zstd")
    tables["communes"] = communes
    (folder / catalog["parameters"].path).write_text(
        _parameters(journeys, source, reach, communes, places), encoding="utf-8"
    )
    rows = {name: len(frame) for name, frame in (given | tables).items()}
    complete_catalog(folder, rows | {"parameters": 1, "territory": 1})


def _read_sources(folder: Path, catalog: Catalog) -> dict[str, pd.DataFrame]:
    described = {(table.kind, table.name) for table in catalog.tables}
    wanted = [("source", name) for name in NEEDED_TABLES]
    wanted += [("derived", name) for name in MADE_TABLES]
    problems = [
        f"the build needs a {kind} table {name}, which is not in the catalog"
        for kind, name in wanted
        if (kind, name) not in described
    ]
    source = {}
    for table in catalog.tables:
        if table.kind == "source" and table.path != TERRITORY_FILE:
            try:
                source[table.name] = read_table(folder, table.path, table.name)
            except DataError as error:
                problems += error.problems
    if problems:
        message = f"The release in {folder} cannot be built: " + "; ".join(problems)
        raise DataError(message, problems)
    return source


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as every text table of a release is written: the same bytes everywhere."""
    frame.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def mend_communes(source: pd.DataFrame, catalog: Catalog) -> gpd.GeoDataFrame:
    """Return the communes sorted by code, with the holes that the catalog assigns filled.

    Parameters
    ----------
    source
        Communes as received, EPSG:4326.
    catalog
        Its ``fill_hole`` mends name the commune that each hole of the département touches.

    Raises
    ------
    CrsError
        If the communes are not in EPSG:4326.
    DataError
        If a mend names no commune, or is not needed, because no hole of the département touches
        its commune.
    """
    if not is_wgs_84(source):
        raise CrsError(
            f"The communes to build from must be in {WGS_84}. Convert source/communes.parquet."
        )
    communes = gpd.GeoDataFrame(source).sort_values("insee_code", ignore_index=True)
    for code in sorted(catalog.mended("fill_hole")):
        whole = communes.geometry.union_all()
        own = communes.index[communes["insee_code"] == code]
        if own.empty:
            raise DataError(f"catalog.toml: the mend fill_hole names {code}, which is no commune.")
        holes = [
            shapely.Polygon(ring)
            for part in shapely.get_parts(whole)
            for ring in part.interiors
            if shapely.Polygon(ring).touches(communes.geometry.loc[own[0]])
        ]
        if not holes:
            raise DataError(
                f"catalog.toml: the mend fill_hole of {code} finds no hole beside that commune. "
                "Remove it if the source is whole now."
            )
        filled = shapely.union_all([communes.geometry.loc[own[0]], *holes])
        communes.loc[own, "geometry"] = gpd.GeoSeries(
            [shapely.MultiPolygon(shapely.get_parts(filled))], index=own, crs=communes.crs
        )
        area_km2 = communes.geometry.loc[own].to_crs(LAMBERT_93).area / 1e6
        communes.loc[own, "area_km2"] = area_km2.round(3)
    return communes


def _reach(times: pd.DataFrame, network: Network | None) -> NetworkReach | None:
    """Return which communes the network reaches.

    Not known where there is no network, it has published no count, or no work place is known.
    """
    minutes = times[times["destination"] == "workplace"].set_index("insee_code")["minutes"]
    if network is None or network.communes_published is None or minutes.isna().all():
        return None
    return solve_reach(minutes, network.communes_published)


def _membership(
    source: dict[str, pd.DataFrame],
    communes: pd.DataFrame,
    places: pd.DataFrame,
    reach: NetworkReach | None,
    network: Network | None,
) -> pd.DataFrame:
    """Return who belongs to the network; nobody where there is none, or nothing is known of it."""
    if network is None:
        return pd.DataFrame(columns=list(MEMBERSHIP_COLUMNS), dtype=str)
    if "partners" in source:
        given = source["partners"]
        partners = given.assign(group="partner", evidence="sourced", source=GIVEN_LIST)[
            list(MEMBERSHIP_COLUMNS)
        ]
    else:
        daily = places[places["kind"].isin(DAILY_SERVICES)]
        kinds = daily.groupby("insee_code")["kind"].nunique()
        services = {str(code): int(count) for code, count in kinds.items()}
        partners = partner_membership(
            communes,
            source.get("partners_evidence", empty_table("partners_evidence")),
            services,
            network.partners_published or 0,
            year=network.published_year,
        )
    if reach is None:
        return partners
    reached = pd.DataFrame(
        {
            "insee_code": list(reach.insee_codes),
            "group": "network",
            "valid_from": f"{network.published_year}-01-01",
            "valid_to": "",
            "evidence": "reconstructed",
            "source": f"rule 4: at most {reach.minutes:g} minutes from a coworking space, "
            "telecentre or third place",
        }
    )
    return pd.concat([partners, reached], ignore_index=True).sort_values(
        ["group", "insee_code"], ignore_index=True, ascending=[False, True]
    )


def _checked_ratios(
    journeys: Journeys, source: dict[str, pd.DataFrame]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the ratio of each road length to the published one; empty where none is known."""
    checks = source.get("road_distance_checks", empty_table("road_distance_checks"))
    known = set(journeys.halls.index)
    ends = checks["from_insee_code"].isin(known) & checks["to_insee_code"].isin(known)
    checks = checks[checks["unit"].str.startswith("km") & ends & (checks["value"] > 0)]
    if checks.empty:
        return np.empty(0)
    codes = (list(checks[f"{end}_insee_code"]) for end in ("from", "to"))
    return np.asarray(
        journeys.matrix(*codes)[0].road_km.diagonal() / checks["value"].to_numpy(), dtype=float
    )


def _parameters(
    journeys: Journeys,
    source: dict[str, pd.DataFrame],
    reach: NetworkReach | None,
    communes: gpd.GeoDataFrame,
    places: pd.DataFrame,
) -> str:
    """Return the parameters of the build and the error they leave, as TOML."""
    ratios = _checked_ratios(journeys, source)
    document = tomlkit.document()
    document.add(tomlkit.comment("Written by `geo-matcher data build`; do not edit."))
    document["travel_times"] = {
        "network": journeys.network,
        "status": "estimated",
        "road_factor": access.ROAD_FACTOR,
        "town_population": access.TOWN_POPULATION,
        "speed_km_h": list(access.SPEED_KMH),
        "access_speed_km_h": access.ACCESS_SPEED_KMH,
        "checked_distances": len(ratios),
    } | (
        {
            "mean_ratio_to_published": round(float(np.mean(ratios)), 3),
            "largest_relative_error": round(float(np.max(np.abs(ratios - 1))), 3),
        }
        if len(ratios)
        else {}
    )
    if journeys.roads is not None:
        document["roads"] = road_facts(
            journeys.roads,
            str(source["road_area"]["vintage"].iloc[0]),
            communes,
            places,
            source.get("dwellings"),
        )
    if reach is not None:
        document["network_reach"] = {
            "minutes": reach.minutes,
            "communes": len(reach.insee_codes),
            "published": reach.published,
        }
    document["daily_services"] = {
        "near_min": DAILY_SERVICE_NEAR_MIN,
        "rounds_a_week": sum(times for times, _ in weekly_rounds()),
        "trips_a_week": dict(DAILY_SERVICES),
    }
    return tomlkit.dumps(document)
