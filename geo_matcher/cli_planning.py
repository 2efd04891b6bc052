"""Commands for broadband planners: where the gaps are, and what to build under a budget.

Hides nothing but layout; every answer is the library's, as a table, CSV or JSON.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column

from geo_matcher.console import (
    LanguageArgument,
    LanguageOption,
    console,
    plain_table,
    territory_of,
    write,
    write_json,
)
from geo_matcher.epci_words import epci_label
from geo_matcher.errors import ScenarioError
from geo_matcher.gaps import GAP_CLASSES, TECHNOLOGIES, Gaps, gaps
from geo_matcher.numbers import NBSP, format_date, format_number
from geo_matcher.territory import Territory

__all__ = ["ByOption", "TableFormat", "planning_app"]

planning_app = typer.Typer()

MAX_FRONTIER, MAX_ROBUST, MAX_CHECKED = 100, 1_000, 100


class ByOption(StrEnum):
    """What a row stands for."""

    commune = "commune"
    epci = "epci"


class TableFormat(StrEnum):
    """Formats of a planner's answer."""

    table = "table"
    csv = "csv"
    json = "json"


FormatArgument = Annotated[TableFormat, typer.Option("--format", help="Form of the answer.")]
DemandArgument = Annotated[
    bool,
    typer.Option(
        "--demand/--no-demand", help="Count the newcomers expected in each commune, or do not."
    ),
]

CLASS_WORDS = {
    "certain": ("certain", "certain"),
    "possible": ("possible", "possible"),
    "none": ("aucun", "none"),
}
TECHNOLOGY_WORDS = {
    "ftth": ("fibre", "fibre"),
    "cable": ("câble", "cable"),
    "copper_8mbit_or_more": ("cuivre, 8 Mbit/s ou plus", "copper, 8 Mbit/s or more"),
    "superfast_radio": ("radio très haut débit", "superfast radio"),
    "fixed_4g": ("4G fixe", "fixed 4G"),
    "radio": ("radio", "radio"),
    "satellite": ("satellite", "satellite"),
}
BASELINE_WORDS = {
    "best_ratio": ("le plus de points par euro d'abord", "most points per euro first"),
    "largest_gap_first": ("les plus gros manques d'abord", "largest gaps first"),
    "equal_shares_by_epci": ("parts égales par EPCI", "equal shares by EPCI"),
}
MEASURE_WORDS = {
    "fibre": ("sans fibre", "without fibre"),
    "30mbit": ("sans 30 Mbit/s par la terre", "without 30 Mbit/s by land"),
}
CORE_WORDS = {
    "no_regret": ("sans regret", "no regret"),
    "depends": ("selon", "depends"),
    "rare": ("rare", "rare"),
}
STATUS_WORDS = {
    "optimal": ("optimum prouvé", "proved optimum"),
    "within_gap": ("écart atteint", "within the gap"),
    "time_limit": ("temps écoulé", "time limit"),
}


@contextmanager
def _quiet_solver() -> Iterator[None]:
    """Keep what the solver's own code prints off standard output, which may be read by a program.

    HiGHS prints a line of its own here and there, whatever it is told, and not through Python.
    """
    sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # there is no standard output to protect
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a descriptor is what is needed
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _gaps_of(territory: Territory, *, demand: bool) -> Gaps:
    if not demand:
        return gaps(territory)
    from geo_matcher.planning import gaps_with_newcomers

    return gaps_with_newcomers(territory)


def _say(words: tuple[str, str], language: str) -> str:
    return words[0 if language == "fr" else 1]


@planning_app.command("gaps")
def _gaps(
    context: typer.Context,
    by: Annotated[ByOption, typer.Option("--by", help="One row per commune or EPCI.")] = (
        ByOption.epci
    ),
    output_format: FormatArgument = TableFormat.table,
    language: LanguageArgument = LanguageOption.en,
    months_late: Annotated[
        float,
        typer.Option(min=0, max=600, help="Copper calendar: works ending so many months late."),
    ] = 12,
    clusters: Annotated[
        bool, typer.Option("--clusters", help="Tell where gaps gather, with significance.")
    ] = False,
    demand: DemandArgument = True,
) -> None:
    """Show where fibre is missing, how sure that is, and when copper closes."""
    territory = territory_of(context)
    found = _gaps_of(territory, demand=demand)
    answer = found.as_dict(by.value, months_late=months_late)
    if clusters:
        from geo_matcher.clusters import gap_clusters

        answer["clusters"] = [
            gap_clusters(territory, found).as_dict(),
            gap_clusters(territory, found, measure="30mbit").as_dict(),
        ]
    if output_format is TableFormat.json:
        write_json(answer)
    elif output_format is TableFormat.csv:
        from geo_matcher.planning_files import gaps_csv

        write(gaps_csv(answer))
    else:
        _print_gaps(found, answer, language.value)


def _print_gaps(found: Gaps, answer: dict[str, Any], language: str) -> None:
    french = language == "fr"
    terminal = console()
    total = answer["total"]

    def number(value: float | None) -> str:
        return "–" if value is None else format_number(value, language)

    kinds = ", ".join(
        f"{_say(TECHNOLOGY_WORDS[name], language)} {number(total['by_technology'][name])}"
        for name in TECHNOLOGIES
        if total["by_technology"][name]
    )
    classes = ", ".join(
        f"{_say(CLASS_WORDS[name], language)} {total['classes'][name]}" for name in GAP_CLASSES
    )
    counted = format_date(found.counted, language)
    if french:
        terminal.print(f"{number(total['premises'])} locaux au {counted}{NBSP}: {kinds}.")
        terminal.print(f"Manque de fibre par commune{NBSP}: {classes}.")
    else:
        terminal.print(f"{number(total['premises'])} premises on {counted}: {kinds}.")
        terminal.print(f"Gap of fibre by commune: {classes}.")
    names = (
        ("", "locaux", "sans fibre (MCI)", "sans fibre (Cartefibre)", "intervalle", "< 30 Mbit/s",
         "arrivants/1000", "")
        if french
        else ("", "premises", "no fibre (MCI)", "no fibre (Cartefibre)", "interval", "< 30 Mbit/s",
              "newcomers/1000", "")
    )  # fmt: skip
    table = plain_table(names[0], *(Column(name, justify="right") for name in names[1:]))
    for row in answer["rows"]:
        one, other = (row["counts"][key] for key in ("ma_connexion_internet", "cartefibre"))
        mark = f" ⚑ >{NBSP}100{NBSP}%" if row["rate_above_100"] else ""
        table.add_row(
            escape(row.get("name", epci_label(row["epci"], language))),
            number(row["premises"]),
            number(one["without_fibre"]),
            number(other["without_fibre"]),
            f"{number(row['gap']['low'])}–{number(row['gap']['high'])}",
            number(row["without_30mbit"]),
            "–"
            if row["concerned"]["newcomers"] is None
            else format_number(row["concerned"]["newcomers"], language, ".1"),
            (_say(CLASS_WORDS[row["class"]], language) if "class" in row else "") + mark,
        )
    terminal.print(table)
    months = format_number(answer["copper"]["months_late"], language)
    headings = (
        ("fermeture du cuivre", "communes", "sans fibre si rien", f"si {months} mois de retard")
        if french
        else ("copper closes", "communes", "no fibre if nothing", f"if {months} months late")
    )
    calendar = plain_table(headings[0], *(Column(name, justify="right") for name in headings[1:]))
    for step in found.calendar(answer["copper"]["months_late"]):
        calendar.add_row(
            "–" if step.day is None else format_date(step.day, language),
            number(step.communes),
            number(step.unbuilt),
            number(step.late),
        )
    terminal.print(calendar)
    for item in answer.get("clusters", []):
        _print_clusters(item, language)
    for item in answer["absent"]:
        terminal.print(escape(item["text_fr" if french else "text_en"]))
    write(found.release)


def _print_clusters(item: dict[str, Any], language: str) -> None:
    sure = [row["name"] for row in item["clusters"] if row["significant"]]
    hints = [
        row["name"]
        for row in item["clusters"]
        if row["kind"] == "high_among_high" and not row["significant"]
    ]
    figure = f"I = {item['global_i']:.3f}, p = {item['global_p']:.2g}"
    lacking = _say(MEASURE_WORDS[item["measure"]], language)
    terminal = console()
    if language == "fr":
        terminal.print(escape(f"Regroupements ({lacking}){NBSP}: {figure}."))
        terminal.print(
            escape(
                f"Significatifs{NBSP}: {', '.join(sure) or 'aucun'}. Indices (p ≤ 5{NBSP}%, non "
                f"corrigé){NBSP}: {', '.join(hints) or 'aucun'}."
            )
        )
    else:
        terminal.print(escape(f"Clusters ({lacking}): {figure}."))
        terminal.print(
            escape(
                f"Significant: {', '.join(sure) or 'none'}. Hints (p ≤ 5%, uncorrected): "
                f"{', '.join(hints) or 'none'}."
            )
        )


@planning_app.command("plan")
def _plan(
    context: typer.Context,
    budget: Annotated[
        str | None,
        typer.Option(help="What may be spent: 80M, 5 M€, 500k, 1 200 000.", show_default=False),
    ] = None,
    scenario_file: Annotated[
        Path | None,
        typer.Option("--scenario", help="A scenario in TOML or JSON.", show_default=False),
    ] = None,
    frontier: Annotated[
        int,
        typer.Option(min=0, max=MAX_FRONTIER, help="Best plans of so many smaller budgets."),
    ] = 0,
    robust: Annotated[
        int,
        typer.Option(min=0, max=MAX_ROBUST, help="Draws of costs and needs; 200 is a good number."),
    ] = 0,
    check_figures: Annotated[
        int,
        typer.Option(min=0, max=MAX_CHECKED, help="Doubtful communes whose figures to weigh."),
    ] = 0,
    time_limit: Annotated[
        float, typer.Option(min=0.1, max=600, help="Seconds to look for the best plan.")
    ] = 30.0,
    show_scenario: Annotated[
        bool, typer.Option("--show-scenario", help="Print the scenario that ships, to edit.")
    ] = False,
    output_format: FormatArgument = TableFormat.table,
    language: LanguageArgument = LanguageOption.en,
    demand: DemandArgument = True,
) -> None:
    """Choose what to build under a budget: the best plan, proved, and what its rules cost."""
    from geo_matcher.planning import Planner
    from geo_matcher.scenario import read_scenario, shipped_scenario

    if show_scenario:
        write(shipped_scenario())
        return
    if frontier == 1:
        raise ScenarioError("--frontier 1: expected 0 for none, or 2 to 100 budgets.")
    territory = territory_of(context)
    scenario = read_scenario(scenario_file, territory, budget=budget)
    found = _gaps_of(territory, demand=demand)
    with _quiet_solver():
        planner = Planner(territory, scenario, found)
        answer = planner.plan(points=frontier, time_limit_s=time_limit).as_dict()
        if robust:
            from geo_matcher.robust_core import robust_core

            answer["robust_core"] = robust_core(planner, robust).as_dict()
        if check_figures:
            from geo_matcher.information import value_of_information

            answer["information"] = value_of_information(planner, check_figures).as_dict()
    if output_format is TableFormat.json:
        write_json(answer)
    elif output_format is TableFormat.csv:
        from geo_matcher.planning_files import plan_csv

        write(plan_csv(answer))
    else:
        labels = {action.name: (action.label_fr, action.label_en) for action in scenario.action}
        _print_plan(answer, labels, language.value)


def _euros(amount: float, language: str) -> str:
    text = format_number(amount, language)
    return f"{text}{NBSP}€" if language == "fr" else f"€{text}"


def _print_plan(answer: dict[str, Any], labels: dict[str, tuple[str, str]], language: str) -> None:
    french = language == "fr"
    terminal = console()
    if not answer["newcomers_counted"]:
        terminal.print("Sans la demande des arrivants." if french else "Without newcomers' demand.")
    headings = (
        ("commune", "action", "coût", "points", "locaux")
        if french
        else ("commune", "action", "cost", "points", "premises")
    )
    table = plain_table(
        headings[0], headings[1], *(Column(name, justify="right") for name in headings[2:])
    )
    for row in answer["actions"]:
        decided = (" (décidé)" if french else " (decided)") if row["decided"] else ""
        table.add_row(
            escape(f"{row['name']} {row['insee_code']}"),
            escape(_say(labels[row["action"]], language) + decided),
            _euros(row["cost_eur"], language),
            format_number(row["benefit"], language, ".1"),
            format_number(row["premises"], language) if row["premises"] else "",
        )
    terminal.print(table)
    _print_totals(answer, language)
    if answer["frontier"]:
        _print_frontier(answer["frontier"], language)
    if "robust_core" in answer:
        _print_core(answer["robust_core"], language)
    if "information" in answer:
        _print_information(answer["information"], language)
    write(f"{answer['release']} {answer['scenario']}")


def _print_totals(answer: dict[str, Any], language: str) -> None:
    french = language == "fr"
    terminal = console()
    brings = {key: format_number(value, language) for key, value in answer["brings"].items()}
    spent, left = (_euros(answer[key], language) for key in ("total_cost_eur", "left_over_eur"))
    points = format_number(answer["total_benefit"], language, ".1")
    status = _say(STATUS_WORDS[answer["status"]], language)
    gap = f"{answer['optimality_gap']:.1e}"
    if french:
        lines = [
            f"{len(answer['actions'])} actions, {spent}, reste {left}{NBSP}; {points} points, "
            f"{status} (écart {gap}).",
            f"Locaux à la fibre {brings['premises_fibre']}, à 30 Mbit/s "
            f"{brings['premises_30mbit']}, équipés {brings['premises_equipped']}{NBSP}; habitants "
            f"rapprochés d'un lieu de travail {brings['inhabitants_near_work']}.",
        ]
    else:
        lines = [
            f"{len(answer['actions'])} actions, {spent}, {left} left over; {points} points, "
            f"{status} (gap {gap}).",
            f"Premises to fibre {brings['premises_fibre']}, to 30 Mbit/s "
            f"{brings['premises_30mbit']}, equipped {brings['premises_equipped']}; inhabitants "
            f"brought near a work place {brings['inhabitants_near_work']}.",
        ]
    for item in answer["baselines"]:
        share = item["share_of_plan"]
        told = "–" if share is None else format_number(share, language, "%")
        colon = f"{NBSP}:" if french else ":"
        lines.append(f"– {_say(BASELINE_WORDS[item['name']], language)}{colon} {told}")
    for floor in answer["floors"]:
        price = format_number(floor["price_points"], language, ".1")
        lines.append(
            f"Plancher {floor['floor']}{NBSP}: coûte {price} points."
            if french
            else f"Floor {floor['floor']}: costs {price} points."
        )
    for item in answer["infeasible"]:
        asked, kept = (format_number(item[key], language) for key in ("asked", "kept"))
        lines.append(
            f"Plancher impossible{NBSP}: {item['floor']}{NBSP}; demandé {asked}, au mieux {kept} "
            f"({item['unit']})."
            if french
            else f"Floor that cannot be met: {item['floor']}; asked {asked}, at best {kept} "
            f"({item['unit']})."
        )
    if answer["budget_needed_eur"] is not None:
        needed = _euros(answer["budget_needed_eur"], language)
        lines.append(
            f"Il faudrait {needed}." if french else f"A budget of {needed} would meet them."
        )
    for line in lines:
        terminal.print(escape(line))


def _print_frontier(points: list[dict[str, Any]], language: str) -> None:
    headings = (
        ("budget", "points", "gain par 100 000 €")
        if language == "fr"
        else ("budget", "points", "gain per further €100,000")
    )
    table = plain_table(*(Column(name, justify="right") for name in headings))
    for point in points:
        figures = (point["benefit"], point["marginal_per_100k"])
        table.add_row(
            _euros(point["budget_eur"], language),
            *("–" if f is None else format_number(f, language, ".1") for f in figures),
        )
    console().print(table)


def _print_core(core: dict[str, Any], language: str) -> None:
    french = language == "fr"
    terminal = console()
    for kind, words in CORE_WORDS.items():
        rows = [row for row in core["actions"] if row["class"] == kind]
        told = f"{len(rows)} actions"
        if kind == "no_regret":
            told += ": " + ", ".join(f"{row['name']} ({row['action']})" for row in rows)
        elif kind == "depends":
            reasons: dict[str, int] = {}
            for row in rows:
                on = row["depends_on"]["on"] if row["depends_on"] else "?"
                reasons[on] = reasons.get(on, 0) + 1
            order = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
            told += " (" + ", ".join(f"{on} {count}" for on, count in order) + ")"
        terminal.print(escape(f"{_say(words, language)} – {told}"))
    draws = "tirages, graine" if french else "draws, seed"
    terminal.print(f"{core['samples']} {draws} {core['seed']}")


def _print_information(found: dict[str, Any], language: str) -> None:
    french = language == "fr"
    worth = [row for row in found["figures"] if row["changes"]]
    told = ", ".join(
        f"{row['name']} ({row['low']}–{row['high']}, "
        f"{format_number(row['worth_points'], language, '.1')} points)"
        for row in worth
    )
    head = "À vérifier" if french else "Worth checking"
    colon = f"{NBSP}:" if french else ":"
    nothing = "rien" if french else "nothing"
    of = f"{found['checked']}/{found['doubtful']}"
    console().print(escape(f"{head} ({of}){colon} {told or nothing}."))
