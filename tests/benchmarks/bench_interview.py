"""What answers are worth: movers whose weights are known, asked well, asked anything, or not asked.

A mover's true weights are drawn from the region that their words leave, and every question is
answered by them. Five questions are chosen as an interview chooses them, or drawn among those it
could ask. What is then believed is read from other draws than those that chose.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from geo_matcher.interview import (
    LEAST_GAIN_BITS,
    MAX_QUESTIONS,
    Answer,
    Candidate,
    Question,
    _among_first,
    _bits,
    _constraints,
    _gain,
    _is_settled,
    candidates,
    interview,
)
from geo_matcher.matching import NAMES, Ranking, rank
from geo_matcher.presets import PRESETS
from geo_matcher.robustness import SHORTLIST, Odds, odds
from geo_matcher.territory import Territory
from geo_matcher.territory_file import default_release_folder
from geo_matcher.weights import weight_region
from tests.benchmarks.measure import Row

FloatArray = NDArray[np.float64]

MEASURES = (
    "doubt about the first five, bits",
    "P(top 5) of the true best, weights drawn",
    "P(top 5) of the true five, weights drawn",
    "P(top 5) of the true best, odds shown",
    "P(top 5) of the true five, odds shown",
)
KINDS = ("words", "random", "chosen")

MOVERS_SEED, RANDOM_SEED, CHOICE_SEED, JUDGE_SEED = 11, 12, 13, 14
DRAWS, ANY_DRAWS = 400, 200
"""Draws that choose and judge; draws that tell which questions could be asked."""

MOVERS = {"partners": 15, "all": 10}
"""Movers of each preset."""

TARGET_S = 0.5


def truthful(ranking: Ranking, question: Question, weights: FloatArray) -> Answer:
    """Answer a question as someone with these weights would."""
    first, second = (
        weights[NAMES.index(step.criterion)] * _gain(ranking.profile, step)
        for step in (question.first, question.second)
    )
    return Answer(
        first=question.first,
        second=question.second,
        choice="first" if first >= second else "second",
    )


def stated(ranking: Ranking, answers: Sequence[Answer]) -> FloatArray:
    """Return what the answers say of the weights."""
    return np.concatenate([np.zeros((0, len(NAMES))), *_constraints(ranking, answers)[0]])


def weights_after(ranking: Ranking, answers: Sequence[Answer], draws: int) -> Odds:
    """Draw the weights that the words and some answers leave, and rank nothing."""
    region, rng = weight_region(ranking.profile), np.random.default_rng(CHOICE_SEED)
    weights = region.sample(draws, rng, answers=stated(ranking, answers)).astype(np.float32)
    return Odds(ranking, "words", CHOICE_SEED, weights, np.zeros((draws, 0), dtype=np.uint16))


def best_of(found: Sequence[Candidate]) -> Candidate:
    """Return the question that an interview would choose."""
    return min(found, key=lambda c: (round(c.expected_bits, 9), sorted(c.question.pair)))


def simulate(
    territory: Territory,
    preset: str,
    scope: str,
    movers: int,
    random_movers: int,
    draws: int = DRAWS,
) -> tuple[Mapping[str, FloatArray], FloatArray]:
    """Interview movers whose weights are known.

    Returns
    -------
    tuple
        For each of ``KINDS`` the ``MEASURES``, one row per mover (``random``: of the first movers);
        and after how many questions an interview would have stopped.
    """
    profile = PRESETS[preset].profile
    ranking = rank(territory, profile, scope)
    values = ranking.values[ranking.order]
    truths = weight_region(profile).sample(movers, np.random.default_rng(MOVERS_SEED))
    rng = np.random.default_rng(RANDOM_SEED)

    @cache
    def best(answers: tuple[Answer, ...]) -> tuple[Candidate | None, bool]:
        """Return the best question, and whether an interview would ask it."""
        found = weights_after(ranking, answers, draws)
        able, among = candidates(found, answers), _among_first(found)
        if not able:
            return None, False
        chosen = best_of(able)
        gain = _bits(among) - chosen.expected_bits
        return chosen, gain >= LEAST_GAIN_BITS and not _is_settled(among)

    def any_of(answers: tuple[Answer, ...]) -> Candidate | None:
        able = candidates(weights_after(ranking, answers, ANY_DRAWS), answers)
        return able[rng.integers(len(able))] if able else None

    def answered(
        weights: FloatArray, choose: Callable[[tuple[Answer, ...]], Candidate | None]
    ) -> tuple[Answer, ...]:
        answers: tuple[Answer, ...] = ()
        while len(answers) < MAX_QUESTIONS and (asked := choose(answers)) is not None:
            answers = (*answers, truthful(ranking, asked.question, weights))
        return answers

    @cache
    def believed(answers: tuple[Answer, ...]) -> tuple[float, FloatArray, FloatArray]:
        found = odds(ranking, draws=draws, seed=JUDGE_SEED, answers=stated(ranking, answers))
        among = _among_first(found)
        return _bits(among), among.mean(axis=0), found.p_top(SHORTLIST)

    told: dict[str, list[list[float]]] = {kind: [] for kind in KINDS}
    stops = []
    for number, weights in enumerate(truths):
        five = np.argsort(-(values @ weights), kind="stable")[:SHORTLIST]
        given = {"words": (), "chosen": answered(weights, lambda answers: best(answers)[0])}
        if number < random_movers:
            given["random"] = answered(weights, any_of)
        asked = given["chosen"]
        stops.append(next((n for n in range(len(asked)) if not best(asked[:n])[1]), len(asked)))
        for kind, answers in given.items():
            bits, among, shown = believed(answers)
            told[kind].append(
                [bits, among[five[0]], among[five].mean(), shown[five[0]], shown[five].mean()]
            )
    return {kind: np.array(rows) for kind, rows in told.items()}, np.array(stops, dtype=np.float64)


def interviewed(territory: Territory, scope: str) -> Iterator[float]:
    """Time every question of one interview per preset, in seconds."""
    for preset in PRESETS.values():
        ranking = rank(territory, preset.profile, scope)
        truth = weight_region(preset.profile).sample(1, np.random.default_rng(MOVERS_SEED))[0]
        answers: tuple[Answer, ...] = ()
        while True:
            start = time.perf_counter()
            asked = interview(territory, preset.profile, scope, answers).question
            yield time.perf_counter() - start
            if asked is None:
                break
            answers = (*answers, truthful(ranking, asked.question, truth))


def gain(chosen: FloatArray, other: FloatArray) -> tuple[float, float]:
    """Return the mean difference that choosing makes to the same movers, and its standard error."""
    n = min(len(chosen), len(other))
    difference = chosen[:n] - other[:n]
    return float(difference.mean()), float(difference.std(ddof=1) / np.sqrt(n))


def run() -> list[Row]:
    """Interview the movers of every preset, print what their answers changed, and time it."""
    territory = Territory.load(default_release_folder())
    table = Table(box=None, pad_edge=False)
    for heading in ("scope", "mean over movers", *KINDS, "chosen − words", "chosen − random"):
        table.add_column(heading)
    rows = []
    for scope, movers in MOVERS.items():
        pairs = [simulate(territory, name, scope, movers, movers) for name in PRESETS]
        told = {kind: [found[kind] for found, _ in pairs] for kind in KINDS}
        for place, measure in enumerate(MEASURES):
            column = {kind: [block[:, place] for block in blocks] for kind, blocks in told.items()}
            differences = (
                pooled([gain(c, o) for c, o in zip(column["chosen"], column[kind], strict=True)])
                for kind in ("words", "random")
            )
            table.add_row(
                scope,
                measure,
                *(f"{np.mean([one.mean() for one in column[kind]]):.3f}" for kind in KINDS),
                *(f"{mean:+.3f} ± {error:.3f}" for mean, error in differences),
            )
        stops = np.concatenate([stops for _, stops in pairs])
        table.add_row(scope, "questions until an interview stops", "", "", f"{stops.mean():.2f}")
        five = {kind: np.mean([block[:, 2].mean() for block in told[kind]]) for kind in KINDS}
        rows.append(
            Row(
                f"{MEASURES[2]}, {scope}, 5 chosen questions", float(five["chosen"]), "",
                float(five["random"]), "5 random questions", float(five["random"]),
                larger_is_better=True,
            )
        )  # fmt: skip
        durations = list(interviewed(territory, scope))
        target = TARGET_S if scope == "all" else None
        rows.append(Row(f"next question, {scope}, p50", statistics.median(durations), "s", target))
    Console(width=150).print(table)
    return rows


def pooled(gains: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the mean of independent means, and its standard error."""
    means, errors = np.array(gains).T
    return float(means.mean()), float(np.sqrt((errors**2).sum()) / len(errors))
