"""Minutes to a commune of choice, and which commune a person means.

Hides the search among the communes of the town-hall network, inside the département and up to
80 km around it, and the drive to one of them. The drive is that of the build: choosing a town that
is a destination of the release gives its minutes.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geo_matcher.access import access_minutes
from geo_matcher.errors import UnknownCommuneError
from geo_matcher.journeys import Journeys
from geo_matcher.kept import kept
from geo_matcher.territory import Territory, fold

__all__ = [
    "default_destination",
    "destination_label",
    "find_destination",
    "minutes_to",
    "suggest_destinations",
]

FloatArray = NDArray[np.float64]

MINUTES_DECIMALS = 2
"""Decimals of a time, as the release stores them."""

MAX_SUGGESTIONS = 3

_IN_BRACKETS = re.compile(r"(?P<name>.+?)\s*\((?P<where>\w{2,5})\)")


@dataclass(frozen=True, slots=True)
class _Gazetteer:
    """The communes of the network.

    ``communes`` gives name, label and inhabitants by code; ``named`` the codes by folded name.
    """

    communes: Mapping[str, tuple[str, str, int]]
    named: Mapping[str, tuple[str, ...]]


@kept(maxsize=4)
def _gazetteer(territory: Territory) -> _Gazetteer:
    columns = territory.tables["town_halls"][["insee_code", "name", "population"]]
    rows = [
        (str(code), str(name), int(people))
        for code, name, people in columns.itertuples(index=False)
    ]
    alike = Counter(fold(name) for _, name, _ in rows)
    alike_there = Counter((fold(name), code[:2]) for code, name, _ in rows)
    communes = {}
    named: dict[str, tuple[str, ...]] = {}
    for code, name, people in sorted(rows):
        where = code[:2] if alike_there[fold(name), code[:2]] == 1 else code
        label = name if alike[fold(name)] == 1 else f"{name} ({where})"
        communes[code] = (name, label, people)
        named[fold(name)] = (*named.get(fold(name), ()), code)
    return _Gazetteer(MappingProxyType(communes), MappingProxyType(named))


@kept(maxsize=256)
def minutes_to(territory: Territory, insee_code: str) -> FloatArray:
    """Return the driving minutes from each commune of the release to one of the network.

    Parameters
    ----------
    territory
        A loaded release.
    insee_code
        Where to go: any commune of the network.

    Returns
    -------
    FloatArray
        Minutes, in the order of the communes; ``inf`` where no road leads there. Read only.

    Raises
    ------
    DataError
        If the network has no such commune.
    """
    leave_min = access_minutes(territory.communes["area_km2"].to_numpy(dtype=np.float64))
    found = Journeys.of(territory).matrix(list(territory.codes), [insee_code])[0].minutes[:, 0]
    minutes = np.round(found + leave_min, MINUTES_DECIMALS)
    minutes.setflags(write=False)
    return minutes


@kept(maxsize=4)
def default_destination(territory: Territory) -> str:
    """Return where to go when nobody says so: the largest commune of the release."""
    return str(territory.communes["population"].idxmax())


def destination_label(territory: Territory, insee_code: str) -> str:
    """Return how a commune of the network is called, so that no other one is meant.

    Raises
    ------
    UnknownCommuneError
        If the network has no such commune.
    """
    return _gazetteer(territory).communes[find_destination(territory, insee_code)][1]


def find_destination(territory: Territory, text: str) -> str:
    """Return the INSEE code of the commune of the network that a text names.

    Parameters
    ----------
    territory
        A loaded release.
    text
        A code, a name in which accents, case and hyphens do not matter, or a name followed by a
        département or a code in brackets. A name that one commune of the release bears means that
        one, whoever else bears it.

    Raises
    ------
    UnknownCommuneError
        If there is none, or several; what looks alike is suggested.
    """
    known = _gazetteer(territory)
    asked = text.strip()
    if asked.upper() in known.communes:
        return asked.upper()
    bracketed = _IN_BRACKETS.fullmatch(asked)
    name, where = (bracketed["name"], bracketed["where"]) if bracketed else (asked, "")
    codes = [c for c in known.named.get(fold(name), ()) if c.startswith(where.upper())]
    own = [code for code in codes if code in territory.communes.index]
    if len(codes) == 1 or len(own) == 1:
        return own[0] if own else codes[0]
    if codes:
        labels = [known.communes[code][1] for code in codes]
        message = f"{asked[:60]!r} is the name of {len(codes)} communes: {', '.join(labels)}."
        raise UnknownCommuneError(message, labels)
    near = difflib.get_close_matches(fold(name), known.named, n=MAX_SUGGESTIONS, cutoff=0.6)
    labels = [known.communes[code][1] for folded in near for code in known.named[folded][:1]]
    hint = f" Did you mean {', '.join(labels)}?" if labels else " Check its spelling."
    message = (
        f"No commune called {asked[:60]!r} is among the {len(known.communes)} of the network: the "
        f"{territory.catalog.name_en} and 80 km around it.{hint}"
    )
    raise UnknownCommuneError(message, labels)


def suggest_destinations(territory: Territory, text: str, count: int = 8) -> list[dict[str, Any]]:
    """Return communes of the network whose name begins like a text, the most populated first.

    Names of which a later word begins so come after them.

    Parameters
    ----------
    territory
        A loaded release.
    text
        The beginning of a name; accents, case and hyphens do not matter.
    count
        How many at most.
    """
    known = _gazetteer(territory)
    start = fold(text)
    if not start:
        return []
    found = sorted(
        (not folded.startswith(start), -known.communes[code][2], code)
        for folded, codes in known.named.items()
        if folded.startswith(start) or f" {start}" in folded
        for code in codes
    )
    return [
        {
            "insee_code": code,
            "name": known.communes[code][0],
            "label": known.communes[code][1],
            "population": known.communes[code][2],
        }
        for _, _, code in found[:count]
    ]
