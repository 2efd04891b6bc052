"""The territory whose towns are in service, and what is made from them.

Criteria, destinations, presets and layers of towns differ from one territory to the next. This
module hides how code that knows nothing of a release finds those of the right one: a context holds
the territory in service, as a request or a command does; without one it is that of the release that
would be used by default. Nothing is changed in place: what is made from a territory file is made
once for it and kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import SupportsIndex, TypeVar, overload

from geo_matcher.release_store import held_release
from geo_matcher.territory_file import (
    RELEASE_VARIABLE,
    TerritoryFile,
    Town,
    default_release_folder,
    read_territory_file,
)

__all__ = ["LiveMapping", "LiveSequence", "in_service", "put_in_service", "served", "towns"]

Key = TypeVar("Key")
Value = TypeVar("Value")
KEPT = 8

_SERVED: ContextVar[TerritoryFile | Path | None] = ContextVar("served", default=None)


def served() -> TerritoryFile:
    """Return the territory in service.

    Raises
    ------
    DataError
        If none is and the release by default says none that can be used.
    """
    found = _SERVED.get()
    if isinstance(found, TerritoryFile):
        return found
    return _by_default(os.environ.get(RELEASE_VARIABLE)) if found is None else _read(found)


@lru_cache(maxsize=KEPT)
def _by_default(chosen: str | None) -> TerritoryFile:
    return _read(Path(chosen) if chosen else default_release_folder())


@lru_cache(maxsize=KEPT)
def _read(folder: Path) -> TerritoryFile:
    with held_release(folder) as release:
        return read_territory_file(release)


def towns() -> tuple[Town, ...]:
    """Return the towns in service."""
    return served().town


@contextmanager
def in_service(territory: TerritoryFile) -> Iterator[None]:
    """Put a territory in service until the block ends."""
    token = _SERVED.set(territory)
    try:
        yield
    finally:
        _SERVED.reset(token)


def put_in_service(territory: TerritoryFile | Path) -> None:
    """Put a territory in service until this context ends; of a folder, once it is asked for."""
    _SERVED.set(territory)


class LiveMapping(Mapping[Key, Value]):
    """A mapping that is made from the territory in service, once for each.

    Parameters
    ----------
    make
        Gives the mapping for a territory.
    """

    def __init__(self, make: Callable[[TerritoryFile], Mapping[Key, Value]]) -> None:
        self._make = lru_cache(maxsize=KEPT)(make)

    def now(self) -> Mapping[Key, Value]:
        """Return the mapping itself, which is that of the territory in service for ever."""
        return self._make(served())

    def __getitem__(self, key: Key) -> Value:
        """Return the value of a key."""
        return self.now()[key]

    def __iter__(self) -> Iterator[Key]:
        """Iterate over the keys."""
        return iter(self.now())

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self.now())

    def __contains__(self, key: object) -> bool:
        """Tell whether there is such a key."""
        return key in self.now()

    def __repr__(self) -> str:
        """Show the mapping."""
        return repr(self.now())


class LiveSequence(Sequence[Value]):
    """A sequence that is made from the territory in service, once for each.

    Parameters
    ----------
    make
        Gives the sequence for a territory.
    """

    def __init__(self, make: Callable[[TerritoryFile], Sequence[Value]]) -> None:
        self._make = lru_cache(maxsize=KEPT)(make)

    def now(self) -> Sequence[Value]:
        """Return the sequence itself, which is that of the territory in service for ever."""
        return self._make(served())

    @overload
    def __getitem__(self, index: SupportsIndex) -> Value: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Value]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Value | Sequence[Value]:
        """Return one item, or some."""
        made = self.now()
        return made[index] if isinstance(index, slice) else made[int(index)]

    def __iter__(self) -> Iterator[Value]:
        """Iterate over the items."""
        return iter(self.now())

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self.now())

    def __eq__(self, other: object) -> bool:
        """Tell whether another sequence holds the same."""
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Show the sequence."""
        return repr(self.now())
