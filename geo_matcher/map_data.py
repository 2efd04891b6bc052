"""What a map knows of every commune and place, in compact arrays.

Hides how everything that a click may show for each commune fits in a few hundred kilobytes: labels
are written once, texts that come back are numbered, figures are written as they are shown. What
depends on the release alone is made once per territory and language. Nothing is computed here that
is not already in the release, in its typology or in the ranking.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import orjson
import shapely

from geo_matcher.catchments import CUTOFFS_MIN
from geo_matcher.criteria import CRITERIA, Unit
from geo_matcher.decision import Status, decision_matrix
from geo_matcher.destinations import DAILY_SERVICES, HUB_CITIES
from geo_matcher.epci_words import epci_label
from geo_matcher.exports import commune_geometries, rounded_outlines
from geo_matcher.flags import red_flags
from geo_matcher.journeys import Journeys
from geo_matcher.kept import kept
from geo_matcher.layers import NO_CLASS, LayerValues, layer_text, layer_values
from geo_matcher.look import SCORE_COLOURS, score_class
from geo_matcher.map_words import WORDS
from geo_matcher.matching import Ranking
from geo_matcher.numbers import format_raw
from geo_matcher.place_names import readable_name, spellings_of
from geo_matcher.places import is_unsure
from geo_matcher.sentences import explain, miss_phrase
from geo_matcher.territory import LAMBERT_93, WGS_84, Territory
from geo_matcher.typology import MAX_COMMUNES, MIN_COMMUNES, Typology, typology
from geo_matcher.wheel import trips_of

__all__ = [
    "BEST",
    "DECIMALS",
    "FIBRE_COLOURS",
    "FIBRE_LIMITS",
    "ISOCHRONES",
    "LAYERS",
    "SYMBOLS",
    "TYPE_COLOURS",
    "MapLayer",
    "Symbol",
    "department_lines",
    "drawn_layers",
    "drawn_types",
    "ground_json",
    "isochrone_origin",
    "ranking_data",
    "script_json",
]

FIBRE_LIMITS = (0.5, 0.8, 0.9, 0.95, 0.99)
"""Shares of premises at which the colour of the fibre map changes."""

FIBRE_COLOURS = ("#FBF1DA", "#F3DDAE", "#E6C07A", "#D29E4B", "#AE7728", "#744A12")
"""From the lowest to the highest share of premises that fibre passes."""

TYPE_COLOURS = ("#EFD090", "#7F9CB4", "#C98776", "#CDE3D6", "#B4B0A7", "#9FC9D6")
"""Tints of sunflower, sky, rust, sage, ash and sky for the types of communes, in the order of their
letters. Chosen among such tints so that the first four, then all six, differ most to eyes that miss
a kind of cone (G. M. Machado et al., IEEE TVCG 15, 2009), and that ink reads on each."""

BEST = 10
"""Number of communes whose name stands out on the map."""

TOWN_INHABITANTS = 2000
"""Size from which the name of a commune is always looked for room on the map."""

DECIMALS = 5
"""Decimals of the positions of places: about one metre."""

ISOCHRONE_DECIMALS = 4

EXCLUDED, OUTSIDE, UNKNOWN = len(SCORE_COLOURS), len(SCORE_COLOURS) + 1, len(FIBRE_COLOURS)
NO_TYPE, NO_STEP = len(TYPE_COLOURS), len(SCORE_COLOURS)
"""Classes that are no step of a scale."""

WHOLE_UNITS = frozenset(Unit) - {Unit.SHARE, Unit.YES_NO, Unit.EUR_M2_MONTH}
"""Units whose figures are written without decimals."""

SHOWN_INTERVAL = 0.05
"""Width of the interval of a score from which it is shown."""


@dataclass(frozen=True, slots=True)
class MapLayer:
    """One layer of the map.

    Attributes
    ----------
    name
        Its word is ``layer_<name>``.
    group
        Heading under which it stands in the layer control; its word is ``group_<group>``.
    is_exclusive
        Whether it takes the place of the other layers of its group.
    is_shown
        Whether it is shown when the map opens.
    """

    name: str
    group: str
    is_exclusive: bool = False
    is_shown: bool = False


LAYERS: tuple[MapLayer, ...] = (
    MapLayer("score", "colour", is_exclusive=True, is_shown=True),
    MapLayer("fibre", "colour", is_exclusive=True),
    MapLayer("types", "colour", is_exclusive=True),
    MapLayer("wheel", "colour", is_exclusive=True),
    MapLayer("reached", "colour", is_exclusive=True),
    MapLayer("plain", "colour", is_exclusive=True),
    MapLayer("partners", "villages", is_shown=True),
    MapLayer("work", "places", is_shown=True),
    MapLayer("stops", "places"),
    MapLayer("shops", "places"),
    MapLayer("schools", "places"),
    MapLayer("france_services", "places"),
    MapLayer("tiles", "ground"),
)
"""Every layer, in the order of the layer control."""

ISOCHRONES = MapLayer("isochrones", "villages")
"""Shown beside them where a release has roads: what is within 15, 30 and 45 minutes."""

ISOCHRONE_M = 200.0
"""Tolerance to which the ground within reach is simplified, in metres."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """How one kind of place is drawn: letters in a shape; no two share both, in any colour."""

    name: str
    layer: str
    kinds: tuple[str, ...]
    shape: str
    letter_fr: str
    letter_en: str

    def letter(self, language: str) -> str:
        """Return its letter in a language."""
        return self.letter_fr if language == "fr" else self.letter_en


SYMBOLS: tuple[Symbol, ...] = (
    Symbol("coworking", "work", ("coworking",), "square clay", "C", "C"),
    Symbol("third_place", "work", ("third_place", "fablab"), "diamond clay", "L", "P"),
    Symbol("telecentre", "work", ("telecentre",), "round clay", "T", "T"),
    Symbol("station", "stops", ("station",), "square ink", "G", "S"),
    Symbol("airport", "stops", ("airport",), "diamond ink", "A", "A"),
    Symbol("primary_school", "schools", ("primary_school",), "wide sky", "Éc", "Pr"),
    Symbol("college", "schools", ("college",), "wide sky", "Co", "Co"),
    Symbol("lycee", "schools", ("lycee",), "wide sky", "Ly", "Ly"),
    Symbol("france_services", "france_services", ("france_services",), "square sage", "F", "F"),
)
"""Kinds of places that are drawn with a letter."""

FOOD_SHOPS = frozenset({"bakery", "grocery", "supermarket", "fresh_food"})
"""Everyday shops drawn as a full point; the others are drawn as a ring."""


def script_json(value: object) -> str:
    """Write a value as JSON that is safe inside a ``<script>`` of any page."""
    text = orjson.dumps(value).decode()
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


# --- What depends on the release alone ---------------------------------------------------------


@kept(maxsize=8)
def ground_json(territory: Territory, language: str) -> str:
    """Return outlines, facts, fibre, flags and places as JSON; made once, then kept."""
    facts = territory.facts
    epcis = sorted({fact["epci"] for fact in facts})
    number = {name: i for i, name in enumerate(epcis)}
    seats = territory.communes[["town_hall_lat", "town_hall_lon"]].to_numpy(dtype=np.float64)
    west, south, east, north = territory.communes.total_bounds.round(DECIMALS).tolist()
    shares = territory.indicators["ftth_coverage_share"].tolist()
    types = drawn_types(territory)
    kinds = types.types if types else ()
    type_of = {code: i for i, kind in enumerate(kinds) for code in kind.members}
    flag_texts, flags = _numbered(
        [
            [flag.text_fr if language == "fr" else flag.text_en for flag in flags]
            for flags in red_flags(territory).values()
        ]
    )
    return script_json(
        {
            "bounds": [[south, west], [north, east]],
            "shapes": [geometry["coordinates"] for geometry in commune_geometries(territory)],
            "outline": department_lines(territory),
            "names": [fact["name"] for fact in facts],
            "epcis": [epci_label(name, language) for name in epcis],
            "epci": [number[fact["epci"]] for fact in facts],
            "people": [format_raw(f["population"], Unit.INHABITANTS, language) for f in facts],
            "seats": seats.round(DECIMALS).tolist(),
            "partner": [("", "sourced", "reconstructed").index(f["evidence"] or "") for f in facts],
            "fibre": [_fibre_class(share) for share in shares],
            "fibreText": [format_raw(share, Unit.SHARE, language) for share in shares],
            "types": [
                [kind.letter, kind.name(language), seat]
                for kind, seat in zip(kinds, _type_seats(territory), strict=True)
            ],
            "type": [type_of.get(code, NO_TYPE) for code in territory.codes],
            **_layer_arrays("reached", layer_values(territory, "catchments"), language),
            "flagTexts": flag_texts,
            "flags": flags,
            "places": _places(territory, language),
            "shops": _shops(territory),
        }
    )


def drawn_types(territory: Territory) -> Typology | None:
    """Return the types of communes, or None where there are too few or too many to make any."""
    count = len(territory.codes)
    return typology(territory) if MIN_COMMUNES <= count <= MAX_COMMUNES else None


@kept(maxsize=8)
def _type_seats(territory: Territory) -> list[list[float]]:
    """Return latitude and longitude of the middle of the widest part of each type."""
    types = drawn_types(territory)
    outlines = territory.communes.geometry.to_crs(LAMBERT_93)
    middles = [
        shapely.get_point(
            shapely.maximum_inscribed_circle(outlines.loc[list(kind.members)].union_all(), 100), 0
        )
        for kind in (types.types if types else ())
    ]
    seats = gpd.GeoSeries(middles, crs=LAMBERT_93).to_crs(WGS_84)
    return [
        [round(lat, DECIMALS), round(lon, DECIMALS)]
        for lon, lat in zip(seats.x, seats.y, strict=True)
    ]


def _fibre_class(share: float) -> int:
    return UNKNOWN if np.isnan(share) else bisect_right(FIBRE_LIMITS, share)


def _numbered(lists: Sequence[Sequence[str]]) -> tuple[list[str], list[list[int]]]:
    """Give each different text a number, and write the lists with numbers."""
    numbers: dict[str, int] = {}
    numbered = [[numbers.setdefault(text, len(numbers)) for text in texts] for texts in lists]
    return list(numbers), numbered


@kept(maxsize=8)
def department_lines(territory: Territory) -> list[list[list[float]]]:
    """Return the outer border of the territory as lines of longitudes and latitudes."""
    outlines = list(rounded_outlines(territory))
    # Communes that share their edges exactly are joined forty times faster.
    join = shapely.coverage_union_all if shapely.coverage_is_valid(outlines) else shapely.union_all
    whole = join(outlines)
    rings = shapely.get_rings(shapely.get_parts(whole))
    return [shapely.get_coordinates(ring).round(DECIMALS).tolist() for ring in rings]


def _places(territory: Territory, language: str) -> list[list[Any]]:
    """Return what is drawn with a letter: places of one kind at one point are one sign.

    Each is latitude, longitude, number of its symbol, names, commune, whether it is unsure, and a
    sentence on what is known of it.
    """
    words = WORDS[language]
    halls = territory.tables["town_halls"]
    communes = dict(zip(halls["insee_code"], halls["name"], strict=True))
    communes |= {fact["insee_code"]: fact["name"] for fact in territory.facts}
    spellings = spellings_of(territory)
    symbol_of = {kind: i for i, s in enumerate(SYMBOLS) for kind in s.kinds}
    places = territory.places
    drawn = places[places["kind"].isin(symbol_of)]
    signs: dict[tuple[Any, ...], list[str]] = {}
    columns = ["kind", "name", "insee_code", "lon", "lat", "position", "status"]
    for kind, name, code, lon, lat, position, status in drawn[columns].itertuples(index=False):
        notes = [words.get(f"status_{status}", status)]
        notes += [words["at_town_hall"]] if position == "town_hall" else []
        key = (
            round(lat, DECIMALS),
            round(lon, DECIMALS),
            symbol_of[kind],
            communes.get(code, ""),
            int(is_unsure(status)),
            " ".join(filter(None, notes)),
        )
        signs.setdefault(key, []).append(readable_name(name, spellings))
    return [
        [lat, lon, symbol, names, commune, unsure, note]
        for (lat, lon, symbol, commune, unsure, note), names in sorted(signs.items())
    ]


def _shops(territory: Territory) -> list[list[float]]:
    """Return everyday shops as latitude, longitude and 1 for food or 0 for a service."""
    places = territory.places
    shops = places[places["kind"].isin(DAILY_SERVICES)]
    return [
        [round(lat, DECIMALS), round(lon, DECIMALS), int(kind in FOOD_SHOPS)]
        for kind, lon, lat in shops[["kind", "lon", "lat"]].itertuples(index=False)
    ]


@kept(maxsize=8)
def _figure_texts(territory: Territory, language: str) -> list[list[str]]:
    """Return every figure of every commune as it is written, criterion by criterion."""
    matrix = decision_matrix(territory)
    at_most = WORDS[language]["at_most"]
    columns = []
    for k, criterion in enumerate(CRITERIA.values()):
        raws = matrix.raw[:, k]
        if criterion.unit in WHOLE_UNITS:
            raws = np.rint(raws)  # fewer different figures to write; they are shown whole anyway
        texts = [format_raw(raw, criterion.unit, language) for raw in raws.tolist()]
        bounded = matrix.status[:, k] == Status.UPPER_BOUND
        columns.append(
            [
                at_most.format(figure=text) if bound else text
                for text, bound in zip(texts, bounded.tolist(), strict=True)
            ]
        )
    return columns


# --- What depends on the ranking ---------------------------------------------------------------


def ranking_data(ranking: Ranking, language: str) -> dict[str, Any]:
    """Return what a click on each commune shows, in compact arrays.

    Scores and points are whole numbers of tenths of a point.
    """
    n = len(ranking.score)
    heaviest = np.argsort(-ranking.max_points, kind="stable")
    used = [k for k in heaviest.tolist() if ranking.max_points[k] > 0]
    criteria = list(CRITERIA.values())
    figures = _figure_texts(ranking.territory, language)
    ranks, tied = [0] * n, [0] * n
    shared = np.bincount(ranking.ranks, minlength=2)
    for row, place in zip(ranking.order.tolist(), ranking.ranks.tolist(), strict=True):
        ranks[row], tied[row] = place, int(shared[place] > 1)
    said = [explain(ranking, row, language) for row in range(n)]
    note_texts, notes = _numbered([_notes(ranking, row, language) for row in range(n)])
    return {
        "score": _tenths(ranking.score),
        "range": [
            text.completeness if high - low >= SHOWN_INTERVAL else ""
            for text, low, high in zip(
                said, ranking.score_min.tolist(), ranking.score_max.tolist(), strict=True
            )
        ],
        "class": _score_classes(ranking),
        "rank": ranks,
        "tied": tied,
        **_layer_arrays(
            "wheel",
            layer_values(ranking.territory, "wheel", trips=trips_of(ranking.profile)),
            language,
        ),
        "isochrones": _isochrones(ranking),
        "summary": [text.summary for text in said],
        "missing": [" ".join(filter(None, (text.missing, text.bounds))) for text in said],
        "noteTexts": note_texts,
        "notes": notes,
        "out": _misses(ranking, language),
        "labels": [
            criteria[k].label_fr if language == "fr" else criteria[k].label_en for k in used
        ],
        "maxima": _tenths(ranking.max_points[used]),
        "figures": [figures[k] for k in used],
        "points": [_tenths(ranking.points[:, k]) for k in used],
        "names": _name_order(ranking),
    }


def _layer_arrays(name: str, found: LayerValues, language: str) -> dict[str, list[Any]]:
    """Return the class of each commune and its figure as it is written."""
    figures = zip(found.values.tolist(), found.status.tolist(), strict=True)
    return {
        name: [NO_STEP if step == NO_CLASS else step for step in found.classes],
        f"{name}Text": [layer_text(found.layer, value, kind, language) for value, kind in figures],
    }


def drawn_layers(territory: Territory) -> tuple[MapLayer, ...]:
    """Return the layers of the map of a release."""
    if Journeys.of(territory).roads is None:
        return LAYERS
    place = LAYERS.index(next(layer for layer in LAYERS if layer.group == ISOCHRONES.group))
    return (*LAYERS[:place], ISOCHRONES, *LAYERS[place:])


def isochrone_origin(ranking: Ranking) -> str:
    """Return from where the ground within reach is drawn: the clients' town, else the first.

    Empty where neither is on the roads.
    """
    journeys = Journeys.of(ranking.territory)
    city = ranking.profile.client_city
    codes = [HUB_CITIES[city][0]] if city is not None else []
    codes += [str(ranking.matrix.codes[row]) for row in ranking.order[:1].tolist()]
    return next((code for code in codes if journeys.is_on_roads(code)), "")


def _isochrones(ranking: Ranking) -> list[list[Any]]:
    """Return minutes and polygons of the ground within reach, the largest first."""
    code = isochrone_origin(ranking)
    return _ground_within(ranking.territory, code) if code else []


@kept(maxsize=32)
def _ground_within(territory: Territory, code: str) -> list[list[Any]]:
    journeys = Journeys.of(territory)
    if journeys.roads is None:
        return []
    found = journeys.within_each(code, sorted(CUTOFFS_MIN, reverse=True))
    if any(one.area is None for one in found):
        return []
    areas = gpd.GeoSeries([one.area for one in found], crs=WGS_84).to_crs(LAMBERT_93)
    drawn = areas.simplify(ISOCHRONE_M).to_crs(WGS_84)
    return [
        [
            round(one.cutoff_min),
            [
                [
                    shapely.get_coordinates(ring).round(ISOCHRONE_DECIMALS).tolist()
                    for ring in (part.exterior, *part.interiors)
                ]
                for part in shapely.get_parts(area)
                if part.geom_type == "Polygon"
            ],
        ]
        for one, area in zip(found, drawn, strict=True)
    ]


def _tenths(amounts: np.ndarray[Any, np.dtype[np.float64]]) -> list[int]:
    tenths: list[int] = np.rint(amounts * 10).astype(int).tolist()
    return tenths


def _score_classes(ranking: Ranking) -> list[int]:
    classes = [OUTSIDE] * len(ranking.score)
    for row in ranking.excluded.tolist():
        classes[row] = EXCLUDED
    for row in ranking.order.tolist():
        classes[row] = score_class(ranking.score[row].item())
    return classes


def _notes(ranking: Ranking, row: int, language: str) -> list[str]:
    """Return what must be said of limits that cannot be verified."""
    labels = [
        CRITERIA[limit.criterion].label_fr
        if language == "fr"
        else CRITERIA[limit.criterion].label_en
        for limit in ranking.limits
        if limit.unverified[row]
    ]
    words = WORDS[language]
    return [words["unverified"].format(names=", ".join(labels))] if labels else []


def _misses(ranking: Ranking, language: str) -> dict[str, list[str]]:
    """Return, for each excluded commune by row, by how much it misses each limit."""
    excluded = zip(ranking.excluded.tolist(), ranking.excluded_communes(), strict=True)
    return {
        str(row): [
            miss_phrase(miss["criterion"], miss["by"], language) for miss in commune["limits"]
        ]
        for row, commune in excluded
    }


def _name_order(ranking: Ranking) -> list[list[int]]:
    """Return rows in the order in which names are given room, each with the tier of its name.

    Tiers: 0 the best communes, 1 towns, 2 partner villages, 3 all the others.
    """
    facts = ranking.territory.facts
    best = ranking.order[:BEST].tolist()
    place = {row: i for i, row in enumerate(best)}
    tiered = []
    for row, fact in enumerate(facts):
        is_town = fact["population"] >= TOWN_INHABITANTS
        tier = 0 if row in place else 1 if is_town else 2 if fact["partner"] else 3
        tiered.append((tier, place.get(row, 0), -fact["population"], row))
    return [[row, tier] for tier, _, _, row in sorted(tiered)]
