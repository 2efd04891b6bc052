"""One empty database for each test, on SQLite and on PostgreSQL, and a clock that stands still."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from geo_matcher.dossiers.accounts import SYSTEM, Account, Role, add_user
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.records import Base
from tests.integration.dossiers.people import StillClock

SERVER_SETTING = "TEST_POSTGRESQL_URL"
LOCAL_SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"
BACK_ENDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgresql_server() -> str:
    """Return the address of a PostgreSQL server; skip where there is none and none was named."""
    server = os.environ.get(SERVER_SETTING, LOCAL_SERVER)
    try:
        psycopg.connect(server, connect_timeout=2).close()
    except psycopg.OperationalError:
        if SERVER_SETTING in os.environ:
            raise
        pytest.skip(
            "No PostgreSQL server answers on 127.0.0.1:5432: start one, or give the address of one "
            f"where databases may be created in {SERVER_SETTING}, to run this test."
        )
    return server


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "dossiers.sqlite3"
    Database.open(f"sqlite:///{path}").close()
    return path


def new_postgresql(server: str, *, is_lasting: bool = False) -> Iterator[str]:
    name = f"geo_matcher_test_{os.getpid()}_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        if not is_lasting:  # what is gone after the test need not be on the disk
            off = sql.SQL("ALTER DATABASE {} SET synchronous_commit = off")
            connection.execute(off.format(sql.Identifier(name)))
    try:
        yield f"{server.rpartition('/')[0]}/{name}"
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


@pytest.fixture(scope="session")
def _postgresql_migrated(postgresql_server: str) -> Iterator[str]:
    for url in new_postgresql(postgresql_server):
        Database.open(url).close()
        yield url


@pytest.fixture(params=BACK_ENDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the address of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'dossiers.sqlite3'}"
    else:
        yield from new_postgresql(request.getfixturevalue("postgresql_server"))


@pytest.fixture(params=BACK_ENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a migrated database without any row."""
    return migrated(request, tmp_path, request.param)


def migrated(request: pytest.FixtureRequest, tmp_path: Path, back_end: str) -> str:
    if back_end == "sqlite":
        path = tmp_path / "dossiers.sqlite3"
        shutil.copyfile(request.getfixturevalue("_sqlite_template"), path)
        return f"sqlite:///{path}"
    address: str = request.getfixturevalue("_postgresql_migrated")
    tables = [sql.Identifier(name) for name in Base.metadata.tables if name != "marks"]
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.SQL("TRUNCATE {}").format(sql.SQL(", ").join(tables)))
        connection.execute("UPDATE marks SET value = 'files' WHERE name = 'kind'")
    return address


@pytest.fixture
def clock() -> StillClock:
    return StillClock(dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC))


@pytest.fixture
def db(url: str, clock: StillClock) -> Iterator[Database]:
    with Database(url, clock=clock) as database:
        yield database


@pytest.fixture
def adviser(db: Database) -> Account:
    return add_user(db, "c.martin", name="Camille Martin", role=Role.ADVISER, by=SYSTEM)
