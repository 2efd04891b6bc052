from __future__ import annotations

import re
from itertools import pairwise

import pytest

from geo_matcher.look import (
    COLOURS,
    NO_DATA,
    SCORE_COLOURS,
    SCORE_LIMITS,
    score_class,
    score_colour,
)


def lightness(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_colour_is_six_hexadecimal_digits() -> None:
    for colour in (*COLOURS.values(), *SCORE_COLOURS, NO_DATA):
        assert re.fullmatch(r"#[0-9A-F]{6}", colour), colour


def test_the_scale_darkens_at_each_step_so_that_it_reads_in_grey() -> None:
    steps = [lightness(colour) for colour in SCORE_COLOURS]
    assert steps == sorted(steps, reverse=True)
    assert min(a - b for a, b in pairwise(steps)) > 0.04


def test_there_is_one_colour_more_than_limits_and_limits_grow() -> None:
    assert len(SCORE_COLOURS) == len(SCORE_LIMITS) + 1
    assert list(SCORE_LIMITS) == sorted(set(SCORE_LIMITS))


@pytest.mark.parametrize(
    ("score", "step"), [(0, 0), (39.999, 0), (40, 1), (65, 3), (89.999, 5), (90, 6), (100, 6)]
)
def test_a_score_on_a_limit_belongs_to_the_step_above(score: float, step: int) -> None:
    assert score_class(score) == step
    assert score_colour(score) == SCORE_COLOURS[step]


def test_text_in_ink_is_readable_on_paper() -> None:
    paper, ink = lightness(COLOURS["paper"]), lightness(COLOURS["ink"])
    assert (paper + 0.05) / (ink + 0.05) >= 7
