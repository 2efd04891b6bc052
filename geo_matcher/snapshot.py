"""What a shared link remembers of the list it was copied from, and what has moved since.

Hides the form of the memory: some 280 characters that may stand in an address. It holds the
release, the method (which criteria counted, how much, on which scale) and, for the first villages,
their rank and the value of every criterion that counts. Two rankings of one profile can then be
compared without the older release at hand: a difference of score is a sum of differences of points,
one for each criterion (``docs/decisions/0013``).
"""

from __future__ import annotations

import base64
import enum
import hashlib
import re
from dataclasses import dataclass

import numpy as np

from geo_matcher.criteria import CRITERIA
from geo_matcher.errors import DataError
from geo_matcher.matching import NAMES, Ranking
from geo_matcher.profile import Profile

__all__ = [
    "LEVELS",
    "MAX_SNAPSHOT_CHARS",
    "REMEMBERED",
    "Change",
    "Move",
    "Moved",
    "Seen",
    "Since",
    "Snapshot",
    "changes_since",
    "decode",
    "encode",
    "method_mark",
    "snapshot",
]

REMEMBERED = 5
"""Villages that a link remembers: those that a mover looks at first."""

LEVELS = 4000
"""Steps of a value between 0 and 1; the breakpoints of the catalogue fall on whole ones."""

MAX_SNAPSHOT_CHARS = 600
"""Length above which a memory is not read."""

DAMAGED = (
    "What the link remembers cannot be read: it is damaged, or of another version. "
    "Open the list and copy its link again."
)

VERSION = "a"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
DIGITS = {character: number for number, character in enumerate(ALPHABET)}
PLACE_OF_VILLAGE = 7
"""Characters before the values of a village: its code and its rank."""

FORM = re.compile(rf"{VERSION}([\w-]{{6}})\.([\w.-]{{1,80}})\.([\w-]+)", re.ASCII)
CODE = re.compile(r"[0-9][0-9AB][0-9]{3}")


@dataclass(frozen=True, slots=True)
class Seen:
    """One village as a link remembers it.

    Attributes
    ----------
    insee_code, rank
        Which village, at which rank.
    levels
        Value of each criterion that counted, in steps of 1 / ``LEVELS``, in the catalogue's order.
    """

    insee_code: str
    rank: int
    levels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a link remembers.

    Attributes
    ----------
    release
        The release that was shown.
    method
        Mark of the method; see :func:`method_mark`.
    villages
        The first villages, best first.
    """

    release: str
    method: str
    villages: tuple[Seen, ...]


class Move(enum.Enum):
    """What became of a remembered village."""

    SAME = "same"
    UP = "up"
    DOWN = "down"
    LEFT = "left"
    """Still listed, no longer among the first."""
    LIMIT = "limit"
    """Beyond a limit of the profile now."""
    OUTSIDE = "outside"
    """No longer in the set that is searched."""
    UNKNOWN = "unknown"
    """Not in the release."""


@dataclass(frozen=True, slots=True)
class Change:
    """What one criterion makes of a difference of score, in points."""

    criterion: str
    points: float


@dataclass(frozen=True, slots=True)
class Moved:
    """One remembered village, then and now.

    Attributes
    ----------
    insee_code, name
        Which village; the name is empty when the release does not know it.
    move, rank_then, rank_now
        What became of it; ``rank_now`` is None where it is not listed.
    changes
        Every criterion whose value changed, the largest difference first; None when the method is
        another, so that values cannot be compared.
    """

    insee_code: str
    name: str
    move: Move
    rank_then: int
    rank_now: int | None
    changes: tuple[Change, ...] | None

    @property
    def points(self) -> float:
        """Difference of score, up to the steps of the memory."""
        return float(sum(change.points for change in self.changes or ()))


@dataclass(frozen=True, slots=True)
class Since:
    """What has changed since a link was copied.

    Attributes
    ----------
    release_then, release_now
        The two releases.
    is_same_method
        Whether the same criteria count as much as before, on the same scales.
    villages
        The remembered villages, in the order of then.
    entered
        Triples (code, name, rank) of the villages that are among the first now and were not.
    """

    release_then: str
    release_now: str
    is_same_method: bool
    villages: tuple[Moved, ...]
    entered: tuple[tuple[str, str, int], ...]


def method_mark(profile: Profile) -> str:
    """Return six characters that change when the method does.

    The method is: which criteria count for a profile, how much, and what each figure is worth.
    """
    functions = profile.value_functions
    parts = []
    for name, weight in zip(NAMES, profile.weights.tolist(), strict=True):
        if weight > 0:
            function = functions.get(name, CRITERIA[name].value_function)
            points = ",".join(f"{x:.9g}:{v:.9g}" for x, v in function.breakpoints)
            parts.append(f"{name} {weight:.9f} {points}")
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return base64.urlsafe_b64encode(digest)[:6].decode()


def snapshot(ranking: Ranking) -> Snapshot:
    """Return what a link to a ranking has to remember."""
    used = np.flatnonzero(ranking.weights > 0)
    rows = ranking.order[:REMEMBERED].tolist()
    levels = _levels(ranking)[:, used]
    return Snapshot(
        release=ranking.territory.release_id,
        method=method_mark(ranking.profile),
        villages=tuple(
            Seen(ranking.matrix.codes[row], int(rank), tuple(levels[row].tolist()))
            for row, rank in zip(rows, ranking.ranks[:REMEMBERED].tolist(), strict=True)
        ),
    )


def _levels(ranking: Ranking) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return np.rint(ranking.values * LEVELS).astype(np.int64)


def encode(seen: Snapshot) -> str:
    """Write a memory as characters that may stand in an address as they are."""
    count = len(seen.villages[0].levels) if seen.villages else 0
    parts = [ALPHABET[count]]
    for village in seen.villages:
        parts += [village.insee_code, _pair(min(village.rank, len(ALPHABET) ** 2 - 1))]
        parts += map(_pair, village.levels)
    return f"{VERSION}{seen.method}.{seen.release}.{''.join(parts)}"


def _pair(number: int) -> str:
    high, low = divmod(number, len(ALPHABET))
    return ALPHABET[high] + ALPHABET[low]


def _number(pair: str) -> int:
    return DIGITS[pair[0]] * len(ALPHABET) + DIGITS[pair[1]]


def decode(text: str) -> Snapshot:
    """Read a memory back.

    Raises
    ------
    DataError
        If it is damaged, or of a version that is not known.
    """
    found = FORM.fullmatch(text) if len(text) <= MAX_SNAPSHOT_CHARS else None
    if found is None:
        raise DataError(DAMAGED)
    method, release, body = found.groups()
    count, rest = DIGITS[body[0]], body[1:]
    step = PLACE_OF_VILLAGE + 2 * count
    if len(rest) % step or len(rest) // step > REMEMBERED:
        raise DataError(DAMAGED)
    villages = tuple(_seen(rest[at : at + step]) for at in range(0, len(rest), step))
    codes = {village.insee_code for village in villages}
    if len(codes) < len(villages):
        raise DataError(DAMAGED)
    return Snapshot(release, method, villages)


def _seen(part: str) -> Seen:
    code, rank, rest = part[:5], _number(part[5:7]), part[PLACE_OF_VILLAGE:]
    levels = tuple(_number(rest[at : at + 2]) for at in range(0, len(rest), 2))
    if not CODE.fullmatch(code) or rank < 1 or any(level > LEVELS for level in levels):
        raise DataError(DAMAGED)
    return Seen(code, rank, levels)


def changes_since(seen: Snapshot, ranking: Ranking) -> Since | None:
    """Compare what a link remembers with a ranking of the same profile.

    Parameters
    ----------
    seen
        What the link remembers.
    ranking
        The ranking of today.

    Returns
    -------
    Since or None
        None when the release is the same. For each village the differences of points add up to its
        difference of score, up to one step of the memory for each criterion: 0.025 points in all. A
        value that is still on the same step counts as unchanged.
    """
    territory = ranking.territory
    if seen.release == territory.release_id:
        return None
    used = np.flatnonzero(ranking.weights > 0)
    is_same = seen.method == method_mark(ranking.profile) and all(
        len(village.levels) == len(used) for village in seen.villages
    )
    first = [ranking.matrix.codes[row] for row in ranking.order[:REMEMBERED].tolist()]
    known = {village.insee_code for village in seen.villages}
    rows = {code: row for row, code in enumerate(ranking.matrix.codes)}
    return Since(
        release_then=seen.release,
        release_now=territory.release_id,
        is_same_method=is_same,
        villages=tuple(
            _moved(village, ranking, rows.get(village.insee_code), first, is_same=is_same)
            for village in seen.villages
        ),
        entered=tuple(
            (code, territory.facts[rows[code]]["name"], rank)
            for code, rank in zip(first, ranking.ranks[:REMEMBERED].tolist(), strict=True)
            if code not in known
        ),
    )


def _moved(
    village: Seen, ranking: Ranking, row: int | None, first: list[str], *, is_same: bool
) -> Moved:
    if row is None:
        return Moved(village.insee_code, "", Move.UNKNOWN, village.rank, None, None)
    rank = ranking.result(row)["rank"]
    if rank is None:
        is_beyond = bool(ranking.in_scope[row])
        move = Move.LIMIT if is_beyond else Move.OUTSIDE
    elif village.insee_code not in first:
        move = Move.LEFT
    elif rank == village.rank:
        move = Move.SAME
    else:
        move = Move.UP if rank < village.rank else Move.DOWN
    return Moved(
        insee_code=village.insee_code,
        name=ranking.territory.facts[row]["name"],
        move=move,
        rank_then=village.rank,
        rank_now=rank,
        changes=tuple(_changes(village, ranking, row)) if is_same else None,
    )


def _changes(village: Seen, ranking: Ranking, row: int) -> list[Change]:
    used = np.flatnonzero(ranking.weights > 0)
    levels = _levels(ranking)[row, used].tolist()
    found = []
    for k, then, now in zip(used.tolist(), village.levels, levels, strict=True):
        if then != now:
            value = ranking.values[row, k].item()
            found.append(
                Change(NAMES[k], ranking.weights[k].item() * 100 * (value - then / LEVELS))
            )
    return sorted(found, key=lambda change: -abs(change.points))
