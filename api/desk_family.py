"""The page that a family takes home: one file, one or two sheets of paper, in their language.

Hides how a page stands alone: its styles and its map are inside it, it loads nothing and runs
nothing. What is not known is said beside what is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from api.cards import Card, cards_of
from api.desk_ranking import small_map
from api.desk_words import day_text
from api.forms import Asked
from api.shortlist import open_questions
from api.texts import translator
from api.wishes import Wish, wishes
from geo_matcher.look import COLOURS
from geo_matcher.numbers import format_month
from geo_matcher.robustness import Odds

__all__ = ["SHOWN", "FamilyView", "alone_css", "family_view"]

SHOWN = 5
"""Villages on the page at most: two sheets of paper."""

CHECKS = 3
"""Things to check that are named for each village."""


class FamilyVillage(NamedTuple):
    """A village: what the list shows of it, and what to check on the spot."""

    card: Card
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FamilyView:
    """The page.

    Attributes
    ----------
    title, dated, made
        For whom, the data, the day it was made and by whom.
    wishes
        What was asked.
    villages
        Best first.
    picture
        A small map with their places.
    css
        The styles, inside the page.
    """

    title: str
    dated: str
    made: str
    adviser: str
    wishes: tuple[Wish, ...]
    villages: tuple[FamilyVillage, ...]
    picture: Markup
    css: Markup


@lru_cache(maxsize=4)
def alone_css(name: str) -> Markup:
    """Return the styles of a page that stands alone, with the colours of the identity."""
    colours = "".join(f"--{name}:{value};" for name, value in COLOURS.items())
    text = (Path(__file__).parent / "static" / name).read_text(encoding="utf-8")
    return Markup(f":root{{{colours}}}\n{text}")  # our own file


def family_view(
    odds: Odds,
    rows: Sequence[int],
    language: str,
    *,
    name: str,
    adviser: str,
    contact: str,
    today: dt.date,
) -> FamilyView:
    """Return the page of a family.

    Parameters
    ----------
    odds
        Odds of their ranking.
    rows
        Rows of the villages, best first.
    language
        Theirs: ``fr`` or ``en``.
    name
        Whose file it is.
    adviser, contact
        Who accompanies them, and how the network is reached; may be empty.
    today
        The day.
    """
    t, ranking = translator(language), odds.ranking
    territory = ranking.territory
    cards = cards_of(ranking, odds, language, list(rows)[:SHOWN])
    asked = Asked(ranking.profile, ranking.scope, language)
    return FamilyView(
        title=t("family.title", name=name),
        dated=t(
            "shortlist.dated",
            vintage=format_month(territory.catalog.vintage, language),
            release=territory.release_id,
        ),
        made=t("family.made", day=day_text(today, language)),
        adviser=" · ".join(filter(None, (adviser, contact))),
        wishes=wishes(territory, asked),
        villages=tuple(
            FamilyVillage(card, open_questions(ranking, row, language)[:CHECKS])
            for card, row in zip(cards, rows, strict=False)
        ),
        picture=Markup(small_map(ranking, cards, language)),  # the drawing escaped its texts
        css=alone_css("family.css"),
    )
