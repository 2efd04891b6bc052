"""Two to four villages side by side, and beside the city that is left.

Hides how the ledgers of several communes become one table, who is best on a criterion, what makes
the difference between two scores, and which facts of a big city can stand beside a village's. Any
commune of the territory can be compared, be it listed or not: a column says so. Nothing is scored
again, and the city has no score: only the few figures that are known of it have a value.

No sentence is made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.errors import ProfileError
from geo_matcher.matching import NAMES, Ranking
from geo_matcher.robustness import Odds

__all__ = [
    "MAX_VILLAGES",
    "MIN_VILLAGES",
    "Cell",
    "Comparison",
    "CriterionComparison",
    "CriterionDifference",
    "Difference",
    "FamilyComparison",
    "OriginCity",
    "OriginFigure",
    "Village",
    "chances",
    "compare",
]

MIN_VILLAGES, MAX_VILLAGES = 2, 4
"""How many villages can stand side by side."""

ORIGIN_TABLE = "origin_cities"
"""Table of the release that holds the facts of the big cities; a release may do without."""

PRICE_YEAR = 2023
"""Year of the sales from which the price of a city is the mean; the latest that is known."""

SAME_POINTS = 1e-9
"""Points closer than this are the same: both communes are best."""


@dataclass(frozen=True, slots=True)
class Village:
    """The head of one column.

    Attributes
    ----------
    insee_code, name
        Which commune.
    rank
        Its rank in the ranking; None where it is not listed.
    score, score_min, score_max
        Its score, 0 to 100, and the interval it lies in.
    left_out_by
        Criteria whose hard limit it surely breaks, in the order of the profile.
    in_scope
        Whether it belongs to the scope of the ranking.
    """

    insee_code: str
    name: str
    rank: int | None
    score: float
    score_min: float
    score_max: float
    left_out_by: tuple[str, ...]
    in_scope: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """What one village has on one criterion.

    Attributes
    ----------
    raw
        The figure in the criterion's unit; None where nothing is known, or where the place cannot
        be reached. Where only a bound is known, the bound.
    raw_low
        Best case of a figure that is a bound; elsewhere equal to ``raw``.
    status
        What is known of it: see :class:`geo_matcher.decision.Status`.
    value, points
        Value that counts, 0 to 1, and what it brings; 0.5 where nothing is known.
    is_best
        Whether no other known figure is worth more, those of one village alone being no contest.
    """

    raw: float | None
    raw_low: float | None
    status: str
    value: float
    points: float
    is_best: bool


@dataclass(frozen=True, slots=True)
class OriginFigure:
    """A figure of the city that is left, and what it would be worth to the same mover."""

    raw: float
    value: float


@dataclass(frozen=True, slots=True)
class OriginCity:
    """The city that is left: its facts and where they come from.

    Attributes
    ----------
    city
        Its key in a profile.
    insee_code, name
        Which commune. The figures are those of the commune, not of the urban area.
    population, population_year
        Inhabitants on 1 January of that year.
    area_km2, density_km2
        Area, and inhabitants per km².
    house_price_eur_m2, price_year
        Mean price of the homes sold in that year, in euros per m²; None where it is not known.
    source
        Page of each figure.
    producer, vintage, licence, quality
        As the catalog of the release gives them for the whole table.
    """

    city: str
    insee_code: str
    name: str
    population: int
    population_year: int
    area_km2: float
    density_km2: float
    house_price_eur_m2: float | None
    price_year: int | None
    source: str
    producer: str
    vintage: str
    licence: str
    quality: str

    @property
    def facts(self) -> dict[str, float]:
        """What is known of the city, by the name of the criterion that it can stand beside."""
        figures = {
            "house_price_eur_m2": self.house_price_eur_m2,
            "population": float(self.population),
            "density_km2": self.density_km2,
        }
        return {name: raw for name, raw in figures.items() if raw is not None}


@dataclass(frozen=True, slots=True)
class CriterionComparison:
    """One row: a criterion across the villages.

    Attributes
    ----------
    criterion, unit
        Which one, and the unit of its figures.
    weight, max_points
        Its weight, and the points that it can bring at most.
    cells
        One for each village, in the order asked.
    origin
        Figure of the city that is left; None where no such fact is known.
    spread_points
        Points between the best and the worst of the known figures; None with fewer than two.
    """

    criterion: str
    unit: str
    weight: float
    max_points: float
    cells: tuple[Cell, ...]
    origin: OriginFigure | None
    spread_points: float | None


@dataclass(frozen=True, slots=True)
class FamilyComparison:
    """The rows of one family that the profile uses, in the order of the catalogue."""

    family: str
    criteria: tuple[CriterionComparison, ...]


@dataclass(frozen=True, slots=True)
class CriterionDifference:
    """Points that the first village has more (or, if negative, less) on one criterion."""

    criterion: str
    points: float


@dataclass(frozen=True, slots=True)
class Difference:
    """What decides between the first village and another.

    Attributes
    ----------
    against
        INSEE code of the other village.
    criteria
        Every criterion that makes a difference, the largest first; the points add up to the
        difference between the two scores.
    """

    against: str
    criteria: tuple[CriterionDifference, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two to four villages side by side.

    Attributes
    ----------
    release, scope
        Data and scope of the ranking.
    villages
        The columns, in the order asked.
    origin
        The city that is left; None where the profile names none or the release knows none.
    families
        The rows, by family.
    decisive
        What decides between the first village and each of the others.
    """

    release: str
    scope: str
    villages: tuple[Village, ...]
    origin: OriginCity | None
    families: tuple[FamilyComparison, ...]
    decisive: tuple[Difference, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison in plain types.

        Returns
        -------
        dict
            ``release``, ``scope``; ``villages``: a list of ``insee_code, name, rank, score,
            score_min, score_max, left_out_by, in_scope``; ``origin``: None, or the attributes of
            :class:`OriginCity`; ``families``: a list of ``family, criteria``, each criterion being
            ``criterion, unit, weight, max_points, cells, origin, spread_points``, each cell
            ``raw, raw_low, status, value, points, is_best`` and its origin None or ``raw, value``;
            ``decisive``: a list of ``against, criteria``, each criterion being
            ``criterion, points``.
        """
        plain: dict[str, Any] = _lists(asdict(self))
        return plain


def _lists(value: Any) -> Any:
    """Return a value with its tuples as lists."""
    if isinstance(value, dict):
        return {key: _lists(inner) for key, inner in value.items()}
    return [_lists(inner) for inner in value] if isinstance(value, tuple) else value


def compare(ranking: Ranking, codes_or_names: Sequence[str], *, origin: bool = True) -> Comparison:
    """Set villages side by side for the profile of a ranking.

    Parameters
    ----------
    ranking
        Gives the figures, the weights and the scores.
    codes_or_names
        Two to four communes of the territory, listed or not, the first being the one that the
        others are measured against.
    origin
        Whether to add what is known of the city that the profile says is left.

    Raises
    ------
    ProfileError
        If there are fewer than two communes or more than four, or one is named twice.
    UnknownCommuneError
        If the territory has no such commune.
    """
    rows = _rows(ranking, codes_or_names)
    city = _origin_city(ranking) if origin else None
    used = np.flatnonzero(ranking.weights > 0).tolist()
    compared = {NAMES[k]: _criterion(ranking, k, rows, city) for k in used}
    families = (
        FamilyComparison(
            family, tuple(row for name, row in compared.items() if CRITERIA[name].family == family)
        )
        for family in FAMILIES
    )
    return Comparison(
        release=ranking.territory.release_id,
        scope=ranking.scope,
        villages=tuple(_village(ranking, row) for row in rows),
        origin=city,
        families=tuple(family for family in families if family.criteria),
        decisive=tuple(_difference(ranking, used, rows[0], row) for row in rows[1:]),
    )


def chances(comparison: Comparison, found: Odds) -> dict[str, Any]:
    """Return how sure the ranks of the villages are, and how often each is ahead of each other.

    Parameters
    ----------
    comparison
        Villages side by side.
    found
        Odds of the same ranking.

    Returns
    -------
    dict
        ``odds``: for each village what :attr:`Odds.summaries` says, None where it is not listed;
        ``ahead``: for each village, how often it is ahead of each other one, None where either is
        not listed.
    """
    ranking = found.ranking
    columns = [found.column(ranking.position(v.insee_code)) for v in comparison.villages]
    listed = [column for column in columns if column is not None]
    shares = found.ahead(listed).tolist()
    place = {column: number for number, column in enumerate(listed)}
    return {
        "odds": [None if column is None else found.summaries[column] for column in columns],
        "ahead": [
            [
                None if one is None or other is None else shares[place[one]][place[other]]
                for other in columns
            ]
            for one in columns
        ],
    }


def _rows(ranking: Ranking, codes_or_names: Sequence[str]) -> list[int]:
    asked = [codes_or_names] if isinstance(codes_or_names, str) else list(codes_or_names)
    if not MIN_VILLAGES <= len(asked) <= MAX_VILLAGES:
        found = f"{len(asked)} commune{'' if len(asked) == 1 else 's'} given"
        raise ProfileError(
            f"{found}: a comparison takes {MIN_VILLAGES} to {MAX_VILLAGES}. "
            "Name them by their INSEE code or name."
        )
    rows: list[int] = []
    for code_or_name in asked:
        row = ranking.position(code_or_name)
        if row in rows:
            facts = ranking.territory.facts[row]
            raise ProfileError(
                f"{facts['name']} ({facts['insee_code']}) is given twice: a comparison takes "
                "different communes. Leave one out or name another."
            )
        rows.append(row)
    return rows


def _village(ranking: Ranking, row: int) -> Village:
    facts = ranking.territory.facts[row]
    places = np.flatnonzero(ranking.order == row)
    broken = (outcome.criterion for outcome in ranking.limits if outcome.misses[row])
    return Village(
        insee_code=facts["insee_code"],
        name=facts["name"],
        rank=ranking.ranks[places[0]].item() if len(places) else None,
        score=ranking.score[row].item(),
        score_min=ranking.score_min[row].item(),
        score_max=ranking.score_max[row].item(),
        left_out_by=tuple(broken),
        in_scope=bool(ranking.in_scope[row]),
    )


def _criterion(
    ranking: Ranking, k: int, rows: list[int], city: OriginCity | None
) -> CriterionComparison:
    criterion = CRITERIA[NAMES[k]]
    points = ranking.points[rows, k].tolist()
    figures = [ranking.matrix.plain[row][k] for row in rows]
    known = [
        mine for mine, (_, _, _, is_unknown) in zip(points, figures, strict=True) if not is_unknown
    ]
    is_contest = len(known) > 1
    cells = (
        Cell(
            raw=raw,
            raw_low=raw_low,
            status=status,
            value=ranking.values[row, k].item(),
            points=mine,
            is_best=is_contest and not is_unknown and max(known) - mine <= SAME_POINTS,
        )
        for row, mine, (raw, raw_low, status, is_unknown) in zip(rows, points, figures, strict=True)
    )
    return CriterionComparison(
        criterion=criterion.name,
        unit=criterion.unit.value,
        weight=ranking.weights[k].item(),
        max_points=ranking.max_points[k].item(),
        cells=tuple(cells),
        origin=_origin_figure(ranking, criterion.name, city),
        spread_points=max(known) - min(known) if is_contest else None,
    )


def _difference(ranking: Ranking, used: list[int], first: int, other: int) -> Difference:
    gaps = ranking.points[first] - ranking.points[other]
    widest = sorted((k for k in used if gaps[k] != 0), key=lambda k: (-abs(gaps[k]), k))
    return Difference(
        against=ranking.matrix.codes[other],
        criteria=tuple(CriterionDifference(NAMES[k], gaps[k].item()) for k in widest),
    )


def _origin_figure(ranking: Ranking, name: str, city: OriginCity | None) -> OriginFigure | None:
    facts = city.facts if city else {}
    if name not in facts:
        return None
    function = ranking.profile.value_functions.get(name, CRITERIA[name].value_function)
    return OriginFigure(raw=facts[name], value=function(facts[name]).item())


def _origin_city(ranking: Ranking) -> OriginCity | None:
    """Return what the release knows of the city that the profile names, if anything."""
    territory, city = ranking.territory, ranking.profile.origin_city
    if ORIGIN_TABLE not in territory.tables:
        return None
    cities = territory.tables[ORIGIN_TABLE]
    rows: list[dict[Any, Any]] = cities[cities["city"] == city].to_dict("records")
    if not rows:
        return None
    facts, provenance = rows[0], territory.catalog[ORIGIN_TABLE]
    price = float(facts[f"price_m2_mean_{PRICE_YEAR}"])
    is_priced = not np.isnan(price)
    population, area_km2 = int(facts["population"]), float(facts["area_km2"])
    return OriginCity(
        city=city,
        insee_code=facts["insee_code"],
        name=facts["name"],
        population=population,
        population_year=int(facts["population_year"]),
        area_km2=area_km2,
        density_km2=population / area_km2,
        house_price_eur_m2=price if is_priced else None,
        price_year=PRICE_YEAR if is_priced else None,
        source=facts["source"],
        producer=provenance.producer,
        vintage=provenance.vintage,
        licence=provenance.licence,
        quality=provenance.quality,
    )
