"""The database itself: addresses, versions up and down, what it keeps and what it refuses."""

from __future__ import annotations

import datetime as dt
import logging
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, inspect, select, text

from geo_matcher.dossiers.accounts import SYSTEM, Account
from geo_matcher.dossiers.database import DATABASE_SETTING, Database, database_url
from geo_matcher.dossiers.desk import open_file
from geo_matcher.dossiers.records import Base, DossierRow, EventRow
from geo_matcher.errors import StoreError
from tests.integration.dossiers.people import opened, person


def tables_of(db: Database) -> set[str]:
    with db.reading() as session:
        return set(inspect(session.connection()).get_table_names()) - {"alembic_version"}


def test_a_new_database_has_all_tables_as_the_classes_describe_them(empty_url: str) -> None:
    with Database.open(empty_url) as db:
        assert tables_of(db) == set(Base.metadata.tables)
        with db.reading() as session:
            context = MigrationContext.configure(session.connection())
            assert compare_metadata(context, Base.metadata) == []
        assert not db.is_used
        assert not db.is_demonstration
        assert len(db.mark("pepper")) == 64


def test_versions_go_down_and_up_again_on_filled_tables(empty_url: str) -> None:
    with Database.open(empty_url) as db:
        file = open_file(db, person(), by=SYSTEM)
        pepper = db.mark("pepper")
        for older in ("0002", "0001"):
            db.migrate(older)
            assert db.version() == older
            with db.reading() as session:
                assert session.scalar(select(DossierRow.key)) == file.key
                assert session.scalar(select(func.count()).select_from(EventRow)) == len(
                    file.events
                )
        db.migrate()
        assert tables_of(db) == set(Base.metadata.tables)
        assert db.mark("pepper") == pepper
        db.migrate("base")
        assert tables_of(db) == set()
        assert db.version() is None
        db.migrate()
        assert not db.is_used


def test_a_database_of_a_newer_version_is_refused(empty_url: str) -> None:
    with Database.open(empty_url) as db:
        with db.writing() as session:
            session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(StoreError, match=r"version 9999.*Use a newer"):
            Database.open(empty_url)


def test_two_programs_may_open_a_new_database_at_once(empty_url: str) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        try:
            Database.open(empty_url).close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_an_event_is_neither_changed_nor_deleted(db: Database, adviser: Account) -> None:
    opened(db, adviser)
    for statement in (
        "DELETE FROM events",
        "UPDATE events SET actor = 'somebody else'",
        'UPDATE events SET "after" = NULL, "before" = NULL',
        'UPDATE events SET erased_at = \'2026-01-01\', "before" = NULL, "after" = NULL',
    ):
        with pytest.raises(StoreError), db.writing() as session:
            session.execute(text(statement))
    with db.writing() as session:
        session.execute(
            text(
                'UPDATE events SET erased_at = \'2026-01-01\', "before" = NULL, "after" = NULL '
                "WHERE is_personal"
            )
        )


def test_a_reference_to_nothing_is_refused(db: Database) -> None:
    with pytest.raises(StoreError), db.writing() as session:
        session.execute(
            text(
                "INSERT INTO notes (dossier_id, at, author, text) VALUES (99, '2026-01-01', '', '')"
            )
        )


def test_sqlite_is_set_for_many_readers_and_lasting_commits(tmp_path: Path) -> None:
    path = tmp_path / "new" / "dossiers.sqlite3"
    with Database.open(f"sqlite:///{path}") as db:
        with db.reading() as session:
            found = {
                name: session.execute(text(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
            }
        assert found == {
            "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1,
        }  # fmt: skip
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_moments_keep_their_time_zone(db: Database, adviser: Account) -> None:
    paris = dt.timezone(dt.timedelta(hours=1))
    asked = dt.datetime(2026, 2, 1, 0, 30, tzinfo=paris)
    file = open_file(db, person(), by=adviser, opened_at=asked)
    assert file.opened_at == asked
    assert file.opened_at.utcoffset() == dt.timedelta(0)


# --- Addresses and secrets ---------------------------------------------------------------------


def test_the_default_is_a_file_of_this_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert database_url() == f"sqlite:///{tmp_path}/geo_matcher/dossiers.sqlite3"
    monkeypatch.setenv(DATABASE_SETTING, "postgresql://me:secret@db/gers")
    assert Database().shown == "postgresql://db/gers"


@pytest.mark.parametrize(
    "url",
    ["mysql://me:hunter2@h/d", "hunter2", "sqlite://", "postgresql://me:hunter2@h", "://hunter2"],
)
def test_an_address_that_is_none_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(StoreError, match="Expected sqlite:///") as refusal:
        Database(url)
    assert "hunter2" not in str(refusal.value)


def test_a_password_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    db = Database("postgresql://me:hunter2@127.0.0.1:1/nothing?application_name=hunter2")
    with pytest.raises(StoreError, match=r"postgresql://127\.0\.0\.1:1/nothing failed") as refusal:
        db.migrate()
    for said in (str(refusal.value), repr(db), db.shown, str(db.url), caplog.text):
        assert "me:hunter2" not in said
    assert "hunter2" not in f"{refusal.value}{db!r}{db.shown}{caplog.text}"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot hold a database"):
        Database.open(f"sqlite:///{tmp_path}/file/dossiers.sqlite3")


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    path = tmp_path / "dossiers.sqlite3"
    path.write_text("name;email\n" * 500, encoding="utf-8")
    with pytest.raises(StoreError, match=r"failed \(DatabaseError\)"):
        Database.open(f"sqlite:///{path}")


def test_a_database_on_a_server_is_no_file() -> None:
    with pytest.raises(StoreError, match="it is no file"):
        _ = Database("postgresql://h/d").path


def test_a_writer_waits_for_another_one(tmp_path: Path) -> None:
    path = tmp_path / "dossiers.sqlite3"
    with Database.open(f"sqlite:///{path}") as db:
        other = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(0.3, other.execute, ["COMMIT"])
        timer.start()
        open_file(db, person(), by=SYSTEM)
        timer.join()
        other.close()
