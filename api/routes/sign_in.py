"""Signing in and out of the advisers' side.

Hides that a session always begins anew, with a name that the server chose, and that one which was
there before ends; and that a refusal says the same whatever was wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from api.carried import SIGN_OUT, carried_in
from api.desk import (
    SIGN_IN,
    DatabaseDep,
    Form,
    OpenForm,
    PageForm,
    browser_of,
    clear_session,
    client_address,
    give_browser,
    give_session,
    language_of,
    local_next,
    read_form,
    session_of,
)
from api.sign_in_page import resend_page, sign_in_page
from api.texts import translator
from geo_matcher.errors import SignInError, ThrottledError

if TYPE_CHECKING:
    from geo_matcher.dossiers import sign_in
else:
    from api.later import Later

    sign_in = Later("geo_matcher.dossiers.sign_in")

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

OpenFormDep = Annotated[Form, Depends(read_form)]


@router.get(SIGN_IN)
def show_sign_in(request: Request, db: DatabaseDep) -> Response:
    """Show the sign-in page; whoever is signed in already goes on."""
    wanted = local_next(request.query_params.get("next", ""))
    if token := session_of(request):
        try:
            sign_in.session_account(db, token)
            return _to(wanted)
        except SignInError:
            pass
    return sign_in_page(request, wanted)


@router.post(SIGN_IN)
def begin_session(request: Request, db: DatabaseDep, form: OpenFormDep) -> Response:
    """Begin a session, or say that name and password do not fit."""
    wanted = local_next(form.get("next", ""))
    t, carried = translator(language_of(request)), carried_in(request, form.pairs)
    if not OpenForm(request).fits(form):
        return sign_in_page(request, wanted, t("sign_in.again"), 403, carried=carried)
    try:
        begun = sign_in.sign_in(
            db,
            form.get("login", "").strip().lower(),
            form.get("password", ""),
            address=client_address(request),
            browser=browser_of(request),
        )
    except ThrottledError as error:
        minutes = -(-error.retry_after_s // 60)
        fault = t("sign_in.throttled", count=minutes, n=minutes)
        retry = {"Retry-After": str(error.retry_after_s)}
        return sign_in_page(request, wanted, fault, 429, retry, carried)
    except SignInError:
        return sign_in_page(request, wanted, t("sign_in.refused"), 403, carried=carried)
    if before := session_of(request):
        sign_in.sign_out(db, before)
    response = resend_page(request, carried, begun) if carried else _to(wanted)
    give_session(request, response, begun.token)
    give_browser(request, response, begun.browser)
    return response


@router.post(SIGN_OUT)
def end_session(request: Request, db: DatabaseDep, _form: PageForm) -> Response:
    """End the session."""
    sign_in.sign_out(db, session_of(request))
    response = _to(SIGN_IN if language_of(request) == "fr" else f"{SIGN_IN}?lang=en")
    clear_session(request, response)
    return response


def _to(address: str) -> Response:
    return RedirectResponse(address, 303)
