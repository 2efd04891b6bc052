"""Layers of the map: one figure for each commune, in fixed classes, with what is known of it.

Hides where each figure lies and where its classes begin. Only the minutes to a commune of choice
and the hours of a household are computed, by the model of the build; all others are those of the
release. Classes are fixed in natural units, so that two maps can be compared, and are those of the
figure as it is written: a commune that reads "15 min" is coloured as 15 minutes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from geo_matcher.criteria import CRITERIA, Unit
from geo_matcher.decision import Status, decision_matrix
from geo_matcher.destinations import DAILY_SERVICES, PLACES
from geo_matcher.driving_layers import DRIVING, driving_figures
from geo_matcher.errors import DataError
from geo_matcher.exports import place_tables
from geo_matcher.kept import kept
from geo_matcher.look import SCORE_COLOURS
from geo_matcher.map_words import WORDS
from geo_matcher.numbers import format_hours, format_number, format_raw
from geo_matcher.reach import find_destination, minutes_to
from geo_matcher.schemas import HEAT_HORIZON
from geo_matcher.territory import Territory
from geo_matcher.territory_file import TerritoryFile
from geo_matcher.towns import LiveMapping
from geo_matcher.typology import LETTERS, MAX_COMMUNES, MIN_COMMUNES, Typology, typology
from geo_matcher.wheel import Trips

__all__ = [
    "HOURS",
    "LAYERS",
    "LAYER_GROUPS",
    "NO_CLASS",
    "PER_10000",
    "PREMISES",
    "REACHED",
    "REACHED_STEPS",
    "TYPE",
    "UNIT_LABELS",
    "Layer",
    "LayerValues",
    "class_labels",
    "layer_text",
    "layer_values",
    "source_tables",
    "types_of",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int8]

PREMISES, TYPE = "premises", "type"
HOURS, PER_10000, REACHED = "hours_week", "per_10000", "places_reached"
"""Units of layers that no criterion has: counts, a letter, hours, places within reach."""

NO_CLASS = -1
"""Class of what is unknown or out of reach: hatched, never a colour."""

UNIT_LABELS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        Unit.MINUTES.value: ("minutes en voiture", "minutes by car"),
        Unit.SHARE.value: ("% des locaux", "% of premises"),
        Unit.EUR_M2.value: ("€/m²", "€/m²"),
        Unit.EUR_M2_MONTH.value: ("€/m² par mois", "€/m² a month"),
        Unit.INHABITANTS.value: ("habitants", "inhabitants"),
        Unit.INHABITANTS_KM2.value: ("habitants au km²", "inhabitants per km²"),
        Unit.DAYS_YEAR.value: ("jours par an", "days a year"),
        PREMISES: ("locaux", "premises"),
        HOURS: ("par semaine", "a week"),
        PER_10000: ("pour 10 000 habitants", "for 10,000 inhabitants"),
        REACHED: ("lieux à portée", "places within reach"),
        TYPE: ("", ""),
    }
)
"""What the figures of a legend are, in French and in English."""

LAYER_GROUPS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "connection": ("Connexion", "Connection"),
        "near": ("Minutes pour le quotidien", "Minutes for everyday life"),
        "driving": ("Au volant", "At the wheel"),
        "towns": ("Minutes vers les trains et les villes", "Minutes to trains and towns"),
        "housing": ("Se loger", "Housing"),
        "setting": ("La commune", "The commune"),
    }
)
"""Headings under which layers are offered."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One way to colour the communes.

    Attributes
    ----------
    name
        Also the value of the key ``show`` of an address.
    group
        One of ``LAYER_GROUPS``.
    label_fr, label_en
        Short name.
    note_fr, note_en
        What the figure is, and what it is not; empty where the name says it all, or where it
        depends on the release (:func:`geo_matcher.figure_years.figure_note`).
    unit
        One of ``UNIT_LABELS``.
    breaks
        The six figures, in the unit, at which a new class begins; empty for categories.
    is_low_deep
        Whether the lowest figures have the deep end of the scale, since near, cheap or few is
        good. Where neither end is better (inhabitants), more is deeper.
    column
        Criterion, indicator or travel time that the figure is.
    tables
        Tables of the catalog to credit, the figure's own first; those of the places that it
        drives to are added.
    place_kinds
        Kinds of places that it drives to.
    """

    name: str
    group: str
    label_fr: str
    label_en: str
    unit: str
    breaks: tuple[float, ...]
    column: str
    tables: tuple[str, ...]
    is_low_deep: bool = True
    note_fr: str = ""
    note_en: str = ""
    place_kinds: tuple[str, ...] = ()

    def label(self, language: str) -> str:
        """Return its name in a language, ``fr`` or ``en``."""
        return self.label_fr if language == "fr" else self.label_en

    def note(self, language: str) -> str:
        """Return what its figure is, in a language."""
        return self.note_fr if language == "fr" else self.note_en

    def unit_label(self, language: str) -> str:
        """Return what its figures are, in a language."""
        return UNIT_LABELS[self.unit][language != "fr"]

    def class_of(self, figure: float) -> int:
        """Return the step of the colour scale of a figure, 0 to 6, or ``NO_CLASS``."""
        if not np.isfinite(figure):
            return NO_CLASS
        if self.unit == REACHED:
            return REACHED_STEPS[min(int(figure), len(REACHED_STEPS) - 1)]
        step = bisect_right(self.breaks, _as_written(figure, self.unit))
        return len(self.breaks) - step if self.is_low_deep else step


REACHED_STEPS = (1, 3, 6)
"""Steps of the colour scale of what reaches no place, one, or more."""

_TENTHS = (Unit.EUR_M2_MONTH.value, PER_10000)
"""Units that are written with one decimal."""


def _as_written(figure: float, unit: str) -> float:
    """Return a figure with the decimals that a person reads."""
    if unit == Unit.SHARE.value:
        return float(np.floor(figure * 1000) / 1000 if 0.99 <= figure < 1 else round(figure, 3))
    if unit == HOURS:
        return round(figure * 60) / 60
    return round(figure, 1 if unit in _TENTHS else 0)


NEAR_MIN = (4.0, 6.0, 8.0, 10.0, 15.0, 20.0)
"""What is wanted every day or every week: half of the communes are within 6 to 9 minutes."""

BOURG_MIN = (5.0, 10.0, 15.0, 20.0, 30.0, 45.0)
"""What a bourg offers, and what is worth a longer drive."""

TOWN_MIN = (15.0, 30.0, 45.0, 60.0, 90.0, 120.0)
"""Towns and airports: one scale for all, so that the maps of two towns can be compared."""

_ROADS = ("travel_times", "town_halls", "adjacency", "roads")


def _drive(
    name: str,
    group: str,
    breaks: tuple[float, ...],
    labels: tuple[str, str],
    notes: tuple[str, str] = ("", ""),
) -> Layer:
    return Layer(
        name,
        group,
        *labels,
        Unit.MINUTES.value,
        breaks,
        f"{name}_min",
        _ROADS,
        note_fr=notes[0],
        note_en=notes[1],
        place_kinds=next((d.place_kinds for d in PLACES if d.name == name), (f"city_{name}",)),
    )


_WORK = next(known.place_kinds for known in PLACES if known.name == "workplace")


def _layers(territory: TerritoryFile) -> Mapping[str, Layer]:
    rows = (
        Layer("fibre", "connection", "Locaux raccordables à la fibre", "Premises that fibre passes",
              Unit.SHARE.value, (0.7, 0.8, 0.9, 0.94, 0.97, 0.99), "ftth_coverage_share",
              ("broadband_fixed", "indicators"), is_low_deep=False,
              note_fr="Pour la commune entière, pas pour une adresse.",
              note_en="For the whole commune, not for an address."),
        Layer("without_fibre", "connection", "Locaux sans fibre", "Premises without fibre",
              PREMISES, (1.0, 5.0, 10.0, 20.0, 50.0, 100.0), "premises_without_ftth",
              ("broadband_fixed", "indicators"),
              note_fr="Un nombre : une grande commune en a plus, à part égale.",
              note_en="A count: a large commune has more of them at the same share."),
        _drive("workplace", "near", BOURG_MIN,
               ("Coworking, tiers-lieu ou télécentre",
                "Coworking space, third place or telecentre")),
        Layer("daily_services", "near", "Commerces et services du quotidien",
              "Everyday shops and services", Unit.MINUTES.value, NEAR_MIN, "daily_services_min",
              ("indicators", *_ROADS), place_kinds=tuple(DAILY_SERVICES),
              note_fr="Moyenne de huit services, selon le nombre de trajets par semaine.",
              note_en="Mean of eight services, by the number of trips a week."),
        _drive("primary_school", "near", NEAR_MIN, ("École élémentaire", "Primary school")),
        _drive("college", "near", BOURG_MIN, ("Collège", "Lower secondary school (collège)")),
        _drive("lycee", "near", BOURG_MIN, ("Lycée", "Upper secondary school (lycée)")),
        _drive("doctor", "near", NEAR_MIN, ("Médecin généraliste", "General practitioner")),
        _drive("hospital", "near", BOURG_MIN, ("Hôpital", "Hospital"),
               ("Nous ne savons pas lesquels ont un service d'urgences.",
                "We do not know which have an emergency department.")),
        _drive("cinema", "near", BOURG_MIN, ("Cinéma", "Cinema")),
        Layer("wheel", "driving", "Heures au volant", "Hours at the wheel", HOURS,
              (1.0, 1.5, 2.0, 3.0, 4.5, 6.0), "wheel_hours", ("access_measures", *_ROADS),
              place_kinds=(*DAILY_SERVICES, "primary_school", "coworking"),
              note_fr="Pour le foyer de vos réponses : courses en tours groupés, école, coworking, "
              "clients. Loisirs, visites et vacances ne sont pas comptés.",
              note_en="For the household of your answers: errands in rounds, school, coworking, "
              "clients. Leisure, visits and holidays are not counted."),
        Layer("errands", "driving", "Courses de la semaine", "A week of errands",
              Unit.MINUTES.value, (45.0, 60.0, 75.0, 90.0, 105.0, 120.0), "errands_week_min",
              ("access_measures", *_ROADS), place_kinds=tuple(DAILY_SERVICES),
              note_fr="Huit services du quotidien, en tours groupés ; la semaine est supposée.",
              note_en="Eight everyday services, in rounds; the week is assumed."),
        Layer("basket", "driving", "Un seul tour pour toutes les courses",
              "One round for all errands", Unit.MINUTES.value,
              (10.0, 15.0, 20.0, 30.0, 40.0, 50.0), "basket_min",
              ("access_measures", *_ROADS), place_kinds=tuple(DAILY_SERVICES),
              note_fr="De la maison et retour, par les huit services du quotidien.",
              note_en="From home and back, by the eight everyday services."),
        Layer("people_30", "driving", "Habitants à 30 min au plus", "Inhabitants within 30 min",
              Unit.INHABITANTS.value,
              (40_000.0, 50_000.0, 60_000.0, 80_000.0, 100_000.0, 150_000.0), "inhabitants_30min",
              ("access_measures", *_ROADS[1:]), is_low_deep=False,
              note_fr="Par communes entières, d'une mairie à l'autre, hors du département aussi.",
              note_en="By whole communes, town hall to town hall, beyond the département too."),
        Layer("shared_work", "driving", "Lieux de travail, partagés entre voisins",
              "Work places, shared among neighbours", PER_10000,
              (0.2, 0.5, 0.8, 1.0, 1.2, 1.5), "workplaces_per_10000",
              ("access_measures", *_ROADS[1:]), is_low_deep=False,
              place_kinds=_WORK, note_fr="Des lieux et non des bureaux : aucune liste ne les "
              "compte. Les lieux hors du département nous sont inconnus.",
              note_en="Places, not desks: no list counts them. Places beyond the département are "
              "unknown to us."),
        Layer("catchments", "driving", "Qui atteint un lieu de travail",
              "Who can reach a work place", REACHED, (), "workplaces_reached",
              ("travel_times", *_ROADS[1:]), is_low_deep=False, place_kinds=_WORK,
              note_fr="Les lieux hors du département nous sont inconnus.",
              note_en="Places beyond the département are unknown to us."),
        _drive("station", "towns", BOURG_MIN, ("Gare", "Railway station"),
               ("Nous connaissons les gares, pas les horaires.",
                "We know the stations, not the timetables.")),
        _drive("airport", "towns", TOWN_MIN, ("Aéroport", "Airport")),
        *(_drive(t.key, "towns", TOWN_MIN, (t.name, t.name)) for t in territory.town),
        Layer("minutes_to", "towns", "Une commune de votre choix", "A commune of your choice",
              Unit.MINUTES.value, TOWN_MIN, "minutes_to", _ROADS[1:]),
        Layer("house_price", "housing", "Prix d'achat", "Purchase price", Unit.EUR_M2.value,
              (1200.0, 1400.0, 1600.0, 1800.0, 2000.0, 2500.0), "house_price_eur_m2",
              ("housing_prices_rents", "indicators")),
        Layer("house_rent", "housing", "Loyer d'une maison", "House rent", Unit.EUR_M2_MONTH.value,
              (6.5, 7.0, 7.5, 8.0, 8.5, 9.0), "house_rent_eur_m2_month",
              ("housing_prices_rents", "indicators"),
              note_fr="Loyer d'annonce, estimé.", note_en="Advertised rent, estimated."),
        Layer("population", "setting", "Habitants", "Inhabitants", Unit.INHABITANTS.value,
              (100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0), "population", ("communes",),
              is_low_deep=False),
        Layer("density", "setting", "Densité", "Density", Unit.INHABITANTS_KM2.value,
              (10.0, 15.0, 20.0, 30.0, 50.0, 100.0), "density_km2", ("communes", "indicators"),
              is_low_deep=False),
        Layer("hot_days", "setting", f"Jours à 30 °C ou plus vers {HEAT_HORIZON}",
              f"Days at 30 °C or more around {HEAT_HORIZON}", Unit.DAYS_YEAR.value,
              (20.0, 24.0, 26.0, 28.0, 30.0, 32.0), f"hot_days_{HEAT_HORIZON}_year",
              ("climate_projections", "indicators"),
              note_fr="Milieu des modèles de climat ; connu pour quelques communes seulement.",
              note_en="Middle of the climate models; known for a few communes only."),
        Layer("types", "setting", "Types de communes", "Types of communes", TYPE, (), "types",
              ("indicators", "travel_times", "communes")),
    )  # fmt: skip
    return MappingProxyType({layer.name: layer for layer in rows})


LAYERS: LiveMapping[str, Layer] = LiveMapping(_layers)
"""Every layer by name, in the order in which they are offered."""


@dataclass(frozen=True, eq=False)
class LayerValues:
    """A layer of a territory.

    Attributes
    ----------
    layer
        Which one.
    release
        The data.
    to
        INSEE code of the commune that the minutes lead to; empty for any other layer.
    values
        Figure of each commune, in order: NaN where nothing is known, ``inf`` where no road leads.
        Where only a bound is known, the bound. For types, the number of the letter.
    low
        Best case of a figure that is an upper bound, NaN where none is known; elsewhere equal to
        the figure.
    status
        A :class:`~geo_matcher.decision.Status` for each figure.
    """

    layer: Layer
    release: str
    to: str
    values: FloatArray
    low: FloatArray
    status: IntArray

    @cached_property
    def classes(self) -> tuple[int, ...]:
        """Step of the colour scale (0 to 6), or number of the type; ``NO_CLASS`` where none."""
        figures = self.values.tolist()
        if self.layer.unit == TYPE:
            return tuple(NO_CLASS if np.isnan(figure) else int(figure) for figure in figures)
        return tuple(map(self.layer.class_of, figures))


def layer_text(layer: Layer, figure: float, status: int, language: str) -> str:
    """Write a figure of a layer as a person reads it; what is a bound is said to be one.

    Parameters
    ----------
    layer
        Which one.
    figure, status
        The figure and what is known of it.
    language
        ``fr`` or ``en``.
    """
    if layer.unit == TYPE:
        return "" if np.isnan(figure) else LETTERS[int(figure)]
    if layer.unit == PREMISES and np.isfinite(figure):
        few = abs(figure) < 2 if language == "fr" else abs(figure) == 1
        word = ("local" if few else "locaux") if language == "fr" else "premises"
        return f"{format_number(figure, language)}\u00a0{word}"
    if layer.unit == REACHED:
        return _reached_text(int(figure), language)
    if layer.unit == HOURS:
        text = format_hours(figure, language)
    elif layer.unit == PER_10000:
        text = f"{format_number(figure, language, '.1')}\u00a0{layer.unit_label(language)}"
    else:
        unit = Unit.MINUTES if layer.unit == PREMISES else Unit(layer.unit)  # unknown in any unit
        text = format_raw(figure, unit, language)
    bounded = status == Status.UPPER_BOUND
    return WORDS[language]["at_most"].format(figure=text) if bounded else text


def _reached_text(count: int, language: str) -> str:
    if language == "fr":
        return ("aucun lieu", "1\u00a0lieu", f"{count}\u00a0lieux")[min(count, 2)]
    return ("no place", "1\u00a0place", f"{count}\u00a0places")[min(count, 2)]


def class_labels(layer: Layer, language: str) -> list[tuple[int, str, str]]:
    """Return the classes from the lowest figure to the highest: step, least and most.

    The open ends are empty; a share is written in percent, without the sign; hours as durations.
    """
    scale = 100 if layer.unit == Unit.SHARE.value else 1
    pattern = ".1" if layer.unit in _TENTHS else ""
    limits = [
        format_hours(limit, language)
        if layer.unit == HOURS
        else format_number(limit * scale, language, pattern)
        for limit in layer.breaks
    ]
    count = len(SCORE_COLOURS)
    steps = range(count - 1, -1, -1) if layer.is_low_deep else range(count)
    return list(zip(steps, ["", *limits], [*limits, ""], strict=True)) if layer.breaks else []


def types_of(territory: Territory) -> Typology | None:
    """Return the types of communes, or None where there are too few or too many to make any.

    The first call of a release takes a second or two and loads scikit-learn.
    """
    count = len(territory.codes)
    return typology(territory) if MIN_COMMUNES <= count <= MAX_COMMUNES else None


def source_tables(territory: Territory, layer: Layer) -> tuple[str, ...]:
    """Return the tables of the catalog that a layer rests on, its own first."""
    of_kind = place_tables(territory)
    names = [*layer.tables]
    for kind in layer.place_kinds:
        names += sorted(of_kind.get(kind, ()))
    if layer.unit == TYPE and (types := types_of(territory)):
        names += [CRITERIA[name].source for name in types.criteria]
    return tuple(name for name in dict.fromkeys(names) if name in territory.catalog)


@kept(maxsize=128)
def layer_values(territory: Territory, name: str, to: str = "", trips: Trips = ()) -> LayerValues:
    """Return a layer of a territory; made once, then kept.

    Parameters
    ----------
    territory
        A loaded release.
    name
        One of ``LAYERS``.
    to
        Where ``minutes_to`` leads: the code or the name of any commune of the network.
    trips
        What a household drives to beside errands (:func:`geo_matcher.wheel.trips_of`), for hours
        at the wheel.

    Raises
    ------
    DataError
        If there is no such layer.
    UnknownCommuneError
        If the network has no such commune.
    """
    if name not in LAYERS:
        raise DataError(f"Unknown layer {name[:60]!r}: expected one of {', '.join(LAYERS)}.")
    layer = LAYERS[name]
    code = find_destination(territory, to) if name == "minutes_to" else ""
    values, low, status = _figures(territory, layer, code, trips)
    for array in (values, low, status):
        array.setflags(write=False)
    return LayerValues(layer, territory.release_id, code, values, low, status)


def _figures(
    territory: Territory, layer: Layer, to: str, trips: Trips
) -> tuple[FloatArray, FloatArray, IntArray]:
    if layer.column in CRITERIA:
        matrix = decision_matrix(territory)
        k = matrix.column(layer.column)
        return matrix.raw[:, k].copy(), matrix.raw_low[:, k].copy(), matrix.status[:, k].copy()
    if layer.column in DRIVING:
        return driving_figures(territory, layer.column, trips)
    if layer.name == "minutes_to":
        minutes = minutes_to(territory, to).copy()
        status = np.where(np.isinf(minutes), Status.UNREACHABLE, Status.ESTIMATED)
        return minutes, minutes.copy(), status.astype(np.int8)
    if layer.unit == TYPE:
        types = types_of(territory)
        number = {c: i for i, kind in enumerate(types.types if types else ()) for c in kind.members}
        values = np.array([number.get(code, np.nan) for code in territory.codes])
        return values, values.copy(), _known(values, Status.ESTIMATED)
    if layer.column in territory.indicators:
        values = territory.indicators[layer.column].to_numpy(dtype=np.float64, copy=True)
        return values, values.copy(), _known(values, Status.MEASURED)
    return _times(territory, layer.name)


def _known(values: FloatArray, status: Status) -> IntArray:
    return np.where(np.isnan(values), Status.MISSING, status).astype(np.int8)


STATUS_OF = {status.label: status for status in Status}
"""A time that the build calls ``unknown`` is missing."""


def _times(territory: Territory, destination: str) -> tuple[FloatArray, FloatArray, IntArray]:
    """Return minutes to a destination that is no criterion, as the build wrote them."""
    times = territory.tables["travel_times"]
    own = times[times["destination"] == destination].set_index("insee_code")
    words: Iterable[str] = own["status"].reindex(territory.codes)
    status = np.array([STATUS_OF.get(word, Status.MISSING) for word in words], dtype=np.int8)
    values = territory.minutes[destination].to_numpy(dtype=np.float64, copy=True)
    values[status == Status.UNREACHABLE] = np.inf
    low = territory.minutes_low[destination].to_numpy(dtype=np.float64)
    return values, np.where(np.isnan(low), values, low), status
