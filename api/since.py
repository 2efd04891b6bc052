"""What has moved since a link was copied, in words.

Hides how a comparison of two releases becomes a calm box above the list. Nothing is computed here:
ranks and points are those of :mod:`geo_matcher.snapshot`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from api.cards import points_text
from api.forms import Asked
from api.texts import translator, typeset
from geo_matcher.errors import DataError
from geo_matcher.matching import Ranking
from geo_matcher.numbers import format_month
from geo_matcher.sentences import label_in_sentence
from geo_matcher.snapshot import REMEMBERED, Move, Moved, Since, changes_since, decode
from geo_matcher.territory import Territory

__all__ = ["SinceItem", "SinceView", "is_of_this_release", "since_view"]

MINUS = "\u2212"
NOTABLE_POINTS = 0.05
"""Points under which a difference reads as none."""

REASONS = 3
"""Criteria that are named for one village; what remains is summed."""

VINTAGE = re.compile(r"-(\d{4}-(?:0[1-9]|1[0-2]))-")


class SinceItem(NamedTuple):
    """What became of one village: its ranks, and why."""

    text: str
    why: str


@dataclass(frozen=True, slots=True)
class SinceView:
    """What a link showed, and what is so no longer.

    Attributes
    ----------
    title, lead
        Of which data the link is.
    note
        That the method is another; empty when it is the same.
    items
        What became of the villages; empty when nothing moved.
    """

    title: str
    lead: str
    note: str = ""
    items: tuple[SinceItem, ...] = ()


def is_of_this_release(seen: str, territory: Territory) -> bool:
    """Tell whether what a link remembers is of the release in service, so that nothing moved."""
    try:
        return bool(seen) and decode(seen).release == territory.release_id
    except DataError:
        return False


def since_view(ranking: Ranking, asked: Asked) -> SinceView | None:
    """Return what has moved since a link was copied; None when there is nothing to say."""
    language, t = asked.language, translator(asked.language)
    if not asked.seen:
        return None
    try:
        since = changes_since(decode(asked.seen), ranking)
    except DataError:
        return SinceView(t("since.title"), t("since.damaged"))
    if since is None:
        return None
    items = tuple(_items(since, ranking, language))
    return SinceView(
        title=t("since.title"),
        lead=t(
            "since.lead",
            then=_release(since.release_then, language),
            now=_release(since.release_now, language),
        )
        + ("" if items else f" {t('since.nothing')}"),
        note="" if since.is_same_method else t("since.method"),
        items=items,
    )


def _release(release: str, language: str) -> str:
    found = VINTAGE.search(release)
    if found is None:
        return release
    return f"{format_month(found[1], language)} ({release})"


def _items(since: Since, ranking: Ranking, language: str) -> Iterator[SinceItem]:
    t = translator(language)
    for village in since.villages:
        why = _why(village, language)
        if village.move is not Move.SAME or why:
            yield SinceItem(_moved(village, ranking, language), why)
    for _, name, rank in since.entered:
        text = t("since.entered", name=name, now=rank, n=REMEMBERED)
        yield SinceItem(text, t("since.not_kept"))


def _moved(village: Moved, ranking: Ranking, language: str) -> str:
    t = translator(language)
    if village.move is Move.UNKNOWN:
        return t("since.unknown", code=village.insee_code)
    if village.move is Move.SAME:
        return t("since.same", name=village.name, now=village.rank_now)
    if village.move is Move.OUTSIDE:
        return t("since.outside", name=village.name, then=village.rank_then)
    if village.move is Move.LIMIT:
        row = ranking.position(village.insee_code)
        names = dict.fromkeys(o.criterion for o in ranking.limits if o.misses[row])
        limits = ", ".join(label_in_sentence(name, language) for name in names)
        return t("since.limit", name=village.name, then=village.rank_then, names=limits)
    key = "since.left" if village.move is Move.LEFT else "since.moved"
    return t(key, name=village.name, then=village.rank_then, now=village.rank_now, n=REMEMBERED)


def _why(village: Moved, language: str) -> str:
    """Say which criteria changed the score; that none did, when the rank moved all the same."""
    t = translator(language)
    if village.changes is None:
        return ""
    notable = [change for change in village.changes if abs(change.points) >= NOTABLE_POINTS]
    if not notable:
        key = "since.little" if village.changes else "since.others"
        return "" if village.move is Move.SAME else t(key)
    named = notable[:REASONS]
    parts = [
        f"{_label(change.criterion, language)} {_signed(change.points, language)}"
        for change in named
    ]
    rest = village.points - sum(change.points for change in named)
    if abs(rest) >= NOTABLE_POINTS:
        parts.append(t("since.rest", points=_signed(rest, language)))
    return t("since.why", points=_signed(village.points, language), list=", ".join(parts))


def _label(name: str, language: str) -> str:
    return typeset(label_in_sentence(name, language), language)


def _signed(points: float, language: str) -> str:
    return f"{MINUS if points < 0 else '+'}{points_text(abs(points), language)}"
