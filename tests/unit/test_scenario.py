from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from geo_matcher.errors import ScenarioError
from geo_matcher.scenario import parse_scenario, read_amount, read_scenario, shipped_scenario
from geo_matcher.territory import Territory

ACTIONS = ("fibre", "fixed_wireless", "satellite_aid", "mobile_site", "coworking", "telecentre")
NEW = {
    "name": "drone",
    "kind": "satellite",
    "label_fr": "Drone",
    "label_en": "Drone",
    "cost": [{"per": "premises", "low": 1, "central": 2, "high": 3}],
    "assumption": {"reason_fr": "essai", "reason_en": "a test"},
}


def refused(data: dict[str, Any], territory: Territory) -> tuple[str, ...]:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(data, territory)
    return caught.value.problems


@pytest.mark.parametrize(
    ("written", "euros"),
    [
        ("80M", 80e6),
        ("5 M€", 5e6),
        ("500k", 5e5),
        ("1 200 000", 1.2e6),
        ("1\u202f200\u00a0000 €", 1.2e6),
        ("1,5 M€", 1.5e6),
        ("1.5m", 1.5e6),
        ("1,200,000", 1.2e6),
        ("€3k", 3e3),
        ("2 Md€", 2e9),
        ("100 euros", 100),
        (250_000, 250_000),
        (0, 0),
        (12.5, 12.5),
    ],
)
def test_amounts_are_read_as_people_write_them(written: object, euros: float) -> None:
    assert read_amount(written) == pytest.approx(euros)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("abc", "found 'abc'"),
        ("", "found ''"),
        ("-5M", "negative"),
        (-1, "negative"),
        (float("nan"), "negative or no number"),
        ("1,200", "reads two ways"),
        ("5 MM", "found '5 MM'"),
        (True, "found 'True'"),
        (None, "found 'None'"),
        ("900 Md€", "more than 100 Md€"),
        (10**400, "more than 100 Md€"),
        (float("inf"), "more than 100 Md€"),
    ],
)
def test_what_is_no_amount_is_refused_with_examples(written: object, said: str) -> None:
    with pytest.raises(ScenarioError, match=r"80M, 5 M€, 500k or 1 200 000") as caught:
        read_amount(written)
    assert said in str(caught.value)


def test_the_shipped_scenario_is_whole_and_every_cost_has_its_reason(
    territory: Territory,
) -> None:
    scenario = parse_scenario({}, territory)
    assert tuple(scenario.actions) == ACTIONS
    for action in scenario.action:
        assert action.source or action.assumption
    assert scenario.weights.assumption
    mobile = scenario.actions["mobile_site"]
    assert [row.share for row in mobile.funding] == [0.5, 0.3, 0.2]
    assert mobile.funding[0].at_most_eur == 50_000
    assert "gersnumerique.fr" in mobile.source[0].url
    assert scenario.as_dict()["id"] == scenario.id


def test_the_id_follows_the_content(territory: Territory) -> None:
    one = parse_scenario({}, territory)
    assert parse_scenario({}, territory).id == one.id
    assert parse_scenario({}, territory, budget="6M").id != one.id
    assert parse_scenario({}, territory, budget="6M").budget == 6e6


def test_a_few_lines_change_the_shipped_scenario(territory: Territory) -> None:
    scenario = parse_scenario(
        {
            "weights": {"newcomers": 0},
            "robust": {"shared": 0.2},
            "action": [
                {"name": "telecentre", "within_min": 8},
                {"name": "fibre", "cost": [{"per": "premises", "low": 1, "central": 2, "high": 3}]},
                NEW,
            ],
        },
        territory,
    )
    assert tuple(scenario.actions) == (*ACTIONS, "drone")
    assert scenario.weights.newcomers == 0
    assert scenario.weights.premises_fibre == 1
    assert scenario.robust.shared == 0.2
    assert scenario.actions["telecentre"].within_min == 8
    assert scenario.actions["telecentre"].source != []
    fibre = scenario.actions["fibre"]
    assert fibre.source == []  # the source told another cost
    assert fibre.assumption is not None
    assert "author" in fibre.assumption.reason_en


def test_communes_and_epcis_are_named_as_people_do(territory: Territory) -> None:
    scenario = parse_scenario(
        {
            "decided": [{"commune": "cazaubon", "action": "fibre"}],
            "exclude": [{"epci": "tenareze"}],
            "floor": [{"epci": "each", "at_least_share_of_need": 0.1}],
            "cap": [{"epci": "CC du Saves", "at_most_eur": "1M"}],
            "action": [{"name": "mobile_site", "communes": ["Lavardens"]}],
        },
        territory,
    )
    assert scenario.decided[0].commune == "32096"
    assert scenario.exclude[0].epci == "243200417"
    assert scenario.floor[0].epci == "each"
    assert scenario.actions["mobile_site"].communes == ["32204"]


def test_all_problems_are_listed_at_once(territory: Territory) -> None:
    problems = refused(
        {
            "budget": "abc",
            "colour": "blue",
            "action": [
                {
                    "name": "fibre",
                    "cost": [{"per": "premises", "low": -3, "central": 1, "high": 2}],
                },
                {"name": "teleport"},
            ],
            "floor": [
                {"epci": "Tenareze", "at_least_eur": "2M"},
                {"epci": "Atlantis", "at_least_eur": 1},
                {"at_least_eur": 1},
                {"epci": "each", "at_least_share_of_spending": 0.2},
            ],
            "cap": [{"epci": "CC de la Tenarèze", "at_most_eur": "1M"}, {"action": "warp"}],
            "decided": [
                {"commune": "Auch", "action": "fibre"},
                {"commune": "Auch", "action": "satellite_aid"},
                {"commune": "Nowhere", "action": "fibre"},
            ],
            "exclude": [{"commune": "Auch"}, {}],
            "exclusive": [
                {"actions": ["fibre", "satellite_aid"]},
                {"actions": ["fibre", "fibre"]},
            ],
            "precedence": [
                {"action": "fibre", "after": "coworking"},
                {"action": "coworking", "after": "fibre"},
            ],
        },
        territory,
    )
    text = "\n".join(problems)
    for said in (
        "budget: found 'abc'",
        "colour: unknown key",
        "action fibre cost 1 low: found -3",
        "unknown action",
        "unknown EPCI 'Atlantis'",
        "floor 3: a floor of money or need names an epci",
        "add up to 340%",
        "at least 2,000,000 € and at most 1,000,000 €",
        "cap 2: unknown action 'warp'",
        "give at_most_eur, at_most_communes or both",
        "'Nowhere'",
        "fibre in 32013 is both decided and excluded",
        "fibre and satellite_aid are both decided in 32013",
        "name a commune, an epci or an action",
        "exclusive 2: fibre, fibre names an action twice",
        "coworking, fibre wait for one another",
    ):
        assert said in text, said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cost": [{"per": "premises", "low": 5, "central": 1, "high": 9}]}, "rising order"),
        ({"cost": [{"per": "premises", "below_density_km2": 5, "low": 1, "central": 1, "high": 1}]},
         "the last one without"),
        ({"kind": "mobile"}, "priced per commune"),
        ({"within_min": 5}, "within_min"),
        ({"funding": [{"payer": "a", "share": 0.5}]}, "add up to 0.5"),
        ({"funding": [{"payer": "a", "share": 1, "at_most_eur": 5}]}, "no ceiling"),
        ({"assumption": None}, "cite a source"),
        ({"name": "Bad Name"}, "Bad Name"),
        ({"kind": "mobile", "cost": [{"per": "commune", "low": 1, "central": 1, "high": 1}]},
         "name the communes"),
        ({"communes": ["Atlantis"]}, "Atlantis"),
    ],
)  # fmt: skip
def test_an_action_must_be_usable(territory: Territory, change: dict[str, Any], said: str) -> None:
    assert said in "\n".join(refused({"action": [NEW | change]}, territory))


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"floor": [{"epci": "each", "at_least_eur": 1, "at_least_share_of_need": 1}]}, "found 2"),
        ({"floor": [{"epci": "each", "at_least_coverage": 0.5}]}, "does not"),
        ({"floor": [{"epci": "each", "at_least_eur": 9}],
          "cap": [{"epci": "Saves", "at_most_communes": 0}]}, "something and nothing"),
        ({"cap": [{"at_most_eur": 1}]}, "name an action, an epci or both"),
        ({"floor": "many"}, "floor"),
        ({"weights": "none"}, "weights"),
        ({"action": [3, {"name": ["x"]}]}, "action"),
        ({"precedence": [{"action": "fibre", "after": "fibre"}]}, "fibre wait for one another"),
    ],
)  # fmt: skip
def test_rules_must_make_sense(territory: Territory, rules: dict[str, Any], said: str) -> None:
    assert said in "\n".join(refused(rules, territory))


def test_a_cap_that_leaves_room_contradicts_nothing(territory: Territory) -> None:
    parse_scenario(
        {
            "floor": [{"epci": "Saves", "at_least_eur": "1k"}],
            "cap": [
                {"epci": "Saves", "at_most_eur": "2k"},
                {"epci": "Saves", "action": "fibre", "at_most_eur": 0},
                {"action": "fibre", "at_most_eur": 5},
            ],
        },
        territory,
    )


def test_a_file_is_read_in_toml_or_json(territory: Territory, tmp_path: Path) -> None:
    toml, other = tmp_path / "a.toml", tmp_path / "a.json"
    toml.write_text('budget = "3M"', encoding="utf-8")
    other.write_text(json.dumps({"budget": "3M"}), encoding="utf-8")
    assert read_scenario(toml, territory).id == read_scenario(other, territory).id
    assert read_scenario(None, territory).budget == 5e6
    assert read_scenario(toml, territory, budget="1k").budget == 1e3


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.toml", b"budget = ", "not valid TOML or JSON"),
        ("a.json", b"[1]", "holds list"),
        ("a.toml", b"\xff\xfe", "not UTF-8"),
        ("a.toml", b"#" * 200_001, "at most 200,000"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(
    territory: Territory, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ScenarioError, match=said):
        read_scenario(path, territory)


def test_a_file_that_is_not_there_is_named(territory: Territory, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read"):
        read_scenario(tmp_path / "none.toml", territory)


def test_what_ships_to_be_edited_is_what_is_used(territory: Territory) -> None:
    data = tomllib.loads(shipped_scenario())
    assert parse_scenario(data, territory).id == parse_scenario({}, territory).id
