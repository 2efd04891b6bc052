"""The interview: what it asks, when it stops, and what an answer is taken to say."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linprog

from geo_matcher.criteria import CRITERIA, FAMILIES, Direction
from geo_matcher.errors import ProfileError
from geo_matcher.interview import (
    EVEN,
    LEAST_GAIN_BITS,
    LEAST_STEP,
    MAX_ANSWERS,
    MAX_QUESTIONS,
    PER_PAIR,
    SAME_WITHIN,
    SETTLED,
    Answer,
    Choice,
    Interview,
    Question,
    Step,
    _among_first,
    candidates,
    interview,
    parse_answers,
)
from geo_matcher.matching import NAMES, rank
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.robustness import SHORTLIST, Odds, odds
from geo_matcher.territory import Territory
from tests.benchmarks.bench_interview import MEASURES, gain, pooled, simulate

DRAWS = 200
EACH = pytest.mark.parametrize("preset", PRESETS)


def only(families: Mapping[str, str], **fields: Any) -> Profile:
    """Return the profile of someone to whom nothing but these families matters."""
    importance = dict.fromkeys(FAMILIES, "not_at_all") | dict(families)
    return parse_profile({"importance": importance, **fields})


WORK_AND_PRICE = only({"work": "important", "housing": "a_little"})
"""By its words: work weighs as much as the price up to 4 times as much; in it coworking takes from
a third to two thirds, as the telecentre does. So the price weighs 3/8 to 3 times coworking."""


def worth(profile: Profile, step: Step) -> float:
    """Return the difference of value that an improvement makes, from its breakpoints."""
    function = profile.value_function(step.criterion) or CRITERIA[step.criterion].value_function
    xs, values = zip(*function.breakpoints, strict=True)
    return float(np.interp(step.better, xs, values) - np.interp(step.worse, xs, values))


def given(
    choice: Choice, first: tuple[str, float, float], second: tuple[str, float, float]
) -> Answer:
    """Write an answer: improvements are (criterion, better figure, worse figure)."""
    one, other = (Step(criterion=c, better=b, worse=w) for c, b, w in (first, second))
    return Answer(first=one, second=other, choice=choice)


def answer(question: Question, choice: Choice) -> Answer:
    return Answer(first=question.first, second=question.second, choice=choice)


COWORKING = ("coworking_min", 5.0, 45.0)  # worth all of its criterion, 1
TELECENTRE = ("telecentre_min", 5.0, 45.0)  # 1
PRICE = ("house_price_eur_m2", 1000.0, 3200.0)  # 1
QUARTER_OF_PRICE = ("house_price_eur_m2", 1000.0, 1500.0)  # 0.25, on the piece (1000, 1)-(1600, .7)


def binary_entropy(share: float) -> float:
    if share in (0.0, 1.0):
        return 0.0
    return -share * math.log2(share) - (1 - share) * math.log2(1 - share)


def first_five(found: Odds) -> list[set[int]]:
    """Return the rows that are among the first five in each draw, the slow way."""
    ranking = found.ranking
    sets = []
    for weights in found.weights:
        scores = {
            row: sum(float(w) * float(v) for w, v in zip(weights, ranking.values[row], strict=True))
            for row in ranking.order.tolist()
        }
        sets.append(set(sorted(scores, key=lambda row: -scores[row])[:SHORTLIST]))
    return sets


def doubt(rows: Sequence[int], sets: Sequence[set[int]]) -> float:
    """Return the bits of doubt that some draws leave."""
    return sum(binary_entropy(sum(row in five for five in sets) / len(sets)) for row in rows)


def slack(profile: Profile, answers: Sequence[Answer]) -> float:
    """Return the most by which all that was said can hold at once; ≤ 0: it cannot.

    Written from the method's text: a word of p points stands for p/√2 to p√2, so that two words
    bound the ratio of what they weigh by half and twice that of their points.
    """
    names = list(CRITERIA)
    rows: list[NDArray[np.float64]] = []

    def at_least(one: Sequence[str], other: Sequence[str], ratio: float) -> None:
        row = np.array([float(n in one) - ratio * float(n in other) for n in names])
        rows.append(row / np.abs(row).max())

    inside = {
        family: [
            n
            for n, c in CRITERIA.items()
            if c.family == family and profile.importance_of(n).points > 0
        ]
        for family in FAMILIES
        if profile.family_importance(family).points > 0
    }
    inside = {family: own for family, own in inside.items() if own}
    for one, other in itertools.permutations(inside, 2):
        points = (profile.family_importance(family).points for family in (one, other))
        at_least(inside[one], inside[other], next(points) / next(points) / 2)
    for own in inside.values():
        for n, m in itertools.permutations(own, 2):
            ratio = profile.importance_of(n).points / profile.importance_of(m).points
            at_least([n], [m], ratio / 2)
    used = [n for own in inside.values() for n in own]
    for said in answers:
        a, b = said.first.criterion, said.second.criterion
        if said.choice == "skip" or not {a, b} <= set(used):
            continue
        rate = worth(profile, said.second) / worth(profile, said.first)
        if said.choice == "first":
            at_least([a], [b], rate)
        elif said.choice == "second":
            at_least([b], [a], 1 / rate)
        else:
            at_least([a], [b], rate / 1.5)
            at_least([b], [a], 1 / rate / 1.5)
    columns = [names.index(n) for n in used]
    matrix = np.array(rows).reshape(-1, len(names))[:, columns]
    size = len(columns)
    solved = linprog(
        np.r_[np.zeros(size), -1.0],
        A_ub=np.c_[np.r_[-matrix, -np.eye(size)], np.ones(len(matrix) + size)],
        b_ub=np.zeros(len(matrix) + size),
        A_eq=[[1.0] * size + [0.0]],
        b_eq=[1.0],
        bounds=[(0, 1)] * size + [(-1, 1)],
    )
    assert solved.x is not None
    return float(solved.x[-1])


def fewest_to_leave_out(profile: Profile, answers: Sequence[Answer]) -> int:
    """Return how many answers must go, over all subsets."""
    return min(
        len(answers) - len(kept)
        for size in range(len(answers) + 1)
        for kept in itertools.combinations(answers, size)
        if slack(profile, kept) > 1e-9
    )


# --- What is asked --------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("scope", ["partners", "all"])
def test_every_question_offers_two_real_improvements(
    territory: Territory, preset: str, scope: str
) -> None:
    profile = PRESETS[preset].profile
    ranking = rank(territory, profile, scope)
    found = odds(ranking, draws=DRAWS)
    asked = candidates(found)
    assert len(asked) > 100
    per_pair: dict[frozenset[str], int] = {}
    for one in asked:
        question = one.question
        steps = (question.first, question.second)
        assert steps[0].criterion != steps[1].criterion
        per_pair[question.pair] = per_pair.get(question.pair, 0) + 1
        for step in steps:
            k = NAMES.index(step.criterion)
            raw = ranking.matrix.raw[ranking.order, k]
            assert np.nanmin(raw) <= min(step.better, step.worse)
            assert max(step.better, step.worse) <= np.nanmax(raw)
            assert worth(profile, step) >= LEAST_STEP
            direction = CRITERIA[step.criterion].direction
            assert direction is not Direction.TARGET
            assert (step.better > step.worse) == (direction is Direction.INCREASING)
            assert profile.weights[k] > 0
        first, second = (
            found.weights[:, NAMES.index(s.criterion)] * worth(profile, s) for s in steps
        )
        assert one.p_first == pytest.approx(float((first >= second).mean()), abs=2 / DRAWS)
        assert EVEN[0] <= one.p_first <= EVEN[1]
    assert max(per_pair.values()) <= PER_PAIR


def test_minutes_are_asked_in_whole_minutes_and_prices_in_fifties(territory: Territory) -> None:
    found = odds(rank(territory, PRESETS["retired-couple"].profile, "all"), draws=DRAWS)
    seen = set()
    for one in candidates(found):
        for step in (one.question.first, one.question.second):
            unit = CRITERIA[step.criterion].unit.value
            grain = {"min": 1, "eur_m2": 50, "share": 0.01, "yes_no": 1, "days_year": 1}.get(unit)
            if grain is not None:
                seen.add(unit)
                for figure in (step.better, step.worse):
                    assert figure / grain == pytest.approx(round(figure / grain), abs=1e-6)
    assert {"min", "eur_m2", "share", "yes_no", "days_year"} <= seen


@pytest.mark.parametrize("preset", ["cultura-artist", "toulouse-consultant"])
def test_the_doubt_that_a_question_leaves_is_that_of_plain_counting(
    territory: Territory, preset: str
) -> None:
    profile = PRESETS[preset].profile
    ranking = rank(territory, profile, "partners")
    found = odds(ranking, draws=100)
    sets = first_five(found)
    rows = ranking.order.tolist()
    member = np.array([[row in five for row in rows] for five in sets])
    np.testing.assert_array_equal(_among_first(found), member)
    now = interview(territory, profile, draws=100)
    assert now.bits == pytest.approx(doubt(rows, sets), abs=1e-9)
    asked = candidates(found)
    for one in [min(asked, key=lambda c: c.expected_bits), *asked[:: len(asked) // 6]]:
        a, b = one.question.first, one.question.second
        groups: tuple[list[set[int]], list[set[int]]] = ([], [])
        for weights, five in zip(found.weights.astype(np.float64), sets, strict=True):
            first, second = (
                weights[NAMES.index(step.criterion)] * worth(profile, step) for step in (a, b)
            )
            groups[int(first < second)].append(five)
        expected = sum(len(group) / len(sets) * doubt(rows, group) for group in groups)
        assert one.expected_bits == pytest.approx(expected, abs=1e-5)
        assert one.p_first == pytest.approx(len(groups[0]) / len(sets))
        assert one.expected_bits <= now.bits + 1e-6  # conditioning never adds doubt on average


@EACH
def test_the_question_asked_is_the_one_that_leaves_the_least_doubt(
    territory: Territory, preset: str
) -> None:
    now = interview(territory, PRESETS[preset].profile, draws=DRAWS)
    assert now.state == "ask"
    assert now.question is not None
    least = min(one.expected_bits for one in candidates(now.odds))
    assert now.question.expected_bits == pytest.approx(least, abs=1e-9)
    assert now.bits == now.bits_before
    assert now.bits - least >= LEAST_GAIN_BITS


def test_a_pair_is_asked_about_once(territory: Territory) -> None:
    found = odds(rank(territory, PRESETS["lyon-trainer"].profile), draws=DRAWS)
    everything = candidates(found)
    asked = [everything[0].question, everything[-1].question]
    # The other way round it is the same pair.
    asked[0] = Question(first=asked[0].second, second=asked[0].first)
    left = candidates(found, asked)
    pairs = {question.pair for question in asked}
    assert [one for one in everything if one.question.pair not in pairs] == left
    assert len(left) < len(everything)


# --- When it stops --------------------------------------------------------------------------


def test_five_questions_are_asked_and_no_more(territory: Territory) -> None:
    profile = PRESETS["lyon-trainer"].profile
    answers: tuple[Answer, ...] = ()
    states = []
    for choice in itertools.cycle(("first", "second")):
        now = interview(territory, profile, answers=answers, draws=DRAWS)
        states.append(now.state)
        assert now.as_dict()["asked"] == len(answers)
        if now.question is None:
            break
        answers = (*answers, answer(now.question.question, choice))  # type: ignore[arg-type]
    assert states == ["ask"] * MAX_QUESTIONS + ["enough"]
    assert len({given.pair for given in answers}) == MAX_QUESTIONS == 5
    assert now.ignored == ()
    assert now.contradiction is None
    assert now.bits < now.bits_before


def test_skipped_questions_count_as_asked(territory: Territory) -> None:
    profile = PRESETS["lyon-trainer"].profile
    found = odds(rank(territory, profile), draws=DRAWS)
    answers = [answer(one.question, "skip") for one in candidates(found)[:MAX_QUESTIONS]]
    now = interview(territory, profile, answers=answers, draws=DRAWS)
    assert (now.state, now.question, now.ignored) == ("enough", None, (0, 1, 2, 3, 4))
    assert now.bits == now.bits_before
    assert interview(territory, profile, answers=answers[1:], draws=DRAWS).state == "ask"


def test_nothing_is_asked_where_five_communes_or_fewer_are_listed(territory: Territory) -> None:
    drives = np.sort(territory.minutes["auch"][territory.in_scope("partners")])
    for bound, listed in ((drives[1], 2), (drives[0] / 2, 0)):
        profile = parse_profile({"limits": {"auch_min": {"at_most": float(bound)}}})
        now = interview(territory, profile, draws=DRAWS)
        assert len(now.odds.ranking.order) == listed
        assert (now.bits, now.question) == (0.0, None)
        assert now.state == ("few" if listed else "none_listed")
        assert len(now.as_dict()["results"]) == len(now.odds.ranking.order)


def test_no_doubt_is_left_where_the_weights_are_certain(territory: Territory) -> None:
    # One criterion counts, so that every draw has the same weights; the sixth is no equal of the
    # fifth among the communes under the seventh lowest share.
    shares = np.unique(territory.indicators["ftth_coverage_share"])
    bound = float(shares[(shares > 0.5) & (shares < 0.99)][6])
    profile = only(
        {"connection": "important"},
        criteria={"land_30mbit_share": {"importance": "not_at_all"}},
        limits={"ftth_coverage_share": {"at_most": bound}},
    )
    now = interview(territory, profile, "all", draws=DRAWS)
    ranking = now.odds.ranking
    fifth, sixth = ranking.score[ranking.order[4:6]]
    assert fifth > sixth
    assert len(ranking.order) > SHORTLIST
    assert (now.state, now.bits) == ("settled", 0.0)
    assert _among_first(now.odds)[:, :SHORTLIST].all()
    assert candidates(now.odds) == []


def test_it_is_settled_when_all_five_are_likely_enough(territory: Territory) -> None:
    profile = PRESETS["toulouse-consultant"].profile
    answers: tuple[Answer, ...] = ()
    now = interview(territory, profile, answers=answers, draws=DRAWS)
    while now.question is not None:
        chances = np.sort(_among_first(now.odds).mean(axis=0))[::-1]
        assert chances[SHORTLIST - 1] < SETTLED
        answers = (*answers, answer(now.question.question, "first"))
        now = interview(territory, profile, answers=answers, draws=DRAWS)
    chances = np.sort(_among_first(now.odds).mean(axis=0))[::-1]
    assert now.state == "settled"
    assert 0 < len(answers) < MAX_QUESTIONS
    assert chances[SHORTLIST - 1] >= SETTLED
    assert now.bits > 0


def test_it_stops_where_no_answer_would_settle_much(territory: Territory) -> None:
    # All have the best value of the one criterion that counts: who is first is pure luck.
    tied = only(
        {"connection": "important"},
        criteria={"land_30mbit_share": {"importance": "not_at_all"}},
        limits={"ftth_coverage_share": {"at_least": 0.99}},
    )
    now = interview(territory, tied, "all", draws=DRAWS)
    assert len(now.odds.ranking.order) > 2 * SHORTLIST
    assert now.bits > 1
    assert candidates(now.odds) == []
    assert (now.state, now.question) == ("little_to_gain", None)


def test_it_stops_where_the_best_question_gains_too_little(
    territory: Territory, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = PRESETS["cultura-artist"].profile
    before = interview(territory, profile, draws=DRAWS)
    assert before.question is not None
    gain = before.bits - before.question.expected_bits
    assert gain > LEAST_GAIN_BITS
    monkeypatch.setattr("geo_matcher.interview.LEAST_GAIN_BITS", gain * 0.999)
    assert interview(territory, profile, draws=DRAWS).state == "ask"
    monkeypatch.setattr("geo_matcher.interview.LEAST_GAIN_BITS", gain * 1.001)
    now = interview(territory, profile, draws=DRAWS)
    assert (now.state, now.question) == ("little_to_gain", None)
    assert now.bits == before.bits


# --- What an answer says --------------------------------------------------------------------


@pytest.mark.parametrize("choice", ["first", "second", "same"])
def test_the_draws_after_an_answer_all_agree_with_it(territory: Territory, choice: Choice) -> None:
    profile = PRESETS["retired-couple"].profile
    before = interview(territory, profile, draws=DRAWS)
    assert before.question is not None
    question = before.question.question
    after = interview(territory, profile, answers=[answer(question, choice)], draws=DRAWS)

    def ratio(now: Interview) -> NDArray[np.float64]:
        first, second = (
            now.odds.weights[:, NAMES.index(step.criterion)].astype(np.float64)
            * worth(profile, step)
            for step in (question.first, question.second)
        )
        return first / second

    low, high = {
        "first": (1, math.inf),
        "second": (0, 1),
        "same": (1 / SAME_WITHIN, SAME_WITHIN),
        "skip": (0, math.inf),
    }[choice]
    assert SAME_WITHIN == 1.5
    held = ratio(after)
    assert len(held) == DRAWS
    assert held.min() >= low * (1 - 1e-6)
    assert held.max() <= high * (1 + 1e-6)
    # The draws fill what the answer leaves, and the words alone said less.
    assert ratio(before).min() < low or ratio(before).max() > high
    if choice == "same":
        assert held.min() < 0.75
        assert held.max() > 1.33


def test_answers_add_up(territory: Territory) -> None:
    """Each of five answers still holds in the draws after the last one."""
    profile = PRESETS["cultura-artist"].profile
    answers: tuple[Answer, ...] = ()
    for choice in ("second", "first", "same", "second", "first"):
        now = interview(territory, profile, answers=answers, draws=DRAWS)
        if now.question is None:
            break
        answers = (*answers, answer(now.question.question, choice))
    assert len(answers) == MAX_QUESTIONS
    after = interview(territory, profile, answers=answers, draws=DRAWS)
    weights = after.odds.weights.astype(np.float64)
    for said in answers:
        first, second = (
            weights[:, NAMES.index(step.criterion)] * worth(profile, step)
            for step in (said.first, said.second)
        )
        if said.choice != "second":
            assert (first * {"first": 1, "same": 1.5}[said.choice] >= second * (1 - 1e-6)).all()
        if said.choice != "first":
            assert (second * {"second": 1, "same": 1.5}[said.choice] >= first * (1 - 1e-6)).all()


def test_what_says_nothing_is_ignored_and_told(territory: Territory) -> None:
    lycee = ("lycee_min", 10.0, 45.0)  # no children in this profile, so that schools do not count
    answers = [
        given("first", lycee, COWORKING),
        given("first", COWORKING, PRICE),
        given("skip", COWORKING, TELECENTRE),
        given("same", PRICE, lycee),
    ]
    now = interview(territory, WORK_AND_PRICE, answers=answers, draws=DRAWS)
    assert now.ignored == (0, 2, 3)
    assert now.as_dict()["ignored"] == [0, 2, 3]
    alone = interview(territory, WORK_AND_PRICE, answers=answers[1:2], draws=DRAWS)
    np.testing.assert_array_equal(now.odds.weights, alone.odds.weights)
    columns = [NAMES.index(name) for name in ("coworking_min", "house_price_eur_m2")]
    coworking, price = now.odds.weights[:, columns].T
    assert (coworking >= price * (1 - 1e-6)).all()
    unheard = interview(territory, WORK_AND_PRICE, answers=answers[:1], draws=DRAWS)
    np.testing.assert_array_equal(
        unheard.odds.weights, interview(territory, WORK_AND_PRICE, draws=DRAWS).odds.weights
    )


# --- What is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    [
        ("coworking_min", 20.0, 10.0),  # the wrong way round
        ("coworking_min", 20.0, 20.0),  # no step
        ("coworking_min", 50.0, 60.0),  # beyond the last breakpoint nothing is gained
    ],
)
def test_a_step_that_is_no_improvement_is_refused(
    territory: Territory, step: tuple[str, float, float]
) -> None:
    answers = [given("first", PRICE, TELECENTRE), given("first", PRICE, step)]
    with pytest.raises(ProfileError) as refused:
        interview(territory, WORK_AND_PRICE, answers=answers, draws=DRAWS)
    assert str(refused.value).startswith(
        f"answer 2: coworking_min from {step[2]:g} to {step[1]:g} is no improvement"
    )


def test_an_improvement_is_one_for_the_profile_that_answers(territory: Territory) -> None:
    cheap = ("house_price_eur_m2", 1000.0, 1300.0)
    rich = WORK_AND_PRICE.as_dict() | {"budget_eur": 900_000}  # every price here is worth 1
    answers = [given("first", cheap, COWORKING)]
    assert interview(territory, WORK_AND_PRICE, answers=answers, draws=DRAWS).ignored == ()
    with pytest.raises(ProfileError, match="1300 to 1000 is no improvement for this profile"):
        interview(territory, parse_profile(rich), answers=answers, draws=DRAWS)


PLAIN: dict[str, Any] = {
    "first": {"criterion": "coworking_min", "better": 5, "worse": 20},
    "second": {"criterion": "station_min", "better": 10, "worse": 30},
    "choice": "first",
}


def test_plain_answers_are_read(territory: Territory) -> None:
    read = parse_answers([PLAIN, PLAIN | {"choice": "same"}])
    assert read[0] == given("first", ("coworking_min", 5, 20), ("station_min", 10, 30))
    assert read[1].choice == "same"
    assert read[0].pair == {"coworking_min", "station_min"}
    assert parse_answers([]) == ()
    again = interview(territory, PRESETS["lyon-trainer"].profile, answers=read[:1], draws=DRAWS)
    assert parse_answers(again.as_dict()["answers"]) == read[:1]


def changed(side: str, **fields: Any) -> dict[str, Any]:
    return PLAIN | {side: PLAIN[side] | fields}


BAD_ANSWERS: dict[str, tuple[Any, str]] = {
    "unknown criterion": (changed("first", criterion="beach_min"), "no criterion is called 'beach"),
    "NaN": (changed("second", better=math.nan), "second.better: found 'nan'; expected a finite"),
    "infinite": (changed("second", worse=math.inf), "second.worse: found 'inf'; expected a finite"),
    "out of range": (changed("first", better=-1), "coworking_min -1: expected a figure between 0"),
    "too far": (changed("first", worse=2e6), "coworking_min 2e+06: expected a figure between 0"),
    "one criterion twice": (
        PLAIN | {"second": PLAIN["first"]},
        "a question needs two criteria, found coworking_min twice",
    ),
    "unknown key": (PLAIN | {"sure": True}, "sure: unknown key"),
    "unknown key in a step": (changed("first", unit="min"), "first.unit: unknown key"),
    "unknown choice": (PLAIN | {"choice": "both"}, "choice: found 'both'; expected 'first'"),
    "nothing": ({}, "first: it is missing"),
    "no object": (["first"], "expected a valid dictionary"),
}


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_an_answer_that_makes_no_sense_is_refused(case: str) -> None:
    data, text = BAD_ANSWERS[case]
    with pytest.raises(ProfileError) as refused:
        parse_answers([PLAIN, data])
    assert refused.value.problems[0].startswith("answer 2: ")
    assert text in refused.value.problems[0]
    assert text in str(refused.value)


def test_all_problems_are_listed_at_once() -> None:
    bad = [data for data, _ in BAD_ANSWERS.values()][: MAX_ANSWERS - 1]
    with pytest.raises(ProfileError) as refused:
        parse_answers([*bad, PLAIN])
    numbers = {int(p.split(":")[0].removeprefix("answer ")) for p in refused.value.problems}
    assert numbers == set(range(1, len(bad) + 1))
    both = {**changed("first", better=math.nan), "choice": "maybe", "sure": 1}
    with pytest.raises(ProfileError) as refused:
        parse_answers([both])
    assert len(refused.value.problems) == 3


def test_six_answers_are_read_and_seven_refused(territory: Territory) -> None:
    read = parse_answers([PLAIN] * MAX_ANSWERS)
    assert len(read) == MAX_ANSWERS == 6
    assert interview(territory, WORK_AND_PRICE, answers=read, draws=DRAWS).state == "enough"
    with pytest.raises(ProfileError, match="Found 7 answers, expected at most 6"):
        parse_answers([PLAIN] * 7)
    with pytest.raises(ProfileError, match="Found 7 answers, expected at most 6"):
        interview(territory, WORK_AND_PRICE, answers=[*read, read[0]], draws=DRAWS)


# --- Contradictions -------------------------------------------------------------------------


def test_opposite_answers_to_one_question_contradict(territory: Territory) -> None:
    profile = PRESETS["lyon-trainer"].profile
    before = interview(territory, profile, draws=DRAWS)
    assert before.question is not None
    asked = before.question.question
    answers = [answer(asked, "first"), answer(asked, "skip"), answer(asked, "second")]
    now = interview(territory, profile, answers=answers, draws=DRAWS)
    assert (now.state, now.question, now.ignored) == ("contradiction", None, (1,))
    assert now.contradiction is not None
    assert now.contradiction.leave_out == (2,)  # the later of the two that disagree
    assert now.contradiction.words == ()  # no word reconciles an answer with its opposite
    assert now.bits == now.bits_before == before.bits
    # The odds shown are those of the words.
    np.testing.assert_array_equal(now.odds.ranks, before.odds.ranks)
    np.testing.assert_array_equal(now.odds.weights, before.odds.weights)
    assert now.as_dict()["contradiction"] == {"leave_out": [2], "words": []}
    assert now.as_dict()["results"] == before.as_dict()["results"]
    assert interview(territory, profile, answers=answers[:2], draws=DRAWS).state == "ask"


CONTRADICTORY: dict[str, list[Answer]] = {
    "same against first": [
        given("same", COWORKING, PRICE),
        given("second", COWORKING, QUARTER_OF_PRICE),
    ],
    "a circle": [
        given("first", COWORKING, PRICE),
        given("first", PRICE, TELECENTRE),
        given("first", TELECENTRE, COWORKING),
    ],
    "two pairs": [
        given("first", COWORKING, PRICE),
        given("second", COWORKING, PRICE),
        given("first", COWORKING, TELECENTRE),
        given("second", COWORKING, TELECENTRE),
    ],
    "one against two": [
        given("second", COWORKING, PRICE),
        given("first", COWORKING, PRICE),
        given("first", COWORKING, PRICE),
    ],
    "against the words": [
        given("first", PRICE, TELECENTRE),
        given("second", COWORKING, QUARTER_OF_PRICE),
        given("skip", COWORKING, PRICE),
    ],
}
FEWEST = {
    "same against first": 1,
    "a circle": 1,
    "two pairs": 2,
    "one against two": 1,
    "against the words": 1,
}


@pytest.mark.parametrize("case", CONTRADICTORY)
def test_the_fewest_answers_are_left_out(territory: Territory, case: str) -> None:
    answers = CONTRADICTORY[case]
    assert slack(WORK_AND_PRICE, answers) < 1e-9
    now = interview(territory, WORK_AND_PRICE, answers=answers, draws=DRAWS)
    assert now.state == "contradiction"
    assert now.contradiction is not None
    out = now.contradiction.leave_out
    assert len(out) == fewest_to_leave_out(WORK_AND_PRICE, answers) == FEWEST[case]
    kept = [said for place, said in enumerate(answers) if place not in out]
    assert slack(WORK_AND_PRICE, kept) > 1e-6
    again = interview(territory, WORK_AND_PRICE, answers=kept, draws=DRAWS)
    assert again.state != "contradiction"
    if case == "one against two":
        assert out == (0,)


def test_a_word_may_reconcile_what_answers_say(territory: Territory) -> None:
    # The price would have to weigh more than four times coworking, and the words stop at three; a
    # step up for housing, or down for work, takes them to six.
    answers = [given("second", COWORKING, QUARTER_OF_PRICE)]
    now = interview(territory, WORK_AND_PRICE, answers=answers, draws=DRAWS)
    assert now.contradiction is not None
    assert now.contradiction.leave_out == (0,)
    expected = (("work", "important", "a_little"), ("housing", "a_little", "important"))
    assert now.contradiction.words == expected
    assert now.contradiction.as_dict()["words"] == [
        {"family": "work", "now": "important", "would_do": "a_little"},
        {"family": "housing", "now": "a_little", "would_do": "important"},
    ]
    for family, _, word in expected:
        importance = {**WORK_AND_PRICE.as_dict()["importance"], family: word}
        profile = parse_profile({"importance": importance})
        assert slack(profile, answers) > 1e-6
        after = interview(territory, profile, answers=answers, draws=DRAWS)
        assert after.state != "contradiction"
        columns = [NAMES.index(name) for name in ("coworking_min", "house_price_eur_m2")]
        coworking, price = after.odds.weights[:, columns].T
        assert (price >= 4 * coworking * (1 - 1e-5)).all()
    # Another step in the wrong direction reconciles nothing.
    worse = only({"work": "indispensable", "housing": "a_little"})
    assert slack(worse, answers) < 0


def test_a_default_word_may_be_the_one_to_change(territory: Territory) -> None:
    profile = parse_profile({})  # every word is a default: work important, setting a little
    cinema = ("cinema_min", 5.0, 40.0)
    tenth_of_price = ("house_price_eur_m2", 1000.0, 1200.0)
    answers = [given("first", cinema, PRICE), given("first", tenth_of_price, COWORKING)]
    now = interview(territory, profile, answers=answers[:1], draws=DRAWS)
    assert now.contradiction is not None
    for family, was, word in now.contradiction.words:
        assert profile.family_importance(family).value == was
        moved = parse_profile({"importance": {family: word}})
        assert slack(moved, answers[:1]) > 1e-9
    words = ["a_little", "important", "indispensable"]
    steps = {
        (family, words[place])
        for family in FAMILIES
        if (now_said := profile.family_importance(family).value) in words
        for place in (words.index(now_said) - 1, words.index(now_said) + 1)
        if 0 <= place < len(words)
    }
    would_do = {
        (family, word)
        for family, word in steps
        if slack(parse_profile({"importance": {family: word}}), answers[:1]) > 1e-9
    }
    told = {(family, word) for family, _, word in now.contradiction.words}
    assert told == would_do


def test_every_word_one_step_away_that_would_do_is_told(territory: Territory) -> None:
    profile = parse_profile({"children_ages": [9]})  # every word is a default
    scale = ["a_little", "important", "indispensable"]
    cinema = ("cinema_min", 5.0, 40.0)
    a_bit_of_price = ("house_price_eur_m2", 1000.0, 1150.0)
    for said in (given("first", a_bit_of_price, cinema), given("first", cinema, PRICE)):
        would_do = []
        for family in FAMILIES:
            now = profile.family_importance(family).value
            for word in scale:
                moved = parse_profile(profile.as_dict() | {"importance": {family: word}})
                near = abs(scale.index(word) - scale.index(now)) == 1
                if near and slack(moved, [said]) > 1e-9:
                    would_do.append((family, now, word))
        assert len(would_do) < 4
        contradiction = interview(territory, profile, answers=[said], draws=DRAWS).contradiction
        assert contradiction is not None
        assert list(contradiction.words) == would_do


# --- What is handed out ---------------------------------------------------------------------


def test_the_same_arguments_give_the_same_answer(territory: Territory) -> None:
    profile = PRESETS["cultura-artist"].profile
    before = interview(territory, profile, draws=DRAWS)
    assert before.question is not None
    answers = [answer(before.question.question, "second")]
    one = interview(territory, profile, answers=answers, draws=DRAWS).as_dict()
    # Nothing is kept from what was asked in between, by this person or another.
    other = interview(territory, PRESETS["lyon-trainer"].profile, "all", draws=DRAWS)
    assert interview(territory, profile, draws=DRAWS).as_dict() == before.as_dict()
    again = interview(territory, profile, answers=answers, draws=DRAWS).as_dict()
    assert json.dumps(one, allow_nan=False) == json.dumps(again, allow_nan=False)
    assert one != before.as_dict()
    assert other.as_dict()["scope"] == "all"
    seeded = interview(territory, profile, answers=answers, draws=DRAWS, seed=7).as_dict()
    assert seeded["robustness"]["seed"] == 7
    assert seeded["bits"] != one["bits"]


def test_the_plain_form_says_all(territory: Territory) -> None:
    profile = PRESETS["cultura-artist"].profile
    now = interview(territory, profile, draws=DRAWS)
    plain = now.as_dict(top=8)
    assert now.question is not None
    asked = now.question.question
    assert plain["question"] == {
        "first": asked.first.model_dump(),
        "second": asked.second.model_dump(),
        "p_first": now.question.p_first,
        "expected_bits": now.question.expected_bits,
    }
    assert plain["release"] == territory.release_id
    assert (plain["scope"], plain["state"], plain["at_most"]) == ("partners", "ask", 5)
    assert plain["robustness"]["draws"] == DRAWS
    assert plain["contradiction"] is None
    assert plain["answers"] == plain["ignored"] == []
    ranking = now.odds.ranking
    chances = now.odds.p_top(SHORTLIST)
    shown = [result["odds"]["p_top_5"] for result in plain["results"]]
    assert shown == sorted(chances.tolist(), reverse=True)[:8]
    for result in plain["results"]:
        row = territory.codes.index(result["insee_code"])
        column = ranking.order.tolist().index(row)
        assert result["odds"]["p_top_5"] == chances[column]
        assert result["score"] == ranking.score[row]
        assert result["rank"] == ranking.ranks[column]
        assert result["name"] == territory.facts[row]["name"]
    assert len(now.as_dict()["results"]) == SHORTLIST


# --- What answers are worth -----------------------------------------------------------------


@pytest.mark.no_cover
def test_five_chosen_questions_find_the_true_villages_and_five_random_ones_less(
    territory: Territory,
) -> None:
    """Movers with known weights, as in ``tests/benchmarks/bench_interview.py``.

    Of ``lyon-trainer`` and ``toulouse-consultant`` the best village is certain from the words on,
    so that ``bordeaux-shop-online`` alone can gain there.
    """
    movers = {  # how many, how many of them asked at random too, draws
        "lyon-trainer": (6, 6, 100),
        "toulouse-consultant": (8, 8, 100),
        "bordeaux-shop-online": (12, 0, 150),
    }
    told = [
        simulate(territory, preset, "partners", n, randomly, draws)[0]
        for preset, (n, randomly, draws) in movers.items()
    ]
    sign = np.array([-1, 1, 1, 1, 1])  # doubt has to fall, odds to rise
    for place, measure in enumerate(MEASURES):
        mean, error = pooled(
            [gain(found["chosen"][:, place], found["words"][:, place]) for found in told]
        )
        assert mean * sign[place] > 2 * error > 0, measure
    for place in (0, 2):
        mean, error = pooled(
            [gain(f["chosen"][:, place], f["random"][:, place]) for f in told if len(f["random"])]
        )
        assert mean * sign[place] > 2 * error > 0, MEASURES[place]
