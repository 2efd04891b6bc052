"""Sheets of official workbooks (``.xlsx``), read row by row and checked.

Hides the title lines above a header, a header over several rows, codes that a spreadsheet made
numbers of, and how what is wrong is told: the source, the file, the sheet, the line, the column.
"""

from __future__ import annotations

import math
import re
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pandas as pd
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from geo_matcher.destinations import INSEE_CODE
from geo_matcher.errors import SourceError
from geo_matcher.sources.source import Fetched

__all__ = ["SheetColumn", "read_sheet"]

HEADER_ROWS = 30
"""Rows from the top among which the header is looked for."""

MAX_PROBLEMS = 20
MAX_ROWS = 200_000
"""Rows of a sheet at most: France has some 35,000 communes."""


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """A column of figures that is read.

    Attributes
    ----------
    title
        Regular expression that its title matches, whatever the case.
    into
        Its name in the result.
    missing
        Cells that mean "not known" besides an empty one.
    """

    title: str
    into: str
    missing: tuple[str, ...] = ()


def read_sheet(
    file: Fetched,
    source: str,
    sheet: str,
    code_title: str,
    columns: tuple[SheetColumn, ...],
    codes: Collection[str],
) -> tuple[str, pd.DataFrame]:
    """Read the rows of some communes.

    Parameters
    ----------
    file
        The workbook.
    source
        How messages call the producer and its data.
    sheet
        Regular expression that the name of the sheet matches; of several, the last by name.
    code_title
        Regular expression for the title of the column of INSEE codes.
    columns
        The figures; the first column whose title fits is taken.
    codes
        Communes whose rows are kept; cells of other rows are not checked.

    Returns
    -------
    tuple
        The name of the sheet, and ``insee_code`` with the figures as float64.

    Raises
    ------
    SourceError
        If the sheet, a column or a figure is not as expected; all problems at once.
    """
    named = f"{source}: {file.name}"
    try:
        with (
            file.path.open("rb") as stream,
            closing(load_workbook(stream, read_only=True, data_only=True)) as book,
        ):
            fitting = [name for name in book.sheetnames if re.search(sheet, name)]
            if not fitting:
                raise SourceError(
                    f"{named}: no sheet is called like {sheet!r}; the sheets are "
                    f"{', '.join(book.sheetnames)[:200]}. The producer may have changed its "
                    "format: see docs/data.md."
                )
            name = max(fitting)
            rows = islice(book[name].iter_rows(values_only=True), MAX_ROWS)
            wanted = (SheetColumn(code_title, "insee_code"), *columns)
            frame = _frame(f"{named}, sheet {name!r}", enumerate(rows, 1), wanted, codes)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, EOFError):
        raise SourceError(
            f"{named} is no workbook, or a damaged one. Delete it from the cache and try again."
        ) from None
    return name, frame


def _frame(
    named: str,
    rows: Iterator[tuple[int, tuple[Any, ...]]],
    wanted: tuple[SheetColumn, ...],
    codes: Collection[str],
) -> pd.DataFrame:
    places, seen = _header(rows, wanted)
    if len(places) < len(wanted):
        told = [
            f"no column is titled like {column.title!r} in the first {HEADER_ROWS} lines; "
            f"the titles nearest to it are {seen}"
            for column in wanted
            if column.into not in places
        ]
        _refuse(named, told)
    found: list[dict[str, Any]] = []
    problems: list[str] = []
    kept = frozenset(codes)
    for line, cells in rows:
        code = _code(cells[places["insee_code"]] if len(cells) > places["insee_code"] else None)
        if code not in kept:
            continue
        row: dict[str, Any] = {"insee_code": code}
        for column in wanted[1:]:
            cell = cells[places[column.into]] if len(cells) > places[column.into] else None
            figure = _figure(cell, column.missing)
            if figure is None:
                problems.append(f"line {line}, column {column.into!r}: {cell!r:.40} is no number")
            row[column.into] = figure
        found.append(row)
    counts = Counter(row["insee_code"] for row in found)
    problems += [f"commune {code} comes {n} times" for code, n in counts.items() if n > 1]
    if problems:
        _refuse(named, problems)
    names = [column.into for column in wanted]
    frame = pd.DataFrame(found, columns=names)
    types = dict.fromkeys(names[1:], "float64")
    return frame.astype({"insee_code": "str", **types})


def _header(
    rows: Iterator[tuple[int, tuple[Any, ...]]], wanted: tuple[SheetColumn, ...]
) -> tuple[dict[str, int], str]:
    """Return the place of each column, and the titles of the fullest line for a message."""
    best: dict[str, int] = {}
    seen = "none"
    for _, cells in islice(rows, HEADER_ROWS):
        titles = [" ".join(str(cell).split()) if cell is not None else "" for cell in cells]
        places = {
            column.into: next(place for place, title in enumerate(titles) if _fits(column, title))
            for column in wanted
            if any(_fits(column, title) for title in titles)
        }
        if len(places) > len(best):
            best, seen = places, ", ".join(title for title in titles if title)[:200]
        if len(best) == len(wanted):
            break
    return best, seen


def _fits(column: SheetColumn, title: str) -> bool:
    return re.search(column.title, title, re.IGNORECASE) is not None


def _code(cell: Any) -> str:
    """Return a code as text of 5 characters; empty where the cell holds none."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = str(cell).strip().upper().zfill(5) if cell is not None else ""
    return text if re.match(INSEE_CODE, text) else ""


def _figure(cell: Any, missing: tuple[str, ...]) -> float | None:
    """Return a figure, NaN where it is missing, None where the cell holds something else."""
    if cell is None or (isinstance(cell, str) and cell.strip() in ("", *missing)):
        return math.nan
    if isinstance(cell, bool):
        return None
    try:
        figure = float(str(cell).replace(",", ".")) if isinstance(cell, str) else float(cell)
    except (TypeError, ValueError):
        return None
    return figure if math.isfinite(figure) else None


def _refuse(named: str, problems: list[str]) -> None:
    told = problems[:MAX_PROBLEMS]
    if len(problems) > len(told):
        told.append(f"and {len(problems) - len(told)} more")
    raise SourceError(
        f"{named}: " + "; ".join(told) + ". The producer may have changed its format: see "
        "docs/data.md for what is expected.",
        [f"{named}, {problem}" for problem in told],
    )
