"""What planners ask for, made once and kept while it may be asked again.

Hides caches and turns. A plan takes a second or two, a frontier and a robust core several: they are
made one at a time, and what was made is handed out without waiting. The numbers are the library's,
with the bounds below on the time that a search may take.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, Literal, TypeVar

from api.dependencies import StaticAnswer
from api.turns import Line
from geo_matcher.errors import ScenarioError
from geo_matcher.kept import Answers, kept
from geo_matcher.lift import Lifts, lifts
from geo_matcher.planning import Plan, Planner, gaps_with_newcomers
from geo_matcher.planning_files import gaps_csv
from geo_matcher.robust_core import RobustCore, robust_core
from geo_matcher.scenario import Scenario, parse_scenario
from geo_matcher.siting import Siting, site_coworking
from geo_matcher.territory import Territory

__all__ = [
    "MAX_AT_ONCE",
    "MAX_FLOORS",
    "MAX_FRONTIER",
    "MAX_ROBUST",
    "core_of",
    "gaps_answer",
    "lifts_of",
    "plan_of",
    "scenario_of",
    "siting_of",
]

MAX_AT_ONCE = 4
"""Plans, lifts and sitings under way or waiting."""

MAX_FLOORS = 10
"""Floors of a scenario over HTTP: the price of each is a search. The command line takes more."""

MAX_FRONTIER, MAX_ROBUST = 20, 50
PLAN_TIME_S, DRAW_TIME_S = 10.0, 3.0
"""Seconds that a plan, and each draw of a robust core, may take; then the best found stands."""

KEPT = 32
"""Answers of each sort that are kept."""

line = Line("plans, lifts or sitings", MAX_AT_ONCE)


T = TypeVar("T")


class _Shelf(Generic[T]):
    """The answers last asked for, by what was asked; each is made in turn, once.

    Not as :func:`geo_matcher.kept.kept` does: whoever waits for an answer is counted in the line.
    """

    def __init__(self) -> None:
        self._answers = Answers(KEPT)

    def get(self, asked: tuple[Hashable, ...], make: Callable[[], T]) -> T:
        """Return an answer, made by ``make`` in turn unless it is here."""
        found = self._find(asked)
        if found is not None:
            return found
        with line.turn():
            return self.get_in_turn(asked, make)  # whoever was before may have made it

    def get_in_turn(self, asked: tuple[Hashable, ...], make: Callable[[], T]) -> T:
        """Return an answer; it is the caller's turn."""
        found = self._find(asked)
        if found is None:
            found = make()
            with self._answers.lock:
                self._answers[asked] = found
        return found

    def _find(self, asked: tuple[Hashable, ...]) -> T | None:
        with self._answers.lock:
            return self._answers.get(asked)


_planners: _Shelf[Planner] = _Shelf()
_plans: _Shelf[Plan] = _Shelf()
_cores: _Shelf[RobustCore] = _Shelf()
_lifts: _Shelf[Lifts] = _Shelf()
_sitings: _Shelf[Siting] = _Shelf()


@kept(maxsize=16)
def gaps_answer(
    territory: Territory, by: Literal["commune", "epci"], f: str, months_late: float
) -> StaticAnswer:
    """Return the gaps as a file that is the same for everybody."""
    answer = gaps_with_newcomers(territory).as_dict(by, months_late=months_late)
    if f == "csv":
        return StaticAnswer.of_bytes(gaps_csv(answer).encode(), "text/csv; charset=utf-8")
    return StaticAnswer.of(answer)


def scenario_of(territory: Territory, data: dict[str, Any], budget: object) -> Scenario:
    """Read a scenario that came over HTTP.

    Parameters
    ----------
    territory
        The release in service.
    data
        What differs from the shipped scenario.
    budget
        Takes the place of its budget.

    Raises
    ------
    ScenarioError
        If anything is wrong, or there is more than the service takes.
    """
    floors = data.get("floor")
    if isinstance(floors, list) and len(floors) > MAX_FLOORS:
        raise ScenarioError(
            f"floor: found {len(floors)} floors, expected {MAX_FLOORS} at most over HTTP; "
            "`geo-matcher plan` takes more."
        )
    try:
        return parse_scenario(data, territory, budget=budget)
    except RecursionError:
        raise ScenarioError(
            "The scenario is nested too deep; see `geo-matcher plan --show-scenario`."
        ) from None


def _planner(territory: Territory, scenario: Scenario) -> Planner:
    """Return the planner of a scenario; called in turn only."""
    return _planners.get_in_turn(
        (territory, scenario.id),
        lambda: Planner(territory, scenario, gaps_with_newcomers(territory)),
    )


def plan_of(territory: Territory, scenario: Scenario, points: int = 0) -> Plan:
    """Return the best plan of a scenario, with so many budgets on its frontier."""
    return _plans.get(
        (territory, scenario.id, points),
        lambda: _planner(territory, scenario).plan(points=points, time_limit_s=PLAN_TIME_S),
    )


def core_of(territory: Territory, scenario: Scenario, samples: int) -> RobustCore:
    """Return the robust core of a scenario over so many draws."""
    return _cores.get(
        (territory, scenario.id, samples),
        lambda: robust_core(_planner(territory, scenario), samples, time_limit_s=DRAW_TIME_S),
    )


def lifts_of(territory: Territory, action: str, scope: str) -> Lifts:
    """Return what an action would bring each commune of a scope, one after the other."""
    return _lifts.get(
        (territory, action, scope), lambda: lifts(territory, scope, actions=(action,))
    )


def siting_of(
    territory: Territory, *, count: int, within_min: float, demand: str, scope: str = "all"
) -> Siting:
    """Return where new coworking spaces would reach most demand."""
    return _sitings.get(
        (territory, count, within_min, demand, scope),
        lambda: site_coworking(
            territory, count=count, within_min=within_min, scope=scope, kind=demand
        ),
    )
