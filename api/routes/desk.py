"""The advisers' pages to read: the day, the board, a file; and the forms that open and edit one.

Hides which status each gets. What changes something is in ``desk_changes``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import Response

from api.desk import PageForm
from api.desk_work import DeskDep
from api.private import PAGES
from api.texts import translator
from geo_matcher.errors import DossierError, StaleEditError

if TYPE_CHECKING:
    from api import (
        desk_board,
        desk_edit,
        desk_faults,
        desk_places,
        desk_show,
        desk_today,
        desk_words,
    )
    from api.desk_work import DeskRequest
    from geo_matcher.dossiers import accounts, desk, fields, reading, stages
else:
    from api.later import Later

    desk_board = Later("api.desk_board")
    desk_edit = Later("api.desk_edit")
    desk_faults = Later("api.desk_faults")
    desk_places = Later("api.desk_places")
    desk_show = Later("api.desk_show")
    desk_today = Later("api.desk_today")
    desk_words = Later("api.desk_words")
    accounts = Later("geo_matcher.dossiers.accounts")
    desk = Later("geo_matcher.dossiers.desk")
    fields = Later("geo_matcher.dossiers.fields")
    reading = Later("geo_matcher.dossiers.reading")
    stages = Later("geo_matcher.dossiers.stages")

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

FILES = f"{PAGES}/dossiers"
MAX_PAGE = 10_000


@router.get(PAGES)
def show_today(found: DeskDep) -> Response:
    """Show the day; whoever may not read files goes to what they may see."""
    if not found.may("files.read"):
        return found.go(desk_places.home_of(found.account))
    is_own = found.asked("qui") != "tous" and found.account.role == accounts.Role.ADVISER
    day = reading.day(found.db, by=found.account, adviser=found.account.login if is_own else None)
    view = desk_today.today_view(
        day,
        found.language,
        communes=desk_words.commune_names(found.territory),
        is_own=is_own,
        may_write=found.may("files.write"),
    )
    title = translator(found.language)("desk.nav.today")
    return found.page("desk_today.html", title, "", query={"qui": found.asked("qui")}, view=view)


# --- The board -----------------------------------------------------------------------------------


@router.get(FILES)
def show_board(found: DeskDep) -> Response:
    """Show the board, or the list of a stage."""
    return _board(found, found.asked("etape"), found.asked("conseiller"), "", found.asked("page"))


@router.post(FILES)
def search_files(found: DeskDep, form: PageForm) -> Response:
    """Show the files that a search finds; what is searched stands in no address."""
    return _board(
        found,
        form.get("etape", ""),
        form.get("conseiller", ""),
        form.get("texte", "").strip()[:254],
        form.get("page", ""),
    )


def _board(found: DeskRequest, stage: str, adviser: str, text: str, page: str) -> Response:
    known = {one.value: one for one in stages.Stage}
    asked = desk_board.BoardAsked(
        stage=known.get(stage),
        adviser=adviser[:60],
        text=text,
        page=min(max(int(page), 1), MAX_PAGE) if page.isdecimal() and len(page) < 6 else 1,
    )
    in_charge = asked.in_charge
    files = reading.list_files(
        found.db,
        by=found.account,
        stages=[asked.stage] if asked.stage else (),
        adviser=in_charge,
        text=text,
        top=desk_board.PAGE if asked.is_list else 1,
        skip=(asked.page - 1) * desk_board.PAGE,
    )
    columns = {}
    if not asked.is_list:
        columns = {
            one: reading.list_files(
                found.db,
                by=found.account,
                stages=[one],
                adviser=in_charge,
                top=desk_board.IN_COLUMN,
            ).cards
            for one in desk_board.COLUMNS
            if files.by_stage[one]
        }
    sees = found.may("files.read")
    view = desk_board.board_view(
        files,
        asked,
        found.language,
        columns=columns,
        advisers=accounts.list_users(found.db, by=found.account) if sees else (),
        communes=desk_words.commune_names(found.territory),
        sees=sees,
        may_open=found.may("files.write"),
        may_export=found.may("files.export"),
    )
    title = translator(found.language)("desk.board")
    query = {"etape": view.stage, "conseiller": view.adviser}
    return found.page("desk_board.html", title, "/dossiers", query=query, view=view)


# --- A file --------------------------------------------------------------------------------------


@router.get(f"{FILES}/nouveau")
def show_new(found: DeskDep) -> Response:
    """Show the form of a new file."""
    accounts.require(found.account, accounts.Right.WRITE)
    values = desk_edit.new_values(found.territory)
    if found.account.role == accounts.Role.ADVISER:
        values["adviser"] = found.account.login
    return _new(found, values)


def _new(found: DeskRequest, values: Any, status: int = 200, **more: Any) -> Response:
    view = desk_edit.edit_view(
        found.territory,
        found.language,
        key="",
        version=0,
        values=values,
        advisers=accounts.list_users(found.db, by=found.account),
        today=found.db.today(),
        **more,
    )
    title = translator(found.language)("desk.new")
    return found.page("desk_edit.html", title, "/dossiers/nouveau", status=status, view=view)


@router.post(f"{FILES}/nouveau")
def open_new(found: DeskDep, form: PageForm) -> Response:
    """Open a file, or say beside each field what cannot be used."""
    values, faults = desk_edit.fields_in(form, found.territory, found.language)
    ticked = form.all("consent")
    days = form.get("given_on", ""), form.get("until", "")
    try:
        consents = desk_edit.consents_in(ticked, *days, found.language) if ticked else ()
    except ValueError:
        consents = ()
        faults["consent"] = translator(found.language)("desk.fault.consent")
    try:
        draft = fields.draft_of(values)
        if not faults:
            file = desk.open_file(found.db, draft, by=found.account, consents=consents)
            return found.go(f"/dossiers/{file.key}", "opened")
    except DossierError as error:
        faults |= dict(desk_faults.fault_texts(error, found.language))
    typed = {name: form.get(name, "") for name in desk_edit.TYPED}
    return _new(found, typed, 422, faults=faults, ticked=ticked, days=days)


@router.get(f"{FILES}/{{key}}")
def show_file(found: DeskDep, key: str) -> Response:
    """Show a file."""
    return desk_show.file_page(found, key)


@router.get(f"{FILES}/{{key}}/modifier")
def show_edit(found: DeskDep, key: str) -> Response:
    """Show the form of a file."""
    accounts.require(found.account, accounts.Right.WRITE)
    file = reading.read_file(found.db, key, by=found.account)
    if file.draft is None:
        return found.go(f"/dossiers/{file.key}")
    values = desk_edit.typed_of(fields.plain_values(file.draft), found.territory)
    return _edit(found, file.key, file.version, values)


def _edit(
    found: DeskRequest, key: str, version: int, values: Any, status: int = 200, **more: Any
) -> Response:
    view = desk_edit.edit_view(
        found.territory,
        found.language,
        key=key,
        version=version,
        values=values,
        advisers=accounts.list_users(found.db, by=found.account),
        today=found.db.today(),
        **more,
    )
    title = translator(found.language)("desk.edit")
    return found.page(
        "desk_edit.html", title, f"/dossiers/{key}/modifier", status=status, view=view
    )


@router.post(f"{FILES}/{{key}}/modifier")
def save_edit(found: DeskDep, key: str, form: PageForm) -> Response:
    """Keep what was typed, or show what somebody else changed meanwhile, field by field."""
    values, faults = desk_edit.fields_in(form, found.territory, found.language)
    typed = {name: form.get(name, "") for name in desk_edit.TYPED}
    sent = form.get("version", "")
    version = int(sent) if sent.isdecimal() and len(sent) < 10 else 0
    try:
        if not faults:
            desk.edit_file(found.db, key, version, values, by=found.account)
            return found.go(f"/dossiers/{key}", "saved")
    except StaleEditError as late:
        return _edit(found, key, version, typed, 409, late=late)
    except DossierError as error:
        faults |= dict(desk_faults.fault_texts(error, found.language))
    return _edit(found, key, version, typed, 422, faults=faults)
