"""The database of the advisers' files: where it is, how it is opened, and its versions.

Hides what differs between SQLite and PostgreSQL, and every word of a database's address that is
secret. SQLite is the default, one file in the user's data folder; ``GEO_MATCHER_DATABASE_URL``
names a PostgreSQL server instead. What a call has returned from is on the disk: SQLite syncs each
commit, PostgreSQL does by default. Failures of the database become sentences without values.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import platformdirs
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from geo_matcher.dossiers.records import DossierRow, MarkRow, UserRow
from geo_matcher.errors import StoreError

__all__ = ["DATABASE_SETTING", "Clock", "Database", "data_folder", "database_url", "known_versions"]

DATABASE_SETTING = "GEO_MATCHER_DATABASE_URL"
"""Environment variable that names the database."""

BUSY_TIMEOUT_MS = 10_000
"""How long a writer of SQLite waits for another one, in ms."""

CONNECT_TIMEOUT_S = 5
"""How long PostgreSQL may take to answer, in s."""

MIGRATIONS = Path(__file__).parent / "migrations"
FILE_NAME = "dossiers.sqlite3"

Clock = Callable[[], dt.datetime]
"""Gives the moment that it is, with its time zone."""


def data_folder() -> Path:
    """Return the folder of this user's data; it is not created."""
    return platformdirs.user_data_path("geo_matcher", appauthor=False)


def database_url() -> str:
    """Return the address of the database: the setting's, or SQLite in the user's data folder."""
    return os.environ.get(DATABASE_SETTING) or f"sqlite:///{data_folder() / FILE_NAME}"


def known_versions() -> list[str]:
    """Return the versions of the tables that this program knows, its own first."""
    script = ScriptDirectory.from_config(_alembic())
    return [revision.revision for revision in script.walk_revisions()]


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Database:
    """An open database of files.

    Parameters
    ----------
    url
        ``sqlite:///file`` or ``postgresql://user:password@host/name``; by default that of
        :func:`database_url`. It is kept out of every message but for its kind, host and name.
    clock
        Gives the moment; everything that is dated asks it.

    Raises
    ------
    StoreError
        If the address is neither.
    """

    def __init__(self, url: str | None = None, *, clock: Clock = _utc_now) -> None:
        self._url = _parsed(url or database_url())
        self._clock = clock
        self._engine = _engine(self._url)

    @classmethod
    def open(cls, url: str | None = None, *, clock: Clock = _utc_now) -> Self:
        """Open a database and bring it to the version of this program; a new one is created.

        Raises
        ------
        StoreError
            If it cannot be reached, or is of a newer version.
        """
        database = cls(url, clock=clock)
        try:
            database.migrate()
        except StoreError:
            database.close()
            raise
        return database

    def __repr__(self) -> str:
        """Say which database it is, without secrets."""
        return f"Database({self.shown!r})"

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @property
    def shown(self) -> str:
        """Its address without user, password and options."""
        if self.is_sqlite:
            return f"sqlite:///{self._url.database}"
        port = f":{self._url.port}" if self._url.port else ""
        return f"postgresql://{self._url.host or 'localhost'}{port}/{self._url.database}"

    @property
    def url(self) -> URL:
        """Its whole address, with secrets: for programs that connect themselves, never to show."""
        return self._url

    @property
    def is_sqlite(self) -> bool:
        """Whether it is one file on this machine."""
        return self._url.get_backend_name() == "sqlite"

    @property
    def path(self) -> Path:
        """The file of a SQLite database.

        Raises
        ------
        StoreError
            If it is on a server.
        """
        if not self.is_sqlite:
            raise StoreError(f"{self.shown} is on a server: it is no file.")
        return Path(str(self._url.database))

    def now(self) -> dt.datetime:
        """Return the moment that its clock gives, in UTC."""
        return self._clock().astimezone(dt.UTC)

    def today(self) -> dt.date:
        """Return the day that its clock gives."""
        return self.now().date()

    def close(self) -> None:
        """Let all connections go."""
        self._engine.dispose()

    def settle(self) -> None:
        """Bring the journal of SQLite into its file, so that it holds nothing of what was erased.

        While somebody reads, it stays as it is until the next time.
        """
        if self.is_sqlite:
            with self._told():
                connection = self._engine.raw_connection()
                try:
                    connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
                finally:
                    connection.close()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session that sees one state of the database and changes nothing."""
        engine = self._engine
        if not self.is_sqlite:
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with self._told(), Session(engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Give a session whose changes are all kept when the block ends, or none of them.

        When this returns, the changes are on the disk. Writers of SQLite wait for one another.
        """
        engine = self._engine.execution_options(is_writing=True)
        with self._told(), Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what a driver raises, which may quote values, into a sentence without them."""
        try:
            yield
        except SQLAlchemyError as error:
            kind = type(error.orig if isinstance(error, DBAPIError) else error).__name__
            raise StoreError(
                f"The database {self.shown} failed ({kind}); nothing was changed. Check that it "
                f"runs and has room, or name another one in {DATABASE_SETTING}."
            ) from None

    # --- Versions ------------------------------------------------------------------------------

    def migrate(self, to: str = "head") -> None:
        """Bring the tables to a version.

        Parameters
        ----------
        to
            ``head`` for this program's own version, ``base`` for none, or the number of one.

        Raises
        ------
        StoreError
            If the database cannot be reached, or is of a version that this program does not know.
        """
        if self.is_sqlite:
            self._prepare_folder()
        config, known = _alembic(), known_versions()
        with self._told():
            now = self.version()
            if now is not None and now not in known:
                raise StoreError(
                    f"The database {self.shown} is of version {now}, which this program does not "
                    f"know (its own is {known[0]}). Use a newer geo_matcher."
                )
            wanted = {"head": known[0], "base": None}.get(to, to)
            if now == wanted:
                return
            is_up = wanted is not None and (now is None or known.index(wanted) < known.index(now))
            with self._engine.execution_options(is_writing=True).begin() as connection:
                if not self.is_sqlite:  # one program at a time; released with the transaction
                    connection.execute(text("SELECT pg_advisory_xact_lock(320832)"))
                config.attributes["connection"] = connection
                (command.upgrade if is_up else command.downgrade)(config, wanted or "base")
                if to == "head":
                    _set_marks(connection)

    def version(self) -> str | None:
        """Return the version of the tables; None where there are none yet.

        Raises
        ------
        StoreError
            If the database cannot be reached.
        """
        if self.is_sqlite and not self.path.exists():
            return None
        with self._told(), self._engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def _prepare_folder(self) -> None:
        folder = self.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():
                self.path.touch(mode=0o600)  # personal data: this user's alone
        except OSError as error:
            raise StoreError(
                f"{folder} cannot hold a database ({error.strerror}). Name another place in "
                f"{DATABASE_SETTING}, such as sqlite:////home/me/dossiers.sqlite3."
            ) from None

    # --- What the database says of itself ------------------------------------------------------

    def mark(self, name: str) -> str:
        """Return what the database says of itself under a name; empty when it says nothing."""
        with self.reading() as session:
            found = session.get(MarkRow, name)
            return found.value if found else ""

    @property
    def is_demonstration(self) -> bool:
        """Whether everything in it is invented."""
        return self.mark("kind") == "demonstration"

    @property
    def is_used(self) -> bool:
        """Whether it holds a file or an account."""
        with self.reading() as session:
            return any(
                session.scalar(select(table.id).limit(1)) is not None
                for table in (DossierRow, UserRow)
            )


def _parsed(url: str) -> URL:
    expected = "Expected sqlite:///path/to/file or postgresql://user:password@host/database"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreError(f"{DATABASE_SETTING} is no address of a database. {expected}.") from None
    backend = parsed.drivername.partition("+")[0]
    if backend in {"postgresql", "postgres"} and parsed.database:
        return parsed.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        return parsed.set(drivername="sqlite+pysqlite")
    raise StoreError(f"{DATABASE_SETTING} names no database that is known here. {expected}.")


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
        )
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions begin where we say so, not where it guesses
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",  # what was erased is overwritten, not only forgotten
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get("is_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


def _set_marks(connection: Connection) -> None:
    table: Any = MarkRow.__table__
    if connection.scalar(select(table.c.value).where(table.c.name == "pepper")) is None:
        values = [
            {"name": "pepper", "value": secrets.token_hex(32)},
            {"name": "kind", "value": "files"},
        ]
        connection.execute(table.insert(), values)
