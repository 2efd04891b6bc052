"""Types of communes: in one piece each, told by their own figures, whatever the order of rows."""

from __future__ import annotations

import dataclasses
import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from geo_matcher import typology as module
from geo_matcher.criteria import CRITERIA, FAMILIES, Unit
from geo_matcher.decision import decision_matrix
from geo_matcher.errors import DataError, UnknownCommuneError
from geo_matcher.numbers import LANGUAGES
from geo_matcher.territory import LAMBERT_93, Territory
from geo_matcher.typology import (
    LETTERS,
    MIN_COMMUNES,
    Trait,
    Typology,
    _best_number,
    _distinct_names,
    _median,
    _name,
    _neighbours,
    typology,
)

TABLES = ("communes", "indicators", "minutes", "minutes_low")


@pytest.fixture(scope="module")
def types(territory: Territory) -> Typology:
    return typology(territory)


def taken(territory: Territory, codes: list[str]) -> Territory:
    """Return a territory of some communes only, in the order that is asked for."""
    frames = {name: getattr(territory, name).loc[codes] for name in TABLES}
    return dataclasses.replace(territory, **frames)


def moved(territory: Territory, codes: list[str], metres: float) -> Territory:
    """Return a territory in which some communes lie farther east."""
    outlines = territory.communes.geometry.to_crs(LAMBERT_93)
    outlines[codes] = outlines[codes].translate(metres)
    communes = territory.communes.set_geometry(outlines.to_crs("EPSG:4326"))
    return dataclasses.replace(territory, communes=communes)


def trait(name: str, value: float, *, raw: float = 10.0, raw_all: float = 20.0) -> Trait:
    return Trait(name, value > 0.5, value, 0.5, raw, raw_all)


# --- Members -----------------------------------------------------------------------------------


def test_every_commune_has_one_type_and_letters_follow_size(
    territory: Territory, types: Typology
) -> None:
    members = [code for kind in types.types for code in kind.members]
    assert sorted(members) == list(territory.codes)
    sizes = [len(kind.members) for kind in types.types]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes == [153, 135, 86, 84]
    assert "".join(kind.letter for kind in types.types) == LETTERS[: len(sizes)]
    people = territory.communes["population"]
    for kind in types.types:
        assert kind.population == people[list(kind.members)].sum()
        assert types.type_of(kind.typical_code) is kind
        assert kind.typical_name == territory.communes.at[kind.typical_code, "name"]


def test_each_type_is_one_piece_of_land(territory: Territory, types: Typology) -> None:
    outlines = territory.communes.geometry.to_crs(LAMBERT_93)
    for kind in types.types:
        land = outlines[list(kind.members)].buffer(1).union_all()
        assert land.geom_type == "Polygon", kind.letter
    assert types.bridges == ()


def test_the_typical_commune_is_the_nearest_to_the_mean(
    territory: Territory, types: Typology
) -> None:
    matrix = decision_matrix(territory)
    used = [k for k, name in enumerate(CRITERIA) if name in types.criteria]
    families = [CRITERIA[matrix.criteria[k]].family for k in used]
    for kind in types.types:
        rows = [territory.codes.index(code) for code in kind.members]
        total = np.zeros(len(rows))
        for family in FAMILIES:  # the mean of the squares in each family, families alike
            columns = [k for k, f in zip(used, families, strict=True) if f == family]
            values = matrix.values[np.ix_(rows, columns)]
            total += ((values - values.mean(axis=0)) ** 2).mean(axis=1)
        assert kind.members[int(total.argmin())] == kind.typical_code


def test_the_order_of_rows_changes_nothing(territory: Territory, types: Typology) -> None:
    shuffled = np.random.default_rng(7).permutation(territory.codes).tolist()
    again = typology(taken(territory, shuffled))
    assert again.as_dict() == types.as_dict()


def test_a_second_run_gives_the_same(territory: Territory, types: Typology) -> None:
    assert typology(territory) is types
    first = json.dumps(types.as_dict(), allow_nan=False)
    typology.cache_clear()
    assert json.dumps(typology(territory).as_dict(), allow_nan=False) == first


# --- How many ----------------------------------------------------------------------------------


def test_the_number_is_the_best_silhouette_of_even_sizes(types: Typology) -> None:
    assert [c.types for c in types.candidates] == [3, 4, 5, 6]
    figures = [c.figure for c in types.candidates]
    assert figures == pytest.approx([0.144, 0.133, 0.131, 0.127], abs=5e-4)
    assert [c.is_accepted for c in types.candidates] == [False, True, True, False]
    assert (types.candidates[0].largest, types.candidates[3].smallest) == (288, 20)
    best = max((c for c in types.candidates if c.is_accepted), key=lambda c: c.figure)
    assert types.chosen is best
    assert types.is_weak  # well under 0.25: said on the map


def chain(count: int) -> csr_array:
    ends = np.arange(count - 1)
    pairs = (np.r_[ends, ends + 1], np.r_[ends + 1, ends])
    return coo_array((np.ones(2 * len(ends)), pairs), shape=(count, count)).tocsr()


def silhouette(points: np.ndarray, labels: np.ndarray) -> float:
    """Compute the mean silhouette as the paper defines it."""
    gaps = np.linalg.norm(points[:, None] - points[None, :], axis=2)
    widths = []
    for i, own in enumerate(labels):
        same = (labels == own) & (np.arange(len(labels)) != i)
        if not same.any():
            widths.append(0.0)
            continue
        a = gaps[i, same].mean()
        b = min(gaps[i, labels == other].mean() for other in set(labels.tolist()) - {own})
        widths.append((b - a) / max(a, b))
    return float(np.mean(widths))


def test_five_plain_groups_are_found() -> None:
    noise = np.random.default_rng(1).normal(0, 0.02, (50, 2))
    points = np.repeat([[0, 0], [1, 0], [0, 1], [1, 1], [3, 3]], 10, axis=0) + noise
    candidates, labels = _best_number(points, chain(50))
    best = max(candidates, key=lambda c: c.figure)
    assert best.types == 5
    assert best.is_accepted
    assert [len(set(labels[i : i + 10].tolist())) for i in range(0, 50, 10)] == [1] * 5
    assert best.figure == pytest.approx(silhouette(points, labels))


def test_neighbours_alone_are_gathered() -> None:
    """Alike at both ends of a line, different between: the ends stay two types."""
    points = np.repeat([[0.0], [1.0], [0.0]], 10, axis=0)
    points += np.linspace(0, 1e-3, 30)[:, None]
    candidates, labels = _best_number(points, chain(30))
    best = max(candidates, key=lambda c: c.figure)
    assert (best.types, best.smallest, best.largest) == (3, 10, 10)
    assert labels[0] == labels[9] != labels[29]


def test_where_no_number_gives_even_sizes_the_silhouette_decides() -> None:
    points = np.r_[np.linspace(0, 0.1, 60), [5.0, 9.0]][:, None]
    candidates, labels = _best_number(points, chain(62))
    assert not any(c.is_accepted for c in candidates)
    best = max(candidates, key=lambda c: c.figure)
    assert len(set(labels.tolist())) == best.types == 3


# --- Neighbours --------------------------------------------------------------------------------


def test_neighbours_are_those_of_the_adjacency_table(territory: Territory) -> None:
    links, bridges = _neighbours(territory, np.arange(len(territory.codes)), territory.codes)
    found = {
        (territory.codes[a], territory.codes[b]) for a, b in zip(*links.nonzero(), strict=True)
    }
    table = territory.tables["adjacency"]
    inside = table[table["a"].isin(territory.codes) & table["b"].isin(territory.codes)]
    listed = {pair for a, b in inside[["a", "b"]].to_numpy() for pair in ((a, b), (b, a))}
    assert listed <= found
    assert len(found - listed) <= 6  # communes that meet in one point
    assert bridges == ()
    assert links.diagonal().sum() == 0


def test_islands_are_joined_by_their_nearest_shore_and_told(territory: Territory) -> None:
    """Two communes that touch are an island: one bridge only. A third alone needs its own."""
    outlines = territory.communes.geometry.to_crs(LAMBERT_93)
    far = 200_000
    pair = ["32416", next(c for c in territory.codes if _touches(outlines, "32416", c))]
    islands = moved(moved(territory, pair, far), ["32013"], 3 * far)
    links, bridges = _neighbours(islands, np.arange(len(islands.codes)), islands.codes)
    assert connected_components(links, directed=False)[0] == 1
    assert len(bridges) == 2
    placed = islands.communes.geometry.to_crs(LAMBERT_93)
    assert bridges[0].island in pair
    assert bridges[1].island == "32013"
    for bridge, others in zip(bridges, (pair, []), strict=True):
        shores = placed.drop([*others, "32013"])
        nearest = min(
            shapely.distance(placed[code], shores.to_numpy()).min() for code in others or ["32013"]
        )
        assert bridge.gap_km * 1000 == pytest.approx(nearest)
        assert placed[bridge.island].distance(placed[bridge.mainland]) == pytest.approx(nearest)
        assert bridge.as_dict()["gap_km"] == bridge.gap_km


def _touches(outlines: gpd.GeoSeries, code: str, other: str) -> bool:
    return code != other and bool(outlines[code].touches(outlines[other]))


def test_a_commune_inside_another_touches_it(territory: Territory) -> None:
    outer, inner = "32013", "32416"
    outlines = territory.communes.geometry.copy()
    middle = outlines[outer].representative_point()
    inside = middle.buffer(0.001)
    outlines[outer] = outlines[outer].difference(inside)
    outlines[inner] = inside
    changed = dataclasses.replace(territory, communes=territory.communes.set_geometry(outlines))
    links, bridges = _neighbours(changed, np.arange(len(changed.codes)), changed.codes)
    row = territory.codes.index(inner)
    assert links[[row]].nonzero()[1].tolist() == [territory.codes.index(outer)]
    assert bridges == ()


# --- Traits and names --------------------------------------------------------------------------


def test_traits_are_the_widest_differences_of_known_figures(
    territory: Territory, types: Typology
) -> None:
    matrix = decision_matrix(territory)
    for kind in types.types:
        rows = [territory.codes.index(code) for code in kind.members]
        gaps: dict[str, float] = {}
        for name in types.criteria:
            k = matrix.column(name)
            values = pd.Series(np.where(np.isnan(matrix.raw[:, k]), np.nan, matrix.values[:, k]))
            if values[rows].notna().mean() >= 0.5:
                gaps[name] = values[rows].mean() - values.mean()
        widest = sorted(gaps, key=lambda name: -abs(gaps[name]))[: len(kind.traits)]
        assert {t.criterion for t in kind.traits} == set(widest)
        assert 2 <= len(kind.traits) <= 3
        for found in kind.traits:
            raws = matrix.raw[rows, matrix.column(found.criterion)]
            assert found.difference == pytest.approx(gaps[found.criterion])
            assert found.is_better == (gaps[found.criterion] > 0)
            assert found.raw_median == pytest.approx(np.nanmedian(raws), rel=0.03)
        better = [t.is_better for t in kind.traits]
        assert better == sorted(better, reverse=True)


def test_a_criterion_that_is_mostly_unknown_is_left_out(types: Typology) -> None:
    assert types.as_dict()["left_out"] == ["hot_days_2030_year"]


def test_no_type_is_named_by_what_is_unknown_in_it(territory: Territory, types: Typology) -> None:
    """Hide the figure that tells a type apart in most of its communes: it is named no more."""
    kind = types.types[2]
    destination = kind.traits[0].criterion.removesuffix("_min")
    assert destination == "mont_de_marsan"
    minutes = territory.minutes.copy()
    hidden = list(kind.members)[: len(kind.members) * 6 // 10]
    minutes.loc[hidden, destination] = np.nan
    low = territory.minutes_low.copy()
    low.loc[hidden, destination] = np.nan
    changed = dataclasses.replace(territory, minutes=minutes, minutes_low=low)
    matrix = decision_matrix(changed)
    rows = np.array([territory.codes.index(code) for code in kind.members])
    kept, everyone = np.arange(len(CRITERIA)), np.arange(len(territory.codes))
    named = [t.criterion for t in module._traits(matrix, kept, rows, everyone)]
    assert "mont_de_marsan_min" not in named
    before = module._traits(decision_matrix(territory), kept, rows, everyone)
    assert before[0].criterion == "mont_de_marsan_min"


def test_names_are_distinct_and_made_from_the_traits(types: Typology) -> None:
    for language in LANGUAGES:
        names = [kind.name(language) for kind in types.types]
        assert len(set(names)) == len(names)
        assert names == [_name(kind.traits, language) for kind in types.types]
    west = types.types[2]
    assert west.name_fr == "Plus près de Mont-de-Marsan, plus loin d'Auch et d'une gare"
    assert west.name_en == "Nearer Mont-de-Marsan, farther from Auch and a railway station"


@pytest.mark.parametrize(
    ("traits", "french", "english"),
    [
        ([], "Chiffres proches de la moyenne", "Figures close to the mean"),
        (
            [trait("daily_services_min", 0.9), trait("network_trace_min", 0.8)],
            "Plus près des commerces du quotidien et d'une présence connue du réseau",
            "Nearer everyday shops and a known presence of the network",
        ),
        (
            [trait("ftth_coverage_share", 0.1), trait("house_price_eur_m2", 0.2)],
            "Moins souvent la fibre, prix d'achat plus haut",
            "Less often fibre, higher purchase price",
        ),
        (
            [trait("hot_days_2030_year", 0.9), trait("partner_village", 0.8)],
            "Moins de jours à 30 °C ou plus vers 2030, plus souvent village partenaire",
            "Fewer days at 30 °C or more around 2030, more often a partner village",
        ),
        (
            [trait("population", 0.9), trait("density_km2", 0.3)],
            "Moins d'habitants, moins d'espace",
            "Fewer inhabitants, less space",
        ),
        ([trait("population", 0.2, raw=30)], "Plus d'habitants", "More inhabitants"),
        (
            [trait("agen_min", 0.2), trait("college_min", 0.2), trait("pau_min", 0.1)],
            "Plus loin d'Agen, d'un collège et de Pau",
            "Farther from Agen, a lower secondary school and Pau",
        ),
    ],
)
def test_names_follow_the_rule(traits: list[Trait], french: str, english: str) -> None:
    assert (_name(traits, "fr"), _name(traits, "en")) == (french, english)


def test_every_criterion_can_be_in_a_name() -> None:
    assert all(set(words) == set(Unit) for words in module._COMPARED.values())
    for language in LANGUAGES:
        names = {_name([trait(name, value)], language) for name in CRITERIA for value in (0.2, 0.8)}
        # A commune's size is named by its figures, which are the same twice here.
        assert len(names) == 2 * len(CRITERIA) - 1
        assert not any("{" in name or "None" in name for name in names)
        assert all("de le" not in name and "de un" not in name for name in names)


def test_names_that_clash_are_given_more_traits_then_their_letter() -> None:
    same = [trait("auch_min", 0.9), trait("station_min", 0.8), trait("doctor_min", 0.7)]
    more = [*same, trait("museum_min", 0.1)]
    names = _distinct_names([more, same, [trait("pau_min", 0.9)], [trait("pau_min", 0.8)]])
    assert [count for _, _, count in names] == [4, 3, 1, 1]
    assert names[0][0].endswith("plus loin d'un musée")
    assert "(" not in names[0][0] + names[1][0]
    assert [fr for fr, _, _ in names[2:]] == ["Plus près de Pau (C)", "Plus près de Pau (D)"]
    assert [en for _, en, _ in names[2:]] == ["Nearer Pau (C)", "Nearer Pau (D)"]


def test_a_median_out_of_reach_is_none() -> None:
    assert _median(np.array([3.0, 1.0, 2.0])) == 2.0
    assert _median(np.array([3.0, np.inf, np.inf])) is None
    assert _median(np.array([3.0, np.inf])) == 3.0


# --- Refusals and plain types ------------------------------------------------------------------


def test_too_few_or_too_many_communes_are_refused(
    territory: Territory, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = taken(territory, list(territory.codes[: MIN_COMMUNES - 1]))
    with pytest.raises(DataError, match="has 11 communes: types are made of 12 to 3000"):
        typology(few)
    monkeypatch.setattr(module, "MAX_COMMUNES", 20)
    with pytest.raises(DataError, match="Give a release of one département"):
        typology(taken(territory, list(territory.codes[:21])))


def test_an_unknown_commune_is_refused(types: Typology) -> None:
    with pytest.raises(UnknownCommuneError, match="No type holds the commune '99999'"):
        types.type_of("99999")


def test_plain_types(types: Typology, territory: Territory) -> None:
    found = types.as_dict()
    assert list(found) == [
        "release", "criterion", "weak", "candidates", "left_out", "bridges", "types",
    ]  # fmt: skip
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["release"] == territory.release_id
    assert found["criterion"] == "silhouette"
    assert list(found["candidates"][0]) == ["types", "figure", "smallest", "largest", "accepted"]
    kind = found["types"][0]
    assert list(kind) == [
        "letter", "name_fr", "name_en", "communes", "population", "typical", "traits", "members",
    ]  # fmt: skip
    assert kind["communes"] == len(kind["members"]) == 153
    assert list(kind["typical"]) == ["insee_code", "name"]
    assert list(kind["traits"][0]) == [
        "criterion", "direction", "value_mean", "value_mean_all", "raw_median", "raw_median_all",
    ]  # fmt: skip
    assert [t["direction"] for t in kind["traits"]] == ["better", "better", "worse"]
