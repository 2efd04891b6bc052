"""The release in service, and how another takes its place without a request being dropped.

Hides the switch: a new release is read and checked in a thread while the old one answers; requests
under way end on the release that they began with; once the last of them has ended, what was kept
of the old one is forgotten. A release that is refused changes nothing. The first pages of the new
one are made before it answers (:mod:`api.warming`), so that nobody waits for them.

For a moment two releases are in memory. Measured on the Gers (458 communes, town-hall network) with
``geo-matcher serve`` on two busy cores, after some pages of each sort: 345 MB before, 380 after a
switch, 386 at most over six of them; 410 when plans were asked for between the switches. The first
page after a switch took 0.14 to 0.2 s, as later ones do; without the warming it took 1.4 to 2.9 s.
One that comes while the old release is swept up takes 0.5 to 1.8 s. A switch then takes 3 to 7 s
there rather than one; meanwhile the slowest answer of ``/readyz`` took 0.19 s.
"""

from __future__ import annotations

import ctypes
import gc
import inspect
import logging
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import _lru_cache_wrapper
from pathlib import Path
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geo_matcher import towns
from geo_matcher.catalog import Catalog
from geo_matcher.errors import GeoMatcherError, StoreError
from geo_matcher.kept import forget_all_but
from geo_matcher.release_store import Hold, held_release
from geo_matcher.territory import Territory

__all__ = [
    "RELEASE_HEADER",
    "RELOADING",
    "RETIRING",
    "SCOPE_KEY",
    "InService",
    "OneRelease",
    "Reload",
    "Serving",
    "refusal",
    "territory_of_request",
]

RELEASE_HEADER = "X-Data-Release"
"""Header of every answer: the release that it was made from."""

OWN_PACKAGES = frozenset({"geo_matcher", "api"})
RETIRING = "retiring"
"""How the threads begin to be called that wait until an old release can be forgotten."""

RELOADING = "reloading"
"""How the thread is called that takes up the newest release."""

SCOPE_KEY = "geo_matcher.serving"
DRAIN_S = 60.0
"""Longest time for which requests on the old release are waited for before it is forgotten, in s.

They still end on it; what they leave in a cache is then forgotten with the next release.
"""

MAX_LOGGED = 2_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reload:
    """What became of a wish for the newest release.

    Attributes
    ----------
    before, release
        Ids of the release in service before and now.
    is_new
        Whether another one was read; not so where it was in service already.
    """

    before: str
    release: str
    is_new: bool


class Serving:
    """A release that answers, with the number of requests that it answers now.

    Parameters
    ----------
    territory
        The release.
    hold
        What keeps it from being cleared away; None where it is in memory only.
    """

    def __init__(self, territory: Territory, hold: Hold | None) -> None:
        self.territory = territory
        self.hold = hold
        self._under_way = 0
        self._changed = threading.Condition()

    def begin(self) -> None:
        """Count one request more."""
        with self._changed:
            self._under_way += 1

    def end(self) -> None:
        """Count one request less."""
        with self._changed:
            self._under_way -= 1
            self._changed.notify_all()

    def wait_for_the_last(self, timeout_s: float) -> bool:
        """Wait until no request is under way, and tell whether that came to pass in time, in s."""
        with self._changed:
            return self._changed.wait_for(lambda: self._under_way == 0, timeout_s)

    def let_go(self) -> None:
        """Let the folder of the release be cleared away."""
        if self.hold is not None:
            self.hold.release()


class InService:
    """The release that an application answers from.

    Parameters
    ----------
    place
        Folder of a release, or a store: then its pointer is followed at each :meth:`reload`.
    prepare
        Makes what every answer needs, before a release goes into service.
    warm
        Makes what the first who ask would wait for, before another release goes into service.
    load
        Reads and checks a release.
    """

    def __init__(
        self,
        place: Path,
        *,
        prepare: Callable[[Territory], None],
        warm: Callable[[Serving], None] = lambda _: None,
        load: Callable[[Path], Territory] = Territory.load,
    ) -> None:
        self._place, self._load = place, load
        self._prepare, self._warm = prepare, warm
        self._serving: Serving | None = None
        self._coming: Serving | None = None
        self._switching = threading.Lock()
        self._is_wanted = threading.Event()
        self._is_closed = False
        self._closing = threading.Lock()

    def start(self, territory: Territory | None = None) -> None:
        """Put the first release into service.

        Parameters
        ----------
        territory
            One that is loaded already; by default it is read.

        Raises
        ------
        GeoMatcherError
            If it cannot be.
        """
        self._is_closed = False
        if territory is None:
            self._serving = self._read(held_release(self._place))
            return
        self._prepare(territory)
        hold = None
        with suppress(StoreError):  # cleared away since it was read: it is in memory
            hold = held_release(territory.folder)
        self._serving = Serving(territory, hold)

    def close(self) -> None:
        """Let the release go; one that is on its way does not come into service any more."""
        with self._closing:
            self._is_closed = True
            known, self._serving = (self._serving, self._coming), None
        for serving in known:
            if serving is not None:
                serving.let_go()

    @property
    def serving(self) -> Serving | None:
        """What answers now; None before the start."""
        return self._serving

    def reload(self, *, wait: bool = True) -> Reload | None:
        """Put the release that the place leads to now into service.

        Parameters
        ----------
        wait
            Whether to wait while another switch is under way; otherwise None is returned then.

        Returns
        -------
        Reload or None
            None, too, if the service stops meanwhile.

        Raises
        ------
        GeoMatcherError
            If that release is refused, or a store cannot be followed; the old one stays.
        """
        if not self._switching.acquire(blocking=wait):
            return None
        try:
            old = self._serving
            if old is None and self._is_closed:
                return None
            if old is None:
                raise StoreError("The service has not started: there is no release to take over.")
            before = old.territory.release_id
            new = self._newer(held_release(self._place), old)
            if new is None:
                return Reload(before, before, is_new=False)
            self._coming = new
            try:
                _give_back()  # what reading needed, before there is more
                self._warm(new)
            except BaseException:
                new.let_go()
                raise
            if not self._put_into_service(new):
                return None
            # No thread of the server is kept waiting for the last request on the old one.
            name = f"{RETIRING} {before}"
            threading.Thread(target=self._retire, args=(old,), name=name, daemon=True).start()
            return Reload(before, new.territory.release_id, is_new=True)
        finally:
            self._coming = None
            self._switching.release()

    def _put_into_service(self, new: Serving) -> bool:
        """Let a release answer, unless the service has stopped meanwhile: then it is let go."""
        with self._closing:
            if not self._is_closed:
                self._serving = new
                return True
        new.let_go()
        return False

    def reload_soon(self) -> None:
        """Put the newest release into service in a thread, and say in one line how it went.

        Wishes that come while one waits already are one with it.
        """
        if not self._is_wanted.is_set():
            self._is_wanted.set()
            threading.Thread(target=self._reload_and_tell, name=RELOADING, daemon=True).start()

    def _reload_and_tell(self) -> None:
        with self._switching:  # one that is under way may have read the pointer before this wish
            self._is_wanted.clear()
        try:
            done = self.reload()
        except GeoMatcherError as error:
            logger.error("%s", refusal(error))
        except Exception as error:
            logger.error("New release refused: %s", type(error).__name__)
        else:
            if done is not None:
                words = "is in service, after" if done.is_new else "is in service already; asked of"
                # Warnings are the least that the service's log shows.
                logger.warning("Release %s %s %s", done.release, words, done.before)

    def _newer(self, hold: Hold, old: Serving) -> Serving | None:
        """Read the release that is held, unless it is the one in service; then it is let go."""
        try:
            is_same = Catalog.read(hold.folder) == old.territory.catalog
        except BaseException:
            hold.release()
            raise
        if is_same:
            hold.release()
            return None
        return self._read(hold)

    def _read(self, hold: Hold) -> Serving:
        try:
            territory = self._load(hold.folder)
            self._prepare(territory)
        except BaseException:
            hold.release()
            raise
        return Serving(territory, hold)

    def _retire(self, old: Serving) -> None:
        """Forget a release once no request needs it."""
        old.wait_for_the_last(DRAIN_S)
        old.let_go()
        del old
        needed = [known.territory for known in (self._serving, self._coming) if known is not None]
        forget_all_but(needed)
        del needed
        _empty_the_others()
        _collect()


class OneRelease:
    """Gives each request one release, with its towns, to its end, and names it in the answer.

    Parameters
    ----------
    app
        The application behind.
    in_service
        Where the release is asked for.
    """

    def __init__(self, app: ASGIApp, in_service: InService) -> None:
        self.app = app
        self.in_service = in_service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        serving: Serving | None = scope.get(SCOPE_KEY, self.in_service.serving)
        if scope["type"] != "http" or serving is None:
            await self.app(scope, receive, send)
            return
        release_id = serving.territory.release_id

        async def send_with_release(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[RELEASE_HEADER] = release_id
            await send(message)

        scope[SCOPE_KEY] = serving
        serving.begin()
        try:
            with towns.in_service(serving.territory.about):
                await self.app(scope, receive, send_with_release)
        finally:
            serving.end()
            del scope[SCOPE_KEY]


def territory_of_request(scope: Scope) -> Territory:
    """Return the territory that a request began with."""
    serving: Serving = scope[SCOPE_KEY]
    return serving.territory


def refusal(error: GeoMatcherError) -> str:
    """Return in one line why a release is refused, for the log."""
    text = " ".join(str(error).split())
    return f"New release refused, the one in service stays: {text}"[:MAX_LOGGED]


PLAIN = frozenset({"str", "int", "float", "float | None", "Unit"})
"""Annotations of what no release is in. (A path or no path may lead to one.)"""


def _empty_the_others() -> None:
    """Empty the caches of ``functools`` that a release may be in: they cannot forget a part.

    Keys are territories themselves, so releases are never mixed.
    """
    for name, module in tuple(sys.modules.items()):
        if name.partition(".")[0] in OWN_PACKAGES:
            for value in tuple(vars(module).values()):
                if isinstance(value, _lru_cache_wrapper) and _may_hold_a_release(value):
                    value.cache_clear()


def _may_hold_a_release(cached: Any) -> bool:
    parameters = inspect.signature(cached.__wrapped__).parameters.values()
    return any(parameter.annotation not in PLAIN for parameter in parameters)


def _collect() -> None:
    """Free what the old release leaves in circles, and look no more at what the new one made."""
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.collect()
        gc.freeze()
    else:
        gc.collect()
    _give_back()


def _give_back() -> None:
    """Give freed memory back to the machine where its C library can: pieces of it add up."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
