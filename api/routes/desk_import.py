"""Everything at once, on pages: a spreadsheet taken in, and all files handed over.

Hides that an upload is read only once it is known who sends it, and that its form is ours.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api.desk import PageForm, check_csrf
from api.desk_work import DeskDep
from api.private import PAGES
from api.texts import translator
from api.uploads import MEDIA_TYPES, WHOLE, export_name, received
from geo_matcher.errors import DossierError, SpreadsheetError

if TYPE_CHECKING:
    from api import desk_import, desk_places, desk_words
    from api.desk_work import DeskRequest
    from geo_matcher.dossiers import accounts, cells, handover, spreadsheets
    from geo_matcher.dossiers.handover import ExportForm
else:
    from api.later import Later

    desk_import = Later("api.desk_import")
    desk_places = Later("api.desk_places")
    desk_words = Later("api.desk_words")
    accounts = Later("geo_matcher.dossiers.accounts")
    cells = Later("geo_matcher.dossiers.cells")
    handover = Later("geo_matcher.dossiers.handover")
    spreadsheets = Later("geo_matcher.dossiers.spreadsheets")

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

IMPORT, EXPORT = "/import", "/export"
SHOWN_FIELDS = ("name", "town", "adviser")


# --- A spreadsheet -------------------------------------------------------------------------------


@router.get(f"{PAGES}{IMPORT}")
def show_import(found: DeskDep) -> Response:
    """Show where a spreadsheet is chosen, and what it may hold."""
    accounts.require(found.account, accounts.Right.WRITE)
    return _page(found)


@router.get(f"{PAGES}{IMPORT}/modele")
def give_template(found: DeskDep) -> Response:
    """Give an empty spreadsheet to fill in."""
    accounts.require(found.account, accounts.Right.WRITE)
    content = cells.written_xlsx(desk_import.template_rows())
    return found.file(content, MEDIA_TYPES["xlsx"], "dossiers-modele.xlsx")


@router.post(f"{PAGES}{IMPORT}/apercu")
async def preview(request: Request, found: DeskDep) -> Response:
    """Say what an import would do, with every problem by row and column; nothing is written."""
    accounts.require(found.account, accounts.Right.WRITE)
    try:
        async with received(request) as upload:
            check_csrf(request, upload.form)
            return await run_in_threadpool(_preview, found, upload.path)
    except HTTPException as error:
        faults = {413: "size", 422: "empty"}
        if error.status_code not in faults:
            raise
        return await run_in_threadpool(
            _page, found, fault=faults[error.status_code], status=error.status_code
        )


def _preview(found: DeskRequest, path: Path) -> Response:
    content = desk_import.packed(path.read_bytes())
    if not content:
        return _page(found, fault="heavy", status=413)
    try:
        with WHOLE.turn():
            seen = _read(found, path)
    except SpreadsheetError as error:
        return _page(found, fault=error.reason, status=422)
    return _page(found, seen, content, status=422 if seen.problems else 200)


@router.post(f"{PAGES}{IMPORT}")
def take_in(found: DeskDep, form: PageForm) -> Response:
    """Import what was shown, all of it or nothing; show it again where anything changed since."""
    accounts.require(found.account, accounts.Right.WRITE)
    text = form.get("content", "")
    content = desk_import.unpacked(text)
    if not content:
        return _page(found, fault="form", status=422)
    with tempfile.TemporaryDirectory(prefix="geo_matcher-") as folder, WHOLE.turn():
        path = Path(folder) / "spreadsheet"
        path.write_bytes(content)
        try:
            seen = _read(found, path)
        except SpreadsheetError as error:
            return _page(found, fault=error.reason, status=422)
        if seen.problems:
            return _page(found, seen, text, status=422)
        if str(seen.last_import) != form.get("last_import", ""):
            return _page(found, seen, text, fault="late", status=409)
        try:
            spreadsheets.import_files(found.db, seen, by=found.account)
        except DossierError:
            return _page(found, _read(found, path), text, fault="refused", status=409)
    return found.go("/dossiers", "imported")


def _read(found: DeskRequest, path: Path) -> Any:
    return spreadsheets.preview_spreadsheet(
        found.db, path, by=found.account, territory=found.territory
    )


def _page(
    found: DeskRequest, seen: Any = None, content: str = "", *, fault: str = "", status: int = 200
) -> Response:
    t = translator(found.language)
    names = {one.login: one.name for one in accounts.list_users(found.db, by=found.account)}
    view = seen and desk_import.import_view(seen, content, found.language, names)
    return found.page(
        "desk_import.html",
        t("desk.import"),
        IMPORT,
        status=status,
        view=view,
        hrefs=_hrefs(found),
        names={name: desk_words.field_label(name, found.language) for name in SHOWN_FIELDS},
        columns=desk_import.column_help(),
        faults={"file": t(f"desk.import.fault.{fault}")} if fault else {},
    )


def _hrefs(found: DeskRequest) -> dict[str, str]:
    paths = {
        "board": "/dossiers",
        "here": IMPORT,
        "import": IMPORT,
        "preview": f"{IMPORT}/apercu",
        "template": f"{IMPORT}/modele",
        "export": EXPORT,
    }
    return {name: desk_places.desk_href(path, found.language) for name, path in paths.items()}


# --- All files -----------------------------------------------------------------------------------


@router.get(f"{PAGES}{EXPORT}")
def show_export(found: DeskDep) -> Response:
    """Ask in which form all files are handed over."""
    accounts.require(found.account, accounts.Right.EXPORT)
    t = translator(found.language)
    return found.page(
        "desk_export.html",
        t("desk.handover"),
        EXPORT,
        forms=[(form, t(f"desk.handover.form.{form}")) for form in ("xlsx", "csv", "json")],
        hrefs=_hrefs(found),
    )


@router.post(f"{PAGES}{EXPORT}")
def hand_over(found: DeskDep, form: PageForm) -> Response:
    """Give every file with all that belongs to it; the reading is written down."""
    wanted: ExportForm = "xlsx"
    for known in MEDIA_TYPES:
        if known == form.get("form"):
            wanted = known
    with WHOLE.turn():
        content = handover.export_everything(found.db, wanted, by=found.account)
    return found.file(content, MEDIA_TYPES[wanted], export_name(found.db.today(), wanted))
