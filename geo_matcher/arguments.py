"""Sentences about what would have to be true: why a commune is where it is, and what to ask next.

Hides grammar, as ``sentences`` does for the ledger, and builds on its phrases. Every figure in a
sentence is one of the result it speaks of; tests read them back.

In French a name never follows *à*, *de* or *que*, which Auch, Le Houga or L'Isle-Jourdain would
change: it stands before a verb, after one, or after a mark.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from geo_matcher.criteria import CRITERIA, FAMILIES, Direction, Unit
from geo_matcher.decision import Status
from geo_matcher.explanation import Reasons
from geo_matcher.insight import WeightChange
from geo_matcher.interview import Interview, Question, Step
from geo_matcher.leverage import FigureChange
from geo_matcher.matching import NAMES
from geo_matcher.numbers import NBSP, format_number, format_raw
from geo_matcher.sentences import (
    band_phrase,
    chance_phrase,
    label_in_sentence,
    listed,
    miss_phrase,
    raw_phrase,
)

__all__ = [
    "contradiction_sentences",
    "interview_sentence",
    "question_sentence",
    "reason_sentences",
    "step_phrase",
    "weight_sentence",
]

NOTABLE_POINTS = 0.5
"""Points from which a difference with the first is worth a word."""

GAPS_SAID = 3
WEIGHTS_SAID = 2
FAMILIES_SAID = 3

NOTABLE_EXCESS = 1.1
"""How many times more than others do people have to care for a family for it to be named."""

HARDLY_ANYBODY = 0.05
"""Share of the draws under which hardly anybody would choose a commune."""

SCOPE_WORDS = {
    "fr": {
        "partners": "les villages partenaires",
        "network": "les communes du réseau",
        "all": "toutes les communes",
    },
    "en": {
        "partners": "the partner villages",
        "network": "the communes of the network",
        "all": "all communes",
    },
}


def reason_sentences(reasons: Reasons, language: str) -> tuple[str, ...]:
    """Say why a commune is where it is, and what would change it, most telling first.

    Parameters
    ----------
    reasons
        What was found.
    language
        ``fr`` or ``en``.
    """
    return tuple(_reason_sentences(reasons, language))


def _reason_sentences(reasons: Reasons, language: str) -> Iterator[str]:
    name = reasons.ranking.territory.facts[reasons.row]["name"]
    yield from _standing(reasons, name, language)
    yield from _differences(reasons, name, language)
    if reasons.dominance is not None:
        yield _dominance(reasons, name, language)
    elif reasons.lead.status != "already_first" and reasons.leader is not None:
        yield weight_sentence(reasons.lead, language)
    if reasons.figures and not reasons.lead.left_out_by:
        yield _figure(reasons.figures[0], name, language)
    if reasons.overthrow is not None:
        yield weight_sentence(reasons.overthrow, language)
    if reasons.admirers is not None:
        yield from _admirers(reasons, name, language)


def _standing(reasons: Reasons, name: str, language: str) -> Iterator[str]:
    """Say whether and where a commune is listed."""
    french = language == "fr"
    ranking = reasons.ranking
    if not reasons.in_scope:
        scope = SCOPE_WORDS[language][ranking.scope]
        yield (f"{name} n'est pas parmi {scope}." if french else f"{name} is not among {scope}.")
    if reasons.misses:
        several = len(reasons.misses) > 1
        some = "plusieurs" if several else "l'une"
        missed = ". ".join(miss_phrase(criterion, by, language) for criterion, by in reasons.misses)
        yield (
            f"{name} ne respecte pas {some} de vos limites. {missed}."
            if french
            else f"{name} breaks {'several' if several else 'one'} of your limits. {missed}."
        )
    if reasons.odds is None:
        return
    rank = int(ranking.ranks[np.flatnonzero(ranking.order == reasons.row)[0]])
    score = format_number(ranking.score[reasons.row].item(), language, ".1")
    chance = chance_phrase(reasons.odds["p_top_5"], language)
    band = band_phrase(reasons.odds["rank_low"], reasons.odds["rank_high"], len(ranking), language)
    if french:
        yield f"{name} a {score} points sur 100 et le rang {rank} sur {len(ranking)}."
        yield f"Dans vos 5 premiers{NBSP}: {chance} ({band}, neuf fois sur dix)."
    else:
        yield f"{name} has {score} points out of 100 and rank {rank} of {len(ranking)}."
        yield f"Among your first 5: {chance} ({band}, nine times in ten)."


def _differences(reasons: Reasons, name: str, language: str) -> Iterator[str]:
    """Name what separates a commune from the first."""
    told = [gap for gap in reasons.gaps if gap.points <= -NOTABLE_POINTS][:GAPS_SAID]
    if not told or reasons.leader is None:
        return
    leader = reasons.ranking.territory.facts[reasons.leader]["name"]
    parts = []
    for gap in told:
        phrase = _lost_phrase(reasons, gap.criterion, language)
        points = format_number(-gap.points, language, ".1")
        parts.append(f"{phrase} (−{points})")
    if language == "fr":
        yield (
            f"{name} perd des points par rapport au premier, {leader}{NBSP}: {listed(parts, 'et')}."
        )
    else:
        yield f"{name} loses points beside the first, {leader}: {listed(parts, 'and')}."


def _lost_phrase(reasons: Reasons, criterion: str, language: str) -> str:
    """Say what costs points: a figure, or that there is none, which is no figure either."""
    ranking, column = reasons.ranking, NAMES.index(criterion)
    raw = ranking.matrix.raw[reasons.row, column].item()
    if math.isfinite(raw):
        return raw_phrase(ranking, reasons.row, column, language)
    label = label_in_sentence(criterion, language)
    if math.isnan(raw):
        return f"{label}, faute de donnée" if language == "fr" else f"{label}, not known yet"
    return f"{label}, {format_raw(raw, CRITERIA[criterion].unit, language)}"


def _dominance(reasons: Reasons, name: str, language: str) -> str:
    assert reasons.dominance is not None
    other, certain = reasons.dominance.dominator_name, reasons.dominance.certain
    if language == "fr":
        start = "Même au mieux de l'inconnu" if certain else "D'après ce que nous savons"
        return f"{start}, {name} ne dépasse {other} sur rien de ce qui compte."
    start = "Even with the unknown at its best" if certain else "From what we know"
    return f"{start}, {other} does at least as well as {name} on everything that counts."


def weight_sentence(change: WeightChange, language: str) -> str:
    """Say the least change of weights that puts a commune first, or that there is none."""
    french = language == "fr"
    name = change.challenger_name
    if name is None:
        leader = change.leader_name
        return (
            f"Avec ces chiffres, {leader} reste en tête quelle que soit la façon de peser."
            if french
            else f"With these figures, {leader} stays first however they are weighed."
        )
    if change.status == "already_first":
        if french:
            return f"{name} {'partage' if change.rivals else 'a'} déjà la première place."
        return f"{name} already {'shares' if change.rivals else 'has'} first place."
    if change.moved_share is None:
        return (
            f"Aucune façon de peser vos critères ne met {name} en tête."
            if french
            else f"No way of weighing your criteria puts {name} first."
        )
    parts, unsaid = [], len(change.moves)
    for up in (True, False):
        if told := _moves_told(change, language, up=up):
            unsaid -= len(told)
            more = ("plus" if up else "moins") if french else ("more" if up else "less")
            joined = listed(told, "et" if french else "and")
            parts.append(f"{more} {'pour' if french else 'for'} {joined}")
    details = ", ".join(parts)
    moved = format_number(math.floor(change.moved_share * 1000) / 1000, language, "%")
    if moved == format_number(0.0, language, "%"):
        # A difference of scores that rounding alone tells: what moves may be too little to name.
        colon = f"{NBSP}: " if french else ": "
        details = f"{colon}{details}" if details else ""
        return (
            f"Un très léger changement de poids mettrait {name} en tête{details}."
            if french
            else f"A trifle of weight would put {name} first{details}."
        )
    if french:
        return (
            f"{name} ne passerait en tête qu'en déplaçant au moins {moved} du poids"
            f"{', surtout' if unsaid else ''}{NBSP}: {details}."
        )
    return (
        f"For {name} to come first, at least {moved} of the weight has to move"
        f"{', mainly' if unsaid else ''}: {details}."
    )


def _moves_told(change: WeightChange, language: str, *, up: bool) -> list[str]:
    """Name the weights that rise, or fall, most: with figures, unless rounding makes them equal."""
    moves = [move for move in change.moves if (move[2] > move[1]) is up]
    phrases = [_move_phrase(*move, language) for move in moves]
    if told := [phrase for phrase in phrases if phrase]:
        return told[:WEIGHTS_SAID]
    return [_quoted(criterion, language) for criterion, *_ in moves[:WEIGHTS_SAID]]


def _move_phrase(criterion: str, before: float, after: float, language: str) -> str:
    old, new = (format_number(weight, language, "%") for weight in (before, after))
    if old == new:
        return ""
    label = _quoted(criterion, language)
    return f"{label} ({new} {'au lieu de' if language == 'fr' else 'instead of'} {old})"


def _quoted(criterion: str, language: str) -> str:
    if language == "fr":
        return f"«{NBSP}{CRITERIA[criterion].label_fr}{NBSP}»"
    return f"“{CRITERIA[criterion].label_en}”"


def _figure(change: FigureChange, name: str, language: str) -> str:
    criterion = CRITERIA[change.criterion]
    needed = _shown(_enough(change), change.present, criterion.unit, language)
    label = label_in_sentence(change.criterion, language)
    rank = change.rank_after
    instead = _instead(change, criterion.unit, language)
    if language == "fr":
        return (
            f"{name} aurait le rang {rank} par un seul changement{NBSP}: "
            f"{label}, {needed} {instead}."
        )
    return f"One thing alone would give {name} rank {rank}: {label}, {needed} {instead}."


def _instead(change: FigureChange, unit: Unit, language: str) -> str:
    """Say what stands today in place of a needed figure, or why no figure does."""
    french = language == "fr"
    if change.present is not None:
        present = format_raw(change.present, unit, language)
        if change.status == Status.UPPER_BOUND.label:
            present = f"{present} au plus" if french else f"at most {present}"
        return f"au lieu de {present}" if french else f"instead of {present}"
    if change.status == Status.UNREACHABLE.label:
        return "(aujourd'hui hors d'atteinte)" if french else "(out of reach today)"
    return "(donnée encore inconnue)" if french else "(not known yet)"


SHOWN_TO: Mapping[Unit, float] = MappingProxyType({Unit.SHARE: 0.001, Unit.EUR_M2_MONTH: 0.1})
"""What a figure is rounded to when it is written, in its unit; 1 elsewhere."""

ROUNDING = 1e-9
"""Part of a step that is rounding of the computer and none of the figure."""


def _enough(change: FigureChange) -> float:
    """Round a needed figure to what is written, towards more than enough, never towards less."""
    criterion = CRITERIA[change.criterion]
    step = SHOWN_TO.get(criterion.unit, 1.0)
    is_rise = criterion.direction is Direction.INCREASING
    if change.present is not None:
        is_rise = change.needed > change.present
    steps = change.needed / step
    whole = math.ceil(steps - ROUNDING) if is_rise else math.floor(steps + ROUNDING)
    low, high = criterion.unit.domain
    return min(high, max(low, whole * step))


def _shown(needed: float, present: float | None, unit: Unit, language: str) -> str:
    """Write a needed figure; when rounding hides the difference, say "a little more" or "less"."""
    text = format_raw(needed, unit, language)
    if present is None or text != format_raw(present, unit, language):
        return text
    more = needed > present
    if language == "fr":
        return f"un peu {'plus' if more else 'moins'} de {text}"
    return f"a little {'more' if more else 'less'} than {text}"


def _admirers(reasons: Reasons, name: str, language: str) -> Iterator[str]:
    assert reasons.admirers is not None
    french = language == "fr"
    if not reasons.admirers.families:
        if reasons.admirers.share >= HARDLY_ANYBODY:
            return  # too few draws to tell what these people care for, yet they are not so few
        yield (
            f"Même en pesant tout autrement, presque personne ne choisirait {name} d'abord."
            if french
            else f"Even weighing everything otherwise, hardly anybody would choose {name} first."
        )
        return
    caring = [
        family
        for family, own, everybody in reasons.admirers.families
        if own >= NOTABLE_EXCESS * everybody
    ][:FAMILIES_SAID]
    if not caring:
        return
    if french:
        labels = [f"«{NBSP}{FAMILIES[family].label_fr}{NBSP}»" for family in caring]
        yield f"Ceux qui choisiraient {name} tiennent plus que d'autres à {listed(labels, 'et')}."
    else:
        labels = [f"“{FAMILIES[family].label_en}”" for family in caring]
        yield f"Those who would choose {name} care more than others for {listed(labels, 'and')}."


# --- The conversation --------------------------------------------------------------------------


def step_phrase(step: Step, language: str) -> str:
    """Say an improvement: "un coworking ou tiers-lieu à 8 min plutôt que 20"."""
    criterion = CRITERIA[step.criterion]
    if criterion.unit is Unit.YES_NO:
        return "un village partenaire" if language == "fr" else "a partner village"
    better, worse = (
        format_raw(figure, criterion.unit, language) for figure in (step.better, step.worse)
    )
    if language == "fr":
        return f"{criterion.phrase_fr.format(raw=better)} plutôt que {worse}"
    return f"{criterion.phrase_en.format(raw=better)} rather than {worse}"


def question_sentence(question: Question, language: str) -> str:
    """Ask which of two improvements is worth more."""
    first, second = (step_phrase(step, language) for step in (question.first, question.second))
    if language == "fr":
        return f"Qu'est-ce qui compte le plus pour vous{NBSP}: {first}, ou {second}{NBSP}?"
    return f"What counts more for you: {first}, or {second}?"


STATE_SENTENCES = {
    "fr": {
        "ask": "Une question de plus aiderait à trancher.",
        "none_listed": "Aucune commune ne respecte toutes vos limites : relâchez-en une.",
        "few": "Cinq communes ou moins respectent vos limites : il n'y a rien à départager.",
        "settled": "Vos cinq premiers ne bougent plus guère.",
        "little_to_gain": "Aucune question de plus ne changerait beaucoup vos cinq premiers.",
        "enough": "Cinq questions suffisent : le reste se voit sur place.",
        "contradiction": "Vos réponses ne vont pas toutes ensemble ; c'est bien normal.",
    },
    "en": {
        "ask": "One more question would help to decide.",
        "none_listed": "No commune keeps within all your limits: relax one.",
        "few": "Five communes or fewer keep within your limits: there is nothing to choose.",
        "settled": "Your first five hardly move any more.",
        "little_to_gain": "No further question would change your first five much.",
        "enough": "Five questions are enough: the rest is seen on the spot.",
        "contradiction": "Your answers do not all go together; that is quite usual.",
    },
}


def interview_sentence(interview: Interview, language: str) -> str:
    """Say where an interview stands."""
    text = STATE_SENTENCES[language][interview.state]
    return text.replace(" :", f"{NBSP}:").replace(" ;", f"{NBSP};") if language == "fr" else text


def contradiction_sentences(interview: Interview, language: str) -> tuple[str, ...]:
    """Offer the least changes that reconcile answers which contradict one another."""
    found = interview.contradiction
    if found is None:
        return ()
    french = language == "fr"
    said = []
    answers = [interview.answers[position] for position in found.leave_out]
    pairs = [_pair(answer, language) for answer in answers]
    if french:
        whether = "cette réponse" if len(pairs) == 1 else "ces réponses"
        said.append(f"Tout se tient sans {whether}{NBSP}: {listed(pairs, 'et')}.")
    else:
        whether = "this answer" if len(pairs) == 1 else "these answers"
        said.append(f"All holds without {whether}: {listed(pairs, 'and')}.")
    for family, now, word in found.words:
        label = FAMILIES[family].label_fr if french else FAMILIES[family].label_en
        old, new = (WORDS[language][importance] for importance in (now, word))
        said.append(
            f"Ou bien dites «{NBSP}{label}{NBSP}» {new}, et non {old}{NBSP}: tout se tient alors."
            if french
            else f"Or say that “{label}” is {new} instead of {old}: then all holds."
        )
    return tuple(said)


WORDS = {
    "fr": {
        "a_little": "un peu important",
        "important": "important",
        "indispensable": "indispensable",
    },
    "en": {
        "a_little": "a little important",
        "important": "important",
        "indispensable": "indispensable",
    },
}


def _pair(question: Question, language: str) -> str:
    labels: Sequence[str] = [
        label_in_sentence(step.criterion, language) for step in (question.first, question.second)
    ]
    return " ou ".join(labels) if language == "fr" else " or ".join(labels)
