from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from geo_matcher.criteria import CRITERIA, Unit
from geo_matcher.decision import Status
from geo_matcher.figure_years import PRICE
from geo_matcher.matching import Ranking, rank
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile
from geo_matcher.sentences import (
    PRICE_WORDS,
    band_phrase,
    chance_phrase,
    explain,
    label_in_sentence,
    listed,
    miss_phrase,
    raw_phrase,
    tie_sentence,
)
from geo_matcher.territory import Territory

LANGUAGES = pytest.mark.parametrize("language", ["fr", "en"])
NAMES = list(CRITERIA)
NBSP = "\u00a0"
AT_MOST = {"fr": r"(.+) au plus", "en": r"at most (.+)"}
FIGURE = {"fr": r"[\d\u202f]+(?:,\d+)?", "en": r"[\d,]+(?:\.\d+)?"}


@pytest.fixture(scope="module", params=PRESETS)
def ranking(request: pytest.FixtureRequest, territory: Territory) -> Ranking:
    return rank(territory, PRESETS[request.param].profile, "all")


def figure_in(text: str, language: str) -> float:
    """Read the one figure of a text back."""
    (found,) = re.findall(FIGURE[language], text)
    thousands, decimal = ("\u202f", ",") if language == "fr" else (",", ".")
    return float(found.replace(thousands, "").replace(decimal, "."))


def figure_of(phrase: str, column: int, language: str) -> tuple[float, bool]:
    """Return the figure that a phrase tells, and whether it is told as an upper bound."""
    criterion = CRITERIA[NAMES[column]]
    template = criterion.phrase_fr if language == "fr" else criterion.phrase_en
    if criterion.name == PRICE:  # all prices of this release are means
        template = PRICE_WORDS[language]["mean"]
    match = re.fullmatch(re.escape(template).replace(r"\{raw\}", "(.+)"), phrase)
    assert match, phrase
    bound = re.fullmatch(AT_MOST[language], match[1])
    figure = figure_in(bound[1] if bound else match[1], language)
    return (figure / 100 if criterion.unit is Unit.SHARE else figure), bound is not None


def told(ranking: Ranking, language: str) -> Iterator[tuple[str, int, int]]:
    """Return every phrase shown for the first forty communes, with its row and column."""
    for row in ranking.order[:40].tolist():
        said = explain(ranking, row, language)
        for phrases, columns in ((said.helps, ranking.helps), (said.drags, ranking.drags)):
            kept = [int(k) for k in columns[row] if k >= 0]
            assert len(phrases) == len(kept)
            yield from ((phrase, row, k) for phrase, k in zip(phrases, kept, strict=True))


@LANGUAGES
def test_the_figures_of_the_sentences_are_those_of_the_ledger(
    ranking: Ranking, language: str
) -> None:
    count = 0
    for phrase, row, k in told(ranking, language):
        criterion = CRITERIA[NAMES[k]]
        ledger = {c["criterion"]: c for c in ranking.result(row)["contributions"]}
        raw = ledger[criterion.name]["raw"]
        if criterion.unit is Unit.YES_NO:
            continue
        shown, is_bound = figure_of(phrase, k, language)
        step = {Unit.SHARE: 0.001, Unit.EUR_M2_MONTH: 0.05}.get(criterion.unit, 0.5)
        assert abs(shown - raw) <= step + 1e-9, (phrase, raw)
        assert is_bound == (ledger[criterion.name]["status"] == "upper_bound")
        count += 1
    assert count > 40


@LANGUAGES
def test_the_interval_of_the_score_is_that_of_the_ledger(ranking: Ranking, language: str) -> None:
    for row in ranking.order[:40].tolist():
        sentence = explain(ranking, row, language).completeness
        low, high = ranking.score_min[row], ranking.score_max[row]
        if high - low < 0.05:
            assert sentence == ""
            continue
        pattern = {
            "fr": r"Le score peut aller de (.+) à (.+), selon ce que nous ignorons\.",
            "en": r"The score may lie between (.+) and (.+), with what we do not know\.",
        }[language]
        match = re.fullmatch(pattern, sentence)
        assert match, sentence
        assert figure_in(match[1], language) == pytest.approx(low, abs=0.0501)
        assert figure_in(match[2], language) == pytest.approx(high, abs=0.0501)


@LANGUAGES
def test_what_is_missing_or_bounded_is_named_and_nothing_else(
    ranking: Ranking, language: str
) -> None:
    for row in ranking.order[:40].tolist():
        said, result = explain(ranking, row, language), ranking.result(row)
        bounded = [c["criterion"] for c in result["contributions"] if c["status"] == "upper_bound"]
        unknown = [name for name in result["missing"] if name != "partner_village"]
        estimate = {
            "fr": f"Village partenaire{NBSP}: à confirmer par le réseau.",
            "en": "Partner village: to be confirmed by the network.",
        }[language]
        assert (estimate in said.missing) == ("partner_village" in result["missing"])
        missing = said.missing.removesuffix(estimate).rstrip()
        for sentence, names in ((missing, unknown), (said.bounds, bounded)):
            labels = [CRITERIA[n].label_fr if language == "fr" else CRITERIA[n].label_en
                      for n in names]  # fmt: skip
            assert bool(sentence) == bool(labels)
            if labels:
                listed = sentence.rstrip(".").split(": ", 1)[1].split(", ")
                assert [item.casefold() for item in listed] == [x.casefold() for x in labels]


@LANGUAGES
def test_every_sentence_is_typeset_in_its_language(ranking: Ranking, language: str) -> None:
    for row in ranking.order[:40].tolist():
        said = explain(ranking, row, language)
        for text in (said.summary, said.missing, said.bounds, said.completeness):
            assert "  " not in text
            assert text == text.strip()
            assert text == "" or (text.endswith(".") and text[0] == text[0].upper())
            if language == "fr":
                assert not re.search(r"(?<!\u00a0)[:;?!%]", text), text
            else:
                assert not re.search(r"\s[:;?!%]", text), text


def test_the_summary_sets_what_helps_against_what_drags(territory: Territory) -> None:
    ranking = rank(territory, PRESETS["toulouse-consultant"].profile, "all")
    row = next(
        r for r in ranking.order.tolist() if (ranking.helps[r] >= 0).all()
        and (ranking.drags[r] >= 0).all()
    )  # fmt: skip
    for language, join, but in (
        ("fr", " et ", f"{NBSP}; en revanche, "),
        ("en", " and ", "; on the other hand, "),
    ):
        said = explain(ranking, row, language)
        text = join.join(said.helps) + but + join.join(said.drags)
        assert said.summary == text[0].upper() + text[1:] + "."
        assert len(said.helps) == len(said.drags) == 2


def with_values(ranking: Ranking, value: float) -> Ranking:
    """Return a ranking in which every criterion of every commune has the same value."""
    values = np.full_like(ranking.values, value)
    return replace(ranking, values=values, points=values * ranking.weights * 100)


@pytest.mark.parametrize(
    ("value", "french", "english"),
    [
        (0.55, "Rien ne se détache dans un sens ni dans l'autre.",
         "Nothing stands out either way."),
        (0.95, None, None),
        (0.05, None, None),
    ],
)  # fmt: skip
def test_the_summary_says_so_when_nothing_stands_out(
    territory: Territory, value: float, french: str | None, english: str | None
) -> None:
    ranking = with_values(rank(territory, Profile(), "all"), value)
    for language, expected in (("fr", french), ("en", english)):
        said = explain(ranking, 0, language)
        if expected:
            assert said.summary == expected
        one_side = said.helps or said.drags
        assert bool(said.helps) == (value > 0.6)
        assert bool(said.drags) == (value < 0.5)
        assert len(re.findall("revanche|other hand", said.summary)) == 0
        assert all(phrase[1:] in said.summary for phrase in one_side)


def test_partnership_is_told_in_words(territory: Territory) -> None:
    ranking = rank(territory, Profile(), "all")
    k = NAMES.index("partner_village")
    sourced, none = ranking.position("32249"), ranking.position("32002")
    rebuilt = next(
        ranking.position(code)
        for code, how in territory.partner_evidence.items()
        if how == "reconstructed"
    )
    assert raw_phrase(ranking, sourced, k, "fr") == "village partenaire du réseau"
    assert raw_phrase(ranking, sourced, k, "en") == "partner village of the network"
    assert raw_phrase(ranking, none, k, "fr") == "hors des villages partenaires connus"
    assert raw_phrase(ranking, rebuilt, k, "fr") == f"village partenaire{NBSP}: inconnu"
    assert raw_phrase(ranking, rebuilt, k, "en") == "partner village: unknown"


@LANGUAGES
def test_an_upper_bound_says_so(territory: Territory, language: str) -> None:
    ranking = rank(territory, Profile(), "all")
    k = NAMES.index("lycee_min")
    row = int(np.flatnonzero(ranking.matrix.status[:, k] == Status.UPPER_BOUND)[0])
    minutes = round(ranking.matrix.raw[row, k])
    assert (
        raw_phrase(ranking, row, k, language)
        == {
            "fr": f"un lycée à {minutes}{NBSP}min au plus",
            "en": f"an upper secondary school at most {minutes}{NBSP}min away",
        }[language]
    )


@LANGUAGES
def test_only_proper_names_keep_their_capital_in_a_list(
    territory: Territory, language: str
) -> None:
    ranking = rank(territory, Profile(), "all")
    raw = np.full_like(ranking.matrix.raw, np.nan)
    blind = replace(ranking, matrix=replace(ranking.matrix, raw=raw), weights=np.ones(len(NAMES)))
    sentence = explain(blind, 0, language).missing
    listed = sentence.split(": ", 1)[1].rstrip(".").split(", ")
    capital = {item for item in listed if item[0].isupper()}
    towns = {"Auch", "Toulouse", "Agen", "Tarbes", "Mont-de-Marsan", "Pau", "Montauban"}
    assert capital - towns == ({"France services desk"} if language == "en" else set())
    assert capital >= towns


@pytest.mark.parametrize(
    ("name", "by", "french", "english"),
    [
        ("station_min", 5.2, "Gare : manqué de 5 min", "Railway station: missed by 5 min"),
        ("station_min", 0.3, "Gare : manqué de peu", "Railway station: narrowly missed"),
        ("station_min", None, "Gare : hors d'atteinte", "Railway station: out of reach"),
        ("population", 1.0, "Taille de la commune : manqué de 1 habitant",
         "Size of the commune: missed by 1 inhabitant"),
        ("ftth_coverage_share", 0.031, "Fibre : manqué de 3,1 points",
         "Fibre: missed by 3.1 points"),
        ("ftth_coverage_share", 0.0001, "Fibre : manqué de peu", "Fibre: narrowly missed"),
        ("house_price_eur_m2", 1250.0, "Prix d'achat : manqué de 1 250 €/m²",
         "Purchase price: missed by €1,250/m²"),
        ("partner_village", 1.0, "Village partenaire : condition non remplie",
         "Partner village: condition not met"),
    ],
)  # fmt: skip
def test_a_missed_limit_is_told_with_its_amount(
    name: str, by: float | None, french: str, english: str
) -> None:
    spaces = str.maketrans({NBSP: " ", "\u202f": " "})
    assert miss_phrase(name, by, "fr").translate(spaces) == french
    assert miss_phrase(name, by, "en").translate(spaces) == english
    assert f"{NBSP}: " in miss_phrase(name, by, "fr")


def test_amounts_of_the_near_misses_are_those_of_the_ledger(territory: Territory) -> None:
    ranking = rank(territory, PRESETS["lyon-trainer"].profile, "all")
    for miss in ranking.near_misses():
        assert math.isfinite(miss["by"])
        if miss["by"] >= 0.5:
            said = figure_in(miss_phrase(miss["criterion"], miss["by"], "fr"), "fr")
            assert said == pytest.approx(miss["by"], abs=0.5)


# --- Figures that are no figures ------------------------------------------------------------


@LANGUAGES
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (math.nan, {"fr": "inconnu", "en": "unknown"}),
        (math.inf, {"fr": "hors d'atteinte", "en": "out of reach"}),
    ],
)
def test_what_is_unknown_or_out_of_reach_is_told_in_words(
    everywhere: Ranking, name: str, language: str, figure: float, words: dict[str, str]
) -> None:
    raw = np.full_like(everywhere.matrix.raw, figure)
    blind = replace(everywhere, matrix=replace(everywhere.matrix, raw=raw))
    phrase = raw_phrase(blind, 0, NAMES.index(name), language)
    label, colon = label_in_sentence(name, language), {"fr": f"{NBSP}: ", "en": ": "}[language]
    assert phrase == f"{label}{colon}{words[language]}"
    assert not re.search(r"\b(nan|inf)\b|\{", phrase)


@pytest.fixture(scope="module")
def everywhere(territory: Territory) -> Ranking:
    return rank(territory, Profile(), "all")


@pytest.mark.parametrize(
    ("name", "french", "english"),
    [
        ("station_min", "gare", "railway station"),
        ("primary_school_min", "école élémentaire", "primary school"),
        ("france_services_min", "maison France services", "France services desk"),
        ("land_30mbit_share", "30 Mbit/s sans satellite", "30 Mbit/s without satellite"),
        ("auch_min", "Auch", "Auch"),
        ("mont_de_marsan_min", "Mont-de-Marsan", "Mont-de-Marsan"),
    ],
)
def test_a_label_inside_a_sentence_has_a_capital_only_for_a_name(
    name: str, french: str, english: str
) -> None:
    assert label_in_sentence(name, "fr") == french
    assert label_in_sentence(name, "en") == english


def test_labels_differ_from_the_catalogue_by_their_capital_alone() -> None:
    for name, criterion in CRITERIA.items():
        for language, label in (("fr", criterion.label_fr), ("en", criterion.label_en)):
            assert label_in_sentence(name, language)[1:] == label[1:]
            assert label_in_sentence(name, language)[0].lower() == label[0].lower()


# --- How sure a rank is ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "french", "english"),
    [
        (0.0, "presque jamais", "hardly ever"),
        (0.0499, "presque jamais", "hardly ever"),
        (0.05, "une fois sur 10", "once in 10"),
        (0.149, "une fois sur 10", "once in 10"),
        (0.151, "2 fois sur 10", "2 times in 10"),
        (0.5, "5 fois sur 10", "5 times in 10"),
        (0.849, "8 fois sur 10", "8 times in 10"),
        (0.9499, "9 fois sur 10", "9 times in 10"),
        (0.95, "presque toujours", "nearly always"),
        (1.0, "presque toujours", "nearly always"),
    ],
)
def test_odds_are_told_as_so_many_times_in_ten(share: float, french: str, english: str) -> None:
    assert chance_phrase(share, "fr").replace(NBSP, " ") == french
    assert chance_phrase(share, "en") == english


def test_odds_are_told_within_half_a_tenth_and_in_their_order() -> None:
    shares = np.linspace(0.05, 0.9499, 500).tolist()
    for language in ("fr", "en"):
        told = []
        for share in shares:
            phrase = re.sub("^(une|once)", "1", chance_phrase(share, language))
            times, out_of = re.findall(r"\d+", phrase)
            assert out_of == "10"
            assert abs(int(times) / 10 - share) <= 0.05 + 1e-12
            told.append(int(times))
        assert told == sorted(told)
        assert set(told) == set(range(1, 10))
    assert re.search(r"\d\u00a0fois sur\u00a010", chance_phrase(0.5, "fr"))


@pytest.mark.parametrize(
    ("low", "high", "count", "french", "english"),
    [
        (2, 11, 47, "rang 2 à 11 sur 47", "rank 2 to 11 of 47"),
        (3, 3, 458, "rang 3 sur 458", "rank 3 of 458"),
        (1, 1, 1, "rang 1 sur 1", "rank 1 of 1"),
    ],
)
def test_a_band_of_ranks_tells_both_ends_once(
    low: int, high: int, count: int, french: str, english: str
) -> None:
    assert band_phrase(low, high, count, "fr") == french
    assert band_phrase(low, high, count, "en") == english


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["Auch"], "Auch"),
        (["Auch", "Le Houga"], "Auch et Le Houga"),
        (["Auch", "Le Houga", "L'Isle-Jourdain"], "Auch, Le Houga et L'Isle-Jourdain"),
    ],
)
def test_names_are_joined_as_in_a_sentence(names: list[str], expected: str) -> None:
    assert listed(names, "et") == expected
    assert listed(tuple(names), "and") == expected.replace(" et ", " and ")


@LANGUAGES
def test_a_tie_names_every_commune_once_and_bends_none(territory: Territory, language: str) -> None:
    names = [facts["name"] for facts in territory.facts]
    for start in range(0, len(names) - 3, 3):
        group = names[start : start + 2 + start % 2]
        sentence = tie_sentence(group, language)
        places = [sentence.index(name) for name in group]
        assert places == sorted(places)
        assert listed(group, {"fr": "et", "en": "and"}[language]) in sentence
        assert sentence.endswith(".")
        assert not re.search(r"\d|  ", sentence)
        if language == "fr":
            assert not re.search(r"(?<!\u00a0)[:;?!]", sentence)
            assert not re.search(rf"\b(?:à|de|que) {re.escape(group[0])}", sentence)
        else:
            assert not re.search(r"\s[:;?!]", sentence)
