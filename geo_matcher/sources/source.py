"""What a source of data is asked for, and what it gives.

Hides what all producers have in common: a département with its surroundings, and tables that carry
where they come from. One module per producer gives a :class:`Source`; none of them knows how a file
is downloaded, nor what a build does with the tables.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import geopandas as gpd
import pandas as pd

from geo_matcher.errors import CrsError
from geo_matcher.sources.municipal_districts import districts_of, whole_city
from geo_matcher.territory import LAMBERT_93, WGS_84

__all__ = [
    "MAX_ABSENT_SHARE",
    "Area",
    "Edition",
    "Editions",
    "Fetch",
    "Fetched",
    "Origin",
    "Source",
    "SourceTable",
]

MAX_ABSENT_SHARE = 0.5
"""Share of the communes up to which a file may know nothing of them: an island, a commune made
since. A file that knows fewer is of other communes, or writes their codes in another way."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that has been downloaded, or was kept from an earlier time.

    Attributes
    ----------
    path
        Where it is on this machine; it is not to be changed.
    url, final_url
        The address that was asked for, and the one that answered after redirects.
    etag, last_modified
        What the server said of the version, empty where it said nothing.
    bytes, sha256
        Size and checksum of the file.
    day
        When it was last known to be the newest.
    """

    path: Path
    url: str
    final_url: str
    etag: str
    last_modified: str
    bytes: int
    sha256: str
    day: dt.date

    @property
    def name(self) -> str:
        """Name of the file for people: the last part of its address, without the query."""
        path = urlsplit(self.url).path.rstrip("/")
        return unquote(path.rsplit("/", 1)[-1]) or self.url


class Fetch(Protocol):
    """Brings the file behind an address, from the network or from what is kept."""

    def __call__(self, url: str, *, expected: str) -> Fetched:
        """Return the file.

        Parameters
        ----------
        url
            The address; redirects are followed.
        expected
            What the file must be: ``csv``, ``json``, ``zip``, ``gzip``, ``xlsx``, ``parquet``. A
            page of HTML in its place is refused.

        Raises
        ------
        SourceError
            If it cannot be had whole, in time and as expected.
        """


@dataclass(frozen=True, slots=True)
class Edition:
    """An edition of a producer's files that stand at addresses of their own.

    Attributes
    ----------
    name
        Its year, or the last day that it is about, ISO.
    urls
        Address of each of its files; none where it could not be asked.
    is_guess
        Whether an older one, whose address is known, may be taken where it cannot be asked for.
    problem
        Why the list that names its files cannot be had, empty where it can.
    is_newer_unknown
        Whether it was taken because a newer one could not be asked for.
    """

    name: str
    urls: tuple[str, ...]
    is_guess: bool = False
    problem: str = ""
    is_newer_unknown: bool = False


class Editions(Protocol):
    """Says where the editions of a source may be, newest first."""

    def __call__(self, fetch: Fetch, departement: str, today: dt.date, /) -> Iterable[Edition]:
        """Return editions, whether they are out or not, from the newest that may be.

        Parameters
        ----------
        fetch
            Brings the lists of files that some producers keep.
        departement
            Code of the département, for producers with a file for each.
        today
            No edition is of a later day.
        """


@dataclass(frozen=True)
class Area:
    """The département that a release is made of, and what lies around it.

    Attributes
    ----------
    departement
        Its code, for instance ``32``, ``2A``.
    communes
        Communes of the release: columns of the table ``communes_source``, EPSG:4326, sorted by
        code.
    town_halls
        Town halls of these and of all communes around: columns of the table ``town_halls``.
    merged
        Present code of each former commune of France, by its former code.
    """

    departement: str
    communes: gpd.GeoDataFrame
    town_halls: pd.DataFrame
    merged: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """INSEE codes of the communes of the release, sorted."""
        return tuple(sorted(self.communes["insee_code"]))

    @cached_property
    def known_codes(self) -> frozenset[str]:
        """INSEE codes of these and of the communes around."""
        return frozenset(self.town_halls["insee_code"])

    @cached_property
    def asked_codes(self) -> frozenset[str]:
        """Codes under which a producer may speak of the communes: present, former, districts."""
        return self.with_former(self.codes)

    def current(self, codes: pd.Series) -> pd.Series:
        """Return the commune that each code now belongs to: a district to its city.

        A code that was never merged stays as it is.
        """
        return codes.map(lambda code: self.merged.get(whole_city(code), whole_city(code)))

    def is_own_figure(self, codes: pd.Series) -> pd.Series:
        """Tell which rows of a file hold a figure of a present commune as it is today.

        A file that still knows a commune which has merged since tells, under the code of the
        seat, the figure of the former commune there: neither that row nor those of the former
        communes speak of the present one. Counts can be added up; medians and rates cannot.

        Parameters
        ----------
        codes
            Codes of the rows, as the file gives them.
        """
        current = self.current(codes)
        merged_since = set(current[current != codes.map(whole_city)])
        return (current == codes) & ~current.isin(merged_since)

    def named(self, codes: Collection[str]) -> str:
        """Return communes of the release for people: names with their code, in code order."""
        names = dict(zip(self.communes["insee_code"], self.communes["name"], strict=True))
        return ", ".join(f"{names[code]} ({code})" for code in sorted(codes))

    def with_former(self, codes: Collection[str]) -> frozenset[str]:
        """Return codes of communes with those of former communes and districts now in them."""
        wanted = frozenset(codes)
        former = {former for former, code in self.merged.items() if code in wanted}
        return wanted | former | {district for code in wanted for district in districts_of(code)}

    def box(self, margin_km: float) -> tuple[float, float, float, float]:
        """Return the bounding box of the communes, wider by some km on each side.

        Returns
        -------
        tuple of float
            West, south, east, north in degrees, EPSG:4326.

        Raises
        ------
        CrsError
            If the communes are not in EPSG:4326.
        """
        if self.communes.crs is None or self.communes.crs.to_epsg() != 4326:
            raise CrsError(f"The communes of an area must be in {WGS_84}.")
        corners = gpd.GeoSeries.from_wkt(
            [self.communes.to_crs(LAMBERT_93).union_all().envelope.wkt], crs=LAMBERT_93
        ).buffer(margin_km * 1000, join_style="mitre")
        west, south, east, north = corners.to_crs(WGS_84).total_bounds
        return float(west), float(south), float(east), float(north)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a table comes from: the fields of ``catalog.toml`` that people write."""

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
    note_fr: str = ""
    note_en: str = ""
    complete_kinds: str = ""
    given_kinds: str = ""


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A source table of a release, in the shape of its schema, and the files it was read from."""

    name: str
    frame: pd.DataFrame
    origin: Origin
    files: tuple[Fetched, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A producer of data.

    Attributes
    ----------
    name
        How ``--with`` and messages call it.
    producer
        Its name for people.
    tables
        Tables of a release that it can give.
    collect
        Asks for its files and reads them for an area.
    editions
        Where its editions may be; None where one address always gives the newest.
    stop
        Lets a ``collect`` that waits in another thread end at once, for who is interrupted.
    """

    name: str
    producer: str
    tables: tuple[str, ...]
    collect: Callable[[Fetch, Area], tuple[SourceTable, ...]]
    editions: Editions | None = None
    stop: Callable[[], None] = lambda: None
