"""The commands of ``geo-matcher users``: accounts of the advisers' files, and tokens for programs.

Hides how a password is read: typed without being shown, or one line of standard input; never from
an argument, which other users of the machine could see.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape

from geo_matcher.console import console, plain_table, write

__all__ = ["users_app"]

users_app = typer.Typer(
    help="Accounts of the advisers' files: who may sign in, and as what.", no_args_is_help=True
)


class _RoleOption(StrEnum):
    """Roles, as the command line takes them."""

    adviser = "adviser"
    planner = "planner"
    admin = "admin"
    elected = "elected"


LoginArgument = Annotated[str, typer.Argument(help="Name to sign in with.")]


def _password() -> str:
    if sys.stdin.isatty():
        typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return typed
    return sys.stdin.readline().rstrip("\r\n")


@users_app.command("add")
def _add(
    login: LoginArgument,
    name: Annotated[str, typer.Option(help="The person's name, which colleagues see.")],
    role: Annotated[_RoleOption, typer.Option(help="What they are in the network.")],
    without_password: Annotated[
        bool, typer.Option("--without-password", help="Give one later: until then, no entry.")
    ] = False,
) -> None:
    """Make an account; its password is asked, or read from standard input."""
    from geo_matcher.dossiers.accounts import SYSTEM, Role, add_user
    from geo_matcher.dossiers.database import Database

    password = None if without_password else _password()
    with Database.open() as db:
        add_user(db, login, name=name, role=Role(role.value), by=SYSTEM, password=password)
        later = " It cannot sign in before `users password`." if without_password else ""
        write(f"{login}: {role.value}, in {db.shown}.{later}")


@users_app.command("list")
def _list() -> None:
    """List the accounts."""
    from geo_matcher.dossiers.accounts import SYSTEM, list_users
    from geo_matcher.dossiers.database import Database

    table = plain_table("login", "name", "role", "")
    with Database.open() as db:
        for account in list_users(db, by=SYSTEM):
            state = "closed" if account.is_disabled else ""
            state = state or ("" if account.has_password else "no password yet")
            table.add_row(account.login, escape(account.name), str(account.role), state)
    console().print(table)


@users_app.command("disable")
def _disable(login: LoginArgument) -> None:
    """Close an account: its sessions and tokens end at once, its name stays in the history."""
    from geo_matcher.dossiers.accounts import SYSTEM, disable_user
    from geo_matcher.dossiers.database import Database

    with Database.open() as db:
        disable_user(db, login, by=SYSTEM)
    write(f"{login} is closed.")


@users_app.command("password")
def _change_password(login: LoginArgument) -> None:
    """Give an account a password; it is asked, or read from standard input."""
    from geo_matcher.dossiers.accounts import SYSTEM, set_password
    from geo_matcher.dossiers.database import Database

    password = _password()
    with Database.open() as db:
        set_password(db, login, password, by=SYSTEM)
    write(f"{login} has a new password; open sessions have ended.")


@users_app.command("token")
def _token(
    login: LoginArgument,
    label: Annotated[str, typer.Option(help="What the token is for.")],
    scope: Annotated[list[str], typer.Option(help="What it may do; several times for several.")],
    days: Annotated[int, typer.Option(help="How many days it lives.")] = 90,
) -> None:
    """Make an API token; it is printed once and kept nowhere."""
    from geo_matcher.dossiers.accounts import SYSTEM
    from geo_matcher.dossiers.database import Database
    from geo_matcher.dossiers.sign_in import issue_token

    with Database.open() as db:
        write(issue_token(db, login, label=label, scopes=scope, days=days, by=SYSTEM))


@users_app.command("tokens")
def _tokens() -> None:
    """List the API tokens, without themselves."""
    from geo_matcher.dossiers.accounts import SYSTEM
    from geo_matcher.dossiers.database import Database
    from geo_matcher.dossiers.sign_in import list_tokens

    table = plain_table("number", "login", "label", "scopes", "until", "")
    with Database.open() as db:
        for token in list_tokens(db, by=SYSTEM):
            is_over = token.expires_at <= db.now()
            state = "revoked" if token.is_revoked else "expired" if is_over else ""
            table.add_row(
                str(token.id),
                token.login,
                escape(token.label),
                " ".join(token.scopes),
                f"{token.expires_at:%Y-%m-%d}",
                state,
            )
    console().print(table)


@users_app.command("revoke")
def _revoke(number: Annotated[int, typer.Argument(help="Number of a token.")]) -> None:
    """End an API token at once."""
    from geo_matcher.dossiers.accounts import SYSTEM
    from geo_matcher.dossiers.database import Database
    from geo_matcher.dossiers.sign_in import revoke_token

    with Database.open() as db:
        revoke_token(db, number, by=SYSTEM)
    write(f"Token {number} is revoked.")
