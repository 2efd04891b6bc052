"""Who may ask what of the API of the files.

Hides how a route says which right it needs, so that it can be asked for before anything is read,
and so that a test can find a route that forgot to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from api.desk import ApiAccount
from geo_matcher.errors import AccessError

if TYPE_CHECKING:
    from geo_matcher.dossiers import accounts
    from geo_matcher.dossiers.accounts import Account
else:
    from api.later import Later

    Account = Any
    accounts = Later("geo_matcher.dossiers.accounts")

__all__ = [
    "Anybody",
    "Eraser",
    "Exporter",
    "Opener",
    "Person",
    "Reader",
    "ReaderInPart",
    "Releaser",
    "RightName",
    "Statistician",
    "Viewer",
    "Writer",
    "needs",
    "rights_of",
]

RightName = Literal[
    "files.open", "files.read", "files.write", "files.export", "files.erase", "portfolio",
    "statistics", "accounts", "backups", "releases",
]  # fmt: skip
"""The words of :class:`geo_matcher.dossiers.accounts.Right`; a test compares them."""

_NEEDED: dict[Callable[..., Any], tuple[RightName, ...]] = {}


def needs(*rights: RightName) -> Any:
    """Return a dependency that gives the account that asks, if it has one of some rights.

    Without any, every account that is signed in will do. The library asks again; here a request is
    refused before its body is looked at.
    """

    def fitting(account: ApiAccount) -> Account:
        if rights and not any(accounts.Right(right) in account.rights for right in rights):
            accounts.require(account, accounts.Right(rights[0]))
        return account

    _NEEDED[fitting] = rights
    return Depends(fitting)


def _in_person(request: Request, account: ApiAccount) -> Account:
    """Return who asks by a session: a token must not make tokens that outlive it."""
    if "Authorization" in request.headers:
        raise AccessError("Tokens are managed by people: sign in, and ask with the session.")
    return account


_NEEDED[_in_person] = ()

Anybody = Annotated[Account, needs()]
Person = Annotated[Account, Depends(_in_person)]
Opener = Annotated[Account, needs("files.open")]
Reader = Annotated[Account, needs("files.read")]
ReaderInPart = Annotated[Account, needs("files.read", "portfolio")]
Writer = Annotated[Account, needs("files.write")]
Exporter = Annotated[Account, needs("files.export")]
Eraser = Annotated[Account, needs("files.erase")]
Viewer = Annotated[Account, needs("portfolio")]
Statistician = Annotated[Account, needs("statistics")]
Releaser = Annotated[Account, needs("releases")]


def rights_of(route: APIRoute) -> tuple[RightName, ...] | None:
    """Return which rights open a route, any of them; None where it does not even ask who is there.

    An empty answer stands for a route that every account may use.
    """
    for dependant in route.dependant.dependencies:
        if dependant.call in _NEEDED:
            return _NEEDED[dependant.call]
    return None
