from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest

from geo_matcher.destinations import HUB_CITIES
from geo_matcher.errors import DataError, UnknownCommuneError
from geo_matcher.reach import (
    default_destination,
    destination_label,
    find_destination,
    minutes_to,
    suggest_destinations,
)
from geo_matcher.territory import Territory


@pytest.mark.parametrize("name", HUB_CITIES)
def test_a_town_of_the_release_has_exactly_its_minutes(territory: Territory, name: str) -> None:
    code, _ = HUB_CITIES[name]
    assert minutes_to(territory, code).tolist() == territory.minutes[name].tolist()


def test_any_commune_around_can_be_driven_to(territory: Territory) -> None:
    lourdes = minutes_to(territory, "65286")
    assert np.isfinite(lourdes).all()
    assert (lourdes > 0).all()
    assert territory.communes["name"].iloc[int(lourdes.argmin())] == "Montégut-Arros"
    with pytest.raises(ValueError, match="read-only"):
        lourdes[0] = 0


def test_what_no_road_leads_to_is_infinitely_far(territory: Territory) -> None:
    pairs = territory.tables["adjacency"]
    alone = pairs[(pairs["a"] != "65286") & (pairs["b"] != "65286")]
    cut_off = dataclasses.replace(
        territory, tables={**territory.tables, "adjacency": alone.reset_index(drop=True)}
    )
    assert np.isinf(minutes_to(cut_off, "65286")).all()


def test_a_commune_beyond_the_network_is_refused(territory: Territory) -> None:
    with pytest.raises(DataError, match="75056 is not in the town-hall network"):
        minutes_to(territory, "75056")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("32013", "32013"),
        (" auch ", "32013"),
        ("TOULOUSE", "31555"),
        ("l isle jourdain", "32160"),
        ("Saint-Martin", "32389"),  # others bear the name; one of them is in the release
        ("Saint-Martin (32)", "32389"),
        ("Saint-Martin (32389)", "32389"),
    ],
)
def test_a_commune_is_found_by_code_or_name(territory: Territory, text: str, code: str) -> None:
    assert find_destination(territory, text) == code


def test_a_label_names_one_commune_only(territory: Territory) -> None:
    labels = {
        code: destination_label(territory, code)
        for code in territory.tables["town_halls"]["insee_code"]
    }
    assert len(set(labels.values())) == len(labels)
    assert labels["32389"] == "Saint-Martin (32)"
    assert labels["31555"] == "Toulouse"
    for code, label in labels.items():
        assert find_destination(territory, label) == code


def test_what_is_not_found_is_said_with_what_looks_alike(territory: Territory) -> None:
    with pytest.raises(UnknownCommuneError, match=r"'Toulouze'.*Did you mean Toulouse") as caught:
        find_destination(territory, "Toulouze")
    assert caught.value.suggestions[0] == "Toulouse"
    with pytest.raises(UnknownCommuneError, match="Check its spelling") as caught:
        find_destination(territory, "zzzzzz")
    assert caught.value.suggestions == ()
    with pytest.raises(UnknownCommuneError):
        find_destination(territory, "")


def test_a_name_of_several_communes_is_told_apart(territory: Territory) -> None:
    names = territory.tables["town_halls"]
    outside = names[~names["insee_code"].isin(territory.codes)]
    twice = Counter(outside["name"].tolist())
    own = set(territory.communes["name"])
    name = next(n for n, count in twice.items() if count > 1 and n not in own)
    with pytest.raises(UnknownCommuneError, match=r"is the name of \d communes") as caught:
        find_destination(territory, name)
    assert len(caught.value.suggestions) == twice[name]


def test_suggestions_begin_so_and_the_largest_comes_first(territory: Territory) -> None:
    found = suggest_destinations(territory, "saint g", 4)
    assert [town["name"] for town in found][:2] == ["Saint-Gaudens", "Saint-Girons"]
    assert len(found) == 4
    people = [town["population"] for town in found]
    assert people == sorted(people, reverse=True)
    assert suggest_destinations(territory, " ") == []
    later = suggest_destinations(territory, "bigorre", 20)
    assert "Vic-en-Bigorre" in {town["name"] for town in later}


def test_minutes_lead_to_the_largest_commune_when_nobody_says_where(territory: Territory) -> None:
    assert default_destination(territory) == "32013"
