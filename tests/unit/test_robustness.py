"""Odds of ranks, held to closed forms, to exact areas and to a published analysis.

Monte Carlo figures are compared within ``Z`` standard errors. Seeds are fixed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from scipy.stats import beta

from geo_matcher import robustness as module
from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.errors import WeightError
from geo_matcher.matching import Ranking, rank
from geo_matcher.presets import PRESETS
from geo_matcher.profile import CRITERIA_OF, parse_profile
from geo_matcher.robustness import (
    DEFAULT_DRAWS,
    DEFAULT_SEED,
    MAX_DRAWS,
    MIN_DRAWS,
    Odds,
    draw_ranks,
    odds,
    odds_of,
    with_odds,
)
from geo_matcher.territory import Territory
from geo_matcher.uncertainty import QUANTILES, value_quantiles
from geo_matcher.weights import Belief, WeightRegion, weight_region

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]

N = len(CRITERIA)
Z = 4.5
SCHOOLS = [list(CRITERIA).index(name) for name in CRITERIA_OF["children"]]
LITTLE, IMPORTANT, MUST = "a_little", "important", "indispensable"


def schools(words: Sequence[str], belief: Belief) -> WeightRegion:
    """Return the weights of a profile where nothing but schools matters: two criteria or three."""
    told = [*words, *["not_at_all"] * (3 - len(words))]
    profile = parse_profile(
        {
            "importance": {f: IMPORTANT if f == "children" else "not_at_all" for f in FAMILIES},
            "criteria": {
                name: {"importance": word}
                for name, word in zip(CRITERIA_OF["children"], told, strict=True)
            },
        }
    )
    return weight_region(profile, belief)


def certain(values: Any) -> Float32Array:
    """Return values that are known exactly: alternatives × criteria × 1."""
    return np.asarray(values, dtype=np.float32)[:, :, np.newaxis]


def analysed(
    table: Float32Array,
    weights: FloatArray,
    monkeypatch: pytest.MonkeyPatch,
    *,
    seed: int = 1,
    per_state: int = 1,
) -> Odds:
    """Return the odds of alternatives that are no communes; their criteria stand for schools."""
    used = np.array(SCHOOLS[: table.shape[1]]) if table.shape[1] <= 3 else np.arange(table.shape[1])
    full = np.zeros((len(weights), N), dtype=np.float32)
    full[:, used] = weights
    ranks = draw_ranks(
        table, full[:, used].copy(), np.random.default_rng(seed), per_state=per_state
    )
    monkeypatch.setattr(module, "_table", lambda _: (used, table))
    return Odds(cast("Ranking", None), "free", seed, full, ranks)


def drawn(region: WeightRegion, draws: int, seed: int = 1) -> FloatArray:
    return region.sample(draws, np.random.default_rng(seed))[:, region.columns]


def assert_shares(found: Any, expected: Any, draws: float) -> None:
    share = np.asarray(expected, dtype=np.float64)
    error = np.sqrt(share * (1 - share) / draws)
    assert (np.abs(np.asarray(found) - share) <= Z * error + 1e-9).all(), (found, expected)


# --- Closed forms with two criteria -----------------------------------------------------------

# c = (0.7, 0.7) wins where 0.3 < w < 0.7; under it, the better of a = (1, 0) and b = (0, 1).
THREE = [(1, 0), (0, 1), (0.7, 0.7)]
THREE_RANKS = [[0.3, 0.2, 0.5], [0.3, 0.2, 0.5], [0.4, 0.6, 0.0]]


def test_acceptability_of_every_rank_is_a_length(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = 30_000
    found = analysed(certain(THREE), drawn(schools([LITTLE] * 2, "free"), draws), monkeypatch)
    assert_shares(found.acceptability, THREE_RANKS, draws)
    assert_shares(found.p_top(2), [0.5, 0.5, 1.0], draws)
    assert_shares(found.ahead(), [[0.5, 0.5, 0.3], [0.5, 0.5, 0.3], [0.7, 0.7, 0.5]], draws)


def test_central_weights_are_the_middle_of_the_winning_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draws = 30_000
    found = analysed(certain(THREE), drawn(schools([LITTLE] * 2, "free"), draws), monkeypatch)
    # a wins on (0.7, 1), b on (0, 0.3), c on (0.3, 0.7): lengths 0.3, 0.3 and 0.4.
    central = found.central_weights[:, SCHOOLS[:2]]
    for row, (middle, length) in enumerate([(0.85, 0.3), (0.15, 0.3), (0.5, 0.4)]):
        error = length / math.sqrt(12) / math.sqrt(draws * length)
        assert abs(central[row, 0] - middle) <= Z * error
        assert central[row].sum() == pytest.approx(1.0)
    others = np.delete(np.arange(N), SCHOOLS[:2])
    assert (found.central_weights[:, others] == 0).all()


def test_certain_data_give_full_confidence_to_whoever_wins_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each wins under its own central weights; one that never wins has none, and 0."""
    table = certain([*THREE, (0.4, 0.4)])
    found = analysed(table, drawn(schools([LITTLE] * 2, "free"), 3_000), monkeypatch)
    assert found.confidence_factor.tolist() == [1.0, 1.0, 1.0, 0.0]
    assert np.isnan(found.central_weights[3]).all()
    assert found.acceptability[3, 0] == 0.0
    only_last = analysed(table[3:], drawn(schools([LITTLE] * 2, "free"), 200), monkeypatch)
    assert only_last.confidence_factor.tolist() == [1.0]


def test_the_best_everywhere_is_always_first(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    values = rng.uniform(0, 0.9, (9, 3))
    values[4] = 0.95
    found = analysed(certain(values), drawn(schools([LITTLE] * 3, "free"), 2_000), monkeypatch)
    assert found.acceptability[4].tolist() == [1.0, *[0.0] * 8]
    assert found.confidence_factor.tolist() == [1.0 if row == 4 else 0.0 for row in range(9)]
    assert (found.ahead([4, 0, 1])[0] == [0.5, 1.0, 1.0]).all()
    assert found.band[0][4] == found.band[1][4] == 1
    assert found.central_weights[4, SCHOOLS] == pytest.approx([1 / 3] * 3, abs=0.03)


def test_confidence_is_lost_to_uncertain_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """One criterion: 0.75 for sure against anything between 0 and 1 is first 3 times in 4."""
    anything = (np.arange(QUANTILES) + 0.5) / QUANTILES
    table = np.array([[np.full(QUANTILES, 0.75)], [anything]], dtype=np.float32)
    monkeypatch.setattr(module, "CONFIDENCE_STATES", 20_000)
    found = analysed(table, np.ones((20_000, 1)), monkeypatch)
    assert_shares(found.confidence_factor, [0.75, 0.25], 20_000)
    assert_shares(found.acceptability, [[0.75, 0.25], [0.25, 0.75]], 20_000)


def test_states_of_the_data_are_shared_by_the_draws_of_a_block() -> None:
    anything = (np.arange(QUANTILES) + 0.5) / QUANTILES
    table = np.array([[np.full(QUANTILES, 0.75)], [anything]], dtype=np.float32)
    weights = np.ones((1_001, 1), dtype=np.float32)
    ranks = draw_ranks(table, weights, np.random.default_rng(1), per_state=4)
    blocks = ranks[:1_000, 0].reshape(-1, 4)
    assert (blocks == blocks[:, :1]).all()
    assert 0.6 < (blocks[:, 0] == 1).mean() < 0.9
    assert ranks.shape == (1_001, 2)


# --- Exact areas with three criteria ----------------------------------------------------------


def above(row: Sequence[float]) -> shapely.Polygon:
    """Return the half-plane row · (x, y, 1 - x - y) ≥ 0, as a large rectangle."""
    normal = np.array([row[0] - row[2], row[1] - row[2]])
    length = np.hypot(*normal)
    if length < 1e-12:
        return shapely.box(-9, -9, 9, 9) if row[2] >= 0 else shapely.Polygon()
    normal /= length
    foot, along = -row[2] / length * normal, np.array([-normal[1], normal[0]])
    return shapely.Polygon(
        [
            foot - 9 * along,
            foot + 9 * along,
            foot + 9 * (along + normal),
            foot - 9 * (along - normal),
        ]
    )


def exact_ranks(values: FloatArray, region: WeightRegion) -> FloatArray:
    """Return rank acceptability as areas: of every order of the alternatives, on the triangle."""
    whole: shapely.Geometry = shapely.Polygon([(0, 0), (1, 0), (0, 1)])
    for row in region.inequalities[:, region.columns]:
        whole = shapely.intersection(whole, above(row))
    n = len(values)
    shares = np.zeros((n, n))
    for order in itertools.permutations(range(n)):
        part = whole
        for better, worse in itertools.pairwise(order):
            part = shapely.intersection(part, above(values[better] - values[worse]))
        shares[list(order), range(n)] += shapely.area(part) / shapely.area(whole)
    return shares


@pytest.mark.parametrize(
    ("words", "belief"),
    [
        ((LITTLE, LITTLE, LITTLE), "free"),
        ((MUST, IMPORTANT, LITTLE), "order"),
        ((LITTLE, LITTLE, LITTLE), "words"),
        ((LITTLE, IMPORTANT, LITTLE), "words"),
    ],
)
def test_acceptability_of_every_rank_is_an_area(
    words: tuple[str, str, str], belief: Belief, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.array([(0.9, 0.2, 0.3), (0.4, 0.8, 0.35), (0.3, 0.4, 0.9), (0.6, 0.5, 0.45)])
    region, draws = schools(words, belief), 20_000
    expected = exact_ranks(values, region)
    assert expected.sum(axis=0) == pytest.approx(np.ones(4), abs=1e-9)
    assert expected.sum(axis=1) == pytest.approx(np.ones(4), abs=1e-9)
    assert ((expected > 0.01) & (expected < 0.99)).sum() >= 5
    found = analysed(certain(values), drawn(region, draws, seed=4), monkeypatch)
    assert_shares(found.acceptability, expected, draws)


def test_areas_are_those_of_a_hand_made_case() -> None:
    """Alternatives (1, 0, 0), (0, 1, 0), (0, 0, 1): by symmetry every rank has one third."""
    assert exact_ranks(np.eye(3), schools([LITTLE] * 3, "free")) == pytest.approx(1 / 3)
    # (1, 0, 0) against one half everywhere: first where w > 1/2, a quarter of the triangle.
    two = exact_ranks(np.array([[1.0, 0, 0], [0.5] * 3]), schools([LITTLE] * 3, "free"))
    assert two == pytest.approx(np.array([[0.25, 0.75], [0.75, 0.25]]))


# --- A published analysis ---------------------------------------------------------------------

# Heparin and enoxaparin against deep vein thrombosis: shares of patients with a proximal one, a
# distal one, a major bleeding. Distributions and value functions: drugis/mcda-elicitation-web,
# examples/thrombolytics.json. Results of 10,000 draws: the same repository, R/test/thrombo.R
# ("MCDA") and gertvv/rsmaa, smaa/tests/Examples/smaa-Ex.Rout.save, examples of the R package smaa
# by G. van Valkenhoef ("smaa").
BETAS = (((20, 116), (40, 96), (1, 135)), ((8, 121), (32, 97), (5, 124)))
WORST_BEST = ((0.25, 0.0), (0.4, 0.15), (0.1, 0.0))
PUBLISHED_DRAWS = 10_000
FREE_MCDA = {
    "acceptability": 0.3381,
    "confidence": (0.6389, 0.8925),
    "central": ((0.1976, 0.2780, 0.5244), (0.4118, 0.3578, 0.2304)),
}
FREE_SMAA = {
    "acceptability": 0.3504,
    "confidence": (0.6682, 0.8956),
    "central": ((0.1865, 0.2772, 0.5363), (0.4073, 0.3641, 0.2285)),
}
# Proximal thrombosis matters most, then bleeding, then distal thrombosis.
ORDER_MCDA = {
    "acceptability": 0.1369,
    "confidence": (0.1914, 0.9174),
    "central": ((0.5240, 0.1213, 0.3547), (0.6229, 0.1103, 0.2668)),
}


def thrombolytics() -> Float32Array:
    """Return 64 equally probable values of each cell."""
    middles = (np.arange(QUANTILES) + 0.5) / QUANTILES
    values = [
        [
            (worst - beta.ppf(middles, a, b)) / (worst - best)
            for (a, b), (worst, best) in zip(row, WORST_BEST, strict=True)
        ]
        for row in BETAS
    ]
    return np.array(values, dtype=np.float32)


@pytest.mark.parametrize(
    ("words", "belief", "published"),
    [
        ((LITTLE, LITTLE, LITTLE), "free", FREE_MCDA),
        ((LITTLE, LITTLE, LITTLE), "free", FREE_SMAA),
        ((MUST, LITTLE, IMPORTANT), "order", ORDER_MCDA),
    ],
    ids=["no preference, MCDA", "no preference, smaa", "order, MCDA"],
)
def test_a_published_analysis_is_found_again(
    words: tuple[str, str, str],
    belief: Belief,
    published: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Within Z standard errors of the difference between two samples, theirs and ours."""
    draws = 20_000
    monkeypatch.setattr(module, "CONFIDENCE_STATES", draws)
    found = analysed(thrombolytics(), drawn(schools(words, belief), draws), monkeypatch)
    both = 1 / (1 / draws + 1 / PUBLISHED_DRAWS)
    first = published["acceptability"]
    assert_shares(found.acceptability, [[first, 1 - first], [1 - first, first]], both)
    central = found.central_weights[:, SCHOOLS]
    for row, share in enumerate((first, 1 - first)):
        wins = found.weights[found.ranks[:, row] == 1][:, SCHOOLS]
        error = wins.std(axis=0) / math.sqrt(share * both)
        assert (np.abs(central[row] - published["central"][row]) <= Z * error + 5e-5).all()
    # Confidence moves with the central weights it is measured at: 0.03 is what their error allows.
    assert found.confidence_factor == pytest.approx(published["confidence"], abs=0.03)


@pytest.mark.parametrize(
    ("weights", "first"),
    [((4 / 7, 1 / 7, 2 / 7), 0.1049), ((0.5, 0.2, 0.3), 0.1279)],
    ids=["swing ratios of 2, MCDA", "given weights, smaa"],
)
def test_a_published_analysis_with_known_weights_is_found_again(
    weights: tuple[float, float, float], first: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    draws = 20_000
    found = analysed(thrombolytics(), np.tile(weights, (draws, 1)), monkeypatch)
    assert_shares(found.p_top(1), [first, 1 - first], 1 / (1 / draws + 1 / PUBLISHED_DRAWS))


# --- Convergence ------------------------------------------------------------------------------


@pytest.mark.parametrize("doubt", ["weights", "data"])
def test_the_error_falls_as_one_over_the_square_root_of_the_draws(
    doubt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root mean square error of an acceptability over 60 seeds, on a logarithmic scale."""
    sizes, errors = [100, 400, 1_600, 6_400], []
    anything = (np.arange(QUANTILES) + 0.5) / QUANTILES
    for draws in sizes:
        squares = []
        for seed in range(60):
            if doubt == "weights":
                weights = drawn(schools([LITTLE] * 2, "free"), draws, seed)
                found = analysed(certain(THREE), weights, monkeypatch, seed=seed)
                squares.append((found.acceptability[2, 0] - 0.4) ** 2)
            else:
                table = np.array([[np.full(QUANTILES, 0.75)], [anything]], dtype=np.float32)
                found = analysed(table, np.ones((draws, 1)), monkeypatch, seed=seed, per_state=2)
                squares.append((found.acceptability[0, 0] - 0.75) ** 2)
        errors.append(math.sqrt(float(np.mean(squares))))
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert -0.65 <= slope <= -0.35
    share, worth = (0.4, 1) if doubt == "weights" else (0.75, 2)
    expected = math.sqrt(share * (1 - share) * worth / sizes[-1])
    assert errors[-1] == pytest.approx(expected, rel=0.35)


# --- Ties -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "k"), [(2, 3), (7, 8), (47, 22), (100, 15), (333, 28)])
def test_alternatives_that_are_alike_share_their_ranks_evenly(n: int, k: int) -> None:
    """A matrix product may round equal sums differently at the end of a matrix; odds may not."""
    rng = np.random.default_rng(n)
    values = rng.random((n, k), dtype=np.float32)
    values[-1] = values[0]
    weights = np.tile(rng.dirichlet(np.ones(k)).astype(np.float32), (2_000, 1))
    for depth, per_state in itertools.product((1, QUANTILES), (2, 8)):
        table = np.repeat(certain(values), depth, axis=2)
        ranks = draw_ranks(table, weights, np.random.default_rng(1), per_state=per_state).astype(
            int
        )
        assert (np.abs(ranks[:, 0] - ranks[:, -1]) == 1).all()
        assert_shares((ranks[:, 0] < ranks[:, -1]).mean(), 0.5, 2_000)
        others = np.delete(ranks, [0, n - 1], axis=1)
        assert (others == others[:1]).all()


def test_alternatives_that_are_alike_have_the_same_confidence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(9)
    values = rng.uniform(0, 0.7, (333, 28))
    values[[0, 331, 332]] = rng.uniform(0.75, 1.0, 28)
    weights = rng.dirichlet(np.ones(28), 600)
    table = np.repeat(certain(values), 2, axis=2)
    found = analysed(table, weights, monkeypatch, per_state=8)
    assert_shares(found.p_top(1)[[0, 331, 332]], [1 / 3] * 3, 600)
    assert found.confidence([0, 331, 332]).tolist() == [1.0, 1.0, 1.0]


def test_uncertain_alternatives_that_meet_are_in_a_random_order() -> None:
    """Two unknown yes or no are equal one time in two; then neither comes first more often."""
    either = np.repeat([0.0, 1.0], QUANTILES // 2)
    table = np.array([[either], [either], [np.full(QUANTILES, 0.5)]], dtype=np.float32)
    ranks = draw_ranks(
        table, np.ones((8_000, 1), dtype=np.float32), np.random.default_rng(2), per_state=1
    )
    assert_shares((ranks[:, 0] < ranks[:, 1]).mean(), 0.5, 8_000)
    # Both before or both after the certain one, a quarter each: it is in the middle otherwise.
    found = [(ranks[:, 2] == place).mean() for place in (1, 2, 3)]
    assert_shares(found, [0.25, 0.5, 0.25], 8_000)


def test_many_communes_worth_the_same_have_the_same_odds(territory: Territory) -> None:
    """Only the size counts, and most communes have far too few people for a town."""
    profile = parse_profile(
        {
            "village_size": "town",
            "importance": {f: MUST if f == "setting" else "not_at_all" for f in FAMILIES},
            "criteria": {
                name: {"importance": MUST if name == "population" else "not_at_all"}
                for name in CRITERIA_OF["setting"]
            },
        }
    )
    ranking = rank(territory, profile, "all")
    found, draws = odds(ranking, draws=4_000), 4_000
    population = territory.communes["population"].to_numpy()[ranking.order]
    towns, small = np.flatnonzero(population >= 6_000), np.flatnonzero(population <= 2_500)
    assert 1 <= len(towns) < 5
    assert len(small) > 400
    assert_shares(found.p_top(len(towns))[towns], np.ones(len(towns)), draws)
    assert_shares(found.p_top(1)[towns], np.full(len(towns), 1 / len(towns)), draws)
    last = found.acceptability[small, -1]
    assert_shares(last, np.full(len(small), 1 / len(small)), draws)
    mean = found.ranks[:, small].mean(axis=0)
    middle = (len(ranking) - len(small) + 1 + len(ranking)) / 2
    error = len(small) / math.sqrt(12 * draws)
    assert (np.abs(mean - middle) <= Z * error).all()
    assert tuple(range(len(ranking)))[-len(small) :] in found.ties


# --- The shipped release ----------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_with_certain_data_and_known_weights_the_rank_is_that_of_the_ranking(
    name: str, territory: Territory
) -> None:
    ranking = rank(territory, PRESETS[name].profile, "all")
    used = np.flatnonzero(ranking.weights > 0)
    table = certain(ranking.values[np.ix_(ranking.order, used)])
    weights = np.tile(ranking.weights[used].astype(np.float32), (20, 1))
    ranks = draw_ranks(table, weights, np.random.default_rng(1)).astype(int)
    # Single precision tells scores apart that differ by a ten-thousandth of a point.
    score = ranking.score[ranking.order]
    told_apart = np.ones(len(score), dtype=np.bool_)
    close = np.flatnonzero(-np.diff(score) < 1e-4)
    told_apart[np.r_[close, close + 1]] = False
    assert told_apart.mean() > 0.9
    assert (ranks[:, told_apart] == ranking.ranks[told_apart]).all()


@pytest.fixture(scope="module")
def found(territory: Territory) -> Odds:
    """Return the odds of the 47 partners for one preset."""
    return odds(rank(territory, PRESETS["paris-web-family"].profile))


def test_acceptability_counts_ranks(found: Odds) -> None:
    n, ranks = len(found.ranking), found.ranks.astype(int)
    assert found.draws == DEFAULT_DRAWS
    assert found.seed == DEFAULT_SEED
    assert found.weights.shape == (DEFAULT_DRAWS, N)
    assert (np.sort(ranks, axis=1) == np.arange(1, n + 1)).all()
    for column in (0, 3, n - 1):
        counts = [(ranks[:, column] == place).mean() for place in range(1, n + 1)]
        assert found.acceptability[column].tolist() == pytest.approx(counts)
        for places in (1, 5, n, n + 7):
            expected = (ranks[:, column] <= places).mean()
            assert found.p_top(places)[column] == pytest.approx(expected)


def test_the_band_holds_nine_draws_of_ten(found: Odds) -> None:
    low, high = found.band
    expected = np.quantile(found.ranks, [0.05, 0.95], axis=0, method="inverted_cdf")
    assert low.tolist() == expected[0].tolist()
    assert high.tolist() == expected[1].tolist()
    inside = ((found.ranks >= low) & (found.ranks <= high)).mean(axis=0)
    assert (inside >= 0.9).all()
    assert (low < high).any()


def test_odds_of_being_ahead_are_counted_pair_by_pair(found: Odds) -> None:
    columns = [4, 0, 11]
    part = found.ahead(columns)
    for (i, one), (j, other) in itertools.permutations(enumerate(columns), 2):
        expected = (found.ranks[:, one] < found.ranks[:, other]).mean()
        assert part[i, j] == pytest.approx(expected)
    whole = found.ahead()
    assert (whole[np.ix_(columns, columns)] == part).all()
    # The mean rank is one more than the number of communes that are ahead, on average.
    assert found.ranks.mean(axis=0) == pytest.approx(1 + whole.sum(axis=0) - 0.5)
    assert (whole + whole.T == pytest.approx(1.0)) is True


def test_ties_are_led_by_their_first_commune(found: Odds) -> None:
    n, groups, leader = len(found.ranking), [], 0
    while leader < n:
        group = [leader]
        for other in range(leader + 1, n):
            if not 0.4 <= (found.ranks[:, leader] < found.ranks[:, other]).mean() <= 0.6:
                break
            group.append(other)
        groups.append(tuple(group))
        leader = group[-1] + 1
    assert list(found.ties) == groups
    assert max(len(group) for group in groups) > 1
    codes = [found.ranking.matrix.codes[row] for row in found.ranking.order]
    assert found.as_dict() == {
        "method": "SMAA-2",
        "draws": 2_000,
        "seed": 2026,
        "belief": "words",
        "band": [0.05, 0.95],
        "ties": [[codes[c] for c in group] for group in groups if len(group) > 1],
    }


def test_central_weights_are_means_of_the_draws_that_win(found: Odds) -> None:
    for column in range(len(found.ranking)):
        wins = found.weights[found.ranks[:, column] == 1]
        if len(wins):
            expected = wins.astype(np.float64).mean(axis=0)
            assert found.central_weights[column] == pytest.approx(expected, abs=1e-9)
            assert 0.0 <= found.confidence_factor[column] <= 1.0
        else:
            assert np.isnan(found.central_weights[column]).all()
            assert found.confidence_factor[column] == 0.0


def test_confidence_can_be_asked_of_some(found: Odds) -> None:
    chosen = [2, 0, int(np.argmin(found.p_top(1)))]
    assert found.confidence(chosen).tolist() == found.confidence_factor[chosen].tolist()
    assert found.confidence([]).tolist() == []


def test_draws_read_the_profiles_own_value_functions(
    territory: Territory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranking = rank(territory, PRESETS["paris-web-family"].profile)
    price = ranking.matrix.column("house_price_eur_m2")
    size = ranking.matrix.column("population")
    functions = {
        ranking.matrix.column(name): function
        for name, function in ranking.profile.value_functions.items()
    }
    assert set(functions) == {price, size}
    used = np.flatnonzero(ranking.weights > 0)
    values = value_quantiles(territory, ranking.matrix, functions)[ranking.order][:, used]
    seen: list[Float32Array] = []

    def spy(values: Float32Array, *args: Any, **options: Any) -> Any:
        seen.append(values)
        return draw_ranks(values, *args, **options)

    monkeypatch.setattr(module, "draw_ranks", spy)
    odds(ranking, draws=MIN_DRAWS)
    assert (seen[0] == values).all()
    at = used.tolist().index(size)
    assert seen[0][:, at, 0] == pytest.approx(ranking.values[ranking.order, size], abs=1e-6)


def test_the_same_seed_gives_the_same_bytes_and_another_others(territory: Territory) -> None:
    ranking = rank(territory, PRESETS["retired-couple"].profile)
    first, again, other = (odds(ranking, draws=300, seed=seed) for seed in (0, 0, 1))
    assert first.ranks.tobytes() == again.ranks.tobytes()
    assert first.weights.tobytes() == again.weights.tobytes()
    assert first.confidence_factor.tobytes() == again.confidence_factor.tobytes()
    assert first.ranks.tobytes() != other.ranks.tobytes()


def test_weights_drawn_elsewhere_give_the_same_odds(territory: Territory) -> None:
    ranking = rank(territory, PRESETS["retired-couple"].profile)
    rng = np.random.default_rng(7)
    weights = weight_region(ranking.profile).sample(400, rng).astype(np.float32)
    apart = odds_of(ranking, weights, rng, seed=7)
    at_once = odds(ranking, draws=400, seed=7)
    assert apart.ranks.tobytes() == at_once.ranks.tobytes()
    assert apart.as_dict() == at_once.as_dict()


def test_a_belief_that_says_less_leaves_more_open(territory: Territory) -> None:
    ranking = rank(territory, PRESETS["toulouse-consultant"].profile)
    beliefs: tuple[Belief, ...] = ("words", "order", "free")
    width = {}
    for belief in beliefs:
        found = odds(ranking, belief=belief)
        assert found.as_dict()["belief"] == belief
        low, high = found.band
        width[belief] = (high - low).mean()
    assert width["words"] < width["order"] < width["free"]


def test_answers_move_the_odds(territory: Territory) -> None:
    """Who says that the station counts most sees villages near a station rise."""
    ranking = rank(territory, PRESETS["lyon-trainer"].profile)
    station, housing = (
        ranking.matrix.column(name) for name in ("station_min", "house_rent_eur_m2_month")
    )
    row = np.zeros((1, N))
    row[0, [station, housing]] = 1.0, -1.0
    before, after = odds(ranking), odds(ranking, answers=row)
    assert (after.weights.astype(np.float64) @ row[0] >= -1e-6).all()
    assert 0.05 < (before.weights @ row[0] >= 0).mean() < 0.9
    minutes = ranking.matrix.raw[ranking.order, station]
    gain = before.ranks.mean(axis=0) - after.ranks.mean(axis=0)
    assert np.corrcoef(gain, -minutes)[0, 1] > 0.4


# --- Bounds -----------------------------------------------------------------------------------


@pytest.mark.parametrize("draws", [MIN_DRAWS - 1, MAX_DRAWS + 1, 0, -1])
def test_too_few_or_too_many_draws_are_refused(draws: int, territory: Territory) -> None:
    ranking = rank(territory, PRESETS["retired-couple"].profile)
    with pytest.raises(WeightError, match=rf"draws is {draws}, expected 100 to 20,000\."):
        odds(ranking, draws=draws)


def test_a_negative_seed_is_refused(territory: Territory) -> None:
    ranking = rank(territory, PRESETS["retired-couple"].profile)
    with pytest.raises(WeightError, match=r"seed is -1, expected 0 or more\."):
        odds(ranking, seed=-1)


def test_contradictory_answers_are_refused(territory: Territory) -> None:
    ranking = rank(territory, PRESETS["retired-couple"].profile)
    row = np.zeros((2, N))
    k = ranking.matrix.column("doctor_min")
    row[:, k] = -1.0, 1.0
    with pytest.raises(WeightError, match="contradict one another"):
        odds(ranking, answers=row)


def test_nothing_listed_has_no_odds(territory: Territory) -> None:
    profile = parse_profile({"limits": {"population": {"at_least": 999_999}}})
    ranking = rank(territory, profile, "all")
    assert len(ranking) == 0
    found = odds(ranking, draws=MIN_DRAWS)
    assert found.ranks.shape == (MIN_DRAWS, 0)
    assert found.acceptability.shape == (0, 0)
    assert found.p_top(1).shape == found.confidence_factor.shape == found.band[0].shape == (0,)
    assert found.central_weights.shape == (0, N)
    assert found.ahead().shape == (0, 0)
    assert found.ties == ()
    assert found.summaries == []
    assert found.as_dict()["ties"] == []
    assert with_odds(ranking.to_dict(), found)["results"] == []


def test_one_village_is_first_for_sure(territory: Territory) -> None:
    largest = territory.communes["population"].nlargest(2)
    profile = parse_profile({"limits": {"population": {"at_least": int(largest.iloc[1]) + 1}}})
    ranking = rank(territory, profile, "all")
    found = odds(ranking, draws=MIN_DRAWS)
    assert [ranking.matrix.codes[row] for row in ranking.order] == [largest.index[0]]
    assert found.summaries == [{"p_top_1": 1.0, "p_top_5": 1.0, "rank_low": 1, "rank_high": 1}]
    assert found.confidence_factor.tolist() == [1.0]
    assert found.ahead().tolist() == [[0.5]]
    assert found.ties == ((0,),)


# --- What is told -----------------------------------------------------------------------------


def test_answers_gain_their_odds_and_nothing_else_changes(found: Odds) -> None:
    plain = found.ranking.to_dict(12)
    told = with_odds(plain, found)
    assert set(told) - set(plain) == {"robustness"}
    assert told["robustness"] == found.as_dict()
    assert {key: told[key] for key in plain if key != "results"} == {
        key: plain[key] for key in plain if key != "results"
    }
    assert "odds" not in plain["results"][0]
    low, high = found.band
    for place, (before, after) in enumerate(zip(plain["results"], told["results"], strict=True)):
        assert {key: after[key] for key in before} == before
        assert set(after) - set(before) == {"odds"}
        assert list(after["odds"]) == ["p_top_1", "p_top_5", "rank_low", "rank_high"]
        assert after["odds"] == found.summaries[place]
        assert after["odds"] == {
            "p_top_1": (found.ranks[:, place] == 1).mean(),
            "p_top_5": (found.ranks[:, place] <= 5).mean(),
            "rank_low": low[place],
            "rank_high": high[place],
        }
        assert {type(value) for value in after["odds"].values()} == {float, int}


def test_a_commune_is_found_by_its_row(found: Odds) -> None:
    order = found.ranking.order.tolist()
    assert [found.column(row) for row in order[:3]] == [0, 1, 2]
    elsewhere = next(row for row in range(458) if row not in order)
    assert found.column(elsewhere) is None
