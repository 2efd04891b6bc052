"""The command line: arguments in, printed answers out, and nothing computed here.

Mistakes end with a sentence on stderr and exit code 2, never with a traceback.
"""

from __future__ import annotations

import gc
import signal
import socket
import sys
from contextlib import suppress
from contextvars import copy_context
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from pydantic import ValidationError
from rich.markup import escape
from rich.table import Column

from geo_matcher import __version__
from geo_matcher.cli_access import access_app
from geo_matcher.cli_answers import answers_app
from geo_matcher.cli_corrections import corrections_app
from geo_matcher.cli_data import data_app
from geo_matcher.cli_diff import diff_app
from geo_matcher.cli_dossiers import demo_app, dossiers_app
from geo_matcher.cli_lift import lift_app
from geo_matcher.cli_planning import planning_app
from geo_matcher.cli_releases import releases_app
from geo_matcher.cli_sources import sources_app
from geo_matcher.cli_users import users_app
from geo_matcher.cli_visit import visit_app
from geo_matcher.console import (
    EXIT_REFUSED,
    BeliefArgument,
    BeliefOption,
    DrawsArgument,
    FormatOption,
    LanguageArgument,
    LanguageOption,
    PresetOption,
    ProfileArgument,
    SeedArgument,
    TextFormatArgument,
    TextFormatOption,
    TopArgument,
    UsualScopeArgument,
    chosen_profile,
    console,
    plain_table,
    release_of,
    scope_of,
    territory_of,
    write,
    write_file,
    write_json,
)
from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.dominance import near_misses_within
from geo_matcher.epci_words import epci_label
from geo_matcher.errors import GeoMatcherError, ProfileError
from geo_matcher.matching import NEAR_MISS_SHARE, Ranking, rank
from geo_matcher.numbers import NBSP, format_number, format_raw
from geo_matcher.presets import PRESETS, preset_named
from geo_matcher.robustness import DEFAULT_DRAWS, DEFAULT_SEED, Odds, odds
from geo_matcher.robustness import with_odds as add_odds
from geo_matcher.territory import Territory
from geo_matcher.towns import put_in_service

__all__ = ["app", "main"]

app = typer.Typer(
    name="geo-matcher",
    help="Rank the villages of a French département for people who work from anywhere.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
profile_app = typer.Typer(help="Typical newcomers, as starting points.", no_args_is_help=True)
app.add_typer(profile_app, name="profile")
for part in (sources_app, diff_app, releases_app, corrections_app):
    data_app.add_typer(part)
app.add_typer(data_app, name="data")
app.add_typer(access_app, name="access")
app.add_typer(dossiers_app, name="dossiers")
app.add_typer(users_app, name="users")
app.add_typer(demo_app)
app.add_typer(answers_app)
app.add_typer(lift_app)
app.add_typer(planning_app)
app.add_typer(visit_app)


def _show_version(wanted: bool) -> None:
    if wanted:
        write(f"geo-matcher {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    release: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the data release, or of a store of releases.",
            envvar="GEO_MATCHER_RELEASE",
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001 - read by its callback
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Rank the villages of a French département for people who work from anywhere."""
    context.obj = release
    if release is not None:
        put_in_service(release)


@app.command()
def match(
    context: typer.Context,
    profile: ProfileArgument = None,
    profile_name: PresetOption = None,
    scope: UsualScopeArgument = None,
    top: TopArgument = 20,
    output_format: Annotated[
        FormatOption, typer.Option("--format", help="Form of the answer.")
    ] = FormatOption.table,
    language: LanguageArgument = LanguageOption.en,
    with_odds: Annotated[
        bool, typer.Option("--odds", help="Say how sure each rank is (SMAA-2).")
    ] = False,
    draws: DrawsArgument = DEFAULT_DRAWS,
    seed: SeedArgument = DEFAULT_SEED,
    belief: BeliefArgument = BeliefOption.words,
    tolerance: Annotated[
        float,
        typer.Option(help="Near misses: share of a limit, 0 to 1, that may be missed."),
    ] = NEAR_MISS_SHARE,
    full: Annotated[
        bool,
        typer.Option(
            "--full", help="With --odds --format json: the whole table of ranks and more."
        ),
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; needed for gpkg.")
    ] = None,
) -> None:
    """Rank villages for a profile."""
    chosen = chosen_profile(profile, profile_name)
    territory, found = territory_of(context), None
    if not with_odds and (draws, seed, belief.value) != (DEFAULT_DRAWS, DEFAULT_SEED, "words"):
        raise ProfileError("--draws, --seed and --weights change the odds only: add --odds.")
    if full and (not with_odds or output_format is not FormatOption.json):
        raise ProfileError("--full adds to the odds in JSON: add --odds --format json.")
    if output_format is FormatOption.gpkg and output is None:
        raise ProfileError("A GeoPackage is a file: name it with --output villages.gpkg.")
    if output_format is FormatOption.table and output is not None:
        raise ProfileError("A table is for reading here: give --output with another --format.")
    among = scope_of(scope, territory, language.value, output_format)
    ranking = rank(territory, chosen, among)
    if with_odds:
        found = odds(ranking, draws=draws, seed=seed, belief=belief.value)
    if output_format is FormatOption.table:
        _print_ranking(ranking, top, language.value, found, tolerance)
        return
    if output_format is FormatOption.json:
        answer = ranking.to_dict(top) | {"near_misses": near_misses_within(ranking, tolerance)}
        answer = answer if found is None else add_odds(answer, found, full=full)
        content: str | bytes = orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode()
    else:
        content = _exported(ranking, output_format, top, language.value, found)
    if output is not None:
        write_file(output, content)
    else:
        write(str(content))


def _exported(
    ranking: Ranking, output_format: FormatOption, top: int, language: str, found: Odds | None
) -> str | bytes:
    from geo_matcher.exports import to_csv, to_geojson

    if output_format is FormatOption.csv:
        return to_csv(ranking, top, odds=found)
    if output_format is FormatOption.geojson:
        return orjson.dumps(to_geojson(ranking, top, language, odds=found)).decode()
    from geo_matcher.geopackage import to_geopackage

    return to_geopackage(ranking, top, language, odds=found)


def _print_ranking(
    ranking: Ranking, top: int, language: str, found: Odds | None, tolerance: float
) -> None:
    from geo_matcher.sentences import explain, miss_phrase

    french = language == "fr"
    table = plain_table(
        Column("#", justify="right"),
        "Village",
        Column("Score", justify="right"),
        Column("Pourquoi" if french else "Why", ratio=1),
    )
    table.padding = (0, 2, 1, 0)
    for result in ranking.results(top):
        row = ranking.position(result["insee_code"])
        said = explain(ranking, row, language)
        flags = [flag["text_fr" if french else "text_en"] for flag in result["red_flags"]]
        lines = [
            said.summary,
            _odds_words(found, row, language),
            *(f"⚑ {flag}" for flag in flags),
            said.missing,
        ]
        table.add_row(
            str(result["rank"]),
            f"{escape(result['name'])}\n{_partner_words(result, french)}",
            _score_words(result, language),
            escape("\n".join(line for line in lines if line)),
        )
    terminal = console()
    terminal.print(table)
    counts = ranking.counts
    if not len(ranking):
        terminal.print(
            "Aucune commune ne respecte toutes vos limites. Relâchez-en une :"
            if french
            else "No commune keeps within all your limits. Relax one:"
        )
    for price in ranking.limit_prices():
        terminal.print(_price_words(price, language))
    for miss in near_misses_within(ranking, tolerance):
        phrase = miss_phrase(miss["criterion"], miss["by"], language)
        terminal.print(
            escape(f"  {miss['name']} ({format_number(miss['score'], language, '.1')}) – {phrase}")
        )
    terminal.print(
        f"{counts['listed']}/{counts['scope']} communes · "
        + ("données" if french else "release")
        + f" {ranking.territory.release_id} · "
        + ("temps estimés" if french else "times are estimates")
    )


def _odds_words(found: Odds | None, row: int, language: str) -> str:
    """Say how sure a rank is, and with whom it is tied."""
    from geo_matcher.sentences import band_phrase, chance_phrase, tie_sentence

    column = found.column(row) if found is not None else None
    if found is None or column is None:
        return ""
    summary = found.summaries[column]
    chance = chance_phrase(summary["p_top_5"], language)
    count = len(found.ranking)
    band = band_phrase(summary["rank_low"], summary["rank_high"], count, language)
    start = f"Dans vos 5 premiers{NBSP}: " if language == "fr" else "Among your first 5: "
    text = f"{start}{chance} · {band}"
    group = next(group for group in found.ties if column in group)
    if len(group) > 1 and column == group[0]:
        names = [found.ranking.territory.facts[found.ranking.order[c]]["name"] for c in group]
        text += "\n" + tie_sentence(names, language)
    return text


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
    excluded = f"{count} {'exclue' if count < 2 else 'exclues'}" if french else f"{count} excluded"
    if price["unverified"]:
        several = "" if price["unverified"] < 2 else "s"
        doubtful = f"non vérifiable{several}" if french else "cannot be verified"
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
    table = plain_table("name", "français", "English")
    for preset in PRESETS.values():
        table.add_row(preset.name, preset.label_fr, preset.label_en)
    console().print(table)


@profile_app.command("show")
def profile_show(name: Annotated[str, typer.Argument(help="Name of a preset.")]) -> None:
    """Print a preset as TOML, ready to edit."""
    write(preset_named(name).profile.to_toml())


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

    territory = territory_of(context)
    facts = describe_commune(territory, territory.find(code_or_name))
    if output_format is TextFormatOption.json:
        write_json(facts)
        return
    _print_commune(territory, facts, language.value)


def _print_commune(territory: Territory, facts: dict[str, Any], language: str) -> None:
    from geo_matcher.decision import STATUS_WORDS, Status, decision_matrix
    from geo_matcher.figure_years import figure_table
    from geo_matcher.resemblance import twins

    french = language == "fr"
    matrix = decision_matrix(territory)
    row = matrix.codes.index(facts["insee_code"])
    terminal = console()
    hall = facts["town_hall"]
    population = format_number(facts["population"], language)
    people = "habitants" if french else "inhabitants"
    group = escape(epci_label(facts["epci"], language))
    terminal.print(
        f"[bold]{escape(facts['name'])}[/bold] {facts['insee_code']} · {group} · "
        f"{population} {people} {_partner_words(facts, french)}"
    )
    contact = (hall["address"], hall["phone"], hall["email"], hall["website"])
    terminal.print(escape(" · ".join(part for part in contact if part)))
    table = plain_table()
    for column, name in enumerate(matrix.criteria):
        criterion = CRITERIA[name]
        status = STATUS_WORDS[language][Status(matrix.status[row, column])]
        source = figure_table(territory, name, facts["insee_code"])
        known = [table for table in territory.catalog.tables if table.name == source]
        table.add_row(
            criterion.label_fr if french else criterion.label_en,
            format_raw(matrix.raw[row, column].item(), criterion.unit, language),
            status,
            escape("".join(table.credit_fr if french else table.credit_en for table in known)),
        )
    terminal.print(table)
    alike = ", ".join(twin.name for twin in twins(territory, facts["insee_code"]))
    terminal.print(escape(f"{'Ressemble à' if french else 'Resembles'} {alike}"))
    for text in (*facts["red_flags"], *facts["notes"]):
        terminal.print(escape(f"⚑ {text['text_fr' if french else 'text_en']}"))
    terminal.print(f"{'données' if french else 'release'} {facts['release']}")


@app.command()
def criteria(
    output_format: TextFormatArgument = TextFormatOption.table,
    language: LanguageArgument = LanguageOption.en,
) -> None:
    """List the criteria: unit, direction and value function."""
    if output_format is TextFormatOption.json:
        write_json([criterion.as_dict() for criterion in CRITERIA.values()])
        return
    table = plain_table(
        Column("criterion", no_wrap=True), "", "unit", "direction", "value function"
    )
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
    console().print(table)


@app.command("map")
def draw_map(
    context: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")],
    profile: ProfileArgument = None,
    profile_name: PresetOption = None,
    scope: UsualScopeArgument = None,
    language: LanguageArgument = LanguageOption.fr,
) -> None:
    """Draw the Folium map of a ranking into one HTML file that needs no internet."""
    from geo_matcher.maps import map_html

    territory, chosen = territory_of(context), chosen_profile(profile, profile_name)
    ranking = rank(territory, chosen, scope_of(scope, territory, language.value))
    write_file(output, map_html(ranking, language.value))


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on.")] = 8000,
) -> None:
    """Start the web service; on SIGHUP it takes up the newest release.

    One process serves: what it keeps in memory and its turns for heavy work are shared by all.
    """
    gc.disable()  # nothing that the start makes is garbage: looking for it costs a tenth
    import pyarrow as pa
    import uvicorn

    from api.app import create_app
    from api.settings import Settings

    try:
        settings = Settings(release=release_of(context))
    except ValidationError as error:
        problems = [
            f"GEO_MATCHER_{str(detail['loc'][0]).upper()}: found {str(detail['input'])[:60]!r}; "
            f"{detail['msg']}"
            for detail in error.errors(include_url=False)
        ]
        message = "The settings were refused: " + "; ".join(problems)
        raise GeoMatcherError(message, problems) from None
    # Arrow's own allocator holds on to some 40 MB of what reading the tables needed.
    pa.set_memory_pool(pa.system_memory_pool())
    territory = Territory.load(settings.release)
    put_in_service(territory.about)
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
    service = create_app(settings, territory)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, lambda *_: service.state.in_service.reload_soon())
    config = uvicorn.Config(
        service,
        access_log=False,  # addresses of pages hold people's wishes
        log_level="warning",
        timeout_keep_alive=15,
        timeout_graceful_shutdown=10,
    )
    shown = f"[{host}]" if ":" in host else host
    write(
        f"geo_matcher {__version__} serves release {territory.release_id} "
        f"on http://{shown}:{listener.getsockname()[1]} (Ctrl-C to stop)"
    )
    gc.freeze()  # what the release made stays: collections need not look at it again
    gc.enable()
    # It ends in order, then raises again what ended it: that is how a service is stopped.
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def main() -> None:
    """Run the command line; refusals end with exit code 2."""
    try:
        copy_context().run(app)  # what a call puts in service ends with it
    except GeoMatcherError as error:
        sys.stderr.write(f"geo-matcher: {error}\n" if len(error.problems) == 1 else _listed(error))
        sys.exit(EXIT_REFUSED)


def _listed(error: GeoMatcherError) -> str:
    """Say a refusal with each of its problems on a line, and once."""
    head, _, tail = str(error).partition("; ".join(error.problems))
    lines = [f"geo-matcher: {head.removesuffix(': ') or 'this was refused'}:"]
    lines += [f"  - {problem}" for problem in error.problems]
    if remedy := tail.removeprefix(".").strip():
        lines.append(remedy)
    return "".join(f"{line}\n" for line in lines)
