"""Pictures of gaps, plans and years as SVG: bars with their doubt, curves, steps, a small map.

Hides geometry. A picture is one ``<svg>`` element with its title, its description and its texts as
text; colours are those of the page around it, by the names of its classes. Nothing is computed
here but places on paper, and every text is escaped. Same figures, same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

import shapely

from geo_matcher.exports import rounded_outlines
from geo_matcher.kept import kept
from geo_matcher.territory import Territory

__all__ = ["Bar", "Step", "Titles", "bars_svg", "curve_svg", "map_svg", "steps_svg"]

WIDTH = 340.0
"""Units across a picture: about those of a phone, so that its texts stay readable there."""

ROW, BAR_TOP, BAR_HEIGHT = 40.0, 20.0, 10.0
HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 216.0, 48.0, 14.0, 22.0, 40.0
TICKS = 4
MAP_TOLERANCE = 0.004
"""Degrees by which outlines may be simplified in a picture a few centimetres wide."""


@dataclass(frozen=True, slots=True)
class Titles:
    """What a picture is called.

    Attributes
    ----------
    name
        Makes the names inside the picture unlike those of the others on its page.
    title
        A sentence that says what it shows.
    text
        How it is to be read.
    """

    name: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes
    ----------
    label, figure
        What stands above it, left and right.
    value
        Its length.
    low, high
        The interval of the figure, drawn as a line across its end; None for none.
    mark
        Another figure, drawn as a ring; None for none.
    """

    label: str
    figure: str
    value: float
    low: float | None = None
    high: float | None = None
    mark: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A share that holds from a moment on, with its interval; None where it is not defined."""

    at: float
    share: float
    low: float | None = None
    high: float | None = None


def bars_svg(bars: Sequence[Bar], titles: Titles) -> str:
    """Draw one bar below the other.

    Parameters
    ----------
    bars
        From the top.
    titles
        What the picture is called.
    """
    root = _svg(titles, ROW * max(len(bars), 1))
    longest = max(
        (x for bar in bars for x in (bar.value, bar.high, bar.mark) if x is not None), default=0.0
    )

    def across(value: float) -> float:
        return 2 + (WIDTH - 10) * (value / longest if longest > 0 else 0.0)

    for place, bar in enumerate(bars):
        top = ROW * place
        _text(root, 2, top + 13, bar.label, "c-label")
        _text(root, WIDTH - 2, top + 13, bar.figure, "c-figure", anchor="end")
        y, middle = top + BAR_TOP, top + BAR_TOP + BAR_HEIGHT / 2
        _add(root, "rect", "c-track", x=2, y=y, width=WIDTH - 10, height=BAR_HEIGHT)
        _add(root, "rect", "c-bar", x=2, y=y, width=across(bar.value) - 2, height=BAR_HEIGHT)
        if bar.low is not None and bar.high is not None:
            low, high = across(bar.low), across(bar.high)
            path = f"M{low:.1f} {y - 2:.1f}v14M{high:.1f} {y - 2:.1f}v14M{low:.1f} {middle:.1f}"
            _add(root, "path", "c-doubt", d=f"{path}H{high:.1f}")
        if bar.mark is not None:
            _add(root, "circle", "c-mark", cx=across(bar.mark), cy=middle, r=4.5)
    return _written(root)


def curve_svg(
    points: Sequence[tuple[float, float]],
    titles: Titles,
    *,
    axes: tuple[str, str],
    write: tuple[Callable[[float], str], Callable[[float], str]],
) -> str:
    """Draw a curve through some points; both axes begin at 0.

    Parameters
    ----------
    points
        Pairs, the first figure rising; none negative.
    titles
        What the picture is called.
    axes
        What is measured across and up.
    write
        How a figure of each axis is written.
    """
    root = _svg(titles, HEIGHT)
    right, up = (_round_up(max((point[k] for point in points), default=1.0)) for k in (0, 1))

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * value / right

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / up

    for step in range(TICKS + 1):
        across, above = right * step / TICKS, up * step / TICKS
        grid = f"M{LEFT:.1f} {y(above):.1f}H{WIDTH - RIGHT:.1f}"
        _add(root, "path", "c-grid" if step else "c-axis", d=grid)
        _text(root, LEFT - 6, y(above) + 4, write[1](above), "c-tick", anchor="end")
        anchor = "end" if step == TICKS else "middle"
        end = x(across) + (RIGHT if step == TICKS else 0)
        _text(root, end, HEIGHT - BOTTOM + 16, write[0](across), "c-tick", anchor=anchor)
    _text(root, 2, 12, axes[1], "c-label")
    _text(root, WIDTH - 2, HEIGHT - 6, axes[0], "c-label", anchor="end")
    _add(root, "polyline", "c-line", points=" ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points))
    for across, above in points:
        _add(root, "circle", "c-dot", cx=x(across), cy=y(above), r=3.5)
    return _written(root)


def steps_svg(
    steps: Sequence[Step],
    titles: Titles,
    *,
    end: float,
    marks: Sequence[float],
    axes: tuple[str, str],
    write: tuple[Callable[[float], str], Callable[[float], str]],
) -> str:
    """Draw a share that falls in steps, with its interval behind it.

    Parameters
    ----------
    steps
        The first one at 0, moments rising, shares from 0 to 1.
    titles
        What the picture is called.
    end
        Where the picture ends.
    marks
        Moments that the axis names.
    axes, write
        As for :func:`curve_svg`.
    """
    root = _svg(titles, HEIGHT)

    def x(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * min(value, end) / end

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value

    for part in range(TICKS + 1):
        share = part / TICKS
        grid = f"M{LEFT:.1f} {y(share):.1f}H{WIDTH - RIGHT:.1f}"
        _add(root, "path", "c-grid" if part else "c-axis", d=grid)
        _text(root, LEFT - 6, y(share) + 4, write[1](share), "c-tick", anchor="end")
    for mark in marks:
        _text(root, x(mark), HEIGHT - BOTTOM + 16, write[0](mark), "c-tick", anchor="middle")
    _text(root, 2, 12, axes[1], "c-label")
    _text(root, WIDTH - 2, HEIGHT - 6, axes[0], "c-label", anchor="end")
    until = [*(step.at for step in steps[1:]), end]
    for step, last in zip(steps, until, strict=True):
        if step.low is not None and step.high is not None and step.at < end:
            top, height = y(step.high), y(step.low) - y(step.high)
            width = x(last) - x(step.at)
            _add(root, "rect", "c-band", x=x(step.at), y=top, width=width, height=height)
    path = f"M{x(steps[0].at):.1f} {y(steps[0].share):.1f}" + "".join(
        f"H{x(step.at):.1f}V{y(step.share):.1f}" for step in steps[1:] if step.at <= end
    )
    _add(root, "path", "c-line", d=f"{path}H{x(min(end, steps[-1].at)):.1f}")
    return _written(root)


def map_svg(
    territory: Territory,
    classes: Mapping[str, str],
    titles: Titles,
    signs: Sequence[tuple[str, str]] = (),
) -> str:
    """Draw the communes in classes, with a letter on some of them.

    Parameters
    ----------
    territory
        The release.
    classes
        Class of the picture by INSEE code.
    titles
        What the picture is called.
    signs
        Pairs (INSEE code, letter).
    """
    west, south, east, north = territory.communes.total_bounds.tolist()
    narrow = math.cos(math.radians((south + north) / 2))
    scale = (WIDTH - 4) / ((east - west) * narrow)
    root = _svg(titles, (north - south) * scale + 4)

    def at(lon: float, lat: float) -> str:
        return f"{2 + (lon - west) * narrow * scale:.1f} {2 + (north - lat) * scale:.1f}"

    for code, rings in zip(territory.codes, _simple_rings(territory), strict=True):
        path = "".join("M" + "L".join(at(*point) for point in ring) + "Z" for ring in rings)
        _add(root, "path", f"c-commune {classes[code]}", d=path)
    halls = territory.communes[["town_hall_lon", "town_hall_lat"]]
    for code, letter in signs:
        across, down = (float(n) for n in at(*halls.loc[code].tolist()).split())
        _add(root, "circle", "c-sign", cx=across, cy=down, r=5.5)
        _text(root, across, down + 3, letter, "c-letter", anchor="middle")
    return _written(root)


@kept(maxsize=4)
def _simple_rings(territory: Territory) -> list[list[list[tuple[float, float]]]]:
    outlines = list(rounded_outlines(territory))
    simple = (
        shapely.coverage_simplify(outlines, MAP_TOLERANCE)
        if shapely.coverage_is_valid(outlines)
        else shapely.simplify(outlines, MAP_TOLERANCE)
    )
    return [
        [
            [(float(x), float(y)) for x, y in shapely.get_coordinates(ring)]
            for ring in shapely.get_rings(shapely.get_parts(outline))
        ]
        for outline in simple
    ]


def _round_up(value: float) -> float:
    """Return the next figure that four steps divide into figures people read."""
    if value <= 0:
        return 1.0
    size: float = 10.0 ** math.floor(math.log10(value))
    steps = (1.0, 1.2, 1.6, 2.0, 2.4, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
    return size * next(step for step in steps if step * size >= value * (1 - 1e-9))


def _svg(titles: Titles, height: float) -> ElementTree.Element:
    root = ElementTree.Element(
        "svg",
        {
            "viewBox": f"0 0 {WIDTH:g} {height:.0f}",
            "role": "img",
            "class": "chart",
            "aria-labelledby": f"{titles.name}-title {titles.name}-text",
        },
    )
    for tag, part, text in (("title", "title", titles.title), ("desc", "text", titles.text)):
        node = ElementTree.SubElement(root, tag, id=f"{titles.name}-{part}")
        node.text = text
    return root


def _add(root: ElementTree.Element, tag: str, kind: str, **attributes: float | str) -> None:
    written = {k: v if isinstance(v, str) else f"{v:.1f}" for k, v in attributes.items()}
    ElementTree.SubElement(root, tag, {"class": kind, **written})


def _text(
    root: ElementTree.Element, x: float, y: float, text: str, kind: str, *, anchor: str = "start"
) -> None:
    node = ElementTree.SubElement(
        root, "text", {"class": kind, "x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    )
    node.text = text


def _written(root: ElementTree.Element) -> str:
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
