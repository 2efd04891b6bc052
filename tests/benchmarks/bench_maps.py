"""The Folium map of a ranking, against a bare Folium choropleth of the same polygons."""

from __future__ import annotations

import folium

from geo_matcher.maps import map_html
from geo_matcher.matching import rank
from geo_matcher.presets import PRESETS
from geo_matcher.territory import Territory
from geo_matcher.territory_file import default_release_folder
from tests.benchmarks.measure import Row, median_s


def run() -> list[Row]:
    """Measure build time and size."""
    territory = Territory.load(default_release_folder())
    ranking = rank(territory, PRESETS["paris-web-family"].profile, "all")
    page = map_html(ranking, "fr")
    shapes = territory.communes[["insee_code", "geometry"]].reset_index(drop=True)
    scores = dict(zip(ranking.matrix.codes, ranking.score.tolist(), strict=True))

    def bare() -> str:
        drawn = folium.Map(location=[43.7, 0.5], zoom_start=9, tiles=None)
        folium.Choropleth(
            geo_data=shapes, data=scores, key_on="feature.properties.insee_code"
        ).add_to(drawn)
        return str(drawn.get_root().render())

    own, other = median_s(lambda: map_html(ranking, "fr"), 7), median_s(bare, 7)
    return [
        Row("Folium map, build", own, "s", 1.0, "bare folium.Choropleth", other),
        Row("Folium map, size", len(page.encode()) / 1e6, "MB", 1.5,
            "bare folium.Choropleth (assets on CDNs)", len(bare().encode()) / 1e6),
    ]  # fmt: skip
