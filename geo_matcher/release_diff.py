"""What differs between two releases: tables, figures, membership, and what it does to rankings.

Hides how rows are matched: by the key of their table, or as they stand where a table has none. Who
moved in a ranking, and which figures did it, is found by :mod:`geo_matcher.rank_moves`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_matcher.errors import DataError
from geo_matcher.matching import rank
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile
from geo_matcher.rank_moves import MOVERS, RankMoves, rank_moves
from geo_matcher.schemas import SCHEMAS
from geo_matcher.territory import Territory

__all__ = [
    "GroupDiff",
    "RankingDiff",
    "ReleaseDiff",
    "TableDiff",
    "release_diff",
]


@dataclass(frozen=True, slots=True)
class TableDiff:
    """What differs in one table.

    Attributes
    ----------
    name
        Its name in the catalogues.
    rows_before, rows_after
        Rows; ``None`` where the release has no such table.
    added, removed, changed
        Rows of a new key, of a key that is gone, and with another figure. A table without a key has
        rows added and removed only.
    columns
        How many figures changed, by column, most first.
    """

    name: str
    rows_before: int | None
    rows_after: int | None
    added: int
    removed: int
    changed: int
    columns: tuple[tuple[str, int], ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        same_rows = self.rows_before == self.rows_after
        return same_rows and not (self.added or self.removed or self.changed)


@dataclass(frozen=True, slots=True)
class GroupDiff:
    """Who joined and who left a group of communes.

    Attributes
    ----------
    group
        ``partner`` or ``network``.
    joined, left
        INSEE codes.
    """

    group: str
    joined: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RankingDiff:
    """What differs in the ranking of one profile.

    Attributes
    ----------
    profile
        Its name.
    scope
        Which communes are ranked.
    moves
        Who moved, and why.
    """

    profile: str
    scope: str
    moves: RankMoves


@dataclass(frozen=True, slots=True)
class ReleaseDiff:
    """What differs between two releases.

    Attributes
    ----------
    before, after
        Their names.
    times_before, times_after
        The networks that their times are on.
    reach_before_min, reach_after_min
        Minutes within which a work place makes a commune one of the network.
    tables
        Every table that differs.
    groups
        Partner villages and communes of the network.
    rankings
        One for each profile asked.
    """

    before: str
    after: str
    times_before: str
    times_after: str
    reach_before_min: float | None
    reach_after_min: float | None
    tables: tuple[TableDiff, ...]
    groups: tuple[GroupDiff, ...]
    rankings: tuple[RankingDiff, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain types."""
        plain = asdict(self)
        plain["rankings"] = [
            {"profile": row["profile"], "scope": row["scope"], **row["moves"]}
            for row in plain["rankings"]
        ]
        return plain


def release_diff(
    before: Territory,
    after: Territory,
    profiles: Mapping[str, Profile] | None = None,
    scope: str = "all",
    movers: int = MOVERS,
) -> ReleaseDiff:
    """Compare two releases of one territory.

    Parameters
    ----------
    before, after
        The releases.
    profiles
        Whose rankings to compare, by name; by default every preset.
    scope
        Communes that are ranked.
    movers
        How many of the communes that moved farthest in a ranking are named.

    Raises
    ------
    DataError
        If they do not name the same towns.
    """
    if before.about.town != after.about.town:
        raise DataError(
            f"{before.release_id} and {after.release_id} do not name the same towns, so their "
            "rankings cannot be compared. Give two releases of one territory."
        )
    asked = profiles or {name: preset.profile for name, preset in PRESETS.items()}
    names = dict.fromkeys([*before.tables, *after.tables])
    tables = (_table_diff(name, before.tables.get(name), after.tables.get(name)) for name in names)
    return ReleaseDiff(
        before=before.release_id,
        after=after.release_id,
        times_before=str(before.parameters["travel_times"]["network"]),
        times_after=str(after.parameters["travel_times"]["network"]),
        reach_before_min=before.parameters.get("network_reach", {}).get("minutes"),
        reach_after_min=after.parameters.get("network_reach", {}).get("minutes"),
        tables=tuple(table for table in tables if not table.is_same),
        groups=tuple(_group_diff(group, before, after) for group in ("partner", "network")),
        rankings=tuple(
            RankingDiff(
                profile=name,
                scope=scope,
                moves=rank_moves(rank(before, profile, scope), rank(after, profile, scope), movers),
            )
            for name, profile in asked.items()
        ),
    )


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose shapes are bytes, so that rows can be compared."""
    if not isinstance(table, gpd.GeoDataFrame):
        return table
    shapes = table.geometry.to_wkb()
    return pd.DataFrame(table.drop(columns=table.geometry.name)).assign(geometry=shapes)


def _table_diff(name: str, before: pd.DataFrame | None, after: pd.DataFrame | None) -> TableDiff:
    rows_before, rows_after = (None if t is None else len(t) for t in (before, after))
    if before is None or after is None:
        return TableDiff(name, rows_before, rows_after, rows_after or 0, rows_before or 0, 0, ())
    before, after = _plain(before), _plain(after)
    key = list(SCHEMAS[name].unique or ()) if name in SCHEMAS else []
    if not key or list(before.columns) != list(after.columns):
        old, new = (Counter(_rows(table)) for table in (before, after))
        return TableDiff(name, rows_before, rows_after, (new - old).total(),
                         (old - new).total(), 0, ())  # fmt: skip
    old_rows, new_rows = (table.set_index(key) for table in (before, after))
    shared = old_rows.index.intersection(new_rows.index)
    then, now = old_rows.loc[shared], new_rows.loc[shared]
    differs = pd.DataFrame(
        {column: _differs(then[column], now[column]) for column in then.columns}, index=shared
    )
    counts = differs.sum().sort_values(ascending=False, kind="stable")
    return TableDiff(
        name,
        rows_before,
        rows_after,
        len(new_rows.index.difference(old_rows.index)),
        len(old_rows.index.difference(new_rows.index)),
        int(differs.any(axis=1).sum()),
        tuple((str(column), int(count)) for column, count in counts.items() if count),
    )


def _differs(then: pd.Series, now: pd.Series) -> np.ndarray[Any, np.dtype[np.bool_]]:
    other = then.to_numpy() != now.to_numpy()
    return np.asarray(other & ~(then.isna().to_numpy() & now.isna().to_numpy()))


def _rows(table: pd.DataFrame) -> Iterable[tuple[Any, ...]]:
    known = table.astype(object).where(table.notna(), None)
    return known.itertuples(index=False, name=None)


def _group_diff(group: str, before: Territory, after: Territory) -> GroupDiff:
    then, now = (set(territory.members(group).index) for territory in (before, after))
    return GroupDiff(group, _sorted(now - then), _sorted(then - now))


def _sorted(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(map(str, codes)))
