"""The catalogue of criteria: what is measured, in which unit, and what it is worth.

Hides the breakpoints and their reasons. A criterion turns a raw figure in a natural unit (minutes,
euros per m², share of premises) into a value between 0 and 1 by a fixed piecewise linear function;
it never looks at the other communes. Families form a tree: the criteria of a family share its
weight, so that three measures of one thing do not count three times.

Breakpoints are stated choices, not findings; ``docs/method.md`` gives the reason of each, and a
profile may move them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo_matcher.errors import ProfileError, UnknownCriterionError
from geo_matcher.schemas import HEAT_HORIZON
from geo_matcher.territory_file import TerritoryFile
from geo_matcher.towns import LiveMapping

__all__ = [
    "CRITERIA",
    "FAMILIES",
    "OF_NETWORK",
    "VILLAGE_SIZES",
    "Criterion",
    "Direction",
    "Family",
    "Importance",
    "Unit",
    "ValueFunction",
    "criterion_named",
]

FloatArray = NDArray[np.float64]

MAX_BREAKPOINTS = 12

OF_NETWORK = frozenset({"partner_village", "network_trace_min"})
"""Criteria that mean nothing where a territory has no network: they do not count there."""


class Direction(enum.Enum):
    """Which raw figures are better."""

    INCREASING = "increasing"
    DECREASING = "decreasing"
    TARGET = "target"


class Unit(enum.Enum):
    """Natural unit of a raw figure."""

    MINUTES = "min"
    SHARE = "share"
    EUR_M2 = "eur_m2"
    EUR_M2_MONTH = "eur_m2_month"
    INHABITANTS = "inhabitants"
    INHABITANTS_KM2 = "inhabitants_km2"
    DAYS_YEAR = "days_year"
    YES_NO = "yes_no"

    @property
    def domain(self) -> tuple[float, float]:
        """Smallest and largest figure that makes sense."""
        if self is Unit.SHARE or self is Unit.YES_NO:
            return 0.0, 1.0
        return 0.0, 366.0 if self is Unit.DAYS_YEAR else 1e6


class Importance(enum.Enum):
    """How much something matters to a mover, in four words."""

    NOT_AT_ALL = "not_at_all"
    A_LITTLE = "a_little"
    IMPORTANT = "important"
    INDISPENSABLE = "indispensable"

    @property
    def points(self) -> int:
        """Relative weight: each word counts twice the one before (``docs/decisions/0006``)."""
        return _POINTS[self.value]


_POINTS = {"not_at_all": 0, "a_little": 1, "important": 2, "indispensable": 4}


@dataclass(frozen=True, slots=True)
class ValueFunction:
    """Piecewise linear function from a raw figure to a value in [0, 1].

    Parameters
    ----------
    breakpoints
        Pairs (raw figure, value) with strictly increasing figures; outside them the value is that
        of the nearest end.

    Raises
    ------
    ProfileError
        If there are fewer than two or too many breakpoints, a figure is not finite or not
        increasing, or a value is outside [0, 1].
    """

    breakpoints: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        """Check the breakpoints."""
        points = np.asarray(self.breakpoints, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2 or not 2 <= len(points) <= MAX_BREAKPOINTS:
            raise ProfileError(
                f"breakpoints {self.breakpoints!r}: expected 2 to {MAX_BREAKPOINTS} pairs "
                "(figure, value), for example [[5, 1], [15, 0]]"
            )
        if not np.isfinite(points).all() or (np.diff(points[:, 0]) <= 0).any():
            raise ProfileError(
                f"breakpoints {self.breakpoints!r}: figures must be finite and strictly increasing"
            )
        if (points[:, 1] < 0).any() or (points[:, 1] > 1).any():
            raise ProfileError(f"breakpoints {self.breakpoints!r}: values must lie between 0 and 1")

    def __call__(self, raw: ArrayLike) -> FloatArray:
        """Return the value of each raw figure; NaN stays NaN."""
        figures, values = zip(*self.breakpoints, strict=True)
        return np.asarray(np.interp(np.asarray(raw, dtype=np.float64), figures, values))

    def follows(self, direction: Direction) -> bool:
        """Tell whether the function never goes against a direction."""
        steps = np.diff([value for _, value in self.breakpoints])
        if direction is Direction.INCREASING:
            return bool((steps >= 0).all())
        return direction is Direction.TARGET or bool((steps <= 0).all())


@dataclass(frozen=True, slots=True)
class Family:
    """A group of criteria that share one weight."""

    name: str
    label_fr: str
    label_en: str
    question_fr: str
    question_en: str
    importance: Importance


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that a village is judged on.

    Attributes
    ----------
    name
        Also the column of the decision matrix; the suffix is the unit.
    family
        Name of its :class:`Family`.
    unit, direction, value_function
        How a raw figure becomes a value.
    source
        Table of the catalog that the figure comes from.
    importance
        Importance inside the family unless the profile says otherwise.
    label_fr, label_en
        Short name.
    phrase_fr, phrase_en
        Part of a sentence, with ``{raw}`` for the figure and its unit.
    quality
        ``measured``, ``declared`` or ``estimated``.
    """

    name: str
    family: str
    unit: Unit
    direction: Direction
    value_function: ValueFunction
    source: str
    importance: Importance
    label_fr: str
    label_en: str
    phrase_fr: str
    phrase_en: str
    quality: str = "estimated"

    def as_dict(self) -> dict[str, Any]:
        """Return the criterion in plain types."""
        return {
            "name": self.name,
            "family": self.family,
            "unit": self.unit.value,
            "direction": self.direction.value,
            "breakpoints": [list(point) for point in self.value_function.breakpoints],
            "importance": self.importance.value,
            "label_fr": self.label_fr,
            "label_en": self.label_en,
            "quality": self.quality,
            "source": self.source,
        }


def _families() -> Mapping[str, Family]:
    important, little = Importance.IMPORTANT, Importance.A_LITTLE
    rows = (
        Family("work", "Travailler", "Work",
               "Un bureau partagé près de chez vous", "A shared office near home", important),
        Family("connection", "Connexion", "Connection",
               "La ligne internet qui vous attend", "The internet line that awaits you", important),
        Family("daily_life", "Quotidien", "Daily life",
               "Le pain, les courses, la poste", "Bread, groceries, post", important),
        Family("children", "Enfants", "Children",
               "Les écoles", "Schools", important),
        Family("health", "Santé", "Health",
               "Un médecin, un hôpital", "A doctor, a hospital", important),
        Family("mobility", "Se déplacer", "Getting around",
               "La gare, l'aéroport, les villes", "Station, airport, towns", important),
        Family("housing", "Se loger", "Housing",
               "Le prix des maisons", "House prices", important),
        Family("setting", "Culture et cadre", "Culture and setting",
               "Sortir, respirer", "Going out, breathing space", little),
        Family("welcome", "Accueil", "Welcome",
               "Un réseau qui vous attend", "A network that expects you", little),
    )  # fmt: skip
    return MappingProxyType({family.name: family for family in rows})


FAMILIES: Mapping[str, Family] = _families()
"""Families by name, in the order in which they are shown."""

VILLAGE_SIZES: Mapping[str, ValueFunction] = MappingProxyType(
    {
        "hamlet": ValueFunction(((200, 1), (600, 0))),
        "village": ValueFunction(((50, 0), (300, 1), (1000, 1), (2500, 0))),
        "bourg": ValueFunction(((500, 0), (1500, 1), (4000, 1), (8000, 0))),
        "town": ValueFunction(((2500, 0), (6000, 1))),
    }
)
"""What each wished size is worth, in inhabitants."""


def _minutes(
    name: str,
    family: str,
    breakpoints: Sequence[tuple[float, float]],
    importance: Importance,
    labels: tuple[str, str],
    phrases: tuple[str, str],
) -> Criterion:
    return Criterion(
        f"{name}_min",
        family,
        Unit.MINUTES,
        Direction.DECREASING,
        ValueFunction(tuple(breakpoints)),
        "indicators" if name == "daily_services" else "travel_times",
        importance,
        *labels,
        *phrases,
    )


def _criteria(territory: TerritoryFile) -> Mapping[str, Criterion]:
    no, little = Importance.NOT_AT_ALL, Importance.A_LITTLE
    important, must = Importance.IMPORTANT, Importance.INDISPENSABLE
    near = ((4, 1), (8, 0.75), (15, 0.25), (25, 0))
    bourg = ((5, 1), (15, 0.6), (30, 0))
    seat = ((10, 1), (25, 0.8), (45, 0.4), (75, 0))
    region = ((30, 1), (60, 0.7), (90, 0.3), (120, 0))
    rows = [
        _minutes("coworking", "work", ((5, 1), (15, 0.75), (30, 0.25), (45, 0)), important,
                 ("Coworking ou tiers-lieu", "Coworking or third place"),
                 ("un coworking ou tiers-lieu à {raw}", "a coworking or third place {raw} away")),
        _minutes("telecentre", "work", ((5, 1), (15, 0.75), (30, 0.25), (45, 0)), little,
                 ("Télécentre", "Telecentre"),
                 ("un télécentre à {raw}", "a telecentre {raw} away")),
        Criterion("ftth_coverage_share", "connection", Unit.SHARE, Direction.INCREASING,
                  ValueFunction(((0.5, 0), (0.8, 0.5), (0.95, 0.9), (0.99, 1))),
                  "broadband_fixed", must, "Fibre", "Fibre",
                  "la fibre pour {raw} des locaux", "fibre for {raw} of premises", "measured"),
        Criterion("land_30mbit_share", "connection", Unit.SHARE, Direction.INCREASING,
                  ValueFunction(((0.8, 0), (0.95, 0.7), (0.99, 1))),
                  "broadband_fixed", little,
                  "30 Mbit/s sans satellite", "30 Mbit/s without satellite",
                  "30 Mbit/s sans satellite pour {raw} des locaux",
                  "30 Mbit/s without satellite for {raw} of premises", "declared"),
        _minutes("daily_services", "daily_life", near, must,
                 ("Commerces et services du quotidien", "Everyday shops and services"),
                 ("les commerces du quotidien à {raw} en moyenne",
                  "everyday shops {raw} away on average")),
        _minutes("france_services", "daily_life", bourg, little,
                 ("Maison France services", "France services desk"),
                 ("une maison France services à {raw}", "a France services desk {raw} away")),
        _minutes("primary_school", "children", ((3, 1), (8, 0.75), (15, 0.25), (20, 0)), important,
                 ("École élémentaire", "Primary school"),
                 ("une école élémentaire à {raw}", "a primary school {raw} away")),
        _minutes("college", "children", ((5, 1), (15, 0.7), (30, 0)), important,
                 ("Collège", "Lower secondary school"),
                 ("un collège à {raw}", "a lower secondary school {raw} away")),
        _minutes("lycee", "children", ((10, 1), (25, 0.6), (45, 0)), important,
                 ("Lycée", "Upper secondary school"),
                 ("un lycée à {raw}", "an upper secondary school {raw} away")),
        _minutes("doctor", "health", ((5, 1), (10, 0.75), (20, 0.25), (30, 0)), important,
                 ("Médecin généraliste", "General practitioner"),
                 ("un médecin généraliste à {raw}", "a general practitioner {raw} away")),
        _minutes("hospital", "health", ((10, 1), (30, 0.5), (50, 0)), little,
                 ("Hôpital", "Hospital"),
                 ("un hôpital à {raw}", "a hospital {raw} away")),
        _minutes("station", "mobility", ((10, 1), (25, 0.7), (45, 0.2), (60, 0)), important,
                 ("Gare", "Railway station"),
                 ("une gare à {raw}", "a railway station {raw} away")),
        _minutes("airport", "mobility", ((30, 1), (60, 0.5), (90, 0)), little,
                 ("Aéroport", "Airport"),
                 ("un aéroport à {raw}", "an airport {raw} away")),
        *(
            _minutes(town.key, "mobility", seat if town.role == "seat" else region,
                     no if town.role == "other" else little, (town.name, town.name),
                     (f"{town.name} à {{raw}}", f"{town.name} {{raw}} away"))
            for town in territory.town
        ),
        Criterion("house_price_eur_m2", "housing", Unit.EUR_M2, Direction.DECREASING,
                  ValueFunction(((1000, 1), (1600, 0.7), (2400, 0.2), (3200, 0))),
                  "housing_prices_rents", important,
                  "Prix d'achat", "Purchase price",
                  "un prix d'achat de {raw}", "a purchase price of {raw}", "measured"),
        Criterion("house_rent_eur_m2_month", "housing", Unit.EUR_M2_MONTH, Direction.DECREASING,
                  ValueFunction(((6, 1), (8, 0.6), (10, 0.2), (12, 0))),
                  "housing_prices_rents", important,
                  "Loyer d'une maison", "House rent",
                  "un loyer de maison de {raw}", "a house rent of {raw}"),
        Criterion("population", "setting", Unit.INHABITANTS, Direction.TARGET,
                  VILLAGE_SIZES["village"], "communes", must,
                  "Taille de la commune", "Size of the commune",
                  "une commune de {raw}", "a commune of {raw}", "measured"),
        Criterion("density_km2", "setting", Unit.INHABITANTS_KM2, Direction.DECREASING,
                  ValueFunction(((15, 1), (50, 0.7), (150, 0.2), (300, 0))), "communes", little,
                  "Espace autour de vous", "Space around you",
                  "une densité de {raw}", "a density of {raw}", "measured"),
        _minutes("cinema", "setting", ((5, 1), (15, 0.7), (30, 0.2), (40, 0)), important,
                 ("Cinéma", "Cinema"), ("un cinéma à {raw}", "a cinema {raw} away")),
        _minutes("museum", "setting", ((5, 1), (20, 0.6), (40, 0)), little,
                 ("Musée", "Museum"), ("un musée à {raw}", "a museum {raw} away")),
        Criterion(f"hot_days_{HEAT_HORIZON}_year", "setting", Unit.DAYS_YEAR, Direction.DECREASING,
                  ValueFunction(((15, 1), (25, 0.6), (40, 0))), "climate_projections", no,
                  f"Jours à 30 °C ou plus vers {HEAT_HORIZON}",
                  f"Days at 30 °C or more around {HEAT_HORIZON}",
                  f"{{raw}} à 30 °C ou plus vers {HEAT_HORIZON}",
                  f"{{raw}} at 30 °C or more around {HEAT_HORIZON}"),
        Criterion("partner_village", "welcome", Unit.YES_NO, Direction.INCREASING,
                  ValueFunction(((0, 0), (1, 1))), "membership", important,
                  "Village partenaire", "Partner village",
                  "village partenaire\u00a0: {raw}", "partner village: {raw}", "declared"),
        _minutes("network_trace", "welcome", ((5, 1), (15, 0.6), (30, 0)), little,
                 ("Présence connue du réseau", "Known presence of the network"),
                 ("le réseau présent à {raw}", "the network present {raw} away")),
    ]  # fmt: skip
    return MappingProxyType({criterion.name: criterion for criterion in rows})


CRITERIA: LiveMapping[str, Criterion] = LiveMapping(_criteria)
"""Criteria by name, family by family, in the order in which they are shown."""


def criterion_named(name: str) -> Criterion:
    """Return the criterion of this name.

    Raises
    ------
    UnknownCriterionError
        If there is none; what looks alike is suggested.
    """
    import difflib

    try:
        return CRITERIA[name]
    except KeyError:
        near = difflib.get_close_matches(name, CRITERIA, n=3)
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        message = f"No criterion is called {name[:60]!r}.{hint} `geo-matcher criteria` lists them."
        raise UnknownCriterionError(message) from None
