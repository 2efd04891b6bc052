"""A visit to plan: which villages, on which day, hour by hour, whom to call, what to check.

Hides how an address becomes a plan. What it holds tells of no person: villages, a start, a day.
Hours are estimates, and the page says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from babel.dates import format_date as babel_date

from api.cards import cards_of
from api.desk_places import desk_href
from api.desk_words import hour_text
from api.sheets import Contact, commune_path
from api.shortlist import open_questions
from api.texts import translator
from api.village_tables import WorkPlace, all_pages, work_places
from geo_matcher.criteria import Unit
from geo_matcher.errors import DriveError, UnknownCommuneError
from geo_matcher.matching import Ranking
from geo_matcher.numbers import format_number, format_raw
from geo_matcher.territory import Territory
from geo_matcher.visits import MAX_VILLAGES, VisitPlan, VisitStop, plan_visits

__all__ = [
    "COUNTS",
    "OFFERED",
    "VisitAsked",
    "VisitView",
    "read_visit",
    "visit_checks",
    "visit_plan",
    "visit_view",
]

COUNTS = (3, 4, 5)
"""How many villages a visit sees."""

OFFERED = 12
"""Villages that can be chosen beside those that are."""

DAYS_AHEAD = 14
DEFAULT_START = "32013"
WORK_SHOWN = 2


@dataclass(frozen=True, slots=True)
class VisitAsked:
    """What a plan is asked for.

    Attributes
    ----------
    count
        How many villages, one of :data:`COUNTS`.
    villages
        Codes of those that are seen anyway.
    only
        Whether those alone are seen.
    start, start_text
        Code of the commune where each day begins; what was typed.
    first_day
        The day on which it begins.
    faults
        A sentence for each thing that cannot be read, by field.
    """

    count: int
    villages: tuple[str, ...]
    only: bool
    start: str
    start_text: str
    first_day: dt.date
    faults: Mapping[str, str]


class PlanStop(NamedTuple):
    """A village of the timetable."""

    code: str
    name: str
    href: str
    hours: str
    drive: str
    place: str
    odds: str
    contact: Contact
    work: tuple[WorkPlace, ...]
    checks: tuple[str, ...]


class PlanHalf(NamedTuple):
    """A half-day: its name and its villages."""

    label: str
    stops: tuple[PlanStop, ...]


class PlanDay(NamedTuple):
    """A day: which, its half-days, when one is back."""

    label: str
    halves: tuple[PlanHalf, ...]
    back: str


class Offer(NamedTuple):
    """A village that can be chosen."""

    code: str
    name: str
    about: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class VisitView:
    """The planner.

    Attributes
    ----------
    action, back_href
        Where the form is asked, and where the file is.
    hidden
        What it keeps: the member, the scope, the language.
    counts, offers, start, communes, first_day, faults
        The form.
    days, lead, note
        The plan; what it is worth and how far it is; how sure its hours are. Empty without one.
    calendar_href, record_href
        The plan as a calendar; where it is written down.
    record
        What is sent to be written down: the day and the codes, in driving order.
    """

    action: str
    back_href: str
    hidden: tuple[tuple[str, str], ...]
    counts: tuple[tuple[int, bool], ...]
    offers: tuple[Offer, ...]
    start: str
    communes: tuple[str, ...]
    first_day: str
    faults: Mapping[str, str]
    days: tuple[PlanDay, ...]
    lead: str
    note: str
    calendar_href: str
    record_href: str
    record: tuple[tuple[str, str], ...]


def read_visit(
    query: Mapping[str, str],
    villages: Sequence[str],
    territory: Territory,
    today: dt.date,
    language: str,
) -> VisitAsked:
    """Read what a plan is asked for.

    Parameters
    ----------
    query
        Single values: ``combien``, ``depart``, ``jour``, ``mode``.
    villages
        Every value of ``village``.
    territory
        Knows the communes by name.
    today
        The day; a plan begins two weeks later by default.
    language
        ``fr`` or ``en``.
    """
    t, faults = translator(language), {}
    count = query.get("combien", "")
    number = int(count) if count in {str(n) for n in COUNTS} else COUNTS[0]
    text = query.get("depart", "").strip()[:80]
    start = DEFAULT_START if DEFAULT_START in territory.codes else territory.codes[0]
    if text:
        try:
            start = territory.find(text)
        except UnknownCommuneError:
            faults["depart"] = t("desk.visit.fault.start")
    first_day = today + dt.timedelta(days=DAYS_AHEAD)
    if query.get("jour"):
        try:
            first_day = dt.date.fromisoformat(query["jour"])
        except ValueError:
            faults["jour"] = t("desk.fault.day")
    known = set(territory.codes)
    codes = tuple(dict.fromkeys(code for code in villages if code in known))
    if len(codes) > MAX_VILLAGES:
        faults["village"] = t("desk.fault.communes")
    return VisitAsked(
        max(number, min(len(codes), MAX_VILLAGES)),
        codes,
        query.get("mode") == "seuls" and bool(codes),
        start,
        text,
        first_day,
        faults,
    )


def visit_plan(ranking: Ranking, asked: VisitAsked) -> VisitPlan:
    """Return the plan.

    Raises
    ------
    DriveError
        If the villages cannot be seen so.
    """
    listed = {ranking.matrix.codes[row] for row in ranking.order.tolist()}
    wanted = [code for code in asked.villages if code in listed]
    count = len(wanted) if asked.only and wanted else min(asked.count, len(listed))
    return plan_visits(ranking, asked.start, count, wanted=wanted)


def visit_checks(ranking: Ranking, stop: VisitStop, language: str) -> str:
    """Return what to check in a village, one line each, for its entry in a calendar."""
    row = ranking.position(stop.insee_code)
    return "\n".join(f"- {text}" for text in open_questions(ranking, row, language))


def visit_view(
    ranking: Ranking,
    plan: VisitPlan | None,
    asked: VisitAsked,
    key: str,
    language: str,
    *,
    hidden: Sequence[tuple[str, str]],
    problem: DriveError | None = None,
) -> VisitView:
    """Return the planner.

    Parameters
    ----------
    ranking
        What was ranked for the household.
    plan
        The plan; None where it cannot be made.
    asked
        What was asked.
    key
        The file.
    language
        ``fr`` or ``en``.
    hidden
        Pairs that the form keeps.
    problem
        Why there is no plan.
    """
    t, territory = translator(language), ranking.territory
    names = {fact["insee_code"]: fact["name"] for fact in territory.facts}
    chosen = [stop.insee_code for stop in plan.stops] if plan else list(asked.villages)
    rows = ranking.order[:OFFERED].tolist()
    rows += [row for row in map(ranking.position, chosen) if row not in rows]
    faults = dict(asked.faults)
    if problem is not None:
        faults["plan"] = t("desk.visit.fault.plan")
    path = f"/dossiers/{key}/visite"
    own = {
        "combien": str(len(chosen) if plan else asked.count),
        "depart": asked.start,
        "jour": asked.first_day.isoformat(),
    }
    address = desk_href(f"{path}.ics", language, **dict(hidden), **own, mode="seuls")
    return VisitView(
        action=desk_href(path, language).partition("?")[0],
        back_href=desk_href(f"/dossiers/{key}", language),
        hidden=(*hidden, *((("lang", language),) if language != "fr" else ())),
        counts=tuple((n, n == (len(chosen) if plan else asked.count)) for n in COUNTS),
        offers=tuple(_offers(ranking, rows, chosen, language)),
        start=names.get(asked.start, "") if "depart" not in asked.faults else asked.start_text,
        communes=tuple(sorted(names.values())),
        first_day=asked.first_day.isoformat(),
        faults=faults,
        days=tuple(_days(ranking, plan, asked.first_day, language)) if plan else (),
        lead=_lead(plan, language) if plan else "",
        note=t("desk.visit.note", release=plan.release) if plan else "",
        calendar_href=address + "".join(f"&village={code}" for code in chosen) if plan else "",
        record_href=desk_href(f"/dossiers/{key}/visites", language),
        record=(
            ("on", asked.first_day.isoformat()),
            *(("village", code) for code in chosen),
        )
        if plan
        else (),
    )


def _offers(
    ranking: Ranking, rows: Sequence[int], chosen: Sequence[str], language: str
) -> Iterator[Offer]:
    t = translator(language)
    for row in rows:
        result = ranking.result(row)
        about = t("desk.visit.rank", n=result["rank"]) if result["rank"] else ""
        code = result["insee_code"]
        yield Offer(code, result["name"], about, code in chosen)


def _lead(plan: VisitPlan, language: str) -> str:
    t = translator(language)
    said = t(
        "desk.visit.lead",
        count=len(plan.back),
        n=len(plan.stops),
        days=len(plan.back),
        start=plan.start_name,
        minutes=_long(plan.drive_min, language),
        km=format_number(plan.road_km, language),
    )
    if plan.guarantee is not None and len(plan.stops) > 1:
        share = format_number(plan.guarantee, language, "%")
        said = f"{said} {t('desk.visit.worth', share=share)}"
    return said


def _long(minutes: float, language: str) -> str:
    hours, rest = divmod(round(minutes), 60)
    if not hours:
        return format_raw(minutes, Unit.MINUTES, language)
    return f"{hours}\u00a0h\u00a0{rest:02d}"


def _days(
    ranking: Ranking, plan: VisitPlan, first_day: dt.date, language: str
) -> Iterator[PlanDay]:
    t, territory = translator(language), ranking.territory
    rows = [ranking.position(stop.insee_code) for stop in plan.stops]
    cards = {card.code: card for card in cards_of(ranking, None, language, rows)}
    pages = all_pages(territory)
    for number, (minutes, hour) in enumerate(plan.back, start=1):
        day = first_day + dt.timedelta(days=number - 1)
        halves = []
        for half in ("morning", "afternoon"):
            stops = tuple(
                PlanStop(
                    code=stop.insee_code,
                    name=stop.name,
                    href=commune_path(stop.insee_code, stop.name),
                    hours=t(
                        "desk.visit.hours",
                        start=hour_text(stop.arrival, language),
                        end=hour_text(stop.departure, language),
                    ),
                    drive=t(
                        "desk.visit.drive",
                        minutes=format_raw(stop.drive_min, Unit.MINUTES, language),
                        km=format_number(stop.road_km, language),
                    ),
                    place=cards[stop.insee_code].epci,
                    odds=cards[stop.insee_code].summary,
                    contact=cards[stop.insee_code].contact,
                    work=work_places(territory, territory.facts[row], pages, language)[:WORK_SHOWN],
                    checks=open_questions(ranking, row, language),
                )
                for stop, row in zip(plan.stops, rows, strict=True)
                if stop.day == number and stop.half == half
            )
            if stops:
                halves.append(PlanHalf(t(f"desk.visit.{half}"), stops))
        yield PlanDay(
            label=_weekday(day, language),
            halves=tuple(halves),
            back=t(
                "desk.visit.back",
                start=plan.start_name,
                hour=hour_text(hour, language),
                minutes=format_raw(minutes, Unit.MINUTES, language),
            ),
        )


def _weekday(day: dt.date, language: str) -> str:
    pattern = "EEEE d MMMM y"
    text = babel_date(day, pattern, locale="fr_FR" if language == "fr" else "en_GB")
    return text[0].upper() + text[1:]
