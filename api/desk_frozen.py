"""A frozen shortlist, and what has moved since: which villages, by how much, and why.

Hides how then and now become a table. Causes are the library's: data, method, what the household
weighs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from api.cards import points_text
from api.desk_places import desk_href
from api.desk_words import moment_text
from api.sheets import commune_path
from api.texts import criterion_label, translator, typeset
from geo_matcher.criteria import CRITERIA
from geo_matcher.dossiers.shortlists import Rerun, VillageThenNow
from geo_matcher.numbers import format_number
from geo_matcher.sentences import label_in_sentence

__all__ = ["CAUSES", "FrozenView", "frozen_view"]

CAUSES = ("data", "method", "weights")
"""Why a village may have moved."""

MOST_MOVES = 3
"""Figures named for a village at most."""

NOTABLE_POINTS = 0.05
MINUS = "\u2212"


class FrozenRow(NamedTuple):
    """A village then and now; ranks are texts, empty where it was not listed."""

    name: str
    href: str
    then: str
    score: str
    now: str
    move: str
    kind: str
    why: str
    figures: tuple[str, ...]


class WeightRow(NamedTuple):
    """A criterion that weighs more or less than then, as shares of the whole."""

    label: str
    then: str
    now: str


@dataclass(frozen=True, slots=True)
class FrozenView:
    """A frozen shortlist and what has moved since.

    Attributes
    ----------
    title, about, remark
        When and by whom it was frozen, with which data; a word on it.
    verdict
        Whether anything moved, in a sentence.
    causes
        A sentence for each thing that is another one than then.
    rows, weights
        The villages, and the criteria that weigh otherwise.
    back_href
        The file.
    """

    title: str
    about: str
    remark: str
    verdict: str
    causes: tuple[str, ...]
    rows: tuple[FrozenRow, ...]
    weights: tuple[WeightRow, ...]
    back_href: str


def frozen_view(rerun: Rerun, key: str, language: str, *, names: Mapping[str, str]) -> FrozenView:
    """Return a frozen shortlist and what has moved since.

    Parameters
    ----------
    rerun
        What the library found.
    key
        The file.
    language
        ``fr`` or ``en``.
    names
        Names of accounts by login.
    """
    t, shortlist = translator(language), rerun.shortlist
    head = shortlist.head
    scores = {village.insee_code: village.score for village in shortlist.villages}
    moves = _moves(rerun, language)
    moved = sum(row.rank_then != row.rank_now for row in rerun.villages)
    causes = [
        t("desk.frozen.data", then=head.release, now=rerun.release_now)
        if not rerun.is_same_data
        else "",
        "" if rerun.is_same_method else t("desk.frozen.method", software=shortlist.software),
        "" if rerun.is_same_wishes else t("desk.frozen.wishes"),
    ]
    return FrozenView(
        title=t("desk.frozen.of", day=moment_text(head.at, language)),
        about=t(
            "desk.frozen.by",
            who=names.get(head.author, head.author),
            scope=t(f"scope.{head.scope}"),
            release=head.release,
        ),
        remark=head.remark,
        verdict=t("desk.frozen.moved", count=moved, n=moved) if moved else t("desk.frozen.same"),
        causes=tuple(filter(None, causes)),
        rows=tuple(
            _row(row, scores.get(row.insee_code), moves.get(row.insee_code, ()), language)
            for row in rerun.villages
        ),
        weights=tuple(
            WeightRow(
                criterion_label(weight.criterion, language)
                if weight.criterion in CRITERIA
                else weight.criterion,
                format_number(weight.then, language, "%"),
                format_number(weight.now, language, "%"),
            )
            for weight in sorted(rerun.weights, key=lambda w: -abs(w.now - w.then))
        ),
        back_href=desk_href(f"/dossiers/{key}", language) + "#listes",
    )


def _row(
    row: VillageThenNow, score: float | None, figures: tuple[str, ...], language: str
) -> FrozenRow:
    t = translator(language)
    if row.rank_then is None:
        kind, move = "new", t("desk.frozen.new")
    elif row.rank_now is None:
        kind, move = "gone", t("desk.frozen.gone")
    elif row.rank_now == row.rank_then:
        kind, move = "same", "="
    else:
        kind = "up" if row.rank_now < row.rank_then else "down"
        move = f"{'+' if kind == 'up' else MINUS}{abs(row.rank_now - row.rank_then)}"
    return FrozenRow(
        name=row.name,
        href=commune_path(row.insee_code, row.name),
        then="" if row.rank_then is None else str(row.rank_then),
        score="" if score is None else points_text(score, language),
        now="" if row.rank_now is None else str(row.rank_now),
        move=move,
        kind=kind,
        why=", ".join(t(f"desk.cause.{cause}") for cause in row.causes),
        figures=figures,
    )


def _moves(rerun: Rerun, language: str) -> Mapping[str, tuple[str, ...]]:
    """Return, for each village, the figures of the data that moved its score most."""
    if rerun.since is None:
        return {}
    return {
        village.insee_code: tuple(
            f"{_label(change.criterion, language)} {_signed(change.points, language)}"
            for change in (village.changes or ())[:MOST_MOVES]
            if abs(change.points) >= NOTABLE_POINTS
        )
        for village in rerun.since.villages
    }


def _label(name: str, language: str) -> str:
    return typeset(label_in_sentence(name, language), language)


def _signed(points: float, language: str) -> str:
    return f"{MINUS if points < 0 else '+'}{points_text(abs(points), language)}"
