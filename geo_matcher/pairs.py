"""Live here, shop there: a village and the one commune that serves it, each service counted once.

Hides how that commune, the bourg, is chosen. Only the everyday services of the basket count, with
its trips a week (``destinations.DAILY_SERVICES``), and only those that the village itself lacks:

* **one by one**, each of them is fetched at its nearest place, one round trip a time;
* **together**, one round to the bourg, so many times a week, brings everything that the bourg has
  and that is wanted no more often than that; the rest is fetched one by one, as before. The number
  of rounds is the one that makes the week's drive shortest (ties: the larger one), so that bread
  may still come from the next village four times a week;
* the bourg is the commune, inside the release or beyond its border, with which the week's drive is
  shortest, that is the one that saves most minutes. Ties go to the larger share of trips covered,
  then to the shorter drive, then to the smaller code. Going to the nearest place of a single
  service costs nothing more than before, so the saving is never negative.

Drives are those of the release: from a point of the village to its town hall, then town hall to
town hall. The saving is a careful one: every service is had as often as before, the bourg is as
far as it is, and each errand is held against its own nearest place, not against the bourg.

Nothing here touches a score: villages stand in the order of their own ranking. The lists of shops
hold minimum counts and end a few kilometres beyond the border, so that what is "not there" may
exist: each service carries the status of its nearest place (``upper_bound`` where an unlisted one
may be nearer).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from geo_matcher.decision import Status
from geo_matcher.destinations import DAILY_SERVICES
from geo_matcher.drives import leave_minutes
from geo_matcher.errors import DataError
from geo_matcher.journeys import Journeys
from geo_matcher.kept import kept
from geo_matcher.matching import Ranking
from geo_matcher.territory import Territory

__all__ = ["MAX_PAIRS", "Bourg", "Pair", "Service", "pair_of", "pairs"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

Found = Literal["village", "bourg", "elsewhere", "nowhere"]

MAX_PAIRS = 500
"""Largest number of villages that can be asked for."""

SAME_MINUTES = 1e-6
"""Savings closer than this are the same."""

GAPS = ("pharmacies", "leisure", "road_times")
"""What a catalog may declare absent that a mover would count among the errands or the drives."""

TRIPS: FloatArray = np.array(list(DAILY_SERVICES.values()))
ROUNDS: FloatArray = np.unique(TRIPS)
SERVICES = tuple(DAILY_SERVICES)


@dataclass(frozen=True, slots=True)
class Service:
    """Where one everyday service is found; it is counted there and nowhere else.

    Attributes
    ----------
    name
        Kind of service.
    trips_a_week
        An assumption of the basket.
    found
        ``village``, ``bourg``, ``elsewhere`` or ``nowhere`` (no place can be reached).
    insee_code, commune
        Where that is; None for ``nowhere``.
    on_round
        Whether the rounds to the bourg bring it. What is found in the bourg and wanted more often
        than the rounds is fetched at its nearest place.
    minutes
        Drive from a point of the village to there; None for ``nowhere``.
    nearest_min, nearest_low_min
        Drive to the nearest known place, and to the nearest commune where an unlisted one is
        possible; the latter only for an upper bound.
    status
        What is known of the nearest place: ``estimated``, ``upper_bound`` or ``unreachable``.
    """

    name: str
    trips_a_week: float
    found: Found
    insee_code: str | None
    commune: str | None
    on_round: bool
    minutes: float | None
    nearest_min: float | None
    nearest_low_min: float | None
    status: str

    def as_dict(self) -> dict[str, Any]:
        """Return the service in plain types; the keys are the attributes."""
        return {
            "name": self.name,
            "trips_a_week": self.trips_a_week,
            "found": self.found,
            "insee_code": self.insee_code,
            "commune": self.commune,
            "on_round": self.on_round,
            "minutes": self.minutes,
            "nearest_min": self.nearest_min,
            "nearest_low_min": self.nearest_low_min,
            "status": self.status,
        }


@dataclass(frozen=True, slots=True)
class Bourg:
    """The commune that serves a village.

    Attributes
    ----------
    insee_code, name
        Which one.
    in_release
        Whether it is one of the communes that are ranked; else it lies beyond the border.
    drive_min
        Minutes from a point of the village to the bourg's town hall, an estimate.
    """

    insee_code: str
    name: str
    in_release: bool
    drive_min: float

    def as_dict(self) -> dict[str, Any]:
        """Return the bourg in plain types; the keys are the attributes."""
        return {
            "insee_code": self.insee_code,
            "name": self.name,
            "in_release": self.in_release,
            "drive_min": self.drive_min,
        }


@dataclass(frozen=True, slots=True)
class Pair:
    """A listed village and its bourg.

    Attributes
    ----------
    rank, insee_code, name, score
        The village, as ranked; its score is its own. The rank is 0 where it is not listed.
    bourg
        None for a village that has every service, and for one that no other commune can serve.
    services
        The eight everyday services, in the order of the basket.
    services_covered_share
        Share of the week's trips to services found in the village or in the bourg, 0 to 1.
    rounds_a_week
        Rounds to the bourg; 0 without a bourg.
    separate_min_week, grouped_min_week
        Drive for the services found in the bourg, there and back: each fetched at its nearest
        place, and with the rounds. The other services cost the same either way.
    gaps
        Subjects that the catalog declares absent and that weigh on this answer.
    """

    rank: int
    insee_code: str
    name: str
    score: float
    bourg: Bourg | None
    services: tuple[Service, ...]
    services_covered_share: float
    rounds_a_week: float
    separate_min_week: float
    grouped_min_week: float
    gaps: tuple[str, ...]

    @property
    def saved_min_week(self) -> float:
        """Minutes of driving a week that the rounds to the bourg save."""
        return self.separate_min_week - self.grouped_min_week

    def found_in(self, where: Found) -> tuple[str, ...]:
        """Return the names of the services found there."""
        return tuple(service.name for service in self.services if service.found == where)

    def as_dict(self) -> dict[str, Any]:
        """Return the pair in plain types.

        The keys are the attributes, ``saved_min_week``, and the names of the services by place:
        ``in_village``, ``in_bourg`` and ``in_neither`` (elsewhere or nowhere).
        """
        return {
            "rank": self.rank,
            "insee_code": self.insee_code,
            "name": self.name,
            "score": self.score,
            "bourg": self.bourg.as_dict() if self.bourg else None,
            "services": [service.as_dict() for service in self.services],
            "in_village": list(self.found_in("village")),
            "in_bourg": list(self.found_in("bourg")),
            "in_neither": [*self.found_in("elsewhere"), *self.found_in("nowhere")],
            "services_covered_share": self.services_covered_share,
            "rounds_a_week": self.rounds_a_week,
            "separate_min_week": self.separate_min_week,
            "grouped_min_week": self.grouped_min_week,
            "saved_min_week": self.saved_min_week,
            "gaps": list(self.gaps),
        }


@dataclass(frozen=True, eq=False)
class _Shops:
    """What a territory says of the everyday services, made once.

    ``holders`` are the communes with at least one of them, by code; ``has`` tells which (holders ×
    services). ``nearest`` holds, for each commune of the release and service, the row of the travel
    times: minutes, lowest minutes, code and status.
    """

    journeys: Journeys
    names: Mapping[str, str]
    leave_min: Mapping[str, float]
    holders: tuple[str, ...]
    has: BoolArray
    nearest: Mapping[tuple[str, str], tuple[float, float, str, str]]
    gaps: tuple[str, ...]


def pairs(ranking: Ranking, top: int = 20) -> tuple[Pair, ...]:
    """Give each of the best villages the bourg that serves it.

    Parameters
    ----------
    ranking
        The ranking whose villages are asked about; scores and order stay as they are.
    top
        How many villages, 1 to ``MAX_PAIRS``. A tie at the end is listed whole.

    Returns
    -------
    tuple of Pair
        In the order of the ranking.

    Raises
    ------
    DataError
        If ``top`` is out of range, or the release lacks the tables of the town-hall network.
    """
    if not 1 <= top <= MAX_PAIRS:
        raise DataError(f"{top} villages were asked for; expected 1 to {MAX_PAIRS}.")
    count = len(ranking)
    if top < count:
        count = int(np.searchsorted(ranking.ranks, ranking.ranks[top - 1], side="right"))
    if not count:
        return ()
    shops = _shops(ranking.territory)
    rows = zip(ranking.ranks[:count].tolist(), ranking.order[:count].tolist(), strict=True)
    return tuple(_pair(ranking, shops, place, row) for place, row in rows)


def pair_of(ranking: Ranking, insee_code: str) -> Pair:
    """Give one village the bourg that serves it, whether the ranking lists it or not.

    Parameters
    ----------
    ranking
        The ranking that its place and its score come from.
    insee_code
        The village.

    Raises
    ------
    DataError
        If the release lacks the tables of the town-hall network.
    UnknownCommuneError
        If the territory has no such commune.
    """
    row = ranking.position(insee_code)
    places = np.flatnonzero(ranking.order == row)
    place = ranking.ranks[places[0]].item() if places.size else 0
    return _pair(ranking, _shops(ranking.territory), place, row)


@kept(maxsize=8)
def _shops(territory: Territory) -> _Shops:
    journeys = Journeys.of(territory)
    tables = territory.tables
    halls = tables["town_halls"]
    # Names of the release come last: they carry the article as people write it.
    names = dict(zip(halls["insee_code"], halls["name"], strict=True))
    names |= territory.communes["name"].to_dict()
    places = territory.places
    kinds = places[places["kind"].isin(SERVICES)].groupby("insee_code")["kind"].agg(set)
    times = tables["travel_times"]
    times = times[times["destination"].isin(SERVICES)]
    columns = ("minutes", "minutes_low", "nearest_insee_code", "status")
    keys = zip(times["insee_code"], times["destination"], strict=True)
    rows = zip(*(times[column].tolist() for column in columns), strict=True)
    declared = {gap.subject for gap in territory.catalog.gaps}
    return _Shops(
        journeys=journeys,
        names=names,
        leave_min=dict(zip(territory.codes, leave_minutes(territory).tolist(), strict=True)),
        holders=tuple(kinds.index),
        has=np.array([[kind in own for kind in SERVICES] for own in kinds], dtype=np.bool_),
        nearest=dict(zip(keys, rows, strict=True)),
        gaps=tuple(subject for subject in GAPS if subject in declared),
    )


def _pair(ranking: Ranking, shops: _Shops, place: int, row: int) -> Pair:
    code = ranking.matrix.codes[row]
    nearest_min = np.array([shops.nearest[code, name][0] for name in SERVICES])
    at_home = np.array([shops.nearest[code, name][2] == code for name in SERVICES])
    lacking = ~at_home & np.isfinite(nearest_min)
    bourg, in_bourg, rounds = _best_bourg(shops, code, lacking, nearest_min)
    on_round = in_bourg & (rounds >= TRIPS)
    separate = 2 * TRIPS * np.where(in_bourg, nearest_min, 0.0)
    grouped = separate[~on_round].sum() + 2 * rounds * (bourg.drive_min if bourg else 0.0)
    facts = ranking.territory.facts[row]
    return Pair(
        rank=place,
        insee_code=code,
        name=facts["name"],
        score=ranking.score[row].item(),
        bourg=bourg,
        services=tuple(
            _service(shops, code, name, bourg if has else None, on_round=brought)
            for name, has, brought in zip(
                SERVICES, in_bourg.tolist(), on_round.tolist(), strict=True
            )
        ),
        services_covered_share=(TRIPS @ (at_home | in_bourg) / TRIPS.sum()).item(),
        rounds_a_week=rounds,
        separate_min_week=separate.sum().item(),
        grouped_min_week=grouped.item(),
        gaps=shops.gaps,
    )


def _best_bourg(
    shops: _Shops, code: str, lacking: BoolArray, nearest_min: FloatArray
) -> tuple[Bourg | None, BoolArray, float]:
    """Return the commune that saves most, which lacking services it has, and the rounds to it."""
    nowhere = np.zeros(len(SERVICES), dtype=np.bool_)
    if not shops.holders:
        return None, nowhere, 0.0
    offers = shops.has & lacking
    minutes = shops.journeys.matrix([code], shops.holders)[0].minutes[0]
    # Rounded as the travel times are, so that a place has one distance wherever it is shown.
    drives = np.round(minutes + shops.leave_min[code], 2)
    useful = np.flatnonzero(offers.any(axis=1) & np.isfinite(drives))
    if not useful.size:
        return None, nowhere, 0.0
    offers, drives = offers[useful], drives[useful]
    fetched = np.where(lacking, TRIPS * nearest_min, 0.0)
    # Communes × numbers of rounds; a number is possible where some service asks for just that.
    possible = (offers[:, None, :] & (ROUNDS[:, None] == TRIPS)).any(axis=2)
    brought = offers[:, None, :] & (ROUNDS[:, None] >= TRIPS)
    saved = np.where(possible, brought @ fetched - ROUNDS * drives[:, None], -np.inf)
    most = saved.max(axis=1)
    covered = offers @ TRIPS
    tied = np.flatnonzero(most >= most.max() - SAME_MINUTES)
    best = min(tied.tolist(), key=lambda i: (-covered[i], drives[i], shops.holders[useful[i]]))
    holder = shops.holders[useful[best]]
    bourg = Bourg(holder, shops.names[holder], holder in shops.leave_min, drives[best].item())
    rounds = ROUNDS[saved[best] >= most[best] - SAME_MINUTES].max().item()
    return bourg, offers[best], rounds


def _service(
    shops: _Shops, code: str, name: str, bourg: Bourg | None, *, on_round: bool
) -> Service:
    minutes, low, nearest, status = shops.nearest[code, name]
    found: Found
    where: str | None
    if not nearest:
        found, where = "nowhere", None
    elif nearest == code:
        found, where = "village", code
    elif bourg:
        found, where = "bourg", bourg.insee_code
    else:
        found, where = "elsewhere", nearest
    drive = bourg.drive_min if found == "bourg" and bourg else minutes
    return Service(
        name=name,
        trips_a_week=DAILY_SERVICES[name],
        found=found,
        insee_code=where,
        commune=shops.names[where] if where else None,
        on_round=on_round,
        minutes=_plain(drive),
        nearest_min=_plain(minutes),
        nearest_low_min=_plain(low),
        status=Status.MISSING.label if status == "unknown" else status,
    )


def _plain(minutes: float) -> float | None:
    return None if np.isnan(minutes) else minutes
