from __future__ import annotations

from xml.etree import ElementTree

import pytest

from geo_matcher.planning_charts import WIDTH, Bar, Titles, bars_svg, curve_svg, map_svg
from geo_matcher.territory import Territory

TITLES = Titles("t", "Half <b> & more", "How to read it")


def parts(svg: str, kind: str) -> list[dict[str, str]]:
    root = ElementTree.fromstring(svg)
    return [node.attrib for node in root.iter() if node.attrib.get("class") == kind]


def test_a_picture_is_named_and_its_texts_are_escaped() -> None:
    svg = bars_svg([Bar("<script>", "1", 1.0)], TITLES)
    assert "<script>" not in svg
    root = ElementTree.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"] == "t-title t-text"
    assert [child.text for child in list(root)[:2]] == [TITLES.title, TITLES.text]


def test_bars_are_as_long_as_their_figures() -> None:
    bars = [Bar("a", "10", 10.0, 5.0, 20.0, 4.0), Bar("b", "0", 0.0), Bar("c", "20", 20.0)]
    svg = bars_svg(bars, TITLES)
    lengths = [float(bar["width"]) for bar in parts(svg, "c-bar")]
    assert lengths[1] == 0
    assert lengths[2] == pytest.approx(2 * lengths[0])
    assert len(parts(svg, "c-doubt")) == len(parts(svg, "c-mark")) == 1
    assert all(length <= WIDTH for length in lengths)


@pytest.mark.parametrize("bars", [[], [Bar("a", "0", 0.0)]])
def test_nothing_is_drawn_as_nothing(bars: list[Bar]) -> None:
    assert all(float(bar["width"]) == 0 for bar in parts(bars_svg(bars, TITLES), "c-bar"))


@pytest.mark.parametrize("top", [0.0, 0.3, 7.0, 10.0, 2603.6, 5e6])
def test_a_curve_rises_inside_its_frame(top: float) -> None:
    points = [(k * 1e6, top * k / 5) for k in range(1, 6)]
    svg = curve_svg(points, TITLES, axes=("x", "y"), write=(lambda v: f"{v:g}", lambda v: f"{v:g}"))
    (line,) = parts(svg, "c-line")
    drawn = [tuple(map(float, pair.split(","))) for pair in line["points"].split()]
    assert len(drawn) == len(parts(svg, "c-dot")) == 5
    assert all(0 <= x <= WIDTH and 0 <= y <= 216 for x, y in drawn)
    assert [x for x, _ in drawn] == sorted(x for x, _ in drawn)
    assert [y for _, y in drawn] == sorted((y for _, y in drawn), reverse=True)


def test_a_map_holds_every_commune_and_its_signs(territory: Territory) -> None:
    classes = dict.fromkeys(territory.codes, "none")
    svg = map_svg(territory, classes, TITLES, [("32013", "F")])
    assert len(parts(svg, "c-commune none")) == len(territory.codes)
    assert len(parts(svg, "c-sign")) == len(parts(svg, "c-letter")) == 1
    assert len(svg) < 300_000
    assert svg == map_svg(territory, classes, TITLES, [("32013", "F")])
