"""What protects the service and those who use it.

Hides three ASGI middlewares: they bound the number of requests under way, the size and the
duration of their bodies, and add the security headers. Nothing is logged about a profile, and what
lies on the advisers' side is kept by no cache.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import problem
from api.private import is_private

__all__ = [
    "CONTENT_SECURITY_POLICY",
    "MAX_UPLOAD_BYTES",
    "BodyLimit",
    "ConcurrencyLimit",
    "SecurityHeaders",
]

MAX_UPLOAD_BYTES = 10_100_000
"""Largest body of an upload: a file of 10 MB, and the form around it."""

UPLOAD_TIMEOUT_S = 120.0
"""Longest time in which an upload must arrive, in s."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Policy of every page that does not state its own."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds the security headers that a response does not state; private answers are not kept."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if is_private(scope["path"]):
                    headers["Cache-Control"] = "no-store"
                    headers["X-Robots-Tag"] = "noindex, nofollow"
            await send(message)

        await self.app(scope, receive, send_with_headers)


class ConcurrencyLimit:
    """Refuses a request when too many are under way.

    Parameters
    ----------
    app
        The application behind.
    max_requests
        Requests under way at once.
    """

    def __init__(self, app: ASGIApp, max_requests: int) -> None:
        self.app = app
        self.max_requests = max_requests
        self.under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self.under_way >= self.max_requests:
            detail = "Too many requests are under way. Try again in a few seconds."
            refusal = problem(503, detail, instance=scope["path"], headers={"Retry-After": "2"})
            await refusal(scope, receive, send)
            return
        self.under_way += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.under_way -= 1


class BodyLimit:
    """Refuses a request body that is too large or arrives too slowly.

    Parameters
    ----------
    app
        The application behind.
    max_bytes
        Largest body, in bytes.
    timeout_s
        Longest time in which the whole body must arrive, in seconds.
    uploads
        Addresses whose body is not read here but counted while the application reads it, once it
        knows who sends it. It may be larger then.
    """

    def __init__(
        self, app: ASGIApp, max_bytes: int, timeout_s: float, uploads: Collection[str] = ()
    ) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.timeout_s = timeout_s
        self.uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection: the body is read first, then handed on whole."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self.app(scope, receive, send)
            return
        if scope["path"] in self.uploads:
            await self.app(scope, _counted(receive), send)
            return
        body = bytearray()
        deadline = time.monotonic() + self.timeout_s
        more = True
        while more:
            try:
                message = await asyncio.wait_for(receive(), deadline - time.monotonic())
            except TimeoutError:
                detail = f"The request body did not arrive within {self.timeout_s:g} s. Try again."
                await problem(408, detail, instance=scope["path"])(scope, receive, send)
                return
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.max_bytes:
                detail = (
                    f"The request body has more than {self.max_bytes:,} bytes, the most that is "
                    "accepted. Send a smaller one."
                )
                await problem(413, detail, instance=scope["path"])(scope, receive, send)
                return
        is_given = False

        async def receive_body() -> Message:
            nonlocal is_given
            if is_given:
                return await receive()
            is_given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self.app(scope, receive_body, send)


def _counted(receive: Receive) -> Receive:
    """Return what hands an upload on, part by part, and stops one that is too large or too slow."""
    deadline = time.monotonic() + UPLOAD_TIMEOUT_S
    received, is_whole = 0, False

    async def counting() -> Message:
        nonlocal received, is_whole
        if is_whole:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), deadline - time.monotonic())
        except TimeoutError:
            detail = f"The upload did not arrive within {UPLOAD_TIMEOUT_S:g} s. Try again."
            raise HTTPException(408, detail) from None
        received += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if received > MAX_UPLOAD_BYTES:
            raise HTTPException(
                413, f"The upload has more than {MAX_UPLOAD_BYTES:,} bytes. Send a smaller file."
            )
        return message

    return counting
