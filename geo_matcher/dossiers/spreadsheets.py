"""The network's spreadsheet, read: a preview with every problem, then all of it or nothing.

Hides the French headings and words of such files, their encodings and date forms. A problem names
its row and column as the spreadsheet program shows them, and never repeats what stood in a cell.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as detail
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo_matcher.dossiers.accounts import Account, Right, Role, require
from geo_matcher.dossiers.cells import as_typed, cell_text, read_cells
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.desk import add_file
from geo_matcher.dossiers.fields import (
    MAX_NOTE_CHARS,
    SOURCES,
    Consent,
    Draft,
    checked_text,
    draft_of,
)
from geo_matcher.dossiers.journal import record, renew_end
from geo_matcher.dossiers.likeness import Likeness, Traits, every_traits, pairs_alike, traits_of
from geo_matcher.dossiers.records import DossierRow, EventRow, FollowUpRow, NoteRow, UserRow
from geo_matcher.dossiers.stages import (
    CLOSING_REASONS,
    MAX_PERSONS,
    STAGE_LABELS,
    Stage,
    follow_up_days,
    is_insee_code,
)
from geo_matcher.errors import DossierError, SpreadsheetError, UnknownCommuneError
from geo_matcher.profile import CITIES
from geo_matcher.territory import Territory
from geo_matcher.territory_file import TerritoryFile
from geo_matcher.towns import LiveMapping

__all__ = [
    "COLUMNS",
    "WORDS",
    "Line",
    "Preview",
    "Problem",
    "import_files",
    "preview_spreadsheet",
]

COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "name": ("Nom", "Nom et prénom", "Contact"),
        "first_name": ("Prénom",),
        "email": ("Courriel", "E-mail", "Mail", "Adresse e-mail"),
        "phone": ("Téléphone", "Tél", "Portable"),
        "town": ("Ville", "Ville actuelle", "Commune actuelle"),
        "message": ("Message", "Projet", "Demande"),
        "opened_on": ("Date de demande", "Date", "Date de la demande"),
        "stage": ("Étape", "Statut", "État"),
        "track": ("Parcours",),
        "sector": ("Secteur", "Secteur d’activité", "Activité"),
        "origin_city": ("Origine", "Grande ville quittée"),
        "source": ("Source", "Connu par"),
        "adviser": ("Conseiller", "Conseillère", "Suivi par"),
        "settled_commune": ("Commune d’installation", "Village d’installation"),
        "settled_on": ("Date d’installation",),
        "persons": ("Personnes", "Nombre de personnes"),
        "closed_reason": ("Motif de clôture", "Motif"),
        "note": ("Remarques", "Commentaires", "Notes"),
        "consent_on": ("Consentement le", "Date du consentement"),
        "consent_until": ("Consentement jusqu’au", "Fin du consentement"),
    }
)
"""Headings that are understood for each field, the first being the one to advise."""

SECTOR_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "audit_consulting": ("Audit, conseil", "Conseil", "Audit"),
        "training": ("Formation",),
        "it": ("Informatique",),
        "internet": ("Internet", "Web"),
        "e_commerce": ("Commerce en ligne", "E-commerce"),
        "crafts": ("Artisanat",),
        "arts": ("Arts", "Arts et culture", "Culture"),
        "other": ("Autre",),
    }
)


def _words(about: TerritoryFile) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Return the words of a territory: its network calls its tracks by its own name, too."""
    own = () if about.network is None else (about.network.name,)
    artists = about.artists_track
    of_artists = (artists, *(f"{name} {artists}" for name in own)) if artists else ()
    return {
        "stage": {stage.value: tuple(words.values()) for stage, words in STAGE_LABELS.items()},
        "closed_reason": {key: tuple(words.values()) for key, words in CLOSING_REASONS.items()},
        "track": {
            "solo": ("Solo", "Indépendants", *own),
            "cultura": tuple(dict.fromkeys((*of_artists, "Artistes"))),
        },
        "sector": SECTOR_WORDS,
        "origin_city": {city: (city.capitalize(),) for city in CITIES}
        | {"other": ("Autre", "Ailleurs")},
        "source": {key: tuple(words.values()) for key, words in SOURCES.items()},
    }


WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = LiveMapping(_words)
"""Words that a column holds, by what they stand for; any of their spellings will do."""

EXPECTED_FR: Mapping[str, str] = MappingProxyType(
    {
        "name": "un nom de 120 caractères au plus est attendu",
        "email": "une adresse comme nom@exemple.org est attendue",
        "phone": "un numéro de téléphone est attendu",
    }
)
IMPORT_LOCK = 0x67656F5F696D70
"""Number of the lock that one import at a time holds on PostgreSQL."""

DATE_FORMS = ("%d/%m/%Y", "%Y-%m-%d", "%d/%m/%y", "%d.%m.%Y", "%d-%m-%Y")


@dataclass(frozen=True, slots=True)
class Problem:
    """What keeps a cell from being used.

    Attributes
    ----------
    row, column
        As a spreadsheet program shows them: row 1 holds the headings; the heading of the column,
        empty for a problem of the whole row.
    text_fr, text_en
        What was expected.
    """

    row: int
    column: str
    text_fr: str
    text_en: str

    def body(self, language: str) -> str:
        """Return what was expected."""
        return self.text_fr if language == "fr" else self.text_en

    def text(self, language: str) -> str:
        """Return the problem as a sentence."""
        body = self.body(language)
        if language == "fr":
            where = f"ligne {self.row}" + (f", colonne « {self.column} »" if self.column else "")
            return f"{where} : {body}"
        where = f"row {self.row}" + (f", column {self.column!r}" if self.column else "")
        return f"{where}: {body}"


@dataclass(frozen=True, slots=True)
class Line:
    """A row that can be imported."""

    row: int
    draft: Draft = detail(repr=False)
    stage: Stage
    opened_on: dt.date | None
    closed_reason: str | None
    settled_commune: str | None
    settled_on: dt.date | None
    persons: int | None
    note: str = detail(repr=False)
    consent: Consent | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do.

    Attributes
    ----------
    lines
        The rows that can be used.
    problems
        Everything that cannot; nothing is imported while there is one.
    duplicates
        Pairs (row, likeness) with files that are there already; they hold nothing up.
    ignored
        Headings that are not understood; their columns are left out.
    last_import
        Number of the last event of an import that came before; no other may come between.
    """

    lines: tuple[Line, ...]
    problems: tuple[Problem, ...]
    duplicates: tuple[tuple[int, Likeness], ...]
    ignored: tuple[str, ...]
    last_import: int


def preview_spreadsheet(
    db: Database, path: Path, *, by: Account, territory: Territory | None = None
) -> Preview:
    """Read a spreadsheet and say what an import of it would do; nothing is written.

    Parameters
    ----------
    path
        A CSV file (comma, semicolon or tab; UTF-8 or Windows) or the first sheet of an XLSX file.
        Its first row holds headings of :data:`COLUMNS`.
    territory
        Knows communes by their names; without it, only INSEE codes are understood.

    Raises
    ------
    SpreadsheetError
        If the file is no such table at all.
    AccessError
        If ``by`` may not change files.
    """
    require(by, Right.WRITE)
    table = read_cells(path)
    known = {_folded(h): name for name, headings in COLUMNS.items() for h in headings}
    headings = [cell_text(cell) for cell in table[0]] if table else []
    columns: dict[str, int] = {}
    problems: list[Problem] = []
    for number, heading in enumerate(headings):
        name = known.get(_folded(heading), "")
        if name in columns:
            problems.append(
                Problem(
                    1, heading, "deux colonnes disent la même chose", "two columns say the same"
                )
            )
        elif name:
            columns[name] = number
    if "name" not in columns:
        expected = ", ".join(names[0] for names in COLUMNS.values())
        raise SpreadsheetError(
            f"{path.name} has no column 'Nom'. Its first row has to hold headings: {expected}.",
            "headings",
        )
    with db.reading() as session:
        others = every_traits(session)
        last_import = _last_import(session)
        advisers = {
            login: (login, name)
            for login, name in session.execute(
                select(UserRow.login, UserRow.name).where(
                    UserRow.disabled_at.is_(None), UserRow.role.in_((Role.ADVISER, Role.ADMIN))
                )
            )
        }
    lines, mine = [], []
    for row, cells in enumerate(table[1:], start=2):
        if not any(cell_text(cell) for cell in cells):
            continue
        data = {n: cells[at] if at < len(cells) else "" for n, at in columns.items()}
        reader = _Row(
            row, data, {n: headings[at] for n, at in columns.items()}, territory, advisers
        )
        line = reader.line(db.today())
        problems += reader.problems
        if line is not None:
            lines.append(line)
            mine.append(traits_of(line.draft, f"row {row}"))
    ignored = tuple(h for h in headings if h and _folded(h) not in known)
    return Preview(
        tuple(lines),
        tuple(problems),
        tuple(_duplicates(others, mine, [line.row for line in lines])),
        ignored,
        last_import,
    )


def _duplicates(
    others: list[Traits], mine: list[Traits], rows: list[int]
) -> Iterator[tuple[int, Likeness]]:
    """Yield, row by row, the files and the rows above that it is like."""
    everybody, first = others + mine, len(others)
    found = [
        (rows[younger - first], Likeness(everybody[younger].key, everybody[older].key, reasons))
        for older, younger, reasons in pairs_alike(everybody)
        if younger >= first
    ]
    yield from sorted(found, key=lambda pair: pair[0])


def import_files(db: Database, preview: Preview, *, by: Account) -> int:
    """Import what was previewed, all of it or nothing, and return how many files that makes.

    Raises
    ------
    DossierError
        If there is a problem; all are listed. Also if something else was imported since the
        preview: sent twice, a spreadsheet is imported once.
    AccessError
        If ``by`` may not change files.
    """
    require(by, Right.WRITE)
    if preview.problems:
        texts = [problem.text("en") for problem in preview.problems]
        raise DossierError("Nothing was imported: " + "; ".join(texts), texts)
    with db.writing() as session:
        if not db.is_sqlite:  # which lets one write at a time anyway
            session.execute(select(func.pg_advisory_xact_lock(IMPORT_LOCK)))
        if _last_import(session) != preview.last_import:
            raise DossierError(
                "Nothing was imported: something else was imported since the preview. Look at a "
                "new one first: the same rows may be there already."
            )
        for line in preview.lines:
            now = db.now()
            try:
                row = add_file(
                    session,
                    now,
                    line.draft,
                    by,
                    consents=[line.consent] if line.consent else [],
                    opened_at=_noon(line.opened_on, now),
                )
            except DossierError as error:
                raise DossierError(f"Nothing was imported: row {line.row}: {error}") from None
            _place(row, line, now)
            record(session, row, now, by, "imported", "stage", Stage.ENQUIRY, line.stage.value)
            if line.settled_on is not None:
                for months, due_on in follow_up_days(line.settled_on):
                    session.add(
                        FollowUpRow(dossier_id=row.id, months=months, due_on=due_on, hard="")
                    )
            if line.note:
                session.add(NoteRow(dossier_id=row.id, at=now, author=by.login, text=line.note))
            session.flush()
            renew_end(session, row)
    return len(preview.lines)


def _last_import(session: Session) -> int:
    query = select(func.max(EventRow.id)).where(EventRow.kind == "imported")
    return session.scalar(query) or 0


def _place(row: DossierRow, line: Line, now: dt.datetime) -> None:
    row.stage = line.stage.value
    row.stage_since = _noon(line.settled_on or line.opened_on, now)
    row.closed_reason = line.closed_reason
    row.closed_from = Stage.ENQUIRY.value if line.stage is Stage.CLOSED else None
    row.settled_commune, row.settled_on = line.settled_commune, line.settled_on
    row.persons = line.persons


def _noon(day: dt.date | None, now: dt.datetime) -> dt.datetime:
    if day is None or day >= now.date():
        return now
    return dt.datetime.combine(day, dt.time(12), dt.UTC)


class _Row:
    """One row, cell by cell; its problems are gathered."""

    def __init__(
        self,
        row: int,
        cells: Mapping[str, Any],
        headings: Mapping[str, str],
        territory: Territory | None,
        advisers: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.row, self._cells, self._headings, self._territory = row, cells, headings, territory
        self._advisers = advisers
        self.problems: list[Problem] = []

    def line(self, today: dt.date) -> Line | None:
        """Return what the row says; None when something cannot be used."""
        stage = Stage(self._word("stage", WORDS["stage"], Stage.ENQUIRY))
        opened_on = self._day("opened_on", today)
        settled = stage is Stage.SETTLED
        settled_on = self._day("settled_on", today) if settled else None
        line: dict[str, Any] = {
            "stage": stage,
            "opened_on": opened_on,
            "settled_on": settled_on,
            "settled_commune": self._commune() if settled else None,
            "persons": self._persons() if settled else None,
            "closed_reason": None,
            "consent": self._consent(today),
            "note": self._note(),
        }
        if stage is Stage.CLOSED:
            line["closed_reason"] = self._word("closed_reason", WORDS["closed_reason"], "other")
        if settled and settled_on is None and not self._has("settled_on"):
            self._problem("settled_on", "une date est attendue", "a date is expected")
        if settled_on and opened_on and settled_on < opened_on:
            self._problem("settled_on", "avant la demande", "it is before the enquiry")
        draft = self._draft()
        if self.problems or draft is None:
            return None
        return Line(row=self.row, draft=draft, **line)

    def _draft(self) -> Draft | None:
        name = f"{self._get('first_name')} {self._get('name')}".strip()
        data: dict[str, Any] = {
            "name": name,
            "track": self._word("track", WORDS["track"], "solo"),
            "sector": self._word("sector", WORDS["sector"], "other"),
            "origin_city": self._word("origin_city", WORDS["origin_city"], "other"),
            "source": self._word("source", WORDS["source"], "other"),
            "adviser": self._word("adviser", self._advisers, "") or None,
        }
        data |= {key: self._get(key) for key in ("email", "phone", "town", "message")}
        try:
            return draft_of(data)
        except DossierError as error:
            for problem in error.problems:
                field, _, expected = problem.partition(": ")
                self._problem(
                    field, EXPECTED_FR.get(field, "texte trop long ou illisible"), expected
                )
            return None

    def _get(self, name: str) -> str:
        return as_typed(cell_text(self._cells.get(name, "")))

    def _has(self, name: str) -> bool:
        return bool(self._get(name))

    def _word(self, name: str, words: Mapping[str, tuple[str, ...]], default: str) -> str:
        text = _folded(self._get(name))
        if not text:
            return default
        for key, spellings in words.items():
            if text in {_folded(key), *map(_folded, spellings)}:
                return key
        expected = ", ".join(spellings[0] for spellings in words.values())
        self._problem(
            name, f"un de ces mots est attendu : {expected}", f"expected one of {expected}"
        )
        return default

    def _day(self, name: str, today: dt.date) -> dt.date | None:
        cell = self._cells.get(name, "")
        if isinstance(cell, dt.datetime):
            day: dt.date | None = cell.date()
        elif isinstance(cell, dt.date):
            day = cell
        elif not cell_text(cell):
            return None
        else:
            day = _parsed_day(cell_text(cell))
        is_limited = name != "consent_until"
        if day is None or day.year < 1990 or (is_limited and day > today):
            self._problem(
                name,
                "une date passée est attendue, comme 31/01/2024",
                "a past date is expected, such as 31/01/2024",
            )
            return None
        return day

    def _commune(self) -> str | None:
        text = self._get("settled_commune")
        if is_insee_code(text):
            return text
        if self._territory is not None and text:
            try:
                return self._territory.find(text)
            except UnknownCommuneError:
                pass
        self._problem(
            "settled_commune",
            "le nom ou le code INSEE d’une commune est attendu",
            "the name or INSEE code of a commune is expected",
        )
        return None

    def _persons(self) -> int | None:
        text = self._get("persons").removesuffix(".0")
        if text.isdecimal() and len(text) <= 2 and 1 <= int(text) <= MAX_PERSONS:
            return int(text)
        self._problem(
            "persons",
            f"un nombre de 1 à {MAX_PERSONS} est attendu",
            f"a number from 1 to {MAX_PERSONS} is expected",
        )
        return None

    def _note(self) -> str:
        try:
            return checked_text(self._get("note"), "note", most=MAX_NOTE_CHARS, least=0)
        except DossierError as error:
            self._problem("note", "texte trop long ou illisible", str(error).partition(": ")[2])
            return ""

    def _consent(self, today: dt.date) -> Consent | None:
        given_on, until = self._day("consent_on", today), self._day("consent_until", today)
        if given_on is None and until is None:
            return None
        if given_on is None or until is None or until < given_on:
            self._problem(
                "consent_on" if given_on is None else "consent_until",
                "un consentement a un début et une fin",
                "a consent has a beginning and an end",
            )
            return None
        return Consent(what="accompany", given_on=given_on, until=until, wording="")

    def _problem(self, name: str, text_fr: str, text_en: str) -> None:
        heading = self._headings.get(name, COLUMNS.get(name, ("",))[0])
        self.problems.append(Problem(self.row, heading, text_fr, text_en))


def _parsed_day(text: str) -> dt.date | None:
    for form in DATE_FORMS:
        try:
            return dt.datetime.strptime(text, form).date()
        except ValueError:
            continue
    return None


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join(kept.split())
