"""The sign-in page, and the page that gives back what was being written when a session ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from fastapi import Request
from starlette.responses import Response

from api.carried import Carried, texts_of, way_back
from api.desk import OpenForm, language_of
from api.desk_frame import desk_frame, desk_page
from api.texts import translator

if TYPE_CHECKING:
    from geo_matcher.dossiers import sign_in
else:
    from api.later import Later

    sign_in = Later("geo_matcher.dossiers.sign_in")

__all__ = ["resend_page", "sign_in_page"]


def sign_in_page(
    request: Request,
    wanted: str,
    fault: str = "",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    carried: Carried | None = None,
) -> Response:
    """Show the sign-in page.

    Parameters
    ----------
    request
        What was asked.
    wanted
        Where to go then.
    fault
        What stands against it.
    status, headers
        Of the answer.
    carried
        What was being written; it comes back after signing in.
    """
    open_form = OpenForm(request)
    frame = desk_frame(request, translator(language_of(request))("sign_in.title"))
    if carried is not None:
        frame = replace(frame, other_language_href="")  # a link would lose it
    response = desk_page(
        request,
        "sign_in.html",
        frame,
        status=status,
        headers=headers,
        csrf=open_form.csrf,
        wanted=wanted,
        fault=fault,
        carried=carried.hidden(request, open_form) if carried is not None else (),
    )
    open_form.give(response)
    return response


def resend_page(request: Request, carried: Carried, begun: sign_in.SignedIn) -> Response:
    """Show what was being written, to be sent under the name of who signed in."""
    t = translator(language_of(request))
    frame = desk_frame(request, t("desk.resend"), begun.account)
    frame = replace(frame, other_language_href="", csrf=sign_in.csrf_token(begun.token))
    return desk_page(
        request,
        "desk_resend.html",
        frame,
        carried=carried,
        texts=texts_of(carried, language_of(request)),
        back=way_back(carried),
    )
