"""The advisers' map: one family's villages, or the whole portfolio, in one file.

Hides what is drawn where and in which words. Like ``planning_map`` it computes nothing and loads
nothing; texts leave this module as JSON that is safe in a script or through templates that escape
them. It knows communes and counts, and nobody's name.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from geo_matcher.criteria import Unit
from geo_matcher.desk_map_words import DESK_WORDS
from geo_matcher.exports import commune_geometries, credit_lines
from geo_matcher.look import (
    COLOURS,
    NO_DATA,
    SCORE_COLOURS,
    SCORE_LIMITS,
    score_class,
)
from geo_matcher.map_data import (
    DECIMALS,
    FIBRE_COLOURS,
    FIBRE_LIMITS,
    SYMBOLS,
    MapLayer,
    department_lines,
    script_json,
)
from geo_matcher.map_parts import asset, templates
from geo_matcher.map_words import WORDS
from geo_matcher.maps import draw_map
from geo_matcher.matching import Ranking
from geo_matcher.numbers import format_number, format_raw
from geo_matcher.territory import Territory

__all__ = ["DeskFacts", "desk_map_html"]

EXPOSURE_LIMITS = (0.001, 0.05, 0.1, 0.2, 0.35)
"""Shares of lists at which the colour of the exposure changes."""

EXPOSURE_COLOURS = (NO_DATA, *SCORE_COLOURS[1:6])
TABLES = ("communes", "broadband_fixed_2026t2", "workplaces", "partners_evidence")
WORK_SIGNS = {kind: symbol for symbol in SYMBOLS if symbol.layer == "work" for kind in symbol.kinds}


@dataclass(frozen=True, slots=True)
class DeskFacts:
    """What there is to draw beside the release.

    Attributes
    ----------
    title
        What the map is about.
    ranking
        The ranking of one household; None on a map of the portfolio.
    shortlist
        Ranks by code of the villages that were proposed.
    visits
        How many families visited a commune, by code; on the map of one household, 1 each.
    settled
        Pairs (families, persons) by code; counts that may be shared only.
    lists, shown
        How many frozen lists there are, and among the first of how many each commune was.
    is_demonstration
        Whether everything is invented.
    """

    title: str
    ranking: Ranking | None = None
    shortlist: Mapping[str, int] = field(default_factory=dict)
    visits: Mapping[str, int] = field(default_factory=dict)
    settled: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    lists: int = 0
    shown: Mapping[str, int] = field(default_factory=dict)
    is_demonstration: bool = False


@dataclass(frozen=True, slots=True)
class _Colouring:
    """One way of colouring the communes: a fill and a label for each class."""

    layer: str
    title: str
    fills: tuple[str, ...]
    labels: tuple[str, ...]
    classes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Sign:
    """A letter or a figure on a commune, in a layer."""

    row: int
    shape: str
    letter: str
    title: str
    layer: str


def desk_map_html(territory: Territory, facts: DeskFacts, language: str = "fr") -> str:
    """Return the advisers' map as one HTML document that opens from disk.

    Parameters
    ----------
    territory
        The release.
    facts
        What there is to draw.
    language
        ``fr`` or ``en``.

    Raises
    ------
    ValueError
        If the language is unknown.
    """
    if language not in DESK_WORDS:
        raise ValueError(f"Unknown language {language!r}: expected one of {', '.join(DESK_WORDS)}.")
    texts = DESK_WORDS[language]
    colourings = list(_colourings(territory, facts, language))
    signs = list(_signs(territory, facts, language))
    shown = {"shortlist", "visits"} if facts.ranking is not None else {"settled"}
    layers = (
        *(
            MapLayer(c.layer, "colour", is_exclusive=True, is_shown=not k)
            for k, c in enumerate(colourings)
        ),
        *(
            MapLayer(name, "files", is_shown=name in shown)
            for name in ("shortlist", "visits", "settled")
            if any(sign.layer == name for sign in signs)
        ),
        MapLayer("partners", "villages"),
        MapLayer("work", "places"),
        MapLayer("tiles", "ground"),
    )
    words = WORDS[language]
    header = (
        templates()
        .get_template("map_title.html")
        .render(
            words=words,
            headline=facts.title,
            excluded=texts["demonstration"] if facts.is_demonstration else "",
        )
    )
    labels = {
        layer: texts.get(f"layer_{layer.name}") or words[f"layer_{layer.name}"] for layer in layers
    }
    page = _page(territory, colourings, signs, labels, language)
    cards = list(_cards(territory, facts, language))

    def script(name: str, variables: Mapping[str, str]) -> str:
        listed = ",".join(f"{layer}:{variable}" for layer, variable in variables.items())
        return (
            f'drawPlanMap({name},{{{listed}}},{{"ground":{{{_ground(territory, language)},'
            f'"cards":{script_json(cards)}}},"page":{script_json(page)}}});'
        )

    drawn = draw_map(
        "desk",
        territory,
        language,
        title=f"{facts.title} · {getattr(territory.catalog, f'name_{language}')}",
        js=f"{asset('map_cards.js')}\n{asset('plan_map.js')}",
        header=header,
        layers=labels,
        panels=_panels(territory, facts, colourings, signs, language),
        script=script,
    )
    return drawn.get_root().render()


# --- Colours -------------------------------------------------------------------------------------


def _colourings(territory: Territory, facts: DeskFacts, language: str) -> Iterator[_Colouring]:
    texts = DESK_WORDS[language]
    if facts.ranking is not None:
        yield _score_colouring(facts.ranking, language)
    elif facts.shown:
        shares = [facts.shown.get(code, 0) / facts.lists for code in territory.codes]
        limits = [format_number(limit, language, "%") for limit in EXPOSURE_LIMITS[1:]]
        labels = (texts["never"], *_between(limits, language))
        yield _Colouring(
            "exposure",
            texts["legend_exposure"].format(n=format_number(facts.lists, language)),
            EXPOSURE_COLOURS,
            labels,
            tuple(bisect_right(EXPOSURE_LIMITS, share) for share in shares),
        )
    fibre = [float(share) for share in territory.indicators["ftth_coverage_share"]]
    limits = [format_number(limit, language, "%") for limit in FIBRE_LIMITS]
    yield _Colouring(
        "fibre",
        texts["legend_fibre"],
        (*FIBRE_COLOURS, NO_DATA),
        (*_between(limits, language), texts["unknown"]),
        tuple(
            len(FIBRE_COLOURS) if math.isnan(share) else bisect_right(FIBRE_LIMITS, share)
            for share in fibre
        ),
    )


def _between(limits: Sequence[str], language: str) -> tuple[str, ...]:
    texts = DESK_WORDS[language]
    return (
        texts["below"].format(high=limits[0]),
        *(texts["between"].format(low=low, high=high) for low, high in itertools.pairwise(limits)),
        texts["above"].format(low=limits[-1]),
    )


def _score_colouring(ranking: Ranking, language: str) -> _Colouring:
    texts = DESK_WORDS[language]
    listed = set(ranking.order.tolist())
    none = len(SCORE_COLOURS)
    return _Colouring(
        "score",
        texts["legend_score"],
        (*SCORE_COLOURS, NO_DATA),
        (*_between([str(limit) for limit in SCORE_LIMITS], language), texts["unlisted"]),
        tuple(
            score_class(float(ranking.score[row])) if row in listed else none
            for row in range(len(ranking.matrix.codes))
        ),
    )


# --- Signs ---------------------------------------------------------------------------------------


def _signs(territory: Territory, facts: DeskFacts, language: str) -> Iterator[_Sign]:
    texts = DESK_WORDS[language]
    rows = {code: row for row, code in enumerate(territory.codes)}
    is_one = facts.ranking is not None
    for code, rank in facts.shortlist.items():
        if code in rows:
            title = texts["ranked"].format(n=rank)
            yield _Sign(rows[code], "round ink", str(rank), title, "shortlist")
    for code, count in facts.visits.items():
        if code in rows:
            letter = texts["visit_letter"] if is_one else str(count)
            title = texts["visited"] if is_one else texts["visits"].format(n=count)
            yield _Sign(rows[code], "square sky", letter, title, "visits")
    for code, (families, persons) in facts.settled.items():
        if code in rows:
            title = texts["settled"].format(n=families, persons=persons)
            yield _Sign(rows[code], "round sage", str(families), title, "settled")
    for code, evidence in territory.partner_evidence.items():
        is_sure = evidence == "sourced"
        shape = "diamond rust" if is_sure else "diamond rust unsure"
        title = texts["partner" if is_sure else "partner_reconstructed"]
        yield _Sign(rows[code], shape, "P", title, "partners")
    places = territory.places
    columns = ["kind", "name", "insee_code"]
    work = places.loc[places["kind"].isin(WORK_SIGNS), columns]
    for kind, name, code in work.itertuples(index=False, name=None):
        if code in rows:
            symbol = WORK_SIGNS[kind]
            yield _Sign(rows[code], symbol.shape, symbol.letter(language), name, "work")


# --- What is written -----------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _ground(territory: Territory, language: str) -> str:
    """Return outlines, names and seats as the inside of a JSON object; made once, then kept."""
    west, south, east, north = territory.communes.total_bounds.round(DECIMALS).tolist()
    seats = territory.communes[["town_hall_lat", "town_hall_lon"]].to_numpy(dtype=np.float64)
    facts = territory.facts
    people = [format_raw(fact["population"], Unit.INHABITANTS, language) for fact in facts]
    parts = {
        "bounds": [[south, west], [north, east]],
        "shapes": [geometry["coordinates"] for geometry in commune_geometries(territory)],
        "outline": department_lines(territory),
        "names": [fact["name"] for fact in facts],
        "about": [f"{f['epci']} · {p}" for f, p in zip(facts, people, strict=True)],
        "seats": seats.round(DECIMALS).tolist(),
    }
    return script_json(parts)[1:-1]


def _cards(territory: Territory, facts: DeskFacts, language: str) -> Iterator[list[list[str]]]:
    """Yield, for each commune, the parts of its card: a heading, then sentences."""
    texts, ranking = DESK_WORDS[language], facts.ranking
    ranks: dict[int, int] = {}
    if ranking is not None:
        ranks = dict(zip(ranking.order.tolist(), ranking.ranks.tolist(), strict=True))
    for row, code in enumerate(territory.codes):
        parts = []
        if ranking is not None:
            said = texts["unlisted"]
            if row in ranks:
                score = format_number(float(ranking.score[row]), language, ".1")
                said = texts["score"].format(rank=ranks[row], score=score)
            parts.append([texts["household"], said])
        if code in facts.settled:
            families, persons = facts.settled[code]
            parts.append(
                [texts["layer_settled"], texts["settled"].format(n=families, persons=persons)]
            )
        if facts.shown and ranking is None:
            said = texts["exposed"].format(n=facts.shown.get(code, 0), lists=facts.lists)
            parts.append([texts["layer_exposure"], said])
        share = float(territory.indicators["ftth_coverage_share"].iloc[row])
        fibre = texts["unknown"] if math.isnan(share) else format_number(share, language, "%")
        parts.append([texts["legend_fibre"], fibre])
        yield parts


def _page(
    territory: Territory,
    colourings: Sequence[_Colouring],
    signs: Sequence[_Sign],
    labels: Mapping[MapLayer, str],
    language: str,
) -> dict[str, Any]:
    texts, words = DESK_WORDS[language], WORDS[language]
    groups: dict[str, list[dict[str, Any]]] = {}
    for layer, label in labels.items():
        groups.setdefault(layer.group, []).append(
            {"name": layer.name, "label": label, "exclusive": layer.is_exclusive}
        )
    population = np.array([fact["population"] for fact in territory.facts])
    return {
        "words": {
            name: words[name]
            for name in ("map", "not_found", "layers", "close", "zoom_in", "zoom_out")
        },
        "colours": {**COLOURS, "noData": NO_DATA},
        "colourings": [
            {"layer": c.layer, "fills": c.fills, "labels": c.labels, "classes": c.classes}
            for c in colourings
        ],
        "signs": [[s.row, s.shape, s.letter, s.title, s.layer] for s in signs],
        "names": np.argsort(-population, kind="stable").tolist(),
        "groups": [
            {"label": texts.get(f"group_{group}") or words[f"group_{group}"], "layers": listed}
            for group, listed in groups.items()
        ],
        "source": texts["source"].format(release=territory.release_id),
    }


def _panels(
    territory: Territory,
    facts: DeskFacts,
    colourings: Sequence[_Colouring],
    signs: Sequence[_Sign],
    language: str,
) -> str:
    texts = DESK_WORDS[language]
    keys: dict[str, dict[tuple[str, str], str]] = {}
    for sign in signs:
        letter = "n" if sign.letter.isdigit() else sign.letter
        text = sign.title
        if sign.layer == "work":
            text = next(
                WORDS[language][symbol.name]
                for symbol in SYMBOLS
                if symbol.shape == sign.shape and symbol.letter(language) == sign.letter
            )
        elif sign.layer in {"shortlist", "settled", "visits"}:
            text = texts[f"key_{sign.layer}"]
        keys.setdefault(sign.layer, {})[sign.shape, letter] = text
    notes = [texts["note_one" if facts.ranking is not None else "note_all"]]
    return (
        templates()
        .get_template("desk_panels.html")
        .render(
            words={**WORDS[language], **texts},
            legends=[
                (c.layer, c.title, list(zip(c.fills, c.labels, strict=True))) for c in colourings
            ],
            signs=[
                (layer, [(shape, letter, text) for (shape, letter), text in found.items()])
                for layer, found in keys.items()
            ],
            ash=COLOURS["ash"],
            release=territory.release_id,
            notes=notes,
            credits=credit_lines(territory, TABLES, language),
        )
    )
