"""The service with its advisers' side open: on SQLite, unless a test asks for PostgreSQL too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.app import create_app
from api.desk import Desk
from api.enquiries import Inbox
from api.settings import Settings
from geo_matcher.dossiers import accounts, sign_in
from geo_matcher.dossiers.accounts import ROLE_RIGHTS, SYSTEM, Account, Role, add_user
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.sign_in import SCOPES, issue_token
from geo_matcher.territory import Territory
from tests.integration.dossiers.conftest import migrated
from tests.integration.dossiers.people import StillClock
from tests.integration.dossiers.service.asking import PASSWORD, Browser

Ask = Callable[..., TestClient]


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    for module in (accounts, sign_in):
        monkeypatch.setattr(module, "hasher", lambda: quick)


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return migrated(request, tmp_path, getattr(request, "param", "sqlite"))


@pytest.fixture(scope="session")
def _service(territory: Territory) -> Iterator[FastAPI]:
    """One application for all these tests; each gives it its own database."""
    app = create_app(Settings(release=territory.folder, advisers="on"), territory)
    with TestClient(app):
        yield app


@pytest.fixture
def service(_service: FastAPI, url: str, clock: StillClock) -> Iterator[FastAPI]:
    settings = Settings(advisers="on", database_url=SecretStr(url))
    _service.state.desk = Desk(settings, clock)
    _service.state.inbox = Inbox()
    yield _service
    _service.state.desk.close()


@pytest.fixture
def adviser(db: Database) -> Account:
    return add_user(
        db, "c.martin", name="Camille Martin", role=Role.ADVISER, by=SYSTEM, password=PASSWORD
    )


@pytest.fixture
def ask(service: FastAPI, db: Database) -> Ask:
    """Return a function that gives a client with the token of a role; None for nobody's."""

    def asking(role: Role | None = Role.ADVISER, scopes: list[str] | None = None) -> TestClient:
        client = TestClient(service, follow_redirects=False, raise_server_exceptions=False)
        if role is not None:
            login = f"{role.value}.test"
            if login not in {account.login for account in accounts.list_users(db, by=SYSTEM)}:
                add_user(db, login, name=role.value.title(), role=role, by=SYSTEM)
            allowed = [scope for scope in SCOPES if scope in ROLE_RIGHTS[role]]
            token = issue_token(
                db, login, label="test", scopes=scopes or allowed, days=300, by=SYSTEM
            )
            client.headers["Authorization"] = f"Bearer {token}"
        return client

    return asking


@pytest.fixture
def browser(service: FastAPI, adviser: Account) -> Browser:  # noqa: ARG001 - whose account it is
    """Return a browser that is not signed in yet."""
    return Browser(service)
