"""What search engines ask for first: what they may read, and the list of the pages."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from api.addresses import public_address
from api.dependencies import FRESH, TerritoryDep
from api.indexing import robots_text, sitemap_xml

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/robots.txt")
async def show_robots(request: Request) -> Response:
    """Tell search engines what to read."""
    return PlainTextResponse(robots_text(public_address(request)))


@router.get("/sitemap.xml")
def show_sitemap(request: Request, territory: TerritoryDep) -> Response:
    """List every page that may be indexed."""
    body = sitemap_xml(territory, public_address(request))
    return Response(body, media_type="application/xml", headers=FRESH)
