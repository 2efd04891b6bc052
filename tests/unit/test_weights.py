"""Draws of weights, held to closed forms, to brute force and to one another.

Monte Carlo figures are compared within ``Z`` standard errors of their difference. Seeds are fixed:
a test that passes once passes always.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, ks_2samp, kstest

from geo_matcher import weights as module
from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.errors import WeightError
from geo_matcher.presets import PRESETS
from geo_matcher.profile import CRITERIA_OF, Profile, parse_profile
from geo_matcher.weights import WORD_SPREAD, Belief, WeightRegion, weight_region

FloatArray = NDArray[np.float64]

N = len(CRITERIA)
Z = 4.5
"""Standard errors: some hundred comparisons are made, and 4.5 is passed once in 150,000."""

LITTLE, IMPORTANT, MUST = "a_little", "important", "indispensable"
POINTS = {LITTLE: 1.0, IMPORTANT: 2.0, MUST: 4.0}
BELIEFS: tuple[Belief, ...] = ("words", "order", "free")


def family_profile(family: str, words: Sequence[str]) -> Profile:
    """Let the first criteria of one family matter as words say, and nothing else."""
    names = CRITERIA_OF[family]
    told = [*words, *["not_at_all"] * (len(names) - len(words))]
    return parse_profile(
        {
            "importance": {f: IMPORTANT if f == family else "not_at_all" for f in FAMILIES},
            "criteria": {
                name: {"importance": word} for name, word in zip(names, told, strict=True)
            },
        }
    )


def simplex_draws(
    words: Sequence[str], belief: Belief, draws: int, seed: int = 1, family: str = "mobility"
) -> FloatArray:
    """Draw the weights of one family's criteria."""
    region = weight_region(family_profile(family, words), belief)
    assert len(region.columns) == len(words)
    return region.sample(draws, np.random.default_rng(seed))[:, region.columns]


def answer(**parts: float) -> FloatArray:
    """Return one row a of a · weights ≥ 0, by the names of criteria."""
    row = np.zeros((1, N))
    for name, part in parts.items():
        row[0, list(CRITERIA).index(name)] = part
    return row


def assert_same_mean(found: FloatArray, expected: FloatArray, *, worth: float = 1.0) -> None:
    """Compare the means of two sets of draws; ``worth`` is the share that is independent."""
    error = np.sqrt(found.var(axis=0) / (worth * len(found)) + expected.var(axis=0) / len(expected))
    assert (np.abs(found.mean(axis=0) - expected.mean(axis=0)) <= Z * error + 1e-12).all()


# --- Closed forms -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "shares"),
    [
        # a wins where w > 1 - w.
        ([(1, 0), (0, 1)], [0.5, 0.5]),
        # a: 0.9 w + 0.2 (1 - w), b: 0.3 w + 0.6 (1 - w); equal at w = 0.4.
        ([(0.9, 0.2), (0.3, 0.6)], [0.6, 0.4]),
        # c = (0.7, 0.7) beats a = (1, 0) where w < 0.7 and b = (0, 1) where w > 0.3.
        ([(1, 0), (0, 1), (0.7, 0.7)], [0.3, 0.3, 0.4]),
        # c = (0.6, 0.5): beats a where 0.4 w < 0.5 (1 - w), w < 5/9; beats b where w > 5/11.
        ([(1, 0), (0, 1), (0.6, 0.5)], [4 / 9, 5 / 11, 5 / 9 - 5 / 11]),
        # c = (0.4, 0.4) is under one of the others everywhere.
        ([(1, 0), (0, 1), (0.4, 0.4)], [0.5, 0.5, 0.0]),
    ],
)
def test_with_two_criteria_acceptability_is_the_length_of_an_interval(
    values: list[tuple[float, float]], shares: list[float]
) -> None:
    draws = 40_000
    weights = simplex_draws([LITTLE, LITTLE], "free", draws)
    best = (weights @ np.array(values).T).argmax(axis=1)
    found = np.bincount(best, minlength=len(values)) / draws
    error = np.sqrt(np.array(shares) * (1 - np.array(shares)) / draws)
    assert (np.abs(found - shares) <= Z * error).all()


def test_free_shares_of_two_criteria_are_uniform() -> None:
    weights = simplex_draws([MUST, LITTLE], "free", 20_000)
    assert kstest(weights[:, 0], "uniform").pvalue > 0.01


def test_ordered_shares_of_two_criteria_are_uniform_above_one_half() -> None:
    weights = simplex_draws([IMPORTANT, LITTLE], "order", 20_000)
    assert kstest(weights[:, 0], "uniform", args=(0.5, 0.5)).pvalue > 0.01


def centroid(n: int) -> FloatArray:
    """Return rank order centroid weights, largest first.

    F. H. Barron and B. E. Barrett (1996), Decision quality using ranked attribute weights,
    Management Science 42(11):1515-1523: w_i = (1/n) Σ_{j ≥ i} 1/j.
    """
    return np.array([sum(1 / j for j in range(i, n + 1)) / n for i in range(1, n + 1)])


def test_the_mean_of_ordered_shares_is_the_rank_order_centroid() -> None:
    assert centroid(3) == pytest.approx([11 / 18, 5 / 18, 2 / 18])
    draws = 40_000
    weights = simplex_draws([LITTLE, MUST, IMPORTANT], "order", draws)
    found, error = weights.mean(axis=0), weights.std(axis=0) / np.sqrt(draws)
    assert (np.abs(found - centroid(3)[[2, 0, 1]]) <= Z * error).all()


@pytest.mark.parametrize("family", ["work", "connection", "daily_life", "children", "mobility"])
def test_sorted_spacings_of_any_number_have_their_centroid(family: str) -> None:
    n, draws = len(CRITERIA_OF[family]), 30_000
    weights = np.sort(simplex_draws([LITTLE] * n, "free", draws, family=family), axis=1)[:, ::-1]
    error = weights.std(axis=0) / np.sqrt(draws)
    assert (np.abs(weights.mean(axis=0) - centroid(n)) <= Z * error).all()


def test_the_same_word_leaves_the_order_open() -> None:
    """Words 1, 2, 2, 4 allow two orders; by symmetry those in the middle share their places."""
    draws = 40_000
    weights = simplex_draws([IMPORTANT, LITTLE, IMPORTANT, MUST], "order", draws)
    assert (weights[:, 3] >= weights[:, [0, 2]].max(axis=1)).all()
    assert (weights[:, 1] <= weights[:, [0, 2]].min(axis=1)).all()
    first = (weights[:, 0] > weights[:, 2]).mean()
    assert abs(first - 0.5) <= Z * 0.5 / np.sqrt(draws)
    largest, second, third, least = centroid(4)
    expected = np.array([(second + third) / 2, least, (second + third) / 2, largest])
    error = weights.std(axis=0) / np.sqrt(draws)
    assert (np.abs(weights.mean(axis=0) - expected) <= Z * error).all()


def test_all_the_same_words_leave_the_whole_simplex() -> None:
    """Each of the six orders of three shares comes one time in six."""
    weights = simplex_draws([IMPORTANT] * 3, "order", 30_000)
    orders = np.bincount(weights.argsort(axis=1) @ [9, 3, 1], minlength=27)
    found = orders[orders > 0] / 30_000
    assert len(found) == 6
    assert found == pytest.approx([1 / 6] * 6, abs=Z * np.sqrt(5 / 36 / 30_000))


# --- The box of points ------------------------------------------------------------------------


def test_a_word_ends_where_the_next_begins() -> None:
    """Words of one and two points touch at √2 points."""
    assert pytest.approx(2 / WORD_SPREAD) == 1 * WORD_SPREAD
    weights = simplex_draws([IMPORTANT, LITTLE], "words", 20_000)
    ratio = weights[:, 0] / weights[:, 1]
    assert 1.0 <= ratio.min() < 1.002
    assert 3.99 < ratio.max() <= 4.0


@pytest.mark.parametrize("words", [(LITTLE, LITTLE), (MUST, LITTLE), (IMPORTANT, MUST)])
def test_box_draws_of_two_shares_are_uniform_on_their_interval(words: tuple[str, str]) -> None:
    """The first share is least at l₁ / (l₁ + h₂) and largest at h₁ / (h₁ + l₂)."""
    p, q = (POINTS[word] for word in words)
    least = (p / WORD_SPREAD) / (p / WORD_SPREAD + q * WORD_SPREAD)
    largest = (p * WORD_SPREAD) / (p * WORD_SPREAD + q / WORD_SPREAD)
    weights = simplex_draws(words, "words", 20_000)
    assert kstest(weights[:, 0], "uniform", args=(least, largest - least)).pvalue > 0.01


def in_box_region(shares: FloatArray, points: FloatArray) -> NDArray[np.bool_]:
    """Tell which shares are those of points within their words: some scale must fit them all."""
    low, high = points / WORD_SPREAD, points * WORD_SPREAD
    return np.asarray((low / shares).max(axis=1) <= (high / shares).min(axis=1) * (1 + 1e-12))


@pytest.mark.parametrize(
    "words", [(LITTLE, LITTLE, LITTLE), (MUST, IMPORTANT, LITTLE), (LITTLE, MUST, LITTLE)]
)
def test_box_draws_of_three_shares_are_those_of_brute_force(words: tuple[str, str, str]) -> None:
    """The uniform simplex, rejected: mean, covariance and the counts in cells of the triangle."""
    points = np.array([POINTS[word] for word in words])
    rng = np.random.default_rng(11)
    plain = rng.dirichlet(np.ones(3), 200_000)
    expected = plain[in_box_region(plain, points)]
    found = simplex_draws(words, "words", len(expected), seed=12)
    assert len(expected) > 5_000
    assert in_box_region(found, points).all()
    assert_same_mean(found, expected)
    for i, j in itertools.combinations_with_replacement(range(3), 2):
        products = [
            (x[:, i] - expected[:, i].mean()) * (x[:, j] - expected[:, j].mean())
            for x in (found, expected)
        ]
        assert_same_mean(products[0][:, np.newaxis], products[1][:, np.newaxis])
    edges = [np.quantile(expected[:, i], np.linspace(0, 1, 7)[1:-1]) for i in (0, 1)]
    counts = np.array(
        [
            np.bincount(
                np.searchsorted(edges[0], x[:, 0]) * 6 + np.searchsorted(edges[1], x[:, 1]),
                minlength=36,
            )
            for x in (found, expected)
        ]
    )
    counts = counts[:, counts.sum(axis=0) >= 40]
    assert counts.shape[1] >= 12
    assert chi2_contingency(counts).pvalue > 0.01


def test_box_draws_of_a_whole_family_keep_every_pair_of_words() -> None:
    words = [LITTLE, IMPORTANT, MUST, LITTLE, LITTLE, IMPORTANT, LITTLE, LITTLE, MUST]
    weights = simplex_draws(words, "words", 3_000)
    points = np.array([POINTS[word] for word in words])
    ratio = (weights[:, :, np.newaxis] / weights[:, np.newaxis]) / (points[:, None] / points)
    assert weights.shape == (3_000, 9)
    assert ratio.max() <= WORD_SPREAD**2 * (1 + 1e-9)


# --- The tree ---------------------------------------------------------------------------------


@pytest.mark.parametrize("belief", BELIEFS)
@pytest.mark.parametrize("name", PRESETS)
def test_every_draw_lies_in_the_region_and_so_do_the_profiles_own_weights(
    name: str, belief: Belief
) -> None:
    profile = PRESETS[name].profile
    region = weight_region(profile, belief)
    assert region.allows(profile.weights)
    drawn = region.sample(150, np.random.default_rng(3))
    assert drawn.shape == (150, N)
    assert all(region.allows(weights) for weights in drawn)
    assert (drawn[:, profile.weights == 0] == 0).all()
    assert (drawn[:, profile.weights > 0] > 0).all()


def test_shares_of_families_and_of_criteria_are_drawn_apart() -> None:
    """Two families of two and one criteria: the product of two uniform shares."""
    profile = parse_profile(
        {
            "importance": {
                f: IMPORTANT if f in ("work", "health") else "not_at_all" for f in FAMILIES
            },
            "criteria": {"doctor_min": {"importance": "not_at_all"}},
        }
    )
    region = weight_region(profile, "free")
    names = [list(CRITERIA)[column] for column in region.columns]
    assert names == ["coworking_min", "telecentre_min", "hospital_min"]
    weights = region.sample(20_000, np.random.default_rng(4))[:, region.columns]
    family, inside = weights[:, :2].sum(axis=1), weights[:, 0] / weights[:, :2].sum(axis=1)
    assert kstest(family, "uniform").pvalue > 0.01
    assert kstest(inside, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(family, inside)[0, 1]) < Z / np.sqrt(20_000)


def test_one_criterion_has_all_the_weight() -> None:
    for belief in BELIEFS:
        assert (simplex_draws([LITTLE], belief, 5, family="health") == 1.0).all()


def test_what_is_not_allowed() -> None:
    profile = PRESETS["lyon-trainer"].profile
    region, own = weight_region(profile), profile.weights
    used, unused = np.flatnonzero(own > 0), np.flatnonzero(own == 0)
    elsewhere = own.copy()
    elsewhere[[used[0], unused[0]]] = 0.0, own[used[0]]
    below = own.copy()
    below[used[:2]] = -0.01, own[used[0]] + own[used[1]] + 0.01
    upside_down = own.copy()
    station, airport = (list(CRITERIA).index(f"{key}_min") for key in ("station", "airport"))
    upside_down[[station, airport]] = own[[airport, station]]
    assert region.allows(own)
    for wrong in (elsewhere, below, upside_down, own * 0.9):
        assert not region.allows(wrong)
    assert weight_region(profile, "free").allows(upside_down)
    assert not weight_region(profile, "order").allows(upside_down)


def test_the_same_seed_gives_the_same_bytes() -> None:
    region = weight_region(PRESETS["retired-couple"].profile)
    rows = answer(doctor_min=1.0, hospital_min=-3.0)
    for answers in (None, rows, rows * -1):
        first, again, other = (
            region.sample(300, np.random.default_rng(seed), answers=answers) for seed in (5, 5, 6)
        )
        assert first.tobytes() == again.tobytes()
        assert first.tobytes() != other.tobytes()


# --- Answers ----------------------------------------------------------------------------------

ONE = answer(station_min=1.0, toulouse_min=-0.7)
STRONG = answer(airport_min=1.0, toulouse_min=-0.41, station_min=-0.1, auch_min=-0.1)
TWO = np.concatenate([ONE, answer(daily_services_min=1.0, ftth_coverage_share=-0.5)])


def sampled(
    region: WeightRegion,
    answers: FloatArray,
    draws: int,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
    *,
    kept_at_least: float,
) -> FloatArray:
    monkeypatch.setattr(module, "KEPT_AT_LEAST", kept_at_least)
    return region.sample(draws, np.random.default_rng(seed), answers=answers)


@pytest.mark.parametrize("answers", [ONE, TWO], ids=["one", "two"])
def test_hit_and_run_agrees_with_rejection(
    answers: FloatArray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Means and second moments of every weight, within 4.5 standard errors.

    Chains that start from the same draw are somewhat alike; a draw is counted for half of one.
    """
    region = weight_region(PRESETS["toulouse-consultant"].profile)
    exact = sampled(region, answers, 6_000, 1, monkeypatch, kept_at_least=0.0)
    monkeypatch.setattr(module, "START_ROUNDS", 0)
    walked = sampled(region, answers, 1_500, 2, monkeypatch, kept_at_least=2.0)
    for weights in (exact, walked):
        assert (weights @ answers.T >= -1e-12).all()
        assert all(region.allows(row) for row in weights[:200])
    assert len(np.unique(walked, axis=0)) == len(walked)
    used = region.columns
    assert_same_mean(walked[:, used], exact[:, used], worth=0.5)
    assert_same_mean(walked[:, used] ** 2, exact[:, used] ** 2, worth=0.5)
    # The answers matter: without them the means are elsewhere, by far.
    plain = region.sample(6_000, np.random.default_rng(1))
    with pytest.raises(AssertionError):
        assert_same_mean(plain[:, used], exact[:, used])


def test_hit_and_run_is_uniform_on_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two criteria, the first at least a third of the second: w is uniform on (1/4, 1)."""
    region = weight_region(family_profile("children", [LITTLE, LITTLE]), "free")
    row = answer(primary_school_min=1.0, college_min=-1 / 3)
    monkeypatch.setattr(module, "STEPS", 5)
    drawn = sampled(region, row, 20_000, 3, monkeypatch, kept_at_least=2.0)
    assert kstest(drawn[:, region.columns[0]], "uniform", args=(0.25, 0.75)).pvalue > 0.01


def test_hit_and_run_is_uniform_on_a_polygon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three criteria: every coordinate is distributed as by rejection."""
    region = weight_region(family_profile("children", [MUST, IMPORTANT, LITTLE]), "words")
    row = answer(primary_school_min=1.0, college_min=-1.5, lycee_min=-0.8)
    monkeypatch.setattr(module, "STEPS", 10)
    walked = sampled(region, row, 15_000, 4, monkeypatch, kept_at_least=2.0)
    exact = sampled(region, row, 30_000, 5, monkeypatch, kept_at_least=0.0)
    assert len(np.unique(exact, axis=0)) == 30_000
    for column in region.columns:
        assert ks_2samp(walked[:, column], exact[:, column]).pvalue > 0.01


def test_chains_forget_where_they_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chains of one start are hardly more alike than others: share of the variance, per weight."""
    region = weight_region(PRESETS["lyon-trainer"].profile)
    row, alike = answer(station_min=1.0, toulouse_min=-3.5), {}
    monkeypatch.setattr(module, "START_ROUNDS", 0)
    shipped = module.STEPS
    for steps in (0, 3, shipped):
        monkeypatch.setattr(module, "STEPS", steps)
        drawn = sampled(region, row, 1_500, 1, monkeypatch, kept_at_least=2.0)[:, region.columns]
        if steps == 0:
            starts = len(np.unique(drawn, axis=0))
        chains = drawn[: len(drawn) // starts * starts].reshape(-1, starts, drawn.shape[1])
        variance = chains.var(axis=(0, 1))
        between = chains.mean(axis=0).var(axis=0, ddof=1) - variance / len(chains)
        alike[steps] = (between / variance).max()
    assert 30 < starts < 150
    assert alike[0] > 0.9
    assert alike[3] > 0.4
    assert alike[shipped] < 0.15


def test_an_inner_point_is_as_good_a_start() -> None:
    """An answer so strong that few plain draws have it: seeds are taken whose draws have none."""
    region = weight_region(PRESETS["toulouse-consultant"].profile)
    row = STRONG[0]
    plain = np.concatenate([region.sample(50_000, np.random.default_rng(s)) for s in range(6)])
    exact = plain[plain @ row >= 0]
    assert 100 < len(exact) < 0.002 * len(plain)
    start = region.inner_point(STRONG)
    assert start is not None
    assert region.allows(start)
    assert start @ row > 0
    without = [
        seed
        for seed in range(10, 40)
        if not (region.sample(200, np.random.default_rng(seed)) @ row >= 0).any()
    ]
    walked = np.concatenate(
        [region.sample(200, np.random.default_rng(s), answers=STRONG) for s in without[:3]]
    )
    assert (walked @ row >= -1e-12).all()
    used = region.columns
    assert_same_mean(walked[:, used], exact[:, used])
    assert_same_mean(walked[:, used] ** 2, exact[:, used] ** 2)


def test_contradictory_answers_are_refused() -> None:
    region = weight_region(PRESETS["toulouse-consultant"].profile)
    rng = np.random.default_rng(1)
    against_itself = np.concatenate(
        [
            answer(station_min=1.0, toulouse_min=-0.6),
            answer(station_min=-1.0, toulouse_min=0.58),
        ]
    )
    against_the_words = answer(airport_min=1.0, station_min=-1.5)
    for rows in (against_itself, against_the_words):
        assert region.inner_point(rows) is None
        with pytest.raises(WeightError, match=r"contradict one another.*Change or leave out one"):
            region.sample(200, rng, answers=rows)
    assert weight_region(PRESETS["toulouse-consultant"].profile, "free").inner_point(
        against_the_words
    ) is not None  # fmt: skip


def test_an_equality_leaves_no_room() -> None:
    """Two answers that meet in a plane: weights exist, but none of them could be drawn."""
    region = weight_region(PRESETS["toulouse-consultant"].profile)
    rows = answer(station_min=1.0, toulouse_min=-0.5)
    with pytest.raises(WeightError):
        region.sample(100, np.random.default_rng(1), answers=np.concatenate([rows, -rows]))


def test_no_answers_change_nothing() -> None:
    region = weight_region(PRESETS["cultura-artist"].profile)
    plain = region.sample(50, np.random.default_rng(2))
    none = region.sample(50, np.random.default_rng(2), answers=np.zeros((0, N)))
    assert plain.tobytes() == none.tobytes()


def test_answers_on_what_does_not_count_are_no_contradiction() -> None:
    """They say 0 ≥ 0, beside an answer that only an inner point can start from."""
    profile = family_profile("children", [LITTLE, LITTLE, LITTLE])
    region = weight_region(profile, "free")
    idle = np.concatenate([answer(station_min=1.0), np.zeros((1, N))])
    strong = answer(primary_school_min=1.0, college_min=-999.0, lycee_min=-999.0)
    assert region.inner_point(idle) == pytest.approx(region.inner_point(np.zeros((0, N))))
    drawn = region.sample(100, np.random.default_rng(1), answers=np.concatenate([idle, strong]))
    assert (drawn @ strong[0] >= -1e-9).all()
    assert drawn[:, region.columns[0]].min() >= 0.999


def test_hit_and_run_gathers_starts_before_it_walks(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one draw in some 150 that agrees, chains start from many places and not from a few."""
    region = weight_region(PRESETS["lyon-trainer"].profile)
    row = answer(station_min=1.0, toulouse_min=-3.85)
    plain = region.sample(40_000, np.random.default_rng(0))
    share = (plain @ row[0] >= 0).mean()
    assert 0.003 < share < module.KEPT_AT_LEAST / 2
    monkeypatch.setattr(module, "STEPS", 0)
    starts = region.sample(400, np.random.default_rng(1), answers=row)
    expected = 400 * share * (1 + module.START_ROUNDS)
    assert abs(len(np.unique(starts, axis=0)) - expected) < Z * np.sqrt(expected)
