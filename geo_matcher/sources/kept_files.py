"""The cache of official files: what is kept of each address, and the beginning of what was cut off.

Hides how a kept file stays whole whatever happens: its content lies under its checksum, and a
record, replaced last and at once, names it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from geo_matcher import clock
from geo_matcher.errors import SourceError
from geo_matcher.sources.source import Fetched

__all__ = ["Part", "Place", "Version"]


@dataclass(frozen=True, slots=True)
class Version:
    """What a server says of the version that it sends."""

    final_url: str
    etag: str
    last_modified: str
    is_packed: bool
    """Whether the server packed it for the way only, so that it is unpacked on arrival."""

    @classmethod
    def of(cls, headers: Mapping[str, str], final_url: str, expected: str) -> Version:
        """Read the headers of an answer with a file of a kind."""
        # Some stores name the packing of a .gz file as if it was for the way only.
        is_packed = headers.get("Content-Encoding", "identity") not in ("", "identity")
        return cls(
            final_url,
            headers.get("ETag", ""),
            headers.get("Last-Modified", ""),
            is_packed and expected != "gzip",
        )

    @property
    def validator(self) -> str:
        """What a cut download may go on by, empty where nothing names the version for sure."""
        if self.is_packed:  # ranges count packed bytes
            return ""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.last_modified


@dataclass(frozen=True, slots=True)
class Part:
    """The beginning of a file whose download was cut off."""

    bytes: int
    validator: str

    def is_of(self, headers: Mapping[str, str]) -> bool:
        """Tell whether an answer goes on with it, as far as the server says."""
        named = [headers.get("ETag"), headers.get("Last-Modified")]
        return self.validator in named or named == [None, None]


class Place:
    """Where the file of one address is kept.

    The content lies under its checksum, so that the record, replaced last and at once, always
    names a whole file: a crash at any moment leaves the old one or the new one.
    """

    def __init__(self, cache: Path, url: str) -> None:
        self.url = url
        path = urlsplit(url).path.rstrip("/").rsplit("/", 1)[-1]
        safe = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in path)
        self.name = safe[-60:] or "file"
        self.stem = f"{hashlib.sha256(url.encode()).hexdigest()[:16]}-{self.name}"
        self.folder = cache
        self.record_path = cache / f"{self.stem}.json"
        self.part_path = cache / f"{self.stem}.part"
        self.part_record_path = cache / f"{self.stem}.part.json"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from the same file meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / f"{self.stem}.lock", blocking=False):
                yield
        except Timeout:
            raise SourceError(
                f"{self.url} is being downloaded by another process. Wait for it, then try again."
            ) from None

    def kept(self) -> Fetched | None:
        """Return what is kept, if it is whole and as it came."""
        try:
            record = json.loads(self.record_path.read_text("utf-8"))
            path = self.folder / str(record.pop("file"))
            record["day"] = dt.date.fromisoformat(record["day"])
            fetched = Fetched(path=path, **record)
            is_sound = path.stat().st_size == fetched.bytes and _sha256(path) == fetched.sha256
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return fetched if is_sound and fetched.url == self.url else None

    def keep(self, url: str, version: Version) -> Fetched:
        """Put what has come in the place of what was kept."""
        sha256 = _sha256(self.part_path)
        path = self.folder / f"{self.stem}.{sha256[:12]}"
        size = self.part_path.stat().st_size
        self.part_path.replace(path)
        fetched = Fetched(
            path=path,
            url=url,
            final_url=version.final_url,
            etag=version.etag,
            last_modified=version.last_modified,
            bytes=size,
            sha256=sha256,
            day=clock.today(),
        )
        self._record(fetched)
        self.part_record_path.unlink(missing_ok=True)
        for old in self.folder.glob(f"{self.stem}.????????????"):
            if old != path and not old.name.endswith((".part", ".json", ".lock")):
                old.unlink(missing_ok=True)
        return fetched

    def keep_again(self, kept: Fetched, final_url: str) -> Fetched:
        """Note that what is kept is still the newest."""
        fresh = replace(kept, final_url=final_url, day=clock.today())
        self._record(fresh)
        return fresh

    def _record(self, fetched: Fetched) -> None:
        record = {**asdict(fetched), "file": fetched.path.name, "day": fetched.day.isoformat()}
        del record["path"]
        _write(self.record_path, record)

    def part(self) -> Part | None:
        """Return the beginning that a download may go on from."""
        try:
            record = json.loads(self.part_record_path.read_text("utf-8"))
            size = self.part_path.stat().st_size
            validator = str(record["validator"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return Part(size, validator) if size and validator else None

    @contextmanager
    def write_part(self, version: Version, start: int) -> Iterator[IO[bytes]]:
        """Open the beginning to write on, from a byte on."""
        if start == 0:
            self.drop_part()
        with self.part_path.open("ab" if start else "wb") as out:
            _write(self.part_record_path, {"validator": version.validator})
            yield out

    def drop_part(self) -> None:
        """Forget the beginning: it cannot be gone on with."""
        self.part_record_path.unlink(missing_ok=True)
        self.part_path.unlink(missing_ok=True)


def _write(path: Path, record: dict[str, Any]) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_text(json.dumps(record, ensure_ascii=False, indent=1), "utf-8")
    new.replace(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
