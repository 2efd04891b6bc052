"""What an action brings and where spaces should open: ``lift`` and ``site-coworking``.

Hides how both are laid out for a terminal; every figure is the library's.
"""

from __future__ import annotations

import csv
import io
from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column

from geo_matcher.console import (
    LanguageArgument,
    LanguageOption,
    ScopeArgument,
    ScopeOption,
    SeedArgument,
    TextFormatArgument,
    TextFormatOption,
    TopArgument,
    console,
    plain_table,
    territory_of,
    write,
    write_json,
)
from geo_matcher.counterfactual import ACTIONS
from geo_matcher.demand import DEFAULT_DRAWS, DEFAULT_PROFILES, FIRST_PLACES
from geo_matcher.lift import Gain, Lifts, lifts
from geo_matcher.newcomers import DEFAULT_SEED
from geo_matcher.numbers import format_number
from geo_matcher.siting import MAX_COUNT, Siting, site_coworking

__all__ = ["lift_app"]

lift_app = typer.Typer()


class _LiftFormat(StrEnum):
    """Forms of lifts."""

    table = "table"
    csv = "csv"
    json = "json"


ProfilesArgument = Annotated[
    int, typer.Option("--profiles", help="Newcomers in the assumed population, 10 to 5,000.")
]
DrawsOfEach = Annotated[int, typer.Option("--draws", help="Draws of each newcomer, 2 to 1,000.")]


@lift_app.command("lift")
def _lift(
    context: typer.Context,
    action: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What is done: {', '.join(ACTIONS)}. May be repeated; all by default.",
            show_default=False,
        ),
    ] = None,
    commune: Annotated[
        list[str] | None,
        typer.Option(
            help="Where, by INSEE code or name. May be repeated; the whole scope by default.",
            show_default=False,
        ),
    ] = None,
    scope: ScopeArgument = ScopeOption.all,
    profiles: ProfilesArgument = DEFAULT_PROFILES,
    top: TopArgument = 10,
    draws: DrawsOfEach = DEFAULT_DRAWS,
    seed: SeedArgument = DEFAULT_SEED,
    output_format: Annotated[
        _LiftFormat, typer.Option("--format", help="Form of the answer.")
    ] = _LiftFormat.table,
    language: LanguageArgument = LanguageOption.en,
) -> None:
    """Tell how many newcomers an action would bring each commune, and who loses them."""
    found = lifts(
        territory_of(context),
        scope.value,
        actions=action or tuple(ACTIONS),
        communes=commune,
        profiles=profiles,
        draws=draws,
        seed=seed,
    )
    if output_format is _LiftFormat.json:
        write_json(found.as_dict(top))
    elif output_format is _LiftFormat.csv:
        write(_lifts_csv(found, top))
    else:
        _print_lifts(found, top, language.value)


def _lifts_csv(found: Lifts, top: int) -> str:
    """Return lifts as CSV, one row each; losers are codes, who loses most first."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    measures = (
        "before", "gained", "draws_error", "population_error", "around", "lost"
    )  # fmt: skip
    writer.writerow(
        ["release", "scope", "profiles", "draws", "seed", "action", "insee_code", "name", "epci"]
        + [f"top_{places}_{measure}" for places in FIRST_PLACES for measure in measures]
        + [f"top_{places}_losers" for places in FIRST_PLACES]
    )
    asked = [found.release, found.scope, found.profiles, found.draws, found.seed]
    for name in dict.fromkeys(lift.action for lift in found.lifts):
        for lift in found.of(name)[:top]:
            writer.writerow(
                [*asked, name, lift.insee_code, lift.name, lift.epci]
                + [f"{getattr(gain, measure):.4f}" for gain in lift.gains for measure in measures]
                + [" ".join(loss.insee_code for loss in gain.losers) for gain in lift.gains]
            )
    return stream.getvalue()


def _print_lifts(found: Lifts, top: int, language: str) -> None:
    french = language == "fr"
    terminal = console()
    first, more = FIRST_PLACES
    for name in dict.fromkeys(lift.action for lift in found.lifts):
        label = ACTIONS[name].label_fr if french else ACTIONS[name].label_en
        terminal.print(f"[bold]{escape(label)}[/bold] ({name})")
        table = plain_table(
            "Commune",
            Column(f"{first} premières" if french else f"first {first}", justify="right"),
            Column(f"{more} premières" if french else f"first {more}", justify="right"),
            Column("autour" if french else "around", justify="right"),
            Column(f"qui perd (dans les {first})" if french else f"who loses (first {first})",
                   ratio=1),
        )  # fmt: skip
        for lift in found.of(name)[:top]:
            gain = lift.gain(first)
            losers = [
                f"{loss.name} −{format_number(loss.newcomers, language, '.1')}"
                for loss in gain.losers
            ]
            table.add_row(
                escape(lift.name),
                _gain_words(gain, language),
                _gain_words(lift.gain(more), language),
                format_number(gain.around, language, ".1"),
                escape(", ".join(losers)),
            )
        terminal.print(table)
    people = format_number(found.profiles, language)
    draws = format_number(found.draws, language)
    terminal.print(
        f"Nouveaux venus attendus en plus, sur {people} profils supposés (et non enquêtés), ± "
        f"erreur type du tirage ; entre parenthèses, combien la voient déjà. {draws} tirages "
        "chacun, les mêmes avant et après. Ce qu'une commune gagne, d'autres le perdent."
        if french
        else f"Expected newcomers gained, of {people} assumed (not surveyed) profiles, ± standard "
        f"error of the draws; in brackets, how many see it already. {draws} draws each, the same "
        "before and after. What one commune gains, others lose."
    )
    terminal.print(found.release)


def _gain_words(gain: Gain, language: str) -> str:
    gained, error, before = (
        format_number(number, language, ".1")
        for number in (abs(gain.gained), gain.draws_error, gain.before)
    )
    sign = "−" if gain.gained < 0 else "+"
    return f"{sign}{gained} ± {error} ({before})"


@lift_app.command("site-coworking")
def _site_coworking(
    context: typer.Context,
    count: Annotated[int, typer.Option(help=f"Most new spaces, 1 to {MAX_COUNT}.")],
    within: Annotated[float, typer.Option(help="Minutes of driving within which people go.")],
    scope: ScopeArgument = ScopeOption.all,
    demand: Annotated[
        str, typer.Option(help="Whose demand counts: newcomers or population.")
    ] = "newcomers",
    candidates: Annotated[
        str, typer.Option(help="Where a space may open: all, network or partners.")
    ] = "all",
    least_population: Annotated[
        int, typer.Option("--least-population", help="Inhabitants that a candidate needs.")
    ] = 0,
    profiles: ProfilesArgument = DEFAULT_PROFILES,
    draws: DrawsOfEach = DEFAULT_DRAWS,
    seed: SeedArgument = DEFAULT_SEED,
    output_format: TextFormatArgument = TextFormatOption.table,
    language: LanguageArgument = LanguageOption.en,
) -> None:
    """Tell where new coworking spaces would reach most of the demand that no work place reaches."""
    found = site_coworking(
        territory_of(context),
        count=count,
        within_min=within,
        scope=scope.value,
        kind=demand,
        candidates=candidates,
        least_population=least_population,
        profiles=profiles,
        draws=draws,
        seed=seed,
    )
    if output_format is TextFormatOption.json:
        write_json(found.as_dict())
    else:
        _print_siting(found, language.value)


def _print_siting(found: Siting, language: str) -> None:
    french = language == "fr"
    style = ".1" if found.demand == "newcomers" else ""
    table = plain_table(
        Column("#", justify="right"),
        Column("atteint" if french else "reached", justify="right"),
        Column("de plus" if french else "added", justify="right"),
        Column("part" if french else "share", justify="right"),
        Column("glouton" if french else "greedy", justify="right"),
        Column("écart" if french else "gap", justify="right"),
        Column("où" if french else "where", ratio=1),
    )
    for step in found.steps:
        sites = [
            f"{site.name} {format_number(site.demand, language, style)}" for site in step.sites
        ]
        table.add_row(
            str(step.count),
            format_number(step.covered, language, style),
            format_number(step.added, language, style),
            format_number(step.share, language, "%"),
            format_number(step.greedy_covered, language, style),
            format_number(step.gap, language, "%"),
            escape(", ".join(sites)),
        )
    terminal = console()
    terminal.print(table)
    total, met, unmet, unsure = (
        format_number(number, language, style)
        for number in (found.total, found.met, found.unmet, found.unsure)
    )
    if found.demand == "newcomers":
        size = format_number(found.profiles or 0, language)
        what = (
            f"places parmi les 5 premières de {size} nouveaux venus supposés (et non enquêtés)"
            if french
            else f"places among the first 5 of {size} assumed (not surveyed) newcomers"
        )
    else:
        what = "habitants" if french else "inhabitants"
    minutes = f"{found.within_min:g}".replace(".", "," if french else ".")
    terminal.print(
        f"{total} {what} : {met} à {minutes} min au plus d'un lieu de travail aujourd'hui, {unmet} "
        f"non, dont {unsure} pour lesquels un lieu hors du département est possible. "
        f"{found.candidates} communes possibles ; temps estimés."
        if french
        else f"{total} {what}: {met} within {minutes} min of a work place today, {unmet} not, of "
        f"which {unsure} where a place beyond the border is possible. {found.candidates} candidate "
        "communes; times are estimates."
    )
    terminal.print(found.release)
