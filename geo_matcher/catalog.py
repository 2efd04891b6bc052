"""Where each table of a release comes from.

Hides the form of ``catalog.toml``: callers see frozen :class:`Table` and :class:`Catalog` values.
The catalog is written by people (titles, producers, licences, traps) and completed by the build
(rows, bytes, checksums), which keeps the comments and the order.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import tomlkit
from tomlkit.items import AoT

from geo_matcher.errors import DataError

__all__ = [
    "AND",
    "CATALOG_FILE",
    "Catalog",
    "Gap",
    "Mend",
    "Table",
    "complete_catalog",
    "file_sha256",
    "provenance_in",
]

CATALOG_FILE = "catalog.toml"
KINDS = ("source", "derived")
QUALITIES = ("measured", "declared", "estimated")
MEND_RULES = ("fill_hole", "area_incomplete")
RELEASE_ID_DIGITS = 12
VINTAGE = r"\d{4}-(0[1-9]|1[0-2])"


OWN_WORDS_FR: Mapping[str, str] = MappingProxyType(
    {
        "given by the network for this service": "donné par le réseau pour ce service",
        "given for this service": "fourni pour ce service",
        "network of the territory": "réseau du territoire",
        "town halls and advisers of the network": "mairies et conseillers du réseau",
        "see valid_from": "voir la date de chaque commune",
        "see day": "voir la date de chaque correction",
        "n.d.": "sans date",
    }
)
"""What the program itself writes for a producer, a vintage or a licence, in French."""

AND = " ; "
"""Between the producers, licences or credits of a table that has several."""


def provenance_in(language: str, text: str) -> str:
    """Return a producer, a vintage or a licence for people who read a language.

    Names of producers and of licences stay as they are.

    Parameters
    ----------
    language
        ``fr`` or ``en``.
    text
        As the catalog has it.
    """
    if language != "fr":
        return text
    return AND.join(OWN_WORDS_FR.get(part, part) for part in text.split(AND))


@dataclass(frozen=True, slots=True)
class Table:
    """Provenance of one file of a release; see ``data/communes/README.md`` for the fields."""

    name: str
    path: str
    kind: str
    title_fr: str
    title_en: str
    producer: str
    vintage: str
    licence: str
    licence_url: str
    url: str
    quality: str
    credit_fr: str
    credit_en: str
    note_fr: str
    note_en: str
    rows: int
    bytes: int
    sha256: str
    complete_kinds: str = ""
    given_kinds: str = ""

    @property
    def kinds_listed_whole(self) -> tuple[str, ...]:
        """Kinds of places of which this table names all that there are, be there none."""
        return _words(self.complete_kinds)

    @property
    def kinds_given(self) -> tuple[str, ...]:
        """Kinds of places that people gave for this release, in place of the source's."""
        return _words(self.given_kinds)


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that people ask about and that the release does not hold."""

    subject: str
    text_fr: str
    text_en: str


@dataclass(frozen=True, slots=True)
class Mend:
    """A known fault of a source, and what the build does about it.

    Attributes
    ----------
    rule
        ``fill_hole``: the hole that the outlines leave in the département belongs to this commune;
        ``area_incomplete``: its area, hence its density, is not known.
    insee_code
        The commune.
    text_fr, text_en
        What people are told.
    """

    rule: str
    insee_code: str
    text_fr: str
    text_en: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """Provenance of a whole release.

    Attributes
    ----------
    territory, name_fr, name_en, vintage, cog_year
        What the release is about and when; ``territory.toml`` says the rest.
    communes
        Count that the release must hold.
    tables, gaps, mends
        One :class:`Table` per file; one :class:`Gap` per subject that is absent; one :class:`Mend`
        per known fault of a source.
    """

    territory: str
    name_fr: str
    name_en: str
    vintage: str
    cog_year: int
    communes: int
    tables: tuple[Table, ...]
    gaps: tuple[Gap, ...]
    mends: tuple[Mend, ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Catalog:
        """Read ``catalog.toml`` of a release.

        Raises
        ------
        DataError
            If the file is absent, is not TOML, or lacks or adds a key; all problems are listed.
        """
        path = folder / CATALOG_FILE
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            message = (
                f"{folder} holds no {CATALOG_FILE}, so it is not a data release. "
                "Give the folder of a release, for example data/communes."
            )
            raise DataError(message) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            message = f"{path} is not valid TOML: {error}. Restore it from the last good release."
            raise DataError(message) from None
        problems: list[str] = []
        release = raw.get("release")
        if not isinstance(release, dict):
            problems.append("catalog.toml: table [release] is missing")
            release = {}
        own = {f.name: f.type for f in fields(cls) if f.name not in {"tables", "gaps", "mends"}}
        problems += _key_problems("[release]", release, own)
        vintage = release.get("vintage")
        if isinstance(vintage, str) and not re.fullmatch(VINTAGE, vintage):
            problems.append(
                f"catalog.toml: [release] vintage = {vintage!r} must be a year and a month, "
                "for example '2026-06'"
            )
        tables = _entries(raw, "table", Table, problems)
        gaps = _entries(raw, "gap", Gap, problems)
        mends = _entries(raw, "mend", Mend, problems)
        problems += [
            f"catalog.toml: [[mend]] {mend.insee_code}: rule {mend.rule!r} is not in {MEND_RULES}"
            for mend in mends
            if mend.rule not in MEND_RULES
        ]
        for name in sorted({t.name for t in tables if sum(u.name == t.name for u in tables) > 1}):
            problems.append(f"catalog.toml: table {name} is described twice")
        for table in tables:
            if table.kind not in KINDS:
                problems.append(
                    f"catalog.toml: {table.name}: kind {table.kind!r} is not in {KINDS}"
                )
            if table.quality not in QUALITIES:
                problems.append(
                    f"catalog.toml: {table.name}: quality {table.quality!r} is not in {QUALITIES}"
                )
        if problems:
            raise DataError("The catalog cannot be used: " + "; ".join(problems), problems)
        return cls(**release, tables=tuple(tables), gaps=tuple(gaps), mends=tuple(mends))

    def __getitem__(self, name: str) -> Table:
        """Return the table of this name."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    def mended(self, rule: str) -> frozenset[str]:
        """Return the INSEE codes of the communes that a rule mends."""
        return frozenset(mend.insee_code for mend in self.mends if mend.rule == rule)

    def __contains__(self, name: object) -> bool:
        """Tell whether a table of this name is described."""
        return any(table.name == name for table in self.tables)

    @property
    def release_id(self) -> str:
        """Name of the release: territory, vintage and the first digits of a hash of its content."""
        digest = hashlib.sha256()
        for table in sorted(self.tables, key=lambda t: t.path):
            digest.update(f"{table.path}\0{table.sha256}\n".encode())
        return f"{self.territory}-{self.vintage}-{digest.hexdigest()[:RELEASE_ID_DIGITS]}"


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in re.split(r"[,\s]+", text) if word)


Entry = TypeVar("Entry", Table, Gap, Mend)


def _key_problems(
    where: str,
    found: Mapping[str, Any],
    wanted: Mapping[str, Any],
    optional: Collection[str] = (),
) -> list[str]:
    problems = [
        f"catalog.toml: {where} lacks {key!r}"
        for key in wanted
        if key not in found and key not in optional
    ]
    problems += [
        f"catalog.toml: {where} has unknown key {key!r}" for key in found if key not in wanted
    ]
    for key, kind in wanted.items():
        expected = int if kind == "int" else str
        if key in found and type(found[key]) is not expected:
            problems.append(
                f"catalog.toml: {where} {key} = {found[key]!r} must be {expected.__name__}"
            )
    return problems


def _entries(
    raw: Mapping[str, Any], key: str, cls: type[Entry], problems: list[str]
) -> list[Entry]:
    wanted = {f.name: f.type for f in fields(cls)}
    optional = {f.name for f in fields(cls) if f.default is not MISSING}
    entries = raw.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.append(f"catalog.toml: {key} must be an array of tables, written [[{key}]]")
        return []
    good = []
    for number, entry in enumerate(entries, start=1):
        where = f"[[{key}]] {entry.get('name', entry.get('subject', number))}"
        found = _key_problems(where, entry, wanted, optional)
        problems += found
        if not found:
            good.append(cls(**entry))
    return good


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def complete_catalog(folder: Path, rows: Mapping[str, int]) -> None:
    """Write rows, bytes and checksums of the files of a release into its catalog.

    Parameters
    ----------
    folder
        The release. Its catalog describes each table by hand; comments and order are kept.
    rows
        Number of rows of each table, by name.

    Raises
    ------
    DataError
        If a described file is absent, or no rows are given for a described table.
    """
    path = folder / CATALOG_FILE
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    problems = []
    tables = document.get("table")
    if not isinstance(tables, AoT):
        raise DataError("catalog.toml: table must be an array of tables, written [[table]]")
    for entry in tables:
        file = folder / str(entry["path"])
        if not file.is_file():
            problems.append(f"{entry['path']} is described in the catalog but absent")
            continue
        if entry["name"] not in rows:
            problems.append(f"{entry['path']} is described in the catalog but nothing makes it")
            continue
        entry["rows"] = rows[str(entry["name"])]
        entry["bytes"] = file.stat().st_size
        entry["sha256"] = file_sha256(file)
    if problems:
        raise DataError("The catalog cannot be completed: " + "; ".join(problems), problems)
    path.write_text(tomlkit.dumps(document), encoding="utf-8")
