"""What holds for the whole territory, whoever asks: types of communes, and who is ever seen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import HTMLResponse, Response

from api.answers import AuditAnswer, TypesAnswer
from api.dependencies import StaticAnswer, TerritoryDep
from api.models import ScopeName
from api.turns import types_in_turn
from geo_matcher.audit import DEFAULT_TOP, Audit, audit
from geo_matcher.kept import kept
from geo_matcher.newcomers import DEFAULT_SEED, DEFAULT_SIZE, MIN_SIZE
from geo_matcher.territory import Territory

__all__ = ["MAX_AT_ONCE", "MAX_AUDIT_SIZE", "REPORT_POLICY", "router"]

router = APIRouter(prefix="/api/v1", tags=["territory"])

MAX_AUDIT_SIZE = 2_000
"""Profiles of an audit over HTTP: some seconds of work. The command line takes more."""

REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""The report is one file with its styles and pictures inside; it runs no script."""

MAX_AT_ONCE = 4
"""Audits under way or waiting; a further one is told to come back, so that the threads that wait
are never all those of the service."""

_audit_alone = threading.Lock()
"""An audit takes seconds: a second one waits instead of taking another core."""

_places = threading.BoundedSemaphore(MAX_AT_ONCE)


@contextmanager
def _turn() -> Iterator[None]:
    """Wait for the audits before this one, or refuse where too many wait."""
    if not _places.acquire(blocking=False):
        raise HTTPException(
            503,
            f"{MAX_AT_ONCE} audits are under way or waiting, the most at once. "
            "Try again in some seconds.",
            headers={"Retry-After": "10"},
        )
    try:
        with _audit_alone:
            yield
    finally:
        _places.release()


@router.get("/types", response_model=TypesAnswer)
def get_types(request: Request, territory: TerritoryDep) -> Response:
    """Return the types of communes; the first request of a release takes a second or two."""
    types_in_turn(territory)
    return _types(territory).response(request)


@kept(maxsize=4)
def _types(territory: Territory) -> StaticAnswer:
    from geo_matcher.typology import typology

    return StaticAnswer.of(typology(territory).as_dict())


@router.get(
    "/audit",
    response_model=AuditAnswer,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
def get_audit(
    request: Request,
    territory: TerritoryDep,
    scope: ScopeName | None = None,
    size: Annotated[int, Query(ge=MIN_SIZE, le=MAX_AUDIT_SIZE)] = DEFAULT_SIZE,
    seed: Annotated[int, Query(ge=0, le=2**32 - 1)] = DEFAULT_SEED,
    f: Annotated[
        Literal["json", "html"], Query(description="Figures, or the report in French.")
    ] = "json",
) -> Response:
    """Tell which villages never reach anybody's first places; as ``geo-matcher audit`` does."""
    chosen = scope or territory.about.default_scope
    with _turn():
        if f == "json":
            return _figures(territory, chosen, size, seed).response(request)
        html = _report(territory, chosen, size, seed)
    return HTMLResponse(html, headers={"Content-Security-Policy": REPORT_POLICY})


@kept(maxsize=4)
def _audit(territory: Territory, scope: str, size: int, seed: int) -> Audit:
    return audit(territory, scope, size=size, seed=seed, top=DEFAULT_TOP)


@kept(maxsize=4)
def _figures(territory: Territory, scope: str, size: int, seed: int) -> StaticAnswer:
    return StaticAnswer.of(_audit(territory, scope, size, seed).as_dict())


@kept(maxsize=4)
def _report(territory: Territory, scope: str, size: int, seed: int) -> str:
    from geo_matcher.audit_report import audit_html

    return audit_html(_audit(territory, scope, size, seed))
