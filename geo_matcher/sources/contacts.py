"""How to reach each town hall: the directory of the administration (DILA).

Hides the layout of the directory, where lists are texts of JSON inside the cells, and which of
several counters of a commune is its town hall. Everything in it was typed by somebody: what does
not look like an address, a number or a page is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

import pandas as pd

from geo_matcher.errors import SourceError
from geo_matcher.sources.source import Fetch, Fetched

__all__ = ["CONTACTS_URL", "CONTACT_COLUMNS", "contacts_of"]

CONTACTS_URL = (
    "https://api-lannuaire.service-public.gouv.fr/api/explore/v2.1/catalog/datasets/"
    "api-lannuaire-administration/exports/json"
    "?where=pivot%20LIKE%20%22mairie%22"
    "&select=nom,pivot,code_insee_commune,adresse,telephone,adresse_courriel,site_internet"
)
"""Every town hall of France; their counters too."""

CONTACT_COLUMNS = (
    "town_hall_address", "town_hall_phone", "town_hall_email", "town_hall_website",
)  # fmt: skip

SOURCE = "Annuaire de l'administration (DILA)"
KINDS = {"mairie", "mairie_com"}
"""What a town hall is called in the directory; counters and delegated ones are called otherwise."""

MAX_CELL = 200


def contacts_of(fetch: Fetch, codes: Collection[str]) -> tuple[pd.DataFrame, Fetched]:
    """Return how to reach the town halls of some communes.

    Parameters
    ----------
    fetch
        Brings the directory.
    codes
        INSEE codes of the communes.

    Returns
    -------
    tuple
        A row for each commune, by its code, with ``CONTACT_COLUMNS``, empty where nothing is
        known; and the file.

    Raises
    ------
    SourceError
        If the directory cannot be had or is no directory.
    """
    file = fetch(CONTACTS_URL, expected="json")
    try:
        entries = json.loads(file.path.read_bytes())
    except ValueError:
        raise SourceError(f"{SOURCE}: {file.url} is no JSON. Try again later.") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise SourceError(f"{SOURCE}: {file.url} is no list of entries. See docs/data.md.")
    wanted = set(codes)
    best: dict[str, dict[str, Any]] = {}
    for entry in entries:
        code = entry.get("code_insee_commune")
        if code not in wanted or not _is_town_hall(entry):
            continue
        if code not in best or _order(entry) < _order(best[code]):
            best[code] = entry
    if wanted and not best:
        raise SourceError(
            f"{SOURCE}: {file.url} names none of the {len(wanted)} communes. Its columns may have "
            "changed: see docs/data.md."
        )
    rows = {code: _contact(best[code]) if code in best else ("",) * 4 for code in sorted(wanted)}
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=list(CONTACT_COLUMNS), dtype="str")
    return frame, file


def _order(entry: dict[str, Any]) -> tuple[int, str]:
    """Return what puts the main town hall first: it has the shortest name."""
    name = str(entry.get("nom") or "")
    return len(name), name


def _is_town_hall(entry: dict[str, Any]) -> bool:
    kinds = {str(one.get("type_service_local")) for one in _parts(entry.get("pivot"))}
    return bool(kinds & KINDS)


def _contact(entry: dict[str, Any]) -> tuple[str, str, str, str]:
    address = next(
        (
            one
            for kind in ("Adresse", "")
            for one in _parts(entry.get("adresse"))
            if not kind or one.get("type_adresse") == kind
        ),
        {},
    )
    street = _clean(address.get("numero_voie"))
    town = f"{_clean(address.get('code_postal'))} {_clean(address.get('nom_commune'))}".strip()
    phones = (_clean(one.get("valeur")) for one in _parts(entry.get("telephone")))
    pages = (_clean(one.get("valeur")) for one in _parts(entry.get("site_internet")))
    letters = re.split(r"[;,\s]+", _clean(entry.get("adresse_courriel")))
    return (
        ", ".join(part for part in (street, town) if part),
        next((one for one in phones if re.fullmatch(r"\+?[\d ().-]{8,25}", one)), ""),
        next((one for one in letters if re.fullmatch(r"[^@\s<>\"]+@[\w.-]+\.\w{2,}", one)), ""),
        next((one for one in pages if re.fullmatch(r"https?://[^\s<>\"']+", one)), ""),
    )


def _parts(cell: object) -> Iterator[dict[str, Any]]:
    """Return the objects of a list, which most editions write as a text of JSON."""
    if isinstance(cell, str):
        try:
            cell = json.loads(cell)
        except ValueError:
            return
    if isinstance(cell, list):
        yield from (one for one in cell if isinstance(one, dict))


def _clean(cell: object) -> str:
    """Return a text on one line, without control characters and of a bounded length."""
    text = " ".join(str(cell).split()) if isinstance(cell, str) else ""
    text = "".join(c for c in text if c.isprintable())
    return "" if text == "None" or len(text) > MAX_CELL else text
