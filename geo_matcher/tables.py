"""One table of a release, read and checked against its schema.

Hides file formats, and how what is wrong is told: the file, the line, the column, what was found
and what was expected.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as pa_csv

from geo_matcher.destinations import INSEE_CODE
from geo_matcher.errors import DataError
from geo_matcher.schemas import SCHEMAS, Column, Day, Matches, OneOf, Schema, Within

__all__ = ["PATTERNS", "empty_table", "is_sound", "read_given_table", "read_table"]

LEFT_OUT = ("note",)
"""Columns that whoever writes a table may leave out: they are empty then."""

MAX_SUGGESTIONS = 3
"""Lines and values that are named for one fault."""


def read_table(folder: Path, path: str, name: str | None = None) -> pd.DataFrame:
    """Read one table of a release and check its shape.

    Parameters
    ----------
    folder
        The release.
    path
        The file, relative to the release.
    name
        Name of its schema; by default the stem of the path.

    Returns
    -------
    pandas.DataFrame
        Text columns as ``str`` (empty where nothing is given), others as the schema says;
        ``communes.parquet`` as a GeoDataFrame.

    Raises
    ------
    DataError
        If the file cannot be read or does not fit its schema; all problems are listed.
    """
    name = name or Path(path).stem
    if name not in SCHEMAS:
        raise DataError(f"{path}: no schema is known for a table {name!r}")
    schema = SCHEMAS[name]
    file = folder / path
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} is absent. Restore it, or run `geo-matcher data build`.") from None
    if file.suffix == ".parquet":
        frame: pd.DataFrame = _read_parquet(content, path)
        unread = _coerce(frame, schema.columns, path)
    elif (sound := _read_sound_csv(content, schema.columns)) is not None:
        frame, unread = sound, {}
    else:
        frame = _read_csv(content, path)
        unread = _coerce(frame, schema.columns, path)
    _refuse_faults(schema, frame, path, unread)
    return frame


def read_given_table(path: Path, name: str) -> pd.DataFrame:
    """Read a table that somebody has written, and check its shape.

    Spreadsheets write it in ways that no release has: columns in any order, semicolons between
    cells and a comma in figures, spaces around words, a note left out.

    Parameters
    ----------
    path
        The file, CSV in UTF-8.
    name
        Name of its schema.

    Returns
    -------
    pandas.DataFrame
        The table as :func:`read_table` gives it.

    Raises
    ------
    DataError
        If the file cannot be read or does not fit its schema; all problems are listed.
    """
    schema, told = SCHEMAS[name], path.name
    try:
        content = path.read_bytes()
        content.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{told} cannot be read ({error.strerror}). Give a CSV file.") from None
    except UnicodeDecodeError:
        message = f"{told} is not UTF-8 text. Save it as 'CSV UTF-8' and try again."
        raise DataError(message) from None
    is_french = b";" in content.partition(b"\n")[0]
    frame = _read_csv(content, told, ";" if is_french else ",")
    frame = pd.DataFrame(frame.rename(columns=str.strip).apply(lambda cells: cells.str.strip()))
    for column in schema.columns:
        if column in LEFT_OUT and column not in frame:
            frame[column] = ""
        elif is_french and column in frame and schema.columns[column].kind == "float64":
            frame[column] = frame[column].str.replace(",", ".")
    if set(frame.columns) == set(schema.columns):
        frame = frame[list(schema.columns)].copy()
    _refuse_faults(schema, frame, told, _coerce(frame, schema.columns, told))
    return frame


def _refuse_faults(
    schema: Schema, frame: pd.DataFrame, path: str, unread: Mapping[str, list[str]]
) -> None:
    """Raise an error with everything that does not fit, if anything does not.

    Parameters
    ----------
    unread
        Problems of cells by column, told already.
    """
    checked = pd.DataFrame(frame.drop(columns="geometry") if "geometry" in frame else frame)
    problems = [problem for found in unread.values() for problem in found]
    if problems or not is_sound(schema, checked):
        problems += _schema_problems(schema, checked, path, frozenset(unread))
    if problems:
        raise DataError(f"{path} does not fit its schema: " + "; ".join(problems), problems)


def empty_table(name: str) -> pd.DataFrame:
    """Return a table of this name without rows: what stands for one that a release lacks."""
    dtypes = {"text": "str", "int64": "int64", "float64": "float64"}
    columns = SCHEMAS[name].columns
    return pd.DataFrame({key: pd.Series(dtype=dtypes[c.kind]) for key, c in columns.items()})


def _read_parquet(content: bytes, path: str) -> gpd.GeoDataFrame:
    try:
        return gpd.read_parquet(io.BytesIO(content))
    except (pa.ArrowException, ValueError, KeyError, OSError) as error:
        raise DataError(f"{path} is not a GeoParquet table: {error}".rstrip()) from None


ARROW_TYPES = {"text": pa.string(), "int64": pa.int64(), "float64": pa.float64()}


def _read_sound_csv(content: bytes, columns: Mapping[str, Column]) -> pd.DataFrame | None:
    """Read a CSV table with the types of its schema, or nothing if anything is unusual.

    This is the quick way for a table without a fault; what is wrong with another is for
    :func:`_read_csv` to tell, with its lines.
    """
    ends = np.flatnonzero(np.frombuffer(content, dtype=np.uint8) == ord("\n"))
    longest = np.diff(ends, prepend=0, append=len(content)).max()
    if content.count(b'"') % 2 or longest > csv.field_size_limit():
        return None  # an open quote or an endless cell, which Arrow lets pass
    kinds = {name: column.kind for name, column in columns.items()}
    convert = pa_csv.ConvertOptions(
        column_types={name: ARROW_TYPES[kind] for name, kind in kinds.items()},
        null_values=[""],
        strings_can_be_null=False,
    )
    try:
        table = pa_csv.read_csv(pa.BufferReader(content), convert_options=convert)
    except pa.ArrowException:
        return None
    if table.column_names != list(kinds):
        return None
    for name, kind in kinds.items():
        cells = table.column(name)
        if kind == "int64" and cells.null_count:
            return None
        if kind == "float64" and not np.isfinite(cells.drop_null().to_numpy()).all():
            return None
    return pd.DataFrame(table.to_pandas())


def _read_csv(content: bytes, path: str, delimiter: str = ",") -> pd.DataFrame:
    """Read cells as text; pandas would complete or shift lines of another length unasked."""
    try:
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        reader = csv.reader(text, strict=True, delimiter=delimiter)
        header = next(reader, [])
        numbered = [(reader.line_num, cells) for cells in reader if cells]
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a CSV table in UTF-8: {error}") from None
    if len(set(header)) < len(header):
        raise DataError(f"{path} line 1: a column is named twice in {', '.join(header)}")
    ragged = [str(line) for line, cells in numbered if len(cells) != len(header)]
    if ragged:
        lines = ", ".join(ragged[:MAX_SUGGESTIONS])
        raise DataError(f"{path} line {lines}: not as many cells as the header ({len(header)})")
    return pd.DataFrame([cells for _, cells in numbered], columns=header, dtype="str")


def _coerce(frame: pd.DataFrame, columns: Mapping[str, Column], path: str) -> dict[str, list[str]]:
    """Turn cells of text into what the schema wants, in place.

    Returns
    -------
    dict of str to list of str
        For each column that cannot be turned, the problems of its cells.
    """
    problems: dict[str, list[str]] = {}
    for column in frame.columns:
        if column not in columns:
            continue
        wanted = columns[column].kind
        found = frame[column].dtype
        is_text = pd.api.types.is_string_dtype(found)
        if not is_text or wanted == "text":
            if (wanted == "text") != is_text or (not is_text and found != wanted):
                problems[column] = [f"{path}, column {column}: holds {found}, expected {wanted}"]
            elif path.endswith(".parquet") and is_text:
                frame[column] = frame[column].fillna("")
            continue
        numbers = pd.to_numeric(frame[column], errors="coerce")
        whole = wanted == "int64"
        bad = ~np.isfinite(numbers) & (frame[column] != "")
        if whole:
            bad |= (numbers.fillna(0.5) % 1 != 0) | (frame[column] == "")
        if not bad.any():
            frame[column] = numbers.astype("int64") if whole else numbers.astype("float64")
            continue
        kind = "a whole number" if whole else "a number"
        problems[column] = [
            f"{path} line {row + 2}, column {column}: {frame[column].iloc[row]!r} is not {kind}"
            for row in np.flatnonzero(bad)[:MAX_SUGGESTIONS]
        ]
    return problems


def is_sound(schema: Schema, frame: pd.DataFrame) -> bool:
    """Tell whether a table fits its schema, its columns being of the right kind.

    This is the quick way for a table without a fault: it looks at each value once. What is wrong
    with another is for pandera to tell, which takes long to load and to answer.
    """
    if list(frame.columns) != list(schema.columns):
        return False
    if not all(_holds(column, frame[name]) for name, column in schema.columns.items()):
        return False
    return not schema.unique or not frame.duplicated(list(schema.unique)).any()


def _holds(column: Column, cells: pd.Series) -> bool:
    """Tell whether all cells of a column are as they must be."""
    rule = column.rule
    if column.kind == "text":
        if cells.hasnans:
            return False
        if rule is None:
            return True
        texts = cells.drop_duplicates().to_numpy(dtype=object).tolist()
        if isinstance(rule, Matches):
            return all(map(re.compile(rule.pattern).match, texts))
        return all(map(rule.holds, texts)) if isinstance(rule, Day) else _are_of(rule, texts)
    figures = cells.to_numpy()
    if column.kind == "float64":
        is_missing = np.isnan(figures)
        if not column.nullable and is_missing.any():
            return False
        figures = figures[~is_missing]
    if not figures.size:
        return True
    if isinstance(rule, Within):
        return bool(rule.low <= figures.min() and figures.max() <= rule.high)
    return _are_of(rule, np.unique(figures).tolist())


def _are_of(rule: object, values: Iterable[object]) -> bool:
    return not isinstance(rule, OneOf) or set(rule.values).issuperset(values)


PATTERNS = {
    INSEE_CODE: "an INSEE code of 5 characters",
    r"\S": "some text",
    r"^\S.*\S$": "a name of two characters or more, without spaces around it",
    r"^\S(.*\S)?$": "a name without spaces around it",
    r"^(\d{9})?$": "9 digits, or nothing",
    r"^(\d{5}( ?[;,|/ ] ?\d{5})*)?$": "postal codes of 5 digits with commas, or nothing",
    r"^(\d{4})?$": "a year such as 2026, or nothing",
    r"^(\d{4}(-\d{2})?)?$": "a year or month such as 2026-03, or nothing",
    r"^(\d{2}|2[AB]|9[78]\d)$": "the code of a département such as 32 or 2A",
    r"^\d{7}[A-Z]$": "7 digits and a capital letter",
    r"^\w{9}$": "9 letters or digits",
    r"^[a-z_]+$": "a word of small letters and underscores",
    r"^[a-z_0-9]+$": "a word of small letters, digits and underscores",
    r"^[a-z][a-z0-9_]*$": "a word of small letters, digits and underscores",
    r"^[a-z0-9_]+-\d{4,}$": "a kind, a hyphen and a number of 4 digits such as bakery-0001",
    r"^https?://": "an address that begins with https:// or http://",
    r"^[0-9a-f]{64}$": "a SHA-256 of 64 digits from 0 to f",
}
"""What a pattern stands for, in words."""


def _expected(rule: object) -> str:
    """Say in words what a rule expects."""
    match rule:
        case OneOf(values):
            return "one of " + ", ".join(map(str, values)) if len(values) > 1 else str(values[0])
        case Matches(pattern):
            known = "a kind of place such as bakery, or city_ and the key of a town"
            return PATTERNS.get(pattern, known)
        case Within(low, high):
            return f"a figure from {_plain(low)} to {_plain(high)}"
        case Day(or_empty):
            return "a date such as 2014-06-30" + (", or nothing" if or_empty else "")
    raise TypeError(rule)


def _plain(figure: float) -> str:
    """Write a bound; years have no separator."""
    return f"{figure:,.0f}" if abs(figure) >= 10_000 else f"{figure:g}"


def _pandera_schema(schema: Schema) -> Any:
    """Return a schema as pandera's, without the kinds: they are looked at when a table is read."""
    from pandera.pandas import Check, DataFrameSchema
    from pandera.pandas import Column as PanderaColumn

    def check_of(rule: object) -> Any:
        match rule:
            case OneOf(values):
                return Check.isin(values, error=_expected(rule))
            case Matches(pattern):
                return Check.str_matches(pattern, error=_expected(rule))
            case Within(low, high):
                return Check.in_range(low, high, error=_expected(rule))
            case Day():
                return Check(lambda texts: texts.map(rule.holds), error=_expected(rule))
        return None

    columns = {
        name: PanderaColumn(None, check_of(column.rule), nullable=column.nullable)
        for name, column in schema.columns.items()
    }
    return DataFrameSchema(columns, strict=True, ordered=True, unique=list(schema.unique) or None)


def _schema_problems(
    schema: Schema, frame: pd.DataFrame, path: str, unread: frozenset[str]
) -> list[str]:
    """Return what does not fit the schema; the columns in ``unread`` have been told already."""
    from pandera.errors import SchemaErrors

    try:
        _pandera_schema(schema).validate(frame, lazy=True)
    except SchemaErrors as errors:
        cases = errors.failure_cases
        groups = cases.groupby(["schema_context", "column", "check"], dropna=False, sort=False)
        problems = [
            _schema_problem(schema, path, str(check), str(column), group)
            for (context, column, check), group in groups
            if context != "Column" or column not in unread
        ]
        return list(dict.fromkeys(problems))  # a key of two columns is told once
    return []


def _schema_problem(schema: Schema, path: str, check: str, column: str, cases: pd.DataFrame) -> str:
    """Say in words what pandera found."""
    whole_table = {
        "column_in_dataframe": "missing",
        "column_in_schema": "unknown",
        "column_ordered": "out of order, expected " + ", ".join(schema.columns),
    }
    if check in whole_table:
        names = list(cases["failure_case"])
        noun, verb = ("columns", "are") if len(names) > 1 else ("column", "is")
        return f"{path}: {noun} {', '.join(names)} {verb} {whole_table[check]}"
    first = 2 if path.endswith(".csv") else 1
    rows = sorted({int(i) for i in cases["index"].dropna()})[:MAX_SUGGESTIONS]
    place = "line" if path.endswith(".csv") else "row"
    where = f" {place} {', '.join(str(i + first) for i in rows)}" if rows else ""
    if check == "multiple_fields_uniqueness":
        return f"{path}{where}: the same {' and '.join(schema.unique)} more than once"
    if check == "not_nullable":
        return f"{path}{where}, column {column}: empty, expected a figure"
    values = ", ".join(repr(value) for value in cases["failure_case"].head(MAX_SUGGESTIONS))
    return f"{path}{where}, column {column}: found {values}, expected {check}"
