"""Everything that the database holds, for whoever takes over: CSV files in a ZIP, XLSX, or JSON.

Hides which tables and columns belong to the network: all but digests of passwords, sessions and
tokens. Cells are neutral for spreadsheet programs; JSON holds what was typed, character by
character.
"""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from typing import Any, Literal

import orjson
from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from geo_matcher.dossiers.accounts import Account, Right, require
from geo_matcher.dossiers.cells import written_csv, written_xlsx
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.reading import log_read
from geo_matcher.dossiers.records import (
    Base,
    ConsentRow,
    DossierRow,
    EventRow,
    FollowUpRow,
    NoteRow,
    ShortlistRow,
    TaskRow,
    UserRow,
    VisitRow,
)
from geo_matcher.errors import DossierError

__all__ = ["EXPORT_FORMS", "ExportForm", "export_everything"]

ExportForm = Literal["csv", "xlsx", "json"]

EXPORT_FORMS: tuple[ExportForm, ...] = ("csv", "xlsx", "json")
"""Forms of an export; ``csv`` is a ZIP with one file for each table."""

TABLES: tuple[type[Base], ...] = (
    DossierRow,
    EventRow,
    ConsentRow,
    NoteRow,
    TaskRow,
    VisitRow,
    FollowUpRow,
    ShortlistRow,
    UserRow,
)
SECRET_COLUMNS = frozenset({"password_hash"})


def export_everything(db: Database, form: ExportForm, *, by: Account) -> bytes:
    """Return every file with all that belongs to it; the reading is written down.

    Parameters
    ----------
    form
        One of :data:`EXPORT_FORMS`.

    Raises
    ------
    DossierError
        If the form is another.
    AccessError
        If ``by`` may not export.
    """
    require(by, Right.EXPORT)
    require(by, Right.READ)
    if form not in EXPORT_FORMS:
        raise DossierError(f"form: expected one of {', '.join(EXPORT_FORMS)}.")
    with db.writing() as session:
        tables = {str(table.__tablename__): list(_rows(session, table)) for table in TABLES}
        log_read(session, db.now(), by, "export", files=len(tables["dossiers"]) - 1)
    if form == "json":
        named = {
            name: [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
            for name, rows in tables.items()
        }
        return orjson.dumps(named, option=orjson.OPT_INDENT_2)
    plain = {
        name: [[_plain(cell) for cell in row] for row in rows] for name, rows in tables.items()
    }
    if form == "xlsx":
        return written_xlsx(plain)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, rows in plain.items():
            parts.writestr(f"{name}.csv", written_csv(rows))
    return out.getvalue()


def _rows(session: Session, kind: type[Base]) -> Iterator[list[Any]]:
    table = kind.__table__
    assert isinstance(table, Table)
    columns = [column for column in table.columns if column.name not in SECRET_COLUMNS]
    yield [column.name for column in columns]
    for row in session.execute(select(*columns).order_by(table.columns["id"])):
        yield list(row)


def _plain(cell: Any) -> Any:
    """Return a value as a cell holds it: moments and lists become text."""
    if isinstance(cell, dict | list):
        return orjson.dumps(cell).decode()
    if isinstance(cell, dt.datetime | dt.date):
        return cell.isoformat()
    return cell
