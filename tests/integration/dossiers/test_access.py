"""Accounts, passwords, sessions, tokens: who gets in, for how long, and how often one may try."""

from __future__ import annotations

import threading

import pytest
from argon2 import PasswordHasher
from sqlalchemy import func, select, text

from geo_matcher.dossiers import accounts, sign_in
from geo_matcher.dossiers.accounts import (
    ROLE_LABELS,
    ROLE_RIGHTS,
    SYSTEM,
    Account,
    Right,
    Role,
    add_user,
    disable_user,
    list_users,
    set_password,
)
from geo_matcher.dossiers.attempts import ATTEMPTS_BEFORE_SLOW, SLOW_EVERY_S
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.desk import edit_file
from geo_matcher.dossiers.reading import list_files, read_file
from geo_matcher.dossiers.records import AttemptRow, SessionRow, TokenRow, UserRow
from geo_matcher.dossiers.sign_in import (
    SCOPES,
    csrf_token,
    end_sessions,
    forget_old,
    is_csrf_token,
    issue_token,
    list_tokens,
    revoke_token,
    session_account,
    sign_out,
    token_account,
)
from geo_matcher.errors import (
    AccessError,
    DossierError,
    SignInError,
    ThrottledError,
    UnknownDossierError,
)
from tests.integration.dossiers.people import StillClock, opened

PASSWORD = "quatre mots faciles à retenir"
HOUR_DAYS = 1 / 24


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    for module in (accounts, sign_in):
        monkeypatch.setattr(module, "hasher", lambda: quick)


@pytest.fixture
def camille(db: Database, adviser: Account) -> str:
    set_password(db, adviser.login, PASSWORD, by=SYSTEM)
    return adviser.login


def signed_in(db: Database, password: str = PASSWORD, address: str = "192.0.2.7") -> str:
    return sign_in.sign_in(db, "c.martin", password, address=address).token


def test_passwords_are_hashed_as_the_authors_of_argon2_advise() -> None:
    hashed = PasswordHasher().hash("x")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_every_role_has_a_name_and_rights() -> None:
    assert set(ROLE_LABELS) == set(ROLE_RIGHTS) == set(Role)
    assert Right.READ not in ROLE_RIGHTS[Role.ELECTED] | ROLE_RIGHTS[Role.PLANNER]
    assert Right.ACCOUNTS not in ROLE_RIGHTS[Role.ADVISER]


def test_a_new_account_cannot_sign_in_before_it_has_a_password(
    db: Database, adviser: Account
) -> None:
    assert list_users(db, by=SYSTEM) == (adviser,)
    assert not adviser.has_password
    for password in ("", "None", "admin"):
        with pytest.raises(SignInError):
            signed_in(db, password)


@pytest.mark.parametrize(
    "password", ["", "court", "x" * 201, "aaaaaaaaaaaaaaaa", "c.martin c.martin !"]
)
def test_a_password_that_is_short_or_easy_is_refused_and_not_repeated(
    db: Database, adviser: Account, password: str
) -> None:
    with pytest.raises(DossierError, match=r"^password: ") as refusal:
        set_password(db, adviser.login, password, by=SYSTEM)
    assert not password or password not in str(refusal.value)


def test_an_account_is_made_once_with_a_login_that_can_be_typed(
    db: Database, adviser: Account
) -> None:
    for login in ("c.martin", "C.Martin", "x", "a b", "é", "a\x00b", "-a"):
        with pytest.raises(DossierError, match=r"^login: "):
            add_user(db, login, name="X", role=Role.ADVISER, by=SYSTEM)
    with pytest.raises(AccessError):
        add_user(db, "new", name="X", role=Role.ADMIN, by=adviser)
    with pytest.raises(UnknownDossierError, match="No account"):
        set_password(db, "nobody\x00", PASSWORD, by=SYSTEM)


def test_whoever_signs_in_gets_the_rights_of_the_role(db: Database, camille: str) -> None:
    begun = sign_in.sign_in(db, camille, PASSWORD, address="192.0.2.7")
    assert begun.account.rights == ROLE_RIGHTS[Role.ADVISER]
    assert session_account(db, begun.token).login == camille
    assert begun.token not in repr(begun)


def test_only_digests_are_kept(db: Database, camille: str) -> None:
    token = signed_in(db)
    api = issue_token(db, camille, label="x", scopes=["files.read"], days=1, by=SYSTEM)
    with db.reading() as session:
        kept = [session.scalar(select(table.token_hash)) for table in (SessionRow, TokenRow)]
        hashed = session.scalar(select(UserRow.password_hash))
    assert not {token, api} & set(kept)
    assert hashed is not None
    assert hashed.startswith("$argon2id$")


@pytest.mark.parametrize("login", ["c.martin", "nobody", "a\x00b", ""])
def test_a_wrong_name_and_a_wrong_password_are_told_alike(
    db: Database, camille: str, login: str
) -> None:
    with pytest.raises(SignInError) as refusal:
        sign_in.sign_in(db, login, "wrong", address="192.0.2.7")
    assert str(refusal.value) == sign_in.UNKNOWN
    with pytest.raises(SignInError):
        sign_in.sign_in(db, camille, "x" * 10_000, address="192.0.2.7")


@pytest.mark.usefixtures("camille")
def test_an_address_waits_after_five_failures_on_an_account_and_others_do_not(
    db: Database, clock: StillClock
) -> None:
    for _ in range(5):
        with pytest.raises(SignInError):
            signed_in(db, "wrong", "192.0.2.1")
        clock.pass_days(HOUR_DAYS / 60)
    with pytest.raises(ThrottledError, match="Try again in 10 min") as refusal:
        signed_in(db, address="192.0.2.1")
    assert refusal.value.retry_after_s == 600
    assert signed_in(db, address="198.51.100.1")
    clock.pass_days(HOUR_DAYS / 6)
    assert signed_in(db, address="192.0.2.1")


def test_guessing_from_everywhere_is_slowed_down_and_locks_nobody_out(
    db: Database, camille: str, clock: StillClock
) -> None:
    known = sign_in.sign_in(db, camille, PASSWORD, address="192.0.2.1").browser
    for number in range(ATTEMPTS_BEFORE_SLOW):
        with pytest.raises(SignInError):
            signed_in(db, "wrong", f"203.0.113.{number}")
    with pytest.raises(ThrottledError) as refusal:
        signed_in(db)
    assert refusal.value.retry_after_s == SLOW_EVERY_S
    again = sign_in.sign_in(db, camille, PASSWORD, address="192.0.2.9", browser=known)
    assert again.account.login == camille, "a known browser is let in meanwhile"
    clock.pass_days(SLOW_EVERY_S / 86_400)
    assert signed_in(db), "another one a few seconds later"


def test_a_known_browser_is_one_of_the_account_and_guesses_no_more_than_others(
    db: Database, camille: str, clock: StillClock
) -> None:
    add_user(db, "autre", name="A", role=Role.ADVISER, by=SYSTEM, password=PASSWORD)
    known = sign_in.sign_in(db, camille, PASSWORD, address="192.0.2.1").browser

    def guesses(login: str, browser: str) -> int:
        count = 0
        while True:
            try:
                sign_in.sign_in(db, login, "wrong", address="192.0.2.7", browser=browser)
            except ThrottledError:
                return count
            except SignInError:
                count += 1

    assert guesses(camille, known) == 5
    assert guesses(camille, "") == 5, "an unknown one is counted apart"
    assert guesses("autre", known) == 5
    for forged in (known[:-1] + "é", f"x{known}", ".", "\ud800.\ud800"):
        assert guesses(camille, forged) == 0
    clock.pass_days(HOUR_DAYS)
    set_password(db, camille, PASSWORD + "s", by=SYSTEM)
    assert guesses(camille, "") == 5
    assert guesses(camille, known) == 0, "with a new password it is known no more"


@pytest.mark.usefixtures("camille")
def test_an_address_waits_after_twenty_failures_whatever_the_account(db: Database) -> None:
    for number in range(20):
        with pytest.raises(SignInError):
            sign_in.sign_in(db, f"nobody{number}", "wrong", address="192.0.2.7")
    with pytest.raises(ThrottledError):
        signed_in(db)
    assert signed_in(db, address="198.51.100.1")


@pytest.mark.usefixtures("camille")
def test_neither_name_nor_address_is_kept_and_attempts_are_forgotten(
    db: Database, clock: StillClock
) -> None:
    with pytest.raises(SignInError):
        signed_in(db, "wrong")
    with db.reading() as session:
        rows = session.scalars(select(AttemptRow.subject)).all()
    assert len(rows) == 3
    assert all(len(row) == 64 for row in rows)
    clock.pass_days(HOUR_DAYS)
    signed_in(db)
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(AttemptRow)) == 0


@pytest.mark.usefixtures("camille")
def test_many_attempts_at_once_do_not_slip_through(db: Database) -> None:
    outcomes: list[type[BaseException]] = []

    def attempt() -> None:
        try:
            signed_in(db, "wrong")
        except BaseException as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=attempt) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (
        sorted(kind.__name__ for kind in outcomes) == ["SignInError"] * 5 + ["ThrottledError"] * 4
    )


@pytest.mark.usefixtures("camille")
def test_a_session_ends_unused_or_after_twelve_hours(db: Database, clock: StillClock) -> None:
    idle, used = signed_in(db), signed_in(db)
    for _ in range(14):
        clock.pass_days(HOUR_DAYS * 50 / 60)
        session_account(db, used)
    with pytest.raises(SignInError, match="over"):
        session_account(db, idle)
    clock.pass_days(HOUR_DAYS * 30 / 60)
    with pytest.raises(SignInError, match="over"):
        session_account(db, used)
    forget_old(db)
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(SessionRow)) == 0


def test_a_session_can_be_ended_by_whoever_has_it_or_an_administrator(
    db: Database, camille: str
) -> None:
    mine, other, third = (signed_in(db) for _ in range(3))
    sign_out(db, mine)
    sign_out(db, "unknown")
    with pytest.raises(SignInError):
        session_account(db, mine)
    account = session_account(db, other)
    set_password(db, camille, PASSWORD + "s", by=account)
    for token in (other, third):
        with pytest.raises(SignInError):
            session_account(db, token)
    last = signed_in(db, PASSWORD + "s")
    assert end_sessions(db, camille, by=SYSTEM) == 1
    with pytest.raises(SignInError):
        session_account(db, last)
    elected = add_user(db, "elue", name="E", role=Role.ELECTED, by=SYSTEM)
    with pytest.raises(AccessError):
        end_sessions(db, camille, by=elected)


def test_a_closed_account_is_out_at_once(db: Database, camille: str) -> None:
    token = signed_in(db)
    api = issue_token(db, camille, label="x", scopes=["files.read"], days=1, by=SYSTEM)
    disable_user(db, camille, by=SYSTEM)
    for use, given in ((session_account, token), (token_account, api)):
        with pytest.raises(SignInError):
            use(db, given)
    with pytest.raises(SignInError):
        signed_in(db)
    with pytest.raises(DossierError, match="is closed"):
        set_password(db, camille, PASSWORD, by=SYSTEM)
    with pytest.raises(DossierError, match="is closed"):
        issue_token(db, camille, label="x", scopes=["files.read"], days=1, by=SYSTEM)


@pytest.mark.usefixtures("camille")
def test_a_form_belongs_to_its_session(db: Database) -> None:
    one, other = signed_in(db), signed_in(db)
    assert is_csrf_token(one, csrf_token(one))
    for sent in (csrf_token(other), "", "é", "\ud800"):
        assert not is_csrf_token(one, sent)


def test_a_token_does_what_its_scopes_say_until_it_expires(
    db: Database, camille: str, adviser: Account, clock: StillClock
) -> None:
    file = opened(db, adviser)
    token = issue_token(db, camille, label="Tableur", scopes=["files.read"], days=30, by=SYSTEM)
    program = token_account(db, token)
    assert read_file(db, file.key, by=program).key == file.key
    with pytest.raises(AccessError, match=r"needs the right files\.write"):
        edit_file(db, file.key, 1, {"town": "Auch"}, by=program)
    assert [card.key for card in list_files(db, by=program).cards] == [file.key]
    (facts,) = list_tokens(db, by=SYSTEM)
    assert (facts.label, facts.scopes, facts.is_revoked) == ("Tableur", ("files.read",), False)
    assert facts.used_at == db.now()
    clock.pass_days(31)
    with pytest.raises(SignInError, match="expired"):
        token_account(db, token)


def test_a_token_can_be_revoked(db: Database, camille: str) -> None:
    token = issue_token(db, camille, label="x", scopes=["statistics"], days=30, by=SYSTEM)
    revoke_token(db, list_tokens(db, by=SYSTEM)[0].id, by=SYSTEM)
    with pytest.raises(SignInError):
        token_account(db, token)
    with pytest.raises(UnknownDossierError):
        revoke_token(db, 99, by=SYSTEM)


def test_an_impossible_token_is_refused(db: Database, camille: str, adviser: Account) -> None:
    assert "accounts" not in SCOPES
    add_user(db, "elue", name="E", role=Role.ELECTED, by=SYSTEM)
    for login, scopes, days, match in (
        (camille, ["accounts"], 30, "^scopes: expected"),
        (camille, [], 30, "^scopes: expected"),
        (camille, ["files.read"], 0, "^days"),
        (camille, ["files.read"], 400, "^days"),
        ("elue", ["files.read"], 30, r"does not allow files\.read"),
    ):
        with pytest.raises(DossierError, match=match):
            issue_token(db, login, label="x", scopes=scopes, days=days, by=SYSTEM)
    with pytest.raises(AccessError):
        issue_token(db, "elue", label="x", scopes=["portfolio"], days=1, by=adviser)


def test_everybody_has_their_own_tokens_and_no_others(
    db: Database, camille: str, adviser: Account
) -> None:
    elected = add_user(db, "elue", name="E", role=Role.ELECTED, by=SYSTEM)
    issue_token(db, "elue", label="Leur", scopes=["portfolio"], days=1, by=SYSTEM)
    token = issue_token(db, camille, label="Mien", scopes=["files.read"], days=1, by=adviser)
    (mine,) = list_tokens(db, by=adviser, login=camille)
    (theirs,) = list_tokens(db, by=elected, login="elue")
    assert mine.label == "Mien"
    for login in (None, "elue"):
        with pytest.raises(AccessError):
            list_tokens(db, by=adviser, login=login)
    with pytest.raises(UnknownDossierError):
        revoke_token(db, theirs.id, by=adviser)
    program = token_account(db, token)
    with pytest.raises(DossierError, match=r"does not allow files\.write"):
        issue_token(db, camille, label="x", scopes=["files.write"], days=1, by=program)
    revoke_token(db, mine.id, by=adviser)
    with pytest.raises(SignInError):
        token_account(db, token)


def test_an_unknown_token_is_refused(db: Database) -> None:
    for token in ("", "gm_x", "\ud800"):
        with pytest.raises(SignInError):
            token_account(db, token)
        with pytest.raises(SignInError):
            session_account(db, token)


@pytest.mark.usefixtures("camille")
def test_a_password_is_in_no_table(db: Database) -> None:
    signed_in(db)
    with db.reading() as session:
        rows = session.execute(text("SELECT * FROM users")).all()
    assert PASSWORD not in repr(rows)
