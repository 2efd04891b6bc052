"""Releases side by side in one folder, and which of them is in service.

Hides the pointer, the lock of the writer, how a new release comes in without ever being half there,
and which old ones may go. ::

    store/
      current.json       which release is in service, those before it, and since when
      releases/<id>/     whole releases; nothing in them ever changes
      readers/           one locked file for each program that reads a release
      writer.lock        one program writes at a time
      .incoming-*        what a writer is filling, or left behind when it was killed

The pointer and the history are one file, replaced in one step, so that they cannot disagree.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import platformdirs
from filelock import BaseFileLock, FileLock, Timeout

from geo_matcher.atomic_folders import exchange, sync, sync_tree
from geo_matcher.catalog import Catalog
from geo_matcher.errors import DataError, GeoMatcherError, StoreError

__all__ = [
    "KEPT_RELEASES",
    "POINTER_FILE",
    "Hold",
    "ReleaseStore",
    "StoredRelease",
    "held_release",
    "told_of",
    "user_store_folder",
]

POINTER_FILE = "current.json"
KEPT_RELEASES = 5
"""How many releases a store keeps, the one in service included."""

LEAST_KEPT = 2
"""With fewer there would be nothing to go back to."""

RELEASES, READERS, WRITER_LOCK = "releases", "readers", "writer.lock"
INCOMING, OUTGOING = ".incoming-", ".outgoing-"
POINTER_FORMAT = 1
RELEASE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Form of a release's id: it names a folder, so it must not lead out of the store."""

MARKER_TIMEOUT_S = 10.0
"""Longest time for which a reader waits until a writer has looked at its marker, in s."""

MAX_TRIES = 20
"""How often a reader follows a pointer that moves while it looks."""

Gate: TypeAlias = Callable[[Path], object]
"""Refuses a folder that is no whole release with a ``DataError``; else what it returns is unused.

:meth:`geo_matcher.territory.Territory.load` is the gate of every store but those of tests.
"""

Clock: TypeAlias = Callable[[], dt.datetime]


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """A release of a store.

    Attributes
    ----------
    release_id
        Its id, derived from its content.
    folder
        Where it lies.
    vintage
        Year and month of its data.
    published
        When it came into the store, in UTC.
    bytes
        Size of its files.
    is_current
        Whether it is in service.
    """

    release_id: str
    folder: Path
    vintage: str
    published: dt.datetime
    bytes: int
    is_current: bool

    def as_dict(self) -> dict[str, Any]:
        """Return plain types."""
        return {
            "release": self.release_id,
            "vintage": self.vintage,
            "published": self.published.isoformat(),
            "bytes": self.bytes,
            "is_current": self.is_current,
            "folder": str(self.folder),
        }


@dataclass(frozen=True, slots=True)
class _Pointer:
    """What ``current.json`` says."""

    line: tuple[tuple[str, str], ...] = ()
    """Releases that were in service and since when, oldest first; the last one is."""
    published: Mapping[str, str] = field(default_factory=dict)
    """When each release of the store came into it."""

    @property
    def current(self) -> str | None:
        return self.line[-1][0] if self.line else None

    def newest_first(self) -> list[str]:
        """Return every release: first in the order in which a rollback would reach them."""
        in_line = [release for release, _ in reversed(self.line)]
        others = sorted(self.published, key=lambda release: self.published[release], reverse=True)
        return list(dict.fromkeys([*in_line, *others]))

    def without(self, gone: frozenset[str]) -> _Pointer:
        """Forget releases; what follows itself then is one stay in service."""
        line: list[tuple[str, str]] = []
        for release, since in self.line:
            if release not in gone and not (line and line[-1][0] == release):
                line.append((release, since))
        published = {key: when for key, when in self.published.items() if key not in gone}
        return _Pointer(tuple(line), published)


class Hold:
    """A release that is being read: no writer clears it away until it is let go.

    It ends with the process that made it, however that ends.
    """

    def __init__(self, folder: Path, marker: BaseFileLock | None = None) -> None:
        self.folder = folder
        self._marker = marker

    def release(self) -> None:
        """Let it go; a second time does nothing."""
        marker, self._marker = self._marker, None
        if marker is not None:
            marker.release()
            Path(marker.lock_file).unlink(missing_ok=True)

    def __enter__(self) -> Path:
        """Return the folder to read."""
        return self.folder

    def __exit__(self, *_: object) -> None:
        """Let it go."""
        self.release()


def user_store_folder() -> Path:
    """Return where commands keep releases when no store is named; it is not created."""
    return platformdirs.user_data_path("geo_matcher", appauthor=False) / "store"


def held_release(place: Path) -> Hold:
    """Return the release that a path leads to, kept from being cleared away meanwhile.

    Parameters
    ----------
    place
        The folder of a release, or a store: then its pointer is followed.

    Raises
    ------
    StoreError
        If the pointer of the store is broken or leads nowhere.
    """
    if ReleaseStore.is_store(place):
        return ReleaseStore(place).hold()
    store = ReleaseStore.around(place)
    return Hold(place) if store is None else store.hold(place.absolute().name)


class ReleaseStore:
    """A folder of releases with a pointer to the one in service.

    Parameters
    ----------
    folder
        The store; the first :meth:`publish` makes it.
    keep
        How many releases stay, the one in service included.
    clock
        Gives the moment, with its time zone.

    Raises
    ------
    DataError
        If fewer than two releases are to be kept.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keep: int = KEPT_RELEASES,
        clock: Clock = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        if keep < LEAST_KEPT:
            raise DataError(
                f"A store was to keep {keep} releases; expected {LEAST_KEPT} or more, so that "
                "there is one to go back to."
            )
        self.folder = folder
        self._keep = keep
        self._clock = clock

    @staticmethod
    def is_store(folder: Path) -> bool:
        """Tell whether a folder is a store that has a release in service."""
        return (folder / POINTER_FILE).is_file()

    @classmethod
    def around(cls, folder: Path) -> ReleaseStore | None:
        """Return the store that a folder is a release of, if any."""
        folder = folder.absolute()
        if folder.parent.name != RELEASES or not cls.is_store(folder.parent.parent):
            return None
        store = cls(folder.parent.parent)
        return store if folder.name in store._pointer().published else None

    # --- Reading -------------------------------------------------------------------------------

    @property
    def current(self) -> str:
        """Id of the release in service.

        Raises
        ------
        StoreError
            If there is none, or the pointer cannot be read.
        """
        found = self._pointer().current
        if found is None:
            raise StoreError(
                f"{self.folder} holds no release yet. Put one in with "
                f"`geo-matcher data publish FOLDER --store {self.folder}`."
            )
        return found

    def folder_of(self, release_id: str) -> Path:
        """Return where a release of the store lies.

        Raises
        ------
        StoreError
            If the store has none of this id; those that it has are named.
        """
        pointer = self._pointer()
        if release_id not in pointer.published:
            held = ", ".join(pointer.newest_first()) or "none"
            raise StoreError(
                f"No release of {self.folder} is called {release_id[:80]!r}; it holds: {held}."
            )
        return self.folder / RELEASES / release_id

    def releases(self) -> tuple[StoredRelease, ...]:
        """Return every release of the store, the one in service first."""
        pointer = self._pointer()
        found = []
        for release_id in pointer.newest_first():
            folder = self.folder / RELEASES / release_id
            if folder.is_dir():
                found.append(
                    StoredRelease(
                        release_id=release_id,
                        folder=folder,
                        vintage=Catalog.read(folder).vintage,
                        published=dt.datetime.fromisoformat(pointer.published[release_id]),
                        bytes=sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()),
                        is_current=release_id == pointer.current,
                    )
                )
        return tuple(found)

    def hold(self, release_id: str | None = None) -> Hold:
        """Keep a release from being cleared away while it is read.

        Where nothing can be written (a store that is mounted to be read) it is not marked.

        Parameters
        ----------
        release_id
            Which; by default the one in service.

        Raises
        ------
        StoreError
            If there is no such release.
        """
        for _ in range(MAX_TRIES):
            wanted = release_id or self.current
            folder = self.folder_of(wanted)
            marker = self._mark(wanted)
            # A writer moves the pointer before it looks for markers. So a release that is still in
            # service now that it is marked cannot be about to go.
            if folder.is_dir() and (release_id is not None or self.current == wanted):
                return Hold(folder, marker)
            Hold(folder, marker).release()
        raise StoreError(
            f"{self.folder}: the release {release_id or self.current} is named there but its "
            f"folder is gone. Go back to another: `geo-matcher data rollback --store {self.folder}`"
        )

    def _mark(self, release_id: str) -> BaseFileLock | None:
        path = self.folder / READERS / f"{release_id}~{uuid.uuid4().hex}"
        try:
            path.parent.mkdir(exist_ok=True)
            marker = FileLock(path, timeout=MARKER_TIMEOUT_S, thread_local=False)
            marker.acquire()
        except OSError:  # nothing can be written here, or locked; Timeout is one
            return None
        return marker

    def _is_held(self, release_id: str) -> bool:
        """Tell whether a program reads a release; markers of those that ended are removed."""
        is_held = False
        for path in _markers(self.folder / READERS):
            if path.name.partition("~")[0] != release_id:
                continue
            marker = FileLock(path, timeout=0)
            try:
                marker.acquire()
            except Timeout:
                is_held = True
                continue
            path.unlink(missing_ok=True)
            marker.release()
        return is_held

    def _pointer(self) -> _Pointer:
        path = self.folder / POINTER_FILE
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if found["format"] != POINTER_FORMAT:
                raise StoreError(
                    f"{path} is of format {str(found['format'])[:20]!r}, expected "
                    f"{POINTER_FORMAT}: a newer program wrote it. Use that program."
                )
            line = tuple((str(stay["release"]), str(stay["since"])) for stay in found["line"])
            published = {str(key): str(when) for key, when in found["published"].items()}
            for when in (*published.values(), *(since for _, since in line)):
                dt.datetime.fromisoformat(when)
        except FileNotFoundError:
            return _Pointer()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(
                f"{path} cannot be understood ({type(error).__name__}). Restore it from a backup, "
                f"or remove it and publish a folder of {self.folder / RELEASES} again."
            ) from None
        strange = [key for key in (*published, *dict(line)) if not RELEASE_ID.fullmatch(key)]
        if strange or not set(dict(line)) <= published.keys():
            raise StoreError(
                f"{path} names releases that cannot be of this store. Restore it from a backup."
            )
        return _Pointer(line, published)

    # --- Writing -------------------------------------------------------------------------------

    def publish(self, made: Path | Callable[[Path], None], *, gate: Gate) -> str:
        """Put a release into service and return its id.

        It comes into a folder of its own beside the others, passes the gate there, takes its name
        in one step, and only then the pointer moves. A program that is killed at any moment leaves
        the release before it in service, or this one, whole. What too many are kept of goes then.

        Parameters
        ----------
        made
            The folder of a release, which is copied; or a function that fills an empty folder.
        gate
            Checks it.

        Raises
        ------
        DataError
            If the gate refuses it; the store is as it was.
        StoreError
            If another program writes to the store, or the system refuses (no space, no right).
        """
        shown = str(made) if isinstance(made, Path) else "the new release"
        with self._writing() as pointer:
            incoming = Path(tempfile.mkdtemp(prefix=INCOMING, dir=self.folder))
            try:
                with told_of(incoming, shown):
                    if isinstance(made, Path):
                        with held_release(made) as source:
                            Catalog.read(source)
                            shutil.copytree(source, incoming, dirs_exist_ok=True)
                    else:
                        made(incoming)
                    gate(incoming)
                    release_id = Catalog.read(incoming).release_id
                    if not RELEASE_ID.fullmatch(release_id):
                        raise DataError(
                            f"catalog.toml: [release] territory makes the id {release_id[:120]!r}; "
                            "expected letters, digits, dots, hyphens and underscores only, 60 of "
                            "them at most."
                        )
                self._take_in(incoming, release_id, gate)
            finally:
                shutil.rmtree(incoming, ignore_errors=True)
            now = self._now()
            line = pointer.line
            if pointer.current != release_id:
                line = (*line, (release_id, now))
            self._point(
                replace(pointer, line=line, published={release_id: now, **pointer.published})
            )
        return release_id

    def rollback(self, release_id: str | None = None, *, gate: Gate) -> str:
        """Put an earlier release into service again and return its id.

        Going back takes the last stay off the history, so that going back twice goes two back.

        Parameters
        ----------
        release_id
            Which; by default the one in service before.
        gate
            Checks it first: a disk may have harmed what was whole.

        Raises
        ------
        StoreError
            If there is no such release, or none before.
        DataError
            If it is whole no more; the one in service stays.
        """
        with self._writing() as pointer:
            before = [release for release, _ in pointer.line[:-1]]
            if release_id is None and not before:
                raise StoreError(
                    f"{self.folder} has no release before {pointer.current or 'any'} in its "
                    "history. `geo-matcher data releases` lists what it holds; name one of them."
                )
            wanted = before[-1] if release_id is None else release_id
            gate(self.folder_of(wanted))
            if wanted in before:
                last = max(number for number, release in enumerate(before) if release == wanted)
                line = (*pointer.line[:last], (wanted, self._now()))
            elif wanted == pointer.current:
                line = pointer.line
            else:
                line = (*pointer.line, (wanted, self._now()))
            self._point(replace(pointer, line=line))
        return wanted

    @contextmanager
    def _writing(self) -> Iterator[_Pointer]:
        """Be the only writer, after what a killed one left behind is cleared away."""
        try:
            (self.folder / RELEASES).mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / WRITER_LOCK, timeout=0):
                pointer = self._pointer()
                self._sweep(pointer)
                yield pointer
        except GeoMatcherError:
            raise
        except Timeout:
            raise StoreError(
                f"Another program is writing to {self.folder}. Wait until it has ended."
            ) from None
        except OSError as error:
            raise StoreError(
                f"{self.folder} cannot be written: {error.strerror or error}. What is in service "
                "stays. Check the space and the rights there, then try again."
            ) from error

    def _sweep(self, pointer: _Pointer) -> None:
        for path in self.folder.iterdir():
            if path.name.startswith((INCOMING, OUTGOING)):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
        for path in (self.folder / RELEASES).iterdir():
            if path.name not in pointer.published and not self._is_held(path.name):
                self._drop(path)

    def _take_in(self, incoming: Path, release_id: str, gate: Gate) -> None:
        """Give a release that has passed the gate its name."""
        place = self.folder / RELEASES / release_id
        incoming.chmod(0o755)  # a temporary folder is open to its maker alone
        sync_tree(incoming)
        if not place.exists():
            incoming.rename(place)
        elif not _is_same(incoming, place, gate):
            exchange(place, incoming)
        sync(place.parent)

    def _point(self, pointer: _Pointer) -> None:
        """Move the pointer, then let go what is too old."""
        surplus = pointer.newest_first()[self._keep :]
        gone = frozenset(release for release in surplus if not self._is_held(release))
        pointer = pointer.without(gone)
        content = {
            "format": POINTER_FORMAT,
            "line": [{"release": release, "since": since} for release, since in pointer.line],
            "published": dict(pointer.published),
        }
        written = self.folder / f"{INCOMING}{POINTER_FILE}"
        with written.open("w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        written.replace(self.folder / POINTER_FILE)
        sync(self.folder)
        for release in sorted(gone):
            # Whoever has marked it since the pointer moved keeps it till the next write.
            if not self._is_held(release):
                self._drop(self.folder / RELEASES / release)

    def _drop(self, path: Path) -> None:
        """Remove a folder: first from its place, so that nobody finds half of it there."""
        aside = self.folder / f"{OUTGOING}{uuid.uuid4().hex}"
        path.rename(aside)
        shutil.rmtree(aside, ignore_errors=True)

    def _now(self) -> str:
        return self._clock().astimezone(dt.UTC).isoformat(timespec="seconds")


def _markers(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _is_same(incoming: Path, place: Path, gate: Gate) -> bool:
    """Tell whether the store holds just this release already, unharmed."""
    texts = []
    for folder in (incoming, place):
        with suppress(OSError):
            texts.append((folder / "catalog.toml").read_bytes())
    if len(texts) != 2 or texts[0] != texts[1]:  # the id says nothing of titles and notes
        return False
    try:
        gate(place)
    except GeoMatcherError:
        return False
    return True


@contextmanager
def told_of(folder: Path, shown: str) -> Iterator[None]:
    """Let a refusal name what people know: the folder that was looked at is gone when it is read.

    Parameters
    ----------
    folder
        What was looked at.
    shown
        What its messages name in place of it.
    """
    try:
        yield
    except DataError as error:
        message, *problems = (
            text.replace(str(folder), shown) for text in (str(error), *error.problems)
        )
        told = type(error)(message, problems)
        raise told from error
