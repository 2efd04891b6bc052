"""An invented village and a server that speaks Overpass about it, one planned answer after another.

Nothing here was copied from OpenStreetMap: the village does not exist.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import osmium
import shapely

NODES: dict[int, tuple[float, float]] = {
    101: (0.5600, 43.6500),
    102: (0.5700, 43.6502),
    103: (0.5800, 43.6500),  # the crossroads
    104: (0.5900, 43.6497),
    105: (0.6000, 43.6500),
    106: (0.5800, 43.6550),
    107: (0.5803, 43.6600),
    108: (0.5850, 43.6450),
    109: (0.5700, 43.6600),
    110: (0.5650, 43.6400),
    111: (0.5950, 43.6600),  # a yard behind a gate
    112: (0.5400, 43.6900),  # a lane of its own, joined to nothing
    113: (0.5420, 43.6910),
    114: (0.7500, 43.6500),  # beyond the area
    115: (0.5850, 43.6620),
    116: (0.5550, 43.6480),
    117: (0.6050, 43.6550),  # a yard that no vehicle may enter
}
"""Longitude and latitude of each point."""

WAYS: dict[int, tuple[list[int], dict[str, str]]] = {
    1: ([101, 102, 103, 104, 105], {"highway": "primary", "ref": "D 999", "maxspeed": "80"}),
    2: ([103, 106, 107], {"highway": "residential", "name": "Rue du Foirail"}),
    3: ([104, 108, 102], {"highway": "unclassified", "oneway": "yes", "name": "Le Détour"}),
    4: ([107, 109, 101], {"highway": "tertiary", "surface": "gravel"}),
    5: ([110, 102], {"highway": "unclassified"}),
    6: ([104, 111], {"highway": "unclassified", "access": "private"}),
    7: ([106, 109], {"highway": "track"}),
    8: ([112, 113], {"highway": "unclassified"}),
    9: ([105, 114], {"highway": "primary", "ref": "D 999"}),
    10: ([107, 115], {"highway": "unclassified"}),
    11: ([101, 116], {"highway": "unclassified", "access": "no", "motor_vehicle": "yes"}),
    12: ([105, 117], {"highway": "unclassified", "vehicle": "private"}),
}
"""Points and tags of each way."""

AREA = shapely.box(0.53, 43.63, 0.62, 43.70)
STAMP = "2026-06-01T00:00:00Z"
JSON = {"Content-Type": "application/json"}


def village(ways: Sequence[int] = tuple(WAYS)) -> dict[str, Any]:
    """Return the village as Overpass writes it."""
    elements: list[dict[str, Any]] = [
        {"type": "way", "id": number, "nodes": WAYS[number][0], "tags": WAYS[number][1]}
        for number in ways
    ]
    used = sorted({point for number in ways for point in WAYS[number][0]})
    elements += [{"type": "node", "id": n, "lat": NODES[n][1], "lon": NODES[n][0]} for n in used]
    return {
        "version": 0.6,
        "generator": "invented for a test",
        "osm3s": {"timestamp_osm_base": STAMP, "copyright": "invented"},
        "elements": elements,
    }


def write_pbf(path: Path) -> Path:
    """Write the village as an extract of OpenStreetMap."""
    header = osmium.io.Header()
    header.set("osmosis_replication_timestamp", STAMP)
    with osmium.SimpleWriter(str(path), header=header) as out:
        for number, (lon, lat) in NODES.items():
            out.add_node(osmium.osm.mutable.Node(id=number, location=(lon, lat), version=1))
        for number, (points, tags) in WAYS.items():
            out.add_way(osmium.osm.mutable.Way(id=number, nodes=points, tags=tags, version=1))
    return path


@dataclass(frozen=True)
class Reply:
    """What the server answers once.

    ``cut`` announces more than it sends; ``after_s`` keeps silent first.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    after_s: float = 0.0


GOOD = Reply(body=json.dumps(village()).encode(), headers=JSON)
FREE = b"Connected as: 1\nCurrent time: now\nRate limit: 2\n\n2 slots available now.\n"


@dataclass
class Overheard:
    """What the server was asked."""

    url: str
    posts: list[str] = field(default_factory=list)
    agents: list[str] = field(default_factory=list)
    statuses: int = 0


@contextmanager
def overpass_server(*replies: Reply, status: bytes = FREE) -> Iterator[Overheard]:
    """Serve the replies one after the other, the last again and again."""
    waiting = list(replies)
    gone = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.statuses += 1
            self._send(Reply(body=status, headers={"Content-Type": "text/plain"}))

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            heard.posts.append(self.rfile.read(length).decode())
            heard.agents.append(self.headers.get("User-Agent", ""))
            self._send(waiting.pop(0) if len(waiting) > 1 else waiting[0])

        def _send(self, reply: Reply) -> None:
            gone.wait(reply.after_s)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body[: len(reply.body) // 2] if reply.cut else reply.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    heard = Overheard(f"http://127.0.0.1:{server.server_port}/api")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield heard
    finally:
        gone.set()
        server.shutdown()
        thread.join()
        server.server_close()
