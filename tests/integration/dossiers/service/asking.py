"""A browser as far as the sign-in page needs one, and what the tests send again and again."""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.errors import PROBLEM_JSON
from api.models import Problem
from api.private import API
from tests.integration.dossiers.people import PROFILE, SECRETS

PASSWORD = "quatre mots faciles à retenir"
SIGN_IN = "/conseillers/connexion"
SIGN_OUT = "/conseillers/deconnexion"
ENQUIRY: dict[str, Any] = {
    **SECRETS,
    "origin_city": "paris",
    "members": [{"label": "Zéphyrine", "profile": PROFILE}],
    "consents": [{"what": "accompany", "given_on": "2026-03-01", "until": "2027-03-01"}],
}


class Browser:
    """Keeps cookies, sends forms."""

    def __init__(self, app: FastAPI, base_url: str = "http://testserver") -> None:
        self.client = TestClient(
            app, base_url=base_url, follow_redirects=False, raise_server_exceptions=False
        )

    def sign_in(self, login: str = "c.martin", password: str = PASSWORD, **fields: str) -> Any:
        page = self.client.get(SIGN_IN)
        sent = {"csrf": csrf_in(page.text), "login": login, "password": password} | fields
        return self.client.post(SIGN_IN, data=sent)

    @property
    def session(self) -> str:
        names = [name for name in self.client.cookies if name.endswith("gm-session")]
        return self.client.cookies[names[0]] if names else ""


def csrf_in(html: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', html)
    assert found
    return found[1]


def problem_of(answer: Any, status: int) -> dict[str, Any]:
    """Assert that an answer is a problem, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == PROBLEM_JSON
    assert answer.headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = answer.json()
    Problem.model_validate({k: v for k, v in found.items() if k in Problem.model_fields})
    return found


def made(client: TestClient, **fields: Any) -> dict[str, Any]:
    """Open a file and return it."""
    answer = client.post(API, json=ENQUIRY | fields)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found
