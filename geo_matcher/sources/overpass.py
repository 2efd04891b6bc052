"""The Overpass service, asked through osmnx.

Hides what makes a download of roads end, well or badly, in a bounded time: osmnx keeps its settings
for the whole process, repeats a refused request for ever and takes any answer for a good one. Here
its settings hold for one download only, every answer passes a guard before osmnx sees it, and what
goes wrong is told in a sentence that names the service. It sleeps where nobody can wake it: it is
asked in a thread of its own, which whoever waits for it can leave behind.
"""

from __future__ import annotations

import io
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import geopandas as gpd
import requests
import shapely

from geo_matcher import __version__
from geo_matcher.errors import DataError, SourceError

__all__ = ["OVERPASS_URL", "Overpass", "useful_tags"]

OVERPASS_URL = "https://overpass-api.de/api"
"""Service asked by default."""

PROJECT = f"geo_matcher/{__version__} (builds travel times for a French departement)"
"""What the service is told of who asks (headers are plain ASCII)."""

WAIT_CODES = (429, 502, 503, 504)
PIECE_BYTES = 1 << 16
UNKNOWN_PAUSE_S = 60.0
"""What osmnx waits when it cannot read how long to wait, in seconds."""

TAGS = (
    "access", "area", "highway", "junction", "maxspeed", "motor_vehicle", "motorcar", "name",
    "oneway", "ref", "source:maxspeed", "surface", "vehicle", "zone:maxspeed",
)  # fmt: skip
"""Tags of a road that are kept."""

Result = TypeVar("Result")

NOTHING_FOUND = ("No data elements", "no graph nodes", "No matching features")
"""How osmnx says that an answer holds nothing."""

WAKE_S = 0.1
"""How often who waits for a download looks whether it is still wanted, in seconds."""

_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Subject:
    """What is asked for, in the words of messages."""

    thing: str
    things: str
    service: str
    advice: str


ROADS = _Subject(
    "road",
    "roads",
    "The road service",
    "name another service with --overpass-url, or give a file with --roads FILE.osm.pbf",
)
PLACES = _Subject(
    "place", "places", "The map service", "or name another service with --overpass-url"
)


@dataclass(frozen=True, slots=True)
class Overpass:
    """How to ask an Overpass service.

    Attributes
    ----------
    url
        Address of the service, without ``/interpreter``.
    total_s
        Seconds that a whole download may take, waiting included.
    request_s
        Seconds without a sign of life after which a request is given up.
    tries
        How often a request is sent before its refusal counts.
    backoff_s
        Seconds to wait after a first refusal when the service names none; doubled each time.
    max_bytes
        Size of an answer at most.
    """

    url: str = OVERPASS_URL
    total_s: float = 3600.0
    request_s: float = 180.0
    tries: int = 5
    backoff_s: float = 10.0
    max_bytes: int = 1_000_000_000
    _stopped: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)

    def stop(self) -> None:
        """Let who waits for a download of this service go on at once, with an error.

        For another thread than the one that waits, when the program is interrupted. This value
        gives nothing more afterwards.
        """
        self._stopped.set()

    def graph(self, polygon: shapely.Polygon | shapely.MultiPolygon, way_filter: str) -> Any:
        """Download the drivable roads inside a polygon.

        Parameters
        ----------
        polygon
            The area, EPSG:4326.
        way_filter
            Conditions on the ways, in Overpass's language.

        Returns
        -------
        networkx.MultiDiGraph
            Every point of every road, not simplified, and ``timestamp``: the state of the map.

        Raises
        ------
        SourceError
            If the service cannot be reached, refuses, or answers with anything but roads.
        DataError
            If there is no road in the polygon.
        """
        import osmnx

        guard = _Guard(self, ROADS)
        graph = self._aside(
            guard,
            lambda: osmnx.graph_from_polygon(
                polygon,
                network_type="drive",
                simplify=False,
                retain_all=True,
                custom_filter=way_filter,
            ),
        )
        graph.graph["timestamp"] = guard.timestamp
        return graph

    def features(
        self, polygon: shapely.Polygon | shapely.MultiPolygon, tags: Mapping[str, list[str]]
    ) -> tuple[gpd.GeoDataFrame, str]:
        """Download what bears one of some tags inside a polygon.

        Parameters
        ----------
        polygon
            The area, EPSG:4326.
        tags
            Values that each tag may have.

        Returns
        -------
        tuple
            One row per thing, with its tags and geometry in EPSG:4326, empty if there is none; and
            the state of the map.

        Raises
        ------
        SourceError
            If the service cannot be reached, refuses, or answers with anything but places.
        """
        import osmnx

        guard = _Guard(self, PLACES)
        try:
            found = self._aside(guard, lambda: osmnx.features_from_polygon(polygon, dict(tags)))
        except DataError:  # no such thing there, which is no fault
            found = gpd.GeoDataFrame({"name": []}, geometry=[], crs="EPSG:4326")
        return found, guard.timestamp

    def _aside(self, guard: _Guard, ask: Callable[[], Result]) -> Result:
        """Ask in a thread of its own, which ends behind us when nobody waits for it any more."""
        answers: list[Result] = []
        errors: list[BaseException] = []

        def talk() -> None:
            try:
                with self._talk(guard):
                    answers.append(ask())
            except BaseException as error:  # it is raised where the answer was waited for
                errors.append(error)

        thread = threading.Thread(target=talk, name="overpass", daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(WAKE_S)
                if self._stopped.is_set():
                    raise SourceError(guard.told("was not waited for any longer"))
        finally:
            guard.is_left.set()
        if errors:
            raise errors[0]
        return answers[0]

    @contextmanager
    def _talk(self, guard: _Guard) -> Iterator[None]:
        """Let a block ask through osmnx, and tell in a sentence what goes wrong."""
        things = guard.subject.things
        with _ONE_AT_A_TIME, _settings(self, guard):
            try:
                # osmnx would wait a minute for a service that is not there.
                requests.get(
                    f"{self.url.rstrip('/')}/status",
                    headers={"User-Agent": PROJECT},
                    timeout=self.request_s,
                    hooks={"response": guard},
                ).close()
                yield
            except requests.Timeout:
                raise SourceError(
                    guard.told(f"gave no sign of life for {self.request_s:g} s")
                ) from None
            except requests.RequestException as error:
                raise SourceError(guard.told(f"cannot be reached ({_cause(error)})")) from None
            except ValueError as error:
                if any(words in str(error) for words in NOTHING_FOUND):
                    raise DataError(
                        f"{self.url} knows no {guard.subject.thing} in the area that was asked "
                        "for. Check the positions of the communes of the release."
                    ) from None
                raise SourceError(
                    guard.told(f"answered with something that is no JSON of {things}")
                ) from None
            except (KeyError, TypeError, AttributeError):
                raise SourceError(
                    guard.told(f"answered with JSON that holds no {things}")
                ) from None


@contextmanager
def useful_tags() -> Iterator[None]:
    """Let osmnx keep the tags that the speed table reads, for the time of a block."""
    from osmnx import settings

    with _changed(settings, {"useful_tags_way": list(TAGS)}):
        yield


@contextmanager
def _changed(settings: Any, wanted: dict[str, Any]) -> Iterator[None]:
    before = {name: getattr(settings, name) for name in wanted}
    try:
        for name, value in wanted.items():
            setattr(settings, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(settings, name, value)


@contextmanager
def _settings(options: Overpass, guard: _Guard) -> Iterator[None]:
    from osmnx import settings

    wanted = {
        "overpass_url": options.url,
        "overpass_rate_limit": True,
        "requests_timeout": options.request_s,
        "requests_kwargs": {"hooks": {"response": guard}},
        "overpass_settings": "[out:json][timeout:180]{maxsize}",
        "use_cache": False,
        "cache_only_mode": False,
        "doh_url_template": None,
        "http_user_agent": PROJECT,
        "http_referer": PROJECT,
        "log_console": False,
        "log_file": False,
    }
    find_address = socket.getaddrinfo  # osmnx replaces it, to keep to one server of several
    try:
        with useful_tags(), _changed(settings, wanted):
            yield
    finally:
        socket.getaddrinfo = find_address


class _Guard:
    """Sees every answer before osmnx does: waits and asks again, or refuses in a sentence."""

    def __init__(self, options: Overpass, subject: _Subject) -> None:
        self.options = options
        self.subject = subject
        self.deadline = time.monotonic() + options.total_s
        self.timestamp = ""
        self.is_left = threading.Event()
        """Set once nobody waits for the answer."""

    def __call__(self, response: requests.Response, **sending: Any) -> requests.Response:
        """Return an answer that is whole and not a refusal."""
        if urlsplit(response.url).path.endswith("/status"):
            return self._slots(response)
        problem = ""
        for attempt in range(1, self.options.tries + 1):
            if attempt > 1:
                self._wait(self._pause_s(response, attempt), problem)
                response = response.connection.send(response.request, **sending)
            try:
                if response.status_code in WAIT_CODES:
                    problem = f"refused with status {response.status_code} ({response.reason})"
                    continue
                body = self._read(response)
            except (requests.exceptions.ChunkedEncodingError, requests.ConnectionError):
                problem = "broke its answer off"
                continue
            finally:
                response.close()
            self._check(response, body)
            return _with_body(response, body)
        raise SourceError(self.told(f"{problem}, {self.options.tries} times"))

    def told(self, what: str) -> str:
        """Return what went wrong as a sentence that names the service and what to do."""
        return (
            f"{self.subject.service} {self.options.url} {what}. The release is as it was: try "
            f"again later, {self.subject.advice}."
        )

    def _slots(self, response: requests.Response) -> requests.Response:
        """Let osmnx read when it is its turn, unless that is too late."""
        body = self._read(response)
        text = body.decode("utf-8", "replace")
        named = [float(seconds) for seconds in re.findall(r"in (\d+) seconds", text)]
        if re.search(r"^\d+ slots? available now", text, re.MULTILINE):
            pause_s = 0.0
        else:
            pause_s = min(named) if named else UNKNOWN_PAUSE_S
        self._check_time(pause_s, f"asks to wait {pause_s:.0f} s")
        return _with_body(response, body)

    def _pause_s(self, response: requests.Response, attempt: int) -> float:
        named = response.headers.get("Retry-After", "")
        if re.fullmatch(r"\d{1,6}", named):
            return float(named)
        return float(self.options.backoff_s * 2.0 ** (attempt - 2))

    def _wait(self, seconds: float, problem: str) -> None:
        self._check_time(seconds, problem)
        self.is_left.wait(seconds)
        self._check_time(0.0, problem)

    def _check_time(self, seconds: float, problem: str) -> None:
        if self.is_left.is_set():
            raise SourceError(self.told("was left alone"))
        if time.monotonic() + seconds > self.deadline:
            raise SourceError(
                self.told(
                    f"{problem}; that is more than is left of the {self.options.total_s:g} s "
                    "that a download may take"
                )
            )

    def _read(self, response: requests.Response) -> bytes:
        """Read an answer within the time and size that it may take."""
        body = io.BytesIO()
        for piece in response.iter_content(PIECE_BYTES):
            body.write(piece)
            self._check_time(0.0, "is slow")
            if body.tell() > self.options.max_bytes:
                raise SourceError(
                    self.told(f"sent more than {self.options.max_bytes / 1e6:,.0f} MB")
                )
        return body.getvalue()

    def _check(self, response: requests.Response, body: bytes) -> None:
        if not response.ok:
            raise SourceError(
                self.told(
                    f"refused with status {response.status_code} ({response.reason}): {_said(body)}"
                )
            )
        if not body.lstrip().startswith(b"{"):
            raise SourceError(self.told(f"answered with a page in place of JSON: {_said(body)}"))
        if b'"elements"' not in body:
            raise SourceError(self.told(f"answered with JSON that holds no {self.subject.things}"))
        if remark := re.search(rb'"remark"\s*:\s*"(.{1,200}?)"\s*[,}]', body[-2000:], re.DOTALL):
            raise SourceError(self.told(f"could not finish: {_said(remark[1])}"))
        if stamp := re.search(rb'"timestamp_osm_base"\s*:\s*"([\d:TZ-]{10,20})"', body[:2000]):
            self.timestamp = stamp[1].decode()


def _with_body(response: requests.Response, body: bytes) -> requests.Response:
    """Return the same answer with a body that has been read already."""
    copy = requests.Response()
    for name in ("status_code", "reason", "url", "headers", "request", "encoding", "elapsed"):
        setattr(copy, name, getattr(response, name))
    copy.raw = io.BytesIO(body)
    response.close()
    return copy


def _said(body: bytes) -> str:
    """Return the first words of an answer, without markup."""
    text = re.sub(r"<(style|script).*?</\1>|<[^>]*>", " ", body.decode("utf-8", "replace"),
                  flags=re.DOTALL | re.IGNORECASE)  # fmt: skip
    return " ".join(text.split())[:120] or "nothing"


def _cause(error: BaseException) -> str:
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return getattr(error, "strerror", None) or type(error).__name__
