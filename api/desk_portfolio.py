"""The portfolio on a map, in short: where families settled, and which villages lists show.

Hides which villages are worth naming. Every count holds five families at least: the library gives
no others.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from api.desk_places import desk_href
from api.texts import translator
from geo_matcher.dossiers.portfolio_places import PortfolioPlaces
from geo_matcher.numbers import format_number
from geo_matcher.planning_charts import Titles, map_svg
from geo_matcher.territory import Territory

__all__ = ["PortfolioView", "portfolio_view"]

STEPS = (0.0, 0.05, 0.1, 0.2, 0.35)
"""Shares of lists from which the colour is deeper."""

NAMED = 4


@dataclass(frozen=True, slots=True)
class PortfolioView:
    """The portfolio on a map.

    Attributes
    ----------
    sentences
        What it shows, and what it does not.
    picture, caption
        A small map: how often lists show each village, and families settled.
    settled
        Triples (commune, families, persons) of the table.
    map_href, download_href
        The whole map, to look at and to keep.
    """

    sentences: tuple[str, ...]
    picture: Markup
    caption: str
    settled: tuple[tuple[str, str, str], ...]
    map_href: str
    download_href: str


def portfolio_view(territory: Territory, places: PortfolioPlaces, language: str) -> PortfolioView:
    """Return the portfolio on a map.

    Parameters
    ----------
    territory
        The release in service.
    places
        Counts by commune.
    language
        ``fr`` or ``en``.
    """
    t = translator(language)
    names = {fact["insee_code"]: fact["name"] for fact in territory.facts}
    partners = set(territory.partner_evidence)
    classes = dict.fromkeys(territory.codes, "out")
    for code, count in places.shown.items():
        if code in classes and places.lists:
            share = count / places.lists
            classes[code] = f"s{1 + sum(share > step for step in STEPS)}"
    most = sorted(places.settled, key=lambda code: (-places.settled[code][0], code))
    never = len([code for code in partners if not places.shown.get(code)])
    title = t("desk.portfolio.picture")
    signs = [(code, str(places.settled[code][0])) for code in reversed(most) if code in names]
    picture = map_svg(
        territory, classes, Titles("portfolio", title, t("desk.portfolio.text")), signs
    )
    sentences = []
    if most:
        named = ", ".join(names.get(code, code) for code in most[:NAMED])
        sentences.append(t("desk.portfolio.settled", names=named))
    if places.shown:
        sentences.append(
            t(
                "desk.portfolio.shown",
                count=never,
                never=never,
                partners=len(partners),
                lists=format_number(places.lists, language),
            )
        )
    return PortfolioView(
        sentences=(*sentences, t("desk.portfolio.least")),
        picture=Markup(picture),  # the drawing escaped its texts
        caption=title,
        settled=tuple(
            (
                names.get(code, code),
                format_number(places.settled[code][0], language),
                format_number(places.settled[code][1], language),
            )
            for code in most
        ),
        map_href=desk_href("/carte/reseau", language),
        download_href=desk_href("/carte/reseau", language, telecharger=1),
    )
