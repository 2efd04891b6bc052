"""One file over HTTP: read, change, move, add to, hand out, erase.

Hides nothing of the rules: they are the library's. A change says which version it saw; what was
changed meanwhile is answered with the difference, and nothing is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from api.dependencies import TerritoryDep
from api.desk import DatabaseDep
from api.desk_answers import file_answer, rerun_answer, seen_version, shortlist_answer
from api.desk_models import FieldEnd, File, ReadLine, Rerun, Shortlist, StaleProblem
from api.desk_requests import (
    MAX_ID,
    Changes,
    FollowUpAnswer,
    NewNote,
    NewShortlist,
    NewTask,
    NewVisit,
    RerunRequest,
    StepRequest,
    VisitChange,
)
from api.errors import PROBLEM_JSON
from api.private import API
from api.rights import Eraser, Exporter, Reader, ReaderInPart, Writer
from geo_matcher.dossiers.fields import Consent
from geo_matcher.dossiers.stages import Step
from geo_matcher.errors import DossierError
from geo_matcher.matching import rank

if TYPE_CHECKING:
    from geo_matcher.dossiers import desk, entries, privacy, reading, shortlists
else:
    from api.later import Later

    desk = Later("geo_matcher.dossiers.desk")
    entries = Later("geo_matcher.dossiers.entries")
    privacy = Later("geo_matcher.dossiers.privacy")
    reading = Later("geo_matcher.dossiers.reading")
    shortlists = Later("geo_matcher.dossiers.shortlists")

__all__ = ["router"]

router = APIRouter(prefix=API, tags=["files"])

JSON = "application/json"
Key = Annotated[str, Path(pattern=r"^[0-9a-f]{1,16}$", description="Key of a file.")]
Id = Annotated[int, Path(ge=1, le=MAX_ID)]
STALE: dict[int | str, dict[str, Any]] = {
    409: {
        "model": StaleProblem,
        "content": {PROBLEM_JSON: {}},
        "description": "Somebody else changed the file meanwhile; the difference, field by field",
    },
    428: {"description": "The request does not say which version it saw"},
}


@router.get("/{key}")
def get_file(key: Key, response: Response, db: DatabaseDep, by: ReaderInPart) -> File:
    """Give a file with its history; the reading is written down.

    Whoever has the right ``portfolio`` alone gets it without fields, texts and events.
    """
    return file_answer(reading.read_file(db, key, by=by), response)


@router.patch("/{key}", responses=STALE)
def patch_file(
    key: Key, request: Request, response: Response, wanted: Changes, db: DatabaseDep, by: Writer
) -> File:
    """Change fields of a file. ``If-Match`` names the version that was read."""
    seen = seen_version(request, wanted.version)
    return file_answer(desk.edit_file(db, key, seen, wanted.changes, by=by), response)


@router.post("/{key}/steps", responses=STALE)
def post_step(
    key: Key, request: Request, response: Response, wanted: StepRequest, db: DatabaseDep, by: Writer
) -> File:
    """Take a file to another stage; all reasons why it cannot go there are listed."""
    seen = seen_version(request, wanted.version)
    step = Step(wanted.to, wanted.commune, wanted.on, wanted.persons, wanted.reason)
    return file_answer(desk.move_file(db, key, seen, step, by=by), response)


# --- What is added to a file -------------------------------------------------------------------


@router.post("/{key}/notes", status_code=201)
def post_note(key: Key, response: Response, wanted: NewNote, db: DatabaseDep, by: Writer) -> File:
    """Add a note."""
    return file_answer(entries.add_note(db, key, wanted.text, by=by), response)


@router.post("/{key}/tasks", status_code=201)
def post_task(key: Key, response: Response, wanted: NewTask, db: DatabaseDep, by: Writer) -> File:
    """Add something to do by a day."""
    file = entries.add_task(
        db, key, wanted.text, wanted.due_on, by=by, assignee=wanted.assignee or None
    )
    return file_answer(file, response)


@router.post("/{key}/tasks/{number}/done")
def post_task_done(key: Key, number: Id, response: Response, db: DatabaseDep, by: Writer) -> File:
    """Mark a task as done; doing it twice changes nothing."""
    return file_answer(entries.finish_task(db, key, number, by=by), response)


@router.post("/{key}/visits", status_code=201)
def post_visit(key: Key, response: Response, wanted: NewVisit, db: DatabaseDep, by: Writer) -> File:
    """Plan a visit."""
    return file_answer(entries.plan_visit(db, key, wanted.on, wanted.communes, by=by), response)


@router.patch("/{key}/visits/{number}")
def patch_visit(
    key: Key, number: Id, response: Response, wanted: VisitChange, db: DatabaseDep, by: Writer
) -> File:
    """Write down how a visit was, or that it will not be."""
    file = entries.update_visit(
        db, key, number, by=by, impression=wanted.impression, is_cancelled=wanted.is_cancelled
    )
    return file_answer(file, response)


@router.post("/{key}/consents", status_code=201)
def post_consent(
    key: Key, response: Response, wanted: Consent, db: DatabaseDep, by: Writer
) -> File:
    """Write down what a person agreed to; a new one for the same thing prolongs it."""
    return file_answer(entries.give_consent(db, key, wanted, by=by), response)


@router.delete("/{key}/consents/{what}")
def delete_consent(
    key: Key,
    what: Annotated[str, Path(max_length=20)],
    response: Response,
    db: DatabaseDep,
    by: Writer,
) -> File:
    """Write down that a person takes a consent back; it stays in the history."""
    return file_answer(entries.withdraw_consent(db, key, what, by=by), response)


@router.post("/{key}/follow-ups/{months}")
def post_follow_up(
    key: Key,
    months: Annotated[int, Path(ge=1, le=120)],
    response: Response,
    wanted: FollowUpAnswer,
    db: DatabaseDep,
    by: Writer,
) -> File:
    """Write down how a family is, 6, 12 or 24 months after settling."""
    file = desk.record_follow_up(db, key, months, **dict(wanted), by=by)
    return file_answer(file, response)


# --- Shortlists --------------------------------------------------------------------------------


@router.post("/{key}/shortlists", status_code=201)
def post_shortlist(
    key: Key, wanted: NewShortlist, territory: TerritoryDep, db: DatabaseDep, by: Writer
) -> Shortlist:
    """Rank for a member of the household, or for a profile, and keep the ranking as it is today."""
    profile = wanted.profile
    if profile is None:
        draft = reading.read_file(db, key, by=by).draft
        members = draft.members if draft is not None else []
        if wanted.member >= len(members):
            raise DossierError(
                f"member: found {wanted.member}, and the file has {len(members)} profiles. "
                "Add what the household looks for, or send a profile."
            )
        profile = members[wanted.member].profile
    ranking = rank(territory, profile, wanted.scope)
    frozen = shortlists.freeze_shortlist(
        db, key, ranking, by=by, remark=wanted.remark, top=wanted.top
    )
    return shortlist_answer(frozen)


@router.get("/{key}/shortlists/{number}")
def get_shortlist(key: Key, number: Id, db: DatabaseDep, by: Reader) -> Shortlist:
    """Give a frozen shortlist; the reading is written down."""
    return shortlist_answer(shortlists.read_shortlist(db, key, number, by=by))


@router.post("/{key}/shortlists/{number}/reruns")
def post_rerun(
    key: Key,
    number: Id,
    wanted: RerunRequest,
    territory: TerritoryDep,
    db: DatabaseDep,
    by: Reader,
) -> Rerun:
    """Make a frozen shortlist again: what moved, and whether data, method or wishes did it."""
    found = shortlists.rerun_shortlist(db, key, number, territory, by=by, profile=wanted.profile)
    return rerun_answer(found)


# --- A person's data ---------------------------------------------------------------------------


@router.get("/{key}/person", response_class=Response, responses={200: {"content": {JSON: {}}}})
def get_person(key: Key, db: DatabaseDep, by: Exporter) -> Response:
    """Give everything that is kept of a person, for them to read and take elsewhere."""
    content = privacy.export_person(db, key, by=by)
    headers = {"Content-Disposition": f'attachment; filename="{key}.json"'}
    return Response(content, headers=headers, media_type=JSON)


@router.delete("/{key}/person", status_code=204)
def delete_person(key: Key, db: DatabaseDep, by: Eraser) -> None:
    """Make a file anonymous because its person asks for it; it cannot be undone."""
    privacy.erase_person(db, key, by=by)


@router.get("/{key}/reads")
def get_reads(key: Key, db: DatabaseDep, by: Exporter) -> list[ReadLine]:
    """Say who read a file, the latest first."""
    found = reading.reads_of(db, key, by=by)
    return [ReadLine(at=at, who=who, what=what) for at, who, what in found]


@router.get("/{key}/ends")
def get_ends(key: Key, db: DatabaseDep, by: Reader) -> list[FieldEnd]:
    """Say why and until when each field of a file is kept."""
    return [FieldEnd.model_validate(end) for end in privacy.ends_of(db, key, by=by)]
