"""What was made from a release, kept for the next who asks, and let go with that release.

Hides how caches find what was made from which release. ``functools.lru_cache`` can only forget
everything at once; when a release leaves service, what was made from the next one has to stay, or
the first who asks waits for all of it again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from cachetools import LRUCache, cached

__all__ = ["Answers", "Kept", "forget_all_but", "kept"]

P = ParamSpec("P")
T_co = TypeVar("T_co", covariant=True)


class Answers(LRUCache[tuple[Hashable, ...], Any]):
    """The answers last asked for, by what was asked: the release, then whatever else.

    Parameters
    ----------
    maxsize
        How many stay.

    Attributes
    ----------
    lock
        To be held by whoever looks at them or changes them: several threads do.
    """

    def __init__(self, maxsize: int) -> None:
        super().__init__(maxsize)
        self.lock = threading.Condition()
        _ALL.append(self)


_ALL: list[Answers] = []


class Kept(Protocol[P, T_co]):
    """A function whose last answers are kept; see :func:`kept`."""

    __name__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T_co:
        """Return the answer that is kept, or make it; others who ask for it meanwhile wait."""

    def cache_clear(self) -> None:
        """Let everything go."""

    def cache_info(self) -> Any:
        """Return hits, misses, maxsize and currsize, as ``functools`` counts them."""


def kept(*, maxsize: int) -> Callable[[Callable[P, T_co]], Kept[P, T_co]]:
    """Keep the last answers of a function that makes something from a release.

    Parameters
    ----------
    maxsize
        How many answers stay.

    Returns
    -------
    Callable
        A decorator of functions whose first argument is the release, given by position, and whose
        arguments can be hashed. They may be called from several threads; each answer is made once.
    """
    answers = Answers(maxsize)
    keeping = cached(answers, condition=answers.lock, info=True)

    def keep(make: Callable[P, T_co]) -> Kept[P, T_co]:
        return cast("Kept[P, T_co]", keeping(make))

    return keep


def forget_all_but(releases: Collection[object]) -> None:
    """Let go all that was made from any other release.

    Parameters
    ----------
    releases
        First words of the questions whose answers stay.
    """
    for answers in _ALL:
        with answers.lock:
            for asked in list(answers):
                if not any(asked and asked[0] is release for release in releases):
                    del answers[asked]
