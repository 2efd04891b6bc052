"""Numbers as people type them, and as addresses hold them.

Hides the spaces, commas and units that go with a number in French and in English.
"""

from __future__ import annotations

import re

__all__ = ["plain_number", "read_number"]

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_UNIT = re.compile(r"(€|eur|euros?|m²|m2|min)$", re.IGNORECASE)


def plain_number(number: float) -> str:
    """Write a number so that reading it gives the same one, without needless decimals."""
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(number)


def read_number(text: str) -> float | None:
    """Read a number as people write it: ``230 000 €``, ``230,000``, ``12,5``; else return None."""
    text = _UNIT.sub("", "".join(text.split())).casefold()
    text = text.replace(",", "") if _GROUPED.fullmatch(text) else text.replace(",", ".")
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if abs(number) < float("inf") else None
