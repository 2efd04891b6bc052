"""What settled families had said, were shown, and chose: what can be learnt from.

Hides which frozen list counts: the last one before the family settled. Files whose person is gone
hold neither wishes nor lists, so they teach nothing.
"""

from __future__ import annotations

from sqlalchemy import select

from geo_matcher.dossiers.accounts import Account, Right, require
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.fields import readable_profile
from geo_matcher.dossiers.reading import log_read
from geo_matcher.dossiers.records import DossierRow, ShortlistRow
from geo_matcher.outcomes import Outcome

__all__ = ["settled_outcomes"]


def settled_outcomes(db: Database, *, by: Account) -> tuple[Outcome, ...]:
    """Return one outcome for each settled family that was shown a list; the reading is noted.

    Raises
    ------
    AccessError
        If ``by`` may not read files.
    """
    require(by, Right.READ)
    with db.writing() as session:
        rows = session.execute(
            select(
                DossierRow.id, DossierRow.settled_commune, ShortlistRow.profile,
                ShortlistRow.villages,
            )
            .join(ShortlistRow, ShortlistRow.dossier_id == DossierRow.id)
            .where(
                DossierRow.merged_into_id.is_(None),
                DossierRow.settled_commune.is_not(None),
                ShortlistRow.snapshot != "",
            )
            .order_by(ShortlistRow.id)
        ).all()  # fmt: skip
        last = {number: (chosen, profile, villages) for number, chosen, profile, villages in rows}
        log_read(session, db.now(), by, "outcomes", files=len(last))
    return tuple(
        Outcome(
            readable_profile(profile)[0],
            chosen,
            tuple(village["insee_code"] for village in villages),
        )
        for chosen, profile, villages in last.values()
    )
