"""Maps of rankings, drawn with Folium in one file that needs no internet.

Hides Folium and Leaflet. Three traps of Folium are dealt with here and nowhere else:

* its maps load a dozen scripts and styles from other sites: this map carries Leaflet inside itself
  and loads nothing, and never touches the lists that all Folium maps share;
* its elements have random names and some of them add a line at each rendering: here names are
  fixed, so that the same ranking gives the same bytes, rendered once or ten times;
* it renders the text of its elements *again* as a Jinja template, so that a name such as
  ``{{ … }}`` would run as code: here no text of the data or of a profile goes through its
  templates (:class:`_Verbatim`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import folium
from branca.element import Element, Figure
from folium.template import Template

from geo_matcher.map_data import MapLayer, drawn_layers
from geo_matcher.map_parts import (
    drawing_script,
    leaflet_css,
    leaflet_js,
    map_css,
    map_js,
    panels_html,
    profile_label,
    title_html,
)
from geo_matcher.map_words import WORDS
from geo_matcher.matching import Ranking
from geo_matcher.territory import Territory

__all__ = ["TILES_URL", "draw_map", "map_html", "match_map"]

TILES_URL = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
"""The only address that a map may load from, and only after the user has ticked the base map."""

TILES_MAX_ZOOM = 19
MIN_ZOOM = 7
MAX_ZOOM = 17
ZOOM_STEP = 0.25


class _Verbatim(Element):
    """A text that goes into the page as it is.

    Folium and branca read any other text as a Jinja template, at each rendering.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def render(self, **_kwargs: Any) -> str:
        return self.text


class _Page(Figure):
    """A page in a language, with a title that is escaped."""

    _template = Template(
        "<!DOCTYPE html>\n"
        '<html lang="{{ this.language }}">\n'
        "<head>\n"
        '<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<title>{{ this.title|e }}</title>\n"
        "{{ this.header.render(**kwargs) }}\n"
        "</head>\n"
        "<body>\n"
        "{{ this.html.render(**kwargs) }}\n"
        "<script>\n"
        "{{ this.script.render(**kwargs) }}\n"
        "</script>\n"
        "</body>\n"
        "</html>\n"
    )

    def __init__(self, title: str, language: str) -> None:
        super().__init__(title=title)
        self.language = language
        self.header._children.clear()  # its charset comes too late in the page


class _Map(folium.Map):
    """A Folium map that loads nothing from anywhere."""

    _template = Template(
        """
        {% macro html(this, kwargs) %}
        <main class="folium-map" id="{{ this.get_name() }}"></main>
        {% endmacro %}
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.map("{{ this.get_name() }}", {
            center: {{ this.location|tojson }},
            ...{{ this.options|tojavascript }}
        });
        {% endmacro %}
        """
    )

    def __init__(self, name: str, location: tuple[float, float]) -> None:
        super().__init__(
            location=location,
            tiles=None,
            zoom_start=9,
            zoom_control=False,
            attribution_control=False,
            zoom_snap=ZOOM_STEP,
            track_resize=False,  # the drawing script watches the size
            min_zoom=MIN_ZOOM,
            max_zoom=MAX_ZOOM,
        )
        self._id = name
        # Lists of its own: Folium's are shared by every map of the process.
        self.default_js = []
        self.default_css = []


class _Group(folium.FeatureGroup):
    """An empty layer that the drawing script fills."""

    _template = Template(
        """
        {% macro script(this, kwargs) %}
        var {{ this.get_name() }} = L.featureGroup()
        {%- if this.show %}.addTo({{ this._parent.get_name() }}){% endif %};
        {% endmacro %}
        """
    )

    def render(self, **kwargs: Any) -> str:
        """Render without the line that Folium's layers add at each rendering."""
        super(folium.map.Layer, self).render(**kwargs)  # type: ignore[no-untyped-call]
        return ""


class _Drawing(Element):
    """Legend, sources and the call that draws everything, after all other elements."""

    def __init__(self, name: str, panels: str, script: str) -> None:
        super().__init__()
        self._id = name
        self._name = "Drawing"
        self.panels = panels
        self.script = script

    def render(self, **_kwargs: Any) -> str:
        page = self.get_root()
        if not isinstance(page, Figure):
            raise TypeError("a map can be rendered on its page only: call get_root().render()")
        page.html.add_child(_Verbatim(self.panels), name="panels")
        page.script.add_child(_Verbatim(self.script), name="drawing")
        return ""


def match_map(ranking: Ranking, language: str = "fr") -> folium.Map:
    """Draw the map of a ranking.

    Parameters
    ----------
    ranking
        What to draw; nothing is computed again.
    language
        ``fr`` or ``en``.

    Returns
    -------
    folium.Map
        Its page is ``get_root()``; ``save(path)`` writes it. The file loads nothing, unless the
        reader ticks the base map, and the same ranking always gives the same bytes.

    Raises
    ------
    ValueError
        If the language is unknown.
    """
    if language not in WORDS:
        raise ValueError(f"Unknown language {language!r}: expected one of {', '.join(WORDS)}.")
    label = profile_label(ranking, language)
    name = getattr(ranking.territory.catalog, f"name_{language}")
    return draw_map(
        "match",
        ranking.territory,
        language,
        title=f"{WORDS[language]['title']} · {label} · {name}",
        js=map_js(),
        header=title_html(ranking, language),
        layers={
            layer: WORDS[language][f"layer_{layer.name}"]
            for layer in drawn_layers(ranking.territory)
        },
        panels=panels_html(ranking, language),
        script=lambda drawn, variables: drawing_script(ranking, language, drawn, variables),
    )


def draw_map(
    name: str,
    territory: Territory,
    language: str,
    *,
    title: str,
    js: str,
    header: str,
    layers: Mapping[MapLayer, str],
    panels: str,
    script: Callable[[str, Mapping[str, str]], str],
) -> folium.Map:
    """Draw a map whose layers a script fills; the file loads nothing by itself.

    Parameters
    ----------
    name
        Makes the names inside the page.
    territory
        The release; its bounds are what is shown first.
    language
        ``fr`` or ``en``.
    title
        Title of the page, as plain text.
    js
        The scripts that draw.
    header, panels
        What stands above the map and over it, as HTML in which all text is escaped.
    layers
        Its layers with their labels; one that is called ``tiles`` is a base map from the internet.
    script
        Given the names of the variables of the map and of its layers, returns the call that draws.
    """
    words = WORDS[language]
    west, south, east, north = territory.communes.total_bounds.tolist()
    drawn = _Map(name, ((south + north) / 2, (west + east) / 2))
    page = _Page(title, language)
    for part, text in (
        ("leaflet_css", f"<style>\n{leaflet_css()}\n</style>"),
        ("map_css", f"<style>\n{map_css()}\n</style>"),
        ("leaflet_js", f"<script>\n{leaflet_js()}\n</script>"),
        ("map_js", f"<script>\n{js}\n</script>"),
    ):
        page.header.add_child(_Verbatim(text), name=part)
    page.html.add_child(_Verbatim(header), name="title")
    page.add_child(drawn, name="map")
    variables = {}
    for layer, label in layers.items():
        element = _tiles(words) if layer.name == "tiles" else _group(layer, label)
        element._id = layer.name
        drawn.add_child(element, name=layer.name)
        variables[layer.name] = element.get_name()
    drawn.add_child(_Drawing(name, panels, script(drawn.get_name(), variables)), name="drawing")
    return drawn


def _group(layer: MapLayer, label: str) -> _Group:
    return _Group(name=label, overlay=not layer.is_exclusive, show=layer.is_shown)


def _tiles(words: Any) -> folium.TileLayer:
    return folium.TileLayer(
        tiles=TILES_URL,
        attr=words["tiles_credit"],
        name=words["layer_tiles"],
        max_zoom=TILES_MAX_ZOOM,
        overlay=True,
        show=False,
        # The tiles' owner asks to know which site they are for; the page itself is not told.
        referrer_policy="strict-origin-when-cross-origin",
    )


def map_html(ranking: Ranking, language: str = "fr") -> str:
    """Return the map of a ranking as one HTML document.

    Parameters
    ----------
    ranking
        What to draw.
    language
        ``fr`` or ``en``.

    Raises
    ------
    ValueError
        If the language is unknown.
    """
    return match_map(ranking, language).get_root().render()
