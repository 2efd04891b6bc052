"""The one mapping between the query string of a page and what it asks for, both ways.

Hides the names of the keys. A link holds the whole state: every
profile has exactly one canonical query, defaults left out, and reading it back gives the profile
again. Nothing is ignored in silence: an unknown key, a key given twice or a number that is none
refuses the whole query, with every fault listed at once.

Keys: ``lang``, ``scope``, ``top``; ``show``, ``to``, ``places`` (what the map shows, see
:mod:`api.map_choice`); ``pick`` (codes of the ticked villages, ``32249,32213``);
``seen`` (what a shared link remembers, :mod:`geo_matcher.snapshot`); ``preset`` (a profile to start
from, which the other keys change; a key given empty goes back to its default); ``name``, ``track``,
``sector``, ``from`` (a big city by its word, any commune by its INSEE code, or by its name where it
can be looked up),
``work_mode``, ``city``, ``children`` (``4,9``), ``tenure``, ``budget``, ``surface``, ``size``;
``w_<family>`` and ``c_<criterion>`` (importance), ``max_<criterion>`` and ``min_<criterion>``
(hard limits), ``v_<criterion>`` (breakpoints, ``5:1,15:0``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args
from urllib.parse import parse_qsl, urlencode

from pydantic import ValidationError

from api.faults import MAX_KEYS, MAX_QUERY_CHARS, Fault, FormError, refusals, shortened
from api.map_choice import MAP_KEYS, PLAIN_MAP, SHOWN, MapChoice, places_text, read_places
from api.typed_numbers import plain_number, read_number
from geo_matcher.criteria import CRITERIA, FAMILIES, VILLAGE_SIZES, Importance, ValueFunction
from geo_matcher.destinations import HUB_CITIES, INSEE_CODE
from geo_matcher.errors import ProfileError, UnknownPresetError
from geo_matcher.numbers import LANGUAGES
from geo_matcher.origins import Found
from geo_matcher.presets import PRESETS, preset_named
from geo_matcher.profile import CITIES, CITY_CODES, SECTORS, Profile
from geo_matcher.territory import SCOPES
from geo_matcher.towns import LiveMapping, LiveSequence, served

__all__ = [
    "CHOICES",
    "CITY_LABELS",
    "DEFAULT_FIELDS",
    "DEFAULT_LANGUAGE",
    "DEFAULT_TOP",
    "IMPORTANCE_WORDS",
    "MAX_PICKS",
    "MAX_TOP",
    "ORIGIN_KEY",
    "Asked",
    "FindCommune",
    "default_scope",
    "href",
    "other_language",
    "parse_query",
    "profile_fields",
    "to_query",
]

DEFAULT_LANGUAGE = "fr"
DEFAULT_TOP = 20
MAX_TOP = 500

MAX_PICKS = 8
"""Villages that may be ticked: those that a printed shortlist holds."""

MAX_VALUE_CHARS = 600

TRACKERS = re.compile(r"fbclid|gclid|utm_[a-z]+")
"""Keys that social networks add to a link that somebody shares; they are dropped unread."""


def default_scope() -> str:
    """Return the set of communes that a page searches in unless it is told."""
    return served().default_scope


IMPORTANCE_WORDS = tuple(importance.value for importance in Importance)

CHOICES: Mapping[str, tuple[str, Sequence[str]]] = {
    "track": ("track", get_args(Profile.model_fields["track"].annotation)),
    "sector": ("sector", SECTORS),
    "work_mode": ("work_mode", get_args(Profile.model_fields["work_mode"].annotation)),
    "city": ("client_city", LiveSequence(lambda _: tuple(HUB_CITIES))),
    "tenure": ("tenure", get_args(Profile.model_fields["tenure"].annotation)),
    "size": ("village_size", tuple(VILLAGE_SIZES)),
}
"""Keys whose value is one of a few words: the field of the profile, and the words."""

NUMBERS: Mapping[str, str] = {"budget": "budget_eur", "surface": "surface_m2"}
"""Keys whose value is a number: the field of the profile."""

ORIGIN_KEY = "from"
"""Key of the commune that is left."""

CITY_LABELS: Mapping[str, str] = {
    word: f"{word.capitalize()} ({code[:2]})" for word, code in CITY_CODES.items()
}
"""What people call each big city; the form offers these, so they are read without a lookup."""

MAX_CHOICES = 8
"""Communes that are offered in place of one that cannot be told."""

FindCommune = Callable[[str], Found]
"""Tells which commune of France a typed name means."""

APART = ("lang", "scope", "top", "preset", *MAP_KEYS, "pick", "seen")
"""Keys that are not part of the profile."""

FIELD_KEYS: Mapping[str, str] = {
    "name": "name",
    "children_ages": "children",
    "origin_city": ORIGIN_KEY,
    "origin_commune": ORIGIN_KEY,
    **{field: key for key, (field, _) in CHOICES.items()},
    **{field: key for key, field in NUMBERS.items()},
}

_CODE = re.compile(r"[0-9][0-9AB][0-9]{3}")
_AGE_WORDS = re.compile(r"\b(et|and|ans?|years?|old)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page is asked to show.

    Attributes
    ----------
    profile
        Who asks.
    scope, language, top
        Among which communes, in which language, how many of them.
    map
        What the map shows.
    is_canonical
        Whether the query was already as short as it can be, or starts from a preset.
    picks
        Codes of the ticked villages, in the order in which they were.
    seen
        What a shared link remembers, as received; empty for any other address.
    """

    profile: Profile
    scope: str = field(default_factory=default_scope)
    language: str = DEFAULT_LANGUAGE
    top: int = DEFAULT_TOP
    map: MapChoice = PLAIN_MAP
    is_canonical: bool = True
    picks: tuple[str, ...] = ()
    seen: str = ""


def parse_query(query: str, *, find_commune: FindCommune | None = None) -> Asked:
    """Read what a query string asks for.

    Parameters
    ----------
    query
        As received, still encoded, without the question mark.
    find_commune
        Looks up the commune that is left by the name that a person typed. Without it only the
        words of the big cities and INSEE codes are read, and a code is not looked up.

    Raises
    ------
    FormError
        If anything in it cannot be used; all faults are listed.
    """
    if len(query) > MAX_QUERY_CHARS or query.count("&") >= MAX_KEYS:
        raise FormError((Fault("", "too_large"),), {}, default_scope(), DEFAULT_LANGUAGE)
    faults: list[Fault] = []
    given: dict[str, str] = {}
    is_joined = False
    for key, value in parse_qsl(query, keep_blank_values=True):
        if TRACKERS.fullmatch(key):
            continue
        shown = shortened(key)
        if key == "places" and key in given:  # one box for each kind, all of the same name
            given[key], is_joined = f"{given[key]},{value}", True
        elif key in given:
            faults.append(Fault(shown, "repeated_key"))
        elif not _is_known(key):
            faults.append(Fault(shown, "unknown_key"))
        elif len(value) > MAX_VALUE_CHARS and key != "seen":  # a damaged memory refuses nothing
            faults.append(Fault(shown, "too_long", expected=(str(MAX_VALUE_CHARS),)))
        else:
            given[key] = value
    language = _option(given, "lang", LANGUAGES, DEFAULT_LANGUAGE, faults)
    scope = _option(given, "scope", SCOPES, default_scope(), faults)
    top = _top(given.get("top", ""), faults)
    shown_on_map = _map_choice(given, faults)
    picks = _picks(given.get("pick", ""), faults)
    read = _with_origin(given, find_commune, faults)
    profile = _profile(read, faults)
    if faults or profile is None:
        raise FormError(tuple(dict.fromkeys(faults)), given, scope, language)
    is_whole = "preset" in given or "" not in given.values()
    own = {key: given[key] for key in MAP_KEYS if key in given}
    is_canonical = (
        is_whole
        and given.get(ORIGIN_KEY, "") == read.get(ORIGIN_KEY, "")
        and own == shown_on_map.fields()
        and not is_joined
    )
    return Asked(
        profile, scope, language, top, shown_on_map, is_canonical, picks, given.get("seen", "")
    )


def to_query(
    profile: Profile,
    scope: str | None = None,
    language: str = DEFAULT_LANGUAGE,
    top: int = DEFAULT_TOP,
    map_choice: MapChoice = PLAIN_MAP,
    *,
    picks: Sequence[str] = (),
    seen: str = "",
) -> str:
    """Return the canonical query of a profile, defaults left out."""
    fields = {k: v for k, v in profile_fields(profile).items() if v != DEFAULT_FIELDS.get(k, "")}
    for key, value, default in (
        ("scope", scope or default_scope(), default_scope()),
        ("lang", language, DEFAULT_LANGUAGE),
        ("top", str(top), str(DEFAULT_TOP)),
        ("pick", ",".join(picks), ""),
        ("seen", seen, ""),
    ):
        if value != default:
            fields[key] = value
    return urlencode(fields | map_choice.fields(), safe=",:")


def profile_fields(profile: Profile) -> dict[str, str]:
    """Return every field of a profile by key, defaults included, as a form holds them."""
    plain = profile.model_dump(mode="json")
    fields = {"name": profile.name}
    fields |= {key: plain[field] or "" for key, (field, _) in CHOICES.items()}
    fields[ORIGIN_KEY] = profile.origin_commune or profile.origin_city
    fields["children"] = ",".join(str(age) for age in profile.children_ages)
    for key, name in NUMBERS.items():
        fields[key] = "" if plain[name] is None else plain_number(plain[name])
    order = {name: place for place, name in enumerate(CRITERIA)}
    chosen = {str(family): importance for family, importance in profile.importance.items()}
    fields |= {f"w_{family}": chosen[family].value for family in FAMILIES if family in chosen}
    for name in sorted(profile.criteria, key=order.__getitem__):
        choice = profile.criteria[name]
        if choice.importance is not None:
            fields[f"c_{name}"] = choice.importance.value
        if choice.breakpoints is not None:
            pairs = (f"{plain_number(x)}:{plain_number(v)}" for x, v in choice.breakpoints)
            fields[f"v_{name}"] = ",".join(pairs)
    for name in sorted(profile.limits, key=order.__getitem__):
        limit = profile.limits[name]
        for prefix, bound in (("max", limit.at_most), ("min", limit.at_least)):
            if bound is not None:
                fields[f"{prefix}_{name}"] = plain_number(bound)
    return fields


def other_language(language: str) -> str:
    """Return the language that a page is not in."""
    return next(other for other in LANGUAGES if other != language)


def href(query: str) -> str:
    """Return the address of the page for a query."""
    return f"/?{query}" if query else "/"


def _is_known(key: str) -> bool:
    if key in APART or key in CHOICES or key in NUMBERS or key in {"name", "children", ORIGIN_KEY}:
        return True
    prefix, _, name = key.partition("_")
    return name in FAMILIES if prefix == "w" else prefix in PREFIXES and name in CRITERIA


PREFIXES = ("c", "v", "max", "min")


def _option(
    given: Mapping[str, str], key: str, options: Sequence[str], default: str, faults: list[Fault]
) -> str:
    value = given.get(key) or default
    if value in options:
        return value
    faults.append(Fault(key, "not_an_option", shortened(value), tuple(options)))
    return default


def _top(text: str, faults: list[Fault]) -> int:
    if not text:
        return DEFAULT_TOP
    if not re.fullmatch(r"[0-9]{1,6}", text):
        faults.append(Fault("top", "not_a_number", shortened(text)))
    elif not 1 <= int(text) <= MAX_TOP:
        code, end = ("below", 1) if int(text) < 1 else ("above", MAX_TOP)
        faults.append(Fault("top", code, text, (str(end),)))
    else:
        return int(text)
    return DEFAULT_TOP


def _with_origin(
    given: Mapping[str, str], find_commune: FindCommune | None, faults: list[Fault]
) -> Mapping[str, str]:
    """Return the answers with the commune that is left as its word or code, where one is named."""
    typed = given.get(ORIGIN_KEY, "").strip()
    if not typed or typed in CITIES:
        return given
    if offered := [word for word, label in CITY_LABELS.items() if label == typed]:
        return {**given, ORIGIN_KEY: offered[0]}
    found = find_commune(typed) if find_commune else None
    if found is None and re.fullmatch(INSEE_CODE, typed):
        return given
    if found is not None and found.commune is not None:
        code = found.commune.insee_code
        word = next((word for word, known in CITY_CODES.items() if known == code), code)
        return {**given, ORIGIN_KEY: word}
    candidates = found.candidates if found else ()
    first = candidates[:MAX_CHOICES]
    names = tuple(commune.label for commune in first)
    if len(candidates) > len(first):
        names = (*names, "…")
    fault = "near_commune" if names else "no_commune"
    if found and found.is_shared:
        fault = "several_communes"
    choices = tuple((commune.insee_code, commune.label) for commune in first)
    faults.append(Fault(ORIGIN_KEY, fault, shortened(typed), names, choices))
    return {key: value for key, value in given.items() if key != ORIGIN_KEY}


def _picks(text: str, faults: list[Fault]) -> tuple[str, ...]:
    codes = tuple(dict.fromkeys(part for part in text.upper().split(",") if part))
    wrong = [code for code in codes if not _CODE.fullmatch(code)]
    if wrong:
        faults.append(Fault("pick", "not_a_code", shortened(wrong[0])))
    elif len(codes) > MAX_PICKS:
        faults.append(Fault("pick", "too_many", expected=(str(MAX_PICKS),)))
    else:
        return codes
    return ()


def _map_choice(given: Mapping[str, str], faults: list[Fault]) -> MapChoice:
    show = _option(given, "show", SHOWN, PLAIN_MAP.show, faults)
    places, unknown = read_places(given.get("places", ""))
    faults += [Fault("places", "not_an_option", shortened(u), (places_text(),)) for u in unknown]
    return MapChoice.of(show, given.get("to", ""), places)


def _profile(given: Mapping[str, str], faults: list[Fault]) -> Profile | None:
    data: dict[str, Any] = {}
    if name := given.get("preset"):
        try:
            data = preset_named(name).profile.as_dict()
        except UnknownPresetError:
            faults.append(Fault("preset", "not_an_option", shortened(name), tuple(PRESETS)))
    before = len(faults)
    for key, value in given.items():
        if key not in APART:
            faults += _put(data, key, value.strip() if key != "name" else value)
    faults += _crossed(data)
    if len(faults) > before:
        return None
    try:
        return Profile.model_validate(data)
    except ValidationError as error:
        faults += refusals(error, FIELD_KEYS)
        return None


def _put(data: dict[str, Any], key: str, value: str) -> Iterator[Fault]:
    """Put one field into the data of a profile; an empty one goes back to its default."""
    prefix, _, name = key.partition("_")
    if key in CHOICES:
        field, options = CHOICES[key]
        yield from _set(data, field, value or None, key, options)
    elif key in NUMBERS:
        yield from _set_number(data, NUMBERS[key], key, value)
    elif key == "name":
        _replace(data, "name", value or None)
    elif key == ORIGIN_KEY:
        _replace(data, "origin_city", value if value in CITIES else None)
        _replace(data, "origin_commune", value if value and value not in CITIES else None)
    elif key == "children":
        yield from _set_ages(data, value)
    elif prefix == "w":
        part = data.setdefault("importance", {})
        yield from _set(part, name, value or None, key, IMPORTANCE_WORDS)
    elif prefix == "c":
        part = data.setdefault("criteria", {}).setdefault(name, {})
        yield from _set(part, "importance", value or None, key, IMPORTANCE_WORDS)
        _drop_empty(data, "criteria", name)
    elif prefix == "v":
        yield from _set_breakpoints(data, name, key, value)
    else:
        part = data.setdefault("limits", {}).setdefault(name, {})
        bound = "at_most" if prefix == "max" else "at_least"
        yield from _set_number(part, bound, key, value, CRITERIA[name].unit.domain)
        _drop_empty(data, "limits", name)


def _replace(data: dict[str, Any], field: str, value: Any) -> None:
    if value is None:
        data.pop(field, None)
    else:
        data[field] = value


def _drop_empty(data: dict[str, Any], part: str, name: str) -> None:
    if not data[part][name]:
        del data[part][name]


def _set(
    data: dict[str, Any], field: str, value: str | None, key: str, options: Sequence[str]
) -> Iterator[Fault]:
    if value is None or value in options:
        _replace(data, field, value)
    else:
        yield Fault(key, "not_an_option", shortened(value), tuple(options))


def _set_number(
    data: dict[str, Any],
    field: str,
    key: str,
    value: str,
    domain: tuple[float, float] | None = None,
) -> Iterator[Fault]:
    number = read_number(value) if value else None
    if value and number is None:
        yield Fault(key, "not_a_number", shortened(value))
        return
    if number is not None and domain is not None and not domain[0] <= number <= domain[1]:
        is_low = number < domain[0]
        end = plain_number(domain[0] if is_low else domain[1])
        yield Fault(key, "below" if is_low else "above", shortened(value), (end,))
        return
    _replace(data, field, number)


def _set_ages(data: dict[str, Any], value: str) -> Iterator[Fault]:
    ages = []
    for part in re.split(r"[\s,;]+", _AGE_WORDS.sub(" ", value)):
        if re.fullmatch(r"[0-9]{1,6}", part):
            ages.append(int(part))
        elif part:
            yield Fault("children", "not_an_age", shortened(part))
    _replace(data, "children_ages", ages or None)


def _set_breakpoints(data: dict[str, Any], name: str, key: str, value: str) -> Iterator[Fault]:
    part = data.setdefault("criteria", {}).setdefault(name, {})
    pairs = []
    for pair in value.split(",") if value else ():
        numbers = [read_number(text) for text in pair.split(":")]
        if len(numbers) != 2 or None in numbers:
            yield Fault(key, "not_breakpoints", shortened(pair), ("two numbers and a colon",))
            return
        pairs.append(tuple(numbers))
    if pairs:
        direction = CRITERIA[name].direction
        try:
            function = ValueFunction(tuple(pairs))  # type: ignore[arg-type]
        except ProfileError:
            reason = "figures rising, values from 0 to 1"
            yield Fault(key, "not_breakpoints", shortened(value), (reason,))
            return
        if not function.follows(direction):
            yield Fault(key, "not_breakpoints", shortened(value), (f"values {direction.value}",))
            return
    _replace(part, "breakpoints", pairs or None)
    _drop_empty(data, "criteria", name)


def _crossed(data: Mapping[str, Any]) -> Iterator[Fault]:
    for name, limit in data.get("limits", {}).items():
        least, most = limit.get("at_least"), limit.get("at_most")
        if least is not None and most is not None and least > most:
            ends = plain_number(least), (plain_number(most),)
            yield Fault(f"min_{name}", "crossed", *ends)


DEFAULT_FIELDS: LiveMapping[str, str] = LiveMapping(lambda _: profile_fields(Profile()))
"""Every field of an empty profile, by key."""
