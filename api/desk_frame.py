"""What stands around the advisers' pages: title, who is signed in, language, the way out.

Hides how a refusal is told on a page. What went wrong is said in the words of the catalogue, by
status: no sentence repeats what was typed or names a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from api.desk import HOME, csrf_of, language_of, session_of
from api.rendering import render
from api.texts import translator

if TYPE_CHECKING:
    from geo_matcher.dossiers.accounts import Account

__all__ = ["DeskFrame", "desk_frame", "desk_page", "desk_sorry"]

SORRY = {
    403: "desk.sorry.403",
    404: "desk.sorry.404",
    405: "desk.sorry.404",
    409: "desk.sorry.409",
    422: "desk.sorry.422",
    429: "desk.sorry.429",
    503: "desk.sorry.503",
}


@dataclass(frozen=True, slots=True)
class DeskFrame:
    """The surroundings of a page.

    Attributes
    ----------
    title
        What the page is about.
    home_href
        Where the first page of this side is, in the language of this one.
    other_language_href
        Where the page is in the other language.
    name
        Name of who is signed in; empty for nobody.
    csrf
        What its forms have to hold; empty for nobody.
    """

    title: str
    home_href: str
    other_language_href: str
    name: str
    csrf: str


def desk_frame(request: Request, title: str, account: Account | None = None) -> DeskFrame:
    """Return what stands around a page.

    Parameters
    ----------
    request
        What was asked; its language is kept.
    title
        What the page is about.
    account
        Who is signed in.
    """
    language = language_of(request)
    return DeskFrame(
        title=title,
        home_href=HOME if language == "fr" else f"{HOME}?lang=en",
        other_language_href=_in_other_language(request, language),
        name=account.name if account is not None else "",
        csrf=csrf_of(request) if account is not None and session_of(request) else "",
    )


def _in_other_language(request: Request, language: Literal["fr", "en"]) -> str:
    pairs = [
        pair for pair in parse_qsl(request.url.query, keep_blank_values=True) if pair[0] != "lang"
    ]
    if language == "fr":
        pairs.append(("lang", "en"))
    return request.url.path + (f"?{urlencode(pairs)}" if pairs else "")


def desk_page(
    request: Request,
    template: str,
    frame: DeskFrame,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """Write out a page; ``page`` in its template is the frame."""
    html = render(template, language_of(request), page=frame, **values)
    return HTMLResponse(html, status, dict(headers or {}))


def desk_sorry(request: Request, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Say on a page why there is none, and the way back."""
    t = translator(language_of(request))
    frame = desk_frame(request, t("frame.sorry"))
    text = t(SORRY.get(status, "desk.sorry.500"))
    return desk_page(
        request, "desk_sorry.html", frame, status=status, headers=headers, texts=[text]
    )
