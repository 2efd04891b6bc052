"""Attractiveness lift: in how many more newcomers' first places would an action put a commune.

Hides the counterfactual. A ranking with changed figures is never made from scratch: on the draws of
``demand``, only the scores of the communes whose cells change are added up again, and only draws in
which one of them overtakes somebody in the first places are looked at. The answer is the same as
that of ranking everybody again (a test holds them together), and since both worlds share their
draws, their difference has little noise (``docs/decisions/0015``).

First places are a zero-sum game inside the scope: who enters pushes somebody out. Every lift names
who loses, so that nobody reads a sum of lifts as a gain of the département.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_matcher.counterfactual import ACTIONS, Changes, changes_of
from geo_matcher.criteria import CRITERIA, ValueFunction
from geo_matcher.demand import (
    DEFAULT_DRAWS,
    DEFAULT_PROFILES,
    FIRST_PLACES,
    NewcomerDraws,
    demand_problems,
    draws_of_newcomers,
)
from geo_matcher.errors import GeoMatcherError, PlanError
from geo_matcher.matching import NAMES
from geo_matcher.newcomers import DEFAULT_SEED, population
from geo_matcher.profile import Profile
from geo_matcher.territory import SCOPES, Territory

__all__ = ["MOST_LOSERS", "Gain", "Lift", "Lifts", "Loss", "lifts"]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]

MOST_LOSERS = 5
"""How many of those who lose are named."""

SLOTS = FIRST_PLACES[-1]


# --- Results -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Loss:
    """A commune that is pushed out, and by how many newcomers fewer it is then seen."""

    insee_code: str
    name: str
    newcomers: float


@dataclass(frozen=True, slots=True)
class Gain:
    """What an action changes in the first places, in expected newcomers of the population.

    Attributes
    ----------
    places
        How many first places count.
    before
        Newcomers in whose first places the commune stands today.
    gained
        How many more there would be.
    draws_error
        Standard error of ``gained`` that more draws would remove.
    population_error
        Standard error of ``gained`` over other populations of the same size; it holds the other.
    around
        What other communes gain together: those around a place that opens.
    lost
        What others lose together. ``gained + around - lost`` is 0, unless some newcomers' limits
        left fewer communes than places and the action added one to their list.
    losers
        Those who lose most, ``MOST_LOSERS`` at most.
    """

    places: int
    before: float
    gained: float
    draws_error: float
    population_error: float
    around: float
    lost: float
    losers: tuple[Loss, ...]


@dataclass(frozen=True, slots=True)
class Lift:
    """What one action taken in one commune would bring it."""

    insee_code: str
    name: str
    epci: str
    action: str
    gains: tuple[Gain, ...]

    def gain(self, places: int) -> Gain:
        """Return the gain for one of ``FIRST_PLACES``."""
        return next(gain for gain in self.gains if gain.places == places)

    def as_dict(self) -> dict[str, Any]:
        """Return the lift in plain types."""
        return {
            "insee_code": self.insee_code,
            "name": self.name,
            "epci": self.epci,
            "action": self.action,
            **{
                f"top_{gain.places}": {k: v for k, v in asdict(gain).items() if k != "places"}
                | {"losers": [asdict(loss) for loss in gain.losers]}
                for gain in self.gains
            },
        }


@dataclass(frozen=True, eq=False)
class Lifts:
    """Lifts of some actions in some communes.

    Attributes
    ----------
    release, scope, profiles, draws, seed
        What was asked; ``profiles`` is the size of the assumed population.
    lifts
        Action by action, in the order asked; the largest gain of the first five places first, then
        by code.
    """

    release: str
    scope: str
    profiles: int
    draws: int
    seed: int
    lifts: tuple[Lift, ...]

    def of(self, action: str) -> tuple[Lift, ...]:
        """Return the lifts of one action, the largest first."""
        return tuple(lift for lift in self.lifts if lift.action == action)

    def as_dict(self, top: int | None = None) -> dict[str, Any]:
        """Return the lifts in plain types.

        Parameters
        ----------
        top
            How many of each action at most; all by default.
        """
        actions = dict.fromkeys(lift.action for lift in self.lifts)
        return {
            "release": self.release,
            "scope": self.scope,
            "population": "assumed",
            "profiles": self.profiles,
            "draws": self.draws,
            "seed": self.seed,
            "status": "estimated",
            "actions": [
                {"action": name, "label_fr": ACTIONS[name].label_fr,
                 "label_en": ACTIONS[name].label_en, "criteria": list(ACTIONS[name].criteria)}
                for name in actions
            ],
            "lifts": [lift.as_dict() for name in actions for lift in self.of(name)[:top]],
        }  # fmt: skip


# --- Counting ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Moves:
    """Who enters (+1) and who leaves (-1) the first places, in which draw, the action taken where.

    A draw and a site make a world. Worlds in which nobody moves, by far the most, have no entry.
    """

    draw: IntArray
    site: IntArray
    commune: IntArray
    sign: FloatArray


class _Tally:
    """What one action does, wherever it is taken, added up over the newcomers."""

    def __init__(self, changes: Changes, n: int) -> None:
        self.changes, self.n = changes, n
        self.entries = np.bincount(changes.row, minlength=n)
        self.start = np.cumsum(self.entries) - self.entries
        self.tables: dict[tuple[ValueFunction, ...], Float32Array] = {}
        self.change = {places: np.zeros((n, n)) for places in FIRST_PLACES}
        self.within, self.squares = ({p: np.zeros(n) for p in FIRST_PLACES} for _ in range(2))

    def add(self, drawn: NewcomerDraws) -> None:
        """Count what the action changes for one newcomer."""
        used = [k for k in self.changes.columns if drawn.profile.weights[k] > 0]
        names = {outcome.criterion for outcome in drawn.limits}
        if not used and names.isdisjoint(self.changes.action.criteria):
            return
        draws = len(drawn.score)
        for places, moves in self._moves(drawn, used).items():
            total = self.change[places].reshape(-1)
            np.add.at(total, moves.site * self.n + moves.commune, moves.sign / draws)
            own = moves.site == moves.commune
            mean = np.bincount(moves.site[own], moves.sign[own], self.n) / draws
            square = np.bincount(moves.site[own], minlength=self.n) / draws
            self.within[places] += (square - mean**2) / (draws - 1)
            self.squares[places] += mean**2

    def _moves(self, drawn: NewcomerDraws, used: list[int]) -> dict[int, _Moves]:
        """Put the new scores among the old first places and see who is in and who is out."""
        draw, entry, score = self._new_scores(drawn, used)
        site, row = self.changes.site[entry], self.changes.row[entry]
        world = draw * self.n + site
        slot = _slots(drawn)[draw, row]
        overtakes = np.zeros(len(drawn.score) * self.n, dtype=np.bool_)
        for places in FIRST_PLACES:
            is_below = (slot < 0) | (slot >= places)
            overtakes[world[is_below & (score > drawn.cut(places)[draw])]] = True
        kept = np.flatnonzero(overtakes[world])
        kept = kept[np.argsort(world[kept], kind="stable")]
        draw, site, row, slot, world = (part[kept] for part in (draw, site, row, slot, world))
        score = score[kept]
        _, first, group = np.unique(world, return_index=True, return_inverse=True)
        # One slot for each of the first places, then one for each that comes from further down.
        is_new = slot < 0
        arrived = np.cumsum(is_new)
        slot[is_new] = (SLOTS - 1 + arrived - (arrived - is_new)[first][group])[is_new]
        shape = (len(first), int(slot.max(initial=SLOTS - 1)) + 1)
        scores, communes = np.full(shape, -np.inf), np.zeros(shape, dtype=np.intp)
        width = drawn.first.shape[1]
        scores[:, :width] = drawn.first_score[draw[first]]
        communes[:, :width] = drawn.first[draw[first]]
        was_listed = np.isfinite(scores)
        scores[group, slot], communes[group, slot] = score, row
        is_listed = np.isfinite(scores)
        slots = np.broadcast_to(np.arange(shape[1]), shape)
        rank = np.empty(shape, dtype=np.intp)
        np.put_along_axis(rank, np.argsort(-scores, axis=1, kind="stable"), slots, axis=1)
        found = {}
        for places in FIRST_PLACES:
            is_in = is_listed & (rank < places)
            moved, where = np.nonzero(is_in != (was_listed & (slots < places)))
            sign = np.where(is_in[moved, where], 1.0, -1.0)
            found[places] = _Moves(draw[first][moved], site[first][moved],
                                   communes[moved, where], sign)  # fmt: skip
        return found

    def _new_scores(
        self, drawn: NewcomerDraws, used: list[int]
    ) -> tuple[IntArray, IntArray, FloatArray]:
        """Return the scores that change and are enough for the first places.

        Draws, entries of the changes, and scores. Who would not be there with the best value of all
        is not looked at further.
        """
        at = np.searchsorted(drawn.used, np.array(used, dtype=np.intp))
        weights, values, levels = (
            drawn.weights[:, at],
            drawn.values[:, :, at],
            drawn.levels[:, :, at],
        )
        cut = drawn.cut(SLOTS)
        allowed = self._allowed(drawn)
        may_rise = np.bincount(self.changes.row[allowed], minlength=self.n) > 0
        best = drawn.score + np.einsum("dk,dnk->dn", weights, 1.0 - values)
        draw, row = np.nonzero((best > cut[:, np.newaxis]) & may_rise)
        count = self.entries[row]
        of = np.repeat(np.arange(len(row)), count)
        entry = self.start[row][of] + np.arange(len(of)) - (np.cumsum(count) - count)[of]
        of, entry = of[allowed[entry]], entry[allowed[entry]]
        before = drawn.score[draw, row][of]
        table = self._table(drawn.profile, used)
        score = before.copy()
        for k in range(len(used)):
            new = table[entry, k, levels[draw, row, k][of]]
            score += weights[draw, k][of] * (new - values[draw, row, k][of])
        changed = (score > before) | ~drawn.is_listed[row][of]
        kept = changed & (score > cut[draw][of])
        return draw[of][kept], entry[kept], score[kept]

    def _allowed(self, drawn: NewcomerDraws) -> BoolArray:
        """Tell which changed communes the newcomer's limits leave on the list.

        Figures only get better: nobody who is listed is left out.
        """
        row = self.changes.row
        found = drawn.in_scope[row]
        for outcome in drawn.limits:
            k = NAMES.index(outcome.criterion)
            if k not in self.changes.columns:
                found = found & ~outcome.misses[row]
                continue
            place = self.changes.columns.index(k)
            if outcome.is_maximum:
                found = found & (self.changes.raw_low[:, place] <= outcome.limit)
            else:
                found = found & (self.changes.raw[:, place] >= outcome.limit)
        return np.asarray(found | drawn.is_listed[row])

    def _table(self, profile: Profile, used: list[int]) -> Float32Array:
        """Return the values of the new figures: entries × used columns × equally probable ones."""
        functions = tuple(
            profile.value_functions.get(NAMES[k], CRITERIA[NAMES[k]].value_function) for k in used
        )
        if functions not in self.tables:
            figures = (self.changes.quantiles[:, self.changes.columns.index(k)] for k in used)
            values = [f(own) for f, own in zip(functions, figures, strict=True)]
            shape = (len(self.changes), 0, self.changes.quantiles.shape[2])
            table = np.stack(values, axis=1) if values else np.zeros(shape)
            self.tables[functions] = table.astype(np.float32)
        return self.tables[functions]


def _slots(drawn: NewcomerDraws) -> IntArray:
    """Return the place of each commune among the first, from 0; -1 where it is not there."""
    found = np.full(drawn.score.shape, -1, dtype=np.intp)
    places = np.arange(drawn.first.shape[1])
    slots = np.where(np.isfinite(drawn.first_score), places, -1)
    np.put_along_axis(found, drawn.first, slots, axis=1)
    return found


# --- Asking ------------------------------------------------------------------------------------


def lifts(
    territory: Territory,
    scope: str = "all",
    *,
    actions: Sequence[str] = tuple(ACTIONS),
    communes: Sequence[str] | None = None,
    profiles: int = DEFAULT_PROFILES,
    draws: int = DEFAULT_DRAWS,
    seed: int = DEFAULT_SEED,
) -> Lifts:
    """Measure what actions would bring the communes in which they are taken.

    Every action is measured alone, taken in one commune, all else as it is.

    Parameters
    ----------
    territory
        The release.
    scope
        Among which communes newcomers choose; only these are measured.
    actions
        Names of ``ACTIONS``; all by default.
    communes
        Where: INSEE codes or names; the whole scope by default.
    profiles
        Size of the assumed population.
    draws
        Draws of each newcomer.
    seed
        Draws the population and everything else: same numbers whatever else is measured with it.

    Raises
    ------
    PlanError
        If an argument is out of range, or an action or a commune unknown; all problems are listed.
    """
    problems = demand_problems(scope, profiles, draws, seed)
    problems += [
        f"action is {name[:40]!r}, expected one of {', '.join(ACTIONS)}"
        for name in actions
        if name not in ACTIONS
    ]
    codes: list[str] = []
    for asked in communes or ():
        try:
            codes.append(territory.find(asked))
        except GeoMatcherError as error:
            problems.append(str(error).rstrip("."))
    if scope in SCOPES:
        listed = territory.in_scope(scope)
        problems += [
            f"{territory.facts[row]['name']} ({code}) is not in the scope {scope}; try --scope all"
            for code in codes
            if not listed[row := territory.codes.index(code)]
        ]
    if problems:
        raise PlanError("The lift cannot be measured: " + "; ".join(problems), problems)
    sites = [territory.codes.index(code) for code in codes] or np.flatnonzero(listed).tolist()
    sites = sorted(set(sites))
    n = len(territory.codes)
    tallies = [_Tally(changes_of(territory, name).at(sites), n) for name in dict.fromkeys(actions)]
    newcomers = population(profiles, seed)
    before = {places: np.zeros(n) for places in FIRST_PLACES}
    for drawn in draws_of_newcomers(territory, newcomers, scope, draws=draws, seed=seed):
        for places, seen in before.items():
            seen += drawn.odds(places)
        for tally in tallies:
            tally.add(drawn)
    found = [
        lift for tally in tallies for lift in _ordered(territory, tally, sites, before, profiles)
    ]
    return Lifts(territory.release_id, scope, profiles, draws, seed, tuple(found))


def _ordered(
    territory: Territory,
    tally: _Tally,
    sites: Sequence[int],
    before: Mapping[int, FloatArray],
    profiles: int,
) -> list[Lift]:
    """Return the lifts of an action, the largest gain of the first of ``FIRST_PLACES`` first."""
    most = tally.change[FIRST_PLACES[0]]
    ordered = sorted(sites, key=lambda site: (-round(most[site, site].item(), 9), site))
    return [
        Lift(
            insee_code=territory.codes[site],
            name=territory.facts[site]["name"],
            epci=territory.facts[site]["epci"],
            action=tally.changes.action.name,
            gains=tuple(
                _gain(territory, tally, site, places, before[places][site].item(), profiles)
                for places in FIRST_PLACES
            ),
        )
        for site in ordered
    ]


def _gain(
    territory: Territory, tally: _Tally, site: int, places: int, before: float, profiles: int
) -> Gain:
    change = tally.change[places][site]
    own = change[site].item()
    others = change.copy()
    others[site] = 0.0
    least = np.argsort(others, kind="stable")[:MOST_LOSERS].tolist()
    noise = math.sqrt(tally.within[places][site])
    spread = max(0.0, tally.squares[places][site] - own**2 / profiles)
    return Gain(
        places=places,
        before=before,
        gained=own,
        draws_error=noise,
        population_error=max(noise, math.sqrt(spread * profiles / (profiles - 1))),
        around=others[others > 0].sum().item(),
        lost=-others[others < 0].sum().item(),
        losers=tuple(
            Loss(territory.codes[row], territory.facts[row]["name"], -others[row].item())
            for row in least
            if others[row] < 0
        ),
    )
