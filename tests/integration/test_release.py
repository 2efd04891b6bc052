"""The release as it is shipped: what it holds, and that it says what it holds."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from geo_matcher import access
from geo_matcher.catalog import Gap, Mend, file_sha256
from geo_matcher.destinations import DAILY_SERVICES, DESTINATIONS
from geo_matcher.indicators import DAILY_SERVICE_NEAR_MIN
from geo_matcher.membership import solve_reach
from geo_matcher.profile import CITIES
from geo_matcher.schemas import SCHEMAS
from geo_matcher.territory import Territory
from geo_matcher.territory_file import TERRITORY_FILE
from tests.conftest import RELEASE

CHECKED_DISTANCES = 7
MEAN_RATIO_TO_PUBLISHED = 1.012
LARGEST_RELATIVE_ERROR = 0.118


# --- The data dictionary --------------------------------------------------------------------


ROAD_TABLES = {"roads", "road_area"}
"""Tables that the dictionary describes in words."""


def described_columns(kind: str = "") -> dict[str, list[str]]:
    """Read the dictionary: the columns of each file that README.md describes.

    With ``Table `` as a kind, those of each table that only other releases have.
    """
    columns: dict[str, list[str]] = {}
    names: list[str] = []
    for line in (RELEASE / "README.md").read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(rf"### {kind}`(.+)`", line):
            assert heading[1] not in columns, f"{heading[1]} is described twice"
            names = columns.setdefault(heading[1], [])
        elif line.startswith(("## ", "### ")):
            names = []
        elif cell := re.match(r"\| `([^`]+)` \|", line):
            names.append(cell[1])
    return columns


def real_columns(territory: Territory, name: str) -> list[str]:
    if name in territory.tables:
        return list(territory.tables[name].columns)
    if name == "territory":
        return territory_keys(tomllib.loads((RELEASE / TERRITORY_FILE).read_text("utf-8")))
    return [f"{section}.{key}" for section, keys in territory.parameters.items() for key in keys]


def territory_keys(about: dict[str, Any]) -> list[str]:
    """Return every key of a territory file, those of a table behind its name."""
    found: dict[str, None] = {}
    for key, value in about.items():
        for row in value if isinstance(value, list) else [value]:
            found |= dict.fromkeys([f"{key}.{k}" for k in row] if isinstance(row, dict) else [key])
    return list(found)


def test_the_dictionary_describes_every_file_and_no_other(territory: Territory) -> None:
    assert set(described_columns()) == {table.path for table in territory.catalog.tables}


def test_every_column_is_in_the_dictionary_and_the_reverse(territory: Territory) -> None:
    described = described_columns()
    for table in territory.catalog.tables:
        assert described.get(table.path) == real_columns(territory, table.name), table.path


def test_tables_of_other_releases_are_in_the_dictionary_too(territory: Territory) -> None:
    known = set(SCHEMAS) - set(territory.tables) - ROAD_TABLES
    described = described_columns("Table ")
    assert set(described) == known - {"communes_source"}
    for name, columns in described.items():
        assert columns == list(SCHEMAS[name].columns), name


def test_every_column_of_the_dictionary_has_a_meaning() -> None:
    text = (RELEASE / "README.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\| `[^`]+` \|", line)]
    described = [*described_columns().values(), *described_columns("Table ").values()]
    assert len(rows) == sum(map(len, described))
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 5, row
        assert cells[1], row


def test_sources_named_in_the_dictionary_are_files_of_the_release() -> None:
    text = (RELEASE / "README.md").read_text(encoding="utf-8")
    for path in set(re.findall(r"`((?:source|derived)/[\w.]+)`", text)):
        assert (RELEASE / path).is_file(), path


# --- Provenance -----------------------------------------------------------------------------


def test_every_table_says_where_it_comes_from_in_both_languages(territory: Territory) -> None:
    for table in territory.catalog.tables:
        for field in ("title", "credit", "note"):
            french, english = getattr(table, f"{field}_fr"), getattr(table, f"{field}_en")
            assert french.strip(), (table.name, field)
            assert english.strip(), (table.name, field)
        assert table.producer.strip()
        assert table.vintage.strip()
        assert table.licence.strip()
        for address in (table.url, table.licence_url):
            assert address == "" or address.startswith("https://")


def test_every_gap_and_every_mend_is_told_in_both_languages(territory: Territory) -> None:
    assert len(territory.catalog.gaps) >= 10
    told: list[Gap | Mend] = [*territory.catalog.gaps, *territory.catalog.mends]
    for one in told:
        assert one.text_fr.endswith(".")
        assert one.text_en.endswith(".")
        assert one.text_fr != one.text_en


def test_sizes_and_checksums_are_those_of_the_files(territory: Territory) -> None:
    for table in territory.catalog.tables:
        path = RELEASE / table.path
        assert path.stat().st_size == table.bytes, table.path
        assert file_sha256(path) == table.sha256, table.path


def test_what_is_derived_lies_apart_from_what_was_received(territory: Territory) -> None:
    for table in territory.catalog.tables:
        is_given = table.path.startswith("source/") or table.path == TERRITORY_FILE
        assert (table.kind == "source") == is_given


def test_tables_are_plain_text_that_reads_well_in_a_diff(territory: Territory) -> None:
    for table in territory.catalog.tables:
        if table.path.endswith(".csv"):
            content = (RELEASE / table.path).read_bytes()
            assert not content.startswith(b"\xef\xbb\xbf"), table.path
            assert b"\r" not in content, table.path
            assert content.endswith(b"\n"), table.path


# --- Parameters -----------------------------------------------------------------------------


def test_the_parameters_are_those_of_the_code(territory: Territory) -> None:
    text = (RELEASE / "derived/parameters.toml").read_text(encoding="utf-8")
    stored: Mapping[str, Any] = tomllib.loads(text)
    assert stored == territory.parameters
    times = stored["travel_times"]
    assert times["road_factor"] == access.ROAD_FACTOR
    assert times["town_population"] == access.TOWN_POPULATION
    assert times["speed_km_h"] == list(access.SPEED_KMH)
    assert times["access_speed_km_h"] == access.ACCESS_SPEED_KMH
    assert times["status"] == "estimated"
    assert stored["daily_services"]["trips_a_week"] == DAILY_SERVICES
    assert stored["daily_services"]["near_min"] == DAILY_SERVICE_NEAR_MIN


# --- Travel times ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def graph(territory: Territory) -> nx.Graph:
    """Return the town-hall network, built again without the code under test."""
    halls = territory.tables["town_halls"]
    towns = set(halls.loc[halls["population"] >= 20_000, "insee_code"])
    made = nx.Graph()
    made.add_nodes_from(halls["insee_code"])
    pairs = territory.tables["adjacency"][["a", "b", "straight_km"]]
    for a, b, straight_km in pairs.to_numpy().tolist():
        km = straight_km * 1.10
        speed = (60.0, 50.0, 35.0)[(a in towns) + (b in towns)]
        made.add_edge(a, b, km=km, minutes=km / speed * 60)
    return made


def test_road_lengths_are_within_the_stated_error_of_the_published_ones(
    territory: Territory, graph: nx.Graph
) -> None:
    checks = territory.tables["road_distance_checks"]
    roads = checks[checks["unit"].str.startswith("km")]
    ratios = []
    for row in roads.itertuples():
        path = nx.shortest_path(graph, row.from_insee_code, row.to_insee_code, weight="minutes")
        ratios.append(nx.path_weight(graph, path, "km") / row.value)
    error = max(abs(ratio - 1) for ratio in ratios)
    assert len(ratios) == CHECKED_DISTANCES
    assert np.mean(ratios) == pytest.approx(MEAN_RATIO_TO_PUBLISHED, abs=0.0006)
    assert error == pytest.approx(LARGEST_RELATIVE_ERROR, abs=0.0006)
    assert error < 0.13
    stored = territory.parameters["travel_times"]
    assert stored["checked_distances"] == len(ratios)
    assert stored["mean_ratio_to_published"] == round(float(np.mean(ratios)), 3)
    assert stored["largest_relative_error"] == round(float(error), 3)


def leave_min(territory: Territory, code: str) -> float:
    radius_km = float(np.sqrt(territory.communes.at[code, "area_km2"] / np.pi))
    return 2 / 3 * radius_km * 1.10 / 40 * 60


@pytest.mark.parametrize(
    ("destination", "kinds"),
    [
        ("lycee", {"lycee"}),
        ("coworking", {"coworking", "third_place", "fablab"}),
        ("hospital", {"hospital"}),
    ],
)
def test_a_time_is_an_upper_bound_exactly_where_the_outside_is_nearer(
    territory: Territory, graph: nx.Graph, destination: str, kinds: set[str]
) -> None:
    places = territory.places
    holders = set(places.loc[places["kind"].isin(kinds), "insee_code"])
    outside = set(graph) - set(territory.codes)
    assert holders <= set(territory.codes)
    near = nx.multi_source_dijkstra_path_length(graph, holders, weight="minutes")
    beyond = nx.multi_source_dijkstra_path_length(graph, outside, weight="minutes")
    times = territory.tables["travel_times"]
    stored = times[times["destination"] == destination].set_index("insee_code")
    seen = set()
    for code in territory.codes:
        row, leave = stored.loc[code], leave_min(territory, code)
        expected = "upper_bound" if beyond[code] < near[code] - 1e-9 else "estimated"
        seen.add(expected)
        assert row["status"] == expected, code
        assert row["minutes"] == pytest.approx(near[code] + leave, abs=0.006)
        if expected == "upper_bound":
            assert row["minutes_low"] == pytest.approx(beyond[code] + leave, abs=0.006)
    assert seen == {"upper_bound", "estimated"}


def test_lists_that_are_complete_everywhere_give_no_bound(territory: Territory) -> None:
    times = territory.tables["travel_times"]
    everywhere = {d.name for d in DESTINATIONS if d.known_area == "everywhere"}
    found = times[times["destination"].isin(everywhere)]
    assert set(found["status"]) == {"estimated"}


@pytest.mark.parametrize("kind", ["bakery", "supermarket"])
def test_shops_just_over_the_border_are_used(
    territory: Territory, graph: nx.Graph, kind: str
) -> None:
    times = territory.tables["travel_times"]
    stored = times[times["destination"] == kind].set_index("insee_code")
    over = stored[~stored["nearest_insee_code"].isin(territory.codes)]
    assert len(over) > 5
    code = over.index[0]
    shops = territory.places[territory.places["kind"] == kind]
    inside = set(shops["insee_code"]) & set(territory.codes)
    near = nx.single_source_dijkstra_path_length(graph, code, weight="minutes")
    outside_min = near[over.at[code, "nearest_insee_code"]]
    assert over.at[code, "nearest_insee_code"] in set(shops["insee_code"])
    assert outside_min < min(near[c] for c in inside)
    assert over.at[code, "minutes"] == pytest.approx(
        outside_min + leave_min(territory, code), abs=0.006
    )


def test_the_nearest_of_auch_is_auch(territory: Territory) -> None:
    times = territory.tables["travel_times"]
    auch = times[times["insee_code"] == "32013"].set_index("destination")
    here = ("auch", "station", "supermarket", "lycee", "hospital", "coworking")
    assert set(auch.loc[list(here), "nearest_insee_code"]) == {"32013"}
    assert auch.loc["auch", "minutes"] == pytest.approx(leave_min(territory, "32013"), abs=0.006)
    assert 70 < auch["road_km"]["toulouse"] < 85


# --- Indicators -----------------------------------------------------------------------------


def test_the_basket_is_the_mean_of_the_services_by_trips(territory: Territory) -> None:
    shares = pd.Series(DAILY_SERVICES) / sum(DAILY_SERVICES.values())
    minutes = territory.minutes[list(shares.index)]
    low = territory.minutes_low[list(shares.index)].fillna(minutes)
    stored = territory.indicators
    np.testing.assert_allclose(stored["daily_services_min"], minutes @ shares, atol=0.0501)
    bounded = stored["daily_services_low_min"].notna()
    assert 0 < bounded.sum() < 458
    np.testing.assert_allclose(
        stored["daily_services_low_min"][bounded], (low @ shares)[bounded], atol=0.0501
    )
    within = (minutes <= DAILY_SERVICE_NEAR_MIN).sum(axis=1)
    np.testing.assert_array_equal(stored["daily_services_within_10min"], within)


def test_fibre_is_a_share_of_the_premises_of_the_same_count(territory: Territory) -> None:
    # Cazaubon has 2,539 premises in one count and 1,778 in the other: never mixed.
    table = territory.tables["broadband_fixed"].set_index("insee_code")
    fixed: dict[str, Any] = table.loc[["32096"]].to_dict("records")[0]  # type: ignore[assignment]
    found = territory.indicators.loc["32096"]
    assert {fixed["cartefibre_premises"], fixed["mci_premises"]} == {2539, 1778}
    assert found["ftth_coverage_share"] == round(fixed["mci_best_ftth"] / fixed["mci_premises"], 4)
    assert found["ftth_coverage_share_cartefibre"] == round(
        fixed["cartefibre_ftth_premises_passed"] / fixed["cartefibre_premises"], 4
    )
    assert found["premises_without_ftth"] == fixed["mci_premises"] - fixed["mci_best_ftth"]


def test_what_no_source_gives_stays_empty(territory: Territory) -> None:
    found = territory.indicators
    assert found["house_price_eur_m2"].isna().sum() == 458 - 312
    assert found["hot_days_2030_year"].notna().sum() == 53
    assert found.index[found["density_km2"].isna()].tolist() == ["32365"]
    assert set(found.index[found["home_sales"].isna()]) == {"32056", "32275"}


def test_sales_of_former_communes_are_added_to_the_present_one(territory: Territory) -> None:
    sales = territory.tables["housing_sales"]
    own = sales[sales["insee_code"] == "32365"]
    assert own["insee_code_source"].nunique() == 4
    expected = int(own["house_sales"].sum() + own["flat_sales"].sum())
    assert territory.indicators.at["32365", "home_sales"] == expected


# --- The cities that movers come from --------------------------------------------------------


def test_every_big_city_has_its_facts_and_their_pages(territory: Territory) -> None:
    cities = territory.tables["origin_cities"].set_index("city")
    assert (*cities.index, "other") == CITIES
    assert set(cities["population_year"]) == {2023}
    # INSEE publishes these densities for 2021 and 2022; the population has moved by little since.
    density = cities["population"] / cities["area_km2"]
    assert density["paris"] == pytest.approx(20_238, rel=0.02)
    assert density["bordeaux"] == pytest.approx(5_375, rel=0.02)
    for source in cities["source"]:
        pages = re.findall(r"https://(?:www\.)?([\w.]+)/", source)
        assert pages == ["insee.fr", "insee.fr", "data.gouv.fr"]


def test_toulouse_is_the_same_in_both_tables_that_know_it(territory: Territory) -> None:
    cities = territory.tables["origin_cities"].set_index("insee_code")
    halls = territory.tables["town_halls"].set_index("insee_code")
    shared = cities.index.intersection(halls.index)
    assert shared.tolist() == ["31555"]
    assert (cities["population"][shared] == halls["population"][shared]).all()


def test_city_prices_come_from_the_indicators_of_the_villages_and_enter_no_indicator(
    territory: Territory,
) -> None:
    cities = territory.tables["origin_cities"]
    villages = territory.tables["housing_prices_rents"]
    years = ["price_m2_mean_2022", "price_m2_mean_2023"]
    assert set(years) <= set(villages.columns)
    assert (cities[years].min() > villages[years].median()).all()
    assert set(cities["insee_code"]).isdisjoint(territory.indicators.index)


def test_every_commune_of_france_is_known_by_name(territory: Territory) -> None:
    french = territory.tables["french_communes"].set_index("insee_code")
    assert len(french) == 34_969
    assert french.index.is_monotonic_increasing
    assert set(territory.codes) <= set(french.index)
    assert set(territory.tables["origin_cities"]["insee_code"]) <= set(french.index)
    halls = territory.tables["town_halls"].set_index("insee_code")
    same = french.loc[halls.index]
    assert (same["name"] == halls["name"]).all()
    assert (same["population"] == halls["population"]).all()
    # Mainland France, the five overseas départements: 68.4 million people, as INSEE publishes.
    dated = french[french["population_year"].notna()]
    assert dated["population"].sum() == pytest.approx(68.35e6, rel=1e-3)
    assert french["population"].isna().sum() == 6
    years = french["population_year"].value_counts(dropna=False)
    assert dict(zip(years.index.fillna(0), years, strict=True)) == {
        2023: 34_858, 0: 94, 2017: 17,
    }  # fmt: skip
    assert not french.groupby("departement")["name"].apply(lambda n: n.duplicated().any()).any()


# --- The network ----------------------------------------------------------------------------


def test_the_47_partners_are_three_sourced_villages_and_the_rest_by_rule(
    territory: Territory,
) -> None:
    partners = territory.members("partner")
    network = territory.about.network
    assert network is not None
    assert len(partners) == network.partners_published == 47
    sourced = partners[partners["evidence"] == "sourced"]
    assert set(sourced.index) == {"32249", "32416", "32436"}
    assert sourced["source"].str.startswith("http").all()
    rebuilt = partners[partners["evidence"] == "reconstructed"]
    assert len(rebuilt) == 44
    assert rebuilt["source"].str.match(r"rule [23]: ").all()
    assert set(rebuilt["valid_from"]) == {"2014-01-01"}


def test_documented_presence_makes_a_partner_but_the_seat_is_none(territory: Territory) -> None:
    evidence = territory.tables["partners_evidence"]
    partners = set(territory.members("partner").index)
    seat = set(evidence.loc[evidence["status"] == "programme_seat", "insee_code"])
    assert seat == {"32013"}
    assert seat.isdisjoint(partners)
    assert set(evidence["insee_code"]) - seat <= partners


def test_partners_are_spread_over_the_groups_of_communes(territory: Territory) -> None:
    partners = territory.members("partner").index
    epci = territory.communes["epci_code"]
    served = territory.places[territory.places["kind"].isin(DAILY_SERVICES)]
    services = served.groupby("insee_code")["kind"].nunique()
    bourgs = set(services.index[services >= 2]) & set(territory.codes) - {"32013"}
    with_bourg = {epci[code] for code in bourgs}
    assert {epci[code] for code in partners} == with_bourg
    share = epci[partners].value_counts() / epci.value_counts()
    reached = share.loc[sorted(with_bourg)].fillna(0)
    # No group that has a bourg left lags behind another by more than one partner.
    size = epci.value_counts()
    left = {epci[code] for code in bourgs - set(partners)}
    rules = territory.members("partner")["source"]
    third = {epci[code] for code in rules.index[rules.str.startswith("rule 3")]}
    for group in left:
        for other in third:
            assert reached[group] + 1 / size[group] >= reached[other] - 1e-9


def test_the_network_counts_as_nearly_as_can_be_what_was_published(
    territory: Territory,
) -> None:
    times = territory.tables["travel_times"]
    minutes = times[times["destination"] == "workplace"].set_index("insee_code")["minutes"]
    network = territory.about.network
    assert network is not None
    published = network.communes_published
    stored = territory.parameters["network_reach"]
    assert published is not None
    assert published == stored["published"] == 172
    # Brute force: every threshold that makes a difference, the smallest of the best.
    counts = {t: int((minutes <= t).sum()) for t in sorted(minutes.dropna())}
    best = min(abs(count - published) for count in counts.values())
    threshold = min(t for t, count in counts.items() if abs(count - published) == best)
    assert stored["minutes"] == threshold == 11.69
    assert stored["communes"] == counts[threshold] == 171
    members = territory.members("network")
    assert set(members.index) == set(minutes.index[minutes <= threshold])
    assert set(members["evidence"]) == {"reconstructed"}
    assert set(members["source"]) == {
        "rule 4: at most 11.69 minutes from a coworking space, telecentre or third place"
    }
    assert solve_reach(minutes, published).minutes == threshold
