"""Downloads from a server that does not do what it says."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from geo_matcher.errors import SourceError
from geo_matcher.sources.fetching import Fetcher, Limits

URL = "https://data.example/a.csv"
BODY = b"code;nbr\n46001;12\n46002;13\n"
ETAG = {"ETag": '"one"', "Content-Type": "text/csv"}

Answer = Callable[[httpx.Request], httpx.Response]


class Script:
    """Answers one request after the other; the last answer again and again."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])(request)


def whole(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers=ETAG, stream=httpx.ByteStream(BODY))


def short(_: httpx.Request) -> httpx.Response:
    """Announce all, send ten bytes."""
    headers = {**ETAG, "Content-Length": str(len(BODY))}
    return httpx.Response(200, headers=headers, stream=httpx.ByteStream(BODY[:10]))


def part(start: int, etag: str = '"one"') -> Answer:
    def answer(_: httpx.Request) -> httpx.Response:
        headers = {
            **ETAG,
            "ETag": etag,
            "Content-Range": f"bytes {start}-{len(BODY) - 1}/{len(BODY)}",
            "Content-Length": str(len(BODY) - start),
        }
        return httpx.Response(206, headers=headers, stream=httpx.ByteStream(BODY[start:]))

    return answer


def fetcher(cache: Path, script: Script) -> Fetcher:
    limits = Limits(tries=4, backoff_s=0.001, backoff_max_s=0.001)
    return Fetcher(cache, transport=httpx.MockTransport(script), limits=limits)


def test_what_is_short_is_completed(tmp_path: Path) -> None:
    script = Script(short, part(10))
    with fetcher(tmp_path, script) as fetch:
        assert fetch(URL, expected="csv").path.read_bytes() == BODY
    assert script.asked[1].headers["Range"] == "bytes=10-"
    assert script.asked[1].headers["If-Range"] == '"one"'


@pytest.mark.parametrize(
    "wrong",
    [part(4), part(10, etag='"two"'), lambda _: httpx.Response(416)],
    ids=["another start", "another version", "no such range"],
)
def test_a_part_that_does_not_fit_is_thrown_away(tmp_path: Path, wrong: Answer) -> None:
    script = Script(short, wrong, whole)
    with fetcher(tmp_path, script) as fetch:
        assert fetch(URL, expected="csv").path.read_bytes() == BODY
    assert "Range" not in script.asked[2].headers


def test_what_stays_short_is_refused(tmp_path: Path) -> None:
    def nothing_new(request: httpx.Request) -> httpx.Response:
        answer = part(10)(request)
        return httpx.Response(206, headers=answer.headers, stream=httpx.ByteStream(b""))

    with (
        fetcher(tmp_path, Script(short, nothing_new)) as fetch,
        pytest.raises(SourceError, match="sent 10 bytes of the 27 that it announced"),
    ):
        fetch(URL, expected="csv")
    assert not list(tmp_path.glob("*.json.new"))
    with fetcher(tmp_path, Script(part(10))) as fetch:
        assert fetch(URL, expected="csv").path.read_bytes() == BODY


def test_a_refusal_is_told_at_once(tmp_path: Path) -> None:
    script = Script(lambda _: httpx.Response(403))
    with (
        fetcher(tmp_path, script) as fetch,
        pytest.raises(SourceError, match=f"{URL} answered 403 Forbidden instead of the file"),
    ):
        fetch(URL, expected="csv")
    assert len(script.asked) == 1


def test_who_asks_is_told(tmp_path: Path) -> None:
    script = Script(whole)
    with fetcher(tmp_path, script) as fetch:
        fetch(URL, expected="csv")
    assert script.asked[0].headers["User-Agent"].startswith("geo_matcher/")


@pytest.mark.parametrize(("code", "tries"), [(socket.EAI_NONAME, 1), (socket.EAI_AGAIN, 2)])
def test_a_name_that_leads_nowhere_is_told_soon(tmp_path: Path, code: int, tries: int) -> None:
    def nameless(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("as it is") from socket.gaierror(code, "Name not known")

    script = Script(nameless)
    told = (
        r"no internet here, or data\.example is unknown \(Name not known\)\. Check the connection"
    )
    with fetcher(tmp_path, script) as fetch, pytest.raises(SourceError, match=told):
        fetch(URL, expected="csv")
    assert len(script.asked) == tries


def test_what_is_tried_again_is_told(tmp_path: Path) -> None:
    said: list[str] = []
    script = Script(lambda _: httpx.Response(503), lambda _: httpx.Response(503), whole)
    limits = Limits(tries=4, backoff_s=0.001, backoff_max_s=0.001)
    transport = httpx.MockTransport(script)
    with Fetcher(tmp_path, transport=transport, limits=limits, tell=said.append) as fetch:
        fetch(URL, expected="csv")
    assert said == [
        f"data.example answered 503 Service Unavailable: trying again, {n} of 4, in 1 s"
        for n in (2, 3)
    ]
