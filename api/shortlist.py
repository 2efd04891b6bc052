"""A few villages on paper: what was asked, each village in brief, what to check on the spot.

Hides which questions a village leaves open. They are drawn from what its own figures do not tell:
an unknown, a bound, a flag, a limit that cannot be verified.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from api.addresses import canonical, page_address
from api.cards import Card, cards_of
from api.forms import Asked, href
from api.texts import translator, typeset
from api.wishes import Wish, wishes
from geo_matcher.criteria import CRITERIA
from geo_matcher.matching import Ranking
from geo_matcher.numbers import format_month, format_raw
from geo_matcher.robustness import Odds
from geo_matcher.sentences import label_in_sentence

__all__ = [
    "DownloadLink",
    "ShortlistView",
    "Village",
    "download_links",
    "open_questions",
    "shortlist_view",
    "unlisted_note",
]

FORMATS: Mapping[str, str] = {"csv": "CSV", "geojson": "GeoJSON", "gpkg": "GeoPackage"}
"""Downloads by the end of their address, and what they are called."""

DOCTOR = "doctor_min"

STATUS_QUESTIONS: Mapping[str, str] = {
    "upper_bound": "check.bounds",
    "missing": "check.unknown",
}
"""What the status of a figure makes one ask."""

FLAG_QUESTIONS: Mapping[str, str] = {
    "few_sales": "check.sales",
    "flood": "check.flood",
    "industrial_risk": "check.industrial",
}
"""What a red flag makes one ask; the others belong to the line and the doctor."""


class DownloadLink(NamedTuple):
    """A file to take away: its address and what it is called."""

    href: str
    label: str


class Village(NamedTuple):
    """One village of the shortlist.

    Attributes
    ----------
    card
        What the list shows of it.
    note
        Why the search does not list it; empty when it does.
    checks
        What to check on the spot.
    """

    card: Card
    note: str
    checks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShortlistView:
    """A few villages to take away.

    Attributes
    ----------
    title, caption
        How many, and how they were chosen.
    wishes
        What was asked.
    dated
        The date and the release of the data.
    villages
        Best first.
    address
        Where the list is, to be printed.
    downloads, accompany_href
        The whole list as files; the way to an adviser.
    """

    title: str
    caption: str
    wishes: tuple[Wish, ...]
    dated: str
    villages: tuple[Village, ...]
    address: str
    downloads: tuple[DownloadLink, ...]
    accompany_href: str


def download_links(query: str) -> tuple[DownloadLink, ...]:
    """Return where the whole list is, in each format.

    Parameters
    ----------
    query
        The list, without ticked villages.
    """
    return tuple(
        DownloadLink(f"/downloads/villages.{end}?{query}".rstrip("?"), label)
        for end, label in FORMATS.items()
    )


def shortlist_view(
    odds: Odds, rows: Sequence[int], asked: Asked, *, is_chosen: bool, origin: str
) -> ShortlistView:
    """Return a few villages to take away.

    Parameters
    ----------
    odds
        Odds of the ranking.
    rows
        Rows of the villages.
    asked
        The search.
    is_chosen
        Whether they were ticked; else they are the first of the search.
    origin
        The site, as ``https://host``.
    """
    language, t, ranking = asked.language, translator(asked.language), odds.ranking
    cards = cards_of(odds.ranking, odds, language, rows)
    codes = [card.code for card in cards]
    query = canonical(asked, picks=codes)
    chosen = [("village", code) for code in codes]
    territory = ranking.territory
    return ShortlistView(
        title=t("shortlist.title", count=len(cards), n=len(cards)),
        caption=t("shortlist.chosen" if is_chosen else "shortlist.first", count=len(cards)),
        wishes=wishes(territory, asked),
        dated=t(
            "shortlist.dated",
            vintage=format_month(territory.catalog.vintage, language),
            release=territory.release_id,
        ),
        villages=tuple(
            Village(
                card, unlisted_note(ranking, row, language), open_questions(ranking, row, language)
            )
            for card, row in zip(cards, rows, strict=True)
        ),
        address=f"{origin}{href(query)}",
        downloads=download_links(canonical(asked, picks=())),
        accompany_href=page_address("/accompany", chosen, canonical(asked, picks=())),
    )


def unlisted_note(ranking: Ranking, row: int, language: str) -> str:
    """Say why the search does not list a village; nothing when it does."""
    if row in ranking.order:
        return ""
    t = translator(language)
    broken = dict.fromkeys(o.criterion for o in ranking.limits if o.misses[row])
    if ranking.in_scope[row] and broken:
        names = ", ".join(label_in_sentence(name, language) for name in broken)
        return t("compare.beyond", names=names)
    return t("compare.outside")


def open_questions(ranking: Ranking, row: int, language: str) -> tuple[str, ...]:
    """Return what to check on the spot, from what the figures of a village leave open.

    Parameters
    ----------
    ranking
        The ranking; only what counts for its profile is asked about.
    row
        Row of the village.
    language
        ``fr`` or ``en``.
    """
    return tuple(_questions(ranking.result(row), language))


def _questions(result: Mapping[str, Any], language: str) -> Iterator[str]:
    t = translator(language)
    flags = {flag["code"] for flag in result["red_flags"]}
    unverified = result["unverified_limits"]
    known: dict[str, list[str]] = {}
    for line in result["contributions"]:
        if line["criterion"] not in unverified:
            known.setdefault(line["status"], []).append(_open(line, language))
    yield t("check.line")
    if "copper_without_fibre" in flags:
        yield t("check.copper")
    if "doctor_far" in flags or any(c["criterion"] == DOCTOR for c in result["contributions"]):
        yield t("check.doctor")
    if unverified:
        names = typeset(
            ", ".join(label_in_sentence(name, language) for name in unverified), language
        )
        yield t("check.limits", list=names)
    for status, key in STATUS_QUESTIONS.items():
        if status in known:
            yield t(key, list=", ".join(known[status]))
    if result["evidence"] == "reconstructed":
        yield t("check.partner")
    for code, key in FLAG_QUESTIONS.items():
        if code in flags:
            yield t(key)


def _open(line: Mapping[str, Any], language: str) -> str:
    """Name a figure that is not sure, with its bound where there is one."""
    label = typeset(label_in_sentence(line["criterion"], language), language)
    if line["status"] != "upper_bound":
        return label
    figure = format_raw(line["raw"], CRITERIA[line["criterion"]].unit, language)
    return f"{label} ({translator(language)('limit.at_most', figure=figure)})"
