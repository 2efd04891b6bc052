"""A territory in memory, and the one gate through which a release enters.

Hides how a release is read, checked and indexed. :meth:`Territory.load` reads every file that the
catalog describes, gathers every problem it finds and refuses the release whole when there is one.
"""

from __future__ import annotations

import datetime as dt
import difflib
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_matcher.catalog import CATALOG_FILE, Catalog, file_sha256
from geo_matcher.errors import DataError, UnknownCommuneError
from geo_matcher.release_store import held_release
from geo_matcher.tables import empty_table, read_table
from geo_matcher.territory_file import (
    TERRITORY_FILE,
    TerritoryFile,
    read_territory_file,
)
from geo_matcher.towns import in_service

__all__ = [
    "LAMBERT_93",
    "SCOPES",
    "WGS_84",
    "Territory",
    "fold",
    "release_day",
]

LAMBERT_93 = "EPSG:2154"
"""CRS in which lengths and areas are measured (metres; mainland France and Corsica)."""

WGS_84 = "EPSG:4326"
"""CRS of exchange and of the web (degrees, longitude first)."""

SCOPES = ("partners", "network", "all")
"""Sets of communes that a ranking can be restricted to."""

NOT_TABLES = ("README.md", CATALOG_FILE)
MAX_SUGGESTIONS = 3


def fold(text: str) -> str:
    """Return a text without accents, case, apostrophes and hyphens, for comparison."""
    plain = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "oe"))
    letters = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    return " ".join("".join(c if c.isalnum() else " " for c in letters).split())


@dataclass(frozen=True, eq=False)
class Territory:
    """A release in memory: communes, figures, places, membership and provenance.

    Attributes
    ----------
    folder
        Where it was read from.
    catalog
        Provenance of every table.
    about
        What the release is about: names, towns, network.
    communes
        One row per commune, index ``insee_code`` sorted, geometry in EPSG:4326.
    indicators
        Figures of each commune, same index.
    minutes, minutes_low
        Minutes to each destination (columns) from each commune (same index); ``minutes_low`` is
        given only where ``minutes`` is an upper bound.
    tables
        Every table of the release by name, as read.
    parameters
        What the build chose: see ``derived/parameters.toml``.
    """

    folder: Path
    catalog: Catalog
    about: TerritoryFile
    communes: gpd.GeoDataFrame
    indicators: pd.DataFrame
    minutes: pd.DataFrame
    minutes_low: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    parameters: Mapping[str, Any]

    @classmethod
    def load(cls, folder: Path) -> Territory:
        """Read and check a release.

        Parameters
        ----------
        folder
            The release, for instance ``data/communes``; or a store of releases
            (:mod:`geo_matcher.release_store`), of which the one in service is read.

        Raises
        ------
        DataError
            If anything is wrong; every problem found is in ``problems``.
        StoreError
            If a store cannot be followed.
        """
        with held_release(folder) as held:
            return cls._checked(held)

    @classmethod
    def _checked(cls, folder: Path) -> Territory:
        from geo_matcher.gate import check_release

        catalog = Catalog.read(folder)
        problems: list[str] = []
        tables: dict[str, pd.DataFrame] = {}
        parameters: dict[str, Any] = {}
        about: TerritoryFile | None = None
        try:
            about = read_territory_file(folder)
        except DataError as error:
            problems += error.problems
        for table in catalog.tables:
            file = folder / table.path
            if not file.is_file():
                problems.append(f"{table.path} is in the catalog but absent from {folder}")
                continue
            if file_sha256(file) != table.sha256:
                problems.append(
                    f"{table.path} is not the file that the catalog describes (its SHA-256 "
                    "differs). Run `geo-matcher data build` after a wanted change"
                )
            try:
                if table.path == TERRITORY_FILE:
                    continue
                if file.suffix == ".toml":
                    parameters = tomllib.loads(file.read_text(encoding="utf-8"))
                else:
                    tables[table.name] = read_table(folder, table.path, table.name)
            except DataError as error:
                problems += error.problems
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                problems.append(f"{table.path} is not valid TOML: {error}")
        problems += [
            f"{path} is not in the catalog; describe it there or remove it"
            for path in _undescribed(folder, catalog)
        ]
        if about is not None:
            problems += check_release(catalog, tables, about)
        if problems or about is None:
            count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
            raise DataError(
                f"The release in {folder} is refused ({count}): " + "; ".join(problems), problems
            )
        with in_service(about):
            return cls._indexed(folder, catalog, about, tables, parameters)

    @classmethod
    def _indexed(
        cls,
        folder: Path,
        catalog: Catalog,
        about: TerritoryFile,
        tables: dict[str, pd.DataFrame],
        parameters: dict[str, Any],
    ) -> Territory:
        communes = tables["communes"].set_index("insee_code", drop=False).sort_index()
        communes.index.name = None
        order = communes.index
        times = tables["travel_times"]
        wide = {
            column: times.pivot(index="insee_code", columns="destination", values=column)
            .reindex(order)
            .astype(np.float64)
            for column in ("minutes", "minutes_low")
        }
        return cls(
            folder=folder,
            catalog=catalog,
            about=about,
            communes=gpd.GeoDataFrame(communes),
            indicators=tables["indicators"].set_index("insee_code").reindex(order),
            minutes=wide["minutes"],
            minutes_low=wide["minutes_low"],
            tables=tables,
            parameters=parameters,
        )

    @property
    def release_id(self) -> str:
        """Name of the release, derived from its content."""
        return self.catalog.release_id

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """INSEE codes of the communes, sorted."""
        return tuple(self.communes.index)

    @property
    def places(self) -> pd.DataFrame:
        """Every place, one row each, positions in EPSG:4326."""
        return self.tables["places"]

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of the release; one without rows where the release does not hold it."""
        return self.tables[name] if name in self.tables else empty_table(name)

    @cached_property
    def _current_members(self) -> pd.DataFrame:
        """Members that have not left by the last day of the release's vintage.

        No list holds a member to come: the network's own is refused with a date in the future.
        """
        members = self.tables["membership"]
        day = release_day(self.catalog.vintage).isoformat()
        return members[(members["valid_to"] == "") | (members["valid_to"] >= day)]

    def members(self, group: str) -> pd.DataFrame:
        """Return the communes of a group (``partner`` or ``network``) and how we know."""
        members = self._current_members
        return members[members["group"] == group].set_index("insee_code")

    @cached_property
    def partner_evidence(self) -> Mapping[str, str]:
        """``sourced`` or ``reconstructed`` for each partner village, by INSEE code."""
        evidence = self.members("partner")["evidence"]
        return {str(code): str(how) for code, how in evidence.items()}

    @cached_property
    def _scopes(self) -> dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
        index = self.communes.index
        return {
            "partners": np.asarray(index.isin(self.members("partner").index)),
            "network": np.asarray(index.isin(self.members("network").index)),
            "all": np.ones(len(index), dtype=np.bool_),
        }

    def in_scope(self, scope: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Tell, for each commune in order, whether it belongs to a scope.

        Raises
        ------
        DataError
            If the scope is not one of ``SCOPES``.
        """
        try:
            return self._scopes[scope]
        except KeyError:
            message = f"Unknown scope {scope!r}: expected one of {', '.join(SCOPES)}."
            raise DataError(message) from None

    @cached_property
    def facts(self) -> list[dict[str, Any]]:
        """What every answer says of each commune, in order: code, name, EPCI, size, membership."""
        evidence = self.partner_evidence
        network = set(self.members("network").index)
        columns = self.communes[["insee_code", "name", "epci_name", "population"]]
        return [
            {
                "insee_code": code,
                "name": name,
                "epci": epci,
                "population": int(population),
                "partner": code in evidence,
                "evidence": evidence.get(code),
                "network": code in network,
            }
            for code, name, epci, population in columns.itertuples(index=False)
        ]

    @cached_property
    def _folded_names(self) -> dict[str, list[str]]:
        folded: dict[str, list[str]] = {}
        for code, name in self.communes["name"].items():
            folded.setdefault(fold(name), []).append(str(code))
        return folded

    def find(self, code_or_name: str) -> str:
        """Return the INSEE code of the commune with this code or name.

        Parameters
        ----------
        code_or_name
            An INSEE code, or a name in which accents, case and hyphens do not matter.

        Raises
        ------
        UnknownCommuneError
            If there is none, or several; what looks alike is suggested.
        """
        asked = code_or_name.strip()
        if asked.upper() in self.communes.index:
            return asked.upper()
        codes = self._folded_names.get(fold(asked), [])
        if len(codes) == 1:
            return codes[0]
        if codes:
            named = f"{asked!r} is the name of {len(codes)} communes"
            message = f"{named}: {', '.join(codes)}. Give the code."
            raise UnknownCommuneError(message, codes)
        near = difflib.get_close_matches(
            fold(asked), self._folded_names, n=MAX_SUGGESTIONS, cutoff=0.6
        )
        names = [str(self.communes.at[self._folded_names[n][0], "name"]) for n in near]
        near_ones = f" Did you mean {', '.join(names)}?"
        hint = near_ones if names else " Check its spelling, or give its INSEE code."
        message = (
            f"No commune of this release ({self.catalog.name_en}, {len(self.codes)} communes) has "
            f"the INSEE code or name {asked[:60]!r}.{hint}"
        )
        raise UnknownCommuneError(message, names)


def release_day(vintage: str) -> dt.date:
    """Return the last day of a vintage written ``YYYY-MM``."""
    year, month = (int(part) for part in vintage.split("-"))
    first_of_next = dt.date(year + month // 12, month % 12 + 1, 1)
    return first_of_next - dt.timedelta(days=1)


def _undescribed(folder: Path, catalog: Catalog) -> list[str]:
    described = {table.path for table in catalog.tables} | set(NOT_TABLES)
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if path not in described)
