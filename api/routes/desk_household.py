"""What belongs to one household: its wishes, its frozen lists, its second file, its rights.

Hides the forms that take a page of their own, and that what cannot be undone is confirmed first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.responses import Response

from api.desk import PageForm
from api.desk_work import DeskDep
from api.private import PAGES
from api.routes.desk_changes import sent_number
from api.texts import translator
from geo_matcher.errors import DossierError, StaleEditError
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile

if TYPE_CHECKING:
    from api import (
        desk_faults,
        desk_frozen,
        desk_merge,
        desk_places,
        desk_show,
        desk_wishes,
        desk_words,
    )
    from api.desk_work import DeskRequest
    from geo_matcher.dossiers import (
        accounts,
        desk,
        duplicates,
        fields,
        privacy,
        reading,
        shortlists,
    )
else:
    from api.later import Later

    desk_faults = Later("api.desk_faults")
    desk_frozen = Later("api.desk_frozen")
    desk_merge = Later("api.desk_merge")
    desk_places = Later("api.desk_places")
    desk_show = Later("api.desk_show")
    desk_wishes = Later("api.desk_wishes")
    desk_words = Later("api.desk_words")
    accounts = Later("geo_matcher.dossiers.accounts")
    desk = Later("geo_matcher.dossiers.desk")
    duplicates = Later("geo_matcher.dossiers.duplicates")
    fields = Later("geo_matcher.dossiers.fields")
    privacy = Later("geo_matcher.dossiers.privacy")
    reading = Later("geo_matcher.dossiers.reading")
    shortlists = Later("geo_matcher.dossiers.shortlists")

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

FILE = f"{PAGES}/dossiers/{{key}}"
NEW = "nouveau"


# --- What each person looks for ------------------------------------------------------------------


@router.get(f"{FILE}/projet")
def show_wishes(found: DeskDep, key: str) -> Response:
    """Show the questions with the answers of one person."""
    accounts.require(found.account, accounts.Right.WRITE)
    file = reading.read_file(found.db, key, by=found.account)
    if file.draft is None:
        return found.go(f"/dossiers/{file.key}")
    asked = found.asked("membre")
    if asked == NEW or not file.draft.members:
        preset = PRESETS.get(found.asked("modele"))
        profile = preset.profile if preset else Profile()
        return _wishes(found, key, version=file.version, member=NEW, label="", profile=profile)
    number = desk_show.asked_member(file, asked)
    person = file.draft.members[number]
    return _wishes(
        found,
        key,
        version=file.version,
        member=str(number),
        label=person.label,
        profile=person.profile,
    )


def _wishes(found: DeskRequest, key: str, status: int = 200, **values: Any) -> Response:
    view = desk_wishes.wishes_view(key, found.language, **values)
    title = translator(found.language)("desk.wishes")
    return found.page(
        "desk_wishes.html",
        title,
        f"/dossiers/{key}/projet",
        status=status,
        query={"membre": view.member},
        view=view,
    )


@router.post(f"{FILE}/projet")
def save_wishes(found: DeskDep, key: str, form: PageForm) -> Response:
    """Keep what one person looks for, or take the person out."""
    profile, faults = desk_wishes.profile_sent(form, found.territory, found.language)
    label, member = form.get("label", "").strip(), form.get("membre", NEW)
    version = sent_number(form.get("version", "")) or 0
    is_removed = form.get("do") == "remove"
    values: dict[str, Any] = {
        "version": version,
        "member": member,
        "label": label,
        "profile": profile or Profile(),
        "sent": form,
    }
    if profile is None and not is_removed:
        return _wishes(found, key, 422, faults=faults, **values)
    file = reading.read_file(found.db, key, by=found.account)
    members = fields.plain_values(file.draft)["members"] if file.draft else []
    number = sent_number(member)
    if number is not None and number >= len(members):
        number = None
    if is_removed:
        members = [one for place, one in enumerate(members) if place != number]
    else:
        mine = {"label": label, "profile": (profile or Profile()).as_dict()}
        if number is None:
            members = [*members, mine]
        else:
            members = [*members[:number], mine, *members[number + 1 :]]
    try:
        desk.edit_file(found.db, key, version, {"members": members}, by=found.account)
    except StaleEditError as late:
        names = desk_words.commune_names(found.territory)
        differences = desk_faults.differences_of(late, found.language, names)
        values["version"] = late.version
        return _wishes(found, key, 409, differences=differences, **values)
    except DossierError as error:
        texts = tuple(text for _, text in desk_faults.fault_texts(error, found.language))
        return _wishes(found, key, 422, faults=texts, **values)
    return found.go(f"/dossiers/{key}", "saved", "#projet")


# --- Frozen lists --------------------------------------------------------------------------------


@router.get(f"{FILE}/listes/{{number}}")
def show_frozen(found: DeskDep, key: str, number: int) -> Response:
    """Show a frozen list, made again with the data and the wishes of today."""
    file = reading.read_file(found.db, key, by=found.account)
    ranked = desk_show.ranked_for(found, file)
    rerun = shortlists.rerun_shortlist(
        found.db,
        key,
        number,
        found.territory,
        by=found.account,
        profile=ranked.ranking.profile if ranked.ranking else None,
    )
    people = accounts.list_users(found.db, by=found.account)
    view = desk_frozen.frozen_view(
        rerun,
        file.key,
        found.language,
        names={account.login: account.name for account in people},
    )
    return found.page("desk_frozen.html", view.title, f"/dossiers/{key}/listes/{number}", view=view)


# --- Two files of one household ------------------------------------------------------------------


@router.get(f"{FILE}/fusion")
def show_merge(found: DeskDep, key: str) -> Response:
    """Show two files side by side."""
    accounts.require(found.account, accounts.Right.WRITE)
    return _merge(found, key, found.asked("avec"))


def _merge(
    found: DeskRequest, key: str, other: str, status: int = 200, faults: Any = None
) -> Response:
    one = reading.read_file(found.db, key, by=found.account)
    two = reading.read_file(found.db, other, by=found.account)
    if one.key == two.key:
        return found.go(f"/dossiers/{one.key}")
    names = desk_words.commune_names(found.territory)
    view = desk_merge.merge_view(one, two, found.language, names=names)
    title = translator(found.language)("desk.merge")
    return found.page(
        "desk_merge.html",
        title,
        f"/dossiers/{key}/fusion",
        status=status,
        query={"avec": other},
        view=view,
        faults=faults or {},
    )


@router.post(f"{FILE}/fusion")
def merge(found: DeskDep, key: str, form: PageForm) -> Response:
    """Make one file of two; where either changed meanwhile, show them again as they are."""
    other = form.get("other", "")
    try:
        file = duplicates.merge_files(
            found.db,
            key,
            sent_number(form.get("version", "")) or 0,
            other,
            sent_number(form.get("other_version", "")) or 0,
            by=found.account,
            take=form.all("take"),
        )
    except StaleEditError:
        text = translator(found.language)("desk.merge.late")
        return _merge(found, key, other, 409, {"file": text})
    except DossierError as error:
        faults = dict(desk_faults.fault_texts(error, found.language))
        return _merge(found, key, other, 422, faults)
    return found.go(f"/dossiers/{file.key}", "merged")


# --- The person's rights -------------------------------------------------------------------------


def _confirm(
    found: DeskRequest,
    key: str,
    kind: str,
    path: str,
    *,
    tick: bool,
    faults: Any = None,
    status: int = 200,
) -> Response:
    t = translator(found.language)
    file = reading.read_file(found.db, key, by=found.account)
    if file.draft is None:
        return found.go(f"/dossiers/{file.key}")
    return found.page(
        "desk_confirm.html",
        t(f"desk.{kind}.of", name=file.draft.name),
        f"/dossiers/{key}/{path}",
        status=status,
        texts=[t(f"desk.{kind}.what")],
        tick=t(f"desk.{kind}.tick") if tick else "",
        button=t(f"desk.{kind}.do"),
        action=desk_places.desk_href(f"/dossiers/{key}/{path}", found.language),
        back=desk_places.desk_href(f"/dossiers/{key}", found.language),
        faults=faults or {},
    )


@router.get(f"{FILE}/donnees")
def show_export(found: DeskDep, key: str) -> Response:
    """Ask before a person's data leaves."""
    accounts.require(found.account, accounts.Right.EXPORT)
    return _confirm(found, key, "export", "donnees", tick=False)


@router.post(f"{FILE}/donnees")
def export(found: DeskDep, key: str, _form: PageForm) -> Response:
    """Give everything that is kept of a person, as a file."""
    content = privacy.export_person(found.db, key, by=found.account)
    return found.file(content, "application/json", f"dossier-{key}.json")


@router.get(f"{FILE}/effacer")
def show_erase(found: DeskDep, key: str) -> Response:
    """Ask before a person's data is erased."""
    accounts.require(found.account, accounts.Right.ERASE)
    return _confirm(found, key, "erase", "effacer", tick=True)


@router.post(f"{FILE}/effacer")
def erase(found: DeskDep, key: str, form: PageForm) -> Response:
    """Erase a person's data, once it is confirmed."""
    accounts.require(found.account, accounts.Right.ERASE)
    if form.get("confirm") != "yes":
        faults = {"confirm": translator(found.language)("desk.fault.confirm")}
        return _confirm(found, key, "erase", "effacer", tick=True, faults=faults, status=422)
    privacy.erase_person(found.db, key, by=found.account)
    return found.go(f"/dossiers/{key}", "erased")
