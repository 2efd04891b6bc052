"""Commands that explain, compare and converse: what stands behind a ranking.

Hides nothing but layout; every answer is the library's, in words or as JSON.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from geo_matcher.audit import Audit
from geo_matcher.comparison import (
    Cell,
    Comparison,
    CriterionComparison,
    OriginFigure,
    Village,
)
from geo_matcher.console import (
    DrawsArgument,
    LanguageArgument,
    LanguageOption,
    PresetOption,
    ProfileArgument,
    ProfileOption,
    SeedArgument,
    TextFormatArgument,
    TextFormatOption,
    TopArgument,
    UsualScopeArgument,
    chosen_profile,
    console,
    plain_table,
    scope_of,
    territory_of,
    write,
    write_file,
    write_json,
)
from geo_matcher.criteria import CRITERIA, FAMILIES, Importance, Unit
from geo_matcher.errors import ProfileError
from geo_matcher.interview import Answer, Choice, Interview, Question, interview
from geo_matcher.matching import rank
from geo_matcher.newcomers import DEFAULT_SIZE, MAX_SIZE, MIN_SIZE
from geo_matcher.numbers import format_number, format_raw
from geo_matcher.profile import Profile, parse_profile, read_profile
from geo_matcher.robustness import DEFAULT_DRAWS, DEFAULT_SEED, odds
from geo_matcher.territory import Territory

__all__ = ["answers_app"]

answers_app = typer.Typer()

CommuneArgument = Annotated[
    str, typer.Argument(help="INSEE code, or name; accents and case do not matter.")
]
LEAST_SAVED_MIN = 0.5
"""Minutes a week under which a bourg saves nothing that is worth a word."""

CHOICES: dict[str, Choice] = {
    "1": "first",
    "2": "second",
    "=": "same",
    "-": "skip",
    "first": "first",
    "second": "second",
    "same": "same",
    "skip": "skip",
}
"""What may be typed as an answer."""


@answers_app.command("explain")
def _explain(
    context: typer.Context,
    commune: CommuneArgument,
    profile: ProfileArgument = None,
    profile_name: PresetOption = None,
    scope: UsualScopeArgument = None,
    places: Annotated[
        int | None,
        typer.Option(
            min=1, max=1000, help="Ranks to gain by one figure; by default, to the top 5."
        ),
    ] = None,
    draws: DrawsArgument = DEFAULT_DRAWS,
    seed: SeedArgument = DEFAULT_SEED,
    output_format: TextFormatArgument = TextFormatOption.table,
    language: LanguageArgument = LanguageOption.en,
) -> None:
    """Say why a village is where it is, and what would have to be true for it to come first."""
    from geo_matcher.arguments import reason_sentences
    from geo_matcher.explanation import reasons

    territory, chosen = territory_of(context), chosen_profile(profile, profile_name)
    among = scope_of(scope, territory, language.value, output_format)
    ranking = rank(territory, chosen, among)
    found = reasons(ranking, commune, places=places, draws=draws, seed=seed)
    if output_format is TextFormatOption.json:
        write_json(found.as_dict())
        return
    for sentence in reason_sentences(found, language.value):
        console().print(escape(f"– {sentence}"))
    alike = ", ".join(twin.name for twin in found.alike)
    console().print(escape(f"– {'Ressemble à' if language == 'fr' else 'Resembles'} {alike}."))
    write(ranking.territory.release_id)


@answers_app.command("interview")
def _interview(
    context: typer.Context,
    profile: ProfileArgument = None,
    profile_name: PresetOption = None,
    scope: UsualScopeArgument = None,
    given: Annotated[
        str,
        typer.Option(
            "--answers",
            help="Answers to the questions, in their order: 1, 2, = (the same) or - (skip), "
            "for instance 1,2,=. Without it, the questions are asked here.",
        ),
    ] = "",
    draws: DrawsArgument = DEFAULT_DRAWS,
    seed: SeedArgument = DEFAULT_SEED,
    output_format: TextFormatArgument = TextFormatOption.table,
    language: LanguageArgument = LanguageOption.en,
) -> None:
    """Ask at most five questions, each chosen to settle the first five villages most."""
    territory = territory_of(context)
    is_live = not given and output_format is TextFormatOption.table and sys.stdin.isatty()
    if is_live and profile is None and profile_name is None:
        chosen = _asked_words(language.value)
    else:
        chosen = chosen_profile(profile, profile_name)
    among = scope_of(scope, territory, language.value, output_format)
    typed = iter([part.strip() for part in given.split(",")] if given else ())
    answers: list[Answer] = []
    while True:
        state = interview(territory, chosen, among, answers, draws=draws, seed=seed)
        if state.question is None:
            break
        question = state.question.question
        choice = _asked(question, language.value) if is_live else next(typed, None)
        if choice is None:
            break
        answers.append(Answer(**question.model_dump(), choice=_choice(choice)))
    left = list(typed)
    if left:
        raise ProfileError(
            f"{len(left)} of the answers found no question: {len(answers)} were asked "
            f"({state.state}). Leave the others out."
        )
    if output_format is TextFormatOption.json:
        write_json(state.as_dict())
    else:
        _print_interview(state, territory, language.value)


@answers_app.command("compare")
def _compare(
    context: typer.Context,
    communes: Annotated[
        list[str], typer.Argument(help="Two to four communes, by INSEE code or name.")
    ],
    profile: ProfileOption = None,
    profile_name: PresetOption = None,
    scope: UsualScopeArgument = None,
    draws: DrawsArgument = DEFAULT_DRAWS,
    seed: SeedArgument = DEFAULT_SEED,
    output_format: TextFormatArgument = TextFormatOption.table,
    language: LanguageArgument = LanguageOption.en,
) -> None:
    """Set two to four villages side by side, and beside the commune that is left."""
    from geo_matcher.comparison import chances, compare

    territory, chosen = territory_of(context), chosen_profile(profile, profile_name)
    among = scope_of(scope, territory, language.value, output_format)
    ranking = rank(territory, chosen, among)
    found = compare(ranking, communes)
    sure = chances(found, odds(ranking, draws=draws, seed=seed))
    if output_format is TextFormatOption.json:
        write_json(found.as_dict() | sure)
    else:
        _print_comparison(found, sure["ahead"], language.value)


def _print_comparison(found: Comparison, ahead: list[list[float | None]], language: str) -> None:
    from geo_matcher.verdicts import ahead_sentences, comparison_sentences

    heads = [f"{village.name}\n{_rank_words(village, language)}" for village in found.villages]
    if found.origin is not None:
        heads.append(found.origin.label)
    table = plain_table("", *(escape(head) for head in heads))
    for family in found.families:
        label = FAMILIES[family.family]
        table.add_row(f"[bold]{label.label_fr if language == 'fr' else label.label_en}[/bold]")
        for row in family.criteria:
            table.add_row(*(escape(cell) for cell in _comparison_row(row, found, language)))
    terminal = console()
    terminal.print(table)
    names = [village.name for village in found.villages]
    for sentence in (
        *comparison_sentences(found, language),
        *ahead_sentences(names, ahead, language),
    ):
        terminal.print(escape(sentence))
    write(found.release)


def _rank_words(village: Village, language: str) -> str:
    score = format_number(village.score, language, ".1")
    if village.rank is None:
        return f"{score} · {'hors liste' if language == 'fr' else 'not listed'}"
    return f"{score} · {'rang' if language == 'fr' else 'rank'} {village.rank}"


def _comparison_row(row: CriterionComparison, found: Comparison, language: str) -> Iterator[str]:
    criterion = CRITERIA[row.criterion]
    yield f"  {criterion.label_fr if language == 'fr' else criterion.label_en}"
    for cell in row.cells:
        text = _figure_text(cell, criterion.unit, language)
        yield f"{text} *" if cell.is_best else text
    if found.origin is not None:
        yield _figure_text(row.origin, criterion.unit, language) if row.origin else ""


def _figure_text(cell: Cell | OriginFigure, unit: Unit, language: str) -> str:
    raw = float("inf") if cell.status == "unreachable" else cell.raw
    text = format_raw(raw, unit, language)
    return f"≤ {text}" if cell.status == "upper_bound" else text


@answers_app.command("duo")
def _duo(
    context: typer.Context,
    first: Annotated[Path, typer.Argument(help="One person's profile, in TOML or JSON.")],
    second: Annotated[Path, typer.Argument(help="The other person's.")],
    scope: UsualScopeArgument = None,
    top: TopArgument = 10,
    output_format: TextFormatArgument = TextFormatOption.table,
    language: LanguageArgument = LanguageOption.en,
) -> None:
    """Find where two people can meet: best for both, what it costs each, which limits clash."""
    from geo_matcher.duo import duo
    from geo_matcher.verdicts import duo_names, duo_sentences

    people = read_profile(first), read_profile(second)
    territory = territory_of(context)
    among = scope_of(scope, territory, language.value, output_format)
    found = duo(territory, *people, among)
    if output_format is TextFormatOption.json:
        write_json(found.as_dict())
        return
    french = language == "fr"
    names = duo_names(*people, language.value)
    terminal = console()
    for sentence in duo_sentences(found, names, language.value):
        terminal.print(escape(sentence))
    loses = "perd" if french else "loses"
    table = plain_table("#", "Village", *(escape(f"{name} {loses}") for name in names), "")
    best = "imbattu" if french else "unbeaten"
    for village in found.villages[:top]:
        table.add_row(
            str(village.place),
            escape(village.name),
            format_number(village.regret_first, language.value, ".1"),
            format_number(village.regret_second, language.value, ".1"),
            best if village.pareto else "",
        )
    terminal.print(table)
    write(found.release)


@answers_app.command("pairs")
def _pairs(
    context: typer.Context,
    profile: ProfileArgument = None,
    profile_name: PresetOption = None,
    scope: UsualScopeArgument = None,
    top: TopArgument = 10,
    output_format: TextFormatArgument = TextFormatOption.table,
    language: LanguageArgument = LanguageOption.en,
) -> None:
    """Live here, shop there: each village with the bourg that serves it best."""
    from geo_matcher.pairs import pairs

    territory, chosen = territory_of(context), chosen_profile(profile, profile_name)
    among = scope_of(scope, territory, language.value, output_format)
    ranking = rank(territory, chosen, among)
    found = pairs(ranking, top)
    if output_format is TextFormatOption.json:
        write_json([pair.as_dict() for pair in found])
        return
    french = language == "fr"
    headings = (
        (
            "#",
            "Village",
            "Score",
            "Bourg",
            "Route",
            "Sur place",
            "Au bourg",
            "Épargnées par semaine",
        )
        if french
        else ("#", "Village", "Score", "Bourg", "Drive", "In place", "In the bourg", "Saved a week")
    )
    table = plain_table(*headings)
    for pair in found:
        bourg = pair.bourg
        table.add_row(
            str(pair.rank),
            escape(pair.name),
            format_number(pair.score, language.value, ".1"),
            escape(bourg.name) if bourg else "–",
            format_raw(bourg.drive_min, Unit.MINUTES, language.value) if bourg else "",
            str(len(pair.found_in("village"))),
            str(len(pair.found_in("bourg"))),
            _saved(pair.saved_min_week, language.value),
        )
    console().print(table)
    write(ranking.territory.release_id)


def _saved(minutes: float, language: str) -> str:
    return format_raw(minutes, Unit.MINUTES, language) if minutes >= LEAST_SAVED_MIN else "–"


@answers_app.command("types")
def _types(
    context: typer.Context,
    output_format: TextFormatArgument = TextFormatOption.table,
    language: LanguageArgument = LanguageOption.en,
) -> None:
    """Show the types of communes, each named from its own figures."""
    from geo_matcher.typology import typology

    found = typology(territory_of(context)).as_dict()
    if output_format is TextFormatOption.json:
        write_json(found)
        return
    french = language == "fr"
    table = plain_table("", "communes", "habitants" if french else "inhabitants", "", "")
    for kind in found["types"]:
        table.add_row(
            kind["letter"],
            format_number(kind["communes"], language.value),
            format_number(kind["population"], language.value),
            escape(kind["name_fr" if french else "name_en"]),
            escape(kind["typical"]["name"]),
        )
    console().print(table)
    write(found["release"])


@answers_app.command("audit")
def _audit(
    context: typer.Context,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="HTML file to write: the report, in French."),
    ] = None,
    scope: UsualScopeArgument = None,
    size: Annotated[
        int, typer.Option(min=MIN_SIZE, max=MAX_SIZE, help="Profiles in the population.")
    ] = DEFAULT_SIZE,
    seed: SeedArgument = DEFAULT_SEED,
    top: Annotated[int, typer.Option(min=1, max=20, help="Places that count as being seen.")] = 5,
    output_format: TextFormatArgument = TextFormatOption.table,
) -> None:
    """Tell which villages never reach anybody's first places, and why."""
    from geo_matcher.audit import audit

    territory = territory_of(context)
    among = scope_of(scope, territory, "en", output_format)
    found = audit(territory, among, size=size, seed=seed, top=top)
    if output is not None:
        from geo_matcher.audit_report import audit_html

        # The size of the file is told where the answer itself is not to be read by a program.
        write_file(output, audit_html(found), is_told=output_format is TextFormatOption.table)
    if output_format is TextFormatOption.json:
        write_json(found.as_dict())
    elif output is None:
        _print_audit(found)


def _print_audit(found: Audit) -> None:
    terminal = console()
    gini = "–" if found.gini is None else f"{found.gini:.2f}"
    terminal.print(
        f"{len(found.absences)} of {len(found.exposures)} communes are never among the first "
        f"{found.top} of anybody; Gini of exposure {gini}; {found.size} profiles, seed {found.seed}"
    )
    table = plain_table("commune", "best rank", "why")
    for absence in found.absences:
        rank_words = "–" if absence.best_rank is None else str(absence.best_rank)
        table.add_row(escape(absence.name), rank_words, ", ".join(absence.reasons))
    terminal.print(table)
    write(found.release)


def _choice(typed: str) -> Choice:
    try:
        return CHOICES[typed]
    except KeyError:
        expected = ", ".join(CHOICES)
        message = f"answer: found {typed[:40]!r}, expected one of: {expected}."
        raise ProfileError(message) from None


def _asked(question: Question, language: str) -> str:
    """Ask one question at the terminal, until the answer can be read."""
    from geo_matcher.arguments import question_sentence, step_phrase

    terminal = console()
    terminal.print()
    terminal.print(escape(question_sentence(question, language)), style="bold")
    same, skip = ("autant", "passer") if language == "fr" else ("the same", "skip")
    for key, text in (
        ("1", step_phrase(question.first, language)),
        ("2", step_phrase(question.second, language)),
        ("=", same),
        ("-", skip),
    ):
        terminal.print(escape(f"  {key}  {text}"))
    while True:
        typed: str = typer.prompt("?", default="-").strip()
        if typed in CHOICES:
            return typed
        write("1, 2, =, -")


def _asked_words(language: str) -> Profile:
    """Ask how much each family matters, in the four words."""
    french = language == "fr"
    words = list(Importance)
    scale = (
        "0 pas du tout, 1 un peu, 2 important, 3 indispensable"
        if french
        else "0 not at all, 1 a little, 2 important, 3 indispensable"
    )
    write(scale)
    unsaid = parse_profile({})
    importance = {}
    for family in FAMILIES.values():
        label = family.label_fr if french else family.label_en
        known = words.index(unsaid.family_importance(family.name))
        importance[family.name] = words[_asked_number(label, known, len(words) - 1)].value
    return parse_profile({"importance": importance})


def _asked_number(label: str, known: int, most: int) -> int:
    """Ask for a whole number from 0 to ``most``, until one is typed."""
    numbers = {str(number): number for number in range(most + 1)}
    while True:
        typed: str = typer.prompt(label, default=str(known)).strip()
        if typed in numbers:
            return numbers[typed]
        write(f"0–{most}")


def _print_interview(state: Interview, territory: Territory, language: str) -> None:
    from geo_matcher.arguments import (
        contradiction_sentences,
        interview_sentence,
        question_sentence,
    )

    terminal = console()
    for sentence in _interview_lines(state, language):
        terminal.print(escape(sentence))
    table = plain_table()
    table.show_header = False
    from geo_matcher.sentences import band_phrase, chance_phrase

    count = len(state.odds.ranking)
    for result in state.as_dict()["results"]:
        chances = result["odds"]
        table.add_row(
            escape(result["name"]),
            chance_phrase(chances["p_top_5"], language),
            band_phrase(chances["rank_low"], chances["rank_high"], count, language),
        )
    terminal.print(escape(interview_sentence(state, language)))
    for sentence in contradiction_sentences(state, language):
        terminal.print(escape(sentence))
    terminal.print(table)
    if state.question is not None:
        terminal.print(escape(question_sentence(state.question.question, language)))
    write(territory.release_id)


def _interview_lines(state: Interview, language: str) -> Iterator[str]:
    from geo_matcher.arguments import step_phrase

    for number, answer in enumerate(state.answers, 1):
        first, second = (step_phrase(step, language) for step in (answer.first, answer.second))
        sign = {"first": ">", "second": "<", "same": "=", "skip": "?"}[answer.choice]
        yield f"{number}. {first}  {sign}  {second}"
