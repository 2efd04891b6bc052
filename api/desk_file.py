"""One family's file on a page: who they are, where they stand, what was said, what comes next.

Hides which steps, forms and lists a file has for whoever looks at it. An elected member sees where
a file stands and nothing of the person.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from api.desk_edit import DEFAULT_YEARS
from api.desk_places import desk_href
from api.desk_ranking import MemberTab, RankingView
from api.desk_words import (
    city_label,
    consent_label,
    day_text,
    due_text,
    event_text,
    field_label,
    moment_text,
    reason_label,
    source_label,
    stage_label,
)
from api.texts import track_label, translator, typeset
from geo_matcher.dossiers.accounts import Account, Right
from geo_matcher.dossiers.dossier import Dossier, Visit
from geo_matcher.dossiers.fields import CONSENTS, Draft
from geo_matcher.dossiers.likeness import Likeness
from geo_matcher.dossiers.stages import CLOSING_REASONS, Stage, add_months

__all__ = ["FileView", "file_view"]

WAY = (
    Stage.ENQUIRY, Stage.QUALIFIED, Stage.MATCHED, Stage.VISIT, Stage.DECISION, Stage.SETTLED,
)  # fmt: skip


class Place(NamedTuple):
    """A stage on the way: ``state`` is ``done``, ``here`` or ``ahead``."""

    label: str
    state: str


class NextStep(NamedTuple):
    """A step that the file may take, or what is needed before it can."""

    stage: str
    label: str
    is_back: bool
    needs: str


class Pair(NamedTuple):
    """A label and what stands beside it, with a link where there is one."""

    label: str
    text: str
    href: str = ""


class ConsentLine(NamedTuple):
    """A consent: to what, from when until when, whether it holds."""

    what: str
    label: str
    dates: str
    holds: bool
    ends_soon: bool


class TextLine(NamedTuple):
    """Something written down: when, by whom, what."""

    when: str
    who: str
    text: str


class TaskLine(NamedTuple):
    """Something to do."""

    text: str
    due: str
    who: str
    is_done: bool
    is_late: bool
    done_href: str


class VisitLine(NamedTuple):
    """A visit, its villages, what was thought of it; where that is written down."""

    id: int
    day: str
    villages: str
    impression: str
    is_cancelled: bool
    is_ahead: bool
    tell_href: str


class FollowUpLine(NamedTuple):
    """A follow-up: answered, due, or to come."""

    months: int
    label: str
    due: str
    answer: str
    hard: str
    is_open: bool
    is_late: bool


class FrozenLine(NamedTuple):
    """A frozen shortlist, in short."""

    href: str
    day: str
    who: str
    about: str
    remark: str


class Twin(NamedTuple):
    """A file that may be of the same household."""

    href: str
    name: str
    why: str
    merge_href: str


@dataclass(frozen=True, slots=True)
class FileView:
    """The page of a file.

    Attributes
    ----------
    key, version, title, lead
        Which file, which version, whose it is, where it stands in a sentence.
    is_anonymous, sees, may_write, may_export, may_erase
        What can be seen and done.
    way, steps
        The stages passed and to come; the steps that it may take now.
    reasons, today, communes
        What the step forms offer.
    contact, about, message, ends
        The fields, and until when they are kept.
    consents, consent_kinds, consent_until
        What was agreed to; what can be; until when a new one is proposed.
    members, ranking
        What the household looks for, and its villages.
    notes, tasks, visits, follow_ups, frozen, history, twins
        What hangs on the file.
    unreadable
        What the household looks for that is not understood any more, as a sentence.
    hrefs
        Where each form is sent, by its name.
    """

    key: str
    version: int
    title: str
    lead: str
    is_anonymous: bool
    sees: bool
    may_write: bool
    may_export: bool
    may_erase: bool
    way: tuple[Place, ...]
    steps: tuple[NextStep, ...]
    reasons: tuple[tuple[str, str], ...]
    today: str
    contact: tuple[Pair, ...]
    about: tuple[Pair, ...]
    message: str
    ends: str
    consents: tuple[ConsentLine, ...]
    consent_kinds: tuple[tuple[str, str], ...]
    consent_until: str
    members: tuple[MemberTab, ...]
    ranking: RankingView | None
    notes: tuple[TextLine, ...]
    tasks: tuple[TaskLine, ...]
    visits: tuple[VisitLine, ...]
    follow_ups: tuple[FollowUpLine, ...]
    frozen: tuple[FrozenLine, ...]
    history: tuple[TextLine, ...]
    twins: tuple[Twin, ...]
    advisers: tuple[tuple[str, str, bool], ...]
    unreadable: str
    hrefs: Mapping[str, str]


SMALL = ("step", "note", "task", "consent", "withdraw", "follow_up", "freeze")
"""Forms that come back on the page itself: their addresses say which villages were shown."""


def file_view(
    file: Dossier,
    language: str,
    *,
    by: Account,
    today: dt.date,
    communes: Mapping[str, str],
    advisers: Sequence[Account] = (),
    members: tuple[MemberTab, ...] = (),
    ranking: RankingView | None = None,
    twins: Sequence[tuple[Likeness, str]] = (),
    shown: Mapping[str, str] | None = None,
) -> FileView:
    """Return the page of a file.

    Parameters
    ----------
    file
        The file; masked for whoever may not read personal data.
    language
        ``fr`` or ``en``.
    by
        Who looks at it.
    today, communes, advisers
        The day, names of communes by code, accounts of who may be in charge.
    members, ranking
        What the household looks for, and its villages.
    twins
        Files that may be of the same household, with their names.
    shown
        Which villages the page shows, as its address says it.
    """
    t, draft = translator(language), file.draft
    may_write = Right.WRITE in by.rights and not file.is_anonymous
    names = {account.login: account.name for account in advisers}
    return FileView(
        key=file.key,
        version=file.version,
        title=draft.name if draft else t("desk.file.named", key=file.key),
        lead=_lead(file, language, communes),
        is_anonymous=file.is_anonymous,
        sees=draft is not None,
        may_write=may_write,
        may_export=Right.EXPORT in by.rights,
        may_erase=Right.ERASE in by.rights and not file.is_anonymous,
        way=_way(file, language),
        steps=tuple(_step(file, stage, language) for stage in file.next_stages)
        if may_write
        else (),
        reasons=tuple(
            (word, typeset(text[language], language)) for word, text in CLOSING_REASONS.items()
        ),
        today=today.isoformat(),
        contact=_contact(draft, language) if draft else (),
        about=_about(draft, file, language, communes, names) if draft else (),
        message=draft.message if draft else "",
        ends=t("desk.kept_until", day=day_text(file.keep_until, language))
        if file.keep_until
        else "",
        consents=_consents(file, today, language),
        consent_kinds=tuple((what, consent_label(what, language)) for what in CONSENTS),
        consent_until=add_months(today, 12 * DEFAULT_YEARS).isoformat(),
        members=members,
        ranking=ranking,
        notes=tuple(
            TextLine(moment_text(note.at, language), names.get(note.author, note.author), note.text)
            for note in reversed(file.notes)
        ),
        tasks=_tasks(file, today, language, names),
        visits=tuple(
            _visit(file, visit, today, language, communes, shown or {})
            for visit in file.visits[::-1]
        ),
        follow_ups=_follow_ups(file, today, language),
        frozen=_frozen(file, language, names),
        history=tuple(
            TextLine(
                moment_text(event.at, language),
                names.get(event.actor, event.actor),
                event_text(event, language, communes),
            )
            for event in reversed(file.events)
        ),
        unreadable=t("desk.members.unreadable", names=", ".join(file.unreadable))
        if file.unreadable
        else "",
        twins=tuple(_twin(file, likeness, name, language) for likeness, name in twins),
        advisers=tuple(
            (account.login, account.name, draft is not None and account.login == draft.adviser)
            for account in advisers
        ),
        hrefs={
            name: desk_href(
                f"/dossiers/{file.key}/{path}", language, **((shown or {}) if name in SMALL else {})
            )
            for name, path in (
                ("edit", "modifier"),
                ("step", "etape"),
                ("note", "notes"),
                ("task", "taches"),
                ("consent", "accords"),
                ("withdraw", "accords/retirer"),
                ("follow_up", "suivis"),
                ("freeze", "listes"),
                ("visit", "visite"),
                ("member", "projet"),
                ("export", "donnees"),
                ("erase", "effacer"),
                ("merge", "fusion"),
            )
        },
    )


def _lead(file: Dossier, language: str, communes: Mapping[str, str]) -> str:
    t = translator(language)
    since = day_text(file.stage_since.date(), language)
    if (home := file.settled) is not None:
        return t(
            "desk.lead.left" if home.left_on else "desk.lead.settled",
            count=home.persons,
            n=home.persons,
            commune=communes.get(home.commune, home.commune),
            day=day_text(home.on, language),
            left=day_text(home.left_on or home.on, language),
        )
    if file.stage is Stage.CLOSED:
        return t("desk.lead.closed", day=since, reason=reason_label(file.closed_reason, language))
    return t(
        "desk.lead.stage",
        stage=stage_label(file.stage, language),
        day=since,
        opened=day_text(file.opened_at.date(), language),
    )


def _way(file: Dossier, language: str) -> tuple[Place, ...]:
    at = file.closed_from or file.stage
    here = WAY.index(at) if at in WAY else 0
    return tuple(
        Place(
            stage_label(stage, language),
            "done" if place < here else "here" if place == here else "ahead",
        )
        for place, stage in enumerate(WAY)
    )


def _step(file: Dossier, stage: Stage, language: str) -> NextStep:
    t = translator(language)
    needs = ""
    if stage is Stage.MATCHED and file.stage is Stage.QUALIFIED:
        if file.draft is not None and not file.draft.members:
            needs = t("desk.needs.profile")
        elif not file.shortlists:
            needs = t("desk.needs.shortlist")
    is_back = stage in WAY and file.stage in WAY and WAY.index(stage) < WAY.index(file.stage)
    label = stage_label(stage, language)
    if file.stage is Stage.CLOSED:
        label = t("desk.step.again", stage=label)
    elif stage is Stage.CLOSED:
        label = t("desk.step.close")
    elif is_back:
        label = t("desk.step.back", stage=label)
    else:
        label = t("desk.step.to", stage=label)
    return NextStep(stage.value, label, is_back or stage is Stage.CLOSED, needs)


def _contact(draft: Draft, language: str) -> tuple[Pair, ...]:
    t = translator(language)
    pairs = [
        Pair(field_label("email", language), draft.email, f"mailto:{draft.email}"),
        Pair(
            field_label("phone", language),
            draft.phone,
            "tel:" + "".join(c for c in draft.phone if c.isdigit() or c == "+"),
        ),
        Pair(field_label("town", language), draft.town),
        Pair(field_label("callback", language), t(f"callback.{draft.callback}")),
        Pair(field_label("language", language), t(f"desk.language.{draft.language}")),
    ]
    return tuple(pair for pair in pairs if pair.text)


def _about(
    draft: Draft,
    file: Dossier,
    language: str,
    communes: Mapping[str, str],
    names: Mapping[str, str],
) -> tuple[Pair, ...]:
    t = translator(language)
    pairs = [
        Pair(
            field_label("adviser", language),
            names.get(draft.adviser or "", draft.adviser or "") or t("desk.adviser.nobody"),
        ),
        Pair(field_label("sector", language), t(f"sector.{draft.sector}")),
        Pair(field_label("track", language), track_label(draft.track, language)),
        Pair(field_label("origin_city", language), city_label(draft.origin_city, language)),
        Pair(field_label("source", language), source_label(draft.source, language)),
        Pair(
            field_label("villages", language),
            ", ".join(communes.get(code, code) for code in draft.villages),
        ),
        Pair(t("desk.merged_keys"), ", ".join(file.merged_keys)),
    ]
    return tuple(pair for pair in pairs if pair.text)


def _consents(file: Dossier, today: dt.date, language: str) -> tuple[ConsentLine, ...]:
    t, lines = translator(language), []
    for kept in file.consents:
        consent = kept.consent
        key = "desk.consent.dates" if kept.withdrawn_on is None else "desk.consent.withdrawn"
        lines.append(
            ConsentLine(
                consent.what,
                consent_label(consent.what, language),
                t(
                    key,
                    given=day_text(consent.given_on, language),
                    until=day_text(kept.withdrawn_on or consent.until, language),
                ),
                kept.holds(today),
                kept.holds(today) and (consent.until - today).days <= 30,
            )
        )
    return tuple(lines)


def _tasks(
    file: Dossier, today: dt.date, language: str, names: Mapping[str, str]
) -> tuple[TaskLine, ...]:
    tasks = sorted(file.tasks, key=lambda task: (task.done_at is not None, task.due_on))
    return tuple(
        TaskLine(
            task.text,
            f"{day_text(task.due_on, language)} ({due_text(task.due_on, today, language)})"
            if task.done_at is None
            else translator(language)(
                "desk.task.done_on", day=day_text(task.done_at.date(), language)
            ),
            names.get(task.assignee or "", task.assignee or ""),
            task.done_at is not None,
            task.done_at is None and task.due_on < today,
            desk_href(f"/dossiers/{file.key}/taches/{task.id}/fait", language),
        )
        for task in tasks
    )


def _visit(
    file: Dossier,
    visit: Visit,
    today: dt.date,
    language: str,
    communes: Mapping[str, str],
    shown: Mapping[str, str],
) -> VisitLine:
    return VisitLine(
        visit.id,
        day_text(visit.on, language),
        ", ".join(communes.get(code, code) for code in visit.communes),
        visit.impression,
        visit.is_cancelled,
        visit.on >= today,
        desk_href(f"/dossiers/{file.key}/visites/{visit.id}", language, **shown),
    )


def _follow_ups(file: Dossier, today: dt.date, language: str) -> tuple[FollowUpLine, ...]:
    t, lines = translator(language), []
    has_left = file.settled is not None and file.settled.left_on is not None
    awaited = next((one.months for one in file.follow_ups if one.answered_on is None), 0)
    for one in file.follow_ups:
        answer = ""
        if one.answered_on is not None:
            key = "desk.follow_up.there" if one.is_still_there else "desk.follow_up.left"
            answer = t(key, day=day_text(one.answered_on, language))
        lines.append(
            FollowUpLine(
                one.months,
                t("desk.follow_up.after", n=one.months),
                day_text(one.due_on, language)
                if answer
                else f"{day_text(one.due_on, language)} ({due_text(one.due_on, today, language)})",
                answer,
                one.hard,
                one.months == awaited and not has_left,
                one.answered_on is None and one.due_on < today,
            )
        )
    return tuple(lines)


def _frozen(file: Dossier, language: str, names: Mapping[str, str]) -> tuple[FrozenLine, ...]:
    t = translator(language)
    return tuple(
        FrozenLine(
            desk_href(f"/dossiers/{file.key}/listes/{head.id}", language),
            day_text(head.at.date(), language),
            names.get(head.author, head.author),
            t("desk.frozen.about", scope=t(f"scope.{head.scope}"), release=head.release),
            head.remark,
        )
        for head in reversed(file.shortlists)
    )


def _twin(file: Dossier, likeness: Likeness, name: str, language: str) -> Twin:
    t = translator(language)
    return Twin(
        desk_href(f"/dossiers/{likeness.other}", language),
        name,
        ", ".join(t(f"desk.alike.{reason}") for reason in likeness.reasons),
        desk_href(f"/dossiers/{file.key}/fusion", language, avec=likeness.other),
    )
