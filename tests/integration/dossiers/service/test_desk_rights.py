"""Who may ask what, read from the routes themselves: one that forgets to ask is found here."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from api.desk import page_account
from api.private import API, PAGES, is_page, is_private
from api.rights import RightName, rights_of
from api.routes import portfolio
from geo_matcher.dossiers.accounts import ROLE_RIGHTS, SYSTEM, Right, Role
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.desk import record_follow_up
from geo_matcher.dossiers.privacy import overdue
from geo_matcher.dossiers.stages import Stage
from tests.integration.dossiers.people import StillClock, brought_to, opened
from tests.integration.dossiers.service.asking import SIGN_IN, made, problem_of
from tests.integration.dossiers.service.conftest import Ask

OPEN_PAGES = {("GET", SIGN_IN), ("POST", SIGN_IN)}
NO_FILE = "0" * 12


def routes_of(app: FastAPI) -> Iterator[tuple[str, APIRoute]]:
    for context in iter_route_contexts(app.routes):
        route = (
            context.original_route
        )  # routers are included without a prefix, so its path is whole
        if isinstance(route, APIRoute) and is_private(route.path):
            for method in sorted(route.methods or ()):
                yield method, route


def address_of(route: APIRoute) -> str:
    path = route.path.replace("{key}", NO_FILE).replace("{what}", "news")
    return re.sub(r"\{\w+\}", "6", path)


def called(dependant: Dependant) -> set[Any]:
    return {dependant.call}.union(*(called(one) for one in dependant.dependencies))


def test_the_words_of_rights_are_those_of_the_library() -> None:
    assert set(get_args(RightName)) == {right.value for right in Right}


def test_every_route_asks_who_is_there(service: FastAPI) -> None:
    found = list(routes_of(service))
    assert len([route for _, route in found if route.path.startswith(API)]) > 25
    for method, route in found:
        if is_page(route.path):
            is_asked = page_account in called(route.dependant)
            assert is_asked or (method, route.path) in OPEN_PAGES, f"{method} {route.path}"
        else:
            assert rights_of(route) is not None, f"{method} {route.path}"


def test_nobody_gets_in_without_an_account(service: FastAPI, ask: Ask) -> None:
    nobody = ask(None)
    for method, route in routes_of(service):
        where = f"{method} {route.path}"
        if (method, route.path) in OPEN_PAGES:
            continue
        for headers in ({}, {"Authorization": "Bearer gm_x"}, {"Authorization": "Basic YTpi"}):
            answer = nobody.request(method, address_of(route), headers=headers, content=b"{")
            if is_page(route.path):
                assert answer.status_code == 303, where
                assert answer.headers["Location"].startswith(f"{SIGN_IN}?next=%2Fconseillers")
            else:
                problem_of(answer, 401)
                assert answer.headers["WWW-Authenticate"] == "Bearer", where


@pytest.mark.parametrize("role", list(Role))
def test_a_role_does_what_it_may_and_nothing_else(service: FastAPI, ask: Ask, role: Role) -> None:
    client = ask(role)
    for method, route in routes_of(service):
        needed = rights_of(route)
        if needed is None:
            continue
        where = f"{role} {method} {route.path}"
        # What is sent makes no sense: whoever may not ask is refused before it is looked at.
        answer = client.request(method, address_of(route), json={"nonsense": True})
        if route.path.startswith(f"{API}/tokens"):
            assert "Tokens are managed by people" in problem_of(answer, 403)["detail"]
        elif not needed or {Right(right) for right in needed} & ROLE_RIGHTS[role]:
            assert answer.status_code in {200, 404, 409, 422}, f"{where}: {answer.status_code}"
        else:
            assert needed[0] in problem_of(answer, 403)["detail"], where


@pytest.mark.parametrize("role", [Role.ELECTED, Role.PLANNER])
def test_the_report_pools_places_for_whoever_may_not_read_files(
    ask: Ask, db: Database, role: Role
) -> None:
    file = opened(db, SYSTEM)
    brought_to(db, file, Stage.SETTLED, SYSTEM, commune="32249", on=db.today())
    whole = ask().get(f"{API}/report").json()
    assert [place["insee_code"] for place in whole["communes"]] == ["32249"]
    answer = ask(role).get(f"{API}/report")
    pooled = answer.json()
    assert (pooled["communes"], pooled["epcis"], pooled["communes_since"]) == ([], [], [])
    assert pooled["settled"] == 1
    assert "32249" not in answer.text
    narrow = ask(scopes=["statistics"]).get(f"{API}/report").json()
    assert narrow["communes"] == []


def test_an_elected_member_sees_where_files_stand_and_never_whose_they_are(ask: Ask) -> None:
    file = made(ask())
    elected = ask(Role.ELECTED)
    seen = elected.get(f"{API}/{file['key']}").json()
    assert (seen["stage"], seen["fields"], seen["events"]) == ("enquiry", None, [])
    (card,) = elected.get(API).json()["cards"]
    assert (card["name"], card["town"], card["sector"]) == ("", "", "other")
    problem_of(elected.get(f"{API}/{file['key']}/ends"), 403)
    assert elected.get(f"{API}/report").json()["enquiries"] == 1


def test_an_elected_member_cannot_tell_a_family_by_its_commune_its_size_or_its_days(
    ask: Ask, db: Database, clock: StillClock
) -> None:
    file = opened(db, SYSTEM)
    clock.pass_days(40)
    settled_on = db.today() - dt.timedelta(days=5)
    brought_to(db, file, Stage.SETTLED, SYSTEM, commune="32249", on=settled_on, persons=5)
    clock.pass_days(30)
    left_on = db.today()
    record_follow_up(db, file.key, 6, is_still_there=False, left_on=left_on, by=SYSTEM)
    whole = ask().get(f"{API}/{file.key}").json()
    assert whole["settled"]["left_on"] == left_on.isoformat()
    elected = ask(Role.ELECTED)
    listed, shown = elected.get(API), elected.get(f"{API}/{file.key}")
    (card,) = listed.json()["cards"]
    assert (card["persons"], card["settled_commune"], card["keep_until"]) == (None, None, None)
    assert (shown.json()["settled"], shown.json()["keep_until"]) == (None, None)
    assert shown.json()["stage"] == "settled"
    for told in ("32249", settled_on.isoformat(), left_on.isoformat(), whole["keep_until"]):
        in_moments = told == left_on.isoformat()  # of the last change, not of leaving
        assert in_moments or told not in listed.text + shown.text


def test_what_is_past_its_end_becomes_anonymous_when_the_service_opens_and_every_day(
    ask: Ask, db: Database, clock: StillClock
) -> None:
    first = opened(db, SYSTEM)
    clock.pass_days(100)
    second = opened(db, SYSTEM, name="Une autre", email="autre@exemple.test", phone="")
    clock.pass_days(36 * 31 - 100)
    assert overdue(db) == (first.key,)
    client = ask()
    assert client.get(f"{API}/{first.key}").json()["is_anonymous"], "when it opens"
    clock.pass_days(100)
    assert overdue(db) == (second.key,)
    assert client.get(API).status_code == 200
    assert overdue(db) == (), "every day, without opening it again"


def test_duplicates_are_bounded_and_say_that_there_are_more(
    ask: Ask, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portfolio, "MAX_PAIRS", 2)
    for number in range(2):
        opened(db, SYSTEM, name=f"{number} Personne", email=f"p{number}@exemple.test")
    for _ in range(2):
        opened(db, SYSTEM, phone="")
    answer = ask().get(f"{API}/duplicates")
    assert answer.headers["X-Total-Count"] == "2"
    opened(db, SYSTEM)
    answer = ask().get(f"{API}/duplicates")
    assert int(answer.headers["X-Total-Count"]) > len(answer.json()) == 2
    assert all("email" in one["reasons"] for one in answer.json()), "the best first"


def test_a_token_does_what_its_scopes_say(ask: Ask) -> None:
    file = made(ask())
    reading = ask(scopes=["files.read"])
    address = f"{API}/{file['key']}"
    assert reading.get(address).status_code == 200
    problem_of(reading.post(f"{address}/notes", json={"text": "x"}), 403)
    opening = ask(scopes=["files.open"])
    made(opening)
    problem_of(opening.get(address), 403)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "TRACE", "QUERY"])
def test_odd_methods_give_nothing_away(ask: Ask, method: str) -> None:
    for client in (ask(None), ask()):
        for address in (API, f"{API}/{NO_FILE}", f"{API}/merges", PAGES, SIGN_IN):
            answer = client.request(method, address)
            assert answer.status_code in {404, 405}, (method, address)
            assert answer.headers["Cache-Control"] == "no-store"
            assert "Access-Control-Allow-Origin" not in answer.headers
