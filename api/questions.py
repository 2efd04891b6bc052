"""The questions of the page, with the answers given so far.

Hides which questions are asked, in which order of answers, and how an answer that is left alone
follows the others. A template only writes out :class:`FormView` and :class:`ScopeView`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from api.forms import (
    CHOICES,
    CITY_LABELS,
    DEFAULT_FIELDS,
    IMPORTANCE_WORDS,
    ORIGIN_KEY,
    href,
    to_query,
)
from api.map_choice import PLAIN_MAP, MapChoice
from api.origins import origin_text
from api.texts import criterion_label, translator, typeset
from api.typed_numbers import plain_number, read_number
from geo_matcher.criteria import CRITERIA, FAMILIES, VILLAGE_SIZES
from geo_matcher.destinations import HUB_CITIES
from geo_matcher.numbers import format_number, format_raw
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile
from geo_matcher.territory import SCOPES, Territory
from geo_matcher.towns import LiveMapping, served

__all__ = [
    "FamilyChoice",
    "FormView",
    "Option",
    "ScopeView",
    "Select",
    "default_importance",
    "field_label",
    "form_view",
    "limit_figure",
    "scope_label",
    "scope_view",
]

OFFERED_LIMITS: LiveMapping[str, tuple[float, ...]] = LiveMapping(
    lambda territory: {
        "max_primary_school_min": (5, 10, 15, 20),
        "max_college_min": (10, 15, 20, 30),
        "max_doctor_min": (5, 10, 15, 20),
        "max_daily_services_min": (5, 10, 15, 20),
        "max_coworking_min": (10, 15, 20, 30),
        "max_station_min": (15, 20, 30, 45),
        **(
            {}
            if territory.metropolis is None
            else {f"max_{territory.metropolis.key}_min": (45, 60, 75, 90)}
        ),
        "min_ftth_coverage_share": (0.8, 0.9, 0.95),
        "max_house_price_eur_m2": (1000, 1300, 1600, 2000),
        "max_house_rent_eur_m2_month": (7, 8, 9, 10),
    }
)
"""Limits that the form offers, and their steps in the unit of the criterion."""

OFFERED_CRITERIA = ("lycee_min", "hospital_min", "airport_min", "hot_days_2030_year")
"""Criteria whose importance the form offers to change one by one."""


@dataclass(frozen=True, slots=True)
class Option:
    """One choice among several."""

    value: str
    label: str
    is_chosen: bool
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Select:
    """A question with a few possible answers."""

    key: str
    label: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class FamilyChoice:
    """How much a family matters: four words, the one in force chosen."""

    key: str
    label: str
    question: str
    options: tuple[tuple[str, Option], ...]


@dataclass(frozen=True, slots=True)
class FormView:
    """The questions with the answers given so far.

    Attributes
    ----------
    values
        Texts of the free fields, by key.
    presets
        Triples (link, label, whether it was started from).
    work, city, tenure, sizes, track, sector
        Questions with a few answers.
    cities
        Communes that are offered before one is typed.
    families, limits, finer
        Importance of families, hard limits, importance of single criteria.
    limits_set, finer_set
        How many are in force.
    carried
        Fields of the link that no question shows.
    reset_href
        Where an empty form is.
    """

    values: Mapping[str, str]
    presets: tuple[tuple[str, str, bool], ...]
    work: Select
    city: Select
    tenure: Select
    sizes: Select
    track: Select
    sector: Select
    cities: tuple[str, ...]
    families: tuple[FamilyChoice, ...]
    limits: tuple[Select, ...]
    finer: tuple[Select, ...]
    limits_set: int
    finer_set: int
    carried: tuple[tuple[str, str], ...]
    reset_href: str


@dataclass(frozen=True, slots=True)
class ScopeView:
    """A set of communes to search in, and what must be said of it."""

    options: tuple[Option, ...]
    notes: tuple[Option, ...]


def form_view(
    fields: Mapping[str, str],
    profile: Profile,
    scope: str,
    language: str,
    *,
    map_choice: MapChoice = PLAIN_MAP,
) -> FormView:
    """Return the questions with the answers given so far.

    Parameters
    ----------
    fields
        Answers by key, as typed or as :func:`~api.forms.profile_fields` gives them.
    profile
        The profile they make, or an empty one when they make none; defaults come from it.
    scope, language, map_choice
        Those of the page.
    """
    t = translator(language)
    keys = _limit_keys(fields)
    finer = [*OFFERED_CRITERIA, *(k[2:] for k in fields if k[:2] == "c_" and fields[k])]
    finer_selects = tuple(
        _finer(name, fields, profile, language) for name in dict.fromkeys(finer) if name in CRITERIA
    )
    values = {key: fields.get(key, "") for key in ("name", "children", "budget", "surface")}
    values[ORIGIN_KEY] = origin_text(fields.get(ORIGIN_KEY, ""))
    values["children"] = ", ".join(values["children"].split(","))
    for key in ("budget", "surface"):
        number = read_number(values[key])
        if number is not None and number.is_integer():
            values[key] = format_number(number, language)
    return FormView(
        values=values,
        presets=_preset_links(profile, scope, language, map_choice),
        work=_select(
            "work_mode", fields, language, ((w, f"work.{w}") for w in _words("work_mode"))
        ),
        city=Select("city", t("form.city"), _city_options(fields.get("city", ""), language)),
        tenure=_select("tenure", fields, language, ((w, f"tenure.{w}") for w in _words("tenure"))),
        sizes=Select("size", t("form.size"), _size_options(fields.get("size", ""), language)),
        track=_select("track", fields, language, ((w, f"track.{w}") for w in _tracks())),
        cities=tuple(CITY_LABELS.values()),
        sector=_select("sector", fields, language, ((w, f"sector.{w}") for w in _words("sector"))),
        families=tuple(_families(fields, profile, language)),
        limits=tuple(_limit_select(key, fields, language) for key in keys),
        finer=finer_selects,
        limits_set=sum(bool(fields.get(key)) for key in keys),
        finer_set=sum(bool(fields.get(select.key)) for select in finer_selects),
        carried=tuple((k, v) for k, v in fields.items() if k.startswith("v_") and v),
        reset_href=href(to_query(Profile(), scope, language)),
    )


def _words(key: str) -> tuple[str, ...]:
    return tuple(CHOICES[key][1])


def _tracks() -> tuple[str, ...]:
    """Return the tracks to choose from: one alone where the network has none for artists."""
    return tuple(w for w in _words("track") if w != "cultura" or served().artists_track)


FORM_LABELS = {
    "work_mode": "form.work",
    "tenure": "form.tenure",
    "track": "form.track",
    "sector": "form.sector",
}


def _select(
    key: str, fields: Mapping[str, str], language: str, words: Iterable[tuple[str, str]]
) -> Select:
    t = translator(language)
    chosen = fields.get(key) or DEFAULT_FIELDS[key]
    options = tuple(Option(word, t(text), word == chosen) for word, text in words)
    return Select(key, t(FORM_LABELS[key]), options)


def _city_options(chosen: str, language: str) -> tuple[Option, ...]:
    none = Option("", translator(language)("city.none"), not chosen)
    return (none, *(Option(key, name, key == chosen) for key, (_, name) in HUB_CITIES.items()))


def _size_options(chosen: str, language: str) -> tuple[Option, ...]:
    t = translator(language)
    options = [Option("", t("size.any"), not chosen)]
    for size, function in VILLAGE_SIZES.items():
        best = [figure for figure, value in function.breakpoints if value == 1]
        low, high = (format_number(end, language) for end in (best[0], best[-1]))
        ends = function.breakpoints[0][1], function.breakpoints[-1][1]
        key = "size.up_to" if ends[0] == 1 else "size.from" if ends[1] == 1 else "size.between"
        options.append(Option(size, t(f"size.{size}"), size == chosen, t(key, low=low, high=high)))
    return tuple(options)


def _families(fields: Mapping[str, str], profile: Profile, language: str) -> Iterator[FamilyChoice]:
    """Give the four words of each family.

    The word that the other answers imply has an empty value: as long as a person leaves it, the
    link does not name it and it follows the other answers.
    """
    t = translator(language)
    implied = default_importance(profile)
    for name, family in FAMILIES.items():
        key = f"w_{name}"
        explicit = fields.get(key, "")
        chosen = explicit or implied[name]
        french = language == "fr"
        options = tuple(
            (
                word,
                Option(
                    value="" if not explicit and word == implied[name] else word,
                    label=t(f"importance.{word}"),
                    is_chosen=word == chosen,
                ),
            )
            for word in IMPORTANCE_WORDS
        )
        yield FamilyChoice(
            key,
            typeset(family.label_fr if french else family.label_en, language),
            typeset(family.question_fr if french else family.question_en, language),
            options,
        )


def default_importance(profile: Profile) -> dict[str, str]:
    """Return the importance that each family has when no word is chosen for it."""
    plain = profile.model_copy(update={"importance": {}})
    return {family: plain.family_importance(family).value for family in FAMILIES}


def _limit_keys(fields: Mapping[str, str]) -> list[str]:
    given = [key for key, value in fields.items() if value and key.startswith(("max_", "min_"))]
    return list(dict.fromkeys([*OFFERED_LIMITS, *given]))


def limit_figure(key: str, bound: float, language: str) -> str:
    """Write a limit, for instance "10 min au plus"."""
    prefix, _, name = key.partition("_")
    word = "limit.at_most" if prefix == "max" else "limit.at_least"
    return translator(language)(word, figure=format_raw(bound, CRITERIA[name].unit, language))


def _limit_select(key: str, fields: Mapping[str, str], language: str) -> Select:
    t = translator(language)
    chosen = read_number(fields.get(key, ""))
    steps = set(OFFERED_LIMITS.get(key, ()))
    if chosen is not None:
        steps.add(chosen)
    options = [Option("", t("limit.none"), chosen is None)]
    options += [
        Option(plain_number(step), limit_figure(key, step, language), step == chosen)
        for step in sorted(steps)
    ]
    return Select(key, criterion_label(key.partition("_")[2], language), tuple(options))


def _finer(name: str, fields: Mapping[str, str], profile: Profile, language: str) -> Select:
    t = translator(language)
    key = f"c_{name}"
    chosen = fields.get(key, "")
    others = {k: v for k, v in profile.criteria.items() if k != name}
    usual = profile.model_copy(update={"criteria": others}).importance_of(name).value
    options = [Option("", t("finer.usual", word=t(f"importance.{usual}")), not chosen)]
    options += [Option(w, t(f"importance.{w}"), w == chosen) for w in IMPORTANCE_WORDS]
    return Select(key, criterion_label(name, language), tuple(options))


def _preset_links(
    profile: Profile, scope: str, language: str, map_choice: MapChoice
) -> tuple[tuple[str, str, bool], ...]:
    rest = to_query(Profile(), scope, language, map_choice=map_choice)
    return tuple(
        (
            href(f"preset={name}&{rest}" if rest else f"preset={name}"),
            typeset(preset.label_fr if language == "fr" else preset.label_en, language),
            profile.name == name,
        )
        for name, preset in PRESETS.items()
    )


def scope_view(territory: Territory, scope: str, language: str) -> ScopeView:
    """Return the three sets of communes with their real counts and what must be said of them."""
    t = translator(language)
    evidence = list(territory.partner_evidence.values())
    sourced = evidence.count("sourced")
    reach, about = territory.parameters.get("network_reach"), served().network
    partners = (
        t("scope.partners.note", sourced=sourced, reconstructed=len(evidence) - sourced)
        if sourced < len(evidence)
        else t("scope.partners.whole" if evidence else "scope.partners.none")
    )
    notes = {
        "partners": partners,
        "network": t(
            "scope.network.note",
            minutes=format_number(reach["minutes"], language, ".1"),
            published=reach["published"],
            year=str(about.published_year),
        )
        if reach and about
        else t("scope.network.none"),
        "all": t("scope.all.note"),
    }
    counts = {name: int(territory.in_scope(name).sum()) for name in SCOPES}
    return ScopeView(
        options=tuple(
            Option(
                name,
                format_number(counts[name], language),
                is_chosen=name == scope,
                hint=_scope_name(name, counts[name], language),
            )
            for name in SCOPES
        ),
        notes=tuple(Option(name, notes[name], name == scope) for name in SCOPES),
    )


def scope_label(scope: str, count: int, language: str) -> str:
    """Return the name of a scope with its count."""
    t = translator(language)
    name = _scope_name(scope, count, language)
    return t("scope.count", n=format_number(count, language), name=name)


def _scope_name(scope: str, count: int, language: str) -> str:
    is_one = count < 2 if language == "fr" else count == 1
    return translator(language)(f"scope.one.{scope}" if is_one else f"scope.{scope}")


FIELD_LABELS = {
    **FORM_LABELS,
    "city": "form.city",
    "children": "form.children",
    "budget": "form.budget",
    "surface": "form.surface",
    "size": "form.size",
    "from": "form.from",
    "name": "form.name",
    "scope": "scope.title",
    "preset": "form.presets",
    "pick": "keep.picks",
    "show": "map.show",
    "to": "map.to",
    "places": "map.places",
}


def field_label(key: str, language: str) -> str:
    """Return what a person calls a key of the form; an unknown key stays as it is."""
    if key in FIELD_LABELS:
        return translator(language)(FIELD_LABELS[key]).rstrip("?\u00a0 ")
    prefix, _, name = key.partition("_")
    if prefix == "w" and name in FAMILIES:
        family = FAMILIES[name]
        return family.label_fr if language == "fr" else family.label_en
    if name in CRITERIA:
        return criterion_label(name, language)
    return translator(language)("fault.key", key=key) if key else ""
