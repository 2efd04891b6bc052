"""A program that is killed in the middle of its writes loses nothing that it has acknowledged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from geo_matcher.dossiers.accounts import SYSTEM
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.desk import open_file
from geo_matcher.dossiers.records import ConsentRow, DossierRow, EventRow, NoteRow
from tests.integration.dossiers.conftest import new_postgresql
from tests.integration.dossiers.people import person

WRITER = """
import sys
from geo_matcher.dossiers.accounts import SYSTEM
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.desk import edit_file, open_file
from tests.integration.dossiers.people import consent, person

db = Database(sys.argv[1])
while True:
    file = open_file(db, person(), by=SYSTEM, consents=[consent(db.today())])
    file = edit_file(db, file.key, 1, {"town": "Auch", "phone": "05 62 00 00 00"}, by=SYSTEM)
    sys.stdout.write(file.key + "\\n")
    sys.stdout.flush()
"""
IMPORTER = """
import sys
from pathlib import Path
from geo_matcher.dossiers.accounts import SYSTEM
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.duplicates import merge_files
from geo_matcher.dossiers.spreadsheets import import_files, preview_spreadsheet
from geo_matcher.dossiers.entries import add_note
from geo_matcher.dossiers.desk import open_file
from tests.integration.dossiers.people import person

db = Database(sys.argv[1])
path = Path(sys.argv[2])
rows = "".join(f"Personne {n}\\n" for n in range(40))
path.write_text("Nom\\n" + rows)
while True:
    import_files(db, preview_spreadsheet(db, path, by=SYSTEM), by=SYSTEM)
    sys.stdout.write("imported\\n")
    sys.stdout.flush()
    one, other = (open_file(db, person(), by=SYSTEM) for _ in range(2))
    add_note(db, other.key, "x", by=SYSTEM)
    merge_files(db, one.key, 1, other.key, 1, by=SYSTEM)
    sys.stdout.write("merged\\n")
    sys.stdout.flush()
"""
ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["sqlite", "postgresql"])
def lasting_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'dossiers.sqlite3'}"
    else:
        server = request.getfixturevalue("postgresql_server")
        yield from new_postgresql(server, is_lasting=True)


def killed_after(url: str, count: int, program: str = WRITER, *more: str) -> list[str]:
    """Run a program that writes, kill it after some acknowledged lines, and return them."""
    with subprocess.Popen(
        [sys.executable, "-c", program, url, *more], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        keys = [writer.stdout.readline().strip() for _ in range(count)]
        os.kill(writer.pid, signal.SIGKILL)
        keys += [line.strip() for line in writer.stdout if line.endswith("\n")]
        assert writer.wait() == -signal.SIGKILL
    return keys


def test_nothing_acknowledged_is_lost_and_nothing_is_half_written(lasting_url: str) -> None:
    Database.open(lasting_url).close()
    acknowledged = killed_after(lasting_url, 3) + killed_after(lasting_url, 8)
    with Database.open(lasting_url) as db:
        with db.reading() as session:
            kept = set(session.scalars(select(DossierRow.key)))
            assert set(acknowledged) <= kept
            assert len(kept) <= len(acknowledged) + 2  # at most the one under way, each time
            towns = session.execute(select(DossierRow.key, DossierRow.town))
            assert all(town == "Auch" for key, town in towns if key in acknowledged)
            edits = func.count().filter(EventRow.kind == "edited")
            for number, edited in session.execute(
                select(EventRow.dossier_id, edits).group_by(EventRow.dossier_id)
            ):
                row = session.get_one(DossierRow, number)
                assert (row.version, edited) in {(1, 0), (2, 2)}
            consents = session.scalar(select(func.count()).select_from(ConsentRow))
            assert consents == len(kept)
            if db.is_sqlite:
                assert session.execute(text("PRAGMA integrity_check")).scalar() == "ok"
        open_file(db, person(), by=SYSTEM)


def test_an_import_and_a_merge_are_whole_or_not_there(lasting_url: str, tmp_path: Path) -> None:
    Database.open(lasting_url).close()
    done = killed_after(lasting_url, 3, IMPORTER, str(tmp_path / "s.csv"))
    with Database.open(lasting_url) as db, db.reading() as session:
        imported = session.scalar(
            select(func.count()).select_from(EventRow).where(EventRow.kind == "imported")
        )
        assert imported is not None
        assert imported % 40 == 0, "no half of a spreadsheet"
        assert 0 <= imported // 40 - done.count("imported") <= 1
        gone = session.scalars(select(DossierRow).where(DossierRow.merged_into_id.is_not(None)))
        merged = [(row.id, row.merged_into_id) for row in gone]
        assert 0 <= len(merged) - done.count("merged") <= 1
        for other, one in merged:
            kept = session.scalars(select(NoteRow.dossier_id).where(NoteRow.dossier_id == one))
            assert kept.all() == [one], "its note came along"
            told = session.scalars(select(EventRow.dossier_id).where(EventRow.kind == "merged"))
            assert {one, other} <= set(told)
