"""A territory file for any département, where nobody wrote one.

Hides French articles and which towns count: the préfecture is the seat, the largest city of
100,000 inhabitants around is the metropolis, and the larger towns around complete the list. Who
knows better writes a territory file.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from typing import Any

import pandas as pd

from geo_matcher.errors import DataError
from geo_matcher.sources.communes import SURROUNDINGS_KM
from geo_matcher.sources.source import Area
from geo_matcher.territory import fold
from geo_matcher.territory_file import TAKEN_KEYS, TerritoryFile, parse_territory_file

__all__ = ["check_towns", "departement_code", "departement_name", "territory_of"]

METROPOLIS_POPULATION = 100_000
TOWN_POPULATION = 25_000
MAX_TOWNS = 7

OF = {"le": "du ", "la": "de la ", "l’": "de l’", "les": "des "}


@cache
def _departements() -> dict[str, dict[str, str]]:
    file = resources.files("geo_matcher") / "assets" / "departements.csv"
    lines = file.read_text(encoding="utf-8").splitlines()
    return {row["code"]: row for row in csv.DictReader(lines)}


def departement_code(said: str) -> str:
    """Return the code of a département as it is written in INSEE codes: ``2a`` is ``2A``.

    Raises
    ------
    DataError
        If none in mainland France or Corsica has this code; a near one is named.
    """
    code = said.strip().upper()
    known = _departements()
    if code in known:
        return code
    padded = code.zfill(2)
    near = [padded] if padded in known else ["2A", "2B"] if code == "20" else []
    near += [one for one, row in known.items() if fold(row["name"]) == fold(said)]
    hint = f"; did you mean {' or '.join(near)}?" if near else "."
    raise DataError(
        f"{said[:20]!r} is no département in mainland France or Corsica: expected a code such as "
        f"46 or 2A{hint}"
    )


def check_towns(about: TerritoryFile, area: Area, told: str) -> None:
    """Refuse a territory with a town that is not in a département nor around it.

    Parameters
    ----------
    about
        What somebody says of the territory.
    area
        The département and the communes around it.
    told
        What messages call the file.

    Raises
    ------
    DataError
        With one problem for each such town.
    """
    problems = []
    for town in about.town:
        if town.insee_code in area.known_codes:
            continue
        present = area.merged.get(town.insee_code)
        since = f"; it is part of {present} now" if present else ""
        problems.append(
            f"{told}, town {town.key!r}: {town.insee_code} is no commune within "
            f"{SURROUNDINGS_KM:g} km{since}"
        )
    if problems:
        raise DataError(
            "The towns cannot be used: "
            + "; ".join(problems)
            + ". Correct the insee_code, or leave the town out.",
            problems,
        )


def _row(departement: str) -> dict[str, str]:
    try:
        return _departements()[departement]
    except KeyError:
        raise DataError(
            f"{departement[:20]!r} is no département in mainland France or Corsica: expected a "
            "code such as 46 or 2A."
        ) from None


def departement_name(departement: str) -> str:
    """Return the name of a département, without an article.

    Raises
    ------
    DataError
        If there is none with this code in mainland France or Corsica.
    """
    return _row(departement)["name"]


def _names(row: dict[str, str]) -> dict[str, str]:
    name, article, preposition = row["name"], row["article"], row["preposition"]
    the = f"{article}{'' if article in {'', 'l’'} else ' '}{name}"
    inside = f"dans {the}" if preposition == "dans" else f"{preposition} {name}"
    of = OF[article] + name if article else f"de {name}"
    english = f"the {name}" if article in {"le", "les"} else name
    return {"the_fr": the, "in_fr": inside, "of_fr": of, "the_en": english}


def territory_of(area: Area) -> TerritoryFile:
    """Return what can be said of a territory without knowing it.

    Parameters
    ----------
    area
        The département and the communes around it.

    Returns
    -------
    TerritoryFile
        Without a network.

    Raises
    ------
    DataError
        If the département is not in mainland France or Corsica.
    """
    row = _row(area.departement)
    towns = _towns(area, row["prefecture"])
    return parse_territory_file(
        {"departement": area.departement, "names": _names(row), "town": towns}
    )


def _towns(area: Area, prefecture: str) -> list[dict[str, Any]]:
    halls = area.town_halls.sort_values(["population", "insee_code"], ascending=[False, True])
    own = halls[halls["insee_code"].isin(area.codes)]
    named = own[own["name"].map(fold) == fold(prefecture)]
    seat = (named if len(named) else own).head(1)
    others = halls.drop(index=seat.index)
    large = others[others["population"] >= TOWN_POPULATION].head(MAX_TOWNS - 1)
    chosen = pd.concat([seat, large])
    roles = ["seat", *("other" for _ in range(len(large)))]
    if len(large) and int(large["population"].iloc[0]) >= METROPOLIS_POPULATION:
        roles[1] = "metropolis"
    towns: list[dict[str, Any]] = []
    keys: set[str] = set(TAKEN_KEYS)
    names: set[str] = set()
    rows = chosen[["insee_code", "name"]].itertuples(index=False)
    for (code, name), role in zip(rows, roles, strict=True):
        key = "_".join(fold(name).split())[:40] or "town"
        key = key if key[0].isalpha() and key not in keys else f"town_{code.lower()}"
        shown = name if name not in names else f"{name} ({code[:2]})"
        keys.add(key)
        names.add(shown)
        towns.append({"key": key, "insee_code": code, "name": shown, "role": role})
    return towns
