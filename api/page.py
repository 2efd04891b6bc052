"""The whole page: its three parts, and what stands around them.

Hides what is said of a release once and for all: sources, gaps, the words that qualify a figure,
the names on the map. A template only writes out :class:`PageView`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from api.assets import asset
from api.forms import href
from api.links import safe_url
from api.map_names import towns_around
from api.map_view import MapControls
from api.questions import FormView, ScopeView, scope_view
from api.rendering import script_json
from api.results import ResultsView
from api.texts import translator, typeset
from geo_matcher.catalog import provenance_in
from geo_matcher.criteria import Unit
from geo_matcher.destinations import HUB_CITIES
from geo_matcher.kept import kept
from geo_matcher.look import SCORE_COLOURS, SCORE_LIMITS
from geo_matcher.map_data import TYPE_COLOURS
from geo_matcher.numbers import format_month, format_number, format_raw
from geo_matcher.territory import Territory

__all__ = ["PageView", "foot_parts", "page_view"]

TOWNS = 9
"""Towns named on the map."""

TOWN_SPACING_DEG = 0.14
"""Least distance between two named towns, in degrees of latitude."""

EDGE_MARGIN = 0.06
"""How far beyond the outline the map names the cities around, as a share of its height."""

EAST_SHARE = 0.75
"""How far east of the middle a town must be for its name to stand on its left."""

TYPE_TEXTURES = (
    "M4 4h.01",
    "M0 4h8",
    "M4 0v8",
    "M0 2h8M0 6h8",
    "M0 4h8M4 0v8",
    "M2 0v8M6 0v8",
)
"""Lines drawn over the colour of each type of communes, in squares of 8."""

ROAD_GAP = "road_times"
"""Gap that a release no longer has once its times are those of the roads."""

ARROWS = "→↗↑↖←↙↓↘"
"""Directions, from the east and counter-clockwise."""


@dataclass(frozen=True, slots=True)
class PageView:
    """The whole page.

    Attributes
    ----------
    other_language_href
        Where the page is in the other language.
    territory, vintage, release, communes
        What the data are about, their month, their release and how many communes they hold.
    form, scope, results, controls
        The parts: questions, set of communes, list, what the map may show.
    legend
        Triples (colour, least, most) of the score scale; an open end is empty.
    type_patterns
        Pairs (colour, lines) of the types of communes: nobody has to tell the colours apart.
    words
        Sentences on the words that qualify a figure.
    gaps
        What the release does not hold.
    sources
        Tuples (title, credit, licence, address of the licence, address of the data).
    is_plain
        Whether nothing was asked: the page that search engines may keep.
    setup
        JSON for the scripts: colours, towns, texts.
    """

    other_language_href: str
    territory: str
    vintage: str
    release: str
    communes: str
    form: FormView
    scope: ScopeView
    results: ResultsView
    controls: MapControls
    legend: tuple[tuple[str, str, str], ...]
    type_patterns: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    gaps: tuple[str, ...]
    sources: tuple[tuple[str, str, str, str, str], ...]
    is_plain: bool
    setup: str


def page_view(
    territory: Territory,
    form: FormView,
    results: ResultsView,
    *,
    scope: str,
    language: str,
    other_query: str,
    controls: MapControls,
    is_plain: bool,
) -> PageView:
    """Return the whole page.

    Parameters
    ----------
    territory
        The release in service.
    form, results
        Its two moving parts.
    scope, language
        Those of the page.
    other_query
        The same page in the other language.
    controls
        What the map may show.
    is_plain
        Whether nothing was asked.
    """
    foot = foot_parts(territory, language)
    return PageView(
        other_language_href=href(other_query),
        territory=_in(language, territory.catalog.name_fr, territory.catalog.name_en),
        vintage=format_month(territory.catalog.vintage, language),
        release=territory.release_id,
        communes=format_number(len(territory.codes), language),
        form=form,
        scope=scope_view(territory, scope, language),
        results=results,
        controls=controls,
        legend=_legend(language),
        type_patterns=tuple(zip(TYPE_COLOURS, TYPE_TEXTURES, strict=True)),
        is_plain=is_plain,
        setup=_setup(territory, language),
        **foot,
    )


def _in(language: str, french: str, english: str) -> str:
    return typeset(french if language == "fr" else english, language)


def _legend(language: str) -> tuple[tuple[str, str, str], ...]:
    ends = ["", *(format_number(limit, language) for limit in SCORE_LIMITS), ""]
    return tuple(zip(SCORE_COLOURS, ends[:-1], ends[1:], strict=True))


@kept(maxsize=8)
def foot_parts(territory: Territory, language: str) -> dict[str, Any]:
    """Return what every page says at its foot: words, gaps and sources; see :class:`PageView`."""
    t = translator(language)
    times = territory.parameters["travel_times"]
    error = times.get("largest_relative_error")
    unchecked = "" if error is not None else ".unchecked"
    words = (
        t(
            f"foot.estimated.{times['network']}{unchecked}",
            factor=f"{times['road_factor']:.2f}".replace(".", "," if language == "fr" else "."),
            **(
                {}
                if error is None
                else {
                    "checks": times["checked_distances"],
                    "error": format_raw(error, Unit.SHARE, language),
                }
            ),
        ),
        t("foot.upper_bound"),
        t("foot.reconstructed"),
        t("foot.unknown"),
        t("foot.score"),
        t("foot.odds", n="6"),
    )
    return {
        "words": words,
        "gaps": tuple(
            _in(language, gap.text_fr, gap.text_en)
            for gap in territory.catalog.gaps
            if gap.subject != ROAD_GAP or times["network"] != "roads"
        ),
        "sources": tuple(
            (
                _in(language, table.title_fr, table.title_en),
                _in(language, table.credit_fr, table.credit_en),
                typeset(provenance_in(language, table.licence), language),
                safe_url(table.licence_url),
                safe_url(table.url),
            )
            for table in territory.catalog.tables
        ),
    }


@kept(maxsize=8)
def _setup(territory: Territory, language: str) -> str:
    """Return what the scripts need to know of a release and a language."""
    t = translator(language)
    west, south, east, north = (round(x, 4) for x in territory.communes.total_bounds.tolist())
    words = {
        key.replace(".", "_"): t(key)
        for key in (
            "map.out",
            "map.excluded",
            "map.zoom_in",
            "map.zoom_out",
            "map.failed",
            "map.open",
            "share.copied",
            "share.failed",
            "live.failed",
            "map.title",
            "compare.one_more",
            "compare.no_more",
            "why.wait",
            "map.unknown",
            "map.sources",
            "map.layer_failed",
            "map.base.failed",
            "map.base.ign.credit",
            "map.base.osm.credit",
        )
    }
    words["to_unknown"] = t("map.to.unknown", found="{found}")
    words["to_near"] = t("map.to.near", names="{names}")
    words["map_figure"] = t("map.figure", label="{label}", figure="{figure}")
    words["why_not"] = t("why.not", name="{name}")
    words["why_first"] = t("why.first", name="{name}")
    words["compare_ready"] = t("compare.ready", n="{n}")
    words["compare_print_only"] = t("compare.print_only", n="{n}")
    words["map_tooltip"] = t("map.tooltip", score="{score}", rank="{rank}")
    words["map_below"] = t("map.below", n="{n}")
    return script_json(
        {
            "language": language,
            "colours": SCORE_COLOURS,
            "leaflet": asset("/vendor/leaflet/leaflet.js").removesuffix(".js"),
            "outlines": "/api/v1/communes?f=geojson&scope=all&limit=1000",
            "release": territory.release_id,
            "bounds": [[south, west], [north, east]],
            "towns": _towns(territory),
            "cities": _cities_around(territory),
            "around": towns_around(territory),
            "words": words,
        }
    )


def _towns(territory: Territory) -> list[dict[str, Any]]:
    """Return the largest towns that stand far enough from one another to be named on a map."""
    columns = ["insee_code", "name", "population", "town_hall_lat", "town_hall_lon"]
    largest = territory.communes[columns].sort_values("population", ascending=False)
    west, _, east, _ = territory.communes.total_bounds.tolist()
    middle = (west + east) / 2
    found: list[dict[str, Any]] = []
    for _, name, _, lat, lon in largest.itertuples(index=False):
        gaps = [
            math.hypot(lat - town["lat"], (lon - town["lon"]) * math.cos(math.radians(lat)))
            for town in found
        ]
        if all(gap >= TOWN_SPACING_DEG for gap in gaps):
            is_east = lon > middle + EAST_SHARE * (east - middle)
            side = "left" if is_east else "right"
            found.append({"name": name, "lat": round(lat, 4), "lon": round(lon, 4), "side": side})
        if len(found) == TOWNS:
            break
    return found


def _cities_around(territory: Territory) -> list[dict[str, Any]]:
    """Return where the edge of the map should say that a city lies beyond.

    Names stand above or under the outline, where a wide département leaves room.
    """
    halls = territory.tables["town_halls"].set_index("insee_code")
    west, south, east, north = territory.communes.total_bounds.tolist()
    found = []
    for code, name in HUB_CITIES.values():
        if code in territory.communes.index or code not in halls.index:
            continue
        lon, lat = (float(str(halls.at[code, f"town_hall_{axis}"])) for axis in ("lon", "lat"))
        dx, dy = lon - (west + east) / 2, lat - (south + north) / 2
        angle = math.degrees(math.atan2(dy, dx * math.cos(math.radians(lat))))
        edge = (north - south) * EDGE_MARGIN
        found.append(
            {
                "name": name,
                "arrow": ARROWS[round(angle / 45) % 8],
                "lat": round(north + edge if dy > 0 else south - edge, 4),
                "lon": round(min(max(lon, west), east), 4),
                "side": "right" if lon <= west else "left" if lon >= east else "middle",
                "at": [round(lat, 4), round(lon, 4)],
            }
        )
    return found
