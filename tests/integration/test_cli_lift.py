"""``lift`` and ``site-coworking``: the library's figures, and clear refusals."""

from __future__ import annotations

import csv
import io
import json

import pytest

from geo_matcher.counterfactual import ACTIONS
from geo_matcher.lift import lifts
from geo_matcher.siting import site_coworking
from geo_matcher.territory import Territory
from tests.integration.commands import Run

pytestmark = pytest.mark.usefixtures("read_once")

FEW = ("--profiles", "12", "--draws", "4")


def test_lifts_in_json_are_the_library_s(run: Run, territory: Territory) -> None:
    told = run("lift", "--action", "fibre", "--action", "doctor", "--top", "3", *FEW,
               "--format", "json")  # fmt: skip
    found = lifts(territory, actions=["fibre", "doctor"], profiles=12, draws=4)
    assert told.code == 0
    assert json.loads(told.out) == json.loads(json.dumps(found.as_dict(3)))


def test_lifts_as_csv(run: Run, territory: Territory) -> None:
    told = run("lift", "--commune", "Mirande", "--commune", "32106", *FEW, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(told.out)))
    assert [row["action"] for row in rows] == [name for name in ACTIONS for _ in range(2)]
    assert {row["name"] for row in rows} == {"Mirande", "Cologne"}
    assert {row["release"] for row in rows} == {territory.release_id}
    found = lifts(territory, communes=["Mirande", "Cologne"], profiles=12, draws=4)
    for row, lift in zip(rows, found.lifts, strict=True):
        assert row["insee_code"] == lift.insee_code
        assert float(row["top_10_gained"]) == pytest.approx(lift.gain(10).gained, abs=1e-4)
        assert row["top_5_losers"].split() == [x.insee_code for x in lift.gain(5).losers]


def test_lifts_in_words(run: Run, territory: Territory) -> None:
    english = run("lift", "--action", "coworking", "--top", "2", *FEW).plain
    french = run("lift", "--action", "coworking", "--top", "2", *FEW, "--lang", "fr").plain
    lift = lifts(territory, actions=["coworking"], profiles=12, draws=4).lifts[0]
    assert f"{lift.name} +{lift.gain(5).gained:.1f} ±" in english
    assert f"−{lift.gain(5).losers[0].newcomers:.1f}" in english
    assert "assumed (not surveyed) profiles" in english
    assert "What one commune gains, others lose." in english
    assert "Un coworking" in french
    assert "supposés (et non enquêtés)" in french
    assert f"+{lift.gain(5).gained:.1f}".replace(".", ",") in french
    assert territory.release_id in french


def test_a_loss_has_its_sign(run: Run, territory: Territory) -> None:
    found = lifts(territory, actions=["coworking"], profiles=12, draws=4)
    last = found.of("coworking")[-1]
    told = run("lift", "--action", "coworking", "--top", "500", *FEW).plain
    sign = "−" if last.gain(5).gained < 0 else "+"
    assert f"{last.name} {sign}{abs(last.gain(5).gained):.1f} ±" in told


def test_a_siting_in_json_is_the_library_s(run: Run, territory: Territory) -> None:
    told = run("site-coworking", "--count", "2", "--within", "15", *FEW, "--format", "json")
    found = site_coworking(territory, count=2, within_min=15, profiles=12, draws=4)
    assert json.loads(told.out) == json.loads(json.dumps(found.as_dict()))


def test_a_siting_in_words(run: Run, territory: Territory) -> None:
    asked = ("site-coworking", "--count", "2", "--within", "11.69", "--demand", "population",
             "--candidates", "partners", "--least-population", "500")  # fmt: skip
    english, french = run(*asked).plain, run(*asked, "--lang", "fr").plain
    found = site_coworking(
        territory, count=2, within_min=11.69, kind="population", candidates="partners",
        least_population=500,
    )  # fmt: skip
    site = found.steps[0].sites[0]
    assert f"{site.name} {site.demand:,.0f}" in english
    assert f"{found.unmet:,.0f} not, of which {found.unsure:,.0f}" in english
    assert "within 11.69 min" in english
    assert "à 11,69 min au plus" in french
    assert f"{found.candidates} communes possibles" in french
    newcomers = run("site-coworking", "--count", "1", "--within", "15", *FEW)
    assert "places among the first 5 of 12 assumed (not surveyed) newcomers" in newcomers.plain
    told = run("site-coworking", "--count", "1", "--within", "15", *FEW, "--lang", "fr")
    assert "des 12 nouveaux venus" in told.plain or "de 12 nouveaux venus" in told.plain


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("lift", "--action", "moat"), "action is 'moat', expected one of fibre,"),
        (("lift", "--profiles", "3"), "profiles is 3, expected 10 to 5,000 newcomers"),
        (("lift", "--commune", "Atlantis"), "INSEE code or name 'Atlantis'"),
        (("lift", "--commune", "Auch", "--scope", "partners"), "is not in the scope partners"),
        (("site-coworking", "--count", "0", "--within", "15"), "count is 0, expected 1 to 30"),
        (("site-coworking", "--count", "1", "--within", "-3"), "within is -3, expected more than"),
        (
            ("site-coworking", "--count", "1", "--within", "9", "--demand", "cows"),
            "demand is 'cows', expected newcomers or population",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_line(
    run: Run, arguments: tuple[str, ...], expected: str
) -> None:
    told = run(*arguments)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("geo-matcher: ")
    assert told.err.count("\n") == 1
    assert expected in told.err


def test_all_problems_are_told_at_once(run: Run) -> None:
    told = run("site-coworking", "--count", "0", "--within", "-3", "--demand", "cows")
    assert (told.code, told.out) == (2, "")
    assert [line.split(" is ")[0] for line in told.err.splitlines()] == [
        "geo-matcher: Spaces cannot be sited:", "  - count", "  - within", "  - demand",
    ]  # fmt: skip
    assert run("lift", "--action", "moat", "--profiles", "3").err.count("  - ") == 2
