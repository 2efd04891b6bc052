"""One shape for every error: RFC 9457 ``application/problem+json``.

Hides which status a mistake gets. Domain errors know nothing of HTTP; ``ERROR_STATUS`` maps their
classes. A 500 says nothing internal: the details are in the log.
"""

from __future__ import annotations

import logging
import math
import traceback
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, cast

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.private import holds_personal_data, is_page, is_private
from geo_matcher.errors import (
    AccessError,
    DataError,
    DossierError,
    DriveError,
    GeoMatcherError,
    NotInReleaseError,
    PlanError,
    ProfileError,
    ScenarioError,
    SignInError,
    SourceError,
    StaleEditError,
    StoreError,
    ThrottledError,
    UnknownCommuneError,
    UnknownCriterionError,
    UnknownDossierError,
    UnknownPresetError,
    WeightError,
)
from geo_matcher.profile import expectation

__all__ = [
    "ERROR_STATUS",
    "PROBLEM_JSON",
    "QuietFailures",
    "ReleaseRefused",
    "SignInNeeded",
    "add_error_handlers",
    "problem",
]

PROBLEM_JSON = "application/problem+json"

ERROR_STATUS: Mapping[type[GeoMatcherError], int] = {
    UnknownCommuneError: 404,
    NotInReleaseError: 404,
    UnknownPresetError: 404,
    UnknownCriterionError: 422,
    ProfileError: 422,
    DriveError: 422,
    PlanError: 422,
    ScenarioError: 422,
    WeightError: 422,
    DossierError: 422,
    UnknownDossierError: 404,
    StaleEditError: 409,
    SignInError: 401,
    ThrottledError: 429,
    AccessError: 403,
    StoreError: 503,
    DataError: 503,
    SourceError: 503,
    GeoMatcherError: 500,
}
"""Status of each domain error; the first class that fits counts."""

INTERNAL = "Something failed on our side; it has been logged. Try again, or tell the network."
UNREACHABLE = (
    "The advisers' files cannot be reached now; the reason is in the service's log. "
    "Try again in a minute."
)
UNREADABLE = (
    "The request body cannot be read: it is nested too deep, or a number in it is too long. "
    "Send JSON as /docs shows it."
)
FASTAPI_UNREADABLE = "There was an error parsing the body"
"""What FastAPI says of it."""

NO_OBJECT = frozenset({"model_type", "model_attributes_type", "dict_type", "dataclass_type"})
"""Kinds of problems that pydantic has with what is no JSON object."""

MAX_SHOWN = 60
MAX_INSTANCE = 200

logger = logging.getLogger(__name__)


class SignInNeeded(Exception):  # noqa: N818 - no mistake: a page asks who is there
    """A page needs a session and the request has none that holds: a 303 leads to signing in.

    Parameters
    ----------
    target
        Address of the sign-in page, which leads back.
    """

    def __init__(self, target: str) -> None:
        super().__init__("sign in first")
        self.target = target


class ReleaseRefused(Exception):  # noqa: N818 - an answer, no mistake of the service
    """An administrator asked for a release that cannot be put into service: a 422 says why.

    Parameters
    ----------
    error
        The refusal.
    """

    def __init__(self, error: GeoMatcherError) -> None:
        super().__init__("the new release is refused")
        self.error = error


def problem(
    status: int,
    detail: str,
    *,
    kind: str = "about:blank",
    instance: str = "",
    problems: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    """Return an error in the one shape that all errors have.

    Parameters
    ----------
    status
        HTTP status.
    detail
        What was found, what was expected, what to do.
    kind
        URI of the kind of problem.
    instance
        Path of the request.
    problems
        Single problems, when there are several.
    headers
        Further headers of the response.
    members
        Further members, which the kind of problem has.
    """
    body: dict[str, Any] = {
        "type": kind,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": instance[:MAX_INSTANCE],
        "problems": list(problems) or [detail],
        **(members or {}),
    }
    return Response(orjson.dumps(body), status, dict(headers or {}), media_type=PROBLEM_JSON)


def add_error_handlers(app: FastAPI) -> None:
    """Make an application answer every error in the one shape."""
    app.add_exception_handler(GeoMatcherError, _domain)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(SignInNeeded, _sign_in_first)
    app.add_exception_handler(ReleaseRefused, _release_refused)
    app.add_exception_handler(Exception, _internal)


def status_of(error: GeoMatcherError) -> int:
    """Return the HTTP status of a domain error."""
    return next(status for kind, status in ERROR_STATUS.items() if isinstance(error, kind))


def kind_of(error: GeoMatcherError) -> str:
    """Return the URI of the kind of a domain error."""
    name = type(error).__name__.removesuffix("Error")
    dashed = "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")
    return f"urn:geo-matcher:{dashed}"


async def _domain(request: Request, raised: Exception) -> Response:
    error = cast("GeoMatcherError", raised)
    status = status_of(error)
    detail, headers = str(error), _headers(error)
    if status >= 500:
        logger.error("%s: %s", type(error).__name__, error)
        detail = UNREACHABLE if isinstance(error, StoreError) else INTERNAL
    if is_page(request.url.path):
        return await _page(request, status, headers)
    if status >= 500:
        return problem(status, detail, instance=request.url.path, headers=headers)
    return problem(
        status,
        detail,
        kind=kind_of(error),
        instance=request.url.path,
        problems=error.problems,
        headers=headers,
        members=_difference(error) if isinstance(error, StaleEditError) else None,
    )


def _headers(error: GeoMatcherError) -> dict[str, str]:
    if isinstance(error, SignInError):
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, ThrottledError):
        return {"Retry-After": str(error.retry_after_s)}
    return {"Retry-After": "10"} if isinstance(error, StoreError) else {}


def _difference(error: StaleEditError) -> dict[str, Any]:
    """Return what a late edit is shown: each field as it was read, was to become, and is."""
    return {
        "version": error.version,
        "differences": [
            {"field": field, "read": read, "wanted": wanted, "now": now}
            for field, (read, wanted, now) in error.differences.items()
        ],
    }


async def _page(request: Request, status: int, headers: Mapping[str, str] | None) -> Response:
    """Answer a person on the advisers' side in words of their language, on a page."""
    from api.desk_frame import desk_sorry

    return desk_sorry(request, status, headers)


async def _sign_in_first(request: Request, raised: Exception) -> Response:
    from api.carried import interrupted
    from api.desk import HOME, language_of
    from api.sign_in_page import sign_in_page
    from api.texts import translator

    if (carried := await interrupted(request)) is not None:
        t = translator(language_of(request))
        return await run_in_threadpool(
            sign_in_page, request, HOME, t("sign_in.interrupted"), 403, carried=carried
        )
    return RedirectResponse(cast("SignInNeeded", raised).target, 303)


async def _release_refused(request: Request, raised: Exception) -> Response:
    error = cast("ReleaseRefused", raised).error
    return problem(
        422,
        f"The new release is refused, and the one in service stays. {error}",
        kind="urn:geo-matcher:release-refused",
        instance=request.url.path,
        problems=error.problems,
    )


async def _validation(request: Request, raised: Exception) -> Response:
    error = cast("RequestValidationError", raised)
    if is_page(request.url.path):
        return await _page(request, 422, None)
    repeats = not is_private(request.url.path)
    problems = [_sentence(detail, repeats=repeats) for detail in error.errors()]
    return problem(
        422,
        "The request was refused: " + "; ".join(problems),
        kind="urn:geo-matcher:invalid-request",
        instance=request.url.path,
        problems=problems,
    )


def _sentence(detail: Mapping[str, Any], *, repeats: bool = True) -> str:
    """Return a problem of pydantic's in words; they repeat what was found unless it is private."""
    place = [str(part)[:MAX_SHOWN] for part in detail["loc"]]
    where = ".".join(place[1:]) or place[0]
    message = str(detail["msg"]).removeprefix("Value error, ").replace(" after validation", "")
    kind, found = detail["type"], detail.get("input")
    if kind == "extra_forbidden":
        return f"{where}: unknown key; see /docs for the keys that exist"
    if kind == "json_invalid":
        return f"body: not valid JSON ({detail.get('ctx', {}).get('error', message)})"
    if kind == "missing":
        return f"{where}: it is missing; see /docs for what to send"
    if kind == "value_error" and not repeats and "profile" in place:
        return f"{where}: a profile that asks the impossible; check it on the movers' page"
    if kind == "value_error":
        return f"{where}: {message}"
    if isinstance(found, bytes):
        return "body: it is not sent as JSON; add the header Content-Type: application/json"
    if kind in NO_OBJECT:
        message = "expected an object with keys; see /docs for them"
    elif isinstance(found, float) and not math.isfinite(found):
        message = "expected a finite number"
    if not repeats:
        return f"{where}: {expectation(message)}"
    return f"{where}: found {str(found)[:MAX_SHOWN]!r}; {expectation(message)}"


async def _http(request: Request, raised: Exception) -> Response:
    error = cast("HTTPException", raised)
    if is_page(request.url.path):
        return await _page(request, error.status_code, error.headers)
    details = {
        400: UNREADABLE,
        404: f"There is nothing at {request.url.path[:MAX_SHOWN]}. See /docs for what there is.",
        405: f"{request.method} cannot be used here. See /docs for the methods.",
    }
    is_own = error.detail not in {HTTPStatus(error.status_code).phrase, FASTAPI_UNREADABLE}
    detail = error.detail if is_own else details.get(error.status_code, error.detail)
    return problem(error.status_code, detail, instance=request.url.path, headers=error.headers)


async def _internal(request: Request, error: Exception) -> Response:
    from api.security import HEADERS

    logger.error("Unhandled error", exc_info=error)
    # This answer is made outside the middlewares, so it brings the security headers itself.
    return problem(500, INTERNAL, instance=request.url.path, headers=HEADERS)


class QuietFailures:
    """Keeps what an unforeseen error says out of the log, where requests bring personal data.

    Its message may quote what somebody typed, and the server would write it down: only its kind and
    the places in the code that it passed are logged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or not holds_personal_data(scope["path"]):
            await self.app(scope, receive, send)
            return
        is_begun = False

        async def send_and_see(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_see)
        except Exception as error:
            places = "".join(traceback.format_tb(error.__traceback__))
            logger.error("Unhandled %s at\n%s", type(error).__name__, places)
            if is_begun:
                raise RuntimeError("an answer broke off; its reason is logged") from None
            if is_page(scope["path"]):
                answer = await _page(Request(scope), 500, None)
            else:
                answer = problem(500, INTERNAL, instance=scope["path"])
            await answer(scope, receive, send)
