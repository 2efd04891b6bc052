"""Draw the pictures of ``access.md`` from the shipped release: ``make docs-screenshots``.

The isochrones stand on invented roads, which their title says: no roads are in the release.
"""

from __future__ import annotations

import sys
from pathlib import Path

import geopandas as gpd
import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Patch

sys.path.insert(0, str(Path(__file__).parents[1]))

from geo_matcher.catchments import catchments
from geo_matcher.journeys import Journeys
from geo_matcher.look import COLOURS, SCORE_COLOURS
from geo_matcher.territory import Territory
from tests.rural_graph import rural_roads

IMAGES = Path(__file__).parent / "images"
RELEASE = Path(__file__).parents[1] / "data" / "communes"
REACHED = (COLOURS["linen"], SCORE_COLOURS[3], SCORE_COLOURS[6])
WORDS = ("none", "one", "two or more")
CUTOFFS = (45.0, 30.0, 15.0)
ORIGIN = "32249"
JUNCTIONS, AROUND_M = 60_000, 30_000.0

mpl.rcParams.update({"font.family": "DejaVu Sans", "svg.fonttype": "none"})


def main() -> None:
    """Draw both."""
    territory = Territory.load(RELEASE)
    draw_catchments(territory)
    draw_isochrones(territory)


def draw_catchments(territory: Territory) -> None:
    """Draw who reaches how many places to work within the T of the network."""
    minutes = float(territory.parameters["network_reach"]["minutes"])
    found = catchments(territory, "workplace", minutes)
    communes = territory.communes.to_crs(2154)
    figure, axes = plt.subplots(figsize=(8, 6.4))
    count = found.reached.clip(upper=2).to_numpy()
    communes.plot(ax=axes, color=[REACHED[n] for n in count], edgecolor="white", linewidth=0.3)
    work = territory.places[territory.places["place_id"].isin(p.place_id for p in found.catchments)]
    at = gpd.GeoSeries.from_xy(work["lon"], work["lat"], crs=4326).to_crs(2154)
    at.plot(ax=axes, color=COLOURS["rust"], edgecolor="white", markersize=28, zorder=3)
    people = found.people(territory.communes["population"])
    labels = [
        f"{word} ({int((count == n).sum())} communes, {people[key]:,} inhabitants)"
        for n, (word, key) in enumerate(zip(WORDS, ("none", "one", "several"), strict=True))
    ]
    finish(
        axes,
        f"Places to work within {minutes:g} minutes of driving from home: how many each commune "
        "reaches",
        [Patch(facecolor=c, label=text) for c, text in zip(REACHED, labels, strict=True)],
    )
    figure.savefig(
        IMAGES / "access-catchments.png", dpi=110, bbox_inches="tight", facecolor="white"
    )


def draw_isochrones(territory: Territory) -> None:
    """Draw what is reached from one town hall on invented roads."""
    bounds = territory.communes.to_crs(2154).total_bounds
    left, bottom, right, top = (float(edge) for edge in bounds)
    around = (left - AROUND_M, bottom - AROUND_M, right + AROUND_M, top + AROUND_M)
    roads = rural_roads(JUNCTIONS, around, seed=1)
    journeys = Journeys.from_tables({**territory.tables, "roads": roads})
    figure, axes = plt.subplots(figsize=(8, 6.4))
    outline = gpd.GeoSeries([territory.communes.geometry.union_all()], crs=4326).to_crs(2154)
    outline.plot(ax=axes, color=COLOURS["linen"])
    steps = (SCORE_COLOURS[2], SCORE_COLOURS[4], SCORE_COLOURS[6])
    patches = []
    for cutoff, colour in zip(CUTOFFS, steps, strict=True):
        found = journeys.within(ORIGIN, cutoff)
        gpd.GeoSeries([found.area], crs=4326).to_crs(2154).plot(ax=axes, color=colour)
        patches.append(Patch(facecolor=colour, label=f"{cutoff:g} min, {found.area_km2:,.0f} km²"))
    outline.boundary.plot(ax=axes, color=COLOURS["ash"], linewidth=0.8)
    name = territory.communes.at[ORIGIN, "name"]
    finish(axes, f"Reached from {name}, on an INVENTED road network", patches[::-1])
    figure.savefig(
        IMAGES / "access-isochrones.png", dpi=110, bbox_inches="tight", facecolor="white"
    )


def finish(axes: Axes, title: str, handles: list[Patch]) -> None:
    """Write the title and the legend, and take the frame away."""
    axes.set_axis_off()
    axes.set_title(title, color=COLOURS["ink"], fontsize=10, loc="left", wrap=True)
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0.02), frameon=False,
                fontsize=9, ncols=len(handles))  # fmt: skip


if __name__ == "__main__":
    main()
