"""The shortest round of drives that brings everything home.

Hides the search. A basket is a set of kinds of place, such as a bakery, a post office and a
supermarket; a place that has several of them needs one stop, and each kind counts once. The round
leaves home, visits stops in the best order and comes back. It is a travelling-salesman problem with
a cover, solved exactly by dynamic programming over what has been bought (Held and Karp 1962,
*Journal of SIAM* 10:196-210), after the stops that no best round can hold are left out: where times
are shortest ones, a round through a stop is at least as long as the drive there and back.

A stop is a commune: in a bourg one walks from the bakery to the bank.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_matcher.access import access_minutes
from geo_matcher.destinations import DAILY_SERVICES, DESTINATIONS
from geo_matcher.errors import DriveError
from geo_matcher.journeys import Journeys, network_name
from geo_matcher.kept import kept
from geo_matcher.territory import Territory

__all__ = [
    "MAX_KINDS",
    "Basket",
    "Market",
    "Round",
    "Stop",
    "basket",
    "cheapest_round",
    "week_of_errands",
    "weekly_rounds",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MAX_KINDS = 10
"""Kinds in a basket at most: the search doubles with each."""

SLACK_MIN = 1e-9


@dataclass(frozen=True, slots=True)
class Round:
    """The shortest round.

    Attributes
    ----------
    minutes
        From the start and back to it.
    stops
        Numbers of the places visited, in order.
    """

    minutes: float
    stops: tuple[int, ...]


def cheapest_round(
    there: FloatArray, between: FloatArray, back: FloatArray, offered: IntArray, wanted: int
) -> Round | None:
    """Find the shortest round from a start through places that offer, together, all that is wanted.

    Parameters
    ----------
    there, back
        Minutes from the start to each of the ``n`` places and home again, ``inf`` where no way
        leads. Like ``between``, they are shortest times: no detour is shorter.
    between
        Minutes from each place (rows) to each other, ``n`` × ``n``.
    offered
        What each place offers: one bit for each kind.
    wanted
        The bits that are wanted.

    Returns
    -------
    Round or None
        ``None`` where something wanted cannot be had.
    """
    offered = np.asarray(offered, dtype=np.int64) & wanted
    if wanted == 0:
        return Round(0.0, ())
    alone = there + back
    nearest = [
        alone[(offered & bit) > 0].min(initial=np.inf)
        for bit in (1 << i for i in range(wanted.bit_length()))
        if wanted & bit
    ]
    limit = min(float(sum(nearest)), float(alone[offered == wanted].min(initial=np.inf)))
    if not np.isfinite(limit):
        return None
    kept = np.flatnonzero((offered > 0) & (alone <= limit + SLACK_MIN))
    there, back, offered = there[kept], back[kept], offered[kept]
    between = between[np.ix_(kept, kept)]
    # least[bought, last] is the shortest way from the start that ends at `last` with `bought`.
    least = np.full((wanted + 1, len(kept)), np.inf)
    before = np.full((wanted + 1, len(kept)), -1, dtype=np.int64)
    came_with = np.full((wanted + 1, len(kept)), -1, dtype=np.int64)
    for place, bits in enumerate(offered):
        if there[place] < least[bits, place]:
            least[bits, place] = there[place]
    for bought in range(1, wanted):
        row = least[bought]
        # What is already as long as a known round cannot become a shorter one.
        if not (row + back <= limit + SLACK_MIN).any():
            continue
        useful = np.flatnonzero((offered & ~bought) > 0)
        if useful.size == 0:
            continue
        ways = row[:, None] + between[:, useful]
        first = ways.argmin(axis=0)
        cost = ways[first, np.arange(len(useful))]
        after = offered[useful] | bought
        shorter = cost < least[after, useful]
        at, to = after[shorter], useful[shorter]
        least[at, to] = cost[shorter]
        before[at, to] = first[shorter]
        came_with[at, to] = bought
    whole = least[wanted] + back
    last = int(whole.argmin()) if len(whole) else -1
    if last < 0 or not np.isfinite(whole[last]):
        return None
    stops, bought, place = [], wanted, last
    while place >= 0:
        stops.append(int(kept[place]))
        place, bought = int(before[bought, place]), int(came_with[bought, place])
    return Round(float(whole[last]), tuple(reversed(stops)))


@dataclass(frozen=True, slots=True)
class Stop:
    """One stop of a round.

    Attributes
    ----------
    insee_code, name
        The commune.
    kinds
        What is had there and not before, in the order asked.
    drive_min
        Minutes from the stop before, or from home.
    """

    insee_code: str
    name: str
    kinds: tuple[str, ...]
    drive_min: float


@dataclass(frozen=True, slots=True)
class Basket:
    """The shortest round from a commune that brings a set of things home.

    Attributes
    ----------
    insee_code
        Where home is.
    kinds
        What was wanted.
    minutes
        The whole round, from home and back; ``None`` where something cannot be had.
    separate_min
        The same with a drive there and back for each kind.
    stops
        In driving order.
    back_min
        Minutes from the last stop home.
    network
        ``roads``, ``town_halls`` or ``mixed``.
    status
        ``estimated``; ``upper_bound`` where a nearer place may exist that no list names; or
        ``unreachable``.
    """

    insee_code: str
    kinds: tuple[str, ...]
    minutes: float | None
    separate_min: float | None
    stops: tuple[Stop, ...]
    back_min: float | None
    network: str
    status: str

    def as_dict(self) -> dict[str, Any]:
        """Return plain types, minutes to 0.01."""

        def rounded(minutes: float | None) -> float | None:
            return None if minutes is None else round(minutes, 2)

        return {
            "insee_code": self.insee_code,
            "kinds": list(self.kinds),
            "minutes": rounded(self.minutes),
            "separate_min": rounded(self.separate_min),
            "stops": [
                {
                    "insee_code": stop.insee_code,
                    "name": stop.name,
                    "kinds": list(stop.kinds),
                    "drive_min": round(stop.drive_min, 2),
                }
                for stop in self.stops
            ],
            "back_min": rounded(self.back_min),
            "network": self.network,
            "status": self.status,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """What the communes around offer, and the drives between them.

    Attributes
    ----------
    kinds
        Destinations, in the order of the bits.
    sites
        Communes that offer any of them.
    offered
        What each site offers: bit ``i`` for ``kinds[i]``.
    between
        Minutes among sites.
    there, back
        Minutes from each commune of the release (rows) to each site, and back.
    leave_min
        Minutes from a home to the own town hall.
    """

    kinds: tuple[str, ...]
    sites: tuple[str, ...]
    offered: IntArray
    between: FloatArray
    there: FloatArray
    back: FloatArray
    leave_min: FloatArray

    @classmethod
    def of(
        cls,
        journeys: Journeys,
        communes: pd.DataFrame,
        places: pd.DataFrame,
        kinds: Sequence[str] = tuple(DAILY_SERVICES),
    ) -> Market:
        """Gather what is offered.

        Parameters
        ----------
        journeys
            The drives.
        communes
            Communes of the release: ``insee_code``, ``area_km2``.
        places
            Every place: ``kind``, ``insee_code``.
        kinds
            Destinations that are looked for.
        """
        place_kinds = {known.name: known.place_kinds for known in DESTINATIONS}
        bits: dict[str, int] = {}
        for number, kind in enumerate(kinds):
            for code in places["insee_code"][places["kind"].isin(place_kinds[kind])]:
                bits[code] = bits.get(code, 0) | 1 << number
        sites = tuple(sorted(bits.keys() & set(journeys.halls.index)))
        codes = list(communes["insee_code"])
        minutes = journeys.matrix([*codes, *sites], sites)[0].minutes
        return cls(
            tuple(kinds),
            sites,
            np.array([bits[code] for code in sites], dtype=np.int64),
            minutes[len(codes) :],
            minutes[: len(codes)],
            journeys.matrix(sites, codes)[0].minutes.T,
            access_minutes(communes["area_km2"].to_numpy(dtype=np.float64)),
        )

    def has(self, kind: str) -> BoolArray:
        """Return which sites offer a kind."""
        return (self.offered >> self.kinds.index(kind) & 1).astype(np.bool_)

    def round_from(self, row: int, kinds: Iterable[str]) -> Round | None:
        """Return the shortest round from the town hall of a commune of the release, by its row.

        Parameters
        ----------
        row
            Which commune.
        kinds
            What is wanted.
        """
        wanted = list(dict.fromkeys(kinds))
        bits = sum(
            (self.has(kind).astype(np.int64) << number for number, kind in enumerate(wanted)),
            start=np.zeros(len(self.sites), dtype=np.int64),
        )
        return cheapest_round(
            self.there[row], self.between, self.back[row], bits, (1 << len(wanted)) - 1
        )


_one_market = threading.Lock()


@kept(maxsize=2)
def _market(territory: Territory) -> Market:
    kinds = [known.name for known in DESTINATIONS]
    return Market.of(Journeys.of(territory), territory.communes, territory.places, kinds)


def basket(
    territory: Territory, insee_code: str, kinds: Sequence[str] = tuple(DAILY_SERVICES)
) -> Basket:
    """Return the shortest round from a commune through places that have all of some kinds.

    Parameters
    ----------
    territory
        The release.
    insee_code
        Where home is: a commune of the release.
    kinds
        Destinations such as ``bakery``; each counts once. The everyday services by default.

    Raises
    ------
    DriveError
        If no kind is given, one is unknown, or there are more than ``MAX_KINDS``.
    UnknownCommuneError
        If the release has no such commune.
    """
    wanted = tuple(dict.fromkeys(kinds))
    names = [known.name for known in DESTINATIONS]
    unknown = [kind for kind in wanted if kind not in names]
    if unknown or not 1 <= len(wanted) <= MAX_KINDS:
        found = f"{unknown[0][:40]!r} is nothing that one drives to" if unknown else (
            f"{len(wanted)} kinds were given"
        )  # fmt: skip
        raise DriveError(
            f"This basket cannot be filled: {found}. Give 1 to {MAX_KINDS} of {', '.join(names)}."
        )
    code = territory.find(insee_code)
    row = territory.codes.index(code)
    with _one_market:  # made once, whoever asks meanwhile
        market = _market(territory)
    journeys = Journeys.of(territory)
    leave = float(market.leave_min[row])
    found_round = market.round_from(row, wanted)
    if found_round is None:
        return Basket(code, wanted, None, None, (), None, journeys.network, "unreachable")
    stops: list[Stop] = []
    have: set[str] = set()
    before = -1
    for site in found_round.stops:
        drive = leave + market.there[row, site] if before < 0 else market.between[before, site]
        here = [k for k in wanted if market.has(k)[site] and k not in have]
        have.update(here)
        at = market.sites[site]
        stops.append(Stop(at, str(journeys.halls.at[at, "name"]), tuple(here), float(drive)))
        before = site
    alone = market.there[row] + market.back[row]
    separate = [alone[market.has(kind)].min() + 2 * leave for kind in wanted]
    ends = [code, *(stop.insee_code for stop in stops)]
    return Basket(
        insee_code=code,
        kinds=wanted,
        minutes=found_round.minutes + 2 * leave,
        separate_min=float(sum(separate)),
        stops=tuple(stops),
        back_min=float(market.back[row, before]) + leave,
        network=network_name([journeys.is_on_roads(end) for end in ends]),
        status=_status(territory, code, wanted),
    )


def _status(territory: Territory, code: str, kinds: Iterable[str]) -> str:
    is_bound = territory.minutes_low.loc[code, list(kinds)].notna().any()
    return "upper_bound" if is_bound else "estimated"


def weekly_rounds(
    trips: Mapping[str, float] = DAILY_SERVICES,
) -> tuple[tuple[float, tuple[str, ...]], ...]:
    """Plan a week of errands: what is needed less often is bought on the way to the rest.

    Parameters
    ----------
    trips
        Trips a week for each kind.

    Returns
    -------
    tuple of (float, tuple of str)
        Rounds a week and what each brings, the fullest first. Each kind is bought as often as
        asked; there are as many rounds as the most frequent kind needs.
    """
    rounds: list[tuple[float, tuple[str, ...]]] = []
    done = 0.0
    for often in sorted(set(trips.values())):
        kinds = tuple(kind for kind, count in trips.items() if count >= often)
        if often > done:
            rounds.append((often - done, kinds))
            done = often
    return tuple(rounds)


def week_of_errands(market: Market) -> pd.DataFrame:
    """Return what everyday errands cost each commune.

    Parameters
    ----------
    market
        What is offered around; its kinds hold the everyday services.

    Returns
    -------
    pandas.DataFrame
        In the order of the communes: ``errands_week_min``, minutes of driving a week for
        ``weekly_rounds()``; ``basket_min``, one round through all everyday services, and
        ``basket_stops``, its stops; missing where something cannot be had.
    """
    count = len(market.leave_min)
    week, whole, stops = np.zeros(count), np.full(count, np.nan), np.full(count, np.nan)
    for times, kinds in weekly_rounds():
        is_whole = len(kinds) == len(DAILY_SERVICES)
        for row in range(count):
            found = market.round_from(row, kinds)
            minutes = np.nan if found is None else found.minutes + 2 * market.leave_min[row]
            week[row] += times * minutes
            if is_whole and found is not None:
                whole[row], stops[row] = minutes, len(found.stops)
    return pd.DataFrame({"errands_week_min": week, "basket_min": whole, "basket_stops": stops})
