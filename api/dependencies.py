"""What routes ask for: the territory in service and answers that never change with it."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request
from starlette.responses import Response

from api.in_service import territory_of_request
from geo_matcher.territory import Territory

__all__ = [
    "FRESH",
    "StaticAnswer",
    "TerritoryDep",
    "get_territory",
    "json_answer",
]

GZIP_LEVEL = 9

FRESH = {"Cache-Control": "no-cache"}
"""Headers of a page that changes with the release."""


async def get_territory(request: Request) -> Territory:
    """Return the territory that this request began with, even if another is in service by now.

    A coroutine, so that no thread is needed for it.
    """
    return territory_of_request(request.scope)


TerritoryDep = Annotated[Territory, Depends(get_territory)]


def json_answer(content: Any) -> Response:
    """Return plain types as JSON; the library wrote them, so no model is gone through again."""
    return Response(orjson.dumps(content), media_type="application/json")


@dataclass(frozen=True, slots=True)
class StaticAnswer:
    """An answer that is the same for everybody until the release changes.

    Made once, compressed once, named by the hash of its content.
    """

    body: bytes
    compressed: bytes
    etag: str
    media_type: str

    @classmethod
    def of(cls, content: Any, media_type: str = "application/json") -> StaticAnswer:
        """Prepare the answer for some plain content, as JSON."""
        return cls.of_bytes(orjson.dumps(content), media_type)

    @classmethod
    def of_bytes(cls, body: bytes, media_type: str) -> StaticAnswer:
        """Prepare the answer for a file that is written already."""
        digest = hashlib.sha256(body).hexdigest()[:32]
        return cls(body, gzip.compress(body, GZIP_LEVEL, mtime=0), f'W/"{digest}"', media_type)

    def response(self, request: Request) -> Response:
        """Return what this request needs: 304, compressed or plain."""
        headers = {"ETag": self.etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        asked = request.headers.get("If-None-Match", "")
        if self.etag in {tag.strip() for tag in asked.split(",")}:
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(self.compressed, headers=headers, media_type=self.media_type)
        return Response(self.body, headers=headers, media_type=self.media_type)
