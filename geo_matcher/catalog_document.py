"""The catalog of a release as a text that a program changes.

Hides how a catalog is written: one entry for each file, in the order that is there, with the
comments and what people wrote left as they are.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import AoT

from geo_matcher.catalog import CATALOG_FILE
from geo_matcher.sources.licences import LICENCE_OUVERTE
from geo_matcher.sources.source import Origin

__all__ = ["CatalogDocument", "own_path"]

WORD = r"\w+"
MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


class CatalogDocument:
    """What the catalog of a release says; nothing is on the disk before it is written.

    Parameters
    ----------
    folder
        The release.
    document
        The catalog as tomlkit parses it.
    """

    def __init__(self, folder: Path, document: Any) -> None:
        self._folder = folder
        self._document = document

    @classmethod
    def read(cls, folder: Path) -> CatalogDocument:
        """Read the catalog of a release with its comments and order; it takes long to parse.

        Parameters
        ----------
        folder
            The release.
        """
        return cls(folder, tomlkit.parse((folder / CATALOG_FILE).read_text(encoding="utf-8")))

    @classmethod
    def begin(cls, folder: Path, comment: str, release: Mapping[str, str | int]) -> CatalogDocument:
        """Begin the catalog of a new release, which describes no file yet.

        Parameters
        ----------
        folder
            The release.
        comment
            Its first line.
        release
            What it says of the release as a whole.
        """
        document = tomlkit.document()
        document.add(tomlkit.comment(comment))
        document["release"] = dict(release)
        document["table"] = tomlkit.aot()
        return cls(folder, document)

    def write(self) -> None:
        """Put the catalog into the release."""
        text = tomlkit.dumps(self._document)
        (self._folder / CATALOG_FILE).write_text(text, encoding="utf-8")

    def describe(self, name: str, origin: Origin, *, path: str, kind: str = "source") -> None:
        """Describe a file; the order of the others and their comments are kept.

        Parameters
        ----------
        name
            The table that the file holds.
        origin
            Where it comes from.
        path
            Where a new file lies in the release; one that is described already stays there.
        kind
            Whether a new file is a source or derived.
        """
        tables = self._document.get("table")
        if not isinstance(tables, AoT):
            tables = tomlkit.aot()
            self._document["table"] = tables
        entry: Any = next((known for known in tables if known["name"] == name), None)
        words = asdict(origin)
        written = "" if entry is None else str(entry.get("complete_kinds", ""))
        kinds = [*re.findall(WORD, written), *re.findall(WORD, origin.complete_kinds)]
        words["complete_kinds"] = ", ".join(dict.fromkeys(kinds))  # what people wrote there stays
        if not kinds:
            del words["complete_kinds"]
        if not origin.given_kinds:
            del words["given_kinds"]
            if entry is not None and "given_kinds" in entry:
                del entry["given_kinds"]
        if entry is None:
            entry = tomlkit.table()
            tables.append(entry)
            entry.update({"name": name, "path": path, "kind": kind})
            entry.update(words)
            entry.update({"rows": 0, "bytes": 0, "sha256": ""})
        else:
            entry.update(words)

    def describe_own(self, name: str) -> None:
        """Describe a file that the program writes itself.

        Parameters
        ----------
        name
            The table that the file holds.
        """
        entry = _own_entries()[name]
        words = {key: entry[key] for key in entry.keys() - {"name", "path", "kind"}}
        origin = Origin(
            producer="geo_matcher",
            vintage=str(self._document["release"]["vintage"]),
            **LICENCE_OUVERTE,
            url="",
            **words,
        )
        self.describe(name, origin, path=entry["path"], kind=entry["kind"])

    def renew_vintage(self, vintages: Iterable[str]) -> None:
        """Let the release, and what is derived in it, be as new as the newest of its tables.

        Parameters
        ----------
        vintages
            Those of tables that were made new; one that does not begin with a month is passed over.
        """
        release = self._document["release"]
        months = [month.group() for vintage in vintages if (month := MONTH.match(vintage))]
        newest = max([str(release["vintage"]), *months])
        if newest == release["vintage"]:
            return
        release["vintage"] = newest
        for entry in self._document["table"]:
            if entry["kind"] == "derived":
                entry["vintage"] = newest


def own_path(name: str) -> str:
    """Return where a file that the program writes itself lies in a release.

    Parameters
    ----------
    name
        The table that the file holds.
    """
    return _own_entries()[name]["path"]


@cache
def _own_entries() -> dict[str, dict[str, str]]:
    file = resources.files("geo_matcher") / "assets" / "own_tables.toml"
    return {entry["name"]: entry for entry in tomllib.loads(file.read_text("utf-8"))["table"]}
