"""What the page of a commune says of driving: hours at the wheel, errands, who is near.

Hides which household stands for a visitor who has not said anything, and how assumptions become
words. Every figure is the library's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from api.reach_map import ReachMap, reach_map
from api.texts import Translate, translator, typeset
from geo_matcher.access_measures import inhabitants_column
from geo_matcher.baskets import Basket, basket
from geo_matcher.catchments import CUTOFFS_MIN
from geo_matcher.criteria import Unit
from geo_matcher.destinations import HUB_CITIES
from geo_matcher.kept import kept
from geo_matcher.numbers import format_hours, format_number, format_raw
from geo_matcher.profile import Profile
from geo_matcher.sentences import listed
from geo_matcher.supply import PER_PEOPLE, Supply, published_apl, supply_of
from geo_matcher.territory import Territory
from geo_matcher.wheel import (
    COLLEGE_AGES,
    LYCEE_AGES,
    Drive,
    Habits,
    Week,
    errands_are_bounds,
    week_of,
)

__all__ = [
    "AccessView",
    "Near",
    "WeekRow",
    "access_view",
    "apl_sentence",
    "estimated_text",
    "visitors",
]


def visitors() -> tuple[Profile, Profile]:
    """Return who stands for a visitor.

    Somebody who works at home, without children; and two children at the village school, and
    coworking.
    """
    return Profile(), Profile(work_mode="coworking", children_ages=[4, 7])


class WeekRow(NamedTuple):
    """One reason to drive: what, how often, one of them there and back, and the week."""

    label: str
    times: str
    each: str
    week: str


class Near(NamedTuple):
    """Who lives within some minutes, largest last; ``minutes`` is the key of its colour."""

    minutes: int
    text: str


@dataclass(frozen=True, slots=True)
class AccessView:
    """What is said of driving from a commune.

    Attributes
    ----------
    said
        Hours a week, a sentence for each household.
    rows, total
        The drives of the last of them and their sum.
    assumed
        The assumptions, in words.
    errands
        Sentences on the shortest round of errands.
    near
        Inhabitants within each cutoff.
    map
        What is within reach.
    about_map
        What the map shows and what it does not.
    shared
        Work places among those who share them.
    timed
        Which network gave the times.
    """

    said: tuple[str, ...]
    rows: tuple[WeekRow, ...]
    total: str
    assumed: str
    errands: tuple[str, ...]
    near: tuple[Near, ...]
    map: ReachMap
    about_map: str
    shared: str
    timed: str


def access_view(
    territory: Territory, insee_code: str, language: str, profile: Profile | None = None
) -> AccessView:
    """Return what is said of driving from a commune.

    Parameters
    ----------
    territory
        The release in service.
    insee_code
        Code of the commune.
    language
        ``fr`` or ``en``.
    profile
        The household of a search; without one, two plain households are told.
    """
    t = translator(language)
    shown = reach_map(territory, insee_code)
    households = visitors() if profile is None else (profile,)
    weeks = [week_of(territory, insee_code, one) for one in households]
    unlisted = _unlisted(territory, insee_code)
    lost = {d.destination for week in weeks for d in week.drives if d.minutes_each is None}
    errands_bound = bool(errands_are_bounds(territory)[territory.codes.index(insee_code)])
    return AccessView(
        said=tuple(
            _said(
                weeks, t, language, is_search=profile is not None, is_unlisted=bool(lost & unlisted)
            )
        ),
        rows=tuple(
            _row(
                drive,
                t,
                language,
                errands_bound=errands_bound,
                is_unlisted=drive.destination in unlisted,
            )
            for drive in weeks[-1].drives
        ),
        total=format_raw(np.nan, Unit.MINUTES, language)
        if weeks[-1].hours is None and lost & unlisted
        else hours_text(weeks[-1], t, language),
        assumed=t(
            "wheel.assumed",
            list=listed(list(_assumed(households[-1], weeks[-1], t, language)), t("village.and")),
        ),
        errands=tuple(_round_sentences(basket(territory, insee_code), unlisted, t, language)),
        near=tuple(_near(territory, insee_code, language)),
        map=shown,
        about_map=_about_map(shown, t),
        shared=_shared(territory, insee_code, t, language),
        timed=t(f"timed.{territory.parameters['travel_times']['network']}"),
    )


def _about_map(shown: ReachMap, t: Translate) -> str:
    """Say what the map of what is within reach shows, and where what is known ends."""
    if shown.network != "roads":
        return t("reach.town_halls")
    return f"{t('reach.roads')} {t('reach.cut')}" if shown.is_cut else t("reach.roads")


def estimated_text(territory: Territory, language: str) -> str:
    """Say that times are estimated, and on which network."""
    t = translator(language)
    network = territory.parameters["travel_times"]["network"]
    return t("village.estimated", network=t(f"timed.{network}"))


def hours_text(week: Week, t: Translate, language: str) -> str:
    """Write hours a week; an upper bound is said to be one."""
    hours = np.inf if week.hours is None else week.hours
    text = typeset(format_hours(hours, language), language)
    return t("limit.at_most", figure=text) if week.status == "upper_bound" else text


def _unlisted(territory: Territory, insee_code: str) -> frozenset[str]:
    """Return what is driven to of which nobody gave a list; empty text stands for errands."""
    times = territory.tables["travel_times"]
    own = times[(times["insee_code"] == insee_code) & (times["status"] == "unknown")]
    measures = territory.tables["access_measures"].set_index("insee_code")
    errands = [""] if measures.at[insee_code, "errands_status"] == "unknown" else []
    return frozenset([*own["destination"], *errands])


def _said(
    weeks: Sequence[Week], t: Translate, language: str, *, is_search: bool, is_unlisted: bool
) -> Iterator[str]:
    if any(week.hours is None for week in weeks):
        yield t("wheel.unknown" if is_unlisted else "wheel.unreachable")
        return
    hours = [hours_text(week, t, language) for week in weeks]
    if is_search:
        yield t("wheel.search", hours=hours[0])
        return
    youngest, oldest = (format_number(age, language) for age in sorted(visitors()[1].children_ages))
    yield t("wheel.alone", hours=hours[0])
    yield t(
        "wheel.family",
        hours=hours[1],
        youngest=youngest,
        oldest=oldest,
        days=format_number(weeks[1].habits.coworking_days, language),
    )


def _row(
    drive: Drive, t: Translate, language: str, *, errands_bound: bool, is_unlisted: bool
) -> WeekRow:
    is_errands = drive.purpose == "errands"
    if is_errands:
        label = t("wheel.errands")
    elif drive.destination in HUB_CITIES:
        label = HUB_CITIES[drive.destination][1]
    else:
        label = t(f"place.{drive.destination}")
    is_bound = errands_bound if is_errands else drive.low_minutes_each != drive.minutes_each
    each, week = (
        typeset(
            format_raw(np.nan, Unit.MINUTES, language)
            if minutes is None and is_unlisted
            else format_hours(np.inf if minutes is None else minutes / 60, language),
            language,
        )
        for minutes in (drive.minutes_each, drive.minutes_week)
    )
    return WeekRow(
        label,
        t("wheel.times", n=format_number(drive.times_a_week, language)),
        t("limit.at_most", figure=each) if is_bound else each,
        t("limit.at_most", figure=week) if is_bound else week,
    )


def _assumed(profile: Profile, week: Week, t: Translate, language: str) -> Iterator[str]:
    """Yield the assumptions that bear on a week."""
    habits: Habits = week.habits
    done = {drive.purpose: drive for drive in week.drives}

    def number(figure: float) -> str:
        return format_number(figure, language)

    yield t("assumed.errands", n=number(done["errands"].times_a_week))
    if "coworking" in done:
        yield t("assumed.coworking", n=number(habits.coworking_days))
    if "client" in done:
        yield t("assumed.client", n=number(habits.client_trips))
    if "station" in done:
        yield t("assumed.station", n=number(habits.client_trips))
    if "school" in done:
        yield t(
            "assumed.school", n=number(habits.school_days), escorts=number(habits.escorts_a_day)
        )
    youngest, oldest = COLLEGE_AGES[0], LYCEE_AGES[1]
    if not habits.teenagers_share and any(youngest <= a <= oldest for a in profile.children_ages):
        yield t("assumed.bus")


def _round_sentences(
    found: Basket, unlisted: Collection[str], t: Translate, language: str
) -> Iterator[str]:
    """Say where the shortest round of everyday errands leads, or what no list names."""
    kinds = format_number(len(found.kinds), language)
    if lost := [t(f"place.{kind}").lower() for kind in found.kinds if kind in unlisted]:
        yield t("errands.unlisted", n=kinds, names=listed(lost, t("village.and")))
        return
    if found.minutes is None or found.separate_min is None:
        yield t("errands.none", n=kinds)
        return
    whole, separate = (
        format_hours(minutes / 60, language) for minutes in (found.minutes, found.separate_min)
    )
    if found.status == "upper_bound":
        whole, separate = (t("limit.at_most", figure=figure) for figure in (whole, separate))
    minutes = whole
    if [stop.insee_code for stop in found.stops] == [found.insee_code]:
        yield t("errands.here", minutes=minutes, n=kinds)
    else:
        names = [typeset(stop.name, language) for stop in found.stops]
        yield t("errands.round", names=listed(names, t("village.and")), minutes=minutes, n=kinds)
    yield t("errands.separate", minutes=separate)


def _near(territory: Territory, code: str, language: str) -> Iterator[Near]:
    table = territory.tables["access_measures"]
    row = int(np.flatnonzero(table["insee_code"] == code)[0])
    for cutoff in CUTOFFS_MIN:
        count = float(table[inhabitants_column(cutoff)].iloc[row])
        people = format_raw(count, Unit.INHABITANTS, language)
        minutes = format_raw(cutoff, Unit.MINUTES, language)
        text = translator(language)("reach.people", people=people, minutes=minutes)
        yield Near(round(cutoff), text)


@kept(maxsize=4)
def _supply(territory: Territory) -> Supply:
    return supply_of(territory, "workplace")


def _shared(territory: Territory, code: str, t: Translate, language: str) -> str:
    """Say how many work places there are for those around, all sharing."""
    supply = _supply(territory)
    figure = format_number(float(supply.per_10000[code]), language, ".1")
    people = format_number(PER_PEOPLE, language)
    if supply.unit == "places":
        return t("work.shared", n=figure, people=people)
    return t("work.counted", n=figure, unit=supply.unit, people=people)


def apl_sentence(territory: Territory, insee_code: str, language: str) -> str:
    """Say the published accessibility of general practitioners; nothing where there is none."""
    published = published_apl(territory, insee_code)
    if published is None:
        return ""
    return translator(language)(
        "health.apl",
        n=format_number(published["consultations"], language, ".1"),
        year=published["year"],
    )
