"""Backups of the database, and bringing one back.

Hides the two ways: SQLite copies itself while it is used; PostgreSQL is asked for by its own
programs, found on this machine. What is brought back is tried before anything is replaced. Backups
rotate by count. Whoever was erased stays erased: a restored backup is erased again, and one that
still holds the person is dropped a month later at the latest, whatever the count.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import orjson

from geo_matcher.atomic_folders import sync
from geo_matcher.dossiers.accounts import SYSTEM, Account, Right, require
from geo_matcher.dossiers.database import Database, known_versions
from geo_matcher.dossiers.privacy import erase_again, erased_keys, purge
from geo_matcher.errors import StoreError

__all__ = ["DEFAULT_KEPT", "ERASED_DAYS", "Restored", "backup", "list_backups", "restore"]


DEFAULT_KEPT = 14
"""Backups that are kept by default: two weeks of nights."""

ERASED_DAYS = 30
"""Days after an erasure at which a backup made before it is dropped, if the count kept it."""

PREFIX = "dossiers-"
SUFFIXES = {True: ".sqlite3", False: ".pgdump"}
LEDGER = "erased.json"
"""Keys of erased files, beside the backups: it outlives the database that is replaced."""

NEEDED = frozenset({"marks", "dossiers", "events"})
"""Tables without which a file is no backup."""

NO_BACKUP = "{} is damaged, or no backup of such a database of files."

STAMP = "%Y%m%dT%H%M%S"
TIMEOUT_S = 3600


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: from which file, how many were erased again, how many were overdue."""

    path: Path
    erased_again: int
    purged: int


def backup(db: Database, folder: Path, *, keep: int = DEFAULT_KEPT, by: Account = SYSTEM) -> Path:
    """Write a backup into a folder, and drop those that are too many.

    One that holds a person who was erased a month ago or more is dropped too.

    Parameters
    ----------
    folder
        Where backups are; it is created. It holds personal data: keep it as safe as the database.
    keep
        How many are kept, at least 1.

    Returns
    -------
    Path
        The new backup, whole and on the disk.

    Raises
    ------
    StoreError
        If it cannot be written; what was there before stays.
    AccessError
        If ``by`` may not make backups.
    """
    require(by, Right.BACKUP)
    if keep < 1:
        raise StoreError(f"keep: found {keep}, expected 1 or more backups.")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = _free(folder, db)
        part = path.with_suffix(".part")
        part.touch(mode=0o600)
        if db.is_sqlite:
            _copy(db.path, part)
            with closing(sqlite3.connect(part)) as copy:
                copy.execute("PRAGMA journal_mode = DELETE")  # a backup is one file, alone
        else:
            _run(db, "pg_dump", "--format=custom", f"--file={part}")
        sync(part)
        part.replace(path)
        _write_ledger(folder, erased_keys(db))
        _rotate(folder, path, keep, erased_keys(db), db.now())
    except (OSError, sqlite3.Error) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            f"{folder} cannot take a backup ({type(error).__name__}). Check that it can be written "
            "and has room."
        ) from None
    return path


def list_backups(folder: Path) -> tuple[Path, ...]:
    """Return the backups of a folder, the newest first."""
    found = (path for suffix in SUFFIXES.values() for path in folder.glob(f"{PREFIX}*{suffix}"))
    return tuple(sorted(found, key=lambda path: path.stem, reverse=True))


def restore(db: Database, path: Path, *, by: Account = SYSTEM) -> Restored:
    """Put a backup in the place of the database, brought to the version of this program.

    What the database held before is lost, but for erasures: whoever was erased since the backup is
    erased again, and what is past its end is made anonymous. Nobody should work meanwhile.

    Raises
    ------
    StoreError
        If the file is no backup of such a database, of a version that is not known, or of a
        demonstration while real files are there; the database stays as it was.
    AccessError
        If ``by`` may not make backups.
    """
    require(by, Right.BACKUP)
    if not path.is_file():
        raise StoreError(f"{path} is no file. `list_backups` shows what there is.")
    erased = _read_ledger(path.parent)
    now = db.version()
    if now is not None:
        erased |= erased_keys(db)
    version, kind = _contents(path) if db.is_sqlite else _dump_contents(db, path)
    if version not in known_versions():
        raise StoreError(
            f"{path.name} is of version {version[:32]!r}, which this program does not know (its "
            f"own is {known_versions()[0]}). Use a newer geo_matcher; the database stays as it was."
        )
    if kind == "demonstration" and now is not None and db.is_used and not db.is_demonstration:
        raise StoreError(
            f"{path.name} is of a demonstration, and {db.shown} holds real files: they stay. "
            "Restore a demonstration into a database of its own."
        )
    if now is not None:
        _write_ledger(path.parent, erased)  # should the power fail before it is erased again
    if db.is_sqlite:
        return _restore_file(db, path, erased)
    return _restore_dump(db, path, version, erased)


# --- SQLite ------------------------------------------------------------------------------------


def _copy(source: Path, target: Path) -> None:
    """Copy a database into another, page by page in one transaction, while both may be in use."""
    address = f"{source.resolve().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(address, uri=True)) as one,
        closing(sqlite3.connect(target)) as two,
    ):
        one.backup(two)


def _restore_file(db: Database, path: Path, erased: dict[str, dt.datetime]) -> Restored:
    """Bring a copy to this version and erase again in it, and only then copy it over."""
    try:
        db.path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=db.path.parent, prefix=".restore-") as folder:
            trial = Path(folder) / db.path.name
            trial.touch(mode=0o600)
            _copy(path, trial)
            address = db.url.set(database=str(trial)).render_as_string(hide_password=False)
            with Database.open(address, clock=db.now) as copy:
                again = erase_again(copy, erased)
                purged = len(purge(copy))
            with closing(sqlite3.connect(trial)) as one:
                one.execute("PRAGMA journal_mode = DELETE")
            db.close()
            _copy(trial, db.path)
            db.settle()
    except (OSError, sqlite3.Error) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            f"{db.shown} could not be replaced ({type(error).__name__}); it stays as it was. Check "
            "that it can be written, that nobody works in it, and that there is room."
        ) from None
    return Restored(path, again, purged)


def _contents(path: Path) -> tuple[str, str]:
    """Return the version of a SQLite backup and what it says it is."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as copy:
            is_whole = copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            (version,) = copy.execute("SELECT version_num FROM alembic_version").fetchone()
            found = copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = {name for (name,) in found}
            kind = None
            if tables >= NEEDED:
                kind = copy.execute("SELECT value FROM marks WHERE name = 'kind'").fetchone()
    except (sqlite3.Error, TypeError):
        raise StoreError(NO_BACKUP.format(path.name)) from None
    if not is_whole or (not tables >= NEEDED and version in known_versions()):
        raise StoreError(NO_BACKUP.format(path.name))
    return str(version), kind[0] if kind else ""


# --- PostgreSQL --------------------------------------------------------------------------------


def _restore_dump(
    db: Database, path: Path, version: str, erased: dict[str, dt.datetime]
) -> Restored:
    now, known = db.version(), known_versions()
    if now in known and known.index(now) < known.index(version):
        db.migrate(version)  # later tables go: the dump names none of them, and they would stay
    db.close()
    try:
        _run(db, "pg_restore", "--clean", "--if-exists", "--single-transaction", "--no-owner",
             str(path))  # fmt: skip
    except StoreError:
        if now is not None:
            db.migrate(now)
            erase_again(db, erased)
        raise
    db.migrate()
    again = erase_again(db, erased)
    return Restored(path, again, len(purge(db)))


def _dump_contents(db: Database, path: Path) -> tuple[str, str]:
    """Return the version of a dump and what it says it is, without a database."""
    listed = _run(db, "pg_restore", "--list", str(path), is_connected=False)
    tables = set(re.findall(r"^\d+; \d+ \d+ TABLE \S+ (\S+)", listed, re.MULTILINE))
    versions = _dumped(db, path, "alembic_version")
    if len(versions) != 1 or (not tables >= NEEDED and versions[0][0] in known_versions()):
        raise StoreError(NO_BACKUP.format(path.name))
    marks = {row[0]: row[-1] for row in _dumped(db, path, "marks")}
    return versions[0][0], marks.get("kind", "")


def _dumped(db: Database, path: Path, table: str) -> list[list[str]]:
    """Return the rows of a small table in a dump, as texts."""
    script = _run(db, "pg_restore", "--data-only", f"--table={table}", "--file=-", str(path),
                  is_connected=False)  # fmt: skip
    found = re.search(r"^COPY [^\n]*\n(.*?)^\\\.$", script, re.MULTILINE | re.DOTALL)
    return [line.split("\t") for line in found[1].splitlines()] if found else []


def _run(db: Database, program: str, *arguments: str, is_connected: bool = True) -> str:
    """Run a program of PostgreSQL and return what it wrote.

    Its password travels in the environment.
    """
    found = shutil.which(program)
    if found is None:
        raise StoreError(
            f"{program} was not found on this machine: install the client programs of PostgreSQL "
            f"(Debian: postgresql-client), or back up {db.shown} where it runs."
        )
    url = db.url
    environment = {
        **os.environ,
        "PGHOST": url.host or "localhost",
        "PGPORT": str(url.port or 5432),
        "PGDATABASE": str(url.database),
        **({"PGUSER": url.username} if url.username else {}),
        **({"PGPASSWORD": str(url.password)} if url.password else {}),
    }
    where = ["--dbname", str(url.database)] if is_connected else []
    done = subprocess.run(
        [found, "--no-password", *where, *arguments] if is_connected else [found, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # it may quote rows
        timeout=TIMEOUT_S,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise StoreError(
            f"{program} failed on {db.shown} (exit code {done.returncode}); the database stays as "
            "it was. Check that the file is a backup of PostgreSQL, and that versions fit."
        )
    return done.stdout


# --- Files -------------------------------------------------------------------------------------


def _free(folder: Path, db: Database) -> Path:
    stamp, suffix = db.now().strftime(STAMP), SUFFIXES[db.is_sqlite]
    path = folder / f"{PREFIX}{stamp}{suffix}"
    number = 2
    while path.exists():
        path = folder / f"{PREFIX}{stamp}-{number}{suffix}"
        number += 1
    return path


def _rotate(
    folder: Path, newest: Path, keep: int, erased: Mapping[str, dt.datetime], now: dt.datetime
) -> None:
    month_ago = now - dt.timedelta(days=ERASED_DAYS)
    last_erasure = max((at for at in erased.values() if at <= month_ago), default=None)
    for number, path in enumerate(list_backups(folder)):
        stamp = path.stem.removeprefix(PREFIX)[:15]
        made = dt.datetime.strptime(stamp, STAMP).replace(tzinfo=dt.UTC)
        holds_erased = last_erasure is not None and made <= last_erasure
        if path != newest and (number >= keep or holds_erased):
            path.unlink()


def _read_ledger(folder: Path) -> dict[str, dt.datetime]:
    path = folder / LEDGER
    if not path.is_file():
        return {}
    try:
        return {
            key: dt.datetime.fromisoformat(at)
            for key, at in orjson.loads(path.read_bytes()).items()
        }
    except (ValueError, AttributeError, OSError):
        raise StoreError(
            f"{path} is damaged: it says who was erased. Restore it from its own copy first."
        ) from None


def _write_ledger(folder: Path, erased: dict[str, dt.datetime]) -> None:
    known = _read_ledger(folder) | erased
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as part:
        part.write(orjson.dumps({key: at.isoformat() for key, at in sorted(known.items())}))
    Path(part.name).replace(folder / LEDGER)
