"""Which villages to see on a visit, in which order, and at what hour.

Hides two choices. *Which*: the few that make the best of them as good as can be expected, over what
the mover's words and the data leave open. The expected best score of a set grows less with each
village added (it is submodular), so that choosing the best next one each time is at least 1 - 1/e
as good as the best set of that size (Nemhauser, Wolsey and Fisher 1978, *Mathematical Programming*
14:265-294); how good it is here is bounded and told. Two villages that are good in the same cases
add little to one another, hence a choice of different ones. *When*: every order is tried, each day
begins and ends at the start, nobody is received at lunch.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo_matcher.errors import DriveError
from geo_matcher.journeys import Journeys, network_name
from geo_matcher.matching import Ranking
from geo_matcher.robustness import DEFAULT_SEED, draw_scores
from geo_matcher.territory import LAMBERT_93, WGS_84, Territory

__all__ = [
    "MAX_VILLAGES",
    "MIN_VILLAGES",
    "Choice",
    "Timetable",
    "VisitPlan",
    "VisitStop",
    "choose",
    "expected_best",
    "plan_visits",
    "schedule",
]

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.intp]

MIN_VILLAGES, MAX_VILLAGES = 1, 5
"""Villages of a visit; every order of them is tried, and every way to cut it into days."""

AMONG = 40
"""First places among which villages are chosen: nobody visits what is far down the list."""

DRAWS = 2_000
ROUNDING_MIN = 5
"""Appointments are told to the next five minutes."""

COURSE_DECIMALS = 6
"""Positions of a course are told to a millionth of a degree."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Villages chosen one after the other.

    Attributes
    ----------
    chosen
        Columns, in the order in which they were chosen.
    expected
        Expected best score of the first, of the first two, and so on.
    bound
        What no set of that many can exceed.
    """

    chosen: tuple[int, ...]
    expected: tuple[float, ...]
    bound: float

    @property
    def guarantee(self) -> float:
        """Share of the best set that this one is worth at least."""
        return min(1.0, self.expected[-1] / self.bound) if self.bound > 0 else 1.0


def expected_best(scores: FloatArray, columns: Sequence[int]) -> float:
    """Return the mean over draws (rows) of the best score of some villages (columns)."""
    return float(scores[:, list(columns)].max(axis=1).mean()) if len(columns) else 0.0


def choose(scores: FloatArray, count: int, *, chosen: Sequence[int] = ()) -> Choice:
    """Choose villages whose best one is expected to be good.

    Parameters
    ----------
    scores
        Draws × villages, not negative.
    count
        How many in all, at most the number of villages.
    chosen
        Villages that are seen anyway.
    """
    kept = list(chosen)
    best = scores[:, kept].max(axis=1) if kept else np.zeros(len(scores))
    expected = [expected_best(scores, kept[: n + 1]) for n in range(len(kept))]
    while len(kept) < min(count, scores.shape[1]):
        gains = np.maximum(scores - best[:, None], 0.0).mean(axis=0)
        gains[kept] = -1.0
        following = int(gains.argmax())
        kept.append(following)
        best = np.maximum(best, scores[:, following])
        expected.append(float(best.mean()))
    # Of a submodular function: no set of k exceeds this one by more than its k largest gains.
    gains = np.sort(np.maximum(scores - best[:, None], 0.0).mean(axis=0))[::-1]
    return Choice(tuple(kept), tuple(expected), float(best.mean() + gains[: len(kept)].sum()))


def _minutes(hour: dt.time) -> float:
    return hour.hour * 60.0 + hour.minute


@dataclass(frozen=True, slots=True)
class Timetable:
    """The hours of a visit; every figure is an assumption of ours.

    Attributes
    ----------
    morning, lunch, afternoon, evening
        When a day begins, when lunch does, when one is received again, and the end of a day, back
        at the start.
    visit_min
        Minutes in each village: the town hall, the school, a walk.
    """

    morning: dt.time = dt.time(9, 0)
    lunch: dt.time = dt.time(12, 30)
    afternoon: dt.time = dt.time(14, 0)
    evening: dt.time = dt.time(18, 30)
    visit_min: float = 75.0

    def __post_init__(self) -> None:
        """Refuse a day that holds no visit."""
        hours = [_minutes(t) for t in (self.morning, self.lunch, self.afternoon, self.evening)]
        if sorted(hours) != hours or not 15 <= self.visit_min <= 240:
            raise DriveError(
                f"This timetable cannot be kept: {self.morning:%H:%M}, lunch {self.lunch:%H:%M}, "
                f"again {self.afternoon:%H:%M}, back {self.evening:%H:%M}, {self.visit_min:g} "
                "minutes in each village. Give rising hours, and 15 to 240 minutes."
            )


DEFAULT_TIMETABLE = Timetable()


@dataclass(frozen=True, slots=True)
class VisitStop:
    """One village of a visit.

    Attributes
    ----------
    insee_code, name
        The village.
    day
        Number of the day, from 1.
    half
        ``morning`` or ``afternoon``.
    drive_min, road_km
        From the stop before, or from the start.
    arrival, departure
        Hours of that day.
    course
        The drive, EPSG:4326, from the stop before, or from the start; ``None`` on the town-hall
        network, which knows no course, and where nothing is driven.
    """

    insee_code: str
    name: str
    day: int
    half: str
    drive_min: float
    road_km: float
    arrival: dt.time
    departure: dt.time
    course: shapely.LineString | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain types."""
        return {
            "insee_code": self.insee_code,
            "name": self.name,
            "day": self.day,
            "half": self.half,
            "drive_min": round(self.drive_min, 2),
            "road_km": round(self.road_km, 2),
            "arrival": self.arrival.isoformat("minutes"),
            "departure": self.departure.isoformat("minutes"),
            "course": _geojson(self.course),
        }


@dataclass(frozen=True, slots=True)
class VisitPlan:
    """A visit of some days.

    Attributes
    ----------
    start, start_name
        Where each day begins and ends.
    stops
        In driving order.
    back
        For each day, minutes back to the start and the hour of arrival there.
    drive_min, road_km
        All drives together.
    network, status
        Which network gave the times of the drives of the plan, ``roads``, ``town_halls`` or
        ``mixed``, and how sure they are.
    release
        The data release.
    expected_best
        Score that the best of the villages is expected to have; ``None`` where none was chosen.
    guarantee
        Share of what the best choice of as many would be worth; ``None`` likewise.
    back_courses
        For each day the drive back to the start, like the ``course`` of a stop.
    """

    start: str
    start_name: str
    stops: tuple[VisitStop, ...]
    back: tuple[tuple[float, dt.time], ...]
    drive_min: float
    road_km: float
    network: str
    status: str
    release: str
    expected_best: float | None = None
    guarantee: float | None = None
    back_courses: tuple[shapely.LineString | None, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain types; courses are lines of GeoJSON."""
        courses = self.back_courses or (None,) * len(self.back)
        return {
            "start": {"insee_code": self.start, "name": self.start_name},
            "days": len(self.back),
            "stops": [stop.as_dict() for stop in self.stops],
            "back": [
                {
                    "day": day,
                    "drive_min": round(minutes, 2),
                    "arrival": hour.isoformat("minutes"),
                    "course": _geojson(course),
                }
                for day, ((minutes, hour), course) in enumerate(
                    zip(self.back, courses, strict=True), start=1
                )
            ],
            "drive_min": round(self.drive_min, 2),
            "road_km": round(self.road_km, 2),
            "expected_best": None if self.expected_best is None else round(self.expected_best, 2),
            "guarantee": None if self.guarantee is None else round(self.guarantee, 4),
            "network": self.network,
            "status": self.status,
            "release": self.release,
        }


def _geojson(course: shapely.LineString | None) -> dict[str, Any] | None:
    """Return a course as GeoJSON, to 0.1 m."""
    if course is None:
        return None
    positions = shapely.get_coordinates(course).round(COURSE_DECIMALS).tolist()
    return {"type": "LineString", "coordinates": positions}


def schedule(
    territory: Territory,
    insee_codes: Sequence[str],
    start: str,
    timetable: Timetable = DEFAULT_TIMETABLE,
) -> VisitPlan:
    """Put some villages into an order and give each its hour.

    Of all orders the one of fewest days is kept; among those, that of the shortest drive.

    Parameters
    ----------
    territory
        The release.
    insee_codes
        Villages of the release, ``MIN_VILLAGES`` to ``MAX_VILLAGES`` of them, each once.
    start
        Where each day begins and ends: any commune of the network, by code.
    timetable
        The hours.

    Raises
    ------
    DriveError
        If there are too many villages, one twice, or one cannot be seen within a day.
    UnknownCommuneError
        If a village is not of the release.
    """
    codes = [territory.find(code) for code in insee_codes]
    if not MIN_VILLAGES <= len(codes) <= MAX_VILLAGES or len(set(codes)) < len(codes):
        raise DriveError(
            f"A visit of {len(codes)} villages, {len(set(codes))} of them different, cannot be "
            f"planned: give {MIN_VILLAGES} to {MAX_VILLAGES}, each once."
        )
    journeys = Journeys.of(territory)
    reach, is_road = journeys.matrix([start, *codes], [start, *codes])
    names = journeys.halls["name"]
    best: tuple[tuple[float, ...], list[_Slot], list[tuple[float, float]]] | None = None
    nights = list(itertools.product((False, True), repeat=len(codes) - 1))
    for order in itertools.permutations(range(1, len(codes) + 1)):
        for cuts in nights:
            if best is not None and 1 + sum(cuts) > best[0][0]:
                continue
            found = _timed(order, cuts, reach.minutes, timetable)
            if found is None:
                continue
            slots, back = found
            driven = sum(slot.drive for slot in slots) + sum(minutes for minutes, _ in back)
            key = (float(len(back)), driven, *map(float, order))
            if best is None or key < best[0]:
                best = (key, slots, back)
    if best is None:
        raise DriveError(
            f"Not every village can be seen and left again within a day from {names[start]}: "
            "choose a nearer start, a longer day or a shorter visit."
        )
    (_, driven, *_), slots, back = best
    there, home = _legs(slots)
    towns = [start, *codes]
    # Where the start is one of the villages nothing is driven.
    flags = [bool(is_road[a, b]) for a, b in [*there, *home] if towns[a] != towns[b]]
    courses = _courses(journeys, towns, [*there, *home])
    stops = tuple(
        VisitStop(
            codes[slot.place - 1],
            str(names[codes[slot.place - 1]]),
            slot.day,
            "morning" if slot.arrival < _minutes(timetable.lunch) else "afternoon",
            slot.drive,
            float(reach.road_km[slot.before, slot.place]),
            _hour(slot.arrival),
            _hour(slot.arrival + timetable.visit_min),
            course,
        )
        for slot, course in zip(slots, courses[: len(slots)], strict=True)
    )
    return VisitPlan(
        start=start,
        start_name=str(names[start]),
        stops=stops,
        back=tuple((minutes, _hour(hour)) for minutes, hour in back),
        drive_min=driven,
        road_km=sum(float(reach.road_km[leg]) for leg in [*there, *home]),
        network=network_name(flags) if flags else journeys.network,
        status="estimated",
        release=territory.release_id,
        back_courses=tuple(courses[len(slots) :]),
    )


@dataclass(frozen=True, slots=True)
class _Slot:
    place: int
    before: int
    day: int
    drive: float
    arrival: float


def _timed(
    order: Sequence[int], cuts: Sequence[bool], minutes: FloatArray, timetable: Timetable
) -> tuple[list[_Slot], list[tuple[float, float]]] | None:
    """Give each place of an order its hour; ``cuts`` says after which one the day ends."""
    lunch, again = _minutes(timetable.lunch), _minutes(timetable.afternoon)
    slots: list[_Slot] = []
    back: list[tuple[float, float]] = []
    day, here, now = 1, 0, _minutes(timetable.morning)
    for place, is_last in zip(order, [*cuts, True], strict=True):
        drive = float(minutes[here, place])
        arrival = _received(now + drive, timetable.visit_min, lunch, again)
        slots.append(_Slot(place, here, day, drive, arrival))
        here, now = place, arrival + timetable.visit_min
        home = float(minutes[here, 0])
        if now + home > _minutes(timetable.evening):
            return None
        if is_last:
            back.append((home, _rounded(now + home)))
            day, here, now = day + 1, 0, _minutes(timetable.morning)
    return slots, back


def _received(arrival: float, visit_min: float, lunch: float, again: float) -> float:
    """Return when a visit can begin: it ends before lunch, or begins after it."""
    arrival = _rounded(arrival)
    return max(arrival, again) if arrival + visit_min > lunch else arrival


def _rounded(minutes: float) -> float:
    return float(np.ceil(minutes / ROUNDING_MIN - 1e-9) * ROUNDING_MIN)


def _hour(minutes: float) -> dt.time:
    whole = min(int(minutes), 24 * 60 - 1)
    return dt.time(whole // 60, whole % 60)


def _legs(slots: Sequence[_Slot]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return the drives to each village, and those back to the start at the end of each day."""
    there = [(slot.before, slot.place) for slot in slots]
    home = [
        (slot.place, 0)
        for slot, after in itertools.zip_longest(slots, slots[1:])
        if after is None or after.day > slot.day
    ]
    return there, home


def _courses(
    journeys: Journeys, towns: Sequence[str], legs: Sequence[tuple[int, int]]
) -> list[shapely.LineString | None]:
    """Return the course of each drive, EPSG:4326, where it is known and anything is driven."""
    routes = [journeys.route(towns[a], towns[b]) if towns[a] != towns[b] else None for a, b in legs]
    lines = gpd.GeoSeries([None if route is None else route.line for route in routes],
                          crs=LAMBERT_93)  # fmt: skip
    return list(lines.to_crs(WGS_84))


def plan_visits(
    ranking: Ranking,
    start: str,
    count: int,
    *,
    wanted: Sequence[str] = (),
    timetable: Timetable = DEFAULT_TIMETABLE,
    draws: int = DRAWS,
    seed: int = DEFAULT_SEED,
) -> VisitPlan:
    """Choose villages to see for a ranking, and plan the visit.

    Parameters
    ----------
    ranking
        What was ranked; villages are chosen among its first ``AMONG``.
    start
        Where each day begins and ends, by code.
    count
        How many villages, ``MIN_VILLAGES`` to ``MAX_VILLAGES``.
    wanted
        Villages that are seen anyway, by code, listed by the ranking.
    timetable
        The hours.
    draws, seed
        See :func:`geo_matcher.robustness.odds`.

    Raises
    ------
    DriveError
        If nothing is listed, a wanted village is not, or the visit cannot be planned.
    """
    codes = [ranking.matrix.codes[row] for row in ranking.order.tolist()]
    missing = [code for code in wanted if code not in codes]
    if not codes or missing or not MIN_VILLAGES <= count <= MAX_VILLAGES or len(wanted) > count:
        found = (
            f"{missing[0]} is not listed by this ranking"
            if missing
            else f"{count} villages are asked for, {len(wanted)} of them named, "
            f"{len(codes)} are listed"
        )
        raise DriveError(
            f"Villages to see cannot be chosen: {found}. Ask for {MIN_VILLAGES} to {MAX_VILLAGES}, "
            "those that are named among them."
        )
    first = list(dict.fromkeys([*wanted, *codes[:AMONG]]))
    columns = [codes.index(code) for code in first]
    scores = draw_scores(ranking, draws=draws, seed=seed)[:, columns]
    found_choice = choose(scores, count, chosen=range(len(wanted)))
    plan = schedule(ranking.territory, [first[c] for c in found_choice.chosen], start, timetable)
    return replace(plan, expected_best=found_choice.expected[-1], guarantee=found_choice.guarantee)
