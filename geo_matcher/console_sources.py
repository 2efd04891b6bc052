"""What the commands that go to the sources share: their options, and how they ask.

Hides how a fetcher is made from options, and that the map's answers are kept beside the downloads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from geo_matcher.console_progress import DownloadBars

if TYPE_CHECKING:  # whoever serves a release does not pay for reading the files of producers
    from geo_matcher.sources.fetching import Fetcher, Limits
    from geo_matcher.sources.kept_map import KeptOverpass

__all__ = [
    "CacheOption",
    "OfflineOption",
    "OutlinesOption",
    "OverpassOption",
    "RoadsOption",
    "StrictOption",
    "WithOption",
    "WorkplacesOption",
    "fetcher",
    "overpass_service",
]

RoadsOption = Annotated[
    str | None,
    typer.Option(
        help="Roads for the travel times: `osm` downloads those of OpenStreetMap, FILE.osm.pbf "
        "reads an extract, `none` goes back to the town-hall network. Without this option the "
        "roads of the release, if any, are kept.",
        show_default=False,
    ),
]
OverpassOption = Annotated[
    str, typer.Option(help="Overpass service that is asked for roads and places.")
]
WithOption = Annotated[
    str | None,
    typer.Option(
        "--with",
        help="Only these sources, by their name or that of a table, with commas; `roads` is "
        "those of OpenStreetMap, and `communes` renews the communes themselves.",
        show_default=False,
    ),
]
WorkplacesOption = Annotated[
    Path | None,
    typer.Option(
        help="Your list of places to work, CSV, completed by OpenStreetMap.", show_default=False
    ),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="Refuse when a source gives nothing.")]
OutlinesOption = Annotated[
    Path | None,
    typer.Option(
        help="Outlines of communes in place of those downloaded: ADMIN EXPRESS, GeoPackage.",
        show_default=False,
    ),
]
OfflineOption = Annotated[
    bool, typer.Option("--offline", help="Read the files kept from an earlier time; ask nobody.")
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        "--cache", help="Folder of downloaded files; by default your cache folder.",
        show_default=False,
    ),
]  # fmt: skip


@contextmanager
def fetcher(
    cache: Path | None, *, is_offline: bool, limits: Limits | None = None
) -> Iterator[Fetcher]:
    """Give a fetcher that shows its downloads as bars, and tells what it tries again.

    Parameters
    ----------
    cache
        Folder of the kept files; None is the user's.
    is_offline
        Ask nobody.
    limits
        Other bounds than those of a build.
    """
    from geo_matcher.sources.fetching import Fetcher

    made = Fetcher if limits is None else partial(Fetcher, limits=limits)
    with (
        DownloadBars() as bars,
        made(cache, progress=bars, tell=bars.tell, is_offline=is_offline) as fetch,
    ):
        yield fetch


def overpass_service(url: str, cache: Path | None, *, is_offline: bool) -> KeptOverpass:
    """Return the OpenStreetMap service, whose answers are kept beside the downloads.

    Parameters
    ----------
    url
        Its address.
    cache
        Folder of the kept files; None is the user's.
    is_offline
        Ask nobody.
    """
    from geo_matcher.sources.fetching import cache_folder
    from geo_matcher.sources.kept_map import KeptOverpass

    return KeptOverpass(url=url, folder=cache or cache_folder(), is_offline=is_offline)
