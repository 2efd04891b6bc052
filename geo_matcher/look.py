"""Colours and classes of every map and page: one identity, written once.

Hides the hexadecimal. The score scale has seven steps ordered in lightness, so that it reads in
grey and for colour-blind people; its limits are fixed, so that two maps can be compared.
"""

from __future__ import annotations

from bisect import bisect_right

__all__ = [
    "COLOURS",
    "COPPER_COLOURS",
    "GAP_COLOURS",
    "NO_DATA",
    "PLAN_COLOURS",
    "SCORE_COLOURS",
    "SCORE_LIMITS",
    "score_class",
    "score_colour",
]

COLOURS = {
    "paper": "#FBF8F2",
    "linen": "#F1EADC",
    "ink": "#2A2723",
    "clay": "#8A4B2A",
    "sky": "#2C5F8A",
    "sage": "#4F6F52",
    "rust": "#A83B24",
    "sunflower": "#E3A72F",
    "ash": "#6E675C",
}
"""Named colours of the identity."""

SCORE_COLOURS = ("#F3E9CF", "#E3D9A6", "#BFCB9A", "#8FB696", "#5C9C97", "#32788C", "#17506F")
"""From the lowest to the highest score."""

SCORE_LIMITS = (40, 50, 60, 70, 80, 90)
"""Scores at which the colour changes."""

NO_DATA = "#FBF8F2"
"""Ground of what is hatched because nothing is known or nothing is ranked there."""


GAP_COLOURS = {"certain": "#C0614A", "possible": "#E9C9A8", "none": "#EFEBDF"}
"""Classes of gaps, for planners; a pattern or a word always goes with them."""

COPPER_COLOURS = ("#744A12", "#AE7728", "#D29E4B", "#E6C07A", "#F3DDAE", "#FBF1DA")
"""Closing dates of copper, the earliest first."""

PLAN_COLOURS = ("#2C5F8A", "#E3A72F", "#C98776", "#8A4B2A", "#4F6F52", "#B9C9B6")
"""Actions of a plan, in the order of the scenario; a letter always goes with them."""


def score_class(score: float) -> int:
    """Return the step of the scale that a score (0 to 100) falls in, 0 to 6."""
    return bisect_right(SCORE_LIMITS, score)


def score_colour(score: float) -> str:
    """Return the colour of a score (0 to 100)."""
    return SCORE_COLOURS[score_class(score)]
