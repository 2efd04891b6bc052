"""What the library refused, in the reader's own words.

Hides how a refusal names its fields. The library says in English what a program needs; a person
reads what to do, beside the field. No sentence repeats what was typed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from api.desk_words import field_label, value_text
from api.texts import translator
from geo_matcher.dossiers.fields import FIELDS
from geo_matcher.errors import DossierError, GeoMatcherError, StaleEditError

__all__ = ["FAULTS", "Difference", "differences_of", "fault_texts"]

FAULTS = (
    "name", "email", "phone", "town", "message", "villages", "adviser", "members", "note", "task",
    "impression", "hard", "remark", "consent", "commune", "on", "persons", "matched", "settled",
    "reason", "communes", "months", "answered_on", "left_on", "is_still_there", "day", "label",
    "what", "opened_at", "confirm", "merge", "take", "profile", "year",
)  # fmt: skip
"""What a refusal may be about; each has a sentence that says what to do."""


class Difference(NamedTuple):
    """A field that two people changed, or one of them.

    Attributes
    ----------
    name, label
        Which field.
    read, typed, now
        What stood in it when it was read, what was typed, what stands in it now.
    kind
        ``both`` where both changed it to something else, else ``mine`` or ``theirs``.
    """

    name: str
    label: str
    read: str
    typed: str
    now: str
    kind: str


def fault_texts(error: GeoMatcherError, language: str) -> tuple[tuple[str, str], ...]:
    """Return pairs (what it is about, sentence), each once."""
    return tuple(dict(_faults(error, language)).items())


def _faults(error: GeoMatcherError, language: str) -> Iterator[tuple[str, str]]:
    t = translator(language)
    problems = error.problems if isinstance(error, DossierError) else ()
    for problem in problems or (str(error),):
        head, _, rest = problem.partition(":")
        first = head.split(".")[0].strip()
        if first == "merge" or "merges into" in problem or "further along" in problem:
            first = "merge"
        if first in FAULTS and (rest or first == "merge"):
            yield first, t(f"desk.fault.{first}")
        else:
            yield "file", t("desk.fault.other")


def differences_of(
    error: StaleEditError, language: str, names: Mapping[str, str]
) -> tuple[Difference, ...]:
    """Return what two people changed, field by field, in the order of the form.

    Parameters
    ----------
    error
        What the library says of a late edit.
    names
        Names of communes by code.
    """
    order = {name: place for place, name in enumerate(("stage", *FIELDS))}
    found = []
    for name in sorted(error.differences, key=lambda name: order.get(name, len(order))):
        read, typed, now = error.differences[name]
        if typed == read:
            kind = "theirs"
        elif now in (read, typed):
            kind = "mine"
        else:
            kind = "both"
        shown = (value_text(name, value, language, names) for value in (read, typed, now))
        was, mine, theirs = shown
        found.append(Difference(name, field_label(name, language), was, mine, theirs, kind))
    return tuple(found)
