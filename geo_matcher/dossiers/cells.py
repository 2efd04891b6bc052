"""The cells of CSV and XLSX files, read and written.

Hides encodings, separators, damaged workbooks, and the texts that a spreadsheet program would take
for a formula: on writing, one that begins with ``=``, ``+``, ``-``, ``@``, a tab or an end of line
gets an apostrophe before it, so that opening a file runs nothing that a stranger typed.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from geo_matcher.errors import SpreadsheetError

__all__ = ["as_typed", "cell_text", "neutral", "read_cells", "written_csv", "written_xlsx"]

MAX_BYTES = 10_000_000
"""Largest file read; a workbook may be ten times that once unpacked."""

MAX_ROWS = 20_000

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What begins a formula in some spreadsheet program, full-width forms included."""

MAX_XLSX_CHARS = 32_767
"""Longest text that a cell of a workbook holds."""


def neutral(value: Any) -> Any:
    """Return a value that no spreadsheet program takes for a formula; numbers stay as they are."""
    if not isinstance(value, str):
        return value
    return f"'{value}" if value.lstrip(" \u00a0").startswith(FORMULA_STARTS) else value


def as_typed(text: str) -> str:
    """Return a text without the apostrophe that :func:`neutral` put before it."""
    is_ours = text.startswith("'") and text[1:].lstrip(" \u00a0").startswith(FORMULA_STARTS)
    return text[1:] if is_ours else text


def cell_text(cell: Any) -> str:
    """Return what stands in a cell as a text; empty for nothing."""
    if cell is None or (isinstance(cell, float) and cell != cell):
        return ""
    return str(cell).strip()


def written_csv(rows: Iterable[Sequence[Any]]) -> bytes:
    """Return rows as CSV that spreadsheet programs read: UTF-8 with its mark, and commas."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([neutral(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def written_xlsx(tables: Mapping[str, Iterable[Sequence[Any]]]) -> bytes:
    """Return tables as a workbook, one sheet each."""
    import openpyxl
    from openpyxl.cell import WriteOnlyCell

    book = openpyxl.Workbook(write_only=True)
    for title, rows in tables.items():
        sheet = book.create_sheet(title[:31])
        for row in rows:
            cells = []
            for value in row:
                text = neutral(value)
                cell = WriteOnlyCell(
                    sheet, text[:MAX_XLSX_CHARS] if isinstance(text, str) else text
                )
                if isinstance(text, str):
                    cell.data_type = "s"
                cells.append(cell)
            sheet.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read_cells(path: Path) -> list[list[Any]]:
    """Return the cells of a CSV file, or of the first sheet of a workbook, row by row.

    Raises
    ------
    SpreadsheetError
        If the file cannot be read, is too large, damaged, or neither.
    """
    advice = "Give a CSV or XLSX file of at most 10 MB."
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise SpreadsheetError(
            f"{path.name} cannot be read ({error.strerror}). {advice}", "damaged"
        ) from None
    if not content:
        raise SpreadsheetError(f"{path.name} has {size:,} bytes. {advice}", "size")
    table: list[list[Any]] = []
    for row in _workbook(content, path) if content[:2] == b"PK" else _csv(content):
        table.append(row)
        if len(table) > MAX_ROWS + 1:
            raise SpreadsheetError(
                f"{path.name} has more than {MAX_ROWS:,} rows. Split it.", "rows"
            )
    return table


def _csv(content: bytes) -> Iterator[list[Any]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    first = text.partition("\n")[0]
    separator = max(";,\t", key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    except csv.Error:
        raise SpreadsheetError(
            "The CSV file is damaged: a cell has no end. Save it again.", "damaged"
        ) from None


def _workbook(content: bytes, path: Path) -> Iterator[list[Any]]:
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            is_huge = sum(part.file_size for part in parts.infolist()) > 10 * MAX_BYTES
        if not is_huge:
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            for row in book.worksheets[0].iter_rows(values_only=True):
                yield list(row)
    except Exception:  # whatever a damaged workbook makes the library stumble over
        raise SpreadsheetError(
            f"{path.name} is damaged, or no workbook. Save it again as XLSX or CSV.", "damaged"
        ) from None
    if is_huge:
        raise SpreadsheetError(
            f"{path.name} unpacks to more than 100 MB. Leave pictures out.", "size"
        )
