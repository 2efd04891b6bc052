"""The network's spreadsheet in, everything out, and no formula with it."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from geo_matcher.dossiers.accounts import SYSTEM, Account, Role, add_user, disable_user
from geo_matcher.dossiers.cells import as_typed, neutral, written_xlsx
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.entries import add_note
from geo_matcher.dossiers.handover import export_everything
from geo_matcher.dossiers.reading import list_files, read_file
from geo_matcher.dossiers.spreadsheets import (
    COLUMNS,
    Problem,
    import_files,
    preview_spreadsheet,
)
from geo_matcher.dossiers.stages import Stage
from geo_matcher.errors import AccessError, DossierError
from geo_matcher.territory import Territory
from geo_matcher.towns import in_service
from tests.integration.dossiers.people import SECRETS, opened

HEADINGS = [names[0] for names in COLUMNS.values()]
GOOD: dict[str, Any] = {
    "Nom": "Quatrebarbes",
    "Prénom": "Zéphyrine",
    "Courriel": "z@exemple.test",
    "Téléphone": "+33 6 00 00 00 42",
    "Ville": "Lille",
    "Date de demande": "15/01/2024",
    "Étape": "Installée",
    "Parcours": "Cultura",
    "Secteur": "Arts et culture",
    "Origine": "lille",
    "Source": "Bouche-à-oreille",
    "Conseiller": "Camille Martin",
    "Commune d’installation": "Mauvezin",
    "Date d’installation": "01/09/2024",
    "Personnes": "4",
    "Remarques": "Très motivée",
    "Consentement le": "15/01/2024",
    "Consentement jusqu’au": "15/01/2029",
}


def sheet(path: Path, *rows: dict[str, Any]) -> Path:
    headings = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, headings, delimiter=";", restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_row_of_the_network_becomes_a_file(
    db: Database, adviser: Account, tmp_path: Path, territory: Territory
) -> None:
    closed = {"Nom": "Noulens", "Étape": "Close", "Motif de clôture": "Sans réponse"}
    path = sheet(tmp_path / "suivi.csv", GOOD, {"Nom": "Durand"}, {"Nom": ""}, closed)
    preview = preview_spreadsheet(db, path, by=adviser, territory=territory)
    assert (preview.problems, preview.ignored, preview.duplicates) == ((), (), ())
    assert [line.row for line in preview.lines] == [2, 3, 5]
    assert list_files(db, by=adviser).total == 0
    assert import_files(db, preview, by=adviser) == 3
    (card,) = list_files(db, by=adviser, text="Zéphyrine").cards
    file = read_file(db, card.key, by=adviser)
    assert file.draft is not None
    assert file.draft.name == "Zéphyrine Quatrebarbes"
    assert (file.draft.track, file.draft.sector, file.draft.source, file.draft.adviser) == (
        "cultura", "arts", "word_of_mouth", "c.martin",
    )  # fmt: skip
    assert file.settled is not None
    assert (file.settled.commune, file.settled.on) == ("32249", dt.date(2024, 9, 1))
    assert (file.stage, file.settled.persons, file.notes[0].text) == (
        Stage.SETTLED, 4, "Très motivée",
    )  # fmt: skip
    assert file.opened_at.date() == dt.date(2024, 1, 15)
    assert [f.months for f in file.follow_ups] == [6, 12, 24]
    assert file.keep_until == dt.date(2027, 9, 1)
    (last,) = list_files(db, by=adviser, stages=[Stage.CLOSED]).cards
    assert read_file(db, last.key, by=adviser).closed_reason == "no_answer"


def test_every_problem_is_told_by_row_and_column_and_nothing_is_imported(
    db: Database, adviser: Account, tmp_path: Path
) -> None:
    bad = {
        "Courriel": SECRETS["name"],
        "Téléphone": "x",
        "Date de demande": "31/02/2024",
        "Étape": "Zéphyrine",
        "Secteur": "inconnu",
        "Conseiller": "personne",
        "Consentement jusqu’au": "x",
    }
    for heading, cell in bad.items():
        path = sheet(tmp_path / "bad.csv", GOOD | {"Commune d’installation": "32249"},
                     {**dict.fromkeys(GOOD, ""), "Nom": "X", heading: cell})  # fmt: skip
        preview = preview_spreadsheet(db, path, by=adviser)
        found = {(problem.row, problem.column) for problem in preview.problems}
        assert found == {(3, heading)}, preview.problems
        with pytest.raises(DossierError, match="Nothing was imported") as refusal:
            import_files(db, preview, by=adviser)
        assert "Zéphyrine" not in str(refusal.value)
    settled = {"Étape": "Installée", "Personnes": "0", "Commune d’installation": "nulle part",
               "Date d’installation": "", "Nom": "X"}  # fmt: skip
    preview = preview_spreadsheet(db, sheet(tmp_path / "bad.csv", settled), by=adviser)
    assert {p.column for p in preview.problems} == {
        "Personnes", "Commune d’installation", "Date d’installation",
    }  # fmt: skip
    assert list_files(db, by=adviser).total == 0


@pytest.mark.parametrize(
    ("network", "track", "understood"),
    [
        ("Soho Solo", "Soho Solo Cultura", "cultura"),
        ("Causses Connectés", "causses connectes", "solo"),
        ("Causses Connectés", "Soho Solo", None),
        ("", "Artistes", "cultura"),
        ("", "Indépendants", "solo"),
        ("", "Soho Solo", None),
    ],
)
def test_a_track_may_bear_the_name_of_the_network_of_the_territory(
    db: Database, adviser: Account, tmp_path: Path, territory: Territory,
    network: str, track: str, understood: str | None,
) -> None:  # fmt: skip
    own = territory.about.network
    assert own is not None
    named = own.model_copy(update={"name": network}) if network else None
    path = sheet(
        tmp_path / "tracks.csv", GOOD | {"Commune d’installation": "32249", "Parcours": track}
    )
    with in_service(territory.about.model_copy(update={"network": named})):
        preview = preview_spreadsheet(db, path, by=adviser)
    assert [line.draft.track for line in preview.lines] == ([understood] if understood else [])
    assert [problem.column for problem in preview.problems] == ([] if understood else ["Parcours"])


def test_a_failure_in_the_middle_leaves_nothing(
    db: Database, adviser: Account, tmp_path: Path
) -> None:
    path = sheet(tmp_path / "s.csv", {"Nom": "Un"}, {"Nom": "Deux", "Conseiller": "c.martin"})
    preview = preview_spreadsheet(db, path, by=adviser)
    disable_user(db, "c.martin", by=SYSTEM)
    with pytest.raises(DossierError, match="row 3: adviser"):
        import_files(db, preview, by=SYSTEM)
    assert list_files(db, by=SYSTEM).total == 0


def test_what_is_there_already_is_told_and_holds_nothing_up(
    db: Database, adviser: Account, tmp_path: Path
) -> None:
    file = opened(db, adviser, email="z@exemple.test", phone="", town="")
    rows = (
        {"Nom": "Z", "Courriel": "Z+x@exemple.test"},
        {"Nom": "Y", "Courriel": "z@exemple.test"},
    )
    preview = preview_spreadsheet(db, sheet(tmp_path / "s.csv", *rows), by=adviser)
    told = [(row, found.other, found.reasons) for row, found in preview.duplicates]
    assert told == [
        (2, file.key, ("email",)), (3, file.key, ("email",)), (3, "row 2", ("email",)),
    ]  # fmt: skip


def test_a_workbook_with_real_dates_and_numbers_is_read_as_well(tmp_path: Path, clock: Any) -> None:
    rows: list[list[Any]] = [
        ["Contact", "Date", "Statut", "Commune d’installation", "Date d’installation", "Personnes",
         "Ne sert à rien"],
        ["Léa Exemple", dt.datetime(2024, 1, 5), "settled", 32249, dt.date(2024, 6, 1), 3, "x"],
    ]  # fmt: skip
    path = tmp_path / "suivi.xlsx"
    path.write_bytes(written_xlsx({"Suivi": rows}))
    with Database.open(f"sqlite:///{tmp_path}/d.sqlite3", clock=clock) as db:
        preview = preview_spreadsheet(db, path, by=SYSTEM)
    assert preview.problems == ()
    assert preview.ignored == ("Ne sert à rien",)
    (line,) = preview.lines
    assert (line.settled_commune, line.persons, line.opened_on) == ("32249", 3, dt.date(2024, 1, 5))


def test_files_of_windows_and_of_commas_are_read(tmp_path: Path, clock: Any) -> None:
    with Database.open(f"sqlite:///{tmp_path}/d.sqlite3", clock=clock) as db:
        for content in (
            "Nom;Ville\r\nÉlé;Nîmes\r\n".encode("cp1252"),
            "Nom,Ville\nÉlé,Nîmes\n".encode(),
            "\ufeffNom\tVille\nÉlé\tNîmes\n".encode(),
        ):
            path = tmp_path / "s.csv"
            path.write_bytes(content)
            (line,) = preview_spreadsheet(db, path, by=SYSTEM).lines
            assert (line.draft.name, line.draft.town) == ("Élé", "Nîmes")


def test_what_is_no_such_table_is_refused(tmp_path: Path, clock: Any) -> None:
    path = tmp_path / "s.csv"
    with Database.open(f"sqlite:///{tmp_path}/d.sqlite3", clock=clock) as db:
        for content, match in (
            (b"", "0 bytes"),
            (b"PK\x03\x04 broken", "is damaged"),
            (b"Ville\nAuch\n", "no column 'Nom'"),
            (b'Nom\n"' + b"x" * 200_000, "damaged: a cell has no end"),
            (b"Nom\n" + b"x\n" * 20_002, "more than 20,000 rows"),
        ):
            path.write_bytes(content)
            with pytest.raises(DossierError, match=match):
                preview_spreadsheet(db, path, by=SYSTEM)
        with pytest.raises(DossierError, match="cannot be read"):
            preview_spreadsheet(db, tmp_path / "nothing", by=SYSTEM)
        path.write_text("Nom;Contact\nx;y\n", encoding="utf-8")
        (problem,) = preview_spreadsheet(db, path, by=SYSTEM).problems
        assert problem.text("en") == "row 1, column 'Contact': two columns say the same"


def test_a_problem_is_a_sentence_in_both_languages() -> None:
    problem = Problem(3, "Ville", "attendue", "expected")
    assert problem.text("fr") == "ligne 3, colonne « Ville » : attendue"
    assert Problem(3, "", "attendue", "expected").text("en") == "row 3: expected"


# --- Out ---------------------------------------------------------------------------------------

FORMULAS = [
    "=1+1",
    "+33 6 00 00 00 42",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "  =cmd|' /C calc'!A0",
    "\uff1d1",
]


@pytest.mark.parametrize("typed", FORMULAS)
def test_a_formula_becomes_a_text_and_reads_back(typed: str) -> None:
    assert neutral(typed) == f"'{typed}"
    assert as_typed(neutral(typed)) == typed


def test_what_is_no_formula_stays() -> None:
    for value in ("Léa", "l'été", "'", "", 3, -2.5, None):
        assert neutral(value) == value
        if isinstance(value, str):
            assert as_typed(value) == value


def test_everything_goes_out_and_no_cell_is_a_formula(db: Database, adviser: Account) -> None:
    file = opened(db, adviser, name="=HYPERLINK(1)", town="@x", message="-1+1")
    add_note(db, file.key, "=cmd|'/C calc'!A0", by=adviser)
    parts = zipfile.ZipFile(io.BytesIO(export_everything(db, "csv", by=adviser)))
    assert "dossiers.csv" in parts.namelist()
    cells = 0
    for name in parts.namelist():
        for row in csv.reader(io.StringIO(parts.read(name).decode("utf-8-sig"))):
            for cell in row:
                cells += 1
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), (name, cell)
    assert cells > 100
    book = openpyxl.load_workbook(io.BytesIO(export_everything(db, "xlsx", by=adviser)))
    values = [c for sheet in book for row in sheet.iter_rows() for c in row if c.value is not None]
    assert all(cell.data_type != "f" for cell in values)
    assert "'=HYPERLINK(1)" in {cell.value for cell in values}
    plain = json.loads(export_everything(db, "json", by=adviser))
    assert plain["dossiers"][0]["name"] == "=HYPERLINK(1)"
    assert plain["notes"][0]["text"] == "=cmd|'/C calc'!A0"
    assert len(plain["events"]) == len(read_file(db, file.key, by=adviser).events)


def test_no_secret_goes_out_and_not_everybody_may_export(db: Database, adviser: Account) -> None:
    add_user(
        db, "a.durand", name="A", role=Role.ADVISER, by=SYSTEM, password="cinq mots bien à moi"
    )
    found = export_everything(db, "json", by=adviser)
    assert b"argon2" not in found
    assert db.mark("pepper").encode() not in found
    elected = add_user(db, "elue", name="E", role=Role.ELECTED, by=SYSTEM)
    with pytest.raises(AccessError):
        export_everything(db, "json", by=elected)
    with pytest.raises(DossierError, match="form: expected"):
        export_everything(db, "pdf", by=adviser)  # type: ignore[arg-type]
