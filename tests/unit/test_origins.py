"""Where a mover comes from: names as people type them, and what is known of each commune."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from geo_matcher.criteria import CRITERIA
from geo_matcher.decision import decision_matrix
from geo_matcher.errors import ProfileError
from geo_matcher.matching import rank
from geo_matcher.origins import (
    MAX_FOUND,
    FrenchCommune,
    Origin,
    _folded,
    check_origin,
    commune_facts,
    find_communes,
    origin_code,
    origin_label,
    origin_of,
    resolve_commune,
)
from geo_matcher.profile import CITIES, CITY_CODES, Profile, parse_profile
from geo_matcher.territory import Territory, fold

KERGUELEN, NANTES, NOUMEA, MAMOUDZOU, AUCH = "98412", "44109", "98818", "97611", "32013"


def labels(communes: tuple[FrenchCommune, ...]) -> list[str]:
    return [commune.label for commune in communes]


def known(origin: Origin | None) -> Origin:
    assert origin is not None
    return origin


def without(territory: Territory, *names: str) -> Territory:
    tables = {name: table for name, table in territory.tables.items() if name not in names}
    return replace(territory, tables=tables)


# --- Typed names ----------------------------------------------------------------------------


def test_a_column_is_folded_as_a_text_is(territory: Territory) -> None:
    import pyarrow as pa

    names = [*territory.tables["french_communes"]["name"], "Œuf-en-Ternois", "  L'Haÿ ", "ŒUF"]
    assert _folded(pa.array(names, pa.string())).to_pylist() == [fold(name) for name in names]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Lille", ["Lille (59)", "Lillers (62)"]),
        ("  lIlLe ", ["Lille (59)", "Lillers (62)"]),
        ("saint denis", ["Saint-Denis (974)", "Saint-Denis (93)"]),
        ("st-denis", ["Saint-Denis (974)", "Saint-Denis (93)"]),
        ("saint denis 97", ["Saint-Denis (974)", "Fonds-Saint-Denis (972)"]),
        ("Saint-Denis (93)", ["Saint-Denis (93)", "L'Île-Saint-Denis (93)"]),
        ("isle jourdain", ["L'Isle-Jourdain (32)", "L'Isle-Jourdain (86)"]),
        ("havre", ["Le Havre (76)"]),
        ("ste colombe s", ["Sainte-Colombe-sur-Seine (21)"]),
        ("44109", ["Nantes (44)"]),
        ("2a004", ["Ajaccio (2A)"]),
        ("Œuf", ["Œuf-en-Ternois (62)"]),
        ("y", ["Y (80)", "Yerres (91)"]),
        ("zzzz", []),
        ("(", []),
    ],
)
def test_communes_are_found_as_people_type_them(
    territory: Territory, text: str, first: list[str]
) -> None:
    found = labels(find_communes(territory, text, max(1, len(first))))
    if text == "ste colombe s":
        assert all("Sainte-Colombe-s" in label for label in found)
    else:
        assert found == first


def test_nothing_typed_gives_the_big_cities_in_their_order(territory: Territory) -> None:
    found = find_communes(territory, " ", 20)
    assert [commune.insee_code for commune in found] == list(CITY_CODES.values())
    assert found[0] == FrenchCommune("75056", "Paris", "75", 2_103_778, 2023)


def test_equals_come_by_population_and_their_number_is_bounded(territory: Territory) -> None:
    found = find_communes(territory, "saint", 10_000)
    assert len(found) == MAX_FOUND
    exact = find_communes(territory, "sainte colombe", MAX_FOUND)[:12]
    assert {commune.name for commune in exact} == {"Sainte-Colombe"}
    people = [commune.population or 0 for commune in exact]
    assert people == sorted(people, reverse=True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Nantes", NANTES),
        ("nantes", NANTES),
        ("Nantes (44)", NANTES),
        ("44109", NANTES),
        ("Lille (59)", "59350"),
        ("Saint-Denis (93)", "93066"),
        ("saint denis, 974", "97411"),
        ("St Denis - 93", "93066"),
        ("l'isle-jourdain (32)", "32160"),
        ("bastia (2b)", "2B033"),
        (" 2b033 ", "2B033"),
    ],
)
def test_a_whole_name_or_a_code_names_one_commune(
    territory: Territory, text: str, code: str
) -> None:
    found = resolve_commune(territory, text)
    assert found.commune is not None
    assert found.commune.insee_code == code
    assert found.candidates == ()


def test_every_label_names_its_own_commune(territory: Territory) -> None:
    table = territory.tables["french_communes"]
    for row in range(0, len(table), 997):
        name, departement = table["name"][row], table["departement"][row]
        found = resolve_commune(territory, f"{name} ({departement})").commune
        assert found is not None
        assert found.insee_code == table["insee_code"][row]


def test_a_name_that_several_bear_is_never_guessed(territory: Territory) -> None:
    found = resolve_commune(territory, "Saint-Denis")
    assert found.commune is None
    assert found.is_shared
    assert labels(found.candidates) == [
        "Saint-Denis (974)", "Saint-Denis (93)", "Saint-Denis (11)", "Saint-Denis (30)",
    ]  # fmt: skip
    people = [commune.population or 0 for commune in found.candidates]
    assert people[0] > 20 * people[2]  # however much larger one is


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Nante", "Nantes (44)"),
        ("Bordaux", "Bordeaux (33)"),
        ("Toulosue", "Toulouse (31)"),
        ("Paris 11e", "Paris (75)"),
        ("Nantes (59)", "Nantes (44)"),
        ("Bordaux (59)", "Bordeaux (33)"),
    ],
)
def test_what_names_none_is_answered_with_what_may_be_meant(
    territory: Territory, text: str, first: str
) -> None:
    found = resolve_commune(territory, text)
    assert found.commune is None
    assert not found.is_shared
    assert labels(found.candidates)[0] == first
    assert len(found.candidates) <= MAX_FOUND


@pytest.mark.parametrize("text", ["", "  ", "(", "zzzz", "99999", "#" * 500, "\x00", "(93)"])
def test_what_means_nothing_finds_nothing(territory: Territory, text: str) -> None:
    found = resolve_commune(territory, text)
    assert (found.commune, found.candidates) == (None, ())


# --- What is known --------------------------------------------------------------------------


def test_the_code_of_each_big_city_is_that_of_the_release(territory: Territory) -> None:
    table = territory.tables["origin_cities"]
    assert dict(zip(table["city"], table["insee_code"], strict=True)) == dict(CITY_CODES)
    assert (*CITY_CODES, "other") == CITIES


@pytest.mark.parametrize(
    ("data", "code", "label"),
    [
        ({}, None, ""),
        ({"origin_city": "other"}, None, ""),
        ({"origin_city": "lille"}, "59350", "Lille (59)"),
        ({"origin_commune": NANTES}, NANTES, "Nantes (44)"),
        ({"origin_commune": AUCH}, AUCH, "Auch (32)"),
        ({"origin_commune": "99999"}, "99999", "99999"),
    ],
)
def test_a_profile_names_the_commune_that_is_left(
    territory: Territory, data: dict[str, Any], code: str | None, label: str
) -> None:
    profile = parse_profile(data)
    assert origin_code(profile) == code
    assert origin_label(territory, profile) == label


def test_of_a_big_city_population_density_and_price_are_known(territory: Territory) -> None:
    origin = known(origin_of(territory, parse_profile({"origin_city": "lyon"})))
    assert (origin.city, origin.insee_code, origin.departement) == ("lyon", "69123", "69")
    assert [fact.criterion for fact in origin.facts] == [
        "house_price_eur_m2", "population", "density_km2",
    ]  # fmt: skip
    assert {fact.table for fact in origin.facts} == {"origin_cities"}
    assert {fact.status for fact in origin.facts} == {"measured"}
    assert origin.area_km2 == 47.87
    assert not origin.is_inside


def test_of_any_other_commune_the_population_is_known(territory: Territory) -> None:
    origin = known(commune_facts(territory, NANTES))
    assert (origin.name, origin.population, origin.population_year) == ("Nantes", 327_734, 2023)
    (fact,) = origin.facts
    assert (fact.criterion, fact.raw, fact.year) == ("population", 327_734, 2023)
    assert fact.table == "french_communes"
    assert origin.producer.startswith("INSEE")
    assert (origin.city, origin.area_km2) == (None, None)


@pytest.mark.parametrize(
    ("code", "population", "year"),
    [(MAMOUDZOU, 71_437, 2017), (NOUMEA, 94_351, None), (KERGUELEN, None, None)],
)
def test_what_is_not_told_stays_missing(
    territory: Territory, code: str, population: int | None, year: int | None
) -> None:
    origin = known(commune_facts(territory, code))
    table = territory.tables["french_communes"].set_index("insee_code")
    told = float(table["population"][code])
    assert origin.population == (None if np.isnan(told) else int(told))
    assert (origin.population is None) == (population is None)
    assert origin.population_year == year
    assert len(origin.facts) == (population is not None)


def test_of_a_commune_of_the_release_every_criterion_is_known(territory: Territory) -> None:
    origin = known(commune_facts(territory, AUCH))
    assert origin.is_inside
    assert [fact.criterion for fact in origin.facts] == list(CRITERIA)
    cells = decision_matrix(territory).plain[territory.codes.index(AUCH)]
    for fact, (raw, low, status, _) in zip(origin.facts, cells, strict=True):
        assert (fact.raw, fact.raw_low, fact.status) == (raw, low, status)
        assert fact.table in territory.catalog
    years = {fact.criterion: fact.year for fact in origin.facts if fact.year}
    assert years == {"population": 2023, "density_km2": 2023}
    assert origin.fact("no_such_criterion") is None


def test_a_release_without_the_communes_of_france_knows_less(territory: Territory) -> None:
    poor = without(territory, "french_communes")
    assert find_communes(poor, "Nantes") == ()
    assert commune_facts(poor, NANTES) is None
    assert known(commune_facts(poor, AUCH)).population_year is None
    assert resolve_commune(poor, "Nantes").commune is None
    inside = resolve_commune(poor, AUCH).commune
    assert inside is not None
    assert inside.label == "Auch (32)"
    check_origin(poor, parse_profile({"origin_commune": "99999"}))  # nobody could tell
    poorer = without(territory, "french_communes", "origin_cities")
    assert origin_of(poorer, parse_profile({"origin_city": "paris"})) is None


def test_a_big_city_without_its_table_is_a_commune_of_france(territory: Territory) -> None:
    origin = known(commune_facts(without(territory, "origin_cities"), "75056"))
    assert [fact.criterion for fact in origin.facts] == ["population"]


# --- In a ranking ---------------------------------------------------------------------------


def test_a_commune_that_does_not_exist_is_refused_where_the_territory_is_known(
    territory: Territory,
) -> None:
    profile = parse_profile({"origin_commune": "32074"})  # merged into 32344
    with pytest.raises(ProfileError, match=r"origin_commune: found '32074', which is no commune"):
        rank(territory, profile)
    check_origin(territory, Profile())
    check_origin(territory, parse_profile({"origin_commune": NANTES}))


@pytest.mark.parametrize("code", [NANTES, AUCH, "75056", KERGUELEN])
def test_where_one_comes_from_never_changes_a_ranking(territory: Territory, code: str) -> None:
    plain = rank(territory, parse_profile({"children_ages": [4]}), "all")
    told = rank(territory, parse_profile({"children_ages": [4], "origin_commune": code}), "all")
    np.testing.assert_array_equal(plain.order, told.order)
    np.testing.assert_array_equal(plain.score, told.score)
