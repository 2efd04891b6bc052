"""The year's figures as data: how many, from where, how fast, and who is still there.

Hides how files become counts. Enquiries are those of the year, and the funnel follows them; visits
and settled families are those that took place in the year. A family counts as last seen when it
last answered: from that comes the Kaplan-Meier curve (Kaplan and Meier 1958, by scipy), in whole
months, so that making a file anonymous changes no figure. Counts of places that leave the network
hold at least five families each.
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo_matcher.dossiers.accounts import Account, Right, require
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.records import DossierRow, EventRow, FollowUpRow, VisitRow
from geo_matcher.dossiers.stages import Stage
from geo_matcher.errors import DossierError
from geo_matcher.territory import Territory

__all__ = [
    "DIMENSIONS",
    "MIN_SHARED",
    "FunnelStep",
    "GroupCount",
    "PlaceCount",
    "SharedCount",
    "Survival",
    "SurvivalPoint",
    "YearReport",
    "kaplan_meier",
    "settled_families",
    "shared_counts",
    "shared_groups",
    "year_report",
]

MIN_SHARED = 5
"""Families that a shared count holds at least."""

DIMENSIONS = ("sector", "origin_city", "track", "source")
"""What files are broken down by."""

FUNNEL = (Stage.ENQUIRY, Stage.QUALIFIED, Stage.MATCHED, Stage.VISIT, Stage.DECISION, Stage.SETTLED)


@dataclass(frozen=True, slots=True)
class GroupCount:
    """Counts of one sector, origin, track or source.

    Attributes
    ----------
    word
        Which one.
    enquiries, qualified
        Enquiries of the year, and those of them that became projects.
    settled, persons
        Families that settled in the year, and their persons; None where they may not be shared.
    hidden
        Why: ``few``, they are fewer than five; ``kept``, the total would tell of those who are few.
    """

    word: str
    enquiries: int
    qualified: int
    settled: int | None
    persons: int | None
    hidden: Literal["", "few", "kept"] = ""


@dataclass(frozen=True, slots=True)
class PlaceCount:
    """Families and persons that settled in a commune, or in an EPCI (then without code)."""

    insee_code: str
    name: str
    epci: str
    settled: int
    persons: int


@dataclass(frozen=True, slots=True)
class SharedCount:
    """A count that may leave the network: at least five families.

    Attributes
    ----------
    kind
        ``commune``; ``other`` for all the rest.
    insee_code, name
        Those of a commune.
    settled, persons
        Families and persons.
    """

    kind: str
    insee_code: str
    name: str
    settled: int
    persons: int


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """How far the enquiries of the year came.

    Attributes
    ----------
    stage
        Which stage.
    reached
        Enquiries that came so far or farther.
    share, share_of_previous
        Out of all, and out of those that reached the stage before; None out of nothing.
    median_days
        Days from the enquiry to this stage, in the middle; None where no day is known.
    """

    stage: Stage
    reached: int
    share: float | None
    share_of_previous: float | None
    median_days: float | None


@dataclass(frozen=True, slots=True)
class SurvivalPoint:
    """Share of families still there some months after settling, with its 95 % interval."""

    months: int
    share: float
    low: float | None
    high: float | None
    at_risk: int


@dataclass(frozen=True, slots=True)
class Survival:
    """Who is still there: families followed, families that left, and the curve.

    ``reached`` is the last month for which five families were followed; 0 where there is none.
    """

    families: int
    left: int
    points: tuple[SurvivalPoint, ...]
    reached: int = 0


@dataclass(frozen=True, slots=True)
class YearReport:
    """The year's figures.

    Attributes
    ----------
    year
        Which year, in UTC.
    enquiries, qualified, closed
        Enquiries of the year; those that became projects; those that are closed now.
    visits
        Visits that took place in the year.
    settled, persons
        Families that settled in the year, and their persons.
    settled_since, persons_since, first_year
        All families and persons that have settled, since the first of them.
    groups
        The same by sector, origin, track and source.
    communes, epcis
        Families that settled in the year, by place; not to be shared as they are, and empty for
        whoever may not read files.
    communes_since
        The same since the first year.
    shared_since
        Counts of places that may be shared, of all years up to today: counts of one year, or up to
        an earlier one, would tell of single families by subtraction.
    funnel, survival
        How far enquiries came and how fast; who is still there.
    """

    year: int
    enquiries: int
    qualified: int
    closed: int
    visits: int
    settled: int
    persons: int
    settled_since: int
    persons_since: int
    first_year: int | None
    groups: Mapping[str, tuple[GroupCount, ...]]
    communes: tuple[PlaceCount, ...]
    epcis: tuple[PlaceCount, ...]
    communes_since: tuple[PlaceCount, ...]
    shared_since: tuple[SharedCount, ...]
    funnel: tuple[FunnelStep, ...]
    survival: Survival

    def as_dict(self) -> dict[str, Any]:
        """Return the report in plain types."""
        return asdict(self)

    def for_sharing(self) -> YearReport:
        """Return what may leave the network: counts of five families at least."""
        return replace(
            self,
            groups={name: shared_groups(groups) for name, groups in self.groups.items()},
            communes=(),
            epcis=(),
            communes_since=(),
        )


def year_report(
    db: Database, year: int, *, by: Account, territory: Territory | None = None
) -> YearReport:
    """Return the figures of a year; what may be shared of them for whoever may not read files.

    Parameters
    ----------
    year
        A year, in UTC.
    territory
        Gives communes their names and EPCI.

    Raises
    ------
    DossierError
        If the year is impossible.
    AccessError
        If ``by`` may not see statistics.
    """
    require(by, Right.STATISTICS)
    if not 1990 <= year <= db.today().year:
        raise DossierError(f"year: found {year}, expected 1990 to {db.today().year}.")
    first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
    with db.reading() as session:
        cohort = _cohort(session, year)
        reached, days = _reached(session, year)
        settled = settled_families(session)
        visits = session.scalar(
            select(func.count())
            .select_from(VisitRow)
            .join(DossierRow, DossierRow.id == VisitRow.dossier_id)
            .where(VisitRow.on.between(first, min(last, db.today())), ~VisitRow.is_cancelled)
        )
        survival = _survival(session, last)
    of_year = [row for row in settled if first <= row.settled_on <= last]
    until = [row for row in settled if row.settled_on <= last]
    is_project = {number for number, place in reached.items() if place >= 1}
    communes = _places(of_year, territory)
    report = YearReport(
        year=year,
        enquiries=len(cohort),
        qualified=len(is_project),
        closed=sum(row.stage == Stage.CLOSED for row in cohort),
        visits=visits or 0,
        settled=len(of_year),
        persons=sum(row.persons for row in of_year),
        settled_since=len(until),
        persons_since=sum(row.persons for row in until),
        first_year=min((row.settled_on.year for row in until), default=None),
        groups={name: _groups(name, cohort, is_project, of_year) for name in DIMENSIONS},
        communes=communes,
        epcis=_epcis(communes),
        communes_since=_places(until, territory),
        shared_since=shared_counts(settled, territory),
        funnel=_funnel(len(cohort), reached, days),
        survival=survival,
    )
    return report if Right.READ in by.rights else report.for_sharing()


# --- Enquiries ---------------------------------------------------------------------------------


def _cohort(session: Session, year: int) -> Sequence[Any]:
    return session.execute(
        select(
            DossierRow.id, DossierRow.stage, DossierRow.sector, DossierRow.origin_city,
            DossierRow.track, DossierRow.source,
        ).where(DossierRow.merged_into_id.is_(None), *_opened_in(year))
    ).all()  # fmt: skip


def _opened_in(year: int) -> tuple[Any, Any]:
    first = dt.datetime(year, 1, 1, tzinfo=dt.UTC)
    return DossierRow.opened_at >= first, DossierRow.opened_at < first.replace(year=year + 1)


def _reached(session: Session, year: int) -> tuple[dict[int, int], dict[Stage, list[float]]]:
    """Return how far each enquiry came, as a place in ``FUNNEL``, and days to each stage."""
    rows = session.execute(
        select(
            EventRow.dossier_id, EventRow.kind, EventRow.after, EventRow.at, DossierRow.opened_at
        )
        .join(DossierRow, DossierRow.id == EventRow.dossier_id)
        .where(
            DossierRow.merged_into_id.is_(None),
            EventRow.field == "stage",
            EventRow.kind.in_(("moved", "imported")),
            *_opened_in(year),
        )
        .order_by(EventRow.id)
    )
    places = {stage.value: place for place, stage in enumerate(FUNNEL)}
    reached: dict[int, int] = defaultdict(int)
    days: dict[Stage, list[float]] = defaultdict(list)
    for number, kind, after, at, opened_at in rows:
        place = places.get(after, 0)
        if place > reached[number]:
            if kind == "moved":
                days[FUNNEL[place]].append((at - opened_at).total_seconds() / 86_400)
            reached[number] = place
    return reached, days


def _funnel(
    count: int, reached: Mapping[int, int], days: Mapping[Stage, list[float]]
) -> tuple[FunnelStep, ...]:
    steps: list[FunnelStep] = []
    previous = 0
    for place, stage in enumerate(FUNNEL):
        number = count if place == 0 else sum(far >= place for far in reached.values())
        steps.append(
            FunnelStep(
                stage=stage,
                reached=number,
                share=number / count if count else None,
                share_of_previous=number / previous if previous else None,
                median_days=_median(days.get(stage, [])),
            )
        )
        previous = number
    return tuple(steps)


def _median(values: list[float]) -> float | None:
    if not values:
        return None
    middle = sorted(values)
    half = len(middle) // 2
    return middle[half] if len(middle) % 2 else (middle[half - 1] + middle[half]) / 2


# --- Settled families --------------------------------------------------------------------------


def settled_families(session: Session) -> Sequence[Any]:
    """Return the rows of the families that settled, for counts."""
    return session.execute(
        select(
            DossierRow.id, DossierRow.settled_on, DossierRow.settled_commune, DossierRow.persons,
            DossierRow.sector, DossierRow.origin_city, DossierRow.track, DossierRow.source,
        ).where(DossierRow.merged_into_id.is_(None), DossierRow.settled_on.is_not(None))
    ).all()  # fmt: skip


def _groups(
    name: str, cohort: Sequence[Any], is_project: set[int], settled: Sequence[Any]
) -> tuple[GroupCount, ...]:
    enquiries = Counter(getattr(row, name) for row in cohort)
    qualified = Counter(getattr(row, name) for row in cohort if row.id in is_project)
    families = Counter(getattr(row, name) for row in settled)
    persons: Counter[str] = Counter()
    for row in settled:
        persons[getattr(row, name)] += row.persons
    words = sorted(enquiries | families, key=lambda word: (-enquiries[word], -persons[word], word))
    return tuple(
        GroupCount(word, enquiries[word], qualified[word], families[word], persons[word])
        for word in words
    )


def _places(settled: Sequence[Any], territory: Territory | None) -> tuple[PlaceCount, ...]:
    facts = {fact["insee_code"]: fact for fact in territory.facts} if territory else {}
    families: Counter[str] = Counter(row.settled_commune for row in settled)
    persons: Counter[str] = Counter()
    for row in settled:
        persons[row.settled_commune] += row.persons
    return tuple(
        PlaceCount(
            code,
            facts.get(code, {}).get("name", code),
            facts.get(code, {}).get("epci", ""),
            families[code],
            persons[code],
        )
        for code in sorted(families, key=lambda code: (-families[code], code))
    )


def _epcis(communes: Iterable[PlaceCount]) -> tuple[PlaceCount, ...]:
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for place in communes:
        totals[place.epci][0] += place.settled
        totals[place.epci][1] += place.persons
    ordered = sorted(totals.items(), key=lambda item: (-item[1][0], item[0]))
    return tuple(PlaceCount("", name, name, *counts) for name, counts in ordered)


def shared_counts(
    settled: Iterable[Any], territory: Territory | None = None, *, least: int = MIN_SHARED
) -> tuple[SharedCount, ...]:
    """Return counts that may be shared: each holds some families, and they add up to the total.

    The count of a commune advances in whole groups: its first five families, then ten. What is
    published of two days then differs by no family or by five at least. All others go into one
    count of the rest. Where that one is too small, the smallest of the others join it.

    Parameters
    ----------
    settled
        Families with ``id``, ``settled_on``, ``settled_commune`` and ``persons``.
    territory
        Gives communes their names.
    least
        Families in each count at least; with fewer in all, nothing is shared.
    """
    names = {fact["insee_code"]: fact["name"] for fact in territory.facts} if territory else {}
    persons: dict[str, list[int]] = defaultdict(list)
    for row in sorted(settled, key=lambda row: (row.settled_on.replace(day=1), row.id)):
        persons[row.settled_commune].append(row.persons or 0)
    shown = []
    for code, each in persons.items():
        if whole := len(each) - len(each) % least:
            name = names.get(code, code)
            shown.append(SharedCount("commune", code, name, whole, sum(each[:whole])))
    other = sum(map(len, persons.values())) - sum(one.settled for one in shown)
    shown.sort(key=lambda count: (count.settled, count.insee_code))
    while 0 < other < least and shown:
        other += shown.pop(0).settled
    shown.sort(key=lambda count: (-count.settled, count.insee_code))
    if other >= least:
        rest = sum(map(sum, persons.values())) - sum(one.persons for one in shown)
        shown.append(SharedCount("other", "", "", other, rest))
    return tuple(shown)


def shared_groups(
    groups: Sequence[GroupCount], *, least: int = MIN_SHARED
) -> tuple[GroupCount, ...]:
    """Return groups without the settled families of those that have few.

    Where the total would give away what is left out, the smallest of the others are kept back too.
    A group that nobody asked for is left out with its few families: its line would tell of them.
    """
    if any(group.hidden for group in groups):
        return tuple(groups)  # it was done already
    few = {group.word: group.settled or 0 for group in groups if (group.settled or 0) < least}
    more = sorted((group.settled or 0, group.word) for group in groups if group.word not in few)
    kept_back: set[str] = set()
    hidden = sum(few.values())
    while more and hidden > 0 and (hidden < least or hidden == (least - 1) * len(few)):
        count, word = more.pop(0)
        kept_back.add(word)
        hidden += count
        if hidden >= least:
            break
    shared = []
    for group in groups:
        if group.word in few and group.enquiries:
            shared.append(replace(group, settled=None, persons=None, hidden="few"))
        elif group.word in kept_back:
            shared.append(replace(group, settled=None, persons=None, hidden="kept"))
        elif group.word not in few:
            shared.append(group)
    return tuple(shared)


# --- Who is still there ------------------------------------------------------------------------


def _survival(session: Session, last: dt.date) -> Survival:
    """Return who was still there on a day, by what was known of it then."""
    answered = (
        select(FollowUpRow.dossier_id, func.max(FollowUpRow.answered_on).label("last"))
        .where(FollowUpRow.is_still_there.is_(True), FollowUpRow.answered_on <= last)
        .group_by(FollowUpRow.dossier_id)
        .subquery()
    )
    rows = session.execute(
        select(DossierRow.settled_on, DossierRow.left_on, answered.c.last)
        .outerjoin(answered, answered.c.dossier_id == DossierRow.id)
        .where(DossierRow.merged_into_id.is_(None), DossierRow.settled_on <= last)
    ).all()
    left = [_months(on, gone) for on, gone, _ in rows if gone is not None and gone <= last]
    there = [_months(on, seen or on) for on, gone, seen in rows if gone is None or gone > last]
    return kaplan_meier(left, there)


def _months(since: dt.date, until: dt.date) -> int:
    return (until.year - since.year) * 12 + until.month - since.month


def kaplan_meier(left: Sequence[int], there: Sequence[int]) -> Survival:
    """Return the Kaplan-Meier curve of families.

    Parameters
    ----------
    left
        Months after which families left.
    there
        Months after which families were last known to be there.

    Returns
    -------
    Survival
        A point for every month at which one left, and for the last one seen. Intervals are those
        of Greenwood on the log-log scale, 95 %; None where they are not defined.
    """
    families = len(left) + len(there)
    if not families:
        return Survival(0, 0, ())
    last = max([*left, *there])
    months = sorted([*left, *there], reverse=True)
    reached = months[MIN_SHARED - 1] if families >= MIN_SHARED else 0
    start = SurvivalPoint(0, 1.0, None, None, families)
    if not left:
        end = SurvivalPoint(last, 1.0, None, None, sum(month >= last for month in there))
        return Survival(families, 0, (start, end) if last else (start,), reached)
    import numpy as np
    from scipy import stats  # some 60 MB: only whoever asks for the report pays

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # intervals that are not defined
        curve = stats.ecdf(stats.CensoredData(uncensored=list(left), right=list(there))).sf
        interval: Any = curve.confidence_interval(confidence_level=0.95, method="log-log")
    wanted = {*left, last}
    points = [start] if 0 not in wanted else []
    for month, share, low, high in zip(
        curve.quantiles.tolist(),
        curve.probabilities.tolist(),
        interval.low.probabilities.tolist(),
        interval.high.probabilities.tolist(),
        strict=True,
    ):
        if month in wanted:
            at_risk = sum(one >= month for one in (*left, *there))
            known = [bound if bound == bound else None for bound in (low, high)]
            points.append(SurvivalPoint(int(month), share, known[0], known[1], at_risk))
    return Survival(families, len(left), tuple(points), reached)
