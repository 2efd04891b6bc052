"""The commands on files and accounts, from end to end."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from geo_matcher.dossiers import demonstration
from geo_matcher.dossiers.accounts import SYSTEM
from geo_matcher.dossiers.database import DATABASE_SETTING, Database
from geo_matcher.dossiers.sign_in import sign_in, token_account
from tests.integration.commands import Run, caller
from tests.integration.dossiers.people import SECRETS, opened

PASSWORD = "quatre mots faciles à retenir"


@pytest.fixture
def url(_sqlite_template: Path, tmp_path: Path) -> str:
    shutil.copyfile(_sqlite_template, tmp_path / "d.sqlite3")
    return f"sqlite:///{tmp_path}/d.sqlite3"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str) -> Run:
    """Call the command line on SQLite alone: what it calls is tested on both databases."""
    monkeypatch.setenv(DATABASE_SETTING, url)
    return caller(monkeypatch, capsys)


def test_accounts_are_made_listed_closed_and_get_passwords_and_tokens(run: Run, url: str) -> None:
    add = ("users", "add", "c.martin", "--name", "Camille [b]Martin", "--role", "adviser")
    code, _, err = run(*add, typed="court\n")
    assert (code, "found 5 characters" in err) == (2, True)
    assert run(*add, typed=f"{PASSWORD}\n")[0] == 0
    assert "without" not in run("users", "list")[1]
    assert "Camille [b]Martin" in run("users", "list")[1]
    code, _, err = run(*add, typed=f"{PASSWORD}\n")
    assert (code, "exists already" in err) == (2, True)
    code, out, _ = run("users", "add", "a.b", "--name", "A", "--role", "elected",
                       "--without-password")  # fmt: skip
    assert "cannot sign in before" in out
    assert "no password yet" in run("users", "list")[1]
    assert run("users", "password", "a.b", typed=f"{PASSWORD}\n")[0] == 0
    code, out, _ = run("users", "token", "c.martin", "--label", "Tableur", "--scope", "files.read")
    with Database(url) as db:
        assert sign_in(db, "c.martin", PASSWORD, address="").account.login == "c.martin"
        assert token_account(db, out.strip()).rights == {"files.read", "portfolio"}
    assert "Tableur" in run("users", "tokens")[1]
    number = run("users", "tokens")[1].splitlines()[1].split()[0]
    assert run("users", "revoke", number)[0] == 0
    assert "revoked" in run("users", "tokens")[1]
    assert run("users", "disable", "c.martin")[0] == 0
    assert "closed" in run("users", "list")[1]
    assert run("users", "disable", "nobody")[0] == 2


def test_files_go_in_and_out_and_away(run: Run, url: str, tmp_path: Path) -> None:
    table = tmp_path / "suivi.csv"
    table.write_text("Nom;Courriel;Tél\nDurand;pas une adresse;x\n", encoding="utf-8")
    code, _, err = run("dossiers", "import", str(table))
    assert code == 2
    assert (
        "  - ligne 2, colonne « Courriel » : une adresse comme nom@exemple.org est attendue" in err
    )
    table.write_text("Nom;Courriel;Inutile\nDurand;a@exemple.test;x\n", encoding="utf-8")
    _, out, _ = run("dossiers", "import", str(table), "--lang", "en")
    assert "Columns left out, not understood: Inutile" in out
    assert "1 files can be imported" in out
    for _ in range(2):
        _, out, _ = run("dossiers", "import", str(table), "--import")
        assert "1 files imported" in out
    assert "Row 2 may be" in out
    with Database(url) as db:
        key = opened(db, SYSTEM).key
    assert run("dossiers", "duplicates")[1].endswith("email\n")
    out_file = tmp_path / "tout"
    for form in ("csv", "xlsx", "json"):
        assert run("dossiers", "export", "--format", form, "-o", str(out_file))[0] == 0
        assert out_file.stat().st_size > 1000
    assert run("dossiers", "person", key, "-o", str(out_file))[0] == 0
    assert json.loads(out_file.read_bytes())["fields"]["name"] == SECRETS["name"]
    assert "0 files are past their end" in run("dossiers", "purge", "--dry-run")[1]
    assert "0 files made anonymous" in run("dossiers", "purge")[1]
    code, _, err = run("dossiers", "erase", key, typed="n\n")
    assert (code, "not confirmed" in err) == (2, True)
    assert run("dossiers", "erase", key, "--yes")[0] == 0
    assert run("dossiers", "erase", key, "--yes")[0] == 2
    _, out, _ = run("dossiers", "info")
    assert "Enquiry" in out
    assert "version 0004" in out


def test_figures_are_printed_and_shared_without_small_counts(run: Run) -> None:
    _, out, _ = run("dossiers", "report", "2025")
    assert "2025: 0 enquiries" in out
    _, out, _ = run("dossiers", "report", "2025", "--format", "json", "--shared")
    assert "communes" not in json.loads(out)


def test_versions_go_back_only_when_it_is_confirmed(run: Run) -> None:
    assert "at version 0004" in run("dossiers", "migrate")[1]
    assert run("dossiers", "migrate", "--to", "0002", typed="n\n")[0] == 2
    assert "at version 0002" in run("dossiers", "migrate", "--to", "0002", "--yes")[1]
    assert "at version 0004" in run("dossiers", "migrate")[1]


def test_a_backup_comes_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv(DATABASE_SETTING, f"sqlite:///{tmp_path}/d.sqlite3")
    run = caller(monkeypatch, capsys)

    def call(*arguments: str) -> str:
        told = run(*arguments)
        assert told.code == 0
        return told.out

    with Database.open() as db:
        opened(db, SYSTEM)
    assert "1 kept" in call("dossiers", "backup", str(tmp_path / "b"))
    (path,) = (tmp_path / "b").glob("*.sqlite3")
    assert "0 erased again" in call("dossiers", "restore", str(path), "--yes")
    monkeypatch.setattr(
        demonstration, "make_demonstration", lambda *_, **__: demonstration.Demonstration(411, 173)
    )
    told = call("demo", "--file", str(tmp_path / "demo.sqlite3"))
    assert "411 invented files, 173 of them anonymous" in told


def loaded(heavy: set[str], *modules: str) -> str:
    """Return which heavy libraries come along with some modules."""
    code = f"import sys, {', '.join(modules)}; print(*sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def test_whoever_does_not_use_files_does_not_pay_for_them() -> None:
    heavy = {"sqlalchemy", "alembic", "psycopg", "argon2", "openpyxl", "rapidfuzz"}
    assert loaded(heavy, "geo_matcher.cli", "api.app", "geo_matcher.dossiers") == ""


def test_files_do_not_load_the_statistics() -> None:
    names = "desk entries reading sign_in privacy backups duplicates spreadsheets year_report"
    modules = [f"geo_matcher.dossiers.{name}" for name in names.split()]
    assert loaded({"scipy.stats", "openpyxl", "rapidfuzz"}, *modules) == ""
