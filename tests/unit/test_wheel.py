from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from geo_matcher.errors import DriveError, UnknownCommuneError
from geo_matcher.presets import PRESETS
from geo_matcher.profile import parse_profile
from geo_matcher.territory import Territory
from geo_matcher.wheel import Habits, errands_minutes, hours_at_the_wheel, week_of

FAMILY = PRESETS["paris-web-family"].profile


def test_who_works_at_home_drives_for_errands_alone(territory: Territory) -> None:
    week = week_of(territory, "Mauvezin", parse_profile({}))
    (drive,) = week.drives
    stored = errands_minutes(territory)[territory.codes.index("32249")]
    assert (drive.purpose, drive.times_a_week) == ("errands", 4.0)
    assert week.hours == pytest.approx(stored / 60)
    assert week.share == pytest.approx((week.hours or 0) / 168)
    assert week.status == "estimated"


def test_a_family_drives_to_school_and_to_the_desk(territory: Territory) -> None:
    """Two children at one school are one drive, two times a day on four days."""
    week = week_of(territory, "32249", FAMILY)
    drives = {drive.purpose: drive for drive in week.drives}
    assert set(drives) == {"errands", "coworking", "school"}
    assert drives["school"].times_a_week == 8
    assert drives["coworking"].times_a_week == 2
    minutes = territory.minutes.loc["32249"]
    assert drives["coworking"].minutes_each == pytest.approx(2 * minutes["coworking"])
    total = sum(drive.minutes_week or 0 for drive in week.drives)
    assert week.hours == pytest.approx(total / 60)
    assert [d.minutes_week for d in week.drives] == sorted(
        (d.minutes_week or 0 for d in week.drives), reverse=True
    )


@pytest.mark.parametrize(
    ("fields", "purposes"),
    [
        ({"work_mode": "client_visits"}, {"errands", "station"}),
        ({"work_mode": "client_visits", "client_city": "toulouse"}, {"errands", "client"}),
        ({"children_ages": [12, 16]}, {"errands"}),
        ({"children_ages": [1, 2]}, {"errands"}),
        ({"children_ages": [3]}, {"errands", "school"}),
    ],
)
def test_a_week_follows_the_profile(
    territory: Territory, fields: dict[str, object], purposes: set[str]
) -> None:
    week = week_of(territory, "32013", parse_profile(fields))
    assert {drive.purpose for drive in week.drives} == purposes


def test_teenagers_take_the_bus_unless_told(territory: Territory) -> None:
    profile = parse_profile({"children_ages": [12, 13, 16]})
    week = week_of(territory, "32249", profile, Habits(teenagers_share=0.5))
    drives = {drive.purpose: drive for drive in week.drives}
    assert drives["college"].times_a_week == drives["lycee"].times_a_week == 4.0


def test_all_communes_at_once_are_the_weeks_one_by_one(territory: Territory) -> None:
    hours, low = hours_at_the_wheel(territory, FAMILY)
    assert (low <= hours).all()
    for row in range(0, 458, 37):
        week = week_of(territory, territory.codes[row], FAMILY)
        assert week.hours == pytest.approx(hours[row])
        assert week.low_hours == pytest.approx(low[row])
        if low[row] < hours[row]:
            assert week.status == "upper_bound"
    more, _ = hours_at_the_wheel(territory, FAMILY, Habits(coworking_days=4))
    extra = 2 * 2 * territory.minutes["coworking"].to_numpy() / 60
    assert more - hours == pytest.approx(extra)


def test_where_a_nearer_shop_may_exist_the_least_is_less(territory: Territory) -> None:
    table = territory.tables["access_measures"]
    bounds = table["insee_code"][table["errands_status"] == "upper_bound"].tolist()
    assert len(bounds) == 25
    weeks = [week_of(territory, code, parse_profile({})) for code in bounds]
    for week in weeks:
        assert week.status == "upper_bound"
        assert week.hours is not None
        assert week.low_hours is not None
        assert 0 < week.low_hours <= week.hours
    assert sum((week.low_hours or 0) < (week.hours or 0) for week in weeks) > 20


def test_a_week_that_needs_what_no_road_leads_to_has_no_hours(territory: Territory) -> None:
    table = territory.tables["access_measures"].copy()
    table.loc[table["insee_code"] == "32013", "errands_week_min"] = np.nan
    cut_off = dataclasses.replace(territory, tables={**territory.tables, "access_measures": table})
    week = week_of(cut_off, "32013", FAMILY)
    assert (week.hours, week.low_hours, week.share, week.status) == (
        None,
        None,
        None,
        "unreachable",
    )
    plain = week.as_dict()
    assert plain["hours"] is None
    assert plain["drives"][0]["minutes_week"] is None
    assert np.isnan(errands_minutes(cut_off)[territory.codes.index("32013")])


def test_plain_types(territory: Territory) -> None:
    plain = week_of(territory, "32013", FAMILY).as_dict()
    assert plain["habits"]["coworking_days"] == 2.0
    assert plain["share"] == round(plain["share"], 4)
    assert {drive["purpose"] for drive in plain["drives"]} == {"errands", "coworking", "school"}


def test_a_week_that_nobody_lives_is_refused(territory: Territory) -> None:
    with pytest.raises(DriveError, match=r"coworking_days is 8.*teenagers_share is -1"):
        Habits(coworking_days=8, teenagers_share=-1)
    with pytest.raises(DriveError, match="school_days is nan"):
        Habits(school_days=float("nan"))
    with pytest.raises(UnknownCommuneError):
        week_of(territory, "Atlantis", FAMILY)
