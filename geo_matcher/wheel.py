"""Hours a week at the wheel: what a household's own week costs in driving, village by village.

Hides the week. Who works where on which days, who is taken to school and how the errands are
grouped are stated assumptions (:class:`Habits`), to argue with and to change; the minutes are those
of the release. Only drives that living there imposes are counted: no holiday, no friend, no club.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from geo_matcher.baskets import weekly_rounds
from geo_matcher.errors import DriveError
from geo_matcher.kept import kept
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory

__all__ = [
    "COLLEGE_AGES",
    "DEFAULT_HABITS",
    "LYCEE_AGES",
    "Drive",
    "Habits",
    "Trips",
    "Week",
    "errands_are_bounds",
    "errands_minutes",
    "hours_at_the_wheel",
    "hours_of_trips",
    "trips_of",
    "week_of",
]

Scalar = TypeVar("Scalar", np.float64, np.bool_)
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
Trips = tuple[tuple[str, str, float], ...]
"""Purpose, destination and drives a week of what a household drives to beside errands."""

WEEK_HOURS = 168.0
MAX_DAYS = 7.0

PRIMARY_AGES = (3, 10)
"""Ages at which a child is taken to a primary or nursery school, which is compulsory from 3."""

COLLEGE_AGES, LYCEE_AGES = (11, 14), (15, 17)

SCHOOLS = (
    ("school", "primary_school", PRIMARY_AGES),
    ("college", "college", COLLEGE_AGES),
    ("lycee", "lycee", LYCEE_AGES),
)


@dataclass(frozen=True, slots=True)
class Habits:
    """How a week is lived; every figure is an assumption of ours.

    Attributes
    ----------
    coworking_days
        Days a week at the coworking space, for who works there.
    client_trips
        Drives a week to the client's town, or to the station for a train.
    school_days
        School days a week: most communes teach on four.
    escorts_a_day
        Drives there and back on a school day: morning and evening.
    teenagers_share
        Share of school days on which collège and lycée pupils are driven; the school bus takes
        them on the others.
    """

    coworking_days: float = 2.0
    client_trips: float = 1.0
    school_days: float = 4.0
    escorts_a_day: float = 2.0
    teenagers_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a week that nobody can live."""
        problems = [
            f"{field.name} is {getattr(self, field.name):g}, expected 0 to {most:g}"
            for field in fields(self)
            for most in (1.0 if field.name == "teenagers_share" else MAX_DAYS,)
            if not 0 <= getattr(self, field.name) <= most
        ]
        if problems:
            raise DriveError("This week cannot be lived: " + "; ".join(problems), problems)


DEFAULT_HABITS = Habits()


@dataclass(frozen=True, slots=True)
class Drive:
    """One reason to drive.

    Attributes
    ----------
    purpose
        ``errands``, ``coworking``, ``client``, ``station``, ``school``, ``college`` or ``lycee``.
    destination
        What is driven to, one of ``DESTINATIONS``; empty for errands, which are rounds.
    times_a_week
        Drives there and back, or rounds, a week.
    minutes_each
        Minutes of one of them; ``None`` where no way leads there.
    low_minutes_each
        The same where a nearer place may exist; equal where none may.
    """

    purpose: str
    destination: str
    times_a_week: float
    minutes_each: float | None
    low_minutes_each: float | None

    @property
    def minutes_week(self) -> float | None:
        """Minutes a week."""
        return None if self.minutes_each is None else self.times_a_week * self.minutes_each


@dataclass(frozen=True, slots=True)
class Week:
    """A household's week at the wheel in one commune.

    Attributes
    ----------
    insee_code
        The commune.
    drives
        What it is made of, the longest first.
    hours, low_hours
        Hours a week; ``low_hours`` is less where a nearer place may exist than any list names, and
        ``None`` where something cannot be reached.
    habits
        The assumptions.
    status
        ``estimated``, ``upper_bound`` or ``unreachable``.
    """

    insee_code: str
    drives: tuple[Drive, ...]
    hours: float | None
    low_hours: float | None
    habits: Habits
    status: str

    @property
    def share(self) -> float | None:
        """Share of the hours of a week, nights included."""
        return None if self.hours is None else self.hours / WEEK_HOURS

    def as_dict(self) -> dict[str, Any]:
        """Return plain types, hours and minutes to 0.01."""
        return {
            "insee_code": self.insee_code,
            "hours": _rounded(self.hours, 2),
            "low_hours": _rounded(self.low_hours, 2),
            "share": _rounded(self.share, 4),
            "drives": [
                {
                    "purpose": drive.purpose,
                    "destination": drive.destination,
                    "times_a_week": drive.times_a_week,
                    "minutes_each": None
                    if drive.minutes_each is None
                    else round(drive.minutes_each, 2),
                    "minutes_week": None
                    if drive.minutes_week is None
                    else round(drive.minutes_week, 2),
                }
                for drive in self.drives
            ],
            "habits": asdict(self.habits),
            "status": self.status,
        }


def trips_of(profile: Profile, habits: Habits = DEFAULT_HABITS) -> Trips:
    """Return what a household drives to beside errands: all that its week depends on.

    Parameters
    ----------
    profile
        The household.
    habits
        How its week is lived.
    """
    return tuple(trip for trip in _trips(profile, habits) if trip[2])


def _trips(profile: Profile, habits: Habits) -> Iterator[tuple[str, str, float]]:
    if profile.work_mode == "coworking":
        yield "coworking", "coworking", habits.coworking_days
    if profile.client_city is not None:
        yield "client", profile.client_city, habits.client_trips
    elif profile.work_mode == "client_visits":
        yield "station", "station", habits.client_trips
    for purpose, destination, (youngest, oldest) in SCHOOLS:
        # Brothers and sisters at one school share the drive.
        if any(youngest <= age <= oldest for age in profile.children_ages):
            share = 1.0 if purpose == "school" else habits.teenagers_share
            yield purpose, destination, habits.school_days * habits.escorts_a_day * share


@kept(maxsize=4)
def errands_minutes(territory: Territory) -> FloatArray:
    """Return minutes a week of everyday errands for each commune; ``nan`` where one has no way."""
    figures = territory.tables["access_measures"].set_index("insee_code")["errands_week_min"]
    return _sealed(figures.reindex(list(territory.codes)).to_numpy(dtype=np.float64))


@kept(maxsize=4)
def errands_are_bounds(territory: Territory) -> BoolArray:
    """Return for each commune whether its errands may be shorter than any list tells."""
    statuses = territory.tables["access_measures"].set_index("insee_code")["errands_status"]
    are = statuses.reindex(list(territory.codes)) == "upper_bound"
    return _sealed(are.to_numpy(dtype=np.bool_))


def hours_at_the_wheel(
    territory: Territory, profile: Profile, habits: Habits = DEFAULT_HABITS
) -> tuple[FloatArray, FloatArray]:
    """Return hours a week at the wheel for each commune of the release.

    Parameters
    ----------
    territory
        The release.
    profile
        The household.
    habits
        How its week is lived.

    Returns
    -------
    tuple of arrays
        Hours, and hours where every nearer place that no list names exists; in the order of the
        communes; ``nan`` where something cannot be reached.
    """
    return hours_of_trips(territory, trips_of(profile, habits))


def hours_of_trips(territory: Territory, trips: Trips) -> tuple[FloatArray, FloatArray]:
    """Return the same for what a household drives to; see :func:`hours_at_the_wheel`.

    Parameters
    ----------
    territory
        The release.
    trips
        From :func:`trips_of`.
    """
    high = errands_minutes(territory).copy()
    low = _least_errands(territory).copy()
    for _, destination, times in trips:
        minutes, best = _minutes(territory, destination)
        high += times * 2 * minutes
        low += times * 2 * best
    return high / 60, low / 60


@kept(maxsize=4)
def _least_errands(territory: Territory) -> FloatArray:
    """Return the least that a week of errands can take where a list of shops stops short.

    A round is at least the drive to the farthest of what it brings, and back.
    """
    minutes = errands_minutes(territory)
    least = np.zeros(len(minutes))
    for times, kinds in weekly_rounds():
        nearest = np.column_stack([_minutes(territory, kind)[1] for kind in kinds])
        least += times * 2 * nearest.max(axis=1)
    shortest = np.where(errands_are_bounds(territory), np.fmin(minutes, least), minutes)
    return _sealed(shortest)


def _sealed(figures: NDArray[Scalar]) -> NDArray[Scalar]:
    """Let nobody change what several share."""
    figures.setflags(write=False)
    return figures


def _minutes(territory: Territory, destination: str) -> tuple[FloatArray, FloatArray]:
    minutes = territory.minutes[destination].to_numpy(dtype=np.float64)
    low = territory.minutes_low[destination].to_numpy(dtype=np.float64)
    return minutes, np.where(np.isfinite(low), low, minutes)


def week_of(
    territory: Territory, insee_code: str, profile: Profile, habits: Habits = DEFAULT_HABITS
) -> Week:
    """Return a household's week at the wheel in one commune, drive by drive.

    Parameters
    ----------
    territory
        The release.
    insee_code
        A commune of the release.
    profile
        The household.
    habits
        How its week is lived.

    Raises
    ------
    UnknownCommuneError
        If the release has no such commune.
    """
    code = territory.find(insee_code)
    row = territory.codes.index(code)
    rounds = float(territory.parameters["daily_services"]["rounds_a_week"])
    most = errands_minutes(territory)
    each, least = (
        _known(float(figures[row]) / rounds) for figures in (most, _least_errands(territory))
    )
    drives = [Drive("errands", "", rounds, each, least)]
    for purpose, destination, times in trips_of(profile, habits):
        minutes, low = (2 * float(figures[row]) for figures in _minutes(territory, destination))
        drives.append(Drive(purpose, destination, times, _known(minutes), _known(low)))
    hours, low_hours = (
        _known(float(figures[row])) for figures in hours_at_the_wheel(territory, profile, habits)
    )
    is_bound = bool(errands_are_bounds(territory)[row]) or low_hours != hours
    return Week(
        insee_code=code,
        drives=tuple(sorted(drives, key=lambda drive: -(drive.minutes_week or np.inf))),
        hours=hours,
        low_hours=low_hours,
        habits=habits,
        status="unreachable" if hours is None else "upper_bound" if is_bound else "estimated",
    )


def _rounded(figure: float | None, decimals: int) -> float | None:
    return None if figure is None else round(figure, decimals)


def _known(figure: float) -> float | None:
    return figure if np.isfinite(figure) else None
