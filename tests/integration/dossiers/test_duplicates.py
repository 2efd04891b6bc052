"""Two files of one household are found, and become one without losing an event."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from geo_matcher.dossiers.accounts import SYSTEM, Account
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.desk import edit_file, move_file, record_follow_up
from geo_matcher.dossiers.dossier import Dossier
from geo_matcher.dossiers.duplicates import duplicates_of, find_duplicates, merge_files
from geo_matcher.dossiers.entries import (
    add_note,
    add_task,
    finish_task,
    give_consent,
    withdraw_consent,
)
from geo_matcher.dossiers.privacy import erase_person, export_person
from geo_matcher.dossiers.reading import list_files, read_file
from geo_matcher.dossiers.stages import Stage, Step
from geo_matcher.errors import DossierError, StaleEditError, UnknownDossierError
from tests.integration.dossiers.people import StillClock, brought_to, consent, opened, person


def test_the_same_mailbox_telephone_or_name_and_town_is_found(
    db: Database, adviser: Account
) -> None:
    def file(name: str, town: str = "", email: str = "", phone: str = "") -> str:
        return opened(db, adviser, name=name, town=town, email=email, phone=phone).key

    one = file("Léa Durand-Noulens", "Montpellier", "lea@exemple.test", "+33 6 00 00 00 01")
    slip = file("Noulens Lea Durant", "Montpelier")
    mail = file("Quelqu’un", email="LEA+gers@exemple.test")
    phone = file("Autre", phone="06.00.00.00.01")
    far = file("Léa Durand-Noulens", "Lyon")
    file("Marc Dupont", "Montpellier")
    found = {(a.key, a.other): a.reasons for a in find_duplicates(db, by=adviser)}
    assert found == {(one, slip): ("name",), (one, mail): ("email",), (one, phone): ("phone",)}
    asked = person(
        name="lea durand noulens", town="montpellier", email="lea@exemple.test", phone=""
    )
    reasons = {alike.other: alike.reasons for alike in duplicates_of(db, asked, by=adviser)}
    assert reasons == {one: ("email", "name"), slip: ("name",), mail: ("email",)}
    assert far not in reasons


def test_a_merge_keeps_every_event_note_and_task(
    db: Database, adviser: Account, clock: StillClock
) -> None:
    first = opened(db, adviser, phone="", sector="it", adviser="c.martin")
    add_note(db, first.key, "de la première", by=adviser)
    clock.pass_days(5)
    second = opened(db, adviser, phone="05 62 00 00 00", sector="arts", town="Auch")
    second = add_task(db, second.key, "Rappeler", db.today(), by=adviser)
    second = brought_to(db, second, Stage.QUALIFIED, adviser)
    first = read_file(db, first.key, by=adviser)
    merged = merge_files(db, second.key, second.version, first.key, first.version, by=adviser,
                         take=["sector"])  # fmt: skip
    assert merged.draft is not None
    assert (merged.draft.sector, merged.draft.town, merged.draft.adviser) == (
        "it",
        "Auch",
        "c.martin",
    )
    assert merged.opened_at == first.opened_at
    assert merged.merged_keys == (first.key,)
    assert [note.text for note in merged.notes] == ["de la première"]
    assert len(merged.consents) == 2
    before = {event.id for event in (*first.events, *second.events)}
    assert before < {event.id for event in merged.events}
    assert list_files(db, by=adviser).total == 1
    assert read_file(db, first.key, by=adviser).key == second.key  # old links go on working
    assert finish_task(db, first.key, merged.tasks[0].id, by=adviser).tasks[0].done_at
    assert find_duplicates(db, by=adviser) == ()
    erase_person(db, second.key, by=SYSTEM)
    gone = read_file(db, first.key, by=adviser)
    assert all(e.is_erased for e in gone.events if e.field in {"name", "email", "phone", "town"})


def _settled(db: Database, adviser: Account, **step: Any) -> Dossier:
    return brought_to(db, opened(db, adviser), Stage.SETTLED, adviser, **step)


def test_a_merge_of_two_settled_files_keeps_what_the_family_answered(
    db: Database, adviser: Account, clock: StillClock
) -> None:
    one, other = _settled(db, adviser), _settled(db, adviser)
    clock.pass_days(400)
    one = record_follow_up(db, one.key, 6, is_still_there=True, hard="L’hiver", by=adviser,
                           answered_on=db.today() - dt.timedelta(200))  # fmt: skip
    left = db.today() - dt.timedelta(3)
    other = record_follow_up(
        db, other.key, 12, is_still_there=False, left_on=left, hard="Le bus", by=adviser
    )
    other = edit_file(db, other.key, other.version, {"town": "Autre ville"}, by=adviser)
    merged = merge_files(db, one.key, one.version, other.key, other.version, by=adviser)
    assert [(f.months, f.hard, f.is_still_there) for f in merged.follow_ups] == [
        (6, "L’hiver", True), (12, "Le bus", False), (24, "", None),
    ]  # fmt: skip
    assert merged.settled is not None
    assert merged.settled.left_on == left
    found = json.loads(export_person(db, one.key, by=adviser))
    assert [file["fields"]["town"] for file in found["merged_files"]] == ["Autre ville"]
    assert {"L’hiver", "Le bus"} < {answer["hard"] for answer in found["follow_ups"]}


def test_two_settled_files_that_say_different_things_stay_two(
    db: Database, adviser: Account, clock: StillClock
) -> None:
    one, elsewhere = _settled(db, adviser), _settled(db, adviser, commune="32147")
    twin = _settled(db, adviser)
    clock.pass_days(200)
    with pytest.raises(DossierError, match=r"\(settled_commune\).* back to decision"):
        merge_files(db, one.key, one.version, elsewhere.key, elsewhere.version, by=adviser)
    back = move_file(db, elsewhere.key, elsewhere.version, Step(Stage.DECISION), by=adviser)
    merged = merge_files(db, one.key, one.version, back.key, back.version, by=adviser)
    one, twin = (
        record_follow_up(db, file.key, 6, is_still_there=True, by=adviser)
        for file in (merged, twin)
    )
    with pytest.raises(DossierError, match="follow-up after 6 months"):
        merge_files(db, one.key, one.version, twin.key, twin.version, by=adviser)
    assert not read_file(db, twin.key, by=adviser).merged_keys


def test_a_merge_revives_no_consent_that_was_withdrawn(
    db: Database, adviser: Account, clock: StillClock
) -> None:
    older, file = opened(db, adviser), opened(db, adviser)
    clock.pass_days(10)
    file = withdraw_consent(db, file.key, "accompany", by=adviser)
    withdrawn_on = db.today()
    clock.pass_days(10)
    merged = merge_files(db, older.key, older.version, file.key, file.version, by=adviser)
    assert merged.keep_until == withdrawn_on
    merged = give_consent(db, merged.key, consent(withdrawn_on - dt.timedelta(1)), by=adviser)
    assert merged.keep_until == withdrawn_on
    merged = give_consent(db, merged.key, consent(db.today(), years=1), by=adviser)
    assert merged.keep_until == db.today().replace(year=2027)
    merged = withdraw_consent(db, merged.key, "accompany", by=adviser)
    assert merged.keep_until == db.today()
    merged = give_consent(db, merged.key, consent(db.today(), years=1), by=adviser)
    assert merged.keep_until == db.today().replace(year=2027)  # the same day, but after


def test_a_merge_on_an_old_version_or_the_wrong_way_round_is_refused(
    db: Database, adviser: Account
) -> None:
    one, other = opened(db, adviser), opened(db, adviser)
    far = brought_to(db, other, Stage.QUALIFIED, adviser)
    with pytest.raises(DossierError, match="keep the one that is further along"):
        merge_files(db, one.key, 1, far.key, far.version, by=adviser)
    with pytest.raises(StaleEditError):
        merge_files(db, far.key, far.version - 1, one.key, 1, by=adviser)
    edit_file(db, one.key, 1, {"town": "Auch"}, by=adviser)
    with pytest.raises(StaleEditError):
        merge_files(db, far.key, far.version, one.key, 1, by=adviser)
    with pytest.raises(DossierError, match="into another one"):
        merge_files(db, one.key, 2, one.key, 2, by=adviser)
    with pytest.raises(DossierError, match="take: expected"):
        merge_files(db, far.key, far.version, one.key, 2, by=adviser, take=["id"])
    with pytest.raises(UnknownDossierError):
        merge_files(db, far.key, far.version, "nothing", 2, by=adviser)
    closed = move_file(db, one.key, 2, Step(Stage.CLOSED, reason="other"), by=adviser)
    with pytest.raises(DossierError, match="further along"):
        merge_files(db, closed.key, closed.version, far.key, far.version, by=adviser)
    merged = merge_files(db, far.key, far.version, closed.key, closed.version, by=adviser)
    assert merged.stage is Stage.QUALIFIED
