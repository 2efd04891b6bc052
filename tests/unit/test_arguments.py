from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from geo_matcher import explanation
from geo_matcher.arguments import (
    _enough,
    contradiction_sentences,
    interview_sentence,
    question_sentence,
    reason_sentences,
    step_phrase,
    weight_sentence,
)
from geo_matcher.criteria import CRITERIA, FAMILIES, Unit
from geo_matcher.decision import DecisionMatrix, Status, decision_matrix
from geo_matcher.dominance import Dominance, dominated
from geo_matcher.explanation import Admirers, Gap, Reasons, reasons
from geo_matcher.insight import WeightChange, weights_to_lead
from geo_matcher.interview import Contradiction, Interview, Question, Step, interview, parse_answers
from geo_matcher.leverage import FigureChange, figures_to_gain
from geo_matcher.matching import NAMES, Ranking, rank
from geo_matcher.numbers import format_raw
from geo_matcher.presets import PRESETS, preset_named
from geo_matcher.profile import parse_profile
from geo_matcher.robustness import odds
from geo_matcher.sentences import label_in_sentence
from geo_matcher.territory import Territory

LANGUAGES = pytest.mark.parametrize("language", ["fr", "en"])
NBSP = "\u00a0"
DRAWS = 200
AUCH, LE_HOUGA = "32013", "32155"
DOZEN = (
    "Auch", "Le Houga", "L'Isle-Jourdain", "La Romieu", "Eauze", "Mauvezin", "Saint-Clar",
    "Fleurance", "Marciac", "Aignan", "Samatan", "Le Brouilh-Monbert",
)  # fmt: skip

NUMBER = {"fr": r"\d(?:[\d\u202f]*\d)?(?:,\d+)?", "en": r"\d(?:[\d,]*\d)?(?:\.\d+)?"}
NOT_FIGURES = r"30 Mbit/s|30 °C|2030"
"""Numbers that belong to the name of a criterion."""

QUOTED = {"fr": r"«\u00a0([^»]+)\u00a0»", "en": r"“([^”]+)”"}
MOVE = {
    "fr": QUOTED["fr"] + r" \(([^()]+) au lieu de ([^()]+)\)",
    "en": QUOTED["en"] + r" \(([^()]+) instead of ([^()]+)\)",
}
DIRECTIONS = {"fr": ("plus pour", "moins pour"), "en": ("more for", "less for")}
UNKNOWN = {"fr": r"inconnue?\b|faute de donnée", "en": r"unknown|not known"}
OUT_OF_REACH = {"fr": "hors d'atteinte", "en": "out of reach"}
A_LITTLE = {"fr": ("un peu plus de", "un peu moins de"), "en": ("a little more", "a little less")}
YES = {"fr": "oui", "en": "yes"}


# --- Reading sentences back -----------------------------------------------------------------


def figures_in(text: str, language: str) -> list[float]:
    """Read the figures of a text back, as its language writes them; a share comes in percent."""
    thousands, decimal = ("\u202f", ",") if language == "fr" else (",", ".")
    found = re.findall(NUMBER[language], re.sub(NOT_FIGURES, "", text))
    return [float(n.replace(thousands, "").replace(decimal, ".")) for n in found]


def step_of(unit: Unit) -> tuple[float, float]:
    """Return what a figure is multiplied by in a sentence, and half of its last digit."""
    return {Unit.SHARE: (100.0, 0.05), Unit.EUR_M2_MONTH: (1.0, 0.05)}.get(unit, (1.0, 0.5))


def told_as(text: str, expected: Sequence[tuple[float, float]], language: str) -> None:
    """Check that the figures of a text are these, each within its rounding, and no others."""
    found = figures_in(text, language)
    assert len(found) == len(expected), (text, found, expected)
    for said, (figure, half_digit) in zip(found, expected, strict=True):
        assert abs(said - figure) <= half_digit + 1e-9, (text, said, figure)


def label_of(criterion: str, language: str) -> str:
    found = CRITERIA[criterion]
    return found.label_fr if language == "fr" else found.label_en


def criterion_of(label: str, language: str) -> str:
    (name,) = [name for name in NAMES if label_of(name, language) == label]
    return name


def is_well_written(sentence: str, language: str) -> None:
    assert sentence == sentence.strip()
    assert sentence[-1] in ".?"
    assert not sentence[0].islower()
    assert not re.search(r"\b(nan|inf|None|True|False)\b", sentence, re.IGNORECASE), sentence
    assert not re.search(r"[{}_\n]|  |\.\.|,,| ,| \.", sentence), sentence
    assert sentence.count("(") == sentence.count(")")
    if language == "fr":
        assert not re.search(r"(?<!\u00a0)[:;?!%€»]|«(?!\u00a0)", sentence), sentence
        assert not re.search(r"\b(?:[àÀ]|[dD]e) [lL]es?\b", sentence), sentence
        assert not re.search(r"\b(?:[dD]e|[qQ]ue|[nN]e|[lL]a|[lL]e) [aeiouyàâéèêîôûÉÈÀÎ]", sentence)
        assert not re.search(r"\b(?:[dD]e|[qQ]ue|[nN]e) [AEIOUY]", sentence), sentence
    else:
        assert not re.search(r"\s[:;?!%]", sentence), sentence


def both(said: Callable[[str], Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Return every sentence with its language; both languages say as many, and write well."""
    french, english = said("fr"), said("en")
    assert len(french) == len(english)
    for one, other in zip(french, english, strict=True):
        is_well_written(one, "fr")
        is_well_written(other, "en")
        yield "fr", one
        yield "en", other


# --- What each sentence has to say ----------------------------------------------------------


def name_of(found: Reasons, row: int | None = None) -> str:
    return str(found.ranking.territory.facts[found.row if row is None else row]["name"])


def check_scope(found: Reasons, sentence: str, language: str) -> None:
    assert name_of(found) in sentence
    told_as(sentence, [], language)


def check_limits(found: Reasons, sentence: str, language: str) -> None:
    assert name_of(found) in sentence
    expected = []
    for criterion, by in found.misses:
        unit = CRITERIA[criterion].unit
        scale, half = step_of(unit)
        assert label_of(criterion, language) in sentence
        if by is None:
            assert OUT_OF_REACH[language] in sentence
        elif by * scale >= half:  # less is told without a figure
            expected.append((by * scale, half))
    told_as(sentence, expected, language)


def check_standing(found: Reasons, sentence: str, language: str) -> None:
    result, n = found.ranking.result(found.row), len(found.ranking)
    assert sentence.startswith(name_of(found))
    expected = [(result["score"], 0.05), (100, 0), (result["rank"], 0), (n, 0)]
    told_as(sentence, expected, language)


def check_chance(found: Reasons, sentence: str, language: str) -> None:
    assert found.odds is not None
    share, low, high = (found.odds[key] for key in ("p_top_5", "rank_low", "rank_high"))
    times: list[tuple[float, float]] = []
    if 0.05 <= share < 0.15:
        times = [(10, 0)]
    elif 0.15 <= share < 0.95:
        times = [(share * 10, 0.5), (10, 0)]
    band = [(low, 0), (high, 0)] if low != high else [(low, 0)]
    told_as(sentence, [(5, 0), *times, *band, (len(found.ranking), 0)], language)
    words = {"fr": ("presque jamais", "presque toujours"), "en": ("hardly ever", "nearly always")}
    never, always = words[language]
    assert (never in sentence) == (share < 0.05)
    assert (always in sentence) == (share >= 0.95)


def notable_gaps(found: Reasons) -> list[Gap]:
    return [gap for gap in found.gaps if gap.points <= -0.5][:3]


def check_gaps(found: Reasons, sentence: str, language: str) -> None:
    assert found.leader is not None
    ranking = found.ranking
    assert name_of(found) in sentence
    assert name_of(found, found.leader) in sentence
    expected, unknown, unreachable = [], 0, 0
    for gap in notable_gaps(found):
        k = NAMES.index(gap.criterion)
        raw = ranking.matrix.raw[found.row, k].item()
        unit = CRITERIA[gap.criterion].unit
        scale, half = step_of(unit)
        if np.isnan(raw) or np.isinf(raw):
            unknown += np.isnan(raw)
            unreachable += np.isinf(raw)
            assert label_in_sentence(gap.criterion, language) in sentence
        elif unit is not Unit.YES_NO:
            expected.append((raw * scale, half))
        lost = (
            100
            * ranking.weights[k]
            * (ranking.values[found.leader, k] - ranking.values[found.row, k])
        )
        assert lost > 0
        expected.append((lost, 0.05))
    told_as(sentence, expected, language)
    assert sentence.count("(−") == len(notable_gaps(found))
    assert len(re.findall(UNKNOWN[language], sentence)) == unknown
    assert sentence.count(OUT_OF_REACH[language]) == unreachable


def check_dominance(found: Reasons, sentence: str, language: str) -> None:
    assert found.dominance is not None
    assert name_of(found) in sentence
    assert found.dominance.dominator_name in sentence
    told_as(sentence, [], language)


def check_weights(change: WeightChange, sentence: str, language: str) -> None:
    assert (change.challenger_name or change.leader_name or "?") in sentence
    if change.status != "possible" or not change.moved_share:
        told_as(sentence, [], language)
        assert not re.findall(QUOTED[language], sentence)
        return
    up, down = DIRECTIONS[language]
    assert sentence.count(up) == sentence.count(down) == 1
    rises, falls = sentence.split(up)[1].split(down)
    moves = {name: (before, after) for name, before, after in change.moves}
    for text, sign in ((rises, 1), (falls, -1)):
        told = [criterion_of(label, language) for label in re.findall(QUOTED[language], text)]
        mine = [name for name, before, after in change.moves if (after - before) * sign > 0]
        assert 1 <= len(told) <= 2
        assert set(told) <= set(mine)
        assert told == sorted(told, key=mine.index)  # largest first
        for label, new, old in re.findall(MOVE[language], text):
            before, after = moves[criterion_of(label, language)]
            told_as(old, [(100 * before, 0.05)], language)
            told_as(new, [(100 * after, 0.05)], language)
            assert (figures_in(new, language)[0] - figures_in(old, language)[0]) * sign > 0
    figures = figures_in(sentence, language)
    if int(1000 * change.moved_share):
        # "At least": rounded down, never up.
        assert -1e-9 <= 100 * change.moved_share - figures[0] < 0.1
        figures = figures[1:]
    assert len(figures) == 2 * len(re.findall(MOVE[language], sentence))


def check_figure(found: Reasons, sentence: str, language: str) -> None:
    change = found.figures[0]
    unit = CRITERIA[change.criterion].unit
    scale, half = step_of(unit)
    assert name_of(found) in sentence
    assert label_in_sentence(change.criterion, language) in sentence
    expected: list[tuple[float, float]] = [(change.rank_after, 0)]
    if unit is Unit.YES_NO:
        assert change.needed == 1.0
        assert YES[language] in sentence
    else:
        expected.append((change.needed * scale, 2 * half))
        if change.present is not None:
            expected.append((change.present * scale, half))
    told_as(sentence, expected, language)
    reachable = change.status != "unreachable"
    assert bool(re.search(UNKNOWN[language], sentence)) == (change.present is None and reachable)
    assert (OUT_OF_REACH[language] in sentence) == (not reachable)
    hides = len(expected) == 3 and len(set(figures_in(sentence, language)[1:])) == 1
    more, less = (words in sentence for words in A_LITTLE[language])
    assert more == (hides and (change.change or 0) > 0)
    assert less == (hides and (change.change or 0) < 0)


def caring(found: Reasons) -> list[str]:
    assert found.admirers is not None
    families = found.admirers.families
    return [family for family, own, everybody in families if own >= 1.1 * everybody][:3]


def check_admirers(found: Reasons, sentence: str, language: str) -> None:
    labels = [
        FAMILIES[family].label_fr if language == "fr" else FAMILIES[family].label_en
        for family in caring(found)
    ]
    assert name_of(found) in sentence
    assert re.findall(QUOTED[language], sentence) == labels
    told_as(sentence, [], language)


Check = Callable[[Reasons, str, str], None]


def lead(found: Reasons, sentence: str, language: str) -> None:
    check_weights(found.lead, sentence, language)


def overthrow(found: Reasons, sentence: str, language: str) -> None:
    assert found.overthrow is not None
    check_weights(found.overthrow, sentence, language)


def expected_checks(found: Reasons) -> Iterator[Check]:
    """Return what has to be said of a commune, in order."""
    if not found.in_scope:
        yield check_scope
    if found.misses:
        yield check_limits
    if found.is_listed:
        yield check_standing
        yield check_chance
    if notable_gaps(found):
        yield check_gaps
    if found.dominance is not None:
        yield check_dominance
    elif found.leader is not None and found.lead.status != "already_first":
        yield lead
    if found.figures and not found.lead.left_out_by:
        yield check_figure
    if found.overthrow is not None:
        yield overthrow
    if found.admirers is not None:
        families, share = found.admirers.families, found.admirers.share
        if caring(found) or (not families and share < 0.05):
            yield check_admirers


def check_all(found: Reasons) -> list[Check]:
    """Check every sentence on a commune in both languages; return what was said."""
    checks = list(expected_checks(found))
    said = list(both(lambda language: reason_sentences(found, language)))
    assert len(said) == 2 * len(checks)
    for number, (language, sentence) in enumerate(said):
        checks[number // 2](found, sentence, language)
    return checks


def sentence_for(found: Reasons, check: Check, language: str) -> str:
    """Return the one sentence on a commune that has to say something."""
    return reason_sentences(found, language)[list(expected_checks(found)).index(check)]


@pytest.fixture(scope="module", autouse=True)
def _once() -> Iterator[None]:
    """Draw the odds of a ranking once, and look for no twins: nothing is said of them here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explanation, "odds", lru_cache(maxsize=None)(odds))
        patch.setattr(explanation, "twins", lambda *_: ())
        yield


@pytest.fixture(scope="module")
def artist(territory: Territory) -> Ranking:
    """Return a ranking of every commune of the territory."""
    return rank(territory, preset_named("cultura-artist").profile, "all")


@pytest.fixture(scope="module")
def family(territory: Territory) -> Ranking:
    return rank(territory, preset_named("paris-web-family").profile, "partners")


@pytest.fixture(scope="module")
def second(family: Ranking) -> Reasons:
    return reasons(family, family.matrix.codes[family.order[1]], draws=DRAWS)


@pytest.fixture(scope="module")
def winner(family: Ranking) -> Reasons:
    return reasons(family, family.matrix.codes[family.order[0]], draws=DRAWS)


# --- The sweep ------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["partners", "all"])
@pytest.mark.parametrize("preset", PRESETS)
def test_every_figure_and_word_is_that_of_the_result(
    territory: Territory, preset: str, scope: str
) -> None:
    ranking = rank(territory, PRESETS[preset].profile, scope)
    # Every name where it is quick, and those that French would bend everywhere.
    names = DOZEN if scope == "partners" else DOZEN[:4]
    codes = {territory.find(name) for name in names} | {ranking.matrix.codes[ranking.order[0]]}
    seen = {
        check for code in sorted(codes) for check in check_all(reasons(ranking, code, draws=DRAWS))
    }
    assert {check_standing, check_chance, check_gaps, overthrow, check_admirers} <= seen
    assert lead in seen or check_dominance in seen
    assert scope == "all" or check_scope in seen


@LANGUAGES
def test_no_name_of_the_release_is_bent_by_the_grammar(
    territory: Territory, artist: Ranking, language: str
) -> None:
    base = reasons(artist, LE_HOUGA, draws=DRAWS)
    assert base.leader is not None
    for row, facts in enumerate(territory.facts):
        name = facts["name"]
        here = replace(
            base,
            row=row,
            in_scope=False,
            lead=replace(base.lead, challenger_name=name),
            dominance=None,
            leader=row,
        )
        pair = Dominance(facts["insee_code"], name, facts["insee_code"], name, row % 2 == 0, 1.0)
        said = [*reason_sentences(here, language)]
        said += reason_sentences(replace(here, dominance=pair), language)
        for status in ("impossible", "already_first"):
            said.append(
                weight_sentence(replace(here.lead, status=status, moved_share=None), language)
            )
        kept = replace(here.lead, challenger_name=None, leader_name=name)
        said.append(weight_sentence(kept, language))
        for sentence in said:
            is_well_written(sentence, language)
            assert name in sentence or sentence == said[2]  # the odds name nobody
            if language == "fr":
                joined = rf"\b(?:à|de|que|du|au|aux|des|le|la|les) {re.escape(name)}"
                assert not re.search(joined, sentence, re.IGNORECASE), sentence


# --- Where a commune stands -----------------------------------------------------------------


def test_the_first_is_told_what_would_dethrone_it(winner: Reasons) -> None:
    assert check_all(winner)[:3] == [check_standing, check_chance, overthrow]
    assert winner.overthrow is not None
    sentence = sentence_for(winner, overthrow, "fr")
    assert winner.overthrow.challenger_name is not None
    assert winner.overthrow.challenger_name in sentence
    assert name_of(winner) not in sentence


def test_a_first_that_nothing_dethrones_is_told_so(winner: Reasons) -> None:
    assert winner.overthrow is not None
    firm = replace(
        winner.overthrow, status="impossible", challenger=None, challenger_name=None,
        weights_after=None, moved_share=None, moves=(), rivals=(),
    )  # fmt: skip
    found = replace(winner, overthrow=firm)
    assert overthrow in check_all(found)
    assert name_of(winner) in sentence_for(found, overthrow, "en")


def test_a_shared_first_rank_is_told_as_shared(territory: Territory) -> None:
    real = decision_matrix(territory)
    raw, low, status = real.raw.copy(), real.raw_low.copy(), real.status.copy()
    profile = preset_named("retired-couple").profile
    before = rank(territory, profile, "partners")
    first, other = before.order[:2].tolist()
    for array in (raw, low, status):
        array[other] = array[first]
    matrix = DecisionMatrix.from_figures(real.codes, raw, low, status)
    ranking = rank(territory, profile, "partners", matrix=matrix)
    assert ranking.ranks[:2].tolist() == [1, 1]
    for place, rival in ((0, 1), (1, 0)):
        found = reasons(ranking, ranking.matrix.codes[ranking.order[place]], draws=DRAWS)
        said = check_all(found)
        assert (overthrow in said) == (place == 0)
        assert lead not in said
        shared = {lan: weight_sentence(found.overthrow or found.lead, lan) for lan in ("fr", "en")}
        expected = name_of(found, int(ranking.order[rival if place == 0 else place]))
        assert shared["fr"].startswith(expected)
        assert "partage" in shared["fr"]
        assert "shares" in shared["en"]


def test_a_commune_outside_the_scope_is_told_so_first(family: Ranking) -> None:
    found = reasons(family, AUCH, draws=DRAWS)
    assert check_all(found)[0] is check_scope
    sentences = {scope: replace(family, scope=scope) for scope in ("partners", "network", "all")}
    said = {
        (scope, language): reason_sentences(replace(found, ranking=ranking), language)[0]
        for scope, ranking in sentences.items()
        for language in ("fr", "en")
    }
    assert len(set(said.values())) == 6
    assert "partenaires" in said["partners", "fr"]
    assert "réseau" in said["network", "fr"]
    assert "network" in said["network", "en"]


@pytest.mark.parametrize(
    ("limits", "count"),
    [
        ({"toulouse_min": {"at_most": 60}}, 1),
        ({"toulouse_min": {"at_most": 60}, "population": {"at_most": 300}}, 2),
        ({"toulouse_min": {"at_most": 60}, "population": {"at_most": 300},
          "house_rent_eur_m2_month": {"at_most": 5.5}, "ftth_coverage_share": {"at_least": 1}}, 4),
    ],
)  # fmt: skip
def test_each_limit_that_is_missed_is_told_with_its_amount(
    territory: Territory, limits: dict[str, Any], count: int
) -> None:
    ranking = rank(territory, parse_profile({"limits": limits}), "all")
    found = reasons(ranking, LE_HOUGA, draws=DRAWS)
    assert len(found.misses) == count
    said = check_all(found)
    assert said[0] is check_limits
    assert not {check_standing, check_chance, check_figure, check_admirers} & set(said)
    french, english = (sentence_for(found, check_limits, lan) for lan in ("fr", "en"))
    assert ("plusieurs" in french) == ("several" in english) == (count > 1)
    assert ("une de vos" in french) == ("one of your" in english) == (count == 1)


def test_a_place_out_of_reach_is_told_in_words(territory: Territory) -> None:
    ranking = with_figure(territory, LE_HOUGA, "station_min", np.inf, {"at_most": 45})
    found = reasons(ranking, LE_HOUGA, draws=DRAWS)
    assert found.misses == (("station_min", None),)
    said = check_all(found)
    assert {check_limits, check_gaps} <= set(said)
    # The station costs as much as it can: the gap tells it too, as a word.
    assert "station_min" in {gap.criterion for gap in notable_gaps(found)}


def with_figure(
    territory: Territory, code: str, criterion: str, figure: float, limit: dict[str, Any] | None
) -> Ranking:
    """Return a ranking in which one figure is another, unknown or out of reach."""
    real = decision_matrix(territory)
    raw, low, status = real.raw.copy(), real.raw_low.copy(), real.status.copy()
    row, k = territory.codes.index(code), NAMES.index(criterion)
    raw[row, k] = low[row, k] = figure
    kind = Status.MISSING if np.isnan(figure) else Status.UNREACHABLE
    status[row, k] = kind if not np.isfinite(figure) else Status.MEASURED
    profile = parse_profile(
        {
            "importance": {"mobility": "indispensable", "housing": "indispensable"},
            "limits": {criterion: limit} if limit else {},
        }
    )
    matrix = DecisionMatrix.from_figures(real.codes, raw, low, status)
    return rank(territory, profile, "partners", matrix=matrix)


def test_limits_that_exclude_everybody_leave_only_the_misses_to_tell(territory: Territory) -> None:
    profile = parse_profile(
        {"limits": {"station_min": {"at_most": 0.5}, "lycee_min": {"at_most": 0.5}}}
    )
    ranking = rank(territory, profile, "partners")
    assert len(ranking) == 0
    assert check_all(reasons(ranking, LE_HOUGA, draws=DRAWS)) == [check_limits]
    assert check_all(reasons(ranking, AUCH, draws=DRAWS))[0] is check_scope


# --- What it lacks beside the first ---------------------------------------------------------


def test_an_unknown_figure_costs_points_and_is_told_as_unknown(territory: Territory) -> None:
    ranking = with_figure(territory, LE_HOUGA, "house_price_eur_m2", np.nan, None)
    found = reasons(ranking, LE_HOUGA, draws=DRAWS)
    gap = next(gap for gap in found.gaps if gap.criterion == "house_price_eur_m2")
    told = replace(found, gaps=(gap,))
    assert gap.points < -0.5
    assert check_gaps in check_all(told)
    for language in ("fr", "en"):
        assert len(figures_in(sentence_for(told, check_gaps, language), language)) == 1
    # Beside a label, an adjective would have to know whether it is masculine.
    assert "inconnu" not in sentence_for(told, check_gaps, "fr")


def test_a_difference_of_less_than_half_a_point_is_not_told(second: Reasons) -> None:
    told = reason_sentences(second, "fr")
    assert check_gaps in check_all(second)
    close = replace(second, gaps=(Gap("doctor_min", -0.49), Gap("station_min", 2.0)))
    assert check_gaps not in check_all(close)
    assert len(reason_sentences(close, "fr")) == len(told) - 1


# --- Weights --------------------------------------------------------------------------------


def changed(found: Reasons, *moves: tuple[str, float, float]) -> WeightChange:
    moved = sum(abs(after - before) for _, before, after in moves) / 2
    return replace(found.lead, status="possible", moves=moves, moved_share=moved)


@LANGUAGES
def test_moves_that_rounding_hides_are_left_for_those_that_show(
    second: Reasons, language: str
) -> None:
    change = changed(
        second,
        ("museum_min", 0.01, 0.06),
        ("cinema_min", 0.0203, 0.0204),
        ("station_min", 0.10, 0.0501),
        ("college_min", 0.0502, 0.05),
    )
    sentence = weight_sentence(change, language)
    check_weights(change, sentence, language)
    told = re.findall(QUOTED[language], sentence)
    assert told == [label_of(name, language) for name in ("museum_min", "station_min")]
    assert figures_in(sentence, language) == pytest.approx([5.0, 6.0, 1.0, 5.0, 10.0], abs=0.051)


@LANGUAGES
def test_moves_that_rounding_hides_altogether_are_told_without_figures(
    second: Reasons, language: str
) -> None:
    change = changed(second, ("museum_min", 0.0201, 0.0203), ("station_min", 0.1003, 0.1001))
    sentence = weight_sentence(change, language)
    check_weights(change, sentence, language)
    assert figures_in(sentence, language) == []
    assert re.findall(QUOTED[language], sentence) == [
        label_of(name, language) for name in ("museum_min", "station_min")
    ]
    is_well_written(sentence, language)
    nothing = weight_sentence(replace(change, moves=(), moved_share=0.0), language)
    is_well_written(nothing, language)
    assert name_of(second) in nothing
    assert figures_in(nothing, language) == []


def test_two_weights_are_named_each_way_and_the_rest_is_owned_to(second: Reasons) -> None:
    rising = [(name, 0.01, 0.02) for name in NAMES[:3]]
    falling = [(name, 0.05, 0.04) for name in NAMES[3:6]]
    for moves, is_whole in (
        ([*rising, *falling], False),
        ([*rising, falling[0]], False),
        ([*rising[:2], *falling[:2]], True),
        ([rising[0], falling[0]], True),
    ):
        change = changed(second, *moves)
        for language, word in (("fr", "surtout"), ("en", "mainly")):
            sentence = weight_sentence(change, language)
            check_weights(change, sentence, language)
            assert (word in sentence) == (not is_whole)
            count = min(2, sum(m in rising for m in moves)) + min(2, len(moves) - len(rising))
            assert is_whole or len(re.findall(QUOTED[language], sentence)) == max(3, count)


def test_what_no_weights_put_first_is_told_so(artist: Ranking) -> None:
    codes = [artist.matrix.codes[row] for row in artist.order[::-1]]
    changes = (weights_to_lead(artist, code) for code in codes)
    change = next(change for change in changes if change.status == "impossible")
    for language in ("fr", "en"):
        sentence = weight_sentence(change, language)
        check_weights(change, sentence, language)
        is_well_written(sentence, language)
    found = replace(reasons(artist, change.challenger or "", draws=DRAWS), dominance=None)
    assert lead in check_all(found)
    assert sentence_for(found, lead, "fr") == weight_sentence(change, "fr")


@LANGUAGES
def test_domination_is_told_for_sure_only_where_it_is_sure(second: Reasons, language: str) -> None:
    pair = Dominance("32002", name_of(second), "32013", "Auch", certain=True, behind_points=1.0)
    sure, unsure = (
        sentence_for(replace(second, dominance=p), check_dominance, language)
        for p in (pair, replace(pair, certain=False))
    )
    assert sure != unsure
    word = {"fr": "D'après ce que nous savons", "en": "From what we know"}[language]
    assert word in unsure
    assert word not in sure
    for found in (sure, unsure):
        check_dominance(replace(second, dominance=pair), found, language)
    # It stands in place of the weights: none would do.
    assert lead not in check_all(replace(second, dominance=pair))


def test_sure_and_unsure_dominations_of_the_release_are_told(artist: Ranking) -> None:
    pairs = dominated(artist)
    for certain in (True, False):
        code = next(code for code, pair in pairs.items() if pair.certain is certain)
        assert check_dominance in check_all(reasons(artist, code, draws=DRAWS))


# --- One figure -----------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("scope", ["partners", "all"])
def test_the_figure_as_it_is_written_is_enough(
    territory: Territory, preset: str, scope: str
) -> None:
    ranking = rank(territory, PRESETS[preset].profile, scope)
    matrix = ranking.matrix
    for place in (place for place in (3, 9, 20, 40) if place < len(ranking)):
        row = int(ranking.order[place])
        code = matrix.codes[row]
        for change in figures_to_gain(ranking, code, 2)[:6]:
            criterion = CRITERIA[change.criterion]
            written = format_raw(_enough(change), criterion.unit, "en")
            (figure, *_) = figures_in(written, "en") or [1.0]  # a yes is 1
            figure = figure / 100 if criterion.unit is Unit.SHARE else figure
            raw, low, status = matrix.raw.copy(), matrix.raw_low.copy(), matrix.status.copy()
            column = matrix.column(change.criterion)
            raw[row, column] = low[row, column] = figure
            changed = DecisionMatrix.from_figures(matrix.codes, raw, low, status)
            again = rank(territory, ranking.profile, scope, matrix=changed)
            reached = again.ranks[np.flatnonzero(again.order == row)[0]]
            assert reached <= change.rank_after, (code, written, change)


def figure(criterion: str, present: float | None, needed: float, **more: Any) -> FigureChange:
    return FigureChange(
        criterion=criterion,
        unit=CRITERIA[criterion].unit.value,
        present=present,
        status=more.pop("status", "measured" if present is not None else "missing"),
        needed=needed,
        change=None if present is None else needed - present,
        value_present=0.5,
        value_needed=0.6,
        value_change=0.1,
        rank_before=7,
        rank_after=4,
        **more,
    )


@pytest.mark.parametrize(
    ("change", "french"),
    [
        (figure("station_min", 37.0, 22.4), "22 min au lieu de 37 min"),
        (figure("ftth_coverage_share", 0.912, 0.954), "95,4 % au lieu de 91,2 %"),
        (figure("house_price_eur_m2", 2607.4, 1654.0), "1 654 €/m² au lieu de 2 607 €/m²"),
        (figure("house_rent_eur_m2_month", 9.04, 7.36), "7,3 €/m² par mois au lieu de 9,0"),
        (figure("population", 22_428.0, 2_500.0), "2 500 habitants au lieu de 22 428"),
        (figure("hot_days_2030_year", 41.0, 1.0), "1 jour par an au lieu de 41 jours"),
        (figure("partner_village", 0.0, 1.0), "oui au lieu de non"),
        (figure("partner_village", None, 1.0, status="reconstructed"), "donnée encore inconnue"),
        (figure("house_price_eur_m2", None, 1500.0), "1 500 €/m² (donnée encore inconnue)"),
        (figure("lycee_min", None, 31.0, status="unreachable"), "31 min (aujourd'hui hors"),
        (figure("college_min", 17.0, 12.0, status="upper_bound"), "12 min au lieu de 17 min au p"),
        (figure("daily_services_min", 5.4, 5.2), "un peu moins de 5 min au lieu de 5 min"),
        (figure("ftth_coverage_share", 0.9116, 0.9119), "un peu plus de 91,2 % au lieu de 91,2 %"),
    ],
)  # fmt: skip
def test_one_figure_is_told_beside_the_one_that_stands_today(
    second: Reasons, change: FigureChange, french: str
) -> None:
    found = replace(second, figures=(change,))
    assert check_figure in check_all(found)
    spaces = str.maketrans({NBSP: " ", "\u202f": " "})
    assert french in sentence_for(found, check_figure, "fr").translate(spaces)
    at_most = "at most 17" in sentence_for(found, check_figure, "en")
    assert at_most == (change.status == "upper_bound")


def test_a_figure_says_nothing_of_ranks_that_a_commune_left_out_cannot_have(
    second: Reasons,
) -> None:
    found = replace(second, lead=replace(second.lead, left_out_by=("scope",)))
    assert check_figure not in check_all(found)


# --- Who would choose it --------------------------------------------------------------------


def test_families_are_named_when_those_who_choose_it_care_clearly_more(second: Reasons) -> None:
    families = (
        ("health", 0.30, 0.10), ("work", 0.22, 0.15), ("mobility", 0.16, 0.12),
        ("children", 0.14, 0.12), ("welcome", 0.11, 0.101),
    )  # fmt: skip
    for kept, count in ((families, 3), (families[3:], 1), (families[4:], 0), ((), 0)):
        found = replace(second, admirers=Admirers(0.2 if kept else 0.0, kept, 0.5))
        assert len(caring(found)) == count
        assert (check_admirers in check_all(found)) == (count > 0 or not kept)
    for share, is_told in ((0.0, True), (0.049, True), (0.05, False), (0.15, False)):
        found = replace(second, admirers=Admirers(share, (), 0.0))
        assert (check_admirers in check_all(found)) == is_told
        told = " ".join(reason_sentences(found, "fr"))
        assert ("presque personne" in told) == is_told


# --- The conversation -----------------------------------------------------------------------

STEPS = [
    Step(criterion="coworking_min", better=8.0, worse=20.0),
    Step(criterion="ftth_coverage_share", better=0.99, worse=0.815),
    Step(criterion="daily_services_min", better=4.0, worse=11.0),
    Step(criterion="toulouse_min", better=45.0, worse=80.0),
    Step(criterion="house_price_eur_m2", better=1300.0, worse=1850.0),
    Step(criterion="house_rent_eur_m2_month", better=6.5, worse=9.0),
    Step(criterion="density_km2", better=15.0, worse=150.0),
    Step(criterion="hot_days_2030_year", better=21.0, worse=28.0),
    Step(criterion="land_30mbit_share", better=1.0, worse=0.9),
]


def both_figures(step: Step) -> list[tuple[float, float]]:
    scale, half = step_of(CRITERIA[step.criterion].unit)
    return [(step.better * scale, half), (step.worse * scale, half)]


@LANGUAGES
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.criterion)
def test_an_improvement_tells_the_better_figure_then_the_worse(step: Step, language: str) -> None:
    phrase = step_phrase(step, language)
    told_as(phrase, both_figures(step), language)
    is_well_written(f"{phrase[0].upper()}{phrase[1:]}.", language)
    rather = {"fr": " plutôt que ", "en": " rather than "}[language]
    better, worse = phrase.split(rather)
    told_as(better, both_figures(step)[:1], language)
    told_as(worse, both_figures(step)[1:], language)


@LANGUAGES
def test_a_partner_village_is_an_improvement_without_figures(language: str) -> None:
    phrase = step_phrase(Step(criterion="partner_village", better=1.0, worse=0.0), language)
    told_as(phrase, [], language)
    assert {"fr": "village partenaire", "en": "partner village"}[language] in phrase


def test_every_criterion_that_has_figures_can_be_asked_about() -> None:
    said = set()
    for criterion in CRITERIA.values():
        (one, _), *_, (other, _) = criterion.value_function.breakpoints
        step = Step(criterion=criterion.name, better=one, worse=other)
        for language in ("fr", "en"):
            phrase = step_phrase(step, language)
            is_well_written(f"{phrase[0].upper()}{phrase[1:]}.", language)
            said.add(phrase)
    assert len(said) == 2 * len(CRITERIA)


@LANGUAGES
def test_a_question_offers_both_improvements(language: str) -> None:
    for first, other in itertools.pairwise(STEPS):
        sentence = question_sentence(Question(first=first, second=other), language)
        is_well_written(sentence, language)
        assert sentence.endswith("?")
        told_as(sentence, both_figures(first) + both_figures(other), language)
        assert sentence.index(step_phrase(first, language)) < sentence.index(
            step_phrase(other, language)
        )


def asked(territory: Territory, *answers: dict[str, Any]) -> Interview:
    profile = preset_named("paris-web-family").profile
    return interview(territory, profile, answers=parse_answers(answers), draws=DRAWS)


STATION = {"criterion": "station_min", "better": 15.0, "worse": 30.0}
PRICE = {"criterion": "house_price_eur_m2", "better": 1300.0, "worse": 1800.0}


@pytest.fixture(scope="module")
def contradicted(territory: Territory) -> Interview:
    """Return an interview in which one thing was said, and then its contrary."""
    question = {"first": STATION, "second": PRICE}
    return asked(territory, question | {"choice": "first"}, question | {"choice": "second"})


def test_each_state_of_an_interview_has_its_sentence(contradicted: Interview) -> None:
    assert contradicted.state == "contradiction"
    said = set()
    for state in ("ask", "settled", "little_to_gain", "enough", "contradiction"):
        found = replace(contradicted, state=state)
        for language in ("fr", "en"):
            sentence = interview_sentence(found, language)
            is_well_written(sentence, language)
            told_as(sentence, [], language)
            said.add(sentence)
    assert len(said) == 10


def test_answers_that_contradict_are_reconciled_by_name(contradicted: Interview) -> None:
    found = contradicted.contradiction
    assert found is not None
    assert len(found.leave_out) == 1
    said = list(both(lambda language: contradiction_sentences(contradicted, language)))
    assert len(said) == 2 * (1 + len(found.words))
    for language, sentence in said[:2]:
        for criterion in ("station_min", "house_price_eur_m2"):
            assert label_in_sentence(criterion, language) in sentence
        told_as(sentence, [], language)


def test_words_that_would_reconcile_answers_are_told_with_those_they_replace(
    contradicted: Interview,
) -> None:
    words = (
        ("mobility", "important", "indispensable"),
        ("housing", "important", "a_little"),
    )
    found = replace(contradicted, contradiction=Contradiction((0, 1), words))
    said = list(both(lambda language: contradiction_sentences(found, language)))
    assert len(said) == 6
    one, several = (
        contradiction_sentences(replace(found, contradiction=Contradiction(out, ())), "fr")[0]
        for out in ((0,), (0, 1))
    )
    assert "cette réponse" in one
    assert "ces réponses" in several
    told = {
        "fr": (("indispensable", "important"), ("un peu important", "important")),
        "en": (("indispensable", "important"), ("a little important", "important")),
    }
    for number, (language, sentence) in enumerate(said[2:]):
        family = FAMILIES[words[number // 2][0]]
        label = family.label_fr if language == "fr" else family.label_en
        assert re.findall(QUOTED[language], sentence) == [label]
        new, old = told[language][number // 2]
        rest = sentence.split(label)[1]
        assert rest.index(new) < rest.rindex(old)


def test_answers_that_agree_have_nothing_to_reconcile(territory: Territory) -> None:
    agreed = asked(territory, {"first": STATION, "second": PRICE, "choice": "second"})
    assert agreed.contradiction is None
    assert contradiction_sentences(agreed, "fr") == contradiction_sentences(agreed, "en") == ()
    is_well_written(interview_sentence(agreed, "fr"), "fr")


def test_the_same_reasons_are_told_in_the_same_words(second: Reasons) -> None:
    assert reason_sentences(second, "fr") == reason_sentences(second, "fr")
    again = reasons(second.ranking, name_of(second), draws=DRAWS)
    assert reason_sentences(again, "en") == reason_sentences(second, "en")
