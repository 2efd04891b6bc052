"""All files over HTTP: lists, the day, duplicates, imports, exports, the year's figures.

Hides where an import lies while it is read. What is searched for is sent in a body: no name and no
e-mail address stands in an address, where logs and histories would keep it.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.dependencies import TerritoryDep
from api.desk import DatabaseDep
from api.desk_answers import file_answer, preview_answer
from api.desk_models import (
    Card,
    CardList,
    Day,
    File,
    FollowUpKept,
    Imported,
    Likeness,
    Preview,
    StaleProblem,
    TaskKept,
    VisitKept,
)
from api.desk_requests import MAX_ID, MergeRequest, NewFile, SearchRequest
from api.errors import PROBLEM_JSON
from api.private import API
from api.report_models import Report
from api.rights import Exporter, Opener, Reader, Statistician, Viewer, Writer
from api.turns import Line
from api.uploads import MEDIA_TYPES, WHOLE, export_name, received
from geo_matcher.dossiers.fields import Draft
from geo_matcher.dossiers.stages import Stage

if TYPE_CHECKING:
    from geo_matcher.dossiers import (
        desk,
        duplicates,
        handover,
        reading,
        spreadsheets,
        year_report,
    )
else:
    from api.later import Later

    desk = Later("geo_matcher.dossiers.desk")
    duplicates = Later("geo_matcher.dossiers.duplicates")
    handover = Later("geo_matcher.dossiers.handover")
    reading = Later("geo_matcher.dossiers.reading")
    spreadsheets = Later("geo_matcher.dossiers.spreadsheets")
    year_report = Later("geo_matcher.dossiers.year_report")

__all__ = ["router"]

router = APIRouter(prefix=API, tags=["files"])

LoginQuery = Annotated[
    str | None, Query(max_length=60, description="Login of who is in charge; empty for nobody.")
]
MAX_PAIRS = 500
"""Pairs of one answer; their number in all stands in :data:`TOTAL_HEADER`."""

TOTAL_HEADER = "X-Total-Count"
STRENGTH = {"email": 4, "phone": 2, "name": 1}
_pairs = Line("searches for duplicates", most=3)
UPLOAD_BODY = {
    "requestBody": {
        "required": True,
        "description": "A CSV or XLSX file of at most 10 MB.",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("text/csv", MEDIA_TYPES["xlsx"])
        }
        | {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


@router.get("")
def get_files(
    db: DatabaseDep,
    by: Viewer,
    stage: Annotated[list[Stage] | None, Query(max_length=7)] = None,
    adviser: LoginQuery = None,
    top: Annotated[int, Query(ge=1, le=500)] = 100,
    skip: Annotated[int, Query(ge=0, le=MAX_ID)] = 0,
) -> CardList:
    """List files, those that changed stage last first, and count each stage.

    What tells of a family is empty for whoever may not read personal data.
    """
    found = reading.list_files(db, by=by, stages=stage or (), adviser=adviser, top=top, skip=skip)
    return CardList.model_validate(found)


@router.post("/search")
def post_search(wanted: SearchRequest, db: DatabaseDep, by: Reader) -> CardList:
    """List the files of whoever is called so; the search is sent in the body."""
    return CardList.model_validate(reading.list_files(db, by=by, **dict(wanted)))


@router.post("", status_code=201)
def post_file(wanted: NewFile, response: Response, db: DatabaseDep, by: Opener) -> File:
    """Open a file: an enquiry."""
    draft = Draft(**{name: getattr(wanted, name) for name in Draft.model_fields})
    file = desk.open_file(db, draft, by=by, consents=wanted.consents, opened_at=wanted.opened_at)
    response.headers["Location"] = f"{API}/{file.key}"
    return file_answer(file, response)


@router.get("/day")
def get_day(db: DatabaseDep, by: Reader, adviser: LoginQuery = None) -> Day:
    """Say what today asks: new enquiries, tasks due, visits and follow-ups, data that ends."""
    found = reading.day(db, by=by, adviser=adviser)
    return Day(
        on=found.on,
        enquiries=[Card.model_validate(card) for card in found.enquiries],
        tasks=[TaskKept.model_validate(task) for task in found.tasks],
        visits=[VisitKept.model_validate(visit) for visit in found.visits],
        follow_ups=[FollowUpKept.model_validate(one) for one in found.follow_ups],
        ending=[Card.model_validate(card) for card in found.ending],
        names=found.names,
    )


# --- Duplicates --------------------------------------------------------------------------------


@router.get("/duplicates")
def get_duplicates(response: Response, db: DatabaseDep, by: Reader) -> list[Likeness]:
    """Name pairs of files that may be of one household, the best 500, those most alike first.

    The header `X-Total-Count` says how many there are in all.
    """
    with _pairs.turn():
        found = duplicates.find_duplicates(db, by=by)
    response.headers[TOTAL_HEADER] = str(len(found))
    best = sorted(found, key=lambda one: -sum(STRENGTH[reason] for reason in one.reasons))
    return [Likeness.model_validate(one) for one in best[:MAX_PAIRS]]


@router.post("/duplicates")
def post_duplicates(wanted: Draft, db: DatabaseDep, by: Reader) -> list[Likeness]:
    """Name the files that may be of the household of a request that is no file yet."""
    return [Likeness.model_validate(one) for one in duplicates.duplicates_of(db, wanted, by=by)]


@router.post(
    "/merges",
    responses={409: {"model": StaleProblem, "content": {PROBLEM_JSON: {}}}},
)
def post_merge(wanted: MergeRequest, response: Response, db: DatabaseDep, by: Writer) -> File:
    """Make one file of two; no event is lost."""
    file = duplicates.merge_files(
        db,
        wanted.key,
        wanted.version,
        wanted.other,
        wanted.other_version,
        by=by,
        take=wanted.take,
    )
    return file_answer(file, response)


# --- Everything at once ------------------------------------------------------------------------


@router.post("/imports/preview", openapi_extra=UPLOAD_BODY)
async def post_import_preview(
    request: Request, territory: TerritoryDep, db: DatabaseDep, by: Writer
) -> Preview:
    """Say what an import would do, with every problem by row and column; nothing is written."""
    async with received(request) as upload:

        def work() -> Preview:
            with WHOLE.turn():
                found = spreadsheets.preview_spreadsheet(
                    db, upload.path, by=by, territory=territory
                )
            return preview_answer(found)

        return await run_in_threadpool(work)


@router.post("/imports", status_code=201, openapi_extra=UPLOAD_BODY)
async def post_import(
    request: Request, territory: TerritoryDep, db: DatabaseDep, by: Writer
) -> Imported:
    """Import a spreadsheet, all of it or nothing."""
    async with received(request) as upload:

        def work() -> Imported:
            with WHOLE.turn():
                found = spreadsheets.preview_spreadsheet(
                    db, upload.path, by=by, territory=territory
                )
                return Imported(files=spreadsheets.import_files(db, found, by=by))

        return await run_in_threadpool(work)


@router.get(
    "/export",
    response_class=Response,
    responses={200: {"content": {kind: {} for kind in MEDIA_TYPES.values()}}},
)
def get_export(
    db: DatabaseDep, by: Exporter, form: Literal["csv", "xlsx", "json"] = "csv"
) -> Response:
    """Give every file with all that belongs to it, for whoever takes over."""
    with WHOLE.turn():
        content = handover.export_everything(db, form, by=by)
    name = export_name(db.today(), form)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type=MEDIA_TYPES[form])


@router.get("/report")
def get_report(
    territory: TerritoryDep,
    db: DatabaseDep,
    by: Statistician,
    year: Annotated[
        int | None, Query(ge=1990, le=dt.MAXYEAR, description="This one by default.")
    ] = None,
) -> Report:
    """Give the figures of a year; places are pooled for whoever may not read files."""
    found = year_report.year_report(db, year or db.today().year, by=by, territory=territory)
    return Report.model_validate(found.as_dict())
