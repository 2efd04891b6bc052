"""The advisers' map: one family's villages, or the whole portfolio, in one file.

Hides what is drawn where and in which words. Like ``planning_map`` it computes nothing and loads
nothing; texts leave this module as JSON that is safe in a script or through templates that escape
them. It knows communes and counts, and nobody's name.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from geo_matcher.coloured_map import (
    Colouring,
    Facts,
    Key,
    Sign,
    class_texts,
    colour_layers,
    coloured_map_html,
)
from geo_matcher.desk_map_words import DESK_WORDS
from geo_matcher.look import (
    NO_DATA,
    SCORE_COLOURS,
    SCORE_LIMITS,
    score_class,
)
from geo_matcher.map_data import (
    FIBRE_COLOURS,
    FIBRE_LIMITS,
    SYMBOLS,
    MapLayer,
)
from geo_matcher.map_words import WORDS
from geo_matcher.matching import Ranking
from geo_matcher.numbers import format_number
from geo_matcher.territory import Territory

__all__ = ["DeskFacts", "desk_map_html"]

EXPOSURE_LIMITS = (0.001, 0.05, 0.1, 0.2, 0.35)
"""Shares of lists at which the colour of the exposure changes."""

EXPOSURE_COLOURS = (NO_DATA, *SCORE_COLOURS[1:6])
TABLES = ("communes", "broadband_fixed", "workplaces", "partners_evidence")
OWN_LAYERS = ("shortlist", "visits", "settled")
"""Layers of what the files say, in the order of the control."""

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
    return coloured_map_html(
        "desk",
        territory,
        language,
        facts=Facts(
            title=facts.title,
            headline=facts.title,
            warning=texts["demonstration"] if facts.is_demonstration else "",
            keys={layer: ("", keys) for layer, keys in _keys(signs, language).items()},
            told=(),
            notes=[texts["note_one" if facts.ranking is not None else "note_all"]],
            source=texts["source"].format(release=territory.release_id),
            tables=TABLES,
        ),
        texts=texts,
        layers=(
            *colour_layers(colourings),
            *(
                MapLayer(name, "files", is_shown=name in shown)
                for name in OWN_LAYERS
                if any(sign.layer == name for sign in signs)
            ),
            MapLayer("partners", "villages"),
            MapLayer("work", "places"),
            MapLayer("tiles", "ground"),
        ),
        colourings=colourings,
        signs=signs,
        cards=list(_cards(territory, facts, language)),
    )


# --- Colours -------------------------------------------------------------------------------------


def _colourings(territory: Territory, facts: DeskFacts, language: str) -> Iterator[Colouring]:
    texts = DESK_WORDS[language]
    if facts.ranking is not None:
        yield _score_colouring(facts.ranking, language)
    elif facts.shown:
        shares = [facts.shown.get(code, 0) / facts.lists for code in territory.codes]
        limits = [format_number(limit, language, "%") for limit in EXPOSURE_LIMITS[1:]]
        labels = (texts["never"], *class_texts(limits, texts))
        yield Colouring(
            "exposure",
            texts["legend_exposure"].format(n=format_number(facts.lists, language)),
            EXPOSURE_COLOURS,
            labels,
            tuple(bisect_right(EXPOSURE_LIMITS, share) for share in shares),
        )
    fibre = [float(share) for share in territory.indicators["ftth_coverage_share"]]
    limits = [format_number(limit, language, "%") for limit in FIBRE_LIMITS]
    yield Colouring(
        "fibre",
        texts["legend_fibre"],
        (*FIBRE_COLOURS, NO_DATA),
        (*class_texts(limits, texts), texts["unknown"]),
        tuple(
            len(FIBRE_COLOURS) if math.isnan(share) else bisect_right(FIBRE_LIMITS, share)
            for share in fibre
        ),
    )


def _score_colouring(ranking: Ranking, language: str) -> Colouring:
    texts = DESK_WORDS[language]
    listed = set(ranking.order.tolist())
    none = len(SCORE_COLOURS)
    return Colouring(
        "score",
        texts["legend_score"],
        (*SCORE_COLOURS, NO_DATA),
        (*class_texts([str(limit) for limit in SCORE_LIMITS], texts), texts["unlisted"]),
        tuple(
            score_class(float(ranking.score[row])) if row in listed else none
            for row in range(len(ranking.matrix.codes))
        ),
    )


# --- Signs ---------------------------------------------------------------------------------------


def _signs(territory: Territory, facts: DeskFacts, language: str) -> Iterator[Sign]:
    texts = DESK_WORDS[language]
    rows = {code: row for row, code in enumerate(territory.codes)}
    is_one = facts.ranking is not None
    for code, rank in facts.shortlist.items():
        if code in rows:
            title = texts["ranked"].format(n=rank)
            yield Sign(rows[code], "round ink", str(rank), title, "shortlist")
    for code, count in facts.visits.items():
        if code in rows:
            letter = texts["visit_letter"] if is_one else str(count)
            title = texts["visited"] if is_one else texts["visits"].format(n=count)
            yield Sign(rows[code], "square sky", letter, title, "visits")
    for code, (families, persons) in facts.settled.items():
        if code in rows:
            title = texts["settled"].format(n=families, persons=persons)
            yield Sign(rows[code], "round sage", str(families), title, "settled")
    for code, evidence in territory.partner_evidence.items():
        is_sure = evidence == "sourced"
        shape = "diamond rust" if is_sure else "diamond rust unsure"
        title = texts["partner" if is_sure else "partner_reconstructed"]
        yield Sign(rows[code], shape, "P", title, "partners")
    places = territory.places
    columns = ["kind", "name", "insee_code"]
    work = places.loc[places["kind"].isin(WORK_SIGNS), columns]
    for kind, name, code in work.itertuples(index=False, name=None):
        if code in rows:
            symbol = WORK_SIGNS[kind]
            yield Sign(rows[code], symbol.shape, symbol.letter(language), name, "work")


# --- What is written -----------------------------------------------------------------------------


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


def _keys(signs: Sequence[Sign], language: str) -> dict[str, list[Key]]:
    """Return what the signs of each layer mean, each once; a figure stands for any."""
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
        elif sign.layer in OWN_LAYERS:
            text = texts[f"key_{sign.layer}"]
        keys.setdefault(sign.layer, {})[sign.shape, letter] = text
    return {
        layer: [(shape, letter, text) for (shape, letter), text in found.items()]
        for layer, found in keys.items()
    }
