"""What changes a file from its page: steps, notes, tasks, visits, follow-ups, consents, lists.

Hides that each is a form of its own, that a refusal brings the page back with what was typed, and
that whoever comes second sees what the first one changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import Response

from api.desk import PageForm
from api.desk_work import DeskDep
from api.private import PAGES
from geo_matcher.errors import DossierError, StaleEditError, UnknownCommuneError

if TYPE_CHECKING:
    from api import desk_edit, desk_faults, desk_show, desk_words
    from api.desk_work import DeskRequest
    from geo_matcher.dossiers import desk, entries, reading, shortlists, stages
else:
    from api.later import Later

    desk_edit = Later("api.desk_edit")
    desk_faults = Later("api.desk_faults")
    desk_show = Later("api.desk_show")
    desk_words = Later("api.desk_words")
    desk = Later("geo_matcher.dossiers.desk")
    entries = Later("geo_matcher.dossiers.entries")
    reading = Later("geo_matcher.dossiers.reading")
    shortlists = Later("geo_matcher.dossiers.shortlists")
    stages = Later("geo_matcher.dossiers.stages")

__all__ = ["router", "sent_day"]

router = APIRouter(include_in_schema=False)

FILE = f"{PAGES}/dossiers/{{key}}"


def sent_day(text: str, name: str = "day") -> dt.date:
    """Return a day as a form sent it.

    Raises
    ------
    DossierError
        If it is none.
    """
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        problem = f"{name}: expected a day such as 2026-03-31"
        raise DossierError(problem, (problem,)) from None


def sent_number(text: str) -> int | None:
    """Return a small number as a form sent it; None for anything else."""
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _done(
    found: DeskRequest,
    key: str,
    work: Callable[[], object],
    done: str,
    mark: str,
    typed: Mapping[str, str] | None = None,
) -> Response:
    """Do it and lead back to the file, or show the file with what stands against it."""
    try:
        work()
    except StaleEditError as late:
        names = desk_words.commune_names(found.territory)
        differences = desk_faults.differences_of(late, found.language, names)
        return desk_show.file_page(found, key, differences=differences, typed=typed, status=409)
    except DossierError as error:
        faults = dict(desk_faults.fault_texts(error, found.language))
        return desk_show.file_page(found, key, faults=faults, typed=typed, status=422)
    return found.go(f"/dossiers/{key}", done, mark, **desk_show.shown_in(found))


@router.post(f"{FILE}/etape")
def take_step(found: DeskDep, key: str, form: PageForm) -> Response:
    """Take a file to another stage."""
    typed = {name: form.get(name, "") for name in ("commune", "on", "persons")}
    typed["step"] = form.get("to", "")

    def work() -> None:
        known = {one.value: one for one in stages.Stage}
        to = known.get(form.get("to", ""))
        if to is None:
            raise DossierError("to: expected a stage.", ("stage: expected one",))
        version = sent_number(form.get("version", "")) or 0
        step = stages.Step(to)
        if to is stages.Stage.CLOSED:
            step = stages.Step(to, reason=form.get("reason", ""))
        elif to is stages.Stage.SETTLED:
            step = stages.Step(
                to,
                commune=_commune(found, form.get("commune", "")),
                on=sent_day(form.get("on", ""), "on"),
                persons=sent_number(form.get("persons", "").strip()),
            )
        desk.move_file(found.db, key, version, step, by=found.account)

    return _done(found, key, work, "moved", "", typed)


def _commune(found: DeskRequest, text: str) -> str | None:
    try:
        return found.territory.find(text.strip()[:80])
    except UnknownCommuneError:
        return text if stages.is_insee_code(text.strip()) else None


@router.post(f"{FILE}/notes")
def write_note(found: DeskDep, key: str, form: PageForm) -> Response:
    """Add a note."""
    text = form.get("text", "")
    return _done(
        found,
        key,
        lambda: entries.add_note(found.db, key, text, by=found.account),
        "note",
        "#notes",
        {"note": text},
    )


@router.post(f"{FILE}/taches")
def plan_task(found: DeskDep, key: str, form: PageForm) -> Response:
    """Add something to do."""
    text = form.get("text", "")
    return _done(
        found,
        key,
        lambda: entries.add_task(
            found.db,
            key,
            text,
            sent_day(form.get("due_on", "")),
            by=found.account,
            assignee=form.get("assignee") or None,
        ),
        "task",
        "#taches",
        {"task": text, "due_on": form.get("due_on", "")},
    )


@router.post(f"{FILE}/taches/{{number}}/fait")
def finish_task(found: DeskDep, key: str, number: int, form: PageForm) -> Response:
    """Mark a task as done, and go back to the day or the file."""
    entries.finish_task(found.db, key, number, by=found.account)
    if form.get("back") == "day":
        return found.go("", "task_done")
    return found.go(f"/dossiers/{key}", "task_done", "#taches")


@router.post(f"{FILE}/visites")
def record_visit(found: DeskDep, key: str, form: PageForm) -> Response:
    """Write a planned visit down."""
    return _done(
        found,
        key,
        lambda: entries.plan_visit(
            found.db, key, sent_day(form.get("on", "")), form.all("village"), by=found.account
        ),
        "visit",
        "#visites",
    )


@router.post(f"{FILE}/visites/{{number}}")
def tell_visit(found: DeskDep, key: str, number: int, form: PageForm) -> Response:
    """Write down how a visit was, or that it will not be."""
    return _done(
        found,
        key,
        lambda: entries.update_visit(
            found.db,
            key,
            number,
            by=found.account,
            impression=form.get("impression"),
            is_cancelled=form.get("cancelled") == "yes",
        ),
        "visit_told",
        "#visites",
    )


@router.post(f"{FILE}/suivis")
def answer_follow_up(found: DeskDep, key: str, form: PageForm) -> Response:
    """Write down how a family is."""
    typed = {"months": form.get("months", ""), "hard": form.get("hard", "")}
    is_there = form.get("there") == "yes"

    def work() -> None:
        left = form.get("left_on", "")
        desk.record_follow_up(
            found.db,
            key,
            sent_number(typed["months"]) or 0,
            is_still_there=is_there,
            hard=typed["hard"],
            left_on=sent_day(left, "left_on") if left else None,
            by=found.account,
        )

    return _done(found, key, work, "follow_up", "#suivis", typed)


@router.post(f"{FILE}/accords")
def give_consent(found: DeskDep, key: str, form: PageForm) -> Response:
    """Write down what a person agreed to."""

    def work() -> None:
        problem = "consent: expected what it is, and two days"
        try:
            consents = desk_edit.consents_in(
                [form.get("what", "")],
                form.get("given_on", ""),
                form.get("until", ""),
                found.language,
            )
        except ValueError:
            consents = ()
        if not consents:
            raise DossierError(problem, (problem,))
        entries.give_consent(found.db, key, consents[0], by=found.account)

    return _done(found, key, work, "consent", "#accords")


@router.post(f"{FILE}/accords/retirer")
def withdraw_consent(found: DeskDep, key: str, form: PageForm) -> Response:
    """Write down that a person takes a consent back."""
    return _done(
        found,
        key,
        lambda: entries.withdraw_consent(found.db, key, form.get("what", ""), by=found.account),
        "withdrawn",
        "#accords",
    )


@router.post(f"{FILE}/listes")
def freeze(found: DeskDep, key: str, form: PageForm) -> Response:
    """Keep the ranking of a member as it is today."""

    def work() -> None:
        file = reading.read_file(found.db, key, by=found.account)
        ranked = desk_show.ranked_for(found, file, form.get("membre", ""), form.get("scope", ""))
        if ranked.ranking is None:
            raise DossierError("profile: none", ("profile: expected one",))
        shortlists.freeze_shortlist(
            found.db, key, ranked.ranking, by=found.account, remark=form.get("remark", "")
        )

    return _done(found, key, work, "frozen", "#listes", {"remark": form.get("remark", "")})
