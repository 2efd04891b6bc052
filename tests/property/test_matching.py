"""The promises of design.md, section 2, on the shipped release and any profile."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import geopandas as gpd
import numpy as np
import orjson
import pytest
import skcriteria
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import rankdata
from skcriteria.agg.simple import WeightedSumModel

from geo_matcher import matching
from geo_matcher.catalog import Catalog, complete_catalog
from geo_matcher.criteria import CRITERIA, FAMILIES, Direction
from geo_matcher.decision import DecisionMatrix, decision_matrix
from geo_matcher.matching import Ranking, rank
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.territory import SCOPES, Territory
from tests.conftest import RELEASE
from tests.made_once import made_once
from tests.property.strategies import profiles

FloatArray = NDArray[np.float64]

SCOPE = st.sampled_from(SCOPES)
ROWS = st.integers(0, 457)
CATALOGUE = list(CRITERIA.values())
MONOTONE = [k for k, c in enumerate(CATALOGUE) if c.direction is not Direction.TARGET]
SIGNS = {Direction.INCREASING: 1.0, Direction.DECREASING: -1.0, Direction.TARGET: 0.0}
SIGN = np.array([SIGNS[criterion.direction] for criterion in CATALOGUE])


@contextmanager
def figures_replaced(
    territory: Territory, row: int, column: int, raw: float, raw_low: float | None = None
) -> Iterator[None]:
    """Let one commune have another raw figure while the block runs."""
    matrix = decision_matrix(territory)
    raws, lows = matrix.raw.copy(), matrix.raw_low.copy()
    raws[row, column], lows[row, column] = raw, raw if raw_low is None else raw_low
    changed = DecisionMatrix.from_figures(matrix.codes, raws, lows, matrix.status.copy())
    with mock.patch.object(matching, "decision_matrix", return_value=changed):
        yield


# --- One scored set, three scopes -----------------------------------------------------------


@given(profile=profiles())
def test_a_scope_never_changes_a_score_nor_the_order_of_those_it_keeps(
    territory: Territory, profile: Profile
) -> None:
    everyone = rank(territory, profile, "all")
    for scope in ("partners", "network"):
        some = rank(territory, profile, scope)
        for array in ("score", "score_min", "score_max", "points"):
            np.testing.assert_array_equal(getattr(some, array), getattr(everyone, array))
        kept = [row for row in everyone.order.tolist() if territory.in_scope(scope)[row]]
        assert some.order.tolist() == kept


@given(profile=profiles(), keep=st.sets(ROWS, min_size=1))
def test_removing_communes_never_reorders_the_rest(
    territory: Territory, profile: Profile, keep: set[int]
) -> None:
    everyone = rank(territory, profile, "all")
    eligible = np.isin(np.arange(458), list(keep))
    with mock.patch.object(Territory, "in_scope", return_value=eligible):
        some = rank(territory, profile, "partners")
    assert some.order.tolist() == [row for row in everyone.order.tolist() if row in keep]
    np.testing.assert_array_equal(some.score, everyone.score)


# --- Weights --------------------------------------------------------------------------------


@given(profile=profiles(with_limits=False))
def test_one_word_for_every_family_gives_one_ranking_whatever_the_word(
    territory: Territory, profile: Profile
) -> None:
    alike = [
        parse_profile(profile.as_dict() | {"importance": dict.fromkeys(FAMILIES, word)})
        for word in ("a_little", "important", "indispensable")
    ]
    first, *others = (rank(territory, each, "all") for each in alike)
    for other in others:
        np.testing.assert_array_equal(other.score, first.score)
        np.testing.assert_array_equal(other.order, first.order)


@given(profile=profiles(with_limits=False), factor=st.floats(1e-3, 1e3))
def test_multiplying_every_weight_changes_no_rank(
    territory: Territory, profile: Profile, factor: float
) -> None:
    ranking = rank(territory, profile, "all")
    scaled = ranking.values @ (ranking.weights * factor)
    np.testing.assert_allclose(scaled / factor * 100, ranking.score, atol=1e-9)


# --- Monotonicity and dominance -------------------------------------------------------------


@given(
    profile=profiles(with_limits=False),
    row=ROWS,
    column=st.sampled_from(MONOTONE),
    step=st.floats(0.001, 50),
)
def test_a_better_figure_never_costs_points_and_moves_nobody_else(
    territory: Territory, profile: Profile, row: int, column: int, step: float
) -> None:
    before = rank(territory, profile, "all")
    matrix = before.matrix
    sign = SIGN[column]
    raw, low = matrix.raw[row, column].item(), matrix.raw_low[row, column].item()
    if np.isnan(raw):
        return
    with figures_replaced(territory, row, column, raw + sign * step, low + sign * step):
        after = rank(territory, profile, "all")
    for array in ("score", "score_min", "score_max"):
        old, new = getattr(before, array), getattr(after, array)
        assert new[row] >= old[row]
        np.testing.assert_array_equal(np.delete(new, row), np.delete(old, row))
    assert np.flatnonzero(after.order == row) <= np.flatnonzero(before.order == row)


@given(profile=profiles(with_limits=False))
def test_a_commune_that_is_better_everywhere_never_scores_less(
    territory: Territory, profile: Profile
) -> None:
    ranking = rank(territory, profile, "all")
    used = ranking.weights > 0
    values = ranking.values[:, used]
    rng = np.random.default_rng(2026)
    for i in rng.choice(458, 40, replace=False):
        no_worse = (values[i] >= values).all(axis=1)
        better = no_worse & (values[i] > values).any(axis=1)
        assert (ranking.score[i] >= ranking.score[no_worse] - 1e-9).all()
        gain = ((values[i] - values) * ranking.weights[used] * 100).sum(axis=1)
        clear = better & (gain > 1e-9)
        assert (ranking.score[i] > ranking.score[clear]).all()


@given(profile=profiles(with_limits=False))
def test_better_raw_figures_everywhere_never_score_less(
    territory: Territory, profile: Profile
) -> None:
    ranking = rank(territory, profile, "all")
    used = ranking.weights > 0
    target = used & (SIGN == 0)
    oriented = (ranking.matrix.raw * SIGN)[:, used & (SIGN != 0)]
    rng = np.random.default_rng(2026)
    for i in rng.choice(458, 40, replace=False):
        no_worse = (oriented[i] >= oriented).all(axis=1)  # false wherever a figure is unknown
        no_worse &= (ranking.values[i, target] >= ranking.values[:, target]).all(axis=1)
        assert (ranking.score[i] >= ranking.score[no_worse] - 1e-9).all()


# --- The sum is exact -----------------------------------------------------------------------


@given(profile=profiles(), scope=SCOPE)
def test_every_point_is_in_the_ledger(territory: Territory, profile: Profile, scope: str) -> None:
    ranking = rank(territory, profile, scope)
    assert ranking.max_points.sum() == pytest.approx(100, abs=1e-9)
    assert (ranking.points <= ranking.max_points + 1e-12).all()
    np.testing.assert_allclose(ranking.points.sum(axis=1), ranking.score, atol=1e-9)
    for result in ranking.results(3):
        ledger = result["contributions"]
        assert sum(c["points"] for c in ledger) == pytest.approx(result["score"], abs=1e-9)
        assert sum(c["max_points"] for c in ledger) == pytest.approx(100, abs=1e-9)
        assert sum(c["weight"] for c in ledger) == pytest.approx(1, abs=1e-12)
        for c in ledger:
            assert c["points"] == pytest.approx(100 * c["weight"] * c["value"], abs=1e-9)
            assert c["value_min"] <= c["value"] <= c["value_max"]
        for end in ("min", "max"):
            bound = sum(c["weight"] * c[f"value_{end}"] * 100 for c in ledger)
            assert bound == pytest.approx(result[f"score_{end}"], abs=1e-9)


@given(profile=profiles())
def test_a_score_lies_in_its_interval(territory: Territory, profile: Profile) -> None:
    ranking = rank(territory, profile, "all")
    assert (ranking.score_min >= 0).all()
    assert (ranking.score_min <= ranking.score).all()
    assert (ranking.score <= ranking.score_max).all()
    assert (ranking.score_max <= 100 + 1e-9).all()


# --- Missing stays missing ------------------------------------------------------------------


@given(profile=profiles(with_limits=False), row=ROWS, column=st.sampled_from(MONOTONE))
def test_an_unknown_figure_is_never_better_than_the_middle(
    territory: Territory, profile: Profile, row: int, column: int
) -> None:
    function = profile.value_functions.get(CATALOGUE[column].name, CATALOGUE[column].value_function)
    known = rank(territory, profile, "all")
    with figures_replaced(territory, row, column, np.nan):
        blind = rank(territory, profile, "all")
    weight = 100 * profile.weights[column]
    assert blind.values[row, column] == 0.5
    assert blind.score_max[row] - blind.score_min[row] >= weight - 1e-9
    for figure, _ in function.breakpoints:
        value = float(function(figure))
        with figures_replaced(territory, row, column, figure):
            told = rank(territory, profile, "all")
        gain = told.score[row] - blind.score[row]
        assert gain == pytest.approx(weight * (value - 0.5), abs=1e-9)
        assert blind.score_min[row] - 1e-9 <= told.score[row] <= blind.score_max[row] + 1e-9
    np.testing.assert_array_equal(np.delete(blind.score, row), np.delete(known.score, row))


@given(profile=profiles(with_limits=False))
def test_a_bound_counts_at_its_certain_end(territory: Territory, profile: Profile) -> None:
    ranking = rank(territory, profile, "all")
    bounded = ranking.matrix.raw_low < ranking.matrix.raw
    np.testing.assert_array_equal(ranking.values[bounded], ranking.values_min[bounded])


# --- Ties, order of the input, determinism --------------------------------------------------


@given(profile=profiles(), scope=SCOPE)
def test_ranks_count_those_before_and_ties_stand_by_code(
    territory: Territory, profile: Profile, scope: str
) -> None:
    ranking = rank(territory, profile, scope)
    score = ranking.score[ranking.order]
    assert (np.diff(score) <= 1e-9).all()
    for place, shared in enumerate(ranking.ranks):
        first = int(shared) - 1
        assert first <= place
        assert ranking.ranks[first] == shared
        if place:
            tied = ranking.ranks[place - 1] == shared
            assert tied == (abs(score[place - 1] - score[place]) <= 1e-9)
            if tied:
                assert ranking.order[place - 1] < ranking.order[place]


@given(profile=profiles(), scope=SCOPE, top=st.integers(1, 60))
def test_top_is_the_head_of_the_list_and_never_cuts_a_tie(
    territory: Territory, profile: Profile, scope: str, top: int
) -> None:
    ranking = rank(territory, profile, scope)
    rows = ranking.best(top)
    assert rows == ranking.order[: len(rows)].tolist()
    assert len(rows) >= min(top, len(ranking))
    if rows and len(rows) < len(ranking):
        assert ranking.ranks[len(rows)] > ranking.ranks[len(rows) - 1]
        assert ranking.ranks[len(rows) - 1] <= top


@pytest.fixture(scope="module")
def shuffled(tmp_path_factory: pytest.TempPathFactory) -> Territory:
    """Return the shipped release with the rows of every table in another order."""
    return Territory.load(made_once(tmp_path_factory, "shuffled", _shuffle) / "communes")


def _shuffle(at: Path) -> None:
    folder = Path(shutil.copytree(RELEASE, at / "communes"))
    rng = np.random.default_rng(2026)
    for path in folder.rglob("*.csv"):
        header, *lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(header + b"".join(lines[i] for i in rng.permutation(len(lines))))
    for path in folder.rglob("*.parquet"):
        gpd.read_parquet(path).sample(frac=1, random_state=2026).to_parquet(path, index=False)
    complete_catalog(folder, {table.name: table.rows for table in Catalog.read(folder).tables})


@given(profile=profiles(), scope=SCOPE)
def test_the_order_of_the_rows_of_the_release_does_not_matter(
    territory: Territory, shuffled: Territory, profile: Profile, scope: str
) -> None:
    told, other = (rank(each, profile, scope).to_dict(5) for each in (territory, shuffled))
    assert told.pop("release") != other.pop("release")
    assert orjson.dumps(told) == orjson.dumps(other)


@pytest.fixture(scope="module")
def fresh(territory: Territory) -> Territory:
    """Return the shipped release without anything that was worked out before."""
    return replace(territory)


@given(profile=profiles(), scope=SCOPE)
def test_the_same_question_gets_the_same_bytes(
    territory: Territory, fresh: Territory, profile: Profile, scope: str
) -> None:
    again = Profile.model_validate_json(profile.model_dump_json())
    first = orjson.dumps(rank(territory, profile, scope).to_dict(5))
    assert orjson.dumps(rank(fresh, again, scope).to_dict(5)) == first


# --- Hard limits ----------------------------------------------------------------------------


def slow_outcome(ranking: Ranking, number: int, row: int) -> tuple[bool, bool, float]:
    """Return whether a commune breaks a limit, is in doubt, and by how much, the plain way."""
    limit = ranking.limits[number]
    k = ranking.matrix.column(limit.criterion)
    worst, best = ranking.matrix.raw[row, k].item(), ranking.matrix.raw_low[row, k].item()
    if np.isnan(worst):
        return False, True, np.nan
    if limit.is_maximum:
        return best > limit.limit, best <= limit.limit < worst, best - limit.limit
    return worst < limit.limit, best < limit.limit <= worst, limit.limit - worst


@given(profile=profiles(), scope=SCOPE)
def test_a_limit_excludes_what_surely_breaks_it_by_the_exact_amount(
    territory: Territory, profile: Profile, scope: str
) -> None:
    ranking = rank(territory, profile, scope)
    out = set()
    for number, limit in enumerate(ranking.limits):
        for row in range(458):
            misses, in_doubt, by = slow_outcome(ranking, number, row)
            assert (limit.misses[row], limit.unverified[row]) == (misses, in_doubt)
            assert np.isnan(limit.by[row]) or limit.by[row] == by > 0
            assert misses == (not np.isnan(limit.by[row]))
            if misses and ranking.in_scope[row]:
                out.add(row)
    assert set(ranking.excluded.tolist()) == out
    assert set(ranking.order.tolist()) == set(np.flatnonzero(ranking.in_scope)) - out
    assert [e["insee_code"] for e in ranking.excluded_communes()] == [
        territory.codes[row] for row in sorted(out)
    ]


def without_limit(profile: Profile, number: int, ranking: Ranking) -> Profile:
    """Return the profile without one end of one of its limits."""
    dropped = ranking.limits[number]
    data = profile.as_dict()
    end = "at_most" if dropped.is_maximum else "at_least"
    left = {key: x for key, x in data["limits"][dropped.criterion].items() if key != end}
    data["limits"] = {n: x for n, x in data["limits"].items() if n != dropped.criterion}
    if left:
        data["limits"][dropped.criterion] = left
    return parse_profile(data)


@given(profile=profiles(), scope=SCOPE)
def test_the_price_of_a_limit_is_what_ranking_without_it_shows(
    territory: Territory, profile: Profile, scope: str
) -> None:
    ranking = rank(territory, profile, scope)
    prices = ranking.limit_prices()
    assert len(prices) == len(ranking.limits)
    for number, price in enumerate(prices):
        free = rank(territory, without_limit(profile, number, ranking), scope)
        assert price["excluded_by_it_alone"] == len(free) - len(ranking)
        freed = set(free.order.tolist()) - set(ranking.order.tolist())
        best_freed = max((free.score[row].item() for row in freed), default=None)
        assert price["best_score_without"] == best_freed
        if not len(ranking):
            assert price["price_points"] is None
        else:
            gain = free.score[free.order].max() - ranking.score[ranking.order].max()
            assert price["price_points"] == pytest.approx(gain)
            assert price["price_points"] >= 0


@given(profile=profiles(), scope=SCOPE)
def test_a_near_miss_breaks_a_single_limit_by_little(
    territory: Territory, profile: Profile, scope: str
) -> None:
    ranking = rank(territory, profile, scope)
    broken = sum((limit.misses.astype(int) for limit in ranking.limits), np.zeros(458, int))
    found = ranking.near_misses()
    assert len(found) <= 5
    assert [miss["score"] for miss in found] == sorted((m["score"] for m in found), reverse=True)
    for miss in found:
        row = territory.codes.index(miss["insee_code"])
        assert broken[row] == 1
        assert ranking.in_scope[row]
        assert 0 < miss["by"] <= 0.25 * miss["limit"]


# --- Another program's weighted sum ---------------------------------------------------------


@given(profile=profiles(with_limits=False))
def test_scores_and_ranks_are_those_of_scikit_criteria(
    territory: Territory, profile: Profile
) -> None:
    ranking = rank(territory, profile, "all")
    used = ranking.weights > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        matrix = skcriteria.mkdm(
            ranking.values[:, used],
            [max] * int(used.sum()),
            weights=ranking.weights[used],
            alternatives=list(territory.codes),
            criteria=[c.name for c, is_used in zip(CATALOGUE, used, strict=True) if is_used],
        )
        found = WeightedSumModel().evaluate(matrix)
    theirs: FloatArray = found.e_.score
    np.testing.assert_allclose(theirs * 100, ranking.score, atol=1e-9)
    # Their ties are exact; ours, and those compared here, are to a billionth of a point.
    ours = dict(zip(ranking.order.tolist(), ranking.ranks.tolist(), strict=True))
    rounded = rankdata(-np.round(theirs * 100, 7), method="min")
    for row, place in ours.items():
        assert abs(place - rounded[row]) <= sum(abs(theirs - theirs[row]) * 100 < 1e-6) - 1
