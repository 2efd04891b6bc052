"""The commands of ``geo-matcher dossiers`` and ``geo-matcher demo``: the advisers' files.

Hides how what an import, a purge or a backup did is told on a terminal. What is known of a person
is never printed; exports go to a file.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from geo_matcher.console import (
    LanguageArgument,
    LanguageOption,
    TextFormatArgument,
    TextFormatOption,
    console,
    plain_table,
    territory_of,
    write,
    write_file,
    write_json,
)
from geo_matcher.errors import DossierError

__all__ = ["demo_app", "dossiers_app"]

dossiers_app = typer.Typer(
    help="The advisers' files: import, export, privacy, backups, figures.", no_args_is_help=True
)
demo_app = typer.Typer()


class _ExportOption(StrEnum):
    """Forms of an export."""

    csv = "csv"
    xlsx = "xlsx"
    json = "json"


KeyArgument = Annotated[str, typer.Argument(help="Key of a file, as its page shows it.")]
OutputOption = Annotated[Path, typer.Option("--output", "-o", help="File to write.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


def _confirmed(question: str, yes: bool) -> None:
    if not yes and not typer.confirm(question):
        raise DossierError("Nothing was done: it was not confirmed. Confirm it, or give --yes.")


@dossiers_app.command("info")
def _info() -> None:
    """Say which database is used, its version, and how many files stand where."""
    from geo_matcher.dossiers.accounts import SYSTEM
    from geo_matcher.dossiers.database import Database
    from geo_matcher.dossiers.privacy import overdue
    from geo_matcher.dossiers.reading import list_files
    from geo_matcher.dossiers.stages import STAGE_LABELS

    with Database.open() as db:
        kind = "a demonstration: everything in it is invented" if db.is_demonstration else "files"
        write(f"{db.shown}, version {db.version()}, {kind}")
        table = plain_table("stage", "files")
        for stage, number in list_files(db, by=SYSTEM, top=1).by_stage.items():
            table.add_row(STAGE_LABELS[stage]["en"], str(number))
        late = len(overdue(db))
    console().print(table)
    if late:
        write(
            f"{late} files are past their end: `geo-matcher dossiers purge` makes them anonymous."
        )


@dossiers_app.command("migrate")
def _migrate(
    to: Annotated[str, typer.Option(help="Version: head, base, or its number.")] = "head",
    yes: YesOption = False,
) -> None:
    """Bring the database to a version; `base` removes every table."""
    from geo_matcher.dossiers.database import Database

    with Database() as db:
        if to != "head":
            _confirmed(f"Going back to {to} loses what only later versions keep. Go on?", yes)
        db.migrate(to)
        write(f"{db.shown} is at version {db.version() or 'base'}.")


@dossiers_app.command("import")
def _import(
    context: typer.Context,
    spreadsheet: Annotated[Path, typer.Argument(help="CSV or XLSX file of the network.")],
    do_it: Annotated[
        bool, typer.Option("--import", help="Import; without it, only say what it would do.")
    ] = False,
    language: LanguageArgument = LanguageOption.fr,
) -> None:
    """Preview the network's spreadsheet, or import it: all of it or nothing."""
    from geo_matcher.dossiers.accounts import SYSTEM
    from geo_matcher.dossiers.database import Database
    from geo_matcher.dossiers.spreadsheets import import_files, preview_spreadsheet

    with Database.open() as db:
        found = preview_spreadsheet(db, spreadsheet, by=SYSTEM, territory=territory_of(context))
        if found.problems:
            problems = [problem.text(language.value) for problem in found.problems]
            raise DossierError("Nothing was imported: " + "; ".join(problems), problems)
        if found.ignored:
            write(f"Columns left out, not understood: {', '.join(found.ignored)}")
        for row, alike in found.duplicates:
            write(f"Row {row} may be {alike.other} (same {', '.join(alike.reasons)})")
        if do_it:
            write(f"{import_files(db, found, by=SYSTEM)} files imported into {db.shown}.")
        else:
            write(f"{len(found.lines)} files can be imported; do it with --import.")


@dossiers_app.command("export")
def _export(
    output: OutputOption,
    output_format: Annotated[
        _ExportOption, typer.Option("--format", help="csv is a ZIP of tables.")
    ] = _ExportOption.xlsx,
) -> None:
    """Write everything to a file; it holds personal data."""
    from geo_matcher.dossiers.accounts import SYSTEM
    from geo_matcher.dossiers.database import Database
    from geo_matcher.dossiers.handover import export_everything

    with Database.open() as db:
        write_file(output, export_everything(db, output_format.value, by=SYSTEM))


@dossiers_app.command("duplicates")
def _duplicates() -> None:
    """List files that may be of one household, by their keys."""
    from geo_matcher.dossiers.accounts import SYSTEM
    from geo_matcher.dossiers.database import Database
    from geo_matcher.dossiers.duplicates import find_duplicates

    with Database.open() as db:
        found = find_duplicates(db, by=SYSTEM)
    for one in found:
        write(f"{one.key} {one.other} {' '.join(one.reasons)}")
    if not found:
        write("No two files look alike.")


@dossiers_app.command("person")
def _person(key: KeyArgument, output: OutputOption) -> None:
    """Write all that is kept of one person to a JSON file, for that person."""
    from geo_matcher.dossiers.accounts import SYSTEM
    from geo_matcher.dossiers.database import Database
    from geo_matcher.dossiers.privacy import export_person

    with Database.open() as db:
        write_file(output, export_person(db, key, by=SYSTEM))


@dossiers_app.command("erase")
def _erase(key: KeyArgument, yes: YesOption = False) -> None:
    """Erase a person who asks for it; older backups go at the next backup."""
    from geo_matcher.dossiers.accounts import SYSTEM
    from geo_matcher.dossiers.database import Database
    from geo_matcher.dossiers.privacy import erase_person

    _confirmed(f"The person of file {key} cannot be brought back. Erase?", yes)
    with Database.open() as db:
        erase_person(db, key, by=SYSTEM)
    write(f"{key} is anonymous. Make a backup now, so that older ones, which hold the person, go.")


@dossiers_app.command("purge")
def _purge(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which files.")] = False,
) -> None:
    """Make every file anonymous whose personal data is past its end; for a nightly job."""
    from geo_matcher.dossiers.accounts import SYSTEM
    from geo_matcher.dossiers.database import Database
    from geo_matcher.dossiers.privacy import overdue, purge
    from geo_matcher.dossiers.sign_in import forget_old

    with Database.open() as db:
        if dry_run:
            keys = overdue(db)
        else:
            keys = purge(db)
            forget_old(db, by=SYSTEM)
    for key in keys:
        write(key)
    write(f"{len(keys)} files {'are past their end' if dry_run else 'made anonymous'}.")


@dossiers_app.command("backup")
def _backup(
    folder: Annotated[Path, typer.Argument(help="Folder of the backups.")],
    keep: Annotated[int, typer.Option(help="How many are kept.")] = 14,
) -> None:
    """Write a backup, whole even while people work, and drop the oldest."""
    from geo_matcher.dossiers.backups import backup, list_backups
    from geo_matcher.dossiers.database import Database

    with Database.open() as db:
        path = backup(db, folder, keep=keep)
    write(f"{path}: {path.stat().st_size / 1000:,.0f} kB; {len(list_backups(folder))} kept.")


@dossiers_app.command("restore")
def _restore(
    path: Annotated[Path, typer.Argument(help="A backup.")], yes: YesOption = False
) -> None:
    """Put a backup in the place of the database; whoever was erased since stays erased."""
    from geo_matcher.dossiers.backups import restore
    from geo_matcher.dossiers.database import Database

    with Database() as db:
        _confirmed(f"What {db.shown} holds now is lost. Put {path.name} in its place?", yes)
        found = restore(db, path)
        write(
            f"{db.shown} is as {path.name} was; {found.erased_again} erased again, "
            f"{found.purged} past their end."
        )


@dossiers_app.command("report")
def _report(
    context: typer.Context,
    year: Annotated[int, typer.Argument(help="Which year.")],
    output_format: TextFormatArgument = TextFormatOption.table,
    shared: Annotated[
        bool, typer.Option("--shared", help="Only counts of five families or more.")
    ] = False,
) -> None:
    """Print the figures of a year."""
    from dataclasses import asdict

    from geo_matcher.dossiers.accounts import SYSTEM
    from geo_matcher.dossiers.database import Database
    from geo_matcher.dossiers.stages import STAGE_LABELS
    from geo_matcher.dossiers.year_report import year_report

    with Database.open() as db:
        found = year_report(db, year, by=SYSTEM, territory=territory_of(context))
    places = found.shared_since
    if output_format is TextFormatOption.json:
        content = found.as_dict()
        if shared:
            kept = ("year", "enquiries", "qualified", "visits", "settled", "persons",
                    "settled_since", "persons_since", "first_year", "funnel")  # fmt: skip
            content = {name: content[name] for name in kept}
            content["places_since"] = [asdict(place) for place in places]
        write_json(content)
        return
    write(
        f"{year}: {found.enquiries} enquiries, {found.qualified} qualified, {found.visits} visits, "
        f"{found.settled} families settled ({found.persons} persons)"
    )
    write(
        f"Since {found.first_year or year}: {found.settled_since} families, "
        f"{found.persons_since} persons; {found.survival.left} left again"
    )
    table = plain_table("stage", "reached", "of all", "median days")
    for step in found.funnel:
        table.add_row(
            STAGE_LABELS[step.stage]["en"],
            str(step.reached),
            "" if step.share is None else f"{step.share:.0%}",
            "" if step.median_days is None else f"{step.median_days:.0f}",
        )
    console().print(table)
    counts = plain_table("place", "families", "persons")
    for place in places:
        counts.add_row(place.name or "elsewhere", str(place.settled), str(place.persons))
    console().print(counts)


@demo_app.command("demo")
def _demo(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Option(help="SQLite file; by default demo.sqlite3 in the user's data folder."),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Replace an earlier one.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same portfolio.")] = 2014,
) -> None:
    """Make an invented portfolio of files in a database of its own, to see every page full."""
    from geo_matcher.dossiers.database import DATABASE_SETTING, Database, data_folder
    from geo_matcher.dossiers.demonstration import make_demonstration

    path = file or data_folder() / "demo.sqlite3"
    with Database(f"sqlite:///{path}") as db:
        made = make_demonstration(db, territory_of(context), seed=seed, again=again)
    write(f"{path}: {made.files} invented files, {made.anonymous} of them anonymous by now.")
    write(f"Use it with {DATABASE_SETTING}=sqlite:///{path}")
