"""The application: settings in, a FastAPI application out.

Hides how routes, middlewares and static files are put together. The release is read before the
first request, and again when another one is to take its place (:mod:`api.in_service`); nothing is
fetched from the network, then or later.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse

from api.assets import asset, serve_files
from api.desk import Desk
from api.enquiries import Inbox
from api.errors import PROBLEM_JSON, QuietFailures, add_error_handlers
from api.icons import sprite
from api.in_service import InService, OneRelease
from api.models import Problem
from api.routes import (
    access,
    communes,
    comparisons,
    desk,
    desk_changes,
    desk_household,
    desk_import,
    desk_maps,
    desk_papers,
    desk_report,
    dossiers,
    explanations,
    health,
    indexing,
    interview,
    keep,
    layers,
    matches,
    origins,
    pages,
    planification,
    planning,
    portfolio,
    release,
    sheets,
    sign_in,
    table,
    tokens,
    villages,
)
from api.routes import territory as whole
from api.security import BodyLimit, ConcurrencyLimit, SecurityHeaders
from api.settings import Settings
from api.uploads import UPLOADS
from api.warming import warm
from geo_matcher import __version__, towns
from geo_matcher.decision import decision_matrix
from geo_matcher.flags import red_flags
from geo_matcher.territory import Territory

__all__ = ["create_app"]

GZIP_LEVEL = 4
GZIP_FROM_BYTES = 1_000
DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {PROBLEM_JSON: {}}, "description": description}
    for status, description in (
        (404, "Nothing by that name"),
        (413, "Too large"),
        (422, "Refused, with every problem listed"),
    )
}


def create_app(
    settings: Settings | None = None,
    territory: Territory | None = None,
    clock: Callable[[], dt.datetime] | None = None,
) -> FastAPI:
    """Build the application.

    Parameters
    ----------
    settings
        By default, those of the environment.
    territory
        A release that is already loaded; by default the settings' one is read at start.
    clock
        Gives the moment, with its time zone, to the advisers' side; that of the machine by default.

    Returns
    -------
    FastAPI
        Loads its release when it starts; a broken release stops the start with a ``DataError``.
    """
    settings = settings or Settings()
    in_service = InService(
        settings.release,
        prepare=_prepare,
        warm=lambda serving: warm(app, app.state.loop, serving),
    )
    sprite()  # so that a drawing that is not there stops the start

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.loop = asyncio.get_running_loop()
        in_service.start(territory)
        yield
        in_service.close()
        app.state.desk.close()

    app = FastAPI(
        title="geo_matcher",
        version=__version__,
        summary="Ranks villages for people who work from anywhere, and says why.",
        description=(
            "Every answer names the data release it used. Errors are `application/problem+json`. "
            "Times are estimated; partner villages marked `reconstructed` follow a written rule."
        ),
        license_info={"name": "MIT", "identifier": "MIT"},
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=ERRORS,
    )
    app.state.settings = settings
    app.state.in_service = in_service
    app.state.loop = None
    app.state.desk = Desk(settings, clock)
    app.state.inbox = Inbox()
    add_error_handlers(app)
    routers = (
        health,
        release,
        matches,
        explanations,
        comparisons,
        communes,
        access,
        origins,
        planning,
        layers,
        whole,
        pages,
        keep,
        sheets,
        interview,
        villages,
        planification,
        indexing,
        table,
        sign_in,
        desk,
        desk_changes,
        desk_household,
        desk_import,
        desk_maps,
        desk_papers,
        desk_report,
        tokens,
        portfolio,
        dossiers,  # after those above: its addresses begin with the key of a file
    )
    for module in routers:
        app.include_router(module.router)
    serve_files(app)
    _serve_docs(app)
    app.add_middleware(OneRelease, in_service=in_service)
    app.add_middleware(QuietFailures)
    app.add_middleware(
        BodyLimit,
        max_bytes=settings.max_body_bytes,
        timeout_s=settings.body_timeout_s,
        uploads=UPLOADS,
    )
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM_BYTES, compresslevel=GZIP_LEVEL)
    app.add_middleware(ConcurrencyLimit, max_requests=settings.max_concurrency)
    app.add_middleware(SecurityHeaders)
    return app


def _prepare(territory: Territory) -> None:
    """Make what every answer needs of a release."""
    with towns.in_service(territory.about):
        decision_matrix(territory)
        red_flags(territory)
        release.release_answer(territory)


def _serve_docs(app: FastAPI) -> None:
    """Serve the documentation of the API, with Swagger UI from what is installed here."""

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        page = get_swagger_ui_html(
            openapi_url="/openapi.json",
            title="geo_matcher · API",
            swagger_js_url=asset("/vendor/swagger-ui/swagger-ui-bundle.js"),
            swagger_css_url=asset("/vendor/swagger-ui/swagger-ui.css"),
            swagger_favicon_url=asset("/static/favicon.svg"),
        )
        page.headers["Content-Security-Policy"] = DOCS_POLICY
        return page
