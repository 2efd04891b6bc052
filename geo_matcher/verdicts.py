"""Sentences about several villages side by side, two people, and a village with its bourg.

Hides grammar, as ``sentences`` and ``arguments`` do; every figure said is one of the result.
"""

from __future__ import annotations

from collections.abc import Iterator

from geo_matcher.comparison import Comparison, Difference
from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.duo import Clash, Duo, DuoLimit, SharedVillage, WayOut
from geo_matcher.numbers import NBSP, format_number, format_raw
from geo_matcher.profile import Profile
from geo_matcher.sentences import label_in_sentence, listed

__all__ = ["comparison_sentences", "duo_names", "duo_sentences"]

DECISIVE_SAID = 3
NOTABLE_POINTS = 0.05
"""Points under which two scores are the same for a reader."""

NOTABLE_GAP = 0.05
"""Difference of two people's share of weight from which it is worth a word."""

GAPS_SAID = 2
WAYS_SAID = 2
AGREE_FROM, DISAGREE_UNDER = 0.7, 0.2


def comparison_sentences(comparison: Comparison, language: str) -> tuple[str, ...]:
    """Say what decides between the first village and each of the others.

    Parameters
    ----------
    comparison
        Villages side by side.
    language
        ``fr`` or ``en``.
    """
    names = {village.insee_code: village.name for village in comparison.villages}
    scores = {village.insee_code: village.score for village in comparison.villages}
    first = comparison.villages[0]
    return tuple(
        _difference_sentence(
            first.name,
            names[difference.against],
            first.score - scores[difference.against],
            difference,
            language,
        )
        for difference in comparison.decisive
    )


def _difference_sentence(
    name: str, other: str, points: float, difference: Difference, language: str
) -> str:
    french = language == "fr"
    sign = 1.0 if points >= 0 else -1.0
    told = [
        f"{label_in_sentence(entry.criterion, language)} ({_signed(sign * entry.points, language)})"
        for entry in difference.criteria[:DECISIVE_SAID]
    ]
    if not told:
        return (
            f"{name} et {other} ont les mêmes points partout."
            if french
            else f"{name} and {other} have the same points everywhere."
        )
    causes = listed(told, "et" if french else "and")
    if abs(points) < NOTABLE_POINTS:
        return (
            f"{name} et {other} ont le même score{NBSP}; leurs plus grands écarts{NBSP}: {causes}."
            if french
            else f"{name} and {other} have the same score; they differ most in {causes}."
        )
    winner, loser = (name, other) if points > 0 else (other, name)
    amount = format_number(abs(points), language, ".1")
    if french:
        return f"{winner} devance {loser} de {amount} points, surtout{NBSP}: {causes}."
    return f"{winner} is {amount} points ahead of {loser}, above all: {causes}."


def _signed(points: float, language: str) -> str:
    return f"{'−' if points < 0 else '+'}{format_number(abs(points), language, '.1')}"


def duo_names(first: Profile, second: Profile, language: str) -> tuple[str, str]:
    """Return what to call two people: the names of their profiles, or A and B.

    Parameters
    ----------
    first, second
        The two profiles.
    language
        ``fr`` or ``en``.
    """
    names = first.name.strip(), second.name.strip()
    if all(names) and names[0] != names[1]:
        return names
    return ("la personne A", "la personne B") if language == "fr" else ("person A", "person B")


def duo_sentences(duo: Duo, names: tuple[str, str], language: str) -> tuple[str, ...]:
    """Say where two people can meet, what it costs each, and what pulls them apart.

    Parameters
    ----------
    duo
        Two rankings put together.
    names
        What to call the two people.
    language
        ``fr`` or ``en``.
    """
    return tuple(_duo_sentences(duo, names, language))


def _duo_sentences(duo: Duo, names: tuple[str, str], language: str) -> Iterator[str]:
    french = language == "fr"
    one, two = names
    favourites = [(duo.best_first, one), (duo.best_second, two)]
    if duo.best_first and duo.best_second and duo.compromise is not None:
        best = {duo.best_first.insee_code, duo.best_second.insee_code}
        if best == {duo.compromise.insee_code} and not duo.compromise.larger_regret:
            name = duo.compromise.name
            yield (
                f"{one} et {two} choisiraient tous deux {name}, chacun de son côté."
                if french
                else f"{one} and {two} would both choose {name}, each alone."
            )
            favourites = []
    for favourite, who in favourites:
        if favourite is not None:
            score = format_number(favourite.score, language, ".1")
            yield (
                f"{who}, de son côté, choisirait {favourite.name} ({score} points)."
                if french
                else f"{who} alone would choose {favourite.name} ({score} points)."
            )
    if duo.compromise is not None:
        if favourites:
            yield _compromise(duo.compromise, names, language)
        unbeaten = sum(village.pareto for village in duo.villages)
        yield (
            f"Villages qu'aucun autre ne bat pour les deux à la fois{NBSP}: {unbeaten} "
            f"sur {len(duo.villages)}."
            if french
            else f"Villages that no other beats for both at once: {unbeaten} "
            f"of {len(duo.villages)}."
        )
    else:
        yield (
            "Aucun village ne respecte toutes vos limites à tous deux."
            if french
            else "No village keeps within all the limits of both."
        )
        for way in duo.ways_out[:WAYS_SAID]:
            yield _way_out(way, names, language)
    for clash in duo.clashes:
        yield _clash(clash, names, language)
    yield from _distance(duo, names, language)


def _compromise(village: SharedVillage, names: tuple[str, str], language: str) -> str:
    regrets = [
        format_number(regret, language, ".1")
        for regret in (village.regret_first, village.regret_second)
    ]
    if language == "fr":
        return (
            f"Le meilleur compromis est {village.name}{NBSP}: {names[0]} y perd {regrets[0]} "
            f"points sur son préféré, {names[1]} {regrets[1]}."
        )
    return (
        f"The best compromise is {village.name}: {names[0]} loses {regrets[0]} points against the "
        f"village of their choice, {names[1]} {regrets[1]}."
    )


def _way_out(way: WayOut, names: tuple[str, str], language: str) -> str:
    limits = listed(
        [_limit(limit, names, language) for limit in way.limits],
        "et" if language == "fr" else "and",
    )
    if language == "fr":
        villages = "village" if way.listed < 2 else "villages"
        return f"Sans {limits}, il en reste {way.listed} {villages}."
    villages = "village is" if way.listed == 1 else "villages are"
    return f"Without {limits}, {way.listed} {villages} left."


def _clash(clash: Clash, names: tuple[str, str], language: str) -> str:
    first, second = (_limit(limit, names, language) for limit in (clash.first, clash.second))
    if language == "fr":
        why = "aucun chiffre" if clash.impossible else "aucune commune"
        return f"{why.capitalize()} ne satisfait à la fois {first} et {second}."
    why = "No figure" if clash.impossible else "No commune"
    return f"{why} satisfies both {first} and {second}."


def _limit(limit: DuoLimit, names: tuple[str, str], language: str) -> str:
    """Write a limit and whose it is: "la limite d'Alice (gare, au plus 20 min)"."""
    criterion = CRITERIA[limit.criterion]
    figure = format_raw(limit.limit, criterion.unit, language)
    label = label_in_sentence(limit.criterion, language)
    who = names[0 if limit.of == "first" else 1]
    if language == "fr":
        word = "au plus" if limit.is_maximum else "au moins"
        return f"la limite «{NBSP}{label}, {word} {figure}{NBSP}» ({who})"
    word = "at most" if limit.is_maximum else "at least"
    return f"the limit “{label}, {word} {figure}” ({who})"


def _distance(duo: Duo, names: tuple[str, str], language: str) -> Iterator[str]:
    """Say how alike the two people's wishes are, and what sets them apart most."""
    french = language == "fr"
    if duo.agreement is not None:
        share = format_number(duo.agreement, language, ".1").replace("-", "−")
        if duo.agreement >= AGREE_FROM:
            said = "se ressemblent" if french else "are alike"
        elif duo.agreement < DISAGREE_UNDER:
            said = "s'opposent" if french else "pull apart"
        else:
            said = "se rejoignent en partie" if french else "meet in part"
        yield (
            f"Vos deux classements {said} (corrélation {share})."
            if french
            else f"Your two rankings {said} (correlation {share})."
        )
    for gap in duo.family_gaps[:GAPS_SAID]:
        difference = gap.weight_first - gap.weight_second
        if abs(difference) < NOTABLE_GAP:
            continue
        more, less = names if difference > 0 else names[::-1]
        most, least = sorted((gap.weight_first, gap.weight_second), reverse=True)
        high, low = (format_number(weight, language, "%") for weight in (most, least))
        family = FAMILIES[gap.family]
        yield (
            f"«{NBSP}{family.label_fr}{NBSP}» pèse {high} pour {more}, {low} pour {less}."
            if french
            else f"“{family.label_en}” weighs {high} for {more}, {low} for {less}."
        )
    for pair in duo.oppositions[:1]:
        first, second = (
            label_in_sentence(name, language)
            for name in (pair.criterion_first, pair.criterion_second)
        )
        if pair.criterion_first == pair.criterion_second:
            yield (
                f"Vous attendez le contraire l'un de l'autre pour un point{NBSP}: {first}."
                if french
                else f"You expect opposite things of one point: {first}."
            )
        else:
            yield (
                f"Ici, ce que veut {names[0]} ({first}) va rarement avec ce que veut {names[1]} "
                f"({second})."
                if french
                else f"Here, what {names[0]} wants ({first}) rarely goes with what {names[1]} "
                f"wants ({second})."
            )
