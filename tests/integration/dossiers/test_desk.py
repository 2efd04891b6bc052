"""A family from enquiry to follow-up, and two advisers on the same file."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Callable
from typing import Any

import pytest

from geo_matcher.dossiers.accounts import PUBLIC_FORM, SYSTEM, Account, Role, add_user, disable_user
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.desk import edit_file, move_file, open_file, record_follow_up
from geo_matcher.dossiers.entries import (
    add_note,
    add_task,
    finish_task,
    give_consent,
    plan_visit,
    update_visit,
    withdraw_consent,
)
from geo_matcher.dossiers.reading import day, list_files, read_file, reads_of
from geo_matcher.dossiers.stages import Stage, Step
from geo_matcher.errors import AccessError, DossierError, StaleEditError, UnknownDossierError
from tests.integration.dossiers.people import (
    SECRETS,
    StillClock,
    brought_to,
    consent,
    opened,
    person,
)


def test_a_family_goes_from_enquiry_to_its_last_follow_up(
    db: Database, adviser: Account, clock: StillClock
) -> None:
    asked = open_file(db, person(), by=PUBLIC_FORM, consents=[consent(db.today())])
    assert asked.stage is Stage.ENQUIRY
    file = edit_file(db, asked.key, asked.version, {"adviser": "c.martin"}, by=adviser)
    clock.pass_days(3)
    file = add_note(db, file.key, "Appelée : disponible le soir.", by=adviser)
    file = brought_to(db, file, Stage.VISIT, adviser)
    file = plan_visit(db, file.key, dt.date(2026, 3, 20), ["32249", "32147"], by=adviser)
    clock.pass_days(30)
    file = update_visit(db, file.key, file.visits[0].id, impression="Sous le charme", by=adviser)
    file = move_file(db, file.key, file.version, Step(Stage.DECISION), by=adviser)
    clock.pass_days(60)
    settled_on = db.today()
    step = Step(Stage.SETTLED, commune="32249", on=settled_on, persons=4)
    file = move_file(db, file.key, file.version, step, by=adviser)
    assert [(f.months, f.answered_on) for f in file.follow_ups] == [
        (6, None),
        (12, None),
        (24, None),
    ]
    clock.pass_days(190)
    file = record_follow_up(db, file.key, 6, is_still_there=True, hard="Le réseau.", by=adviser)
    clock.pass_days(180)
    file = record_follow_up(db, file.key, 12, is_still_there=False, left_on=db.today(), by=adviser)
    assert file.settled is not None
    assert (file.settled.on, file.settled.left_on) == (settled_on, db.today())
    assert file.next_stages == ()
    path = [e.after for e in file.events if e.field == "stage"]
    assert path == ["enquiry", "qualified", "matched", "visit", "decision", "settled"]
    assert {e.actor for e in file.events} == {"public-form", "c.martin"}
    assert all(one.at <= two.at for one, two in zip(file.events, file.events[1:], strict=False))


def test_every_change_says_who_when_from_what_to_what(
    db: Database, adviser: Account, clock: StillClock
) -> None:
    file = opened(db, adviser, town="Lille")
    clock.pass_days(1)
    file = edit_file(db, file.key, 1, {"town": "Paris", "sector": "it", "name": SECRETS["name"]},
                     by=adviser)  # fmt: skip
    changes = [
        (e.field, e.before, e.after, e.actor, e.at) for e in file.events if e.kind == "edited"
    ]
    assert changes == [
        ("town", "Lille", "Paris", "c.martin", db.now()),
        ("sector", "other", "it", "c.martin", db.now()),
    ]
    assert file.version == 2
    again = edit_file(db, file.key, 2, {"town": "Paris"}, by=adviser)
    assert (again.version, len(again.events)) == (2, len(file.events))


def test_a_refused_change_changes_nothing(db: Database, adviser: Account) -> None:
    file = opened(db, adviser)
    with pytest.raises(DossierError) as refusal:
        edit_file(db, file.key, 1, {"email": SECRETS["name"], "town": "Auch"}, by=adviser)
    assert SECRETS["name"] not in str(refusal.value)
    with pytest.raises(DossierError, match="cannot go to decision"):
        move_file(db, file.key, 1, Step(Stage.DECISION), by=adviser)
    found = read_file(db, file.key, by=adviser)
    assert (found.draft, found.version, found.events) == (file.draft, 1, file.events)


def test_a_closed_file_opens_again_and_a_settled_one_can_be_corrected(
    db: Database, adviser: Account
) -> None:
    file = brought_to(db, opened(db, adviser), Stage.VISIT, adviser)
    closing = Step(Stage.CLOSED, reason="no_home")
    file = move_file(db, file.key, file.version, closing, by=adviser)
    assert (file.closed_from, file.closed_reason) == (Stage.VISIT, "no_home")
    file = move_file(db, file.key, file.version, Step(Stage.VISIT), by=adviser)
    assert (file.closed_from, file.closed_reason) == (None, None)
    file = move_file(db, file.key, file.version, Step(Stage.DECISION), by=adviser)
    settling = Step(Stage.SETTLED, commune="32249", on=db.today(), persons=2)
    file = move_file(db, file.key, file.version, settling, by=adviser)
    file = move_file(db, file.key, file.version, Step(Stage.DECISION), by=adviser)
    assert (file.settled, file.follow_ups) == (None, ())
    persons = [(e.before, e.after) for e in file.events if e.field == "persons"]
    assert persons == [(None, 2), (2, None)]


def test_an_impossible_follow_up_is_refused(db: Database, adviser: Account) -> None:
    file = brought_to(db, opened(db, adviser), Stage.SETTLED, adviser)
    today, before, later = db.today(), dt.date(2026, 1, 1), dt.date(2027, 1, 1)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"months": 7, "is_still_there": True}, "expected one of 6, 12, 24"),
        ({"months": 6, "is_still_there": False}, "left_on: expected the day they left"),
        ({"months": 6, "is_still_there": True, "left_on": today}, "left_on: expected"),
        ({"months": 6, "is_still_there": False, "left_on": before}, "between settling and the"),
        ({"months": 6, "is_still_there": True, "answered_on": later}, "answered_on: expected"),
    ]
    for details, match in cases:
        with pytest.raises(DossierError, match=match):
            record_follow_up(db, file.key, by=adviser, **details)


def test_a_follow_up_is_answered_once(db: Database, adviser: Account) -> None:
    file = brought_to(db, opened(db, adviser), Stage.SETTLED, adviser)
    left = db.today()
    record_follow_up(db, file.key, 6, is_still_there=False, left_on=left, by=adviser)
    with pytest.raises(DossierError, match="answered before"):
        record_follow_up(db, file.key, 6, is_still_there=True, by=adviser)
    with pytest.raises(DossierError, match="says that they left"):
        record_follow_up(db, file.key, 12, is_still_there=True, by=adviser)


def test_tasks_are_done_once_and_belong_to_their_file(db: Database, adviser: Account) -> None:
    file = add_task(db, opened(db, adviser).key, "Rappeler", db.today(), by=adviser)
    other = opened(db, adviser, email="")
    task = file.tasks[0].id
    with pytest.raises(UnknownDossierError, match="has no task"):
        finish_task(db, other.key, task, by=adviser)
    done = finish_task(db, file.key, task, by=adviser)
    assert done.tasks[0].done_at == db.now()
    assert finish_task(db, file.key, task, by=adviser).events == done.events


def test_a_visit_goes_to_some_different_communes(db: Database, adviser: Account) -> None:
    file = opened(db, adviser)
    for communes in ([], ["32249", "32249"], ["Mauvezin"], ["32249"] * 11):
        with pytest.raises(DossierError, match="different INSEE codes"):
            plan_visit(db, file.key, db.today(), communes, by=adviser)


def test_what_was_said_of_a_visit_is_never_lost(db: Database, adviser: Account) -> None:
    file = plan_visit(db, opened(db, adviser).key, db.today(), ["32249"], by=adviser)
    number = file.visits[0].id
    update_visit(db, file.key, number, impression="Sous le charme", by=adviser)
    file = update_visit(db, file.key, number, is_cancelled=True, by=adviser)
    assert (file.visits[0].impression, file.visits[0].is_cancelled) == ("Sous le charme", True)
    file = update_visit(db, file.key, number, impression="Sous le charme, mais loin", by=adviser)
    assert (file.visits[0].is_cancelled, file.notes) == (True, ())
    file = update_visit(db, file.key, number, impression="Trop loin", by=adviser)
    assert file.visits[0].impression == "Trop loin"
    assert [note.text for note in file.notes] == ["2026-03-02 – Sous le charme, mais loin"]
    file = update_visit(db, file.key, number, impression="", by=adviser)
    assert [note.text for note in file.notes][1:] == ["2026-03-02 – Trop loin"]


def test_consent_decides_how_long_data_is_kept(
    db: Database, adviser: Account, clock: StillClock
) -> None:
    file = open_file(db, person(), by=adviser, consents=[consent(db.today(), years=1)])
    assert file.keep_until == dt.date(2027, 3, 2)
    file = give_consent(db, file.key, consent(db.today(), years=5), by=adviser)
    assert file.keep_until == dt.date(2029, 3, 2)
    file = move_file(db, file.key, 1, Step(Stage.CLOSED, reason="no_answer"), by=adviser)
    assert file.keep_until == dt.date(2028, 3, 2)
    clock.pass_days(10)
    file = withdraw_consent(db, file.key, "accompany", by=adviser)
    assert file.keep_until == db.today()
    assert not any(kept.holds(db.today() + dt.timedelta(days=1)) for kept in file.consents
                   if kept.withdrawn_on is None)  # fmt: skip
    with pytest.raises(DossierError, match="no consent"):
        withdraw_consent(db, file.key, "news", by=adviser)
    with pytest.raises(DossierError, match="consent: expected"):
        give_consent(db, file.key, consent(dt.date(2027, 1, 1)), by=adviser)


def test_the_public_form_opens_a_file_with_consent_and_does_nothing_else(db: Database) -> None:
    with pytest.raises(DossierError, match="needs the consent"):
        open_file(db, person(), by=PUBLIC_FORM)
    file = open_file(db, person(), by=PUBLIC_FORM, consents=[consent(db.today())])
    actions: list[Callable[[], object]] = [
        lambda: read_file(db, file.key, by=PUBLIC_FORM),
        lambda: list_files(db, by=PUBLIC_FORM),
        lambda: day(db, by=PUBLIC_FORM),
        lambda: edit_file(db, file.key, 1, {}, by=PUBLIC_FORM),
        lambda: add_note(db, file.key, "x", by=PUBLIC_FORM),
        lambda: reads_of(db, file.key, by=PUBLIC_FORM),
    ]
    for act in actions:
        with pytest.raises(AccessError, match="needs the right"):
            act()


def test_an_elected_member_sees_where_files_stand_and_never_whose_they_are(
    db: Database, adviser: Account
) -> None:
    elected = add_user(db, "elue", name="Une élue", role=Role.ELECTED, by=SYSTEM)
    file = add_note(db, opened(db, adviser).key, "Secret", by=adviser)
    (card,) = list_files(db, by=elected).cards
    assert (card.key, card.name, card.town) == (file.key, "", "")
    seen = read_file(db, file.key, by=elected)
    assert (seen.draft, seen.notes, seen.events, seen.consents) == (None, (), (), ())
    with pytest.raises(AccessError):
        list_files(db, text="Zéphyrine", by=elected)
    assert reads_of(db, file.key, by=adviser) == ()


def test_each_reading_of_a_person_is_written_down(db: Database, adviser: Account) -> None:
    file = opened(db, adviser)
    read_file(db, file.key, by=adviser)
    assert reads_of(db, file.key, by=adviser) == ((db.now(), "c.martin", "file"),)


def test_files_are_found_by_stage_adviser_name_and_address(db: Database, adviser: Account) -> None:
    mine = opened(db, adviser, name="Émile Noulens", email="e@x.test", adviser="c.martin")
    other = opened(db, adviser, name="100%_Sûre", email="s@x.test")
    moved = brought_to(db, other, Stage.QUALIFIED, adviser)

    def keys(**wanted: object) -> set[str]:
        return {c.key for c in list_files(db, by=adviser, **wanted).cards}  # type: ignore[arg-type]

    assert keys() == {mine.key, moved.key}
    assert keys(stages=[Stage.QUALIFIED]) == {moved.key}
    assert keys(adviser="c.martin") == {mine.key}
    assert keys(adviser="") == {moved.key}
    assert keys(text="noulens emi") == {mine.key}
    assert keys(text="S+gers@X.test") == {moved.key}
    assert keys(text="%") == {mine.key, moved.key}
    assert keys(top=1) == {moved.key}
    counts = list_files(db, by=adviser, stages=[Stage.QUALIFIED])
    assert (counts.total, counts.by_stage[Stage.ENQUIRY]) == (1, 1)
    with pytest.raises(DossierError, match="top and skip"):
        list_files(db, by=adviser, top=0)


def test_a_day_shows_what_waits(db: Database, adviser: Account, clock: StillClock) -> None:
    fresh = opened(db, adviser, name="Nouvelle")
    busy = opened(db, adviser, name="Occupée", adviser="c.martin")
    add_task(db, busy.key, "Rappeler", db.today(), by=adviser)
    add_task(db, busy.key, "Plus tard", db.today() + dt.timedelta(days=9), by=adviser)
    plan_visit(db, busy.key, db.today() + dt.timedelta(days=3), ["32249"], by=adviser)
    settled = brought_to(db, busy, Stage.SETTLED, adviser)
    clock.pass_days(1)
    found = day(db, by=adviser, adviser="c.martin")
    assert [card.key for card in found.enquiries] == [fresh.key]
    assert [task.text for task in found.tasks] == ["Rappeler"]
    assert [visit.key for visit in found.visits] == [settled.key]
    assert found.follow_ups == ()
    clock.pass_days(180)
    assert [(f.key, f.months) for f in day(db, by=adviser).follow_ups] == [(settled.key, 6)]
    assert day(db, by=adviser, adviser="somebody").tasks == ()
    assert found.names == {fresh.key: "Nouvelle", busy.key: "Occupée"}


def test_a_file_needs_an_adviser_whose_account_is_open(db: Database, adviser: Account) -> None:
    add_user(db, "plan", name="P", role=Role.PLANNER, by=SYSTEM)
    file = opened(db, adviser)
    for login in ("nobody", "plan"):
        with pytest.raises(DossierError, match="adviser: expected the login"):
            edit_file(db, file.key, 1, {"adviser": login}, by=adviser)
    disable_user(db, "c.martin", by=SYSTEM)
    with pytest.raises(DossierError, match="adviser: expected the login"):
        opened(db, SYSTEM, adviser="c.martin")


def test_an_unknown_key_is_said(db: Database, adviser: Account) -> None:
    with pytest.raises(UnknownDossierError, match="No file has the key 'nothing'"):
        read_file(db, "nothing", by=adviser)


# --- Two advisers on one file ------------------------------------------------------------------


def test_the_second_editor_is_shown_the_difference_and_nothing_is_lost(
    db: Database, adviser: Account
) -> None:
    file = opened(db, adviser, town="Lille", phone="")
    edit_file(db, file.key, 1, {"town": "Paris", "sector": "it"}, by=adviser)
    edit_file(db, file.key, 2, {"town": "Lyon"}, by=adviser)
    with pytest.raises(StaleEditError) as refusal:
        edit_file(db, file.key, 1, {"town": "Nice", "phone": "05 62 00 00 00"}, by=adviser)
    assert dict(refusal.value.differences) == {
        "phone": ("", "05 62 00 00 00", ""),
        "town": ("Lille", "Nice", "Lyon"),
        "sector": ("other", "other", "it"),
    }
    assert refusal.value.version == 3
    for said in ("Nice", "Lyon", "05 62"):
        assert said not in str(refusal.value)
    merged = edit_file(db, file.key, 3, {"town": "Nice", "phone": "05 62 00 00 00"}, by=adviser)
    assert merged.draft is not None
    assert (merged.draft.town, merged.draft.sector) == ("Nice", "it")


def test_a_move_on_an_old_version_is_refused_too(db: Database, adviser: Account) -> None:
    file = opened(db, adviser)
    move_file(db, file.key, 1, Step(Stage.QUALIFIED), by=adviser)
    with pytest.raises(StaleEditError) as refusal:
        move_file(db, file.key, 1, Step(Stage.CLOSED, reason="no_answer"), by=adviser)
    assert refusal.value.differences["stage"] == ("enquiry", "closed", "qualified")


def test_of_many_editors_at_once_one_wins_each_round_and_all_changes_are_events(
    url: str, clock: StillClock
) -> None:
    """Eight threads with a connection each; each tries again until its change is in."""
    with Database(url, clock=clock) as db:
        file = opened(db, SYSTEM)
        refused: list[int] = []
        failures: list[BaseException] = []

        def edit(number: int) -> None:
            seen = 1
            try:
                with Database(url, clock=clock) as mine:
                    while True:
                        try:
                            edit_file(mine, file.key, seen, {"town": f"T{number}"}, by=SYSTEM)
                        except StaleEditError as stale:
                            refused.append(number)
                            seen = stale.version
                        else:
                            return
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=edit, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        found = read_file(db, file.key, by=SYSTEM)
        edits = [e for e in found.events if e.kind == "edited"]
        assert {e.after for e in edits} == {f"T{number}" for number in range(8)}
        assert [e.version for e in edits] == list(range(2, 10))
        assert all(one.after == two.before for one, two in itertools.pairwise(edits))
        assert len(refused) >= 7
