from __future__ import annotations

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from icalendar import Calendar

from geo_matcher.errors import DriveError, UnknownCommuneError
from geo_matcher.journeys import Journeys
from geo_matcher.matching import Ranking, rank
from geo_matcher.presets import PRESETS
from geo_matcher.robustness import draw_scores, odds
from geo_matcher.territory import Territory
from geo_matcher.visit_calendar import visit_calendar
from geo_matcher.visits import (
    AMONG,
    MAX_VILLAGES,
    Timetable,
    choose,
    expected_best,
    plan_visits,
    schedule,
)

AUCH, TOULOUSE, MAUVEZIN, NOGARO, LOMBEZ = "32013", "31555", "32249", "32296", "32213"
DAY = dt.date(2027, 3, 11)


@pytest.fixture(scope="module")
def ranking(territory: Territory) -> Ranking:
    return rank(territory, PRESETS["paris-web-family"].profile, "partners")


# --- Which ------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_the_choice_is_within_its_guarantee_of_the_best_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0, 100, (60, 9)) * (rng.random((60, 9)) < 0.6)
    found = choose(scores, 3)
    best = max(expected_best(scores, some) for some in itertools.combinations(range(9), 3))
    assert found.expected[-1] == pytest.approx(expected_best(scores, found.chosen))
    assert (1 - 1 / np.e) * best <= found.expected[-1] <= best + 1e-9
    assert best <= found.bound + 1e-9
    assert found.guarantee <= found.expected[-1] / best + 1e-9
    assert list(found.expected) == sorted(found.expected)


def test_two_that_are_good_in_the_same_cases_are_not_both_chosen() -> None:
    scores = np.array([[90.0, 89, 10], [90, 89, 10], [10, 10, 80], [10, 10, 80]])
    assert choose(scores, 2).chosen == (0, 2)
    assert choose(scores, 2, chosen=[1]).chosen == (1, 2)
    assert choose(scores, 9).chosen[:2] == (0, 2)
    everything = choose(scores, 3)
    assert everything.guarantee == pytest.approx(1.0)
    assert choose(np.zeros((2, 2)), 1).guarantee == 1.0


def test_drawn_scores_rank_as_the_odds_do(ranking: Ranking) -> None:
    scores = draw_scores(ranking, draws=400, seed=3)
    assert scores.shape == (400, len(ranking.order))
    assert scores.min() >= 0
    assert scores.max() <= 100
    found = odds(ranking, draws=400, seed=3)
    first = scores.argmax(axis=1)
    shares = np.bincount(first, minlength=scores.shape[1]) / 400
    assert shares == pytest.approx(found.p_top(1), abs=0.02)


# --- When -------------------------------------------------------------------------------------


def hours(time: dt.time) -> float:
    return time.hour * 60 + time.minute


@pytest.mark.parametrize("start", [AUCH, TOULOUSE])
@pytest.mark.parametrize("count", [1, 3, 5])
def test_a_visit_can_be_kept(ranking: Ranking, start: str, count: int) -> None:
    plan = plan_visits(ranking, start, count)
    journeys = Journeys.of(ranking.territory)
    assert len({stop.insee_code for stop in plan.stops}) == count
    table = Timetable()
    total = 0.0
    for day, stops in itertools.groupby(plan.stops, key=lambda stop: stop.day):
        here, free = start, hours(table.morning)
        for stop in stops:
            drive = journeys.between(here, stop.insee_code)
            assert stop.drive_min == pytest.approx(drive.minutes)
            assert hours(stop.arrival) >= free + stop.drive_min - 1e-6
            assert hours(stop.departure) - hours(stop.arrival) == table.visit_min
            is_morning = stop.half == "morning"
            assert is_morning == (hours(stop.departure) <= hours(table.lunch))
            assert is_morning or hours(stop.arrival) >= hours(table.afternoon)
            here, free = stop.insee_code, hours(stop.departure)
            total += stop.drive_min
        home, arrival = plan.back[day - 1]
        assert home == pytest.approx(journeys.between(here, start).minutes)
        assert free + home <= hours(arrival) <= hours(table.evening)
        total += home
    assert plan.drive_min == pytest.approx(total)
    assert plan.guarantee is not None
    assert plan.guarantee > 1 - 1 / np.e
    assert plan.as_dict()["days"] == len(plan.back)


def test_no_other_order_is_shorter_in_as_few_days(territory: Territory) -> None:
    codes = [MAUVEZIN, LOMBEZ, "32132"]
    plan = schedule(territory, codes, AUCH)
    assert len(plan.back) == 1
    minutes = Journeys.of(territory).matrix([AUCH, *codes], [AUCH, *codes])[0].minutes
    ways = []
    for order in itertools.permutations((1, 2, 3)):
        legs = [0, *order, 0]
        ways.append(sum(minutes[a, b] for a, b in itertools.pairwise(legs)))
    assert plan.drive_min == pytest.approx(min(ways))
    assert {stop.insee_code for stop in plan.stops} == set(codes)


def test_what_is_wanted_is_seen_and_the_start_may_be_a_village(ranking: Ranking) -> None:
    fifth = ranking.matrix.codes[int(ranking.order[30])]
    plan = plan_visits(ranking, MAUVEZIN, 3, wanted=[fifth])
    assert fifth in {stop.insee_code for stop in plan.stops}
    codes = [ranking.matrix.codes[row] for row in ranking.order[:AMONG]]
    assert {stop.insee_code for stop in plan.stops} <= {*codes, fifth}


@pytest.mark.parametrize(
    ("codes", "start", "told"),
    [
        ([], AUCH, "0 villages"),
        ([MAUVEZIN, MAUVEZIN], AUCH, "1 of them different"),
        (["32001", "32002", "32003", "32004", "32005", "32007"], AUCH, f"1 to {MAX_VILLAGES}"),
    ],
)
def test_an_odd_visit_is_refused(
    territory: Territory, codes: list[str], start: str, told: str
) -> None:
    with pytest.raises(DriveError, match=told):
        schedule(territory, codes, start)


def test_what_cannot_be_kept_is_refused(territory: Territory, ranking: Ranking) -> None:
    short = Timetable(evening=dt.time(16, 0), visit_min=120)
    with pytest.raises(DriveError, match="nearer start, a longer day"):
        schedule(territory, [NOGARO], TOULOUSE, short)
    with pytest.raises(UnknownCommuneError):
        schedule(territory, ["Atlantis"], AUCH)
    with pytest.raises(DriveError, match="This timetable cannot be kept"):
        Timetable(morning=dt.time(20, 0))
    with pytest.raises(DriveError, match="15 to 240 minutes"):
        Timetable(visit_min=5)
    with pytest.raises(DriveError, match="32014 is not listed"):
        plan_visits(ranking, AUCH, 3, wanted=["32014"])
    with pytest.raises(DriveError, match="9 villages are asked for"):
        plan_visits(ranking, AUCH, 9)


# --- The calendar -----------------------------------------------------------------------------


def test_the_calendar_holds_the_visit(territory: Territory, ranking: Ranking) -> None:
    plan = plan_visits(ranking, AUCH, 5)
    content = visit_calendar(territory, plan, DAY, notes=lambda stop: f"À voir à {stop.name}")
    assert content == visit_calendar(
        territory, plan, DAY, notes=lambda stop: f"À voir à {stop.name}"
    )
    calendar = Calendar.from_ical(content)
    events = calendar.walk("VEVENT")
    assert len(events) == 5
    zone = ZoneInfo("Europe/Paris")
    for event, stop in zip(events, plan.stops, strict=True):
        begins = dt.datetime.combine(DAY + dt.timedelta(days=stop.day - 1), stop.arrival, zone)
        assert event.decoded("dtstart") == begins
        assert str(event["summary"]) == f"Visite : {stop.name}"
        phone = territory.communes["town_hall_phone"].to_dict()[stop.insee_code]
        assert phone in str(event["description"])
        assert f"À voir à {stop.name}" in str(event["description"])
    assert len({str(event["uid"]) for event in events}) == 5
    assert calendar.walk("VTIMEZONE")
    english = Calendar.from_ical(visit_calendar(territory, plan, DAY, language="en"))
    assert str(english.walk("VEVENT")[0]["summary"]).startswith("Visit: ")


def test_a_hostile_note_stays_a_text(territory: Territory) -> None:
    plan = schedule(territory, [MAUVEZIN], AUCH)
    evil = "x\r\nEND:VEVENT\r\nBEGIN:VALARM; , \\n"
    calendar = Calendar.from_ical(visit_calendar(territory, plan, DAY, notes=lambda _: evil))
    assert len(calendar.walk("VEVENT")) == 1
    assert not calendar.walk("VALARM")
    assert "END:VEVENT" in str(calendar.walk("VEVENT")[0]["description"])
