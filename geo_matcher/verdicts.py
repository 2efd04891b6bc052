"""Sentences about several villages side by side, and about two people.

Hides grammar, as ``sentences`` and ``arguments`` do; every figure said is one of the result. In
French no name follows *à*, *de* or *que*, and nothing has to agree with whoever reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from geo_matcher.comparison import Comparison, CriterionDifference, Difference
from geo_matcher.criteria import CRITERIA, FAMILIES, Unit
from geo_matcher.duo import Duo, SharedVillage
from geo_matcher.duo_limits import Clash, DuoLimit, WayOut
from geo_matcher.numbers import NBSP, format_number, format_raw
from geo_matcher.profile import Profile
from geo_matcher.sentences import chance_phrase, label_in_sentence, listed

__all__ = ["ahead_sentences", "comparison_sentences", "duo_names", "duo_sentences"]

DECISIVE_SAID = 3
EVEN = 0.5
"""Odds of being ahead from which the first is named first."""

NOTABLE_POINTS = 0.05
"""Points under which two figures are the same for a reader."""

SAME_POINTS = 1e-9
"""Points closer than this are the same, as in a ranking."""

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
    notable = [entry for entry in difference.criteria if abs(entry.points) >= NOTABLE_POINTS]
    if not notable and abs(points) < NOTABLE_POINTS:
        nearly = ("presque " if french else "nearly ") if difference.criteria else ""
        return (
            f"{name} et {other} ont {nearly}les mêmes points partout."
            if french
            else f"{name} and {other} have {nearly}the same points everywhere."
        )
    start = _standing(name, other, points, language)
    if not notable:
        return (
            f"{start}, sans qu'aucun critère ne se détache."
            if french
            else f"{start}, with no criterion that stands out."
        )
    told = notable[:DECISIVE_SAID]
    # Who is ahead has something for it, however small beside what speaks for the other.
    if points >= NOTABLE_POINTS:
        told = _with_one(told, notable, 1.0)
    elif points <= -NOTABLE_POINTS:
        told = _with_one(told, notable, -1.0)
    sides = [(name, 1.0), (other, -1.0)] if points >= 0 else [(other, -1.0), (name, 1.0)]
    parts = [start]
    for who, sign in sides:
        causes = [
            f"{label_in_sentence(entry.criterion, language)} "
            f"(+{format_number(abs(entry.points), language, '.1')})"
            for entry in told
            if entry.points * sign > 0
        ]
        if causes:
            head = f"Pour {who}{NBSP}" if french else f"For {who}"
            parts.append(f"{head}: {listed(causes, 'et' if french else 'and')}")
    return ". ".join(parts) + "."


def _standing(name: str, other: str, points: float, language: str) -> str:
    """Say who is ahead and by how much, without the end of the sentence."""
    french = language == "fr"
    if abs(points) < NOTABLE_POINTS:
        nearly = "" if abs(points) <= SAME_POINTS else ("presque " if french else "nearly ")
        return (
            f"{name} et {other} ont {nearly}le même score"
            if french
            else f"{name} and {other} have {nearly}the same score"
        )
    winner, loser = (name, other) if points > 0 else (other, name)
    amount = _points(abs(points), language)
    if french:
        return f"{winner} devance {loser} de {amount}"
    return f"{winner} is {amount} ahead of {loser}"


def _with_one(
    told: Sequence[CriterionDifference], notable: Sequence[CriterionDifference], sign: float
) -> list[CriterionDifference]:
    """Return the differences told, the last one replaced if none is on the side of ``sign``."""
    own = [entry for entry in notable if entry.points * sign > 0]
    if not own or any(entry in told for entry in own):
        return list(told)
    return [*told[: DECISIVE_SAID - 1], own[0]]


def _points(amount: float, language: str) -> str:
    """Write an amount of points; in French what is under two is singular."""
    text = format_number(amount, language, ".1")
    one = language == "fr" and abs(round(amount, 1)) < 2
    return f"{text} {'point' if one else 'points'}"


def ahead_sentences(
    names: Sequence[str], ahead: Sequence[Sequence[float | None]], language: str
) -> tuple[str, ...]:
    """Say how often the first of some villages is ahead of each of the others.

    Parameters
    ----------
    names
        The villages.
    ahead
        How often each is ahead of each other, 0 to 1; None where one is not listed, and nothing
        is said.
    language
        ``fr`` or ``en``.
    """
    first, *others = names
    said = []
    for place, other in enumerate(others, 1):
        share = ahead[0][place]
        if share is None:
            continue
        winner, loser = (first, other) if share >= EVEN else (other, first)
        chance = chance_phrase(max(share, 1.0 - share), language)
        said.append(
            f"{winner} passe devant {loser} {chance}."
            if language == "fr"
            else f"{winner} comes before {loser} {chance}."
        )
    return tuple(said)


def duo_names(first: Profile, second: Profile, language: str) -> tuple[str, str]:
    """Return what to call two people: the names of their profiles, or A and B.

    Parameters
    ----------
    first, second
        The two profiles.
    language
        ``fr`` or ``en``.
    """
    # What a terminal would obey, or what would break a line, is no part of a name.
    one, two = (
        " ".join("".join(c if c.isprintable() else " " for c in profile.name).split())
        for profile in (first, second)
    )
    names = one, two
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
    said = _duo_sentences(duo, names, language)
    return tuple(f"{sentence[0].upper()}{sentence[1:]}" for sentence in said)


def _duo_sentences(duo: Duo, names: tuple[str, str], language: str) -> Iterator[str]:
    french = language == "fr"
    one, two = names
    favourites = [(duo.best_first, one), (duo.best_second, two)]
    if duo.best_first and duo.best_second and duo.compromise is not None:
        best = {duo.best_first.insee_code, duo.best_second.insee_code}
        if best == {duo.compromise.insee_code} and not duo.compromise.larger_regret:
            name = duo.compromise.name
            yield (
                f"Séparément, {one} et {two} choisiraient le même village{NBSP}: {name}."
                if french
                else f"{one} and {two} would both choose {name}, each alone."
            )
            favourites = []
    for favourite, who in favourites:
        if favourite is not None:
            score = _points(favourite.score, language)
            yield (
                f"{who}, de son côté, choisirait {favourite.name} ({score})."
                if french
                else f"{who} alone would choose {favourite.name} ({score})."
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
            "Aucun village ne respecte à la fois toutes les limites de l'un et de l'autre profil."
            if french
            else "No village keeps within all the limits of both."
        )
        for way in duo.ways_out[:WAYS_SAID]:
            yield _way_out(way, names, language)
    for clash in duo.clashes:
        yield _clash(clash, names, language)
    yield from _distance(duo, names, language)


def _compromise(village: SharedVillage, names: tuple[str, str], language: str) -> str:
    french = language == "fr"
    said = False
    parts = []
    regrets = (village.regret_first, village.regret_second)
    for who, regret in zip(names, regrets, strict=True):
        if regret < NOTABLE_POINTS:
            exactly = regret <= SAME_POINTS
            if french:
                parts.append(f"{who} n'y perd {'rien' if exactly else 'presque rien'}")
            else:
                parts.append(f"{who} loses {'nothing' if exactly else 'hardly anything'}")
            continue
        beside = " sur son village préféré" if french else " against their favourite village"
        verb = "y perd" if french else "loses"
        parts.append(f"{who} {verb} {_points(regret, language)}{'' if said else beside}")
        said = True
    details = ", ".join(parts)
    if french:
        return f"Le meilleur compromis est {village.name}{NBSP}: {details}."
    return f"The best compromise is {village.name}: {details}."


def _way_out(way: WayOut, names: tuple[str, str], language: str) -> str:
    limits = listed(
        [_limit(limit, names, language) for limit in way.limits],
        "et" if language == "fr" else "and",
    )
    if language == "fr":
        villages = "village" if way.listed < 2 else "villages"
        return f"Sans {limits}, il reste {way.listed} {villages}."
    villages = "village is" if way.listed == 1 else "villages are"
    return f"Without {limits}, {way.listed} {villages} left."


def _clash(clash: Clash, names: tuple[str, str], language: str) -> str:
    first, second = (_limit(limit, names, language) for limit in (clash.first, clash.second))
    if language == "fr":
        why = "Aucun chiffre" if clash.impossible else "Aucune de ces communes"
        return f"{why} ne satisfait à la fois {first} et {second}."
    why = "No figure" if clash.impossible else "None of these communes"
    return f"{why} satisfies both {first} and {second}."


def _limit(limit: DuoLimit, names: tuple[str, str], language: str) -> str:
    """Write a limit and whose it is: "la limite « gare, au plus 20 min » (Alice)"."""
    french = language == "fr"
    unit = CRITERIA[limit.criterion].unit
    label = label_in_sentence(limit.criterion, language)
    who = names[0 if limit.of == "first" else 1]
    figure = format_raw(limit.limit, unit, language)
    if unit is Unit.YES_NO:  # neither more nor less: yes, or no
        colon = f"{NBSP}:" if french else ":"
        text = f"{label}{colon} {format_raw(float(not limit.is_maximum), unit, language)}"
    elif french:
        text = f"{label}, {'au plus' if limit.is_maximum else 'au moins'} {figure}"
    else:
        text = f"{label}, {'at most' if limit.is_maximum else 'at least'} {figure}"
    if french:
        return f"la limite «{NBSP}{text}{NBSP}» ({who})"
    return f"the limit “{text}” ({who})"


def _distance(duo: Duo, names: tuple[str, str], language: str) -> Iterator[str]:
    """Say how alike the two people's wishes are, and what sets them apart most."""
    french = language == "fr"
    if duo.agreement is not None:
        agreement = round(duo.agreement, 1) + 0.0  # the figure shown decides; no "−0.0"
        share = format_number(agreement, language, ".1").replace("-", "−")
        if agreement >= AGREE_FROM:
            said = "se ressemblent" if french else "are alike"
        elif agreement < DISAGREE_UNDER:
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
                f"Sur un point, vos attentes sont contraires{NBSP}: {first}."
                if french
                else f"On one point you expect opposite things: {first}."
            )
        else:
            yield (
                f"Ici, ce que veut {names[0]} ({first}) va rarement avec ce que veut {names[1]} "
                f"({second})."
                if french
                else f"Here, what {names[0]} wants ({first}) rarely goes with what {names[1]} "
                f"wants ({second})."
            )
