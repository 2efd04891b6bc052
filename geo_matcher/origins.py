"""Where a mover comes from: any commune of France, found as people type it, and its known facts.

Hides how names are told apart and which table each fact lies in. Of every commune its population is
known; of the seven big cities also their area and the price of homes; of a commune of the release,
every criterion. None of it enters a score, and a name that several communes bear is never guessed.

A release may do without the tables ``french_communes`` and ``origin_cities``: less is known then.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geo_matcher.catalog import Table
from geo_matcher.criteria import CRITERIA
from geo_matcher.decision import decision_matrix
from geo_matcher.errors import ProfileError
from geo_matcher.figure_years import figure_table
from geo_matcher.kept import kept
from geo_matcher.profile import CITY_CODES, Profile
from geo_matcher.territory import Territory, fold

__all__ = [
    "MAX_FOUND",
    "Found",
    "FrenchCommune",
    "Origin",
    "OriginFact",
    "check_origin",
    "commune_facts",
    "find_communes",
    "origin_code",
    "origin_label",
    "origin_of",
    "resolve_commune",
]

FRENCH_TABLE = "french_communes"
CITY_TABLE = "origin_cities"

PRICE_YEAR = 2023
"""Year of the sales from which the price of a big city is the mean; the latest that is known."""

COUNTED_PEOPLE = ("population", "density_km2")
"""Criteria whose year is that of the population."""

MAX_FOUND = 20
"""Communes that a search gives at most."""

MAX_TYPED_CHARS = 80
MAX_NEAR = 5
NEAR_CUTOFF = 0.7
NEAR_POOL = 1_000
"""Communes, the most populated first, among which a misspelt name is looked for."""

SHORT_WORDS = {"st": "saint", "ste": "sainte"}
"""What people write for a word; no name holds the short one."""

_DEPARTEMENT = re.compile(r"^(.*?)[\s,(–-]+(\d{2,3}|2[AB])\s*\)?\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FrenchCommune:
    """A commune of France, as a person may name it.

    Attributes
    ----------
    insee_code, name, departement
        Which one; ``departement`` is its code.
    population, population_year
        Inhabitants on 1 January of that year; None where either is not told.
    """

    insee_code: str
    name: str
    departement: str
    population: int | None
    population_year: int | None

    @property
    def label(self) -> str:
        """Name that no other commune has: ``Saint-Denis (93)``."""
        return f"{self.name} ({self.departement})"


@dataclass(frozen=True, slots=True)
class Found:
    """What a typed text names.

    Attributes
    ----------
    commune
        The one commune it names; None where it names none, or several.
    candidates
        What may be meant instead, best first.
    is_shared
        Whether several communes bear that very name.
    """

    commune: FrenchCommune | None
    candidates: tuple[FrenchCommune, ...] = ()
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class OriginFact:
    """A figure of the commune that is left, beside which a village's can stand.

    Attributes
    ----------
    criterion
        The criterion that it is a figure of.
    raw, raw_low, status
        As in a decision matrix: see :class:`geo_matcher.decision.DecisionMatrix`; None where
        nothing is known.
    year
        Year of the figure where it has one of its own; else that of its table holds.
    table
        Table of the catalog that it comes from.
    """

    criterion: str
    raw: float | None
    raw_low: float | None
    status: str
    year: int | None
    table: str


@dataclass(frozen=True, slots=True)
class Origin:
    """The commune that is left: its facts and where they come from.

    Attributes
    ----------
    city
        Its word in a profile, if it is one of the seven big cities.
    insee_code, name, departement
        Which commune. The figures are those of the commune, not of the urban area.
    population, population_year
        Inhabitants on 1 January of that year; None where it is not known.
    area_km2
        Area of one of the seven cities; None elsewhere.
    facts
        What can stand beside a village, in the order of the catalogue of criteria.
    is_inside
        Whether it is a commune of the release: every criterion is then known, or known to be
        missing.
    source
        Pages of the figures, or the one of their table.
    producer, vintage, licence, quality
        As the catalog of the release gives them for the table that names the commune.
    """

    city: str | None
    insee_code: str
    name: str
    departement: str
    population: int | None
    population_year: int | None
    area_km2: float | None
    facts: tuple[OriginFact, ...]
    is_inside: bool
    source: str
    producer: str
    vintage: str
    licence: str
    quality: str

    @property
    def label(self) -> str:
        """Name that no other commune has: ``Lille (59)``."""
        return f"{self.name} ({self.departement})"

    def fact(self, criterion: str) -> OriginFact | None:
        """Return the fact that can stand beside a criterion, if there is one."""
        return next((fact for fact in self.facts if fact.criterion == criterion), None)


class _Gazetteer:
    """Every commune of France in columns, so that none is a Python object until it is found."""

    def __init__(self, communes: pd.DataFrame) -> None:
        # Most populated first: of equally good matches, the first is the likeliest.
        people = communes["population"].to_numpy(dtype=np.float64)
        order = np.argsort(-np.nan_to_num(people, nan=-1.0), kind="stable")
        self.codes, self.names, self.departements = (
            pa.array(communes[name], pa.string()).take(order)
            for name in ("insee_code", "name", "departement")
        )
        # To find a code among 35,000 without a Python object for each.
        codes = self.codes.to_numpy(zero_copy_only=False).astype("S5")
        self.by_code = np.argsort(codes)
        self.sorted_codes = codes[self.by_code]
        self.population = people[order]
        self.years = communes["population_year"].to_numpy(dtype=np.float64)[order]
        # A space before each word, the first one too: a search is for " " and what was typed.
        self.spaced = pc.replace_substring_regex(_folded(self.names), "^", " ")

    def commune(self, row: int) -> FrenchCommune:
        return FrenchCommune(
            self.codes[row].as_py(),
            self.names[row].as_py(),
            self.departements[row].as_py(),
            _whole(self.population[row]),
            _whole(self.years[row]),
        )

    def communes(self, rows: Iterable[int], count: int) -> tuple[FrenchCommune, ...]:
        return tuple(self.commune(row) for row in list(rows)[:count])

    def row_of(self, code: str) -> int | None:
        asked = np.array([code.encode()])
        place = int(np.searchsorted(self.sorted_codes, asked)[0])
        is_known = place < len(self.sorted_codes) and self.sorted_codes[place] == asked[0]
        return int(self.by_code[place]) if is_known else None

    def named(self, name: str, departement: str) -> list[int]:
        """Return the communes of exactly this name, already folded, most populated first."""
        inside = pc.equal(self.departements, departement) if departement else None
        return _true(pc.equal(self.spaced, f" {name}"), inside)

    def starting(self, text: str, departement: str) -> list[int]:
        """Return the communes whose name, or a word of it, starts so: best first.

        The code of the département may be begun too, since it is typed last.
        """
        inside = self._inside(departement)
        exact = _true(pc.equal(self.spaced, f" {text}"), inside)
        first = _true(pc.starts_with(self.spaced, f" {text}"), inside)
        later = _true(pc.match_substring(self.spaced, f" {text}"), inside)
        return list(dict.fromkeys([*exact, *first, *later]))

    def near(self, text: str, departement: str) -> list[int]:
        """Return communes spelt nearly so, among those that begin with the same letters."""
        begin = pc.starts_with(self.spaced, f" {text[:2]}")
        pool = _true(begin, self._inside(departement))[:NEAR_POOL]
        names: dict[str, list[int]] = {}
        spaced = self.spaced.take(pa.array(pool, pa.int64())).to_pylist()
        for row, name in zip(pool, spaced, strict=True):
            names.setdefault(name[1:], []).append(row)
        alike = difflib.get_close_matches(text, names, n=MAX_NEAR, cutoff=NEAR_CUTOFF)
        return [row for name in alike for row in names[name]]

    def _inside(self, departement: str) -> Any:
        return pc.starts_with(self.departements, departement) if departement else None


def _folded(names: pa.Array) -> pa.Array:
    """Do to a column what :func:`geo_matcher.territory.fold` does to a text."""
    ligature = pc.replace_substring(pc.replace_substring(names, "œ", "oe"), "Œ", "oe")
    bare = pc.replace_substring_regex(pc.utf8_normalize(ligature, "NFKD"), r"\p{M}+", "")
    words = pc.replace_substring_regex(pc.utf8_lower(bare), r"[^\p{L}\p{N}]+", " ")
    return pc.utf8_trim_whitespace(words)


def _true(mask: Any, inside: Any) -> list[int]:
    both = mask if inside is None else pc.and_(mask, inside)
    rows: list[int] = pc.indices_nonzero(both).to_pylist()
    return rows


def _whole(figure: float) -> int | None:
    return None if math.isnan(figure) else int(figure)


@kept(maxsize=2)
def _gazetteer(territory: Territory) -> _Gazetteer | None:
    """Return the communes of France that a release knows, made once; None if it knows none."""
    table = territory.tables.get(FRENCH_TABLE)
    return None if table is None else _Gazetteer(table)


def _read(text: str) -> tuple[str, str]:
    """Split what was typed into a folded name and the code of a département, if one is given."""
    text = text.strip()[:MAX_TYPED_CHARS]
    departement = ""
    if found := _DEPARTEMENT.match(text):
        text, departement = found[1], found[2].upper()
    words = (SHORT_WORDS.get(word, word) for word in fold(text).split())
    return " ".join(words), departement


def find_communes(territory: Territory, text: str, count: int = 8) -> tuple[FrenchCommune, ...]:
    """Find communes of France as people type them.

    Parameters
    ----------
    territory
        A release; without a table of the communes of France nothing is found.
    text
        The beginning of a name or of a word of it, in which accents, case and hyphens do not
        matter, with or without its département (``Saint-Denis (93)``); or an INSEE code. Nothing
        gives the big cities.
    count
        How many at most; no more than ``MAX_FOUND`` are given.

    Returns
    -------
    tuple of FrenchCommune
        The exact name first, then names that begin so, then those with a word that does; among
        equals the most populated first.
    """
    known = _gazetteer(territory)
    if known is None:
        return ()
    count = min(count, MAX_FOUND)
    if not text.strip():
        cities = (known.row_of(code) for code in CITY_CODES.values())
        return known.communes((row for row in cities if row is not None), count)
    coded = known.row_of(text.strip().upper())
    name, departement = _read(text)
    rows = ([] if coded is None else [coded]) + (known.starting(name, departement) if name else [])
    return known.communes(rows, count)


def resolve_commune(territory: Territory, text: str) -> Found:
    """Tell which commune of France a typed text names, without ever guessing.

    Parameters
    ----------
    territory
        A release; where it has no table of the communes of France, only its own and the big cities
        can be named, by code.
    text
        An INSEE code; a whole name; or a name with its département.

    Returns
    -------
    Found
        The commune, or what may be meant.
    """
    known = _gazetteer(territory)
    code = text.strip().upper()
    if known is None:
        origin = commune_facts(territory, code)
        if origin is None:
            return Found(None)
        year = origin.population_year
        return Found(FrenchCommune(code, origin.name, origin.departement, origin.population, year))
    row = known.row_of(code)
    if row is not None:
        return Found(known.commune(row))
    name, departement = _read(text)
    if not name:
        return Found(None)
    rows = known.named(name, departement)
    if len(rows) == 1:
        return Found(known.commune(rows[0]))
    if rows:
        return Found(None, known.communes(rows, MAX_FOUND), is_shared=True)
    meant = (
        known.starting(name, departement)
        or known.starting(name, "")
        or known.near(name, departement)
        or known.near(name, "")
    )
    return Found(None, known.communes(meant, MAX_FOUND))


def origin_code(profile: Profile) -> str | None:
    """Return the INSEE code of the commune that a profile says is left, if it says so."""
    return profile.origin_commune or CITY_CODES.get(profile.origin_city)


def origin_of(territory: Territory, profile: Profile) -> Origin | None:
    """Return what a release knows of the commune that a profile says is left.

    Returns
    -------
    Origin or None
        None where the profile names none, or one of which the release has never heard.
    """
    code = origin_code(profile)
    return None if code is None else commune_facts(territory, code)


def origin_label(territory: Territory, profile: Profile) -> str:
    """Return what a person calls the commune that is left, ``Lille (59)``; empty if none is."""
    origin = origin_of(territory, profile)
    return origin.label if origin else origin_code(profile) or ""


def check_origin(territory: Territory, profile: Profile) -> None:
    """Refuse a profile that comes from a commune which does not exist.

    Nothing is said where the release has no table of the communes of France.

    Raises
    ------
    ProfileError
        If no current commune has that code.
    """
    code = profile.origin_commune
    if code is None or commune_facts(territory, code) is not None:
        return
    if _gazetteer(territory) is not None:
        raise ProfileError(
            f"origin_commune: found {code!r}, which is no commune of France today. Expected the "
            "INSEE code of a current commune, such as 44109; a merged one has the code of the "
            "new one. `/api/v1/origins?q=` finds it by name."
        )


@kept(maxsize=1024)
def commune_facts(territory: Territory, insee_code: str) -> Origin | None:
    """Return what a release knows of any commune of France; None if it has never heard of it."""
    code = insee_code
    if code in territory.communes.index:
        return _inside_origin(territory, code)
    table = territory.tables.get(CITY_TABLE)
    if table is not None and (rows := table[table["insee_code"] == code].to_dict("records")):
        return _city_origin(rows[0], territory.catalog[CITY_TABLE])
    known = _gazetteer(territory)
    row = None if known is None else known.row_of(code)
    if known is None or row is None:
        return None
    found, provenance = known.commune(row), territory.catalog[FRENCH_TABLE]
    people = found.population
    facts = {} if people is None else {"population": (float(people), found.population_year)}
    return Origin(
        city=None,
        insee_code=found.insee_code,
        name=found.name,
        departement=found.departement,
        population=people,
        population_year=found.population_year,
        area_km2=None,
        facts=_facts(facts, provenance),
        is_inside=False,
        source=provenance.url,
        **_provenance(provenance),
    )


def _city_origin(row: Mapping[Any, Any], provenance: Table) -> Origin:
    """Return what is known of a big city."""
    population, area_km2 = int(row["population"]), float(row["area_km2"])
    year = int(row["population_year"])
    figures: dict[str, tuple[float, int | None]] = {
        "population": (float(population), year),
        "density_km2": (population / area_km2, year),
    }
    price = float(row[f"price_m2_mean_{PRICE_YEAR}"])
    if not math.isnan(price):
        figures["house_price_eur_m2"] = price, PRICE_YEAR
    return Origin(
        city=row["city"],
        insee_code=row["insee_code"],
        name=row["name"],
        departement=row["insee_code"][:2],
        population=population,
        population_year=year,
        area_km2=area_km2,
        facts=_facts(figures, provenance),
        is_inside=False,
        source=row["source"],
        **_provenance(provenance),
    )


def _inside_origin(territory: Territory, code: str) -> Origin:
    """Return what is known of a commune of the release: every criterion."""
    row, matrix = territory.codes.index(code), decision_matrix(territory)
    cells = zip(CRITERIA.values(), matrix.plain[row], strict=True)
    provenance = territory.catalog["communes"]
    known = _gazetteer(territory)
    place = None if known is None else known.row_of(code)
    year = None if known is None or place is None else known.commune(place).population_year
    communes: Any = territory.communes
    return Origin(
        city=None,
        insee_code=code,
        name=str(communes.at[code, "name"]),
        departement=str(communes.at[code, "departement"]),
        population=int(communes.at[code, "population"]),
        population_year=year,
        area_km2=None,
        facts=tuple(
            OriginFact(
                criterion.name,
                raw,
                low,
                status,
                year if criterion.name in COUNTED_PEOPLE else None,
                figure_table(territory, criterion.name, code),
            )
            for criterion, (raw, low, status, _) in cells
        ),
        is_inside=True,
        source=provenance.url,
        **_provenance(provenance),
    )


def _facts(
    figures: Mapping[str, tuple[float, int | None]], provenance: Table
) -> tuple[OriginFact, ...]:
    return tuple(
        OriginFact(name, raw, raw, provenance.quality, year, provenance.name)
        for name in CRITERIA
        if name in figures
        for raw, year in (figures[name],)
    )


def _provenance(table: Table) -> dict[str, str]:
    return {
        "producer": table.producer,
        "vintage": table.vintage,
        "licence": table.licence,
        "quality": table.quality,
    }
