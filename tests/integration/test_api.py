"""The HTTP API: same numbers as the library, one shape for every error, bounds that hold."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest
from fastapi.testclient import TestClient
from starlette.types import Message

from api.app import create_app
from api.errors import ERROR_STATUS, INTERNAL, PROBLEM_JSON
from api.models import CommuneDetail, MatchResponse, Problem
from api.security import BodyLimit, ConcurrencyLimit
from api.settings import Settings
from geo_matcher import errors
from geo_matcher.commune import describe_commune
from geo_matcher.criteria import CRITERIA
from geo_matcher.matching import rank
from geo_matcher.presets import PRESETS
from geo_matcher.profile import parse_profile
from geo_matcher.territory import Territory

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "docs" / "schemas" / "match.schema.json"
MATCHES = "/api/v1/matches"


@pytest.fixture(scope="module")
def client(client: TestClient) -> TestClient:
    """Return one of the same service, which answers also where something fails inside."""
    return TestClient(client.app, raise_server_exceptions=False)


def problem_of(answer: Any, status: int) -> dict[str, Any]:
    """Assert that an answer is a problem of the one shape and return it."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == PROBLEM_JSON
    found: dict[str, Any] = answer.json()
    Problem.model_validate(found)
    assert found["status"] == status
    assert found["problems"]
    return found


def test_health_and_readiness_name_the_release(client: TestClient, territory: Territory) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    assert client.get("/readyz").json()["release"] == territory.release_id


@pytest.mark.parametrize("scope", ["partners", "network", "all"])
@pytest.mark.parametrize("name", list(PRESETS))
def test_matches_are_those_of_the_library_to_the_last_digit(
    client: TestClient, territory: Territory, name: str, scope: str
) -> None:
    profile = PRESETS[name].profile
    body = {"profile": profile.as_dict(), "scope": scope, "top": 12}
    answer = client.post(MATCHES, json=body)
    assert answer.status_code == 200
    assert answer.content == orjson.dumps(rank(territory, profile, scope).to_dict(12))


def test_matches_fit_their_model_and_the_documented_schema(client: TestClient) -> None:
    body = {"profile": PRESETS["toulouse-consultant"].profile.as_dict(), "scope": "all"}
    answer = client.post(MATCHES, json=body).json()
    MatchResponse.model_validate(answer)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.validate(answer, schema)
    assert len(answer["results"]) == 20
    assert schema == MatchResponse.model_json_schema()


def test_matches_as_geojson_hold_the_same_ranking(client: TestClient) -> None:
    body = {"profile": {}, "top": 3}
    shapes = client.post(MATCHES, params={"f": "geojson"}, json=body)
    assert shapes.headers["Content-Type"] == "application/geo+json"
    plain = client.post(MATCHES, json=body).json()["results"]
    got = [f["properties"]["score"] for f in shapes.json()["features"]]
    assert got == [result["score"] for result in plain]


def test_presets_can_be_sent_back_as_they_are(client: TestClient) -> None:
    listed = client.get("/api/v1/presets").json()
    assert [preset["name"] for preset in listed] == list(PRESETS)
    for preset in listed:
        assert set(preset) == {"name", "label_fr", "label_en", "profile"}
        assert parse_profile(preset["profile"]) == PRESETS[preset["name"]].profile
        assert client.post(MATCHES, json={"profile": preset["profile"]}).status_code == 200


def test_release_tells_provenance_gaps_and_what_is_reconstructed(
    client: TestClient, territory: Territory
) -> None:
    found = client.get("/api/v1/release").json()
    assert found["release"] == territory.release_id
    assert found["partners"] == {"sourced": 3, "reconstructed": 44, "published": 47}
    assert found["network"]["published"] == 172
    assert {table["name"] for table in found["tables"]} == {
        t.name for t in territory.catalog.tables
    }
    assert all(table["licence"] and table["producer"] for table in found["tables"])
    assert found["gaps"]


def test_criteria_are_those_of_the_catalogue(client: TestClient) -> None:
    found = client.get("/api/v1/criteria").json()
    assert [criterion["name"] for criterion in found] == list(CRITERIA)


@pytest.mark.parametrize(
    "path", ["/api/v1/release", "/api/v1/criteria", "/api/v1/presets", "/api/v1/communes"]
)
def test_what_does_not_change_has_an_etag_and_is_compressed(client: TestClient, path: str) -> None:
    first = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert first.headers["Content-Encoding"] == "gzip"
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert plain.content == first.content
    again = client.get(path, headers={"If-None-Match": f'"x", {first.headers["ETag"]}'})
    assert again.status_code == 304
    assert again.content == b""


def test_communes_are_paged_by_code(client: TestClient) -> None:
    pages = [
        client.get("/api/v1/communes", params={"limit": 200, "offset": offset}).json()
        for offset in (0, 200, 400)
    ]
    codes = [commune["insee_code"] for page in pages for commune in page["communes"]]
    assert codes == sorted(codes)
    assert len(codes) == len(set(codes)) == pages[0]["total"] == 458


@pytest.mark.parametrize(("scope", "count"), [("partners", 47), ("network", 171), ("all", 458)])
def test_communes_are_filtered_by_scope(client: TestClient, scope: str, count: int) -> None:
    found = client.get("/api/v1/communes", params={"scope": scope, "limit": 1000}).json()
    assert found["total"] == len(found["communes"]) == count


def test_communes_of_a_box_are_those_that_touch_it(
    client: TestClient, territory: Territory
) -> None:
    found = client.get("/api/v1/communes", params={"bbox": "0.5,43.6,0.6,43.7"}).json()
    touching = territory.communes.cx[0.5:0.6, 43.6:43.7]
    assert {c["insee_code"] for c in found["communes"]} == set(touching.index)
    assert 0 < found["total"] < 50


@pytest.mark.parametrize("bbox", ["1,2,3", "a,b,c,d", "1,43,0,44", "0,43,1,400", "0,nan,1,44", ""])
def test_a_bad_box_is_refused_in_words(client: TestClient, bbox: str) -> None:
    found = problem_of(client.get("/api/v1/communes", params={"bbox": bbox}), 422)
    assert "west,south,east,north" in found["detail"]


def test_outlines_are_geojson_with_light_properties(client: TestClient) -> None:
    answer = client.get("/api/v1/communes", params={"f": "geojson", "limit": 1000})
    assert answer.headers["Content-Type"] == "application/geo+json"
    shapes = answer.json()
    assert len(shapes["features"]) == 458
    assert {f["geometry"]["type"] for f in shapes["features"]} <= {"Polygon", "MultiPolygon"}
    assert len(gzip.compress(answer.content)) < 150_000


def test_a_commune_is_told_whole_by_code_or_name(client: TestClient) -> None:
    by_code = client.get("/api/v1/communes/32416").json()
    CommuneDetail.model_validate(by_code)
    assert by_code == client.get("/api/v1/communes/sarrant").json()
    assert by_code["partner"] is True
    assert by_code["evidence"] == "sourced"
    assert by_code["broadband"]["copper_closure_date"] == "2029-05-31"
    assert by_code["town_hall"]["phone"] == "05 62 65 00 34"
    assert by_code["travel"]["toulouse"]["status"] == "estimated"
    premises = by_code["broadband"]["premises_by_best_technology"]
    assert sum(premises.values()) == by_code["broadband"]["premises"]


def test_twins_are_told_with_what_differs(client: TestClient) -> None:
    found = client.get("/api/v1/communes/sarrant/twins", params={"count": 2}).json()
    assert len(found) == 2
    assert found[0]["distance"] <= found[1]["distance"]
    assert set(found[0]["differs"]) <= set(CRITERIA)
    problem_of(client.get("/api/v1/communes/sarrant/twins", params={"count": 0}), 422)
    problem_of(client.get("/api/v1/communes/nowhere/twins"), 404)


def test_every_commune_fits_its_model(territory: Territory) -> None:
    for code in territory.codes[::9]:
        CommuneDetail.model_validate(describe_commune(territory, code))


def test_an_unknown_commune_is_a_problem_with_suggestions(client: TestClient) -> None:
    found = problem_of(client.get("/api/v1/communes/sarant"), 404)
    assert found["type"] == "urn:geo-matcher:unknown-commune"
    assert "Sarrant" in found["detail"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"profile": {"colour": "blue"}}, "profile.colour: unknown key"),
        ({"profile": {}, "colour": 1}, "colour: unknown key"),
        ({}, "profile: it is missing"),
        ({"profile": {"limits": {"station_min": {"at_most": -1}}}}, "impossible limit"),
        ({"profile": {"limits": {"beach_min": {"at_most": 1}}}}, "No criterion is called"),
        ({"profile": {}, "scope": "mars"}, "scope: found 'mars'"),
        ({"profile": {}, "top": 0}, "top: found '0'"),
        ({"profile": {}, "top": 10**9}, "top: found"),
        ({"profile": {"children_ages": [1] * 99}}, "children_ages"),
        ({"profile": {"importance": {"work": "very"}}}, "importance.work"),
        ([1, 2], "body"),
    ],
)
def test_a_bad_request_is_refused_in_words(client: TestClient, body: Any, said: str) -> None:
    assert said in problem_of(client.post(MATCHES, json=body), 422)["detail"]


def test_several_problems_are_listed_at_once(client: TestClient) -> None:
    body = {"profile": {"colour": 1, "tenure": "steal"}, "scope": "mars"}
    assert len(problem_of(client.post(MATCHES, json=body), 422)["problems"]) == 3


def test_json_that_is_not_and_deep_nesting_are_refused(client: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    found = problem_of(client.post(MATCHES, content=b'{"profile": ', headers=headers), 422)
    assert "not valid JSON" in found["detail"]
    deep = b"[" * 40_000 + b"]" * 40_000
    problem_of(client.post(MATCHES, content=deep, headers=headers), 400)


def test_what_does_not_exist_is_a_problem_too(client: TestClient) -> None:
    assert "/nothing" in problem_of(client.get("/nothing"), 404)["detail"]
    assert "GET cannot be used" in problem_of(client.get(MATCHES), 405)["detail"]
    problem_of(client.get("/static/none.css"), 404)


def test_a_large_body_is_refused(client: TestClient) -> None:
    found = problem_of(client.post(MATCHES, content=b" " * 200_000), 413)
    assert "100,000 bytes" in found["detail"]


def test_an_unforeseen_failure_says_nothing_internal(
    territory: Territory, caplog: pytest.LogCaptureFixture
) -> None:
    app = create_app(Settings(release=territory.folder), territory)

    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError("secret detail")

    @app.get("/data")
    async def data() -> None:
        raise errors.DataError("secret path")

    with TestClient(app, raise_server_exceptions=False) as client:
        for path, status in (("/boom", 500), ("/data", 503)):
            found = problem_of(client.get(path), status)
            assert found["detail"] == INTERNAL
            assert "default-src 'none'" in client.get(path).headers["Content-Security-Policy"]
    assert "secret detail" in caplog.text
    assert "secret path" in caplog.text


def test_every_domain_error_has_a_status() -> None:
    for name in errors.__all__:
        kind = getattr(errors, name)
        assert any(issubclass(kind, known) for known in ERROR_STATUS)


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/release", "/nothing", "/docs", "/"])
def test_every_answer_has_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "Set-Cookie" not in headers


def test_the_documentation_needs_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/docs").text
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert links
    assert all(link.startswith("/") for link in links)
    for link in links:
        assert client.get(link).status_code == 200


def test_openapi_describes_every_route_with_its_errors_and_an_example(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    wanted = {
        "/healthz", "/readyz", "/api/v1/release", "/api/v1/criteria", "/api/v1/presets",
        "/api/v1/communes", "/api/v1/communes/{insee_code}", "/api/v1/matches",
        "/api/v1/communes/{insee_code}/twins",
    }  # fmt: skip
    assert wanted <= set(described["paths"])
    post = described["paths"][MATCHES]["post"]
    assert PROBLEM_JSON in post["responses"]["422"]["content"]
    example = described["components"]["schemas"]["MatchRequest"]["examples"][0]
    assert client.post(MATCHES, json=example).status_code == 200


def test_settings_are_documented_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    documented = set(
        re.findall(r"`(GEO_MATCHER_\w+)`", (ROOT / "docs" / "api.md").read_text("utf-8"))
    )
    assert documented == {f"GEO_MATCHER_{name.upper()}" for name in Settings.model_fields}
    monkeypatch.setenv("GEO_MATCHER_MAX_BODY_BYTES", "0")
    with pytest.raises(ValueError, match="max_body_bytes"):
        Settings()


def test_a_release_is_read_at_start_and_a_broken_one_stops_it(
    territory: Territory, release_copy: Path
) -> None:
    with TestClient(create_app(Settings(release=territory.folder))) as client:
        assert client.get("/readyz").json()["release"] == territory.release_id
    (release_copy / "membership.csv").unlink()
    with (
        pytest.raises(errors.DataError, match="membership"),
        TestClient(create_app(Settings(release=release_copy))),
    ):
        pass


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run something in a thread of its own: in this one a browser's loop may be waiting."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _answer_of(app: Any, messages: list[Message], *, pause_s: float = 0.0) -> dict[str, Any]:
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(pause_s)
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/x", "headers": []}
    await app(scope, receive, send)
    if not sent:
        return {}
    found: dict[str, Any] = json.loads(sent[1]["body"])
    return found


async def _echo(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 - the ASGI shape
    message = await receive()
    body = orjson.dumps({"status": 200, "body": message["body"].decode()})
    assert (await receive())["type"] == "http.disconnect"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def test_a_slow_body_is_refused_and_a_whole_one_handed_on() -> None:
    guard = BodyLimit(_echo, max_bytes=100, timeout_s=0.3)
    parts: list[Message] = [
        {"type": "http.request", "body": b"ab", "more_body": True},
        {"type": "http.request", "body": b"cd", "more_body": False},
    ]
    assert _run(_answer_of(guard, list(parts)))["body"] == "abcd"
    assert _run(_answer_of(guard, list(parts), pause_s=0.6))["status"] == 408
    assert _run(_answer_of(guard, [])) == {}


def test_requests_beyond_the_bound_are_told_to_come_back() -> None:
    async def both() -> list[dict[str, Any]]:
        is_in, may_end = asyncio.Event(), asyncio.Event()

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            is_in.set()
            await may_end.wait()
            await _echo(scope, receive, send)

        guard = ConcurrencyLimit(slow, max_requests=1)
        one: list[Message] = [{"type": "http.request", "body": b"x", "more_body": False}]
        first = asyncio.create_task(_answer_of(guard, list(one)))
        await is_in.wait()
        second = await _answer_of(guard, list(one))
        may_end.set()
        return [await first, second, await _answer_of(guard, list(one))]

    assert [answer["status"] for answer in _run(both())] == [200, 503, 200]
