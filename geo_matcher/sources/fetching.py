"""Official files, downloaded with care and kept.

Hides what makes a download end well: a file that is kept is asked for again only if it changed, one
that was cut off goes on where it stopped, and nothing but the file that was expected, whole, takes
the place of the one that is kept. What goes wrong is told in a sentence that names the address,
what was found and what to do. How hosts are asked is in :mod:`geo_matcher.sources.hosts`.
"""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol

import platformdirs

from geo_matcher.errors import AbsentFileError, SourceError
from geo_matcher.sources.hosts import (
    Answer,
    HostLimits,
    Hosts,
    Transport,
    Tries,
    check_address,
    try_again,
)
from geo_matcher.sources.kept_files import Place, Version
from geo_matcher.sources.source import Fetched

__all__ = ["Fetcher", "Limits", "Progress", "cache_folder"]

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
class Limits(HostLimits):
    """Bounds of what a fetcher does: those of what it asks of hosts, and of the files.

    Attributes
    ----------
    max_bytes
        Size of a file at most.
    """

    max_bytes: int = 6_000_000_000


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
        transport: Transport | None = None,
        limits: Limits | None = None,
        progress: Progress | None = None,
        tell: Callable[[str], None] | None = None,
        is_offline: bool = False,
    ) -> None:
        self.cache = cache or cache_folder()
        self.limits = limits or Limits()
        self.is_offline = is_offline
        self._progress = progress
        self._hosts = Hosts(self.limits, transport=transport, tell=tell)
        self._lock = threading.Lock()
        self._files: dict[str, threading.Lock] = {}
        self._brought: dict[str, Fetched] = {}

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
            self._hosts.stop()
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._hosts.close()

    def __call__(self, url: str, *, expected: str) -> Fetched:
        """Return the file behind an address; see :class:`~geo_matcher.sources.source.Fetch`."""
        check_address(url)
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

        def is_newer(answer: Answer) -> bool | None:
            if answer.status == 304:
                return False
            answer.check_status()
            return _is_other(answer, fetched)

        return self._hosts.ask(fetched.url, _conditions(fetched), is_newer)

    def is_there(self, url: str) -> bool:
        """Tell whether a server has a file at an address, without downloading it.

        Raises
        ------
        SourceError
            If the server cannot be asked.
        """

        def is_file(answer: Answer) -> bool:
            if answer.is_absent:
                return False
            answer.check_status()
            return "html" not in answer.headers.get("Content-Type", "").lower()

        return self._hosts.ask(url, {}, is_file)

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
            try:
                return self._hosts.insist(url, partial(self._try, url, expected, place, kept))
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

    def _try(
        self, url: str, expected: str, place: Place, kept: Fetched | None, tries: Tries
    ) -> Fetched:
        part = place.part()
        headers = {"Accept-Encoding": "identity"}
        if part is not None:
            headers |= {"Range": f"bytes={part.bytes}-", "If-Range": part.validator}
        elif kept is not None:
            headers |= _conditions(kept)
        with self._hosts.answer("GET", url, headers) as answer:
            if answer.status == 304 and kept is not None:
                fresh = place.keep_again(kept, answer.final_url)
                self._show(fresh.name, fresh.bytes, fresh.bytes)
                return fresh
            if answer.status == 416:
                place.drop_part()
                try_again("has no more of the file than is there already")
            answer.check_status()
            _check_type(answer, url, expected)
            start = 0
            if answer.status == 206:
                start = _start_of(answer)
                if part is None or start != part.bytes or not part.is_of(answer.headers):
                    place.drop_part()
                    try_again("answered with another part than was asked for")
            version = Version.of(answer.headers, answer.final_url, expected)
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
        answer: Answer,
        place: Place,
        version: Version,
        start: int,
        total: int | None,
        tries: Tries,
    ) -> None:
        done = start
        try:
            with place.write_part(version, start) as out:
                self._show(place.name, done, total)
                for piece in answer.pieces(start, is_packed=version.is_packed):
                    out.write(piece)
                    done += len(piece)
                    self._show(place.name, done, total)
                    if done > self.limits.max_bytes:
                        place.drop_part()
                        raise SourceError(self._too_large(place.url, f"more than {done:,}"))
        finally:
            tries.credit(done - start)
        if total is not None and done != total:
            try_again(f"sent {done:,} bytes of the {total:,} that it announced")

    def _too_large(self, url: str, size: str) -> str:
        return (
            f"{url} has {size} bytes; no more than {self.limits.max_bytes:,} are taken. Check the "
            "address: the producer may have put another file there."
        )

    def _show(self, name: str, done: int, total: int | None) -> None:
        if self._progress is not None:
            self._progress(name, done, total)


# --- What a server says ----------------------------------------------------------------------


def _conditions(kept: Fetched) -> dict[str, str]:
    headers = {"If-None-Match": kept.etag} if kept.etag else {}
    return headers | ({"If-Modified-Since": kept.last_modified} if kept.last_modified else {})


def _is_other(answer: Answer, fetched: Fetched) -> bool | None:
    etag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
    if etag and fetched.etag:
        return bool(etag.removeprefix("W/") != fetched.etag.removeprefix("W/"))
    if modified and fetched.last_modified:
        return bool(modified != fetched.last_modified)
    return None


def _check_type(answer: Answer, url: str, expected: str) -> None:
    kind = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if any(wrong in kind for wrong in WRONG_TYPES.get(expected, ())):
        raise SourceError(
            f"{url} answered with {kind} where a file of kind {expected} was expected. Open the "
            "address in a browser: the producer may have a page of maintenance in its place."
        )


def _length(answer: Answer, start: int) -> int | None:
    try:
        return start + int(answer.headers["Content-Length"])
    except (KeyError, ValueError):
        return None


def _start_of(answer: Answer) -> int:
    """Return the first byte of a partial answer, -1 where it is not told."""
    try:
        return int(answer.headers["Content-Range"].removeprefix("bytes ").split("-")[0])
    except (KeyError, ValueError):
        return -1


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
