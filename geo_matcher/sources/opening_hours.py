"""On which days of the week something is, as OpenStreetMap writes opening hours.

Hides the part of that language that says days: lists, ranges, rules one after the other. What does
not come back every week (a season, the first Saturday, holidays) is no day of the week here.
"""

from __future__ import annotations

import itertools
import re

__all__ = ["weekly_days"]

_DAYS = {
    "Mo": "Monday", "Tu": "Tuesday", "We": "Wednesday", "Th": "Thursday", "Fr": "Friday",
    "Sa": "Saturday", "Su": "Sunday",
}  # fmt: skip
_CODES = tuple(_DAYS)
_DAY = "|".join(_CODES)
_SPAN = rf"(?:{_DAY})(?:\s*-\s*(?:{_DAY}))?"
_RULE = re.compile(
    rf"(?P<days>{_SPAN}(?:\s*,\s*{_SPAN})*)?:?\s*"
    r"(?P<hours>\d{1,2}:\d{2}\s*(?:-\s*\d{1,2}:\d{2}|\+)(?:\s*,\s*\d{1,2}:\d{2}\s*(?:-\s*\d{1,2}"
    r":\d{2}|\+))*)?(?P<off>\s*(?:off|closed))?",
)
"""One rule that holds every week: days, hours, or that it is closed then."""


def weekly_days(hours: str) -> tuple[str, ...]:
    """Return the days of the week that opening hours name, in English, Monday first.

    Parameters
    ----------
    hours
        What the tag ``opening_hours`` holds, for instance ``Tu,Sa 08:00-13:00; PH off``.

    Returns
    -------
    tuple of str
        Empty where the hours name no day that comes back every week, ``24/7`` among them: that a
        square is always open says nothing of its market.
    """
    found: set[str] = set()
    for rule in re.split(r"\s*(?:;|\|\|)\s*", hours.strip()):
        match = _RULE.fullmatch(rule.strip())
        if match is None or not any(match.groups()):
            continue
        named = _spelled(match["days"]) if match["days"] else set(_CODES)
        found = found - named if match["off"] else found | named
    return tuple(_DAYS[code] for code in _CODES if code in found)


def _spelled(days: str) -> set[str]:
    """Return the days of a list of days and ranges; a range may go over the week's end."""
    found: set[str] = set()
    for span in days.replace(" ", "").split(","):
        first, _, last = span.partition("-")
        start = _CODES.index(first)
        week = (*_CODES[start:], *_CODES[:start])
        end = week.index(last or first)
        found |= set(itertools.islice(week, end + 1))
    return found
