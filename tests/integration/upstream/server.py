"""A server on this machine that stands for every official host, with faults as they happen.

::

    with upstream_server() as upstream:
        upstream.put("https://data.arcep.fr/fixe/…/commune.csv", b"code_insee;…")
        upstream.plan("https://data.arcep.fr/fixe/…/commune.csv", Fault(status=429), Fault(cut=100))
        fetcher = Fetcher(cache, transport=upstream.transport())

Files are found by host, path and query, as they are written in the product; ``transport()`` leads
every address here. A file put without query answers whatever the query. Each planned fault is used
for one request, in order; what follows is answered well. ``heard`` holds every request.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

__all__ = ["HTML_PAGE", "Fault", "Heard", "Upstream", "upstream_server"]

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "geojson": "application/geo+json",
    "zip": "application/zip",
    "gz": "application/gzip",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
HTML_PAGE = b"<!DOCTYPE html>\n<html><body><h1>Maintenance en cours</h1></body></html>\n"


@dataclass(frozen=True)
class Fault:
    """How one request is answered badly.

    Attributes
    ----------
    status, headers, body
        Answer with these instead of the file, where ``status`` is given; a redirect is a status
        with a ``Location``.
    instead, content_type
        Send these bytes, or this content type, in the place of the file's, with status 200.
    cut
        Announce the whole file, send so many bytes of it and hang up.
    after_s
        Keep silent so long first.
    no_range
        Send the whole file though a part was asked for.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"refused"
    instead: bytes | None = None
    content_type: str = ""
    cut: int | None = None
    after_s: float = 0.0
    no_range: bool = False


@dataclass(frozen=True)
class Heard:
    """A request, and the status that it was answered with."""

    method: str
    url: str
    headers: Mapping[str, str]
    status: int


@dataclass(frozen=True)
class _File:
    body: bytes
    content_type: str
    etag: str
    last_modified: str


@dataclass
class Upstream:
    """What the server gives out, and what it was asked."""

    base: str
    files: dict[str, _File] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    heard: list[Heard] = field(default_factory=list)
    busiest: dict[str, int] = field(default_factory=dict)
    """Most requests that each host answered at the same time."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(
        self,
        url: str,
        body: bytes,
        *,
        content_type: str = "",
        etag: str | None = None,
        last_modified: str = "Wed, 01 Jul 2026 06:00:00 GMT",
    ) -> None:
        """Give out a file, or another version of it; its ETag follows from its bytes."""
        kind = urlsplit(url).path.rsplit(".", 1)[-1]
        self.files[_key(url)] = _File(
            body,
            content_type or CONTENT_TYPES.get(kind, "application/octet-stream"),
            f'"{hashlib.md5(body).hexdigest()}"' if etag is None else etag,
            last_modified,
        )

    def plan(self, url: str, *faults: Fault) -> None:
        """Answer the next requests for an address with these faults."""
        self.faults[_key(url)] = [*self.faults.get(_key(url), []), *faults]

    def gone(self, url: str) -> None:
        """Answer 404 from now on."""
        del self.files[_key(url)]

    def asked(self, url: str) -> list[Heard]:
        """Return the requests for an address, whatever their query if it has none."""
        key = _key(url)
        return [one for one in self.heard if key in (_key(one.url), _without_query(one.url))]

    def transport(self) -> httpx.BaseTransport:
        """Return a transport that leads every address to this server."""
        return _Rerouted(self.base)


class _Rerouted(httpx.BaseTransport):
    def __init__(self, base: str) -> None:
        self.base = httpx.URL(base)
        self.inner = httpx.HTTPTransport(verify=False)  # plain http: no certificates to load

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        # The header Host, set before, still names the official host.
        request.headers["X-Scheme"] = request.url.scheme
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.base.port)
        return self.inner.handle_request(request)

    def close(self) -> None:
        self.inner.close()


def _key(url: str) -> str:
    """Return host, path and sorted query: how a query is quoted or ordered says nothing."""
    parts = urlsplit(url)
    query = sorted(parse_qsl(parts.query, keep_blank_values=True))
    return f"{parts.netloc}{parts.path}" + (f"?{query}" if query else "")


def _without_query(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}"


@contextmanager
def upstream_server() -> Iterator[Upstream]:
    """Start a server without files."""
    gone = threading.Event()
    at_work: dict[str, int] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            host = self.headers.get("Host", "")
            with upstream.lock:
                at_work[host] = at_work.get(host, 0) + 1
                upstream.busiest[host] = max(upstream.busiest.get(host, 0), at_work[host])
            try:
                self._answer()
            finally:
                with upstream.lock:
                    at_work[host] -= 1

        def do_HEAD(self) -> None:
            self.do_GET()

        def _answer(self) -> None:
            scheme = self.headers.get("X-Scheme", "http")
            url = f"{scheme}://{self.headers.get('Host', '')}{self.path}"
            with upstream.lock:
                keys = [_key(url), _without_query(url)]
                planned = next((upstream.faults[key] for key in keys if key in upstream.faults), [])
                fault = planned.pop(0) if planned else Fault()
                file = next((upstream.files[key] for key in keys if key in upstream.files), None)
            gone.wait(fault.after_s)
            status, headers, body = self._content(file, fault)
            with upstream.lock:
                heard = Heard(self.command, url, dict(self.headers.items()), status)
                upstream.heard.append(heard)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            if fault.cut is not None:
                body = body[: fault.cut]
                self.close_connection = True
            self.end_headers()
            if self.command != "HEAD" and status != 304:
                self.wfile.write(body)

        def _content(self, file: _File | None, fault: Fault) -> tuple[int, dict[str, str], bytes]:
            if fault.status:
                headers = {"Content-Type": "text/plain", **fault.headers}
                return fault.status, headers, fault.body
            if file is None:
                return 404, {"Content-Type": "text/html"}, HTML_PAGE
            headers = {"Content-Type": fault.content_type or file.content_type}
            headers |= {"ETag": file.etag} if file.etag else {}
            headers |= {"Last-Modified": file.last_modified} if file.last_modified else {}
            headers["Accept-Ranges"] = "bytes"
            headers |= fault.headers
            if fault.instead is not None:
                return 200, {**headers, "ETag": '"instead"'}, fault.instead
            asked = self.headers
            is_known = (
                asked["If-None-Match"] == file.etag
                if asked["If-None-Match"]
                else bool(file.last_modified) and asked["If-Modified-Since"] == file.last_modified
            )
            if is_known:
                return 304, headers, b""
            start = (asked["Range"] or "").removeprefix("bytes=").split("-")[0]
            is_same = asked["If-Range"] in (None, file.etag, file.last_modified)
            if not start or not is_same or fault.no_range:
                return 200, headers, file.body
            if int(start) >= len(file.body):
                return 416, {"Content-Range": f"bytes */{len(file.body)}"}, b""
            last = len(file.body) - 1
            headers["Content-Range"] = f"bytes {start}-{last}/{len(file.body)}"
            return 206, headers, file.body[int(start) :]

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the test's output clean."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Keep the test's output clean: who downloads may hang up at any time."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    upstream = Upstream(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield upstream
    finally:
        gone.set()
        server.shutdown()
        thread.join()
        server.server_close()
