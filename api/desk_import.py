"""The page that takes in the network's spreadsheet: what it would do, and what stands against it.

Hides how the file comes back with the confirmation: it travels in the page, packed, so that the
service keeps nothing of it meanwhile. It is read again then, and shown again if anything changed.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from api.desk_places import desk_href
from api.desk_words import day_text, stage_label
from api.texts import translator, typeset
from geo_matcher.dossiers.spreadsheets import COLUMNS, WORDS, Line, Preview
from geo_matcher.dossiers.stages import Stage
from geo_matcher.numbers import format_number

__all__ = [
    "SHEET_FAULTS",
    "ColumnHelp",
    "ImportView",
    "column_help",
    "import_view",
    "packed",
    "template_rows",
    "unpacked",
]

MAX_SHOWN = 500
"""Problems, and files that are there already, that a page lists; the rest is counted."""

SAMPLE = 5
"""Rows that are shown as they were understood."""

MAX_PACKED = 9_500_000
"""Characters of a packed file that the confirmation may bring back."""

MAX_UNPACKED = 10_100_000
SHEET_FAULTS = ("damaged", "size", "rows", "headings", "empty", "heavy", "late", "form", "refused")
"""Why a file cannot be taken in at all, or not now."""


class ColumnHelp(NamedTuple):
    """A column that is understood: its heading, other spellings of it, the words it may hold."""

    heading: str
    others: str
    words: str


class Shown(NamedTuple):
    """A row as it was understood."""

    row: int
    name: str
    town: str
    stage: str
    day: str
    adviser: str


class Alike(NamedTuple):
    """A row that may be there already: as a file that is linked, or as a row above."""

    row: int
    href: str
    label: str
    why: str


@dataclass(frozen=True, slots=True)
class ImportView:
    """What an import would do.

    Attributes
    ----------
    ready
        How many files it makes, or how many problems there are, as a sentence.
    is_possible, do
        Whether it can be confirmed, and what its button says.
    stages
        Pairs (stage, number of files).
    problems
        Triples (row, column, what is expected).
    more_problems, more_alike
        Sentences on those that are not listed; empty for none.
    sample
        The first rows as they were understood.
    alike, alike_title
        Rows that may be there already, and how many there are.
    ignored
        Headings that are not understood, as one text.
    content, last_import
        What the confirmation sends back.
    """

    ready: str
    is_possible: bool
    do: str
    stages: tuple[tuple[str, int], ...]
    problems: tuple[tuple[int, str, str], ...]
    more_problems: str
    sample: tuple[Shown, ...]
    alike: tuple[Alike, ...]
    alike_title: str
    more_alike: str
    ignored: str
    content: str
    last_import: int


def import_view(
    found: Preview, content: str, language: str, names: Mapping[str, str]
) -> ImportView:
    """Return what a preview found, for the page.

    Parameters
    ----------
    found
        The preview.
    content
        The file, packed.
    language
        ``fr`` or ``en``.
    names
        Names of advisers by login.
    """
    t = translator(language)
    rows, problems, alike = found.lines, found.problems, found.duplicates
    if problems:
        ready = t("desk.import.problems", count=len(problems), n=_count(problems, language))
    else:
        ready = t("desk.import.ready", count=len(rows), n=_count(rows, language))
    alike_rows = {row for row, _ in alike}
    stages = Counter(line.stage for line in rows)
    return ImportView(
        ready=ready,
        is_possible=bool(rows) and not problems,
        do=t("desk.import.do", count=len(rows), n=_count(rows, language)),
        stages=tuple((stage_label(stage, language), stages[stage]) for stage in Stage
                     if stages[stage]),
        problems=tuple(
            (one.row, one.column, typeset(one.body(language), language))
            for one in problems[:MAX_SHOWN]
        ),
        more_problems=_more(problems, language),
        sample=tuple(_shown(line, language, names) for line in rows[:SAMPLE]),
        alike=tuple(
            Alike(
                row,
                "" if is_row else desk_href(f"/dossiers/{one.other}", language),
                t("desk.import.row", n=one.other.removeprefix("row ")) if is_row
                else t("desk.import.file"),
                ", ".join(t(f"desk.alike.{reason}") for reason in one.reasons),
            )
            for row, one in alike[:MAX_SHOWN]
            for is_row in [one.other.startswith("row ")]
        ),
        alike_title=t(
            "desk.import.alike",
            count=len(alike_rows),
            n=format_number(len(alike_rows), language),
        ),
        more_alike=_more(alike, language),
        ignored=", ".join(found.ignored),
        content=content if rows and not problems else "",
        last_import=found.last_import,
    )  # fmt: skip


def _count(found: Sequence[object], language: str) -> str:
    return format_number(len(found), language)


def _more(found: Sequence[object], language: str) -> str:
    rest = len(found) - MAX_SHOWN
    if rest <= 0:
        return ""
    return translator(language)("desk.import.more", count=rest, n=format_number(rest, language))


def _shown(line: Line, language: str, names: Mapping[str, str]) -> Shown:
    adviser = line.draft.adviser or ""
    return Shown(
        line.row,
        line.draft.name,
        line.draft.town or "–",
        stage_label(line.stage, language),
        day_text(line.opened_on, language) if line.opened_on else "–",
        names.get(adviser, adviser) or "–",
    )


def column_help() -> tuple[ColumnHelp, ...]:
    """Return the columns that are understood."""
    return tuple(
        ColumnHelp(
            headings[0],
            ", ".join(headings[1:]),
            " · ".join(spellings[0] for spellings in WORDS.get(name, {}).values()),
        )
        for name, headings in COLUMNS.items()
    )


def template_rows() -> dict[str, list[list[str]]]:
    """Return an empty spreadsheet to fill in, and a sheet of the words that its columns hold."""
    words = [
        [COLUMNS[name][0], spellings[0]]
        for name, known in WORDS.items()
        for spellings in known.values()
    ]
    return {
        "Dossiers": [[headings[0] for headings in COLUMNS.values()]],
        "Mots": [["Colonne", "Mot"], *words],
    }


# --- The file, between the preview and its confirmation ------------------------------------------


def packed(content: bytes) -> str:
    """Return a file as a hidden field holds it; empty for one that is too heavy for that."""
    text = base64.urlsafe_b64encode(zlib.compress(content, 6)).decode()
    return text if len(text) <= MAX_PACKED else ""


def unpacked(text: str) -> bytes:
    """Return the file that a hidden field brought back; empty for one that none of ours held."""
    if len(text) > MAX_PACKED:
        return b""
    reader = zlib.decompressobj()
    try:
        content = reader.decompress(base64.urlsafe_b64decode(text), MAX_UNPACKED)
    except (binascii.Error, ValueError, zlib.error):
        return b""
    return content if reader.eof else b""
