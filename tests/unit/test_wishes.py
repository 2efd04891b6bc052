"""A search in words: only what was said, and what follows from it."""

from __future__ import annotations

import re

import pytest

from api.forms import Asked
from api.questions import scope_label
from api.wishes import Wish, wishes
from geo_matcher.criteria import FAMILIES
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.territory import Territory


def said(territory: Territory, profile: Profile, language: str = "en") -> dict[str, str]:
    found = wishes(territory, Asked(profile, "partners", language))
    assert len({wish.label for wish in found}) == len(found)
    return {wish.label: re.sub("[\u00a0\u202f]", " ", wish.text) for wish in found}


def test_a_family_in_both_languages(territory: Territory) -> None:
    profile = PRESETS["paris-web-family"].profile
    assert said(territory, profile) == {
        "Started from": "Web developer from Paris, two children",
        "Coming from": "Paris (75)",
        "Trade": "Internet",
        "Work": "In coworking, some days",
        "Children": "4 and 9 years old",
        "Home": "Buy, €230,000 for 120 m²",
        "Size wished": "Small town",
        "Among": "47 partner villages",
        "Essential": "Connection, Children",
        "Important": "Work, Daily life, Health, Getting around, Housing",
        "A little": "Culture and setting, Welcome",
        "Limits": "Fibre: 85% at least · Primary school: 10 min at most",
    }
    french = said(territory, profile, "fr")
    assert french["Enfants"] == "4 et 9 ans"
    assert french["Logement"] == "Acheter, 230 000 € pour 120 m²"
    assert french["Limites"].endswith("École élémentaire : 10 min au plus")


def test_what_was_not_said_is_not_there(territory: Territory) -> None:
    found = said(territory, Profile())
    assert set(found) == {"Work", "Home", "Among", "Important", "A little", "Not at all"}
    assert found["Home"] == "Buy"
    assert found["Not at all"] == "Children"


def test_every_other_answer_has_its_line(territory: Territory) -> None:
    profile = parse_profile(
        {
            "name": "Nous deux",
            "track": "cultura",
            "work_mode": "client_visits",
            "client_city": "pau",
            "children_ages": [1],
            "tenure": "rent",
            "budget_eur": 650,
            "surface_m2": 90,
            "criteria": {
                "museum_min": {"importance": "important"},
                "station_min": {"breakpoints": [[5, 1], [15, 0]]},
            },
            "limits": {"station_min": {"at_least": 5, "at_most": 40}},
        }
    )
    found = said(territory, profile)
    assert found["Search"] == "Nous deux"
    assert found["Your track in the network"] == "Cultura, for artists"
    assert found["Often in"] == "Pau"
    assert found["Child"] == "1 year old"
    assert found["Home"] == "Rent, €650 a month for 90 m²"
    assert found["Limits"] == "Railway station: 40 min at most · Railway station: 5 min at least"
    assert found["In more detail"] == "Museum: important"
    assert found["Own thresholds"] == "Railway station"


@pytest.mark.parametrize("preset", PRESETS)
def test_every_family_is_named_once(territory: Territory, preset: str) -> None:
    found = wishes(territory, Asked(PRESETS[preset].profile, "all", "fr"))
    words = {"Indispensable", "Important", "Un peu", "Pas du tout"}
    named = [name for wish in found if wish.label in words for name in wish.text.split(", ")]
    assert sorted(named) == sorted(family.label_fr for family in FAMILIES.values())
    assert Wish("Parmi", "458 communes, toutes") in found


def test_any_commune_that_is_left_is_named(territory: Territory) -> None:
    profile = parse_profile({"origin_commune": "44109"})
    assert said(territory, profile)["Coming from"] == "Nantes (44)"


@pytest.mark.parametrize(
    ("count", "language", "said"),
    [(1, "fr", "1 village partenaire"), (2, "fr", "2 villages partenaires"),
     (0, "fr", "0 village partenaire"), (1, "en", "1 partner village"),
     (0, "en", "0 partner villages")],
)  # fmt: skip
def test_a_set_of_one_village_is_told_in_the_singular(count: int, language: str, said: str) -> None:
    assert scope_label("partners", count, language).replace("\u00a0", " ") == said
