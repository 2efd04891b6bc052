"""The advisers' pages on 10,000 files: the board, a list, the day, the year's report, the maps."""

from __future__ import annotations

import datetime as dt
import random
import re
import tempfile
from functools import partial
from pathlib import Path

from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.app import create_app
from api.settings import Settings
from geo_matcher.dossiers.accounts import SYSTEM, Account, Role, add_user
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.desk import add_file
from geo_matcher.dossiers.fields import draft_of, name_key
from geo_matcher.dossiers.likeness import Traits, pairs_alike
from geo_matcher.dossiers.stages import Stage
from geo_matcher.presets import PRESETS
from tests.benchmarks.measure import Row, median_s

FILES = 10_000
PASSWORD = "quatre mots faciles à retenir"
SYLLABLES = ("ba", "be", "bou", "cha", "da", "di", "fa", "gou", "la", "li", "ma", "mi", "no", "pe",
             "ri", "ro", "sa", "se", "ti", "va")  # fmt: skip
PAGES = {
    "Board": "/conseillers/dossiers",
    "List of a stage, page 20": "/conseillers/dossiers?etape=enquiry&page=20",
    "Day": "/conseillers",
    "Year's report": "/conseillers/bilan?annee={year}",
}


def fill(db: Database, by: Account) -> None:
    """Put 10,000 files at all stages into a database."""
    profile = PRESETS["paris-web-family"].profile.as_dict()
    with db.writing() as session:
        for number in range(FILES):
            fields = {
                "name": f"Personne {number}",
                "email": f"p{number}@exemple.test",
                "town": f"Ville {number % 300}",
                "adviser": by.login if number % 2 else None,
                "members": [{"label": "A", "profile": profile}],
            }
            opened = db.now() - dt.timedelta(hours=1 + number % 9_000)
            row = add_file(session, db.now(), draft_of(fields), by, opened_at=opened)
            row.stage = list(Stage)[number % len(Stage)].value


def crowd() -> list[Traits]:
    """Return 10,000 invented people; half of them come from one city."""
    seed = random.Random(1)

    def word(least: int, most: int) -> str:
        return "".join(seed.choices(SYLLABLES, k=seed.randint(least, most)))

    first, last = [word(2, 3) for _ in range(200)], [word(2, 4) for _ in range(3_000)]
    towns = ["paris"] * 50 + ["toulouse"] * 25 + [f"{word(2, 3)}" for _ in range(25)]
    return [
        Traits(
            str(number),
            f"p{number}@exemple.test",
            f"6{number:08d}",
            name_key(f"{seed.choice(first)} {seed.choice(last)}"),
            seed.choice(towns),
        )
        for number in range(FILES)
    ]


def run() -> list[Row]:
    """Measure each page on one worker, and the search for duplicates."""
    people = crowd()
    alike = 1000 * median_s(partial(pairs_alike, people), 3)
    return [*pages(), Row(f"Duplicates among {FILES:,} files", alike, "ms", 1000.0)]


def pages() -> list[Row]:
    """Measure each page on one worker."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'files.sqlite3'}"
        with Database.open(url) as db:
            by = add_user(
                db, "c.martin", name="C. Martin", role=Role.ADVISER, by=SYSTEM, password=PASSWORD
            )
            fill(db, by)
            year = db.today().year
        with TestClient(create_app(Settings(database_url=SecretStr(url)))) as client:
            page = client.get("/conseillers/connexion").text
            found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
            sent = {"csrf": found[1] if found else "", "login": by.login, "password": PASSWORD}
            client.post("/conseillers/connexion", data=sent)
            return [
                Row(
                    f"Desk, {FILES:,} files: {name}",
                    1000 * median_s(partial(client.get, path.format(year=year)), 7),
                    "ms",
                    300.0,
                )
                for name, path in PAGES.items()
            ]
