"""Every state of the map as a table: communes with the figure that colours them, places shown.

Hides how rows are sorted and which words a row needs. The page works without JavaScript: sorting is
a link, choosing another layer a form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

from api.cards import points_text
from api.forms import Asked, to_query
from api.layers import layer_answer, sources_of
from api.map_choice import SHOWN
from api.questions import scope_label
from api.texts import translator, typeset
from api.turns import types_in_turn
from geo_matcher.epci_words import epci_label
from geo_matcher.layers import LAYERS, TYPE
from geo_matcher.matching import Ranking
from geo_matcher.numbers import format_number
from geo_matcher.place_sets import PLACE_SETS, places_shown
from geo_matcher.territory import fold
from geo_matcher.wheel import trips_of

__all__ = ["ORDERS", "SORTS", "Column", "CommuneRow", "PlaceRow", "TableView", "table_view"]

SORTS = ("rank", "name", "figure")
"""What the table can be sorted by, the usual first."""

ORDERS = ("asc", "desc")


class Column(NamedTuple):
    """The head of a column: its name, where a click sorts, and how it is sorted now."""

    label: str
    href: str
    sorted: str


class CommuneRow(NamedTuple):
    """One commune.

    Attributes
    ----------
    name, href, epci
        What it is called, where its page is, the group of communes it belongs to.
    figure, status
        The figure of the layer and what is known of it, in words.
    rank, score
        Its place in the search; a word in place of the rank where a limit leaves it out.
    """

    name: str
    href: str
    epci: str
    figure: str
    status: str
    rank: str
    score: str


class PlaceRow(NamedTuple):
    """One place: kind, name, commune, year of the source, what is known of its position."""

    kind: str
    name: str
    commune: str
    year: str
    position: str


@dataclass(frozen=True, slots=True)
class TableView:
    """The map as a table.

    Attributes
    ----------
    title, caption, note
        What is shown, of which communes, and what the figure is.
    sources
        Where the figures come from, with their vintage.
    columns, rows
        The communes; the score has no column of its own when it is the figure.
    has_score
        Whether it has one.
    places_caption, places_sources, places
        The places shown; empty where none are.
    """

    title: str
    caption: str
    note: str
    sources: str
    columns: tuple[Column, ...]
    rows: tuple[CommuneRow, ...]
    has_score: bool
    places_caption: str
    places_sources: str
    places: tuple[PlaceRow, ...]


class _Line(NamedTuple):
    """A row before it is written: what it is sorted by, and what it says."""

    figure: float | None
    rank: int | None
    name: str
    row: CommuneRow


def table_view(ranking: Ranking, asked: Asked, sort: str, order: str) -> TableView:
    """Return the map as a table.

    Parameters
    ----------
    ranking
        The search.
    asked
        What is asked, the town as a code.
    sort, order
        One of ``SORTS`` and one of ``ORDERS``, or an empty order for the usual one.
    """
    language, t = asked.language, translator(asked.language)
    territory = ranking.territory
    choice = asked.map
    is_score = choice.show == SHOWN[0]
    if choice.show == "types":
        types_in_turn(territory)
    layer = (
        None
        if is_score
        else layer_answer(
            territory,
            choice.show,
            scope=asked.scope,
            to=choice.to,
            language=language,
            trips=trips_of(asked.profile),
        )
    )
    lines = list(_lines(ranking, layer, language))
    usual = usual_order(sort, choice.show)
    _arrange(lines, sort, order or usual)
    count = scope_label(asked.scope, len(lines), language)
    title = t("table.score") if layer is None else _title(layer, t)
    return TableView(
        title=title,
        caption=t("table.caption", communes=count, figure=title),
        note=t("foot.score") if layer is None else layer["note"],
        sources=_sources(
            sources_of(territory, ["communes", "indicators"], language)
            if layer is None
            else layer["sources"],
            language,
        ),
        columns=tuple(_columns(asked, sort, order or usual, t)),
        rows=tuple(line.row for line in lines),
        has_score=not is_score,
        **_places(ranking, choice.places, language),
    )


def usual_order(sort: str, show: str) -> str:
    """Return the order in which a first click sorts: near, cheap, first and A before the rest."""
    if sort != "figure":
        return ORDERS[0]
    is_high_first = show == SHOWN[0] or (LAYERS[show].unit != TYPE and not LAYERS[show].is_low_deep)
    return ORDERS[is_high_first]


def _title(layer: Mapping[str, Any], t: Callable[..., str]) -> str:
    if not layer["unit"]:
        return str(layer["label"])
    return t("table.figure", label=layer["label"], unit=layer["unit"])


def _lines(ranking: Ranking, layer: Mapping[str, Any] | None, language: str) -> Iterator[_Line]:
    t = translator(language)
    ranks = dict(zip(ranking.order.tolist(), ranking.ranks.tolist(), strict=True))
    figures = {f["insee_code"]: f for f in layer["communes"]} if layer else {}
    suffix = "" if language == "fr" else f"?lang={language}"
    for row, code in enumerate(ranking.matrix.codes):
        if not ranking.in_scope[row]:
            continue
        fact = ranking.territory.facts[row]
        rank = ranks.get(row)
        score = points_text(float(ranking.score[row]), language) if rank else ""
        if layer is None:
            figure, text, status = float(ranking.score[row]) if rank else None, score, ""
        else:
            found = figures[code]
            figure, text = found["value"], found["text"]
            status = "" if figure is None else layer["statuses"][found["status"]]
        yield _Line(
            figure,
            rank,
            fold(fact["name"]),
            CommuneRow(
                name=fact["name"],
                href=f"/communes/{code}{suffix}",
                epci=typeset(epci_label(fact["epci"], language), language),
                figure=text,
                status=status,
                rank=format_number(rank, language) if rank else t("table.left_out"),
                score=score,
            ),
        )


def _arrange(lines: list[_Line], sort: str, order: str) -> None:
    """Sort the rows; what has no figure or no rank stands last, whatever the order."""
    sign = -1 if order == ORDERS[1] else 1
    lines.sort(key=lambda line: line.name)
    if sort == "name":
        lines.sort(key=lambda line: line.name, reverse=sign < 0)
    elif sort == "rank":
        lines.sort(key=lambda line: math.inf if line.rank is None else sign * line.rank)
    else:
        lines.sort(key=lambda line: math.inf if line.figure is None else sign * line.figure)


def _columns(asked: Asked, sort: str, order: str, t: Callable[..., str]) -> Iterator[Column]:
    query = to_query(asked.profile, asked.scope, asked.language, map_choice=asked.map)
    labels = {
        "rank": t("table.rank"),
        "name": t("table.commune"),
        "figure": t("table.value"),
    }
    for key, label in labels.items():
        usual = usual_order(key, asked.map.show)
        turned = ORDERS[order == ORDERS[0]]
        wanted = turned if key == sort else usual
        own = {} if key == SORTS[0] and wanted == ORDERS[0] else {"sort": key}
        if wanted != usual:
            own["order"] = wanted
        address = "&".join(filter(None, (query, urlencode(own))))
        state = ("ascending", "descending")[order == ORDERS[1]] if key == sort else ""
        yield Column(label, f"/table?{address}" if address else "/table", state)


def _sources(sources: list[dict[str, str]], language: str) -> str:
    credits = dict.fromkeys(source["credit"] for source in sources)
    return translator(language)("table.sources", credits=" · ".join(credits)) if credits else ""


def _places(ranking: Ranking, names: tuple[str, ...], language: str) -> dict[str, Any]:
    t = translator(language)
    territory = ranking.territory
    rows: list[PlaceRow] = []
    tables: dict[str, None] = {}
    for name in names:
        for place in places_shown(territory, name, language):
            tables[place["source"]] = None
            note = place["note"] or t("table.published")
            rows.append(
                PlaceRow(
                    typeset(PLACE_SETS[name].label(language), language),
                    place["name"],
                    place["commune"],
                    place["year"],
                    typeset(note, language),
                )
            )
    kinds = ", ".join(typeset(PLACE_SETS[name].label(language), language) for name in names)
    count = format_number(len(rows), language)
    caption = t("table.places", count=len(rows), n=count, kinds=kinds) if names else ""
    return {
        "places_caption": caption,
        "places_sources": _sources(sources_of(territory, list(tables), language), language),
        "places": tuple(rows),
    }
