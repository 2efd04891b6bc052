"""A request for one of the advisers' pages: who asks, in which language, and how it is answered.

Hides what every page of the desk shares: what stands around it, and the way back after a form. No
answer is kept by a cache or found by a search engine: :mod:`api.security` sees to that by address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.dependencies import TerritoryDep
from api.desk import CsrfDep, DatabaseDep, PageAccount, language_of
from api.later import Later
from api.rendering import render
from api.texts import translator
from geo_matcher.territory import Territory

if TYPE_CHECKING:
    from api import desk_places
    from geo_matcher.dossiers.accounts import Account
    from geo_matcher.dossiers.database import Database
else:
    desk_places = Later("api.desk_places")

__all__ = ["DeskDep", "DeskRequest"]


@dataclass(frozen=True, slots=True)
class DeskRequest:
    """A request of somebody who is signed in.

    Attributes
    ----------
    request, territory, db
        The request, the release in service, the advisers' database.
    account
        Who asks.
    csrf
        What every form sends back.
    """

    request: Request
    territory: Territory
    db: Database
    account: Account
    csrf: str

    @property
    def language(self) -> str:
        """``fr``, or ``en`` where the address asks for it."""
        return language_of(self.request)

    def asked(self, name: str) -> str:
        """Return what the address says of a key; empty for nothing."""
        return self.request.query_params.get(name, "")

    def may(self, right: str) -> bool:
        """Tell whether who asks has a right, by its word."""
        return any(one.value == right for one in self.account.rights)

    def page(
        self,
        template: str,
        title: str,
        path: str,
        *,
        status: int = 200,
        query: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:
        """Answer with a page.

        Parameters
        ----------
        template
            Its template.
        title
            What it is about.
        path
            Its address below the desk's own.
        status
            Its status.
        query
            What stands in its address beside the language.
        values
            What the template writes out.
        """
        frame = desk_places.work_frame(
            self.account,
            self.language,
            title=title,
            path=path,
            csrf=self.csrf,
            done=self.asked("fait"),
            is_demonstration=self.db.is_demonstration,
            query=query or {},
        )
        html = render(template, self.language, page=frame, **values)
        return HTMLResponse(html, status_code=status)

    def file(
        self, content: str | bytes, media: str, name: str, *, policy: str = "", inline: bool = False
    ) -> Response:
        """Answer with a file to keep, or a whole document of its own."""
        way = "inline" if inline else "attachment"
        headers = {"Content-Disposition": f'{way}; filename="{name}"'}
        if policy:
            headers["Content-Security-Policy"] = policy
        return Response(content, media_type=media, headers=headers)

    def go(self, path: str, done: str = "", mark: str = "", **query: str) -> Response:
        """Lead to a page after something was done."""
        address = desk_places.desk_href(path, self.language, fait=done, **query)
        return RedirectResponse(f"{address}{mark}", status_code=303)

    def sorry(self, texts: Sequence[str], status: int) -> Response:
        """Say what cannot be done, and the way on."""
        t = translator(self.language)
        return self.page("desk_sorry.html", t("frame.sorry"), "", status=status, texts=texts)


def desk_request(
    request: Request,
    territory: TerritoryDep,
    db: DatabaseDep,
    account: PageAccount,
    csrf: CsrfDep,
) -> Any:
    """Return the request of somebody who is signed in."""
    return DeskRequest(request, territory, db, account, csrf)


if TYPE_CHECKING:
    DeskDep = Annotated[DeskRequest, Depends(desk_request)]
else:
    DeskDep = Annotated[Any, Depends(desk_request)]
