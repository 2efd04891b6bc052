"""What the commands of the command line share: their options, and how answers are printed.

Hides the terminal library, where the release of a call comes from, and how a profile is chosen
from a file or a preset. Nothing is computed here.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Column, Table

from geo_matcher.errors import GeoMatcherError, ProfileError
from geo_matcher.numbers import NBSP
from geo_matcher.presets import PRESETS, preset_named
from geo_matcher.profile import Profile, read_profile
from geo_matcher.robustness import MAX_DRAWS, MIN_DRAWS
from geo_matcher.territory import Territory
from geo_matcher.territory_file import default_release_folder
from geo_matcher.towns import put_in_service

__all__ = [
    "EXIT_REFUSED",
    "MAX_TOP",
    "BeliefArgument",
    "BeliefOption",
    "DrawsArgument",
    "FormatOption",
    "LanguageArgument",
    "LanguageOption",
    "PresetOption",
    "ProfileArgument",
    "ProfileOption",
    "ScopeArgument",
    "ScopeOption",
    "SeedArgument",
    "TextFormatArgument",
    "TextFormatOption",
    "TopArgument",
    "UsualScopeArgument",
    "chosen_profile",
    "console",
    "counted",
    "plain_table",
    "release_of",
    "scope_of",
    "territory_of",
    "write",
    "write_file",
    "write_json",
]

EXIT_REFUSED = 2
"""Exit code of a call that cannot be answered as it was asked."""

MAX_TOP = 500
"""How many communes a command lists at most."""


# --- Options and arguments ---------------------------------------------------------------------


class ScopeOption(StrEnum):
    """Scopes, as the command line takes them."""

    partners = "partners"
    network = "network"
    all = "all"


class FormatOption(StrEnum):
    """Formats of a ranking."""

    table = "table"
    json = "json"
    csv = "csv"
    geojson = "geojson"
    gpkg = "gpkg"


class TextFormatOption(StrEnum):
    """Formats of everything else."""

    table = "table"
    json = "json"


class LanguageOption(StrEnum):
    """Languages of tables and maps."""

    fr = "fr"
    en = "en"


class BeliefOption(StrEnum):
    """How far the words of a profile are believed."""

    words = "words"
    order = "order"
    free = "free"


DrawsArgument = Annotated[
    int, typer.Option("--draws", min=MIN_DRAWS, max=MAX_DRAWS, help="Draws behind the odds.")
]
SeedArgument = Annotated[
    int, typer.Option("--seed", min=0, help="Seed of the draws: same seed, same numbers.")
]
BeliefArgument = Annotated[
    BeliefOption,
    typer.Option(
        "--weights", help="Believe the words' order and bounds, their order alone, or nothing."
    ),
]
ProfileArgument = Annotated[
    Path | None, typer.Argument(help="A profile in TOML or JSON.", show_default=False)
]
ProfileOption = Annotated[
    Path | None, typer.Option("--profile", help="A profile in TOML or JSON.", show_default=False)
]
PresetOption = Annotated[
    str | None,
    typer.Option("--profile-name", help="Use a preset in place of a file; see `profile list`."),
]
ScopeArgument = Annotated[ScopeOption, typer.Option("--scope", help="Which communes to list.")]
UsualScopeArgument = Annotated[
    ScopeOption | None,
    typer.Option(
        "--scope",
        help="Which communes to list; by default the partners of the network, and all where the "
        "territory has no network.",
        show_default=False,
    ),
]
TopArgument = Annotated[
    int, typer.Option("--top", min=1, max=MAX_TOP, help="How many at most; ties are never cut.")
]
LanguageArgument = Annotated[LanguageOption, typer.Option("--lang", help="Language of the answer.")]
TextFormatArgument = Annotated[
    TextFormatOption, typer.Option("--format", help="Form of the answer.")
]


# --- What a call asks about --------------------------------------------------------------------


def release_of(context: typer.Context) -> Path:
    """Return the folder of the release that a call names, or the default one.

    Parameters
    ----------
    context
        Context of the command that runs; its root holds what ``--release`` said.
    """
    release = context.find_root().obj
    return release if isinstance(release, Path) else default_release_folder()


def territory_of(context: typer.Context) -> Territory:
    """Load the release that a call is about.

    Parameters
    ----------
    context
        Context of the command that runs.

    Raises
    ------
    DataError
        If the release is broken; all its problems are listed.
    """
    territory = Territory.load(release_of(context))
    put_in_service(territory.about)
    return territory


def scope_of(
    scope: ScopeOption | None, territory: Territory, language: str, form: str = "table"
) -> str:
    """Return which communes a call is about, as a search on the pages would.

    Parameters
    ----------
    scope
        What ``--scope`` said; None for the usual one.
    territory
        A loaded release.
    language
        ``fr`` or ``en``.
    form
        Form of the answer. Before a table it is printed that all are meant for want of a network;
        what programs read is left as it is.
    """
    if scope is not None:
        return scope.value
    if territory.about.network is None and form == "table":
        count = len(territory.codes)
        write(
            f"Aucun réseau dans ce territoire{NBSP}: parmi toutes ses communes ({count})."
            if language == "fr"
            else f"No network in this territory: among all of its communes ({count})."
        )
    return territory.about.default_scope


def chosen_profile(path: Path | None, preset: str | None) -> Profile:
    """Return the profile that a call gives, as a file or as the name of a preset.

    Parameters
    ----------
    path
        A profile in TOML or JSON.
    preset
        Name of a preset.

    Raises
    ------
    ProfileError
        If both are given, or neither, or the file cannot be used.
    UnknownPresetError
        If no preset has this name.
    """
    if path is not None and preset is not None:
        raise ProfileError("Give either a profile file or --profile-name, not both.")
    if preset is not None:
        return preset_named(preset).profile
    if path is None:
        names = ", ".join(PRESETS)
        raise ProfileError(f"Give a profile file, or --profile-name with one of {names}.")
    profile = read_profile(path)
    if profile.ignored:
        typer.echo(
            'The network of this territory has no track for artists: track = "cultura" does not '
            "count.",
            err=True,
        )
    return profile


# --- Printing ----------------------------------------------------------------------------------


def console() -> Console:
    """Return a console for tables and sentences, as wide as the terminal of this call.

    Text that is not ours must be escaped (``rich.markup.escape``) before it is printed there.
    """
    return Console(highlight=False, emoji=False, soft_wrap=False)


def counted(count: int, noun: str) -> str:
    """Return a count with its English noun: "1 month", "2 months"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def plain_table(*headings: str | Column) -> Table:
    """Return an empty table without lines.

    Parameters
    ----------
    headings
        Headings of the columns, or columns where one needs more than a heading; none for a table
        that shows rows only.
    """
    return Table(*headings, box=None, pad_edge=False)


def write(text: str) -> None:
    """Write a text to standard output as it is, ending with one end of line, and at once.

    Parameters
    ----------
    text
        What to write. It is not wrapped and not read as markup.
    """
    typer.echo(text, nl=not text.endswith("\n"))


def write_file(path: Path, content: str | bytes, *, is_told: bool = True) -> None:
    """Write a text or bytes to a file that a call names, and say how large it is.

    Parameters
    ----------
    path
        The file.
    content
        What to write; a text is written as UTF-8.
    is_told
        Whether to say so on standard output.

    Raises
    ------
    GeoMatcherError
        If the file cannot be written.
    """
    try:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        message = f"{path} cannot be written ({error.strerror}). Give a file in a folder of yours."
        raise GeoMatcherError(message) from None
    if is_told:
        write(f"{path}: {path.stat().st_size / 1000:,.0f} kB")


def write_json(content: Any) -> None:
    """Write plain types as indented JSON to standard output.

    Parameters
    ----------
    content
        Dictionaries, lists, text, numbers, booleans and ``None``.
    """
    write(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())
