"""The demonstration, and the year's figures before and after people are made anonymous."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import func, select

from geo_matcher.dossiers import demonstration
from geo_matcher.dossiers.accounts import SYSTEM, Account, Role, add_user, list_users
from geo_matcher.dossiers.database import DATABASE_SETTING, Database
from geo_matcher.dossiers.demonstration import make_demonstration
from geo_matcher.dossiers.desk import move_file, open_file, record_follow_up
from geo_matcher.dossiers.entries import plan_visit
from geo_matcher.dossiers.privacy import overdue, purge
from geo_matcher.dossiers.reading import day, list_files
from geo_matcher.dossiers.records import DossierRow
from geo_matcher.dossiers.sign_in import sign_in
from geo_matcher.dossiers.stages import Stage, Step
from geo_matcher.dossiers.year_report import MIN_SHARED, year_report
from geo_matcher.errors import AccessError, DossierError, SignInError, StoreError
from geo_matcher.territory import Territory
from tests.integration.dossiers.people import StillClock, brought_to, opened, person


@pytest.mark.parametrize(
    "url", ["sqlite"], indirect=True
)  # some seconds; below, a small one on both
def test_a_demonstration_has_the_scale_of_the_article(
    db: Database, territory: Territory, clock: StillClock
) -> None:
    made = make_demonstration(db, territory)
    assert db.is_demonstration
    assert overdue(db) == ()
    assert made.anonymous > 100
    report = year_report(db, 2025, by=SYSTEM, territory=territory)
    assert (report.enquiries, report.qualified) == (215, 81)
    assert (report.settled_since, report.persons_since, report.first_year) == (199, 489, 2008)
    assert 0 < report.survival.left < 12
    assert report.survival.points[-1].share > 0.9
    assert [step.reached for step in report.funnel] == sorted(
        (step.reached for step in report.funnel), reverse=True
    )
    assert sum(group.persons or 0 for group in report.groups["sector"]) == report.persons
    assert sum(place.persons for place in report.epcis) == report.persons
    shared = report.shared_since
    assert all(count.settled >= MIN_SHARED for count in shared)
    assert sum(count.persons for count in shared) == 489
    today = day(db, by=SYSTEM)
    assert today.enquiries
    assert today.tasks
    assert list_files(db, by=SYSTEM).by_stage[Stage.SETTLED] == 199
    with db.reading() as session:
        for email, phone in session.execute(select(DossierRow.email, DossierRow.phone)):
            assert not email or email.endswith(".invalid")
            assert not phone or phone.startswith("06 39 98 ")
    for account in list_users(db, by=SYSTEM):
        with pytest.raises(SignInError):
            sign_in(db, account.login, account.login, address="")
    clock.pass_days(800)
    before = year_report(db, 2025, by=SYSTEM, territory=territory)
    assert len(purge(db)) > 150
    assert year_report(db, 2025, by=SYSTEM, territory=territory) == before


def test_the_same_seed_gives_the_same_demonstration_and_it_is_replaced_on_request(
    db: Database, territory: Territory, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"SETTLED": 20, "PERSONS": 45, "ENQUIRIES": 15, "QUALIFIED": 7, "SETTLED_OF_YEAR": 2,
             "LEFT": 2, "FRESH": 1}  # fmt: skip
    for name, value in small.items():
        monkeypatch.setattr(demonstration, name, value)
    reports = []
    for again in (False, True):
        make_demonstration(db, territory, again=again)
        reports.append(year_report(db, 2025, by=SYSTEM, territory=territory))
    assert reports[0] == reports[1]
    assert (reports[0].enquiries, reports[0].persons_since) == (15, 45)
    with pytest.raises(StoreError, match="Replace it with --again"):
        make_demonstration(db, territory)


def test_a_demonstration_never_touches_real_files(
    db: Database, adviser: Account, territory: Territory
) -> None:
    file = opened(db, adviser)
    for again in (False, True):
        with pytest.raises(StoreError, match="is for real files"):
            make_demonstration(db, territory, again=again)
    assert not db.is_demonstration
    assert [card.key for card in list_files(db, by=adviser).cards] == [file.key]


def test_the_database_in_use_is_refused_even_when_it_is_empty(
    tmp_path: Path, territory: Territory, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "dossiers.sqlite3"
    monkeypatch.setenv(DATABASE_SETTING, f"sqlite:///{path}")
    with Database() as db, pytest.raises(StoreError, match="is for real files"):
        make_demonstration(db, territory)
    assert not path.exists()


def test_figures_are_those_of_the_year_and_survive_the_person(
    db: Database, adviser: Account, clock: StillClock, territory: Territory
) -> None:
    clock.at = dt.datetime(2024, 5, 1, 10, tzinfo=dt.UTC)
    old = brought_to(db, opened(db, adviser, sector="arts"), Stage.SETTLED, adviser, persons=2)
    clock.at = dt.datetime(2025, 2, 3, 10, tzinfo=dt.UTC)
    record_follow_up(db, old.key, 6, is_still_there=False, left_on=db.today(), by=adviser)
    stays = opened(db, adviser, sector="it")
    closes = opened(db, adviser, sector="it", source="fair")
    open_file(db, person(sector="arts"), by=adviser)
    clock.pass_days(10)
    closes = brought_to(db, closes, Stage.QUALIFIED, adviser)
    move_file(db, closes.key, closes.version, Step(Stage.CLOSED, reason="elsewhere"), by=adviser)
    clock.pass_days(10)
    stays = brought_to(db, stays, Stage.VISIT, adviser)
    plan_visit(db, stays.key, db.today(), ["32249"], by=adviser)
    plan_visit(db, stays.key, db.today() + dt.timedelta(days=400), ["32249"], by=adviser)
    clock.pass_days(30)
    stays = move_file(db, stays.key, stays.version, Step(Stage.DECISION), by=adviser)
    settling = Step(Stage.SETTLED, commune="32147", on=db.today(), persons=5)
    move_file(db, stays.key, stays.version, settling, by=adviser)
    report = year_report(db, 2025, by=adviser, territory=territory)
    assert (report.enquiries, report.qualified, report.closed, report.visits) == (3, 2, 1, 1)
    assert (report.settled, report.persons) == (1, 5)
    assert (report.settled_since, report.persons_since, report.first_year) == (2, 7, 2024)
    groups = {group.word: dataclasses.astuple(group)[1:] for group in report.groups["sector"]}
    assert groups == {"it": (2, 2, 1, 5, ""), "arts": (1, 0, 0, 0, "")}
    assert [(step.reached, step.median_days) for step in report.funnel] == [
        (3, None), (2, 15.0), (1, 20.0), (1, 20.0), (1, 50.0), (1, 50.0),
    ]  # fmt: skip
    assert [(place.name, place.persons) for place in report.communes] == [("Gimont", 5)]
    assert (report.survival.families, report.survival.left) == (2, 1)
    assert report.shared_since == ()
    assert report.as_dict()["enquiries"] == 3
    clock.pass_days(365 * 4)
    before = [year_report(db, year, by=adviser, territory=territory) for year in (2024, 2025)]
    assert len(purge(db)) == 4
    after = [year_report(db, year, by=adviser, territory=territory) for year in (2024, 2025)]
    assert after == before


def test_who_is_still_there_is_told_as_it_was_known_at_the_end_of_the_year(
    db: Database, adviser: Account, clock: StillClock
) -> None:
    clock.at = dt.datetime(2023, 3, 1, 10, tzinfo=dt.UTC)
    old = brought_to(db, opened(db, adviser), Stage.SETTLED, adviser)
    clock.at = dt.datetime(2023, 9, 1, 10, tzinfo=dt.UTC)
    record_follow_up(db, old.key, 6, is_still_there=True, by=adviser)
    clock.at = dt.datetime(2024, 3, 1, 10, tzinfo=dt.UTC)
    record_follow_up(db, old.key, 12, is_still_there=False, left_on=db.today(), by=adviser)
    brought_to(db, opened(db, adviser), Stage.SETTLED, adviser)
    then, now = (year_report(db, year, by=adviser).survival for year in (2023, 2024))
    assert (then.families, then.left, then.points[-1].months) == (1, 0, 6)
    assert (now.families, now.left) == (2, 1)


def test_figures_are_for_whoever_may_see_them(db: Database) -> None:
    planner = add_user(db, "plan", name="P", role=Role.PLANNER, by=SYSTEM)
    assert year_report(db, 2026, by=planner).funnel[0].share is None
    with pytest.raises(AccessError):
        list_files(db, by=planner)
    with pytest.raises(DossierError, match="year: found 2027"):
        year_report(db, 2027, by=planner)
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(DossierRow)) == 0
