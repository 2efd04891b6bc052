"""Why a village is where it is, as a page and as a part that opens over the map.

Hides the wording of the table; the sentences are the library's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from api.cards import points_text
from api.sheets import commune_path
from api.texts import criterion_label, translator, typeset
from geo_matcher.arguments import reason_sentences
from geo_matcher.criteria import CRITERIA
from geo_matcher.decision import Status
from geo_matcher.explanation import Reasons
from geo_matcher.matching import NAMES
from geo_matcher.numbers import format_raw

__all__ = ["GapRow", "WhyView", "why_view"]

MINUS = "\u2212"
NOTABLE_POINTS = 0.05
"""Points under which a difference is shown as none, and left out of the table."""


class GapRow(NamedTuple):
    """What one criterion makes of the difference with the first.

    Attributes
    ----------
    label, here, there
        The criterion, and its figure in the two communes.
    points, is_loss
        What it makes of the difference, with its sign.
    """

    label: str
    here: str
    there: str
    points: str
    is_loss: bool


@dataclass(frozen=True, slots=True)
class WhyView:
    """Why a commune is where it is.

    Attributes
    ----------
    name, title
        Which commune, and the question.
    sentences
        The answer.
    leader, gaps_title, gaps, difference
        The first commune, and what each criterion makes of the difference with it; empty for the
        first itself.
    alike
        Names of communes that resemble it.
    compare_href
        Where the two are side by side; empty for the first itself.
    page_href
        The page of the commune, with the search kept.
    """

    name: str
    title: str
    sentences: tuple[str, ...]
    leader: str
    gaps_title: str
    gaps: tuple[GapRow, ...]
    difference: str
    alike: str
    compare_href: str
    page_href: str


def why_view(reasons: Reasons, language: str, query: str) -> WhyView:
    """Return why a commune is where it is.

    Parameters
    ----------
    reasons
        What was found.
    language
        ``fr`` or ``en``.
    query
        The list that was asked for, without the commune.
    """
    t = translator(language)
    ranking, row, leader = reasons.ranking, reasons.row, reasons.leader
    facts = ranking.territory.facts
    name = facts[row]["name"]
    has_gaps = leader is not None and leader != row
    first = facts[leader]["name"] if leader is not None and has_gaps else ""
    score = ranking.score
    difference = float(score[row] - score[leader]) if leader is not None else 0.0
    pair = f"/compare?village={facts[row]['insee_code']}"
    if leader is not None and has_gaps:
        pair += f"&village={facts[leader]['insee_code']}"
    return WhyView(
        name=name,
        title=t("why.not" if has_gaps else "why.first", name=name),
        sentences=tuple(typeset(text, language) for text in reason_sentences(reasons, language)),
        leader=first,
        gaps_title=t("why.gaps", name=first),
        gaps=tuple(_gaps(reasons, language)),
        difference=_signed(difference, language),
        alike=", ".join(twin.name for twin in reasons.alike),
        compare_href=(f"{pair}&{query}" if query else pair) if has_gaps else "",
        page_href=commune_path(facts[row]["insee_code"], name) + (f"?{query}" if query else ""),
    )


def _gaps(reasons: Reasons, language: str) -> Iterator[GapRow]:
    for gap in reasons.gaps:
        if abs(gap.points) >= NOTABLE_POINTS and reasons.leader is not None:
            column = NAMES.index(gap.criterion)
            here, there = (
                figure_text(reasons, row, column, language) for row in (reasons.row, reasons.leader)
            )
            yield GapRow(
                label=criterion_label(gap.criterion, language),
                here=here,
                there=there,
                points=_signed(gap.points, language),
                is_loss=gap.points < 0,
            )


def figure_text(reasons: Reasons, row: int, column: int, language: str) -> str:
    """Write the figure of a commune in the unit of a criterion; a bound is said to be one."""
    matrix = reasons.ranking.matrix
    unit = CRITERIA[NAMES[column]].unit
    text = format_raw(matrix.raw[row, column].item(), unit, language)
    if matrix.status[row, column] == Status.UPPER_BOUND:
        return translator(language)("limit.at_most", figure=text)
    return text


def _signed(points: float, language: str) -> str:
    text = points_text(abs(points), language)
    return f"{MINUS if points < 0 else '+'}{text}"
