"""Types of communes: neighbours that are alike, gathered in a few types with a name.

Hides the clustering. Communes are gathered by Ward's method (J. H. Ward, *Hierarchical grouping to
optimize an objective function*, JASA 58, 1963) in the space of the catalogue's values, and only
through neighbours, so that a type is one piece of land. No profile takes part: types are the same
for everybody. They draw lines through differences that are mostly gradual; how well the lines hold
is in :attr:`Typology.candidates`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import scipy.sparse as sp
import shapely
from numpy.typing import NDArray

from geo_matcher.criteria import CRITERIA, Criterion, Direction, Unit
from geo_matcher.decision import DecisionMatrix, decision_matrix
from geo_matcher.errors import DataError, UnknownCommuneError
from geo_matcher.kept import kept
from geo_matcher.numbers import LANGUAGES
from geo_matcher.territory import LAMBERT_93, Territory

__all__ = [
    "LETTERS",
    "MAX_COMMUNES",
    "MIN_COMMUNES",
    "WEAK_SILHOUETTE",
    "Bridge",
    "Candidate",
    "CommuneType",
    "Trait",
    "Typology",
    "typology",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LETTERS = "ABCDEF"
"""One letter a type, the one with most communes first: a map has at most six categories."""

MIN_TYPES = 3
MIN_COMMUNES = 12
"""Fewest communes that make types: two for each letter."""

MAX_COMMUNES = 3000
"""Most communes in one typology (the largest département has under 900): the silhouette compares
each with each."""

MIN_SHARE, MAX_SHARE = 0.05, 0.5
"""Smallest and largest share of the communes that an accepted type holds: fewer are crumbs, and
what is said of more than half of them tells no commune from another."""

WEAK_SILHOUETTE = 0.25
"""Mean silhouette up to which "no substantial structure" is found (Kaufman and Rousseeuw, *Finding
Groups in Data*, 1990, table 4): the types are then shown as a convenience, their limits as soft."""

MIN_KNOWN_SHARE = 0.5
"""Share of known figures from which a criterion takes part, and may name a type."""

NAMED_TRAITS = 3
MIN_DIFFERENCE = 0.05
"""Difference of mean value under which a criterion does not tell a type apart."""

TOUCH_M = 1.0
"""Gap up to which two outlines touch: their corners are rounded when the release is built."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A number of types that was tried.

    Attributes
    ----------
    types
        How many.
    figure
        Mean silhouette (-1 to 1, higher is better).
    smallest, largest
        Communes in the smallest and the largest type.
    is_accepted
        Whether every type holds between 5 % and half of the communes.
    """

    types: int
    figure: float
    smallest: int
    largest: int
    is_accepted: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the candidate in plain types."""
        return {
            "types": self.types,
            "figure": self.figure,
            "smallest": self.smallest,
            "largest": self.largest,
            "accepted": self.is_accepted,
        }


@dataclass(frozen=True, slots=True)
class Trait:
    """A criterion that tells a type apart.

    Attributes
    ----------
    criterion
        Its name.
    is_better
        Whether the mean value of the type is above that of all communes.
    value_mean, value_mean_all
        Mean value of the known figures, in the type and in all communes, 0 to 1.
    raw_median, raw_median_all
        Median of the known figures in the unit of the criterion; None where it cannot be reached.
    """

    criterion: str
    is_better: bool
    value_mean: float
    value_mean_all: float
    raw_median: float | None
    raw_median_all: float | None

    @property
    def difference(self) -> float:
        """Mean value of the type less that of all communes."""
        return self.value_mean - self.value_mean_all

    def as_dict(self) -> dict[str, Any]:
        """Return the trait in plain types."""
        return {
            "criterion": self.criterion,
            "direction": "better" if self.is_better else "worse",
            "value_mean": self.value_mean,
            "value_mean_all": self.value_mean_all,
            "raw_median": self.raw_median,
            "raw_median_all": self.raw_median_all,
        }


@dataclass(frozen=True, slots=True)
class CommuneType:
    """Communes that are neighbours and alike.

    Attributes
    ----------
    letter
        A for the type with most communes, and so on.
    name_fr, name_en
        Made from the traits, by rule.
    population
        Inhabitants of all its communes.
    typical_code, typical_name
        The commune nearest to the mean of the type.
    traits
        What the name says: better first, and the widest difference first.
    members
        INSEE codes, sorted.
    """

    letter: str
    name_fr: str
    name_en: str
    population: int
    typical_code: str
    typical_name: str
    traits: tuple[Trait, ...]
    members: tuple[str, ...]

    def name(self, language: str) -> str:
        """Return the name in a language, ``fr`` or ``en``."""
        return self.name_fr if language == "fr" else self.name_en

    def as_dict(self) -> dict[str, Any]:
        """Return the type in plain types."""
        return {
            "letter": self.letter,
            "name_fr": self.name_fr,
            "name_en": self.name_en,
            "communes": len(self.members),
            "population": self.population,
            "typical": {"insee_code": self.typical_code, "name": self.typical_name},
            "traits": [trait.as_dict() for trait in self.traits],
            "members": list(self.members),
        }


@dataclass(frozen=True, slots=True)
class Bridge:
    """Two communes held to be neighbours though their outlines do not touch.

    Attributes
    ----------
    island, mainland
        INSEE codes: a commune of a piece of land cut off from the others, and the nearest outside.
    gap_km
        Distance between their outlines.
    """

    island: str
    mainland: str
    gap_km: float

    def as_dict(self) -> dict[str, Any]:
        """Return the bridge in plain types."""
        return {"island": self.island, "mainland": self.mainland, "gap_km": self.gap_km}


@dataclass(frozen=True)
class Typology:
    """The types of a territory, and how their number was chosen.

    Attributes
    ----------
    release
        The data.
    types
        In the order of their letters.
    candidates
        Every number of types that was tried.
    criteria
        Names of the criteria that took part.
    bridges
        What joins islands to the rest; empty where the territory is in one piece.
    """

    release: str
    types: tuple[CommuneType, ...]
    candidates: tuple[Candidate, ...]
    criteria: tuple[str, ...]
    bridges: tuple[Bridge, ...]

    @property
    def chosen(self) -> Candidate:
        """The candidate that was chosen."""
        return next(found for found in self.candidates if found.types == len(self.types))

    @property
    def is_weak(self) -> bool:
        """Tell whether the differences are too gradual for firm limits."""
        return self.chosen.figure <= WEAK_SILHOUETTE

    @cached_property
    def _by_code(self) -> Mapping[str, CommuneType]:
        return MappingProxyType({code: kind for kind in self.types for code in kind.members})

    def type_of(self, insee_code: str) -> CommuneType:
        """Return the type of a commune.

        Raises
        ------
        UnknownCommuneError
            If no type holds this commune.
        """
        try:
            return self._by_code[insee_code]
        except KeyError:
            message = (
                f"No type holds the commune {insee_code[:60]!r}: give one of the "
                f"{len(self._by_code)} INSEE codes of release {self.release}."
            )
            raise UnknownCommuneError(message) from None

    def as_dict(self) -> dict[str, Any]:
        """Return the typology in plain types."""
        return {
            "release": self.release,
            "criterion": "silhouette",
            "weak": self.is_weak,
            "candidates": [candidate.as_dict() for candidate in self.candidates],
            "left_out": [name for name in CRITERIA if name not in self.criteria],
            "bridges": [bridge.as_dict() for bridge in self.bridges],
            "types": [kind.as_dict() for kind in self.types],
        }


@kept(maxsize=8)
def typology(territory: Territory) -> Typology:
    """Return the types of communes of a territory; made once, then kept.

    Every family weighs the same and every criterion the same inside its family, as for twins. A
    criterion known for less than half of the communes takes no part. Unknown figures of the others
    stand at the middle of their interval, as in a score, but no type is named by a criterion that
    is unknown for most of its communes, and the means of a trait are those of known figures only.

    *Number of types.* Among 3 to 6, the one with the greatest mean silhouette (P. J. Rousseeuw,
    *Silhouettes*, J. Comput. Appl. Math. 20, 1987), provided that each type holds between 5 % and
    half of the communes; the fewest types when two tie. Where no number gives such sizes, the
    greatest silhouette alone decides, and ``is_accepted`` is false everywhere. In the release of
    the Gers: 3 types 0.144 (refused, the largest holds 288 of 458 communes), 4 types 0.133, 5 types
    0.131, 6 types 0.127 (refused, one holds 20 communes). So four: the limits are soft, as
    ``WEAK_SILHOUETTE`` tells.

    *Neighbours.* Communes whose outlines come within one metre in EPSG:2154; a commune inside
    another touches it. A piece of land that touches nothing is joined by its nearest outline, and
    the join is in ``bridges``.

    *Letters.* By falling number of communes, then by first INSEE code.

    Parameters
    ----------
    territory
        A loaded release.

    Raises
    ------
    DataError
        If there are too few communes to make types, or too many.
    """
    if not MIN_COMMUNES <= len(territory.codes) <= MAX_COMMUNES:
        raise DataError(
            f"The release has {len(territory.codes)} communes: types are made of "
            f"{MIN_COMMUNES} to {MAX_COMMUNES} of them. Give a release of one département."
        )
    order = np.argsort(np.array(territory.codes), kind="stable")  # rows in any order, same types
    matrix = decision_matrix(territory)
    kept = np.flatnonzero(matrix.known.mean(axis=0) >= MIN_KNOWN_SHARE)
    names = [matrix.criteria[k] for k in kept]
    space = matrix.values[np.ix_(order, kept)] * np.sqrt(_weights(names))
    codes = [territory.codes[row] for row in order]
    links, bridges = _neighbours(territory, order, codes)
    candidates, labels = _best_number(space, links)
    drafts = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        traits = _traits(matrix, kept, order[rows], order)
        drafts.append((rows, traits, _nearest_to_mean(space, rows)))
    drafts.sort(key=lambda draft: (-len(draft[0]), codes[draft[0][0]]))
    named = _distinct_names([traits for _, traits, _ in drafts])
    facts = [territory.facts[row] for row in order]
    types = tuple(
        CommuneType(
            letter,
            french,
            english,
            sum(facts[row]["population"] for row in rows),
            codes[typical],
            facts[typical]["name"],
            _shown(traits, count),
            tuple(codes[row] for row in rows),
        )
        for letter, (rows, traits, typical), (french, english, count) in zip(
            LETTERS, drafts, named, strict=False
        )
    )
    return Typology(territory.release_id, types, candidates, tuple(names), bridges)


def _weights(names: Sequence[str]) -> FloatArray:
    """Return the weight of each criterion: families alike, and criteria alike inside one."""
    families = [CRITERIA[name].family for name in names]
    size = Counter(families)
    return np.array([1 / size[family] / len(size) for family in families])


# --- Neighbours --------------------------------------------------------------------------------


def _neighbours(
    territory: Territory, order: IntArray, codes: Sequence[str]
) -> tuple[sp.csr_array, tuple[Bridge, ...]]:
    """Return who touches whom, in the order of ``codes``, in one piece."""
    outlines = territory.communes.geometry.to_crs(LAMBERT_93).to_numpy()[order]
    pairs = shapely.STRtree(outlines).query(outlines, predicate="dwithin", distance=TOUCH_M)
    pairs = pairs[:, pairs[0] != pairs[1]]
    bridges: list[Bridge] = []
    while True:
        links = sp.coo_array((np.ones(pairs.shape[1]), tuple(pairs)), shape=(len(codes),) * 2)
        pieces, piece = sp.csgraph.connected_components(links, directed=False)
        if pieces == 1:
            return links.tocsr(), tuple(bridges)
        # The largest piece (the first of those) is the mainland; the nearest island joins it.
        mainland = piece == np.bincount(piece).argmax()
        land, islands = np.flatnonzero(mainland), np.flatnonzero(~mainland)
        nearest, gaps_m = shapely.STRtree(outlines[land]).query_nearest(
            outlines[islands], return_distance=True
        )
        first = np.lexsort((nearest[1], nearest[0], gaps_m))[0]
        island, shore = int(islands[nearest[0][first]]), int(land[nearest[1][first]])
        bridges.append(Bridge(codes[island], codes[shore], float(gaps_m[first]) / 1000))
        pairs = np.hstack([pairs, [[island, shore], [shore, island]]])


# --- Types -------------------------------------------------------------------------------------


def _best_number(space: FloatArray, links: sp.csr_array) -> tuple[tuple[Candidate, ...], IntArray]:
    """Try every number of types, and return what each is worth and the labels of the best."""
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.metrics import silhouette_score

    tried: dict[int, tuple[Candidate, IntArray]] = {}
    for count in range(MIN_TYPES, len(LETTERS) + 1):
        model = AgglomerativeClustering(count, linkage="ward", connectivity=links)
        labels: IntArray = model.fit_predict(space)
        sizes = np.bincount(labels)
        small, large = int(sizes.min()), int(sizes.max())
        accepted = small >= MIN_SHARE * len(space) and large <= MAX_SHARE * len(space)
        figure = float(silhouette_score(space, labels))
        tried[count] = Candidate(count, figure, small, large, accepted), labels
    candidates = tuple(candidate for candidate, _ in tried.values())
    best = max(candidates, key=lambda c: (c.is_accepted, c.figure, -c.types))
    return candidates, tried[best.types][1]


def _nearest_to_mean(space: FloatArray, rows: IntArray) -> int:
    gaps = np.square(space[rows] - space[rows].mean(axis=0)).sum(axis=1)
    return int(rows[gaps.argmin()])


def _traits(
    matrix: DecisionMatrix, kept: IntArray, rows: IntArray, everyone: IntArray
) -> list[Trait]:
    """Return every criterion that tells some rows from all, the widest difference first."""
    found = []
    for k in kept.tolist():
        own, known = (some[matrix.known[some, k] > 0] for some in (rows, everyone))
        if len(own) < MIN_KNOWN_SHARE * len(rows):
            continue
        mean, mean_all = (float(matrix.values[r, k].mean()) for r in (own, known))
        if abs(mean - mean_all) >= MIN_DIFFERENCE:
            medians = (_median(matrix.raw[r, k]) for r in (own, known))
            found.append(Trait(matrix.criteria[k], mean > mean_all, mean, mean_all, *medians))
    return sorted(found, key=lambda trait: -abs(trait.difference))


def _median(raws: FloatArray) -> float | None:
    middle = float(np.quantile(raws, 0.5, method="lower"))  # between a figure and infinity, no mean
    return middle if np.isfinite(middle) else None


def _shown(traits: Sequence[Trait], count: int) -> tuple[Trait, ...]:
    """Return the first traits, the better ones before the others."""
    return tuple(sorted(traits[:count], key=lambda trait: not trait.is_better))


# --- Names -------------------------------------------------------------------------------------

_NO_TRAIT = {"fr": "chiffres proches de la moyenne", "en": "figures close to the mean"}

_COMPARED: Mapping[str, Mapping[Unit, tuple[str, str]]] = {
    "fr": {
        Unit.MINUTES: ("plus près {}", "plus loin {}"),
        Unit.SHARE: ("plus souvent {}", "moins souvent {}"),
        Unit.EUR_M2: ("{} plus bas", "{} plus haut"),
        Unit.EUR_M2_MONTH: ("{} plus bas", "{} plus haut"),
        Unit.INHABITANTS: ("plus d'habitants", "moins d'habitants"),
        Unit.INHABITANTS_KM2: ("plus d'espace", "moins d'espace"),
        Unit.DAYS_YEAR: ("moins {}", "plus {}"),
        Unit.YES_NO: ("plus souvent {}", "moins souvent {}"),
    },
    "en": {
        Unit.MINUTES: ("nearer {}", "farther from {}"),
        Unit.SHARE: ("more often {}", "less often {}"),
        Unit.EUR_M2: ("lower {}", "higher {}"),
        Unit.EUR_M2_MONTH: ("lower {}", "higher {}"),
        Unit.INHABITANTS: ("more inhabitants", "fewer inhabitants"),
        Unit.INHABITANTS_KM2: ("more space", "less space"),
        Unit.DAYS_YEAR: ("fewer {}", "more {}"),
        Unit.YES_NO: ("more often a {}", "less often a {}"),
    },
}
"""How a type is compared with all communes, better first; inhabitants: more of them first."""

_PLACES = {
    "fr": {"network_trace_min": "une présence connue du réseau"},
    "en": {"network_trace_min": "a known presence of the network"},
}
"""Places that the phrase of a criterion does not name by themselves."""

_BEFORE_FIGURE = r" (?:à|pour|for) \{raw\}| \{raw\} away"
"""Where the phrase of a criterion goes from a place or a thing to its figure."""


def _distinct_names(types: Sequence[Sequence[Trait]]) -> list[tuple[str, str, int]]:
    """Return the names of each type and the number of traits in them.

    Types that three traits do not tell apart are given one more until they are, then their letter.
    """
    counts = [min(NAMED_TRAITS, len(traits)) for traits in types]
    while True:
        shown = [_shown(traits, count) for traits, count in zip(types, counts, strict=True)]
        french, english = ([_name(traits, language) for traits in shown] for language in LANGUAGES)
        twice = [
            french.count(fr) > 1 or english.count(en) > 1
            for fr, en in zip(french, english, strict=True)
        ]
        longer = [i for i, traits in enumerate(types) if twice[i] and counts[i] < len(traits)]
        if not longer:
            break
        for i in longer:
            counts[i] += 1
    ends = [f" ({letter})" if same else "" for letter, same in zip(LETTERS, twice, strict=False)]
    return [
        (fr + end, en + end, count)
        for fr, en, end, count in zip(french, english, ends, counts, strict=True)
    ]


def _name(traits: Iterable[Trait], language: str) -> str:
    """Write the traits: what compares alike is said together, in the order of the traits."""
    clauses: dict[str, list[str]] = {}
    for trait in traits:
        criterion = CRITERIA[trait.criterion]
        first, second = _COMPARED[language][criterion.unit]
        clause = first if _says_first(trait, criterion) else second
        clauses.setdefault(clause, []).append(_compared(criterion, language))
    said = [clause.format(_listed(things, language)) for clause, things in clauses.items()]
    text = ", ".join(said) or _NO_TRAIT[language]
    return text[:1].upper() + text[1:]


def _says_first(trait: Trait, criterion: Criterion) -> bool:
    """Tell whether the first of the two comparisons is the true one."""
    if criterion.direction is not Direction.TARGET:
        return trait.is_better
    # A wished size is neither large nor small: the figures say which.
    return (trait.raw_median or 0.0) > (trait.raw_median_all or 0.0)


def _compared(criterion: Criterion, language: str) -> str:
    """Return what a criterion compares, as its phrase or its label calls it, ready for a name."""
    french = language == "fr"
    label = criterion.label_fr if french else criterion.label_en
    phrase = criterion.phrase_fr if french else criterion.phrase_en
    if criterion.unit in (Unit.MINUTES, Unit.SHARE):
        thing = _PLACES[language].get(criterion.name) or re.split(_BEFORE_FIGURE, phrase)[0]
    else:  # without the capital of a title; that of a name stays, as in the phrase
        thing = label if label.split()[0] in phrase else label[:1].lower() + label[1:]
    return _de(thing) if french and criterion.unit in (Unit.MINUTES, Unit.DAYS_YEAR) else thing


def _de(text: str) -> str:
    """Put « de » before a French text, drawn together with what follows."""
    for article, joined in (("les ", "des "), ("le ", "du ")):
        if text.startswith(article):
            return joined + text.removeprefix(article)
    return f"d'{text}" if text[:1].lower() in "aeiouyéèêœ" else f"de {text}"


def _listed(things: Sequence[str], language: str) -> str:
    *others, last = things
    word = " et " if language == "fr" else " and "
    return word.join(filter(None, (", ".join(others), last)))
