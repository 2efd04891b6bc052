"""The commands of ``geo-matcher data`` about corrections: make one, withdraw one, see them all.

Hides that nothing is accepted before its effect on the rankings was shown, and how a correction is
told on a line.
"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from geo_matcher import clock
from geo_matcher.console import (
    TextFormatArgument,
    TextFormatOption,
    console,
    plain_table,
    release_of,
    territory_of,
    write,
    write_json,
)
from geo_matcher.corrections import Standing, correct, standings, withdraw, withdrawals
from geo_matcher.errors import DataError
from geo_matcher.matching import rank
from geo_matcher.presets import preset_named
from geo_matcher.rank_moves import ranks_by_commune
from geo_matcher.release_diff import release_diff
from geo_matcher.territory import Territory

__all__ = ["corrections_app", "say_overtaken"]

corrections_app = typer.Typer()

CommuneOption = Annotated[str, typer.Option(help="Code or name of the commune.")]
WhoOption = Annotated[str, typer.Option(help="Name and role of whoever signs.")]
ReasonOption = Annotated[str, typer.Option(help="Why.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Accept it without asking.")]

STATE_WORDS = {
    "same": "as on that day",
    "agrees": "now says the same",
    "changed": "has changed since",
}
"""What has become of the official value."""


@corrections_app.command("correct")
def _correct(
    context: typer.Context,
    commune: CommuneOption,
    column: Annotated[
        str, typer.Option(help="What is corrected, such as town_hall_phone; `open` of a place.")
    ],
    value: Annotated[str, typer.Option(help="What it is; `no` for a place that has closed.")],
    who: WhoOption,
    reason: ReasonOption,
    source: Annotated[str, typer.Option(help="What shows it: a letter, a page, a visit.")],
    table: Annotated[str, typer.Option(help="communes, workplaces or shops.")] = "communes",
    place: Annotated[
        str, typer.Option(help="Which one: name of a work place, kind of a shop.")
    ] = "",
    yes: YesOption = False,
) -> None:
    """Correct a value beside the official one, once its effect on the rankings was shown."""
    from geo_matcher.corrected_release import set_correction

    folder, before = release_of(context), territory_of(context)
    made = correct(
        before.tables, insee_code=before.find(commune), table=table, place=place, column=column,
        value=value, who=who, reason=reason, shown_by=source, day=clock.today(),
    )  # fmt: skip
    after = set_correction(folder, made, is_trial=True)
    write(f"{made.column}: official {made.official_value!r}, corrected {made.value!r}")
    _say_effect(before, after, made.insee_code)
    _ask(is_accepted=yes)
    done = set_correction(folder, made)
    write(f"{folder}: corrected, release {done.release_id}, correction {made.id}.")


@corrections_app.command("withdraw")
def _withdraw(
    context: typer.Context,
    correction: Annotated[
        str, typer.Argument(help="Id of a correction; `data corrections` lists them.")
    ],
    who: WhoOption,
    reason: ReasonOption,
    yes: YesOption = False,
) -> None:
    """Withdraw a correction: the official value counts again; who, when and why stay on record."""
    from geo_matcher.corrected_release import withdraw_correction

    folder, before = release_of(context), territory_of(context)
    made = withdraw(before.tables, correction, who=who, reason=reason, day=clock.today())
    after = withdraw_correction(folder, made, is_trial=True)
    standing = next(s for s in standings(before.tables) if s.correction == made.correction)
    write(
        f"{made.correction.column}: corrected {made.correction.value!r}, official value that "
        f"counts again {standing.official_now!r}"
    )
    _say_effect(before, after, made.correction.insee_code)
    _ask(is_accepted=yes)
    done = withdraw_correction(folder, made)
    write(f"{folder}: correction {made.correction.id} withdrawn, release {done.release_id}.")


@corrections_app.command("corrections")
def _corrections(
    context: typer.Context,
    output_format: TextFormatArgument = TextFormatOption.table,
) -> None:
    """List the corrections, with their ids and what the source says now; then those withdrawn."""
    territory = territory_of(context)
    in_force, gone = standings(territory.tables), withdrawals(territory.tables)
    if output_format is TextFormatOption.json:
        write_json(
            {
                "release": territory.release_id,
                "in_force": [one.as_dict() for one in in_force],
                "withdrawn": [{"id": one.correction.id, **one.as_dict()} for one in gone],
            }
        )
        return
    if not in_force:
        write(f"{territory.release_id}: no correction is in force.")
    terminal = console()
    if in_force:
        table = plain_table("id", "commune", "what", "corrected", "official", "signed")
        for one in in_force:
            said = one.correction
            table.add_row(
                said.id,
                escape(_name(territory, said.insee_code)),
                escape(f"{said.place} {said.column}".strip()),
                escape(said.value),
                escape(_official_words(one)),
                escape(f"{said.day} {said.who}: {said.reason} ({said.source})"),
            )
        terminal.print(table)
    for withdrawn in gone:
        said = withdrawn.correction
        terminal.print(
            escape(
                f"Withdrawn: {said.id} {_name(territory, said.insee_code)} "
                f"{f'{said.place} {said.column}'.strip()} {said.value!r}, signed {said.day} by "
                f"{said.who}; withdrawn {withdrawn.withdrawn_day} by {withdrawn.withdrawn_by}: "
                f"{withdrawn.withdrawn_reason}"
            )
        )


def say_overtaken(territory: Territory) -> None:
    """Print a line for each correction whose source no longer says what it said on that day.

    Parameters
    ----------
    territory
        A loaded release.
    """
    for one in standings(territory.tables):
        if one.state != "same":
            said = one.correction
            write(
                f"Look at correction {said.id} ({_name(territory, said.insee_code)} "
                f"{f'{said.place} {said.column}'.strip()}): the official value "
                f"{STATE_WORDS[one.state]}. Corrected {said.value!r}; official on {said.day} "
                f"{said.official_value!r}, now {one.official_now!r}. Withdraw it with "
                f"`geo-matcher data withdraw {said.id}`, or sign it again with `data correct`."
            )


def _official_words(one: Standing) -> str:
    now = repr(one.official_now) if one.official_now else "none"
    return f"{now}, {STATE_WORDS[one.state]}"


def _name(territory: Territory, code: str) -> str:
    if code not in territory.codes:  # it was withdrawn, and its commune has merged since
        return code
    return str(territory.facts[territory.codes.index(code)]["name"])


def _say_effect(before: Territory, after: Territory, insee_code: str) -> None:
    """Say what a change would do to the rankings of the presets."""
    for ranking in release_diff(before, after).rankings:
        profile = preset_named(ranking.profile).profile
        own = (
            ranks_by_commune(rank(release, profile, "all")).get(insee_code, "not ranked")
            for release in (before, after)
        )
        moves = ranking.moves
        write(
            f"{ranking.profile}: {moves.moved} of {moves.ranked} move, by {moves.largest_move} "
            f"ranks at most; the commune itself: {' → '.join(map(str, own))}"
        )
        for village in moves.named:
            write(f"  {village.name}: {village.rank_before or 'not ranked'} → "
                  f"{village.rank_after or 'not ranked'}")  # fmt: skip


def _ask(*, is_accepted: bool) -> None:
    if not is_accepted and not typer.confirm("Accept it?"):
        raise DataError("Nothing was changed: it was not accepted. Accept it, or give --yes.")
