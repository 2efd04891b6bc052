"""Sentences shown to people, generated from the ledger.

Hides grammar. Nothing is said here that is not a figure of the ledger; a test reads the figures
back out of the sentences and compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geo_matcher.criteria import CRITERIA, Unit
from geo_matcher.decision import Status
from geo_matcher.destinations import HUB_CITIES
from geo_matcher.figure_years import PRICE, price_years
from geo_matcher.matching import NAMES, Ranking
from geo_matcher.numbers import NBSP, format_number, format_raw

__all__ = [
    "Explanation",
    "band_phrase",
    "chance_phrase",
    "explain",
    "label_in_sentence",
    "listed",
    "miss_phrase",
    "raw_phrase",
    "tie_sentence",
]

SURE, RARE = 0.95, 0.05
"""Shares from which "nearly always" and "hardly ever" are said instead of so many times in ten."""

PRICE_WORDS = {
    "fr": {"mean": "un prix moyen de {raw}", "median": "un prix médian de {raw}"},
    "en": {"mean": "an average price of {raw}", "median": "a median price of {raw}"},
}

PARTNER_WORDS = {
    "fr": ("hors des villages partenaires connus", "village partenaire du réseau"),
    "en": ("outside the known partner villages", "partner village of the network"),
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is said of one commune.

    Attributes
    ----------
    summary
        One sentence: what helps most and what drags most.
    helps, drags
        A phrase for each criterion that helps or drags, best and worst first.
    missing
        What is not known or estimated by rule, empty when all is known.
    bounds
        One sentence naming the figures that are upper bounds, empty when there is none.
    completeness
        One sentence on the interval of the score, empty when it is exact.
    """

    summary: str
    helps: tuple[str, ...]
    drags: tuple[str, ...]
    missing: str
    bounds: str
    completeness: str


def raw_phrase(ranking: Ranking, row: int, column: int, language: str) -> str:
    """Return a criterion of a commune as part of a sentence, for instance "une gare à 12 min"."""
    criterion = CRITERIA[NAMES[column]]
    raw = ranking.matrix.raw[row, column].item()
    if not np.isfinite(raw):
        colon = f"{NBSP}:" if language == "fr" else ":"
        known = format_raw(raw, criterion.unit, language)
        return f"{label_in_sentence(criterion.name, language)}{colon} {known}"
    if criterion.unit is Unit.YES_NO:
        return PARTNER_WORDS[language][int(raw >= 0.5)]
    text = format_raw(raw, criterion.unit, language)
    if criterion.name == PRICE:
        years = price_years(ranking.territory, ranking.matrix.codes[row])
        if years is not None:
            return PRICE_WORDS[language][years.kind].format(raw=text)
    if ranking.matrix.status[row, column] == Status.UPPER_BOUND:
        text = f"{text} au plus" if language == "fr" else f"at most {text}"
    phrase = criterion.phrase_fr if language == "fr" else criterion.phrase_en
    return phrase.format(raw=text)


def explain(ranking: Ranking, row: int, language: str) -> Explanation:
    """Say in sentences what the ledger of a commune holds.

    Parameters
    ----------
    ranking
        The ranking that the commune is in.
    row
        Its row.
    language
        ``fr`` or ``en``.
    """
    french = language == "fr"
    helps, drags = (
        tuple(raw_phrase(ranking, row, int(k), language) for k in columns[row] if k >= 0)
        for columns in (ranking.helps, ranking.drags)
    )
    used = ranking.weights > 0
    is_unknown = np.isnan(ranking.matrix.raw[row]) & used
    is_rule = ranking.matrix.status[row] == Status.RECONSTRUCTED
    is_estimate = is_unknown & is_rule & (np.array(NAMES) == "partner_village")
    unknown = np.flatnonzero(is_unknown & ~is_estimate)
    bounded = np.flatnonzero((ranking.matrix.status[row] == Status.UPPER_BOUND) & used)
    low, high = ranking.score_min[row].item(), ranking.score_max[row].item()
    names = [_labels(columns, language) for columns in (unknown, bounded)]
    missing = bounds = completeness = ""
    if names[0]:
        missing = (
            f"Nous ne savons pas encore{NBSP}: {names[0]}."
            if french
            else f"Not known yet: {names[0]}."
        )
    if is_estimate.any():
        missing += " " if missing else ""
        missing += (
            f"Village partenaire{NBSP}: à confirmer par le réseau."
            if french
            else "Partner village: to be confirmed by the network."
        )
    if names[1]:
        bounds = (
            f"Temps au plus, faute de listes complètes{NBSP}: {names[1]}."
            if french
            else f"Time at most, for want of complete lists: {names[1]}."
        )
    if high - low >= 0.05:
        shown = [format_number(value, language, ".1") for value in (low, high)]
        completeness = (
            f"Le score peut aller de {shown[0]} à {shown[1]}, selon ce que nous ignorons."
            if french
            else f"The score may lie between {shown[0]} and {shown[1]}, with what we do not know."
        )
    return Explanation(
        _summary(helps, drags, language), helps, drags, missing, bounds, completeness
    )


def _summary(helps: Sequence[str], drags: Sequence[str], language: str) -> str:
    join = " et " if language == "fr" else " and "
    if helps and drags:
        but = f"{NBSP}; en revanche, " if language == "fr" else "; on the other hand, "
        text = join.join(helps) + but + join.join(drags)
    else:
        text = join.join(helps or drags)
    if not text:
        text = (
            "rien ne se détache dans un sens ni dans l'autre"
            if language == "fr"
            else "nothing stands out either way"
        )
    return f"{text[0].upper()}{text[1:]}."


def _labels(columns: np.ndarray[tuple[int], np.dtype[np.intp]], language: str) -> str:
    return ", ".join(label_in_sentence(NAMES[k], language) for k in columns)


def label_in_sentence(name: str, language: str) -> str:
    """Return the name of a criterion as it stands inside a sentence."""
    criterion = CRITERIA[name]
    label = criterion.label_fr if language == "fr" else criterion.label_en
    return (
        label if label in PROPER_NAMES or label in _town_names() else label[0].lower() + label[1:]
    )


PROPER_NAMES = frozenset({"France services desk"})
"""Labels that keep their capital inside a sentence, as the names of towns do."""


def _town_names() -> frozenset[str]:
    return frozenset(name for _, name in HUB_CITIES.values())


def miss_phrase(criterion_name: str, by: float | None, language: str) -> str:
    """Say by how much a limit is missed, for instance "Gare : manqué de 5 min".

    Parameters
    ----------
    criterion_name
        The criterion that the limit is on.
    by
        How far beyond the limit, in the criterion's unit; ``None`` when a place cannot be reached.
    language
        ``fr`` or ``en``.
    """
    criterion = CRITERIA[criterion_name]
    french = language == "fr"
    start = f"{criterion.label_fr}{NBSP}: " if french else f"{criterion.label_en}: "
    if by is None:
        return start + format_raw(float("inf"), criterion.unit, language)
    if criterion.unit is Unit.YES_NO:
        return start + ("condition non remplie" if french else "condition not met")
    amount = format_raw(by, criterion.unit, language)
    if criterion.unit is Unit.SHARE:
        percent = format_number(by * 100, language, ".1")
        amount = (
            f"{percent}{NBSP}{'point' if by < 0.02 else 'points'}"
            if french
            else f"{percent} points"
        )
    if format_raw(by, criterion.unit, language) == format_raw(0.0, criterion.unit, language):
        return start + ("manqué de peu" if french else "narrowly missed")
    return start + (f"manqué de {amount}" if french else f"missed by {amount}")


# --- How sure a rank is ------------------------------------------------------------------------


def chance_phrase(share: float, language: str) -> str:
    """Say how often something happens: "8 fois sur 10", "presque toujours".

    Parameters
    ----------
    share
        Share of the draws, 0 to 1.
    language
        ``fr`` or ``en``.
    """
    french = language == "fr"
    if share >= SURE:
        return "presque toujours" if french else "nearly always"
    if share < RARE:
        return "presque jamais" if french else "hardly ever"
    times = min(9, max(1, round(share * 10)))
    if french:
        return f"{times if times > 1 else 'une'}{NBSP}fois sur{NBSP}10"
    return f"{times} times in 10" if times > 1 else "once in 10"


def band_phrase(low: int, high: int, count: int, language: str) -> str:
    """Say between which ranks a commune lies, for instance "rang 2 à 11 sur 47"."""
    french = language == "fr"
    if low == high:
        return f"rang {low} sur {count}" if french else f"rank {low} of {count}"
    return f"rang {low} à {high} sur {count}" if french else f"rank {low} to {high} of {count}"


def tie_sentence(names: Sequence[str], language: str) -> str:
    """Say that the odds cannot tell some communes apart."""
    if language == "fr":
        return (
            f"À égalité{NBSP}: rien ne départage vraiment {listed(names, 'et')}. "
            "Leur ordre ne veut rien dire."
        )
    return f"A tie: nothing really tells {listed(names, 'and')} apart. Their order means nothing."


def listed(names: Sequence[str], word: str) -> str:
    """Join names as a sentence does: "a", "a and b", "a, b and c"."""
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last
