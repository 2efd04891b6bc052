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
from geo_matcher.dossiers.records import ConsentRow, DossierRow, EventRow
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
ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["sqlite", "postgresql"])
def lasting_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'dossiers.sqlite3'}"
    else:
        server = request.getfixturevalue("postgresql_server")
        yield from new_postgresql(server, is_lasting=True)


def killed_after(url: str, count: int) -> list[str]:
    """Run a program that writes, kill it after some acknowledged files, and return their keys."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, url], cwd=ROOT, stdout=subprocess.PIPE, text=True
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
