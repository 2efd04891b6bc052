"""What the library gives, in the shapes that the API answers.

Hides where the two differ: fields of a file under ``fields``, consents flat, profiles without their
defaults.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fastapi import HTTPException, Request
from starlette.responses import Response

from api.desk_models import (
    AccountAnswer,
    CellProblem,
    ConsentKept,
    EventKept,
    Fields,
    File,
    FollowUpKept,
    NoteKept,
    Preview,
    Rerun,
    RowLikeness,
    SettledFacts,
    Shortlist,
    ShortlistHead,
    TaskKept,
    VisitKept,
)
from api.desk_models import FrozenVillage as VillageKept
from api.desk_models import VillageThenNow as VillageMoved
from api.desk_models import WeightThenNow as WeightMoved
from geo_matcher.dossiers.fields import plain_values

if TYPE_CHECKING:
    from geo_matcher.dossiers import shortlists, spreadsheets
    from geo_matcher.dossiers.accounts import Account
    from geo_matcher.dossiers.dossier import Dossier

__all__ = [
    "account_answer",
    "file_answer",
    "preview_answer",
    "rerun_answer",
    "seen_version",
    "shortlist_answer",
]

NO_VERSION = (
    "The request does not say which version of the file it saw. Send the header If-Match with the "
    'ETag of the file, such as "3", or version in the body.'
)


def seen_version(request: Request, version: int | None) -> int:
    """Return the version that an edit saw, by the header ``If-Match`` or its body.

    Raises
    ------
    HTTPException
        428, where neither says it; 422, where they differ or the header is no version.
    """
    header = request.headers.get("If-Match")
    if header is None:
        if version is None:
            raise HTTPException(428, NO_VERSION)
        return version
    text = header.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise HTTPException(422, 'If-Match: expected the ETag of a file, such as "3".')
    if version is not None and version != int(text):
        raise HTTPException(422, "version: expected the one that If-Match names, or none.")
    return int(text)


def file_answer(file: Dossier, response: Response | None = None) -> File:
    """Return a file as the API answers it; the response gets its version as ``ETag``."""
    if response is not None:
        response.headers["ETag"] = f'"{file.version}"'
    fields = None if file.draft is None else Fields.model_validate(plain_values(file.draft))
    return File(
        key=file.key,
        version=file.version,
        opened_at=file.opened_at,
        changed_at=file.changed_at,
        stage=file.stage,
        stage_since=file.stage_since,
        closed_from=file.closed_from,
        closed_reason=file.closed_reason,
        next_stages=list(file.next_stages),
        fields=fields,
        settled=None if file.settled is None else SettledFacts.model_validate(file.settled),
        keep_until=file.keep_until,
        is_anonymous=file.is_anonymous,
        merged_keys=list(file.merged_keys),
        consents=[
            ConsentKept(**kept.consent.model_dump(), withdrawn_on=kept.withdrawn_on)
            for kept in file.consents
        ],
        notes=_each(NoteKept, file.notes),
        tasks=_each(TaskKept, file.tasks),
        visits=_each(VisitKept, file.visits),
        follow_ups=_each(FollowUpKept, file.follow_ups),
        shortlists=_each(ShortlistHead, file.shortlists),
        events=_each(EventKept, file.events),
    )


def _each(model: Any, values: Iterable[Any]) -> list[Any]:
    return [model.model_validate(value) for value in values]


def shortlist_answer(found: shortlists.Shortlist) -> Shortlist:
    """Return a frozen shortlist as the API answers it."""
    return Shortlist(
        head=ShortlistHead.model_validate(found.head),
        software=found.software,
        profile=found.profile.as_dict(),
        villages=_each(VillageKept, found.villages),
    )


def rerun_answer(found: shortlists.Rerun) -> Rerun:
    """Return a shortlist made again as the API answers it."""
    return Rerun(
        shortlist=shortlist_answer(found.shortlist),
        release_now=found.release_now,
        is_same_data=found.is_same_data,
        is_same_method=found.is_same_method,
        is_same_wishes=found.is_same_wishes,
        villages=_each(VillageMoved, found.villages),
        weights=_each(WeightMoved, found.weights),
    )


def preview_answer(found: spreadsheets.Preview) -> Preview:
    """Return what an import would do, without repeating what stands in the file."""
    return Preview(
        rows=len(found.lines),
        stages=dict(Counter(line.stage for line in found.lines)),
        problems=_each(CellProblem, found.problems),
        duplicates=[
            RowLikeness(row=row, key=likeness.other, reasons=list(likeness.reasons))
            for row, likeness in found.duplicates
        ],
        ignored=list(found.ignored),
    )


def account_answer(account: Account) -> AccountAnswer:
    """Return an account as the API answers it."""
    return AccountAnswer(
        login=account.login,
        name=account.name,
        role=account.role.value if account.role is not None else None,
        rights=sorted(right.value for right in account.rights),
        is_disabled=account.is_disabled,
    )
