"""A real server on a free port, and the system's Chromium before it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import uvicorn

from api.app import create_app
from api.settings import Settings
from geo_matcher.territory import Territory
from tests.browser.pages import settled

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

START_TIMEOUT_S = 30
PATIENCE_MS = 30_000

# Each window would also load the browser's own pages for its address bar, which takes as long as a
# page of ours. Of several such options Chromium heeds the last: what Playwright leaves out, too,
# stands here.
LEFT_OUT = (
    "PreloadTopChromeWebUI", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "WebUIOmniboxPopup",
    "AimEnabled", "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay", "MediaRouter",
    "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)  # fmt: skip
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(LEFT_OUT)}",
)


class _Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@contextmanager
def serving(territory: Territory) -> Iterator[str]:
    """Run the service on a release; give its address."""
    app = create_app(Settings(release=territory.folder), territory)
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="none")
    server = _Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert server.listens.wait(START_TIMEOUT_S), "the service did not start"
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(START_TIMEOUT_S)


@pytest.fixture(scope="session")
def address(territory: Territory) -> Iterator[str]:
    """Return the address of a service that all tests share: they only ask."""
    with serving(territory) as address:
        yield address


@pytest.fixture(scope="session")
def chromium(chromium_path: str) -> Iterator[Browser]:
    """Return a Chromium without a window; each test opens a context of its own in it."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed.")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Visit:
    """A tab, what it asked for and what it complained of.

    ``chosen_hosts`` are those that a person asked for; any other but ours is a fault.
    """

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    chosen_hosts: set[str] = field(default_factory=set)

    def open(self, query: str = "") -> Page:
        """Go to a page and wait until all of it is there."""
        self.page.goto(f"{self.address}/{query}")
        settled(self.page)
        return self.page

    @property
    def hosts(self) -> set[str | None]:
        """Machines that were asked for something."""
        return {urlsplit(url).hostname for url in self.requests if not url.startswith("data:")}

    def check(self) -> None:
        """Fail if anything was asked of a machine that nobody chose, or went wrong."""
        assert self.hosts == {"127.0.0.1"} | self.chosen_hosts
        assert self.complaints == []


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator[Callable[..., Visit]]:
    """Return a function that opens a tab in a context of its own; each is checked at the end."""
    visits: list[Visit] = []

    def start(width: int = 1280, height: int = 900, **options: Any) -> Visit:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, reduced_motion="reduce", **options
        )
        context.set_default_timeout(PATIENCE_MS)
        visit = Visit(context.new_page(), address)
        context.on("request", lambda request: visit.requests.append(request.url))
        visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        visit.page.on(
            "console",
            lambda message: (
                visit.complaints.append(message.text)
                if message.type in {"error", "warning"}
                else None
            ),
        )
        visits.append(visit)
        return visit

    yield start
    for one in visits:
        one.page.context.close()
        one.check()
