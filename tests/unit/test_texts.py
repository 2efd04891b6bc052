from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from api.forms import CHOICES, FAULT_TEXTS, IMPORTANCE_WORDS
from api.texts import NBSP, TEXTS, french_spaces, translator, typeset
from geo_matcher.decision import Status
from geo_matcher.schemas import BEST_TECHNOLOGY
from geo_matcher.territory import SCOPES

API = Path(__file__).parents[2] / "api"

COMPOSED = {
    "fault.": set(FAULT_TEXTS) | {"title", "restart", "field", "key"},
    "importance.": set(IMPORTANCE_WORDS),
    "scope.": set(SCOPES)
    | {"title", "apply", "count", "partners.note", "partners.whole", "network.note", "all.note"},
    "sector.": set(CHOICES["sector"][1]),
    "size.": {"any", "up_to", "from", "between", *CHOICES["size"][1]},
    "status.": {s.label for s in Status} - {"missing", "unreachable"},
    "technology.": {name.removeprefix("mci_best_") for name in BEST_TECHNOLOGY[1:]},
    "tenure.": set(CHOICES["tenure"][1]),
    "track.": set(CHOICES["track"][1]),
    "work.": set(CHOICES["work_mode"][1]),
}
"""Keys that the code puts together from a prefix and a word, and the words that there are."""


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("key", TEXTS)
def test_both_languages_say_it_with_the_same_placeholders(key: str) -> None:
    french, english = TEXTS[key]
    assert french
    assert english
    assert placeholders(french) == placeholders(english)


@pytest.mark.parametrize("key", TEXTS)
def test_french_typography(key: str) -> None:
    text = french_spaces(TEXTS[key][0])
    assert "'" not in text, "the apostrophe is ’"
    assert not re.search(r" [:;?!»%€]", text), "a no-break space stands before : ; ? ! » % €"
    # A colon inside a time-like example (5:1) is no punctuation.
    assert not re.search(r"[^\s\d:][;?!]", text), "a space stands before ; ? !"
    assert "..." not in text


@pytest.mark.parametrize("key", TEXTS)
def test_english_keeps_to_itself(key: str) -> None:
    assert not re.search(r"\s[:;?!]", TEXTS[key][1])


def test_no_text_is_unused_and_none_is_absent() -> None:
    sources = [*API.glob("*.py"), *API.glob("routes/*.py"), *API.glob("templates/*.html")]
    code = "\n".join(p.read_text(encoding="utf-8") for p in sources if p.name != "texts.py")
    composed = {f"{prefix}{word}" for prefix, words in COMPOSED.items() for word in words}
    assert composed <= set(TEXTS)
    for prefix in COMPOSED:
        assert {key for key in TEXTS if key.startswith(prefix)} <= composed
    literal = set(re.findall(r"""["']([a-z_]+(?:\.[a-z0-9_]+)+)["']""", code))
    unused = set(TEXTS) - literal - composed
    assert not unused
    called = set(re.findall(r"""\bt\(\s*["']([^"'{}]+)["']""", code))
    assert called <= set(TEXTS)


def test_texts_come_out_ready_and_filled() -> None:
    assert translator("fr")("results.many", n="47") == "47 villages classés pour vous"
    assert translator("en")("results.many", n="47") == "47 villages ranked for you"
    assert translator("fr")("form.work") == f"Comment travaillez-vous{NBSP}?"
    assert typeset("l'eau : 5 %", "fr") == f"l’eau{NBSP}: 5{NBSP}%"
    assert typeset("the baker's: 5%", "en") == "the baker's: 5%"
