"""The commands of ``geo-matcher data`` about a store of releases.

Hides which store a call means: the one that ``--store`` names, else the one that ``--release`` or
``GEO_MATCHER_RELEASE`` names, else the one in the user's data folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column

from geo_matcher.console import (
    TextFormatArgument,
    TextFormatOption,
    console,
    plain_table,
    release_of,
    write,
    write_json,
)
from geo_matcher.release_store import KEPT_RELEASES, ReleaseStore, user_store_folder
from geo_matcher.territory import Territory

__all__ = ["KeepOption", "StoreOption", "releases_app", "store_folder", "stored_release"]

releases_app = typer.Typer()

StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        help="Folder of the releases; by default the store that --release names, else the one in "
        "this user's data folder.",
        show_default=False,
    ),
]
KeepOption = Annotated[
    int, typer.Option("--keep", min=2, help="How many releases stay, the one in service included.")
]


def store_folder(context: typer.Context, store: Path | None) -> Path:
    """Return the folder of the store that a call means; it need not be there yet."""
    named = release_of(context)
    return store or (named if ReleaseStore.is_store(named) else user_store_folder())


def stored_release(context: typer.Context, store: Path | None, named: str) -> Path:
    """Return the folder that a call names: by its path, or by the id of a release of the store.

    Parameters
    ----------
    context
        Context of the command that runs.
    store
        What ``--store`` said.
    named
        A path, or an id.

    Raises
    ------
    StoreError
        If there is no such folder, and the store has no release of this id either.
    """
    path = Path(named)
    found = ReleaseStore(store_folder(context, store))
    if path.exists() or not ReleaseStore.is_store(found.folder):
        return path
    return found.folder_of(named)


@releases_app.command("releases")
def _releases(
    context: typer.Context,
    store: StoreOption = None,
    output_format: TextFormatArgument = TextFormatOption.table,
) -> None:
    """List the releases of the store: which one is in service, and what a rollback reaches."""
    found = ReleaseStore(store_folder(context, store))
    releases = found.releases()
    if output_format is TextFormatOption.json:
        write_json([stored.as_dict() for stored in releases])
        return
    if not releases:
        write(
            f"{found.folder} holds no release yet. Put one in with `geo-matcher data publish "
            "FOLDER`."
        )
        return
    table = plain_table(
        "release", "vintage", "published (UTC)", Column("size", justify="right"), ""
    )
    for stored in releases:
        table.add_row(
            escape(stored.release_id),
            stored.vintage,
            f"{stored.published:%Y-%m-%d %H:%M}",
            f"{stored.bytes / 1e6:.1f} MB",
            "in service" if stored.is_current else "",
        )
    terminal = console()
    terminal.print(escape(str(found.folder)))
    terminal.print(table)


@releases_app.command("publish")
def _publish(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of the release; it is copied.")],
    store: StoreOption = None,
    keep: KeepOption = KEPT_RELEASES,
) -> None:
    """Check a release and put it into service in the store; a bad one changes nothing."""
    found = ReleaseStore(store_folder(context, store), keep=keep)
    release_id = found.publish(folder, gate=Territory.load)
    write(f"{release_id} is in service in {found.folder}.")
    _say_how_it_is_served(context, found)


@releases_app.command("rollback")
def _rollback(
    context: typer.Context,
    release_id: Annotated[
        str | None,
        typer.Argument(help="Id of a release of the store; by default the one before."),
    ] = None,
    store: StoreOption = None,
    keep: KeepOption = KEPT_RELEASES,
) -> None:
    """Put the release before into service again, or one that is named."""
    found = ReleaseStore(store_folder(context, store), keep=keep)
    write(f"{found.rollback(release_id, gate=Territory.load)} is in service in {found.folder}.")
    _say_how_it_is_served(context, found)


def _say_how_it_is_served(context: typer.Context, store: ReleaseStore) -> None:
    if release_of(context).absolute() == store.folder.absolute():
        write("A running service takes it up on SIGHUP, or when an administrator asks it to.")
    else:
        write(f"Services read it where GEO_MATCHER_RELEASE={store.folder.absolute()} says so.")
