"""What a search makes of a commune, for the page of that commune.

Hides how its rank, its odds and the sentence of its ledger are found, listed or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.cards import points_text
from api.forms import Asked, href, parse_query, to_query
from api.texts import translator, typeset
from api.turns import odds_in_turn
from geo_matcher.kept import kept
from geo_matcher.matching import Ranking, rank
from geo_matcher.profile import Profile
from geo_matcher.sentences import band_phrase, chance_phrase, explain
from geo_matcher.territory import Territory

__all__ = ["SearchView", "search_view"]


@dataclass(frozen=True, slots=True)
class SearchView:
    """A search, seen from one commune.

    Attributes
    ----------
    standing
        Its rank among those listed, or why it is not listed.
    score
        Points out of 100.
    chances, ranks
        How often it is among the first five, and between which ranks it lies; empty if not listed.
    summary
        The sentence drawn from its ledger.
    profile, query
        The search, and the same as a query string.
    why_href, list_href
        Where its rank is explained, and the list.
    """

    standing: str
    score: str
    chances: str
    ranks: str
    summary: str
    profile: Profile
    query: str
    why_href: str
    list_href: str


def search_view(territory: Territory, insee_code: str, asked: Asked) -> SearchView:
    """Return what a search makes of a commune.

    Parameters
    ----------
    territory
        The release in service.
    insee_code
        Code of the commune.
    asked
        The search.
    """
    language, t = asked.language, translator(asked.language)
    ranking, summaries = _answer(territory, to_query(asked.profile, asked.scope))
    row = ranking.position(insee_code)
    query = to_query(asked.profile, asked.scope, language, asked.top)
    places = {listed: place for place, listed in enumerate(ranking.order.tolist())}
    chances = ranks = ""
    if row in places:
        place = places[row]
        standing = t("search.rank", rank=ranking.ranks[place].item(), of=len(ranking))
        summary = summaries[place]
        chances = t("card.odds", chance=chance_phrase(summary["p_top_5"], language))
        ranks = band_phrase(summary["rank_low"], summary["rank_high"], len(ranking), language)
    else:
        standing = _why_out(ranking, row, language)
    return SearchView(
        standing=standing,
        score=points_text(ranking.score[row].item(), language),
        chances=chances,
        ranks=ranks,
        summary=typeset(explain(ranking, row, language).summary, language),
        profile=asked.profile,
        query=query,
        why_href=f"/why?commune={insee_code}" + (f"&{query}" if query else ""),
        list_href=href(query),
    )


@kept(maxsize=8)
def _answer(territory: Territory, query: str) -> tuple[Ranking, Sequence[Mapping[str, Any]]]:
    """Return the ranking and the odds of a search: people go from village to village with one."""
    asked = parse_query(query)
    ranking = rank(territory, asked.profile, asked.scope)
    return ranking, odds_in_turn(ranking).summaries


def _why_out(ranking: Ranking, row: int, language: str) -> str:
    return translator(language)("search.limits" if ranking.in_scope[row] else "search.scope")
