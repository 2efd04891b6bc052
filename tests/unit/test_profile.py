from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geo_matcher.criteria import CRITERIA, FAMILIES, VILLAGE_SIZES, Importance
from geo_matcher.errors import ProfileError, WeightError
from geo_matcher.presets import PRESETS
from geo_matcher.profile import CITY_CODES, Profile, normalised, parse_profile, read_profile


def refusal_of(**data: Any) -> tuple[str, ...]:
    with pytest.raises(ProfileError) as refusal:
        parse_profile(data)
    assert str(refusal.value) == "The profile was refused: " + "; ".join(refusal.value.problems)
    return refusal.value.problems


def weight(profile: Profile, name: str) -> float:
    return float(profile.weights[list(CRITERIA).index(name)])


def family_weight(profile: Profile, family: str) -> float:
    return sum(weight(profile, name) for name, c in CRITERIA.items() if c.family == family)


# --- What is refused ------------------------------------------------------------------------


def test_an_unknown_key_is_refused_with_the_known_ones() -> None:
    (problem,) = refusal_of(budget=3)
    assert problem == (
        "budget: unknown key (known keys of a profile: name, track, sector, origin_city, "
        "origin_commune, work_mode, client_city, children_ages, tenure, budget_eur, surface_m2, "
        "village_size, importance, criteria, limits)"
    )


@pytest.mark.parametrize("key", ["criteria", "limits"])
def test_an_unknown_criterion_is_refused_with_what_looks_alike(key: str) -> None:
    asked = {"at_most": 10} if key == "limits" else {"importance": "a_little"}
    (problem,) = refusal_of(**{key: {"station_minutes": asked}})
    assert problem.startswith(f"{key}: No criterion is called 'station_minutes'. Did you mean ")
    assert "station_min" in problem.split("Did you mean ")[1]


@pytest.mark.parametrize(
    ("limits", "problem"),
    [
        ({"station_min": {"at_least": 30, "at_most": 20}},
         "limits.station_min: impossible limit: at_least 30 is above at_most 20"),
        ({"station_min": {}}, "limits.station_min: a limit needs at_most or at_least"),
        ({"station_min": {"at_most": -1}},
         "profile: impossible limit: station_min at_most -1, expected a figure between 0 and "
         "1,000,000 min"),
        ({"ftth_coverage_share": {"at_least": 95}},
         "profile: impossible limit: ftth_coverage_share at_least 95, expected a figure between "
         "0 and 1 share"),
        ({"hot_days_2030_year": {"at_most": 400}},
         "profile: impossible limit: hot_days_2030_year at_most 400, expected a figure between "
         "0 and 366 days_year"),
        ({"station_min": {"at_most": float("nan")}},
         "limits.station_min.at_most: found 'nan'; expected a finite number"),
        ({"station_min": {"at_most": "soon"}},
         "limits.station_min.at_most: found 'soon'; expected a valid number, unable to "
         "parse string as a number"),
    ],
)  # fmt: skip
def test_an_impossible_limit_is_refused(limits: dict[str, Any], problem: str) -> None:
    assert refusal_of(limits=limits) == (problem,)


@pytest.mark.parametrize(
    ("name", "breakpoints", "end"),
    [
        ("station_min", [[10, 0], [20, 1]],
         "breakpoints [(10.0, 0.0), (20.0, 1.0)] go against its direction "
         "(decreasing: values must not rise)"),
        ("ftth_coverage_share", [[0.5, 1], [0.9, 0.5]],
         "breakpoints [(0.5, 1.0), (0.9, 0.5)] go against its direction "
         "(increasing: values must not fall)"),
        ("station_min", [[10, 1]],
         "breakpoints ((10.0, 1.0),): expected 2 to 12 pairs (figure, value), "
         "for example [[5, 1], [15, 0]]"),
        ("station_min", [[10, 1], [10, 0]],
         "breakpoints ((10.0, 1.0), (10.0, 0.0)): figures must be finite and strictly increasing"),
        ("station_min", [[10, 2], [20, 0]],
         "breakpoints ((10.0, 2.0), (20.0, 0.0)): values must lie between 0 and 1"),
    ],
)  # fmt: skip
def test_breakpoints_that_cannot_be_used_are_refused(
    name: str, breakpoints: list[list[float]], end: str
) -> None:
    assert refusal_of(criteria={name: {"breakpoints": breakpoints}}) == (f"profile: {name}: {end}",)


def test_a_target_may_rise_and_fall() -> None:
    points = [(100.0, 0.0), (500.0, 1.0), (900.0, 0.0)]
    profile = parse_profile({"criteria": {"population": {"breakpoints": points}}})
    assert profile.value_functions["population"].breakpoints == tuple(points)


def test_a_profile_for_which_nothing_matters_is_refused() -> None:
    (problem,) = refusal_of(importance=dict.fromkeys(FAMILIES, "not_at_all"))
    assert problem == (
        "profile: nothing matters: every importance is not_at_all, so nothing can be ranked. "
        "Raise one family to a_little or more"
    )


def test_nothing_matters_either_when_no_criterion_of_the_families_left_does() -> None:
    importance = dict.fromkeys(FAMILIES, "not_at_all") | {"work": "important"}
    (problem,) = refusal_of(
        importance=importance,
        criteria={
            "coworking_min": {"importance": "not_at_all"},
            "telecentre_min": {"importance": "not_at_all"},
        },
    )
    assert problem.startswith("profile: nothing matters: ")


def test_several_problems_are_listed_at_once() -> None:
    problems = refusal_of(
        colour="red",
        tenure="squat",
        children_ages=[4, 40],
        surface_m2=0,
        limits={"station_min": {"at_least": 3, "at_most": 2}},
    )
    assert [problem.split(":")[0] for problem in problems] == [
        "children_ages.1",
        "tenure",
        "surface_m2",
        "limits.station_min",
        "colour",
    ]
    assert problems[1] == "tenure: found 'squat'; expected 'buy' or 'rent'"


@pytest.mark.parametrize(
    ("data", "start"),
    [
        ({"budget_eur": 0}, "budget_eur: found '0'; expected greater than 0"),
        ({"budget_eur": float("nan")}, "budget_eur: found 'nan'; "),
        ({"name": "x" * 81}, f"name: found {'x' * 60!r}; expected at most 80"),
        ({"children_ages": [1] * 11}, "children_ages: found "),
        ({"importance": {"weather": "important"}}, "importance.weather"),
        ({"importance": {"work": "vital"}}, "importance.work: found 'vital'; expected "),
    ],
)
def test_what_is_found_is_told(data: dict[str, Any], start: str) -> None:
    (problem,) = refusal_of(**data)
    assert problem.startswith(start)


# --- Reading and writing --------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_written_as_toml_is_read_back_the_same(name: str, tmp_path: Path) -> None:
    profile = PRESETS[name].profile
    path = tmp_path / "profile.toml"
    path.write_text(profile.to_toml(), encoding="utf-8")
    assert read_profile(path) == profile


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_written_as_json_is_read_back_the_same(name: str, tmp_path: Path) -> None:
    profile = PRESETS[name].profile
    path = tmp_path / "profile.JSON"
    path.write_text(json.dumps(profile.as_dict()), encoding="utf-8")
    assert read_profile(path) == profile


def test_an_empty_profile_is_a_usable_one(tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text("", encoding="utf-8")
    assert read_profile(path) == Profile()
    assert Profile().as_dict() == {}


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "profile.toml"
    path.write_text('\ufefftenure = "rent"\n', encoding="utf-8")
    assert read_profile(path).tenure == "rent"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("p.toml", b"tenure = ", "is not valid TOML: "),
        ("p.json", b'{"tenure": ', "is not valid JSON: "),
        ("p.json", b"[" * 50_000, "is not valid JSON: "),
        ("p.json", b'["rent"]', "holds list, expected an object with keys."),
        ("p.json", b"null", "holds NoneType, expected an object with keys."),
        ("p.toml", 'name = "Zoé"'.encode("latin-1"), "is not UTF-8 text. Save it as UTF-8 and try"),
        ("p.toml", b"#" * 100_001,
         "has 100,001 bytes; a profile has at most 100,000. Check that this is the right file."),
    ],
    ids=["broken TOML", "broken JSON", "deep JSON", "JSON list", "JSON null", "not UTF-8", "large"],
)  # fmt: skip
def test_a_file_that_holds_no_profile_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ProfileError) as refusal:
        read_profile(path)
    assert str(refusal.value).startswith(f"{path} {message}")


def test_a_broken_file_points_to_a_good_one(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text("tenure = ", encoding="utf-8")
    with pytest.raises(
        ProfileError, match=r"`geo-matcher profile show NAME` prints a valid one\.$"
    ):
        read_profile(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "absent.toml"
    with pytest.raises(ProfileError) as refusal:
        read_profile(path)
    assert str(refusal.value) == (
        f"{path} cannot be read (No such file or directory). Give a profile in TOML or JSON."
    )


# --- Weights --------------------------------------------------------------------------------


def test_weights_add_up_to_one_and_families_share_them() -> None:
    profile = Profile()
    assert profile.weights.sum() == pytest.approx(1.0)
    assert (profile.weights >= 0).all()
    points = {name: family.importance.points for name, family in FAMILIES.items()}
    points["children"] = 0
    for family in FAMILIES:
        expected = points[family] / sum(points.values())
        assert family_weight(profile, family) == pytest.approx(expected)


def test_siblings_share_the_weight_of_their_family() -> None:
    alone = parse_profile({"criteria": {"airport_min": {"importance": "not_at_all"},
                                        "auch_min": {"importance": "not_at_all"},
                                        "toulouse_min": {"importance": "not_at_all"}}})  # fmt: skip
    assert weight(alone, "station_min") == pytest.approx(family_weight(Profile(), "mobility"))
    assert family_weight(alone, "mobility") == pytest.approx(family_weight(Profile(), "mobility"))
    assert weight(Profile(), "station_min") == pytest.approx(2 * weight(Profile(), "airport_min"))


def test_raising_a_family_by_one_word_doubles_it_against_the_others() -> None:
    before = Profile()
    after = parse_profile({"importance": {"work": "indispensable"}})
    ratio = family_weight(before, "work") / family_weight(before, "health")
    assert family_weight(after, "work") / family_weight(after, "health") == pytest.approx(2 * ratio)
    assert after.family_importance("work") is Importance.INDISPENSABLE


def test_children_make_the_schools_of_their_age_matter() -> None:
    assert family_weight(Profile(), "children") == 0
    small = parse_profile({"children_ages": [4]})
    assert weight(small, "primary_school_min") == pytest.approx(family_weight(small, "children"))
    assert weight(small, "college_min") == 0
    between = parse_profile({"children_ages": [9]})
    assert weight(between, "primary_school_min") == weight(between, "college_min") > 0
    assert weight(between, "lycee_min") == 0
    both = parse_profile({"children_ages": [2, 16]})
    assert weight(both, "lycee_min") == weight(both, "primary_school_min") > 0
    assert weight(both, "college_min") == 0


def test_schools_can_matter_before_there_are_children() -> None:
    planned = parse_profile({"importance": {"children": "important"}})
    assert weight(planned, "primary_school_min") == weight(planned, "lycee_min") > 0


@pytest.mark.parametrize(
    ("tenure", "counts", "not_"),
    [("buy", "house_price_eur_m2", "house_rent_eur_m2_month"),
     ("rent", "house_rent_eur_m2_month", "house_price_eur_m2")],
)  # fmt: skip
def test_one_pays_a_price_or_a_rent_never_both(tenure: str, counts: str, not_: str) -> None:
    profile = parse_profile({"tenure": tenure})
    assert weight(profile, counts) == pytest.approx(family_weight(profile, "housing"))
    assert weight(profile, not_) == 0


@pytest.mark.parametrize(
    ("data", "name", "surface"),
    [
        ({"tenure": "buy", "budget_eur": 200_000}, "house_price_eur_m2", 100.0),
        ({"tenure": "rent", "budget_eur": 600, "surface_m2": 75}, "house_rent_eur_m2_month", 75.0),
    ],
)
def test_a_budget_says_what_a_price_is_worth(
    data: dict[str, Any], name: str, surface: float
) -> None:
    profile = parse_profile(data)
    affordable = data["budget_eur"] / surface
    assert list(profile.value_functions) == [name]
    function = profile.value_functions[name]
    assert function(affordable) == pytest.approx(0.5)
    assert function(affordable * 0.6) == 1.0
    assert function(affordable * 1.4) == 0.0


def test_the_size_of_the_village_counts_only_when_one_is_wished() -> None:
    assert weight(Profile(), "population") == 0
    wished = parse_profile({"village_size": "bourg"})
    assert weight(wished, "population") > 0
    assert wished.value_functions["population"] is VILLAGE_SIZES["bourg"]


@pytest.mark.parametrize(
    ("mode", "coworking", "telecentre", "station"),
    [
        ("home", "a_little", "a_little", "important"),
        ("coworking", "indispensable", "a_little", "important"),
        ("client_visits", "a_little", "a_little", "important"),
    ],
)
def test_a_way_of_working_moves_what_matters_inside_the_families(
    mode: str, coworking: str, telecentre: str, station: str
) -> None:
    profile = parse_profile({"work_mode": mode})
    found = [
        profile.importance_of(f"{name}_min").value
        for name in ("coworking", "telecentre", "station")
    ]
    assert found == [coworking, telecentre, station]


def test_the_track_of_artists_raises_culture_and_the_family_it_is_in() -> None:
    artist = parse_profile({"track": "cultura"})
    assert artist.importance_of("cinema_min") is Importance.INDISPENSABLE
    assert artist.importance_of("museum_min") is Importance.IMPORTANT
    assert artist.family_importance("setting") is Importance.IMPORTANT
    assert family_weight(artist, "setting") > family_weight(Profile(), "setting")
    told = parse_profile({"track": "cultura", "importance": {"setting": "a_little"}})
    assert told.family_importance("setting") is Importance.A_LITTLE


def test_the_way_of_working_comes_before_the_track() -> None:
    profile = parse_profile({"track": "cultura", "work_mode": "coworking"})
    assert profile.importance_of("coworking_min") is Importance.INDISPENSABLE


def test_the_town_of_the_clients_becomes_indispensable() -> None:
    assert weight(Profile(), "pau_min") == 0
    profile = parse_profile({"client_city": "pau"})
    assert profile.importance_of("pau_min") is Importance.INDISPENSABLE
    assert weight(profile, "pau_min") == max(
        weight(profile, name) for name, c in CRITERIA.items() if c.family == "mobility"
    )


def test_what_the_mover_says_of_a_criterion_comes_before_every_rule() -> None:
    profile = parse_profile(
        {
            "client_city": "pau",
            "tenure": "rent",
            "criteria": {
                "pau_min": {"importance": "not_at_all"},
                "house_price_eur_m2": {"importance": "a_little"},
                "station_min": {"breakpoints": [[5, 1], [10, 0]]},
            },
        }
    )
    assert weight(profile, "pau_min") == 0
    assert weight(profile, "house_price_eur_m2") > 0
    assert profile.importance_of("station_min") is Importance.IMPORTANT
    assert list(profile.value_functions) == ["station_min"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("sector", "arts"), ("origin_city", "lille"), ("origin_commune", "44109"), ("name", "Zoé")],
)
def test_what_is_recorded_for_the_adviser_changes_no_weight(field: str, value: str) -> None:
    told = parse_profile({field: value})
    np.testing.assert_array_equal(told.weights, Profile().weights)
    assert told.value_functions == {}


@pytest.mark.parametrize("points", [[0.0, 0.0], [1.0, -1.0], [np.nan, 1.0], [np.inf, 1.0], []])
def test_weights_that_cannot_be_used_are_refused(points: list[float]) -> None:
    with pytest.raises(WeightError, match="expected finite numbers, none negative, at least one"):
        normalised(np.array(points))


def test_profiles_are_compared_by_what_they_ask_even_after_their_weights_were_used() -> None:
    one, other = Profile(tenure="rent"), Profile(tenure="rent")
    assert one.weights is not other.weights
    assert one == other
    assert one != Profile()


# --- Where one comes from -------------------------------------------------------------------


@pytest.mark.parametrize(("word", "code"), CITY_CODES.items())
def test_a_big_city_by_its_code_is_the_same_profile(word: str, code: str) -> None:
    by_word = parse_profile({"origin_city": word})
    for data in ({"origin_commune": code}, {"origin_city": word, "origin_commune": code}):
        assert parse_profile(data) == by_word
        assert parse_profile(data).as_dict() == {"origin_city": word}


def test_any_other_commune_is_kept_by_its_code() -> None:
    profile = parse_profile({"origin_commune": "2A004"})
    assert profile.as_dict() == {"origin_commune": "2A004"}
    assert parse_profile(tomllib.loads(profile.to_toml())) == profile
    assert parse_profile({"origin_city": "lyon", "origin_commune": None}).origin_city == "lyon"


@pytest.mark.parametrize("code", ["4410", "441090", "nantes", "2C004", "", " 4109"])
def test_a_code_has_five_characters(code: str) -> None:
    (problem,) = refusal_of(origin_commune=code)
    assert problem == (
        f"origin_commune: found {code!r}; expected an INSEE code of 5 characters, such as 44109"
    )


def test_two_places_cannot_both_be_left() -> None:
    (problem,) = refusal_of(origin_city="lyon", origin_commune="44109")
    assert "two origins: origin_city 'lyon' and origin_commune '44109'" in problem
    assert "Keep one" in problem
