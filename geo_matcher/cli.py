"""The command line: arguments in, printed answers out, and nothing computed here.

Mistakes end with a sentence on stderr and exit code 2, never with a traceback.
"""

from __future__ import annotations

import gc
import socket
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from geo_matcher import __version__
from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.errors import GeoMatcherError, ProfileError
from geo_matcher.matching import Ranking, rank
from geo_matcher.numbers import NBSP, format_number, format_raw
from geo_matcher.presets import PRESETS, preset_named
from geo_matcher.profile import Profile, read_profile
from geo_matcher.territory import Territory, default_release_folder

__all__ = ["app", "main"]

app = typer.Typer(
    name="geo-matcher",
    help="Rank the villages of a French département for people who work from anywhere.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
profile_app = typer.Typer(help="Typical newcomers, as starting points.", no_args_is_help=True)
data_app = typer.Typer(
    help="The data release: look at it, check it, build it.", no_args_is_help=True
)
app.add_typer(profile_app, name="profile")
app.add_typer(data_app, name="data")

EXIT_REFUSED = 2
MAX_TOP = 500


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


class TextFormatOption(StrEnum):
    """Formats of everything else."""

    table = "table"
    json = "json"


class LanguageOption(StrEnum):
    """Languages of tables and maps."""

    fr = "fr"
    en = "en"


ProfileArgument = Annotated[
    Path | None, typer.Argument(help="A profile in TOML or JSON.", show_default=False)
]
PresetOption = Annotated[
    str | None,
    typer.Option("--profile-name", help="Use a preset in place of a file; see `profile list`."),
]
ScopeArgument = Annotated[ScopeOption, typer.Option("--scope", help="Which communes to list.")]
LanguageArgument = Annotated[LanguageOption, typer.Option("--lang", help="Language of the answer.")]
TextFormatArgument = Annotated[
    TextFormatOption, typer.Option("--format", help="Form of the answer.")
]


def _console() -> Console:
    return Console(highlight=False, emoji=False, soft_wrap=False)


def _write(text: str) -> None:
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def _write_json(content: Any) -> None:
    _write(orjson.dumps(content, option=orjson.OPT_INDENT_2).decode())


def _territory(context: typer.Context) -> Territory:
    return Territory.load(_release(context))


def _release(context: typer.Context) -> Path:
    release = context.find_root().obj
    return release if isinstance(release, Path) else default_release_folder()


def _profile(path: Path | None, preset: str | None) -> Profile:
    if path is not None and preset is not None:
        raise ProfileError("Give either a profile file or --profile-name, not both.")
    if preset is not None:
        return preset_named(preset).profile
    if path is None:
        names = ", ".join(PRESETS)
        raise ProfileError(f"Give a profile file, or --profile-name with one of {names}.")
    return read_profile(path)


def _show_version(wanted: bool) -> None:
    if wanted:
        _write(f"geo-matcher {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    release: Annotated[
        Path | None,
        typer.Option(help="Folder of the data release.", envvar="GEO_MATCHER_RELEASE"),
    ] = None,
    version: Annotated[  # noqa: ARG001 - read by its callback
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Rank the villages of a French département for people who work from anywhere."""
    context.obj = release


@app.command()
def match(
    context: typer.Context,
    profile: ProfileArgument = None,
    profile_name: PresetOption = None,
    scope: ScopeArgument = ScopeOption.partners,
    top: Annotated[
        int, typer.Option(min=1, max=MAX_TOP, help="How many at most; ties are never cut.")
    ] = 20,
    output_format: Annotated[
        FormatOption, typer.Option("--format", help="Form of the answer.")
    ] = FormatOption.table,
    language: LanguageArgument = LanguageOption.en,
) -> None:
    """Rank villages for a profile."""
    chosen = _profile(profile, profile_name)
    ranking = rank(_territory(context), chosen, scope.value)
    if output_format is FormatOption.json:
        _write_json(ranking.to_dict(top))
    elif output_format is FormatOption.table:
        _print_ranking(ranking, top, language.value)
    else:
        from geo_matcher.exports import to_csv, to_geojson

        if output_format is FormatOption.csv:
            _write(to_csv(ranking, top))
        else:
            _write(orjson.dumps(to_geojson(ranking, top, language.value)).decode())


def _print_ranking(ranking: Ranking, top: int, language: str) -> None:
    from geo_matcher.sentences import explain, miss_phrase

    french = language == "fr"
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    table.add_column("#", justify="right")
    table.add_column("Village")
    table.add_column("Score", justify="right")
    table.add_column("Pourquoi" if french else "Why", ratio=1)
    for result in ranking.results(top):
        row = ranking.position(result["insee_code"])
        said = explain(ranking, row, language)
        flags = [flag["text_fr" if french else "text_en"] for flag in result["red_flags"]]
        lines = [said.summary, *(f"⚑ {flag}" for flag in flags), said.missing]
        table.add_row(
            str(result["rank"]),
            f"{escape(result['name'])}\n{_partner_words(result, french)}",
            _score_words(result, language),
            escape("\n".join(line for line in lines if line)),
        )
    console = _console()
    console.print(table)
    counts = ranking.counts
    if not len(ranking):
        console.print(
            "Aucune commune ne respecte toutes vos limites. Relâchez-en une :"
            if french
            else "No commune keeps within all your limits. Relax one:"
        )
    for price in ranking.limit_prices():
        console.print(_price_words(price, language))
    for miss in ranking.near_misses():
        phrase = miss_phrase(miss["criterion"], miss["by"], language)
        console.print(
            escape(f"  {miss['name']} ({format_number(miss['score'], language, '.1')}) – {phrase}")
        )
    console.print(
        f"{counts['listed']}/{counts['scope']} communes · "
        + ("données" if french else "release")
        + f" {ranking.territory.release_id} · "
        + ("temps estimés" if french else "times are estimates")
    )


def _partner_words(result: dict[str, Any], french: bool) -> str:
    if result["evidence"] == "sourced":
        return "partenaire (source)" if french else "partner (sourced)"
    if result["evidence"] == "reconstructed":
        return "partenaire (reconstitué)" if french else "partner (reconstructed)"
    return ""


def _score_words(result: dict[str, Any], language: str) -> str:
    score, low, high = (
        format_number(result[key], language, ".1") for key in ("score", "score_min", "score_max")
    )
    return f"{score}\n{low}–{high}" if low != high else score


def _price_words(price: dict[str, Any], language: str) -> str:
    french = language == "fr"
    criterion = CRITERIA[price["criterion"]]
    bound = "at_most" if "at_most" in price else "at_least"
    words = {
        "at_most": ("au plus", "at most"),
        "at_least": ("au moins", "at least"),
    }[bound][0 if french else 1]
    limit = format_raw(price[bound], criterion.unit, language)
    label = criterion.label_fr if french else criterion.label_en
    count = price["excluded"]
    excluded = f"{count} exclues" if french else f"{count} excluded"
    if price["unverified"]:
        doubtful = "non vérifiables" if french else "cannot be verified"
        excluded += f", {price['unverified']} {doubtful}"
    cost = ""
    if price["price_points"]:
        points = format_number(price["price_points"], language, ".1")
        cost = f", coûte {points} points" if french else f", costs {points} points"
    colon = f"{NBSP}:" if french else ":"
    return f"{label}, {words} {limit}{colon} {excluded}{cost}"


@profile_app.command("list")
def profile_list() -> None:
    """List the presets."""
    table = Table(box=None, pad_edge=False)
    for heading in ("name", "français", "English"):
        table.add_column(heading)
    for preset in PRESETS.values():
        table.add_row(preset.name, preset.label_fr, preset.label_en)
    _console().print(table)


@profile_app.command("show")
def profile_show(name: Annotated[str, typer.Argument(help="Name of a preset.")]) -> None:
    """Print a preset as TOML, ready to edit."""
    _write(preset_named(name).profile.to_toml())


@app.command()
def commune(
    context: typer.Context,
    code_or_name: Annotated[
        str, typer.Argument(help="INSEE code, or name; accents and case do not matter.")
    ],
    output_format: TextFormatArgument = TextFormatOption.table,
    language: LanguageArgument = LanguageOption.en,
) -> None:
    """Show everything that the release knows of a commune."""
    from geo_matcher.commune import describe_commune

    territory = _territory(context)
    facts = describe_commune(territory, territory.find(code_or_name))
    if output_format is TextFormatOption.json:
        _write_json(facts)
        return
    _print_commune(territory, facts, language.value)


def _print_commune(territory: Territory, facts: dict[str, Any], language: str) -> None:
    from geo_matcher.decision import Status, decision_matrix
    from geo_matcher.insight import twins

    french = language == "fr"
    matrix = decision_matrix(territory)
    row = matrix.codes.index(facts["insee_code"])
    console = _console()
    hall = facts["town_hall"]
    population = format_number(facts["population"], language)
    people = "habitants" if french else "inhabitants"
    console.print(
        f"[bold]{escape(facts['name'])}[/bold] {facts['insee_code']} · {escape(facts['epci'])} · "
        f"{population} {people} {_partner_words(facts, french)}"
    )
    contact = (hall["address"], hall["phone"], hall["email"], hall["website"])
    console.print(escape(" · ".join(part for part in contact if part)))
    table = Table(box=None, pad_edge=False)
    for column, name in enumerate(matrix.criteria):
        criterion = CRITERIA[name]
        status = Status(matrix.status[row, column]).label
        credit = territory.catalog[criterion.source]
        table.add_row(
            criterion.label_fr if french else criterion.label_en,
            format_raw(matrix.raw[row, column].item(), criterion.unit, language),
            status,
            escape(credit.credit_fr if french else credit.credit_en),
        )
    console.print(table)
    alike = ", ".join(twin.name for twin in twins(territory, facts["insee_code"]))
    console.print(escape(f"{'Ressemble à' if french else 'Resembles'} {alike}"))
    for text in (*facts["red_flags"], *facts["notes"]):
        console.print(escape(f"⚑ {text['text_fr' if french else 'text_en']}"))
    console.print(f"{'données' if french else 'release'} {facts['release']}")


@app.command()
def criteria(
    output_format: TextFormatArgument = TextFormatOption.table,
    language: LanguageArgument = LanguageOption.en,
) -> None:
    """List the criteria: unit, direction and value function."""
    if output_format is TextFormatOption.json:
        _write_json([criterion.as_dict() for criterion in CRITERIA.values()])
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("criterion", "", "unit", "direction", "value function"):
        table.add_column(heading, no_wrap=heading == "criterion")
    for family in FAMILIES.values():
        title = family.label_fr if language is LanguageOption.fr else family.label_en
        table.add_row(f"[bold]{title}[/bold]")
        for criterion in CRITERIA.values():
            if criterion.family == family.name:
                points = criterion.value_function.breakpoints
                table.add_row(
                    criterion.name,
                    criterion.label_fr if language is LanguageOption.fr else criterion.label_en,
                    criterion.unit.value,
                    criterion.direction.value,
                    "  ".join(f"{figure:g}→{value:g}" for figure, value in points),
                )
    _console().print(table)


@app.command("map")
def draw_map(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")],
    profile: ProfileArgument = None,
    profile_name: PresetOption = None,
    scope: ScopeArgument = ScopeOption.partners,
    language: LanguageArgument = LanguageOption.fr,
) -> None:
    """Draw the Folium map of a ranking into one HTML file that needs no internet."""
    from geo_matcher.maps import map_html

    ranking = rank(_territory(context), _profile(profile, profile_name), scope.value)
    try:
        output.write_text(map_html(ranking, language.value), encoding="utf-8")
    except OSError as error:
        message = (
            f"{output} cannot be written ({error.strerror}). Give a file in a folder of yours."
        )
        raise GeoMatcherError(message) from None
    _write(f"{output}: {output.stat().st_size / 1000:,.0f} kB")


@data_app.command("info")
def data_info(context: typer.Context) -> None:
    """Say what the release holds, from when, and what it does not hold."""
    territory = _territory(context)
    catalog = territory.catalog
    console = _console()
    evidence = list(territory.partner_evidence.values())
    reach = territory.parameters["network_reach"]
    times = territory.parameters["travel_times"]
    console.print(f"[bold]{territory.release_id}[/bold] · {escape(str(territory.folder))}")
    console.print(
        f"{len(territory.codes)} communes · {len(evidence)} partner villages "
        f"({evidence.count('sourced')} sourced, {evidence.count('reconstructed')} reconstructed) · "
        f"{reach['communes']} communes within {reach['minutes']} min of a work place "
        f"(published: {reach['published']})"
    )
    console.print(
        f"Times are estimated on the {times['network'].replace('_', '-')} network; over "
        f"{times['checked_distances']} published distances the roads are "
        f"{times['mean_ratio_to_published']:.3f} × the published length on average, off by at most "
        f"{times['largest_relative_error']:.1%}."
    )
    table = Table(box=None, pad_edge=False)
    for heading in ("table", "rows", "quality", "vintage", "credit"):
        table.add_column(heading, justify="right" if heading == "rows" else "left")
    for entry in catalog.tables:
        table.add_row(
            entry.path, f"{entry.rows:,}", entry.quality, entry.vintage, escape(entry.credit_en)
        )
    console.print(table)
    console.print("[bold]Not in this release[/bold]")
    for gap in catalog.gaps:
        console.print(escape(f"– {gap.text_en}"))


@data_app.command("check")
def data_check(context: typer.Context) -> None:
    """Check a release; every problem is listed."""
    territory = _territory(context)
    tables = len(territory.catalog.tables)
    _write(f"{territory.release_id}: {tables} files checked, no problem found.")


@data_app.command("build")
def data_build(context: typer.Context) -> None:
    """Make the derived half of the release again from its source tables."""
    from geo_matcher.build import build_release

    folder = _release(context)
    territory = build_release(folder)
    _write(f"{folder}: built and checked, release {territory.release_id}.")


@data_app.command("set-partners")
def data_set_partners(
    context: typer.Context,
    partner_list: Annotated[
        Path, typer.Argument(help="CSV with insee_code, valid_from and optionally valid_to.")
    ],
) -> None:
    """Replace the partner villages by the network's own list."""
    from geo_matcher.build import set_partners

    territory = set_partners(_release(context), partner_list)
    count = len(territory.partner_evidence)
    _write(f"{count} partner villages, all sourced; release {territory.release_id}.")


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")] = 8000,
) -> None:
    """Start the web service."""
    gc.disable()  # nothing that the start makes is garbage: looking for it costs a tenth
    import uvicorn

    from api.app import create_app
    from api.settings import Settings

    try:
        settings = Settings(release=_release(context))
    except ValidationError as error:
        problems = [
            f"GEO_MATCHER_{str(detail['loc'][0]).upper()}: found {str(detail['input'])[:60]!r}; "
            f"{detail['msg']}"
            for detail in error.errors(include_url=False)
        ]
        message = "The settings were refused: " + "; ".join(problems)
        raise GeoMatcherError(message, problems) from None
    territory = Territory.load(settings.release)
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # from here on a browser waits instead of being refused
    except OSError as error:
        listener.close()
        raise GeoMatcherError(
            f"Cannot listen on {host}:{port} ({error.strerror}). Choose another with --port."
        ) from None
    config = uvicorn.Config(
        create_app(settings, territory),
        access_log=False,  # addresses of pages hold people's wishes
        log_level="warning",
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
    )
    shown = f"[{host}]" if ":" in host else host
    _write(
        f"geo_matcher {__version__} serves release {territory.release_id} "
        f"on http://{shown}:{listener.getsockname()[1]} (Ctrl-C to stop)"
    )
    sys.stdout.flush()
    gc.freeze()  # what the release made stays: collections need not look at it again
    gc.enable()
    uvicorn.Server(config).run(sockets=[listener])


def main() -> None:
    """Run the command line; refusals end with exit code 2."""
    try:
        app()
    except GeoMatcherError as error:
        sys.stderr.write(f"geo-matcher: {error}\n" if len(error.problems) == 1 else _listed(error))
        sys.exit(EXIT_REFUSED)


def _listed(error: GeoMatcherError) -> str:
    head = str(error).partition(": " + error.problems[0])[0]
    return "".join(
        f"{line}\n" for line in (f"geo-matcher: {head}:", *(f"  - {p}" for p in error.problems))
    )
