"""The page of a file, put together: what is read, ranked and looked for before it is shown.

Hides which member's villages are ranked and when duplicates are looked for. The same page comes
back with what was typed in it when a form cannot be used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from api.desk_faults import Difference
from api.desk_file import file_view
from api.desk_ranking import member_tabs, ranking_view
from api.desk_words import commune_names
from api.desk_work import DeskRequest
from api.turns import odds_in_turn
from geo_matcher.dossiers.accounts import Right, list_users
from geo_matcher.dossiers.dossier import Dossier
from geo_matcher.dossiers.duplicates import duplicates_of
from geo_matcher.dossiers.likeness import Likeness
from geo_matcher.dossiers.reading import read_file
from geo_matcher.dossiers.stages import Stage
from geo_matcher.matching import Ranking, rank
from geo_matcher.territory import SCOPES
from geo_matcher.towns import served

__all__ = ["RankedFor", "asked_member", "file_page", "ranked_for", "shown_in"]

TYPED = (
    "step", "commune", "on", "persons", "note", "task", "due_on", "months", "hard", "remark",
)  # fmt: skip
"""What may have been typed into the forms of the page."""

MAX_TWINS = 5
COMPARED = (Stage.ENQUIRY, Stage.QUALIFIED, Stage.MATCHED)
"""Stages at which a second file of the same household still matters."""


@dataclass(frozen=True, slots=True)
class RankedFor:
    """Whose wishes are ranked: the number of the member, the set of communes, the ranking."""

    member: int
    scope: str
    ranking: Ranking | None


def asked_member(file: Dossier, text: str) -> int:
    """Return the number of the member that is asked for; the first one where there is none."""
    count = len(file.draft.members) if file.draft else 0
    return int(text) if text.isdecimal() and len(text) < 3 and int(text) < count else 0


def ranked_for(found: DeskRequest, file: Dossier, member: str = "", scope: str = "") -> RankedFor:
    """Rank the villages for one member of a household.

    Parameters
    ----------
    found
        The request; its address names the member and the scope where nothing else does.
    file
        The file.
    member, scope
        As a form sent them.
    """
    number = asked_member(file, member or found.asked("membre"))
    asked = scope or found.asked("scope")
    scope = asked if asked in SCOPES else served().default_scope
    if file.draft is None or not file.draft.members:
        return RankedFor(number, scope, None)
    profile = file.draft.members[number].profile
    return RankedFor(number, scope, rank(found.territory, profile, scope))


def shown_in(found: DeskRequest) -> dict[str, str]:
    """Return whose villages the page shows, in which set, as its address says it."""
    member, scope = found.asked("membre"), found.asked("scope")
    return {
        "membre": member if member.isdecimal() and len(member) < 3 else "",
        "scope": scope if scope in SCOPES else "",
    }


def file_page(
    found: DeskRequest,
    key: str,
    *,
    faults: Mapping[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
    differences: Sequence[Difference] = (),
    status: int = 200,
) -> Response:
    """Answer with the page of a file.

    Parameters
    ----------
    found
        The request.
    key
        Key of the file.
    faults
        A sentence for each thing that cannot be used.
    typed
        What was typed into the form that was refused.
    differences
        What somebody else changed meanwhile.
    status
        Status of the answer.
    """
    file = read_file(found.db, key, by=found.account)
    if file.key != key:  # it was merged into another one
        return found.go(f"/dossiers/{file.key}")
    language, names = found.language, commune_names(found.territory)
    ranked = ranked_for(found, file)
    ranking = None
    if ranked.ranking is not None:
        ranking = ranking_view(odds_in_turn(ranked.ranking), file.key, ranked.member, language)
    view = file_view(
        file,
        language,
        by=found.account,
        today=found.db.today(),
        communes=names,
        advisers=list_users(found.db, by=found.account) if Right.READ in found.account.rights
        else (),
        members=member_tabs(
            found.territory, file.key, file.draft.members if file.draft else (), ranked.member,
            ranked.scope, language,
        ),
        ranking=ranking,
        twins=_twins(found, file),
        shown=shown_in(found),
    )  # fmt: skip
    return found.page(
        "desk_file.html",
        view.title,
        f"/dossiers/{file.key}",
        status=status,
        query={"membre": str(ranked.member or ""), "scope": found.asked("scope")},
        view=view,
        faults=faults or {},
        typed=dict.fromkeys(TYPED, "") | dict(typed or {}),
        differences=differences,
        communes=sorted(names.values()) if Stage.SETTLED in file.next_stages else (),
    )


def _twins(found: DeskRequest, file: Dossier) -> list[tuple[Likeness, str]]:
    """Return the files that may be of the same household, with their names."""
    if file.draft is None or file.stage not in COMPARED:
        return []
    alike = [
        one
        for one in duplicates_of(found.db, file.draft, by=found.account)
        if one.other != file.key
    ]
    twins = []
    for one in alike[:MAX_TWINS]:
        other = read_file(found.db, one.other, by=found.account)
        twins.append((one, other.draft.name if other.draft else other.key))
    return twins
