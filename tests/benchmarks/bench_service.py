"""The service: start, memory, and ``POST /matches`` against an endpoint that returns the bytes.

The peer is a FastAPI application whose only route reads the same request and returns the same
answer, ready made: what remains of the ratio is what ranking costs.
"""

from __future__ import annotations

import gzip
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import psutil

from geo_matcher.presets import PRESETS
from tests.benchmarks.measure import Row

REQUEST = json.dumps(
    {"profile": PRESETS["paris-web-family"].profile.as_dict(), "scope": "partners", "top": 20}
).encode()
JSON_HEADERS = {"Content-Type": "application/json"}
READY_WITHIN_S = 30
TRIVIAL = """
import sys, uvicorn
from pathlib import Path
from types import MappingProxyType
from fastapi import FastAPI, Request
from starlette.responses import Response
answer = Path(sys.argv[1]).read_bytes()
app = FastAPI()
@app.post("/api/v1/matches")
async def same(request: Request) -> Response:
    await request.json()
    return Response(answer, media_type="application/json")
@app.get("/readyz")
async def ready() -> Response:
    return Response()
uvicorn.run(app, port=int(sys.argv[2]), log_level="error", access_log=False)
"""


def free_port() -> int:
    """Return a port that nothing listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(command: list[str], port: int) -> Iterator[tuple[int, float]]:
    """Run a server until the block ends; give its process id and the seconds until it was ready."""
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            while True:
                try:
                    status, _ = request(port, "GET", "/readyz")
                    if status == 200:
                        break
                except OSError:
                    if process.poll() is not None or time.perf_counter() - start > READY_WITHIN_S:
                        raise
                time.sleep(0.02)
            yield process.pid, time.perf_counter() - start
        finally:
            process.terminate()
            process.wait(15)


def request(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, bytes]:
    """Send one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def latencies(port: int, count: int) -> list[float]:
    """Post the request ``count`` times on one connection; return seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    found = []
    for _ in range(count):
        start = time.perf_counter()
        connection.request("POST", "/api/v1/matches", REQUEST, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        found.append(time.perf_counter() - start)
        if answer.status != 200:
            raise RuntimeError(f"status {answer.status}")
    connection.close()
    return found


def throughput(port: int, clients: int = 4, each: int = 150) -> float:
    """Return requests per second of several clients at once."""
    threads = [threading.Thread(target=latencies, args=(port, each)) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return clients * each / (time.perf_counter() - start)


def first_page_kb(port: int) -> float:
    """Return what the first page transfers, compressed, with everything it loads, in kB."""
    total = 0
    paths = ["/"]
    root = Path(__file__).parents[2] / "api" / "static"
    paths += [f"/static/{file.relative_to(root)}" for file in root.rglob("*") if file.is_file()]
    paths += [f"/vendor/leaflet/leaflet.{kind}" for kind in ("js", "css")]
    paths.append("/api/v1/communes?f=geojson&scope=all&limit=1000")
    for path in paths:
        status, body = request(port, "GET", path, headers={"Accept-Encoding": "gzip"})
        if status == 200:
            total += len(body)
    return total / 1000


def run() -> list[Row]:
    """Measure the running service and its peer one after the other."""
    port, other = free_port(), free_port()
    own_command = [sys.executable, "-m", "geo_matcher", "serve", "--port", str(port)]
    with serving(own_command, port) as (pid, ready_s):
        latencies(port, 50)
        own = statistics.median(latencies(port, 400))
        rate = throughput(port)
        page_kb = first_page_kb(port)
        request(port, "GET", "/maps/match?preset=paris-web-family&scope=all")
        rss = psutil.Process(pid).memory_info().rss / 1e6
        answer = request(port, "POST", "/api/v1/matches", REQUEST, JSON_HEADERS)[1]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "answer.json").write_bytes(answer)
        script = Path(folder) / "trivial.py"
        script.write_text(TRIVIAL, encoding="utf-8")
        command = [sys.executable, str(script), str(script.with_name("answer.json")), str(other)]
        with serving(command, other) as (_, trivial_ready_s):
            latencies(other, 50)
            trivial = statistics.median(latencies(other, 400))
            trivial_rate = throughput(other)
    peer = "trivial endpoint, same bytes"
    size = f"{len(answer) / 1000:.0f} kB, {len(gzip.compress(answer, 4)) / 1000:.0f} kB gzipped"
    return [
        Row("service ready", ready_s, "s", 3.0, "trivial FastAPI application", trivial_ready_s),
        Row(f"POST /matches, top 20 ({size}), p50", own * 1e3, "ms", 5.0, peer, trivial * 1e3),
        Row(
            "POST /matches, 4 clients", rate, "/s", 200.0, peer, trivial_rate, larger_is_better=True
        ),
        Row("resident memory after a map", rss, "MB", 400.0),
        Row("first page, everything it loads", page_kb, "kB", 300.0),
    ]
