"""Hosts of official files, asked with patience.

Hides how a host is treated: how many requests go to it at a time, where its redirects may lead, how
long a busy one is waited for and how often it is asked again, what is told meanwhile, and when the
time of all downloads is up. A try that fails is described by :func:`try_again`; who asks sees the
answer of the one that succeeded, or a sentence that names the address, what was found and what to
do.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn, TypeAlias, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx
import tenacity

from geo_matcher import __version__
from geo_matcher.errors import AbsentFileError, SourceError

__all__ = [
    "Answer",
    "HostLimits",
    "Hosts",
    "Transport",
    "Tries",
    "check_address",
    "try_again",
]

T = TypeVar("T")
Transport: TypeAlias = httpx.BaseTransport

AGENT = f"geo_matcher/{__version__} (builds a data release from official sources)"
GOOD_CODES = (200, 206)
WAIT_CODES = (408, 425, 429, 500, 502, 503, 504)
ABSENT_CODES = (404, 410)
REDIRECT_CODES = (301, 302, 303, 307, 308)
NO_HEAD_CODES = (403, 405, 501)
"""Answers to HEAD after which a host is asked for the first byte in its place."""

FRUITFUL_BYTES = 1 << 16
"""A try that brings so many bytes does not count as a failed one."""

NAME_TRIES = 2
"""Tries while the name of a host cannot be looked up: without internet it never can."""

FOLLOWED = (
    "only addresses of https, or http where none was secure, are followed. Check the address."
)


@dataclass(frozen=True, slots=True)
class HostLimits:
    """Bounds of what is asked of hosts.

    Attributes
    ----------
    total_s
        Seconds that all downloads together may take, waiting included.
    idle_s
        Seconds without a sign of life after which a request is given up.
    tries
        Tries in a row that bring nothing before a download is given up.
    backoff_s, backoff_max_s
        Seconds to wait after a first refusal when the server names none, doubled each time up to
        the second; some chance is added, so that many do not come back at once.
    per_host
        Requests to one host at the same time.
    redirects
        How often an address may lead to another.
    """

    total_s: float = 7200.0
    idle_s: float = 60.0
    tries: int = 6
    backoff_s: float = 1.0
    backoff_max_s: float = 60.0
    per_host: int = 2
    redirects: int = 5


@dataclass(slots=True)
class Tries:
    """Tries of one request: all, and those in a row that brought nothing."""

    all: int = 0
    fruitless: int = 0

    def credit(self, brought: int) -> None:
        """Let a try that brought enough bytes not count as one that brought nothing.

        Parameters
        ----------
        brought
            Bytes that came by this try.
        """
        if brought >= FRUITFUL_BYTES:
            self.fruitless = 0


class Answer:
    """What a host answers: its ``status`` and ``headers``; the body is still to be read.

    Parameters
    ----------
    response
        The answer as it comes from the network.
    url, final_url
        The address that was asked for, and the one that it led to.
    check_time
        Raises when the time of all downloads is up.
    """

    def __init__(
        self, response: httpx.Response, url: str, final_url: str, check_time: Callable[[], object]
    ) -> None:
        self.url = url
        self.final_url = final_url
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._check_time = check_time

    @property
    def is_absent(self) -> bool:
        """Whether the host says that it has no such file."""
        return self.status in ABSENT_CODES

    def check_status(self) -> None:
        """Refuse an answer that brings neither a file nor a part of one.

        Raises
        ------
        SourceError
            If another try would end alike; a busy host is asked again.
        """
        if self.status in GOOD_CODES:
            return
        told = f"{self.status} {self._response.reason_phrase}".rstrip()
        if self.status in WAIT_CODES:
            try_again(f"answered {told}", _retry_after_s(self.headers))
        if self.is_absent:
            raise AbsentFileError(
                f"{self.url} is not there ({told}). The producer has moved the file: look for its "
                "new address, named in docs/data.md."
            )
        raise SourceError(f"{self.url} answered {told} instead of the file. Try again later.")

    def pieces(self, start: int, *, is_packed: bool) -> Iterator[bytes]:
        """Read the body; where the line breaks, it is tried again.

        Parameters
        ----------
        start
            Bytes of the file that were there before.
        is_packed
            Unpack what was packed for the way only.

        Raises
        ------
        SourceError
            If the time of all downloads is up.
        """
        done = start
        pieces = self._response.iter_bytes() if is_packed else self._response.iter_raw()
        try:
            for piece in pieces:
                done += len(piece)
                yield piece
                self._check_time()
        except (httpx.TransportError, httpx.DecodingError) as error:
            try_again(f"broke off after {done:,} bytes ({_cause(error)})")


class Hosts:
    """Asks hosts for files, each with the patience and the restraint that it is due.

    May be used by many threads.

    Parameters
    ----------
    limits
        Bounds of time, tries and requests at a time.
    transport
        What carries the requests; by default the network.
    tell
        Is told in a sentence when something is going to be tried again, from the thread that waits.
    """

    def __init__(
        self,
        limits: HostLimits,
        *,
        transport: Transport | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self.limits = limits
        self._tell = tell
        self._client = httpx.Client(
            transport=transport, headers={"User-Agent": AGENT}, follow_redirects=False
        )
        self._lock = threading.Lock()
        self._turns: dict[str, threading.BoundedSemaphore] = {}
        self._deadline: float | None = None
        self._stop = threading.Event()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def stop(self) -> None:
        """Let no thread go on asking, nor wait: the time of all downloads is up."""
        with self._lock:
            self._deadline = -math.inf
        self._stop.set()

    def insist(self, url: str, work: Callable[[Tries], T]) -> T:
        """Do some work with a host, again and again while it calls :func:`try_again`.

        Parameters
        ----------
        url
            The address that it is about.
        work
            One try; what it is given counts the tries.

        Raises
        ------
        SourceError
            If it is given up: too many tries brought nothing, or the time of all downloads is up.
        """
        tries = Tries()
        jitter = tenacity.wait_exponential(
            multiplier=self.limits.backoff_s, max=self.limits.backoff_max_s
        ) + tenacity.wait_random(0, self.limits.backoff_s)

        def problem(state: tenacity.RetryCallState) -> _TryAgainError:
            error = state.outcome.exception() if state.outcome else None
            return error if isinstance(error, _TryAgainError) else _TryAgainError("failed")

        def stop(state: tenacity.RetryCallState) -> bool:
            tries.all += 1
            tries.fruitless += 1
            return tries.fruitless >= min(self.limits.tries, problem(state).tries)

        def wait(state: tenacity.RetryCallState) -> float:
            named = problem(state).wait_s
            pause_s, left_s = jitter(state) if named is None else named, self._left_s(url)
            if pause_s > left_s:
                told = f" and asks to wait {named:.0f} s" if named is not None else ""
                raise SourceError(
                    f"{url} {problem(state)}{told}; of the {self.limits.total_s:g} s that all "
                    f"downloads may take, {left_s:.0f} are left. Try again later: a download goes "
                    "on where it stopped."
                )
            return pause_s

        def tell(state: tenacity.RetryCallState) -> None:
            if self._tell is not None and state.next_action is not None:
                most = min(self.limits.tries, problem(state).tries)
                self._tell(
                    f"{urlsplit(url).netloc} {problem(state)}: trying again, "
                    f"{tries.fruitless + 1} of {most}, in {math.ceil(state.next_action.sleep)} s"
                )

        def give_up(state: tenacity.RetryCallState) -> Any:
            if problem(state).is_nameless:
                raise SourceError(f"{url} {problem(state)}.")
            raise SourceError(
                f"{url} {problem(state)}, after {tries.all} tries. Try again later: a "
                "download goes on where it stopped."
            )

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_TryAgainError),
            stop=stop,
            wait=wait,
            before_sleep=tell,
            retry_error_callback=give_up,
            sleep=self._wait,
        )
        return retrying(work, tries)

    def ask(self, url: str, headers: dict[str, str], judge: Callable[[Answer], T]) -> T:
        """Ask for what a host says of a file, without its body, and judge by its answer.

        Parameters
        ----------
        url
            The address of the file.
        headers
            Headers of the request.
        judge
            Makes something of the answer.

        Raises
        ------
        SourceError
            If the host cannot be asked.
        """

        def once(_: Tries) -> T:
            with self.answer("HEAD", url, headers) as answer:
                if answer.status not in NO_HEAD_CODES:
                    return judge(answer)
            with self.answer("GET", url, {**headers, "Range": "bytes=0-0"}) as answer:
                return judge(answer)

        return self.insist(url, once)

    @contextmanager
    def answer(self, method: str, url: str, headers: dict[str, str]) -> Iterator[Answer]:
        """Send a request and follow where it leads, when it is its turn; within :meth:`insist`.

        Parameters
        ----------
        method
            The method of HTTP.
        url
            The address that is asked for.
        headers
            Headers of the request.

        Raises
        ------
        SourceError
            If the name of the host leads nowhere, or the address to where it is not followed.
        """
        here = url
        for _ in range(self.limits.redirects + 1):
            with self._turn(here, url):
                idle_s = min(self.limits.idle_s, self._left_s(url))
                request = self._client.build_request(method, here, headers=headers, timeout=idle_s)
                try:
                    response = self._client.send(request, stream=True)
                except httpx.TransportError as error:
                    _check_name(error, url, here)
                    try_again(f"cannot be reached ({_cause(error)})")
                try:
                    if response.status_code not in REDIRECT_CODES:
                        yield Answer(response, url, here, partial(self._left_s, url))
                        return
                finally:
                    response.close()
            target = urljoin(here, response.headers.get("Location", ""))
            _check_target(target, url, here)
            here = target
        raise SourceError(
            f"{url} leads on more than {self.limits.redirects} times, at last to {here[:200]}. Try "
            "again later; if it stays so, the address has to be mended."
        )

    @contextmanager
    def _turn(self, here: str, url: str) -> Iterator[None]:
        """Wait until few enough requests go to a host."""
        host = urlsplit(here).netloc
        with self._lock:
            turn = self._turns.setdefault(host, threading.BoundedSemaphore(self.limits.per_host))
        if not turn.acquire(timeout=self._left_s(url)):
            self._left_s(url)
        try:
            yield
        finally:
            turn.release()

    def _wait(self, seconds: float) -> None:
        """Wait, but no longer than until all is stopped."""
        self._stop.wait(seconds)

    def _left_s(self, url: str) -> float:
        """Return the seconds that are left for all downloads; the first one starts the clock."""
        with self._lock:
            if self._deadline is None:
                self._deadline = time.monotonic() + self.limits.total_s
            left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise SourceError(
                f"{url} was not there within the {self.limits.total_s:g} s that all downloads may "
                "take. What has come is kept: try again and the download goes on."
            )
        return left_s


def try_again(what: str, wait_s: float | None = None) -> NoReturn:
    """End a try that failed in a way that another may not; within :meth:`Hosts.insist`.

    Parameters
    ----------
    what
        What happened, said of the host.
    wait_s
        Seconds that the host asks to wait; None where it names none.
    """
    problem = _TryAgainError(what, wait_s)
    raise problem


class _TryAgainError(Exception):
    """A try failed in a way that another may not; ``wait_s`` is what the server asks for."""

    def __init__(
        self, what: str, wait_s: float | None = None, *, is_nameless: bool = False
    ) -> None:
        super().__init__(what)
        self.wait_s = wait_s
        self.is_nameless = is_nameless
        self.tries = NAME_TRIES if is_nameless else math.inf


def _check_name(error: BaseException, url: str, here: str) -> None:
    """Tell a host whose name leads nowhere from one that does not answer."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, socket.gaierror):
        cause = cause.__cause__ or cause.__context__
    if cause is None:
        return
    what = (
        f"cannot be reached: no internet here, or {urlsplit(here).hostname} is unknown "
        f"({cause.strerror}). Check the connection, or the proxy"
    )
    if cause.errno == socket.EAI_AGAIN:  # the answer of a line that is down, or slow for a moment
        raise _TryAgainError(what, is_nameless=True) from None
    raise SourceError(f"{url} {what}.")


def check_address(url: str) -> None:
    """Refuse an address that is none of the web.

    Raises
    ------
    SourceError
        If it is another than one of http or https.
    """
    if not _is_of_the_web(url):
        raise SourceError(f"{url[:200]!r} was asked for: {FOLLOWED}")


def _check_target(target: str, url: str, here: str) -> None:
    """Refuse to follow what leads out of the web, or from a secure address to one that is not."""
    is_downgrade = here.startswith("https:") and target.startswith("http:")
    if is_downgrade or not _is_of_the_web(target):
        raise SourceError(f"{url} leads to {target[:200]!r}: {FOLLOWED}")


def _is_of_the_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait that a server names, as a number or as a date."""
    named = headers.get("Retry-After", "").strip()
    if named.isdigit():
        return float(named)
    try:
        until = email.utils.parsedate_to_datetime(named)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=dt.UTC)
    return max(0.0, (until - dt.datetime.now(dt.UTC)).total_seconds())


def _cause(error: BaseException) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no sign of life in time"
    return str(error).rstrip(".") or type(error).__name__
