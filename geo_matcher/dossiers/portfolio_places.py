"""Where the portfolio is on the map: visits, proposals and settled families, by commune.

Hides how few make a count that could point at somebody: each holds at least five families, nothing
of what is smaller leaves this module, and no subtraction from a total brings it back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from geo_matcher.dossiers.accounts import Account, Right, require
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.records import ShortlistRow, VisitRow
from geo_matcher.dossiers.year_report import MIN_SHARED, settled_families, shared_counts

__all__ = ["FIRST_SHOWN", "PortfolioPlaces", "portfolio_places"]

FIRST_SHOWN = 5
"""Places of a list that count as having been shown."""


@dataclass(frozen=True, slots=True)
class PortfolioPlaces:
    """Counts by commune.

    Attributes
    ----------
    settled
        Pairs (families, persons) by code, as the year's report shares them.
    visits
        Families that planned or made a visit there, where there are enough.
    lists
        Families that were shown at least one frozen list.
    shown
        Of these, those whose last list had the commune among its first, where there are enough
        families in all.
    """

    settled: Mapping[str, tuple[int, int]]
    visits: Mapping[str, int]
    lists: int
    shown: Mapping[str, int]


def portfolio_places(db: Database, *, by: Account) -> PortfolioPlaces:
    """Return where the portfolio is.

    Raises
    ------
    AccessError
        If ``by`` may not see statistics.
    """
    require(by, Right.STATISTICS)
    with db.reading() as session:
        settled = settled_families(session)
        visits = session.execute(
            select(VisitRow.dossier_id, VisitRow.communes).where(~VisitRow.is_cancelled)
        ).all()
        lists = session.execute(
            select(ShortlistRow.dossier_id, ShortlistRow.villages)
            .where(ShortlistRow.snapshot != "")
            .order_by(ShortlistRow.id)
        ).all()
    seen = Counter(code for _, code in {(one, code) for one, codes in visits for code in codes})
    last = {row.dossier_id: row.villages for row in lists}
    shown: Counter[str] = Counter(
        village["insee_code"] for villages in last.values() for village in villages[:FIRST_SHOWN]
    )
    return PortfolioPlaces(
        settled={
            one.insee_code: (one.settled, one.persons)
            for one in shared_counts(settled)
            if one.kind == "commune"
        },
        visits={code: count for code, count in seen.items() if count >= MIN_SHARED},
        lists=len(last),
        shown=dict(shown) if len(last) >= MIN_SHARED else {},
    )
