"""Downloads from a server with the faults that happen."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import email.utils
import gzip
import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from geo_matcher.errors import AbsentFileError, SourceError
from geo_matcher.sources.fetching import Fetcher, Limits
from tests.integration.upstream.server import HTML_PAGE, Fault, Upstream, upstream_server

URL = "https://data.example/last/commune.csv"
BODY = b"code_insee;nbr\r\n" + b"".join(b"%05d;%d\r\n" % (n, n) for n in range(46000, 76000))
QUICK = Limits(total_s=20, idle_s=5, tries=3, backoff_s=0.01, backoff_max_s=0.02)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with upstream_server() as server:
        server.put(URL, BODY)
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def fetcher(upstream: Upstream, cache: Path, limits: Limits = QUICK) -> Fetcher:
    return Fetcher(cache, transport=upstream.transport(), limits=limits)


def test_a_file_is_brought_once_and_asked_for_again_by_its_version(
    upstream: Upstream, cache: Path
) -> None:
    with fetcher(upstream, cache) as fetch:
        first = fetch(URL, expected="csv")
        assert fetch(URL, expected="csv") is first
    assert first.path.read_bytes() == BODY
    assert (first.bytes, first.name) == (len(BODY), "commune.csv")
    assert len(upstream.asked(URL)) == 1

    with fetcher(upstream, cache) as fetch:
        second = fetch(URL, expected="csv")
    assert second.path.read_bytes() == BODY
    assert [one.status for one in upstream.asked(URL)] == [200, 304]

    upstream.put(URL, BODY + b"76001;1\r\n")
    with fetcher(upstream, cache) as fetch:
        third = fetch(URL, expected="csv")
    assert third.path.read_bytes() == BODY + b"76001;1\r\n"
    assert third.sha256 != first.sha256
    assert not first.path.exists()


def test_a_kept_file_that_was_damaged_is_not_trusted(upstream: Upstream, cache: Path) -> None:
    with fetcher(upstream, cache) as fetch:
        kept = fetch(URL, expected="csv")
    kept.path.write_bytes(BODY.replace(b"46000", b"46001"))
    with fetcher(upstream, cache) as fetch:
        assert fetch.kept(URL) is None
        assert fetch(URL, expected="csv").path.read_bytes() == BODY
    assert [one.status for one in upstream.asked(URL)] == [200, 200]


@pytest.mark.parametrize("etag", [None, ""], ids=["etag", "day only"])
def test_a_cut_download_goes_on_where_it_stopped(
    upstream: Upstream, cache: Path, etag: str | None
) -> None:
    upstream.put(URL, BODY, etag=etag)
    upstream.plan(URL, Fault(cut=100_000))
    with fetcher(upstream, cache) as fetch:
        assert fetch(URL, expected="csv").path.read_bytes() == BODY
    assert [one.status for one in upstream.asked(URL)] == [200, 206]
    assert upstream.asked(URL)[1].headers["Range"] == "bytes=100000-"


def test_a_download_that_was_interrupted_goes_on_another_day(
    upstream: Upstream, cache: Path
) -> None:
    def interrupted(name: str, done: int, total: int | None) -> None:
        assert (name, total) == ("commune.csv", len(BODY))
        if done > 65_536:
            raise KeyboardInterrupt

    with (
        Fetcher(cache, transport=upstream.transport(), progress=interrupted) as fetch,
        pytest.raises(KeyboardInterrupt),
    ):
        fetch(URL, expected="csv")
    with fetcher(upstream, cache) as fetch:
        assert fetch.kept(URL) is None
        assert fetch(URL, expected="csv").path.read_bytes() == BODY
    assert [one.status for one in upstream.asked(URL)] == [200, 206]


def test_a_cut_download_starts_again_when_the_file_has_changed(
    upstream: Upstream, cache: Path
) -> None:
    upstream.plan(URL, *[Fault(cut=50_000)] * 3)
    with fetcher(upstream, cache) as fetch, pytest.raises(SourceError, match="after 3 tries"):
        fetch(URL, expected="csv")
    other = BODY.replace(b"46000;", b"46999;")
    upstream.put(URL, other)
    with fetcher(upstream, cache) as fetch:
        assert fetch(URL, expected="csv").path.read_bytes() == other
    assert upstream.asked(URL)[-1].headers["Range"] == "bytes=150000-"
    assert upstream.asked(URL)[-1].status == 200


def test_a_server_that_knows_no_ranges_sends_the_whole_again(
    upstream: Upstream, cache: Path
) -> None:
    upstream.plan(URL, Fault(cut=1000), Fault(no_range=True))
    with fetcher(upstream, cache) as fetch:
        assert fetch(URL, expected="csv").path.read_bytes() == BODY


def test_a_version_that_nothing_names_is_not_gone_on_with(upstream: Upstream, cache: Path) -> None:
    upstream.put(URL, BODY, etag='W/"weak"', last_modified="")
    upstream.plan(URL, Fault(cut=1000))
    with fetcher(upstream, cache) as fetch:
        assert fetch(URL, expected="csv").path.read_bytes() == BODY
    assert [one.status for one in upstream.asked(URL)] == [200, 200]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(upstream: Upstream, cache: Path, status: int) -> None:
    upstream.plan(URL, Fault(status=status), Fault(status=status))
    with fetcher(upstream, cache) as fetch:
        assert fetch(URL, expected="csv").bytes == len(BODY)
    assert [one.status for one in upstream.asked(URL)] == [status, status, 200]


def test_a_server_that_stays_busy_is_given_up(upstream: Upstream, cache: Path) -> None:
    upstream.plan(URL, *[Fault(status=503)] * 5)
    with (
        fetcher(upstream, cache) as fetch,
        pytest.raises(SourceError, match=f"{URL} answered 503 .*, after 3 tries"),
    ):
        fetch(URL, expected="csv")
    assert len(upstream.asked(URL)) == 3


@pytest.mark.parametrize("is_date", [False, True])
def test_a_pause_that_the_server_names_is_kept_or_refused(
    upstream: Upstream, cache: Path, is_date: bool
) -> None:
    def named(seconds: int) -> dict[str, str]:
        until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
        return {"Retry-After": email.utils.format_datetime(until, usegmt=True) if is_date
                else str(seconds)}  # fmt: skip

    upstream.plan(URL, Fault(status=429, headers=named(1)))
    with fetcher(upstream, cache) as fetch:
        fetch(URL, expected="csv")
    upstream.plan(URL, Fault(status=429, headers=named(3600)))
    with (
        fetcher(upstream, cache) as fetch,
        pytest.raises(SourceError, match=r"asks to wait 3[56]\d\d s; of the 20 s that all"),
    ):
        fetch(URL, expected="csv")


def test_silence_is_not_waited_for(upstream: Upstream, cache: Path) -> None:
    upstream.plan(URL, *[Fault(after_s=5)] * 2)
    limits = Limits(total_s=20, idle_s=0.1, tries=2, backoff_s=0.01)
    with (
        fetcher(upstream, cache, limits) as fetch,
        pytest.raises(SourceError, match="no sign of life in time"),
    ):
        fetch(URL, expected="csv")


def test_all_downloads_together_have_a_bound(upstream: Upstream, cache: Path) -> None:
    upstream.plan(URL, *[Fault(status=500)] * 100)
    limits = Limits(total_s=0.2, tries=100, backoff_s=0.05, backoff_max_s=0.05)
    with fetcher(upstream, cache, limits) as fetch:
        with pytest.raises(SourceError, match=r"answered 500 .*; of the 0\.2 s that all"):
            fetch(URL, expected="csv")
        time.sleep(0.1)
        with pytest.raises(SourceError, match=r"was not there within the 0\.2 s"):
            fetch(f"{URL}?again", expected="csv")


def test_what_was_kept_stays_and_is_offered_when_a_download_fails(
    upstream: Upstream, cache: Path
) -> None:
    with fetcher(upstream, cache) as fetch:
        kept = fetch(URL, expected="csv")
    upstream.gone(URL)
    with (
        fetcher(upstream, cache) as fetch,
        pytest.raises(SourceError, match=rf"is not there \(404 .*{kept.day} is kept: an offline"),
    ):
        fetch(URL, expected="csv")
    with Fetcher(cache, transport=upstream.transport(), is_offline=True) as fetch:
        assert fetch(URL, expected="csv").path.read_bytes() == BODY
        # So that an older edition that is kept is read where a newer one was never there.
        with pytest.raises(AbsentFileError, match="nothing is downloaded offline"):
            fetch(f"{URL}?other", expected="csv")


def test_addresses_lead_on(upstream: Upstream, cache: Path) -> None:
    old = "https://old.example/commune.csv"
    upstream.plan(old, Fault(status=302, headers={"Location": URL}))
    with fetcher(upstream, cache) as fetch:
        fetched = fetch(old, expected="csv")
    assert (fetched.url, fetched.final_url) == (old, URL)


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("file:///etc/passwd", "leads to 'file:///etc/passwd'"),
        ("http://data.example/commune.csv", "only addresses of https"),
        ("/last/commune.csv", "leads on more than 5 times"),
    ],
)
def test_not_wherever(upstream: Upstream, cache: Path, location: str, told: str) -> None:
    upstream.plan(URL, *[Fault(status=302, headers={"Location": location})] * 9)
    with fetcher(upstream, cache) as fetch, pytest.raises(SourceError, match=told):
        fetch(URL, expected="csv")
    assert not list(cache.glob("*.part"))


def _zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.csv", "a;b")
    return content.getvalue()


@pytest.mark.parametrize(
    ("expected", "fault", "told"),
    [
        ("csv", Fault(instead=HTML_PAGE, content_type="text/html"), "answered with text/html"),
        ("csv", Fault(instead=HTML_PAGE), "is a page of HTML"),
        ("csv", Fault(instead=b""), "is an empty file"),
        ("csv", Fault(instead=b"<?xml?>"), "is no text table"),
        ("csv", Fault(content_type="application/json"), "answered with application/json"),
        ("json", Fault(instead=b'[{"a": 1}, {"a"', content_type="application/json"), "no whole"),
        ("zip", Fault(instead=b"a;b", content_type="application/zip"), "does not start as a file"),
        ("zip", Fault(instead=_zip()[:-9], content_type="application/zip"), "without its end"),
        ("gzip", Fault(instead=b"a;b", content_type="application/gzip"), "does not start as"),
        ("parquet", Fault(instead=b"PAR1..", content_type="application/octet-stream"), "its end"),
    ],
)
def test_another_file_than_was_expected_is_refused(
    upstream: Upstream, cache: Path, expected: str, fault: Fault, told: str
) -> None:
    upstream.plan(URL, fault)
    with fetcher(upstream, cache) as fetch, pytest.raises(SourceError, match=told) as caught:
        fetch(URL, expected=expected)
    assert str(caught.value).startswith(URL)
    assert {path.suffix for path in cache.iterdir()} == {".lock"}


def test_a_file_that_is_too_large_is_refused(upstream: Upstream, cache: Path) -> None:
    limits = Limits(max_bytes=1000)
    with (
        fetcher(upstream, cache, limits) as fetch,
        pytest.raises(SourceError, match=f"has {len(BODY):,} bytes; no more than 1,000"),
    ):
        fetch(URL, expected="csv")


def test_what_is_packed_for_the_way_is_unpacked_and_a_gz_file_is_not(
    upstream: Upstream, cache: Path
) -> None:
    packed = gzip.compress(BODY)
    encoding = {"Content-Encoding": "gzip"}
    upstream.put(URL, packed, content_type="text/csv")
    upstream.put(f"{URL}.gz", packed, content_type="application/octet-stream")
    upstream.plan(URL, Fault(headers=encoding))
    upstream.plan(f"{URL}.gz", Fault(headers=encoding, cut=5000), Fault(headers=encoding))
    with fetcher(upstream, cache) as fetch:
        assert fetch(URL, expected="csv").path.read_bytes() == BODY
        assert fetch(f"{URL}.gz", expected="gzip").path.read_bytes() == packed


def test_no_host_gets_more_than_two_requests_at_a_time(upstream: Upstream, cache: Path) -> None:
    urls = [f"https://data.example/file{n}.csv" for n in range(6)]
    other = "https://other.example/file.csv"
    for url in [*urls, other]:
        upstream.put(url, BODY)
        upstream.plan(url, Fault(after_s=0.05))
    told: list[tuple[str, int, int | None]] = []
    with (
        Fetcher(
            cache,
            transport=upstream.transport(),
            limits=QUICK,
            progress=lambda name, done, total: told.append((name, done, total)),
        ) as fetch,
        concurrent.futures.ThreadPoolExecutor(8) as pool,
    ):
        # The first address is asked for twice, and brought once.
        jobs = [pool.submit(fetch, url, expected="csv") for url in [*urls, urls[0], other]]
        assert all(job.result().bytes == len(BODY) for job in jobs)
    assert upstream.busiest["data.example"] == 2
    assert len(upstream.asked(urls[0])) == 1
    assert told.count(("file3.csv", len(BODY), len(BODY))) >= 1


def test_a_newer_file_is_seen_without_a_download(upstream: Upstream, cache: Path) -> None:
    with fetcher(upstream, cache) as fetch:
        fetched = fetch(URL, expected="csv")
        assert fetch.is_newer_upstream(fetched) is False
        upstream.put(URL, BODY + b"1;1\r\n")
        assert fetch.is_newer_upstream(fetched) is True
        upstream.plan(URL, Fault(status=405))  # some servers know no HEAD
        assert fetch.is_newer_upstream(fetched) is True
        upstream.put(URL, BODY, etag="", last_modified="")
        assert fetch.is_newer_upstream(fetched) is None
        upstream.gone(URL)
        with pytest.raises(SourceError, match="is not there"):
            fetch.is_newer_upstream(fetched)
    assert {one.method for one in upstream.asked(URL)[1:]} == {"HEAD", "GET"}


def test_an_address_that_is_none(cache: Path) -> None:
    with Fetcher(cache) as fetch, pytest.raises(SourceError, match="'ftp://x/y' was asked for"):
        fetch("ftp://x/y", expected="csv")


def test_two_processes_do_not_write_the_same_file(upstream: Upstream, cache: Path) -> None:
    from geo_matcher.sources.kept_files import Place

    with (
        Place(cache, URL).alone(),
        fetcher(upstream, cache) as fetch,
        pytest.raises(SourceError, match="by another process"),
    ):
        fetch(URL, expected="csv")
