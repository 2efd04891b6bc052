"""The newest edition of what a producer puts at another address each time.

Hides how it is found: addresses that name their year are tried from the newest that may be, and the
pages of data.gouv.fr list their files. A build takes the first that is there; whether a release has
it is asked in the same order. Where a list or a guessed address cannot be asked, what is known is
taken, and the table says so.
"""

from __future__ import annotations

import json
from dataclasses import replace

from geo_matcher import clock
from geo_matcher.errors import AbsentFileError, SourceError
from geo_matcher.sources.source import Edition, Editions, Fetch, Fetched

__all__ = ["files_listed", "listing_url", "newer_note", "newest"]


def newest(
    fetch: Fetch, editions: Editions, departement: str, *, expected: str, source: str
) -> tuple[Edition, tuple[Fetched, ...]]:
    """Return the first edition whose files are all there, and the files.

    Parameters
    ----------
    fetch
        Brings the files.
    editions
        Says where they may be, newest first.
    departement
        Code of the département, for producers with a file for each.
    expected
        What each file must be.
    source
        How messages call the producer and its data.

    Returns
    -------
    tuple
        The edition, which says whether a newer one could not be asked for, and its files.

    Raises
    ------
    SourceError
        If a file cannot be had; :class:`AbsentFileError` if no edition is there.
    """
    tried: list[str] = []
    told = "no address is known"
    problem: SourceError | None = None
    for edition in editions(fetch, departement, clock.today()):
        try:
            if edition.problem:
                raise SourceError(edition.problem)
            files = tuple(fetch(url, expected=expected) for url in edition.urls)
        except AbsentFileError as error:
            tried.append(edition.name)
            told = str(error)
        except SourceError as error:
            if not (edition.is_guess or edition.problem):
                raise
            problem = problem or error
        else:
            return replace(edition, is_newer_unknown=problem is not None), files
    if problem is not None:
        raise problem
    raise AbsentFileError(
        f"{source}: no edition of {', '.join(tried)} can be had; the last: {told}"
    )


def newer_note(edition: Edition, language: str, of: str = "") -> str:
    """Say that what may be newer could not be asked for, to stand after a note; or nothing.

    Parameters
    ----------
    edition
        What was taken.
    language
        ``fr`` or ``en``.
    of
        What it is an edition of, where the table holds more than that.
    """
    if not edition.is_newer_unknown:
        return ""
    name = f"{edition.name} ({of})" if of else edition.name
    if language == "fr":
        return (
            f" À la lecture, impossible de savoir s’il y a plus récent que {name} : le serveur "
            "qui le dit ne répondait pas."
        )
    return (
        f" When it was read, whether there is anything newer than {name} could not be asked: the "
        "server that tells did not answer."
    )


def listing_url(page: str) -> str:
    """Return the address of the list of files of a page of data.gouv.fr, by its short name."""
    return f"https://www.data.gouv.fr/api/1/datasets/{page}/"


def files_listed(fetch: Fetch, page: str, source: str) -> list[str]:
    """Return the addresses of the files of a page of data.gouv.fr; none where there is no page.

    Raises
    ------
    SourceError
        If the list cannot be had or is none.
    """
    try:
        listing = fetch(listing_url(page), expected="json")
    except AbsentFileError:
        return []
    try:
        return [str(one["url"]) for one in json.loads(listing.path.read_bytes())["resources"]]
    except (ValueError, KeyError, TypeError):
        raise SourceError(
            f"{source}: {listing.url} is no list of files of data.gouv.fr. Try again later."
        ) from None
