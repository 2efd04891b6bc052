"""Official files, downloaded with care and kept.

Hides what makes a download end well: a file that is kept is asked for again only if it changed, one
that was cut off goes on where it stopped, a busy server is waited for as long as it asks, no host
gets more than a few requests at a time, and nothing but the file that was expected, whole, takes
the place of the one that is kept. What goes wrong is told in a sentence that names the address,
what was found and what to do.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import math
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Protocol, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx
import platformdirs
import tenacity

from geo_matcher import __version__
from geo_matcher.errors import AbsentFileError, SourceError
from geo_matcher.sources.kept_files import Place, Version
from geo_matcher.sources.source import Fetched

__all__ = ["Fetcher", "Limits", "Progress", "cache_folder"]

T = TypeVar("T")

AGENT = f"geo_matcher/{__version__} (builds a data release from official sources)"
WAIT_CODES = (408, 425, 429, 500, 502, 503, 504)
ABSENT_CODES = (404, 410)
REDIRECT_CODES = (301, 302, 303, 307, 308)
FRUITFUL_BYTES = 1 << 16
"""A try that brings so many bytes does not count as a failed one."""

NAME_TRIES = 2
"""Tries while the name of a host cannot be looked up: without internet it never can."""

MAGIC = {"zip": b"PK", "xlsx": b"PK", "gzip": b"\x1f\x8b", "parquet": b"PAR1"}
"""First bytes of the binary formats."""

WRONG_TYPES = {
    "csv": ("html", "json", "pdf", "image/"),
    "json": ("html", "csv", "pdf", "image/"),
    "zip": ("text/", "json", "html"),
    "xlsx": ("text/", "json", "html"),
    "gzip": ("html",),
    "parquet": ("text/", "json", "html"),
}
"""What a content type must not hold, for each format: many servers know no better than binary."""


def cache_folder() -> Path:
    """Return the folder of the kept files unless another is named: in the user's cache folder."""
    return platformdirs.user_cache_path("geo_matcher") / "sources"


class Progress(Protocol):
    """Is told how far each download is, from the thread that downloads."""

    def __call__(self, name: str, done: int, total: int | None) -> None:
        """Show that so many bytes of a file are there.

        Parameters
        ----------
        name
            The file, for people.
        done, total
            Bytes that are there, and in all; None where the server does not say.
        """


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what a fetcher does.

    Attributes
    ----------
    total_s
        Seconds that all its downloads together may take, waiting included.
    idle_s
        Seconds without a sign of life after which a request is given up.
    tries
        Tries in a row that bring nothing before a download is given up.
    backoff_s, backoff_max_s
        Seconds to wait after a first refusal when the server names none, doubled each time up to
        the second; some chance is added, so that many do not come back at once.
    max_bytes
        Size of a file at most.
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
    max_bytes: int = 6_000_000_000
    per_host: int = 2
    redirects: int = 5


class Fetcher:
    """Brings official files, from the network or from the cache; may be used by many threads.

    Parameters
    ----------
    cache
        Folder of the kept files; by default the user's cache folder for geo_matcher.
    transport
        What carries the requests; by default the network.
    limits
        Bounds of time, size and tries.
    progress
        Is told how far each download is.
    tell
        Is told in a sentence when a file is going to be tried again, from the thread that waits.
    is_offline
        Take kept files as they are and ask nobody.
    """

    def __init__(
        self,
        cache: Path | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        limits: Limits | None = None,
        progress: Progress | None = None,
        tell: Callable[[str], None] | None = None,
        is_offline: bool = False,
    ) -> None:
        self.cache = cache or cache_folder()
        self.limits = limits or Limits()
        self.is_offline = is_offline
        self._progress = progress
        self._tell = tell
        self._client = httpx.Client(
            transport=transport, headers={"User-Agent": AGENT}, follow_redirects=False
        )
        self._lock = threading.Lock()
        self._turns: dict[str, threading.BoundedSemaphore] = {}
        self._files: dict[str, threading.Lock] = {}
        self._brought: dict[str, Fetched] = {}
        self._deadline: float | None = None
        self._stop = threading.Event()

    def __enter__(self) -> Fetcher:
        """Return the fetcher itself; its connections are closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections; where something went wrong no thread goes on downloading."""
        if kind is not None:
            with self._lock:
                self._deadline = -math.inf
            self._stop.set()
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __call__(self, url: str, *, expected: str) -> Fetched:
        """Return the file behind an address; see :class:`~geo_matcher.sources.source.Fetch`."""
        _check_address(url, url)
        with self._lock:
            file_lock = self._files.setdefault(url, threading.Lock())
        with file_lock:
            if url in self._brought:
                return self._brought[url]
            fetched = self._kept_only(url) if self.is_offline else self._download(url, expected)
            self._brought[url] = fetched
            return fetched

    def kept(self, url: str) -> Fetched | None:
        """Return the kept file of an address, if there is a sound one, asking nobody."""
        return Place(self.cache, url).kept()

    def is_newer_upstream(self, fetched: Fetched) -> bool | None:
        """Tell whether a server has another version of a file by now, without downloading it.

        Parameters
        ----------
        fetched
            The file as it was brought, or as a release remembers it; its path is not looked at.

        Returns
        -------
        bool or None
            None where the server says nothing of versions.

        Raises
        ------
        SourceError
            If the server cannot be asked.
        """

        def is_newer(answer: httpx.Response) -> bool | None:
            if answer.status_code == 304:
                return False
            self._check_status(answer, fetched.url, (200, 206))
            return _is_other(answer, fetched)

        return self._asked(fetched.url, _conditions(fetched), is_newer)

    def is_there(self, url: str) -> bool:
        """Tell whether a server has a file at an address, without downloading it.

        Raises
        ------
        SourceError
            If the server cannot be asked.
        """

        def is_file(answer: httpx.Response) -> bool:
            if answer.status_code in ABSENT_CODES:
                return False
            self._check_status(answer, url, (200, 206))
            return "html" not in answer.headers.get("Content-Type", "").lower()

        return self._asked(url, {}, is_file)

    # --- One download ----------------------------------------------------------------------

    def _kept_only(self, url: str) -> Fetched:
        kept = self.kept(url)
        if kept is None:
            raise AbsentFileError(  # another edition may be kept
                f"{url} is not in {self.cache}, and nothing is downloaded offline. Run it once "
                "with a connection."
            )
        return kept

    def _download(self, url: str, expected: str) -> Fetched:
        place = Place(self.cache, url)
        with place.alone():
            kept = place.kept()
            tries = _Tries()
            try:
                for attempt in self._attempts(url, tries):
                    with attempt:
                        return self._try(url, expected, place, kept, tries)
            except SourceError as error:
                if kept is None:
                    raise
                kind = type(error)  # that a file is absent is to be told apart
                told = kind(
                    f"{error} The file of {kept.day.isoformat()} is kept: an offline build uses it."
                )
                raise told from None
            except OSError as error:
                if isinstance(error, SourceError):
                    raise
                raise SourceError(
                    f"{url} cannot be kept in {self.cache} ({error.strerror}). Make room, or name "
                    "another folder."
                ) from None
        raise AssertionError  # pragma: no cover - tenacity gives up by raising

    def _try(
        self, url: str, expected: str, place: Place, kept: Fetched | None, tries: _Tries
    ) -> Fetched:
        part = place.part()
        headers = {"Accept-Encoding": "identity"}
        if part is not None:
            headers |= {"Range": f"bytes={part.bytes}-", "If-Range": part.validator}
        elif kept is not None:
            headers |= _conditions(kept)
        with self._response("GET", url, headers) as (answer, final_url):
            if answer.status_code == 304 and kept is not None:
                fresh = place.keep_again(kept, final_url)
                self._show(fresh.name, fresh.bytes, fresh.bytes)
                return fresh
            if answer.status_code == 416:
                place.drop_part()
                _try_again("has no more of the file than is there already")
            self._check_status(answer, url, (200, 206))
            _check_type(answer, url, expected)
            start = 0
            if answer.status_code == 206:
                start = _start_of(answer)
                if part is None or start != part.bytes or not part.is_of(answer.headers):
                    place.drop_part()
                    _try_again("answered with another part than was asked for")
            version = Version.of(answer.headers, final_url, expected)
            total = _length(answer, start)
            if total is not None and total > self.limits.max_bytes:
                raise SourceError(self._too_large(url, f"{total:,}"))
            self._receive(
                answer, place, version, start, None if version.is_packed else total, tries
            )
        _check_content(place.part_path, url, expected, place)
        return place.keep(url, version)

    def _receive(
        self,
        answer: httpx.Response,
        place: Place,
        version: Version,
        start: int,
        total: int | None,
        tries: _Tries,
    ) -> None:
        done = start
        try:
            with place.write_part(version, start) as out:
                self._show(place.name, done, total)
                for piece in answer.iter_bytes() if version.is_packed else answer.iter_raw():
                    out.write(piece)
                    done += len(piece)
                    self._show(place.name, done, total)
                    if done > self.limits.max_bytes:
                        place.drop_part()
                        raise SourceError(self._too_large(place.url, f"more than {done:,}"))
                    self._left_s(place.url)
        except (httpx.TransportError, httpx.DecodingError) as error:
            _try_again(f"broke off after {done:,} bytes ({_cause(error)})")
        finally:
            if done - start >= FRUITFUL_BYTES:
                tries.fruitless = 0
        if total is not None and done != total:
            _try_again(f"sent {done:,} bytes of the {total:,} that it announced")

    def _too_large(self, url: str, size: str) -> str:
        return (
            f"{url} has {size} bytes; no more than {self.limits.max_bytes:,} are taken. Check the "
            "address: the producer may have put another file there."
        )

    def _show(self, name: str, done: int, total: int | None) -> None:
        if self._progress is not None:
            self._progress(name, done, total)

    # --- Requests --------------------------------------------------------------------------

    def _asked(self, url: str, headers: dict[str, str], judge: Callable[[httpx.Response], T]) -> T:
        """Ask for what a server says of a file, and judge by its answer."""
        for attempt in self._attempts(url, _Tries()):
            with attempt:
                for method, more in (("HEAD", {}), ("GET", {"Range": "bytes=0-0"})):
                    with self._response(method, url, {**headers, **more}) as (answer, _):
                        if answer.status_code in (403, 405, 501) and method == "HEAD":
                            continue
                        return judge(answer)
        raise AssertionError  # pragma: no cover - tenacity gives up by raising

    @contextmanager
    def _response(
        self, method: str, url: str, headers: dict[str, str]
    ) -> Iterator[tuple[httpx.Response, str]]:
        """Send a request and follow where it leads; the body is still to be read."""
        here = url
        for _ in range(self.limits.redirects + 1):
            with self._turn(here, url):
                idle_s = min(self.limits.idle_s, self._left_s(url))
                request = self._client.build_request(method, here, headers=headers, timeout=idle_s)
                try:
                    answer = self._client.send(request, stream=True)
                except httpx.TransportError as error:
                    _check_name(error, url, here)
                    _try_again(f"cannot be reached ({_cause(error)})")
                try:
                    if answer.status_code not in REDIRECT_CODES:
                        yield answer, here
                        return
                finally:
                    answer.close()
            target = urljoin(here, answer.headers.get("Location", ""))
            _check_address(target, url, here)
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

    def _check_status(self, answer: httpx.Response, url: str, good: tuple[int, ...]) -> None:
        status = answer.status_code
        if status in good:
            return
        told = f"{status} {answer.reason_phrase}".rstrip()
        if status in WAIT_CODES:
            _try_again(f"answered {told}", _retry_after_s(answer))
        if status in ABSENT_CODES:
            raise AbsentFileError(
                f"{url} is not there ({told}). The producer has moved the file: look for its new "
                "address, named in docs/data.md."
            )
        raise SourceError(f"{url} answered {told} instead of the file. Try again later.")

    def _attempts(self, url: str, tries: _Tries) -> tenacity.Retrying:
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

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_TryAgainError),
            stop=stop,
            wait=wait,
            before_sleep=tell,
            retry_error_callback=give_up,
            sleep=self._wait,
        )

    def _wait(self, seconds: float) -> None:
        """Wait, but no longer than until the fetcher is closed after a fault."""
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


def _try_again(what: str, wait_s: float | None = None) -> NoReturn:
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


@dataclass(slots=True)
class _Tries:
    """Tries of one download: all, and those in a row that brought nothing."""

    all: int = 0
    fruitless: int = 0


# --- What a server says ----------------------------------------------------------------------


def _conditions(kept: Fetched) -> dict[str, str]:
    headers = {"If-None-Match": kept.etag} if kept.etag else {}
    return headers | ({"If-Modified-Since": kept.last_modified} if kept.last_modified else {})


def _is_other(answer: httpx.Response, fetched: Fetched) -> bool | None:
    etag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
    if etag and fetched.etag:
        return bool(etag.removeprefix("W/") != fetched.etag.removeprefix("W/"))
    if modified and fetched.last_modified:
        return bool(modified != fetched.last_modified)
    return None


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


def _check_address(target: str, url: str, here: str = "") -> None:
    try:
        parts = urlsplit(target)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_good = False
    is_good = is_good and not (here.startswith("https:") and target.startswith("http:"))
    if not is_good:
        led = f"{url} leads to {target[:200]!r}" if here else f"{url[:200]!r} was asked for"
        raise SourceError(
            f"{led}: only addresses of https, or http where none was secure, are followed. Check "
            "the address."
        )


def _check_type(answer: httpx.Response, url: str, expected: str) -> None:
    kind = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if any(wrong in kind for wrong in WRONG_TYPES.get(expected, ())):
        raise SourceError(
            f"{url} answered with {kind} where a file of kind {expected} was expected. Open the "
            "address in a browser: the producer may have a page of maintenance in its place."
        )


def _length(answer: httpx.Response, start: int) -> int | None:
    try:
        return start + int(answer.headers["Content-Length"])
    except (KeyError, ValueError):
        return None


def _start_of(answer: httpx.Response) -> int:
    """Return the first byte of a partial answer, -1 where it is not told."""
    try:
        return int(answer.headers["Content-Range"].removeprefix("bytes ").split("-")[0])
    except (KeyError, ValueError):
        return -1


def _retry_after_s(answer: httpx.Response) -> float | None:
    """Return the seconds to wait that a server names, as a number or as a date."""
    named = answer.headers.get("Retry-After", "").strip()
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


def _check_content(path: Path, url: str, expected: str, place: Place) -> None:
    """Refuse what is not the file that was expected, whole."""
    with path.open("rb") as stream:
        start = stream.read(2048)
        stream.seek(max(0, path.stat().st_size - 64))
        end = stream.read().rstrip()
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    problem = ""
    if not start:
        problem = "is an empty file"
    elif text.startswith((b"<!doctype html", b"<html")):
        problem = f"is a page of HTML where a file of kind {expected} was expected"
    elif expected in MAGIC and not start.startswith(MAGIC[expected]):
        problem = f"does not start as a file of kind {expected} does (found {start[:8]!r})"
    elif expected in ("zip", "xlsx") and not zipfile.is_zipfile(path):
        problem = "is a zip without its end"
    elif expected == "parquet" and not end.endswith(b"PAR1"):
        problem = "is a parquet file without its end"
    elif expected == "json" and not (text[:1] in (b"[", b"{") and end[-1:] in (b"]", b"}")):
        problem = "is no whole JSON document"
    elif expected == "csv" and (text.startswith(b"<") or b"\0" in start):
        problem = f"is no text table (it starts with {start[:20]!r})"
    if problem:
        place.drop_part()
        raise SourceError(
            f"{url} {problem}. It was not taken. Open the address in a browser to see what the "
            "producer gives; try again later."
        )
