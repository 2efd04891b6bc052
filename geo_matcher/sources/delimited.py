"""Delimited text files of producers, streamed and checked.

Hides encodings, separators, decimal signs, codes that lost their leading zeros, and how what is
wrong is told: the source, the file, the line, the column, what was found and what was expected.
A file is read in blocks and only the rows that are asked for are kept, so that a national file of
some gigabytes fits into little memory.
"""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import gzip
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, Any, Literal, NoReturn, cast

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as pa_csv

from geo_matcher.destinations import INSEE_CODE
from geo_matcher.errors import SourceError
from geo_matcher.sources.source import Fetched

__all__ = ["Field", "Layout", "Where", "read_delimited", "refuse_file"]

MAX_PROBLEMS = 20
"""Problems of one file that are told; the others are counted."""

MAX_SHOWN = 40
"""Characters of a cell that a message shows."""

BLOCK_BYTES = 1 << 20
"""Size of the pieces that a file is read in. Arrow holds some thirty of them: larger ones take more
memory and are no faster (docs/decisions/0020)."""

MAX_HEADER_BYTES = 1 << 20
DAMAGED = (EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading a packed file that is cut off, damaged, encrypted or packed otherwise raises."""


Kind = Literal["text", "code", "count", "number", "day"]


@dataclass(frozen=True, slots=True)
class Field:
    """A column that is read.

    Attributes
    ----------
    name
        Its name in the file.
    kind
        ``text``; ``code``: an INSEE code of a commune, leading zeros put back; ``count``: a whole
        number from 0; ``number``; ``day``: an ISO date.
    into
        Its name in the result, by default the same.
    aliases
        Names that it had in other editions.
    missing
        Cells that mean "not known": NaN in a number or a count (which is then float64), an empty
        text elsewhere. Without any, a cell of figures must hold one.
    """

    name: str
    kind: Kind = "text"
    into: str = ""
    aliases: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def result(self) -> str:
        """Name of the column in the result."""
        return self.into or self.name


@dataclass(frozen=True, slots=True)
class Layout:
    """How a producer writes a file.

    Attributes
    ----------
    source
        How messages call the producer and its data.
    fields
        The columns that are read; the file may hold others, in any order.
    delimiter, decimal
        Separator of the columns; sign or signs before the decimals, such as ``,`` or ``,.``.
    encodings
        Tried one after the other.
    is_quoted
        Whether cells may stand between double quotes, line breaks within.
    """

    source: str
    fields: tuple[Field, ...]
    delimiter: str = ";"
    decimal: str = "."
    encodings: tuple[str, ...] = ("utf-8", "cp1252")
    is_quoted: bool = True


@dataclass(frozen=True, slots=True)
class Where:
    """Rows to keep: those whose cell is one of the values.

    Attributes
    ----------
    column
        Name of the column in the result.
    values
        What a cell may be; codes of 5 characters in a column of codes.
    """

    column: str
    values: Collection[str]


def read_delimited(
    file: Fetched, layout: Layout, *, where: Sequence[Where] = (), member: str = ""
) -> pd.DataFrame:
    """Read the asked rows and columns of a delimited text file.

    Parameters
    ----------
    file
        The file: text as it is, compressed by gzip, or inside a zip.
    layout
        How it is written.
    where
        Conditions that a row must all fulfil to be kept; cells of other rows are not checked.
    member
        Regular expression that the name of the one file inside a zip matches.

    Returns
    -------
    pandas.DataFrame
        Columns in the order of the layout: text, codes and days as ``str``, counts as int64,
        numbers as float64; rows in the order of the file.

    Raises
    ------
    SourceError
        If a column is missing, a row has too many or too few cells, or a kept cell is not what it
        must be; all problems at once, up to a bound.
    """
    tried = []
    for encoding in layout.encodings:
        try:
            return _Reading(file, layout, tuple(where), member, encoding).frame()
        except _WrongEncodingError:
            tried.append(encoding)
    raise SourceError(
        f"{layout.source}: {file.name} is in none of the encodings {', '.join(tried)}. "
        "The producer may have changed its format: see docs/data.md."
    )


class _WrongEncodingError(Exception):
    """The bytes of the file are not text in the encoding that is tried."""


class _Reading:
    """One try at a file, in one encoding."""

    def __init__(
        self, file: Fetched, layout: Layout, where: tuple[Where, ...], member: str, encoding: str
    ) -> None:
        self.file = file
        self.layout = layout
        self.where = where
        self.member = member
        self.encoding = encoding
        self.broken_rows = 0
        self.first_broken = ""

    def frame(self) -> pd.DataFrame:
        header = self._header()
        found = self._found(header)
        parts: list[pa.Table] = []
        numbers: list[pa.Array] = []
        row = 0
        for batch in self._batches(header, list(found.values())):
            table = pa.Table.from_batches([batch])
            table = table.select(list(found.values())).rename_columns(list(found))
            table = self._with_codes(table)
            kept = pc.indices_nonzero(self._mask(table)) if self.where else None
            if kept is None:
                numbers.append(pa.array(range(row, row + len(table)), pa.int64()))
            else:
                table = table.take(kept)
                numbers.append(pc.add(kept.cast(pa.int64()), row))
            if len(table):
                parts.append(table)
            row += len(batch)
        if self.broken_rows:
            self._refuse([self._told_of_broken_rows(len(header))])
        if not parts:
            return pd.DataFrame(
                {
                    field.result: pd.Series(dtype=_DTYPES.get(field.kind, "str"))
                    for field in self.layout.fields
                }
            )
        raw = pa.concat_tables(parts).to_pandas(strings_to_categorical=False)
        rows = pa.chunked_array(numbers).to_numpy()
        return self._converted(pd.DataFrame(raw).astype("str"), rows)

    # --- Opening ---------------------------------------------------------------------------

    @contextmanager
    def _open(self) -> Iterator[IO[bytes]]:
        """Open the text, whatever it is wrapped in: the first bytes tell, not the name."""
        with ExitStack() as stack:
            raw = stack.enter_context(self.file.path.open("rb"))
            start = raw.read(4)
            raw.seek(0)
            if start[:2] == b"\x1f\x8b":
                yield cast(IO[bytes], stack.enter_context(gzip.GzipFile(fileobj=raw)))
            elif start == b"PK\x03\x04":
                try:
                    archive = stack.enter_context(zipfile.ZipFile(raw))
                except zipfile.BadZipFile:
                    raise SourceError(
                        f"{self._named} is a damaged zip. Delete it from the cache and try again."
                    ) from None
                names = [n for n in archive.namelist() if re.search(self.member or r"\.csv$", n)]
                if len(names) != 1:
                    held = ", ".join(archive.namelist()[:8])
                    raise SourceError(
                        f"{self._named}: expected one file like {self.member or '*.csv'} in the "
                        f"zip, found {len(names)} (it holds {held})."
                    )
                yield stack.enter_context(archive.open(names[0]))
            else:
                yield raw

    @property
    def _named(self) -> str:
        return f"{self.layout.source}: {self.file.name}"

    def _header(self) -> list[str]:
        try:
            with self._open() as stream:
                line = stream.readline(MAX_HEADER_BYTES)
            text = line.decode(self.encoding).removeprefix("\ufeff").rstrip("\r\n")
        except UnicodeDecodeError:
            raise _WrongEncodingError from None
        except SourceError:
            raise
        except DAMAGED:
            self._refuse(["the file is cut off or damaged"])
        if text.lstrip()[:1] == "<":
            self._refuse(["line 1: a page of HTML or XML stands in the place of the table"])
        cells: list[str] = next(self._csv([text]), [])
        return [cell.strip() for cell in cells]

    def _found(self, header: list[str]) -> dict[str, str]:
        """Return the name in the file of each column of the result."""
        found, problems = {}, []
        for field in self.layout.fields:
            names = [name for name in (field.name, *field.aliases) if name in header]
            if names:
                found[field.result] = names[0]
                if header.count(names[0]) > 1:
                    problems.append(f"line 1: the column {names[0]!r} is named twice")
                continue
            lower = {name.lower(): name for name in header}
            near = difflib.get_close_matches(field.name.lower(), lower, n=3, cutoff=0.6)
            hint = (
                f"near names: {', '.join(lower[name] for name in near)}"
                if near
                else f"the {len(header)} columns are {', '.join(header)[:200]}"
            )
            problems.append(f"line 1: the column {field.name!r} is missing; {hint}")
        if problems:
            self._refuse(problems)
        return found

    # --- Blocks ----------------------------------------------------------------------------

    def _batches(self, header: list[str], wanted: list[str]) -> Iterator[pa.RecordBatch]:
        def broken(row: Any) -> str:
            if not self.broken_rows:
                self.first_broken = f"{row.actual_columns} cells: {_shown(row.text)}"
            self.broken_rows += 1
            return "skip"

        with self._open() as stream:
            try:
                reader = pa_csv.open_csv(
                    pa.PythonFile(stream, mode="r"),
                    read_options=pa_csv.ReadOptions(
                        block_size=BLOCK_BYTES,
                        column_names=header,
                        skip_rows=1,
                        encoding="utf8" if self.encoding.startswith("utf") else self.encoding,
                    ),
                    parse_options=pa_csv.ParseOptions(
                        delimiter=self.layout.delimiter,
                        quote_char='"' if self.layout.is_quoted else False,
                        newlines_in_values=self.layout.is_quoted,
                        invalid_row_handler=broken,
                    ),
                    convert_options=pa_csv.ConvertOptions(
                        column_types={name: pa.string() for name in header},
                        include_columns=wanted,
                        strings_can_be_null=False,
                    ),
                )
                yield from reader
            except UnicodeDecodeError:
                raise _WrongEncodingError from None
            except pa.ArrowInvalid as error:
                if "UTF8" in str(error) or "UTF-8" in str(error):
                    raise _WrongEncodingError from None
                if "Empty CSV" in str(error):
                    return
                if "straddl" in str(error):
                    self._refuse(
                        [f"a row is longer than {BLOCK_BYTES:,} bytes: a quote may not be closed"]
                    )
                self._refuse([f"the file is no table separated by {self.layout.delimiter!r}"])
            except SourceError:
                raise
            except DAMAGED:
                self._refuse(["the file is cut off or damaged"])

    def _with_codes(self, table: pa.Table) -> pa.Table:
        for number, field in enumerate(self.layout.fields):
            if field.kind == "code":
                cells = pc.utf8_upper(pc.utf8_trim_whitespace(table.column(number)))
                given = pc.not_equal(cells, "")
                cells = pc.if_else(given, pc.utf8_lpad(cells, 5, "0"), cells)
                table = table.set_column(number, field.result, cells)
        return table

    def _mask(self, table: pa.Table) -> pa.ChunkedArray:
        mask: pa.ChunkedArray | None = None
        for where in self.where:
            cells = table.column(where.column)
            fits = pc.is_in(cells, value_set=pa.array(sorted(where.values), pa.string()))
            mask = fits if mask is None else pc.and_(mask, fits)
        return mask

    # --- Cells -----------------------------------------------------------------------------

    def _converted(self, raw: pd.DataFrame, rows: Any) -> pd.DataFrame:
        columns: dict[str, pd.Series] = {}
        bad: list[tuple[int, str, str, str]] = []
        for field in self.layout.fields:
            cells = raw[field.result].str.strip()
            is_missing = cells.isin(field.missing)
            convert, expected = _CONVERSIONS[field.kind]
            figures = convert(cells.mask(is_missing, _FILLERS[field.kind]), self.layout.decimal)
            is_wrong = figures.isna()
            bad += [
                (int(rows[place]), field.name, cells.iloc[place], expected)
                for place in is_wrong.to_numpy().nonzero()[0]
            ]
            if field.kind in ("count", "number"):
                if field.missing:
                    figures = figures.astype("float64").mask(is_missing)
                elif field.kind == "count" and not is_wrong.any():
                    figures = figures.astype("int64")
            else:
                figures = figures.mask(is_missing, "").astype("str")
            columns[field.result] = figures
        if bad:
            lines = self._lines({row for row, *_ in bad[: 10 * MAX_PROBLEMS]})
            problems = [
                f"line {lines.get(row, row + 2)}, column {name!r}: {_shown(cell)} is {expected}"
                for row, name, cell, expected in sorted(bad[: 10 * MAX_PROBLEMS])
            ]
            self._refuse(problems, len(bad))
        return pd.DataFrame(columns).reset_index(drop=True)

    def _lines(self, rows: set[int]) -> dict[int, int]:
        """Return the line of each row: empty lines are no rows, and a cell may hold several."""
        lines: dict[int, int] = {}
        for row, (line, _) in enumerate(self._cells(), start=-1):
            if row in rows:
                lines[row] = line
            if len(lines) == len(rows):
                break
        return lines

    def _told_of_broken_rows(self, columns: int) -> str:
        lines = (line for line, cells in self._cells() if len(cells) != columns)
        where = f"line {line}" if (line := next(lines, 0)) else "a line"
        more = f"; {self.broken_rows} such lines in all" if self.broken_rows > 1 else ""
        return f"{where}: not {columns} cells, as the header, but {self.first_broken}{more}"

    def _csv(self, text: Iterable[str]) -> Any:
        return csv.reader(
            text,
            delimiter=self.layout.delimiter,
            quoting=csv.QUOTE_MINIMAL if self.layout.is_quoted else csv.QUOTE_NONE,
        )

    def _cells(self) -> Iterator[tuple[int, list[str]]]:
        """Read the file slowly, with the line that each row starts on."""
        with self._open() as stream:
            text = (line.decode(self.encoding, "replace") for line in stream)
            reader = self._csv(text)
            line = 1
            try:
                for cells in reader:
                    if cells:
                        yield line, cells
                    line = reader.line_num + 1
            except csv.Error:
                yield line, []  # a quote that is never closed: the row has no end

    def _refuse(self, problems: list[str], count: int | None = None) -> NoReturn:
        refuse_file(self.layout.source, self.file, problems, count)


def refuse_file(
    source: str, file: Fetched, problems: Sequence[str], count: int | None = None
) -> NoReturn:
    """Raise the error that tells what is wrong with a file of a producer.

    Parameters
    ----------
    source
        How the producer and its data are called.
    file
        The file.
    problems
        What was found and expected, a phrase each; the first ones are told.
    count
        How many problems there are, if not all are given.

    Raises
    ------
    SourceError
        Always.
    """
    told = list(problems[:MAX_PROBLEMS])
    if (more := (count or len(problems)) - len(told)) > 0:
        told.append(f"and {more} more")
    raise SourceError(
        f"{source}: {file.name} ({file.url}): {'; '.join(told)}. The producer may have changed "
        "its format: see docs/data.md for what is expected.",
        [f"{source}: {file.name}, {problem}" for problem in told],
    )


def _shown(cell: str) -> str:
    """Return a cell for a message: short, and no control characters."""
    return repr(cell if len(cell) <= MAX_SHOWN else cell[: MAX_SHOWN - 1] + "…")


_DTYPES = {"count": "int64", "number": "float64"}
_FILLERS: dict[Kind, str] = {
    "text": "", "code": "01001", "count": "0", "number": "0", "day": "2000-01-01",
}  # fmt: skip
"""What stands for a missing cell while its column is converted."""


def _text(cells: pd.Series, _: str) -> pd.Series:
    return cells


def _code(cells: pd.Series, _: str) -> pd.Series:
    return cells.where(cells.str.fullmatch(INSEE_CODE.strip("^$")))


def _number(cells: pd.Series, decimal: str) -> pd.Series:
    if "," in decimal:
        if "." not in decimal:
            cells = cells.mask(cells.str.contains(".", regex=False), "a point where a comma stands")
        cells = cells.str.replace(",", ".", regex=False)
    figures = pd.to_numeric(
        cells.where(cells.str.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")), errors="coerce"
    )
    return figures.where(figures.abs() < 1e300).astype("float64")


def _count(cells: pd.Series, _: str) -> pd.Series:
    figures = pd.to_numeric(cells.where(cells.str.fullmatch(r"\d{1,12}(\.0+)?")), errors="coerce")
    return figures.astype("float64")


def _day(cells: pd.Series, _: str) -> pd.Series:
    def is_day(text: str) -> bool:
        try:
            return len(text) == 10 and bool(dt.date.fromisoformat(text))
        except ValueError:
            return False

    return cells.where(cells.map(is_day))


_CONVERSIONS: dict[Kind, tuple[Callable[[pd.Series, str], pd.Series], str]] = {
    "text": (_text, "no text"),
    "code": (_code, "no INSEE code of a commune"),
    "count": (_count, "no whole number"),
    "number": (_number, "no number"),
    "day": (_day, "no day such as 2026-06-30"),
}
