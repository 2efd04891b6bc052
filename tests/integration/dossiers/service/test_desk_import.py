"""A spreadsheet taken in by a page, every problem shown first; and everything handed over."""

from __future__ import annotations

import html
import io
import re
import zipfile
from typing import Any

import pytest

from api.desk_import import MAX_UNPACKED, packed, unpacked
from api.private import PAGES
from geo_matcher.dossiers.accounts import SYSTEM, Account, Role, add_user
from geo_matcher.dossiers.cells import read_cells, written_csv, written_xlsx
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.reading import list_files, read_file
from tests.integration.dossiers.people import opened
from tests.integration.dossiers.service.asking import PASSWORD, Browser, csrf_in

IMPORT, EXPORT = f"{PAGES}/import", f"{PAGES}/export"
GOOD: list[list[Any]] = [
    ["Nom", "Prénom", "Courriel", "Étape", "Conseiller", "Humeur"],
    ["Exemple", "Léa", "lea@exemple.test", "Projet qualifié", "Camille Martin", "gaie"],
    ["Modèle", "Jean", "", "", "", ""],
]
BAD = [
    ["Nom", "Courriel", "Étape"],
    ["<script>alert(1)</script>", "nulle part", "Perdu"],
    ["", "", "Demande"],
]


def sent(browser: Browser, content: bytes, **fields: str) -> Any:
    page = browser.client.get(IMPORT)
    data = {"csrf": csrf_in(page.text)} | fields
    files = {"file": ("../../suivi.xlsx", content)}
    return browser.client.post(f"{IMPORT}/apercu", data=data, files=files)


def hidden(page: str) -> dict[str, str]:
    return {
        name: html.unescape(value)
        for name, value in re.findall(r'name="(csrf|last_import|content)" value="([^"]*)"', page)
    }


@pytest.fixture(autouse=True)
def _signed_in(browser: Browser) -> None:
    assert browser.sign_in().status_code == 303


@pytest.mark.parametrize("content", [written_csv(GOOD), written_xlsx({"Suivi": GOOD})])
def test_what_is_previewed_and_confirmed_is_there(
    browser: Browser, db: Database, content: bytes
) -> None:
    shown = sent(browser, content)
    assert shown.status_code == 200
    for text in ("2 dossiers prêts", "Léa Exemple", "Camille Martin", "Humeur", "Importer 2"):
        assert text in shown.text
    assert list_files(db, by=SYSTEM).total == 0, "a preview writes nothing"
    done = browser.client.post(IMPORT, data=hidden(shown.text))
    assert (done.status_code, done.headers["Location"]) == (
        303, f"{PAGES}/dossiers?fait=imported",
    )  # fmt: skip
    cards = list_files(db, by=SYSTEM).cards
    assert {(card.name, card.stage) for card in cards} == {
        ("Léa Exemple", "qualified"), ("Jean Modèle", "enquiry"),
    }  # fmt: skip
    # The button pressed twice: what is there already is shown, and nothing is written.
    again = browser.client.post(IMPORT, data=hidden(shown.text))
    assert again.status_code == 409
    assert "Un import a été fait depuis" in again.text
    assert "ressemble" in again.text
    assert list_files(db, by=SYSTEM).total == 2
    # Confirmed on that page, it is what somebody wants.
    assert browser.client.post(IMPORT, data=hidden(again.text)).status_code == 303
    assert list_files(db, by=SYSTEM).total == 4


def test_every_problem_is_shown_by_row_and_column_and_nothing_can_be_confirmed(
    browser: Browser, db: Database
) -> None:
    shown = sent(browser, written_csv(BAD))
    assert shown.status_code == 422
    cells = re.findall(r'class="at">Ligne (\d+)</span> <b>([^<]*)</b>', shown.text)
    assert cells == [("2", "Étape"), ("2", "Courriel"), ("3", "Nom")]
    assert "3 cellules à corriger" in shown.text
    assert "<script>alert" not in shown.text
    assert 'name="content"' not in shown.text
    forged = hidden(shown.text) | {"content": packed(written_csv(BAD)), "last_import": "0"}
    assert browser.client.post(IMPORT, data=forged).status_code == 422
    assert list_files(db, by=SYSTEM).total == 0
    english = browser.client.post(
        f"{IMPORT}/apercu?lang=en",
        data={"csrf": forged["csrf"]},
        files={"file": ("x", written_csv(BAD))},
    )
    assert "3 cells to correct" in english.text


def test_what_is_there_already_is_linked(browser: Browser, db: Database, adviser: Account) -> None:
    file = opened(db, adviser, email="lea@exemple.test")
    shown = sent(browser, written_csv(GOOD)).text
    assert f"{PAGES}/dossiers/{file.key}" in shown
    assert "1 ligne ressemble" in shown


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "Choisissez d’abord un fichier"),
        (b"PK\x03\x04broken", "ne se lit pas"),
        (b"Prenom;Ville\nA;B\n", "pas de colonne"),
        (b"Nom\n", "aucune ligne"),
        (b"x" * 10_050_000, "trop lourd"),
        (b"x" * 11_000_000, "trop lourd"),
    ],
)
def test_what_is_no_spreadsheet_is_told_in_words(
    browser: Browser, content: bytes, said: str
) -> None:
    answer = sent(browser, content)
    assert answer.status_code in {200, 413, 422}
    assert said in answer.text
    assert "Importer 0" not in answer.text


def test_only_our_own_page_can_send_a_spreadsheet(browser: Browser, db: Database) -> None:
    assert sent(browser, written_csv(GOOD), csrf="0" * 64).status_code == 403
    confirmed = hidden(sent(browser, written_csv(GOOD)).text)
    assert browser.client.post(IMPORT, data=confirmed | {"csrf": ""}).status_code == 403
    for content in ("", "****", "AAAA", packed(b"0" * (MAX_UNPACKED + 1))):
        answer = browser.client.post(IMPORT, data=confirmed | {"content": content})
        assert answer.status_code == 422
        assert "perdu en route" in answer.text
    assert list_files(db, by=SYSTEM).total == 0
    assert unpacked(packed(b"abc")) == b"abc"


def test_everything_is_handed_over_in_each_form(
    browser: Browser, db: Database, adviser: Account
) -> None:
    opened(db, adviser)
    page = browser.client.get(f"{EXPORT}?lang=en")
    assert "Export all files" in page.text
    csrf = {"csrf": csrf_in(page.text)}
    for form, begin in (("xlsx", b"PK"), ("csv", b"PK"), ("json", b"{"), ("../x", b"PK")):
        answer = browser.client.post(EXPORT, data=csrf | {"form": form})
        assert answer.status_code == 200
        assert answer.content.startswith(begin)
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="dossiers-')
    assert browser.client.post(EXPORT, data={"form": "json"}).status_code == 403
    with zipfile.ZipFile(io.BytesIO(browser.client.get(f"{IMPORT}/modele").content)) as parts:
        assert "xl/workbook.xml" in parts.namelist()


def test_the_empty_spreadsheet_can_be_filled_in_and_taken_in(
    browser: Browser, db: Database, tmp_path: Any
) -> None:
    path = tmp_path / "modele.xlsx"
    path.write_bytes(browser.client.get(f"{IMPORT}/modele").content)
    (headings,) = read_cells(path)
    filled = [headings, ["Exemple" if heading == "Nom" else "" for heading in headings]]
    shown = sent(browser, written_xlsx({"Dossiers": filled}))
    assert "1 dossier prêt" in shown.text
    assert "laissées de côté" not in shown.text
    browser.client.post(IMPORT, data=hidden(shown.text))
    (card,) = list_files(db, by=SYSTEM).cards
    assert read_file(db, card.key, by=SYSTEM).draft is not None


@pytest.mark.parametrize("role", [Role.PLANNER, Role.ELECTED])
def test_whoever_may_not_change_files_takes_in_and_hands_over_nothing(
    browser: Browser, db: Database, role: Role
) -> None:
    add_user(db, "autre", name="Autre", role=role, by=SYSTEM, password=PASSWORD)
    browser.client.cookies.clear()
    assert browser.sign_in("autre").status_code == 303
    for path in (IMPORT, f"{IMPORT}/modele", EXPORT):
        assert browser.client.get(path).status_code == 403
    csrf = csrf_in(browser.client.get(f"{PAGES}/bilan").text)
    for path in (IMPORT, EXPORT):
        assert browser.client.post(path, data={"csrf": csrf}).status_code == 403
    files = {"file": ("x", written_csv(GOOD))}
    answer = browser.client.post(f"{IMPORT}/apercu", data={"csrf": csrf}, files=files)
    assert answer.status_code == 403
    if role is Role.ELECTED:
        assert IMPORT not in browser.client.get(f"{PAGES}/dossiers").text
