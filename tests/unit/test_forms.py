from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.faults import FAULT_TEXTS, MAX_QUERY_CHARS, Fault, FormError
from api.forms import (
    DEFAULT_TOP,
    MAX_TOP,
    Asked,
    href,
    other_language,
    parse_query,
    profile_fields,
    to_query,
)
from api.typed_numbers import plain_number, read_number
from geo_matcher.criteria import FAMILIES
from geo_matcher.errors import ProfileError
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile, parse_profile
from tests.property.strategies import profiles


def plain(profile: Profile) -> dict[str, Any]:
    """Return a profile in plain types, without choices that choose nothing."""
    data = profile.model_dump()
    empty = {"importance": None, "breakpoints": None}
    data["criteria"] = {name: c for name, c in data["criteria"].items() if c != empty}
    return data


def refused(query: str) -> tuple[Fault, ...]:
    with pytest.raises(FormError) as caught:
        parse_query(query)
    return caught.value.faults


def codes(query: str) -> list[tuple[str, str]]:
    return [(fault.key, fault.code) for fault in refused(query)]


# --- A link holds the whole state -----------------------------------------------------------------


@given(
    profile=profiles(),
    name=st.text(max_size=80),
    scope=st.sampled_from(["partners", "network", "all"]),
    language=st.sampled_from(["fr", "en"]),
    top=st.integers(1, MAX_TOP),
)
def test_every_profile_survives_a_link(
    profile: Profile, name: str, scope: str, language: str, top: int
) -> None:
    profile = profile.model_copy(update={"name": name})
    query = to_query(profile, scope, language, top)
    asked = parse_query(query)
    assert plain(asked.profile) == plain(profile)
    assert (asked.scope, asked.language, asked.top) == (scope, language, top)
    assert asked.is_canonical
    assert to_query(asked.profile, scope, language, top) == query


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_by_name_is_the_preset(name: str) -> None:
    asked = parse_query(f"preset={name}")
    assert plain(asked.profile) == plain(PRESETS[name].profile)
    assert asked.is_canonical


def test_an_empty_link_is_an_empty_profile() -> None:
    assert plain(parse_query("").profile) == plain(Profile())
    assert to_query(Profile()) == ""
    assert href("") == "/"
    assert href("size=bourg") == "/?size=bourg"


def test_keys_are_short_and_readable() -> None:
    profile = parse_profile(
        {
            "work_mode": "coworking",
            "children_ages": [4, 9],
            "budget_eur": 230_000,
            "surface_m2": 92.5,
            "village_size": "bourg",
            "client_city": "toulouse",
            "importance": {"connection": "indispensable"},
            "criteria": {
                "station_min": {"importance": "a_little", "breakpoints": [(5, 1), (15, 0)]}
            },
            "limits": {"primary_school_min": {"at_most": 10, "at_least": 2}},
        }
    )
    assert to_query(profile, "all", "en").split("&") == [
        "work_mode=coworking",
        "city=toulouse",
        "size=bourg",
        "children=4,9",
        "budget=230000",
        "surface=92.5",
        "w_connection=indispensable",
        "c_station_min=a_little",
        "v_station_min=5:1,15:0",
        "max_primary_school_min=10",
        "min_primary_school_min=2",
        "scope=all",
        "lang=en",
    ]


def test_the_order_of_choices_does_not_change_the_link() -> None:
    one = parse_profile({"importance": {"work": "a_little", "health": "important"}})
    two = parse_profile({"importance": {"health": "important", "work": "a_little"}})
    assert to_query(one) == to_query(two)


def test_what_differs_from_a_preset_changes_it_and_an_empty_answer_goes_back_to_its_default() -> (
    None
):
    asked = parse_query(
        "preset=paris-web-family&budget=300000&children=&max_primary_school_min=&w_children="
        "&max_station_min=30"
    )
    assert asked.profile.budget_eur == 300_000
    assert asked.profile.children_ages == []
    preset = PRESETS["paris-web-family"].profile
    assert set(asked.profile.limits) == set(preset.limits) - {"primary_school_min"} | {
        "station_min"
    }
    assert dict(asked.profile.importance).keys() == {"connection"}


def test_a_form_sent_whole_is_not_canonical() -> None:
    asked = parse_query("budget=&children=4&c_station_min=&v_station_min=&min_station_min=&name=")
    assert not asked.is_canonical
    assert to_query(asked.profile) == "children=4"


def test_what_a_social_network_adds_to_a_link_is_dropped() -> None:
    assert parse_query("fbclid=abc&utm_source=x&size=town").profile.village_size == "town"


# --- Numbers and ages as people write them --------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("230000", 230_000),
        ("230 000 €", 230_000),
        ("230\u202f000\u00a0€", 230_000),
        ("230,000", 230_000),
        ("1,234,567.5", 1_234_567.5),
        ("92,5 m²", 92.5),
        ("12 min", 12),
        (".5", 0.5),
        ("1e3", 1_000),
        ("-3", -3),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, number: float) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "abc", "nan", "inf", "1e999", "1.2.3", "1,2,3", "0x10", "٣", "²"]
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert read_number(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_written_plainly_reads_back_the_same(number: float) -> None:
    assert read_number(plain_number(number)) == number


@pytest.mark.parametrize(
    ("text", "ages"),
    [
        ("4,9", [4, 9]),
        ("4 et 9 ans", [4, 9]),
        ("4; 9", [4, 9]),
        ("0", [0]),
        ("3 and 5 years", [3, 5]),
    ],
)
def test_ages_are_read_as_people_write_them(text: str, ages: list[int]) -> None:
    assert parse_query(urlencode({"children": text})).profile.children_ages == ages


# --- What cannot be used is refused, all of it at once --------------------------------------------


def test_every_fault_is_listed_at_once() -> None:
    query = (
        "foo=1&budget=abc&surface=1&surface=2&children=4,x&size=huge&scope=zz&lang=de&top=0"
        "&preset=nobody&w_nothing=important&max_nothing=3&max_station_min=-3&w_work=very"
        "&c_station_min=very&min_ftth_coverage_share=95"
    )
    assert codes(query) == [
        ("foo", "unknown_key"),
        ("surface", "repeated_key"),
        ("w_nothing", "unknown_key"),
        ("max_nothing", "unknown_key"),
        ("lang", "not_an_option"),
        ("scope", "not_an_option"),
        ("top", "below"),
        ("preset", "not_an_option"),
        ("budget", "not_a_number"),
        ("children", "not_an_age"),
        ("size", "not_an_option"),
        ("max_station_min", "below"),
        ("w_work", "not_an_option"),
        ("c_station_min", "not_an_option"),
        ("min_ftth_coverage_share", "above"),
    ]


@pytest.mark.parametrize(
    ("query", "code", "key"),
    [
        ("top=abc", "not_a_number", "top"),
        ("top=501", "above", "top"),
        ("budget=0", "not_above", "budget"),
        ("budget=99999999", "above", "budget"),
        ("surface=5", "below", "surface"),
        ("children=40", "above", "children"),
        ("children=" + ",".join("12345678901"), "too_many", "children"),
        ("name=" + "x" * 81, "too_long", "name"),
        ("name=" + "x" * 601, "too_long", "name"),
        ("min_station_min=30&max_station_min=10", "crossed", "min_station_min"),
        ("v_station_min=5", "not_breakpoints", "v_station_min"),
        ("v_station_min=5:1,a:0", "not_breakpoints", "v_station_min"),
        ("v_station_min=5:1", "not_breakpoints", "v_station_min"),
        ("v_station_min=5:0,15:1", "not_breakpoints", "v_station_min"),
        ("&".join(f"w_{f}=not_at_all" for f in FAMILIES), "nothing_matters", ""),
        ("name=" + "x" * MAX_QUERY_CHARS, "too_large", ""),
        ("&" * 300, "too_large", ""),
    ],
)
def test_each_mistake_has_its_fault(query: str, code: str, key: str) -> None:
    assert codes(query) == [(key, code)]


def test_what_only_the_profile_knows_to_be_wrong_is_still_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pydantic import ValidationError

    with pytest.raises(ValidationError) as caught:
        Profile.model_validate({"limits": {"station_min": {}}})
    error = caught.value

    def refuse(_: Any) -> Profile:
        raise error

    monkeypatch.setattr("api.forms.Profile.model_validate", refuse)
    (fault,) = refused("size=bourg")
    assert fault.code == "refused"
    assert "at_most or at_least" in str(fault)


def test_an_error_says_what_was_found_and_keeps_what_was_typed() -> None:
    with pytest.raises(ProfileError, match=r"budget: found 'abc', expected a number") as caught:
        parse_query("budget=abc&scope=all&lang=en&name=%3Cb%3E")
    assert isinstance(caught.value, FormError)
    assert caught.value.fields["name"] == "<b>"
    assert (caught.value.scope, caught.value.language) == ("all", "en")
    assert caught.value.problems == tuple(str(fault) for fault in caught.value.faults)


def test_what_is_shown_of_a_hostile_query_is_short() -> None:
    for fault in refused(f"{'k' * 500}=1&size={'v' * 500}"):
        assert len(fault.key) <= 61
        assert len(fault.found) <= 61


@given(st.text(max_size=200))
def test_any_query_is_read_or_refused_in_words(query: str) -> None:
    for text in (query, quote_plus(query), f"budget={quote_plus(query)}", f"v_station_min={query}"):
        outcome = read_or_faults(text)
        if not isinstance(outcome, Asked):
            assert outcome
            assert {fault.code for fault in outcome} <= set(FAULT_TEXTS)


def read_or_faults(query: str) -> Asked | tuple[Fault, ...]:
    try:
        return parse_query(query)
    except FormError as error:
        return error.faults


def test_every_field_of_a_profile_has_a_key() -> None:
    fields = profile_fields(PRESETS["paris-web-family"].profile)
    keys = dict(parse_qsl(to_query(PRESETS["paris-web-family"].profile)))
    assert set(keys) <= set(fields)
    simple = set(Profile.model_fields) - {"importance", "criteria", "limits", "origin_commune"}
    assert len([key for key in fields if "_" not in key or key == "work_mode"]) == len(simple)


def test_small_things() -> None:
    assert other_language("fr") == "en"
    assert parse_query("top=").top == DEFAULT_TOP


# --- Ticked villages and what a link remembers ---------------------------------------------------


def test_ticked_villages_are_read_and_written() -> None:
    asked = parse_query("pick=32249,2a004,32249,,32213&seen=abc")
    assert asked.picks == ("32249", "2A004", "32213")
    assert asked.seen == "abc"
    query = to_query(asked.profile, picks=asked.picks, seen=asked.seen)
    assert query == "pick=32249,2A004,32213&seen=abc"
    assert parse_query(query) == asked
    assert parse_query("").picks == ()


def test_a_code_that_is_none_and_too_many_are_refused() -> None:
    for query, code in (
        ("pick=Auch", "not_a_code"),
        ("pick=" + ",".join(f"3200{n}" for n in range(9)), "too_many"),
    ):
        with pytest.raises(FormError) as raised:
            parse_query(query)
        (fault,) = raised.value.faults
        assert (fault.key, fault.code) == ("pick", code)


def test_a_long_memory_refuses_nothing() -> None:
    assert len(parse_query("seen=" + "a" * 2000).seen) == 2000
