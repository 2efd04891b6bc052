"""The interview as a page: one question at a time, each answer a link.

Hides how answers stand in an address. Nothing is kept between requests: the address holds the
search and the answers so far, so that going back undoes one, and a link resumes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from api.addresses import canonical, page_address
from api.cards import Chances, chances_of
from api.forms import Asked
from api.texts import translator, typeset
from api.typed_numbers import plain_number, read_number
from geo_matcher.arguments import (
    contradiction_sentences,
    interview_sentence,
    step_phrase,
)
from geo_matcher.errors import ProfileError
from geo_matcher.interview import MAX_QUESTIONS, Answer, Choice, Interview, Question, parse_answers

__all__ = ["PATH", "InterviewView", "Likely", "Option", "Said", "interview_view", "read_answers"]

PATH = "/interview"

MARKS: dict[Choice, str] = {"first": "1", "second": "2", "same": "=", "skip": "-"}
"""What stands for each choice in an address; the command line takes the same."""

STEP_PARTS = 3


class Option(NamedTuple):
    """One possible answer: its words and where it leads."""

    text: str
    href: str


class Said(NamedTuple):
    """An answer that was given.

    Attributes
    ----------
    first, second
        The two improvements.
    choice
        Which was preferred, in words.
    undo_href
        The interview without this answer and those after it.
    """

    first: str
    second: str
    choice: str
    undo_href: str


class Likely(NamedTuple):
    """One of the villages that the answers make most probable."""

    code: str
    name: str
    chances: Chances


@dataclass(frozen=True, slots=True)
class InterviewView:
    """Where an interview stands.

    Attributes
    ----------
    progress
        Which question this is, of how many.
    options
        The two improvements to choose between; empty when nothing more is asked.
    neither
        The answers that prefer none.
    state
        Sentences: where it stands, and what would reconcile answers that contradict one another.
    said
        The answers so far.
    likely
        The five villages most often among the first five.
    restart_href
        The interview from its beginning.
    """

    progress: str
    options: tuple[Option, ...]
    neither: tuple[Option, ...]
    state: tuple[str, ...]
    said: tuple[Said, ...]
    likely: tuple[Likely, ...]
    restart_href: str


def read_answers(values: Sequence[str]) -> tuple[Answer, ...]:
    """Read the answers of an address.

    Parameters
    ----------
    values
        One for each answer: ``coworking_min:8:20,house_price_eur_m2:1350:1650,1``, the two
        improvements (criterion, better, worse) and the choice (``1``, ``2``, ``=`` or ``-``).

    Raises
    ------
    ProfileError
        If one cannot be read; all problems are listed.
    """
    choices = {mark: choice for choice, mark in MARKS.items()}
    plain, problems = [], []
    for number, value in enumerate(values, 1):
        parts = value.split(",")
        steps = [part.split(":") for part in parts[:2]]
        if len(parts) != 3 or parts[2] not in choices or any(len(s) != STEP_PARTS for s in steps):
            problems.append(f"answer {number}: found {value[:60]!r}, expected a link of the page")
            continue
        first, second = (
            {"criterion": name, "better": read_number(better), "worse": read_number(worse)}
            for name, better, worse in steps
        )
        plain.append({"first": first, "second": second, "choice": choices[parts[2]]})
    if problems:
        raise ProfileError("The answers were refused: " + "; ".join(problems), problems)
    return parse_answers(plain)


def _written(question: Question, choice: Choice) -> str:
    steps = (
        ":".join((step.criterion, plain_number(step.better), plain_number(step.worse)))
        for step in (question.first, question.second)
    )
    return ",".join((*steps, MARKS[choice]))


def interview_view(found: Interview, asked: Asked) -> InterviewView:
    """Return where an interview stands.

    Parameters
    ----------
    found
        What the answers make of the search.
    asked
        The search.
    """
    language, t = asked.language, translator(asked.language)
    given = [("answer", _written(answer, answer.choice)) for answer in found.answers]

    def link(own: Sequence[tuple[str, str]]) -> str:
        return page_address(PATH, own, canonical(asked))

    def option(question: Question, choice: Choice, text: str) -> Option:
        return Option(
            typeset(text, language), link([*given, ("answer", _written(question, choice))])
        )

    options: tuple[Option, ...] = ()
    neither: tuple[Option, ...] = ()
    if found.question is not None:
        question = found.question.question
        options = (
            option(question, "first", _phrase(question, 0, language)),
            option(question, "second", _phrase(question, 1, language)),
        )
        neither = (
            option(question, "same", t("interview.same")),
            option(question, "skip", t("interview.skip")),
        )
    return InterviewView(
        progress=t("interview.progress", n=len(given) + 1, most=MAX_QUESTIONS) if options else "",
        options=options,
        neither=neither,
        state=tuple(
            typeset(text, language)
            for text in (
                interview_sentence(found, language),
                *contradiction_sentences(found, language),
            )
        ),
        said=tuple(
            Said(
                typeset(_phrase(answer, 0, language), language),
                typeset(_phrase(answer, 1, language), language),
                t(f"interview.said.{answer.choice}"),
                link(given[:place]),
            )
            for place, answer in enumerate(found.answers)
        ),
        likely=tuple(_likely(found, language)),
        restart_href=link([]),
    )


def _phrase(question: Question, place: int, language: str) -> str:
    text = step_phrase((question.first, question.second)[place], language)
    return f"{text[0].upper()}{text[1:]}"


def _likely(found: Interview, language: str) -> list[Likely]:
    count = len(found.odds.ranking)
    return [
        Likely(result["insee_code"], result["name"], chances_of(result["odds"], count, language))
        for result in found.as_dict()["results"]
    ]
