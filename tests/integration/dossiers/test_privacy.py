"""What is past its end goes, what was erased stays erased, and no message or log shows a person."""

from __future__ import annotations

import datetime as dt
import json
import logging
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

from geo_matcher.dossiers.accounts import ROLE_RIGHTS, SYSTEM, Account, Role, add_user
from geo_matcher.dossiers.backups import ERASED_DAYS, Restored, backup, list_backups, restore
from geo_matcher.dossiers.database import Database, known_versions
from geo_matcher.dossiers.desk import edit_file, move_file, open_file, record_follow_up
from geo_matcher.dossiers.entries import (
    add_note,
    add_task,
    plan_visit,
    update_visit,
    withdraw_consent,
)
from geo_matcher.dossiers.fields import draft_of
from geo_matcher.dossiers.privacy import (
    ends_of,
    erase_person,
    export_person,
    overdue,
    purge,
)
from geo_matcher.dossiers.reading import list_files, read_file
from geo_matcher.dossiers.records import Base, MarkRow
from geo_matcher.dossiers.stages import Stage, Step
from geo_matcher.errors import AccessError, DossierError, GeoMatcherError, StoreError
from tests.integration.dossiers.people import (
    SECRETS,
    StillClock,
    brought_to,
    opened,
)

FREE_TEXTS = ("Note très personnelle", "Rappeler sa mère", "Trop humide", "Dur pour Zéphyrine")


def whole_content(db: Database) -> str:
    """Return every cell of every table as one text."""
    with db.reading() as session:
        return "\n".join(
            json.dumps([list(row) for row in session.execute(select(table))], default=str,
                       ensure_ascii=False)
            for table in Base.metadata.sorted_tables
        )  # fmt: skip


def full_file(db: Database, by: Account) -> str:
    file = opened(db, by, origin_commune="44109", origin_city="other", villages=["32249"])
    add_note(db, file.key, FREE_TEXTS[0], by=by)
    add_task(db, file.key, FREE_TEXTS[1], db.today(), by=by)
    file = plan_visit(db, file.key, db.today() + dt.timedelta(9), ["32107"], by=by)
    update_visit(db, file.key, file.visits[0].id, impression=FREE_TEXTS[2], by=by)
    file = edit_file(db, file.key, file.version, {"town": "Une autre ville"}, by=by)
    brought_to(db, file, Stage.SETTLED, by)
    record_follow_up(
        db, file.key, 6, is_still_there=False, left_on=db.today(), hard=FREE_TEXTS[3], by=by
    )
    return file.key


DAYS = ("2026-03-11", "2026-09-02", "2027-03-02", "2028-03-02")
"""The day of the visit, and those of the follow-ups, which tell the day of settling."""


def assert_nothing_is_left(content: str) -> None:
    for secret in (*DAYS, "32107", *SECRETS.values(), *FREE_TEXTS, "Zéphyrine", "44109",
                   "Une autre ville", "quatrebarbes", "paris-web-family", "acceptes",
                   "accompagnée"):  # fmt: skip
        assert secret.casefold() not in content.casefold(), secret


def test_what_is_past_its_end_goes_from_every_table_and_still_counts(
    db: Database, adviser: Account, clock: StillClock
) -> None:
    key = full_file(db, adviser)
    assert SECRETS["name"] in whole_content(db)
    before = read_file(db, key, by=adviser)
    assert before.settled is not None
    assert before.keep_until is not None
    assert overdue(db) == purge(db) == ()
    clock.at = dt.datetime.combine(before.keep_until, dt.time(1), dt.UTC)
    fresh = open_file(db, draft_of({"name": "Une autre personne"}), by=adviser)
    assert overdue(db) == purge(db) == (key,)
    assert read_file(db, fresh.key, by=adviser).draft == fresh.draft
    content = whole_content(db)
    assert_nothing_is_left(content)
    after = read_file(db, key, by=adviser)
    assert after.draft is None
    assert after.is_anonymous
    assert after.settled is not None
    assert (after.settled.commune, after.settled.persons) == ("32249", 4)
    assert after.settled.on == before.settled.on.replace(day=1)
    days = [day for one in after.follow_ups for day in (one.due_on, one.answered_on) if day]
    assert after.keep_until is not None
    days += [after.visits[0].on, after.keep_until]
    assert {day.day for day in days} == {1}
    assert all(e.is_erased and e.after is None for e in after.events if e.kind == "visit")
    assert [(e.at, e.actor, e.kind, e.field) for e in after.events[:-1]] == [
        (e.at, e.actor, e.kind, e.field) for e in before.events
    ]
    assert [e.after for e in after.events if e.field == "stage"] == [
        e.after for e in before.events if e.field == "stage"
    ]
    with pytest.raises(DossierError, match="made anonymous"):
        add_note(db, key, "x", by=adviser)
    assert purge(db) == ()


def test_what_older_versions_left_of_anonymous_files_goes(
    empty_url: str, clock: StillClock
) -> None:
    visit = json.dumps({"id": 1, "on": "2026-03-11", "communes": ["32107"]})
    with Database.open(empty_url, clock=clock) as db:
        keys = [opened(db, SYSTEM).key for _ in range(2)]
        brought_to(db, plan_visit(db, keys[0], dt.date(2026, 3, 11), ["32107"], by=SYSTEM),
                   Stage.SETTLED, SYSTEM)  # fmt: skip
        db.migrate("0003")
        with db.writing() as session:
            session.execute(
                text(
                    "INSERT INTO events (dossier_id, version, at, actor, kind, field, after,"
                    " is_personal) SELECT id, 1, opened_at, 'x', 'visit', 'visit', :visit, :no"
                    " FROM dossiers"
                ),
                {"visit": visit, "no": False},
            )
            session.execute(
                text("UPDATE dossiers SET anonymised_at = opened_at WHERE key = :key"),
                {"key": keys[0]},
            )
        db.migrate()
        gone, kept = (read_file(db, key, by=SYSTEM) for key in keys)
        assert [e.after for e in gone.events if e.kind == "visit"] == [None, None]
        assert [e.after for e in kept.events if e.kind == "visit"] == [json.loads(visit)]
        assert {one.due_on.day for one in gone.follow_ups} == {gone.visits[0].on.day} == {1}
        erase_person(db, keys[1], by=SYSTEM)
        for day in DAYS:
            assert day not in whole_content(db)
        with pytest.raises(StoreError), db.writing() as session:  # the guard is back
            session.execute(text("UPDATE events SET actor = 'y'"))


def test_sqlite_keeps_nothing_of_an_erased_person_in_its_files(
    tmp_path: Path, clock: StillClock
) -> None:
    path = tmp_path / "dossiers.sqlite3"
    with Database.open(f"sqlite:///{path}", clock=clock) as db:
        key = full_file(db, SYSTEM)
        erase_person(db, key, by=SYSTEM)
        for file in tmp_path.iterdir():
            found = file.read_bytes()
            for secret in (*SECRETS.values(), *FREE_TEXTS):
                assert secret.encode() not in found, (file.name, secret)
                assert json.dumps(secret)[1:-1].encode() not in found, (file.name, secret)


def test_each_field_says_why_and_until_when_it_is_kept(db: Database, adviser: Account) -> None:
    file = opened(db, adviser)
    ends = {end.field: end.ends_on for end in ends_of(db, file.key, by=adviser)}
    with pytest.raises(AccessError):
        ends_of(db, file.key, by=replace(adviser, rights=ROLE_RIGHTS[Role.ELECTED]))
    assert ends["email"] == file.keep_until
    assert ends["sector"] is None


def test_a_person_gets_everything_that_is_kept_of_them(db: Database, adviser: Account) -> None:
    key = full_file(db, adviser)
    found = export_person(db, key, by=adviser).decode()
    for secret in (*SECRETS.values(), *FREE_TEXTS):
        assert secret in found or secret == SECRETS["town"], secret
    content = json.loads(found)
    assert content["read_by"][-1]["what"] == "person export"
    assert SECRETS["town"] in {event["before"] for event in content["history"]
                               if isinstance(event["before"], str)}  # fmt: skip
    elected = add_user(db, "elue", name="E", role=Role.ELECTED, by=SYSTEM)
    for act in (export_person, erase_person):
        with pytest.raises(AccessError):
            act(db, key, by=elected)


def test_an_erased_person_is_gone_once(db: Database, adviser: Account) -> None:
    key = full_file(db, adviser)
    erase_person(db, key, by=adviser)
    with pytest.raises(DossierError, match="anonymous already"):
        erase_person(db, key, by=adviser)
    assert SECRETS["name"] not in whole_content(db)


# --- Backups -----------------------------------------------------------------------------------


@pytest.fixture
def _has_programs(url: str) -> None:
    if url.startswith("postgresql") and not (
        shutil.which("pg_dump") and shutil.which("pg_restore")
    ):
        pytest.skip("pg_dump and pg_restore were not found: install postgresql-client.")


@pytest.mark.usefixtures("_has_programs")
def test_a_backup_brings_everything_back_but_who_was_erased_since(
    db: Database, adviser: Account, clock: StillClock, tmp_path: Path
) -> None:
    gone, kept = full_file(db, adviser), opened(db, adviser, name="Reste")
    before = list_files(db, by=adviser)
    path = backup(db, tmp_path / "backups")
    assert path.stat().st_mode & 0o077 == 0
    clock.pass_days(1)
    erase_person(db, gone, by=adviser)
    edit_file(db, kept.key, kept.version, {"town": "Perdue"}, by=adviser)
    found = restore(db, path)
    assert (found.erased_again, found.purged) == (1, 0)
    again = read_file(db, kept.key, by=adviser)
    assert again.draft == kept.draft
    assert SECRETS["message"] in whole_content(db)
    assert read_file(db, gone, by=adviser).is_anonymous
    assert FREE_TEXTS[0] not in whole_content(db)
    assert list_files(db, by=adviser).by_stage == before.by_stage
    restore(db, path)
    assert FREE_TEXTS[0] not in whole_content(db)


def test_backups_rotate_and_none_outlives_an_erasure_by_a_month(
    tmp_path: Path, clock: StillClock
) -> None:
    folder = tmp_path / "backups"
    with Database.open(f"sqlite:///{tmp_path}/d.sqlite3", clock=clock) as db:
        file = opened(db, SYSTEM)
        made = []
        for _ in range(4):
            made.append(backup(db, folder, keep=3))
            clock.pass_days(1)
        assert list_backups(folder) == tuple(reversed(made[1:]))
        twice = [backup(db, folder, keep=3) for _ in range(2)]
        assert twice[0] != twice[1]
        erase_person(db, file.key, by=SYSTEM)
        clock.pass_days(1)
        after = backup(db, folder, keep=3)
        assert list_backups(folder) == (after, twice[1], twice[0]), "an erasure loses no backup"
        clock.pass_days(ERASED_DAYS - 2)
        backup(db, folder, keep=9)
        assert twice[0] in list_backups(folder)
        clock.pass_days(1)
        last = backup(db, folder, keep=9)
        assert not {*twice} & {*list_backups(folder)}, "but none holds the person any longer"
        assert after in list_backups(folder)
        for path in list_backups(folder)[1:]:
            path.unlink()
        assert {path.name for path in folder.iterdir()} == {last.name, "erased.json"}
        assert SECRETS["name"].encode() not in last.read_bytes()


def test_who_was_past_their_end_or_withdrew_leaves_the_backups_too(
    tmp_path: Path, clock: StillClock
) -> None:
    folder = tmp_path / "backups"
    with Database.open(f"sqlite:///{tmp_path}/d.sqlite3", clock=clock) as db:
        file = opened(db, SYSTEM)
        old = backup(db, folder)
        aside = shutil.copyfile(old, tmp_path / old.name)
        clock.pass_days(1)
        withdraw_consent(db, file.key, "accompany", by=SYSTEM)
        assert purge(db) == (file.key,)
        clock.pass_days(ERASED_DAYS)
        last = backup(db, folder)
        assert list_backups(folder) == (last,)
        shutil.copyfile(aside, old)
        assert restore(db, old) == Restored(old, 1, 0)  # that backup knows of no withdrawal
        assert SECRETS["name"] not in whole_content(db)


def test_a_restore_of_an_older_backup_into_an_empty_place_still_erases(
    tmp_path: Path, clock: StillClock
) -> None:
    folder = tmp_path / "backups"
    with Database.open(f"sqlite:///{tmp_path}/d.sqlite3", clock=clock) as db:
        file = opened(db, SYSTEM)
        old = backup(db, folder)
        aside = shutil.copyfile(old, tmp_path / old.name)
        erase_person(db, file.key, by=SYSTEM)
        clock.pass_days(1)
        backup(db, folder)
    shutil.copyfile(aside, old)
    with Database(f"sqlite:///{tmp_path}/elsewhere/d.sqlite3", clock=clock) as db:
        assert restore(db, old).erased_again == 1
        assert SECRETS["name"] not in whole_content(db)


def test_what_is_no_backup_is_refused_and_the_database_stays(
    db: Database, adviser: Account, tmp_path: Path
) -> None:
    file = opened(db, adviser)
    bad = tmp_path / "bad"
    bad.write_bytes(b"not a database" * 100)
    for path in (bad, tmp_path / "nothing"):
        with pytest.raises(StoreError):
            restore(db, path)
    assert read_file(db, file.key, by=adviser).draft == file.draft
    (tmp_path / "erased.json").write_text("[]", encoding="utf-8")
    with pytest.raises(StoreError, match="it says who was erased"):
        restore(db, bad)


def _sqlite_backup(path: Path, version: str, *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as copy, copy:
        copy.execute("CREATE TABLE alembic_version (version_num TEXT)")
        copy.execute("INSERT INTO alembic_version VALUES (?)", (version,))
        for statement in statements:
            copy.execute(statement)
    return path


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_file_of_another_version_or_without_tables_leaves_the_database(
    db: Database, adviser: Account, tmp_path: Path
) -> None:
    file = opened(db, adviser)
    before = whole_content(db)
    newer = _sqlite_backup(tmp_path / "newer", "ffff")
    with pytest.raises(StoreError, match=r"'ffff', which this program does not know"):
        restore(db, newer)
    bare = _sqlite_backup(tmp_path / "bare", "0003", "CREATE TABLE marks (name, value)")
    with pytest.raises(StoreError, match="no backup of such a database"):
        restore(db, bare)
    torn = _sqlite_backup(
        tmp_path / "torn", "0002", "CREATE TABLE marks (name, value)",
        "CREATE TABLE dossiers (id)", "CREATE TABLE events (id)",
    )  # fmt: skip
    with pytest.raises(StoreError, match="failed"):  # only found while it is tried
        restore(db, torn)
    assert whole_content(db) == before
    assert read_file(db, file.key, by=adviser).draft == file.draft
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".restore-")]


@pytest.mark.usefixtures("_has_programs")
def test_a_dump_of_another_version_or_a_demonstration_leaves_real_files(
    db: Database, adviser: Account, tmp_path: Path
) -> None:
    file = opened(db, adviser)
    with db.writing() as session:
        session.get_one(MarkRow, "kind").value = "demonstration"
    invented = backup(db, tmp_path / "demonstration")
    restore(db, invented)  # over a demonstration
    with db.writing() as session:
        session.get_one(MarkRow, "kind").value = "files"
        session.execute(text("UPDATE alembic_version SET version_num = 'ffff'"))
    newer = backup(db, tmp_path / "newer")
    with db.writing() as session:
        session.execute(
            text("UPDATE alembic_version SET version_num = :own"), {"own": known_versions()[0]}
        )
    with pytest.raises(StoreError, match="is of a demonstration"):
        restore(db, invented)
    with pytest.raises(StoreError, match="does not know"):
        restore(db, newer)
    assert db.version() == known_versions()[0]
    assert not db.is_demonstration
    assert read_file(db, file.key, by=adviser).draft == file.draft


def _backup_of_old(db: Database, folder: Path) -> Path:
    with pytest.raises(StoreError):  # the file is whole before it asks who was erased
        backup(db, folder)
    return list_backups(folder)[0]


@pytest.mark.usefixtures("_has_programs")
def test_a_backup_of_an_older_version_is_brought_to_this_one(
    empty_url: str, clock: StillClock, tmp_path: Path
) -> None:
    with Database(empty_url, clock=clock) as db:
        db.migrate("0002")
        old = _backup_of_old(db, tmp_path / "backups")
        db.migrate()
        assert restore(db, old) == Restored(old, 0, 0)
        assert db.version() == known_versions()[0]


def test_without_the_programs_of_postgresql_a_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    db = Database("postgresql://me:hunter2@db/gers")
    with pytest.raises(StoreError, match="pg_dump was not found") as refusal:
        backup(db, tmp_path)
    assert "hunter2" not in str(refusal.value)
    with pytest.raises(StoreError, match="1 or more"):
        backup(db, tmp_path, keep=0)
    with pytest.raises(AccessError):
        backup(db, tmp_path, by=Account(1, "x", "x", Role.ADVISER, frozenset()))


# --- Logs and messages -------------------------------------------------------------------------


def test_no_log_and_no_message_shows_a_person(
    db: Database, adviser: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file = opened(db, adviser)
    secret = SECRETS["name"]
    attempts: list[Callable[[], object]] = [
        lambda: edit_file(db, file.key, 9, {"town": secret}, by=adviser),
        lambda: edit_file(db, file.key, 1, {"email": secret}, by=adviser),
        lambda: edit_file(db, file.key, 1, {"adviser": secret}, by=adviser),
        lambda: edit_file(
            db, file.key, 1, {"members": [{"profile": {"name": secret * 9}}]}, by=adviser
        ),
        lambda: move_file(db, file.key, 1, Step(Stage.CLOSED, reason=secret), by=adviser),
        lambda: add_note(db, file.key, secret * 2000, by=adviser),
        lambda: plan_visit(db, file.key, db.today(), [secret], by=adviser),
        lambda: open_file(db, file.draft, by=adviser, opened_at=dt.datetime(2030, 1, 1)),  # type: ignore[arg-type]
    ]
    for attempt in attempts:
        with pytest.raises(GeoMatcherError) as refusal:
            attempt()
        said = f"{refusal.value} {refusal.value!r} {refusal.value.problems}"
        assert secret not in said
    with pytest.raises(StoreError) as failure, db.writing() as session:
        session.execute(text("INSERT INTO notes (text) VALUES (:text)"), {"text": secret})
    assert secret not in f"{failure.value} {failure.value.__cause__}"
    add_note(db, file.key, secret, by=adviser)
    read = read_file(db, file.key, by=adviser)
    for value in (read, read.draft, read.events, read.notes, list_files(db, by=adviser), db):
        for hidden in SECRETS.values():
            assert hidden not in repr(value)
    for hidden in SECRETS.values():
        assert hidden not in caplog.text


INJECTIONS = (
    "'; DROP TABLE dossiers; --",
    "%' OR 1=1 --",
    "<script>alert(1)</script>",
    "{{7*7}} ${7*7} %s %(x)s {0}",
    "\\x00 \\u0000 \\",
    "[bold]x[/bold]",
    "Robert\u202ef\u200b\U0001f984",
)


@pytest.mark.parametrize("typed", INJECTIONS)
def test_whatever_is_typed_comes_back_as_it_was(db: Database, adviser: Account, typed: str) -> None:
    file = opened(db, adviser, name=typed, town=typed, message=typed,
                  members=[{"label": typed, "profile": {"name": typed}}])  # fmt: skip
    add_note(db, file.key, typed, by=adviser)
    file = add_task(db, file.key, typed, db.today(), by=adviser)
    file = plan_visit(db, file.key, db.today(), ["32249"], by=adviser)
    update_visit(db, file.key, file.visits[0].id, impression=typed, by=adviser)
    found = read_file(db, file.key, by=adviser)
    assert found.draft is not None
    assert (found.draft.name, found.draft.town, found.draft.message) == (typed, typed, typed)
    assert found.draft.members[0].label == found.draft.members[0].profile.name == typed
    assert [found.notes[0].text, found.tasks[0].text, found.visits[0].impression] == [typed] * 3
    assert typed in {event.after for event in found.events if isinstance(event.after, str)}
    for wanted in (typed, "%", "_", "'"):
        list_files(db, by=adviser, text=wanted, adviser=typed)
