"""What the villages are for one household: the ranking beside the notes, with odds and a small map.

Hides which member's wishes are ranked and in which set of communes. Nothing is computed that the
library does not give; addresses of villages carry nothing of what the household said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from api.cards import Bar, Card, cards_of
from api.desk_places import desk_href
from api.forms import Asked
from api.questions import scope_label
from api.texts import translator
from api.wishes import Wish, wishes
from geo_matcher.dossiers.fields import Member
from geo_matcher.look import score_class
from geo_matcher.matching import Ranking
from geo_matcher.numbers import format_month, format_number
from geo_matcher.planning_charts import Titles, map_svg
from geo_matcher.robustness import Odds
from geo_matcher.territory import SCOPES, Territory
from geo_matcher.towns import served

__all__ = [
    "SHOWN",
    "MemberTab",
    "RankedVillage",
    "RankingView",
    "member_tabs",
    "ranking_view",
    "small_map",
]

SHOWN = 5
"""Villages beside the notes; a visit sees as many at most."""


class MemberTab(NamedTuple):
    """One person of the household: their wishes, and where their ranking is."""

    href: str
    edit_href: str
    label: str
    is_here: bool
    wishes: tuple[Wish, ...]


class RankedVillage(NamedTuple):
    """A village of the ranking, in short."""

    rank: int
    code: str
    name: str
    href: str
    place: str
    score: str
    odds: str
    ranks: str
    helps: tuple[Bar, ...]
    drags: tuple[Bar, ...]
    flags: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RankingView:
    """The ranking of one member.

    Attributes
    ----------
    scopes
        Triples (address, label, whether it is this one).
    scope, member
        Which set of communes, and whose wishes, by number from 0.
    count, dated
        How many villages are listed, and the data they were ranked with.
    villages
        The first of them.
    picture
        A small map of their scores.
    plan_href, map_href, family_href
        The visit planner, the whole map, the page for the family.
    """

    scopes: tuple[tuple[str, str, bool], ...]
    scope: str
    member: int
    count: str
    dated: str
    villages: tuple[RankedVillage, ...]
    picture: Markup
    plan_href: str
    map_href: str
    family_href: str


def member_tabs(
    territory: Territory,
    key: str,
    members: Sequence[Member],
    chosen: int,
    scope: str,
    language: str,
) -> tuple[MemberTab, ...]:
    """Return the persons of a household with what each looks for.

    Parameters
    ----------
    territory
        The release in service.
    key
        Key of the file.
    members
        Its persons.
    chosen, scope
        Whose ranking is shown, in which set of communes.
    language
        ``fr`` or ``en``.
    """
    t = translator(language)
    return tuple(
        MemberTab(
            desk_href(f"/dossiers/{key}", language, membre=place or None, scope=_said(scope))
            + "#projet",
            desk_href(f"/dossiers/{key}/projet", language, membre=place or None),
            member.label or t("desk.member", n=place + 1),
            place == chosen,
            tuple(
                wish
                for wish in wishes(territory, Asked(member.profile, scope, language))
                if wish.label != t("scope.title")
            ),
        )
        for place, member in enumerate(members)
    )


def _said(scope: str) -> str:
    return "" if scope == served().default_scope else scope


def ranking_view(odds: Odds, key: str, member: int, language: str) -> RankingView:
    """Return the ranking of one member.

    Parameters
    ----------
    odds
        Odds of the ranking.
    key, member
        The file, and the number of the member.
    language
        ``fr`` or ``en``.
    """
    t, ranking = translator(language), odds.ranking
    territory = ranking.territory
    rows = ranking.order[:SHOWN].tolist()
    cards = cards_of(ranking, odds, language, rows)
    query = {"membre": member or None, "scope": _said(ranking.scope)}
    return RankingView(
        scopes=tuple(
            (
                desk_href(f"/dossiers/{key}", language, membre=member or None, scope=_said(scope))
                + "#projet",
                scope_label(scope, int(territory.in_scope(scope).sum()), language),
                scope == ranking.scope,
            )
            for scope in SCOPES
        ),
        scope=ranking.scope,
        member=member,
        count=t("desk.ranked", count=len(ranking), n=format_number(len(ranking), language)),
        dated=t(
            "shortlist.dated",
            vintage=format_month(territory.catalog.vintage, language),
            release=territory.release_id,
        ),
        villages=tuple(map(_village, cards)),
        picture=Markup(small_map(ranking, cards, language)),  # the drawing escaped its texts
        plan_href=desk_href(f"/dossiers/{key}/visite", language, **query),
        map_href=desk_href(f"/dossiers/{key}/carte", language, **query),
        family_href=desk_href(f"/dossiers/{key}/famille", language, **query),
    )


def _village(card: Card) -> RankedVillage:
    return RankedVillage(
        rank=card.rank,
        code=card.code,
        name=card.name,
        href=card.path,
        place=card.epci,
        score=card.score,
        odds=card.chances.first_five if card.chances else "",
        ranks=card.chances.ranks if card.chances else "",
        helps=card.helps[:3],
        drags=card.drags[:2],
        flags=card.flags,
    )


def small_map(ranking: Ranking, cards: Sequence[Card], language: str) -> str:
    """Draw the scores of all communes, with the places of the first villages."""
    t = translator(language)
    listed = set(ranking.order.tolist())
    classes = {
        code: f"s{score_class(float(ranking.score[row]))}" if row in listed else "out"
        for row, code in enumerate(ranking.matrix.codes)
    }
    names = ", ".join(f"{card.rank}. {card.name}" for card in cards)
    return map_svg(
        ranking.territory,
        classes,
        Titles("small-map", t("desk.map.small"), names or t("desk.nothing")),
        [(card.code, str(card.rank)) for card in reversed(cards)],
    )
