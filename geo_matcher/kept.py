"""What was made from a release, kept for the next who asks, and let go with that release.

Hides the bookkeeping. ``functools.lru_cache`` can only forget everything at once; when a release
leaves service, what was made from the next one has to stay, or the first who asks waits for all of
it again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from functools import update_wrapper
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar

__all__ = ["Kept", "KeptInfo", "kept"]

P = ParamSpec("P")
T = TypeVar("T")
_NOTHING = object()


class KeptInfo(NamedTuple):
    """How often something was kept already, how often it was made, how much may and does stay."""

    hits: int
    misses: int
    maxsize: int
    currsize: int


class Kept(Generic[P, T]):
    """A function whose last answers are kept; see :func:`kept`."""

    __name__: str
    __wrapped__: Callable[P, T]

    def __init__(self, make: Callable[P, T], maxsize: int) -> None:
        self._make, self._maxsize = make, maxsize
        self._answers: OrderedDict[Any, Any] = OrderedDict()
        self._hits = self._misses = 0
        self._lock = threading.Lock()
        update_wrapper(self, make)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Return the answer that is kept, or make it; two who ask at once may both make it."""
        key: Any = (args, tuple(sorted(kwargs.items())))
        with self._lock:
            answer = self._answers.get(key, _NOTHING)
            if answer is not _NOTHING:
                self._hits += 1
                self._answers.move_to_end(key)
                return answer  # type: ignore[no-any-return]
        made = self._make(*args, **kwargs)
        with self._lock:
            self._misses += 1
            self._answers[key] = made
            while len(self._answers) > self._maxsize:
                self._answers.popitem(last=False)
        return made

    def forget_all_but(self, releases: Collection[object]) -> None:
        """Let go what was made from any other release.

        Parameters
        ----------
        releases
            First arguments of the answers that stay.
        """
        with self._lock:
            for key in list(self._answers):
                own = key[0][0] if key[0] else None
                if not any(own is release for release in releases):
                    del self._answers[key]

    def cache_clear(self) -> None:
        """Let everything go."""
        with self._lock:
            self._answers.clear()
            self._hits = self._misses = 0

    def cache_info(self) -> KeptInfo:
        """Return the counts since the last :meth:`cache_clear`."""
        with self._lock:
            return KeptInfo(self._hits, self._misses, self._maxsize, len(self._answers))


def kept(*, maxsize: int) -> Callable[[Callable[P, T]], Kept[P, T]]:
    """Keep the last answers of a function that makes something from a release.

    Parameters
    ----------
    maxsize
        How many answers stay.

    Returns
    -------
    Callable
        A decorator of functions whose first argument is the release, given by position, and whose
        arguments can be hashed. They may be called from several threads.
    """
    return lambda make: Kept(make, maxsize)
