"""An invented portfolio at the network's scale, in a database of its own.

Hides how 215 enquiries of a year, 81 projects among them, and 199 families with 489 persons since
2008 are made up from a seed. Nobody in it exists: names say so, addresses end in ``.invalid``,
telephone numbers are those that Arcep reserves for fiction. It refuses a database that holds
anything else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_matcher import __version__
from geo_matcher.criteria import CRITERIA
from geo_matcher.dossiers.accounts import SYSTEM, Account, Role, add_user
from geo_matcher.dossiers.database import Database, database_url
from geo_matcher.dossiers.desk import add_file
from geo_matcher.dossiers.fields import Consent, draft_of
from geo_matcher.dossiers.journal import record, renew_end
from geo_matcher.dossiers.privacy import purge
from geo_matcher.dossiers.records import (
    DossierRow,
    FollowUpRow,
    MarkRow,
    NoteRow,
    ShortlistRow,
    TaskRow,
    VisitRow,
)
from geo_matcher.dossiers.stages import CLOSING_REASONS, Stage, follow_up_days
from geo_matcher.errors import StoreError
from geo_matcher.matching import Ranking, rank
from geo_matcher.presets import PRESETS
from geo_matcher.snapshot import encode, snapshot
from geo_matcher.territory import Territory
from geo_matcher.towns import served

__all__ = [
    "ENQUIRIES",
    "FIRST_YEAR",
    "PERSONS",
    "QUALIFIED",
    "SETTLED",
    "Demonstration",
    "make_demonstration",
]

ENQUIRIES, QUALIFIED = 215, 81
"""Enquiries of the last whole year, and those that became projects."""

SETTLED, PERSONS = 199, 489
"""Families that have settled since the first year, and their persons."""

FIRST_YEAR = 2008

SETTLED_OF_YEAR = 12
"""Of last year's projects, those that have settled since."""

FRESH = 9
"""Enquiries of this year, so that a day has something to do."""

AHEAD = 5
"""Visits of the next days."""

ENDING = 2
"""Files whose consent ends within the month."""

WAITING_DAYS = 30
"""Follow-ups that came due in the last days and still wait for an answer."""

LEFT = 7
"""Families that leave again, as far as a follow-up tells by now: very few."""

DEFAULT_SEED = 2014

FIRST_NAMES = (
    "Alix",
    "Camille",
    "Claude",
    "Dominique",
    "Eden",
    "Loïs",
    "Maé",
    "Noa",
    "Sacha",
    "Yaël",
)
SURNAMES = (
    "Fictif", "Inventé", "Imaginaire", "Exemple", "Démonstration", "Modèle", "Essai", "Personne",
)  # fmt: skip
CITIES = {
    "paris": "Paris", "lille": "Lille", "lyon": "Lyon", "marseille": "Marseille",
    "bordeaux": "Bordeaux", "montpellier": "Montpellier", "toulouse": "Toulouse",
    "other": "Nantes",
}  # fmt: skip
CITY_SHARES = (0.3, 0.06, 0.1, 0.05, 0.12, 0.07, 0.22, 0.08)
SECTORS = (
    "audit_consulting", "training", "it", "internet", "e_commerce", "crafts", "arts", "other",
)  # fmt: skip
SECTOR_SHARES = (0.14, 0.1, 0.18, 0.2, 0.1, 0.07, 0.12, 0.09)
SOURCES = ("web_form", "phone", "email", "fair", "press", "word_of_mouth", "partner_village")
SOURCE_SHARES = (0.44, 0.12, 0.12, 0.1, 0.08, 0.09, 0.05)
NOTES = (
    "Exemple : souhaite visiter hors vacances scolaires.",
    "Exemple : le débit du soir compte plus que le prix.",
    "Exemple : à mettre en relation avec le comité d’accueil.",
)
HARD = ("Exemple : trouver un médecin.", "Exemple : le premier hiver.", "")
WAY = (Stage.QUALIFIED, Stage.MATCHED, Stage.VISIT, Stage.DECISION, Stage.SETTLED)
DAYS_BETWEEN = (9, 16, 34, 21, 70)
"""Days from each stage to the next, in the middle."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What was made: files in all, and those whose person is gone already, being past its end."""

    files: int
    anonymous: int


def make_demonstration(
    db: Database, territory: Territory, *, seed: int = DEFAULT_SEED, again: bool = False
) -> Demonstration:
    """Fill a database with an invented portfolio, and mark it as a demonstration.

    Parameters
    ----------
    db
        A database of its own.
    territory
        Where the invented families settle.
    seed
        Same seed, same day, same release: same portfolio.
    again
        Whether to replace an earlier demonstration.

    Raises
    ------
    StoreError
        If the database holds anything else, or is the one that files are kept in, or a
        demonstration that is not to be replaced. Nothing is touched then.
    """
    is_made = db.version() is not None
    is_demonstration = is_made and db.is_demonstration
    is_used = is_made and db.is_used
    is_main = db.shown == Database(database_url()).shown
    if not is_demonstration and (is_used or is_main):
        raise StoreError(
            f"{db.shown} is for real files: a demonstration is never mixed with them. "
            "Name a database of its own."
        )
    if is_used:
        if not again:
            raise StoreError(f"{db.shown} holds a demonstration already. Replace it with --again.")
        db.migrate("base")
    db.migrate()
    with db.writing() as session:  # marked first: even half made it is never taken for real
        session.get_one(MarkRow, "kind").value = "demonstration"
    advisers = [
        add_user(db, f"demo-{name}", name=f"{name.title()} Fictif", role=Role.ADVISER, by=SYSTEM)
        for name in ("alix", "camille", "sacha")
    ]
    with db.writing() as session, session.no_autoflush:
        count = _Maker(session, db, territory, advisers, np.random.default_rng(seed)).make()
    return Demonstration(count, len(purge(db)))


class _Maker:
    """Makes up files, one after the other."""

    def __init__(
        self,
        session: Session,
        db: Database,
        territory: Territory,
        advisers: Sequence[Account],
        random: np.random.Generator,
    ) -> None:
        self.session, self.db, self.random = session, db, random
        self.now, self.advisers = db.now(), advisers
        self.rankings = [
            rank(territory, preset.profile, territory.about.default_scope)
            for preset in PRESETS.values()
        ]
        facts = [fact for fact in territory.facts if fact["partner"]] or territory.facts
        self.codes = [fact["insee_code"] for fact in facts]
        shares = 1.0 / np.arange(7, len(self.codes) + 7)  # some villages welcome most
        self.code_shares = random.permutation(shares / shares.sum())
        self.count = 0

    def make(self) -> int:
        """Make all files and return how many there are."""
        year = self.now.year - 1
        persons = self._persons()
        leaving = set(self.random.choice(SETTLED - SETTLED_OF_YEAR, LEFT, replace=False).tolist())
        for number in range(SETTLED - SETTLED_OF_YEAR):
            settled = self._moment_between(dt.date(FIRST_YEAR, 3, 1), dt.date(year, 12, 20))
            opened = settled - dt.timedelta(days=int(self.random.integers(120, 400)))
            if opened.year == year:  # only the 215 are of that year
                opened = opened.replace(year=year - 1, month=12, day=1)
            row = self._file(opened)
            self._go(row, opened, Stage.SETTLED, settled, persons.pop(), leaves=number in leaving)
        ahead = 0
        for number in range(ENQUIRIES):
            latest = dt.date(year, 3, 31) if number < SETTLED_OF_YEAR else dt.date(year, 12, 30)
            opened = self._moment_between(dt.date(year, 1, 2), latest)
            row = self._file(opened)
            if number < SETTLED_OF_YEAR:
                settled = self._moment_between(dt.date(year, 9, 1), dt.date(year, 12, 30))
                self._go(row, opened, Stage.SETTLED, settled, persons.pop())
            elif number < QUALIFIED:
                farthest = WAY[number % 4]
                self._go(row, opened, farthest)
                if farthest is Stage.VISIT and number % 3 and ahead < AHEAD:
                    ahead += 1
                    self._visit(row, self.now + dt.timedelta(days=2 * ahead))
                if number % 3 == 0:
                    self._close(row, row.stage_since + dt.timedelta(days=30))
            elif number % 8:
                self._close(row, opened + dt.timedelta(days=int(self.random.integers(5, 40))))
        for number in range(FRESH):
            ends = self.now.date() + dt.timedelta(days=10 * (number + 1))
            row = self._file(
                self.now - dt.timedelta(days=number * 2, hours=3),
                until=ends if number < ENDING else None,
            )
            if number % 3 == 2:
                self._task(row, self.now.date() - dt.timedelta(days=number // 3))
        self.session.flush()
        for row in self.session.scalars(select(DossierRow)):
            renew_end(self.session, row)
        return self.count

    def _persons(self) -> list[int]:
        """Return sizes of households that add up exactly."""
        sizes = self.random.choice([1, 2, 3, 4, 5], SETTLED, p=[0.25, 0.32, 0.2, 0.17, 0.06])
        while sizes.sum() != PERSONS:
            one = int(self.random.integers(SETTLED))
            step = 1 if sizes.sum() < PERSONS else -1
            if 1 <= sizes[one] + step <= 6:
                sizes[one] += step
        return [int(size) for size in sizes]

    def _moment_between(self, first: dt.date, last: dt.date) -> dt.datetime:
        day = first + dt.timedelta(days=int(self.random.integers((last - first).days + 1)))
        hour = dt.time(int(self.random.integers(8, 18)), int(self.random.integers(60)))
        return dt.datetime.combine(day, hour, dt.UTC)

    def _choice(self, words: Sequence[str], shares: Sequence[float]) -> str:
        return words[int(self.random.choice(len(words), p=np.array(shares) / sum(shares)))]

    def _file(self, opened: dt.datetime, until: dt.date | None = None) -> DossierRow:
        self.count += 1
        city = self._choice(tuple(CITIES), CITY_SHARES)
        sector = self._choice(SECTORS, SECTOR_SHARES)
        preset = list(PRESETS.values())[self.count % len(PRESETS)]
        first = FIRST_NAMES[int(self.random.integers(len(FIRST_NAMES)))]
        surname = SURNAMES[int(self.random.integers(len(SURNAMES)))]
        draft = draft_of(
            {
                "name": f"{first} {surname} {self.count:03d}",
                "email": f"exemple{self.count:03d}@demonstration.invalid",
                "phone": f"06 39 98 {self.count // 100:02d} {self.count % 100:02d}",
                "town": CITIES[city],
                "message": "Demande inventée pour la démonstration.",
                "track": "cultura" if sector == "arts" and served().artists_track else "solo",
                "sector": sector,
                "origin_city": city,
                "source": self._choice(SOURCES, SOURCE_SHARES),
                "adviser": self.advisers[self.count % len(self.advisers)].login,
                "members": [{"label": first, "profile": preset.profile.as_dict()}],
            }
        )
        until = until or opened.date() + dt.timedelta(days=5 * 365)
        consent = Consent(what="accompany", given_on=opened.date(), until=until, wording="Exemple.")
        return add_file(self.session, opened, draft, SYSTEM, consents=[consent])

    def _by(self, row: DossierRow) -> Account:
        return next(one for one in self.advisers if one.id == row.adviser_id)

    def _go(
        self,
        row: DossierRow,
        opened: dt.datetime,
        farthest: Stage,
        settled: dt.datetime | None = None,
        persons: int | None = None,
        *,
        leaves: bool = False,
    ) -> None:
        """Take a file along the way, at moments that add up to the last one where it is given."""
        way = WAY[: WAY.index(farthest) + 1]
        steps = np.array(DAYS_BETWEEN[: len(way)]) * self.random.uniform(0.5, 1.6, len(way))
        last = settled or min(opened + dt.timedelta(days=float(steps.sum())), self.now)
        scale = (last - opened).total_seconds() / steps.sum()
        at = opened
        for stage, days in zip(way, steps.tolist(), strict=True):
            at = last if stage is farthest else at + dt.timedelta(seconds=days * scale)
            self._move(row, at, stage)
            if stage is Stage.MATCHED and at.year >= self.now.year - 1:
                self._freeze(row, at, self.rankings[self.count % len(self.rankings)])
            if stage is Stage.VISIT:
                self._visit(row, at)
        text = NOTES[self.count % len(NOTES)]
        note = NoteRow(dossier_id=row.id, at=at, author=self._by(row).login, text=text)
        self.session.add(note)
        if settled is not None:
            self._settle(row, settled, persons, leaves=leaves)

    def _move(self, row: DossierRow, at: dt.datetime, stage: Stage) -> None:
        row.version += 1
        record(self.session, row, at, self._by(row), "moved", "stage", row.stage, stage.value)
        row.stage, row.stage_since, row.changed_at = stage.value, at, at

    def _close(self, row: DossierRow, at: dt.datetime) -> None:
        at = min(at, self.now)
        row.closed_from, old = row.stage, row.stage
        self._move(row, at, Stage.CLOSED)
        row.closed_reason = list(CLOSING_REASONS)[self.count % len(CLOSING_REASONS)]
        for name, value in (("closed_from", old), ("closed_reason", row.closed_reason)):
            record(self.session, row, at, self._by(row), "moved", name, None, value)

    def _settle(
        self, row: DossierRow, at: dt.datetime, persons: int | None, *, leaves: bool
    ) -> None:
        row.settled_on, row.persons = at.date(), persons
        row.settled_commune = self._choice(self.codes, self.code_shares.tolist())
        values: dict[str, Any] = {"settled_commune": row.settled_commune, "persons": persons}
        for name, value in values.items():
            record(self.session, row, at, self._by(row), "moved", name, None, value)
        gone = at.date() + dt.timedelta(days=int(self.random.integers(200, 600)))
        for months, due_on in follow_up_days(at.date()):
            late = self.now.date() - dt.timedelta(days=WAITING_DAYS)
            is_answered = due_on <= late and row.left_on is None
            has_left = leaves and gone <= due_on
            self.session.add(
                FollowUpRow(
                    dossier_id=row.id,
                    months=months,
                    due_on=due_on,
                    answered_on=due_on if is_answered else None,
                    is_still_there=not has_left if is_answered else None,
                    hard=HARD[self.count % len(HARD)] if is_answered else "",
                )
            )
            if is_answered and has_left:
                row.left_on = gone

    def _visit(self, row: DossierRow, at: dt.datetime) -> None:
        communes = self.random.choice(self.codes, 3, replace=False, p=self.code_shares).tolist()
        visit = VisitRow(
            dossier_id=row.id, on=at.date(), communes=communes, impression="", is_cancelled=False
        )
        self.session.add(visit)

    def _task(self, row: DossierRow, due_on: dt.date) -> None:
        self.session.add(
            TaskRow(
                dossier_id=row.id,
                text="Exemple : rappeler",
                due_on=due_on,
                created_at=self.now,
            )
        )

    def _freeze(self, row: DossierRow, at: dt.datetime, ranking: Ranking) -> None:
        names = ("insee_code", "name", "rank", "score", "score_min", "score_max")
        results = ranking.results(10)[:10]
        weights = zip(CRITERIA, ranking.weights.tolist(), strict=True)
        self.session.add(
            ShortlistRow(
                dossier_id=row.id,
                at=at,
                author=self._by(row).login,
                release=ranking.territory.release_id,
                software=__version__,
                scope=ranking.scope,
                profile=ranking.profile.as_dict(),
                remark="Exemple",
                snapshot=encode(snapshot(ranking)),
                villages=[{name: result[name] for name in names} for result in results],
                weights={name: weight for name, weight in weights if weight > 0},
            )
        )
