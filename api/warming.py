"""The first pages of a release, asked for before it goes into service.

Hides that they are asked for as anybody would, so that whatever they are made of is kept by then.
What is long to make and seldom asked for (a plan, the map of a search) is left to who asks.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any

from fastapi import FastAPI
from starlette.types import Message, Scope

from api.in_service import SCOPE_KEY, Serving
from api.sheets import commune_path

__all__ = ["warm"]

PATIENCE_S = 30.0
"""Longest time that the first pages may take together, in s."""

HOST = (b"host", b"127.0.0.1")

logger = logging.getLogger(__name__)


def warm(app: FastAPI, loop: asyncio.AbstractEventLoop | None, serving: Serving) -> None:
    """Ask for the first pages of a release that is to go into service; called from a thread.

    A page that fails is told in the log: it would fail for people, too, as it does from a release
    that is read at the start.

    Parameters
    ----------
    app
        The service.
    loop
        Where it runs; nothing is asked where it does not run.
    serving
        The release.
    """
    if loop is None or not loop.is_running():
        return
    first = serving.territory.facts[0]
    village = commune_path(first["insee_code"], first["name"])
    pages = (("/", ""), ("/", "lang=en"), ("/table", ""), (village, ""))
    asked = asyncio.run_coroutine_threadsafe(_ask(app, serving, pages), loop)
    try:
        refused = asked.result(PATIENCE_S)
    except CancelledError:  # the service stops
        return
    except Exception as error:
        asked.cancel()
        logger.warning("First pages of the new release: %s", type(error).__name__)
        return
    if refused:
        logger.warning("First pages of the new release: %s", ", ".join(refused))


async def _ask(app: FastAPI, serving: Serving, pages: tuple[tuple[str, str], ...]) -> list[str]:
    """Ask for pages one after the other, and return those that are not well, with their status."""
    found: list[str] = []
    for path, query in pages:
        statuses: list[int] = []

        async def send(message: Message, into: list[int] = statuses) -> None:
            if message["type"] == "http.response.start":
                into.append(message["status"])

        with suppress(Exception):  # it was answered, by a 500, and told in the log
            await app(_scope(serving, path, query), _nothing_more, send)
        if statuses != [200]:
            found.append(f"{path} {statuses}")
    return found


async def _nothing_more() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def _scope(serving: Serving, path: str, query: str) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [HOST],
        "client": None,
        "server": None,
        "state": {},
        SCOPE_KEY: serving,
    }
