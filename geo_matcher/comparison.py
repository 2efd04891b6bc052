"""Two to four villages side by side, and beside the commune that is left.

Hides how the ledgers of several communes become one table, who is best on a criterion, what makes
the difference between two scores. Any commune of the territory can be compared, be it listed or
not: a column says so. Nothing is scored again, and the commune that is left has no score: only the
figures that are known of it (:mod:`geo_matcher.origins`) have a value.

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
from geo_matcher.origins import Origin, origin_of
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
    "OriginFigure",
    "Village",
    "chances",
    "compare",
]

MIN_VILLAGES, MAX_VILLAGES = 2, 4
"""How many villages can stand side by side."""

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
    """A figure of the commune that is left, and what it would be worth to the same mover.

    Attributes
    ----------
    raw, raw_low, status
        As in a :class:`Cell`.
    value
        Value, 0 to 1; None where nothing is known, since nothing rests on it.
    """

    raw: float | None
    raw_low: float | None
    status: str
    value: float | None


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
        Figure of the commune that is left; None where no such fact is known.
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
        The commune that is left; None where the profile names none.
    families
        The rows, by family.
    decisive
        What decides between the first village and each of the others.
    """

    release: str
    scope: str
    villages: tuple[Village, ...]
    origin: Origin | None
    families: tuple[FamilyComparison, ...]
    decisive: tuple[Difference, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison in plain types.

        Returns
        -------
        dict
            ``release``, ``scope``; ``villages``: a list of ``insee_code, name, rank, score,
            score_min, score_max, left_out_by, in_scope``; ``origin``: None, or the attributes of
            :class:`geo_matcher.origins.Origin`; ``families``: a list of ``family, criteria``, each
            criterion being ``criterion, unit, weight, max_points, cells, origin, spread_points``,
            each cell ``raw, raw_low, status, value, points, is_best`` and its origin None or
            ``raw, raw_low, status, value``; ``decisive``: a list of ``against, criteria``, each
            criterion being ``criterion, points``.
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
        Whether to add what is known of the commune that the profile says is left.

    Raises
    ------
    ProfileError
        If there are fewer than two communes or more than four, or one is named twice.
    UnknownCommuneError
        If the territory has no such commune.
    """
    rows = _rows(ranking, codes_or_names)
    left = origin_of(ranking.territory, ranking.profile) if origin else None
    used = np.flatnonzero(ranking.weights > 0).tolist()
    compared = {NAMES[k]: _criterion(ranking, k, rows, left) for k in used}
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
        origin=left,
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
    ranking: Ranking, k: int, rows: list[int], left: Origin | None
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
        origin=_origin_figure(ranking, criterion.name, left),
        spread_points=max(known) - min(known) if is_contest else None,
    )


def _difference(ranking: Ranking, used: list[int], first: int, other: int) -> Difference:
    gaps = ranking.points[first] - ranking.points[other]
    widest = sorted((k for k in used if gaps[k] != 0), key=lambda k: (-abs(gaps[k]), k))
    return Difference(
        against=ranking.matrix.codes[other],
        criteria=tuple(CriterionDifference(NAMES[k], gaps[k].item()) for k in widest),
    )


def _origin_figure(ranking: Ranking, name: str, origin: Origin | None) -> OriginFigure | None:
    fact = origin.fact(name) if origin else None
    if fact is None:
        return None
    function = ranking.profile.value_functions.get(name, CRITERIA[name].value_function)
    raw = np.inf if fact.status == "unreachable" else fact.raw
    value = None if raw is None else function(raw).item()
    return OriginFigure(fact.raw, fact.raw_low, fact.status, value)
