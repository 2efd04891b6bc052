from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.faults import FormError
from api.forms import parse_query, to_query
from api.map_choice import PLAIN_MAP, SHOWN, TO_LAYER, MapChoice, read_places
from geo_matcher.place_sets import PLACE_SETS
from geo_matcher.profile import Profile

choices = st.builds(
    MapChoice.of,
    st.sampled_from(SHOWN),
    st.text(st.characters(codec="ascii", categories=["L", "N", "Zs"]), max_size=30),
    st.lists(st.sampled_from(sorted(PLACE_SETS)), max_size=5),
)


@given(choice=choices, scope=st.sampled_from(["partners", "all"]))
def test_every_choice_survives_a_link(choice: MapChoice, scope: str) -> None:
    query = to_query(Profile(), scope, map_choice=choice)
    asked = parse_query(query)
    assert asked.map == choice
    assert asked.is_canonical
    assert to_query(asked.profile, asked.scope, map_choice=asked.map) == query


def test_the_usual_map_is_left_out_of_a_link() -> None:
    assert to_query(Profile(), map_choice=PLAIN_MAP) == ""
    assert PLAIN_MAP.fields() == {}
    assert parse_query("").map == PLAIN_MAP


def test_the_keys_of_the_map_stand_last_and_in_one_order() -> None:
    choice = MapChoice.of(TO_LAYER, "31555", ["station", "bakery"])
    query = to_query(Profile(), "all", "en", 40, choice)
    assert query == "scope=all&lang=en&top=40&show=minutes_to&to=31555&places=bakery,station"


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("show=score", ""),
        ("show=fibre&to=Auch", "show=fibre"),
        ("to=Auch", ""),
        ("show=&to=&places=", ""),
        ("places=station,bakery", "places=bakery,station"),
        ("places=bakery&places=station", "places=bakery,station"),
        ("places=bakery,bakery", "places=bakery"),
    ],
)
def test_what_says_nothing_is_dropped(query: str, canonical: str) -> None:
    asked = parse_query(query)
    assert not asked.is_canonical
    assert to_query(asked.profile, asked.scope, map_choice=asked.map) == canonical


def test_what_does_not_exist_is_refused_all_at_once() -> None:
    with pytest.raises(FormError) as caught:
        parse_query("show=wifi&places=pub,bakery,zoo")
    assert [(f.key, f.found) for f in caught.value.faults] == [
        ("show", "wifi"), ("places", "pub"), ("places", "zoo"),
    ]  # fmt: skip
    assert read_places(" bakery ,pub") == (["bakery"], ["pub"])


def test_the_map_changes_no_profile() -> None:
    assert parse_query("show=fibre&places=bakery&size=bourg").profile == (
        parse_query("size=bourg").profile
    )
