"""Shortlists frozen in a file, and what has moved since.

Hides how a ranking is remembered: its release, scope, profile and weights, its first villages, and
the snapshot that shared links carry too (:mod:`geo_matcher.snapshot`), which tells changes of data
from changes of method. A re-run ranks twice: the wishes of then on the data of today, and the
wishes of today; what lies between the two is due to the wishes alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as detail

from sqlalchemy.orm import Session

from geo_matcher import __version__
from geo_matcher.criteria import CRITERIA
from geo_matcher.dossiers.accounts import Account, Right, require
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.desk import change_file
from geo_matcher.dossiers.dossier import ShortlistHead
from geo_matcher.dossiers.fields import checked_text, readable_profile
from geo_matcher.dossiers.journal import file_named, record, renew_end
from geo_matcher.dossiers.reading import log_read
from geo_matcher.dossiers.records import DossierRow, ShortlistRow
from geo_matcher.errors import DossierError, UnknownDossierError
from geo_matcher.matching import Ranking, rank
from geo_matcher.profile import Profile
from geo_matcher.snapshot import Since, changes_since, decode, encode, method_mark, snapshot
from geo_matcher.territory import Territory

__all__ = [
    "MAX_FROZEN",
    "FrozenVillage",
    "Rerun",
    "Shortlist",
    "VillageThenNow",
    "WeightThenNow",
    "freeze_shortlist",
    "read_shortlist",
    "rerun_shortlist",
]

MAX_FROZEN = 20
"""Villages of a frozen shortlist at most."""

SAME_WEIGHT = 1e-9


@dataclass(frozen=True, slots=True)
class FrozenVillage:
    """A village as it was ranked: score and the interval it lay in, 0 to 100."""

    insee_code: str
    name: str
    rank: int
    score: float
    score_min: float
    score_max: float


@dataclass(frozen=True, slots=True)
class Shortlist:
    """A frozen shortlist, whole; ``software`` is the version that ranked."""

    head: ShortlistHead
    software: str
    profile: Profile = detail(repr=False)
    villages: tuple[FrozenVillage, ...]


@dataclass(frozen=True, slots=True)
class VillageThenNow:
    """A village then and now.

    Attributes
    ----------
    insee_code, name
        Which village.
    rank_then
        Its rank on the frozen list; None where it was not on it.
    rank_same_wishes
        Its rank today for the wishes of then; None where it is not listed.
    rank_now
        Its rank today for the wishes of today; None where it is not listed.
    causes
        Why it moved: ``data``, ``method``, ``weights``; empty where it did not.
    """

    insee_code: str
    name: str
    rank_then: int | None
    rank_same_wishes: int | None
    rank_now: int | None
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WeightThenNow:
    """A criterion that counts more or less than then; weights from 0 to 1."""

    criterion: str
    then: float
    now: float


@dataclass(frozen=True, slots=True)
class Rerun:
    """A frozen shortlist made again.

    Attributes
    ----------
    shortlist
        What was frozen.
    release_now
        The release of today.
    is_same_data, is_same_method, is_same_wishes
        Whether the release, the method and the profile are those of then.
    since
        Criterion by criterion, what the data changed (:func:`geo_matcher.snapshot.changes_since`);
        None where the release is the same.
    villages
        The frozen villages, then those that are among the first today.
    weights
        What counts more or less than then.
    ranking
        The ranking of today.
    """

    shortlist: Shortlist
    release_now: str
    is_same_data: bool
    is_same_method: bool
    is_same_wishes: bool
    since: Since | None
    villages: tuple[VillageThenNow, ...]
    weights: tuple[WeightThenNow, ...]
    ranking: Ranking = detail(repr=False)


def freeze_shortlist(
    db: Database, key: str, ranking: Ranking, *, by: Account, remark: str = "", top: int = 10
) -> Shortlist:
    """Keep a ranking in a file as it is today.

    Parameters
    ----------
    ranking
        What is shown to the family; its profile is kept with it.
    remark
        A word on it.
    top
        How many villages, 1 to :data:`MAX_FROZEN`.

    Raises
    ------
    DossierError
        If nothing is listed, or ``top`` or the remark is impossible.
    UnknownDossierError
        If there is no such file.
    AccessError
        If ``by`` may not change files.
    """
    remark = checked_text(remark, "remark", most=2000, least=0)
    if not 1 <= top <= MAX_FROZEN:
        raise DossierError(f"top: found {top}, expected 1 to {MAX_FROZEN}.")
    results = ranking.results(top)[:MAX_FROZEN]
    if not results:
        raise DossierError("The ranking lists no village: relax a limit before freezing it.")
    names = ("insee_code", "name", "rank", "score", "score_min", "score_max")
    villages = [{name: result[name] for name in names} for result in results]
    weights = {
        name: weight
        for name, weight in zip(CRITERIA, ranking.weights.tolist(), strict=True)
        if weight > 0
    }
    with change_file(db, key, by=by) as (session, row):
        frozen = ShortlistRow(
            dossier_id=row.id,
            at=db.now(),
            author=by.login,
            release=ranking.territory.release_id,
            software=__version__,
            scope=ranking.scope,
            profile=ranking.profile.as_dict(),
            remark=remark,
            snapshot=encode(snapshot(ranking)),
            villages=villages,
            weights=weights,
        )
        session.add(frozen)
        session.flush()
        after = {"id": frozen.id, "release": frozen.release, "scope": frozen.scope}
        record(session, row, db.now(), by, "shortlist", "shortlist", None, after)
        row.changed_at = db.now()
        renew_end(session, row)
        return _shortlist(frozen)


def read_shortlist(db: Database, key: str, shortlist_id: int, *, by: Account) -> Shortlist:
    """Return a frozen shortlist; the reading is written down.

    Raises
    ------
    UnknownDossierError
        If there is no such file, or it has no such shortlist.
    DossierError
        If it was made anonymous.
    AccessError
        If ``by`` may not read files.
    """
    require(by, Right.READ)
    with db.writing() as session:
        row = file_named(session, key)
        log_read(session, db.now(), by, "shortlist", row)
        return _shortlist(_own(session, row, shortlist_id))


def rerun_shortlist(
    db: Database,
    key: str,
    shortlist_id: int,
    territory: Territory,
    *,
    by: Account,
    profile: Profile | None = None,
) -> Rerun:
    """Make a frozen shortlist again, and say what moved and why.

    Parameters
    ----------
    territory
        The release of today.
    profile
        The wishes of today; by default those of then.

    Raises
    ------
    UnknownDossierError, DossierError, AccessError
        As :func:`read_shortlist`.
    """
    require(by, Right.READ)
    with db.writing() as session:
        row = file_named(session, key)
        log_read(session, db.now(), by, "shortlist", row)
        kept = _own(session, row, shortlist_id)
        shortlist, weights_then = _shortlist(kept), dict(kept.weights)
        seen = decode(kept.snapshot)
    wishes = profile or shortlist.profile
    same = rank(territory, shortlist.profile, shortlist.head.scope)
    now = same if wishes == shortlist.profile else rank(territory, wishes, shortlist.head.scope)
    is_same_data = seen.release == territory.release_id
    is_same_method = seen.method == method_mark(shortlist.profile)
    own_causes = tuple(
        cause
        for cause, is_same in (("data", is_same_data), ("method", is_same_method))
        if not is_same
    )
    then = {village.insee_code: village for village in shortlist.villages}
    first = [result["insee_code"] for result in now.results(len(then))]
    villages = []
    for code in [*then, *(code for code in first if code not in then)]:
        rank_then = then[code].rank if code in then else None
        rank_same, name = _rank(same, code)
        rank_now, _ = _rank(now, code)
        causes = own_causes if rank_then is not None and rank_then != rank_same else ()
        if rank_then is None and (rank_same or len(same)) <= len(then):
            causes = own_causes  # it came onto the list for the wishes of then
        if rank_same != rank_now:
            causes = (*causes, "weights")
        name = name or then[code].name
        villages.append(VillageThenNow(code, name, rank_then, rank_same, rank_now, causes))
    weights_now = dict(zip(CRITERIA, now.weights.tolist(), strict=True))
    names = [*CRITERIA, *(name for name in weights_then if name not in CRITERIA)]
    pairs = ((n, float(weights_then.get(n, 0.0)), weights_now.get(n, 0.0)) for n in names)
    return Rerun(
        shortlist=shortlist,
        release_now=territory.release_id,
        is_same_data=is_same_data,
        is_same_method=is_same_method,
        is_same_wishes=wishes == shortlist.profile,
        since=changes_since(seen, same),
        villages=tuple(villages),
        weights=tuple(
            WeightThenNow(*pair) for pair in pairs if abs(pair[1] - pair[2]) > SAME_WEIGHT
        ),
        ranking=now,
    )


def _rank(ranking: Ranking, code: str) -> tuple[int | None, str]:
    if code not in ranking.matrix.codes:
        return None, ""
    result = ranking.result(ranking.matrix.codes.index(code))
    return result["rank"], result["name"]


def _own(session: Session, row: DossierRow, shortlist_id: int) -> ShortlistRow:
    found = session.get(ShortlistRow, shortlist_id)
    if found is None or found.dossier_id != row.id:
        raise UnknownDossierError(
            f"File {row.key} has no shortlist {shortlist_id}. Look at the file again."
        )
    if not found.snapshot:
        raise DossierError(f"Shortlist {shortlist_id} was made anonymous: it cannot be read again.")
    return found


def _shortlist(row: ShortlistRow) -> Shortlist:
    return Shortlist(
        head=ShortlistHead(row.id, row.at, row.author, row.release, row.scope, row.remark),
        software=row.software,
        profile=readable_profile(row.profile)[0],
        villages=tuple(FrozenVillage(**village) for village in row.villages),
    )
