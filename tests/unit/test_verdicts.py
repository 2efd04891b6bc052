"""What is said of villages side by side and of two people: every figure is one of the result."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from geo_matcher.comparison import (
    Comparison,
    CriterionDifference,
    Difference,
    Village,
    compare,
)
from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.duo import Duo, FamilyGap, Favourite, Opposition, SharedVillage, duo
from geo_matcher.duo_limits import Clash, DuoLimit, Side, WayOut
from geo_matcher.matching import NAMES, Ranking, rank
from geo_matcher.numbers import LANGUAGES, NBSP
from geo_matcher.presets import PRESETS
from geo_matcher.profile import CRITERIA_OF, Profile, parse_profile
from geo_matcher.sentences import label_in_sentence
from geo_matcher.territory import Territory
from geo_matcher.verdicts import comparison_sentences, duo_names, duo_sentences

TIE = 0.05  # what rounding to one decimal hides
NAMED = ("Alice", "Hugo")
BENDING = r"(?:\b(?:à|de|du|au|aux|des|que|puisque|lorsque|quoique|jusque|si|ce|ne|se|le|la))"
"""Words that a name beginning with a vowel or an article would change in French."""

COMMUNES_THAT_BEND = ("Auch", "Le Houga", "L'Isle-Jourdain", "Les Islets", "Éauze")

# --- Reading back ------------------------------------------------------------------------------


def number(text: str) -> float:
    """Read a number back as either language writes it."""
    plain = re.sub(r"[\u00a0\u202f\s]", "", text).replace("−", "-")
    return float(plain.replace(",", "."))


def criterion_of(label: str, language: str) -> str:
    """Return the criterion that a label inside a sentence stands for."""
    (found,) = (name for name in CRITERIA if label_in_sentence(name, language) == label)
    return found


def causes_of(text: str, language: str) -> dict[str, float]:
    """Read a list of causes, "gare (+1,9) et Auch (+1,1)"."""
    found = re.findall(r"(.+?) \(\+([\d.,]+)\)(?:, | et | and |$)", text)
    assert "".join(f"{label} (+{points})" for label, points in found) == re.sub(
        r"(?<=\))(?:, | et | and )", "", text
    )
    return {criterion_of(label, language): number(points) for label, points in found}


STANDING = {
    "fr": r"(?P<one>.+) devance (?P<two>.+) de (?P<points>[\d,]+) points?",
    "en": r"(?P<one>.+) is (?P<points>[\d.]+) points ahead of (?P<two>.+)",
}
SIDE = {"fr": rf"Pour (.+){NBSP}: (.+)", "en": r"For (.+): (.+)"}


@pytest.fixture(scope="module")
def rankings(territory: Territory) -> list[Ranking]:
    return [rank(territory, preset.profile) for preset in PRESETS.values()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_figure_of_a_comparison_is_that_of_the_ledger(
    rankings: list[Ranking], language: str
) -> None:
    winners = set()
    for ranking in rankings:
        rows = [*ranking.order[:3].tolist(), ranking.position("Armentieux")]
        for first in (0, 2):
            asked = [rows[first], *rows[:first], *rows[first + 1 :]]
            found = compare(ranking, [ranking.matrix.codes[row] for row in asked])
            said = comparison_sentences(found, language)
            assert len(said) == 3
            for sentence, row in zip(said, asked[1:], strict=True):
                winners.add(_held_to_the_ledger(sentence, ranking, asked[0], row, language))
    assert winners == {"first", "other"}


def _held_to_the_ledger(
    sentence: str, ranking: Ranking, first: int, other: int, language: str
) -> str:
    assert sentence.endswith(".")
    start, *sides = sentence.removesuffix(".").split(". ")
    names = {ranking.territory.facts[row]["name"]: row for row in (first, other)}
    gap = float(ranking.score[first] - ranking.score[other])
    ahead, behind = (first, other) if gap > 0 else (other, first)
    if abs(gap) < TIE:
        assert re.search("presque le même score|nearly the same score", start), sentence
    else:
        read = re.fullmatch(STANDING[language], start)
        assert read, sentence
        assert (names[read["one"]], names[read["two"]]) == (ahead, behind)
        assert abs(number(read["points"]) - abs(gap)) <= TIE + 1e-9
    told: dict[str, float] = {}
    for side in sides:
        split = re.fullmatch(SIDE[language], side)
        assert split, sentence
        sign = 1.0 if names[split[1]] == ahead else -1.0
        told |= {name: sign * points for name, points in causes_of(split[2], language).items()}
    gaps = dict(zip(NAMES, ranking.points[ahead] - ranking.points[behind], strict=True))
    for name, points in told.items():
        assert abs(points - gaps[name]) <= TIE + 1e-9
    assert any(points > 0 for points in told.values())
    widest = sorted((abs(gap) for gap in gaps.values()), reverse=True)
    assert len(told) == 3
    assert abs(max(abs(points) for points in told.values()) - widest[0]) <= TIE + 1e-9
    return "first" if ahead == first else "other"


# --- Every branch of a comparison --------------------------------------------------------------


def village(code: str, name: str, score: float) -> Village:
    return Village(code, name, 1, score, score, score, (), True)


def against(points: dict[str, float], *, score: float | None = None) -> Comparison:
    """Return Auch beside Le Houga, with these points more on each criterion."""
    gap = sum(points.values()) if score is None else score
    ordered = sorted(points.items(), key=lambda item: -abs(item[1]))
    differences = tuple(CriterionDifference(name, value) for name, value in ordered)
    return Comparison(
        release="test",
        scope="all",
        villages=(village("1", "Auch", 50.0 + gap), village("2", "Le Houga", 50.0)),
        origin=None,
        families=(),
        decisive=(Difference("2", differences),),
    )


BRANCHES: dict[str, tuple[Comparison, str, str]] = {
    "ahead, nothing against": (
        against({"station_min": 2.0, "auch_min": 1.04}),
        "Auch devance Le Houga de 3,0 points. Pour Auch\u00a0: gare (+2,0) et Auch (+1,0).",
        "Auch is 3.0 points ahead of Le Houga. For Auch: railway station (+2.0) and Auch (+1.0).",
    ),
    "ahead, something against": (
        against({"station_min": 2.0, "lycee_min": -1.5, "cinema_min": 0.9, "museum_min": 0.8}),
        "Auch devance Le Houga de 2,2 points. Pour Auch\u00a0: gare (+2,0) et cinéma (+0,9). "
        "Pour Le Houga\u00a0: lycée (+1,5).",
        "Auch is 2.2 points ahead of Le Houga. For Auch: railway station (+2.0) and cinema (+0.9). "
        "For Le Houga: upper secondary school (+1.5).",
    ),
    "behind by less than two points, which is singular in French": (
        against({"station_min": -2.4, "lycee_min": 0.6}),
        "Le Houga devance Auch de 1,8 point. Pour Le Houga\u00a0: gare (+2,4). "
        "Pour Auch\u00a0: lycée (+0,6).",
        "Le Houga is 1.8 points ahead of Auch. For Le Houga: railway station (+2.4). "
        "For Auch: upper secondary school (+0.6).",
    ),
    "ahead by many small ones: the winner still has a word": (
        against(
            {"station_min": -1.0, "lycee_min": -0.9, "auch_min": -0.8, "cinema_min": 0.7}
            | {"museum_min": 0.6, "doctor_min": 0.6, "college_min": 0.6, "pau_min": 0.6}
        ),
        "Auch devance Le Houga de 0,4 point. Pour Auch\u00a0: cinéma (+0,7). "
        "Pour Le Houga\u00a0: gare (+1,0) et lycée (+0,9).",
        "Auch is 0.4 points ahead of Le Houga. For Auch: cinema (+0.7). "
        "For Le Houga: railway station (+1.0) and upper secondary school (+0.9).",
    ),
    "behind by many small ones": (
        against(
            {"station_min": 1.0, "lycee_min": 0.9, "auch_min": 0.8, "cinema_min": -0.7}
            | {"museum_min": -0.6, "doctor_min": -0.6, "college_min": -0.6, "pau_min": -0.6}
        ),
        "Le Houga devance Auch de 0,4 point. Pour Le Houga\u00a0: cinéma (+0,7). "
        "Pour Auch\u00a0: gare (+1,0) et lycée (+0,9).",
        "Le Houga is 0.4 points ahead of Auch. For Le Houga: cinema (+0.7). "
        "For Auch: railway station (+1.0) and upper secondary school (+0.9).",
    ),
    "one criterion for it, too small to be told": (
        against({"station_min": -0.3, "lycee_min": 0.04, "auch_min": 0.04}, score=0.06),
        "Auch devance Le Houga de 0,1 point. Pour Le Houga\u00a0: gare (+0,3).",
        "Auch is 0.1 points ahead of Le Houga. For Le Houga: railway station (+0.3).",
    ),
    "the same score": (
        against({"station_min": 1.0, "lycee_min": -1.0}),
        "Auch et Le Houga ont le même score. Pour Auch\u00a0: gare (+1,0). "
        "Pour Le Houga\u00a0: lycée (+1,0).",
        "Auch and Le Houga have the same score. For Auch: railway station (+1.0). "
        "For Le Houga: upper secondary school (+1.0).",
    ),
    "nearly the same score": (
        against({"station_min": 1.0, "lycee_min": -1.02}),
        "Auch et Le Houga ont presque le même score. Pour Le Houga\u00a0: lycée (+1,0). "
        "Pour Auch\u00a0: gare (+1,0).",
        "Auch and Le Houga have nearly the same score. For Le Houga: upper secondary school "
        "(+1.0). For Auch: railway station (+1.0).",
    ),
    "the same points": (
        against({}),
        "Auch et Le Houga ont les mêmes points partout.",
        "Auch and Le Houga have the same points everywhere.",
    ),
    "nearly the same points": (
        against({"station_min": 0.03}),
        "Auch et Le Houga ont presque les mêmes points partout.",
        "Auch and Le Houga have nearly the same points everywhere.",
    ),
    "ahead by trifles": (
        against({"station_min": 0.04, "lycee_min": 0.04}),
        "Auch devance Le Houga de 0,1 point, sans qu'aucun critère ne se détache.",
        "Auch is 0.1 points ahead of Le Houga, with no criterion that stands out.",
    ),
}


@pytest.mark.parametrize("case", BRANCHES)
def test_each_comparison_is_said_in_both_languages(case: str) -> None:
    comparison, french, english = BRANCHES[case]
    assert comparison_sentences(comparison, "fr") == (french,)
    assert comparison_sentences(comparison, "en") == (english,)


def test_each_other_village_has_a_sentence_in_the_order_asked() -> None:
    two = against({"station_min": 2.0})
    three = replace(
        two,
        villages=(*two.villages, village("3", "Condom", 80.0)),
        decisive=(*two.decisive, Difference("3", (CriterionDifference("auch_min", -28.0),))),
    )
    said = comparison_sentences(three, "en")
    assert said[0] == comparison_sentences(two, "en")[0]
    assert said[1] == "Condom is 28.0 points ahead of Auch. For Condom: Auch (+28.0)."


@given(
    st.dictionaries(
        st.sampled_from(list(CRITERIA)),
        st.floats(-8, 8).map(lambda points: round(points, 3)).filter(bool),
        max_size=8,
    )
)
def test_whatever_differs_no_figure_is_made_up(points: dict[str, float]) -> None:
    comparison = against(points)
    gap = comparison.villages[0].score - comparison.villages[1].score
    for language in LANGUAGES:
        (sentence,) = comparison_sentences(comparison, language)
        start, *sides = sentence.removesuffix(".").split(". ")
        if abs(gap) >= TIE:
            read = re.fullmatch(STANDING[language] + "(?:,.*)?", start)
            assert read
            if not sides:  # the last name runs into what follows
                continue
            assert (read["one"] == "Auch") is (gap > 0)
            assert abs(number(read["points"]) - abs(gap)) <= TIE + 1e-9
        seen: dict[str, float] = {}
        for side in sides:
            split = re.fullmatch(SIDE[language], side)
            assert split
            sign = 1.0 if split[1] == "Auch" else -1.0
            seen |= {name: sign * p for name, p in causes_of(split[2], language).items()}
        assert len(seen) <= 3
        for name, shown in seen.items():
            assert shown != 0
            assert abs(shown - points[name]) <= TIE + 1e-9
        notable = {name for name, p in points.items() if abs(p) >= TIE}
        assert bool(seen) is bool(notable)
        if abs(gap) >= TIE and any(points[name] * gap > 0 for name in notable):
            assert any(shown * gap > 0 for shown in seen.values())


# --- Two people --------------------------------------------------------------------------------

PEOPLE = {name: preset.profile for name, preset in PRESETS.items()}
NEAR_TOULOUSE = parse_profile({"name": "Hugo", "limits": {"toulouse_min": {"at_most": 30}}})
FAR_FROM_TOULOUSE = parse_profile({"name": "Alice", "limits": {"toulouse_min": {"at_least": 60}}})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("pair", list(combinations(PEOPLE, 2)))
def test_every_figure_said_of_two_people_is_worked_out_again(
    territory: Territory, pair: tuple[str, str], language: str
) -> None:
    people = PEOPLE[pair[0]], PEOPLE[pair[1]]
    one, two = (rank(territory, person) for person in people)
    said = duo_sentences(duo(territory, *people), duo_names(*people, language), language)
    text = "\n".join(said)
    both = sorted(set(one.order.tolist()) & set(two.order.tolist()))
    regrets = [r.score[r.order[0]] - r.score[both] for r in (one, two)]
    place = int(np.lexsort((regrets[0] + regrets[1], np.maximum(*regrets)))[0])
    compromise = territory.facts[both[place]]["name"]
    beaten = [
        any(
            a <= c + 1e-9 and b <= d + 1e-9 and (a < c - 1e-9 or b < d - 1e-9)
            for a, b in zip(*regrets, strict=True)
        )
        for c, d in zip(*regrets, strict=True)
    ]
    of = "sur" if language == "fr" else "of"
    assert f": {len(both) - sum(beaten)} {of} {len(both)}." in text
    favourites = [territory.facts[r.order[0]]["name"] for r in (one, two)]
    if favourites[0] == favourites[1]:
        same = "le même village" if language == "fr" else "both choose"
        assert same in said[0]
        assert favourites[0] in said[0]
    else:
        for sentence, ranking, favourite, who in zip(
            said, (one, two), favourites, pair, strict=False
        ):
            assert sentence.lower().startswith(who)
            assert favourite in sentence
            (shown,) = re.findall(r"\(([\d.,]+) points?\)", sentence)
            assert abs(number(shown) - ranking.score[ranking.order[0]]) <= TIE + 1e-9
        assert compromise in said[2]
        told = re.findall(r"(\S+) (?:y perd|loses) ([\d.,]+)", said[2])
        expected = [
            (who, round(float(regret[place]), 1))
            for who, regret in zip(pair, regrets, strict=True)
            if regret[place] >= TIE
        ]
        assert [(who, number(amount)) for who, amount in told] == expected
        nothing = re.findall(r"(?:n'y perd|loses) (rien|nothing)", said[2])
        assert len(nothing) == sum(float(regret[place]) <= 1e-9 for regret in regrets)
    ranks = [rankdata(r.score[r.in_scope].round(9)) for r in (one, two)]
    agreement = np.asarray(np.corrcoef(np.array(ranks)))[0, 1]
    (shown,) = re.findall(r"orr[ée]lation ([−\d.,]+)\)", text)
    assert abs(number(shown) - agreement) <= TIE + 1e-9
    _held_to_the_weights(text, pair, people, language)


def _held_to_the_weights(
    text: str, pair: tuple[str, str], people: tuple[Profile, Profile], language: str
) -> None:
    family = rf"(?:«{NBSP}(.+?){NBSP}»|“(.+?)”)"
    weighs = rf"{family} (?:pèse|weighs) ([\d.,]+){NBSP}?% (?:pour|for) (\S+), "
    weighs += rf"([\d.,]+){NBSP}?% (?:pour|for) (\S+)\."
    labels = {(f.label_fr if language == "fr" else f.label_en): f.name for f in FAMILIES.values()}
    gaps = {
        name: [
            100 * sum(person.weights[NAMES.index(c)] for c in CRITERIA_OF[name])
            for person in people
        ]
        for name in FAMILIES
    }
    told = re.findall(weighs, text)
    widest = sorted((abs(a - b) for a, b in gaps.values()), reverse=True)
    assert len(told) == sum(gap >= 5.0 for gap in widest[:2])
    for french, english, high, more, low, less in told:
        weights = dict(zip(pair, gaps[labels[french or english]], strict=True))
        assert weights[more] > weights[less]
        assert abs(number(high) - weights[more]) <= TIE + 1e-9
        assert abs(number(low) - weights[less]) <= TIE + 1e-9


def shared(
    name: str = "Auch", regrets: tuple[float, float] = (0.0, 0.0), *, best: bool = True
) -> SharedVillage:
    scores = 80.0 - regrets[0], 70.0 - regrets[1]
    return SharedVillage(
        "32013",
        name,
        1,
        *scores,
        (scores[0], scores[0]),
        (scores[1], scores[1]),
        1,
        1,
        *regrets,
        max(regrets),
        best,
        (),
        (),
    )


def favourite(name: str, score: float, code: str = "32013") -> Favourite:
    return Favourite(code, name, score, score, 0.0, ())


NOTHING = Duo(
    release="test",
    scope="all",
    in_scope=3,
    accepted_first=0,
    accepted_second=0,
    best_first=None,
    best_second=None,
    villages=(),
    limits_first=(),
    limits_second=(),
    clashes=(),
    ways_out=(),
    agreement=None,
    oppositions=(),
    family_gaps=(),
)
NO_VILLAGE = (
    "Aucun village ne respecte à la fois toutes les limites de l'un et de l'autre profil.",
    "No village keeps within all the limits of both.",
)


def limit(criterion: str, figure: float, *, most: bool, of: Side = "first") -> DuoLimit:
    return DuoLimit(of, criterion, figure, most)


NEAR = limit("station_min", 20, most=True)
CHEAP = limit("house_price_eur_m2", 1500, most=True, of="second")
FIBRE = limit("ftth_coverage_share", 0.85, most=False, of="second")
PARTNER = limit("partner_village", 1, most=False)
NO_PARTNER = limit("partner_village", 0, most=True, of="second")
UNBEATEN = (
    "Villages qu'aucun autre ne bat pour les deux à la fois\u00a0: 1 sur 1.",
    "Villages that no other beats for both at once: 1 of 1.",
)

DUOS: dict[str, tuple[Duo, list[str], list[str]]] = {
    "nothing for either": (NOTHING, [NO_VILLAGE[0]], [NO_VILLAGE[1]]),
    "one accepts something": (
        replace(NOTHING, best_second=favourite("Le Houga", 1.96)),
        ["Hugo, de son côté, choisirait Le Houga (2,0 points).", NO_VILLAGE[0]],
        ["Hugo alone would choose Le Houga (2.0 points).", NO_VILLAGE[1]],
    ),
    "the same choice": (
        replace(
            NOTHING,
            best_first=favourite("Auch", 80),
            best_second=favourite("Auch", 70),
            villages=(shared(),),
        ),
        ["Séparément, Alice et Hugo choisiraient le même village\u00a0: Auch.", UNBEATEN[0]],
        ["Alice and Hugo would both choose Auch, each alone.", UNBEATEN[1]],
    ),
    "another first of a tie": (
        replace(
            NOTHING,
            best_first=favourite("Auch", 1.9),
            best_second=favourite("Pau", 70, "32999"),
            villages=(shared(regrets=(0.0, 0.0)),),
        ),
        [
            "Alice, de son côté, choisirait Auch (1,9 point).",
            "Hugo, de son côté, choisirait Pau (70,0 points).",
            "Le meilleur compromis est Auch\u00a0: Alice n'y perd rien, Hugo n'y perd rien.",
            UNBEATEN[0],
        ],
        [
            "Alice alone would choose Auch (1.9 points).",
            "Hugo alone would choose Pau (70.0 points).",
            "The best compromise is Auch: Alice loses nothing, Hugo loses nothing.",
            UNBEATEN[1],
        ],
    ),
    "a compromise that costs both": (
        replace(
            NOTHING,
            best_first=favourite("Auch", 80),
            best_second=favourite("Pau", 70, "32999"),
            villages=(shared("Condom", (1.94, 2.5)), shared("Auch", (0.0, 9.0), best=False)),
        ),
        [
            "Alice, de son côté, choisirait Auch (80,0 points).",
            "Hugo, de son côté, choisirait Pau (70,0 points).",
            "Le meilleur compromis est Condom\u00a0: Alice y perd 1,9 point sur son village "
            "préféré, Hugo y perd 2,5 points.",
            "Villages qu'aucun autre ne bat pour les deux à la fois\u00a0: 1 sur 2.",
        ],
        [
            "Alice alone would choose Auch (80.0 points).",
            "Hugo alone would choose Pau (70.0 points).",
            "The best compromise is Condom: Alice loses 1.9 points against their favourite "
            "village, Hugo loses 2.5 points.",
            "Villages that no other beats for both at once: 1 of 2.",
        ],
    ),
    "a compromise that costs one a trifle": (
        replace(
            NOTHING,
            best_first=favourite("Auch", 80),
            best_second=favourite("Pau", 70, "32999"),
            villages=(shared("Condom", (0.03, 2.5)),),
        ),
        [
            "Alice, de son côté, choisirait Auch (80,0 points).",
            "Hugo, de son côté, choisirait Pau (70,0 points).",
            "Le meilleur compromis est Condom\u00a0: Alice n'y perd presque rien, Hugo y perd "
            "2,5 points sur son village préféré.",
            UNBEATEN[0],
        ],
        [
            "Alice alone would choose Auch (80.0 points).",
            "Hugo alone would choose Pau (70.0 points).",
            "The best compromise is Condom: Alice loses hardly anything, Hugo loses 2.5 points "
            "against their favourite village.",
            UNBEATEN[1],
        ],
    ),
    "ways out, two of them": (
        replace(
            NOTHING,
            ways_out=(
                WayOut((NEAR,), 12, 0.0),
                WayOut((FIBRE, CHEAP), 1, 0.0),
                WayOut((PARTNER,), 1, 0.0),
            ),
        ),
        [
            NO_VILLAGE[0],
            "Sans la limite «\u00a0gare, au plus 20\u00a0min\u00a0» (Alice), il reste 12 villages.",
            "Sans la limite «\u00a0fibre, au moins 85\u00a0%\u00a0» (Hugo) et la limite "
            "«\u00a0prix d'achat, au plus 1\u202f500\u00a0€/m²\u00a0» (Hugo), il reste 1 village.",
        ],
        [
            NO_VILLAGE[1],
            "Without the limit “railway station, at most 20\u00a0min” (Alice), 12 villages are "
            "left.",
            "Without the limit “fibre, at least 85%” (Hugo) and the limit “purchase price, at "
            "most €1,500/m²” (Hugo), 1 village is left.",
        ],
    ),
    "limits that clash": (
        replace(
            NOTHING,
            clashes=(Clash(PARTNER, NO_PARTNER, True, 0), Clash(NEAR, FIBRE, False, 0)),
        ),
        [
            NO_VILLAGE[0],
            "Aucun chiffre ne satisfait à la fois la limite «\u00a0village partenaire\u00a0: "
            "oui\u00a0» (Alice) et la limite «\u00a0village partenaire\u00a0: non\u00a0» (Hugo).",
            "Aucune de ces communes ne satisfait à la fois la limite «\u00a0gare, au plus "
            "20\u00a0min\u00a0» (Alice) et la limite «\u00a0fibre, au moins 85\u00a0%\u00a0» "
            "(Hugo).",
        ],
        [
            NO_VILLAGE[1],
            "No figure satisfies both the limit “partner village: yes” (Alice) and the limit "
            "“partner village: no” (Hugo).",
            "None of these communes satisfies both the limit “railway station, at most "
            "20\u00a0min” (Alice) and the limit “fibre, at least 85%” (Hugo).",
        ],
    ),
    "wishes that differ": (
        replace(
            NOTHING,
            agreement=-0.26,
            family_gaps=(
                FamilyGap("work", 0.05, 0.25),
                FamilyGap("health", 0.2, 0.149),
                FamilyGap("housing", 0.3, 0.2),
            ),
            oppositions=(
                Opposition("cinema_min", "house_price_eur_m2", -0.5, 40, 0.1),
                Opposition("population", "population", -0.5, 40, 0.1),
            ),
        ),
        [
            NO_VILLAGE[0],
            "Vos deux classements s'opposent (corrélation −0,3).",
            "«\u00a0Travailler\u00a0» pèse 25\u00a0% pour Hugo, 5\u00a0% pour Alice.",
            "«\u00a0Santé\u00a0» pèse 20\u00a0% pour Alice, 14,9\u00a0% pour Hugo.",
            "Ici, ce que veut Alice (cinéma) va rarement avec ce que veut Hugo (prix d'achat).",
        ],
        [
            NO_VILLAGE[1],
            "Your two rankings pull apart (correlation −0.3).",
            "“Work” weighs 25% for Hugo, 5% for Alice.",
            "“Health” weighs 20% for Alice, 14.9% for Hugo.",
            "Here, what Alice wants (cinema) rarely goes with what Hugo wants (purchase price).",
        ],
    ),
    "opposite wishes on one thing, and a gap not worth a word": (
        replace(
            NOTHING,
            agreement=0.7,
            family_gaps=(FamilyGap("work", 0.1, 0.14),),
            oppositions=(Opposition("population", "population", -0.5, 40, 0.1),),
        ),
        [
            NO_VILLAGE[0],
            "Vos deux classements se ressemblent (corrélation 0,7).",
            "Sur un point, vos attentes sont contraires\u00a0: taille de la commune.",
        ],
        [
            NO_VILLAGE[1],
            "Your two rankings are alike (correlation 0.7).",
            "On one point you expect opposite things: size of the commune.",
        ],
    ),
}


@pytest.mark.parametrize("case", DUOS)
def test_each_duo_is_said_in_both_languages(case: str) -> None:
    found, french, english = DUOS[case]
    assert list(duo_sentences(found, NAMED, "fr")) == french
    assert list(duo_sentences(found, NAMED, "en")) == english


@pytest.mark.parametrize(
    ("agreement", "shown", "word"),
    [
        (1.0, "1.0", "alike"),
        (0.66, "0.7", "alike"),
        (0.64, "0.6", "meet in part"),
        (0.16, "0.2", "meet in part"),
        (0.14, "0.1", "pull apart"),
        (-0.02, "0.0", "pull apart"),
        (-1.0, "−1.0", "pull apart"),
    ],
)
def test_the_word_for_an_agreement_goes_with_the_figure_shown(
    agreement: float, shown: str, word: str
) -> None:
    said = duo_sentences(replace(NOTHING, agreement=agreement), NAMED, "en")[-1]
    assert said == f"Your two rankings {_are(word)} (correlation {shown})."


def _are(word: str) -> str:
    return f"are {word}" if word == "alike" else word


def test_limits_that_cannot_both_be_kept_are_told_from_the_shipped_data(
    territory: Territory,
) -> None:
    found = duo(territory, FAR_FROM_TOULOUSE, NEAR_TOULOUSE)
    names = duo_names(FAR_FROM_TOULOUSE, NEAR_TOULOUSE, "en")
    said = duo_sentences(found, names, "en")
    assert names == NAMED
    accepted = len(rank(territory, FAR_FROM_TOULOUSE))
    assert not len(rank(territory, NEAR_TOULOUSE))
    assert (
        f"Without the limit “Toulouse, at most 30\u00a0min” (Hugo), {accepted} villages are left."
        in said
    )
    assert (
        "No figure satisfies both the limit “Toulouse, at least 60\u00a0min” (Alice) and the limit "
        "“Toulouse, at most 30\u00a0min” (Hugo)." in said
    )


# --- Names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "french", "english"),
    [
        ("Alice", "Hugo", ("Alice", "Hugo"), ("Alice", "Hugo")),
        (" Alice\n", "Hugo  B.", ("Alice", "Hugo B."), ("Alice", "Hugo B.")),
        ("Alice", "", ("la personne A", "la personne B"), ("person A", "person B")),
        ("Alice", "  ", ("la personne A", "la personne B"), ("person A", "person B")),
        ("Hugo", "Hugo", ("la personne A", "la personne B"), ("person A", "person B")),
        ("Hugo", "Hu\x07go", ("Hugo", "Hu go"), ("Hugo", "Hu go")),
        ("\x1b[31mA", "[bold]B", ("[31mA", "[bold]B"), ("[31mA", "[bold]B")),
    ],
)
def test_two_people_are_called_by_their_names_or_by_a_letter(
    first: str, second: str, french: tuple[str, str], english: tuple[str, str]
) -> None:
    people = parse_profile({"name": first}), parse_profile({"name": second})
    assert duo_names(*people, "fr") == french
    assert duo_names(*people, "en") == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_begins_with_a_capital_whoever_is_named(language: str) -> None:
    names = duo_names(parse_profile({}), parse_profile({}), language)
    found = DUOS["a compromise that costs both"][0]
    first, second, *_ = duo_sentences(found, names, language)
    assert first.startswith(("La personne A,", "Person A alone"))
    assert second.startswith(("La personne B,", "Person B alone"))


def _all_sentences(language: str, commune: str, names: tuple[str, str]) -> list[str]:
    said: list[str] = []
    for comparison, *_ in BRANCHES.values():
        renamed = tuple(replace(v, name=commune) for v in comparison.villages)
        said += comparison_sentences(replace(comparison, villages=renamed), language)
    for found, *_ in DUOS.values():
        villages = tuple(replace(v, name=commune) for v in found.villages)
        best = [b and replace(b, name=commune) for b in (found.best_first, found.best_second)]
        renamed_duo = replace(found, villages=villages, best_first=best[0], best_second=best[1])
        said += duo_sentences(renamed_duo, names, language)
    return said


def test_no_name_in_french_asks_for_an_elision_or_a_contraction(territory: Territory) -> None:
    names = {facts["name"] for facts in territory.facts} | set(COMMUNES_THAT_BEND)
    assert len(names) > 450
    people = ("Étienne", "Hugo")
    for name in names:
        for said in _all_sentences("fr", name, people):
            for who in (name, *people):
                bent = re.search(rf"{BENDING} {re.escape(who)}", said, re.IGNORECASE)
                assert bent is None, said
    assert any("Le Houga" in said for said in _all_sentences("fr", "Le Houga", people))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_typeset_in_its_language(language: str) -> None:
    said = _all_sentences(language, "Auch", NAMED)
    assert len(said) > 40
    for sentence in said:
        assert sentence == sentence.strip()
        assert "  " not in sentence
        assert sentence.endswith(".")
        assert not re.search(r"[-+−]0[.,]0\b", sentence), sentence
        assert not re.search(r"(?<!\w)-\d", sentence), sentence
        if language == "fr":
            assert not re.search(rf"[^{NBSP}][:;?!»]", sentence), sentence
            assert not re.search(rf"«[^{NBSP}]", sentence), sentence
            assert not re.search(r"\d\.\d|[“”]", sentence), sentence
        else:
            assert not re.search(r"«|»|\d,\d\b(?!\d)", sentence), sentence
            assert f"{NBSP}:" not in sentence
