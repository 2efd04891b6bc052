"""Files of all dossiers, on their way in and out.

One that a request brings comes as a form of a page, or as its whole body. Hides multipart forms and
where the file lies meanwhile: in a folder that is gone with the request. How much may arrive, and
for how long, is bounded while it is read (:mod:`api.security`). Nothing of the file's own name is
used.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api.desk import Form
from api.turns import Line

if TYPE_CHECKING:
    from geo_matcher.dossiers.handover import ExportForm

__all__ = ["MEDIA_TYPES", "UPLOADS", "WHOLE", "Upload", "export_name", "received"]

UPLOADS = frozenset(
    {
        "/api/v1/dossiers/imports",
        "/api/v1/dossiers/imports/preview",
        "/conseillers/import",
        "/conseillers/import/apercu",
    }
)
"""Addresses that take a file."""

MEDIA_TYPES: dict[ExportForm, str] = {
    "csv": "application/zip",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
"""What each form of an export is sent as."""

WHOLE = Line("imports and exports of all files", most=3)
"""Work on every file at once, one at a time."""

MAX_FIELDS = 20
MAX_FIELD_BYTES = 20_000
NO_FILE = "The request brings no file. Send it as the body, or as the field 'file' of a form."


def export_name(day: dt.date, form: str) -> str:
    """Return what an export is called."""
    return f"dossiers-{day.isoformat()}.{'zip' if form == 'csv' else form}"


@dataclass(frozen=True, slots=True)
class Upload:
    """What arrived.

    Attributes
    ----------
    path
        The file.
    form
        The other fields of the form; none when the file was the body.
    """

    path: Path
    form: Form


@asynccontextmanager
async def received(request: Request) -> AsyncIterator[Upload]:
    """Give the file of a request; it is gone when the block ends.

    Raises
    ------
    HTTPException
        408 or 413, where it arrives too slowly or is too large; 422, where there is none.
    """
    with tempfile.TemporaryDirectory(prefix="geo_matcher-") as folder:
        path = Path(folder) / "spreadsheet"
        kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            form = await _from_form(request, path)
        else:
            form = await _from_body(request, path)
        yield Upload(path, form)


async def _from_body(request: Request, path: Path) -> Form:
    with path.open("wb") as out:
        async for part in request.stream():
            out.write(part)
        is_empty = out.tell() == 0
    if is_empty:
        raise HTTPException(422, NO_FILE)
    return Form([])


async def _from_form(request: Request, path: Path) -> Form:
    async with request.form(
        max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES
    ) as form:
        sent = form.get("file")
        if not isinstance(sent, UploadFile) or not sent.size:
            raise HTTPException(422, NO_FILE)
        await run_in_threadpool(_copy, sent, path)
        return Form([(k, value) for k, value in form.multi_items() if isinstance(value, str)])


def _copy(sent: UploadFile, path: Path) -> None:
    with path.open("wb") as out:
        shutil.copyfileobj(sent.file, out)
