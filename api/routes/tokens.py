"""Who is signed in, whom a file can be handed to, and one's own tokens for programs.

Hides that a token cannot make another one: only whoever is signed in as a person can.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path

from api.desk import DatabaseDep
from api.desk_answers import account_answer
from api.desk_models import AccountAnswer, Token, TokenMade
from api.desk_requests import MAX_ID, NewToken
from api.private import API
from api.rights import Anybody, Person, Reader

if TYPE_CHECKING:
    from geo_matcher.dossiers import accounts, sign_in
    from geo_matcher.dossiers.sign_in import TokenFacts
else:
    from api.later import Later

    accounts = Later("geo_matcher.dossiers.accounts")
    sign_in = Later("geo_matcher.dossiers.sign_in")

__all__ = ["router"]

router = APIRouter(prefix=API, tags=["files"])


@router.get("/me")
def get_me(by: Anybody) -> AccountAnswer:
    """Say who asks, and what they may do."""
    return account_answer(by)


@router.get("/accounts")
def get_accounts(db: DatabaseDep, by: Reader) -> list[AccountAnswer]:
    """List the accounts, for whom to hand a file to."""
    return [account_answer(account) for account in accounts.list_users(db, by=by)]


@router.get("/tokens")
def get_tokens(db: DatabaseDep, by: Person) -> list[Token]:
    """List one's own API tokens, without themselves."""
    return [_token(facts) for facts in sign_in.list_tokens(db, by=by, login=by.login)]


@router.post("/tokens", status_code=201)
def post_token(wanted: NewToken, db: DatabaseDep, by: Person) -> TokenMade:
    """Make an API token that acts for oneself; it is shown once and kept nowhere."""
    token = sign_in.issue_token(
        db, by.login, label=wanted.label, scopes=wanted.scopes, days=wanted.days, by=by
    )
    return TokenMade(token=token)


@router.delete("/tokens/{number}", status_code=204)
def delete_token(
    number: Annotated[int, Path(ge=1, le=MAX_ID)], db: DatabaseDep, by: Person
) -> None:
    """End an API token at once."""
    sign_in.revoke_token(db, number, by=by)


def _token(facts: TokenFacts) -> Token:
    return Token(
        id=facts.id,
        label=facts.label,
        scopes=list(facts.scopes),
        created_at=facts.created_at,
        expires_at=facts.expires_at,
        used_at=facts.used_at,
        is_revoked=facts.is_revoked,
    )
