"""What the page of a commune says of driving: the library's figures, on either network."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.cards import cards_of
from api.page import foot_parts
from api.reach_map import reach_map
from api.settings import Settings
from api.sheets import commune_path
from api.village import village_view
from api.village_access import access_view, visitors
from geo_matcher.baskets import basket
from geo_matcher.criteria import Unit
from geo_matcher.map_data import isochrone_origin, ranking_data
from geo_matcher.map_words import WORDS
from geo_matcher.maps import map_html
from geo_matcher.matching import rank
from geo_matcher.numbers import format_hours, format_number, format_raw
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.supply import supply_of
from geo_matcher.territory import Territory
from geo_matcher.wheel import Habits, week_of
from tests.integration.reading import Elements, ok, simple

LANGUAGES = pytest.mark.parametrize("language", ["fr", "en"])
MAUVEZIN, AUCH, CAP_D_ASTARAC = "32249", "32013", "32365"
SEARCH = "preset=paris-web-family"
AT_MOST = {"fr": "au plus", "en": "at most"}


@pytest.fixture(scope="module")
def client(territory: Territory) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(release=territory.folder), territory)) as client:
        yield client


@LANGUAGES
def test_hours_and_drives_are_those_of_the_week(territory: Territory, language: str) -> None:
    for code in territory.codes[::23]:
        view = access_view(territory, code, language)
        for household, said in zip(visitors(), view.said, strict=True):
            week = week_of(territory, code, household)
            assert simple(format_hours(week.hours, language)) in simple(said)
            assert (AT_MOST[language] in said) == (week.status == "upper_bound")
        week = week_of(territory, code, visitors()[1])
        assert len(view.rows) == len(week.drives) == 3
        for row, drive in zip(view.rows, week.drives, strict=True):
            assert drive.minutes_each is not None
            assert drive.minutes_week is not None
            assert format_hours(drive.minutes_each / 60, language) in row.each
            assert format_hours(drive.minutes_week / 60, language) in row.week
            assert (AT_MOST[language] in row.week) == (AT_MOST[language] in row.each)
        assert simple(format_hours(week.hours, language)) in simple(view.total)
        for assumption in (week.habits.coworking_days, week.habits.school_days):
            assert f" {format_number(assumption, language)} " in f" {view.assumed}"


def test_a_search_tells_its_own_household(territory: Territory, client: TestClient) -> None:
    profile = PRESETS["paris-web-family"].profile
    week = week_of(territory, MAUVEZIN, profile)
    text = simple(Elements(ok(client.get(f"/communes/{MAUVEZIN}-mauvezin?{SEARCH}&lang=en"))).text)
    assert f"By your answers: {simple(format_hours(week.hours, 'en'))} a week" in text
    assert "Alone and working at home" not in text
    household = Profile(work_mode="client_visits", children_ages=[12], client_city="toulouse")
    view = access_view(territory, MAUVEZIN, "en", household)
    assert {row.label for row in view.rows} == {"Errands, in grouped rounds", "Toulouse"}
    assert "a client to see" in view.assumed
    assert "school bus" in view.assumed
    view = access_view(territory, MAUVEZIN, "en", Profile(work_mode="client_visits"))
    assert "drive to the station" in view.assumed


@LANGUAGES
def test_the_round_is_that_of_the_basket(territory: Territory, language: str) -> None:
    here = 0
    for code in territory.codes[::31]:
        found = basket(territory, code)
        said = simple(" ".join(access_view(territory, code, language).errands))
        assert found.minutes is not None
        assert found.separate_min is not None
        assert simple(format_hours(found.minutes / 60, language)) in said
        assert simple(format_hours(found.separate_min / 60, language)) in said
        assert (AT_MOST[language] in said) == (found.status == "upper_bound")
        own = [stop.insee_code for stop in found.stops] == [code]
        here += own
        assert own or all(simple(stop.name) in said for stop in found.stops)
    assert here


def test_people_and_work_places_are_those_of_the_release(territory: Territory) -> None:
    stored = territory.tables["access_measures"].set_index("insee_code")
    for code in territory.codes[::37]:
        view = access_view(territory, code, "en")
        for near in view.near:
            people = int(stored[f"inhabitants_{near.minutes}min"][code])
            assert near.text.startswith(format_raw(people, Unit.INHABITANTS, "en"))
        shared = float(supply_of(territory, "workplace").per_10000[code])
        assert shared == pytest.approx(float(stored["workplaces_per_10000"][code]), abs=0.001)
        assert f": {format_number(shared, 'en', '.1')}. We count places" in view.shared


def test_what_cannot_be_reached_is_said(territory: Territory) -> None:
    table = territory.tables["access_measures"].copy()
    own = table["insee_code"] == MAUVEZIN
    table["errands_week_min"] = table["errands_week_min"].mask(own)
    table.loc[own, "errands_status"] = "unreachable"
    places = territory.tables["places"]
    without = places[places["kind"] != "bank"]
    cut = dataclasses.replace(
        territory, tables={**territory.tables, "access_measures": table, "places": without}
    )
    view = access_view(cut, MAUVEZIN, "en")
    assert view.said == (
        "Hours at the wheel: no road leads to one of the places that the week goes to.",
    )
    assert "out of reach" in view.total
    assert view.errands == (
        "No round brings home all 8 everyday errands: some are out of reach by our data.",
    )


def test_published_and_counted_figures_are_told_where_there_are_any(territory: Territory) -> None:
    assert village_view(territory, MAUVEZIN, "en").apl == ""
    apl = pd.DataFrame({"insee_code": [MAUVEZIN], "apl_consultations": [3.14], "year": [2024]})
    desks = pd.DataFrame(
        {"kind": ["coworking"], "insee_code": [AUCH], "amount": [40.0], "unit": ["desks"],
         "year": [2025], "source": ["list"]}
    )  # fmt: skip
    more = dataclasses.replace(
        territory, tables={**territory.tables, "apl_doctors": apl, "supply": desks}
    )
    view = village_view(more, MAUVEZIN, "en")
    assert "(APL, 2024): 3.1 consultations" in view.apl
    assert "(desks)" in view.access.shared


def test_the_map_shows_whole_communes_without_roads(territory: Territory) -> None:
    drawn = reach_map(territory, CAP_D_ASTARAC)
    assert drawn.network == "town_halls"
    assert [band.minutes for band in drawn.bands] == [45, 30, 15]
    assert all(band.path for band in drawn.bands)
    assert "coloured as a whole" in access_view(territory, CAP_D_ASTARAC, "en").about_map


@pytest.mark.parametrize("network", ["town_halls", "roads"])
@LANGUAGES
def test_the_network_that_gave_the_times_is_told(
    territory: Territory, on_roads: Territory, network: str, language: str
) -> None:
    release = on_roads if network == "roads" else territory
    words = {
        ("town_halls", "fr"): "réseau des mairies",
        ("town_halls", "en"): "town-hall network",
        ("roads", "fr"): "routes d’OpenStreetMap",
        ("roads", "en"): "roads of OpenStreetMap",
    }
    view = village_view(release, MAUVEZIN, language)
    assert words[network, language] in view.estimated
    foot = " ".join(foot_parts(release, language)["words"])
    assert ("OpenStreetMap" in foot) == (network == "roads")
    gaps = " ".join(foot_parts(release, language)["gaps"])
    not_held = "Le réseau routier n’est pas" if language == "fr" else "The road network is not in"
    assert (not_held in gaps) == (network == "town_halls")


def test_on_roads_the_page_draws_ground_and_credits_it(on_roads: Territory) -> None:
    drawn = reach_map(on_roads, MAUVEZIN)
    assert drawn.network == "roads"
    with TestClient(create_app(Settings(release=on_roads.folder), on_roads)) as client:
        html = ok(client.get(f"{commune_path(MAUVEZIN, 'Mauvezin')}?lang=en"))
    page = Elements(html)
    text = simple(page.text)
    assert "The ground that the roads of OpenStreetMap bring within reach." in text
    assert "© OpenStreetMap contributors" in text
    for minutes in (15, 30, 45):
        (band,) = page.all("path", **{"class": f"within-{minutes}"})
        assert re.match(r"M-?\d+,-?\d+l", band["d"])
    week = week_of(on_roads, MAUVEZIN, visitors()[0], Habits())
    assert simple(format_hours(week.hours, "en")) in text
    first = village_view(on_roads, MAUVEZIN, "en").work[0]
    nearest = float(str(on_roads.minutes.at[MAUVEZIN, "workplace"]))
    assert first.figure == format_raw(nearest, Unit.MINUTES, "en")


@LANGUAGES
def test_a_card_bears_the_hours_of_its_household(territory: Territory, language: str) -> None:
    profile = PRESETS["paris-web-family"].profile
    ranking = rank(territory, profile, "all")
    rows = [*ranking.best(12), int(ranking.excluded[0])]
    for card, row in zip(cards_of(ranking, None, language, rows), rows, strict=True):
        week = week_of(territory, territory.codes[row], profile)
        assert simple(format_hours(week.hours, language)) in simple(card.wheel)
        assert (AT_MOST[language] in card.wheel) == (week.status == "upper_bound")
    table = territory.tables["access_measures"].assign(errands_week_min=float("nan"))
    cut = dataclasses.replace(territory, tables={**territory.tables, "access_measures": table})
    again = rank(cut, profile, "all")
    assert again.score.tolist() == ranking.score.tolist()  # no criterion, no point
    assert {card.wheel for card in cards_of(again, None, language, rows)} == {""}


def test_on_roads_the_map_file_draws_the_ground_within_reach(on_roads: Territory) -> None:
    first = rank(on_roads, PRESETS["paris-web-family"].profile, "all")
    html = map_html(first, "en")
    name = on_roads.facts[int(first.order[0])]["name"]
    assert f"By car from {name}" in html
    assert WORDS["en"]["timed_roads"] in html
    assert len(html.encode()) < 1_500_000
    drawn = ranking_data(first, "en")["isochrones"]
    assert [minutes for minutes, _ in drawn] == [45, 30, 15]
    assert all(polygons for _, polygons in drawn)
    to_clients = rank(on_roads, Profile(client_city="auch"), "all")
    assert isochrone_origin(to_clients) == AUCH
    nobody = rank(on_roads, parse_profile({"limits": {"station_min": {"at_most": 0}}}), "all")
    assert isochrone_origin(nobody) == ""
    assert "By car from" not in map_html(nobody, "en")
