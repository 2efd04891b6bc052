"""Invented people, and shortcuts to bring their files to a stage."""

from __future__ import annotations

import datetime as dt
from typing import Any

from geo_matcher.dossiers.accounts import Account
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.desk import move_file, open_file
from geo_matcher.dossiers.dossier import Dossier
from geo_matcher.dossiers.fields import Consent, Draft, draft_of
from geo_matcher.dossiers.journal import file_named
from geo_matcher.dossiers.records import ShortlistRow
from geo_matcher.dossiers.stages import Stage, Step
from geo_matcher.presets import PRESETS

SECRETS = {
    "name": "Zéphyrine Quatrebarbes",
    "email": "zephyrine.q@exemple.test",
    "phone": "+33 6 00 00 00 42",
    "town": "Ouistreham-sous-Bois",
    "message": "Mon fils a besoin d’un orthophoniste.",
}
"""What must never be seen in a log or a message."""

PROFILE = PRESETS["paris-web-family"].profile.as_dict()
SETTLED_ON = dt.date(2026, 3, 1)


class StillClock:
    """A clock that moves when it is told to."""

    def __init__(self, at: dt.datetime) -> None:
        self.at = at

    def __call__(self) -> dt.datetime:
        return self.at

    def pass_days(self, days: float) -> None:
        self.at += dt.timedelta(days=days)


def person(**fields: Any) -> Draft:
    members = [{"label": "Zéphyrine", "profile": PROFILE}]
    return draft_of(SECRETS | {"members": members, "origin_city": "paris"} | fields)


def consent(given_on: dt.date, years: int = 3) -> Consent:
    return Consent(
        what="accompany",
        given_on=given_on,
        until=given_on.replace(year=given_on.year + years),
        wording="J’accepte d’être accompagnée.",
    )


def opened(db: Database, by: Account, **fields: Any) -> Dossier:
    return open_file(db, person(**fields), by=by, consents=[consent(db.today())])


def put_shortlist(db: Database, key: str) -> None:
    """Add a shortlist without ranking anything."""
    with db.writing() as session:
        row = file_named(session, key)
        session.add(
            ShortlistRow(
                dossier_id=row.id, at=db.now(), author="test", release="r", software="0",
                scope="partners", profile={}, remark="", snapshot="", villages=[], weights={},
            )
        )  # fmt: skip


def brought_to(db: Database, file: Dossier, stage: Stage, by: Account, **step: Any) -> Dossier:
    """Move a file along the stages, as far as one of them."""
    order = [Stage.QUALIFIED, Stage.MATCHED, Stage.VISIT, Stage.DECISION, Stage.SETTLED]
    for one in order[: order.index(stage) + 1]:
        if one is Stage.MATCHED:
            put_shortlist(db, file.key)
        wanted = Step(one)
        if one is Stage.SETTLED:
            details: dict[str, Any] = {"commune": "32249", "on": db.today(), "persons": 4} | step
            wanted = Step(one, **details)
        file = move_file(db, file.key, file.version, wanted, by=by)
    return file
