"""Few questions, well chosen: what to ask a mover next, and what the answers change.

Hides the search for the question. A question offers two improvements, each between figures that
really occur among the listed communes; an answer says which is worth more and cuts the region of
weights in two. The question asked is the one whose answer is expected to leave the least doubt
about the first five: the sum over communes of the binary entropy of being among them (Shannon 1948,
*Bell System Technical Journal* 27:379-423). Only the doubt that answers can lift counts for that:
figures stand as they do in the score, weights are drawn. The odds that are shown hold both doubts.

Nothing is kept here: the answers given so far are an argument.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from geo_matcher.criteria import CRITERIA, FAMILIES, Direction, Importance, Unit
from geo_matcher.errors import ProfileError
from geo_matcher.matching import NAMES, Ranking, rank
from geo_matcher.profile import Profile, expectation
from geo_matcher.robustness import (
    DEFAULT_DRAWS,
    DEFAULT_SEED,
    SHORTLIST,
    Odds,
    draw_ranks,
    odds,
)
from geo_matcher.territory import Territory
from geo_matcher.weights import WeightRegion, weight_region

__all__ = [
    "MAX_ANSWERS",
    "MAX_QUESTIONS",
    "Answer",
    "Candidate",
    "Choice",
    "Contradiction",
    "Interview",
    "Question",
    "State",
    "Step",
    "candidates",
    "interview",
    "parse_answers",
]

FloatArray = NDArray[np.float64]

MAX_QUESTIONS = 5
MAX_ANSWERS = 6
"""Answers accepted: one more than are asked for. Reconciling them looks at every set of them."""

SAME_WITHIN = 1.5
"""Two improvements said to be worth the same differ by at most this factor."""

SETTLED = 0.9
"""Odds from which a commune is settled among the first five; all five have to be."""

LEAST_GAIN_BITS = 0.15
"""Expected gain under which a question is not worth a person's time."""

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)
"""Quantiles of the figures of the listed communes between which improvements are offered."""

LEAST_STEP = 0.08
"""Difference of value under which an improvement is too small to be asked about."""

EVEN = (0.15, 0.85)
"""Odds of an answer outside which it is too predictable to be asked for."""

PER_PAIR = 3
"""Questions tried for each pair of criteria."""

ROUNDING: Mapping[Unit, float] = {
    Unit.MINUTES: 1.0,
    Unit.SHARE: 0.01,
    Unit.EUR_M2: 50.0,
    Unit.EUR_M2_MONTH: 0.5,
    Unit.INHABITANTS_KM2: 5.0,
    Unit.INHABITANTS: 50.0,
    Unit.DAYS_YEAR: 1.0,
    Unit.YES_NO: 1.0,
}
"""What figures of a question are rounded to, in the unit of the criterion."""

Choice = Literal["first", "second", "same", "skip"]
State = Literal["ask", "none_listed", "few", "settled", "little_to_gain", "enough", "contradiction"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Strict):
    """An improvement of one criterion, in its unit."""

    criterion: str
    better: float = Field(allow_inf_nan=False)
    worse: float = Field(allow_inf_nan=False)

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if self.criterion not in CRITERIA:
            raise ValueError(
                f"no criterion is called {self.criterion[:60]!r}; `geo-matcher criteria` and "
                "/api/v1/criteria list them"
            )
        low, high = CRITERIA[self.criterion].unit.domain
        for figure in (self.better, self.worse):
            if not low <= figure <= high:
                raise ValueError(
                    f"{self.criterion} {figure:g}: "
                    f"expected a figure between {low:g} and {high:,.0f}"
                )
        return self


class Question(_Strict):
    """Which of two improvements is worth more."""

    first: Step
    second: Step

    @model_validator(mode="after")
    def _are_two(self) -> Self:
        if self.first.criterion == self.second.criterion:
            raise ValueError(f"a question needs two criteria, found {self.first.criterion} twice")
        return self

    @property
    def pair(self) -> frozenset[str]:
        """The two criteria."""
        return frozenset((self.first.criterion, self.second.criterion))


class Answer(Question):
    """A question with what was answered."""

    choice: Choice


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that could be asked.

    Attributes
    ----------
    question
        What it asks.
    expected_bits
        Doubt about the first five that its answer is expected to leave.
    p_first
        Odds that the first improvement is preferred.
    """

    question: Question
    expected_bits: float
    p_first: float


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Answers that cannot all be true together, and the least change that reconciles them.

    Attributes
    ----------
    leave_out
        Positions of the fewest answers without which the others agree, among those given.
    words
        Triples (family, word now, word that would do): a change of one word by one step that lets
        every answer stand.
    """

    leave_out: tuple[int, ...]
    words: tuple[tuple[str, str, str], ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the contradiction in plain types."""
        return {
            "leave_out": list(self.leave_out),
            "words": [
                {"family": family, "now": now, "would_do": word} for family, now, word in self.words
            ],
        }


@dataclass(frozen=True, eq=False)
class Interview:
    """Where an interview stands.

    Attributes
    ----------
    odds
        Odds after the answers; by the words alone if the answers contradict one another.
    answers
        What was answered.
    ignored
        Positions of the answers that say nothing here: skipped, or on a criterion that counts no
        more.
    bits_before, bits
        Doubt about the first five by the words alone, and now.
    question
        What to ask next; None when nothing more is worth asking.
    state
        ``ask``; ``none_listed``: no commune keeps within the limits; ``few``: five or fewer do, so
        that there is nothing to choose; ``settled``: the first five are; ``little_to_gain``: no
        question would settle much; ``enough``: five were asked; ``contradiction``.
    contradiction
        Set in the state of that name.
    """

    odds: Odds
    answers: tuple[Answer, ...]
    ignored: tuple[int, ...]
    bits_before: float
    bits: float
    question: Candidate | None
    state: State
    contradiction: Contradiction | None = None

    def as_dict(self, top: int = SHORTLIST) -> dict[str, Any]:
        """Return the interview in plain types, with the most probable communes first.

        Parameters
        ----------
        top
            How many communes.
        """
        ranking = self.odds.ranking
        likely = np.argsort(-self.odds.p_top(SHORTLIST), kind="stable")[:top].tolist()
        asked = None
        if self.question is not None:
            asked = self.question.question.model_dump() | {
                "p_first": self.question.p_first,
                "expected_bits": self.question.expected_bits,
            }
        return {
            "release": ranking.territory.release_id,
            "scope": ranking.scope,
            "state": self.state,
            "answers": [answer.model_dump() for answer in self.answers],
            "ignored": list(self.ignored),
            "asked": len(self.answers),
            "at_most": MAX_QUESTIONS,
            "bits_before": self.bits_before,
            "bits": self.bits,
            "question": asked,
            "contradiction": self.contradiction.as_dict() if self.contradiction else None,
            "robustness": self.odds.as_dict(),
            "results": [
                {
                    "insee_code": ranking.matrix.codes[row],
                    "name": ranking.territory.facts[row]["name"],
                    "rank": int(ranking.ranks[place]),
                    "score": float(ranking.score[row]),
                    "odds": self.odds.summaries[place],
                }
                for place, row in ((place, int(ranking.order[place])) for place in likely)
            ],
        }


def parse_answers(data: Sequence[Mapping[str, Any]]) -> tuple[Answer, ...]:
    """Check plain data and return answers.

    Raises
    ------
    ProfileError
        If there are too many or one cannot be read; all problems are listed.
    """
    if len(data) > MAX_ANSWERS:
        raise ProfileError(f"Found {len(data)} answers, expected at most {MAX_ANSWERS}.")
    answers, problems = [], []
    for number, entry in enumerate(data, 1):
        try:
            answers.append(Answer.model_validate(entry))
        except ValidationError as error:
            problems += [
                f"answer {number}: {'.'.join(str(p) for p in detail['loc']) or 'all'}: "
                f"{_said(detail['type'], detail['msg'], detail['input'])}"
                for detail in error.errors(include_url=False)
            ]
    if problems:
        raise ProfileError("The answers were refused: " + "; ".join(problems), problems)
    return tuple(answers)


def _said(kind: str, message: str, found: Any) -> str:
    if kind == "missing":
        return "it is missing"
    if kind == "extra_forbidden":
        return "unknown key; check its spelling"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    return f"found {str(found)[:60]!r}; {expectation(message)}"


def interview(
    territory: Territory,
    profile: Profile,
    scope: str = "partners",
    answers: Sequence[Answer] = (),
    *,
    draws: int = DEFAULT_DRAWS,
    seed: int = DEFAULT_SEED,
) -> Interview:
    """Take the answers given so far and choose the next question.

    Parameters
    ----------
    territory
        A loaded release.
    profile
        What the mover said in words.
    scope
        ``partners``, ``network`` or ``all``.
    answers
        Answers so far, at most ``MAX_ANSWERS``.
    draws, seed
        As for :func:`geo_matcher.robustness.odds`.

    Raises
    ------
    ProfileError
        If there are too many answers, or one offers no improvement.
    """
    if len(answers) > MAX_ANSWERS:
        raise ProfileError(f"Found {len(answers)} answers, expected at most {MAX_ANSWERS}.")
    ranking = rank(territory, profile, scope)
    rows, ignored = _constraints(ranking, answers)
    before = odds(ranking, draws=draws, seed=seed)
    bits_before = _bits(_among_first(before))
    stated = np.concatenate([np.zeros((0, len(NAMES))), *rows])
    if len(stated) and weight_region(profile).inner_point(stated) is None:
        return Interview(
            before,
            tuple(answers),
            ignored,
            bits_before,
            bits_before,
            None,
            "contradiction",
            _reconcile(profile, rows),
        )
    found = odds(ranking, draws=draws, seed=seed, answers=stated) if len(stated) else before
    among = _among_first(found)
    bits = _bits(among)
    state: State = "ask"
    question = None
    if len(ranking) <= SHORTLIST:
        state = "few" if len(ranking) else "none_listed"
    elif len(answers) >= MAX_QUESTIONS:
        state = "enough"
    elif _is_settled(among):
        state = "settled"
    else:
        best = min(
            candidates(found, answers),
            key=lambda c: (round(c.expected_bits, 9), sorted(c.question.pair)),
            default=None,
        )
        if best is None or bits - best.expected_bits < LEAST_GAIN_BITS:
            state = "little_to_gain"
        else:
            question = best
    return Interview(found, tuple(answers), ignored, bits_before, bits, question, state)


def _among_first(found: Odds) -> NDArray[np.bool_]:
    """Tell who is among the first five in each draw of weights, with the figures that count."""
    ranking = found.ranking
    used = np.flatnonzero(ranking.weights > 0)
    values = ranking.values[np.ix_(ranking.order, used)].astype(np.float32)[:, :, np.newaxis]
    weights = np.ascontiguousarray(found.weights[:, used])
    return draw_ranks(values, weights, np.random.default_rng(found.seed)) <= SHORTLIST


def _is_settled(among: NDArray[np.bool_]) -> bool:
    chances = np.sort(among.mean(axis=0))[::-1]
    return bool(chances[SHORTLIST - 1] >= SETTLED)


def _constraints(
    ranking: Ranking, answers: Sequence[Answer]
) -> tuple[list[FloatArray], tuple[int, ...]]:
    """Return what each answer says of the weights, rows a of a · weights ≥ 0."""
    rows, ignored = [], []
    for position, answer in enumerate(answers):
        gains = []
        for step in (answer.first, answer.second):
            gain = _gain(ranking.profile, step)
            if gain <= 0:
                raise ProfileError(
                    f"answer {position + 1}: {step.criterion} from {step.worse:g} to "
                    f"{step.better:g} is no improvement for this profile. Ask again from its words."
                )
            gains.append((NAMES.index(step.criterion), gain))
        (a, first), (b, second) = gains
        row = np.zeros((2, len(NAMES)))
        if answer.choice == "skip" or not (ranking.weights[[a, b]] > 0).all():
            ignored.append(position)
            row = row[:0]
        elif answer.choice == "same":
            row[0, [a, b]] = first * SAME_WITHIN, -second
            row[1, [a, b]] = -first, second * SAME_WITHIN
        else:
            row = row[:1]
            row[0, [a, b]] = (first, -second) if answer.choice == "first" else (-first, second)
        rows.append(row)
    return rows, tuple(ignored)


def _gain(profile: Profile, step: Step) -> float:
    """Return the difference of value that an improvement makes."""
    function = profile.value_functions.get(step.criterion, CRITERIA[step.criterion].value_function)
    worse, better = function(np.array([step.worse, step.better])).tolist()
    return float(better - worse)


def _bits(among: NDArray[np.bool_]) -> float:
    """Return the doubt about the first five, in bits."""
    return float(_entropy(among.mean(axis=0)).sum())


def _entropy(share: FloatArray) -> FloatArray:
    from scipy.special import entr

    return np.asarray((entr(share) + entr(1.0 - share)) / np.log(2.0))


def candidates(found: Odds, asked: Sequence[Question] = ()) -> list[Candidate]:
    """Return the questions that could be asked, with the doubt that each is expected to leave.

    Parameters
    ----------
    found
        Odds after the answers so far.
    asked
        Questions that were asked; their pairs of criteria are not asked about again.
    """
    ranking = found.ranking
    steps = {name: tuple(_steps(ranking, name)) for name in NAMES}
    names = [name for name in NAMES if steps[name]]
    done = {question.pair for question in asked}
    questions, masks, odds_first = [], [], []
    for a, b in itertools.combinations(names, 2):
        if frozenset((a, b)) in done:
            continue
        first, second = (found.weights[:, NAMES.index(name)] for name in (a, b))
        with np.errstate(divide="ignore"):
            log_ratio = np.log(first) - np.log(second)
        for one, other, share, mask in _even_splits(log_ratio, steps[a], steps[b]):
            questions.append(Question(first=one, second=other))
            masks.append(mask)
            odds_first.append(share)
    if not questions:
        return []
    expected = _expected_bits(_among_first(found), np.array(masks))
    return [
        Candidate(question, bits, share)
        for question, bits, share in zip(questions, expected.tolist(), odds_first, strict=True)
    ]


def _steps(ranking: Ranking, name: str) -> Iterator[tuple[Step, float]]:
    """Yield improvements of a criterion between figures of the listed communes, with their gain."""
    column = NAMES.index(name)
    criterion = CRITERIA[name]
    raw = ranking.matrix.raw[ranking.order, column]
    raw = raw[np.isfinite(raw)]
    if ranking.weights[column] <= 0 or len(raw) < 2 or criterion.direction is Direction.TARGET:
        return
    unit = ROUNDING[criterion.unit]
    if criterion.unit is Unit.YES_NO:
        figures = sorted(set(raw.tolist()))
    else:
        figures = sorted({round(float(x) / unit) * unit for x in np.quantile(raw, LEVELS)})
    low, high = criterion.unit.domain
    figures = [round(x, 6) for x in figures if raw.min() <= x <= raw.max() and low <= x <= high]
    for one, other in itertools.combinations(figures, 2):
        better, worse = (
            (one, other) if criterion.direction is Direction.DECREASING else (other, one)
        )
        step = Step(criterion=name, better=better, worse=worse)
        gain = _gain(ranking.profile, step)
        if gain >= LEAST_STEP:
            yield step, gain


def _even_splits(
    log_ratio: NDArray[np.float32],
    first: Sequence[tuple[Step, float]],
    second: Sequence[tuple[Step, float]],
) -> Iterator[tuple[Step, Step, float, NDArray[np.bool_]]]:
    """Yield the questions on two criteria whose answers are the least predictable."""
    gains = np.array([gain for _, gain in first]), np.array([gain for _, gain in second])
    cuts = np.log(gains[1])[np.newaxis, :] - np.log(gains[0])[:, np.newaxis]
    ordered = np.sort(log_ratio)
    shares = 1.0 - np.searchsorted(ordered, cuts.ravel()) / len(ordered)
    closest = np.argsort(np.abs(shares - 0.5), kind="stable")[:PER_PAIR]
    for place in closest.tolist():
        share = float(shares[place])
        if EVEN[0] <= share <= EVEN[1]:
            one, other = first[place // len(second)][0], second[place % len(second)][0]
            yield one, other, share, log_ratio >= cuts.ravel()[place]


def _expected_bits(among: NDArray[np.bool_], masks: NDArray[np.bool_]) -> FloatArray:
    """Return the doubt that is left on average once each question is answered."""
    open_ones = among.any(axis=0) & ~among.all(axis=0)
    member = among[:, open_ones].astype(np.float32)
    draws, yes = len(among), masks.sum(axis=1)[:, np.newaxis]
    with_yes = masks.astype(np.float32) @ member
    total = member.sum(axis=0)
    left = np.zeros(len(masks))
    for count, members in ((yes, with_yes), (draws - yes, total - with_yes)):
        share = np.clip(members / np.maximum(count, 1), 0.0, 1.0).astype(np.float64)
        left += count[:, 0] / draws * _entropy(share).sum(axis=1)
    return left


def _reconcile(profile: Profile, rows: Sequence[FloatArray]) -> Contradiction:
    """Look for the fewest answers to leave out, and for single words that would let all stand."""
    region = weight_region(profile)
    stated = [position for position, row in enumerate(rows) if len(row)]
    leave_out: tuple[int, ...] = tuple(stated)
    for size in range(1, len(stated) + 1):
        fits = (
            out
            for out in itertools.combinations(reversed(stated), size)
            if _agree(region, [rows[p] for p in stated if p not in out])
        )
        found = next(fits, None)
        if found is not None:
            leave_out = tuple(sorted(found))
            break
    return Contradiction(leave_out, tuple(_words_that_would_do(profile, rows)))


def _agree(region: WeightRegion, rows: Sequence[FloatArray]) -> bool:
    return not rows or region.inner_point(np.concatenate(rows)) is not None


def _words_that_would_do(
    profile: Profile, rows: Sequence[FloatArray]
) -> Iterator[tuple[str, str, str]]:
    scale = [importance for importance in Importance if importance is not Importance.NOT_AT_ALL]
    for family in FAMILIES:
        now = profile.family_importance(family)
        if now not in scale:
            continue
        place = scale.index(now)
        for word in scale[max(0, place - 1) : place] + scale[place + 1 : place + 2]:
            changed = profile.model_copy(
                update={"importance": {**profile.importance, family: word}}
            )
            if _agree(weight_region(changed), rows):
                yield family, now.value, word.value
