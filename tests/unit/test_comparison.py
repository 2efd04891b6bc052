"""Villages side by side: the ledger's own figures, an exact account of each difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest

from geo_matcher.comparison import MAX_VILLAGES, Comparison, CriterionComparison, compare
from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.decision import DecisionMatrix, Status, decision_matrix
from geo_matcher.errors import ProfileError, UnknownCommuneError
from geo_matcher.matching import Ranking, rank
from geo_matcher.presets import PRESETS
from geo_matcher.profile import CITIES, Profile, parse_profile
from geo_matcher.territory import Territory

NAMES = list(CRITERIA)
FIVE = ("32416", "32013", "32365", "32107", "32002")
RankFigures = Callable[..., Ranking]

ONLY_SETTING: dict[str, Any] = {
    "village_size": "village",
    "importance": {family: "not_at_all" for family in FAMILIES if family != "setting"},
    "criteria": {name: {"importance": "not_at_all"} for name in ("cinema_min", "museum_min")},
}
"""Counts the size of the commune (4) and its density (1), and nothing else."""


@pytest.fixture
def rank_figures(territory: Territory) -> RankFigures:
    """Return a function that ranks with the figures of the first communes replaced."""

    def run(profile: Profile, statuses: dict[str, Status] | None = None, **columns: Any) -> Ranking:
        matrix = decision_matrix(territory)
        raw, low, status = matrix.raw.copy(), matrix.raw_low.copy(), matrix.status.copy()
        for name, figures in columns.items():
            k, n = NAMES.index(name), len(figures)
            raw[:n, k] = low[:n, k] = figures
            status[:n, k] = (statuses or {}).get(name, Status.ESTIMATED)
            status[:n, k][np.isnan(raw[:n, k])] = Status.MISSING
        made = DecisionMatrix.from_figures(matrix.codes, raw, low, status)
        return rank(territory, profile, "all", matrix=made)

    return run


def rows_of(comparison: Comparison) -> dict[str, CriterionComparison]:
    return {row.criterion: row for family in comparison.families for row in family.criteria}


def ledger(ranking: Ranking, code: str) -> dict[str, dict[str, Any]]:
    contributions = ranking.result(ranking.position(code))["contributions"]
    return {entry["criterion"]: entry for entry in contributions}


# --- The table ------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
def test_every_cell_is_that_of_the_ledger(territory: Territory, preset: str) -> None:
    ranking = rank(territory, PRESETS[preset].profile, "network")
    comparison = compare(ranking, FIVE[:4])
    found = rows_of(comparison)
    assert (comparison.release, comparison.scope) == (territory.release_id, "network")
    for column, village in enumerate(comparison.villages):
        own = ledger(ranking, village.insee_code)
        assert list(found) == [name for name in NAMES if name in own] == list(own)
        for name, row in found.items():
            cell = row.cells[column]
            for key in ("raw", "raw_low", "status", "value", "points"):
                assert getattr(cell, key) == own[name][key], (name, key)
            for key in ("unit", "weight", "max_points"):
                assert getattr(row, key) == own[name][key], (name, key)
        expected = ranking.result(ranking.position(village.insee_code))
        for key in ("insee_code", "name", "rank", "score", "score_min", "score_max"):
            assert getattr(village, key) == expected[key]
        points = sum(row.cells[column].points for row in found.values())
        assert points == pytest.approx(village.score, abs=1e-9)


def test_rows_stand_by_family_in_the_order_of_the_catalogue(territory: Territory) -> None:
    comparison = compare(rank(territory, PRESETS["paris-web-family"].profile, "all"), FIVE[:2])
    order = [family.family for family in comparison.families]
    assert order == [name for name in FAMILIES if name in order]
    for family in comparison.families:
        assert family.criteria
        assert {CRITERIA[row.criterion].family for row in family.criteria} == {family.family}


def test_a_family_that_does_not_count_is_not_shown(territory: Territory) -> None:
    comparison = compare(rank(territory, parse_profile(ONLY_SETTING), "all"), FIVE[:2])
    assert [family.family for family in comparison.families] == ["setting"]
    assert {name: row.weight for name, row in rows_of(comparison).items()} == pytest.approx(
        {"population": 4 / 5, "density_km2": 1 / 5}
    )


def test_the_villages_stand_in_the_order_asked_by_code_or_by_name(territory: Territory) -> None:
    ranking = rank(territory, Profile(), "all")
    by_name = compare(ranking, ["sarrant", "Auch"])
    assert [village.insee_code for village in by_name.villages] == ["32416", "32013"]
    assert by_name == compare(ranking, ("32416", "32013"))
    swapped = compare(ranking, ("32013", "32416"))
    assert swapped.villages == by_name.villages[::-1]
    for name, row in rows_of(swapped).items():
        assert row.cells == rows_of(by_name)[name].cells[::-1]


def test_one_more_village_changes_no_figure_of_the_others(territory: Territory) -> None:
    ranking = rank(territory, PRESETS["paris-web-family"].profile, "all")
    two, four = compare(ranking, FIVE[:2]), compare(ranking, FIVE[:4])
    assert four.villages[:2] == two.villages
    assert four.decisive[0] == two.decisive[0]
    for name, row in rows_of(two).items():
        wider = rows_of(four)[name]
        assert [c.points for c in wider.cells[:2]] == [c.points for c in row.cells]
        if row.spread_points is not None and wider.spread_points is not None:
            assert wider.spread_points >= row.spread_points


# --- Who is best ----------------------------------------------------------------------------


def test_the_best_is_worth_most_and_ties_are_all_best(rank_figures: RankFigures) -> None:
    # Density: 15 and less are worth 1, 50 are worth 0.7, 300 nothing; the weight is 1 of 5.
    profile = parse_profile(ONLY_SETTING)
    ranking = rank_figures(profile, density_km2=[12.0, 15.0, 50.0, 400.0])
    row = rows_of(compare(ranking, ranking.matrix.codes[:4]))["density_km2"]
    assert [cell.points for cell in row.cells] == pytest.approx([20, 20, 14, 0])
    assert [cell.is_best for cell in row.cells] == [True, True, False, False]
    assert row.spread_points == pytest.approx(20)
    row = rows_of(compare(ranking, ranking.matrix.codes[2:4]))["density_km2"]
    assert [cell.is_best for cell in row.cells] == [True, False]
    assert row.spread_points == pytest.approx(14)


def test_what_is_unknown_is_never_best_and_stands_outside_the_spread(
    rank_figures: RankFigures,
) -> None:
    # The unknown counts 10 points, more than the 4 and the 0 of the known ones.
    profile = parse_profile(ONLY_SETTING)
    ranking = rank_figures(profile, density_km2=[np.nan, 150.0, 300.0])
    row = rows_of(compare(ranking, ranking.matrix.codes[:3]))["density_km2"]
    assert [cell.points for cell in row.cells] == pytest.approx([10, 4, 0])
    assert [cell.is_best for cell in row.cells] == [False, True, False]
    assert row.spread_points == pytest.approx(4)
    unknown = row.cells[0]
    assert (unknown.raw, unknown.raw_low, unknown.status) == (None, None, "missing")
    assert unknown.value == 0.5


@pytest.mark.parametrize("figures", [[np.nan, 20.0], [np.nan, np.nan]])
def test_there_is_no_best_without_two_known_figures(
    rank_figures: RankFigures, figures: list[float]
) -> None:
    ranking = rank_figures(parse_profile(ONLY_SETTING), density_km2=figures)
    row = rows_of(compare(ranking, ranking.matrix.codes[:2]))["density_km2"]
    assert [cell.is_best for cell in row.cells] == [False, False]
    assert row.spread_points is None


def test_a_place_out_of_reach_is_known_to_be_worth_nothing(rank_figures: RankFigures) -> None:
    ranking = rank_figures(
        Profile(), {"station_min": Status.UNREACHABLE}, station_min=[np.inf, np.inf]
    )
    first, second = rows_of(compare(ranking, ranking.matrix.codes[:2]))["station_min"].cells
    assert (first.raw, first.status, first.points) == (None, "unreachable", 0)
    assert first.is_best
    assert second.is_best
    pair = [ranking.matrix.codes[0], "32013"]
    row = rows_of(compare(ranking, pair))["station_min"]
    assert [cell.is_best for cell in row.cells] == [False, True]
    assert row.spread_points == row.cells[1].points > 0


# --- What decides ---------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
def test_the_differences_add_up_to_that_of_the_scores(territory: Territory, preset: str) -> None:
    ranking = rank(territory, PRESETS[preset].profile, "all")
    best = [ranking.matrix.codes[row] for row in ranking.order[:3]]
    for codes in (FIVE[:4], best, FIVE[3:]):
        comparison = compare(ranking, codes)
        first, *others = comparison.villages
        assert [decided.against for decided in comparison.decisive] == list(codes[1:])
        for decided, other in zip(comparison.decisive, others, strict=True):
            points = [difference.points for difference in decided.criteria]
            assert abs(sum(points) - (first.score - other.score)) < 1e-9
            assert all(points)
            assert [abs(p) for p in points] == sorted((abs(p) for p in points), reverse=True)
            mine, theirs = ledger(ranking, codes[0]), ledger(ranking, decided.against)
            expected = {
                name: mine[name]["points"] - theirs[name]["points"]
                for name in mine
                if mine[name]["points"] != theirs[name]["points"]
            }
            assert {d.criterion: d.points for d in decided.criteria} == expected


def test_equal_differences_stand_in_the_order_of_the_catalogue(rank_figures: RankFigures) -> None:
    same = {"importance": "a_little"}
    choices = ONLY_SETTING["criteria"] | {"population": same, "density_km2": same}
    profile = parse_profile(ONLY_SETTING | {"criteria": choices})
    ranking = rank_figures(profile, population=[500.0, 5000.0], density_km2=[500.0, 5.0])
    (decided,) = compare(ranking, ranking.matrix.codes[:2]).decisive
    assert [d.criterion for d in decided.criteria] == ["population", "density_km2"]
    assert [d.points for d in decided.criteria] == [50, -50]


# --- Communes outside the ranking -----------------------------------------------------------


def test_a_commune_left_out_is_compared_all_the_same_and_it_is_said(territory: Territory) -> None:
    limits = {"population": {"at_most": 2000}, "density_km2": {"at_most": 100},
              "hospital_min": {"at_most": 600}}  # fmt: skip
    ranking = rank(territory, parse_profile({"limits": limits}), "partners")
    auch, sarrant, small = compare(ranking, ["Auch", "Sarrant", "32002"]).villages
    assert (auch.rank, auch.in_scope) == (None, False)
    assert auch.left_out_by == ("population", "density_km2")
    assert (sarrant.in_scope, sarrant.left_out_by) == (True, ())
    assert sarrant.rank == ranking.result(ranking.position("32416"))["rank"] >= 1
    assert (small.rank, small.in_scope, small.left_out_by) == (None, False, ())
    assert small.score == ranking.score[ranking.position("32002")]


def test_a_commune_of_the_scope_that_breaks_a_limit_has_no_rank(territory: Territory) -> None:
    ranking = rank(territory, parse_profile({"limits": {"population": {"at_most": 300}}}))
    row = int(ranking.excluded[0])
    found = compare(ranking, [ranking.matrix.codes[row], "32002"]).villages[0]
    assert (found.rank, found.in_scope, found.left_out_by) == (None, True, ("population",))


# --- The city that is left ------------------------------------------------------------------


def test_the_figures_of_the_city_have_the_value_that_they_would_have_for_a_village(
    territory: Territory,
) -> None:
    # The price lies halfway between two breakpoints of the mover's own, the size and the density
    # beyond the last ones: a town of 6,000 or more is worth 1, 300 inhabitants per km² nothing.
    points = {"breakpoints": [[3611.65 - 100, 1], [3611.65 + 100, 0]], "importance": "important"}
    profile = parse_profile(
        {
            "origin_city": "toulouse",
            "village_size": "town",
            "criteria": {"house_price_eur_m2": points},
        }
    )
    comparison = compare(rank(territory, profile, "all"), FIVE[:2])
    found = {name: row.origin for name, row in rows_of(comparison).items() if row.origin}
    assert set(found) == {"house_price_eur_m2", "population", "density_km2"}
    assert found["house_price_eur_m2"].raw == 3611.65
    assert found["house_price_eur_m2"].value == pytest.approx(0.5)
    assert found["population"].raw == 514_819
    assert found["density_km2"].raw == pytest.approx(514_819 / 118.3)
    assert (found["population"].value, found["density_km2"].value) == (1, 0)


@pytest.mark.parametrize("city", [city for city in CITIES if city != "other"])
def test_the_facts_of_each_city_are_those_of_the_release(territory: Territory, city: str) -> None:
    ranking = rank(territory, parse_profile({"origin_city": city}), "all")
    found = compare(ranking, FIVE[:2]).origin
    assert found is not None
    table = territory.tables["origin_cities"].set_index("city")
    facts: dict[str, Any] = table.loc[[city]].to_dict("records")[0]  # type: ignore[assignment]
    for key in ("insee_code", "name", "population", "population_year", "area_km2", "source"):
        assert getattr(found, key) == facts[key]
    density, price = found.fact("density_km2"), found.fact("house_price_eur_m2")
    assert density is not None
    assert price is not None
    assert density.raw == pytest.approx(facts["population"] / facts["area_km2"])
    assert (price.raw, price.year) == (facts["price_m2_mean_2023"], 2023)
    catalog = territory.catalog["origin_cities"]
    assert (found.producer, found.licence) == (catalog.producer, catalog.licence)
    assert (found.vintage, found.quality) == (catalog.vintage, catalog.quality)


def test_a_renter_is_shown_no_purchase_price_of_the_city(territory: Territory) -> None:
    profile = parse_profile({"origin_city": "lille", "tenure": "rent"})
    found = rows_of(compare(rank(territory, profile, "all"), FIVE[:2]))
    assert "house_price_eur_m2" not in found
    assert found["house_rent_eur_m2_month"].origin is None


@pytest.mark.parametrize("city", ["other", "paris"])
def test_without_a_known_city_no_row_has_its_figure(territory: Territory, city: str) -> None:
    ranking = rank(territory, parse_profile({"origin_city": city}), "all")
    comparison = compare(ranking, FIVE[:2], origin=city == "other")
    assert comparison.origin is None
    assert not any(row.origin for row in rows_of(comparison).values())


def test_a_release_may_know_no_city(territory: Territory) -> None:
    unknown = {"origin_cities", "french_communes"}
    others = {n: table for n, table in territory.tables.items() if n not in unknown}
    ranking = rank(replace(territory, tables=others), parse_profile({"origin_city": "paris"}))
    assert compare(ranking, FIVE[:2]).origin is None


def test_a_commune_of_the_release_stands_beside_the_villages_with_every_figure(
    territory: Territory,
) -> None:
    ranking = rank(territory, parse_profile({"origin_commune": FIVE[2]}), "all")
    comparison = compare(ranking, FIVE[:3])
    assert comparison.origin is not None
    for name, row in rows_of(comparison).items():
        left, same = row.origin, row.cells[2]
        assert left is not None
        assert (left.raw, left.raw_low, left.status) == (same.raw, same.raw_low, same.status), name
        is_unknown = same.status in {"missing", "reconstructed"} and same.raw is None
        assert left.value == (None if is_unknown else pytest.approx(same.value))


def test_a_city_whose_price_is_not_known_keeps_its_other_facts(territory: Territory) -> None:
    cities = territory.tables["origin_cities"].assign(price_m2_mean_2023=np.nan)
    there = replace(territory, tables={**territory.tables, "origin_cities": cities})
    found = compare(rank(there, parse_profile({"origin_city": "paris"})), FIVE[:2])
    assert found.origin is not None
    assert found.origin.fact("house_price_eur_m2") is None
    assert rows_of(found)["house_price_eur_m2"].origin is None
    density = rows_of(found)["density_km2"].origin
    assert density is not None
    assert density.raw == pytest.approx(19_960, abs=1)


# --- Refusals -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [((), "0 communes"), (("32013",), "1 commune"), (FIVE, "5 communes"), ("32013", "1 commune")],
)
def test_two_to_four_communes_are_compared(
    territory: Territory, asked: tuple[str, ...], found: str
) -> None:
    ranking = rank(territory, Profile())
    assert MAX_VILLAGES == 4
    with pytest.raises(ProfileError) as refusal:
        compare(ranking, asked)
    assert str(refusal.value) == (
        f"{found} given: a comparison takes 2 to 4. Name them by their INSEE code or name."
    )


def test_a_commune_named_twice_is_refused(territory: Territory) -> None:
    with pytest.raises(ProfileError, match=r"^Sarrant \(32416\) is given twice: .+ Leave one out"):
        compare(rank(territory, Profile()), ["32416", "Auch", "SARRANT"])


def test_an_unknown_commune_is_refused_with_what_is_near(territory: Territory) -> None:
    with pytest.raises(UnknownCommuneError) as refusal:
        compare(rank(territory, Profile()), ["Auch", "Sarant"])
    assert "Sarrant" in refusal.value.suggestions


# --- Plain types ----------------------------------------------------------------------------


def test_the_plain_form_has_the_documented_keys_and_is_the_same_each_time(
    territory: Territory,
) -> None:
    profile = parse_profile(
        {
            "origin_city": "lyon",
            "village_size": "bourg",
            "limits": {"population": {"at_most": 5000}},
        }
    )
    ranking = rank(territory, profile)
    plain = compare(ranking, FIVE[:3]).as_dict()
    assert list(plain) == ["release", "scope", "villages", "origin", "families", "decisive"]
    assert list(plain["villages"][0]) == [
        "insee_code", "name", "rank", "score", "score_min", "score_max", "left_out_by", "in_scope",
    ]  # fmt: skip
    assert list(plain["origin"])[:3] == ["city", "insee_code", "name"]
    assert {"source", "producer", "vintage", "licence", "quality"} < set(plain["origin"])
    assert plain["villages"][1]["left_out_by"] == ["population"]
    rows = [row for family in plain["families"] for row in family["criteria"]]
    for row in rows:
        assert list(row) == [
            "criterion", "unit", "weight", "max_points", "cells", "origin", "spread_points",
        ]  # fmt: skip
        assert len(row["cells"]) == 3
        for cell in row["cells"]:
            assert list(cell) == ["raw", "raw_low", "status", "value", "points", "is_best"]
    origins = [row["origin"] for row in rows if row["origin"]]
    assert [list(origin) for origin in origins] == [["raw", "raw_low", "status", "value"]] * 3
    assert [list(decided) for decided in plain["decisive"]] == [["against", "criteria"]] * 2
    assert list(plain["decisive"][0]["criteria"][0]) == ["criterion", "points"]
    packed = orjson.dumps(plain)  # refuses numpy scalars
    assert orjson.loads(packed) == plain  # a NaN would come back as None
    assert orjson.dumps(compare(ranking, FIVE[:3]).as_dict()) == packed
