"""Typical newcomers, as starting points.

Each preset is an ordinary :class:`~geo_matcher.profile.Profile` with a label in two languages. They
are composed from what the network tells of its newcomers (trades, households, origins); none of
them is a real person.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from geo_matcher.errors import UnknownPresetError
from geo_matcher.profile import CITIES, Profile, parse_profile
from geo_matcher.territory_file import TerritoryFile, Town
from geo_matcher.towns import LiveMapping

__all__ = ["ARTIST", "PRESETS", "TRACK_ARTIST", "Preset", "preset_named"]

TRACK_ARTIST, ARTIST = "cultura-artist", "artist"
"""Names of the artist where the network has a track for artists, and where it has none. A link with
one of them is understood where the other is in service."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A named profile to start from."""

    name: str
    label_fr: str
    label_en: str
    profile: Profile


def _preset(name: str, label_fr: str, label_en: str, **fields: Any) -> Preset:
    return Preset(name, label_fr, label_en, parse_profile({"name": name} | fields))


def _consultant(city: Town) -> Preset:
    """Return somebody whom clients call to the big city nearby."""
    return _preset(
        f"{city.key.replace('_', '-')}-consultant",
        f"Consultant, un jour par semaine à {city.name}",
        f"Consultant, one day a week in {city.name}",
        sector="audit_consulting",
        origin_city=city.key if city.key in CITIES else "other",
        work_mode="client_visits",
        client_city=city.key,
        tenure="buy",
        budget_eur=260_000,
        surface_m2=110,
        importance={"mobility": "indispensable", "connection": "indispensable"},
        limits={f"{city.key}_min": {"at_most": 75}},
    )


def _artist(track: str) -> Preset:
    """Return an artist, on the network's track for artists where it has one."""
    return _preset(
        TRACK_ARTIST if track else ARTIST,
        f"Artiste, parcours {track}, en location" if track else "Artiste, en location",
        f"Artist on the {track} track, renting" if track else "Artist, renting",
        **({"track": "cultura"} if track else {}),
        sector="arts",
        origin_city="lyon",
        work_mode="coworking",
        tenure="rent",
        budget_eur=650,
        surface_m2=90,
        village_size="village",
        importance={"setting": "indispensable", "housing": "important", "welcome": "important"},
    )


def _presets(territory: TerritoryFile) -> Mapping[str, Preset]:
    city = territory.metropolis
    rows = (
        _preset(
            "paris-web-family",
            "Développeuse web de Paris, deux enfants",
            "Web developer from Paris, two children",
            sector="internet",
            origin_city="paris",
            work_mode="coworking",
            children_ages=[4, 9],
            tenure="buy",
            budget_eur=230_000,
            surface_m2=120,
            village_size="bourg",
            importance={"connection": "indispensable", "children": "indispensable"},
            limits={
                "primary_school_min": {"at_most": 10},
                "ftth_coverage_share": {"at_least": 0.85},
            },
        ),
        *([] if city is None else [_consultant(city)]),
        _artist(territory.artists_track),
        _preset(
            "retired-couple",
            "Couple de jeunes retraités, un peu de télétravail",
            "Recently retired couple, a little telework",
            sector="training",
            origin_city="lille",
            work_mode="home",
            tenure="buy",
            budget_eur=220_000,
            surface_m2=100,
            village_size="bourg",
            importance={
                "health": "indispensable",
                "daily_life": "indispensable",
                "work": "a_little",
                "setting": "important",
            },
            criteria={"hot_days_2030_year": {"importance": "important"}},
        ),
        _preset(
            "lyon-trainer",
            "Formatrice de Lyon, souvent dans le train",
            "Trainer from Lyon, often on the train",
            sector="training",
            origin_city="lyon",
            work_mode="client_visits",
            tenure="rent",
            budget_eur=600,
            surface_m2=70,
            importance={"mobility": "indispensable", "children": "not_at_all"},
            limits={"station_min": {"at_most": 30}},
        ),
        _preset(
            "bordeaux-shop-online",
            "Boutique en ligne de Bordeaux, adolescents",
            "Online shop from Bordeaux, teenagers",
            sector="e_commerce",
            origin_city="bordeaux",
            work_mode="home",
            children_ages=[12, 15],
            tenure="buy",
            budget_eur=180_000,
            surface_m2=130,
            village_size="village",
            importance={"housing": "indispensable", "connection": "indispensable"},
            limits={"college_min": {"at_most": 20}},
        ),
    )
    return MappingProxyType({preset.name: preset for preset in rows})


PRESETS: LiveMapping[str, Preset] = LiveMapping(_presets)
"""Presets by name."""


def preset_named(name: str) -> Preset:
    """Return the preset of this name.

    Raises
    ------
    UnknownPresetError
        If there is none; what looks alike is suggested.
    """
    if name in (TRACK_ARTIST, ARTIST):
        name = TRACK_ARTIST if TRACK_ARTIST in PRESETS else ARTIST
    try:
        return PRESETS[name]
    except KeyError:
        near = difflib.get_close_matches(name, PRESETS, n=2)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        message = f"No preset is called {name[:60]!r}.{hint} They are: {', '.join(PRESETS)}."
        raise UnknownPresetError(message) from None
